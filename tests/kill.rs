//! `kill -9` a thousand times at random moments: no start is refused, no state is damaged, no call is repeated but the one
//! in flight, no budget is exceeded, and in the end everything is as it should be.
//!
//! What makes this hard, and how it is met:
//!
//! * A push service bears two writes a name and then one in ten minutes: a few names would fall silent within seconds. So
//!   names come and go: every fourth life has three new ones, a name stays for 24 lives and never comes back (what is
//!   remembered of a record set goes when it is no longer declared).
//! * Each life has secrets of its own (with another login or URL nothing that is remembered would count), so that a call is
//!   counted for the life that made it, even where the emulator reads it when the caller is dead already.
//! * The emulators take up to 30 ms for a write, half of it before they act: calls are in flight when the kill comes.
//! * Addresses change while the process is dead and while it lives (SIGUSR1 has it look). SIGUSR1 would end a process that
//!   has no handler yet, so it is sent once the control socket is listened to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::disallowed_methods, reason = "the emulators answer late, and calls are timed")]

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "support/torture.rs"]
mod torture;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use driftless::model::backoff::Spent;
use driftless::model::terms::Budget;
use driftless::model::time::Moment;
use dyndns2::{Dyndns2, Rules};
use http::{Received, Server};
use lunanode::{State, Switches};
use rustix::process::Signal;
use torture::{Home, pause, say, within};

/// The most between exec and kill, unless the machine is so slow that hardly anything would happen within.
const LONGEST_LIFE: Duration = Duration::from_millis(150);
/// Lives between two changes of the names, names that come each time, and how many such groups there are together.
const GROUP_EVERY: usize = 4;
const GROUP: usize = 3;
const GROUPS: usize = 6;
/// The names at the service that can be read.
const READABLE: [&str; 4] = ["a.example.org", "b.example.org", "c.example.org", "d.example.org"];
const API_ID: &str = "abcdefghijklmnop";

/// A write as an emulator received it.
#[derive(Clone, Debug)]
struct Call {
    at: Instant,
    life: usize,
    name: String,
    address: String,
}

type Calls = Arc<Mutex<Vec<Call>>>;

/// What one series of kills came to.
#[derive(Debug, Default)]
#[expect(dead_code, reason = "shown as a whole")]
struct Count {
    longest_life: Duration,
    kills: usize,
    push_calls: usize,
    push_repeats: usize,
    push_names: usize,
    most_calls_for_a_name: usize,
    record_writes: usize,
    record_repeats: usize,
    over_budget: Vec<String>,
    unfinished_folds: usize,
    torn_records: usize,
}

/// The daemon's world: two services and an address.
struct World {
    home: Home,
    push: Server,
    push_service: Dyndns2,
    push_calls: Calls,
    records: Server,
    records_state: Arc<Mutex<State>>,
    records_calls: Calls,
    rng: fastrand::Rng,
    longest_life: Duration,
    written: BTreeSet<String>,
}

/// The API key of a life; the first half is sent along.
fn api_key(life: usize) -> String {
    format!("{life:064}{}", "k".repeat(64))
}

/// A little of what a network takes, at most so many milliseconds.
fn latency(most: u64) {
    std::thread::sleep(Duration::from_micros(fastrand::u64(0..most * 1000)));
}

/// The life whose password a request has, and the request with the password that the service wants.
fn attributed(request: &Received) -> (usize, Received) {
    let mut request = request.clone();
    let given = request.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
    let given = String::from_utf8(BASE64.decode(given.as_bytes()).unwrap()).unwrap();
    let life = given.strip_prefix("user:life").unwrap().parse().unwrap();
    let wanted = format!("Basic {}", BASE64.encode(b"user:secret"));
    request.headers.insert("authorization", wanted.parse().unwrap());
    (life, request)
}

/// The fields of a form or a query.
fn fields(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://localhost/?{text}")).unwrap();
    url.query_pairs().into_owned().collect()
}

