//! What a record set needs next, or until when it rests and why: the rules of time, budgets and holds in one place.

use std::time::Duration;

use super::{Account, Level, Mode, Out, Record, State};
use crate::model::desired::{AccountName, Id, RecordSpec, Want};
use crate::model::ledger::{Hold, Stamp};
use crate::model::record::Values;
use crate::model::terms::{Budget, Terms};
use crate::model::time::{Moment, Now};

/// How often one record set may be read.
pub(super) const READS: Budget = Budget { burst: 5, refill: Duration::from_secs(30) };

/// What a record set needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing, until a moment at the earliest, or until something else happens.
    Rest(Option<Moment>),
    /// It must be read.
    Read,
    /// It must be sent, where it cannot be read.
    Push,
    /// Its job must be asked about.
    Settle,
    /// Name servers must be asked.
    Resolve,
}

/// A record set with what decides over it.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) id: &'a Id,
    spec: &'a RecordSpec,
    record: &'a Record,
    pub(super) account: &'a Account,
    terms: &'a Terms,
}

impl Next {
    /// The moment at which something is to be done again by itself.
    pub(super) fn at(self) -> Option<Moment> {
        match self {
            Self::Rest(at) => at,
            // It waits for its account's lane, whose answer is the next event.
            Self::Read | Self::Push | Self::Settle | Self::Resolve => None,
        }
    }
}

/// The rest until `moment`, unless it has come.
fn until(moment: Moment, now: Now) -> Option<Next> {
    (moment > now.moment).then_some(Next::Rest(Some(moment)))
}

impl State {
    /// What this record set needs next.
    pub(super) fn next(&self, id: &Id, now: Now) -> Next {
        self.known(id).map_or(Next::Rest(None), |known| self.next_of(&known, now))
    }

    fn known<'a>(&'a self, id: &'a Id) -> Option<Known<'a>> {
        Some(Known {
            id,
            spec: self.desired.records.get(id)?,
            record: self.records.get(id)?,
            account: self.accounts.get(&id.account)?,
            terms: &self.desired.accounts.get(&id.account)?.terms,
        })
    }

