//! Simulated DNS services: what they hold, how they answer, and what troubles them.

use std::collections::{BTreeMap, BTreeSet};

use driftless::model::error::{Error, Result, Scope};
use driftless::model::machine::Proof;
use driftless::model::name::Name;
use driftless::model::plan::{Applied, Batch, Change, Health, Plan, Seen, Settled, Sibling, Snapshot, Ticket};
use driftless::model::record::{RrsetKey, Ttl, Values};
use fastrand::Rng;

use super::setup::{Declared, Shape};

/// Consecutive `nochg` after which the push service blocks a name.
const ABUSE: u32 = 8;

/// What a service holds for one key.
#[derive(Clone, Debug, Default)]
pub struct Set {
    pub values: Values,
    before: Values,
    ttl: u32,
    version: u64,
    changed: u64,
    live_at: u64,
    broken: bool,
    /// The attributes differ from value to value.
    pub mixed: bool,
    /// Counts what happened behind the machine's back.
    pub drift: u64,
}

/// What a call did to a record set.
#[derive(Clone, Debug)]
pub struct Deed {
    pub key: RrsetKey,
    pub before: Values,
    pub after: Values,
    /// What it was based on.
    pub planned: Values,
    /// Somebody else's values were there to be replaced, too.
    pub whole: bool,
    pub mixed: bool,
}

/// A job that a service works on.
#[derive(Clone, Debug)]
pub struct Job {
    change: Change,
    whole: bool,
    stand: Stand,
    /// What had happened behind the machine's back when it ended.
    drift: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Running,
    Hanging,
    Failing,
    Failed,
    Done,
}

/// What troubles a service until it is healed.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    pub down: bool,
    pub read_only: bool,
    pub refuses_agent: bool,
    pub jobs_hang: bool,
    pub jobs_fail: bool,
    pub pending_forever: bool,
    pub breaks: bool,
    pub reads_lag: bool,
    pub dns: bool,
    pub forbidden: BTreeSet<RrsetKey>,
    pub poison: BTreeSet<RrsetKey>,
    pub no_effect: BTreeSet<RrsetKey>,
}

/// A service, seen by one account.
#[derive(Debug)]
pub struct Service {
    pub declared: Declared,
    pub sets: BTreeMap<RrsetKey, Set>,
    pub secret: u32,
    pub secret_is_right: bool,
    pub troubles: Troubles,
    /// What was there when it was read is not made once more: a value that somebody else took away since stays away.
    pub by_difference: bool,
    /// The shortest TTL that it takes.
    pub shortest_ttl: u32,
    jobs: BTreeMap<u64, Job>,
    nochg: BTreeMap<Name, u32>,
    pub blocked: BTreeSet<Name>,
}

/// The other family of the same name.
pub fn other_family(key: &RrsetKey) -> RrsetKey {
    let rtype = key.rtype.family().map_or(key.rtype, |family| family.other().record_type());
    RrsetKey::new(key.name.clone(), rtype)
}

fn doing(key: &RrsetKey) -> String {
    format!("at {key}")
}

impl Service {
    pub fn new(declared: Declared) -> Self {
        Self {
            declared,
            sets: BTreeMap::new(),
            secret: 0,
            secret_is_right: true,
            troubles: Troubles::default(),
            by_difference: false,
            shortest_ttl: 0,
            jobs: BTreeMap::new(),
            nochg: BTreeMap::new(),
            blocked: BTreeSet::new(),
        }
    }

    pub fn print(&self) -> String {
        format!("secret {}", self.secret)
    }

    fn settles_within(&self) -> u64 {
        u64::try_from(self.declared.spec.terms.settles_within.as_millis()).unwrap_or(0)
    }

    /// Somebody changes a set behind the machine's back.
    pub fn edit(&mut self, key: &RrsetKey, t: u64, edit: impl FnOnce(&mut Set)) {
        let set = self.sets.entry(key.clone()).or_default();
        edit(set);
        set.before = set.values.clone();
        set.version += 1;
        set.drift += 1;
        (set.changed, set.live_at, set.broken) = (t, t, false);
    }

    pub fn values(&self, key: &RrsetKey) -> Values {
        self.sets.get(key).map(|set| set.values.clone()).unwrap_or_default()
    }

