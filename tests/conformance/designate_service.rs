//! A small strict Designate with its Keystone: what it says is taken from the recorded exchanges, what it keeps is in memory.
//!
//! Strict: what the recorded server refuses is refused with its recorded words, and what it lets pass although its
//! documentation does not (unknown parameters, names in upper case) is refused too and noted as a violation.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]
#![allow(clippy::expect_used, clippy::panic, reason = "a service of the tests fails as tests do")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use serde_json::{Map, Value as Json, json};

use super::http::{Answer, Received};

#[path = "designate_zones.rs"]
mod by_hand;

/// The zone that the account may edit.
pub const ZONE: &str = "ddns.example.test.";
/// The zone that it may only look at.
pub const READ_ONLY: &str = "read-only.example.test.";
/// The password of the recorded login.
pub const PASSWORD: &str = "demopass";

const TOKEN: &str = "a-token-of-this-test";
/// The page of a list where none is asked for, and the largest.
const PAGE: (usize, usize) = (20, 1000);
/// The most values of a record set.
const QUOTA: usize = 20;

/// A record set.
#[derive(Clone, Debug)]
pub struct RecordSet {
    /// Its id.
    pub id: String,
    /// The name of its zone.
    pub zone: String,
    /// Its name, with the dot.
    pub name: String,
    /// Its type.
    pub rtype: String,
    /// Its values as they were written.
    pub records: Vec<String>,
    /// Its TTL; `None` is the zone's.
    pub ttl: Option<u64>,
    /// What a person wrote about it.
    pub description: Option<String>,
    /// `ACTIVE`, `PENDING` or `ERROR`.
    pub status: &'static str,
    action: &'static str,
    version: u32,
}

/// A zone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its id.
    pub id: String,
    /// Its name, with the dot.
    pub name: String,
}

/// What it holds, and how it fares.
pub struct Designate {
    /// The zones that the account sees.
    pub zones: Vec<Zone>,
    /// The record sets, oldest first.
    pub sets: Vec<RecordSet>,
    /// What is accepted stays pending.
    pub stalled: bool,
    /// The next change that is accepted breaks.
    pub breaks: bool,
    /// Changes are answered and not made.
    pub swallows: bool,
    /// No credentials are right.
    pub refuses: bool,
    /// What a client did that the documentation does not allow.
    pub violations: Vec<String>,
    made: u32,
}

