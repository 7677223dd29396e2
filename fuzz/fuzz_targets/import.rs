//! Another updater's file: any content is read or refused, and what is written of it our own reading takes.

#![no_main]

use std::path::{Path, PathBuf};

use driftless::config::{Config, Input};
use driftless::import::{Tool, import};
use libfuzzer_sys::fuzz_target;

// The first octet says whose file it is.
fuzz_target!(|octets: &[u8]| {
    let Some((first, rest)) = octets.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let tool = Tool::ALL[usize::from(*first) % Tool::ALL.len()];
    let _ = Tool::of(Path::new("file"), text);
    let Ok(done) = import(tool, text, "file", Path::new("/etc/driftless/secrets")) else { return };
    let files = vec![(PathBuf::from("driftless.toml"), done.text)];
    let variables = done.variables.into_iter().map(|name| (name, "secret".to_owned())).collect();
    assert!(Config::load(&Input { files, variables, ..Input::default() }).is_ok(), "what was written cannot be read");
});
