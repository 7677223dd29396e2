//! LunaNode's DNS as its documentation describes it, and stricter: anything that is not documented is refused.
//!
//! Sources: LunaNode's page on the DNS operations (the table of parameters, the text on `dns2/record-add`), the transport
//! and the envelope as the official clients have them. What neither settles is a switch. Long, as it is a whole service.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::http::{Answer, Received, Server, unix_now};

#[path = "lunanode_checks.rs"]
pub mod checks;

use checks::{check_parameters, check_record, check_strings, check_transport, number, text};

/// The path in front of the operations.
const BASE: &str = "/api/";

/// The only text there is for a request that is not authenticated.
const AUTHENTICATION: &str =
    "authentication failure; common reasons: bad nonce (computer time off), source IP mismatch, invalid API id/key";

/// The operations with their required and their optional parameters.
pub const OPERATIONS: [(&str, &[&str], &[&str]); 10] = [
    ("dns/dyn-add/", &["name", "ip"], &[]),
    ("dns/dyn-list/", &[], &[]),
    ("dns/dyn-remove/", &["dyn_id"], &[]),
    ("dns/dyn-update/", &["dyn_id", "name", "ip"], &[]),
    (
        "dns2/record-add/",
        &["zone_id", "name", "data", "ttl", "type"],
        &[
            "policy",
            "weight",
            "region",
            "regiongroup",
            "country",
            "continent",
            "global",
            "latitude",
            "longitude",
            "aux",
            "monitor_id",
            "orig_record_id",
        ],
    ),
    ("dns2/record-list/", &["zone_id"], &[]),
    ("dns2/record-remove/", &["zone_id", "record_id"], &[]),
    ("dns2/zone-add/", &["name", "ttl"], &[]),
    ("dns2/zone-list/", &[], &[]),
    ("dns2/zone-remove/", &["zone_id"], &[]),
];

/// What a record has when a request does not say otherwise.
pub const DEFAULTS: [(&str, &str); 11] = [
    ("aux", "0"),
    ("continent", ""),
    ("country", ""),
    ("global", "1"),
    ("latitude", "0"),
    ("longitude", "0"),
    ("monitor_id", "0"),
    ("policy", "none"),
    ("region", ""),
    ("regiongroup", ""),
    ("weight", "0"),
];

/// How an empty map is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// `[]`, as PHP does.
    List,
    /// `{}`.
    Map,
    /// The key is missing.
    Missing,
}

/// What the documentation leaves open.
#[derive(Clone, Debug)]
pub struct Switches {
    /// How an empty map is written.
    pub empty: Empty,
    /// Names in lists end with a dot.
    pub trailing_dots: bool,
    /// Names of records in lists are relative to their zone, the apex as `""`.
    pub relative_names: bool,
    /// Names under lndyn.com are listed in full.
    pub full_dyn_names: bool,
    /// `dyn-add` answers with the id.
    pub dyn_add_tells_id: bool,
    /// A record has the same id after an edit.
    pub ids_stay: bool,
    /// Ids are numbers, not strings.
    pub numeric_ids: bool,
    /// A name under lndyn.com may have an IPv6 address.
    pub dyn_ipv6: bool,
    /// A nonce serves once.
    pub nonces_once: bool,
    /// `global` is listed as `"yes"` and `"no"`, not as `"1"` and `""`.
    pub global_in_words: bool,
    /// Error texts are JSON, escaped for HTML.
    pub escaped_errors: bool,
    /// By how many seconds a nonce may be off.
    pub nonce_window: i64,
    /// A lower TTL of a record is raised to this.
    pub lowest_ttl: u32,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            empty: Empty::List,
            trailing_dots: true,
            relative_names: false,
            full_dyn_names: false,
            dyn_add_tells_id: false,
            ids_stay: true,
            numeric_ids: false,
            dyn_ipv6: false,
            nonces_once: false,
            global_in_words: false,
            escaped_errors: false,
            nonce_window: 300,
            lowest_ttl: 0,
        }
    }
}

/// A record: its type, name in full, data, TTL and everything else under the names of the documentation.
pub type Record = BTreeMap<String, String>;

/// A hosted zone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its apex, without the last dot.
    pub name: String,
    /// Its TTL.
    pub ttl: String,
    /// Its records by id.
    pub records: BTreeMap<u32, Record>,
}

