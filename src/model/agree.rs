//! What is believed: readings of several sources become one verdict. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address::is_carriers;
use super::compose::Composed;
use super::evidence::{Protocol, TIMES};
use super::tally::{dissent, tie};
use super::time::Wall;

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
    /// What at least `need` of them say alike, asked in random order, those near by first, and only as far as needed. Where `need` is
    /// 2 or more, they must be of at least two operators or two protocols, and those that share both are one.
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
    /// A single source out in the world says this, and has not said it often enough to be believed alone.
    Unproven {
        /// What it says.
        said: Reading,
        /// The source; where one would be enough and several say so, all of them.
        by: BTreeSet<SourceName>,
    },
    /// Not decided before these sources are asked.
    Ask(BTreeSet<SourceName>),
}

/// Who is behind a voice: an operator, and the protocol by which it was asked.
pub type Origin<'a> = (&'a str, Protocol);

/// A source as it stands when it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Witness<'a> {
    /// Who runs it, and how it is asked.
    pub origin: Origin<'a>,
    /// What it said in this round; `None`: not asked yet.
    pub said: Option<&'a Reading>,
    /// When that was.
    pub at: Option<Wall>,
    /// Whether it is believed alone: it is near by, or trusted, or has said the same often enough.
    pub suffices: bool,
    /// How often in a row it said what it says.
    pub times: u32,
    /// Whether it disagreed too often.
    pub demoted: bool,
    /// Whether it could not tell when it was last asked.
    pub mute: bool,
}

/// What was heard of a part of an expression: what it comes to and on whom that rests, or who is to be asked first.
pub(super) enum Heard<'a> {
    Known { reading: Reading, backers: Vec<(&'a SourceName, Witness<'a>)> },
    Ask(BTreeSet<&'a SourceName>),
}

impl Heard<'_> {
    fn unknown(why: String) -> Self {
        Self::Known { reading: Reading::Unknown(why), backers: Vec::new() }
    }
}

/// What `expression` comes to, given how its sources stand. `salt` decides the order in which the voices of a quorum are asked.
pub fn agree<'a>(expression: &'a Expression, salt: u64, witness: &impl Fn(&'a SourceName) -> Witness<'a>) -> Verdict {
    match hear(expression, salt, witness) {
        Heard::Ask(sources) => Verdict::Ask(sources.into_iter().cloned().collect()),
        Heard::Known { reading, backers } => {
            let suffices = backers.iter().any(|(_, witness)| witness.suffices);
            if matches!(reading, Reading::Unknown(_))
                || backers.is_empty()
                || suffices
                || is_diverse(&origins(&backers))
            {
                return Verdict::Known(reading);
            }
            Verdict::Unproven { said: reading, by: backers.into_iter().map(|(name, _)| name.clone()).collect() }
        }
    }
}

/// Whether `need` of these voices, each with those who may be behind it, could ever be believed if they said the same.
#[must_use]
pub fn can_agree(need: usize, voices: &[BTreeSet<Origin<'_>>]) -> bool {
    let distinct: BTreeSet<_> = voices.iter().filter(|voice| !voice.is_empty()).collect();
    let all: BTreeSet<Origin<'_>> = distinct.iter().flat_map(|voice| voice.iter().copied()).collect();
    distinct.len() >= need && (need < 2 || is_diverse(&all))
}

/// Whether there are two operators or two protocols among them.
fn is_diverse(origins: &BTreeSet<Origin<'_>>) -> bool {
    let mut others = origins.iter();
    let Some((operator, protocol)) = others.next() else { return false };
    others.any(|(other, way)| other != operator || way != protocol)
}

fn origins<'a>(backers: &[(&'a SourceName, Witness<'a>)]) -> BTreeSet<Origin<'a>> {
    backers.iter().map(|(_, witness)| witness.origin).collect()
}

/// What a part comes to.
pub(super) fn hear<'a>(
    expression: &'a Expression,
    salt: u64,
    witness: &impl Fn(&'a SourceName) -> Witness<'a>,
) -> Heard<'a> {
    match expression {
        Expression::Source(name) => {
            let known = witness(name);
            match known.said {
                Some(reading) => Heard::Known { reading: reading.voice(), backers: vec![(name, known)] },
                None => Heard::Ask(BTreeSet::from([name])),
            }
        }
        Expression::FirstOf(of) => first_of(of, salt, witness),
        Expression::Quorum { need, of } => quorum(*need, of, salt, witness),
        Expression::Composed(composed) => hear_composed(composed, salt, witness),
    }
}

