//! Addresses of other machines: a prefix that this one knows, and the bits behind it.

use std::net::Ipv6Addr;

use super::meant::{ComposedSource, HostSource, Source};
use super::reader::{Field, Fields, Reader, error};
use super::tree::{Node, Table, Value};
use super::{address, secret, suggest};
use crate::model::mac::Mac;
use crate::model::name::Name;
use crate::model::prefix::Prefix;
use crate::model::record::Family;

/// The word for the prefix that was delegated to this router.
const DELEGATED: &str = "delegated";

/// How many bits a prefix has where nothing else is said: a LAN's (RFC 4291, section 2.5.4).
const LENGTH: u8 = 64;

/// The keys of which a host that is a table has exactly one.
const HOSTS: [&str; 3] = ["lease", "mac", "neighbour"];

const EXPECTED: &str =
    "the bits behind the prefix, such as \"::42\", { mac = … }, { neighbour = … } or { lease = …, host = … }";

/// Reads `{ prefix = { interface = "br-lan" }, length = 64, host = "::42" }`.
pub(super) fn read(reader: &mut Reader, main: Field<'_>, family: Family, fields: &mut Fields<'_>) -> Option<Source> {
    let (length, host) = (fields.take("length"), fields.take("host"));
    if family == Family::Ipv4 {
        reader.note(error(main.at, "`prefix`: only IPv6 addresses are composed"));
        return None;
    }
    let prefix = prefix(reader, main);
    let length = match length {
        Some(field) => reader.number(field, 1, u32::from(Prefix::MAX - 1), "").and_then(|bits| u8::try_from(bits).ok()),
        None => Some(LENGTH),
    };
    let Some(field) = host else {
        let problem = error(main.at, "`prefix` needs the bits behind it: host = \"::42\"");
        reader.note(problem.help("also { mac = … }, { neighbour = … } or { lease = …, host = … }".to_owned()));
        return None;
    };
    let host = self::host(reader, field, length);
    Some(Source::Composed(ComposedSource { prefix: Box::new(prefix?), length: length?, host: host? }))
}

/// Where the prefix comes from: any source of IPv6 addresses that is not composed itself, or another address by its name.
fn prefix(reader: &mut Reader, field: Field<'_>) -> Option<Source> {
    if field.as_text() == Some(DELEGATED) {
        return Some(Source::Delegated);
    }
    let (field, source) = match reference(field.node) {
        Some(table) => of_address(reader, table)?,
        None => (field, address::source(reader, field, Family::Ipv6)?),
    };
    let why = match &source {
        Source::Off => "\"off\" has no prefix",
        Source::All(_) => "uplinks have a prefix each: name the source of one of them",
        source if is_composed(source) => COMPOSED,
        _ => return Some(source),
    };
    reader.refuse(field, why);
    None
}

const COMPOSED: &str = "a composed address is no prefix of another one";

/// The table of `{ address = "wan" }`, where a prefix is one.
fn reference(node: &Node) -> Option<&Table> {
    match &node.value {
        Value::Table(table) if table.contains_key("address") => Some(table),
        _ => None,
    }
}

/// Whether anything in it takes its prefix from another address.
pub(super) fn refers(node: &Node) -> bool {
    match &node.value {
        Value::Table(table) => {
            table.iter().any(|(key, (_, node))| key == "prefix" && reference(node).is_some() || refers(node))
        }
        Value::List(items) => items.iter().any(refers),
        _ => false,
    }
}

/// The IPv6 source of the address that is named.
fn of_address<'a>(reader: &mut Reader, table: &'a Table) -> Option<(Field<'a>, Source)> {
    let mut fields = Fields::new(table);
    let field = fields.take("address");
    fields.finish(reader, "a prefix that is another address'");
    let field = field?;
    let typed = reader.text(field, "the name of an address")?;
    let Some(found) = reader.prefixes.get(typed).cloned() else {
        let help = suggest::help(typed, "known addresses", reader.prefixes.keys().map(String::as_str));
        reader.note(error(field.node.at, format!("there is no address \"{}\"", typed.escape_debug())).help(help));
        return None;
    };
    reader.referred.insert(typed.to_owned());
    if found.is_none() {
        reader.refuse(field, COMPOSED);
    }
    Some((field, found?))
}

