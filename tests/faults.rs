//! System calls that fail at a given moment, for the disk and for the network: the daemon neither ends nor panics, publishes
//! nothing wrong, and is well again by itself when the fault is over.
//!
//! strace(1) makes the calls fail. Each case has a daemon, two services and an address of its own. It first lives without
//! faults, is killed, gets a torn record at the end of its journal (so that the next start writes a snapshot), and then lives
//! with faults through changes of both addresses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "support/torture.rs"]
mod torture;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyndns2::{Dyndns2, Rules};
use http::Server;
use lunanode::{LunaNode, Switches};
use rustix::process::Signal;
use torture::{Home, say, within};

const API_ID: &str = "abcdefghijklmnop";
/// How many cases run together: they mostly wait.
const TOGETHER: usize = 6;
/// A value of someone else's in the zone.
const FOREIGN: (&str, &str) = ("other.example.org", "198.51.100.7");
/// A fault may cost a few pauses, and a disk is tried again at each check, every 30 s at most.
const PATIENCE: Duration = Duration::from_secs(45);

/// Calls on files of the state. Other calls of these names are not touched.
const STATE: [&str; 3] = ["openat", "write", "fdatasync"];
/// Calls on anything; only the state's files have them.
const FOLD: [&str; 5] = ["fsync", "rename", "renameat", "unlink", "ftruncate"];
/// What the network needs, with the errors that it has there.
const NET: [(&str, &[&str]); 7] = [
    ("socket", &["EMFILE", "ENOBUFS"]),
    ("connect", &["EINTR", "ENETUNREACH"]),
    ("sendto", &["EINTR", "ECONNRESET", "ENOBUFS"]),
    ("recvfrom", &["EINTR", "ECONNRESET", "EIO"]),
    ("epoll_wait", &["EINTR"]),
    ("timerfd_create", &["EMFILE"]),
    ("accept4", &["EMFILE", "ECONNABORTED"]),
];
const ERRORS: [&str; 5] = ["ENOSPC", "EIO", "EROFS", "EMFILE", "EINTR"];

/// Which call fails, how, and which ones of its kind: `3`, `2..5`.
#[derive(Clone, Debug)]
struct Case {
    call: &'static str,
    error: &'static str,
    when: String,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// So many calls failed, and all is well.
    Well(usize),
    /// It would not start.
    Refused,
    /// The signals' own socket pair failed, which no kernel lets happen: signal-hook ends the process then.
    Unreal,
}

struct World {
    home: Home,
    records: LunaNode,
    push: Server,
    service: Dyndns2,
    sent: Arc<Mutex<BTreeSet<String>>>,
}

impl World {
    async fn new() -> Self {
        let key: String = ('a'..='z').cycle().take(128).collect();
        let records = LunaNode::start(0, API_ID, &key, Switches::default()).await.unwrap();
        let zone = records.state().add_zone("example.org");
        let foreign = [("name", FOREIGN.0), ("type", "A"), ("data", FOREIGN.1), ("ttl", "60")];
        records.state().add_record(zone, &foreign);
        let service = Dyndns2::new(Rules::default(), ["home.example.net"]);
        let (answering, sent) = (service.clone(), Arc::new(Mutex::new(BTreeSet::new())));
        let noted = Arc::clone(&sent);
        let push = Server::start(0, move |request| {
            let query = request.query.clone().unwrap_or_default();
            let address = query.split('&').find_map(|part| part.strip_prefix("myip=")).unwrap_or_default();
            noted.lock().unwrap().insert(address.to_owned());
            answering.answer(request)
        });
        let push = push.await.unwrap();
        let home = Home::new();
        home.write("key", &key);
        home.write("password", "secret");
        home.write(
            "driftless.toml",
            &format!(
                "state_dir = {state:?}\n\
                 [account.push]\nprovider = \"dyndns2\"\nserver = \"{push}\"\nusername = \"user\"\n\
                 password = {{ file = {password:?} }}\nverify = false\n\
                 [account.records]\nprovider = \"lunanode\"\nendpoint = \"{records}\"\napi_id = \"{API_ID}\"\n\
                 api_key = {{ file = {key:?} }}\nverify = false\n\
                 [defaults]\ncheck = \"30s\"\n\
                 [[record]]\nname = \"home.example.net\"\naccount = \"push\"\nprivate = true\nipv6 = \"off\"\n\
                 ipv4 = {{ file = {pushed:?} }}\n\
                 [[record]]\nname = \"home.example.org\"\naccount = \"records\"\nprivate = true\nipv6 = \"off\"\n\
                 ipv4 = {{ file = {recorded:?} }}\n",
                state = home.text("state"),
                push = push.url(""),
                records = records.endpoint(),
                password = home.text("password"),
                key = home.text("key"),
                pushed = home.text("push.address"),
                recorded = home.text("records.address"),
            ),
        );
        Self { home, records, push, service, sent }
    }

