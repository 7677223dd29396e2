//! A real router: miniupnpd, which speaks UPnP IGD, NAT-PMP and PCP, behind whose NAT `driftless detect` asks for its address.
//!
//! `.ci/run router` starts it in namespaces of its own (tests/rig/igd.sh) and runs this, one case at a time.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "variables say where the router runs")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// One case at a time: they share the router and change it.
static ROUTER: Mutex<()> = Mutex::new(());

/// What the router has outside at first; miniupnpd tells no private address.
const OUTSIDE: &str = "11.203.113.7";
const WAYS: [&str; 4] = [
    "\"router\"",
    "{ router = \"default\", via = [\"natpmp\"] }",
    "{ router = \"192.168.77.1\", via = [\"upnp\"], bind_interface = \"eth0\" }",
    "{ router = \"default\", via = [\"pcp\"] }",
];

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A script of the rig.
fn rig(script: &str, words: &[&str]) {
    run(Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig").join(script)).args(words));
}

/// The namespace of the machine behind the router, or that of the router.
fn namespace(of: &str) -> String {
    let host = std::env::var("IGD_NETNS").unwrap_or_else(|_| {
        panic!("IGD_NETNS does not name the namespace behind the router: .ci/run router starts it and sets it")
    });
    host.replace("-host", &format!("-{of}"))
}

fn within(of: &str, program: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &namespace(of), program]);
    command
}

/// The running router with this address outside, and a machine behind it.
struct Home {
    dir: TempDir,
    _alone: std::sync::MutexGuard<'static, ()>,
}

impl Home {
    fn new(outside: &str) -> Self {
        let alone = ROUTER.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rig("igd.sh", &["start"]);
        rig("netns.sh", &["unblock", "router"]);
        rig("netns.sh", &["wan4", outside]);
        Self { dir: tempfile::tempdir().unwrap(), _alone: alone }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a command of the binary with this source of IPv4 addresses: its exit code and what it printed.
    fn cli(&self, source: &str, words: &[&str]) -> (Option<i32>, String) {
        let dir = self.dir.path().display();
        let text = format!(
            "state_dir = \"{dir}/state\"\n[account.local]\nprovider = \"zonefile\"\npath = \"{dir}/zone\"\n\
             zone = \"example.org\"\nverify = false\n[[record]]\nname = \"home.example.org\"\naccount = \"local\"\n\
             ipv4 = {source}\nipv6 = false\n"
        );
        std::fs::write(self.path("driftless.toml"), text).unwrap();
        let mut command = within("host", env!("CARGO_BIN_EXE_driftless"));
        let output = command.args(words).arg("--config").arg(self.path("driftless.toml")).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said + &String::from_utf8_lossy(&output.stderr))
    }

    /// What the source says, how long it took in milliseconds, and what is believed.
    fn detect(&self, source: &str) -> (Json, u64, Json) {
        let (_, text) = self.cli(source, &["detect", "--json"]);
        // What takes long says so on standard error, which comes after it.
        let said = serde_json::Deserializer::from_str(&text).into_iter::<Json>().next();
        let said = said.unwrap_or_else(|| panic!("{text}")).unwrap_or_else(|error| panic!("{error}: {text}"));
        let first = &said["sources"][0];
        (first["reading"].clone(), first["millis"].as_u64().unwrap(), said["believed"][0]["reading"].clone())
    }

    /// Why nothing is known, after how many milliseconds.
    fn unknown(&self, source: &str) -> (String, u64) {
        let (reading, millis, believed) = self.detect(source);
        assert_eq!(reading, believed);
        (reading["unknown"].as_str().unwrap_or_else(|| panic!("{reading}")).to_owned(), millis)
    }
}

fn addresses(text: &str) -> Json {
    json!({ "addresses": [text] })
}

#[test]
#[ignore = "needs root and the rig: .ci/run router"]
fn each_protocol_says_the_address_outside_and_the_next_one() {
    let home = Home::new(OUTSIDE);
    for outside in [OUTSIDE, "11.203.113.8", "11.203.113.9"] {
        rig("netns.sh", &["wan4", outside]);
        for way in WAYS {
            let (reading, millis, believed) = home.detect(way);
            assert_eq!((&reading, &believed), (&addresses(outside), &addresses(outside)), "{way}");
            assert!(millis < 5000, "{way}: {millis} ms");
        }
        let shown = home.cli(WAYS[0], &["detect"]).1;
        let says = format!("IPv4 is behind NAT at {outside}: eth0 has 192.168.77.2. ");
        assert!(shown.contains(&says), "{shown}");
    }
}

#[test]
#[ignore = "needs root and the rig: .ci/run router"]
fn a_mapping_that_pcp_needed_is_gone_when_the_answer_is_there() {
    let home = Home::new(OUTSIDE);
    let rules = || run(within("router", "nft").args(["list", "ruleset"]));
    let log = || std::fs::read_to_string(std::env::var("IGD_LOG").unwrap()).unwrap();
    let mappings = |log: &str| log.matches("PCP MAP: added mapping").count();
    let before = mappings(&log());
    // What an earlier run that failed may have left.
    run(within("router", "nft").args("flush chain inet filter prerouting_miniupnpd".split(' ')));
    assert!(!rules().contains("dnat"), "{}", rules());
    assert_eq!(home.detect(WAYS[3]).0, addresses(OUTSIDE));
    assert_eq!(mappings(&log()), before + 1, "there was one: {}", log());
    assert!(!rules().contains("dnat"), "{}", rules());
}

