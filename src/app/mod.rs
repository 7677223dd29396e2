//! The composition root: builds everything from the configuration and hands it to the engine; decides nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Config, ConfigErrors, Input};
use crate::detect::way::Asked;
use crate::engine::{Ears, Engine, Onlooker, Parts, Rebuild, Until};
use crate::model::agree::SourceName;
use crate::model::desired::Id;
use crate::model::error::Error;
use crate::model::machine::standing::View;
use crate::model::machine::{Document, Documents, Event, Mode, State, Target, step};
use crate::model::record::Family;
use crate::model::situation::Situation;
use crate::os::clock::{self, SystemClock};
use crate::os::file::Claim;
use crate::os::netlink::Watch;
use crate::os::signals::Signals;
use crate::os::systemd::Manager;
use crate::report::control::{Control, Released, Request, Unanswered, ask};
use crate::store::Store;

pub mod demo;
pub mod doctor;
mod page;
pub mod rights;
pub mod services;
pub mod situation;
pub mod sources;
mod together;
pub mod wiring;

/// A configuration, and what it was read from.
pub struct Loaded {
    /// What was meant.
    pub config: Config,
    /// What was typed.
    pub input: Input,
}

/// Why something could not be done.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is wrong.
    Config(ConfigErrors),
    /// Something else is, with the exit code that says what kind of thing.
    Other(u8, String),
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

impl Failure {
    /// The configuration does not fit together.
    fn wrong(why: impl Into<String>) -> Self {
        Self::Other(78, why.into())
    }

    /// It may work later.
    fn later(why: impl Into<String>) -> Self {
        Self::Other(75, why.into())
    }
}

/// Reads the configuration at `path`, or where it stands by default.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: Option<&Path>) -> Result<Loaded, ConfigErrors> {
    let input = config::read_input(path)?;
    let config = Config::load(&input)?;
    Ok(Loaded { config, input })
}

/// Reads the configuration for a command beside the daemon: started by a person, it has no credentials and no socket of its own, and
/// takes those of the unit.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_beside(path: Option<&Path>) -> Result<Loaded, ConfigErrors> {
    let input = input_beside(path)?;
    let config = Config::load(&input)?;
    Ok(Loaded { config, input })
}

/// The same for a command that needs an account and nothing else: what is wrong elsewhere does not stop it.
///
/// # Errors
/// What [`Config::load_accounts`] cannot do without.
pub fn load_accounts(path: Option<&Path>) -> Result<Loaded, ConfigErrors> {
    let input = input_beside(path)?;
    let config = Config::load_accounts(&input)?;
    Ok(Loaded { config, input })
}

fn input_beside(path: Option<&Path>) -> Result<Input, ConfigErrors> {
    let mut input = config::read_input(path)?;
    input.variables = config::beside(input.variables);
    Ok(input)
}

impl Loaded {
    /// The state's folder that goes with this machine's own configuration, where that is what was read and another folder was named.
    fn usual_state(&self) -> Option<&'static Path> {
        let is_machines = self.input.files.iter().any(|(path, _)| path == Path::new(config::DEFAULT_FILE));
        Some(Path::new(config::STATE_DIR)).filter(|usual| is_machines && self.config.state_dir != *usual)
    }

    /// Builds what the configuration speaks of.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn build(&self, before: Option<&Parts>) -> Result<Parts, Failure> {
        wiring::build(&self.config, &wiring::harmless(&self.input.variables), before).map_err(Failure::wrong)
    }
}

/// Does all of it on this one thread.
///
/// # Errors
/// The system gives no event queue.
pub fn complete<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Only the system's resolver needs threads of its own; they go when it is done.
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(1))
        .build()?;
    let done = runtime.block_on(work);
    // The resolver waits for a name server that is silent for many seconds, and who stops for none.
    runtime.shutdown_background();
    Ok(done)
}

/// The state's folder, and what is in it.
struct Opened {
    claim: Claim,
    store: Store,
    documents: Documents,
}

/// Locks the state's folder and reads it. A disk that cannot be written is survived; another process is not.
fn open(folder: &Path) -> Result<Opened, Failure> {
    let (claim, trouble) = Claim::new(folder).map_err(|error| Failure::later(error.to_string()))?;
    if let Some(error) = trouble {
        tracing::warn!("{error}; going on without, what is sent is limited to what cannot do harm");
    }
    let (store, found) = Store::open(folder);
    tell(folder, &found.notes);
    let documents = found.documents.into_iter().map(|(key, value)| (key, Document::Some(value))).collect();
    Ok(Opened { claim, store, documents })
}

/// A machine that knows what `documents` say.
fn machine(parts: &mut Parts, documents: &Documents, writable: bool, mode: Mode) -> State {
    State::new(parts.tell(), documents, clock::boot_id(), writable, mode, clock::now())
}

