//! Secrets: where they come from, read anew at each use so that a rotated file needs no restart, never printed.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::model::error::{Error, Result, Scope};

/// The largest secret that is read, in octets.
const MAX: u64 = 64 * 1024;

/// What to do about a file that cannot be used.
const HINT: &str =
    "the user that driftless runs as must be able to read this secret; it is looked at again at each check";

/// A secret by its source. `Debug` shows the source, never the content.
#[derive(Clone)]
pub enum Secret {
    /// Given in place or by a variable.
    Inline(SecretString),
    /// A file, read at each use; one trailing line break is not part of the secret.
    File(PathBuf),
}

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

    /// The content as it is now.
    ///
    /// # Errors
    /// `Auth` of the account when the file cannot be read, is empty, is no text or is larger than 64 KiB.
    pub fn read(&self) -> Result<SecretString> {
        match self {
            Self::Inline(content) => Ok(content.clone()),
            Self::File(path) => read_file(path).map_err(|why| {
                // The path is part of the reason: whoever adds what the secret was wanted for keeps that.
                let why = format!("{} cannot be used: {why}", path.display());
                Error::auth(Scope::Account, "reading a secret", why).hint(HINT).unsent()
            }),
        }
    }
}

fn read_file(path: &Path) -> std::result::Result<SecretString, String> {
    use std::io::Read;
    let mut content = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX + 1).read_to_string(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > MAX {
        return Err(format!("it is larger than {MAX} octets"));
    }
    let line = content.strip_suffix('\n').unwrap_or(&content);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("it is empty".into());
    }
    Ok(SecretString::from(line))
}

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
    use secrecy::ExposeSecret;

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
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Secret::inline("hunter2")), "Secret(in place)");
    }
}
