//! Octets as a router would send them to NAT-PMP: nothing but its one answer is an address.

#![no_main]

use driftless::detect::router::datagram::Heard;
use driftless::detect::router::natpmp::read;
use driftless_fuzz::target;

target!(|octets: &[u8]| match read(octets) {
    Heard::Answer(answer) => {
        assert!(octets.len() == 12 && octets[..4] == [0, 128, 0, 0]);
        assert!(octets[8..] == answer.address.octets() && !answer.address.is_unspecified());
    }
    Heard::Refused(why) | Heard::Noise(why) => assert!(!why.is_empty()),
});
