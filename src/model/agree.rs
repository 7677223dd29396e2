//! What is believed: readings of several sources become one verdict. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address::is_carriers;
use super::compose::Composed;

/// What a detector says of one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// These addresses, best first; never empty.
    Addresses(Vec<IpAddr>),
    /// With certainty none.
    None,
    /// Nothing that may be published, but something about the way: the router has this address outside, which no one on the
    /// internet can reach. In 100.64.0.0/10 (RFC 6598) or 192.0.0.0/29 (RFC 7335) a carrier's NAT is in front of it, elsewhere a
    /// carrier's or another router's.
    Behind(IpAddr),
    /// The source could not tell, and why. Unknown is not none.
    Unknown(String),
}

impl Reading {
    /// The addresses, or an empty set.
    #[must_use]
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        match self {
            Self::Addresses(list) => list.iter().copied().collect(),
            Self::None | Self::Behind(_) | Self::Unknown(_) => BTreeSet::new(),
        }
    }

    /// The reading as a voice: what is behind another NAT does not know the address that the world sees.
    fn voice(&self) -> Self {
        match self {
            Self::Behind(_) => Self::Unknown(self.to_string()),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(list) => {
                for (at, address) in list.iter().enumerate() {
                    write!(f, "{}{address}", if at == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::None => f.write_str("none"),
            Self::Behind(address) => {
                let whose = if is_carriers(*address) { "a carrier's NAT" } else { "another NAT" };
                write!(f, "behind {whose}: the router's own address is {address}")
            }
            Self::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}

/// A detector by name: `interface eth0`, `https api.ipify.org`. The same source in two places is asked once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceName(pub String);

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a family's address is learnt: sources, and how their readings become one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expression {
    /// One source.
    Source(SourceName),
    /// The first that knows an address; later ones are asked only when the earlier ones know none.
    FirstOf(Vec<Self>),
    /// What at least `need` of them say alike, asked in random order and only as far as needed.
    Quorum {
        /// How many must agree; at least 1.
        need: usize,
        /// The voices.
        of: Vec<Self>,
    },
    /// The prefix of one address and the host bits of another machine.
    Composed(Composed),
}

impl Expression {
    /// Every source in it.
    pub fn sources<'a>(&'a self, into: &mut Vec<&'a SourceName>) {
        match self {
            Self::Source(name) => into.push(name),
            Self::FirstOf(of) | Self::Quorum { of, .. } => of.iter().for_each(|part| part.sources(into)),
            Self::Composed(composed) => composed.sources(into),
        }
    }
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This.
    Known(Reading),
    /// Not decided before these sources are asked.
    Ask(BTreeSet<SourceName>),
}

/// What `expression` comes to, given the readings so far (`None`: not asked yet). `salt` decides the order in which the
/// voices of a quorum are asked.
pub fn agree<'a>(expression: &Expression, salt: u64, read: &impl Fn(&SourceName) -> Option<&'a Reading>) -> Verdict {
    match expression {
        Expression::Source(name) => match read(name) {
            Some(reading) => Verdict::Known(reading.voice()),
            None => Verdict::Ask(BTreeSet::from([name.clone()])),
        },
        Expression::FirstOf(of) => first_of(of, salt, read),
        Expression::Quorum { need, of } => quorum(*need, of, salt, read),
        Expression::Composed(composed) => composed.judge(salt, read),
    }
}

fn first_of<'a>(of: &[Expression], salt: u64, read: &impl Fn(&SourceName) -> Option<&'a Reading>) -> Verdict {
    let mut doubts = Vec::new();
    for part in of {
        match agree(part, salt, read) {
            Verdict::Known(Reading::None) => {}
            Verdict::Known(Reading::Unknown(why)) => doubts.push(why),
            decided => return decided,
        }
    }
    Verdict::Known(if doubts.is_empty() { Reading::None } else { Reading::Unknown(doubts.join("; ")) })
}

