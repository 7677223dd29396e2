//! Services that keep records with ids: zone search, and edits that recycle our old record before they create and retire.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::patience::Patience;
use super::zones::{Zone, ZoneCache};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::plan::{Applied, Batch, Change, Health, Plan, Seen, Settled, Snapshot, Ticket};
use crate::model::record::{RecordType, RrsetKey, Ttl, Value, Values};
use crate::provider::{Provider, Terms};

#[cfg(test)]
mod tests;

/// One record as the service keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The service's id, opaque.
    pub id: String,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its value.
    pub value: Value,
    /// Its TTL where the service tells it.
    pub ttl: Option<Ttl>,
    /// Everything else that an update must send again (priority, weight, region, comment …), as the service writes it.
    pub attributes: BTreeMap<String, String>,
}

/// A record to be created, or what an existing one shall become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its value.
    pub value: Value,
    /// Its TTL; `None` takes the service's default.
    pub ttl: Option<Ttl>,
    /// The attributes carried over from the record it replaces; empty for a new one.
    pub attributes: BTreeMap<String, String>,
}

/// How many creations, updates and deletions one call of a service may carry; 1 where each is a call of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Records created by one call.
    pub creations: usize,
    /// Records updated by one call.
    pub updates: usize,
    /// Records removed by one call.
    pub deletions: usize,
}

impl Default for Bulk {
    fn default() -> Self {
        Self { creations: 1, updates: 1, deletions: 1 }
    }
}

/// A service that keeps records with ids.
#[async_trait]
pub trait Records: Send + Sync {
    /// What the service is like.
    fn terms(&self) -> Terms;
    /// The zone of a name that is known without asking: a domain that the service lends its customers.
    fn known_zone(&self, _name: &Name) -> Option<Zone> {
        None
    }
    /// The zones of the account, all pages.
    async fn zones(&self) -> Result<Vec<Zone>>;
    /// The records of a zone under at least these keys, all pages; more may come along and is ignored.
    async fn list(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Record>>;
    /// Creates a record and answers its id where the service tells it.
    async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Option<String>>;
    /// Makes a record what the draft says, every attribute sent again where the service would forget it.
    async fn update(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<()>;
    /// Removes a record.
    async fn delete(&self, zone: &Zone, record: &Record) -> Result<()>;
    /// How much one call may carry.
    fn bulk(&self) -> Bulk {
        Bulk::default()
    }
    /// Creates several records of a zone, at most [`Bulk::creations`]; one answer each. Refused as a whole, each carries the
    /// refusal.
    async fn create_many(&self, zone: &Zone, drafts: &[Draft]) -> Vec<Result<Option<String>>> {
        let mut outcomes = Vec::with_capacity(drafts.len());
        for draft in drafts {
            outcomes.push(self.create(zone, draft).await);
        }
        outcomes
    }
    /// Updates several records of a zone, at most [`Bulk::updates`]; one answer each.
    async fn update_many(&self, zone: &Zone, changes: &[(Record, Draft)]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(changes.len());
        for (record, draft) in changes {
            outcomes.push(self.update(zone, record, draft).await);
        }
        outcomes
    }
    /// Removes several records of a zone, at most [`Bulk::deletions`]; one answer each.
    async fn delete_many(&self, zone: &Zone, records: &[Record]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(records.len());
        for record in records {
            outcomes.push(self.delete(zone, record).await);
        }
        outcomes
    }
    /// The machine's addresses changed: connections are dropped.
    fn network_changed(&self) {}
}

/// A provider made of a service that keeps records with ids.
///
/// A change is made in an order that never leaves the name without an address: a record of ours that is no longer wanted
/// becomes the new value, what is still missing is created, and what is still too much is removed last. A change that was
/// interrupted anywhere is finished by the next one, planned from a new read.
#[derive(Debug)]
pub struct RecordsProvider<R> {
    service: R,
    zones: ZoneCache,
}

impl<R: Records> RecordsProvider<R> {
    /// The provider of one account.
    #[must_use]
    pub fn new(service: R) -> Self {
        Self { service, zones: ZoneCache::default() }
    }

    /// The service itself, for the commands that list and edit by hand.
    #[must_use]
    pub fn service(&self) -> &R {
        &self.service
    }

    /// The zone of a name. The service is asked at most once a read, which `asked` remembers: when nothing is cached, and
    /// when no cached zone fits, as the zone may be new.
    async fn zone_of(&self, name: &Name, asked: &mut Option<Result<()>>) -> Result<Zone> {
        if let Some(zone) = self.service.known_zone(name).or_else(|| self.zones.find(name).flatten()) {
            return Ok(zone);
        }
        if asked.is_none() {
            *asked = Some(self.service.zones().await.map(|zones| self.zones.remember(zones)));
        }
        if let Some(Err(error)) = asked {
            return Err(error.clone());
        }
        self.zones.find(name).flatten().ok_or_else(|| {
            Error::config(format!("looking for the zone of {name}"), "the account has no zone that this name lies in")
                .hint("add the zone at the service, or correct the name")
        })
    }

    async fn make_true(&self, change: &Change) -> Result<Applied> {
        let Some(found) = change.snapshot.get::<Found>() else {
            return Err(Error::stale(format!("updating {}", change.key), "it was not read before"));
        };
        for step in steps(change, &found.records) {
            match step {
                Step::Update(record, draft) => self.service.update(&found.zone, record, &draft).await?,
                Step::Create(draft) => self.service.create(&found.zone, &draft).await.map(drop)?,
                Step::Delete(record) => self.service.delete(&found.zone, record).await?,
            }
        }
        Ok(Applied::Done)
    }

    /// Drops the cached zones after an error that may come from an id that is gone. Services do not always say so: an
    /// unknown zone may be called a wrong request.
    fn note<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(Error { kind: Kind::Stale | Kind::Config, .. }) = result {
            self.zones.forget();
        }
        result
    }
}

/// What a read carries to the change that follows it: the zone, and the records of the set.
struct Found {
    zone: Zone,
    records: Vec<Record>,
}

#[async_trait]
impl<R: Records> Provider for RecordsProvider<R> {
    fn terms(&self) -> Terms {
        self.service.terms()
    }

