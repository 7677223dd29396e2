//! Documents, lines and patterned pages that do not say one address in the place for it.

use super::super::corpus::{Asked, Read, Reply};
use super::{HEADER, PAGE, PATTERN, TEXT, V4, answer, json, plain, reply};

pub(super) fn all() -> Vec<Reply> {
    let mut made = Vec::new();
    for (class, read, list) in [
        ("json", json(), &JSON[..]),
        ("json", Read::Json("/client/ip".into()), &NESTED[..]),
        ("json", Read::Json("/0".into()), &LISTS[..]),
        ("json", Read::Json("/a~1b".into()), &ESCAPED[..]),
        ("json", Read::Plain, &ECHOED[..]),
        ("key", Read::Key("ip".into()), &KEYS[..]),
        ("pattern", Read::Pattern(PATTERN.into()), &PATTERNS[..]),
    ] {
        made.extend(list.iter().map(|(body, why)| {
            let fields = match class {
                "json" => "Content-Type: application/json\r\n",
                "key" => TEXT,
                _ => PAGE,
            };
            let what: String = body.chars().take(70).collect::<String>().escape_default().to_string();
            let what = match &read {
                Read::Plain => what + " as text",
                Read::Json(pointer) => format!("{what} at {pointer}"),
                _ => what,
            };
            reply(class, &what, why, Asked::Ipv4, read.clone(), answer("200 OK", fields, body))
        }));
    }
    made.extend(deep());
    made.extend(elsewhere());
    made
}

const TYPE: &str = "the value is no text";
const TWICE: &str = "a key stands twice, and parsers differ in which one counts";
const NOT_JSON: &str = "it is no JSON";
const PLACE: &str = "there is no address at the pointer";
const SPACE: &str = "the text is more than an address";

