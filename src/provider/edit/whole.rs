//! What was typed, as one whole value: MX and SRV with everything in front as zone files have it, wherever it was said; and what no
//! service is to be sent, whatever it would make of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::rules::together;
use super::same::{Whole, parts};
use super::{Attribute, Edit, Row};
use crate::model::name::Name;
use crate::model::record::{self, RecordType};

/// What a service's records have beside their values.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The attributes that there are.
    pub attributes: &'a [Attribute],
    /// The priority that the service documents for MX and SRV that name none.
    pub priority: Option<&'a str>,
}

impl Beside<'_> {
    /// Whether an attribute stands in front of the value in zone files. A weight that is not beside a port is another one: how often
    /// the service chooses the record.
    fn is_in_front(self, name: &str) -> bool {
        name == "priority" || self.attributes.iter().any(|known| known.name == "port")
    }
}

/// A new record, or new values of `held`, each whole: what was not typed is what `held` has, and the attributes that are now in the
/// values are no longer beside them.
///
/// # Errors
/// Something is missing, is said twice in two ways, or can be the value of no record of its type.
pub fn typed(mut edit: Edit, held: Option<&Row>, beside: Beside<'_>) -> Result<Edit, String> {
    together(edit.rtype, &edit.values)?;
    if edit.rtype == RecordType::Cname && edit.values.len() > 1 {
        return Err("a CNAME has one value (RFC 1034, section 3.6.2)".into());
    }
    let given = taken(&mut edit, beside);
    let said = Said { edit: &edit, given: &given, held, beside };
    edit.values = edit.values.iter().map(|value| said.one(value)).collect::<Result<_, _>>()?;
    Ok(edit)
}

/// Other attributes of what is `held`, whose values stay: what of them stands in front is changed in the value.
///
/// # Errors
/// There are several values, so that nobody knows which is meant; or the attribute is no number.
pub fn attributed(mut edit: Edit, held: &Row, beside: Beside<'_>) -> Result<Edit, String> {
    let given = taken(&mut edit, beside);
    let Some((name, _)) = given.first_key_value() else { return Ok(edit) };
    let [value] = held.values.as_slice() else {
        return Err(format!("there are several values: give them, each with its {name} in front"));
    };
    let whole = Whole::new(edit.rtype, value, &held.attributes);
    let front = parts(edit.rtype).iter().filter_map(|part| given.get(part).or_else(|| whole.front.get(part)));
    let words: Vec<&str> = front.map(String::as_str).chain([bare(value)]).collect();
    let whole = words.join(" ");
    numbers(&given)?;
    edit.values = vec![whole];
    Ok(edit)
}

/// The attributes of an edit that stand in front of its values; they are taken from it.
fn taken(edit: &mut Edit, beside: Beside<'_>) -> BTreeMap<&'static str, String> {
    if !matches!(edit.rtype, RecordType::Mx | RecordType::Srv) {
        return BTreeMap::new();
    }
    let parts = parts(edit.rtype).iter().filter(|part| beside.is_in_front(part));
    parts.filter_map(|part| Some((*part, edit.attributes.remove(*part)?.trim().to_owned()))).collect()
}

/// The last word: a host.
fn bare(value: &str) -> &str {
    value.split_whitespace().next_back().unwrap_or_default()
}

fn numbers(given: &BTreeMap<&'static str, String>) -> Result<(), String> {
    match given.iter().find(|(_, text)| text.parse::<u16>().is_err()) {
        Some((name, text)) => Err(format!("a {name} is a number from 0 to 65535, unlike \"{}\"", text.escape_debug())),
        None => Ok(()),
    }
}

/// What was said of a record beside each of its values.
struct Said<'a> {
    edit: &'a Edit,
    /// The attributes that stand in front of the value.
    given: &'a BTreeMap<&'static str, String>,
    /// The record as it is.
    held: Option<&'a Row>,
    beside: Beside<'a>,
}

