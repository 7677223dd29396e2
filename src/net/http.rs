//! One HTTP client: TLS verified, no redirects, no proxy unless asked, bodies and time bounded, errors without URLs' queries.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name as HostName, Resolve, Resolving};
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Request, Url};
use serde_json::error::Category;

use super::quote::{Carried, HIDDEN, beginning, escapes};
use super::roots::{host_roots, tls_trusting, tls_with};
use super::server::look_up;
use super::unanswered::{Unresolved, describe, server, unanswered};
use crate::model::error::{Error, Result};
use crate::model::record::Family;
use crate::net::via::Via;
use crate::os::clock;

/// What we call ourselves: name, version, contact, as dyndns2 services ask for.
pub const USER_AGENT: &str =
    concat!("driftless/", env!("CARGO_PKG_VERSION"), " (https://github.com/driftless/driftless)");

/// The time a call may take in all.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A bound for answers that are lists, in octets.
pub const LIST: usize = 2 << 20;
/// A bound for single answers, in octets.
pub const SINGLE: usize = 64 << 10;
/// A bound for address echoes, in octets.
pub const ECHO: usize = 4 << 10;

/// How far a reply's `Date` may be off before our clock is held to be wrong.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);

/// A client. Cheap to clone; the clones share their connections.
#[derive(Clone)]
pub struct Http(Arc<Shared>);

/// Two clients, made when first needed: without TLS no trust roots are read, which takes longer than everything else that
/// happens before the first request.
struct Shared {
    family: Option<Family>,
    ca: Option<PathBuf>,
    via: Via,
    ahead: Arc<Ahead>,
    plain: Mutex<Option<reqwest::Client>>,
    secure: Mutex<Option<reqwest::Client>>,
}

/// By how many seconds the clock of whoever answered last was ahead of ours, where it said so.
type Ahead = Mutex<Option<i64>>;

/// What a server answered, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, no longer than was allowed.
    pub body: Vec<u8>,
    /// Its beginning for people, where it is no JSON.
    begins: Option<String>,
}

impl Http {
    /// A client that uses only addresses of `family` where one is given.
    #[must_use]
    pub fn new(family: Option<Family>) -> Self {
        Self::with(family, None, Via::default(), Arc::default())
    }

    /// A client of its own that also trusts the certificates in a PEM file, read at the first call.
    #[must_use]
    pub fn trusting(&self, ca: PathBuf) -> Self {
        Self::with(self.0.family, Some(ca), self.0.via.clone(), Arc::clone(&self.0.ahead))
    }

    /// A client of its own that goes out by this way. Names are looked up by the system all the same.
    #[must_use]
    pub fn going(&self, via: &Via) -> Self {
        Self::with(self.0.family, self.0.ca.clone(), via.clone(), Arc::clone(&self.0.ahead))
    }

    fn with(family: Option<Family>, ca: Option<PathBuf>, via: Via, ahead: Arc<Ahead>) -> Self {
        Self(Arc::new(Shared { family, ca, via, ahead, plain: Mutex::new(None), secure: Mutex::new(None) }))
    }

