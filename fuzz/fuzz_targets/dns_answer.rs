//! Octets as a name server would send them, and a file of resolvers.

#![no_main]

use driftless_fuzz::target;

target!(|octets: &[u8]| driftless::net::dns::fuzz(octets));
