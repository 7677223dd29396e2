//! The kernel's word on addresses, links and default routes: a snapshot, and a watch that says when to take another.
//!
//! Everywhere but on Linux the snapshot has no flags, lifetimes, kinds and routes, and there is no watch.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::mac::Mac;
use crate::model::prefix::Prefix;
use crate::model::record::Family;
use crate::model::situation::is_tunnel;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod look_up;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(all(fuzzing, target_os = "linux"))]
pub use linux::fuzz as fuzz_neighbours;
#[cfg(target_os = "linux")]
pub use linux::{Watch, delegated, neighbours, snapshot};
#[cfg(all(fuzzing, target_os = "linux"))]
pub use look_up::fuzz as fuzz_look_up;
#[cfg(target_os = "linux")]
pub use look_up::way;
#[cfg(not(target_os = "linux"))]
pub use portable::{Watch, delegated, neighbours, snapshot, way};
#[cfg(all(fuzzing, target_os = "linux"))]
pub use wire::fuzz;

/// The addresses, links and default routes at one moment, each list in the kernel's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The network interfaces.
    pub links: Vec<Link>,
    /// The addresses of all interfaces.
    pub addresses: Vec<Address>,
    /// The default routes of the main table, those for some sources only among them.
    pub routes: Vec<DefaultRoute>,
    /// The interface by which each family leaves for the internet; no entry where there is no way.
    pub ways: Vec<Way>,
}

/// The interface by which packets to the internet leave, whichever rule and table say so: what a VPN like wg-quick's sets up
/// beside the main table is found so, and what OpenVPN's two halves of the internet are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// The family.
    pub family: Family,
    /// The interface's number.
    pub index: u32,
}

/// Where packets to the internet are said to go when only the way is asked for, and nothing is sent: addresses for
/// documentation (RFC 5737, RFC 3849), which are nobody's and near nobody.
#[must_use]
pub fn somewhere(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    }
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Switched on (`IFF_UP`).
    pub up: bool,
    /// Able to carry traffic: RFC 2863's state is up or unknown (`IFF_RUNNING`).
    pub running: bool,
    /// The loopback interface.
    pub loopback: bool,
    /// The kernel's word for what it is (`IFLA_INFO_KIND`): `wireguard`, `tun`, `veth`; `None` for hardware, and where nobody
    /// says.
    pub kind: Option<String>,
    /// It carries Ethernet frames (`ARPHRD_ETHER`), not bare packets.
    pub ethernet: bool,
}

impl Link {
    /// Whether it is switched on and can carry anything: without a carrier its addresses and routes stay, and lead nowhere.
    #[must_use]
    pub fn works(&self) -> bool {
        self.up && self.running
    }
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The interface it belongs to.
    pub index: u32,
    /// The address; on a point-to-point link our end.
    pub ip: IpAddr,
    /// The length of its prefix in bits.
    pub prefix: u8,
    /// How far it is valid.
    pub scope: Scope,
    /// What the kernel says of it.
    pub flags: Flags,
    /// How long it may still be used for new connections (RFC 4862).
    pub preferred: Lifetime,
    /// How long it exists still.
    pub valid: Lifetime,
}

/// How far an address is valid (`rtnetlink(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Universe,
    /// Within the site.
    Site,
    /// On this link.
    Link,
    /// Within this machine.
    Host,
    /// Another one, by its number.
    Other(u8),
}

/// What the kernel says of an address (`ifa_flags` of `rtnetlink(7)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flags {
    /// IPv6: made for privacy and soon to be replaced (RFC 8981). The kernel uses one bit for this and for `secondary`.
    pub temporary: bool,
    /// IPv4: a further address in a subnet that has one already.
    pub secondary: bool,
    /// No longer to be used for new connections.
    pub deprecated: bool,
    /// Not yet known to be unique on its link (RFC 4862).
    pub tentative: bool,
    /// Somebody else on the link has it.
    pub dad_failed: bool,
    /// In use before it is known to be unique (RFC 4429).
    pub optimistic: bool,
    /// Temporary addresses are derived from it.
    pub temporaries: bool,
    /// Stable and opaque (RFC 7217).
    pub stable_privacy: bool,
    /// Without a lifetime.
    pub permanent: bool,
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifetime {
    /// Over.
    Zero,
    /// So many seconds.
    Seconds(u32),
    /// For ever, or nobody says.
    Forever,
}

/// A default route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefaultRoute {
    /// The family it is for.
    pub family: Family,
    /// The interface it leaves by.
    pub index: u32,
    /// The router; none on a point-to-point link.
    pub gateway: Option<IpAddr>,
    /// The lower, the sooner it is taken.
    pub metric: u32,
    /// IPv6: only for what comes from this prefix. Routers with several uplinks have such ones (RFC 8043).
    pub from: Option<Prefix>,
}

