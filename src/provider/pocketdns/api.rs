//! The operations of PocketDNS's Partner API that concern DNS, one function each.
//!
//! Sources: the pages on DNS records and on domains. Lists have no pages: one that has fewer entries than its `total` was cut
//! short, and is refused, as what is missing would be created a second time. Every function fails with what [`reply::open`]
//! makes of the answer, `Transient` where there is none or one that is not built as documented, `Auth` of the account where
//! the key cannot be read or sent, and `RateLimited`, unsent, where the documented limits are used up.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::reply;
use crate::model::error::{Error, Result, Scope};
use crate::net::http::{Http, LIST, Reply};
use crate::net::limit::{Limiter, Rule};
use crate::os::clock;
use crate::os::secret::Secret;

/// A kind of request that is limited by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Retrieval,
    Creation,
    Update,
    Deletion,
    /// Bulk creations; templates too, of which the documentation does not say what they count as.
    Bulk,
}

/// The documented limits a minute, by class. Domains are counted as retrievals, as nothing is said of them.
const LIMITS: [(Class, usize); 5] =
    [(Class::Retrieval, 1000), (Class::Creation, 300), (Class::Update, 300), (Class::Deletion, 300), (Class::Bulk, 60)];

/// One key at one environment.
pub struct Api {
    base: Url,
    key: Secret,
    http: Http,
    limits: Vec<(Class, Mutex<Limiter>)>,
}

/// A domain as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Domain {
    /// Its id (`dom_abc123`).
    pub id: String,
    /// Its name (`example.com`).
    pub name: String,
    /// `active`, `pending`, `expired` or `suspended`.
    pub status: Option<String>,
    /// Whose it is; only told of a single domain.
    pub user_identifier: Option<String>,
    /// When it ends, ISO 8601.
    pub expires_at: Option<String>,
    /// How many records it has; only told in lists.
    pub dns_records_count: Option<u64>,
    /// Its name servers; only told of a single domain.
    #[serde(default)]
    pub nameservers: Vec<String>,
}

/// A record as it is listed. What a creation in bulk or by a template does not repeat is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its id (`rec_xyz789`).
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Its name in front of the domain; `@` for the domain itself.
    pub name: String,
    /// Its content.
    pub content: String,
    /// Its time to live in seconds.
    pub ttl: Option<u32>,
    /// Its priority, for MX and SRV.
    pub priority: Option<u32>,
    /// When it was made, ISO 8601.
    pub created_at: Option<String>,
    /// When it was last changed, ISO 8601.
    pub updated_at: Option<String>,
}

/// A record to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct New {
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Its name in front of the domain, `@` for the domain itself.
    pub name: String,
    /// Its content.
    pub content: String,
    /// Its time to live in seconds, 60 to 86400; 300 where none is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// Its priority, for MX and SRV.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
}

/// What a record shall be from now on; what is `None` stays as it is. A type cannot be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Patch {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Another time to live in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// Another priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
}

/// What became of a creation in bulk: some may be refused while others are made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Bulk {
    /// What was made.
    pub created: Vec<Listed>,
    /// What was not.
    #[serde(default)]
    pub errors: Vec<Refused>,
}

/// A record that a creation in bulk refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// Which one.
    pub record: Echo,
    /// Why, in the service's words.
    pub error: String,
}

/// A record as a refusal repeats it; the documented example leaves out its TTL, and its priority, which was missing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Echo {
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Its name, as it was sent.
    pub name: String,
    /// Its content, as it was sent.
    pub content: String,
}

/// What a template made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Applied {
    /// Which template.
    pub template_id: String,
    /// The records that it made.
    pub records_created: Vec<Listed>,
    /// Those that it did not make, where the answer says so as a creation in bulk does.
    #[serde(default)]
    pub errors: Vec<Refused>,
}

#[derive(Deserialize)]
struct Domains {
    domains: Vec<Domain>,
    total: usize,
}

#[derive(Deserialize)]
struct Records {
    records: Vec<Listed>,
    total: usize,
}

/// One request.
struct Call<'a> {
    class: Class,
    method: Method,
    path: &'a [&'a str],
    body: Option<Vec<u8>>,
    success: &'a [u16],
}

