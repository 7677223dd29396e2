//! Secrets: where they come from, read anew at each use so that a rotated file needs no restart, never printed.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::file::resolved;
use crate::model::error::{Error, Result, Scope};

/// The largest secret that is read, in octets.
const MAX: u64 = 64 * 1024;

/// What to do about a file that cannot be read.
const UNREADABLE: &str =
    "the user that driftless runs as must be able to read this secret; it is looked at again at each check";
/// What to do about a file that is not there.
const MISSING: &str = "put the secret there, on one line; it is looked at again at each check";
/// What to do about a file that holds no secret.
const NO_SECRET: &str = "it holds the secret on one line and nothing else; it is looked at again at each check";

/// A secret by its source. `Debug` shows the source, never the content.
#[derive(Clone)]
pub enum Secret {
    /// Given in place or by a variable.
    Inline(SecretString),
    /// A file, read at each use; one trailing line break is not part of the secret.
    File(PathBuf),
}

/// The fewest characters of a secret that others may try as often as they like: shorter ones can be guessed.
pub const LEAST_TRIED: usize = 16;

impl Secret {
    /// A secret given in place.
    #[must_use]
    pub fn inline(content: impl Into<String>) -> Self {
        Self::Inline(SecretString::from(content.into()))
    }

    /// The file it is read from, if it is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Inline(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// Whether it is the same text in place, or is read from the same file.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline(one), Self::Inline(two)) => one.expose_secret() == two.expose_secret(),
            (Self::File(one), Self::File(two)) => resolved(one) == resolved(two),
            _ => false,
        }
    }

    /// Whether it can be read and is shorter than [`LEAST_TRIED`].
    #[must_use]
    pub fn is_guessed(&self) -> bool {
        self.read().is_ok_and(|secret| secret.expose_secret().len() < LEAST_TRIED)
    }

    /// The content as it is now.
    ///
    /// # Errors
    /// `Auth` of the account when the file cannot be read, is empty, is no text of one line or is larger than 64 KiB.
    pub fn read(&self) -> Result<SecretString> {
        match self {
            Self::Inline(content) => Ok(content.clone()),
            Self::File(path) => read_file(path).map_err(|(why, hint)| {
                // The path is part of the reason: whoever adds what the secret was wanted for keeps that.
                let why = format!("{} cannot be used: {why}", path.display());
                Error::auth(Scope::Account, "reading a secret", why).hint(hint).unsent()
            }),
        }
    }
}

/// What is wrong with the content of a secret, if anything is: it goes into a line of a request.
#[must_use]
pub fn flaw(content: &str) -> Option<&'static str> {
    if content.is_empty() {
        return Some("it is empty");
    }
    if content.contains(['\n', '\r']) {
        return Some("it has more than one line");
    }
    content.chars().any(char::is_control).then_some("it has a control character in it")
}

fn read_file(path: &Path) -> std::result::Result<SecretString, (String, &'static str)> {
    use std::io::Read;
    let fail = |error: std::io::Error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => MISSING,
            ErrorKind::InvalidData => NO_SECRET,
            _ => UNREADABLE,
        };
        (error.to_string(), hint)
    };
    let mut content = String::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(MAX + 1).read_to_string(&mut content).map_err(fail)?;
    if content.len() as u64 > MAX {
        return Err((format!("it is larger than {MAX} octets"), NO_SECRET));
    }
    let line = content.strip_suffix('\n').unwrap_or(&content);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match flaw(line) {
        Some(flaw) => Err((flaw.into(), NO_SECRET)),
        None => Ok(SecretString::from(line)),
    }
}

/// Whether a configuration names the same secret; what a stranger sends is not compared so.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline(one), Self::Inline(other)) => one.expose_secret() == other.expose_secret(),
            (Self::File(one), Self::File(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Secret(in place)"),
            Self::File(path) => write!(f, "Secret(file {})", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_file_is_seen_at_the_next_use() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let secret = Secret::File(path.clone());
        assert!(secret.read().is_err());
        std::fs::write(&path, "one\n").unwrap();
        assert_eq!(secret.read().unwrap().expose_secret(), "one");
        std::fs::write(&path, "two\r\n").unwrap();
        assert_eq!(secret.read().unwrap().expose_secret(), "two");
        std::fs::write(&path, "\n").unwrap();
        assert!(secret.read().is_err());
    }

    #[test]
    fn what_to_do_depends_on_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let secret = Secret::File(path.clone());
        let said = || secret.read().unwrap_err().to_string();
        assert!(said().contains("No such file") && said().contains("put the secret there"), "{}", said());
        for (content, why) in [
            (&b""[..], "it is empty"),
            (b"one\ntwo\n", "it has more than one line"),
            (b"one\n\n", "it has more than one line"),
            (b"one\0", "it has a control character in it"),
            (b"\xff", "UTF-8"),
        ] {
            std::fs::write(&path, content).unwrap();
            let said = said();
            assert!(said.contains(why) && said.contains("on one line and nothing else"), "{said}");
            assert!(!said.contains("must be able to read"), "{said}");
        }
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Secret::inline("hunter2")), "Secret(in place)");
    }
}
