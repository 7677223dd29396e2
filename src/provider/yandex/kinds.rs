//! What a record of each type has at Yandex, and the documented rules for it; shared by Mail for Domain and Yandex 360.

use std::collections::BTreeMap;

use super::super::edit::rules::{ANY_TTL, Rules};
use super::super::shape::records::Draft;
use super::super::shape::zones::Zone;
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl, Value};

/// The TTL of a record where none is given, in seconds (both services' documents).
pub const DEFAULT_TTL: u32 = 21_600;

/// The TTL of an SOA record, in seconds (the document of `dns/edit`); of others no bounds are documented.
const SOA_TTL: (u32, u32) = (900, 1_209_600);

/// What a record of one type has.
pub struct Kind {
    /// The type.
    pub rtype: RecordType,
    /// What stands beside the value, in the order of the presentation form.
    pub parts: &'static [Part],
}

/// Something that stands beside the value.
pub struct Part {
    /// Its name in our vocabulary.
    pub name: &'static str,
    /// What it may be.
    pub holds: Holds,
    /// What it is where nothing is said; `None`: it must be given.
    pub default: Option<&'static str>,
}

/// What a part may be.
pub enum Holds {
    /// A whole number within bounds, both included.
    Number(u32, u32),
    /// A mail address.
    Mail,
    /// A word of letters and digits.
    Word,
}

impl Part {
    /// A number.
    pub const fn number(name: &'static str, from: u32, to: u32, default: Option<&'static str>) -> Self {
        Self { name, holds: Holds::Number(from, to), default }
    }

    fn refuse(&self, text: &str) -> Option<String> {
        let fits = match self.holds {
            Holds::Number(from, to) => text.parse().is_ok_and(|number: u32| (from..=to).contains(&number)),
            // As listed, the first dot stands for the "@": "admin.example.org".
            Holds::Mail => text.contains(['@', '.']) && !text.contains(char::is_whitespace),
            Holds::Word => !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric()),
        };
        let wanted = match self.holds {
            Holds::Number(from, to) => format!("a number from {from} to {to}"),
            Holds::Mail => "a mail address".to_owned(),
            Holds::Word => "a word of letters and digits".to_owned(),
        };
        (!fits).then(|| format!("{} is {wanted}, unlike \"{}\"", self.name, text.escape_debug()))
    }
}

/// The draft with its value, its parts and its name as the documents want them; parts that were written in front of the
/// value (`10 mail.example.org`) stand beside it afterwards, and those that were not said at all are what is `held`, or the
/// default.
///
/// # Errors
/// `Config`, which says what is wrong: nothing was sent.
pub fn checked(kinds: &[Kind], zone: &Zone, mut draft: Draft, held: &BTreeMap<String, String>) -> Result<Draft> {
    let doing = format!("checking {} {}", draft.name, draft.rtype);
    let refuse = |why: String| Error::config(&doing, why).unsent();
    let types: Vec<RecordType> = kinds.iter().map(|kind| kind.rtype).collect();
    let ttl = if draft.rtype == RecordType::Soa { SOA_TTL } else { ANY_TTL };
    let rules = Rules { service: "Yandex", types: &types, ttl };
    rules.check(zone, &draft.name, draft.rtype, draft.ttl.or(Ttl::new(DEFAULT_TTL))).map_err(refuse)?;
    let parts = kinds.iter().find(|kind| kind.rtype == draft.rtype).map_or(&[][..], |kind| kind.parts);
    let given = take_front(parts, &mut draft);
    draft.value = value(draft.rtype, &given).map_err(refuse)?;
    if let Some(unknown) = draft.attributes.keys().find(|name| parts.iter().all(|part| part.name != **name)) {
        return Err(refuse(format!("{} records have no \"{unknown}\"", draft.rtype)));
    }
    for (name, value) in held {
        draft.attributes.entry(name.clone()).or_insert_with(|| value.clone());
    }
    for part in parts {
        match (draft.attributes.get(part.name), part.default) {
            (Some(text), _) => part.refuse(text).map_or(Ok(()), |why| Err(refuse(why)))?,
            (None, Some(default)) => drop(draft.attributes.insert(part.name.to_owned(), default.to_owned())),
            (None, None) => return Err(refuse(format!("{} records need \"{}\"", draft.rtype, part.name))),
        }
    }
    Ok(draft)
}

/// Moves the parts in front of the value to the attributes, where they are all there and none was given by name.
fn take_front(parts: &[Part], draft: &mut Draft) -> String {
    let text = draft.value.to_string();
    if draft.rtype == RecordType::Txt {
        return text;
    }
    let text = text.trim().to_owned();
    if parts.is_empty() || draft.rtype == RecordType::Soa {
        return text;
    }
    let words: Vec<&str> = text.splitn(parts.len() + 1, ' ').collect();
    let Some((last, front)) = words.split_last() else { return text };
    let named = parts.iter().any(|part| draft.attributes.contains_key(part.name));
    if named || front.len() != parts.len() || !front.iter().any(|word| word.parse::<u32>().is_ok()) {
        return text;
    }
    let given = parts.iter().zip(front).map(|(part, word)| (part.name.to_owned(), (*word).to_owned()));
    draft.attributes.extend(given);
    last.trim().trim_matches('"').to_owned()
}

