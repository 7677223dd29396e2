//! One channel: what it was told, what is on its way to it, and when it may be told more.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{HOUR, Seen, Subject, Trouble, Unsaid, Wish, lasting};
use crate::model::backoff::{Spent, rate_limited, transient};
use crate::model::error::{self, Error};
use crate::model::ledger::Fingerprint;
use crate::model::news::{Kind, Message, News};
use crate::model::record::Values;
use crate::model::terms::Budget;
use crate::model::time::{Moment, Now, Wall};

/// Several changes within this time are one message.
const GATHERED: Duration = Duration::from_secs(2);
/// As long as something is under way they are gathered for so long.
const GATHERED_MOST: Duration = Duration::from_secs(15);

/// A login that was refused is not tried again for so long, unless the settings are others.
pub(super) const REFUSED: Duration = Duration::from_secs(24 * 3600);

/// That the login was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The settings and secrets that it was refused with.
    pub print: Fingerprint,
    /// What was said, without a secret.
    pub why: String,
    /// When.
    pub at: Wall,
}

/// What a channel was told, and when it may be told more.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) wish: Wish,
    /// The troubles that it was told of, until they end.
    pub(super) told: BTreeMap<Subject, BTreeSet<String>>,
    /// Whose trouble it may have heard of: the message was sent, and nobody said that it arrived.
    pub(super) doubtful: BTreeSet<Subject>,
    pub(super) unsaid: Unsaid,
    /// How much of the limit is used.
    pub(super) spent: Spent,
    /// What is on its way.
    pub(super) flight: Option<Flight>,
    pub(super) failures: u32,
    /// Left alone until then.
    pub(super) rest: Option<Moment>,
    /// The last attempt was refused as not allowed, so that it rests for so long.
    pub(super) refused: Option<Refusal>,
    /// Since when there is something to tell.
    pub(super) first: Option<Moment>,
    /// When the last sign of life was sent.
    pub(super) beat: Option<Moment>,
}

/// What a message says, to be remembered when it has arrived.
#[derive(Debug, Default)]
pub(super) struct Flight {
    pub(super) told: Vec<(Subject, String)>,
    pub(super) ended: Vec<Subject>,
    pub(super) said: Unsaid,
    /// How much of the limit was used before it.
    pub(super) spent: Spent,
}

impl Channel {
    pub(super) fn new(wish: Wish) -> Self {
        Self {
            wish,
            told: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            unsaid: Unsaid::new(),
            spent: Spent::default(),
            flight: None,
            failures: 0,
            rest: None,
            refused: None,
            first: None,
            beat: None,
        }
    }

