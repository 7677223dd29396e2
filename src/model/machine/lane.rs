//! An account at its own pace: what is due is read, compared, cut into batches and carried out, the intent on disk first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::compare::{Finding, compare};
use super::due::{Next, READS};
use super::{Account, Aim, Effect, Mode, Out, PROBE, Planted, State};
use crate::model::desired::{AccountName, Id, RecordSpec};
use crate::model::error::{Error, Kind, Result, Scope};
use crate::model::ledger::{Entry, Fingerprint, Reason};
use crate::model::plan::{Batch, Change, Health, Plan, Seen, Sibling};
use crate::model::record::{RrsetKey, Values};
use crate::model::time::{Moment, Now};

/// What an account is doing.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// A read, a cut or a question about a job is under way.
    pub(super) asking: bool,
    /// When that began. What is read may be as old as that.
    pub(super) asked_at: Moment,
    /// Batches that wait until the intent is on disk.
    pub(super) saving: bool,
    /// Batches not begun.
    pub(super) queue: VecDeque<Batch>,
    /// Batches under way.
    pub(super) flying: BTreeMap<u64, Batch>,
    /// What was planned and is not yet cut into batches.
    pub(super) planned: Vec<Id>,
    /// When the batches not begun were planned.
    pub(super) planned_at: Moment,
    /// Something that the batches not begun depend on may have changed since they were last looked through.
    pub(super) unsure: bool,
    /// What is under way was asked of another login: its answer means nothing here.
    void: bool,
}

impl Lane {
    pub(super) fn is_idle(&self) -> bool {
        !self.asking && !self.saving && self.queue.is_empty() && self.flying.is_empty()
    }

    /// The account is another login now: nothing that is under way counts, nothing planned is begun.
    pub(super) fn disown(&mut self) {
        self.give_up();
        self.void = !self.is_idle();
    }

    /// Takes note of an answer, and says whether it counts. `flew`: the batch that it is about.
    pub(super) fn answered(&mut self, flew: Option<u64>) -> bool {
        match flew {
            Some(number) => drop(self.flying.remove(&number)),
            None => self.asking = false,
        }
        let counts = !self.void;
        self.void &= !self.is_idle();
        counts
    }

    /// Gives up what is not begun, and names the keys of it.
    fn give_up(&mut self) -> Vec<RrsetKey> {
        self.saving = false;
        self.queue.drain(..).flat_map(|batch| batch.changes).map(|change| change.key).collect()
    }
}

impl Account {
    /// Gives up what is not begun, and names the record sets of it.
    pub(super) fn abandon(&mut self, name: &AccountName) -> Vec<Id> {
        let keys = self.lane.give_up();
        keys.into_iter().map(|key| Id { account: name.clone(), key }).collect()
    }
}

impl State {
    /// Begins whatever is due at every account that is free.
    pub(super) fn drive(&mut self, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        if self.stopping {
            return;
        }
        let due = self.all().filter_map(|known| match self.next_of(&known, now) {
            Next::Rest(_) => None,
            next => Some((known.id.clone(), next)),
        });
        // What is begun at one account changes nothing about what is due at the next.
        let mut due: Vec<(Id, Next)> = due.collect();
        for due in due.chunk_by_mut(|(one, _), (next, _)| one.account == next.account) {
            self.resolve_due(due, now, out);
            let name = due.first().map(|(id, _)| id.account.clone());
            if let Some(name) = name.filter(|name| self.accounts.get(name).is_some_and(|it| it.lane.is_idle())) {
                self.begin(&name, due, now, rng, out);
            }
        }
    }

