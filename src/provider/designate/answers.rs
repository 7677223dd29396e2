//! Designate's answers: record sets and zones as it writes them, pages, and what its refusals mean.

use std::collections::BTreeMap;

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::model::error::{Error, Result, Scope};
use crate::model::name::Name;
use crate::model::plan::{Applied, Health, Snapshot};
use crate::model::record::{RecordType, RrsetKey, Ttl, Value, presented};
use crate::net::http::Reply;
use crate::provider::edit::Row;
use crate::provider::shape::rrsets::Rrset;

/// The longest text of the service's that a message repeats, in characters.
const QUOTE: usize = 300;

/// A zone as Designate writes it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ZoneEntry {
    /// Its id.
    pub id: String,
    /// Its apex with the dot.
    pub name: String,
    /// `PRIMARY` or `SECONDARY`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The TTL of the record sets that have none of their own, in seconds.
    pub ttl: Option<u32>,
    /// Who answers for it.
    pub email: Option<String>,
    /// What a person wrote about it.
    pub description: Option<String>,
    /// `PENDING`, `ACTIVE`, `ERROR`.
    pub status: Option<String>,
    /// The serial number of its SOA.
    pub serial: Option<u64>,
    /// Whose it is.
    pub project_id: Option<String>,
}

/// A record set as Designate writes it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RecordSet {
    /// Its id.
    pub id: String,
    /// Its name with the dot, in the case in which it was made.
    pub name: String,
    #[serde(rename = "type")]
    rtype: String,
    #[serde(default)]
    records: Vec<String>,
    ttl: Option<u32>,
    status: Option<String>,
    action: Option<String>,
    description: Option<String>,
    /// The id of its zone; lists across zones have it, and so do servers since 2014.
    pub zone_id: Option<String>,
    /// The name of its zone; only lists across zones have it for sure.
    pub zone_name: Option<String>,
}

/// What the replacement of a record set needs.
pub(super) struct Kept {
    /// The record set's id.
    pub id: String,
    /// Its values as they are written there: what stays is sent back in the same words.
    pub written: BTreeMap<Value, String>,
}

/// One page of a list.
pub(super) struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The marker of the next page, if one was announced.
    pub next: Option<String>,
}

#[derive(Default, Deserialize)]
struct Links {
    next: Option<String>,
}

/// One zone.
pub(super) fn zone(reply: &Reply, doing: &str) -> Result<ZoneEntry> {
    if reply.is_success() { reply.json(doing) } else { Err(failure(reply, doing)) }
}

/// One record set.
pub(super) fn recordset(reply: &Reply, doing: &str) -> Result<RecordSet> {
    if reply.is_success() { reply.json(doing) } else { Err(failure(reply, doing)) }
}

/// A page of zones.
pub(super) fn zones_page(reply: &Reply, doing: &str) -> Result<Page<ZoneEntry>> {
    #[derive(Deserialize)]
    struct Body {
        zones: Vec<ZoneEntry>,
        #[serde(default)]
        links: Links,
    }
    let body: Body = listed(reply, doing)?;
    Ok(Page { items: body.zones, next: marker(&body.links) })
}

/// A page of record sets.
pub(super) fn recordsets_page(reply: &Reply, doing: &str) -> Result<Page<RecordSet>> {
    #[derive(Deserialize)]
    struct Body {
        recordsets: Vec<RecordSet>,
        #[serde(default)]
        links: Links,
    }
    let body: Body = listed(reply, doing)?;
    Ok(Page { items: body.recordsets, next: marker(&body.links) })
}

fn listed<T: serde::de::DeserializeOwned>(reply: &Reply, doing: &str) -> Result<T> {
    if reply.status == 200 { reply.json(doing) } else { Err(failure(reply, doing)) }
}

/// The marker in the link to the next page. Only the marker is used: the link is absolute, and behind a proxy it names the
/// wrong host.
fn marker(links: &Links) -> Option<String> {
    let base = Url::parse("http://designate.invalid/").ok()?;
    let next = base.join(links.next.as_deref()?).ok()?;
    next.query_pairs().find(|(key, _)| key == "marker").map(|(_, marker)| marker.into_owned())
}

