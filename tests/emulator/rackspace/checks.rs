//! What Rackspace's emulator checks of a request, by the tables of parameters of the reference.
//!
//! What is built otherwise than documented is a violation; a value that the service would refuse is only refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};

use super::super::http::Received;
use super::Switches;
use super::faults::Refusal;

type Fields = Map<String, Value>;

/// The header fields, and that there is a body just where there is to be one.
pub fn check_transport(request: &Received) -> Result<(), Refusal> {
    // The service has XML as well, and says which it answers with where it is not told.
    if request.header("accept") != Some("application/json") {
        return Err(Refusal::violation("Accept is not application/json"));
    }
    let has_body = ["POST", "PUT"].contains(&request.method.as_str());
    let content_type = request.header("content-type").and_then(|field| field.split(';').next());
    match has_body {
        true if content_type != Some("application/json") => {
            Err(Refusal::violation("Content-Type is not application/json"))
        }
        false if !request.body.is_empty() => Err(Refusal::violation("this operation does not accept a request body")),
        _ => Ok(()),
    }
}

/// The parameters after `?`.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Only these are there, and each once, but for ids.
    pub fn parse(request: &Received, known: &[&str]) -> Result<Self, Refusal> {
        let text = request.query.as_deref().unwrap_or_default();
        let url = reqwest::Url::parse(&format!("http://127.0.0.1/?{text}"));
        let url = url.map_err(|_| Refusal::violation("the query is not understood"))?;
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Refusal::violation(&format!("there is no parameter {name}")));
            }
            if name != "id" && pairs.iter().take(at).any(|(before, _)| before == name) {
                return Err(Refusal::violation(&format!("{name} is given twice")));
            }
        }
        Ok(Self(pairs))
    }

    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The ids, of which there is one at least and each once.
    pub fn ids(&self) -> Result<Vec<String>, Refusal> {
        let ids: Vec<String> = self.0.iter().filter(|(name, _)| name == "id").map(|(_, id)| id.clone()).collect();
        let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
        match ids.is_empty() || distinct.len() < ids.len() {
            true => Err(Refusal::violation("ids are missing, or given twice")),
            false => Ok(ids),
        }
    }

    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.one(name) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(_) => Err(Refusal::violation(&format!("{name} is true or false"))),
        }
    }

    /// What is asked for beside the page.
    pub fn filters(&self) -> Vec<(&str, &str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| !["limit", "offset", "marker"].contains(name)).collect()
    }
}

/// A part of a list (the page on paginated collections).
pub struct Page {
    pub limit: usize,
    pub offset: usize,
    pub marker: Option<String>,
}

impl Page {
    /// A limit that is too large is the largest; an offset that is no multiple of the limit is refused.
    pub fn parse(query: &Query) -> Result<Self, Refusal> {
        const LARGEST: usize = 100;
        let number = |name: &str| match query.one(name).map(str::parse::<usize>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(Refusal::violation(&format!("{name} is no number"))),
        };
        let limit = number("limit")?.unwrap_or(LARGEST).min(LARGEST);
        let offset = number("offset")?.unwrap_or(0);
        let marker = query.one("marker").map(str::to_owned);
        if limit == 0 || (marker.is_some() && offset != 0) {
            return Err(Refusal::violation("such a page is not documented"));
        }
        if offset % limit != 0 {
            return Err(Refusal::violation("offset must be a multiple of the limit or 0"));
        }
        Ok(Self { limit, offset, marker })
    }
}

/// The body, an object.
pub fn body(request: &Received) -> Result<Fields, Refusal> {
    serde_json::from_slice(&request.body).map_err(|_| Refusal::violation("the body is no JSON object"))
}

/// The objects of the only list in a body.
pub fn items(body: &Fields, name: &str) -> Result<Vec<Fields>, Refusal> {
    known_fields(body, &[name])?;
    let Some(Value::Array(items)) = body.get(name) else {
        return Err(Refusal::violation(&format!("{name} is no list")));
    };
    if items.is_empty() {
        return Err(Refusal::violation(&format!("{name} is empty")));
    }
    let objects = items.iter().map(|item| item.as_object().cloned());
    objects.collect::<Option<_>>().ok_or_else(|| Refusal::violation("an entity is no object"))
}

