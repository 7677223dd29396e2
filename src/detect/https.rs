//! Servers that say from which address they were asked.

use std::borrow::Cow;
use std::net::IpAddr;

use async_trait::async_trait;
use reqwest::header::{CONNECTION, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use reqwest::{Method, Request, Url};

pub use super::echoes::{ECHOES, Echo};
use super::way::Asked;
use super::{Detector, document, said};
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::net::http::{self, Http, Reply};
use crate::net::via::Via;

/// How an answer says the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// The whole answer is the address, white space around it aside.
    Plain,
    /// A JSON document; the pointer (RFC 6901) leads to a string that is the address: `/ip`.
    Json(Cow<'static, str>),
    /// Lines `key=value`; the value of this key is the address: `ip`.
    Line(Cow<'static, str>),
    /// The value of the only header field of this name is the address: `x-client-ip`. The body does not matter.
    Header(HeaderName),
    /// The address stands between these two texts, at one place only: `Address: ` and `</body>`. The first is not empty.
    Between(Cow<'static, str>, Cow<'static, str>),
}

/// The clients that all echo detectors share: one that uses only IPv4, one that uses only IPv6.
#[derive(Clone)]
pub struct Clients {
    ipv4: Http,
    ipv6: Http,
    via: Via,
}

impl Clients {
    /// Clients that trust the host's certificate authorities.
    #[must_use]
    pub fn new() -> Self {
        Self { ipv4: Http::new(Some(Family::Ipv4)), ipv6: Http::new(Some(Family::Ipv6)), via: Via::default() }
    }

    /// Clients of their own that also trust the certificates in a PEM file.
    #[must_use]
    pub fn trusting(&self, ca: &std::path::Path) -> Self {
        Self { ipv4: self.ipv4.trusting(ca.into()), ipv6: self.ipv6.trusting(ca.into()), via: self.via.clone() }
    }

    /// Clients of their own that go out by this way.
    #[must_use]
    pub fn going(via: &Via) -> Self {
        let Self { ipv4, ipv6, .. } = Self::new();
        Self { ipv4: ipv4.going(via), ipv6: ipv6.going(via), via: via.clone() }
    }

    fn of(&self, family: Family) -> &Http {
        match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6,
        }
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

/// The detector.
pub struct Https {
    clients: Clients,
    ipv4_url: Option<Url>,
    ipv6_url: Option<Url>,
    format: Format,
    private: bool,
}

impl Https {
    /// Asks each family's URL over that family. Addresses of a network of one's own are believed only with `private`, for an
    /// echo within that network.
    ///
    /// # Errors
    /// Where a URL is not https: anybody on the way could answer. Within this machine, at a literal loopback address, http
    /// will do.
    pub fn new(
        clients: Clients,
        ipv4_url: Option<Url>,
        ipv6_url: Option<Url>,
        format: Format,
        private: bool,
    ) -> Result<Self, String> {
        for url in ipv4_url.iter().chain(&ipv6_url) {
            if !is_trustworthy(url) {
                return Err(format!("{}: an address is only asked for over https", http::shown(url)));
            }
        }
        Ok(Self { clients, ipv4_url, ipv6_url, format, private })
    }

    /// The detector of a public service.
    ///
    /// # Errors
    /// As [`Https::new`], and where a URL is none; not for those of [`ECHOES`].
    pub fn echo(clients: Clients, echo: &Echo) -> Result<Self, String> {
        let parse = |url: Option<&str>| url.map(Url::parse).transpose().map_err(|error| error.to_string());
        Self::new(clients, parse(echo.ipv4_url)?, parse(echo.ipv6_url)?, echo.format.clone(), false)
    }

    async fn ask(&self, url: &Url, family: Family) -> Result<IpAddr, String> {
        let mut request = Request::new(Method::GET, url.clone());
        // One question a connection: whatever a server sends behind its answer would be taken for that to the next one.
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let doing = format!("asking {}", http::shown(url));
        let reply =
            self.clients.of(family).send(request, http::ECHO, &doing).await.map_err(|error| error.to_string())?;
        let said = match reply.status {
            200 => read(&self.format, family, &reply).and_then(|address| said::believed(address, self.private)),
            300..=399 => Err("the answer is a redirect, which is not followed".into()),
            status => Err(format!("the answer has status {status}")),
        };
        said.map_err(|why| format!("{doing}: {why}"))
    }
}

/// Whether nobody on the way could answer: over https, or at a literal loopback address. Even `localhost` could be resolved elsewhere.
#[must_use]
pub fn is_trustworthy(url: &Url) -> bool {
    let is_loopback = || http::literal(url).is_some_and(|address| address.is_loopback());
    url.scheme() == "https" || url.scheme() == "http" && is_loopback()
}

#[async_trait]
impl Detector for Https {
    async fn detect(&self, family: Family) -> Reading {
        let url = match family {
            Family::Ipv4 => &self.ipv4_url,
            Family::Ipv6 => &self.ipv6_url,
        };
        let Some(url) = url else { return Reading::Unknown(format!("it is not asked for {family}")) };
        match self.ask(url, family).await {
            Ok(address) => Reading::Addresses(vec![address]),
            Err(why) => Reading::Unknown(why),
        }
    }

    fn asked(&self) -> Option<Asked> {
        let to = self.ipv4_url.iter().chain(&self.ipv6_url).filter_map(http::literal).collect();
        Some(Asked::World { via: self.clients.via.clone(), to })
    }
}

/// The one address that an answer says, in its body or in a header field.
fn read(format: &Format, family: Family, reply: &Reply) -> Result<IpAddr, String> {
    let Format::Header(name) = format else {
        is_clear(&reply.headers)?;
        return read_body(format, family, &reply.body);
    };
    let mut values = reply.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let text =
                std::str::from_utf8(value.as_bytes()).map_err(|_| format!("the header field {name} is no text"))?;
            said::address(text.trim_ascii(), family)
        }
        (None, _) => Err(format!("the answer has no header field {name}")),
        (Some(_), Some(_)) => Err(format!("the answer has more than one header field {name}")),
    }
}

/// Nobody was asked to encode a body, so one that says that it is encoded is not what it seems, even where it looks like an
/// address.
fn is_clear(headers: &HeaderMap) -> Result<(), String> {
    for (name, harmless) in [(CONTENT_ENCODING, "identity"), (TRANSFER_ENCODING, "chunked")] {
        if headers.get_all(&name).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(harmless.as_bytes())) {
            return Err(format!("the answer is encoded ({name}), which was not asked for"));
        }
    }
    Ok(())
}