const JSON: [(&str, &str); 71] = [
    ("{\"ip\":134744072}", TYPE),
    ("{\"ip\":8}", TYPE),
    ("{\"ip\":8.8}", TYPE),
    ("{\"ip\":8.8.8.8}", NOT_JSON),
    ("{\"ip\":true}", TYPE),
    ("{\"ip\":null}", TYPE),
    ("{\"ip\":[]}", TYPE),
    ("{\"ip\":{}}", TYPE),
    ("{\"ip\":[\"8.8.8.8\"]}", TYPE),
    ("{\"ip\":[\"8.8.8.8\",\"9.9.9.9\"]}", TYPE),
    ("{\"ip\":[8,8,8,8]}", TYPE),
    ("{\"ip\":{\"v4\":\"8.8.8.8\"}}", TYPE),
    ("{\"ip\":{\"ip\":\"8.8.8.8\"}}", TYPE),
    ("{\"ip\":\"8.8.8.8\",\"ip\":\"9.9.9.9\"}", TWICE),
    ("{\"ip\":\"9.9.9.9\",\"x\":1,\"ip\":\"8.8.8.8\"}", TWICE),
    ("{\"ip\":\"8.8.8.8\",\"\\u0069p\":\"9.9.9.9\"}", TWICE),
    ("{\"ip\":null,\"ip\":\"8.8.8.8\"}", TWICE),
    ("{\"ip\":\"8.8.8.8\",\"ip\":\"8.8.8.8\"}", TWICE),
    ("{\"IP\":\"8.8.8.8\"}", PLACE),
    ("{\"Ip\":\"8.8.8.8\"}", PLACE),
    ("{\"ip \":\"8.8.8.8\"}", PLACE),
    ("{\" ip\":\"8.8.8.8\"}", PLACE),
    ("{\"ip\\u0000\":\"8.8.8.8\"}", PLACE),
    ("{\"/ip\":\"8.8.8.8\"}", PLACE),
    ("{\"\":\"8.8.8.8\"}", PLACE),
    ("{\"ipv4\":\"8.8.8.8\"}", PLACE),
    ("{\"address\":\"8.8.8.8\"}", PLACE),
    ("{\"data\":{\"ip\":\"8.8.8.8\"}}", PLACE),
    ("{\"error\":\"too many requests from 8.8.8.8\"}", PLACE),
    ("[{\"ip\":\"8.8.8.8\"}]", PLACE),
    ("[\"ip\",\"8.8.8.8\"]", PLACE),
    ("[]", PLACE),
    ("{}", PLACE),
    ("\"8.8.8.8\"", PLACE),
    ("null", PLACE),
    ("{\"ip\":\"\"}", SPACE),
    ("{\"ip\":\" 8.8.8.8\"}", SPACE),
    ("{\"ip\":\"8.8.8.8 \"}", SPACE),
    ("{\"ip\":\"8.8.8.8\\n\"}", SPACE),
    ("{\"ip\":\"8.8.8.8\\u0000\"}", SPACE),
    ("{\"ip\":\"\\u200b8.8.8.8\"}", SPACE),
    ("{\"ip\":\"8.8.8.8\\ufeff\"}", SPACE),
    ("{\"ip\":\"8.8.8.8\\u00a0\"}", SPACE),
    ("{\"ip\":\"\\uff18.8.8.8\"}", SPACE),
    ("{\"ip\":\"8.8.8.8, 9.9.9.9\"}", SPACE),
    ("{\"ip\":\"8.8.8.8/32\"}", SPACE),
    ("{\"ip\":\"8.8.8.8:443\"}", SPACE),
    ("{\"ip\":\"::ffff:8.8.8.8\"}", SPACE),
    ("{\"ip\":\"010.8.8.8\"}", SPACE),
    ("{\"ip\":\"192.168.1.1\"}", "it is private"),
    ("{\"ip\":\"8.8.8.8\"} trailing", NOT_JSON),
    ("{\"ip\":\"8.8.8.8\"}{\"ip\":\"9.9.9.9\"}", NOT_JSON),
    ("{\"ip\":\"8.8.8.8\"}\n{\"ip\":\"9.9.9.9\"}\n", NOT_JSON),
    ("{\"ip\":\"8.8.8.8\"}]", NOT_JSON),
    ("callback({\"ip\":\"8.8.8.8\"});", NOT_JSON),
    (")]}',\n{\"ip\":\"8.8.8.8\"}", NOT_JSON),
    ("for(;;);{\"ip\":\"8.8.8.8\"}", NOT_JSON),
    ("// ok\n{\"ip\":\"8.8.8.8\"}", NOT_JSON),
    ("{/* ok */\"ip\":\"8.8.8.8\"}", NOT_JSON),
    ("{'ip':'8.8.8.8'}", NOT_JSON),
    ("{ip:\"8.8.8.8\"}", NOT_JSON),
    ("{\"ip\":\"8.8.8.8\",}", NOT_JSON),
    ("{\"ip\"=\"8.8.8.8\"}", NOT_JSON),
    ("{\"x\":NaN,\"ip\":\"8.8.8.8\"}", NOT_JSON),
    ("{\"ip\":\"8.8.8.8\"", NOT_JSON),
    ("{\"ip\":\"8.8.8.8", NOT_JSON),
    ("{\"ip\":\"8.8.8.8\",\"x\":\"\\ud800\"}", NOT_JSON),
    ("{\"ip\":\"8.8.8.8\",\"x\":01}", NOT_JSON),
    ("\u{feff}{\"ip\":\"8.8.8.8\"}", NOT_JSON),
    ("8.8.8.8", NOT_JSON),
    ("ip=8.8.8.8", NOT_JSON),
];

