//! Telling people: messages go out beside everything else and nothing waits for them, but for a moment at the end.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::effects::salted;
use super::{Engine, Until};
use crate::model::error::{Error, Result};
use crate::model::json::Json;
use crate::model::ledger::Fingerprint;
use crate::model::machine::{Event, State};
use crate::model::news::Message;
use crate::model::news::teller::{Fact, Memory, Teller, Wish};
use crate::model::record::Family;
use crate::model::time::{Moment, Now, Wall};
use crate::notify::Channel;
use crate::provider::setting::Settings;
use crate::report::metrics::Told;
use crate::report::status::ChannelStatus;
use crate::store::Store;

/// Where what was told is kept.
const TOLD: &str = "told";
/// How often it is looked whether there is news, at most.
const PACE: Duration = Duration::from_secs(1);
/// So many messages are sent at once: each may keep one of the few threads that look up names, which updates need too.
const AT_ONCE: usize = 2;
/// Where the disk cannot be written, what is kept back is tried to be written after so long again.
const WRITE_AGAIN: Duration = Duration::from_secs(60);
/// A channel that takes longer is given up. Each has a shorter bound of its own.
const LONGEST: Duration = Duration::from_secs(70);
/// How long a process that shall end waits for what is being sent.
const LAST_WORDS: Duration = Duration::from_millis(800);
/// The same for one that ends because its work is done.
const LAST_WORDS_OF_A_ROUND: Duration = Duration::from_secs(20);

/// A channel, and what it is told.
#[derive(Clone)]
pub struct Outlet {
    /// The word for its type.
    pub kind: &'static str,
    /// Its settings and secrets, of which one that was refused remembers a digest.
    pub settings: Settings,
    /// What it is told.
    pub wish: Wish,
    /// How.
    pub channel: Arc<dyn Channel>,
}

impl Outlet {
    fn print(&self, salt: &str) -> Fingerprint {
        salted(salt, &[self.kind.as_bytes().to_vec(), self.settings.canonical()])
    }
}

/// Whom a message was sent to, with which settings, and what became of it.
pub(super) type Sent = (String, Fingerprint, Result<()>);
type Sending = FuturesUnordered<Pin<Box<dyn Future<Output = Sent> + Send>>>;

/// What is told to whom, and what is on its way.
pub(super) struct Telling {
    teller: Teller,
    pub(super) sending: Sending,
    turns: Arc<Semaphore>,
    looked: Moment,
    look_at: Option<Moment>,
    /// The next check, as it was when a check last ended.
    check: Moment,
    /// How each channel fared.
    fared: BTreeMap<String, Fared>,
    saved: Option<Memory>,
    /// What is kept back is not tried to be written before.
    write_at: Moment,
    salt: String,
}

/// How a channel fared.
#[derive(Clone, Debug, Default)]
struct Fared {
    told: Option<Wall>,
    failed: Option<Wall>,
    /// Why the last attempt failed; `None` after one that did not.
    error: Option<String>,
    failures: u64,
}

