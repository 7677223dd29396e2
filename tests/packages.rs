//! The packages for other systems: built, installed in a clean root, and doing the main job there.
//!
//! As root, with what the steps of `.ci/run full` make first:
//!
//!     .ci/run rpm arch openwrt
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests wait, and are told by variables where things are; servers start tasks"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "the world says what it measured")]
#![expect(dead_code, reason = "the rig is shared with the tests of the unit, which use more of it")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "systemd/rig.rs"]
mod rig;
mod support;
#[path = "systemd/world.rs"]
mod world;

use rig::{Rig, smallest};
use support::dyndns2::{Dyndns2, Rules};
use support::http::Received;
use support::namespace::{Namespace, run};
use support::served::Served;
use support::{dyndns2, http, until};
use world::{SERVICE, World};

const FIRST: &str = "9.9.7.7";
const SECOND: &str = "9.9.7.8";

/// A variable of the step.
fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: .ci/run rpm arch openwrt"))
}

/// What `packaging/install --package` installs, which is what every package has.
fn listed() -> BTreeSet<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut install = Command::new("packaging/install");
    run(install.args(["--package", "--binary", &given("DRIFTLESS_STATIC"), "--destdir"]).arg(dir.path()));
    files(dir.path(), dir.path())
}

/// The files below a folder, manuals without their compression.
fn files(folder: &Path, top: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, top));
        } else {
            let path = path.strip_prefix(top).unwrap().display().to_string();
            found.insert(format!("/{}", path.trim_end_matches(".gz")));
        }
    }
    found
}

/// The unit of a package that was just installed does the main job.
fn does_its_work(rig: &Rig) {
    assert_eq!(rig.show("ActiveState"), "inactive", "it starts when it is enabled");
    rig.run("systemctl daemon-reload");
    rig.run("systemctl enable --now driftless");
    rig.journal_says("there is no [[record]]: nothing is published");
    let world = World::within(rig);
    rig.give_password();
    rig.configure(&smallest(&format!("https://{SERVICE}")));
    rig.run("systemctl restart driftless");
    world.follows(rig, None, FIRST);
    world.follows(rig, Some(FIRST), SECOND);
}

#[test]
#[ignore = "needs root, a clean root, rpmbuild and a binary: .ci/run rpm"]
fn the_rpm_does_its_work_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let define = |name: &str, value: &str| ["--define".to_owned(), format!("{name} {value}")];
    let mut build = Command::new("rpmbuild");
    build
        .args(["-bb", "--build-in-place", "--nodeps", "--quiet"])
        .args(define("_topdir", dir.path().to_str().unwrap()));
    run(build.args(define("binary", &given("DRIFTLESS_STATIC"))).arg("packaging/rpm/driftless.spec"));
    let built: Vec<PathBuf> =
        fs::read_dir(dir.path().join("RPMS/x86_64")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [package] = built.as_slice() else { panic!("{built:?}") };
    let content = run(Command::new("rpm").args(["-qlp", "--noartifact"]).arg(package));
    let content = String::from_utf8(content.stdout).unwrap();
    let packed: BTreeSet<String> = content.lines().map(|line| line.trim_end_matches(".gz").to_owned()).collect();
    let ours = packed.iter().filter(|path| !path.contains("licenses") && *path != "/etc/driftless").cloned().collect();
    assert_eq!(listed(), ours);
    assert_eq!(packed.iter().filter(|path| path.contains("/LICENSE-")).count(), 2, "{packed:?}");
    let kept = run(Command::new("rpm").args(["-qcp"]).arg(package));
    assert_eq!(String::from_utf8(kept.stdout).unwrap(), "/etc/driftless/driftless.toml\n");

    let rig = Rig::of(&given("DEBIAN_ROOT"));
    let rpm = |words: &[&str]| run(Command::new("rpm").arg("--root").arg(rig.path("/")).args(words));
    rpm(&["-i", "--nodeps", package.to_str().unwrap()]);
    does_its_work(&rig);
    rig.run("systemctl disable --now driftless");
    rpm(&["-e", "driftless"]);
    assert!(
        !rig.path("/usr/bin/driftless").exists() && !rig.path("/usr/lib/systemd/system/driftless.service").exists()
    );
    let kept = fs::read_to_string(rig.path("/etc/driftless/driftless.toml.rpmsave")).unwrap();
    assert!(kept.contains(SERVICE), "what the operator wrote is kept");
}

