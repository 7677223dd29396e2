//! What another updater was told, in our words: accounts and records, what waits for a provider, and what is left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::services::{Ipv6, OTHER, Service, User};
use super::source::{self, Echo, Source};
use crate::model::name::Name;

/// Everything that one file said.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// How often everything is looked at, where the file said it.
    pub check: Option<Duration>,
    pub accounts: Vec<Account>,
    pub records: Vec<Record>,
    pub waiting: Vec<Waiting>,
    pub left: Vec<Left>,
}

/// One login at one service that speaks dyndns2.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its name in the configuration.
    pub name: String,
    pub server: String,
    pub username: String,
    pub password: Password,
    pub ipv6_parameter: Option<&'static str>,
    /// Whether each family is sent by itself, where there are both.
    pub apart: bool,
    pub refresh: Option<Duration>,
    /// Whether each name is sent by itself: the other updater did so, and the service may know no lists.
    pub alone: bool,
    /// Where it was read.
    pub line: usize,
}

/// Where a password is.
#[derive(Clone, Debug)]
pub(super) enum Password {
    /// In the file that was read; it gets a file of its own.
    Known(SecretString),
    /// In this variable of the environment, where it stays.
    Variable(String),
    /// Elsewhere: a person puts it into the file that the configuration names.
    Elsewhere,
}

impl Password {
    /// A password that stood in the file.
    pub fn known(text: &str) -> Self {
        Self::Known(SecretString::from(text))
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => one.expose_secret() == other.expose_secret(),
            (Self::Variable(one), Self::Variable(other)) => one == other,
            (Self::Elsewhere, Self::Elsewhere) => true,
            _ => false,
        }
    }
}

/// Names of one account that hold the same addresses.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub names: Vec<Name>,
    /// Which of the accounts.
    pub account: usize,
    pub sources: Sources,
    pub line: usize,
}

/// Where the addresses of both families come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    pub ipv4: Source,
    pub ipv6: Source,
}

impl Sources {
    /// Whether these say something of IPv4 alone and the others of IPv6 alone, or the other way round.
    fn completes(&self, other: &Self) -> bool {
        let off = |sources: &Self| (sources.ipv4.is_off(), sources.ipv6.is_off());
        matches!((off(self), off(other)), ((true, false), (false, true)) | ((false, true), (true, false)))
    }
}

/// Names at a service for which there is no provider, as they would be written.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    /// The service as the other updater calls it.
    pub service: String,
    /// Why they wait.
    pub why: String,
    pub names: Vec<String>,
    pub sources: Sources,
    pub ttl: Option<u32>,
    pub line: usize,
}

/// One thing that was not carried over. Never holds a value of the file that could be a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Left {
    /// The line of the file, from 1.
    pub line: usize,
    /// The key, or what stands there.
    pub key: String,
    /// What it did there.
    pub did: String,
    /// What to do instead.
    pub instead: String,
}

/// What a tool says of names at a service that speaks dyndns2.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub service: &'a Service,
    /// The URL of the service, where it is not the usual one.
    pub server: Option<String>,
    pub username: Option<String>,
    pub password: Option<Password>,
    pub names: Vec<String>,
    pub sources: Sources,
    pub refresh: Option<Duration>,
    /// Whether the tool sends each name by itself.
    pub alone: bool,
    pub line: usize,
}

/// The services that document lists of names.
const LISTS: &[&str] = &["dyn", "noip"];

impl Draft {
    /// Notes what is not carried over, once.
    pub fn lose(&mut self, line: usize, key: &str, did: impl Into<String>, instead: impl Into<String>) {
        let left = Left { line, key: key.to_owned(), did: did.into(), instead: instead.into() };
        if !self.left.contains(&left) {
            self.left.push(left);
        }
    }

    /// Notes a key that means the same wherever it stands; `false` where the table does not know it.
    pub fn lose_known(&mut self, line: usize, key: &str, table: &[(&str, &str, &str)]) -> bool {
        let Some((_, did, instead)) = table.iter().find(|(known, ..)| *known == key) else { return false };
        self.lose(line, key, *did, *instead);
        true
    }

