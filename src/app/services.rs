//! What every service holds of what is declared: each account read once, nothing written.

use std::collections::BTreeMap;

use crate::engine::{Access, Parts, look_at};
use crate::model::desired::{AccountName, Id};
use crate::model::error::Error;
use crate::model::plan::{Change, Seen, Sibling, Snapshot};
use crate::model::record::{Family, RrsetKey, Value, Values, list};
use crate::report::status::Status;

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

/// Why an account is not asked while a daemon runs that has said this: it holds the account, or leaves it alone for a while; with the exit
/// code of that. Each further call may count against the login, and the daemon knows what came of its own.
#[must_use]
pub fn left_alone(status: &Status, name: &AccountName) -> Option<(String, u8)> {
    let account = status.accounts.iter().find(|account| account.name == name.0)?;
    if let Some(held) = &account.held {
        let (since, way_out) = (&held.since, held.way_out());
        return Some((format!("held by the daemon since {since}, not asked: {}; {way_out}", held.error), 77));
    }
    let until = account.waits_until.as_ref()?;
    let why = account.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    Some((format!("left alone by the daemon until {until}, not asked{why}"), 75))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_the_daemon_holds_or_leaves_alone_is_not_asked_beside_it() {
        let of = |held: serde_json::Value, waits: Option<&str>| {
            let account = serde_json::json!({ "name": "home", "provider": "", "held": held, "waits_until": waits, "error": "full" });
            let status = serde_json::json!({
                "version": "", "at": "", "state_is_writable": true, "accounts": [account], "records": [], "sources": [],
            });
            let status: Status = serde_json::from_value(status).unwrap();
            assert_eq!(left_alone(&status, &AccountName("other".into())), None);
            left_alone(&status, &AccountName("home".into()))
        };
        let held = serde_json::json!({
            "reason": "refused", "error": "badauth", "since": "2026-11-22T12:00:00Z", "release": "driftless release home",
            "new_secret_helps": true,
        });
        let (says, code) = of(held, None).unwrap();
        assert!(
            says.starts_with("held by the daemon since 2026-11-22T12:00:00Z, not asked: badauth; mend the secret"),
            "{says}"
        );
        assert_eq!(code, 77);
        let until = of(serde_json::Value::Null, Some("2026-11-22T13:00:00Z"));
        assert_eq!(until, Some(("left alone by the daemon until 2026-11-22T13:00:00Z, not asked: full".into(), 75)));
        assert_eq!(of(serde_json::Value::Null, None), None);
    }
}
