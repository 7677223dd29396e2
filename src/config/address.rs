//! Addresses: where those of each family come from, from a word to a quorum.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::account::check_label;
use super::meant::{Address, BuiltIn, DEFAULT_ADDRESS, InterfaceSource, Source};
use super::reader::{Field, Fields, Reader, error};
use super::tree::{Table, Value};
use super::{compose, operator, router, secret, setting, suggest, world};
use crate::detect::echoes::Protocol;
use crate::model::agree::can_agree;
use crate::model::record::Family;

/// The words a source can be.
const WORDS: [&str; 7] = ["auto", "off", "interface", "dns", "https", "router", "stun"];

/// The keys of which a table that is a source has exactly one.
const FORMS: [&str; 12] =
    ["all", "command", "dns", "file", "first_of", "fixed", "https", "interface", "prefix", "quorum", "router", "stun"];

const EXPECTED: &str = "a source: \"auto\", false, an address, or a table such as { interface = \"eth0\" }";

/// How long a command may take: no source may take longer than ten seconds.
const COMMAND: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// Reads every address and adds the default one.
pub(super) fn read(reader: &mut Reader, addresses: &Table) -> BTreeMap<String, Address> {
    let mut read = BTreeMap::new();
    read.insert(
        DEFAULT_ADDRESS.to_owned(),
        Address { name: DEFAULT_ADDRESS.to_owned(), ipv4: Source::Auto, ipv6: Source::Auto },
    );
    // One that takes the prefix of another is read after it.
    let (later, first): (Vec<_>, Vec<_>) = addresses.iter().partition(|(_, (_, node))| compose::refers(node));
    reader.prefixes.insert(DEFAULT_ADDRESS.to_owned(), Some(Source::Auto));
    reader.prefixes.extend(later.iter().map(|(name, _)| (String::clone(name), None)));
    for (name, (at, node)) in first.into_iter().chain(later) {
        let Value::Table(table) = &node.value else { continue };
        check_label(reader, *at, name, "an address");
        let mut fields = Fields::new(table);
        let (ipv4, ipv6) = families(reader, &mut fields);
        fields.finish(reader, &format!("the address \"{}\"", name.escape_debug()));
        let (ipv4, ipv6) = (ipv4.unwrap_or(Source::Auto), ipv6.unwrap_or(Source::Auto));
        reader.prefixes.insert(name.clone(), Some(ipv6.clone()).filter(|ipv6| !compose::is_composed(ipv6)));
        read.insert(name.clone(), Address { name: name.clone(), ipv4, ipv6 });
    }
    read
}

/// The sources of both families, where they were typed. One that is wrong counts as `auto`: it is already noted.
pub(super) fn families(reader: &mut Reader, fields: &mut Fields<'_>) -> (Option<Source>, Option<Source>) {
    let mut read = |key, family| {
        let field = fields.take(key)?;
        Some(source(reader, field, family).unwrap_or(Source::Auto))
    };
    (read("ipv4", Family::Ipv4), read("ipv6", Family::Ipv6))
}

pub(super) fn source(reader: &mut Reader, field: Field<'_>, family: Family) -> Option<Source> {
    match &field.node.value {
        Value::Flag(false) => Some(Source::Off),
        Value::Variable(text) if text == "false" => Some(Source::Off),
        Value::Text(text) | Value::Variable(text) => word(reader, field, family, text),
        _ => {
            let table = reader.table(field, EXPECTED)?;
            form(reader, field, family, table)
        }
    }
}

fn word(reader: &mut Reader, field: Field<'_>, family: Family, text: &str) -> Option<Source> {
    match text {
        "auto" => return Some(Source::Auto),
        "off" => return Some(Source::Off),
        "interface" => return Some(Source::Interface(InterfaceSource::default())),
        "dns" => return Some(Source::BuiltIn(BuiltIn::all(Protocol::Dns))),
        "https" => return Some(Source::BuiltIn(BuiltIn::all(Protocol::Https))),
        "router" => return router::word(reader, field, family),
        "stun" => return Some(Source::BuiltIn(BuiltIn::all(Protocol::Stun))),
        _ => {}
    }
    if text.parse::<IpAddr>().is_ok() {
        return Some(Source::Fixed(vec![address(reader, field, family)?]));
    }
    let help = if text.contains("://") {
        Some("for one echo service write { https = \"https://…\" }".to_owned())
    } else if text.starts_with('/') {
        Some("write { file = \"/path\" } or { command = [\"/path\"] }".to_owned())
    } else {
        suggest::nearest(text, WORDS).map(|near| format!("did you mean \"{near}\"?"))
    };
    let known = setting::quoted(&WORDS);
    let shown = if text.contains("://") { "a URL".to_owned() } else { format!("\"{}\"", text.escape_debug()) };
    let message = format!("`{}`: {shown} is no source; the words are {known}, or an address", field.key);
    reader.note(error(field.node.at, message).help(help));
    None
}

