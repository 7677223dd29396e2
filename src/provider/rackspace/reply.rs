//! What Rackspace's answers mean: refusals in their five forms, pages, records, domains and jobs.
//!
//! Sources: the documentation of Cloud DNS ("Records operations", "Faults", "Limits", "Synchronous and asynchronous
//! responses") and exchanges recorded by other clients of the service. The gateway in front of it wraps its own refusals in an
//! object named after them (`overLimit`, `unauthorized`, `itemNotFound`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::model::error::{Error, Result, Scope};
use crate::model::record::Ttl;
use crate::net::http::Reply;

/// The wait where the service limits and does not say for how long.
const PAUSE: Duration = Duration::from_secs(60);

/// How much of the service's words is shown, in characters.
const TEXT: usize = 500;

/// A refusal in the service's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// The object around it: `overLimit`, `dnsFault`.
    pub wrapped: Option<String>,
    /// Its code, like an HTTP status.
    pub code: Option<u16>,
    /// Its texts in one line.
    pub text: String,
    /// The parts that failed, where others of the same call did not.
    pub faults: Vec<Problem>,
    /// When to come again: seconds, or a moment in ISO 8601.
    pub again: Option<String>,
}

/// The refusal in a body; `None` where the body is not built as one.
#[must_use]
pub fn problem(content: &Value) -> Option<Problem> {
    let object = content.as_object()?;
    let says = |object: &serde_json::Map<String, Value>| {
        ["message", "code", "details", "validationErrors", "failedItems"].iter().any(|key| object.contains_key(*key))
    };
    if !says(object) {
        let mut inner =
            object.iter().filter_map(|(name, value)| Some((name, value.as_object().filter(|of| says(of))?)));
        let (name, value) = inner.next()?;
        let inner = problem(&Value::Object(value.clone()))?;
        return Some(Problem { wrapped: Some(name.clone()), ..inner });
    }
    let text = |key: &str| object.get(key).and_then(scalar).filter(|text| !text.is_empty());
    let messages = object.get("validationErrors").and_then(|errors| errors["messages"].as_array());
    let messages: Vec<String> = messages.into_iter().flatten().filter_map(scalar).collect();
    let faults = object.get("failedItems").and_then(|items| items["faults"].as_array());
    let mut texts: Vec<String> = [text("message"), text("details")].into_iter().flatten().chain(messages).collect();
    texts.dedup();
    Some(Problem {
        wrapped: None,
        code: text("code").and_then(|code| code.parse().ok()),
        text: texts.join(": "),
        faults: faults.into_iter().flatten().filter_map(problem).collect(),
        again: text("retryAfter").or_else(|| text("retryAt")),
    })
}

/// The reply's content, or what its refusal means.
///
/// # Errors
/// By the service's own words first, by the status last. `Transient` where it is not understood.
pub fn open(reply: &Reply, doing: &str) -> Result<Value> {
    if reply.is_success() {
        if reply.body.is_empty() {
            return Err(Error::transient(doing, "the answer is empty"));
        }
        return reply.json(doing);
    }
    let problem = serde_json::from_slice::<Value>(&reply.body).ok().as_ref().and_then(problem);
    Err(refusal(reply, problem, doing))
}

fn refusal(reply: &Reply, problem: Option<Problem>, doing: &str) -> Error {
    let understood = problem.is_some();
    let problem = problem.unwrap_or_default();
    let asked = pause(reply, &problem);
    let wait = Error::rate_limited(Some(asked.unwrap_or(PAUSE)), doing, "");
    let error = match reply.status {
        429 => wait,
        // A limit comes from the gateway, wrapped or with a time; a quota from the service itself, which names it.
        413 if asked.is_some() || !understood || problem.wrapped.is_some() || !is_quota(&problem) => wait,
        503 if asked.is_some() => wait,
        status => meaning(status, &problem, doing),
    };
    let why = match problem.text.as_str() {
        "" => format!("status {}{}", reply.status, reply.quoted()),
        text => format!("{} (status {})", brief(text), reply.status),
    };
    Error { why, ..error }
}

