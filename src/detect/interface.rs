//! Addresses that an interface of this machine has.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::Detector;
use crate::model::address::{PublicAddr, allowed};
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::os::netlink::{self, Address, DefaultRoute, Flags, Lifetime, Link, Scope, Snapshot};

/// Which addresses of which interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceOptions {
    /// The interface. Where none is named: that of the family's default route; where the family has none, that of the other
    /// family's; without any default route the one that had it last, as the last address of a line takes its route along, and
    /// another interface's address is not the line's. Before there was one nothing is known.
    pub name: Option<String>,
    /// Temporary addresses (RFC 8981) too, and before others: they change daily and are gone a week later.
    pub temporary: bool,
    /// Addresses of a network of one's own too, where there is no public one.
    pub private: bool,
    /// Deprecated addresses (RFC 4862) too, after all others: the prefix is being given up, and they go with it.
    pub deprecated: bool,
    /// All addresses, best first, instead of the best one.
    pub all: bool,
    /// Where no interface is named, those of VPNs too, and that one first by which packets leave: nobody reaches this machine
    /// there, as a rule.
    pub vpn: bool,
}

/// The detector.
pub struct Interface {
    options: InterfaceOptions,
    /// What was found of each family when last asked.
    last: Mutex<[Last; 2]>,
}

/// What was found of a family.
#[derive(Debug, Default)]
struct Last {
    /// The best address.
    best: Option<IpAddr>,
    /// The interface of the default route, where none is named.
    routed: Option<String>,
}

impl Last {
    /// What the snapshot says of a family, those interfaces left out that are VPNs' unless they are meant; and what is to be known of it
    /// the next time.
    fn read(&mut self, mut snapshot: Snapshot, options: &InterfaceOptions, family: Family) -> Reading {
        let (mut options, mut vpn, mut routed_vpn) = (options.clone(), None, None);
        if options.name.is_none() {
            if !options.vpn {
                vpn = snapshot
                    .links
                    .iter()
                    .find(|link| link.works() && snapshot.is_tunnel(link))
                    .map(|link| link.name.clone());
                routed_vpn = routed(&snapshot, family)
                    .and_then(|links| links.into_iter().find(|link| snapshot.is_tunnel(link)))
                    .map(|link| link.name.clone());
                snapshot = snapshot.without_tunnels();
            } else if let Some(way) = snapshot.way(family).filter(|link| snapshot.is_tunnel(link)) {
                // VPNs lead packets away by rules and by routes that are longer than the default one, which stays the line's.
                options.name = Some(way.name.clone());
            }
            match routed(&snapshot, family).and_then(|links| Some(links.first()?.name.clone())) {
                Some(name) => self.routed = Some(name),
                None => options.name = options.name.or_else(|| self.routed.clone()),
            }
        }
        let is_routed = routed_vpn.is_some();
        match (select(&snapshot, &options, family, self.best), routed_vpn.or(vpn)) {
            (Reading::Unknown(why), Some(vpn)) if why == NO_ROUTE && is_routed => Reading::Unknown(format!(
                "the default route is the VPN's ({vpn}), which is not followed: `{{ interface = \"NAME\" }}` names the line"
            )),
            (Reading::Unknown(why), Some(vpn)) if why == NOTHING_UP => Reading::Unknown(format!(
                "no network interface is up but that of the VPN {vpn}: `vpn = true` at the record publishes its address"
            )),
            (reading, _) => {
                if let Reading::Addresses(found) = &reading {
                    self.best = found.first().copied();
                }
                reading
            }
        }
    }
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
            Ok(snapshot) => snapshot,
            Err(error) => return Reading::Unknown(format!("reading this machine's addresses: {error}")),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let [ipv4, ipv6] = &mut *last;
        let last = if family == Family::Ipv4 { ipv4 } else { ipv6 };
        last.read(snapshot, &self.options, family)
    }
}

/// Why nothing is known where no interface is up.
const NOTHING_UP: &str = "no network interface is up";
/// Why nothing is known where none is named and none has a default route.
const NO_ROUTE: &str =
    "there is no default route, which says by itself which interface is meant: `{ interface = \"NAME\" }` names one";

