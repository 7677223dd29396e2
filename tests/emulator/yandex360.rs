//! Yandex 360's organisations, domains and DNS records as their pages describe them, and stricter: anything else is refused.
//!
//! Sources: the pages of `OrganizationService`, `DomainService` and `DomainDNSService`; public clients for the name `@`, the
//! largest pages and the paging of organisations. What neither settles is a switch.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::http::{Answer, Received, Server};

/// The types, each with the fields that it must have and that no other has.
pub const TYPES: [(&str, &[&str]); 8] = [
    ("A", &["address"]),
    ("AAAA", &["address"]),
    ("CAA", &["flag", "tag", "value"]),
    ("CNAME", &["target"]),
    ("MX", &["exchange", "preference"]),
    ("NS", &["target"]),
    ("SRV", &["port", "priority", "target", "weight"]),
    ("TXT", &["text"]),
];

/// The fields that are numbers.
const NUMBERS: [&str; 6] = ["flag", "port", "preference", "priority", "ttl", "weight"];

/// How the service says that the same record is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// With 409.
    Conflict,
    /// With 400 and words.
    Words,
    /// Not at all: there are two.
    Taken,
}

/// What the pages leave open.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Names of records are listed in full.
    pub full_names: bool,
    /// Names in values end with a dot.
    pub dotted: bool,
    /// Ids are strings.
    pub string_ids: bool,
    /// Backslashes in texts are doubled.
    pub doubled_backslashes: bool,
    /// Records of the domain's SOA, of a type that the page does not have, are listed too.
    pub soa_listed: bool,
    /// How duplicates are refused.
    pub duplicates: Duplicates,
    /// A page has at most so many records, whatever is asked for.
    pub most_records: usize,
    /// A lower TTL is raised to this.
    pub lowest_ttl: u32,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            full_names: false,
            dotted: false,
            string_ids: false,
            doubled_backslashes: false,
            soa_listed: false,
            duplicates: Duplicates::Conflict,
            most_records: 50,
            lowest_ttl: 0,
        }
    }
}

/// A domain of an organisation.
#[derive(Clone, Debug, Default)]
pub struct Domain {
    /// Its records by id, under the names of the page.
    pub records: BTreeMap<u64, Map<String, Value>>,
    /// The caller may not touch it.
    pub forbidden: bool,
}

/// What the service holds, and how it behaves.
pub struct State {
    /// The OAuth token.
    pub token: String,
    /// What is not documented.
    pub switches: Switches,
    /// The domains by organisation and name.
    pub organizations: BTreeMap<u64, BTreeMap<String, Domain>>,
    /// Names, in full, whose records are refused.
    pub refused: Vec<String>,
    /// Every call answers with this status.
    pub failing: Option<u16>,
    /// What callers did that the pages do not allow.
    pub violations: Vec<String>,
    last_id: u64,
}