/// Reads a table: exactly one of its keys says what it is.
fn form(reader: &mut Reader, field: Field<'_>, family: Family, table: &Table) -> Option<Source> {
    let mut fields = Fields::new(table);
    // An interface has a flag of that name: all of its addresses.
    let is_form = |key: &&str| table.contains_key(*key) && !(*key == "all" && table.contains_key("interface"));
    let given: Vec<Field<'_>> = FORMS.into_iter().filter(is_form).filter_map(|key| fields.take(key)).collect();
    let main = match given.as_slice() {
        [main] => *main,
        [] => {
            let known = suggest::help(table.keys().next().map_or("", String::as_str), "a source has one of", FORMS);
            reader.note(error(field.node.at, format!("`{}`: this table names no source", field.key)).help(known));
            return None;
        }
        [first, second, ..] => {
            let message = format!("`{}` and `{}` are two sources, only one can be used", first.key, second.key);
            let help =
                "several sources are { first_of = [ … ] }, { quorum = 2, of = [ … ] } or, as uplinks, { all = [ … ] }";
            reader.note(error(second.at, message).also(first.at, "the other one").help(help.to_owned()));
            return None;
        }
    };
    let source = match main.key {
        "all" => uplinks(reader, main, family),
        "interface" => interface(reader, main, family, &mut fields).map(Source::Interface),
        "dns" => world::dns(reader, main, family, &mut fields),
        "https" => world::https(reader, main, family, &mut fields),
        "stun" => world::stun(reader, main, family, &mut fields),
        "file" => secret::path(reader, main).map(|path| Source::File { path }),
        "command" => command(reader, main, &mut fields),
        "fixed" => fixed(reader, main, family),
        "router" => router::table(reader, main, family, &mut fields),
        "prefix" => compose::read(reader, main, family, &mut fields),
        "first_of" => several(reader, main, family).map(Source::FirstOf),
        _ => quorum(reader, main, family, &mut fields),
    };
    fields.finish(reader, &format!("the source `{}`", main.key));
    source
}

fn interface(reader: &mut Reader, main: Field<'_>, family: Family, fields: &mut Fields<'_>) -> Option<InterfaceSource> {
    let mut flag = |key| {
        let field = fields.take(key)?;
        Some((field, reader.flag(field)?))
    };
    let (temporary, deprecated) = (flag("temporary"), flag("deprecated"));
    let (private, all) = (flag("private"), flag("all"));
    for (field, on) in [temporary, deprecated].into_iter().flatten() {
        if on && family == Family::Ipv4 {
            reader.note(error(field.at, format!("`{0}`: only IPv6 has {0} addresses", field.key)));
        }
    }
    let on = |flag: Option<(Field<'_>, bool)>| flag.is_some_and(|(_, on)| on);
    let name = interface_name(reader, main, "the name of an interface, or \"default\" for the default route's")?;
    let name = (name != "default").then(|| name.to_owned());
    Some(InterfaceSource {
        name,
        temporary: on(temporary),
        private: on(private),
        deprecated: on(deprecated),
        all: on(all),
    })
}

/// What an interface can be called.
pub(super) fn interface_name<'a>(reader: &mut Reader, field: Field<'a>, expected: &str) -> Option<&'a str> {
    let name = reader.text(field, expected)?;
    // Linux: 1 to 15 octets without slash and white space (dev_valid_name). "default" is a reserved word there.
    if name.len() > 15
        || name.contains(['/', ':'])
        || name.chars().any(char::is_whitespace)
        || matches!(name, "." | "..")
    {
        reader.refuse(field, format!("\"{name}\" cannot be the name of an interface"));
        return None;
    }
    Some(name)
}

