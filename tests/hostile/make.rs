//! The generators of the corpus: what servers answer over HTTP that must not be published.

mod addresses;
mod documents;
mod framing;
mod headers;
mod pages;
mod servers;
mod text;

use super::corpus::{Asked, Piece, Read, Reply, Tls};

/// Addresses that could be published, were they said as they should be.
pub const V4: &str = "8.8.8.8";
pub const OTHER_V4: &str = "9.9.9.9";
pub const V6: &str = "2a00:1450:4001::200e";
pub const OTHER_V6: &str = "2620:fe::fe";

/// Everything, class by class.
pub fn all() -> Vec<Reply> {
    [addresses::all(), documents::all(), framing::all(), headers::all(), pages::all(), servers::all(), text::all()]
        .concat()
}

/// What an honest server answers, in each way that the corpus asks: the address, and what it says.
pub fn honest() -> Vec<(&'static str, Reply)> {
    let mut made = Vec::new();
    for (family, address) in [(Asked::Ipv4, V4), (Asked::Ipv6, V6)] {
        for read in every() {
            let word = Word::new(address, "it is the address");
            made.push((address, one("honest", &word, family, read)));
        }
        for (what, send) in [
            ("white space behind", plain(&format!("{address}\r\n"))),
            ("no length", format!("HTTP/1.0 200 OK\r\n\r\n{address}\n").into()),
            ("called a page", answer("200 OK", "Content-Type: text/html\r\n", format!("{address}\n"))),
            (
                "in chunks",
                format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{address}\r\n0\r\n\r\n",
                    address.len()
                )
                .into(),
            ),
        ] {
            made.push((address, reply("honest", what, "it is the address", family, Read::Plain, send)));
        }
    }
    let tls =
        Reply { tls: Tls::Good, ..reply("honest", "tls", "it is the address", Asked::Ipv4, Read::Plain, plain(V4)) };
    made.push((V4, tls));
    made
}

/// The key, and with it the places, that sources of the corpus look at.
const KEY: &str = "ip";
const HEADER: &str = "x-client-ip";
const PATTERN: &str = "Current IP Address: {ip}</body>";

/// Every way to look for an address.
fn every() -> [Read; 5] {
    let [json, key, header, pattern] = others();
    [Read::Plain, json, key, header, pattern]
}

/// Every way but the plain one.
fn others() -> [Read; 4] {
    [json(), Read::Key(KEY.into()), Read::Header(HEADER.into()), Read::Pattern(PATTERN.into())]
}

fn json() -> Read {
    Read::Json(format!("/{KEY}"))
}

/// What stands where the address should be.
struct Word {
    what: String,
    octets: Vec<u8>,
    why: String,
}

impl Word {
    fn new(text: &str, why: &str) -> Self {
        Self { what: text.escape_default().to_string(), octets: text.into(), why: why.into() }
    }

    fn named(what: impl Into<String>, octets: impl Into<Vec<u8>>, why: impl Into<String>) -> Self {
        Self { what: what.into(), octets: octets.into(), why: why.into() }
    }
}

/// Each word as the whole body, and in one of the other places, in turn.
fn said(class: &str, family: Asked, words: impl IntoIterator<Item = Word>) -> Vec<Reply> {
    let mut made = Vec::new();
    for (at, word) in words.into_iter().enumerate() {
        made.push(one(class, &word, family, Read::Plain));
        let [json, key, header, pattern] = others();
        let other = [json, key, header, pattern].into_iter().nth(at % 4).expect("four");
        if can_say(&other, &word.octets) {
            made.push(one(class, &word, family, other));
        }
    }
    made
}

/// Whether a word stays one in this place: a line's end would make two of it, and be another class.
fn can_say(read: &Read, octets: &[u8]) -> bool {
    let has = |any: &[u8]| octets.iter().any(|octet| any.contains(octet));
    match read {
        Read::Json(_) => !has(b"\"\\"),
        Read::Key(_) | Read::Header(_) => !has(b"\r\n\0") && octets.trim_ascii().len() == octets.len(),
        Read::Plain | Read::Pattern(_) => true,
    }
}

/// A word in its place.
fn one(class: &str, word: &Word, family: Asked, read: Read) -> Reply {
    let around = |before: &str, after: &str| [before.as_bytes(), &word.octets, after.as_bytes()].concat();
    let (place, send) = match &read {
        Read::Plain => ("plain", answer("200 OK", TEXT, &word.octets)),
        Read::Json(_) => ("json", answer("200 OK", "Content-Type: application/json\r\n", around("{\"ip\":\"", "\"}"))),
        Read::Key(_) => ("key", answer("200 OK", TEXT, around("h=echo.example\nip=", "\nts=1\n"))),
        Read::Header(_) => {
            let head = around("HTTP/1.1 200 OK\r\nConnection: close\r\nX-Client-IP: ", "\r\nContent-Length: 0\r\n\r\n");
            ("header", head)
        }
        Read::Pattern(_) => {
            let page = around("<html><body>Current IP Address: ", "</body></html>");
            ("pattern", answer("200 OK", PAGE, page))
        }
    };
    let family_name = if family == Asked::Ipv4 { "ipv4" } else { "ipv6" };
    reply(class, &format!("{}/{family_name} {place}", word.what), &word.why, family, read, send)
}

const TEXT: &str = "Content-Type: text/plain\r\n";
const PAGE: &str = "Content-Type: text/html\r\n";

/// An entry whose server sends these octets and closes.
fn reply(class: &str, what: &str, why: &str, family: Asked, read: Read, send: impl AsRef<[u8]>) -> Reply {
    pieces(class, what, why, family, read, vec![Piece::of(send)])
}

/// An entry whose server does this.
fn pieces(class: &str, what: &str, why: &str, family: Asked, read: Read, send: Vec<Piece>) -> Reply {
    Reply { id: format!("{class}/{what}"), why: why.into(), family, read, tls: Tls::None, send }
}

/// A well-formed answer.
fn answer(status: &str, fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A success with a plain body.
fn plain(body: &str) -> Vec<u8> {
    answer("200 OK", TEXT, body)
}
