//! Several machines at one service, each with two uplinks that come and go: they share a name, or fight over it.

#![expect(clippy::expect_used, reason = "the names and templates that are parsed stand here")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use driftless::model::agree::{Expression, Reading, SourceName};
use driftless::model::desired::{AccountName, Derived, Desired, FirstContact, Id, RecordSpec, SourceSpec, Uplink};
use driftless::model::evidence::Protocol;
use driftless::model::ledger::Reason;
use driftless::model::machine::standing::Standing;
use driftless::model::machine::{Documents, Effect, Event, Mode, Network as Moved, Planted, State, step};
use driftless::model::plan::{Batch, Ticket};
use driftless::model::record::{Family, RecordType, RrsetKey, Value, Values, list};
use driftless::model::template::Template;
use driftless::model::time::{Moment, Now, Wall};
use fastrand::Rng;

use super::faults::{Counts, Fault};
use super::service::{Deed, Service};
use super::setup::{Declared, Shape, account};
use super::sim::{DAY, HOUR, Life, MINUTE, SECOND, Verdict};

/// How often a machine looks, and verifies.
const CHECK: u64 = 5 * MINUTE;
const VERIFY: u64 = HOUR;
/// By then all has come to rest: two verifications, the longest back-off, a job.
const REST: u64 = 2 * VERIFY * 11 / 10 + HOUR + 30 * MINUTE;

/// What the machines want of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Each its own part.
    Shared,
    /// Each all of it.
    Whole,
}

/// An uplink of a machine.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    up: bool,
    address: Option<u8>,
    /// What the machine was last told of it, while it was up, and since when that is so.
    told: Option<u8>,
    since: u64,
}

struct Machine {
    state: Option<State>,
    desired: Desired,
    disk: Documents,
    rng: Rng,
    links: [Link; 2],
    /// Counts processes: answers to earlier ones are lost.
    epoch: u64,
    wake: u64,
    writes: u64,
}

enum What {
    Read(Vec<RrsetKey>),
    Apply(u64, Batch),
    Settle(RrsetKey, Ticket),
}

enum Action {
    Start(usize),
    Wake(usize, u64),
    Deliver(usize, u64, Box<Event>),
    Land(usize, u64, What),
    Job(u64),
    Look(usize, Moved),
}

/// A moment, a number that tells those of one moment apart, and what happens then.
struct Item(u64, u64, Action);

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// The machines and what they work at.
pub struct Company {
    t: u64,
    number: u64,
    queue: BinaryHeap<Reverse<Item>>,
    rng: Rng,
    service: Service,
    machines: Vec<Machine>,
    wanted: Wanted,
    wrong: Option<String>,
    planted: Option<Planted>,
    steps: u64,
    faults: Counts,
    tracing: bool,
    trace: Vec<String>,
}

fn wan(at: usize) -> SourceName {
    SourceName(format!("wan{at}"))
}

fn key(rtype: RecordType) -> RrsetKey {
    RrsetKey::new("shared.example.org".parse().expect("a name"), rtype)
}

/// The address of a machine's uplink.
fn address(machine: usize, link: usize, n: u8) -> IpAddr {
    IpAddr::from([93, 184, u8::try_from(10 * machine + link).unwrap_or(0), n])
}

/// Whose a value is.
fn owner(value: &Value) -> Option<usize> {
    match value {
        Value::V4(address) => Some(usize::from(address.octets()[2] / 10)),
        Value::V6(_) => None,
        Value::Text(text) => text.strip_prefix("machine ")?.split(' ').next()?.parse().ok(),
    }
}

