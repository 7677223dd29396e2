//! Keystone v3: tokens from a password, an application credential or a token, kept until shortly before they expire.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::answers::problem;
use super::clouds::Source;
use super::settings::{Domain, Identity, Login, Named, Rights, designate_url};
use crate::model::error::{Error, Result, Scope};
use crate::model::time::Moment;
use crate::net::http::{Http, Reply, SINGLE, shown};
use crate::os::clock;

/// How long a token is used whose lifetime the answer does not tell.
const SHORT: Duration = Duration::from_secs(300);

/// A bound for token answers, in octets: catalogs of large clouds are long.
const TOKEN: usize = 8 * SINGLE;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One login at one cloud: it sends Designate's requests with a token that is valid.
pub(super) struct Session {
    http: Http,
    source: Source,
    /// The client that trusts the certificates of the cloud, with the file they come from.
    trusting: std::sync::Mutex<Option<(PathBuf, Http)>>,
    /// Held while a token is asked for, so that calls side by side share it.
    token: Mutex<Option<Arc<Token>>>,
}

/// A token, and what came with it.
pub(super) struct Token {
    value: HeaderValue,
    http: Http,
    rights: Rights,
    endpoint: Url,
    renew_at: Moment,
}

/// One request to Designate.
pub(super) struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The path below `/v2`.
    pub path: &'a [&'a str],
    /// The query.
    pub query: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Option<Value>,
    /// How long the answer may be, in octets.
    pub limit: usize,
    /// What is being done, for messages.
    pub doing: &'a str,
}

impl Session {
    pub fn new(http: Http, source: Source) -> Self {
        Self { http, source, trusting: std::sync::Mutex::default(), token: Mutex::new(None) }
    }

    pub fn drop_connections(&self) {
        self.http.drop_connections();
        if let Some((_, http)) = &*self.trusting.lock().unwrap_or_else(PoisonError::into_inner) {
            http.drop_connections();
        }
    }

    /// What the login rests on beside the settings: the contents of the cloud's files.
    pub fn beside_settings(&self) -> Vec<u8> {
        self.source.contents()
    }

    /// The client that trusts what the cloud says, the same one as long as it says the same.
    fn client(&self, login: &Login) -> Http {
        let Some(wanted) = &login.cacert else { return self.http.clone() };
        let mut trusting = self.trusting.lock().unwrap_or_else(PoisonError::into_inner);
        match &*trusting {
            Some((path, http)) if path == wanted => http.clone(),
            _ => trusting.insert((wanted.clone(), self.http.trusting(wanted.clone()))).1.clone(),
        }
    }

    /// Sends a request; after a 401 once more with a new token. Any status is an answer, a second 401 too.
    ///
    /// # Errors
    /// There is no token to be had, or no answer.
    pub async fn call(&self, call: &Call<'_>) -> Result<Reply> {
        let token = self.token(None).await?;
        let reply = self.send(call, &token).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        let token = self.token(Some(&token)).await?;
        self.send(call, &token).await
    }

    async fn send(&self, call: &Call<'_>, token: &Token) -> Result<Reply> {
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
        if let Some(project) = &token.rights.sudo {
            request.headers_mut().insert("x-auth-sudo-project-id", project.clone());
            // Servers before 2023 know only this name.
            request.headers_mut().insert("x-auth-sudo-tenant-id", project.clone());
        }
        if token.rights.all_projects {
            request.headers_mut().insert("x-auth-all-projects", HeaderValue::from_static("true"));
        }
        if let Some(body) = &call.body {
            request.headers_mut().insert(CONTENT_TYPE, JSON);
            *request.body_mut() = Some(body.to_string().into());
        }
        let mut reply = token.http.send(request, call.limit, call.doing).await?;
        reply.hide(token.value.to_str().unwrap_or_default());
        Ok(reply)
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
        // Read anew each time, as secrets are: a file that was corrected or rotated needs no restart.
        let login = self.source.login()?;
        let http = self.client(&login);
        let doing = format!("asking {} for a token", shown(&login.tokens));
        let mut request = Request::new(Method::POST, login.tokens.clone());
        request.headers_mut().insert(ACCEPT, JSON);
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        *request.body_mut() = Some(request_body(&login)?.to_string().into());
        let mut reply = http.send(request, TOKEN, &doing).await?;
        reply.hide(login.identity.secret().read()?.expose_secret());
        let token = Arc::new(token(&reply, &login, &http, now, &doing)?);
        *kept = Some(Arc::clone(&token));
        Ok(token)
    }
}

/// The body of a token request. Holds secrets, read anew from their sources: never to be logged.
fn request_body(login: &Login) -> Result<Value> {
    let identity = match &login.identity {
        Identity::Password { user, password } => {
            let mut user = named(user);
            user["password"] = password.read()?.expose_secret().into();
            json!({"methods": ["password"], "password": {"user": user}})
        }
        Identity::ApplicationCredential { id, name, user, secret } => {
            let mut credential = json!({"secret": secret.read()?.expose_secret()});
            match (id, name, user) {
                (None, Some(name), Some(user)) => {
                    credential["name"] = name.as_str().into();
                    credential["user"] = named(user);
                }
                (id, ..) => credential["id"] = id.clone().into(),
            }
            json!({"methods": ["application_credential"], "application_credential": credential})
        }
        Identity::Token(token) => json!({"methods": ["token"], "token": {"id": token.read()?.expose_secret()}}),
    };
    let mut auth = json!({"identity": identity});
    if let Some(project) = &login.project {
        auth["scope"] = json!({"project": named(project)});
    }
    Ok(json!({"auth": auth}))
}

