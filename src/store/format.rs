//! The bytes of the ledger's files: written with checksums, read without trust.
//!
//! The snapshot is one JSON object on one line; its checksum covers every byte behind it up to the closing brace:
//!
//! ```json
//! {"format":1,"checksum":"<32 hex digits>","sequence":7,"documents":{"key":…}}
//! ```
//!
//! The journal has one record a line, each the next number after the snapshot's, so that a journal that was folded already
//! is told by its numbers:
//!
//! ```json
//! <32 hex digits> {"format":1,"sequence":8,"set":{"key":…},"removed":["other"]}
//! ```
//!
//! A checksum is the first half of a SHA-256: it guards against disks, not against people.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::model::json::Json;

/// Documents by their keys.
pub type Documents = BTreeMap<String, Json>;

/// The one format that is written and read.
const FORMAT: u32 = 1;

/// The length of a checksum in hex digits.
const CHECKSUM: usize = 32;

/// Everything before the snapshot's checksum.
const HEAD: &str = "{\"format\":1,\"checksum\":\"";

/// What follows the checksum, which does not cover it.
const NECK: &str = "\",";

/// The end of the snapshot.
const TAIL: &str = "}\n";

/// A snapshot: the documents after the save number `sequence`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The number of the last save that is in it.
    pub sequence: u64,
    /// The documents.
    pub documents: Documents,
}

/// One save.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    format: u32,
    /// Its number.
    pub sequence: u64,
    /// The documents that it sets.
    pub set: Documents,
    /// The keys that it removes.
    pub removed: Vec<String>,
}

impl Record {
    /// A save that changes nothing yet.
    #[must_use]
    pub fn new(sequence: u64) -> Self {
        Self { format: FORMAT, sequence, set: Documents::new(), removed: Vec::new() }
    }
}

/// A snapshot's text as JSON. Its checksum was compared before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(rename = "format")]
    _format: IgnoredAny,
    #[serde(rename = "checksum")]
    _checksum: IgnoredAny,
    sequence: u64,
    documents: Documents,
}

/// What any version of the format says first.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

/// The bytes of a snapshot.
///
/// # Errors
/// None: texts are always written.
pub fn snapshot(sequence: u64, documents: &Documents) -> serde_json::Result<Vec<u8>> {
    // In one piece of memory: this is the largest text there is.
    let mut bytes = format!("{HEAD}{:0CHECKSUM$}{NECK}\"sequence\":{sequence},\"documents\":", 0).into_bytes();
    serde_json::to_writer(&mut bytes, documents)?;
    let (head, body) = bytes.split_at(HEAD.len() + CHECKSUM + NECK.len());
    debug_assert!(head.starts_with(HEAD.as_bytes()) && head.ends_with(NECK.as_bytes()));
    let sum = checksum(body);
    bytes.splice(HEAD.len()..HEAD.len() + CHECKSUM, sum.into_bytes());
    bytes.extend_from_slice(TAIL.as_bytes());
    Ok(bytes)
}

/// Reads a snapshot.
///
/// # Errors
/// Says why the bytes are none.
pub fn read_snapshot(bytes: &[u8]) -> Result<Snapshot, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let parts = text.strip_prefix(HEAD).and_then(|rest| rest.split_at_checked(CHECKSUM));
    let body = parts.and_then(|(sum, rest)| Some((sum, rest.strip_prefix(NECK)?.strip_suffix(TAIL)?)));
    let Some((sum, body)) = body else {
        return Err(match serde_json::from_str::<Version>(text) {
            Ok(Version { format }) if format != u64::from(FORMAT) => foreign(format),
            _ => "it is not complete, or was edited".into(),
        });
    };
    if sum != checksum(body.as_bytes()) {
        return Err("its checksum does not fit".into());
    }
    let whole: Whole = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(Snapshot { sequence: whole.sequence, documents: whole.documents })
}

/// The line of a record.
///
/// # Errors
/// None: texts are always written.
pub fn record(record: &Record) -> serde_json::Result<Vec<u8>> {
    let body = serde_json::to_string(record)?;
    Ok(format!("{} {body}\n", checksum(body.as_bytes())).into_bytes())
}

/// What a journal holds.
#[derive(Debug, Default, PartialEq)]
pub struct Journal {
    /// The records that are whole, in the file's order.
    pub records: Vec<Record>,
    /// The last record is not whole: the machine stopped while it was written. It was never acknowledged.
    pub torn: bool,
    /// The first line that is wrong with others behind it, and why.
    pub damage: Option<String>,
    /// It begins as a record does, whether or not that one is whole.
    pub is_begun: bool,
}

