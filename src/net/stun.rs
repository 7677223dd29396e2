//! The STUN client (RFC 8489): one binding request over UDP or TCP, to learn from which address a server sees us.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::via::Via;
use wire::{Bad, Id};

pub mod wire;

/// The port of STUN, over UDP and TCP (section 18.6).
pub const PORT: u16 = 3478;

/// The longest answer that is read, in octets.
const MOST: usize = 4 << 10;

/// How long is waited.
#[derive(Clone, Copy)]
struct Patience {
    /// For everything.
    all: Duration,
    /// Until the request is sent again by UDP, doubled each time.
    rto: Duration,
}

/// The RFC's first pause (section 6.2.1): at 0, 0.5, 1.5, 3.5 and 7.5 s. It would wait for 39.5 s; a detector has ten.
const USUAL: Patience = Patience { all: Duration::from_secs(10), rto: Duration::from_millis(500) };

/// How a server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams: the request is sent again until an answer comes.
    #[default]
    Udp,
    /// A connection for one request.
    Tcp,
}

/// The address from which `server` sees us, over the family of its own address, within 10 seconds. Only an answer of this server
/// to this request counts; whether the address may be published is not decided here.
///
/// # Errors
/// Why none was learnt, in words.
pub async fn mapped(server: SocketAddr, transport: Transport, via: &Via) -> Result<IpAddr, String> {
    mapped_within(USUAL, server, transport, via).await
}

async fn mapped_within(
    patience: Patience,
    server: SocketAddr,
    transport: Transport,
    via: &Via,
) -> Result<IpAddr, String> {
    let mut id = Id::default();
    SystemRandom::new().fill(&mut id).map_err(|_| "the system gives no random numbers")?;
    let mut passed_over = None;
    let exchange = async {
        match transport {
            Transport::Udp => by_udp(server, &id, via, patience.rto, &mut passed_over).await,
            Transport::Tcp => by_tcp(server, &id, via).await,
        }
    };
    match timeout(patience.all, exchange).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let other = passed_over.map(|why| format!("; something else came: {why}")).unwrap_or_default();
            Err(format!("no answer within {} s{other}", patience.all.as_secs()))
        }
    }
}

fn words(error: &io::Error) -> String {
    error.to_string()
}

async fn by_udp(
    server: SocketAddr,
    id: &Id,
    via: &Via,
    rto: Duration,
    passed_over: &mut Option<&'static str>,
) -> Result<IpAddr, String> {
    // It hears its server alone.
    let socket = via.udp(server).await.map_err(|error| words(&error))?;
    let request = wire::request(id);
    let mut pause = rto;
    loop {
        socket.send(&request).await.map_err(|error| words(&error))?;
        if let Ok(outcome) = timeout(pause, listen(&socket, id, passed_over)).await {
            return outcome;
        }
        pause *= 2;
    }
}

async fn listen(socket: &UdpSocket, id: &Id, passed_over: &mut Option<&'static str>) -> Result<IpAddr, String> {
    // One more than is allowed, to know what is too long.
    let mut buffer = [0; MOST + 1];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(|error| words(&error))?;
        let octets = buffer.get(..length).filter(|octets| octets.len() <= MOST);
        match octets.map_or(Err(Bad::NotOurs("it is too long")), |octets| wire::read(octets, id, Transport::Udp)) {
            Ok(address) => return Ok(address),
            Err(Bad::Refused(why)) => return Err(why),
            Err(Bad::NotOurs(why)) => *passed_over = Some(why),
        }
    }
}

async fn by_tcp(server: SocketAddr, id: &Id, via: &Via) -> Result<IpAddr, String> {
    let exchange = async {
        let mut stream = via.tcp(server).await?;
        stream.write_all(&wire::request(id)).await?;
        let mut octets = vec![0; wire::HEADER];
        stream.read_exact(&mut octets).await?;
        let length = match wire::announced(&octets, id) {
            Ok(length) if length <= MOST - wire::HEADER => length,
            Ok(_) => return Ok(Err(Bad::NotOurs("it is too long"))),
            Err(bad) => return Ok(Err(bad)),
        };
        octets.resize(wire::HEADER + length, 0);
        stream.read_exact(octets.get_mut(wire::HEADER..).unwrap_or_default()).await?;
        Ok(wire::read(&octets, id, Transport::Tcp))
    };
    match exchange.await {
        Ok(Ok(address)) => Ok(address),
        Ok(Err(Bad::Refused(why))) => Err(why),
        // What comes by a connection comes from the server.
        Ok(Err(Bad::NotOurs(why))) => Err(format!("its answer is refused: {why}")),
        Err(error) => Err(words(&error)),
    }
}

#[cfg(test)]
mod tests;
