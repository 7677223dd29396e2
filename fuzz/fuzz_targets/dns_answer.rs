//! Octets as a name server would send them, and a file of resolvers.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| driftless::net::dns::fuzz(octets));
