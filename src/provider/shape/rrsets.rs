//! Services that keep record sets: zone search, comparison, and replacement as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::patience::Patience;
use super::records::in_the_way;
use super::zones::{REMEMBERED, Zone};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::plan::{Applied, Batch, Change, Health, Plan, Seen, Settled, Snapshot, Ticket};
use crate::model::record::{RecordType, RrsetKey, Ttl, Values};
use crate::model::time::Moment;
use crate::os::clock;
use crate::provider::edit::rules;
use crate::provider::{Provider, Terms};

/// A record set as the service keeps it.
#[derive(Clone, Debug)]
pub struct Rrset {
    /// Which record set.
    pub key: RrsetKey,
    /// Its values.
    pub values: Values,
    /// Its own TTL where it has one.
    pub ttl: Option<Ttl>,
    /// How its values fare.
    pub health: Health,
    /// What the replacement will need: id, version, description.
    pub snapshot: Snapshot,
}

/// A record set to be replaced.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'a> {
    /// Which record set.
    pub key: &'a RrsetKey,
    /// What was read of it, `None` where there was none.
    pub before: Option<&'a Rrset>,
    /// Exactly what it holds afterwards; empty: it is removed.
    pub values: &'a Values,
    /// The TTL to set; `None` keeps what is there.
    pub ttl: Option<Ttl>,
}

/// A service that keeps record sets.
#[async_trait]
pub trait Rrsets: Send + Sync {
    /// What the service is like.
    fn terms(&self) -> Terms;
    /// The zone that `name` belongs to: the longest suffix the account may edit; `None` where there is none.
    async fn zone_of(&self, name: &Name) -> Result<Option<Zone>>;
    /// The zones of several names, in their order; overridden where the searches have steps in common.
    async fn zones_of(&self, names: &[Name]) -> Vec<Result<Option<Zone>>> {
        let mut zones = Vec::with_capacity(names.len());
        for name in names {
            zones.push(self.zone_of(name).await);
        }
        zones
    }
    /// Every zone the account may edit, to tell a person; `None` where the service cannot say.
    async fn zones(&self) -> Result<Option<Vec<Zone>>> {
        Ok(None)
    }
    /// One record set; `None` where there is none.
    async fn get(&self, zone: &Zone, key: &RrsetKey) -> Result<Option<Rrset>>;
    /// All record sets of a zone, all pages; `None` where the service has no such call. Asked when many are wanted.
    async fn list(&self, _zone: &Zone) -> Result<Option<Vec<Rrset>>> {
        Ok(None)
    }
    /// Several record sets of a zone at once, in the keys' order, each with an answer of its own; `None` where the service has no
    /// such call.
    async fn get_together(&self, _zone: &Zone, _keys: &[&RrsetKey]) -> Option<Vec<Result<Option<Rrset>>>> {
        None
    }
    /// Makes the record set hold exactly `values` (empty: removes it); `before` is what `get` or `list` told, `None` where
    /// there was none; `ttl` `None` keeps what is there.
    async fn replace(
        &self,
        zone: &Zone,
        key: &RrsetKey,
        before: Option<&Rrset>,
        values: &Values,
        ttl: Option<Ttl>,
    ) -> Result<Applied>;
    /// How many changes go into one call of [`Self::replace_together`]; at least 1.
    fn changes_in_a_call(&self) -> usize {
        1
    }
    /// Replaces several record sets of a zone, one answer each, in their order; overridden where one call makes them all.
    ///
    /// `replace_together(zone, [home A, www A])` of which the second is refused answers `[Ok(Done), Err(Config)]`.
    async fn replace_together(&self, zone: &Zone, wanted: &[Replacement<'_>]) -> Vec<Result<Applied>> {
        let mut answers = Vec::with_capacity(wanted.len());
        for Replacement { key, before, values, ttl } in wanted {
            answers.push(self.replace(zone, key, *before, values, *ttl).await);
        }
        answers
    }
    /// How a job stands that `replace` left running.
    async fn settle(&self, _ticket: &Ticket) -> Result<Settled> {
        Ok(Settled::Done)
    }
    /// What the login rests on beside the settings (see [`Provider::beside_settings`]).
    fn beside_settings(&self) -> Vec<u8> {
        Vec::new()
    }
    /// Whether the name is a CNAME, asked where an address is wanted and there is none; where it is not overridden, a change is
    /// refused by the service alone.
    async fn is_alias(&self, _zone: &Zone, _name: &Name) -> Result<bool> {
        Ok(false)
    }
    /// The machine's addresses changed: connections are dropped.
    fn network_changed(&self) {}
}

/// From how many wanted record sets of one zone on the zone is listed instead.
const MANY: usize = 4;

/// A service that keeps record sets, as a provider.
#[derive(Debug)]
pub struct RrsetsProvider<R: Rrsets> {
    service: R,
    /// The zones found so far, by the names that lie in them, and when they were. A name without a zone is searched anew at each
    /// read, one with a zone after [`REMEMBERED`], or when an id turns out to be gone.
    zones: Mutex<BTreeMap<Name, (Zone, Moment)>>,
}

/// What a read carries to the change that follows it.
struct Held {
    zone: Zone,
    rrset: Option<Rrset>,
    /// A type that stands under the name and keeps this one from being made.
    bar: Option<RecordType>,
}

impl<R: Rrsets> RrsetsProvider<R> {
    /// The provider of one account at `service`.
    #[must_use]
    pub fn new(service: R) -> Self {
        Self { service, zones: Mutex::default() }
    }

