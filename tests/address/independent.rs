//! A second opinion on which addresses are publishable: its own list, its own arithmetic, no line in common with the guard.
#![expect(clippy::unwrap_used, reason = "the list is constant: every run of a test reads all of it")]

/// What is not publishable in IPv4, as the IANA registries write it.
pub const IPV4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
];

/// How many IPv4 addresses are publishable: 2^32 without the blocks above.
pub const PUBLISHABLE_IPV4: u64 = 3_702_257_664;

/// Inclusive ranges of numbers, from a list of blocks.
pub fn ranges_v4(blocks: &[&str]) -> Vec<(u32, u32)> {
    let range = |block: &&str| {
        let (address, length) = block.split_once('/').unwrap();
        let first = address.split('.').fold(0_u32, |sum, octet| sum * 256 + octet.parse::<u32>().unwrap());
        let count = 1_u64 << (32 - length.parse::<u32>().unwrap());
        (first, u32::try_from(u64::from(first) + count - 1).unwrap())
    };
    blocks.iter().map(range).collect()
}

/// Whether a number lies in none of the ranges.
pub fn is_publishable_v4(ranges: &[(u32, u32)], address: u32) -> bool {
    !ranges.iter().any(|(first, last)| (*first..=*last).contains(&address))
}
