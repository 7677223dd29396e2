//! Where there is no netlink: the C library's list of interfaces, without flags, lifetimes and routes.

use std::io;

use if_addrs::{IfAddr, IfOperStatus, Interface};

use super::{Address, Flags, Lifetime, Link, Scope, Snapshot};

/// The addresses as the C library lists them. Interfaces without an address are missing.
///
/// # Errors
/// Those of the system call.
pub fn snapshot() -> io::Result<Snapshot> {
    Ok(from(if_addrs::get_if_addrs()?))
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
            found.links.push(Link { index, name, up: running, running, loopback });
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
}
