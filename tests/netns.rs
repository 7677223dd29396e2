//! The daemon on real interfaces: what it calls, how often, and what the services hold in the end.
//!
//! Each case has a network namespace of its own with an interface whose addresses come and go, and emulated services in
//! it. As root: `cargo test --test netns -- --ignored`; `--nocapture` shows the latencies.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests wait and take the time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "latencies and the log of a case that failed are printed")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::daemon::Place;
use support::lab::{KEPT, Lab, PUSHED};
use support::namespace::Namespace;
use support::served::Call;
use support::{until, wait};

/// The default route of IPv4, without which the kernel's choice of interface means nothing.
const ROUTE: &str = "route replace default dev wan0";
/// The default route of IPv6.
const ROUTE6: &str = "-6 route replace default via fe80::1 dev wan0";
const V4: &str = "ipv6 = false";
const V6: &str = "ipv4 = false";

/// How long after `since` the call came: the kernel's word, the decision and the connection are in it, and `ip` itself.
fn latency(what: &str, since: Instant, call: &Call) {
    eprintln!("latency: {what}: {:.1} ms", (call.at - since).as_secs_f64() * 1000.0);
}

#[test]
#[ignore = "needs root: network namespaces"]
fn an_address_that_appears_is_published_and_one_deleted_first_is_replaced() {
    let lab = Lab::new(&[], V4);
    let daemon = lab.place.start();
    lab.quiet(&daemon, "without an address");
    // Nor is there a default route, which would say whose address it is.
    assert_eq!(daemon.record(PUSHED, "A").state, "unknown");

    lab.namespace.ip("addr add 192.0.2.7/24 dev wan0");
    lab.namespace.ip(ROUTE);
    lab.hold(&daemon, Some("192.0.2.7"), None, 10);
    assert_eq!(lab.writes(), (1, 1));

    // The last address takes its routes along.
    lab.namespace.ip("addr del 192.0.2.7/24 dev wan0");
    lab.namespace.ip("addr add 192.0.2.8/24 dev wan0");
    lab.namespace.ip(ROUTE);
    lab.hold(&daemon, Some("192.0.2.8"), None, 10);
    lab.quiet(&daemon, "after the replacement");
    assert_eq!(lab.writes(), (2, 2));
    for name in [PUSHED, KEPT] {
        daemon.holds(name, "A", &["192.0.2.8"], 5);
    }
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn an_address_added_before_the_old_one_goes_costs_one_write_at_once() {
    let lab = Lab::new(&["addr add 192.0.2.7/32 dev wan0", ROUTE], V4);
    let daemon = lab.place.start();
    lab.hold(&daemon, Some("192.0.2.7"), None, 10);
    lab.quiet(&daemon, "after the start");

    lab.namespace.ip("addr add 192.0.2.8/32 dev wan0");
    lab.quiet(&daemon, "the first address is as good as ever");
    let since = Instant::now();
    lab.namespace.ip("addr del 192.0.2.7/32 dev wan0");
    lab.hold(&daemon, Some("192.0.2.8"), None, 5);
    assert_eq!(lab.writes(), (2, 2));
    latency("dyndns2, one request", since, lab.pushes().last().unwrap());
    latency("lunanode, read and then written", since, lab.edits().last().unwrap());

    // Further ones at the service that bears them.
    for last in 9..12 {
        lab.namespace.ip(&format!("addr add 192.0.2.{last}/32 dev wan0"));
        wait(0.5);
        let since = Instant::now();
        lab.namespace.ip(&format!("addr del 192.0.2.{}/32 dev wan0", last - 1));
        until("it is replaced", 5, || match lab.kept("A") == [format!("192.0.2.{last}")] {
            true => Ok(()),
            false => Err(daemon.log()),
        });
        latency("lunanode, read and then written", since, lab.edits().last().unwrap());
    }
    assert_eq!(lab.writes(), (2, 5), "{}", daemon.log());
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_new_prefix_replaces_the_deprecated_one_in_one_write() {
    let setup = ["addr add 2001:db8:1::7/64 dev wan0 nodad valid_lft 7200 preferred_lft 3600", ROUTE6];
    let lab = Lab::new(&setup, V6);
    let daemon = lab.place.start();
    lab.hold(&daemon, None, Some("2001:db8:1::7"), 10);

    // As a router does it: the new prefix first, then the old one's preferred lifetime is zero.
    lab.namespace.ip("addr add 2001:db8:2::7/64 dev wan0 nodad valid_lft 7200 preferred_lft 3600");
    wait(1.0);
    lab.namespace.ip("addr change 2001:db8:1::7/64 dev wan0 valid_lft 7200 preferred_lft 0");
    lab.hold(&daemon, None, Some("2001:db8:2::7"), 5);
    lab.namespace.ip("addr del 2001:db8:1::7/64 dev wan0");
    lab.quiet(&daemon, "the deprecated address is gone at last");
    assert_eq!(lab.writes(), (2, 2));
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn both_families_go_in_one_request_and_a_change_of_one_keeps_the_other() {
    let setup = ["addr add 192.0.2.7/32 dev wan0", "addr add 2001:db8::7/64 dev wan0 nodad", ROUTE, ROUTE6];
    let lab = Lab::new(&setup, "");
    let daemon = lab.place.start();
    lab.hold(&daemon, Some("192.0.2.7"), Some("2001:db8::7"), 10);
    assert_eq!(lab.writes(), (1, 2));
    assert!(lab.pushes()[0].query.ends_with("myip=192.0.2.7,2001:db8::7"), "{:?}", lab.pushes());

    lab.namespace.ip("addr add 192.0.2.8/32 dev wan0");
    lab.namespace.ip("addr del 192.0.2.7/32 dev wan0");
    lab.hold(&daemon, Some("192.0.2.8"), Some("2001:db8::7"), 10);
    lab.quiet(&daemon, "after the change");
    assert_eq!(lab.writes(), (2, 3));
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn an_address_that_goes_leaves_the_record_as_it_is() {
    let lab = Lab::new(&["addr add 192.0.2.7/24 dev wan0", ROUTE], V4);
    let daemon = lab.place.start();
    lab.hold(&daemon, Some("192.0.2.7"), None, 10);
    lab.read_back(&daemon);
    lab.namespace.ip("addr del 192.0.2.7/24 dev wan0");
    lab.quiet(&daemon, "the address is gone");
    assert_eq!((lab.pushed().0, lab.kept("A")), (Some([192, 0, 2, 7].into()), vec!["192.0.2.7".to_owned()]));
    assert_eq!(daemon.record(KEPT, "A").state, "unmanaged");
    // The same address comes back: there is nothing to do.
    lab.namespace.ip("addr add 192.0.2.7/24 dev wan0");
    lab.namespace.ip(ROUTE);
    daemon.holds(KEPT, "A", &["192.0.2.7"], 10);
    wait(3.0);
    assert_eq!(lab.writes(), (1, 1));
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_link_that_goes_down_and_comes_back_with_its_addresses_costs_nothing() {
    let lab = Lab::new(
        &["addr add 192.0.2.7/24 dev wan0", "addr add 2001:db8::7/64 dev wan0 nodad", ROUTE, ROUTE6],
        "absent = \"remove\"\nabsent_after = \"1m\"",
    );
    lab.namespace.set("net/ipv6/conf/wan0/keep_addr_on_down", "1");
    let daemon = lab.place.start();
    lab.hold(&daemon, Some("192.0.2.7"), Some("2001:db8::7"), 10);
    wait(3.0);
    let before = lab.writes();
    for (down, up) in [("link set far0 down", "link set far0 up"), ("link set wan0 down", "link set wan0 up")] {
        lab.namespace.ip(down);
        wait(2.5);
        lab.namespace.ip(up);
        lab.namespace.ip(ROUTE);
        lab.namespace.ip(ROUTE6);
        wait(0.5);
    }
    for name in [PUSHED, KEPT] {
        daemon.holds(name, "A", &["192.0.2.7"], 10);
        daemon.holds(name, "AAAA", &["2001:db8::7"], 10);
    }
    lab.quiet(&daemon, "the link is back");
    assert_eq!(lab.writes(), before);
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_network_that_comes_after_the_daemon_is_published_once_it_has_settled() {
    let lab = Lab::within(Namespace::bare(), &[], "");
    let daemon = lab.place.start();
    lab.quiet(&daemon, "without any interface");
    assert_eq!(daemon.record(PUSHED, "A").state, "unknown");
    let since = Instant::now();
    for words in ["link add wan0 type veth peer name far0", "link set far0 up", "link set wan0 up"] {
        lab.namespace.ip(words);
    }
    wait(0.3);
    lab.namespace.ip("addr add 192.0.2.7/24 dev wan0");
    lab.namespace.ip(ROUTE);
    wait(0.3);
    lab.namespace.ip("addr add 2001:db8::7/64 dev wan0 nodad");
    lab.namespace.ip(ROUTE6);
    lab.hold(&daemon, Some("192.0.2.7"), Some("2001:db8::7"), 15);
    let took = since.elapsed();
    latency("a network that comes up, settling included", since, lab.pushes().last().unwrap());
    assert!(took < Duration::from_secs(8), "{took:?}");
    lab.quiet(&daemon, "the network is up");
    assert_eq!(lab.writes(), (1, 2));
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_default_route_that_returns_with_another_address_costs_one_write() {
    let lab = Lab::new(&["addr add 192.0.2.7/24 dev wan0", ROUTE], V4);
    let daemon = lab.place.start();
    lab.hold(&daemon, Some("192.0.2.7"), None, 10);
    wait(1.0);
    // A provider of internet access that cuts the line once a day.
    lab.namespace.ip("route del default dev wan0");
    wait(0.3);
    lab.namespace.ip("addr del 192.0.2.7/24 dev wan0");
    wait(0.3);
    lab.namespace.ip("addr add 192.0.2.8/24 dev wan0");
    wait(0.3);
    lab.namespace.ip("addr del 192.0.2.8/24 dev wan0");
    lab.namespace.ip("addr add 192.0.2.9/24 dev wan0");
    lab.namespace.ip(ROUTE);
    lab.hold(&daemon, Some("192.0.2.9"), None, 10);
    lab.quiet(&daemon, "the line is back");
    assert_eq!(lab.writes(), (2, 2), "an address of the meantime is not published: {:?}", lab.edits());
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn lifetimes_that_are_refreshed_are_no_change() {
    let setup = ["addr add 2001:db8::7/64 dev wan0 nodad valid_lft 7200 preferred_lft 3600", ROUTE6];
    let lab = Lab::new(&setup, V6);
    let daemon = lab.place.start();
    lab.hold(&daemon, None, Some("2001:db8::7"), 10);
    wait(3.0);
    let (asked, said) = (lab.asked().len(), daemon.log().matches("says").count());
    for round in 0..20 {
        let valid = 7200 + round;
        lab.namespace.ip(&format!("addr change 2001:db8::7/64 dev wan0 valid_lft {valid} preferred_lft 3600"));
        wait(0.1);
    }
    wait(1.0);
    assert_eq!((lab.writes(), lab.asked().len()), ((1, 1), asked), "no call");
    assert_eq!(daemon.log().matches("says").count(), said, "no source was asked either: {}", daemon.log());
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn an_address_that_is_not_known_to_be_unique_is_never_published() {
    let lab = Lab::new(&[], V6);
    // far0 is the other machine on the wire, which has this address already.
    lab.namespace.ip("addr add 2001:db8::66/64 dev far0 nodad");
    wait(2.5);
    lab.namespace.ip(ROUTE6);
    let daemon = lab.place.start();
    lab.namespace.ip("addr add 2001:db8::66/64 dev wan0");
    lab.quiet(&daemon, "a duplicate");

    lab.namespace.ip("addr add 2001:db8::7/64 dev wan0");
    let tentative = || {
        let output = lab.namespace.command("ip").args(["-6", "addr", "show", "dev", "wan0", "tentative"]).output();
        String::from_utf8(output.unwrap().stdout).unwrap().contains("2001:db8::7")
    };
    assert!(tentative(), "the kernel checks it");
    let mut last = Instant::now();
    while tentative() {
        last = Instant::now();
        wait(0.02);
    }
    lab.hold(&daemon, None, Some("2001:db8::7"), 10);
    assert_eq!(lab.writes(), (1, 1));
    assert!(lab.pushes()[0].at > last && lab.edits()[0].at > last, "not while it was tentative");
    latency("from unique to published, settling included", last, &lab.pushes()[0]);
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn sigusr1_looks_and_does_not_write() {
    let lab = Lab::new(&["addr add 192.0.2.7/24 dev wan0", ROUTE], V4);
    let daemon = lab.place.start();
    lab.hold(&daemon, Some("192.0.2.7"), None, 10);
    wait(4.0);
    let asked = lab.asked().len();
    daemon.signal(Signal::USR1);
    until("the readable service is read", 5, || if lab.asked().len() > asked { Ok(()) } else { Err(daemon.log()) });
    wait(1.0);
    assert_eq!(lab.writes(), (1, 1));
    assert!(lab.asked().len() <= asked + 2, "one look: {:?}", lab.asked());
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_broken_configuration_is_refused_and_a_changed_one_sends_only_what_changed() {
    let lab = Lab::new(&["addr add 192.0.2.7/32 dev wan0", ROUTE], V4);
    let daemon = lab.place.start();
    lab.hold(&daemon, Some("192.0.2.7"), None, 10);
    wait(3.0);

    lab.place.configure("[account.push]\nprovider = \"dyndns3\"\n");
    daemon.signal(Signal::HUP);
    daemon.logged("the configuration in force is kept", 1, 5);
    assert!(daemon.log().contains("there is no provider \"dyndns3\""), "{}", daemon.log());
    std::fs::remove_file(lab.place.path("driftless.toml")).unwrap();
    daemon.signal(Signal::HUP);
    daemon.logged("the configuration in force is kept", 2, 5);
    lab.namespace.ip("addr add 192.0.2.8/32 dev wan0");
    lab.namespace.ip("addr del 192.0.2.7/32 dev wan0");
    // Without a file nobody can ask for the status; the services show that it goes on.
    lab.hold(&daemon, Some("192.0.2.8"), None, 5);

    let more = "\n[[record]]\nname = \"second.example.org\"\naccount = \"push\"\nprivate = true\nipv6 = false\n";
    lab.place.configure(&(lab.configuration(V4) + more));
    daemon.signal(Signal::HUP);
    daemon.logged("the configuration was read again", 1, 5);
    daemon.holds("second.example.org", "A", &["192.0.2.8"], 10);
    let sent = lab.pushes();
    assert_eq!((sent.len(), lab.edits().len()), (3, 2));
    assert!(sent[2].query.contains("hostname=second.example.org&"), "the first name is not sent again: {sent:?}");

    // The same file once more, and without the second record: nothing to send.
    daemon.signal(Signal::HUP);
    daemon.logged("the configuration was read again", 2, 5);
    lab.place.configure(&lab.configuration(V4));
    daemon.signal(Signal::HUP);
    daemon.logged("the configuration was read again", 3, 5);
    wait(3.0);
    assert_eq!(lab.writes(), (3, 2));
    assert_eq!(lab.place.status().0.records.len(), 2);
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_second_daemon_names_the_first_and_ends() {
    let lab = Lab::new(&["addr add 192.0.2.7/24 dev wan0", ROUTE], V4);
    let daemon = lab.place.start();
    for words in [&["run"][..], &["once"]] {
        let (code, _, said) = lab.place.cli(words);
        assert_eq!(code, 75, "{words:?}: {said}");
        assert!(said.contains(&format!("pid {}", daemon.pid())), "{words:?}: {said}");
    }
    lab.hold(&daemon, Some("192.0.2.7"), None, 10);
    assert_eq!(lab.writes(), (1, 1));
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn commands_answer_with_and_without_the_daemon() {
    let lab = Lab::new(&["addr add 192.0.2.7/24 dev wan0", ROUTE], V4);
    // Nothing is there yet: no daemon, no state.
    assert_eq!(lab.place.json(&["status"]).0, 69);
    let (code, plan) = lab.place.json(&["plan"]);
    let of = |at: usize, what: &str| plan["records"][at][what].clone();
    assert_eq!((code, of(0, "change"), of(1, "after")), (0, true.into(), ["192.0.2.7"].as_slice().into()), "{plan}");
    assert_eq!(lab.writes(), (0, 0), "a plan writes nothing");
    let (code, said, _) = lab.place.cli(&["update"]);
    assert_eq!((code, said.trim()), (0, "2 up to date"));
    assert_eq!(lab.writes(), (1, 1));
    let (code, once) = lab.place.json(&["once"]);
    assert_eq!((code, &once["status"]["records"][0]["state"]), (0, &"up to date".into()));

    for running in [true, false] {
        let daemon = running.then(|| lab.place.start());
        let (code, status) = lab.place.json(&["status"]);
        assert_eq!((code, status["running"] == true), (if running { 0 } else { 69 }, running));
        let (code, told) = lab.place.json(&["explain", PUSHED]);
        assert_eq!((code, &told["records"][0]["confirmed"][0]), (if running { 0 } else { 69 }, &"192.0.2.7".into()));
        let (code, _, said) = lab.place.cli(&["explain", "hom.example.org"]);
        assert_eq!(code, 78);
        assert!(said.contains("did you mean home.example.org?"), "{said}");
        let (code, plan) = lab.place.json(&["plan"]);
        assert_eq!((code, &plan["changes"]), (0, &0.into()), "{plan}");
        let (code, detected) = lab.place.json(&["detect"]);
        assert_eq!((code, detected["believed"].as_array().unwrap().len()), (0, 2), "{detected}");
        let (code, checked) = lab.place.json(&["check", "--online"]);
        assert_eq!((code, &checked["ok"]), (0, &true.into()), "{checked}");
        for words in
            [&["update"][..], &["update", KEPT], &["release", "push"], &["release", PUSHED], &["release", "--all"]]
        {
            let (code, _, said) = lab.place.cli(words);
            assert_eq!(code, 0, "{words:?} with the daemon {running}: {said}");
        }
        for words in [&["update", "other.example.org"][..], &["release", "other.example.org"]] {
            assert_eq!(lab.place.cli(words).0, 78, "{words:?}");
        }
        for words in [&["status"][..], &["explain", KEPT], &["plan"], &["detect"], &["check"]] {
            let (code, said, _) = lab.place.cli(words);
            assert!(
                code == if ["status", "explain"].contains(&words[0]) && !running { 69 } else { 0 } && !said.is_empty(),
                "{words:?}: {said}"
            );
        }
        if let Some(daemon) = daemon {
            wait(1.0);
            daemon.stop();
        }
    }
    assert_eq!(lab.writes(), (1, 1), "nothing of all that was a reason to write again");
}

#[test]
#[ignore = "needs root: network namespaces"]
fn what_is_held_waits_for_its_release_by_command_with_and_without_the_daemon() {
    for running in [true, false] {
        let lab = Lab::new(&["addr add 192.0.2.7/24 dev wan0", ROUTE], V4);
        lab.hosts.set(PUSHED, support::dyndns2::Host { foreign: true, ..Default::default() });
        let daemon = lab.place.start();
        let held = daemon.wait_for(PUSHED, "A", 10, "is held", |record| record.state == "held").held.unwrap();
        assert_eq!(held.release, format!("driftless release {PUSHED}"));
        assert_eq!(lab.place.json(&["plan"]).0, 78, "a plan ends although something is held");
        lab.place.cli(&["update"]);
        wait(1.0);
        assert_eq!(lab.pushes().len(), 1, "a look is no reason to send what is held");
        lab.hosts.set(PUSHED, support::dyndns2::Host::default());
        let words: Vec<&str> = held.release.split(' ').skip(1).collect();
        let daemon = if running {
            assert_eq!(lab.place.cli(&words).0, 0);
            daemon
        } else {
            daemon.stop();
            assert_eq!(lab.place.cli(&words).0, 0);
            lab.place.start()
        };
        daemon.holds(PUSHED, "A", &["192.0.2.7"], 10);
        assert_eq!(lab.pushes().len(), 2);
        daemon.stop();
    }
}

/// The addresses in a zone file, in its order.
fn addresses(text: &str) -> Vec<String> {
    let records = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let is_address = |words: &Vec<&str>| words.iter().any(|word| matches!(*word, "A" | "AAAA"));
    records.filter(is_address).filter_map(|words| words.last().map(|&word| word.to_owned())).collect()
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_zone_file_follows_an_address_that_flaps_within_its_budget() {
    let namespace = Arc::new(Namespace::new());
    namespace.ip("addr add 192.0.2.7/32 dev wan0");
    namespace.ip(ROUTE);
    let place = Place::new(
        &namespace,
        "[account.file]\nprovider = \"zonefile\"\npath = \"{dir}/example.org.zone\"\nzone = \"example.org\"\n\
         reload = [\"/bin/sh\", \"-c\", \"echo >>{dir}/reloads\"]\n\n\
         [[record]]\nname = \"home.example.org\"\naccount = \"file\"\nprivate = true\nipv6 = false\n\n\
         [log]\nlevel = \"debug\"\n",
    );
    let reloads = || std::fs::read_to_string(place.path("reloads")).map_or(0, |text| text.lines().count());
    let held = || addresses(&std::fs::read_to_string(place.path("example.org.zone")).unwrap_or_default());
    let daemon = place.start();
    daemon.holds("home.example.org", "A", &["192.0.2.7"], 10);
    assert_eq!((held(), reloads()), (vec!["192.0.2.7".to_owned()], 1));
    // Ten changes in ten seconds.
    for flap in 1..=10 {
        let (new, old) = if flap % 2 == 1 { (8, 7) } else { (9, 8) };
        let old = if flap % 2 == 1 && flap > 1 { 9 } else { old };
        namespace.ip(&format!("addr add 192.0.2.{new}/32 dev wan0"));
        namespace.ip(&format!("addr del 192.0.2.{old}/32 dev wan0"));
        wait(1.0);
    }
    assert!(reloads() <= 6, "five at once, and one more after 12 s: {}", reloads());
    daemon.holds("home.example.org", "A", &["192.0.2.9"], 20);
    assert_eq!(held(), ["192.0.2.9"]);
    eprintln!("flapping: {} changes of the zone file for 11 addresses within 10 s", reloads());
    assert!(reloads() <= 7, "{}", reloads());
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn the_demonstration_follows_the_interface_into_its_zone_file() {
    let namespace = Namespace::new();
    namespace.ip("addr add 192.0.2.7/32 dev wan0");
    namespace.ip("addr add 2001:db8::7/64 dev wan0 nodad");
    namespace.ip(ROUTE);
    let folder = tempfile::tempdir().unwrap();
    let mut command = namespace.command(env!("CARGO_BIN_EXE_driftless"));
    command.args(["run", "--demo", "--folder"]).arg(folder.path());
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let said = |text: &str| {
        until(&format!("it says {text:?}"), 15, || {
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    };
    said("ip address add 192.168.99.7/24 dev wan0");
    let holds = |wanted: &[&str]| {
        until(&format!("the zone file holds {wanted:?}"), 15, || {
            let mut found = addresses(&std::fs::read_to_string(folder.path().join("demo.zone")).unwrap_or_default());
            found.sort();
            if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
        });
    };
    holds(&["192.0.2.7", "2001:db8::7"]);
    namespace.ip("addr add 192.0.2.8/32 dev wan0");
    holds(&["192.0.2.7", "192.0.2.8", "2001:db8::7"]);
    namespace.ip("addr del 192.0.2.7/32 dev wan0");
    holds(&["192.0.2.8", "2001:db8::7"]);
    namespace.ip("addr del 192.0.2.8/32 dev wan0");
    said("there is no such address here");
    namespace.ip("addr add 192.0.2.8/32 dev wan0");
    said("holds 192.0.2.8, as it should");
    let told = Instant::now();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT).unwrap();
    let ended = child.wait().unwrap();
    assert!(ended.success() && told.elapsed() < Duration::from_secs(1), "{ended} after {:?}", told.elapsed());
}

/// Cases that take a minute or so each.
mod slow {
    use super::*;

    #[test]
    #[ignore = "needs root: network namespaces; slow"]
    fn an_address_that_stays_away_is_removed_where_that_was_asked_for() {
        let lab = Lab::new(
            &["addr add 192.0.2.7/24 dev wan0", ROUTE],
            &format!("{V4}\nabsent = \"remove\"\nabsent_after = \"1m\""),
        );
        let daemon = lab.place.start();
        lab.hold(&daemon, Some("192.0.2.7"), None, 10);
        lab.read_back(&daemon);
        lab.namespace.ip("addr del 192.0.2.7/24 dev wan0");
        let gone = Instant::now();
        until("it is removed", 90, || if lab.kept("A").is_empty() { Ok(()) } else { Err(daemon.log()) });
        let took = gone.elapsed();
        assert!((Duration::from_secs(59)..Duration::from_secs(70)).contains(&took), "{took:?}");
        wait(3.0);
        // dyndns2 has no way to remove an address.
        assert_eq!((lab.writes(), lab.pushed().0), ((1, 2), Some([192, 0, 2, 7].into())));
        assert_eq!(lab.edits().last().unwrap().path, "/api/dns2/record-remove/");
        assert_eq!(daemon.record(KEPT, "A").confirmed, Some(vec![]));
        daemon.stop();
    }

    #[test]
    #[ignore = "needs root: network namespaces; slow"]
    fn an_address_that_flaps_for_a_minute_stays_within_the_write_budgets() {
        let lab = Lab::new(&["addr add 192.0.2.7/32 dev wan0", ROUTE], V4);
        let daemon = lab.place.start();
        lab.hold(&daemon, Some("192.0.2.7"), None, 10);
        let begun = Instant::now();
        for flap in 1..=10 {
            let (new, old) = if flap % 2 == 1 { (8, 7) } else { (7, 8) };
            lab.namespace.ip(&format!("addr add 192.0.2.{new}/32 dev wan0"));
            lab.namespace.ip(&format!("addr del 192.0.2.{old}/32 dev wan0"));
            std::thread::sleep((begun + Duration::from_secs(6 * flap)).saturating_duration_since(Instant::now()));
        }
        until("the readable service holds the last address", 20, || match lab.kept("A") == ["192.0.2.7"] {
            true => Ok(()),
            false => Err(daemon.log()),
        });
        wait(3.0);
        let (pushes, edits) = lab.writes();
        eprintln!(
            "flapping: {pushes} updates at dyndns2, {edits} changes at lunanode for 11 addresses within a minute"
        );
        assert_eq!(pushes, 2, "two, and then one in ten minutes");
        assert!((2..=11).contains(&edits), "five, and one more each 12 s: {edits}");
        let within: Vec<_> = lab.edits().iter().map(|call| call.at).collect();
        for (at, first) in within.iter().enumerate() {
            let many = within[at..].iter().take_while(|call| **call < *first + Duration::from_secs(10)).count();
            assert!(many <= 5, "{many} changes within ten seconds");
        }
        // What could not be sent is not forgotten: it says what it should hold and when that is sent.
        let waiting = daemon.record(PUSHED, "A");
        assert_eq!(waiting.wanted.as_deref(), Some(&["192.0.2.7".to_owned()][..]));
        let at = |text: &Option<String>| text.as_ref().unwrap().parse::<jiff::Timestamp>().unwrap();
        let pause = at(&waiting.next).duration_since(at(&waiting.accepted)).as_secs();
        assert!((500..=600).contains(&pause), "{waiting:#?}");
        daemon.stop();
    }
}
