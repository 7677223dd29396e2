//! When what shall be added is there already: the same value, however the service writes it, with the same attributes.

use std::collections::BTreeMap;

use super::{Attribute, Attributes, Edit, Row, fits};
use crate::model::record::{RecordType, Value};

/// How something that shall be added stands to a row of the same name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is something else.
    Other,
    /// It is the same but for this, in words: `its TTL is 300`.
    Differs(String),
    /// It is the same.
    Same,
}

/// The attributes of a service's records.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Which there are.
    pub attributes: &'a [Attribute],
    /// Whether a value of one says no more than not giving it.
    pub unsaid: &'a (dyn Fn(&str, &str) -> bool + Sync),
}

impl<'a> Known<'a> {
    /// What an attribute says beyond its default.
    fn said(self, of: &'a Attributes, name: &str) -> &'a str {
        of.get(name).map(|value| value.trim()).filter(|value| !(self.unsaid)(name, value)).unwrap_or_default()
    }

    /// Whether an attribute says the same of both; numbers are numbers, however they are written.
    fn alike(self, one: &Attributes, other: &Attributes, name: &str) -> bool {
        let (one, other) = (self.said(one, name), self.said(other, name));
        let numbers = one.parse::<f64>().ok().zip(other.parse::<f64>().ok());
        one == other || numbers.is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
    }
}

/// Whether a row is already what an edit would make of it.
#[must_use]
pub fn is_so(edit: &Edit, row: &Row, known: Known<'_>) -> bool {
    let whole = |values: &[String], attributes| -> Vec<Whole> {
        values.iter().map(|value| Whole::new(edit.rtype, value, attributes)).collect()
    };
    let (wanted, held) = (whole(&edit.values, &edit.attributes), whole(&row.values, &row.attributes));
    let values = held.len() == wanted.len()
        && wanted.iter().all(|wanted| held.iter().any(|held| held.is(wanted)))
        && held.iter().all(|held| wanted.iter().any(|wanted| held.is(wanted)));
    let ttl = edit.ttl.is_none_or(|ttl| row.ttl == Some(ttl));
    let mut given = edit.attributes.keys().filter(|name| !is_part(edit.rtype, name));
    (&edit.name, edit.rtype) == (&row.name, row.rtype)
        && values
        && ttl
        && given.all(|name| known.alike(&edit.attributes, &row.attributes, name))
}

/// Whether two rows are one record twice: the same value, and nothing that tells them apart.
#[must_use]
pub fn is_twin(row: &Row, other: &Row, known: Known<'_>) -> bool {
    let Row { name, rtype, values, attributes, .. } = row.clone();
    let edit = Edit { name, rtype, values, ttl: None, attributes };
    let same = |value: &String| standing(&edit, value, other, known) != Standing::Other;
    !edit.values.is_empty() && edit.values.iter().all(same)
}

/// How one value of an edit stands to a record that is there. A priority and a TTL that the edit does not say count for nothing; any
/// other attribute that records may be given here (`known`) tells records of one value apart: the same address for two regions.
#[must_use]
pub fn standing(edit: &Edit, value: &str, row: &Row, known: Known<'_>) -> Standing {
    let of_edit = Whole::new(edit.rtype, value, &edit.attributes);
    let is_there = row.values.iter().any(|held| Whole::new(row.rtype, held, &row.attributes).is(&of_edit));
    if edit.name != row.name || edit.rtype != row.rtype || !is_there {
        return Standing::Other;
    }
    if tells_apart(edit, row, known) {
        return Standing::Other;
    }
    differs(edit, row).map_or(Standing::Same, Standing::Differs)
}

/// How an edit stands to the record set of its name and type.
#[must_use]
pub fn standing_of_set(edit: &Edit, row: &Row) -> Standing {
    if edit.name != row.name || edit.rtype != row.rtype {
        return Standing::Other;
    }
    let held: Vec<Whole> = row.values.iter().map(|value| Whole::new(row.rtype, value, &row.attributes)).collect();
    let lacks = edit.values.iter().find(|value| {
        let wanted = Whole::new(edit.rtype, value, &edit.attributes);
        !held.iter().any(|held| held.is(&wanted))
    });
    if lacks.is_some() {
        return Standing::Differs(format!("it holds {}", row.values.join(", ")));
    }
    differs(edit, row).map_or(Standing::Same, Standing::Differs)
}

/// What an edit wants otherwise of what it would else be the same as: the TTL, or the note.
fn differs(edit: &Edit, row: &Row) -> Option<String> {
    if let Some((_, held)) = edit.ttl.zip(row.ttl).filter(|(wanted, held)| wanted != held) {
        return Some(format!("its TTL is {held}"));
    }
    let wanted = edit.attributes.get(NOTE)?.trim();
    let held = row.attributes.get(NOTE).map(String::as_str).unwrap_or_default();
    (wanted != held).then(|| format!("its {NOTE} is \"{held}\""))
}

/// The attribute that a person writes for people.
const NOTE: &str = "comment";

/// What stands in front of the value in a zone file, by type; services keep it beside the value, or in it.
pub(super) fn parts(rtype: RecordType) -> &'static [&'static str] {
    match rtype {
        RecordType::Caa => &["flag", "tag"],
        RecordType::Mx => &["priority"],
        RecordType::Srv => &["priority", "weight", "port"],
        _ => &[],
    }
}

