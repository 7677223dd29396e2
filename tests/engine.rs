//! The driver under a clock that only tests move: what runs side by side, what is cut short, how it stops, reloads and wakes.

#![expect(clippy::disallowed_methods, reason = "fakes wait on the paused clock")]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use driftless::detect::Detector;
use driftless::engine::{Access, Ears, Engine, Parts, Until};
use driftless::model::agree::{Expression, Reading, SourceName};
use driftless::model::desired::{AccountName, AccountSpec, Desired, Id, RecordSpec, SourceSpec};
use driftless::model::error::{Error, Result, Scope};
use driftless::model::evidence::Protocol;
use driftless::model::machine::standing::Standing;
use driftless::model::machine::{Mode, State};
use driftless::model::plan::{Applied, Batch, Health, Plan, Seen, Settled, Snapshot, Ticket};
use driftless::model::record::{Family, RecordType, RrsetKey, Values};
use driftless::model::time::{Moment, Now, Wall};
use driftless::net::http::Http;
use driftless::os::clock::Clock;
use driftless::os::file::{Claim, LockError, lock};
use driftless::os::secret::Secret;
use driftless::os::signals::{Signal, Signals};
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::{Budget, Provider, Terms, Tools};
use driftless::report::control::Control;
use driftless::store::Store;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const BOOTED: Moment = Moment(1_000_000_000);

/// The runtime's paused time, and what the machine slept on top of it.
struct FakeClock {
    start: Instant,
    slept: AtomicU64,
    woke: Notify,
}

impl FakeClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), slept: AtomicU64::new(0), woke: Notify::new() })
    }

    /// The machine sleeps for so long: its alarms ring when it wakes.
    fn suspend(&self, span: Duration) {
        self.slept.fetch_add(u64::try_from(span.as_millis()).expect("a short sleep"), Ordering::SeqCst);
        self.woke.notify_waiters();
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> Now {
        let slept = Duration::from_millis(self.slept.load(Ordering::SeqCst));
        let moment = BOOTED.plus(self.start.elapsed() + slept);
        let seconds = i64::try_from(moment.since(BOOTED).as_secs()).expect("a short test");
        Now { moment, wall: Wall(1_800_000_000 + seconds) }
    }

    async fn until(&self, moment: Moment) {
        loop {
            let woke = self.woke.notified();
            let left = moment.since(self.now().moment);
            if left.is_zero() {
                return;
            }
            tokio::select! { () = sleep(left) => {} () = woke => {} }
        }
    }
}

/// A service that holds what it is told, as slowly as it is told.
struct Service {
    terms: Terms,
    held: Mutex<BTreeMap<RrsetKey, Values>>,
    /// How long a read and a write take; `None` for ever.
    takes: Mutex<(Option<Duration>, Option<Duration>)>,
    /// The file with the secret; nothing goes without `right` in it.
    secret: Option<Secret>,
    /// What reads files that the settings only point to: nothing goes without `right` in one of them.
    beside: Option<Arc<dyn Provider>>,
    reads: AtomicUsize,
    writes: AtomicUsize,
    flying: AtomicUsize,
    most_flying: AtomicUsize,
    network_changes: AtomicUsize,
}

impl Service {
    fn new(readable: bool) -> Self {
        let terms = Terms {
            readable,
            width: 1,
            budget: Budget { burst: 100, refill: SECOND },
            settles_within: Duration::ZERO,
            read_back_after: SECOND,
            forgets_siblings: false,
            refresh: None,
            in_dns: false,
        };
        Self {
            terms,
            held: Mutex::default(),
            takes: Mutex::new((Some(Duration::ZERO), Some(Duration::ZERO))),
            secret: None,
            beside: None,
            reads: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
            flying: AtomicUsize::new(0),
            most_flying: AtomicUsize::new(0),
            network_changes: AtomicUsize::new(0),
        }
    }

    fn takes(self, read: Option<Duration>, write: Option<Duration>) -> Self {
        *self.takes.lock().expect("no panic") = (read, write);
        self
    }

    fn holds(&self, last: u8) -> bool {
        let held = self.held.lock().expect("no panic");
        held.values().any(|values| *values == address(last))
    }

