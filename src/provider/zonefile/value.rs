//! Values between the words of a zone file and the model.

use std::net::{Ipv4Addr, Ipv6Addr};

use data_encoding::HEXUPPER_PERMISSIVE;

use super::text::{self, Word, at};
use super::zone::{Record, absolute};
use crate::model::record::{RecordType, Value};

/// The longest character string of a TXT record, in octets (RFC 1035, section 3.3).
const STRING: usize = 255;

/// The value of a record of this type. Names in it are absolute, in lower case, with the trailing dot.
///
/// # Errors
/// Says why the data is none of this type.
pub fn read(text: &[u8], rtype: RecordType, record: &Record) -> Result<Value, String> {
    let mut words: Vec<_> = record.data.iter().map(|word| text::word(text, word)).collect();
    if words.is_empty() {
        return Err(format!("the {rtype} record has no data"));
    }
    match rtype {
        RecordType::A | RecordType::Aaaa => match generic(&words) {
            Some(octets) => address(&octets)
                .filter(|value| value.address().is_some_and(|address| address.is_ipv4() == (rtype == RecordType::A)))
                .ok_or_else(|| format!("the data is no {rtype} address")),
            None => Value::parse(rtype, &words.join(" ")),
        },
        RecordType::Txt | RecordType::Spf => Ok(Value::Text(strings(text, &record.data))),
        _ => {
            if let Some(name) = rtype.host_at().and_then(|index| words.get_mut(index)) {
                *name = absolute(name, record.origin.as_deref()).ok_or("a relative name without an origin")?;
            }
            Ok(Value::Text(words.join(" ")))
        }
    }
}

/// The same value as `read` would answer it: names absolute and in lower case.
#[must_use]
pub fn canonical(rtype: RecordType, value: &Value) -> Value {
    let (Value::Text(content), Some(index)) = (value, rtype.host_at()) else { return value.clone() };
    let mut words: Vec<_> = content.split_ascii_whitespace().map(str::to_owned).collect();
    if let Some(name) = words.get_mut(index) {
        // Values from outside are never relative: there is no origin they could be relative to.
        *name = absolute(name, Some(".")).unwrap_or_default();
    }
    Value::Text(words.join(" "))
}

/// The words to write for a value, on one line.
///
/// # Errors
/// The value cannot stand in a zone file as data.
pub fn write(rtype: RecordType, value: &Value) -> Result<String, String> {
    let line = match (rtype, canonical(rtype, value)) {
        (RecordType::Txt | RecordType::Spf, Value::Text(content)) => quote(&content),
        (_, value) => value.to_string(),
    };
    // The text is to be words and nothing else: no comment, no line break, no parenthesis that reaches further.
    let entries = text::entries(line.as_bytes()).map_err(|wrong| wrong.why)?;
    let words = entries.first().map(|entry| entry.words.clone()).unwrap_or_default();
    let between = words.windows(2).all(|pair| match pair {
        [one, two] => at(line.as_bytes(), one.end..two.start).iter().all(|byte| *byte == b' '),
        _ => true,
    });
    let whole = words.first().is_some_and(|word| word.start == 0) && words.last().is_some_and(|w| w.end == line.len());
    if entries.len() == 1 && between && whole && line.is_ascii() {
        Ok(line)
    } else {
        Err(format!("\"{}\" cannot stand in a zone file", line.escape_debug()))
    }
}

/// The octets of data in the form for any type (RFC 3597, section 5): `\# 4 C0000201`.
fn generic(words: &[String]) -> Option<Vec<u8>> {
    let (mark, rest) = words.split_first()?;
    let (length, digits) = rest.split_first()?;
    let octets = HEXUPPER_PERMISSIVE.decode(digits.concat().as_bytes()).ok()?;
    (mark == "\\#" && length.parse() == Ok(octets.len())).then_some(octets)
}

fn address(octets: &[u8]) -> Option<Value> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Value::V4(Ipv4Addr::from(octets)));
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Value::V6(Ipv6Addr::from(octets)))).ok()
}