/// Another machine of the LAN, as the kernel's IPv6 neighbour table knows it (RFC 4861, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Neighbour {
    /// Its address.
    pub ip: Ipv6Addr,
    /// Its MAC address.
    pub mac: Mac,
    /// Whether it is known to be there: it answered moments ago (`NUD_REACHABLE`), or somebody said so for good
    /// (`NUD_PERMANENT`). Of all others it is "no longer known" (RFC 4861, section 7.3.2): stale ones, and those that are being
    /// asked because they were stale (`NUD_DELAY`, `NUD_PROBE`).
    pub reachable: bool,
}

/// What a [`Watch`] has heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Links, addresses or routes may have changed.
    Addresses,
    /// A neighbour that is followed has an address that it was not heard of with.
    Neighbour,
}

impl Lifetime {
    /// The same for any number of seconds: what is left when nobody counts.
    fn class(self) -> Self {
        match self {
            Self::Seconds(_) => Self::Seconds(1),
            other => other,
        }
    }
}

impl Snapshot {
    /// Whether nothing of interest differs: the order does not matter, nor how many seconds of a lifetime are left, so that
    /// a router advertisement that only renews is no difference.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.links.len() == other.links.len()
            && self.addresses.len() == other.addresses.len()
            && self.routes.len() == other.routes.len()
            && self.ways.len() == other.ways.len()
            && self.comparable() == other.comparable()
    }

    /// Sorted, and with lifetimes by their class only.
    fn comparable(&self) -> Self {
        let mut copy = self.clone();
        for address in &mut copy.addresses {
            address.preferred = address.preferred.class();
            address.valid = address.valid.class();
        }
        copy.links.sort();
        copy.addresses.sort();
        copy.routes.sort();
        copy.ways.sort();
        copy
    }

    /// Whether the way out differs in nothing of interest: the default routes, where packets leave in truth, and the interfaces
    /// and addresses of both. Where there is no way now or before, everything counts.
    #[must_use]
    pub fn same_way_out(&self, other: &Self) -> bool {
        let nowhere = [self, other].iter().all(|one| one.routes.is_empty() && one.ways.is_empty());
        if nowhere { self.same_as(other) } else { self.way_out().same_as(&other.way_out()) }
    }

    fn way_out(&self) -> Self {
        let used = |index: u32| {
            self.routes.iter().any(|route| route.index == index) || self.ways.iter().any(|way| way.index == index)
        };
        Self {
            links: self.links.iter().filter(|link| used(link.index)).cloned().collect(),
            addresses: self.addresses.iter().filter(|address| used(address.index)).cloned().collect(),
            routes: self.routes.clone(),
            ways: self.ways.clone(),
        }
    }

    /// The interface by which a family leaves for the internet.
    #[must_use]
    pub fn way(&self, family: Family) -> Option<&Link> {
        let index = self.ways.iter().find(|way| way.family == family)?.index;
        self.links.iter().find(|link| link.index == index)
    }

    /// The interface that has an address of ours.
    #[must_use]
    pub fn owner(&self, address: IpAddr) -> Option<&Link> {
        let index = self.addresses.iter().find(|found| found.ip == address)?.index;
        self.links.iter().find(|link| link.index == index)
    }

    /// Whether a link is a VPN's.
    #[must_use]
    pub fn is_tunnel(&self, link: &Link) -> bool {
        let beside = self.links.iter().any(|other| other.index != link.index && other.running && !other.loopback);
        is_tunnel(link.kind.as_deref(), link.ethernet, &link.name, beside)
    }

    /// The same without VPNs: their links, addresses and routes.
    #[must_use]
    pub fn without_tunnels(mut self) -> Self {
        let tunnels: Vec<u32> = self.links.iter().filter(|link| self.is_tunnel(link)).map(|link| link.index).collect();
        self.links.retain(|link| !tunnels.contains(&link.index));
        self.addresses.retain(|address| !tunnels.contains(&address.index));
        self.routes.retain(|route| !tunnels.contains(&route.index));
        self.ways.retain(|way| !tunnels.contains(&way.index));
        self
    }

    /// The interface of that name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The interfaces of a family's default routes that have the lowest metric, each once.
    #[must_use]
    pub fn default_links(&self, family: Family) -> Vec<&Link> {
        let of_family = || self.routes.iter().filter(|route| route.family == family);
        let lowest = of_family().map(|route| route.metric).min();
        let mut taken: Vec<&Link> = Vec::new();
        for route in of_family().filter(|route| Some(route.metric) == lowest) {
            // A link may have gone between two of the kernel's answers; the next event shows it.
            let link = self.links.iter().find(|link| link.index == route.index);
            taken.extend(link.filter(|link| !taken.contains(link)));
        }
        taken
    }
}

