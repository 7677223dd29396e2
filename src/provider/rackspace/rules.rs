//! What a record may be by Rackspace's documentation, checked before anything is sent, and the bodies that say it.
//!
//! Sources: "Add records", "Update records", "Supported record types" and "Create domain" of the documentation of Cloud DNS.

use serde_json::{Map, Value as Json, json};

use crate::model::error::Error;
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl, Value};
use crate::provider::edit::rules::{Rules, beside_priority};
use crate::provider::shape::records::{Draft, Record};
use crate::provider::shape::zones::Zone;

/// The shortest TTL of records and domains, in seconds.
pub const LEAST_TTL: u32 = 300;

/// The longest comment, in characters.
const COMMENT_LENGTH: usize = 160;

/// The attribute of any record.
pub const COMMENT: &str = "comment";
/// The attribute of MX and SRV records.
pub const PRIORITY: &str = "priority";

/// The types that a domain's records may have.
const TYPES: [RecordType; 7] = [
    RecordType::A,
    RecordType::Aaaa,
    RecordType::Cname,
    RecordType::Mx,
    RecordType::Ns,
    RecordType::Srv,
    RecordType::Txt,
];

/// What holds for all types alike.
const RULES: Rules<'_> = Rules { service: "Rackspace", types: &TYPES, ttl: (LEAST_TTL, Ttl::MAX) };

/// Something that breaks a documented rule is not sent.
pub fn broken(why: impl Into<String>) -> Error {
    Error::config("checking it by Rackspace's rules", why).unsent()
}

/// Whether a record of the zone may be what the draft says; `held` is the record that becomes it.
///
/// # Errors
/// The rule that is broken.
pub fn check(zone: &Zone, draft: &Draft, held: Option<&Record>) -> Result<(), String> {
    RULES.place(zone, &draft.name, draft.rtype)?;
    if let Some(held) = held
        && (held.name != draft.name || held.rtype != draft.rtype)
    {
        return Err("name and type of a record cannot be changed: add one and remove the other".to_owned());
    }
    check_type(draft.rtype)?;
    // What the record has already is the service's own word.
    if draft.ttl != held.and_then(|held| held.ttl) {
        check_ttl(draft.ttl)?;
    }
    check_value(draft.rtype, &draft.value)?;
    draft.attributes.iter().try_for_each(|(name, value)| check_attribute(draft.rtype, name, value))
}

fn check_type(rtype: RecordType) -> Result<(), String> {
    match rtype {
        _ if TYPES.contains(&rtype) => Ok(()),
        RecordType::Ptr => {
            Err("PTR records belong to a server or load balancer of Rackspace's, not to a domain".to_owned())
        }
        RecordType::Soa => Err("the SOA record is the service's and cannot be changed".to_owned()),
        RecordType::Spf => Err("there are no SPF records: policies are TXT records".to_owned()),
        _ => {
            let known: Vec<&str> = TYPES.iter().map(|rtype| rtype.as_str()).collect();
            Err(format!("there are no {rtype} records, only {}", known.join(", ")))
        }
    }
}

/// Whether a TTL is one that the service takes.
///
/// # Errors
/// It is too short.
pub fn check_ttl(ttl: Option<Ttl>) -> Result<(), String> {
    match ttl {
        Some(ttl) if ttl.seconds() < LEAST_TTL => {
            Err(format!("a TTL of {ttl} is too short: Rackspace takes {LEAST_TTL} seconds or more"))
        }
        _ => Ok(()),
    }
}

fn check_value(rtype: RecordType, value: &Value) -> Result<(), String> {
    let fits = match rtype {
        RecordType::A => matches!(value, Value::V4(_)),
        RecordType::Aaaa => matches!(value, Value::V6(_)),
        _ => true,
    };
    let data = value.to_string();
    let words = data.split_whitespace().count();
    match rtype {
        _ if !fits => Err(format!("\"{data}\" is no address for {rtype}")),
        _ if words == 0 => Err("a record has a value".to_owned()),
        // "Stripped from the data", says the documentation; what then stands there is something else.
        RecordType::Txt if data.contains(['"', '\\']) => {
            Err("quotation marks and backslashes are taken out of TXT records here: write the text without them"
                .to_owned())
        }
        RecordType::Mx | RecordType::Srv => beside_priority(rtype, &data),
        RecordType::Cname | RecordType::Ns => {
            Name::parse(&data).map(drop).map_err(|why| format!("\"{data}\" is no host's name: {why}"))
        }
        _ => Ok(()),
    }
}

