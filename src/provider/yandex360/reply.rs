//! What Yandex 360 answers: plain objects, or an error with a code and a message under an HTTP status.
//!
//! Sources: the pages of `DomainDNSService`, `DomainService` and `OrganizationService`, which list the statuses 400, 401, 403,
//! 404 and 500 with `{"code", "message", "details"}`. Limits are not documented.

use serde_json::{Map, Value};

use crate::model::error::{Error, Result, Scope};
use crate::net::http::Reply;

/// The longest message that is passed on, in characters.
const TEXT: usize = 300;

/// What was asked. It says what is missing when something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The account's organisations or domains.
    Account,
    /// The records of a domain.
    List,
    /// A new record.
    Create,
    /// A record by its id.
    Change,
}

/// The object that an answer is.
///
/// # Errors
/// `RateLimited` for 429, and 503 with `Retry-After`; `Auth` for 401 and 403; `Stale` for what is gone or there already;
/// `Config` for another refusal; `Transient` for anything else. None of `hidden` is passed on.
pub fn open(reply: &Reply, operation: Operation, hidden: &str, doing: &str) -> Result<Map<String, Value>> {
    if reply.is_success() {
        return reply.json(doing);
    }
    let content: Map<String, Value> = reply.json(doing).unwrap_or_default();
    let said = message(&content, hidden);
    let why = match said.as_str() {
        "" => format!("Yandex 360 answered with status {}{}", reply.status, reply.quoted()),
        said => format!("{said} (status {})", reply.status),
    };
    let after = reply.retry_after();
    let lower = said.to_ascii_lowercase();
    Err(match (reply.status, operation) {
        (429, _) => Error::rate_limited(after, doing, why),
        (503, _) if after.is_some() => Error::rate_limited(after, doing, why),
        (401, _) => Error::auth(Scope::Account, doing, why).hint(
            "a token lasts a year at most and ends with the password that it was made with: make a new one for an \
             administrator of the organisation, with directory:read_organization, directory:read_domains and \
             directory:manage_dns",
        ),
        (403, Operation::Account) => Error::auth(Scope::Account, doing, why)
            .hint("the token needs directory:read_organization and directory:read_domains, or set `organization`"),
        (403, _) => Error::auth(Scope::RecordSet, doing, why)
            .hint("the token needs directory:manage_dns, and its owner must administer the organisation"),
        (404, Operation::Create | Operation::Change) | (409, _) => Error::stale(doing, why),
        (400, Operation::Create | Operation::Change)
            if ["already", "duplicate"].iter().any(|word| lower.contains(word)) =>
        {
            Error::stale(doing, why)
        }
        (404, Operation::List) => Error::config(doing, why).hint("the organisation has no such domain by now"),
        // An error of its own: without one it is a page of something in between.
        (404, Operation::Account) if content.is_empty() => Error::transient(doing, why),
        (404, Operation::Account) => Error::config(doing, why).hint("is `organization` right?"),
        (400..=499, _) if !content.is_empty() => Error::config(doing, why),
        _ => Error::transient(doing, why),
    })
}

/// The message of an error, for people.
fn message(content: &Map<String, Value>, hidden: &str) -> String {
    let code = content.get("code").and_then(Value::as_i64).map(|code| format!("code {code}"));
    let text = content.get("message").and_then(Value::as_str).unwrap_or_default();
    let text = if hidden.is_empty() { text.to_owned() } else { text.replace(hidden, "(hidden)") };
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT).collect();
    match (shown.trim(), code) {
        ("", code) => code.unwrap_or_default(),
        (text, Some(code)) => format!("{text}, {code}"),
        (text, None) => text.to_owned(),
    }
}

/// A field that is a number or a text.
#[must_use]
pub fn text(object: &Map<String, Value>, field: &str) -> Option<String> {
    match object.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A field that is a number.
#[must_use]
pub fn number(object: &Map<String, Value>, field: &str) -> Option<u32> {
    object.get(field)?.as_u64()?.try_into().ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;
    use proptest::prelude::*;
    use reqwest::header::HeaderMap;

    fn asked(status: u16, body: &str, operation: Operation) -> Result<Map<String, Value>> {
        open(&Reply::new(status, HeaderMap::new(), body.into()), operation, "s3cret", "asking")
    }

    #[test]
    fn the_token_and_control_characters_are_not_passed_on() {
        let body = r#"{"code":3,"message":"bad\nheader OAuth s3cret","details":[]}"#;
        let error = asked(400, body, Operation::List).unwrap_err();
        assert_eq!(error.why, "bad header OAuth (hidden), code 3 (status 400)");
    }

    #[test]
    fn only_an_object_is_a_success() {
        assert!(asked(200, "{}", Operation::Change).is_ok());
        for body in ["", "[]", "ok", "<html>", "{\"a\":"] {
            assert_eq!(asked(200, body, Operation::Change).unwrap_err().kind, Kind::Transient, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics_and_no_failure_is_a_success(status in 100..600u16, body in ".{0,200}") {
            let answer = asked(status, &body, Operation::Create);
            prop_assert!(answer.is_err() || (200..300).contains(&status));
        }
    }
}
