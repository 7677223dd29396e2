//! Who is told what and when: news are the difference between how everything stands and what a channel was told last.
//!
//! So nothing is queued. What goes to and fro before it is told is told once or not at all, what could not be delivered is still
//! to be told, and a channel that was told of trouble hears of its end, whatever lies between. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Kind, Message, News, Subject};
use crate::model::backoff::{Spent, rate_limited, transient};
use crate::model::error::{self, Error};
use crate::model::ledger::Stamp;
use crate::model::record::Values;
use crate::model::terms::Budget;
use crate::model::time::{Moment, Now};

mod memory;

pub use memory::Memory;

/// Several changes within this time are one message.
const GATHERED: Duration = Duration::from_secs(2);
/// As long as something is under way they are gathered for so long.
const GATHERED_MOST: Duration = Duration::from_secs(15);
/// What a channel's limit counts in.
const HOUR: Duration = Duration::from_secs(3600);
/// A process that cannot remember what its predecessor told says nothing for so long, however often it is restarted.
const UNREMEMBERED: Duration = Duration::from_secs(600);

/// What a channel is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// News.
    News {
        /// Which.
        events: BTreeSet<Kind>,
        /// How long what may pass by itself must have lasted.
        after: Duration,
        /// How many messages there are in any hour, at most; at least 1.
        limit: u32,
    },
    /// A sign of life after each check, or a word of trouble.
    Beat {
        /// How long what may pass by itself must have lasted to be trouble.
        after: Duration,
        /// How much time lies between two, at least; they come with the checks.
        every: Duration,
    },
}

impl Wish {
    fn after(&self) -> Duration {
        match self {
            Self::News { after, .. } | Self::Beat { after, .. } => *after,
        }
    }
}

/// How one thing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Which.
    pub subject: Subject,
    /// What it is known to hold.
    pub values: Option<Values>,
    /// Whether it was ever written: what was there before us is no change.
    pub wrote: bool,
    /// How it is.
    pub plight: Plight,
}

/// How something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plight {
    /// As it should be.
    Well,
    /// Something is under way; what was said of it before still holds.
    Busy,
    /// It is not as it should be.
    Trouble(Trouble),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of trouble.
    pub kind: Kind,
    /// What tells it from others of its kind: each is told once, until all is well.
    pub word: String,
    /// Why, in words.
    pub why: String,
}

/// What was last seen of a subject.
#[derive(Debug)]
struct Seen {
    values: Option<Values>,
    trouble: Option<Trouble>,
    /// Since when it has not been well.
    since: Option<Stamp>,
}

/// What a channel was not told yet: what it believes, and how often that changed since.
type Unsaid = BTreeMap<Subject, (Values, u32)>;

/// What a channel was told, and when it may be told more.
#[derive(Debug)]
struct Channel {
    wish: Wish,
    /// The troubles that it was told of, until they end.
    told: BTreeMap<Subject, BTreeSet<String>>,
    /// Whose trouble it may have heard of: the message was sent, and nobody said that it arrived.
    doubtful: BTreeSet<Subject>,
    unsaid: Unsaid,
    /// How much of the limit is used.
    spent: Spent,
    /// What is on its way.
    flight: Option<Flight>,
    failures: u32,
    /// Left alone until then.
    rest: Option<Moment>,
    /// Since when there is something to tell.
    first: Option<Moment>,
    /// When the last sign of life was sent.
    beat: Option<Moment>,
}

/// What a message says, to be remembered when it has arrived.
#[derive(Debug, Default)]
struct Flight {
    told: Vec<(Subject, String)>,
    ended: Vec<Subject>,
    said: Unsaid,
}

/// What all channels were told.
#[derive(Debug)]
pub struct Teller {
    seen: BTreeMap<Subject, Seen>,
    channels: BTreeMap<String, Channel>,
    /// What was remembered of channels that are not declared yet.
    kept: Memory,
    /// Nothing is told before.
    quiet: Moment,
    /// A check has ended that no sign of life was sent for.
    checked: bool,
    /// When there will be something to do, if nothing happens before.
    wake: Option<Moment>,
    /// What was told is not on disk yet.
    dirty: bool,
}

impl Teller {
    /// Who remembers `memory`. Where nothing can be remembered (`writable` is not so), the first message comes late.
    #[must_use]
    pub fn new(memory: Option<Memory>, writable: bool, now: Now) -> Self {
        Self {
            seen: BTreeMap::new(),
            channels: BTreeMap::new(),
            kept: memory.unwrap_or_default(),
            quiet: if writable { now.moment } else { now.moment.plus(UNREMEMBERED) },
            checked: false,
            wake: None,
            dirty: false,
        }
    }

