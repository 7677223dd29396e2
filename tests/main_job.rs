//! The main job: an address changes on a real interface, and a real name server behind a real OpenStack answers it.
//!
//! The rig (Designate, Keystone, BIND) runs in a namespace that stands for the internet; each case wires a namespace of its
//! own to it, in which the daemon runs. `.ci/run main_job` starts both and runs this; `--nocapture` shows the times.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests wait and take the time")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "times and the log of a case that failed are printed")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use driftless::report::status::RecordStatus;
use rustix::process::Signal;
use support::daemon::{Daemon, Place};
use support::namespace::Namespace;
use support::rig::{Calls, Rig};
use support::{until, wait};

const DEMO: [&str; 2] = ["demo", "demopass"];
const RIVAL: [&str; 2] = ["rival", "rivalpass"];

/// An account that the `openrc` variables describe, but for the password, which stands in a file.
const PASSWORD: &str = "password = { file = \"{dir}/password\" }";

/// A home whose interface has 198.51.100.7, and the default route to the rig.
fn home(rig: &Rig) -> Arc<Namespace> {
    let namespace = rig.home();
    namespace.ip("addr add 198.51.100.7/32 dev wan0");
    namespace.ip(&rig.route());
    Arc::new(namespace)
}

/// A daemon's folder, with one record.
fn place(rig: &Rig, namespace: &Arc<Namespace>, account: &str, name: &str, record: &str) -> Place {
    let text = format!(
        "[account.cloud]\nprovider = \"designate\"\nnameservers = [\"{}\"]\n{account}\n\n\
         [[record]]\nname = \"{name}\"\naccount = \"cloud\"\nprivate = true\n{record}\n\n\
         [defaults]\ncheck = \"30s\"\n\n[log]\nlevel = \"debug\"\n",
        rig.name_server()
    );
    let place = rig.openrc(Place::new(namespace, &text), &["OS_PASSWORD"]);
    place.secret("password", "demopass\n");
    place
}

/// The new address first, then the old one goes, as a DHCP client does it. The moment before the old one goes.
fn change(namespace: &Namespace, old: u8, new: u8) -> Instant {
    namespace.ip(&format!("addr add 198.51.100.{new}/32 dev wan0"));
    wait(0.2);
    let since = Instant::now();
    namespace.ip(&format!("addr del 198.51.100.{old}/32 dev wan0"));
    since
}

fn took(what: &str, since: Instant) {
    eprintln!("time: {what}: {:.2} s", since.elapsed().as_secs_f64());
}

/// Waits until a record set went the whole way: accepted, read back, seen in DNS.
fn proven(daemon: &Daemon, name: &str, rtype: &str, values: &[&str]) -> RecordStatus {
    daemon.wait_for(name, rtype, 40, "is proven", |record| {
        let all = record.taken().is_some() && record.read_back.is_some() && record.seen_in_dns.is_some();
        all && record.state == "up to date" && record.confirmed.as_deref().is_some_and(|confirmed| confirmed == values)
    })
}

#[test]
#[ignore = "needs root and the rig"]
fn a_changed_address_is_answered_by_the_name_server_a_moment_later() {
    let rig = Rig::find();
    let (zone, name) = (rig.zone(DEMO, "job.example.test"), "home.job.example.test");
    let namespace = home(&rig);
    let before = rig.calls();
    let daemon = place(&rig, &namespace, PASSWORD, name, "").start();
    let log = || daemon.log();
    let since = Instant::now();
    rig.answers(name, "A", &["198.51.100.7"], 30, log);
    took("created at the daemon's start, until the name server answers", since);
    proven(&daemon, name, "A", &["198.51.100.7"]);
    assert_eq!(zone.set(name, "A"), (vec!["198.51.100.7".into()], 1));

    for new in 8..11 {
        let since = change(&namespace, new - 1, new);
        rig.answers(name, "A", &[&format!("198.51.100.{new}")], 30, log);
        took("from `ip addr` to the name server's new answer", since);
        proven(&daemon, name, "A", &[&format!("198.51.100.{new}")]);
    }
    assert_eq!(zone.set(name, "A"), (vec!["198.51.100.10".into()], 4), "one write for each change");

    // The other family comes, and is replaced by a new prefix.
    let since = Instant::now();
    namespace.ip("addr add 2001:db8:1::7/64 dev wan0 nodad valid_lft 7200 preferred_lft 3600");
    namespace.ip("-6 route replace default via fe80::1 dev wan0");
    rig.answers(name, "AAAA", &["2001:db8:1::7"], 30, log);
    took("IPv6 added, settling included, until the name server answers", since);
    proven(&daemon, name, "AAAA", &["2001:db8:1::7"]);
    namespace.ip("addr add 2001:db8:2::7/64 dev wan0 nodad valid_lft 7200 preferred_lft 3600");
    wait(0.2);
    let since = Instant::now();
    namespace.ip("addr change 2001:db8:1::7/64 dev wan0 valid_lft 7200 preferred_lft 0");
    rig.answers(name, "AAAA", &["2001:db8:2::7"], 30, log);
    took("IPv6 renumbered, until the name server answers", since);
    proven(&daemon, name, "AAAA", &["2001:db8:2::7"]);
    assert_eq!((zone.set(name, "A").1, zone.set(name, "AAAA").1), (4, 2));
    let calls = rig.calls() - before;
    eprintln!("calls: {calls:?} for six changes, read back");
    assert_eq!((calls.logins, calls.writes), (1, 6), "{calls:?}: {}", daemon.log());
    // The zone is searched for by two names; each change is read before and read back, once more where it takes its time.
    assert!((14..=20).contains(&calls.reads), "{calls:?}: {}", daemon.log());
    daemon.stop();
}

