//! Services that keep records with ids: zone search, and edits that recycle our old record before they create and retire.
//!
//! Longer than 400 lines because how a plan is cut and how its calls are made read the same list of edits.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::patience::Patience;
use super::zones::{Zone, ZoneCache};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::plan::{Applied, Batch, Change, Health, Plan, Seen, Settled, Snapshot, Ticket};
use crate::model::record::{RecordType, RrsetKey, Ttl, Value, Values};
use crate::provider::edit::rules;
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
    /// Whether a record of the zone may be what the draft says, by the service's documented rules: `held` is the record that becomes
    /// it, `beside` what else was listed under its name. Asks nobody.
    ///
    /// # Errors
    /// `Config` and unsent, with the rule that is broken.
    fn check(&self, _zone: &Zone, draft: &Draft, held: Option<&Record>, beside: &[Record]) -> Result<()> {
        alone(draft, held, beside)
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
    /// Makes edits of one kind, at most as many as one call may carry. A service that works on them afterwards waits for the end for
    /// some seconds and then hands out a ticket; the others are done when they have answered.
    async fn begin(&self, zone: &Zone, edits: &Edits) -> Begun {
        let outcomes = match edits {
            Edits::Create(drafts) => match drafts.as_slice() {
                [draft] => vec![self.create(zone, draft).await.map(drop)],
                drafts => self.create_many(zone, drafts).await.into_iter().map(|created| created.map(drop)).collect(),
            },
            Edits::Update(changes) => match changes.as_slice() {
                [(record, draft)] => vec![self.update(zone, record, draft).await],
                changes => self.update_many(zone, changes).await,
            },
            Edits::Delete(records) => match records.as_slice() {
                [record] => vec![self.delete(zone, record).await],
                records => self.delete_many(zone, records).await,
            },
        };
        Begun { outcomes, ticket: None }
    }
    /// How a job stands for which [`Records::begin`] handed out a ticket.
    async fn settle(&self, _ticket: &Ticket) -> Result<Settled> {
        Ok(Settled::Done)
    }
    /// The machine's addresses changed: connections are dropped.
    fn network_changed(&self) {}
}

/// Whether a new record may stand `beside` others of its name (RFC 1034, section 3.6.2).
///
/// # Errors
/// `Config` and unsent where a CNAME would not stand alone.
pub fn alone(draft: &Draft, held: Option<&Record>, beside: &[Record]) -> Result<()> {
    let key = RrsetKey::new(draft.name.clone(), draft.rtype);
    let others = beside.iter().map(|record| record.rtype).filter(|_| held.is_none());
    rules::alone(&key.name, key.rtype, others).map_err(|why| in_the_way(&key, why))
}

/// An error with what was being done to what at which account; in front of what else was being done, unless that is the same.
pub fn at_account(verb: &str, what: &str, account: &str, error: Error) -> Error {
    let outer = format!("{verb} {what}");
    let inner = if error.doing == outer { String::new() } else { format!(", {}", error.doing) };
    error.doing(format!("{outer} at account {account}{inner}"))
}

/// Something that stands under the name keeps the record set from being made.
pub fn in_the_way(key: &RrsetKey, why: String) -> Error {
    let hint = "remove one of the two: at the service, or from the configuration";
    Error::config(format!("checking {key}"), why).hint(hint).unsent()
}

/// Edits of one kind to records of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edits {
    /// Records to be made.
    Create(Vec<Draft>),
    /// Records, and what each shall become.
    Update(Vec<(Record, Draft)>),
    /// Records to be removed.
    Delete(Vec<Record>),
}

/// What became of a call.
#[derive(Clone, Debug)]
pub struct Begun {
    /// One answer an edit. Refused as a whole as wrong, each is [`Kind::Config`], so that the culprit can be told apart.
    pub outcomes: Vec<Result<()>>,
    /// The job that still works on those that were taken.
    pub ticket: Option<Ticket>,
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

    /// Makes the edits of one kind of all changes, zone by zone, in as few calls as the service allows.
    async fn make(&self, kind: Sort, parts: &mut [Part<'_>], patience: &mut Patience) {
        let most = kind.of(self.service.bulk()).max(1);
        let mut zones: Vec<&Zone> = Vec::new();
        for part in &*parts {
            zones.extend(part.zone.filter(|zone| !zones.contains(zone)));
        }
        for zone in zones {
            let mut due = Vec::new();
            for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.zone == Some(zone)) {
                due.extend(part.steps.iter().filter(|step| step.sort() == kind).map(|step| (at, step.clone())));
            }
            for call in due.chunks(most) {
                self.make_some(kind, zone, call, parts, patience).await;
            }
        }
    }

