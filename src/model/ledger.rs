//! What was attempted, accepted and confirmed, and when each thing may next be tried: the state that outlives the process.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::backoff::{CEILING, RATE_LIMIT_CEILING, Spent};
use crate::model::error::Error;
use crate::model::plan::Ticket;
use crate::model::record::{Family, Ttl, Values};
use crate::model::time::{Moment, Now, Wall};
use crate::model::uplinks::Memory;

/// How many lines of history a record set keeps.
const HISTORY: usize = 20;

/// A moment for decisions together with the wall time for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When, on the steady clock.
    pub moment: Moment,
    /// When, for people.
    pub wall: Wall,
}

impl From<Now> for Stamp {
    fn from(now: Now) -> Self {
        Self { moment: now.moment, wall: now.wall }
    }
}

/// What the service was last known to hold of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// Our values; empty after a removal.
    pub values: Values,
    /// The TTL that was asked for.
    pub ttl: Option<Ttl>,
    /// Since when.
    pub since: Stamp,
}

/// A call that was made and whose outcome is not known to be good. It voids the confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What the call should achieve.
    pub values: Values,
    /// The TTL that it asked for.
    #[serde(default)]
    pub ttl: Option<Ttl>,
    /// When it was made or, if it has failed, when that was known: until then it was under way.
    pub at: Stamp,
    /// Whether the outcome of the call before it is not known to be good either: what the service holds is then in doubt,
    /// and `nochg` is as good an answer as any.
    #[serde(default)]
    pub in_doubt: bool,
}

/// A wait that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Until when.
    pub until: Moment,
    /// Whether the service asked for it: it is then obeyed whatever else happens.
    pub obeyed: bool,
}

/// A salted digest of the settings and secrets of an account: whether they changed can be told, what they are cannot.
pub type Fingerprint = String;

/// Why something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Credentials or rights were refused.
    Refused,
    /// The request was refused as wrong.
    Wrong,
    /// The service blocks it for abuse.
    Abuse,
    /// The service says `nochg` to what should be a change.
    Unchanged,
    /// More than one value stands there, or values with attributes of their own, and none of them is known to be ours.
    Foreign,
    /// A change was applied twice without effect.
    Normalised,
    /// Someone else undid the change twice within an hour.
    Contended,
}

impl Reason {
    /// Whether new settings or secrets let go of it.
    #[must_use]
    pub fn ends_with_new_settings(self) -> bool {
        self != Self::Abuse
    }

    /// One word for logs and status.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Wrong => "wrong",
            Self::Abuse => "abuse",
            Self::Unchanged => "unchanged",
            Self::Foreign => "foreign",
            Self::Normalised => "normalised",
            Self::Contended => "contended",
        }
    }
}

/// Not tried again until something changes or a person acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why.
    pub reason: Reason,
    /// What was said.
    pub error: Error,
    /// The settings it was said to.
    pub fingerprint: Fingerprint,
    /// What was wanted then, where the want was part of what was refused: another want releases.
    pub want: Option<Values>,
    /// Whether it was a write that was refused, undone or without effect: being able to read does not end it then.
    #[serde(default)]
    pub wrote: bool,
    /// Since when.
    pub since: Stamp,
    /// When a readable service is next asked whether it still stands.
    pub probe: Moment,
}

/// What is remembered of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountEntry {
    /// Which login at which service all of this was learnt at; empty where nothing was yet.
    #[serde(skip_serializing_if = "is_unset")]
    pub identity: String,
    /// Failures of the account as a whole in a row.
    #[serde(skip_serializing_if = "is_unset")]
    pub failures: u32,
    /// Until when it is left alone.
    #[serde(skip_serializing_if = "is_unset")]
    pub wait: Option<Wait>,
    /// Why it is held.
    #[serde(skip_serializing_if = "is_unset")]
    pub hold: Option<Box<Hold>>,
    /// The last error of the account as a whole.
    #[serde(skip_serializing_if = "is_unset")]
    pub error: Option<Box<(Wall, Error)>>,
}