    fn allowed(&self) -> Result<()> {
        use secrecy::ExposeSecret;
        match &self.secret {
            Some(secret) if secret.read()?.expose_secret() != "right" => {
                Err(Error::auth(Scope::Account, "asking", "the secret is refused"))
            }
            _ if self.beside.is_some() && !String::from_utf8_lossy(&self.beside_settings()).contains("right") => {
                Err(Error::auth(Scope::Account, "asking", "the cloud is refused"))
            }
            _ => Ok(()),
        }
    }
}

async fn wait(span: Option<Duration>) {
    match span {
        Some(span) => sleep(span).await,
        None => pending().await,
    }
}

fn address(last: u8) -> Values {
    Values::from([std::net::IpAddr::from([192, 0, 2, last]).into()])
}

#[async_trait]
impl Provider for Service {
    fn terms(&self) -> Terms {
        self.terms.clone()
    }

    async fn read(&self, keys: &[RrsetKey]) -> Vec<Result<Seen>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let span = self.takes.lock().expect("no panic").0;
        wait(span).await;
        if let Err(error) = self.allowed() {
            return keys.iter().map(|_| Err(error.clone())).collect();
        }
        let held = self.held.lock().expect("no panic");
        let seen = |key| match held.get(key) {
            None => Seen::Absent(Snapshot::none()),
            Some(values) => {
                let (values, snapshot) = (values.clone(), Snapshot::none());
                Seen::Holds { values, ttl: None, health: Health::Live, mixed: false, snapshot }
            }
        };
        keys.iter().map(|key| Ok(seen(key))).collect()
    }

    fn batches(&self, plan: &Plan) -> Vec<Batch> {
        plan.chunks(1)
    }

    async fn apply(&self, batch: &Batch) -> Vec<Result<Applied>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let flying = self.flying.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_flying.fetch_max(flying, Ordering::SeqCst);
        let span = self.takes.lock().expect("no panic").1;
        wait(span).await;
        self.flying.fetch_sub(1, Ordering::SeqCst);
        let mut held = self.held.lock().expect("no panic");
        held.extend(batch.changes.iter().map(|change| (change.key.clone(), change.after.clone())));
        batch.changes.iter().map(|_| Ok(Applied::Done)).collect()
    }

    async fn settle(&self, _: &Ticket) -> Result<Settled> {
        Ok(Settled::Done)
    }

    fn beside_settings(&self) -> Vec<u8> {
        self.beside.as_ref().map(|beside| beside.beside_settings()).unwrap_or_default()
    }

    fn network_changed(&self) {
        self.network_changes.fetch_add(1, Ordering::SeqCst);
    }
}

/// A source that says what it is told to.
struct Source {
    /// `None`: it never answers.
    says: Mutex<Option<u8>>,
    asked: AtomicUsize,
}

impl Source {
    fn saying(last: Option<u8>) -> Arc<Self> {
        Arc::new(Self { says: Mutex::new(last), asked: AtomicUsize::new(0) })
    }

    fn says(&self, last: u8) {
        *self.says.lock().expect("no panic") = Some(last);
    }
}

#[async_trait]
impl Detector for Source {
    async fn detect(&self, _: Family) -> Reading {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let said = *self.says.lock().expect("no panic");
        match said {
            Some(last) => Reading::Addresses(vec![[192, 0, 2, last].into()]),
            None => pending().await,
        }
    }
}

/// Everything an engine is built from.
struct Rig {
    clock: Arc<FakeClock>,
    parts: Parts,
    folder: TempDir,
    rebuild: Option<Parts>,
}