const NESTED: [(&str, &str); 8] = [
    ("{\"client\":{\"ip\":\"8.8.8.8\"},\"client\":{\"ip\":\"9.9.9.9\"}}", TWICE),
    ("{\"client\":{\"ip\":\"8.8.8.8\",\"ip\":\"9.9.9.9\"}}", TWICE),
    ("{\"client\":\"8.8.8.8\"}", PLACE),
    ("{\"ip\":\"8.8.8.8\"}", PLACE),
    ("{\"client/ip\":\"8.8.8.8\"}", PLACE),
    ("{\"client.ip\":\"8.8.8.8\"}", PLACE),
    ("{\"client\":[{\"ip\":\"8.8.8.8\"}]}", PLACE),
    ("{\"server\":{\"ip\":\"8.8.8.8\"},\"client\":{}}", PLACE),
];

const LISTS: [(&str, &str); 5] = [
    ("[[\"8.8.8.8\"]]", TYPE),
    ("[]", PLACE),
    ("[null,\"8.8.8.8\"]", TYPE),
    ("{\"0\":{\"0\":\"8.8.8.8\"}}", TYPE),
    ("\"8.8.8.8\"", PLACE),
];

const ESCAPED: [(&str, &str); 3] = [
    ("{\"a~1b\":\"8.8.8.8\"}", PLACE),
    ("{\"a\":{\"b\":\"8.8.8.8\"}}", PLACE),
    ("{\"a/b\":\"8.8.8.8\",\"a/b\":\"9.9.9.9\"}", TWICE),
];

/// What a source of plain text is told by a service that was changed.
const ECHOED: [(&str, &str); 8] = [
    ("{\"ip\":\"8.8.8.8\"}", "it is a document, not an address"),
    ("{\"origin\": \"8.8.8.8, 9.9.9.9\"}\n", "it is a document, not an address"),
    ("\"8.8.8.8\"\n", "it is a document, not an address"),
    ("[\"8.8.8.8\"]", "it is a document, not an address"),
    ("callback({\"ip\":\"8.8.8.8\"})", "it is a script, not an address"),
    ("ip: 8.8.8.8\n", "it is a document, not an address"),
    ("---\n8.8.8.8\n", "it is a document, not an address"),
    ("<?xml version=\"1.0\"?><ip>8.8.8.8</ip>", "it is a document, not an address"),
];

const LINE: &str = "there is no one line with the key and an address";

const KEYS: [(&str, &str); 30] = [
    ("ip=8.8.8.8\nip=9.9.9.9\n", LINE),
    ("ip=8.8.8.8\nip=8.8.8.8\n", LINE),
    ("ip=8.8.8.8\r\nip=9.9.9.9\r\n", LINE),
    ("ip=\nip=8.8.8.8\n", LINE),
    ("ip=\n", LINE),
    ("ip=\n8.8.8.8\n", LINE),
    ("ip\n=8.8.8.8\n", LINE),
    ("ip==8.8.8.8\n", LINE),
    ("ip =8.8.8.8\n", LINE),
    (" ip=8.8.8.8\n", LINE),
    ("IP=8.8.8.8\n", LINE),
    ("Ip=8.8.8.8\n", LINE),
    ("clip=8.8.8.8\n", LINE),
    ("ipv4=8.8.8.8\n", LINE),
    ("ip.v4=8.8.8.8\n", LINE),
    ("#ip=8.8.8.8\n", LINE),
    ("export ip=8.8.8.8\n", LINE),
    ("ip:8.8.8.8\n", LINE),
    ("ip: 8.8.8.8\n", LINE),
    ("ip=\"8.8.8.8\"\n", LINE),
    ("ip='8.8.8.8'\n", LINE),
    ("ip=8.8.8.8,9.9.9.9\n", LINE),
    ("ip=8.8.8.8 # yours\n", LINE),
    ("ip=8.8.8.8;ts=1\n", LINE),
    ("ip=8.8.8.8&ts=1", LINE),
    ("a=b\rip=8.8.8.8\r", LINE),
    ("\u{feff}ip=8.8.8.8\n", LINE),
    ("\0ip=8.8.8.8\n", LINE),
    ("<html>\nip=8.8.8.8</html>\n", LINE),
    ("8.8.8.8\n", LINE),
];

