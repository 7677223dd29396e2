//! Configurations: what is declared in the first place, and what a reload makes of it.

use std::time::Duration;

use driftless::model::agree::{Expression, SourceName};
use driftless::model::desired::{
    AccountName, AccountSpec, Derived, Desired, FirstContact, Id, RecordSpec, SourceSpec, TtlPolicy, Uplink, tag_of,
};
use driftless::model::evidence::Protocol;
use driftless::model::record::{Family, RecordType, RrsetKey, Ttl};
use driftless::model::template::Template;
use driftless::model::terms::{Budget, Terms};
use fastrand::Rng;

/// How many sources must agree where a quorum decides.
pub const NEED: usize = 2;

/// What a simulated service is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Record sets, replaced whole if they are what was read.
    Rrsets,
    /// Single records: what is to go goes, what is to come comes.
    Records,
    /// Record sets; every change is a job.
    Jobs,
    /// Record sets; every change is pending for a while.
    Pending,
    /// Takes addresses and cannot be read.
    Push,
}

/// An account and the service behind it.
#[derive(Clone, Debug)]
pub struct Declared {
    pub name: AccountName,
    pub shape: Shape,
    pub spec: AccountSpec,
    /// Changes, or names, in one call.
    pub in_a_call: usize,
}

/// A configuration that can be varied.
#[derive(Clone, Debug)]
pub struct Setup {
    pub accounts: Vec<Declared>,
    /// Every record set that may be declared, and whether it is.
    pub records: Vec<(Id, RecordSpec, bool)>,
    /// The shortest time between two questions, by source: the interface first, then echoes, then one that is asked alone.
    intervals: Vec<Duration>,
    /// How each family's address is learnt.
    ways: [Way; 2],
    pub check: Duration,
    pub verify: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Interface,
    Quorum(usize),
    InterfaceThenQuorum(usize),
    Single,
    InterfaceThenSingle,
}

pub fn source(at: usize) -> SourceName {
    SourceName(if at == 0 { "interface".into() } else { format!("echo {at}") })
}