impl Api {
    /// A key, and the URL in front of `/api/v1`.
    #[must_use]
    pub fn new(base: Url, key: Secret, http: Http) -> Self {
        let limiter = |calls| Mutex::new(Limiter::new([Rule::a_minute(calls)]));
        let limits = LIMITS.iter().map(|(class, calls)| (*class, limiter(*calls))).collect();
        Self { base, key, http, limits }
    }

    /// Drops the pooled connections.
    pub fn drop_connections(&self) {
        self.http.drop_connections();
    }

    /// The domains of a user: `GET /api/v1/users/{user_identifier}/domains`.
    pub async fn domains(&self, user: &str) -> Result<Vec<Domain>> {
        let doing = "listing the user's domains at PocketDNS";
        let answer: Domains = self.get(&["users", user, "domains"], doing).await?;
        whole(answer.domains, answer.total, doing)
    }

    /// One domain: `GET /api/v1/domains/{domain_id}`.
    pub async fn domain(&self, domain: &str) -> Result<Domain> {
        let doing = "asking PocketDNS for the domain";
        let answer: Domain = self.get(&["domains", domain], doing).await?;
        same(&answer.id, domain, doing)?;
        Ok(answer)
    }

    /// The records of a domain: `GET /api/v1/domains/{domain_id}/dns`.
    pub async fn records(&self, domain: &str) -> Result<Vec<Listed>> {
        let doing = "listing records at PocketDNS";
        let answer: Records = self.get(&["domains", domain, "dns"], doing).await?;
        whole(answer.records, answer.total, doing)
    }

    /// Creates a record: `POST /api/v1/domains/{domain_id}/dns`. The status of a success is not documented: 200 and 201 are.
    pub async fn create(&self, domain: &str, record: &New) -> Result<Listed> {
        let doing = "creating a record at PocketDNS";
        let path = ["domains", domain, "dns"];
        let answer: Listed = self.send(Class::Creation, Method::POST, &path, record, &[200, 201], doing).await?;
        agree(&answer, Some(&record.rtype), Some(&record.content), doing)?;
        Ok(answer)
    }

    /// Changes a record: `PUT /api/v1/domains/{domain_id}/dns/{record_id}`.
    pub async fn update(&self, domain: &str, record: &str, patch: &Patch) -> Result<Listed> {
        let doing = "updating a record at PocketDNS";
        let path = ["domains", domain, "dns", record];
        let answer: Listed = self.send(Class::Update, Method::PUT, &path, patch, &[200], doing).await?;
        same(&answer.id, record, doing)?;
        agree(&answer, None, patch.content.as_deref(), doing)?;
        Ok(answer)
    }

    /// Removes a record: `DELETE /api/v1/domains/{domain_id}/dns/{record_id}`, answered with 204 and nothing else.
    pub async fn delete(&self, domain: &str, record: &str) -> Result<()> {
        let path = ["domains", domain, "dns", record];
        let call = Call { class: Class::Deletion, method: Method::DELETE, path: &path, body: None, success: &[204] };
        self.call(call, "removing a record at PocketDNS").await.map(drop)
    }

    /// Creates records in one call: `POST /api/v1/domains/{domain_id}/dns/bulk`. The status of a success is not documented:
    /// 200, 201 and 207 are.
    pub async fn create_many(&self, domain: &str, records: &[New]) -> Result<Bulk> {
        let path = ["domains", domain, "dns", "bulk"];
        let body = BTreeMap::from([("records", records)]);
        self.send(Class::Bulk, Method::POST, &path, &body, &[200, 201, 207], "creating records at PocketDNS").await
    }

