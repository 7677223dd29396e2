//! The one state machine that takes every decision: events in, effects out, no clock, no input or output.
//!
//! [`step`] is the whole interface, [`event`] its vocabulary. What each kind of event does stands in a room of its own: [`detection`] asks the sources,
//! [`witness`] says what they are worth, [`wants`] turns what they come to into wants, [`due`] says what a record set needs next, [`lane`] carries an account through reading and
//! planning, [`batches`] from the plan to its outcome, [`compare`] finds
//! the difference, [`failure`] turns errors into waits and holds, [`proof`] follows a change until it is seen in DNS, [`jobs`] what a service works on, [`command`]
//! is what people ask for, [`persist`] is what goes to disk, [`out`] what is said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::agree::Reading;
use crate::model::backoff::Spent;
use crate::model::desired::{AccountName, Desired, Id, Want};
use crate::model::error::Error;
use crate::model::ledger::{AccountEntry, Attempt, Entry, Reason};
use crate::model::plan::Change;
use crate::model::record::{Family, Ttl, Values};
use crate::model::time::{Moment, Now};
use crate::model::uplinks::{Given, Memory};

mod batches;
mod command;
mod compare;
mod detection;
mod due;
mod event;
mod failure;
mod jobs;
mod lane;
mod out;
mod persist;
mod proof;
pub mod standing;
#[cfg(test)]
mod tests;
mod wants;
mod witness;

use detection::Detection;
use due::Next;
use lane::Lane;
use out::Out;

pub use detection::Rest;
pub use event::{Effect, Event, Level, Network, Notice, Proof, Target};
pub use persist::{Document, Documents, read_ledger};

/// How long things are left to settle at start and when the default route vanished; each new change begins it anew.
const SETTLE: Duration = Duration::from_secs(2);
/// Settling never takes longer than this.
const SETTLE_MOST: Duration = Duration::from_secs(5);
/// How often a service is asked whether what it refuses is still refused.
const PROBE: Duration = Duration::from_secs(24 * 3600);

/// What the process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Work until stopped.
    Run,
    /// Find what would change, and write nothing.
    Plan,
}

/// What the machine knows. Only the machine changes it.
#[derive(Debug)]
pub struct State {
    desired: Desired,
    mode: Mode,
    /// The only record sets that are looked at; `None`: all.
    focus: Option<Target>,
    boot: String,
    accounts: BTreeMap<AccountName, Account>,
    records: BTreeMap<Id, Box<Record>>,
    detection: Detection,
    next_check: Moment,
    started: Option<Now>,
    disk: Disk,
    stopping: bool,
    /// Something must be on disk soon.
    urgent: bool,
    /// When waits were last cut short because the network changed.
    relieved: Option<Moment>,
    batches: u64,
    /// Record sets and accounts whose documents go with the next write.
    forgotten: Vec<Id>,
    forgotten_accounts: Vec<AccountName>,
    /// What is told at the start.
    early: Out,
    planted: Option<Planted>,
}

/// Old bugs of other updaters, planted to see whether the simulator finds them. Never set outside tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// A detector that failed counts as "no address".
    BlindIsNone,
    /// Success is remembered before the call is made.
    SuccessBeforeCall,
    /// A refused password is tried again as if it were a passing fault.
    AuthIsTransient,
    /// The pause a service asks for is not kept.
    IgnoresRetryAfter,
    /// Several services of one operator pass for several opinions.
    OperatorsNotToldApart,
    /// Values that are not ours are thrown away with an update.
    OverwritesForeign,
    /// What a single source out in the world says once is believed.
    OneVoiceIsEnough,
    /// What is sent is not counted: an address that changes faster than anyone can publish it is published each time.
    WritesNotCounted,
    /// What somebody else undoes is done again, for ever.
    FightsOn,
}

/// An account: what is remembered of it, and what it is doing.
#[derive(Debug, Default)]
struct Account {
    entry: AccountEntry,
    lane: Lane,
    ids: Vec<Id>,
    dirty: bool,
}