fn desired(machine: usize, declared: &Declared, wanted: Wanted) -> Desired {
    let name = AccountName("ours".into());
    let id = |rtype| Id { account: name.clone(), key: key(rtype) };
    let uplinks: Vec<Uplink> =
        (0..2).map(|at| Uplink { family: Family::Ipv4, source: Expression::Source(wan(at)) }).collect();
    let followed = RecordSpec {
        uplinks,
        whole: wanted == Wanted::Whole,
        first_contact: if wanted == Wanted::Shared { FirstContact::Joins } else { FirstContact::Adopts },
        ..RecordSpec::of(Family::Ipv4, Expression::Source(wan(0)))
    };
    let mut records = BTreeMap::from([(id(RecordType::A), followed.clone())]);
    if declared.shape != Shape::Push && wanted == Wanted::Shared {
        let template = Template::parse(&format!("machine {machine} at {{ipv4}}"), RecordType::Txt).expect("a template");
        let derived = Some(Box::new(Derived { template, single: false, owns: None, tag: None }));
        records.insert(id(RecordType::Txt), RecordSpec { derived, ..followed });
    }
    Desired {
        accounts: [(name, declared.spec.clone())].into(),
        sources: (0..2).map(|at| (wan(at), SourceSpec::local(Protocol::Interface, "us"))).collect(),
        records,
        check: Duration::from_millis(CHECK),
        verify: Duration::from_millis(VERIFY),
    }
}

