//! Answers of name servers, to questions who asks.

use super::super::corpus::Said;
use super::{of_another, said};

// Types and classes (RFC 1035, section 3.2).
const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const IN: u16 = 1;
const CH: u16 = 3;
/// An answer with authority (section 4.1.1).
const GOOD: u16 = 0x8400;
/// The name that is asked for, `whoami.test`, and another one.
const NAME: &[u8] = b"\x06whoami\x04test\0";
const OTHER: &[u8] = b"\x05other\x04test\0";
const EIGHT: [u8; 4] = [8, 8, 8, 8];

/// A record.
fn record(name: &[u8], rtype: u16, class: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    [name, &rtype.to_be_bytes(), &class.to_be_bytes(), &[0; 4], &length, data].concat()
}

fn question(name: &[u8], rtype: u16, class: u16) -> Vec<u8> {
    [name, &rtype.to_be_bytes(), &class.to_be_bytes()].concat()
}

/// A message: its flags, how many questions, answers, authorities and others it says to have, and what follows.
fn message(flags: u16, counts: [u16; 4], rest: &[Vec<u8>]) -> Vec<u8> {
    let counts: Vec<u8> = counts.iter().flat_map(|count| count.to_be_bytes()).collect();
    [&[0, 0][..], &flags.to_be_bytes(), &counts, &rest.concat()].concat()
}

/// An answer to the question for an address, with these records.
fn answered(flags: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(records.len()).unwrap_or(u16::MAX);
    message(flags, [1, count, 0, 0], &[vec![question(NAME, A, IN)], records.to_vec()].concat())
}

/// An answer to the question for a text, whose one record has this data.
fn text(class: u16, data: &[u8]) -> Vec<u8> {
    message(GOOD, [1, 1, 0, 0], &[question(NAME, TXT, class), record(NAME, TXT, class, data)])
}

/// A text of the length that stands before it.
fn string(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap_or(u8::MAX)], text].concat()
}

pub(super) fn all() -> Vec<Said> {
    [addresses(), special(), records(), questions(), octets(), texts()].concat()
}

pub(super) fn honest() -> Vec<Said> {
    let good = |asked, octets| said("dns", asked, "it is the address", asked, octets);
    let eight = string(b"8.8.8.8");
    vec![
        good("address", answered(GOOD, &[self::eight()])),
        good("text", text(IN, &eight)),
        good("chaos", text(CH, &eight)),
    ]
}

fn eight() -> Vec<u8> {
    record(NAME, A, IN, &EIGHT)
}

/// Refusals that hold an address, and answers without authority.
fn addresses() -> Vec<Said> {
    let mut made: Vec<_> = (1..=10)
        .map(|code| {
            let what = format!("code {code} with an address");
            said("dns", &what, "it is a refusal", "address", answered(GOOD | code, &[eight()]))
        })
        .collect();
    for (what, flags, why) in [
        (
            "without authority",
            0x8000,
            "a resolver on the way answers in the server's place, with an address of its own",
        ),
        ("by recursion", 0x8180, "a resolver on the way answers in the server's place, with an address of its own"),
        ("a question with an answer", 0x0400, "it is a question"),
        ("cut off", GOOD | 0x0200, "it is cut off, and nobody listens by TCP"),
        ("of a notification", GOOD | 4 << 11, "it is of another kind"),
        ("of an update", GOOD | 5 << 11, "it is of another kind"),
    ] {
        made.push(said("dns", what, why, "address", answered(flags, &[eight()])));
    }
    made.push(of_another(said(
        "dns",
        "another id",
        "it answers another request",
        "address",
        answered(GOOD, &[eight()]),
    )));
    made
}

/// Addresses that are nobody's of the internet.
fn special() -> Vec<Said> {
    let list = [
        [0, 0, 0, 0],
        [10, 0, 0, 1],
        [100, 64, 0, 1],
        [127, 0, 0, 1],
        [169, 254, 1, 1],
        [172, 16, 0, 1],
        [192, 0, 0, 1],
        [192, 0, 2, 1],
        [192, 168, 1, 1],
        [198, 18, 0, 1],
        [198, 51, 100, 1],
        [203, 0, 113, 1],
        [224, 0, 0, 1],
        [240, 0, 0, 1],
        [255, 255, 255, 255],
    ];
    list.map(|address| {
        let what = format!("{}", std::net::Ipv4Addr::from(address));
        said(
            "dns",
            &what,
            "nobody's address in the internet",
            "address",
            answered(GOOD, &[record(NAME, A, IN, &address)]),
        )
    })
    .into()
}

