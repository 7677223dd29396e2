//! From accepted to seen in DNS: read back, asked of the zone's name servers, verified again and again, drift repaired.

use std::time::Duration;

use super::due::Next;
use super::{Effect, Level, Out, Planted, Proof, State};
use crate::model::backoff::{CEILING, Spent, spread};
use crate::model::desired::{FirstContact, Id};
use crate::model::error::Error;
use crate::model::ledger::{ALREADY_RIGHT, Attempt, Confirmed, Fingerprint, Reason, Stamp};
use crate::model::record::{Ttl, Values, list};
use crate::model::time::{Moment, Now};

/// When a running job, or what name servers answer, is first looked at; each later look waits twice as long.
pub(super) const FIRST_LOOK: Duration = Duration::from_secs(2);
/// No two looks at something pending are further apart.
const LAST_LOOK: Duration = Duration::from_secs(60);
/// Someone else may undo our change so often within [`CONTENTION`] before it is left alone, and once more within so many times
/// the interval at which it is verified: another updater that looks as seldom as we do undoes it at each look.
const UNDONE: usize = 2;
const CONTENTION: Duration = Duration::from_secs(3600);
const LOOKS: u32 = 4;
/// What was accepted and not found there within this time may have been there in between, and been undone.
const EFFECT: Duration = Duration::from_secs(24 * 3600);
/// Name servers alone cause at most one write in this time.
const DNS_WRITE: Duration = Duration::from_secs(24 * 3600);

/// The pause before the look after `looks` looks.
pub(super) fn pause(looks: u32) -> Duration {
    FIRST_LOOK.saturating_mul(1 << looks.min(8)).min(LAST_LOOK)
}

impl State {
    /// At start: what is confirmed is read once where that can be done, else asked of name servers where that is long ago.
    pub(super) fn schedule_proofs(&mut self, now: Now, rng: &mut fastrand::Rng) {
        let verify = self.desired.verify;
        for (id, record) in &mut self.records {
            let Some(declared) = self.desired.accounts.get(&id.account) else { continue };
            record.read_at.get_or_insert(now.moment);
            if declared.terms.in_dns {
                let last = record.entry.in_dns.or(record.entry.accepted).map_or(Moment(0), |stamp| stamp.moment);
                // What is wrong is looked at again within the hour.
                let pause = if record.entry.error.is_some() { verify.min(CEILING) } else { verify };
                record.resolve_at.get_or_insert(last.plus(spread(pause, rng)).max(now.moment.plus(FIRST_LOOK)));
            }
            if record.entry.ticket.is_some() {
                record.settle_at.get_or_insert(now.moment);
            }
        }
    }

    /// The service said yes.
    pub(super) fn accepted(&mut self, id: &Id, intent: Attempt, what: String, now: Now, out: &mut Out) {
        let Some(record) = self.records.get_mut(id) else { return };
        let before = record.entry.confirmed.as_ref().map(|confirmed| &confirmed.values);
        let change = (before != Some(&intent.values))
            .then(|| format!("{} -> {}", before.map_or_else(|| "unknown".into(), list), list(&intent.values)));
        out.tell_change(id, what.clone(), change);
        record.entry.note(now, what);
        record.let_go(id, "the service took it", now, out);
        self.book(id, intent, now);
    }

    /// Writes down what the service says that it holds: that must still be read back and seen in DNS.
    pub(super) fn book(&mut self, id: &Id, Attempt { values, ttl, .. }: Attempt, now: Now) {
        let (Some(record), Some(declared)) = (self.records.get_mut(id), self.desired.accounts.get(&id.account)) else {
            return;
        };
        // The old values are gone from there; until that is read back they count as ours all the same.
        // Only what is read back, live, ends the failures: a service may take a change again and again that it never brings
        // into force.
        if !declared.terms.readable {
            record.entry.ours.clone_from(&values);
            record.entry.failures = 0;
        }
        record.entry.confirmed = Some(Confirmed { values, ttl, since: now.into() });
        record.entry.attempt = None;
        record.entry.accepted = Some(now.into());
        record.entry.read_back = None;
        record.entry.in_dns = None;
        record.entry.error = None;
        record.entry.wait = None;
        record.stale = false;
        record.broken = false;
        record.doubted = false;
        record.forced = false;
        record.read_backs = 0;
        record.resolves = 0;
        record.read_at = Some(now.moment.plus(declared.terms.read_back_after));
        record.resolve_at = declared.terms.in_dns.then(|| now.moment.plus(FIRST_LOOK));
        record.dirty = true;
        self.urgent = true;
    }

