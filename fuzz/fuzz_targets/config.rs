//! A configuration file of any content: a configuration that can be built, or problems in words.

#![no_main]

use driftless::config::{Config, Input};
use driftless::net::http::Http;
use driftless::provider::Tools;
use driftless_fuzz::target;

target!(|text: &str| {
    let input = Input { files: vec![("fuzz.toml".into(), text.to_owned())], ..Input::default() };
    match Config::load(&input) {
        Ok(config) => {
            let _ = config.check_accounts(&Tools { http: Http::new(None) });
            for warning in &config.warnings {
                assert!(!warning.to_string().is_empty());
            }
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
});
