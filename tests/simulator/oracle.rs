//! What must never happen, checked at every call and every step. It shares no code with the machine but the types.

use std::collections::{BTreeMap, BTreeSet};

use driftless::model::desired::{AccountName, FirstContact, Id, RecordSpec, Want};
use driftless::model::error::{Error, Kind, Result, Scope};
use driftless::model::ledger::{AccountEntry, Reason};
use driftless::model::machine::standing::Standing;
use driftless::model::machine::{Event, Proof, Target};
use driftless::model::plan::{Applied, Batch, Seen, Settled, Sibling};
use driftless::model::record::{Family, RrsetKey, Values, list};

use super::network::{named_in, strangers};
use super::process::Process;
use super::service::Deed;
use super::setup::{NEED, Shape};
use super::sim::{DAY, HOUR, MINUTE, Phase, SECOND, Sim, Verdict, millis};

/// Two clocks that are read to the second may differ by so much after a reboot.
const ROUNDING: u64 = 2 * SECOND;
/// The longest pause that is obeyed.
const LONGEST_PAUSE: u64 = 48 * HOUR;
/// Writes of the same values within two days, as long as nothing gives a reason for one more: 10 s doubled up to an hour,
/// of which a half at least.
const SAME: u32 = 110;

/// What a service refused for good, and to whom.
#[derive(Clone, Debug)]
struct Refusal {
    kind: Kind,
    print: String,
    values: Values,
    /// It is not asked about before, where it can be read.
    probe_at: u64,
}

/// What is known of an account.
#[derive(Debug, Default)]
struct OfAccount {
    /// No call before: a service asked for a pause.
    pause_until: u64,
    refused: Option<Refusal>,
}

/// What is known of a record set.
#[derive(Debug, Default)]
struct OfRecord {
    /// The write budget, counted anew: when it is whole again.
    spent: u64,
    /// What a write uses of it.
    refill: u64,
    /// The settings with which the last write was refused together with the account.
    for_nothing: Option<String>,
    /// What happened behind the machine's back and was told to it since.
    known: u64,
    /// The ledger lost its memory of it at some time.
    amnesia: bool,
    /// One `nochg` has its reason.
    excuse: bool,
    accepted_at: u64,
    refused: Option<Refusal>,
    /// The last values written, how often since there was a reason for it, and since when.
    same: (Values, u32, u64),
    /// Writes in the calm.
    writes: u32,
    /// Parts of a call that was refused as a whole are sent by themselves.
    split: bool,
    blind_at: Option<u64>,
    /// What was seen to be done to it since the storm began.
    edits: u32,
    no_effect: bool,
    /// What was done to it had not been seen when all holds were let go: it is found later, and may be once too often.
    late: bool,
}

/// What the oracle remembers.
#[derive(Debug, Default)]
pub struct Oracle {
    accounts: BTreeMap<AccountName, OfAccount>,
    records: BTreeMap<Id, OfRecord>,
    /// Address changes in the calm, by family.
    changes: [u32; 2],
    calm_steps: u64,
    calm_saves: u64,
    calm_writes: u32,
    /// The accounts that the machine holds, or lets rest because it was asked to.
    held: BTreeSet<AccountName>,
    /// Those that waited for their other family when all had come to rest: it lets them be written once it is known.
    waiting: BTreeSet<Id>,
    /// Those of them when the calm began.
    calm_waiting: BTreeSet<Id>,
    /// When one was last let go, somebody else's change was last found, or a job was last said to have failed: what is to be done then
    /// takes its time.
    pub recovered: u64,
    /// Reboots make moments uncertain.
    rebooted: bool,
}

/// Whether a command is about this record set.
fn is_meant(target: &Target, id: &Id) -> bool {
    match target {
        Target::All => true,
        Target::Name(name) => *name == id.key.name,
        Target::Account(account) => *account == id.account,
    }
}

impl Oracle {
    fn account(&mut self, name: &AccountName) -> &mut OfAccount {
        self.accounts.entry(name.clone()).or_default()
    }

    fn record(&mut self, id: &Id) -> &mut OfRecord {
        self.records.entry(id.clone()).or_default()
    }

    /// A record set's memory is lost, or may be.
    fn forget_record(&mut self, id: &Id) {
        let OfRecord { blind_at, edits, no_effect, .. } = *self.record(id);
        *self.record(id) = OfRecord { amnesia: true, excuse: true, blind_at, edits, no_effect, ..OfRecord::default() };
    }

    pub fn forget_account(&mut self, name: &AccountName) {
        self.accounts.remove(name);
    }

