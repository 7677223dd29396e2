//! One login at Rackspace: a token by API key, kept until shortly before it expires, and calls with it within the limits.
//!
//! Source: Rackspace's documentation of Cloud Identity v2.0 and of Cloud DNS ("Authentication").

use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::limits::{self, Counted, Limits};
use super::reply::{open, scalar};
use crate::model::error::{Error, Kind, Result, Scope};
use crate::model::time::Moment;
use crate::net::http::{Http, LIST, Reply, SINGLE, shown};
use crate::os::clock;
use crate::os::secret::Secret;

/// How long a token is used whose end the answer does not tell.
const SHORT: Duration = Duration::from_secs(300);

/// A bound for token answers, in octets: the catalog has every product in every region.
const TOKEN: usize = 8 * SINGLE;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a refused login may also mean.
const REFUSED: &str = "check username and api_key (the key of the user's profile, not the password) and that region fits the account; \
    a user with multi-factor authentication, or one that is disabled, is refused as well: use a user without it";

/// One login.
pub struct Session {
    http: Http,
    username: String,
    key: Secret,
    identity: Url,
    /// Held while a token is asked for, so that calls side by side share it.
    token: Mutex<Option<Arc<Token>>>,
    limits: Lock<Limits>,
}

struct Token {
    value: HeaderValue,
    endpoint: Url,
    renew_at: Moment,
}

/// One call to Cloud DNS.
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The path below the account's.
    pub path: &'a [&'a str],
    /// The query.
    pub query: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Option<Value>,
    /// What is being done, for messages.
    pub doing: &'a str,
}

impl Call<'_> {
    /// As what it is limited; the documentation names no limit for the rest.
    fn counted(&self) -> Option<Counted> {
        let domains = self.path.first() == Some(&"domains");
        Some(match self.method {
            Method::GET if self.path.first() == Some(&"status") => Counted::Status,
            _ if !domains => return None,
            Method::POST => Counted::Post,
            Method::PUT => Counted::Put,
            Method::DELETE => Counted::Delete,
            _ => Counted::Get,
        })
    }
}

impl Session {
    /// A login at the identity service whose operations are below `identity`.
    #[must_use]
    pub fn new(http: Http, username: String, key: Secret, identity: Url) -> Self {
        Self { http, username, key, identity, token: Mutex::new(None), limits: Lock::default() }
    }

    /// Drops the pooled connections.
    pub fn drop_connections(&self) {
        self.http.drop_connections();
    }

    /// Makes a call, after a 401 once more with a new token; the content of the answer.
    ///
    /// # Errors
    /// As [`Session::reply`], and by the answer.
    pub async fn call(&self, call: &Call<'_>) -> Result<Value> {
        open(&self.reply(call).await?, call.doing)
    }

    /// Makes a call, after a 401 once more with a new token; the answer, whatever it says.
    ///
    /// # Errors
    /// `RateLimited` and unsent where the account's limits leave no room, `Transient` where there is no answer, and what became of
    /// asking for a token.
    pub async fn reply(&self, call: &Call<'_>) -> Result<Reply> {
        let token = self.token(None).await?;
        let reply = self.send(call, &token).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        let token = self.token(Some(&token)).await?;
        self.send(call, &token).await
    }

    async fn send(&self, call: &Call<'_>, token: &Token) -> Result<Reply> {
        self.take(call)?;
        let mut url = token.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let mut request = Request::new(call.method.clone(), url);
        request.headers_mut().insert(ACCEPT, JSON);
        request.headers_mut().insert("x-auth-token", token.value.clone());
        if let Some(body) = &call.body {
            request.headers_mut().insert(CONTENT_TYPE, JSON);
            *request.body_mut() = Some(body.to_string().into());
        }
        let mut reply = self.http.send(request, LIST, call.doing).await?;
        reply.hide(token.value.to_str().unwrap_or_default());
        Ok(reply)
    }

    fn take(&self, call: &Call<'_>) -> Result<()> {
        let Some(counted) = call.counted() else { return Ok(()) };
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.take(counted, clock::now().moment).map_err(|wait| {
            let why = format!("the service takes no more {} calls of this account in a minute", call.method);
            Error::rate_limited(Some(wait), call.doing, why).unsent()
        })
    }

    /// The token kept, or a new one where that is about to expire or is the `refused` one.
    async fn token(&self, refused: Option<&Token>) -> Result<Arc<Token>> {
        let mut kept = self.token.lock().await;
        let now = clock::now().moment;
        if let Some(token) = &*kept
            && now < token.renew_at
            && refused.is_none_or(|refused| refused.value != token.value)
        {
            return Ok(Arc::clone(token));
        }
        *kept = None;
        let token = Arc::new(self.log_in(now).await?);
        *kept = Some(Arc::clone(&token));
        drop(kept);
        self.learn_limits(&token).await;
        Ok(token)
    }

