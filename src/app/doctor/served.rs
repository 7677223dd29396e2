//! The accounts: each read once at most, nothing written.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::Patient;
use crate::app::services::{self, Heard};
use crate::model::desired::{AccountName, Id};
use crate::model::diagnosis::{Finding, Step};
use crate::model::error::{Error, Kind};
use crate::model::record::RrsetKey;
use crate::report::status::Status;

/// How many record sets of an account are read: that it can be read, and what stands in the way, shows with fewer.
const MOST: usize = 50;
/// How long the reading of an account may take.
const READ: Duration = Duration::from_secs(30);

impl Patient {
    /// Reads what each account holds of what is declared, all accounts at once, within 30 seconds. Those that the running daemon leaves
    /// alone are not asked.
    pub async fn read_accounts(&mut self) {
        let mut declared = services::declared(&self.parts);
        let daemon = self.daemon.as_ref();
        let alone = |name: &AccountName| daemon.and_then(|status| services::left_alone(status, name));
        let asked = self.accounts.iter().filter(|(name, _)| alone(name).is_none()).map(|(name, (access, _))| {
            let mut keys = declared.remove(name).unwrap_or_default();
            keys.truncate(MOST);
            async move {
                let heard = match keys.is_empty() {
                    true => Ok(Some(Vec::new())),
                    false => timeout(READ, services::read(access, &keys)).await,
                };
                (name.clone(), keys, heard)
            }
        });
        let answers = join_all(asked.collect::<Vec<_>>()).await;
        let unasked = self.accounts.keys().filter_map(|name| {
            let (says, _) = alone(name)?;
            Some(Finding::skipped(Step::Account, says).about(name.0.clone()))
        });
        self.findings.extend(unasked);
        for (name, keys, heard) in answers {
            let found = match heard {
                Err(_) => {
                    let why = format!("no answer within {} s", READ.as_secs());
                    vec![Finding::failed(Step::Account, 75, why)]
                }
                Ok(None) => vec![unreadable(&name.0, self.daemon.as_ref().or(self.left.as_ref()))],
                Ok(Some(heard)) => {
                    let of = |key: &RrsetKey| Id { account: name.clone(), key: key.clone() };
                    let held = keys.iter().zip(&heard).filter_map(|(key, heard)| match heard {
                        Heard::Holds(values) => Some((of(key), values.clone())),
                        Heard::Nothing | Heard::Against(_) | Heard::Failed(_) => None,
                    });
                    self.held.extend(held);
                    readable(&keys, &heard)
                }
            };
            self.findings.extend(found.into_iter().map(|finding| finding.about(name.0.clone())));
        }
    }
}

/// What is known of an account that only takes updates: what the daemon last heard from it, the running one or the one before.
fn unreadable(account: &str, daemon: Option<&Status>) -> Finding {
    if daemon.is_some_and(|status| status.holds_account(account)) {
        return Finding::skipped(
            Step::Account,
            "cannot be read; the daemon holds it, see above for what its last update came to",
        );
    }
    let records = daemon.into_iter().flat_map(|status| &status.records);
    let accepted = records.filter(|record| record.account == account).filter_map(|record| record.accepted.as_ref());
    match accepted.max() {
        Some(at) => {
            Finding::ok(Step::Account, format!("cannot be read; the daemon's last update was accepted at {at}"))
        }
        None => Finding::skipped(
            Step::Account,
            "cannot be read: only an update would show whether the login is right (driftless once)",
        ),
    }
}

