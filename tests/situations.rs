//! What the readings mean, each verdict by the situation it names: namespaces with NATs, a carrier's network, a VPN, without a
//! route; coturn says who asks, and a router speaks NAT-PMP.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "networks and daemons take their time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "the log of a daemon that failed is shown")]

mod support;

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use support::daemon::Place;
use support::namespace::{Namespace, enter, run};
use support::server::Rig;

/// The server that says who asks, and its router's address.
const ECHO: &str = "11.203.113.1";
/// What the internet sees of the home.
const OUTSIDE: &str = "11.203.113.7";
/// The VPN's exit.
const EXIT: &str = "11.203.113.99";

/// An internet with a STUN server, and a home. How they are joined is for each case to say.
struct World {
    home: Arc<Namespace>,
    internet: Namespace,
    _echo: Rig,
}

impl World {
    fn new() -> Self {
        let (home, internet) = (Arc::new(Namespace::bare()), Namespace::bare());
        internet.ip(&format!("address add {ECHO}/32 dev lo"));
        let echo = Rig::start("coturn.sh", &[("RIG_NETNS", internet.name()), ("RIG_HOST", ECHO)]);
        Self { home, internet, _echo: echo }
    }

    /// Joins a namespace to the internet by an interface with this address.
    fn connect(&self, namespace: &Namespace, interface: &str, address: &str) {
        let far = format!("to{}", address.rsplit('.').next().unwrap());
        wire(namespace, interface, &self.internet, &far);
        namespace.ip(&format!("address add {address}/32 dev {interface}"));
        namespace.ip(&format!("route add {ECHO} dev {interface}"));
        namespace.ip(&format!("route add default via {ECHO} dev {interface}"));
        self.internet.ip(&format!("route add {address} dev {far}"));
    }

    /// A home with 192.168.77.2 behind a router with this address outside, by which the internet is reached.
    fn at_home(&self) -> Namespace {
        let router = Namespace::bare();
        self.connect(&router, "wan0", OUTSIDE);
        lan(&self.home, &router);
        router
    }

    /// A place for commands at home, whose record sets take their addresses from these sources.
    fn place(&self, records: &[(&str, &str)]) -> Place {
        Place::new(&self.home, &configuration(records))
    }

    /// The source that asks the STUN server.
    fn stun(more: &str) -> String {
        format!("ipv4 = {{ stun = \"{ECHO}:23478\", trusted = true{more} }}\nipv6 = false\n")
    }
}

fn configuration(records: &[(&str, &str)]) -> String {
    let mut text = String::from(
        "[account.local]\nprovider = \"zonefile\"\npath = \"{dir}/zone\"\nzone = \"example.org\"\nverify = false\n",
    );
    for (name, keys) in records {
        text += &format!("[[record]]\nname = \"{name}.example.org\"\naccount = \"local\"\n{keys}");
    }
    text
}

/// A wire between two namespaces, up.
fn wire(one: &Namespace, interface: &str, other: &Namespace, far: &str) {
    one.ip(&format!("link add {interface} type veth peer name {far} netns {}", other.name()));
    one.ip(&format!("link set {interface} up"));
    other.ip(&format!("link set {far} up"));
}

/// Has a router translate what leaves by its wan0.
fn translate(router: &Namespace) {
    router.set("net/ipv4/ip_forward", "1");
    let rules = "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; \
                 add rule ip nat post oifname wan0 masquerade";
    run(router.command("nft").arg(rules));
}

/// A home network: eth0 with 192.168.77.2 behind the router's lan0.
fn lan(home: &Namespace, router: &Namespace) {
    wire(home, "eth0", router, "lan0");
    home.ip("address add 192.168.77.2/24 dev eth0");
    router.ip("address add 192.168.77.1/24 dev lan0");
    home.ip("route add default via 192.168.77.1");
    translate(router);
}

