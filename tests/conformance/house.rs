//! The machine with one account, its effects carried out on the real provider; time is a number that the case moves on.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use driftless::model::agree::{Expression, Reading, SourceName};
use driftless::model::desired::{
    AccountName, AccountSpec, Derived, Desired, FirstContact, Id, RecordSpec, SourceSpec, TtlPolicy,
};
use driftless::model::error::{Error, Kind};
use driftless::model::evidence::Protocol;
use driftless::model::ledger::{Entry, Hold};
use driftless::model::machine::standing::Standing;
use driftless::model::machine::{Document, Effect, Event, Mode, Network, Proof, State, Target, step};
use driftless::model::record::{Family, RecordType, RrsetKey, Ttl};
use driftless::model::template::Template;
use driftless::model::time::{Moment, Now, Wall};
use driftless::provider::Provider;

use super::subject::{Column, Subject, provider};

/// A minute.
pub const MINUTE: Duration = Duration::from_secs(60);
/// An hour.
pub const HOUR: Duration = Duration::from_secs(3600);
/// A day.
pub const DAY: Duration = Duration::from_secs(86_400);

/// How often a machine may wake up within one millisecond before it is called a busy loop.
const PATIENCE: usize = 50;

/// One machine with one account at the subject's service.
pub struct House<'a> {
    subject: &'a dyn Subject,
    provider: Arc<dyn Provider>,
    state: State,
    rng: fastrand::Rng,
    now: Now,
    documents: BTreeMap<String, Document>,
    addresses: BTreeMap<Family, Reading>,
    print: String,
}

/// A record set that the configuration declares.
#[derive(Clone)]
pub struct Declared {
    key: RrsetKey,
    ttl: TtlPolicy,
    absent_after: Option<Duration>,
    value: Option<&'static str>,
}

/// Declares a record set: the TTL is kept, nothing is ever removed.
pub fn declare(key: &RrsetKey) -> Declared {
    Declared { key: key.clone(), ttl: TtlPolicy::Keep, absent_after: None, value: None }
}

impl Declared {
    /// With a TTL.
    pub fn ttl(self, seconds: u32) -> Self {
        Self { ttl: TtlPolicy::Set(Ttl::new(seconds).expect("a TTL")), ..self }
    }

    /// With a value that is made of addresses.
    pub fn value(self, value: &'static str) -> Self {
        Self { value: Some(value), ..self }
    }

    /// Ours is removed when there was no address for so long.
    pub fn absent_after(self, after: Duration) -> Self {
        Self { absent_after: Some(after), ..self }
    }
}

fn account() -> AccountName {
    AccountName("home".into())
}

fn source() -> SourceName {
    SourceName("here".into())
}

fn desired(column: &Column, provider: &dyn Provider, records: &[Declared]) -> Desired {
    let spec = |record: &Declared| {
        let derived = record.value.map(|value| {
            let template = Template::parse(value, record.key.rtype).expect("a template");
            Box::new(Derived { template, single: false, owns: None, tag: None })
        });
        let family = record.key.rtype.family().unwrap_or(Family::Ipv4);
        let first_contact = if derived.is_some() { FirstContact::Joins } else { FirstContact::Adopts };
        let followed = RecordSpec::of(family, Expression::Source(source()));
        // The documentation's addresses are not public.
        let (ttl, absent_after) = (record.ttl, record.absent_after);
        RecordSpec { ttl, private: true, absent_after, derived, first_contact, ..followed }
    };
    let terms = provider.terms();
    let declared = AccountSpec { service: column.provider.into(), identity: "one login".into(), terms };
    let id = |record: &Declared| Id { account: account(), key: record.key.clone() };
    Desired {
        accounts: [(account(), declared)].into(),
        sources: [(source(), SourceSpec::local(Protocol::Fixed, "a test"))].into(),
        records: records.iter().map(|record| (id(record), spec(record))).collect(),
        check: 5 * MINUTE,
        verify: 6 * HOUR,
    }
}

