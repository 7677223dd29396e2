//! Several uplinks and several daemons under one name, and what is made of their addresses, on real interfaces.
//!
//! Each case has a network namespace of its own with interfaces that come and go, and a zone file. As root:
//! `cargo test --test several -- --ignored`.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests wait and take the time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "the log of a case that failed is printed")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use support::daemon::{Daemon, Place};
use support::namespace::Namespace;
use support::{until, wait};
use tempfile::TempDir;

/// A namespace with so many interfaces `wan0`, `wan1`, …, each with the other end of its wire, `far0`, …
fn uplinks(count: usize) -> Arc<Namespace> {
    let namespace = Namespace::bare();
    for at in 0..count {
        namespace.ip(&format!("link add wan{at} type veth peer name far{at}"));
        namespace.set(&format!("net/ipv4/conf/wan{at}/promote_secondaries"), "1");
        namespace.ip(&format!("link set far{at} up"));
        namespace.ip(&format!("link set wan{at} up"));
    }
    Arc::new(namespace)
}

/// A folder with a zone file, for daemons in several places.
struct Zone(TempDir);

impl Zone {
    fn new(records: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let zone = Self(dir);
        let head =
            "$ORIGIN example.org.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.53\n";
        std::fs::write(zone.path(), format!("{head}{records}")).unwrap();
        zone
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("example.org.zone")
    }

    fn account(&self) -> String {
        account(&self.path())
    }

    /// What stands behind a name and type, sorted.
    fn holds(&self, name: &str, rtype: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path()).unwrap();
        let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let full = if name == "@" { "example.org.".to_owned() } else { format!("{name}.example.org.") };
        let of = words.filter(|words| words.first().is_some_and(|owner| *owner == name || *owner == full));
        let data = of.filter_map(|words| {
            let at = words.iter().position(|word| *word == rtype)?;
            Some(words.get(at + 1..)?.join(" "))
        });
        let mut data: Vec<String> = data.collect();
        data.sort();
        data
    }

    fn comes_to_hold(&self, daemon: &Daemon, name: &str, rtype: &str, values: &[&str], seconds: u64) {
        until(&format!("{name} {rtype} holds {values:?}"), seconds, || match self.holds(name, rtype) {
            held if held == values => Ok(()),
            held => Err(format!("{held:?}\n{}", daemon.log())),
        });
    }

    fn serial(&self) -> String {
        let text = std::fs::read_to_string(self.path()).unwrap();
        text.split_whitespace().skip_while(|word| *word != "hostmaster").nth(1).unwrap_or_default().to_owned()
    }
}

fn account(path: &Path) -> String {
    format!("[account.zone]\nprovider = \"zonefile\"\npath = \"{}\"\n\n[log]\nlevel = \"debug\"\n\n", path.display())
}

/// A record with an IPv4 source and further keys.
fn record(name: &str, ipv4: &str, more: &str) -> String {
    let head = format!("[[record]]\nname = \"{name}\"\naccount = \"zone\"\nprivate = true\nipv6 = false\n");
    format!("{head}ipv4 = {ipv4}\n{more}\n\n")
}

const BOTH: &str = "{ all = [{ interface = \"wan0\" }, { interface = \"wan1\" }] }";

