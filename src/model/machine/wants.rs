//! From what is believed to what is wanted: values, nothing, or the record set as it is; and what a want that changed lets go of.

use std::time::Duration;

use super::detection::{RELIEF, prolong};
use super::{Level, Out, Record, State};
use crate::model::agree::Reading;
use crate::model::backoff::CEILING;
use crate::model::desired::{Id, RecordSpec, Want, absent, want};
use crate::model::ledger::{Absence, Wait};
use crate::model::record::{Family, Values};
use crate::model::time::{Moment, Now};
use crate::model::uplinks::{give, together};

impl State {
    /// Takes what the uplinks of a record set come to. Whether other questions of before count as outdated from now on.
    pub(super) fn conclude(&mut self, id: &Id, readings: &[Reading], began: Moment, now: Now, out: &mut Out) -> bool {
        let (Some(spec), Some(record)) = (self.desired.records.get(id), self.records.get_mut(id)) else { return false };
        let mut outdates = false;
        record.unjudged = None;
        let (believed, changed) = believe(spec, record, readings);
        for family in changed {
            // Two voices of before the change would agree on what was before.
            outdates |= self.detection.outdated.insert(family, began) != Some(began);
        }
        let counted = record.entry.absence.and_then(|absence| absence.family);
        let gone = absent(&believed).find(|family| Some(*family) == counted).or_else(|| absent(&believed).next());
        let absent_for = if let Some(family) = gone {
            // Suspended, switched off or crashed for longer than two checks: nobody knows, so it begins anew. So it does for the other
            // family, where the one that went first is back.
            let looking = |absence: &Absence| {
                now.moment.since(absence.seen) <= self.desired.check.saturating_mul(2) && counted == gone
            };
            let since = record.entry.absence.filter(looking).map_or(now.moment, |absence| absence.since);
            record.entry.absence = Some(Absence { since, seen: now.moment, family: Some(family) });
            record.dirty |= spec.absent_after.is_some();
            now.moment.since(since)
        } else {
            if record.entry.absence.take().is_some() && std::mem::take(&mut record.absence_saved) {
                // The next process must not go on counting where this one ended.
                record.dirty = true;
                self.urgent = true;
            }
            Duration::ZERO
        };
        if let Some(after) = spec.absent_after.filter(|after| gone.is_some() && absent_for < *after) {
            self.next_check = self.next_check.min(now.moment.plus(after - absent_for));
        }
        let want = want(spec, &id.key, &believed, absent_for);
        if want == record.want {
            self.keep_what_uplinks_gave(id);
            return outdates;
        }
        let siblings = self.desired.accounts.get(&id.account).is_some_and(|account| account.terms.forgets_siblings)
            && self.desired.records.contains_key(&id.sibling());
        if let Some(account) = self.accounts.get_mut(&id.account) {
            account.lane.unsure = true;
        }
        want_changed((spec, record), id, want, siblings, self.detection.starting.is_some(), now, out);
        self.keep_what_uplinks_gave(id);
        outdates
    }

    /// The next process must not take for an uplink's what that gave for a moment. What leads to a call is saved with that.
    fn keep_what_uplinks_gave(&mut self, id: &Id) {
        let Some(record) = self.records.get_mut(id) else { return };
        let is_sent = |values: Values| !record.entry.is_confirmed(&values, None);
        if record.entry.uplinks != record.uplinks_saved && !record.want.values().is_some_and(is_sent) {
            record.dirty = true;
            self.urgent = true;
        }
    }
}

