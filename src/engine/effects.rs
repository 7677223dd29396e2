//! Effects: what the machine wants done, done; each answers with an event.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

use super::{Access, Engine, SALT};
use crate::detect::lan::Lan;
use crate::model::agree::{Reading, SourceName};
use crate::model::desired::{AccountName, Id};
use crate::model::error::{Error, Result};
use crate::model::json::Json;
use crate::model::ledger::Fingerprint;
use crate::model::machine::{Document, Documents, Effect, Event, Level, Notice, Proof};
use crate::model::plan::{Batch, Ticket};
use crate::model::record::{Family, RrsetKey, Values, list};
use crate::net::dns;
use crate::os::file::Claim;
use crate::os::netlink::{Heard, Watch};

/// A call that takes longer is given up: its outcome counts as unknown, and is read before anything is written again.
const CALL: Duration = Duration::from_secs(120);

/// How many record sets are looked for in DNS at once: each asks up to [`dns::MAX_SERVERS`] servers over a socket of its
/// own, and a thousand records sent together must not take all the descriptors that a process may have.
pub(super) const RESOLVING: usize = 8;

/// A source that takes longer is blind this time. Each has a shorter bound of its own; a round of questions must end whatever a
/// source does.
const LOOK: Duration = Duration::from_secs(20);

impl Engine {
    /// Carries out an effect; what is done at once answers at once.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Tell(notice) => tell(&notice),
            Effect::Save(documents) => return self.save(documents),
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
            Effect::Detect(questions) => {
                // Whoever looks whether all is right looks after the state, too: the next change may be weeks away.
                if self.folder_was_lost() {
                    self.keep(Vec::new());
                }
                return if self.evicted.is_some() { Some(Event::Stop) } else { self.detect(questions) };
            }
            Effect::Read(account, keys) => self.read(account, keys),
            Effect::Apply(account, number, batch) => self.apply(account, number, batch),
            Effect::Settle(account, key, ticket) => self.settle(account, key, ticket),
            Effect::Resolve(id, values) => self.resolve(id, values),
        }
        None
    }

    /// Writes down what the machine wants written. Where another process has the folder by now nothing is written any more, and
    /// this one stops.
    fn save(&mut self, documents: Documents) -> Option<Event> {
        if self.evicted.is_some() {
            return None;
        }
        let saved = self.keep(documents.into_iter().collect());
        Some(if self.evicted.is_some() { Event::Stop } else { Event::Saved(saved) })
    }

    /// Whether the folder of the state was removed or replaced, so that all that is known must be written anew. Notes where another
    /// process has it.
    fn folder_was_lost(&mut self) -> bool {
        match self.claim.as_mut().map(Claim::keep) {
            Some(Err(error)) => {
                tracing::error!("{error}, in the folder that this one had: this one ends");
                self.evicted = Some(error);
                false
            }
            Some(Ok(true)) => {
                tracing::warn!("the folder of the state was removed or replaced; what is known is written anew");
                self.store.start_over();
                self.moved = true;
                true
            }
            Some(Ok(false)) | None => false,
        }
    }

    /// Writes documents down; whether they are on disk. Notes where another process has the folder.
    pub(super) fn keep(&mut self, mut changes: Vec<(String, Document)>) -> bool {
        self.folder_was_lost();
        if self.evicted.is_some() {
            return false;
        }
        if !self.store.documents().contains_key(SALT) {
            changes.push((SALT.into(), Json::of(&self.salt)));
        }
        let saved = self.store.save(&changes);
        match &saved {
            Err(error) if self.state.disk_is_writable() => tracing::warn!("the state was not written: {error}"),
            Err(error) => tracing::debug!("the state was not written: {error}"),
            Ok(()) => {}
        }
        saved.is_ok()
    }

    /// A salted digest of an account's settings and secrets, wherever they are kept.
    fn fingerprint(&self, account: &AccountName) -> Fingerprint {
        let access = self.parts.accounts.get(account);
        let parts = access.map(|access| [access.settings.canonical(), access.provider.beside_settings()]);
        salted(&self.salt, parts.as_ref().map_or(&[], |parts| parts.as_slice()))
    }

    /// Asks sources. What is known at once, as everything is that this machine knows itself, is answered together: record sets
    /// that follow several such sources then change together, in one batch.
    fn detect(&mut self, questions: Vec<(SourceName, Family)>) -> Option<Event> {
        let detectors: Vec<_> =
            questions.iter().map(|(source, _)| self.parts.detectors.get(source).map(Arc::clone)).collect();
        detectors.iter().flatten().for_each(|detector| detector.anew());
        let (mut known, mut kept) = (Vec::new(), Vec::new());
        for ((source, family), detector) in questions.into_iter().zip(detectors) {
            if let Some(why) = detector.as_ref().and_then(|detector| detector.kept_back(family)) {
                tracing::debug!(%source, %family, "is not asked: {why}");
                kept.push((source, family, why));
                continue;
            }
            let mut asked = Box::pin(async move {
                let reading = match detector {
                    Some(detector) => timeout(LOOK, detector.detect(family)).await.unwrap_or_else(|_| too_late()),
                    None => Reading::Unknown("there is no such source".into()),
                };
                tracing::debug!(%source, %family, "says {reading}");
                (source, family, reading)
            });
            match (&mut asked).now_or_never() {
                Some(reading) => known.push(reading),
                None => self.start(async move { Event::Readings(vec![asked.await]) }),
            }
        }
        if !kept.is_empty() {
            self.start(async move { Event::KeptBack(kept) });
        }
        (!known.is_empty()).then_some(Event::Readings(known))
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
            Event::Settled(account, key, ticket, print, settled.unwrap_or_else(|_| Err(gave_up("asking about a job"))))
        });
    }

    fn resolve(&mut self, id: Id, values: Values) {
        let servers = self.parts.accounts.get(&id.account).map(|access| access.nameservers.clone()).unwrap_or_default();
        let turns = Arc::clone(&self.turns);
        self.start(async move {
            // Never closed, so that there is always a turn.
            let _turn = turns.acquire().await;
            // In a box of its own: those that wait their turn, perhaps a thousand, do without its 2 kB.
            let proof = Box::pin(prove(&id.key, &values, servers)).await;
            Event::Resolved(id, proof)
        });
    }

    fn start(&mut self, effect: impl Future<Output = Event> + Send + 'static) {
        self.running.push(Box::pin(effect));
    }
}