fn command(reader: &mut Reader, main: Field<'_>, fields: &mut Fields<'_>) -> Option<Source> {
    let (least, most) = COMMAND;
    let timeout = fields.take("timeout").map(|field| reader.duration(field, least, most));
    let argv = setting::command(reader, main)?;
    Some(Source::Command { argv, timeout: timeout.flatten().unwrap_or(most) })
}

fn fixed(reader: &mut Reader, main: Field<'_>, family: Family) -> Option<Source> {
    if let Value::Text(_) = main.node.value {
        return Some(Source::Fixed(vec![address(reader, main, family)?]));
    }
    let list = reader.list(main, "an address or a list of addresses")?;
    let mut addresses = Vec::new();
    for item in list.iter() {
        let Some(found) = address(reader, main.item(item), family) else { continue };
        if addresses.contains(&found) {
            reader.refuse(main.item(item), format!("{found} is given twice"));
        }
        addresses.push(found);
    }
    Some(Source::Fixed(addresses))
}

/// An address of the family that a host can have.
pub(super) fn address(reader: &mut Reader, field: Field<'_>, family: Family) -> Option<IpAddr> {
    let text = reader.text(field, "an address")?;
    let Ok(address) = text.parse::<IpAddr>() else {
        reader.refuse(field, format!("\"{text}\" is no {family} address"));
        return None;
    };
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if Family::of(address) != family {
        reader.refuse(field, format!("{address} is no {family} address"));
    } else if address.is_unspecified() || address.is_multicast() || broadcast {
        reader.refuse(field, format!("no host can have the address {address}"));
    } else {
        return Some(address);
    }
    None
}

/// A list of sources, each of which can know something and none twice.
fn several(reader: &mut Reader, main: Field<'_>, family: Family) -> Option<Vec<Source>> {
    let list = reader.list(main, "a list of sources")?;
    let mut sources = Vec::new();
    let mut complete = true;
    for item in list.iter() {
        let item = main.item(item);
        match source(reader, item, family) {
            Some(Source::Off) => reader.refuse(item, "\"off\" cannot be one of several sources"),
            Some(Source::All(_)) => reader.refuse(item, "`all` stands by itself, never within another source"),
            Some(source) if sources.contains(&source) => reader.refuse(item, "this source is given twice"),
            Some(source) => {
                sources.push(source);
                continue;
            }
            None => {}
        }
        complete = false;
    }
    complete.then_some(sources)
}

/// Uplinks, each of which has its own address under the same name.
fn uplinks(reader: &mut Reader, main: Field<'_>, family: Family) -> Option<Source> {
    let sources = several(reader, main, family)?;
    if sources.len() < 2 {
        reader.refuse(main, "of a single uplink the source itself is enough");
        return None;
    }
    Some(Source::All(sources))
}

/// Whether so many of these could ever be believed if they said the same.
fn is_reachable(need: usize, sources: &[Source], family: Family) -> bool {
    let voices: Vec<_> = sources.iter().map(|source| operator::voices(source, family)).collect();
    let origins = voices.iter().map(|voice| voice.iter().map(|(who, how)| (who.as_str(), *how)).collect());
    can_agree(need, &origins.collect::<Vec<BTreeSet<_>>>())
}

fn quorum(reader: &mut Reader, main: Field<'_>, family: Family, fields: &mut Fields<'_>) -> Option<Source> {
    let Some(of) = fields.take("of") else {
        reader.note(error(main.at, "`quorum` needs the sources that are to agree: of = [ … ]"));
        return None;
    };
    let need = reader.number(main, 1, u32::MAX, "");
    let sources = several(reader, of, family)?;
    if sources.len() < 2 {
        reader.refuse(of, "a quorum needs at least two sources");
        return None;
    }
    let need = usize::try_from(need?).ok()?;
    if need > sources.len() {
        reader.refuse(main, format!("{need} of {} sources can never agree", sources.len()));
        return None;
    }
    if !is_reachable(need, &sources, family) {
        let message = format!(
            "`quorum`: {need} of these sources can never agree: those of one operator by one protocol are one voice, and two operators or \
             two protocols are needed"
        );
        let help = "add a source of somebody else, or name the operators where they are not one: operator = \"…\"";
        reader.note(error(main.node.at, message).help(help.to_owned()));
        return None;
    }
    Some(Source::Quorum { need, of: sources })
}
