//! The world: simulated time, what is due in it, and the phases of a life.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use driftless::model::desired::{AccountName, Id};
use driftless::model::machine::{Event, Network as Moved, Planted, Target};
use driftless::model::plan::{Batch, Ticket};
use driftless::model::record::{Family, RrsetKey};
use fastrand::Rng;

use super::faults::{Counts, Fault};
use super::network::{Network, like_ours, of_stranger};
use super::oracle::Oracle;
use super::process::{Disk, Process};
use super::service::Service;
use super::setup::Setup;
use super::several;

/// Nothing wrong, or what is.
pub type Verdict = Result<(), String>;

pub const SECOND: u64 = 1000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// An old bug, planted to see whether the oracle finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// In the machine.
    Machine(Planted),
    /// In front of it: the exit of a VPN passes for the device's address.
    VpnExit,
}

impl From<Planted> for Bug {
    fn from(planted: Planted) -> Self {
        Self::Machine(planted)
    }
}

impl Bug {
    /// The bug, where it is the machine's.
    pub fn planted(self) -> Option<Planted> {
        match self {
            Self::Machine(planted) => Some(planted),
            Self::VpnExit => None,
        }
    }
}

/// What became of a life.
#[derive(Debug)]
pub struct Life {
    /// How long it was, in simulated milliseconds.
    pub millis: u64,
    /// How often the machine was stepped.
    pub steps: u64,
    /// The calls that write.
    pub writes: u64,
    /// The faults that happened.
    pub faults: Counts,
    /// What the oracle found wrong, if anything.
    pub wrong: Option<String>,
    /// What happened, line by line, where that was asked for.
    pub trace: Vec<String>,
}

/// Something that is due at a time.
pub enum Action {
    /// The process asked to be woken; the number says whether it still does.
    Wake(u64),
    /// An answer for the process that asked, with how much had happened behind the machine's back when it was given.
    Deliver(u64, Box<Event>, Vec<(RrsetKey, u64)>),
    /// A call reaches its service.
    Land(Box<Call>),
    /// A job at a service comes to its end.
    Job(usize, u64),
    /// A process is started, unless another one was since.
    Start(u64),
    /// A process that was told to stop is not waited for any longer.
    Kill(u64),
    /// The process is told to look.
    Look(Moved),
    /// Something happens in a storm.
    Mischief,
    /// The addresses change.
    Change,
    /// A change that lasts no longer.
    ChangeBack(Family, super::network::Addresses),
    /// A fault that ends by itself.
    DiskBack,
    /// The storm is over.
    Heal,
    /// One poll after the last fault: every address should be known.
    Known,
    /// Everything must have come to rest, but for what is held.
    Rested,
    /// Everything must have come to rest, after all was let go.
    Released,
    /// The calm is over.
    CalmOver,
}

/// What a call asks.
pub enum What {
    Read(Vec<RrsetKey>),
    Apply(u64, Batch, Vec<bool>),
    Settle(RrsetKey, Ticket),
}

/// How a call fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// It is carried out, and the answer is lost.
    Lost,
    /// It is given up, and carried out later.
    Late,
    /// Parts of it fail in passing.
    Partial,
}

/// A call on its way.
pub struct Call {
    pub epoch: u64,
    pub service: usize,
    pub account: AccountName,
    pub print: String,
    pub what: What,
    pub fate: Fate,
    /// When the answer arrives.
    pub answer_at: u64,
}

struct Item {
    at: u64,
    number: u64,
    action: Action,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Item {}
impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// What time of life it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Storm,
    /// Healed, and to come to rest.
    Resting,
    Calm,
}

