//! What Mail for Domain answers: the envelope, its loose scalars, and what its error codes mean.
//!
//! Sources: the documents of `dns/add`, `dns/edit`, `dns/del` and `dns/list`, and answers of 2016 to 2022 in public
//! recordings, in which every answer, failures too, has status 200.

use serde_json::{Map, Value};

use crate::model::error::{Error, Kind, Result, Scope};
use crate::net::http::Reply;

/// What was asked. It says what a code means that nobody has documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `domain/domains` and `dns/list`.
    List,
    /// `dns/add`.
    Add,
    /// `dns/edit` and `dns/del`.
    Change,
}

/// What everyone must know who has an account here.
pub const RETIRED: &str = "Yandex retired Mail for Domain (pddimp.yandex.ru) on 1 April 2023; its successor is \
                           Yandex 360: use provider = \"yandex360\" with a token made there";

/// The service is gone: every account at it is held, and looked at once a day at most.
pub fn retired(doing: &str, said: &str) -> Error {
    Error::auth(Scope::Service, doing, format!("{said}: {RETIRED}"))
        .hint("if `endpoint` names a service of your own, correct it, and release the account")
}

/// The content of an answer that says `"success":"ok"`.
///
/// # Errors
/// `RateLimited` for 429, and 503 with `Retry-After`; what its code means for a refusal; `Auth` of the service where it
/// answers as retired (404, 410, a redirection); `Transient` for anything else.
pub fn open(reply: &Reply, operation: Operation, doing: &str) -> Result<Map<String, Value>> {
    let after = reply.retry_after();
    if reply.status == 429 || (reply.status == 503 && after.is_some()) {
        return Err(Error::rate_limited(after, doing, format!("Yandex asked for a pause (status {})", reply.status)));
    }
    let content: Map<String, Value> = match reply.json(doing) {
        Ok(content) => content,
        Err(error) => return Err(without_content(reply, error, doing)),
    };
    match content.get("success").and_then(Value::as_str) {
        Some("ok") if reply.is_success() => Ok(content),
        Some("ok") => Err(Error::transient(doing, format!("Yandex answered success with status {}", reply.status))),
        Some("error") => {
            let code = content.get("error").and_then(Value::as_str).unwrap_or_default();
            Err(refusal(code, operation, doing))
        }
        _ if reply.is_success() => Err(Error::transient(doing, "the answer was not understood: no \"success\"")),
        _ => Err(without_content(reply, Error::transient(doing, format!("status {}", reply.status)), doing)),
    }
}

/// What the status of an answer means that is none of the service's own.
fn without_content(reply: &Reply, error: Error, doing: &str) -> Error {
    match reply.status {
        300..=399 | 404 | 410 => retired(doing, &format!("it answers with status {}", reply.status)),
        401 | 403 => Error::auth(Scope::Account, doing, format!("Yandex answered with status {}", reply.status)),
        200..=299 => error,
        status => Error::transient(doing, format!("Yandex answered with status {status}{}", reply.quoted())),
    }
}

const TOKEN: &str =
    "get a token at https://pddimp.yandex.ru/api2/admin/get_token; the service was retired, see yandex360";

/// What a code means.
fn refusal(code: &str, operation: Operation, doing: &str) -> Error {
    let account = Kind::Auth { scope: Scope::Account };
    let (kind, why) = match code {
        "unknown" => (Kind::Transient, "a temporary failure of the service"),
        "no_reply" => (Kind::Transient, "the service cannot reach a server of its own"),
        "no_token" => (account, "no PDD token was given"),
        "bad_token" => (account, "the PDD token is wrong"),
        "bad_login" => (account, "the login is wrong"),
        "bad_passwd" => (account, "the password is wrong"),
        "no_auth" => (account, "the service saw no PddToken"),
        "not_allowed" => (Kind::Auth { scope: Scope::RecordSet }, "the token's owner does not administer this domain"),
        "no_domain" => (Kind::Config, "the service saw no domain"),
        "no_ip" => (Kind::Config, "the service saw no address"),
        "bad_domain" => (Kind::Config, "this is no domain name that the service takes"),
        "prohibited" => (Kind::Config, "this domain name is forbidden there"),
        "occupied" => (Kind::Config, "the domain belongs to another user"),
        "domain_limit_reached" => (Kind::Config, "there are as many domains as an account may have (50)"),
        "no_such_domain" => (Kind::Config, "the account has no such domain"),
        "blocked" => (Kind::Abuse, "the service has blocked this domain"),
        "record_exists" => (Kind::Stale, "the same record is already there"),
        // Told by users: what a removal of a record says that is gone.
        "bad_record_id" => (Kind::Stale, "there is no record with this id"),
        _ => return unknown(code, operation, doing),
    };
    let error = Error::new(kind, doing, format!("{why} ({code})"));
    if kind == account { error.hint(TOKEN) } else { error }
}