/// Whether a refusal names a number that will not grow by waiting: "Limit of 500 records per domain has been reached."
fn is_quota(problem: &Problem) -> bool {
    problem.text.to_ascii_lowercase().contains("limit of")
}

/// What a refusal means that came as a status, or as a job's end.
#[must_use]
pub fn meaning(status: u16, problem: &Problem, doing: &str) -> Error {
    let why = if problem.text.is_empty() { format!("code {status}") } else { brief(&problem.text) };
    let fault = problem.wrapped.as_deref() == Some("dnsFault");
    match status {
        // "The DNS service has experienced a fault": with either code it is the service's.
        400 | 500 if fault => Error::transient(doing, why),
        401 => {
            Error::auth(Scope::Account, doing, why).hint("a new token was refused as well: look at the user's roles")
        }
        403 => Error::auth(Scope::RecordSet, doing, why).hint("the user's role must allow changes to Cloud DNS"),
        404 => Error::stale(doing, why),
        409 => Error::stale(doing, why),
        413 => {
            Error::config(doing, why).hint("this is a quota: remove what is not needed, or have it raised by Rackspace")
        }
        400 if is_duplicate(problem) => Error::stale(doing, why),
        400 | 405 | 406 | 415 | 422 => Error::config(doing, why),
        _ => Error::transient(doing, why),
    }
}

/// Whether a record was refused as one that is there already: same name, type and data.
#[must_use]
pub fn is_duplicate(problem: &Problem) -> bool {
    let says = |text: &str| text.to_ascii_lowercase().contains("duplicate of");
    says(&problem.text) || problem.faults.iter().any(is_duplicate)
}

/// What stands in the way of a change that was refused at once, as others are by their jobs.
#[must_use]
pub fn conflict(reply: &Reply) -> Option<Problem> {
    let problem = serde_json::from_slice::<Value>(&reply.body).ok().as_ref().and_then(problem).unwrap_or_default();
    let conflicts = reply.status == 409 || (reply.status == 400 && is_duplicate(&problem));
    conflicts.then_some(Problem { code: Some(reply.status), ..problem })
}

/// How long to wait by a reply: `Retry-After` in seconds or as a date, `Reply-After` or the body's `retryAfter` and `retryAt` in
/// ISO 8601 or in seconds.
fn pause(reply: &Reply, problem: &Problem) -> Option<Duration> {
    let header = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let other = || [header("retry-after"), header("reply-after"), problem.again.clone()].into_iter().flatten();
    reply.retry_after().or_else(|| other().find_map(|text| wait(reply, text.trim())))
}

fn wait(reply: &Reply, text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until: jiff::Timestamp = text.parse().ok()?;
    // One more, as the moment's fraction is cut.
    Some(reply.until(until.as_second().saturating_add(1)))
}

/// One line, not too long.
fn brief(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TEXT).collect()
}

/// A string or a number as text: ids were numbers until 2021 and are strings of several forms since.
#[must_use]
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// It runs; its id.
    Running(String),
    /// It is done; with what came of it, where that is told.
    Done(Option<String>, Value),
    /// It failed.
    Failed(Option<String>, Option<Problem>),
}

/// The job in the answer to a change, which may be over already, and in the answer to a question about it.
///
/// # Errors
/// `Transient` where it is not understood.
pub fn job(content: &Value, doing: &str) -> Result<Job> {
    let id = content.get("jobId").and_then(scalar).filter(|id| !id.is_empty());
    let status = content.get("status").and_then(Value::as_str).unwrap_or_default();
    let unclear = |why: &str| Error::transient(doing, format!("the answer was not understood: {why}"));
    match (status, id) {
        ("INITIALIZED" | "RUNNING", Some(id)) => Ok(Job::Running(id)),
        ("INITIALIZED" | "RUNNING", None) => Err(unclear("the job has no id")),
        ("COMPLETED", id) => Ok(Job::Done(id, content.get("response").cloned().unwrap_or(Value::Null))),
        ("ERROR", id) => Ok(Job::Failed(id, content.get("error").and_then(problem))),
        // The documented examples show what the job's end brings in the place of the job.
        ("", None) if content.get("records").or_else(|| content.get("domains")).is_some() => {
            Ok(Job::Done(None, content.clone()))
        }
        ("", None) if content.get("error").is_some_and(Value::is_object) => {
            Ok(Job::Failed(None, content.get("error").and_then(problem)))
        }
        _ => Err(unclear("it is neither a job nor its end")),
    }
}