impl<'a> House<'a> {
    /// Starts a machine whose only source says these addresses, and lets a minute pass.
    pub async fn start(column: &Column, subject: &'a dyn Subject, records: &[Declared], addresses: &[&str]) -> Self {
        let documents = BTreeMap::new();
        let now = Now { moment: Moment(1_000_000_000), wall: Wall(1_800_000_000) };
        let mut house = Self::build(column, subject, records, documents, now);
        house.sees(addresses);
        house.feed(Event::Start).await;
        house.pass(MINUTE).await;
        house
    }

    /// The process ends, and another one starts with what is on disk.
    pub async fn restart(mut self, column: &Column, records: &[Declared]) -> Self {
        self.feed(Event::Stop).await;
        assert!(self.state.is_idle(), "a stop leaves nothing under way");
        let mut house = Self::build(column, self.subject, records, self.documents, self.now);
        (house.addresses, house.print) = (self.addresses, self.print);
        house.feed(Event::Start).await;
        house
    }

    fn build(
        column: &Column,
        subject: &'a dyn Subject,
        records: &[Declared],
        documents: BTreeMap<String, Document>,
        now: Now,
    ) -> Self {
        let provider = provider(column, subject);
        let desired = desired(column, &*provider, records);
        let state = State::new(desired, &documents, "a boot", true, Mode::Run, now);
        let (rng, print) = (fastrand::Rng::with_seed(7), "as they were".into());
        Self { subject, provider, state, rng, now, documents, addresses: BTreeMap::new(), print }
    }

    /// From now on the source says these addresses; a family without one is unknown.
    pub fn sees(&mut self, addresses: &[&str]) {
        self.addresses.clear();
        for address in addresses {
            let address: IpAddr = address.parse().expect("an address");
            self.addresses.insert(Family::of(address), Reading::Addresses(vec![address]));
        }
    }

    /// From now on the source says with certainty that there is no address.
    pub fn sees_none(&mut self) {
        self.addresses = Family::ALL.into_iter().map(|family| (family, Reading::None)).collect();
    }

    /// The network gives this machine other addresses; a minute passes.
    pub async fn moves(&mut self, addresses: &[&str]) {
        self.sees(addresses);
        self.feed(Event::Look(Network::Changed)).await;
        self.pass(MINUTE).await;
    }

    /// The secret of the account is another one.
    pub fn secret_changed(&mut self) {
        self.print = "as they are now".into();
    }

    /// The network moved; hardly any time passes.
    pub async fn glance(&mut self) {
        self.feed(Event::Look(Network::Changed)).await;
    }

    /// A person asks for everything to be looked at; a minute passes.
    pub async fn update(&mut self) {
        self.feed(Event::Update(Target::All)).await;
        self.pass(MINUTE).await;
    }

    /// Time passes, and the machine wakes up whenever it wants to.
    pub async fn pass(&mut self, span: Duration) {
        let end = self.now.moment.plus(span);
        let mut in_a_row = 0;
        while let Some(at) = self.state.wake_at(self.now).filter(|at| *at <= end) {
            in_a_row = if at > self.now.moment { 0 } else { in_a_row + 1 };
            assert!(in_a_row < PATIENCE, "a busy loop: it wants to be woken at {at:?} again and again");
            self.to(at.max(self.now.moment));
            self.feed(Event::Time).await;
        }
        self.to(end);
        self.feed(Event::Time).await;
    }

    fn to(&mut self, moment: Moment) {
        let later = i64::try_from(moment.since(self.now.moment).as_millis()).expect("a short time");
        // Whole seconds of the wall clock may lag behind by less than one.
        self.now = Now { moment, wall: Wall(self.now.wall.0 + later / 1000) };
    }