    /// The channels from now on. One that was there before, or that is remembered, knows what it was told; what is in trouble now is
    /// news to the others.
    pub fn declare(&mut self, wishes: BTreeMap<String, Wish>, now: Now) {
        let mut before = std::mem::take(&mut self.channels);
        for (name, wish) in wishes {
            let known = before.remove(&name).or_else(|| self.kept.channel(&name, wish.clone(), now));
            let mut channel = known.unwrap_or_else(|| Channel::new(wish.clone()));
            // Other settings may be the remedy.
            (channel.rest, channel.failures, channel.wish) = (None, 0, wish);
            self.channels.insert(name, channel);
        }
        self.kept.forget_channels();
    }

    /// Whether there is anybody to tell.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        !self.channels.is_empty()
    }

    /// When to look again, if nothing happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Moment> {
        self.wake
    }

    /// Whether something was told, or its end, that must not be told again; once.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// Looks at how everything stands and says what is sent now, by channel; [`Teller::done`] says what became of it. `checked`: a
    /// check has ended since the last look. `closing`: nothing is gathered any longer.
    pub fn look(&mut self, facts: Vec<Fact>, checked: bool, closing: bool, now: Now) -> Vec<(String, Message)> {
        let busy = facts.iter().any(|fact| fact.plight == Plight::Busy);
        let known: BTreeSet<Subject> = facts.iter().map(|fact| fact.subject.clone()).collect();
        self.seen.retain(|subject, _| known.contains(subject));
        for channel in self.channels.values_mut() {
            channel.told.retain(|subject, _| known.contains(subject));
            channel.doubtful.retain(|subject| known.contains(subject));
            channel.unsaid.retain(|subject, _| known.contains(subject));
        }
        facts.into_iter().for_each(|fact| self.see(fact, now));
        // A sign of life says how a check ended; where things stay under way, the next check's end does.
        let beats = (self.checked && checked) || (self.checked || checked) && (closing || !busy);
        self.checked = (self.checked || checked) && !beats;
        let mut messages = Vec::new();
        self.wake = None;
        for (name, channel) in &mut self.channels {
            let message = match &channel.wish {
                Wish::Beat { .. } if beats => channel.beat(&self.seen, now),
                Wish::Beat { .. } => None,
                Wish::News { .. } => {
                    let ready = channel.ready(&self.seen, busy && !closing, closing, now);
                    let ready = ready.map(|ready| ready.max(self.quiet));
                    if ready.is_some_and(|ready| ready > now.moment) {
                        self.wake = self.wake.into_iter().chain(ready).min();
                    }
                    ready.filter(|ready| *ready <= now.moment).and_then(|_| channel.message(&self.seen, now))
                }
            };
            messages.extend(message.map(|message| (name.clone(), message)));
        }
        messages
    }

    /// What became of a channel's message. One that did not arrive is made anew, with what is then to be told, after a pause.
    pub fn done(&mut self, name: &str, result: &Result<(), Error>, now: Now, rng: &mut fastrand::Rng) {
        let Some(channel) = self.channels.get_mut(name) else { return };
        let Some(flight) = channel.flight.take() else { return };
        if let Err(error) = result {
            channel.failures += 1;
            let rest = match error.kind {
                error::Kind::RateLimited { after } => rate_limited(after, channel.failures, rng).0,
                _ => transient(channel.failures, rng),
            };
            channel.rest = Some(now.moment.plus(rest));
            if !error.unsent {
                channel.doubtful.extend(flight.told.into_iter().map(|(subject, _)| subject));
            }
            channel.take_back(flight.said, &self.seen);
            return;
        }
        (channel.failures, channel.rest, channel.first) = (0, None, None);
        self.dirty |= !flight.told.is_empty() || !flight.ended.is_empty();
        for (subject, word) in flight.told {
            channel.doubtful.remove(&subject);
            channel.told.entry(subject).or_default().insert(word);
        }
        flight.ended.iter().for_each(|subject| channel.forget(subject));
    }

    /// Takes in how one thing stands.
    fn see(&mut self, fact: Fact, now: Now) {
        let Fact { subject, values, wrote, plight } = fact;
        let since = self.kept.since(&subject, now);
        let first = || Seen { values: values.clone(), trouble: None, since };
        let seen = self.seen.entry(subject.clone()).or_insert_with(first);
        if values.is_some() && values != seen.values {
            let before = std::mem::replace(&mut seen.values, values).unwrap_or_default();
            let after = seen.values.clone().unwrap_or_default();
            if wrote {
                for channel in self.channels.values_mut() {
                    channel.changed(&subject, &before, &after);
                }
            }
        }
        match plight {
            Plight::Well => (seen.trouble, seen.since) = (None, None),
            Plight::Busy => {}
            Plight::Trouble(trouble) => {
                seen.trouble = Some(trouble);
                seen.since.get_or_insert(now.into());
            }
        }
    }
}