/// A time in which there was certainly no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Since when.
    pub since: Moment,
    /// When that was last seen: who did not look cannot be certain.
    pub seen: Moment,
    /// The family that is gone; of several, the one that went first. `None`: another version did not say.
    #[serde(default)]
    pub family: Option<Family>,
}

/// What is said, wherever people read it, of a record set that held what it should before anything was sent.
pub const ALREADY_RIGHT: &str = "already right";

/// What is remembered of a record set. A thousand of them are held: what few of them have is in a box of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// The values that we put there and may retire.
    #[serde(skip_serializing_if = "is_unset")]
    pub ours: Values,
    /// What the service was last known to hold of ours.
    #[serde(skip_serializing_if = "is_unset")]
    pub confirmed: Option<Confirmed>,
    /// The call whose outcome is open or bad.
    #[serde(skip_serializing_if = "is_unset")]
    pub attempt: Option<Attempt>,
    /// When the service last said yes.
    #[serde(skip_serializing_if = "is_unset")]
    pub accepted: Option<Stamp>,
    /// When it was last found to hold what it should although nothing had been sent.
    #[serde(skip_serializing_if = "is_unset")]
    pub found: Option<Stamp>,
    /// When it last said that it holds the values, live.
    #[serde(skip_serializing_if = "is_unset")]
    pub read_back: Option<Stamp>,
    /// When the zone's name servers last answered them.
    #[serde(skip_serializing_if = "is_unset")]
    pub in_dns: Option<Stamp>,
    /// Failures in a row.
    #[serde(skip_serializing_if = "is_unset")]
    pub failures: u32,
    /// Until when it is left alone.
    #[serde(skip_serializing_if = "is_unset")]
    pub wait: Option<Wait>,
    /// Why it is held.
    #[serde(skip_serializing_if = "is_unset")]
    pub hold: Option<Box<Hold>>,
    /// The job that still runs, and since when.
    #[serde(skip_serializing_if = "is_unset")]
    pub ticket: Option<(Ticket, Stamp)>,
    /// The last error.
    #[serde(skip_serializing_if = "is_unset")]
    pub error: Option<Box<(Wall, Error)>>,
    /// How much of the write budget is used.
    #[serde(skip_serializing_if = "is_unset")]
    pub spent: Spent,
    /// How many of the writes that it counts were refused with the whole account, and so wrote nothing, since one was accepted.
    #[serde(skip_serializing_if = "is_unset")]
    pub refusals: u8,
    /// How often in a row the service said `nochg`.
    #[serde(skip_serializing_if = "is_unset")]
    pub unchanged: u8,
    /// When someone else undid our change, within the last hour.
    #[serde(skip_serializing_if = "is_unset")]
    pub undone: Vec<Moment>,
    /// How often in a row an accepted change had no effect.
    #[serde(skip_serializing_if = "is_unset")]
    pub no_effect: u8,
    /// The TTL that was asked for and the one the service made of it.
    #[serde(skip_serializing_if = "is_unset")]
    pub clamped: Option<(Ttl, Ttl)>,
    /// When name servers alone last caused a write.
    #[serde(skip_serializing_if = "is_unset")]
    pub dns_write: Option<Moment>,
    /// How long there has certainly been no address.
    #[serde(skip_serializing_if = "is_unset")]
    pub absence: Option<Absence>,
    /// What each of several uplinks last gave, for as long as it is not known to give something else.
    #[serde(skip_serializing_if = "is_unset")]
    pub uplinks: Memory,
    /// What happened, oldest first.
    #[serde(skip_serializing_if = "is_unset")]
    pub history: VecDeque<(Wall, String)>,
}