impl Company {
    /// So many machines at a service of this shape.
    pub fn new(seed: u64, machines: usize, shape: Shape, wanted: Wanted) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut declared = loop {
            let found = account(0, &mut rng);
            if found.shape == shape {
                break found;
            }
        };
        // What cannot be read tells nothing but by its name servers.
        declared.spec.terms.in_dns |= shape == Shape::Push;
        let machines = (0..machines).map(|at| Machine {
            state: None,
            desired: desired(at, &declared, wanted),
            disk: Documents::new(),
            rng: rng.fork(),
            links: [Link { up: true, address: Some(1), ..Link::default() }; 2],
            epoch: 0,
            wake: 0,
            writes: 0,
        });
        let machines = machines.collect();
        let (queue, mut service) = (BinaryHeap::new(), Service::new(declared));
        // Readings do not lag here, and one machine's change must not bring back what another one has just taken away.
        service.by_difference = matches!(shape, Shape::Records | Shape::Jobs);
        let mut company = Self {
            t: 10 * SECOND,
            number: 0,
            queue,
            rng,
            service,
            machines,
            wanted,
            wrong: None,
            planted: None,
            steps: 0,
            faults: Counts::default(),
            tracing: false,
            trace: Vec::new(),
        };
        for at in 0..company.machines.len() {
            let begins = company.t + company.rng.u64(..HOUR);
            company.at(begins, Action::Start(at));
        }
        company
    }

    fn at(&mut self, at: u64, action: Action) {
        self.number += 1;
        self.queue.push(Reverse(Item(at, self.number, action)));
    }

    fn now(&self) -> Now {
        Now { moment: Moment(self.t), wall: Wall(1_780_000_000 + i64::try_from(self.t / SECOND).unwrap_or(0)) }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: u64) -> Verdict {
        let end = self.t + time;
        while self.queue.peek().is_some_and(|Reverse(item)| item.0 <= end) {
            let Some(Reverse(Item(at, _, action))) = self.queue.pop() else { break };
            self.t = self.t.max(at);
            self.act(action)?;
            if let Some(wrong) = self.wrong.take() {
                return Err(wrong);
            }
        }
        self.t = end;
        Ok(())
    }

    fn act(&mut self, action: Action) -> Verdict {
        match action {
            Action::Start(at) => self.start(at),
            Action::Wake(at, wake) if self.machines[at].wake == wake => self.feed(at, Event::Time),
            Action::Wake(..) => Ok(()),
            Action::Deliver(at, epoch, event) if self.machines[at].epoch == epoch => {
                if let Event::Readings(readings) = &*event {
                    self.machines[at].tell(readings, self.t);
                }
                self.feed(at, *event)
            }
            Action::Deliver(..) => Ok(()),
            Action::Land(at, epoch, what) => self.land(at, epoch, what),
            Action::Job(number) => self.service.end_job(number, self.t).map_or(Ok(()), |deed| self.check(&deed)),
            Action::Look(at, moved) => self.feed(at, Event::Look(moved)),
        }
    }

    /// A process of the machine begins; one that was there ends without a word.
    fn start(&mut self, at: usize) -> Verdict {
        let (now, held) = (self.now(), self.service.values(&key(RecordType::A)));
        let machine = &mut self.machines[at];
        for (link, of) in machine.links.iter_mut().enumerate() {
            // What was told to the process before and waited for its budget is known to nobody now.
            let is_held = |n: &u8| held.contains(&Value::from(address(at, link, *n)));
            of.told = of.told.filter(is_held);
        }
        machine.epoch += 1;
        let mut state = State::new(machine.desired.clone(), &machine.disk, "boot", true, Mode::Run, now);
        if let Some(bug) = self.planted {
            state.plant(bug);
        }
        machine.state = Some(state);
        self.feed(at, Event::Start)
    }

    fn feed(&mut self, at: usize, event: Event) -> Verdict {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = self.now();
            self.steps += 1;
            if self.tracing {
                self.trace.push(format!("{} ms, machine {at}: {event:?}", self.t));
            }
            let machine = &mut self.machines[at];
            let Some(state) = &mut machine.state else { return Ok(()) };
            for effect in step(state, event, now, &mut machine.rng) {
                events.extend(self.carry_out(at, effect));
            }
            if events.len() > 100 {
                return Err(format!("machine {at} spins"));
            }
        }
        let now = self.now();
        let Some(wake) = self.machines[at].state.as_ref().and_then(|state| state.wake_at(now)) else { return Ok(()) };
        self.machines[at].wake += 1;
        let token = self.machines[at].wake;
        self.at(wake.0.max(self.t), Action::Wake(at, token));
        Ok(())
    }

    fn carry_out(&mut self, at: usize, effect: Effect) -> Option<Event> {
        let (latency, epoch) = (self.rng.u64(10..2000), self.machines[at].epoch);
        let lands = self.t + latency;
        match effect {
            Effect::Tell(_) | Effect::DropConnections => {}
            Effect::Save(documents) => {
                self.machines[at].disk.extend(documents);
                return Some(Event::Saved(true));
            }
            Effect::Cut(account, plan) => return Some(Event::Cut(account, self.service.cut(&plan))),
            Effect::LookAt(account) => return Some(Event::Looked(account, self.service.print())),
            Effect::Detect(questions) => {
                let readings = questions.into_iter().map(|(source, family)| {
                    let link = usize::from(source == wan(1));
                    let reading = self.machines[at].ask(at, link);
                    (source, family, reading)
                });
                let readings = Event::Readings(readings.collect());
                self.at(self.t + latency / 20, Action::Deliver(at, epoch, Box::new(readings)));
            }
            Effect::Read(_, keys) => self.at(lands, Action::Land(at, epoch, What::Read(keys))),
            Effect::Apply(_, number, batch) => {
                self.machines[at].writes += 1;
                self.wrong = self.wrong.take().or(self.check_plan(at, &batch).err());
                self.at(lands, Action::Land(at, epoch, What::Apply(number, batch)));
            }
            Effect::Settle(_, key, ticket) => self.at(lands, Action::Land(at, epoch, What::Settle(key, ticket))),
            Effect::Resolve(id, values) => {
                let proof = self.service.proof(&id.key, &values, self.t, &mut self.rng);
                self.at(lands, Action::Deliver(at, epoch, Box::new(Event::Resolved(id, proof))));
            }
        }
        None
    }

    /// A call reaches the service.
    fn land(&mut self, at: usize, epoch: u64, what: What) -> Verdict {
        let (account, print) = (AccountName("ours".into()), self.service.print());
        let event = match what {
            What::Read(keys) => {
                let answers = keys.into_iter().map(|key| (key.clone(), self.service.read(&key, self.t)));
                Event::Read(account, print, answers.collect())
            }
            What::Apply(number, batch) => {
                let wholes = vec![self.wanted == Wanted::Whole; batch.changes.len()];
                let (outcomes, deeds) = self.service.apply(&batch, &wholes, self.t, &mut self.rng);
                for deed in deeds {
                    self.check(&deed)?;
                }
                for change in &batch.changes {
                    if let Some(job) = self.service.job_of(&change.key) {
                        let ends = self.t + self.rng.u64(SECOND..20 * SECOND);
                        self.at(ends, Action::Job(job));
                    }
                }
                Event::Applied(account, number, print, outcomes)
            }
            What::Settle(key, ticket) => {
                let result = self.service.settle(&key, &ticket);
                Event::Settled(account, key, ticket, print, result)
            }
        };
        let answered = self.t + self.rng.u64(10..1000);
        self.at(answered, Action::Deliver(at, epoch, Box::new(event)));
        Ok(())
    }

    /// A machine that shares a name brings and takes only what is its own, and nothing that an uplink never had.
    fn check_plan(&self, at: usize, batch: &Batch) -> Verdict {
        if self.wanted == Wanted::Whole {
            return Ok(());
        }
        for change in &batch.changes {
            let mut moved = change.added().chain(change.before.difference(&change.after));
            if let Some(other) = moved.find(|value| owner(value) != Some(at)) {
                return Err(format!("machine {at} touches {other}, which is not its own: {change}"));
            }
            // What was told a moment ago is on its way.
            let links = self.machines[at].links.iter().enumerate().filter(|(_, of)| of.since + SECOND < self.t);
            let told: Vec<IpAddr> = links.filter_map(|(link, of)| Some(address(at, link, of.told?))).collect();
            let lost = told.iter().find(|address| !change.after.iter().any(|value| names(value, **address)));
            if let Some(lost) = lost {
                return Err(format!(
                    "machine {at} leaves out {lost}, which an uplink was last known to have: {change}"
                ));
            }
        }
        Ok(())
    }

    /// Nobody takes away what somebody else has there.
    fn check(&self, deed: &Deed) -> Verdict {
        let gone: BTreeSet<_> = deed.before.difference(&deed.after).filter_map(owner).collect();
        if self.wanted == Wanted::Shared && gone.len() > 1 {
            let (before, after) = (list(&deed.before), list(&deed.after));
            return Err(format!("values of several machines are gone at once: {before} -> {after}"));
        }
        Ok(())
    }

    /// Links go down, come up, are renumbered, once or again and again; processes end and begin.
    pub fn trouble(&mut self, times: u32) -> Verdict {
        for _ in 0..times {
            let at = self.rng.usize(..self.machines.len());
            match self.rng.u8(..8) {
                0 => {
                    self.faults.count(Fault::Crash);
                    let back = self.t + self.rng.u64(SECOND..10 * MINUTE);
                    self.machines[at].state = None;
                    self.machines[at].epoch += 1;
                    self.at(back, Action::Start(at));
                }
                1 => {
                    self.faults.count(Fault::UplinkFlaps);
                    for _ in 0..self.rng.u8(3..15) {
                        self.move_a_link(at);
                        let pause = self.rng.u64(..10 * SECOND);
                        self.pass(pause)?;
                    }
                }
                _ => self.move_a_link(at),
            }
            let pause = if self.rng.bool() { self.rng.u64(..10 * SECOND) } else { self.rng.u64(..HOUR) };
            self.pass(pause)?;
        }
        Ok(())
    }

    fn move_a_link(&mut self, at: usize) {
        let n = self.rng.u8(1..250);
        let kind = self.rng.u8(..6);
        self.faults.count(if kind < 2 { Fault::UplinkTurns } else { Fault::UplinkMoves });
        let link = &mut self.machines[at].links[usize::from(self.rng.bool())];
        match kind {
            0 | 1 => link.up = !link.up,
            2 => link.address = None,
            _ => link.address = Some(n),
        }
        // One in four is never told.
        if self.rng.u8(..4) != 0 {
            let soon = self.t + self.rng.u64(1..2000);
            let moved = if self.rng.bool() { Moved::Changed } else { Moved::RouteVanished };
            self.at(soon, Action::Look(at, moved));
        }
    }

    /// All links are up, with addresses, and all machines run.
    pub fn mend(&mut self) {
        for at in 0..self.machines.len() {
            for link in &mut self.machines[at].links {
                (link.up, link.address) = (true, link.address.or(Some(1)));
            }
            if self.machines[at].state.is_none() {
                self.at(self.t, Action::Start(at));
            }
            self.at(self.t + SECOND, Action::Look(at, Moved::Changed));
        }
    }

    /// A link goes down and stays down.
    pub fn cut_a_link(&mut self) {
        let at = self.rng.usize(..self.machines.len());
        self.machines[at].links[0].up = false;
        self.at(self.t + 1, Action::Look(at, Moved::RouteVanished));
    }

    /// What all machines together have of a type.
    fn truth(&self, rtype: RecordType) -> Values {
        let addresses =
            |at: usize| (0..2).filter_map(move |link| Some(address(at, link, self.machines[at].links[link].address?)));
        (0..self.machines.len())
            .flat_map(|at| match rtype {
                RecordType::A => addresses(at).map(Value::from).collect::<Vec<_>>(),
                _ => {
                    let words: Vec<String> = addresses(at).map(|address| address.to_string()).collect();
                    vec![Value::Text(format!("machine {at} at {}", words.join(" ")))]
                }
            })
            .collect()
    }

    /// Everything has come to rest, and the name holds what all have, no more and no less.
    pub fn check_rest(&self) -> Verdict {
        let types = self.machines.first().map(|machine| machine.desired.records.keys().map(|id| id.key.rtype));
        for rtype in types.into_iter().flatten() {
            let (held, truth) = (self.service.values(&key(rtype)), self.truth(rtype));
            if held != truth {
                return Err(format!("{rtype} holds {}, and all together have {}", list(&held), list(&truth)));
            }
        }
        for (at, standing) in self.standings() {
            if standing != Standing::UpToDate {
                return Err(format!("machine {at} does not come to rest: {standing:?}"));
            }
        }
        Ok(())
    }

    /// How every record set of every machine stands.
    pub fn standings(&self) -> impl Iterator<Item = (usize, Standing)> {
        self.machines.iter().enumerate().flat_map(|(at, machine)| {
            let ids = machine.desired.records.keys();
            ids.filter_map(move |id| Some((at, machine.state.as_ref()?.standing(id))))
        })
    }

    /// Whether a machine says that somebody else works against it.
    pub fn is_reported(&self) -> bool {
        let now = self.now();
        self.machines.iter().filter_map(|machine| machine.state.as_ref()).any(|state| {
            state.views(now).any(|view| match &view.standing {
                Standing::Held { hold, .. } => hold.reason == Reason::Contended,
                _ => view.entry.error.is_some(),
            })
        })
    }

    /// The calls that write, of all machines.
    pub fn writes(&self) -> u64 {
        self.machines.iter().map(|machine| machine.writes).sum()
    }
}