/// A code that neither the documents nor recordings have. What an unknown id is called is not documented, so a change that
/// fails for no known reason is planned again from a fresh list.
fn unknown(code: &str, operation: Operation, doing: &str) -> Error {
    let plain = !code.is_empty() && code.len() <= 40 && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let why =
        if plain { format!("it was refused ({code})") } else { "it was refused without a known reason".to_owned() };
    match operation {
        Operation::Change => Error::stale(doing, why),
        Operation::Add if code.starts_with("bad_") => Error::config(doing, why),
        Operation::Add | Operation::List => Error::transient(doing, why),
    }
}

/// A scalar as text: the document shows every value as a string, recordings have numbers.
#[must_use]
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The objects of a list.
///
/// # Errors
/// `Transient` where it is missing or no list of objects.
pub fn objects<'a>(content: &'a Map<String, Value>, list: &str, doing: &str) -> Result<Vec<&'a Map<String, Value>>> {
    let wrong = || Error::transient(doing, format!("the answer was not understood: {list} is no list of objects"));
    let parts = content.get(list).and_then(Value::as_array).ok_or_else(wrong)?;
    parts.iter().map(|part| part.as_object().ok_or_else(wrong)).collect()
}

/// A field as text that every object has.
///
/// # Errors
/// `Transient` where it is missing or empty.
pub fn need(object: &Map<String, Value>, field: &str, doing: &str) -> Result<String> {
    let found = object.get(field).and_then(scalar).filter(|text| !text.is_empty());
    found.ok_or_else(|| Error::transient(doing, format!("the answer was not understood: an entry has no {field}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderMap;

    fn reply(status: u16, body: &str) -> Reply {
        Reply::new(status, HeaderMap::new(), body.into())
    }

    fn refused(code: &str, operation: Operation) -> Error {
        let body = serde_json::json!({ "success": "error", "error": code, "domain": "example.org" }).to_string();
        open(&reply(200, &body), operation, "asking").unwrap_err()
    }

    #[test]
    fn a_code_that_nobody_documented_means_look_again_after_a_change() {
        assert_eq!(refused("record_not_found", Operation::Change).kind, Kind::Stale);
        assert_eq!(refused("bad_ttl", Operation::Add).kind, Kind::Config);
        assert_eq!(refused("whatever", Operation::Add).kind, Kind::Transient);
        assert_eq!(refused("whatever", Operation::List).kind, Kind::Transient);
        assert_eq!(refused("", Operation::List).kind, Kind::Transient);
        let strange = refused("<b>PddToken: s3cret</b>", Operation::Add);
        assert!(!strange.to_string().contains("s3cret"), "{strange}");
    }

    #[test]
    fn only_a_clear_ok_is_a_success() {
        assert!(open(&reply(200, r#"{"success":"ok"}"#), Operation::List, "asking").is_ok());
        for body in
            ["", "ok", "[]", "{}", r#"{"success":"yes"}"#, r#"{"success":true}"#, "<html>", r#"{"success":"ok""#]
        {
            let error = open(&reply(200, body), Operation::List, "asking").unwrap_err();
            assert_eq!(error.kind, Kind::Transient, "{body}");
        }
        assert!(open(&reply(500, r#"{"success":"ok"}"#), Operation::List, "asking").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_counts_as_a_success(status in 100..600u16, body in ".{0,200}") {
            let answer = open(&reply(status, &body), Operation::Change, "asking");
            prop_assert!(answer.is_err() || body.contains("\"ok\""));
        }
    }
}
