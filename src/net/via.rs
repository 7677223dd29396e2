//! Which way questions go out: by an interface or from an address of this machine, or as the routing table says.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream, UdpSocket};

/// The way. `Via::default()` is the routing table's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via {
    /// Only by this interface, and only answers that come in by it (SO_BINDTODEVICE, socket(7)); Linux allows it to everybody
    /// since 5.7 and knows nothing like it elsewhere.
    pub interface: Option<String>,
    /// From this address of this machine.
    pub address: Option<IpAddr>,
}

impl Via {
    /// A socket that hears nobody but `server`, at a port of ours that the kernel draws.
    ///
    /// # Errors
    /// When there is no such interface or address, or no way to the server.
    pub async fn udp(&self, server: SocketAddr) -> io::Result<UdpSocket> {
        self.udp_at(0, server).await
    }

    /// The same at this port of ours.
    ///
    /// # Errors
    /// As [`Via::udp`], and when the port is taken.
    pub async fn udp_at(&self, port: u16, server: SocketAddr) -> io::Result<UdpSocket> {
        let socket = self.udp_open(port, server).await?;
        socket.connect(server).await?;
        Ok(socket)
    }

    /// One at this port of ours that hears everybody, of the family of `server`: its answer may come from another port.
    ///
    /// # Errors
    /// When there is no such interface or address, or when the port is taken.
    pub async fn udp_open(&self, port: u16, server: SocketAddr) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind(self.local(port, server)).await.map_err(|error| self.about_address(error))?;
        self.tie(&socket)?;
        Ok(socket)
    }

    /// A connection to `server`.
    ///
    /// # Errors
    /// As [`Via::udp`], and when the server takes no connection.
    pub async fn tcp(&self, server: SocketAddr) -> io::Result<TcpStream> {
        let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if self.address.is_some() {
            socket.bind(self.local(0, server)).map_err(|error| self.about_address(error))?;
        }
        self.tie(&socket)?;
        socket.set_nodelay(true)?;
        socket.connect(server).await
    }

    fn local(&self, port: u16, server: SocketAddr) -> SocketAddr {
        let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        SocketAddr::new(self.address.unwrap_or(any), port)
    }

    fn tie(&self, socket: &impl Tie) -> io::Result<()> {
        let Some(interface) = &self.interface else { return Ok(()) };
        socket.tie(interface).map_err(|error| about(error, &format!("the interface {interface}")))
    }

    fn about_address(&self, error: io::Error) -> io::Error {
        match self.address {
            Some(address) => about(error, &format!("the address {address}")),
            None => error,
        }
    }
}

/// `` as the routing table says, ` by ppp0`, ` from 192.0.2.1`, or both: the end of a source's name.
impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(interface) = &self.interface {
            write!(f, " by {interface}")?;
        }
        if let Some(address) = self.address {
            write!(f, " from {address}")?;
        }
        Ok(())
    }
}

/// An error with what it is about; its kind stays.
fn about(error: io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// A socket that can be tied to an interface.
trait Tie {
    fn tie(&self, interface: &str) -> io::Result<()>;
}

#[cfg(target_os = "linux")]
mod tied {
    use super::{TcpSocket, Tie, UdpSocket, io};

    impl Tie for UdpSocket {
        fn tie(&self, interface: &str) -> io::Result<()> {
            self.bind_device(Some(interface.as_bytes()))
        }
    }

    impl Tie for TcpSocket {
        fn tie(&self, interface: &str) -> io::Result<()> {
            self.bind_device(Some(interface.as_bytes()))
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod tied {
    use super::{TcpSocket, Tie, UdpSocket, io};

    impl Tie for UdpSocket {
        fn tie(&self, _: &str) -> io::Result<()> {
            Err(io::Error::new(io::ErrorKind::Unsupported, super::ONLY_LINUX))
        }
    }

    impl Tie for TcpSocket {
        fn tie(&self, _: &str) -> io::Result<()> {
            Err(io::Error::new(io::ErrorKind::Unsupported, super::ONLY_LINUX))
        }
    }
}

/// Why a socket cannot be tied to an interface elsewhere.
#[cfg(not(target_os = "linux"))]
pub(super) const ONLY_LINUX: &str = "sockets are tied to an interface on Linux only";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_way_is_part_of_a_sources_name() {
        let interface = Some("ppp0".to_owned());
        let address = Some("192.0.2.1".parse().unwrap());
        assert_eq!(Via::default().to_string(), "");
        assert_eq!(Via { interface: interface.clone(), address: None }.to_string(), " by ppp0");
        assert_eq!(Via { interface, address }.to_string(), " by ppp0 from 192.0.2.1");
    }

    #[tokio::test]
    async fn a_socket_hears_its_server_alone() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let via = Via { address: Some("127.0.0.2".parse().unwrap()), interface: None };
        let socket = via.udp(server.local_addr().unwrap()).await.unwrap();
        let ours = socket.local_addr().unwrap();
        assert_eq!(ours.ip(), via.address.unwrap());
        stranger.send_to(b"stranger", ours).await.unwrap();
        server.send_to(b"server", ours).await.unwrap();
        let mut octets = [0; 16];
        let length = socket.recv(&mut octets).await.unwrap();
        assert_eq!(&octets[..length], b"server");
    }

    #[tokio::test]
    async fn an_address_or_an_interface_that_is_not_here_is_named() {
        let of = |interface: Option<&str>, address: Option<&str>| Via {
            interface: interface.map(str::to_owned),
            address: address.map(|address| address.parse().unwrap()),
        };
        let other = of(None, Some("192.0.2.1"));
        assert!(other.udp(at("127.0.0.1:53")).await.unwrap_err().to_string().contains("the address 192.0.2.1: "));
        assert!(other.tcp(at("127.0.0.1:53")).await.unwrap_err().to_string().contains("the address 192.0.2.1: "));
        let other = of(Some("nosuch0"), None);
        assert!(other.udp(at("127.0.0.1:53")).await.unwrap_err().to_string().contains("the interface nosuch0: "));
        assert!(other.tcp(at("127.0.0.1:53")).await.unwrap_err().to_string().contains("the interface nosuch0: "));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_socket_that_is_tied_to_the_loopback_interface_reaches_it_and_nothing_else() {
        let via = Via { interface: Some("lo".into()), address: None };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        via.tcp(listener.local_addr().unwrap()).await.unwrap();
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let socket = via.udp(server.local_addr().unwrap()).await.unwrap();
        socket.send(b"here").await.unwrap();
        assert_eq!(server.recv(&mut [0; 16]).await.unwrap(), 4);
    }
}
