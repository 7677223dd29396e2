//! Where this machine stands, as seen from the internet: what the readings mean, in one value and one or two sentences. Pure.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::address::{PublicAddr, is_carriers};
use super::machine::Level;
use super::record::Family;

mod stray;
mod told;
mod words;

pub use stray::Stray;
pub use told::Told;

/// What the kernel calls the links of VPNs (`IFLA_INFO_KIND`). Not among them are lines that carry the internet to a subscriber or
/// that one takes for their public address: `ppp`, `sit` (6in4), `ip6tnl` (DS-Lite), `gre`, `ipip`.
const TUNNELS: [&str; 7] = ["amneziawg", "ovpn", "ovpn-dco", "vti", "vti6", "wireguard", "xfrm"];
/// What VPNs call their links where the system does not say what a link is, with a number behind it.
const NAMES: [&str; 4] = ["ipsec", "tun", "utun", "wg"];

/// Whether a link is a VPN's, given what the kernel calls it, whether it carries Ethernet frames, its name, and whether there is
/// another link beside it that works, the loopback one aside.
///
/// `tun` is what a program in this machine feeds. With bare packets it is a VPN's. With Ethernet frames (`tap`) it is the
/// only wire of a container without root (slirp4netns, pasta), and a VPN's only where another link carries it.
#[must_use]
pub fn is_tunnel(kind: Option<&str>, ethernet: bool, name: &str, beside: bool) -> bool {
    match kind {
        Some("tun") => !ethernet || beside,
        Some(kind) => TUNNELS.contains(&kind),
        None => {
            let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|octet| octet.is_ascii_digit());
            NAMES.iter().any(|start| name.strip_prefix(start).is_some_and(number))
        }
    }
}

/// An address of this machine that others could use: not link-local, not loopback, in order, and not deprecated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ours {
    /// The interface that has it.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
}

/// A link by which packets leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// What the kernel calls it, if anything.
    pub kind: Option<String>,
    /// Whether it is a VPN's: see [`is_tunnel`].
    pub tunnel: bool,
    /// Whether it can carry anything: without a carrier its addresses and routes stay, and lead nowhere.
    pub works: bool,
}

/// What is known of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// An interface works, the loopback one aside.
    pub linked: bool,
    /// The interface by which packets to the internet leave, or the one that sources are bound to; `None` where there is no way.
    pub way: Option<Device>,
    /// There is a way for the other family.
    pub other_way: bool,
    /// This machine's addresses of the family but for those of VPNs and of interfaces that carry nothing, in the kernel's order.
    pub addresses: Vec<Ours>,
    /// Those of its global ones that another host has, too, so that the kernel does not use them (RFC 4862, section 5.4).
    pub duplicates: Vec<Ours>,
    /// What sources out in the world said, one entry for each.
    pub outside: Vec<IpAddr>,
    /// What the router said that it has outside.
    pub router: Option<IpAddr>,
    /// The interface by which a source is to ask, and the one by which its questions leave.
    pub stray: Option<(String, String)>,
}

