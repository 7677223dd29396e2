//! Addresses that an interface of this machine has.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::Detector;
use crate::model::address::{PublicAddr, allowed};
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::os::netlink::{self, Address, Lifetime, Link, Scope, Snapshot};

/// Which addresses of which interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceOptions {
    /// The interface. Where none is named: that of the family's default route; where the family has none, that of the other
    /// family's; where there is no default route at all, every interface that is up and is not the loopback one.
    pub name: Option<String>,
    /// Temporary addresses (RFC 8981) too, and before others: they change daily and are gone a week later.
    pub temporary: bool,
    /// Addresses of a network of one's own too, where there is no public one.
    pub private: bool,
    /// All addresses, best first, instead of the best one.
    pub all: bool,
    /// Where no interface is named, those of VPNs too: nobody reaches this machine there, as a rule.
    pub vpn: bool,
}

/// The detector.
pub struct Interface {
    options: InterfaceOptions,
    /// The best address of each family when last asked.
    last: Mutex<[Option<IpAddr>; 2]>,
}

impl Interface {
    /// A detector with these options.
    #[must_use]
    pub fn new(options: InterfaceOptions) -> Self {
        Self { options, last: Mutex::default() }
    }
}

#[async_trait]
impl Detector for Interface {
    async fn detect(&self, family: Family) -> Reading {
        let snapshot = match netlink::snapshot() {
            Ok(snapshot) if self.options.vpn || self.options.name.is_some() => snapshot,
            Ok(snapshot) => snapshot.without_tunnels(),
            Err(error) => return Reading::Unknown(format!("reading this machine's addresses: {error}")),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let [ipv4, ipv6] = &mut *last;
        let last = if family == Family::Ipv4 { ipv4 } else { ipv6 };
        let reading = select(&snapshot, &self.options, family, *last);
        if let Reading::Addresses(found) = &reading {
            *last = found.first().copied();
        }
        reading
    }
}

/// The names of the interfaces that are asked where none is named: those of the default routes, else those that work.
#[must_use]
pub fn usual(snapshot: &Snapshot) -> Vec<String> {
    let links = links(snapshot, &InterfaceOptions::default(), Family::Ipv4).unwrap_or_default();
    links.into_iter().map(|link| link.name.clone()).collect()
}

/// Whether the interface of the family's default route has a publishable address, so that nobody else need be asked.
#[must_use]
pub fn faces_internet(snapshot: &Snapshot, family: Family) -> bool {
    let found = || select(snapshot, &InterfaceOptions::default(), family, None);
    !snapshot.default_links(family).is_empty() && matches!(found(), Reading::Addresses(_))
}

/// What the snapshot says of a family.
///
/// Never an address that is deprecated, not known to be unique, link-local or loopback. `None` only where every interface
/// in question works and no address is still being checked. Of several that are equally good, `last` stays until another
/// one is preferred for more than twice as long: lifetimes that routers renew in turns must not move a record to and fro.
///
/// With `2a00::1` (preferred for 1 h) and `2a00:1::1` (for 2 h and a second): the latter. With `2a00::1` as `last` and the
/// other's two hours not yet exceeded: still `2a00::1`.
#[must_use]
pub fn select(snapshot: &Snapshot, options: &InterfaceOptions, family: Family, last: Option<IpAddr>) -> Reading {
    let links = match links(snapshot, options, family) {
        Ok(links) => links,
        Err(why) => return Reading::Unknown(why),
    };
    let of_links = |address: &&Address| {
        Family::of(address.ip) == family && links.iter().any(|link| link.index == address.index && works(link))
    };
    let mut usable: Vec<&Address> =
        snapshot.addresses.iter().filter(of_links).filter(|address| is_usable(address, options)).collect();
    if usable.iter().any(|address| is_public(address)) {
        usable.retain(|address| is_public(address));
    }
    if !usable.is_empty() {
        return Reading::Addresses(ranked(usable, options, last));
    }
    if let Some(link) = links.iter().find(|link| !works(link)) {
        let why = if link.up { "has no carrier" } else { "is down" };
        return Reading::Unknown(format!("the interface {} {why}", link.name));
    }
    let unsettled = |address: &Address| address.flags.tentative || address.flags.optimistic;
    if snapshot.addresses.iter().filter(of_links).any(unsettled) {
        return Reading::Unknown(format!("an {family} address is still being checked for duplicates"));
    }
    Reading::None
}

/// The interfaces in question, at least one.
fn links<'a>(snapshot: &'a Snapshot, options: &InterfaceOptions, family: Family) -> Result<Vec<&'a Link>, String> {
    if let Some(name) = &options.name {
        return snapshot.link(name).map(|link| vec![link]).ok_or_else(|| format!("there is no interface {name}"));
    }
    let routed = [family, family.other()].map(|family| snapshot.default_links(family));
    if let Some(links) = routed.into_iter().find(|links| !links.is_empty()) {
        return Ok(links);
    }
    let working: Vec<_> = snapshot.links.iter().filter(|link| works(link) && !link.loopback).collect();
    if working.is_empty() { Err("no network interface is up".into()) } else { Ok(working) }
}