impl World {
    async fn new(seed: u64) -> Self {
        let push_service = Dyndns2::new(Rules { patience: 1000, ..Rules::default() }, Vec::<String>::new());
        let (answering, push_calls) = (push_service.clone(), Calls::default());
        let calls = Arc::clone(&push_calls);
        let push = Server::start(0, move |request| {
            let at = Instant::now();
            let (life, request) = attributed(request);
            let sent = fields(request.query.as_deref().unwrap_or_default());
            let (name, address) = (sent["hostname"].clone(), sent["myip"].clone());
            calls.lock().unwrap().push(Call { at, life, name, address });
            latency(15);
            let answer = answering.answer(&request);
            latency(15);
            answer
        });
        let state = Arc::new(Mutex::new(State::new(API_ID, &api_key(0), Switches::default())));
        state.lock().unwrap().add_zone("example.org");
        let (answering, records_calls) = (Arc::clone(&state), Calls::default());
        let calls = Arc::clone(&records_calls);
        let records = Server::start(0, move |request| {
            let at = Instant::now();
            let form = fields(std::str::from_utf8(&request.body).unwrap());
            let sent: serde_json::Value = serde_json::from_str(&form["req"]).unwrap();
            let text = |key: &str| sent[key].as_str().unwrap().to_owned();
            let life = text("api_partialkey").parse().unwrap();
            let is_write = request.path.contains("record-add");
            let road = if is_write { 15 } else { 3 };
            latency(road);
            let answer = {
                let mut state = answering.lock().unwrap();
                state.api_key = api_key(life);
                state.answer(request)
            };
            if is_write {
                calls.lock().unwrap().push(Call { at, life, name: text("name"), address: text("data") });
            }
            latency(road);
            answer
        });
        Self {
            home: Home::new(),
            push: push.await.unwrap(),
            push_service,
            push_calls,
            records: records.await.unwrap(),
            records_state: state,
            records_calls,
            rng: fastrand::Rng::with_seed(seed),
            longest_life: LONGEST_LIFE,
            written: BTreeSet::new(),
        }
    }

    /// The names at the push service during a life.
    fn names(&self, life: usize) -> Vec<String> {
        let newest = life / GROUP_EVERY;
        let groups = newest.saturating_sub(GROUPS - 1)..=newest;
        groups.flat_map(|group| (0..GROUP).map(move |one| format!("g{group}n{one}.example.net"))).collect()
    }

    fn configure(&self, life: usize) {
        self.home.write("key", &api_key(life));
        self.home.write("password", &format!("life{life}"));
        let names = self.names(life);
        for name in &names {
            if self.push_service.host(name).is_none() {
                self.push_service.set(name, dyndns2::Host::default());
            }
        }
        let toml = format!(
            "state_dir = {state:?}\n\
             [account.push]\nprovider = \"dyndns2\"\nserver = \"{push}\"\nusername = \"user\"\n\
             password = {{ file = {password:?} }}\nnames_per_request = 1\nverify = false\n\
             [account.records]\nprovider = \"lunanode\"\nendpoint = \"{records}\"\napi_id = \"{API_ID}\"\n\
             api_key = {{ file = {key:?} }}\nverify = false\n\
             [address.default]\nipv4 = {{ file = {address:?} }}\nipv6 = \"off\"\n\
             [[record]]\nnames = {names:?}\naccount = \"push\"\nprivate = true\n\
             [[record]]\nnames = {READABLE:?}\naccount = \"records\"\nprivate = true\n",
            state = self.home.text("state"),
            push = self.push.url(""),
            records = self.records.url("/api/"),
            password = self.home.text("password"),
            key = self.home.text("key"),
            address = self.home.text("address"),
        );
        self.home.write("driftless.toml", &toml);
    }

    /// Another address, which may be one that was there before.
    fn move_on(&mut self) -> String {
        let address = format!("192.0.2.{}", self.rng.u8(1..40));
        self.home.write("address", &format!("{address}\n"));
        self.written.insert(address.clone());
        address
    }

    /// The first life: how long does it take to the first call?
    fn learn(&mut self) {
        self.configure(0);
        self.move_on();
        let born = Instant::now();
        let daemon = self.home.start(&["run"]);
        assert!(within(Duration::from_secs(10), || !self.push_calls.lock().unwrap().is_empty()), "{}", self.home.log());
        self.longest_life = LONGEST_LIFE.max(3 * born.elapsed());
        drop(daemon);
    }

