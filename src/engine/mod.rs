//! The thin driver: carries out effects, feeds back what comes of them, and is the only place that waits.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::detect::Detector;
use crate::model::agree::SourceName;
use crate::model::desired::{AccountName, Desired};
use crate::model::json::Json;
use crate::model::machine::{Event, Network, State, Target, step};
use crate::model::time::{Moment, Now};
use crate::os::clock::Clock;
use crate::os::file::{Claim, LockError};
use crate::os::netlink::{Heard, Watch, snapshot};
use crate::os::signals::{Signal, Signals};
use crate::os::systemd::Manager;
use crate::provider::Provider;
use crate::report::control::{Asked, Control, Reply, Request};
use crate::report::metrics::Tally;
use crate::report::status::{PageStatus, Status};
use crate::store::Store;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Semaphore, mpsc, watch};

mod effects;
mod network;
mod requests;
mod telling;

pub use effects::look_at;
pub use telling::Outlet;

/// A call in flight gets this long when the process shall end.
const LAST_CALL: Duration = Duration::from_secs(10);
/// A wake-up that comes so much later than asked for means that the machine slept: look again.
const JUMP: Duration = Duration::from_secs(60);
/// Where the salt of the fingerprints is kept.
const SALT: &str = "salt";

/// What the engine needs to reach one account.
#[derive(Clone)]
pub struct Access {
    /// The service.
    pub provider: Arc<dyn Provider>,
    /// The settings, for the fingerprint.
    pub settings: crate::provider::setting::Settings,
    /// The name servers to ask instead of those that DNS names; empty: those that DNS names.
    pub nameservers: Vec<SocketAddr>,
}

/// Everything that is built from the configuration.
#[derive(Clone, Default)]
pub struct Parts {
    /// What the machine is told.
    pub desired: Desired,
    /// How accounts are reached.
    pub accounts: BTreeMap<AccountName, Access>,
    /// How sources are asked.
    pub detectors: BTreeMap<SourceName, Arc<dyn Detector>>,
    /// What detectors of other machines share.
    pub lan: crate::detect::lan::Lan,
    /// Who is told what, by name.
    pub channels: BTreeMap<String, Outlet>,
}

impl Parts {
    /// What the machine is told. The record sets go with it: it alone needs to know them.
    pub fn tell(&mut self) -> Desired {
        let records = std::mem::take(&mut self.desired.records);
        Desired { records, ..self.desired.clone() }
    }
}

/// Builds the parts from the configuration as it is now, those in force being given: what did not change is kept.
pub type Rebuild = Box<dyn FnMut(&Parts) -> Result<Parts, String>>;

/// Sees the machine after everything that happened.
pub type Onlooker = Box<dyn FnMut(&State, Now)>;

/// What a status page asks, and how it stands: it may not be served yet.
pub struct Page {
    /// What it asks.
    pub asked: mpsc::Receiver<Asked>,
    /// How it stands.
    pub stands: watch::Receiver<PageStatus>,
}

/// What the engine listens to beside its own effects, and who is told. Each may be missing.
#[derive(Default)]
pub struct Ears {
    /// Signals.
    pub signals: Option<Signals>,
    /// The kernel's word on addresses and routes.
    pub network: Option<Watch>,
    /// Commands from other processes.
    pub control: Option<Control>,
    /// This process's own status page.
    pub page: Option<Page>,
    /// The service manager.
    pub manager: Option<Manager>,
    /// What is asked for from the start.
    pub target: Option<Target>,
    /// How to read the configuration again.
    pub rebuild: Option<Rebuild>,
    /// Who looks on.
    pub onlooker: Option<Onlooker>,
}

/// What the first of these comes to; never anything where there are none.
async fn first<F: Future>(running: &mut FuturesUnordered<F>) -> F::Output {
    match running.next().await {
        Some(outcome) => outcome,
        None => pending().await,
    }
}

/// When to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// At a signal.
    Stopped,
    /// When every record set has come to rest.
    Settled,
}

type Running = FuturesUnordered<Pin<Box<dyn Future<Output = Event> + Send>>>;