/// What the answers of an account come to: each error once.
fn readable(keys: &[RrsetKey], heard: &[Heard]) -> Vec<Finding> {
    if keys.is_empty() {
        return vec![Finding::skipped(Step::Account, "no record uses it")];
    }
    let mut found: Vec<Finding> = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for (key, heard) in keys.iter().zip(heard) {
        let finding = match heard {
            Heard::Holds(_) | Heard::Nothing => continue,
            // The same is mostly said of all of them.
            Heard::Failed(error) | Heard::Against(error) if said.contains(&error.why.as_str()) => continue,
            Heard::Against(error) => {
                said.push(&error.why);
                Finding::failed(Step::Account, error.kind.exit_code(), format!("{key} would be refused: {}", error.why))
                    .advised(error.hint.clone())
            }
            Heard::Failed(error) => {
                said.push(&error.why);
                Finding::failed(Step::Account, error.exit_code(), format!("{}: {}", error.doing, error.why))
                    .advice(what_to_do(error))
            }
        };
        found.push(finding);
    }
    let holding = heard.iter().filter(|heard| matches!(heard, Heard::Holds(_))).count();
    if found.is_empty() {
        let says = format!("can be read; {holding} of {} record sets are there", keys.len());
        found.push(Finding::ok(Step::Account, says));
    }
    found
}

fn what_to_do(error: &Error) -> String {
    if let Some(hint) = &error.hint {
        return hint.clone();
    }
    match error.kind {
        Kind::Auth { .. } => {
            "mend the secret, or the rights that it has at the service; then: driftless check --online"
        }
        Kind::Config | Kind::Abuse => "correct what the configuration says of it; see driftless.toml(5)",
        Kind::RateLimited { .. } => "wait: the service asked for a pause",
        Kind::Transient | Kind::Stale => "try again later; if it lasts, see whether the service is up",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnosis::Outcome;
    use crate::model::error::Scope;
    use crate::model::name::Name;
    use crate::model::record::RecordType;

    fn keys() -> Vec<RrsetKey> {
        let name = Name::parse("home.example.org").unwrap();
        [RecordType::A, RecordType::Aaaa].map(|rtype| RrsetKey::new(name.clone(), rtype)).to_vec()
    }

    #[test]
    fn what_fails_for_every_record_is_said_once_with_what_to_do() {
        let refused = |doing: &str| Heard::Failed(Error::auth(Scope::Account, doing, "the password is wrong"));
        let found = readable(&keys(), &[refused("reading a"), refused("reading b")]);
        let [only] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((only.outcome, only.code), (Outcome::Failed, 77));
        assert!(only.advice.as_ref().is_some_and(|advice| advice.contains("mend the secret")), "{only:?}");
    }

    #[test]
    fn a_login_that_reads_is_right_and_one_that_nothing_uses_is_left_alone() {
        let found = readable(&keys(), &[Heard::Nothing, Heard::Nothing]);
        assert_eq!((found.len(), found[0].outcome), (1, Outcome::Ok));
        assert_eq!(readable(&[], &[])[0].outcome, Outcome::Skipped);
        assert_eq!(unreadable("home", None).outcome, Outcome::Skipped);
    }

    #[test]
    fn an_account_that_cannot_be_read_and_is_held_is_not_said_to_be_well_for_what_was_accepted_before() {
        let record = serde_json::json!({
            "name": "home.example.org", "type": "A", "account": "home", "state": "held", "says": "", "sources": [], "uplinks": [],
            "readable": false, "in_dns": false, "history": [], "accepted": "2026-11-22T12:00:00Z",
        });
        let held = serde_json::json!({ "reason": "refused", "error": "badauth", "since": "", "release": "" });
        let status = |held: serde_json::Value| -> Status {
            let account = serde_json::json!({ "name": "home", "provider": "dyndns2", "held": held });
            let status = serde_json::json!({
                "version": "", "at": "", "state_is_writable": true, "accounts": [account], "records": [record], "sources": [],
            });
            serde_json::from_value(status).unwrap()
        };
        assert_eq!(unreadable("home", Some(&status(serde_json::Value::Null))).outcome, Outcome::Ok);
        let found = unreadable("home", Some(&status(held)));
        assert!(found.outcome == Outcome::Skipped && found.says.contains("the daemon holds it"), "{found:?}");
    }

    #[test]
    fn what_would_be_refused_has_failed() {
        let against = Heard::Against(Error::config("checking", "there is a CNAME").hint("remove it"));
        let found = readable(&keys(), &[against, Heard::Nothing]);
        assert_eq!((found[0].code, found[0].advice.as_deref()), (78, Some("remove it")));
    }
}
