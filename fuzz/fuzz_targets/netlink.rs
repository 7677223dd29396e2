//! Octets as the kernel would send them: in lists, and as the answer to a look-up.

#![no_main]

use driftless_fuzz::target;

target!(|octets: &[u8]| {
    driftless::os::netlink::fuzz(octets);
    driftless::os::netlink::fuzz_look_up(octets);
});
