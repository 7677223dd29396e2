//! Lists of addresses as files and commands give them: one a line.

use std::net::IpAddr;

use crate::model::address::allowed;
use crate::model::agree::Reading;
use crate::model::prefix::Prefix;
use crate::model::record::Family;

/// What a list may hold beside addresses that can be published.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// Lines that start with `#`.
    pub comments: bool,
    /// Addresses of a network of one's own.
    pub private: bool,
    /// IPv6 prefixes of at most so many bits; each is told by its first address.
    pub prefix: Option<u8>,
}

/// Reads a list: an address a line, nothing else but empty lines and what the form allows.
///
/// `"8.8.8.8\n2a00::1\n"` is two addresses, `"8.8.8.8 eth0\n"` is an error.
///
/// # Errors
/// Which line is no address, or one that may not be published.
pub fn parse(octets: &[u8], form: Form) -> Result<Vec<IpAddr>, String> {
    let text = std::str::from_utf8(octets).map_err(|_| "it is no text".to_owned())?;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || form.comments && line.starts_with('#') {
            continue;
        }
        let address = address(line, form.prefix).map_err(|why| format!("line {} {why}", at + 1))?;
        let address = allowed(address, form.private).map_err(|why| format!("line {}: {why}: not believed", at + 1))?;
        if !found.contains(&address) {
            found.push(address);
        }
    }
    Ok(found)
}

/// An address, or the first one of a prefix where there may be prefixes.
fn address(line: &str, most: Option<u8>) -> Result<IpAddr, String> {
    let prefix = || most.and_then(|most| Some((most, line.parse::<Prefix>().ok()?)));
    match (line.parse(), prefix()) {
        (Ok(address), _) => Ok(address),
        // What stands behind fewer bits would write over the rest of it.
        (_, Some((most, prefix))) if prefix.length() > most => {
            Err(format!("is a prefix that leaves less than is needed behind its first {most} bits"))
        }
        (_, Some((_, prefix))) => Ok(prefix.first().into()),
        (_, None) => Err("is not an address".into()),
    }
}

/// The addresses of one family. That there is none of it is no certainty: the list may be about the other one.
pub fn of_family(mut found: Vec<IpAddr>, family: Family, source: &str) -> Reading {
    found.retain(|address| Family::of(*address) == family);
    if found.is_empty() {
        Reading::Unknown(format!("there is no {family} address in {source}"))
    } else {
        Reading::Addresses(found)
    }
}

/// The fuzzer's door: a list of any content; what of it may be published.
#[cfg(fuzzing)]
pub fn fuzz(octets: &[u8]) -> Vec<IpAddr> {
    for comments in [false, true] {
        for prefix in [None, Some(64), Some(128)] {
            let _ = parse(octets, Form { comments, private: true, prefix });
        }
    }
    parse(octets, Form { comments: true, ..Form::default() }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_an_address_or_the_list_is_refused() {
        let read = |text: &str| parse(text.as_bytes(), Form::default()).map(|found| found.len());
        assert_eq!(read("8.8.8.8\r\n\n 2a00::1 \n8.8.8.8\n"), Ok(2));
        for bad in
            ["8.8.8.8 2a00::1", "# 8.8.8.8", "8.8.8.8/24", "8.8.8.8:80", "fe80::1%eth0", "010.8.8.8", "\u{feff}8.8.8.8"]
        {
            assert_eq!(read(bad), Err("line 1 is not an address".into()), "{bad}");
        }
        assert_eq!(read("8.8.8.8\n10.0.0.1"), Err("line 2: 10.0.0.1 is private (RFC 1918): not believed".into()));
        let all = Form { comments: true, private: true, prefix: None };
        assert_eq!(parse(b"# router\n10.0.0.1", all).map(|found| found.len()), Ok(1));
        assert_eq!(parse(b"\xff", all), Err("it is no text".into()));
    }

    #[test]
    fn a_prefix_is_told_by_its_first_address_where_there_may_be_one() {
        let read = |text: &str, prefix| parse(text.as_bytes(), Form { prefix, ..Form::default() });
        let first: IpAddr = "2a00:1:2::".parse().unwrap();
        for text in ["2a00:1:2::/56", "2a00:1:2::7/64\n", "2a00:1:2::"] {
            assert_eq!(read(text, Some(64)).map(|found| found[0]), Ok(first));
        }
        assert!(read("2a00:1:2::/60", Some(56)).is_err_and(|why| why.contains("first 56 bits")));
        assert!(read("fd00::/48", Some(64)).is_err_and(|why| why.contains("not believed")));
        for text in ["2a00::/56 lan", "10.0.0.0/8", "/56"] {
            assert_eq!(read(text, Some(64)), Err("line 1 is not an address".into()), "{text}");
        }
        assert_eq!(read("2a00::/56", None), Err("line 1 is not an address".into()));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets: Vec<u8>, comments: bool) {
            if let Ok(found) = parse(&octets, Form { comments, prefix: Some(64), private: false }) {
                prop_assert!(found.iter().all(|address| allowed(*address, false).is_ok()));
            }
        }
    }
}