/// Which source it is.
pub fn source_number(name: &SourceName) -> usize {
    name.0.strip_prefix("echo ").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Who runs a source: some operators have several, all of one protocol.
pub fn origin(at: usize, alone: bool) -> (&'static str, Protocol) {
    match at {
        0 => ("this device", Protocol::Interface),
        _ if alone => ("one of its own", Protocol::Https),
        1 | 3 => ("a", Protocol::Https),
        2 | 5 => ("b", Protocol::Dns),
        _ => ("c", Protocol::Stun),
    }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn one_of<T: Copy>(rng: &mut Rng, list: &[T]) -> T {
    list[rng.usize(..list.len())]
}

impl Setup {
    /// A configuration at random.
    pub fn new(rng: &mut Rng) -> Self {
        let count = 1 + rng.usize(..3);
        let accounts: Vec<Declared> = (0..count).map(|at| account(at, rng)).collect();
        let echoes = 3 + rng.usize(..3);
        let intervals = (0..=echoes + 1).map(|at| if at == 0 { Duration::ZERO } else { minutes(5 + rng.u64(..10)) });
        let intervals = intervals.collect();
        let ways = [one_way(echoes, rng), one_way(echoes, rng)];
        let mut setup = Self {
            accounts,
            records: Vec::new(),
            intervals,
            ways,
            check: minutes(one_of(rng, &[5, 60, 180, 360, 360, 720, 720, 1440])),
            verify: minutes(one_of(rng, &[60, 360, 360, 1440, 1440, 1440, 4320, 4320])),
        };
        let wanted = count + rng.usize(..=6 - count);
        for at in 0..wanted {
            let account = setup.accounts[if at < count { at } else { rng.usize(..count) }].name.clone();
            setup.declare(account, rng);
        }
        setup.records.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        setup
    }

    fn declare(&mut self, account: AccountName, rng: &mut Rng) {
        let family = Family::ALL[rng.usize(..2)];
        let Ok(name) = format!("n{}.example.org", rng.u8(..3)).parse() else { return };
        let push = self.accounts.iter().any(|known| known.name == account && known.shape == Shape::Push);
        let derived = (!push && rng.u8(..3) == 0).then(|| one_of(rng, &POLICIES)).and_then(derived);
        let rtype = if derived.is_some() { RecordType::Txt } else { family.record_type() };
        let id = Id { account, key: RrsetKey::new(name, rtype) };
        if self.records.iter().any(|(known, ..)| *known == id) {
            return;
        }
        let families: Vec<Family> = match &derived {
            Some(derived) => derived.template.families().collect(),
            None => vec![family],
        };
        let joins = derived.is_some() || !push && rng.u8(..4) == 0;
        let spec = RecordSpec {
            uplinks: families.iter().map(|family| Uplink { family: *family, source: self.way(*family) }).collect(),
            derived,
            first_contact: if joins { FirstContact::Joins } else { FirstContact::Adopts },
            ttl: if rng.bool() { TtlPolicy::Keep } else { Ttl::new(300).map_or(TtlPolicy::Keep, TtlPolicy::Set) },
            whole: rng.u8(..4) == 0,
            private: false,
            absent_after: (rng.u8(..2) == 0).then(|| minutes(one_of(rng, &[10, 120, 1440]))),
        };
        self.records.push((id, spec, true));
    }

    fn way(&self, family: Family) -> Expression {
        let interface = || Expression::Source(source(0));
        let quorum = |of: usize| Expression::Quorum {
            need: NEED,
            of: (1..=of).map(|at| Expression::Source(source(at))).collect(),
        };
        match self.ways[family as usize] {
            Way::Interface => interface(),
            Way::Quorum(of) => quorum(of),
            Way::InterfaceThenQuorum(of) => Expression::FirstOf(vec![interface(), quorum(of)]),
            Way::Single => Expression::Source(source(self.alone())),
            Way::InterfaceThenSingle => {
                Expression::FirstOf(vec![interface(), Expression::Source(source(self.alone()))])
            }
        }
    }

    /// The source that is asked alone, and has no part in any quorum.
    pub fn alone(&self) -> usize {
        self.intervals.len() - 1
    }

    /// Whether a record set's address is learnt from it.
    pub fn is_alone(&self, spec: &RecordSpec) -> bool {
        spec.sources().any(|(name, _)| source_number(name) == self.alone())
    }

    pub fn detectors(&self) -> usize {
        self.intervals.len()
    }

    pub fn longest_interval(&self) -> Duration {
        self.intervals.iter().copied().max().unwrap_or_default()
    }

    /// The configuration for the machine: only what is declared, and only sources that are used.
    pub fn desired(&self) -> Desired {
        let mut desired = Desired { check: self.check, verify: self.verify, ..Desired::default() };
        for (id, spec, declared) in &self.records {
            let Some(account) = self.accounts.iter().find(|account| account.name == id.account).filter(|_| *declared)
            else {
                continue;
            };
            desired.accounts.insert(id.account.clone(), account.spec.clone());
            desired.records.insert(id.clone(), spec.clone());
            for (name, _) in spec.sources() {
                let at = source_number(name);
                let min_interval = self.intervals.get(at).copied().unwrap_or_default();
                let (operator, protocol) = origin(at, at == self.alone());
                let spec = SourceSpec { min_interval, ..SourceSpec::local(protocol, operator) };
                desired.sources.insert(name.clone(), spec);
            }
        }
        desired
    }

    /// Another configuration, as a person might make of this one.
    pub fn vary(&mut self, rng: &mut Rng) {
        let at = rng.usize(..self.records.len());
        match rng.u8(..8) {
            0..3 => {
                let other = self.records.iter().enumerate().any(|(other, (.., declared))| other != at && *declared);
                let declared = &mut self.records[at].2;
                *declared = !*declared || !other;
            }
            3 => {
                let spec = &mut self.records[at].1;
                spec.ttl = if spec.ttl == TtlPolicy::Keep {
                    Ttl::new(120).map_or(TtlPolicy::Keep, TtlPolicy::Set)
                } else {
                    TtlPolicy::Keep
                };
            }
            4 => {
                let spec = &mut self.records[at].1;
                spec.absent_after = if spec.absent_after.is_some() { None } else { Some(minutes(120)) };
            }
            5 => {
                let spec = &mut self.records[at].1;
                spec.whole = !spec.whole;
            }
            6 => {
                let family = Family::ALL[rng.usize(..2)];
                self.ways[family as usize] = one_way(self.alone() - 1, rng);
                let way = self.way(family);
                let uplinks = self.records.iter_mut().flat_map(|(_, spec, _)| &mut spec.uplinks);
                for uplink in uplinks.filter(|uplink| uplink.family == family) {
                    uplink.source = way.clone();
                }
            }
            _ => {}
        }
    }
}

/// What is made of addresses where that is declared.
const POLICIES: [&str; 2] = ["v=spf1 ip4:{ipv4} -all", "v=spf1 ip4:{ipv4} ip6:{ipv6} -all"];

fn derived(text: &str) -> Option<Box<Derived>> {
    let template = Template::parse(text, RecordType::Txt).ok()?;
    Some(Box::new(Derived { template, single: false, owns: None, tag: tag_of(text).map(str::to_owned) }))
}

/// A way to learn an address, with so many echoes for a quorum.
fn one_way(echoes: usize, rng: &mut Rng) -> Way {
    let of = 3 + rng.usize(..echoes - 2);
    match rng.u8(..8) {
        0 | 1 => Way::Interface,
        2..5 => Way::Quorum(of),
        5 => Way::InterfaceThenQuorum(of),
        6 => Way::Single,
        _ => Way::InterfaceThenSingle,
    }
}

pub fn account(at: usize, rng: &mut Rng) -> Declared {
    let shape = one_of(rng, &[Shape::Rrsets, Shape::Records, Shape::Jobs, Shape::Pending, Shape::Push, Shape::Push]);
    let push = shape == Shape::Push;
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let terms = Terms {
        readable: !push,
        width: if rng.u8(..4) == 0 { 2 } else { 1 },
        budget: if push { Budget::PUSH } else { Budget::RECORDS },
        settles_within: Duration::from_secs(60 + rng.u64(..240)),
        read_back_after: Duration::from_secs(rng.u64(1..5)),
        forgets_siblings: push && rng.u8(..4) != 0,
        refresh: (rng.u8(..if push { 2 } else { 8 }) == 0).then(|| days(25)),
        in_dns: rng.bool(),
    };
    let in_a_call = if push { one_of(rng, &[1, 3]) } else { one_of(rng, &[1, 2, 6]) };
    let service = if rng.bool() { "a service".into() } else { format!("service {at}") };
    Declared {
        name: AccountName(format!("account {at}")),
        shape,
        spec: AccountSpec { service, identity: "login".into(), terms },
        in_a_call,
    }
}