fn names(value: &Value, address: IpAddr) -> bool {
    match value {
        Value::Text(text) => text.split(' ').any(|word| word == address.to_string()),
        value => value.address() == Some(address),
    }
}

impl Machine {
    /// What an uplink says of itself.
    fn ask(&self, machine: usize, link: usize) -> Reading {
        let of = &self.links[link];
        if !of.up {
            return Reading::Unknown("the link is down".into());
        }
        of.address.map_or(Reading::None, |n| Reading::Addresses(vec![address(machine, link, n)]))
    }

    /// What was said arrives.
    fn tell(&mut self, readings: &[(SourceName, Family, Reading)], t: u64) {
        for (source, _, reading) in readings {
            let of = &mut self.links[usize::from(*source == wan(1))];
            let told = match reading {
                Reading::Addresses(list) => list.first().map(|address| match address {
                    IpAddr::V4(address) => address.octets()[3],
                    IpAddr::V6(_) => 0,
                }),
                Reading::None => None,
                Reading::Behind(_) | Reading::Unknown(_) => continue,
            };
            if of.told != told {
                (of.told, of.since) = (told, t);
            }
        }
    }
}

impl Company {
    /// The same with an old bug in every machine.
    #[must_use]
    pub fn with(mut self, planted: Option<Planted>) -> Self {
        self.planted = planted;
        self
    }

