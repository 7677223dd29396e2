//! A DHCPv6 server's file of leases: any content is read, and no lease that is over counts.

#![no_main]

use driftless::detect::lease::parse;
use driftless::model::time::Wall;
use driftless_fuzz::target;

target!(|octets: &[u8]| {
    let leases = parse(octets);
    let text = String::from_utf8_lossy(octets);
    for host in text.split_ascii_whitespace().take(64).chain(["nas"]) {
        let early = leases.of(host, Wall(0)).unwrap_or_default();
        let late = leases.of(host, Wall(4_000_000_000)).unwrap_or_default();
        assert!(late.iter().all(|address| early.contains(address)), "a lease that comes back");
        assert!(early.iter().all(|address| address.is_ipv6()));
    }
});
