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
    // "2 unknown", and soon, as the kernel knows of no IPv6 address, "1 unknown, 1 unmanaged".
    rig.until("systemd knows the summary", 5, || rig.show("StatusText").contains(" unknown"));

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
    the_journal_can_be_asked_for_a_record_an_account_and_a_change(&rig);

    a_restart_keeps_the_state_and_sends_nothing(&rig, &world);
    rig.run(&format!("ip addr del {V4}/24 dev wan0"));
    rig.run(&format!("ip addr add {NEXT_V4}/24 dev wan0"));
    let took = rig.until("the new address is published", 20, || world.holds() == [set(NEXT_V4), set(V6)]);
    eprintln!("another address took {took:?}");
    rig.until("the zone's own server is believed", 90, || {
        !rig.status()["status"]["records"][0]["seen_in_dns"].is_null()
    });
}

fn the_journal_can_be_asked_for_a_record_an_account_and_a_change(rig: &Rig) {
    let of = |matches: &str| rig.entries(&format!("_SYSTEMD_UNIT=driftless.service {matches}"));
    let change = format!("unknown -> {V4}");
    let found = rig.entries("DRIFTLESS_ACCOUNT=home").into_iter().find(|entry| entry["DRIFTLESS_CHANGE"] == *change);
    let found = found.unwrap_or_else(|| panic!("{:?}", of("")));
    assert_eq!(found["DRIFTLESS_RECORD"], "home.example.org A");
    assert_eq!((&found["SYSLOG_IDENTIFIER"], &found["_TRANSPORT"]), (&"driftless".into(), &"journal".into()));
    assert!(found["MESSAGE"].as_str().unwrap().contains(&format!("now holds {V4}")), "{found}");
    let other = of("DRIFTLESS_RECORD=other.example.org");
    assert!(other.is_empty(), "{other:?}");
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
    struck_and_started_again(&rig, &pid, || {});
}

