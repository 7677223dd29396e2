//! README.md holds what it says: its configurations are read, its provider table is the registry's.

use std::path::PathBuf;

use driftless::config::{Config, Input};
use driftless::provider::REGISTRY;

#[path = "support/markdown.rs"]
mod markdown;

const README: &str = include_str!("../README.md");

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    markdown::of_language(README, language)
}

#[test]
fn every_configuration_in_the_readme_is_read_and_uses_what_it_declares() {
    let texts = blocks("toml");
    assert!(texts.len() >= 2, "the configurations were found");
    for text in texts {
        let variables = [("CREDENTIALS_DIRECTORY".to_owned(), "/run/credentials/driftless.service".to_owned())].into();
        let files = vec![(PathBuf::from("README.md"), text)];
        let config = Config::load(&Input { files, variables, ..Input::default() });
        let config = config.unwrap_or_else(|errors| panic!("{errors}"));
        let unused = config.warnings.iter().find(|warning| warning.message.starts_with("no record uses"));
        assert_eq!(unused, None);
    }
}

#[test]
fn the_variables_in_the_readme_are_a_configuration() {
    let [text] = blocks("sh").try_into().expect("one block of variables");
    let variables = markdown::variables(&text).into_iter().collect();
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

#[test]
fn the_table_of_channels_is_their_registry() {
    for entry in driftless::notify::REGISTRY {
        assert!(README.contains(&format!("| `{}` | {} |\n", entry.name, entry.title)), "{}", entry.name);
    }
}

#[test]
fn who_cannot_be_edited_by_hand_is_named() {
    let (_, by_hand) = README.split_once("### Zones and records by hand").unwrap();
    let (intro, _) = by_hand.split_once("```").unwrap();
    let named: Vec<&str> =
        intro.split("Not for `").nth(1).unwrap().split('`').step_by(2).filter(|word| !word.contains(' ')).collect();
    let expected: Vec<&str> = REGISTRY.iter().filter(|entry| entry.edit.is_none()).map(|entry| entry.name).collect();
    assert_eq!(named, expected);
}

#[test]
fn the_example_of_a_drop_in_is_for_the_smallest_configuration() {
    const DROP_IN: &str = include_str!("../systemd/driftless.service.d-credentials.conf.example");
    let smallest = blocks("toml").into_iter().next().unwrap();
    let line = DROP_IN.lines().find(|line| line.starts_with("LoadCredential=")).unwrap();
    assert!(smallest.contains(line), "{line}");
    let provider = smallest.lines().find_map(|line| line.strip_prefix("provider = ")).unwrap().trim_matches('"');
    let credential = line.trim_start_matches("LoadCredential=").split(':').next().unwrap();
    assert!(REGISTRY.iter().any(|entry| entry.name == provider) && provider.starts_with(credential), "{provider}");
    assert!(DROP_IN.contains(&format!("{{ credential = \"{credential}\" }}")), "{DROP_IN}");
}
