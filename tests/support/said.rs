//! What a command of the real program said and how it ended, for the tests of the commands.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::process::Output;
use std::sync::Arc;

use serde_json::Value;

use super::torture::Home;

/// How a command ended.
#[derive(Debug)]
pub struct Said {
    /// What was typed, and where.
    pub what: String,
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Of a command that has ended.
    pub fn of(what: String, output: Output) -> Self {
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        Self { what, code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command without a terminal.
    pub async fn by(home: &Arc<Home>, what: String, words: Vec<String>) -> Self {
        let home = Arc::clone(home);
        let work = move || home.output(&words.iter().map(String::as_str).collect::<Vec<_>>());
        Self::of(what, tokio::task::spawn_blocking(work).await.unwrap())
    }

    /// It ended so, and said these words on standard output or error.
    #[track_caller]
    pub fn ends(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}: {self:?}", self.what);
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "{word}: {self:?}");
        }
        self
    }

    /// It ended with a failure that reads well: one line for each thing, not too long, in words, without the secret.
    #[track_caller]
    pub fn fails(self, code: i32, word: &str, secret: &str) -> Self {
        assert!(self.err.contains(word), "it does not say \"{word}\": {self:?}");
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.contains("panicked") && !self.err.contains(secret), "{self:?}");
        let mine = self.err.lines().all(|line| code == 64 || line.starts_with("driftless: "));
        assert!(mine && self.err.len() < 1200, "{self:?}");
        self
    }

    /// The JSON that it printed, where it ended well.
    #[track_caller]
    pub fn json(self) -> Value {
        let said = self.ends(0, &[]);
        serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {said:?}"))
    }
}
