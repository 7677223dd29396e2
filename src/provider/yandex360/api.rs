//! The operations of Yandex 360 on organisations, domains and DNS records, one function each.
//!
//! Sources: the pages of `OrganizationService`, `DomainService` and `DomainDNSService`. What those leave open (the name of
//! the domain itself is `@`; a page has at most 10 domains and may have 50 records) is as public clients have it.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::super::shape::records::{Draft, Record};
use super::super::shape::zones::Zone;
use super::super::yandex::kinds::{self, DEFAULT_TTL};
use super::reply::{self, Operation, number, text};
use crate::model::error::{Error, Result, Scope};
use crate::model::record::{RecordType, Ttl, Value as Data};
use crate::net::http::{Http, LIST};
use crate::os::secret::Secret;

/// How many domains a page has at most (documented).
const DOMAINS: usize = 10;

/// How many records a page has (the documented default).
const RECORDS: usize = 50;

/// How many organisations a page has (as public clients ask).
const ORGANIZATIONS: usize = 100;

/// After so many pages something is wrong.
const MOST_PAGES: usize = 1000;

/// The fields of a record beside its value: the name here, the service's, and for which types it is.
const PARTS: [(&str, &str, &[RecordType]); 6] = [
    ("flag", "flag", &[RecordType::Caa]),
    ("port", "port", &[RecordType::Srv]),
    ("priority", "preference", &[RecordType::Mx]),
    ("priority", "priority", &[RecordType::Srv]),
    ("tag", "tag", &[RecordType::Caa]),
    ("weight", "weight", &[RecordType::Srv]),
];

/// One login.
pub struct Api {
    endpoint: Url,
    token: Secret,
    http: Http,
}

/// A domain of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The organisation's id.
    pub organization: String,
    /// Its name.
    pub name: String,
    /// Whether the DNS points to Yandex's name servers, where the service tells.
    pub delegated: Option<bool>,
    /// Whether ownership was proved, where the service tells.
    pub verified: Option<bool>,
}

impl Api {
    /// A login: its OAuth token, and the URL that ends in `/directory/v1`.
    #[must_use]
    pub fn new(endpoint: Url, token: Secret, http: Http) -> Self {
        Self { endpoint, token, http }
    }

    /// Drops the pooled connections.
    pub fn drop_connections(&self) {
        self.http.drop_connections();
    }