    fn begin(&mut self, name: &AccountName, due: &[(Id, Next)], now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let Some(account) = self.accounts.get(name) else { return };
        let (mut reads, mut pushes, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
        for (id, next) in due {
            match next {
                Next::Read => reads.push(id.clone()),
                Next::Push => pushes.push(id.clone()),
                Next::Settle => jobs.push(id.clone()),
                Next::Resolve | Next::Rest(_) => {}
            }
        }
        let along: Vec<Id> = pushes.iter().map(Id::sibling).filter(|other| self.goes_along(other, now)).collect();
        pushes.extend(along);
        if account.entry.hold.is_some() {
            // A probe asks one question, not one for each record set.
            reads.truncate(1);
        }
        if !reads.is_empty() {
            self.probes(name, &reads, now);
            for id in &reads {
                if let Some(record) = self.records.get_mut(id) {
                    record.asked = record.asked.after_write(READS, now.moment);
                }
            }
            self.occupy(name, &reads, now);
            out.push(Effect::Read(name.clone(), reads.into_iter().map(|id| id.key).collect()));
        } else if !pushes.is_empty() {
            self.occupy(name, &pushes, now);
            let answers = pushes.into_iter().map(|id| (id.key, Ok(Seen::Unreadable))).collect();
            self.read(name, &String::new(), answers, now, rng, out);
        } else if let Some(id) = jobs.into_iter().next() {
            let ticket = self.records.get(&id).and_then(|record| record.entry.ticket.as_ref());
            if let Some((ticket, _)) = ticket {
                let ticket = ticket.clone();
                self.occupy(name, std::slice::from_ref(&id), now);
                out.push(Effect::Settle(name.clone(), id.key, ticket));
            }
        }
    }

    /// Whatever is held and asked now is not asked again for a day, whatever the answer.
    fn probes(&mut self, name: &AccountName, reads: &[Id], now: Now) {
        let probe = now.moment.plus(PROBE);
        if let Some(hold) = self.accounts.get_mut(name).and_then(|account| account.entry.hold.as_mut()) {
            hold.probe = probe;
        }
        for id in reads {
            if let Some(hold) = self.records.get_mut(id).and_then(|record| record.entry.hold.as_mut()) {
                hold.probe = probe;
            }
        }
    }

    fn occupy(&mut self, name: &AccountName, ids: &[Id], now: Now) {
        if let Some(account) = self.accounts.get_mut(name) {
            account.lane.asking = true;
            account.lane.asked_at = now.moment;
        }
        for id in ids {
            if let Some(record) = self.records.get_mut(id) {
                record.busy = true;
                record.settle = None;
            }
        }
    }

    /// A question to an account was answered; whether the answer counts.
    pub(super) fn lane_answered(&mut self, name: &AccountName) -> bool {
        self.accounts.get_mut(name).is_some_and(|account| account.lane.answered(None))
    }

    /// Whether an account must be left alone: what was planned is not begun.
    pub(super) fn rests(&self, name: &AccountName, now: Now) -> bool {
        let Some(account) = self.accounts.get(name) else { return true };
        let waits = account.entry.wait.as_ref().is_some_and(|wait| wait.until > now.moment);
        waits || account.entry.hold.is_some() || self.stopping
    }

    pub(super) fn read(
        &mut self,
        name: &AccountName,
        print: &Fingerprint,
        answers: Vec<(RrsetKey, Result<Seen>)>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        if !self.lane_answered(name) {
            return;
        }
        // What cannot be read was not asked: that says nothing about how the account fares.
        let asked = answers.iter().filter(|(_, answer)| !matches!(answer, Ok(Seen::Unreadable)));
        let outcomes: Vec<_> = asked.map(|(key, answer)| (key.clone(), answer.as_ref().err().cloned())).collect();
        let refused = |(_, error): &(RrsetKey, Option<Error>)| {
            matches!(error, Some(Error { kind: Kind::Auth { scope: Scope::Account | Scope::Service }, .. }))
        };
        let refused = outcomes.iter().any(refused);
        // A service that finds fault with a record set does not refuse the account any more.
        let heard = |(_, error): &(RrsetKey, Option<Error>)| {
            matches!(error, Some(error) if matches!(error.kind,
                Kind::Auth { scope: Scope::RecordSet } | Kind::Stale | Kind::Config | Kind::Abuse))
        };
        if !refused && outcomes.iter().any(heard) {
            self.account_answers(name, now, out);
        }
        self.take_failures(name, print, outcomes, false, now, rng, out);
        let mut plan = Plan::default();
        for (key, answer) in answers {
            let id = Id { account: name.clone(), key };
            if let Some(record) = self.records.get_mut(&id) {
                record.busy = false;
                record.checked = true;
            }
            if let Ok(seen) = answer {
                if !refused {
                    self.account_answers(name, now, out);
                }
                plan.changes.extend(self.weigh(&id, print, seen, now, rng, out));
            }
        }
        if plan.changes.is_empty() || self.rests(name, now) {
            return;
        }
        if self.mode == Mode::Plan {
            for change in plan.changes {
                let id = Id { account: name.clone(), key: change.key.clone() };
                if let Some(record) = self.records.get_mut(&id) {
                    record.planned = Some(Box::new(change));
                }
            }
            return;
        }
        let planned: BTreeSet<RrsetKey> = plan.changes.iter().map(|change| change.key.clone()).collect();
        let id = |change: &Change| Id { account: name.clone(), key: change.key.clone() };
        let ids: Vec<Id> = plan.changes.iter().map(id).collect();
        for (change, id) in plan.changes.iter_mut().zip(&ids) {
            change.sibling = self.sibling_of(id, &planned);
        }
        self.occupy(name, &ids, now);
        if let Some(account) = self.accounts.get_mut(name) {
            account.lane.planned = ids;
        }
        out.push(Effect::Cut(name.clone(), plan));
    }

    /// What an answer means for a record set: nothing to do, a hold, or a change.
    fn weigh(
        &mut self,
        id: &Id,
        print: &Fingerprint,
        seen: Seen,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) -> Option<Change> {
        self.record_answers(id, now, out);
        let overwrite = self.has(Planted::OverwritesForeign);
        let spec = self.desired.records.get(id)?;
        let record = self.records.get_mut(id)?;
        let declared = self.desired.accounts.get(&id.account)?;
        let (budget, within) = (declared.terms.budget, declared.terms.settles_within);
        let asked_at = self.accounts.get(&id.account)?.lane.asked_at;
        let broken = matches!(&seen, Seen::Holds { health: Health::Broken, .. });
        let held = match &seen {
            Seen::Holds { values, .. } => Some(values.clone()),
            Seen::Absent(_) => Some(Values::new()),
            Seen::Unreadable => None,
        };
        let confirmed = record.entry.confirmed.as_ref().filter(|_| record.entry.attempt.is_none());
        let confirmed = confirmed.filter(|_| held.is_some()).map(|confirmed| &confirmed.values);
        let stands = |values| compare(&id.key, spec, &record.entry, values, seen.clone(), overwrite).fits();
        if confirmed.is_some_and(|values| !stands(values)) {
            // Whatever is wanted now: what was confirmed is not so, or not all that is asked of the record set by now, and is to
            // be looked at as soon as it is wanted again.
            record.doubted = true;
            record.read_at = Some(now.moment);
        }
        record.seen_ttl = if let Seen::Holds { ttl, .. } = &seen { *ttl } else { None };
        if let Some(held) = &held {
            record.others = held - &record.entry.ours;
        }
        let want = record.want.values()?;
        let ttl = spec.ttl.wanted();
        let finding = compare(&id.key, spec, &record.entry, &want, seen, overwrite);
        let fits = finding.fits();
        if held.is_some() && !broken && self.may_not_show_yet(id, &want, fits, asked_at, now) {
            return None;
        }
        let record = self.records.get_mut(id)?;
        // That a job is done is no proof that what it did still stands, where a reading said otherwise.
        record.doubted |= record.entry.ticket.is_some() && !fits;
        if let Some(held) = &held {
            forget_what_is_gone(&mut record.entry, held, &want, within, asked_at);
        }
        match finding {
            Finding::Fits { health: Health::Live, clamped } => {
                self.confirmed_by_reading(id, want, clamped, now, rng, out);
                None
            }
            Finding::Fits { .. } => {
                self.still_pending(id, want, now, rng, out);
                None
            }
            // What was refused, undone or without effect is not forgotten over what stands there for a while.
            Finding::Leave(..) if record.entry.hold.as_ref().is_some_and(|hold| hold.wrote) => None,
            Finding::Leave(reason, why) => {
                let hint = self.desired.records.get(id).map(RecordSpec::to_claim).unwrap_or_default();
                let error = super::failure::own_error(id, why, &hint);
                self.hold_record(id, reason, error, print, false, now, out);
                None
            }
            // A probe asks; it does not send again what was refused, undone or without effect.
            Finding::Differs(_) if record.entry.hold.as_ref().is_some_and(|hold| hold.reason != Reason::Foreign) => {
                None
            }
            // A job is asked about before anything is written beside it.
            Finding::Differs(_) if record.entry.ticket.is_some() => None,
            Finding::Differs(change) => {
                if broken && self.still_broken(id, print, now, rng, out) {
                    return None;
                }
                let read = held.is_some();
                if let Some(held) = held.filter(|_| !broken)
                    && self.undone(id, &held, &want, print, now, out)
                {
                    return None;
                }
                let record = self.records.get_mut(id)?;
                record.let_go(id, "what stood in the way is gone", now, out);
                let free = record.entry.spent.next(budget);
                // What cannot be read was found to be due a moment ago, or goes along.
                if read && free > now.moment && self.mode == Mode::Run {
                    record.read_at = Some(free);
                    return None;
                }
                record.aim = Some(Aim { values: want, ttl });
                Some(*change)
            }
        }
    }

    /// What a change says of the other family of its name: sent along in the same plan, or kept as it was last confirmed. What
    /// is not sent by itself, because it waits or is held, is not changed in passing.
    fn sibling_of(&self, id: &Id, planned: &BTreeSet<RrsetKey>) -> Sibling {
        let other = id.sibling();
        let Some(record) = self.records.get(&other).filter(|_| other != *id) else { return Sibling::Unknown };
        let want = record.want.values();
        let known = record.entry.confirmed.as_ref().map(|confirmed| &confirmed.values);
        match (want, known) {
            (Some(gone), _) if gone.is_empty() => Sibling::Unknown,
            (Some(values), _) if planned.contains(&other.key) => Sibling::Set(values),
            (_, Some(values)) if !values.is_empty() => Sibling::Keep(values.clone()),
            (Some(values), _) => Sibling::Keep(values),
            (None, _) => Sibling::Unknown,
        }
    }
}

/// What was ours and is no longer there is no concern of ours, once nothing that was sent can still come into force.
fn forget_what_is_gone(entry: &mut Entry, held: &Values, want: &Values, within: Duration, asked_at: Moment) {
    let sent = entry.attempt.iter().map(|attempt| (&attempt.values, attempt.at));
    let sent: Vec<_> =
        sent.chain(entry.confirmed.iter().map(|confirmed| (&confirmed.values, confirmed.since))).collect();
    if sent.iter().any(|(_, at)| asked_at.since(at.moment) < within) {
        return;
    }
    let known = sent.into_iter().flat_map(|(values, _)| values).chain(want);
    let known: Values = entry.ours.iter().filter(|value| held.contains(value)).chain(known).cloned().collect();
    if known.is_subset(&entry.ours) {
        entry.ours = known;
    }
}
