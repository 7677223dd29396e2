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
use crate::model::template::Template;
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

/// A way in which an address comes to a record set: of one family there is usually one, with several uplinks one each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// The family.
    pub family: Family,
    /// How its address is learnt.
    pub source: Expression,
}

/// What becomes of values that are not known to be ours, where none that is stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstContact {
    /// One single address is taken for our old one; more than one hold the record set.
    #[default]
    Adopts,
    /// They stay, and ours is put beside them.
    Joins,
    /// They hold the record set.
    Waits,
}

/// What a record set holds that is made of addresses, rather than the addresses themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// What is made of them.
    pub template: Template,
    /// Of several addresses of a family nothing can be made that the type can hold.
    pub single: bool,
    /// Values that begin like this are ours, whoever put them there.
    pub owns: Option<String>,
    /// Of values that begin with this word there must be only one (`v=spf1`: RFC 7208, section 4.5).
    pub tag: Option<String>,
}

/// A record set that should follow addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSpec {
    /// Where its addresses come from: at least one way for each family that it follows. A and AAAA follow their own.
    pub uplinks: Vec<Uplink>,
    /// What is made of the addresses; `None` for A and AAAA, which hold them as they are.
    pub derived: Option<Box<Derived>>,
    /// Its TTL.
    pub ttl: TtlPolicy,
    /// Whether the record set holds exactly our values, or ours beside others'.
    pub whole: bool,
    /// What others' values mean where none of ours stands there, unless it is ours as a whole.
    pub first_contact: FirstContact,
    /// Whether addresses that are not public may be published.
    pub private: bool,
    /// After how long a certain absence removes our values; `None`: never.
    pub absent_after: Option<Duration>,
}

impl RecordSpec {
    /// An A or AAAA record set that follows one source, with everything else as it is where nothing is said.
    #[must_use]
    pub fn of(family: Family, source: Expression) -> Self {
        Self {
            uplinks: vec![Uplink { family, source }],
            derived: None,
            ttl: TtlPolicy::Keep,
            whole: false,
            first_contact: FirstContact::Adopts,
            private: false,
            absent_after: None,
        }
    }

    /// The families that it follows, IPv4 first.
    pub fn families(&self) -> impl Iterator<Item = Family> + '_ {
        Family::ALL.into_iter().filter(|family| self.uplinks.iter().any(|uplink| uplink.family == *family))
    }

    /// Every source that it follows, with the family that it is asked for.
    pub fn sources(&self) -> impl Iterator<Item = (&SourceName, Family)> {
        self.uplinks.iter().flat_map(|uplink| {
            let mut names = Vec::new();
            uplink.source.sources(&mut names);
            names.into_iter().map(|name| (name, uplink.family))
        })
    }

    /// What a record set whose value is made of addresses waits for where that of a family is missing; `None` for A and AAAA.
    #[must_use]
    pub fn lacks(&self, family: Family) -> Option<String> {
        let placeholder = self.derived.as_ref()?.template.placeholder(family)?;
        Some(format!("it waits for {family}, for {placeholder} in its value"))
    }

    /// Which of the values that stand there are ours: those that the ledger knows, and those that are said to be.
    #[must_use]
    pub fn ours(&self, known: &Values, holds: &Values) -> Values {
        let owns = self.derived.as_ref().and_then(|derived| derived.owns.as_deref());
        let said = |value: &&Value| owns.is_some_and(|owns| value.to_string().starts_with(owns));
        holds.iter().filter(|value| known.contains(value) || said(value)).cloned().collect()
    }

    /// What a person can say to have values count as ours that are not known to be.
    #[must_use]
    pub fn to_claim(&self) -> String {
        let tag = self.derived.as_ref().map(|derived| derived.tag.as_deref());
        match tag {
            None => "say `values = \"all\"` if the whole record set is ours".into(),
            Some(tag) => {
                let begins = tag.map(|tag| format!("`match = \"{tag}\"`")).unwrap_or_else(|| "`match`".into());
                format!(
                    "say with {begins} how a value begins that is ours, or `values = \"all\"` if the whole record set is"
                )
            }
        }
    }

    /// A value that must not stand beside ours: of its kind there must be only one.
    #[must_use]
    pub fn rival<'a>(&self, foreign: &'a Values) -> Option<&'a Value> {
        let tag = self.derived.as_ref()?.tag.as_deref()?;
        foreign.iter().find(|value| tag_of(&value.to_string()).is_some_and(|other| other.eq_ignore_ascii_case(tag)))
    }
}

