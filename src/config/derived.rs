//! Record sets whose value is made of addresses: `type`, `value` and `match`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::document::Spot;
use super::meant::{Account, Derived, Source};
use super::reader::{Field, Fields, Reader, error};
use super::suggest;
use crate::model::desired::{self, tag_of};
use crate::model::name::Name;
use crate::model::record::{Family, RecordType, Value};
use crate::model::template::{PLACEHOLDERS, Template, Wrong};
use crate::net::dns::presentation;

/// Addresses with which a value is tried: long ones of the blocks for documentation (RFC 5737, RFC 3849).
const SAMPLES: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 199)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666)),
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 211)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x7777, 0x8888, 0x9999, 0xaaaa, 0xbbbb, 0xcccc)),
];

impl Derived {
    /// What the value would be with sample addresses.
    pub(super) fn sample(&self) -> String {
        self.value.template.render(SAMPLES.get(..2).unwrap_or_default())
    }
}

/// What was typed, and where.
pub(super) struct Typed {
    pub derived: Derived,
    value_at: Spot,
    type_at: Spot,
}

/// Reads the keys; `None` where they are not there or wrong.
pub(super) fn read(reader: &mut Reader, fields: &mut Fields<'_>) -> Option<Typed> {
    let (rtype, value, owns) = (fields.take("type"), fields.take("value"), fields.take("match"));
    let (rtype_field, value) = match (rtype, value) {
        (Some(rtype), Some(value)) => (rtype, value),
        (Some(lonely), None) => {
            let help = "add value = \"…\" with {ipv4} or {ipv6} in it; without both keys the record is A and AAAA";
            reader.note(error(lonely.at, "`type` needs a `value` that is made of addresses").help(help.to_owned()));
            return None;
        }
        (None, Some(lonely)) => {
            let help = "add type = \"TXT\", or another one";
            reader.note(error(lonely.at, "`value` needs the `type` of record that holds it").help(help.to_owned()));
            return None;
        }
        (None, None) => {
            if let Some(lonely) = owns {
                reader.note(error(lonely.at, "`match` has no effect without `type` and `value`"));
            }
            return None;
        }
    };
    let rtype = record_type(reader, rtype_field)?;
    let text = reader.text(value, "a text such as \"v=spf1 ip4:{ipv4} -all\"")?;
    let text = normal(rtype, text);
    let template = Template::parse(&text, rtype).map_err(|wrong| refuse(reader, value, &wrong)).ok()?;
    let rendered = template.render(SAMPLES.get(..2).unwrap_or_default());
    if let Err(why) = presentation::check(rtype, &rendered) {
        reader.refuse(value, format!("it would be \"{rendered}\"; {why}"));
        return None;
    }
    let single = presentation::check(rtype, &template.render(&SAMPLES)).is_err();
    let owns = match owns.map(|field| (field, reader.text(field, "how a value begins that is ours"))) {
        Some((field, Some(owns))) if !rendered.starts_with(owns) => {
            reader.refuse(field, format!("the value itself begins otherwise: \"{rendered}\""));
            None
        }
        Some((_, owns)) => owns.map(str::to_owned),
        None => None,
    };
    let is_text = rtype.is_text();
    let tag = tag_of(&text).filter(|tag| is_text && !tag.contains(['{', '}'])).map(str::to_owned);
    let value_at = value.node.at;
    let value = desired::Derived { template, single, owns, tag };
    Some(Typed { derived: Derived { rtype, value }, value_at, type_at: rtype_field.node.at })
}

fn record_type(reader: &mut Reader, field: Field<'_>) -> Option<RecordType> {
    let text = reader.text(field, "a type such as \"TXT\"")?;
    let names = || RecordType::ALL.iter().map(|rtype| rtype.as_str());
    match text.parse::<RecordType>() {
        Ok(rtype @ (RecordType::A | RecordType::Aaaa)) => {
            let help = "leave `type` and `value` out; ipv4 = \"off\" or ipv6 = \"off\" leaves the other type alone";
            let message = format!("`type`: {rtype} records hold the addresses themselves");
            reader.note(error(field.node.at, message).help(help.to_owned()));
        }
        Ok(RecordType::Soa) => reader.refuse(field, "the SOA record is the zone's own"),
        Ok(rtype) => return Some(rtype),
        Err(why) => {
            let help = suggest::help(text, "known types", names());
            reader.note(error(field.node.at, format!("`type`: {why}")).help(help));
        }
    }
    None
}

/// The text as services answer it: of TXT without quotes, hosts' names in lower case with their last dot.
fn normal(rtype: RecordType, text: &str) -> String {
    let text = Value::parse(rtype, text).map_or_else(|_| text.to_owned(), |value| value.to_string());
    let Some(at) = rtype.host_at() else { return text };
    let mut words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    if let Some(name) = words.get_mut(at) {
        name.make_ascii_lowercase();
        if !name.ends_with('.') {
            name.push('.');
        }
    }
    words.join(" ")
}

fn refuse(reader: &mut Reader, field: Field<'_>, wrong: &Wrong) {
    let help = match wrong {
        Wrong::Unknown(word) => match suggest::nearest(word, PLACEHOLDERS) {
            Some(near) => Some(format!("did you mean {{{near}}}?")),
            None => {
                let known: Vec<String> = PLACEHOLDERS.iter().map(|known| format!("{{{known}}}")).collect();
                Some(format!("placeholders: {}, with other lengths too", known.join(", ")))
            }
        },
        Wrong::Constant => Some("a record that never changes is added with `driftless records add`".to_owned()),
        Wrong::Brace | Wrong::Length(_) => None,
    };
    reader.note(error(field.node.at, format!("`{}`: {wrong}", field.key)).help(help));
}

/// Whether there are sources for what the value is made of, and whether the service can hold it under these names.
pub(super) fn check<'a>(
    reader: &mut Reader,
    typed: &Typed,
    names: impl Iterator<Item = (Spot, &'a Name)>,
    account: Option<&Account>,
    [ipv4, ipv6]: [&Source; 2],
) {
    let Derived { rtype, value } = &typed.derived;
    for family in value.template.families() {
        let (key, source) = if family == Family::Ipv4 { ("ipv4", ipv4) } else { ("ipv6", ipv6) };
        if *source == Source::Off {
            let message = format!("the value is made of an {family} address, and `{key}` is off");
            reader.note(error(typed.value_at, message));
        }
    }
    let Some(account) = account else { return };
    for (_, name) in names {
        if let Err(why) = (account.entry.keeps)(name, *rtype) {
            let message = format!("{name} {rtype} cannot be kept at the account \"{}\": {why}", account.name);
            reader.note(error(typed.type_at, message));
        }
    }
}
