//! What a zone's own name servers answer: never a recursive resolver's answer for the record itself.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use futures_util::future::join_all;
use hickory_proto::op::{DnsResponse, Query, ResponseCode};
use hickory_proto::rr::{Name as WireName, RData, RecordType as WireType};
use tokio::time::timeout;

use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey, Ttl, Value, Values, list};
use crate::net::via::Via;

mod exchange;
pub mod presentation;
pub mod whoami;

/// How many name servers are asked at most.
pub const MAX_SERVERS: usize = 8;

/// How long everything may take.
const ALL: Duration = Duration::from_secs(10);

/// Where the system names its resolvers (resolv.conf(5)).
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// How many resolvers are asked, as the C library does (resolv.conf(5), MAXNS).
const MAX_RESOLVERS: usize = 3;
/// The port of DNS.
pub const PORT: u16 = 53;

/// What one name server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where it was asked.
    pub server: SocketAddr,
    /// What it is called.
    pub name: String,
    /// The values it holds with authority, none where the name or the type does not exist (an alias at the name means
    /// that the type does not), or why it is not known what it holds.
    pub outcome: Result<Values, String>,
    /// The lowest TTL of the values.
    pub ttl: Option<Ttl>,
}

/// What the answers of a zone's name servers say about a wanted record set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every server that answered holds what is wanted, perhaps beside values of others, and at least one answered.
    Seen,
    /// At least one server holds something else.
    NotYet {
        /// The first of them: name and address.
        server: String,
        /// What it holds.
        holds: Values,
    },
    /// No server answered with authority: why.
    Unknown(String),
}

/// Asks each of the servers, named as [`name_servers`] names them, directly and without recursion; at most
/// [`MAX_SERVERS`] of them, all at once, within 10 seconds. One answer a server, in their order.
///
/// An outcome is an error when the server is silent, does not answer with authority (RFC 1035, section 4.1.1, AA),
/// answers with an error other than NXDOMAIN, or for types other than A, AAAA and TXT, which are not compared with
/// DNS.
pub async fn authoritative(key: &RrsetKey, servers: &[(String, SocketAddr)]) -> Vec<Answer> {
    let asked = servers.iter().take(MAX_SERVERS);
    join_all(asked.map(|(name, server)| async move {
        let (outcome, ttl) = match timeout(ALL, held(key, *server)).await {
            Ok(Ok((values, ttl))) => (Ok(values), ttl),
            Ok(Err(why)) => (Err(why), None),
            Err(_) => (Err(silence(ALL)), None),
        };
        Answer { server: *server, name: name.clone(), outcome, ttl }
    }))
    .await
}

/// Whether the answers agree with what is wanted. Servers without an answer do not count: one that is down, or cannot
/// be reached from here, must not hold anything up.
#[must_use]
pub fn agreement(answers: &[Answer], wanted: &Values) -> Verdict {
    let mut answered = false;
    for answer in answers {
        let Ok(holds) = &answer.outcome else { continue };
        if !wanted.is_subset(holds) {
            return Verdict::NotYet { server: shown(answer), holds: holds.clone() };
        }
        answered = true;
    }
    if answered {
        return Verdict::Seen;
    }
    let why =
        answers.iter().filter_map(|answer| Some(format!("{}: {}", shown(answer), answer.outcome.as_ref().err()?)));
    match why.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() => Verdict::Unknown("no name server was asked".into()),
        why => Verdict::Unknown(why),
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seen => f.write_str("the zone's name servers answer what is wanted"),
            Self::NotYet { server, holds } => write!(f, "{server} still answers {}", list(holds)),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

fn shown(answer: &Answer) -> String {
    format!("{} ({})", answer.name, answer.server.ip())
}

/// The name servers of the zone that `name` lies in, by name and address, at most [`MAX_SERVERS`], found through the
/// system's resolvers within 10 seconds. `/etc/resolv.conf` is read at each call; without it, or without a resolver in
/// it, the resolver of this machine is asked (resolv.conf(5)).
///
/// # Errors
/// When no resolver answers, when no zone is found, or when none of its name servers has an address.
pub async fn name_servers(name: &Name) -> Result<Vec<(String, SocketAddr)>, String> {
    Ok(delegation(name).await?.servers)
}

/// A zone that DNS knows, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    /// The zone.
    pub zone: Name,
    /// Its name servers, by name and address.
    pub servers: Vec<(String, SocketAddr)>,
}

/// The closest zone at or above `name` with its servers, found as [`name_servers`] says. Where the zone that was meant is not
/// delegated this is the one above it.
///
/// # Errors
/// Those of [`name_servers`].
pub async fn delegation(name: &Name) -> Result<Delegation, String> {
    delegation_by(system_resolvers(), name).await
}