    /// The service behind it.
    #[must_use]
    pub fn service(&self) -> &R {
        &self.service
    }

    /// The zone of each of the keys' names, each looked up once.
    async fn find_zones(&self, keys: &[RrsetKey]) -> BTreeMap<Name, Result<Zone>> {
        let names: BTreeSet<&Name> = keys.iter().map(|key| &key.name).collect();
        let (mut found, mut unknown) = (BTreeMap::new(), Vec::new());
        let now = clock::now().moment;
        for name in names {
            match self.remembered(name, now) {
                Some(zone) => drop(found.insert(name.clone(), Ok(zone))),
                None => unknown.push(name.clone()),
            }
        }
        let answers = if unknown.is_empty() { Vec::new() } else { self.service.zones_of(&unknown).await };
        let mut hint = None;
        for (name, answer) in unknown.into_iter().zip(answers) {
            let zone = match answer {
                Ok(Some(zone)) => {
                    self.known().insert(name.clone(), (zone.clone(), now));
                    Ok(zone)
                }
                Ok(None) => {
                    if hint.is_none() {
                        hint = Some(self.zones_hint().await);
                    }
                    Err(no_zone(&name, hint.as_deref().unwrap_or_default()))
                }
                Err(error) => Err(error),
            };
            found.insert(name, zone);
        }
        found
    }

    /// What to tell someone whose name lies in no zone.
    async fn zones_hint(&self) -> String {
        match self.service.zones().await {
            Ok(Some(zones)) if zones.is_empty() => "this account has no zone".into(),
            Ok(Some(zones)) => {
                let names: Vec<_> = zones.iter().take(20).map(|zone| zone.name.as_str()).collect();
                let more = if zones.len() > names.len() { " and others" } else { "" };
                format!("this account's zones: {}{more}", names.join(", "))
            }
            Ok(None) | Err(_) => "create the zone at the provider, or correct the name".into(),
        }
    }

