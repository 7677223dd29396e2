//! What LunaNode answers: the envelope, its loose scalars and maps, and what its error texts mean.

use serde_json::{Map, Value};

use crate::model::error::{Error, Result, Scope};
use crate::net::http::Reply;

/// The longest error text that is passed on, in characters.
const TEXT: usize = 300;

/// The content of an answer that says `"success":"yes"`. Failures come with status 200 too. None of `hidden` is passed on.
///
/// # Errors
/// `RateLimited` for 429, and 503 with `Retry-After`; for a refusal what its text means; `Transient` for anything else.
pub fn open(reply: &Reply, hidden: &[&str], doing: &str) -> Result<Map<String, Value>> {
    let after = reply.retry_after();
    if reply.status == 429 || (reply.status == 503 && after.is_some()) {
        return Err(Error::rate_limited(after, doing, format!("LunaNode asked for a pause (status {})", reply.status)));
    }
    let content: Map<String, Value> = match reply.json(doing) {
        Ok(content) => content,
        Err(_) if !reply.is_success() => {
            let why = format!("LunaNode answered with status {}{}", reply.status, reply.quoted());
            return Err(Error::transient(doing, why));
        }
        Err(error) => return Err(error),
    };
    match content.get("success").map(scalar) {
        Some(Some(word)) if word == "yes" && reply.is_success() => Ok(content),
        Some(Some(word)) if word == "yes" => {
            Err(Error::transient(doing, format!("LunaNode answered success with status {}", reply.status)))
        }
        Some(_) => Err(refusal(&content, reply, hidden, doing)),
        None => Err(Error::transient(doing, "the answer was not understood: it does not say \"success\"")),
    }
}

/// What a refusal means. Few of the service's texts are documented, so they are matched by their words.
fn refusal(content: &Map<String, Value>, reply: &Reply, hidden: &[&str], doing: &str) -> Error {
    let why = content.get("error").map(|error| readable(error, hidden)).unwrap_or_default();
    if why.is_empty() {
        return Error::transient(doing, "LunaNode refused without saying why");
    }
    let lower = why.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["authentication failure", "bad nonce", "invalid api id", "source ip mismatch"]) {
        return not_authenticated(why, reply, doing);
    }
    if says(&["rate limit", "too many requests"]) {
        return Error::rate_limited(reply.retry_after(), doing, why);
    }
    if says(&GONE) || says(&DUPLICATE) {
        return Error::stale(doing, why);
    }
    if reply.status >= 500 { Error::transient(doing, why) } else { Error::config(doing, why) }
}

/// Something that we remember is no longer there.
const GONE: [&str; 11] = [
    "does not exist",
    "doesn't exist",
    "invalid dyn id",
    "invalid dyn_id",
    "invalid record_id",
    "invalid zone_id",
    "no such",
    "not found",
    "unknown dyn",
    "unknown record",
    "unknown zone",
];

/// Something that we would add is already there.
const DUPLICATE: [&str; 4] = ["already exists", "already in use", "already taken", "duplicate"];

/// One text covers three causes; the reply's date tells the first apart.
fn not_authenticated(why: String, reply: &Reply, doing: &str) -> Error {
    match reply.clock_is_off() {
        Some(off) => {
            let why =
                format!("this machine's clock is off by {} seconds, so LunaNode refused the signature", off.as_secs());
            Error::transient(doing, why).hint("set the clock; nothing is wrong with the API key so far")
        }
        None => Error::auth(Scope::Account, doing, why).hint(
            "the causes: a wrong api_id or api_key; a key bound to a source address, which ends just when the address \
             changes (do not restrict the key to an address); a wrong clock",
        ),
    }
}

/// An error text for people: it may be escaped for HTML and may be JSON itself.
fn readable(error: &Value, hidden: &[&str]) -> String {
    let text = unescape(&scalar(error).unwrap_or_else(|| flat(error)));
    let mut text = match serde_json::from_str(&text) {
        Ok(inner @ (Value::String(_) | Value::Object(_) | Value::Array(_))) => flat(&inner),
        _ => text,
    };
    for secret in hidden {
        text = text.replace(secret, "(hidden)");
    }
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT).collect::<String>();
    shown.trim().to_owned()
}

/// The texts inside a JSON value, in a row.
fn flat(value: &Value) -> String {
    let join =
        |parts: Vec<String>| parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("; ");
    match value {
        Value::Array(parts) => join(parts.iter().map(flat).collect()),
        Value::Object(parts) => join(parts.values().map(flat).collect()),
        other => scalar(other).unwrap_or_default(),
    }
}

fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#039;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// A scalar as text: numbers and booleans mostly arrive as strings (`"1800"`; `"1"` and `""`), which is not relied on.
#[must_use]
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// One entry of a list.
pub struct Entry<'a> {
    key: Option<&'a str>,
    fields: &'a Map<String, Value>,
}

impl Entry<'_> {
    /// The id: the field, or else the key under which the entry stands.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.text("id").filter(|id| !id.is_empty()).or_else(|| self.key.map(str::to_owned))
    }

    /// A field as text; `None` where it is missing or null.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<String> {
        self.fields.get(field).and_then(scalar)
    }

    /// A field that every entry has.
    ///
    /// # Errors
    /// `Transient` where it is missing: the answer was not understood.
    pub fn need(&self, field: &str, doing: &str) -> Result<String> {
        let found = if field == "id" { self.id() } else { self.text(field) };
        found.ok_or_else(|| Error::transient(doing, format!("the answer was not understood: an entry has no {field}")))
    }
}

