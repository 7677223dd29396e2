//! The device's true addresses and the detectors that tell of them, honestly or not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use driftless::detect::way::Asked;
use driftless::model::agree::Reading;
use driftless::model::record::{Family, RecordType, Value, Values};
use driftless::net::via::Via;
use driftless::os::netlink::{Link, Snapshot, Way};

use super::setup::origin;

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

/// The address that the world sees while a VPN is up: its exit's.
fn of_exit(family: Family) -> IpAddr {
    address(family, [146, 70, 0], [0x2a0d, 0x5600], 9)
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
    Fickle,
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
    /// When the addresses last changed.
    changed: u64,
    /// What the source that is asked alone says over and over: what, since when, how often.
    alone: Option<(IpAddr, u64, u32)>,
}

/// The device's network as it truly is.
#[derive(Debug, Default)]
pub struct Network {
    truth: [Truth; 2],
    /// The interface first, then echoes.
    pub manners: Vec<Manner>,
    /// Who lately said what, for values that were never the device's.
    said: Vec<(u64, usize, Addresses)>,
    /// What the source that is asked alone said so often that nobody could have known better.
    proven: Addresses,
    /// Everything that leaves the device leaves through a VPN.
    pub vpn: bool,
    /// The kernel's word while it does.
    through_vpn: Snapshot,
}

/// A device with a line and a VPN, by which all that leaves leaves.
fn through_vpn() -> Snapshot {
    let link = |index: u32, name: &str, kind: Option<&str>| {
        let (name, kind) = (name.to_owned(), kind.map(str::to_owned));
        Link { index, up: true, running: true, loopback: false, name, kind, ethernet: true }
    };
    Snapshot {
        links: vec![link(2, "eth0", None), link(3, "wg0", Some("wireguard"))],
        addresses: Vec::new(),
        routes: Vec::new(),
        ways: Family::ALL.map(|family| Way { family, index: 3 }).to_vec(),
    }
}

impl Network {
    pub fn new(detectors: usize) -> Self {
        let mut truth = <[Truth; 2]>::default();
        truth.iter_mut().for_each(|truth| truth.none = Some((0, None)));
        Self {
            truth,
            manners: vec![Manner::Honest; detectors],
            said: Vec::new(),
            proven: Addresses::new(),
            vpn: false,
            through_vpn: through_vpn(),
        }
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
        truth.changed = t;
    }

    /// Whether an address is the device's, or was at `since` or later.
    pub fn was(&self, address: IpAddr, since: u64) -> bool {
        let truth = &self.truth[Family::of(address) as usize];
        truth.now.contains(&address) || truth.until.get(&address).is_some_and(|until| *until >= since)
    }

    /// Whether services of so many operators said so at `since` or later, or the one that is asked alone did after it had said so three
    /// times over two minutes.
    pub fn was_said(&self, address: IpAddr, since: u64, need: usize) -> bool {
        let lately = self.said.iter().filter(|(at, _, said)| *at >= since && said.contains(&address));
        let operators: BTreeSet<_> = lately.map(|(_, who, _)| self.operator(*who)).collect();
        operators.len() >= need || !operators.is_empty() && self.proven.contains(&address)
    }

    /// When the addresses of a family last changed.
    pub fn changed(&self, family: Family) -> u64 {
        self.truth[family as usize].changed
    }

    fn alone(&self) -> usize {
        self.manners.len() - 1
    }

    fn operator(&self, who: usize) -> &'static str {
        origin(who, who == self.alone()).0
    }

    /// All services of the operator of this one.
    pub fn services_beside(&self, who: usize) -> Vec<usize> {
        (0..self.manners.len()).filter(|other| self.operator(*other) == self.operator(who)).collect()
    }

    /// Why a detector is not asked, or not believed, at this moment: its question would leave through the VPN.
    pub fn held_back(&self, who: usize, family: Family) -> Option<String> {
        if who == 0 || !self.vpn {
            return None;
        }
        let asked = Asked::World { via: Via::default(), to: Vec::new() };
        asked.stray(&self.through_vpn, family).map(|stray| stray.to_string())
    }

    /// What a detector out in the world sees of the device at this moment where nobody holds it back: the VPN's exit.
    pub fn exit(&self, who: usize, family: Family) -> Option<Reading> {
        (who > 0 && self.vpn).then(|| Reading::Addresses(vec![of_exit(family)]))
    }

    /// What a detector says at this moment. One out in the world that is asked alone cannot say that there is no address: then it
    /// cannot be reached.
    pub fn ask(&mut self, who: usize, family: Family, t: u64, rng: &mut fastrand::Rng) -> Reading {
        let reading = self.answer(who, family, t, rng);
        if who != self.alone() {
            return reading;
        }
        let Reading::Addresses(said) = &reading else { return Reading::Unknown("the simulator says so".into()) };
        let truth = &mut self.truth[family as usize];
        if let [one] = said.as_slice() {
            let (since, times) = match truth.alone {
                Some((before, since, times)) if before == *one => (since, times + 1),
                _ => (t, 1),
            };
            truth.alone = Some((*one, since, times));
            if times >= 3 && t >= since + 120_000 {
                self.proven.insert(*one);
            }
        } else {
            truth.alone = None;
        }
        reading
    }

    fn answer(&mut self, who: usize, family: Family, t: u64, rng: &mut fastrand::Rng) -> Reading {
        let alone = who == self.alone();
        let honest = |truth: &Truth| match truth.now.is_empty() {
            true => Reading::None,
            false => Reading::Addresses(truth.now.iter().copied().collect()),
        };
        let truth = &self.truth[family as usize];
        match self.manners.get(who) {
            Some(Manner::Lies(n)) => {
                let lie = if *n == 0 {
                    IpAddr::from([10, 0, 0, 1])
                } else if alone {
                    of_liar(family, 100 + *n)
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
            Some(Manner::Fickle) => {
                let lie = of_liar(family, rng.u8(200..250));
                self.said.push((t, who, Addresses::from([lie])));
                Reading::Addresses(vec![lie])
            }
            Some(Manner::SaysNone) => Reading::None,
            Some(Manner::Blind) => Reading::Unknown("the simulator says so".into()),
            Some(Manner::Flaps) if rng.bool() => Reading::Unknown("the simulator says so at times".into()),
            _ => honest(truth),
        }
    }

    /// The operators of a quorum's services that say what is not so.
    pub fn liars(&self) -> BTreeSet<&'static str> {
        let lies = |manner: &Manner| matches!(manner, Manner::Lies(_) | Manner::Fickle | Manner::SaysNone);
        let liars = (0..self.alone()).filter(|who| self.manners.get(*who).is_some_and(lies));
        liars.map(|who| self.operator(who)).collect()
    }

    /// Whether this one may lie too, so that liars of fewer than so many operators are at it.
    pub fn may_lie(&self, who: usize, need: usize) -> bool {
        let mut liars = self.liars();
        liars.insert(self.operator(who));
        who > 0 && (who == self.alone() || liars.len() < need)
    }

    /// Whether it is the one that is asked alone.
    pub fn is_alone(&self, who: usize) -> bool {
        who == self.alone()
    }
}