/// What the failure of a job means.
#[must_use]
pub fn failure(problem: Option<&Problem>, doing: &str) -> Error {
    match problem {
        Some(problem) => meaning(problem.code.unwrap_or(500), problem, doing),
        None => Error::transient(doing, "the job failed, and the service does not say why"),
    }
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// Its entries.
    pub entries: Vec<Value>,
    /// How many there are in all, where it is told: not where the list is filtered.
    pub total: Option<usize>,
    /// Whether another page is announced; `None` where nothing is.
    pub more: Option<bool>,
}

/// The page of the list called `list`.
///
/// # Errors
/// `Transient` where there is no such list.
pub fn page(content: &Value, list: &str, doing: &str) -> Result<Page> {
    let entries = content.get(list).and_then(Value::as_array).cloned();
    let entries = entries
        .ok_or_else(|| Error::transient(doing, format!("the answer was not understood: it has no list of {list}")))?;
    let total = content.get("totalEntries").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
    let links = content.get("links").and_then(Value::as_array);
    let more = links.map(|links| links.iter().any(|link| link["rel"] == "next"));
    Ok(Page { entries, total, more })
}

/// A record or a domain as the service lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id, opaque.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type; empty for a domain.
    pub rtype: String,
    /// Its data; empty for a domain.
    pub data: String,
    /// Its TTL.
    pub ttl: Option<Ttl>,
    /// What else it has, as text.
    pub attributes: BTreeMap<String, String>,
}

/// An entry of a list.
///
/// # Errors
/// `Transient` where it has no id or no name.
pub fn listed(entry: &Value, kept: &[(&str, &str)], doing: &str) -> Result<Listed> {
    let text = |key: &str| entry.get(key).and_then(scalar);
    let need = |key: &str| {
        let text = text(key).filter(|text| !text.is_empty());
        text.ok_or_else(|| Error::transient(doing, format!("the answer was not understood: an entry has no {key}")))
    };
    let attribute =
        |(theirs, ours): &(&str, &str)| Some(((*ours).to_owned(), text(theirs).filter(|text| !text.is_empty())?));
    Ok(Listed {
        id: need("id")?,
        name: need("name")?,
        rtype: text("type").unwrap_or_default(),
        data: text("data").unwrap_or_default(),
        ttl: text("ttl").and_then(|ttl| ttl.parse().ok()).and_then(Ttl::new),
        attributes: kept.iter().filter_map(attribute).collect(),
    })
}

/// Which of the deletions of a call failed, by the service's list of faults: each names an id. `None` where that cannot be told.
#[must_use]
pub fn failed_deletions(problem: &Problem, ids: &[&str], doing: &str) -> Option<Vec<Result<()>>> {
    if problem.faults.is_empty() {
        return None;
    }
    let names = |fault: &Problem, id: &str| {
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        fault.text.split(word).any(|word| word == id)
    };
    let known = problem.faults.iter().all(|fault| ids.iter().filter(|id| names(fault, id)).count() == 1);
    known.then(|| {
        let outcome = |id: &&str| match problem.faults.iter().find(|fault| names(fault, id)) {
            Some(fault) => Err(meaning(fault.code.unwrap_or(500), fault, doing)),
            None => Ok(()),
        };
        ids.iter().map(outcome).collect()
    })
}

#[cfg(test)]
mod tests;