    /// They share the name, through storms; what goes wrong.
    fn share(&mut self) -> Verdict {
        self.faults.count(Fault::MachinesShare);
        self.pass(REST + HOUR)?;
        for _ in 0..4 {
            self.trouble(20)?;
            self.mend();
            self.pass(REST)?;
            self.check_rest()?;
            // A link that is down changes nothing, for however long.
            self.cut_a_link();
            let before = self.writes();
            self.pass(3 * DAY)?;
            self.check_rest()?;
            if self.writes() != before {
                return Err(format!("{} writes although nothing changed", self.writes() - before));
            }
        }
        Ok(())
    }

    /// Each wants all of the name, for a month; what goes wrong in the second half of it.
    fn fight(&mut self, shape: Shape) -> Verdict {
        self.faults.count(Fault::MachinesFight);
        self.pass(HALF)?;
        let (before, mut said) = (self.writes(), 0);
        for _ in 0..HALF / HOUR {
            self.pass(HOUR)?;
            said += u64::from(self.is_reported());
        }
        let writes = self.writes() - before;
        // A push service tells by its name servers, which cause one write a day and machine at most.
        let most = if shape == Shape::Push { 30 } else { 0 };
        if writes > most {
            return Err(format!("a fight at {shape:?} is not damped: {writes} writes in half a month"));
        }
        if said <= HALF / HOUR / 2 {
            return Err(format!("a fight at {shape:?} is not told of: in {said} of {} hours", HALF / HOUR));
        }
        Ok(())
    }
}