/// A running emulator.
pub struct Yandex360 {
    /// The server below it: faults and the log.
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl Yandex360 {
    /// Starts on 127.0.0.1 with one login and nothing else.
    pub async fn start(port: u16, token: &str, switches: Switches) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::new(token, switches)));
        let answering = Arc::clone(&state);
        let server = Server::start(port, move |request| lock(&answering).answer(request)).await?;
        Ok(Self { server, state })
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The URL that stands in for `https://api360.yandex.net/directory/v1`.
    pub fn endpoint(&self) -> String {
        self.server.url("/directory/v1")
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a request fails.
struct Refusal(u16, String);

fn refuse(status: u16, why: &str) -> Refusal {
    Refusal(status, why.into())
}

impl State {
    /// A service with one login and nothing else.
    pub fn new(token: &str, switches: Switches) -> Self {
        Self {
            token: token.into(),
            switches,
            organizations: BTreeMap::new(),
            refused: Vec::new(),
            failing: None,
            violations: Vec::new(),
            last_id: 0,
        }
    }

    /// Connects a domain to an organisation.
    pub fn add_domain(&mut self, organization: u64, name: &str) {
        self.organizations.entry(organization).or_default().insert(name.into(), Domain::default());
    }

    /// Adds a record as it would be sent and answers its id.
    pub fn add_record(&mut self, organization: u64, domain: &str, record: &Value) -> u64 {
        self.last_id += 1;
        let record = record.as_object().cloned().unwrap_or_default();
        if let Some(domain) = self.organizations.get_mut(&organization).and_then(|domains| domains.get_mut(domain)) {
            domain.records.insert(self.last_id, record);
        }
        self.last_id
    }

    /// What the service says to a request.
    pub fn answer(&mut self, request: &Received) -> Answer {
        let (status, content) = match self.take(request) {
            Ok(content) => (200, content),
            Err(Refusal(status, why)) => {
                let code = match status {
                    401 => 16,
                    403 => 7,
                    404 => 5,
                    409 => 6,
                    400 => 3,
                    _ => 13,
                };
                (status, json!({ "code": code, "message": why, "details": [{ "@type": "type.example/Error" }] }))
            }
        };
        Answer::new(status, content.to_string()).with("Content-Type", "application/json")
    }

    fn take(&mut self, request: &Received) -> Result<Value, Refusal> {
        if let Some(status) = self.failing {
            return Err(refuse(status, "as was asked for"));
        }
        if request.header("authorization") != Some(&format!("OAuth {}", self.token)) {
            return Err(refuse(401, "Unauthorized"));
        }
        let Some(path) = request.path.strip_prefix("/directory/v1/org") else {
            return Err(self.violates(request, "no such path"));
        };
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let query = query(request).map_err(|why| self.violates(request, &why))?;
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", []) => self.list_organizations(request, &query),
            ("GET", [organization, "domains"]) => self.list_domains(request, organization, &query),
            ("GET", [organization, "domains", domain, "dns"]) => self.list(request, organization, domain, &query),
            ("POST", [organization, "domains", domain, "dns"]) => self.create(request, organization, domain),
            ("POST", [organization, "domains", domain, "dns", id]) => self.edit(request, organization, domain, id),
            ("DELETE", [organization, "domains", domain, "dns", id]) => {
                if !request.body.is_empty() {
                    return Err(self.violates(request, "a DELETE has no body"));
                }
                let id = parse_id(id)?;
                let removed = self.domain(organization, domain)?.records.remove(&id);
                removed.map(|_| json!({})).ok_or_else(|| refuse(404, "record not found"))
            }
            _ => Err(self.violates(request, "no such path")),
        }
    }

    fn violates(&mut self, request: &Received, why: &str) -> Refusal {
        self.violations.push(format!("{} {}: {why}", request.method, request.path));
        refuse(if why == "no such path" { 404 } else { 400 }, why)
    }

    fn organization(&mut self, id: &str) -> Result<&mut BTreeMap<String, Domain>, Refusal> {
        let id = id.parse().map_err(|_| refuse(400, "the organisation is no number"))?;
        self.organizations.get_mut(&id).ok_or_else(|| refuse(404, "organization not found"))
    }

    fn domain(&mut self, organization: &str, name: &str) -> Result<&mut Domain, Refusal> {
        match self.organization(organization)?.get_mut(name) {
            None => Err(refuse(404, "domain not found")),
            Some(domain) if domain.forbidden => Err(refuse(403, "Forbidden")),
            Some(domain) => Ok(domain),
        }
    }

    fn list_organizations(&mut self, request: &Received, query: &BTreeMap<String, String>) -> Result<Value, Refusal> {
        if query.keys().any(|key| !["pageSize", "pageToken"].contains(&key.as_str())) {
            return Err(self.violates(request, "there are pageSize and pageToken only"));
        }
        let size = query.get("pageSize").map_or(Ok(10), |size| size.parse::<usize>());
        let from = query.get("pageToken").map_or(Ok(0), |token| token.trim_start_matches("from-").parse::<usize>());
        let (Ok(size @ 1..=100), Ok(from)) = (size, from) else { return Err(refuse(400, "invalid_page")) };
        let ids: Vec<u64> = self.organizations.keys().copied().collect();
        let page: Vec<Value> = ids.iter().skip(from).take(size).map(|id| json!({ "id": id, "name": "ours" })).collect();
        let next = if from + size < ids.len() { format!("from-{}", from + size) } else { String::new() };
        Ok(json!({ "organizations": page, "nextPageToken": next }))
    }

    fn list_domains(
        &mut self,
        request: &Received,
        organization: &str,
        query: &BTreeMap<String, String>,
    ) -> Result<Value, Refusal> {
        let (page, size) = paging(query, 10).map_err(|why| self.violates(request, why))?;
        if size > 10 {
            return Err(self.violates(request, "invalid_page"));
        }
        let names: Vec<String> = self.organization(organization)?.keys().cloned().collect();
        let domain =
            |name: &String| json!({ "name": name, "country": "ru", "mx": true, "delegated": true, "verified": true });
        Ok(paged("domains", &names.iter().map(domain).collect::<Vec<_>>(), page, size))
    }

    fn list(
        &mut self,
        request: &Received,
        organization: &str,
        domain: &str,
        query: &BTreeMap<String, String>,
    ) -> Result<Value, Refusal> {
        let (page, size) = paging(query, 50).map_err(|why| self.violates(request, why))?;
        let records = self.domain(organization, domain)?.records.clone();
        let mut shown: Vec<Value> = records.iter().map(|(id, record)| self.shown(domain, *id, record)).collect();
        if self.switches.soa_listed {
            shown.insert(0, json!({ "recordId": 1_000_000, "type": "SOA", "name": "@", "ttl": 21_600 }));
        }
        Ok(paged("records", &shown, page, size.min(self.switches.most_records)))
    }

    fn create(&mut self, request: &Received, organization: &str, domain: &str) -> Result<Value, Refusal> {
        self.domain(organization, domain)?;
        let record = self.body(request, domain)?;
        let without_ttl = |record: &Map<String, Value>| {
            let mut record = record.clone();
            record.remove("ttl");
            record
        };
        let duplicates = self.switches.duplicates;
        let held = &self.domain(organization, domain)?.records;
        if held.values().any(|other| without_ttl(other) == without_ttl(&record)) {
            match duplicates {
                Duplicates::Conflict => return Err(refuse(409, "the record exists")),
                Duplicates::Words => return Err(refuse(400, "record already exists")),
                Duplicates::Taken => {}
            }
        }
        self.last_id += 1;
        let id = self.last_id;
        self.domain(organization, domain)?.records.insert(id, record.clone());
        Ok(self.shown(domain, id, &record))
    }

    fn edit(&mut self, request: &Received, organization: &str, domain: &str, id: &str) -> Result<Value, Refusal> {
        let id = parse_id(id)?;
        if !self.domain(organization, domain)?.records.contains_key(&id) {
            return Err(refuse(404, "record not found"));
        }
        let record = self.body(request, domain)?;
        self.domain(organization, domain)?.records.insert(id, record.clone());
        Ok(self.shown(domain, id, &record))
    }

    /// The record that a body describes, all of it.
    fn body(&mut self, request: &Received, domain: &str) -> Result<Map<String, Value>, Refusal> {
        if request.header("content-type") != Some("application/json") {
            return Err(self.violates(request, "the body is not said to be JSON"));
        }
        let Ok(Value::Object(mut record)) = serde_json::from_slice(&request.body) else {
            return Err(self.violates(request, "the body is no JSON object"));
        };
        let text = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (rtype, name) = (text("type"), text("name"));
        let Some((_, fields)) = TYPES.iter().find(|(known, _)| *known == rtype) else {
            return Err(refuse(400, "unknown record type"));
        };
        let mut wanted: Vec<&str> = fields.iter().copied().chain(["name", "ttl", "type"]).collect();
        wanted.sort_unstable();
        if record.keys().map(String::as_str).collect::<Vec<_>>() != wanted {
            return Err(self.violates(request, &format!("{rtype} records have {wanted:?}")));
        }
        for (field, value) in &record {
            if NUMBERS.contains(&field.as_str()) != value.is_u64() {
                return Err(self.violates(request, &format!("{field} is of another kind")));
            }
        }
        if name.is_empty() || name == domain || name.ends_with(&format!(".{domain}")) || name.ends_with('.') {
            return Err(self.violates(request, "the name is relative, or @"));
        }
        if self.refused.iter().any(|refused| *refused == full(&name, domain)) {
            return Err(refuse(400, "this name cannot be used"));
        }
        let fits = match rtype.as_str() {
            "A" => text("address").parse::<Ipv4Addr>().is_ok(),
            "AAAA" => text("address").parse::<Ipv6Addr>().is_ok(),
            _ => fields.iter().all(|field| record.get(*field) != Some(&"".into())),
        };
        if !fits {
            return Err(refuse(400, "invalid value"));
        }
        let ttl = record.get("ttl").and_then(Value::as_u64).unwrap_or_default();
        record.insert("ttl".into(), ttl.max(self.switches.lowest_ttl.into()).into());
        for name in ["exchange", "target"] {
            if let Some(Value::String(name)) = record.get_mut(name) {
                *name = format!("{}{}", name.trim_end_matches('.'), if self.switches.dotted { "." } else { "" });
            }
        }
        if let Some(Value::String(text)) = record.get_mut("text").filter(|_| self.switches.doubled_backslashes) {
            *text = text.replace('\\', "\\\\");
        }
        Ok(record)
    }

    fn shown(&self, domain: &str, id: u64, record: &Map<String, Value>) -> Value {
        let mut shown = record.clone();
        shown.insert("recordId".into(), if self.switches.string_ids { id.to_string().into() } else { id.into() });
        let name = record.get("name").and_then(Value::as_str).unwrap_or_default();
        if self.switches.full_names {
            shown.insert("name".into(), full(name, domain).into());
        }
        Value::Object(shown)
    }
}