/// The prefix is what must be agreed on; who lives behind it is told by a source of this machine.
fn hear_composed<'a>(composed: &'a Composed, salt: u64, witness: &impl Fn(&'a SourceName) -> Witness<'a>) -> Heard<'a> {
    let host = composed.host.source().map(|source| (source, witness(source).said));
    let open = host.filter(|(_, said)| said.is_none()).map(|(source, _)| source);
    match (hear(&composed.prefix, salt, witness), open) {
        (Heard::Ask(sources), open) => Heard::Ask(sources.into_iter().chain(open).collect()),
        (Heard::Known { reading: Reading::Addresses(_), .. }, Some(open)) => Heard::Ask(BTreeSet::from([open])),
        (Heard::Known { reading, backers }, _) => {
            let reading = composed.within(&reading, host.and_then(|(_, said)| said));
            Heard::Known { reading, backers }
        }
    }
}

fn first_of<'a>(of: &'a [Expression], salt: u64, witness: &impl Fn(&'a SourceName) -> Witness<'a>) -> Heard<'a> {
    let (mut doubts, mut none) = (Vec::new(), Vec::new());
    for part in of {
        match hear(part, salt, witness) {
            Heard::Known { reading: Reading::None, backers } => none.extend(backers),
            Heard::Known { reading: Reading::Unknown(why), .. } => doubts.push(why),
            decided => return decided,
        }
    }
    if doubts.is_empty() {
        Heard::Known { reading: Reading::None, backers: none }
    } else {
        Heard::unknown(doubts.join("; "))
    }
}

/// A voice's set of addresses; the empty set is the certain "none".
type Voice = BTreeSet<IpAddr>;

/// Who says the same.
#[derive(Default)]
pub(super) struct Party<'a> {
    reading: Option<Reading>,
    backers: Vec<(&'a SourceName, Witness<'a>)>,
    /// Each voice by who is behind it: those that share all of them are one.
    pub(super) voices: BTreeSet<BTreeSet<Origin<'a>>>,
}

impl<'a> Party<'a> {
    pub(super) fn wins(&self, need: usize) -> bool {
        self.voices.len() >= need && (need < 2 || is_diverse(&self.origins()))
    }

    pub(super) fn origins(&self) -> BTreeSet<Origin<'a>> {
        origins(&self.backers)
    }
}

/// What the voices of a quorum say.
pub(super) struct Poll<'a> {
    pub(super) parties: BTreeMap<Voice, Party<'a>>,
    said: Vec<String>,
    doubts: Vec<String>,
    silent: Vec<(Rank, BTreeSet<&'a SourceName>)>,
}

pub(super) fn poll<'a>(
    need: usize,
    of: &'a [Expression],
    salt: u64,
    witness: &impl Fn(&'a SourceName) -> Witness<'a>,
) -> Poll<'a> {
    let bars = bars_demoted(need, of, witness);
    let mut parties: BTreeMap<Voice, Party<'a>> = BTreeMap::new();
    let (mut said, mut doubts, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for (at, part) in of.iter().enumerate() {
        match hear(part, salt, witness) {
            Heard::Known { reading: Reading::Unknown(why), .. } => doubts.push(why),
            Heard::Known { reading, .. } if bars && is_demoted(part, witness) => {
                said.push(format!("{reading} (not counted: it disagreed too often)"));
            }
            Heard::Known { reading, backers } => {
                said.push(reading.to_string());
                let party = parties.entry(reading.addresses()).or_default();
                party.voices.insert(origins(&backers));
                party.backers.extend(backers);
                party.reading.get_or_insert(reading);
            }
            Heard::Ask(sources) => silent.push((rank((need, salt, at), part, witness), sources)),
        }
    }
    Poll { parties, said, doubts, silent }
}

