//! Octets as a name server that says who asks would send them: one address or text of the question, or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| driftless::net::dns::whoami::fuzz(octets));
