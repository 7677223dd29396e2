//! For tests: a file system of one MiB that can be filled and made read-only. Only root can have one.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Says that a test was not run, and why.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// A small file system in a folder of its own, gone when dropped.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts one; `None`, with a word, where this process may not.
    pub fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().ok()?;
        if mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], dir.path()) {
            return Some(Self(dir));
        }
        skipped("a file system can only be mounted by root");
        None
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room there is.
    pub fn fill(&self) {
        // Ends with an error when the disk is full, which is what is wanted.
        let _ = fs::write(self.path().join("filler"), vec![0; 2 << 20]);
    }

    /// Gives the room back.
    pub fn empty(&self) {
        let _ = fs::remove_file(self.path().join("filler"));
    }

    /// Makes it read-only, or writable again; answers whether that worked.
    pub fn read_only(&self, yes: bool) -> bool {
        mount(&["-o", if yes { "remount,ro" } else { "remount,rw" }], self.path())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).output();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    Command::new("mount").args(arguments).arg(path).output().is_ok_and(|output| output.status.success())
}
