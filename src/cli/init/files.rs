//! The files of a new configuration, written all together or not at all.

use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::app::Failure;
use crate::os::file;

/// A file that is to be written.
pub(super) struct New {
    /// Where.
    pub(super) path: PathBuf,
    /// Its permissions.
    pub(super) mode: u32,
    /// What it holds.
    pub(super) content: Content,
}

/// What a file holds.
pub(super) enum Content {
    /// A text for everyone.
    Text(String),
    /// A secret, without the line break behind it.
    Secret(SecretString),
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Whether a file may be written: what is there stays, unless it was said that it goes.
///
/// # Errors
/// Something is there.
pub(super) fn is_free(path: &Path, force: bool) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) if !force => Err(taken(path)),
        _ => Ok(()),
    }
}

/// Writes the files, the last one first; where one cannot be written, those that are new are gone again.
///
/// # Errors
/// Why one could not be written.
pub(super) fn write(new: &[New], force: bool) -> Result<(), Failure> {
    let failed = |path: &Path, error: &io::Error| {
        let code = if error.kind() == ErrorKind::PermissionDenied { 77 } else { 75 };
        match error.kind() {
            ErrorKind::AlreadyExists => taken(path),
            _ => Failure::Other(code, format!("{} cannot be written: {error}; nothing was", path.display())),
        }
    };
    let mut prepared = Vec::new();
    for New { path, mode, content } in new {
        prepared.push((path, prepare(path, *mode, content).map_err(|error| failed(path, &error))?));
    }
    let mut made: Vec<&Path> = Vec::new();
    // The configuration is the first of them: when it is there, so are its secrets.
    for (path, prepared) in prepared.into_iter().rev() {
        let is_new = path.symlink_metadata().is_err();
        let done = if force { prepared.commit() } else { prepared.commit_new() };
        if let Err(error) = done {
            // What cannot be removed either is said by nothing but its being there.
            made.iter().for_each(|path| drop(std::fs::remove_file(path)));
            return Err(failed(path, &error));
        }
        if is_new {
            made.push(path);
        }
    }
    Ok(())
}

fn prepare(path: &Path, mode: u32, content: &Content) -> io::Result<file::Prepared> {
    let target = file::follow(path)?;
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match content {
        Content::Text(text) => file::prepare(&target, mode, text.as_bytes()),
        Content::Secret(secret) => {
            // What is replaced keeps its permissions, which may be those of something that was no secret.
            if target.exists() {
                std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode))?;
            }
            let line = SecretString::from(format!("{}\n", secret.expose_secret()));
            file::prepare(&target, mode, line.expose_secret().as_bytes())
        }
    }
}

fn taken(path: &Path) -> Failure {
    Failure::Other(
        78,
        format!(
            "{} is there already, and stays as it is: --force replaces it, --output names another file",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(path: &Path, secret: Option<&str>) -> New {
        let content = secret.map_or(Content::Text("text".into()), |secret| Content::Secret(secret.to_owned().into()));
        New { path: path.to_owned(), mode: if secret.is_some() { 0o600 } else { 0o644 }, content }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_for_its_owner_alone_whatever_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let (file, secret) = (dir.path().join("sub/driftless.toml"), dir.path().join("sub/home-password"));
        write(&[new(&file, None), new(&secret, Some("hunter2"))], false).unwrap();
        assert_eq!((mode(&file), mode(&secret)), (0o644, 0o600));
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "hunter2\n");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(write(&[new(&secret, Some("other"))], false).is_err());
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "hunter2\n");
        write(&[new(&secret, Some("other"))], true).unwrap();
        assert_eq!((mode(&secret), std::fs::read_to_string(&secret).unwrap()), (0o600, "other\n".into()));
    }

    #[test]
    fn where_one_cannot_be_written_none_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let (file, secret) = (dir.path().join("driftless.toml"), dir.path().join("home-password"));
        std::fs::write(&file, "old").unwrap();
        assert!(matches!(write(&[new(&file, None), new(&secret, Some("x"))], false), Err(Failure::Other(78, _))));
        assert!(!secret.exists());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file either");
    }
}