/// A voice's set of addresses; the empty set is the certain "none".
type Voice = BTreeSet<IpAddr>;

fn quorum<'a>(
    need: usize,
    of: &[Expression],
    salt: u64,
    read: &impl Fn(&SourceName) -> Option<&'a Reading>,
) -> Verdict {
    let mut voices: Vec<(Voice, Reading)> = Vec::new();
    let mut doubts = Vec::new();
    let mut silent = Vec::new();
    for (at, part) in of.iter().enumerate() {
        match agree(part, salt, read) {
            Verdict::Known(Reading::Unknown(why)) => doubts.push(why),
            Verdict::Known(reading) => voices.push((reading.addresses(), reading)),
            Verdict::Ask(sources) => silent.push((order(salt, at), sources)),
        }
    }
    let count = |voice: &Voice| voices.iter().filter(|(other, _)| other == voice).count();
    let best = voices.iter().map(|(voice, _)| count(voice)).max().unwrap_or(0);
    if best < need && !silent.is_empty() {
        silent.sort_by_key(|(order, _)| *order);
        let next = silent.into_iter().take(need.saturating_sub(best).max(1)).flat_map(|(_, sources)| sources);
        return Verdict::Ask(next.collect());
    }
    let winners: BTreeSet<&Voice> =
        voices.iter().map(|(voice, _)| voice).filter(|voice| count(voice) >= need).collect();
    let winner = (winners.len() == 1).then(|| voices.iter().find(|(voice, _)| winners.contains(voice))).flatten();
    Verdict::Known(match winner {
        Some((_, reading)) => reading.clone(),
        None => Reading::Unknown(dissent(need, &voices, &doubts)),
    })
}

/// Where a voice stands in the random order of asking.
fn order(salt: u64, at: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (salt, at).hash(&mut hasher);
    hasher.finish()
}