/// What is believed of each family that a record set follows, given what its uplinks come to, and the families of which another
/// address was believed before.
fn believe(spec: &RecordSpec, record: &mut Record, readings: &[Reading]) -> (Vec<(Family, Reading)>, Vec<Family>) {
    let several = |family: Family| spec.uplinks.iter().filter(|uplink| uplink.family == family).count() > 1;
    let shared = spec.uplinks.iter().zip(readings).filter(|(uplink, _)| several(uplink.family));
    let shared: Vec<_> = shared.map(|(uplink, reading)| (uplink, reading.clone())).collect();
    let (given, changed) = give(&shared, &mut record.entry.uplinks);
    record.dirty |= changed;
    record.given = given;
    let (mut believed, mut others) = (Vec::new(), Vec::new());
    for family in spec.families() {
        let mut own = spec.uplinks.iter().zip(readings).filter(|(uplink, _)| uplink.family == family);
        let reading = match own.next() {
            Some((_, reading)) if !several(family) => reading.clone(),
            _ => together(&record.given, family),
        };
        if !matches!(reading, Reading::Unknown(_)) && record.believed.get(&family) != Some(&reading) {
            others.extend(record.believed.insert(family, reading.clone()).map(|_| family));
        }
        believed.push((family, reading));
    }
    (believed, others)
}

/// Cuts a wait short, or lets go of what was held for another address; the rarer the more often it failed, so that an address
/// that flaps asks no more of the service than one that stays.
fn relieve(record: &mut Record, id: &Id, waits: bool, held: bool, now: Now, out: &mut Out) {
    let pause = RELIEF.saturating_mul(record.entry.failures.max(1)).min(CEILING);
    let again = record.relieved.map(|last| last.plus(pause)).filter(|again| *again > now.moment);
    if !(waits || held) {
        return;
    }
    if held {
        record.let_go(id, "the address is another one", now, out);
        record.entry.failures = record.entry.failures.saturating_add(1);
    }
    match again {
        None => {
            record.relieved = Some(now.moment);
            record.entry.wait.take_if(|wait| !wait.obeyed);
        }
        // Later, not never.
        Some(until) if held => record.entry.wait = Some(Wait { until, obeyed: true }),
        Some(_) => {}
    }
}

/// A record set should hold something else than before.
fn want_changed(
    (spec, record): (&RecordSpec, &mut Record),
    id: &Id,
    want: Want,
    siblings: bool,
    starting: bool,
    now: Now,
    out: &mut Out,
) {
    match &want {
        Want::Unknown(why) => out.tell(Level::Debug, Some(id), format!("the address is unknown: {why}")),
        Want::Unmanaged => {
            // The last address of a machine that had one is news; that it never had one is none.
            let level = if record.want.values().is_some() { Level::Info } else { Level::Debug };
            let then = match spec.absent_after {
                Some(after) => format!("what is ours is removed if that lasts for {} s", after.as_secs()),
                None => "the record stays as it is".into(),
            };
            out.tell(level, Some(id), format!("there is no such address any more; {then}"));
        }
        Want::Values(values) => {
            out.tell(Level::Debug, Some(id), format!("should hold {}", crate::model::record::list(values)));
        }
        Want::Gone if record.entry.ours.is_empty() && !spec.whole => {
            out.tell(Level::Debug, Some(id), "the address is gone for good; nothing is ours to be removed");
        }
        Want::Gone => out.tell(Level::Info, Some(id), "the address is gone for good; our values are to be removed"),
    }
    record.want = want;
    let Some(values) = record.want.values() else { return };
    if record.entry.is_confirmed(&values, None) {
        if record.entry.error.is_some() {
            // What failed was looking at it, or changing it to something else.
            record.read_at = Some(now.moment);
        }
        return;
    }
    // What failed in passing for another address is no reason to wait with this one. An address that was unknown for a while and
    // is the same as before is no other one.
    let fresh = record.entry.attempt.as_ref().is_none_or(|attempt| attempt.values != values);
    let waits = fresh && record.entry.wait.as_ref().is_some_and(|wait| !wait.obeyed);
    let held = record.entry.hold.as_ref().and_then(|hold| hold.want.as_ref()).is_some_and(|held| *held != values);
    relieve(record, id, waits, held, now, out);
    let known = record.entry.confirmed.is_some() || record.entry.attempt.is_some();
    if siblings || !(known || starting) {
        prolong(&mut record.settle, now);
    }
}
