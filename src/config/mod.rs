//! The configuration: what was typed becomes what was meant, or a list of everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

mod account;
mod address;
mod compose;
mod declared;
mod defaults;
mod derived;
mod document;
mod draft;
mod duration;
mod input;
pub mod keys;
mod machine;
mod mask;
mod meant;
mod notify;
mod operator;
mod problem;
mod publishable;
mod reader;
mod record;
mod rivals;
mod router;
mod secret;
mod setting;
mod suggest;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;
mod variables;
mod web;
mod world;

pub use account::account_name;
pub use defaults::{STATE_DIR, likely_socket};
pub use draft::{Addresses, Draft, Flaw, may_be};
pub use duration::{parse as parse_duration, spoken};
pub(crate) use input::beside;
pub use input::{
    DEFAULT_FILE, Input, SMALLEST, columns, is_shut, journal_stream, no_color, read as read_text, read_input,
    unread_drop_ins,
};
pub use meant::{
    Absent, Account, Address, BuiltIn, Channel, ComposedSource, Config, DEFAULT_ADDRESS, Defaults, Derived, DnsSource,
    EchoFormat, HostSource, HttpsSource, InterfaceSource, Log, LogFormat, LogLevel, Record, RouterSource, Source,
    StunSource, TtlPolicy, Values, Web,
};
pub use operator::Whose;
pub use problem::{Also, ConfigErrors, Origin, Place, Problem, Severity, Unread, Warning};
pub use suggest::suggest;

use crate::provider::setting::SettingsError;
use crate::provider::{Entry, Provider, REGISTRY, Tools};
use document::Documents;
use reader::{Fields, Reader, error, warning};
use tree::{Node, Table, Value};