/// Whether each of the system's resolvers answers; see [`name_servers`] for which they are. Each is asked for the name servers of the root,
/// within six seconds, all at once; any answer will do.
pub async fn resolvers_answer() -> Vec<(SocketAddr, Result<(), String>)> {
    join_all(system_resolvers().into_iter().map(|resolver| async move {
        let answer = ask(resolver, &WireName::root(), WireType::NS, true).await;
        let answer = answer.and_then(|reply| match reply.response_code {
            ResponseCode::NoError => Ok(()),
            code => Err(refusal(code)),
        });
        (resolver, answer)
    }))
    .await
}

/// Whether the system's configuration names a resolver; else the one on this machine is asked (resolv.conf(5)).
#[must_use]
pub fn names_a_resolver() -> bool {
    !named(&std::fs::read_to_string(RESOLV_CONF).unwrap_or_default()).is_empty()
}

fn system_resolvers() -> Vec<SocketAddr> {
    resolvers(&std::fs::read_to_string(RESOLV_CONF).unwrap_or_default())
}

async fn delegation_by(mut resolvers: Vec<SocketAddr>, name: &Name) -> Result<Delegation, String> {
    let search = async {
        let (zone, names) = zone_servers(&mut resolvers, name).await?;
        Ok(Delegation { zone, servers: addresses(&resolvers, &names).await? })
    };
    timeout(ALL, search).await.map_err(|_| format!("looking for the name servers of {name}: {}", silence(ALL)))?
}

/// The closest zone at or above `name`, and the names of its servers in alphabetical order.
async fn zone_servers(resolvers: &mut [SocketAddr], name: &Name) -> Result<(Name, Vec<WireName>), String> {
    for zone in zones(name) {
        let owner = wire(&zone)?;
        let reply = resolve(resolvers, &owner, WireType::NS).await?;
        // An alias may lead to the servers of another zone: only records of the name itself count.
        let mut names: Vec<_> = reply
            .answers
            .iter()
            .filter(|record| record.name == owner)
            .filter_map(|record| if let RData::NS(server) = &record.data { Some(server.0.clone()) } else { None })
            .collect();
        if !names.is_empty() {
            // Resolvers rotate them; the same ones should be asked each time.
            names.sort();
            names.truncate(MAX_SERVERS);
            return Ok((zone, names));
        }
    }
    Err(format!("no zone was found for {name}"))
}

/// The names that can be the apex of the zone `name` lies in, closest first, down to the last label: a zone of one's
/// own network can be called `lan`.
fn zones(name: &Name) -> impl Iterator<Item = Name> + '_ {
    let last = name.as_str().rsplit_once('.').and_then(|(_, last)| Name::parse(last).ok());
    name.suffixes().filter(|zone| !zone.as_str().starts_with('*')).chain(last)
}

/// The addresses of the servers: first one of each server and family (a machine may have only one of them), then the
/// others.
async fn addresses(resolvers: &[SocketAddr], names: &[WireName]) -> Result<Vec<(String, SocketAddr)>, String> {
    let questions = names.iter().flat_map(|name| [(name, WireType::A), (name, WireType::AAAA)]);
    let answers = join_all(questions.map(|(name, wanted)| async move {
        let reply = resolve(&mut resolvers.to_vec(), name, wanted).await?;
        let ips = reply.answers.iter().filter_map(|record| address(&record.data));
        Ok((shown_name(name), ips.collect::<Vec<_>>()))
    }))
    .await;
    let mut why = None;
    let mut found = Vec::new();
    for answer in answers {
        match answer {
            Ok((name, ips)) => found.extend(ips.into_iter().enumerate().map(|(at, ip)| (at, name.clone(), ip))),
            Err(error) => why = Some::<String>(error),
        }
    }
    found.sort_by_key(|(at, ..)| *at);
    let mut servers: Vec<(String, SocketAddr)> = Vec::new();
    for (_, name, ip) in found {
        if servers.len() < MAX_SERVERS && servers.iter().all(|(_, known)| known.ip() != ip) {
            servers.push((name, SocketAddr::new(ip, PORT)));
        }
    }
    if servers.is_empty() { Err(why.unwrap_or_else(|| "the name servers have no address".into())) } else { Ok(servers) }
}

