//! The command that has the name server read the file again, run until it worked.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, copy, sink};
use tokio::process::Command;
use tokio::time::timeout;

use crate::model::error::{Error, Result};

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How much of what it says is shown, in bytes.
const SHOWN: u64 = 1024;

/// Where programs are found. The daemon's own environment is not handed on: it may hold secrets.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A reload command, and the mark that it is due.
#[derive(Debug)]
pub struct Reload {
    program: String,
    arguments: Vec<String>,
    /// A file beside the zone file, there from before each write until the command worked: a crash between the two, or another
    /// process, must not forget that the name server does not know the new file yet.
    mark: PathBuf,
    zone_file: PathBuf,
    limit: Duration,
}

impl Reload {
    /// The reload of a zone file by `command`; `None` where the command is empty.
    #[must_use]
    pub fn new(zone_file: &Path, mut command: Vec<String>) -> Option<Self> {
        if command.first().is_none_or(String::is_empty) {
            return None;
        }
        let program = command.remove(0);
        let (mark, zone_file) = (mark(zone_file)?, zone_file.to_owned());
        Some(Self { program, arguments: command, mark, zone_file, limit: LIMIT })
    }

    /// Whether the name server may not know the file yet.
    #[must_use]
    pub fn due(&self) -> bool {
        self.mark.exists()
    }

    /// Notes that the file is about to change. Not flushed: after a loss of power the name server starts anew, too.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn announce(&self) -> io::Result<()> {
        fs::write(&self.mark, "")
    }

    /// Runs the command, without a shell and for ten seconds at most, and notes that it worked.
    ///
    /// # Errors
    /// Transient where it cannot be started, fails or takes longer; the file is written all the same.
    pub async fn run(&self) -> Result<()> {
        let fail = |why: String| {
            let doing = format!("reloading {} with {}", self.zone_file.display(), self.program);
            Err(Error::transient(doing, why).hint("the file is written; the command is tried again at each check"))
        };
        match timeout(self.limit, self.call()).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(why))) => return fail(why),
            Ok(Err(error)) => return fail(error.to_string()),
            Err(_) => return fail(format!("it took longer than {} seconds", self.limit.as_secs())),
        }
        match fs::remove_file(&self.mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                fail(format!("it worked, but {} stays: {error}", self.mark.display()))
            }
            _ => Ok(()),
        }
    }

    /// Runs the command; `Some` says how it failed.
    async fn call(&self) -> io::Result<Option<String>> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().env("PATH", PATH);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let mut said = Vec::new();
        let status = match child.stderr.take() {
            // Something that the command left in the background may hold the pipe open; the command's own end counts.
            Some(stderr) => tokio::select! {
                biased;
                () = listen(stderr, &mut said) => child.wait().await?,
                status = child.wait() => status?,
            },
            None => child.wait().await?,
        };
        let said = String::from_utf8_lossy(&said);
        let said = said.trim().escape_debug().to_string().replace("\\n", " / ");
        Ok((!status.success()).then(|| if said.is_empty() { status.to_string() } else { format!("{status}: {said}") }))
    }
}

/// The mark beside a zone file.
fn mark(zone_file: &Path) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(zone_file.file_name()?);
    name.push(".reload-due");
    Some(zone_file.with_file_name(name))
}

/// Removes the mark of a zone file that no command belongs to.
pub fn forget(zone_file: &Path) {
    if let Some(mark) = mark(zone_file) {
        // Mostly there is none; one that stays does no harm.
        let _ = fs::remove_file(mark);
    }
}

/// Reads what is said, keeps the beginning, and goes on reading so that nobody has to wait.
async fn listen(stderr: impl AsyncRead + Unpin, said: &mut Vec<u8>) {
    let mut start = stderr.take(SHOWN);
    // What cannot be read is not shown; how the command ended is told all the same.
    let _ = start.read_to_end(said).await;
    let _ = copy(&mut start.into_inner(), &mut sink()).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;

    async fn run(script: &str) -> (tempfile::TempDir, Reload, Result<()>) {
        let dir = tempfile::tempdir().unwrap();
        let command = ["sh", "-c", script, "reload", dir.path().to_str().unwrap()].map(str::to_owned).to_vec();
        let mut reload = Reload::new(&dir.path().join("zone"), command).unwrap();
        reload.limit = Duration::from_secs(1);
        reload.announce().unwrap();
        let result = reload.run().await;
        (dir, reload, result)
    }

    #[tokio::test]
    async fn a_command_that_works_is_no_longer_due() {
        let (dir, reload, result) = run("env > \"$1/environment\"; echo fine >&2").await;
        result.unwrap();
        assert!(!reload.due());
        let environment = fs::read_to_string(dir.path().join("environment")).unwrap();
        assert!(environment.contains("PATH=/usr/local/sbin"), "{environment}");
        assert!(!environment.contains("CARGO"), "{environment}");
    }

    #[tokio::test]
    async fn a_command_that_fails_stays_due_and_is_quoted() {
        let (_dir, reload, result) = run("printf 'no\\nsuch\\033 zone' >&2; exit 3").await;
        let error = result.unwrap_err();
        assert_eq!(error.kind, Kind::Transient);
        assert_eq!(error.why, "exit status: 3: no / such\\u{1b} zone");
        assert!(reload.due());
    }

    #[tokio::test]
    async fn a_command_is_neither_waited_for_too_long_nor_held_up_by_what_it_says() {
        let (_dir, _, result) = run("exec sleep 20").await;
        assert!(result.unwrap_err().why.contains("longer than 1 s"));
        let (_dir, _, result) = run("head -c 300000 /dev/zero >&2").await;
        result.unwrap();
        let (_dir, _, result) = run("sleep 3 & exit 0").await;
        result.unwrap();
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_is_told() {
        let reload = Reload::new(Path::new("/nowhere/zone"), vec!["/nowhere/command".into()]).unwrap();
        assert!(reload.run().await.unwrap_err().to_string().contains("/nowhere/command"));
        assert!(Reload::new(Path::new("/nowhere/zone"), vec![]).is_none());
    }
}
