//! Record sets: the unit of everything that is read and written.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::name::Name;

pub use crate::model::values::{Values, list};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4, published as A.
    Ipv4,
    /// IPv6, published as AAAA.
    Ipv6,
}

impl Family {
    /// Both families, IPv4 first.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }

    /// The record type that publishes addresses of this family.
    #[must_use]
    pub fn record_type(self) -> RecordType {
        match self {
            Self::Ipv4 => RecordType::A,
            Self::Ipv6 => RecordType::Aaaa,
        }
    }

    /// The other family.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Ipv4 => Self::Ipv6,
            Self::Ipv6 => Self::Ipv4,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

macro_rules! record_types {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// A DNS record type, as the services we edit know it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum RecordType {
            $(#[doc = $text] $variant,)+
        }

        impl RecordType {
            /// Every type, in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The type's mnemonic, in upper case.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

record_types! {
    A = "A", Aaaa = "AAAA", Alias = "ALIAS", Caa = "CAA", Cname = "CNAME", Https = "HTTPS", Mx = "MX", Ns = "NS",
    Ptr = "PTR", Soa = "SOA", Spf = "SPF", Srv = "SRV", Sshfp = "SSHFP", Svcb = "SVCB", Tlsa = "TLSA", Txt = "TXT",
}

impl RecordType {
    /// The family whose addresses this type holds, if it holds addresses.
    #[must_use]
    pub fn family(self) -> Option<Family> {
        match self {
            Self::A => Some(Family::Ipv4),
            Self::Aaaa => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// Whether what name servers answer is compared with what is wanted.
    #[must_use]
    pub fn is_compared(self) -> bool {
        matches!(self, Self::A | Self::Aaaa | Self::Txt)
    }

    /// Which word of the value, counted from zero, is another host's name.
    #[must_use]
    pub fn host_at(self) -> Option<usize> {
        match self {
            Self::Alias | Self::Cname | Self::Ns | Self::Ptr => Some(0),
            Self::Mx | Self::Https | Self::Svcb => Some(1),
            Self::Srv => Some(3),
            _ => None,
        }
    }

    /// Whether its values are texts, in strings of at most 255 octets (RFC 1035, section 3.3.14); SPF has the form of TXT.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Spf | Self::Txt)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecordType {
    type Err = String;
    /// Reads a mnemonic in any case.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|rtype| rtype.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("\"{text}\" is not a record type known here"))
    }
}

impl TryFrom<String> for RecordType {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RecordType> for String {
    fn from(rtype: RecordType) -> Self {
        rtype.as_str().into()
    }
}

/// Which record set: one name, one type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RrsetKey {
    /// The name.
    pub name: Name,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: RecordType,
}

impl RrsetKey {
    /// The key of `name` and `rtype`.
    #[must_use]
    pub fn new(name: Name, rtype: RecordType) -> Self {
        Self { name, rtype }
    }
}

impl fmt::Display for RrsetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.rtype)
    }
}

/// One value of a record set. Addresses are compared as addresses: services return them as written (`2001:DB8:0::1`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// Any other data, in presentation form without the quotes of TXT.
    Text(String),
}

impl Value {
    /// Reads a value of a type as a service writes it.
    ///
    /// # Errors
    /// When an A or AAAA record does not hold an address of its family.
    pub fn parse(rtype: RecordType, text: &str) -> Result<Self, String> {
        if rtype.is_text() {
            return Ok(Self::Text(unquote(text)));
        }
        let text = text.trim();
        match rtype {
            RecordType::A => text.parse().map(Self::V4).map_err(|_| format!("\"{text}\" is no IPv4 address")),
            RecordType::Aaaa => text.parse().map(Self::V6).map_err(|_| format!("\"{text}\" is no IPv6 address")),
            _ => Ok(Self::Text(text.to_owned())),
        }
    }

    /// The address, if the value is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::V4(address) => Some((*address).into()),
            Self::V6(address) => Some((*address).into()),
            Self::Text(_) => None,
        }
    }
}

/// The longest character string, in octets (RFC 1035, section 3.3).
const STRING: usize = 255;

/// The text that a person means by a TXT value: as it stands, or in presentation form (RFC 1035, section 5.1), which begins with a
/// quotation mark. Its strings are joined, as whoever reads TXT does (RFC 7208, section 3.3).
///
/// # Errors
/// It begins like presentation form and is none.
pub fn text(typed: &str) -> Result<String, String> {
    if !typed.trim().starts_with('"') {
        return Ok(typed.to_owned());
    }
    let strings = strings(typed.trim())?;
    if let Some(long) = strings.iter().map(Vec::len).find(|length| *length > STRING) {
        return Err(format!("a string between quotation marks has at most {STRING} octets, not {long}"));
    }
    joined(strings)
}

/// A text in presentation form, in strings short enough for every service that counts their quotation marks and backslashes.
#[must_use]
pub fn presented(text: &str) -> String {
    let (mut strings, mut string) = (Vec::new(), String::new());
    for c in text.chars() {
        if string.len() + c.len_utf8() + 1 > 250 {
            strings.push(format!("\"{string}\""));
            string.clear();
        }
        if matches!(c, '"' | '\\') {
            string.push('\\');
        }
        string.push(c);
    }
    strings.push(format!("\"{string}\""));
    strings.join(" ")
}

/// A text as it is shown: in presentation form where its spaces would not be seen, or where it would be taken for that form.
#[must_use]
pub fn shown(rtype: RecordType, text: &str) -> String {
    let clear = !text.is_empty() && text.trim() == text && !text.starts_with('"');
    if clear || !rtype.is_text() { text.to_owned() } else { presented(text) }
}