    pub fn drift(&self, key: &RrsetKey) -> u64 {
        self.sets.get(key).map_or(0, |set| set.drift)
    }

    /// What keeps a call from being heard at all.
    fn refused(&self, key: &RrsetKey) -> Result<()> {
        if self.troubles.down {
            return Err(Error::transient(doing(key), "the service is down"));
        }
        if self.troubles.refuses_agent {
            return Err(Error::auth(Scope::Service, doing(key), "badagent"));
        }
        if !self.secret_is_right {
            return Err(Error::auth(Scope::Account, doing(key), "badauth"));
        }
        if self.troubles.forbidden.contains(key) {
            return Err(Error::auth(Scope::RecordSet, doing(key), "forbidden"));
        }
        Ok(())
    }

    pub fn read(&self, key: &RrsetKey, t: u64) -> Result<Seen> {
        self.refused(key)?;
        let Some(set) = self.sets.get(key) else { return Ok(Seen::Absent(Snapshot::of(0u64))) };
        let old = self.troubles.reads_lag && t < set.changed + self.settles_within() * 8 / 10;
        let (values, version) =
            if old { (&set.before, set.version.saturating_sub(1)) } else { (&set.values, set.version) };
        let snapshot = Snapshot::of(version);
        if values.is_empty() {
            return Ok(Seen::Absent(snapshot));
        }
        let health = match () {
            () if set.broken => Health::Broken,
            () if t < set.live_at => Health::Pending,
            () => Health::Live,
        };
        Ok(Seen::Holds { values: values.clone(), ttl: Ttl::new(set.ttl), health, mixed: set.mixed, snapshot })
    }

    pub fn cut(&self, plan: &Plan) -> Vec<Batch> {
        let mut rest = plan.changes.clone();
        if self.declared.shape != Shape::Push {
            return plan.chunks(self.declared.in_a_call);
        }
        // As many names with the same addresses as one request may carry.
        let mut batches = Vec::new();
        while let Some(first) = rest.first().cloned() {
            let of = |name: &Name, all: &[Change]| -> Vec<Values> {
                let pair = |change: &&Change| change.key.name == *name;
                all.iter().filter(pair).map(|change| change.after.clone()).collect()
            };
            let wanted = of(&first.key.name, &rest);
            let mut names: Vec<Name> = Vec::new();
            for change in &rest {
                let new = !names.contains(&change.key.name) && names.len() < self.declared.in_a_call;
                if new && of(&change.key.name, &rest) == wanted {
                    names.push(change.key.name.clone());
                }
            }
            let (changes, left) = rest.into_iter().partition(|change| names.contains(&change.key.name));
            batches.push(Batch { changes });
            rest = left;
        }
        batches
    }

    /// Carries out a batch. `wholes` says of each change whether somebody else's values were there to be replaced, too.
    pub fn apply(
        &mut self,
        batch: &Batch,
        wholes: &[bool],
        t: u64,
        rng: &mut Rng,
    ) -> (Vec<Result<Applied>>, Vec<Deed>) {
        let mut deeds = Vec::new();
        if self.declared.shape == Shape::Push {
            return (self.push(batch, t, &mut deeds), deeds);
        }
        let several = batch.changes.len() > 1;
        if several && batch.changes.iter().any(|change| self.troubles.poison.contains(&change.key)) {
            let refuse = |change: &Change| Err(Error::config(doing(&change.key), "refused as a whole"));
            return (batch.changes.iter().map(refuse).collect(), deeds);
        }
        let changes = batch.changes.iter().zip(wholes);
        let outcomes = changes.map(|(change, whole)| self.change(change, *whole, t, rng, &mut deeds)).collect();
        (outcomes, deeds)
    }