/// At most a hundred entities are in a call (the page on limits).
pub fn check_entities(count: usize) -> Result<(), Refusal> {
    const MOST: usize = 100;
    match count > MOST {
        true => Err(Refusal::fault("overLimit", &format!("Limit of {MOST} entities per call has been exceeded."))),
        false => Ok(()),
    }
}

pub fn known_fields(fields: &Fields, known: &[&str]) -> Result<(), Refusal> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Refusal::violation(&format!("there is no attribute {unknown}"))),
        None => Ok(()),
    }
}

pub fn object<'a>(fields: &'a Fields, name: &str) -> Result<&'a Fields, Refusal> {
    let found = fields.get(name).and_then(Value::as_object);
    found.ok_or_else(|| Refusal::violation(&format!("{name} is no object")))
}

/// A text that must be there.
pub fn text(fields: &Fields, name: &str) -> Result<String, Refusal> {
    optional_text(fields, name)?.ok_or_else(|| Refusal::violation(&format!("{name} is missing")))
}

fn optional_text(fields: &Fields, name: &str) -> Result<Option<String>, Refusal> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::violation(&format!("{name} is no text"))),
    }
}

fn number(fields: &Fields, name: &str) -> Result<Option<u64>, Refusal> {
    match fields.get(name) {
        None => Ok(None),
        Some(value) => {
            let number = value.as_u64();
            number.map(Some).ok_or_else(|| Refusal::violation(&format!("{name} is no whole number")))
        }
    }
}

/// A record to be made.
#[derive(Clone, Debug)]
pub struct New {
    pub rtype: String,
    pub name: String,
    pub data: String,
    pub ttl: Option<u64>,
    pub priority: Option<u64>,
    pub comment: Option<String>,
}

/// What a record is to be changed to; what is `None` stays.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub name: Option<String>,
    pub data: Option<String>,
    pub ttl: Option<u64>,
    pub priority: Option<u64>,
    pub comment: Option<String>,
}

/// A domain to be made, with its records.
#[derive(Clone, Debug)]
pub struct NewDomain {
    pub name: String,
    pub email: String,
    pub ttl: Option<u64>,
    pub comment: Option<String>,
    pub records: Vec<New>,
}

/// A new record of a domain; what is wrong with its values is put to `wrong`.
pub fn new_record(fields: &Fields, domain: &str, switches: &Switches, wrong: &mut Vec<String>) -> Result<New, Refusal> {
    known_fields(fields, &["name", "type", "data", "ttl", "priority", "comment"])?;
    let rtype = text(fields, "type")?;
    let name = optional_text(fields, "name")?;
    if rtype == "SRV" && name.is_none() {
        wrong.push("Must provide a name for each SRV record.".into());
    }
    let new = New {
        name: name.unwrap_or_else(|| domain.to_owned()),
        data: text(fields, "data")?,
        ttl: number(fields, "ttl")?,
        priority: number(fields, "priority")?,
        comment: optional_text(fields, "comment")?,
        rtype,
    };
    if !["A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT"].contains(&new.rtype.as_str()) {
        wrong.push(format!("{} is not a valid record type.", new.rtype));
    }
    if !is_of_domain(&new.name, domain) || (new.rtype == "SRV" && new.name.split("._").count() != 2) {
        wrong.push(format!("{} is not a valid name for a record of {domain}.", new.name));
    }
    check_values(&new, switches, wrong);
    Ok(new)
}

/// A change of a record, with its id in the body or in the path.
pub fn change(fields: &Fields, path: Option<&str>) -> Result<Change, Refusal> {
    const KNOWN: [&str; 6] = ["id", "name", "data", "ttl", "priority", "comment"];
    known_fields(fields, if path.is_some() { &KNOWN[1..] } else { &KNOWN })?;
    let id = match path {
        Some(id) => id.to_owned(),
        None => text(fields, "id")?,
    };
    if fields.keys().all(|name| ["id", "name"].contains(&name.as_str())) {
        return Err(Refusal::violation("nothing is to be changed"));
    }
    Ok(Change {
        id,
        name: optional_text(fields, "name")?,
        data: optional_text(fields, "data")?,
        ttl: number(fields, "ttl")?,
        priority: number(fields, "priority")?,
        comment: optional_text(fields, "comment")?,
    })
}

