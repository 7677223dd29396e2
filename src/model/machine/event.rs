//! What happens to the machine and what it wants done: its whole vocabulary.

use super::persist::Documents;
use crate::model::agree::{Reading, SourceName};
use crate::model::desired::{AccountName, Desired, Id};
use crate::model::error::Result;
use crate::model::ledger::Fingerprint;
use crate::model::name::Name;
use crate::model::plan::{Applied, Batch, Plan, Seen, Settled, Ticket};
use crate::model::record::{Family, RrsetKey, Values};

/// What the network did since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// Nothing that we know of: a timer, a signal, a command.
    Same,
    /// Addresses or routes are not what they were.
    Changed,
    /// A default route is gone.
    RouteVanished,
}

/// What is asked for by command, by signal or by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything.
    All,
    /// All record sets of a name.
    Name(Name),
    /// An account.
    Account(AccountName),
}

impl Target {
    /// Whether a record set is meant.
    #[must_use]
    pub fn means(&self, id: &Id) -> bool {
        match self {
            Self::All => true,
            Self::Name(name) => id.key.name == *name,
            Self::Account(account) => id.account == *account,
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The process is ready to work.
    Start,
    /// Look again: the network moved, or a signal or command asks for it. Carries nothing that is believed.
    Look(Network),
    /// Detectors answered.
    Readings(Vec<(SourceName, Family, Reading)>),
    /// These sources were not asked, and why: what they answer now would not be about our own line. They know nothing, and may be
    /// asked as soon as they could have been before.
    KeptBack(Vec<(SourceName, Family, String)>),
    /// An account was read with these settings.
    Read(AccountName, Fingerprint, Vec<(RrsetKey, Result<Seen>)>),
    /// A plan was cut into batches.
    Cut(AccountName, Vec<Batch>),
    /// A batch was carried out with these settings; one outcome a change.
    Applied(AccountName, u64, Fingerprint, Vec<Result<Applied>>),
    /// This job was asked about.
    Settled(AccountName, RrsetKey, Ticket, Fingerprint, Result<Settled>),
    /// The zone's name servers were asked.
    Resolved(Id, Proof),
    /// The settings and secrets of an account were looked at again.
    Looked(AccountName, Fingerprint),
    /// What was last to be saved is on disk, or not.
    Saved(bool),
    /// A time came.
    Time,
    /// The configuration was replaced.
    Reload(Desired),
    /// A person wants record sets looked at now.
    Update(Target),
    /// A person lets go of holds.
    Release(Target),
    /// The process shall end: nothing new is begun.
    Stop,
}

/// What a zone's own name servers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// All that answered hold the values.
    Seen,
    /// At least one answers something else.
    NotYet(String),
    /// None could be asked.
    Unknown(String),
}

/// What shall be done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Ask these sources; answer with [`Event::Readings`], together or one by one, or with [`Event::KeptBack`].
    Detect(Vec<(SourceName, Family)>),
    /// Read these record sets; answer with [`Event::Read`].
    Read(AccountName, Vec<RrsetKey>),
    /// Cut this plan; answer with [`Event::Cut`] at once.
    Cut(AccountName, Plan),
    /// Carry out this batch; answer with [`Event::Applied`].
    Apply(AccountName, u64, Batch),
    /// Ask about a job; answer with [`Event::Settled`].
    Settle(AccountName, RrsetKey, Ticket),
    /// Ask the zone's name servers whether they answer these values; answer with [`Event::Resolved`].
    Resolve(Id, Values),
    /// Look at the settings and secrets of an account; answer with [`Event::Looked`].
    LookAt(AccountName),
    /// Make these documents durable; answer with [`Event::Saved`] at once.
    Save(Documents),
    /// The network changed: pooled connections are of no use.
    DropConnections,
    /// Something that a person may want to know.
    Tell(Notice),
}

/// Something that a person may want to know, for the log and for notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// Which record set it is about, if one.
    pub id: Option<Id>,
    /// Which account, if it is about one.
    pub account: Option<AccountName>,
    /// What happened.
    pub what: String,
    /// The values before and after, where a service took a change.
    pub change: Option<String>,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Of use when looking for a cause.
    Debug,
    /// The normal course of things.
    Info,
    /// It does not work now.
    Warn,
    /// It will not work until a person acts.
    Error,
}
