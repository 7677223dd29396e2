//! The router's word on its own address outside: by NAT-PMP, UPnP IGD or PCP, whichever it speaks.
//!
//! One detector, not three: whatever the protocol, it is one device that speaks, and so one voice in a quorum.
//!
//! A router whose outside is private, or in a carrier's shared block, is no failure: the finding is `Reading::Behind`, which is
//! never published and tells that another NAT is between it and the internet.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use self::gateway::Gateway;
use super::Detector;
use super::protocol::Protocol;
use super::way::Asked;
use crate::model::address::{allowed, is_carriers};
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::net::via::Via;
use crate::os::netlink;

pub mod datagram;
pub mod gateway;
pub mod natpmp;
pub mod pcp;
#[cfg(test)]
mod tests;
pub mod upnp;

/// How often a router is asked at most while the network stays the same: it is near and cheap, but a link that flaps must not
/// keep it busy.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// How long it may take in all.
const WITHIN: Duration = Duration::from_secs(10);
/// Of that, how long UPnP may, so that time is left for PCP: the search and two or three short calls within the house.
const UPNP: Duration = Duration::from_secs(5);

/// Which router, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterOptions {
    /// The router's address on our side; `None` for that of the IPv4 default route.
    pub router: Option<Ipv4Addr>,
    /// The interface that it must be reached by, and the address that it is asked from.
    pub via: Via,
    /// The protocols, in any order; NAT-PMP and UPnP are asked side by side, and PCP where neither answers.
    pub protocols: Vec<Protocol>,
    /// Whether an address of a network of one's own is one that may be published.
    pub private: bool,
}

/// What it is called as a source: `router of the default route`, `router 192.168.1.1 via natpmp, pcp by eth0`.
impl fmt::Display for RouterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.router {
            Some(router) => write!(f, "router {router}")?,
            None => f.write_str("router of the default route")?,
        }
        if self.protocols.len() < Protocol::ALL.len() {
            let words: Vec<&str> = self.protocols.iter().map(|protocol| protocol.word()).collect();
            write!(f, " via {}", words.join(", "))?;
        }
        write!(f, "{}", self.via)
    }
}

/// Where each protocol is spoken; other ports are for tests.
#[derive(Clone, Copy, Debug)]
struct Ports {
    mapping: u16,
    search: u16,
}

/// The detector.
pub struct Router {
    options: RouterOptions,
    ports: Ports,
    known: Mutex<Option<Known>>,
}

/// What was found out about a router, so that next time it is asked at once in the way in which it answered.
#[derive(Clone, Debug)]
struct Known {
    gateway: Gateway,
    answer: Answer,
}

/// A router's answer.
#[derive(Clone, Debug)]
struct Answer {
    protocol: Protocol,
    address: Ipv4Addr,
    /// How long the router remembers, in seconds, where the protocol says it.
    epoch: Option<u32>,
    /// Where UPnP was asked.
    controls: Vec<upnp::Control>,
}

impl Router {
    /// A detector with these options.
    #[must_use]
    pub fn new(options: RouterOptions) -> Self {
        let ports = Ports { mapping: natpmp::PORT, search: upnp::PORT };
        Self { options, ports, known: Mutex::default() }
    }

    async fn ask(&self) -> Result<Ipv4Addr, String> {
        let snapshot = netlink::snapshot().map_err(|error| format!("reading this machine's routes: {error}"))?;
        let gateway = gateway::find(&snapshot, self.options.router, &self.options.via)?;
        let known = self.take_known().filter(|known| known.gateway == gateway).map(|known| known.answer);
        let mut doubts = Vec::new();
        if let Some(known) = &known {
            match self.by(known.protocol, &gateway, known.controls.clone()).await {
                Ok(answer) => return Ok(self.keep(gateway, answer, Some(known))),
                Err(why) => doubts.push(why),
            }
        }
        let tried = known.map(|known| known.protocol);
        let mut protocols = self.options.protocols.clone();
        protocols.retain(|protocol| Some(*protocol) != tried);
        // PCP changes something at the router, if only for a moment, and so it waits for the others.
        let (last, first): (Vec<_>, Vec<_>) = protocols.into_iter().partition(|one| *one == Protocol::Pcp);
        for together in [first, last] {
            let mut asked: FuturesUnordered<_> =
                together.into_iter().map(|protocol| self.by(protocol, &gateway, Vec::new())).collect();
            while let Some(answer) = asked.next().await {
                match answer {
                    Ok(answer) => return Ok(self.keep(gateway.clone(), answer, None)),
                    Err(why) => doubts.push(why),
                }
            }
        }
        doubts.sort();
        Err(format!("the router {} does not say it: {}", gateway.address, doubts.join("; ")))
    }

    /// Asks in one way.
    async fn by(&self, protocol: Protocol, gateway: &Gateway, controls: Vec<upnp::Control>) -> Result<Answer, String> {
        let Ports { mapping, search } = self.ports;
        let plain = |address, epoch| Answer { protocol, address, epoch: Some(epoch), controls: Vec::new() };
        let answer = match protocol {
            Protocol::NatPmp => natpmp::ask(gateway, mapping).await.map(|said| plain(said.address, said.epoch)),
            Protocol::Pcp => pcp::ask(gateway, mapping).await.map(|said| plain(said.address, said.epoch)),
            Protocol::Upnp => match timeout(UPNP, upnp::ask(gateway, search, controls)).await {
                Ok(said) => {
                    said.map(|upnp::Answer { address, controls }| Answer { protocol, address, epoch: None, controls })
                }
                Err(_) => Err(format!("no answer within {} s", UPNP.as_secs())),
            },
        };
        answer.map_err(|why| format!("{}: {why}", protocol.name()))
    }

    fn take_known(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Remembers who answered and how.
    fn keep(&self, gateway: Gateway, answer: Answer, before: Option<&Answer>) -> Ipv4Addr {
        // RFC 6886, section 3.6: a clock that went back belongs to a router that began anew. It is asked each time anyway.
        if let (Some(then), Some(now)) = (before.and_then(|before| before.epoch), answer.epoch)
            && now < then
        {
            tracing::debug!("the router {} began anew {now} s ago", gateway.address);
        }
        let address = answer.address;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known { gateway, answer });
        address
    }
}

#[async_trait]
impl Detector for Router {
    async fn detect(&self, family: Family) -> Reading {
        if family != Family::Ipv4 {
            return Reading::Unknown("a router is only asked for IPv4: it does not translate IPv6".into());
        }
        match timeout(WITHIN, self.ask()).await {
            Ok(Ok(address)) => read(address, self.options.private),
            Ok(Err(why)) => Reading::Unknown(why),
            Err(_) => Reading::Unknown(format!("the router gave no answer within {} s", WITHIN.as_secs())),
        }
    }

    fn network_changed(&self) {
        drop(self.take_known());
    }

    fn asked(&self) -> Option<Asked> {
        Some(Asked::Router { via: self.options.via.clone(), router: self.options.router })
    }
}

/// What an address outside means: `8.8.8.8` is one, `100.64.3.2` says that a NAT is in front of the router, and `224.0.0.1` is
/// nonsense.
fn read(address: Ipv4Addr, private: bool) -> Reading {
    let address = IpAddr::V4(address);
    match allowed(address, private) {
        Ok(address) => Reading::Addresses(vec![address]),
        Err(_) if is_carriers(address) => Reading::Behind(address),
        Err(why) if why.is_private() && !address.is_loopback() => Reading::Behind(address),
        Err(why) => {
            Reading::Unknown(format!("the router says that it has an address outside which {why}: not believed"))
        }
    }
}