impl Said<'_> {
    /// One value, whole.
    fn one(&self, value: &str) -> Result<String, String> {
        let edit = self.edit;
        match edit.rtype {
            RecordType::Mx | RecordType::Srv => self.in_front(value),
            RecordType::Alias | RecordType::Cname | RecordType::Ns | RecordType::Ptr => {
                target(edit, value.trim()).map(|()| value.to_owned())
            }
            rtype if rtype.is_text() && record::text(value)?.is_empty() => {
                Err(format!("the text of the {} record is empty", edit.rtype))
            }
            _ => Ok(value.to_owned()),
        }
    }

    /// What stands in front of a host, from the value, from what was said beside it, or as it is.
    fn in_front(&self, value: &str) -> Result<String, String> {
        let Self { edit, given, held, beside } = *self;
        let (rtype, parts) = (edit.rtype, parts(edit.rtype));
        let form = || {
            let form = if rtype == RecordType::Mx { "priority target" } else { "priority weight port target" };
            format!("an {rtype} record is \"{form}\", unlike \"{}\"", value.escape_debug())
        };
        numbers(given)?;
        let words: Vec<&str> = value.split_whitespace().collect();
        let (host, inside) = words.split_last().ok_or_else(form)?;
        let first = parts.len().checked_sub(inside.len()).ok_or_else(form)?;
        if inside.iter().any(|word| word.parse::<u16>().is_err()) {
            return Err(form());
        }
        target(edit, host)?;
        let before = held.and_then(|row| front_of(row, host));
        let mut whole = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let inside = at.checked_sub(first).and_then(|at| inside.get(at)).copied();
            match (inside, given.get(part).map(String::as_str)) {
                (Some(one), Some(other)) if one.parse::<u16>().ok() != other.parse().ok() => {
                    return Err(format!(
                        "the {part} is given twice: {other}, and in the value \"{}\"",
                        value.escape_debug()
                    ));
                }
                (Some(said), _) | (None, Some(said)) => whole.push(said.to_owned()),
                (None, None) => match before.as_ref().and_then(|before| before.get(part)) {
                    Some(held) => whole.push(held.clone()),
                    // The service's own default: it is not said, so that it is no other record than one of another priority.
                    None if *part == "priority" && beside.priority.is_some() && rtype == RecordType::Mx => {}
                    None => whole.push(lacking(part, beside).ok_or_else(|| match *part {
                        "priority" if inside_is_whole(rtype, words.len()) => {
                            format!(
                                "an {rtype} record needs a priority: --priority 10, or \"10 {}\" as its value",
                                words.join(" ")
                            )
                        }
                        _ => form(),
                    })?),
                },
            }
        }
        whole.push((*host).to_owned());
        Ok(whole.join(" "))
    }
}

/// Whether so many words are everything but the priority.
fn inside_is_whole(rtype: RecordType, words: usize) -> bool {
    words == parts(rtype).len()
}

/// What a part is where nobody says it.
fn lacking(part: &str, beside: Beside<'_>) -> Option<String> {
    beside.priority.filter(|_| part == "priority").map(str::to_owned)
}

/// What stands in front of a host in a row, or of the only one that it has.
fn front_of(row: &Row, host: &str) -> Option<BTreeMap<&'static str, String>> {
    let all = || row.values.iter().map(|value| Whole::new(row.rtype, value, &row.attributes));
    let wanted = Whole::new(row.rtype, host, &BTreeMap::new());
    let same = all().find(|whole| whole.value == wanted.value);
    let only = if row.values.len() == 1 { all().next() } else { None };
    same.or(only).map(|whole| whole.front)
}