impl RecordSet {
    /// The record set as a person sees it, under the same conditions. A TTL that is its zone's is left out.
    pub fn row(&self) -> Option<Row> {
        let Rrset { key, ttl, .. } = self.rrset()?;
        // TXT without its quotes, addresses in one spelling, everything else as it is.
        let shown =
            |text: &String| Value::parse(key.rtype, text).map_or_else(|_| text.clone(), |value| value.to_string());
        let mut values: Vec<String> = self.records.iter().map(shown).collect();
        // The server tells them in any order.
        values.sort_unstable();
        let told = [("comment", &self.description), ("status", &self.status), ("zone", &self.zone_name)];
        let told = told.into_iter().filter_map(|(name, value)| Some((name.into(), value.clone()?)));
        Some(Row { id: self.id.clone(), name: key.name, rtype: key.rtype, values, ttl, attributes: told.collect() })
    }

    /// The record set in our words. `None` where it is being deleted, or of a name or type that we do not know.
    pub fn rrset(&self) -> Option<Rrset> {
        let status = self.status.as_deref().unwrap_or("ACTIVE");
        if status == "DELETED" || (self.action.as_deref() == Some("DELETE") && status != "ERROR") {
            return None;
        }
        let rtype: RecordType = self.rtype.parse().ok()?;
        let key = RrsetKey::new(Name::parse(&self.name).ok()?, rtype);
        // What is no address after all is kept as the text it is: Designate checks addresses, so this is somebody else's.
        let value = |text: &String| Value::parse(rtype, text).unwrap_or_else(|_| Value::Text(text.clone()));
        let written: BTreeMap<_, _> = self.records.iter().map(|text| (value(text), text.clone())).collect();
        let values = written.keys().cloned().collect();
        let health = match status {
            "ACTIVE" => Health::Live,
            "ERROR" => Health::Broken,
            _ => Health::Pending,
        };
        let snapshot = Snapshot::of(Kept { id: self.id.clone(), written });
        Some(Rrset { key, values, ttl: self.ttl.and_then(Ttl::new), health, snapshot })
    }
}

/// A value as Designate takes it: TXT in quotes, in strings of at most 255 octets with them.
pub(super) fn written(rtype: RecordType, value: &Value) -> String {
    let Value::Text(text) = value else { return value.to_string() };
    if !rtype.is_text() {
        return text.clone();
    }
    presented(text)
}

/// What became of a create or an update: the answer must be the record set, whatever stands between us and Designate.
pub(super) fn stored(reply: &Reply, doing: &str) -> Result<Applied> {
    if !reply.is_success() {
        return Err(failure(reply, doing));
    }
    reply.json::<RecordSet>(doing)?;
    outcome(reply, doing)
}

/// What became of a deletion. Older servers answer with an empty body.
pub(super) fn deleted(reply: &Reply, doing: &str) -> Result<Applied> {
    if !reply.is_success() {
        return Err(failure(reply, doing));
    }
    if !(reply.body.is_empty() && matches!(reply.status, 202 | 204)) {
        reply.json::<RecordSet>(doing)?;
    }
    outcome(reply, doing)
}

fn outcome(reply: &Reply, doing: &str) -> Result<Applied> {
    match reply.status {
        200 | 201 | 204 => Ok(Applied::Done),
        202 => Ok(Applied::Accepted(None)),
        status => Err(Error::transient(doing, format!("status {status} was not understood"))),
    }
}

/// A refusal in words.
pub(super) struct Problem {
    /// The service's words, the status and the request's id.
    pub why: String,
    /// Whether this is an answer of Designate or Keystone, not of something in between.
    pub understood: bool,
    kind: String,
    message: String,
}

/// Reads a refusal. There are three shapes: Designate's with a message or a list of errors, the size limiter's (its `code` is
/// a text), and Keystone's and its middleware's with an `error` around it.
pub(super) fn problem(reply: &Reply) -> Problem {
    let json: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    let inner = json.get("error").unwrap_or(&json);
    let text = |of: &Json, key: &str| of.get(key).and_then(Json::as_str).map(tidy).filter(|text| !text.is_empty());
    let understood = inner.get("code").is_some();
    let kind = text(inner, "type").unwrap_or_default();
    let message = text(inner, "message").or_else(|| schema_errors(inner)).unwrap_or_default();
    let request = text(inner, "request_id").or_else(|| {
        reply
            .headers
            .get("x-openstack-request-id")
            .and_then(|id| id.to_str().ok())
            .map(tidy)
            .filter(|id| !id.is_empty())
    });
    let mut marks = vec![format!("status {}", reply.status)];
    marks.extend((!kind.is_empty()).then(|| kind.clone()));
    marks.extend(request);
    let said = if message.is_empty() { "the service refused" } else { &message };
    Problem { why: format!("{said} ({}){}", marks.join(", "), reply.quoted()), understood, kind, message }
}