    /// How long ago things were is not known after this reboot.
    pub fn forget_times(&mut self) {
        for record in self.records.values_mut() {
            record.spent = 0;
            record.refused.iter_mut().for_each(|refusal| refusal.probe_at = 0);
        }
        for account in self.accounts.values_mut() {
            account.pause_until = 0;
            account.refused.iter_mut().for_each(|refusal| refusal.probe_at = 0);
        }
    }

    pub fn reboot(&mut self) {
        self.rebooted = true;
    }

    /// A reason for writes that no budget of the same values counts.
    pub fn stir(&mut self) {
        self.records.values_mut().for_each(|record| record.same.1 = 0);
    }

    /// What stands there before the first start may look like ours and be none.
    pub fn unknown(&mut self, id: &Id) {
        let record = self.record(id);
        (record.excuse, record.amnesia) = (true, true);
    }

    /// A process has gone, and what it was told goes with it where the ledger does not say it.
    pub fn gone(&mut self, name: &AccountName, readable: bool) {
        let records = self.records.iter_mut().filter(|(id, _)| id.account == *name);
        records.for_each(|(_, record)| {
            // What was written down and not done is done by the next, though it may be done already.
            record.excuse = true;
            if readable {
                record.known = 0;
            }
        });
    }

    /// There was a reason why the service may already hold what is pushed.
    pub fn excuse(&mut self, id: &Id) {
        self.record(id).excuse = true;
    }

    pub fn edited(&mut self, id: &Id) {
        let record = self.record(id);
        record.edits += 1;
        // What stands there now may look like ours and be none.
        (record.excuse, record.amnesia) = (true, true);
    }

    pub fn without_effect(&mut self, id: &Id) {
        self.record(id).no_effect = true;
    }

    pub fn release(&mut self, target: &Target) {
        for (known, of) in &mut self.accounts {
            if *target == Target::All || *target == Target::Account(known.clone()) {
                of.refused = None;
            }
        }
        for (id, of) in &mut self.records {
            if *target == Target::All || *target == Target::Account(id.account.clone()) {
                of.for_nothing = None;
            }
        }
        for (_, of) in self.records.iter_mut().filter(|(id, _)| is_meant(target, id)) {
            of.refused = None;
            of.excuse = true;
        }
        self.stir();
    }

    /// A secret is another one: what was held may be sent again.
    pub fn rotated(&mut self, name: &AccountName) {
        let records = self.records.iter_mut().filter(|(id, _)| id.account == *name);
        records.for_each(|(_, record)| record.excuse = true);
    }

    /// The machine was told the settings' fingerprint: refusals of others no longer count.
    pub fn looked(&mut self, name: &AccountName, print: &str) {
        let other = |refused: &mut Option<Refusal>| {
            refused.take_if(|refusal| refusal.print != print && refusal.kind != Kind::Abuse).is_some()
        };
        let mut any = other(&mut self.account(name).refused);
        for (_, record) in self.records.iter_mut().filter(|(id, _)| id.account == *name) {
            any |= other(&mut record.refused);
            // What was refused with the account wrote nothing, and is not what is sent now.
            if record.for_nothing.take_if(|refused| refused != print).is_some() {
                record.spent = record.spent.saturating_sub(record.refill);
            }
        }
        if any {
            self.stir();
        }
    }

    /// The configuration of a record set is another one.
    pub fn reconfigured(&mut self, id: &Id) {
        let record = self.record(id);
        record.refused.take_if(|refusal| refusal.kind != Kind::Abuse);
        record.edits += 1;
        record.excuse = true;
    }

    /// What stands at the services is what the machine knows of.
    pub fn agreed(&mut self, id: &Id) {
        self.record(id).amnesia = false;
    }

    pub fn begin_calm(&mut self, steps: u64, saves: u64) {
        (self.calm_steps, self.calm_saves, self.calm_writes, self.changes) = (steps, saves, 0, [0, 0]);
        self.calm_waiting.clone_from(&self.waiting);
        for record in self.records.values_mut() {
            (record.writes, record.edits, record.no_effect) = (0, 0, false);
        }
    }

    /// The addresses changed: the same values may be written again, and refusals of other values no longer count.
    pub fn changed(&mut self, family: Family) {
        self.changes[family as usize] += 1;
        for (id, record) in &mut self.records {
            if id.key.rtype.family().is_none_or(|own| own == family) {
                record.refused.take_if(|refusal| refusal.kind == Kind::Config);
                record.same.1 = 0;
            }
        }
    }
}

/// What a reading shows.
fn shown(answer: &Result<Seen>) -> Values {
    match answer {
        Ok(Seen::Holds { values, .. }) => values.clone(),
        _ => Values::new(),
    }
}

impl Sim {
    /// The ledger may have lost anything: what the machine knows is what it reads.
    pub fn forget(&mut self) {
        for (id, ..) in self.setup.records.clone() {
            self.forget_record(&id);
        }
        self.oracle.accounts.clear();
    }