    /// The service says that it holds what it should, live.
    pub(super) fn confirmed_by_reading(
        &mut self,
        id: &Id,
        want: Values,
        clamped: Option<(Ttl, Ttl)>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        let (Some(record), Some(declared), Some(spec)) =
            (self.records.get_mut(id), self.desired.accounts.get(&id.account), self.desired.records.get(id))
        else {
            return;
        };
        let known = record.entry.is_confirmed(&want, spec.ttl.wanted());
        if !known || record.entry.accepted.is_none() {
            record.entry.found = Some(now.into());
        }
        if known {
            out.tell(Level::Debug, Some(id), "read back: it holds what it should");
        } else {
            let what = format!("{ALREADY_RIGHT}: holds {}, nothing was sent", list(&want));
            out.tell(Level::Info, Some(id), what.clone());
            record.entry.note(now, what);
            record.entry.confirmed =
                Some(Confirmed { values: want.clone(), ttl: spec.ttl.wanted(), since: now.into() });
            record.entry.in_dns = None;
            record.resolve_at = declared.terms.in_dns.then(|| now.moment.plus(FIRST_LOOK));
            record.resolves = 0;
            record.dirty = true;
            self.urgent = true;
        }
        // What was blocked for abuse stays blocked although it holds what it should.
        let ends = record.entry.hold.as_ref().is_some_and(|hold| hold.reason != Reason::Abuse);
        if ends && record.let_go(id, "it holds what it should", now, out) {
            self.urgent = true;
        }
        record.entry.ours = want;
        record.entry.attempt = None;
        record.entry.failures = 0;
        record.entry.error = None;
        record.entry.wait = None;
        record.entry.no_effect = 0;
        record.entry.clamped = clamped;
        // The readings of a write are bounded by its own budget. What has come into force, however late, is looked up then.
        let first = record.entry.read_back.is_none();
        record.asked = if first && record.entry.accepted.is_some() { Spent::default() } else { record.asked };
        let soon = (first && record.entry.in_dns.is_none()).then(|| now.moment.plus(FIRST_LOOK));
        record.resolve_at = record.resolve_at.into_iter().chain(soon).min().filter(|_| declared.terms.in_dns);
        record.entry.accepted.get_or_insert(now.into());
        record.entry.read_back = Some(now.into());
        record.forced = false;
        record.stale = false;
        record.broken = false;
        record.doubted = false;
        // Another machine that shares the name may have taken an address with its own that both of them had.
        let is_shared = spec.first_contact == FirstContact::Joins && spec.derived.is_none();
        let verify = if is_shared { self.desired.verify.min(CEILING) } else { self.desired.verify };
        record.read_at = Some(now.moment.plus(spread(verify, rng)));
        // Stamps alone are not worth a write to flash: they go along with the next one.
        record.dirty = true;
    }

    /// It holds what it should, but not in force yet: no fault within the service's known delay.
    pub(super) fn still_pending(&mut self, id: &Id, want: Values, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let (Some(record), Some(declared), Some(spec)) =
            (self.records.get_mut(id), self.desired.accounts.get(&id.account), self.desired.records.get(id))
        else {
            return;
        };
        let ttl = spec.ttl.wanted();
        let since = record.entry.confirmed.as_ref().filter(|_| record.entry.attempt.is_none()).map(|c| c.since);
        let since = since.unwrap_or(now.into());
        if !record.entry.is_confirmed(&want, ttl) {
            // What was read back and seen before was another value.
            record.entry.read_back = None;
            record.entry.in_dns = None;
        }
        record.entry.ours.extend(want.iter().cloned());
        record.entry.confirmed = Some(Confirmed { values: want, ttl, since });
        record.entry.attempt = None;
        record.forced = false;
        record.doubted = false;
        record.dirty = true;
        record.read_backs = record.read_backs.saturating_add(1);
        if now.moment.since(since.moment) < declared.terms.settles_within {
            record.read_at = Some(now.moment.plus(pause(record.read_backs)));
            return;
        }
        let within = declared.terms.settles_within.as_secs();
        record.read_at = Some(now.moment.plus(spread(LAST_LOOK * 10, rng)));
        let error = Error::transient(format!("reading back {id}"), format!("still pending after more than {within} s"));
        let what = error.to_string();
        let level = if record.entry.fails_with(error, now) { Level::Warn } else { Level::Debug };
        out.tell(level, Some(id), what);
    }

