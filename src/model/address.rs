//! The guard: which addresses may be published. Nothing else makes a [`PublicAddr`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that the whole internet may be told: it passed the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicAddr(IpAddr);

impl PublicAddr {
    /// Lets an address through that lies in no special-purpose block.
    ///
    /// `8.8.8.8` passes, `10.0.0.1` does not: it is private (RFC 1918).
    ///
    /// # Errors
    /// Says which block the address lies in and what that is for.
    pub fn new(address: IpAddr) -> Result<Self, NotPublic> {
        match block_of(address) {
            Some(block) => Err(NotPublic { address, block }),
            None => Ok(Self(address)),
        }
    }

    /// The address.
    #[must_use]
    pub fn get(self) -> IpAddr {
        self.0
    }
}

impl From<PublicAddr> for IpAddr {
    fn from(address: PublicAddr) -> Self {
        address.0
    }
}

impl fmt::Display for PublicAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The same address, if it is public or, where `private` addresses were asked for, one of a network of one's own.
///
/// With `private`, `192.168.1.1` passes and `224.0.0.1` still does not.
///
/// # Errors
/// As [`PublicAddr::new`].
pub fn allowed(address: IpAddr, private: bool) -> Result<IpAddr, NotPublic> {
    match PublicAddr::new(address) {
        Err(why) if private && why.is_private() => Ok(address),
        checked => checked.map(PublicAddr::get),
    }
}

/// Whether an address is one that carriers give to subscribers behind a NAT of theirs: shared (RFC 6598), or our end of a
/// tunnel that carries IPv4 over IPv6 (DS-Lite and its like, RFC 7335).
#[must_use]
pub fn is_carriers(address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    matches!(address.octets(), [100, 64..=127, ..] | [192, 0, 0, 0..=7])
}

/// Why an address must not be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPublic {
    address: IpAddr,
    block: &'static Block,
}

impl NotPublic {
    /// What the block is for and who says so: `private (RFC 1918)`.
    #[must_use]
    pub fn words(&self) -> &'static str {
        self.block.words
    }

    /// Whether the address belongs to a network of one's own, so that publishing it can be wished for: RFC 1918, RFC 6598,
    /// RFC 4193, loopback, and what laboratories use (documentation and benchmark blocks).
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.block.private
    }
}

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.address, self.block.words)
    }
}

impl std::error::Error for NotPublic {}

/// A block of addresses: those that agree with `first` in the leading `length` bits.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    first: u128,
    length: u32,
    words: &'static str,
    private: bool,
}

const fn v4(first: [u8; 4], length: u32, words: &'static str) -> Block {
    Block { first: (u32::from_be_bytes(first) as u128) << 96, length, words, private: false }
}

const fn v6(first: [u16; 8], length: u32, words: &'static str) -> Block {
    let [a, b, c, d, e, f, g, h] = first;
    Block { first: Ipv6Addr::new(a, b, c, d, e, f, g, h).to_bits(), length, words, private: false }
}

/// A block of addresses for networks of one's own.
const fn own(block: Block) -> Block {
    Block { private: true, ..block }
}

/// Where IPv4 addresses are not a subscriber's: the IANA IPv4 special-purpose address registry, multicast and class E.
/// Blocks for anycast services (AS112, AMT, 6to4 relays) are reachable, but nobody's own.
static IPV4: [Block; 19] = [
    v4([0, 0, 0, 0], 8, "of \"this network\" (RFC 791)"),
    own(v4([10, 0, 0, 0], 8, "private (RFC 1918)")),
    own(v4([100, 64, 0, 0], 10, "shared behind a carrier's NAT (RFC 6598)")),
    own(v4([127, 0, 0, 0], 8, "loopback (RFC 1122)")),
    v4([169, 254, 0, 0], 16, "link-local (RFC 3927)"),
    own(v4([172, 16, 0, 0], 12, "private (RFC 1918)")),
    v4([192, 0, 0, 0], 24, "reserved for protocols (RFC 6890)"),
    own(v4([192, 0, 2, 0], 24, "for documentation (RFC 5737)")),
    v4([192, 31, 196, 0], 24, "the AS112 service's (RFC 7535)"),
    v4([192, 52, 193, 0], 24, "the multicast tunnelling service's (RFC 7450)"),
    v4([192, 88, 99, 0], 24, "a 6to4 relay's (RFC 7526)"),
    own(v4([192, 168, 0, 0], 16, "private (RFC 1918)")),
    v4([192, 175, 48, 0], 24, "the AS112 service's (RFC 7534)"),
    own(v4([198, 18, 0, 0], 15, "for benchmarks (RFC 2544)")),
    own(v4([198, 51, 100, 0], 24, "for documentation (RFC 5737)")),
    own(v4([203, 0, 113, 0], 24, "for documentation (RFC 5737)")),
    v4([224, 0, 0, 0], 4, "multicast (RFC 5771)"),
    v4([255, 255, 255, 255], 32, "the broadcast address (RFC 919)"),
    v4([240, 0, 0, 0], 4, "reserved (RFC 1112)"),
];

/// The only IPv6 block that is handed out (RFC 4291, section 2.4, and the IANA IPv6 address space registry).
static GLOBAL_UNICAST: Block = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, "global unicast (RFC 4291)");

