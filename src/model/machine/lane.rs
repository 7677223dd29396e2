//! An account at its own pace: what is due is read, compared, cut into batches and carried out, the intent on disk first.

use std::collections::{BTreeMap, VecDeque};

use super::compare::{Finding, compare};
use super::due::Next;
use super::{Account, Effect, Level, Mode, Out, Planted, Record, State};
use crate::model::desired::{AccountName, Id};
use crate::model::error::{Error, Kind, Result, Scope};
use crate::model::ledger::{Attempt, Fingerprint};
use crate::model::plan::{Applied, Batch, Change, Health, Plan, Seen, Sibling};
use crate::model::record::{RrsetKey, Values, list};
use crate::model::terms::Budget;
use crate::model::time::Now;

/// What an account is doing.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// A read, a cut or a question about a job is under way.
    asking: bool,
    /// Batches that wait until the intent is on disk.
    saving: bool,
    /// Batches not begun.
    queue: VecDeque<Batch>,
    /// Batches under way.
    flying: BTreeMap<u64, Batch>,
}

impl Lane {
    pub(super) fn is_idle(&self) -> bool {
        !self.asking && !self.saving && self.queue.is_empty() && self.flying.is_empty()
    }

    /// Gives up what is not begun, and names the keys of it.
    fn give_up(&mut self) -> Vec<RrsetKey> {
        self.saving = false;
        self.queue.drain(..).flat_map(|batch| batch.changes).map(|change| change.key).collect()
    }
}

