//! Files replaced as a whole or not at all, records appended for good, and the lock that keeps a second daemon out.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

/// The kernel gives up after as many symbolic links (path_resolution(7)).
const LINKS: usize = 40;

/// The lock's file in its folder.
const LOCK: &str = "lock";

/// The end of the names of temporary files.
const SUFFIX: &str = ".tmp";

/// Makes `path` hold exactly `bytes`, at once and for good: a temporary file beside it is written, flushed to the disk and
/// renamed over it, and the folder is flushed. Where `path` is a symbolic link, what it points to is replaced.
///
/// A new file gets `mode`; an existing one keeps its mode and, where this process may give files away, its owner.
///
/// # Errors
/// The disk is full, the folder cannot be written, or something that is no plain file stands in the way. Nothing has
/// changed then, except where the last flush failed: the file may be the new one.
pub fn replace(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    prepare(&follow(path)?, mode, bytes)?.commit()
}

/// A new content that is safely on the disk under a temporary name. Dropped without `commit`, it is removed again.
#[derive(Debug)]
pub struct Prepared {
    temporary: NamedTempFile,
    target: PathBuf,
    folder: File,
}

/// The first half of [`replace`]: everything that can fail for want of space or rights. A symbolic link is replaced itself,
/// see [`follow`].
///
/// # Errors
/// As `replace`; nothing has changed.
pub fn prepare(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<Prepared> {
    let target = path.to_owned();
    let existing = match fs::symlink_metadata(&target) {
        Ok(metadata) if metadata.is_file() => Some(metadata),
        Ok(metadata) if metadata.is_symlink() => None,
        Ok(_) => return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a plain file")),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // Opened first: a folder that cannot be flushed must not be found out after the rename.
    let folder = File::open(parent(&target))?;
    let mut temporary =
        tempfile::Builder::new().prefix(&prefix(&target)).suffix(SUFFIX).tempfile_in(parent(&target))?;
    temporary.write_all(bytes)?;
    let file = temporary.as_file();
    let mode = match existing {
        Some(before) => {
            keep_owner(file, &before);
            before.mode() & 0o7777
        }
        None => mode,
    };
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(Prepared { temporary, target, folder })
}

impl Prepared {
    /// The second half of [`replace`]: the rename, and the flush of the folder.
    ///
    /// # Errors
    /// The file cannot be renamed over (a bind mount), or the folder cannot be flushed.
    pub fn commit(self) -> io::Result<()> {
        self.temporary.persist(&self.target).map_err(|error| error.error)?;
        flush(&self.folder)
    }

    /// The same for a file that must not be there yet.
    ///
    /// # Errors
    /// As `commit`; `AlreadyExists` where it is there by now.
    pub fn commit_new(self) -> io::Result<()> {
        self.temporary.persist_noclobber(&self.target).map_err(|error| error.error)?;
        flush(&self.folder)
    }
}

/// Appends `bytes` to `path`, which is made with `mode` where it is missing, and returns when they are on the disk.
///
/// # Errors
/// Whatever the disk says. Bytes that were written in part are cut off again where that is possible, but after a failed
/// flush nobody knows what is on the disk: the caller should go on with a new file.
pub fn append_durably(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(mode).open(path)?;
    let before = file.metadata()?.len();
    if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_data()) {
        // If this fails too, the reader finds a torn record at the end and drops it.
        let _ = file.set_len(before);
        return Err(error);
    }
    if before == 0 {
        flush(&File::open(parent(path))?)?;
    }
    Ok(())
}

/// Removes what an interrupted [`replace`] of `path` left behind. Only for files whose folder is locked: another process'
/// temporary file looks the same.
pub fn sweep(path: &Path) {
    let start = prefix(path);
    let Ok(entries) = fs::read_dir(parent(path)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&*start.to_string_lossy()) && name.ends_with(SUFFIX) {
            // Best effort: a leftover does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes a folder for nobody but its owner, with its parents, where it is missing.
///
/// # Errors
/// It cannot be made, or something else has its name.
pub fn folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(file) = path.ancestors().find(|part| part.exists()).filter(|part| !part.is_dir()) {
        let which = if file == path { "it".into() } else { file.display().to_string() };
        let why = format!("{which} is a file, and a folder is needed: move it away, or name another folder");
        return Err(io::Error::new(ErrorKind::NotADirectory, why));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// What `path` names after all symbolic links of its last component; the end may be missing.
///
/// # Errors
/// A link cannot be read, or they go round in a circle.
pub fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = parent(&path).join(link),
            // EINVAL: it is there and no link.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many symbolic links"))
}

/// Whether the file system of a folder that is there certainly has no room for another file of a page, 4 KiB, by statvfs(3).
#[must_use]
pub fn is_full(folder: &Path) -> bool {
    // Of file systems that do not count, as some in memory, nothing is certain.
    rustix::fs::statvfs(folder).is_ok_and(|found| {
        let room = found.f_bavail.saturating_mul(found.f_frsize);
        found.f_blocks > 0 && room < 4096 || found.f_files > 0 && found.f_favail == 0
    })
}

/// The file that `path` means, whoever else names it otherwise: links are followed, `.` and `..` are gone. The end may be missing.
#[must_use]
pub fn resolved(path: &Path) -> PathBuf {
    let end = follow(path).unwrap_or_else(|_| path.to_owned());
    match (fs::canonicalize(parent(&end)), end.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => plain(&end),
    }
}

/// A path without `.` and `..`, of which nothing need be there.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

/// The folder that `path` lies in.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The start of the names of the temporary files of `path`.
fn prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// Gives `file` the owner and group of `before`, as far as this process may.
fn keep_owner(file: &File, before: &fs::Metadata) {
    let Ok(now) = file.metadata() else { return };
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return;
    }
    if fchown(file, Some(before.uid()), Some(before.gid())).is_err() {
        // Only root gives files away, but a member may keep the group. Not being allowed is no failure of the replacement.
        let _ = fchown(file, None, Some(before.gid()));
    }
}

/// Flushes a folder. Some file systems cannot and say so; they keep the order of renames in other ways, or not at all.
fn flush(folder: &File) -> io::Result<()> {
    match folder.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

/// A folder that belongs to this process until this is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    /// The lock lasts as long as this is open.
    file: File,
}

impl Lock {
    /// Whether the lock file in `folder` is the one that is locked. Where that cannot be told it counts as being so.
    fn is_of(&self, folder: &Path) -> bool {
        let there = match fs::metadata(folder.join(LOCK)) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return false,
            there => there,
        };
        let same = |ours: fs::Metadata, there: fs::Metadata| (ours.dev(), ours.ino()) == (there.dev(), there.ino());
        self.file.metadata().and_then(|ours| Ok(same(ours, there?))).unwrap_or(true)
    }
}

/// Why a folder could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Held {
        /// The folder.
        folder: PathBuf,
        /// The holder's process id, where it wrote one.
        pid: Option<u32>,
    },
    /// The lock file cannot be made or locked (a read-only disk, a file system without locks): there may be another
    /// process, or not.
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { folder, pid: Some(pid) } => {
                write!(f, "another driftless (pid {pid}) is at work in {}", folder.display())
            }
            Self::Held { folder, pid: None } => write!(f, "another driftless is at work in {}", folder.display()),
            Self::Unusable { folder, error } => write!(f, "{} cannot be locked: {error}", folder.display()),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Held { .. } => None,
            Self::Unusable { error, .. } => Some(error),
        }
    }
}

