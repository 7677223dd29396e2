//! The thin driver: carries out effects, feeds back what comes of them, and is the only place that waits.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use crate::detect::Detector;
use crate::model::agree::SourceName;
use crate::model::desired::{AccountName, Desired, Id};
use crate::model::error::{Error, Result};
use crate::model::ledger::Fingerprint;
use crate::model::machine::{Document, Documents, Effect, Event, Level, Network, Notice, Proof, State, Target, step};
use crate::model::plan::{Batch, Ticket};
use crate::model::record::{Family, RrsetKey, Values, list};
use crate::net::dns;
use crate::os::clock::Clock;
use crate::os::netlink::{Snapshot, Watch, snapshot};
use crate::os::signals::{Signal, Signals};
use crate::os::systemd::Manager;
use crate::provider::Provider;
use crate::report::control::{Control, Reply, Request};
use crate::report::status::Status;
use crate::store::Store;

/// A call that takes longer is given up: its outcome counts as unknown, and is read before anything is written again.
const CALL: Duration = Duration::from_secs(120);
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
}

/// Builds the parts from the configuration as it is now, those in force being given: what did not change is kept.
pub type Rebuild = Box<dyn FnMut(&Parts) -> std::result::Result<Parts, String>>;

/// What the engine listens to beside its own effects. Each may be missing.
#[derive(Default)]
pub struct Ears {
    /// Signals.
    pub signals: Option<Signals>,
    /// The kernel's word on addresses and routes.
    pub network: Option<Watch>,
    /// Commands from other processes.
    pub control: Option<Control>,
    /// The service manager.
    pub manager: Option<Manager>,
    /// What is asked for from the start.
    pub target: Option<Target>,
    /// How to read the configuration again.
    pub rebuild: Option<Rebuild>,
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
    salt: String,
    clock: Arc<dyn Clock>,
    rng: fastrand::Rng,
    running: Running,
    seen: Option<Snapshot>,
    shown: String,
}

/// What woke the engine.
enum Woken {
    Event(Box<Event>),
    Time,
    Kernel,
    Signal(Signal),
    Request(Request, Reply),
    Watchdog,
}

impl Engine {
    /// A driver of `state`. The salt of the fingerprints is taken from the store, or made.
    #[must_use]
    pub fn new(state: State, parts: Parts, store: Store, clock: Arc<dyn Clock>, mut rng: fastrand::Rng) -> Self {
        let known = store.documents().get(SALT).and_then(|salt| salt.as_str().map(str::to_owned));
        let salt = known.unwrap_or_else(|| format!("{:032x}", rng.u128(..)));
        Self {
            state,
            parts,
            store,
            salt,
            clock,
            rng,
            running: FuturesUnordered::new(),
            seen: None,
            shown: String::new(),
        }
    }

    /// Works until it is time to end, and gives the machine back.
    pub async fn run(mut self, until: Until, mut ears: Ears) -> State {
        self.seen = ears.network.as_ref().and_then(|_| snapshot().ok());
        self.feed(Event::Start);
        if let Some(target) = ears.target.take() {
            self.feed(Event::Update(target));
        }
        if let Some(manager) = &ears.manager {
            manager.ready();
        }
        let watchdog = ears.manager.as_ref().and_then(Manager::watchdog);
        let mut fed = self.clock.now().moment;
        loop {
            self.show(ears.manager.as_ref());
            let now = self.clock.now();
            if until == Until::Settled && self.state.is_settled(now) {
                break;
            }
            let wake = self.state.wake_at(now);
            let feeding = watchdog.map(|every| fed.plus(every));
            match self.woken(&mut ears, wake, feeding).await {
                Woken::Event(event) => self.feed(*event),
                Woken::Time => self.time_came(wake),
                Woken::Kernel => self.kernel_spoke(),
                Woken::Signal(Signal::Stop) => break,
                Woken::Signal(signal) => self.signalled(signal, &mut ears),
                Woken::Request(request, reply) => self.requested(request, reply, &mut ears),
                Woken::Watchdog => {
                    fed = self.clock.now().moment;
                    if let Some(manager) = &ears.manager {
                        manager.feed();
                    }
                }
            }
        }
        if let Some(manager) = &ears.manager {
            manager.stopping();
        }
        self.wind_down().await;
        self.state
    }

