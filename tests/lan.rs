//! A router that publishes its LAN, on real interfaces: prefixes that change, neighbours, leases, and a thousand names at once.
//!
//! Each case has network namespaces of its own. As root: `cargo test --test lan -- --ignored`; `--nocapture` shows the times.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests wait and take the time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "times and the log of a case that failed are printed")]

#[path = "emulator/rackspace.rs"]
mod rackspace;
mod support;

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use driftless::model::mac::Mac;
use rustix::process::{Pid, Signal, kill_process};
use support::daemon::{Daemon, Place};
use support::http;
use support::namespace::Namespace;
use support::served::Served;
use support::{until, wait};

const MAC: &str = "00:11:22:33:44:55";
const OTHER: &str = "00:11:22:33:44:77";

/// A router whose LAN is br-lan; its uplink is wan0, which has an address of another prefix.
fn router() -> Arc<Namespace> {
    let namespace = Namespace::new();
    for words in [
        "addr add 2a00:db8:ffff::7/64 dev wan0 nodad",
        "-6 route replace default via fe80::1 dev wan0",
        "link add br-lan type bridge",
        "link add lan0 type veth peer name host0",
        "link set lan0 master br-lan",
        "link set lan0 up",
        "link set host0 up",
        "link set br-lan up",
        "addr add fd00:1::1/64 dev br-lan nodad",
        "addr add 2a00:db8:1::1/64 dev br-lan nodad valid_lft 7200 preferred_lft 3600",
    ] {
        namespace.ip(words);
    }
    Arc::new(namespace)
}

/// The kernel takes a moment to see that a bridge's port works.
fn up(namespace: &Namespace, interface: &str) {
    until("the interface is up", 5, || {
        let output = namespace.command("ip").args(["link", "show", "dev", interface]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        if text.contains("LOWER_UP") && !text.contains("state DOWN") { Ok(()) } else { Err(text) }
    });
}

/// As a delegating router does it: the new prefix first, then the old one's preferred lifetime is zero.
fn renumber(namespace: &Namespace, old: &str, new: &str) {
    namespace.ip(&format!("addr add {new}::1/64 dev br-lan nodad valid_lft 7200 preferred_lft 3600"));
    wait(0.3);
    namespace.ip(&format!("addr change {old}::1/64 dev br-lan valid_lft 7200 preferred_lft 0"));
}

/// A zone file in the daemon's folder, with records of these names and sources.
fn place(namespace: &Arc<Namespace>, records: &[(&str, &str)]) -> Place {
    let records: String = records
        .iter()
        .map(|(name, ipv6)| {
            format!("[[record]]\nname = \"{name}.example.org\"\naccount = \"local\"\nipv4 = false\nipv6 = {ipv6}\n\n")
        })
        .collect();
    let account = "[account.local]\nprovider = \"zonefile\"\npath = \"{dir}/zone\"\nzone = \"example.org\"\n\n";
    let log = "[log]\nlevel = \"debug\"\n\n[defaults]\ncheck = \"1h\"\n";
    Place::new(namespace, &format!("{account}{records}{log}"))
}

/// The serial number of the zone file, and its AAAA records by the first label of their names.
fn zone(place: &Place) -> (u32, BTreeMap<String, String>) {
    let text = std::fs::read_to_string(place.path("zone")).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let soa = words.iter().position(|word| *word == "SOA");
    let numbers = words.iter().skip(soa.unwrap_or(words.len())).find_map(|word| word.parse().ok());
    let mut held = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, address)) = line.split_once("AAAA") {
            let name = name.split(['.', ' ', '\t']).next().unwrap();
            assert_eq!(held.insert(name.to_owned(), address.trim().to_owned()), None, "{name} twice: {text}");
        }
    }
    (numbers.unwrap_or(0), held)
}

/// Waits until the zone holds exactly these, and says its serial number.
fn holds(daemon: &Daemon, expected: &[(&str, &str)], seconds: u64) -> u32 {
    until(&format!("the zone holds {expected:?}"), seconds, || {
        let (serial, held) = zone(daemon.place());
        let right = held.len() == expected.len()
            && expected.iter().all(|(name, address)| held.get(*name).is_some_and(|held| held == address));
        if right { Ok(serial) } else { Err(format!("{held:?}\n{}", daemon.log())) }
    })
}

const LAN: &str = "prefix = { interface = \"br-lan\" }";