/// What a working process is given.
pub struct Work {
    /// The configuration.
    pub loaded: Loaded,
    /// Where it can be read again; `None` for the demonstration, which has no file.
    pub again: Option<Option<PathBuf>>,
    /// When it ends.
    pub until: Until,
    /// What is to be looked at although it seems right; where it ends when all is settled, this alone.
    pub target: Option<Target>,
    /// What is done as soon as it is certain that this process may work.
    pub greeting: Option<Box<dyn FnOnce()>>,
    /// Who looks on.
    pub onlooker: Option<Onlooker>,
}

impl Work {
    /// The daemon of a configuration that can be read `again` as it was read.
    #[must_use]
    pub fn daemon(loaded: Loaded, again: Option<Option<PathBuf>>) -> Self {
        Self { loaded, again, until: Until::Stopped, target: None, greeting: None, onlooker: None }
    }

    /// One round, with a look at `target` in any case.
    #[must_use]
    pub fn round(loaded: Loaded, target: Target) -> Self {
        Self { until: Until::Settled, target: Some(target), ..Self::daemon(loaded, None) }
    }
}

/// How everything stood when a working process ended.
pub struct Ended {
    /// The machine.
    pub state: State,
    /// Whom its sources ask, after one round.
    asked: BTreeMap<SourceName, Asked>,
}

impl Ended {
    /// Where this machine stands in the network, by what its sources said in the round that is over.
    #[must_use]
    pub fn situations(&self) -> Vec<(Family, Situation)> {
        situation::of_state(&self.state, &self.asked)
    }
}

/// Runs the daemon, or one round of it, and says how everything stood at its end.
///
/// # Errors
/// It could not begin, or another process has taken its state's folder.
pub async fn work(work: Work) -> Result<Ended, Failure> {
    let Work { loaded, again, until, target, greeting, onlooker } = work;
    let folder = loaded.config.state_dir.clone();
    loaded.usual_state().map_or(Ok(()), |usual| rights::is_alone(&folder, Some(usual)))?;
    // Before anything is said of going on.
    rights::may_know(&folder)?;
    let Opened { claim, store, documents } = open(&folder)?;
    if !claim.is_kept() {
        rights::is_alone(&folder, None)?;
    }
    greeting.into_iter().for_each(|greet| greet());
    let mut parts = loaded.build(None)?;
    let asked = if until == Until::Settled { situation::asked(&parts) } else { BTreeMap::new() };
    let socket = loaded.config.socket.clone();
    let page = loaded.config.web.clone().filter(|_| until == Until::Stopped);
    let rebuild = again.map(|path| rebuild(path, &loaded.config));
    // The configuration has been understood; its texts and thousand names are not kept for years, nor beside those of the machine.
    drop(loaded);
    let mut state = machine(&mut parts, &documents, store.writable(), Mode::Run);
    drop(documents);
    if let Some(target) = target.clone().filter(|_| until == Until::Settled) {
        state = state.looking_at(target);
    }
    let mut ears = Ears { signals: Signals::open().ok(), target, onlooker, ..Ears::default() };
    if until == Until::Stopped {
        ears.network = Watch::open()
            .map_err(|error| tracing::warn!("the kernel cannot be listened to ({error}); the timer alone is"))
            .ok();
        ears.control = listen(&socket, claim.is_kept()).await;
        ears.manager = Some(Manager::open());
        ears.rebuild = rebuild;
    }
    let served = page::serve(page, &mut ears);
    let engine = Engine::new(state, parts, store, Arc::new(SystemClock), fastrand::Rng::new()).with_claim(claim);
    let ended = tokio::select! {
        biased;
        ended = engine.run(until, ears) => ended,
        never = served => match never {},
    };
    let state = ended.map_err(|error| Failure::later(error.to_string()))?;
    Ok(Ended { state, asked })
}

/// Reads the configuration at `path` again, and says what of it only the next start takes.
fn rebuild(path: Option<PathBuf>, first: &Config) -> Rebuild {
    let settled = |config: &Config| (config.state_dir.clone(), config.socket.clone(), config.log, config.web.clone());
    let first = settled(first);
    Box::new(move |before| {
        let loaded = load(path.as_deref()).map_err(|errors| errors.one_line())?;
        for warning in &loaded.config.warnings {
            tracing::warn!("{}", warning.one_line());
        }
        let parts = wiring::build(&loaded.config, &wiring::harmless(&loaded.input.variables), Some(before))?;
        if settled(&loaded.config) != first {
            tracing::warn!("`state_dir`, `socket`, [log] or [web] have changed: that takes effect with a restart");
        }
        Ok(parts)
    })
}