    /// By how many seconds the clock of the server that answered last, this client or one made from it, is ahead of ours;
    /// negative where it is behind, `None` where none has said its `Date` yet.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        *self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the pooled connections: the next call makes new ones.
    pub fn drop_connections(&self) {
        for kept in [&self.0.plain, &self.0.secure] {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// A client to build requests with, for [`Http::send`] to send. It trusts nobody: by itself it cannot speak https.
    ///
    /// # Errors
    /// `Transient` when the system has no resources for a client.
    pub fn client(&self) -> Result<reqwest::Client> {
        made(&self.0.plain, || build(&self.0, tls_with(rustls::RootCertStore::empty())))
    }

    /// The client that speaks https.
    fn secure(&self) -> Result<reqwest::Client> {
        made(&self.0.secure, || {
            let tls = match &self.0.ca {
                Some(path) => tls_trusting(path).map_err(|why| Error::config(PREPARING, why))?,
                None => tls_with(host_roots()),
            };
            build(&self.0, tls)
        })
    }

    /// Sends a request and reads at most `limit` octets of the answer, within [`TIMEOUT`] in all. Any status is an answer.
    ///
    /// # Errors
    /// `Transient` when there is no answer, or one that is longer than `limit`. It says which host and port gave none, and
    /// what failed.
    pub async fn send(&self, request: Request, limit: usize, doing: &str) -> Result<Reply> {
        let server = server(request.url());
        let carried = Carried::by(&request);
        let fail = |error: reqwest::Error| {
            let unsent = error.is_connect();
            let error = Error::transient(doing, unanswered(&server, &error.without_url()));
            // Without a connection nothing was sent.
            if unsent { error.unsent() } else { error }
        };
        let client = if request.url().scheme() == "https" { self.secure()? } else { self.client()? };
        let mut response = client.execute(request).await.map_err(fail)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fail)? {
            if body.len() + chunk.len() > limit {
                return Err(Error::transient(doing, format!("the answer is longer than {limit} octets")));
            }
            body.extend_from_slice(&chunk);
        }
        let begins = beginning(&body, &carried);
        let status = response.status().as_u16();
        let reply = Reply { status, headers: std::mem::take(response.headers_mut()), body, begins };
        if let Some(date) = reply.date() {
            let ahead = date.saturating_sub(clock::now().wall.0);
            *self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
        Ok(reply)
    }
}

impl Reply {
    /// An answer with this status, these header fields and this body.
    #[must_use]
    pub fn new(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, headers, body, begins: None }
    }

    /// How it begins, to be put behind what is said of an answer that is not understood: `: it begins "502 Bad Gateway"`. At most 60
    /// characters without tags and without anything that the request carried. Empty where it is JSON, or nothing.
    #[must_use]
    pub fn quoted(&self) -> String {
        self.begins.as_ref().map(|begins| format!(": it begins {begins:?}")).unwrap_or_default()
    }

    /// The body as text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `Transient`: a reply that is not understood is a failure. Of what is no JSON at all the beginning is quoted; what is
    /// JSON is not repeated: it may repeat our request, or hold what only we may know.
    pub fn json<T: serde::de::DeserializeOwned>(&self, doing: &str) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let said = error.to_string();
            let why = match error.classify() {
                // These name a field of ours.
                Category::Data if said.starts_with("missing field") => said,
                Category::Data => "it is not built as documented".to_owned(),
                Category::Eof => "it ends in the middle".to_owned(),
                Category::Io | Category::Syntax => {
                    format!("it is no JSON at line {} column {}{}", error.line(), error.column(), self.quoted())
                }
            };
            Error::transient(doing, format!("the answer (status {}) was not understood: {why}", self.status))
        })
    }

    /// Takes a secret out of a refusal, body and header fields, in the forms in which a service that repeats our request has
    /// it. An answer to a request that went well is left as it is.
    pub fn hide(&mut self, secret: &str) {
        if self.is_success() || secret.is_empty() {
            return;
        }
        let once = escapes(secret);
        let twice = once.iter().flat_map(|form| escapes(form));
        let mut forms: Vec<String> = twice.chain(once.iter().cloned()).collect();
        forms.push(secret.to_owned());
        // The longest first: the others are parts of it.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        let mut body = self.text().into_owned();
        forms.iter().for_each(|form| body = body.replace(form.as_str(), HIDDEN));
        self.body = body.into_bytes();
        let repeats = |value: &HeaderValue| {
            let value = String::from_utf8_lossy(value.as_bytes());
            forms.iter().any(|form| value.contains(form.as_str()))
        };
        self.headers
            .values_mut()
            .filter(|value| repeats(value))
            .for_each(|value| *value = HeaderValue::from_static(HIDDEN));
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How long the server asks us to wait: `Retry-After` in seconds or as a date, measured against the reply's own `Date`
    /// so that a wrong clock of ours does not matter (RFC 9110, section 10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let until = http_date(text)?;
        Some(self.until(until))
    }

    /// How long it is until a moment in seconds since 1970, by the server's own `Date` where it has one; zero when it is past.
    #[must_use]
    pub fn until(&self, seconds: i64) -> Duration {
        let from = self.date().unwrap_or_else(|| clock::now().wall.0);
        Duration::from_secs(u64::try_from(seconds.saturating_sub(from)).unwrap_or(0))
    }

    /// By how much our clock differs from the reply's `Date`, where that is more than two minutes: credentials that depend on
    /// time are then not to blame.
    #[must_use]
    pub fn clock_is_off(&self) -> Option<Duration> {
        let off = Duration::from_secs(self.date()?.abs_diff(clock::now().wall.0));
        (off > CLOCK_TOLERANCE).then_some(off)
    }

    fn date(&self) -> Option<i64> {
        http_date(self.headers.get(DATE)?.to_str().ok()?)
    }
}

/// An HTTP date in seconds since 1970.
fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp().as_second())
}

/// The URL's host, where it is an address and not a name.
#[must_use]
pub fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// A URL for people: without user, password, query and fragment.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for URLs that cannot have a user, which then have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// What is being done when a client is made, for errors.
const PREPARING: &str = "preparing an HTTP client";

/// The client that is kept, made where there is none.
fn made(
    kept: &Mutex<Option<reqwest::Client>>,
    make: impl FnOnce() -> Result<reqwest::Client>,
) -> Result<reqwest::Client> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = &*kept {
        return Ok(client.clone());
    }
    let client = make()?;
    *kept = Some(client.clone());
    Ok(client)
}

