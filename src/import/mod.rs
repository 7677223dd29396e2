//! Moving in: what other updaters were told, read from their files and written as a configuration of ours.
//!
//! Each tool has a room that reads its format into a draft. What of the draft our own reading of configurations refuses becomes
//! a comment and a line of the report, so that whatever is written can be used.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

mod cloudflare_ddns;
mod ddclient;
mod ddns_go;
mod ddns_updater;
mod draft;
pub mod files;
mod inadyn;
mod openwrt;
mod services;
mod source;
mod template;
mod text;
mod write;
mod yaml;

pub use draft::Left;

use crate::config::{Config, Input, Problem, Severity};
use crate::net::http::Http;
use crate::provider::Tools;
use draft::{Account, Draft, Password, Record, Waiting};

/// An updater whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// favonia/cloudflare-ddns: an env file, or the `environment` of a Compose file.
    CloudflareDdns,
    /// ddclient: ddclient.conf.
    Ddclient,
    /// jeessy2/ddns-go: .ddns_go_config.yaml.
    DdnsGo,
    /// qdm12/ddns-updater: config.json.
    DdnsUpdater,
    /// inadyn 2: inadyn.conf.
    Inadyn,
    /// OpenWrt's ddns-scripts: /etc/config/ddns.
    Openwrt,
}

impl Tool {
    /// All of them, in alphabetical order.
    pub const ALL: [Self; 6] =
        [Self::CloudflareDdns, Self::Ddclient, Self::DdnsGo, Self::DdnsUpdater, Self::Inadyn, Self::Openwrt];