    pub fn forget_record(&mut self, id: &Id) {
        self.oracle.forget_record(id);
        self.drifted(id);
    }

    /// What the call of this number should make true.
    fn in_flight(&mut self, number: u64) -> Vec<(RrsetKey, Values)> {
        let flying = self.process.as_mut().and_then(|process| process.flying.remove(&number)).unwrap_or_default();
        flying.into_iter().map(|(id, values)| (id.key, values)).collect()
    }

    fn is_declared(&self, id: &Id) -> bool {
        self.process.as_ref().is_some_and(|process| process.state.desired().records.contains_key(id))
    }

    fn rounding(&self) -> u64 {
        if self.oracle.rebooted { ROUNDING } else { 0 }
    }

    /// How old an address may be that is published: the longest time between two looks, and the calls in between.
    pub fn latest_news(&self) -> u64 {
        let looks = (self.longest_check + millis(self.setup.longest_interval())) * 11 / 10 + 10 * MINUTE;
        let (ended, long) = self.slept;
        let begin = self.t.saturating_sub(looks);
        if ended >= begin { begin.saturating_sub(long) } else { begin }
    }

    pub fn check_calls(&mut self, name: &AccountName) -> Verdict {
        let (t, rounding) = (self.t, self.rounding());
        let account = self.oracle.account(name);
        if t + rounding < account.pause_until {
            let early = (account.pause_until - t) / SECOND;
            return Err(format!("{name} is called {early} s before the pause is over that its service asked for"));
        }
        Ok(())
    }

    pub fn check_read(&mut self, name: &AccountName, keys: &[RrsetKey]) -> Verdict {
        self.check_calls(name)?;
        let rounding = self.rounding();
        let early = |refusal: &Refusal, t: u64| t + rounding < refusal.probe_at;
        let t = self.t;
        if let Some(refusal) = self.oracle.account(name).refused.as_ref().filter(|refusal| early(refusal, t)) {
            return Err(format!("{name} is read although it was refused within a day: {refusal:?}"));
        }
        for key in keys {
            let id = Id { account: name.clone(), key: key.clone() };
            let scope = Kind::Auth { scope: Scope::RecordSet };
            let refused = self.oracle.record(&id).refused.as_ref();
            if refused.is_some_and(|refusal| refusal.kind == scope && early(refusal, t)) {
                return Err(format!("{id} is read although it was refused within a day"));
            }
        }
        Ok(())
    }

    /// Everything that a call that writes must not be.
    pub fn check_apply(&mut self, name: &AccountName, batch: &Batch) -> Verdict {
        self.check_calls(name)?;
        if let Some(refusal) = &self.oracle.account(name).refused {
            return Err(format!("{name} is written to although it was refused: {refusal:?}"));
        }
        let id = |key: &RrsetKey| Id { account: name.clone(), key: key.clone() };
        let due: BTreeSet<_> =
            batch.changes.iter().map(|change| &change.key).filter(|key| self.may_write(&id(key))).collect();
        for change in &batch.changes {
            let id = id(&change.key);
            let Some(process) = &self.process else { return Ok(()) };
            let Some(spec) = process.state.desired().records.get(&id).cloned() else {
                return Err(format!("{id} is written and not declared"));
            };
            if let Standing::Held { hold, .. } = process.state.standing(&id) {
                return Err(format!("{id} is written while it is held ({})", hold.reason.word()));
            }
            // A request names both families, and is made for that one of which the budget allows it.
            let along =
                due.contains(&super::service::other_family(&change.key)) && matches!(change.sibling, Sibling::Set(_));
            self.check_budget(&id, &change.after, along)?;
            let taken = &strangers(&change.before) - &change.after;
            if !spec.whole && spec.first_contact != FirstContact::Adopts && !taken.is_empty() {
                return Err(format!("{id} is shared, and somebody else's value is gone: {}", list(&taken)));
            }
            let own = &(&change.after - &change.before) - &strangers(&change.after);
            self.check_truth(&id, &own)?;
            let Some(at) = self.service_of(name) else { continue };
            let other = super::service::other_family(&change.key);
            let mut held = self.services[at].values(&other);
            // What it knows to be confirmed it may keep, though somebody else changed it meanwhile.
            held.extend(self.confirmed(&Id { account: name.clone(), key: other }));
            match &change.sibling {
                Sibling::Set(values) | Sibling::Keep(values) => self.check_truth(&id, &(values - &held))?,
                Sibling::Unknown => {}
            }
            let wanted = self.process.as_ref().and_then(|process| {
                process.state.views(self.now()).find(|view| *view.id == id).map(|view| view.want.clone())
            });
            let removes = &(&change.before - &change.after) - &strangers(&change.before);
            if wanted == Some(Want::Gone) && (!removes.is_empty() || spec.whole) {
                let after = spec.absent_after.map(millis).ok_or_else(|| format!("{id} is removed unasked"))?;
                let slack = 2 * (self.t - self.latest_news());
                let since = spec
                    .families()
                    .filter_map(|family| self.network.none_since(family, self.latest_news()))
                    .min()
                    .ok_or_else(|| format!("{id} is removed: there is an address"))?;
                if since + after > self.t + slack {
                    return Err(format!("{id} is removed {} s after its address vanished", (self.t - since) / SECOND));
                }
            } else if own.is_empty() && !removes.is_empty() && (&change.after - &strangers(&change.after)).is_empty() {
                return Err(format!("{id} is emptied although it should hold {wanted:?}"));
            }
        }
        Ok(())
    }