/// The fuzzer's door: header fields of one name with these values, as far as they can be values.
#[cfg(fuzzing)]
pub fn fuzz_header(values: &[&[u8]], family: Family) -> Result<IpAddr, String> {
    let name = HeaderName::from_static("x-client-ip");
    let fields = values.iter().filter_map(|value| Some((name.clone(), HeaderValue::from_bytes(value).ok()?)));
    read(&Format::Header(name.clone()), family, &Reply::new(200, fields.collect(), Vec::new()))
}

/// The one address that a body says. Whether it may be published is not decided here.
///
/// `b"8.8.8.8\n"` in plain text is `8.8.8.8`; `b"your address is 8.8.8.8"` is an error.
///
/// # Errors
/// Whatever is not exactly one address of the family, in words.
pub fn read_body(format: &Format, family: Family, body: &[u8]) -> Result<IpAddr, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is no text".to_owned())?;
    let word: Cow<'_, str> = match format {
        Format::Plain => text.trim_ascii().into(),
        Format::Json(pointer) => json_string(text, pointer)?.into(),
        Format::Line(key) => line_value(text, key)?.into(),
        Format::Header(name) => return Err(format!("the address is in the header field {name}, not in the body")),
        Format::Between(before, after) => between(text, before, after)?.into(),
    };
    said::address(&word, family)
}

fn json_string(text: &str, pointer: &str) -> Result<String, String> {
    let document = document::read(text).map_err(|why| format!("the answer is not JSON that has one meaning: {why}"))?;
    let found = document.pointer(pointer).and_then(serde_json::Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("the answer has no string at {pointer}"))
}

