//! A change to a zone file: only the bytes of the records that change, and the serial number.
//!
//! The edits are laid over the old text, the new text is read again, and its records are compared with what they should be.
//! A record that now inherits another owner or TTL than before gets its own written in; a text that still differs is never
//! answered.

use std::ops::Range;

use super::text::{at, entries, word};
use super::value;
use super::zone::{Record, ZoneText};
use crate::model::record::{RecordType, RrsetKey, Ttl, Value, Values};

/// Types that only a signed zone has: a record added by hand to such a file lacks its signature.
const SIGNED: &[&str] = &["NSEC", "NSEC3", "NXT", "RRSIG", "SIG"];

/// So many records that inherited from what changed are given their own words, before the change is given up. One is the
/// rule: the records behind it inherit from it what they did before.
const PINS: usize = 32;

/// The values and the TTL of a record set, as the file has it; `None` where there is no record.
///
/// # Errors
/// A record of the set has data that is not of its type; the message names the line.
pub fn rrset(text: &[u8], zone: &ZoneText, key: &RrsetKey) -> Result<Option<(Values, Option<Ttl>)>, String> {
    let (mut values, mut ttl) = (Values::new(), None);
    for (_, record) in matching(zone, key) {
        let value = value::read(text, key.rtype, record).map_err(|why| format!("line {}: {why}", record.line))?;
        values.insert(value);
        let own = record.ttl.and_then(Ttl::new);
        ttl = ttl.map_or(own, |least: Ttl| Some(own.map_or(least, |own| own.min(least))));
    }
    Ok((!values.is_empty()).then_some((values, ttl)))
}

/// A record set and what it should hold. `ttl` `None` keeps every TTL as it is.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    pub key: &'a RrsetKey,
    pub values: &'a Values,
    pub ttl: Option<Ttl>,
}

/// The text with exactly what the sets should hold, each named once; `None` where nothing is to be changed. The serial number
/// is raised with the `first` of several changes that are made one after another.
///
/// # Errors
/// A sentence that says why this file is not edited.
pub fn edit(text: &[u8], zone: &ZoneText, sets: &[Set<'_>], first: bool) -> Result<Option<Vec<u8>>, String> {
    let expected = zone.records.iter().map(|record| Expected::same(text, record)).collect();
    let mut draft = Draft { text, zone, edits: Vec::new(), expected, added: Vec::new() };
    // New owners last: what comes behind the last record of another owner may inherit from it.
    let is_known = |set: &&Set<'_>| {
        let owner = set.key.name.fqdn();
        zone.records.iter().any(|record| record.owner == owner)
    };
    let (known, new): (Vec<&Set<'_>>, Vec<&Set<'_>>) = sets.iter().partition(is_known);
    for set in known.into_iter().chain(new) {
        refuse(zone, set.key, set.values)?;
        draft.set(set)?;
    }
    if draft.edits.is_empty() {
        return Ok(None);
    }
    if first {
        draft.raise_serial()?;
    }
    draft.settle().map(Some)
}

/// The serial number after `serial` (RFC 1982); never 0, which some servers take for "none yet".
#[must_use]
pub fn next_serial(serial: u32) -> u32 {
    serial.wrapping_add(1).max(1)
}

/// The records of a set and their places among all.
fn matching<'a>(zone: &'a ZoneText, key: &RrsetKey) -> impl Iterator<Item = (usize, &'a Record)> {
    let (owner, rtype) = (key.name.fqdn(), key.rtype.as_str());
    let ours = move |record: &Record| record.internet() && record.owner == owner && record.rtype == rtype;
    zone.records.iter().enumerate().filter(move |(_, record)| ours(record))
}