fn build(shared: &Shared, tls: rustls::ClientConfig) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT)
        // Long enough for the calls of one round, short enough that nothing stays open.
        .pool_idle_timeout(Duration::from_secs(5))
        .dns_resolver(SystemResolver { family: shared.family })
        .local_address(shared.via.address);
    if let Some(interface) = &shared.via.interface {
        builder = tied(builder, interface)?;
    }
    builder.build().map_err(|error| Error::transient(PREPARING, describe(&error)))
}

#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it is an error")]
fn tied(builder: reqwest::ClientBuilder, interface: &str) -> Result<reqwest::ClientBuilder> {
    Ok(builder.interface(interface))
}

#[cfg(not(target_os = "linux"))]
fn tied(_: reqwest::ClientBuilder, _: &str) -> Result<reqwest::ClientBuilder> {
    Err(Error::config(PREPARING, super::via::ONLY_LINUX))
}

/// The system's resolver, asked anew each time (a file of name servers that changed is seen), filtered by family.
struct SystemResolver {
    family: Option<Family>,
}

impl Resolve for SystemResolver {
    fn resolve(&self, host: HostName) -> Resolving {
        let family = self.family;
        Box::pin(async move {
            let found = look_up(host.as_str(), 0).await.map_err(Unresolved)?;
            let wanted: Vec<SocketAddr> =
                found.into_iter().filter(|at| family.is_none_or(|family| is_of(at.ip(), family))).collect();
            if wanted.is_empty() {
                let family = family.map(|family| format!("{family} ")).unwrap_or_default();
                return Err(Unresolved(format!("{} has no {family}address", host.as_str())).into());
            }
            Ok(Box::new(wanted.into_iter()) as Addrs)
        })
    }
}

fn is_of(address: IpAddr, family: Family) -> bool {
    Family::of(address) == family
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(fields: &[(reqwest::header::HeaderName, &str)]) -> Reply {
        let headers = fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        Reply::new(429, headers, Vec::new())
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        assert_eq!(reply(&[(RETRY_AFTER, "120")]).retry_after(), Some(Duration::from_secs(120)));
        let dates = [(DATE, "Sat, 21 Nov 2026 10:00:00 GMT"), (RETRY_AFTER, "Sat, 21 Nov 2026 10:02:00 GMT")];
        assert_eq!(reply(&dates).retry_after(), Some(Duration::from_secs(120)));
        assert_eq!(reply(&[(RETRY_AFTER, "soon")]).retry_after(), None);
        assert_eq!(reply(&[]).retry_after(), None);
    }

    #[test]
    fn a_wrong_clock_is_told_apart() {
        assert!(reply(&[(DATE, "Thu, 01 Jan 1970 00:00:00 GMT")]).clock_is_off().is_some());
        assert!(reply(&[]).clock_is_off().is_none());
    }

    #[test]
    fn an_answer_that_is_not_understood_is_not_repeated() {
        for body in ["\"hunter2\"", "{\"a\":\"hunter2\"}", "{\"b\":\"hunter2\"}", "hunter2", "[\"hunter2\"", ""] {
            let reply = Reply::new(200, HeaderMap::new(), body.into());
            #[derive(Debug, serde::Deserialize)]
            struct Shape {
                #[expect(dead_code, reason = "only its place counts")]
                a: u8,
            }
            let said = reply.json::<Shape>("asking").unwrap_err().to_string();
            assert!(said.contains("not understood: ") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_secret_is_hidden_however_often_it_was_escaped() {
        let secret = "a\"b\\cü/🦀";
        let request = serde_json::json!({ "password": secret }).to_string();
        let echo = serde_json::json!({ "message": request, "plain": secret }).to_string();
        let [_, ascii] = escapes(secret);
        let mut refusal = reply(&[("x-request-id".parse().unwrap(), "a token")]);
        refusal.body = format!("{echo} {ascii} {secret}").into();
        refusal.hide(secret);
        assert_eq!(refusal.text().matches(HIDDEN).count(), 4, "{}", refusal.text());
        assert!(!refusal.text().contains(['b', 'c', 'ü']), "{}", refusal.text());
        refusal.hide("token");
        assert_eq!(refusal.headers["x-request-id"], HIDDEN);
        let mut success = Reply::new(200, HeaderMap::new(), secret.into());
        success.hide(secret);
        assert_eq!(success.text(), secret);
    }

    #[test]
    fn a_shown_url_has_no_secrets() {
        let url = Url::parse("https://user:pass@example.org/path?token=x#y").unwrap();
        assert_eq!(shown(&url), "https://example.org/path");
    }
}
