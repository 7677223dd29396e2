//! Services that keep records with ids: zone search, and edits that recycle our old record before they create and retire.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::zones::Zone;
use crate::model::error::Result;
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey, Ttl, Value};
use crate::provider::Terms;

/// One record as the service keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The service's id, opaque.
    pub id: String,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its value.
    pub value: Value,
    /// Its TTL where the service tells it.
    pub ttl: Option<Ttl>,
    /// Everything else that an update must send again (priority, weight, region, comment …), as the service writes it.
    pub attributes: BTreeMap<String, String>,
}

/// A record to be created, or what an existing one shall become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its value.
    pub value: Value,
    /// Its TTL; `None` takes the service's default.
    pub ttl: Option<Ttl>,
    /// The attributes carried over from the record it replaces; empty for a new one.
    pub attributes: BTreeMap<String, String>,
}

/// A service that keeps records with ids.
#[async_trait]
pub trait Records: Send + Sync {
    /// What the service is like.
    fn terms(&self) -> Terms;
    /// The zones of the account, all pages.
    async fn zones(&self) -> Result<Vec<Zone>>;
    /// The records of a zone under at least these keys, all pages; more may come along and is ignored.
    async fn list(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Record>>;
    /// Creates a record and answers its id where the service tells it.
    async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Option<String>>;
    /// Makes a record what the draft says, every attribute sent again where the service would forget it.
    async fn update(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<()>;
    /// Removes a record.
    async fn delete(&self, zone: &Zone, record: &Record) -> Result<()>;
}
