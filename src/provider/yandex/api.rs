//! The operations of Mail for Domain on DNS records, one function each.
//!
//! Sources: the documents of `dns/list`, `dns/add`, `dns/edit` and `dns/del`; recordings of 2016 to 2022 for `domain/domains`
//! and for what is a number on the wire. An edit that does not name `subdomain` moves the record to the zone itself, so
//! `subdomain`, `content` and `ttl` are always sent.

use std::collections::BTreeSet;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::super::shape::records::{Draft, Record};
use super::super::shape::zones::Zone;
use super::kinds::{self, DEFAULT_TTL};
use super::reply::{self, Operation, need, scalar};
use crate::model::error::{Error, Result, Scope};
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl, Value as Data};
use crate::net::http::{Http, LIST};
use crate::os::secret::Secret;

/// The service's own host, which was switched off.
pub const HOST: &str = "pddimp.yandex.ru";

/// How many domains a page has (recorded).
const ON_PAGE: usize = 20;

/// After so many pages of domains something is wrong: an account has 50 domains.
const MOST_PAGES: usize = 100;

/// The fields beside the value, and the names that the parameters have here.
const PARTS: [(&str, &str); 8] = [
    ("admin_mail", "admin_mail"),
    ("expire", "expire"),
    ("minttl", "neg_cache"),
    ("neg_cache", "neg_cache"),
    ("port", "port"),
    ("refresh", "refresh"),
    ("retry", "retry"),
    ("weight", "weight"),
];

/// The parameters that only an edit of an SOA record has.
const TIMES: [&str; 4] = ["expire", "neg_cache", "refresh", "retry"];

/// One login.
pub struct Api {
    endpoint: Url,
    token: Secret,
    /// A registrar's OAuth token; with it the registrar's paths are used.
    registrar: Option<Secret>,
    http: Http,
}

/// A domain of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name, as the service writes it.
    pub name: String,
    /// How far it is connected, in the service's word (`added`).
    pub status: Option<String>,
}

impl Api {
    /// A login: the PDD token, a registrar's OAuth token where it is one, and the URL that ends in `/api2/`.
    #[must_use]
    pub fn new(endpoint: Url, token: Secret, registrar: Option<Secret>, http: Http) -> Self {
        Self { endpoint, token, registrar, http }
    }

    /// Drops the pooled connections.
    pub fn drop_connections(&self) {
        self.http.drop_connections();
    }

    /// The account's domains, all pages.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answers; `Transient` where the pages have fewer domains than they say.
    pub async fn domains(&self) -> Result<Vec<Domain>> {
        let doing = "calling domain/domains at Yandex";
        let mut seen = BTreeSet::new();
        let mut domains = Vec::new();
        let mut total = 0;
        for page in 1..=MOST_PAGES {
            let parameters = [("page", page.to_string()), ("on_page", ON_PAGE.to_string())];
            let content = self.call(Method::GET, "domain/domains", &parameters, Operation::List).await?;
            let listed = reply::objects(&content, "domains", doing)?;
            total = content.get("total").and_then(scalar).and_then(|total| total.parse().ok()).unwrap_or(total);
            let before = domains.len();
            for entry in &listed {
                let domain = Domain { name: need(entry, "name", doing)?, status: entry.get("status").and_then(scalar) };
                if seen.insert(domain.name.clone()) {
                    domains.push(domain);
                }
            }
            if domains.len() == before || listed.len() < ON_PAGE {
                break;
            }
        }
        if domains.len() < total {
            return Err(Error::transient(doing, format!("{} of {total} domains were listed", domains.len())));
        }
        Ok(domains)
    }

    /// The records of a domain. Those whose type or name is none that we know are left out: they cannot be ours.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answer.
    pub async fn list(&self, zone: &Zone) -> Result<Vec<Record>> {
        let parameters = [("domain", zone.id.clone())];
        let content = self.call(Method::GET, "dns/list", &parameters, Operation::List).await?;
        let doing = "calling dns/list at Yandex";
        let read = |entry: &&Map<String, Value>| record(zone, entry, doing).transpose();
        reply::objects(&content, "records", doing)?.iter().filter_map(read).collect()
    }