    /// The ids of the organisations that the token's owner belongs to, all pages.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answers.
    pub async fn organizations(&self) -> Result<Vec<String>> {
        let doing = "asking Yandex 360 for the organisations";
        let (mut found, mut token) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let mut query = vec![("pageSize", ORGANIZATIONS.to_string())];
            if !token.is_empty() {
                query.push(("pageToken", token.clone()));
            }
            let page = self.call(Method::GET, &["org"], &query, None, Operation::Account, doing).await?;
            for entry in reply::objects(&page, "organizations", doing)? {
                found.push(text(entry, "id").ok_or_else(|| strange(doing, "an organisation has no id"))?);
            }
            match text(&page, "nextPageToken").filter(|next| !next.is_empty()) {
                Some(next) if next != token => token = next,
                Some(_) => break,
                None => return Ok(found),
            }
        }
        Err(strange(doing, "the pages have no end"))
    }

    /// The domains of an organisation, all pages.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answers; `Transient` where the pages do not have what they say.
    pub async fn domains(&self, organization: &str) -> Result<Vec<Domain>> {
        let doing = format!("asking Yandex 360 for the domains of the organisation {organization}");
        let entries =
            self.pages(&["org", organization, "domains"], "domains", DOMAINS, Operation::Account, &doing).await?;
        let domain = |entry: &Map<String, Value>| {
            let flag = |field: &str| entry.get(field).and_then(Value::as_bool);
            let name = text(entry, "name").ok_or_else(|| strange(&doing, "a domain has no name"))?;
            let organization = organization.to_owned();
            Ok(Domain { organization, name, delegated: flag("delegated"), verified: flag("verified") })
        };
        entries.iter().map(domain).collect()
    }

    /// The records of a domain, all pages. Those whose type or name is none that we know are left out: they cannot be ours.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answers; `Transient` where the pages do not have what they say.
    pub async fn list(&self, zone: &Zone) -> Result<Vec<Record>> {
        let doing = "asking Yandex 360 for the records";
        let entries = self.pages(&path(zone, None), "records", RECORDS, Operation::List, doing).await?;
        entries.iter().filter_map(|entry| record(zone, entry, doing).transpose()).collect()
    }

    /// Adds a record; as the service made it.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answer.
    pub async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Record> {
        let doing = "adding a record at Yandex 360";
        let body = body(zone, draft, None);
        let made = self.call(Method::POST, &path(zone, None), &[], Some(body), Operation::Create, doing).await?;
        record(zone, &made, doing)?.ok_or_else(|| strange(doing, "it shows no record of this domain"))
    }

    /// Makes a record what the draft says; as the service made it.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answer: `Stale` where the id is gone.
    pub async fn edit(&self, zone: &Zone, held: &Record, draft: &Draft) -> Result<Record> {
        let doing = "changing a record at Yandex 360";
        let body = body(zone, draft, held.ttl);
        let path = path(zone, Some(checked(&held.id, doing)?));
        let made = self.call(Method::POST, &path, &[], Some(body), Operation::Change, doing).await?;
        record(zone, &made, doing)?.ok_or_else(|| strange(doing, "it shows no record of this domain"))
    }

    /// Removes a record.
    ///
    /// # Errors
    /// What [`reply::open`] makes of the answer: `Stale` where the id is gone.
    pub async fn delete(&self, zone: &Zone, id: &str) -> Result<()> {
        let doing = "removing a record at Yandex 360";
        let path = path(zone, Some(checked(id, doing)?));
        self.call(Method::DELETE, &path, &[], None, Operation::Change, doing).await.map(drop)
    }

    /// The entries of a list, all pages.
    async fn pages(
        &self,
        path: &[&str],
        list: &str,
        size: usize,
        operation: Operation,
        doing: &str,
    ) -> Result<Vec<Map<String, Value>>> {
        let mut entries = Vec::new();
        for number_of_page in 1..=MOST_PAGES {
            let query = [("page", number_of_page.to_string()), ("perPage", size.to_string())];
            let page = self.call(Method::GET, path, &query, None, operation, doing).await?;
            let listed = reply::objects(&page, list, doing)?;
            let ends = listed.is_empty();
            entries.extend(listed.into_iter().cloned());
            let pages =
                number(&page, "pages").ok_or_else(|| strange(doing, "it does not say how many pages there are"))?;
            if !ends && number_of_page < usize::try_from(pages).unwrap_or(usize::MAX) {
                continue;
            }
            let total = number(&page, "total").map(|total| usize::try_from(total).unwrap_or(usize::MAX));
            if total.is_some_and(|total| entries.len() < total) {
                return Err(strange(doing, "its pages have fewer entries than it says"));
            }
            return Ok(entries);
        }
        Err(strange(doing, "the pages have no end"))
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Value>,
        operation: Operation,
        doing: &str,
    ) -> Result<Map<String, Value>> {
        let token = self.token.read()?;
        let mut url = self.endpoint.clone();
        url.set_query(None);
        url.set_fragment(None);
        let fixed = |()| Error::config(doing, "`endpoint` cannot have a path").unsent();
        url.path_segments_mut().map_err(fixed)?.pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::new(method, url);
        request.headers_mut().insert(AUTHORIZATION, header(&token, doing)?);
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.to_string().into());
        }
        let mut answer = self.http.send(request, LIST, doing).await?;
        answer.hide(token.expose_secret());
        reply::open(&answer, operation, token.expose_secret(), doing)
    }
}

fn strange(doing: &str, why: &str) -> Error {
    Error::transient(doing, format!("the answer was not understood: {why}"))
}

