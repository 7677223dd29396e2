//! The router as a source of addresses: which one, and how it is asked.

use std::net::Ipv4Addr;

use super::meant::{RouterSource, Source};
use super::reader::{Field, Fields, Reader, error};
use super::{setting, world};
use crate::detect::protocol::Protocol;
use crate::model::address::PublicAddr;
use crate::model::record::Family;

/// The word `"router"`, or the table that names it: the default route's, in every way that is known.
pub(super) fn word(reader: &mut Reader, field: Field<'_>, family: Family) -> Option<Source> {
    knows(reader, field, family).then(|| Source::Router(RouterSource::default()))
}

/// `{ router = "default", via = ["natpmp", "upnp", "pcp"], bind_interface = "eth0" }`.
pub(super) fn table(reader: &mut Reader, main: Field<'_>, family: Family, fields: &mut Fields<'_>) -> Option<Source> {
    let via = world::via(reader, family, fields);
    let protocols = match fields.take("via") {
        Some(field) => protocols(reader, field),
        None => Some(Protocol::ALL.to_vec()),
    };
    let text = reader.text(main, "the router's address, or \"default\" for the default route's")?;
    let router = if text == "default" { None } else { Some(address(reader, main, text)?) };
    let knows = knows(reader, main, family);
    Some(Source::Router(RouterSource { router, via: via?, protocols: protocols? })).filter(|_| knows)
}

/// Whether a router can know an address of this family, and be asked at all.
fn knows(reader: &mut Reader, field: Field<'_>, family: Family) -> bool {
    if !cfg!(feature = "router") {
        let message = format!("`{}`: this driftless was built without the feature `router`", field.key);
        reader.note(
            error(field.node.at, message).help("build it with --features router, or leave this source out".to_owned()),
        );
        return false;
    }
    if family == Family::Ipv6 {
        let message = format!("`{}`: a router translates no IPv6 and so knows no address of ours", field.key);
        reader.note(error(field.node.at, message).help("\"interface\" knows it".to_owned()));
    }
    family == Family::Ipv4
}

/// An address that a router can have on our side.
fn address(reader: &mut Reader, field: Field<'_>, text: &str) -> Option<Ipv4Addr> {
    let Ok(address) = text.parse::<Ipv4Addr>() else {
        reader.refuse(field, format!("\"{text}\" is no IPv4 address, and not \"default\""));
        return None;
    };
    if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
        reader.refuse(field, format!("no router can have the address {address}"));
        return None;
    }
    if PublicAddr::new(address.into()).is_ok() {
        reader.refuse(field, format!("{address} is public: what has it on our side is no NAT router"));
        return None;
    }
    Some(address)
}

/// The protocols, each once.
fn protocols(reader: &mut Reader, field: Field<'_>) -> Option<Vec<Protocol>> {
    let words = Protocol::ALL.map(Protocol::word);
    let list = reader.list(field, &format!("a list of {}", setting::quoted(&words)))?;
    let (mut found, mut complete) = (Vec::new(), true);
    for item in list.iter() {
        let item = field.item(item);
        let word = setting::choice(reader, item, &words);
        match Protocol::ALL.into_iter().find(|protocol| Some(protocol.word()) == word) {
            Some(protocol) if found.contains(&protocol) => {
                reader.refuse(item, format!("\"{}\" is given twice", protocol.word()));
                complete = false;
            }
            Some(protocol) => found.push(protocol),
            None => complete = false,
        }
    }
    found.sort();
    complete.then_some(found)
}

#[cfg(test)]
#[cfg(not(feature = "router"))]
mod tests {
    use crate::config::{Config, Input};

    #[test]
    fn a_router_that_cannot_be_asked_by_this_build_is_an_error_that_names_the_feature() {
        for source in ["\"router\"", "{ router = \"default\" }"] {
            let text = format!("[address.default]\nipv4 = {source}\n");
            let input = Input { files: vec![("f".into(), text)], ..Input::default() };
            let said = Config::load(&input).unwrap_err().one_line();
            assert!(said.contains("f:2:") && said.contains("without the feature `router`"), "{said}");
        }
    }
}