/// The driver of one machine.
pub struct Engine {
    state: State,
    parts: Parts,
    store: Store,
    claim: Option<Claim>,
    /// Another process has the folder of the store.
    evicted: Option<LockError>,
    /// The folder of the store was made anew, and what was in it is gone.
    moved: bool,
    /// Why the socket for commands could not be made anew, as it was told.
    deaf: Option<String>,
    salt: String,
    clock: Arc<dyn Clock>,
    rng: fastrand::Rng,
    running: Running,
    turns: Arc<Semaphore>,
    around: network::Around,
    telling: telling::Telling,
    shown: String,
    /// What is counted, where somebody may ask for it.
    tally: Option<Tally>,
    /// How the status page stands, where there is one.
    page: Option<watch::Receiver<PageStatus>>,
    /// Every record set has come to rest once.
    rested: bool,
}

/// What woke the engine.
enum Woken {
    Event(Box<Event>),
    Time,
    Kernel(Heard),
    Signal(Signal),
    Request(Request, Reply),
    Sent(telling::Sent),
    Watchdog,
}

impl Engine {
    /// A driver of `state`. The salt of the fingerprints is taken from the store, or made.
    #[must_use]
    pub fn new(state: State, parts: Parts, store: Store, clock: Arc<dyn Clock>, mut rng: fastrand::Rng) -> Self {
        let known = store.documents().get(SALT).and_then(Json::read::<String>);
        let salt = known.unwrap_or_else(|| format!("{:032x}", rng.u128(..)));
        Self {
            telling: telling::Telling::new(&state, &parts.channels, &store, &salt, clock.now()),
            state,
            parts,
            store,
            claim: None,
            evicted: None,
            moved: false,
            deaf: None,
            salt,
            clock,
            rng,
            running: FuturesUnordered::new(),
            turns: Arc::new(Semaphore::new(effects::RESOLVING)),
            around: network::Around::default(),
            shown: String::new(),
            tally: None,
            page: None,
            rested: false,
        }
    }

    /// The same with the claim to the folder of its store, which it keeps until its end.
    #[must_use]
    pub fn with_claim(mut self, claim: Claim) -> Self {
        self.claim = Some(claim);
        self
    }

    /// Makes the socket for commands anew where it went with its folder; where that cannot be, it is tried again whenever something
    /// happens.
    fn listen_again(&mut self, ears: &mut Ears) {
        let failed = ears.control.as_mut().and_then(|control| control.listen_again().err());
        self.moved = failed.is_some();
        match failed.map(|error| error.to_string()) {
            Some(error) if self.deaf.as_ref() != Some(&error) => {
                tracing::warn!("the socket for commands cannot be made anew, and is tried again: {error}");
                self.deaf = Some(error);
            }
            Some(_) => {}
            None if self.deaf.take().is_some() => tracing::info!("the socket for commands is there again"),
            None => {}
        }
    }

    /// Works until it is time to end, and gives the machine back.
    ///
    /// # Errors
    /// Another process has taken the folder of the store, which was removed under this one.
    pub async fn run(mut self, until: Until, mut ears: Ears) -> Result<State, LockError> {
        self.around.begin(ears.network.as_ref().and_then(|_| snapshot().ok()), self.clock.now());
        self.tally = ears.page.is_some().then(|| Tally::new(self.clock.now()));
        self.page = ears.page.as_ref().map(|page| page.stands.clone());
        self.feed(Event::Start);
        if let Some(target) = ears.target.take() {
            self.feed(Event::Update(target));
        }
        if let Some(manager) = &ears.manager {
            manager.ready();
        }
        let watchdog = ears.manager.as_ref().and_then(Manager::watchdog);
        let mut fed = self.clock.now().moment;
        while self.evicted.is_none() {
            self.show(ears.manager.as_ref());
            if self.moved {
                self.listen_again(&mut ears);
            }
            let now = self.clock.now();
            if let Some(onlooker) = &mut ears.onlooker {
                onlooker(&self.state, now);
            }
            let is_asked = until == Until::Settled || ears.page.is_some();
            self.rested |= is_asked && !self.rested && self.state.is_settled(now);
            if until == Until::Settled && self.rested {
                break;
            }
            self.tell_people(false);
            self.tell_where();
            let wake =
                [self.state.wake_at(now), self.telling.wake_at(), self.around.told.next()].into_iter().flatten().min();
            let feeding = watchdog.map(|every| fed.plus(every));
            match self.woken(&mut ears, wake, feeding).await {
                Woken::Event(event) => {
                    let is_news = matches!(*event, Event::Readings(_) | Event::KeptBack(_));
                    self.feed(*event);
                    if is_news {
                        self.look_around();
                    }
                }
                Woken::Time => self.time_came(wake),
                Woken::Kernel(heard) => {
                    match heard {
                        Heard::Addresses => self.kernel_spoke(),
                        Heard::Neighbour => self.feed(Event::Look(Network::Same)),
                    }
                    self.look_around();
                }
                Woken::Signal(Signal::Stop) => break,
                Woken::Signal(signal) => self.signalled(signal, &mut ears),
                Woken::Request(request, reply) => reply.send(self.answer(request, &mut ears)),
                Woken::Sent(sent) => self.sent(sent),
                Woken::Watchdog => {
                    fed = self.clock.now().moment;
                    if let Some(manager) = &ears.manager {
                        manager.feed();
                    }
                }
            }
        }
        ears.manager.iter().for_each(Manager::stopping);
        self.wind_down().await;
        self.last_words(until).await;
        self.evicted.map_or(Ok(self.state), Err)
    }