    async fn woken(
        &mut self,
        ears: &mut Ears,
        wake: Option<crate::model::time::Moment>,
        feeding: Option<crate::model::time::Moment>,
    ) -> Woken {
        let clock = Arc::clone(&self.clock);
        let at = |moment: Option<crate::model::time::Moment>| {
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
        let running = &mut self.running;
        let outcome = async {
            match running.next().await {
                Some(event) => event,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = signal => Woken::Signal(signal),
            () = at(feeding) => Woken::Watchdog,
            () = kernel(&mut ears.network) => Woken::Kernel,
            event = outcome => Woken::Event(Box::new(event)),
            (request, reply) = request => Woken::Request(request, reply),
            () = at(wake) => Woken::Time,
        }
    }

    fn time_came(&mut self, wanted: Option<crate::model::time::Moment>) {
        let late = wanted.map_or(Duration::ZERO, |wanted| self.clock.now().moment.since(wanted));
        if late > JUMP {
            tracing::info!("the machine slept for {} s; looking again", late.as_secs());
            self.feed(Event::Look(Network::Changed));
        } else {
            self.feed(Event::Time);
        }
    }

    /// Compares with the last snapshot: router advertisements repeat for ever, and no difference ends here.
    fn kernel_spoke(&mut self) {
        let network = match (snapshot(), &self.seen) {
            (Ok(now), Some(before)) if now.same_as(before) => {
                self.seen = Some(now);
                return;
            }
            (Ok(now), before) => {
                let vanished = before.as_ref().is_some_and(|before| {
                    Family::ALL.iter().any(|family| {
                        !before.default_links(*family).is_empty() && now.default_links(*family).is_empty()
                    })
                });
                self.seen = Some(now);
                if vanished { Network::RouteVanished } else { Network::Changed }
            }
            (Err(_), _) => Network::Changed,
        };
        self.feed(Event::Look(network));
    }

    fn signalled(&mut self, signal: Signal, ears: &mut Ears) {
        match signal {
            Signal::Reload => {
                if let Err(why) = self.reload(ears) {
                    tracing::error!("the configuration in force is kept: {why}");
                }
            }
            Signal::Update => self.feed(Event::Update(Target::All)),
            Signal::Dump => {
                for line in self.status().lines() {
                    tracing::info!("{line}");
                }
            }
            Signal::Stop => {}
        }
    }

    /// Takes the configuration as it is now, all or nothing.
    fn reload(&mut self, ears: &mut Ears) -> std::result::Result<(), String> {
        let Some(rebuild) = &mut ears.rebuild else { return Err("this process cannot read it again".into()) };
        if let Some(manager) = &ears.manager {
            manager.reloading();
        }
        let parts = rebuild(&self.parts);
        let result = parts.map(|parts| {
            self.parts = parts;
            self.feed(Event::Reload(self.parts.desired.clone()));
        });
        if let Some(manager) = &ears.manager {
            manager.ready();
        }
        result
    }

    fn requested(&mut self, request: Request, reply: Reply, ears: &mut Ears) {
        let answer = match request {
            Request::Status => serde_json::to_value(self.status()).map_err(|error| error.to_string()),
            Request::Update { name } => {
                self.feed(Event::Update(name.map_or(Target::All, Target::Name)));
                Ok(serde_json::Value::Bool(true))
            }
            Request::Release { account, name } => {
                let target = account.map(Target::Account).or(name.map(Target::Name)).unwrap_or(Target::All);
                self.feed(Event::Release(target));
                Ok(serde_json::Value::Bool(true))
            }
            Request::Reload => self.reload(ears).map(|()| serde_json::Value::Bool(true)),
        };
        reply.send(answer);
    }

    /// How everything stands.
    fn status(&self) -> Status {
        Status::of(&self.state, self.clock.now())
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
            for effect in step(&mut self.state, event, now, &mut self.rng) {
                events.extend(self.carry_out(effect));
            }
        }
    }

    /// Carries out an effect; what is done at once answers at once.
    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Tell(notice) => tell(&notice),
            Effect::Save(documents) => return Some(Event::Saved(self.save(documents))),
            Effect::DropConnections => {
                self.parts.accounts.values().for_each(|access| access.provider.network_changed());
                self.parts.detectors.values().for_each(|detector| detector.network_changed());
            }
            Effect::Cut(account, plan) => {
                let batches = self.parts.accounts.get(&account).map(|access| access.provider.batches(&plan));
                return Some(Event::Cut(account, batches.unwrap_or_default()));
            }
            Effect::LookAt(account) => {
                let print = self.fingerprint(&account);
                return Some(Event::Looked(account, print));
            }
            Effect::Detect(questions) => self.detect(questions),
            Effect::Read(account, keys) => self.read(account, keys),
            Effect::Apply(account, number, batch) => self.apply(account, number, batch),
            Effect::Settle(account, key, ticket) => self.settle(account, key, ticket),
            Effect::Resolve(id, values) => self.resolve(id, values),
        }
        None
    }

    fn save(&mut self, documents: Documents) -> bool {
        let mut changes: Vec<(String, Document)> = documents.into_iter().collect();
        if !self.store.documents().contains_key(SALT) {
            changes.push((SALT.into(), Some(self.salt.clone().into())));
        }
        match self.store.save(&changes) {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!("the state was not written: {error}");
                false
            }
        }
    }

    /// A salted digest of an account's settings and secrets.
    fn fingerprint(&self, account: &AccountName) -> Fingerprint {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        digest.update(self.salt.as_bytes());
        if let Some(access) = self.parts.accounts.get(account) {
            digest.update(&access.settings.canonical());
        }
        let digest = digest.finish();
        data_encoding::HEXLOWER.encode(digest.as_ref().get(..16).unwrap_or_default())
    }

    fn detect(&mut self, questions: Vec<(SourceName, Family)>) {
        for (source, family) in questions {
            let Some(detector) = self.parts.detectors.get(&source).map(Arc::clone) else { continue };
            self.start(async move {
                let reading = detector.detect(family).await;
                tracing::debug!(%source, %family, "says {reading}");
                Event::Readings(vec![(source, family, reading)])
            });
        }
    }

    fn read(&mut self, account: AccountName, keys: Vec<RrsetKey>) {
        let Some(access) = self.parts.accounts.get(&account).cloned() else { return };
        let print = self.fingerprint(&account);
        self.start(async move {
            let mut answers = timeout(CALL, access.provider.read(&keys)).await.unwrap_or_default();
            answers.resize_with(keys.len(), || Err(gave_up("reading")));
            Event::Read(account, print, keys.into_iter().zip(answers).collect())
        });
    }

    fn apply(&mut self, account: AccountName, number: u64, batch: Batch) {
        let Some(access) = self.parts.accounts.get(&account).cloned() else { return };
        let print = self.fingerprint(&account);
        for change in &batch.changes {
            tracing::debug!(account = %account, record = %change.key, "{change}");
        }
        self.start(async move {
            let mut outcomes = timeout(CALL, access.provider.apply(&batch)).await.unwrap_or_default();
            outcomes.resize_with(batch.changes.len(), || Err(gave_up("updating")));
            Event::Applied(account, number, print, outcomes)
        });
    }

    fn settle(&mut self, account: AccountName, key: RrsetKey, ticket: Ticket) {
        let Some(access) = self.parts.accounts.get(&account).cloned() else { return };
        let print = self.fingerprint(&account);
        self.start(async move {
            let settled = timeout(CALL, access.provider.settle(&ticket)).await;
            Event::Settled(account, key, print, settled.unwrap_or_else(|_| Err(gave_up("asking about a job"))))
        });
    }

    fn resolve(&mut self, id: Id, values: Values) {
        let servers = self.parts.accounts.get(&id.account).map(|access| access.nameservers.clone()).unwrap_or_default();
        self.start(async move {
            let proof = prove(&id.key, &values, servers).await;
            Event::Resolved(id, proof)
        });
    }

    fn start(&mut self, effect: impl Future<Output = Event> + Send + 'static) {
        self.running.push(Box::pin(effect));
    }
}

