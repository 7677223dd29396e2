//! The few things that the ledger does to a disk, and the folder that it does them to.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::os::file;

/// The largest file that is read or written, in bytes.
pub const MAX: u64 = 64 << 20;

/// For nobody but the owner: the ledger tells which names and addresses there are.
const MODE: u32 = 0o600;

/// What a file holds.
pub enum Content {
    /// There is none.
    Missing,
    /// It cannot be read, and why.
    Unusable(String),
    /// Its bytes, at most 64 MiB.
    Bytes(Vec<u8>),
}

/// The few things that the store does to a disk; the tests' disk stops between any two of them.
pub trait Disk: Send {
    /// Makes the folder where it is missing.
    fn ready(&self) -> io::Result<()>;
    /// Whether the folder can be written, as far as this is known without writing.
    fn writable(&self) -> io::Result<()>;
    /// Reads a file as far as it can be.
    fn read(&self, file: &str) -> Content;
    /// Appends and flushes.
    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()>;
    /// Writes and flushes the next snapshot under a temporary name.
    fn prepare(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Gives the next snapshot its name, and flushes the folder.
    fn commit(&mut self) -> io::Result<()>;
    /// Renames; a file that is missing is no error.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
}

/// A folder.
pub struct Folder {
    path: PathBuf,
    snapshot: &'static str,
    prepared: Option<file::Prepared>,
}

impl Disk for Folder {
    fn ready(&self) -> io::Result<()> {
        file::folder(&self.path).map_err(|error| self.at(error))
    }

    fn writable(&self) -> io::Result<()> {
        use rustix::fs::{Access, access};
        access(&self.path, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| self.at(error.into()))
    }

    fn read(&self, name: &str) -> Content {
        let path = self.path.join(name);
        let read = || -> io::Result<Vec<u8>> {
            // Looked at before it is opened: opening a pipe would wait for its other end.
            if !fs::metadata(&path)?.is_file() {
                return Err(io::Error::other("it is no plain file"));
            }
            let mut bytes = Vec::new();
            File::open(&path)?.take(MAX + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) if bytes.len() as u64 > MAX => Content::Unusable("it is larger than 64 MiB".into()),
            Ok(bytes) => Content::Bytes(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Content::Missing,
            Err(error) => Content::Unusable(error.to_string()),
        }
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        file::append_durably(&self.path.join(name), MODE, bytes).map_err(|error| self.at(error))
    }

    fn prepare(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.prepared = None;
        self.prepared =
            Some(file::prepare(&self.path.join(self.snapshot), MODE, bytes).map_err(|error| self.at(error))?);
        Ok(())
    }

    fn commit(&mut self) -> io::Result<()> {
        match self.prepared.take() {
            Some(prepared) => prepared.commit().map_err(|error| self.at(error)),
            None => Err(io::Error::other("no snapshot was prepared")),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        match fs::rename(self.path.join(from), self.path.join(to)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.at(error)),
            _ => Ok(()),
        }
    }
}

impl Folder {
    /// The folder at `path`, whose snapshots are called `snapshot`.
    pub fn new(path: &Path, snapshot: &'static str) -> Self {
        Self { path: path.to_owned(), snapshot, prepared: None }
    }

    /// The error with the folder's name.
    fn at(&self, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
    }
}

/// No disk at all.
pub struct Nowhere;

impl Disk for Nowhere {
    fn ready(&self) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::Unsupported, "the ledger is kept in memory only"))
    }
    fn writable(&self) -> io::Result<()> {
        self.ready()
    }
    fn read(&self, _: &str) -> Content {
        Content::Missing
    }
    fn append(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        self.ready()
    }
    fn prepare(&mut self, _: &[u8]) -> io::Result<()> {
        self.ready()
    }
    fn commit(&mut self) -> io::Result<()> {
        self.ready()
    }
    fn rename(&mut self, _: &str, _: &str) -> io::Result<()> {
        self.ready()
    }
}