#[test]
#[ignore = "needs root and the rig"]
fn a_wrong_password_is_tried_once_and_its_correction_is_found() {
    let rig = Rig::find();
    let (zone, name) = (rig.zone(DEMO, "password.example.test"), "home.password.example.test");
    let namespace = home(&rig);
    let place = place(&rig, &namespace, PASSWORD, name, "ipv6 = false");
    for by_signal in [true, false] {
        place.secret("password", "wrong\n");
        let before = rig.refused();
        let daemon = place.start();
        let held = |record: &RecordStatus| record.state == "held";
        let reason = daemon.wait_for(name, "A", 20, "is held", held).held.unwrap();
        assert_eq!((reason.reason.as_str(), reason.release.as_str()), ("refused", "driftless release cloud"));
        // Neither a plan, nor a look, nor the network, nor a restart is a reason to try it again.
        assert_eq!(place.json(&["plan"]).0, 77);
        daemon.signal(Signal::USR1);
        wait(1.0);
        namespace.ip("addr add 198.51.100.99/32 dev wan0");
        namespace.ip("addr del 198.51.100.99/32 dev wan0");
        wait(3.0);
        daemon.stop();
        let daemon = place.start();
        wait(2.0);
        assert_eq!(daemon.record(name, "A").state, "held");
        assert_eq!(rig.refused() - before, 1, "{}", daemon.log());
        place.secret("password", "demopass\n");
        let since = Instant::now();
        if by_signal {
            daemon.signal(Signal::HUP);
        }
        proven(&daemon, name, "A", &["198.51.100.7"]);
        took(if by_signal { "corrected and SIGHUP" } else { "corrected, found at the next check" }, since);
        assert_eq!(rig.refused() - before, 1);
        daemon.stop();
    }
    assert_eq!(zone.set(name, "A").1, 1);
}

#[test]
#[ignore = "needs root and the rig"]
fn a_reader_and_a_stranger_are_held_and_say_why() {
    let rig = Rig::find();
    let (zone, name) = (rig.zone(DEMO, "rights.example.test"), "home.rights.example.test");
    let _foreign = rig.zone(RIVAL, "foreign.example.test");
    let namespace = home(&rig);

    let reader = place(&rig, &namespace, PASSWORD, name, "ipv6 = false").with("OS_USERNAME", "looker");
    reader.secret("password", "lookerpass\n");
    let before = rig.calls();
    let daemon = reader.start();
    let held = daemon.wait_for(name, "A", 20, "is held", |record| record.state == "held").held.unwrap();
    assert_eq!(
        (held.reason.as_str(), held.release),
        ("refused", format!("driftless release {name}")),
        "{}",
        held.error
    );
    eprintln!("a reader is told: {}", held.error);
    daemon.signal(Signal::USR1);
    wait(2.0);
    assert_eq!(
        daemon.log().matches("creating home.rights").count(),
        2,
        "once as an error, once as a hold: {}",
        daemon.log()
    );
    let calls = rig.calls() - before;
    assert_eq!((calls.logins, calls.writes), (1, 1), "tried once: {}", daemon.log());
    // The rights of another user, who is named now, are tried at once.
    reader.secret("password", "demopass\n");
    let text = std::fs::read_to_string(reader.path("driftless.toml")).unwrap();
    std::fs::write(
        reader.path("driftless.toml"),
        text.replace("[account.cloud]", "[account.cloud]\nusername = \"demo\""),
    )
    .unwrap();
    daemon.signal(Signal::HUP);
    proven(&daemon, name, "A", &["198.51.100.7"]);
    assert_eq!(zone.set(name, "A").1, 1);
    daemon.stop();

    let foreign = "home.foreign.example.test";
    let daemon = place(&rig, &namespace, PASSWORD, foreign, "ipv6 = false").start();
    let held = daemon.wait_for(foreign, "A", 20, "is held", |record| record.state == "held").held.unwrap();
    assert_eq!(held.reason, "wrong", "{}", held.error);
    eprintln!("a stranger is told: {}", held.error);
    assert!(held.error.contains("zone"), "{}", held.error);
    daemon.stop();
}

