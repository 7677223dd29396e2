//! A disk that cannot be written, or is full: a container that is started again and again stays within every budget, goes on
//! where it can, says what is wrong, and is well again when the disk is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "support/torture.rs"]
mod torture;

use std::time::Duration;

use dyndns2::{Dyndns2, Rules};
use http::Server;
use lunanode::{LunaNode, Switches};
use rustix::process::Signal;
use torture::{Daemon, Home, may_mount, output, pause, say, within};

const API_ID: &str = "abcdefghijklmnop";

/// A service that can be read, one that cannot, and an address.
struct World {
    home: Home,
    records: LunaNode,
    push: Server,
    service: Dyndns2,
}

impl World {
    /// The state is kept in `state_dir`.
    async fn new(state_dir: &str) -> Self {
        let key: String = ('a'..='z').cycle().take(128).collect();
        let records = LunaNode::start(0, API_ID, &key, Switches::default()).await.unwrap();
        records.state().add_zone("example.org");
        let service = Dyndns2::new(Rules::default(), ["home.example.net"]);
        let answering = service.clone();
        let push = Server::start(0, move |request| answering.answer(request)).await.unwrap();
        let home = Home::new();
        home.write("key", &key);
        home.write("password", "secret");
        home.write("push.address", "192.0.2.1\n");
        home.write("records.address", "192.0.2.1\n");
        home.write(
            "driftless.toml",
            &format!(
                "state_dir = {state_dir:?}\nsocket = {socket:?}\n\
                 [account.push]\nprovider = \"dyndns2\"\nserver = \"{push}\"\nusername = \"user\"\n\
                 password = {{ file = {password:?} }}\nverify = false\n\
                 [account.records]\nprovider = \"lunanode\"\nendpoint = \"{records}\"\napi_id = \"{API_ID}\"\n\
                 api_key = {{ file = {key:?} }}\nverify = false\n\
                 [defaults]\ncheck = \"30s\"\n\
                 [[record]]\nname = \"home.example.net\"\naccount = \"push\"\nprivate = true\nipv6 = \"off\"\n\
                 ipv4 = {{ file = {push_address:?} }}\n\
                 [[record]]\nname = \"home.example.org\"\naccount = \"records\"\nprivate = true\nipv6 = \"off\"\n\
                 ipv4 = {{ file = {records_address:?} }}\n",
                socket = home.text("socket"),
                push = push.url(""),
                records = records.endpoint(),
                password = home.text("password"),
                key = home.text("key"),
                push_address = home.text("push.address"),
                records_address = home.text("records.address"),
            ),
        );
        Self { home, records, push, service }
    }

    fn record(&self) -> Option<String> {
        let state = self.records.state();
        let mut records = state.zones.values().flat_map(|zone| zone.records.values());
        records.next().map(|record| record["data"].clone())
    }

    fn pushed(&self) -> Option<String> {
        self.service.host("home.example.net").unwrap().ipv4.map(|address| address.to_string())
    }

