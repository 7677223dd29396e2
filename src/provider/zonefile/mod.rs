//! A zone file on this machine (RFC 1035), kept by atomic replacement with its serial number raised, and a command that has the
//! name server read it again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::edit::rules::{ANY_TTL, Objection, outside};
use super::setting::{Kind, Setting, Settings, SettingsError};
use super::shape::rrsets::{Replacement, Rrset, Rrsets, RrsetsProvider};
use super::shape::zones::Zone;
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::plan::{Applied, Health};
use crate::model::record::{RecordType, RrsetKey, Ttl, Values};

mod edit;
mod fresh;
mod reload;
mod saw;
mod text;
mod value;
mod work;
mod zone;

use fresh::Fresh;
use reload::Reload;
use saw::{Saw, Writes};
use work::{Inner, Wanted};

/// What is known of zone files without an account.
pub const ENTRY: Entry = Entry {
    name: "zonefile",
    title: "a zone file on this machine (BIND, NSD, Knot, PowerDNS, CoreDNS)",
    shape: "rrsets",
    documentation: "https://www.rfc-editor.org/rfc/rfc1035#section-5",
    notice: None,
    ttl: ANY_TTL,
    objects: objection,
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

/// What is known of a name without reading the file.
fn objection(settings: &Settings, name: &Name, _: &[RecordType]) -> Option<Objection> {
    outside(name, settings.domain("zone").into_iter(), "zone")
}

fn build(settings: &Settings, _: &Tools) -> Result<Arc<dyn Provider>, SettingsError> {
    Ok(Arc::new(RrsetsProvider::new(ZoneFile::new(settings)?)))
}

/// So many changes are made in one write. Each is checked against the whole file, and a call has to end.
const TOGETHER: usize = 200;

/// A zone file.
#[derive(Clone, Debug)]
pub struct ZoneFile(Arc<Inner>);

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
            said: Mutex::default(),
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
                Ok(()) => {
                    self.is_said_first(String::new());
                    Health::Live
                }
                Err(error) => {
                    if self.is_said_first(error.to_string()) {
                        tracing::warn!("{error}");
                    }
                    Health::Pending
                }
            },
            _ => Health::Live,
        }
    }

    /// Whether something else was said before.
    fn is_said_first(&self, what: String) -> bool {
        // A text is replaced whole, so a panic elsewhere cannot leave it half-made.
        let mut said = self.0.said.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *said != what;
        *said = what;
        first
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
        self.zones_of(std::slice::from_ref(name)).await.pop().unwrap_or(Ok(None))
    }

    /// The file is read once for all of them.
    async fn zones_of(&self, names: &[Name]) -> Vec<Result<Option<Zone>>> {
        let zone = match &self.0.zone {
            Some(zone) => Ok(zone.clone()),
            None => self.work(|inner| Ok(inner.read()?.1.zone)).await,
        };
        let within =
            |name: &Name, zone: &Name| name.is_within(zone).then(|| Zone { id: zone.to_string(), name: zone.clone() });
        names.iter().map(|name| zone.clone().map(|zone| within(name, &zone))).collect()
    }

    async fn zones(&self) -> Result<Option<Vec<Zone>>> {
        let zone = self.work(|inner| Ok(inner.read()?.1.zone)).await?;
        Ok(Some(vec![Zone { id: zone.to_string(), name: zone }]))
    }

    async fn get(&self, zone: &Zone, key: &RrsetKey) -> Result<Option<Rrset>> {
        let answer = self.get_together(zone, &[key]).await.and_then(|mut answers| answers.pop());
        answer.unwrap_or_else(|| Err(Error::transient(format!("reading {key}"), "the file was not looked at")))
    }

    /// The record sets, with no values where there is none: the change then knows the content it was planned on.
    async fn get_together(&self, _: &Zone, keys: &[&RrsetKey]) -> Option<Vec<Result<Option<Rrset>>>> {
        let health = self.health().await;
        let wanted: Vec<RrsetKey> = keys.iter().map(|key| (*key).clone()).collect();
        let answers = self.work(move |inner| inner.get(wanted, health)).await;
        Some(answers.unwrap_or_else(|error| keys.iter().map(|_| Err(error.clone())).collect()))
    }

    async fn replace(
        &self,
        zone: &Zone,
        key: &RrsetKey,
        before: Option<&Rrset>,
        values: &Values,
        ttl: Option<Ttl>,
    ) -> Result<Applied> {
        let answer = self.replace_together(zone, &[Replacement { key, before, values, ttl }]).await.pop();
        answer.unwrap_or_else(|| Err(Error::transient(format!("writing {key}"), "the file was not written")))
    }

    fn changes_in_a_call(&self) -> usize {
        TOGETHER
    }

    /// One write, one number, one reload for all of them.
    async fn replace_together(&self, _: &Zone, wanted: &[Replacement<'_>]) -> Vec<Result<Applied>> {
        let of = |wanted: &Replacement<'_>| Wanted {
            key: wanted.key.clone(),
            saw: wanted.before.and_then(|before| before.snapshot.get::<Saw>().cloned()),
            values: wanted.values.clone(),
            ttl: wanted.ttl,
        };
        let changes: Vec<Wanted> = wanted.iter().map(of).collect();
        let _turn = self.0.turn.lock().await;
        let written = self.work(move |inner| inner.replace(&changes)).await;
        let mut answers = written.unwrap_or_else(|error| wanted.iter().map(|_| Err(error.clone())).collect());
        if answers.iter().any(Result::is_ok)
            && let Some(reload) = self.0.reload.as_ref().filter(|reload| reload.due())
            && let Err(error) = reload.run().await
        {
            answers.iter_mut().filter(|answer| answer.is_ok()).for_each(|answer| *answer = Err(error.clone()));
        }
        answers.into_iter().map(|answer| answer.map(|()| Applied::Done)).collect()
    }
}

/// The fuzzer's door: zone files of any content.
#[cfg(fuzzing)]
pub mod fuzz {
    use super::zone::{Record, ZoneText};
    use super::*;
    use crate::model::record::RecordType;

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
        edit::edit(text, &zone, key, values, ttl, true)
    }

    fn key_of(record: &Record) -> Option<RrsetKey> {
        let rtype: RecordType = record.rtype.parse().ok()?;
        let name = Name::parse(&record.owner).ok().filter(|name| name.fqdn() == record.owner)?;
        Some(RrsetKey::new(name, rtype))
    }
}

#[cfg(test)]
mod tests;