    fn want(&self, push: &str, record: &str) {
        self.home.write("push.address", &format!("{push}\n"));
        self.home.write("records.address", &format!("{record}\n"));
    }

    fn holds(&self, push: &str, record: &str) -> bool {
        let pushed = self.service.host("home.example.net").unwrap().ipv4;
        pushed.is_some_and(|held| held.to_string() == push) && self.record("home.example.org") == [record]
    }

    /// A push that failed counts like one that did not: with two of them the next is ten minutes away, and that is told.
    fn has_used_up_its_budget(&self, record: &str) -> bool {
        if self.record("home.example.org") != [record]
            || !self.home.log().contains("transient: updating home.example.net")
        {
            return false;
        }
        let (said, _) = self.home.status();
        if said["running"] == false {
            // Its control socket was among what failed.
            return true;
        }
        let records = said["status"]["records"].as_array().unwrap();
        let push = records.iter().find(|record| record["name"] == "home.example.net").unwrap();
        let second = |said: &serde_json::Value| Some(said.as_str()?.parse::<jiff::Timestamp>().unwrap().as_second());
        let rest = second(&push["next"]).zip(second(&said["status"]["at"])).map(|(next, at)| next - at);
        rest.is_some_and(|rest| (60..=1200).contains(&rest)) && push["waits"]["for"] == "writes"
    }

    fn record(&self, name: &str) -> Vec<String> {
        let state = self.records.state();
        let records = state.zones.values().flat_map(|zone| zone.records.values());
        let named = records.filter(|record| record["name"].trim_end_matches('.') == name);
        named.map(|record| record["data"].clone()).collect()
    }

    fn tell(&self, what: &str) -> String {
        format!("{what}\nstrace:\n{}\nlog:\n{}", self.traced().join("\n"), self.home.log())
    }

    /// The calls that failed.
    fn traced(&self) -> Vec<String> {
        let trace = std::fs::read_to_string(self.home.path("trace")).unwrap_or_default();
        trace.lines().filter(|line| line.contains("(INJECTED)")).map(Into::into).collect()
    }

    /// The life before.
    fn prepare(&self) {
        self.want("192.0.2.1", "192.0.2.1");
        let daemon = self.home.start(&["run"]);
        assert!(within(PATIENCE, || self.holds("192.0.2.1", "192.0.2.1")), "{}", self.tell("before"));
        assert!(daemon.stop().success());
        let journal = std::fs::OpenOptions::new().append(true).open(self.home.path("state/ledger.journal"));
        journal.unwrap().write_all(b"{\"torn").unwrap();
        self.home.forget_log();
    }

