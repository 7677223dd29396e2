//! What an entry of the corpus is, and how it is written down: one JSON document a line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a server answers that must not be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Its class, which is its file, and what it is within that: `numbers/010.8.8.8/plain`.
    pub id: String,
    /// Why nothing in it may be published.
    pub why: String,
    /// The family that is asked for.
    pub family: Asked,
    /// Where the source looks for the address.
    pub read: Read,
    /// How the server speaks TLS.
    #[serde(default, skip_serializing_if = "Tls::is_none")]
    pub tls: Tls,
    /// What the server does after a request, in order; then it closes the connection.
    pub send: Vec<Piece>,
}

/// A family, as the keys of the configuration name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// Where a source looks for the address, by the key of the configuration that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Read {
    /// The whole body is it.
    Plain,
    /// At this JSON pointer.
    Json(String),
    /// On the line of this key.
    Key(String),
    /// In the header field of this name.
    Header(String),
    /// Where `{ip}` stands in this text.
    Pattern(String),
}

/// How the server speaks TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Not at all: http within this machine.
    #[default]
    None,
    /// As it should be.
    Good,
    /// Its certificate is signed by itself.
    SelfSigned,
    /// Its certificate is signed by somebody whom nobody trusts.
    Stranger,
    /// Its certificate is for another name.
    WrongName,
    /// Its certificate is for another address, and it has no name in it.
    WrongAddress,
    /// Its certificate ended in 2001.
    Expired,
    /// Its certificate begins in 2090.
    NotYetValid,
    /// Its certificate is for clients alone.
    ForClients,
    /// It answers without TLS at a port where TLS is spoken.
    Absent,
}

impl Tls {
    /// All kinds of servers that listen at a port of their own.
    pub const ALL: [Self; 9] = [
        Self::Good,
        Self::SelfSigned,
        Self::Stranger,
        Self::WrongName,
        Self::WrongAddress,
        Self::Expired,
        Self::NotYetValid,
        Self::ForClients,
        Self::Absent,
    ];

    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// What a server does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Piece {
    /// Sends octets: each character is one, U+0000 to U+00FF.
    Octets(String),
    /// Sends the same octets so many times.
    Times(usize, String),
    /// Waits, for so many milliseconds.
    Pause(u64),
    /// Does nothing more, and leaves the connection open.
    Hold,
    /// Leaves the connection open, and answers the next request on it.
    Stay,
    /// Ends the connection without TLS's farewell.
    Cut,
}

impl Piece {
    /// These octets.
    pub fn of(octets: impl AsRef<[u8]>) -> Self {
        Self::Octets(octets.as_ref().iter().map(|octet| char::from(*octet)).collect())
    }
}

/// The octets that a text of a piece stands for.
pub fn octets(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of the corpus is an octet")).collect()
}

/// What a datagram, or a document of a router, says that must not be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its protocol, which is its file, and what it is within that.
    pub id: String,
    /// Why nothing in it may be published.
    pub why: String,
    /// What was asked, where a protocol has several questions: of a name server `address`, `text` or `chaos`, of a router
    /// by UPnP `search`, `description` or `address`.
    pub asked: String,
    /// Whether the server puts the request's transaction into it, so that it passes for an answer.
    pub ours: bool,
    /// The octets, as in [`Piece::Octets`].
    pub octets: String,
}

/// An entry, whatever its kind.
pub trait Entry: Serialize + for<'de> Deserialize<'de> + Clone + PartialEq + std::fmt::Debug {
    /// Its name.
    fn id(&self) -> &str;

    /// Its class.
    fn class(&self) -> &str {
        self.id().split('/').next().unwrap_or_default()
    }

    /// Its line: ASCII alone, so that what cannot be seen is seen.
    fn line(&self) -> String {
        let text = serde_json::to_string(self).expect("an entry is JSON");
        let mut line = String::new();
        for c in text.chars() {
            if c.is_ascii_graphic() || c == ' ' { line.push(c) } else { line += &format!("\\u{:04x}", u32::from(c)) }
        }
        line + "\n"
    }
}

impl Entry for Reply {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Entry for Said {
    fn id(&self) -> &str {
        &self.id
    }
}

/// The files that these entries make, by name.
pub fn files<E: Entry>(entries: &[E]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::<String, String>::new();
    for entry in entries {
        *files.entry(format!("{}.jsonl", entry.class())).or_default() += &entry.line();
    }
    files
}

/// Where the files are.
pub fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "hostile", "data"].iter().collect()
}

/// The entries of the files that `made` makes, as they are on the disk.
pub fn read<E: Entry>(made: &[E]) -> Vec<E> {
    let mut entries = Vec::new();
    for name in files(made).keys() {
        let path = folder().join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        entries.extend(
            text.lines().map(|line| serde_json::from_str::<E>(line).unwrap_or_else(|why| panic!("{line}: {why}"))),
        );
    }
    entries
}