    /// Whether a reading is too young to be believed: within the service's known delay it may show what was there before the
    /// last change, or a call whose outcome is unknown may yet land. It is then read again. It is as old as the question.
    pub(super) fn may_not_show_yet(&mut self, id: &Id, want: &Values, fits: bool, asked_at: Moment, now: Now) -> bool {
        let (Some(record), Some(declared), Some(spec)) =
            (self.records.get_mut(id), self.desired.accounts.get(&id.account), self.desired.records.get(id))
        else {
            return false;
        };
        let entry = &record.entry;
        let young = |stamp: &Stamp| asked_at.since(stamp.moment) < declared.terms.settles_within;
        let hidden = match (&entry.attempt, &entry.confirmed) {
            (Some(attempt), confirmed) => {
                let other = |values: &Values, at: &Stamp| values != want && young(at);
                // What fits may be what stood there before the last call that went well, too.
                fits && (other(&attempt.values, &attempt.at)
                    || confirmed.as_ref().is_some_and(|confirmed| other(&confirmed.values, &confirmed.since)))
            }
            (None, Some(confirmed)) => {
                let wanted = entry.is_confirmed(want, spec.ttl.wanted());
                // It shows something else than the last change, or what is wanted now and was not sent last.
                let contradicts = if fits { confirmed.values != *want } else { wanted };
                // Though it was read back: not every server of the service need be as far.
                contradicts && young(&confirmed.since)
            }
            (None, None) => false,
        };
        if hidden {
            record.doubted = true;
            record.read_backs = record.read_backs.saturating_add(1);
            record.settle = Some((now.moment.plus(pause(record.read_backs)), now.moment));
        }
        hidden
    }

    /// It failed to come into force. The first time it is left alone for the back-off's time: services mend themselves; when
    /// it is then still broken, it is written again.
    pub(super) fn still_broken(
        &mut self,
        id: &Id,
        print: &Fingerprint,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) -> bool {
        let first = self.records.get_mut(id).is_some_and(|record| !std::mem::replace(&mut record.broken, true));
        if first {
            let why = "the service could not bring it into force";
            let error = Error::transient(format!("reading back {id}"), why);
            let other = (id.key.clone(), None);
            // Beside a success, so that it is this record set's failure and not the account's.
            self.take_failures(&id.account, print, vec![(id.key.clone(), Some(error)), other], false, now, rng, out);
            if let Some(record) = self.records.get_mut(id) {
                record.read_at = Some(now.moment);
            }
        }
        first
    }

    /// Whether someone, or the service itself, undid what was accepted, so often that it is left alone.
    pub(super) fn undone(
        &mut self,
        id: &Id,
        held: &Values,
        want: &Values,
        print: &Fingerprint,
        now: Now,
        out: &mut Out,
    ) -> bool {
        let fights_on = self.has(Planted::FightsOn);
        let Some(record) = self.records.get_mut(id) else { return false };
        let Some(spec) = self.desired.records.get(id) else { return false };
        let Some(accepted) = record.entry.accepted else { return false };
        if !record.entry.is_confirmed(want, spec.ttl.wanted()) {
            return false;
        }
        let never_read = record.entry.read_back.is_none() && now.moment.since(accepted.moment) < EFFECT;
        let never_there = never_read && record.before.as_ref() == Some(held);
        if !never_there && want.is_subset(held) && (!spec.whole || held.is_subset(&record.entry.ours)) {
            // Ours stands, and something of ours from earlier beside it: a late reading made us leave it there.
            return false;
        }
        // Read and found otherwise: it is confirmed no more, and what was undone once is not counted twice.
        record.entry.confirmed = None;
        record.dirty = true;
        if never_there {
            record.entry.no_effect = record.entry.no_effect.saturating_add(1);
            if record.entry.no_effect < 2 {
                return false;
            }
            let why = format!("it was set twice, the service said yes, and it still holds {}", list(held));
            let error = super::failure::own_error(id, why, "look at it at the service, then release it");
            self.hold_record(id, Reason::Normalised, error, print, true, now, out);
            return true;
        }
        let long = self.desired.verify.saturating_mul(LOOKS).max(CONTENTION);
        record.entry.undone.retain(|moment| now.moment.since(*moment) < long);
        record.entry.undone.push(now.moment);
        let lately = record.entry.undone.iter().filter(|moment| now.moment.since(**moment) < CONTENTION).count();
        let (times, within) = match lately {
            UNDONE.. => (lately, CONTENTION),
            _ => (record.entry.undone.len(), long),
        };
        let what = format!("someone else changed it to {}", list(held));
        out.tell(Level::Warn, Some(id), what.clone());
        record.entry.note(now, what);
        if fights_on || times < UNDONE || within > CONTENTION && times <= UNDONE {
            return false;
        }
        record.entry.undone.clear();
        let hours = within.as_secs() / 3600;
        let within = if hours == 1 { "an hour".into() } else { format!("{hours} hours") };
        let why = format!("someone else changed it {times} times within {within}, now to {}", list(held));
        let to_share =
            "find out who else updates it, then release it; machines that share a name say `values = \"shared\"`";
        let error = super::failure::own_error(id, why, to_share);
        self.hold_record(id, Reason::Contended, error, print, true, now, out);
        true
    }

