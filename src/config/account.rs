//! Accounts: a provider, its settings, and how the account's records are verified.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::document::Spot;
use super::input::Input;
use super::meant::Account;
use super::reader::{Field, Fields, Reader, error, warning};
use super::tree::{Node, Table, Value};
use super::{secret, setting, suggest};
use crate::provider::Entry;
use crate::provider::setting::{Kind, Setting, Settings, Value as Checked};

/// Reads every account. One that is wrong is left out.
pub(super) fn read(
    reader: &mut Reader,
    input: &Input,
    registry: &'static [Entry],
    accounts: &Table,
) -> BTreeMap<String, Account> {
    let read = accounts.iter().filter_map(|(name, (at, node))| {
        let Value::Table(table) = &node.value else { return None };
        let before = reader.errors();
        check_label(reader, *at, name, "an account");
        let mut account = one(reader, input, registry, name, *at, table)?;
        account.flawed = reader.errors() > before;
        Some((name.clone(), account))
    });
    read.collect()
}

/// Checks the name of an account or address: it must be possible in a variable and in a file name.
pub(super) fn check_label(reader: &mut Reader, at: Spot, name: &str, whose: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        let rule = "1 to 64 letters, digits, hyphens and underscores";
        reader.note(error(at, format!("the name of {whose} has {rule}, unlike \"{}\"", name.escape_debug())));
    }
}

fn one(
    reader: &mut Reader,
    input: &Input,
    registry: &'static [Entry],
    name: &str,
    at: Spot,
    table: &Table,
) -> Option<Account> {
    let mut fields = Fields::new(table);
    let entry = provider(reader, registry, name, at, fields.take("provider"));
    let verify = fields.take("verify").map(|field| reader.flag(field));
    let nameservers = fields.take("nameservers").map(|field| nameservers(reader, field));
    // Without a provider it is not known which keys there are.
    let entry = entry?;
    if let Some(notice) = entry.notice {
        reader.note(warning(at, format!("the account \"{name}\" is at a service that is no more: {notice}")));
    }
    let mut settings = Settings::new(name);
    let mut places = BTreeMap::new();
    let mut complete = true;
    for wanted in entry.settings {
        let (field, is_file) = pick(reader, &mut fields, wanted);
        let value = match field {
            Some(field) if is_file => secret::file(reader, input, field).map(Checked::Secret),
            Some(field) => setting::read(reader, input, name, field, wanted.kind),
            None => from_variable(reader, input, name, wanted),
        };
        if let Some(place) = field.and_then(|field| reader.documents.place(field.node.at)) {
            places.insert(wanted.name, place);
        }
        match value {
            Some(value) => settings.set(wanted.name, value),
            None if wanted.required && field.is_none() && !has_variable(input, wanted) => {
                complete = false;
                missing(reader, entry, wanted, name, at);
            }
            None => {}
        }
    }
    fields.finish(reader, &format!("the account \"{name}\" at {}", entry.name));
    complete.then(|| Account {
        name: name.to_owned(),
        entry,
        settings,
        nameservers: nameservers.flatten().unwrap_or_default(),
        verify: verify.flatten().unwrap_or(true),
        flawed: false,
        place: reader.documents.place(at),
        places,
    })
}

fn provider(
    reader: &mut Reader,
    registry: &'static [Entry],
    account: &str,
    at: Spot,
    field: Option<Field<'_>>,
) -> Option<&'static Entry> {
    let names = || registry.iter().map(|entry| entry.name);
    let Some(field) = field else {
        let problem = error(at, format!("the account \"{account}\" has no `provider`"));
        reader.note(problem.help(suggest::help("", "known providers", names())));
        return None;
    };
    let typed = reader.text(field, "the name of a provider")?;
    let found = registry.iter().find(|entry| entry.name == typed);
    if found.is_none() {
        let problem = error(field.node.at, format!("there is no provider \"{typed}\""));
        reader.note(problem.help(suggest::help(typed, "known providers", names())));
    }
    found
}

/// The field of a setting, and whether it is the one that names the secret's file (`token_file`). Where both were
/// typed, the later document overrides; within one document it is a mistake.
pub(super) fn pick<'a>(reader: &mut Reader, fields: &mut Fields<'a>, wanted: &Setting) -> (Option<Field<'a>>, bool) {
    let plain = fields.take(wanted.name);
    if wanted.kind != Kind::Secret {
        return (plain, false);
    }
    match (plain, fields.take(&format!("{}_file", wanted.name))) {
        (Some(plain), Some(file)) => {
            if plain.at.document == file.at.document || both_are_variables(reader, plain.at, file.at) {
                let (first, second) = if plain.at < file.at { (plain, file) } else { (file, plain) };
                let message = format!("the secret is given twice, by `{}` and `{}`", first.key, second.key);
                reader.note(error(second.at, message).also(first.at, "first given here"));
            }
            if file.at > plain.at { (Some(file), true) } else { (Some(plain), false) }
        }
        (None, Some(file)) => (Some(file), true),
        (plain, None) => (plain, false),
    }
}

fn both_are_variables(reader: &Reader, one: Spot, other: Spot) -> bool {
    [one, other].iter().all(|at| reader.documents.is_variable(at.document))
}

/// Whether the variable that stands in for a setting is set.
fn has_variable(input: &Input, wanted: &Setting) -> bool {
    !wanted.variable.is_empty() && input.variables.get(wanted.variable).is_some_and(|content| !content.is_empty())
}

fn from_variable(reader: &mut Reader, input: &Input, account: &str, wanted: &Setting) -> Option<Checked> {
    if !has_variable(input, wanted) {
        return None;
    }
    let at = reader.documents.add_variable(wanted.variable);
    let node = Node { at, value: Value::Variable(input.variables.get(wanted.variable)?.clone()) };
    setting::read(reader, input, account, Field { key: wanted.name, at, node: &node }, wanted.kind)
}

fn missing(reader: &mut Reader, entry: &Entry, wanted: &Setting, account: &str, at: Spot) {
    let or = if wanted.variable.is_empty() { String::new() } else { format!(" (or ${})", wanted.variable) };
    let message = format!("the account \"{account}\" at {} needs `{}`{or}", entry.name, wanted.name);
    reader.note(error(at, message).help(format!("`{}`: {}", wanted.name, wanted.help)));
}

/// Reads `["192.0.2.53", "127.0.0.1:5301", "[::1]:53"]`.
fn nameservers(reader: &mut Reader, field: Field<'_>) -> Option<Vec<SocketAddr>> {
    let list = reader.list(field, "a list of addresses such as [\"192.0.2.53\", \"[2001:db8::1]:53\"]")?;
    let mut servers = Vec::new();
    for item in list.iter() {
        let item = field.item(item);
        let Some(text) = reader.text(item, "a list of addresses") else { continue };
        let server = text.parse().or_else(|_| text.parse().map(|address: IpAddr| SocketAddr::new(address, 53)));
        match server {
            Ok(server) if server.port() == 0 => reader.refuse(item, "there is no port 0"),
            Ok(server) => servers.push(server),
            Err(_) => {
                let message = format!("`{}`: \"{text}\" is no address of a name server", item.key);
                let help = "write an address, with a port where it is not 53: \"192.0.2.53\", \"[::1]:5301\"";
                reader.note(error(item.node.at, message).help(help.to_owned()));
            }
        }
    }
    Some(servers)
}
