//! Yandex Mail for Domain as its documents describe it, and stricter: anything that is not documented is refused.
//!
//! Sources: the documents of `dns/add`, `dns/edit`, `dns/del`, `dns/list`; public recordings of 2016 to 2022 for
//! `domain/domains`, `no_such_domain`, `record_exists`, and for what is a number on the wire. What they leave open is a switch.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::http::{Answer, Received, Server};

/// The types of the document.
pub const TYPES: [&str; 8] = ["SRV", "TXT", "NS", "MX", "SOA", "A", "AAAA", "CNAME"];

/// The operations: method, required and optional parameters.
pub const OPERATIONS: [(&str, &str, &[&str], &[&str]); 5] = [
    ("domain/domains", "GET", &[], &["page", "on_page"]),
    ("dns/list", "GET", &["domain"], &[]),
    (
        "dns/add",
        "POST",
        &["domain", "type"],
        &["admin_mail", "content", "priority", "weight", "port", "target", "subdomain", "ttl"],
    ),
    (
        "dns/edit",
        "POST",
        &["domain", "record_id"],
        &[
            "admin_mail",
            "content",
            "priority",
            "weight",
            "port",
            "target",
            "subdomain",
            "ttl",
            "refresh",
            "retry",
            "expire",
            "neg_cache",
        ],
    ),
    ("dns/del", "POST", &["domain", "record_id"], &[]),
];

/// The parameters that only some types have.
const SPECIAL: [(&str, &[&str]); 9] = [
    ("admin_mail", &["SOA"]),
    ("expire", &["SOA"]),
    ("neg_cache", &["SOA"]),
    ("port", &["SRV"]),
    ("priority", &["MX", "SRV"]),
    ("refresh", &["SOA"]),
    ("retry", &["SOA"]),
    ("target", &["SRV"]),
    ("weight", &["SRV"]),
];

/// What the documents leave open.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Every value is a string, as the document shows it; recordings have numbers.
    pub strings: bool,
    /// `fqdn` ends with a dot.
    pub dotted: bool,
    /// The domain itself is listed as `""`, not as `@`.
    pub empty_apex: bool,
    /// Records have no `fqdn`.
    pub no_fqdn: bool,
    /// Names in contents are kept as sent; recordings end them with a dot.
    pub contents_as_sent: bool,
    /// A record is made with the default TTL whatever was asked, as in 2017.
    pub ttl_ignored: bool,
    /// Failures have status 400; recordings have 200.
    pub errors_are_400: bool,
    /// An edit that does not name the priority sets it to its default.
    pub edit_forgets: bool,
    /// A lower TTL is raised to this.
    pub lowest_ttl: u32,
    /// The code for a record that is not there.
    pub gone: &'static str,
    /// The code for a content that does not fit the type.
    pub bad_content: &'static str,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            strings: false,
            dotted: false,
            empty_apex: false,
            no_fqdn: false,
            contents_as_sent: false,
            ttl_ignored: false,
            errors_are_400: false,
            edit_forgets: true,
            lowest_ttl: 0,
            gone: "bad_record_id",
            bad_content: "bad_content",
        }
    }
}

/// A record under the names of the document, `subdomain` with `@` for the domain itself.
pub type Record = BTreeMap<String, String>;

/// A connected domain.
#[derive(Clone, Debug, Default)]
pub struct Domain {
    /// Its records by id.
    pub records: BTreeMap<u32, Record>,
    /// The caller does not administer it.
    pub foreign: bool,
    /// It is blocked.
    pub blocked: bool,
}

/// What the service holds, and how it behaves.
pub struct State {
    /// The PDD token.
    pub token: String,
    /// A registrar's OAuth token: then only the registrar's paths are there.
    pub registrar: Option<String>,
    /// What is not documented.
    pub switches: Switches,
    /// The domains by name.
    pub domains: BTreeMap<String, Domain>,
    /// Names whose records are refused as forbidden.
    pub prohibited: Vec<String>,
    /// Every call answers with this code.
    pub failing: Option<String>,
    /// The service is no more: its host answers with pages of its own.
    pub retired: bool,
    /// What callers did that the documents do not allow.
    pub violations: Vec<String>,
    last_id: u32,
}