fn full(name: &str, domain: &str) -> String {
    if name == "@" { domain.to_owned() } else { format!("{name}.{domain}") }
}

fn parse_id(id: &str) -> Result<u64, Refusal> {
    id.parse().map_err(|_| refuse(400, "the record is no number"))
}

fn query(request: &Received) -> Result<BTreeMap<String, String>, String> {
    let text = request.query.clone().unwrap_or_default();
    if request.method != "GET" && !text.is_empty() {
        return Err("it has no query".into());
    }
    let url = reqwest::Url::parse(&format!("http://127.0.0.1/?{text}")).map_err(|error| error.to_string())?;
    Ok(url.query_pairs().into_owned().collect())
}

fn paging(query: &BTreeMap<String, String>, default: usize) -> Result<(usize, usize), &'static str> {
    if query.keys().any(|key| !["page", "perPage"].contains(&key.as_str())) {
        return Err("there are page and perPage only");
    }
    let number = |name: &str, default: usize| query.get(name).map_or(Ok(default), |text| text.parse::<usize>());
    match (number("page", 1), number("perPage", default)) {
        (Ok(page @ 1..), Ok(size @ 1..)) => Ok((page, size)),
        _ => Err("invalid_page"),
    }
}

fn paged(list: &str, entries: &[Value], page: usize, size: usize) -> Value {
    let part: Vec<&Value> = entries.iter().skip((page - 1) * size).take(size).collect();
    let pages = entries.len().div_ceil(size);
    json!({ list: part, "page": page, "pages": pages, "perPage": size, "total": entries.len() })
}