impl Seen {
    /// The trouble that it is in, once it counts, and from when on it does.
    fn trouble(&self, after: Duration) -> Option<(&Trouble, Moment)> {
        let trouble = self.trouble.as_ref()?;
        let since = self.since?.moment;
        Some((trouble, if trouble.kind.may_pass() { since.plus(after) } else { since }))
    }
}

impl Channel {
    fn new(wish: Wish) -> Self {
        Self {
            wish,
            told: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            unsaid: Unsaid::new(),
            spent: Spent::default(),
            flight: None,
            failures: 0,
            rest: None,
            first: None,
            beat: None,
        }
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
    fn changed(&mut self, subject: &Subject, before: &Values, after: &Values) {
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
    fn take_back(&mut self, said: Unsaid, seen: &BTreeMap<Subject, Seen>) {
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
    fn forget(&mut self, subject: &Subject) {
        self.told.remove(subject);
        self.doubtful.remove(subject);
    }

    /// When it may be told what there is to tell, or when there will be something.
    fn ready(&mut self, seen: &BTreeMap<Subject, Seen>, busy: bool, closing: bool, now: Now) -> Option<Moment> {
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
        let rested = self.rest.unwrap_or_default();
        Some(gathered.max(rested).max(self.spent.next(self.budget())))
    }

    /// Everything that there is to tell.
    fn message(&mut self, seen: &BTreeMap<Subject, Seen>, now: Now) -> Option<Message> {
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
            news.push(News { old: old.clone(), times: *times, ..one.news(subject) });
        }
        if news.is_empty() {
            return None;
        }
        self.flight = Some(flight);
        self.spent = self.spent.after_write(self.budget(), now.moment);
        Some(Message::of(news, lasting(seen, self.wish.after(), now).is_empty(), now.wall))
    }

    /// A sign of life, or a word of trouble, unless the last one was a moment ago.
    fn beat(&mut self, seen: &BTreeMap<Subject, Seen>, now: Now) -> Option<Message> {
        let Wish::Beat { after, every } = self.wish else { return None };
        // Checks come a tenth earlier or later, so that no two machines march in step.
        let early = every.mul_f64(0.8);
        if self.flight.is_some() || self.beat.is_some_and(|last| now.moment.since(last) < early) {
            return None;
        }
        self.beat = Some(now.moment);
        self.flight = Some(Flight::default());
        let troubles = lasting(seen, after, now);
        let records = seen.keys().filter(|subject| subject.id().is_some()).count();
        let message = Message::of(troubles, false, now.wall);
        Some(if message.news.is_empty() {
            Message::saying("all is well", format!("{records} record sets, none in trouble"), true, now.wall)
        } else {
            message
        })
    }
}

impl Trouble {
    /// What it is known by.
    fn mark(&self) -> String {
        if self.word.is_empty() { self.kind.word().to_owned() } else { format!("{} {}", self.kind.word(), self.word) }
    }
}

impl Seen {
    /// News of it, to be completed.
    fn news(&self, subject: &Subject) -> News {
        News {
            kind: Kind::Changed,
            subject: subject.clone(),
            old: Values::new(),
            new: self.values.clone().unwrap_or_default(),
            reason: String::new(),
            since: None,
            times: 1,
        }
    }
}

/// The record sets in trouble that has lasted.
fn lasting(seen: &BTreeMap<Subject, Seen>, after: Duration, now: Now) -> Vec<News> {
    let of = |(subject, one): (&Subject, &Seen)| {
        let (trouble, from) = one.trouble(after).filter(|_| subject.id().is_some())?;
        let news = || News {
            kind: trouble.kind,
            since: one.since.map(|since| since.wall),
            reason: trouble.why.clone(),
            ..one.news(subject)
        };
        (from <= now.moment).then(news)
    };
    seen.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