/// Records that are not the one that was asked for.
fn records() -> Vec<Said> {
    let six = [0x2a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let alias = record(NAME, CNAME, IN, OTHER);
    let list: Vec<(&str, Vec<u8>)> = vec![
        ("no record", answered(GOOD, &[])),
        ("two addresses", answered(GOOD, &[eight(), record(NAME, A, IN, &[9, 9, 9, 9])])),
        ("one address twice", answered(GOOD, &[eight(), eight()])),
        ("an alias and an address", answered(GOOD, &[alias.clone(), record(OTHER, A, IN, &EIGHT)])),
        ("an alias alone", answered(GOOD, &[alias])),
        ("another name's address", answered(GOOD, &[record(OTHER, A, IN, &EIGHT)])),
        ("an address of the root", answered(GOOD, &[record(b"\0", A, IN, &EIGHT)])),
        ("an IPv6 address", answered(GOOD, &[record(NAME, AAAA, IN, &six)])),
        ("both families", answered(GOOD, &[eight(), record(NAME, AAAA, IN, &six)])),
        ("a text", answered(GOOD, &[record(NAME, TXT, IN, b"\x078.8.8.8")])),
        ("an address of the class CH", answered(GOOD, &[record(NAME, A, CH, &EIGHT)])),
        ("an address of no class", answered(GOOD, &[record(NAME, A, 254, &EIGHT)])),
        ("an address of any class", answered(GOOD, &[record(NAME, A, 255, &EIGHT)])),
        ("three octets", answered(GOOD, &[record(NAME, A, IN, &EIGHT[..3])])),
        ("five octets", answered(GOOD, &[record(NAME, A, IN, &[8; 5])])),
        ("sixteen octets", answered(GOOD, &[record(NAME, A, IN, &[8; 16])])),
        ("no octets", answered(GOOD, &[record(NAME, A, IN, &[])])),
        ("in the section of authorities", message(GOOD, [1, 0, 1, 0], &[question(NAME, A, IN), eight()])),
        ("in the section of others", message(GOOD, [1, 0, 0, 1], &[question(NAME, A, IN), eight()])),
        ("an unknown type", answered(GOOD, &[record(NAME, 65_280, IN, &EIGHT)])),
        ("a hundred addresses", answered(GOOD, &vec![eight(); 100])),
    ];
    list.into_iter()
        .map(|(what, octets)| said("dns", what, "it has not exactly the one record", "address", octets))
        .collect()
}

/// Answers to something else than was asked.
fn questions() -> Vec<Said> {
    let to = |questions: &[Vec<u8>]| {
        let count = u16::try_from(questions.len()).unwrap_or(u16::MAX);
        message(GOOD, [count, 1, 0, 0], &[questions.to_vec(), vec![eight()]].concat())
    };
    let list = [
        ("no question", to(&[])),
        ("another name's question", to(&[question(OTHER, A, IN)])),
        ("another type's question", to(&[question(NAME, AAAA, IN)])),
        ("another class's question", to(&[question(NAME, A, CH)])),
        ("two questions", to(&[question(NAME, A, IN), question(OTHER, A, IN)])),
        ("the question twice", to(&[question(NAME, A, IN), question(NAME, A, IN)])),
    ];
    list.map(|(what, octets)| said("dns", what, "it answers another question", "address", octets)).into()
}

/// Octets that are no message.
fn octets() -> Vec<Said> {
    let good = answered(GOOD, &[eight()]);
    let mut made: Vec<_> = [0, 1, 2, 11, 12, 13, 20, 27, 28, 35, good.len() - 5, good.len() - 4, good.len() - 1]
        .iter()
        .map(|length| {
            let cut = good.get(..*length).unwrap_or_default();
            said("dns", &format!("the first {length} octets"), "it is cut off", "address", cut)
        })
        .collect();
    let pointer = |to: u16| (0xc000 | to).to_be_bytes();
    let list: Vec<(&str, Vec<u8>)> = vec![
        ("a name that leads to itself", answered(GOOD, &[record(&pointer(29), A, IN, &EIGHT)])),
        ("a name that leads ahead", answered(GOOD, &[record(&pointer(40), A, IN, &EIGHT)])),
        ("a name that leads nowhere", answered(GOOD, &[record(&pointer(0x3fff), A, IN, &EIGHT)])),
        ("a label of a kind that there is not", answered(GOOD, &[record(b"\x80whoami\0", A, IN, &EIGHT)])),
        (
            "a label that is too long",
            answered(GOOD, &[record(&[&[64][..], &[b'a'; 64], &[0]].concat(), A, IN, &EIGHT)]),
        ),
        (
            "a name that is too long",
            answered(GOOD, &[record(&[[&[63][..], &[b'a'; 63]].concat().repeat(5), vec![0]].concat(), A, IN, &EIGHT)]),
        ),
        ("more questions than there are", message(GOOD, [65_535, 1, 0, 0], &[question(NAME, A, IN), eight()])),
        ("more answers than there are", message(GOOD, [1, 65_535, 0, 0], &[question(NAME, A, IN), eight()])),
        ("more others than there are", message(GOOD, [1, 1, 0, 65_535], &[question(NAME, A, IN), eight()])),
        ("noughts", vec![0; 64]),
        ("high octets", vec![0xff; 64]),
        ("HTTP", b"HTTP/1.1 200 OK\r\n\r\n8.8.8.8".to_vec()),
        ("the address", b"8.8.8.8".to_vec()),
    ];
    made.extend(list.into_iter().map(|(what, octets)| said("dns", what, "it is no message", "address", octets)));
    made
}

/// Texts that are no address, of both classes.
fn texts() -> Vec<Said> {
    let list: [&[u8]; 24] = [
        b"",
        b" ",
        b"8.8.8.8 ",
        b" 8.8.8.8",
        b"8.8.8.8\n",
        b"8.8.8.8\0",
        b"\"8.8.8.8\"",
        b"8.8.8.8, 9.9.9.9",
        b"8.8.8.8 9.9.9.9",
        b"8.8.8.8/32",
        b"8.8.8.8:53",
        b"010.8.8.8",
        b"134744072",
        b"8.8.8",
        b"2a00::1",
        b"::ffff:8.8.8.8",
        b"10.0.0.1",
        b"192.0.2.1",
        b"edns0-client-subnet 8.8.8.0/24",
        b"ns1.example.net",
        b"\xe2\x80\x8b8.8.8.8",
        b"8.8.8.8\xff",
        b"<html>8.8.8.8</html>",
        b"ip=8.8.8.8",
    ];
    let mut made = Vec::new();
    for (asked, class) in [("text", IN), ("chaos", CH)] {
        for word in list {
            let what = format!("{asked} {}", word.escape_ascii());
            made.push(said(
                "dns",
                &what,
                "the text is no address that may be published",
                asked,
                text(class, &string(word)),
            ));
        }
        let strings = |list: &[&[u8]]| list.iter().flat_map(|text| string(text)).collect::<Vec<u8>>();
        let both = message(
            GOOD,
            [1, 2, 0, 0],
            &[
                question(NAME, TXT, class),
                record(NAME, TXT, class, &string(b"8.8.8.8")),
                record(NAME, TXT, class, &string(b"9.9.9.9")),
            ],
        );
        let other = if class == IN { CH } else { IN };
        let crossed =
            message(GOOD, [1, 1, 0, 0], &[question(NAME, TXT, class), record(NAME, TXT, other, &string(b"8.8.8.8"))]);
        let without =
            message(0x8000, [1, 1, 0, 0], &[question(NAME, TXT, class), record(NAME, TXT, class, &string(b"8.8.8.8"))]);
        for (what, octets) in [
            ("two texts in a record", text(class, &strings(&[b"8.8.8.8", b"9.9.9.9"]))),
            ("an address in two texts", text(class, &strings(&[b"8.8.", b"8.8"]))),
            ("an address and nothing", text(class, &strings(&[b"8.8.8.8", b""]))),
            ("no text", text(class, &[])),
            ("a text that is shorter than it says", text(class, b"\x098.8.8.8")),
            ("two records", both),
            ("another class", crossed),
            (
                "an address record",
                message(GOOD, [1, 1, 0, 0], &[question(NAME, TXT, class), record(NAME, A, class, &EIGHT)]),
            ),
            ("no authority", without),
        ] {
            made.push(said("dns", &format!("{asked}: {what}"), "it is not one text with one address", asked, octets));
        }
    }
    made
}
