//! Who is told what and when: news are the difference between how everything stands and what a channel was told last.
//!
//! So nothing is queued. What goes to and fro before it is told is told once or not at all, what could not be delivered is still
//! to be told, and a channel that was told of trouble hears of its end, whatever lies between. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Kind, Message, News, Subject};
use crate::model::error::Error;
use crate::model::ledger::{Fingerprint, Stamp};
use crate::model::record::Values;
use crate::model::time::{Moment, Now};

mod channel;
mod memory;

use channel::Channel;
pub use channel::Refusal;
pub use memory::Memory;

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
        /// How many messages arrive in any hour, at most; at least 1.
        limit: u32,
    },
    /// A sign of life after each check, or a word of trouble.
    Beat {
        /// How long what may pass by itself must have lasted to be trouble.
        after: Duration,
        /// How much time lies between two, at least; they come with the checks.
        every: Duration,
        /// Whether there is no word of trouble but silence.
        silent: bool,
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
            let mut known = before.remove(&name);
            // Other settings may be the remedy; whether they are others for one that was refused, their print tells.
            known.iter_mut().filter(|known| known.refused.is_none()).for_each(Channel::let_go);
            let known = known.or_else(|| self.kept.channel(&name, wish.clone(), now));
            let mut channel = known.unwrap_or_else(|| Channel::new(wish.clone()));
            channel.wish = wish;
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
        // Of a family nothing may be known for years.
        let busy = facts.iter().any(|fact| fact.plight == Plight::Busy && fact.subject.id().is_some());
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

    /// What became of a channel's message, sent with the settings of this print. One that did not arrive is made anew, with what is
    /// then to be told, after a pause; where the login was refused, after a day, or once it is let go.
    pub fn done(
        &mut self,
        name: &str,
        result: &Result<(), Error>,
        print: &Fingerprint,
        now: Now,
        rng: &mut fastrand::Rng,
    ) {
        let Some(channel) = self.channels.get_mut(name) else { return };
        self.dirty |= channel.done(result, print, &self.seen, now, rng);
    }

    /// The channels that were refused.
    pub fn refused(&self) -> impl Iterator<Item = (&String, &Refusal)> {
        self.channels.iter().filter_map(|(name, channel)| Some((name, channel.refused.as_ref()?)))
    }

    /// A channel has other settings than it was refused with, or a person has found that it works: it is told at once.
    pub fn let_go(&mut self, name: &str) {
        let Some(channel) = self.channels.get_mut(name) else { return };
        self.dirty |= channel.refused.is_some() || channel.failures > 0;
        channel.let_go();
    }

    /// Until when news is kept back from a channel that does not fail; `None` where there is none, or it is told now.
    #[must_use]
    pub fn withheld(&self, name: &str, now: Now) -> Option<Moment> {
        let channel = self.channels.get(name)?;
        let first = channel.first.filter(|_| channel.flight.is_none())?;
        let quiet = Some(first.max(self.quiet)).filter(|until| *until > now.moment);
        channel.withheld(now).max(quiet)
    }

    /// Whether what is kept back for longer than a moment is not what is `saved`: a process that is killed would take it along.
    #[must_use]
    pub fn keeps_back_more_than(&self, saved: &Memory, now: Now) -> bool {
        self.channels.iter().any(|(name, channel)| {
            let unknown = || channel.withheld(now).is_some() && !channel.unsaid.is_empty();
            saved.knows(name, &channel.not_told()).map_or_else(unknown, |known| !known)
        })
    }

    /// When a channel is told again whose last message did not arrive, at the earliest; the next check is at `check`. `None`: it is
    /// being told, or there is nothing left to tell.
    #[must_use]
    pub fn again(&self, name: &str, check: Moment) -> Option<Moment> {
        self.channels.get(name)?.again(check).map(|again| again.max(self.quiet))
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
            // What is under way is not held any more. Whether it is well, its end says.
            Plight::Busy => seen.trouble = seen.trouble.take().filter(|trouble| trouble.kind.may_pass()),
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
