//! IPv6 prefixes: the leading bits that a network gives to the addresses in it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// An IPv6 prefix: so many leading bits, and zeros behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    bits: u128,
    length: u8,
}

impl Prefix {
    /// The longest, which is a single address.
    pub const MAX: u8 = 128;

    /// The prefix of an address: `2001:db8::42` and 64 give `2001:db8::/64`. A length over 128 counts as 128.
    #[must_use]
    pub fn of(address: Ipv6Addr, length: u8) -> Self {
        let length = length.min(Self::MAX);
        Self { bits: address.to_bits() & Self::mask(length), length }
    }

    /// Ones where the prefix is.
    fn mask(length: u8) -> u128 {
        // A shift by all 128 bits is none in two's complement: there is no prefix then.
        u128::MAX.checked_shl(u32::from(Self::MAX - length)).unwrap_or(0)
    }

    /// How many bits it has, 0 to 128.
    #[must_use]
    pub fn length(self) -> u8 {
        self.length
    }

    /// Its first address, which has zeros behind it.
    #[must_use]
    pub fn first(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.bits)
    }

    /// Whether an address has these leading bits.
    #[must_use]
    pub fn holds(self, address: Ipv6Addr) -> bool {
        Self::of(address, self.length) == self
    }

    /// The prefix, and behind it the bits of `host`, of which those do not count that would reach into it.
    ///
    /// `2001:db8:0:1::/64` and `::42` are `2001:db8:0:1::42`.
    #[must_use]
    pub fn with(self, host: u128) -> Ipv6Addr {
        Ipv6Addr::from_bits(self.bits | host & !Self::mask(self.length))
    }

    /// Whether the bits of a host stay behind a prefix of so many bits.
    #[must_use]
    pub fn leaves_room(length: u8, host: u128) -> bool {
        host & Self::mask(length.min(Self::MAX)) == 0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first(), self.length)
    }
}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    /// Reads `2001:db8::/56`. Bits behind the prefix are left out: some write the address of the router with the length.
    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let (address, length) = text.split_once('/').ok_or(NotAPrefix)?;
        // A sign or zeros in front are none of what anything writes.
        if length.is_empty() || length.len() > 3 || !length.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NotAPrefix);
        }
        let length = length.parse().ok().filter(|length| *length <= Self::MAX).ok_or(NotAPrefix)?;
        Ok(Self::of(address.parse().map_err(|_| NotAPrefix)?, length))
    }
}

/// A text that is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPrefix;

impl fmt::Display for NotAPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no IPv6 prefix such as 2001:db8::/56")
    }
}

impl std::error::Error for NotAPrefix {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_is_read_with_its_length_and_without_what_stands_behind_it() {
        assert_eq!(prefix("2001:db8:1:2::/56").to_string(), "2001:db8:1::/56");
        assert_eq!(prefix("2001:db8::1/128").to_string(), "2001:db8::1/128");
        assert_eq!(prefix("2001:db8::1/0").to_string(), "::/0");
        for bad in
            ["2001:db8::", "2001:db8::/", "2001:db8::/129", "2001:db8::/+5", "192.0.2.0/24", "/64", "::/0000", ""]
        {
            assert_eq!(bad.parse::<Prefix>(), Err(NotAPrefix), "{bad}");
        }
    }

    #[test]
    fn host_bits_stand_behind_the_prefix_at_any_length() {
        for (text, host, expected) in [
            ("2001:db8:0:1::/64", 0x42, "2001:db8:0:1::42"),
            ("2001:db8:1::/56", 0x03_0000_0000_0000_0042, "2001:db8:1:3::42"),
            ("2001:db8:1::/48", 0x42, "2001:db8:1::42"),
            ("2001:db8::/127", 1, "2001:db8::1"),
            ("2001:db8::8/125", 0xff, "2001:db8::f"),
        ] {
            assert_eq!(prefix(text).with(host).to_string(), expected, "{text}");
        }
        assert!(Prefix::leaves_room(64, u128::from(u64::MAX)) && !Prefix::leaves_room(64, 1 << 64));
    }

    proptest! {
        #[test]
        fn what_is_composed_lies_in_the_prefix(bits: u128, length in 0_u8..=128, host: u128) {
            let prefix = Prefix::of(Ipv6Addr::from_bits(bits), length);
            prop_assert!(prefix.holds(prefix.with(host)));
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
            if Prefix::leaves_room(length, host) {
                prop_assert_eq!(prefix.with(host).to_bits() ^ prefix.first().to_bits(), host);
            }
        }
    }
}
