//! How far a quorum has come: what it needs, and how many say the same. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::agree::{Expression, Reading, SourceName, Witness, poll};
use super::evidence::{OVER, TIMES};

/// What a quorum needs, and how far those who say the same have come, where there are several such: the most of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many must say the same.
    pub need: usize,
    /// Of how many sources.
    pub of: usize,
    /// How many do. Those of one operator by one protocol are one.
    pub agree: usize,
    /// Of how many operators they are.
    pub operators: usize,
    /// By how many protocols they were asked.
    pub protocols: usize,
}

impl Tally {
    /// Of a quorum of so many of these voices, given how its sources stand.
    pub(super) fn of<'a>(
        need: usize,
        of: &'a [Expression],
        salt: u64,
        witness: &impl Fn(&'a SourceName) -> Witness<'a>,
    ) -> Self {
        let poll = poll(need, of, salt, witness);
        let best = poll.parties.values().max_by_key(|party| (party.wins(need), party.voices.len()));
        let origins: BTreeSet<_> = best.iter().flat_map(|party| party.origins()).collect();
        Self {
            need,
            of: of.len(),
            agree: best.map_or(0, |party| party.voices.len()),
            operators: origins.iter().map(|(operator, _)| operator).collect::<BTreeSet<_>>().len(),
            protocols: origins.iter().map(|(_, protocol)| protocol).collect::<BTreeSet<_>>().len(),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let unlike = if self.need > 1 { ", of two operators or by two protocols" } else { "" };
        write!(f, "{} of {} must agree{unlike}; ", self.need, counted(self.of, "source"))?;
        if self.agree == 0 {
            return f.write_str("none of them knows anything");
        }
        let (operators, protocols) = (counted(self.operators, "operator"), counted(self.protocols, "protocol"));
        let does = if self.agree == 1 { "does" } else { "do" };
        write!(f, "{} {does}, of {operators} by {protocols}", self.agree)
    }
}

/// Why what a single source says is not believed yet.
#[must_use]
pub fn unproven(said: &Reading, by: &BTreeSet<SourceName>, times: u32) -> String {
    let by = by.iter().map(|name| name.0.as_str()).collect::<Vec<_>>().join(", ");
    let minutes = OVER.as_secs() / 60;
    format!(
        "{by} alone says {said}, {times} of {TIMES} times so far; believed when it has said so over {minutes} minutes"
    )
}

/// Why nothing is believed where more than one answer has enough voices.
pub(super) fn tie(mut said: Vec<String>) -> String {
    said.sort();
    format!("enough sources say one thing, and enough another: {}", said.join("; "))
}

/// So many reasons why sources cannot tell are given in full: a line of fifteen would hide what matters, and each stands with its
/// source wherever they are listed.
const DOUBTS: usize = 2;

/// Why there is no quorum, in words. `alike`: what enough of them say who count as one voice.
pub(super) fn dissent(need: usize, mut said: Vec<String>, doubts: &[String], alike: Option<&Reading>) -> String {
    said.sort();
    let given = if doubts.len() > DOUBTS { 1 } else { doubts.len() };
    said.extend(doubts.iter().take(given).cloned());
    let more = doubts.len() - given;
    said.extend((more > 0).then(|| format!("{more} more cannot tell")));
    let said = said.join("; ");
    match alike {
        Some(alike) => format!(
            "{need} sources must agree that are of two operators or asked by two protocols; those that say {alike} are one \
             voice: {said}"
        ),
        None => format!("{need} sources must agree and do not: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::evidence::Protocol;
    use crate::model::record::Family;
    use crate::model::weigh::weigh;

    /// What a quorum of two comes to where these say the last number of an address: who, how, what.
    fn tally(voices: &[(&str, Protocol, Option<u8>)]) -> String {
        let of = (0..voices.len()).map(|at| Expression::Source(SourceName(at.to_string())));
        let quorum = Expression::Quorum { need: 2, of: of.collect() };
        let reading = |last: u8| Reading::Addresses(vec![[192, 0, 2, last].into()]);
        let said: Vec<Option<Reading>> = voices.iter().map(|(.., last)| last.map(reading)).collect();
        let witness = |name: &SourceName| {
            let at: usize = name.0.parse().unwrap();
            let (operator, protocol, _) = voices[at];
            let said = said[at].as_ref();
            Witness {
                origin: (operator, protocol),
                said,
                at: None,
                suffices: false,
                times: 1,
                demoted: false,
                mute: false,
            }
        };
        // What comes first knows nothing, and the quorum decides.
        let nothing = Expression::Quorum { need: 1, of: Vec::new() };
        let weighed = weigh(&Expression::FirstOf(vec![nothing, quorum]), Family::Ipv4, 7, &witness);
        weighed.tally.unwrap().to_string()
    }

    #[test]
    fn what_a_quorum_needs_is_said_with_how_far_it_has_come() {
        use Protocol::{Dns, Https};
        let needs = |far: &str| format!("2 of 3 sources must agree, of two operators or by two protocols; {far}");
        let silent = [("a", Https, None), ("b", Https, None), ("c", Dns, None)];
        assert_eq!(tally(&silent), needs("none of them knows anything"));
        let apart = [("a", Https, Some(1)), ("b", Https, Some(2)), ("c", Dns, None)];
        assert_eq!(tally(&apart), needs("1 does, of 1 operator by 1 protocol"));
        let both = [("a", Https, Some(1)), ("b", Https, Some(1)), ("c", Dns, Some(2))];
        assert_eq!(tally(&both), needs("2 do, of 2 operators by 1 protocol"));
        let one_voice = [("a", Https, Some(1)), ("a", Https, Some(1)), ("c", Dns, Some(2))];
        assert_eq!(tally(&one_voice), needs("1 does, of 1 operator by 1 protocol"));
        let all = [("a", Https, Some(1)), ("a", Dns, Some(1)), ("c", Dns, Some(1))];
        assert_eq!(tally(&all), needs("3 do, of 2 operators by 2 protocols"));
    }

    #[test]
    fn those_who_agree_and_are_one_voice_are_told_so() {
        let said = vec!["192.0.2.1".to_owned(); 2];
        let alike = Reading::Addresses(vec![[192, 0, 2, 1].into()]);
        let says = "2 sources must agree that are of two operators or asked by two protocols; those that say 192.0.2.1 are one \
                    voice: 192.0.2.1; 192.0.2.1; no answer";
        assert_eq!(dissent(2, said, &["no answer".to_owned()], Some(&alike)), says);
    }

    #[test]
    fn of_many_that_cannot_tell_one_says_why() {
        let doubts = |count: usize| (0..count).map(|at| format!("doubt {at}")).collect::<Vec<_>>();
        let said = || vec!["192.0.2.2".to_owned(), "192.0.2.1".to_owned()];
        let of = |said, count| dissent(2, said, &doubts(count), None);
        assert_eq!(of(said(), 2), "2 sources must agree and do not: 192.0.2.1; 192.0.2.2; doubt 0; doubt 1");
        assert_eq!(of(Vec::new(), 13), "2 sources must agree and do not: doubt 0; 12 more cannot tell");
    }

    #[test]
    fn of_a_quorum_within_a_quorum_the_outer_one_is_told_of() {
        let source = |name: &str| Expression::Source(SourceName(name.into()));
        let inner = Expression::Quorum { need: 1, of: vec![source("a")] };
        let outer = Expression::Quorum { need: 2, of: vec![source("b"), inner, source("c")] };
        let silent = |_: &SourceName| Witness {
            origin: ("a", Protocol::Https),
            said: None,
            at: None,
            suffices: false,
            times: 0,
            demoted: false,
            mute: false,
        };
        let tally = weigh(&outer, Family::Ipv4, 7, &silent).tally.unwrap();
        assert_eq!((tally.need, tally.of), (2, 3));
    }
}
