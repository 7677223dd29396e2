//! A server by address or name, with its port.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;

use crate::model::name::Name;
use crate::model::record::Family;

/// How many addresses of a name are tried.
const MOST: usize = 2;

/// How long the resolver may take. Shorter than any question may take in all, so that it is not the server that is blamed, and
/// long enough for a second name server, which is asked after five seconds (resolv.conf(5)).
const LOOKED_UP: Duration = Duration::from_secs(8);

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(Name),
}

impl Server {
    /// Reads `192.0.2.1`, `[2001:db8::1]:5353`, `2001:db8::1`, `ns.example.net` or `ns.example.net:5353`; without a port it is
    /// `port`.
    ///
    /// # Errors
    /// Why it is none of these.
    pub fn parse(text: &str, port: u16) -> Result<Self, String> {
        let (host, port) = if let Ok(address) = text.parse::<IpAddr>() {
            (Host::Address(address), port)
        } else if let Ok(at) = text.parse::<SocketAddr>() {
            (Host::Address(at.ip()), at.port())
        } else {
            let (name, port) = match text.split_once(':') {
                Some((name, port)) => {
                    (name, port.parse().map_err(|_| "it has no port from 1 to 65535 after the \":\"")?)
                }
                None => (text, port),
            };
            // What ends in a number is an address, and not a right one (RFC 1123, section 2.1).
            let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
            if last.chars().all(|c| c.is_ascii_digit()) {
                return Err("it is neither an address nor a name".into());
            }
            (Host::Name(Name::parse(name).map_err(|why| why.to_string())?), port)
        };
        if port == 0 {
            return Err("there is no port 0".into());
        }
        Ok(Self { host, port })
    }

    /// Where it is reached over a family: at most two places, those of a name as the system's resolver tells them now.
    ///
    /// # Errors
    /// When the name cannot be looked up, or when there is no address of the family.
    pub async fn places(&self, family: Family) -> Result<Vec<SocketAddr>, String> {
        let found: Vec<SocketAddr> = match &self.host {
            Host::Address(address) => vec![SocketAddr::new(*address, self.port)],
            Host::Name(name) => look_up(name.as_str(), self.port).await?,
        };
        let places: Vec<_> = found.into_iter().filter(|at| Family::of(at.ip()) == family).take(MOST).collect();
        if places.is_empty() { Err(format!("{self} has no {family} address")) } else { Ok(places) }
    }

    /// Its address, where that was typed and not a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Address(address) => Some(*address),
            Host::Name(_) => None,
        }
    }

    /// Its name or address, without the port.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name.to_string(),
        }
    }

    /// Whether it can be reached over a family, as far as that is known without asking anybody.
    #[must_use]
    pub fn may_be_of(&self, family: Family) -> bool {
        match &self.host {
            Host::Address(address) => Family::of(*address) == family,
            Host::Name(_) => true,
        }
    }
}

/// The addresses of a host, with this port, as the system's resolver tells them now.
///
/// # Errors
/// That there is no such name, or that the resolver does not answer.
pub(super) async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let Ok(found) = timeout(LOOKED_UP, tokio::net::lookup_host((host, port))).await else {
        let within = LOOKED_UP.as_secs();
        return Err(format!("the name {host} could not be looked up within {within} s: the resolver does not answer"));
    };
    let found = found.map_err(|error| {
        let said = error.to_string();
        let why = said.strip_prefix("failed to lookup address information: ").unwrap_or(&said);
        format!("the name {host} was not found: {why}")
    })?;
    Ok(found.collect())
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_or_a_name_with_or_without_a_port() {
        let read = |text: &str| Server::parse(text, 53).map(|server| server.to_string());
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
            ("NS.example.net", "ns.example.net:53"),
            ("localhost:5353", "localhost:5353"),
        ] {
            assert_eq!(read(text).unwrap(), shown);
        }
        for bad in [
            "",
            ":53",
            "192.0.2.1:0",
            "ns.example.net:",
            "ns.example.net:0",
            "ns.example.net:65536",
            "192.0.2",
            "192.0.2.256",
            "[2001:db8::1]",
            "[::1]:x",
            "a b",
            "https://example.net",
            "ns.example.net/x",
            "192.0.2.1/32",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_server_is_reached_over_the_family_that_is_asked_for_or_not_at_all() {
        let four = Server::parse("127.0.0.1", 53).unwrap();
        assert_eq!(four.places(Family::Ipv4).await, Ok(vec!["127.0.0.1:53".parse().unwrap()]));
        assert_eq!(four.places(Family::Ipv6).await, Err("127.0.0.1:53 has no IPv6 address".into()));
        assert!(four.may_be_of(Family::Ipv4) && !four.may_be_of(Family::Ipv6));
        let named = Server::parse("localhost:3478", 53).unwrap();
        assert!(named.places(Family::Ipv4).await.unwrap().contains(&"127.0.0.1:3478".parse().unwrap()));
    }
}