fn check_attribute(rtype: RecordType, name: &str, value: &str) -> Result<(), String> {
    match name {
        COMMENT => check_comment(value),
        PRIORITY if !matches!(rtype, RecordType::Mx | RecordType::Srv) => {
            Err(format!("{rtype} records have no priority, only MX and SRV do"))
        }
        PRIORITY => match value.parse::<u16>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("a priority is a number from 0 to 65535, unlike \"{value}\"")),
        },
        _ => Err(format!("Rackspace's records have no attribute \"{name}\"; there are {COMMENT} and {PRIORITY}")),
    }
}

/// Whether a comment is one that the service takes.
///
/// # Errors
/// It is too long.
pub fn check_comment(comment: &str) -> Result<(), String> {
    match comment.chars().count() {
        length if length > COMMENT_LENGTH => {
            Err(format!("a comment has at most {COMMENT_LENGTH} characters, and this one has {length}"))
        }
        _ => Ok(()),
    }
}

/// The body of a record to be added.
pub fn added(draft: &Draft) -> Json {
    let mut body = fields(draft);
    body.insert("type".into(), draft.rtype.as_str().into());
    // An empty comment removes one; a new record has none.
    if draft.attributes.get(COMMENT).is_some_and(String::is_empty) {
        body.remove(COMMENT);
    }
    body.into()
}

/// The body of an update, without the record's id. What is not sent may be forgotten, so everything is.
pub fn updated(draft: &Draft) -> Json {
    fields(draft).into()
}

/// The body of an update among others.
pub fn updated_of(record: &Record, draft: &Draft) -> Json {
    let mut body = fields(draft);
    body.insert("id".into(), record.id.clone().into());
    body.into()
}