    async fn log_in(&self, now: Moment) -> Result<Token> {
        let mut url = self.identity.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("tokens");
        }
        let doing = format!("asking {} for a token", shown(&url));
        let key = self.key.read()?;
        let credentials = json!({"username": self.username, "apiKey": key.expose_secret()});
        let body = json!({"auth": {"RAX-KSKEY:apiKeyCredentials": credentials}});
        let mut request = Request::new(Method::POST, url);
        request.headers_mut().insert(ACCEPT, JSON);
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        *request.body_mut() = Some(body.to_string().into());
        let mut reply = self.http.send(request, TOKEN, &doing).await?;
        reply.hide(key.expose_secret());
        let content = open(&reply, &doing).map_err(|error| match (reply.status, error.kind) {
            (401 | 403, _) => Error { kind: Kind::Auth { scope: Scope::Account }, ..error }.hint(REFUSED),
            // "itemNotFound": the service does not know the user.
            (404, Kind::Stale) => Error { kind: Kind::Auth { scope: Scope::Account }, ..error }.hint(REFUSED),
            (400, Kind::Config) => error.hint(REFUSED),
            _ => error,
        })?;
        token(&content, &reply, &self.identity, now, &doing)
    }

    /// Takes note of the account's own limits. Where they are not told, those published for all hold.
    async fn learn_limits(&self, token: &Token) {
        let doing = "reading the account's limits";
        let call = Call { method: Method::GET, path: &["limits"], query: &[], body: None, doing };
        if let Ok(reply) = self.send(&call, token).await
            && let Ok(content) = open(&reply, doing)
        {
            self.limits.lock().unwrap_or_else(PoisonError::into_inner).learn(&limits::read(&content));
        }
    }
}

/// The token in an answer, made by a request of the moment `asked`.
fn token(content: &Value, reply: &Reply, identity: &Url, asked: Moment, doing: &str) -> Result<Token> {
    let unclear = |why: &str| Error::transient(doing, format!("the answer was not understood: {why}"));
    let issued = &content["access"]["token"];
    let value = issued["id"].as_str().filter(|id| !id.is_empty()).ok_or_else(|| unclear("it has no token"))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| unclear("the token is none"))?;
    value.set_sensitive(true);
    // What is left of it by the server's own clock: an earlier token may be handed out again.
    let expires = issued["expires"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let left = expires.map_or(SHORT, |expires| reply.until(expires.as_second()));
    let endpoint = endpoint(&content["access"]["serviceCatalog"], doing)?;
    if identity.scheme() == "https" && endpoint.scheme() != "https" {
        return Err(unclear("the catalog names an address of Cloud DNS without TLS"));
    }
    Ok(Token { value, endpoint, renew_at: asked.plus(left / 10 * 9) })
}

/// The address of Cloud DNS, with the account's number, by the catalog. The documentation calls the service managedDNS; it is
/// `rax:dns` in fact.
fn endpoint(catalog: &Value, doing: &str) -> Result<Url> {
    let services = catalog.as_array().into_iter().flatten();
    let is_dns = |service: &&Value| service["type"] == "rax:dns" || service["name"] == "cloudDNS";
    let mut endpoints = services.filter(is_dns).filter_map(|service| service["endpoints"].as_array()).flatten();
    let url = endpoints.find_map(|endpoint| endpoint.get("publicURL").and_then(scalar));
    let url = url.ok_or_else(|| {
        Error::auth(Scope::Account, doing, "the account's catalog has no Cloud DNS")
            .hint("the user needs a role for Cloud DNS")
    })?;
    match Url::parse(&url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Err(Error::transient(doing, "the catalog's address of Cloud DNS is no URL")),
    }
}

/// The fuzzer's door: an answer of any content to a login.
#[cfg(fuzzing)]
pub fn fuzz(content: &Value, reply: &Reply) {
    if let Ok(identity) = Url::parse("https://identity.example/")
        && let Ok(token) = token(content, reply, &identity, Moment(0), "asking")
    {
        assert_eq!(token.endpoint.scheme(), "https");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(headers: &[(&'static str, &str)]) -> Reply {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Reply::new(200, headers, Vec::new())
    }

    fn https() -> Url {
        "https://identity.api.rackspacecloud.com/v2.0/".parse().unwrap()
    }

    fn answer(expires: &str, url: &str) -> Value {
        let endpoints = json!([{"publicURL": url, "tenantId": "123456"}]);
        json!({"access": {"token": {"id": "a token", "expires": expires}, "serviceCatalog": [
            {"name": "cloudServers", "type": "compute", "endpoints": [{"publicURL": "https://example.org/"}]},
            {"name": "cloudDNS", "type": "rax:dns", "endpoints": endpoints},
        ]}})
    }

    const DNS: &str = "https://lon.dns.api.rackspacecloud.com/v1.0/123456";

    #[test]
    fn a_token_is_renewed_after_nine_tenths_of_what_the_servers_clock_leaves_of_it() {
        let reply = reply(&[("date", "Tue, 27 Mar 2018 19:46:23 GMT")]);
        for expires in ["2018-03-27T20:46:23.826Z", "2018-03-27T14:46:23.826-06:00"] {
            let token = token(&answer(expires, DNS), &reply, &https(), Moment(1000), "asking").unwrap();
            assert_eq!(token.renew_at, Moment(1000).plus(Duration::from_secs(3240)));
            assert_eq!(token.endpoint.as_str(), DNS);
            assert!(token.value.is_sensitive());
        }
        let token = token(&answer("tomorrow", DNS), &reply, &https(), Moment(0), "asking").unwrap();
        assert_eq!(token.renew_at, Moment(270_000));
    }

    #[test]
    fn a_token_is_not_sent_without_tls_because_a_catalog_says_so() {
        let plain = answer("2018-03-27T20:46:23.826Z", "http://dns.api.rackspacecloud.com/v1.0/123456");
        assert!(
            token(&plain, &reply(&[]), &https(), Moment(0), "asking").is_err_and(|error| error.why.contains("TLS"))
        );
    }

    #[test]
    fn an_account_without_cloud_dns_is_told_so() {
        let mut answer = answer("", DNS);
        answer["access"]["serviceCatalog"][1]["type"] = "other".into();
        answer["access"]["serviceCatalog"][1]["name"] = "other".into();
        let error = token(&answer, &reply(&[]), &https(), Moment(0), "asking").err().unwrap();
        assert_eq!(error.kind, Kind::Auth { scope: Scope::Account });
    }
}