    fn change(
        &mut self,
        change: &Change,
        whole: bool,
        t: u64,
        rng: &mut Rng,
        deeds: &mut Vec<Deed>,
    ) -> Result<Applied> {
        self.refused(&change.key)?;
        if self.troubles.read_only {
            return Err(Error::transient(doing(&change.key), "the service cannot write"));
        }
        if self.troubles.poison.contains(&change.key) {
            return Err(Error::config(doing(&change.key), "refused"));
        }
        let version = self.sets.get(&change.key).map_or(0, |set| set.version);
        if self.declared.shape != Shape::Records && change.snapshot.get::<u64>() != Some(&version) {
            return Err(Error::stale(doing(&change.key), "it is not what it was"));
        }
        if self.troubles.no_effect.contains(&change.key) {
            self.sets.entry(change.key.clone()).or_default().drift += 1;
            return Ok(Applied::Done);
        }
        match self.declared.shape {
            Shape::Jobs => {
                let stand = match () {
                    () if self.troubles.jobs_hang => Stand::Hanging,
                    () if self.troubles.jobs_fail => Stand::Failing,
                    () => Stand::Running,
                };
                self.jobs.retain(|_, job| job.change.key != change.key);
                let number = rng.u64(1..u64::MAX);
                self.jobs.insert(number, Job { change: change.clone(), whole, stand, drift: 0 });
                Ok(Applied::Accepted(Some(Ticket(number.to_string()))))
            }
            Shape::Pending => {
                let live_at =
                    if self.troubles.pending_forever { u64::MAX } else { t + rng.u64(..self.settles_within() / 2) };
                let broken = self.troubles.breaks;
                deeds.push(self.make_true(change, whole, t));
                let set = self.sets.entry(change.key.clone()).or_default();
                (set.live_at, set.broken) = (live_at, broken);
                Ok(Applied::Accepted(None))
            }
            _ => {
                deeds.push(self.make_true(change, whole, t));
                Ok(Applied::Done)
            }
        }
    }

    /// Makes a change true as it was planned, whatever else came to stand beside it.
    fn make_true(&mut self, change: &Change, whole: bool, t: u64) -> Deed {
        let shortest = self.shortest_ttl;
        let set = self.sets.entry(change.key.clone()).or_default();
        let before = set.values.clone();
        let mut values = &before - &change.retire;
        if self.by_difference {
            values.extend(change.added().cloned());
        } else {
            values.extend(change.after.iter().cloned());
        }
        set.before = std::mem::replace(&mut set.values, values);
        set.ttl = change.ttl.map_or(set.ttl.max(60), Ttl::seconds).max(shortest);
        set.version += 1;
        (set.changed, set.live_at, set.broken) = (t, t, false);
        let after = set.values.clone();
        Deed { key: change.key.clone(), before, after, planned: change.before.clone(), whole, mixed: set.mixed }
    }

    /// The jobs that have not been begun to be carried out, by number.
    pub fn job_of(&self, key: &RrsetKey) -> Option<u64> {
        self.jobs
            .iter()
            .find(|(_, job)| job.change.key == *key && job.stand == Stand::Running)
            .map(|(number, _)| *number)
    }

    /// How much had happened behind the machine's back when a job ended well.
    pub fn drift_of_job(&self, ticket: &Ticket) -> Option<u64> {
        self.jobs.get(&ticket.0.parse().ok()?).filter(|job| job.stand == Stand::Done).map(|job| job.drift)
    }

    /// A job comes to its end. The machine knows when it asks how the job fares.
    pub fn end_job(&mut self, number: u64, t: u64) -> Option<Deed> {
        let job = self.jobs.get_mut(&number)?;
        match job.stand {
            Stand::Running => {
                job.stand = Stand::Done;
                let (change, whole) = (job.change.clone(), job.whole);
                let deed = self.make_true(&change, whole, t);
                let drift = self.sets.get_mut(&change.key).map_or(0, |set| {
                    set.drift += 1;
                    set.drift
                });
                self.jobs.get_mut(&number)?.drift = drift;
                Some(deed)
            }
            Stand::Failing => {
                job.stand = Stand::Failed;
                None
            }
            Stand::Hanging | Stand::Failed | Stand::Done => None,
        }
    }

    pub fn settle(&self, key: &RrsetKey, ticket: &Ticket) -> Result<Settled> {
        self.refused(key)?;
        let number = ticket.0.parse().unwrap_or(0);
        match self.jobs.get(&number).map(|job| job.stand) {
            Some(Stand::Done) => Ok(Settled::Done),
            Some(Stand::Running | Stand::Hanging) => Ok(Settled::Running),
            Some(Stand::Failing | Stand::Failed) => Err(Error::transient(doing(key), "the job failed")),
            None => Err(Error::stale(doing(key), "there is no such job")),
        }
    }