    /// Adds a record; as the service made it. Of an SOA record only the address can be given: the times are for an edit.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answer: `Stale` where the same record is there.
    pub async fn add(&self, zone: &Zone, draft: &Draft) -> Result<Record> {
        let mut parameters = vec![("domain", zone.id.clone()), ("type", draft.rtype.to_string())];
        parameters.extend(fields(zone, draft, None).into_iter().filter(|(name, _)| !TIMES.contains(name)));
        let content = self.call(Method::POST, "dns/add", &parameters, Operation::Add).await?;
        made(zone, &content, "calling dns/add at Yandex")
    }

    /// Makes a record what the draft says; as the service made it. Its type stays.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answer: `Stale` where the id is gone.
    pub async fn edit(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<Record> {
        let mut parameters = vec![("domain", zone.id.clone()), ("record_id", record.id.clone())];
        parameters.extend(fields(zone, draft, record.ttl));
        let content = self.call(Method::POST, "dns/edit", &parameters, Operation::Change).await?;
        made(zone, &content, "calling dns/edit at Yandex")
    }

    /// Removes a record.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answer: `Stale` where the id is gone.
    pub async fn del(&self, zone: &Zone, id: &str) -> Result<()> {
        let parameters = [("domain", zone.id.clone()), ("record_id", id.to_owned())];
        self.call(Method::POST, "dns/del", &parameters, Operation::Change).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, String)],
        operation: Operation,
    ) -> Result<Map<String, Value>> {
        let doing = format!("calling {path} at Yandex");
        let request = self.request(method, path, parameters, &doing)?;
        let answer = self.http.send(request, LIST, &doing).await.map_err(|error| self.unanswered(error, &doing))?;
        reply::open(&answer, operation, &doing)
    }

    fn request(&self, method: Method, path: &str, parameters: &[(&str, String)], doing: &str) -> Result<Request> {
        let form = if self.registrar.is_some() { "registrar" } else { "admin" };
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}/{form}/{path}", self.endpoint.path().trim_end_matches('/')));
        url.set_fragment(None);
        url.query_pairs_mut().clear().extend_pairs(parameters);
        let body = url.query().unwrap_or_default().to_owned();
        let posts = method == Method::POST;
        if posts {
            url.set_query(None);
        }
        let mut request = Request::new(method, url);
        if posts {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert(CONTENT_TYPE, form);
            *request.body_mut() = Some(body.into());
        }
        let headers = request.headers_mut();
        headers.insert(HeaderName::from_static("pddtoken"), header(&self.token.read()?, doing)?);
        if let Some(registrar) = &self.registrar {
            headers.insert(AUTHORIZATION, header(&registrar.read()?, doing)?);
        }
        Ok(request)
    }

    /// No answer at all. From the service's own host, or where that host is no more, none will come.
    fn unanswered(&self, error: Error, doing: &str) -> Error {
        let gone = ["Name or service not known", "Name does not resolve", "No address associated", "has no "];
        let own = self.endpoint.host_str() == Some(HOST);
        // An answer that is too long is one.
        let answered = error.why.starts_with("the answer is longer");
        if !answered && (own || gone.iter().any(|words| error.why.contains(words))) {
            return reply::retired(doing, &format!("it does not answer ({})", error.why));
        }
        error
    }
}

