//! What PocketDNS documents of records, checked before anything is sent.
//!
//! Source: "Validation Rules", "DNS Record Types" and the parameters of the page on DNS records. Stricter than it in one
//! place: a label beginning or ending with a hyphen is refused wherever it stands (RFC 1123). Wider in one: underscores, which
//! the list of characters lacks and its own example of an SRV record (`_sip._tcp`) has. `*` is not documented and refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::api::{New, Patch};
use crate::model::name::Name;
use crate::model::record::{self, RecordType, Ttl, Value};
use crate::provider::edit::rules::{Objection, Rules};
use crate::provider::setting::Settings;
use crate::provider::shape::zones::Zone;

/// The shortest and the longest time to live, in seconds.
pub const TTL: (u32, u32) = (60, 86_400);

/// The types of records that there are, and the bounds of a TTL.
const RULES: Rules<'_> = Rules {
    service: "PocketDNS",
    types: &[
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Cname,
        RecordType::Mx,
        RecordType::Ns,
        RecordType::Srv,
        RecordType::Txt,
    ],
    ttl: TTL,
};

/// The domain itself, in the place of a name.
pub const ROOT: &str = "@";

/// Why there is no `*.example.org`.
const NO_ASTERISK: &str = "PocketDNS documents no names with an asterisk";

/// The longest text of a TXT record that is sent without quotation marks, in octets.
const STRING: usize = 255;

/// What a person or the engine wants a record to be.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its name, in full.
    pub name: &'a Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its content.
    pub content: &'a str,
    /// Its time to live; `None` takes the service's default.
    pub ttl: Option<Ttl>,
    /// Its priority, as text.
    pub priority: Option<&'a str>,
}

/// What is known of a name without asking.
#[must_use]
pub fn objection(_: &Settings, name: &Name, _: &[RecordType]) -> Option<Objection> {
    let help = "write each name out, or point it elsewhere with a CNAME".to_owned();
    let wild = name.as_str().starts_with('*');
    wild.then(|| Objection { certain: true, why: format!("{name}: {NO_ASTERISK}"), help })
}

/// A new record as it is sent.
///
/// # Errors
/// Which rule it breaks.
pub fn new(zone: &Zone, wanted: &Wanted<'_>) -> Result<New, String> {
    RULES.check(zone, wanted.name, wanted.rtype, wanted.ttl)?;
    let name = name(zone, wanted)?;
    let priority = wanted.priority.map(|given| priority(wanted.rtype, given)).transpose()?;
    if wanted.rtype == RecordType::Mx && priority.is_none() {
        return Err("an MX record needs a priority: --priority 10, or \"10 mail.example.org\" as its value".into());
    }
    let content = content(wanted.rtype, wanted.content)?;
    if wanted.rtype == RecordType::Srv
        && let Some(priority) = priority
        && content.split(' ').next() != Some(&priority.to_string())
    {
        return Err(format!("the priority is given twice: {priority}, and in the value \"{content}\""));
    }
    let ttl = wanted.ttl.map(Ttl::seconds);
    Ok(New { rtype: wanted.rtype.as_str().to_owned(), name, content, ttl, priority })
}

/// The only template that the documentation names.
const TEMPLATE: &str = "tpl_website_basic";

/// Whether there may be a template of this id; `unapplied`, whether there surely is, as nobody can ask without applying it.
///
/// # Errors
/// Why not.
pub fn template(id: &str, unapplied: bool) -> Result<(), String> {
    let rest = id.strip_prefix("tpl_").unwrap_or_default();
    if rest.is_empty() || !rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        return Err(format!("a template's id looks like {TEMPLATE}"));
    }
    if unapplied && id != TEMPLATE {
        let why = "without applying it nobody can ask whether there is another";
        return Err(format!("PocketDNS documents {TEMPLATE} alone, and {why}: nothing can be foreseen"));
    }
    Ok(())
}

