//! The records of a zone file, each with its place in the text.

use std::ops::Range;

use super::text::{self, Entry, Malformed, Word, at, entries};
use crate::model::name::Name;

/// A record and where it stands.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its entry, from the start of the line to behind the line break.
    pub span: Range<usize>,
    /// The number of its first line, from 1.
    pub line: usize,
    /// Its owner: absolute, with the trailing dot, lower case.
    pub owner: String,
    /// The word the owner comes from, of this entry or of one before.
    pub owner_word: Word,
    /// The owner comes from a record before.
    pub inherits: bool,
    /// The origin that held for the owner's word.
    pub owner_origin: Option<String>,
    /// The origin that holds here.
    pub origin: Option<String>,
    /// Its TTL in seconds; `None` where neither the record nor anything before says one.
    pub ttl: Option<u32>,
    /// The word of its own TTL.
    pub ttl_word: Option<Word>,
    /// The word of its class.
    pub class_word: Option<Word>,
    /// The class, in upper case; IN where none is given.
    pub class: String,
    /// The word of its type.
    pub rtype_word: Word,
    /// Its type, in upper case.
    pub rtype: String,
    /// Its data.
    pub data: Vec<Word>,
}

impl Record {
    /// Where the first word behind the owner starts: TTL, class or type.
    #[must_use]
    pub fn head(&self) -> usize {
        let words = [self.ttl_word.as_ref(), self.class_word.as_ref(), Some(&self.rtype_word)];
        words.into_iter().flatten().map(|word| word.start).min().unwrap_or(self.rtype_word.start)
    }

    /// Whether it is of the Internet class.
    #[must_use]
    pub fn internet(&self) -> bool {
        matches!(&*self.class, "IN" | "CLASS1")
    }
}

/// A zone file, understood.
#[derive(Clone, Debug)]
pub struct ZoneText {
    /// The zone's name.
    pub zone: Name,
    /// The records of this file, in order.
    pub records: Vec<Record>,
    /// The place of the SOA record among them.
    pub soa: usize,
    /// The lines with `$INCLUDE` or `$GENERATE`, whose records are not seen.
    pub unseen: Vec<usize>,
}

impl ZoneText {
    /// Reads a zone file. `zone` is its name where it is known: the origin before the first `$ORIGIN`.
    ///
    /// # Errors
    /// The file is no zone file, or it does not say which zone's.
    pub fn parse(text: &[u8], zone: Option<&Name>) -> Result<Self, Malformed> {
        let entries = entries(text)?;
        let zone = match zone {
            Some(zone) => zone.clone(),
            None => find_zone(text, &entries)?,
        };
        let mut reader = Reader {
            text,
            origin: Some(zone.fqdn()),
            default_ttl: None,
            last_ttl: None,
            records: Vec::new(),
            unseen: Vec::new(),
        };
        for entry in &entries {
            reader.entry(entry)?;
        }
        let Reader { records, unseen, .. } = reader;
        let mut all = records.iter().enumerate().filter(|(_, record)| record.rtype == "SOA");
        let Some((soa, record)) = all.next() else {
            return Err(Malformed::new(
                1,
                "the file has no SOA record, whose serial number must rise with each change",
            ));
        };
        if let Some((_, second)) = all.next() {
            return Err(Malformed::new(second.line, "a second SOA record"));
        }
        if record.owner != zone.fqdn() {
            return Err(Malformed::new(record.line, format!("the SOA record is of {}, not of {zone}", record.owner)));
        }
        Ok(Self { zone, records, soa, unseen })
    }
}

/// The words before a record's data.
struct Head {
    owner: Option<Word>,
    ttl: Option<(Word, u32)>,
    class: Option<Word>,
    /// Which of the entry's words the type is.
    rtype: usize,
}

