//! `doctor`, through the real program: a machine where all is well, machines that are broken in one place each, and that nothing is
//! written, little is asked and no secret is told.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::disallowed_methods, reason = "a test measures how long something takes")]

#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "support/torture.rs"]
mod torture;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::{A, NS};
use hickory_proto::rr::{Name as WireName, RData, Record, RecordType};
use http::{Answer, Server};
use lunanode::{LunaNode, Switches};
use serde_json::Value;
use tokio::net::{TcpListener, UdpSocket};
use torture::{Home, may_mount, output, say, within};

const API_ID: &str = "abcdefghijklmnop";
/// What the record holds: an address that a record may hold, and that nobody here is asked at.
const ADDRESS: &str = "9.9.9.9";

fn key() -> String {
    ('a'..='z').cycle().take(128).collect()
}

/// What a name server says of everything: it is asked for as the one server of one zone.
#[derive(Clone, Copy)]
struct Zone {
    apex: &'static str,
    /// What every name of it has but that of the server.
    address: Option<Ipv4Addr>,
}

impl Zone {
    /// The records that answer a question, asked of the server at `here`.
    fn answers(self, name: &WireName, rtype: RecordType, here: Ipv4Addr) -> Option<RData> {
        let server = WireName::from_ascii(format!("ns.{}.", self.apex)).unwrap();
        match rtype {
            RecordType::NS if name.to_ascii() == format!("{}.", self.apex) => Some(RData::NS(NS(server))),
            RecordType::A if *name == server => Some(RData::A(A(here))),
            RecordType::A => self.address.map(|address| RData::A(A(address))),
            _ => None,
        }
    }
}

/// A name server: it answers every question with authority, or, without a zone, none.
async fn name_server(at: SocketAddr, zone: Option<Zone>) -> SocketAddr {
    let socket = UdpSocket::bind(at).await.unwrap();
    let at = socket.local_addr().unwrap();
    let SocketAddr::V4(here) = at else { panic!("{at}") };
    tokio::spawn(async move {
        let mut octets = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut octets).await.unwrap();
            let (Some(zone), Ok(question)) = (zone, Message::from_vec(&octets[..length])) else { continue };
            let mut reply = question.clone().into_response();
            reply.metadata.authoritative = true;
            let (name, rtype) = (question.queries[0].name.clone(), question.queries[0].query_type);
            let answers = zone.answers(&name, rtype, *here.ip()).into_iter();
            reply.add_answers(answers.map(|data| Record::from_rdata(name.clone(), 60, data)));
            socket.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
        }
    });
    at
}

/// A machine with one account and one name.
struct World {
    home: Arc<Home>,
    luna: LunaNode,
    name_server: SocketAddr,
    /// The machine's only resolver: nobody on the internet is asked.
    resolver: String,
}

impl World {
    /// `number` tells the resolvers of the tests apart; `None` in its stead: it does not answer.
    async fn new(number: u8, resolves: bool) -> Option<Self> {
        if !may_mount() {
            say("left out: this user may not give the program a resolver of its own");
            return None;
        }
        let luna = LunaNode::start(0, API_ID, &key(), Switches::default()).await.unwrap();
        let zone = luna.state().add_zone("example.org");
        luna.state()
            .add_record(zone, &[("name", "home.example.org"), ("type", "A"), ("data", ADDRESS), ("ttl", "300")]);
        let zone = Zone { apex: "example.org", address: ADDRESS.parse().ok() };
        let name_server = name_server(([127, 0, 0, 1], 0).into(), Some(zone)).await;
        let resolver = Ipv4Addr::new(127, 83, 14, number);
        self::name_server((resolver, 53).into(), resolves.then_some(zone)).await;
        let home = Arc::new(Home::new());
        home.write("key", &key());
        home.write("resolv.conf", &format!("nameserver {resolver}\noptions attempts:1 timeout:2\n"));
        let world = Self { home, luna, name_server, resolver: resolver.to_string() };
        world.configure(&format!("\"{ADDRESS}\""), "");
        Some(world)
    }

