//! What PocketDNS answers when it refuses, and what of an answer counts as a success.
//!
//! Sources: the table of error codes of the page on DNS records, the pages on errors and on authentication. Errors are
//! documented in three shapes: `{"error": "Invalid API key"}`, and `{"error": code, "message": text, "details": {…}}` with
//! and without a `request_id`; all three are read.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::model::error::{Error, Kind, Result, Scope};
use crate::net::http::Reply;

/// How long to wait where a refusal for too many requests does not say: limits are for a minute, and `Retry-After` is not
/// documented.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The longest error text that is passed on, in characters.
const TEXT: usize = 300;

/// What a documented code means, whatever the status beside it.
const CODES: [(&str, Meaning); 9] = [
    ("conflict", Meaning::Conflict),
    ("forbidden", Meaning::Forbidden),
    ("internal_error", Meaning::Broken),
    ("invalid_api_key", Meaning::Unauthorized),
    ("not_found", Meaning::Gone),
    ("rate_limit_exceeded", Meaning::Limited),
    ("unauthorized", Meaning::Unauthorized),
    ("unprocessable_entity", Meaning::Wrong),
    ("validation_error", Meaning::Wrong),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Broken,
    Conflict,
    Forbidden,
    Gone,
    Limited,
    Unauthorized,
    Wrong,
}

/// The answer, if its status is one of those that mean success.
///
/// # Errors
/// By the documented code, or else by the status: `Config` for 400 and 422, `Auth` for 401 (the account) and 403 (what was
/// asked for), `Stale` for 404 and 409, `RateLimited` for 429 (a minute where it does not say how long) and for 503 that says
/// how long, `Transient` for everything else. 400, 403, 404, 409 and 422 count only with a body that says `error`: others are
/// no answers of the service's, but of something between it and us.
pub fn open(reply: Reply, success: &[u16], doing: &str) -> Result<Reply> {
    if success.contains(&reply.status) {
        return Ok(reply);
    }
    Err(refusal(&reply, doing))
}

fn refusal(reply: &Reply, doing: &str) -> Error {
    let status = reply.status;
    let content: Option<Map<String, Value>> = serde_json::from_slice(&reply.body).ok();
    let said = content.as_ref().and_then(|content| Some((content.get("error")?.as_str()?, content)));
    let why = match said {
        Some((code, content)) => format!("{} (status {status})", readable(code, content)),
        None if (200..300).contains(&status) => {
            format!("the answer was not understood: it has status {status}{}", reply.quoted())
        }
        None => format!("PocketDNS answered with status {status}{}", reply.quoted()),
    };
    if status == 503
        && let Some(after) = reply.retry_after()
    {
        return Error::rate_limited(Some(after), doing, why);
    }
    let refused = (400..500).contains(&status);
    let coded = said.filter(|_| refused).and_then(|(code, _)| meaning_of_code(code));
    match coded.or_else(|| meaning_of_status(status, said.is_some())).unwrap_or(Meaning::Broken) {
        Meaning::Broken => Error::transient(doing, why),
        Meaning::Conflict | Meaning::Gone => Error::stale(doing, why),
        Meaning::Forbidden => Error::auth(Scope::RecordSet, doing, why)
            .hint("the key may not do this with this domain; PocketDNS's support knows the account's status"),
        Meaning::Limited => Error::rate_limited(Some(reply.retry_after().unwrap_or(WINDOW)), doing, why),
        Meaning::Unauthorized => Error::auth(Scope::Account, doing, why),
        Meaning::Wrong => Error::config(doing, why),
    }
}

fn meaning_of_code(code: &str) -> Option<Meaning> {
    // The page on authentication has a sentence in the place of the code: "Invalid API key".
    let code = code.trim().to_ascii_lowercase().replace(' ', "_");
    CODES.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
}

fn meaning_of_status(status: u16, said: bool) -> Option<Meaning> {
    match status {
        401 => Some(Meaning::Unauthorized),
        429 => Some(Meaning::Limited),
        400 | 422 if said => Some(Meaning::Wrong),
        403 if said => Some(Meaning::Forbidden),
        404 if said => Some(Meaning::Gone),
        409 if said => Some(Meaning::Conflict),
        _ => None,
    }
}

/// An error for people: the message, the field that it is about, and the id that support asks for.
fn readable(code: &str, content: &Map<String, Value>) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let details = |name: &str| text(content.get("details").and_then(|details| details.get(name)));
    let message = text(content.get("message"));
    let mut said = if message.is_empty() { code.to_owned() } else { message };
    for (word, part) in
        [("field", details("field")), ("code", details("code")), ("request", text(content.get("request_id")))]
    {
        if !part.is_empty() {
            said.push_str(&format!("; {word} {part}"));
        }
    }
    shortened(&said)
}

/// A text of the service's for people: one line, not too long.
#[must_use]
pub fn shortened(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT).collect::<String>();
    line.trim().to_owned()
}