    /// Notes a key that nobody here knows.
    pub fn lose_unknown(&mut self, line: usize, key: &str) {
        self.lose(line, key, "it is not known here", "see what it did, and driftless.toml(5) for what does the same");
    }

    /// Notes names that no provider can hold yet.
    pub fn wait(&mut self, waiting: Waiting) {
        let names = waiting.names.join(", ");
        let did = format!("it updated {names} at {}", waiting.service);
        let instead = "they are in the configuration as comments, and their secrets stay where they are";
        self.lose(waiting.line, "provider", format!("{did}: {}", waiting.why), instead);
        self.waiting.push(waiting);
    }

    /// Reads how often everything is to be looked at, within what is allowed.
    pub fn check_every(&mut self, line: usize, key: &str, seconds: u64) {
        let within = seconds.clamp(30, 86_400);
        if within != seconds {
            let instead =
                format!("check = {within} s, the nearest there is; changes of addresses are noticed at once anyway");
            self.lose(line, key, format!("it looked every {seconds} s"), instead);
        }
        self.check = Some(Duration::from_secs(within));
    }

    /// What takes the place of a page that said from where it was asked.
    pub fn page(&mut self, text: &str, line: usize, key: &str) -> Source {
        match source::echo(text) {
            Echo::Known => Source::https(),
            Echo::Own(source) => {
                let instead = "the same page, believed when it has said the same three times over two minutes; trusted = true believes it at once";
                self.lose(line, key, "it believed one page at once", instead);
                source
            }
            Echo::Refused(why) => {
                self.lose(line, key, format!("it asked a page: {why}"), "the built-in services by https");
                Source::https()
            }
        }
    }

    /// What takes the place of a command line.
    pub fn command(&mut self, typed: Option<&str>, line: usize, key: &str) -> Source {
        typed.and_then(source::command).unwrap_or_else(|| {
            let instead = "{ command = [\"/program\", \"argument\"] } runs one without a shell, and it prints the address alone; here it is auto";
            self.lose(line, key, "it ran a command line by a shell", instead);
            Source::auto()
        })
    }

    /// Takes names at a service that speaks dyndns2.
    pub fn take(&mut self, mut entry: Entry<'_>) {
        let names = self.names(entry.line, &entry.names);
        if names.is_empty() {
            self.lose(entry.line, "host", "it has no name to update", "write a [[record]] for what is missing");
            return;
        }
        if entry.sources.ipv4.is_off() && entry.sources.ipv6.is_off() {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            let did = format!("it updated no address of {}", names.join(", "));
            let instead = "write a [[record]] with a source for ipv4 or ipv6, if one is wanted";
            return self.lose(entry.line, "host", did, instead);
        }
        if entry.service.ipv6 == Ipv6::None && entry.sources.ipv4.is_off() {
            return self.wait(Waiting {
                service: entry.service.name.to_owned(),
                why: "by dyndns2 it takes IPv4 alone, and this is IPv6".into(),
                names: names.iter().map(|name| name.as_str().to_owned()).collect(),
                sources: entry.sources,
                ttl: None,
                line: entry.line,
            });
        }
        if entry.service.ipv6 == Ipv6::None && !entry.sources.ipv6.is_off() {
            let instead = "IPv4 is updated; for IPv6 take a provider that has it";
            self.lose(
                entry.line,
                "ipv6",
                "it updated IPv6 addresses",
                format!("{} takes IPv4 alone by dyndns2: {instead}", entry.service.name),
            );
            entry.sources.ipv6 = Source::off();
        }
        match (entry.service.user, &entry.username) {
            (User::Given, Some(username)) => {
                let username = username.clone();
                self.at(&entry, username, names);
            }
            (User::Given, None) => self.wait(Waiting {
                service: entry.service.name.to_owned(),
                why: "it says no user name".into(),
                names: entry.names.clone(),
                sources: entry.sources.clone(),
                ttl: None,
                line: entry.line,
            }),
            (User::Nobody, _) => self.at(&entry, "none".into(), names),
            // Such a service has a password for each name.
            (User::Record, _) => {
                for name in names {
                    self.at(&entry, name.as_str().to_owned(), vec![name]);
                }
            }
        }
    }

