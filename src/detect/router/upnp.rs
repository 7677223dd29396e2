//! UPnP IGD: the router is searched for, describes itself, and is asked for its address outside. It changes nothing there.
//!
//! Nobody but the router is believed: answers to the search count from its address alone, and only that address is called.

pub mod read;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use tokio::net::UdpSocket;
use tokio::time::timeout;

pub use self::read::Control;
use self::read::{CALL, DEVICE, read_address, read_description, read_found, read_refusal};
use super::datagram;
use super::gateway::Gateway;
use crate::model::address::PublicAddr;
use crate::model::record::Family;
use crate::net::http::{self, Http, Reply};

/// The port of the search (UPnP Device Architecture, section 1.3).
pub(super) const PORT: u16 = 1900;
/// Whom the search is sent to where the router does not answer for itself.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
/// How far the search goes (section 1.3.2).
const HOPS: u32 = 2;
/// How long each step of the search waits. The first asks the router alone, so that the whole network is only asked where the
/// router answers nobody else.
const STEPS: [Duration; 3] = [Duration::from_millis(700), Duration::from_millis(1300), Duration::from_millis(1300)];
/// A description's bound, in octets: they have 2 to 20 KiB.
const DESCRIPTION: usize = http::SINGLE;
/// An answer's bound, in octets.
const ANSWER: usize = http::ECHO;

/// What the router says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its address outside; whether that is a public one is not decided here.
    pub address: Ipv4Addr,
    /// Where it was asked.
    pub controls: Vec<Control>,
}

/// Asks the router, where it was asked before or where it says.
pub(super) async fn ask(gateway: &Gateway, port: u16, known: Vec<Control>) -> Result<Answer, String> {
    let http = Http::new(Some(Family::Ipv4)).going(&gateway.via);
    if !known.is_empty()
        && let Ok(address) = call_all(&http, &known).await
    {
        return Ok(Answer { address, controls: known });
    }
    let place = search(gateway, port).await?;
    let doing = format!("reading the description at {}", http::shown(&place));
    let reply = http.send(Request::new(Method::GET, place.clone()), DESCRIPTION, &doing).await;
    let reply = reply.map_err(|error| error.to_string())?;
    let controls = described(&reply)
        .and_then(|()| read_description(&reply.body, &place, gateway.address))
        .map_err(|why| format!("{doing}: {why}"))?;
    let address = call_all(&http, &controls).await?;
    Ok(Answer { address, controls })
}

/// Only a plain success is a description.
fn described(reply: &Reply) -> Result<(), String> {
    match reply.status {
        200 => Ok(()),
        300..=399 => Err("the answer is a redirect, which is not followed".into()),
        status => Err(format!("the answer has status {status}")),
    }
}

/// Looks for the router's description.
async fn search(gateway: &Gateway, port: u16) -> Result<Url, String> {
    let router = SocketAddr::from((gateway.address, port));
    let no_way = |error| format!("there is no way to it: {error}");
    let socket = gateway.via.udp_open(0, router).await.map_err(no_way)?;
    let mut others = vec![router];
    let mut noise = None;
    for (step, wait) in STEPS.into_iter().enumerate() {
        if step == 1 && may_ask_all(&socket, gateway) {
            others.push(SocketAddr::from((GROUP, port)));
        }
        for to in &others {
            for version in [1, 2] {
                let sent = socket.send_to(search_for(*to, version).as_bytes(), to).await;
                // Where the whole network cannot be asked, the router still can.
                if *to == router {
                    sent.map_err(no_way)?;
                }
            }
        }
        if let Ok(place) = timeout(wait, listen(&socket, gateway.address, &mut noise)).await {
            return place;
        }
    }
    Err(noise.unwrap_or_else(|| "no answer to the search".into()))
}

/// Prepares the search in the whole network; whether that can be done.
fn may_ask_all(socket: &UdpSocket, gateway: &Gateway) -> bool {
    let by = match gateway.via.address {
        Some(IpAddr::V4(ours)) => rustix::net::sockopt::set_ip_multicast_if(socket, &ours).is_ok(),
        _ => true,
    };
    by && socket.set_multicast_ttl_v4(HOPS).is_ok()
}

fn search_for(to: SocketAddr, version: u8) -> String {
    // Seconds within which they answer: everybody at once would be too much for large networks.
    let within = 1;
    format!(
        "M-SEARCH * HTTP/1.1\r\nHOST: {to}\r\nMAN: \"ssdp:discover\"\r\nMX: {within}\r\nST: {DEVICE}{version}\r\n\
         USER-AGENT: driftless/{} UPnP/1.1\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// Waits for the router's first good answer. It need not come from the port that was asked.
async fn listen(socket: &UdpSocket, router: Ipv4Addr, noise: &mut Option<String>) -> Result<Url, String> {
    let mut octets = [0; datagram::MAX];
    loop {
        let (length, from) = socket.recv_from(&mut octets).await.map_err(|error| error.to_string())?;
        if from.ip() != router {
            continue;
        }
        match read_found(octets.get(..length).unwrap_or_default(), router) {
            Ok(place) => return Ok(place),
            Err(why) => *noise = Some(why),
        }
    }
}

/// Asks each connection of the router. Those that are not connected do not count; of several addresses the one public one does.
async fn call_all(http: &Http, controls: &[Control]) -> Result<Ipv4Addr, String> {
    let (mut found, mut doubts) = (BTreeSet::new(), Vec::new());
    for control in controls {
        match call(http, control).await {
            Ok(address) => drop(found.insert(address)),
            Err(why) => doubts.push(why),
        }
    }
    if found.len() > 1 && found.iter().any(|address| PublicAddr::new((*address).into()).is_ok()) {
        found.retain(|address| PublicAddr::new((*address).into()).is_ok());
    }
    let mut each = found.iter();
    match (each.next(), each.next()) {
        (Some(address), None) => Ok(*address),
        (Some(one), Some(two)) => Err(format!("it has several addresses outside, {one} and {two} among them")),
        (None, _) => Err(doubts.into_iter().next().unwrap_or_else(|| "it has no connection".into())),
    }
}

/// Asks one connection.
async fn call(http: &Http, control: &Control) -> Result<Ipv4Addr, String> {
    let doing = format!("asking {}", http::shown(&control.url));
    let body = format!(
        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><u:{CALL} xmlns:u=\"{}\"></u:{CALL}>\
         </s:Body></s:Envelope>\r\n",
        control.service
    );
    let action =
        HeaderValue::from_str(&format!("\"{}#{CALL}\"", control.service)).map_err(|error| error.to_string())?;
    let mut request = Request::new(Method::POST, control.url.clone());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=\"utf-8\""));
    request.headers_mut().insert("soapaction", action);
    *request.body_mut() = Some(body.into());
    let reply = http.send(request, ANSWER, &doing).await.map_err(|error| error.to_string())?;
    let said = match reply.status {
        500 => Err(read_refusal(&reply.body).unwrap_or_else(|| "the answer has status 500".into())),
        _ => described(&reply).and_then(|()| read_address(&reply.body)),
    };
    said.map_err(|why| format!("{doing}: {why}"))
}
