//! The ledger on disk: JSON documents by their keys, of whose meaning nothing is known here.
//!
//! A save is one record appended to `ledger.journal` and one flush. From time to time the journal is folded into
//! `ledger.json`; the generation before stays as `ledger.json.1` and `ledger.journal.1`. Saves are numbered, so that after
//! a crash between any two steps of a fold the files that are there say the same:
//!
//! 1. the new snapshot is written and flushed under a temporary name;
//! 2. `ledger.json` becomes `ledger.json.1` (now: the earlier snapshot and the journal behind it);
//! 3. the new snapshot becomes `ledger.json`, and the folder is flushed (now: the journal's numbers are all in it);
//! 4. `ledger.journal` becomes `ledger.journal.1`.
//!
//! Whatever bytes the files hold, a store opens: what is damaged is set aside, the earlier generation is taken, then nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::model::json::Json;
use crate::os::file;

mod aside;
mod disk;
mod format;

use aside::{KEPT_ASIDE, aside, names_aside};
use disk::{Content, Disk, Folder, MAX, Nowhere};
pub use format::Documents;
use format::{Record, Snapshot};

const SNAPSHOT: &str = "ledger.json";
const EARLIER_SNAPSHOT: &str = "ledger.json.1";
const JOURNAL: &str = "ledger.journal";
const EARLIER_JOURNAL: &str = "ledger.journal.1";

/// A journal shorter than this is not folded, in bytes: flash is worn by whole blocks, not by short records.
const FOLD_ABOVE: u64 = 64 << 10;

/// What was found on the disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The documents after the last save that can be read.
    pub documents: Documents,
    /// What was damaged, dropped or set aside and why, for people; empty where all is well.
    pub notes: Vec<String>,
}

/// A durable store. One process has it open; see [`file::lock`].
pub struct Store {
    disk: Box<dyn Disk>,
    documents: Documents,
    /// The number of the last save that was tried.
    sequence: u64,
    /// The files were looked at, so that the numbers in them are known.
    read: bool,
    /// The disk may lack something that is held here, or its journal may have a torn end: the next save writes a snapshot.
    behind: bool,
    /// The last thing that was tried on the disk worked.
    writable: bool,
    /// Files that are set aside at the next fold.
    damaged: BTreeSet<&'static str>,
    journal_length: u64,
    /// The length in bytes above which the journal is folded.
    fold_above: u64,
}

impl Store {
    /// Opens the store in `folder`, which is made where it is missing. Never fails: where nothing can be read, it starts empty
    /// and says so in the notes. Writes only where something is damaged or the journal is long, so that a crash loop writes
    /// nothing.
    #[must_use]
    pub fn open(folder: &Path) -> (Self, Loaded) {
        file::sweep(&folder.join(SNAPSHOT));
        Self::on(Box::new(Folder::new(folder, SNAPSHOT)))
    }

    /// A store without a disk that holds `documents` at first: every save is kept in memory and fails.
    #[must_use]
    pub fn in_memory(documents: Documents) -> Self {
        Self { documents, ..Self::on(Box::new(Nowhere)).0 }
    }

    /// What is in `folder`, for those who only look: nothing is locked, made or written.
    #[must_use]
    pub fn look(folder: &Path) -> Loaded {
        let Found { state, notes, .. } = load(&Folder::new(folder, SNAPSHOT));
        Loaded { documents: state.documents, notes }
    }

    /// Whether `folder` could be written or made, as far as this is known without trying. Who may not because he is someone else
    /// than the daemon does not know better.
    #[must_use]
    pub fn may_write(folder: &Path) -> bool {
        use rustix::fs::{Access, access};
        let known = folder.ancestors().map(|folder| access(folder, Access::WRITE_OK | Access::EXEC_OK));
        let known = known.map(|known| known.map_err(|error| io::Error::from(error).kind()));
        let mut known = known.skip_while(|known| *known == Err(ErrorKind::NotFound));
        known.next().is_none_or(|known| matches!(known, Ok(()) | Err(ErrorKind::PermissionDenied)))
    }

    fn on(disk: Box<dyn Disk>) -> (Self, Loaded) {
        let mut store = Self {
            disk,
            documents: Documents::new(),
            sequence: 0,
            read: false,
            behind: true,
            writable: false,
            damaged: BTreeSet::new(),
            journal_length: 0,
            fold_above: FOLD_ABOVE,
        };
        let mut notes = Vec::new();
        match store.disk.ready() {
            Ok(()) => notes = store.take_over(),
            Err(error) => notes.push(format!("the ledger's folder cannot be used: {error}")),
        }
        if store.read && (store.behind || store.journal_length > store.fold_above) {
            let names = names_aside(&store.damaged);
            match store.fold() {
                Ok(()) if !names.is_empty() => {
                    let names = names.join(", ");
                    notes.push(format!(
                        "what is damaged is kept as {names} (of all that ever was, the last {KEPT_ASIDE})"
                    ));
                }
                Ok(()) => {}
                Err(error) => {
                    store.writable = false;
                    notes.push(format!("the ledger cannot be written: {error}"));
                }
            }
        } else if store.read
            && let Err(error) = store.disk.writable()
        {
            store.writable = false;
            notes.push(format!("the ledger cannot be written: {error}"));
        }
        let documents = store.documents.clone();
        (store, Loaded { documents, notes })
    }