#[test]
#[ignore = "needs root: network namespaces"]
fn two_uplinks_have_a_name_each_and_one_together_while_one_goes_and_comes_back() {
    let namespace = uplinks(2);
    namespace.ip("addr add 192.0.2.7/32 dev wan0");
    namespace.ip("addr add 198.51.100.7/32 dev wan1");
    let zone = Zone::new("@ TXT \"a token of somebody\"\n");
    let first_of = "{ first_of = [{ interface = \"wan0\" }, { interface = \"wan1\" }] }";
    let policy = "type = \"TXT\"\nvalue = \"v=spf1 ip4:{ipv4} -all\"";
    let place = Place::new(
        &namespace,
        &[
            zone.account(),
            record("first.example.org", "{ interface = \"wan0\" }", ""),
            record("second.example.org", "{ interface = \"wan1\" }", ""),
            record("both.example.org", BOTH, ""),
            record("alive.example.org", first_of, ""),
            record("example.org", BOTH, policy),
        ]
        .concat(),
    );
    let daemon = place.start();
    let holds = |name: &str, values: &[&str]| zone.comes_to_hold(&daemon, name, "A", values, 15);
    let says = |policy: &str| {
        zone.comes_to_hold(&daemon, "@", "TXT", &["\"a token of somebody\"", &format!("\"v=spf1 {policy} -all\"")], 15);
    };
    holds("first", &["192.0.2.7"]);
    holds("second", &["198.51.100.7"]);
    holds("both", &["192.0.2.7", "198.51.100.7"]);
    holds("alive", &["192.0.2.7"]);
    says("ip4:192.0.2.7 ip4:198.51.100.7");
    assert_eq!(zone.serial(), "2", "all of it is one write");

    // The first line is cut: nothing is taken away, and the name that is to be alive moves on.
    namespace.ip("link set far0 down");
    holds("alive", &["198.51.100.7"]);
    wait(3.0);
    holds("first", &["192.0.2.7"]);
    holds("both", &["192.0.2.7", "198.51.100.7"]);
    let both = daemon.record("both.example.org", "A");
    assert_eq!(both.state, "up to date");
    let uplinks: Vec<_> =
        both.uplinks.iter().map(|uplink| (uplink.state.as_str(), uplink.addresses.join(" "))).collect();
    assert_eq!(uplinks, [("unknown", "192.0.2.7".to_owned()), ("up", "198.51.100.7".to_owned())]);
    let (_, told, _) = place.cli(&["explain", "both.example.org"]);
    assert!(told.contains("interface wan0") && told.contains("which stays"), "{told}");

    // Meanwhile the second one moves.
    namespace.ip("addr add 198.51.100.8/32 dev wan1");
    namespace.ip("addr del 198.51.100.7/32 dev wan1");
    holds("both", &["192.0.2.7", "198.51.100.8"]);
    holds("alive", &["198.51.100.8"]);
    says("ip4:192.0.2.7 ip4:198.51.100.8");

    // A daemon that starts now does not know the first one's address, but from its ledger.
    daemon.stop();
    let daemon = place.start();
    namespace.ip("addr add 198.51.100.9/32 dev wan1");
    namespace.ip("addr del 198.51.100.8/32 dev wan1");
    zone.comes_to_hold(&daemon, "both", "A", &["192.0.2.7", "198.51.100.9"], 15);

    // It comes back with another address: that replaces its own and nothing else.
    namespace.ip("link set far0 up");
    namespace.ip("addr add 192.0.2.9/32 dev wan0");
    namespace.ip("addr del 192.0.2.7/32 dev wan0");
    zone.comes_to_hold(&daemon, "both", "A", &["192.0.2.9", "198.51.100.9"], 15);
    zone.comes_to_hold(&daemon, "alive", "A", &["192.0.2.9"], 15);
    zone.comes_to_hold(&daemon, "first", "A", &["192.0.2.9"], 15);
    // Up and certainly without an address: the name is the other one's alone.
    namespace.ip("addr del 192.0.2.9/32 dev wan0");
    zone.comes_to_hold(&daemon, "both", "A", &["198.51.100.9"], 15);
    let policy = ["\"a token of somebody\"", "\"v=spf1 ip4:198.51.100.9 -all\""];
    zone.comes_to_hold(&daemon, "@", "TXT", &policy, 15);
    assert_eq!(zone.holds("first", "A"), ["192.0.2.9"], "a name of its own stays");
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn only_a_certain_absence_withdraws_a_record_and_only_where_that_is_asked_for() {
    let namespace = uplinks(4);
    for at in 0..4 {
        namespace.ip(&format!("addr add 192.0.2.{}/32 dev wan{at}", 10 + at));
    }
    let zone = Zone::new("");
    let removed = "absent = \"remove\"\nabsent_after = \"1m\"";
    let of = |name: &str, at: usize, more: &str| {
        record(&format!("{name}.example.org"), &format!("{{ interface = \"wan{at}\" }}"), more)
    };
    let mut text = zone.account() + "[defaults]\ncheck = \"30s\"\n\n";
    text += &of("down", 0, removed);
    text += &of("deleted", 1, removed);
    text += &of("empty", 2, removed);
    text += &of("kept", 2, "");
    text += &of("back", 3, removed);
    let place = Place::new(&namespace, &text);
    let daemon = place.start();
    for (name, last) in [("down", 10), ("deleted", 11), ("empty", 12), ("kept", 12), ("back", 13)] {
        zone.comes_to_hold(&daemon, name, "A", &[&format!("192.0.2.{last}")], 15);
    }
    namespace.ip("link set far0 down");
    namespace.ip("link del wan1");
    namespace.ip("addr del 192.0.2.12/32 dev wan2");
    namespace.ip("addr del 192.0.2.13/32 dev wan3");
    wait(40.0);
    assert_eq!(zone.holds("empty", "A"), ["192.0.2.12"], "not before its time");
    // Back for a moment: the time begins anew.
    namespace.ip("addr add 192.0.2.13/32 dev wan3");
    wait(2.0);
    namespace.ip("addr del 192.0.2.13/32 dev wan3");
    zone.comes_to_hold(&daemon, "empty", "A", &[], 45);
    assert_eq!(zone.holds("back", "A"), ["192.0.2.13"]);
    zone.comes_to_hold(&daemon, "back", "A", &[], 60);
    for (name, last) in [("down", 10), ("deleted", 11), ("kept", 12)] {
        assert_eq!(zone.holds(name, "A"), [format!("192.0.2.{last}")], "{name}: {}", daemon.log());
    }
    assert_eq!(daemon.record("down.example.org", "A").state, "unknown");
    assert_eq!(daemon.record("kept.example.org", "A").state, "unmanaged");
    daemon.stop();
}

/// Two daemons, each with an uplink of its own, for one name in one zone file.
fn two_daemons(zone: &Zone, more: &str) -> (Arc<Namespace>, [Daemon; 2]) {
    let namespace = uplinks(2);
    namespace.ip("addr add 192.0.2.7/32 dev wan0");
    namespace.ip("addr add 198.51.100.7/32 dev wan1");
    let start = |at: usize| {
        let source = format!("{{ interface = \"wan{at}\" }}");
        Place::new(&namespace, &(zone.account() + &record("shared.example.org", &source, more))).start()
    };
    let daemons = [start(0), start(1)];
    (namespace, daemons)
}

#[test]
#[ignore = "needs root: network namespaces"]
fn two_daemons_that_share_a_name_replace_their_own_and_leave_the_others() {
    let zone = Zone::new("shared A 203.0.113.1\n");
    let (namespace, [first, second]) = two_daemons(&zone, "values = \"shared\"");
    zone.comes_to_hold(&second, "shared", "A", &["192.0.2.7", "198.51.100.7", "203.0.113.1"], 20);
    // Both move at the same moment, again and again.
    for last in 8..12 {
        for (net, at) in [("192.0.2", 0), ("198.51.100", 1)] {
            namespace.ip(&format!("addr add {net}.{last}/32 dev wan{at}"));
            namespace.ip(&format!("addr del {net}.{}/32 dev wan{at}", last - 1));
        }
        let both = [format!("192.0.2.{last}"), format!("198.51.100.{last}"), "203.0.113.1".to_owned()];
        zone.comes_to_hold(&first, "shared", "A", &both.each_ref().map(String::as_str), 60);
        wait(1.0);
    }
    for daemon in [&first, &second] {
        daemon.place().cli(&["update"]);
    }
    wait(3.0);
    let serial = zone.serial();
    for (daemon, own) in [(&first, "192.0.2.11"), (&second, "198.51.100.11")] {
        daemon.holds("shared.example.org", "A", &[own], 40);
        daemon.place().cli(&["update"]);
    }
    wait(3.0);
    assert_eq!(zone.serial(), serial, "nobody writes against anybody: {}", second.log());
    first.stop();
    second.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn who_leaves_a_shared_name_takes_its_own_value_alone_and_only_when_it_is_certainly_gone() {
    let zone = Zone::new("shared A 203.0.113.1\n");
    let more = "values = \"shared\"\nabsent = \"remove\"\nabsent_after = \"1m\"";
    let (namespace, [first, second]) = two_daemons(&zone, more);
    let all = ["192.0.2.7", "198.51.100.7", "203.0.113.1"];
    zone.comes_to_hold(&second, "shared", "A", &all, 20);
    // One line is silent, the other one has no address any more.
    namespace.ip("link set far0 down");
    namespace.ip("addr del 198.51.100.7/32 dev wan1");
    wait(40.0);
    assert_eq!(zone.holds("shared", "A"), all, "not before its time");
    until("the value that is gone is withdrawn", 60, || {
        [&first, &second].iter().for_each(|daemon| drop(daemon.place().cli(&["update"])));
        wait(1.0);
        match zone.holds("shared", "A") {
            held if held == ["192.0.2.7", "203.0.113.1"] => Ok(()),
            held => Err(format!("{held:?}\n{}", second.log())),
        }
    });
    first.stop();
    second.stop();
    assert_eq!(zone.holds("shared", "A"), ["192.0.2.7", "203.0.113.1"], "who is silent, or ends, withdraws nothing");
}

#[test]
#[ignore = "needs root: network namespaces"]
fn two_daemons_that_each_want_all_of_a_name_end_it_and_say_so() {
    let zone = Zone::new("");
    let (_namespace, [first, second]) = two_daemons(&zone, "values = \"all\"");
    let held = |daemon: &Daemon| {
        let record = daemon.record("shared.example.org", "A");
        record.held.filter(|held| held.reason == "contended")
    };
    // Each looks in turn, as they would at their next verification.
    let said = until("one of them gives in", 90, || {
        for daemon in [&first, &second] {
            if let Some(held) = held(daemon) {
                return Ok(held);
            }
            daemon.place().cli(&["update"]);
            wait(1.0);
        }
        Err(format!("{:?}", zone.holds("shared", "A")))
    });
    assert!(said.error.contains("someone else changed it 2 times within an hour"), "{}", said.error);
    assert!(said.error.contains("values = \"shared\""), "{}", said.error);
    wait(2.0);
    let serial = zone.serial();
    for daemon in [&first, &second, &first, &second] {
        daemon.place().cli(&["update"]);
        wait(1.0);
    }
    assert_eq!(zone.serial(), serial, "the fight is over");
    first.stop();
    second.stop();
}
