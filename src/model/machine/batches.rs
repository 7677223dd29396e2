//! From a plan to its outcome: batches are cut, written down, sent, and their answers taken.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::{Aim, Effect, Level, Out, Planted, Record, State};
use crate::model::desired::{AccountName, Id};
use crate::model::error::{Error, Kind, Result, Scope};
use crate::model::ledger::{Attempt, Confirmed, Fingerprint, Reason};
use crate::model::plan::{Applied, Batch, Change, Sibling};
use crate::model::record::{RrsetKey, Ttl, Values, list};
use crate::model::terms::Budget;
use crate::model::time::Now;

/// A plan that is older is made anew: what was read before may no longer stand there.
const OLD: Duration = Duration::from_secs(60);

impl State {
    pub(super) fn cut(
        &mut self,
        name: &AccountName,
        batches: Vec<Batch>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        let planned = std::mem::take(&mut account.lane.planned);
        if !account.lane.answered(None) {
            return;
        }
        let cut: BTreeSet<RrsetKey> =
            batches.iter().flat_map(|batch| &batch.changes).map(|change| change.key.clone()).collect();
        account.lane.queue.extend(batches);
        account.lane.unsure = true;
        account.lane.planned_at = now.moment;
        account.lane.saving = !account.lane.queue.is_empty();
        if self.stopping {
            let ids = account.abandon(name);
            self.never_made(&ids);
        }
        for id in planned.iter().filter(|id| !cut.contains(&id.key)) {
            // The provider has no call for it: that is a fault of ours, and no reason to spin or to stand still.
            self.never_made(std::slice::from_ref(id));
            self.record_waits(id, now, rng, out);
        }
    }

    /// Calls that were planned, perhaps written down, and never made: what was open before them is open again.
    pub(super) fn never_made(&mut self, ids: &[Id]) {
        for id in ids {
            if let Some(record) = self.records.get_mut(id) {
                record.busy = false;
                if let Some((attempt, spent)) = record.prior.take() {
                    record.entry.attempt = attempt;
                    record.entry.spent = spent;
                    record.dirty = true;
                }
            }
        }
    }

    /// Writes down what the next batches will attempt. Push services one batch at a time: the outcome of each is on disk
    /// before the next is begun. Where the service can be read, all at once: a restart reads before it writes.
    pub(super) fn intend(&mut self, now: Now) -> bool {
        let mut any = false;
        let names: Vec<AccountName> = self.accounts.keys().cloned().collect();
        for name in names {
            self.drop_outdated(&name, now);
            let Some(account) = self.accounts.get(&name) else { continue };
            let Some(declared) = self.desired.accounts.get(&name) else { continue };
            if !account.lane.saving || !account.lane.flying.is_empty() {
                continue;
            }
            let ahead = if declared.terms.readable { account.lane.queue.len() } else { declared.terms.width };
            let changes = account.lane.queue.iter().take(ahead).flat_map(|batch| &batch.changes);
            let changes: Vec<(Id, bool)> = changes
                .map(|change| {
                    (Id { account: name.clone(), key: change.key.clone() }, change.sibling == Sibling::Unknown)
                })
                .collect();
            for (id, alone) in changes {
                if let Some(record) = self.records.get_mut(&id).filter(|record| record.prior.is_none()) {
                    attempt(record, declared.terms.budget, now);
                }
                if alone && declared.terms.forgets_siblings {
                    // It is not named because there is no address of its family any more: the service forgets it.
                    if let Some(forgotten) = self.records.get_mut(&id.sibling()) {
                        forgotten.dirty |= forgotten.entry.confirmed.take().is_some();
                    }
                }
                any = true;
            }
        }
        any
    }