/// Why there is no quorum, in words.
fn dissent(need: usize, voices: &[(Voice, Reading)], doubts: &[String]) -> String {
    let mut said: Vec<String> = voices.iter().map(|(_, reading)| reading.to_string()).collect();
    said.sort();
    said.extend(doubts.iter().cloned());
    format!("{need} sources must agree and do not: {}", said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn source(at: usize) -> SourceName {
        SourceName(format!("s{at}"))
    }

    fn known(last: u8) -> Reading {
        Reading::Addresses(vec![IpAddr::from([192, 0, 2, last])])
    }

    fn quorum_of(need: usize, count: usize) -> Expression {
        Expression::Quorum { need, of: (0..count).map(|at| Expression::Source(source(at))).collect() }
    }

    fn judge(expression: &Expression, readings: &[(usize, Reading)]) -> Verdict {
        let map: BTreeMap<_, _> = readings.iter().map(|(at, reading)| (source(*at), reading.clone())).collect();
        agree(expression, 7, &|name| map.get(name))
    }

    /// Asks as the machine does, until there is a verdict.
    fn settle(expression: &Expression, all: &BTreeMap<SourceName, Reading>, salt: u64) -> (Reading, usize) {
        let mut told: BTreeMap<SourceName, Reading> = BTreeMap::new();
        loop {
            match agree(expression, salt, &|name| told.get(name)) {
                Verdict::Known(reading) => return (reading, told.len()),
                Verdict::Ask(names) => {
                    assert!(names.iter().all(|name| !told.contains_key(name)), "a source is asked once");
                    for name in names {
                        told.insert(name.clone(), all[&name].clone());
                    }
                }
            }
        }
    }

    #[test]
    fn one_voice_is_no_quorum() {
        let doubt = Reading::Unknown("down".into());
        let verdict = judge(&quorum_of(2, 3), &[(0, known(1)), (1, known(2)), (2, doubt)]);
        assert!(matches!(verdict, Verdict::Known(Reading::Unknown(why)) if why.contains("192.0.2.1; 192.0.2.2; down")));
    }

    #[test]
    fn two_alike_outvote_a_liar_and_no_more_are_asked_than_needed() {
        assert_eq!(judge(&quorum_of(2, 3), &[(0, known(1)), (2, known(1))]), Verdict::Known(known(1)));
        assert!(matches!(judge(&quorum_of(2, 5), &[]), Verdict::Ask(names) if names.len() == 2));
        assert!(
            matches!(judge(&quorum_of(2, 5), &[(0, known(1)), (1, known(2))]), Verdict::Ask(names) if names.len() == 1)
        );
    }

    #[test]
    fn a_split_vote_is_unknown() {
        let votes = [(0, known(1)), (1, known(1)), (2, known(2)), (3, known(2))];
        assert!(matches!(judge(&quorum_of(2, 4), &votes), Verdict::Known(Reading::Unknown(_))));
    }

    #[test]
    fn the_first_that_knows_wins_and_a_blind_one_is_not_none() {
        let of = Expression::FirstOf(vec![Expression::Source(source(0)), Expression::Source(source(1))]);
        assert_eq!(judge(&of, &[(0, known(1))]), Verdict::Known(known(1)));
        assert_eq!(judge(&of, &[(0, Reading::None), (1, known(2))]), Verdict::Known(known(2)));
        assert_eq!(judge(&of, &[(0, Reading::None), (1, Reading::None)]), Verdict::Known(Reading::None));
        let blind = Reading::Unknown("blind".into());
        assert_eq!(judge(&of, &[(0, blind.clone()), (1, Reading::None)]), Verdict::Known(blind));
    }

    #[test]
    fn a_router_behind_another_nat_has_no_voice_and_is_not_none() {
        let behind = Reading::Behind("100.64.3.2".parse().unwrap());
        assert_eq!(behind.addresses(), Voice::new());
        let said = "behind a carrier's NAT: the router's own address is 100.64.3.2";
        let verdict = judge(&Expression::Source(source(0)), &[(0, behind.clone())]);
        assert_eq!(verdict, Verdict::Known(Reading::Unknown(said.into())));
        let of = Expression::FirstOf(vec![Expression::Source(source(0)), Expression::Source(source(1))]);
        assert_eq!(judge(&of, &[(0, behind.clone()), (1, known(1))]), Verdict::Known(known(1)));
        let votes = [(0, behind), (1, known(1)), (2, known(1))];
        assert_eq!(judge(&quorum_of(2, 3), &votes), Verdict::Known(known(1)));
        assert!(
            matches!(judge(&quorum_of(2, 2), &votes[..2]), Verdict::Known(Reading::Unknown(why)) if why.contains(said))
        );
        let home = Reading::Behind("192.168.0.2".parse().unwrap());
        assert_eq!(home.to_string(), "behind another NAT: the router's own address is 192.168.0.2");
        assert_eq!(serde_json::to_string(&home).unwrap(), "{\"behind\":\"192.168.0.2\"}");
    }

    proptest! {
        #[test]
        fn fewer_liars_than_the_quorum_never_win(
            need in 2usize..5, honest in 1usize..6, liars in 0usize..4, blind in 0usize..4, salt: u64,
        ) {
            prop_assume!(liars < need);
            let total = honest + liars + blind;
            let readings: BTreeMap<_, _> = (0..total).map(|at| {
                let reading = if at < honest { known(1) } else if at < honest + liars { known(2) }
                    else { Reading::Unknown("blind".into()) };
                (source(at), reading)
            }).collect();
            let (verdict, _) = settle(&quorum_of(need, total), &readings, salt);
            match verdict {
                Reading::Addresses(list) => {
                    prop_assert_eq!(Reading::Addresses(list), known(1));
                    prop_assert!(honest >= need);
                }
                Reading::None => prop_assert!(false, "nobody said none"),
                Reading::Unknown(_) => prop_assert!(honest < need),
                Reading::Behind(_) => prop_assert!(false, "that is no verdict"),
            }
        }
    }
}