/// A record set: what is remembered of it, what it should hold, and what is under way.
#[derive(Debug)]
struct Record {
    entry: Entry,
    want: Want,
    /// What the sources of each family last came to, when they came to anything.
    believed: BTreeMap<Family, Reading>,
    /// What each of several uplinks gives.
    given: Vec<Given>,
    /// The other family of its name is declared too.
    paired: bool,
    /// A call for it is under way.
    busy: bool,
    /// What name servers are being asked for.
    resolving: Option<Values>,
    /// Left alone until then, since then: more may come.
    settle: Option<(Moment, Moment)>,
    /// The network changed since what is wanted was judged: it is not acted on before it is judged anew, or until then.
    unjudged: Option<Moment>,
    /// Read once more at once, because what we remembered was out of date; used up until the next success.
    stale: bool,
    /// It failed to come into force after the last write, and is given time.
    broken: bool,
    /// Whether what is confirmed still stands is only known when it has been read again: the last reading did not show it, and may
    /// have been too young to, or something else is asked of it since.
    doubted: bool,
    /// An absence is on disk.
    absence_saved: bool,
    /// What its uplinks gave, as the ledger on disk has it.
    uplinks_saved: Memory,
    /// How much of the budget for reads is used.
    asked: Spent,
    /// When a wait or a hold was last cut short because the address changed.
    relieved: Option<Moment>,
    /// Looked at now, because a person asked.
    forced: bool,
    /// People were told that it waits for its write budget; used up until the next write.
    waiting: bool,
    /// When it is next read although confirmed: read-back or verification.
    read_at: Option<Moment>,
    /// How often it was read back since the last write.
    read_backs: u32,
    /// When name servers are next asked.
    resolve_at: Option<Moment>,
    /// How often name servers were asked since the last write.
    resolves: u32,
    /// When the job is next asked about.
    settle_at: Option<Moment>,
    /// What it held before our last write.
    before: Option<Values>,
    /// The TTL that it was last read with.
    seen_ttl: Option<Ttl>,
    /// What it held beside ours when it was last read.
    others: Values,
    /// What the change that is planned or under way should achieve.
    aim: Option<Aim>,
    /// What was open before the attempt that is written down and not yet made, and what of the budget was used.
    prior: Option<(Option<Attempt>, Spent)>,
    /// What a plan would change.
    planned: Option<Box<Change>>,
    /// Has been read or sent since the process started.
    checked: bool,
    dirty: bool,
}

/// What a change shall achieve.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Aim {
    values: Values,
    ttl: Option<Ttl>,
}

/// Whether the ledger can be written.
#[derive(Debug)]
struct Disk {
    writable: bool,
    /// While it cannot: when push services may be sent to, once each.
    push_after: Moment,
    /// What this process sent while it could not, whatever was declared since.
    sent: BTreeSet<Id>,
}

impl Record {
    fn new(entry: Entry) -> Self {
        Self {
            absence_saved: entry.absence.is_some(),
            uplinks_saved: entry.uplinks.clone(),
            entry,
            want: Want::Unknown("not looked yet".into()),
            believed: BTreeMap::new(),
            given: Vec::new(),
            paired: false,
            busy: false,
            resolving: None,
            settle: None,
            unjudged: None,
            stale: false,
            broken: false,
            doubted: false,
            forced: false,
            relieved: None,
            asked: Spent::default(),
            waiting: false,
            read_at: None,
            read_backs: 0,
            resolve_at: None,
            resolves: 0,
            settle_at: None,
            before: None,
            seen_ttl: None,
            others: Values::new(),
            aim: None,
            prior: None,
            planned: None,
            checked: false,
            dirty: false,
        }
    }
}

impl State {
    /// A machine with nothing remembered. `boot` is the id of this boot, `writable` whether the ledger can be written.
    #[must_use]
    pub fn new(desired: Desired, documents: &Documents, boot: &str, writable: bool, mode: Mode, now: Now) -> Self {
        let mut state = Self {
            desired: Desired::default(),
            mode,
            focus: None,
            boot: boot.to_owned(),
            accounts: BTreeMap::new(),
            records: BTreeMap::new(),
            detection: Detection::default(),
            next_check: now.moment,
            started: None,
            disk: Disk { writable, push_after: now.moment, sent: BTreeSet::new() },
            stopping: false,
            urgent: false,
            relieved: None,
            batches: 0,
            forgotten: Vec::new(),
            forgotten_accounts: Vec::new(),
            early: Out::default(),
            planted: None,
        };
        state.load(desired, documents, now);
        state
    }

    /// Plants an old bug of other updaters, for tests of the tests.
    pub fn plant(&mut self, bug: Planted) {
        self.planted = Some(bug);
    }

    fn has(&self, bug: Planted) -> bool {
        self.planted == Some(bug)
    }

    /// When [`Event::Time`] is next needed; `None`: not before something else happens.
    #[must_use]
    pub fn wake_at(&self, now: Now) -> Option<Moment> {
        if self.stopping {
            return None;
        }
        let due = self.all().filter_map(|known| match self.next_of(&known, now) {
            Next::Rest(at) => at,
            // It became due after the last step, which begins what is due, or it waits for an answer of its account.
            _ => known.account.lane.is_idle().then_some(now.moment),
        });
        due.chain([self.next_check]).min()
    }