fn quorum<'a>(
    need: usize,
    of: &'a [Expression],
    salt: u64,
    witness: &impl Fn(&'a SourceName) -> Witness<'a>,
) -> Heard<'a> {
    let Poll { parties, said, doubts, silent } = poll(need, of, salt, witness);
    let best = parties.values().map(|party| party.voices.len()).max().unwrap_or(0);
    if !silent.is_empty() && !parties.values().any(|party| party.wins(need)) {
        return Heard::Ask(next(silent, need.saturating_sub(best).max(1)));
    }
    let (won, lost): (Vec<_>, Vec<_>) = parties.into_values().partition(|party| party.wins(need));
    let mut winners = won.into_iter();
    match (winners.next(), winners.next()) {
        (Some(Party { reading: Some(reading), backers, .. }), None) => Heard::Known { reading, backers },
        (Some(_), Some(_)) => Heard::unknown(tie(said)),
        _ => {
            let alike = lost.iter().find(|party| party.backers.len() >= need).and_then(|party| party.reading.as_ref());
            Heard::unknown(dissent(need, said, &doubts, alike))
        }
    }
}

/// When a voice is asked: those near by first, demoted ones last, at random otherwise; of those that are enough alone, one that has begun
/// to say something first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    demoted: bool,
    remote: bool,
    fresh: bool,
    order: u64,
    /// It may not be of help: it could not tell last time.
    mute: bool,
}

fn rank<'a>(
    (need, salt, at): (usize, u64, usize),
    part: &'a Expression,
    witness: &impl Fn(&'a SourceName) -> Witness<'a>,
) -> Rank {
    let mut hasher = DefaultHasher::new();
    (salt, at).hash(&mut hasher);
    let order = hasher.finish();
    let Expression::Source(name) = part else {
        return Rank { demoted: false, remote: true, fresh: true, order, mute: false };
    };
    let known = witness(name);
    let remote = !known.origin.1.is_local();
    let fresh = need > 1 || known.times == 0 || known.times >= TIMES;
    Rank { demoted: known.demoted, remote, fresh, order, mute: known.mute && !remote }
}

/// So many of those that were not asked yet. One near by that may not be of help is asked beside them: it costs the world nothing.
fn next(mut silent: Vec<(Rank, BTreeSet<&SourceName>)>, mut missing: usize) -> BTreeSet<&SourceName> {
    silent.sort();
    let mut asked = BTreeSet::new();
    for (rank, sources) in silent {
        if missing == 0 {
            break;
        }
        missing -= usize::from(!rank.mute);
        asked.extend(sources);
    }
    asked
}

/// Whether demoted voices are left out: not where the others could never agree without them.
pub(super) fn bars_demoted<'a>(
    need: usize,
    of: &'a [Expression],
    witness: &impl Fn(&'a SourceName) -> Witness<'a>,
) -> bool {
    let behind = |part: &'a Expression| {
        let mut names = Vec::new();
        part.sources(&mut names);
        names.into_iter().map(|name| witness(name).origin).collect::<BTreeSet<_>>()
    };
    if !of.iter().any(|part| is_demoted(part, witness)) {
        return false;
    }
    let others: Vec<_> = of.iter().filter(|part| !is_demoted(part, witness)).map(behind).collect();
    can_agree(need, &others)
}