#[test]
#[ignore = "needs root, a clean root and a binary: .ci/run arch"]
fn the_package_for_arch_does_its_work() {
    let dir = tempfile::tempdir().unwrap();
    let (sources, package) = (dir.path().join("src"), dir.path().join("pkg"));
    fs::create_dir_all(sources.join("target/release")).unwrap();
    fs::copy(given("DRIFTLESS_STATIC"), sources.join("target/release/driftless")).unwrap();
    // As makepkg does: the file is read by bash, in its own folder, and its functions end at the first failure.
    let script = "set -euo pipefail; startdir=$PWD; . ./PKGBUILD; package; printf '%s\n' \"${backup[@]}\"";
    let mut makepkg = Command::new("bash");
    makepkg.args(["-c", script]).current_dir("packaging/arch").env("srcdir", &sources).env("pkgdir", &package);
    assert_eq!(String::from_utf8(run(&mut makepkg).stdout).unwrap(), "etc/driftless/driftless.toml\n");
    let packed = files(&package, &package);
    let ours = packed.iter().filter(|path| !path.contains("/licenses/")).cloned().collect();
    assert_eq!(listed(), ours);
    assert_eq!(packed.len(), listed().len() + 2);

    let rig = Rig::of(&given("DEBIAN_ROOT"));
    run(Command::new("cp").args(["-R", "--preserve=mode", "--no-target-directory"]).arg(&package).arg(rig.path("/")));
    does_its_work(&rig);
}

/// A root as OpenWrt has it: busybox, uci and procd, as far as the package uses them, and the package as its Makefile installs it.
fn router(root: &Path) {
    let sdk = root.join("sdk");
    for folder in ["feeds/packages/lang/rust", "bin", "program"] {
        fs::create_dir_all(sdk.join(folder)).unwrap();
    }
    fs::copy("tests/openwrt/rules.mk", sdk.join("rules.mk")).unwrap();
    fs::write(sdk.join("package.mk"), "").unwrap();
    fs::write(sdk.join("feeds/packages/lang/rust/rust-package.mk"), "").unwrap();
    fs::copy(given("DRIFTLESS_STATIC"), sdk.join("bin/driftless")).unwrap();
    let image = root.join("image");
    let mut make = Command::new("make");
    make.args(["-C", "packaging/openwrt", "installed"]).arg(format!("TOPDIR={}", sdk.display()));
    run(make.arg(format!("DESTDIR={}", image.display())).arg(format!("PKG_INSTALL_DIR={}", sdk.display())));
    let expected =
        ["/etc/config/driftless", "/etc/init.d/driftless", "/usr/bin/driftless", "/usr/libexec/driftless/uci-to-toml"];
    assert_eq!(files(&image, &image), BTreeSet::from(expected.map(str::to_owned)));

    for folder in ["bin", "sbin", "usr/sbin", "dev", "proc", "tmp", "var/run"] {
        fs::create_dir_all(image.join(folder)).unwrap();
    }
    fs::copy(given("BUSYBOX"), image.join("bin/busybox")).unwrap();
    run(Command::new("chroot").arg(&image).args(["/bin/busybox", "--install", "-s"]));
    for (from, to) in [("tests/openwrt/uci", "sbin/uci"), ("tests/openwrt/rc.common", "etc/rc.common")] {
        fs::copy(from, image.join(to)).unwrap();
    }
    fs::write(
        image.join("etc/passwd"),
        "root:x:0:0::/root:/bin/sh\ndriftless:x:65536:65536::/var/run/driftless:/bin/false\n",
    )
    .unwrap();
    fs::write(image.join("etc/group"), "root:x:0:\ndriftless:x:65536:\n").unwrap();
    run(Command::new("mknod").args(["-m", "666"]).arg(image.join("dev/null")).args(["c", "1", "3"]));
    run(Command::new("mknod").args(["-m", "666"]).arg(image.join("dev/urandom")).args(["c", "1", "9"]));
}

