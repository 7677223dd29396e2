//! Two real daemons, each with a state of its own, for one name: they share it at an emulated service, or end their fight over it. The
//! fight is about a zone file: where a service takes minutes to show what it accepted, nobody calls that undone before, and the
//! simulator has the patience for it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "support/torture.rs"]
mod torture;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use lunanode::{LunaNode, Switches};
use serde_json::Value;
use tokio::sync::oneshot;
use torture::{Daemon, Home, pause, within};

const LOGIN: &str = "abcdefghijklmnop";
const NAME: &str = "shared.example.org";

fn key() -> String {
    ('a'..='z').cycle().take(128).collect()
}

/// The emulated service, in a thread of its own.
struct Service {
    luna: LunaNode,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// With these addresses of strangers under the name.
    fn start(strangers: &[&str]) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (started, luna) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                started.send(LunaNode::start(0, LOGIN, &key(), Switches::default()).await.unwrap()).unwrap();
                let _ = stopped.await;
            });
        });
        let luna: LunaNode = luna.recv().unwrap();
        let zone = luna.state().add_zone("example.org");
        for stranger in strangers {
            luna.state().add_record(zone, &[("name", NAME), ("type", "A"), ("ttl", "300"), ("data", stranger)]);
        }
        Self { luna, stop: Some(stop), thread: Some(thread) }
    }

    /// What stands under the name, sorted.
    fn holds(&self) -> Vec<String> {
        let state = self.luna.state();
        let records = state.zones.values().flat_map(|zone| zone.records.values());
        let mut found: Vec<String> = records.map(|record| record["data"].clone()).collect();
        found.sort();
        found
    }

    /// How many calls changed something.
    fn writes(&self) -> usize {
        ["record-add", "record-remove"].iter().map(|operation| self.luna.server.count(operation)).sum()
    }

    /// A machine with this address for the name, which it shares.
    fn machine(&self, address: &str) -> Machine {
        let account = format!(
            "provider = \"lunanode\"\nendpoint = \"{}\"\napi_id = \"{LOGIN}\"\napi_key = {{ file = \"{{dir}}/key\" }}\nverify = false\n",
            self.luna.endpoint()
        );
        Machine::start(&account, address, "shared")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

const SOON: Duration = Duration::from_secs(60);

/// A daemon in a folder of its own.
struct Machine {
    home: Home,
    daemon: Daemon,
}

impl Machine {
    /// With this account, in which `{dir}` stands for its folder, and this address, in a file, for the name.
    fn start(account: &str, address: &str, values: &str) -> Self {
        let home = Home::new();
        home.write("key", &key());
        let text = format!(
            "state_dir = \"{{dir}}/state\"\n[account.it]\n{account}[[record]]\nname = \"{NAME}\"\naccount = \"it\"\n\
             ipv4 = {{ file = \"{{dir}}/address\" }}\nipv6 = false\nprivate = true\nvalues = \"{values}\"\n"
        );
        home.write("driftless.toml", &text.replace("{dir}", home.text("").trim_end_matches('/')));
        home.write("address", &format!("{address}\n"));
        let daemon = home.start(&["run"]);
        let machine = Self { home, daemon };
        assert!(within(SOON, || machine.home.status().1 == Some(0)), "{}", machine.home.log());
        machine
    }

    /// It has another address now.
    fn moves(&self, address: &str) {
        self.home.write("address", &format!("{address}\n"));
        self.looks();
    }

    /// It looks now, as it would at its next check.
    fn looks(&self) {
        let output = self.home.output(&["update"]);
        assert!(output.status.success(), "{output:?}");
    }

    /// How its record set stands.
    fn record(&self) -> Value {
        self.home.status().0["status"]["records"][0].clone()
    }

    fn is(&self, state: &str) -> bool {
        self.record()["state"] == state
    }

    /// Ends in order; its folder stays.
    fn stop(self) -> Home {
        assert!(self.daemon.stop().success(), "{}", self.home.log());
        self.home
    }
}

#[track_caller]
fn come_to_hold(service: &Service, machines: &[&Machine], values: &[&str]) {
    let logs = || machines.iter().map(|machine| machine.home.log()).collect::<Vec<_>>().join("\n-- another:\n");
    assert!(within(SOON, || service.holds() == values), "{:?}, not {values:?}\n{}", service.holds(), logs());
    // Accepted, read back, and at rest.
    assert!(within(SOON, || machines.iter().all(|machine| machine.is("up to date"))), "{}", logs());
}

#[test]
fn two_daemons_that_share_a_name_keep_each_its_own_value_and_write_no_more_than_they_move() {
    let service = Service::start(&["203.0.113.1"]);
    let first = service.machine("192.0.2.1");
    let second = service.machine("198.51.100.1");
    come_to_hold(&service, &[&first, &second], &["192.0.2.1", "198.51.100.1", "203.0.113.1"]);
    for last in 2..4 {
        first.moves(&format!("192.0.2.{last}"));
        second.moves(&format!("198.51.100.{last}"));
        let both = [format!("192.0.2.{last}"), format!("198.51.100.{last}"), "203.0.113.1".to_owned()];
        come_to_hold(&service, &[&first, &second], &both.each_ref().map(String::as_str));
    }
    // An addition each to begin with; an addition and a removal, or one replacement, for each move.
    let writes = service.writes();
    assert!((2 + 4..=2 + 8).contains(&writes), "{writes} writes\n{}", first.home.log());
    for _ in 0..3 {
        first.looks();
        second.looks();
        pause(Duration::from_millis(300));
    }
    assert_eq!(service.writes(), writes, "nobody writes against anybody");
    // Who ends in order leaves its value: the machine is there, though nobody looks after its name. The other one goes on alone.
    let home = first.stop();
    second.moves("198.51.100.9");
    come_to_hold(&service, &[&second], &["192.0.2.3", "198.51.100.9", "203.0.113.1"]);
    let log = home.log() + &second.home.log();
    assert!(!log.contains("someone else changed it"), "{log}");
    second.stop();
    assert_eq!(service.holds(), ["192.0.2.3", "198.51.100.9", "203.0.113.1"]);
}

#[test]
fn two_daemons_that_each_want_all_of_a_name_write_a_few_times_and_then_say_so() {
    let folder = Home::new();
    let head = "$ORIGIN example.org.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.53\n";
    folder.write("zone", head);
    let zone = || std::fs::read_to_string(folder.path("zone")).unwrap();
    // Each write raises the serial number by one.
    let writes = || -> u32 {
        let zone = zone();
        zone.split_whitespace().skip_while(|word| *word != "hostmaster").nth(1).unwrap().parse().unwrap()
    };
    let account = format!("provider = \"zonefile\"\npath = \"{}\"\n", folder.text("zone"));
    let machines = ["192.0.2.1", "198.51.100.1"].map(|address| Machine::start(&account, address, "all"));
    // Each looks in turn, as they would at their next verification.
    let held = || machines.iter().find(|machine| machine.record()["held"]["reason"] == "contended");
    let gives_in = || {
        for machine in &machines {
            machine.looks();
            pause(Duration::from_secs(1));
        }
        held().is_some()
    };
    let logs = || machines.each_ref().map(|machine| machine.home.log()).join("\n-- the other one:\n");
    assert!(within(Duration::from_secs(60), gives_in), "{}", logs());
    // Reported: in the log, by `status` and by `explain`, with a way out.
    let loser = held().unwrap();
    let log = loser.home.log();
    assert!(log.contains("someone else changed it to "), "{log}");
    for words in [&["status"][..], &["explain", NAME]] {
        let said = String::from_utf8(loser.home.output(words).stdout).unwrap();
        assert!(said.contains("someone else changed it 2 times within an hour"), "{said}");
        assert!(said.contains("values = \"shared\"") && said.contains("driftless release "), "{said}");
    }
    // Damped: either wrote its budget's worth at most, and now nobody writes, however often they look.
    let winner = machines.iter().find(|machine| machine.record()["held"].is_null()).unwrap();
    assert!(within(SOON, || winner.is("up to date")), "{}", winner.home.log());
    let written = writes();
    assert!(written <= 10, "{written} writes\n{}", logs());
    for _ in 0..4 {
        machines.iter().for_each(Machine::looks);
        pause(Duration::from_millis(300));
    }
    assert_eq!(writes(), written, "the fight is over");
    assert_eq!(zone().matches("shared").count(), 1, "{}", zone());
    for machine in machines {
        machine.stop();
    }
}