/// The value of the only line with this key.
fn line_value<'a>(text: &'a str, key: &str) -> Result<&'a str, String> {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.trim_ascii()),
        (None, _) => Err(format!("the answer has no line {key}=")),
        (Some(_), Some(_)) => Err(format!("the answer has more than one line {key}=")),
    }
}

/// The only text of an address's characters, as long as can be, that stands between two texts; the first is not empty.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str, String> {
    let strange = |c: char| !c.is_ascii_hexdigit() && !matches!(c, '.' | ':');
    let mut words = text.match_indices(before).filter_map(|(at, _)| {
        let rest = text.get(at + before.len()..)?;
        let most = rest.find(strange).unwrap_or(rest.len());
        // The text behind may begin with what could belong to an address, such as the full stop of a sentence.
        let end = (1..=most).rev().find(|end| rest.get(*end..).is_some_and(|rest| rest.starts_with(after)))?;
        rest.get(..end)
    });
    match (words.next(), words.next()) {
        (Some(word), None) => Ok(word),
        (None, _) => Err("nothing in the answer fits the pattern".into()),
        (Some(_), Some(_)) => Err("more than one place in the answer fits the pattern".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::PublicAddr;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn plain(body: &[u8]) -> Result<IpAddr, String> {
        read_body(&Format::Plain, Family::Ipv4, body)
    }

    #[test]
    fn the_whole_plain_answer_is_the_address() {
        for body in ["8.8.8.8", "8.8.8.8\n", " 8.8.8.8\r\n", "\t8.8.8.8\n\n"] {
            assert_eq!(plain(body.as_bytes()), Ok("8.8.8.8".parse().unwrap()), "{body:?}");
        }
        let six = read_body(&Format::Plain, Family::Ipv6, b"2a00:1450:4001::200E\n");
        assert_eq!(six, Ok("2a00:1450:4001::200e".parse().unwrap()));
    }

    #[test]
    fn anything_but_one_address_of_the_family_is_refused() {
        let bad: &[&[u8]] = &[
            b"",
            b"\n",
            b"8.8.8.8 8.8.4.4",
            b"8.8.8.8\n8.8.4.4",
            b"8.8.8.8,",
            b"8.8.8.8;8.8.4.4",
            b"\"8.8.8.8\"",
            b"your address is 8.8.8.8",
            b"8.8.8.8/32",
            b"8.8.8.8:443",
            b"8.8.8",
            b"8.8.2056",
            b"134744072",
            b"010.8.8.8",
            b"08.8.8.8",
            b"0x8.8.8.8",
            b"8.8.8.256",
            b"8.8.8.8.8",
            b"+8.8.8.8",
            b"8.8.8.-8",
            b"8. 8.8.8",
            b"::ffff:8.8.8.8",
            b"::8.8.8.8",
            b"2a00::1",
            b"[2a00::1]",
            b"fe80::1%eth0",
            b"\xef\xbb\xbf8.8.8.8",
            b"8.8.8.8\xe2\x80\x8b",
            b"\xc2\xa08.8.8.8",
            b"8.8.8.8\0",
            b"\xff8.8.8.8",
            b"<html>8.8.8.8</html>",
            b"<!DOCTYPE html><body>8.8.8.8",
            b"{\"ip\":\"8.8.8.8\"}",
            "８.８.８.８".as_bytes(),
            "8.8.8.８".as_bytes(),
            b"8.8.8.8\x1b[2J",
            b"localhost",
            b"null",
            b"0",
            b"1",
            b"8.8.8.8 <!-- ok -->",
            b"HTTP/1.1 200 OK\r\n\r\n8.8.8.8",
        ];
        for body in bad {
            assert!(plain(body).is_err(), "{}", body.escape_ascii());
        }
        let bad: &[&[u8]] =
            &[b"8.8.8.8", b"::ffff:8.8.8.8", b"::ffff:808:808", b"fe80::1%2", b"[2a00::1]", b"2a00::1/64", b"2a00:::1"];
        for body in bad {
            assert!(read_body(&Format::Plain, Family::Ipv6, body).is_err(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn a_refusal_says_what_was_wrong_and_obeys_nothing() {
        assert!(plain(b"<html>").unwrap_err().contains("page"));
        assert!(plain(b"2a00::1").unwrap_err().contains("not an IPv4 address"));
        assert!(!plain(b"\x1b[2Jx").unwrap_err().contains('\x1b'));
        assert!(plain(&[b'x'; 4000]).unwrap_err().len() < 200);
    }

    #[test]
    fn json_and_lines_are_read_at_the_named_place_only() {
        let json = Format::Json("/ip".into());
        let read = |body: &str| read_body(&json, Family::Ipv4, body.as_bytes());
        assert!(read(r#"{"ip": "8.8.8.8", "via": "9.9.9.9"}"#).is_ok());
        for bad in [
            r#"{"ip": 8}"#,
            r#"{"ip": "8.8.8.8", "ip": "9.9.9.9"}"#,
            r#"{"ip": ["8.8.8.8"]}"#,
            r#"{"ip": " 8.8.8.8"}"#,
            r#"{"ip":"8.8.8.8"} x"#,
            "8.8.8.8",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let line = Format::Line("ip".into());
        let read = |body: &str| read_body(&line, Family::Ipv4, body.as_bytes());
        assert!(read("fl=1\nip=8.8.8.8\nts=2\n").is_ok());
        for bad in ["ip=8.8.8.8\nip=8.8.4.4\n", "clip=8.8.8.8", "ip=\n", "ip 8.8.8.8", "IP=8.8.8.8"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_fits_one_place_or_the_answer_is_refused() {
        let read = |before: &'static str, after: &'static str, body: &str| {
            read_body(&Format::Between(before.into(), after.into()), Family::Ipv4, body.as_bytes())
        };
        for (before, after, body) in [
            ("Address: ", "</body>", "<html><body>Current IP Address: 8.8.8.8</body></html>"),
            ("is ", ".", "Your address is 8.8.8.8."),
            ("is ", "", "Your address is 8.8.8.8, as it seems"),
            ("\nip=", "\n", "zip=1234\nip=8.8.8.8\n"),
            ("ip: ", "", "ip: nobody knows\nip: 8.8.8.8"),
        ] {
            assert_eq!(read(before, after, body), Ok("8.8.8.8".parse().unwrap()), "{body}");
        }
        for (before, after, body) in [
            ("Address: ", "</body>", "Address: 8.8.8.8</body> Address: 8.8.4.4</body>"),
            ("Address: ", "</body>", "Address: 8.8.8.8 </body>"),
            ("ip=", "\n", "zip=1234\nip=8.8.8.8\n"),
            ("Address: ", "", "Address: 8.8.8.8.9"),
            ("Address: ", "", "Address: 8.8.8.8:443"),
            ("Address: ", "", "Address: "),
            ("Address: ", "", "address: 8.8.8.8"),
            ("Address: ", "", "Address: \u{200b}8.8.8.8"),
            ("Address: ", "", "Address: 2a00::1"),
            ("Address: ", ".", "Address: 8.8.8.8"),
        ] {
            assert!(read(before, after, body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_body_that_says_that_it_is_encoded_is_not_read() {
        let ask = |name: HeaderName, value: &'static str| {
            let reply =
                Reply::new(200, [(name, HeaderValue::from_static(value))].into_iter().collect(), b"8.8.8.8".to_vec());
            read(&Format::Plain, Family::Ipv4, &reply)
        };
        assert!(ask(CONTENT_ENCODING, "identity").is_ok() && ask(TRANSFER_ENCODING, "Chunked").is_ok());
        for value in ["gzip", "br", "identity, gzip", ""] {
            assert!(ask(CONTENT_ENCODING, value).unwrap_err().contains("encoded"), "{value}");
        }
        assert!(ask(TRANSFER_ENCODING, "gzip, chunked").unwrap_err().contains("encoded"));
    }

    #[test]
    fn a_header_field_counts_only_where_it_stands_once() {
        let reply = |fields: &[&'static str]| {
            let name = HeaderName::from_static("x-client-ip");
            let headers = fields.iter().map(|value| (name.clone(), value.parse().unwrap())).collect();
            Reply::new(200, headers, b"9.9.9.9".to_vec())
        };
        let ask = |fields: &[&'static str]| {
            read(&Format::Header(HeaderName::from_static("x-client-ip")), Family::Ipv4, &reply(fields))
        };
        assert_eq!(ask(&["8.8.8.8"]), Ok("8.8.8.8".parse().unwrap()));
        for bad in [&[][..], &["8.8.8.8", "8.8.4.4"], &["8.8.8.8, 10.0.0.1"], &["8.8.8.8;q=1"], &["2a00::1"], &[""]] {
            assert!(ask(bad).is_err(), "{bad:?}");
        }
        assert!(read_body(&Format::Header(HeaderName::from_static("x-client-ip")), Family::Ipv4, b"8.8.8.8").is_err());
    }

    #[test]
    fn the_pool_has_five_operators_and_three_of_them_for_ipv6() {
        let operators = |of: fn(&Echo) -> bool| -> BTreeSet<_> {
            ECHOES.iter().filter(|echo| of(echo)).map(|echo| echo.operator).collect()
        };
        assert!(operators(|echo| echo.ipv4_url.is_some()).len() >= 5);
        assert!(operators(|echo| echo.ipv6_url.is_some()).len() >= 3);
        assert!(ECHOES.is_sorted_by_key(|echo| echo.name));
        let clients = Clients::new();
        assert!(ECHOES.iter().all(|echo| Https::echo(clients.clone(), echo).is_ok()));
    }

    #[test]
    fn an_address_is_not_asked_for_in_the_clear() {
        let new = |url: &str| Https::new(Clients::new(), Some(url.parse().unwrap()), None, Format::Plain, false);
        assert!(new("https://echo.example/").is_ok());
        assert!(new("http://127.0.0.1:8080/").is_ok());
        assert!(new("http://[::1]:8080/").is_ok());
        for bad in ["http://echo.example/", "http://localhost/", "http://127.0.0.1.example/", "ftp://127.0.0.1/"] {
            assert!(new(bad).is_err(), "{bad}");
        }
    }

    fn formats() -> impl Strategy<Value = Format> {
        prop_oneof![
            Just(Format::Plain),
            Just(Format::Json("/ip".into())),
            Just(Format::Line("ip".into())),
            Just(Format::Between(":".into(), "".into())),
            Just(Format::Between("1".into(), ".".into())),
        ]
    }

    /// Octets as they come, and texts that are nearly addresses.
    fn bodies() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<Vec<u8>>(),
            "[ \\n]{0,2}[0-9]{1,3}(\\.[0-9]{1,4}){3}[ \\n.,;x]{0,2}".prop_map(String::into_bytes),
            "[0-9a-f:.%]{2,40}[ \\n]?".prop_map(String::into_bytes),
            any::<IpAddr>().prop_map(|address| format!("{address}\n").into_bytes()),
        ]
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(body in bodies(), format in formats(), six: bool) {
            let _ = read_body(&format, if six { Family::Ipv6 } else { Family::Ipv4 }, &body);
        }

        #[test]
        fn what_is_read_from_plain_text_is_all_that_was_there(body in bodies(), six: bool) {
            let family = if six { Family::Ipv6 } else { Family::Ipv4 };
            if let Ok(address) = read_body(&Format::Plain, family, &body) {
                let text = std::str::from_utf8(&body).unwrap().trim_ascii();
                prop_assert_eq!(Family::of(address), family);
                prop_assert_eq!(text.parse::<IpAddr>(), Ok(address));
                prop_assert!(text.bytes().all(|octet| octet.is_ascii_hexdigit() || octet == b'.' || octet == b':'));
                if address.is_ipv4() {
                    prop_assert_eq!(text, address.to_string());
                }
            }
        }

        #[test]
        fn any_public_address_is_read_back(address: IpAddr) {
            if PublicAddr::new(address).is_ok() {
                let body = format!(" {address}\r\n");
                prop_assert_eq!(read_body(&Format::Plain, Family::of(address), body.as_bytes()), Ok(address));
            }
        }
    }
}