/// What is said of one record of a bulk creation. Only one text is documented ("Priority is required for MX records"), so the
/// rest is matched by words: what is there already is to be read again, everything else was wrong.
#[must_use]
pub fn of_one(text: &str, doing: &str) -> Error {
    let lower = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let kind = match () {
        () if says(&["already exist", "conflict", "duplicate"]) => Kind::Stale,
        () if says(&["rate limit", "too many"]) => Kind::RateLimited { after: Some(WINDOW) },
        () if says(&["internal error", "server error", "try again"]) => Kind::Transient,
        () => Kind::Config,
    };
    Error::new(kind, doing, shortened(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    const ACCOUNT: Kind = Kind::Auth { scope: Scope::Account };
    const HERE: Kind = Kind::Auth { scope: Scope::RecordSet };
    const MINUTE: Kind = Kind::RateLimited { after: Some(WINDOW) };

    fn reply(status: u16, body: &str) -> Reply {
        Reply::new(status, HeaderMap::new(), body.into())
    }

    fn refused(status: u16, body: &str) -> Error {
        open(reply(status, body), &[200], "asking").unwrap_err()
    }

    #[test]
    fn every_status_of_the_table_has_its_meaning_in_every_documented_shape() {
        for (status, code, kind) in [
            (400, "validation_error", Kind::Config),
            (401, "unauthorized", ACCOUNT),
            (403, "forbidden", HERE),
            (404, "not_found", Kind::Stale),
            (409, "conflict", Kind::Stale),
            (422, "unprocessable_entity", Kind::Config),
            (429, "rate_limit_exceeded", MINUTE),
            (500, "internal_error", Kind::Transient),
        ] {
            for body in [
                format!(r#"{{"error":"{code}"}}"#),
                format!(r#"{{"error":"{code}","message":"so"}}"#),
                format!(r#"{{"error":"{code}","message":"so","details":{{"field":"f","code":"c"}},"request_id":"r"}}"#),
                r#"{"error":"a sentence"}"#.to_owned(),
            ] {
                assert_eq!(refused(status, &body).kind, kind, "{status} {body}");
            }
        }
        assert_eq!(refused(401, r#"{"error":"Invalid API key"}"#).kind, ACCOUNT);
        assert_eq!(refused(422, r#"{"error":"validation_error"}"#).kind, Kind::Config);
    }

    #[test]
    fn a_page_of_something_between_holds_nothing() {
        for status in [301, 400, 402, 403, 404, 405, 409, 415, 422, 500, 502, 503, 504] {
            for body in ["", "<html>", "[]", "{}", r#"{"error":7}"#] {
                assert_eq!(refused(status, body).kind, Kind::Transient, "{status} {body}");
            }
        }
        assert_eq!((refused(401, "").kind, refused(429, "<html>").kind), (ACCOUNT, MINUTE));
        // A fault of the service's is one, whatever code it is dressed in.
        assert_eq!(refused(500, r#"{"error":"unauthorized"}"#).kind, Kind::Transient);
        assert_eq!(refused(204, "").kind, Kind::Transient);
    }

    #[test]
    fn the_documented_code_decides_before_the_status() {
        assert_eq!(refused(400, r#"{"error":"rate_limit_exceeded"}"#).kind, MINUTE);
        assert_eq!(refused(418, r#"{"error":"conflict"}"#).kind, Kind::Stale);
    }

    #[test]
    fn a_pause_is_read_from_the_header() {
        for (status, expected) in [(429, 7), (503, 7)] {
            let mut limited = reply(status, "{}");
            limited.headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
            let after = Some(Duration::from_secs(expected));
            assert_eq!(open(limited, &[200], "asking").unwrap_err().kind, Kind::RateLimited { after });
        }
    }

    #[test]
    fn an_error_is_told_with_its_field_and_its_request() {
        let body = r#"{"error":"validation_error","message":"no\nIPv4","details":{"field":"content","code":"bad"},"request_id":"req_1"}"#;
        assert_eq!(refused(400, body).why, "no IPv4; field content; code bad; request req_1 (status 400)");
        assert!(refused(400, &format!(r#"{{"error":"{}"}}"#, "x".repeat(9999))).why.len() < TEXT + 20);
    }

    #[test]
    fn what_is_said_of_one_record_is_sorted_by_its_words() {
        assert_eq!(of_one("Priority is required for MX records", "adding").kind, Kind::Config);
        assert_eq!(of_one("Record already exists", "adding").kind, Kind::Stale);
        assert_eq!(of_one("Internal error, try again", "adding").kind, Kind::Transient);
        assert_eq!(of_one("Rate limit exceeded", "adding").kind, MINUTE);
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 100_u16..600, body in "\\PC{0,80}") {
            let _ = open(reply(status, &body), &[200], "asking");
            prop_assert!(!of_one(&body, "asking").doing.is_empty());
        }
    }
}
