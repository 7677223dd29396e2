//! Other machines of the LAN by their MAC addresses, as the kernel's neighbour table knows them.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use async_trait::async_trait;

use super::Detector;
use super::shared::Shared;
use crate::model::agree::Reading;
use crate::model::mac::Mac;
use crate::model::record::Family;
use crate::os::netlink::{Neighbour, neighbours};

/// The neighbour table, which all detectors of neighbours read together.
#[derive(Default)]
pub struct Table(Shared<Vec<Neighbour>>);

/// The detector: the IPv6 addresses of the machine with a MAC address.
pub struct Neighbours {
    table: Arc<Table>,
    mac: Mac,
}

impl Neighbours {
    /// Looks for this machine in a table.
    #[must_use]
    pub fn new(table: Arc<Table>, mac: Mac) -> Self {
        Self { table, mac }
    }
}

#[async_trait]
impl Detector for Neighbours {
    async fn detect(&self, family: Family) -> Reading {
        if family != Family::Ipv6 {
            return Reading::Unknown("neighbours are known by IPv6 alone".into());
        }
        match self.table.0.get(|| neighbours().map_err(|error| error.to_string())) {
            Ok(table) => select(&table, self.mac),
            Err(why) => Reading::Unknown(format!("reading the neighbour table: {why}")),
        }
    }

    fn anew(&self) {
        self.table.0.forget();
    }
}

/// The addresses of the neighbour with this MAC address under which it is known to be there, lowest first; those of its link
/// alone are of no use. A neighbour that is not there, or not for certain, is unknown and never gone: machines sleep.
#[must_use]
pub fn select(table: &[Neighbour], mac: Mac) -> Reading {
    let mut its: Vec<&Neighbour> =
        table.iter().filter(|neighbour| neighbour.mac == mac && is_of_use(neighbour.ip)).collect();
    if its.is_empty() {
        return Reading::Unknown(format!("{mac} is no neighbour with a global address"));
    }
    its.retain(|neighbour| neighbour.reachable);
    if its.is_empty() {
        return Reading::Unknown(format!("{mac} is a neighbour that was not heard of lately"));
    }
    let mut found: Vec<IpAddr> = its.into_iter().map(|neighbour| neighbour.ip.into()).collect();
    found.sort();
    found.dedup();
    Reading::Addresses(found)
}

/// Whether an address can tell the host bits of another one: it is not of a link alone.
fn is_of_use(ip: Ipv6Addr) -> bool {
    !ip.is_unicast_link_local() && !ip.is_multicast() && !ip.is_loopback() && !ip.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ip: &str, last: u8, reachable: bool) -> Neighbour {
        let mac = Mac::new([0, 0x11, 0x22, 0x33, 0x44, last]).unwrap();
        Neighbour { ip: ip.parse().unwrap(), mac, reachable }
    }

    fn read(table: &[Neighbour]) -> Reading {
        select(table, "00:11:22:33:44:01".parse().unwrap())
    }

    #[test]
    fn the_addresses_of_one_machine_are_those_under_which_it_answers() {
        let table = [
            entry("fe80::1", 1, true),
            entry("2001:db8::9", 1, true),
            entry("2001:db8::5", 1, true),
            entry("2001:db8::9", 1, true),
            entry("2001:db8::1", 1, false),
            entry("2001:db8::2", 2, true),
        ];
        let expected = ["2001:db8::5", "2001:db8::9"].map(|ip| ip.parse().unwrap());
        assert_eq!(read(&table), Reading::Addresses(expected.to_vec()));
    }

    #[test]
    fn a_neighbour_that_is_stale_or_gone_is_unknown() {
        let unknown = |table: &[Neighbour], word: &str| {
            assert!(matches!(read(table), Reading::Unknown(why) if why.contains(word)), "{table:?}");
        };
        unknown(&[entry("2001:db8::5", 1, false)], "lately");
        unknown(&[entry("2001:db8::5", 2, true)], "no neighbour");
        unknown(&[entry("fe80::1", 1, true), entry("ff02::1", 1, true)], "no neighbour");
        unknown(&[], "no neighbour");
    }
}