    /// Asks name servers wherever that is due, and puts what is due then in its place.
    pub(super) fn resolve_due(&mut self, due: &mut [(Id, Next)], now: Now, out: &mut Out) {
        for (id, next) in due.iter_mut().filter(|(_, next)| *next == Next::Resolve) {
            if let Some(record) = self.records.get_mut(id)
                && let Some(values) = record.want.values()
            {
                record.resolving = Some(values.clone());
                record.forced = false;
                out.push(Effect::Resolve(id.clone(), values));
            }
            *next = self.next(id, now);
        }
    }

    pub(super) fn resolved(&mut self, id: &Id, proof: Proof, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let verify = spread(self.desired.verify, rng);
        let (Some(record), Some(declared)) = (self.records.get_mut(id), self.desired.accounts.get(&id.account)) else {
            return;
        };
        let asked = record.resolving.take();
        if asked.is_some() && asked != record.want.values() {
            // What they said is about values that are no longer wanted.
            record.resolve_at = record.resolve_at.map(|_| now.moment.plus(FIRST_LOOK));
            return;
        }
        let fails = matches!(proof, Proof::NotYet(_)) || record.entry.error.is_some();
        // What is wrong is looked at again within the hour.
        let later = if fails { verify.min(CEILING) } else { verify };
        // Accepted, or found to be there already: what was then set in motion is what name servers are waited for.
        let accepted = record.entry.confirmed.as_ref().map_or(Moment(0), |confirmed| confirmed.since.moment);
        match proof {
            Proof::Seen => {
                if record.entry.in_dns.is_none() {
                    let after = now.moment.since(accepted).as_secs();
                    out.tell(
                        Level::Info,
                        Some(id),
                        format!("its name servers answer it, {after} s after it was accepted"),
                    );
                }
                record.entry.in_dns = Some(now.into());
                record.resolve_at = Some(now.moment.plus(verify));
                if record.entry.attempt.is_none() {
                    // What was wrong was that they did not answer it.
                    record.entry.error = None;
                }
            }
            Proof::Unknown(why) => {
                out.tell(Level::Debug, Some(id), format!("its name servers could not be asked: {why}"));
                // What was never seen is asked for again, each time after twice as long.
                record.resolves = record.resolves.saturating_add(1);
                let again = FIRST_LOOK.saturating_mul(1 << record.resolves.min(20)).min(later);
                record.resolve_at = Some(now.moment.plus(if record.entry.in_dns.is_none() { again } else { later }));
            }
            Proof::NotYet(_) if now.moment.since(accepted) < declared.terms.settles_within => {
                record.resolves = record.resolves.saturating_add(1);
                record.resolve_at = Some(now.moment.plus(pause(record.resolves)));
            }
            Proof::NotYet(what) => {
                let error = Error::transient(format!("looking up {id}"), format!("its name servers answer {what}"));
                let what = error.to_string();
                let level = if record.entry.fails_with(error, now) { Level::Warn } else { Level::Debug };
                record.dirty = true;
                out.tell(level, Some(id), what);
                record.resolve_at = Some(now.moment.plus(later));
                let lately = record.entry.dns_write.is_some_and(|last| now.moment.since(last) < DNS_WRITE);
                if declared.terms.readable {
                    // The service's own word decides, and reading harms nobody.
                    record.read_at = Some(now.moment);
                } else if !lately {
                    record.entry.dns_write = Some(now.moment);
                    record.entry.confirmed = None;
                    record.entry.note(now, "sent again: its name servers answer something else");
                    record.dirty = true;
                    self.urgent = true;
                }
            }
        }
    }
}