/// Where this machine stands in one family, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "situation", rename_all = "snake_case")]
pub enum Situation {
    /// An interface has a public address.
    Public {
        /// The interface.
        interface: String,
        /// The address.
        address: IpAddr,
    },
    /// A router translates, and has a public address itself, as far as is known.
    BehindNat {
        /// The interface by which packets leave.
        interface: String,
        /// Our address, if there is one.
        inside: Option<IpAddr>,
        /// The address that the internet sees, where somebody said it.
        outside: Option<IpAddr>,
    },
    /// The provider translates, or another router in front of ours: nobody can connect from outside.
    BehindCarrierNat {
        /// The interface by which packets leave.
        interface: String,
        /// Our address, if there is one.
        inside: Option<IpAddr>,
        /// What the router has outside, where it said it.
        router: Option<IpAddr>,
        /// The address that the internet sees, where somebody said it.
        outside: Option<IpAddr>,
    },
    /// Packets leave through a VPN: what the internet sees is its exit.
    ThroughVpn {
        /// The VPN's interface.
        interface: String,
        /// What the kernel calls it, if anything.
        kind: Option<String>,
        /// The exit, where somebody said it.
        outside: Option<IpAddr>,
    },
    /// Answers come in by another interface than the configured one.
    ByOtherInterface {
        /// The one that was configured.
        configured: String,
        /// The one by which packets leave.
        interface: String,
    },
    /// The interface by which packets would leave carries nothing.
    NoCarrier {
        /// The interface.
        interface: String,
    },
    /// There are addresses, and no way to the internet.
    NoRoute {
        /// The addresses.
        addresses: Vec<Ours>,
    },
    /// This machine has nothing of this family.
    NoAddress {
        /// The interface of a default route that there is all the same.
        interface: Option<String>,
        /// Its address that another host has, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duplicate: Option<IpAddr>,
    },
    /// Neither family leads anywhere.
    NoNetwork {
        /// Whether an interface works at all.
        linked: bool,
    },
    /// The system does not tell its addresses and routes.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// The situation of a family.
///
/// With `way` eth0, `addresses` 192.168.1.2 on it, `router` 100.64.3.2 and `outside` 8.8.8.8 it is
/// [`Situation::BehindCarrierNat`]; without `router`, [`Situation::BehindNat`].
#[must_use]
pub fn situation(family: Family, facts: &Facts) -> Situation {
    if !facts.linked {
        return Situation::NoNetwork { linked: false };
    }
    let is_local = |ours: &&Ours| family == Family::Ipv6 && !is_public(ours.address);
    let Some(way) = &facts.way else {
        let addresses: Vec<Ours> = facts.addresses.iter().filter(|ours| !is_local(ours)).cloned().collect();
        return match (facts.other_way, addresses.is_empty()) {
            (false, _) => Situation::NoNetwork { linked: true },
            (true, true) => Situation::NoAddress { interface: None, duplicate: duplicate(facts, |_| true) },
            (true, false) => Situation::NoRoute { addresses },
        };
    };
    if !way.works {
        return Situation::NoCarrier { interface: way.name.clone() };
    }
    // Who sees an address of a network of our own sees it within that network.
    let is_ours = |seen: &IpAddr| facts.addresses.iter().any(|ours| ours.address == *seen);
    let is_inside = |seen: &IpAddr| !is_public(*seen) && is_ours(seen);
    let (interface, outside) = (way.name.clone(), majority(&facts.outside).filter(|seen| !is_inside(seen)));
    if way.tunnel {
        // A source that is bound to the line sees the line's own address, which is no exit.
        let strange: Vec<IpAddr> = facts.outside.iter().copied().filter(|seen| !is_ours(seen)).collect();
        return Situation::ThroughVpn { interface, kind: way.kind.clone(), outside: majority(&strange) };
    }
    if let Some((configured, interface)) = facts.stray.clone() {
        return Situation::ByOtherInterface { configured, interface };
    }
    let here = best(facts, &way.name);
    let inside = here.map(|ours| ours.address);
    let is_second = facts.router.is_some_and(|router| !is_public(router) || outside.is_some_and(|seen| seen != router));
    if is_second || inside.is_some_and(is_carriers) {
        return Situation::BehindCarrierNat { interface, inside, router: facts.router, outside };
    }
    let outside = outside.or(facts.router);
    match (public(facts, here, outside), here) {
        (Some(Ours { interface, address }), _) => Situation::Public { interface, address },
        (None, here) if outside.is_none() && here.as_ref().is_none_or(is_local) => {
            let duplicate = duplicate(facts, |ours| ours.interface == interface);
            Situation::NoAddress { interface: Some(interface), duplicate }
        }
        _ => Situation::BehindNat { interface, inside, outside },
    }
}

/// Our own address where it is the one that the internet sees. IPv6 hosts ask from another address of the same network, a
/// temporary one (RFC 8981).
fn public(facts: &Facts, here: Option<&Ours>, outside: Option<IpAddr>) -> Option<Ours> {
    let here = here.filter(|ours| is_public(ours.address));
    let Some(outside) = outside else { return here.cloned() };
    let same = |ours: &&Ours| is_public(ours.address) && is_same_network(ours.address, outside);
    here.filter(same).or_else(|| facts.addresses.iter().find(same)).cloned()
}

fn is_same_network(ours: IpAddr, outside: IpAddr) -> bool {
    let network = |address: Ipv6Addr| address.to_bits() >> 64;
    match (ours, outside) {
        (IpAddr::V6(ours), IpAddr::V6(outside)) => network(ours) == network(outside),
        (ours, outside) => ours == outside,
    }
}

fn duplicate(facts: &Facts, is_meant: impl Fn(&Ours) -> bool) -> Option<IpAddr> {
    facts.duplicates.iter().find(|ours| is_meant(ours)).map(|ours| ours.address)
}

/// The address on an interface that says most: public, a carrier's, any.
fn best<'a>(facts: &'a Facts, interface: &str) -> Option<&'a Ours> {
    let rank = |ours: &&Ours| (!is_public(ours.address), !is_carriers(ours.address));
    facts.addresses.iter().filter(|ours| ours.interface == interface).min_by_key(rank)
}