pub(super) fn is_composed(source: &Source) -> bool {
    match source {
        Source::Composed(_) => true,
        Source::All(of) | Source::FirstOf(of) | Source::Quorum { of, .. } => of.iter().any(is_composed),
        _ => false,
    }
}

/// The bits behind a prefix of so many bits; `None` where those could not be read.
fn host(reader: &mut Reader, field: Field<'_>, length: Option<u8>) -> Option<HostSource> {
    if let Some(text) = field.as_text() {
        return suffix(reader, field, text, length);
    }
    let table = reader.table(field, EXPECTED)?;
    let mut fields = Fields::new(table);
    let given: Vec<Field<'_>> =
        HOSTS.into_iter().filter(|key| table.contains_key(*key)).filter_map(|key| fields.take(key)).collect();
    let [main] = given.as_slice() else {
        let help = suggest::help("", "it has exactly one of", HOSTS);
        reader.note(error(field.node.at, format!("`{}` expects {EXPECTED}", field.key)).help(help));
        return None;
    };
    let host = match main.key {
        "mac" => mac(reader, *main).and_then(|mac| made_of(reader, *main, mac, length)),
        "neighbour" => mac(reader, *main).map(HostSource::Neighbour),
        _ => lease(reader, *main, &mut fields),
    };
    fields.finish(reader, "the bits behind a prefix");
    host
}

fn suffix(reader: &mut Reader, field: Field<'_>, text: &str, length: Option<u8>) -> Option<HostSource> {
    let Ok(address) = text.parse::<Ipv6Addr>() else {
        let shown = text.escape_debug();
        let help =
            if text.parse::<Mac>().is_ok() { "for a MAC address write { mac = \"…\" }" } else { "write \"::42\"" };
        let message = format!("`{}`: \"{shown}\" is no end of an IPv6 address", field.key);
        reader.note(error(field.node.at, message).help(help.to_owned()));
        return None;
    };
    let bits = address.to_bits();
    if bits == 0 {
        reader.refuse(field, "zeros are the address of the prefix's routers, and of no host (RFC 4291, section 2.6.1)");
        return None;
    }
    if !Prefix::leaves_room(length?, bits) {
        reader.refuse(field, format!("{address} reaches into the prefix, which has {} bits", length?));
        return None;
    }
    Some(HostSource::Suffix(bits))
}

fn mac(reader: &mut Reader, field: Field<'_>) -> Option<Mac> {
    let text = reader.text(field, "a MAC address such as \"00:11:22:aa:bb:cc\"")?;
    text.parse().map_err(|why| reader.refuse(field, format!("\"{text}\" is {why}"))).ok()
}

/// The interface identifier that follows from a MAC address.
fn made_of(reader: &mut Reader, field: Field<'_>, mac: Mac, length: Option<u8>) -> Option<HostSource> {
    if length? > LENGTH {
        reader.refuse(field, format!("what is made of a MAC address has 64 bits; {} leave less behind them", length?));
        return None;
    }
    Some(HostSource::Suffix(mac.interface_id().into()))
}

fn lease(reader: &mut Reader, main: Field<'_>, fields: &mut Fields<'_>) -> Option<HostSource> {
    let host = fields.take("host");
    let path = secret::path(reader, main);
    let Some(field) = host else {
        reader.note(error(main.at, "`lease` needs the name that the host has there: host = \"nas\""));
        return None;
    };
    let text = reader.text(field, "the name of a host")?;
    let name = Name::parse(text).map_err(|why| reader.refuse(field, why)).ok();
    Some(HostSource::Lease { path: path?, host: name?.as_str().to_owned() })
}