    /// Gives up what was planned for values that are no longer wanted, for record sets that are no longer declared, or so long
    /// ago that what was read before may no longer stand there.
    fn drop_outdated(&mut self, name: &AccountName, now: Now) {
        let readable = self.desired.accounts.get(name).is_some_and(|declared| declared.terms.readable);
        let Some(account) = self.accounts.get_mut(name) else { return };
        let old = readable && now.moment.since(account.lane.planned_at) > OLD;
        if !(std::mem::take(&mut account.lane.unsure) || old) {
            account.lane.saving &= !account.lane.queue.is_empty();
            return;
        }
        let id = |change: &Change| Id { account: name.clone(), key: change.key.clone() };
        let outdated = |change: &Change| {
            self.records.get(&id(change)).is_none_or(|record| {
                record.aim.as_ref().is_none_or(|aim| record.want.values().as_ref() != Some(&aim.values))
            })
        };
        let (dropped, kept): (VecDeque<_>, VecDeque<_>) =
            account.lane.queue.drain(..).partition(|batch| old || batch.changes.iter().any(outdated));
        account.lane.queue = kept;
        account.lane.saving &= !account.lane.queue.is_empty();
        let dropped: Vec<Id> = dropped.iter().flat_map(|batch: &Batch| &batch.changes).map(id).collect();
        self.never_made(&dropped);
    }

    pub(super) fn saved(&mut self, ok: bool, now: Now, out: &mut Out) {
        if ok != self.disk.writable {
            self.disk.writable = ok;
            let what = if ok {
                "the state can be written again"
            } else {
                "the state cannot be written; services that can be \
                read go on, others are sent to once at most"
            };
            out.tell(if ok { Level::Info } else { Level::Error }, None, what);
        }
        let names: Vec<AccountName> = self.accounts.keys().cloned().collect();
        for name in names {
            self.launch(&name, now, out);
        }
    }

