//! What PocketDNS's emulator checks of a request, by the parameters and the validation rules of the documentation.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::http::Received;
use super::{Record, Switches};

/// Why a request fails.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// The field that it is about.
    pub field: Option<String>,
    /// How long to wait.
    pub wait: Option<Duration>,
    /// No client that follows the documentation does this.
    pub violation: Option<String>,
}

/// The table of common error codes.
pub const TABLE: [(u16, &str, &str); 8] = [
    (400, "validation_error", "Invalid record data"),
    (401, "unauthorized", "Invalid or missing API key"),
    (403, "forbidden", "Access denied to domain"),
    (404, "not_found", "Domain or record not found"),
    (409, "conflict", "Record already exists or conflicts"),
    (422, "unprocessable_entity", "Invalid DNS record format"),
    (429, "rate_limit_exceeded", "Too many requests"),
    (500, "internal_error", "Server error"),
];

impl Refusal {
    /// A line of the table; anything else is a fault of the service's.
    pub fn of_status(status: u16) -> Self {
        let found = TABLE.iter().find(|(known, ..)| *known == status);
        let (_, code, message) = found.unwrap_or(&(500, "internal_error", "Server error"));
        Self { status, code, message: (*message).to_owned(), field: None, wait: None, violation: None }
    }

    pub fn new(status: u16, message: &str) -> Self {
        Self { message: message.into(), ..Self::of_status(status) }
    }

    pub fn field(status: u16, field: &str, message: &str) -> Self {
        Self { field: Some(field.into()), ..Self::new(status, message) }
    }

    pub fn violation(status: u16, why: &str) -> Self {
        Self { violation: Some(why.into()), ..Self::new(status, why) }
    }
}

/// Everything about a request but what it says: no query, JSON where there is a body, none where there is none.
pub fn check_transport(request: &Received, has_body: bool) -> Result<(), Refusal> {
    if request.query.is_some() {
        return Err(Refusal::violation(400, "no call has a query"));
    }
    let json = request.header("content-type") == Some("application/json");
    match has_body {
        true if !json => Err(Refusal::violation(400, "Content-Type is not application/json")),
        false if !request.body.is_empty() => Err(Refusal::violation(400, "this call has no body")),
        _ => Ok(()),
    }
}

/// The body, an object.
pub fn check_body(request: &Received) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(&request.body).map_err(|_| Refusal::violation(400, "the body is no JSON object"))
}

/// A text that must be there.
fn text(fields: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    match fields.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Refusal { field: Some(name.into()), ..Refusal::violation(400, "a field is no string") }),
        None => Err(Refusal { field: Some(name.into()), ..Refusal::violation(400, &format!("{name} is required")) }),
    }
}

fn number(fields: &Map<String, Value>, name: &str) -> Result<Option<u64>, Refusal> {
    match fields.get(name) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::violation(400, &format!("{name} is no whole number"))),
        },
    }
}

fn known_fields(fields: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Refusal::violation(400, &format!("there is no parameter {unknown}"))),
        None => Ok(()),
    }
}

/// A record to be created.
pub struct New {
    pub rtype: String,
    pub name: String,
    pub content: String,
    pub ttl: u64,
    pub priority: Option<u64>,
}

pub fn check_new(fields: &Map<String, Value>, switches: &Switches) -> Result<New, Refusal> {
    known_fields(fields, &["type", "name", "content", "ttl", "priority"])?;
    let (rtype, name, content) = (text(fields, "type")?, text(fields, "name")?, text(fields, "content")?);
    let (ttl, priority) = (number(fields, "ttl")?.unwrap_or(300), number(fields, "priority")?);
    let new = New { rtype, name, content, ttl, priority };
    check(&new, switches)?;
    Ok(new)
}

