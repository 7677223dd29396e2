//! A zone file on this machine (RFC 1035), kept by atomic replacement with its serial number raised, and a command that has the
//! name server read it again.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::setting::{Kind, Setting, Settings, SettingsError};
use super::shape::rrsets::{Rrset, Rrsets, RrsetsProvider};
use super::shape::zones::Zone;
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::plan::{Applied, Health, Snapshot};
use crate::model::record::{RecordType, RrsetKey, Ttl, Values};
use crate::os::file;

mod edit;
mod fresh;
mod reload;
mod saw;
mod text;
mod value;
mod zone;

use fresh::Fresh;
use reload::Reload;
use saw::{Saw, Writes};
use text::Malformed;
use zone::ZoneText;

/// What is known of zone files without an account.
pub const ENTRY: Entry = Entry {
    name: "zonefile",
    title: "a zone file on this machine (BIND, NSD, Knot, PowerDNS, CoreDNS)",
    shape: "rrsets",
    documentation: "https://www.rfc-editor.org/rfc/rfc1035#section-5",
    settings: &[
        Setting::required(
            "path",
            Kind::Replaced,
            "The zone file. Its folder must be writable: the file is replaced as a whole.",
        ),
        Setting::optional(
            "zone",
            Kind::Name,
            "The zone's name, where the file does not say it with $ORIGIN or its SOA record.",
        ),
        Setting::optional(
            "reload",
            Kind::Command,
            "What has the name server read the file again, as a list of words; 10 seconds at most.",
        )
        .detail(),
        Setting::optional(
            "create",
            Kind::Flag,
            "Whether a missing file is made, default true; `zone` must be set then.",
        )
        .detail(),
        Setting::optional(
            "nameserver",
            Kind::Name,
            "The zone's name server in a new file, default \"localhost\"; one within the zone needs an address there.",
        )
        .detail(),
        Setting::optional(
            "hostmaster",
            Kind::Text,
            "Who looks after the zone, in a new file, as a mail address; default hostmaster@ the zone.",
        )
        .detail(),
    ],
    build,
    edit: None,
};

fn build(settings: &Settings, _: &Tools) -> Result<Arc<dyn Provider>, SettingsError> {
    Ok(Arc::new(RrsetsProvider::new(ZoneFile::new(settings)?)))
}

/// The largest file that is read, in bytes.
const MAX: u64 = 64 << 20;

/// The mode of a new file: the name server runs as someone else.
const MODE: u32 = 0o644;

/// A zone file.
#[derive(Clone, Debug)]
pub struct ZoneFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    zone: Option<Name>,
    /// What a missing file is made from; `None` where it is not to be made.
    fresh: Option<Fresh>,
    reload: Option<Reload>,
    writes: Writes,
    /// Whoever writes or reloads: a reload that began before a write must not count for it.
    turn: tokio::sync::Mutex<()>,
}

impl ZoneFile {
    /// The zone file of an account. Nothing is read yet.
    ///
    /// # Errors
    /// The path is missing or names no file, or the mail address is none.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let path = settings.path("path").ok_or_else(|| SettingsError::of("path", "which zone file?"))?.to_owned();
        if path.file_name().is_none() {
            return Err(SettingsError::of("path", "this names a folder, not a zone file"));
        }
        let fresh = Fresh::new(settings.domain("nameserver"), settings.text("hostmaster"));
        let fresh = fresh.map_err(|why| SettingsError::of("hostmaster", why))?;
        let command = settings.texts("reload").map(<[String]>::to_vec);
        let reload = match command {
            Some(command) => {
                let reload = Reload::new(&path, command);
                Some(reload.ok_or_else(|| SettingsError::of("reload", "the command is empty"))?)
            }
            None => None,
        };
        Ok(Self(Arc::new(Inner {
            path,
            zone: settings.domain("zone").cloned(),
            fresh: settings.flag("create").unwrap_or(true).then_some(fresh),
            reload,
            writes: Writes::default(),
            turn: tokio::sync::Mutex::default(),
        })))
    }

    /// Runs file work where it may wait for the disk.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = Arc::clone(&self.0);
        let doing = format!("working on {}", inner.path.display());
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(Error::transient(doing, error.to_string())))
    }

    /// Whether the name server has what the file has. A reload that failed is tried again here, so that it is made good by
    /// the next look at the file, whoever takes it.
    async fn health(&self) -> Health {
        let _turn = self.0.turn.lock().await;
        match &self.0.reload {
            Some(reload) if reload.due() => match reload.run().await {
                Ok(()) => Health::Live,
                Err(error) => {
                    tracing::warn!("{error}");
                    Health::Pending
                }
            },
            _ => Health::Live,
        }
    }
}