impl Config {
    /// Reads a configuration for the providers that we know.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(input: &Input) -> Result<Self, ConfigErrors> {
        Self::load_with(input, REGISTRY)
    }

    /// Reads a configuration for these providers.
    ///
    /// # Errors
    /// Everything that is wrong, at once. Where a document is no TOML, its syntax alone is spoken of: what the rest
    /// means is then not certain.
    pub fn load_with(input: &Input, registry: &'static [Entry]) -> Result<Self, ConfigErrors> {
        let (mut config, problems) = Self::whole(input, registry)?;
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(ConfigErrors(problems));
        }
        config.warnings = problems;
        if config.records.is_empty() {
            let nothing = Problem::without_place("there is no [[record]]: nothing is published", None);
            config.warnings.push(Warning { severity: Severity::Warning, ..nothing });
        }
        Ok(config)
    }

    /// Reads what of a configuration is right, for a command that needs an account and nothing else. What is wrong elsewhere is among
    /// the warnings, as the error that it is; accounts that are wrong themselves are left out, and named in `unusable`.
    ///
    /// # Errors
    /// A document is no TOML, or no account is right.
    pub fn load_accounts(input: &Input) -> Result<Self, ConfigErrors> {
        let (mut config, problems) = Self::whole(input, REGISTRY)?;
        config.accounts.retain(|_, account| !account.flawed);
        config.unusable.retain(|name| !config.accounts.contains_key(name));
        if config.accounts.is_empty() && problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(ConfigErrors(problems));
        }
        config.warnings = problems;
        Ok(config)
    }

    /// What of a configuration is right, to find out what else is wrong with it; `None` where a document is no TOML.
    #[must_use]
    pub fn what_is_right(input: &Input) -> Option<Self> {
        let (mut config, _) = Self::whole(input, REGISTRY).ok()?;
        config.accounts.retain(|_, account| !account.flawed);
        Some(config)
    }

    /// Everything that could be read, and everything that is wrong with it.
    fn whole(input: &Input, registry: &'static [Entry]) -> Result<(Self, Vec<Problem>), ConfigErrors> {
        let mut reader = Reader::new(Documents::default());
        let Some(root) = gather(&mut reader, input, registry) else {
            return Err(ConfigErrors(reader.finish()));
        };
        if root.is_empty() && !reader.failed() {
            let file = input.files.first().map(|(path, _)| path.as_path());
            let help = format!(
                "write {}, or DRIFTLESS__ variables with the same keys (driftless run --demo needs neither):\n\n{SMALLEST}",
                file.unwrap_or(Path::new(DEFAULT_FILE)).display()
            );
            return Err(ConfigErrors::nothing(file, help));
        }
        let config = read(&mut reader, input, registry, &root);
        Ok((config, reader.finish()))
    }

    /// Builds the provider of every account. Does no input or output.
    ///
    /// # Errors
    /// The settings of an account do not fit together: one problem for each such account.
    pub fn check_accounts(&self, tools: &Tools) -> Result<BTreeMap<String, Arc<dyn Provider>>, ConfigErrors> {
        let mut providers = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, account) in &self.accounts {
            match (account.entry.build)(&account.settings, tools) {
                Ok(provider) => {
                    providers.insert(name.clone(), provider);
                }
                Err(wrong) => {
                    let whose = format!("the account \"{name}\" at {}", account.entry.name);
                    problems.push(misfit(&wrong, &whose, &account.places, account.place.as_ref()));
                }
            }
        }
        if problems.is_empty() { Ok(providers) } else { Err(ConfigErrors(problems)) }
    }

    /// Builds every channel. Does no input or output.
    ///
    /// # Errors
    /// The settings of a channel do not fit together: one problem for each such channel.
    pub fn check_channels(
        &self,
        tools: &crate::notify::Tools,
    ) -> Result<BTreeMap<String, Arc<dyn crate::notify::Channel>>, ConfigErrors> {
        let mut built = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, channel) in &self.channels {
            match (channel.entry.build)(&channel.settings, tools) {
                Ok(one) => drop(built.insert(name.clone(), one)),
                Err(wrong) => {
                    let whose = format!("the channel \"{name}\" of the type {}", channel.entry.name);
                    problems.push(misfit(&wrong, &whose, &channel.places, channel.place.as_ref()));
                }
            }
        }
        if problems.is_empty() { Ok(built) } else { Err(ConfigErrors(problems)) }
    }

    /// The same, whereas what stands in files (a URL is a secret, too) is looked at as it is now. A daemon does not: it may come later.
    ///
    /// # Errors
    /// As [`Config::check_channels`].
    pub fn check_channels_with_files(&self, tools: &crate::notify::Tools) -> Result<(), ConfigErrors> {
        let mut read = self.clone();
        for channel in read.channels.values_mut() {
            channel.settings = std::mem::take(&mut channel.settings).read();
        }
        read.check_channels(tools).map(drop)
    }
}

/// Settings that do not fit together, at the place of the one that is to blame.
fn misfit(
    wrong: &SettingsError,
    whose: &str,
    places: &BTreeMap<&'static str, Place>,
    place: Option<&Place>,
) -> Problem {
    let place = wrong.setting.and_then(|setting| places.get(setting)).or(place).cloned();
    Problem {
        severity: Severity::Error,
        place,
        message: format!("{whose}: {wrong}"),
        help: None,
        also: None,
        unread: None,
    }
}

/// The tree of all documents together: the files, the file in a variable, the variables, each over the ones before.
/// `None` where one of them is no TOML.
fn gather(reader: &mut Reader, input: &Input, registry: &[Entry]) -> Option<Table> {
    let whole = input.variables.get(variables::WHOLE);
    let files = input.files.iter().map(|(path, text)| (Origin::File(path.clone()), text));
    let texts = files.chain(whole.map(|text| (Origin::Variable(variables::WHOLE.to_owned()), text)));
    let mut root = Table::new();
    let mut is_toml = true;
    for (origin, text) in texts {
        match syntax::parse(reader, registry, origin, text) {
            Some(table) => tree::merge(&mut root, well_shaped(reader, table), false),
            None => is_toml = false,
        }
    }
    let spelt = variables::read(reader, &input.variables);
    tree::merge(&mut root, well_shaped(reader, spelt), true);
    is_toml.then_some(root)
}

