//! Time as the model sees it: moments that go on while the machine sleeps, wall time for people, never a clock.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time on a clock that never steps and counts suspended time (`CLOCK_BOOTTIME`), in milliseconds since boot.
/// Moments of different boots cannot be compared; on disk they stand beside the boot's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `after` this one; saturates at the end of time.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(millis(after)))
    }

    /// The moment `before` this one, not earlier than boot.
    #[must_use]
    pub fn minus(self, before: Duration) -> Self {
        Self(self.0.saturating_sub(millis(before)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds of a duration, saturating.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Wall time in seconds since 1970-01-01 UTC. For people and for waits that outlive a boot; no decision within a boot uses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub i64);

impl fmt::Display for Wall {
    /// RFC 3339 in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(stamp) => write!(f, "{stamp}"),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

/// Now, on both clocks: the argument of every decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The steady clock.
    pub moment: Moment,
    /// The wall clock, which may be wrong.
    pub wall: Wall,
}

impl Now {
    /// The wall time of a moment, as far as the wall clock is right.
    #[must_use]
    pub fn wall_of(self, moment: Moment) -> Wall {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let (ahead, behind) = (moment.since(self.moment), self.moment.since(moment));
        Wall(self.wall.0.saturating_add(seconds(ahead)).saturating_sub(seconds(behind)))
    }
}
