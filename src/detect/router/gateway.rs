//! Which router is asked, and by which interface: the default route's, or the one that was named.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::address::PublicAddr;
use crate::model::record::Family;
use crate::net::via::Via;
use crate::os::netlink::{Address, Link, Snapshot};

/// The router and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its address on our side.
    pub address: Ipv4Addr,
    /// By the interface that was named, and from our address on the interface that leads there.
    pub via: Via,
}

/// The router of the IPv4 default route, or the one at `router`; only by the interface, or from the address, of `wished`.
///
/// With `default via 192.168.1.1 dev eth0` and nothing wished: 192.168.1.1, from our address on eth0.
///
/// # Errors
/// In words: no such interface, no default route, one without a router (a tunnel), several that are alike, or a router whose
/// own address is public, so that no NAT is in front of this machine.
pub fn find(snapshot: &Snapshot, router: Option<Ipv4Addr>, wished: &Via) -> Result<Gateway, String> {
    let named = match wished {
        Via { interface: Some(name), .. } => {
            Some(snapshot.link(name).ok_or_else(|| format!("there is no interface {name}"))?)
        }
        Via { address: Some(address), .. } => {
            Some(snapshot.owner(*address).ok_or_else(|| format!("no interface has the address {address}"))?)
        }
        Via { interface: None, address: None } => None,
    };
    let (address, link) = match router {
        Some(address) => (address, named.or_else(|| neighbour(snapshot, address))),
        None => routed(snapshot, named)?,
    };
    if PublicAddr::new(address.into()).is_ok() {
        return Err(format!("the router {address} has a public address on this side: no NAT of its is in front of us"));
    }
    let ours = wished.address.or_else(|| source(snapshot, link?, address));
    Ok(Gateway { address, via: Via { interface: wished.interface.clone(), address: ours } })
}

/// The router of the default route with the lowest metric.
fn routed<'a>(snapshot: &'a Snapshot, only: Option<&'a Link>) -> Result<(Ipv4Addr, Option<&'a Link>), String> {
    let by = only.map(|link| format!(" by {}", link.name)).unwrap_or_default();
    let routes = || {
        let of_family = snapshot.routes.iter().filter(|route| route.family == Family::Ipv4);
        of_family.filter(|route| only.is_none_or(|link| link.index == route.index))
    };
    let Some(lowest) = routes().map(|route| route.metric).min() else {
        if cfg!(target_os = "linux") {
            return Err(format!("there is no IPv4 default route{by}"));
        }
        return Err("this system does not say which router it uses: name it, { router = \"192.168.1.1\" }".into());
    };
    let mut found: Vec<(u32, Option<IpAddr>)> =
        routes().filter(|route| route.metric == lowest).map(|route| (route.index, route.gateway)).collect();
    found.sort();
    found.dedup();
    let name = |index: u32| snapshot.links.iter().find(|link| link.index == index);
    match found.as_slice() {
        [(index, Some(IpAddr::V4(address)))] => Ok((*address, name(*index))),
        [(index, other)] => {
            let by = name(*index).map_or("an interface that is gone", |link| link.name.as_str());
            Err(match other {
                Some(other) => {
                    format!("the IPv4 default route by {by} has a router that is asked by IPv4 only: {other}")
                }
                None => format!("the IPv4 default route by {by} leads to no router: a tunnel or a dial-up line"),
            })
        }
        several => {
            let shown = several.iter().map(|(_, to)| to.map_or("no router".to_owned(), |to| to.to_string()));
            let shown = shown.collect::<Vec<_>>().join(", ");
            Err(format!("several IPv4 default routes are alike ({shown}): name the router or the interface"))
        }
    }
}

/// The interface whose network a router is in, that with the longest prefix.
fn neighbour(snapshot: &Snapshot, router: Ipv4Addr) -> Option<&Link> {
    let near = snapshot.addresses.iter().filter(|address| contains(address, router));
    let index = near.max_by_key(|address| address.prefix)?.index;
    snapshot.links.iter().find(|link| link.index == index)
}

/// Our address there: one of the router's network, else the first.
fn source(snapshot: &Snapshot, link: &Link, router: Ipv4Addr) -> Option<IpAddr> {
    let ours = || snapshot.addresses.iter().filter(|address| address.index == link.index && address.ip.is_ipv4());
    Some(ours().find(|address| contains(address, router)).or_else(|| ours().next())?.ip)
}