    /// Whether nothing is under way any more, so that a stop is complete.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.accounts.values().all(|account| account.lane.is_idle()) && self.records.values().all(|record| !record.busy)
    }

    /// The configuration in force.
    #[must_use]
    pub fn desired(&self) -> &Desired {
        &self.desired
    }
}

/// Takes an event in and says what shall be done.
pub fn step(state: &mut State, event: Event, now: Now, rng: &mut fastrand::Rng) -> Vec<Effect> {
    let mut out = Out::default();
    match event {
        Event::Start => state.start(now, rng, &mut out),
        Event::Look(network) => state.look(network, now, rng, &mut out),
        Event::Readings(readings) => state.readings(readings, now, rng, &mut out),
        Event::KeptBack(kept) => state.kept_back(kept, now, rng, &mut out),
        Event::Read(account, print, answers) => state.read(&account, &print, answers, now, rng, &mut out),
        Event::Cut(account, batches) => state.cut(&account, batches, now, rng, &mut out),
        Event::Applied(account, batch, print, outcomes) => {
            state.applied(&account, batch, &print, outcomes, now, rng, &mut out);
        }
        Event::Settled(account, key, ticket, print, result) => {
            state.settled(Id { account, key }, &ticket, &print, result, now, rng, &mut out);
        }
        Event::Resolved(id, proof) => state.resolved(&id, proof, now, rng, &mut out),
        Event::Looked(account, print) => state.looked(&account, &print, now, &mut out),
        Event::Saved(ok) => state.saved(ok, now, &mut out),
        Event::Time => {}
        Event::Reload(desired) => state.reload(desired, now, rng, &mut out),
        Event::Update(target) => state.update(&target, now, rng, &mut out),
        Event::Release(target) => state.release(&target, now, &mut out),
        Event::Stop => state.stop(),
    }
    if !state.stopping && state.started.is_some() {
        state.check_if_due(now, rng, &mut out);
    }
    state.drive(now, rng, &mut out);
    state.say_waits(now, &mut out);
    state.flush(now, &mut out);
    out.told_once()
}

impl State {
    fn start(&mut self, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        self.started = Some(now);
        // Random, and longer than a push budget's refill: a process that cannot remember what it sent must not send more
        // often than one that can, however often it is restarted.
        self.disk.push_after = now.moment.plus(Duration::from_secs(600 + rng.u64(0..300)));
        self.schedule_proofs(now, rng);
        out.0.append(&mut self.early.0);
        self.say_holds(out);
        self.next_check = now.moment;
        self.check_if_due(now, rng, out);
    }

    /// What an earlier process left held is not tried by this one either, and its log says so.
    fn say_holds(&self, out: &mut Out) {
        let still = |reason: Reason, error: &Error| format!("still held ({}): {error}", reason.word());
        for (name, account) in &self.accounts {
            if let Some(hold) = &account.entry.hold {
                out.tell_account(Level::Warn, name, still(hold.reason, &hold.error));
            }
        }
        for (id, record) in &self.records {
            if let Some(hold) = &record.entry.hold {
                out.tell(Level::Warn, Some(id), still(hold.reason, &hold.error));
            }
        }
    }

    /// The safety net behind the events.
    fn check_if_due(&mut self, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        if now.moment < self.next_check {
            return;
        }
        self.next_check = now.moment.plus(crate::model::backoff::spread(self.desired.check, rng));
        self.look(Network::Same, now, rng, out);
        let held = self.accounts.keys().filter(|name| self.holds_anything(name));
        held.for_each(|name| out.push(Effect::LookAt(name.clone())));
        if !self.disk.writable && self.mode == Mode::Run {
            // A disk that came back is found by trying.
            self.urgent = true;
        }
    }

    /// Whether the account or a record set of it is held.
    fn holds_anything(&self, name: &AccountName) -> bool {
        let held = |id: &Id| self.records.get(id).is_some_and(|record| record.entry.hold.is_some());
        self.accounts.get(name).is_some_and(|account| account.entry.hold.is_some() || account.ids.iter().any(held))
    }

    fn stop(&mut self) {
        self.stopping = true;
        let given_up: Vec<Id> = self.accounts.iter_mut().flat_map(|(name, account)| account.abandon(name)).collect();
        self.never_made(&given_up);
        // What was noted in passing goes to disk with the last write.
        self.urgent =
            self.records.values().any(|record| record.dirty) || self.accounts.values().any(|account| account.dirty);
    }
}
