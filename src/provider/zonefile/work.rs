//! The file itself: read, understood, changed and replaced, in threads that may wait for the disk.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::edit::{self, Set};
use super::fresh::Fresh;
use super::reload::{self, Reload};
use super::saw::{Saw, Writes};
use super::text::Malformed;
use super::zone::ZoneText;
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::plan::{Health, Snapshot};
use crate::model::record::{RecordType, RrsetKey, Ttl, Values};
use crate::os::file;
use crate::provider::shape::rrsets::Rrset;

/// The largest file that is read, in bytes.
const MAX: u64 = 64 << 20;

/// The mode of a new file: the name server runs as someone else.
const MODE: u32 = 0o644;

/// A zone file, and what is remembered of it.
#[derive(Debug)]
pub struct Inner {
    pub path: PathBuf,
    pub zone: Option<Name>,
    /// What a missing file is made from; `None` where it is not to be made.
    pub fresh: Option<Fresh>,
    pub reload: Option<Reload>,
    pub writes: Writes,
    /// What was last said of a reload that failed: it is not said again at each look.
    pub said: Mutex<String>,
    /// Whoever writes or reloads: a reload that began before a write must not count for it.
    pub turn: tokio::sync::Mutex<()>,
}

/// A change to the file.
pub struct Wanted {
    pub key: RrsetKey,
    /// The content that it was planned on; `None` where it was not read.
    pub saw: Option<Saw>,
    pub values: Values,
    pub ttl: Option<Ttl>,
}

impl Wanted {
    fn set(&self) -> Set<'_> {
        Set { key: &self.key, values: &self.values, ttl: self.ttl }
    }
}

/// The file's content, or that of the file to be made.
pub struct Content {
    pub text: Vec<u8>,
    pub saw: Saw,
}

impl Inner {
    /// Reads and understands the file, or the one to be made where it is missing.
    pub fn read(&self) -> Result<(Content, ZoneText)> {
        let doing = || format!("reading {}", self.path.display());
        let content = match read(&self.path).map_err(|error| self.trouble(doing(), &error))? {
            Some(text) => Content { saw: Saw::of(&text), text },
            None => Content { saw: Saw::NOTHING, text: self.fresh(doing)?.into_bytes() },
        };
        let zone = ZoneText::parse(&content.text, self.zone.as_ref());
        let zone = zone.map_err(|Malformed { line, why }| Error::config(doing(), format!("line {line}: {why}")))?;
        Ok((content, zone))
    }

    /// The text of the file to be made.
    fn fresh(&self, doing: impl Fn() -> String) -> Result<String> {
        match (&self.fresh, &self.zone) {
            (None, _) => Err(Error::config(doing(), "there is no such file").hint("correct `path`, or allow `create`")),
            (Some(_), None) => {
                let why = "there is no such file, and a new one needs the zone's name";
                Err(Error::config(doing(), why).hint("set `zone`"))
            }
            (Some(fresh), Some(zone)) => Ok(fresh.text(zone)),
        }
    }

    /// What the file has of these record sets.
    pub fn get(&self, keys: Vec<RrsetKey>, health: Health) -> Result<Vec<Result<Option<Rrset>>>> {
        let (file, zone) = self.read()?;
        let of = |key: RrsetKey| {
            let found = edit::rrset(&file.text, &zone, &key);
            let found = found.map_err(|why| Error::config(format!("reading {key} in {}", self.path.display()), why))?;
            let (values, ttl) = found.unwrap_or_default();
            Ok(Some(Rrset { key, values, ttl, health, snapshot: Snapshot::of(file.saw.clone()) }))
        };
        Ok(keys.into_iter().map(of).collect())
    }

    /// Makes these changes, where anything is to be changed, in one write; one answer each.
    pub fn replace(&self, changes: &[Wanted]) -> Result<Vec<Result<()>>> {
        let doing = |wanted: &Wanted| format!("writing {} to {}", wanted.key, self.path.display());
        let (file, zone) = self.read()?;
        let (answers, text) = match self.together(&file, &zone, changes) {
            Some(text) => (changes.iter().map(|_| Ok(())).collect(), text),
            None => self.one_by_one(&file, &zone, changes),
        };
        let Some(text) = text else { return Ok(answers) };
        if let Some(line) = zone.unseen.first() {
            tracing::info!(
                "{}: what line {line} and its like bring in is neither seen nor changed",
                self.path.display()
            );
        }
        let written = self.write(&file.saw, &text);
        if written.is_ok() {
            self.writes.add(file.saw, Saw::of(&text));
        }
        let lost = |wanted: &Wanted| match &written {
            Ok(()) => None,
            Err(Some(error)) => Some(self.trouble(doing(wanted), error)),
            Err(None) => {
                Some(Error::stale(doing(wanted), "the file was changed by someone else while it was being written"))
            }
        };
        let told = answers.into_iter().zip(changes);
        Ok(told.map(|(answer, wanted)| answer.and_then(|()| lost(wanted).map_or(Ok(()), Err))).collect())
    }