/// What the service holds, and how it behaves.
pub struct State {
    /// The only login.
    pub api_id: String,
    /// Its key.
    pub api_key: String,
    /// What is not documented.
    pub switches: Switches,
    /// The addresses of names under lndyn.com, by id: label and address.
    pub dyns: BTreeMap<u32, (String, IpAddr)>,
    /// Labels under lndyn.com that belong to others.
    pub taken: Vec<String>,
    /// Names in hosted zones, in full, whose records are refused.
    pub refused: Vec<String>,
    /// The hosted zones by id.
    pub zones: BTreeMap<u32, Zone>,
    /// The key is bound to another source address than the caller's.
    pub source_mismatch: bool,
    /// What callers did that the documentation does not allow.
    pub violations: Vec<String>,
    last_id: u32,
    skew: i64,
    nonces: Vec<String>,
}

/// A running emulator.
pub struct LunaNode {
    /// The server below it: faults and the log.
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl LunaNode {
    /// Starts on 127.0.0.1 with one login and nothing else.
    pub async fn start(port: u16, api_id: &str, api_key: &str, switches: Switches) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::new(api_id, api_key, switches)));
        let answering = Arc::clone(&state);
        let server = Server::start(port, move |request| lock(&answering).answer(request)).await?;
        Ok(Self { server, state })
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The URL that stands in for `https://dynamic.lunanode.com/api/`.
    pub fn endpoint(&self) -> String {
        self.server.url(BASE)
    }

    /// The service's clock is this many seconds ahead of ours, in its nonces and its `Date`.
    pub fn skew(&self, seconds: i64) {
        self.server.skew(seconds);
        self.state().skew = seconds;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a request fails, in the service's words.
type Outcome = Result<Map<String, Value>, String>;

impl State {
    /// A service with one login and nothing else.
    pub fn new(api_id: &str, api_key: &str, switches: Switches) -> Self {
        Self {
            api_id: api_id.into(),
            api_key: api_key.into(),
            switches,
            dyns: BTreeMap::new(),
            taken: Vec::new(),
            refused: Vec::new(),
            zones: BTreeMap::new(),
            source_mismatch: false,
            violations: Vec::new(),
            last_id: 100,
            skew: 0,
            nonces: Vec::new(),
        }
    }

    /// Adds a zone and answers its id.
    pub fn add_zone(&mut self, name: &str) -> u32 {
        let id = self.next_id();
        self.zones.insert(id, Zone { name: name.into(), ttl: "3600".into(), records: BTreeMap::new() });
        id
    }

    /// Adds a record with these fields (the rest by default) and answers its id.
    pub fn add_record(&mut self, zone: u32, fields: &[(&str, &str)]) -> u32 {
        let id = self.next_id();
        let all = DEFAULTS.iter().chain(fields).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        if let Some(zone) = self.zones.get_mut(&zone) {
            zone.records.insert(id, all.collect());
        }
        id
    }

    /// Adds a name under lndyn.com and answers its id.
    pub fn add_dyn(&mut self, label: &str, ip: IpAddr) -> u32 {
        let id = self.next_id();
        self.dyns.insert(id, (label.into(), ip));
        id
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// What the service says to a request.
    pub fn answer(&mut self, request: &Received) -> Answer {
        let Some(handler) = request.path.strip_prefix(BASE) else {
            return self.no_page(request);
        };
        let Some((handler, required, optional)) = OPERATIONS.into_iter().find(|(name, ..)| *name == handler) else {
            return self.no_page(request);
        };
        let outcome = self
            .authenticate(request, handler)
            .and_then(|parameters| {
                check_parameters(&parameters, required, optional)
                    .inspect_err(|why| self.violations.push(why.clone()))?;
                Ok(parameters)
            })
            .and_then(|parameters| self.act(handler, &parameters));
        let body = match outcome {
            Ok(mut content) => {
                content.insert("success".into(), "yes".into());
                content
            }
            Err(why) => self.refusal(&why),
        };
        Answer::new(200, Value::Object(body).to_string()).with("Content-Type", "application/json")
    }

    fn no_page(&mut self, request: &Received) -> Answer {
        self.violations.push(format!("{} {}: no such page", request.method, request.path));
        Answer::new(404, "<html><h1>Not Found</h1></html>").with("Content-Type", "text/html")
    }

    fn refusal(&self, why: &str) -> Map<String, Value> {
        let mut text = why.to_owned();
        if self.switches.escaped_errors {
            text = json!({ "message": why }).to_string().replace('&', "&amp;").replace('"', "&quot;");
        }
        Map::from_iter([("success".to_owned(), "no".into()), ("error".to_owned(), text.into())])
    }

    /// The parameters of a request that is signed as it should be, without those of the signature.
    fn authenticate(&mut self, request: &Received, handler: &str) -> Result<BTreeMap<String, String>, String> {
        let fields = check_transport(request, handler).inspect_err(|why| self.violations.push(why.clone()))?;
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let (req, nonce, signature) = (field("req"), field("nonce"), field("signature"));
        let mut parameters = check_strings(req).inspect_err(|why| self.violations.push(why.clone()))?;
        let id = parameters.remove("api_id").unwrap_or_default();
        let partial = parameters.remove("api_partialkey").unwrap_or_default();
        if id.len() != 16 || partial.len() != 64 {
            self.violations.push(format!("{handler}: api_id has {} and api_partialkey {}", id.len(), partial.len()));
        }
        let expected_partial = self.api_key.get(..64).unwrap_or_default();
        let known = id == self.api_id && partial == expected_partial && self.api_key.len() == 128;
        let fresh = self.check_nonce(nonce);
        let expected = checks::signature(&self.api_key, &format!("{handler}|{req}|{nonce}"));
        let signed = expected == signature;
        if known && signed && fresh && !self.source_mismatch {
            self.nonces.push(nonce.to_owned());
            return Ok(parameters);
        }
        Err(AUTHENTICATION.into())
    }

    fn check_nonce(&self, nonce: &str) -> bool {
        let digits = !nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_digit()) && !nonce.starts_with('0');
        let now = unix_now().saturating_add(self.skew);
        let near = nonce.parse::<i64>().is_ok_and(|at| at.abs_diff(now) <= self.switches.nonce_window.unsigned_abs());
        digits && near && !(self.switches.nonces_once && self.nonces.iter().any(|used| used == nonce))
    }

    fn act(&mut self, handler: &str, parameters: &BTreeMap<String, String>) -> Outcome {
        match handler {
            "dns/dyn-list/" => Ok(self.dyn_list()),
            "dns/dyn-add/" => self.dyn_add(parameters),
            "dns/dyn-update/" => self.dyn_update(parameters),
            "dns/dyn-remove/" => {
                let id = number(parameters, "dyn_id")?;
                self.dyns.remove(&id).map(|_| Map::new()).ok_or_else(|| "dyn not found".into())
            }
            "dns2/zone-list/" => Ok(self.zone_list()),
            "dns2/zone-add/" => self.zone_add(parameters),
            "dns2/zone-remove/" => {
                let id = number(parameters, "zone_id")?;
                self.zones.remove(&id).map(|_| Map::new()).ok_or_else(|| "zone not found".into())
            }
            "dns2/record-list/" => self.record_list(parameters),
            "dns2/record-add/" => self.record_add(parameters),
            "dns2/record-remove/" => {
                let record = number(parameters, "record_id")?;
                let removed = self.zone(parameters)?.records.remove(&record);
                removed.map(|_| Map::new()).ok_or_else(|| "record not found".into())
            }
            _ => Err("unknown action".into()),
        }
    }

    fn zone(&mut self, parameters: &BTreeMap<String, String>) -> Result<&mut Zone, String> {
        let id = number(parameters, "zone_id")?;
        self.zones.get_mut(&id).ok_or_else(|| "zone not found".into())
    }

    fn dyn_list(&self) -> Map<String, Value> {
        let entries = self.dyns.iter().map(|(id, (label, ip))| {
            let name =
                if self.switches.full_dyn_names { self.dotted(&format!("{label}.lndyn.com")) } else { label.clone() };
            (id.to_string(), json!({ "id": self.id(*id), "name": name, "ip": ip.to_string() }))
        });
        self.listed("dyns", entries.collect())
    }

    fn dyn_add(&mut self, parameters: &BTreeMap<String, String>) -> Outcome {
        let (label, ip) = self.dyn_parameters(parameters)?;
        if self.taken.contains(&label) || self.dyns.values().any(|(held, _)| *held == label) {
            return Err("this name is already in use".into());
        }
        let id = self.add_dyn(&label, ip);
        let told = self.switches.dyn_add_tells_id.then(|| ("id".to_owned(), self.id(id)));
        Ok(told.into_iter().collect())
    }

    fn dyn_update(&mut self, parameters: &BTreeMap<String, String>) -> Outcome {
        let id = number(parameters, "dyn_id")?;
        let entry = self.dyn_parameters(parameters)?;
        match self.dyns.get_mut(&id) {
            Some(held) => *held = entry,
            None => return Err("dyn not found".into()),
        }
        Ok(Map::new())
    }

    /// The bare label and the address.
    fn dyn_parameters(&self, parameters: &BTreeMap<String, String>) -> Result<(String, IpAddr), String> {
        let label = text(parameters, "name")?;
        let bare = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if label.is_empty() || label.len() > 63 || !bare {
            return Err("invalid name".into());
        }
        let ip: IpAddr = text(parameters, "ip")?.parse().map_err(|_| "invalid IP address")?;
        if ip.is_ipv6() && !self.switches.dyn_ipv6 { Err("invalid IP address".into()) } else { Ok((label.into(), ip)) }
    }

    fn zone_list(&self) -> Map<String, Value> {
        let entries = self.zones.iter().map(|(id, zone)| {
            (id.to_string(), json!({ "id": self.id(*id), "name": self.dotted(&zone.name), "ttl": zone.ttl }))
        });
        self.listed("zones", entries.collect())
    }

    fn zone_add(&mut self, parameters: &BTreeMap<String, String>) -> Outcome {
        let name = text(parameters, "name")?.trim_end_matches('.').to_owned();
        let ttl = number(parameters, "ttl")?.to_string();
        if !name.contains('.') || self.zones.values().any(|zone| zone.name == name) {
            return Err("invalid zone name".into());
        }
        let id = self.next_id();
        self.zones.insert(id, Zone { name, ttl, records: BTreeMap::new() });
        Ok(Map::new())
    }

    fn record_list(&mut self, parameters: &BTreeMap<String, String>) -> Outcome {
        let zone = self.zone(parameters)?.clone();
        let entries =
            zone.records.iter().map(|(id, record)| (id.to_string(), self.listed_record(*id, record, &zone.name)));
        Ok(self.listed("records", entries.collect()))
    }

    /// All scalars are strings; `check_name` may be null.
    fn listed_record(&self, id: u32, record: &Record, zone: &str) -> Value {
        let mut listed: Map<String, Value> =
            record.iter().map(|(field, value)| (field.clone(), value.clone().into())).collect();
        let name = record.get("name").map(String::as_str).unwrap_or_default();
        let name = if self.switches.relative_names {
            name.strip_suffix(zone).unwrap_or(name).trim_end_matches('.').to_owned()
        } else {
            self.dotted(name)
        };
        listed.insert("id".into(), self.id(id));
        listed.insert("name".into(), name.into());
        if self.switches.global_in_words {
            let word = if record.get("global").is_some_and(|global| global == "1") { "yes" } else { "no" };
            listed.insert("global".into(), word.into());
        }
        listed.insert("status".into(), "1".into());
        listed.insert("status_nice".into(), "Enabled".into());
        listed.insert("check_name".into(), Value::Null);
        Value::Object(listed)
    }

    fn record_add(&mut self, parameters: &BTreeMap<String, String>) -> Outcome {
        let mut record = check_record(parameters, &self.zone(parameters)?.name)?;
        if number(parameters, "ttl")? < self.switches.lowest_ttl {
            record.insert("ttl".into(), self.switches.lowest_ttl.to_string());
        }
        if record.get("name").is_some_and(|name| self.refused.contains(name)) {
            return Err("this name cannot be used".into());
        }
        let original = match parameters.get("orig_record_id") {
            Some(_) => Some(number(parameters, "orig_record_id")?),
            None => None,
        };
        let (fresh, stays) = (self.next_id(), self.switches.ids_stay);
        let records = &mut self.zone(parameters)?.records;
        let id = match original {
            Some(original) if !records.contains_key(&original) => return Err("record not found".into()),
            Some(original) => {
                records.remove(&original);
                if stays { original } else { fresh }
            }
            None => fresh,
        };
        records.insert(id, record);
        Ok(Map::from_iter([("record_id".to_owned(), self.id(id))]))
    }

    fn id(&self, id: u32) -> Value {
        if self.switches.numeric_ids { id.into() } else { id.to_string().into() }
    }

    fn dotted(&self, name: &str) -> String {
        if self.switches.trailing_dots { format!("{name}.") } else { name.to_owned() }
    }

    fn listed(&self, list: &str, entries: Map<String, Value>) -> Map<String, Value> {
        let value = match self.switches.empty {
            Empty::Missing if entries.is_empty() => return Map::new(),
            Empty::List if entries.is_empty() => Value::Array(Vec::new()),
            _ => Value::Object(entries),
        };
        Map::from_iter([(list.to_owned(), value)])
    }
}
