//! Addresses in header fields: where nobody looks, and where a source looks but none may be taken.

use super::super::corpus::{Asked, Read, Reply};
use super::{HEADER, PAGE, TEXT, V4, V6, answer, every, reply};

pub(super) fn all() -> Vec<Reply> {
    [beside(), status_lines(), trailers(), fields()].concat()
}

/// Fields that services, caches and proxies put addresses into.
const FIELDS: [&str; 30] = [
    "X-Client-IP: {}",
    "X-Forwarded-For: {}",
    "X-Forwarded-For: 10.0.0.1, {}",
    "X-Real-IP: {}",
    "X-Remote-Addr: {}",
    "X-IP: {}",
    "X-Originating-IP: {}",
    "X-Cluster-Client-IP: {}",
    "X-Your-IP: {}",
    "X-Served-By: {}",
    "X-Backend: {}",
    "X-Cache: HIT from {}",
    "X-Varnish: {}",
    "X-Host: {}",
    "CF-Connecting-IP: {}",
    "True-Client-IP: {}",
    "Fastly-Client-IP: {}",
    "Client-IP: {}",
    "IP: {}",
    "Forwarded: for={}",
    "Via: 1.1 {}",
    "Server: {}",
    "Set-Cookie: ip={}; Path=/",
    "ETag: \"{}\"",
    "Content-Location: http://{}/",
    "Link: <http://{}/>; rel=canonical",
    "Warning: 199 {} stale",
    "Alt-Svc: h3=\"{}:443\"",
    "Access-Control-Allow-Origin: http://{}",
    "Report-To: {\"url\":\"http://{}/\"}",
];

/// A field with an address beside a body without one: the incident of 2025, in which an updater took the first address of head and
/// body, which was the server's version.
fn beside() -> Vec<Reply> {
    let mut made = Vec::new();
    for (at, field) in FIELDS.iter().enumerate() {
        let bodies =
            [("nothing", TEXT, ""), ("a word", TEXT, "ok\n"), ("a page", PAGE, "<html><body>Welcome</body></html>")];
        // Each field with two of the bodies, and with one of the ways to look, in turn.
        for (turn, (what, kind, body)) in bodies.into_iter().enumerate().filter(|(turn, _)| (at + turn) % 3 != 0) {
            let (family, address) = if (at + turn) % 4 == 3 { (Asked::Ipv6, V6) } else { (Asked::Ipv4, V4) };
            let name = field.split(':').next().unwrap_or_default();
            let read = every().into_iter().filter(|read| !matches!(read, Read::Header(_))).nth((at + turn) % 4);
            let line = field.replace("{}", address);
            let send = answer("200 OK", &format!("{line}\r\n{kind}"), body);
            let what = format!("{name} {at} with {what}");
            let why = "the address stands in a header field that nobody asked for";
            made.push(reply("headers", &what, why, family, read.unwrap_or(Read::Plain), send));
        }
    }
    let version = "Server: Apache/2.4 PHP/8.1.0.1\r\nX-Version: 1.0.1.1\r\n";
    let why = "what looks like an address is a version";
    made.push(reply("headers", "versions", why, Asked::Ipv4, Read::Plain, answer("200 OK", version, "")));
    made
}

/// Addresses in the first line.
fn status_lines() -> Vec<Reply> {
    [format!("200 {V4}"), format!("200 OK {V4}"), format!("200 ip={V4}"), format!("404 {V4}"), format!("200 {V6}")]
        .iter()
        .map(|status| {
            let what = format!("the line {status}");
            reply(
                "headers",
                &what,
                "the address stands in the status line",
                Asked::Ipv4,
                Read::Plain,
                answer(status, "", ""),
            )
        })
        .collect()
}

/// Addresses behind the body.
fn trailers() -> Vec<Reply> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Client-IP\r\n\r\n";
    let why = "the address stands in a trailer, which nobody reads";
    [("empty", "0\r\n"), ("a word", "2\r\nok\r\n0\r\n")]
        .into_iter()
        .flat_map(|(what, chunks)| {
            let send = format!("{head}{chunks}X-Client-IP: {V4}\r\n\r\n");
            [Read::Plain, Read::Header(HEADER.into())].map(|read| {
                let what = format!("a trailer behind {what} for {read:?}");
                reply("headers", &what, why, Asked::Ipv4, read, &send)
            })
        })
        .collect()
}