/// Resolves when the kernel says that something about addresses or routes changed. A socket that fails is not asked again:
/// the timer is the net below.
async fn kernel(watch: &mut Option<Watch>) {
    if let Some(open) = watch {
        match open.changed().await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(
                    "the kernel can no longer be listened to ({error}); addresses are looked at by the timer alone"
                );
                *watch = None;
            }
        }
    }
    pending().await
}

/// The error of a call that did not come back in time.
fn gave_up(doing: &str) -> Error {
    Error::transient(doing, format!("no answer within {} s", CALL.as_secs()))
}

/// What the zone's own name servers say of a record set.
async fn prove(key: &RrsetKey, values: &Values, given: Vec<SocketAddr>) -> Proof {
    let servers = if given.is_empty() {
        match dns::name_servers(&key.name).await {
            Ok(servers) => servers,
            Err(why) => return Proof::Unknown(why),
        }
    } else {
        given.into_iter().map(|server| (server.to_string(), server)).collect()
    };
    let answers = dns::authoritative(key, &servers).await;
    match dns::agreement(&answers, values) {
        dns::Verdict::Seen => Proof::Seen,
        dns::Verdict::NotYet { server, holds } => Proof::NotYet(format!("{} ({server})", list(&holds))),
        dns::Verdict::Unknown(why) => Proof::Unknown(why),
    }
}

/// Puts a notice into the log, with its record and account as fields.
fn tell(notice: &Notice) {
    let record = notice.id.as_ref().map(|id| id.key.to_string());
    let account = notice.account.as_ref().map(|account| account.0.as_str());
    let (record, what) = (record.as_deref(), &notice.what);
    match notice.level {
        Level::Debug => tracing::debug!(record, account, "{what}"),
        Level::Info => tracing::info!(record, account, "{what}"),
        Level::Warn => tracing::warn!(record, account, "{what}"),
        Level::Error => tracing::error!(record, account, "{what}"),
    }
}

/// Reads record sets once, outside any machine: what commands that only look need.
///
/// # Errors
/// That of the service, one for each key.
pub async fn look_at(access: &Access, keys: &[RrsetKey]) -> Vec<Result<crate::model::plan::Seen>> {
    let mut answers = timeout(CALL, access.provider.read(keys)).await.unwrap_or_default();
    answers.resize_with(keys.len(), || Err(gave_up("reading")));
    answers
}
