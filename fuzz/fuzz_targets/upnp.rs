//! What a router would send over UPnP: answers to a search, descriptions and SOAP messages. Nothing leads away from the router.

#![no_main]

use std::net::Ipv4Addr;

use driftless::detect::router::upnp::read::{read_address, read_description, read_found, read_refusal};
use driftless_fuzz::target;

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// What a router that is as it should be answers to a search.
const FOUND: &[u8] = b"HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\
    LOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n\r\n";

fn is_at_router(url: &str) -> bool {
    url.strip_prefix("http://192.168.1.1").is_some_and(|rest| rest.starts_with([':', '/']))
}

target!(|octets: &[u8]| {
    let found = read_found(octets, ROUTER).or_else(|_| read_found(FOUND, ROUTER));
    let place = found.expect("the good answer is read");
    assert!(is_at_router(place.as_str()));
    if let Ok(controls) = read_description(octets, &place, ROUTER) {
        assert!(!controls.is_empty() && controls.iter().all(|control| is_at_router(control.url.as_str())));
    }
    if let Ok(address) = read_address(octets) {
        assert!(!address.is_unspecified());
    }
    let _ = read_refusal(octets);
});