    /// Every record set, in order: a walk, because a thousand of them are looked at in every step.
    pub(super) fn all(&self) -> impl Iterator<Item = Known<'_>> {
        debug_assert_eq!(self.desired.records.len(), self.records.len(), "one for each that is declared");
        let mut last: Option<(&AccountName, &Account, &Terms)> = None;
        self.desired.records.iter().zip(self.records.values()).filter_map(move |((id, spec), record)| {
            if last.is_none_or(|(name, ..)| *name != id.account) {
                let account = self.accounts.get(&id.account).zip(self.desired.accounts.get(&id.account));
                last = account.map(|(account, declared)| (&id.account, account, &declared.terms));
            }
            last.map(|(_, account, terms)| Known { id, spec, record, account, terms })
        })
    }

    /// The same, where all that is known of it is at hand.
    pub(super) fn next_of(&self, known: &Known<'_>, now: Now) -> Next {
        // Asked first: while batches are under way, this is most of a thousand record sets, at every step.
        if known.record.busy || self.started.is_none() {
            return Next::Rest(None);
        }
        let (record, next) = (known.record, self.next_at_best(known, now));
        // An address that flaps between values that stand there already causes no write, and must not cause reads for ever.
        let asked = (next == Next::Read && self.mode == Mode::Run).then(|| record.asked.next(READS));
        asked.and_then(|at| until(at, now)).unwrap_or(next)
    }

    /// Tells of each record set, once until it is sent, that it waits for its write budget: an address that keeps changing would
    /// else seem to be overlooked.
    pub(super) fn say_waits(&mut self, now: Now, out: &mut Out) {
        if self.mode == Mode::Plan || self.stopping {
            return;
        }
        let waits = self.all().filter(|known| !known.record.waiting);
        let waits = waits.filter_map(|known| Some((known.id.clone(), self.sent_from(&known, now)?)));
        for (id, free) in waits.collect::<Vec<_>>() {
            if let Some(record) = self.records.get_mut(&id) {
                record.waiting = true;
                let (wait, until) = (free.since(now.moment).as_secs(), now.wall_of(free));
                let what = format!("waits for its write budget, {wait} s until {until}: it was sent often of late");
                out.tell(Level::Info, Some(&id), what);
            }
        }
    }

    /// When a record set that waits for nothing but its write budget is sent: by itself, or along with the other family, which waits
    /// for its own.
    fn sent_from(&self, known: &Known<'_>, now: Now) -> Option<Moment> {
        let own = self.waits_for_budget(known, now)?;
        let other = known.id.sibling();
        let other = self.known(&other).filter(|_| known.terms.forgets_siblings);
        let other = other.and_then(|other| self.waits_for_budget(&other, now));
        Some(other.map_or(own, |other| own.min(other)))
    }

    /// The same of a record set by its name.
    pub(super) fn sent_at(&self, id: &Id, now: Now) -> Option<Moment> {
        self.sent_from(&self.known(id)?, now)
    }

    /// Until when a record set that does not hold what it should waits for nothing but its write budget.
    fn waits_for_budget(&self, known: &Known<'_>, now: Now) -> Option<Moment> {
        let Known { spec, record, terms, .. } = *known;
        let free = record.entry.spent.next(terms.budget);
        // Asked first: of a thousand record sets hardly one has written so often.
        let waits = free > now.moment && !record.busy && self.next_of(known, now) == Next::Rest(Some(free));
        let wanted = || record.want.values().is_some_and(|values| !stands(spec, record, &values, terms));
        (waits && wanted()).then_some(free)
    }

    /// Whether a call for the other family of its name takes a record set along before its own budget would allow it: where the
    /// service forgets what a request does not name, that call would else repeat the old address.
    pub(super) fn goes_along(&self, id: &Id, now: Now) -> bool {
        let known = self.known(id);
        known.is_some_and(|known| known.terms.forgets_siblings && self.waits_for_budget(&known, now).is_some())
    }

    fn next_at_best(&self, known: &Known<'_>, now: Now) -> Next {
        let Known { id, spec, record, account, terms } = *known;
        let waits = [&account.entry.wait, &record.entry.wait];
        if let Some(rest) =
            waits.into_iter().flatten().filter_map(|wait| until(wait.until, now)).max_by_key(|rest| rest.at())
        {
            return rest;
        }
        if let Some(hold) = account.entry.hold.iter().chain(&record.entry.hold).max_by_key(|hold| hold.probe) {
            return probe(hold, terms, now);
        }
        if let Some(gate) = self.detection.gate(now) {
            return Next::Rest(Some(gate));
        }
        // What must be sent together settles together.
        let sibling = self.bound_sibling(known);
        let settle = record.settle.max(sibling.and_then(|sibling| sibling.settle));
        if let Some(rest) = settle.and_then(|(settled, _)| until(settled, now)) {
            return rest;
        }
        if let Some(rest) = record.unjudged.and_then(|judged| until(judged, now)) {
            return rest;
        }
        if record.entry.ticket.is_some() {
            return record.settle_at.and_then(|at| until(at, now)).unwrap_or(Next::Settle);
        }
        let Some(values) = record.want.values() else { return Next::Rest(None) };
        if stands(spec, record, &values, terms) {
            self.next_proof(id, record, terms, now)
        } else {
            self.next_write(id, spec, record, &values, terms, now)
        }
    }

    /// The other family of the name, where the service forgets what a request does not name.
    fn bound_sibling(&self, known: &Known<'_>) -> Option<&Record> {
        let bound = known.terms.forgets_siblings && known.record.paired;
        if bound { self.records.get(&known.id.sibling()).map(AsRef::as_ref) } else { None }
    }

    /// A record set that is not known to hold what it should.
    fn next_write(
        &self,
        id: &Id,
        spec: &RecordSpec,
        record: &Record,
        values: &Values,
        terms: &Terms,
        now: Now,
    ) -> Next {
        if has_nothing_to_remove(spec, record, terms) {
            return Next::Rest(None);
        }
        if self.mode == Mode::Plan {
            return if record.checked {
                Next::Rest(None)
            } else if terms.readable {
                Next::Read
            } else {
                Next::Push
            };
        }
        if terms.readable {
            return until(record.entry.spent.next(terms.budget), now).unwrap_or(Next::Read);
        }
        debug_assert!(!values.is_empty(), "push services are never asked to remove");
        match self.push_from(id, record, terms) {
            Some(at) if !self.sibling_is_missing(id, terms) => until(at, now).unwrap_or(Next::Push),
            _ => Next::Rest(None),
        }
    }

    /// From when on a service that cannot be read may be sent to; `None`: not by this process, unless the disk comes back.
    fn push_from(&self, id: &Id, record: &Record, terms: &Terms) -> Option<Moment> {
        let budget = record.entry.spent.next(terms.budget);
        if self.disk.writable {
            return Some(budget);
        }
        (!self.disk.sent.contains(id)).then(|| budget.max(self.disk.push_after))
    }

    /// A record set that holds what it should, as far as is known: it is read back, seen in DNS, verified and refreshed.
    fn next_proof(&self, id: &Id, record: &Record, terms: &Terms, now: Now) -> Next {
        if self.mode == Mode::Plan {
            return if record.checked || !terms.readable { Next::Rest(None) } else { Next::Read };
        }
        // Name servers are asked for values; that there is none is for the service to say.
        let compared = terms.in_dns && id.key.rtype.is_compared();
        let in_dns = compared && record.resolving.is_none() && record.want != Want::Gone;
        if record.forced {
            if terms.readable {
                return Next::Read;
            }
            if in_dns {
                return Next::Resolve;
            }
        }
        // What can be read needs no sending of what it holds, which would not know of values beside ours.
        let refresh = terms.refresh.filter(|_| !terms.readable).zip(record.entry.confirmed.as_ref());
        let refresh = refresh.map(|(after, confirmed)| self.refresh_at(confirmed.since, after, now));
        let refresh = refresh.zip(self.push_from(id, record, terms)).map(|(due, from)| due.max(from));
        let resolve = record.resolve_at.filter(|_| in_dns);
        let read = record.read_at.filter(|_| terms.readable);
        if read.is_some_and(|at| at <= now.moment) {
            return Next::Read;
        }
        if resolve.is_some_and(|at| at <= now.moment) {
            return Next::Resolve;
        }
        if refresh.is_some_and(|at| at <= now.moment) {
            return Next::Push;
        }
        Next::Rest([refresh, resolve, read].into_iter().flatten().filter(|at| *at > now.moment).min())
    }

    /// When something that was last done `since` is to be done again. A machine that is rebooted every night knows only by the
    /// wall clock how long ago it was that an earlier process did it; what this one did it knows for certain.
    fn refresh_at(&self, since: Stamp, after: Duration, now: Now) -> Moment {
        let due = since.moment.plus(after);
        if self.started.is_some_and(|started| since.moment >= started.moment) {
            return due;
        }
        let passed = Duration::from_secs(u64::try_from(now.wall.0.saturating_sub(since.wall.0)).unwrap_or(0));
        due.min(now.moment.plus(after.saturating_sub(passed)))
    }

    /// Whether the other family of the name must be known first: the service would forget it.
    pub(super) fn sibling_is_missing(&self, id: &Id, terms: &Terms) -> bool {
        let sibling = if terms.forgets_siblings { self.records.get(&id.sibling()) } else { None };
        sibling.is_some_and(|record| matches!(record.want, Want::Unknown(_)) && record.entry.confirmed.is_none())
    }
}

/// Whether it is known to hold what it should. A push names no TTL, so that another one is nothing to push.
pub(super) fn stands(spec: &RecordSpec, record: &Record, values: &Values, terms: &Terms) -> bool {
    record.entry.is_confirmed(values, spec.ttl.wanted().filter(|_| terms.readable))
}

/// Whether there is no address any more, and nothing that could be taken away: the service cannot remove, or nothing is ours.
pub(super) fn has_nothing_to_remove(spec: &RecordSpec, record: &Record, terms: &Terms) -> bool {
    record.want == Want::Gone && (!terms.readable || record.entry.ours.is_empty() && !spec.whole)
}

/// A hold rests; a readable service is asked once a day whether it still stands.
fn probe(hold: &Hold, terms: &Terms, now: Now) -> Next {
    if !terms.readable {
        return Next::Rest(None);
    }
    until(hold.probe, now).unwrap_or(Next::Read)
}
