//! What the tests of the configuration share: providers of their own, and short ways to load and to compare.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::model::error::{Error, Result};
use crate::model::plan::{Applied, Batch, Plan, Seen, Settled, Ticket};
use crate::model::record::RrsetKey;
use crate::net::http::Http;
use crate::provider::edit::rules::{ANY_TTL, any_name};
use crate::provider::setting::{Kind, Setting, SettingsError};
use crate::provider::{Budget, Terms};

mod bad;
mod compose;
mod derived;
mod example;
mod good;
mod notify;
mod random;
mod rivals;
mod secrets;
mod shown;
mod variables;
mod web;

/// Two providers: one with a setting of every kind, one with two secrets that stand-in variables can give.
static PROVIDERS: [Entry; 2] = [
    Entry {
        name: "sample",
        title: "Every kind of setting",
        shape: "rrsets",
        documentation: "https://example.org/",
        notice: None,
        keeps: |_, _| Ok(()),
        ttl: ANY_TTL,
        objects: any_name,
        settings: &[
            Setting::optional("choice", Kind::Choice(&["red", "green", "blue"]), "a colour"),
            Setting::optional("command", Kind::Command, "a command"),
            Setting::optional("duration", Kind::Duration, "a duration"),
            Setting::optional("flag", Kind::Flag, "a flag"),
            Setting::optional("number", Kind::Number(1, 20), "a number"),
            Setting::optional("path", Kind::Path, "a path"),
            Setting::optional("text", Kind::Text, "a text"),
            Setting::optional("texts", Kind::Texts, "texts"),
            Setting::required("token", Kind::Secret, "the token of the control panel"),
            Setting::optional("url", Kind::Url, "a URL"),
            Setting::optional("zone", Kind::Name, "a zone"),
        ],
        edit: None,
        build: |settings, _| match settings.text("text") {
            Some("misfit") => Err(SettingsError::of("text", "it does not fit the number")),
            Some("nothing") => Err(SettingsError::whole("nothing fits")),
            _ => Ok(Arc::new(Idle)),
        },
    },
    Entry {
        name: "cloud",
        title: "Settings from variables",
        shape: "rrsets",
        documentation: "https://example.org/",
        notice: None,
        keeps: |_, _| Ok(()),
        ttl: ANY_TTL,
        objects: any_name,
        settings: &[
            Setting::required("auth_url", Kind::Url, "the URL of the identity service").or_variable("OS_AUTH_URL"),
            Setting::required("password", Kind::Secret, "the password").or_variable("OS_PASSWORD"),
        ],
        build: |_, _| Ok(Arc::new(Idle)),
        edit: None,
    },
];

/// A provider that does nothing: here, providers are only built.
struct Idle;

#[async_trait]
impl Provider for Idle {
    fn terms(&self) -> Terms {
        Terms {
            readable: false,
            width: 1,
            budget: Budget::PUSH,
            settles_within: std::time::Duration::ZERO,
            read_back_after: std::time::Duration::ZERO,
            forgets_siblings: false,
            refresh: None,
            in_dns: false,
        }
    }
    async fn read(&self, keys: &[RrsetKey]) -> Vec<Result<Seen>> {
        keys.iter().map(|_| Ok(Seen::Unreadable)).collect()
    }
    fn batches(&self, _: &Plan) -> Vec<Batch> {
        Vec::new()
    }
    async fn apply(&self, _: &Batch) -> Vec<Result<Applied>> {
        Vec::new()
    }
    async fn settle(&self, _: &Ticket) -> Result<Settled> {
        Err(Error::config("settling", "there are no jobs"))
    }
}

/// An account and a record with which a file is complete, to stand below what a test is about.
const BASE: &str = "
[account.base]
provider = \"sample\"
token = { file = \"/run/token\" }
[[record]]
name = \"base.example.org\"
account = \"base\"
";

/// Files by name and text.
fn files(files: &[(&str, &str)]) -> Input {
    let files = files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    Input { files, ..Input::default() }
}

/// One file.
fn file(text: &str) -> Input {
    files(&[("d.toml", text)])
}

/// A file, and beside it one with a complete account and record.
fn above_base(text: &str) -> Input {
    files(&[("d.toml", text), ("conf.d/base.toml", BASE)])
}

/// No files, these variables.
fn variables(variables: &[(&str, &str)]) -> Input {
    let variables = variables.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect();
    Input { variables, ..Input::default() }
}

fn load(input: &Input) -> std::result::Result<Config, ConfigErrors> {
    Config::load_with(input, &PROVIDERS)
}

/// Loads what must be right.
fn loaded(input: &Input) -> Config {
    load(input).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The errors in one line each, without the name of the one file.
fn errors(input: &Input) -> Vec<String> {
    match load(input) {
        Ok(_) => Vec::new(),
        Err(errors) => lines(errors.problems(), Severity::Error),
    }
}

fn lines(problems: &[Problem], severity: Severity) -> Vec<String> {
    let wanted = problems.iter().filter(|problem| problem.severity == severity);
    wanted.map(|problem| problem.to_string().trim_start_matches("d.toml:").to_owned()).collect()
}

fn warnings(config: &Config) -> Vec<String> {
    lines(&config.warnings, Severity::Warning)
}