    fn run(&self, case: &Case) -> Result<End, String> {
        self.prepare();
        let mut words: Vec<String> = ["strace", "-D", "-f", "--seccomp-bpf", "-o"].map(Into::into).into();
        words.push(self.home.text("trace"));
        words.extend(["-e".into(), format!("trace={}", case.call)]);
        words.extend(["-e".into(), format!("inject={}:error={}:when={}", case.call, case.error, case.when)]);
        if STATE.contains(&case.call) {
            for file in ["", "/lock", "/ledger.journal", "/ledger.json", "/ledger.json.1", "/ledger.journal.1"] {
                words.extend(["-P".into(), format!("{}{file}", self.home.text("state"))]);
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut daemon = self.home.spawn(&mut self.home.wrapped(&words, &["run"]));
        let listens = || self.home.ask("state/driftless.sock", "{\"request\":\"status\"}").is_some();
        within(Duration::from_secs(3), listens);
        for step in 2..=3 {
            self.want("192.0.2.2", &format!("192.0.2.{step}"));
            self.nudge(&mut daemon, || self.holds("192.0.2.2", &format!("192.0.2.{step}")), Duration::from_secs(2));
        }
        self.want("192.0.2.2", "192.0.2.4");
        let is_net = NET.iter().any(|(call, _)| *call == case.call);
        let well = self.nudge(
            &mut daemon,
            || self.holds("192.0.2.2", "192.0.2.4") || (is_net && self.has_used_up_its_budget("192.0.2.4")),
            PATIENCE,
        );
        if !daemon.is_running() {
            let log = self.home.log();
            let refused = !log.contains(" starts: ") || log.contains("driftless: ");
            let refused = refused && !log.contains("panicked");
            if case.call == "recvfrom" && log.contains("signal-hook") {
                return Ok(End::Unreal);
            }
            return if refused { Ok(End::Refused) } else { Err(self.tell("it ended")) };
        }
        if !well {
            return Err(self.tell(&format!("it does not recover: {}", self.home.status().0)));
        }
        daemon.signal(Signal::TERM);
        let end = daemon.wait(Duration::from_secs(15));
        // A signal is handed on through a socket pair: where these calls fail it may be lost, as no kernel would lose it.
        let is_lost = end.is_none() && ["sendto", "recvfrom"].contains(&case.call);
        if !is_lost && !end.is_some_and(|end| end.success()) {
            return Err(self.tell(&format!("it does not end well: {end:?}")));
        }
        if self.home.log().contains("panicked") {
            return Err(self.tell("it panicked"));
        }
        let allowed = ["192.0.2.1", "192.0.2.2"].map(String::from).into();
        if !self.sent.lock().unwrap().is_subset(&allowed) || self.record(FOREIGN.0) != [FOREIGN.1] {
            return Err(self.tell("it published what it should not"));
        }
        if !self.records.state().violations.is_empty() {
            return Err(format!("{:?}", self.records.state().violations));
        }
        if self.push.log().len() > 3 {
            return Err(self.tell(&format!("{} pushes for two addresses", self.push.log().len())));
        }
        self.home.status();
        Ok(End::Well(self.traced().len()))
    }

    /// Has it look every other second until it holds what it should; a signal may be lost with the calls that fail.
    fn nudge(&self, daemon: &mut torture::Daemon, holds: impl Fn() -> bool, patience: Duration) -> bool {
        let until = std::cell::Cell::new(false);
        let rounds = patience.as_secs().div_ceil(2).max(1);
        for _ in 0..rounds {
            if !daemon.is_running() {
                return false;
            }
            // Before its handlers are there a signal would end it.
            if self.home.log().contains("holds") || self.home.log().contains("cannot") || until.get() {
                daemon.signal(Signal::USR1);
            }
            until.set(true);
            if within(Duration::from_secs(2), &holds) {
                return true;
            }
        }
        false
    }
}

fn cases(disk: &[&str], net: &[&str], most_errors: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |call, error, when: &str| cases.push(Case { call, error, when: when.to_owned() });
    for when in disk {
        for (at, call) in STATE.into_iter().chain(FOLD).enumerate() {
            // Where not all errors are tried with each call, each is tried with some.
            for error in ERRORS.iter().cycle().skip(at).take(most_errors) {
                add(call, error, when);
            }
        }
    }
    for when in net {
        for (call, errors) in NET {
            errors.iter().take(most_errors).for_each(|error| add(call, error, when));
        }
    }
    cases
}

async fn sweep(cases: Vec<Case>) {
    assert!(std::process::Command::new("strace").arg("-V").output().is_ok(), "needs strace");
    let (total, cases) = (cases.len(), Arc::new(Mutex::new(cases)));
    let mut workers = Vec::new();
    for _ in 0..TOGETHER {
        let cases = Arc::clone(&cases);
        workers.push(async move {
            let mut ends = Vec::new();
            loop {
                let Some(case) = cases.lock().unwrap().pop() else { return ends };
                let world = World::new().await;
                let tried = case.clone();
                let (_world, end) = tokio::task::spawn_blocking(move || {
                    let end = world.run(&tried);
                    (world, end)
                })
                .await
                .unwrap();
                ends.push((case, end));
            }
        });
    }
    let ends: Vec<_> = futures_util::future::join_all(workers).await.into_iter().flatten().collect();
    let mut failed = BTreeMap::<&str, usize>::new();
    let (mut refused, mut unreached, mut unreal) = (0, 0, 0);
    let mut bad = Vec::new();
    for (case, end) in &ends {
        match end {
            Ok(End::Well(0)) => unreached += 1,
            Ok(End::Well(calls)) => *failed.entry(case.call).or_default() += calls,
            Ok(End::Refused) => refused += 1,
            Ok(End::Unreal) => unreal += 1,
            Err(why) => bad.push(format!("{case:?}: {why}")),
        }
    }
    say(&format!(
        "{total} cases: {failed:?} calls failed; {refused} would not start, {unreached} were not \
         reached, {unreal} cannot happen"
    ));
    assert!(bad.is_empty(), "{} of {total} cases:\n{}", bad.len(), bad.join("\n\n"));
    for call in STATE.into_iter().chain(FOLD).chain(NET.map(|(call, _)| call)) {
        assert!(failed.contains_key(call), "no {call} ever failed: it is not used any more, or under another name");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
async fn calls_that_fail_end_nothing_and_publish_nothing_wrong() {
    sweep(cases(&["1", "2..4"], &["1", "2..4"], 2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes nine minutes"]
async fn every_call_that_fails_ends_nothing_and_publishes_nothing_wrong() {
    let disk = ["1", "2", "3", "4", "5", "6", "8", "1..3", "2..4"];
    let net = ["1", "2", "3", "4", "5", "6", "8", "1..3", "2..9", "4..20", "1..40+3"];
    sweep(cases(&disk, &net, ERRORS.len())).await;
}