    fn configure(&self, ipv4: &str, more: &str) {
        let text = format!(
            "state_dir = {:?}\n[account.luna]\nprovider = \"lunanode\"\nendpoint = \"{}\"\napi_id = \"{API_ID}\"\n\
             api_key = {{ file = {:?} }}\nnameservers = [\"{}\"]\n\
             [[record]]\nname = \"home.example.org\"\naccount = \"luna\"\nipv4 = {ipv4}\nipv6 = \"off\"\n{more}",
            self.home.text("state"),
            self.luna.endpoint(),
            self.home.text("key"),
            self.name_server,
        );
        self.home.write("driftless.toml", &text);
    }

    /// The account's name servers are those that DNS names.
    fn asks_dns(&self) {
        let text = std::fs::read_to_string(self.home.path("driftless.toml")).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("nameservers"));
        self.home.write("driftless.toml", &lines.map(|line| format!("{line}\n")).collect::<String>());
    }

    /// The program on a machine with that resolver, started by a further `wrapper`.
    fn command(&self, wrapper: &str, arguments: &[&str]) -> Command {
        let script = format!("mount --bind \"$0\" /etc/resolv.conf && exec {wrapper} \"$@\"");
        self.home.wrapped(&["unshare", "-m", "sh", "-c", &script, &self.home.text("resolv.conf")], arguments)
    }

    fn run(&self, wrapper: &str, arguments: &[&str]) -> Output {
        tokio::task::block_in_place(|| output(&mut self.command(wrapper, arguments)))
    }

    fn examined(&self, arguments: &[&str]) -> Examined {
        Examined::of(self.run("", &[&["doctor", "--json"], arguments].concat()))
    }

    /// How often the service was asked to change something.
    fn writes(&self) -> usize {
        ["record-add", "record-update", "record-remove"].iter().map(|call| self.luna.server.count(call)).sum()
    }
}

/// What was found.
#[derive(Debug)]
struct Examined {
    code: Option<i32>,
    said: Value,
}

impl Examined {
    fn of(output: Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let told = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(!text.contains(&key()) && !told.contains(&key()) && !told.contains("panicked"), "{text}{told}");
        let said = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {output:?}"));
        Self { code: output.status.code(), said }
    }

    /// The findings of a step.
    fn of_step(&self, step: &str) -> Vec<&Value> {
        self.said["findings"].as_array().unwrap().iter().filter(|finding| finding["step"] == step).collect()
    }

    /// Every finding of the step ended so; there is one at least. Gives the first.
    #[track_caller]
    fn is(&self, step: &str, outcome: &str) -> &Value {
        let found = self.of_step(step);
        assert!(!found.is_empty() && found.iter().all(|finding| finding["outcome"] == outcome), "{step}: {found:#?}");
        found[0]
    }

    /// Nothing failed in any other step, the network aside: a machine of tests may have none.
    #[track_caller]
    fn only_fails(&self, steps: &[&str]) {
        let findings = self.said["findings"].as_array().unwrap();
        let failed = findings.iter().filter(|finding| finding["outcome"] == "failed" && finding["step"] != "network");
        let others: Vec<_> = failed.filter(|finding| !steps.contains(&finding["step"].as_str().unwrap())).collect();
        assert!(others.is_empty(), "{others:#?}");
    }