/// The sections that are tables.
const SECTIONS: [&str; 6] = ["account", "address", "defaults", "log", "notify", "web"];

/// Takes out what has not the shape of a section, so that laying documents over each other cannot hide it.
fn well_shaped(reader: &mut Reader, mut root: Table) -> Table {
    root.retain(|key, (at, node)| match &mut node.value {
        Value::Table(names) if ["account", "address", "notify"].contains(&key.as_str()) => {
            names.retain(|name, (at, node)| {
                let fits = matches!(node.value, Value::Table(_));
                if !fits {
                    let problem =
                        error(*at, format!("`{}` is no table: [{key}] holds one for each name", name.escape_debug()));
                    reader.note(problem.help(format!("start with [{key}.home]")));
                }
                fits
            });
            true
        }
        Value::List(records) if key == "record" => {
            records.retain(|record| {
                let fits = matches!(record.value, Value::Table(_));
                if !fits {
                    reader.note(error(record.at, "`record` is a list of tables: each starts with [[record]]"));
                }
                fits
            });
            true
        }
        _ if key == "record" => {
            reader.note(error(*at, "`record` is a list of tables: each starts with [[record]]"));
            false
        }
        Value::Table(_) => true,
        _ if SECTIONS.contains(&key.as_str()) => {
            reader.note(error(*at, format!("`{key}` is a table: it starts with [{key}]")));
            false
        }
        _ => true,
    });
    root
}

fn read(reader: &mut Reader, input: &Input, registry: &'static [Entry], root: &Table) -> Config {
    let mut fields = Fields::new(root);
    for section in SECTIONS {
        fields.take(section);
    }
    let records: &[Node] = match fields.take("record").map(|field| &field.node.value) {
        Some(Value::List(records)) => records,
        _ => &[],
    };
    let (state_dir, socket) = defaults::paths(reader, input, &mut fields);
    fields.finish(reader, "the configuration");
    let none = Table::new();
    let typed_accounts = defaults::section(root, "account").unwrap_or(&none);
    let typed_addresses = defaults::section(root, "address").unwrap_or(&none);
    let defaults = defaults::read(reader, root);
    let log = defaults::log(reader, root);
    let web = web::read(reader, input, root);
    let accounts = account::read(reader, input, registry, typed_accounts);
    let addresses = address::read(reader, typed_addresses);
    let known = record::Known {
        accounts: typed_accounts,
        typed_addresses,
        read: &accounts,
        addresses: &addresses,
        defaults: &defaults,
    };
    let (records, mut used) = record::read(reader, &known, records);
    // With errors, what seems not to be used may only be misspelt where it is.
    if !reader.failed() && !records.is_empty() {
        used.addresses.insert(DEFAULT_ADDRESS.to_owned());
        used.addresses.append(&mut reader.referred);
        unused(reader, "account", typed_accounts, &used.accounts);
        unused(reader, "address", typed_addresses, &used.addresses);
    }
    let channels = notify::read(reader, input, defaults::section(root, "notify").unwrap_or(&none));
    let unusable = typed_accounts.keys().cloned().collect();
    Config {
        accounts,
        unusable,
        addresses,
        records,
        channels,
        defaults,
        log,
        web,
        state_dir,
        socket,
        warnings: Vec::new(),
    }
}

/// Warns of what nothing refers to: mostly a record that was forgotten.
fn unused(reader: &mut Reader, what: &str, typed: &Table, used: &BTreeSet<String>) {
    for (name, (at, _)) in typed {
        if !used.contains(name) {
            reader.note(warning(*at, format!("no record uses the {what} \"{}\"", name.escape_debug())));
        }
    }
}