/// What is sent to make a record what is wanted: what differs, as everything else stays as it is. The time to live and the
/// priority stay where none is wanted.
///
/// # Errors
/// Which rule it breaks. What is there already and stays is not checked again.
pub fn patch(zone: &Zone, held: &Wanted<'_>, wanted: &Wanted<'_>) -> Result<Patch, String> {
    if held.rtype != wanted.rtype {
        return Err(format!("a record's type cannot be changed, from {} to {}", held.rtype, wanted.rtype));
    }
    let mut patch = Patch::default();
    if held.name != wanted.name {
        RULES.place(zone, wanted.name, wanted.rtype)?;
        patch.name = Some(name(zone, wanted)?);
    }
    let value = |content: &str| Value::parse(wanted.rtype, content).ok();
    if held.content != wanted.content && (value(held.content).is_none() || value(held.content) != value(wanted.content))
    {
        patch.content = Some(content(wanted.rtype, wanted.content)?);
    }
    if let Some(given) = wanted.ttl.filter(|given| held.ttl != Some(*given)) {
        RULES.ttl(given)?;
        patch.ttl = Some(given.seconds());
    }
    if let Some(given) = wanted.priority.filter(|given| held.priority != Some(given)) {
        patch.priority = Some(priority(wanted.rtype, given)?);
    }
    // The priority of SRV is in its content; where the record has it beside that too, both say the same.
    if let (RecordType::Srv, Some(content), Some(beside)) = (wanted.rtype, &patch.content, held.priority) {
        let inside = content.split(' ').next().filter(|inside| *inside != beside);
        patch.priority = inside.map(|inside| priority(wanted.rtype, inside)).transpose()?;
    }
    Ok(patch)
}

/// A name as it is sent: in front of the domain, the domain itself as `@`.
fn name(zone: &Zone, wanted: &Wanted<'_>) -> Result<String, String> {
    match wanted.name.relative_to(&zone.name) {
        Some("") | None => Ok(ROOT.to_owned()),
        Some(front) if front.contains('*') => Err(NO_ASTERISK.into()),
        // Everything else that is documented of a name every `Name` keeps.
        Some(front) => Ok(front.to_owned()),
    }
}

fn priority(rtype: RecordType, given: &str) -> Result<u16, String> {
    if !matches!(rtype, RecordType::Mx | RecordType::Srv) {
        return Err(format!("only MX and SRV records have a priority, {rtype} records have none"));
    }
    given.trim().parse().map_err(|_| format!("a priority is a number from 0 to 65535, not \"{given}\""))
}

/// A content as it is sent.
fn content(rtype: RecordType, given: &str) -> Result<String, String> {
    let text = given.trim();
    let host = || Name::parse(text).map(|name| name.to_string()).map_err(|why| format!("\"{text}\" is no name: {why}"));
    match rtype {
        RecordType::A => {
            text.parse::<Ipv4Addr>().map(|a| a.to_string()).map_err(|_| format!("\"{text}\" is no IPv4 address"))
        }
        RecordType::Aaaa => {
            text.parse::<Ipv6Addr>().map(|a| a.to_string()).map_err(|_| format!("\"{text}\" is no IPv6 address"))
        }
        RecordType::Cname | RecordType::Mx | RecordType::Ns => host(),
        RecordType::Srv => srv(text),
        _ => txt(given),
    }
}

/// `priority weight port target`, as the page has it.
fn srv(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let numbers = |parts: &[&str]| parts.iter().all(|part| part.parse::<u16>().is_ok());
    let [numeric @ .., target] = parts.as_slice() else { return Err("an SRV record is not empty".into()) };
    if numeric.len() != 3 || !numbers(numeric) {
        return Err(format!("an SRV record is \"priority weight port target\", not \"{text}\""));
    }
    // A single dot says that there is no such service (RFC 2782).
    if *target != "." {
        Name::parse(target).map_err(|why| format!("\"{target}\" is no name: {why}"))?;
    }
    // Names have no last dot here.
    let host = if *target == "." { target } else { target.trim_end_matches('.') };
    Ok([numeric, &[host]].concat().join(" "))
}