impl Rig {
    fn new() -> Self {
        let desired = Desired { check: 5 * MINUTE, verify: 60 * MINUTE, ..Desired::default() };
        let parts = Parts { desired, ..Parts::default() };
        Self { clock: FakeClock::new(), parts, folder: tempfile::tempdir().expect("a folder"), rebuild: None }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds an account with so many names that follow the source; answers the service.
    fn account(&mut self, name: &str, service: Service, source: (&str, &Arc<Source>), names: usize) -> Arc<Service> {
        let service = Arc::new(service);
        declare(&mut self.parts, name, &service, source, names);
        service
    }

    /// Runs the engine beside the script, which is given the way to tell it signals, and stops it when the script ends.
    /// Answers how long the stop took, and the machine.
    async fn run<F: Future<Output = ()>>(
        &self,
        script: impl FnOnce(UnboundedSender<Signal>) -> F,
    ) -> (Duration, State) {
        let (tell, mut told) = unbounded_channel();
        let signals = futures_util::stream::poll_fn(move |context| told.poll_recv(context));
        let mut rebuilt = self.rebuild.clone();
        let rebuild = move |_: &Parts| rebuilt.take().ok_or_else(|| "it cannot be read".to_owned());
        let ears = Ears { signals: Some(Signals::of(signals)), rebuild: Some(Box::new(rebuild)), ..Ears::default() };
        let (store, loaded) = Store::open(self.folder());
        let documents = loaded.documents.into_iter().map(|(key, value)| (key, Some(value))).collect();
        let state =
            State::new(self.parts.desired.clone(), &documents, "boot", store.writable(), Mode::Run, self.clock.now());
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let engine = Engine::new(state, self.parts.clone(), store, clock, fastrand::Rng::with_seed(3));
        let play = async {
            script(tell.clone()).await;
            tell.send(Signal::Stop).expect("the engine listens");
            Instant::now()
        };
        let (state, stopped) = tokio::join!(engine.run(Until::Stopped, ears), play);
        (stopped.elapsed(), state.expect("nobody else has the folder"))
    }
}

fn declare(parts: &mut Parts, name: &str, service: &Arc<Service>, (word, source): (&str, &Arc<Source>), names: usize) {
    let account = AccountName(name.into());
    let spec = AccountSpec { service: name.into(), identity: "one login".into(), terms: service.terms() };
    parts.desired.accounts.insert(account.clone(), spec);
    let mut settings = Settings::new(name);
    if let Some(secret) = &service.secret {
        settings.set("password", Set::Secret(secret.clone()));
    }
    let provider = Arc::clone(service) as Arc<dyn Provider>;
    parts.accounts.insert(account.clone(), Access { provider, settings, nameservers: Vec::new() });
    let source_name = SourceName(word.into());
    parts.desired.sources.insert(source_name.clone(), SourceSpec::local(Protocol::Fixed, "a test"));
    parts.detectors.insert(source_name.clone(), Arc::clone(source) as Arc<dyn Detector>);
    for at in 0..names {
        let source = Expression::Source(source_name.clone());
        let spec = RecordSpec { private: true, ..RecordSpec::of(Family::Ipv4, source) };
        let key = RrsetKey::new(format!("n{at}.{name}.example").parse().expect("a name"), RecordType::A);
        parts.desired.records.insert(Id { account: account.clone(), key }, spec);
    }
}

fn standing(state: &State, name: &str) -> Standing {
    let key = RrsetKey::new(format!("n0.{name}.example").parse().expect("a name"), RecordType::A);
    state.standing(&Id { account: AccountName(name.into()), key })
}

#[tokio::test(start_paused = true)]
async fn a_slow_account_delays_nobody() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let slow = Service::new(true).takes(Some(100 * SECOND), Some(SECOND));
    let slow = rig.account("slow", slow, ("here", &source), 1);
    let fast = rig.account("fast", Service::new(true), ("here", &source), 1);
    rig.run(|_| async {
        sleep(10 * SECOND).await;
        assert!(fast.holds(1) && !slow.holds(1));
        source.says(2);
        sleep(6 * MINUTE).await;
        assert!(fast.holds(2), "{:?}", fast.held);
        assert!(slow.holds(1) || slow.holds(2), "{:?}", slow.held);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_more_batches_of_an_account_fly_together_than_it_bears() {
    for width in [1, 3] {
        let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
        let mut service = Service::new(true).takes(Some(Duration::ZERO), Some(SECOND));
        service.terms.width = width;
        let service = rig.account("home", service, ("here", &source), 7);
        rig.run(|_| sleep(MINUTE)).await;
        assert_eq!(service.writes.load(Ordering::SeqCst), 7);
        assert_eq!(service.most_flying.load(Ordering::SeqCst), width);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_engine_stops_at_once() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    rig.account("home", Service::new(true), ("here", &source), 3);
    let (took, state) = rig.run(|_| sleep(MINUTE)).await;
    assert_eq!(standing(&state, "home"), Standing::UpToDate);
    assert!(took < SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_the_outcome_of_a_call_that_ends_in_time() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let service = Service::new(true).takes(Some(Duration::ZERO), Some(15 * SECOND));
    let service = rig.account("home", service, ("here", &source), 1);
    let (took, state) = rig.run(|_| sleep(10 * SECOND)).await;
    assert!(service.holds(1) && took <= 10 * SECOND, "{took:?}");
    assert_eq!(standing(&state, "home"), Standing::UpToDate);
    let ledger = format!("{:?}", Store::look(rig.folder()).documents);
    assert!(ledger.contains("now holds 192.0.2.1"), "{ledger}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_ten_seconds_for_a_call_and_what_it_attempted_is_on_disk() {
    for readable in [true, false] {
        let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
        let service = Service::new(readable).takes(Some(Duration::ZERO), Some(100 * SECOND));
        let service = rig.account("home", service, ("here", &source), 3);
        let (took, _) = rig.run(|_| sleep(10 * SECOND)).await;
        assert!(took >= 9 * SECOND && took <= 11 * SECOND, "{took:?}");
        assert_eq!(service.writes.load(Ordering::SeqCst), 1, "nothing is begun after the stop");
        let ledger = format!("{:?}", Store::look(rig.folder()).documents);
        assert!(ledger.contains("attempt"), "{ledger}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hung_provider_is_cut_and_asked_again() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let service = rig.account("home", Service::new(true).takes(None, None), ("here", &source), 1);
    rig.run(|_| async {
        sleep(2 * MINUTE + 5 * SECOND).await;
        assert_eq!(service.reads.load(Ordering::SeqCst), 1);
        *service.takes.lock().expect("no panic") = (Some(Duration::ZERO), Some(Duration::ZERO));
        sleep(MINUTE).await;
        assert!(service.holds(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hung_source_blinds_nobody_else_and_is_asked_again() {
    let (mut rig, source, hung) = (Rig::new(), Source::saying(Some(1)), Source::saying(None));
    let seeing = rig.account("seeing", Service::new(true), ("here", &source), 1);
    let blind = rig.account("blind", Service::new(true), ("there", &hung), 1);
    rig.run(|_| async {
        sleep(10 * SECOND).await;
        assert!(seeing.holds(1));
        source.says(2);
        hung.says(7);
        sleep(10 * MINUTE).await;
        assert!(seeing.holds(2), "{:?}", seeing.held);
        assert!(blind.holds(7), "{:?}", blind.held);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_did_not_change_and_takes_what_did() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let kept = rig.account("kept", Service::new(true), ("here", &source), 2);
    let mut next = rig.parts.clone();
    let added = Arc::new(Service::new(true));
    declare(&mut next, "added", &added, ("here", &source), 1);
    rig.rebuild = Some(next);
    rig.run(|tell| async move {
        sleep(MINUTE).await;
        let calls = (kept.reads.load(Ordering::SeqCst), kept.writes.load(Ordering::SeqCst));
        // The second one fails: what is in force stays.
        for _ in 0..2 {
            tell.send(Signal::Reload).expect("the engine listens");
            sleep(MINUTE).await;
            assert!(added.holds(1));
            assert_eq!((kept.reads.load(Ordering::SeqCst), kept.writes.load(Ordering::SeqCst)), calls);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_a_reload_drops_while_it_is_asked_holds_nothing_up() {
    let (mut rig, source, hung) = (Rig::new(), Source::saying(Some(1)), Source::saying(None));
    let home = rig.account("home", Service::new(true), ("here", &source), 1);
    rig.rebuild = Some(rig.parts.clone());
    rig.account("gone", Service::new(true), ("there", &hung), 1);
    rig.run(|tell| async move {
        sleep(5 * SECOND).await;
        tell.send(Signal::Reload).expect("the engine listens");
        sleep(MINUTE).await;
        source.says(2);
        sleep(10 * MINUTE).await;
        assert!(home.holds(2), "{:?}", home.held);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_stops_no_service_that_can_be_read_and_comes_back_by_itself() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let api = rig.account("api", Service::new(true), ("here", &source), 1);
    let push = rig.account("push", Service::new(false), ("here", &source), 1);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (place, away) = (rig.folder().to_owned(), elsewhere.path().join("away"));
    let (_, machine) = rig
        .run(|tell| async move {
            sleep(MINUTE).await;
            assert!(api.holds(1) && push.holds(1));
            std::fs::rename(&place, &away).expect("a disk");
            std::fs::write(&place, "no folder").expect("a disk");
            source.says(2);
            tell.send(Signal::Update).expect("the engine listens");
            sleep(MINUTE).await;
            assert!(api.holds(2), "it is read before it is written");
            assert!(push.holds(1), "an attempt that cannot be written down is not made at once");
            std::fs::remove_file(&place).expect("a disk");
            std::fs::rename(&away, &place).expect("a disk");
            sleep(6 * MINUTE).await;
            assert!(push.holds(2), "{:?}", push.held);
        })
        .await;
    assert!(machine.disk_is_writable());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_looks_again_once() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let service = rig.account("home", Service::new(true), ("here", &source), 1);
    let clock = Arc::clone(&rig.clock);
    rig.run(|_| async {
        sleep(MINUTE).await;
        let asked = source.asked.load(Ordering::SeqCst);
        source.says(2);
        clock.suspend(8 * 60 * MINUTE);
        sleep(5 * SECOND).await;
        assert!(service.holds(2));
        assert_eq!(service.network_changes.load(Ordering::SeqCst), 1);
        // Once for the jump, once for the check that fell due meanwhile.
        let again = source.asked.load(Ordering::SeqCst) - asked;
        assert!(again <= 2, "asked {again} times");
        sleep(MINUTE).await;
        assert_eq!(service.network_changes.load(Ordering::SeqCst), 1, "no burst");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_secret_releases_what_the_old_one_held() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let secret = rig.folder().join("secret");
    std::fs::write(&secret, "wrong").expect("a disk");
    let service = Service { secret: Some(Secret::File(secret.clone())), ..Service::new(true) };
    let service = rig.account("home", service, ("here", &source), 2);
    rig.run(|_| async {
        sleep(60 * MINUTE).await;
        assert_eq!(service.reads.load(Ordering::SeqCst), 1, "what is refused is not asked again");
        std::fs::write(&secret, "right").expect("a disk");
        sleep(6 * MINUTE).await;
        assert!(service.holds(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_beside_the_settings_that_is_corrected_releases_what_it_held() {
    for corrected in ["clouds.yaml", "secure.yaml"] {
        let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
        let cloud = |password: &str| format!("clouds: {{home: {{auth: {{password: {password}}}}}}}\n");
        let file = |name: &str| rig.folder().join(name);
        std::fs::write(file("clouds.yaml"), cloud("wrong")).expect("a disk");
        let settings = Settings::new("home")
            .with("cloud", Set::Text("home".into()))
            .with("clouds_file", Set::Path(file("clouds.yaml")))
            .with("secure_file", Set::Path(file("secure.yaml")));
        let designate = driftless::provider::find("designate").expect("it is known");
        let tools = Tools { http: Http::new(None) };
        let beside = Some((designate.build)(&settings, &tools).expect("it needs no more"));
        let corrected = file(corrected);
        let service = rig.account("home", Service { beside, ..Service::new(true) }, ("here", &source), 2);
        let (_, state) = rig
            .run(|_| async {
                sleep(60 * MINUTE).await;
                assert_eq!(service.reads.load(Ordering::SeqCst), 1, "what is refused is not asked again");
                std::fs::write(&corrected, cloud("right")).expect("a disk");
                sleep(6 * MINUTE).await;
                assert!(service.holds(1));
            })
            .await;
        assert_eq!(standing(&state, "home"), Standing::UpToDate);
    }
}

/// An engine that has its folder, beside a script that is given the folder and the source.
async fn with_claim<F: Future<Output = ()>>(
    script: impl FnOnce(PathBuf, Arc<Source>) -> F,
) -> std::result::Result<State, LockError> {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    rig.account("home", Service::new(true), ("here", &source), 2);
    let folder = rig.folder().join("state");
    let (claim, _) = Claim::new(&folder).expect("nobody has it");
    let (store, _) = Store::open(&folder);
    let state = State::new(rig.parts.desired.clone(), &BTreeMap::new(), "boot", true, Mode::Run, rig.clock.now());
    let clock = Arc::clone(&rig.clock) as Arc<dyn Clock>;
    let engine = Engine::new(state, rig.parts.clone(), store, clock, fastrand::Rng::with_seed(3)).with_claim(claim);
    let (tell, mut told) = unbounded_channel();
    let signals = futures_util::stream::poll_fn(move |context| told.poll_recv(context));
    let control = Control::bind(&folder.join("socket")).expect("nobody listens there");
    let ears = Ears { signals: Some(Signals::of(signals)), control: Some(control), ..Ears::default() };
    let play = async {
        script(folder, source).await;
        // Nobody may be left to hear it.
        let _ = tell.send(Signal::Stop);
    };
    tokio::join!(engine.run(Until::Stopped, ears), play).0
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_removed_under_the_engine_is_written_anew_and_locked() {
    let ended = with_claim(|folder, source| async move {
        sleep(MINUTE).await;
        std::fs::remove_dir_all(&folder).expect("it is there");
        source.says(2);
        sleep(10 * MINUTE).await;
        assert!(matches!(lock(&folder), Err(LockError::Held { .. })), "a second instance may not start");
        let found = Store::look(&folder);
        assert_eq!(found.notes, Vec::<String>::new());
        assert_eq!(found.documents.keys().filter(|key| key.starts_with("record ")).count(), 2, "{found:?}");
        assert!(found.documents.contains_key("salt"), "not only what changed since");
    });
    assert!(ended.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_removed_is_missed_at_the_next_check_although_there_is_nothing_to_write() {
    let ended = with_claim(|folder, _source| async move {
        sleep(MINUTE).await;
        std::fs::remove_dir_all(&folder).expect("it is there");
        sleep(6 * MINUTE).await;
        assert!(matches!(lock(&folder), Err(LockError::Held { .. })), "a second instance may not start");
        let found = Store::look(&folder);
        assert_eq!(found.documents.keys().filter(|key| key.starts_with("record ")).count(), 2, "{found:?}");
        assert!(folder.join("socket").exists(), "who asks is answered");
    });
    assert!(ended.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_cannot_be_made_anew_is_made_once_it_can() {
    let ended = with_claim(|folder, source| async move {
        sleep(MINUTE).await;
        std::fs::remove_dir_all(&folder).expect("it is there");
        std::fs::write(&folder, "").expect("a disk");
        source.says(2);
        sleep(10 * MINUTE).await;
        std::fs::remove_file(&folder).expect("it is there");
        sleep(10 * MINUTE).await;
        assert!(folder.join("socket").exists());
    });
    assert!(ended.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_engine_whose_folder_another_process_has_writes_nothing_and_ends() {
    for changes in [true, false] {
        let ended = with_claim(|folder, source| async move {
            sleep(MINUTE).await;
            std::fs::remove_dir_all(&folder).expect("it is there");
            let _other = lock(&folder).expect("it is free by mistake");
            if changes {
                source.says(2);
            }
            sleep(10 * MINUTE).await;
            let files = std::fs::read_dir(&folder).expect("the other's folder").count();
            assert_eq!(files, 1, "the lock of the other alone");
        });
        assert!(matches!(ended.await, Err(LockError::Held { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_until_settled_ends_by_itself() {
    let (mut rig, source) = (Rig::new(), Source::saying(Some(1)));
    let service = rig.account("home", Service::new(true), ("here", &source), 2);
    let (store, _) = Store::open(rig.folder());
    let documents = BTreeMap::new();
    let state = State::new(rig.parts.desired.clone(), &documents, "boot", true, Mode::Run, rig.clock.now());
    let clock = Arc::clone(&rig.clock) as Arc<dyn Clock>;
    let engine = Engine::new(state, rig.parts.clone(), store, clock, fastrand::Rng::with_seed(3));
    let state =
        timeout(MINUTE, engine.run(Until::Settled, Ears::default())).await.expect("it ends").expect("it is ours");
    assert!(service.holds(1));
    assert_eq!(standing(&state, "home"), Standing::UpToDate);
}
