//! Answers that are no HTTP, or HTTP that does not say where it ends: cut off, smuggled, folded, encoded.

use super::super::corpus::{Asked, Piece, Read, Reply};
use super::{OTHER_V4, V4, answer, pieces, reply};

pub(super) fn all() -> Vec<Reply> {
    let mut made = [
        listed("truncated", "the answer is cut off", &truncated()),
        listed("lengths", "the length of the answer is not known for certain", &lengths()),
        listed("chunks", "the chunks are broken", &chunks()),
        listed("encoded", "the answer says that it is encoded, which was not asked for", &encoded()),
        listed("not-http", "it is no answer of HTTP/1", &not_http()),
        listed("head", "the head is broken", &heads()),
    ]
    .concat();
    made.extend(smuggled());
    made
}

type Named = (String, Vec<u8>);

fn listed(class: &str, why: &str, list: &[Named]) -> Vec<Reply> {
    list.iter().map(|(what, send)| reply(class, what, why, Asked::Ipv4, Read::Plain, send)).collect()
}

fn named<T: AsRef<[u8]>>(list: impl IntoIterator<Item = T>) -> Vec<Named> {
    let name = |octets: &[u8]| octets.escape_ascii().to_string().chars().take(120).collect();
    list.into_iter().map(|octets| (name(octets.as_ref()), octets.as_ref().to_vec())).collect()
}

/// Connections that end too early.
fn truncated() -> Vec<Named> {
    let whole = answer("200 OK", "", format!("{V4}\n"));
    let mut list: Vec<Vec<u8>> = [0, 1, 4, 8, 12, 15, 17, 30, 40, whole.len() - 12, whole.len() - 8, whole.len() - 1]
        .iter()
        .map(|length| whole.get(..*length).unwrap_or_default().to_vec())
        .collect();
    for length in [8, 9, 15, 4096, 1_000_000, 4_294_967_303_u64] {
        list.push(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{V4}").into());
    }
    for body in [
        "7\r\n8.8.8.8",
        "7\r\n8.8.8.8\r",
        "7\r\n8.8.8.8\r\n",
        "7\r\n8.8.8.8\r\n0",
        "7\r\n8.8.8.8\r\n0\r\n",
        "20\r\n8.8.8.8",
        "7\r\n8.8.",
    ] {
        list.push(chunked(body));
    }
    named(list).into_iter().enumerate().map(|(at, (what, send))| (format!("{at} {what}"), send)).collect()
}

fn chunked(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}").into()
}

