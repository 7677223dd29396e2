//! Servers that answer something else than was asked for, elsewhere, too much, too slowly, or as somebody else.

use super::super::corpus::{Asked, Piece, Read, Reply, Tls};
use super::{HEADER, PAGE, TEXT, V4, V6, answer, json, pieces, plain, reply};

pub(super) fn all() -> Vec<Reply> {
    [statuses(), interim(), redirects(), bulk(), slow(), tls()].concat()
}

/// Every status but 200, with an address as the body.
fn statuses() -> Vec<Reply> {
    let list: [u16; 62] = [
        201, 202, 203, 204, 205, 206, 207, 208, 226, 299, 300, 304, 305, 306, 399, 400, 401, 402, 403, 404, 405, 406,
        407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451,
        499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 522, 530, 599, 600, 999,
    ];
    let mut made = Vec::new();
    for status in list {
        let (family, address) = if status % 3 == 0 { (Asked::Ipv6, V6) } else { (Asked::Ipv4, V4) };
        let send = answer(&format!("{status} Whatever"), TEXT, address);
        made.push(reply("status", &format!("{status}"), "the answer is no success", family, Read::Plain, send));
    }
    for (what, fields) in
        [("with a part", "Content-Range: bytes 0-6/7\r\n"), ("with a part of more", "Content-Range: bytes 0-6/12\r\n")]
    {
        let send = answer("206 Partial Content", fields, V4);
        made.push(reply("status", &format!("206 {what}"), "the answer is a part", Asked::Ipv4, Read::Plain, send));
    }
    let field = answer("404 Not Found", "X-Client-IP: 8.8.8.8\r\n", "");
    made.push(reply(
        "status",
        "404 with the field",
        "the answer is no success",
        Asked::Ipv4,
        Read::Header(HEADER.into()),
        field,
    ));
    let document = answer("500 Oops", "Content-Type: application/json\r\n", "{\"ip\":\"8.8.8.8\"}");
    made.push(reply("status", "500 with the document", "the answer is no success", Asked::Ipv4, json(), document));
    made
}