/// A router that says by NAT-PMP (RFC 6886) that it has this address outside. miniupnpd keeps silent about a carrier's.
fn says(router: &Namespace, outside: &str) {
    let name = router.name().to_owned();
    let socket = std::thread::spawn(move || {
        enter(&name);
        UdpSocket::bind("192.168.77.1:5351").unwrap()
    });
    let socket = socket.join().unwrap();
    let outside: Ipv4Addr = outside.parse().unwrap();
    // It answers until the test's process ends.
    std::thread::spawn(move || {
        let mut octets = [0; 64];
        while let Ok((_, from)) = socket.recv_from(&mut octets) {
            let answer = [&[0, 128, 0, 0, 0, 0, 1, 0][..], &outside.octets()].concat();
            let _ = socket.send_to(&answer, from);
        }
    });
}

const ROUTER: &str = "ipv4 = { router = \"default\", via = [\"natpmp\"] }\nipv6 = false\n";

/// What `detect` says of a family, and what each record set's sources come to, by its first label.
fn detected(place: &Place, family: &str) -> (Json, impl Fn(&str) -> Json + use<>) {
    let (_, found) = place.json(&["detect"]);
    let situation = found["situations"].as_array().unwrap().iter().find(|one| one["family"] == family).cloned();
    let situation = situation.unwrap_or_else(|| panic!("{found}"));
    let (_, text, _) = place.cli(&["detect"]);
    assert!(text.contains(situation["says"].as_str().unwrap()), "{text}");
    let believed = move |label: &str| {
        let of = |one: &&Json| one["record"]["name"].as_str().unwrap().starts_with(label);
        let found = found["believed"].as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{found}"));
        found["reading"].clone()
    };
    (situation, believed)
}

/// Checks the parts of the situation, the sentence aside.
#[track_caller]
fn is(mut situation: Json, expected: Json) {
    situation.as_object_mut().unwrap().remove("says");
    assert_eq!(situation, expected);
}

fn these(address: &str) -> Json {
    json!({ "addresses": [address] })
}

/// A VPN between two namespaces, by tun0 in each. It ends when this is dropped.
struct Vpn(Child);

impl Vpn {
    fn between(one: &Namespace, other: &Namespace) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/vpn.py");
        let mut child = Command::new(script).args([one.name(), other.name()]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }
}