/// Where the state's folder could not be locked there may be another daemon: what answers already is left alone.
async fn listen(path: &Path, locked: bool) -> Option<Control> {
    if !locked && !matches!(ask(path, &Request::Status).await, Err(Unanswered::NotRunning)) {
        tracing::warn!("{}: commands are taken by another process", path.display());
        return None;
    }
    match Control::bind(path) {
        Ok(control) => Some(control),
        Err(error) => {
            tracing::warn!("{}: commands cannot be taken: {error}", path.display());
            None
        }
    }
}

/// What would change.
pub struct Planned {
    /// How everything stands, with the changes.
    pub state: State,
    /// The changes that the services' documented rules have something against, and what: they would not be sent.
    pub objections: BTreeMap<Id, Error>,
    /// Where this machine stands in the network, by what its sources said.
    pub situations: Vec<(Family, Situation)>,
}

/// Finds what would change, and writes nothing, neither to a service nor to the disk. It may take minutes; `onlooker` sees how it goes.
///
/// # Errors
/// It could not begin.
pub async fn plan(loaded: &Loaded, onlooker: Onlooker) -> Result<Planned, Failure> {
    let mut parts = loaded.build(None)?;
    let asked = situation::asked(&parts);
    // What would be is no news.
    parts.channels.clear();
    let accounts = parts.accounts.iter().map(|(name, access)| (name.clone(), Arc::clone(&access.provider)));
    let providers: BTreeMap<_, _> = accounts.collect();
    let state = machine(&mut parts, &look(&loaded.config.state_dir), true, Mode::Plan);
    // With the salt of what is on the disk, so that a hold is recognised as one that these settings got.
    let store = Store::in_memory(Store::look(&loaded.config.state_dir).documents);
    let engine = Engine::new(state, parts, store, Arc::new(SystemClock), fastrand::Rng::new());
    let ears = Ears { signals: Signals::open().ok(), onlooker: Some(onlooker), ..Ears::default() };
    let state = engine.run(Until::Settled, ears).await.map_err(|error| Failure::later(error.to_string()))?;
    let objection = |view: View<'_>| {
        let error = providers.get(&view.id.account)?.objection(view.planned?)?;
        Some((view.id.clone(), error))
    };
    let mut objections: BTreeMap<Id, Error> = state.views(clock::now()).filter_map(objection).collect();
    together::object(&loaded.config, &state, &mut objections);
    let situations = situation::of_state(&state, &asked);
    Ok(Planned { state, objections, situations })
}

/// What the state's folder holds, without touching it; what is wrong with it is told.
#[must_use]
pub fn look(folder: &Path) -> Documents {
    if folder.exists() && !folder.is_dir() {
        tracing::warn!("{} is a file, and a folder is needed for the state: move it away", folder.display());
        return Documents::default();
    }
    let found = Store::look(folder);
    tell(folder, &found.notes);
    found.documents.into_iter().map(|(key, value)| (key, Some(value))).collect()
}

/// Tells what is wrong with the files of the state, and where they are.
fn tell(folder: &Path, notes: &[String]) {
    for note in notes {
        tracing::warn!("{}: {note}", folder.display());
    }
}

/// How everything stands according to what is on the disk, while no daemon runs.
///
/// # Errors
/// The configuration does not fit together.
pub fn on_disk(loaded: &Loaded) -> Result<State, Failure> {
    let folder = &loaded.config.state_dir;
    Ok(machine(&mut loaded.build(None)?, &look(folder), Store::may_write(folder), Mode::Plan))
}

/// Lets go of holds while no daemon runs.
///
/// # Errors
/// A daemon runs, or the state cannot be written.
pub fn release(loaded: &Loaded, target: Target) -> Result<Released, Failure> {
    let Opened { claim, mut store, documents } = open(&loaded.config.state_dir)?;
    let mut parts = loaded.build(None)?;
    let mut state = machine(&mut parts, &documents, store.writable(), Mode::Run);
    let before = state.holds(&target);
    let effects = step(&mut state, Event::Release(target.clone()), clock::now(), &mut fastrand::Rng::new());
    for effect in effects {
        if let crate::model::machine::Effect::Save(documents) = effect {
            let changes: Vec<_> = documents.into_iter().collect();
            store.save(&changes).map_err(|error| Failure::later(format!("writing the state: {error}")))?;
        }
    }
    drop(claim);
    Ok(Released::since(before, &state, &target, clock::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stops_waits_for_no_silent_name_server() {
        let (answer, silence) = std::sync::mpsc::channel::<()>();
        let (ended, end) = std::sync::mpsc::channel();
        let (begun, begin) = tokio::sync::oneshot::channel();
        complete(async {
            drop(tokio::task::spawn_blocking(move || {
                let _ = begun.send(());
                let _ = silence.recv_timeout(Duration::from_secs(10));
                let _ = ended.send(());
            }));
            begin.await
        })
        .unwrap()
        .unwrap();
        assert!(end.try_recv().is_err(), "the thread was waited for");
        drop(answer);
    }
}