pub fn check_patch(held: &Record, fields: &Map<String, Value>, switches: &Switches) -> Result<Record, Refusal> {
    known_fields(fields, &["name", "content", "ttl", "priority"])?;
    if fields.is_empty() {
        return Err(Refusal::violation(400, "an update names nothing"));
    }
    let mut changed = held.clone();
    if fields.contains_key("name") {
        changed.name = text(fields, "name")?;
    }
    if fields.contains_key("content") {
        changed.content = text(fields, "content")?;
    }
    changed.ttl = number(fields, "ttl")?.unwrap_or(changed.ttl);
    changed.priority = number(fields, "priority")?.or(changed.priority);
    let Record { rtype, name, content, priority, .. } = changed.clone();
    // What is kept was there before; only a TTL that is named is checked.
    let ttl = if fields.contains_key("ttl") { changed.ttl } else { 300 };
    check(&New { rtype, name, content, ttl, priority }, switches)?;
    Ok(changed)
}

fn check(new: &New, switches: &Switches) -> Result<(), Refusal> {
    let wrong = if switches.unprocessable { 422 } else { 400 };
    let bad = |field: &str, message: &str| Err(Refusal::field(wrong, field, message));
    if !["A", "AAAA", "CNAME", "MX", "TXT", "SRV", "NS"].contains(&new.rtype.as_str()) {
        return bad("type", "Invalid record type");
    }
    if !is_name(&new.name, switches.underscores) {
        return bad("name", "Invalid record name");
    }
    if new.rtype == "CNAME" && new.name == "@" {
        return bad("name", "CNAME records cannot be used for the root domain");
    }
    if !(60..=86_400).contains(&new.ttl) {
        return bad("ttl", "TTL must be between 60 and 86400 seconds");
    }
    match (new.rtype.as_str(), new.priority) {
        ("MX", None) => return bad("priority", "Priority is required for MX records"),
        ("MX" | "SRV", _) | (_, None) => {}
        (_, Some(_)) => return bad("priority", "Priority is for MX and SRV records only"),
    }
    let content = new.content.as_str();
    let good = match new.rtype.as_str() {
        "A" => content.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => content.parse::<Ipv6Addr>().is_ok(),
        "CNAME" | "MX" | "NS" => is_host(content),
        "SRV" => is_srv(content),
        _ => is_text(content),
    };
    if good { Ok(()) } else { bad("content", &format!("Invalid content for {} record", new.rtype)) }
}

/// 1 to 253 letters, digits, hyphens and dots, no hyphen at either end; `@` for the domain itself.
fn is_name(name: &str, underscores: bool) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.') || (underscores && c == '_');
    name == "@"
        || ((1..=253).contains(&name.len())
            && name.chars().all(allowed)
            && !name.starts_with('-')
            && !name.ends_with('-'))
}

fn is_host(text: &str) -> bool {
    is_name(text, true) && text != "@" && text.split('.').all(|label| (1..=63).contains(&label.len()))
}

fn is_srv(text: &str) -> bool {
    let parts: Vec<&str> = text.split(' ').collect();
    match parts.as_slice() {
        [numbers @ .., target] if numbers.len() == 3 => {
            numbers.iter().all(|number| number.parse::<u16>().is_ok()) && (*target == "." || is_host(target))
        }
        _ => false,
    }
}

/// At most 255 characters a string, whether it is one or several between quotes.
fn is_text(text: &str) -> bool {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.split("\" \"").all(|string| string.chars().count() <= 255),
        None => !text.is_empty() && text.chars().count() <= 255,
    }
}

/// A template's id and its variables.
pub fn check_template(fields: &Map<String, Value>) -> Result<(String, BTreeMap<String, String>), Refusal> {
    known_fields(fields, &["template_id", "variables"])?;
    let id = text(fields, "template_id")?;
    let variables = match fields.get("variables") {
        None => Map::new(),
        Some(Value::Object(variables)) => variables.clone(),
        Some(_) => return Err(Refusal::violation(400, "variables is no object")),
    };
    let texts = variables.into_iter().map(|(name, value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(Refusal::violation(400, "a variable is no string")),
    });
    Ok((id, texts.collect::<Result<_, _>>()?))
}
