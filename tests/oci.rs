//! The container image without an engine: its root file system, and the daemon run from it as an engine would run it.
//!
//! As root, with the static binary that the step `oci` of `.ci/run full` makes first:
//!
//!     .ci/run oci
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests wait, take the time, and are told by a variable where the binary is"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "a test says what it measured")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

mod support;

use support::dyndns2::{Dyndns2, Rules};
use support::http::Received;
use support::namespace::{Namespace, run};
use support::served::Served;
use support::until;

/// The most that the image may take to be fetched, in octets: as registries keep it, compressed.
const MOST_FETCHED: usize = 5_000_000;
/// The most that it may take on the disk of who runs it.
const MOST_KEPT: u64 = 6_600_000;
/// The image's user.
const USER: u32 = 65532;

/// The static binary.
fn binary() -> String {
    given("DRIFTLESS_STATIC")
}

/// A variable of the step.
fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: .ci/run oci"))
}

/// The image's root file system, in a folder of this test's own.
fn image(dir: &Path) -> PathBuf {
    let root = dir.join("image");
    run(Command::new("packaging/oci/rootfs.sh").args(["image", &binary()]).arg(&root));
    root
}

/// Everything below a folder: permissions, owner and path, in order.
fn tree(folder: &Path, top: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let at = fs::symlink_metadata(&entry).unwrap();
        let path = entry.strip_prefix(top).unwrap().display().to_string();
        found.push(format!("{:o} {} /{path}", at.mode() & 0o7777, at.uid()));
        if at.is_dir() {
            found.extend(tree(&entry, top));
        }
    }
    found.sort();
    found
}

#[test]
#[ignore = "needs root and a static binary: .ci/run oci"]
fn the_binary_needs_nothing_beside_it() {
    let ldd = Command::new("ldd").arg(binary()).output().unwrap();
    let said = [ldd.stdout, ldd.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("statically linked") || said.contains("not a dynamic executable"), "{said}");
    let empty = tempfile::tempdir().unwrap();
    fs::copy(binary(), empty.path().join("driftless")).unwrap();
    let version = Command::new("chroot").arg(empty.path()).args(["/driftless", "--version"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&version.stdout), format!("driftless {}\n", env!("CARGO_PKG_VERSION")));
    assert!(version.status.success());
}