fn works(link: &Link) -> bool {
    link.up && link.running
}

fn is_public(address: &Address) -> bool {
    PublicAddr::new(address.ip).is_ok()
}

/// Whether others could use an address, private or temporary as it may be.
pub(super) fn is_in_order(address: &Address) -> bool {
    let options = InterfaceOptions { temporary: true, private: true, ..InterfaceOptions::default() };
    is_usable(address, &options)
}

fn is_usable(address: &Address, options: &InterfaceOptions) -> bool {
    let flags = address.flags;
    let unfit = flags.tentative || flags.dad_failed || flags.deprecated || flags.optimistic;
    !unfit
        && address.preferred != Lifetime::Zero
        && (options.temporary || !flags.temporary)
        && !matches!(address.scope, Scope::Link | Scope::Host)
        && !address.ip.is_loopback()
        && allowed(address.ip, options.private).is_ok()
}

/// Best first, and only the best unless all are wanted.
fn ranked(mut usable: Vec<&Address>, options: &InterfaceOptions, last: Option<IpAddr>) -> Vec<IpAddr> {
    // The kernel lists IPv4 addresses in the order in which they were given; sorting keeps it.
    usable.sort_by_key(|address| {
        (group(address), address.ip.is_ipv6().then_some((Reverse(address.preferred), address.ip)))
    });
    if let Some(at) = usable.iter().position(|address| Some(address.ip) == last)
        && let (Some(best), Some(kept)) = (usable.first(), usable.get(at))
        && group(best) == group(kept)
        && is_long_enough(kept.preferred, best.preferred)
    {
        let kept = usable.remove(at);
        usable.insert(0, kept);
    }
    usable.truncate(if options.all { usable.len() } else { 1 });
    usable.into_iter().map(|address| address.ip).collect()
}

/// What sets addresses apart whatever their lifetimes, the better the smaller: temporary ones are only among them where
/// they were asked for.
fn group(address: &Address) -> (bool, bool, bool) {
    let flags = address.flags;
    let stays = flags.permanent || flags.stable_privacy || flags.temporaries;
    (!flags.temporary, flags.secondary, address.ip.is_ipv6() && !stays)
}

