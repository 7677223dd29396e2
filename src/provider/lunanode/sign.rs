//! The signed form that every call to LunaNode carries.
//!
//! Source: LunaNode's API overview and its official clients, which agree. HMAC-SHA512 with the whole key over
//! `handler|req|nonce`; of the key only the first half travels, inside `req`.

use data_encoding::HEXLOWER;
use reqwest::Url;
use ring::hmac;
use serde_json::{Map, Value};

/// The length of an API id.
pub const ID_LENGTH: usize = 16;
/// The length of an API key.
pub const KEY_LENGTH: usize = 128;
/// How much of the key is sent.
const PARTIAL_LENGTH: usize = 64;

/// How far a nonce may run ahead of the clock, in seconds. Nonces are seconds, a burst has several calls a second, and
/// whether one nonce serves twice is not documented.
const LEAD: i64 = 30;

/// The part of an API key that is sent, or `None` when it does not have a key's length or is not ASCII.
#[must_use]
pub fn partial(key: &str) -> Option<&str> {
    (key.len() == KEY_LENGTH && key.is_ascii()).then(|| key.get(..PARTIAL_LENGTH)).flatten()
}

/// The nonce of a call at `now`, the wall time in seconds, where `last` was the one before: never the same twice, unless
/// calls come faster than one a second for half a minute or the clock went back.
#[must_use]
pub fn nonce(last: i64, now: i64) -> i64 {
    if (now..now.saturating_add(LEAD)).contains(&last) { last + 1 } else { now }
}

/// The JSON object that is signed: the parameters, all of them strings, with the id and the first half of the key.
#[must_use]
pub fn request(parameters: &[(&str, &str)], id: &str, partial: &str) -> String {
    let all = parameters.iter().copied().chain([("api_id", id), ("api_partialkey", partial)]);
    let object: Map<String, Value> = all.map(|(name, value)| (name.into(), value.into())).collect();
    Value::Object(object).to_string()
}

/// The signature of a request: `handler` is the path of the call with its last slash, as in `dns/dyn-list/`.
#[must_use]
pub fn signature(key: &str, handler: &str, request: &str, nonce: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes());
    HEXLOWER.encode(hmac::sign(&key, format!("{handler}|{request}|{nonce}").as_bytes()).as_ref())
}

/// The body of a call: `application/x-www-form-urlencoded`, so that the service decodes exactly what was signed.
#[must_use]
pub fn form(request: &str, signature: &str, nonce: i64, scratch: &Url) -> String {
    let mut url = scratch.clone();
    let nonce = nonce.to_string();
    let fields = [("req", request), ("signature", signature), ("nonce", &nonce)];
    url.query_pairs_mut().clear().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "abcdefghijklmnop";

    fn key() -> String {
        ('a'..='z').cycle().take(KEY_LENGTH).collect()
    }

    /// The two vectors of an independent client (lunanode-cli, `t/main.lisp`).
    #[test]
    fn signatures_agree_with_the_known_vectors() {
        let key = key();
        let request = request(&[], ID, partial(&key).unwrap());
        assert_eq!(
            request,
            r#"{"api_id":"abcdefghijklmnop","api_partialkey":"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"}"#
        );
        let vectors = [
            (
                "vm/create/",
                "183236c9a4635699e454236733a86045857818fa96f1631d1a68550a2277510ccd782fcfb15ea67d035fdfd2b3f7205258d15f72051a1e4d6f6d1d54a6b69997",
            ),
            (
                "vm/list/",
                "af5b7ba795e6a65fd12ea80343652ce3de1008972cff6e28185043915ac6c6152e50a931c8ec054f416226b162d21ad7c4461dc2953448f5e743bcf41cdd46c9",
            ),
        ];
        for (handler, expected) in vectors {
            assert_eq!(signature(&key, handler, &request, 775_886_400), expected);
        }
    }

    #[test]
    fn a_key_of_another_length_is_no_key() {
        assert_eq!(partial(&key()).map(str::len), Some(PARTIAL_LENGTH));
        assert_eq!(partial(&key()[1..]), None);
        assert_eq!(partial(&"é".repeat(KEY_LENGTH / 2)), None);
    }

    #[test]
    fn nonces_do_not_repeat_within_a_second_and_follow_the_clock() {
        assert_eq!(nonce(0, 1000), 1000);
        assert_eq!(nonce(1000, 1000), 1001);
        assert_eq!(nonce(1001, 1000), 1002);
        assert_eq!(nonce(1001, 1010), 1010);
        assert_eq!(nonce(1030, 1000), 1000);
        assert_eq!(nonce(9000, 1000), 1000);
        assert_eq!(nonce(i64::MAX, i64::MAX), i64::MAX);
    }

    #[test]
    fn the_form_decodes_to_what_was_signed() {
        let text = "{\"a\":\"b&c=d+e f%é\"}";
        let url = Url::parse("https://127.0.0.1/?x=y").unwrap();
        let body = form(text, "00ff", 5, &url);
        let decoded = Url::parse(&format!("https://127.0.0.1/?{body}")).unwrap();
        let fields: Vec<_> =
            decoded.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let expected = [("req", text), ("signature", "00ff"), ("nonce", "5")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
