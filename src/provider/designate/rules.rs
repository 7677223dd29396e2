//! What Designate's documentation says that zones and record sets must be like, checked before anything is sent.

use serde_json::{Map, Value as Json};

use super::answers;
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl, Value};
use crate::provider::edit::rules::{ANY_TTL, Rules, together};
use crate::provider::edit::{Attribute, Attributes, Edit, Row, cannot};
use crate::provider::shape::zones::Zone;

/// What a record set may be given beside its values.
pub(super) const ATTRIBUTES: &[Attribute] = &[
    Attribute { name: "comment", help: "Designate's description, at most 160 characters; \"\" takes it away." },
    Attribute { name: "priority", help: "MX and SRV: put before each value that has none, 0 to 65535." },
];

/// What a zone may be given.
pub(super) const ZONE_ATTRIBUTES: &[Attribute] = &[
    Attribute { name: "comment", help: "Designate's description, at most 160 characters." },
    Attribute { name: "email", help: "Who answers for the zone; needed for a primary one." },
    Attribute { name: "masters", help: "SECONDARY: the servers to copy from, with commas between." },
    Attribute { name: "ttl", help: "The TTL of record sets that have none of their own, in seconds." },
    Attribute { name: "type", help: "PRIMARY, which it is when left out, or SECONDARY." },
];

/// The types that a client may write. Which of the newer ones a server takes is its operator's choice, and said by the server.
const RULES: Rules<'_> = Rules {
    service: "Designate",
    types: &[
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Caa,
        RecordType::Cname,
        RecordType::Https,
        RecordType::Mx,
        RecordType::Ns,
        RecordType::Ptr,
        RecordType::Spf,
        RecordType::Srv,
        RecordType::Sshfp,
        RecordType::Svcb,
        RecordType::Tlsa,
        RecordType::Txt,
    ],
    ttl: ANY_TTL,
};

/// Whether a record set of this type can be kept, whatever its name.
pub(super) fn keeps(_name: &Name, rtype: RecordType) -> std::result::Result<(), String> {
    if RULES.types.contains(&rtype) { Ok(()) } else { Err(format!("Designate keeps no {rtype} records")) }
}

/// The longest description, in characters.
const COMMENT: usize = 160;

/// An id that can stand in a path: an empty one or `..` would name something else.
pub(super) fn id<'a>(id: &'a str, doing: &str) -> Result<&'a str> {
    let fits = (1..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits {
        Ok(id)
    } else {
        Err(cannot(doing, "the id is none of Designate's: these are of letters, digits and dashes"))
    }
}

/// The body that adds a zone.
pub(super) fn zone(name: &Name, attributes: &Attributes, doing: &str) -> Result<Map<String, Json>> {
    known(attributes, ZONE_ATTRIBUTES, doing)?;
    let mut body = Map::from_iter([("name".into(), name.fqdn().into())]);
    let given = |name: &str| attributes.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let kind = given("type").unwrap_or("PRIMARY").to_ascii_uppercase();
    match (kind.as_str(), given("email"), given("masters")) {
        ("PRIMARY", Some(email), None) if email.contains('@') => drop(body.insert("email".into(), email.into())),
        ("PRIMARY", _, Some(_)) => return Err(cannot(doing, "only a SECONDARY zone has masters")),
        ("PRIMARY", ..) => return Err(cannot(doing, "a zone needs the email of whom answers for it")),
        ("SECONDARY", None, Some(masters)) => {
            let masters: Vec<_> = masters.split(',').map(str::trim).collect();
            body.insert("masters".into(), masters.into());
        }
        ("SECONDARY", ..) => return Err(cannot(doing, "a SECONDARY zone needs masters, and has their email")),
        _ => return Err(cannot(doing, "the type of a zone is PRIMARY or SECONDARY")),
    }
    body.insert("type".into(), kind.into());
    if let Some(ttl) = given("ttl") {
        let ttl = ttl.parse().ok().and_then(Ttl::new);
        let ttl = ttl.ok_or_else(|| cannot(doing, format!("a TTL is a number of seconds, at most {}", Ttl::MAX)))?;
        body.insert("ttl".into(), ttl.seconds().into());
    }
    body.extend(comment(attributes, doing)?.map(|comment| ("description".into(), comment)));
    Ok(body)
}

/// What an edit says of a record set, but for its name and type.
pub(super) fn settings(zone: &Zone, edit: &Edit, doing: &str) -> Result<Map<String, Json>> {
    known(&edit.attributes, ATTRIBUTES, doing)?;
    own(zone, &edit.name, edit.rtype, doing)?;
    let refuse = |why| cannot(doing, why);
    RULES.check(zone, &edit.name, edit.rtype, edit.ttl).map_err(refuse)?;
    together(edit.rtype, &edit.values).map_err(refuse)?;
    let mut records = Vec::new();
    for value in &edit.values {
        let record = record(edit, value).map_err(|why| cannot(doing, why))?;
        if !records.contains(&record) {
            records.push(record);
        }
    }
    let mut body = Map::from_iter([("records".into(), records.into())]);
    body.extend(edit.ttl.map(|ttl| ("ttl".into(), ttl.seconds().into())));
    body.extend(comment(&edit.attributes, doing)?.map(|comment| ("description".into(), comment)));
    Ok(body)
}

