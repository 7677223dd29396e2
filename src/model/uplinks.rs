//! Several uplinks under one name: what each of them gives, and what they come to together. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::agree::Reading;
use crate::model::desired::Uplink;
use crate::model::record::Family;

/// What an uplink gives to a record set that follows several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The family.
    pub family: Family,
    /// The uplink, by the names of its sources.
    pub name: String,
    /// What its sources come to.
    pub reading: Reading,
    /// What of it is published; where the reading is unknown, what it last gave.
    pub addresses: Vec<IpAddr>,
}

/// What uplinks last gave, by [`name_of`]: it stays while they are unknown, across restarts too.
pub type Memory = BTreeMap<String, Vec<IpAddr>>;

/// The name of an uplink: its family and its sources. A record set whose uplinks are others does not take over what these gave.
#[must_use]
pub fn name_of(uplink: &Uplink) -> String {
    let mut names = Vec::new();
    uplink.source.sources(&mut names);
    names.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn remembered_as(family: Family, name: &str) -> String {
    format!("{family} {name}")
}

/// What an uplink last gave; nothing where that is not known.
#[must_use]
pub fn gave(uplink: &Uplink, memory: &Memory) -> BTreeSet<IpAddr> {
    let known = memory.get(&remembered_as(uplink.family, &name_of(uplink)));
    known.into_iter().flatten().copied().collect()
}

/// What each of several uplinks gives. One that is unknown gives what it gave before: a link that is down, or a source that fails, is
/// no reason to take its address away. One that certainly has none gives none. The memory is brought up to date; whether
/// it is another one then.
pub fn give(readings: &[(&Uplink, Reading)], memory: &mut Memory) -> (Vec<Given>, bool) {
    let mut now = Memory::new();
    let mut given = Vec::with_capacity(readings.len());
    for (uplink, reading) in readings {
        let name = name_of(uplink);
        let known = remembered_as(uplink.family, &name);
        let addresses = match reading {
            Reading::Addresses(list) => list.clone(),
            Reading::None => Vec::new(),
            Reading::Unknown(_) | Reading::Behind(_) => memory.get(&known).cloned().unwrap_or_default(),
        };
        if !addresses.is_empty() {
            now.insert(known, addresses.clone());
        }
        given.push(Given { family: uplink.family, name, reading: reading.clone(), addresses });
    }
    let changed = now != *memory;
    *memory = now;
    (given, changed)
}

/// What the uplinks of a family come to together: every address that one of them gives. Without any it is none only where each of them
/// says so.
#[must_use]
pub fn together(given: &[Given], family: Family) -> Reading {
    let of_family = || given.iter().filter(|given| given.family == family);
    let mut all: Vec<IpAddr> = of_family().flat_map(|given| given.addresses.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    if !all.is_empty() {
        return Reading::Addresses(all);
    }
    let doubts = of_family().filter_map(|given| match &given.reading {
        Reading::Unknown(why) => Some(why.clone()),
        Reading::Behind(_) => Some(given.reading.to_string()),
        Reading::Addresses(_) | Reading::None => None,
    });
    let doubts: Vec<String> = doubts.collect();
    if doubts.is_empty() { Reading::None } else { Reading::Unknown(doubts.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agree::{Expression, SourceName};
    use proptest::prelude::*;

    fn uplink(name: &str) -> Uplink {
        Uplink { family: Family::Ipv4, source: Expression::Source(SourceName(name.into())) }
    }

    fn has(last: u8) -> Reading {
        Reading::Addresses(vec![IpAddr::from([192, 0, 2, last])])
    }

    fn unknown() -> Reading {
        Reading::Unknown("wan1 is down".into())
    }

    fn judge(readings: [Reading; 2], memory: &mut Memory) -> Reading {
        let (first, second) = (uplink("wan0"), uplink("wan1"));
        let [one, two] = readings;
        together(&give(&[(&first, one), (&second, two)], memory).0, Family::Ipv4)
    }

    fn both(one: u8, two: u8) -> Reading {
        Reading::Addresses([one, two].map(|last| IpAddr::from([192, 0, 2, last])).to_vec())
    }

    #[test]
    fn an_unknown_uplink_keeps_what_it_gave_and_one_without_address_gives_none() {
        let mut memory = Memory::new();
        assert_eq!(judge([has(1), unknown()], &mut memory), has(1), "it never gave any");
        assert_eq!(judge([has(1), has(2)], &mut memory), both(1, 2));
        assert_eq!(judge([has(3), unknown()], &mut memory), both(2, 3), "the other one moves on without it");
        assert_eq!(judge([unknown(), unknown()], &mut memory), both(2, 3));
        assert_eq!(judge([Reading::None, unknown()], &mut memory), has(2));
        assert_eq!(judge([unknown(), Reading::None], &mut memory), unknown(), "what it gave before is forgotten");
        assert_eq!(judge([Reading::None, Reading::None], &mut memory), Reading::None);
        assert!(memory.is_empty());
    }

    #[test]
    fn uplinks_that_are_no_longer_declared_are_forgotten() {
        let mut memory = Memory::new();
        judge([has(1), has(2)], &mut memory);
        let other = uplink("wan2");
        let (given, changed) = give(&[(&other, unknown())], &mut memory);
        assert_eq!((together(&given, Family::Ipv4), changed, memory.len()), (unknown(), true, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_published_that_an_uplink_never_gave(rounds in proptest::collection::vec((0u8..6, 0u8..6), 1..20)) {
            let reading = |n: u8| match n {
                0 => unknown(),
                1 => Reading::None,
                n => has(n),
            };
            let mut memory = Memory::new();
            let mut last = [None, None];
            for (one, two) in rounds {
                for (last, n) in last.iter_mut().zip([one, two]) {
                    *last = match n { 0 => *last, 1 => None, n => Some(n) };
                }
                let judged = judge([reading(one), reading(two)], &mut memory);
                let expected: BTreeSet<IpAddr> =
                    last.iter().flatten().map(|n| IpAddr::from([192, 0, 2, *n])).collect();
                prop_assert_eq!(judged.addresses(), expected);
            }
        }
    }
}
