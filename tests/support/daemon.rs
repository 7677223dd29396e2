//! The real binary as a daemon inside a namespace: started, asked, watched and stopped as an operator would.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use driftless::report::status::{RecordStatus, Status};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::namespace::Namespace;
use super::until;

/// How long the daemon may take to answer its first question; a debug build on a busy machine takes its time.
const READY: u64 = 20;
/// How long an idle daemon may take to end.
const STOP: Duration = Duration::from_secs(1);

/// A folder with a configuration, a state and a log, and the commands of an operator who works there.
#[derive(Clone)]
pub struct Place {
    namespace: Arc<Namespace>,
    dir: Arc<TempDir>,
    variables: Vec<(String, String)>,
}

impl Place {
    /// A folder for a daemon in `namespace`. In a configuration, `{dir}` stands for the folder.
    pub fn new(namespace: &Arc<Namespace>, configuration: &str) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let place = Self { namespace: Arc::clone(namespace), dir, variables: Vec::new() };
        place.configure(configuration);
        place
    }

    /// The same place with a variable in the environment of every command.
    #[must_use]
    pub fn with(self, name: &str, content: &str) -> Self {
        let mut place = self.without(&[name]);
        place.variables.push((name.into(), content.into()));
        place
    }

    /// The same place without these variables.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.variables.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces the configuration. The state is kept beside it.
    pub fn configure(&self, text: &str) {
        let dir = self.dir.path().display().to_string();
        let text = format!("state_dir = \"{dir}/state\"\n\n{}", text.replace("{dir}", &dir));
        std::fs::write(self.path("driftless.toml"), text).unwrap();
    }

    /// Writes a secret's file, for its owner alone.
    pub fn secret(&self, name: &str, content: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A command of the binary inside the namespace: `driftless WORDS --config …`.
    pub fn command(&self, words: &[&str]) -> Command {
        self.prepare(self.namespace.command(env!("CARGO_BIN_EXE_driftless")), words)
    }

    fn prepare(&self, mut command: Command, words: &[&str]) -> Command {
        command.args(words).arg("--config").arg(self.path("driftless.toml"));
        // What the machine that runs the tests has of its own must not be read.
        let foreign =
            ["OS_", "DRIFTLESS_", "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY"];
        for (name, _) in std::env::vars_os() {
            if foreign.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.envs(self.variables.iter().map(|(name, content)| (name, content)));
        command
    }

    /// Runs a command to its end, which must come within a minute: its exit code and what it printed, standard output first.
    pub fn cli(&self, words: &[&str]) -> (i32, String, String) {
        let mut limited = self.namespace.command("timeout");
        limited.args(["60", env!("CARGO_BIN_EXE_driftless")]);
        let Output { status, stdout, stderr } = self.prepare(limited, words).output().unwrap();
        // What `timeout` says of a command that it had to end.
        assert_ne!(status.code(), Some(124), "{words:?} does not end");
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (status.code().unwrap_or(-1), text(stdout), text(stderr))
    }

    /// Runs a command with `--json`: its exit code and what it printed.
    pub fn json(&self, words: &[&str]) -> (i32, serde_json::Value) {
        let (code, text, error) = self.cli(&[words, &["--json"]].concat());
        let value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{words:?}: {why}: {text}{error}"));
        (code, value)
    }

    /// How everything stands, by the daemon that runs, else by what is on the disk; and whether one runs.
    pub fn status(&self) -> (Status, bool) {
        let (_, value) = self.json(&["status"]);
        let status = serde_json::from_value(value["status"].clone()).unwrap_or_else(|why| panic!("{why}: {value}"));
        (status, value["running"] == true)
    }

    /// Starts the daemon and waits until it answers.
    pub fn start(&self) -> Daemon {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command(&["run"]);
        let output = Stdio::from(log.try_clone().unwrap());
        let child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().unwrap();
        let mut daemon = Daemon { place: self.clone(), child };
        until("the daemon answers", READY, || {
            if let Ok(Some(status)) = daemon.child.try_wait() {
                panic!("the daemon ended with {status}: {}", daemon.log());
            }
            if daemon.place.status().1 { Ok(()) } else { Err(daemon.log()) }
        });
        daemon
    }
}

/// A running daemon. It is killed when this is dropped.
pub struct Daemon {
    place: Place,
    child: Child,
}

impl Daemon {
    /// Where it works.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its process id: `ip netns exec` has become the daemon.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.place.path("log")).unwrap_or_default()
    }

    /// Waits until the log contains `text` at least `times` times.
    pub fn logged(&self, text: &str, times: usize, seconds: u64) {
        until(&format!("\"{text}\" is logged {times} times"), seconds, || {
            if self.log().matches(text).count() >= times { Ok(()) } else { Err(self.log()) }
        });
    }

    /// How one record set stands.
    pub fn record(&self, name: &str, rtype: &str) -> RecordStatus {
        let (status, running) = self.place.status();
        assert!(running, "the daemon does not answer: {}", self.log());
        let found = status.records.into_iter().find(|record| record.name == name && record.rtype == rtype);
        found.unwrap_or_else(|| panic!("there is no {name} {rtype}"))
    }

    /// Waits until a record set stands as `fits` says.
    pub fn wait_for(
        &self,
        name: &str,
        rtype: &str,
        seconds: u64,
        what: &str,
        fits: impl Fn(&RecordStatus) -> bool,
    ) -> RecordStatus {
        until(&format!("{name} {rtype} {what}"), seconds, || {
            let record = self.record(name, rtype);
            if fits(&record) { Ok(record) } else { Err(format!("{record:#?}")) }
        })
    }

    /// Waits until a record set is up to date and holds these values.
    pub fn holds(&self, name: &str, rtype: &str, values: &[&str], seconds: u64) -> RecordStatus {
        self.wait_for(name, rtype, seconds, &format!("holds {values:?}"), |record| {
            record.state == "up to date" && record.confirmed.as_deref().is_some_and(|confirmed| confirmed == values)
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it as a service manager does: it ends with exit code 0, within a second when idle. Says what it logged.
    pub fn stop(self) -> String {
        self.stop_within(STOP)
    }

    /// Stops it while it may be busy.
    pub fn stop_within(mut self, limit: Duration) -> String {
        let told = Instant::now();
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        let took = told.elapsed();
        let log = self.log();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(took < limit, "it took {took:?} to end: {log}");
        log
    }

    /// Ends it as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of the daemon:\n{}", self.log());
        }
    }
}

/// The folder of a place, for what must be looked at on the disk.
impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        self.dir.path()
    }
}