impl Telling {
    /// Who tells these channels, and remembers what the store does.
    pub(super) fn new(state: &State, channels: &BTreeMap<String, Outlet>, store: &Store, salt: &str, now: Now) -> Self {
        let saved: Option<Memory> = store.documents().get(TOLD).and_then(Json::read);
        let mut telling = Self {
            teller: Teller::new(saved.clone(), state.disk_is_writable(), now),
            sending: Sending::new(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            looked: Moment::default(),
            look_at: None,
            check: state.next_check(),
            fared: BTreeMap::new(),
            saved,
            write_at: Moment::default(),
            salt: salt.to_owned(),
        };
        telling.declare(channels, now);
        telling
    }

    /// These are the channels from now on.
    pub(super) fn declare(&mut self, channels: &BTreeMap<String, Outlet>, now: Now) {
        let wishes = channels.iter().map(|(name, outlet)| (name.clone(), outlet.wish.clone()));
        self.teller.declare(wishes.collect(), now);
        self.fared.retain(|name, _| channels.contains_key(name));
    }

    fn is_refused(&self, name: &str) -> bool {
        self.teller.refused().any(|(refused, _)| refused == name)
    }

    /// When to look again, if nothing happens before.
    pub(super) fn wake_at(&self) -> Option<Moment> {
        self.look_at.into_iter().chain(self.teller.wake_at()).min()
    }

    /// Whether it is time to look, as something may have happened; else it is noted when it will be.
    fn is_due(&mut self, now: Now) -> bool {
        let rested = self.looked.plus(PACE);
        let due = now.moment >= rested || self.teller.wake_at().is_some_and(|wake| wake <= now.moment);
        self.look_at = (!due).then_some(rested);
        due
    }

    /// Whether a check has ended since this was last asked.
    fn a_check_has_ended(&mut self, state: &State) -> bool {
        let ended = state.next_check() != self.check && !state.is_asking() && state.is_idle();
        if ended {
            self.check = state.next_check();
        }
        ended
    }

    /// Lets go of channels that were refused with other settings, or another secret, than they have; says once of the others that
    /// they are left alone, where a process before this one was told so.
    fn look_at_refused(&mut self, channels: &BTreeMap<String, Outlet>) {
        let mut others = Vec::new();
        for (name, refused) in self.teller.refused() {
            if channels.get(name).is_some_and(|outlet| outlet.print(&self.salt) != refused.print) {
                others.push(name.clone());
            } else if !self.fared.contains_key(name) {
                let why = &refused.why;
                tracing::warn!(channel = name, "{why}, said at {}; {}", refused.at, left_alone(name));
                let fared = Fared { failed: Some(refused.at), error: Some(why.clone()), ..Fared::default() };
                self.fared.insert(name.clone(), fared);
            }
        }
        for name in others {
            tracing::info!(channel = name, "the channel \"{name}\" has other settings than were refused");
            self.teller.let_go(&name);
        }
    }

    fn send(&mut self, name: String, outlet: &Outlet, message: Message) {
        let (channel, print) = (Arc::clone(&outlet.channel), outlet.print(&self.salt));
        let turns = Arc::clone(&self.turns);
        self.sending.push(Box::pin(async move {
            // Never closed, so that there is always a turn.
            let _turn = turns.acquire().await;
            let given_up = |_| {
                let why = format!("no answer within {} s", LONGEST.as_secs());
                Err(Error::transient(format!("telling \"{name}\""), why))
            };
            let result = timeout(LONGEST, channel.tell(&message)).await.unwrap_or_else(given_up);
            (name, print, result)
        }));
    }

    /// Notes how a channel fared, and says so where that is news.
    fn fared(&mut self, name: &str, result: &Result<()>, now: Now) {
        let is_refused = self.is_refused(name);
        let fared = self.fared.entry(name.to_owned()).or_default();
        let before = std::mem::take(&mut fared.error);
        match result {
            Ok(()) => {
                fared.told = Some(now.wall);
                match before {
                    Some(_) => tracing::info!(channel = name, "the channel \"{name}\" works again"),
                    None => tracing::debug!(channel = name, "the channel \"{name}\" was told"),
                }
            }
            Err(error) => {
                fared.failed = Some(now.wall);
                fared.failures += 1;
                fared.error = Some(error.to_string());
                match before {
                    _ if is_refused => tracing::warn!(channel = name, "{error}; {}", left_alone(name)),
                    None => {
                        tracing::warn!(channel = name, "{error}; it is tried again, and updates do not wait for it")
                    }
                    Some(_) => tracing::debug!(channel = name, "{error}"),
                }
            }
        }
    }
}

/// What is said of a channel that was refused.
fn left_alone(name: &str) -> String {
    format!(
        "it is not tried again for a day, unless its settings or its secret change, or driftless notify test {name} arrives"
    )
}

impl Engine {
    /// Looks whether there is something to tell, and sends it.
    pub(super) fn tell_people(&mut self, closing: bool) {
        let now = self.clock.now();
        if !self.telling.teller.is_needed() || !(self.telling.is_due(now) || closing) {
            return;
        }
        self.telling.looked = now.moment;
        self.telling.look_at_refused(&self.parts.channels);
        // Who looks at some alone does not know how all of it stands.
        let checked = self.telling.a_check_has_ended(&self.state) && !self.state.looks_at_some();
        let family = |family| {
            let found = self.around.found.iter().find(|(found, _)| *found == family);
            Fact::of_family(family, found.map(|(_, situation)| situation))
        };
        let families = Family::ALL.map(family);
        let facts = self.state.views(now).map(|view| Fact::of(&view)).chain(families).collect();
        for (name, message) in self.telling.teller.look(facts, checked, closing, now) {
            if let Some(outlet) = self.parts.channels.get(&name) {
                self.telling.send(name, outlet, message);
            }
        }
        self.note_what_is_kept_back(now);
    }