/// A value as the documents want it: addresses of the right family, absolute names with their last dot, text that is some.
fn value(rtype: RecordType, text: &str) -> Result<Value, String> {
    match rtype {
        RecordType::A | RecordType::Aaaa => Value::parse(rtype, text),
        RecordType::Mx | RecordType::Srv if text == "." => Ok(Value::Text(".".to_owned())),
        RecordType::Cname | RecordType::Mx | RecordType::Ns | RecordType::Soa | RecordType::Srv => {
            let name = Name::parse(text).map_err(|why| format!("\"{}\" is no domain name: {why}", text.escape_debug()));
            name.map(|name| Value::Text(name.fqdn()))
        }
        _ if text.trim().is_empty() => Err("the value is empty".to_owned()),
        _ => Value::parse(rtype, text),
    }
}

/// The name as both services write it within a zone: `@` for the zone itself.
#[must_use]
pub fn relative<'a>(name: &'a Name, zone: &Zone) -> &'a str {
    match name.relative_to(&zone.name) {
        Some("") | None => "@",
        Some(front) => front,
    }
}

/// A name as the services list it: relative to the zone, `@` or nothing for the zone itself, or in full.
#[must_use]
pub fn absolute(zone: &Name, listed: &str) -> Option<Name> {
    let listed = listed.trim();
    if listed.is_empty() || listed == "@" {
        return Some(zone.clone());
    }
    let name = Name::parse(listed).ok()?;
    if listed.ends_with('.') || name.is_within(zone) {
        return Some(name);
    }
    Name::parse(&format!("{name}.{zone}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: &[Kind] = &[
        Kind { rtype: RecordType::A, parts: &[] },
        Kind { rtype: RecordType::Mx, parts: &[Part::number("priority", 0, 65_535, Some("10"))] },
        Kind {
            rtype: RecordType::Srv,
            parts: &[
                Part::number("priority", 0, 65_535, Some("10")),
                Part::number("weight", 0, 65_535, None),
                Part::number("port", 0, 65_535, None),
            ],
        },
        Kind { rtype: RecordType::Txt, parts: &[] },
    ];

    fn zone() -> Zone {
        Zone { id: "example.org".into(), name: Name::parse("example.org").unwrap() }
    }

    fn check(name: &str, rtype: RecordType, value: &str, attributes: &[(&str, &str)]) -> Result<Draft> {
        let attributes: BTreeMap<_, _> = attributes.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        let draft =
            Draft { name: Name::parse(name).unwrap(), rtype, value: Value::Text(value.into()), ttl: None, attributes };
        checked(KINDS, &zone(), draft, &BTreeMap::new())
    }

    #[test]
    fn what_stands_in_front_of_a_value_may_be_written_there_or_beside_it() {
        for (value, attributes) in [
            ("5 60 5060 sip.example.org", &[][..]),
            ("sip.example.org.", &[("priority", "5"), ("weight", "60"), ("port", "5060")]),
        ] {
            let draft = check("_sip._tcp.example.org", RecordType::Srv, value, attributes).unwrap();
            assert_eq!(draft.value.to_string(), "sip.example.org.");
            let parts: Vec<_> = draft.attributes.iter().map(|(a, b)| format!("{a} {b}")).collect();
            assert_eq!(parts, ["port 5060", "priority 5", "weight 60"]);
        }
        let draft = check("example.org", RecordType::Mx, "mail.example.org", &[]).unwrap();
        assert_eq!(draft.attributes["priority"], "10");
    }

    #[test]
    fn what_the_documents_do_not_allow_is_refused_with_a_sentence_and_not_sent() {
        for (name, rtype, value, attributes, why) in [
            ("a.example.net", RecordType::A, "192.0.2.1", &[][..], "does not lie in the zone"),
            ("a.example.org", RecordType::Ptr, "b.example.org", &[], "keeps no PTR records"),
            ("a.example.org", RecordType::A, "2001:db8::1", &[], "no IPv4 address"),
            ("a.example.org", RecordType::A, "192.0.2.1", &[("priority", "1")], "have no \"priority\""),
            ("a.example.org", RecordType::Mx, "mail..example.org", &[], "no domain name"),
            ("a.example.org", RecordType::Mx, "mail.example.org", &[("priority", "65536")], "from 0 to 65535"),
            ("a.example.org", RecordType::Srv, "sip.example.org", &[], "need \"weight\""),
            ("a.example.org", RecordType::Txt, " ", &[], "empty"),
        ] {
            let error = check(name, rtype, value, attributes).unwrap_err();
            assert!(error.unsent && error.to_string().contains(why), "{error}");
            assert_eq!(error.kind, crate::model::error::Kind::Config);
        }
    }

    #[test]
    fn names_are_relative_to_their_zone() {
        let (zone, name) = (zone(), |text| Name::parse(text).unwrap());
        assert_eq!(relative(&name("example.org"), &zone), "@");
        assert_eq!(relative(&name("a.b.example.org"), &zone), "a.b");
        for (listed, expected) in [
            ("@", "example.org"),
            ("", "example.org"),
            ("www", "www.example.org"),
            ("www.example.org", "www.example.org"),
            ("www.example.org.", "www.example.org"),
            ("example.org", "example.org"),
            ("example.net", "example.net.example.org"),
        ] {
            assert_eq!(absolute(&zone.name, listed), Some(name(expected)), "{listed}");
        }
    }
}