/// Whether the network of an address of ours has `other` in it.
fn contains(address: &Address, other: Ipv4Addr) -> bool {
    let IpAddr::V4(ours) = address.ip else { return false };
    let host = 32_u32.saturating_sub(address.prefix.into());
    let mask = u32::MAX.checked_shl(host).unwrap_or(0);
    ours.to_bits() & mask == other.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::netlink::{DefaultRoute, Flags, Lifetime, Scope};

    fn link(index: u32, name: &str) -> Link {
        let (kind, ethernet) = (None, true);
        Link { index, name: name.into(), up: true, running: true, loopback: false, kind, ethernet }
    }

    fn address(index: u32, ip: &str, prefix: u8) -> Address {
        let (flags, preferred, valid) = (Flags::default(), Lifetime::Forever, Lifetime::Forever);
        Address { index, ip: ip.parse().unwrap(), prefix, scope: Scope::Universe, flags, preferred, valid }
    }

    fn route(index: u32, gateway: Option<&str>, metric: u32) -> DefaultRoute {
        DefaultRoute {
            family: Family::Ipv4,
            index,
            gateway: gateway.map(|text| text.parse().unwrap()),
            metric,
            from: None,
        }
    }

    /// eth0 and wlan0, each with a network of its own, and a default route by both.
    fn home() -> Snapshot {
        Snapshot {
            links: vec![link(2, "eth0"), link(3, "wlan0"), link(4, "wg0")],
            addresses: vec![
                address(2, "2001:db8::2", 64),
                address(2, "10.9.0.2", 16),
                address(2, "192.168.1.2", 24),
                address(3, "10.0.0.2", 8),
                address(4, "10.66.0.2", 32),
            ],
            routes: vec![route(3, Some("10.0.0.1"), 600), route(2, Some("192.168.1.1"), 100)],
            ways: Vec::new(),
        }
    }

    fn ask(snapshot: &Snapshot, router: Option<&str>, wished: Via) -> Result<String, String> {
        let found = find(snapshot, router.map(|text| text.parse().unwrap()), &wished)?;
        Ok(format!("{}{}", found.address, found.via))
    }

    fn by(interface: &str) -> Via {
        Via { interface: Some(interface.into()), address: None }
    }

    fn from(address: &str) -> Via {
        Via { interface: None, address: Some(address.parse().unwrap()) }
    }

    fn why(snapshot: &Snapshot, router: Option<&str>, interface: Option<&str>) -> String {
        ask(snapshot, router, interface.map(by).unwrap_or_default()).unwrap_err()
    }

    #[test]
    fn the_router_is_that_of_the_default_route_with_the_lowest_metric() {
        let snapshot = home();
        assert_eq!(ask(&snapshot, None, Via::default()).unwrap(), "192.168.1.1 from 192.168.1.2");
        assert_eq!(ask(&snapshot, None, by("wlan0")).unwrap(), "10.0.0.1 by wlan0 from 10.0.0.2");
        assert_eq!(ask(&snapshot, None, from("10.0.0.2")).unwrap(), "10.0.0.1 from 10.0.0.2");
        assert_eq!(ask(&snapshot, None, from("10.9.0.2")).unwrap(), "192.168.1.1 from 10.9.0.2");
        let why = ask(&snapshot, None, from("10.9.0.3")).unwrap_err();
        assert_eq!(why, "no interface has the address 10.9.0.3");
    }

    #[test]
    fn a_named_router_is_reached_by_the_interface_of_its_network() {
        let snapshot = home();
        let plain = Via::default;
        assert_eq!(ask(&snapshot, Some("10.9.3.1"), plain()).unwrap(), "10.9.3.1 from 10.9.0.2");
        assert_eq!(ask(&snapshot, Some("10.1.0.1"), plain()).unwrap(), "10.1.0.1 from 10.0.0.2");
        assert_eq!(ask(&snapshot, Some("172.16.0.1"), by("eth0")).unwrap(), "172.16.0.1 by eth0 from 10.9.0.2");
        assert_eq!(ask(&snapshot, Some("172.16.0.1"), plain()).unwrap(), "172.16.0.1");
        assert_eq!(ask(&Snapshot::default(), Some("172.16.0.1"), plain()).unwrap(), "172.16.0.1");
    }

    #[test]
    fn where_there_is_no_one_router_the_reason_is_said() {
        let mut snapshot = home();
        assert_eq!(why(&snapshot, None, Some("eth9")), "there is no interface eth9");
        assert_eq!(why(&snapshot, None, Some("wg0")), "there is no IPv4 default route by wg0");
        snapshot.routes.push(route(4, None, 0));
        assert!(why(&snapshot, None, None).contains("by wg0 leads to no router"));
        snapshot.routes = vec![route(2, Some("192.168.1.1"), 0), route(3, Some("10.0.0.1"), 0)];
        assert!(why(&snapshot, None, None).contains("alike (192.168.1.1, 10.0.0.1): name the router"));
        snapshot.routes = vec![route(2, Some("192.168.1.1"), 0), route(2, Some("192.168.1.1"), 0)];
        assert!(ask(&snapshot, None, Via::default()).is_ok(), "the same twice is one");
        snapshot.routes = vec![route(2, Some("fe80::1"), 0)];
        assert!(why(&snapshot, None, None).contains("asked by IPv4 only: fe80::1"));
        snapshot.routes = vec![DefaultRoute { family: Family::Ipv6, ..route(2, Some("fe80::1"), 0) }];
        assert_eq!(why(&snapshot, None, None), "there is no IPv4 default route");
    }

    #[test]
    fn a_router_with_a_public_address_is_not_asked() {
        let mut snapshot = home();
        snapshot.routes = vec![route(2, Some("8.8.8.1"), 0)];
        assert!(why(&snapshot, None, None).contains("8.8.8.1 has a public address on this side"));
        assert!(why(&snapshot, Some("8.8.4.1"), None).contains("8.8.4.1 has a public address"));
    }
}
