//! Octets as the kernel would send them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| driftless::os::netlink::fuzz(octets));
