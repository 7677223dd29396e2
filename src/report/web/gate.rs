//! Who may ask: requests under a name that is ours, and actions only by who knows the token and comes from our own page.
//!
//! A page of somebody else's, open in the same browser, can send requests to this machine (cross-site request forgery), and,
//! once its name leads to this machine, read the answers (DNS rebinding). The first is stopped by what a browser says of where
//! a request comes from and by the token in a header field, which no other site can send unasked; the second by `Host`.

use std::net::IpAddr;

use hyper::http::uri::Authority;
use hyper::{HeaderMap, StatusCode, header};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use super::Rules;
use crate::os::secret::LEAST_TRIED;

/// Why a request is refused.
pub(super) type Refusal = (StatusCode, String);

fn refused(status: StatusCode, why: impl Into<String>) -> Refusal {
    (status, why.into())
}

/// The only field of a name, as text.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let (first, None) = (all.next()?, all.next()) else { return None };
    first.to_str().ok()
}

/// Whether a host is this page's: an address, which no name server can point elsewhere, this machine's own name, or one that the
/// configuration allows.
fn is_ours(host: &str, rules: &Rules) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let host = host.to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok()
        || host == "localhost"
        || host.ends_with(".localhost")
        || rules.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host))
}

/// Checks under which name the page is asked for.
pub(super) fn host(headers: &HeaderMap, rules: &Rules) -> Result<(), Refusal> {
    let Some(host) = only(headers, &header::HOST) else {
        return Err(refused(StatusCode::BAD_REQUEST, "a request names one Host"));
    };
    let authority = host.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@'));
    if authority.is_some_and(|authority| is_ours(authority.host(), rules)) {
        return Ok(());
    }
    let why = "this is not the name of this page; to use it under one of your own, add it to `hosts` in [web]";
    Err(refused(StatusCode::MISDIRECTED_REQUEST, why))
}