/// Joins the character strings of a TXT value in presentation form; any other text stays as it is, with its spaces.
fn unquote(text: &str) -> String {
    let whole = text;
    let text = text.trim();
    let quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    let joined = quoted.then(|| strings(text).and_then(joined).ok()).flatten();
    joined.unwrap_or_else(|| whole.to_owned())
}

fn joined(strings: Vec<Vec<u8>>) -> Result<String, String> {
    String::from_utf8(strings.concat()).map_err(|_| "the text is not UTF-8".to_owned())
}

/// The strings between quotation marks: `\"` and `\\` stand for the character, `\010` for the octet of that number.
fn strings(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let (mut strings, mut string) = (Vec::new(), None::<Vec<u8>>);
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, &mut string) {
            (b'"', None) => string = Some(Vec::new()),
            (b'"', Some(_)) => strings.extend(string.take()),
            (b'\\', Some(string)) => {
                let number = rest.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit));
                let number = number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                let (octet, length) = number.map_or((rest.first().copied(), 1), |octet| (Some(octet), 3));
                string.extend(octet);
                rest = rest.get(length..).unwrap_or_default();
            }
            (byte, Some(string)) => string.push(*byte),
            (b' ' | b'\t', None) => {}
            (_, None) => return Err("between strings in quotation marks there are only spaces".into()),
        }
    }
    if string.is_some() {
        Err("a string begins with a quotation mark and does not end with one".into())
    } else {
        Ok(strings)
    }
}

impl From<IpAddr> for Value {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => address.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A time to live in seconds, 0 to 2147483647 (RFC 2181, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Ttl(u32);

impl Ttl {
    /// The longest time to live.
    pub const MAX: u32 = 0x7fff_ffff;

    /// The time to live of `seconds`, if it is within bounds.
    #[must_use]
    pub const fn new(seconds: u32) -> Option<Self> {
        if seconds <= Self::MAX { Some(Self(seconds)) } else { None }
    }

    /// The seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Ttl {
    type Error = String;
    fn try_from(seconds: u32) -> Result<Self, String> {
        Self::new(seconds).ok_or_else(|| format!("a TTL is at most {} seconds", Self::MAX))
    }
}

impl From<Ttl> for u32 {
    fn from(ttl: Ttl) -> Self {
        ttl.0
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_equal_however_they_are_written() {
        let written = Value::parse(RecordType::Aaaa, "2001:DB8:0:0::1").unwrap();
        assert_eq!(written, Value::parse(RecordType::Aaaa, "2001:db8::1").unwrap());
        assert_eq!(written.to_string(), "2001:db8::1");
    }

    #[test]
    fn an_address_of_the_other_family_is_no_value() {
        assert!(Value::parse(RecordType::A, "2001:db8::1").is_err());
        assert!(Value::parse(RecordType::Aaaa, "192.0.2.1").is_err());
        assert!(Value::parse(RecordType::A, "192.0.2.01").is_err());
    }

    #[test]
    fn txt_is_the_same_with_and_without_quotes() {
        for written in ["\"v=spf1 -all\"", "v=spf1 -all", "\"v=spf1 \" \"-all\""] {
            assert_eq!(Value::parse(RecordType::Txt, written).unwrap().to_string(), "v=spf1 -all");
        }
        assert_eq!(Value::parse(RecordType::Txt, r#""a \"b\" c""#).unwrap().to_string(), r#"a "b" c"#);
    }

    #[test]
    fn what_is_typed_for_txt_is_one_text_in_either_form() {
        for (typed, expected) in [
            ("v=spf1 -all", "v=spf1 -all"),
            (r#"say "a""#, r#"say "a""#),
            (r#""v=spf1 " "-all""#, "v=spf1 -all"),
            (r#""a""b""#, "ab"),
            (r#""\"a\" \\ \195\164\010""#, "\"a\" \\ ä\n"),
            (r#""""#, ""),
        ] {
            assert_eq!(text(typed).as_deref(), Ok(expected), "{typed}");
            assert_eq!(unquote(&presented(expected)), expected);
        }
        let long = format!("\"{}\"", "x".repeat(256));
        for (typed, says) in [
            ("\"open", "does not end"),
            (r#""a" b "c""#, "only spaces"),
            (r#""a\""#, "does not end"),
            (r#""\255""#, "not UTF-8"),
            (&long, "at most 255 octets, not 256"),
        ] {
            assert!(text(typed).unwrap_err().contains(says), "{typed}");
        }
        assert_eq!(unquote(&long).len(), 256, "what a service shows is read all the same");
    }

    #[test]
    fn spaces_around_a_text_belong_to_it_and_are_seen() {
        for typed in ["\" a \"", "  \" a \"", " a "] {
            assert_eq!(text(typed).as_deref(), Ok(" a "));
            assert_eq!(Value::parse(RecordType::Txt, typed).unwrap().to_string(), " a ");
        }
        for (of, expected) in [(" a ", "\" a \""), ("a b", "a b"), ("\"a\"", r#""\"a\"""#), ("", "\"\"")] {
            assert_eq!(shown(RecordType::Txt, of), expected);
        }
        assert_eq!(shown(RecordType::Caa, "\"a\""), "\"a\"");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_the_same_after_its_presentation_in_strings_that_are_short_enough(some in "\\PC{0,700}") {
            let presented = presented(&some);
            proptest::prop_assert_eq!(unquote(&presented), some);
            proptest::prop_assert!(strings(&presented).unwrap().iter().all(|string| string.len() <= STRING));
        }
    }

    #[test]
    fn record_types_are_read_in_any_case() {
        for rtype in RecordType::ALL {
            assert_eq!(rtype.as_str().to_lowercase().parse::<RecordType>().unwrap(), *rtype);
        }
        assert!("AX".parse::<RecordType>().is_err());
    }
}