    /// Whether the machine wishes for other values by now than it has sent.
    fn wishes_for_another(&self, id: &Id) -> bool {
        let now = self.now();
        let view = self.process.as_ref().and_then(|process| process.state.views(now).find(|view| view.id == id));
        let sent = view.as_ref().and_then(|view| view.entry.attempt.as_ref()).map(|attempt| &attempt.values);
        sent.is_some_and(|sent| view.as_ref().and_then(|view| view.want.values()).is_some_and(|want| want != *sent))
    }

    /// What the machine believes that the service holds.
    fn confirmed(&self, id: &Id) -> Values {
        let now = self.now();
        let view = self.process.as_ref().and_then(|process| process.state.views(now).find(|view| view.id == id));
        let confirmed = view.and_then(|view| view.entry.confirmed.as_ref());
        confirmed.map(|confirmed| confirmed.values.clone()).unwrap_or_default()
    }

    /// Whether values that are new were truly the device's lately.
    fn check_truth(&self, id: &Id, values: &Values) -> Verdict {
        let since = self.latest_news();
        for address in values.iter().flat_map(named_in) {
            if !self.network.was(address, since) && !self.network.was_said(address, since, NEED) {
                return Err(format!("{id} is to hold {address}, which is not the device's"));
            }
        }
        Ok(())
    }

    /// From when on its budget allows a write.
    fn earliest(&self, id: &Id) -> u64 {
        let Some(at) = self.service_of(&id.account) else { return 0 };
        let budget = self.services[at].declared.spec.terms.budget;
        let spent = self.oracle.records.get(id).map_or(0, |record| record.spent);
        spent.saturating_sub(millis(budget.refill) * u64::from(budget.burst - 1))
    }

    fn may_write(&self, id: &Id) -> bool {
        self.t + self.rounding() >= self.earliest(id)
    }

    /// `along`: the request is made for another record set, which it must name.
    fn check_budget(&mut self, id: &Id, values: &Values, along: bool) -> Verdict {
        let earliest = self.earliest(id);
        let (t, rounding) = (self.t, self.rounding());
        let Some(at) = self.service_of(&id.account) else { return Ok(()) };
        let (budget, print) = (self.services[at].declared.spec.terms.budget, self.services[at].print());
        let push = self.services[at].declared.shape == Shape::Push;
        let unwritable = self.disk.behind;
        let blind = match &mut self.process {
            Some(process) if push && unwritable => {
                let count = process.blind.entry(id.clone()).or_default();
                *count += 1;
                Some((*count, process.started))
            }
            _ => None,
        };
        let record = self.oracle.record(id);
        if let Some((count, started)) = blind {
            if count > 1 {
                return Err(format!("{id} is pushed {count} times by a process that cannot write its ledger"));
            }
            if t < started + 600 * SECOND || record.blind_at.is_some_and(|last| t < last + 600 * SECOND) {
                return Err(format!("{id} is pushed too soon by a process that cannot write its ledger"));
            }
            record.blind_at = Some(t);
        }
        if let Some(refusal) = &record.refused
            && refusal.print == print
            && (refusal.kind != Kind::Config || refusal.values == *values)
        {
            return Err(format!("{id} is written although just this was refused: {refusal:?}"));
        }
        if std::mem::take(&mut record.split) {
            return Ok(());
        }
        let refill = millis(budget.refill);
        if t + rounding < earliest && !along {
            return Err(format!("{id} is written {} ms before its budget allows it", earliest - t));
        }
        // What goes along owes no more than a whole burst.
        let most = record.spent.max(t + refill * u64::from(budget.burst));
        record.spent = (record.spent.max(t) + refill).min(most);
        (record.refill, record.for_nothing) = (refill, None);
        record.writes += 1;
        let (last, count, since) = &mut record.same;
        if last != values || t > *since + 48 * HOUR || *count == 0 {
            (*last, *count, *since) = (values.clone(), 0, t);
        }
        *count += 1;
        if *count > SAME {
            return Err(format!("{id} is written the {count}th time in two days without a new reason"));
        }
        self.oracle.calm_writes += 1;
        Ok(())
    }

