//! README.md holds what it says: its configurations are read, its provider table is the registry's.

use std::path::PathBuf;

use driftless::config::{Config, Input};
use driftless::provider::REGISTRY;

const README: &str = include_str!("../README.md");

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let mut parts = README.split("```");
    let _ = parts.next();
    parts.step_by(2).filter_map(|part| part.strip_prefix(&format!("{language}\n")).map(str::to_owned)).collect()
}

#[test]
fn every_configuration_in_the_readme_is_read() {
    let texts = blocks("toml");
    assert!(texts.len() >= 2, "the configurations were found");
    for text in texts {
        let variables = [("CREDENTIALS_DIRECTORY".to_owned(), "/run/credentials/driftless.service".to_owned())].into();
        let files = vec![(PathBuf::from("README.md"), text)];
        if let Err(errors) = Config::load(&Input { files, variables, ..Input::default() }) {
            panic!("{errors}");
        }
    }
}

#[test]
fn the_variables_in_the_readme_are_a_configuration() {
    let [text] = blocks("sh").try_into().expect("one block of variables");
    let variables =
        text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect();
    let config = Config::load(&Input { variables, ..Input::default() }).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.records[0].name.as_str(), "home.example.org");
}

#[test]
fn the_provider_table_is_the_registry() {
    let rows: Vec<&str> =
        README.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 4).collect();
    let expected: Vec<String> =
        REGISTRY.iter().map(|entry| format!("| `{}` | {} | {} |", entry.name, entry.shape, entry.title)).collect();
    assert_eq!(rows, expected);
}
