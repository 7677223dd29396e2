//! MAC addresses, and the interface identifiers that are made of them.

use std::fmt;
use std::str::FromStr;

/// The MAC address of one machine's interface (EUI-48).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The address with these octets, unless it is none of a single interface: a group's (the lowest bit of the first octet)
    /// or all zeros.
    #[must_use]
    pub fn new(octets: [u8; 6]) -> Option<Self> {
        let [first, ..] = octets;
        (first & 1 == 0 && octets != [0; 6]).then_some(Self(octets))
    }

    /// The interface identifier that an address made of this one ends in: `ff:fe` in the middle, and the bit for "universal"
    /// turned over (RFC 4291, appendix A).
    ///
    /// `00:11:22:33:44:55` gives `0211:22ff:fe33:4455`.
    #[must_use]
    pub fn interface_id(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl FromStr for Mac {
    type Err = NotAMac;

    /// Reads six pairs of hexadecimal digits with colons or hyphens between: `00:11:22:aa:bb:cc`, `00-11-22-AA-BB-CC`.
    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let between = if text.contains('-') { '-' } else { ':' };
        let mut octets = Vec::new();
        for pair in text.split(between) {
            // A sign would be taken for a digit.
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(NotAMac);
            }
            octets.push(u8::from_str_radix(pair, 16).map_err(|_| NotAMac)?);
        }
        let octets = octets.try_into().map_err(|_| NotAMac)?;
        Self::new(octets).ok_or(NotAMac)
    }
}

/// A text that is no MAC address of a single interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAMac;

impl fmt::Display for NotAMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no MAC address of an interface such as 00:11:22:aa:bb:cc")
    }
}

impl std::error::Error for NotAMac {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mac_address_is_read_in_either_form_and_only_where_it_is_one_machines() {
        for text in ["00:11:22:aa:bb:cc", "00-11-22-AA-BB-CC"] {
            assert_eq!(text.parse::<Mac>().unwrap().to_string(), "00:11:22:aa:bb:cc");
        }
        let bad =
            ["", "00:11:22:33:44", "00:11:22:33:44:55:66", "001122334455", "00:11:22-33:44:55", "0:11:22:33:44:55"];
        let strange = ["+0:11:22:33:44:55", "01:00:5e:00:00:01", "33:33:00:00:00:01", "00:00:00:00:00:00"];
        for text in bad.into_iter().chain(strange) {
            assert_eq!(text.parse::<Mac>(), Err(NotAMac), "{text}");
        }
    }

    #[test]
    fn the_interface_identifier_is_that_of_the_standard() {
        // The example of RFC 4291, appendix A, and one with a local address.
        for (text, expected) in
            [("34:56:78:9a:bc:de", 0x3656_78ff_fe9a_bcde), ("02:00:00:00:00:01", 0x0000_00ff_fe00_0001)]
        {
            assert_eq!(text.parse::<Mac>().unwrap().interface_id(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_mac_address_that_reads_the_same_again_or_none(text in "[0-9a-fA-F:-]{0,20}") {
            if let Ok(mac) = text.parse::<Mac>() {
                prop_assert_eq!(mac.to_string().parse(), Ok(mac));
            }
        }
    }
}