fn too_late() -> Reading {
    Reading::Unknown(format!("no answer within {} s", LOOK.as_secs()))
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

/// A salted digest of these parts: whether they changed can be told, what they are cannot.
pub(super) fn salted(salt: &str, parts: &[Vec<u8>]) -> Fingerprint {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    digest.update(salt.as_bytes());
    parts.iter().for_each(|part| digest.update(part));
    data_encoding::HEXLOWER.encode(digest.finish().as_ref().get(..16).unwrap_or_default())
}

/// Puts a notice into the log, with its record, account and change as fields.
pub(super) fn tell(notice: &Notice) {
    let record = notice.id.as_ref().map(|id| id.key.to_string());
    let account = notice.account.as_ref().map(|account| account.0.as_str());
    let (record, change, what) = (record.as_deref(), notice.change.as_deref(), &notice.what);
    match notice.level {
        Level::Debug => tracing::debug!(target: "driftless", record, account, "{what}"),
        Level::Info => tracing::info!(target: "driftless", record, account, change, "{what}"),
        Level::Warn => tracing::warn!(target: "driftless", record, account, "{what}"),
        Level::Error => tracing::error!(target: "driftless", record, account, "{what}"),
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

/// Resolves when the kernel says that something about addresses or routes changed, or about a neighbour that a record is
/// about. A socket that fails is not asked again: the timer is the net below.
pub(super) async fn kernel(watch: &mut Option<Watch>, lan: &Lan) -> Heard {
    if let Some(open) = watch {
        if let Err(error) = open.follow(lan.followed()) {
            tracing::warn!("neighbours cannot be listened to ({error}); they are looked at at each check");
        }
        match open.changed().await {
            Ok(heard) => return heard,
            Err(error) => {
                tracing::error!(
                    "the kernel can no longer be listened to ({error}); addresses are looked at by the timer alone"
                );
                *watch = None;
            }
        }
    }
    std::future::pending().await
}