    /// One life from exec to kill.
    fn live(&mut self, life: usize) {
        self.configure(life);
        if self.rng.u8(..4) == 0 {
            self.move_on();
        }
        let lifetime = self.longest_life.mul_f64(self.rng.f64());
        let change_at = lifetime.mul_f64(self.rng.f64());
        let born = Instant::now();
        let daemon = self.home.start(&["run"]);
        pause(change_at);
        if self.rng.bool() {
            self.move_on();
            let socket = self.home.path("state/driftless.sock");
            if std::os::unix::net::UnixStream::connect(socket).is_ok() {
                daemon.signal(Signal::USR1);
            }
        }
        pause((born + lifetime).saturating_duration_since(Instant::now()));
        let end = daemon.kill();
        let by_us = std::os::unix::process::ExitStatusExt::signal(&end) == Some(9);
        assert!(by_us, "life {life} ended by itself: {end}\n{}", self.home.log());
        let (said, code) = self.home.status();
        assert_eq!((said["running"].as_bool(), code), (Some(false), Some(69)), "{said}");
    }

    /// What the log says that it must not say.
    fn complaints(&self) -> Vec<String> {
        let bad =
            ["damaged", "are lost", "corrupt", "another driftless", "cannot be", "panicked", " held (", "is held"];
        let log = self.home.log();
        log.lines().filter(|line| bad.iter().any(|bad| line.contains(bad))).map(Into::into).collect()
    }

    /// The last life: everything comes to hold the last address, but for names whose budget is used up.
    fn settle(&mut self, life: usize) {
        self.configure(life);
        let last = self.move_on();
        let daemon = self.home.start(&["run"]);
        let holds = |state: &Mutex<State>| {
            let state = state.lock().unwrap();
            let records = state.zones.values().flat_map(|zone| zone.records.values());
            records.filter(|record| record["data"] == last).count() == READABLE.len()
        };
        assert!(
            within(Duration::from_secs(80), || holds(&self.records_state)),
            "the records do not come to {last}\n{}",
            self.home.log()
        );
        let names = self.names(life);
        let fresh: Vec<&String> = names.iter().rev().take(GROUP).collect();
        let held = |name: &str| self.push_service.host(name).and_then(|host| host.ipv4).map(|held| held.to_string());
        let fine = within(Duration::from_secs(20), || fresh.iter().all(|name| held(name).as_ref() == Some(&last)));
        assert!(fine, "new names do not come to {last}\n{}", self.home.log());
        let mut open = Vec::new();
        within(Duration::from_secs(20), || {
            let (said, _) = self.home.status();
            open = names.iter().filter(|name| held(name).as_ref() != Some(&last)).cloned().collect();
            open.retain(|name| !waits_for_its_budget(&said["status"], name));
            open.is_empty()
        });
        assert!(open.is_empty(), "neither right nor waiting: {open:?}\n{}", self.home.status().0);
        assert!(daemon.stop().success());
    }

    fn count(&self, kills: usize) -> Count {
        let push = self.push_calls.lock().unwrap().clone();
        let records = self.records_calls.lock().unwrap().clone();
        for call in push.iter().chain(&records) {
            assert!(self.written.contains(&call.address), "nobody wrote that address: {call:?}");
        }
        let violations = self.records_state.lock().unwrap().violations.clone();
        assert!(violations.is_empty(), "{violations:?}");
        let of_name = by_name(&push);
        let log = self.home.log();
        Count {
            longest_life: self.longest_life,
            kills,
            push_calls: push.len(),
            push_repeats: repeats(&push),
            push_names: of_name.len(),
            most_calls_for_a_name: of_name.values().map(Vec::len).max().unwrap_or(0),
            record_writes: records.len(),
            record_repeats: repeats(&records),
            over_budget: [over_budget(&push, Budget::PUSH), over_budget(&records, Budget::RECORDS)].concat(),
            unfinished_folds: log.matches("is not there: ").count(),
            torn_records: log.matches("is not complete").count(),
        }
    }
}