    async fn woken(&mut self, ears: &mut Ears, wake: Option<Moment>, feeding: Option<Moment>) -> Woken {
        let clock = Arc::clone(&self.clock);
        let at = |moment: Option<Moment>| {
            let clock = Arc::clone(&clock);
            async move {
                match moment {
                    Some(moment) => clock.until(moment).await,
                    None => pending().await,
                }
            }
        };
        let signal = async {
            match &mut ears.signals {
                Some(signals) => signals.next().await,
                None => pending().await,
            }
        };
        let request = async {
            match &mut ears.control {
                Some(control) => control.next().await,
                None => pending().await,
            }
        };
        let page = async {
            match &mut ears.page {
                Some(page) => page.asked.recv().await,
                None => pending().await,
            }
        };
        let running = &mut self.running;
        let sending = &mut self.telling.sending;
        tokio::select! {
            biased;
            signal = signal => Woken::Signal(signal),
            () = at(feeding) => Woken::Watchdog,
            event = first(running) => Woken::Event(Box::new(event)),
            heard = effects::kernel(&mut ears.network, &self.parts.lan) => Woken::Kernel(heard),
            (request, reply) = request => Woken::Request(request, reply),
            sent = first(sending) => Woken::Sent(sent),
            () = at(wake) => Woken::Time,
            // Last of all: no number of clients holds up what is due.
            Some((request, reply)) = page => Woken::Request(request, reply),
        }
    }

    fn time_came(&mut self, wanted: Option<Moment>) {
        let late = wanted.map_or(Duration::ZERO, |wanted| self.clock.now().moment.since(wanted));
        if late > JUMP {
            tracing::info!("the machine slept for {} s; looking again", late.as_secs());
            self.feed(Event::Look(Network::Changed));
        } else {
            self.feed(Event::Time);
        }
    }

    /// Tells the service manager in one line, when the line is another one.
    fn show(&mut self, manager: Option<&Manager>) {
        let Some(manager) = manager else { return };
        let line = Status::summary(&self.state, self.clock.now());
        if line != self.shown {
            manager.status(&line);
            self.shown = line;
        }
    }

    /// Nothing new is begun; what is in flight gets ten seconds, and its outcome is written down.
    async fn wind_down(&mut self) {
        self.feed(Event::Stop);
        let deadline = self.clock.now().moment.plus(LAST_CALL);
        if !self.state.is_idle() {
            tracing::info!("stopping when the call under way is over, in {} s at most", LAST_CALL.as_secs());
        }
        while !self.state.is_idle() {
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                event = self.running.next() => match event {
                    Some(event) => self.feed(event),
                    None => break,
                },
                () = clock.until(deadline) => {
                    tracing::warn!("a call was still under way when the process ended; it is looked at again at the next start");
                    break;
                }
            }
        }
    }

    /// Takes an event in and carries out what follows, until nothing follows at once.
    fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let now = self.clock.now();
            self.tally.iter_mut().for_each(|tally| tally.heard(&event));
            let effects = step(&mut self.state, event, now, &mut self.rng);
            self.tally.iter_mut().for_each(|tally| tally.saw(&self.state, &effects, now));
            for effect in effects {
                events.extend(self.carry_out(effect));
            }
        }
    }
}