    /// The wanted record sets of one zone, one answer a key.
    async fn read_zone(
        &self,
        zone: &Zone,
        keys: &[&RrsetKey],
        patience: &mut Patience,
    ) -> Vec<(RrsetKey, Result<Seen>)> {
        if let Some(answers) = self.service.get_together(zone, keys).await {
            let answers = keys.iter().zip(answers);
            let seen = |rrset| seen(zone.clone(), rrset, None);
            return answers.map(|(key, answer)| ((*key).clone(), answer.map(seen))).collect();
        }
        let mut listed = patience.given_up(|| format!("reading {}", zone.name)).map_or(Ok(None), Err);
        if keys.len() >= MANY && listed.is_ok() {
            listed = self.service.list(zone).await;
            patience.note(&listed);
        }
        let mut answers = Vec::with_capacity(keys.len());
        for &key in keys {
            let answer = match (&listed, patience.given_up(|| format!("reading {key}"))) {
                (Ok(Some(rrsets)), _) => Ok(rrsets.iter().find(|rrset| rrset.key == *key).cloned()),
                (Err(error), _) => Err(error.clone()),
                (Ok(None), Some(error)) => Err(error),
                (Ok(None), None) => {
                    let answer = self.service.get(zone, key).await;
                    patience.note(&answer);
                    answer
                }
            };
            let bar = match &answer {
                Ok(None) => self.bar(zone, key, listed.as_ref().ok().and_then(Option::as_deref), patience).await,
                _ => None,
            };
            answers.push((key.clone(), answer.map(|rrset| seen(zone.clone(), rrset, bar))));
        }
        answers
    }

    /// What stands under a name and keeps a record set that is not there from being made. Not knowing it is no fault: the service
    /// says the same.
    async fn bar(
        &self,
        zone: &Zone,
        key: &RrsetKey,
        listed: Option<&[Rrset]>,
        patience: &mut Patience,
    ) -> Option<RecordType> {
        if let Some(listed) = listed {
            let mut others = listed.iter().filter(|rrset| rrset.key.name == key.name).map(|rrset| rrset.key.rtype);
            return others.find(|other| rules::alone(&key.name, key.rtype, std::iter::once(*other)).is_err());
        }
        if key.rtype == RecordType::Cname || patience.given_up(String::new).is_some() {
            return None;
        }
        let answer = self.service.is_alias(zone, &key.name).await;
        patience.note(&answer);
        answer.is_ok_and(|is_alias| is_alias).then_some(RecordType::Cname)
    }

    /// The zone that was found for a name, unless that is too long ago.
    fn remembered(&self, name: &Name, now: Moment) -> Option<Zone> {
        let known = self.known();
        known.get(name).filter(|(_, since)| now.since(*since) < REMEMBERED).map(|(zone, _)| zone.clone())
    }

