//! What the tests of robustness share: the real program in a folder of its own, its log, its end and what it says of itself.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::disallowed_methods, reason = "a test waits for another process")]

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A folder with a configuration, a state and a log.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    /// An empty one.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same as text, for a configuration.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Replaces a file as a whole, for its owner's eyes only.
    pub fn write(&self, name: &str, content: &str) {
        let fresh = self.path(&format!("{name}.fresh"));
        fs::write(&fresh, content).unwrap();
        fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        fs::rename(fresh, self.path(name)).unwrap();
    }

    /// The program with these arguments, the configuration in `driftless.toml`, the state in `state`, and nothing of this
    /// environment but `PATH`.
    pub fn driftless(&self, arguments: &[&str]) -> Command {
        self.wrapped(&[], arguments)
    }

    /// The same, started by `wrapper`, which must end in `exec`.
    pub fn wrapped(&self, wrapper: &[&str], arguments: &[&str]) -> Command {
        let mut words = wrapper.to_vec();
        words.push(env!("CARGO_BIN_EXE_driftless"));
        let (program, rest) = words.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(rest).arg("--config").arg(self.path("driftless.toml")).args(arguments);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        // Parsing the host's certificates takes longest of all at start; nobody here has one of them.
        command.env("SSL_CERT_FILE", "/dev/null");
        // Where a configuration that a test gets wrong says nothing of it.
        command.env("STATE_DIRECTORY", self.path("state"));
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end, within a minute.
    pub fn output(&self, arguments: &[&str]) -> Output {
        output(&mut self.driftless(arguments))
    }

    /// Starts it; what it logs is added to `log`.
    pub fn start(&self, arguments: &[&str]) -> Daemon {
        self.spawn(&mut self.driftless(arguments))
    }

    /// Starts a command of [`Home::driftless`] or [`Home::wrapped`].
    pub fn spawn(&self, command: &mut Command) -> Daemon {
        let log = OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Daemon { child }
    }

    /// Everything that was logged since the start or the last `forget_log`.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Forgets the log.
    pub fn forget_log(&self) {
        drop(File::create(self.path("log")).unwrap());
    }

    /// What `driftless status --json` says, and its exit code.
    pub fn status(&self) -> (Value, Option<i32>) {
        let output = self.output(&["status", "--json"]);
        let said = serde_json::from_slice(&output.stdout);
        (said.unwrap_or_else(|error| panic!("{error}: {output:?}")), output.status.code())
    }

    /// One request to the control socket; `None` where nobody listens at it.
    pub fn ask(&self, socket: &str, request: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.path(socket)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(format!("{request}\n").as_bytes()).ok()?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).ok()?;
        Some(answer)
    }
}

/// A running process. It is killed when this is dropped.
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid(), signal);
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// `kill -9`, and how it ended: by that, or by itself before.
    pub fn kill(mut self) -> ExitStatus {
        let _ = self.child.kill();
        self.child.wait().unwrap()
    }

    /// Asks it to end and waits for that, up to 15 s.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        wait(&mut self.child, Duration::from_secs(15)).unwrap_or_else(|| panic!("it does not end"))
    }

    /// Waits for its own end.
    pub fn wait(mut self, patience: Duration) -> Option<ExitStatus> {
        wait(&mut self.child, patience)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let mut ended = None;
    within(patience, || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    ended
}

/// Runs a command to its end, within a minute.
pub fn output(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let (done, over) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let late = over.recv_timeout(Duration::from_secs(60)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if late {
            let _ = kill_process(pid, Signal::KILL);
        }
        late
    });
    let stdin = child.stdin.take();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    drop(done);
    assert!(!guard.join().unwrap(), "it did not end within a minute: {command:?}");
    output
}

/// Whether something becomes true in time.
pub fn within(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does nothing for so long.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Says why a test is left out, where a machine cannot carry it out.
#[expect(clippy::print_stdout, reason = "for people")]
pub fn say(text: &str) {
    println!("-- {text}");
}

/// Whether this process may make mount namespaces, which takes root.
pub fn may_mount() -> bool {
    let probe = "mount -t tmpfs -o size=64k none /mnt";
    Command::new("unshare").args(["-m", "sh", "-c", probe]).output().is_ok_and(|output| output.status.success())
}