#[test]
#[ignore = "needs root and the rig: .ci/run router"]
fn a_router_that_answers_only_the_whole_network_is_found() {
    let home = Home::new(OUTSIDE);
    let rule = "add rule inet rigtoxic in ip daddr 192.168.77.1 udp dport 1900 counter drop";
    run(within("router", "nft").args(rule.split(' ')));
    let (reading, millis, _) = home.detect(WAYS[2]);
    assert_eq!(reading, addresses(OUTSIDE));
    assert!(millis > 600, "the router itself was asked first: {millis} ms");
}

#[test]
#[ignore = "needs root and the rig: .ci/run router"]
fn a_router_in_a_carriers_network_has_nothing_to_tell_and_says_why() {
    for outside in ["100.64.3.2", "192.168.3.2"] {
        let home = Home::new(outside);
        let (why, _) = home.unknown(WAYS[1]);
        assert!(why.contains("not connected, or itself behind a NAT (code 3)"), "{why}");
        for way in [WAYS[2], WAYS[3], WAYS[0]] {
            let (why, millis) = home.unknown(way);
            assert!(why.starts_with("the router 192.168.77.1 does not say it: "), "{way}: {why}");
            assert!(millis < 10_000, "{way}: {millis} ms");
        }
    }
}

#[test]
#[ignore = "needs root and the rig: .ci/run router"]
fn a_router_that_tells_its_carriers_address_is_behind_a_carriers_nat() {
    let home = Home::new(OUTSIDE);
    // Other routers than miniupnpd do tell it.
    rig("igd.sh", &["stop"]);
    let socket = std::thread::spawn(|| {
        let file = std::fs::File::open(format!("/run/netns/{}", namespace("router"))).unwrap();
        let kind = Some(rustix::thread::LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), kind).unwrap();
        UdpSocket::bind("192.168.77.1:5351").unwrap()
    });
    let socket = socket.join().unwrap();
    let answering = std::thread::spawn(move || {
        for outside in [[100, 64, 3, 2], [192, 168, 3, 2], [100, 64, 3, 2]] {
            let mut octets = [0; 64];
            let (length, from) = socket.recv_from(&mut octets).unwrap();
            assert_eq!(octets[..length], [0, 0]);
            socket.send_to(&[&[0, 128, 0, 0, 0, 0, 1, 0][..], &outside].concat(), from).unwrap();
        }
    });
    for (outside, whose) in [("100.64.3.2", "a carrier's NAT"), ("192.168.3.2", "another NAT")] {
        let (reading, _, believed) = home.detect(WAYS[1]);
        assert_eq!(reading, json!({ "behind": outside }));
        let why = format!("behind {whose}: the router's own address is {outside}");
        assert_eq!(believed, json!({ "unknown": why }));
    }
    let (code, shown) = home.cli(WAYS[1], &["detect"]);
    assert_eq!(code, Some(75), "{shown}");
    assert!(shown.contains("behind a carrier's NAT: the router's own address is 100.64.3.2"), "{shown}");
    assert!(shown.contains("IPv4 is behind carrier-grade NAT (the router has 100.64.3.2), so that"), "{shown}");
    answering.join().unwrap();
}

#[test]
#[ignore = "needs root and the rig: .ci/run router"]
fn a_router_that_speaks_none_of_it_is_unknown_in_time() {
    let home = Home::new(OUTSIDE);
    rig("igd.sh", &["stop"]);
    let (why, millis) = home.unknown(WAYS[0]);
    assert!(why.contains("NAT-PMP: nobody listens there; PCP: nobody listens there; UPnP: no answer"), "{why}");
    assert!(millis < 5000, "{millis} ms");
    assert!(home.unknown(WAYS[1]).1 < 1000, "a closed port is known at once");
    for port in ["5351", "1900"] {
        rig("netns.sh", &["block", "router", "udp", port]);
    }
    let (why, millis) = home.unknown(WAYS[0]);
    assert!(why.contains("NAT-PMP: no answer; PCP: no answer; UPnP: no answer"), "{why}");
    assert!(millis < 10_000, "{millis} ms");
    let (why, _) = home.unknown("{ router = \"default\", bind_interface = \"lo\" }");
    assert_eq!(why, "there is no IPv4 default route by lo");
    let (why, _) = home.unknown("{ router = \"default\", bind_interface = \"eth7\" }");
    assert_eq!(why, "there is no interface eth7");
}

#[test]
#[ignore = "needs root and the rig: .ci/run router"]
fn what_the_router_says_is_published_and_follows_its_address() {
    let home = Home::new(OUTSIDE);
    for outside in [OUTSIDE, "11.203.113.20"] {
        rig("netns.sh", &["wan4", outside]);
        let (code, said) = home.cli(WAYS[0], &["once"]);
        assert_eq!(code, Some(0), "{said}");
        let zone = std::fs::read_to_string(home.path("zone")).unwrap();
        let record = zone.lines().find(|line| line.contains(" A ") || line.contains("\tA\t")).unwrap_or_default();
        assert!(record.ends_with(outside), "{zone}");
    }
    // Without a word from the router nothing is changed.
    rig("igd.sh", &["stop"]);
    let before = std::fs::read_to_string(home.path("zone")).unwrap();
    let (code, said) = home.cli(WAYS[0], &["once"]);
    assert_eq!(code, Some(75), "{said}");
    assert_eq!(std::fs::read_to_string(home.path("zone")).unwrap(), before);
}