/// Tells owner, TTL, class and type apart: TTL and class come in any order, or not at all.
fn head(text: &[u8], entry: &Entry) -> Result<Head, Malformed> {
    let mut found = Head { owner: None, ttl: None, class: None, rtype: 0 };
    let mut words = entry.words.iter().enumerate();
    if !entry.indented {
        found.owner = words.next().map(|(_, word)| word.clone());
    }
    for (index, word) in words {
        let content = text::word(text, word).to_ascii_uppercase();
        match ttl(&content) {
            Some(seconds) if found.ttl.is_none() => found.ttl = Some((word.clone(), seconds)),
            _ if found.class.is_none() && is_class(&content) => found.class = Some(word.clone()),
            _ if content.starts_with(|c: char| c.is_ascii_alphabetic())
                && content.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') =>
            {
                found.rtype = index;
                return Ok(found);
            }
            _ => return Err(Malformed::new(entry.line, format!("\"{content}\" stands where a record type should"))),
        }
    }
    Err(Malformed::new(entry.line, "a record without a type"))
}

fn is_class(word: &str) -> bool {
    matches!(word, "IN" | "CH" | "CHAOS" | "HS" | "HESIOD" | "CS")
        || word.strip_prefix("CLASS").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// A TTL as zone files write it: seconds, or numbers with the units w, d, h, m and s (`1h30m`).
fn ttl(word: &str) -> Option<u32> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok();
    }
    let (mut total, mut number) = (0_u32, String::new());
    for c in word.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    number.is_empty().then_some(total)
}

/// A name of the file made absolute, in lower case; `None` where it is relative and no origin is known.
pub fn absolute(name: &str, origin: Option<&str>) -> Option<String> {
    let name = name.to_ascii_lowercase();
    if name == "@" {
        return origin.map(str::to_owned);
    }
    let escapes = name.strip_suffix('.').map(|rest| rest.len() - rest.trim_end_matches('\\').len());
    match (escapes, origin) {
        (Some(escapes), _) if escapes % 2 == 0 => Some(name),
        (_, Some(".")) => Some(format!("{name}.")),
        (_, Some(origin)) => Some(format!("{name}.{origin}")),
        (_, None) => None,
    }
}

/// The zone of a file that nobody named: the owner of its SOA record.
fn find_zone(text: &[u8], entries: &[Entry]) -> Result<Name, Malformed> {
    let mut origin: Option<String> = None;
    for entry in entries {
        let mut words = entry.words.iter().map(|word| text::word(text, word));
        let first = words.next().unwrap_or_default();
        if first.starts_with('$') && !entry.indented {
            if first.eq_ignore_ascii_case("$ORIGIN") {
                origin = words.next().and_then(|name| absolute(&name, origin.as_deref()));
            }
            continue;
        }
        let head = head(text, entry)?;
        if !entry.words.get(head.rtype).is_some_and(|word| at(text, word.clone()).eq_ignore_ascii_case(b"SOA")) {
            continue;
        }
        let owner = head.owner.and_then(|word| absolute(&text::word(text, &word), origin.as_deref()));
        return match owner.map(|owner| Name::parse(&owner)) {
            Some(Ok(zone)) => Ok(zone),
            Some(Err(error)) => Err(Malformed::new(entry.line, format!("the zone's name: {error}"))),
            None => {
                let why = "the file does not say which zone it is of; set `zone` in the account";
                Err(Malformed::new(entry.line, why))
            }
        };
    }
    Err(Malformed::new(1, "the file has no SOA record"))
}

struct Reader<'a> {
    text: &'a [u8],
    origin: Option<String>,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    records: Vec<Record>,
    unseen: Vec<usize>,
}