const FITS: &str = "the pattern does not fit at one place, with one address in it";

const PATTERNS: [(&str, &str); 24] = [
    ("Current IP Address: 8.8.8.8</body> Current IP Address: 9.9.9.9</body>", FITS),
    ("Current IP Address: 8.8.8.8</body> Current IP Address: 8.8.8.8</body>", FITS),
    ("<!-- Current IP Address: 8.8.8.8</body> -->Current IP Address: 9.9.9.9</body>", FITS),
    ("Current IP Address:8.8.8.8</body>", FITS),
    ("Current IP Address:  8.8.8.8</body>", FITS),
    ("Current IP Address: 8.8.8.8 </body>", FITS),
    ("Current IP Address: 8.8.8.8\n</body>", FITS),
    ("Current IP Address:\u{a0}8.8.8.8</body>", FITS),
    ("Current IP Address: \u{200b}8.8.8.8</body>", FITS),
    ("Current IP Address: 8.8.8.8", FITS),
    ("Current IP Address: 8.8.8.8</bod", FITS),
    ("Current IP Address: 8.8.8.8</BODY>", FITS),
    ("current ip address: 8.8.8.8</body>", FITS),
    ("Current IP Address: <b>8.8.8.8</b></body>", FITS),
    ("Current IP Address: &#56;.8.8.8</body>", FITS),
    ("Current IP Address: 8.8.8.8, 9.9.9.9</body>", FITS),
    ("Current IP Address: 8.8.8.8:443</body>", FITS),
    ("Current IP Address: 8.8.8.8.</body>", FITS),
    ("Current IP Address: 8.8.8</body>", FITS),
    ("Current IP Address: unknown</body>", FITS),
    ("Current IP Address: </body>", FITS),
    ("Current IP Address: 10.0.0.1</body>", "it is private"),
    ("Current IP Address: 2a00::1</body>", "it is of the other family"),
    ("8.8.8.8</body>", FITS),
];

/// Documents that are nested as deep as can be sent.
fn deep() -> Vec<Reply> {
    let nested = |open: &str, depth: usize, inner: &str, close: &str| open.repeat(depth) + inner + &close.repeat(depth);
    [
        ("lists", nested("[", 2000, "", "]")),
        ("lists that do not end", nested("[", 4000, "", "")),
        ("objects", nested("{\"a\":", 600, "\"8.8.8.8\"", "}")),
        ("objects of the key", nested("{\"ip\":", 500, "\"8.8.8.8\"", "}")),
        ("beside the address", format!("{{\"ip\":\"{V4}\",\"x\":{}}}", nested("[", 1500, "", "]"))),
        ("a thousand keys, the last one twice", {
            let keys: Vec<_> = (0..300).map(|at| format!("\"k{at}\":0")).collect();
            format!("{{{},\"ip\":\"9.9.9.9\",\"ip\":\"{V4}\"}}", keys.join(","))
        }),
        ("a number of a thousand digits", format!("{{\"ip\":{}}}", "8".repeat(1000))),
        ("a text of thousands", format!("{{\"ip\":\"{}\"}}", V4.repeat(500))),
    ]
    .map(|(what, body)| {
        reply("deep", what, "it is deeper or longer than an answer is", Asked::Ipv4, json(), answer("200 OK", "", body))
    })
    .into()
}

/// An address as the whole body, where the source looks elsewhere.
fn elsewhere() -> Vec<Reply> {
    [
        Read::Key("ip".into()),
        Read::Header(HEADER.into()),
        Read::Pattern(PATTERN.into()),
        Read::Json("/client/ip".into()),
    ]
    .into_iter()
    .map(|read| {
        let what = format!("the body alone for {read:?}");
        reply("elsewhere", &what, "the address is not where the source looks", Asked::Ipv4, read, plain(V4))
    })
    .collect()
}