/// What is not done to any file.
fn refuse(zone: &ZoneText, key: &RrsetKey, values: &Values) -> Result<(), String> {
    if key.rtype == RecordType::Soa {
        return Err("the SOA record is not edited: it belongs to whoever runs the name server".into());
    }
    if let Some(record) = zone.records.iter().find(|record| SIGNED.contains(&&*record.rtype)) {
        let (line, rtype) = (record.line, &record.rtype);
        return Err(format!(
            "the zone is signed (line {line} has an {rtype} record), and an edit would break its signatures"
        ));
    }
    let owner = key.name.fqdn();
    let others = zone.records.iter().filter(|record| record.internet() && record.owner == owner);
    let mut others = others.filter(|record| record.rtype != key.rtype.as_str());
    let alone = |record: &&Record| record.rtype == "CNAME" || key.rtype == RecordType::Cname;
    match others.find(alone) {
        _ if key.rtype == RecordType::Cname && values.len() > 1 => Err(format!("{owner} can have only one CNAME")),
        // RFC 1034, section 3.6.2; a name server refuses the whole zone.
        Some(other) if !values.is_empty() => Err(format!(
            "{owner} has a {} record in line {}, and a name with a CNAME can have no other record",
            other.rtype, other.line
        )),
        _ => Ok(()),
    }
}

/// A record as it should be in the new text.
struct Expected {
    owner: String,
    class: String,
    rtype: String,
    data: Vec<String>,
    /// `None`: whatever holds at its place.
    ttl: Option<Option<u32>>,
    /// It goes.
    removed: bool,
}

impl Expected {
    fn same(text: &[u8], record: &Record) -> Self {
        Self {
            owner: record.owner.clone(),
            class: record.class.clone(),
            rtype: record.rtype.clone(),
            data: record.data.iter().map(|span| word(text, span)).collect(),
            ttl: Some(record.ttl),
            removed: false,
        }
    }
}

struct Draft<'a> {
    text: &'a [u8],
    zone: &'a ZoneText,
    /// What stands where in the old text instead. Of two at the same place the first comes first.
    edits: Vec<(Range<usize>, String)>,
    /// The records of the old text, in their order, as they should become.
    expected: Vec<Expected>,
    /// The new records, each with how many of the old ones stand before it, and its place in the old text.
    added: Vec<(usize, usize, Expected)>,
}