    /// Writes down what a process that is killed would take along: what is kept back by a limit or a pause. Once for each change of it.
    fn note_what_is_kept_back(&mut self, now: Now) {
        let nothing = Memory::default();
        let saved = self.telling.saved.as_ref().unwrap_or(&nothing);
        let changed = now.moment >= self.telling.write_at && self.telling.teller.keeps_back_more_than(saved, now);
        if self.telling.teller.take_dirty() || changed {
            self.remember_told(now);
        }
    }

    /// A person has found that a channel works.
    pub(super) fn channel_works(&mut self, name: &str) -> Result<(), String> {
        if !self.parts.channels.contains_key(name) {
            return Err(format!("there is no channel {name} in the configuration"));
        }
        self.telling.teller.let_go(name);
        let error = self.telling.fared.get_mut(name).and_then(|fared| fared.error.take());
        if error.is_some() {
            tracing::info!(channel = name, "the channel \"{name}\" works again: a test by hand arrived");
        }
        Ok(())
    }

    /// A message was sent, or not.
    pub(super) fn sent(&mut self, (name, print, result): Sent) {
        let now = self.clock.now();
        self.telling.teller.done(&name, &result, &print, now, &mut self.rng);
        self.telling.fared(&name, &result, now);
        self.note_what_is_kept_back(now);
    }

    /// Writes down what was told, where that is not on disk.
    fn remember_told(&mut self, now: Now) {
        let memory = self.telling.teller.memory(now);
        if self.evicted.is_some() || self.telling.saved.as_ref().unwrap_or(&Memory::default()) == &memory {
            return;
        }
        if self.keep(vec![(TOLD.into(), Json::of(&memory))]) {
            self.telling.saved = Some(memory);
        } else {
            self.telling.write_at = now.moment.plus(WRITE_AGAIN);
        }
        if self.evicted.is_some() {
            self.feed(Event::Stop);
        }
    }

    /// Tells what is left to tell, waits a moment for it, and writes down what was told.
    pub(super) async fn last_words(&mut self, until: Until) {
        if !self.telling.teller.is_needed() || self.evicted.is_some() {
            return;
        }
        self.tell_people(true);
        let patience = match until {
            Until::Stopped => LAST_WORDS,
            Until::Settled => LAST_WORDS_OF_A_ROUND,
        };
        let deadline = self.clock.now().moment.plus(patience);
        while !self.telling.sending.is_empty() {
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                sent = self.telling.sending.next() => sent.into_iter().for_each(|sent| self.sent(sent)),
                () = clock.until(deadline) => {
                    tracing::warn!("a message was still on its way when the process ended; it is sent by the next one");
                    break;
                }
            }
        }
        self.remember_told(self.clock.now());
    }

    /// How every channel stands.
    pub(super) fn channels(&self) -> Vec<ChannelStatus> {
        let now = self.clock.now();
        let of = |(name, outlet): (&String, &Outlet)| {
            let Fared { told, failed, error, failures } = self.telling.fared.get(name).cloned().unwrap_or_default();
            let again = self.telling.teller.again(name, self.state.next_check()).filter(|_| error.is_some());
            let withheld = self.telling.teller.withheld(name, now).filter(|_| error.is_none());
            ChannelStatus {
                name: name.clone(),
                kind: outlet.kind.into(),
                told: told.map(|at| at.to_string()),
                failed: failed.map(|at| at.to_string()),
                error,
                again: again.map(|at| now.wall_of(at).to_string()),
                refused: self.telling.is_refused(name),
                withheld: withheld.map(|until| now.wall_of(until).to_string()),
                failures,
            }
        };
        self.parts.channels.iter().map(of).collect()
    }

    /// The same in numbers.
    pub(super) fn told(&self) -> Vec<Told<'_>> {
        let told = self.parts.channels.iter().map(|(name, outlet)| {
            let fared = self.telling.fared.get(name);
            Told {
                name,
                kind: outlet.kind,
                works: fared.is_none_or(|fared| fared.error.is_none()),
                last: fared.and_then(|fared| fared.told),
                failures: fared.map_or(0, |fared| fared.failures),
            }
        });
        told.collect()
    }
}
