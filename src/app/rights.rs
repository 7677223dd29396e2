//! Who may look at the state, and who may write it: a person's mistake is told from a disk that cannot be used.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::Failure;
use crate::os::file::{LockError, look_at_lock};

/// The exit code of what is refused.
const REFUSED: u8 = 77;

/// Whether this user may look at the state in `folder`; `command` is what was asked for.
///
/// # Errors
/// The permissions keep this user out.
pub fn may_look(folder: &Path, command: &str) -> Result<(), Failure> {
    match shut(folder, Access::READ_OK | Access::EXEC_OK).or_else(|| unreadable(folder)) {
        Some(barrier) => Err(forbidden(&barrier, "look into", command)),
        None => Ok(()),
    }
}

/// Whether this user may write the state in `folder`, or make the folder.
///
/// # Errors
/// The permissions keep this user out. A disk that cannot be written is no matter of rights, and survived.
pub fn may_write(folder: &Path, command: &str) -> Result<(), Failure> {
    may_look(folder, command)?;
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    match shut(there, Access::WRITE_OK | Access::EXEC_OK) {
        Some(barrier) => Err(match forbidden(&barrier, "write into", command) {
            Failure::Other(code, why) => Failure::Other(code, format!("{why}; or name a `state_dir` of your own")),
            other @ Failure::Config(_) => other,
        }),
        None => Ok(()),
    }
}

/// Whether no other user's daemon keeps the same records, as far as this can be found out from outside: `folder` could not be
/// locked, or is not the one that the configuration of this machine goes with, which is `usual`.
///
/// # Errors
/// One is at work, or the permissions keep this user from knowing: two daemons would change back what the other one wrote.
pub fn is_alone(folder: &Path, usual: Option<&Path>) -> Result<(), Failure> {
    for folder in [Some(folder), usual].into_iter().flatten() {
        match look_at_lock(folder) {
            Err(error @ LockError::Held { .. }) => return Err(Failure::later(format!("{error}: {WAY_OUT}"))),
            Err(LockError::Unusable { error, .. }) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(match forbidden(folder, "look into", "run") {
                    Failure::Other(code, why) => Failure::Other(code, format!("{why}; {WAY_OUT}")),
                    other @ Failure::Config(_) => other,
                });
            }
            Ok(()) | Err(LockError::Unusable { .. }) => {}
        }
    }
    Ok(())
}

/// Whether the permissions let this user know if another daemon is at work in `folder`.
///
/// # Errors
/// They do not.
pub fn may_know(folder: &Path) -> Result<(), Failure> {
    match is_alone(folder, None) {
        Err(refused @ Failure::Other(REFUSED, _)) => Err(refused),
        _ => Ok(()),
    }
}

/// What who means it has to do.
const WAY_OUT: &str = "a second daemon needs a configuration of its own (--config FILE) with a `state_dir` of its own";

/// What is said to whom the permissions keep out.
pub fn forbidden(barrier: &Path, what: &str, command: &str) -> Failure {
    let why = format!(
        "this user may not {what} {}: only root and the user that the daemon runs as may (sudo driftless {command})",
        barrier.display()
    );
    Failure::Other(REFUSED, why)
}

fn shut(folder: &Path, wanted: Access) -> Option<PathBuf> {
    // What is no folder is another mistake.
    let is_else = std::fs::metadata(folder).is_ok_and(|found| !found.is_dir());
    (!is_else && access(folder, wanted) == Err(Errno::ACCESS)).then(|| folder.to_owned())
}

/// The file of the state that this user may not read, although the folder is open.
fn unreadable(folder: &Path) -> Option<PathBuf> {
    let files = ["ledger.json", "ledger.journal"].map(|name| folder.join(name));
    let denied = |path: &PathBuf| File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    files.into_iter().find(denied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::file::lock;

    #[test]
    fn a_daemon_beside_another_one_is_refused_wherever_its_own_state_is() {
        let dir = tempfile::tempdir().unwrap();
        let (usual, own) = (dir.path().join("usual"), dir.path().join("own"));
        assert!(is_alone(&own, Some(&usual)).is_ok(), "there is none");
        let other = lock(&usual).unwrap();
        let Err(Failure::Other(75, why)) = is_alone(&own, Some(&usual)) else { panic!("there is another one") };
        assert!(why.contains("is at work in") && why.ends_with(WAY_OUT), "{why}");
        assert!(is_alone(&own, None).is_ok(), "that one has another configuration");
        assert!(is_alone(&usual, None).is_err());
        drop(other);
        assert!(is_alone(&own, Some(&usual)).is_ok());
    }
}