/// Reads a journal, as much of it as is whole.
#[must_use]
pub fn read_journal(bytes: &[u8]) -> Journal {
    let of_sum = |octet: &u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    let sum = bytes.get(..bytes.len().min(CHECKSUM)).unwrap_or_default();
    let is_begun = sum.iter().all(of_sum) && bytes.get(CHECKSUM).is_none_or(|octet| *octet == b' ');
    let mut journal = Journal { is_begun, ..Journal::default() };
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        match read_record(line) {
            Ok(record) => journal.records.push(record),
            Err(_) if lines.peek().is_none() => journal.torn = true,
            Err(why) => journal.damage = journal.damage.or_else(|| Some(format!("line {}: {why}", at + 1))),
        }
    }
    journal
}

fn read_record(line: &[u8]) -> Result<Record, String> {
    let line = line.strip_suffix(b"\n").ok_or("it is not complete")?;
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    let (sum, body) = text.split_once(' ').ok_or("it is no record")?;
    if sum != checksum(body.as_bytes()) {
        return Err("its checksum does not fit".into());
    }
    match serde_json::from_str::<Version>(body) {
        Ok(Version { format }) if format != u64::from(FORMAT) => Err(foreign(format)),
        _ => serde_json::from_str(body).map_err(|error| error.to_string()),
    }
}

fn foreign(format: u64) -> String {
    format!("it has format {format}, and this version reads format {FORMAT}")
}

fn checksum(bytes: &[u8]) -> String {
    let mut text = HEXLOWER.encode(digest(&SHA256, bytes).as_ref());
    text.truncate(CHECKSUM);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn documents() -> Documents {
        let text = |value: Value| Json::of(&value).unwrap();
        [("a".into(), text(json!({"x": [1, "\n", null]}))), ("ü".into(), text(json!(null)))].into()
    }

    fn some_record() -> Record {
        Record { set: documents(), removed: vec!["gone".into()], ..Record::new(8) }
    }

    #[test]
    fn what_is_written_is_read_and_is_json() {
        let bytes = snapshot(7, &documents()).unwrap();
        assert_eq!(read_snapshot(&bytes).unwrap(), Snapshot { sequence: 7, documents: documents() });
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&value["format"], &value["documents"]["a"]["x"][0]), (&json!(1), &json!(1)));
        let journal = read_journal(&[record(&some_record()).unwrap(), record(&Record::new(9)).unwrap()].concat());
        assert_eq!(
            journal,
            Journal { records: vec![some_record(), Record::new(9)], is_begun: true, ..Journal::default() }
        );
    }

    #[test]
    fn another_format_is_called_by_its_number() {
        let bytes = br#"{"format":2,"whatever":[]}"#;
        assert!(read_snapshot(bytes).unwrap_err().contains("format 2"));
        let body = r#"{"format":3,"sequence":"?"}"#;
        let line = format!("{} {body}\n", checksum(body.as_bytes()));
        let journal = read_journal(&[line.into_bytes(), record(&some_record()).unwrap()].concat());
        assert!(journal.damage.unwrap().contains("line 1: it has format 3"));
        assert_eq!(journal.records, [some_record()]);
    }

    #[test]
    fn every_prefix_of_a_journal_ends_with_a_whole_record_or_is_torn() {
        let first = record(&some_record()).unwrap();
        let bytes = [first.clone(), record(&Record::new(9)).unwrap()].concat();
        for end in 0..=bytes.len() {
            let journal = read_journal(&bytes[..end]);
            let whole = usize::from(end >= first.len()) + usize::from(end == bytes.len());
            assert_eq!(journal.records.len(), whole, "{end}");
            assert_eq!(journal.torn, ![0, first.len(), bytes.len()].contains(&end), "{end}");
            assert_eq!((journal.damage, journal.is_begun), (None, true), "{end}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_passes(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let good = snapshot(7, &documents()).unwrap();
            let mut bad = good.clone();
            bad[at.index(good.len())] = byte;
            prop_assert!(bad == good || read_snapshot(&bad).is_err());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(read_snapshot(&bytes).is_err());
            prop_assert!(read_journal(&bytes).records.is_empty());
        }
    }
}