    /// One call, for those whose earlier calls went well and are over.
    async fn make_some(
        &self,
        kind: Sort,
        zone: &Zone,
        steps: &[(usize, Step<'_>)],
        parts: &mut [Part<'_>],
        patience: &mut Patience,
    ) {
        let mut call = Vec::with_capacity(steps.len());
        for (at, step) in steps {
            let Some(part) = parts.get_mut(*at).filter(|part| part.outcome.is_ok()) else { continue };
            if part.ticket.is_some() {
                part.more = true;
            } else if let Some(error) = patience.given_up(|| format!("updating {}", part.key)) {
                part.outcome = Err(if part.sent { error } else { error.unsent() });
            } else {
                call.push((*at, step));
            }
        }
        if call.is_empty() {
            return;
        }
        let Begun { outcomes, ticket } =
            self.service.begin(zone, &kind.edits(call.iter().map(|(_, step)| *step))).await;
        let mut outcomes = outcomes.into_iter();
        for (at, _) in call {
            let Some(part) = parts.get_mut(at) else { continue };
            let missing =
                || Err(Error::transient(format!("updating {}", part.key), "the service did not answer for it"));
            let outcome = outcomes.next().unwrap_or_else(missing);
            patience.note(&outcome);
            match outcome {
                Ok(()) => part.ticket.clone_from(&ticket),
                // What was sent for it before counts, whatever this call was.
                Err(error) => part.outcome = Err(Error { unsent: error.unsent && !part.sent, ..error }),
            }
            part.sent |= !matches!(&part.outcome, Err(Error { unsent: true, .. }));
        }
    }

    /// What the rules have against a change; see [`Provider::objection`].
    fn against(&self, change: &Change) -> Option<Error> {
        let Found { zone, records, beside } = change.snapshot.get()?;
        let check = |step: &Step<'_>| match step {
            Step::Create(draft) => self.service.check(zone, draft, None, beside).err(),
            Step::Update(record, draft) => self.service.check(zone, draft, Some(record), beside).err(),
            Step::Delete(_) => None,
        };
        steps(change, records).iter().find_map(check).map(Error::unsent)
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

/// In front of the ticket of a job after which more calls are to be made.
const MORE: &str = "more ";

/// What is made of one change on its way through the calls.
struct Part<'a> {
    key: &'a RrsetKey,
    zone: Option<&'a Zone>,
    steps: Vec<Step<'a>>,
    outcome: Result<()>,
    /// The job that still works on it: nothing more is sent for it meanwhile.
    ticket: Option<Ticket>,
    /// Calls are left for when the job has ended.
    more: bool,
    /// Something was sent for it.
    sent: bool,
}

impl<'a> Part<'a> {
    fn of(change: &'a Change) -> Self {
        let found = change.snapshot.get::<Found>();
        let unread = || Error::stale(format!("updating {}", change.key), "it was not read before");
        Self {
            key: &change.key,
            zone: found.map(|found| &found.zone),
            steps: found.map(|found| steps(change, &found.records)).unwrap_or_default(),
            outcome: found.map(drop).ok_or_else(unread),
            ticket: None,
            more: false,
            sent: false,
        }
    }

    fn ended(self) -> Result<Applied> {
        self.outcome?;
        Ok(match self.ticket {
            None => Applied::Done,
            Some(ticket) if self.more => Applied::Accepted(Some(Ticket(format!("{MORE}{}", ticket.0)))),
            Some(ticket) => Applied::Accepted(Some(ticket)),
        })
    }
}

/// What a read carries to the change that follows it: the zone, and the records of the set.
struct Found {
    zone: Zone,
    records: Vec<Record>,
    /// What else was listed under the name.
    beside: Vec<Record>,
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
                Some((_, Ok(records))) => Ok(seen(zone, key, records)),
                Some((_, Err(error))) => Err(error.clone()),
                None => Err(Error::transient(format!("reading {key}"), "its zone was not listed")),
            }
        };
        keys.iter().zip(&zones).map(answer).collect()
    }

    /// A batch is for one zone, one type and calls of one pattern: if it is refused as a whole, the call that was refused had
    /// to do with each of its changes.
    fn batches(&self, plan: &Plan) -> Vec<Batch> {
        let bulk = self.service.bulk();
        if bulk == Bulk::default() {
            return plan.chunks(1);
        }
        let mut cut: Vec<(Bulk, Batch)> = Vec::new();
        for change in &plan.changes {
            let load = load(change);
            let fits = |(loaded, batch): &&mut (Bulk, Batch)| {
                let alike = batch.changes.first().is_some_and(|first| {
                    first.key.rtype == change.key.rtype && zone_of(first).is_some() && zone_of(first) == zone_of(change)
                });
                alike
                    && Sort::ALL.iter().all(|sort| {
                        let (loaded, load) = (sort.of(*loaded), sort.of(load));
                        (loaded == 0) == (load == 0) && loaded + load <= sort.of(bulk)
                    })
            };
            match cut.iter_mut().find(fits) {
                Some((loaded, batch)) => {
                    *loaded = Bulk {
                        creations: loaded.creations + load.creations,
                        updates: loaded.updates + load.updates,
                        deletions: loaded.deletions + load.deletions,
                    };
                    batch.changes.push(change.clone());
                }
                None => cut.push((load, Batch { changes: vec![change.clone()] })),
            }
        }
        cut.into_iter().map(|(_, batch)| batch).collect()
    }