/// The names of the interfaces that people may mean here: those of the default routes, else those that work.
#[must_use]
pub fn usual(snapshot: &Snapshot) -> Vec<String> {
    let links = routed(snapshot, Family::Ipv4).unwrap_or_else(|| working(snapshot).collect());
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
/// Never an address that is not known to be unique, link-local or loopback, nor one that is deprecated unless that was asked
/// for. `None` only where every interface in question works, no address is still being checked or a duplicate, and none is
/// deprecated that would do: the line still has that one.
///
/// The best is a stable one (or a temporary one, where those were asked for), of the prefix that the best default route is
/// for, with the longest preferred lifetime. Of several that are equally good, `last` stays until another
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
        Family::of(address.ip) == family && links.iter().any(|link| link.index == address.index && link.works())
    };
    let mut usable: Vec<&Address> =
        snapshot.addresses.iter().filter(of_links).filter(|address| is_usable(address, options)).collect();
    if usable.iter().any(|address| is_public(address)) {
        usable.retain(|address| is_public(address));
    }
    if !usable.is_empty() {
        return Reading::Addresses(ranked(usable, snapshot, options, last));
    }
    if let Some(link) = links.iter().find(|link| !link.works()) {
        let why = if link.up { "has no carrier" } else { "is down" };
        return Reading::Unknown(format!("the interface {} {why}", link.name));
    }
    let unsettled: Vec<String> = snapshot.addresses.iter().filter(of_links).filter_map(unsettled).collect();
    if !unsettled.is_empty() {
        return Reading::Unknown(unsettled.join("; "));
    }
    let waning = InterfaceOptions { deprecated: true, ..options.clone() };
    if let Some(last) = snapshot.addresses.iter().filter(of_links).find(|address| is_usable(address, &waning)) {
        let ip = last.ip;
        return Reading::Unknown(format!("{ip} is deprecated, and there is no other: `deprecated = true` takes it"));
    }
    Reading::None
}

/// The interfaces in question, at least one.
fn links<'a>(snapshot: &'a Snapshot, options: &InterfaceOptions, family: Family) -> Result<Vec<&'a Link>, String> {
    if let Some(name) = &options.name {
        return snapshot.link(name).map(|link| vec![link]).ok_or_else(|| format!("there is no interface {name}"));
    }
    let silent = if working(snapshot).next().is_some() { NO_ROUTE } else { NOTHING_UP };
    routed(snapshot, family).ok_or_else(|| silent.into())
}

/// The interfaces of the family's default route, or else of the other family's.
fn routed(snapshot: &Snapshot, family: Family) -> Option<Vec<&Link>> {
    [family, family.other()].map(|family| snapshot.default_links(family)).into_iter().find(|links| !links.is_empty())
}

/// The interfaces that work, the loopback one aside.
fn working(snapshot: &Snapshot) -> impl Iterator<Item = &Link> {
    snapshot.links.iter().filter(|link| link.works() && !link.loopback)
}

fn is_public(address: &Address) -> bool {
    PublicAddr::new(address.ip).is_ok()
}

/// Whether others could use an address, private or temporary as it may be.
pub(super) fn is_in_order(address: &Address) -> bool {
    let options = InterfaceOptions { temporary: true, private: true, ..InterfaceOptions::default() };
    is_usable(address, &options)
}

/// Whether it is an address for others that another host has, too.
pub(super) fn is_duplicate(address: &Address) -> bool {
    let flags = Flags { dad_failed: false, tentative: false, ..address.flags };
    address.flags.dad_failed && is_in_order(&Address { flags, ..address.clone() })
}

fn is_usable(address: &Address, options: &InterfaceOptions) -> bool {
    let flags = address.flags;
    let unfit = flags.tentative || flags.dad_failed || flags.optimistic;
    !unfit
        && (options.deprecated || !is_deprecated(address))
        && (options.temporary || !flags.temporary)
        && !matches!(address.scope, Scope::Link | Scope::Host)
        && !address.ip.is_loopback()
        && allowed(address.ip, options.private).is_ok()
}

/// Why an address is not known to be this host's alone (RFC 4862, section 5.4). The kernel leaves `tentative` with one that failed.
fn unsettled(Address { ip, flags, .. }: &Address) -> Option<String> {
    if flags.dad_failed {
        return Some(format!("{ip} is a duplicate: another host has it"));
    }
    (flags.tentative || flags.optimistic).then(|| format!("{ip} is still being checked for duplicates"))
}