/// A token as a header field, which no log shows.
fn header(token: &SecretString, doing: &str) -> Result<HeaderValue> {
    let made = HeaderValue::from_str(&format!("OAuth {}", token.expose_secret()));
    let mut value = made.map_err(|_| {
        let why = "the token has characters that no token has (line breaks, or others than ASCII)";
        Error::auth(Scope::Account, doing, why).unsent()
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The path of a zone's records, or of one of them. A zone's id is its organisation and its name.
fn path<'a>(zone: &'a Zone, record: Option<&'a str>) -> Vec<&'a str> {
    let (organization, domain) = zone.id.split_once('/').unwrap_or(("", &zone.id));
    ["org", organization, "domains", domain, "dns"].into_iter().chain(record).collect()
}

/// A record's id, which is a number. Another one must not become part of a path: without it, a change would be a creation.
fn checked<'a>(id: &'a str, doing: &str) -> Result<&'a str> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::config(doing, format!("\"{}\" is no record's id", id.escape_debug())).unsent());
    }
    Ok(id)
}

/// The field that a type's value is in.
fn field(rtype: RecordType) -> &'static str {
    match rtype {
        RecordType::A | RecordType::Aaaa => "address",
        RecordType::Cname | RecordType::Ns | RecordType::Srv => "target",
        RecordType::Mx => "exchange",
        RecordType::Txt => "text",
        _ => "value",
    }
}

/// What is sent for a draft: always everything that the record has.
fn body(zone: &Zone, draft: &Draft, held: Option<Ttl>) -> Value {
    let ttl = draft.ttl.or(held).map_or(DEFAULT_TTL, Ttl::seconds);
    let name = kinds::relative(&draft.name, zone);
    let mut body = json!({ "type": draft.rtype.as_str(), "name": name, "ttl": ttl });
    body[field(draft.rtype)] = draft.value.to_string().into();
    for (name, field, types) in PARTS {
        if let Some(value) = draft.attributes.get(name).filter(|_| types.contains(&draft.rtype)) {
            body[field] = value.parse::<u32>().map_or_else(|_| value.clone().into(), Value::from);
        }
    }
    body
}

/// A listed record; `None` where its name or type is none that we know.
fn record(zone: &Zone, entry: &Map<String, Value>, doing: &str) -> Result<Option<Record>> {
    let need = |name: &str| text(entry, name).ok_or_else(|| strange(doing, &format!("a record has no {name}")));
    let id = need("recordId")?;
    let (Ok(rtype), Some(name)) = (need("type")?.parse(), kinds::absolute(&zone.name, &need("name")?)) else {
        return Ok(None);
    };
    let content = text(entry, field(rtype)).unwrap_or_default();
    let value = Data::parse(rtype, &content).unwrap_or(Data::Text(content));
    let part = |(name, field, types): (&str, &str, &[RecordType])| {
        types.contains(&rtype).then(|| text(entry, field)).flatten().map(|value| (name.to_owned(), value))
    };
    let attributes = PARTS.into_iter().filter_map(part).collect();
    Ok(Some(Record { id, name, rtype, value, ttl: number(entry, "ttl").and_then(Ttl::new), attributes }))
}

/// The fuzzer's door: an answer of any content; whether a change that is answered so counts as made.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(status: u16, body: &[u8]) -> bool {
    let Ok(name) = crate::model::name::Name::parse("example.org") else { return false };
    let (zone, doing) = (Zone { id: format!("1/{name}"), name }, "asking");
    let answer = crate::net::http::Reply::new(status, Default::default(), body.to_vec());
    for operation in [Operation::Account, Operation::List, Operation::Create] {
        let Ok(content) = reply::open(&answer, operation, "a token", doing) else { continue };
        let _ = (number(&content, "pages"), text(&content, "nextPageToken"));
        for list in ["organizations", "domains", "records"] {
            for entry in reply::objects(&content, list, doing).unwrap_or_default() {
                let _ = record(&zone, entry, doing);
            }
        }
    }
    let changed = reply::open(&answer, Operation::Change, "a token", doing);
    changed.and_then(|content| record(&zone, &content, doing)).is_ok_and(|record| record.is_some())
}