    /// What became of what is on its way, sent with the settings of this print; whether that must be remembered: it was told of
    /// trouble, or of its end, or it is to be left alone for a while, which no restart shortens.
    pub(super) fn done(
        &mut self,
        result: &Result<(), Error>,
        print: &Fingerprint,
        seen: &BTreeMap<Subject, Seen>,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> bool {
        let Some(flight) = self.flight.take() else { return false };
        let was_refused = self.refused.take().is_some();
        if let Err(error) = result {
            self.failures = self.failures.saturating_add(1);
            let rest = match error.kind {
                error::Kind::RateLimited { after } => rate_limited(after, self.failures, rng).0,
                // What was never sent was refused by nobody.
                error::Kind::Auth { .. } if !error.unsent => {
                    self.refused = Some(Refusal { print: print.clone(), why: error.to_string(), at: now.wall });
                    REFUSED
                }
                _ => transient(self.failures, rng),
            };
            self.rest = Some(now.moment.plus(rest));
            // The limit is one of messages; attempts have the pauses between them.
            self.spent = flight.spent;
            if !error.unsent {
                self.doubtful.extend(flight.told.into_iter().map(|(subject, _)| subject));
            }
            self.take_back(flight.said, seen);
            return was_refused || self.refused.is_some() || matches!(self.wish, Wish::News { .. });
        }
        let failed = std::mem::take(&mut self.failures) > 0 && matches!(self.wish, Wish::News { .. });
        (self.rest, self.first) = (None, None);
        let news = was_refused || failed || !flight.told.is_empty() || !flight.ended.is_empty();
        for (subject, word) in flight.told {
            self.doubtful.remove(&subject);
            self.told.entry(subject).or_default().insert(word);
        }
        flight.ended.iter().for_each(|subject| self.forget(subject));
        news
    }

    /// Other settings may be the remedy, or a person has found that it works: it may be told at once.
    pub(super) fn let_go(&mut self) {
        (self.refused, self.rest, self.failures) = (None, None, 0);
    }

    /// Since when it may be told more, for all that became of the last attempt.
    fn rested(&self) -> Moment {
        self.rest.unwrap_or_default()
    }

    /// Until when the limit keeps back what there is to tell, or the pause after what did not arrive; `None` where nothing does.
    pub(super) fn withheld(&self, now: Now) -> Option<Moment> {
        self.first.filter(|_| self.flight.is_none())?;
        Some(self.rested().max(self.spent.next(self.budget()))).filter(|until| *until > now.moment)
    }

    /// Which changes it was not told yet, or may not have been: what is on its way may not arrive.
    pub(super) fn not_told(&self) -> Unsaid {
        let mut unsaid: Unsaid = self.unsaid.clone();
        let flying = self.flight.iter().flat_map(|flight| &flight.said);
        unsaid.extend(flying.map(|(subject, said)| (subject.clone(), said.clone())));
        unsaid
    }

    fn wants(&self, kind: Kind) -> bool {
        matches!(&self.wish, Wish::News { events, .. } if events.contains(&kind))
    }

    /// In no hour more messages than the limit: half of them at once, the others spread over it.
    fn budget(&self) -> Budget {
        let limit = match self.wish {
            Wish::News { limit, .. } => limit.max(1),
            Wish::Beat { .. } => 1,
        };
        let burst = limit.div_ceil(2);
        Budget { burst, refill: HOUR / (limit + 1 - burst) }
    }

    /// A record set holds other values.
    pub(super) fn changed(&mut self, subject: &Subject, before: &Values, after: &Values) {
        if !self.wants(Kind::Changed) {
            return;
        }
        let (believed, times) = self.unsaid.entry(subject.clone()).or_insert_with(|| (before.clone(), 0));
        *times = times.saturating_add(1);
        if believed == after {
            self.unsaid.remove(subject);
        }
    }

    /// What a message said that did not arrive is still to be told.
    pub(super) fn take_back(&mut self, said: Unsaid, seen: &BTreeMap<Subject, Seen>) {
        for (subject, (believed, times)) in said {
            let more = self.unsaid.remove(&subject).map_or(0, |(_, times)| times);
            let holds = seen.get(&subject).map(|seen| seen.values.clone().unwrap_or_default());
            if holds.is_some_and(|holds| holds != believed) {
                self.unsaid.insert(subject, (believed, times.saturating_add(more)));
            }
        }
    }

    /// The troubles to be told now, and when there will be one more.
    fn troubles<'a>(
        &self,
        seen: &'a BTreeMap<Subject, Seen>,
        now: Now,
    ) -> (Vec<(&'a Subject, &'a Seen, &'a Trouble)>, Option<Moment>) {
        let (mut due, mut next) = (Vec::new(), None);
        for (subject, one) in seen {
            let Some((trouble, from)) = one.trouble(self.wish.after()) else { continue };
            let told = self.told.get(subject).is_some_and(|words| words.contains(&trouble.mark()));
            if told || !self.wants(trouble.kind) {
                continue;
            }
            if from <= now.moment {
                due.push((subject, one, trouble));
            } else {
                next = next.into_iter().chain([from]).min();
            }
        }
        (due, next)
    }

    /// What it was told to be in trouble and is well.
    fn ended<'a>(&self, seen: &'a BTreeMap<Subject, Seen>) -> Vec<(&'a Subject, &'a Seen)> {
        let told = |subject: &Subject| self.told.contains_key(subject) || self.doubtful.contains(subject);
        seen.iter().filter(|(subject, _)| told(subject)).filter(|(_, one)| one.since.is_none()).collect()
    }

    /// The trouble of a subject is over.
    pub(super) fn forget(&mut self, subject: &Subject) {
        self.told.remove(subject);
        self.doubtful.remove(subject);
    }

