//! Octets as the kernel would send them about neighbours, as an answer and as announcements.

#![no_main]

use driftless_fuzz::target;

target!(|octets: &[u8]| driftless::os::netlink::fuzz_neighbours(octets));