#[test]
#[ignore = "needs root: network namespaces"]
fn a_new_prefix_of_the_lan_moves_hosts_of_every_kind_in_one_write() {
    let namespace = router();
    up(&namespace, "br-lan");
    namespace.ip(&format!("-6 neigh add 2a00:db8:1:0:211:22ff:fe33:4477 lladdr {OTHER} dev br-lan nud permanent"));
    let lease = |host: &str| format!("{{ {LAN}, host = {{ lease = \"{{dir}}/leases\", host = \"{host}\" }} }}");
    let [nas, tv, gone] = ["nas", "tv", "gone"].map(lease);
    let plain = |host: &str| format!("{{ {LAN}, host = {host} }}");
    let [suffix, mac, neighbour] =
        ["\"::42\"".into(), format!("{{ mac = \"{MAC}\" }}"), format!("{{ neighbour = \"{OTHER}\" }}")]
            .map(|host: String| plain(&host));
    let file = "{ prefix = { file = \"{dir}/prefix\" }, length = 56, host = \"0:0:0:3::42\" }";
    let place = place(
        &namespace,
        &[
            ("suffix", &suffix),
            ("mac", &mac),
            ("neighbour", &neighbour),
            ("nas", &nas),
            ("tv", &tv),
            ("gone", &gone),
            ("subnet", file),
        ],
    );
    std::fs::write(place.path("prefix"), "2a00:db8:5::/56\n").unwrap();
    std::fs::write(
        place.path("leases"),
        "duid 00:01\n4000000000 1 2a00:db8:1::1a2b nas 00:01\n0 2 2a00:db8:1::77 tv 00:02\n1000000000 3 2a00:db8:1::78 gone 00:03\n",
    )
    .unwrap();
    let daemon = place.start();
    let all = |prefix: &str| {
        [
            ("suffix", format!("{prefix}::42")),
            ("mac", format!("{prefix}:0:211:22ff:fe33:4455")),
            ("neighbour", format!("{prefix}:0:211:22ff:fe33:4477")),
            ("nas", format!("{prefix}::1a2b")),
            ("tv", format!("{prefix}::77")),
            ("subnet", "2a00:db8:5:3::42".to_owned()),
        ]
    };
    let hold = |prefix: &str, seconds| {
        let expected = all(prefix);
        let expected: Vec<_> = expected.iter().map(|(name, address)| (*name, address.as_str())).collect();
        holds(&daemon, &expected, seconds)
    };
    let before = hold("2a00:db8:1", 20);
    let gone = daemon.record("gone.example.org", "AAAA");
    assert!(format!("{gone:?}").contains("the lease of gone has expired"), "{gone:?}");
    for (old, new) in [("2a00:db8:1", "2a00:db8:2"), ("2a00:db8:2", "2a00:db8:3")] {
        let since = Instant::now();
        renumber(&namespace, old, new);
        hold(new, 10);
        eprintln!("time: from `ip addr` to the zone file, 0.3 s of it the router's: {:?}", since.elapsed());
    }
    wait(3.0);
    assert_eq!(hold("2a00:db8:3", 1), before + 2, "one write for each prefix: {}", daemon.log());
    // The uplink's prefix is nothing to the LAN.
    namespace.ip("addr add 2a00:db8:fffe::7/64 dev wan0 nodad");
    wait(3.0);
    assert_eq!(zone(&place).0, before + 2);
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn neighbours_count_when_they_answer_and_their_records_stay_when_they_fall_silent() {
    let namespace = router();
    up(&namespace, "br-lan");
    let neighbour = |mac: &str| format!("{{ {LAN}, host = {{ neighbour = \"{mac}\" }} }}");
    let [one, other] = [MAC, OTHER].map(neighbour);
    let place = place(&namespace, &[("one", &one), ("other", &other)]);
    let tell = |ip: &str, mac: &str, state: &str| {
        namespace.ip(&format!("-6 neigh replace {ip} lladdr {mac} dev br-lan nud {state}"));
    };
    tell("2a00:db8:1::a1", MAC, "stale");
    tell("2a00:db8:1::b1", OTHER, "permanent");
    let daemon = place.start();
    holds(&daemon, &[("other", "2a00:db8:1::b1")], 20);
    let waiting = daemon.record("one.example.org", "AAAA");
    assert!(format!("{waiting:?}").contains("not heard of lately"), "{waiting:?}");
    // It answers: the kernel says so, and nobody waits for the next check.
    let asked = |daemon: &Daemon| daemon.log().matches("says").count();
    tell("2a00:db8:1::a1", MAC, "reachable");
    let serial = holds(&daemon, &[("one", "2a00:db8:1::a1"), ("other", "2a00:db8:1::b1")], 5);
    // Silence, its return, and the talk of machines that nobody follows change nothing and wake nobody.
    wait(1.0);
    let before = asked(&daemon);
    tell("2a00:db8:1::a1", MAC, "stale");
    tell("2a00:db8:1::c1", "00:11:22:33:44:99", "reachable");
    tell("2a00:db8:1::a1", MAC, "reachable");
    wait(1.0);
    assert_eq!(asked(&daemon), before, "{}", daemon.log());
    // A second address, temporary or not: nobody can tell, and the record stays.
    tell("2a00:db8:1::a2", MAC, "reachable");
    daemon
        .wait_for("one.example.org", "AAAA", 5, "is in doubt", |record| format!("{record:?}").contains("2 addresses"));
    tell("2a00:db8:1::a1", MAC, "stale");
    wait(1.0);
    assert_eq!(holds(&daemon, &[("one", "2a00:db8:1::a1"), ("other", "2a00:db8:1::b1")], 1), serial);
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_delegated_prefix_is_known_by_the_route_that_swallows_the_rest_of_it() {
    let namespace = router();
    up(&namespace, "br-lan");
    namespace.ip("-6 route add unreachable fd00:1::/48 dev lo");
    namespace.ip("-6 route add unreachable 2a00:db8:aa00::/56 dev lo");
    let place = place(&namespace, &[("nas", "{ prefix = \"delegated\", length = 56, host = \"0:0:0:3::42\" }")]);
    let daemon = place.start();
    holds(&daemon, &[("nas", "2a00:db8:aa00:3::42")], 20);
    // A new delegation comes with new addresses, which the kernel announces.
    namespace.ip("-6 route del unreachable 2a00:db8:aa00::/56 dev lo");
    namespace.ip("-6 route add unreachable 2a00:db8:bb00::/56 dev lo");
    namespace.ip("addr add 2a00:db8:bb00:1::1/64 dev br-lan nodad");
    holds(&daemon, &[("nas", "2a00:db8:bb00:3::42")], 5);
    daemon.stop();
}

/// A program of somebody else's, which ends with this.
struct Running(Child);

impl Running {
    /// Starts it inside a namespace. `None` where it is not installed.
    fn start(namespace: &Namespace, program: &str, words: &[&str]) -> Option<Self> {
        let is_there = std::process::Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        if !is_there.is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: {program} is not installed");
            return None;
        }
        let mut command = namespace.command(program);
        Some(Self(command.args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs root: network namespaces, and dnsmasq and dhclient"]
fn a_lease_that_dnsmasq_gives_is_published_and_moves_with_the_prefix() {
    let namespace = router();
    up(&namespace, "br-lan");
    let host = Namespace::bare();
    namespace.ip(&format!("link set host0 netns {}", host.name()));
    host.ip("link set host0 up");
    let shown = |words: &str| {
        let output = host.command("ip").args(words.split(' ')).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // A client asks from its link-local address, once it is known to be unique.
    until("the host's own address settles", 10, || {
        let text = shown("-6 addr show dev host0");
        if text.contains("fe80") && !text.contains("tentative") { Ok(()) } else { Err(text) }
    });
    let nas = format!("{{ {LAN}, host = {{ lease = \"{{dir}}/leases\", host = \"nas\" }} }}");
    let place = place(&namespace, &[("nas", &nas)]);
    let path = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let (leases, log, pid) = (path("leases"), path("dnsmasq.log"), path("dnsmasq.pid"));
    let server = Running::start(
        &namespace,
        "dnsmasq",
        &[
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--user=root",
            "--interface=br-lan",
            "--bind-interfaces",
            "--dhcp-range=::1000,::2000,constructor:br-lan,64,1h",
            &format!("--dhcp-leasefile={leases}"),
            &format!("--log-facility={log}"),
            &format!("--pid-file={pid}"),
        ],
    );
    std::fs::write(
        path("client.conf"),
        "interface \"host0\" { send fqdn.fqdn \"nas.lan\"; send fqdn.server-update on; }\n",
    )
    .unwrap();
    let client = Running::start(
        &host,
        "dhclient",
        &[
            "-6",
            "-d",
            "-cf",
            &path("client.conf"),
            "-lf",
            &path("client.leases"),
            "-sf",
            "/bin/true",
            "--no-pid",
            "host0",
        ],
    );
    let (Some(_server), Some(_client)) = (server, client) else { return };
    let leased = until("there is a lease", 30, || {
        let text = std::fs::read_to_string(&leases).unwrap_or_default();
        let found = text
            .lines()
            .filter(|line| line.contains(" nas "))
            .find_map(|line| line.split(' ').find(|word| word.starts_with("2a00")));
        found.map(str::to_owned).ok_or_else(|| text + &std::fs::read_to_string(&log).unwrap_or_default())
    });
    let daemon = place.start();
    holds(&daemon, &[("nas", &leased)], 20);
    renumber(&namespace, "2a00:db8:1", "2a00:db8:2");
    holds(&daemon, &[("nas", &leased.replace("2a00:db8:1:", "2a00:db8:2:"))], 10);
    daemon.stop();
}

#[test]
#[ignore = "needs root: network namespaces, and radvd"]
fn of_what_a_router_advertises_the_stable_address_is_published_through_a_renumbering() {
    let router = Namespace::bare();
    let host = Arc::new(Namespace::bare());
    host.ip(&format!("link add wan0 type veth peer name lan0 netns {}", router.name()));
    router.set("net/ipv6/conf/all/forwarding", "1");
    router.ip("link set lan0 up");
    router.ip("addr add fe80::1/64 dev lan0 nodad");
    host.set("net/ipv6/conf/wan0/use_tempaddr", "2");
    host.ip("link set wan0 up");
    let place = place(&host, &[("home", "{ interface = \"wan0\" }")]);
    let advertise = |prefixes: &[(&str, u32)]| {
        let prefixes: String = prefixes
            .iter()
            .map(|(prefix, preferred)| {
                format!("prefix {prefix}::/64 {{ AdvPreferredLifetime {preferred}; AdvValidLifetime 7200; }};\n")
            })
            .collect();
        let text = format!(
            "interface lan0 {{\nAdvSendAdvert on;\nMinRtrAdvInterval 3;\nMaxRtrAdvInterval 4;\n{prefixes}}};\n"
        );
        std::fs::write(place.path("radvd.conf"), text).unwrap();
    };
    advertise(&[("2a00:db8:1", 1800)]);
    let path = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let words = ["-n", "-C", &path("radvd.conf"), "-p", &path("radvd.pid")];
    let Some(advertiser) = Running::start(&router, "radvd", &words) else { return };
    let daemon = place.start();
    let link = host.command("ip").args(["link", "show", "dev", "wan0"]).output().unwrap();
    let link = String::from_utf8(link.stdout).unwrap();
    let mac: Mac = link.split_whitespace().skip_while(|word| *word != "link/ether").nth(1).unwrap().parse().unwrap();
    let stable = |prefix: &str| {
        let prefix: std::net::Ipv6Addr = format!("{prefix}::").parse().unwrap();
        std::net::Ipv6Addr::from_bits(prefix.to_bits() | u128::from(mac.interface_id())).to_string()
    };
    let first = holds(&daemon, &[("home", &stable("2a00:db8:1"))], 30);
    let listed = || {
        let output = host.command("ip").args(["-6", "addr", "show", "dev", "wan0"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    until("the kernel made a temporary address", 10, || {
        if listed().contains("temporary") { Ok(()) } else { Err(listed()) }
    });
    // The router gives the old prefix up and advertises another one.
    advertise(&[("2a00:db8:1", 0), ("2a00:db8:2", 1800)]);
    kill_process(Pid::from_child(&advertiser.0), Signal::HUP).unwrap();
    let second = holds(&daemon, &[("home", &stable("2a00:db8:2"))], 30);
    assert!(listed().contains("deprecated"), "{}", listed());
    assert_eq!(second, first + 1, "the old value went in the write that brought the new one: {}", daemon.log());
    // Advertisements that only repeat, and temporary addresses that come and go, are nothing.
    wait(9.0);
    assert_eq!(zone(&place).0, second);
    daemon.stop();
}

const USER: &str = "driftless";
const KEY: &str = "a4bbc55a951242c48b03e88e32123456";
const NAMES: usize = 1000;

#[test]
#[ignore = "needs root: network namespaces"]
fn renumbering_a_thousand_names_is_one_detection_one_listing_and_the_fewest_writes() {
    let namespace = router();
    up(&namespace, "br-lan");
    let mut state = rackspace::State::new(USER, KEY, rackspace::Switches::default());
    state.limits.iter_mut().for_each(|limit| limit.value = 1_000_000);
    state.most_records = 2 * NAMES;
    state.pace = rackspace::jobs::Pace::Calls(0);
    let domain = state.add_domain("example.com");
    let state = Arc::new(Mutex::new(state));
    let held = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let answering = Arc::clone(&state);
    let answer =
        move |request: &http::Received| answering.lock().unwrap_or_else(PoisonError::into_inner).answer(request);
    let rack = Served::start(&namespace, answer);
    let place = place(&namespace, &[]);
    place.secret("key", KEY);
    let mut text = format!(
        "[account.local]\nprovider = \"zonefile\"\npath = \"{{dir}}/zone\"\nzone = \"example.org\"\n\n\
         [account.rack]\nprovider = \"rackspace\"\nauth_url = \"{}\"\nusername = \"{USER}\"\n\
         api_key = {{ file = \"{{dir}}/key\" }}\nverify = false\n\n[defaults]\ncheck = \"1h\"\n\n[log]\nlevel = \"debug\"\n",
        rack.url("/v2.0/")
    );
    let mut leases = String::new();
    for at in 0..NAMES {
        // Half of them are leased.
        let host = if at % 2 == 0 {
            format!("\"::1:{at:x}\"")
        } else {
            leases += &format!("0 1 2a00:db8:1::1:{at:x} n{at} 00:01\n");
            format!("{{ lease = \"{{dir}}/leases\", host = \"n{at}\" }}")
        };
        for (account, domain) in [("local", "example.org"), ("rack", "example.com")] {
            text += &format!(
                "[[record]]\nname = \"n{at}.{domain}\"\naccount = \"{account}\"\nipv4 = false\nipv6 = {{ {LAN}, host = {host} }}\n"
            );
        }
    }
    std::fs::write(place.path("leases"), leases).unwrap();
    place.configure(&text);
    let daemon = place.start();
    let complete = |prefix: &str, seconds| {
        let want = |at: usize| format!("{prefix}::1:{at:x}").parse::<std::net::Ipv6Addr>().unwrap().to_string();
        until(&format!("every name is in {prefix}"), seconds, || {
            let (serial, zone) = zone(&place);
            let local = (0..NAMES).filter(|at| zone.get(&format!("n{at}")) == Some(&want(*at))).count();
            let state = held();
            let kept = state.records(&domain).iter().filter(|record| record.rtype == "AAAA");
            let far = kept.filter(|record| record.data.starts_with(&format!("{prefix}:"))).count();
            if (local, far) == (NAMES, NAMES) { Ok(serial) } else { Err(format!("{local} and {far}")) }
        })
    };
    let calls = |method: &str, part: &str| {
        let calls = rack.calls_to(&[part]);
        calls.into_iter().filter(|call| call.method == method).collect::<Vec<_>>()
    };
    let before = complete("2a00:db8:1", 120);
    wait(5.0);
    for (turn, (old, new)) in [("2a00:db8:1", "2a00:db8:2"), ("2a00:db8:2", "2a00:db8:3")].into_iter().enumerate() {
        let detected = |what: &str| daemon.log().matches(what).count();
        let asked = (detected("says 2a00:db8"), calls("PUT", "/records").len(), calls("GET", "/records").len());
        let since = Instant::now();
        renumber(&namespace, old, new);
        let serial = complete(new, 60);
        eprintln!("time: {} names renumbered in {:?}", 2 * NAMES, since.elapsed());
        // The emulator notes a call when it has answered it, a moment after its records changed.
        wait(1.0);
        assert_eq!(serial, before + 1 + u32::try_from(turn).unwrap(), "one write of the zone file");
        let (said, puts) = (detected(&format!("says {new}::1")), calls("PUT", "/records").len() - asked.1);
        assert_eq!(said, 1, "the prefix is found once");
        assert_eq!(puts, NAMES / 100, "a hundred records a call, as many as one takes");
        let gets = calls("GET", "/records").split_off(asked.2);
        let begun = gets.iter().filter(|call| !call.query.contains("offset") || call.query.contains("offset=0"));
        let (begun, pages) = (begun.count(), gets.len());
        eprintln!("calls: {puts} PUT, {pages} GET in {begun} listings");
        // One before the writes, and one to read back.
        assert!(begun <= 2, "{begun} listings: {gets:?}");
        wait(5.0);
    }
    assert_eq!(held().violations, Vec::<String>::new());
    daemon.stop_within(std::time::Duration::from_secs(10));
}
