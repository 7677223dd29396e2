//! What is told of where this machine stands: what goes to and fro is told together, with how often it did. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Situation;
use crate::model::machine::Level;
use crate::model::record::Family;
use crate::model::time::{Moment, Now};

/// After something was told, what was so before is not told within this time: it is told together when the time is over.
const PAUSE: Duration = Duration::from_secs(300);
/// So many lines about a family are told at once within that time.
const MOST: usize = 3;
/// So many situations are remembered that a family was in of late.
const LATELY: usize = 8;

/// What was last told of each family, and what has changed since.
#[derive(Debug, Default)]
pub struct Told {
    families: BTreeMap<Family, Last>,
}

#[derive(Debug)]
struct Last {
    /// When something was last told.
    told: Now,
    /// How it last stood, as far as somebody said it, and since when.
    stands: (Situation, Now),
    /// Nobody says how it stands now.
    unclear: bool,
    /// How often that changed since something was told.
    changes: u32,
    /// When the last lines were told. One that tells of several changes counts as all that are told at once: what goes on like that
    /// is told once in the time.
    lines: Vec<Moment>,
    /// When what is kept back is told.
    kept_until: Option<Moment>,
    /// How it stood before, and until when.
    lately: Vec<(Situation, Moment)>,
}

impl Told {
    /// What is to be told now of how these families stand, which are all that are published. A situation that is new is told at once; one in which
    /// the family was within the last five minutes is told when five minutes have passed since something was told, with how often it
    /// changed meanwhile. So is what changes further after three lines within five minutes.
    ///
    /// A line that was public, is silent for ten seconds and public again: the silence at once, and five minutes later that it is public
    /// and since when. Where it goes on like that: every five minutes how it stands.
    pub fn news(&mut self, found: &[(Family, Situation)], now: Now) -> Vec<(Level, String)> {
        self.families.retain(|family, _| found.iter().any(|(other, _)| other == family));
        let mut news: Vec<(Level, String)> = Vec::new();
        for (family, situation) in found {
            let level = situation.level();
            let says = match self.families.get_mut(family) {
                // What nobody has said yet is no news after what somebody said.
                Some(last) if level == Level::Debug => {
                    last.unclear = true;
                    None
                }
                None if level == Level::Debug => None,
                Some(last) => last.hears(situation, now).map(|more| format!("{}{more}", situation.says(*family))),
                None => {
                    self.families.insert(*family, Last::new(situation.clone(), now));
                    Some(situation.says(*family))
                }
            };
            // Without any network both families say the same.
            news.extend(says.map(|says| (level, says)).filter(|one| !news.contains(one)));
        }
        news
    }

    /// When there is something to tell that was kept back.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        self.families.values().filter(|last| !last.unclear).filter_map(|last| last.kept_until).min()
    }
}

impl Last {
    fn new(situation: Situation, now: Now) -> Self {
        let (stands, lines) = ((situation, now), vec![now.moment]);
        Self { told: now, stands, unclear: false, changes: 0, lines, kept_until: None, lately: Vec::new() }
    }