/// Answers before the answer (RFC 9110, section 15.2).
fn interim() -> Vec<Reply> {
    let list = [
        ("100 alone", format!("HTTP/1.1 100 Continue\r\n\r\n{V4}")),
        ("100 with a length", format!("HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\n{V4}")),
        ("101", format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: ip\r\nConnection: Upgrade\r\n\r\n{V4}")),
        ("102 and no more", "HTTP/1.1 102 Processing\r\nX-Client-IP: 8.8.8.8\r\n\r\n".into()),
        (
            "103 and a refusal",
            format!(
                "HTTP/1.1 103 Early Hints\r\nX-Client-IP: {V4}\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            ),
        ),
        (
            "100 and a refusal",
            format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 7\r\n\r\n{V4}"),
        ),
        ("199", format!("HTTP/1.1 199 Whatever\r\n\r\n{V4}")),
        ("a thousand of them", "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
    ];
    list.map(|(what, send)| {
        reply("interim", what, "there is no answer behind the interim one", Asked::Ipv4, Read::Plain, send)
    })
    .into()
}

/// Redirects. An honest answer is to be had at `/honest`, and never asked for.
fn redirects() -> Vec<Reply> {
    let places = [
        ("to an honest place", "Location: /honest\r\n"),
        ("to an honest place, in full", "Location: //localhost/honest\r\n"),
        ("to http", "Location: http://portal.example/\r\n"),
        ("to an address", "Location: http://8.8.8.8/\r\n"),
        ("to a file", "Location: file:///etc/hostname\r\n"),
        ("to data", "Location: data:text/plain,8.8.8.8\r\n"),
        ("to itself", "Location: \r\n"),
        ("to two places", "Location: /honest\r\nLocation: http://8.8.8.8/\r\n"),
        ("to nowhere", ""),
    ];
    let mut made = Vec::new();
    for (at, status) in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
            .iter()
            .enumerate()
    {
        for (turn, (what, fields)) in places.iter().enumerate() {
            let body = if (at + turn) % 2 == 0 { V4 } else { "" };
            let what = format!("{status} {what}");
            let send = answer(status, fields, body);
            made.push(reply(
                "redirects",
                &what,
                "the answer is to be had elsewhere, where nobody was asked",
                Asked::Ipv4,
                Read::Plain,
                send,
            ));
        }
    }
    for (what, fields, body) in [
        ("a refresh", "Refresh: 0; url=/honest\r\n", ""),
        ("a page that leads on", PAGE, "<meta http-equiv=refresh content=\"0;url=/honest\">"),
        ("a script that leads on", PAGE, "<script>location='/honest'</script>"),
        ("a place with a success", "Location: /honest\r\nContent-Location: /honest\r\n", ""),
        ("a login", "WWW-Authenticate: Basic realm=\"8.8.8.8\"\r\n", ""),
    ] {
        let send = answer("200 OK", fields, body);
        made.push(reply("redirects", what, "the answer is to be had elsewhere", Asked::Ipv4, Read::Plain, send));
    }
    made
}

/// More than four KiB.
fn bulk() -> Vec<Reply> {
    let head = |length: usize| Piece::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
    let chunked = || Piece::of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let open = || Piece::of("HTTP/1.1 200 OK\r\n\r\n");
    let times = |count: usize, text: &str| Piece::Times(count, text.into());
    let list: Vec<(&str, Vec<Piece>)> = vec![
        ("one octet too many", vec![head(4097), Piece::of(V4), times(4090, " ")]),
        ("spaces behind", vec![head(100_007), Piece::of(V4), times(100_000, " ")]),
        ("spaces before", vec![head(100_007), times(100_000, " "), Piece::of(V4)]),
        ("lines before", vec![open(), times(5000, "\n"), Piece::of(V4)]),
        ("a MiB of addresses", vec![open(), times(131_072, "8.8.8.8\n")]),
        ("noughts", vec![open(), times(65_536, "\0\0\0\0\0\0\0\0")]),
        ("ten GB announced", vec![head(10_000_000_000), Piece::of(V4), times(8192, " ")]),
        (
            "chunks of one octet",
            vec![chunked(), Piece::of("7\r\n8.8.8.8\r\n"), times(5000, "1\r\n \r\n"), Piece::of("0\r\n\r\n")],
        ),
        ("one large chunk", vec![chunked(), Piece::of("100000\r\n8.8.8.8"), times(65_536, "                ")]),
        (
            "chunk extensions",
            vec![chunked(), Piece::of("7"), times(20_000, ";ext=ext"), Piece::of("\r\n8.8.8.8\r\n0\r\n\r\n")],
        ),
        (
            "trailers",
            vec![chunked(), Piece::of("2\r\nok\r\n0\r\n"), times(5000, "X-Client-IP: 8.8.8.8\r\n"), Piece::of("\r\n")],
        ),
        (
            "a hundred thousand fields",
            vec![Piece::of("HTTP/1.1 200 OK\r\n"), times(100_000, "X: a\r\n"), Piece::of("\r\n8.8.8.8")],
        ),
        (
            "one large field",
            vec![Piece::of("HTTP/1.1 200 OK\r\nX: "), times(65_536, "8.8.8.8,8.8.8.8,"), Piece::of("\r\n\r\n8.8.8.8")],
        ),
        (
            "a large first line",
            vec![Piece::of("HTTP/1.1 200 "), times(65_536, "8.8.8.8 8.8.8.8 "), Piece::of("\r\n\r\n8.8.8.8")],
        ),
        (
            "a field's name",
            vec![Piece::of("HTTP/1.1 200 OK\r\n"), times(65_536, "XXXXXXXXXXXXXXXX"), Piece::of(": a\r\n\r\n8.8.8.8")],
        ),
    ];
    let mut made: Vec<_> = list
        .into_iter()
        .map(|(what, send)| pieces("bulk", what, "it is longer than an answer may be", Asked::Ipv4, Read::Plain, send))
        .collect();
    let document = vec![open(), Piece::of("{\"ip\":\"8.8.8.8\",\"x\":\""), times(5000, "x"), Piece::of("\"}")];
    made.push(pieces("bulk", "a document", "it is longer than an answer may be", Asked::Ipv4, json(), document));
    let field = vec![Piece::of("HTTP/1.1 200 OK\r\nX-Client-IP: 8.8.8.8\r\n\r\n"), times(5000, "x")];
    made.push(pieces(
        "bulk",
        "a body behind the field",
        "it is longer than an answer may be",
        Asked::Ipv4,
        Read::Header(HEADER.into()),
        field,
    ));
    made
}

/// What is not there within ten seconds. Each of these takes so long, all of them together no longer.
fn slow() -> Vec<Reply> {
    let drop_by_drop = |text: &str| -> Vec<Piece> {
        text.chars().flat_map(|c| [Piece::of([u8::try_from(c).unwrap_or(b'?')]), Piece::Pause(400)]).collect()
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    let list: Vec<(&str, Vec<Piece>)> = vec![
        ("nothing", vec![Piece::Hold]),
        ("half a head", vec![Piece::of("HTTP/1.1 200 OK\r\nContent-"), Piece::Hold]),
        ("a head", vec![Piece::of(head), Piece::Hold]),
        ("half a body", vec![Piece::of(format!("{head}8.8.")), Piece::Hold]),
        ("all but the last octet", vec![Piece::of("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n8.8.8.8"), Piece::Hold]),
        ("no length and no end", vec![Piece::of("HTTP/1.1 200 OK\r\n\r\n8.8.8.8"), Piece::Hold]),
        (
            "no last chunk",
            vec![Piece::of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n8.8.8.8\r\n"), Piece::Hold],
        ),
        (
            "interim answers",
            (0..60).flat_map(|_| [Piece::of("HTTP/1.1 100 Continue\r\n\r\n"), Piece::Pause(200)]).collect(),
        ),
        ("drop by drop", drop_by_drop(&format!("{head}{V4}"))),
        ("late", vec![Piece::Pause(11_500), Piece::of(plain(V4))]),
    ];
    list.into_iter()
        .map(|(what, send)| pieces("slow", what, "it takes more than ten seconds", Asked::Ipv4, Read::Plain, send))
        .collect()
}

/// Servers that do not show who they are, and answers by TLS that are cut.
fn tls() -> Vec<Reply> {
    let mut made = Vec::new();
    for (tls, why) in [
        (Tls::SelfSigned, "its certificate is signed by itself"),
        (Tls::Stranger, "its certificate is signed by nobody who is trusted"),
        (Tls::WrongName, "its certificate is for another name"),
        (Tls::WrongAddress, "its certificate is for another address"),
        (Tls::Expired, "its certificate is over"),
        (Tls::NotYetValid, "its certificate is not valid yet"),
        (Tls::ForClients, "its certificate is for clients"),
        (Tls::Absent, "it does not speak TLS"),
    ] {
        for (what, read, send) in [
            ("plain", Read::Plain, plain(V4)),
            ("json", json(), answer("200 OK", "", "{\"ip\":\"8.8.8.8\"}")),
            ("header", Read::Header(HEADER.into()), answer("200 OK", "X-Client-IP: 8.8.8.8\r\n", "")),
        ] {
            made.push(Reply { tls, ..reply("tls", &format!("{tls:?} {what}"), why, Asked::Ipv4, read, send) });
        }
    }
    for (what, octets) in [
        ("an alert", &b"\x15\x03\x03\x00\x02\x02\x28"[..]),
        ("another version", b"\x15\x03\x00\x00\x02\x02\x46"),
        ("noughts", &[0; 64]),
        ("nothing", b""),
        ("an SSH server", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    ] {
        let send = reply("tls", &format!("Absent: {what}"), "it does not speak TLS", Asked::Ipv4, Read::Plain, octets);
        made.push(Reply { tls: Tls::Absent, ..send });
    }
    let good = |what: &str, why: &str, send| Reply {
        tls: Tls::Good,
        ..pieces("tls", &format!("Good: {what}"), why, Asked::Ipv4, Read::Plain, send)
    };
    let cut = "the connection is cut, and nobody knows whether more was to come";
    made.push(good("cut without a farewell", cut, vec![Piece::of("HTTP/1.1 200 OK\r\n\r\n8.8.8.8"), Piece::Cut]));
    made.push(good(
        "cut in the body",
        cut,
        vec![Piece::of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n8.8.8.8"), Piece::Cut],
    ));
    let portal = answer("200 OK", PAGE, "<html>8.8.8.8</html>");
    made.push(good("a page", "it is a page", vec![Piece::of(portal)]));
    let away = answer("302 Found", "Location: http://portal.example/\r\n", V4);
    made.push(good("a redirect to http", "it is a redirect", vec![Piece::of(away)]));
    made
}
