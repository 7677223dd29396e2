//! An honest engine in simulated time: it carries out effects, feeds back what comes of them, and may die at any point.

use std::collections::BTreeMap;

use driftless::model::agree::{Reading, SourceName};
use driftless::model::desired::{AccountName, Id};
use driftless::model::error::{Error, Result};
use driftless::model::machine::{Documents, Effect, Event, Mode, Network as Moved, State, step};
use driftless::model::plan::Applied;
use driftless::model::record::{Family, RrsetKey, Values};
use driftless::model::time::{Moment, Now, Wall};
use fastrand::Rng;

use super::faults::Fault;
use super::service::Deed;
use super::setup::source_number;
use super::sim::{Action, Bug, Call, DAY, Fate, MINUTE, Phase, SECOND, Sim, Verdict, What};

/// The wall clock when everything begins: a day in 2026.
const WALL: i64 = 1_780_000_000;
/// A wake-up that comes so much later than asked for means that the machine slept.
const JUMP: u64 = 60 * SECOND;
/// A call in flight gets this long when the process shall end.
const LAST_CALL: u64 = 10 * SECOND;
/// A call that takes longer is given up.
const CALL: u64 = 120 * SECOND;
/// How long a boot has lasted when it begins to be simulated.
const BOOT: u64 = 5 * SECOND;
/// So many steps at one moment are a machine that spins.
const SPIN: u32 = 500;

/// The ledger's disk: what is held in memory, what is durable, and what was at some time before.
#[derive(Debug, Default)]
pub struct Disk {
    held: Documents,
    pub durable: Documents,
    pub old: Documents,
    pub broken: bool,
    /// Something is held that is not durable.
    pub behind: bool,
}

impl Disk {
    fn save(&mut self, documents: Documents) -> bool {
        for (key, document) in documents {
            match document {
                Some(_) => self.held.insert(key, document),
                None => self.held.remove(&key),
            };
            self.behind = true;
        }
        if !self.broken {
            self.durable.clone_from(&self.held);
            self.behind = false;
        }
        !self.broken
    }

    fn open(&mut self) {
        self.held.clone_from(&self.durable);
        self.behind = false;
    }
}

/// A running process.
pub struct Process {
    pub state: State,
    rng: Rng,
    pub started: u64,
    stopping: bool,
    /// When it wants to be woken, and which of its wishes stands.
    wake: Option<u64>,
    token: u64,
    last_step: u64,
    steps_then: u32,
    /// What was pushed while nothing could be written.
    pub blind: BTreeMap<Id, u32>,
    /// What calls under way should make true, by the number of their batch.
    pub flying: BTreeMap<u64, Vec<(Id, Values)>>,
}

impl Sim {
    pub fn now(&self) -> Now {
        let wall = WALL + i64::try_from(self.t / SECOND).unwrap_or(0) + self.wall_off;
        Now { moment: Moment(self.t - self.booted_at + BOOT), wall: Wall(wall) }
    }

    /// When a moment of this boot is, in simulated time.
    pub fn at_moment(&self, moment: Moment) -> u64 {
        (self.booted_at + moment.0).saturating_sub(BOOT)
    }

    pub fn start(&mut self) -> Verdict {
        if self.process.is_some() {
            return Ok(());
        }
        self.disk.open();
        if self.boot != self.written_in && self.wall_off > self.wall_low {
            self.oracle.forget_times();
        }
        if self.boot == 0 {
            self.boot = 1;
        }
        let now = self.now();
        let boot = format!("boot {}", self.boot);
        let writable = !self.disk.broken;
        let mut state = State::new(self.setup.desired(), &self.disk.durable, &boot, writable, Mode::Run, now);
        if let Some(bug) = self.planted.and_then(Bug::planted) {
            state.plant(bug);
        }
        self.epoch += 1;
        self.note(|| format!("## a process starts, {boot}, disk {}", if writable { "good" } else { "broken" }));
        self.process = Some(Process {
            state,
            rng: self.rng.fork(),
            started: self.t,
            stopping: false,
            wake: None,
            token: 0,
            last_step: self.t,
            steps_then: 0,
            blind: BTreeMap::new(),
            flying: BTreeMap::new(),
        });
        if self.crash_loop > 0 {
            self.crash_loop -= 1;
            self.fault(Fault::CrashLoop);
            self.crash_in = Some(self.rng.u32(1..60));
        }
        self.feed(Event::Start)
    }