fn is_part(rtype: RecordType, name: &str) -> bool {
    parts(rtype).contains(&name)
}

/// Whether an attribute makes the edit another record than the row: the same address for two regions are two. A note does not, nor
/// do the times of an SOA record, of which there is one.
fn tells_apart(edit: &Edit, row: &Row, known: Known<'_>) -> bool {
    let counts = |name: &str| name != NOTE && !is_part(edit.rtype, name);
    let unsaid = |name: &str| edit.rtype == RecordType::Soa && !edit.attributes.contains_key(name);
    let mut names = known.attributes.iter().map(|known| known.name).filter(|name| counts(name) && !unsaid(name));
    names.any(|name| !known.alike(&edit.attributes, &row.attributes, name))
}

/// Whether a value of a row is what is typed, however the two are written; what is not typed in front counts for nothing.
#[must_use]
pub fn is_value(row: &Row, value: &str, typed: &str) -> bool {
    Whole::new(row.rtype, value, &row.attributes).is(&Whole::new(row.rtype, typed, &Attributes::new()))
}

/// Whether a value of a row fits a pattern in which `*` stands for any characters: as it is listed, as one value however the two are
/// written, and, of MX and SRV, with what stands in front of it in zone files or without. The last dot of a host counts for nothing.
#[must_use]
pub fn fits_value(row: &Row, value: &str, pattern: &str) -> bool {
    if fits(pattern, value) {
        return true;
    }
    if !is_host(row.rtype) {
        return !pattern.contains('*') && is_value(row, value, pattern);
    }
    let pattern = pattern.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = Whole::new(row.rtype, value, &row.attributes);
    let mut text = whole.value.to_string();
    let mut forms = vec![text.clone()];
    for said in parts(row.rtype).iter().rev().map_while(|part| whole.front.get(part)) {
        text = format!("{said} {text}");
        forms.push(text.clone());
    }
    forms.iter().any(|form| fits(pattern.trim_end_matches('.'), form))
}

/// A row as a list has it: MX and SRV with everything in front as zone files have it, and the attributes that are not in the values.
#[must_use]
pub fn listed(row: &Row) -> Row {
    let mut listed = row.clone();
    if !matches!(row.rtype, RecordType::Mx | RecordType::Srv) {
        return listed;
    }
    for value in &mut listed.values {
        let inside = Whole::new(row.rtype, value, &Attributes::new()).front;
        let whole = Whole::new(row.rtype, value, &row.attributes).front;
        // A weight beside one that is in the value is another: how often the service chooses the record.
        listed
            .attributes
            .retain(|name, _| !whole.contains_key(&**name) || (name != "priority" && inside.contains_key(&**name)));
        let host = value.split_whitespace().next_back().unwrap_or_default();
        let host = host.strip_suffix('.').filter(|host| !host.is_empty()).unwrap_or(host);
        let front = parts(row.rtype).iter().filter_map(|part| whole.get(part));
        *value = front.map(String::as_str).chain([host]).collect::<Vec<_>>().join(" ");
    }
    listed
}

/// Whether the value ends in a host's name.
fn is_host(rtype: RecordType) -> bool {
    use RecordType::{Alias, Cname, Mx, Ns, Ptr, Soa, Srv};
    matches!(rtype, Alias | Cname | Mx | Ns | Ptr | Soa | Srv)
}

/// The attributes beside one value that stand in it too, as the value has them.
pub fn put_beside(rtype: RecordType, values: &[String], beside: &mut Attributes) {
    let [value] = values else { return };
    for (name, said) in Whole::new(rtype, value, &Attributes::new()).front {
        beside.entry(name.to_owned()).and_modify(|held| *held = said);
    }
}