    async fn read(&self, keys: &[RrsetKey]) -> Vec<Result<Seen>> {
        let mut asked = None;
        let mut zones = Vec::with_capacity(keys.len());
        for key in keys {
            zones.push(self.zone_of(&key.name, &mut asked).await);
        }
        let mut patience = Patience::default();
        asked.iter().for_each(|outcome| patience.note(outcome));
        let mut lists: Vec<(&Zone, Result<Vec<Record>>)> = Vec::new();
        for zone in zones.iter().flatten() {
            if lists.iter().any(|(listed, _)| *listed == zone) {
                continue;
            }
            let inside = keys.iter().zip(&zones).filter(|(_, of)| of.as_ref() == Ok(zone));
            let inside: Vec<_> = inside.map(|(key, _)| key.clone()).collect();
            let records = match patience.given_up(|| format!("reading the zone {}", zone.name)) {
                Some(error) => Err(error),
                None => self.note(self.service.list(zone, &inside).await),
            };
            patience.note(&records);
            lists.push((zone, records));
        }
        let answer = |(key, zone): (&RrsetKey, &Result<Zone>)| {
            let zone = zone.as_ref().map_err(Clone::clone)?;
            match lists.iter().find(|(listed, _)| *listed == zone) {
                Some((_, Ok(records))) => Ok(seen(zone, records.iter().filter(|record| is_of(record, key)))),
                Some((_, Err(error))) => Err(error.clone()),
                None => Err(Error::transient(format!("reading {key}"), "its zone was not listed")),
            }
        };
        keys.iter().zip(&zones).map(answer).collect()
    }

    fn batches(&self, plan: &Plan) -> Vec<Batch> {
        plan.chunks(1)
    }