    async fn apply(&self, batch: &Batch) -> Vec<Result<Applied>> {
        let part = |change| {
            let against = self.against(change).map_or(Ok(()), Err);
            let part = Part::of(change);
            Part { outcome: part.outcome.and(against), ..part }
        };
        let mut parts: Vec<_> = batch.changes.iter().map(part).collect();
        let mut patience = Patience::default();
        for sort in Sort::ALL {
            self.make(sort, &mut parts, &mut patience).await;
        }
        parts.into_iter().map(|part| self.note(part.ended())).collect()
    }

    fn objection(&self, change: &Change) -> Option<Error> {
        self.against(change)
    }

    async fn settle(&self, ticket: &Ticket) -> Result<Settled> {
        let Some(job) = ticket.0.strip_prefix(MORE) else { return self.note(self.service.settle(ticket).await) };
        match self.note(self.service.settle(&Ticket(job.to_owned())).await)? {
            Settled::Running => Ok(Settled::Running),
            Settled::Done => {
                Err(Error::stale("waiting for the first of several calls", "it is done; what is left is planned anew"))
            }
        }
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
fn seen(zone: &Zone, key: &RrsetKey, listed: &[Record]) -> Seen {
    let of_name = listed.iter().filter(|record| record.name == key.name).cloned();
    let (records, beside): (Vec<Record>, Vec<Record>) = of_name.partition(|record| is_of(record, key));
    let values: Values = records.iter().map(|record| record.value.clone()).collect();
    let ttl = lowest_ttl(&records);
    let mixed = records.windows(2).any(|pair| matches!(pair, [a, b] if a.attributes != b.attributes));
    let snapshot = Snapshot::of(Found { zone: zone.clone(), records, beside });
    if values.is_empty() {
        return Seen::Absent(snapshot);
    }
    Seen::Holds { values, ttl, health: Health::Live, mixed, snapshot }
}

fn lowest_ttl(records: &[Record]) -> Option<Ttl> {
    records.iter().filter_map(|record| record.ttl).min()
}

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step<'a> {
    Update(&'a Record, Draft),
    Create(Draft),
    Delete(&'a Record),
}

impl Step<'_> {
    fn sort(&self) -> Sort {
        match self {
            Self::Update(..) => Sort::Update,
            Self::Create(_) => Sort::Create,
            Self::Delete(_) => Sort::Delete,
        }
    }
}

/// The kinds of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Update,
    Create,
    Delete,
}

impl Sort {
    /// In the order in which they are made.
    const ALL: [Self; 3] = [Self::Update, Self::Create, Self::Delete];

    fn of(self, bulk: Bulk) -> usize {
        match self {
            Self::Update => bulk.updates,
            Self::Create => bulk.creations,
            Self::Delete => bulk.deletions,
        }
    }

    /// The edits of this kind among some.
    fn edits<'a>(self, steps: impl Iterator<Item = &'a Step<'a>>) -> Edits {
        let steps = steps.cloned();
        match self {
            Self::Update => Edits::Update(
                steps
                    .filter_map(|step| match step {
                        Step::Update(record, draft) => Some((record.clone(), draft)),
                        _ => None,
                    })
                    .collect(),
            ),
            Self::Create => Edits::Create(
                steps
                    .filter_map(|step| match step {
                        Step::Create(draft) => Some(draft),
                        _ => None,
                    })
                    .collect(),
            ),
            Self::Delete => Edits::Delete(
                steps
                    .filter_map(|step| match step {
                        Step::Delete(record) => Some(record.clone()),
                        _ => None,
                    })
                    .collect(),
            ),
        }
    }
}

/// The zone that a change was read in.
fn zone_of(change: &Change) -> Option<&Zone> {
    change.snapshot.get::<Found>().map(|found| &found.zone)
}

/// How many edits of each kind a change takes.
fn load(change: &Change) -> Bulk {
    let steps = change.snapshot.get::<Found>().map(|found| steps(change, &found.records)).unwrap_or_default();
    let count = |sort| steps.iter().filter(|step| step.sort() == sort).count();
    Bulk { creations: count(Sort::Create), updates: count(Sort::Update), deletions: count(Sort::Delete) }
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