/// A value with everything that stands in front of it.
pub(super) struct Whole {
    /// What stands in front of it, as far as it is said.
    pub(super) front: BTreeMap<&'static str, String>,
    /// The rest.
    pub(super) value: Value,
}

impl Whole {
    /// Of a value as it is listed or typed, and the attributes beside it.
    pub(super) fn new(rtype: RecordType, text: &str, attributes: &Attributes) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let parts = parts(rtype);
        // As many parts as stand in the value, the last of them nearest to it. The first of them is a number.
        let numbered = words.first().is_some_and(|first| first.parse::<u32>().is_ok());
        let inside = if numbered { words.len().saturating_sub(1).min(parts.len()) } else { 0 };
        let (words_in_front, rest) = words.split_at(inside);
        let (beside, in_front) = parts.split_at(parts.len() - inside);
        let mut front: BTreeMap<&str, String> =
            beside.iter().filter_map(|name| Some((*name, attributes.get(*name)?.trim().to_owned()))).collect();
        front.extend(in_front.iter().zip(words_in_front).map(|(name, word)| (*name, (*word).to_owned())));
        let value = match rtype {
            _ if !parts.is_empty() => Value::Text(host(&rest.join(" "))),
            _ if is_host(rtype) => Value::Text(host(text)),
            _ => Value::parse(rtype, text).unwrap_or_else(|_| Value::Text(text.trim().to_owned())),
        };
        Self { front, value }
    }

    /// Whether this is what is `wanted`: what the wanted one does not say counts for nothing.
    fn is(&self, wanted: &Self) -> bool {
        self.value == wanted.value && wanted.front.iter().all(|(name, value)| self.front.get(name) == Some(value))
    }
}

