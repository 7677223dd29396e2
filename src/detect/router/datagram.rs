//! Questions and answers of single datagrams, as NAT-PMP, PCP and SSDP have them.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::gateway::Gateway;

/// The largest answer that is looked at, in octets; what is longer is cut, and no answer. PCP's bound is 1100 (RFC 6887,
/// section 7).
pub(super) const MAX: usize = 2048;

/// What the router says by NAT-PMP or PCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its address outside; whether that is a public one is not decided here.
    pub address: Ipv4Addr,
    /// How many seconds ago it was started, or forgot what it knew (RFC 6886, section 3.6; RFC 6887, section 8.5).
    pub epoch: u32,
}

/// What a datagram from the router is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<T> {
    /// The answer.
    Answer(T),
    /// An answer that says no, and why: asking again is of no use now.
    Refused(String),
    /// Nothing that was asked for, and why: it is as if it had not come.
    Noise(String),
}

/// A socket that hears this port of the router alone: the kernel drops what comes from elsewhere.
///
/// # Errors
/// Where there is no way to the router.
pub(super) async fn open_to(gateway: &Gateway, port: u16) -> Result<UdpSocket, String> {
    gateway.via.udp((gateway.address, port).into()).await.map_err(|error| format!("there is no way to it: {error}"))
}

/// Asks by a socket that hears the router alone: sends the request, waits as long as the schedule's first step says, sends
/// it again, and so on.
///
/// # Errors
/// What the router refuses, that nobody listens there, or that there was no answer; the last one that was none is named.
pub(super) async fn ask<T>(
    socket: &UdpSocket,
    request: &[u8],
    schedule: &[Duration],
    read: impl Fn(&[u8]) -> Heard<T>,
) -> Result<T, String> {
    let mut noise = None;
    for wait in schedule {
        // The error may be that of the datagram before: an ICMP message about it.
        socket.send(request).await.map_err(|error| failed(&error))?;
        if let Ok(heard) = timeout(*wait, listen(socket, &read, &mut noise)).await {
            return heard;
        }
    }
    Err(noise.map_or_else(|| "no answer".into(), |why| format!("no answer but one that is none: {why}")))
}

/// Waits for the first datagram that answers.
async fn listen<T>(
    socket: &UdpSocket,
    read: &impl Fn(&[u8]) -> Heard<T>,
    noise: &mut Option<String>,
) -> Result<T, String> {
    let mut octets = [0; MAX];
    loop {
        let length = socket.recv(&mut octets).await.map_err(|error| failed(&error))?;
        match read(octets.get(..length).unwrap_or_default()) {
            Heard::Answer(answer) => return Ok(answer),
            Heard::Refused(why) => return Err(why),
            Heard::Noise(why) => *noise = Some(why),
        }
    }
}

fn failed(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there".into(),
        _ => error.to_string(),
    }
}