    /// Nothing of somebody else's may be gone, unless all was ours or a single one was adopted.
    pub fn check_deed(&mut self, service: usize, deed: &Deed) -> Verdict {
        if self.services[service].declared.shape == Shape::Push || deed.whole {
            return Ok(());
        }
        let gone = &strangers(&deed.before) - &deed.after;
        let theirs = strangers(&deed.planned);
        let adopted = theirs.len() == 1 && theirs == deed.planned && !deed.mixed && deed.key.rtype.family().is_some();
        if !gone.is_empty() && !adopted {
            let (before, after) = (list(&deed.before), list(&deed.after));
            return Err(format!("{}: somebody else's value is gone: {before} -> {after}", deed.key));
        }
        Ok(())
    }

    /// What was sent has landed, and the machine may never learn of it.
    pub fn landed(&mut self, name: &AccountName, batch: &Batch, outcomes: &[Result<Applied>], lost: bool) -> Verdict {
        let push = self.service_of(name).is_some_and(|at| self.services[at].declared.shape == Shape::Push);
        let refresh = self.service_of(name).and_then(|at| self.services[at].declared.spec.terms.refresh).map(millis);
        let no_effect =
            self.service_of(name).map(|at| self.services[at].troubles.no_effect.clone()).unwrap_or_default();
        let t = self.t;
        for (change, outcome) in batch.changes.iter().zip(outcomes).filter(|_| push) {
            let id = Id { account: name.clone(), key: change.key.clone() };
            let sibling = Id { account: name.clone(), key: super::service::other_family(&change.key) };
            // What is no longer declared when it lands may be declared again, and then nobody knows of it.
            let lost = lost || !self.is_declared(&id);
            let record = self.oracle.record(&id);
            if *outcome == Ok(Applied::Unchanged) {
                let unmoved = |key: &RrsetKey| key.name == change.key.name;
                record.excuse |= no_effect.iter().any(unmoved);
                let due = refresh.is_some_and(|after| t + MINUTE >= record.accepted_at + after);
                if !std::mem::replace(&mut record.excuse, lost) && !due && !lost {
                    return Err(format!("{id}: the service says nochg, and there was no reason to send"));
                }
            } else if outcome.is_ok() {
                if lost {
                    // It went along, which is not known, and may be sent again by itself.
                    self.oracle.excuse(&sibling);
                }
                self.oracle.record(&id).excuse = lost || no_effect.iter().any(|key| key.name == id.key.name);
            } else {
                record.excuse = true;
                if change.sibling == Sibling::Unknown {
                    // Whether the service forgot the family that was not named is not known.
                    self.oracle.excuse(&sibling);
                }
            }
            if lost {
                self.oracle.record(&id).excuse = true;
            } else if outcome.is_ok()
                && let Sibling::Set(_) | Sibling::Keep(_) = change.sibling
            {
                // What went along was not refused this time.
                self.oracle.record(&sibling).refused.take_if(|refusal| refusal.kind != Kind::Abuse);
            }
        }
        Ok(())
    }

