//! People are told: the real program before strict receivers, what it says to each, and what it does when they do not answer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::disallowed_methods, reason = "tests take the time")]

#[path = "emulator/channels.rs"]
mod channels;
#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "support/torture.rs"]
mod torture;

use std::process::Output;
use std::time::{Duration, Instant};

use channels::{GOTIFY_TOKEN, HOOK_KEY, KUMA_TOKEN, NTFY_TOKEN, TOPIC, UUID};
use dyndns2::{Dyndns2, Rules};
use http::{Answer, Fault, Received, Server};
use rustix::process::Signal;
use serde_json::Value;
use torture::{Daemon, Home, pause, within};

const NAME: &str = "home.example.org";
/// News come two to four seconds after what they are of.
const SOON: Duration = Duration::from_secs(15);

/// A service, receivers, and the folder of a daemon.
struct Rig {
    home: Home,
    pushes: Server,
    receivers: Server,
}

impl Rig {
    async fn start() -> Self {
        let service = Dyndns2::new(Rules::default(), [NAME]);
        let pushes = Server::start(0, move |request: &Received| service.answer(request)).await.unwrap();
        let receivers = Server::start(0, channels::answer).await.unwrap();
        let home = Home::new();
        home.write("password", "secret\n");
        home.write("address", "192.0.2.1\n");
        Self { home, pushes, receivers }
    }

    /// Writes the configuration with these channels.
    fn configure(&self, channels: &str) {
        let text = format!(
            "state_dir = {:?}\n[account.push]\nprovider = \"dyndns2\"\nserver = \"{}\"\nusername = \"user\"\n\
             password = {{ file = {:?} }}\nverify = false\n[[record]]\nname = \"{NAME}\"\naccount = \"push\"\nprivate = true\n\
             ipv4 = {{ file = {:?} }}\nipv6 = \"off\"\n{channels}",
            self.home.text("state"),
            self.pushes.url(""),
            self.home.text("password"),
            self.home.text("address"),
        );
        self.home.write("driftless.toml", &text);
    }

    /// Every kind of channel that is told by HTTP, and a program.
    fn all(&self) -> String {
        let url = self.receivers.url("");
        let secrets = [("ntfy", NTFY_TOKEN), ("gotify", GOTIFY_TOKEN), ("key", &format!("X-Hook-Key: {HOOK_KEY}"))];
        secrets.iter().for_each(|(name, content)| self.home.write(name, content));
        self.home.write("hook", &format!("{url}/hook/T0xSecret?about={{record}}"));
        format!(
            "[notify.phone]\ntype = \"ntfy\"\nurl = \"{url}/{TOPIC}\"\ntoken = {{ file = {ntfy:?} }}\npriority = 4\n\
             [notify.desk]\ntype = \"gotify\"\nurl = \"{url}\"\ntoken = {{ file = {gotify:?} }}\n\
             [notify.chat]\ntype = \"webhook\"\nurl = {{ file = {hook:?} }}\nsecret_header = {{ file = {key:?} }}\n\
             body = '{{\"content\":\"{{event}}: {{old}} to {{new}}\",\"n\":{{count}},\"all\":{{news}}}}'\n\
             [notify.script]\ntype = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"env >> {spy}; cat >> {spy}\"]\n\
             [notify.watch]\ntype = \"healthchecks\"\nurl = \"{url}/{UUID}\"\n\
             [notify.kuma]\ntype = \"uptime_kuma\"\nurl = \"{url}/api/push/{KUMA_TOKEN}?status=up&msg=OK&ping=\"\n\
             [notify.other]\ntype = \"heartbeat\"\nurl = \"{url}/{UUID}\"\n",
            ntfy = self.home.text("ntfy"),
            gotify = self.home.text("gotify"),
            hook = self.home.text("hook"),
            key = self.home.text("key"),
            spy = self.home.text("spy"),
        )
    }

    /// Starts the daemon, which must have sent its first update.
    fn run(&self) -> Daemon {
        let before = self.pushes.log().len();
        let daemon = self.home.start(&["run"]);
        self.soon("the first update", || self.pushes.log().len() > before);
        daemon
    }

    /// Waits until the daemon knows that the record is right: a change that comes before is one with it.
    fn settled(&self) {
        self.soon("the record is right", || self.home.status().0["status"]["records"][0]["state"] == "up to date");
    }