/// The other family of the same name at the same account.
pub(super) fn sibling(id: &Id) -> Id {
    let rtype = id.key.rtype.family().map_or(id.key.rtype, |family| family.other().record_type());
    Id { account: id.account.clone(), key: RrsetKey::new(id.key.name.clone(), rtype) }
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
        let names: Vec<AccountName> = self.accounts.keys().cloned().collect();
        for name in names {
            self.resolve_due(&name, now, out);
            if self.accounts.get(&name).is_some_and(|account| account.lane.is_idle()) {
                self.begin(&name, now, rng, out);
            }
        }
    }

    fn begin(&mut self, name: &AccountName, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let Some(account) = self.accounts.get(name) else { return };
        let (mut reads, mut pushes, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
        for id in &account.ids {
            match self.next(id, now) {
                Next::Read => reads.push(id.clone()),
                Next::Push => pushes.push(id.clone()),
                Next::Settle => jobs.push(id.clone()),
                Next::Resolve | Next::Rest(_) => {}
            }
        }
        if account.entry.hold.is_some() {
            // A probe asks one question, not one for each record set.
            reads.truncate(1);
        }
        if !reads.is_empty() {
            self.occupy(name, &reads);
            out.push(Effect::Read(name.clone(), reads.into_iter().map(|id| id.key).collect()));
        } else if !pushes.is_empty() {
            self.occupy(name, &pushes);
            let answers = pushes.into_iter().map(|id| (id.key, Ok(Seen::Unreadable))).collect();
            self.read(name, &String::new(), answers, now, rng, out);
        } else if let Some(id) = jobs.into_iter().next() {
            let ticket = self.records.get(&id).and_then(|record| record.entry.ticket.as_ref());
            if let Some((ticket, _)) = ticket {
                let ticket = ticket.clone();
                self.occupy(name, std::slice::from_ref(&id));
                out.push(Effect::Settle(name.clone(), id.key, ticket));
            }
        }
    }

    fn occupy(&mut self, name: &AccountName, ids: &[Id]) {
        if let Some(account) = self.accounts.get_mut(name) {
            account.lane.asking = true;
        }
        for id in ids {
            if let Some(record) = self.records.get_mut(id) {
                record.busy = true;
                record.settle = None;
            }
        }
    }

    pub(super) fn lane_answered(&mut self, name: &AccountName) {
        if let Some(account) = self.accounts.get_mut(name) {
            account.lane.asking = false;
        }
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
        self.lane_answered(name);
        // A service that finds fault with a record set does not refuse the account any more.
        let heard = |error: &Error| match error.kind {
            Kind::Transient | Kind::RateLimited { .. } => false,
            Kind::Auth { scope } => scope == Scope::RecordSet,
            Kind::Stale | Kind::Config | Kind::Abuse => true,
        };
        if answers.iter().any(|(_, answer)| answer.as_ref().err().is_some_and(heard)) {
            self.let_account_go(name, "the service answers again", now, out);
        }
        let outcomes: Vec<_> =
            answers.iter().map(|(key, answer)| (key.clone(), answer.as_ref().err().cloned())).collect();
        self.take_failures(name, print, outcomes, now, rng, out);
        let mut plan = Plan::default();
        for (key, answer) in answers {
            let id = Id { account: name.clone(), key };
            if let Some(record) = self.records.get_mut(&id) {
                record.busy = false;
                record.checked = true;
            }
            if let Ok(seen) = answer {
                plan.changes.extend(self.weigh(&id, print, seen, now, rng, out));
            }
        }
        if self.stopping || plan.changes.is_empty() {
            return;
        }
        if self.mode == Mode::Plan {
            for change in plan.changes {
                let id = Id { account: name.clone(), key: change.key.clone() };
                if let Some(record) = self.records.get_mut(&id) {
                    record.planned = Some(change);
                }
            }
            return;
        }
        let planned: Vec<RrsetKey> = plan.changes.iter().map(|change| change.key.clone()).collect();
        let ids: Vec<Id> = planned.iter().map(|key| Id { account: name.clone(), key: key.clone() }).collect();
        for (change, id) in plan.changes.iter_mut().zip(&ids) {
            change.sibling = self.sibling_of(id, &planned);
        }
        self.occupy(name, &ids);
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
        self.probe_went_well(id, now, out);
        let overwrite = self.has(Planted::OverwritesForeign);
        let spec = self.desired.records.get(id)?;
        let record = self.records.get_mut(id)?;
        let broken = matches!(&seen, Seen::Holds { health: Health::Broken, .. });
        let held = match &seen {
            Seen::Holds { values, .. } => Some(values.clone()),
            Seen::Absent(_) => Some(Values::new()),
            Seen::Unreadable => None,
        };
        let confirmed = record.entry.confirmed.as_ref().filter(|_| record.entry.attempt.is_none());
        if let (Some(held), Some(confirmed)) = (&held, confirmed)
            && !confirmed.values.is_subset(held)
        {
            // Whatever is wanted now: what was confirmed is not so, and is to be looked at as soon as it is wanted again.
            record.doubted = true;
            record.read_at = Some(now.moment);
        }
        let want = record.want.values()?;
        let finding = compare(&id.key, spec, &record.entry, &want, seen, overwrite);
        let fits = matches!(finding, Finding::Fits { .. });
        if held.is_some() && !broken && self.may_not_show_yet(id, &want, fits, now) {
            return None;
        }
        let record = self.records.get_mut(id)?;
        match finding {
            Finding::Fits { health: Health::Live, clamped } => {
                self.confirmed_by_reading(id, want, clamped, now, rng, out);
                None
            }
            Finding::Fits { .. } => {
                self.still_pending(id, want, now, rng, out);
                None
            }
            Finding::Leave(reason, why) => {
                let hint = "say `values = \"all\"` if the whole record set is ours";
                let error = super::own_error(Kind::Config, id, why, hint);
                self.hold_record(id, reason, error, print, now, out);
                None
            }
            // A probe asks and does not write; and a job is asked about before anything is written beside it.
            Finding::Differs(_) if record.entry.hold.is_some() || record.entry.ticket.is_some() => None,
            Finding::Differs(change) => {
                if broken && self.still_broken(id, print, now, rng, out) {
                    return None;
                }
                if let Some(held) = held.filter(|_| !broken)
                    && self.undone(id, &held, &want, print, now, out)
                {
                    return None;
                }
                self.records.get_mut(id)?.aim = Some(want);
                Some(*change)
            }
        }
    }

    /// What a change says of the other family of its name: sent along in the same plan, or kept as it was last confirmed. What
    /// is not sent by itself must not be changed in passing: its ledger would not know.
    fn sibling_of(&self, id: &Id, planned: &[RrsetKey]) -> Sibling {
        let other = sibling(id);
        let Some(record) = self.records.get(&other) else { return Sibling::Unknown };
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

    pub(super) fn cut(&mut self, name: &AccountName, batches: Vec<Batch>) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        account.lane.asking = false;
        account.lane.queue.extend(batches);
        if self.stopping {
            let ids = account.abandon(name);
            self.never_made(&ids);
            return;
        }
        account.lane.saving = true;
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
            self.drop_outdated(&name);
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
                    if let Some(forgotten) = self.records.get_mut(&sibling(&id)) {
                        forgotten.dirty |= forgotten.entry.confirmed.take().is_some();
                    }
                }
                any = true;
            }
        }
        any
    }

    /// Gives up what was planned for values that are no longer wanted, or for record sets that are no longer declared.
    fn drop_outdated(&mut self, name: &AccountName) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        let id = |change: &Change| Id { account: name.clone(), key: change.key.clone() };
        let outdated = |change: &Change| {
            self.records
                .get(&id(change))
                .is_none_or(|record| record.aim.is_none() || record.want.values() != record.aim)
        };
        let (dropped, kept): (VecDeque<_>, VecDeque<_>) =
            account.lane.queue.drain(..).partition(|batch| batch.changes.iter().any(outdated));
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
        self.drop_outdated(name);
        let (Some(account), Some(declared)) = (self.accounts.get_mut(name), self.desired.accounts.get(name)) else {
            return;
        };
        if !account.lane.saving || self.stopping {
            return;
        }
        let terms = &declared.terms;
        let blind = !self.disk.writable && !terms.readable;
        let sent_before = |change: &Change| {
            let id = Id { account: name.clone(), key: change.key.clone() };
            self.records.get(&id).is_some_and(|record| record.sent_without_disk)
        };
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
                    record.sent_without_disk |= blind;
                    let spent = record.prior.take().map_or(record.entry.spent, |(_, spent)| spent);
                    record.entry.spent = spent.after_write(terms.budget, now.moment);
                    record.before = Some(change.before.clone());
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
        let Some(batch) = self.accounts.get_mut(name).and_then(|account| account.lane.flying.remove(&number)) else {
            return;
        };
        if self.split(name, &batch, &outcomes) {
            out.tell_account(Level::Info, name, "a call was refused as a whole; its parts are sent by themselves");
        } else {
            let errors = batch.changes.iter().zip(&outcomes);
            let errors =
                errors.map(|(change, outcome)| (change.key.clone(), outcome.as_ref().err().cloned())).collect();
            self.take_failures(name, print, errors, now, rng, out);
            for (change, outcome) in batch.changes.into_iter().zip(outcomes) {
                let id = Id { account: name.clone(), key: change.key.clone() };
                if let Some(record) = self.records.get_mut(&id) {
                    record.busy = false;
                    record.checked = true;
                }
                if let Ok(applied) = outcome {
                    self.took(&id, applied, &change, print, now, rng, out);
                }
            }
        }
        self.go_on(name, now, out);
    }

    /// After a batch: the next ones, unless the account must rest.
    fn go_on(&mut self, name: &AccountName, now: Now, out: &mut Out) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        let waits = account.entry.wait.as_ref().is_some_and(|wait| wait.until > now.moment);
        if waits || account.entry.hold.is_some() || self.stopping {
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
        let names: std::collections::BTreeSet<_> = batch.changes.iter().map(|change| &change.key.name).collect();
        let Some(middle) = names.iter().nth(names.len() / 2).filter(|_| names.len() > 1) else { return false };
        let (front, back): (Vec<_>, Vec<_>) =
            batch.changes.iter().cloned().partition(|change| change.key.name < **middle);
        let Some(account) = self.accounts.get_mut(name) else { return false };
        account.lane.queue.push_front(Batch { changes: back });
        account.lane.queue.push_front(Batch { changes: front });
        true
    }

    /// The service took a change.
    #[expect(clippy::too_many_arguments, reason = "an event's parts, and the three arguments of every decision")]
    fn took(
        &mut self,
        id: &Id,
        applied: Applied,
        change: &Change,
        print: &Fingerprint,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        let Some(record) = self.records.get_mut(id) else { return };
        let Some(intent) = record.entry.attempt.clone() else { return };
        record.dirty = true;
        match applied {
            Applied::Accepted(Some(ticket)) => {
                record.entry.ticket = Some((ticket, now.into()));
                record.settle_at = Some(now.moment.plus(super::proof::FIRST_LOOK));
                record.entry.note(now, "accepted; the service works on it");
                self.urgent = true;
            }
            Applied::Unchanged if is_a_refresh(record, &intent.values) => {
                self.accepted(id, intent.values, "refreshed".into(), now, rng, out);
            }
            Applied::Unchanged => {
                record.entry.unchanged = record.entry.unchanged.saturating_add(1);
                if record.entry.unchanged >= 2 {
                    let why = "the service says that nothing changed, twice in a row; more would count as abuse";
                    let error = super::own_error(Kind::Config, id, why, "check what the name holds, then release it");
                    self.hold_record(id, crate::model::ledger::Reason::Unchanged, error, print, now, out);
                } else {
                    let what = format!("already held {}", list(&intent.values));
                    self.accepted(id, intent.values, what, now, rng, out);
                }
            }
            Applied::Done | Applied::Accepted(None) => {
                record.entry.unchanged = 0;
                let before =
                    if change.before.is_empty() { String::new() } else { format!(" (was {})", list(&change.before)) };
                let what = format!("now holds {}{before}", list(&change.after));
                self.accepted(id, intent.values, what, now, rng, out);
            }
        }
    }
}

/// Writes down that a call is about to be made. The values count as ours from now on, whatever becomes of it, and the budget
/// as used: a process that dies over its calls cannot make more of them than one that lives.
fn attempt(record: &mut Record, budget: Budget, now: Now) {
    let Some(values) = record.aim.clone() else { return };
    record.entry.ours.extend(values.iter().cloned());
    record.prior = Some((record.entry.attempt.take(), record.entry.spent));
    record.entry.spent = record.entry.spent.after_write(budget, now.moment);
    record.entry.attempt = Some(Attempt { values, at: now.into() });
    record.dirty = true;
}

/// Whether the values were confirmed already: the service is expected to say that nothing changed.
fn is_a_refresh(record: &Record, values: &Values) -> bool {
    record.entry.confirmed.as_ref().is_some_and(|confirmed| confirmed.values == *values)
}
