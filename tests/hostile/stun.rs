//! Answers of STUN servers (RFC 8489).

use super::super::corpus::Said;
use super::{of_another, said};

const SUCCESS: u16 = 0x0101;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const MAPPED: u16 = 0x0001;
const XOR_MAPPED: u16 = 0x0020;
const SOFTWARE: u16 = 0x8022;
const FINGERPRINT: u16 = 0x8028;
const INTEGRITY: u16 = 0x0008;

/// An attribute, padded.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value, &padding].concat()
}

/// XOR-MAPPED-ADDRESS of an IPv4 address.
fn xored(address: [u8; 4]) -> Vec<u8> {
    let mixed: Vec<u8> = address.iter().zip(COOKIE).map(|(octet, cookie)| octet ^ cookie).collect();
    attribute(XOR_MAPPED, &[&[0, 1, 0x11, 0x22][..], &mixed].concat())
}

fn mapped(address: [u8; 4]) -> Vec<u8> {
    attribute(MAPPED, &[&[0, 1, 0x30, 0x39][..], &address].concat())
}

fn eight() -> Vec<u8> {
    xored([8, 8, 8, 8])
}

/// A message whose transaction the server fills in.
fn message(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let body = attributes.concat();
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &COOKIE, &[0; 12], &body].concat()
}

pub(super) fn all() -> Vec<Said> {
    [messages(), attributes(), special(), octets()].concat()
}

pub(super) fn honest() -> Vec<Said> {
    let good = [message(SUCCESS, &[eight()]), message(SUCCESS, &[mapped([8, 8, 8, 8])])];
    good.map(|octets| said("stun", "good", "it is the address", "udp", octets)).into()
}

/// Messages of another kind that hold an address.
fn messages() -> Vec<Said> {
    let mut made: Vec<_> = [0x0001, 0x0011, 0x0102, 0x0103, 0x0003, 0x0113, 0x0111, 0x4101, 0x8101, 0xc101, 0x0000]
        .map(|kind| {
            said(
                "stun",
                &format!("kind {kind:#06x}"),
                "it is no success of a binding request",
                "udp",
                message(kind, &[eight()]),
            )
        })
        .into();
    for code in [300_u16, 400, 401, 420, 438, 500] {
        let error = [&[0, 0, (code / 100) as u8, (code % 100) as u8][..], b"8.8.8.8"].concat();
        let octets = message(0x0111, &[attribute(0x0009, &error), eight()]);
        made.push(said("stun", &format!("error {code}"), "it is a refusal", "udp", octets));
    }
    let good = message(SUCCESS, &[eight()]);
    made.push(of_another(said("stun", "another transaction", "it answers another request", "udp", good)));
    made
}