/// Takes the lock of `dir`, which is made where it is missing. The kernel frees it when the process ends in any way, so a
/// lock file that lies around means nothing.
///
/// # Errors
/// Another process has it, or it cannot be known.
pub fn lock(dir: &Path) -> Result<Lock, LockError> {
    let unusable = |error| LockError::Unusable { folder: dir.to_owned(), error };
    folder(dir).map_err(unusable)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(dir.join(LOCK))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(dir, &file)),
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    let mut holder = String::new();
    // The pid is for people; a full disk must not cost the lock. In a container it is always the same: no write then.
    let pid = format!("{}\n", std::process::id());
    if (&file).take(32).read_to_string(&mut holder).is_err() || holder != pid {
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(pid.as_bytes()));
    }
    Ok(Lock { file })
}

/// Whether another process has `dir`, found out without writing there: for who may read a folder that is somebody else's.
///
/// # Errors
/// Another process has it, or that cannot be known.
pub fn look_at_lock(dir: &Path) -> Result<(), LockError> {
    let unusable = |error| LockError::Unusable { folder: dir.to_owned(), error };
    let file = match File::open(dir.join(LOCK)) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        file => file.map_err(unusable)?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(held(dir, &file)),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// The error that another process has a folder, with what it wrote into its lock file.
fn held(dir: &Path, file: &File) -> LockError {
    let mut holder = String::new();
    // Without a readable pid the message is shorter, no more.
    let _ = file.take(32).read_to_string(&mut holder);
    LockError::Held { folder: dir.to_owned(), pid: holder.trim().parse().ok() }
}

/// A folder that shall belong to this process, if not yet, then as soon as it can be locked.
#[derive(Debug)]
pub struct Claim {
    folder: PathBuf,
    lock: Option<Lock>,
}

impl Claim {
    /// Locks `folder`, or leaves that for later where nobody can say whether another process has it; the second part says why.
    ///
    /// # Errors
    /// Another process has it.
    pub fn new(folder: &Path) -> Result<(Self, Option<LockError>), LockError> {
        let (lock, trouble) = match lock(folder) {
            Ok(lock) => (Some(lock), None),
            Err(error @ LockError::Held { .. }) => return Err(error),
            Err(error @ LockError::Unusable { .. }) => (None, Some(error)),
        };
        Ok((Self { folder: folder.to_owned(), lock }, trouble))
    }

    /// Whether the folder is locked.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.lock.is_some()
    }

    /// To be called before each write. A folder that is not locked yet is locked if it can be; one whose lock file is no longer
    /// ours, because somebody removed or replaced it, is made and locked anew, and the answer is that it was lost: what was
    /// written there before is gone.
    ///
    /// # Errors
    /// Another process has it by now: nothing may be written.
    pub fn keep(&mut self) -> Result<bool, LockError> {
        let lost = self.lock.take_if(|lock| !lock.is_of(&self.folder)).is_some();
        if self.lock.is_none() {
            match lock(&self.folder) {
                Ok(lock) => self.lock = Some(lock),
                Err(error @ LockError::Held { .. }) => return Err(error),
                // Not yet.
                Err(LockError::Unusable { .. }) => {}
            }
        }
        Ok(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_gets_the_mode_and_an_existing_one_keeps_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone");
        replace(&path, 0o640, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
        replace(&path, 0o640, b"two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o604);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(dir.path()), ["zone"]);
    }

    #[test]
    fn one_file_is_one_however_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(dir.path()).unwrap();
        let zone = folder.join("zone");
        symlink(&folder, dir.path().join("also")).unwrap();
        symlink("zone", dir.path().join("link")).unwrap();
        for there in [false, true] {
            for name in ["zone", "./zone", "also/zone", "link", "also/./link"] {
                assert_eq!(resolved(&folder.join(name)), zone, "{name}, {there}");
            }
            fs::write(&zone, "").unwrap();
        }
        assert_eq!(resolved(Path::new("/nowhere/at/../all/./zone")), Path::new("/nowhere/all/zone"));
        assert_ne!(resolved(&folder.join("other")), zone);
    }

    #[test]
    fn a_new_file_takes_the_place_of_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        prepare(&path, 0o600, b"one").unwrap().commit_new().unwrap();
        let again = prepare(&path, 0o600, b"two").unwrap().commit_new();
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&path).unwrap(), names(dir.path())), (b"one".to_vec(), vec!["token".to_owned()]));
    }

    #[test]
    fn the_owner_is_kept_where_this_process_may_give_files_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone");
        fs::write(&path, "one").unwrap();
        if std::os::unix::fs::chown(&path, Some(1234), Some(4321)).is_err() {
            return; // not root: nothing to keep
        }
        replace(&path, 0o600, b"two").unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1234, 4321));
    }

    #[test]
    fn the_target_of_a_link_is_replaced_and_the_link_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        symlink("real/zone", dir.path().join("link")).unwrap();
        symlink(dir.path().join("link"), dir.path().join("second")).unwrap();
        for content in ["made through a dangling link", "replaced"] {
            replace(&dir.path().join("second"), 0o600, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(dir.path().join("real/zone")).unwrap(), content);
            assert!(fs::symlink_metadata(dir.path().join("link")).unwrap().is_symlink());
        }
        symlink("loop", dir.path().join("loop")).unwrap();
        assert!(replace(&dir.path().join("loop"), 0o600, b"").is_err());
    }

    #[test]
    fn a_file_that_came_in_between_is_not_replaced_by_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone");
        let prepared = prepare(&path, 0o600, b"new").unwrap();
        fs::write(&path, "other").unwrap();
        assert_eq!(prepared.commit_new().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"other");
        assert_eq!(names(dir.path()), ["zone"]);
    }

    #[test]
    fn what_is_no_plain_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("folder")).unwrap();
        assert!(replace(&dir.path().join("folder"), 0o600, b"x").is_err());
        assert!(replace(&dir.path().join("missing/zone"), 0o600, b"x").is_err());
        assert_eq!(names(dir.path()), ["folder"]);
    }

    #[test]
    fn what_was_prepared_and_not_committed_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone");
        fs::write(&path, "old").unwrap();
        drop(prepare(&path, 0o600, b"new").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(dir.path()), ["zone"]);
    }

    #[test]
    fn leftovers_of_a_crash_are_swept_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".ledger.json.Ab12cd.tmp", ".ledger.json.mine", "ledger.json", ".other.Ab12cd.tmp"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        sweep(&dir.path().join("ledger.json"));
        assert_eq!(names(dir.path()), [".ledger.json.mine", ".other.Ab12cd.tmp", "ledger.json"]);
    }

    #[test]
    fn records_are_appended_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        append_durably(&path, 0o600, b"one\n").unwrap();
        append_durably(&path, 0o644, b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_second_holder_is_told_who_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("state/driftless");
        let first = lock(&home).unwrap();
        let message = lock(&home).unwrap_err().to_string();
        assert_eq!(message, format!("another driftless (pid {}) is at work in {}", std::process::id(), home.display()));
        assert_eq!(look_at_lock(&home).unwrap_err().to_string(), message);
        drop(first);
        assert!(look_at_lock(&home).is_ok() && look_at_lock(&dir.path().join("missing")).is_ok());
        let again = lock(&home).unwrap();
        assert_eq!(fs::read_to_string(home.join("lock")).unwrap(), format!("{}\n", std::process::id()));
        drop(again);
        fs::write(home.join("lock"), "a longer text than a process id").unwrap();
        let _kept = lock(&home).unwrap();
        assert_eq!(fs::read_to_string(home.join("lock")).unwrap(), format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_apart_from_one_that_is_held() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(matches!(lock(&dir.path().join("file/state")), Err(LockError::Unusable { .. })));
        let (file, said) = (dir.path().join("file"), lock(&dir.path().join("file/state")).unwrap_err().to_string());
        assert!(
            said.contains(&format!("{} is a file, and a folder is needed: move it away", file.display())),
            "{said}"
        );
        let said = lock(&file).unwrap_err().to_string();
        assert!(said.contains(&format!("{} cannot be locked: it is a file", file.display())), "{said}");
    }

    #[test]
    fn a_folder_that_could_not_be_locked_is_locked_as_soon_as_it_can_be() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("state");
        fs::write(&home, "").unwrap();
        let (mut claim, trouble) = Claim::new(&home).unwrap();
        assert!(trouble.is_some() && !claim.keep().unwrap() && !claim.is_kept());
        let (mut late, _) = Claim::new(&home).unwrap();
        fs::remove_file(&home).unwrap();
        assert!(!claim.keep().unwrap() && claim.is_kept(), "nothing was lost");
        assert!(matches!(lock(&home), Err(LockError::Held { .. })));
        assert!(matches!(late.keep(), Err(LockError::Held { .. })), "the other came first");
    }

    #[test]
    fn a_folder_that_was_removed_is_made_and_locked_anew() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("state");
        let (mut claim, _) = Claim::new(&home).unwrap();
        assert!(!claim.keep().unwrap());
        fs::remove_dir_all(&home).unwrap();
        assert!(claim.keep().unwrap() && claim.is_kept());
        assert!(!claim.keep().unwrap(), "which is found once");
        assert!(matches!(lock(&home), Err(LockError::Held { .. })));
        // Another lock file under the same name is another lock.
        fs::remove_file(home.join(LOCK)).unwrap();
        fs::write(home.join(LOCK), "").unwrap();
        assert!(claim.keep().unwrap() && claim.is_kept());
    }

    #[test]
    fn a_folder_that_was_removed_and_taken_by_another_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("state");
        let (mut claim, _) = Claim::new(&home).unwrap();
        fs::remove_dir_all(&home).unwrap();
        let _other = lock(&home).unwrap();
        assert!(matches!(claim.keep(), Err(LockError::Held { .. })));
        assert!(!claim.is_kept());
    }
}