    /// Begins the batches whose intent is on disk.
    fn launch(&mut self, name: &AccountName, now: Now, out: &mut Out) {
        self.drop_outdated(name, now);
        let (hasty, uncounted) = (self.has(Planted::SuccessBeforeCall), self.has(Planted::WritesNotCounted));
        let (Some(account), Some(declared)) = (self.accounts.get_mut(name), self.desired.accounts.get(name)) else {
            return;
        };
        if !account.lane.saving || self.stopping {
            return;
        }
        let terms = &declared.terms;
        let blind = !self.disk.writable && !terms.readable;
        let sent_before =
            |change: &Change| self.disk.sent.contains(&Id { account: name.clone(), key: change.key.clone() });
        let mut queued = account.lane.queue.iter().flat_map(|batch| &batch.changes);
        if blind && (self.disk.push_after > now.moment || queued.any(sent_before)) {
            let ids = account.abandon(name);
            self.never_made(&ids);
            return;
        }
        account.lane.saving = false;
        while account.lane.flying.len() < terms.width {
            let Some(batch) = account.lane.queue.pop_front() else { break };
            let intended = |change: &Change| {
                let id = Id { account: name.clone(), key: change.key.clone() };
                self.records.get(&id).is_some_and(|record| record.prior.is_some())
            };
            if !terms.readable && !batch.changes.iter().all(intended) {
                // This save was another's: the intent is written down when those under way have come back.
                account.lane.queue.push_front(batch);
                account.lane.saving = true;
                break;
            }
            self.batches += 1;
            for change in &batch.changes {
                let id = Id { account: name.clone(), key: change.key.clone() };
                if let Some(record) = self.records.get_mut(&id) {
                    if blind {
                        self.disk.sent.insert(id);
                    }
                    // What is asked of it anew from now on, this call does not know.
                    record.doubted = false;
                    record.waiting = false;
                    let spent = record.prior.take().map_or(record.entry.spent, |(_, spent)| spent);
                    record.entry.spent = if uncounted { spent } else { spent.after_write(terms.budget, now.moment) };
                    record.before = Some(change.before.clone());
                    if hasty && let Some(Attempt { values, ttl, at, .. }) = record.entry.attempt.take() {
                        record.entry.confirmed = Some(Confirmed { values, ttl, since: at });
                    }
                }
            }
            account.lane.flying.insert(self.batches, batch.clone());
            out.push(Effect::Apply(name.clone(), self.batches, batch));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an event's parts, and the three arguments of every decision")]
    pub(super) fn applied(
        &mut self,
        name: &AccountName,
        number: u64,
        print: &Fingerprint,
        outcomes: Vec<Result<Applied>>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        let Some(batch) = account.lane.flying.get(&number).cloned() else { return };
        if !account.lane.answered(Some(number)) {
            return;
        }
        if self.split(name, &batch, &outcomes) {
            out.tell_account(Level::Info, name, "a call was refused as a whole; its parts are sent by themselves");
        } else {
            let errors = batch.changes.iter().zip(&outcomes);
            let errors =
                errors.map(|(change, outcome)| (change.key.clone(), outcome.as_ref().err().cloned())).collect();
            self.take_failures(name, print, errors, true, now, rng, out);
            for (change, outcome) in batch.changes.iter().zip(outcomes.iter().cloned()) {
                let id = Id { account: name.clone(), key: change.key.clone() };
                if let Some(record) = self.records.get_mut(&id) {
                    record.busy = false;
                    record.checked = true;
                }
                match outcome {
                    Ok(applied) => self.took(&id, applied, change, print, now, out),
                    Err(error) if error.unsent => self.give_back(name, std::slice::from_ref(change)),
                    Err(Error { kind: Kind::Auth { scope: Scope::Account }, .. }) => {
                        if let Some(record) = self.records.get_mut(&id) {
                            record.entry.refusals = record.entry.refusals.saturating_add(1);
                        }
                    }
                    Err(_) => {}
                }
            }
            self.went_along(name, &batch, &outcomes, now, out);
        }
        self.go_on(name, now, out);
    }

    /// Books what requests carried along: the other family of a name, which has no change of its own in them. What is wanted was
    /// accepted with them, which is a write of its own, and what was confirmed was told once more. That costs it nothing: whose IPv6
    /// address changed must not wait ten minutes with the IPv4 address that changes next.
    fn went_along(&mut self, name: &AccountName, batch: &Batch, outcomes: &[Result<Applied>], now: Now, out: &mut Out) {
        let Some(terms) = self.desired.accounts.get(name).map(|declared| &declared.terms) else { return };
        if !terms.forgets_siblings {
            return;
        }
        let budget = terms.budget;
        for (change, outcome) in batch.changes.iter().zip(outcomes) {
            let (Sibling::Set(values) | Sibling::Keep(values)) = &change.sibling else { continue };
            let id = Id { account: name.clone(), key: change.key.clone() }.sibling();
            let unsent = matches!(outcome, Err(error) if error.unsent);
            // What has a call of its own is booked with that.
            let Some(record) = self.records.get_mut(&id).filter(|record| !record.busy && !unsent) else { continue };
            if batch.changes.iter().any(|other| other.key == id.key) {
                continue;
            }
            if outcome.is_err() || record.entry.hold.as_ref().is_some_and(|hold| hold.reason == Reason::Abuse) {
                continue;
            }
            record.dirty = true;
            if record.entry.is_confirmed(values, None) {
                record.entry.accepted = Some(now.into());
                record.entry.confirmed.iter_mut().for_each(|confirmed| confirmed.since = now.into());
            } else if record.want.values().as_ref() == Some(values) {
                let what = format!("now holds {}, sent along with {}", list(values), change.key);
                record.entry.unchanged = 0;
                record.entry.spent = record.entry.spent.after_write(budget, now.moment);
                let intent = Attempt { values: values.clone(), ttl: None, at: now.into(), in_doubt: false };
                self.accepted(&id, intent, what, now, out);
            }
        }
    }

    /// After a batch: the next ones, unless the account must rest.
    fn go_on(&mut self, name: &AccountName, now: Now, out: &mut Out) {
        let rests = self.rests(name, now);
        let Some(account) = self.accounts.get_mut(name) else { return };
        if rests {
            let ids = account.abandon(name);
            self.never_made(&ids);
        }
        let Some(account) = self.accounts.get_mut(name) else { return };
        let readable = self.desired.accounts.get(name).is_some_and(|declared| declared.terms.readable);
        if account.lane.is_idle() {
            self.urgent = true;
        } else if readable {
            account.lane.saving = true;
            self.launch(name, now, out);
        } else {
            account.lane.saving = !account.lane.queue.is_empty();
        }
    }

    /// A call of several changes that was refused whole as wrong: its halves are tried, until the culprit stands alone.
    fn split(&mut self, name: &AccountName, batch: &Batch, outcomes: &[Result<Applied>]) -> bool {
        let wrong = |outcome: &Result<Applied>| matches!(outcome, Err(Error { kind: Kind::Config, .. }));
        if batch.changes.len() < 2 || !outcomes.iter().all(wrong) {
            return false;
        }
        let names: BTreeSet<_> = batch.changes.iter().map(|change| &change.key.name).collect();
        let Some(middle) = names.iter().nth(names.len() / 2).filter(|_| names.len() > 1) else { return false };
        let (front, back): (Vec<_>, Vec<_>) =
            batch.changes.iter().cloned().partition(|change| change.key.name < **middle);
        // The parts are charged when they are sent; a call that was refused whole wrote nothing.
        self.give_back(name, &batch.changes);
        let Some(account) = self.accounts.get_mut(name) else { return false };
        account.lane.unsure = true;
        account.lane.queue.push_front(Batch { changes: back });
        account.lane.queue.push_front(Batch { changes: front });
        true
    }

    /// The service took a change.
    fn took(&mut self, id: &Id, applied: Applied, change: &Change, print: &Fingerprint, now: Now, out: &mut Out) {
        let Some(record) = self.records.get_mut(id) else { return };
        let Some(intent) = record.entry.attempt.clone() else { return };
        record.dirty = true;
        record.entry.refusals = 0;
        match applied {
            Applied::Accepted(Some(ticket)) => {
                record.entry.ticket = Some((ticket, now.into()));
                record.settle_at = Some(now.moment.plus(super::proof::FIRST_LOOK));
                record.entry.note(now, "accepted; the service works on it");
                self.urgent = true;
            }
            Applied::Unchanged if is_a_refresh(record, &intent.values) => {
                self.accepted(id, intent, "refreshed".into(), now, out);
            }
            Applied::Unchanged if intent.in_doubt => {
                let what = format!("held {} already", list(&intent.values));
                self.accepted(id, intent, what, now, out);
            }
            Applied::Unchanged => {
                record.entry.unchanged = record.entry.unchanged.saturating_add(1);
                if record.entry.unchanged >= 2 {
                    let why = "the service says that nothing changed, twice in a row; more would count as abuse";
                    let error = super::failure::own_error(id, why, "check what the name holds, then release it");
                    self.hold_record(id, Reason::Unchanged, error, print, true, now, out);
                    // They are there all the same: the other family's call must not put back what was there before.
                    self.book(id, intent, now);
                } else {
                    let what = format!("already held {}", list(&intent.values));
                    self.accepted(id, intent, what, now, out);
                }
            }
            Applied::Done | Applied::Accepted(None) => {
                record.entry.unchanged = 0;
                let what = now_holds((&change.before, record.seen_ttl), &change.after, change.ttl);
                let doubted = record.doubted;
                self.accepted(id, intent, what, now, out);
                if let Some(record) = self.records.get_mut(id).filter(|_| doubted) {
                    record.doubted = true;
                    record.read_at = Some(now.moment);
                }
            }
        }
    }
}

/// What a change came to, for people. `was`: the values and the TTL before it.
pub(super) fn now_holds((before, was): (&Values, Option<Ttl>), after: &Values, ttl: Option<Ttl>) -> String {
    let values = list(after);
    match ttl.filter(|ttl| Some(*ttl) != was) {
        _ if before.is_empty() => format!("now holds {values}"),
        _ if before != after => format!("now holds {values} (was {})", list(before)),
        Some(ttl) => {
            let was = was.map(|was| format!(" (was {was})")).unwrap_or_default();
            format!("now has the TTL {ttl}{was}; holds {values} as before")
        }
        None => format!("was set again; holds {values} as before"),
    }
}

/// Writes down that a call is about to be made. The values count as ours from now on, whatever becomes of it, and the budget
/// as used: a process that dies over its calls cannot make more of them than one that lives.
fn attempt(record: &mut Record, budget: Budget, now: Now) {
    let Some(Aim { values, ttl }) = record.aim.clone() else { return };
    record.entry.ours.extend(values.iter().cloned());
    let prior = record.entry.attempt.take();
    record.entry.attempt = Some(Attempt { values, ttl, at: now.into(), in_doubt: prior.is_some() });
    record.prior = Some((prior, record.entry.spent));
    record.entry.spent = record.entry.spent.after_write(budget, now.moment);
    record.dirty = true;
}

/// Whether the values were confirmed already: the service is expected to say that nothing changed.
fn is_a_refresh(record: &Record, values: &Values) -> bool {
    record.entry.confirmed.as_ref().is_some_and(|confirmed| confirmed.values == *values)
}