/// Whether a record may point to this host.
fn target(edit: &Edit, host: &str) -> Result<(), String> {
    let rtype = edit.rtype;
    // A single dot says that there is no such service (RFC 2782, RFC 7505).
    if host == "." && matches!(rtype, RecordType::Mx | RecordType::Srv) {
        return Ok(());
    }
    if host.parse::<IpAddr>().is_ok() {
        return Err(format!("the target of {rtype} is a host's name, and {host} is an address"));
    }
    let name = Name::parse(host).map_err(|why| format!("\"{}\" is no host's name: {why}", host.escape_debug()))?;
    if name == edit.name && matches!(rtype, RecordType::Alias | RecordType::Cname) {
        return Err(format!("the {rtype} of {name} would point to itself"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::edit::Attributes;

    const PRIORITY: &[Attribute] = &[Attribute { name: "priority", help: "" }, Attribute { name: "weight", help: "" }];
    const ALL: &[Attribute] = &[Attribute { name: "port", help: "" }];

    fn edit(rtype: RecordType, values: &[&str], attributes: &[(&str, &str)]) -> Edit {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Edit { name: Name::parse("www.example.org").unwrap(), rtype, values, ttl: None, attributes }
    }

    fn row(rtype: RecordType, values: &[&str], attributes: &[(&str, &str)]) -> Row {
        let Edit { name, rtype, values, ttl, attributes } = edit(rtype, values, attributes);
        Row { id: "1".into(), name, rtype, values, ttl, attributes }
    }

    fn beside(attributes: &[Attribute]) -> Beside<'_> {
        Beside { attributes, priority: None }
    }

    #[test]
    fn what_stands_in_front_may_be_said_there_or_beside_it_and_what_is_not_said_stays() {
        use RecordType::{Mx, Srv};
        for (rtype, value, given, held, expected) in [
            (Mx, "mail.example.org", &[("priority", "10")][..], None, "10 mail.example.org"),
            (Mx, "10 mail.example.org", &[("priority", "10")], None, "10 mail.example.org"),
            (Mx, "mail.example.org", &[], Some(row(Mx, &["20 old.example.org."], &[])), "20 mail.example.org"),
            (Mx, "0 .", &[], None, "0 ."),
            (Srv, "7 5060 sip.example.org", &[("priority", "5")], None, "5 7 5060 sip.example.org"),
            (
                Srv,
                "sip.example.org",
                &[("port", "5061"), ("weight", "8")],
                Some(row(Srv, &["sip.example.org."], &[("port", "1"), ("priority", "5"), ("weight", "2")])),
                "5 8 5061 sip.example.org",
            ),
        ] {
            let made = typed(edit(rtype, &[value], given), held.as_ref(), beside(ALL)).unwrap();
            assert_eq!((made.values, made.attributes), (vec![expected.to_owned()], Attributes::new()));
        }
        // Where the port is in the value, a weight beside it is how often the service chooses the record.
        let made = edit(Srv, &["5 7 5060 sip.example.org"], &[("weight", "3")]);
        assert_eq!(typed(made.clone(), None, beside(PRIORITY)), Ok(made));
        let default = Beside { attributes: ALL, priority: Some("10") };
        assert_eq!(typed(edit(Mx, &["mail.example.org"], &[]), None, default).unwrap().values, ["mail.example.org"]);
        let made = typed(edit(Srv, &["7 5060 sip.example.org"], &[]), None, default).unwrap();
        assert_eq!(made.values, ["10 7 5060 sip.example.org"]);
    }

    #[test]
    fn an_attribute_alone_changes_what_stands_in_front_of_the_value_that_is_there() {
        use RecordType::{A, Mx, Srv};
        for (rtype, held, has, expected) in [
            (Srv, "5 7 5060 sip.example.org", &[("priority", "5")][..], "9 7 5060 sip.example.org"),
            (Srv, "7 5060 sip.example.org.", &[("priority", "5")], "9 7 5060 sip.example.org."),
            (Mx, "mail.example.org", &[("priority", "10")], "9 mail.example.org"),
        ] {
            let made =
                attributed(edit(rtype, &[held], &[("priority", "9")]), &row(rtype, &[held], has), beside(PRIORITY));
            assert_eq!(made.unwrap().values, [expected]);
        }
        let many = ["10 a.example.org.", "20 b.example.org."];
        let why =
            attributed(edit(Mx, &many, &[("priority", "9")]), &row(Mx, &many, &[]), beside(PRIORITY)).unwrap_err();
        assert!(why.contains("several values"), "{why}");
        let ttl_alone = edit(Mx, &many, &[]);
        assert_eq!(attributed(ttl_alone.clone(), &row(Mx, &many, &[]), beside(PRIORITY)), Ok(ttl_alone));
        let of_address = edit(A, &["192.0.2.1"], &[("weight", "9")]);
        assert_eq!(attributed(of_address.clone(), &row(A, &["192.0.2.1"], &[]), beside(PRIORITY)), Ok(of_address));
    }

    #[test]
    fn what_no_record_can_be_is_refused_with_its_rule() {
        use RecordType::{Cname, Mx, Ns, Srv, Txt};
        for (rtype, values, given, says) in [
            (Cname, &["a.example.org", "b.example.org"][..], &[][..], "a CNAME has one value"),
            (Cname, &["bad host"], &[], "no host's name"),
            (Cname, &["WWW.example.org."], &[], "point to itself"),
            (Cname, &["192.0.2.1"], &[], "is an address"),
            (Ns, &["2001:db8::1"], &[], "is an address"),
            (Mx, &["10 192.0.2.1"], &[], "is an address"),
            (Mx, &["mail.example.org"], &[], "needs a priority"),
            (Mx, &["10 mail.example.org"], &[("priority", "20")], "given twice"),
            (Mx, &["1 10 mail.example.org"], &[], "\"priority target\""),
            (Mx, &["mail.example.org"], &[("priority", "high")], "a number from 0 to 65535"),
            (Srv, &["7 5060 sip.example.org"], &[], "needs a priority"),
            (Srv, &["5060 sip.example.org"], &[("priority", "1")], "priority weight port target"),
            (Srv, &["5 7 70000 sip.example.org"], &[], "priority weight port target"),
            (Srv, &["5 7 5060 a..b"], &[], "no host's name"),
            (Txt, &["\"\""], &[], "is empty"),
        ] {
            let why = typed(edit(rtype, values, given), None, beside(PRIORITY)).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }
}
