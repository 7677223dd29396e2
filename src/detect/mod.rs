//! Ways to learn an address. A detector says what it saw; whether that is believed is decided elsewhere.

use async_trait::async_trait;

use crate::model::agree::Reading;
use crate::model::record::Family;

pub mod command;
pub mod delegated;
pub mod dns;
mod document;
pub mod echoes;
pub mod file;
pub mod fixed;
pub mod https;
pub mod interface;
pub mod lan;
pub mod lease;
mod list;
pub mod neighbour;
pub mod protocol;
#[cfg(feature = "router")]
pub mod router;
mod said;
mod shared;
pub mod situation;
pub mod stun;
pub mod way;

#[cfg(fuzzing)]
pub use list::fuzz as fuzz_list;

/// A way to learn this machine's addresses.
#[async_trait]
pub trait Detector: Send + Sync {
    /// What the source says of a family, within ten seconds. A failure is `Reading::Unknown` with its reason, never `None`:
    /// `None` says with certainty that there is no such address.
    async fn detect(&self, family: Family) -> Reading;

    /// Questions are about to be asked together, this source among them: what several sources read in common is read anew
    /// for them, once.
    fn anew(&self) {}

    /// The machine's addresses changed: pooled connections are dropped.
    fn network_changed(&self) {}

    /// Why it would not ask at all as things are now, where that is known at once: its answer would not be about our own line.
    fn kept_back(&self, _family: Family) -> Option<String> {
        None
    }

    /// Whom it asks, where that is not this machine itself.
    fn asked(&self) -> Option<way::Asked> {
        None
    }
}
