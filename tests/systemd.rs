//! The shipped unit under a systemd of its own: what it promises to an operator, for real.
//!
//! Each test boots one with `tests/rig/systemd.sh` and installs with `packaging/install`; as root:
//!
//!     cargo test --test systemd -- --ignored
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a test waits and measures; its server starts tasks")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "a test says what it measured, or that it skips a part")]

use std::time::{Duration, Instant};

#[path = "support/authority.rs"]
mod authority;
#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "systemd/rig.rs"]
mod rig;
#[path = "systemd/world.rs"]
mod world;

use rig::{Rig, smallest};
use world::{SERVICE, World};

/// Publishable ones, and nobody's: the rig's network has no way out.
const V4: &str = "9.9.7.7";
const NEXT_V4: &str = "9.9.7.8";
const V6: &str = "2620:fe::7";

/// A zone file in the state folder, with commands on both sides: they run inside the unit too.
const LOCAL: &str = r#"
[account.local]
provider = "zonefile"
path = "/var/lib/driftless/home.zone"
zone = "home.arpa"
reload = ["/usr/bin/touch", "/var/lib/driftless/reloaded"]
[[record]]
name = "NAME.home.arpa"
account = "local"
ipv4 = { command = ["/bin/echo", "192.0.2.7"] }
ipv6 = "off"
private = true
"#;

fn local(name: &str) -> String {
    LOCAL.replace("NAME", name)
}

/// A rig with the daemon running on a zone file.
fn running() -> Rig {
    let rig = Rig::boot();
    rig.configure(&local("one"));
    rig.run("systemctl start driftless");
    rig.until("the first record is in the zone file", 10, || zone(&rig).contains("192.0.2.7"));
    rig
}

fn zone(rig: &Rig) -> String {
    std::fs::read_to_string(rig.path("/var/lib/private/driftless/home.zone")).unwrap_or_default()
}

/// The unit's process as `/proc` of the rig shows it.
fn process(rig: &Rig, file: &str) -> std::path::PathBuf {
    rig.path(&format!("/proc/{}/{file}", rig.show("MainPID")))
}