/// Lengths that are none, or two.
fn lengths() -> Vec<Named> {
    let fields = [
        "Content-Length: -7",
        "Content-Length: +7",
        "Content-Length: 7, 8",
        "Content-Length: 8, 7",
        "Content-Length: 0x7",
        "Content-Length: 7a",
        "Content-Length: 7;",
        "Content-Length: 7 7",
        "Content-Length: 7.0",
        "Content-Length: 1e1",
        "Content-Length:",
        "Content-Length: 99999999999999999999",
        "Content-Length: 18446744073709551623",
        "Content-Length: \"7\"",
        "Content-Length: seven",
        "Content-Length: 7\r\nContent-Length: 8",
        "Content-Length: 8\r\nContent-Length: 7",
        "Content-Length: 7\r\nContent-Length: -1",
        "Content-Length: 7\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 7",
        "Content-Length: 0",
    ];
    named(fields.map(|field| format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n{V4}")))
}

/// Chunks that are none.
fn chunks() -> Vec<Named> {
    named(
        [
            "8\r\n8.8.8.8\r\n0\r\n\r\n",
            "6\r\n8.8.8.8\r\n0\r\n\r\n",
            "-7\r\n8.8.8.8\r\n0\r\n\r\n",
            "+7\r\n8.8.8.8\r\n0\r\n\r\n",
            "0x7\r\n8.8.8.8\r\n0\r\n\r\n",
            "g\r\n8.8.8.8\r\n0\r\n\r\n",
            "\r\n8.8.8.8\r\n0\r\n\r\n",
            "seven\r\n8.8.8.8\r\n0\r\n\r\n",
            "10000000000000007\r\n8.8.8.8\r\n0\r\n\r\n",
            "fffffffffffffffff\r\n8.8.8.8\r\n0\r\n\r\n",
            "7 7\r\n8.8.8.8\r\n0\r\n\r\n",
            "7\r\n8.8.8.80\r\n\r\n",
            "7\r\n8.8.8.8\r\n8\r\n\r\n",
            "8.8.8.8",
            "8.8.8.8\r\n\r\n",
            "0\r\n\r\n8.8.8.8",
            "7\n8.8.8.8\n0\n\n",
            "7\r8.8.8.8\r0\r\r",
            "7\r\n8.8.8.8\r\n7\r\n9.9.9.9\r\n0\r\n\r\n",
            "7\r\n8.8.8.8\r\n1\r\n,\r\n7\r\n9.9.9.9\r\n0\r\n\r\n",
        ]
        .map(chunked),
    )
}

/// Encodings: of the body, and of its way here.
fn encoded() -> Vec<Named> {
    // `8.8.8.8` and a line feed, as gzip, zlib and bare deflate have it.
    let stored = [0x01, 0x08, 0x00, 0xf7, 0xff, b'8', b'.', b'8', b'.', b'8', b'.', b'8', b'\n'];
    let gzip = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &stored, &[0, 0, 0, 0, 8, 0, 0, 0]].concat();
    let zlib = [&[0x78, 0x01][..], &stored, &[0, 0, 0, 0]].concat();
    let mut list = vec![
        ("gzip".to_owned(), answer("200 OK", "Content-Encoding: gzip\r\n", &gzip)),
        ("gzip that is not told".to_owned(), answer("200 OK", "", &gzip)),
        ("deflate".to_owned(), answer("200 OK", "Content-Encoding: deflate\r\n", &zlib)),
        ("bare deflate".to_owned(), answer("200 OK", "Content-Encoding: deflate\r\n", stored)),
        (
            "gzip on its way".to_owned(),
            [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1f\r\n"[..], &gzip, b"\r\n0\r\n\r\n"]
                .concat(),
        ),
    ];
    for coding in
        ["gzip", "x-gzip", "deflate", "compress", "br", "zstd", "aes128gcm", "gzip, gzip", "identity, gzip", "unknown"]
    {
        let fields = format!("Content-Encoding: {coding}\r\n");
        list.push((format!("{coding} of what is none"), answer("200 OK", &fields, V4)));
    }
    for coding in ["gzip", "deflate", "xchunked", "chunked, gzip"] {
        let send = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n{V4}");
        list.push((format!("{coding} on the way of what is none"), send.into()));
    }
    list
}

/// Other protocols, and first lines that are none.
fn not_http() -> Vec<Named> {
    let lines = [
        "HTTP/2.0 200 OK",
        "HTTP/2 200",
        "HTTP/3 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/1.2.3 200 OK",
        "HTTP/11 200 OK",
        "HTTP/1 200 OK",
        "HTTP 200 OK",
        "http/1.1 200 OK",
        "HTTP/1.1200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 0200 OK",
        "HTTP/1.1 -200 OK",
        "HTTP/1.1 two OK",
        "HTTP/1.1 200OK",
        "HTTP/1.1\t200\tOK",
        "HTTP/1.1",
        "HTTP/1.1 ",
        " HTTP/1.1 200 OK",
        "x HTTP/1.1 200 OK",
        "\0HTTP/1.1 200 OK",
        "\u{feff}HTTP/1.1 200 OK",
        "ICY 200 OK",
        "RTSP/1.0 200 OK",
        "SIP/2.0 200 OK",
        "GET / HTTP/1.1",
        "200 OK",
        "HTTP/1.1 200 \0OK",
    ];
    let mut list = named(lines.map(|line| format!("{line}\r\nContent-Length: 7\r\n\r\n{V4}")));
    let bare: [(&str, &[u8]); 18] = [
        ("HTTP/0.9", b"8.8.8.8"),
        ("HTTP/0.9 with a line's end", b"8.8.8.8\r\n"),
        ("HTTP/0.9 with a head's end", b"8.8.8.8\r\n\r\n"),
        ("HTTP/0.9 with a page", b"<html>8.8.8.8</html>"),
        ("an empty line and the address", b"\r\n\r\n8.8.8.8"),
        ("an SSH server", b"SSH-2.0-OpenSSH_9.2p1 8.8.8.8\r\n"),
        ("a mail server", b"220 8.8.8.8 ESMTP ready\r\n"),
        ("an FTP server", b"220-8.8.8.8\r\n220 ready\r\n"),
        ("an IMAP server", b"* OK [CAPABILITY IMAP4rev1] 8.8.8.8 ready\r\n"),
        ("a Telnet server", b"\xff\xfd\x18\xff\xfd\x20login from 8.8.8.8:"),
        ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28"),
        ("HTTP/2's settings", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        ("a gopher menu", b"i8.8.8.8\t\t\t0\r\n.\r\n"),
        ("a SOCKS answer", b"\x05\x00\x00\x01\x08\x08\x08\x08\x00\x50"),
        ("a proxy's preamble", b"PROXY TCP4 8.8.8.8 9.9.9.9 1 2\r\nHTTP/1.1 200 OK\r\n\r\n8.8.8.8"),
        ("noughts", &[0; 64]),
        ("high octets", &[0xff; 64]),
        ("a document", b"{\"ip\":\"8.8.8.8\"}"),
    ];
    list.extend(bare.map(|(what, octets)| (what.to_owned(), octets.to_vec())));
    list
}

/// Heads that break HTTP's rules.
fn heads() -> Vec<Named> {
    let fields = [
        "X Y: a",
        "X\tY: a",
        "X : a",
        ": a",
        "X",
        "X\0: a",
        "X: a\0b",
        "X: \x01",
        "X: a\rb",
        "X: \x7f",
        "(X): a",
        "X: a\r\n b",
        "X: a\r\n\tb",
        " X: a",
        "\u{fc}: a",
        "X\r: a",
    ];
    let mut list = named(fields.map(|field| format!("HTTP/1.1 200 OK\r\n{field}\r\nContent-Length: 7\r\n\r\n{V4}")));
    let many = "X: a\r\n".repeat(150);
    list.push((
        "more fields than are read".into(),
        format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 7\r\n\r\n{V4}").into(),
    ));
    list
}

/// A second answer behind the first one, on a connection that stays open. The first one has no address.
fn smuggled() -> Vec<Reply> {
    let second = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{OTHER_V4}");
    let second = second(OTHER_V4.len());
    [
        ("a refusal", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno".to_owned()),
        ("an empty answer", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()),
        ("a word", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()),
        ("a page", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>".to_owned()),
        ("nothing new", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n".to_owned()),
        ("no content", "HTTP/1.1 204 No Content\r\n\r\n".to_owned()),
        ("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".to_owned()),
        ("a redirect", "HTTP/1.1 302 Found\r\nLocation: /honest\r\nContent-Length: 0\r\n\r\n".to_owned()),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ),
    ]
    .into_iter()
    .flat_map(|(what, first)| {
        let why = "an answer that nobody asked for stands behind one without an address";
        let together = vec![Piece::of(format!("{first}{second}")), Piece::Stay];
        let apart = vec![Piece::of(first), Piece::Pause(50), Piece::of(&second), Piece::Stay];
        [("at once", together), ("later", apart)]
            .map(|(when, send)| pieces("smuggled", &format!("{what}, {when}"), why, Asked::Ipv4, Read::Plain, send))
    })
    .collect()
}
