//! The difference between what a record set should hold and what it holds, as a value that can be printed and refused.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::record::{RrsetKey, Ttl, Value, Values};

/// What a provider carries from a read to the change that follows it: ids, foreign attributes, versions. Opaque to the engine.
#[derive(Clone, Default)]
pub struct Snapshot(Option<Arc<dyn Any + Send + Sync>>);

impl Snapshot {
    /// Nothing to carry.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Carries `content` to the change.
    #[must_use]
    pub fn of<T: Any + Send + Sync>(content: T) -> Self {
        Self(Some(Arc::new(content)))
    }

    /// What the same provider put in, if it is a `T`.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.as_deref().and_then(<dyn Any + Send + Sync>::downcast_ref)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Snapshot(..)" } else { "Snapshot(none)" })
    }
}

/// How the values that a service holds fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// In force.
    Live,
    /// Taken, not yet in force.
    Pending,
    /// Taken, and failed to come into force.
    Broken,
}

/// What the service holds for one record set.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The service cannot be read (push services).
    Unreadable,
    /// It holds nothing under this name and type.
    Absent(Snapshot),
    /// It holds these values.
    Holds {
        /// The values, without duplicates.
        values: Values,
        /// The TTL where the service tells it.
        ttl: Option<Ttl>,
        /// How they fare.
        health: Health,
        /// The set consists of records whose attributes differ (weight, policy, region …), so that it must not be adopted.
        mixed: bool,
        /// What the change will need.
        snapshot: Snapshot,
    },
}

/// The other family of the same name, for services that forget what a request does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sibling {
    /// It changes in the same plan.
    Set(Values),
    /// It stays as it was last confirmed.
    Keep(Values),
    /// There is none under our care, or nothing is known of it.
    Unknown,
}

/// One record set to be made to hold something.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which record set.
    pub key: RrsetKey,
    /// What it held when it was read; empty where it could not be read.
    pub before: Values,
    /// Exactly what it holds afterwards: ours and the foreign values that stay. Empty: the record set is removed.
    pub after: Values,
    /// The values among `before` that are ours to retire.
    pub retire: Values,
    /// The TTL to set; `None` keeps what is there (or takes the service's default where nothing is).
    pub ttl: Option<Ttl>,
    /// The other family of the same name.
    pub sibling: Sibling,
    /// What the provider's read carried here.
    pub snapshot: Snapshot,
}

impl Change {
    /// The values that the change adds.
    pub fn added(&self) -> impl Iterator<Item = &Value> {
        self.after.difference(&self.before)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = crate::model::record::list;
        write!(f, "{}: {} -> {}", self.key, list(&self.before), list(&self.after))?;
        match self.ttl {
            Some(ttl) => write!(f, " (TTL {ttl})"),
            None => Ok(()),
        }
    }
}

/// All changes of one account that are due together, sorted by key.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
}

/// The changes of one counted call, or of one restartable unit of calls.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The changes, answered one for one.
    pub changes: Vec<Change>,
}

impl Plan {
    /// The plan cut into batches of at most `size` changes each.
    #[must_use]
    pub fn chunks(&self, size: usize) -> Vec<Batch> {
        self.changes.chunks(size.max(1)).map(|changes| Batch { changes: changes.to_vec() }).collect()
    }
}

/// A job that the service still works on, in words that survive a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket(pub String);

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The service says that it holds the values now.
    Done,
    /// The service says that nothing changed (`nochg`).
    Unchanged,
    /// The service took it and works on it; with a ticket where it must be asked how the job fares.
    Accepted(Option<Ticket>),
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Finished well.
    Done,
    /// Still running.
    Running,
}