fn named(named: &Named) -> Value {
    match named {
        Named::Id(id) => json!({"id": id}),
        Named::Name { name, domain: Domain::Id(id) } => json!({"name": name, "domain": {"id": id}}),
        Named::Name { name, domain: Domain::Name(domain) } => json!({"name": name, "domain": {"name": domain}}),
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Issued,
}

#[derive(Deserialize)]
struct Issued {
    expires_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    region_id: Option<String>,
    region: Option<String>,
    url: String,
}

impl Endpoint {
    /// The region's id; older answers have only `region`, newer ones both.
    fn region(&self) -> Option<&str> {
        self.region_id.as_deref().or(self.region.as_deref())
    }
}

/// The token in an answer to a request made at `asked`.
fn token(reply: &Reply, login: &Login, http: &Http, asked: Moment, doing: &str) -> Result<Token> {
    if !reply.is_success() {
        return Err(refusal(reply, doing));
    }
    let issued = reply.json::<Answer>(doing)?.token;
    let value = reply.headers.get("x-subject-token").cloned();
    let mut value = value.ok_or_else(|| Error::transient(doing, "the answer has no X-Subject-Token"))?;
    value.set_sensitive(true);
    let endpoint = match &login.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => endpoint(&issued.catalog, login.region.as_deref(), &login.interface, doing)?,
    };
    let renew_at = asked.plus(lifetime(&issued) / 10 * 9);
    Ok(Token { value, http: http.clone(), rights: login.rights.clone(), endpoint, renew_at })
}

/// How long a token lives by the server's own two times, so that our clock does not matter.
fn lifetime(issued: &Issued) -> Duration {
    let (Some(from), Some(until)) = (issued.issued_at, issued.expires_at) else { return SHORT };
    Duration::try_from(until.duration_since(from)).ok().filter(|lifetime| !lifetime.is_zero()).unwrap_or(SHORT)
}

/// Designate's address by the catalog.
fn endpoint(catalog: &[Service], region: Option<&str>, interface: &str, doing: &str) -> Result<Url> {
    let wrong = |why: String, hint: &str| Err(Error::config(doing, why).hint(hint));
    if catalog.is_empty() {
        let hint = "the user needs a role in the project; name the project, or use an application credential";
        return wrong("the token came without a catalog of services".into(), hint);
    }
    let dns: Vec<_> =
        catalog.iter().filter(|service| service.kind == "dns").flat_map(|service| &service.endpoints).collect();
    let known = |of: &dyn Fn(&Endpoint) -> Option<&str>| {
        let words: BTreeSet<_> = dns.iter().filter_map(|endpoint| of(endpoint)).collect();
        words.into_iter().collect::<Vec<_>>()
    };
    let regions = known(&Endpoint::region);
    if dns.is_empty() {
        return wrong("the cloud's catalog has no DNS service".into(), "name its address as endpoint if there is one");
    }
    if region.is_none() && regions.len() > 1 {
        let why = format!("the cloud has a DNS service in several regions: {}", regions.join(", "));
        return wrong(why, "choose one of them as region");
    }
    let fits = |endpoint: &&&Endpoint| {
        let here = region.is_none_or(|region| endpoint.region() == Some(region));
        here && endpoint.interface == interface
    };
    let Some(found) = dns.iter().find(fits) else {
        let interfaces = known(&|endpoint| Some(&endpoint.interface)).join(", ");
        let place = region.map(|region| format!(" in region {region}")).unwrap_or_default();
        let why = format!("the cloud's catalog has no {interface} endpoint of the DNS service{place}");
        return wrong(why, &format!("it has regions {} and interfaces {interfaces}", regions.join(", ")));
    };
    match Url::parse(&found.url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(designate_url(&url)),
        _ => wrong("the catalog's address of the DNS service is no URL".into(), "name the right one as endpoint"),
    }
}

/// What Keystone's refusal means. It answers 401 to a wrong password, user, project or secret alike, and 404 to an unknown
/// application credential and to a token that expired (seen at Keystone 30).
fn refusal(reply: &Reply, doing: &str) -> Error {
    let problem = problem(reply);
    match reply.status {
        401 | 403 if let Some(off) = reply.clock_is_off() => {
            Error::transient(doing, format!("{}, and the clock is off by {off:?}", problem.why))
                .hint("set this machine's clock")
        }
        401 | 403 => Error::auth(Scope::Account, doing, problem.why)
            .hint("the user, its domain, the project or the secret is wrong, or the user has no role in the project"),
        404 if problem.understood => Error::auth(Scope::Account, doing, problem.why)
            .hint("make a new application credential or token; the old one expired or was removed"),
        _ => problem.general(reply, doing, "auth_url"),
    }
}

/// The fuzzer's door: an answer of any content to a login; whether it gives a token and says where Designate is.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(status: u16, body: &[u8]) -> bool {
    let Ok(tokens) = Url::parse("https://identity.example/v3/auth/tokens") else { return false };
    let identity = Identity::Token(crate::os::secret::Secret::inline("a token"));
    let (interface, rights) = ("public".into(), Default::default());
    let login =
        Login { tokens, identity, project: None, region: None, interface, endpoint: None, cacert: None, rights };
    let headers = [("x-subject-token", "a token"), ("date", "Sat, 21 Nov 2026 10:00:00 GMT")];
    let headers =
        headers.map(|(name, value)| (reqwest::header::HeaderName::from_static(name), HeaderValue::from_static(value)));
    let reply = Reply::new(status, headers.into_iter().collect(), body.to_vec());
    token(&reply, &login, &Http::new(None), Moment(0), "logging in").is_ok()
}

#[cfg(test)]
mod tests;
