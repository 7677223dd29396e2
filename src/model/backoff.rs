//! How long to wait before trying again: pure functions of what happened, and the write budget as one number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::terms::Budget;
use crate::model::time::Moment;

/// The wait after the first failure.
const BASE: Duration = Duration::from_secs(10);
/// No wait after a transient failure is longer.
pub const CEILING: Duration = Duration::from_secs(3600);
/// No pause that a service asks for is obeyed for longer; more is absurd and reported.
pub const RATE_LIMIT_CEILING: Duration = Duration::from_secs(48 * 3600);
/// The pause where a service limits us without saying for how long, at the first time.
const UNSAID: Duration = Duration::from_secs(60);

/// The wait after `failures` transient failures in a row (1 after the first): 10 s doubled each time, at most 60 minutes,
/// of which a random half to one. It never gives up.
#[must_use]
pub fn transient(failures: u32, rng: &mut fastrand::Rng) -> Duration {
    let full = BASE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(CEILING);
    full.mul_f64(0.5 + rng.f64() / 2.0)
}

/// The wait that a service asked for, and whether it was absurd and capped at 48 hours. Jitter only adds: up to a tenth, at
/// most 30 s. A pause of less than a minute is at least as long as our own back-off. Where the service did not say, one minute doubled each time, at most an hour.
#[must_use]
pub fn rate_limited(after: Option<Duration>, failures: u32, rng: &mut fastrand::Rng) -> (Duration, bool) {
    let asked = after.unwrap_or_else(|| UNSAID.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(CEILING));
    // "Come back at once" from a service that has just refused: our own patience counts then.
    let obeyed = if asked < UNSAID { asked.max(transient(failures, rng)) } else { asked.min(RATE_LIMIT_CEILING) };
    let jitter = (obeyed / 10).min(Duration::from_secs(30)).mul_f64(rng.f64());
    (obeyed + jitter, asked > obeyed)
}

/// A duration with up to a tenth added or taken away, so that no two machines march in step.
#[must_use]
pub fn spread(around: Duration, rng: &mut fastrand::Rng) -> Duration {
    around.mul_f64(0.9 + rng.f64() * 0.2)
}

/// How much of a write budget is used: the moment at which it is whole again (the generic cell rate algorithm, so that one
/// number holds a token bucket).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spent(pub Moment);

impl Spent {
    /// The earliest moment at which the budget allows one write more.
    #[must_use]
    pub fn next(self, budget: Budget) -> Moment {
        self.0.minus(budget.refill.saturating_mul(budget.burst.saturating_sub(1)))
    }

    /// The budget after one write at `now`. More than a whole burst is never owed: what went along with another's call was written
    /// though it had nothing left.
    #[must_use]
    pub fn after_write(self, budget: Budget, now: Moment) -> Self {
        let most = now.plus(budget.refill.saturating_mul(budget.burst)).max(self.0);
        Self(self.0.max(now).plus(budget.refill).min(most))
    }

    /// The budget without one of the writes that it counts, which wrote nothing.
    #[must_use]
    pub fn given_back(self, budget: Budget) -> Self {
        Self(self.0.minus(budget.refill))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_refill_rules() {
        let budget = Budget { burst: 2, refill: Duration::from_secs(600) };
        let mut spent = Spent::default();
        let now = Moment(10_000_000);
        for _ in 0..2 {
            assert!(spent.next(budget) <= now);
            spent = spent.after_write(budget, now);
        }
        assert_eq!(spent.next(budget), now.plus(Duration::from_secs(600)));
    }

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(failures in 0u32..100_000, seed: u64) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let wait = transient(failures, &mut rng);
            prop_assert!(wait >= BASE / 2 && wait <= CEILING);
        }

        #[test]
        fn a_pause_is_never_shortened_below_what_was_asked(seconds in 0u64..10_000_000, failures in 0u32..100, seed: u64) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let asked = Duration::from_secs(seconds);
            let (wait, absurd) = rate_limited(Some(asked), failures, &mut rng);
            prop_assert!(wait >= asked.min(RATE_LIMIT_CEILING));
            prop_assert!(wait <= RATE_LIMIT_CEILING + Duration::from_secs(30));
            prop_assert!(wait >= BASE / 2);
            prop_assert_eq!(absurd, asked > RATE_LIMIT_CEILING);
        }

        #[test]
        fn no_window_holds_more_writes_than_the_budget(gaps in proptest::collection::vec(0u64..60_000, 1..200)) {
            let budget = Budget::RECORDS;
            let (mut spent, mut now, mut writes) = (Spent::default(), Moment(1_000_000), Vec::new());
            for gap in gaps {
                now = Moment(now.0 + gap);
                if spent.next(budget) <= now {
                    spent = spent.after_write(budget, now);
                    writes.push(now);
                }
            }
            for (at, first) in writes.iter().enumerate() {
                let window = first.plus(Duration::from_secs(60));
                let inside = writes[at..].iter().take_while(|write| **write < window).count();
                prop_assert!(inside <= 10, "{inside} writes in a minute: five at once and five refilled is the most");
            }
        }
    }
}