/// An error with what was being done.
fn said(doing: &str, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{doing}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ip: &str, preferred: Lifetime) -> Address {
        let (scope, flags, ip) = (Scope::Universe, Flags::default(), ip.parse().unwrap());
        Address { index: 2, ip, prefix: 64, scope, flags, preferred, valid: Lifetime::Seconds(7200) }
    }

    fn link(index: u32, kind: Option<&str>) -> Link {
        let (name, kind) = (format!("if{index}"), kind.map(str::to_owned));
        Link { index, name, up: true, running: true, loopback: false, kind, ethernet: true }
    }

    #[test]
    fn what_belongs_to_a_vpn_can_be_left_out() {
        let route = |index| DefaultRoute { family: Family::Ipv4, index, gateway: None, metric: 0, from: None };
        let on = |index, ip| Address { index, ..address(ip, Lifetime::Forever) };
        let snapshot = Snapshot {
            links: vec![link(1, None), link(2, Some("wireguard"))],
            addresses: vec![on(1, "192.168.1.2"), on(2, "10.8.0.2")],
            routes: vec![route(1), route(2)],
            ways: vec![Way { family: Family::Ipv4, index: 2 }],
        };
        assert!(snapshot.is_tunnel(snapshot.way(Family::Ipv4).unwrap()));
        let rest = snapshot.clone().without_tunnels();
        assert_eq!((rest.links, rest.addresses), (vec![link(1, None)], vec![on(1, "192.168.1.2")]));
        assert_eq!((rest.routes, rest.ways), (vec![route(1)], Vec::new()));
        assert!(!snapshot.same_way_out(&Snapshot { ways: Vec::new(), ..snapshot.clone() }), "a rule led there");
    }

    fn with(addresses: Vec<Address>) -> Snapshot {
        Snapshot { addresses, ..Snapshot::default() }
    }

    #[test]
    fn a_renewed_lifetime_is_no_difference_and_an_expired_one_is() {
        let at = |preferred| with(vec![address("2a00::1", preferred)]);
        assert!(at(Lifetime::Seconds(10)).same_as(&at(Lifetime::Seconds(3600))));
        assert!(!at(Lifetime::Seconds(10)).same_as(&at(Lifetime::Zero)));
        assert!(!at(Lifetime::Seconds(10)).same_as(&at(Lifetime::Forever)));
    }

    #[test]
    fn the_order_is_no_difference_and_a_flag_is() {
        let (one, two) = (address("2a00::1", Lifetime::Forever), address("2a00::2", Lifetime::Forever));
        let both = with(vec![one.clone(), two.clone()]);
        assert!(both.same_as(&with(vec![two.clone(), one.clone()])));
        assert!(!both.same_as(&with(vec![one.clone()])));
        let mut failed = two;
        failed.flags.dad_failed = true;
        assert!(!both.same_as(&with(vec![one, failed])));
    }

    #[test]
    fn what_changes_beside_the_default_route_is_not_the_way_out() {
        let on = |index, ip| Address { index, ..address(ip, Lifetime::Forever) };
        let route = DefaultRoute { family: Family::Ipv4, index: 1, gateway: None, metric: 0, from: None };
        let routed = |addresses| Snapshot { routes: vec![route.clone()], ..with(addresses) };
        let before = routed(vec![on(1, "203.0.113.1"), on(2, "10.0.0.1")]);
        assert!(routed(vec![on(1, "203.0.113.1"), on(3, "172.17.0.1")]).same_way_out(&before));
        assert!(!routed(vec![on(1, "203.0.113.2"), on(2, "10.0.0.1")]).same_way_out(&before));
        assert!(!with(before.addresses.clone()).same_way_out(&before), "the default route is gone");
        let (one, two) = (with(vec![on(2, "10.0.0.1")]), with(vec![on(2, "10.0.0.2")]));
        assert!(!one.same_way_out(&two), "without a default route everything counts");
    }

    #[test]
    fn the_default_link_is_that_of_the_lowest_metric() {
        let link = |index, name: &str| Link { name: name.into(), ..link(index, None) };
        let route = |index, metric| DefaultRoute { family: Family::Ipv4, index, gateway: None, metric, from: None };
        let snapshot = Snapshot {
            links: vec![link(2, "eth0"), link(3, "wlan0"), link(4, "ppp0")],
            addresses: Vec::new(),
            routes: vec![route(3, 600), route(2, 100), route(4, 100), route(2, 100), route(9, 100)],
            ways: Vec::new(),
        };
        let names = |family| snapshot.default_links(family).iter().map(|link| &*link.name).collect::<Vec<_>>();
        assert_eq!(names(Family::Ipv4), ["eth0", "ppp0"]);
        assert!(names(Family::Ipv6).is_empty());
    }
}
