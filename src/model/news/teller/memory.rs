//! What is remembered across restarts of what channels were told, so that no restart tells it again. Times are wall time: each is
//! clamped when it is understood again, and no clock can silence a channel for longer than an hour, or a day where it was refused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::channel::{REFUSED, Refusal};
use super::{Channel, HOUR, Subject, Teller, UNREMEMBERED, Unsaid, Wish};
use crate::model::backoff::Spent;
use crate::model::ledger::Stamp;
use crate::model::record::Values;
use crate::model::time::{Moment, Now, Wall};

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Since when what is not well has not been.
    since: Vec<(Subject, Wall)>,
    /// What each channel was told.
    channels: BTreeMap<String, Kept>,
}

/// What is remembered of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// The troubles that it was told of.
    told: Vec<(Subject, BTreeSet<String>)>,
    /// What it was not told yet.
    unsaid: Vec<(Subject, Values, u32)>,
    /// When its limit is whole again.
    whole: Option<Wall>,
    /// When the last sign of life was sent.
    beat: Option<Wall>,
    /// How often it failed in a row.
    #[serde(skip_serializing_if = "is_none_yet")]
    failures: u32,
    /// Until when it is left alone for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<Wall>,
    /// The login was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refusal>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none_yet(failures: &u32) -> bool {
    *failures == 0
}

/// How long ago a wall time was; nothing where it lies ahead.
fn ago(wall: Wall, now: Now) -> Duration {
    Duration::from_secs(u64::try_from(now.wall.0.saturating_sub(wall.0)).unwrap_or(0))
}

impl Teller {
    /// What is to be remembered.
    #[must_use]
    pub fn memory(&self, now: Now) -> Memory {
        let since = |(subject, seen): (&Subject, &super::Seen)| Some((subject.clone(), seen.since?.wall));
        let channels = self.channels.iter().map(|(name, channel)| (name.clone(), channel.kept(now)));
        Memory { since: self.seen.iter().filter_map(since).collect(), channels: channels.collect() }
    }
}

impl Channel {
    fn kept(&self, now: Now) -> Kept {
        let unsaid = self.not_told();
        Kept {
            told: self.told.iter().map(|(subject, words)| (subject.clone(), words.clone())).collect(),
            unsaid: unsaid.into_iter().map(|(subject, (values, times))| (subject, values, times)).collect(),
            whole: (self.spent.0 > now.moment).then(|| now.wall_of(self.spent.0)),
            beat: self.beat.map(|beat| now.wall_of(beat)),
            failures: self.failures,
            rest: self.rest.filter(|rest| *rest > now.moment).map(|rest| now.wall_of(rest)),
            refused: self.refused.clone(),
        }
    }
}

impl Memory {
    /// A channel as it is remembered.
    pub(super) fn channel(&self, name: &str, wish: Wish, now: Now) -> Option<Channel> {
        let kept = self.channels.get(name)?;
        let left = |whole: Wall| Duration::from_secs(u64::try_from(whole.0.saturating_sub(now.wall.0)).unwrap_or(0));
        let whole = kept.whole.map_or(Moment::default(), |whole| now.moment.plus(left(whole).min(HOUR)));
        // Whoever starts the program anew may have mended something: it need not wait for an hour.
        let rest = match &kept.refused {
            Some(refused) => Some(REFUSED.saturating_sub(ago(refused.at, now))),
            None => kept.rest.map(|rest| left(rest).min(UNREMEMBERED)),
        };
        Some(Channel {
            told: kept.told.iter().cloned().collect(),
            unsaid: kept.unsaid.iter().cloned().map(|(subject, values, times)| (subject, (values, times))).collect(),
            spent: Spent(whole),
            beat: kept.beat.map(|beat| now.moment.minus(ago(beat, now))),
            failures: kept.failures,
            rest: rest.map(|rest| now.moment.plus(rest)),
            refused: kept.refused.clone(),
            ..Channel::new(wish)
        })
    }

    /// Whether these are the changes that a channel was not told, but for how often each happened; `None` where it knows of none.
    pub(super) fn knows(&self, name: &str, unsaid: &Unsaid) -> Option<bool> {
        let kept = self.channels.get(name).map(|kept| kept.unsaid.as_slice()).filter(|kept| !kept.is_empty())?;
        let both = kept.iter().map(|(subject, values, _)| (subject, values));
        Some(both.eq(unsaid.iter().map(|(subject, (values, _))| (subject, values))))
    }

    /// Since when a subject has not been well, as the last process saw it; once.
    pub(super) fn since(&mut self, subject: &Subject, now: Now) -> Option<Stamp> {
        let at = self.since.iter().position(|(known, _)| known == subject)?;
        let (_, wall) = self.since.swap_remove(at);
        Some(Stamp { moment: now.moment.minus(ago(wall, now)), wall })
    }

    /// The channels are declared.
    pub(super) fn forget_channels(&mut self) {
        self.channels.clear();
    }
}