    /// Applies a template of the service's to a domain: `POST /api/v1/domains/{domain_id}/dns/template`, with the template's
    /// id (`tpl_website_basic`) and its variables (`ip_address`, `mail_server` …). Which templates and variables there are, and
    /// what becomes of the records that are there, is not documented: this is for people, not for the engine. Nor is the status of a
    /// success; 207 is taken as it is for a creation in bulk.
    pub async fn apply_template(
        &self,
        domain: &str,
        template: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<Applied> {
        #[derive(Serialize)]
        struct Body<'a> {
            template_id: &'a str,
            variables: &'a BTreeMap<String, String>,
        }
        let doing = "applying a template at PocketDNS";
        let path = ["domains", domain, "dns", "template"];
        let body = Body { template_id: template, variables };
        let answer: Applied = self.send(Class::Bulk, Method::POST, &path, &body, &[200, 201, 207], doing).await?;
        same(&answer.template_id, template, doing)?;
        Ok(answer)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &[&str], doing: &str) -> Result<T> {
        let call = Call { class: Class::Retrieval, method: Method::GET, path, body: None, success: &[200] };
        self.call(call, doing).await?.json(doing)
    }

    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        class: Class,
        method: Method,
        path: &[&str],
        body: &(impl Serialize + Sync),
        success: &[u16],
        doing: &str,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|error| Error::config(doing, error.to_string()).unsent())?;
        self.call(Call { class, method, path, body: Some(body), success }, doing).await?.json(doing)
    }

    /// Makes one request, if the limits allow.
    async fn call(&self, call: Call<'_>, doing: &str) -> Result<Reply> {
        let key = self.key.read()?;
        let request = self.request(&call, key.expose_secret(), doing)?;
        self.take(call.class, doing)?;
        let mut answer = self.http.send(request, LIST, doing).await?;
        answer.hide(key.expose_secret());
        reply::open(answer, call.success, doing)
    }

    fn request(&self, call: &Call<'_>, key: &str, doing: &str) -> Result<Request> {
        let mut request = Request::new(call.method.clone(), self.url(call.path, doing)?);
        let headers = request.headers_mut();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
            let why = "the API key has characters that no key has";
            Error::auth(Scope::Account, doing, why).hint("copy api_key as a whole, without line breaks").unsent()
        })?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.clone().into());
        }
        Ok(request)
    }

    /// The URL of a path below `/api/v1`. Ids are strangers' words: whatever they hold, each is one segment.
    fn url(&self, path: &[&str], doing: &str) -> Result<Url> {
        let unusable = |id: &&&str| matches!(**id, "" | "." | "..");
        if let Some(id) = path.iter().find(|id| unusable(id)) {
            return Err(Error::config(doing, format!("\"{id}\" is no id")).unsent());
        }
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(["api", "v1"]).extend(path);
            }
            Err(()) => return Err(Error::config(doing, "the endpoint is no URL with a path").unsent()),
        }
        Ok(url)
    }

    /// Counts a request of a class against its limit.
    fn take(&self, class: Class, doing: &str) -> Result<()> {
        let Some((_, limiter)) = self.limits.iter().find(|(limited, _)| *limited == class) else { return Ok(()) };
        // A panic elsewhere leaves at worst one call uncounted.
        let taken = limiter.lock().unwrap_or_else(PoisonError::into_inner).take(clock::now().moment);
        taken.map_err(|wait| {
            let limit = LIMITS.iter().find(|(limited, _)| *limited == class).map_or(0, |(_, calls)| *calls);
            let why = format!("PocketDNS allows {limit} such requests a minute, and they are used up");
            Error::rate_limited(Some(wait), doing, why).unsent()
        })
    }
}

/// The entries of a list that was not cut short.
fn whole<T>(entries: Vec<T>, total: usize, doing: &str) -> Result<Vec<T>> {
    if total > entries.len() {
        let why = format!("the answer was cut short: it has {} of {total} entries", entries.len());
        return Err(
            Error::transient(doing, why).hint("PocketDNS documents no pages; nothing is changed until it is whole")
        );
    }
    Ok(entries)
}

/// An answer is about what was asked.
fn same(answered: &str, asked: &str, doing: &str) -> Result<()> {
    if answered == asked {
        return Ok(());
    }
    Err(Error::transient(doing, "the answer was not understood: it is about something else than was asked"))
}

/// What a record says after a call is what was sent: the same address, where it is one. How other contents are written by the
/// service is not documented.
fn agree(answer: &Listed, rtype: Option<&str>, content: Option<&str>, doing: &str) -> Result<()> {
    if answer.id.is_empty() {
        return Err(Error::transient(doing, "the answer was not understood: the record has no id"));
    }
    if let Some(rtype) = rtype {
        same(&answer.rtype, rtype, doing)?;
    }
    let address = |text: &str| text.trim().parse::<std::net::IpAddr>().ok();
    match content.and_then(address) {
        Some(sent) if address(&answer.content) != Some(sent) => {
            Err(Error::transient(doing, format!("PocketDNS did not take {sent}: it answers another content")))
        }
        _ => Ok(()),
    }
}