/// Asks the resolvers in their order until one answers; one that fails is asked last from then on.
async fn resolve(resolvers: &mut [SocketAddr], name: &WireName, rtype: WireType) -> Result<DnsResponse, String> {
    let mut why = String::new();
    for _ in 0..resolvers.len() {
        let Some(resolver) = resolvers.first().copied() else { break };
        match ask(resolver, name, rtype, true).await {
            Ok(reply) if matches!(reply.response_code, ResponseCode::NoError | ResponseCode::NXDomain) => {
                return Ok(reply);
            }
            Ok(reply) => why = refusal(reply.response_code),
            Err(error) => why = error,
        }
        why = format!("asking the resolver {} for {} {rtype}: {why}", resolver.ip(), shown_name(name));
        resolvers.rotate_left(1);
    }
    Err(why)
}

/// The resolvers that a `resolv.conf` names.
fn resolvers(text: &str) -> Vec<SocketAddr> {
    let named = named(text);
    if named.is_empty() { vec![SocketAddr::from(([127, 0, 0, 1], PORT))] } else { named }
}

/// The resolvers that stand there, as many as are asked.
fn named(text: &str) -> Vec<SocketAddr> {
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let named = words.filter_map(|words| match words[..] {
        ["nameserver", address, ..] => resolver(address),
        _ => None,
    });
    named.take(MAX_RESOLVERS).collect()
}

/// A resolver's address, for a link-local one with the interface it is on: `fe80::1%eth0`.
fn resolver(text: &str) -> Option<SocketAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, PORT));
    }
    let (ip, interface) = text.split_once('%')?;
    let index = match interface.parse() {
        Ok(index) => index,
        Err(_) => if_addrs::get_if_addrs().ok()?.into_iter().find(|here| here.name == interface)?.index?,
    };
    Some(SocketAddrV6::new(ip.parse::<Ipv6Addr>().ok()?, PORT, 0, index).into())
}

/// What a server holds with authority.
async fn held(key: &RrsetKey, server: SocketAddr) -> Result<(Values, Option<Ttl>), String> {
    let rtype = match key.rtype {
        RecordType::A => WireType::A,
        RecordType::Aaaa => WireType::AAAA,
        RecordType::Txt => WireType::TXT,
        other => return Err(format!("{other} records are not compared with DNS")),
    };
    let owner = wire(&key.name)?;
    let reply = ask(server, &owner, rtype, false).await?;
    match reply.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain if !reply.authoritative => {
            Err("it does not answer for this name with authority".into())
        }
        ResponseCode::NoError => {
            let records = reply.answers.iter().filter(|record| record.name == owner);
            let records = records.filter_map(|record| Some((value(rtype, &record.data)?, record.ttl)));
            let (values, ttls): (Values, Vec<u32>) = records.unzip();
            // A TTL with the highest bit set counts as zero (RFC 2181, section 8).
            Ok((values, ttls.into_iter().map(|ttl| if ttl > Ttl::MAX { 0 } else { ttl }).min().and_then(Ttl::new)))
        }
        ResponseCode::NXDomain => Ok((Values::new(), None)),
        other => Err(refusal(other)),
    }
}

/// The value of a record, if it is of the type asked for.
fn value(rtype: WireType, data: &RData) -> Option<Value> {
    match (rtype, data) {
        (WireType::A | WireType::AAAA, data) if data.record_type() == rtype => address(data).map(Value::from),
        (WireType::TXT, RData::TXT(text)) => {
            Some(Value::Text(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()))
        }
        _ => None,
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

/// One question to a name server about a zone, as the routing table leads there.
async fn ask(server: SocketAddr, name: &WireName, rtype: WireType, recursion: bool) -> Result<DnsResponse, String> {
    exchange::ask(server, Query::query(name.clone(), rtype), recursion, &Via::default()).await
}

fn silence(after: Duration) -> String {
    format!("no answer within {} s", after.as_secs())
}

fn refusal(code: ResponseCode) -> String {
    format!("it answered with an error: {code}")
}

fn wire(name: &Name) -> Result<WireName, String> {
    WireName::from_ascii(name.fqdn()).map_err(|error| format!("{name} cannot be asked for: {error}"))
}

/// A wire name for people, without the trailing dot.
fn shown_name(name: &WireName) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

/// The fuzzer's door: an answer of any content, and a file of resolvers.
#[cfg(fuzzing)]
pub fn fuzz(octets: &[u8]) {
    let _ = resolvers(&String::from_utf8_lossy(octets));
    let Ok(reply) = exchange::read(octets.to_vec()) else { return };
    for record in &reply.answers {
        for rtype in [WireType::A, WireType::AAAA, WireType::TXT] {
            let _ = value(rtype, &record.data);
        }
        let _ = shown_name(&record.name);
    }
}

#[cfg(test)]
mod bind;
#[cfg(test)]
mod tests;