    /// The names that are some.
    fn names(&mut self, line: usize, typed: &[String]) -> Vec<Name> {
        let mut names = Vec::new();
        for text in typed {
            match Name::parse(text) {
                Ok(name) if !names.contains(&name) => names.push(name),
                Ok(_) => {}
                // It is not repeated: a secret may have slipped into its place.
                Err(_) => self.lose(line, "host", "a name here is none", "write its full name into a [[record]]"),
            }
        }
        names
    }

    fn at(&mut self, entry: &Entry<'_>, username: String, names: Vec<Name>) {
        let server = entry
            .server
            .clone()
            .unwrap_or_else(|| entry.service.server_for(!entry.sources.ipv4.is_off(), !entry.sources.ipv6.is_off()));
        let password = entry.password.clone().unwrap_or(Password::Elsewhere);
        let ipv6_parameter = match entry.service.ipv6 {
            Ipv6::Own(parameter) => Some(parameter),
            Ipv6::Apart | Ipv6::None | Ipv6::Together => None,
        };
        // Of a service that nobody knows the other updater knows how it takes both.
        let apart = entry.service.ipv6 == Ipv6::Apart && (entry.alone || entry.service.name != OTHER.name);
        let wanted = Account {
            name: entry.service.name.to_owned(),
            server,
            username,
            password,
            ipv6_parameter,
            apart,
            refresh: entry.refresh,
            alone: entry.alone && !LISTS.contains(&entry.service.name),
            line: entry.line,
        };
        let account = self.account(wanted);
        self.keep(Record { names, account, sources: entry.sources.clone(), line: entry.line });
    }

    /// The account with this login, which is added where there is none yet.
    fn account(&mut self, mut wanted: Account) -> usize {
        let same = |known: &Account| {
            (&known.server, &known.username, known.ipv6_parameter, known.refresh, known.apart, known.alone)
                == (&wanted.server, &wanted.username, wanted.ipv6_parameter, wanted.refresh, wanted.apart, wanted.alone)
                && known.password.is(&wanted.password)
        };
        if let Some(at) = self.accounts.iter().position(same) {
            return at;
        }
        let taken: BTreeSet<&str> = self.accounts.iter().map(|account| account.name.as_str()).collect();
        let base = wanted.name.clone();
        let free = (2..).map(|number| format!("{base}-{number}")).find(|name| !taken.contains(name.as_str()));
        if let Some(free) = free.filter(|_| taken.contains(base.as_str())) {
            wanted.name = free;
        }
        self.accounts.push(wanted);
        self.accounts.len() - 1
    }

    /// The accounts that records have.
    pub fn used_accounts(&self) -> impl Iterator<Item = (usize, &Account)> {
        let used: BTreeSet<usize> = self.records.iter().map(|record| record.account).collect();
        self.accounts.iter().enumerate().filter(move |(at, _)| used.contains(at))
    }

    /// Adds names to a record that is the same but for them, or whose other family they are.
    pub fn keep(&mut self, record: Record) {
        let mut of_account = self.records.iter_mut().filter(|known| known.account == record.account);
        if let Some(known) = of_account.find(|known| {
            known.sources == record.sources || (known.names == record.names && known.sources.completes(&record.sources))
        }) {
            if known.sources == record.sources {
                let new = record.names.into_iter().filter(|name| !known.names.contains(name)).collect::<Vec<_>>();
                known.names.extend(new);
            } else if known.sources.ipv4.is_off() {
                known.sources.ipv4 = record.sources.ipv4;
            } else {
                known.sources.ipv6 = record.sources.ipv6;
            }
            return;
        }
        self.records.push(record);
    }
}