    fn push(&mut self, batch: &Batch, t: u64, deeds: &mut Vec<Deed>) -> Vec<Result<Applied>> {
        let names: BTreeSet<Name> = batch.changes.iter().map(|change| change.key.name.clone()).collect();
        let words: BTreeMap<Name, Result<Applied>> =
            names.into_iter().map(|name| (name.clone(), self.push_name(&name, batch, t, deeds))).collect();
        let word = |change: &Change| {
            let none = || Err(Error::transient(doing(&change.key), "no word"));
            words.get(&change.key.name).cloned().unwrap_or_else(none)
        };
        batch.changes.iter().map(word).collect()
    }

    /// One name of a request: what it names is set, and what it does not name is forgotten where that is the service's way.
    fn push_name(&mut self, name: &Name, batch: &Batch, t: u64, deeds: &mut Vec<Deed>) -> Result<Applied> {
        let mine: Vec<&Change> = batch.changes.iter().filter(|change| change.key.name == *name).collect();
        let Some(first) = mine.first() else { return Ok(Applied::Unchanged) };
        self.refused(&first.key)?;
        if self.troubles.read_only {
            return Err(Error::rate_limited(Some(std::time::Duration::from_secs(1800)), doing(&first.key), "911"));
        }
        if self.blocked.contains(name) {
            return Err(Error::new(driftless::model::error::Kind::Abuse, doing(&first.key), "abuse"));
        }
        if mine.iter().any(|change| self.troubles.poison.contains(&change.key)) {
            return Err(Error::config(doing(&first.key), "nohost"));
        }
        let mut named: BTreeMap<RrsetKey, Values> = BTreeMap::new();
        let forgets = self.declared.spec.terms.forgets_siblings;
        for change in &mine {
            let other = other_family(&change.key);
            if forgets {
                match &change.sibling {
                    Sibling::Set(values) | Sibling::Keep(values) => {
                        named.entry(other).or_insert_with(|| values.clone());
                    }
                    Sibling::Unknown => {
                        named.entry(other).or_default();
                    }
                }
            }
        }
        for change in &mine {
            named.insert(change.key.clone(), change.after.clone());
        }
        if named.iter().all(|(key, values)| self.values(key) == *values) {
            let nochg = self.nochg.entry(name.clone()).or_default();
            *nochg += 1;
            if *nochg >= ABUSE {
                self.blocked.insert(name.clone());
            }
            return Ok(Applied::Unchanged);
        }
        self.nochg.remove(name);
        if mine.iter().any(|change| self.troubles.no_effect.contains(&change.key)) {
            for key in named.into_keys() {
                self.sets.entry(key).or_default().drift += 1;
            }
            return Ok(Applied::Done);
        }
        for (key, values) in named {
            let set = self.sets.entry(key.clone()).or_default();
            let before = std::mem::replace(&mut set.values, values.clone());
            if before != values {
                (set.changed, set.live_at) = (t, t);
                deeds.push(Deed { key, planned: before.clone(), before, after: values, whole: true, mixed: false });
            }
        }
        Ok(Applied::Done)
    }

    /// What the zone's name servers answer.
    pub fn proof(&self, key: &RrsetKey, values: &Values, t: u64, rng: &mut Rng) -> Proof {
        if self.troubles.dns {
            return match rng.u8(..3) {
                0 => Proof::Unknown("mute".into()),
                _ => Proof::NotYet("the simulator says so".into()),
            };
        }
        let Some(set) = self.sets.get(key) else { return Proof::NotYet("nothing".into()) };
        let seen = values.is_subset(&set.values)
            && t >= set.live_at.max(set.changed).saturating_add(self.settles_within() / 4);
        if seen { Proof::Seen } else { Proof::NotYet("the old values".into()) }
    }

    /// Everything works again, and what was under way comes to an end.
    pub fn heal(&mut self, t: u64) {
        self.troubles = Troubles::default();
        self.shortest_ttl = 0;
        self.blocked.clear();
        self.nochg.clear();
        for job in self.jobs.values_mut().filter(|job| job.stand != Stand::Done) {
            job.stand = Stand::Failed;
        }
        for set in self.sets.values_mut() {
            set.live_at = set.live_at.min(t);
            set.broken = false;
        }
    }
}
