//! A file or a command's output of addresses: any content, and none of it is an address that may not be published.

#![no_main]

use driftless::detect::fuzz_list;
use driftless::model::address::PublicAddr;
use driftless_fuzz::target;

target!(|octets: &[u8]| {
    for address in fuzz_list(octets) {
        assert!(PublicAddr::new(address).is_ok(), "{address}");
    }
});
