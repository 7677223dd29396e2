//! Where this machine stands, in words. Pure.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Situation, is_public};
use crate::model::address::is_carriers;
use crate::model::record::Family;

impl Situation {
    /// The situation in one or two sentences.
    #[must_use]
    pub fn says(&self, family: Family) -> String {
        match self {
            Self::Public { interface, address } => {
                format!("{family} is public on {interface}: {address} is this machine's own address.")
            }
            Self::BehindNat { interface, inside, outside } => {
                let has = has(interface, *inside);
                let is_own = inside.is_some_and(is_public);
                match outside {
                    Some(outside) if is_own => format!(
                        "{family} leaves as {outside}, which is no address of this machine, although {has}, which is public as \
                         well: something on the way translates, a proxy or the provider. A record gets the one that its sources say; \
                         which of them leads here, only a connection from outside tells."
                    ),
                    Some(outside) => format!(
                        "{family} is behind NAT at {outside}: {has}. What comes from outside arrives where the router \
                         forwards it to this machine."
                    ),
                    None => format!("{family} is behind NAT: {has}. Nobody has said what the address outside is."),
                }
            }
            Self::BehindCarrierNat { interface, inside, router, outside } => {
                carrier(family, (interface, *inside), *router, *outside)
            }
            Self::ThroughVpn { interface, kind, outside } => {
                let vpn = vpn(interface, kind.as_deref());
                let exit = outside.map_or("the address that the world sees is its exit's".to_owned(), |outside| {
                    format!("the address that the world sees, {outside}, is its exit's")
                });
                format!(
                    "{family} goes through {vpn}: {exit}, and not published unless the record says `vpn = true`. \
                     `bind_interface` asks a source by another interface."
                )
            }
            Self::ByOtherInterface { configured, interface } => format!(
                "{family} leaves by {interface} where {configured} is configured: an answer would be about another line \
                 and is not published unless the record says `vpn = true`. `bind_interface` keeps a source on its interface."
            ),
            Self::NoCarrier { interface } => format!(
                "{family} leads nowhere: {interface}, by which packets to the internet would leave, has no carrier."
            ),
            Self::NoRoute { addresses } => {
                let list: Vec<String> =
                    addresses.iter().map(|ours| format!("{} on {}", ours.address, ours.interface)).collect();
                format!("There are {family} addresses ({}), but no {family} default route.", list.join(", "))
            }
            Self::NoAddress { interface, duplicate } => {
                let (one, but) = match duplicate {
                    None => (a_global(family), String::new()),
                    Some(ip) => ("an address that it may use", format!(" {ip} is a duplicate: another host has it.")),
                };
                match interface {
                    None => format!(
                        "There is no {family}: no interface that works has {one}, and there is no default route.{but}"
                    ),
                    Some(interface) => format!(
                        "There is no {family}: {interface}, by which the default route leads, does not have {one}.{but}"
                    ),
                }
            }
            Self::NoNetwork { linked: false } => "There is no network: no interface is up and has a carrier.".into(),
            Self::NoNetwork { linked: true } => "There is no network: there is no default route.".into(),
            Self::Unknown { why } => format!("Where {family} stands is unknown: {why}."),
        }
    }
}

fn a_global(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "an address",
        Family::Ipv6 => "a global address",
    }
}

fn has(interface: &str, inside: Option<IpAddr>) -> String {
    inside.map_or(format!("{interface} has no address"), |inside| format!("{interface} has {inside}"))
}

fn carrier(
    family: Family,
    (interface, inside): (&str, Option<IpAddr>),
    router: Option<IpAddr>,
    outside: Option<IpAddr>,
) -> String {
    let mut evidence = router.map_or_else(|| has(interface, inside), |router| format!("the router has {router}"));
    if let Some(outside) = outside {
        // Writing to a text does not fail.
        let _ = write!(evidence, ", the internet sees {outside}");
    }
    // Of a network of one's own: a second router in the house says the same as a provider that uses such addresses.
    let (whose, first) = match router.or(inside) {
        Some(address) if is_carriers(address) => ("carrier-grade NAT", "Ask"),
        _ => (
            "carrier-grade NAT or a second router",
            "Where the second router is yours, let it forward, or make it a bridge; else ask",
        ),
    };
    format!(
        "{family} is behind {whose} ({evidence}), so that inbound connections cannot work. {first} the provider for a public \
         address, use {}, or a tunnel to a server that has one.",
        family.other()
    )
}

pub(super) fn vpn(interface: &str, kind: Option<&str>) -> String {
    kind.map_or(format!("the VPN {interface}"), |kind| format!("the VPN {interface} ({kind})"))
}