    async fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in step(&mut self.state, event, self.now, &mut self.rng) {
                events.extend(self.carry_out(effect).await);
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Detect(questions) => {
                let blind = || Reading::Unknown("blind".into());
                let answer = |family| self.addresses.get(&family).cloned().unwrap_or_else(blind);
                let readings = questions.into_iter().map(|(source, family)| (source, family, answer(family)));
                return Some(Event::Readings(readings.collect()));
            }
            Effect::Read(account, keys) => {
                let answers = self.provider.read(&keys).await;
                assert_eq!(answers.len(), keys.len(), "one answer a key");
                return Some(Event::Read(account, self.print.clone(), keys.into_iter().zip(answers).collect()));
            }
            Effect::Cut(account, plan) => {
                let batches = self.provider.batches(&plan);
                let cut: usize = batches.iter().map(|batch| batch.changes.len()).sum();
                assert_eq!(cut, plan.changes.len(), "every change is in one batch");
                return Some(Event::Cut(account, batches));
            }
            Effect::Apply(account, number, batch) => {
                let outcomes = self.provider.apply(&batch).await;
                assert_eq!(outcomes.len(), batch.changes.len(), "one outcome a change");
                return Some(Event::Applied(account, number, self.print.clone(), outcomes));
            }
            Effect::Settle(account, key, ticket) => {
                let settled = self.provider.settle(&ticket).await;
                return Some(Event::Settled(account, key, ticket, self.print.clone(), settled));
            }
            // What the service holds is what its name servers answer.
            Effect::Resolve(id, values) => {
                let held = self.subject.held(&id.key).map(|held| held.values).unwrap_or_default();
                let seen = values.is_subset(&held);
                return Some(Event::Resolved(id, if seen { Proof::Seen } else { Proof::NotYet(format!("{held:?}")) }));
            }
            Effect::LookAt(account) => return Some(Event::Looked(account, self.print.clone())),
            Effect::Save(documents) => {
                for (key, document) in documents {
                    match document {
                        Some(_) => drop(self.documents.insert(key, document)),
                        None => drop(self.documents.remove(&key)),
                    }
                }
                return Some(Event::Saved(true));
            }
            Effect::DropConnections => self.provider.network_changed(),
            Effect::Tell(_) => {}
        }
        None
    }

    /// How a record set stands.
    pub fn standing(&self, key: &RrsetKey) -> Standing {
        self.state.standing(&Id { account: account(), key: key.clone() })
    }

    /// What is remembered of a record set.
    pub fn entry(&self, key: &RrsetKey) -> &Entry {
        self.state.views(self.now).find(|view| view.id.key == *key).expect("it is declared").entry
    }

    /// The hold of a record set or its account, and whether it is the account's.
    pub fn held(&self, key: &RrsetKey) -> (Hold, bool) {
        match self.standing(key) {
            Standing::Held { hold, account } => (hold, account),
            other => panic!("{key} is not held: {other:?}"),
        }
    }

    /// The error that a record set which is tried again failed with.
    pub fn failing(&self, key: &RrsetKey) -> Error {
        match self.standing(key) {
            Standing::Failing { error: Some(error) } => error,
            other => panic!("{key} is not failing: {other:?}"),
        }
    }

    /// Fails unless the service holds exactly this, and the machine knows.
    pub fn assert_holds(&self, key: &RrsetKey, addresses: &[&str]) {
        let held = self.subject.held(key).map(|held| held.values).unwrap_or_default();
        assert_eq!(held, super::subject::values(addresses), "{key}; {:?}", self.standing(key));
        assert_eq!(self.standing(key), Standing::UpToDate, "{key}");
    }

    /// Fails where the machine believes that the service holds this.
    pub fn assert_is_not_confirmed(&self, key: &RrsetKey, addresses: &[&str]) {
        assert!(!self.entry(key).is_confirmed(&super::subject::values(addresses), None), "{key}");
    }
}

/// Fails unless an error is one that passes by itself.
pub fn assert_transient(error: &Error) {
    assert_eq!(error.kind, Kind::Transient, "{error}");
}

/// The A record of a label of the subject's zone.
pub fn a(subject: &dyn Subject, label: &str) -> RrsetKey {
    RrsetKey::new(subject.name(label), RecordType::A)
}

/// The AAAA record of a label of the subject's zone.
pub fn aaaa(subject: &dyn Subject, label: &str) -> RrsetKey {
    RrsetKey::new(subject.name(label), RecordType::Aaaa)
}
