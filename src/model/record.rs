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
        let text = text.trim();
        match rtype {
            RecordType::A => text.parse().map(Self::V4).map_err(|_| format!("\"{text}\" is no IPv4 address")),
            RecordType::Aaaa => text.parse().map(Self::V6).map_err(|_| format!("\"{text}\" is no IPv6 address")),
            RecordType::Txt | RecordType::Spf => Ok(Self::Text(unquote(text))),
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

/// Joins the character strings of a TXT value in presentation form; text without quotes stays as it is.
fn unquote(text: &str) -> String {
    if !(text.len() >= 2 && text.starts_with('"') && text.ends_with('"')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => inside = !inside,
            '\\' if inside => out.extend(chars.next()),
            _ if inside => out.push(c),
            _ => {}
        }
    }
    out
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
    fn record_types_are_read_in_any_case() {
        for rtype in RecordType::ALL {
            assert_eq!(rtype.as_str().to_lowercase().parse::<RecordType>().unwrap(), *rtype);
        }
        assert!("AX".parse::<RecordType>().is_err());
    }
}
