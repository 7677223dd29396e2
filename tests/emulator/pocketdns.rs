//! PocketDNS's Partner API as its documentation describes it, and stricter: anything that is not documented is refused.
//!
//! Sources: the pages on DNS records, on domains, on errors and on authentication. What they leave open is a switch. The clock
//! that limits are counted by runs as fast as a test wants it to. Long, as it is a whole service.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::http::{Answer, Received, Server};

#[path = "pocketdns_checks.rs"]
pub mod checks;

use checks::{Refusal, check_body, check_new, check_patch, check_template, check_transport};

/// What is limited by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Retrieval,
    Creation,
    Update,
    Deletion,
    Bulk,
}

/// The documented limits a minute.
pub const LIMITS: [(Class, usize); 5] =
    [(Class::Retrieval, 1000), (Class::Creation, 300), (Class::Update, 300), (Class::Deletion, 300), (Class::Bulk, 60)];

/// The shapes in which errors are documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// With a message, details and the id of the request (the page on errors).
    Full,
    /// Without the id of the request (the page on users).
    NoRequest,
    /// A text alone (the page on authentication).
    Bare,
}

/// What the documentation leaves open.
#[derive(Clone, Debug)]
pub struct Switches {
    /// The status of a creation.
    pub created: u16,
    /// The status of a creation in bulk and of a template.
    pub bulk: u16,
    /// The shape of errors.
    pub errors: Errors,
    /// Records are listed with their names in full.
    pub full_names: bool,
    /// IPv6 addresses are listed in capitals with all their zeros.
    pub long_ipv6: bool,
    /// 429 says how long to wait.
    pub retry_after: bool,
    /// A minute begins with the first request in it, instead of sliding.
    pub fixed_minutes: bool,
    /// A lower TTL is raised to this.
    pub lowest_ttl: u64,
    /// Lists have at most so many entries; `total` tells of all.
    pub longest_list: usize,
    /// The most records of a creation in bulk.
    pub longest_bulk: usize,
    /// Labels may have underscores, as the documented SRV record has.
    pub underscores: bool,
    /// A wrong content is answered with 422, not 400.
    pub unprocessable: bool,
    /// A template leaves out what is there already, instead of failing.
    pub template_skips: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            created: 201,
            bulk: 200,
            errors: Errors::Full,
            full_names: false,
            long_ipv6: false,
            retry_after: true,
            fixed_minutes: false,
            lowest_ttl: 60,
            longest_list: usize::MAX,
            longest_bulk: usize::MAX,
            underscores: true,
            unprocessable: false,
            template_skips: false,
        }
    }
}

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    pub rtype: String,
    /// In front of the domain, `@` for the domain itself.
    pub name: String,
    pub content: String,
    pub ttl: u64,
    pub priority: Option<u64>,
    pub created_at: String,
    pub updated_at: String,
}

/// A domain.
#[derive(Clone, Debug)]
pub struct Domain {
    pub name: String,
    pub user: String,
    pub status: String,
    /// The key may not touch it.
    pub forbidden: bool,
    /// In the order of their creation.
    pub records: Vec<Record>,
}

