//! Octets as a router would send them to PCP: nothing without our nonce, protocol and port is an address.

#![no_main]

use driftless::detect::router::datagram::Heard;
use driftless::detect::router::pcp::{Question, read};
use driftless_fuzz::target;

/// The seeds have this nonce and port.
const ASKED: Question =
    Question { nonce: *b"driftless!!!", port: 40_000, client: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST) };

target!(|octets: &[u8]| match read(octets, &ASKED) {
    Heard::Answer(answer) => {
        assert!(octets.len() >= 60 && octets[..2] == [2, 129] && octets[3] == 0);
        assert!(octets[24..36] == ASKED.nonce && octets[40..42] == ASKED.port.to_be_bytes());
        assert!(octets[56..60] == answer.address.octets());
    }
    Heard::Refused(why) | Heard::Noise(why) => assert!(!why.is_empty()),
});