impl Draft<'_> {
    /// Keeps, replaces, removes and adds records until the set holds `values`.
    fn set(&mut self, set: &Set<'_>) -> Result<(), String> {
        let rtype = set.key.rtype;
        let wanted: Values = set.values.iter().map(|value| value::canonical(rtype, value)).collect();
        let mut missing = wanted.clone();
        let mut retired = Vec::new();
        let mut last = None;
        for (index, record) in matching(self.zone, set.key) {
            let value = value::read(self.text, rtype, record).map_err(|why| format!("line {}: {why}", record.line))?;
            missing.remove(&value);
            if wanted.contains(&value) {
                self.set_ttl(index, record, set.ttl);
                last = Some(index);
            } else {
                retired.push((index, record));
            }
        }
        for (index, record) in retired {
            match missing.pop_first() {
                Some(value) => {
                    self.set_ttl(index, record, set.ttl);
                    self.replace(index, record, rtype, &value)?;
                    last = last.max(Some(index));
                }
                None => self.remove(index, record),
            }
        }
        self.add(set, &missing, last)
    }

    /// Writes the TTL that was asked for, where it is not in force already.
    fn set_ttl(&mut self, index: usize, record: &Record, ttl: Option<Ttl>) {
        let Some(ttl) = ttl.map(Ttl::seconds).filter(|ttl| record.ttl != Some(*ttl)) else { return };
        self.edits.push(match &record.ttl_word {
            Some(word) => (word.clone(), ttl.to_string()),
            None => own_ttl(self.text, record, ttl),
        });
        if let Some(expected) = self.expected.get_mut(index) {
            expected.ttl = Some(Some(ttl));
        }
    }

    /// Puts another value in the place of a record's data; comments and parentheses between its words stay.
    fn replace(&mut self, index: usize, record: &Record, rtype: RecordType, value: &Value) -> Result<(), String> {
        let written = value::write(rtype, value)?;
        if let Some(expected) = self.expected.get_mut(index) {
            expected.data = words(&written);
        }
        let mut end = None;
        for span in &record.data {
            let (start, with) = match end {
                None => (span.start, written.clone()),
                Some(end) if blank(at(self.text, end..span.start)) => (end, String::new()),
                Some(_) => (span.start, String::new()),
            };
            self.edits.push((start..span.end, with));
            end = Some(span.end);
        }
        Ok(())
    }

    fn remove(&mut self, index: usize, record: &Record) {
        self.edits.push((record.span.clone(), String::new()));
        if let Some(expected) = self.expected.get_mut(index) {
            expected.removed = true;
        }
    }

    /// Adds records: behind the last of the set, else behind the last of the owner, in its style; else at the end of the
    /// file with an absolute owner, which is right under any origin.
    fn add(&mut self, set: &Set<'_>, values: &Values, of_the_set: Option<usize>) -> Result<(), String> {
        if values.is_empty() {
            return Ok(());
        }
        let (owner, rtype) = (set.key.name.fqdn(), set.key.rtype);
        let of_the_owner = || self.zone.records.iter().rposition(|record| record.owner == owner);
        let beside = of_the_set.or_else(of_the_owner);
        let model = beside.and_then(|index| self.zone.records.get(index));
        let style = Style::like(self.text, model, &owner);
        let kept = if of_the_set.is_some() { model } else { None };
        let ttl = set
            .ttl
            .map(Ttl::seconds)
            .or_else(|| kept.filter(|record| record.ttl_word.is_some()).and_then(|record| record.ttl));
        let before = beside.map_or(self.zone.records.len(), |index| index + 1);
        let place = model.map_or(self.text.len(), |record| record.span.end);
        let mut lines = Vec::new();
        for value in values {
            let written = value::write(rtype, value)?;
            lines.push(style.line(ttl, rtype, &written));
            let expected = Expected {
                owner: owner.clone(),
                class: style.class.clone().unwrap_or_else(|| "IN".into()).to_ascii_uppercase(),
                rtype: rtype.to_string(),
                data: words(&written),
                ttl: ttl.map(Some).or(kept.map(|record| record.ttl)),
                removed: false,
            };
            self.added.push((before, place, expected));
        }
        self.edits.push((place..place, lines_at(self.text, place, &lines)));
        Ok(())
    }

    fn raise_serial(&mut self) -> Result<(), String> {
        let soa = self.zone.records.get(self.zone.soa);
        let place = soa.and_then(|soa| soa.data.get(2));
        let serial = place.and_then(|place| word(self.text, place).parse().ok());
        let (Some(place), Some(serial)) = (place, serial) else {
            return Err("the SOA record has no serial number".into());
        };
        let next = next_serial(serial).to_string();
        if let Some(field) = self.expected.get_mut(self.zone.soa).and_then(|expected| expected.data.get_mut(2)) {
            field.clone_from(&next);
        }
        self.edits.push((place.clone(), next));
        Ok(())
    }

    /// The new text, once its records are exactly those that it should have.
    fn settle(mut self) -> Result<Vec<u8>, String> {
        let give_up = |why: &str| format!("the file is not edited: {why}");
        for _ in 0..PINS {
            let text = lay_over(self.text, &mut self.edits);
            let parsed = ZoneText::parse(&text, Some(&self.zone.zone)).map_err(|wrong| give_up(&wrong.why))?;
            let pin = match self.difference(&text, &parsed.records) {
                Ok(()) => return Ok(text),
                Err(pin) => pin,
            };
            self.edits
                .push(pin.ok_or_else(|| give_up("its records depend on each other in a way that is not understood"))?);
        }
        Err(give_up("too many of its records depend on the one that changes"))
    }

    /// The records as they should stand in the new text, each with what it was in the old one.
    fn in_order(&self) -> Vec<(&Expected, Option<&Record>)> {
        let added = self.added.iter().map(|(before, place, expected)| ((*before, Some(*place)), expected, None));
        let old = self.expected.iter().zip(&self.zone.records).enumerate();
        let old = old.map(|(index, (expected, record))| ((index, None), expected, Some(record)));
        let mut all: Vec<_> = added.chain(old).collect();
        // What is added stands before the old record that comes next; at one place in the order in which it was added.
        all.sort_by_key(|((before, place), ..)| (*before, place.is_none(), *place));
        all.into_iter().map(|(_, expected, record)| (expected, record)).collect()
    }

    /// Compares records with what they should be. At the first that differs: what to write into the old text so that it no
    /// longer inherits, or `None` where that is no help.
    fn difference(&self, text: &[u8], records: &[Record]) -> Result<(), Option<(Range<usize>, String)>> {
        let mut records = records.iter();
        for (expected, old) in self.in_order().into_iter().filter(|(expected, _)| !expected.removed) {
            let record = records.next().ok_or(None)?;
            let data = record.data.iter().map(|span| word(text, span));
            if record.class != expected.class
                || record.rtype != expected.rtype
                || !data.eq(expected.data.iter().cloned())
            {
                return Err(None);
            }
            if record.owner != expected.owner {
                return Err(old
                    .filter(|old| old.inherits)
                    .map(|old| (old.span.start..old.span.start, own_owner(self.text, old))));
            }
            if expected.ttl.is_some_and(|ttl| ttl != record.ttl) {
                let pin = |old: &Record| Some(own_ttl(self.text, old, expected.ttl??));
                return Err(old.filter(|old| old.ttl_word.is_none()).and_then(pin));
            }
        }
        if records.next().is_some() { Err(None) } else { Ok(()) }
    }
}

