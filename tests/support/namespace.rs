//! Network namespaces that a test makes, with a pair of virtual interfaces, and removes again.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// How many this process has made: part of their names.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A network namespace. Everything in it ends with it.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A namespace with nothing but the loopback interface, which is up.
    pub fn bare() -> Self {
        let name = format!("driftless-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        run(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self { name };
        namespace.ip("link set lo up");
        namespace
    }

    /// A namespace with `wan0`, up, and the other end of its wire, `far0`, inside the same namespace. No addresses, no routes.
    pub fn new() -> Self {
        let namespace = Self::bare();
        namespace.ip("link add wan0 type veth peer name far0");
        // The interface of a server: without it the last address that goes takes those beside it along.
        namespace.set("net/ipv4/conf/wan0/promote_secondaries", "1");
        namespace.ip("link set far0 up");
        namespace.ip("link set wan0 up");
        namespace
    }

    /// Gives it `wan0`, wired to another, existing namespace, which reaches `network` by it.
    pub fn join(&self, other: &str, network: &str) {
        self.ip(&format!("link add wan0 type veth peer name {} netns {other}", self.far_end()));
        self.set("net/ipv4/conf/wan0/promote_secondaries", "1");
        self.ip("link set wan0 up");
        self.set_far_end(other, network, true);
    }

    /// Takes the other end of the wire up, so that `network` is reached by it, or down.
    pub fn set_far_end(&self, other: &str, network: &str, up: bool) {
        let far = self.far_end();
        run(Command::new("ip").args(["-n", other, "link", "set", &far, if up { "up" } else { "down" }]));
        if up {
            run(Command::new("ip").args(["-n", other, "route", "replace", network, "dev", &far]));
        }
    }

    fn far_end(&self) -> String {
        let number = self.name.rsplit('-').next().unwrap_or_default();
        format!("far{}x{number}", std::process::id() % 100_000)
    }

    /// Its name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` inside; the words are separated by spaces.
    pub fn ip(&self, words: &str) {
        run(Command::new("ip").args(["-n", &self.name]).args(words.split(' ')));
    }

    /// Runs several `ip` commands inside, at the pace of the kernel.
    pub fn ip_batch(&self, commands: &[String]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), commands.join("\n")).unwrap();
        run(Command::new("ip").args(["-n", &self.name, "-batch"]).arg(file.path()));
    }

    /// Sets a variable of the kernel below /proc/sys.
    pub fn set(&self, path: &str, value: &str) {
        run(self.command("sh").args(["-c", &format!("echo {value} >/proc/sys/{path}")]));
    }

    /// A command that runs inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nothing is left to do if it is gone already.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

/// Takes this thread into the namespace of that name, for ever: what it opens from then on is inside.
pub fn enter(name: &str) {
    let file = File::open(format!("/run/netns/{name}")).unwrap();
    let kind = Some(rustix::thread::LinkNameSpaceType::Network);
    rustix::thread::move_into_link_name_space(file.as_fd(), kind).unwrap();
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