/// `records.0: '999.1.1.1' is not a 'A' Record`
fn schema_errors(problem: &Json) -> Option<String> {
    let errors = problem.get("errors")?.get("errors")?.as_array()?;
    let one = |error: &Json| {
        let path = error.get("path").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let path = path.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), String::from));
        let path = path.collect::<Vec<_>>().join(".");
        let message = error.get("message").and_then(Json::as_str).unwrap_or("not valid");
        format!("{path}: {message}")
    };
    Some(tidy(&errors.iter().map(one).collect::<Vec<_>>().join("; "))).filter(|text| !text.is_empty())
}

/// A text of the service's on one line, without control characters, of bounded length.
fn tidy(text: &str) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    line.collect::<Vec<_>>().join(" ").chars().take(QUOTE).collect()
}

/// What a refusal of Designate's means.
pub(super) fn failure(reply: &Reply, doing: &str) -> Error {
    let problem = problem(reply);
    let why = problem.why.clone();
    match (reply.status, problem.kind.as_str()) {
        // The session has tried a new token already.
        (401, _) => match reply.clock_is_off() {
            Some(off) => Error::transient(doing, format!("{why}, and the clock is off by {off:?}"))
                .hint("set this machine's clock"),
            None => Error::auth(Scope::Account, doing, why).hint("Designate does not take Keystone's tokens"),
        },
        // Whoever is no administrator gets this without a word (seen at Designate 23).
        (403, _) if reply.body.is_empty() && reply.headers.contains_key("x-openstack-request-id") => {
            Error::auth(Scope::Account, doing, why)
                .hint("sudo_project_id and all_projects are for administrators: without that role leave them out")
        }
        (403, _) if problem.understood => Error::auth(Scope::RecordSet, doing, why)
            .hint("the account may not do this here: its role in the project must allow changes, not only reading"),
        (404, "zone_not_found" | "recordset_not_found") | (409, _) => Error::stale(doing, why),
        // The record set that a page ended with was removed meanwhile.
        (400, "invalid_marker" | "marker_not_found") => Error::stale(doing, why),
        (400, _) if problem.message.contains("deleting zone") => Error::transient(doing, why),
        // A zone was made below the one that we remember.
        (400, "invalid_recordset_location") if problem.message.contains("child zone") => Error::stale(doing, why),
        (413, "over_quota") => {
            Error::config(doing, why).hint("ask the provider for a larger quota, or remove what is not needed")
        }
        _ => problem.general(reply, doing, "endpoint"),
    }
}

impl Problem {
    /// What the status means by itself; `setting` is to be corrected where the answer is of neither service.
    pub fn general(self, reply: &Reply, doing: &str, setting: &str) -> Error {
        match reply.status {
            429 => Error::rate_limited(reply.retry_after(), doing, self.why),
            503 if reply.retry_after().is_some() => Error::rate_limited(reply.retry_after(), doing, self.why),
            408 | 425 | 500.. => Error::transient(doing, self.why),
            400..500 if self.understood => Error::config(doing, self.why),
            status => {
                Error::transient(doing, format!("the answer (status {status}) was not understood{}", reply.quoted()))
                    .hint(format!("if this stays so, correct {setting}: something else answers there"))
            }
        }
    }
}

/// The fuzzer's door: an answer of any content; whether a change that is answered so counts as made.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(status: u16, body: &[u8]) -> bool {
    let reply = Reply::new(status, Default::default(), body.to_vec());
    let _ = zones_page(&reply, "listing");
    if let Ok(page) = recordsets_page(&reply, "listing") {
        page.items.iter().filter_map(RecordSet::rrset).for_each(drop);
    }
    let _ = failure(&reply, "asking").to_string();
    stored(&reply, "updating").is_ok()
}