/// The character strings of a TXT record, joined. Where they are no UTF-8, the octets beyond ASCII stay as `\DDD`.
fn strings(text: &[u8], words: &[Word]) -> String {
    let mut octets = Vec::new();
    for word in words {
        let word = at(text, word.clone());
        let inner = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word);
        unescape(inner, &mut octets);
    }
    String::from_utf8(octets).unwrap_or_else(|error| {
        let show = |byte: &u8| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("\\{byte:03}") };
        error.as_bytes().iter().map(show).collect()
    })
}

fn unescape(mut word: &[u8], out: &mut Vec<u8>) {
    while let Some((&byte, rest)) = word.split_first() {
        word = rest;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let number = rest.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u8>().ok());
        match (number, rest.split_first()) {
            (Some(byte), _) => {
                out.push(byte);
                word = rest.get(3..).unwrap_or_default();
            }
            (None, Some((&byte, rest))) => {
                out.push(byte);
                word = rest;
            }
            (None, None) => {}
        }
    }
}

/// Character strings in quotes, each of at most 255 octets, in ASCII.
fn quote(content: &str) -> String {
    let quoted = |string: &[u8]| {
        let escape = |byte: &u8| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!("\\{byte:03}"),
        };
        format!("\"{}\"", string.iter().map(escape).collect::<String>())
    };
    if content.is_empty() {
        return "\"\"".into();
    }
    content.as_bytes().chunks(STRING).map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::zone::ZoneText;
    use super::*;
    use proptest::prelude::*;

    fn read_line(rtype: RecordType, data: &str) -> Result<Value, String> {
        let text = format!("$ORIGIN example.org.\n@ SOA a b 1 2 3 4 5\nx {rtype} {data}\n");
        let zone = ZoneText::parse(text.as_bytes(), None).map_err(|wrong| wrong.why)?;
        read(text.as_bytes(), rtype, &zone.records[1])
    }

    #[test]
    fn values_are_read_in_every_way_they_are_written() {
        for (rtype, data, value) in [
            (RecordType::A, "192.0.2.1", "192.0.2.1"),
            (RecordType::A, "\\# 4 C0 000201", "192.0.2.1"),
            (RecordType::Aaaa, "2001:DB8:0::1 ; home", "2001:db8::1"),
            (RecordType::Txt, "( \"a b\" ; one\n c\\;d )", "a bc;d"),
            (RecordType::Txt, "\"\\195\\188\\\"\\255\"", "\\195\\188\"\\255"),
            (RecordType::Txt, "\"\\195\\188\"", "ü"),
            (RecordType::Mx, "10  Mail", "10 mail.example.org."),
            (RecordType::Cname, "Other.Example.", "other.example."),
            (RecordType::Srv, "0 0 443 @", "0 0 443 example.org."),
            (RecordType::Caa, "0 issue \"ca.example\"", "0 issue \"ca.example\""),
        ] {
            assert_eq!(read_line(rtype, data).unwrap().to_string(), value, "{data}");
        }
        for (rtype, data) in [
            (RecordType::A, "2001:db8::1"),
            (RecordType::A, "1.2.3"),
            (RecordType::A, "\\# 3 C00002"),
            (RecordType::Txt, ""),
        ] {
            assert!(read_line(rtype, data).is_err(), "{data}");
        }
    }

    #[test]
    fn what_would_reach_beyond_its_record_is_refused() {
        for content in ["", "0 issue x\nevil A 192.0.2.1", "0 issue ; x", "( 0 issue", "0 issue \"x", "0 issue ü", " 0"]
        {
            assert!(write(RecordType::Caa, &Value::Text(content.into())).is_err(), "{content:?}");
        }
        let written = write(RecordType::Cname, &Value::Text("Other.example".into())).unwrap();
        assert_eq!(written, "other.example.");
    }

    proptest! {
        #[test]
        fn any_text_goes_into_a_txt_record_and_comes_back(content in "\\PC{0,80}|[\\x00-\\x7f]{0,600}") {
            let value = Value::Text(content);
            let written = write(RecordType::Txt, &value).unwrap();
            prop_assert_eq!(read_line(RecordType::Txt, &written).unwrap(), value);
        }
    }
}