/// A template: types, names and contents, in which `{variable}` stands for a variable.
pub type Template = Vec<(&'static str, &'static str, &'static str)>;

/// What the service holds, and how it behaves.
pub struct State {
    /// The only key of this environment.
    pub key: String,
    pub switches: Switches,
    pub domains: BTreeMap<String, Domain>,
    pub templates: BTreeMap<String, Template>,
    /// Names in front of a domain that are refused with 422.
    pub refused: Vec<String>,
    /// Writes are answered with a success and not done.
    pub swallows: bool,
    pub limits: BTreeMap<Class, usize>,
    /// The next so many requests are answered with this status of the table.
    pub failures: VecDeque<u16>,
    /// What callers did that the documentation does not allow.
    pub violations: Vec<String>,
    /// How many seconds of the service's pass in one of ours.
    pub speed: u32,
    skipped: Duration,
    started: Instant,
    taken: BTreeMap<Class, VecDeque<Duration>>,
    last_id: u32,
}

/// A running emulator.
pub struct PocketDns {
    /// The server below it: faults and the log.
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl PocketDns {
    /// Starts on 127.0.0.1 with one key and nothing else.
    pub async fn start(port: u16, key: &str, switches: Switches) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::new(key, switches)));
        let answering = Arc::clone(&state);
        let server = Server::start(port, move |request| lock(&answering).answer(request)).await?;
        Ok(Self { server, state })
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The URL that stands in for `https://api.pocketdns.com`.
    pub fn endpoint(&self) -> String {
        self.server.url("")
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

type Outcome = Result<(u16, Value), Refusal>;

impl State {
    /// A service with one key and the documented template.
    #[expect(clippy::disallowed_methods, reason = "a service of the tests, with a clock of its own")]
    pub fn new(key: &str, switches: Switches) -> Self {
        let basic = vec![("A", "@", "{ip_address}"), ("A", "www", "{ip_address}")];
        Self {
            key: key.into(),
            switches,
            domains: BTreeMap::new(),
            templates: [("tpl_website_basic".to_owned(), basic)].into(),
            refused: Vec::new(),
            swallows: false,
            limits: LIMITS.into(),
            failures: VecDeque::new(),
            violations: Vec::new(),
            speed: 1,
            skipped: Duration::ZERO,
            started: Instant::now(),
            taken: BTreeMap::new(),
            last_id: 100,
        }
    }

    /// Adds a domain of a user's.
    pub fn add_domain(&mut self, id: &str, name: &str, user: &str) {
        let (name, user, status) = (name.into(), user.into(), "active".into());
        self.domains.insert(id.into(), Domain { name, user, status, forbidden: false, records: Vec::new() });
    }

    /// Adds a record, unchecked, and answers its id.
    pub fn add_record(&mut self, domain: &str, rtype: &str, name: &str, content: &str, ttl: u64) -> String {
        let record = self.made(rtype, name, content, ttl, None);
        let id = record.id.clone();
        if let Some(domain) = self.domains.get_mut(domain) {
            domain.records.push(record);
        }
        id
    }

    /// The records of a domain.
    pub fn records(&self, domain: &str) -> &[Record] {
        self.domains.get(domain).map(|domain| domain.records.as_slice()).unwrap_or_default()
    }

    /// The service's clock goes on by this much.
    pub fn skip(&mut self, time: Duration) {
        self.skipped += time;
    }

    #[expect(clippy::disallowed_methods, reason = "a service of the tests, with a clock of its own")]
    fn now(&self) -> Duration {
        Instant::now().duration_since(self.started) * self.speed + self.skipped
    }

    /// The service's time of day, ISO 8601; it began on the day of the documented examples.
    fn stamp(&self) -> String {
        let began = jiff::Timestamp::from_second(1_735_693_200).unwrap_or_default();
        let now = jiff::SignedDuration::from_secs(i64::try_from(self.now().as_secs()).unwrap_or(0));
        (began + now).to_string()
    }

    fn made(&mut self, rtype: &str, name: &str, content: &str, ttl: u64, priority: Option<u64>) -> Record {
        self.last_id += 1;
        let (id, at) = (format!("rec_new{}", self.last_id), self.stamp());
        let (rtype, name, content) = (rtype.into(), name.into(), content.into());
        Record { id, rtype, name, content, ttl, priority, created_at: at.clone(), updated_at: at }
    }

    /// What the service says to a request.
    pub fn answer(&mut self, request: &Received) -> Answer {
        let outcome = match self.failures.pop_front() {
            Some(status) => Err(Refusal::of_status(status)),
            None => self.route(request),
        };
        let (status, body) = match outcome {
            Ok((204, _)) => return Answer::new(204, ""),
            Ok(good) => good,
            Err(refusal) => {
                if let Some(why) = &refusal.violation {
                    self.violations.push(format!("{} {}: {why}", request.method, request.path));
                }
                return self.refusal(&refusal);
            }
        };
        Answer::new(status, body.to_string()).with("Content-Type", "application/json")
    }

    fn refusal(&mut self, refusal: &Refusal) -> Answer {
        let mut body = Map::from_iter([("error".to_owned(), Value::from(refusal.code))]);
        match self.switches.errors {
            Errors::Bare => drop(body.insert("error".into(), refusal.message.clone().into())),
            shape => {
                body.insert("message".into(), refusal.message.clone().into());
                if let Some(field) = &refusal.field {
                    body.insert("details".into(), json!({ "field": field, "code": "invalid" }));
                }
                if shape == Errors::Full {
                    self.last_id += 1;
                    body.insert("request_id".into(), format!("req_{}", self.last_id).into());
                }
            }
        }
        let answer = Answer::new(refusal.status, Value::Object(body).to_string());
        let answer = answer.with("Content-Type", "application/json");
        match refusal.wait.filter(|_| self.switches.retry_after) {
            Some(wait) => answer.with("Retry-After", &(wait.as_secs() + 1).to_string()),
            None => answer,
        }
    }

    fn route(&mut self, request: &Received) -> Outcome {
        let path: Vec<&str> = request.path.strip_prefix("/api/v1/").unwrap_or_default().split('/').collect();
        let (class, has_body) = match (request.method.as_str(), path.as_slice()) {
            ("GET", ["users", _, "domains"] | ["domains", _] | ["domains", _, "dns"]) => (Class::Retrieval, false),
            ("POST", ["domains", _, "dns"]) => (Class::Creation, true),
            ("PUT", ["domains", _, "dns", _]) => (Class::Update, true),
            ("DELETE", ["domains", _, "dns", _]) => (Class::Deletion, false),
            ("POST", ["domains", _, "dns", "bulk" | "template"]) => (Class::Bulk, true),
            _ => return Err(Refusal::violation(404, "there is no such call")),
        };
        check_transport(request, has_body)?;
        self.authorize(request)?;
        self.count(class)?;
        let body = if has_body { check_body(request)? } else { Map::new() };
        match path.as_slice() {
            ["users", user, "domains"] => self.list_domains(user),
            ["domains", id] => self.show_domain(id),
            ["domains", id, "dns"] if !has_body => self.list(id),
            ["domains", id, "dns"] => self.create(id, &body),
            ["domains", id, "dns", "bulk"] if has_body => self.create_many(id, &body),
            ["domains", id, "dns", "template"] if has_body => self.apply(id, &body),
            ["domains", id, "dns", record] if has_body => self.update(id, record, &body),
            ["domains", id, "dns", record] => self.delete(id, record),
            _ => Err(Refusal::violation(404, "there is no such call")),
        }
    }

    fn authorize(&self, request: &Received) -> Result<(), Refusal> {
        let Some(field) = request.header("authorization") else {
            return Err(Refusal::violation(401, "there is no Authorization"));
        };
        let Some(key) = field.strip_prefix("Bearer ") else {
            return Err(Refusal::violation(401, "Authorization has no Bearer"));
        };
        if key == self.key { Ok(()) } else { Err(Refusal::new(401, "Invalid API key")) }
    }

    /// Counts a request against its limit.
    fn count(&mut self, class: Class) -> Result<(), Refusal> {
        const MINUTE: Duration = Duration::from_secs(60);
        let now = self.now();
        let limit = self.limits.get(&class).copied().unwrap_or(usize::MAX);
        let fixed = self.switches.fixed_minutes;
        let taken = self.taken.entry(class).or_default();
        if fixed && taken.front().is_some_and(|first| now - *first >= MINUTE) {
            taken.clear();
        }
        while !fixed && taken.front().is_some_and(|first| now - *first >= MINUTE) {
            taken.pop_front();
        }
        if taken.len() >= limit {
            let wait = taken.front().map_or(MINUTE, |first| MINUTE.saturating_sub(now - *first));
            return Err(Refusal { wait: Some(wait), ..Refusal::of_status(429) });
        }
        taken.push_back(now);
        Ok(())
    }

    fn domain(&mut self, id: &str) -> Result<&mut Domain, Refusal> {
        let domain = self.domains.get_mut(id).ok_or_else(|| Refusal::new(404, "Domain not found"))?;
        if domain.forbidden { Err(Refusal::new(403, "Access denied to domain")) } else { Ok(domain) }
    }

    fn list_domains(&mut self, user: &str) -> Outcome {
        let of_user: Vec<_> = self.domains.iter().filter(|(_, domain)| domain.user == user).collect();
        if of_user.is_empty() {
            return Err(Refusal::new(404, "User not found"));
        }
        let shown = of_user.iter().take(self.switches.longest_list).map(|(id, domain)| {
            let mut shown = shown_domain(id, domain);
            shown.insert("dns_records_count".into(), domain.records.len().into());
            Value::Object(shown)
        });
        Ok((200, json!({ "domains": shown.collect::<Vec<_>>(), "total": of_user.len() })))
    }

    fn show_domain(&mut self, id: &str) -> Outcome {
        let domain = self.domain(id)?.clone();
        let mut shown = shown_domain(id, &domain);
        let records: Vec<Value> = domain.records.iter().map(|record| self.shown(record, &domain.name)).collect();
        shown.insert("user_identifier".into(), domain.user.into());
        shown.insert("nameservers".into(), json!(["ns1.pocketdns.com", "ns2.pocketdns.com"]));
        shown.insert("whois_privacy".into(), true.into());
        shown.insert("dns_records".into(), records.into());
        Ok((200, Value::Object(shown)))
    }

    fn list(&mut self, id: &str) -> Outcome {
        let domain = self.domain(id)?.clone();
        let listed = domain.records.iter().take(self.switches.longest_list);
        let shown: Vec<Value> = listed.map(|record| self.shown(record, &domain.name)).collect();
        Ok((200, json!({ "records": shown, "total": domain.records.len() })))
    }

    /// A record as answers have it: everything, priority as null where it has none.
    fn shown(&self, record: &Record, domain: &str) -> Value {
        let name = match record.name.as_str() {
            "@" if self.switches.full_names => domain.to_owned(),
            name if self.switches.full_names => format!("{name}.{domain}"),
            name => name.to_owned(),
        };
        let address: Option<std::net::Ipv6Addr> = record.content.parse().ok();
        let content = match address.filter(|_| self.switches.long_ipv6) {
            Some(address) => address.segments().map(|part| format!("{part:04X}")).join(":"),
            None => record.content.clone(),
        };
        json!({
            "id": record.id, "type": record.rtype, "name": name, "content": content, "ttl": record.ttl,
            "priority": record.priority, "created_at": record.created_at, "updated_at": record.updated_at,
        })
    }

    /// Checks and adds one record.
    fn add(&mut self, id: &str, fields: &Map<String, Value>) -> Result<Record, Refusal> {
        self.domain(id)?;
        let mut new = check_new(fields, &self.switches)?;
        if self.refused.contains(&new.name) {
            return Err(Refusal::field(422, "name", "this name cannot be used"));
        }
        new.ttl = new.ttl.max(self.switches.lowest_ttl);
        let record = self.made(&new.rtype, &new.name, &new.content, new.ttl, new.priority);
        conflicts(&self.domain(id)?.records, &record)?;
        if !self.swallows {
            self.domain(id)?.records.push(record.clone());
        }
        Ok(record)
    }

    fn create(&mut self, id: &str, body: &Map<String, Value>) -> Outcome {
        let record = self.add(id, body)?;
        let name = self.domain(id)?.name.clone();
        Ok((self.switches.created, self.shown(&record, &name)))
    }

    fn update(&mut self, id: &str, record: &str, body: &Map<String, Value>) -> Outcome {
        let (at, lowest) = (self.stamp(), self.switches.lowest_ttl);
        let switches = self.switches.clone();
        let domain = self.domain(id)?;
        let position = domain.records.iter().position(|held| held.id == record);
        let position = position.ok_or_else(|| Refusal::new(404, "Record not found"))?;
        let mut others = domain.records.clone();
        let mut changed = check_patch(&others.remove(position), body, &switches)?;
        conflicts(&others, &changed)?;
        (changed.ttl, changed.updated_at) = (changed.ttl.max(lowest), at);
        let name = domain.name.clone();
        if !self.swallows
            && let Some(held) = self.domain(id)?.records.get_mut(position)
        {
            *held = changed.clone();
        }
        Ok((200, self.shown(&changed, &name)))
    }

    fn delete(&mut self, id: &str, record: &str) -> Outcome {
        let swallows = self.swallows;
        let records = &mut self.domain(id)?.records;
        let position = records.iter().position(|held| held.id == record);
        let position = position.ok_or_else(|| Refusal::new(404, "Record not found"))?;
        if !swallows {
            records.remove(position);
        }
        Ok((204, Value::Null))
    }

    fn create_many(&mut self, id: &str, body: &Map<String, Value>) -> Outcome {
        let name = self.domain(id)?.name.clone();
        let Some(Value::Array(records)) = body.get("records").filter(|_| body.len() == 1) else {
            return Err(Refusal::violation(400, "the body is {\"records\": [...]} and nothing else"));
        };
        if records.is_empty() || records.len() > self.switches.longest_bulk {
            return Err(Refusal::field(400, "records", "there are too few or too many records"));
        }
        let (mut created, mut errors) = (Vec::new(), Vec::new());
        for record in records {
            let outcome = match record {
                Value::Object(fields) => self.add(id, fields),
                _ => Err(Refusal::violation(400, "a record is an object")),
            };
            match outcome {
                // As the documented example: without priority and times.
                Ok(record) => {
                    created.push(without(self.shown(&record, &name), &["priority", "created_at", "updated_at"]))
                }
                Err(refusal) => {
                    self.violations.extend(refusal.violation);
                    let echo = without(record.clone(), &["ttl", "priority"]);
                    errors.push(json!({ "record": echo, "error": refusal.message }));
                }
            }
        }
        Ok((self.switches.bulk, json!({ "created": created, "errors": errors })))
    }

    fn apply(&mut self, id: &str, body: &Map<String, Value>) -> Outcome {
        let domain = self.domain(id)?.name.clone();
        let (template_id, variables) = check_template(body)?;
        let template = self.templates.get(&template_id).cloned();
        let template = template.ok_or_else(|| Refusal::new(404, "Template not found"))?;
        let mut created = Vec::new();
        for (rtype, name, content) in template {
            let filled = variables.iter().fold(content.to_owned(), |content, (variable, value)| {
                content.replace(&format!("{{{variable}}}"), value)
            });
            if filled.contains('{') {
                return Err(Refusal::field(400, "variables", "a variable of the template is missing"));
            }
            let fields = [("type", rtype), ("name", name), ("content", &*filled)];
            let fields = fields.map(|(name, value)| (name.to_owned(), Value::from(value)));
            match self.add(id, &Map::from_iter(fields)) {
                Ok(record) => {
                    let hidden = ["ttl", "priority", "created_at", "updated_at"];
                    created.push(without(self.shown(&record, &domain), &hidden));
                }
                Err(refusal) if refusal.status == 409 && self.switches.template_skips => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok((self.switches.bulk, json!({ "template_id": template_id, "records_created": created })))
    }
}

fn shown_domain(id: &str, domain: &Domain) -> Map<String, Value> {
    let shown = [
        ("id", Value::from(id)),
        ("name", domain.name.clone().into()),
        ("status", domain.status.clone().into()),
        ("purchased_at", "2025-01-01T00:00:00Z".into()),
        ("expires_at", "2026-01-01T00:00:00Z".into()),
        ("auto_renew", true.into()),
        ("registrar", "pocketdns".into()),
    ];
    shown.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn without(mut value: Value, fields: &[&str]) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|name, _| !fields.contains(&name.as_str()));
    }
    value
}

/// The same record twice, and a CNAME beside anything.
fn conflicts(held: &[Record], new: &Record) -> Result<(), Refusal> {
    let mut beside = held.iter().filter(|record| record.name == new.name);
    let conflict = |record: &Record| {
        let both = [record.rtype.as_str(), new.rtype.as_str()];
        (record.rtype == new.rtype && record.content == new.content) || both.contains(&"CNAME")
    };
    if beside.any(conflict) { Err(Refusal::new(409, "Record already exists or conflicts")) } else { Ok(()) }
}