fn is_deprecated(address: &Address) -> bool {
    address.flags.deprecated || address.preferred == Lifetime::Zero
}

/// Best first, and only the best unless all are wanted.
fn ranked(
    mut usable: Vec<&Address>,
    snapshot: &Snapshot,
    options: &InterfaceOptions,
    last: Option<IpAddr>,
) -> Vec<IpAddr> {
    // The kernel lists IPv4 addresses in the order in which they were given; sorting keeps it.
    let group = |address: &Address| group(address, snapshot);
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

/// What sets addresses apart whatever their lifetimes, the better the smaller: temporary and deprecated ones are only among
/// them where they were asked for.
fn group(address: &Address, snapshot: &Snapshot) -> (bool, bool, u32, bool, bool) {
    let flags = address.flags;
    let stays = flags.permanent || flags.stable_privacy || flags.temporaries;
    let unsteady = address.ip.is_ipv6() && !stays;
    (is_deprecated(address), !flags.temporary, way_out(address.ip, snapshot), flags.secondary, unsteady)
}

/// The metric of the best default route that takes what comes from an address. Where each uplink has a route for its own
/// prefix alone (RFC 8043), an address of another prefix has no way out.
fn way_out(ip: IpAddr, snapshot: &Snapshot) -> u32 {
    let takes = |route: &&DefaultRoute| match (route.from, ip) {
        (None, _) => route.family == Family::of(ip),
        (Some(prefix), IpAddr::V6(ip)) => prefix.holds(ip),
        (Some(_), IpAddr::V4(_)) => false,
    };
    snapshot.routes.iter().filter(takes).map(|route| route.metric).min().unwrap_or(u32::MAX)
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
    use crate::os::netlink::Way;

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

    #[test]
    fn a_machine_with_nothing_but_a_vpn_says_so() {
        let mut snapshot = home(Vec::new());
        snapshot.links = vec![link(1, "lo"), Link { kind: Some("wireguard".into()), ..link(2, "wg0") }];
        let reading = |snapshot: Snapshot, vpn| {
            let options = InterfaceOptions { vpn, private: true, ..InterfaceOptions::default() };
            Last::default().read(snapshot, &options, Family::Ipv4)
        };
        let says =
            "no network interface is up but that of the VPN wg0: `vpn = true` at the record publishes its address";
        assert_eq!(reading(snapshot.clone(), false), Reading::Unknown(says.into()));
        assert_eq!(reading(snapshot.clone(), true), Reading::None, "it was asked for");
        snapshot.links.truncate(1);
        assert_eq!(reading(snapshot, false), Reading::Unknown("no network interface is up".into()));
    }

    #[test]
    fn a_vpn_that_is_meant_counts_by_whatever_rule_it_leads_packets_away() {
        let on = |index, ip: &str| Address { index, ..address(ip) };
        let mut snapshot = home(vec![on(2, "8.8.8.8"), on(9, "9.9.9.9")]);
        snapshot.links.push(Link { kind: Some("tun".into()), ethernet: false, ..link(9, "tun9") });
        let reading = |snapshot: &Snapshot, vpn| {
            let options = InterfaceOptions { vpn, ..InterfaceOptions::default() };
            Last::default().read(snapshot.clone(), &options, Family::Ipv4).to_string()
        };
        // The default route is the line's, and nothing leaves by it.
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 9 }];
        assert_eq!([true, false].map(|vpn| reading(&snapshot, vpn)), ["9.9.9.9", "8.8.8.8"]);
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 2 }];
        assert_eq!([true, false].map(|vpn| reading(&snapshot, vpn)), ["8.8.8.8", "8.8.8.8"]);
        snapshot.routes.clear();
        snapshot.ways = vec![Way { family: Family::Ipv4, index: 9 }];
        assert_eq!(reading(&snapshot, true), "9.9.9.9");
    }

    #[test]
    fn a_default_route_that_is_a_vpns_is_not_called_none() {
        let mut snapshot = home(vec![address("8.8.8.8")]);
        snapshot.links.push(Link { kind: Some("tun".into()), ethernet: false, ..link(9, "tun9") });
        let reading = |snapshot: &Snapshot| {
            Last::default().read(snapshot.clone(), &InterfaceOptions::default(), Family::Ipv4).to_string()
        };
        snapshot.routes = vec![route(Family::Ipv4, 9)];
        let says =
            "the default route is the VPN's (tun9), which is not followed: `{ interface = \"NAME\" }` names the line";
        assert!(reading(&snapshot).contains(says), "{}", reading(&snapshot));
        snapshot.routes.push(DefaultRoute { metric: 900, ..route(Family::Ipv4, 2) });
        assert_eq!(reading(&snapshot), "8.8.8.8", "the line has one too");
        snapshot.routes.clear();
        assert!(reading(&snapshot).contains(NO_ROUTE), "{}", reading(&snapshot));
    }

    fn route(family: Family, index: u32) -> DefaultRoute {
        DefaultRoute { family, index, gateway: None, metric: 100, from: None }
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
        // It is valid still: that there is no address any more is not certain.
        let waning = read(&home(vec![lasting("2a00::1", Lifetime::Zero)]), Family::Ipv6);
        assert!(is_unknown(&waning, "2a00::1 is deprecated"), "{waning:?}");
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
    fn an_address_that_another_host_has_is_named() {
        let tentative = |ip| flagged(ip, |flags| flags.tentative = true);
        // The kernel says both.
        let failed = |ip| {
            flagged(ip, |flags| {
                flags.tentative = true;
                flags.dad_failed = true;
            })
        };
        let why = |addresses| match read(&home(addresses), Family::Ipv6) {
            Reading::Unknown(why) => why,
            other => other.to_string(),
        };
        assert_eq!(why(vec![failed("2a00::1")]), "2a00::1 is a duplicate: another host has it");
        assert_eq!(why(vec![tentative("2a00::2")]), "2a00::2 is still being checked for duplicates");
        assert_eq!(
            why(vec![failed("2a00::1"), tentative("2a00::2")]),
            "2a00::1 is a duplicate: another host has it; 2a00::2 is still being checked for duplicates"
        );
        assert_eq!(why(vec![failed("2a00::1"), address("2a00::2")]), "2a00::2");
        // With an interface identifier that another host has, the kernel gives up all addresses made of it.
        let local = Address { scope: Scope::Link, ..failed("fe80::1") };
        assert_eq!(why(vec![local]), "fe80::1 is a duplicate: another host has it");
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
        assert!(
            is_unknown(&read(&snapshot, Family::Ipv4), "no default route"),
            "the other line's address is another one"
        );
        assert_eq!(select(&snapshot, &named, Family::Ipv4, None), these(&["9.9.9.9"]));
    }

    #[test]
    fn without_a_default_route_it_is_the_interface_that_had_it_last_and_no_other_one() {
        let mut last = Last::default();
        let mut found = |snapshot: &Snapshot| last.read(snapshot.clone(), &InterfaceOptions::default(), Family::Ipv4);
        let other = Address { index: 3, ..address("9.9.9.9") };
        let routeless = |addresses| Snapshot { routes: Vec::new(), ..home(addresses) };
        assert!(is_unknown(&found(&routeless(vec![address("8.8.8.8")])), "no default route"), "there never was one");
        assert_eq!(found(&home(vec![address("8.8.8.8"), other.clone()])), these(&["8.8.8.8"]));
        assert_eq!(found(&routeless(vec![other.clone()])), Reading::None, "the address took its route along");
        assert_eq!(
            found(&routeless(vec![other.clone(), address("8.8.4.4")])),
            these(&["8.8.4.4"]),
            "its route follows"
        );
        let mut gone = routeless(vec![other]);
        gone.links.retain(|link| link.name != "eth0");
        assert!(is_unknown(&found(&gone), "there is no interface eth0"));
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

    /// An address of a table: what it is called there, its address, what the kernel says of it, and its preferred lifetime in
    /// seconds (`None`: for ever).
    type Row = (&'static str, &'static str, fn(&mut Flags), Option<u32>);

    fn slaac(flags: &mut Flags) {
        *flags = Flags { temporaries: true, ..Flags::default() };
    }

    fn temporary(flags: &mut Flags) {
        *flags = Flags { temporary: true, ..Flags::default() };
    }

    fn opaque(flags: &mut Flags) {
        *flags = Flags { stable_privacy: true, ..Flags::default() };
    }

    fn leased(flags: &mut Flags) {
        *flags = Flags::default();
    }

    fn manual(flags: &mut Flags) {
        *flags = Flags { permanent: true, ..Flags::default() };
    }

    fn deprecated(flags: &mut Flags) {
        *flags = Flags { temporaries: true, deprecated: true, ..Flags::default() };
    }

    fn checked(flags: &mut Flags) {
        *flags = Flags { temporaries: true, tentative: true, ..Flags::default() };
    }

    /// The names of the rows in the order in which their addresses are read.
    fn order(rows: &[Row], options: &InterfaceOptions, from: &[(&str, u32)]) -> Vec<&'static str> {
        let addresses = rows.iter().map(|(_, ip, set, preferred)| Address {
            preferred: preferred
                .map_or(Lifetime::Forever, |left| if left == 0 { Lifetime::Zero } else { Lifetime::Seconds(left) }),
            ..flagged(ip, set)
        });
        let mut snapshot = home(addresses.collect());
        if !from.is_empty() {
            let only = |(prefix, metric): &(&str, u32)| DefaultRoute {
                from: Some(prefix.parse().unwrap()),
                metric: *metric,
                ..route(Family::Ipv6, 2)
            };
            snapshot.routes = from.iter().map(only).collect();
        }
        let options = InterfaceOptions { all: true, name: Some("eth0".into()), ..options.clone() };
        let Reading::Addresses(found) = select(&snapshot, &options, Family::Ipv6, None) else { return Vec::new() };
        let name = |ip: &IpAddr| rows.iter().find(|(_, text, ..)| text.parse() == Ok(*ip)).map(|(name, ..)| *name);
        found.iter().filter_map(name).collect()
    }

    #[test]
    fn of_a_machine_with_everything_at_once_the_right_address_comes_first() {
        let rows: [Row; 9] = [
            ("temporary", "2a00:1::f00d", temporary, Some(86_400)),
            ("old", "2a00:9::211:22ff:fe33:4455", deprecated, Some(0)),
            ("expired", "2a00:9::5", slaac, Some(0)),
            ("checked", "2a00:1::77", checked, Some(86_400)),
            ("ula", "fd00:1::211:22ff:fe33:4455", slaac, None),
            ("dhcp", "2a00:1::1234", leased, Some(86_400)),
            ("stable", "2a00:1::211:22ff:fe33:4455", slaac, Some(3600)),
            ("longer", "2a00:2::211:22ff:fe33:4455", opaque, Some(7200)),
            ("forever", "2a00:1::1", manual, None),
        ];
        let usual = InterfaceOptions::default();
        assert_eq!(order(&rows, &usual, &[]), ["forever", "longer", "stable", "dhcp"]);
        let asked = InterfaceOptions { temporary: true, ..usual.clone() };
        assert_eq!(order(&rows, &asked, &[]), ["temporary", "forever", "longer", "stable", "dhcp"]);
        let asked = InterfaceOptions { deprecated: true, ..usual.clone() };
        assert_eq!(order(&rows, &asked, &[]), ["forever", "longer", "stable", "dhcp", "expired", "old"]);
        // A network of one's own counts only where there is no other.
        let asked = InterfaceOptions { private: true, ..usual.clone() };
        assert_eq!(order(&rows, &asked, &[]), ["forever", "longer", "stable", "dhcp"]);
        assert_eq!(order(&rows[4..5], &asked, &[]), ["ula"]);
        assert!(order(&rows[4..5], &usual, &[]).is_empty());
    }

    #[test]
    fn the_prefix_of_the_best_default_route_comes_before_longer_lifetimes() {
        let rows: [Row; 4] = [
            ("second", "2a00:2::1", slaac, Some(7200)),
            ("first", "2a00:1::1", slaac, Some(3600)),
            ("lost", "2a00:3::1", manual, None),
            ("temporary", "2a00:1::f00d", temporary, Some(9000)),
        ];
        let usual = InterfaceOptions::default();
        assert_eq!(order(&rows, &usual, &[]), ["lost", "second", "first"]);
        let both = [("2a00:1::/56", 512), ("2a00:2::/56", 1024)];
        assert_eq!(order(&rows, &usual, &both), ["first", "second", "lost"]);
        // A failed uplink takes its route along.
        assert_eq!(order(&rows, &usual, &both[1..]), ["second", "lost", "first"]);
        let asked = InterfaceOptions { temporary: true, ..usual };
        assert_eq!(order(&rows, &asked, &both), ["temporary", "first", "second", "lost"]);
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