/// A recorded exchange: the request's body, the status and the answer's body.
fn recorded(name: &str) -> (Json, u16, Json) {
    let path = format!("{}/tests/exchanges/designate/{name}.http", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (request, answer) = text.split_once("\n--------------------\n").expect("a request and an answer");
    let body = |message: &str| serde_json::from_str(message.split_once("\n\n").expect("a body").1).unwrap_or_default();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (body(request), status, body(answer))
}

fn answer(status: u16, body: &Json) -> Answer {
    Answer::new(status, body.to_string()).with("Content-Type", "application/json")
}

/// The recorded answer as it is.
fn replay(name: &str) -> Answer {
    let (_, status, body) = recorded(name);
    answer(status, &body)
}

type Query = BTreeMap<String, String>;

impl Default for Designate {
    /// With the zones that the account may edit and look at.
    fn default() -> Self {
        let zone = |name: &str, id: &str| Zone { id: id.into(), name: name.into() };
        Self {
            zones: vec![
                zone(ZONE, "8d19cd24-d3cc-4b10-9ce3-2be7f3d04266"),
                zone(READ_ONLY, "8d19cd24-d3cc-4b10-9ce3-000000000000"),
            ],
            sets: Vec::new(),
            stalled: false,
            breaks: false,
            swallows: false,
            refuses: false,
            violations: Vec::new(),
            made: 0,
        }
    }
}

impl Designate {
    /// Adds a record set as a person would, in force.
    pub fn put(&mut self, name: &str, rtype: &str, records: Vec<String>, ttl: Option<u64>) {
        self.sets.retain(|set| !(set.name == name && set.rtype == rtype));
        let description = Some(format!("{name} by hand"));
        let zone = self.zones.iter().filter(|zone| within(name, &zone.name)).max_by_key(|zone| zone.name.len());
        let zone = zone.expect("a zone of this name").name.clone();
        let id = self.id();
        let (name, rtype) = (name.into(), rtype.into());
        let (status, action, version) = ("ACTIVE", "NONE", 1);
        self.sets.push(RecordSet { id, zone, name, rtype, records, ttl, description, status, action, version });
    }

    fn id(&mut self) -> String {
        self.made += 1;
        format!("b8a23c87-5ade-4be0-a5f6-{:012}", self.made)
    }

    /// Answers one request.
    pub fn answer(&mut self, request: &Received) -> Answer {
        let url = format!("http://h{}?{}", request.path, request.query.as_deref().unwrap_or_default());
        let url = Url::parse(&url).expect("a URL");
        let query: Query = url.query_pairs().into_owned().collect();
        if request.path == "/v3/auth/tokens" {
            return self.token(request);
        }
        if self.refuses || request.header("x-auth-token") != Some(TOKEN) {
            return replay("166-zones-expired-token");
        }
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), &path[..]) {
            ("GET", ["v2", "zones"]) => self.zones(&query),
            ("POST", ["v2", "zones"]) => self.add_zone(&body),
            ("GET", ["v2", "zones", zone]) => self.show_zone(zone),
            ("DELETE", ["v2", "zones", zone]) => self.remove_zone(zone),
            ("GET", ["v2", "recordsets"]) => self.list_everywhere(&query),
            ("GET", ["v2", "recordsets", set]) => self.point(set),
            ("GET", ["v2", "zones", zone, "recordsets", set]) => self.show(zone, set),
            ("GET", ["v2", "zones", zone, "recordsets"]) => self.list(zone, &query),
            ("POST", ["v2", "zones", zone, "recordsets"]) => self.create(zone, &body),
            ("PUT", ["v2", "zones", zone, "recordsets", set]) => self.update(zone, set, &body),
            ("DELETE", ["v2", "zones", zone, "recordsets", set]) => self.delete(zone, set),
            _ => self.violation(format!("{} {}", request.method, request.path), "148-no-such-path"),
        }
    }

    fn violation(&mut self, what: String, words: &str) -> Answer {
        self.violations.push(what);
        replay(words)
    }

    /// Keystone: the recorded login, with the address of this server in its catalog.
    fn token(&mut self, request: &Received) -> Answer {
        let (asked, status, mut issued) = recorded("004-ks-password-project-scope");
        let mut sent: Json = serde_json::from_slice(&request.body).unwrap_or_default();
        let password = sent.pointer_mut("/auth/identity/password/user/password").map(Json::take);
        if let Some(place) = sent.pointer_mut("/auth/identity/password/user/password") {
            *place = PASSWORD.into();
        }
        if request.method != "POST" || sent != asked {
            return self.violation(format!("a login with {sent}"), "012-ks-bad-json");
        }
        if self.refuses || password != Some(PASSWORD.into()) {
            return replay("008-ks-wrong-password");
        }
        let here = format!("http://{}/", request.header("host").unwrap_or_default());
        let catalog = issued.pointer_mut("/token/catalog").and_then(Json::as_array_mut).expect("a catalog");
        let dns = catalog.iter_mut().filter(|service| service["type"] == "dns");
        for endpoint in dns.flat_map(|service| service["endpoints"].as_array_mut().expect("endpoints")) {
            endpoint["url"] = here.clone().into();
        }
        answer(status, &issued).with("X-Subject-Token", TOKEN)
    }

    fn zones(&mut self, query: &Query) -> Answer {
        let wanted = |zone: &&Zone| query.get("name").is_none_or(|wanted| *wanted == zone.name);
        let zones = self.zones.iter().filter(wanted).map(shown_zone).collect();
        self.page("zones", zones, query, &["name"])
    }

    fn list(&mut self, zone: &str, query: &Query) -> Answer {
        let Some(zone) = self.zone_of(zone) else { return replay("123-rs-list-unknown-zone") };
        let fits = |set: &RecordSet| set.zone == zone && fits(set, query);
        let sets = self.sets.iter().filter(|set| fits(set)).map(|set| self.shown(set)).collect();
        if !self.stalled {
            // What was looked at once while it was pending comes into force.
            let pending = self.sets.iter_mut().filter(|set| set.status == "PENDING" && fits(set));
            pending.for_each(|set| (set.status, set.action) = ("ACTIVE", "NONE"));
        }
        self.page("recordsets", sets, query, &["data", "name", "type"])
    }

    /// One page of a list. A full page has a link to the next one even where it is the last, as the recorded server does.
    fn page(&mut self, what: &str, all: Vec<Json>, query: &Query, filters: &[&str]) -> Answer {
        let known = |key: &String| filters.contains(&key.as_str()) || matches!(key.as_str(), "limit" | "marker");
        let limit = query.get("limit").map_or(Ok(PAGE.0), |limit| limit.parse::<usize>());
        let (Ok(limit @ 1..), true) = (limit, query.keys().all(known)) else {
            return self.violation(format!("a list of {what} with {query:?}"), "066-rs-list-bad-marker");
        };
        let behind = match query.get("marker") {
            Some(marker) => match all.iter().position(|item| item["id"] == **marker) {
                Some(at) => at + 1,
                None => return replay("066-rs-list-bad-marker"),
            },
            None => 0,
        };
        let total = all.len();
        let page: Vec<Json> = all.into_iter().skip(behind).take(limit.min(PAGE.1)).collect();
        let mut links = json!({"self": "http://elsewhere.invalid/v2/list"});
        if let Some(last) = page.last().filter(|_| page.len() == limit) {
            links["next"] =
                format!("http://elsewhere.invalid/v2/list?marker={}", last["id"].as_str().unwrap_or_default()).into();
        }
        answer(200, &json!({what: page, "links": links, "metadata": {"total_count": total}}))
    }

    fn create(&mut self, zone: &str, body: &Json) -> Answer {
        let Some(zone) = self.zone_of(zone) else { return replay("120-rs-create-other-project") };
        let keys = ["name", "type", "records", "ttl", "description"];
        let (Some(name), Some(rtype)) = (body["name"].as_str(), body["type"].as_str()) else {
            return self.violation(format!("a record set without a name: {body}"), "072-rs-create-bad-ip");
        };
        let (name, rtype) = (name.to_owned(), rtype.to_owned());
        if !within(&name, &zone) || name != name.to_ascii_lowercase() {
            return self.violation(format!("the name {name}"), "072-rs-create-bad-ip");
        }
        if let Err(refused) = self.check(&zone, &rtype, body, &keys) {
            return refused;
        }
        let beside: Vec<_> = self.sets.iter().filter(|set| set.name == name).collect();
        if beside.iter().any(|set| set.rtype == rtype) {
            return replay("071-rs-create-duplicate");
        }
        if beside.iter().any(|set| set.rtype == "CNAME") || rtype == "CNAME" && !beside.is_empty() {
            return replay("098-rs-create-cname-beside-a");
        }
        let id = self.id();
        let (records, ttl, version) = (Vec::new(), None, 0);
        let (status, action) = ("ACTIVE", "NONE");
        let set = RecordSet { id, zone, name, rtype, records, ttl, description: None, status, action, version };
        let shown = self.take(set, body, "CREATE");
        answer(202, &shown)
    }

    fn update(&mut self, zone: &str, id: &str, body: &Json) -> Answer {
        let Some(zone) = self.zone_of(zone) else { return replay("136-rs-update-unknown") };
        let Some(set) = self.sets.iter().find(|set| set.id == id && set.zone == zone).cloned() else {
            return replay("136-rs-update-unknown");
        };
        if let Err(refused) = self.check(&zone, &set.rtype, body, &["records", "ttl", "description"]) {
            return refused;
        }
        let shown = self.take(set, body, "UPDATE");
        answer(202, &shown)
    }

    fn delete(&mut self, zone: &str, id: &str) -> Answer {
        let zone = self.zone_of(zone);
        if zone.as_deref() == Some(READ_ONLY) {
            return replay("137-rs-update-as-reader");
        }
        let Some(at) = self.sets.iter().position(|set| set.id == id && zone.as_ref() == Some(&set.zone)) else {
            return replay("145-rs-delete-again");
        };
        let mut gone = self.sets[at].clone();
        (gone.status, gone.action) = ("PENDING", "DELETE");
        if !self.swallows {
            // A set that is being deleted is not found any more, at once.
            self.sets.remove(at);
        }
        let shown = self.shown(&gone);
        answer(202, &shown)
    }

    /// What create and update have in common: rights, keys, values.
    fn check(&mut self, zone: &str, rtype: &str, body: &Json, keys: &[&str]) -> Result<(), Answer> {
        if zone == READ_ONLY {
            return Err(replay("118-rs-create-as-reader"));
        }
        let empty = Map::new();
        let given = body.as_object().unwrap_or(&empty);
        let records = body["records"].as_array().cloned().unwrap_or_default();
        let texts: Option<Vec<&str>> = records.iter().map(Json::as_str).collect();
        let ttl = body.get("ttl").is_none_or(|ttl| ttl.as_u64().is_some_and(|ttl| ttl <= 2_147_483_647));
        let (Some(texts), true, true) = (texts, ttl, given.keys().all(|key| keys.contains(&key.as_str()))) else {
            return Err(self.violation(format!("the body {body}"), "081-rs-create-ttl--1"));
        };
        let fits = |text: &&str| match rtype {
            "A" => text.parse::<Ipv4Addr>().is_ok(),
            "AAAA" => text.parse::<Ipv6Addr>().is_ok(),
            _ => true,
        };
        if !texts.iter().all(fits) {
            return Err(self.violation(format!("{rtype} {texts:?}"), "072-rs-create-bad-ip"));
        }
        if texts.len() > QUOTA { Err(replay("106-rs-create-21-records-over-quota")) } else { Ok(()) }
    }

    /// Accepts a change: what the body names is set, the rest stays. Answers how the set looks.
    fn take(&mut self, mut set: RecordSet, body: &Json, action: &'static str) -> Json {
        if let Some(records) = body["records"].as_array() {
            set.records = records.iter().filter_map(Json::as_str).map(String::from).collect();
        }
        if let Some(ttl) = body.get("ttl") {
            set.ttl = ttl.as_u64();
        }
        set.version += 1;
        (set.status, set.action) = ("PENDING", action);
        let accepted = self.shown(&set);
        if std::mem::take(&mut self.breaks) {
            set.status = "ERROR";
        }
        if !self.swallows {
            match self.sets.iter_mut().find(|held| held.id == set.id) {
                Some(held) => *held = set,
                None => self.sets.push(set),
            }
        }
        accepted
    }

    /// The name of the zone with this id.
    fn zone_of(&self, id: &str) -> Option<String> {
        self.zones.iter().find(|zone| zone.id == id).map(|zone| zone.name.clone())
    }

    /// A record set as the recorded server shows one.
    fn shown(&self, set: &RecordSet) -> Json {
        let (_, _, mut body) = recorded("050-rs-create-a");
        body["id"] = (*set.id).into();
        body["zone_id"] = self.zones.iter().find(|zone| zone.name == set.zone).map_or("", |zone| &*zone.id).into();
        body["zone_name"] = (*set.zone).into();
        body["name"] = (*set.name).into();
        body["type"] = (*set.rtype).into();
        body["records"] = json!(set.records);
        body["ttl"] = json!(set.ttl);
        body["description"] = json!(set.description);
        body["status"] = set.status.into();
        body["action"] = set.action.into();
        body["version"] = set.version.into();
        body
    }
}

/// Whether a name, with its dot, lies in a zone.
fn within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

/// Whether a record set is one of those that a list is asked for.
fn fits(set: &RecordSet, query: &Query) -> bool {
    let is = |key: &str, of: &dyn Fn(&str) -> bool| query.get(key).is_none_or(|wanted| of(wanted));
    is("name", &|name| matches(name, &set.name))
        && is("type", &|rtype| rtype == set.rtype)
        && is("data", &|data| set.records.iter().any(|record| matches(data, record)))
}

/// A zone as the recorded server shows one.
fn shown_zone(zone: &Zone) -> Json {
    let (_, _, body) = recorded("039-zones-list-by-name");
    let mut shown = body["zones"][0].clone();
    (shown["name"], shown["id"]) = ((*zone.name).into(), (*zone.id).into());
    shown
}

/// The filter for names: `*` matches anything.
fn matches(filter: &str, name: &str) -> bool {
    match filter.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => filter == name,
    }
}