#[async_trait]
impl Rrsets for ZoneFile {
    fn terms(&self) -> Terms {
        Terms {
            readable: true,
            width: 1,
            budget: Budget::RECORDS,
            settles_within: Duration::from_secs(if self.0.reload.is_some() { 30 } else { 0 }),
            read_back_after: Duration::ZERO,
            forgets_siblings: false,
            refresh: None,
            in_dns: false,
        }
    }

    async fn zone_of(&self, name: &Name) -> Result<Option<Zone>> {
        let zone = match &self.0.zone {
            Some(zone) => zone.clone(),
            None => self.work(|inner| Ok(inner.read()?.1.zone)).await?,
        };
        Ok(name.is_within(&zone).then(|| Zone { id: zone.to_string(), name: zone }))
    }

    async fn zones(&self) -> Result<Option<Vec<Zone>>> {
        let zone = self.work(|inner| Ok(inner.read()?.1.zone)).await?;
        Ok(Some(vec![Zone { id: zone.to_string(), name: zone }]))
    }

    /// The record set, with no values where there is none: the change then knows the content it was planned on.
    async fn get(&self, _: &Zone, key: &RrsetKey) -> Result<Option<Rrset>> {
        let health = self.health().await;
        let key = key.clone();
        self.work(move |inner| {
            let (file, zone) = inner.read()?;
            let found = edit::rrset(&file.text, &zone, &key);
            let found =
                found.map_err(|why| Error::config(format!("reading {key} in {}", inner.path.display()), why))?;
            let (values, ttl) = found.unwrap_or_default();
            Ok(Some(Rrset { key, values, ttl, health, snapshot: Snapshot::of(file.saw.clone()) }))
        })
        .await
    }

    async fn list(&self, _: &Zone) -> Result<Option<Vec<Rrset>>> {
        let health = self.health().await;
        self.work(move |inner| inner.list(health)).await.map(Some)
    }

    async fn replace(
        &self,
        _: &Zone,
        key: &RrsetKey,
        before: Option<&Rrset>,
        values: &Values,
        ttl: Option<Ttl>,
    ) -> Result<Applied> {
        let saw = before.and_then(|before| before.snapshot.get::<Saw>().cloned());
        let change = Wanted { key: key.clone(), values: values.clone(), ttl };
        let _turn = self.0.turn.lock().await;
        self.work(move |inner| inner.replace(saw, &change)).await?;
        if let Some(reload) = self.0.reload.as_ref().filter(|reload| reload.due()) {
            reload.run().await?;
        }
        Ok(Applied::Done)
    }
}

/// A change to the file.
struct Wanted {
    key: RrsetKey,
    values: Values,
    ttl: Option<Ttl>,
}

/// The file's content, or that of the file to be made.
struct Content {
    text: Vec<u8>,
    saw: Saw,
}