    fn soon(&self, what: &str, holds: impl FnMut() -> bool) {
        assert!(within(SOON, holds), "{what}: {}\n{:#?}", self.home.log(), self.told(""));
    }

    /// What was received at a path.
    fn told(&self, path: &str) -> Vec<(Value, Option<u16>)> {
        let log = self.receivers.log();
        let at = log.into_iter().filter(|exchange| path.is_empty() || exchange.request.path == path);
        at.map(|exchange| {
            let body = String::from_utf8_lossy(&exchange.request.body).into_owned();
            (serde_json::from_str(&body).unwrap_or(Value::from(body)), exchange.answer.map(|answer| answer.status))
        })
        .collect()
    }

    /// Another address, of which the daemon is told.
    fn address(&self, daemon: &Daemon, address: &str) {
        self.home.write("address", address);
        daemon.signal(Signal::USR1);
    }

    fn cli(&self, words: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } = self.home.output(words);
        (status.code().unwrap(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_channel_hears_of_a_change_and_every_watcher_that_all_is_well() {
    let rig = Rig::start().await;
    rig.configure(&rig.all());
    tokio::task::block_in_place(|| {
        let daemon = rig.run();
        rig.soon("the first address is told", || rig.told("/").len() == 1);
        rig.soon("a sign of life", || !rig.told("/api/push/EmulatedTok1").is_empty());
        rig.address(&daemon, "192.0.2.2");
        rig.soon("the change is told", || rig.told("/").len() == 2);
        rig.soon("by every channel", || ["/message", "/hook/T0xSecret"].iter().all(|path| rig.told(path).len() == 2));
        let (phone, taken) = rig.told("/").remove(1);
        assert_eq!(
            (&phone["title"], &phone["priority"], taken),
            (&format!("{NAME}: changed").into(), &4.into(), Some(200))
        );
        assert_eq!(phone["message"], format!("{NAME} A: 192.0.2.1 -> 192.0.2.2"));
        let (desk, taken) = rig.told("/message").remove(1);
        assert_eq!((&desk["message"], taken), (&phone["message"], Some(200)));
        let (chat, taken) = rig.told("/hook/T0xSecret").remove(1);
        assert_eq!(
            (&chat["content"], &chat["n"], taken),
            (&"changed: 192.0.2.1 to 192.0.2.2".into(), &1.into(), Some(204))
        );
        assert_eq!(chat["all"][0]["account"], "push");
        let query = rig.receivers.log().into_iter().find(|exchange| exchange.request.path.starts_with("/hook"));
        assert_eq!(query.unwrap().request.query.as_deref(), Some("about=home.example.org"));
        let script = || std::fs::read_to_string(rig.home.path("spy")).unwrap_or_default();
        rig.soon("the program ran twice", || script().matches("\"title\"").count() == 2);
        for line in [
            "DRIFTLESS_EVENT=changed",
            "DRIFTLESS_RECORD=home.example.org",
            "DRIFTLESS_TYPE=A",
            "DRIFTLESS_OLD=192.0.2.1",
            "DRIFTLESS_NEW=192.0.2.2",
            "DRIFTLESS_ACCOUNT=push",
            "DRIFTLESS_COUNT=1",
        ] {
            assert!(script().lines().any(|seen| seen == line), "{line}: {}", script());
        }
        assert!(!script().contains("STATE_DIRECTORY"), "{}", script());
        // A sign of life by each way, and none of trouble.
        assert!(rig.told(&format!("/{UUID}")).len() >= 2);
        assert_eq!(rig.told(&format!("/{UUID}/fail")), []);
        let kuma = rig.receivers.log().into_iter().find(|exchange| exchange.request.path.starts_with("/api"));
        assert_eq!(kuma.unwrap().request.query.as_deref(), Some("status=up&msg=OK&ping="));
        let (status, _) = rig.home.status();
        for channel in status["status"]["channels"].as_array().unwrap() {
            assert!(channel["told"].is_string() && channel["error"].is_null(), "{channel}");
        }
        assert_eq!(status["status"]["channels"].as_array().unwrap().len(), 7);
        assert!(daemon.stop().success());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_told_once_whatever_restarts_and_so_is_its_end() {
    let rig = Rig::start().await;
    rig.configure(&rig.all());
    tokio::task::block_in_place(|| {
        rig.home.write("password", "wrong\n");
        let daemon = rig.run();
        rig.soon("it is told to be held", || rig.told("/").len() == 1);
        let (phone, _) = rig.told("/").remove(0);
        assert_eq!(phone["title"], format!("{NAME}: held"));
        rig.soon("the watchers are told", || !rig.told(&format!("/{UUID}/fail")).is_empty());
        assert_eq!(rig.told(&format!("/{UUID}")), [], "who knows no trouble hears nothing");
        assert!(daemon.stop().success());
        let daemon = rig.home.start(&["run"]);
        rig.soon("the daemon is back", || rig.home.ask("state/driftless.sock", "{\"request\":\"status\"}").is_some());
        pause(Duration::from_secs(5));
        assert_eq!(rig.told("/").len(), 1, "{:#?}", rig.told("/"));
        rig.home.write("password", "secret\n");
        daemon.signal(Signal::USR1);
        rig.soon("its end is told", || rig.told("/").len() == 2);
        let (phone, _) = rig.told("/").remove(1);
        assert_eq!(phone["title"], format!("{NAME}: recovered; {NAME}: changed"));
        assert!(daemon.stop().success());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_hangs_delays_neither_an_update_nor_the_end() {
    let rig = Rig::start().await;
    let url = rig.receivers.url("/hook/x");
    rig.configure(&format!(
        "[notify.chat]\ntype = \"webhook\"\nurl = \"{url}\"\n[notify.too]\ntype = \"webhook\"\nurl = \"{url}\"\n"
    ));
    rig.receivers.faults(10, &Fault::late(Duration::from_secs(60)));
    tokio::task::block_in_place(|| {
        let daemon = rig.run();
        rig.soon("both are being told", || rig.receivers.connections() == 2);
        let since = Instant::now();
        rig.address(&daemon, "192.0.2.2");
        rig.soon("the update is sent", || rig.pushes.log().len() == 2);
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        assert_eq!(rig.receivers.log().len(), 0, "the channels still hang");
        let since = Instant::now();
        assert!(daemon.stop().success());
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}: {}", since.elapsed(), rig.home.log());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_channel_did_not_take_is_told_again_as_it_is_then() {
    let rig = Rig::start().await;
    rig.home.write("key", &format!("X-Hook-Key: {HOOK_KEY}"));
    rig.configure(&format!(
        "[notify.chat]\ntype = \"webhook\"\nurl = \"{}\"\nsecret_header = {{ file = {:?} }}\n",
        rig.receivers.url("/hook/x"),
        rig.home.text("key")
    ));
    rig.receivers.fault(Fault::answer(Answer::new(503, "")));
    tokio::task::block_in_place(|| {
        let daemon = rig.run();
        rig.soon("the first attempt", || rig.told("").len() == 1);
        let stands = || rig.home.status().0["status"]["channels"][0].clone();
        rig.soon("that it failed is known", || stands()["error"].is_string());
        assert!(stands()["again"].is_string() && stands()["failures"] == 1, "{}", stands());
        rig.address(&daemon, "192.0.2.2");
        // After five to ten seconds.
        rig.soon("the second attempt", || rig.told("").len() == 2);
        let (chat, taken) = rig.told("").remove(1);
        assert_eq!(
            (chat["text"].as_str(), taken),
            (Some("home.example.org A: holds 192.0.2.2 (2 changes)"), Some(204))
        );
        rig.soon("it is said to work again", || rig.home.log().contains("the channel \"chat\" works again"));
        let now = stands();
        assert!(now["error"].is_null() && now["again"].is_null() && now["failures"] == 1, "{now}");
        assert!(daemon.stop().success());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_login_is_tried_once_until_its_secret_changes_or_a_test_arrives() {
    let rig = Rig::start().await;
    rig.home.write("key", "X-Hook-Key: hunter2");
    rig.configure(&format!(
        "[notify.chat]\ntype = \"webhook\"\nurl = \"{}\"\nsecret_header = {{ file = {:?} }}\n",
        rig.receivers.url("/hook/x"),
        rig.home.text("key")
    ));
    tokio::task::block_in_place(|| {
        let stands = || rig.home.status().0["status"]["channels"][0].clone();
        let daemon = rig.run();
        rig.soon("it is refused", || stands()["refused"] == true);
        assert_eq!(rig.told("").len(), 1);
        let way_out = "it is not tried again for a day, unless its settings or its secret change";
        assert!(rig.home.log().contains(way_out), "{}", rig.home.log());
        // Neither a process that was killed nor one that ended is followed by one that tries it.
        daemon.kill();
        let daemon = rig.home.start(&["run"]);
        rig.soon("the next one says so, too", || stands()["refused"] == true);
        daemon.signal(Signal::HUP);
        rig.address(&daemon, "192.0.2.2");
        rig.soon("the record follows", || rig.pushes.log().len() == 2);
        assert!(stands()["error"].as_str().is_some_and(|error| error.contains("(status 401)")), "{}", stands());
        let (_, said) = rig.cli(&["status"]);
        assert!(said.contains("unless its settings or its secret change, or driftless notify test chat"), "{said}");
        assert!(daemon.stop().success());
        let (code, said) = rig.cli(&["once"]);
        assert_eq!((code, rig.told("").len()), (0, 1), "{said}");
        let kept = ["ledger.json", "ledger.journal"].map(|file| rig.home.path("state").join(file));
        let kept = kept.map(|file| std::fs::read_to_string(file).unwrap_or_default()).concat();
        assert!(kept.contains("refused") && !kept.contains("hunter2"), "{kept}");
        // Another secret is tried at once, with the next look.
        let daemon = rig.home.start(&["run"]);
        rig.soon("it is still left alone", || stands()["refused"] == true);
        rig.home.write("key", "X-Hook-Key: wrong");
        daemon.signal(Signal::USR1);
        rig.soon("the other secret is refused", || rig.told("").len() == 2 && stands()["refused"] == true);
        // The service takes that one now, of which a test by hand is the proof.
        rig.receivers.fault(Fault::answer(Answer::new(204, "")));
        rig.receivers.fault(Fault::answer(Answer::new(204, "")));
        let (code, said) = rig.cli(&["notify", "test"]);
        assert_eq!(code, 0, "{said}");
        rig.soon("what there was to tell is told", || rig.told("").len() == 4);
        let (chat, taken) = rig.told("").remove(3);
        assert_eq!(
            (chat["text"].as_str(), taken),
            (Some("home.example.org A: holds 192.0.2.2 (2 changes)"), Some(204))
        );
        rig.soon("it works", || stands()["refused"] == false && stands()["error"].is_null());
        assert!(daemon.stop().success());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_withheld_is_said_to_be_and_survives_a_process_that_is_killed() {
    let rig = Rig::start().await;
    let url = rig.receivers.url("/hook/x");
    rig.home.write("key", &format!("X-Hook-Key: {HOOK_KEY}"));
    rig.configure(&format!(
        "[notify.chat]\ntype = \"webhook\"\nurl = \"{url}\"\nlimit = 1\nsecret_header = {{ file = {:?} }}\n",
        rig.home.text("key")
    ));
    tokio::task::block_in_place(|| {
        let withheld = || rig.home.status().0["status"]["channels"][0]["withheld"].clone();
        let daemon = rig.run();
        rig.soon("the first address is told", || rig.told("").len() == 1);
        rig.address(&daemon, "192.0.2.2");
        rig.soon("the change is withheld", || withheld().is_string());
        let until = withheld();
        let (_, said) = rig.cli(&["status"]);
        assert!(said.contains(&format!("; more news is withheld until {}", until.as_str().unwrap())), "{said}");
        daemon.kill();
        let daemon = rig.home.start(&["run"]);
        rig.soon("it is still withheld", || withheld().is_string());
        assert_eq!(rig.told("").len(), 1);
        assert!(daemon.stop().success());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_says_what_each_channel_answers() {
    let rig = Rig::start().await;
    rig.configure(&rig.all());
    tokio::task::block_in_place(|| {
        let (code, said) = rig.cli(&["notify", "test"]);
        assert_eq!((code, said.matches("took it").count()), (0, 7), "{said}");
        for (file, content, channel, code, says) in [
            ("ntfy", "tk_wrong", "phone", 77, "127.0.0.1 refuses the token or the URL (status 401)"),
            ("gotify", "wrong", "desk", 77, "(status 401)"),
            ("key", "X-Hook-Key: wrong", "chat", 77, "(status 401)"),
            ("hook", "no URL", "chat", 78, "this is no URL"),
            ("hook", "http://127.0.0.1:1/", "chat", 75, "nobody listens at 127.0.0.1:1"),
        ] {
            rig.home.write(file, content);
            let (ended, said) = rig.cli(&["notify", "test", channel]);
            assert!(ended == code && said.contains(says), "{channel} with {content}: {ended} {said}");
        }
        let (code, said) = rig.cli(&["notify", "test", "phon"]);
        assert!(code == 78 && said.contains("did you mean phone?"), "{code} {said}");
        let (code, said) = rig.cli(&["notify", "test", "--json", "watch"]);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (code, &said["channels"][0]["ok"], &said["channels"][0]["type"]),
            (0, &true.into(), &"healthchecks".into())
        );
        let url = rig.receivers.url("");
        for (channel, code, says) in [
            (
                "type = \"healthchecks\"\nurl = \"{url}/0d338dcc-a054-4f11-b909-000000000000\"",
                78,
                "no check with this UUID",
            ),
            ("type = \"healthchecks\"\nurl = \"{url}/not-a-uuid\"", 78, "status 400"),
            ("type = \"uptime_kuma\"\nurl = \"{url}/api/push/wrong\"", 78, "no such monitor"),
            ("type = \"heartbeat\"\nurl = \"{url}/nowhere\"", 78, "status 404"),
            ("type = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"echo no >&2; exit 1\"]", 75, "exit status: 1: no"),
            ("type = \"exec\"\ncommand = [\"/bin/sleep\", \"5\"]\ntimeout = \"1s\"", 75, "longer than 1 s"),
        ] {
            rig.configure(&format!("[notify.it]\n{}\n", channel.replace("{url}", &url)));
            let (ended, said) = rig.cli(&["notify", "test"]);
            assert!(ended == code && said.contains(says), "{channel}: {ended} {said}");
        }
        // What speaks otherwise than healthchecks.io is said to, and what came, without the URL in it.
        rig.configure(&format!("[notify.it]\ntype = \"healthchecks\"\nurl = \"{url}/secret-slug\"\n"));
        for (answer, code, says) in [
            (
                Answer::new(200, "<title>Welcome home</title>"),
                75,
                "is to answer \"OK\", and did not: status 200, 27 octets: it begins \"Welcome home\"",
            ),
            (Answer::new(202, ""), 75, "is to answer \"OK\", and did not: status 202, 0 octets"),
            (Answer::new(200, "no such page: /SECRET-slug"), 75, "and did not: status 200, 26 octets\n"),
            (Answer::new(201, "Created"), 0, "took it"),
        ] {
            rig.receivers.fault(Fault::answer(answer));
            let (ended, said) = rig.cli(&["notify", "test"]);
            assert!(ended == code && said.contains(says), "{says}: {ended} {said}");
        }
        rig.configure("");
        let (code, said) = rig.cli(&["notify", "test"]);
        assert!(code == 78 && said.contains("no [notify.NAME]"), "{code} {said}");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_of_its_own_tells_too_and_waits_for_it() {
    let rig = Rig::start().await;
    rig.configure(&rig.all());
    tokio::task::block_in_place(|| {
        let (code, said) = rig.cli(&["once"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!((rig.told("/").len(), rig.told("/message").len()), (1, 1), "{said}");
        assert_eq!(rig.told(&format!("/{UUID}")).len(), 2);
        let (code, said) = rig.cli(&["once"]);
        assert_eq!((code, rig.told("/").len()), (0, 1), "nothing changed: {said}");
        let (code, _) = rig.cli(&["plan"]);
        assert_eq!((code, rig.told("/").len()), (0, 1), "a plan is no news");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_can_be_added_while_the_daemon_runs_and_a_broken_one_changes_nothing() {
    let rig = Rig::start().await;
    rig.configure("");
    tokio::task::block_in_place(|| {
        let daemon = rig.run();
        rig.settled();
        rig.configure(&rig.all());
        daemon.signal(Signal::HUP);
        rig.soon("the watchers are called", || !rig.told(&format!("/{UUID}")).is_empty());
        rig.address(&daemon, "192.0.2.2");
        rig.soon("the change is told", || rig.told("/").len() == 1);
        assert_eq!(rig.told("/")[0].0["message"], format!("{NAME} A: 192.0.2.1 -> 192.0.2.2"));
        rig.configure("[notify.chat]\ntype = \"webhook\"\nurl_file = \"/nowhere/x\"\nbody = '{\"a\": {text}}'\n");
        daemon.signal(Signal::HUP);
        rig.soon("it is refused", || rig.home.log().contains("filled in, it is no JSON"));
        let (status, _) = rig.home.status();
        assert_eq!(status["status"]["channels"].as_array().unwrap().len(), 7, "{status}");
        assert!(daemon.stop().success());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_looks_at_channels_too() {
    let rig = Rig::start().await;
    tokio::task::block_in_place(|| {
        for (channel, code, says) in [
            ("type = \"webhook\"\nurl_file = \"/nowhere/x\"\nbody = '{\"a\": {text}}'", 78, "filled in, it is no JSON"),
            ("type = \"ntfy\"\nurl_file = \"/nowhere/x\"", 0, "/nowhere/x cannot be read at present"),
            ("type = \"exec\"\ncommand = [\"/nowhere/program\"]", 0, "/nowhere/program"),
            (
                "type = \"gotify\"\nurl = \"https://me:hunter2@a.example\"\ntoken_file = \"/nowhere/x\"",
                78,
                "no user name",
            ),
        ] {
            rig.configure(&format!("[notify.it]\n{channel}\n"));
            let (ended, said) = rig.cli(&["check"]);
            assert!(ended == code && said.contains(says), "{channel}: {ended} {said}");
        }
        // A URL is a secret, and mostly stands in a file: that is read, and what is wrong with it told where the file is named.
        for kind in ["healthchecks", "heartbeat", "ntfy", "uptime_kuma", "webhook"] {
            for (url, says) in [
                ("ftp://hooks.example.org/hunter2", "must start with https:// or http://"),
                ("https://", "empty host"),
                ("hooks.example.org/hunter2", "this is no URL"),
                ("https://me:hunter2@hooks.example.org/topic", "no user name and no password"),
            ] {
                rig.home.write("url", url);
                rig.configure(&format!("[notify.it]\ntype = \"{kind}\"\nurl_file = {:?}\n", rig.home.text("url")));
                let (ended, said) = rig.cli(&["check"]);
                assert!(
                    ended == 78 && said.contains(says) && !said.contains("hunter2"),
                    "{kind} {url}: {ended} {said}"
                );
                assert!(said.contains("driftless.toml:") && said.contains("url_file"), "{said}");
            }
        }
    });
}

#[test]
fn the_receivers_refuse_what_the_real_ones_refuse() {
    let ask = |method: &str, path: &str, fields: &[(&'static str, &str)], body: &str| {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.into())));
        let mut headers = hyper::HeaderMap::new();
        fields.iter().for_each(|(name, value)| drop(headers.insert(*name, value.parse().unwrap())));
        let request = Received { method: method.into(), path: path.into(), query, headers, body: body.into() };
        let answer = channels::answer(&request);
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    let kind = ("content-type", "application/json");
    let ntfy = |body: &str| ask("POST", "/", &[kind, ("authorization", "Bearer tk_emulated")], body).0;
    assert_eq!(ntfy(r#"{"topic":"my-topic","title":"t","message":"m","priority":5}"#), 200);
    for body in [
        "nonsense",
        r#"{"topic":"a b","title":"t","message":"m"}"#,
        r#"{"topic":"my-topic","priority":6}"#,
        r#"{"topc":1}"#,
    ] {
        assert_eq!(ntfy(body), 400, "{body}");
    }
    assert_eq!(ntfy(r#"{"topic":"another","title":"t","message":"m"}"#), 403);
    assert_eq!(ask("POST", "/", &[kind], r#"{"topic":"my-topic"}"#).0, 401);
    assert_eq!(ask("POST", "/message", &[kind], "{}").0, 401);
    assert_eq!(ask("POST", "/message", &[kind, ("x-gotify-key", GOTIFY_TOKEN)], "{}").0, 400);
    assert_eq!(ask("GET", "/not-a-uuid", &[], "").0, 400);
    assert_eq!(ask("GET", "/0d338dcc-a054-4f11-b909-000000000000", &[], "").1, "OK (not found)");
    assert_eq!(ask("GET", "/api/push/wrong?status=up", &[], "").0, 404);
    assert_eq!(ask("GET", "/api/push/EmulatedTok1?status=fine", &[], "").0, 404);
    assert_eq!(ask("POST", "/hook/x", &[kind, ("x-hook-key", HOOK_KEY)], "no JSON").0, 400);
    assert_eq!(ask("PUT", "/elsewhere", &[], "").0, 404);
}