/// How new records are written.
struct Style {
    /// Everything before the TTL.
    start: String,
    class: Option<String>,
    gap: &'static str,
}

impl Style {
    /// Like `model`, behind which they come; without one, complete.
    fn like(text: &[u8], model: Option<&Record>, owner: &str) -> Self {
        let Some(model) = model else {
            return Self { start: format!("{owner}\t"), class: Some("IN".into()), gap: "\t" };
        };
        let class = model.class_word.as_ref().map(|span| word(text, span)).filter(|_| model.internet());
        let start = model.span.start..model.head();
        let gaps = if model.inherits { start.clone() } else { model.owner_word.end..start.end };
        let gap = if at(text, gaps.clone()).contains(&b'\t') { "\t" } else { " " };
        // Without parentheses, and under the same origin: the owner's word can be used again, or left out again.
        let plain = !gaps.is_empty() && blank(at(text, gaps));
        let start = if plain { String::from_utf8_lossy(at(text, start)).into_owned() } else { format!("{owner}{gap}") };
        Self { start, class, gap }
    }

    fn line(&self, ttl: Option<u32>, rtype: RecordType, data: &str) -> String {
        let Self { start, class, gap } = self;
        let ttl = ttl.map(|ttl| format!("{ttl}{gap}")).unwrap_or_default();
        let class = class.as_ref().map(|class| format!("{class}{gap}")).unwrap_or_default();
        format!("{start}{ttl}{class}{rtype}{gap}{data}")
    }
}

/// The lines as they are put in at `place`, with the file's line breaks; a file without a last line break stays so.
fn lines_at(text: &[u8], place: usize, lines: &[String]) -> String {
    let first = text.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    let crlf = first > 0 && text.get(first - 1) == Some(&b'\r');
    let end = if crlf { "\r\n" } else { "\n" };
    if place > 0 && text.get(place - 1) != Some(&b'\n') {
        lines.iter().map(|line| format!("{end}{line}")).collect()
    } else {
        lines.iter().map(|line| format!("{line}{end}")).collect()
    }
}

/// What gives a record the owner that it inherited.
fn own_owner(text: &[u8], record: &Record) -> String {
    if record.owner_origin == record.origin { word(text, &record.owner_word) } else { record.owner.clone() }
}

/// What gives a record a TTL of its own, and where.
fn own_ttl(text: &[u8], record: &Record, ttl: u32) -> (Range<usize>, String) {
    let head = record.head();
    let tab = at(text, head.saturating_sub(1)..head) == b"\t";
    (head..head, format!("{ttl}{}", if tab { "\t" } else { " " }))
}

fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// The words of data that was written by us.
fn words(line: &str) -> Vec<String> {
    let entries = entries(line.as_bytes()).unwrap_or_default();
    entries.iter().flat_map(|entry| &entry.words).map(|span| word(line.as_bytes(), span)).collect()
}

/// The old text with the edits laid over it.
fn lay_over(text: &[u8], edits: &mut [(Range<usize>, String)]) -> Vec<u8> {
    edits.sort_by_key(|(range, _)| range.start);
    let (mut out, mut from) = (Vec::with_capacity(text.len() + 64), 0);
    for (range, with) in edits {
        out.extend_from_slice(at(text, from..range.start));
        out.extend_from_slice(with.as_bytes());
        from = range.end;
    }
    out.extend_from_slice(at(text, from..text.len()));
    out
}

#[cfg(test)]
mod tests;