impl Reader<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<(), Malformed> {
        let Some(first) = entry.words.first() else { return Ok(()) };
        let first = text::word(self.text, first);
        if first.starts_with('$') && !entry.indented { self.directive(&first, entry) } else { self.record(entry) }
    }

    fn directive(&mut self, directive: &str, entry: &Entry) -> Result<(), Malformed> {
        let argument = entry.words.get(1).map(|word| text::word(self.text, word));
        let wrong = || Malformed::new(entry.line, format!("{directive} without what it needs"));
        match &*directive.to_ascii_uppercase() {
            "$ORIGIN" => {
                self.origin = argument.and_then(|name| absolute(&name, self.origin.as_deref()));
                self.origin.as_ref().map(drop).ok_or_else(wrong)
            }
            "$TTL" => {
                self.default_ttl = Some(argument.and_then(|word| ttl(&word)).ok_or_else(wrong)?);
                Ok(())
            }
            "$INCLUDE" | "$GENERATE" => {
                self.unseen.push(entry.line);
                Ok(())
            }
            // Comments of servers that dump their zones ($DATE), and what they will think of.
            _ => Ok(()),
        }
    }

    fn record(&mut self, entry: &Entry) -> Result<(), Malformed> {
        let head = head(self.text, entry)?;
        let inherits = head.owner.is_none();
        let (owner, owner_word, owner_origin) = match (head.owner, self.records.last()) {
            (Some(word), _) => {
                let owner = absolute(&text::word(self.text, &word), self.origin.as_deref());
                let why = || Malformed::new(entry.line, "a relative name without an origin");
                (owner.ok_or_else(why)?, word, self.origin.clone())
            }
            (None, Some(last)) => (last.owner.clone(), last.owner_word.clone(), last.owner_origin.clone()),
            (None, None) => return Err(Malformed::new(entry.line, "the first record has no owner")),
        };
        let rtype_word = entry.words.get(head.rtype).cloned().unwrap_or(0..0);
        let rtype = text::word(self.text, &rtype_word).to_ascii_uppercase();
        let data: Vec<_> = entry.words.iter().skip(head.rtype + 1).cloned().collect();
        let minimum = if rtype == "SOA" { self.soa_minimum(&data, entry.line)? } else { None };
        let (ttl_word, ttl) = match head.ttl {
            Some((word, seconds)) => (Some(word), Some(seconds)),
            None => {
                if self.last_ttl.is_none() {
                    // As BIND does where neither $TTL nor the SOA record says one.
                    self.default_ttl = self.default_ttl.or(minimum);
                }
                // RFC 2308, section 4, then RFC 1035, section 5.1.
                (None, self.default_ttl.or(self.last_ttl))
            }
        };
        self.last_ttl = ttl;
        let class = head.class.as_ref().map_or("IN".into(), |word| text::word(self.text, word).to_ascii_uppercase());
        self.records.push(Record {
            span: entry.span.clone(),
            line: entry.line,
            owner,
            owner_word,
            inherits,
            owner_origin,
            origin: self.origin.clone(),
            ttl,
            ttl_word,
            class_word: head.class,
            class,
            rtype_word,
            rtype,
            data,
        });
        Ok(())
    }

    /// Checks the seven fields of an SOA record, of which we need the third to be a number; answers the last.
    fn soa_minimum(&self, data: &[Word], line: usize) -> Result<Option<u32>, Malformed> {
        let field = |index: usize| data.get(index).map(|word| text::word(self.text, word)).unwrap_or_default();
        if data.len() != 7 || field(2).parse::<u32>().is_err() {
            return Err(Malformed::new(line, "the SOA record needs seven fields, the third of them a serial number"));
        }
        Ok(ttl(&field(6)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, Malformed> {
        let zone = ZoneText::parse(text.as_bytes(), None)?;
        let show = |record: &Record| {
            let data: Vec<_> = record.data.iter().map(|word| text::word(text.as_bytes(), word)).collect();
            let ttl = record.ttl.map_or("?".into(), |ttl| ttl.to_string());
            format!("{} {ttl} {} {} {}", record.owner, record.class, record.rtype, data.join(" "))
        };
        Ok(zone.records.iter().map(show).collect())
    }

    const SOA: &str = "$ORIGIN Example.ORG.\n@ 1D IN SOA ns hostmaster ( 1 2 3 4 1h ) ; x\n";

    #[test]
    fn owners_ttls_and_classes_are_inherited_as_the_rfcs_say() {
        let rest = " NS ns\nns A 192.0.2.1\n in 2h aaaa 2001:db8::1\n AAAA 2001:db8::2\n$TTL 300\nWWW CH TXT x\n  60 A 192.0.2.2\n\
            $ORIGIN sub\na.b A 192.0.2.3\n$ORIGIN other.\n A 192.0.2.4\n@ CNAME @\n\\@ MX 0 a\n";
        let records = parse(&format!("{SOA}{rest}")).unwrap();
        assert_eq!(
            records,
            [
                "example.org. 86400 IN SOA ns hostmaster 1 2 3 4 1h",
                "example.org. 86400 IN NS ns",
                "ns.example.org. 86400 IN A 192.0.2.1",
                "ns.example.org. 7200 IN AAAA 2001:db8::1",
                "ns.example.org. 7200 IN AAAA 2001:db8::2",
                "www.example.org. 300 CH TXT x",
                "www.example.org. 60 IN A 192.0.2.2",
                "a.b.sub.example.org. 300 IN A 192.0.2.3",
                "a.b.sub.example.org. 300 IN A 192.0.2.4",
                "other. 300 IN CNAME @",
                "\\@.other. 300 IN MX 0 a",
            ]
        );
    }

    #[test]
    fn the_zone_is_found_or_asked_for() {
        let soa = "SOA a. b. 1 2 3 4 5\n";
        let zone = |text: &str| ZoneText::parse(text.as_bytes(), None).map(|zone| zone.zone.to_string());
        assert_eq!(zone(&format!("Example.org. {soa}")).unwrap(), "example.org");
        assert_eq!(zone(&format!("$ORIGIN org.\n$ORIGIN example\n@ {soa}")).unwrap(), "example.org");
        assert_eq!(zone(&format!("$ORIGIN org.\nexample {soa}")).unwrap(), "example.org");
        assert!(zone(&format!("\n@ {soa}")).unwrap_err().why.contains("set `zone`"));
        let name = Name::parse("example.org").unwrap();
        assert_eq!(ZoneText::parse(format!("@ {soa}").as_bytes(), Some(&name)).unwrap().zone, name);
        let other = ZoneText::parse(format!("example.net. {soa}").as_bytes(), Some(&name)).unwrap_err();
        assert!(other.why.contains("not of example.org"), "{}", other.why);
    }

    #[test]
    fn what_is_malformed_is_told_with_its_line() {
        for (rest, line) in [
            ("a\n", 3),
            ("\na 300 IN\n", 4),
            ("a 99999999999 A 192.0.2.1\n", 3),
            ("a A! 192.0.2.1\n", 3),
            ("$ORIGIN\n", 3),
            ("$TTL never\n", 3),
            ("@ SOA a b 1 2 3 4 5\n", 3),
        ] {
            assert_eq!(parse(&format!("{SOA}{rest}")).unwrap_err().line, line, "{rest}");
        }
        assert_eq!(parse("$ORIGIN a.\n A 192.0.2.1\n@ SOA a b 1 2 3 4 5\n").unwrap_err().line, 2);
        assert_eq!(parse("$ORIGIN a.\n@ SOA a b x 2 3 4 5\n").unwrap_err().line, 2);
        assert_eq!(parse("").unwrap_err().line, 1);
    }

    #[test]
    fn units_of_time_are_read_and_do_not_overflow() {
        for (word, seconds) in [("0", Some(0)), ("1W2d3H4m5s", Some(788_645)), ("1h30", None), ("h", None), ("A", None)]
        {
            assert_eq!(ttl(word), seconds, "{word}");
        }
        assert_eq!((ttl("4294967296"), ttl("99999w")), (None, None));
    }
}