pub struct Sim {
    pub t: u64,
    number: u64,
    queue: BinaryHeap<Reverse<Item>>,
    pub rng: Rng,
    pub setup: Setup,
    pub network: Network,
    pub services: Vec<Service>,
    pub disk: Disk,
    pub process: Option<Process>,
    /// Counts processes.
    pub epoch: u64,
    pub boot: u32,
    /// When this boot began.
    pub booted_at: u64,
    /// How far the wall clock is off, in seconds.
    pub wall_off: i64,
    /// The least it was when something was saved that still matters, and the boot in which that may have been.
    pub wall_low: i64,
    pub written_in: u32,
    pub frozen_until: u64,
    /// When a suspend lately ended, and how long it was.
    pub slept: (u64, u64),
    pub phase: Phase,
    pub since: u64,
    /// How likely a call fares badly in a storm, in percent.
    pub bad_calls: u8,
    /// A crash after so many effects.
    pub crash_in: Option<u32>,
    pub crash_loop: u32,
    pub oracle: Oracle,
    pub faults: Counts,
    pub planted: Option<Bug>,
    pub steps: u64,
    pub writes: u64,
    pub saves: u64,
    /// The longest check interval that was in force lately.
    pub longest_check: u64,
    last_in_first_out: bool,
    tracing: bool,
    trace: Vec<String>,
    end: u64,
}

/// Every so many lives are those of several machines.
const COMPANY: u64 = 10;

/// Lives one life of about two months, or half a month of several machines. The same arguments give the same life.
pub fn live(seed: u64, planted: Option<Bug>, tracing: bool) -> Life {
    if seed.is_multiple_of(COMPANY) {
        return several::live(seed, planted.and_then(Bug::planted), tracing);
    }
    let mut sim = Sim::new(seed, planted, tracing);
    let wrong = sim.run().err();
    let wrong = wrong.map(|wrong| format!("{wrong}, at {}", sim.clock()));
    Life { millis: sim.t, steps: sim.steps, writes: sim.writes, faults: sim.faults, wrong, trace: sim.trace }
}

impl Sim {
    fn new(seed: u64, planted: Option<Bug>, tracing: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let setup = Setup::new(&mut rng);
        let services = setup.accounts.iter().cloned().map(Service::new).collect();
        let network = Network::new(setup.detectors());
        let end = (30 + rng.u64(..60)) * DAY;
        let mut sim = Self {
            t: 0,
            number: 0,
            queue: BinaryHeap::new(),
            rng,
            network,
            services,
            disk: Disk::default(),
            process: None,
            epoch: 0,
            boot: 0,
            booted_at: 0,
            wall_off: 0,
            wall_low: 0,
            written_in: 0,
            frozen_until: 0,
            slept: (0, 0),
            phase: Phase::Storm,
            since: 0,
            bad_calls: 0,
            crash_in: None,
            crash_loop: 0,
            oracle: Oracle::default(),
            faults: Counts::default(),
            planted,
            steps: 0,
            writes: 0,
            saves: 0,
            longest_check: millis(setup.check),
            setup,
            last_in_first_out: true,
            tracing,
            trace: Vec::new(),
            end,
        };
        sim.populate();
        sim
    }

    /// What is there before the first start.
    fn populate(&mut self) {
        self.last_in_first_out = self.rng.u8(..4) != 0;
        for family in Family::ALL {
            if self.rng.u8(..5) != 0 {
                self.new_addresses(family);
            }
        }
        for (id, ..) in self.setup.records.clone() {
            let kind = self.rng.u8(..8);
            let (stranger, n) = (self.rng.u8(1..4), self.rng.u8(1..6));
            let Some(service) = self.services.iter_mut().find(|service| service.declared.name == id.account) else {
                continue;
            };
            let rtype = id.key.rtype;
            let push = !service.declared.spec.terms.readable;
            self.oracle.unknown(&id);
            service.edit(&id.key, 0, |set| match kind {
                0..3 => {}
                3 => set.values.extend([like_ours(rtype, n)]),
                _ if push => set.values.extend([of_stranger(rtype, stranger)]),
                4 => set.values.extend([of_stranger(rtype, stranger)]),
                5 => set.values.extend([of_stranger(rtype, stranger), like_ours(rtype, n)]),
                6 => set.values.extend([of_stranger(rtype, stranger), of_stranger(rtype, stranger + 1)]),
                _ => {
                    set.values.extend([of_stranger(rtype, stranger)]);
                    set.mixed = true;
                }
            });
        }
        self.at(0, Action::Start(0));
        self.begin_storm();
    }

