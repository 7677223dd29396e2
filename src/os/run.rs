//! Programs of the operator's, run to their end: no shell, bounded in time and output, and with the environment that is given alone.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::process::{Child, ChildStdin, Command};

/// The most that is read of what a program prints, in octets.
const MAX: u64 = 4 << 10;

/// What becomes of a program that prints more than is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It has failed.
    Fails,
    /// The rest is thrown away.
    Dropped,
}

/// A program to run once.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The program.
    pub program: &'a OsString,
    /// Its arguments, as they are.
    pub arguments: &'a [OsString],
    /// All of its environment. Never what may hold secrets.
    pub environment: &'a [(OsString, OsString)],
    /// What it reads on standard input; `None` for nothing.
    pub input: Option<&'a [u8]>,
    /// How long it may take, with everything that it started and that holds its output open. All of that is killed then.
    pub timeout: Duration,
    /// What becomes of it where it prints more than 4096 octets, or complains in more.
    pub excess: Excess,
}

impl Run<'_> {
    /// Runs it and gives what it printed.
    ///
    /// # Errors
    /// In words: it could not be started, took too long, printed too much, or ended with anything but success; with the first line
    /// of what it wrote to standard error, its control characters escaped.
    pub async fn finish(self) -> Result<Vec<u8>, String> {
        let mut process = Command::new(self.program);
        process.args(self.arguments).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        let input = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        process.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what the program started ends with it.
        process.kill_on_drop(true).process_group(0);
        let child = process.spawn().map_err(|error| format!("it could not be started: {error}"))?;
        let mut group = Group(child);
        match tokio::time::timeout(self.timeout, group.finish(self.input, self.excess)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("it took longer than {} s", self.timeout.as_secs())),
        }
    }
}

/// A running program and everything it started: all of it is killed where it has not ended in time.
struct Group(Child);

impl Group {
    /// What the program printed, when it ended well.
    async fn finish(&mut self, input: Option<&[u8]>, excess: Excess) -> Result<Vec<u8>, String> {
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        let fed = feed(self.0.stdin.take(), input.unwrap_or_default());
        let ended = async { self.0.wait().await.map_err(|error| format!("waiting for it: {error}")) };
        // All at the same time: a program that fills one pipe would wait for ever otherwise.
        let read =
            async { tokio::try_join!(bounded(stdout, "printed", excess), bounded(stderr, "complained", excess)) };
        let (read, ()) = tokio::join!(read, fed);
        let (printed, complained) = read?;
        let status = ended.await?;
        if status.success() {
            return Ok(printed);
        }
        let complaint = String::from_utf8_lossy(&complained);
        match complaint.lines().map(str::trim).find(|line| !line.is_empty()) {
            Some(line) => Err(format!("it ended with {status}: {}", line.escape_debug())),
            None => Err(format!("it ended with {status}")),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // There is an id only as long as the process was not waited for, so the number cannot be another's yet.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // The group may have ended by itself a moment ago.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// Writes all of the input, for as long as somebody reads it.
async fn feed(pipe: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut pipe) = pipe {
        // A program need not read what it is told.
        let _ = pipe.write_all(input).await;
    }
}

/// All of a pipe, or its beginning.
async fn bounded(pipe: Option<impl AsyncRead + Unpin>, what: &str, excess: Excess) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(octets) };
    let failed = |error: std::io::Error| format!("reading what it {what}: {error}");
    (&mut pipe).take(MAX + 1).read_to_end(&mut octets).await.map_err(failed)?;
    if octets.len() as u64 > MAX {
        if excess == Excess::Fails {
            return Err(format!("it {what} more than {MAX} octets"));
        }
        copy(&mut pipe, &mut sink()).await.map_err(failed)?;
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, input: Option<&[u8]>, excess: Excess) -> Result<Vec<u8>, String> {
        let (program, arguments) = (OsString::from("sh"), [OsString::from("-c"), script.into()]);
        let environment = [("PATH".into(), "/usr/bin:/bin".into())];
        let timeout = Duration::from_secs(10);
        Run { program: &program, arguments: &arguments, environment: &environment, input, timeout, excess }
            .finish()
            .await
    }

    #[tokio::test]
    async fn a_program_may_read_its_input_or_leave_it() {
        let long = vec![b'x'; 1 << 20];
        assert_eq!(sh("wc -c", Some(&long), Excess::Fails).await.unwrap().trim_ascii(), b"1048576");
        assert_eq!(sh("echo done", Some(&long), Excess::Fails).await.unwrap(), b"done\n");
    }

    #[tokio::test]
    async fn what_is_too_much_fails_or_is_dropped() {
        let much = "head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2";
        assert!(sh(much, None, Excess::Fails).await.unwrap_err().contains("more than 4096 octets"));
        assert!(sh(much, None, Excess::Dropped).await.is_ok());
    }
}
