//! What strangers say our address is: exactly one address of the family that was asked for, or an error.

use std::net::IpAddr;

use crate::model::address::allowed;
use crate::model::record::Family;

/// Reads a text that is an address and nothing else.
///
/// `"8.8.8.8"` is one, `"8.8.8.8 "`, `"010.8.8.8"` and `"::ffff:8.8.8.8"` are errors.
///
/// # Errors
/// What the text is instead, in words; its beginning escaped, as a terminal that shows it must not obey it.
pub fn address(word: &str, family: Family) -> Result<IpAddr, String> {
    let address: IpAddr = word.parse().map_err(|_| not_an_address(word))?;
    of_family(address, family)
}

/// The same address where it is of the family; an IPv4 address in IPv6 form is of none.
///
/// # Errors
/// What it is instead.
pub fn of_family(address: IpAddr, family: Family) -> Result<IpAddr, String> {
    match address {
        IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some() => {
            Err(format!("the answer {address} is an IPv4 address in IPv6 form"))
        }
        _ if Family::of(address) != family => Err(format!("the answer {address} is not an {family} address")),
        _ => Ok(address),
    }
}

/// The same address where it may be believed: a public one, or with `private` one of a network of one's own.
///
/// # Errors
/// Which block it lies in.
pub fn believed(address: IpAddr, private: bool) -> Result<IpAddr, String> {
    allowed(address, private).map_err(|why| format!("the answer {why}: not believed"))
}

/// Why a text is no address, with its beginning where that may help.
fn not_an_address(word: &str) -> String {
    if word.is_empty() {
        return "the answer is empty".into();
    }
    if word.starts_with('<') {
        return "the answer is a page, not an address (a portal that wants a login?)".into();
    }
    let beginning: String = word.chars().take(50).collect();
    let more = if beginning.len() < word.len() { " …" } else { "" };
    format!("the answer is not one address: \"{}\"{more}", beginning.escape_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_family_and_nothing_else_is_read() {
        assert_eq!(address("8.8.8.8", Family::Ipv4), Ok("8.8.8.8".parse().unwrap()));
        assert_eq!(address("2a00::1", Family::Ipv6), Ok("2a00::1".parse().unwrap()));
        for (word, family) in [
            ("8.8.8.8", Family::Ipv6),
            ("2a00::1", Family::Ipv4),
            ("::ffff:8.8.8.8", Family::Ipv6),
            ("8.8.8.8 ", Family::Ipv4),
            ("010.8.8.8", Family::Ipv4),
            ("8.8.8", Family::Ipv4),
            ("fe80::1%eth0", Family::Ipv6),
            ("", Family::Ipv4),
        ] {
            assert!(address(word, family).is_err(), "{word}");
        }
        assert!(address("<html>", Family::Ipv4).unwrap_err().contains("page"));
    }

    #[test]
    fn an_address_of_ones_own_network_is_believed_only_where_that_was_asked_for() {
        let address = "192.168.1.2".parse().unwrap();
        assert!(believed(address, false).unwrap_err().contains("private (RFC 1918)"));
        assert_eq!(believed(address, true), Ok(address));
        assert!(believed("224.0.0.1".parse().unwrap(), true).is_err());
    }
}
