//! Services that keep record sets: zone search, comparison, and replacement as a whole.

use async_trait::async_trait;

use super::zones::Zone;
use crate::model::error::Result;
use crate::model::name::Name;
use crate::model::plan::{Applied, Health, Settled, Snapshot, Ticket};
use crate::model::record::{RrsetKey, Ttl, Values};
use crate::provider::Terms;

/// A record set as the service keeps it.
#[derive(Clone, Debug)]
pub struct Rrset {
    /// Which record set.
    pub key: RrsetKey,
    /// Its values.
    pub values: Values,
    /// Its own TTL where it has one.
    pub ttl: Option<Ttl>,
    /// How its values fare.
    pub health: Health,
    /// What the replacement will need: id, version, description.
    pub snapshot: Snapshot,
}

/// A service that keeps record sets.
#[async_trait]
pub trait Rrsets: Send + Sync {
    /// What the service is like.
    fn terms(&self) -> Terms;
    /// The zone that `name` belongs to: the longest suffix the account may edit; `None` where there is none.
    async fn zone_of(&self, name: &Name) -> Result<Option<Zone>>;
    /// One record set; `None` where there is none.
    async fn get(&self, zone: &Zone, key: &RrsetKey) -> Result<Option<Rrset>>;
    /// All record sets of a zone, all pages; `None` where the service has no such call. Asked when many are wanted.
    async fn list(&self, _zone: &Zone) -> Result<Option<Vec<Rrset>>> {
        Ok(None)
    }
    /// Makes the record set hold exactly `values` (empty: removes it); `before` is what `get` or `list` told, `None` where
    /// there was none; `ttl` `None` keeps what is there.
    async fn replace(
        &self,
        zone: &Zone,
        key: &RrsetKey,
        before: Option<&Rrset>,
        values: &Values,
        ttl: Option<Ttl>,
    ) -> Result<Applied>;
    /// How a job stands that `replace` left running.
    async fn settle(&self, _ticket: &Ticket) -> Result<Settled> {
        Ok(Settled::Done)
    }
}
