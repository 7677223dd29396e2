//! Where this machine stands: the kernel's word and what the sources said, gathered for `model::situation`.

use std::collections::BTreeSet;

use super::interface;
use super::way::Asked;
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::model::situation::{Device, Facts, Ours, Situation, Stray, situation};
use crate::os::netlink::{Address, Link, Snapshot};

/// What a source outside of this machine said of a family.
#[derive(Clone, Debug)]
pub struct Heard<'a> {
    /// The family.
    pub family: Family,
    /// Who was asked.
    pub asked: Asked,
    /// What it said; `None` where it was not asked yet.
    pub reading: Option<&'a Reading>,
}

/// Where this machine stands in each of these families.
#[must_use]
pub fn situations(snapshot: &Snapshot, families: &[Family], heard: &[Heard<'_>]) -> Vec<(Family, Situation)> {
    families.iter().map(|family| (*family, situation(*family, &facts(snapshot, *family, heard)))).collect()
}

fn facts(snapshot: &Snapshot, family: Family, heard: &[Heard<'_>]) -> Facts {
    let of_family = || heard.iter().filter(|heard| heard.family == family);
    let way = bound(snapshot, of_family()).or_else(|| snapshot.way(family));
    let mut facts = Facts {
        linked: snapshot.links.iter().any(|link| link.works() && !link.loopback),
        way: way.map(|link| device(snapshot, link)),
        other_way: snapshot.way(family.other()).is_some(),
        addresses: addresses(snapshot, family, interface::is_in_order),
        duplicates: addresses(snapshot, family, interface::is_duplicate),
        ..Facts::default()
    };
    for Heard { asked, reading, .. } in of_family() {
        let said = match reading {
            Some(Reading::Addresses(list)) => list.first().copied(),
            Some(Reading::Behind(address)) => Some(*address),
            Some(Reading::None | Reading::Unknown(_)) | None => None,
        };
        match asked {
            Asked::World { .. } => facts.outside.extend(said),
            Asked::Router { .. } => facts.router = facts.router.or(said),
        }
        if let Some(Stray::Other { configured, interface }) = asked.stray(snapshot, family) {
            facts.stray.get_or_insert((configured, interface));
        }
    }
    facts
}

/// The one interface that all sources out in the world are bound to.
fn bound<'a>(snapshot: &'a Snapshot, heard: impl Iterator<Item = &'a Heard<'a>>) -> Option<&'a Link> {
    let world = heard.filter(|heard| matches!(heard.asked, Asked::World { .. }));
    let names: BTreeSet<Option<&str>> = world.map(|heard| heard.asked.via().interface.as_deref()).collect();
    let only = names.iter().copied().next().flatten().filter(|_| names.len() == 1)?;
    snapshot.link(only).filter(|link| link.works())
}

fn device(snapshot: &Snapshot, link: &Link) -> Device {
    Device { name: link.name.clone(), kind: link.kind.clone(), tunnel: snapshot.is_tunnel(link), works: link.works() }
}

