//! The rules, each played through by hand: events in, effects answered, time moved from wake-up to wake-up. This is the rig that
//! all of them stand on; the tests are in the files below it, by subject.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::standing::Standing;
use super::*;
use crate::model::agree::{Expression, Reading, SourceName};
use crate::model::desired::{AccountSpec, RecordSpec, SourceSpec, TtlPolicy};
use crate::model::error::{Kind, Result, Scope};
use crate::model::evidence::Protocol;
use crate::model::ledger::{AsOf, Entry, Fingerprint, Reason, Wait};
use crate::model::name::Name;
use crate::model::plan::{Applied, Health, Seen, Settled, Sibling, Snapshot, Ticket};
use crate::model::record::{Family, RecordType, RrsetKey, Ttl, Value};
use crate::model::terms::{Budget, Terms};
use crate::model::time::Wall;

mod absence;
mod derived;
mod doubt;
mod foreign;
mod holds;
mod jobs;
mod ledger;
mod names;
mod pauses;
mod proofs;
mod reload;
mod reports;
mod siblings;
mod sources;
mod uplinks;
mod writing;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn readable() -> Terms {
    Terms {
        readable: true,
        width: 1,
        budget: Budget::RECORDS,
        settles_within: MINUTE,
        read_back_after: SECOND,
        forgets_siblings: false,
        refresh: None,
        in_dns: false,
    }
}

fn push() -> Terms {
    Terms { readable: false, budget: Budget::PUSH, forgets_siblings: true, ..readable() }
}

/// A push service that keeps the family that a request does not name.
fn alone() -> Terms {
    Terms { forgets_siblings: false, ..push() }
}

fn account() -> AccountName {
    AccountName("account".into())
}

fn key(rtype: RecordType) -> RrsetKey {
    RrsetKey::new("home.example.org".parse().unwrap(), rtype)
}

fn id() -> Id {
    Id { account: account(), key: key(RecordType::A) }
}

fn named(label: &str) -> Id {
    let name: Name = format!("{label}.example.org").parse().unwrap();
    Id { account: account(), key: RrsetKey::new(name, RecordType::A) }
}

fn source() -> SourceName {
    SourceName("source".into())
}

