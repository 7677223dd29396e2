//! Whether a record may publish what its sources are known to say.

use std::net::IpAddr;

use super::document::Spot;
use super::meant::{InterfaceSource, Source};
use super::problem::Severity;
use super::reader::{Reader, error, warning};
use super::record::{Known, Used};
use super::tree::{Node, Table, Value};
use crate::model::address::allowed;

/// A record as it was typed.
pub(super) struct Typed<'a> {
    pub at: Spot,
    pub table: &'a Table,
    /// The name of its address.
    pub address: &'a str,
}

/// Addresses that stand in the configuration are judged at once: no reading would ever be another. So are interfaces whose private
/// addresses are asked for, and never published. Each is spoken of once, where it stands.
pub(super) fn check<'a>(
    reader: &mut Reader,
    known: &Known<'_>,
    used: &mut Used,
    typed: &Typed<'_>,
    private: bool,
    families: impl Iterator<Item = (&'static str, &'a Source)>,
) {
    for (key, source) in families {
        let Some(Objection { severity, why, help }) = objection(source, private) else { continue };
        let made = if severity == Severity::Error { error } else { warning };
        if let Some((_, node)) = typed.table.get(key) {
            reader.note(made(node.at, format!("`{key}` of the record: {why}")).help(help));
            continue;
        }
        let at = match known.typed_addresses.get(typed.address) {
            Some((_, Node { value: Value::Table(keys), .. })) => keys.get(key).map(|(_, node)| node.at),
            _ => None,
        };
        let at = at.unwrap_or(typed.at);
        if used.refused.insert(at) {
            let problem = made(at, format!("`{key}` of the address \"{}\": {why}", typed.address));
            reader.note(problem.also(typed.at, "this record publishes it").help(help));
        }
    }
}

/// What is wrong with a source of a record that publishes private addresses or does not.
struct Objection {
    severity: Severity,
    why: String,
    help: Option<String>,
}

fn objection(source: &Source, private: bool) -> Option<Objection> {
    if let Some(why) = fixed(source).into_iter().find_map(|address| allowed(address, private).err()) {
        let help = why.is_private().then(|| "to publish it on purpose add private = true to the record".to_owned());
        return Some(Objection { severity: Severity::Error, why: why.to_string(), help });
    }
    let severity = asks_in_vain(source).filter(|_| !private)?;
    let why = "it asks for private addresses (`private = true`), and the record does not publish them".to_owned();
    let help = "to publish them on purpose add private = true to the record itself, which is enough; else leave it out of the source";
    Some(Objection { severity, why, help: Some(help.to_owned()) })
}

/// How bad it is that private addresses are asked for where none is published: such a reading leaves the record as it is. Beside other
/// sources that may not matter.
fn asks_in_vain(source: &Source) -> Option<Severity> {
    match source {
        Source::Interface(InterfaceSource { private: true, .. }) => Some(Severity::Error),
        Source::Composed(composed) => asks_in_vain(&composed.prefix),
        Source::All(of) if of.iter().any(|uplink| asks_in_vain(uplink) == Some(Severity::Error)) => {
            Some(Severity::Error)
        }
        Source::All(of) | Source::FirstOf(of) | Source::Quorum { of, .. } => {
            let found: Vec<_> = of.iter().filter_map(asks_in_vain).collect();
            let all = found.len() == of.len() && found.iter().all(|severity| *severity == Severity::Error);
            if all { Some(Severity::Error) } else { found.first().map(|_| Severity::Warning) }
        }
        _ => None,
    }
}

fn fixed(source: &Source) -> Vec<IpAddr> {
    match source {
        Source::Fixed(addresses) => addresses.clone(),
        Source::All(of) | Source::FirstOf(of) | Source::Quorum { of, .. } => of.iter().flat_map(fixed).collect(),
        Source::Composed(composed) => fixed(&composed.prefix),
        _ => Vec::new(),
    }
}