    fn forget_if_stale<T>(&self, answer: &Result<T>) {
        if matches!(answer, Err(Error { kind: Kind::Stale, .. })) {
            self.known().clear();
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Name, (Zone, Moment)>> {
        // Each holder makes one change to the map, so a panic elsewhere cannot leave it half-made.
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<R: Rrsets> Provider for RrsetsProvider<R> {
    fn terms(&self) -> Terms {
        self.service.terms()
    }

    async fn read(&self, keys: &[RrsetKey]) -> Vec<Result<Seen>> {
        let zones = self.find_zones(keys).await;
        let mut patience = Patience::default();
        let mut answers: BTreeMap<RrsetKey, Result<Seen>> = BTreeMap::new();
        let mut by_zone: BTreeMap<&str, (&Zone, BTreeSet<&RrsetKey>)> = BTreeMap::new();
        for key in keys {
            match zones.get(&key.name) {
                Some(Ok(zone)) => drop(by_zone.entry(&zone.id).or_insert((zone, BTreeSet::new())).1.insert(key)),
                Some(Err(error)) => drop(answers.insert(key.clone(), Err(error.clone()))),
                None => {}
            }
        }
        for (zone, wanted) in by_zone.values() {
            let wanted: Vec<_> = wanted.iter().copied().collect();
            answers.extend(self.read_zone(zone, &wanted, &mut patience).await);
        }
        answers.values().for_each(|answer| self.forget_if_stale(answer));
        // Every key got an answer above, unless the service answered for fewer names than it was asked.
        let missing = |key| Err(Error::transient(format!("reading {key}"), "the zone search gave no answer"));
        keys.iter().map(|key| answers.get(key).cloned().unwrap_or_else(|| missing(key))).collect()
    }

    fn batches(&self, plan: &Plan) -> Vec<Batch> {
        plan.chunks(self.service.changes_in_a_call())
    }

    async fn apply(&self, batch: &Batch) -> Vec<Result<Applied>> {
        let mut answers: Vec<Option<Result<Applied>>> = batch.changes.iter().map(|_| None).collect();
        let mut by_zone: BTreeMap<&str, (&Zone, Vec<usize>, Vec<Replacement<'_>>)> = BTreeMap::new();
        for (at, (change, answer)) in batch.changes.iter().zip(&mut answers).enumerate() {
            let Some(held) = change.snapshot.get::<Held>() else {
                *answer = Some(Err(Error::stale(format!("changing {}", change.key), "it was not read before")));
                continue;
            };
            let before = held.rrset.as_ref();
            *answer = against(change).map(Err).or_else(|| already_so(change, before).map(Ok));
            if answer.is_none() {
                let (_, places, wanted) = by_zone.entry(&held.zone.id).or_insert((&held.zone, Vec::new(), Vec::new()));
                places.push(at);
                wanted.push(Replacement { key: &change.key, before, values: &change.after, ttl: change.ttl });
            }
        }
        for (zone, places, wanted) in by_zone.into_values() {
            for (at, told) in places.into_iter().zip(self.service.replace_together(zone, &wanted).await) {
                self.forget_if_stale(&told);
                answers.get_mut(at).into_iter().for_each(|answer| *answer = Some(told.clone()));
            }
        }
        let missing = |change: &Change| {
            Err(Error::transient(format!("changing {}", change.key), "the service did not answer for this record set"))
        };
        let answers = answers.into_iter().zip(&batch.changes);
        answers.map(|(answer, change)| answer.unwrap_or_else(|| missing(change))).collect()
    }

    fn objection(&self, change: &Change) -> Option<Error> {
        against(change)
    }

    async fn settle(&self, ticket: &Ticket) -> Result<Settled> {
        self.service.settle(ticket).await
    }

    fn beside_settings(&self) -> Vec<u8> {
        self.service.beside_settings()
    }

    fn network_changed(&self) {
        self.service.network_changed();
    }
}

/// What stands in the way of a change; see [`Provider::objection`].
fn against(change: &Change) -> Option<Error> {
    let held = change.snapshot.get::<Held>().filter(|held| held.rrset.is_none() && !change.after.is_empty())?;
    let why = rules::alone(&change.key.name, change.key.rtype, held.bar.into_iter()).err()?;
    Some(in_the_way(&change.key, why))
}

/// The answer to a change that the service need not be asked for: it holds exactly this already, and it is not broken.
fn already_so(change: &Change, held: Option<&Rrset>) -> Option<Applied> {
    let Some(rrset) = held else { return change.after.is_empty().then_some(Applied::Done) };
    let same_ttl = change.ttl.is_none() || change.ttl == rrset.ttl || change.after.is_empty();
    match rrset.health {
        _ if rrset.values != change.after || !same_ttl => None,
        Health::Live => Some(Applied::Done),
        Health::Pending => Some(Applied::Accepted(None)),
        Health::Broken => None,
    }
}

fn seen(zone: Zone, rrset: Option<Rrset>, bar: Option<RecordType>) -> Seen {
    match rrset {
        Some(rrset) if !rrset.values.is_empty() => Seen::Holds {
            values: rrset.values.clone(),
            ttl: rrset.ttl,
            health: rrset.health,
            mixed: false,
            snapshot: Snapshot::of(Held { zone, rrset: Some(rrset), bar }),
        },
        // A set that was emptied holds nothing, but is updated rather than created.
        rrset => Seen::Absent(Snapshot::of(Held { zone, rrset, bar })),
    }
}

fn no_zone(name: &Name, hint: &str) -> Error {
    Error::config(format!("finding the zone of {name}"), "no zone of this account holds the name").hint(hint)
}

#[cfg(test)]
mod tests;
