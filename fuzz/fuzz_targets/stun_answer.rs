//! Octets as a STUN server would send them: one address, or why there is none.

#![no_main]

use driftless::net::stun::Transport;
use driftless::net::stun::wire::{Bad, HEADER, announced, read};
use driftless_fuzz::target;

target!(|octets: &[u8]| {
    // The transaction is the one that the octets have, where they are long enough, so that what follows is read.
    let id = octets.get(8..HEADER).and_then(|id| id.try_into().ok()).unwrap_or_default();
    for transport in [Transport::Udp, Transport::Tcp] {
        let outcome = read(octets, &id, transport);
        match &outcome {
            Ok(_) => assert_eq!(announced(octets, &id), Ok(octets.len() - HEADER)),
            Err(Bad::NotOurs(why)) => assert!(!why.is_empty()),
            Err(Bad::Refused(why)) => assert!(!why.is_empty() && !why.contains('\x1b')),
        }
        let mut other = id;
        other[0] ^= 1;
        assert!(read(octets, &other, transport).is_err());
    }
});
