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

use super::{Engine, Until};
use crate::model::error::{Error, Result};
use crate::model::json::Json;
use crate::model::machine::{Event, State};
use crate::model::news::Message;
use crate::model::news::teller::{Fact, Memory, Teller, Wish};
use crate::model::record::Family;
use crate::model::time::{Moment, Now, Wall};
use crate::notify::Channel;
use crate::report::metrics::Told;
use crate::report::status::ChannelStatus;
use crate::store::Store;

/// Where what was told is kept.
const TOLD: &str = "told";
/// How often it is looked whether there is news, at most.
const PACE: Duration = Duration::from_secs(1);
/// So many messages are sent at once: each may keep one of the few threads that look up names, which updates need too.
const AT_ONCE: usize = 2;
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
    /// What it is told.
    pub wish: Wish,
    /// How.
    pub channel: Arc<dyn Channel>,
}

pub(super) type Sent = (String, Result<()>);
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
    pub(super) fn new(state: &State, channels: &BTreeMap<String, Outlet>, store: &Store, now: Now) -> Self {
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

    fn send(&mut self, name: String, channel: Arc<dyn Channel>, message: Message) {
        let turns = Arc::clone(&self.turns);
        self.sending.push(Box::pin(async move {
            // Never closed, so that there is always a turn.
            let _turn = turns.acquire().await;
            let given_up = |_| {
                let why = format!("no answer within {} s", LONGEST.as_secs());
                Err(Error::transient(format!("telling \"{name}\""), why))
            };
            let result = timeout(LONGEST, channel.tell(&message)).await.unwrap_or_else(given_up);
            (name, result)
        }));
    }

    /// Notes how a channel fared, and says so where that is news.
    fn fared(&mut self, name: &str, result: &Result<()>, now: Now) {
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
                    None => {
                        tracing::warn!(channel = name, "{error}; it is tried again, and updates do not wait for it")
                    }
                    Some(_) => tracing::debug!(channel = name, "{error}"),
                }
            }
        }
    }
}

impl Engine {
    /// Looks whether there is something to tell, and sends it.
    pub(super) fn tell_people(&mut self, closing: bool) {
        let now = self.clock.now();
        if !self.telling.teller.is_needed() || !(self.telling.is_due(now) || closing) {
            return;
        }
        self.telling.looked = now.moment;
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
                self.telling.send(name, Arc::clone(&outlet.channel), message);
            }
        }
    }

    /// A message was sent, or not.
    pub(super) fn sent(&mut self, (name, result): Sent) {
        let now = self.clock.now();
        self.telling.fared(&name, &result, now);
        self.telling.teller.done(&name, &result, now, &mut self.rng);
        if self.telling.teller.take_dirty() {
            self.remember_told(now);
        }
    }

    /// Writes down what was told, where that is not on disk.
    fn remember_told(&mut self, now: Now) {
        let memory = self.telling.teller.memory(now);
        if self.evicted.is_some() || self.telling.saved.as_ref().unwrap_or(&Memory::default()) == &memory {
            return;
        }
        if self.keep(vec![(TOLD.into(), Json::of(&memory))]) {
            self.telling.saved = Some(memory);
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
            ChannelStatus {
                name: name.clone(),
                kind: outlet.kind.into(),
                told: told.map(|at| at.to_string()),
                failed: failed.map(|at| at.to_string()),
                error,
                again: again.map(|at| now.wall_of(at).to_string()),
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