fn is_public(address: IpAddr) -> bool {
    PublicAddr::new(address).is_ok()
}

/// What most said; nothing where none is said by more than every other one.
fn majority(said: &[IpAddr]) -> Option<IpAddr> {
    let count = |address: &IpAddr| said.iter().filter(|other| *other == address).count();
    let most = said.iter().max_by_key(|address| count(address))?;
    said.iter().all(|other| other == most || count(other) < count(most)).then_some(*most)
}

impl Situation {
    /// How much it matters that it is so from now on.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::BehindCarrierNat { .. } | Self::ThroughVpn { .. } | Self::ByOtherInterface { .. } => Level::Warn,
            // Nobody was asked yet, or nobody is.
            Self::BehindNat { outside: None, .. } => Level::Debug,
            _ => Level::Info,
        }
    }

    /// Whether packets have no way out, by the kernel's word alone: whatever a source says makes no difference.
    #[must_use]
    pub fn leads_nowhere(&self) -> bool {
        use Situation::{NoAddress, NoCarrier, NoNetwork, NoRoute};
        matches!(self, NoNetwork { .. } | NoCarrier { .. } | NoRoute { .. } | NoAddress { interface: None, .. })
    }

    /// Whether it may still be so, given the situation by the kernel's word alone: the same way out with the same address.
    #[must_use]
    pub fn may_last(&self, by_kernel: &Self) -> bool {
        if self.leads_nowhere() || by_kernel.leads_nowhere() {
            self == by_kernel
        } else {
            self.stands() == by_kernel.stands()
        }
    }

    /// The interface by which packets leave, and its address.
    fn stands(&self) -> (Option<&str>, Option<IpAddr>) {
        match self {
            Self::Public { interface, address } => (Some(interface), Some(*address)),
            Self::BehindNat { interface, inside, .. } | Self::BehindCarrierNat { interface, inside, .. } => {
                (Some(interface), *inside)
            }
            Self::ThroughVpn { interface, .. }
            | Self::ByOtherInterface { interface, .. }
            | Self::NoCarrier { interface } => (Some(interface), None),
            Self::NoAddress { interface, .. } => (interface.as_deref(), None),
            Self::NoRoute { .. } | Self::NoNetwork { .. } | Self::Unknown { .. } => (None, None),
        }
    }

    /// The situation in one word, as in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Public { .. } => "public",
            Self::BehindNat { .. } => "behind_nat",
            Self::BehindCarrierNat { .. } => "behind_carrier_nat",
            Self::ThroughVpn { .. } => "through_vpn",
            Self::ByOtherInterface { .. } => "by_other_interface",
            Self::NoCarrier { .. } => "no_carrier",
            Self::NoRoute { .. } => "no_route",
            Self::NoAddress { .. } => "no_address",
            Self::NoNetwork { .. } => "no_network",
            Self::Unknown { .. } => "unknown",
        }
    }
}

#[cfg(test)]
mod tests;