/// Attributes that are not the one that counts.
fn attributes() -> Vec<Said> {
    let six = attribute(XOR_MAPPED, &[&[0, 2, 0, 0][..], &[0x2a; 16]].concat());
    let of_family = |family: u8| attribute(XOR_MAPPED, &[0, family, 0, 0, 1, 2, 3, 4]);
    let text = |text: &[u8]| attribute(XOR_MAPPED, text);
    let print = |octets: [u8; 4]| attribute(FINGERPRINT, &octets);
    let list = [
        ("no attribute", vec![]),
        ("a name alone", vec![attribute(SOFTWARE, b"8.8.8.8")]),
        ("two addresses", vec![eight(), xored([9, 9, 9, 9])]),
        ("one address twice", vec![eight(), eight()]),
        ("an IPv6 address", vec![six.clone()]),
        ("both families", vec![eight(), six]),
        ("family 0", vec![of_family(0)]),
        ("family 3", vec![of_family(3)]),
        ("family 255", vec![of_family(255)]),
        ("an empty address", vec![text(b"")]),
        ("a family alone", vec![text(&[0, 1, 0, 0])]),
        ("three octets", vec![text(&[0, 1, 0, 0, 1, 2, 3])]),
        ("five octets", vec![text(&[0, 1, 0, 0, 1, 2, 3, 4, 5])]),
        ("an IPv4 address that is said to be IPv6", vec![text(&[0, 2, 0, 0, 1, 2, 3, 4])]),
        ("the address as a text", vec![text(b"8.8.8.8")]),
        ("an address that routers rewrite", vec![mapped([8, 8, 8, 8]), attribute(SOFTWARE, b"new")]),
        ("a private address that routers rewrite", vec![mapped([192, 168, 1, 2])]),
        ("an attribute that has to be understood", vec![attribute(0x7000, b""), eight()]),
        ("another one that has to be", vec![eight(), attribute(0x0003, &[0; 4])]),
        ("a wrong fingerprint", vec![eight(), print([1, 2, 3, 4])]),
        ("a fingerprint of noughts", vec![eight(), print([0; 4])]),
        ("a short fingerprint", vec![eight(), attribute(FINGERPRINT, &[0])]),
        ("an address behind the seal", vec![attribute(INTEGRITY, &[0; 20]), eight()]),
        (
            "an address elsewhere",
            vec![attribute(0x802b, &[0, 1, 0, 0, 8, 8, 8, 8]), attribute(0x8023, &[0, 1, 0, 0, 8, 8, 8, 8])],
        ),
    ];
    list.into_iter()
        .map(|(what, attributes)| {
            said(
                "stun",
                what,
                "it has not exactly one address, sealed against rewriting",
                "udp",
                message(SUCCESS, &attributes),
            )
        })
        .collect()
}

/// Addresses that are nobody's of the internet.
fn special() -> Vec<Said> {
    [
        [0, 0, 0, 0],
        [10, 0, 0, 1],
        [100, 64, 0, 1],
        [127, 0, 0, 1],
        [169, 254, 1, 1],
        [172, 16, 0, 1],
        [192, 0, 2, 1],
        [192, 168, 1, 1],
        [198, 18, 0, 1],
        [203, 0, 113, 1],
        [224, 0, 0, 1],
        [255, 255, 255, 255],
    ]
    .map(|address| {
        let what = std::net::Ipv4Addr::from(address).to_string();
        said("stun", &what, "nobody's address in the internet", "udp", message(SUCCESS, &[xored(address)]))
    })
    .into()
}

/// Octets that are no message.
fn octets() -> Vec<Said> {
    let good = message(SUCCESS, &[eight()]);
    let mut made: Vec<_> = [0, 1, 4, 8, 19, 20, 21, 24, 31]
        .iter()
        .map(|length| {
            said(
                "stun",
                &format!("the first {length} octets"),
                "it is cut off",
                "udp",
                good.get(..*length).unwrap_or_default(),
            )
        })
        .collect();
    let with = |at: usize, octet: u8| {
        let mut octets = good.clone();
        octets[at] = octet;
        octets
    };
    let list: Vec<(&str, Vec<u8>)> = vec![
        ("another cookie", with(4, 0)),
        ("no cookie, as of RFC 3489", [&good[..4], &[0; 4], &good[8..]].concat()),
        ("a length that is too small", with(3, 8)),
        ("a length that is too large", with(3, 16)),
        ("a length that is no multiple of four", with(3, 11)),
        ("a length of nought", with(3, 0)),
        ("an attribute that is longer than the message", with(23, 200)),
        ("octets behind", [&good[..], &[0; 4]].concat()),
        ("five thousand octets", message(SUCCESS, &[eight(), attribute(SOFTWARE, &[b'x'; 5000])])),
        ("noughts", vec![0; 32]),
        ("high octets", vec![0xff; 32]),
        ("HTTP", b"HTTP/1.1 200 OK\r\n\r\n8.8.8.8".to_vec()),
        ("the address", b"8.8.8.8".to_vec()),
    ];
    // Where they are long enough, the transaction is put in.
    made.extend(list.into_iter().map(|(what, octets)| said("stun", what, "it is no message", "udp", octets)));
    made
}