/// What the service refuses in a record's values, whether it is new or changed.
pub fn check_values(new: &New, switches: &Switches, wrong: &mut Vec<String>) {
    check_ttl(new.ttl, switches, wrong);
    check_comment(new.comment.as_deref(), wrong);
    let with_priority = ["MX", "SRV"].contains(&new.rtype.as_str());
    match new.priority {
        None if with_priority => wrong.push(format!("Priority is required for {} records.", new.rtype)),
        Some(_) if !with_priority => wrong.push(format!("Priority is not allowed for {} records.", new.rtype)),
        Some(priority) if priority > 65_535 => wrong.push("Priority must be from 0 to 65535.".into()),
        _ => {}
    }
    let data = new.data.as_str();
    let good = match new.rtype.as_str() {
        "A" => data.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => data.parse::<Ipv6Addr>().is_ok(),
        "CNAME" | "MX" | "NS" => is_name(data),
        "SRV" => is_srv(data),
        _ => !data.is_empty(),
    };
    if !good {
        wrong.push(format!("{data} is not valid data for a record of type {}.", new.rtype));
    }
}

/// A new domain, and its subdomains after it.
pub fn new_domains(fields: &Fields, switches: &Switches, wrong: &mut Vec<String>) -> Result<Vec<NewDomain>, Refusal> {
    known_fields(fields, &["name", "emailAddress", "ttl", "comment", "recordsList", "subdomains"])?;
    let name = optional_text(fields, "name")?.unwrap_or_else(|| "null".into());
    if name == "null" {
        wrong.push("Must provide a name for each domain.".into());
    }
    if !is_name(&name) || !name.contains('.') {
        wrong.push(format!("{name} is not a valid domain name."));
    }
    let email = optional_text(fields, "emailAddress")?.unwrap_or_default();
    if !email.contains('@') {
        wrong.push("Must provide an email address for each domain.".into());
    }
    let mut domain = NewDomain {
        ttl: number(fields, "ttl")?,
        comment: optional_text(fields, "comment")?,
        records: Vec::new(),
        name,
        email,
    };
    check_ttl(domain.ttl, switches, wrong);
    check_comment(domain.comment.as_deref(), wrong);
    if fields.contains_key("recordsList") {
        for record in items(object(fields, "recordsList")?, "records")? {
            domain.records.push(new_record(&record, &domain.name, switches, wrong)?);
        }
    }
    let parent = format!(".{}", domain.name);
    let mut all = vec![domain];
    if fields.contains_key("subdomains") {
        for sub in items(object(fields, "subdomains")?, "domains")? {
            let made = new_domains(&sub, switches, wrong)?;
            if made.iter().any(|sub| !sub.name.ends_with(&parent)) {
                wrong.push(format!("A subdomain does not end in {parent}."));
            }
            all.extend(made);
        }
    }
    Ok(all)
}

fn check_ttl(ttl: Option<u64>, switches: &Switches, wrong: &mut Vec<String>) {
    if ttl.is_some_and(|ttl| ttl < switches.lowest_ttl) {
        wrong.push(format!("TTL must be greater than or equal to {}.", switches.lowest_ttl));
    }
}

fn check_comment(comment: Option<&str>, wrong: &mut Vec<String>) {
    if comment.is_some_and(|comment| comment.chars().count() > 160) {
        wrong.push("A comment must not exceed 160 characters.".into());
    }
}

/// A whole name without a dot at its end; a first label may be `*`, and underscores are where the guide has them.
fn is_name(name: &str) -> bool {
    let rest = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (1..=63).contains(&label.len())
            && label.chars().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && rest.split('.').all(is_label)
}

fn is_of_domain(name: &str, domain: &str) -> bool {
    let (name, domain) = (&name.to_ascii_lowercase(), &domain.to_ascii_lowercase());
    is_name(name) && name.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

/// Weight, port and target; the weight, or weight and port, may be left out, and what follows is ignored.
fn is_srv(data: &str) -> bool {
    let parts: Vec<&str> = data.split(' ').collect();
    let at = parts.len().min(3) - 1;
    parts.iter().take(at).all(|number| number.parse::<u16>().is_ok()) && parts.get(at).is_some_and(|name| is_name(name))
}
