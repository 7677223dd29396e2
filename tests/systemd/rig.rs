//! A systemd of its own (`tests/rig/systemd.sh`), with the daemon installed as `packaging/install` does it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// Where the rig's script lies.
const SCRIPT: &str = "tests/rig/systemd.sh";
/// What the documentation says of the first steps.
const README: &str = include_str!("../../README.md");
/// The file that README's drop-in loads the credential from.
const PASSWORD: &str = "/etc/driftless/dyndns.password";

/// A running systemd. It ends when this is dropped.
pub struct Rig {
    dir: tempfile::TempDir,
    below: String,
    root: PathBuf,
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.script(&["stop"]);
    }
}

impl Rig {
    /// Boots the systemd below `root`, as it is.
    pub fn of(root: &str) -> Self {
        assert!(rustix::process::geteuid().is_root(), "a systemd of its own needs root");
        let mut rig = Self { dir: tempfile::tempdir().unwrap(), below: root.to_owned(), root: PathBuf::new() };
        succeeded("start", &rig.script(&["start"]));
        rig.root = succeeded("root", &rig.script(&["root"])).trim().into();
        rig
    }

    /// Boots this machine's systemd and installs the unit, a password and README's drop-in for it. No configuration, nothing is
    /// started.
    pub fn boot() -> Self {
        let rig = Self::of("/");
        // The rig begins as the machine is, which may run one of its own.
        for path in ["/etc/driftless", "/etc/systemd/system/driftless.service.d", "/var/lib/driftless"] {
            let path = rig.path(path);
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        let _ = fs::remove_dir_all(rig.path("/var/lib/private/driftless"));
        let install = Command::new("packaging/install")
            .args(["--prefix", "/usr", "--binary", env!("CARGO_BIN_EXE_driftless"), "--destdir"])
            .arg(&rig.root)
            .output();
        succeeded("packaging/install", &install.unwrap());
        rig.give_password();
        rig
    }

    /// Writes the password, and README's drop-in for it.
    pub fn give_password(&self) {
        self.write(PASSWORD, "s3cret-of-the-rig\n");
        fs::set_permissions(self.path(PASSWORD), fs::Permissions::from_mode(0o600)).unwrap();
        self.drop_in("credentials", &format!("LoadCredential=dyndns:{PASSWORD}"));
    }

    fn script(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(SCRIPT);
        command.args(arguments).env("RIG_DIR", self.dir.path()).env("RIG_ROOT", &self.below).output().unwrap()
    }

    /// A path of the rig as this process reaches it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The process id of the rig's systemd, as this process sees it.
    pub fn systemd(&self) -> &Path {
        self.root.parent().unwrap()
    }

    /// Writes a file inside, readable for everyone, with the folders above it.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the configuration.
    pub fn configure(&self, text: &str) {
        self.write("/etc/driftless/driftless.toml", text);
    }

    /// Writes a drop-in for the unit's `[Service]`.
    pub fn drop_in(&self, name: &str, lines: &str) {
        self.write(&format!("/etc/systemd/system/driftless.service.d/{name}.conf"), &format!("[Service]\n{lines}\n"));
        self.run("systemctl daemon-reload");
    }

    /// Runs a command inside; its words are separated by spaces.
    pub fn attempt(&self, words: &str) -> Output {
        self.script(&[&["exec"], &words.split(' ').collect::<Vec<_>>()[..]].concat())
    }

    /// Runs a command inside that must succeed, and gives back what it printed.
    pub fn run(&self, words: &str) -> String {
        succeeded(words, &self.attempt(words))
    }

    /// A property of the unit.
    pub fn show(&self, property: &str) -> String {
        self.run(&format!("systemctl show -P {property} driftless")).trim().to_owned()
    }

    /// A number among the properties of the unit.
    pub fn number(&self, property: &str) -> u64 {
        self.show(property).parse().unwrap()
    }

    /// What `driftless status --json` says inside, to root.
    pub fn status(&self) -> Json {
        serde_json::from_str(&self.run("driftless status --json")).unwrap()
    }

    /// What the journal has so far that these words of journalctl(1) select, entry by entry.
    pub fn entries(&self, matches: &str) -> Vec<Json> {
        self.run("journalctl --sync");
        let lines = self.run(&format!("journalctl -q --no-pager -o json {matches}"));
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The unit's messages in the journal so far, with their priorities.
    pub fn journal(&self) -> Vec<(u8, String)> {
        let entries = self.entries("_SYSTEMD_UNIT=driftless.service").into_iter();
        entries.map(|entry| (text(&entry["PRIORITY"]).parse().unwrap(), text(&entry["MESSAGE"]))).collect()
    }

    /// Waits until the journal has a message with this text, and gives back its priority.
    pub fn journal_says(&self, what: &str) -> u8 {
        let found =
            || self.journal().into_iter().find(|(_, message)| message.contains(what)).map(|(priority, _)| priority);
        self.until(&format!("the journal says \"{what}\""), 10, || found().is_some());
        found().unwrap()
    }

    /// Waits until the condition holds, for at most so many seconds, and says how long that took.
    pub fn until(&self, what: &str, seconds: u64, mut holds: impl FnMut() -> bool) -> Duration {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(seconds) {
            if holds() {
                return start.elapsed();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let status = self.attempt("driftless status");
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        panic!("not within {seconds} s: {what}\n{status}\n{:#?}", self.journal());
    }
}

/// README's smallest configuration, at this server.
pub fn smallest(server: &str) -> String {
    let (_, rest) = README.split_once("## The smallest configuration").unwrap();
    let text = rest.split("```").nth(1).unwrap().strip_prefix("toml\n").unwrap();
    assert!(text.contains(&format!("LoadCredential=dyndns:{PASSWORD}")), "README has another drop-in: {text}");
    assert!(text.contains("https://members.dyndns.org"), "{text}");
    text.replace("https://members.dyndns.org", server)
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn succeeded(what: &str, output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{what}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