    /// What an event tells the machine.
    pub fn heard(&mut self, event: &Event, drifts: &[(RrsetKey, u64)]) {
        let t = self.t;
        let account = match event {
            Event::Read(account, ..) | Event::Applied(account, ..) | Event::Settled(account, ..) => account.clone(),
            Event::Resolved(id, Proof::NotYet(_)) => return self.oracle.excuse(id),
            _ => return,
        };
        for (key, drift) in drifts {
            let record = self.oracle.record(&Id { account: account.clone(), key: key.clone() });
            if *drift > record.known {
                record.known = *drift;
                self.oracle.recovered = t;
            }
        }
        if let Event::Settled(.., Err(_)) = event {
            // A job that was doomed before all was healed may fail after it, and is the last fault then.
            self.oracle.recovered = t;
        }
        let read = matches!(event, Event::Read(..));
        let outcomes: Vec<(RrsetKey, Values, Option<Error>)> = match event {
            Event::Read(_, _, answers) => answers
                .iter()
                .map(|(key, answer)| (key.clone(), shown(answer), answer.as_ref().err().cloned()))
                .collect(),
            Event::Settled(_, key, _, _, result) => {
                if *result == Ok(Settled::Done) {
                    let id = Id { account: account.clone(), key: key.clone() };
                    self.oracle.record(&id).accepted_at = t;
                }
                vec![(key.clone(), Values::new(), result.as_ref().err().cloned())]
            }
            Event::Applied(_, number, _, outcomes) => self
                .in_flight(*number)
                .into_iter()
                .zip(outcomes)
                .map(|((key, values), outcome)| (key, values, outcome.as_ref().err().cloned()))
                .collect(),
            _ => return,
        };
        let declared = |process: &Process| process.state.desired().accounts.contains_key(&account);
        if !self.process.as_ref().is_some_and(declared) {
            // Nobody is left who could remember it.
            return;
        }
        let print = match event {
            Event::Read(_, print, _) | Event::Applied(_, _, print, _) | Event::Settled(_, _, _, print, _) => {
                print.clone()
            }
            _ => return,
        };
        let wrong =
            |(_, _, error): &(RrsetKey, Values, Option<Error>)| matches!(error, Some(Error { kind: Kind::Config, .. }));
        let names: BTreeSet<_> = outcomes.iter().map(|(key, ..)| &key.name).collect();
        let split = !read && names.len() > 1 && outcomes.iter().all(wrong);
        for (key, values, error) in outcomes {
            let id = Id { account: account.clone(), key };
            if !self.is_declared(&id) {
                // Nor here.
                continue;
            }
            if error.is_some() && !read {
                // The attempt voids what was confirmed, and the address may be the old one again.
                self.oracle.record(&id).excuse = true;
            }
            let refusal =
                |kind| Some(Refusal { kind, print: print.clone(), values: values.clone(), probe_at: t + DAY });
            match error.map(|error| error.kind) {
                None => {
                    if read {
                        self.oracle.account(&account).refused = None;
                        // What was refused may have been made true by somebody else, and then refused no more.
                        let over = |refusal: &mut Refusal| match refusal.kind {
                            Kind::Config => refusal.values.is_subset(&values),
                            kind => matches!(kind, Kind::Auth { .. }),
                        };
                        self.oracle.record(&id).refused.take_if(over);
                    } else {
                        self.oracle.record(&id).accepted_at = t;
                    }
                }
                Some(Kind::RateLimited { after }) => {
                    let pause = after.map_or(MINUTE, millis).min(LONGEST_PAUSE);
                    let account = self.oracle.account(&account);
                    account.pause_until = account.pause_until.max(t + pause);
                }
                Some(kind @ Kind::Auth { scope: Scope::Account | Scope::Service }) => {
                    self.oracle.account(&account).refused = refusal(kind);
                    if !read && kind == (Kind::Auth { scope: Scope::Account }) {
                        self.oracle.record(&id).for_nothing = Some(print.clone());
                    }
                }
                Some(Kind::Config) if split => self.oracle.record(&id).split = true,
                // What is wished for by now was not refused, though with others' values it may come to the same.
                Some(Kind::Config) if !read && self.wishes_for_another(&id) => {}
                Some(kind @ (Kind::Auth { .. } | Kind::Config | Kind::Abuse)) => {
                    self.oracle.record(&id).refused = refusal(kind);
                }
                Some(Kind::Transient | Kind::Stale) => {}
            }
        }
    }

    /// Notes what somebody did that nobody has seen yet.
    pub fn note_unseen(&mut self) {
        let ids: Vec<Id> =
            self.process.iter().flat_map(|process| process.state.desired().records.keys().cloned()).collect();
        for id in ids {
            let drift = self.service_of(&id.account).map_or(0, |at| self.services[at].drift(&id.key));
            let record = self.oracle.record(&id);
            record.late = drift > record.known;
        }
    }