const FIELD: &str = "the field does not hold exactly one address";
const ONCE: &str = "the field stands more than once";
const FOLDED: &str = "the field is folded, which HTTP/1.1 no longer has";
const OTHER: &str = "it is another field";
const BROKEN: &str = "the head is broken";

/// A source that looks at `X-Client-IP`, and what it finds there.
fn fields() -> Vec<Reply> {
    let list: [(&str, &str); 48] = [
        ("X-Client-IP: 8.8.8.8\r\nX-Client-IP: 9.9.9.9\r\n", ONCE),
        ("X-Client-IP: 8.8.8.8\r\nx-client-ip: 8.8.8.8\r\n", ONCE),
        ("X-Client-IP: 8.8.8.8\r\nX-CLIENT-IP:\r\n", ONCE),
        ("X-Client-IP: 8.8.8.8, 9.9.9.9\r\n", FIELD),
        ("X-Client-IP: 10.0.0.1, 8.8.8.8\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8,\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8 9.9.9.9\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8;q=1\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8; proto=https\r\n", FIELD),
        ("X-Client-IP: for=8.8.8.8\r\n", FIELD),
        ("X-Client-IP: \"8.8.8.8\"\r\n", FIELD),
        ("X-Client-IP: [8.8.8.8]\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8:55555\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8/32\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8 (residential)\r\n", FIELD),
        ("X-Client-IP: 010.8.8.8\r\n", FIELD),
        ("X-Client-IP: 134744072\r\n", FIELD),
        ("X-Client-IP: unknown\r\n", FIELD),
        ("X-Client-IP: _hidden\r\n", FIELD),
        ("X-Client-IP:\r\n", FIELD),
        ("X-Client-IP: -\r\n", FIELD),
        ("X-Client-IP: ::ffff:8.8.8.8\r\n", FIELD),
        ("X-Client-IP: 2a00::1\r\n", FIELD),
        ("X-Client-IP: 192.168.1.1\r\n", FIELD),
        ("X-Client-IP: 100.64.1.1\r\n", FIELD),
        ("X-Client-IP: 127.0.0.1\r\n", FIELD),
        ("X-Client-IP: 203.0.113.7\r\n", FIELD),
        ("X-Client-IP: \u{200b}8.8.8.8\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8\u{a0}\r\n", FIELD),
        ("X-Client-IP: =?utf-8?q?8.8.8.8?=\r\n", FIELD),
        ("X-Client-IP: 8.8.8.8\r\n 9.9.9.9\r\n", FOLDED),
        ("X-Client-IP:\r\n 8.8.8.8\r\n", FOLDED),
        ("X-Client-IP: 8.8.8.8\r\n\t.9\r\n", FOLDED),
        ("X-Other: a\r\n X-Client-IP: 8.8.8.8\r\n", FOLDED),
        ("X-Client-IP2: 8.8.8.8\r\n", OTHER),
        ("X-Client-IPs: 8.8.8.8\r\n", OTHER),
        ("X-X-Client-IP: 8.8.8.8\r\n", OTHER),
        ("X_Client_IP: 8.8.8.8\r\n", OTHER),
        ("XClientIP: 8.8.8.8\r\n", OTHER),
        ("Set-Cookie: x-client-ip=8.8.8.8\r\n", OTHER),
        ("X-Real-IP: 8.8.8.8\r\n", OTHER),
        ("X-Client-IP : 8.8.8.8\r\n", BROKEN),
        (" X-Client-IP: 8.8.8.8\r\n", BROKEN),
        ("X-Client-IP\r\n: 8.8.8.8\r\n", BROKEN),
        ("X-Client-IP 8.8.8.8\r\n", BROKEN),
        ("X-Client-IP: 8.8.8.8\0\r\n", BROKEN),
        ("X-Client-IP: 8.8.8.8\x1b[2J\r\n", BROKEN),
        ("X-Client-IP: 8.8.8.8\rX-Other: a\r\n", BROKEN),
    ];
    let made = list.iter().map(|(field, why)| {
        let what = format!("field {}", field.escape_default());
        reply("headers", &what, why, Asked::Ipv4, Read::Header(HEADER.into()), answer("200 OK", field, V4))
    });
    made.collect()
}