#[test]
#[ignore = "needs root and a static binary: .ci/run oci"]
fn the_image_holds_the_program_and_a_place_for_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let root = image(dir.path());
    let mut found = tree(&root, &root);
    found.retain(|line| !line.ends_with(" /var") && !line.ends_with(" /var/lib"));
    assert_eq!(found, ["700 65532 /var/lib/driftless", "755 0 /driftless"]);
    let size = fs::metadata(root.join("driftless")).unwrap().len();
    let layer = run(Command::new("sh").args(["-c", "tar -C \"$0\" -c . | gzip -9"]).arg(&root)).stdout.len();
    eprintln!("the image holds {size} octets, and takes {layer} to fetch");
    assert!(layer <= MOST_FETCHED && size <= MOST_KEPT, "{layer}, {size}");
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs root, qemu-user-static and a static binary for aarch64: .ci/run oci"]
fn the_binary_for_aarch64_follows_an_address_under_emulation() {
    let namespace = Namespace::new();
    namespace.ip("addr add 192.0.2.7/24 dev wan0");
    namespace.ip("route add default dev wan0");
    let dir = tempfile::tempdir().unwrap();
    let mut emulator = namespace.command("qemu-aarch64-static");
    emulator.arg(given("DRIFTLESS_AARCH64")).args(["run", "--demo", "--folder"]).arg(dir.path());
    let mut demo = Running(emulator.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let zone = || fs::read_to_string(dir.path().join("demo.zone")).unwrap_or_default();
    let holds = |address: &str| if zone().contains(address) { Ok(()) } else { Err(zone()) };
    until("the zone file has the address", 60, || holds("192.0.2.7"));
    namespace.ip("addr add 192.0.2.8/24 dev wan0");
    namespace.ip("addr del 192.0.2.7/24 dev wan0");
    until("the zone file has the next address", 60, || holds("192.0.2.8"));
    run(Command::new("kill").args(["-TERM", &demo.0.id().to_string()]));
    assert!(demo.0.wait().unwrap().success());
}

/// What the engine makes of a volume.
enum Volume {
    /// A copy of what the image has there: Docker.
    OfItsOwn,
    /// Root's, and writable for a group that is named: Kubernetes, fsGroup.
    OfItsGroup,
}

/// A container.
struct Container {
    child: Child,
    dir: tempfile::TempDir,
    variables: Vec<String>,
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Container {
    /// Runs the image in a network namespace, with a volume for its state, a secret that everyone can read, and these variables.
    fn run(namespace: &Namespace, volume: Volume, variables: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The user of no name passes through.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let root = image(dir.path());
        let (state, secrets) = (dir.path().join("state"), dir.path().join("secrets"));
        fs::create_dir(&state).unwrap();
        fs::create_dir(&secrets).unwrap();
        let (owner, mode) = match volume {
            Volume::OfItsOwn => (USER, 0o700),
            Volume::OfItsGroup => (0, 0o2775),
        };
        chown(&state, Some(owner), Some(USER)).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(secrets.join("dyndns"), "secret\n").unwrap();
        fs::set_permissions(secrets.join("dyndns"), fs::Permissions::from_mode(0o444)).unwrap();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut command = namespace.command("tests/rig/container.sh");
        command.args([&root, &state, &secrets]).args(variables).args(["/driftless", "run"]);
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { child, dir, variables: variables.to_vec() }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// Its first process, as this machine counts.
    fn pid(&self) -> Option<String> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        children.split_whitespace().next().map(str::to_owned)
    }

    /// A line of what the kernel says of that process.
    fn is(&self, field: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Runs another program in it, as `docker exec` does.
    fn exec(&self, words: &[&str]) -> Output {
        let mut command = Command::new("env");
        command.arg("-i").args(&self.variables).args(["/usr/bin/nsenter", "--mount", "--pid", "--net", "--root"]);
        command.args(["--setuid", "65532", "--setgid", "65532", "--target", &self.pid().unwrap()]).args(words);
        command.output().unwrap()
    }
}

#[test]
#[ignore = "needs root and a static binary: .ci/run oci"]
fn a_container_follows_an_address_without_any_right_and_stops_at_once() {
    follows_and_stops(Volume::OfItsOwn);
}

#[test]
#[ignore = "needs root and a static binary: .ci/run oci"]
fn so_does_one_whose_state_belongs_to_its_group_alone() {
    follows_and_stops(Volume::OfItsGroup);
}

fn follows_and_stops(volume: Volume) {
    let namespace = Namespace::new();
    namespace.ip("route add default dev wan0");
    let hosts = Dyndns2::new(Rules::default(), ["home.example.org"]);
    let answering = hosts.clone();
    let service = Served::start(&namespace, move |request: &Received| answering.answer(request));
    let variables = [
        "ACCOUNT__HOME__PROVIDER=dyndns2".to_owned(),
        format!("ACCOUNT__HOME__SERVER={}", service.url("/")),
        "ACCOUNT__HOME__USERNAME=user".to_owned(),
        "ACCOUNT__HOME__PASSWORD_FILE=/run/secrets/dyndns".to_owned(),
        "ACCOUNT__HOME__VERIFY=false".to_owned(),
        "RECORD__1__NAME=home.example.org".to_owned(),
        "RECORD__1__ACCOUNT=home".to_owned(),
        "RECORD__1__IPV6=off".to_owned(),
    ];
    let mut container = Container::run(&namespace, volume, &variables.map(|variable| format!("DRIFTLESS__{variable}")));
    let healthy = |container: &Container| match container.pid().is_some() {
        true if container.exec(&["/driftless", "status"]).status.success() => Ok(()),
        _ => Err(container.log()),
    };
    until("it is healthy", 20, || healthy(&container));
    for (field, value) in [("CapEff", "0000000000000000"), ("CapPrm", "0000000000000000"), ("NoNewPrivs", "1")] {
        assert_eq!(container.is(field), value, "{field}");
    }
    assert_eq!(container.is("Uid"), ["65532"; 4].join(" "));
    assert!(container.is("NSpid").ends_with(" 1"), "it is the first process");
    assert!(container.log().contains("everyone on this machine can read /run/secrets/dyndns"), "{}", container.log());

    let holds = |address: &str| match hosts.host("home.example.org").unwrap().ipv4.map(|ip| ip.to_string()) {
        Some(held) if held == address => Ok(()),
        held => Err(format!("{held:?} {}", container.log())),
    };
    for (change, address) in [("add 9.9.7.7/24 dev wan0", "9.9.7.7"), ("add 9.9.7.8/24 dev wan0", "9.9.7.8")] {
        if address == "9.9.7.8" {
            namespace.ip("addr del 9.9.7.7/24 dev wan0");
        }
        namespace.ip(&format!("addr {change}"));
        namespace.ip("route replace default dev wan0");
        until("the record follows", 20, || holds(address));
    }

    // It stops within a second, although it is the first process, and although no name server answers.
    std::thread::sleep(Duration::from_secs(1));
    let start = Instant::now();
    run(Command::new("kill").args(["-TERM", &container.pid().unwrap()]));
    let status = container.child.wait().unwrap();
    let took = start.elapsed();
    eprintln!("stopping took {took:?}");
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}: {}", container.log());
    assert!(!container.dir.path().join("image/var/lib/driftless/ledger.json").exists(), "the state is in its volume");
    assert!(fs::read_dir(container.dir.path().join("state")).unwrap().count() > 0);
}
