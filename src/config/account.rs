//! Accounts: a provider, its settings, and how the account's records are verified.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::declared::{self, Declarer};
use super::document::Spot;
use super::input::Input;
use super::meant::Account;
use super::reader::{Field, Fields, Reader, error, warning};
use super::tree::{Table, Value};
use crate::provider::Entry;

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
    if let Err(why) = label(name, whose) {
        reader.note(error(at, why));
    }
}

/// Whether an account can be called so.
///
/// # Errors
/// What its name may be.
pub fn account_name(name: &str) -> Result<(), String> {
    label(name, "an account")
}

fn label(name: &str, whose: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        let rule = "1 to 64 letters, digits, hyphens and underscores";
        return Err(format!("the name of {whose} has {rule}, unlike \"{}\"", name.escape_debug()));
    }
    Ok(())
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
    let whose = format!("the account \"{name}\"");
    let names: Vec<_> = registry.iter().map(|entry| entry.name).collect();
    let provider = declared::chosen(reader, &mut fields, ("provider", "provider", "providers"), (&whose, at), &names);
    let entry = registry.iter().find(|entry| Some(entry.name) == provider);
    let verify = fields.take("verify").map(|field| reader.flag(field));
    let nameservers = fields.take("nameservers").map(|field| nameservers(reader, field));
    // Without a provider it is not known which keys there are.
    let entry = entry?;
    if let Some(notice) = entry.notice {
        reader.note(warning(at, format!("the account \"{name}\" is at a service that is no more: {notice}")));
    }
    let described = format!("{whose} at {}", entry.name);
    let declarer = Declarer { name, whose, described, place: at };
    let (settings, places, complete) = declared::read(reader, input, &declarer, &mut fields, entry.settings);
    fields.finish(reader, &declarer.described);
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