#[test]
#[ignore = "needs root and the rig"]
fn an_interface_is_followed_through_everything_that_happens_to_it() {
    let rig = Rig::find();
    let (zone, name) = (rig.zone(DEMO, "follow.example.test"), "home.follow.example.test");
    // By an application credential, which knows its project.
    let credential = format!(
        "application_credential_id = \"{}\"\napplication_credential_secret = {{ file = \"{{dir}}/credential\" }}\n\
         auth_url = \"{}\"",
        rig.variable("RIG_APP_CRED_ID"),
        rig.variable("OS_AUTH_URL"),
    );
    let names = ["OS_USERNAME", "OS_PROJECT_NAME", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID", "OS_AUTH_URL"];
    let namespace = Arc::new(Namespace::bare());
    let remove = "absent = \"remove\"\nabsent_after = \"1m\"";
    let place = place(&rig, &namespace, &credential, name, remove).without(&names);
    place.secret("credential", &format!("{}\n", rig.variable("RIG_APP_CRED_SECRET")));

    // There is no network at boot: nobody is asked anything.
    let before = rig.calls();
    let daemon = place.start();
    let log = || daemon.log();
    wait(4.0);
    assert_eq!((daemon.record(name, "A").state.as_str(), rig.calls() - before), ("unknown", Calls::default()));
    let since = Instant::now();
    rig.wire(&namespace);
    namespace.set("net/ipv6/conf/wan0/keep_addr_on_down", "1");
    namespace.ip("addr add 198.51.100.7/32 dev wan0");
    namespace.ip("addr add 2001:db8:1::7/64 dev wan0 nodad");
    let up = || {
        namespace.ip(&rig.route());
        namespace.ip("-6 route replace default via fe80::1 dev wan0");
    };
    up();
    rig.answers(name, "A", &["198.51.100.7"], 30, log);
    rig.answers(name, "AAAA", &["2001:db8:1::7"], 30, log);
    took("the network came up, settling included, until the name server answers", since);
    proven(&daemon, name, "A", &["198.51.100.7"]);
    proven(&daemon, name, "AAAA", &["2001:db8:1::7"]);
    let calls = rig.calls() - before;
    assert_eq!((calls.logins, calls.writes), (1, 2), "{calls:?}");

    // Replaced, the old one gone first: the last address takes the default route along.
    let before = rig.calls();
    let since = Instant::now();
    namespace.ip("addr del 198.51.100.7/32 dev wan0");
    namespace.ip("addr add 198.51.100.8/32 dev wan0");
    up();
    rig.answers(name, "A", &["198.51.100.8"], 30, log);
    took("deleted, then another one added, settling included, until the name server answers", since);
    proven(&daemon, name, "A", &["198.51.100.8"]);

    // The link goes down, at either end, and comes back with its addresses.
    rig.set_far_end(&namespace, false);
    wait(2.5);
    rig.set_far_end(&namespace, true);
    wait(2.5);
    namespace.ip("link set wan0 down");
    wait(2.5);
    namespace.ip("link set wan0 up");
    up();
    wait(5.5);
    let calls = rig.calls() - before;
    assert_eq!((calls.logins, calls.writes), (0, 1), "{calls:?}: {}", daemon.log());
    assert!(calls.reads <= 12, "{calls:?}: {}", daemon.log());
    assert_eq!(
        (rig.dig(name, "A"), rig.dig(name, "AAAA")),
        (vec!["198.51.100.8".into()], vec!["2001:db8:1::7".into()])
    );

    // One family goes for good; the other one changes ten times within that minute.
    let before = rig.calls();
    let gone = Instant::now();
    namespace.ip("addr del 2001:db8:1::7/64 dev wan0");
    for flap in 1..=10 {
        let (new, old) = if flap % 2 == 1 { (9, 8) } else { (8, 9) };
        change(&namespace, old, new);
        std::thread::sleep((gone + Duration::from_secs(6 * flap)).saturating_duration_since(Instant::now()));
        if flap == 9 {
            assert_eq!(rig.dig(name, "AAAA"), ["2001:db8:1::7"], "it is not yet gone for a minute: {}", daemon.log());
        }
    }
    rig.answers(name, "AAAA", &[], 30, log);
    took("absent for a minute, removed, until the name server answers nothing", gone);
    assert!((59..75).contains(&gone.elapsed().as_secs()), "{:?}", gone.elapsed());
    rig.answers(name, "A", &["198.51.100.8"], 30, log);
    proven(&daemon, name, "A", &["198.51.100.8"]);
    assert_eq!(daemon.record(name, "AAAA").confirmed, Some(vec![]));
    assert!(zone.sets(name, "AAAA").is_empty());
    let calls = rig.calls() - before;
    eprintln!("flapping: {calls:?} for ten changes within a minute, and one removal");
    // Five at once and one more each twelve seconds; and the removal.
    assert!(calls.logins == 0 && (3..=11).contains(&calls.writes), "{calls:?}: {}", daemon.log());
    assert!(calls.reads <= 3 * calls.writes + 12, "{calls:?}: {}", daemon.log());
    daemon.stop();
}

#[test]
#[ignore = "needs root and the rig"]
fn a_name_server_that_hangs_leaves_a_change_pending_which_is_proven_once_it_goes_on() {
    let rig = Rig::find();
    let (zone, name) = (rig.zone(DEMO, "hangs.example.test"), "home.hangs.example.test");
    let namespace = home(&rig);
    let daemon = place(&rig, &namespace, PASSWORD, name, "ipv6 = false").start();
    proven(&daemon, name, "A", &["198.51.100.7"]);
    let frozen = rig.freeze_name_server();
    change(&namespace, 7, 8);
    daemon.wait_for(name, "A", 10, "is accepted", |record| {
        record.confirmed.as_deref().is_some_and(|confirmed| confirmed == ["198.51.100.8"])
    });
    wait(20.0);
    // Within the service's known delay that is no fault, and nothing is written again.
    let pending = daemon.record(name, "A");
    assert!(pending.read_back.is_none() && pending.seen_in_dns.is_none(), "{pending:#?}");
    assert_eq!((pending.error, zone.set(name, "A").1), (None, 2), "{}", daemon.log());
    // Whatever comes meanwhile is not lost.
    change(&namespace, 8, 9);
    daemon.wait_for(name, "A", 40, "is accepted", |record| {
        record.confirmed.as_deref().is_some_and(|confirmed| confirmed == ["198.51.100.9"])
    });
    drop(frozen);
    let since = Instant::now();
    rig.answers(name, "A", &["198.51.100.9"], 60, || daemon.log());
    took("the name server goes on: it answers after", since);
    let proven = proven(&daemon, name, "A", &["198.51.100.9"]);
    took("and it is read back and seen after", since);
    assert_eq!((proven.error, zone.set(name, "A")), (None, (vec!["198.51.100.9".into()], 3)));
    daemon.stop();
}

#[test]
#[ignore = "needs root and the rig"]
fn a_name_server_that_is_away_shows_as_pending_then_as_an_error_and_recovers() {
    let rig = Rig::find();
    let (zone, name) = (rig.zone(DEMO, "away.example.test"), "home.away.example.test");
    let namespace = home(&rig);
    let daemon = place(&rig, &namespace, PASSWORD, name, "ipv6 = false").start();
    proven(&daemon, name, "A", &["198.51.100.7"]);
    rig.script("dns-down", &[]);
    let since = change(&namespace, 7, 8);
    let accepted = daemon.wait_for(name, "A", 10, "is accepted", |record| {
        record.confirmed.as_deref().is_some_and(|confirmed| confirmed == ["198.51.100.8"])
    });
    assert!(accepted.read_back.is_none() && accepted.seen_in_dns.is_none(), "{accepted:#?}");
    let failing = daemon.wait_for(name, "A", 90, "shows an error", |record| record.error.is_some());
    took("the name server is down: an error shows after", since);
    assert!(failing.read_back.is_none() && failing.seen_in_dns.is_none(), "{failing:#?}");
    eprintln!("it says: {}", failing.says);
    rig.script("dns-up", &[]);
    let since = Instant::now();
    rig.answers(name, "A", &["198.51.100.8"], 60, || daemon.log());
    took("the name server is back: it answers after", since);
    let proven = daemon.wait_for(name, "A", 90, "is proven", |record| {
        record.state == "up to date" && record.read_back.is_some() && record.seen_in_dns.is_some()
    });
    took("and it is read back and seen after", since);
    assert_eq!(proven.error, None);
    let (records, version) = zone.set(name, "A");
    assert!(records == ["198.51.100.8"] && version <= 4, "{records:?}, written {version} times");
    eprintln!("written {} times for one change while the name server was away", version - 1);
    daemon.stop();
}

#[test]
#[ignore = "needs root and the rig"]
fn a_designate_that_restarts_and_tokens_that_expire_cost_no_write_more() {
    let rig = Rig::find();
    let (zone, name) = (rig.zone(DEMO, "restart.example.test"), "home.restart.example.test");
    let namespace = home(&rig);
    let daemon = place(&rig, &namespace, PASSWORD, name, "ipv6 = false").start();
    proven(&daemon, name, "A", &["198.51.100.7"]);
    rig.script("api-down", &[]);
    change(&namespace, 7, 8);
    let failing = daemon.wait_for(name, "A", 20, "is failing", |record| record.state == "failing");
    eprintln!("without Designate it says: {}", failing.says);
    rig.script("api-up", &[("KEYSTONE_TOKEN_SECONDS", "5")]);
    let since = Instant::now();
    rig.answers(name, "A", &["198.51.100.8"], 120, || daemon.log());
    took("Designate is back: the name server answers after", since);
    proven(&daemon, name, "A", &["198.51.100.8"]);

    // Tokens live five seconds now: each change meets an expired one.
    let before = (rig.refused(), daemon.log().matches("WARN").count());
    for new in 9..11 {
        wait(6.0);
        let since = change(&namespace, new - 1, new);
        rig.answers(name, "A", &[&format!("198.51.100.{new}")], 30, || daemon.log());
        took("with an expired token, until the name server's new answer", since);
        proven(&daemon, name, "A", &[&format!("198.51.100.{new}")]);
    }
    assert_eq!((rig.refused(), daemon.log().matches("WARN").count()), before, "{}", daemon.log());
    assert_eq!(zone.set(name, "A"), (vec!["198.51.100.10".into()], 4));
    daemon.stop();
    rig.script("api-down", &[]);
    rig.script("api-up", &[]);
}

/// Cases that take a minute or so each.
mod slow {
    use super::*;

    #[test]
    #[ignore = "needs root and the rig; slow"]
    fn a_daemon_that_is_killed_during_a_change_loses_and_doubles_nothing() {
        let rig = Rig::find();
        let (zone, name) = (rig.zone(DEMO, "killed.example.test"), "home.killed.example.test");
        let namespace = home(&rig);
        let place = place(&rig, &namespace, PASSWORD, name, "ipv6 = false");
        let mut daemon = place.start();
        proven(&daemon, name, "A", &["198.51.100.7"]);
        // At the change itself, then so long after the write has begun.
        for (round, pause) in [None, Some(0), Some(20), Some(300)].into_iter().enumerate() {
            let new = 8 + u8::try_from(round).unwrap();
            change(&namespace, new - 1, new);
            if let Some(pause) = pause {
                daemon.logged(&format!("198.51.100.{} -> 198.51.100.{new}", new - 1), 1, 10);
                std::thread::sleep(Duration::from_millis(pause));
            }
            daemon.kill();
            let landed = zone.set(name, "A").0 == [format!("198.51.100.{new}")];
            eprintln!("killed {pause:?} ms after the write began: it had {}landed", if landed { "" } else { "not " });
            daemon = place.start();
            rig.answers(name, "A", &[&format!("198.51.100.{new}")], 40, || daemon.log());
            proven(&daemon, name, "A", &[&format!("198.51.100.{new}")]);
            let version = zone.set(name, "A").1;
            assert_eq!(version, 2 + u64::try_from(round).unwrap(), "one write for each change: {}", daemon.log());
        }
        until("idle", 10, || if daemon.record(name, "A").state == "up to date" { Ok(()) } else { Err(daemon.log()) });
        daemon.stop();
    }
}