/// What a row becomes by an edit, but for what it has already.
pub(super) fn changes(zone: &Zone, row: &Row, edit: &Edit, doing: &str) -> Result<Map<String, Json>> {
    if (&row.name, row.rtype) != (&edit.name, edit.rtype) {
        let why = "Designate keeps the name and the type of a record set; add another one and remove this one";
        return Err(cannot(doing, why));
    }
    settings(zone, edit, doing)
}

/// Whether a record set may be removed.
pub(super) fn removal(zone: &Zone, row: &Row, doing: &str) -> Result<()> {
    own(zone, &row.name, row.rtype, doing)
}

/// Refuses what Designate writes itself.
fn own(zone: &Zone, name: &Name, rtype: RecordType, doing: &str) -> Result<()> {
    if rtype == RecordType::Soa || (rtype == RecordType::Ns && *name == zone.name) {
        return Err(cannot(doing, "Designate writes a zone's SOA and the NS records of its apex itself"));
    }
    Ok(())
}

/// A value as two of them are compared.
pub(super) fn comparable(rtype: RecordType, text: &str) -> Value {
    Value::parse(rtype, text).unwrap_or_else(|_| Value::Text(text.to_owned()))
}

fn known(given: &Attributes, known: &[Attribute], doing: &str) -> Result<()> {
    let Some(unknown) = given.keys().find(|name| known.iter().all(|attribute| attribute.name != **name)) else {
        return Ok(());
    };
    let names: Vec<_> = known.iter().map(|attribute| attribute.name).collect();
    let why = format!("Designate has no {unknown} here");
    Err(Error::config(doing, why).hint(format!("what can be given: {}", names.join(", "))))
}

fn comment(attributes: &Attributes, doing: &str) -> Result<Option<Json>> {
    match attributes.get("comment").map(String::as_str) {
        None => Ok(None),
        Some("") => Ok(Some(Json::Null)),
        Some(comment) if comment.chars().count() <= COMMENT => Ok(Some(comment.into())),
        Some(_) => Err(cannot(doing, format!("a comment has at most {COMMENT} characters"))),
    }
}

/// A value as Designate takes it, or what is wrong with it.
fn record(edit: &Edit, typed: &str) -> Result<String, String> {
    let value = typed.trim();
    if value.is_empty() && !edit.rtype.is_text() {
        return Err("a value is empty".into());
    }
    let priority = edit.attributes.get("priority");
    let mut words: Vec<&str> = value.split_whitespace().collect();
    let lacks = match edit.rtype {
        RecordType::Mx => words.len() == 1,
        RecordType::Srv => words.len() == 3,
        rtype if priority.is_some() => return Err(format!("{rtype} records have no priority")),
        _ => false,
    };
    if let (true, Some(priority)) = (lacks, priority) {
        words.insert(0, priority);
    }
    let wrong = |form: &str| format!("\"{value}\" is no {}: it is written as {form}", edit.rtype);
    let number = |word: &str| word.parse::<u16>().is_ok();
    match (edit.rtype, &words[..]) {
        (RecordType::A | RecordType::Aaaa | RecordType::Txt | RecordType::Spf, _) => {
            Ok(answers::written(edit.rtype, &Value::parse(edit.rtype, typed)?))
        }
        (RecordType::Cname | RecordType::Ns | RecordType::Ptr, [target]) => host(target),
        (RecordType::Cname | RecordType::Ns | RecordType::Ptr, _) => Err(wrong("TARGET")),
        (RecordType::Mx, [preference, target]) if number(preference) => Ok(format!("{preference} {}", host(target)?)),
        (RecordType::Mx, _) => Err(wrong("PRIORITY TARGET")),
        (RecordType::Srv, [priority, weight, port, target]) if [priority, weight, port].iter().all(|n| number(n)) => {
            Ok(format!("{priority} {weight} {port} {}", host(target)?))
        }
        (RecordType::Srv, _) => Err(wrong("PRIORITY WEIGHT PORT TARGET")),
        (RecordType::Sshfp, [algorithm, kind, print]) if [algorithm, kind].iter().all(|n| n.parse::<u8>().is_ok()) => {
            let hex = print.len().is_multiple_of(2) && print.chars().all(|c| c.is_ascii_hexdigit());
            if hex { Ok(words.join(" ")) } else { Err(wrong("ALGORITHM TYPE FINGERPRINT, in hexadecimal digits")) }
        }
        (RecordType::Sshfp, _) => Err(wrong("ALGORITHM TYPE FINGERPRINT")),
        _ => Ok(value.into()),
    }
}

/// The name of another host, with the dot that Designate wants at its end.
fn host(target: &str) -> Result<String, String> {
    let bare = target.strip_suffix('.').unwrap_or(target);
    let whole = target.ends_with('.') || bare.contains('.');
    match bare {
        "" if target == "." => Ok(target.into()),
        _ if whole && Name::parse(bare).is_ok() => Ok(format!("{bare}.")),
        _ if whole => Err(format!("\"{target}\" is no name of a host")),
        _ => Err(format!("\"{target}\" is not the whole name of a host")),
    }
}

#[cfg(test)]
mod tests;
