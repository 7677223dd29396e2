//! The Debian package in a Debian of its own, under the systemd of that: installed, at work, upgraded, removed and purged.
//!
//! As root, with what the step `debian` of `.ci/run` makes first:
//!
//!     .ci/run debian
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test is told by variables where the packages are; its server starts tasks"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "the world says what it measured")]
#![expect(dead_code, reason = "the rig is shared with the tests of the unit, which use more of it")]

use std::fs;

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

/// The versions that the step makes: one before, and the one that the changelog names.
const OLD: &str = "0.0.9-1";
const NEW: &str = "0.1.0-1";
/// Publishable ones, and nobody's: the rig's network has no way out.
const FIRST: &str = "9.9.7.7";
const SECOND: &str = "9.9.7.8";
const CONFIGURATION: &str = "/etc/driftless/driftless.toml";

/// A variable of the step.
fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: .ci/run debian"))
}

/// The package of a version, put into the Debian's `/root`.
fn package(rig: &Rig, version: &str) -> String {
    let packages = fs::read_dir(given("DRIFTLESS_DEBS")).unwrap().map(|entry| entry.unwrap().path());
    let is_it = |name: &str| name.starts_with(&format!("driftless_{version}_"));
    let path = packages.into_iter().find(|path| path.file_name().is_some_and(|name| is_it(&name.to_string_lossy())));
    let inside = format!("/root/{version}.deb");
    fs::copy(path.unwrap_or_else(|| panic!("no package of {version}")), rig.path(&inside)).unwrap();
    inside
}

fn state(rig: &Rig) -> [String; 2] {
    ["ActiveState", "UnitFileState"].map(|property| rig.show(property))
}

#[test]
#[ignore = "needs root, a Debian of its own and the packages: .ci/run debian"]
fn the_package_is_installed_does_its_work_and_goes_without_a_trace() {
    let rig = Rig::of(&given("DEBIAN_ROOT"));
    let (old, new) = (package(&rig, OLD), package(&rig, NEW));

    // As it comes it runs, publishes nothing, and says so.
    rig.run(&format!("dpkg -i {old}"));
    assert_eq!(state(&rig), ["active", "enabled"]);
    rig.journal_says("there is no [[record]]: nothing is published");
    assert_eq!(rig.number("NRestarts"), 0);
    let check = rig.run("driftless check");
    assert!(check.contains("0 accounts") && check.contains("0 names"), "{check}");
    let example = rig.run("driftless --config /usr/share/doc/driftless/examples/driftless.toml check");
    assert!(example.contains("1 account"), "{example}");

    // Configured, it does its work.
    let world = World::within(&rig);
    rig.give_password();
    rig.configure(&smallest(&format!("https://{SERVICE}")));
    rig.run("systemctl restart driftless");
    world.follows(&rig, None, FIRST);
    an_upgrade_keeps_what_the_operator_did(&rig, &world, &new);
    removed_and_purged(&rig, &world, &new);
}

fn an_upgrade_keeps_what_the_operator_did(rig: &Rig, world: &World, new: &str) {
    let zone = "[account.local]\nprovider = \"zonefile\"\npath = \"/var/lib/driftless-lan/lan.zone\"\nzone = \"lan.arpa\"\n\
        [[record]]\nname = \"a.lan.arpa\"\naccount = \"local\"\nipv4 = { command = [\"/bin/echo\", \"192.0.2.7\"] }\nipv6 = \"off\"\nprivate = true\n";
    rig.write("/etc/driftless/lan.toml", zone);
    rig.run("systemctl start driftless@lan");
    let instance = || rig.run("systemctl show -P MainPID driftless@lan");
    let (configuration, sent) = (fs::read_to_string(rig.path(CONFIGURATION)).unwrap(), world.updates());
    let (pid, instance_before) = (rig.show("MainPID"), instance());
    rig.run(&format!("dpkg -i {new}"));
    assert_eq!(rig.run("dpkg-query -W -f ${Version} driftless"), NEW);
    assert_eq!(fs::read_to_string(rig.path(CONFIGURATION)).unwrap(), configuration);
    assert_eq!(state(rig), ["active", "enabled"]);
    assert_ne!(rig.show("MainPID"), pid, "the new program runs");
    assert_ne!(instance(), instance_before, "in instances, too");
    rig.until("all is well without a word", 10, || rig.show("StatusText").contains("1 up to date"));
    assert_eq!(world.updates(), sent, "{:?}", world.server.log());
    world.follows(rig, Some(FIRST), SECOND);

    // Who stopped it for good finds it so.
    rig.run("systemctl disable --now driftless");
    rig.run(&format!("dpkg -i {new}"));
    assert_eq!(state(rig), ["inactive", "disabled"]);
    rig.run("systemctl enable --now driftless");
}

fn removed_and_purged(rig: &Rig, world: &World, package: &str) {
    rig.run("dpkg -r driftless");
    assert_eq!(rig.show("ActiveState"), "inactive");
    assert_eq!(rig.run("systemctl show -P ActiveState driftless@lan").trim(), "inactive");
    assert!(!rig.path("/usr/bin/driftless").exists() && rig.path(CONFIGURATION).exists());
    let sent = world.updates();
    rig.run(&format!("dpkg -i {package}"));
    assert_eq!(state(rig), ["active", "enabled"]);
    rig.until("it remembers", 10, || rig.show("StatusText").contains("1 up to date"));
    assert_eq!(world.updates(), sent, "{:?}", world.server.log());

    rig.run("dpkg -P driftless");
    let left = rig.run("find / -xdev -name *driftless* -not -path /root/* -not -path /sys/*");
    // What the operator wrote for systemd is not the package's.
    assert_eq!(left, "/etc/systemd/system/driftless.service.d\n");
}