/// The watchdog, of two seconds, strikes; what was in the way is taken out of it; another process does the work.
fn struck_and_started_again(rig: &Rig, pid: &str, mend: impl FnOnce()) {
    let took = rig.until("the watchdog strikes", 10, || rig.show("Result") == "watchdog");
    eprintln!("a hanging loop was ended after {took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    mend();
    rig.until("systemd starts another", 10, || rig.number("NRestarts") == 1);
    rig.until("it runs again", 10, || rig.show("ActiveState") == "active" && zone(rig).contains("192.0.2.7"));
    assert_ne!(rig.show("MainPID"), pid);
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn a_process_that_lives_while_its_loop_hangs_is_started_anew() {
    let rig = Rig::boot();
    let secret = "/etc/driftless/api_key";
    rig.write(secret, "sk_test_0123456789\n");
    let account = format!(
        "[account.away]\nprovider = \"pocketdns\"\nendpoint = \"http://127.0.0.1:9\"\napi_key = {{ file = \"{secret}\" }}\n\
         domain_id = \"dom_abc123\"\n\
         [[record]]\nname = \"away.example.org\"\naccount = \"away\"\nipv4 = {{ command = [\"/bin/echo\", \"192.0.2.7\"] }}\n\
         ipv6 = \"off\"\nprivate = true\n"
    );
    rig.configure(&format!("{}{account}", local("one")));
    rig.drop_in("watchdog", "WatchdogSec=2\nRestartSec=2");
    rig.run("systemctl start driftless");
    rig.until("the first record is in the zone file", 10, || zone(&rig).contains("192.0.2.7"));
    let pid = rig.show("MainPID");

    // What a dead network file system does: to open the file takes for ever. The process itself is well, and takes signals.
    rig.run(&format!("rm {secret}"));
    rig.run(&format!("mkfifo -m 644 {secret}"));
    rig.run("systemctl kill -s USR1 driftless");
    std::thread::sleep(Duration::from_millis(500));
    let state = world::field(&process(&rig, "status"), "State").unwrap();
    assert!(state.starts_with('S'), "it is not stopped: {state}");
    struck_and_started_again(&rig, &pid, || {
        rig.run(&format!("rm {secret}"));
        rig.write(secret, "sk_test_0123456789\n");
    });
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn a_credential_that_is_sealed_to_the_machine_is_read() {
    let rig = Rig::boot();
    let world = World::within(&rig);
    let sealed = "/etc/driftless/dyndns.cred";
    rig.run(&format!("systemd-creds encrypt --with-key=host --name=dyndns /etc/driftless/dyndns.password {sealed}"));
    assert!(!std::fs::read_to_string(rig.path(sealed)).unwrap().contains("s3cret"));
    rig.run("rm /etc/driftless/dyndns.password");
    rig.drop_in("credentials", &format!("LoadCredentialEncrypted=dyndns:{sealed}"));
    rig.configure(&smallest(&format!("https://{SERVICE}")));
    rig.run("systemctl start driftless");
    world.follows(&rig, None, V4);
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn a_round_by_the_timer_does_the_daemon_s_work_with_the_daemon_s_state() {
    let rig = Rig::boot();
    rig.configure(&local("one"));
    rig.run("systemctl start driftless-once.timer");
    assert_eq!(rig.run("systemctl show -P ActiveState driftless-once.timer").trim(), "active");
    rig.run("systemctl start driftless-once.service");
    assert!(zone(&rig).contains("192.0.2.7"), "{}", zone(&rig));
    let next = rig.run("systemctl show -P NextElapseUSecMonotonic driftless-once.timer");
    assert!(!["", "0", "infinity"].contains(&next.trim()), "{next}");
    assert!(!rig.entries("_SYSTEMD_UNIT=driftless-once.service DRIFTLESS_ACCOUNT=local").is_empty());

    // Under the same user: neither has to hand the state over to the other.
    rig.run("systemctl start driftless");
    rig.until("all is well", 10, || rig.show("StatusText") == "1 up to date");
    assert_eq!(rig.journal().iter().filter(|(_, message)| message.contains("now holds")).count(), 0, "it was done");
    rig.run("systemctl start driftless-once.service");
    let skipped = rig.run("systemctl show -P ConditionResult driftless-once.service");
    assert_eq!((skipped.trim(), rig.show("ActiveState").as_str()), ("no", "active"));
}

#[test]
#[ignore = "needs root: a systemd of its own"]
fn instances_have_their_own_file_state_and_socket() {
    let rig = running();
    rig.write("/etc/driftless/office.toml", &local("desk").replace("/driftless/", "/driftless-office/"));
    rig.run("systemctl start driftless@office");
    let desk = || std::fs::read_to_string(rig.path("/var/lib/private/driftless-office/home.zone")).unwrap_or_default();
    rig.until("the instance does its work", 10, || desk().contains("desk"));
    assert!(!zone(&rig).contains("desk") && !desk().contains("one"));
    let shown = rig.run("driftless status --socket /run/driftless-office/driftless.sock --json");
    assert!(shown.contains("desk.home.arpa") && !shown.contains("one.home.arpa"), "{shown}");
    assert!(rig.run("driftless status --json").contains("one.home.arpa"));

    rig.write("/etc/driftless/office.toml", "nonsense");
    assert_eq!(rig.attempt("systemctl reload driftless@office").status.code(), Some(1));
    rig.run("systemctl stop driftless@office");
    assert_eq!(rig.show("ActiveState"), "active");
    assert!(!rig.path("/run/driftless-office").exists() && rig.path("/run/driftless/driftless.sock").exists());
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
fn the_units_are_as_closed_as_they_say() {
    let rig = Rig::boot();
    for unit in ["driftless.service", "driftless@.service", "driftless-once.service", "driftless-once.timer"] {
        let unit = format!("/usr/lib/systemd/system/{unit}");
        let verify = rig.attempt(&format!("systemd-analyze verify --man=no {unit}"));
        let said = String::from_utf8_lossy(&verify.stderr).into_owned();
        let known = |line: &&str| line.contains("RestartSteps") || line.contains("RestartMaxDelaySec");
        let ours: Vec<&str> = said.lines().filter(|line| line.contains("driftless") && !known(line)).collect();
        assert!(verify.status.success() && ours.is_empty(), "{said}");
        if unit.ends_with(".service") {
            exposed(&rig, &unit);
        }
    }
}

fn exposed(rig: &Rig, unit: &str) {
    let security = rig.attempt(&format!("systemd-analyze security --no-pager --offline=true {unit}"));
    let said = String::from_utf8_lossy(&security.stdout).into_owned();
    let Some((_, score)) = said.split_once("Overall exposure level for ") else {
        // systemd 250 and later look at a file.
        eprintln!("SKIPPED: this systemd-analyze does not judge a file: {}", String::from_utf8_lossy(&security.stderr));
        return;
    };
    let score: f64 = score.split_whitespace().nth(1).unwrap().parse().unwrap();
    eprintln!("exposure of {unit}: {score}");
    assert!(score <= 1.1, "{said}");
}