/// A host's name is the same in any case, with and without its last dot; quotes are those of CAA.
fn host(text: &str) -> String {
    text.trim().trim_matches('"').trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Name;
    use crate::model::record::Ttl;

    #[test]
    fn mx_and_srv_are_listed_alike_wherever_the_service_keeps_what_stands_in_front() {
        use RecordType::{Cname, Mx, Srv};
        let all = &[("port", "5060"), ("priority", "5"), ("weight", "7")][..];
        for (rtype, value, has, expected, left) in [
            (Srv, "sip.example.org.", all, "5 7 5060 sip.example.org", &[][..]),
            (
                Srv,
                "7 5060 sip.example.org",
                &[("priority", "5"), ("weight", "40")],
                "5 7 5060 sip.example.org",
                &[("weight", "40")],
            ),
            (Srv, "5 7 5060 sip.example.org", &[("priority", "5")], "5 7 5060 sip.example.org", &[]),
            (
                Mx,
                "mail.example.org",
                &[("comment", "ours"), ("priority", "10")],
                "10 mail.example.org",
                &[("comment", "ours")],
            ),
            (Mx, "0 .", &[], "0 .", &[]),
            (Cname, "b.example.org.", &[("comment", "ours")], "b.example.org.", &[("comment", "ours")]),
        ] {
            let listed = listed(&row(rtype, &[value], has));
            assert_eq!((listed.values, listed.attributes), (vec![expected.to_owned()], given(left)), "{value}");
        }
    }

    #[test]
    fn a_value_is_found_as_zone_files_have_it_and_without_its_last_dot() {
        use RecordType::{Aaaa, Cname, Mx, Srv, Txt};
        let mx = row(Mx, &["Mail.example.org."], &[("priority", "10")]);
        let srv = row(Srv, &["7 5060 sip.example.org"], &[("priority", "5")]);
        let long = row(Srv, &["5 7 5060 sip.example.org."], &[]);
        let others =
            [row(Cname, &["b.example.org."], &[]), row(Aaaa, &["2001:db8::1"], &[]), row(Txt, &[" a text"], &[])];
        let [cname, address, text] = &others;
        for (row, pattern, expected) in [
            (&mx, "10 mail.example.org", true),
            (&mx, "10  MAIL.example.org.", true),
            (&mx, "mail.*", true),
            (&mx, "1* mail.example.org.", true),
            (&mx, "20 mail.example.org", false),
            (&mx, "example.org", false),
            (&srv, "5 7 5060 sip.example.org", true),
            (&srv, "7 5060 sip.example.org.", true),
            (&srv, "9 7 5060 sip.example.org", false),
            (&long, "sip.example.org", true),
            (cname, "B.example.org", true),
            (address, "2001:DB8:0::1", true),
            (text, "\" a \" \"text\"", true),
            (text, "a text", false),
        ] {
            assert_eq!(fits_value(row, &row.values[0], pattern), expected, "{} {pattern}", row.rtype);
        }
        assert!(
            is_value(&mx, "Mail.example.org.", "10 mail.example.org")
                && is_value(&srv, "7 5060 sip.example.org", "sip.example.org")
        );
        assert!(!is_value(&mx, "Mail.example.org.", "20 mail.example.org"));
    }

    const ATTRIBUTES: &[Attribute] = &[
        Attribute { name: "comment", help: "" },
        Attribute { name: "country", help: "" },
        Attribute { name: "priority", help: "" },
        Attribute { name: "refresh", help: "" },
        Attribute { name: "weight", help: "" },
    ];

    /// A weight of 0 is none.
    const KNOWN: Known<'_> = Known { attributes: ATTRIBUTES, unsaid: &|name, value| (name, value) == ("weight", "0") };

    fn given(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn edit(rtype: RecordType, values: &[&str], ttl: Option<u32>, attributes: &[(&str, &str)]) -> Edit {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let name = Name::parse("www.example.org").unwrap();
        Edit { name, rtype, values, ttl: ttl.and_then(Ttl::new), attributes: given(attributes) }
    }

    fn row(rtype: RecordType, values: &[&str], attributes: &[(&str, &str)]) -> Row {
        let Edit { name, rtype, values, ttl, attributes } = edit(rtype, values, Some(300), attributes);
        Row { id: "1".into(), name, rtype, values, ttl, attributes }
    }

    #[test]
    fn the_same_is_the_same_however_it_is_written() {
        use RecordType::{A, Aaaa, Caa, Cname, Mx, Srv, Txt};
        for (rtype, wanted, asked, held, has) in [
            (A, "192.0.2.1", &[][..], "192.0.2.1", &[("status", "Enabled")][..]),
            (Aaaa, "2001:DB8::1", &[], "2001:db8:0::1", &[]),
            (Cname, "Example.ORG.", &[], "example.org", &[]),
            (Txt, "\"v=spf1 \" \"-all\"", &[], "v=spf1 -all", &[]),
            (Mx, "10 mail.example.org", &[], "mail.example.org.", &[("priority", "10")]),
            (Mx, "mail.example.org", &[("priority", "10")], "10 mail.example.org.", &[]),
            (Mx, "mail.example.org", &[], "mail.example.org.", &[("priority", "20")]),
            (Srv, "1 2 5060 sip.example.org", &[], "2 5060 sip.example.org", &[("priority", "1")]),
            (
                Srv,
                "1 2 5060 sip.example.org",
                &[],
                "sip.example.org.",
                &[("port", "5060"), ("priority", "1"), ("weight", "2")],
            ),
            (Caa, "0 issue \"ca.example\"", &[], "ca.example", &[("flag", "0"), ("tag", "issue")]),
            (A, "192.0.2.1", &[("weight", "4")], "192.0.2.1", &[("weight", "4.0")]),
            (A, "192.0.2.1", &[("weight", "0")], "192.0.2.1", &[]),
            (A, "192.0.2.1", &[], "192.0.2.1", &[("weight", "0")]),
            (A, "192.0.2.1", &[("country", "")], "192.0.2.1", &[("comment", "ours")]),
            (RecordType::Soa, "ns.example.org", &[], "ns.example.org.", &[("refresh", "900")]),
        ] {
            let edit = edit(rtype, &[wanted], None, asked);
            assert_eq!(standing(&edit, wanted, &row(rtype, &[held], has), KNOWN), Standing::Same, "{rtype} {wanted}");
        }
    }

    #[test]
    fn another_value_priority_or_region_is_another_record() {
        use RecordType::{A, Mx, Srv, Txt};
        for (rtype, wanted, asked, held, has) in [
            (A, "192.0.2.1", &[][..], "192.0.2.2", &[][..]),
            (A, "192.0.2.1", &[("country", "DE")], "192.0.2.1", &[]),
            (A, "192.0.2.1", &[], "192.0.2.1", &[("country", "DE")]),
            (Mx, "10 mail.example.org", &[], "mail.example.org", &[("priority", "20")]),
            (Srv, "1 2 5061 sip.example.org", &[], "2 5060 sip.example.org", &[("priority", "1")]),
            (Txt, "Words", &[], "words", &[]),
            (RecordType::Soa, "ns.example.org", &[("refresh", "1800")], "ns.example.org", &[("refresh", "900")]),
        ] {
            let edit = edit(rtype, &[wanted], None, asked);
            assert_eq!(standing(&edit, wanted, &row(rtype, &[held], has), KNOWN), Standing::Other, "{rtype} {wanted}");
        }
        let other = Row { name: Name::parse("example.org").unwrap(), ..row(A, &["192.0.2.1"], &[]) };
        assert_eq!(standing(&edit(A, &["192.0.2.1"], None, &[]), "192.0.2.1", &other, KNOWN), Standing::Other);
    }

    #[test]
    fn the_same_with_another_ttl_is_no_new_record_either() {
        let wanted = |ttl| edit(RecordType::A, &["192.0.2.1"], Some(ttl), &[]);
        let held = row(RecordType::A, &["192.0.2.1"], &[]);
        assert_eq!(standing(&wanted(300), "192.0.2.1", &held, KNOWN), Standing::Same);
        assert_eq!(standing(&wanted(60), "192.0.2.1", &held, KNOWN), Standing::Differs("its TTL is 300".into()));
        let noted = edit(RecordType::A, &["192.0.2.1"], None, &[("comment", "ours")]);
        assert_eq!(standing(&noted, "192.0.2.1", &held, KNOWN), Standing::Differs("its comment is \"\"".into()));
        let silent = Row { ttl: None, ..held };
        assert_eq!(standing(&wanted(60), "192.0.2.1", &silent, KNOWN), Standing::Same);
    }

    #[test]
    fn a_set_is_there_when_it_holds_all_of_it() {
        let held = row(RecordType::Mx, &["10 a.example.org.", "20 b.example.org."], &[("comment", "ours")]);
        let stands = |values: &[&str], ttl, attributes: &[(&str, &str)]| {
            standing_of_set(&edit(RecordType::Mx, values, ttl, attributes), &held)
        };
        assert_eq!(stands(&["a.example.org"], None, &[("priority", "10")]), Standing::Same);
        assert_eq!(
            stands(&["20 B.example.org", "10 a.example.org"], Some(300), &[("comment", "ours")]),
            Standing::Same
        );
        for (values, ttl, attributes, says) in [
            (&["30 c.example.org"][..], None, &[][..], "it holds 10 a.example.org., 20 b.example.org."),
            (&["20 a.example.org"], None, &[], "it holds 10 a.example.org., 20 b.example.org."),
            (&["10 a.example.org"], Some(60), &[], "its TTL is 300"),
            (&["10 a.example.org"], None, &[("comment", "theirs")], "its comment is \"ours\""),
        ] {
            assert_eq!(stands(values, ttl, attributes), Standing::Differs(says.into()));
        }
    }

    #[test]
    fn an_edit_that_says_what_is_there_changes_nothing() {
        let held = row(RecordType::Mx, &["mail.example.org."], &[("comment", "ours"), ("priority", "10")]);
        for (value, ttl, attributes, expected) in [
            ("mail.example.org", None, &[][..], true),
            ("10 MAIL.example.org.", Some(300), &[("comment", "ours")], true),
            ("mail.example.org", None, &[("priority", "10"), ("weight", "0")], true),
            ("mail.example.org", Some(60), &[], false),
            ("20 mail.example.org", None, &[], false),
            ("mail.example.org", None, &[("priority", "20")], false),
            ("mail.example.org", None, &[("comment", "")], false),
            ("mail.example.org", None, &[("weight", "1")], false),
            ("other.example.org", None, &[], false),
        ] {
            let edit = edit(RecordType::Mx, &[value], ttl, attributes);
            assert_eq!(is_so(&edit, &held, KNOWN), expected, "{value} {ttl:?} {attributes:?}");
        }
        let set = row(RecordType::A, &["192.0.2.1", "192.0.2.2"], &[]);
        assert!(is_so(&edit(RecordType::A, &["192.0.2.2", "192.0.2.1"], None, &[]), &set, KNOWN));
        assert!(!is_so(&edit(RecordType::A, &["192.0.2.2"], None, &[]), &set, KNOWN));
    }

    #[test]
    fn twins_are_records_that_nothing_tells_apart() {
        let one = |attributes| row(RecordType::A, &["192.0.2.1"], attributes);
        assert!(is_twin(&one(&[("comment", "a")]), &one(&[("weight", "0")]), KNOWN));
        assert!(!is_twin(&one(&[("country", "DE")]), &one(&[]), KNOWN));
        let mx = |priority| row(RecordType::Mx, &["mail.example.org"], &[("priority", priority)]);
        assert!(!is_twin(&mx("10"), &mx("20"), KNOWN) && is_twin(&mx("10"), &mx("10"), KNOWN));
    }
}