/// Checks who wants something done: from our own page or from no page at all, in JSON, with the token.
pub(super) fn action(headers: &HeaderMap, rules: &Rules) -> Result<(), Refusal> {
    if !comes_from_us(headers, rules) {
        return Err(refused(StatusCode::FORBIDDEN, "the request comes from another site"));
    }
    let media = only(headers, &header::CONTENT_TYPE).and_then(|media| media.split(';').next()).unwrap_or_default();
    if !media.trim().eq_ignore_ascii_case("application/json") {
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the request must be application/json"));
    }
    let Some(token) = &rules.token else {
        return Err(refused(StatusCode::FORBIDDEN, "nothing can be done from here: [web] has no `token`"));
    };
    let expected = token.read().map_err(|error| {
        tracing::warn!("the token of the status page: {error}");
        refused(StatusCode::FORBIDDEN, "nothing can be done from here: the token cannot be read, the log says why")
    })?;
    if expected.expose_secret().len() < LEAST_TRIED {
        let why = format!("nothing can be done from here: the token is shorter than {LEAST_TRIED} characters");
        tracing::warn!("{why}");
        return Err(refused(StatusCode::FORBIDDEN, why));
    }
    let given = only(headers, &header::AUTHORIZATION).and_then(|field| {
        let (scheme, token) = field.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match given {
        Some(given) if is_same(given, &expected) => Ok(()),
        Some(_) => Err(refused(StatusCode::UNAUTHORIZED, "this is not the token")),
        None => Err(refused(StatusCode::UNAUTHORIZED, "the token is missing: Authorization: Bearer …")),
    }
}

/// Whether a browser says that the request was made by our own page. Other programs say nothing of that.
fn comes_from_us(headers: &HeaderMap, rules: &Rules) -> bool {
    // Sent twice, or as what is no text, it is nobody's word.
    let said = |name: &header::HeaderName| headers.contains_key(name).then(|| only(headers, name).unwrap_or_default());
    let site = header::HeaderName::from_static("sec-fetch-site");
    if said(&site).is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    let Some(origin) = said(&header::ORIGIN) else { return true };
    let Some((_, origin)) = origin.split_once("://") else { return false };
    // A proxy may ask under another name than the browser does.
    let is_allowed = |origin: &Authority| rules.hosts.iter().any(|host| host.eq_ignore_ascii_case(origin.host()));
    only(headers, &header::HOST).is_some_and(|host| host.eq_ignore_ascii_case(origin))
        || origin.parse::<Authority>().is_ok_and(|origin| is_allowed(&origin))
}

/// Whether a token is the right one, in a time that says nothing of where or in how many characters they differ.
fn is_same(given: &str, expected: &SecretString) -> bool {
    // Both are digested: what is then compared, in constant time, has one length and none of their octets.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"the token of the status page");
    let expected = hmac::sign(&key, expected.expose_secret().as_bytes());
    hmac::verify(&key, given.as_bytes(), expected.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::secret::Secret;

    fn rules() -> Rules {
        Rules { hosts: vec!["ddns.example.org".into()], token: Some(Secret::inline("0123456789abcdef")) }
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_our_own_names_and_addresses_are_answered() {
        for ours in [
            "localhost",
            "LOCALHOST:8053",
            "router.localhost",
            "127.0.0.1:8053",
            "192.0.2.7",
            "[::1]:8053",
            "[2001:db8::1]",
            "ddns.example.org",
            "DDNS.example.org:443",
        ] {
            assert_eq!(host(&headers(&[("host", ours)]), &rules()), Ok(()), "{ours}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example:80",
            "ddns.example.org@evil.example",
            "evil.example@localhost",
            "xddns.example.org",
            "ddns.example.org.",
            "1",
            "0x7f000001",
        ] {
            let status = host(&headers(&[("host", foreign)]), &rules()).unwrap_err().0;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{foreign}");
        }
        for none in [headers(&[]), headers(&[("host", "localhost"), ("host", "localhost")])] {
            assert_eq!(host(&none, &rules()).unwrap_err().0, StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn an_action_needs_our_page_json_and_the_token() {
        let good = [
            ("host", "localhost:8053"),
            ("content-type", "application/json"),
            ("authorization", "Bearer 0123456789abcdef"),
        ];
        let with = |more: &[(&'static str, &str)]| {
            let mut fields = headers(&good);
            for (name, value) in more {
                fields.remove(*name);
                if !value.is_empty() {
                    fields.append(*name, value.parse().unwrap());
                }
            }
            action(&fields, &rules()).map_err(|(status, _)| status.as_u16())
        };
        for fine in [
            &[][..],
            &[("origin", "http://localhost:8053"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://ddns.example.org")],
            &[("content-type", "Application/JSON; charset=utf-8")],
            &[("authorization", "bearer 0123456789abcdef")],
        ] {
            assert_eq!(with(fine), Ok(()), "{fine:?}");
        }
        for (bad, status) in [
            (("origin", "http://evil.example"), 403),
            (("origin", "http://localhost:8054"), 403),
            (("origin", "null"), 403),
            (("sec-fetch-site", "cross-site"), 403),
            (("sec-fetch-site", "same-site"), 403),
            (("content-type", "text/plain"), 415),
            (("content-type", "application/x-www-form-urlencoded"), 415),
            (("content-type", ""), 415),
            (("authorization", ""), 401),
            (("authorization", "Bearer 0123456789abcde"), 401),
            (("authorization", "Bearer 0123456789abcdef0"), 401),
            (("authorization", "Basic 0123456789abcdef"), 401),
        ] {
            assert_eq!(with(&[bad]), Err(status), "{bad:?}");
        }
    }

    #[test]
    fn without_a_token_that_is_worth_the_name_nothing_is_done() {
        let fields = |token: &str| {
            headers(&[("content-type", "application/json"), ("authorization", &format!("Bearer {token}"))])
        };
        for token in [None, Some("short"), Some("")] {
            let rules = Rules { token: token.map(Secret::inline), ..rules() };
            let (status, why) = action(&fields(token.unwrap_or("")), &rules).unwrap_err();
            assert_eq!(status, StatusCode::FORBIDDEN, "{token:?}: {why}");
        }
        let missing = Rules { token: Some(Secret::File("/nonexistent/token".into())), ..rules() };
        let (status, why) = action(&fields("anything"), &missing).unwrap_err();
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(!why.contains("/nonexistent"), "{why}");
    }
}