/// Whether a name is said to be tried again by itself when its budget allows it.
fn waits_for_its_budget(status: &serde_json::Value, name: &str) -> bool {
    let records = status["records"].as_array().unwrap();
    let record = records.iter().find(|record| record["name"] == name).unwrap();
    let second = |said: &serde_json::Value| Some(said.as_str()?.parse::<jiff::Timestamp>().unwrap().as_second());
    let Some(next) = second(&record["next"]) else { return false };
    let rest = next - second(&status["at"]).unwrap();
    record["state"] == "waiting" && (1..=1200).contains(&rest)
}

fn by_name(calls: &[Call]) -> BTreeMap<&str, Vec<&Call>> {
    let mut of_name: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        of_name.entry(&call.name).or_default().push(call);
    }
    of_name.values_mut().for_each(|calls| calls.sort_by_key(|call| (call.life, call.at)));
    of_name
}

/// How often a name was sent what it was sent the time before. A life never does that, and a kill causes it at most once: one
/// call is in flight, and another attempt may be on disk that was not made (the address before it is then sent again, as the
/// attempt might have landed).
fn repeats(calls: &[Call]) -> usize {
    let mut after = BTreeMap::<usize, usize>::new();
    for calls in by_name(calls).values() {
        for pair in calls.windows(2) {
            if let [first, second] = pair
                && first.address == second.address
            {
                assert!(first.life < second.life, "a life repeats itself: {first:?} {second:?}");
                *after.entry(second.life).or_default() += 1;
            }
        }
    }
    let mut so_far = 0;
    for (life, times) in after {
        so_far += times;
        assert!(so_far <= life, "{so_far} calls were repeated after {life} kills");
    }
    so_far
}

/// The names of which a call came before their budget allowed it, with all calls.
fn over_budget(calls: &[Call], budget: Budget) -> Vec<String> {
    // The road to the emulator is not equally long each time.
    let slack = Duration::from_secs(3);
    let Some(first) = calls.iter().map(|call| call.at).min() else { return Vec::new() };
    let mut over = Vec::new();
    for (name, calls) in by_name(calls) {
        let mut spent = Spent::default();
        let mut early = false;
        for call in &calls {
            let now = Moment(0).plus(call.at - first + Duration::from_secs(3600));
            early |= spent.next(budget) > now.plus(slack);
            spent = spent.after_write(budget, now);
        }
        if early {
            let when = calls.iter().map(|call| format!("{:?} in life {}", call.at - first, call.life));
            over.push(format!("{name}: {}", when.collect::<Vec<_>>().join(", ")));
        }
    }
    over
}

async fn series(kills: usize, seed: u64) -> Result<Count, tokio::task::JoinError> {
    let mut world = World::new(seed).await;
    let count = tokio::task::spawn_blocking(move || {
        world.learn();
        for life in 1..=kills {
            world.live(life);
        }
        world.settle(kills + 1 + GROUP_EVERY);
        assert_eq!(world.complaints(), Vec::<String>::new(), "seed {seed}");
        world.count(kills)
    });
    count.await
}

async fn kill_so_often(kills: usize) {
    let seed = fastrand::u64(..);
    let (one, other) = tokio::join!(series(kills / 2, seed), series(kills - kills / 2, !seed));
    // Both have ended: what is wrong with one of them does not take the other's services away.
    let (one, other) = (one.unwrap(), other.unwrap());
    for count in [&one, &other] {
        say(&format!("{count:?}"));
    }
    for count in [one, other] {
        assert!(count.over_budget.is_empty(), "seed {seed}: {count:?}");
        assert!(count.most_calls_for_a_name <= 2, "in less than ten minutes: {count:?}, seed {seed}");
        assert!(count.push_calls > count.kills / 4, "too little happened to mean anything: {count:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_kills_do_no_harm() {
    kill_so_often(100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes three minutes"]
async fn a_thousand_kills_do_no_harm() {
    kill_so_often(1000).await;
}
