//! The address guard against a second opinion.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use driftless::model::address::PublicAddr;
use proptest::prelude::*;

#[path = "address/independent.rs"]
mod independent;

/// What is not publishable in IPv6, by its leading hexadecimal digits: everything but digits 2 and 3, and of those these.
/// A bit that a digit does not show follows after the slash: `2001:0/23` is seven bits of the second group.
fn is_publishable_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    match a {
        0x2001 => !(b <= 0x01ff || b == 0x0db8),
        0x2002 => false,
        0x2620 => !(b == 0x004f && c == 0x8000),
        0x3fff => b >= 0x1000,
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

/// The first and last address of every IPv6 block that is named anywhere, publishable or not.
const EDGES_V6: &[(&str, &str)] = &[
    ("::", "::"),
    ("::1", "::1"),
    ("::ffff:0:0", "::ffff:ffff:ffff"),
    ("64:ff9b::", "64:ff9b::ffff:ffff"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
    ("2000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
    ("2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

fn passes(address: impl Into<IpAddr>) -> bool {
    PublicAddr::new(address.into()).is_ok()
}

#[test]
fn every_ipv4_slash_24_agrees_with_the_second_opinion() {
    let ranges = independent::ranges_v4(independent::IPV4);
    let mut publishable = 0_u64;
    for network in 0..1_u32 << 24 {
        let first = network << 8;
        let expected = independent::is_publishable_v4(&ranges, first);
        for address in [first, first + 128, first + 255] {
            assert_eq!(passes(Ipv4Addr::from(address)), expected, "{}", Ipv4Addr::from(address));
        }
        publishable += if expected { 256 } else { 0 };
    }
    // Every block of the list is a /24 or larger, so the /24s say it all.
    assert_eq!(publishable, independent::PUBLISHABLE_IPV4);
}

#[test]
fn every_ipv4_edge_agrees_with_the_second_opinion() {
    let ranges = independent::ranges_v4(independent::IPV4);
    for (first, last) in &ranges {
        for address in [first.wrapping_sub(1), *first, *last, last.wrapping_add(1)] {
            let expected = independent::is_publishable_v4(&ranges, address);
            assert_eq!(passes(Ipv4Addr::from(address)), expected, "{}", Ipv4Addr::from(address));
        }
    }
}

#[test]
fn every_ipv6_edge_agrees_with_the_second_opinion() {
    let mut publishable = 0;
    for (first, last) in EDGES_V6 {
        let [first, last] = [first, last].map(|text| text.parse::<Ipv6Addr>().unwrap().to_bits());
        for bits in [first.wrapping_sub(1), first, last, last.wrapping_add(1)] {
            let address = Ipv6Addr::from(bits);
            assert_eq!(passes(address), is_publishable_v6(address), "{address}");
            publishable += u32::from(is_publishable_v6(address));
        }
    }
    // The edges are seen from both sides.
    assert!(publishable > 10, "{publishable}");
}

#[test]
fn every_ipv6_slash_32_agrees_with_the_second_opinion_around_the_special_ones() {
    for a in [0x1fff, 0x2000, 0x2001, 0x2002, 0x2003, 0x2620, 0x3ffe, 0x3fff, 0x4000_u16] {
        for b in 0..=u16::MAX {
            for c in [0, 0x7fff, 0x8000, 0x8001, 0xffff] {
                let address = Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 1);
                assert_eq!(passes(address), is_publishable_v6(address), "{address}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_ipv6_address_agrees_with_the_second_opinion(bits: u128, within: bool) {
        // Half of the draws lie in 2000::/3, where the decisions are.
        let bits = if within { bits >> 3 | 1 << 125 } else { bits };
        let address = Ipv6Addr::from(bits);
        prop_assert_eq!(passes(address), is_publishable_v6(address), "{}", address);
    }
}
