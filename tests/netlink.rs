//! The kernel's own word, in network namespaces that these tests make: `unshare` starts a case again inside one.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "a variable tells a case that it is inside, and the kernel takes its time"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::process::Command;
use std::time::Duration;

use driftless::detect::Detector;
use driftless::detect::interface::{Interface, InterfaceOptions, faces_internet};
use driftless::model::agree::Reading;
use driftless::model::record::Family;
use driftless::os::netlink::{
    Address, Heard, Lifetime, Snapshot, Watch, delegated, neighbours, snapshot, somewhere, way,
};

/// Set inside: a case must never change the addresses of the machine itself.
const INSIDE: &str = "DRIFTLESS_TEST_NAMESPACE";

/// Runs the ignored test of that name inside a namespace of its own, which ends with it.
fn inside(case: &str) {
    let unshare = || {
        let mut command = Command::new("unshare");
        // Without being root a user namespace may allow it.
        let plain = rustix::process::geteuid().is_root();
        command.args(if plain { &["--net"][..] } else { &["--net", "--map-root-user"] });
        command
    };
    let ready = unshare().args(["ip", "link", "add", "wan0", "type", "veth", "peer", "name", "far0"]).output();
    if !ready.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "SKIPPED {case}: no network namespace with a veth pair can be made here (root, unshare and ip are needed)"
        );
        return;
    }
    let this = std::env::current_exe().unwrap();
    let output =
        unshare().arg(this).args(["--exact", case, "--ignored", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("1 passed"), "the case did not run: {told}");
}

/// Runs `ip`; its words are separated by spaces.
fn ip(words: &str) {
    let output = Command::new("ip").args(words.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A namespace with wan0, up, its peer far0, and default routes of both families over it.
fn wan() {
    assert!(
        std::env::var_os(INSIDE).is_some(),
        "this case only runs inside a namespace: run the test without `inside_`"
    );
    assert_eq!(snapshot().unwrap().links.len(), 1, "a new namespace has the loopback interface alone");
    ip("link set lo up");
    ip("link add wan0 type veth peer name far0");
    ip("link set far0 up");
    ip("link set wan0 up");
    ip("route add default dev wan0");
    ip("-6 route add default via fe80::1 dev wan0");
}

fn setting(path: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/ipv6/conf/wan0/{path}"), value).unwrap();
}

fn find<'a>(snapshot: &'a Snapshot, ip: &str) -> &'a Address {
    let ip: std::net::IpAddr = ip.parse().unwrap();
    snapshot.addresses.iter().find(|address| address.ip == ip).unwrap_or_else(|| panic!("{ip} is not in {snapshot:?}"))
}

/// What a new detector with these options reads.
fn read(family: Family, options: InterfaceOptions) -> Reading {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Interface::new(options).detect(family))
}

fn best(family: Family) -> Reading {
    read(family, InterfaceOptions::default())
}

fn these(list: &[&str]) -> Reading {
    Reading::Addresses(list.iter().map(|ip| ip.parse().unwrap()).collect())
}

/// Waits until the condition holds, for at most five seconds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..250 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not within five seconds: {what}; {:?}", snapshot());
}

/// Waits until the link-local addresses are no longer tentative, so that nothing is unsettled.
fn settle() {
    until("link-local addresses settle", || {
        let snapshot = snapshot().unwrap();
        let local = |address: &&Address| address.ip.to_string().starts_with("fe80");
        snapshot.addresses.iter().filter(local).count() == 2
            && !snapshot.addresses.iter().any(|address| address.flags.tentative)
    });
}