    /// What the machine says of each record set must be so.
    pub fn check_standing(&mut self) -> Verdict {
        let Some(process) = &self.process else { return Ok(()) };
        let waits = |entry: &AccountEntry| entry.wait.as_ref().is_some_and(|wait| wait.obeyed);
        let held = process.state.accounts().filter(|(_, entry)| entry.hold.is_some() || waits(entry));
        let held: BTreeSet<AccountName> = held.map(|(name, _)| name.clone()).collect();
        if !self.oracle.held.is_subset(&held) {
            self.oracle.recovered = self.t;
        }
        self.oracle.held = held;
        let (mut excused, mut wanted_otherwise, mut anew) = (Vec::new(), Vec::new(), Vec::new());
        for view in process.state.views(self.now()) {
            let id = view.id;
            let Some(service) = self.services.iter().find(|service| service.declared.name == id.account) else {
                continue;
            };
            let known = self.oracle.records.get(id);
            let refused = known.and_then(|known| known.refused.as_ref()).filter(|refusal| refusal.kind == Kind::Config);
            if refused.zip(view.want.values()).is_some_and(|(refusal, wanted)| refusal.values != wanted) {
                // Another want lets go of it, and it may be wanted again.
                wanted_otherwise.push(id.clone());
            }
            // Sources that say now this and now that are a reason to write each of them again; how often is for the budget to say.
            if known.zip(view.want.values()).is_some_and(|(known, wanted)| known.same.1 > 0 && known.same.0 != wanted) {
                anew.push(id.clone());
            }
            match (&view.standing, view.want.values()) {
                (Standing::UpToDate, Some(values))
                    if service.drift(&id.key) <= known.map_or(0, |known| known.known) =>
                {
                    let held = service.values(&id.key);
                    let ours = &held - &strangers(&held);
                    let whole = process.state.desired().records.get(id).is_some_and(|spec| spec.whole);
                    // What was read before the last write may have lagged, and that write is not read back while no address is known.
                    let unread = view.entry.read_back.is_none() && self.phase != Phase::Calm;
                    let amnesia = known.is_some_and(|known| known.amnesia);
                    let strict = !service.troubles.reads_lag && !unread && !amnesia;
                    // Who has lost the memory of a write cannot tell that a reading is older than that.
                    let misled = service.troubles.reads_lag && amnesia;
                    let same = !(whole && strict) || held == values;
                    let stale_ones = ours != values && strict;
                    if !misled && !values.is_subset(&held) || stale_ones || !same {
                        return Err(format!(
                            "{id} is said to be up to date with {}, and holds {}",
                            list(&values),
                            list(&held)
                        ));
                    }
                }
                (Standing::Held { hold, account: false }, _) => {
                    if hold.reason == Reason::Unchanged {
                        // Whatever lets go of it may have it sent once more.
                        excused.push(id.clone());
                    }
                    let (edits, no_effect) = known.map_or((0, false), |known| (known.edits, known.no_effect));
                    let amnesia = known.is_some_and(|known| known.amnesia);
                    let cause = match hold.reason {
                        Reason::Normalised => no_effect || amnesia || edits > 0,
                        // A clock that was unset makes long ago seem a moment ago.
                        Reason::Contended => no_effect || amnesia || edits > u32::from(!self.oracle.rebooted),
                        _ => true,
                    };
                    if !cause {
                        return Err(format!("{id} is held ({}) without a cause", hold.reason.word()));
                    }
                }
                _ => {}
            }
        }
        excused.iter().for_each(|id| self.oracle.excuse(id));
        wanted_otherwise.iter().for_each(|id| self.oracle.record(id).refused = None);
        anew.iter().for_each(|id| self.oracle.record(id).same.1 = 0);
        Ok(())
    }