    /// What it is called, here and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CloudflareDdns => "cloudflare-ddns",
            Self::Ddclient => "ddclient",
            Self::DdnsGo => "ddns-go",
            Self::DdnsUpdater => "ddns-updater",
            Self::Inadyn => "inadyn",
            Self::Openwrt => "openwrt",
        }
    }

    /// Whose file this is, by what is in it, or else by its name.
    #[must_use]
    pub fn of(path: &Path, text: &str) -> Option<Self> {
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let starts = |words: &[&str]| lines().any(|line| words.iter().any(|word| line.starts_with(word)));
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        if lines().next().is_some_and(|line| line.starts_with('{')) && text.contains("\"settings\"") {
            Some(Self::DdnsUpdater)
        } else if starts(&["config service", "config ddns"]) {
            Some(Self::Openwrt)
        } else if starts(&["dnsconf:"]) || (starts(&["ipv4:"]) && starts(&["dns:"])) {
            Some(Self::DdnsGo)
        } else if text.contains("favonia/cloudflare-ddns") || lines().any(cloudflare_ddns::is_line) {
            Some(Self::CloudflareDdns)
        } else if lines().any(inadyn::is_section) {
            Some(Self::Inadyn)
        } else if lines().any(ddclient::is_line) {
            Some(Self::Ddclient)
        } else {
            Self::ALL.into_iter().find(|tool| name.replace('_', "-").contains(tool.word()))
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A file that is not what its tool reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there. Never repeats what could be a secret.
    pub why: String,
}

impl Malformed {
    fn at(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

/// What became of a file.
#[derive(Debug)]
pub struct Imported {
    /// The configuration.
    pub text: String,
    /// The secrets, and the absolute paths by which the configuration knows them.
    pub secrets: Vec<(PathBuf, SecretString)>,
    /// Such paths for secrets that stood elsewhere: a person puts them there.
    pub missing: Vec<PathBuf>,
    /// Variables in which passwords are: the daemon's environment must have them.
    pub variables: Vec<String>,
    /// How many accounts the configuration has.
    pub accounts: usize,
    /// How many names it updates.
    pub names: usize,
    /// How many names wait for a provider.
    pub waiting: usize,
    /// What was not carried over, in the file's order.
    pub left: Vec<Left>,
}

impl Imported {
    /// The files to be written, the configuration at `output` last.
    #[must_use]
    pub fn files(&self, output: Option<&Path>) -> Vec<files::File> {
        let secret = |(path, secret): &(PathBuf, SecretString)| {
            let content = format!("{}\n", secret.expose_secret()).into_bytes();
            files::File { path: path.clone(), mode: 0o600, content }
        };
        // It holds no secret, and the shipped unit's user must be able to read it.
        let configuration = output.map(|path| files::File {
            path: path.to_owned(),
            mode: 0o644,
            content: self.text.clone().into_bytes(),
        });
        self.secrets.iter().map(secret).chain(configuration).collect()
    }
}

/// Reads a tool's file, which `from` is called in comments, for secrets that will lie in the absolute folder `secrets`.
///
/// # Errors
/// The file is not of that format.
pub fn import(tool: Tool, text: &str, from: &str, secrets: &Path) -> Result<Imported, Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let draft = match tool {
        Tool::CloudflareDdns => cloudflare_ddns::read(text),
        Tool::Ddclient => ddclient::read(text),
        Tool::DdnsGo => ddns_go::read(text),
        Tool::DdnsUpdater => ddns_updater::read(text),
        Tool::Inadyn => inadyn::read(text),
        Tool::Openwrt => openwrt::read(text),
    }?;
    Ok(finish(draft, tool, from, secrets))
}

/// Writes a draft, without what our own reading of it refuses.
fn finish(mut draft: Draft, tool: Tool, from: &str, secrets: &Path) -> Imported {
    if !wrong(&draft, tool, from, secrets).is_empty() {
        let records = apart(std::mem::take(&mut draft.records));
        for (record, problem) in add(&mut draft, &records, &|draft| wrong(draft, tool, from, secrets)) {
            refuse(&mut draft, record, problem);
        }
    }
    let used: Vec<Account> = draft.used_accounts().map(|(_, account)| account.clone()).collect();
    for account in used.iter().filter(|account| matches!(account.password, Password::Elsewhere)) {
        let left = Left {
            line: account.line,
            key: "password".into(),
            did: "it does not stand in this file".into(),
            instead: format!("put it, on one line, into {}.password in the folder of the secrets", account.name),
        };
        draft.left.push(left);
    }
    draft.left.sort();
    let written = write::configuration(&draft, tool.word(), from, secrets);
    Imported {
        text: written.text,
        secrets: written.secrets,
        missing: written.missing,
        variables: variables(&used).map(str::to_owned).collect(),
        accounts: used.len(),
        names: draft.records.iter().map(|record| record.names.len()).sum(),
        waiting: draft.waiting.iter().map(|waiting| waiting.names.len()).sum(),
        left: draft.left,
    }
}

/// Adds the records with which the draft can be used: all of them, or else those of each half. Answers those that are refused, and why.
fn add(draft: &mut Draft, records: &[Record], wrong: &impl Fn(&Draft) -> Vec<Problem>) -> Vec<(Record, Problem)> {
    let before = draft.records.clone();
    for record in records {
        draft.keep(record.clone());
    }
    let Some(problem) = wrong(draft).into_iter().next() else { return Vec::new() };
    draft.records = before;
    match records {
        [record] => vec![(record.clone(), problem)],
        records => {
            let (first, second) = records.split_at(records.len() / 2);
            let mut refused = add(draft, first, wrong);
            refused.extend(add(draft, second, wrong));
            refused
        }
    }
}

/// A record for each name.
fn apart(records: Vec<Record>) -> Vec<Record> {
    let one = |record: Record| {
        let names = record.names.clone();
        names.into_iter().map(move |name| Record { names: vec![name], ..record.clone() })
    };
    records.into_iter().flat_map(one).collect()
}

/// Notes a record that is refused.
fn refuse(draft: &mut Draft, record: Record, problem: Problem) {
    let service = draft.accounts.get(record.account).map(|account| account.name.clone()).unwrap_or_default();
    draft.wait(Waiting {
        service,
        why: problem.message,
        names: record.names.iter().map(|name| name.as_str().to_owned()).collect(),
        sources: record.sources,
        ttl: None,
        line: record.line,
    });
}

/// The variables in which the passwords of accounts are.
fn variables(accounts: &[Account]) -> impl Iterator<Item = &str> {
    accounts.iter().filter_map(|account| match &account.password {
        Password::Variable(name) => Some(name.as_str()),
        Password::Known(_) | Password::Elsewhere => None,
    })
}

/// What our own reading of the draft refuses.
fn wrong(draft: &Draft, tool: Tool, from: &str, secrets: &Path) -> Vec<Problem> {
    let text = write::configuration(draft, tool.word(), from, secrets).text;
    // Whether they are there is seen when the daemon starts.
    let variables = variables(&draft.accounts).map(|name| (name.to_owned(), "secret".to_owned())).collect();
    let input = Input { files: vec![(PathBuf::from("driftless.toml"), text)], variables, ..Input::default() };
    let checked =
        Config::load(&input).and_then(|config| config.check_accounts(&Tools { http: Http::new(None) }).map(drop));
    let problems = checked.err().map(|errors| errors.problems().to_vec()).unwrap_or_default();
    problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
}

#[cfg(test)]
mod tests;
