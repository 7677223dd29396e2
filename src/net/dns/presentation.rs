//! Whether a text is what a record of a type holds, in the form of zone files: told before a service refuses it.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hickory_proto::rr::{RData, RecordType as WireType};

use crate::model::name::Name;
use crate::model::record::{RecordType, Value};

/// The longest data of a record, in octets (RFC 1035, section 3.2.1); a TXT record needs one more for each 255 of them.
const LONGEST: usize = 65_535 - 256;

/// Whether `text` is the data of a record of this type.
///
/// # Errors
/// What is wrong with it.
pub fn check(rtype: RecordType, text: &str) -> Result<(), String> {
    let wire = match rtype {
        RecordType::A | RecordType::Aaaa => return Value::parse(rtype, text).map(drop),
        RecordType::Txt | RecordType::Spf => return texts(text),
        // Not a type of DNS but of services: a name.
        RecordType::Alias | RecordType::Cname | RecordType::Ns | RecordType::Ptr => return host(text),
        RecordType::Caa => WireType::CAA,
        RecordType::Https => WireType::HTTPS,
        RecordType::Mx => WireType::MX,
        RecordType::Soa => WireType::SOA,
        RecordType::Srv => WireType::SRV,
        RecordType::Sshfp => WireType::SSHFP,
        RecordType::Svcb => WireType::SVCB,
        RecordType::Tlsa => WireType::TLSA,
    };
    let wrong = |why: String| format!("that is no {rtype} record: {why}");
    if text.contains('\\') || !text.matches('"').count().is_multiple_of(2) {
        return Err(wrong("a backslash, or a quotation mark without another, has no place in it".into()));
    }
    if matches!(rtype, RecordType::Https | RecordType::Svcb) {
        keys_once(text).map_err(wrong)?;
    }
    if let Some(name) = rtype.host_at().and_then(|at| text.split_whitespace().nth(at)).filter(|name| *name != ".") {
        host(name).map_err(wrong)?;
    }
    RData::try_from_str(wire, text).map(drop).map_err(|error| wrong(error.to_string()))
}

fn host(text: &str) -> Result<(), String> {
    Name::parse(text).map(drop).map_err(|why| format!("\"{}\" is no host's name: {why}", text.escape_debug()))
}

/// A key has one value (RFC 9460, section 2.1).
fn keys_once(text: &str) -> Result<(), String> {
    let mut known = Vec::new();
    for word in text.split_whitespace().skip(2) {
        let key = word.split('=').next().unwrap_or(word);
        if known.contains(&key) {
            return Err(format!("{key} stands there twice"));
        }
        known.push(key);
    }
    Ok(())
}

fn texts(text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("a TXT record has at most {LONGEST} octets"));
    }
    let mut words = text.split(' ');
    let is_policy = words.next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"));
    if is_policy { words.filter(|word| !word.is_empty()).try_for_each(term) } else { Ok(()) }
}

/// A term of a policy (RFC 7208, section 12): a mechanism or a modifier. What domains it names, and macros in them, is not looked at.
fn term(term: &str) -> Result<(), String> {
    let bare = term.strip_prefix(['+', '-', '?', '~']).unwrap_or(term);
    let end = bare.find([':', '/', '=']).unwrap_or(bare.len());
    let (name, rest) = bare.split_at(end);
    let wrong = |what: &str| Err(format!("\"{term}\" is no term of an SPF policy: {what}"));
    let named = rest.strip_prefix(':').is_some_and(|domain| !domain.is_empty());
    match name.to_ascii_lowercase().as_str() {
        "ip4" if !is_network::<Ipv4Addr>(rest, 32) => wrong("ip4: is followed by an IPv4 address or network"),
        "ip6" if !is_network::<Ipv6Addr>(rest, 128) => wrong("ip6: is followed by an IPv6 address or network"),
        "all" if !rest.is_empty() => wrong("nothing follows \"all\""),
        "include" | "exists" if !named => wrong("a domain is missing after the colon"),
        "a" | "all" | "exists" | "include" | "ip4" | "ip6" | "mx" | "ptr" => Ok(()),
        "" => wrong("its name is missing"),
        _ if rest.starts_with('=') && rest.len() > 1 => Ok(()),
        _ => wrong("there is no such mechanism"),
    }
}

/// `:ADDRESS` or `:ADDRESS/BITS`.
fn is_network<A: FromStr>(text: &str, most: u8) -> bool {
    let Some(text) = text.strip_prefix(':') else { return false };
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    address.parse::<A>().is_ok() && bits.is_none_or(|bits| bits.parse().is_ok_and(|bits: u8| bits <= most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_right_is_taken() {
        for (rtype, text) in [
            (RecordType::Txt, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::/64 -all"),
            (
                RecordType::Txt,
                "V=SPF1 +mx a:mail.example.org/24 include:_spf.example.net ?exists:%{i}.example redirect=x.example",
            ),
            (RecordType::Txt, "v=spf1"),
            (RecordType::Txt, "anything (at all); \"even\" this"),
            (RecordType::Https, "1 . alpn=h3,h2 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1"),
            (RecordType::Svcb, "0 web.example.org."),
            (RecordType::Caa, "0 issue \"ca.example.net\""),
            (RecordType::Mx, "10 mail.example.org."),
            (RecordType::Srv, "0 5 5060 sip.example.org."),
            (RecordType::Cname, "ip-192.0.2.1.example.net"),
        ] {
            assert_eq!(check(rtype, text), Ok(()), "{rtype} {text}");
        }
    }

    #[test]
    fn what_is_wrong_says_why() {
        for (rtype, text, says) in [
            (RecordType::Txt, "v=spf1 ip4:2001:db8::1 -all", "ip4: is followed by an IPv4 address"),
            (RecordType::Txt, "v=spf1 ip6:2001:db8::/129 -all", "ip6: is followed by an IPv6 address"),
            (RecordType::Txt, "v=spf1 ipv4:192.0.2.1", "there is no such mechanism"),
            (RecordType::Txt, "v=spf1 ip4 -all", "ip4: is followed by"),
            (RecordType::Txt, "v=spf1 include: -all", "a domain is missing"),
            (RecordType::Txt, "v=spf1 -all:x", "nothing follows"),
            (RecordType::Https, "1 . ipv4hint=2001:db8::1", "that is no HTTPS record"),
            (RecordType::Https, "1 . ipv4hint=192.0.2.1 ipv4hint=192.0.2.2", "ipv4hint stands there twice"),
            (RecordType::Https, ". ipv4hint=192.0.2.1", "that is no HTTPS record"),
            (RecordType::Https, "1 . alpn=\\\"", "a backslash"),
            (RecordType::Svcb, "1 . key65000=\"", "a quotation mark"),
            (RecordType::Mx, "192.0.2.1 10", "that is no MX record"),
            (RecordType::Srv, "0 5 5060", "that is no SRV record"),
            (RecordType::Caa, "x issue \"ca\"", "that is no CAA record"),
            (RecordType::Cname, "a b", "is no host's name"),
            (RecordType::A, "2001:db8::1", "is no IPv4 address"),
        ] {
            let why = check(rtype, text).unwrap_err();
            assert!(why.contains(says), "{rtype} {text}: {why}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|[a-z0-9=\", .:;()\\\\]{0,60}", at in 0usize..16) {
            let _ = check(RecordType::ALL[at % RecordType::ALL.len()], &text);
        }
    }
}