fn other_source() -> SourceName {
    SourceName("other".into())
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

fn ipv6(last: u16) -> IpAddr {
    IpAddr::from([0x2a00, 0x1450, 0, 0, 0, 0, 0, last])
}

fn values(last: &[u8]) -> Values {
    last.iter().map(|last| Value::V4([198, 51, 100, *last].into())).collect()
}

/// What a service holds that tells no TTL.
fn seen(last: &[u8]) -> Seen {
    let snapshot = Snapshot::none();
    match values(last) {
        none if none.is_empty() => Seen::Absent(snapshot),
        values => Seen::Holds { values, ttl: None, health: Health::Live, mixed: false, snapshot },
    }
}

fn absent() -> Result<Seen> {
    Ok(seen(&[]))
}

fn spec() -> RecordSpec {
    RecordSpec { private: true, ..RecordSpec::of(Family::Ipv4, Expression::Source(source())) }
}

/// The same for AAAA.
fn spec_of_ipv6() -> RecordSpec {
    RecordSpec { private: true, ..RecordSpec::of(Family::Ipv6, Expression::Source(source())) }
}

fn desired(terms: Terms) -> Desired {
    let declared = AccountSpec { service: "service".into(), identity: "one".into(), terms };
    Desired {
        accounts: BTreeMap::from([(account(), declared)]),
        sources: BTreeMap::from([(source(), SourceSpec::local(Protocol::File, "source"))]),
        records: BTreeMap::from([(id(), spec())]),
        check: 5 * MINUTE,
        verify: 6 * 60 * MINUTE,
    }
}

/// A source out in the world, each with an operator of its own.
fn public(source: &SourceName, min_interval: Duration) -> SourceSpec {
    SourceSpec { min_interval, ..SourceSpec::local(Protocol::Https, source.0.clone()) }
}

/// Record sets a, b, … of one account.
fn several(terms: Terms, labels: &[&str]) -> Desired {
    Desired { records: labels.iter().map(|label| (named(label), spec())).collect(), ..desired(terms) }
}

/// A started machine for several record sets, each in a batch of its own.
fn apart(terms: Terms, labels: &[&str]) -> Rig {
    let mut rig = Rig::one_by_one(several(terms, labels));
    rig.says(1);
    rig.feed(Event::Start);
    rig
}

fn failed(kind: Kind) -> Error {
    Error::new(kind, "updating", "so it said")
}

fn limited(seconds: u64) -> Error {
    failed(Kind::RateLimited { after: Some(Duration::from_secs(seconds)) })
}

fn held(rig: &Rig) -> Option<Reason> {
    match rig.standing() {
        Standing::Held { hold, .. } => Some(hold.reason),
        _ => None,
    }
}

/// A machine with its surroundings: detectors, disk and settings answer by themselves, services by the test. What a test feeds in is
/// answered as far as that, and what is left stays open; what it only follows is handed to it.
struct Rig {
    state: State,
    now: Now,
    rng: fastrand::Rng,
    readings: BTreeMap<Family, Reading>,
    disk: Documents,
    writable: bool,
    print: Fingerprint,
    saves: usize,
    /// How many changes share a batch.
    chunk: usize,
    /// Effects that the test answers.
    open: Vec<Effect>,
    /// What people were told.
    notices: Vec<Notice>,
}

impl Rig {
    fn new(desired: Desired, documents: &Documents) -> Self {
        let now = Now { moment: Moment(1_000_000_000), wall: Wall(1_800_000_000) };
        Self {
            state: State::new(desired, documents, "boot", true, Mode::Run, now),
            now,
            rng: fastrand::Rng::with_seed(1),
            readings: BTreeMap::new(),
            disk: documents.clone(),
            writable: true,
            print: "print".into(),
            saves: 0,
            chunk: 20,
            open: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// The same with each change in a call of its own.
    fn one_by_one(desired: Desired) -> Self {
        Self { chunk: 1, ..Self::new(desired, &Documents::new()) }
    }

    fn started(terms: Terms, last: u8) -> Self {
        let mut rig = Self::new(desired(terms), &Documents::new());
        rig.says(last);
        rig.feed(Event::Start);
        rig
    }

    /// The source says this from now on; the machine is not told.
    fn says(&mut self, last: u8) {
        self.readings.insert(Family::Ipv4, Reading::Addresses(vec![[198, 51, 100, last].into()]));
    }

    /// The address changes, and the kernel says so.
    fn changes_to(&mut self, last: u8) {
        self.says(last);
        self.feed(Event::Look(Network::Changed));
    }

    fn feed(&mut self, event: Event) {
        let mut effects = VecDeque::from(self.follow(event));
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Detect(questions) => effects.extend(self.answered(questions)),
                other => self.open.push(other),
            }
        }
    }

    /// What follows of an event, saves, cuts and looks at settings being carried out at once.
    fn follow(&mut self, event: Event) -> Vec<Effect> {
        let (mut events, mut rest) = (VecDeque::from([event]), Vec::new());
        while let Some(event) = events.pop_front() {
            for effect in step(&mut self.state, event, self.now, &mut self.rng) {
                match effect {
                    Effect::Tell(notice) => self.notices.push(notice),
                    Effect::DropConnections => {}
                    Effect::Save(documents) => {
                        self.saves += 1;
                        if self.writable {
                            self.disk.extend(documents);
                        }
                        events.push_back(Event::Saved(self.writable));
                    }
                    Effect::Cut(account, plan) => events.push_back(Event::Cut(account, plan.chunks(self.chunk))),
                    Effect::LookAt(account) => events.push_back(Event::Looked(account, self.print.clone())),
                    other => rest.push(other),
                }
            }
            assert!(rest.len() < 100, "it spins: {rest:?}");
        }
        rest
    }

    /// Answers questions to sources.
    fn answered(&mut self, questions: Vec<(SourceName, Family)>) -> Vec<Effect> {
        let unknown = Reading::Unknown("silent".into());
        let answer = |(source, family)| (source, family, self.readings.get(&family).unwrap_or(&unknown).clone());
        let readings = questions.into_iter().map(answer).collect();
        self.follow(Event::Readings(readings))
    }

    /// Lets time pass, from wake-up to wake-up.
    fn pass(&mut self, time: Duration) {
        let end = self.now.moment.plus(time);
        for _ in 0..10_000 {
            let Some(wake) = self.state.wake_at(self.now).filter(|wake| *wake <= end) else { break };
            self.move_to(wake.max(self.now.moment));
            self.feed(Event::Time);
        }
        self.move_to(end);
        self.feed(Event::Time);
    }

    fn move_to(&mut self, moment: Moment) {
        let passed = moment.since(self.now.moment).as_secs();
        self.now = Now { moment, wall: Wall(self.now.wall.0 + i64::try_from(passed).unwrap()) };
    }

    fn take(&mut self) -> Effect {
        assert_eq!(self.open.len(), 1, "one call is open: {:?}", self.open);
        self.open.remove(0)
    }

    /// The one open call is a read; it is answered, as if it had been asked just now.
    fn reads(&mut self, answer: Result<Seen>) {
        let Effect::Read(account, keys) = self.take() else { panic!("a read was due") };
        self.state.accounts.values_mut().for_each(|account| account.lane.asked_at = self.now.moment);
        let answers = keys.into_iter().map(|key| (key, answer.clone())).collect();
        self.feed(Event::Read(account, self.print.clone(), answers));
    }

    /// The one open call is a change to these values; it is answered.
    fn applies(&mut self, last: &[u8], answer: Result<Applied>) {
        let Effect::Apply(account, number, batch) = self.take() else { panic!("a change was due") };
        assert_eq!(batch.changes[0].after, values(last));
        let outcomes = vec![answer; batch.changes.len()];
        self.feed(Event::Applied(account, number, self.print.clone(), outcomes));
    }

    fn standing(&self) -> Standing {
        self.state.standing(&id())
    }

    fn idle(&self) {
        assert!(self.open.is_empty(), "nothing was to be done: {:?}", self.open);
    }

    /// Answers the open read, record set by record set.
    fn reads_each(&mut self, mut answer: impl FnMut(&Id) -> Result<Seen>) {
        let Effect::Read(account, keys) = self.take() else { panic!("a read was due") };
        let answers =
            keys.into_iter().map(|key| (key.clone(), answer(&Id { account: account.clone(), key }))).collect();
        self.feed(Event::Read(account, self.print.clone(), answers));
    }

    /// Answers this batch.
    fn answers(&mut self, effect: Effect, answer: Result<Applied>) {
        let Effect::Apply(account, number, batch) = effect else { panic!("a change: {effect:?}") };
        self.feed(Event::Applied(account, number, self.print.clone(), vec![answer; batch.changes.len()]));
    }

    /// Lets time pass and answers every read and write in the same way; counts them.
    fn calls(
        &mut self,
        time: Duration,
        read: impl Fn(&Id) -> Result<Seen>,
        applied: &Result<Applied>,
    ) -> (usize, usize) {
        let (mut reads, mut writes) = (0, 0);
        let end = self.now.moment.plus(time);
        loop {
            while !self.open.is_empty() {
                match self.open.remove(0) {
                    Effect::Read(account, keys) => {
                        reads += 1;
                        let id = |key: &RrsetKey| Id { account: account.clone(), key: key.clone() };
                        let answers = keys.iter().map(|key| (key.clone(), read(&id(key)))).collect();
                        self.feed(Event::Read(account.clone(), self.print.clone(), answers));
                    }
                    effect @ Effect::Apply(..) => {
                        writes += 1;
                        self.answers(effect, applied.clone());
                    }
                    other => panic!("{other:?}"),
                }
                assert!(reads + writes < 1_500, "it spins");
            }
            let Some(wake) = self.state.wake_at(self.now).filter(|wake| *wake <= end) else { break };
            self.move_to(wake.max(self.now.moment));
            self.feed(Event::Time);
        }
        self.move_to(end);
        (reads, writes)
    }

    /// The process dies and another one takes its place.
    fn restart(&mut self) -> Vec<Effect> {
        let desired = self.state.desired().clone();
        self.state = State::new(desired, &self.disk, "boot", self.writable, Mode::Run, self.now);
        self.follow(Event::Start)
    }

    /// Time goes on, and whatever the machine wants to be woken for is done, readings being given at once.
    fn lapse(&mut self, time: Duration, last: Option<u8>) -> Vec<Effect> {
        let end = self.now.moment.plus(time);
        let mut rest = Vec::new();
        while let Some(at) = self.state.wake_at(self.now).filter(|at| *at <= end) {
            self.move_to(at.max(self.now.moment));
            let effects = self.follow(Event::Time);
            rest.extend(self.told(effects, last));
        }
        self.move_to(end);
        rest
    }

    /// Answers questions to the source, which says this from now on, and gives what else was asked for.
    fn told(&mut self, effects: Vec<Effect>, last: Option<u8>) -> Vec<Effect> {
        let said = last.map_or(Reading::None, |last| Reading::Addresses(vec![address(last)]));
        self.readings.insert(Family::Ipv4, said);
        let (mut effects, mut rest) = (VecDeque::from(effects), Vec::new());
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Detect(questions) => effects.extend(self.answered(questions)),
                other => rest.push(other),
            }
        }
        rest
    }

    /// The process starts and learns of its address.
    fn start(&mut self, last: u8) -> Vec<Effect> {
        let effects = self.follow(Event::Start);
        let mut rest = self.told(effects, Some(last));
        rest.extend(self.lapse(10 * SECOND, Some(last)));
        rest
    }

    /// The address is another one.
    fn change(&mut self, last: u8) -> Vec<Effect> {
        let effects = self.follow(Event::Look(Network::Changed));
        let mut rest = self.told(effects, Some(last));
        rest.extend(self.lapse(10 * SECOND, Some(last)));
        rest
    }

    fn read(&mut self, name: &str, answer: Result<Seen>) -> Vec<Effect> {
        self.follow(Event::Read(account(), self.print.clone(), vec![(named(name).key, answer)]))
    }

    fn applied(&mut self, effects: &[Effect], outcome: Result<Applied>) -> Vec<Effect> {
        let (number, count) = flying(effects);
        self.follow(Event::Applied(account(), number, self.print.clone(), vec![outcome; count]))
    }

    /// Time goes on, and all calls are answered at once: reads with `seen`, writes with `outcome`. Counts the writes.
    fn answer(
        &mut self,
        time: Duration,
        last: u8,
        seen: impl Fn() -> Result<Seen>,
        outcome: &Result<Applied>,
    ) -> usize {
        let end = self.now.moment.plus(time);
        let (mut open, mut count) = (Vec::new(), 0);
        loop {
            match open.pop() {
                Some(Effect::Read(_, keys)) => {
                    let answers = keys.into_iter().map(|key| (key, seen())).collect();
                    open.extend(self.follow(Event::Read(account(), self.print.clone(), answers)));
                }
                Some(Effect::Apply(_, number, batch)) => {
                    count += 1;
                    let outcomes = vec![outcome.clone(); batch.changes.len()];
                    open.extend(self.follow(Event::Applied(account(), number, self.print.clone(), outcomes)));
                }
                Some(_) => {}
                None => match self.state.wake_at(self.now).filter(|at| *at <= end) {
                    Some(at) => {
                        self.move_to(at.max(self.now.moment));
                        let effects = self.follow(Event::Time);
                        open.extend(self.told(effects, Some(last)));
                    }
                    None => return count,
                },
            }
        }
    }

    /// The keys that are asked for.
    fn asked(&self, effects: &[Effect]) -> Vec<RrsetKey> {
        let keys = |effect: &Effect| match effect {
            Effect::Read(_, keys) => keys.clone(),
            _ => Vec::new(),
        };
        effects.iter().flat_map(keys).collect()
    }

    fn standing_of(&self, name: &str) -> Standing {
        self.state.standing(&named(name))
    }
}

/// A record set that somebody else changed back twice within an hour.
fn contended() -> Rig {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1])));
    for round in 0..2 {
        rig.pass(MINUTE);
        rig.feed(Event::Update(Target::All));
        rig.reads(Ok(seen(&[7])));
        if round == 0 {
            rig.applies(&[1], Ok(Applied::Done));
            rig.pass(SECOND);
            rig.reads(Ok(seen(&[1])));
        }
    }
    assert_eq!(held(&rig), Some(Reason::Contended));
    rig
}

/// The number of the call that writes, and of how many changes it consists.
fn flying(effects: &[Effect]) -> (u64, usize) {
    let of = |effect: &Effect| match effect {
        Effect::Apply(_, number, batch) => Some((*number, batch.changes.len())),
        _ => None,
    };
    effects.iter().find_map(of).unwrap_or_else(|| panic!("nothing is written: {effects:?}"))
}

fn reads(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Read(..)))
}

fn writes(effects: &[Effect]) -> Vec<Values> {
    let after = |effect: &Effect| match effect {
        Effect::Apply(_, _, batch) => batch.changes.iter().map(|change| change.after.clone()).collect(),
        _ => Vec::new(),
    };
    effects.iter().flat_map(after).collect()
}
