//! Lists of addresses as files and commands give them: one a line.

use std::net::IpAddr;

use crate::model::address::allowed;
use crate::model::agree::Reading;
use crate::model::record::Family;

/// Reads a list: an address a line, nothing else but empty lines and, where `comments` are allowed, lines that start with `#`.
///
/// `"8.8.8.8\n2a00::1\n"` is two addresses, `"8.8.8.8 eth0\n"` is an error.
///
/// # Errors
/// Which line is no address, or one that may not be published.
pub fn parse(octets: &[u8], comments: bool, private: bool) -> Result<Vec<IpAddr>, String> {
    let text = std::str::from_utf8(octets).map_err(|_| "it is no text".to_owned())?;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || comments && line.starts_with('#') {
            continue;
        }
        let address: IpAddr = line.parse().map_err(|_| format!("line {} is not an address", at + 1))?;
        let address = allowed(address, private).map_err(|why| format!("line {}: {why}: not believed", at + 1))?;
        if !found.contains(&address) {
            found.push(address);
        }
    }
    Ok(found)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_an_address_or_the_list_is_refused() {
        let read = |text: &str| parse(text.as_bytes(), false, false).map(|found| found.len());
        assert_eq!(read("8.8.8.8\r\n\n 2a00::1 \n8.8.8.8\n"), Ok(2));
        for bad in
            ["8.8.8.8 2a00::1", "# 8.8.8.8", "8.8.8.8/24", "8.8.8.8:80", "fe80::1%eth0", "010.8.8.8", "\u{feff}8.8.8.8"]
        {
            assert_eq!(read(bad), Err("line 1 is not an address".into()), "{bad}");
        }
        assert_eq!(read("8.8.8.8\n10.0.0.1"), Err("line 2: 10.0.0.1 is private (RFC 1918): not believed".into()));
        assert_eq!(parse(b"# router\n10.0.0.1", true, true).map(|found| found.len()), Ok(1));
        assert_eq!(parse(b"\xff", true, true), Err("it is no text".into()));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets: Vec<u8>, comments: bool) {
            if let Ok(found) = parse(&octets, comments, false) {
                prop_assert!(found.iter().all(|address| allowed(*address, false).is_ok()));
            }
        }
    }
}