    /// The text with all changes made at once, where none of them can be in another's way: the file is understood once and not
    /// once for each. `None` where each has to be looked at by itself.
    fn together(&self, file: &Content, zone: &ZoneText, changes: &[Wanted]) -> Option<Option<Vec<u8>>> {
        let fits = |wanted: &Wanted| {
            let current = wanted.saw.as_ref().is_some_and(|saw| self.writes.lead(saw, &file.saw));
            current && wanted.key.rtype != RecordType::Cname
        };
        if !changes.iter().all(fits) {
            return None;
        }
        let sets: Vec<Set<'_>> = changes.iter().map(Wanted::set).collect();
        edit::edit(&file.text, zone, &sets, true).ok()
    }

    /// One answer for each change, and the text with those that could be made, if any.
    fn one_by_one(&self, file: &Content, zone: &ZoneText, changes: &[Wanted]) -> (Vec<Result<()>>, Option<Vec<u8>>) {
        let mut draft: Option<(Vec<u8>, ZoneText)> = None;
        let mut answers = Vec::with_capacity(changes.len());
        for wanted in changes {
            let edited = self.edit(file, zone, draft.as_ref(), wanted);
            answers.push(edited.map(|edited| draft = edited.or_else(|| draft.take())));
        }
        (answers, draft.map(|(text, _)| text))
    }

    /// The file's text, or the draft of it, with one more change made; `None` where nothing is to be changed.
    fn edit(
        &self,
        file: &Content,
        zone: &ZoneText,
        draft: Option<&(Vec<u8>, ZoneText)>,
        wanted: &Wanted,
    ) -> Result<Option<(Vec<u8>, ZoneText)>> {
        let doing = || format!("writing {} to {}", wanted.key, self.path.display());
        if !wanted.saw.as_ref().is_some_and(|saw| self.writes.lead(saw, &file.saw)) {
            return Err(Error::stale(doing(), "the file was changed by someone else since it was read"));
        }
        let (text, zone) = draft.map_or((&file.text, zone), |(text, zone)| (text, zone));
        let edited = edit::edit(text, zone, &[wanted.set()], draft.is_none());
        let Some(text) = edited.map_err(|why| Error::config(doing(), why))? else { return Ok(None) };
        let zone = ZoneText::parse(&text, self.zone.as_ref());
        let zone = zone.map_err(|Malformed { line, why }| Error::config(doing(), format!("line {line}: {why}")))?;
        Ok(Some((text, zone)))
    }

    /// Replaces the file where it still is what was read; `Err(None)` where it is not.
    pub fn write(&self, saw: &Saw, text: &[u8]) -> std::result::Result<(), Option<io::Error>> {
        let prepared = file::follow(&self.path).and_then(|target| file::prepare(&target, MODE, text))?;
        // The slow part is done: what remains between this look and the rename is as short as it can be.
        if read(&self.path)?.map_or(Saw::NOTHING, |now| Saw::of(&now)) != *saw {
            return Err(None);
        }
        match &self.reload {
            Some(reload) => reload.announce()?,
            // Of a command that the account had once: nobody waits for it any more.
            None => reload::forget(&self.path),
        }
        Ok(prepared.commit()?)
    }

    /// Trouble with the disk, in words.
    pub fn trouble(&self, doing: String, error: &io::Error) -> Error {
        let folder = self.path.parent().unwrap_or(Path::new("/")).display();
        let hint = match error.kind() {
            ErrorKind::NotFound => format!("the folder {folder} must be there"),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                format!(
                    "{folder} must be writable for the user driftless runs as, and under systemd stand in ReadWritePaths="
                )
            }
            ErrorKind::ResourceBusy => {
                format!("a file that is mounted by itself cannot be replaced: mount its folder {folder} instead")
            }
            _ => return Error::transient(doing, error.to_string()),
        };
        Error::transient(doing, error.to_string()).hint(hint)
    }
}

/// The file's bytes; `None` where there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let read = || {
        // Looked at before it is opened: opening a pipe would wait for its other end.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX { Err(io::Error::other("it is larger than 64 MiB")) } else { Ok(bytes) }
    };
    match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}