/// What is as in a new entry is not written: a thousand ledger entries are mostly that, and a missing field is read as it.
fn is_unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Entry {
    /// Adds a line of history.
    pub fn note(&mut self, now: Now, what: impl Into<String>) {
        if self.history.len() >= HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((now.wall, what.into()));
    }

    /// Remembers an error; whether it is another one than the last.
    pub fn fails_with(&mut self, error: Error, now: Now) -> bool {
        let another = self.error.as_ref().is_none_or(|last| last.1 != error);
        self.error = Some(Box::new((now.wall, error)));
        another
    }

    /// The call whose outcome is not known, neither good nor bad.
    #[must_use]
    pub fn begun(&self) -> Option<&Attempt> {
        let failed = |attempt: &Attempt| self.error.as_ref().is_some_and(|last| last.0 >= attempt.at.wall);
        self.attempt.as_ref().filter(|attempt| self.ticket.is_none() && !failed(attempt))
    }

    /// When it was found to be right already, where nothing was sent since.
    #[must_use]
    pub fn already_right(&self) -> Option<Stamp> {
        self.found.filter(|found| self.accepted.is_none_or(|accepted| accepted.moment <= found.moment))
    }

    /// Whether the service is known to hold exactly these values of ours, with this TTL asked for.
    #[must_use]
    pub fn is_confirmed(&self, values: &Values, ttl: Option<Ttl>) -> bool {
        let same = |confirmed: &Confirmed| confirmed.values == *values && (ttl.is_none() || confirmed.ttl == ttl);
        self.attempt.is_none() && self.confirmed.as_ref().is_some_and(same)
    }
}

/// When and in which boot a document was written, so that its moments can be understood later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// The boot's id.
    pub boot: String,
    /// The steady clock then.
    pub moment: Moment,
    /// The wall clock then.
    pub wall: Wall,
}

/// Translates moments of a document into this boot's.
struct Rebase {
    from: Moment,
    now: Moment,
    elapsed: Duration,
}

impl AsOf {
    /// How to translate moments written then. Within the same boot they hold as they are; whatever lies ahead is clamped to
    /// its kind's ceiling all the same.
    fn rebase(&self, boot: &str, now: Now) -> Rebase {
        if !boot.is_empty() && self.boot == boot && self.moment <= now.moment {
            return Rebase { from: now.moment, now: now.moment, elapsed: Duration::ZERO };
        }
        // Another boot: only the wall clock knows how long ago that was, and it may be wrong. A clock that went back counts
        // as no time; whatever is then left of a wait is clamped to its kind's ceiling.
        let elapsed = Duration::from_secs(u64::try_from(now.wall.0.saturating_sub(self.wall.0)).unwrap_or(0));
        Rebase { from: self.moment, now: now.moment, elapsed }
    }
}

impl Rebase {
    /// A moment that may lie ahead, at most `ceiling` away.
    fn ahead(&self, moment: Moment, ceiling: Duration) -> Moment {
        let left = moment.since(self.from).saturating_sub(self.elapsed);
        self.now.plus(left.min(ceiling))
    }

    /// A moment that lies behind.
    fn behind(&self, moment: Moment) -> Moment {
        self.now.minus(self.from.since(moment).saturating_add(self.elapsed))
    }

    fn stamp(&self, stamp: &mut Stamp) {
        stamp.moment = self.behind(stamp.moment);
    }

    fn wait(&self, wait: &mut Option<Wait>) {
        if let Some(wait) = wait {
            wait.until = self.ahead(wait.until, if wait.obeyed { RATE_LIMIT_CEILING } else { CEILING });
        }
    }

    fn hold(&self, hold: Option<&mut Hold>) {
        if let Some(hold) = hold {
            self.stamp(&mut hold.since);
            hold.probe = self.ahead(hold.probe, Duration::from_secs(24 * 3600));
        }
    }
}

impl AccountEntry {
    /// The last error of the account as a whole, as long as it has not recovered from it.
    #[must_use]
    pub fn trouble(&self) -> Option<&(Wall, Error)> {
        let fails = self.failures > 0 || self.wait.is_some() || self.hold.is_some();
        self.error.as_deref().filter(|_| fails)
    }

    /// Understands an entry that was written at `as_of`.
    pub fn rebase(&mut self, as_of: &AsOf, boot: &str, now: Now) {
        let rebase = as_of.rebase(boot, now);
        rebase.wait(&mut self.wait);
        rebase.hold(self.hold.as_deref_mut());
    }
}