    pub fn at(&mut self, at: u64, action: Action) {
        self.number += 1;
        self.queue.push(Reverse(Item { at, number: self.number, action }));
    }

    pub fn after(&mut self, after: u64, action: Action) {
        self.at(self.t + after, action);
    }

    pub fn is_tracing(&self) -> bool {
        self.tracing
    }

    pub fn is_last_in_first_out(&self) -> bool {
        self.last_in_first_out
    }

    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if self.tracing {
            self.trace.push(format!("{} {}", self.clock(), what()));
        }
    }

    pub fn clock(&self) -> String {
        let (day, rest) = (self.t / DAY, self.t % DAY);
        let (hour, minute) = (rest / HOUR, rest % HOUR / MINUTE);
        format!("{day}d {hour:02}:{minute:02}:{:06.3}", (rest % MINUTE) as f64 / 1000.0)
    }

    pub fn fault(&mut self, fault: Fault) {
        self.faults.count(fault);
        self.note(|| format!("!! {fault:?}"));
    }

    pub fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    pub fn service_of(&self, account: &AccountName) -> Option<usize> {
        self.services.iter().position(|service| service.declared.name == *account)
    }

    fn run(&mut self) -> Verdict {
        while let Some(Reverse(item)) = self.queue.pop() {
            if self.phase == Phase::Storm && self.since >= self.end {
                break;
            }
            let own = matches!(item.action, Action::Wake(_) | Action::Deliver(..) | Action::Look(_) | Action::Kill(_));
            if own && item.at < self.frozen_until {
                self.at(self.frozen_until, item.action);
                continue;
            }
            self.t = item.at;
            self.act(item.action)?;
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Verdict {
        match action {
            Action::Wake(token) => self.wake(token),
            Action::Deliver(epoch, event, drifts) => self.deliver(epoch, *event, &drifts),
            Action::Land(call) => self.land(*call),
            Action::Job(service, number) => {
                let deed = self.services.get_mut(service).and_then(|service| service.end_job(number, self.t));
                match deed {
                    Some(deed) => self.done(service, vec![deed], false),
                    None => Ok(()),
                }
            }
            Action::Start(epoch) if epoch == self.epoch => self.start(),
            Action::Start(_) => Ok(()),
            Action::Kill(epoch) => {
                if epoch == self.epoch && self.process.is_some() {
                    self.end_process();
                }
                Ok(())
            }
            Action::Look(moved) => self.feed(Event::Look(moved)),
            Action::Mischief => self.mischief(),
            Action::Change => {
                let family = Family::ALL[self.rng.usize(..2)];
                self.change_address(family);
                Ok(())
            }
            Action::ChangeBack(family, addresses) => {
                self.assign(family, addresses);
                Ok(())
            }
            Action::DiskBack => {
                self.disk.broken = false;
                Ok(())
            }
            Action::Heal => self.heal(),
            Action::Known => {
                if self.phase == Phase::Resting
                    && let Some(later) = self.check_beliefs()?
                {
                    self.at(later, Action::Known);
                }
                Ok(())
            }
            Action::Rested => self.rested(),
            Action::Released => self.released(),
            Action::CalmOver => self.calm_over(),
        }
    }

    /// How long everything may take to come to rest once all is healed, in milliseconds.
    fn bound(&self) -> u64 {
        let settles = self.services.iter().map(|service| millis(service.declared.spec.terms.settles_within)).max();
        let looks = (millis(self.setup.check) + millis(self.setup.longest_interval())) * 11 / 10;
        // The ceiling of the back-off, a push budget's refill, a job's ten minutes.
        looks + HOUR + 20 * MINUTE + 11 * MINUTE + settles.unwrap_or(0) + 5 * MINUTE
    }

    fn heal(&mut self) -> Verdict {
        if self.t < self.frozen_until {
            self.at(self.frozen_until, Action::Heal);
            return Ok(());
        }
        self.phase = Phase::Resting;
        self.since = self.t;
        self.note(|| "-- all is healed".into());
        self.crash_in = None;
        self.crash_loop = 0;
        self.wall_off = 0;
        self.disk.broken = false;
        self.network.manners.fill(super::network::Manner::Honest);
        if self.network.vpn {
            self.turn_the_vpn();
        }
        for at in 0..self.services.len() {
            self.services[at].heal(self.t);
            if !self.services[at].secret_is_right {
                self.services[at].secret_is_right = true;
                if self.rng.bool() {
                    self.services[at].secret += 1;
                    let name = self.services[at].declared.name.clone();
                    self.oracle.rotated(&name);
                }
            }
        }
        if self.process.is_none() {
            self.after(SECOND, Action::Start(self.epoch));
        }
        self.after(MINUTE, Action::Known);
        self.after(self.bound(), Action::Rested);
        Ok(())
    }

    /// Until when the machine may obey a service that asked for a pause, or have begun to come to rest.
    fn not_before(&self) -> u64 {
        let Some(process) = &self.process else { return self.t + self.bound() };
        let mut latest = process.started;
        for (_, entry) in process.state.accounts() {
            if let Some(wait) = entry.wait.as_ref().filter(|wait| wait.obeyed) {
                latest = latest.max(self.at_moment(wait.until));
            }
        }
        latest = latest.max(self.since).max(self.oracle.recovered);
        let desired = process.state.desired();
        for view in process.state.views(self.now()) {
            // Withdrawing begins when the absence has lasted long enough.
            let after = desired.records.get(view.id).and_then(|spec| spec.absent_after).map(millis);
            if let Some((absence, after)) = view.entry.absence.zip(after) {
                let due = self.at_moment(absence.since) + after;
                latest = if due <= self.t { latest.max(due) } else { latest };
            }
        }
        latest + self.bound()
    }

    fn rested(&mut self) -> Verdict {
        let not_before = self.not_before().max(self.drift_found_by());
        if not_before > self.t {
            self.at(not_before, Action::Rested);
            return Ok(());
        }
        self.check_rest(true)?;
        self.since = self.t;
        self.note_unseen();
        self.oracle.release(&Target::All);
        self.feed(Event::Release(Target::All))?;
        self.after(self.bound(), Action::Released);
        Ok(())
    }

    fn released(&mut self) -> Verdict {
        let not_before = self.not_before();
        if not_before > self.t {
            self.at(not_before, Action::Released);
            return Ok(());
        }
        self.check_rest(false)?;
        self.phase = Phase::Calm;
        self.since = self.t;
        self.note(|| "-- calm".into());
        self.oracle.begin_calm(self.steps, self.saves);
        let mut at = self.t;
        for _ in 0..self.rng.u32(..10) {
            at += self.bound() + self.rng.u64(..2 * DAY);
            self.at(at, Action::Change);
            if self.rng.u8(..5) == 0 {
                let after = self.rng.u64(..10 * MINUTE);
                self.at(at + after, Action::Change);
            }
        }
        at += self.bound() + self.rng.u64(..10 * DAY);
        self.at(at, Action::CalmOver);
        Ok(())
    }

    fn calm_over(&mut self) -> Verdict {
        let not_before = self.not_before();
        if not_before > self.t {
            self.at(not_before, Action::CalmOver);
            return Ok(());
        }
        self.check_rest(false)?;
        self.check_calm()?;
        self.begin_storm();
        Ok(())
    }

    fn begin_storm(&mut self) {
        self.phase = Phase::Storm;
        self.since = self.t;
        (self.wall_low, self.written_in) = (self.wall_off, self.boot);
        self.note(|| "-- storm".into());
        self.bad_calls = [0, 5, 30][self.rng.usize(..3)];
        self.after(0, Action::Mischief);
        let storm = self.rng.u64(DAY..8 * DAY);
        self.after(storm, Action::Heal);
    }

    /// Makes a change known at the service that the machine cannot know of.
    pub fn drifted(&mut self, id: &Id) {
        if let Some(service) = self.service_of(&id.account) {
            self.services[service].sets.entry(id.key.clone()).or_default().drift += 1;
        }
    }
}

/// Milliseconds of a duration.
pub fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