/// A token as a header field, which no log shows.
fn header(token: &SecretString, doing: &str) -> Result<HeaderValue> {
    let made = HeaderValue::from_str(token.expose_secret());
    let mut value = made.map_err(|_| {
        let why = "the token has characters that no token has (line breaks, or others than ASCII)";
        Error::auth(Scope::Account, doing, why).unsent()
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a record says, in the service's parameters.
fn fields(zone: &Zone, draft: &Draft, held: Option<Ttl>) -> Vec<(&'static str, String)> {
    let ttl = draft.ttl.or(held).map_or(DEFAULT_TTL, Ttl::seconds);
    let content = draft.value.to_string();
    let mut fields = vec![("subdomain", kinds::relative(&draft.name, zone).to_owned()), ("ttl", ttl.to_string())];
    if draft.rtype == RecordType::Srv {
        fields.push(("target", content.clone()));
    }
    fields.push(("content", content));
    let names = ["admin_mail", "expire", "neg_cache", "port", "priority", "refresh", "retry", "weight"];
    fields.extend(names.iter().filter_map(|name| Some((*name, draft.attributes.get(*name)?.clone()))));
    fields
}

/// The record that an answer to a change shows.
fn made(zone: &Zone, content: &Map<String, Value>, doing: &str) -> Result<Record> {
    let strange = || Error::transient(doing, "the answer was not understood: it shows no record of this domain");
    let entry = content.get("record").and_then(Value::as_object).ok_or_else(strange)?;
    record(zone, entry, doing)?.ok_or_else(strange)
}

/// A listed record; `None` where its name or type is none that we know.
fn record(zone: &Zone, entry: &Map<String, Value>, doing: &str) -> Result<Option<Record>> {
    let id = need(entry, "record_id", doing)?;
    let (Ok(rtype), Some(name)) = (need(entry, "type", doing)?.parse::<RecordType>(), name(zone, entry)) else {
        return Ok(None);
    };
    let text = |field: &str| entry.get(field).and_then(scalar).filter(|text| !text.is_empty());
    let content = match text("content") {
        Some(content) => content,
        None => text("target").unwrap_or_default(),
    };
    let value = Data::parse(rtype, &content).unwrap_or(Data::Text(content));
    let ttl = text("ttl").and_then(|ttl| ttl.parse().ok()).and_then(Ttl::new);
    let parts = PARTS.iter().filter_map(|(field, name)| Some(((*name).to_owned(), text(field)?)));
    let priority = text("priority").map(|priority| ("priority".to_owned(), priority));
    Ok(Some(Record { id, name, rtype, value, ttl, attributes: parts.chain(priority).collect() }))
}

/// The name of a listed record: `fqdn`, which leaves no doubt, or else `subdomain`.
fn name(zone: &Zone, entry: &Map<String, Value>) -> Option<Name> {
    let text = |field: &str| entry.get(field).and_then(scalar);
    match text("fqdn").filter(|fqdn| !fqdn.is_empty()) {
        Some(fqdn) => Name::parse(&fqdn).ok().filter(|name| name.is_within(&zone.name)),
        None => kinds::absolute(&zone.name, &text("subdomain")?),
    }
}

/// The fuzzer's door: an answer of any content; whether a change that is answered so counts as made.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(status: u16, body: &[u8]) -> bool {
    let Ok(name) = Name::parse("example.org") else { return false };
    let (zone, doing) = (Zone { id: name.to_string(), name }, "asking");
    let answer = crate::net::http::Reply::new(status, Default::default(), body.to_vec());
    for operation in [Operation::List, Operation::Add] {
        let Ok(content) = reply::open(&answer, operation, doing) else { continue };
        for list in ["domains", "records"] {
            for entry in reply::objects(&content, list, doing).unwrap_or_default() {
                let _ = (need(entry, "name", doing), record(&zone, entry, doing));
            }
        }
    }
    reply::open(&answer, Operation::Change, doing).and_then(|content| made(&zone, &content, doing)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;

    fn said(endpoint: &str, why: &str) -> Kind {
        let api = Api::new(Url::parse(endpoint).unwrap(), Secret::inline("a"), None, Http::new(None));
        api.unanswered(Error::transient("asking", why), "asking").kind
    }

    #[test]
    fn silence_of_the_retired_host_or_of_a_name_that_is_gone_holds_and_silence_elsewhere_does_not() {
        let (own, other) = ("https://pddimp.yandex.ru/api2/", "https://dns.example.org/api2/");
        let gone = Kind::Auth { scope: Scope::Service };
        for (endpoint, why, kind) in [
            (own, "client error (Connect): tcp connect error: Connection refused", gone),
            (own, "client error (Connect): operation timed out", gone),
            (own, "the answer is longer than 2097152 octets", Kind::Transient),
            (other, "dns error: failed to lookup address information: Name or service not known", gone),
            (other, "dns error: failed to lookup address information: Name does not resolve", gone),
            (
                other,
                "dns error: failed to lookup address information: Temporary failure in name resolution",
                Kind::Transient,
            ),
            (other, "client error (Connect): tcp connect error: Connection refused", Kind::Transient),
        ] {
            assert_eq!(said(endpoint, why), kind, "{endpoint}: {why}");
        }
    }
}