#[test]
#[ignore = "needs root, busybox and a static binary: .ci/run openwrt"]
fn the_package_for_openwrt_does_its_work_from_the_router_s_own_configuration() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    router(dir.path());
    let image = dir.path().join("image");
    let namespace = Namespace::new();
    namespace.ip("route add default dev wan0");
    let hosts = Dyndns2::new(Rules::default(), ["home.example.org"]);
    let answering = hosts.clone();
    let service = Served::start(&namespace, move |request: &Received| answering.answer(request));
    let inside = |words: &[&str]| namespace.command("chroot").arg(&image).args(words).output().unwrap();
    let init = |action: &str| {
        let output = inside(&["/bin/sh", "/etc/rc.common", "/etc/init.d/driftless", action]);
        (output.status.success(), [output.stdout, output.stderr].concat())
    };
    let log = || fs::read_to_string(image.join("var/run/instance.log")).unwrap_or_default();

    // As it comes nothing runs.
    let (ok, said) = init("start");
    assert!(ok && String::from_utf8_lossy(&said).contains("not enabled"), "{}", String::from_utf8_lossy(&said));
    assert!(!image.join("var/run/instance.pid").exists());

    let config = fs::read_to_string(image.join("etc/config/driftless")).unwrap();
    let lines = config.replace("enabled '0'", "enabled '1'");
    let lines: Vec<&str> = lines
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .collect();
    let edited = lines.join("\n").replace("https://dyndns.example.net", &service.url("/")).replace("'me'", "'user'");
    let edited = edited.replace("\toption config_file", "#").replace("interface 'wan'", "interface4 'wan0'");
    let edited = edited.replace("option password_file", "option verify '0'\n\toption password_file");
    fs::write(image.join("etc/config/driftless"), format!("{edited}\n\toption ipv6 'off'\n")).unwrap();
    fs::write(image.join("etc/driftless/password"), "secret\n").unwrap();
    fs::set_permissions(image.join("etc/driftless/password"), fs::Permissions::from_mode(0o644)).unwrap();
    let (ok, said) = init("start");
    assert!(ok, "{}", String::from_utf8_lossy(&said));
    let status = || {
        inside(&[
            "/usr/bin/driftless",
            "--config",
            "/var/run/driftless/driftless.toml",
            "status",
            "--socket",
            "/var/run/driftless/driftless.sock",
        ])
    };
    until("the daemon answers", 20, || if status().status.success() { Ok(()) } else { Err(log()) });
    let holds = |address: &str| match hosts.host("home.example.org").unwrap().ipv4.map(|ip| ip.to_string()) {
        Some(held) if held == address => Ok(()),
        held => Err(format!("{held:?} {}", log())),
    };
    namespace.ip(&format!("addr add {FIRST}/24 dev wan0"));
    until("the record follows", 20, || holds(FIRST));
    namespace.ip(&format!("addr del {FIRST}/24 dev wan0"));
    namespace.ip(&format!("addr add {SECOND}/24 dev wan0"));
    until("the record follows", 20, || holds(SECOND));

    // A reload with what is wrong changes nothing.
    let good = fs::read_to_string(image.join("var/run/driftless/driftless.toml")).unwrap();
    fs::write(image.join("etc/config/driftless"), format!("{edited}\n\toption ipv7 'off'\n")).unwrap();
    let (ok, said) = init("reload");
    assert!(
        !ok && String::from_utf8_lossy(&said).contains("/etc/config/driftless is wrong"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    assert_eq!(fs::read_to_string(image.join("var/run/driftless/driftless.toml")).unwrap(), good);
    assert!(status().status.success());
    assert!(init("triggers").0 && init("stop").0);
    until("it ends", 5, || if status().status.code() == Some(69) { Ok(()) } else { Err(log()) });
}
