//! The prefix that was delegated to this router, by the route that swallows what of it is not in use.

use std::net::Ipv6Addr;

use async_trait::async_trait;

use super::Detector;
use crate::model::address::allowed;
use crate::model::agree::Reading;
use crate::model::prefix::Prefix;
use crate::model::record::Family;
use crate::os::netlink;

/// The detector.
#[derive(Clone, Copy, Debug)]
pub struct Delegated {
    length: u8,
    private: bool,
}

impl Delegated {
    /// Looks for prefixes of at most `length` bits; those of a network of one's own only with `private`.
    #[must_use]
    pub fn new(length: u8, private: bool) -> Self {
        Self { length, private }
    }
}

#[async_trait]
impl Detector for Delegated {
    async fn detect(&self, family: Family) -> Reading {
        if family != Family::Ipv6 {
            return Reading::Unknown("only IPv6 prefixes are delegated".into());
        }
        match netlink::delegated() {
            Ok(found) => select(&found, self.length, self.private),
            Err(error) => Reading::Unknown(format!("reading this machine's routes: {error}")),
        }
    }
}

/// The one prefix that can be meant. Which of several is in use, no route says; an interface of the LAN does.
#[must_use]
pub fn select(found: &[Prefix], length: u8, private: bool) -> Reading {
    let mut first: Vec<Ipv6Addr> = found
        .iter()
        .filter(|prefix| prefix.length() <= length && allowed(prefix.first().into(), private).is_ok())
        .map(|prefix| prefix.first())
        .collect();
    first.sort_unstable();
    first.dedup();
    match first.as_slice() {
        [only] => Reading::Addresses(vec![(*only).into()]),
        [] => Reading::Unknown(format!("no route tells of a delegated prefix of {length} bits or less")),
        [one, two, ..] => {
            Reading::Unknown(format!("several prefixes seem to be delegated, {one} and {two} among them"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(found: &[&str], private: bool) -> Reading {
        let found: Vec<Prefix> = found.iter().map(|text| text.parse().unwrap()).collect();
        select(&found, 64, private)
    }

    #[test]
    fn the_only_prefix_that_can_be_meant_is_taken() {
        let expected = Reading::Addresses(vec!["2a00:1:2::".parse().unwrap()]);
        assert_eq!(read(&["fd00:1::/48", "2a00:1:2::/56", "2a00:1:2::/56", "2a00:9::1/128"], false), expected);
        for (found, word) in [
            (&["fd00:1::/48", "2001:db8::/56"][..], "no route"),
            (&["2a00:1:2::/56", "2a00:1:3::/56"], "several"),
            (&[], "no route"),
        ] {
            assert!(matches!(read(found, false), Reading::Unknown(why) if why.contains(word)), "{found:?}");
        }
        assert_eq!(read(&["fd00:1::/48"], true), Reading::Addresses(vec!["fd00:1::".parse().unwrap()]));
    }
}
