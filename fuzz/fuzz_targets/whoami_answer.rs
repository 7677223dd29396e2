//! Octets as a name server that says who asks would send them: one address or text of the question, or an error.

#![no_main]

use driftless_fuzz::target;

target!(|octets: &[u8]| driftless::net::dns::whoami::fuzz(octets));