    /// What is told beside the situation, where it is to be told now.
    fn hears(&mut self, situation: &Situation, now: Now) -> Option<String> {
        self.unclear = false;
        let of_late = |left: Moment| now.moment.since(left) < PAUSE;
        if self.stands.0 != *situation {
            let (before, _) = std::mem::replace(&mut self.stands, (situation.clone(), now));
            self.changes = self.changes.saturating_add(1);
            self.lately.retain(|(other, left)| *other != before && of_late(*left));
            self.lately.push((before, now.moment));
            self.lately.drain(..self.lately.len().saturating_sub(LATELY));
        }
        let returns = self.lately.iter().any(|(other, left)| other == situation && of_late(*left));
        self.lines.retain(|line| of_late(*line));
        let of_many = self.lines.first().filter(|_| self.lines.len() >= MOST);
        let of_return = Some(&self.told.moment).filter(|told| returns && of_late(**told));
        self.kept_until = of_many.max(of_return).filter(|_| self.changes > 0).map(|line| line.plus(PAUSE));
        if self.changes == 0 || self.kept_until.is_some() {
            return None;
        }
        let (since, told) = (self.stands.1, std::mem::replace(&mut self.told, now));
        let times = std::mem::take(&mut self.changes);
        self.lines.extend(vec![now.moment; if times > 1 { MOST } else { 1 }]);
        self.lines.drain(..self.lines.len().saturating_sub(MOST));
        Some(match (times, since == now) {
            (1, true) => String::new(),
            (1, false) => format!(" It has been so since {}.", since.wall),
            (_, true) => format!(" It changed {times} times since {}.", told.wall),
            (_, false) => {
                format!(" It changed {times} times since {}, and has been so since {}.", told.wall, since.wall)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::time::Wall;

    fn at(second: u64) -> Now {
        Now { moment: Moment(second * 1000), wall: Wall(i64::try_from(second).unwrap()) }
    }

    fn public(last: u8) -> Situation {
        Situation::Public { interface: "ppp0".into(), address: [8, 8, 8, last].into() }
    }

    fn silent() -> Situation {
        Situation::NoCarrier { interface: "ppp0".into() }
    }

    fn unasked() -> Situation {
        Situation::BehindNat { interface: "eth0".into(), inside: None, outside: None }
    }

    /// What is told of these situations at these seconds, without the sentence of the situation itself, and at which second.
    fn told(history: &[(u64, Situation)]) -> Vec<(u64, Situation, String)> {
        let mut memory = Told::default();
        let mut all = Vec::new();
        let mut say = |memory: &mut Told, second: u64, situation: &Situation| {
            for (level, says) in memory.news(&[(Family::Ipv4, situation.clone())], at(second)) {
                assert_eq!(level, situation.level());
                let more = says.strip_prefix(&situation.says(Family::Ipv4)).unwrap().to_owned();
                all.push((second, situation.clone(), more));
            }
        };
        for (index, (second, situation)) in history.iter().enumerate() {
            say(&mut memory, *second, situation);
            let end = history.get(index + 1).map_or(u64::MAX, |(next, _)| *next);
            // What was kept back is told by itself, and never again and again.
            if let Some(next) = memory.next().map(|next| next.0 / 1000).filter(|next| *next < end) {
                say(&mut memory, next, situation);
                assert_eq!(memory.next(), None);
            }
        }
        all
    }

    #[test]
    fn what_is_new_is_told_at_once() {
        let history =
            [(0, public(1)), (100, public(1)), (310, public(2)), (320, silent()), (330, public(3)), (5000, silent())];
        let expected = [(0, public(1)), (310, public(2)), (320, silent()), (330, public(3)), (5000, silent())];
        assert_eq!(told(&history), expected.map(|(second, situation)| (second, situation, String::new())));
    }

    #[test]
    fn a_return_is_told_later_and_since_when_it_is_so() {
        let history = [(0, public(1)), (1000, silent()), (1010, public(1))];
        let since = " It has been so since 1970-01-01T00:16:50Z.";
        let expected = [(0, public(1), ""), (1000, silent(), ""), (1300, public(1), since)];
        assert_eq!(told(&history), expected.map(|(second, situation, more)| (second, situation, more.to_owned())));
        // After a long time it is news again.
        assert_eq!(told(&[(0, public(1)), (1000, silent()), (1301, public(1))])[2], (1301, public(1), String::new()));
    }

    #[test]
    fn what_flaps_is_told_together_with_how_often_it_changed() {
        let flaps = (0..200).map(|flap| (1000 + 10 * flap, if flap % 2 == 0 { silent() } else { public(1) }));
        let said = told(&[vec![(0, public(1))], flaps.collect()].concat());
        let when: Vec<u64> = said.iter().map(|(second, ..)| *second).collect();
        assert_eq!(when, [0, 1000, 1300, 1600, 1900, 2200, 2500, 2800, 3100], "once in five minutes");
        assert_eq!(said[2].2, " It changed 30 times since 1970-01-01T00:16:40Z.");
        let last = " It changed 19 times since 1970-01-01T00:46:40Z, and has been so since 1970-01-01T00:49:50Z.";
        assert_eq!(said[8], (3100, public(1), last.to_owned()));
    }

    #[test]
    fn what_is_new_each_time_is_told_three_times_and_then_together() {
        let said =
            told(&(0..200).map(|change| (2 * change, public(u8::try_from(change).unwrap()))).collect::<Vec<_>>());
        let when: Vec<u64> = said.iter().map(|(second, ..)| *second).collect();
        assert_eq!(when, [0, 2, 4, 300, 600]);
        assert_eq!(said[3].2, " It changed 148 times since 1970-01-01T00:00:04Z.");
        let last = " It changed 49 times since 1970-01-01T00:05:00Z, and has been so since 1970-01-01T00:06:38Z.";
        assert_eq!(said[4], (600, public(199), last.to_owned()));
    }

    #[test]
    fn what_both_families_say_is_told_once() {
        let both = |situation: &Situation| Family::ALL.map(|family| (family, situation.clone()));
        let mut memory = Told::default();
        let nowhere = Situation::NoNetwork { linked: false };
        assert_eq!(memory.news(&both(&nowhere), at(0)), [(Level::Info, nowhere.says(Family::Ipv4))]);
        assert_eq!(memory.news(&both(&silent()), at(400)).len(), 2, "each of its own family");
    }

    #[test]
    fn what_nobody_says_is_neither_told_nor_waited_for() {
        let history = [(0, unasked()), (10, public(1)), (1000, silent()), (1010, public(1)), (1020, unasked())];
        assert_eq!(told(&history).len(), 2);
        let mut memory = Told::default();
        for (second, situation) in history {
            memory.news(&[(Family::Ipv4, situation)], at(second));
        }
        assert_eq!(memory.next(), None);
        let says = memory.news(&[(Family::Ipv4, public(1))], at(1400)).remove(0).1;
        assert!(says.ends_with("own address. It has been so since 1970-01-01T00:16:50Z."), "{says}");
        assert_eq!(memory.news(&[], at(1500)), []);
        assert_eq!(memory.news(&[(Family::Ipv4, public(1))], at(1600)).len(), 1, "nobody followed it meanwhile");
    }

    proptest! {
        #[test]
        fn the_last_word_is_always_how_it_stands_and_two_situations_are_told_rarely(
            steps in proptest::collection::vec((1u64..400, any::<bool>()), 1..60)
        ) {
            let mut second = 0;
            let history: Vec<_> = steps
                .iter()
                .map(|(passed, up)| {
                    second += passed;
                    (second, if *up { public(1) } else { silent() })
                })
                .collect();
            let said = told(&history);
            prop_assert_eq!(&said.last().unwrap().1, &history.last().unwrap().1);
            // A situation that was left for longer is new: beside that nothing is told within the time.
            let near = said.windows(3).filter(|three| three[2].0 - three[0].0 < PAUSE.as_secs()).count();
            prop_assert_eq!(near, 0);
        }
    }
}