/// What is not handed out within 2000::/3: the IANA IPv6 special-purpose address registry.
static IPV6: [Block; 12] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "a Teredo tunnel's (RFC 4380)"),
    own(v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "for benchmarks (RFC 5180)")),
    v6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32, "the multicast tunnelling service's (RFC 7450)"),
    v6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48, "the AS112 service's (RFC 7535)"),
    v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28, "a host identifier, not an address (RFC 4843)"),
    v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28, "a host identifier, not an address (RFC 7343)"),
    v6([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28, "a drone's identifier, not an address (RFC 9374)"),
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "reserved for protocols (RFC 2928)"),
    own(v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "for documentation (RFC 3849)")),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "a 6to4 tunnel's (RFC 3056)"),
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "the AS112 service's (RFC 7534)"),
    own(v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "for documentation (RFC 9637)")),
];

/// Words for what lies outside 2000::/3, which is refused as a whole: narrow blocks first, the last one holds everything.
static OUTSIDE: [Block; 13] = [
    v6([0; 8], 128, "the unspecified address (RFC 4291)"),
    own(v6([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback (RFC 4291)")),
    v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "an IPv4 address in IPv6 form (RFC 4291)"),
    v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "an IPv4 address behind a translator (RFC 6052)"),
    v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "an IPv4 address behind a translator (RFC 8215)"),
    v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "for traffic to be discarded (RFC 6666)"),
    v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "a dummy (RFC 9780)"),
    v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "a routing segment, not an address (RFC 9602)"),
    own(v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique local (RFC 4193)")),
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local (RFC 4291)"),
    v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local (RFC 3879)"),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast (RFC 4291)"),
    v6([0; 8], 0, "not global unicast (RFC 4291)"),
];

impl Block {
    /// Whether the address, its bits aligned to the left, lies in the block.
    const fn holds(&self, bits: u128) -> bool {
        // A shift by all 128 bits (a block that holds everything) leaves nothing to compare.
        match (bits ^ self.first).checked_shr(128 - self.length) {
            Some(rest) => rest == 0,
            None => true,
        }
    }
}

fn block_of(address: IpAddr) -> Option<&'static Block> {
    let within = |blocks: &'static [Block], bits| blocks.iter().find(|block| block.holds(bits));
    match address {
        IpAddr::V4(address) => within(&IPV4, bits_of_v4(address)),
        IpAddr::V6(address) if GLOBAL_UNICAST.holds(address.to_bits()) => within(&IPV6, address.to_bits()),
        IpAddr::V6(address) => within(&OUTSIDE, address.to_bits()),
    }
}

fn bits_of_v4(address: Ipv4Addr) -> u128 {
    u128::from(address.to_bits()) << 96
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        PublicAddr::new(text.parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_refusal_says_which_block_and_why() {
        assert_eq!(refused("10.0.0.1"), "10.0.0.1 is private (RFC 1918)");
        assert_eq!(refused("100.100.1.1"), "100.100.1.1 is shared behind a carrier's NAT (RFC 6598)");
        assert_eq!(refused("255.255.255.255"), "255.255.255.255 is the broadcast address (RFC 919)");
        assert_eq!(refused("::ffff:8.8.8.8"), "::ffff:8.8.8.8 is an IPv4 address in IPv6 form (RFC 4291)");
        assert_eq!(refused("2001:db8::1"), "2001:db8::1 is for documentation (RFC 3849)");
        assert_eq!(refused("2001:100::1"), "2001:100::1 is reserved for protocols (RFC 2928)");
        assert_eq!(refused("fe80::1"), "fe80::1 is link-local (RFC 4291)");
        assert_eq!(refused("4000::1"), "4000::1 is not global unicast (RFC 4291)");
    }

    #[test]
    fn an_address_of_a_subscriber_passes() {
        for text in ["8.8.8.8", "100.63.255.255", "223.255.255.255", "2a00:1450::1", "2001:200::1", "2606:4700::1"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(PublicAddr::new(address).unwrap().get(), address);
        }
    }

    #[test]
    fn a_carriers_addresses_are_told_apart() {
        for (text, expected) in [
            ("100.63.255.255", false),
            ("100.64.0.0", true),
            ("100.127.255.255", true),
            ("100.128.0.0", false),
            ("192.0.0.2", true),
            ("192.0.0.8", false),
            ("192.168.0.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_carriers(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn private_addresses_pass_only_where_they_were_asked_for() {
        for text in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "2001:db8::1",
            "fd00::1",
            "::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(allowed(address, true), Ok(address));
            assert!(allowed(address, false).is_err());
        }
        for text in
            ["0.0.0.0", "169.254.1.1", "192.88.99.1", "224.0.0.1", "::", "fe80::1", "ff02::1", "::ffff:10.0.0.1"]
        {
            assert!(allowed(text.parse().unwrap(), true).is_err(), "{text}");
        }
    }

    #[test]
    fn no_block_starts_off_its_own_boundary() {
        for block in IPV4.iter().chain(&IPV6).chain(&OUTSIDE) {
            let rest = block.first.checked_shl(block.length).unwrap_or(0);
            assert_eq!(rest, 0, "{}", block.words);
        }
    }
}