/// Whether a lifetime is at least half of another one.
fn is_long_enough(kept: Lifetime, best: Lifetime) -> bool {
    match (kept, best) {
        (Lifetime::Seconds(kept), Lifetime::Seconds(best)) => u64::from(kept) * 2 >= u64::from(best),
        (kept, best) => kept >= best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::netlink::{DefaultRoute, Flags};

    fn link(index: u32, name: &str) -> Link {
        let (kind, ethernet) = (None, true);
        Link { index, name: name.into(), up: true, running: true, loopback: name == "lo", kind, ethernet }
    }

    #[test]
    fn the_interfaces_that_are_asked_are_those_of_the_default_route() {
        let mut snapshot = home(Vec::new());
        assert_eq!(usual(&snapshot), ["eth0"]);
        snapshot.routes.clear();
        assert_eq!(usual(&snapshot), ["eth0", "lan0"]);
        snapshot.links.clear();
        assert_eq!(usual(&snapshot), Vec::<String>::new());
    }

    fn route(family: Family, index: u32) -> DefaultRoute {
        DefaultRoute { family, index, gateway: None, metric: 100 }
    }

    /// An address on interface 2 with a finite lifetime, as a router advertisement makes it.
    fn address(ip: &str) -> Address {
        let (ip, scope) = (ip.parse().unwrap(), Scope::Universe);
        let flags = Flags { temporaries: true, ..Flags::default() };
        let preferred = Lifetime::Seconds(3600);
        Address { index: 2, ip, prefix: 64, scope, flags, preferred, valid: Lifetime::Seconds(7200) }
    }

    fn flagged(ip: &str, set: impl FnOnce(&mut Flags)) -> Address {
        let mut made = address(ip);
        set(&mut made.flags);
        made
    }

    fn lasting(ip: &str, preferred: Lifetime) -> Address {
        Address { preferred, ..address(ip) }
    }

    /// eth0 with both default routes, and lan0 beside it.
    fn home(addresses: Vec<Address>) -> Snapshot {
        Snapshot {
            links: vec![link(1, "lo"), link(2, "eth0"), link(3, "lan0")],
            addresses,
            routes: Family::ALL.map(|family| route(family, 2)).to_vec(),
            ways: Vec::new(),
        }
    }

    fn read(snapshot: &Snapshot, family: Family) -> Reading {
        select(snapshot, &InterfaceOptions::default(), family, None)
    }

    fn these(list: &[&str]) -> Reading {
        Reading::Addresses(list.iter().map(|ip| ip.parse().unwrap()).collect())
    }

    fn is_unknown(reading: &Reading, word: &str) -> bool {
        matches!(reading, Reading::Unknown(why) if why.contains(word))
    }

    #[test]
    fn an_unfit_address_is_never_read() {
        let unfit: [fn(&mut Flags); 5] = [
            |flags| flags.tentative = true,
            |flags| flags.dad_failed = true,
            |flags| flags.deprecated = true,
            |flags| flags.optimistic = true,
            |flags| flags.temporary = true,
        ];
        for set in unfit {
            let bad = flagged("2a00::1", set);
            assert!(!matches!(read(&home(vec![bad.clone()]), Family::Ipv6), Reading::Addresses(_)));
            assert_eq!(read(&home(vec![bad, address("2a00::2")]), Family::Ipv6), these(&["2a00::2"]));
        }
        for ip in ["fe80::1", "::1", "fd00::1", "2001:db8::1"] {
            assert_eq!(read(&home(vec![address(ip)]), Family::Ipv6), Reading::None, "{ip}");
        }
        for ip in ["169.254.1.1", "127.0.0.1", "192.168.1.2"] {
            assert_eq!(read(&home(vec![address(ip)]), Family::Ipv4), Reading::None, "{ip}");
        }
        assert_eq!(read(&home(vec![lasting("2a00::1", Lifetime::Zero)]), Family::Ipv6), Reading::None);
        assert_eq!(
            read(&home(vec![Address { scope: Scope::Link, ..address("8.8.8.8") }]), Family::Ipv4),
            Reading::None
        );
    }

    #[test]
    fn none_is_said_only_of_an_interface_that_works_and_has_settled() {
        let mut snapshot = home(Vec::new());
        assert_eq!(read(&snapshot, Family::Ipv6), Reading::None);
        snapshot.addresses = vec![flagged("fe80::1", |flags| flags.tentative = true)];
        assert!(is_unknown(&read(&snapshot, Family::Ipv6), "duplicates"));
        assert_eq!(read(&snapshot, Family::Ipv4), Reading::None, "the other family's checks do not matter");
        snapshot.addresses = vec![address("8.8.8.8")];
        snapshot.links[1].running = false;
        assert!(is_unknown(&read(&snapshot, Family::Ipv4), "eth0 has no carrier"));
        snapshot.links[1].up = false;
        assert!(is_unknown(&read(&snapshot, Family::Ipv4), "eth0 is down"));
        snapshot.links.remove(1);
        let named = InterfaceOptions { name: Some("eth0".into()), ..InterfaceOptions::default() };
        assert!(is_unknown(&select(&snapshot, &named, Family::Ipv4, None), "no interface eth0"));
        assert!(is_unknown(&read(&Snapshot::default(), Family::Ipv4), "no network interface"));
    }

    #[test]
    fn the_default_route_says_which_interface() {
        let mut snapshot = home(vec![address("8.8.8.8"), Address { index: 3, ..address("9.9.9.9") }]);
        assert_eq!(read(&snapshot, Family::Ipv4), these(&["8.8.8.8"]));
        let named = InterfaceOptions { name: Some("lan0".into()), ..InterfaceOptions::default() };
        assert_eq!(select(&snapshot, &named, Family::Ipv4, None), these(&["9.9.9.9"]));
        snapshot.routes = vec![route(Family::Ipv6, 3)];
        assert_eq!(read(&snapshot, Family::Ipv4), these(&["9.9.9.9"]), "the other family's, where this one has none");
        snapshot.routes.clear();
        let all = InterfaceOptions { all: true, ..InterfaceOptions::default() };
        assert_eq!(select(&snapshot, &all, Family::Ipv4, None), these(&["8.8.8.8", "9.9.9.9"]));
    }

    #[test]
    fn a_temporary_address_comes_first_where_it_is_asked_for() {
        let temporary = flagged("2a00::2", |flags| *flags = Flags { temporary: true, ..Flags::default() });
        let snapshot = home(vec![address("2a00::1"), temporary]);
        assert_eq!(read(&snapshot, Family::Ipv6), these(&["2a00::1"]));
        let options = InterfaceOptions { temporary: true, ..InterfaceOptions::default() };
        assert_eq!(select(&snapshot, &options, Family::Ipv6, None), these(&["2a00::2"]));
    }

    #[test]
    fn a_private_address_is_read_only_where_it_is_asked_for_and_there_is_no_public_one() {
        let options = InterfaceOptions { private: true, all: true, ..InterfaceOptions::default() };
        let mut snapshot = home(vec![address("192.168.1.2"), address("fd00::1"), address("127.0.0.1")]);
        assert_eq!(select(&snapshot, &options, Family::Ipv4, None), these(&["192.168.1.2"]));
        assert_eq!(select(&snapshot, &options, Family::Ipv6, None), these(&["fd00::1"]));
        snapshot.addresses.push(address("2a00::1"));
        assert_eq!(select(&snapshot, &options, Family::Ipv6, None), these(&["2a00::1"]));
        assert_eq!(select(&snapshot, &options, Family::Ipv4, None), these(&["192.168.1.2"]));
    }

    #[test]
    fn the_rank_is_stability_then_lifetime_then_number() {
        let plain = |ip: &str| flagged(ip, |flags| *flags = Flags::default());
        let list = vec![
            Address { preferred: Lifetime::Forever, ..plain("2a00::1") },
            address("2a00::3"),
            address("2a00::2"),
            lasting("2a00::4", Lifetime::Seconds(9000)),
            flagged("2a00::5", |flags| *flags = Flags { stable_privacy: true, ..Flags::default() }),
        ];
        let options = InterfaceOptions { all: true, ..InterfaceOptions::default() };
        let expected = these(&["2a00::4", "2a00::2", "2a00::3", "2a00::5", "2a00::1"]);
        assert_eq!(select(&home(list), &options, Family::Ipv6, None), expected);
    }

    #[test]
    fn of_ipv4_the_first_primary_address_is_taken() {
        let secondary = flagged("8.8.4.4", |flags| flags.secondary = true);
        let snapshot = home(vec![secondary, address("9.9.9.9"), lasting("8.8.8.8", Lifetime::Forever)]);
        assert_eq!(read(&snapshot, Family::Ipv4), these(&["9.9.9.9"]));
    }

    #[test]
    fn lifetimes_that_are_renewed_in_turns_do_not_move_the_choice() {
        let options = InterfaceOptions::default();
        let mut last = None;
        let mut choices = std::collections::BTreeSet::new();
        for round in 0..20 {
            let left = |renewed: bool| Lifetime::Seconds(if renewed { 3600 } else { 2400 });
            let list = vec![lasting("2a00::1", left(round % 2 == 0)), lasting("2a00:1::1", left(round % 2 == 1))];
            let Reading::Addresses(found) = select(&home(list), &options, Family::Ipv6, last) else { panic!() };
            last = found.first().copied();
            choices.insert(last);
        }
        assert_eq!(choices.len(), 1, "{choices:?}");
        // A prefix that is renewed no more gives way.
        let list = vec![lasting("2a00::1", Lifetime::Seconds(1799)), lasting("2a00:1::1", Lifetime::Seconds(3600))];
        assert_eq!(select(&home(list), &options, Family::Ipv6, last), these(&["2a00:1::1"]));
    }

    #[test]
    fn a_machine_faces_the_internet_by_its_default_route_only() {
        let mut snapshot = home(vec![address("8.8.8.8"), address("fd00::1")]);
        assert!(faces_internet(&snapshot, Family::Ipv4));
        assert!(!faces_internet(&snapshot, Family::Ipv6));
        snapshot.routes.clear();
        assert!(!faces_internet(&snapshot, Family::Ipv4));
    }
}