/// The entries of a map from ids to objects. An empty map may be an empty list or missing (PHP writes `[]`).
///
/// # Errors
/// `Transient` for anything else.
pub fn entries<'a>(content: &'a Map<String, Value>, list: &str, doing: &str) -> Result<Vec<Entry<'a>>> {
    let parts: Vec<(Option<&str>, &Value)> = match content.get(list) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(parts)) => parts.iter().map(|part| (None, part)).collect(),
        Some(Value::Object(parts)) => parts.iter().map(|(key, part)| (Some(key.as_str()), part)).collect(),
        Some(_) => return Err(Error::transient(doing, format!("the answer was not understood: {list} is no map"))),
    };
    let entry = |(key, part): (Option<&'a str>, &'a Value)| match part {
        Value::Object(fields) => Ok(Entry { key, fields }),
        _ => Err(Error::transient(doing, format!("the answer was not understood: an entry of {list} is no object"))),
    };
    parts.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;
    use proptest::prelude::*;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    fn reply(status: u16, body: &str) -> Reply {
        Reply::new(status, HeaderMap::new(), body.into())
    }

    fn refused(text: &str) -> Error {
        let body = serde_json::json!({ "success": "no", "error": text }).to_string();
        open(&reply(200, &body), &["s3cret"], "asking").unwrap_err()
    }

    #[test]
    fn only_a_clear_yes_is_a_success() {
        assert!(open(&reply(200, r#"{"success":"yes"}"#), &[], "asking").is_ok());
        for body in ["", "yes", "[]", "{}", r#"{"success":"no"}"#, r#"{"success":null}"#, r#"{"error":"x"}"#, "<html>"]
        {
            assert_eq!(open(&reply(200, body), &[], "asking").unwrap_err().kind, Kind::Transient, "{body}");
        }
        for status in [201, 302, 404, 500, 503] {
            let kind = open(&reply(status, r#"{"success":"yes"}"#), &[], "asking").map_err(|error| error.kind).err();
            assert_eq!(kind, (status != 201).then_some(Kind::Transient), "{status}");
        }
    }

    #[test]
    fn refusals_are_sorted_by_their_words() {
        let auth = "authentication failure; common reasons: bad nonce (computer time off), source IP mismatch, invalid API id/key";
        assert_eq!(refused(auth).kind, Kind::Auth { scope: Scope::Account });
        assert!(refused(auth).hint.unwrap().contains("source address"));
        for stale in ["Record not found", "zone does not exist", "a dynamic name with this name already exists"] {
            assert_eq!(refused(stale).kind, Kind::Stale, "{stale}");
        }
        for config in ["invalid IP address", "unknown parameter colour", "invalid record data"] {
            assert_eq!(refused(config).kind, Kind::Config, "{config}");
        }
        assert_eq!(refused("rate limit exceeded").kind, Kind::RateLimited { after: None });
        let broken = reply(500, r#"{"success":"no","error":"database is away"}"#);
        assert_eq!(open(&broken, &[], "asking").unwrap_err().kind, Kind::Transient);
    }

    #[test]
    fn a_pause_is_read_from_the_header() {
        let mut limited = reply(503, "busy");
        limited.headers.insert(RETRY_AFTER, HeaderValue::from_static("90"));
        let after = Some(std::time::Duration::from_secs(90));
        assert_eq!(open(&limited, &[], "asking").unwrap_err().kind, Kind::RateLimited { after });
        assert_eq!(open(&reply(429, ""), &[], "asking").unwrap_err().kind, Kind::RateLimited { after: None });
    }

    #[test]
    fn error_texts_are_unwrapped_and_shortened_and_hold_no_secrets() {
        assert_eq!(refused("{&quot;data&quot;:&quot;bad &lt;address&gt;&quot;}").why, "bad <address>");
        assert_eq!(refused("bad\nkey s3cret").why, "bad key (hidden)");
        assert_eq!(refused(&"x".repeat(9999)).why.len(), TEXT);
    }

    #[test]
    fn an_empty_map_may_be_a_list_or_missing() {
        for body in [r#"{}"#, r#"{"dyns":[]}"#, r#"{"dyns":{}}"#, r#"{"dyns":null}"#] {
            let content = serde_json::from_str(body).unwrap();
            assert_eq!(entries(&content, "dyns", "asking").unwrap().len(), 0);
        }
        for body in [r#"{"dyns":"none"}"#, r#"{"dyns":{"1":"x"}}"#, r#"{"dyns":[1]}"#] {
            let content = serde_json::from_str(body).unwrap();
            assert!(entries(&content, "dyns", "asking").is_err_and(|error| error.kind == Kind::Transient), "{body}");
        }
    }

    #[test]
    fn ids_are_numbers_texts_or_keys() {
        let content = serde_json::from_str(r#"{"dyns":{"7":{"id":7},"8":{"id":"8"},"9":{}}}"#).unwrap();
        let ids: Vec<_> = entries(&content, "dyns", "asking").unwrap().iter().filter_map(Entry::id).collect();
        assert_eq!(ids, ["7", "8", "9"]);
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 100_u16..600, body in "\\PC{0,60}", error in "\\PC{0,60}") {
            let _ = open(&reply(status, &body), &[], "asking");
            prop_assert!(!refused(&error).to_string().is_empty());
        }
    }
}