impl Inner {
    /// Reads and understands the file, or the one to be made where it is missing.
    fn read(&self) -> Result<(Content, ZoneText)> {
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

    fn list(&self, health: Health) -> Result<Vec<Rrset>> {
        let (file, zone) = self.read()?;
        let mut keys: Vec<_> = zone.records.iter().filter(|record| record.internet()).filter_map(key_of).collect();
        keys.sort();
        keys.dedup();
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let found = edit::rrset(&file.text, &zone, &key)
                .map_err(|why| Error::config(format!("reading {key} in {}", self.path.display()), why))?;
            let snapshot = Snapshot::of(file.saw.clone());
            all.extend(found.map(|(values, ttl)| Rrset { key, values, ttl, health, snapshot }));
        }
        Ok(all)
    }

    /// Changes the file, where anything is to be changed. `saw` is the content that the change was planned on;
    /// `None` where the record set was not there.
    fn replace(&self, saw: Option<Saw>, wanted: &Wanted) -> Result<()> {
        let doing = || format!("writing {} to {}", wanted.key, self.path.display());
        let (file, zone) = self.read()?;
        let known = match saw {
            Some(saw) => self.writes.lead(&saw, &file.saw),
            None => matches!(edit::rrset(&file.text, &zone, &wanted.key), Ok(None)),
        };
        if !known {
            return Err(Error::stale(doing(), "the file was changed by someone else since it was read"));
        }
        if let Some(line) = zone.unseen.first() {
            tracing::info!(
                "{}: what line {line} and its like bring in is neither seen nor changed",
                self.path.display()
            );
        }
        let edited = edit::edit(&file.text, &zone, &wanted.key, &wanted.values, wanted.ttl);
        let Some(text) = edited.map_err(|why| Error::config(doing(), why))? else { return Ok(()) };
        self.write(&file.saw, &text).map_err(|error| match error {
            Some(error) => self.trouble(doing(), &error),
            None => Error::stale(doing(), "the file was changed by someone else while it was being written"),
        })?;
        self.writes.add(file.saw, Saw::of(&text));
        Ok(())
    }

    /// Replaces the file where it still is what was read; `Err(None)` where it is not.
    fn write(&self, saw: &Saw, text: &[u8]) -> std::result::Result<(), Option<io::Error>> {
        let prepared = file::follow(&self.path).and_then(|target| file::prepare(&target, MODE, text))?;
        // The slow part is done: what remains between this look and the rename is as short as it can be.
        if read(&self.path)?.map_or(Saw::NOTHING, |now| Saw::of(&now)) != *saw {
            return Err(None);
        }
        if let Some(reload) = &self.reload {
            reload.announce()?;
        }
        Ok(prepared.commit()?)
    }

    /// Trouble with the disk, in words.
    fn trouble(&self, doing: String, error: &io::Error) -> Error {
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

fn key_of(record: &zone::Record) -> Option<RrsetKey> {
    let rtype: RecordType = record.rtype.parse().ok()?;
    let name = Name::parse(&record.owner).ok().filter(|name| name.fqdn() == record.owner)?;
    Some(RrsetKey::new(name, rtype))
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

/// The fuzzer's door: zone files of any content.
#[cfg(fuzzing)]
pub mod fuzz {
    use super::*;

    /// Every record set of the file that can be read; `None` where it is no zone file.
    pub fn sets(text: &[u8]) -> Option<std::collections::BTreeMap<RrsetKey, (Values, Option<Ttl>)>> {
        let zone = ZoneText::parse(text, None).ok()?;
        let keys = zone.records.iter().filter(|record| record.internet()).filter_map(key_of);
        Some(keys.filter_map(|key| Some((key.clone(), edit::rrset(text, &zone, &key).ok()??))).collect())
    }

    /// The file with exactly these values in the record set.
    pub fn edit(
        text: &[u8],
        key: &RrsetKey,
        values: &Values,
        ttl: Option<Ttl>,
    ) -> std::result::Result<Option<Vec<u8>>, String> {
        let zone = ZoneText::parse(text, None).map_err(|wrong| wrong.why)?;
        edit::edit(text, &zone, key, values, ttl)
    }
}

#[cfg(test)]
mod tests;