/// A running emulator.
pub struct Yandex {
    /// The server below it: faults and the log.
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl Yandex {
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

    /// The URL that stands in for `https://pddimp.yandex.ru/api2/`.
    pub fn endpoint(&self) -> String {
        self.server.url("/api2/")
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer's content, or the code of a failure.
type Outcome = Result<Map<String, Value>, String>;

/// The parameters of a request.
type Parameters = BTreeMap<String, String>;

impl State {
    /// A service with one login and nothing else.
    pub fn new(token: &str, switches: Switches) -> Self {
        Self {
            token: token.into(),
            registrar: None,
            switches,
            domains: BTreeMap::new(),
            prohibited: Vec::new(),
            failing: None,
            retired: false,
            violations: Vec::new(),
            last_id: 33_346_408,
        }
    }

    /// Connects a domain.
    pub fn add_domain(&mut self, name: &str) {
        self.domains.insert(name.into(), Domain::default());
    }

    /// Adds a record with these fields and answers its id.
    pub fn add_record(&mut self, domain: &str, fields: &[(&str, &str)]) -> u32 {
        self.last_id += 1;
        let record = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let Some(domain) = self.domains.get_mut(domain) {
            domain.records.insert(self.last_id, record);
        }
        self.last_id
    }

    /// What the service says to a request.
    pub fn answer(&mut self, request: &Received) -> Answer {
        let form = if self.registrar.is_some() { "/api2/registrar/" } else { "/api2/admin/" };
        let operation =
            request.path.strip_prefix(form).and_then(|path| OPERATIONS.iter().find(|(name, ..)| *name == path));
        let Some(operation) = operation.filter(|_| !self.retired) else {
            if !self.retired {
                self.violations.push(format!("{} {}: no such page", request.method, request.path));
            }
            return Answer::new(404, "<html><h1>404 Not Found</h1></html>").with("Content-Type", "text/html");
        };
        let mut domain = String::new();
        let outcome = self.take(request, operation, &mut domain);
        let (status, content) = match outcome {
            Ok(mut content) => {
                content.insert("success".into(), "ok".into());
                (200, content)
            }
            Err(code) => {
                let failed = [("success", "error"), ("error", &code), ("domain", &domain)];
                let content = failed.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
                (if self.switches.errors_are_400 { 400 } else { 200 }, content)
            }
        };
        Answer::new(status, Value::Object(content).to_string()).with("Content-Type", "application/json; charset=utf-8")
    }

    fn take(
        &mut self,
        request: &Received,
        (name, method, required, optional): &(&str, &str, &[&str], &[&str]),
        domain: &mut String,
    ) -> Outcome {
        let parameters = transport(request, method).map_err(|why| self.violates(name, &why))?;
        if let Some(code) = &self.failing {
            return Err(code.clone());
        }
        self.authenticate(request)?;
        let known = |sent: &&String| required.contains(&sent.as_str()) || optional.contains(&sent.as_str());
        if let Some(unknown) = parameters.keys().find(|sent| !known(sent)) {
            return Err(self.violates(name, &format!("there is no parameter {unknown}")));
        }
        if required.contains(&"domain") {
            *domain = parameters.get("domain").cloned().unwrap_or_default();
            self.check_domain(&parameters)?;
        }
        if let Some(missing) = required.iter().find(|wanted| !parameters.contains_key(**wanted)) {
            return Err(self.violates(name, &format!("{missing} is missing")));
        }
        match *name {
            "domain/domains" => self.list_domains(&parameters),
            "dns/list" => self.list(&parameters),
            "dns/add" => self.add(&parameters),
            "dns/edit" => self.edit(&parameters),
            _ => self.del(&parameters),
        }
    }

    /// Notes what the documents do not allow; the code that such a request gets.
    fn violates(&mut self, operation: &str, why: &str) -> String {
        self.violations.push(format!("{operation}: {why}"));
        "unknown".into()
    }

    fn authenticate(&self, request: &Received) -> Result<(), String> {
        let check = |field: &str, expected: &str| match request.header(field) {
            None | Some("") => Err("no_auth".to_owned()),
            Some(given) if given != expected => Err("bad_token".to_owned()),
            Some(_) => Ok(()),
        };
        check("pddtoken", &self.token)?;
        self.registrar.as_ref().map_or(Ok(()), |expected| check("authorization", expected))
    }

    fn check_domain(&self, parameters: &Parameters) -> Result<(), String> {
        let Some(name) = parameters.get("domain") else { return Err("no_domain".into()) };
        let fits = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !name.contains('.') || !name.split('.').all(fits) {
            return Err("bad_domain".into());
        }
        match self.domains.get(name) {
            None => Err("no_such_domain".into()),
            Some(domain) if domain.foreign => Err("not_allowed".into()),
            Some(domain) if domain.blocked => Err("blocked".into()),
            Some(_) => Ok(()),
        }
    }

    fn domain(&mut self, parameters: &Parameters) -> Result<(String, &mut Domain), String> {
        let name = parameters.get("domain").cloned().unwrap_or_default();
        let domain = self.domains.get_mut(&name).ok_or("no_such_domain")?;
        Ok((name, domain))
    }

    fn list_domains(&mut self, parameters: &Parameters) -> Outcome {
        let number = |name: &str, default: usize| match parameters.get(name) {
            Some(text) => text.parse().ok().filter(|number| (1..=20).contains(number) || name == "page"),
            None => Some(default),
        };
        let (Some(page), Some(on_page)) = (number("page", 1), number("on_page", 20)) else {
            return Err(self.violates("domain/domains", "a page is no number, or has more than 20 domains"));
        };
        let names = self.domains.keys().skip(page.saturating_sub(1) * on_page).take(on_page);
        let domains: Vec<Value> = names.map(|name| json!({ "name": name, "status": "added" })).collect();
        let (found, total) = (domains.len(), self.domains.len());
        let content = json!({ "page": page, "on_page": on_page, "total": total, "found": found, "domains": domains });
        Ok(content.as_object().cloned().unwrap_or_default())
    }

    fn list(&mut self, parameters: &Parameters) -> Outcome {
        let (name, domain) = self.domain(parameters)?;
        let records = domain.records.clone();
        let records: Vec<Value> = records.iter().map(|(id, record)| self.shown(&name, *id, record)).collect();
        Ok(Map::from_iter([("domain".to_owned(), name.into()), ("records".to_owned(), records.into())]))
    }

    fn add(&mut self, parameters: &Parameters) -> Outcome {
        let rtype = parameters.get("type").cloned().unwrap_or_default();
        let mut record = Record::from([("type".to_owned(), rtype), ("ttl".to_owned(), "21600".to_owned())]);
        self.fill(&mut record, parameters, true)?;
        if self.switches.ttl_ignored {
            record.insert("ttl".into(), "21600".into());
        }
        let same = |held: &&Record| {
            ["type", "subdomain", "content"].iter().all(|field| held.get(*field) == record.get(*field))
        };
        let (name, domain) = self.domain(parameters)?;
        if domain.records.values().any(|held| same(&held)) {
            return Err("record_exists".into());
        }
        self.last_id += 1;
        let id = self.last_id;
        self.domain(parameters)?.1.records.insert(id, record.clone());
        let shown = self.shown(&name, id, &record);
        Ok(Map::from_iter([("domain".to_owned(), name.into()), ("record".to_owned(), shown)]))
    }

    fn edit(&mut self, parameters: &Parameters) -> Outcome {
        let id = self.id(parameters)?;
        let gone = self.switches.gone;
        let forgets = self.switches.edit_forgets;
        let (name, domain) = self.domain(parameters)?;
        let mut record = domain.records.get(&id).cloned().ok_or(gone)?;
        if forgets && record.contains_key("priority") {
            record.insert("priority".into(), "10".into());
        }
        self.fill(&mut record, parameters, false)?;
        self.domain(parameters)?.1.records.insert(id, record.clone());
        let mut shown = self.shown(&name, id, &record);
        shown["operation"] = "editing".into();
        let record_id = self.number(&id.to_string());
        Ok(Map::from_iter([
            ("domain".to_owned(), name.into()),
            ("record_id".to_owned(), record_id),
            ("record".to_owned(), shown),
        ]))
    }

    fn del(&mut self, parameters: &Parameters) -> Outcome {
        let id = self.id(parameters)?;
        let gone = self.switches.gone;
        let (name, domain) = self.domain(parameters)?;
        domain.records.remove(&id).ok_or(gone)?;
        let record_id = self.number(&id.to_string());
        Ok(Map::from_iter([("domain".to_owned(), name.into()), ("record_id".to_owned(), record_id)]))
    }

    fn id(&mut self, parameters: &Parameters) -> Result<u32, String> {
        let id = parameters.get("record_id").and_then(|id| id.parse().ok());
        id.ok_or_else(|| self.switches.gone.to_owned())
    }

    /// Makes a record what the parameters say. What is not named stays, but for the subdomain, which falls back to `@`.
    fn fill(&mut self, record: &mut Record, parameters: &Parameters, fresh: bool) -> Result<(), String> {
        let operation = if fresh { "dns/add" } else { "dns/edit" };
        let rtype = record.get("type").cloned().unwrap_or_default();
        if !TYPES.contains(&rtype.as_str()) {
            return Err(self.switches.bad_content.into());
        }
        for (special, types) in SPECIAL {
            let (sent, wanted) = (parameters.contains_key(special), types.contains(&rtype.as_str()));
            // In an edit of an SOA record all of them must be passed; a new one has only the address.
            let needed = wanted
                && special != "priority"
                && (!fresh || !["expire", "neg_cache", "refresh", "retry"].contains(&special));
            if sent && !wanted {
                return Err(self.violates(operation, &format!("{special} is not for {rtype} records")));
            }
            if needed && !sent {
                return Err(self.violates(operation, &format!("{rtype} records need {special}")));
            }
        }
        for numeric in ["ttl", "priority", "weight", "port", "refresh", "retry", "expire", "neg_cache"] {
            if parameters.get(numeric).is_some_and(|text| text.parse::<u32>().is_err()) {
                return Err(self.violates(operation, &format!("{numeric} is no number")));
            }
        }
        if !fresh && ["subdomain", "content", "ttl"].iter().any(|field| !parameters.contains_key(*field)) {
            return Err(self.violates(operation, "an edit that does not say everything moves or changes the record"));
        }
        if parameters
            .get("target")
            .is_some_and(|target| parameters.get("content").is_some_and(|content| content != target))
        {
            return Err(self.violates(operation, "content and target differ"));
        }
        let kept =
            parameters.iter().filter(|(name, _)| !["domain", "record_id", "type", "target"].contains(&name.as_str()));
        record.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
        if ["MX", "SRV"].contains(&rtype.as_str()) {
            record.entry("priority".into()).or_insert_with(|| "10".into());
        }
        let subdomain = parameters.get("subdomain").map_or("@", String::as_str);
        let domain = parameters.get("domain").map_or("", String::as_str);
        if subdomain == domain || subdomain.ends_with(&format!(".{domain}")) {
            return Err(self.violates(operation, "the subdomain is given in full"));
        }
        if self.prohibited.iter().any(|name| *name == full(subdomain, domain)) {
            return Err("prohibited".into());
        }
        record.insert("subdomain".into(), subdomain.into());
        let content = record.get("content").or(parameters.get("target")).cloned().unwrap_or_default();
        let content = self.content(&rtype, &content)?;
        record.insert("content".into(), content);
        let ttl = record.get("ttl").and_then(|ttl| ttl.parse().ok()).unwrap_or(21_600);
        record.insert("ttl".into(), self.switches.lowest_ttl.max(ttl).to_string());
        Ok(())
    }

    /// A content as it is kept.
    fn content(&self, rtype: &str, content: &str) -> Result<String, String> {
        if content.is_empty() {
            return Err(if ["A", "AAAA"].contains(&rtype) { "no_ip" } else { self.switches.bad_content }.into());
        }
        let fits = match rtype {
            "A" => content.parse::<Ipv4Addr>().is_ok(),
            "AAAA" => content.parse::<Ipv6Addr>().is_ok(),
            "TXT" => true,
            _ => content.contains('.') && !content.contains(' '),
        };
        if !fits {
            return Err(self.switches.bad_content.into());
        }
        let is_name = !["A", "AAAA", "TXT"].contains(&rtype);
        if is_name && !self.switches.contents_as_sent && !content.ends_with('.') {
            return Ok(format!("{content}."));
        }
        Ok(content.to_owned())
    }

    fn shown(&self, domain: &str, id: u32, record: &Record) -> Value {
        let get = |field: &str| record.get(field).cloned().unwrap_or_default();
        let subdomain = get("subdomain");
        let dot = if self.switches.dotted { "." } else { "" };
        let mut shown = json!({
            "record_id": self.number(&id.to_string()),
            "type": get("type"),
            "domain": domain,
            "subdomain": if subdomain == "@" && self.switches.empty_apex { "" } else { &subdomain },
            "fqdn": format!("{}{dot}", full(&subdomain, domain)),
            "content": get("content"),
            "ttl": self.number(&get("ttl")),
            "priority": self.number(&get("priority")),
        });
        if self.switches.no_fqdn {
            shown.as_object_mut().map(|shown| shown.remove("fqdn"));
        }
        for (field, name) in [
            ("weight", "weight"),
            ("port", "port"),
            ("refresh", "refresh"),
            ("retry", "retry"),
            ("expire", "expire"),
            ("neg_cache", "minttl"),
        ] {
            if let Some(value) = record.get(field) {
                shown[name] = self.number(value);
            }
        }
        if let Some(mail) = record.get("admin_mail") {
            shown["admin_mail"] = mail.clone().into();
        }
        shown
    }

    fn number(&self, text: &str) -> Value {
        match text.parse::<u32>() {
            Ok(number) if !self.switches.strings => number.into(),
            _ => text.into(),
        }
    }
}

fn full(subdomain: &str, domain: &str) -> String {
    if subdomain == "@" { domain.to_owned() } else { format!("{subdomain}.{domain}") }
}

/// The parameters: in the query of a GET, in the form of a POST, each once.
fn transport(request: &Received, method: &str) -> Result<Parameters, String> {
    let form = request.header("content-type") == Some("application/x-www-form-urlencoded");
    let text = match method {
        _ if request.method != method => return Err(format!("it is asked by {method}, not {}", request.method)),
        "GET" if request.body.is_empty() => request.query.clone().unwrap_or_default(),
        "POST" if form && request.query.is_none() => {
            String::from_utf8(request.body.clone()).map_err(|_| "the form is no text")?
        }
        _ => return Err("the parameters are not where they belong".into()),
    };
    let url = reqwest::Url::parse(&format!("http://127.0.0.1/?{text}")).map_err(|error| error.to_string())?;
    let mut parameters = Parameters::new();
    for (name, value) in url.query_pairs() {
        if parameters.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(format!("{name} is there twice"));
        }
    }
    Ok(parameters)
}