impl Drop for Vpn {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends all of the home's traffic to the VPN's exit as wg-quick does: by a table and a rule beside the main table.
fn by_rule(home: &Namespace) {
    home.ip("route add default dev tun0 table 51820");
    home.ip("rule add not fwmark 51820 table 51820");
    home.ip("rule add table main suppress_prefixlength 0");
}

/// As OpenVPN does: by two halves of the internet that win over the default route.
fn by_halves(home: &Namespace) {
    for half in ["0.0.0.0/1", "128.0.0.0/1"] {
        home.ip(&format!("route add {half} dev tun0"));
    }
}

/// A home behind a NAT with a VPN to an exit in the internet.
fn with_vpn(world: &World, all: fn(&Namespace)) -> (Namespace, Namespace, Vpn) {
    let (router, exit) = (world.at_home(), Namespace::bare());
    world.connect(&exit, "wan0", EXIT);
    translate(&exit);
    let vpn = Vpn::between(&world.home, &exit);
    for (end, address) in [(&*world.home, "10.8.0.2"), (&exit, "10.8.0.1")] {
        end.ip(&format!("address add {address}/24 dev tun0"));
        end.ip("link set tun0 up");
    }
    all(&world.home);
    (router, exit, vpn)
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn an_address_of_the_internet_on_an_interface_is_public() {
    let world = World::new();
    world.connect(&world.home, "eth0", OUTSIDE);
    world.home.ip("address add 2a00:77::2/64 dev eth0 nodad");
    world.home.ip("-6 route add default via fe80::1 dev eth0");
    let place = world.place(&[("home", &World::stun("").replace("ipv6 = false", "ipv6 = \"interface\""))]);
    let (ipv4, believed) = detected(&place, "ipv4");
    is(ipv4, json!({ "family": "ipv4", "situation": "public", "interface": "eth0", "address": OUTSIDE }));
    assert_eq!(believed("home"), these(OUTSIDE));
    let (ipv6, _) = detected(&place, "ipv6");
    is(ipv6, json!({ "family": "ipv6", "situation": "public", "interface": "eth0", "address": "2a00:77::2" }));
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_home_behind_its_router_is_behind_nat_at_the_routers_address() {
    let world = World::new();
    let router = world.at_home();
    says(&router, OUTSIDE);
    let place = world.place(&[("stun", &World::stun("")), ("router", ROUTER)]);
    let (situation, believed) = detected(&place, "ipv4");
    let expected = json!({
        "family": "ipv4", "situation": "behind_nat", "interface": "eth0", "inside": "192.168.77.2", "outside": OUTSIDE,
    });
    is(situation, expected);
    assert_eq!((believed("stun"), believed("router")), (these(OUTSIDE), these(OUTSIDE)));
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_router_in_a_carriers_network_cannot_be_reached_from_outside() {
    let world = World::new();
    let (router, carrier) = (Namespace::bare(), Namespace::bare());
    world.connect(&carrier, "wan0", OUTSIDE);
    translate(&carrier);
    wire(&router, "wan0", &carrier, "in0");
    router.ip("address add 100.64.3.2/10 dev wan0");
    carrier.ip("address add 100.64.0.1/10 dev in0");
    router.ip("route add default via 100.64.0.1");
    lan(&world.home, &router);
    says(&router, "100.64.3.2");
    let place = world.place(&[("stun", &World::stun("")), ("router", ROUTER)]);
    let (situation, believed) = detected(&place, "ipv4");
    assert_eq!(believed("stun"), these(OUTSIDE), "both NATs were gone through");
    let sentence = situation["says"].as_str().unwrap();
    assert!(sentence.contains("behind carrier-grade NAT (the router has 100.64.3.2, the internet sees"), "{sentence}");
    assert!(sentence.contains("so that inbound connections cannot work. Ask the provider"), "{sentence}");
    let expected = json!({
        "family": "ipv4", "situation": "behind_carrier_nat", "interface": "eth0", "inside": "192.168.77.2",
        "router": "100.64.3.2", "outside": OUTSIDE,
    });
    is(situation, expected);
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_machine_in_a_carriers_network_knows_it_by_its_own_address() {
    let world = World::new();
    let carrier = Namespace::bare();
    world.connect(&carrier, "wan0", OUTSIDE);
    translate(&carrier);
    wire(&world.home, "eth0", &carrier, "in0");
    world.home.ip("address add 100.64.3.9/10 dev eth0");
    carrier.ip("address add 100.64.0.1/10 dev in0");
    world.home.ip("route add default via 100.64.0.1");
    let place = world.place(&[("home", &World::stun(""))]);
    let expected = json!({
        "family": "ipv4", "situation": "behind_carrier_nat", "interface": "eth0", "inside": "100.64.3.9", "router": null,
        "outside": OUTSIDE,
    });
    is(detected(&place, "ipv4").0, expected);
    let (code, text, _) = place.cli(&["check", "--online"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("IPv4 is behind carrier-grade NAT (eth0 has 100.64.3.9), so that"), "{text}");
    for words in [&["plan"][..], &["plan", "--json"], &["once"], &["once", "--json"]] {
        let (_, text, warned) = place.cli(words);
        let says = "warning: IPv4 is behind carrier-grade NAT (eth0 has 100.64.3.9, the internet sees";
        assert!(warned.contains(says) && !text.contains("warning"), "{words:?}: {text}{warned}");
    }
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn what_is_seen_at_a_vpns_exit_is_published_only_on_purpose() {
    for all in [by_rule as fn(&Namespace), by_halves] {
        let world = World::new();
        let (router, _exit, _vpn) = with_vpn(&world, all);
        says(&router, OUTSIDE);
        let place = world.place(&[
            ("held", &World::stun("")),
            ("meant", &format!("{}vpn = true\n", World::stun(""))),
            ("named", &World::stun(", bind_interface = \"tun0\"")),
            ("bound", &World::stun(", bind_interface = \"eth0\"")),
            ("address", &World::stun(", bind_address = \"192.168.77.2\"")),
            ("router", ROUTER),
        ]);
        let (situation, believed) = detected(&place, "ipv4");
        let why = believed("held")["unknown"].as_str().unwrap().to_owned();
        assert!(why.starts_with("the way out is through the VPN tun0 (tun); `vpn = true` would publish"), "{why}");
        assert_eq!((believed("meant"), believed("named")), (these(EXIT), these(EXIT)), "the VPN works");
        assert_eq!((believed("bound"), believed("router")), (these(OUTSIDE), these(OUTSIDE)));
        // From the line's address, and yet through the VPN.
        assert_eq!(believed("address")["unknown"], why);
        assert_eq!(situation["situation"], "through_vpn");
        assert_eq!((&situation["interface"], &situation["kind"]), (&json!("tun0"), &json!("tun")));
        let (_, text, _) = place.cli(&["check", "--online"]);
        assert!(text.contains("IPv4 goes through the VPN tun0 (tun): "), "{text}");
    }
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_vpns_own_address_is_not_this_machines() {
    let world = World::new();
    let (_router, _exit, _vpn) = with_vpn(&world, |home| {
        home.ip("address add 11.9.9.9/32 dev tun0");
        home.ip("route replace default dev tun0");
    });
    let interface = |more: &str| format!("ipv4 = \"interface\"\nipv6 = false\n{more}");
    let named = "ipv4 = { interface = \"tun0\" }\nipv6 = false\n";
    let place = world.place(&[("plain", &interface("")), ("meant", &interface("vpn = true\n")), ("named", named)]);
    let (situation, believed) = detected(&place, "ipv4");
    let why = believed("plain")["unknown"].as_str().unwrap().to_owned();
    assert!(why.starts_with("the default route is the VPN's (tun0), which is not followed: "), "{why}");
    assert_eq!((believed("meant"), believed("named")), (these("11.9.9.9"), these("11.9.9.9")));
    assert_eq!(situation["situation"], "through_vpn");
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_line_that_is_asked_for_and_not_taken_is_said() {
    let world = World::new();
    world.connect(&world.home, "wan0", OUTSIDE);
    wire(&world.home, "wan1", &world.internet, "to8");
    world.home.ip("address add 11.203.113.8/32 dev wan1");
    let place = world.place(&[("home", &World::stun(", bind_address = \"11.203.113.8\""))]);
    let (situation, believed) = detected(&place, "ipv4");
    let why = believed("home")["unknown"].as_str().unwrap().to_owned();
    assert!(why.starts_with("the way out is by wan0, not by wan1; "), "{why}");
    let expected =
        json!({ "family": "ipv4", "situation": "by_other_interface", "configured": "wan1", "interface": "wan0" });
    is(situation, expected);
}

/// A home on the internet by wan0, with something else that works beside it, so that there is a network without that.
fn line_and_lan(world: &World) -> Namespace {
    world.connect(&world.home, "wan0", OUTSIDE);
    let beside = Namespace::bare();
    wire(&world.home, "lan0", &beside, "far0");
    beside
}

/// Switches the far end of wan0 on or off. The kernel takes its time to notice.
fn far_end(world: &World, on: bool) {
    world.internet.ip(if on { "link set to7 up" } else { "link set to7 down" });
    support::until("wan0 has followed", 5, || {
        let output = run(world.home.command("cat").arg("/sys/class/net/wan0/operstate"));
        let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if (state == "up") == on { Ok(()) } else { Err(state) }
    });
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_line_without_a_carrier_is_not_public() {
    let world = World::new();
    let _beside = line_and_lan(&world);
    let place = world.place(&[("home", "ipv4 = \"interface\"\nipv6 = false\n")]);
    is(
        detected(&place, "ipv4").0,
        json!({ "family": "ipv4", "situation": "public", "interface": "wan0", "address": OUTSIDE }),
    );
    // The address and the default route stay.
    far_end(&world, false);
    is(detected(&place, "ipv4").0, json!({ "family": "ipv4", "situation": "no_carrier", "interface": "wan0" }));
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn that_nothing_leads_out_is_told_while_a_slow_source_is_asked() {
    let world = World::new();
    let _beside = line_and_lan(&world);
    // Who opens it to read waits for who writes: the source does not answer before it is given up.
    let slow = "ipv4 = { command = [\"/bin/cat\", \"{dir}/pipe\"] }\nipv6 = false\n";
    let place = world.place(&[("home", "ipv4 = \"interface\"\nipv6 = false\n"), ("slow", slow)]);
    run(Command::new("mkfifo").arg(place.path("pipe")));
    let daemon = place.start();
    support::until("the slow source is asked", 5, || {
        let status = place.status().0;
        if status.records.iter().any(|record| record.name.starts_with("home")) { Ok(()) } else { Err(daemon.log()) }
    });
    assert!(place.status().0.network.is_empty(), "nothing is said before the sources have spoken");
    far_end(&world, false);
    daemon.logged("IPv4 leads nowhere: wan0, by which packets", 1, 5);
    assert!(!daemon.log().contains("no answer within"), "the source is still being asked: {}", daemon.log());
    daemon.stop();
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_line_that_flaps_does_not_fill_the_log() {
    let world = World::new();
    let _beside = line_and_lan(&world);
    let place = world.place(&[("home", "ipv4 = \"interface\"\nipv6 = false\n")]);
    let daemon = place.start();
    let public = format!("IPv4 is public on wan0: {OUTSIDE} is this machine's own address.");
    daemon.logged(&public, 1, 10);
    let stands = |situation: &str| {
        support::until(situation, 10, || {
            let found = place.status().0.network.remove(0).situation;
            if found == situation { Ok(()) } else { Err(found) }
        });
    };
    for _ in 0..3 {
        far_end(&world, false);
        stands("no_carrier");
        far_end(&world, true);
        stands("public");
    }
    let log = daemon.stop();
    assert_eq!([&public, "IPv4 leads nowhere: wan0"].map(|line| log.matches(line).count()), [1, 1], "{log}");
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn no_ipv6_no_route_and_no_network_are_told_apart() {
    let world = World::new();
    let _router = world.at_home();
    let place = world.place(&[("home", "ipv4 = \"interface\"\nipv6 = \"interface\"\n")]);
    let nothing = json!({ "family": "ipv6", "situation": "no_address", "interface": null });
    is(detected(&place, "ipv6").0, nothing);
    world.home.ip("address add 2a00:77::2/64 dev eth0 nodad");
    let addresses = json!([{ "interface": "eth0", "address": "2a00:77::2" }]);
    is(detected(&place, "ipv6").0, json!({ "family": "ipv6", "situation": "no_route", "addresses": addresses }));
    world.home.ip("route del default");
    for (family, linked) in [("ipv4", true), ("ipv6", true), ("ipv4", false)] {
        if !linked {
            world.home.ip("link set eth0 down");
        }
        let expected = json!({ "family": family, "situation": "no_network", "linked": linked });
        is(detected(&place, family).0, expected);
    }
}

#[test]
#[ignore = "needs root and coturn: .ci/run situations"]
fn a_daemon_holds_back_a_vpns_exit_warns_once_and_goes_on_when_the_vpn_is_gone() {
    let world = World::new();
    let (_router, _exit, vpn) = with_vpn(&world, by_rule);
    let place = world.place(&[("home", &World::stun(""))]);
    let daemon = place.start();
    daemon.logged("IPv4 goes through the VPN tun0 (tun): ", 1, 10);
    let record = daemon.wait_for("home.example.org", "A", 10, "is unknown", |record| record.state == "unknown");
    assert!(record.says.contains("the way out is through the VPN tun0 (tun)"), "{}", record.says);
    // What changes beside it is no news.
    for last in 20..24 {
        world.home.ip(&format!("address add 192.168.77.{last}/24 dev eth0"));
    }
    let network = place.status().0.network;
    assert_eq!((network.len(), network[0].situation.as_str()), (1, "through_vpn"));
    let (_, text, _) = place.cli(&["status"]);
    assert!(text.contains("IPv4 goes through the VPN tun0 (tun): "), "{text}");
    drop(vpn);
    // The rule leads to an empty table, and the main one counts again. Nobody was asked meanwhile, so that nobody is spared now.
    daemon.holds("home.example.org", "A", &[OUTSIDE], 15);
    let zone = std::fs::read_to_string(place.path("zone")).unwrap();
    assert!(zone.contains(OUTSIDE) && !zone.contains(EXIT), "{zone}");
    assert_eq!(place.status().0.network[0].situation, "behind_nat");
    let log = daemon.stop();
    assert_eq!(log.matches("goes through the VPN").count(), 1, "{log}");
    assert_eq!(log.matches("IPv4 is behind NAT at 11.203.113.7: eth0 has").count(), 1, "{log}");
}