/// Half a month.
const HALF: u64 = 15 * DAY;

/// The services at which machines fight.
pub const FIGHTS: [Shape; 5] = [Shape::Rrsets, Shape::Records, Shape::Jobs, Shape::Pending, Shape::Push];

fn sharers(seed: u64) -> Company {
    let shapes = [Shape::Rrsets, Shape::Records, Shape::Jobs, Shape::Pending];
    let mut rng = Rng::with_seed(seed);
    Company::new(seed, 2 + rng.usize(..2), shapes[rng.usize(..4)], Wanted::Shared)
}

/// Machines that share a name, through storms; what goes wrong.
pub fn share(seed: u64, planted: Option<Planted>) -> Verdict {
    sharers(seed).with(planted).share()
}

/// Two machines that each want all of a name, for a month; what goes wrong.
pub fn fight(seed: u64, shape: Shape, planted: Option<Planted>) -> Verdict {
    Company::new(seed, 2, shape, Wanted::Whole).with(planted).fight(shape)
}

/// A life of several machines: mostly they share a name, at times they fight over it. As long as that of all of them together.
pub fn live(seed: u64, planted: Option<Planted>, tracing: bool) -> Life {
    let mut rng = Rng::with_seed(!seed);
    let fights = (rng.u8(..4) == 0).then(|| FIGHTS[rng.usize(..FIGHTS.len())]);
    let company = fights.map_or_else(|| sharers(seed), |shape| Company::new(seed, 2, shape, Wanted::Whole));
    let mut company = Company { tracing, ..company.with(planted) };
    let verdict = match fights {
        Some(shape) => company.fight(shape),
        None => company.share(),
    };
    let wrong = verdict.err().map(|wrong| format!("{wrong}, at {} ms", company.t));
    let (millis, writes) = (company.t * company.machines.len() as u64, company.writes());
    Life { millis, steps: company.steps, writes, faults: company.faults, wrong, trace: company.trace }
}