    /// The documents as they are held, whether or not the disk has them.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Whether everything held is on the disk and the disk was not found unwritable.
    #[must_use]
    pub fn writable(&self) -> bool {
        self.writable && !self.behind
    }

    /// The files are gone, or other ones than those that were written: the next save writes everything that is held.
    pub fn start_over(&mut self) {
        self.behind = true;
    }

    /// Holds these documents (`None`: no longer) and returns when they are on the disk, all or none of them. Nothing is
    /// written where they are what is held already. Later entries of one key win.
    ///
    /// `save(&[("a".into(), Json::of(&1)), ("b".into(), None)])` sets `a` and removes `b`.
    ///
    /// # Errors
    /// The disk is full, read-only or broken: the documents are held in memory, and the next save writes them too.
    pub fn save(&mut self, changes: &[(String, Option<Json>)]) -> io::Result<()> {
        let last: BTreeMap<_, _> = changes.iter().map(|(key, value)| (key, value)).collect();
        let mut record = Record::new(self.sequence.saturating_add(1));
        for (key, value) in last.into_iter().filter(|(key, value)| self.documents.get(*key) != value.as_ref()) {
            match value {
                Some(value) => drop(record.set.insert(key.clone(), value.clone())),
                None => record.removed.push(key.clone()),
            }
        }
        let nothing_new = record.set.is_empty() && record.removed.is_empty();
        // A disk that could not be written is found again only by writing.
        if nothing_new && !self.behind && self.writable {
            return Ok(());
        }
        let line = format::record(&record)?;
        apply(&mut self.documents, record);
        let length = self.journal_length.saturating_add(line.len() as u64);
        let result = if self.behind || !self.writable || length > MAX { self.fold() } else { self.append(&line) };
        self.writable = result.is_ok();
        self.behind |= result.is_err();
        result
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        // Counted before it is tried: a record that failed may yet turn up on the disk, and its number is not given again.
        self.sequence = self.sequence.saturating_add(1);
        self.disk.append(JOURNAL, line)?;
        self.journal_length += line.len() as u64;
        if self.journal_length > self.fold_above && self.fold().is_err() {
            // The save itself is on the disk. A disk without room for a snapshot is not asked again at each save.
            self.fold_above = self.journal_length.saturating_mul(2);
        }
        Ok(())
    }

    /// Writes everything held as a new snapshot; see the head of this file for the order.
    fn fold(&mut self) -> io::Result<()> {
        self.disk.ready()?;
        if !self.read {
            // The folder came back, with files of another life maybe: what was held meanwhile is newer, and numbered so.
            let held = std::mem::take(&mut self.documents);
            for note in self.take_over() {
                tracing::warn!("{note}");
            }
            self.documents = held;
            self.behind = true;
        }
        self.sequence = self.sequence.saturating_add(u64::from(self.behind));
        let bytes = format::snapshot(self.sequence, &self.documents)?;
        let length = bytes.len() as u64;
        if length > MAX {
            return Err(io::Error::new(ErrorKind::InvalidData, "the ledger is larger than 64 MiB"));
        }
        if self.damaged.contains(SNAPSHOT) {
            // Nothing in it counts, and what is no plain file would stand in the way.
            self.retire(SNAPSHOT, EARLIER_SNAPSHOT)?;
        }
        self.disk.prepare(&bytes)?;
        self.retire(SNAPSHOT, EARLIER_SNAPSHOT)?;
        self.disk.commit()?;
        self.retire(JOURNAL, EARLIER_JOURNAL)?;
        for file in std::mem::take(&mut self.damaged) {
            self.set_aside(file)?;
        }
        self.behind = false;
        self.writable = true;
        self.journal_length = 0;
        self.fold_above = length.max(FOLD_ABOVE);
        Ok(())
    }

    /// Makes `file` the earlier generation, or sets it aside where it is damaged.
    fn retire(&mut self, file: &'static str, earlier: &str) -> io::Result<()> {
        if self.damaged.contains(file) {
            self.set_aside(file)?;
            self.damaged.remove(file);
            return Ok(());
        }
        self.disk.rename(file, earlier)
    }

    fn set_aside(&mut self, file: &str) -> io::Result<()> {
        for number in (1..KEPT_ASIDE).rev() {
            self.disk.rename(&aside(file, number), &aside(file, number + 1))?;
        }
        self.disk.rename(file, &aside(file, 1))
    }

