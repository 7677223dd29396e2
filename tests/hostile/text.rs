//! What stands around, between and instead of the characters of an address; several addresses; those of the other family.

use super::super::corpus::{Asked, Read, Reply};
use super::{OTHER_V4, OTHER_V6, V4, V6, Word, answer, every, one, plain, reply, said};

pub(super) fn all() -> Vec<Reply> {
    [
        said("invisible", Asked::Ipv4, INVISIBLE.iter().flat_map(|sign| around(V4, *sign))),
        said("invisible", Asked::Ipv6, INVISIBLE.iter().flat_map(|sign| around(V6, *sign)).step_by(3)),
        said("digits", Asked::Ipv4, digits()),
        said("octets", Asked::Ipv4, octets(V4)),
        said("octets", Asked::Ipv6, octets(V6).into_iter().step_by(4)),
        encodings(),
        said("several", Asked::Ipv4, several(V4, OTHER_V4)),
        said("several", Asked::Ipv6, several(V6, OTHER_V6)),
        said(
            "several",
            Asked::Ipv4,
            several(V4, V6).into_iter().step_by(3).chain(several(V4, V4).into_iter().step_by(4)),
        ),
        family(),
        nothing(),
    ]
    .concat()
}

/// What is not seen: spaces that are not ASCII's, marks of width nought, marks of direction, a byte order mark.
const INVISIBLE: [char; 29] = [
    '\u{85}',
    '\u{a0}',
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{1680}',
    '\u{180e}',
    '\u{2003}',
    '\u{2007}',
    '\u{2009}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202a}',
    '\u{202e}',
    '\u{202f}',
    '\u{205f}',
    '\u{2060}',
    '\u{2066}',
    '\u{2069}',
    '\u{3000}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{fffd}',
    '\u{e0001}',
];

/// A sign before, within and behind an address.
fn around(address: &str, sign: char) -> [Word; 3] {
    let name = format!("U+{:04X}", u32::from(sign));
    let (start, end) = address.split_at(3);
    [
        ("before", format!("{sign}{address}")),
        ("within", format!("{start}{sign}{end}")),
        ("behind", format!("{address}{sign}")),
    ]
    .map(|(place, text)| {
        Word::named(
            format!("{address} with {name} {place}"),
            text,
            "a character that is not seen stands at the address",
        )
    })
}

/// Digits and full stops of other scripts.
fn digits() -> Vec<Word> {
    let shifted = |zero: u32| {
        let digit = char::from_u32(zero + 8).unwrap_or('?');
        format!("{digit}.{digit}.{digit}.{digit}")
    };
    let scripts = [0x660, 0x6f0, 0x966, 0xe50, 0xff10, 0x2080, 0x1d7ce]
        .map(|zero| Word::named(format!("digits from U+{zero:04X}"), shifted(zero), "digits of another script"));
    let stops = ['\u{3002}', '\u{ff0e}', '\u{ff61}', '\u{2024}', '\u{b7}', '\u{6d4}'].map(|stop| {
        let text = ["8"; 4].join(&stop.to_string());
        Word::named(format!("stops U+{:04X}", u32::from(stop)), text, "full stops of another script")
    });
    let lone = Word::named("the last digit U+FF18", "8.8.8.\u{ff18}", "a digit of another script");
    scripts.into_iter().chain(stops).chain([lone]).collect()
}

/// Control characters and what is no UTF-8, before, within and behind an address.
fn octets(address: &str) -> Vec<Word> {
    let controls = (0..0x20).chain([0x7f]).filter(|octet: &u8| !octet.is_ascii_whitespace() && *octet != 0x0b);
    let alone = controls.map(|octet| vec![octet]).chain([vec![0x0b]]);
    let broken = [
        &[0x80][..],
        &[0xa0],
        &[0xc0, 0x80],
        &[0xc3],
        &[0xe2, 0x80],
        &[0xed, 0xa0, 0x80],
        &[0xf5, 0x80, 0x80, 0x80],
        &[0xfe],
        &[0xff],
    ];
    let (start, end) = address.split_at(3);
    let mut words = Vec::new();
    for (at, strange) in alone.chain(broken.map(<[u8]>::to_vec)).enumerate() {
        let name = data_encoding::HEXLOWER.encode(&strange);
        let places = [
            ("before", [&strange[..], address.as_bytes()].concat()),
            ("within", [start.as_bytes(), &strange, end.as_bytes()].concat()),
            ("behind", [address.as_bytes(), &strange].concat()),
        ];
        // One of the three, in turn, keeps the list short; NUL and the first that is no UTF-8 have all.
        let all = matches!(strange.as_slice(), [0 | 0x80]);
        let chosen = places.into_iter().enumerate().filter(|(place, _)| all || *place == at % 3);
        words.extend(chosen.map(|(_, (place, octets))| {
            Word::named(
                format!("{address} with {name} {place}"),
                octets,
                "an octet that no text has stands at the address",
            )
        }));
    }
    for (name, white) in [("tab", "\t"), ("line feed", "\n"), ("form feed", "\x0c"), ("return", "\r"), ("space", " ")] {
        let text = format!("{start}{white}{end}");
        words.push(Word::named(
            format!("{address} with a {name} within"),
            text,
            "white space stands within the address",
        ));
    }
    for (name, text) in [
        ("a screen cleared", "\x1b[2J"),
        ("a colour", "\x1b[31m"),
        ("a title", "\x1b]0;x\x07"),
        ("backspaces", "9\x08"),
    ] {
        words.push(Word::named(
            format!("{address} with {name}"),
            format!("{text}{address}"),
            "a terminal would obey it",
        ));
    }
    words
}