fn fields(draft: &Draft) -> Map<String, Json> {
    let number = |text: &String| text.parse::<u16>().map_or_else(|_| json!(text), |number| json!(number));
    let optional = [
        ("ttl", draft.ttl.map(|ttl| json!(ttl.seconds()))),
        (PRIORITY, draft.attributes.get(PRIORITY).map(number)),
        (COMMENT, draft.attributes.get(COMMENT).map(|comment| json!(comment))),
    ];
    let mut data = draft.value.to_string();
    // Names have no last dot here.
    if !matches!(draft.rtype, RecordType::Txt) {
        data.truncate(data.trim_end_matches('.').len());
    }
    let always = [("name", json!(draft.name.as_str())), ("data", json!(data))];
    let given = optional.into_iter().filter_map(|(key, value)| Some((key, value?)));
    always.into_iter().chain(given).map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Zone {
        Zone { id: "2725233".into(), name: Name::parse("example.com").unwrap() }
    }

    fn draft(name: &str, rtype: RecordType, value: &str) -> Draft {
        let value = Value::parse(rtype, value).unwrap_or(Value::Text(value.into()));
        Draft { name: Name::parse(name).unwrap(), rtype, value, ttl: None, attributes: Default::default() }
    }

    fn with(mut draft: Draft, name: &str, value: &str) -> Draft {
        draft.attributes.insert(name.into(), value.into());
        draft
    }

    fn ttl(draft: Draft, seconds: u32) -> Draft {
        Draft { ttl: Ttl::new(seconds), ..draft }
    }

    #[test]
    fn what_the_documentation_allows_passes() {
        for draft in [
            draft("example.com", RecordType::A, "192.0.2.1"),
            draft("*.example.com", RecordType::Aaaa, "2001:db8::1"),
            draft("www.example.com", RecordType::Cname, "example.com."),
            with(draft("example.com", RecordType::Mx, "mail.example.com"), PRIORITY, "65535"),
            draft("example.com", RecordType::Mx, "mail.example.com"),
            draft("example.com", RecordType::Ns, "ns.rackspace.com"),
            with(draft("_sip._tcp.example.com", RecordType::Srv, "1 3443 sip.example.com"), PRIORITY, "30"),
            with(draft("example.com", RecordType::Txt, "v=spf1 -all"), COMMENT, &"ü".repeat(160)),
            ttl(draft("example.com", RecordType::A, "192.0.2.1"), 300),
        ] {
            assert_eq!(check(&zone(), &draft, None), Ok(()), "{draft:?}");
        }
    }

    #[test]
    fn what_it_does_not_allow_is_said_in_a_sentence() {
        for (draft, says) in [
            (draft("example.org", RecordType::A, "192.0.2.1"), "does not lie in the zone example.com"),
            (draft("example.com", RecordType::A, "2001:db8::1"), "no address for A"),
            (draft("example.com", RecordType::Aaaa, "mail"), "no address for AAAA"),
            (draft("example.com", RecordType::Txt, " "), "has a value"),
            (draft("example.com", RecordType::Txt, r"a\b"), "without them"),
            (draft("example.com", RecordType::Txt, "say \"a\""), "without them"),
            (draft("example.com", RecordType::Cname, "www.example.com"), "cannot be a CNAME"),
            (draft("a.example.com", RecordType::Cname, "a b"), "no host's name"),
            (draft("example.com", RecordType::Srv, "10 1 3443 sip.example.com"), "weight port target"),
            (draft("example.com", RecordType::Srv, "sip.example.com"), "weight port target"),
            (draft("example.com", RecordType::Ptr, "192.0.2.1"), "belong to a server"),
            (draft("example.com", RecordType::Soa, "x"), "cannot be changed"),
            (draft("example.com", RecordType::Spf, "v=spf1"), "TXT"),
            (draft("example.com", RecordType::Caa, "0 issue x"), "no CAA records, only A, AAAA"),
            (ttl(draft("example.com", RecordType::A, "192.0.2.1"), 299), "300 seconds or more"),
            (with(draft("example.com", RecordType::A, "192.0.2.1"), PRIORITY, "1"), "only MX and SRV"),
            (with(draft("example.com", RecordType::Mx, "mail.example.com"), PRIORITY, "65536"), "0 to 65535"),
            (with(draft("example.com", RecordType::A, "192.0.2.1"), COMMENT, &"x".repeat(161)), "161"),
            (with(draft("example.com", RecordType::A, "192.0.2.1"), "colour", "red"), "\"colour\""),
        ] {
            let why = check(&zone(), &draft, None).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn a_record_keeps_its_name_its_type_and_a_ttl_that_it_has() {
        let wanted = ttl(draft("www.example.com", RecordType::A, "192.0.2.2"), 60);
        let Draft { name, rtype, value, ttl, attributes } = wanted.clone();
        let held = Record { id: "A-1".into(), name, rtype, value, ttl, attributes };
        assert_eq!(check(&zone(), &wanted, Some(&held)), Ok(()), "the service gave it");
        assert!(check(&zone(), &wanted, None).is_err());
        let renamed = Draft { name: Name::parse("ftp.example.com").unwrap(), ..wanted };
        assert!(check(&zone(), &renamed, Some(&held)).unwrap_err().contains("cannot be changed"));
    }

    #[test]
    fn a_host_is_sent_without_its_last_dot_and_a_text_as_it_is() {
        assert_eq!(added(&draft("a.example.com", RecordType::Cname, "b.example.com."))["data"], "b.example.com");
        assert_eq!(
            added(&draft("a.example.com", RecordType::Txt, "so.")),
            json!(
                {"name": "a.example.com", "type": "TXT", "data": "so."}
            )
        );
    }

    #[test]
    fn an_empty_comment_removes_one_and_is_not_sent_with_a_new_record() {
        let draft = with(draft("www.example.com", RecordType::A, "192.0.2.2"), COMMENT, "");
        assert_eq!(added(&draft), json!({"name": "www.example.com", "type": "A", "data": "192.0.2.2"}));
        assert_eq!(updated(&draft), json!({"name": "www.example.com", "data": "192.0.2.2", "comment": ""}));
    }
}
