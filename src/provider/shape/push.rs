//! Services that take an address for a name and answer with a word.

use async_trait::async_trait;

use crate::model::error::Result;
use crate::model::name::Name;
use crate::model::plan::Applied;
use crate::model::record::Values;
use crate::provider::Terms;

/// The addresses that one request gives to a group of names. A family that is `None` is not named in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The names, all of which get the same addresses.
    pub names: Vec<Name>,
    /// The IPv4 addresses.
    pub ipv4: Option<Values>,
    /// The IPv6 addresses.
    pub ipv6: Option<Values>,
}

/// A service that takes pushes.
#[async_trait]
pub trait Push: Send + Sync {
    /// What the service is like.
    fn terms(&self) -> Terms;
    /// How many names one request may carry; at least 1.
    fn names_in_a_request(&self) -> usize;
    /// Sends one request; one answer a name, in the names' order.
    async fn send(&self, update: &Update) -> Vec<Result<Applied>>;
}