impl Entry {
    /// Understands an entry that was written at `as_of`.
    pub fn rebase(&mut self, as_of: &AsOf, boot: &str, now: Now) {
        let rebase = as_of.rebase(boot, now);
        rebase.wait(&mut self.wait);
        rebase.hold(self.hold.as_deref_mut());
        // A burst of the largest budget is refilled in 20 minutes: no clock can block writes for longer.
        self.spent.0 = rebase.ahead(self.spent.0, Duration::from_secs(1200));
        let stamps = [&mut self.accepted, &mut self.found, &mut self.read_back, &mut self.in_dns];
        stamps.into_iter().flatten().for_each(|stamp| rebase.stamp(stamp));
        if let Some(confirmed) = &mut self.confirmed {
            rebase.stamp(&mut confirmed.since);
        }
        if let Some(attempt) = &mut self.attempt {
            rebase.stamp(&mut attempt.at);
        }
        if let Some((_, since)) = &mut self.ticket {
            rebase.stamp(since);
        }
        for moment in self.undone.iter_mut().chain(&mut self.dns_write) {
            *moment = rebase.behind(*moment);
        }
        if let Some(absence) = &mut self.absence {
            absence.since = rebase.behind(absence.since);
            absence.seen = rebase.behind(absence.seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(until: u64, obeyed: bool) -> Entry {
        Entry { wait: Some(Wait { until: Moment(until), obeyed }), spent: Spent(Moment(until)), ..Entry::default() }
    }

    fn as_of(boot: &str, moment: u64, wall: i64) -> AsOf {
        AsOf { boot: boot.into(), moment: Moment(moment), wall: Wall(wall) }
    }

    #[test]
    fn within_a_boot_moments_hold_as_they_are() {
        let mut entry = entry(90_000, false);
        let now = Now { moment: Moment(60_000), wall: Wall(0) };
        entry.rebase(&as_of("b", 50_000, 5000), "b", now);
        assert_eq!(entry.wait.unwrap().until, Moment(90_000));
    }

    #[test]
    fn after_a_reboot_the_wait_is_what_the_wall_clock_left_of_it() {
        let mut entry = entry(650_000, false);
        let now = Now { moment: Moment(1_000), wall: Wall(5_100) };
        entry.rebase(&as_of("a", 50_000, 5_000), "b", now);
        assert_eq!(entry.wait.unwrap().until, Moment(501_000), "600 s were left, 100 s have passed");
    }

    #[test]
    fn only_what_was_set_is_written_and_the_rest_is_read_as_new() {
        let entry = entry(90_000, false);
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(text, r#"{"wait":{"until":90000,"obeyed":false},"spent":90000}"#);
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
        assert_eq!(serde_json::to_string(&AccountEntry::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Entry>("{}").unwrap(), Entry::default());
        let earlier = r#"{"ours":[],"confirmed":null,"failures":0,"undone":[],"history":[],"spent":0}"#;
        assert_eq!(serde_json::from_str::<Entry>(earlier).unwrap(), Entry::default());
    }

    #[test]
    fn history_is_bounded() {
        let mut entry = Entry::default();
        for at in 0..100 {
            entry.note(Now::default(), at.to_string());
        }
        assert_eq!(entry.history.len(), HISTORY);
        assert_eq!(entry.history.back().unwrap().1, "99");
    }

    proptest! {
        #[test]
        fn no_clock_can_block_beyond_the_ceiling(
            until: u64, saved: u64, wall_then: i64, wall_now: i64, now: u32, obeyed: bool,
        ) {
            let mut entry = entry(until, obeyed);
            let now = Now { moment: Moment(now.into()), wall: Wall(wall_now) };
            entry.rebase(&as_of("a", saved, wall_then), "b", now);
            let left = entry.wait.unwrap().until.since(now.moment);
            let ceiling = if obeyed { RATE_LIMIT_CEILING } else { CEILING };
            prop_assert!(left <= ceiling);
            prop_assert!(entry.spent.0.since(now.moment) <= Duration::from_secs(1200));
        }
    }
}
