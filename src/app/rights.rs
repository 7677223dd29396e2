//! Who may look at the state, and who may write it: a person's mistake is told from a disk that cannot be used.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::Failure;

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