    /// What is to be done about a step, with its place among all of that.
    fn task(&self, about: &str) -> (usize, &Value) {
        let tasks = self.said["todo"].as_array().unwrap();
        let at = tasks.iter().position(|task| task["about"].as_str().unwrap().starts_with(about));
        let at = at.unwrap_or_else(|| panic!("{about}: {tasks:#?}"));
        (at, &tasks[at])
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_is_well_every_step_says_so_and_nothing_is_written() {
    let Some(world) = World::new(1, true).await else { return };
    let found = world.examined(&[]);
    for step in ["configuration", "clock", "resolver", "certificates", "state", "credentials", "source", "account"] {
        found.is(step, "ok");
    }
    assert_eq!(found.is("name_servers", "ok")["says"], format!("1 answer {ADDRESS}"));
    assert!(text(&found.is("clock", "ok")["says"]).contains("the account \"luna\""), "{found:?}");
    found.is("daemon", "skipped");
    found.only_fails(&[]);
    assert_eq!((world.luna.server.count("record-list"), world.writes()), (1, 0), "one read, no write");
    assert!(!world.home.path("state").exists(), "it makes no folder");
    let shown = world.run("", &["doctor"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("ok       account luna: can be read"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_is_found_by_what_a_service_says_and_comes_first() {
    let Some(world) = World::new(2, true).await else { return };
    world.luna.skew(7200);
    let found = world.examined(&[]);
    assert_eq!(found.code, Some(75), "{found:?}");
    assert!(text(&found.is("clock", "failed")["says"]).contains("2 hours behind"), "{found:?}");
    found.only_fails(&["clock", "account"]);
    assert_eq!(found.task("clock").0, 0);
    assert!(text(&found.task("clock").1["do"]).contains("set the clock"), "{found:?}");
    assert_eq!(found.task("account luna").1["may_follow_from"], "clock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_that_does_not_answer_is_found_in_time_and_what_follows_from_it_comes_later() {
    let Some(world) = World::new(3, false).await else { return };
    let record = "[[record]]\nname = \"www.example.org\"\naccount = \"luna\"\nipv6 = \"off\"\n\
                  ipv4 = { https = \"https://echo.example.net/\" }\n";
    world.configure(&format!("\"{ADDRESS}\""), record);
    let begun = Instant::now();
    let found = world.examined(&[]);
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    assert_eq!(found.code, Some(75), "{found:?}");
    let silent = found.is("resolver", "failed");
    assert_eq!(silent["about"], world.resolver);
    found.is("account", "ok");
    found.only_fails(&["resolver", "source"]);
    let (at, task) = found.task("resolver");
    assert!(text(&task["do"]).contains("/etc/resolv.conf"), "{task}");
    let (later, source) = found.task("source https");
    assert!(at < later, "{found:?}");
    assert!(["resolver", "network"].contains(&text(&source["may_follow_from"])), "{source}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_folder_that_cannot_be_read_is_named() {
    let Some(world) = World::new(4, true).await else { return };
    std::fs::create_dir(world.home.path("state")).unwrap();
    std::fs::set_permissions(world.home.path("state"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let found = Examined::of(world.run("setpriv --bounding-set -all", &["doctor", "--json"]));
    assert_eq!(found.code, Some(77), "{found:?}");
    assert!(text(&found.is("state", "failed")["says"]).contains(&world.home.text("state")), "{found:?}");
    found.only_fails(&["state"]);
    found.is("account", "ok");
    std::fs::remove_dir(world.home.path("state")).unwrap();
    world.home.write("state", "");
    let found = world.examined(&[]);
    assert!(text(&found.is("state", "failed")["says"]).contains("is a file"), "{found:?}");
    assert_eq!(found.code, Some(78));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_named() {
    let Some(world) = World::new(19, true).await else { return };
    std::fs::create_dir(world.home.path("state")).unwrap();
    let full = |fill: &str| {
        let mounted = format!("mount -t tmpfs -o size=64k none \"$0\" && {fill} && exec \"$@\"");
        let state = world.home.text("state");
        Examined::of(output(
            &mut world
                .home
                .wrapped(&["unshare", "-m", "sh", "-c", &mounted, &state], &["doctor", "--offline", "--json"]),
        ))
    };
    full("true").is("state", "ok");
    let found = full("{ cat /dev/zero >\"$0/fill\" 2>/dev/null || true; }");
    let state = found.is("state", "failed");
    assert!(text(&state["says"]).contains("its file system is full") && state["advice"].is_string(), "{state}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_as_what_it_is_and_a_missing_one_before_it_is_sent() {
    let Some(world) = World::new(5, true).await else { return };
    world.home.write("key", &"z".repeat(128));
    let found = world.examined(&[]);
    assert_eq!(found.code, Some(77), "{found:?}");
    assert_eq!(found.is("account", "failed")["about"], "luna");
    found.only_fails(&["account"]);
    let (_, task) = found.task("account luna");
    assert!(task["may_follow_from"].is_null() && task["do"].is_string(), "{task}");
    assert!(!found.said.to_string().contains("zzzzzzzz"), "{found:?}");
    std::fs::remove_file(world.home.path("key")).unwrap();
    world.luna.server.clear();
    let found = world.examined(&[]);
    assert_eq!((found.code, world.luna.server.log().len()), (Some(78), 0), "{found:?}");
    assert!(found.of_step("configuration").iter().all(|finding| finding["outcome"] == "ok"), "told once: {found:?}");
    assert!(found.of_step("credentials").iter().any(|finding| finding["outcome"] == "failed"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_answers_rubbish_is_named_with_what_it_said() {
    let Some(world) = World::new(6, true).await else { return };
    let rubbish = Server::start(0, |_| Answer::new(200, "<html>Welcome to the hotel")).await.unwrap();
    world.configure(&format!("{{ https = \"{}\" }}", rubbish.url("/")), "");
    let found = world.examined(&[]);
    assert_eq!(found.code, Some(75), "{found:?}");
    let source = found.is("source", "failed");
    assert!(text(&source["about"]).starts_with("https http://127.0.0.1"), "{source}");
    assert!(text(&source["says"]).contains("a page, not an address") && source["advice"].is_string(), "{source}");
    found.only_fails(&["source"]);
    assert_eq!(rubbish.log().len(), 1);
    // One that is asked once cannot have repeated itself, as it must before it is believed: no fault of it.
    let right = Server::start(0, |_| Answer::new(200, ADDRESS)).await.unwrap();
    world.configure(&format!("{{ https = \"{}\" }}", right.url("/")), "");
    let found = world.examined(&[]);
    found.is("source", "ok");
    found.only_fails(&[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_zone_is_followed_from_its_delegation_and_a_missing_one_is_told() {
    let Some(world) = World::new(11, true).await else { return };
    world.asks_dns();
    let found = world.examined(&[]);
    assert_eq!(found.is("name_servers", "ok")["says"], format!("1 of example.org answer {ADDRESS}"));
    found.only_fails(&[]);
    let undelegated = Zone { apex: "org", address: None };
    name_server(([127, 83, 14, 12], 53).into(), Some(undelegated)).await;
    world.home.write("resolv.conf", "nameserver 127.83.14.12\n");
    let found = world.examined(&[]);
    assert_eq!(found.code, Some(78), "{found:?}");
    assert!(text(&found.is("name_servers", "failed")["says"]).contains("the closest zone that DNS knows is org"));
    assert!(text(&found.task("name servers").1["do"]).contains("registrar"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_question_and_never_answers_is_given_up_in_time() {
    let Some(world) = World::new(10, true).await else { return };
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}/", silent.local_addr().unwrap());
    let dumb = name_server(([127, 0, 0, 1], 0).into(), None).await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(connection) = silent.accept().await {
            kept.push(connection);
        }
    });
    world.configure(&format!("{{ https = \"{at}\" }}"), "");
    let text = std::fs::read_to_string(world.home.path("driftless.toml")).unwrap();
    let text = text.replace(&world.luna.endpoint(), &at).replace(&world.name_server.to_string(), &dumb.to_string());
    world.home.write("driftless.toml", &text);
    let begun = Instant::now();
    let found = world.examined(&[]);
    assert!(begun.elapsed() < Duration::from_secs(55), "{:?}", begun.elapsed());
    for step in ["source", "account", "name_servers"] {
        assert_eq!(found.is(step, "failed")["code"], 75, "{found:?}");
    }
    found.only_fails(&["source", "account", "name_servers"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_is_wrong_is_told_and_what_is_right_of_it_examined() {
    let Some(world) = World::new(7, true).await else { return };
    world.configure(&format!("\"{ADDRESS}\""), "nonsense = 1\n[account.other]\nprovider = \"dyndns3\"\n");
    let found = world.examined(&[]);
    assert_eq!(found.code, Some(78), "{found:?}");
    let wrong = found.of_step("configuration");
    assert!(wrong.iter().any(|finding| text(&finding["says"]).contains("nonsense")), "{wrong:?}");
    assert!(found.of_step("account").iter().any(|finding| finding["about"] == "luna"), "{found:?}");
    assert_eq!(found.task("configuration").0, 0);
    world.home.write("driftless.toml", "[account");
    let found = world.examined(&[]);
    assert_eq!(found.code, Some(78), "{found:?}");
    found.is("configuration", "failed");
    assert!(!found.of_step("certificates").is_empty() && found.of_step("account").is_empty(), "{found:?}");
}

#[test]
fn what_is_wrong_with_a_configuration_is_told_once() {
    let home = Home::new();
    let configuration = format!(
        "state_dir = {:?}\n[account.local]\nprovider = \"zonefile\"\npath = {:?}\nzone = \"example.org\"\n\
         [address.default]\nipv4 = \"192.0.2.1\"\n[[record]]\nnames = [\"a.example.org\", \"b.example.org\"]\n\
         account = \"local\"\n",
        home.text("state"),
        home.text("zone")
    );
    home.write("driftless.toml", &configuration);
    let found = Examined::of(home.output(&["doctor", "--offline", "--json"]));
    let all = found.said["findings"].as_array().unwrap();
    let of_it: Vec<_> = all.iter().filter(|finding| text(&finding["says"]).contains("192.0.2.1")).collect();
    assert!(matches!(of_it.as_slice(), [only] if only["outcome"] == "failed"), "{of_it:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offline_nobody_is_asked() {
    let Some(world) = World::new(8, false).await else { return };
    let echo = Server::start(0, |_| Answer::new(200, "9.9.9.9")).await.unwrap();
    let record = format!(
        "[[record]]\nname = \"www.example.org\"\naccount = \"luna\"\nipv6 = \"off\"\nipv4 = {{ https = \"{}\" }}\n",
        echo.url("/")
    );
    world.configure(&format!("\"{ADDRESS}\""), &record);
    let found = world.examined(&["--offline"]);
    found.only_fails(&[]);
    for step in ["resolver", "account", "name_servers"] {
        found.is(step, "skipped");
    }
    let outcomes: Vec<&str> = found.of_step("source").iter().map(|finding| text(&finding["outcome"])).collect();
    assert_eq!(outcomes, ["ok", "skipped"], "{found:?}");
    assert_eq!((world.luna.server.log().len(), echo.log().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_daemon_is_told_of_and_not_disturbed() {
    let Some(world) = World::new(9, true).await else { return };
    let daemon = world.home.spawn(&mut world.command("", &["run"]));
    let is_right = || world.home.status().0["status"]["records"][0]["state"] == "up to date";
    tokio::task::block_in_place(|| assert!(within(Duration::from_secs(30), is_right), "{}", world.home.log()));
    let records = || {
        let mut records = world.home.status().0["status"]["records"].clone();
        // A moment by the steady clock, told by the wall clock: a second more or less at each asking.
        records[0]["next"] = Value::Null;
        records
    };
    let (before, log) = (records(), world.home.log());
    let found = world.examined(&[]);
    assert!(text(&found.is("daemon", "ok")["says"]).contains("1 of 1 record sets"), "{found:?}");
    found.is("state", "ok");
    found.only_fails(&[]);
    assert_eq!((records(), world.home.log()), (before, log));
    assert_eq!(world.writes(), 0);
    tokio::task::block_in_place(|| daemon.stop());
}

#[test]
fn without_a_configuration_the_machine_alone_is_examined() {
    if std::path::Path::new("/etc/driftless").exists() {
        return say("left out: this machine has a configuration");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftless"));
    command.args(["doctor", "--offline", "--json"]).env_clear().env("STATE_DIRECTORY", "/nonexistent");
    let found = Examined::of(output(command.env("SSL_CERT_FILE", "/dev/null")));
    assert!(text(&found.is("configuration", "skipped")["says"]).contains("driftless init"), "{found:?}");
    assert!(text(&found.is("certificates", "ok")["says"]).contains("built in"), "{found:?}");
    found.only_fails(&[]);
    assert!(!found.of_step("clock").is_empty() && found.of_step("state").is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_check_nor_doctor_asks_for_an_account_that_the_running_daemon_holds() {
    let Some(world) = World::new(20, true).await else { return };
    world.home.write("key", &"z".repeat(128));
    let daemon = world.home.spawn(&mut world.command("", &["run"]));
    let held = || !world.home.status().0["status"]["accounts"][0]["held"].is_null();
    tokio::task::block_in_place(|| assert!(within(Duration::from_secs(30), held), "{}", world.home.log()));
    let asked = world.luna.server.log().len();
    let checked = world.run("", &["check", "--online", "--json"]);
    let said: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let says = text(&said["online"][0]["says"]);
    assert!(says.starts_with("held by the daemon since 20") && says.contains("not asked: "), "{said}");
    assert_eq!((checked.status.code(), world.luna.server.log().len()), (Some(77), asked), "{said}");
    let found = world.examined(&[]);
    let says = text(&found.is("account", "skipped")["says"]);
    assert!(says.starts_with("held by the daemon since 20") && says.contains("not asked: "), "{found:?}");
    assert_eq!(world.luna.server.log().len(), asked, "{found:?}");
    tokio::task::block_in_place(|| daemon.stop());
    let checked = world.run("", &["check", "--online"]);
    assert!(checked.status.code() == Some(77) && world.luna.server.log().len() > asked, "{checked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_last_process_held_is_told_where_none_runs() {
    let says = Arc::new(AtomicUsize::new(0));
    let said = Arc::clone(&says);
    let refusing = move |_: &http::Received| Answer::new(200, ["badauth", "nohost"][said.load(Relaxed)]);
    let refusing = Server::start(0, refusing).await.unwrap();
    let home = Home::new();
    home.write("password", "wrong");
    let configuration = format!(
        "state_dir = {:?}\n[account.home]\nprovider = \"dyndns2\"\nserver = \"{}\"\nusername = \"me\"\n\
         password = {{ file = {:?} }}\n[[record]]\nname = \"home.example.net\"\naccount = \"home\"\n\
         ipv4 = \"{ADDRESS}\"\nipv6 = \"off\"\n",
        home.text("state"),
        refusing.url(""),
        home.text("password")
    );
    home.write("driftless.toml", &configuration);
    tokio::task::block_in_place(|| {
        let examined = || Examined::of(home.output(&["doctor", "--offline", "--json"]));
        let before = examined();
        let starts = text(&before.is("daemon", "skipped")["says"]);
        assert!(
            starts.ends_with(&format!("driftless --config {} run starts it", home.text("driftless.toml"))),
            "{starts}"
        );
        assert!(!before.of_step("daemon").iter().any(|finding| finding["outcome"] == "warning"), "{before:?}");
        assert_eq!(home.output(&["once"]).status.code(), Some(77));
        let found = examined();
        let held = found.of_step("daemon").into_iter().find(|finding| finding["outcome"] == "warning").unwrap();
        assert!(text(&held["about"]) == "home" && text(&held["says"]).contains("held the account since"), "{found:?}");
        assert!(text(&held["advice"]).contains("mend the secret"), "{found:?}");
        // A name that the service does not know is held by itself.
        says.store(1, Relaxed);
        home.output(&["release", "--all"]);
        assert_eq!(home.output(&["once"]).status.code(), Some(78));
        let found = examined();
        let held = found.of_step("daemon").into_iter().find(|finding| finding["outcome"] == "warning").unwrap();
        assert_eq!(text(&held["about"]), "home.example.net A at home", "{found:?}");
        assert!(text(&held["says"]).contains("the last one held it since"), "{found:?}");
        assert!(text(&held["advice"]).contains("driftless release home.example.net"), "{found:?}");
    });
}
