//! What every service holds of what is declared: each account read once, nothing written.

use std::collections::BTreeMap;

use crate::engine::{Access, Parts, look_at};
use crate::model::desired::{AccountName, Id};
use crate::model::error::Error;
use crate::model::plan::{Change, Seen, Sibling, Snapshot};
use crate::model::record::{Family, RrsetKey, Value, Values, list};

/// What a service said of one record set.
#[derive(Clone, Debug)]
pub enum Heard {
    /// It holds these values.
    Holds(Values),
    /// It holds nothing.
    Nothing,
    /// It holds nothing, and an address would be refused.
    Against(Error),
    /// It could not be read.
    Failed(Error),
}

impl Heard {
    /// The same in words.
    #[must_use]
    pub fn says(&self) -> String {
        match self {
            Self::Holds(values) => format!("holds {}", list(values)),
            Self::Nothing => "holds nothing yet".to_owned(),
            Self::Against(error) => format!("holds nothing yet, and an address would be refused: {error}"),
            Self::Failed(error) => error.to_string(),
        }
    }

    /// The exit code of a command that found this.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Holds(_) | Self::Nothing => 0,
            Self::Against(error) => error.kind.exit_code(),
            Self::Failed(error) => error.exit_code(),
        }
    }
}

/// The record sets that are declared of each account.
#[must_use]
pub fn declared(parts: &Parts) -> BTreeMap<AccountName, Vec<RrsetKey>> {
    let mut keys: BTreeMap<_, Vec<RrsetKey>> = BTreeMap::new();
    for Id { account, key } in parts.desired.records.keys() {
        keys.entry(account.clone()).or_default().push(key.clone());
    }
    keys
}

/// What the service of an account holds of these record sets, one answer for each; `None` where it cannot be read.
pub async fn read(access: &Access, keys: &[RrsetKey]) -> Option<Vec<Heard>> {
    if !access.provider.terms().readable {
        return None;
    }
    let answers = look_at(access, keys).await;
    Some(keys.iter().zip(answers).map(|(key, answer)| heard(access, key, answer)).collect())
}

fn heard(access: &Access, key: &RrsetKey, answer: Result<Seen, Error>) -> Heard {
    match answer {
        Ok(Seen::Holds { values, .. }) => Heard::Holds(values),
        Ok(Seen::Absent(snapshot)) => match stands_in_the_way(access, key, snapshot) {
            None => Heard::Nothing,
            Some(error) => Heard::Against(error),
        },
        Ok(Seen::Unreadable) => Heard::Nothing,
        Err(error) => Heard::Failed(error),
    }
}

/// What the service's rules have against any address under a name that has none yet, such as a CNAME that is there.
fn stands_in_the_way(access: &Access, key: &RrsetKey, snapshot: Snapshot) -> Option<Error> {
    // Which address it will be no rule asks; these two are for documentation (RFC 5737, RFC 3849).
    let address = match key.rtype.family()? {
        Family::Ipv4 => "192.0.2.1",
        Family::Ipv6 => "2001:db8::1",
    };
    let (key, before) = (key.clone(), Values::new());
    let after = Values::from([Value::parse(key.rtype, address).ok()?]);
    let (retire, sibling) = (Values::new(), Sibling::Unknown);
    access.provider.objection(&Change { key, before, after, retire, ttl: None, sibling, snapshot })
}