pub(super) fn is_demoted<'a>(part: &'a Expression, witness: &impl Fn(&'a SourceName) -> Witness<'a>) -> bool {
    matches!(part, Expression::Source(name) if witness(name).demoted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::evidence::Evidence;
    use crate::model::record::Family;
    use crate::model::weigh::{Weighed, weigh};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn source(at: usize) -> SourceName {
        SourceName(format!("s{at}"))
    }

    const WHO: [&str; 4] = ["a", "b", "c", "d"];

    fn number(name: &SourceName) -> usize {
        name.0[1..].parse().unwrap()
    }

    fn known(last: u8) -> Reading {
        Reading::Addresses(vec![IpAddr::from([192, 0, 2, last])])
    }

    fn quorum_of(need: usize, count: usize) -> Expression {
        Expression::Quorum { need, of: (0..count).map(|at| Expression::Source(source(at))).collect() }
    }

    /// A source out in the world that has said what it says once.
    fn stranger<'a>(operator: &'a str, protocol: Protocol, said: Option<&'a Reading>) -> Witness<'a> {
        let suffices = protocol.is_local();
        Witness { origin: (operator, protocol), said, at: None, suffices, times: 1, demoted: false, mute: false }
    }

    fn judge(expression: &Expression, readings: &[(usize, Reading)]) -> Verdict {
        let map: BTreeMap<_, _> = readings.iter().map(|(at, reading)| (source(*at), reading.clone())).collect();
        agree(expression, 7, &|name| stranger(&name.0, Protocol::File, map.get(name)))
    }

    /// Asks as the machine does, until there is a verdict. Each source is an operator of its own.
    fn settle(expression: &Expression, all: &BTreeMap<SourceName, Reading>, salt: u64) -> (Reading, usize) {
        settle_of(expression, all, salt, &|name| (name.0.as_str(), Protocol::Https))
    }

    /// The same with these operators and protocols.
    fn settle_of(
        expression: &Expression,
        all: &BTreeMap<SourceName, Reading>,
        salt: u64,
        origin: &impl for<'a> Fn(&'a SourceName) -> Origin<'a>,
    ) -> (Reading, usize) {
        let mut told: BTreeMap<SourceName, Reading> = BTreeMap::new();
        loop {
            let verdict = agree(expression, salt, &|name| {
                let (operator, protocol) = origin(name);
                stranger(operator, protocol, told.get(name))
            });
            match verdict {
                Verdict::Known(reading) => return (reading, told.len()),
                Verdict::Unproven { .. } => panic!("a quorum has more than one voice"),
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

    const OF_ONE: [(&str, Protocol); 3] =
        [("one", Protocol::Https), ("one", Protocol::Https), ("other", Protocol::Https)];

    /// What a quorum of 2 comes to, its sources having these origins and saying these addresses.
    fn of_origins(origins: &[Origin<'_>], said: &[u8]) -> Verdict {
        let readings: Vec<Reading> = said.iter().map(|last| known(*last)).collect();
        let expression = quorum_of(2, origins.len());
        let witness = |name: &SourceName| {
            let (operator, protocol) = origins[number(name)];
            stranger(operator, protocol, readings.get(number(name)))
        };
        agree(&expression, 1, &witness)
    }

    #[test]
    fn two_services_of_one_operator_are_one_voice() {
        assert!(matches!(of_origins(&OF_ONE, &[1, 1]), Verdict::Ask(names) if names == [source(2)].into()));
        assert!(matches!(of_origins(&OF_ONE, &[1, 1, 2]), Verdict::Known(Reading::Unknown(_))));
        assert_eq!(of_origins(&OF_ONE, &[1, 2, 2]), Verdict::Known(known(2)), "the other operator and one of its own");
    }

    #[test]
    fn two_protocols_are_unlike_evidence_though_of_one_operator() {
        let of = [("one", Protocol::Dns), ("one", Protocol::Stun)];
        assert_eq!(of_origins(&of, &[1, 1]), Verdict::Known(known(1)));
        assert!(can_agree(2, &[[of[0]].into(), [of[1]].into()]));
        assert!(!can_agree(3, &[[of[0]].into(), [of[1]].into()]));
        assert!(!can_agree(2, &[[of[0]].into(), [of[0]].into()]), "the same twice");
        assert!(can_agree(1, &[[of[0]].into()]), "one was asked for");
    }

    #[test]
    fn a_single_source_in_the_world_must_prove_itself_and_one_near_by_need_not() {
        let expression = Expression::Source(source(0));
        let said = known(1);
        let verdict = |witness: Witness<'_>| agree(&expression, 1, &|_| Witness { said: Some(&said), ..witness });
        let unproven = Verdict::Unproven { said: known(1), by: [source(0)].into() };
        for protocol in [Protocol::Https, Protocol::Dns, Protocol::Stun] {
            assert_eq!(verdict(stranger("x", protocol, None)), unproven);
            assert_eq!(verdict(Witness { suffices: true, ..stranger("x", protocol, None) }), Verdict::Known(known(1)));
        }
        for protocol in [Protocol::File, Protocol::Command, Protocol::Fixed, Protocol::Interface, Protocol::Router] {
            assert_eq!(verdict(stranger("x", protocol, None)), Verdict::Known(known(1)));
        }
    }

    #[test]
    fn a_quorum_of_one_is_a_single_source_and_so_is_what_decides_a_choice() {
        let readings = BTreeMap::from([(source(0), Reading::None), (source(1), known(1))]);
        let witness = |name| {
            let protocol = if number(name) == 0 { Protocol::Interface } else { Protocol::Https };
            stranger("x", protocol, readings.get(name))
        };
        let unproven = Verdict::Unproven { said: known(1), by: [source(1)].into() };
        let choice = Expression::FirstOf(vec![Expression::Source(source(0)), Expression::Source(source(1))]);
        assert_eq!(agree(&choice, 1, &witness), unproven);
        let one =
            Expression::Quorum { need: 1, of: vec![Expression::Source(source(1)), Expression::Source(source(2))] };
        let asked_first = (0..64).find(|salt| agree(&one, *salt, &witness) == unproven);
        assert!(asked_first.is_some());
        let words = unproven_words(&weigh(&choice, Family::Ipv4, 1, &witness));
        assert_eq!(words, ["has none, so that the next source is asked", "alone, and has said so 1 of 3 times"]);
    }

    fn unproven_words(weighed: &Weighed) -> Vec<String> {
        assert!(weighed.believed().to_string().contains("s1 alone says 192.0.2.1, 1 of 3 times so far"));
        weighed.evidence.iter().map(|evidence| evidence.weight.to_string()).collect()
    }

    #[test]
    fn a_demoted_source_is_asked_last_and_not_counted_unless_the_others_are_too_few() {
        let readings = BTreeMap::from([(source(0), known(1)), (source(1), known(1)), (source(2), known(2))]);
        let demoted = |count: usize, told: bool| {
            let expression = quorum_of(2, count);
            let witness = |name| {
                let said = readings.get(name).filter(|_| told);
                Witness { demoted: number(name) == 0, ..stranger(WHO[number(name)], Protocol::Https, said) }
            };
            (agree(&expression, 3, &witness), weigh(&expression, Family::Ipv4, 3, &witness))
        };
        let (asked, _) = demoted(3, false);
        assert_eq!(asked, Verdict::Ask([source(1), source(2)].into()));
        let (split, _) = demoted(3, true);
        assert!(
            matches!(&split, Verdict::Known(Reading::Unknown(why)) if why.contains("192.0.2.1 (not counted")),
            "{split:?}"
        );
        let (both, weighed) = demoted(2, true);
        assert_eq!(both, Verdict::Known(known(1)), "without it there could never be an address");
        assert!(weighed.evidence.iter().all(Evidence::is_counted));
    }

    #[test]
    fn those_near_by_are_asked_first_and_one_that_is_mute_takes_nobodys_place() {
        let expression = quorum_of(2, 5);
        let asks = |mute: bool, salt: u64| {
            let witness = |name| match number(name) {
                4 => Witness { mute, ..stranger("the router", Protocol::Router, None) },
                other => stranger(WHO[other], Protocol::Https, None),
            };
            match agree(&expression, salt, &witness) {
                Verdict::Ask(names) => names,
                other => panic!("{other:?}"),
            }
        };
        for salt in 0..20 {
            assert!(asks(false, salt).contains(&source(4)) && asks(false, salt).len() == 2);
            assert!(asks(true, salt).contains(&source(4)) && asks(true, salt).len() == 3);
        }
        assert!((0..20).any(|salt| asks(false, salt) != asks(false, 0)), "in random order otherwise");
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

        #[test]
        fn the_order_in_which_answers_come_does_not_matter(
            said in proptest::collection::vec((0u8..4, 0usize..3, 0usize..3), 2..8), need in 1usize..4, turn in 0usize..8,
        ) {
            // The same answers with the same origins, listed in another order.
            let judge = |list: &[(usize, (u8, usize, usize))]| {
                let of = list.iter().map(|(at, _)| Expression::Source(source(*at))).collect();
                let expression = Expression::Quorum { need, of };
                let readings: BTreeMap<_, _> = list.iter().map(|(at, (last, ..))| {
                    let reading = if *last == 0 { Reading::Unknown("blind".into()) } else { known(*last) };
                    (source(*at), reading)
                }).collect();
                let origins: BTreeMap<_, _> =
                    list.iter().map(|(at, (_, who, how))| (source(*at), (["a", "b", "c"][*who], [Protocol::Https, Protocol::Dns, Protocol::Stun][*how]))).collect();
                let verdict = agree(&expression, 5, &|name| {
                    let (operator, protocol) = origins[name];
                    stranger(operator, protocol, readings.get(name))
                });
                match verdict {
                    Verdict::Known(Reading::Unknown(_)) => Verdict::Known(Reading::Unknown(String::new())),
                    other => other,
                }
            };
            let listed: Vec<_> = said.into_iter().enumerate().collect();
            let mut turned = listed.clone();
            turned.rotate_left(turn % listed.len());
            let mut reversed = listed.clone();
            reversed.reverse();
            let verdict = judge(&listed);
            prop_assert_eq!(&judge(&turned), &verdict);
            prop_assert_eq!(&judge(&reversed), &verdict);
        }

        #[test]
        fn one_operator_alone_never_moves_an_address(
            need in 2usize..4, services in 1usize..8, honest in 0usize..5, salt: u64,
        ) {
            // However many services it has by one protocol, and whatever else is blind or says the truth.
            let total = services + honest;
            let readings: BTreeMap<_, _> =
                (0..total).map(|at| (source(at), if at < services { known(2) } else { known(1) })).collect();
            let liars: BTreeSet<_> = (0..services).map(source).collect();
            let origin = |name: &SourceName| -> Origin<'_> {
                (if liars.contains(name) { "a liar" } else { "" }, Protocol::Https)
            };
            let verdict = settle_of(&quorum_of(need, total), &readings, salt, &|name| match origin(name) {
                ("", protocol) => (name.0.as_str(), protocol),
                (_, protocol) => ("a liar", protocol),
            }).0;
            prop_assert_ne!(&verdict, &known(2));
            prop_assert_eq!(verdict == known(1), honest >= need);
        }

        #[test]
        fn a_dissenting_minority_never_moves_what_is_believed_to_something_else(
            need in 2usize..4, honest in 2usize..6, dissent in proptest::collection::vec(2u8..5, 0..4), salt: u64,
        ) {
            prop_assume!(honest >= need && dissent.len() < need);
            let total = honest + dissent.len();
            let readings: BTreeMap<_, _> =
                (0..total).map(|at| (source(at), if at < honest { known(1) } else { known(dissent[at - honest]) })).collect();
            let (alone, _) = settle(&quorum_of(need, honest), &readings, salt);
            let (disturbed, _) = settle(&quorum_of(need, total), &readings, salt);
            prop_assert_eq!(&alone, &known(1));
            prop_assert_eq!(&disturbed, &known(1));
        }
    }
}
