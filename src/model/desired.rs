//! What the configuration means to the machine: accounts, sources, and the record sets that should follow them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::address::allowed;
use crate::model::agree::{Expression, Reading, SourceName};
use crate::model::evidence::Protocol;
use crate::model::name::Name;
use crate::model::record::{Family, RecordType, RrsetKey, Ttl, Value, Values};
use crate::model::terms::Terms;

/// An account by its name in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountName(pub String);

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One record set at one account: the unit of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "FlatId", into = "FlatId")]
pub struct Id {
    /// The account.
    pub account: AccountName,
    /// The record set.
    pub key: RrsetKey,
}

/// An [`Id`] as it is written: on one level.
#[derive(Serialize, Deserialize)]
struct FlatId {
    account: AccountName,
    name: Name,
    #[serde(rename = "type")]
    rtype: RecordType,
}

impl From<FlatId> for Id {
    fn from(FlatId { account, name, rtype }: FlatId) -> Self {
        Self { account, key: RrsetKey::new(name, rtype) }
    }
}

impl From<Id> for FlatId {
    fn from(Id { account, key }: Id) -> Self {
        Self { account, name: key.name, rtype: key.rtype }
    }
}

impl Id {
    /// The other family of the same name at the same account; itself where the type holds no addresses.
    #[must_use]
    pub fn sibling(&self) -> Self {
        let rtype = self.key.rtype.family().map_or(self.key.rtype, |family| family.other().record_type());
        Self { account: self.account.clone(), key: RrsetKey::new(self.key.name.clone(), rtype) }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.key, self.account)
    }
}

/// An account as the machine needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSpec {
    /// The provider's name: accounts of one service share what the service refuses as a whole.
    pub service: String,
    /// Which login at which service this is: with another one, what was confirmed before says nothing.
    pub identity: String,
    /// What the service is like.
    pub terms: Terms,
}

/// A source as the machine needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpec {
    /// The shortest time between two questions while the network stays the same; zero for local sources.
    pub min_interval: Duration,
    /// How it learns the address.
    pub protocol: Protocol,
    /// Who runs it: what several sources of one operator say is one opinion.
    pub operator: String,
    /// Whether it is believed alone and at once although it is out in the world: a server of one's own.
    pub trusted: bool,
}

impl SourceSpec {
    /// A source on this machine, which is asked as often as one likes and believed alone. It is an operator of its own.
    #[must_use]
    pub fn local(protocol: Protocol, operator: impl Into<String>) -> Self {
        Self { min_interval: Duration::ZERO, protocol, operator: operator.into(), trusted: false }
    }
}

/// The TTL a record set should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlPolicy {
    /// What the record set has.
    Keep,
    /// This.
    Set(Ttl),
}

impl TtlPolicy {
    /// The TTL to write, if one is asked for.
    #[must_use]
    pub fn wanted(self) -> Option<Ttl> {
        match self {
            Self::Keep => None,
            Self::Set(ttl) => Some(ttl),
        }
    }
}

/// A record set that should follow an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSpec {
    /// Where its address comes from.
    pub source: Expression,
    /// Its TTL.
    pub ttl: TtlPolicy,
    /// Whether the record set holds exactly our values, or ours beside others'.
    pub whole: bool,
    /// Whether addresses that are not public may be published.
    pub private: bool,
    /// After how long a certain absence removes our values; `None`: never.
    pub absent_after: Option<Duration>,
}

/// Everything the machine is told by the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// The accounts.
    pub accounts: BTreeMap<AccountName, AccountSpec>,
    /// The sources.
    pub sources: BTreeMap<SourceName, SourceSpec>,
    /// The record sets.
    pub records: BTreeMap<Id, RecordSpec>,
    /// How often to look without being told to.
    pub check: Duration,
    /// How often to look at the service and in DNS whether the record still stands.
    pub verify: Duration,
}

/// What a record set should hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Nothing is known yet or any more, and why: it stays as it is.
    Unknown(String),
    /// There is certainly no address of this family; the record set stays as it is.
    Unmanaged,
    /// These values.
    Values(Values),
    /// None of ours: there is certainly no address, and the configuration says that it is then removed.
    Gone,
}

impl Want {
    /// The values of ours it should hold, where that is known.
    #[must_use]
    pub fn values(&self) -> Option<Values> {
        match self {
            Self::Unknown(_) | Self::Unmanaged => None,
            Self::Values(values) => Some(values.clone()),
            Self::Gone => Some(Values::new()),
        }
    }
}

/// What a record set should hold, given what is believed. `absent_for` is how long "none" has been certain.
#[must_use]
pub fn want(spec: &RecordSpec, key: &RrsetKey, believed: &Reading, absent_for: Duration) -> Want {
    match believed {
        Reading::Unknown(why) => Want::Unknown(why.clone()),
        Reading::None => match spec.absent_after {
            Some(after) if absent_for >= after => Want::Gone,
            _ => Want::Unmanaged,
        },
        Reading::Addresses(list) => publishable(spec, key, list),
        Reading::Behind(_) => Want::Unknown(believed.to_string()),
    }
}

/// The addresses that may be published under this key. A wrong family or a private address makes the whole unknown: a source
/// that says such a thing is not believed in part.
fn publishable(spec: &RecordSpec, key: &RrsetKey, list: &[IpAddr]) -> Want {
    let mut values = Values::new();
    for address in list {
        if key.rtype.family() != Some(Family::of(*address)) {
            return Want::Unknown(format!("{address} does not belong into {}", key.rtype));
        }
        match allowed(*address, spec.private) {
            Ok(address) => values.insert(Value::from(address)),
            Err(why) if why.is_private() => {
                return Want::Unknown(format!("{why}; `private = true` would publish it on purpose"));
            }
            Err(why) => return Want::Unknown(why.to_string()),
        };
    }
    if values.is_empty() { Want::Unknown("no address was named".into()) } else { Want::Values(values) }
}