fn set(address: &str) -> Option<String> {
    Some(address.to_owned())
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn the_smallest_configuration_publishes_what_the_kernel_says_with_all_hardening_on() {
    let rig = Rig::boot();
    let world = World::within(&rig);
    rig.configure(&smallest(&format!("https://{SERVICE}")));
    // Type=notify: this returns when the daemon says READY=1.
    rig.run("systemctl start driftless");
    assert_eq!((rig.show("ActiveState"), rig.show("Type")), ("active".into(), "notify".into()));
    rig.until("systemd knows the summary", 5, || rig.show("StatusText") == "2 unknown");

    // The kernel is heard, the service's name is resolved, its certificate is trusted, the credential is right.
    rig.run(&format!("ip addr add {V4}/24 dev wan0"));
    let took = rig.until("the address is published", 20, || world.holds() == [set(V4), None]);
    eprintln!("the first address took {took:?}");
    rig.run(&format!("ip addr add {V6}/64 dev wan0 nodad"));
    let took = rig.until("the second family is published", 20, || world.holds() == [set(V4), set(V6)]);
    eprintln!("the second family took {took:?}");
    rig.until("systemd knows that all is well", 20, || rig.show("StatusText") == "2 up to date");

    // DynamicUser, without any right, behind the seccomp filter.
    let status = process(&rig, "status");
    let user = world::field(&status, "Uid").unwrap();
    let uids: Vec<u32> = user.split_whitespace().map(|uid| uid.parse().unwrap()).collect();
    assert!(uids.iter().all(|uid| (61184..=65519).contains(uid)), "{user}");
    for (field, value) in [("CapEff", "0000000000000000"), ("NoNewPrivs", "1"), ("Seccomp", "2")] {
        assert_eq!(world::field(&status, field).unwrap(), value, "{field}");
    }
    let folder = rig.run("stat -L -c %U:%a /var/lib/driftless");
    assert_eq!(folder.trim(), "driftless:700");
    assert!(rig.path("/var/lib/private/driftless/lock").exists());

    // The socket answers to root, and to nobody else.
    let shown = rig.status();
    assert_eq!(shown["running"], true);
    assert_eq!(shown["status"]["records"][0]["wanted"][0], V4);
    let other = rig.attempt("setpriv --reuid 65534 --regid 65534 --clear-groups driftless status");
    assert_eq!(other.status.code(), Some(77), "{other:?}");
    let check = rig.run("driftless check --strict");
    assert!(check.contains("0 warnings"), "{check}");

    let journal = rig.journal();
    assert!(journal.iter().any(|(priority, message)| *priority == 6 && message.contains("starts: 1 name, 1 account")));
    assert!(!journal.iter().any(|(_, message)| message.contains("s3cret")), "{journal:?}");

    a_restart_keeps_the_state_and_sends_nothing(&rig, &world);
    rig.run(&format!("ip addr del {V4}/24 dev wan0"));
    rig.run(&format!("ip addr add {NEXT_V4}/24 dev wan0"));
    let took = rig.until("the new address is published", 20, || world.holds() == [set(NEXT_V4), set(V6)]);
    eprintln!("another address took {took:?}");
    rig.until("the zone's own server is believed", 90, || {
        !rig.status()["status"]["records"][0]["seen_in_dns"].is_null()
    });
}

fn a_restart_keeps_the_state_and_sends_nothing(rig: &Rig, world: &World) {
    let before = world.updates();
    assert!(before > 0);
    let start = Instant::now();
    rig.run("systemctl stop driftless");
    let took = start.elapsed();
    eprintln!("stopping took {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!((rig.show("Result"), rig.show("ExecMainStatus")), ("success".into(), "0".into()));
    rig.run("systemctl start driftless");
    rig.until("all is well without a word", 10, || rig.show("StatusText") == "2 up to date");
    // Longer than anything that settles at the start.
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(world.updates(), before, "{:?}", world.server.log());
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn a_reload_takes_effect_and_a_broken_file_changes_nothing() {
    let rig = running();
    let pid = rig.show("MainPID");
    rig.configure(&local("two"));
    rig.run("systemctl reload driftless");
    rig.until("the other name is in the zone file", 10, || zone(&rig).contains("two"));
    rig.journal_says("the configuration was read again");
    assert!(rig.path("/var/lib/private/driftless/reloaded").exists(), "the zone file's command ran");

    // systemd's own reload finds it out first, and tells the operator.
    rig.configure(&local("three").replace("ipv6", "ipv5"));
    let reload = rig.attempt("systemctl reload driftless");
    assert_eq!(reload.status.code(), Some(1), "{reload:?}");
    assert_eq!(rig.journal_says("`ipv5` is not a key of a record"), 3);
    assert!(!rig.journal().iter().any(|(_, message)| message.contains("in force is kept")));
    // Whoever sends the signal directly finds it in the journal.
    rig.run("systemctl kill -s HUP driftless");
    assert_eq!(rig.journal_says("the configuration in force is kept: /etc/driftless/driftless.toml:"), 3);
    let shown = rig.attempt("driftless status --json");
    assert!(String::from_utf8_lossy(&shown.stderr).contains("goes by what it read before"), "{shown:?}");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("two.home.arpa"), "{shown:?}");
    assert_eq!((rig.show("ActiveState"), rig.show("MainPID")), ("active".into(), pid));
    assert!(!zone(&rig).contains("three"));
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn systemd_is_told_of_a_reload_that_it_did_not_ask_for() {
    let rig = running();
    let before = rig.number("StateChangeTimestampMonotonic");
    let pid = rig.show("MainPID");
    rig.run("systemctl kill -s HUP driftless");
    // RELOADING=1 and READY=1 are two changes of state; nothing else makes any.
    rig.until("systemd saw the reload", 10, || rig.number("StateChangeTimestampMonotonic") > before);
    rig.until("the reload ended", 10, || rig.show("ActiveState") == "active");
    assert_eq!((rig.show("SubState"), rig.show("MainPID")), ("running".into(), pid));
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn a_loop_that_works_feeds_the_watchdog_and_one_that_hangs_is_started_anew() {
    let rig = running();
    rig.drop_in("watchdog", "WatchdogSec=2\nRestartSec=2");
    rig.run("systemctl restart driftless");
    let (pid, fed) = (rig.show("MainPID"), rig.number("WatchdogTimestampMonotonic"));
    rig.until("the watchdog is fed", 5, || rig.number("WatchdogTimestampMonotonic") > fed);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!((rig.show("MainPID"), rig.number("NRestarts")), (pid.clone(), 0), "nothing else than a hang ends it");

    rig.run(&format!("kill -STOP {pid}"));
    let took = rig.until("the watchdog strikes", 10, || rig.show("Result") == "watchdog");
    eprintln!("a hanging loop was ended after {took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    rig.until("systemd starts another", 10, || rig.number("NRestarts") == 1);
    rig.until("it runs again", 10, || rig.show("ActiveState") == "active" && rig.show("StatusText") == "1 up to date");
    assert_ne!(rig.show("MainPID"), pid);
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn a_wrong_configuration_is_told_and_not_started_again_and_a_crash_is() {
    let rig = Rig::boot();
    rig.drop_in("soon", "RestartSec=100ms");
    rig.configure(&local("one").replace("zonefile", "zonefil"));
    let start = rig.attempt("systemctl start driftless");
    assert_eq!(start.status.code(), Some(1), "{start:?}");
    assert_eq!(rig.journal_says("/etc/driftless/driftless.toml:3:12: "), 3);
    std::thread::sleep(Duration::from_secs(1));
    let state = ["ActiveState", "ExecMainStatus", "NRestarts"].map(|property| rig.show(property));
    assert_eq!(state, ["failed", "78", "0"]);

    rig.configure(&local("one"));
    rig.run("systemctl start driftless");
    rig.until("the record is written", 10, || zone(&rig).contains("192.0.2.7"));
    rig.run("systemctl kill -s KILL driftless");
    rig.until("it is started again", 10, || rig.number("NRestarts") == 1 && rig.show("StatusText") == "1 up to date");
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn the_unit_is_as_closed_as_it_says() {
    let rig = Rig::boot();
    let verify = rig.attempt("systemd-analyze verify --man=no /usr/lib/systemd/system/driftless.service");
    let said = String::from_utf8_lossy(&verify.stderr).into_owned();
    let known = |line: &&str| line.contains("RestartSteps") || line.contains("RestartMaxDelaySec");
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("driftless") && !known(line)).collect();
    assert!(verify.status.success() && ours.is_empty(), "{said}");

    let unit = "/usr/lib/systemd/system/driftless.service";
    let security = rig.attempt(&format!("systemd-analyze security --no-pager --offline=true {unit}"));
    let said = String::from_utf8_lossy(&security.stdout).into_owned();
    let Some((_, score)) = said.split_once("Overall exposure level for driftless.service: ") else {
        // systemd 250 and later look at a file.
        eprintln!("SKIPPED: this systemd-analyze does not judge a file: {}", String::from_utf8_lossy(&security.stderr));
        return;
    };
    let score: f64 = score.split_whitespace().next().unwrap().parse().unwrap();
    eprintln!("exposure {score}");
    assert!(score <= 1.1, "{said}");
}