    async fn apply(&self, batch: &Batch) -> Vec<Result<Applied>> {
        let mut outcomes = Vec::with_capacity(batch.changes.len());
        for change in &batch.changes {
            outcomes.push(self.note(self.make_true(change).await));
        }
        outcomes
    }

    async fn settle(&self, _ticket: &Ticket) -> Result<Settled> {
        // Record APIs answer when they are done; `apply` never hands out a ticket.
        Ok(Settled::Done)
    }

    fn network_changed(&self) {
        self.service.network_changed();
    }
}

fn is_of(record: &Record, key: &RrsetKey) -> bool {
    record.rtype == key.rtype && record.name == key.name
}

/// What the records of one set amount to. Where their TTLs differ, the lowest is theirs: that is what resolvers make of
/// such a set (RFC 2181, section 5.2).
fn seen<'a>(zone: &Zone, records: impl Iterator<Item = &'a Record>) -> Seen {
    let records: Vec<Record> = records.cloned().collect();
    let values: Values = records.iter().map(|record| record.value.clone()).collect();
    let ttl = lowest_ttl(&records);
    let mixed = records.windows(2).any(|pair| matches!(pair, [a, b] if a.attributes != b.attributes));
    let snapshot = Snapshot::of(Found { zone: zone.clone(), records });
    if values.is_empty() {
        return Seen::Absent(snapshot);
    }
    Seen::Holds { values, ttl, health: Health::Live, mixed, snapshot }
}

fn lowest_ttl(records: &[Record]) -> Option<Ttl> {
    records.iter().filter_map(|record| record.ttl).min()
}

/// One call.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Update(&'a Record, Draft),
    Create(Draft),
    Delete(&'a Record),
}

/// The fewest calls that make the change true, in the order in which they are made.
///
/// Records whose value is not to be retired are left alone, with one exception: a change that brings and retires nothing
/// can only be about the TTL, which belongs to the set as a whole (RFC 2181, section 5.2), so the records get it with
/// everything else carried over. In any other change the TTL goes to the records that are written anyway: whose the
/// others are cannot be seen here. So a plan asks for a TTL only where no foreign value stays in the set.
fn steps<'a>(change: &Change, records: &'a [Record]) -> Vec<Step<'a>> {
    let retired = |record: &&Record| change.retire.contains(&record.value) && !change.after.contains(&record.value);
    let retired: Vec<&Record> = records.iter().filter(retired).collect();
    let held = |value: &&Value| records.iter().any(|record| record.value == **value);
    let missing: Vec<&Value> = change.after.iter().filter(|value| !held(value)).collect();
    if retired.is_empty() && missing.is_empty() {
        return ttl_steps(change, records);
    }
    let recycled = retired.iter().zip(&missing).map(|(record, value)| {
        let ttl = change.ttl.or(record.ttl);
        Step::Update(record, draft(&change.key, value, ttl, record.attributes.clone()))
    });
    let ttl = change.ttl.or_else(|| lowest_ttl(records));
    let created = missing.iter().skip(retired.len());
    let created = created.map(|value| Step::Create(draft(&change.key, value, ttl, BTreeMap::new())));
    let deleted = retired.iter().skip(missing.len()).map(|record| Step::Delete(record));
    recycled.chain(created).chain(deleted).collect()
}

fn ttl_steps<'a>(change: &Change, records: &'a [Record]) -> Vec<Step<'a>> {
    let Some(ttl) = change.ttl else { return Vec::new() };
    // Where the service does not tell a TTL, none can be found wrong.
    let wrong = |record: &&Record| record.ttl.is_some_and(|held| held != ttl) && change.after.contains(&record.value);
    let update = |record: &'a Record| {
        Step::Update(record, draft(&change.key, &record.value, Some(ttl), record.attributes.clone()))
    };
    records.iter().filter(wrong).map(update).collect()
}

fn draft(key: &RrsetKey, value: &Value, ttl: Option<Ttl>, attributes: BTreeMap<String, String>) -> Draft {
    Draft { name: key.name.clone(), rtype: key.rtype, value: value.clone(), ttl, attributes }
}
