//! Questions and answers of single datagrams, as NAT-PMP, PCP and SSDP have them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::gateway::Gateway;

/// The largest answer that is looked at, in octets; what is longer is cut, and no answer. PCP's bound is 1100 (RFC 6887,
/// section 7).
pub(super) const MAX: usize = 2048;

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

/// A socket on the way to the router that hears everybody.
///
/// # Errors
/// Those of the system calls, with what was being done.
pub(super) async fn open(gateway: &Gateway) -> Result<UdpSocket, String> {
    let from = SocketAddr::from((gateway.source.unwrap_or(Ipv4Addr::UNSPECIFIED), 0));
    let socket = UdpSocket::bind(from).await.map_err(|error| format!("sending from {}: {error}", from.ip()))?;
    if let Some(interface) = &gateway.interface {
        match tie(&socket, interface) {
            // What was not asked for need not be had: Linux before 5.7 allows it to root alone, other systems do not know it.
            Err(error) if gateway.named => return Err(format!("sending by {interface}: {error}")),
            _ => {}
        }
    }
    Ok(socket)
}

/// Has a socket send and hear by this interface alone.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn tie(socket: &UdpSocket, interface: &str) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

/// Refused: there is no portable way.
#[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
fn tie(_: &UdpSocket, _: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system cannot tie a socket to an interface"))
}

/// A socket that hears this port of the router alone: the kernel drops what comes from elsewhere.
///
/// # Errors
/// As [`open`], and where there is no way to the router.
pub(super) async fn open_to(gateway: &Gateway, port: u16) -> Result<UdpSocket, String> {
    let socket = open(gateway).await?;
    socket.connect((gateway.address, port)).await.map_err(|error| format!("there is no way to it: {error}"))?;
    Ok(socket)
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