    /// When somebody else's changes are found by themselves, at the latest.
    pub fn drift_found_by(&self) -> u64 {
        let Some(process) = &self.process else { return 0 };
        let unseen = |view: &driftless::model::machine::standing::View<'_>| {
            self.service_of(&view.id.account).is_some_and(|at| {
                self.services[at].drift(&view.id.key) > self.oracle.records.get(view.id).map_or(0, |known| known.known)
            })
        };
        if process.state.views(self.now()).any(|view| unseen(&view)) {
            self.since + (millis(self.setup.verify) + millis(self.setup.check)) * 12 / 10 + DAY + 2 * HOUR
        } else {
            0
        }
    }

    /// Everything has come to rest: it holds what it should, or it is said why not.
    pub fn check_rest(&mut self, held_is_fine: bool) -> Verdict {
        let (mut agreed, mut waiting) = (Vec::new(), BTreeSet::new());
        let Some(process) = &self.process else { return Err("there is no process".into()) };
        for view in process.state.views(self.now()) {
            let id = view.id;
            let Some(at) = self.service_of(&id.account) else { continue };
            let families: Vec<Family> = view.spec.iter().flat_map(|spec| spec.families()).collect();
            let truth = self.network.values(id.key.rtype, &families);
            let known = self.oracle.records.get(id);
            let push = self.services[at].declared.shape == Shape::Push;
            let unseen = self.services[at].drift(&id.key) > known.map_or(0, |known| known.known);
            match &view.standing {
                Standing::UpToDate | Standing::Unmanaged => {
                    let held = self.services[at].values(&id.key);
                    if !(truth.is_empty() || truth.is_subset(&held) || push && unseen) {
                        let (held, truth) = (list(&held), list(&truth));
                        return Err(format!(
                            "{id} holds {held}, should hold {truth}, and is said to be {:?}",
                            view.standing
                        ));
                    }
                    // What nobody has looked at since somebody changed it is no agreement: without an address it may be long.
                    if !unseen && &held - &strangers(&held) == view.want.values().unwrap_or_default() {
                        agreed.push(id.clone());
                    }
                }
                Standing::Held { hold, .. } if held_is_fine || hold.reason == Reason::Foreign => {}
                Standing::Held { hold, .. }
                    if hold.reason == Reason::Contended && known.is_some_and(|known| known.late) => {}
                Standing::Unknown { .. } if self.cannot_be_known(id) => {}
                // It waits for the other family, which its service would forget.
                Standing::Unknown { .. }
                    if self.services[at].declared.spec.terms.forgets_siblings
                        && self.cannot_be_known(&id.sibling()) =>
                {
                    waiting.insert(id.clone());
                }
                // Somebody else had made of it what it was to become.
                Standing::Held { hold, .. }
                    if hold.reason == Reason::Unchanged
                        && push
                        && truth.is_subset(&self.services[at].values(&id.key)) => {}
                other => {
                    return Err(format!(
                        "{id} does not come to rest although all is healed: {other:?}, {:?}",
                        view.entry
                    ));
                }
            }
        }
        agreed.iter().for_each(|id| self.oracle.agreed(id));
        self.oracle.waiting = waiting;
        Ok(())
    }

    /// Whether there is no address for it, which nobody out in the world can say.
    fn cannot_be_known(&self, id: &Id) -> bool {
        let spec = self.process.as_ref().and_then(|process| process.state.desired().records.get(id));
        spec.is_some_and(|spec| {
            let families: Vec<Family> = spec.families().collect();
            self.setup.is_alone(spec) && self.network.values(id.key.rtype, &families).is_empty()
        })
    }

    /// One poll after the last fault every address is known as it is. Until when one that is asked alone may still have to prove it, else.
    pub fn check_beliefs(&self) -> Result<Option<u64>, String> {
        let Some(process) = &self.process else { return Err("there is no process".into()) };
        let poll = (millis(self.setup.check) + millis(self.setup.longest_interval())) * 11 / 10 + MINUTE;
        let mut later = None;
        for view in process.state.views(self.now()) {
            let Some(spec) = view.spec else { continue };
            let families: Vec<Family> = spec.families().collect();
            let alone = self.setup.is_alone(spec);
            let proof = if alone { 3 * millis(self.setup.longest_interval()) } else { 0 };
            let changed = families.iter().map(|family| self.network.changed(*family)).max().unwrap_or(0);
            let due = self.since.max(process.started).max(changed) + poll + proof;
            if due > self.t {
                later = later.max(Some(due));
                continue;
            }
            let truth = self.network.values(view.id.key.rtype, &families);
            let known = match view.want {
                Want::Values(values) => *values == truth,
                Want::Unknown(_) => truth.is_empty() && alone,
                Want::Gone | Want::Unmanaged => truth.is_empty(),
            };
            if !known {
                let (id, truth) = (view.id, list(&truth));
                return Err(format!(
                    "{id}: one poll after the last fault it should hold {truth}, and {:?} is known",
                    view.want
                ));
            }
        }
        Ok(later)
    }

    /// The calm is over: nothing was done without need.
    pub fn check_calm(&mut self) -> Verdict {
        let days = (self.t - self.since) / DAY + 1;
        let Some(process) = &self.process else { return Err("there is no process".into()) };
        let mut refreshed = 0;
        let desired = process.state.desired();
        for (id, spec) in &desired.records {
            let Some(account) = desired.accounts.get(&id.account) else { continue };
            let refreshes = account.terms.refresh.map_or(0, |_| 1 + u32::try_from(days / 25).unwrap_or(0));
            refreshed += refreshes;
            let changes: u32 = spec.families().map(|family| self.oracle.changes[family as usize]).sum();
            // An address that vanished for long is removed in between.
            let removals = if spec.absent_after.is_some() { changes + 1 } else { 0 };
            let known = self.oracle.records.get(id).map_or(0, |known| known.writes);
            let late = u32::from(self.oracle.calm_waiting.contains(id));
            if known > changes + removals + refreshes + late {
                return Err(format!("{id} was written {known} times for {changes} changes, with no fault"));
            }
        }
        let saves = self.saves - self.oracle.calm_saves;
        let writes = u64::from(self.oracle.calm_writes);
        // A job's ticket is the third of a write. A change lets go of holds, which may be found again, and ends absences.
        let changes: u32 = self.oracle.changes.iter().sum();
        let found = u64::from(2 * changes + 2) * desired.records.len() as u64;
        if saves > 3 * writes + u64::from(refreshed) + found {
            return Err(format!("{saves} saves for {writes} writes, with no fault"));
        }
        let steps = self.steps - self.oracle.calm_steps;
        let looks = days * DAY / millis(desired.check).max(1) + days * 8 * DAY / millis(desired.verify).max(1) + 10;
        // What others share is looked at within the hour.
        let is_shared = |spec: &&RecordSpec| spec.first_contact == FirstContact::Joins && spec.derived.is_none();
        let hourly = days * 24 * desired.records.values().filter(is_shared).count() as u64;
        let most = looks * (4 + 4 * desired.sources.len() as u64) + 200 * writes + days * 50 + hourly * 4;
        if steps > most {
            return Err(format!("{steps} steps in {days} calm days, {most} would be plenty"));
        }
        Ok(())
    }
}