    /// The process is no more, with all it remembered.
    pub fn end_process(&mut self) {
        self.process = None;
        for service in &self.services {
            self.oracle.gone(&service.declared.name, service.declared.spec.terms.readable);
        }
        self.epoch += 1;
        if self.disk.behind {
            self.forget();
        }
        let rest = if self.phase != Phase::Storm {
            SECOND
        } else {
            match self.rng.u8(..4) {
                _ if self.crash_loop > 0 => self.rng.u64(..10 * SECOND),
                0 => self.rng.u64(..SECOND),
                1 | 2 => self.rng.u64(..10 * MINUTE),
                _ => self.rng.u64(..DAY / 4),
            }
        };
        if self.phase == Phase::Storm {
            self.while_down();
        }
        self.after(rest, Action::Start(self.epoch));
    }

    /// Feeds an event and all that follows from it at once.
    pub fn feed(&mut self, event: Event) -> Verdict {
        let (mut events, mut look) = (vec![event], false);
        while !events.is_empty() {
            let next = if self.is_last_in_first_out() { events.len() - 1 } else { 0 };
            let event = events.remove(next);
            let now = self.now();
            let Some(process) = &mut self.process else { return Ok(()) };
            if process.last_step != self.t {
                (process.last_step, process.steps_then) = (self.t, 0);
            }
            process.steps_then += 1;
            if process.steps_then > SPIN {
                return Err(format!("more than {SPIN} steps at one moment, the last with {event:?}"));
            }
            self.steps += 1;
            let told = self.trace_of(&event);
            let Some(process) = &mut self.process else { return Ok(()) };
            let is_time = matches!(event, Event::Time);
            let check = !matches!(event, Event::Time | Event::Readings(_) | Event::KeptBack(_) | Event::Saved(_));
            let effects = step(&mut process.state, event, now, &mut process.rng);
            if is_time && effects.is_empty() && process.state.wake_at(now).is_some_and(|at| at <= now.moment) {
                return Err("a time came, nothing was done, and it is to come at once again".into());
            }
            self.note(|| told);
            let check = check || !effects.is_empty();
            let saves = effects.iter().any(|effect| matches!(effect, Effect::Save(_)));
            for effect in effects {
                if let Some(left) = &mut self.crash_in {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        self.crash(saves);
                        return Ok(());
                    }
                }
                if let Some(event) = self.carry_out(effect)? {
                    events.push(event);
                }
            }
            look |= check;
        }
        if look {
            self.check_standing()?;
        }
        self.schedule()
    }

    pub fn crash(&mut self, unsaved: bool) {
        self.crash_in = None;
        self.fault(Fault::Crash);
        if unsaved {
            self.forget();
        }
        self.end_process();
    }

    fn trace_of(&self, event: &Event) -> String {
        if !self.is_tracing() {
            return String::new();
        }
        match event {
            Event::Reload(_) => "=> Reload".into(),
            event => format!("=> {event:?}"),
        }
    }

    /// When the process is next woken: a little later than the machine was asked at, and later still than it said.
    fn schedule(&mut self) -> Verdict {
        let now = self.now();
        let late = match self.rng.u8(..50) {
            0 => self.rng.u64(..SECOND),
            1..20 => self.rng.u64(..20),
            _ => 0,
        };
        let Some(process) = &mut self.process else { return Ok(()) };
        if process.stopping {
            if process.state.is_idle() {
                self.note(|| "## the process ends as it was told".into());
                self.end_process();
            }
            return Ok(());
        }
        let asked = Now { moment: Moment(now.moment.0 + late), wall: now.wall };
        let Some(wake) = process.state.wake_at(asked) else { return Err("the machine never wants to be woken".into()) };
        let at = self.at_moment(wake.max(asked.moment));
        let Some(process) = &mut self.process else { return Ok(()) };
        if process.wake != Some(at) {
            process.wake = Some(at);
            process.token += 1;
            let token = process.token;
            self.at(at, Action::Wake(token));
        }
        Ok(())
    }

    pub fn wake(&mut self, token: u64) -> Verdict {
        let Some(process) = &mut self.process else { return Ok(()) };
        let Some(wanted) = process.wake.filter(|_| process.token == token) else { return Ok(()) };
        process.wake = None;
        self.feed(if self.t.saturating_sub(wanted) > JUMP { Event::Look(Moved::Changed) } else { Event::Time })
    }

    pub fn stop(&mut self) -> Verdict {
        let Some(process) = self.process.as_mut().filter(|process| !process.stopping) else { return Ok(()) };
        process.stopping = true;
        self.after(LAST_CALL, Action::Kill(self.epoch));
        self.feed(Event::Stop)
    }

    pub fn is_listening(&self) -> bool {
        self.t >= self.frozen_until && self.process.as_ref().is_some_and(|process| !process.stopping)
    }

    fn carry_out(&mut self, effect: Effect) -> Result<Option<Event>, String> {
        if self.is_tracing() && !matches!(effect, Effect::Save(_)) {
            self.note(|| format!("   {effect:?}"));
        }
        match effect {
            Effect::Tell(_) | Effect::DropConnections => {}
            Effect::Save(documents) => return Ok(Some(Event::Saved(self.save(documents)))),
            Effect::Cut(account, plan) => {
                let service = self.service_of(&account).and_then(|at| self.services.get(at));
                let batches = service.map(|service| service.cut(&plan)).unwrap_or_default();
                return Ok(Some(Event::Cut(account, batches)));
            }
            Effect::LookAt(account) => {
                let Some(service) = self.service_of(&account) else { return Ok(None) };
                let print = self.services[service].print();
                self.oracle.looked(&account, &print);
                return Ok(Some(Event::Looked(account, print)));
            }
            Effect::Detect(questions) => {
                for (source, family) in questions {
                    self.detect(source, family);
                }
            }
            Effect::Read(account, keys) => {
                self.check_read(&account, &keys)?;
                self.call(account, What::Read(keys));
            }
            Effect::Apply(account, number, batch) => {
                self.writes += 1;
                self.check_apply(&account, &batch)?;
                let desired = self.process.as_ref().map(|process| process.state.desired().records.clone());
                let whole = |key: &RrsetKey| {
                    let id = Id { account: account.clone(), key: key.clone() };
                    desired.as_ref().and_then(|records| records.get(&id)).is_some_and(|spec| spec.whole)
                };
                if let Some(process) = &mut self.process {
                    let id = |key: &RrsetKey| Id { account: account.clone(), key: key.clone() };
                    let aims = batch.changes.iter().map(|change| (id(&change.key), change.after.clone()));
                    process.flying.insert(number, aims.collect());
                }
                let wholes = batch.changes.iter().map(|change| whole(&change.key)).collect();
                self.call(account, What::Apply(number, batch, wholes));
            }
            Effect::Settle(account, key, ticket) => {
                self.check_calls(&account)?;
                self.call(account, What::Settle(key, ticket));
            }
            Effect::Resolve(id, values) => self.resolve(id, &values),
        }
        Ok(None)
    }

    fn save(&mut self, documents: Documents) -> bool {
        self.saves += 1;
        self.wall_low = self.wall_low.min(self.wall_off);
        if self.rng.u8(..200) == 0 {
            self.disk.old.clone_from(&self.disk.durable);
        }
        let names: Vec<String> = if self.is_tracing() { documents.keys().cloned().collect() } else { Vec::new() };
        let done = self.disk.save(documents);
        self.note(|| format!("   Save({names:?}) -> {done}"));
        done
    }

    fn detect(&mut self, source: SourceName, family: Family) {
        let who = source_number(&source);
        let slow = self.network.manners.get(who) == Some(&super::network::Manner::Slow);
        let latency = if slow { self.rng.u64(3..10) * SECOND } else { self.rng.u64(1..800) };
        let exit = self.network.exit(who, family).filter(|_| self.planted == Some(Bug::VpnExit));
        let event = match (exit, self.network.held_back(who, family)) {
            (None, Some(why)) => return self.after(0, self.not_asked(source, family, why)),
            (Some(exit), _) => Event::Readings(vec![(source, family, exit)]),
            (None, None) => {
                let reading = self.network.ask(who, family, self.t, &mut self.rng);
                Event::Readings(vec![(source, family, reading)])
            }
        };
        self.after(latency, Action::Deliver(self.epoch, Box::new(event), Vec::new()));
    }

    fn not_asked(&self, source: SourceName, family: Family, why: String) -> Action {
        Action::Deliver(self.epoch, Box::new(Event::KeptBack(vec![(source, family, why)])), Vec::new())
    }

    fn resolve(&mut self, id: Id, values: &Values) {
        let Some(service) = self.service_of(&id.account) else { return };
        let proof = self.services[service].proof(&id.key, values, self.t, &mut self.rng);
        let latency = self.rng.u64(10..3000);
        self.after(latency, Action::Deliver(self.epoch, Box::new(Event::Resolved(id, proof)), Vec::new()));
    }

    /// A call sets out, well or badly.
    fn call(&mut self, account: AccountName, what: What) {
        let Some(service) = self.service_of(&account) else { return };
        let writes = matches!(what, What::Apply(..));
        let latency = if self.rng.u8(..20) == 0 { self.rng.u64(..30 * SECOND) } else { self.rng.u64(20..2000) };
        let mut call = Call {
            epoch: self.epoch,
            service,
            account,
            print: self.services[service].print(),
            what,
            fate: Fate::Answered,
            answer_at: self.t + latency,
        };
        let mut land_at = self.t + self.rng.u64(..=latency);
        if self.phase == Phase::Storm && self.chance(self.bad_calls) {
            let given_up = self.t + self.rng.u64(SECOND..CALL);
            match self.rng.u8(..8) {
                0 | 1 => {
                    self.fault(Fault::Transient);
                    return self.fail(call, |key| Error::transient(key.to_string(), "the simulator says so"));
                }
                2 => {
                    self.fault(Fault::TimeOut);
                    call.answer_at = given_up;
                    return self.fail(call, |key| Error::transient(key.to_string(), "no answer"));
                }
                3 => {
                    self.fault(Fault::TimeOutLanded);
                    (call.fate, call.answer_at) = (Fate::Lost, given_up);
                }
                4 if writes && self.rng.bool() => {
                    self.fault(Fault::LandsLate);
                    (call.fate, call.answer_at) = (Fate::Late, given_up);
                    land_at = given_up + self.rng.u64(..MINUTE);
                }
                4 if writes => {
                    self.fault(Fault::PartialBatch);
                    call.fate = Fate::Partial;
                }
                5 if writes => {
                    self.fault(Fault::Stale);
                    return self.fail(call, |key| Error::stale(key.to_string(), "the simulator says so"));
                }
                4..7 => {
                    let after = self.pause();
                    return self.fail(call, |key| Error::rate_limited(after, key.to_string(), "slow down"));
                }
                _ => {}
            }
        }
        if call.fate == Fate::Late {
            let account = call.account.clone();
            let lost = Call { account, what: copy(&call.what), print: call.print.clone(), ..call };
            self.fail(lost, |key| Error::transient(key.to_string(), "no answer"));
        }
        self.at(land_at, Action::Land(Box::new(call)));
    }

    fn pause(&mut self) -> Option<std::time::Duration> {
        let seconds = match self.rng.u8(..6) {
            0 => {
                self.fault(Fault::RateLimitedUnsaid);
                return None;
            }
            1 => {
                self.fault(Fault::RateLimitedAbsurd);
                return Some(std::time::Duration::from_secs(1_000_000_000));
            }
            2 => 3 * 3600,
            _ => self.rng.u64(1..900),
        };
        self.fault(Fault::RateLimited);
        Some(std::time::Duration::from_secs(seconds))
    }

    /// A call that never reached its service.
    fn fail(&mut self, call: Call, error: impl Fn(&RrsetKey) -> Error) {
        let event = match call.what {
            What::Read(keys) => {
                let answers = keys.into_iter().map(|key| (key.clone(), Err(error(&key)))).collect();
                Event::Read(call.account, call.print, answers)
            }
            What::Apply(number, batch, _) => {
                let outcomes = batch.changes.iter().map(|change| Err(error(&change.key))).collect();
                Event::Applied(call.account, number, call.print, outcomes)
            }
            What::Settle(key, ticket) => {
                let result = Err(error(&key));
                Event::Settled(call.account, key, ticket, call.print, result)
            }
        };
        self.at(call.answer_at, Action::Deliver(call.epoch, Box::new(event), Vec::new()));
    }

    /// A call reaches its service: what it does is done, whether or not the answer ever arrives.
    pub fn land(&mut self, call: Call) -> Verdict {
        let stray = call.epoch != self.epoch || call.fate == Fate::Late;
        if call.epoch != self.epoch {
            if self.rng.bool() {
                return Ok(());
            }
            if matches!(call.what, What::Apply(..)) {
                self.fault(Fault::LandsAfterCrash);
            }
        }
        let (at, t) = (call.service, self.t);
        let service = &mut self.services[at];
        let (mut keys, mut ended) = (Vec::new(), None);
        let event = match call.what {
            What::Read(asked) => {
                let answers: Vec<_> = asked.into_iter().map(|key| (key.clone(), service.read(&key, t))).collect();
                keys.extend(answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(key, _)| key.clone()));
                // Where it does not show what it holds, or does not do what it says, the machine does not learn of it.
                let no_effect = &service.troubles.no_effect;
                keys.retain(|key| !service.troubles.reads_lag && !no_effect.contains(key));
                Event::Read(call.account, call.print, answers)
            }
            What::Apply(number, mut batch, mut wholes) => {
                let whole_batch = batch.clone();
                if call.fate == Fate::Partial {
                    let kept = batch.changes.into_iter().zip(wholes).filter(|_| self.rng.bool());
                    (batch.changes, wholes) = kept.unzip();
                }
                let (outcomes, deeds) = service.apply(&batch, &wholes, t, &mut self.rng);
                let mut done = batch.changes.iter().zip(outcomes);
                let mut next = done.next();
                let mut outcomes: Vec<Result<Applied>> = Vec::new();
                for change in &whole_batch.changes {
                    match next.take() {
                        Some((did, outcome)) if did.key == change.key => {
                            let unmoved = |key: &RrsetKey| key.name == change.key.name;
                            if outcome.is_ok() && !service.troubles.no_effect.iter().any(unmoved) {
                                keys.push(change.key.clone());
                            }
                            outcomes.push(outcome);
                            next = done.next();
                        }
                        other => {
                            next = other;
                            outcomes.push(Err(Error::transient(change.key.to_string(), "this part failed")));
                        }
                    }
                }
                let jobs: Vec<u64> = batch.changes.iter().filter_map(|change| service.job_of(&change.key)).collect();
                for job in jobs {
                    let ends = self.rng.u64(SECOND..40 * SECOND);
                    self.after(ends, Action::Job(at, job));
                }
                self.landed(&call.account, &whole_batch, &outcomes, stray || call.fate == Fate::Lost)?;
                self.done(at, deeds, stray)?;
                Event::Applied(call.account, number, call.print, outcomes)
            }
            What::Settle(key, ticket) => {
                let result = service.settle(&key, &ticket);
                if !service.troubles.no_effect.contains(&key) {
                    ended = service.drift_of_job(&ticket).map(|drift| (key.clone(), drift));
                }
                Event::Settled(call.account, key, ticket, call.print, result)
            }
        };
        let event = match call.fate {
            _ if stray => return Ok(()),
            Fate::Lost => lose(event),
            _ => event,
        };
        let drifts = keys.into_iter().map(|key| (key.clone(), self.services[at].drift(&key))).chain(ended).collect();
        let drifts = if call.fate == Fate::Lost { Vec::new() } else { drifts };
        self.at(call.answer_at.max(t), Action::Deliver(call.epoch, Box::new(event), drifts));
        Ok(())
    }

    /// What was done is judged; what the process cannot know of counts as somebody else's doing.
    pub fn done(&mut self, service: usize, deeds: Vec<Deed>, stray: bool) -> Verdict {
        for deed in deeds {
            self.check_deed(service, &deed)?;
            if stray {
                let account = self.services[service].declared.name.clone();
                let id = Id { account, key: deed.key };
                self.drifted(&id);
                self.oracle.edited(&id);
            }
        }
        Ok(())
    }

    pub fn deliver(&mut self, epoch: u64, event: Event, drifts: &[(RrsetKey, u64)]) -> Verdict {
        if epoch != self.epoch {
            return Ok(());
        }
        self.heard(&event, drifts);
        let event = match event {
            Event::Readings(readings) => Event::Readings(self.hold_back(readings)),
            other => other,
        };
        self.feed(event)
    }

    /// A VPN may have come up while the answers were awaited.
    fn hold_back(&self, mut readings: Vec<(SourceName, Family, Reading)>) -> Vec<(SourceName, Family, Reading)> {
        for (source, family, reading) in readings.iter_mut().filter(|_| self.planted != Some(Bug::VpnExit)) {
            if let Some(held) = self.network.held_back(source_number(source), *family) {
                *reading = Reading::Unknown(held);
            }
        }
        readings
    }
}

fn copy(what: &What) -> What {
    match what {
        What::Read(keys) => What::Read(keys.clone()),
        What::Apply(number, batch, wholes) => What::Apply(*number, batch.clone(), wholes.clone()),
        What::Settle(key, ticket) => What::Settle(key.clone(), ticket.clone()),
    }
}

/// The answer is lost on its way.
fn lose(event: Event) -> Event {
    let lost = |key: &RrsetKey| Error::transient(key.to_string(), "no answer");
    match event {
        Event::Read(account, print, answers) => {
            Event::Read(account, print, answers.into_iter().map(|(key, _)| (key.clone(), Err(lost(&key)))).collect())
        }
        Event::Applied(account, number, print, outcomes) => {
            let error = || Err(Error::transient("a call", "no answer"));
            Event::Applied(account, number, print, outcomes.into_iter().map(|_| error()).collect())
        }
        Event::Settled(account, key, ticket, print, _) => {
            let error = lost(&key);
            Event::Settled(account, key, ticket, print, Err(error))
        }
        other => other,
    }
}
