//! Where there is no netlink: the C library's list of interfaces, without flags, lifetimes and routes.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use if_addrs::{IfAddr, IfOperStatus, Interface};

use super::{Address, Flags, Lifetime, Link, Scope, Snapshot, Way, somewhere};
use crate::model::record::Family;

/// The addresses as the C library lists them. Interfaces without an address are missing.
///
/// # Errors
/// Those of the system call.
pub fn snapshot() -> io::Result<Snapshot> {
    let mut found = from(if_addrs::get_if_addrs()?);
    for family in Family::ALL {
        let index = leaving(&found, somewhere(family), None);
        found.ways.extend(index.map(|index| Way { family, index }));
    }
    Ok(found)
}

/// The number of the interface by which packets to `to` leave, those from the address `from` where one is given; `None` where
/// there is no way or nobody says.
///
/// # Errors
/// Those of the system call.
pub fn way(to: IpAddr, from: Option<IpAddr>) -> io::Result<Option<u32>> {
    Ok(leaving(&self::from(if_addrs::get_if_addrs()?), to, from))
}

/// The interface that has the address which the system chooses for a socket that is connected there. Nothing is sent.
fn leaving(found: &Snapshot, to: IpAddr, from: Option<IpAddr>) -> Option<u32> {
    let any = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((from.unwrap_or(any), 0)).ok()?;
    // Port 9 discards (RFC 863); a datagram socket that is connected sends nothing by that.
    socket.connect((to, 9)).ok()?;
    let ours = socket.local_addr().ok()?.ip();
    found.addresses.iter().find(|address| address.ip == ours).map(|address| address.index)
}

/// Refused: the C library does not know neighbours.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn neighbours() -> io::Result<Vec<super::Neighbour>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the neighbours are not known on this system"))
}

/// Refused: the C library does not know routes.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn delegated() -> io::Result<Vec<crate::model::prefix::Prefix>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the routes are not known on this system"))
}

fn from(interfaces: Vec<Interface>) -> Snapshot {
    let mut found = Snapshot::default();
    for interface in interfaces {
        // Without a number there is no telling interfaces apart.
        let Some(index) = interface.index else { continue };
        if !found.links.iter().any(|link| link.index == index) {
            let running = matches!(interface.oper_status, IfOperStatus::Up | IfOperStatus::Unknown);
            let (name, loopback) = (interface.name.clone(), interface.is_loopback());
            found.links.push(Link { index, name, up: running, running, loopback, kind: None, ethernet: !loopback });
        }
        let prefix = match &interface.addr {
            IfAddr::V4(v4) => v4.prefixlen,
            IfAddr::V6(v6) => v6.prefixlen,
        };
        let scope = if interface.is_link_local() { Scope::Link } else { Scope::Universe };
        let (flags, preferred, valid) = (Flags::default(), Lifetime::Forever, Lifetime::Forever);
        found.addresses.push(Address { index, ip: interface.ip(), prefix, scope, flags, preferred, valid });
    }
    found
}

/// Nothing watches here: changes are found by looking at the usual interval.
#[cfg(not(target_os = "linux"))]
pub struct Watch(());

#[cfg(not(target_os = "linux"))]
impl Watch {
    /// Refused.
    ///
    /// # Errors
    /// Always: there is no watch on this system.
    pub fn open() -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "address changes are not announced on this system"))
    }

    /// Does nothing.
    ///
    /// # Errors
    /// None.
    pub fn follow(&mut self, _: &std::collections::BTreeSet<crate::model::mac::Mac>) -> io::Result<()> {
        Ok(())
    }

    /// Never resolves.
    ///
    /// # Errors
    /// None.
    pub async fn changed(&mut self) -> io::Result<super::Heard> {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_listed_once_with_its_addresses() {
        let found = snapshot().unwrap();
        let loopbacks: Vec<_> = found.links.iter().filter(|link| link.loopback).collect();
        let [lo] = loopbacks.as_slice() else { panic!("{found:?}") };
        let ours = found.addresses.iter().find(|address| address.index == lo.index && address.ip.is_ipv4()).unwrap();
        assert_eq!((ours.ip.to_string().as_str(), ours.prefix), ("127.0.0.1", 8));
    }

    #[test]
    fn the_way_to_this_machine_itself_is_its_loopback_interface() {
        let lo = snapshot().unwrap().links.into_iter().find(|link| link.loopback).unwrap().index;
        assert_eq!(way("127.0.0.1".parse().unwrap(), None).unwrap(), Some(lo));
        assert_eq!(way("127.0.0.1".parse().unwrap(), Some("192.0.2.77".parse().unwrap())).unwrap(), None);
    }
}
