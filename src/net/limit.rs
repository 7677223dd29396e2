//! Limits that services document, kept on our side: so many calls in so long, decided without a clock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::time::Moment;

/// So many calls within so long, wherever that time begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The most calls; none at all for 0.
    pub calls: usize,
    /// Within how long.
    pub per: Duration,
}

impl Rule {
    /// So many calls a minute, as [`Rule::counted_there`].
    #[must_use]
    pub const fn a_minute(calls: usize) -> Self {
        Self::counted_there(calls, Duration::from_secs(60))
    }

    /// So many calls within so long by the service's count. A second is added: calls are counted here when they are sent and there
    /// when they arrive, and the first may have been on its way for longer than the last.
    #[must_use]
    pub const fn counted_there(calls: usize, per: Duration) -> Self {
        Self { calls, per: per.saturating_add(Duration::from_secs(1)) }
    }
}

/// Counts calls against rules that all hold. What was taken is remembered exactly, so that no span of a rule's length ever has
/// more calls than the rule allows.
#[derive(Clone, Debug)]
pub struct Limiter {
    rules: Vec<Rule>,
    taken: VecDeque<Moment>,
}

impl Limiter {
    /// A limiter that nothing was taken of yet.
    #[must_use]
    pub fn new(rules: impl Into<Vec<Rule>>) -> Self {
        Self { rules: rules.into(), taken: VecDeque::new() }
    }

    /// From now on these rules hold in the place of the others. What was taken counts on, as far back as the others looked.
    pub fn follow(&mut self, rules: impl Into<Vec<Rule>>) {
        self.rules = rules.into();
    }

    /// Takes one call at `now`.
    ///
    /// With one rule of two calls a minute, the first two are taken at any time, and the third is told how long it is until
    /// the first is a minute ago.
    ///
    /// # Errors
    /// How long to wait from now until every rule has room again. Nothing is taken then.
    pub fn take(&mut self, now: Moment) -> Result<(), Duration> {
        let longest = self.rules.iter().map(|rule| rule.per).max().unwrap_or_default();
        while self.taken.front().is_some_and(|taken| now.since(*taken) >= longest) {
            self.taken.pop_front();
        }
        match self.rules.iter().filter_map(|rule| self.wait(*rule, now)).max() {
            Some(wait) => Err(wait),
            None => {
                self.taken.push_back(now);
                Ok(())
            }
        }
    }

    /// How long a rule makes a call wait; `None` where it has room.
    fn wait(&self, rule: Rule, now: Moment) -> Option<Duration> {
        // The oldest of the calls that fill the rule: when it is long enough ago, there is room for one.
        let filling = self.taken.len().checked_sub(rule.calls)?;
        let Some(oldest) = self.taken.get(filling) else { return Some(rule.per) };
        // A clock that went back makes nothing wait for longer than the rule's own span.
        let wait = oldest.plus(rule.per).since(now).min(rule.per);
        (!wait.is_zero()).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Moment {
        Moment(seconds * 1000)
    }

    #[test]
    fn the_call_that_is_too_many_waits_until_the_first_is_long_enough_ago() {
        let mut limiter = Limiter::new([Rule { calls: 2, per: 60 * SECOND }]);
        assert_eq!(limiter.take(at(100)), Ok(()));
        assert_eq!(limiter.take(at(130)), Ok(()));
        assert_eq!(limiter.take(at(130)), Err(30 * SECOND));
        assert_eq!(limiter.take(at(159)), Err(SECOND));
        assert_eq!(limiter.take(at(160)), Ok(()));
        assert_eq!(limiter.take(at(161)), Err(29 * SECOND));
    }

    #[test]
    fn the_strictest_of_several_rules_decides() {
        let mut limiter = Limiter::new([Rule { calls: 1, per: SECOND }, Rule { calls: 2, per: 60 * SECOND }]);
        assert_eq!(limiter.take(at(0)), Ok(()));
        assert_eq!(limiter.take(at(0)), Err(SECOND));
        assert_eq!(limiter.take(at(1)), Ok(()));
        assert_eq!(limiter.take(at(2)), Err(58 * SECOND));
    }

    #[test]
    fn a_rule_of_nothing_never_has_room_and_no_rule_always_has() {
        assert_eq!(Limiter::new([Rule { calls: 0, per: SECOND }]).take(at(5)), Err(SECOND));
        let mut free = Limiter::new([]);
        assert!((0..1000).all(|_| free.take(at(5)).is_ok()));
    }

    #[test]
    fn other_rules_count_what_was_taken_before() {
        let mut limiter = Limiter::new([Rule { calls: 3, per: 60 * SECOND }]);
        assert!((0..2).all(|_| limiter.take(at(10)).is_ok()));
        limiter.follow([Rule { calls: 2, per: 30 * SECOND }]);
        assert_eq!(limiter.take(at(20)), Err(20 * SECOND));
        limiter.follow([Rule { calls: 9, per: 60 * SECOND }]);
        assert_eq!(limiter.take(at(20)), Ok(()));
        assert_eq!(Rule::counted_there(5, SECOND), Rule { calls: 5, per: 2 * SECOND });
    }

    #[test]
    fn a_clock_that_goes_back_waits_for_no_longer_than_the_rule() {
        let mut limiter = Limiter::new([Rule { calls: 1, per: SECOND }]);
        assert_eq!(limiter.take(at(1000)), Ok(()));
        assert_eq!(limiter.take(at(1)), Err(SECOND));
    }

    proptest! {
        #[test]
        fn no_span_ever_has_more_calls_than_its_rule(
            steps in proptest::collection::vec(0_u64..40, 1..200), calls in 1_usize..6, per in 1_u64..90,
        ) {
            let rule = Rule { calls, per: Duration::from_millis(per) };
            let (mut limiter, mut now, mut taken) = (Limiter::new([rule]), 0, Vec::new());
            for step in steps {
                now += step;
                match limiter.take(Moment(now)) {
                    Ok(()) => taken.push(now),
                    Err(wait) => {
                        let then = Moment(now).plus(wait);
                        prop_assert!(limiter.clone().take(then).is_ok());
                        prop_assert!(limiter.clone().take(Moment(then.0 - 1)).is_err());
                    }
                }
            }
            for first in &taken {
                let within = taken.iter().filter(|at| (*first..first + per).contains(*at)).count();
                prop_assert!(within <= calls);
            }
        }
    }
}