    /// Takes what the files say, and answers the notes on them.
    fn take_over(&mut self) -> Vec<String> {
        let found = load(&*self.disk);
        self.documents = found.state.documents;
        self.sequence = found.state.sequence;
        self.behind = found.untidy || !found.damaged.is_empty();
        self.damaged = found.damaged;
        self.journal_length = found.journal_length;
        self.fold_above = found.snapshot_length.max(FOLD_ABOVE);
        self.read = true;
        self.writable = true;
        found.notes
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (documents, sequence) = (self.documents.len(), self.sequence);
        write!(f, "Store({documents} documents after save {sequence}, writable: {})", self.writable())
    }
}

fn apply(documents: &mut Documents, record: Record) {
    for key in record.removed {
        documents.remove(&key);
    }
    documents.extend(record.set);
}

/// What the files say.
#[derive(Default)]
struct Found {
    state: Snapshot,
    notes: Vec<String>,
    damaged: BTreeSet<&'static str>,
    /// A fold was interrupted or a journal has a torn end: the files are to be written anew before anything is appended.
    untidy: bool,
    snapshot_length: u64,
    journal_length: u64,
}

impl Found {
    fn damage(&mut self, file: &'static str, why: &str) {
        self.notes.push(format!("{file} is damaged: {why}"));
        self.damaged.insert(file);
    }

    fn cannot_be_read(&mut self, file: &'static str, why: &str) {
        self.notes.push(format!("{file} cannot be read: {why}"));
        self.damaged.insert(file);
    }
}

fn load(disk: &dyn Disk) -> Found {
    let mut found = Found::default();
    let base = load_snapshot(disk, &mut found);
    let journals: &[_] = if base == Some(SNAPSHOT) { &[JOURNAL] } else { &[EARLIER_JOURNAL, JOURNAL] };
    for file in journals {
        load_journal(disk, file, &mut found);
    }
    found
}

/// Takes the first snapshot that is whole, and answers which.
fn load_snapshot(disk: &dyn Disk, found: &mut Found) -> Option<&'static str> {
    for file in [SNAPSHOT, EARLIER_SNAPSHOT] {
        let bytes = match disk.read(file) {
            Content::Missing => continue,
            Content::Unusable(why) => {
                found.cannot_be_read(file, &why);
                continue;
            }
            Content::Bytes(bytes) => bytes,
        };
        match format::read_snapshot(&bytes) {
            Ok(state) => {
                if file == EARLIER_SNAPSHOT {
                    found.notes.push(format!("{SNAPSHOT} is not there: {EARLIER_SNAPSHOT} and the journals are taken"));
                    found.untidy = true;
                }
                found.state = state;
                found.snapshot_length = bytes.len() as u64;
                return Some(file);
            }
            Err(why) => found.damage(file, &why),
        }
    }
    None
}

/// Applies what a journal has beyond the state. After a gap it goes on: a document is always saved whole, and the newest
/// that is known of it is better than an older one.
fn load_journal(disk: &dyn Disk, file: &'static str, found: &mut Found) {
    let bytes = match disk.read(file) {
        Content::Missing => return,
        Content::Unusable(why) => return found.cannot_be_read(file, &why),
        Content::Bytes(bytes) => bytes,
    };
    let journal = format::read_journal(&bytes);
    let lost = "; it has no record that can be read, and what was saved last is lost";
    match &journal.damage {
        Some(why) => found.damage(file, &format!("{why}{}", if journal.records.is_empty() { lost } else { "" })),
        None if journal.torn && !journal.is_begun => found.damage(file, &format!("it is no journal{lost}")),
        None => {}
    }
    if journal.torn && journal.is_begun {
        found.notes.push(format!("{file}: the last record is not complete and is dropped"));
        found.untidy = true;
    }
    if file == JOURNAL {
        found.journal_length = bytes.len() as u64;
    }
    for record in journal.records {
        let expected = found.state.sequence.saturating_add(1);
        if record.sequence < expected {
            continue;
        }
        if record.sequence > expected {
            found.notes.push(format!("{file}: saves {expected} to {} are lost", record.sequence - 1));
            found.untidy = true;
        }
        found.state.sequence = record.sequence;
        apply(&mut found.state.documents, record);
    }
}

/// The fuzzer's door: files of any content; and the documents of a snapshot with this body, its checksum made to fit.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(bytes: &[u8]) -> Option<Documents> {
    let _ = format::read_snapshot(bytes);
    let _ = format::read_journal(bytes);
    let documents: Documents = serde_json::from_slice(bytes).ok()?;
    let written = format::snapshot(1, &documents).ok()?;
    let read = format::read_snapshot(&written).ok()?;
    (read.documents == documents).then_some(documents)
}

#[cfg(test)]
mod tests;
