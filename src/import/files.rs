//! The files that are written: new ones, or by force; all of them or none.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::os::file::{self, Prepared};

/// A file to be written.
#[derive(Debug)]
pub struct File {
    /// Where.
    pub path: PathBuf,
    /// The permission bits of it.
    pub mode: u32,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Writes files, the last one last. Without `force` none of them may be there; what was made is taken away again where a later one cannot be
/// written. Folders that are missing are made for their owner alone.
///
/// # Errors
/// The path that could not be written, and why.
pub fn write(files: &[File], force: bool) -> Result<(), (PathBuf, io::Error)> {
    let at = |path: &Path, error| (path.to_owned(), error);
    if !force && let Some(there) = files.iter().find(|file| fs::symlink_metadata(&file.path).is_ok()) {
        return Err(at(&there.path, io::Error::new(io::ErrorKind::AlreadyExists, "it is there already")));
    }
    let mut prepared = Vec::new();
    for file in files {
        prepared.push((file, prepare(file).map_err(|error| at(&file.path, error))?));
    }
    let mut made: Vec<&Path> = Vec::new();
    for (file, prepared) in prepared {
        let result = if force { prepared.commit() } else { prepared.commit_new() };
        if let Err(error) = result {
            for path in made.iter().filter(|_| !force) {
                // Best effort: what remains is in the way of nobody.
                let _ = fs::remove_file(path);
            }
            return Err(at(&file.path, error));
        }
        made.push(&file.path);
    }
    Ok(())
}

fn prepare(file: &File) -> io::Result<Prepared> {
    let folder = file.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    file::folder(folder)?;
    // What is there keeps its permissions when it is replaced.
    if fs::symlink_metadata(&file.path).is_ok_and(|before| before.is_file()) {
        fs::set_permissions(&file.path, Permissions::from_mode(file.mode))?;
    }
    file::prepare(&file.path, file.mode, &file.content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: PathBuf, content: &str) -> File {
        File { path, mode: 0o600, content: content.into() }
    }

    #[test]
    fn a_file_that_is_there_is_replaced_by_force_alone_and_is_then_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let (secret, configuration) = (dir.path().join("secrets/noip"), dir.path().join("driftless.toml"));
        fs::write(&configuration, "mine").unwrap();
        let both = [file(secret.clone(), "new"), file(configuration.clone(), "new")];
        let (path, error) = write(&both, false).unwrap_err();
        assert_eq!((path, error.kind()), (configuration.clone(), io::ErrorKind::AlreadyExists));
        assert!(!secret.exists());
        write(&both, true).unwrap();
        for path in [&secret, &configuration] {
            assert_eq!(fs::read(path).unwrap(), b"new");
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
        }
        assert_eq!(fs::metadata(dir.path().join("secrets")).unwrap().permissions().mode() & 0o7777, 0o700);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_there_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("driftless.toml");
        std::os::unix::fs::symlink("/nonexistent/elsewhere", &path).unwrap();
        assert!(write(&[file(path.clone(), "new")], false).is_err());
        write(&[file(path.clone(), "new")], true).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn where_the_last_one_cannot_be_written_nothing_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let secret = dir.path().join("secret");
        let files = [file(secret.clone(), "new"), file(dir.path().join("file/driftless.toml"), "new")];
        assert!(write(&files, false).is_err());
        assert!(!secret.exists());
    }
}