/// The addresses of this kind, private ones too, but for those of VPNs and of interfaces that carry nothing.
fn addresses(snapshot: &Snapshot, family: Family, is_meant: fn(&Address) -> bool) -> Vec<Ours> {
    let of = |link: &Link| {
        let ours = snapshot.addresses.iter().filter(|address| address.index == link.index);
        let meant = ours.filter(|address| Family::of(address.ip) == family && is_meant(address));
        let named = meant.map(|address| Ours { interface: link.name.clone(), address: address.ip });
        named.collect::<Vec<_>>()
    };
    snapshot.links.iter().filter(|link| link.works() && !snapshot.is_tunnel(link)).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::via::Via;
    use crate::os::netlink::{Flags, Lifetime, Scope, Way};

    fn link(index: u32, name: &str, kind: Option<&str>) -> Link {
        let (name, kind) = (name.to_owned(), kind.map(str::to_owned));
        Link { index, up: true, running: true, loopback: name == "lo", name, kind, ethernet: true }
    }

    fn on(index: u32, ip: &str) -> Address {
        let (flags, preferred, valid) = (Flags::default(), Lifetime::Forever, Lifetime::Forever);
        Address { index, ip: ip.parse().unwrap(), prefix: 24, scope: Scope::Universe, flags, preferred, valid }
    }

    fn home() -> Snapshot {
        Snapshot {
            links: vec![link(1, "lo", None), link(2, "eth0", None), link(3, "wg0", Some("wireguard"))],
            addresses: vec![on(1, "127.0.0.1"), on(2, "169.254.1.1"), on(2, "192.168.1.2"), on(3, "8.8.4.4")],
            routes: Vec::new(),
            ways: vec![Way { family: Family::Ipv4, index: 3 }],
        }
    }

    fn ipv4(snapshot: &Snapshot, heard: &[(&Asked, Reading)]) -> Situation {
        let heard: Vec<_> = heard
            .iter()
            .map(|(asked, reading)| Heard { family: Family::Ipv4, asked: (*asked).clone(), reading: Some(reading) })
            .collect();
        situations(snapshot, &[Family::Ipv4], &heard).remove(0).1
    }

    fn by(interface: Option<&str>) -> Asked {
        Asked::World { via: Via { interface: interface.map(str::to_owned), address: None }, to: Vec::new() }
    }

    fn said(ip: &str) -> Reading {
        Reading::Addresses(vec![ip.parse().unwrap()])
    }

    #[test]
    fn sources_that_are_bound_to_a_line_tell_of_that_line() {
        let snapshot = home();
        let vpn = ipv4(&snapshot, &[(&by(None), said("9.9.9.9"))]);
        assert!(matches!(vpn, Situation::ThroughVpn { .. }), "{vpn:?}");
        let bound = ipv4(&snapshot, &[(&by(Some("eth0")), said("9.9.9.9"))]);
        let Situation::BehindNat { interface, inside, outside } = bound else { panic!("{bound:?}") };
        assert_eq!((interface.as_str(), inside), ("eth0", "192.168.1.2".parse().ok()));
        assert_eq!(outside, "9.9.9.9".parse().ok());
        let both = ipv4(&snapshot, &[(&by(Some("eth0")), said("9.9.9.9")), (&by(None), said("9.9.9.9"))]);
        assert!(matches!(both, Situation::ThroughVpn { .. }), "{both:?}");
    }

    #[test]
    fn a_line_without_a_carrier_is_not_public_whatever_address_it_has() {
        let mut snapshot = home();
        snapshot.links.push(link(4, "ppp1", Some("ppp")));
        snapshot.addresses.push(on(4, "9.9.9.9"));
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 4 }];
        let seen = [(&by(None), said("9.9.9.9"))];
        let public = Situation::Public { interface: "ppp1".into(), address: "9.9.9.9".parse().unwrap() };
        assert_eq!([ipv4(&snapshot, &[]), ipv4(&snapshot, &seen)], [public.clone(), public]);
        snapshot.links[3].running = false;
        let silent = Situation::NoCarrier { interface: "ppp1".into() };
        assert_eq!([ipv4(&snapshot, &[]), ipv4(&snapshot, &seen)], [silent.clone(), silent]);
        // The other line carries what leaves, and the address of this one is seen all the same, from before or by a proxy.
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 2 }];
        let Situation::BehindNat { interface, .. } = ipv4(&snapshot, &seen) else { panic!() };
        assert_eq!(interface, "eth0");
        // A VPN's interface that nobody feeds has none either.
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 3 }];
        snapshot.links[2].running = false;
        assert_eq!(ipv4(&snapshot, &[]), Situation::NoCarrier { interface: "wg0".into() });
    }

    #[test]
    fn an_address_that_another_host_has_too_is_named_where_it_is_the_only_one() {
        let mut snapshot = home();
        let mut doubled = on(2, "2a00::2");
        doubled.flags.dad_failed = true;
        let mut local = on(2, "fe80::2");
        (local.flags.dad_failed, local.scope) = (true, Scope::Link);
        snapshot.addresses.extend([local, doubled]);
        snapshot.ways.push(Way { family: Family::Ipv6, index: 2 });
        let ipv6 = |snapshot: &Snapshot| situations(snapshot, &[Family::Ipv6], &[]).remove(0).1;
        let found = ipv6(&snapshot);
        let (interface, duplicate) = (Some("eth0".to_owned()), "2a00::2".parse().ok());
        assert_eq!(found, Situation::NoAddress { interface, duplicate });
        let says = "There is no IPv6: eth0, by which the default route leads, does not have an address that it may use. \
                    2a00::2 is a duplicate: another host has it.";
        assert_eq!(found.says(Family::Ipv6), says);
        snapshot.addresses.push(on(2, "2a00::3"));
        assert!(matches!(ipv6(&snapshot), Situation::Public { .. }), "it has another one");
    }

    #[test]
    fn the_router_is_told_from_the_world_and_a_vpns_address_is_not_ours() {
        let mut snapshot = home();
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 2 }];
        let router = Asked::Router { via: Via::default(), router: None };
        let behind = Reading::Behind("100.64.3.2".parse().unwrap());
        let found = ipv4(&snapshot, &[(&router, behind), (&by(None), said("8.8.4.4"))]);
        let Situation::BehindCarrierNat { inside, router, outside, .. } = found else { panic!("{found:?}") };
        assert_eq!(inside, "192.168.1.2".parse().ok());
        assert_eq!((router, outside), ("100.64.3.2".parse().ok(), "8.8.4.4".parse().ok()));
    }
}
