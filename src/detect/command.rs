//! Addresses that a command prints. No shell, bounded in time and output, and with hardly any environment.

use std::ffi::OsString;
use std::time::Duration;

use async_trait::async_trait;

use super::list::Form;
use super::{Detector, list};
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::os::run::{Excess, Run};

/// How long a command may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// The detector: the command prints an address a line and nothing else, of either family.
#[derive(Debug)]
pub struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    form: Form,
    timeout: Duration,
}

impl Command {
    /// Runs `program` with these arguments at each check. Its environment is `environment` alone: the caller gives it `PATH`
    /// and `LANG`, never what may hold secrets. Addresses of a network of one's own are believed only with `private`.
    #[must_use]
    pub fn new(
        program: OsString,
        arguments: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
        private: bool,
    ) -> Self {
        Self { program, arguments, environment, form: Form { private, ..Form::default() }, timeout: TIMEOUT }
    }

    /// The same command with another time limit.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same command where it may print prefixes of at most so many bits as well.
    #[must_use]
    pub fn with_prefixes(mut self, length: u8) -> Self {
        self.form.prefix = Some(length);
        self
    }

    async fn run(&self) -> Result<Vec<u8>, String> {
        let Self { program, arguments, environment, timeout, .. } = self;
        Run { program, arguments, environment, input: None, timeout: *timeout, excess: Excess::Fails }.finish().await
    }
}

#[async_trait]
impl Detector for Command {
    async fn detect(&self, family: Family) -> Reading {
        let name = self.program.to_string_lossy();
        match self.run().await.and_then(|octets| list::parse(&octets, self.form)) {
            Ok(found) => list::of_family(found, family, &format!("what {name} printed")),
            Err(why) => Reading::Unknown(format!("the command {name}: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let path = ("PATH".into(), "/usr/bin:/bin".into());
        Command::new("sh".into(), vec!["-c".into(), script.into()], vec![path], false)
    }

    async fn why(command: Command) -> String {
        match command.detect(Family::Ipv4).await {
            Reading::Unknown(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_address_a_line_of_either_family_is_read() {
        let command = sh("echo 8.8.8.8; echo 2a00::1; echo noise >&2");
        assert_eq!(command.detect(Family::Ipv4).await, Reading::Addresses(vec!["8.8.8.8".parse().unwrap()]));
        assert_eq!(command.detect(Family::Ipv6).await, Reading::Addresses(vec!["2a00::1".parse().unwrap()]));
    }

    #[tokio::test]
    async fn a_failure_is_unknown_with_the_commands_own_word() {
        assert!(why(sh("echo 8.8.8.8; echo '  no lease  ' >&2; exit 3")).await.ends_with("exit status: 3: no lease"));
        assert!(why(sh("echo 8.8.8.8; kill -9 $$")).await.contains("signal: 9"));
        assert!(why(sh("echo address: 8.8.8.8")).await.contains("line 1 is not an address"));
        assert!(why(sh("echo 192.168.0.1")).await.contains("private (RFC 1918)"));
        assert!(why(sh("true")).await.contains("no IPv4 address"));
        assert!(why(sh("yes 8.8.8.8")).await.contains("printed more than 4096 octets"));
        assert!(why(sh("yes no >&2")).await.contains("complained more than 4096 octets"));
        let missing = Command::new("/does/not/exist".into(), Vec::new(), Vec::new(), false);
        assert!(why(missing).await.contains("could not be started"));
    }

    #[tokio::test]
    async fn a_slow_command_ends_with_everything_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("id");
        let script = format!("sleep 60 & echo $! > {}; wait", file.display());
        let slow = Command { timeout: Duration::from_millis(500), ..sh(&script) };
        assert!(why(slow).await.contains("took longer"));
        let id = std::fs::read_to_string(&file).unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
        // The orphan may be a zombie until init collects it.
        let is_gone = || state().rsplit(')').next().is_none_or(|rest| rest.is_empty() || rest.trim().starts_with('Z'));
        for _ in 0..100 {
            if is_gone() {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "a test may wait")]
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("still there: {}", state());
    }

    #[tokio::test]
    async fn the_environment_is_what_was_given() {
        // The shell sets PWD, SHLVL and _ itself.
        let seen = sh("env | grep -v -e ^PATH= -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD= >&2; exit 1");
        assert!(why(seen).await.ends_with("exit status: 1"));
    }
}