    /// When it may be told what there is to tell, or when there will be something.
    pub(super) fn ready(
        &mut self,
        seen: &BTreeMap<Subject, Seen>,
        busy: bool,
        closing: bool,
        now: Now,
    ) -> Option<Moment> {
        if self.flight.is_some() {
            return None;
        }
        if !self.wants(Kind::Recovered) {
            for subject in self.ended(seen).into_iter().map(|(subject, _)| subject.clone()).collect::<Vec<_>>() {
                self.forget(&subject);
            }
        }
        let (due, next) = self.troubles(seen, now);
        if due.is_empty() && self.unsaid.is_empty() && self.ended(seen).is_empty() {
            self.first = None;
            return next;
        }
        let first = *self.first.get_or_insert(now.moment);
        let gathered = match (closing, busy) {
            (true, _) => first,
            (false, true) => first.plus(GATHERED_MOST),
            (false, false) => first.plus(GATHERED),
        };
        Some(gathered.max(self.rested()).max(self.spent.next(self.budget())))
    }

    /// When it is told what did not arrive, at the earliest; a sign of life comes with a check, the next of which is at `check`.
    pub(super) fn again(&self, check: Moment) -> Option<Moment> {
        if self.flight.is_some() {
            return None;
        }
        let again = match &self.wish {
            Wish::Beat { every, .. } => Some(self.beat.map_or(check, |last| check.max(last.plus(early(*every))))),
            Wish::News { .. } => self.first.map(|first| first.max(self.rested()).max(self.spent.next(self.budget()))),
        };
        // Whether or not there is something to tell.
        if self.refused.is_some() { again.max(self.rest) } else { again }
    }

    /// Everything that there is to tell.
    pub(super) fn message(&mut self, seen: &BTreeMap<Subject, Seen>, now: Now) -> Option<Message> {
        let mut flight = Flight::default();
        let mut news = Vec::new();
        let (due, _) = self.troubles(seen, now);
        for (subject, one, trouble) in due {
            flight.told.push((subject.clone(), trouble.mark()));
            news.push(News {
                kind: trouble.kind,
                since: one.since.map(|since| since.wall),
                reason: trouble.why.clone(),
                ..one.news(subject)
            });
        }
        for (subject, one) in self.ended(seen) {
            flight.ended.push(subject.clone());
            news.push(News { kind: Kind::Recovered, ..one.news(subject) });
        }
        flight.said = std::mem::take(&mut self.unsaid);
        for (subject, (old, times)) in &flight.said {
            let Some(one) = seen.get(subject) else { continue };
            // What was remembered to be untold may have gone back since.
            if one.values.as_ref().unwrap_or(&Values::new()) == old {
                continue;
            }
            news.push(News { old: old.clone(), times: *times, ..one.news(subject) });
        }
        if news.is_empty() {
            return None;
        }
        flight.spent = self.spent;
        self.flight = Some(flight);
        self.spent = self.spent.after_write(self.budget(), now.moment);
        Some(Message::of(news, lasting(seen, self.wish.after(), now).is_empty(), now.wall))
    }

    /// A sign of life, or a word of trouble, unless the last one was a moment ago.
    pub(super) fn beat(&mut self, seen: &BTreeMap<Subject, Seen>, now: Now) -> Option<Message> {
        let Wish::Beat { after, every, silent } = self.wish else { return None };
        if self.refused.is_some() && self.rested() > now.moment {
            return None;
        }
        if self.flight.is_some() || self.beat.is_some_and(|last| now.moment.since(last) < early(every)) {
            return None;
        }
        let troubles = lasting(seen, after, now);
        // Silence is nothing that was sent, and no reason to wait with the next sign.
        if silent && !troubles.is_empty() {
            return None;
        }
        self.beat = Some(now.moment);
        self.flight = Some(Flight::default());
        let records = seen.keys().filter(|subject| subject.id().is_some()).count();
        let message = Message::of(troubles, false, now.wall);
        Some(if message.news.is_empty() {
            Message::saying("all is well", format!("{records} record sets, none in trouble"), true, now.wall)
        } else {
            message
        })
    }
}

/// How much time lies between two signs of life at least: checks come a tenth earlier or later, so that no two machines march in step.
fn early(every: Duration) -> Duration {
    every.mul_f64(0.8)
}