/// The address in other encodings than UTF-8's.
fn encodings() -> Vec<Reply> {
    let big: Vec<u8> = V4.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let little: Vec<u8> = V4.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide: Vec<u8> = V4.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let ebcdic: Vec<u8> = V4.bytes().map(|octet| if octet == b'.' { 0x4b } else { 0xf8 }).collect();
    let made = [
        ("UTF-16BE", big.clone()),
        ("UTF-16BE with a mark", [&[0xfe, 0xff][..], &big].concat()),
        ("UTF-16LE", little.clone()),
        ("UTF-16LE with a mark", [&[0xff, 0xfe][..], &little].concat()),
        ("UTF-32BE", wide),
        ("UTF-7", b"+ADg.8.8.8-".to_vec()),
        ("EBCDIC", ebcdic),
        ("base64", b"OC44LjguOA==".to_vec()),
        ("hexadecimal", b"382e382e382e38".to_vec()),
        ("percent", b"8%2E8%2E8%2E8".to_vec()),
        ("quoted-printable", b"8=2E8=2E8=2E8".to_vec()),
        ("entities", b"&#56;.8.8.8".to_vec()),
        ("escapes", b"\\u0038.8.8.8".to_vec()),
        ("four octets", vec![8, 8, 8, 8]),
        ("sixteen octets", vec![0x2a; 16]),
    ];
    made.map(|(what, octets)| {
        let why = "the address is in another encoding";
        reply("encodings", what, why, Asked::Ipv4, Read::Plain, answer("200 OK", super::TEXT, octets))
    })
    .into()
}

/// Two addresses and what can stand between them.
fn several(one: &str, other: &str) -> Vec<Word> {
    [
        " ", "  ", "\t", "\n", "\r\n", "\r", "\n\n", "\x0b", "\x0c", "\0", ",", ", ", ";", "; ", "|", "/", "\\", "-",
        " - ", "+", "&", "=", " and ", " or ", " -> ", "<br>", "\u{2028}", "\u{a0}", "\u{200b}", "\u{3001}", "",
    ]
    .map(|between| {
        Word::named(
            format!("{one}{between}{other}").escape_default().to_string(),
            format!("{one}{between}{other}"),
            "there is more than one address",
        )
    })
    .into()
}

/// An address of the family that was not asked for, in every place.
fn family() -> Vec<Reply> {
    let six =
        ["2a00:1450:4001::200e", "2620:fe::fe", "2A00:1450:4001::200E", "2a00::8.8.8.8", "2606:4700:0:0:0:0:0:1111"];
    let four = ["8.8.8.8", "9.9.9.9", "1.1.1.1", "193.0.14.129", "223.255.255.254"];
    let mut made = Vec::new();
    for (asked, addresses) in [(Asked::Ipv4, six), (Asked::Ipv6, four)] {
        for address in addresses {
            let word = Word::new(address, "it is an address of the family that was not asked for");
            made.extend(every().into_iter().map(|read| one("family", &word, asked, read)));
        }
    }
    made
}

/// Answers without anything in them.
fn nothing() -> Vec<Reply> {
    let bodies = [
        "",
        " ",
        "\n",
        "\r\n\r\n",
        "\t",
        "-",
        "0",
        "1",
        "none",
        "null",
        "nil",
        "undefined",
        "unknown",
        "localhost",
        "n/a",
        "error",
        "OK",
        "NaN",
        "true",
        "{}",
    ];
    let made = |family| {
        bodies.map(|body| {
            let what = format!("{} for {family:?}", body.escape_default());
            reply("nothing", &what, "there is no address in it", family, Read::Plain, plain(body))
        })
    };
    [made(Asked::Ipv4), made(Asked::Ipv6)].concat()
}