#[test]
fn links_and_default_routes_are_listed() {
    inside("inside_links_and_default_routes");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_links_and_default_routes() {
    wan();
    ip("addr add 8.8.8.8/24 dev wan0");
    ip("route add default via 8.8.8.1 dev wan0 metric 50");
    ip("route add unreachable default metric 10");
    ip("route add 9.0.0.0/8 via 8.8.8.1");
    ip("route add default via 8.8.8.2 dev wan0 table 100");
    ip("-6 route add default from 2a00::/64 via fe80::2 dev wan0 metric 7");
    ip("-4 route add default metric 3 nexthop via 8.8.8.3 dev wan0 nexthop via 8.8.8.4 dev wan0");
    let found = snapshot().unwrap();
    let wan0 = found.link("wan0").unwrap();
    assert!(wan0.up && wan0.running && !wan0.loopback);
    assert!(found.link("lo").unwrap().loopback);
    let routes = |family| {
        let mut list: Vec<_> = found
            .routes
            .iter()
            .filter(|route| route.family == family && route.index == wan0.index)
            .map(|route| (route.metric, route.gateway.map(|gateway| gateway.to_string()).unwrap_or_default()))
            .collect();
        list.sort();
        list
    };
    let expected = [(0, ""), (3, "8.8.8.3"), (3, "8.8.8.4"), (50, "8.8.8.1")];
    assert_eq!(routes(Family::Ipv4), expected.map(|(metric, gateway)| (metric, gateway.to_owned())));
    assert_eq!(routes(Family::Ipv6), [(7, "fe80::2".to_owned()), (1024, "fe80::1".to_owned())]);
    let from = |metric| found.routes.iter().find(|route| route.metric == metric).unwrap().from;
    assert_eq!((from(7), from(1024)), (Some("2a00::/64".parse().unwrap()), None));
    assert_eq!(found.routes.len(), 6, "no other table, no other destination, no dead end: {:?}", found.routes);
}

#[test]
fn the_way_out_is_where_packets_leave_whatever_says_so() {
    inside("inside_the_way_out");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_the_way_out() {
    wan();
    ip("addr add 8.8.8.8/24 dev wan0");
    ip("addr add 9.9.9.9/24 dev far0");
    let leaves = |family| snapshot().unwrap().way(family).map(|link| link.name.clone());
    assert_eq!(Family::ALL.map(leaves), [Some("wan0".to_owned()), Some("wan0".to_owned())]);
    let before = snapshot().unwrap();
    assert_eq!(before.link("wan0").unwrap().kind.as_deref(), Some("veth"));
    assert!(before.link("wan0").unwrap().ethernet && !before.link("lo").unwrap().ethernet);
    // A table beside the main one, and the rule that leads there.
    ip("route add default dev far0 table 51820");
    assert!(snapshot().unwrap().same_way_out(&before), "no rule leads there");
    ip("rule add not fwmark 51820 table 51820");
    assert_eq!(Family::ALL.map(leaves), [Some("far0".to_owned()), Some("wan0".to_owned())]);
    assert!(!snapshot().unwrap().same_way_out(&before));
    let (far0, wan0) = (before.link("far0").unwrap().index, before.link("wan0").unwrap().index);
    let to = somewhere(Family::Ipv4);
    assert_eq!(way(to, Some("8.8.8.8".parse().unwrap())).unwrap(), Some(far0));
    ip("rule add from 8.8.8.8 table main pref 10");
    assert_eq!(way(to, Some("8.8.8.8".parse().unwrap())).unwrap(), Some(wan0));
    assert_eq!(way(to, Some("9.9.9.9".parse().unwrap())).unwrap(), Some(far0));
    // Two halves of the internet, which win over the default route.
    ip("rule del not fwmark 51820 table 51820");
    ip("-6 route add 2000::/4 dev far0");
    assert_eq!(Family::ALL.map(leaves), [Some("wan0".to_owned()), Some("far0".to_owned())]);
    // Dead ends of each kind, and nothing at all.
    for dead_end in ["unreachable", "blackhole", "prohibit"] {
        ip(&format!("route add {dead_end} 128.0.0.0/1"));
        ip(&format!("-6 route add {dead_end} 2001:db8::/32"));
        assert_eq!(Family::ALL.map(leaves), [None, None], "{dead_end}");
        ip(&format!("route del {dead_end} 128.0.0.0/1"));
        ip(&format!("-6 route del {dead_end} 2001:db8::/32"));
    }
    ip("route del default");
    assert_eq!(leaves(Family::Ipv4), None);
}

#[test]
fn an_added_and_a_replaced_address_are_read() {
    inside("inside_added_and_replaced");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_added_and_replaced() {
    wan();
    settle();
    assert_eq!(best(Family::Ipv4), Reading::None);
    ip("addr add 8.8.8.8/24 dev wan0");
    ip("addr add 8.8.8.9/24 dev wan0");
    ip("addr add 2a00::1/64 dev wan0 nodad");
    let found = snapshot().unwrap();
    assert_eq!((find(&found, "8.8.8.8").prefix, find(&found, "8.8.8.8").preferred), (24, Lifetime::Forever));
    assert!(!find(&found, "8.8.8.8").flags.secondary && find(&found, "8.8.8.9").flags.secondary);
    assert!(find(&found, "2a00::1").flags.permanent);
    assert_eq!(best(Family::Ipv4), these(&["8.8.8.8"]));
    assert_eq!(best(Family::Ipv6), these(&["2a00::1"]));
    assert!(faces_internet(&found, Family::Ipv4) && faces_internet(&found, Family::Ipv6));
    // As a DHCP client does it: the new one first.
    ip("addr add 9.9.9.9/24 dev wan0");
    assert_eq!(best(Family::Ipv4), these(&["8.8.8.8"]));
    ip("addr flush dev wan0 to 8.8.8.0/24");
    assert_eq!(best(Family::Ipv4), these(&["9.9.9.9"]));
    // A peer's address is not ours.
    ip("addr flush dev wan0 to 9.9.9.0/24");
    ip("addr add 5.5.5.5 peer 6.6.6.6/32 dev wan0");
    assert_eq!(best(Family::Ipv4), these(&["5.5.5.5"]));
}

#[test]
fn a_deprecated_address_gives_way_to_the_new_prefix() {
    inside("inside_deprecated");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_deprecated() {
    wan();
    settle();
    ip("addr add 2a00::1/64 dev wan0 nodad valid_lft 7200 preferred_lft 3600");
    let before = snapshot().unwrap();
    assert!(matches!(find(&before, "2a00::1").preferred, Lifetime::Seconds(3590..=3600)));
    // A renewal is no difference, an expiry is one.
    ip("addr change 2a00::1/64 dev wan0 valid_lft 9000 preferred_lft 4000");
    assert!(before.same_as(&snapshot().unwrap()));
    ip("addr change 2a00::1/64 dev wan0 valid_lft 600 preferred_lft 0");
    let after = snapshot().unwrap();
    assert!(!before.same_as(&after));
    assert!(find(&after, "2a00::1").flags.deprecated);
    let waning = best(Family::Ipv6);
    assert!(matches!(&waning, Reading::Unknown(why) if why.starts_with("2a00::1 is deprecated")), "{waning:?}");
    ip("addr add 2a00:1::1/64 dev wan0 nodad valid_lft 7200 preferred_lft 3600");
    assert_eq!(best(Family::Ipv6), these(&["2a00:1::1"]));
}

#[test]
fn a_tentative_address_is_unknown_until_it_is_unique() {
    inside("inside_tentative");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_tentative() {
    wan();
    settle();
    assert_eq!(best(Family::Ipv6), Reading::None);
    ip("addr add 2a00::1/64 dev wan0");
    assert!(find(&snapshot().unwrap(), "2a00::1").flags.tentative);
    assert!(matches!(best(Family::Ipv6), Reading::Unknown(why) if why.contains("duplicates")));
    until("it is unique", || best(Family::Ipv6) == these(&["2a00::1"]));
}

#[test]
fn an_address_that_another_machine_has_is_never_read() {
    inside("inside_duplicate");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_duplicate() {
    wan();
    settle();
    // far0 is the other machine: the kernel answers for it on the same link.
    ip("addr add 2a00::1/64 dev far0 nodad");
    ip("addr add 2a00::1/64 dev wan0");
    let index = snapshot().unwrap().link("wan0").unwrap().index;
    let failed = |address: &Address| address.index == index && address.flags.dad_failed;
    until("the duplicate is found", || snapshot().unwrap().addresses.iter().any(failed));
    assert!(!matches!(best(Family::Ipv6), Reading::Addresses(_)));
}

#[test]
fn a_temporary_address_is_read_only_where_it_is_asked_for() {
    inside("inside_temporary");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_temporary() {
    wan();
    settle();
    setting("use_tempaddr", "2");
    ip("addr add 2a00::1/64 dev wan0 nodad mngtmpaddr valid_lft 7200 preferred_lft 3600");
    let temporary = || {
        let found = snapshot().unwrap();
        found.addresses.into_iter().find(|address| address.flags.temporary && !address.flags.tentative)
    };
    until("there is a temporary address", || temporary().is_some());
    assert!(find(&snapshot().unwrap(), "2a00::1").flags.temporaries);
    assert_eq!(best(Family::Ipv6), these(&["2a00::1"]));
    let options = InterfaceOptions { temporary: true, ..InterfaceOptions::default() };
    assert_eq!(read(Family::Ipv6, options), Reading::Addresses(vec![temporary().unwrap().ip]));
}

#[test]
fn the_prefix_of_the_best_default_route_is_preferred() {
    inside("inside_uplinks");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_uplinks() {
    wan();
    settle();
    // Two uplinks, each with a prefix of its own on this link, and a third whose route is gone.
    ip("-6 route del default via fe80::1 dev wan0");
    for (prefix, preferred) in [("2a00:1", 3600), ("2a00:2", 7200), ("2a00:3", 9000)] {
        ip(&format!("addr add {prefix}::1/64 dev wan0 nodad mngtmpaddr valid_lft 10000 preferred_lft {preferred}"));
    }
    ip("-6 route add default from 2a00:1::/48 via fe80::1 dev wan0 metric 100");
    ip("-6 route add default from 2a00:2::/48 via fe80::2 dev wan0 metric 200");
    assert_eq!(best(Family::Ipv6), these(&["2a00:1::1"]));
    let all = || InterfaceOptions { name: Some("wan0".into()), all: true, ..InterfaceOptions::default() };
    assert_eq!(read(Family::Ipv6, all()), these(&["2a00:1::1", "2a00:2::1", "2a00:3::1"]));
    ip("-6 route del default from 2a00:1::/48 via fe80::1 dev wan0");
    assert_eq!(best(Family::Ipv6), these(&["2a00:2::1"]));
    // Given up by its router: only for who asks.
    ip("addr change 2a00:2::1/64 dev wan0 valid_lft 10000 preferred_lft 0");
    let asked = InterfaceOptions { deprecated: true, ..all() };
    assert_eq!(read(Family::Ipv6, all()), these(&["2a00:3::1", "2a00:1::1"]));
    assert_eq!(read(Family::Ipv6, asked), these(&["2a00:3::1", "2a00:1::1", "2a00:2::1"]));
}

#[test]
fn neighbours_and_delegations_are_listed() {
    inside("inside_neighbours");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_neighbours() {
    wan();
    settle();
    assert_eq!(neighbours().unwrap(), []);
    let mac = "00:11:22:33:44:55";
    for (address, state) in
        [("2a00::1", "reachable"), ("2a00::2", "stale"), ("2a00::3", "permanent"), ("2a00::4", "noarp")]
    {
        ip(&format!("-6 neigh add {address} lladdr {mac} dev wan0 nud {state}"));
    }
    ip(&format!("neigh add 9.9.9.9 lladdr {mac} dev wan0 nud reachable"));
    ip("-6 neigh add proxy 2a00::5 dev wan0");
    let mut found = neighbours().unwrap();
    found.sort();
    let told: Vec<_> = found.iter().map(|entry| (entry.ip.to_string(), entry.reachable)).collect();
    let expected = [("2a00::1", true), ("2a00::2", false), ("2a00::3", true), ("2a00::4", false)];
    assert_eq!(told, expected.map(|(address, reachable)| (address.to_owned(), reachable)));
    assert!(found.iter().all(|entry| entry.mac == mac.parse().unwrap()));

    assert_eq!(delegated().unwrap(), []);
    for kind in
        ["unreachable 2a00:1::/56", "blackhole 2a00:2::/60", "prohibit 2a00:3::/48", "unreachable default metric 9"]
    {
        ip(&format!("-6 route add {kind}"));
    }
    ip("-6 route add unreachable 2a00:4::/56 table 100");
    let found: Vec<_> = delegated().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["2a00:1::/56", "2a00:2::/60", "2a00:3::/48"]);
    assert_eq!(snapshot().unwrap().routes.len(), 2, "the default routes of both families alone");
}

#[test]
fn a_watch_hears_of_the_neighbours_that_are_followed_and_of_no_others() {
    inside("inside_followed");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_followed() {
    watching(async |mut watch| {
        let tell = |address: &str, last: u8, state: &str| {
            ip(&format!("-6 neigh replace {address} lladdr 00:11:22:33:44:{last:02} dev wan0 nud {state}"));
        };
        tell("2a00::1", 1, "reachable");
        assert!(!wakes(&mut watch, QUIET).await, "nobody is followed");
        watch.follow(&["00:11:22:33:44:01".parse().unwrap()].into()).unwrap();
        tell("2a00::2", 2, "reachable");
        tell("2a00::3", 1, "stale");
        assert!(!wakes(&mut watch, QUIET).await, "another machine, and one that is not known to be there");
        tell("2a00::3", 1, "reachable");
        let heard = tokio::time::timeout(SOON, watch.changed()).await.unwrap().unwrap();
        assert_eq!(heard, Heard::Neighbour);
        tell("2a00::3", 1, "stale");
        tell("2a00::3", 1, "reachable");
        assert!(!wakes(&mut watch, QUIET).await, "it was heard of with that address");
        ip("addr add 2a00:9::1/64 dev wan0 nodad");
        assert_eq!(tokio::time::timeout(SOON, watch.changed()).await.unwrap().unwrap(), Heard::Addresses);
        while wakes(&mut watch, QUIET).await {}
        tell("2a00::3", 1, "permanent");
        assert!(wakes(&mut watch, SOON).await, "which may count again in another prefix");
        watch.follow(&[].into()).unwrap();
        tell("2a00::7", 1, "reachable");
        assert!(!wakes(&mut watch, QUIET).await, "nobody is followed any more");
    });
}

#[test]
fn a_link_that_is_down_is_unknown() {
    inside("inside_down");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_down() {
    wan();
    settle();
    ip("addr add 8.8.8.8/24 dev wan0");
    let named = || InterfaceOptions { name: Some("wan0".into()), ..InterfaceOptions::default() };
    assert_eq!(read(Family::Ipv4, named()), these(&["8.8.8.8"]));
    ip("link set far0 down");
    until(
        "the carrier is lost",
        || matches!(read(Family::Ipv4, named()), Reading::Unknown(why) if why.contains("no carrier")),
    );
    ip("link set wan0 down");
    assert!(matches!(read(Family::Ipv4, named()), Reading::Unknown(why) if why.contains("is down")));
    ip("link del wan0");
    assert!(matches!(read(Family::Ipv4, named()), Reading::Unknown(why) if why.contains("no interface")));
}

#[test]
fn a_watch_wakes_for_every_kind_of_change_and_once_for_a_burst() {
    inside("inside_watch");
}

/// Runs a case with a watch that was opened when all was settled.
fn watching(case: impl AsyncFnOnce(Watch)) {
    wan();
    settle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { case(Watch::open().unwrap()).await });
}

const SOON: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_millis(200);

/// Whether the watch says that something changed, within the time.
async fn wakes(watch: &mut Watch, within: Duration) -> bool {
    tokio::time::timeout(within, watch.changed()).await.is_ok_and(|outcome| outcome.is_ok())
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_watch() {
    watching(async |mut watch| {
        assert!(!wakes(&mut watch, QUIET).await, "nothing changed");
        let kinds = [
            "addr add 8.8.8.8/24 dev wan0",
            "addr add 2a00::1/64 dev wan0 nodad",
            "addr change 2a00::1/64 dev wan0 valid_lft 600 preferred_lft 0",
            "route add default via 8.8.8.1 metric 9",
            "-6 route add default via fe80::2 dev wan0 metric 9",
            "link add more0 type veth peer name more1",
            "rule add fwmark 7 table 100",
            "-6 rule add fwmark 7 table 100",
        ];
        for kind in kinds {
            ip(kind);
            assert!(wakes(&mut watch, SOON).await, "{kind}");
            while wakes(&mut watch, QUIET).await {}
        }
        for last in 10..60 {
            ip(&format!("addr add 9.9.9.{last}/24 dev wan0"));
        }
        assert!(wakes(&mut watch, SOON).await);
        assert!(!wakes(&mut watch, QUIET).await, "the burst woke it once");
    });
}

#[test]
fn lost_announcements_are_a_change() {
    inside("inside_flood");
}

#[test]
#[ignore = "runs inside a namespace"]
fn inside_flood() {
    watching(async |mut watch| {
        // More announcements than the socket's buffer holds: the kernel then drops them and says so once.
        let commands: String =
            (0..4000).map(|at| format!("addr add 9.{}.{}.1/24 dev wan0\n", at / 200, at % 200)).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), commands).unwrap();
        ip(&format!("-batch {}", file.path().display()));
        assert!(wakes(&mut watch, SOON).await);
        while wakes(&mut watch, QUIET).await {}
        ip("addr add 8.8.8.8/24 dev wan0");
        assert!(wakes(&mut watch, SOON).await, "it goes on after a loss");
        assert_eq!(snapshot().unwrap().addresses.iter().filter(|address| address.ip.is_ipv4()).count(), 4002);
    });
}