/// A text as it is sent: as it stands where it is short, has no spaces around it that could be lost and cannot be taken for
/// something else; in strings between quotation marks otherwise.
fn txt(typed: &str) -> Result<String, String> {
    let text = record::text(typed)?;
    match text.len() {
        0 => Err("a TXT record is not empty".into()),
        1..=STRING if !text.starts_with('"') && text.trim() == text => Ok(text),
        _ => Ok(record::presented(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone() -> Zone {
        Zone { id: "dom_abc123".into(), name: Name::parse("example.com").unwrap() }
    }

    fn made(name: &str, rtype: RecordType, content: &str, ttl: u32, priority: Option<&str>) -> Result<New, String> {
        let name = Name::parse(name).unwrap();
        new(&zone(), &Wanted { name: &name, rtype, content, ttl: Ttl::new(ttl), priority })
    }

    fn plain(rtype: RecordType, content: &str) -> Result<String, String> {
        made("www.example.com", rtype, content, 300, None).map(|new| new.content)
    }

    #[test]
    fn the_records_of_the_documentation_are_right() {
        use RecordType::{A, Aaaa, Cname, Mx, Ns, Srv, Txt};
        for (name, rtype, content, ttl, priority) in [
            ("example.com", A, "192.0.2.1", 300, None),
            ("example.com", Aaaa, "2001:db8::1", 300, None),
            ("www.example.com", Cname, "example.com", 300, None),
            ("example.com", Mx, "mail.example.com", 3600, Some("10")),
            ("example.com", Txt, "v=spf1 include:_spf.google.com ~all", 300, None),
            ("_sip._tcp.example.com", Srv, "10 60 5060 sip.example.com", 300, None),
            ("subdomain.example.com", Ns, "ns1.example.com", 3600, None),
        ] {
            let new = made(name, rtype, content, ttl, priority).unwrap();
            assert_eq!((new.content.as_str(), new.ttl), (content, Some(ttl)));
        }
        assert_eq!(made("example.com", A, "192.0.2.1", 300, None).unwrap().name, "@");
        assert_eq!(made("a.b.example.com", A, "192.0.2.1", 300, None).unwrap().name, "a.b");
    }

    #[test]
    fn a_ttl_has_a_minute_at_least_and_a_day_at_most() {
        let with = |ttl| made("www.example.com", RecordType::A, "192.0.2.1", ttl, None);
        assert!(with(60).is_ok() && with(86_400).is_ok());
        assert!(with(59).unwrap_err().contains("60 to 86400"));
        assert!(with(86_401).is_err() && with(0).is_err());
    }

    #[test]
    fn the_target_of_srv_has_no_last_dot_and_its_priority_is_said_once() {
        let srv = |value, priority| made("_sip._tcp.example.com", RecordType::Srv, value, 300, priority);
        assert_eq!(srv("5 7 5060 sip.example.com.", None).unwrap().content, "5 7 5060 sip.example.com");
        assert!(srv("5 7 5060 sip.example.com", Some("5")).is_ok());
        assert!(srv("9 7 5060 sip.example.com", Some("3")).unwrap_err().contains("given twice"));
    }

    #[test]
    fn names_are_in_the_zone_and_have_no_asterisk_and_the_root_is_no_cname() {
        assert!(made("www.example.org", RecordType::A, "192.0.2.1", 300, None).unwrap_err().contains("example.com"));
        assert!(made("*.example.com", RecordType::A, "192.0.2.1", 300, None).unwrap_err().contains("asterisk"));
        assert!(made("example.com", RecordType::Cname, "a.example.com", 300, None).unwrap_err().contains("CNAME"));
    }

    #[test]
    fn mx_needs_a_priority_and_others_but_srv_have_none() {
        assert!(made("example.com", RecordType::Mx, "mail.example.com", 300, None).unwrap_err().contains("priority"));
        for bad in ["", "ten", "-1", "65536"] {
            assert!(made("example.com", RecordType::Mx, "mail.example.com", 300, Some(bad)).is_err(), "{bad}");
        }
        assert!(made("example.com", RecordType::A, "192.0.2.1", 300, Some("1")).is_err());
        let srv = made("_sip._tcp.example.com", RecordType::Srv, "10 60 5060 sip.example.com", 300, Some("10"));
        assert_eq!(srv.unwrap().priority, Some(10));
    }

    #[test]
    fn contents_are_what_their_type_says() {
        use RecordType::{A, Aaaa, Caa, Cname, Ns, Srv, Txt};
        for (rtype, content) in [
            (A, "2001:db8::1"),
            (A, "192.0.2.256"),
            (Aaaa, "192.0.2.1"),
            (Cname, "not a name"),
            (Ns, ""),
            (Srv, "10 60 sip.example.com"),
            (Srv, "10 60 70000 sip.example.com"),
            (Srv, ""),
            (Txt, ""),
            (Txt, "\"open\\\""),
            (Txt, "\"a\" b \"c\""),
            (Caa, "0 issue \"ca.example.net\""),
        ] {
            assert!(plain(rtype, content).is_err(), "{rtype} {content}");
        }
        assert_eq!(plain(Cname, "Example.COM.").unwrap(), "example.com");
        assert_eq!(plain(Aaaa, "2001:DB8:0::1").unwrap(), "2001:db8::1");
        assert_eq!(plain(Srv, "0 0 0 .").unwrap(), "0 0 0 .");
        assert_eq!(plain(Txt, &"x".repeat(255)).unwrap(), "x".repeat(255));
        let long = format!("\"{0}\" \"{0}\"", "x".repeat(250));
        assert_eq!(plain(Txt, &long).unwrap().replace(['"', ' '], ""), "x".repeat(500));
        assert!(plain(Txt, &"x".repeat(256)).unwrap().starts_with('"'), "in strings of at most 255");
        assert_eq!(plain(Txt, r#""v=spf1 " "-all""#).unwrap(), "v=spf1 -all");
        assert!(plain(Txt, &format!("\"{}\"", "x".repeat(256))).is_err());
    }

    #[test]
    fn a_patch_says_what_differs_and_nothing_else() {
        let (www, root) = (Name::parse("www.example.com").unwrap(), Name::parse("example.com").unwrap());
        let held = Wanted { name: &www, rtype: RecordType::A, content: "192.0.2.1", ttl: Ttl::new(30), priority: None };
        let as_is = patch(&zone(), &held, &Wanted { ttl: None, ..held }).unwrap();
        assert_eq!(as_is, Patch::default());
        // A time to live that is kept may be one that could not be set.
        let moved = patch(&zone(), &held, &Wanted { content: "192.0.2.2", name: &root, ..held }).unwrap();
        assert_eq!(moved, Patch { name: Some("@".into()), content: Some("192.0.2.2".into()), ..Patch::default() });
        assert!(patch(&zone(), &held, &Wanted { ttl: Ttl::new(59), ..held }).is_err());
        assert!(patch(&zone(), &held, &Wanted { rtype: RecordType::Aaaa, content: "2001:db8::1", ..held }).is_err());
        let alias = Wanted { rtype: RecordType::Cname, content: "a.example.com", ..held };
        assert!(patch(&zone(), &alias, &Wanted { name: &root, ..alias }).is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_is_wanted_panics(content in "\\PC{0,300}", rtype in 0..RecordType::ALL.len(), priority in "\\PC{0,8}") {
            let _ = made("www.example.com", RecordType::ALL[rtype], &content, 300, Some(&priority));
            let _ = made("www.example.com", RecordType::ALL[rtype], &content, 300, None);
        }
    }
}