    fn says_unwritable(&self, running: bool) {
        let (said, _) = self.home.status();
        assert_eq!(said["running"], running, "{said}");
        assert_eq!(said["status"]["state_is_writable"], false, "{said}");
        let text = output(&mut self.home.driftless(&["status"]));
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains("THE STATE CANNOT BE WRITTEN"), "{text}");
    }

    /// So many short lives, each until it has read.
    fn restart(&self, times: usize, start: impl Fn() -> Daemon) {
        for life in 1..=times {
            let daemon = start();
            let reads = || self.records.server.count("record-list");
            assert!(within(Duration::from_secs(10), || reads() == life), "life {life}\n{}", self.home.log());
            assert!(within(Duration::from_secs(10), || self.record().is_some()));
            // Whatever else it would do at once.
            pause(Duration::from_millis(fastrand::u64(0..60)));
            if life == times / 2 {
                self.says_unwritable(true);
            }
            if life % 2 == 0 {
                assert!(daemon.stop().success(), "{}", self.home.log());
            } else {
                daemon.kill();
            }
            assert_eq!(reads(), life, "one read each");
            assert_eq!(self.records.server.count("zone-list"), life);
        }
        assert_eq!(self.record().as_deref(), Some("192.0.2.1"));
        assert_eq!(self.records.server.count("record-add"), 1, "nothing is written but by the first");
        assert_eq!(self.push.log().len(), 0, "who cannot remember what it sent waits for ten minutes first");
        let log = self.home.log();
        assert!(log.contains("cannot be locked"), "{log}");
        assert!(!log.contains("panicked"), "{log}");
        say(&format!(
            "{times} lives: {} reads, {} writes, {} pushes",
            self.records.server.count("record-list"),
            self.records.server.count("record-add"),
            self.push.log().len()
        ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_lives_without_a_disk_write_once_and_push_never() {
    let world = World::new("/dev/null/state").await;
    tokio::task::block_in_place(|| {
        world.restart(100, || world.home.start(&["run"]));
        world.says_unwritable(false);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lives_on_a_read_only_mount_write_once_and_push_never() {
    if !may_mount() {
        return say("left out: mounting takes root");
    }
    let world = World::new("/mnt").await;
    let wrapper = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o ro none /mnt && exec \"$@\"", "sh"];
    tokio::task::block_in_place(|| {
        world.restart(20, || world.home.spawn(&mut world.home.wrapped(&wrapper, &["run"])));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_round_without_a_disk_ends_and_pushes_nothing() {
    let world = World::new("/dev/null/state").await;
    let once = tokio::task::block_in_place(|| world.home.output(&["once"]));
    assert_eq!(once.status.code(), Some(75), "{once:?}");
    assert_eq!(world.record().as_deref(), Some("192.0.2.1"));
    assert_eq!(world.push.log().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_survived_and_told_of_and_all_is_well_when_there_is_room_again() {
    if !may_mount() {
        return say("left out: mounting takes root");
    }
    let world = World::new("/mnt").await;
    let wrapper = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt && exec \"$@\"", "sh"];
    tokio::task::block_in_place(|| {
        let home = &world.home;
        let mut daemon = home.spawn(&mut home.wrapped(&wrapper, &["run"]));
        let is_there = |record: &str, push: &str| {
            within(Duration::from_secs(50), || {
                world.record().as_deref() == Some(record) && world.pushed().as_deref() == Some(push)
            })
        };
        assert!(is_there("192.0.2.1", "192.0.2.1"), "{}", home.log());
        // The mount is seen through the process that lives in it.
        let filler = format!("/proc/{}/root/mnt/filler", daemon.pid().as_raw_nonzero());
        fill(&filler);
        // A line more may still fit into the last block of the journal: so it takes a few.
        let mut last = 1;
        let known = within(Duration::from_secs(20), || {
            if is_there(&format!("192.0.2.{last}"), "192.0.2.1") && last < 5 {
                last += 1;
                home.write("records.address", &format!("192.0.2.{last}\n"));
                daemon.signal(Signal::USR1);
            }
            home.log().contains("the state cannot be written")
        });
        assert!(known, "{}", home.log());
        let last = format!("192.0.2.{last}");
        home.write("push.address", "192.0.2.9\n");
        daemon.signal(Signal::USR1);
        assert!(is_there(&last, "192.0.2.1"), "the one goes on\n{}", home.log());
        pause(Duration::from_secs(1));
        assert!(is_there(&last, "192.0.2.1"), "the other waits\n{}", home.log());
        world.says_unwritable(true);
        std::fs::remove_file(&filler).unwrap();
        assert!(within(Duration::from_secs(50), || home.log().contains("can be written again")), "{}", home.log());
        assert!(is_there(&last, "192.0.2.9"), "{}", home.log());
        let (said, _) = home.status();
        assert_eq!(said["status"]["state_is_writable"], true, "{said}");
        assert!(daemon.is_running());
        assert!(daemon.stop().success());
        assert!(!home.log().contains("panicked"), "{}", home.log());
    });
}

/// Writes until nothing more fits.
fn fill(path: &str) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}