/// The version that a text begins with (`v=spf1`, `v=DMARC1`), which says what it is for.
#[must_use]
pub fn tag_of(text: &str) -> Option<&str> {
    let first = text.split([' ', ';']).next()?;
    first.get(..2).filter(|start| start.eq_ignore_ascii_case("v=")).map(|_| first)
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

impl Desired {
    /// The families that are published.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let of = |family: &Family| self.records.keys().any(|id| id.key.rtype.family() == Some(*family));
        Family::ALL.into_iter().filter(of).collect()
    }
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

/// The families of those that a record set follows which are certainly gone. Unknown is not gone, of whatever family.
pub fn absent(believed: &[(Family, Reading)]) -> impl Iterator<Item = Family> {
    let known = |(_, reading): &(Family, Reading)| matches!(reading, Reading::Addresses(_) | Reading::None);
    let all = believed.iter().all(known);
    believed.iter().filter(move |(_, reading)| all && *reading == Reading::None).map(|(family, _)| *family)
}

/// What a record set should hold, given what is believed of each family that it follows. `absent_for` is how long one of them
/// has certainly been gone.
#[must_use]
pub fn want(spec: &RecordSpec, key: &RrsetKey, believed: &[(Family, Reading)], absent_for: Duration) -> Want {
    let mut addresses = Vec::new();
    for (family, reading) in believed {
        let why = match reading {
            Reading::None => continue,
            Reading::Addresses(list) => match publishable(spec, key, *family, list) {
                Ok(list) => {
                    addresses.extend(list);
                    continue;
                }
                Err(why) => why,
            },
            Reading::Unknown(why) => why.clone(),
            Reading::Behind(_) => reading.to_string(),
        };
        return Want::Unknown(match spec.lacks(*family) {
            Some(lacks) => format!("{lacks}: {why}"),
            None => why,
        });
    }
    if absent(believed).next().is_some() {
        return match spec.absent_after {
            Some(after) if absent_for >= after => Want::Gone,
            _ => Want::Unmanaged,
        };
    }
    match &spec.derived {
        None => Want::Values(addresses.into_iter().map(Value::from).collect()),
        Some(derived) => derived.want(key, &addresses),
    }
}

impl Derived {
    /// The value that is made of these addresses.
    fn want(&self, key: &RrsetKey, addresses: &[IpAddr]) -> Want {
        let count = |family: Family| addresses.iter().filter(|address| Family::of(**address) == family).count();
        let mut needed = self.template.families();
        if self.single && needed.any(|family| count(family) > 1) {
            return Want::Unknown(format!(
                "there are several addresses, and the value of {} can name only one",
                key.rtype
            ));
        }
        Want::Values([Value::Text(self.template.render(addresses))].into())
    }
}

/// The addresses that may be published under this key, at least one. A wrong family or a private address makes the whole unknown: a
/// source that says such a thing is not believed in part.
fn publishable(spec: &RecordSpec, key: &RrsetKey, family: Family, list: &[IpAddr]) -> Result<Vec<IpAddr>, String> {
    let mut addresses = Vec::new();
    for address in list {
        if Family::of(*address) != family {
            return Err(format!("{address} does not belong into {}", key.rtype));
        }
        match allowed(*address, spec.private) {
            Ok(address) => addresses.push(address),
            Err(why) if why.is_private() => {
                return Err(format!("{why}; `private = true` would publish it on purpose"));
            }
            Err(why) => return Err(why.to_string()),
        }
    }
    if addresses.is_empty() { Err("no address was named".into()) } else { Ok(addresses) }
}
