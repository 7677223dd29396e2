//! The device's true addresses and the detectors that tell of them, honestly or not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use driftless::model::agree::Reading;
use driftless::model::record::{Family, RecordType, Value, Values};

/// A set of addresses of one family.
pub type Addresses = BTreeSet<IpAddr>;

/// An address of the `n`th of a block; blocks are told apart by their first numbers.
fn address(family: Family, v4: [u8; 3], v6: [u16; 2], n: u8) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::from([v4[0], v4[1], v4[2], n]),
        Family::Ipv6 => Ipv6Addr::new(v6[0], v6[1], 0, 0, 0, 0, 0, n.into()).into(),
    }
}

/// An address that the device may be given.
pub fn of_device(family: Family, n: u8) -> IpAddr {
    address(family, [93, 184, 216], [0x2a00, 0x1450], n)
}

/// An address that only a liar names.
pub fn of_liar(family: Family, n: u8) -> IpAddr {
    address(family, [45, 33, 32], [0x2a01, 0x4f8], n)
}

/// A value that somebody else keeps in a record set of this type.
pub fn of_stranger(rtype: RecordType, n: u8) -> Value {
    match rtype.family() {
        Some(family) => Value::from(address(family, [104, 16, 0], [0x2606, 0x4700], n)),
        None => Value::Text(format!("somebody else's word {n}")),
    }
}

/// A value that looks like one of ours.
pub fn like_ours(rtype: RecordType, n: u8) -> Value {
    match rtype.family() {
        Some(family) => of_device(family, n).into(),
        None => Value::Text(format!("{POLICY}{} -all", of_device(Family::Ipv4, n))),
    }
}

/// How every text begins that is made of addresses, and how an address is introduced in it.
pub const POLICY: &str = "v=spf1 ip4:";
const INTRODUCED: [&str; 2] = ["ip4:", "ip6:"];

/// The addresses that a value names.
pub fn named_in(value: &Value) -> Vec<IpAddr> {
    match value {
        Value::V4(address) => vec![(*address).into()],
        Value::V6(address) => vec![(*address).into()],
        Value::Text(text) => {
            let bare = |word: &str| INTRODUCED.iter().find_map(|front| word.strip_prefix(front)?.parse().ok());
            text.split(' ').filter_map(bare).collect()
        }
    }
}

/// Whether a value is somebody else's.
pub fn is_strangers(value: &Value) -> bool {
    match value.address() {
        Some(IpAddr::V4(address)) => address.octets()[0] == 104,
        Some(IpAddr::V6(address)) => address.segments()[0] == 0x2606,
        None => !value.to_string().starts_with(POLICY),
    }
}

/// What somebody else keeps among `values`.
pub fn strangers(values: &Values) -> Values {
    values.iter().filter(|value| is_strangers(value)).cloned().collect()
}

/// How a detector behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    Honest,
    Lies(u8),
    SaysNone,
    Blind,
    Flaps,
    Slow,
}

/// The addresses of one family, now and before.
#[derive(Debug, Default)]
struct Truth {
    now: Addresses,
    /// The last time without an address: since when, and until when if it is over.
    none: Option<(u64, Option<u64>)>,
    /// When an address was last the device's, for those that are no longer.
    until: BTreeMap<IpAddr, u64>,
}

/// The device's network as it truly is.
#[derive(Debug, Default)]
pub struct Network {
    truth: [Truth; 2],
    /// The interface first, then echoes.
    pub manners: Vec<Manner>,
    /// Who lately said what, for values that were never the device's.
    said: Vec<(u64, usize, Addresses)>,
}

impl Network {
    pub fn new(detectors: usize) -> Self {
        let mut truth = <[Truth; 2]>::default();
        truth.iter_mut().for_each(|truth| truth.none = Some((0, None)));
        Self { truth, manners: vec![Manner::Honest; detectors], said: Vec::new() }
    }

    pub fn now(&self, family: Family) -> &Addresses {
        &self.truth[family as usize].now
    }

    /// Since when there is no address, or was none at `lately`.
    pub fn none_since(&self, family: Family, lately: u64) -> Option<u64> {
        let (since, until) = self.truth[family as usize].none?;
        until.is_none_or(|until| until >= lately).then_some(since)
    }

    /// What a record set that follows these families holds truly; nothing where one of them has no address.
    pub fn values(&self, rtype: RecordType, families: &[Family]) -> Values {
        if families.iter().any(|family| self.now(*family).is_empty()) {
            return Values::new();
        }
        if rtype.family().is_some() {
            return families.iter().flat_map(|family| self.now(*family)).copied().map(Value::from).collect();
        }
        let mut text = "v=spf1".to_owned();
        for family in families {
            for address in self.now(*family) {
                text = format!("{text} {}{address}", INTRODUCED[*family as usize]);
            }
        }
        [Value::Text(format!("{text} -all"))].into()
    }

    /// The addresses are others now. An address that was there for less than `unseen` may have been noticed by nobody.
    pub fn assign(&mut self, family: Family, addresses: Addresses, t: u64, unseen: u64) {
        let truth = &mut self.truth[family as usize];
        for old in &truth.now {
            truth.until.insert(*old, t);
        }
        truth.none = match truth.none {
            Some((since, None)) if !addresses.is_empty() => Some((since, Some(t))),
            Some((since, Some(until))) if addresses.is_empty() && t - until < unseen => Some((since, None)),
            Some((_, Some(_))) | None if addresses.is_empty() => Some((t, None)),
            same => same,
        };
        truth.now = addresses;
    }

    /// Whether an address is the device's, or was at `since` or later.
    pub fn was(&self, address: IpAddr, since: u64) -> bool {
        let truth = &self.truth[Family::of(address) as usize];
        truth.now.contains(&address) || truth.until.get(&address).is_some_and(|until| *until >= since)
    }

    /// Whether so many detectors said so at `since` or later.
    pub fn was_said(&self, address: IpAddr, since: u64, need: usize) -> bool {
        let lately = self.said.iter().filter(|(at, _, said)| *at >= since && said.contains(&address));
        lately.map(|(_, who, _)| who).collect::<BTreeSet<_>>().len() >= need
    }

    /// What a detector says at this moment.
    pub fn ask(&mut self, who: usize, family: Family, t: u64, rng: &mut fastrand::Rng) -> Reading {
        let honest = |truth: &Truth| match truth.now.is_empty() {
            true => Reading::None,
            false => Reading::Addresses(truth.now.iter().copied().collect()),
        };
        let truth = &self.truth[family as usize];
        match self.manners.get(who) {
            Some(Manner::Lies(n)) => {
                let lie = if *n == 0 {
                    IpAddr::from([10, 0, 0, 1])
                } else {
                    // An old address of the device from a cache, or one that never was the device's.
                    match truth.until.keys().nth(usize::from(*n)) {
                        Some(old) if n % 2 == 0 => *old,
                        _ => of_liar(family, *n),
                    }
                };
                self.said.retain(|(at, _, _)| at + 200_000_000 > t);
                self.said.push((t, who, Addresses::from([lie])));
                Reading::Addresses(vec![lie])
            }
            Some(Manner::SaysNone) => Reading::None,
            Some(Manner::Blind) => Reading::Unknown("the simulator says so".into()),
            Some(Manner::Flaps) if rng.bool() => Reading::Unknown("the simulator says so at times".into()),
            _ => honest(truth),
        }
    }

    /// How many say what is not so.
    pub fn liars(&self) -> usize {
        self.manners.iter().filter(|manner| matches!(manner, Manner::Lies(_) | Manner::SaysNone)).count()
    }
}
