//! Whether a record may publish what its sources are known to say.

use std::net::IpAddr;

use super::document::Spot;
use super::meant::Source;
use super::reader::{Reader, error};
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

/// Addresses that stand in the configuration are judged at once: no reading would ever be another. Each is spoken of once, where it
/// stands.
pub(super) fn check(
    reader: &mut Reader,
    known: &Known<'_>,
    used: &mut Used,
    typed: &Typed<'_>,
    private: bool,
    families: [(&str, &Source); 2],
) {
    for (key, source) in families {
        let refused = fixed(source).into_iter().find_map(|address| allowed(address, private).err());
        let Some(why) = refused else { continue };
        let help = why.is_private().then(|| "to publish it on purpose add private = true to the record".to_owned());
        if let Some((_, node)) = typed.table.get(key) {
            reader.note(error(node.at, format!("`{key}` of the record: {why}")).help(help));
            continue;
        }
        let at = match known.typed_addresses.get(typed.address) {
            Some((_, Node { value: Value::Table(keys), .. })) => keys.get(key).map(|(_, node)| node.at),
            _ => None,
        };
        let at = at.unwrap_or(typed.at);
        if used.refused.insert(at) {
            let problem = error(at, format!("`{key}` of the address \"{}\": {why}", typed.address));
            reader.note(problem.also(typed.at, "this record publishes it").help(help));
        }
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
