//! The few netlink messages that are sent and understood. Each is parsed by itself: the library's enum of all messages brings
//! every parser it has.

use std::net::Ipv6Addr;

use netlink_packet_core::{
    DecodeError, Emitable, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable, NlasIterator, Parseable,
    parse_ip, parse_string, parse_u32,
};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeader, AddressMessage, AddressScope};
use netlink_packet_route::link::{LinkFlags, LinkHeader, LinkLayerType};
use netlink_packet_route::neighbour::{NeighbourFlags, NeighbourHeader, NeighbourState};
use netlink_packet_route::route::{RouteFlags, RouteHeader, RouteNextHopBuffer, RouteType};

use super::{Address, DefaultRoute, Flags, Lifetime, Link, Neighbour, Scope};
use crate::model::mac::Mac;
use crate::model::prefix::Prefix;
use crate::model::record::Family;

// Message types, from linux/rtnetlink.h.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_GETROUTE: u16 = 26;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;

// Attributes, from linux/if_link.h, linux/neighbour.h and linux/rtnetlink.h.
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
pub(super) const RTA_DST: u16 = 1;
pub(super) const RTA_SRC: u16 = 2;
pub(super) const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_MULTIPATH: u16 = 9;
const RTA_VIA: u16 = 18;

/// The octets of the fixed part of a link, a neighbour, a route and a next hop, in front of the attributes.
const LINK_HEADER: usize = 16;
const NEIGHBOUR_HEADER: usize = 12;
pub(super) const ROUTE_HEADER: usize = 12;
const NEXT_HOP_HEADER: usize = 8;
/// The octets of the family in front of the address of an `RTA_VIA`.
const VIA_FAMILY: usize = 2;

/// A message, to the kernel or from it.
#[derive(Debug)]
pub enum Message {
    /// Asks for a list.
    Ask(Question),
    /// A link.
    Link(Link),
    /// An address; none where the message holds none that is of use.
    Address(Option<Address>),
    /// A neighbour; none where the message holds none that is of use.
    Neighbour(Option<Neighbour>),
    /// A route's next hops if it is a default route, or nothing.
    Routes(Vec<DefaultRoute>),
    /// The destination of an IPv6 route that leads nowhere.
    DeadEnd(Prefix),
    /// Anything else.
    Other,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// All links.
    Links,
    /// All addresses of both families.
    Addresses,
    /// All IPv6 neighbours.
    Neighbours,
    /// A family's routes in the main table.
    Routes(Family),
}

impl Question {
    /// The fixed part of the request. Links and addresses are asked for by their family alone, which is any.
    fn header(self) -> Box<dyn Emitable> {
        match self {
            Self::Links => Box::new(LinkHeader::default()),
            Self::Addresses => Box::new(AddressHeader::default()),
            Self::Neighbours => {
                Box::new(NeighbourHeader { family: AddressFamily::Inet6, ..NeighbourHeader::default() })
            }
            Self::Routes(family) => Box::new(RouteHeader {
                address_family: number(family),
                table: RouteHeader::RT_TABLE_MAIN,
                ..RouteHeader::default()
            }),
        }
    }
}

/// The kernel's number for a family.
pub(super) fn number(family: Family) -> AddressFamily {
    match family {
        Family::Ipv4 => AddressFamily::Inet,
        Family::Ipv6 => AddressFamily::Inet6,
    }
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        match self {
            Self::Ask(Question::Links) => RTM_GETLINK,
            Self::Ask(Question::Addresses) => RTM_GETADDR,
            Self::Ask(Question::Neighbours) => RTM_GETNEIGH,
            Self::Ask(Question::Routes(_)) => RTM_GETROUTE,
            Self::Link(_) => RTM_NEWLINK,
            Self::Address(_) => RTM_NEWADDR,
            Self::Neighbour(_) => RTM_NEWNEIGH,
            Self::Routes(_) | Self::DeadEnd(_) => RTM_NEWROUTE,
            Self::Other => 0,
        }
    }

    fn buffer_len(&self) -> usize {
        match self {
            Self::Ask(question) => question.header().buffer_len(),
            _ => 0,
        }
    }

    fn serialize(&self, buffer: &mut [u8]) {
        if let Self::Ask(question) = self {
            question.header().emit(buffer);
        }
    }
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        match header.message_type {
            RTM_NEWLINK => link(payload).map(Self::Link),
            RTM_NEWADDR => address(&AddressMessage::parse(payload)?).map(Self::Address),
            RTM_NEWNEIGH => neighbour(payload).map(Self::Neighbour),
            RTM_NEWROUTE => match dead_end(payload)? {
                Some(prefix) => Ok(Self::DeadEnd(prefix)),
                None => routes(payload).map(Self::Routes),
            },
            _ => Ok(Self::Other),
        }
    }
}

/// What follows the first `length` octets.
pub(super) fn after(payload: &[u8], length: usize) -> &[u8] {
    payload.get(length..).unwrap_or_default()
}

fn link(payload: &[u8]) -> Result<Link, DecodeError> {
    let header = LinkHeader::parse(payload)?;
    let (mut name, mut kind) = (String::new(), None);
    for attribute in NlasIterator::new(after(payload, LINK_HEADER)) {
        let attribute = attribute?;
        match attribute.kind() {
            IFLA_IFNAME => name = parse_string(attribute.value())?,
            IFLA_LINKINFO => kind = kind_of(attribute.value())?,
            _ => {}
        }
    }
    Ok(Link {
        index: header.index,
        name,
        kind,
        ethernet: header.link_layer_type == LinkLayerType::Ether,
        up: header.flags.contains(LinkFlags::Up),
        running: header.flags.contains(LinkFlags::Running),
        loopback: header.flags.contains(LinkFlags::Loopback),
    })
}

/// What a link's nested attributes call it.
fn kind_of(nested: &[u8]) -> Result<Option<String>, DecodeError> {
    let mut kind = None;
    for attribute in NlasIterator::new(nested) {
        let attribute = attribute?;
        if attribute.kind() == IFLA_INFO_KIND {
            kind = Some(parse_string(attribute.value())?);
        }
    }
    Ok(kind)
}

fn address(message: &AddressMessage) -> Result<Option<Address>, DecodeError> {
    let header = &message.header;
    // The header has room for the first eight flags only; the attribute has them all.
    let mut bits = AddressFlags::from_bits_retain(u32::from(header.flags.bits()));
    let (mut local, mut named) = (None, None);
    let (mut preferred, mut valid) = (Lifetime::Forever, Lifetime::Forever);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => named = Some(*ip),
            AddressAttribute::Flags(all) => bits = *all,
            AddressAttribute::CacheInfo(info) => {
                (preferred, valid) = (lifetime(info.ifa_preferred), lifetime(info.ifa_valid));
            }
            _ => {}
        }
    }
    // With a peer, the local address is ours and the other one is the peer's.
    let Some(ip) = local.or(named) else { return Ok(None) };
    let (index, prefix, scope, flags) =
        (header.index, header.prefix_len, scope(header.scope), flags(bits, ip.is_ipv6()));
    Ok(Some(Address { index, ip, prefix, scope, flags, preferred, valid }))
}

fn lifetime(seconds: u32) -> Lifetime {
    match seconds {
        0 => Lifetime::Zero,
        u32::MAX => Lifetime::Forever,
        seconds => Lifetime::Seconds(seconds),
    }
}

fn scope(scope: AddressScope) -> Scope {
    match scope {
        AddressScope::Universe => Scope::Universe,
        AddressScope::Site => Scope::Site,
        AddressScope::Link => Scope::Link,
        AddressScope::Host => Scope::Host,
        other => Scope::Other(other.into()),
    }
}

fn flags(bits: AddressFlags, ipv6: bool) -> Flags {
    // One bit, two meanings (linux/if_addr.h): IFA_F_SECONDARY and IFA_F_TEMPORARY.
    let shared = bits.contains(AddressFlags::Secondary);
    Flags {
        temporary: shared && ipv6,
        secondary: shared && !ipv6,
        deprecated: bits.contains(AddressFlags::Deprecated),
        tentative: bits.contains(AddressFlags::Tentative),
        dad_failed: bits.contains(AddressFlags::Dadfailed),
        optimistic: bits.contains(AddressFlags::Optimistic),
        temporaries: bits.contains(AddressFlags::Managetempaddr),
        stable_privacy: bits.contains(AddressFlags::StablePrivacy),
        permanent: bits.contains(AddressFlags::Permanent),
    }
}

/// An IPv6 neighbour with a MAC address; nothing for others, and for those that this machine only answers for.
fn neighbour(payload: &[u8]) -> Result<Option<Neighbour>, DecodeError> {
    let header = NeighbourHeader::parse(payload)?;
    if header.family != AddressFamily::Inet6 || header.flags.contains(NeighbourFlags::Proxy) {
        return Ok(None);
    }
    let (mut ip, mut mac) = (None, None);
    for attribute in NlasIterator::new(after(payload, NEIGHBOUR_HEADER)) {
        let attribute = attribute?;
        match attribute.kind() {
            NDA_DST => ip = parse_v6(attribute.value()),
            // Another kind of link has addresses of another length.
            NDA_LLADDR => mac = attribute.value().try_into().ok().and_then(Mac::new),
            _ => {}
        }
    }
    let reachable = matches!(header.state, NeighbourState::Reachable | NeighbourState::Permanent);
    Ok(ip.zip(mac).map(|(ip, mac)| Neighbour { ip, mac, reachable }))
}

fn parse_v6(value: &[u8]) -> Option<Ipv6Addr> {
    <[u8; 16]>::try_from(value).ok().map(Ipv6Addr::from)
}

/// The destination of an IPv6 route of the main table that leads nowhere; nothing for the default one.
fn dead_end(payload: &[u8]) -> Result<Option<Prefix>, DecodeError> {
    let header = RouteHeader::parse(payload)?;
    let leads_nowhere = matches!(header.kind, RouteType::BlackHole | RouteType::Unreachable | RouteType::Prohibit);
    let is_of_use = leads_nowhere
        && header.address_family == AddressFamily::Inet6
        && header.table == RouteHeader::RT_TABLE_MAIN
        && header.destination_prefix_length > 0;
    if !is_of_use {
        return Ok(None);
    }
    let mut found = None;
    for attribute in NlasIterator::new(after(payload, ROUTE_HEADER)) {
        let attribute = attribute?;
        if attribute.kind() == RTA_DST {
            found = parse_v6(attribute.value());
        }
    }
    Ok(found.map(|address| Prefix::of(address, header.destination_prefix_length)))
}

/// The next hops of a default route; nothing for other routes, of which there may be a million.
fn routes(payload: &[u8]) -> Result<Vec<DefaultRoute>, DecodeError> {
    let header = RouteHeader::parse(payload)?;
    let family = match header.address_family {
        AddressFamily::Inet => Family::Ipv4,
        AddressFamily::Inet6 => Family::Ipv6,
        _ => return Ok(Vec::new()),
    };
    // A route for some sources only counts too: where every prefix has its own, there is no other default route.
    let is_default = header.destination_prefix_length == 0
        && header.table == RouteHeader::RT_TABLE_MAIN
        && header.kind == RouteType::Unicast
        && !header.flags.contains(RouteFlags::Cloned);
    if !is_default {
        return Ok(Vec::new());
    }
    let (mut hops, mut metric, mut from) = (Vec::new(), 0, None);
    let mut single = Hop::default();
    for attribute in NlasIterator::new(after(payload, ROUTE_HEADER)) {
        let attribute = attribute?;
        match attribute.kind() {
            RTA_OIF => single.index = parse_u32(attribute.value())?,
            RTA_PRIORITY => metric = parse_u32(attribute.value())?,
            RTA_SRC => from = parse_v6(attribute.value()).map(|ip| Prefix::of(ip, header.source_prefix_length)),
            RTA_MULTIPATH => hops = next_hops(attribute.value())?,
            kind => single.read(kind, attribute.value())?,
        }
    }
    if hops.is_empty() {
        hops.push(single);
    }
    let route = |hop: Hop| DefaultRoute { family, index: hop.index, gateway: hop.gateway, metric, from };
    Ok(hops.into_iter().filter(|hop| hop.index != 0).map(route).collect())
}

/// One way on.
#[derive(Default)]
struct Hop {
    index: u32,
    gateway: Option<std::net::IpAddr>,
}

impl Hop {
    /// Takes what a route's or a next hop's attribute says of the gateway.
    fn read(&mut self, kind: u16, value: &[u8]) -> Result<(), DecodeError> {
        match kind {
            RTA_GATEWAY => self.gateway = Some(parse_ip(value)?),
            RTA_VIA => self.gateway = Some(parse_ip(after(value, VIA_FAMILY))?),
            _ => {}
        }
        Ok(())
    }
}

/// The next hops of a route over several links: a list of fixed parts, each with its length and attributes behind it.
fn next_hops(mut rest: &[u8]) -> Result<Vec<Hop>, DecodeError> {
    let mut hops = Vec::new();
    while !rest.is_empty() {
        RouteNextHopBuffer::new_checked(rest)?;
        // The fixed part (linux/rtnetlink.h, rtnexthop): length, flags, hops, interface; checked to be there and to fit.
        let [low, high, _, _, a, b, c, d, ..] = *rest else { break };
        let length = usize::from(u16::from_ne_bytes([low, high]));
        let mut hop = Hop { index: u32::from_ne_bytes([a, b, c, d]), gateway: None };
        for attribute in NlasIterator::new(rest.get(NEXT_HOP_HEADER..length).unwrap_or_default()) {
            let attribute = attribute?;
            hop.read(attribute.kind(), attribute.value())?;
        }
        hops.push(hop);
        rest = after(rest, length.next_multiple_of(4));
    }
    Ok(hops)
}

/// The fuzzer's door: a message of any content.
#[cfg(fuzzing)]
pub fn fuzz(octets: &[u8]) {
    let _ = netlink_packet_core::NetlinkMessage::<Message>::deserialize(octets);
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::NetlinkMessage;
    use proptest::prelude::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut octets = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        octets.extend_from_slice(value);
        octets.resize(octets.len().next_multiple_of(4), 0);
        octets
    }

    fn default_route(attributes: &[Vec<u8>]) -> Vec<u8> {
        let header = RouteHeader {
            address_family: AddressFamily::Inet,
            table: RouteHeader::RT_TABLE_MAIN,
            kind: RouteType::Unicast,
            ..RouteHeader::default()
        };
        let mut octets = vec![0; ROUTE_HEADER];
        header.emit(&mut octets);
        octets.extend(attributes.concat());
        octets
    }

    #[test]
    fn a_link_says_what_it_is() {
        let header = LinkHeader { index: 3, link_layer_type: LinkLayerType::None, ..LinkHeader::default() };
        let mut octets = vec![0; LINK_HEADER];
        header.emit(&mut octets);
        octets.extend(attribute(IFLA_IFNAME, b"home\0"));
        let bare = link(&octets).unwrap();
        assert_eq!((bare.name.as_str(), bare.kind, bare.ethernet), ("home", None, false));
        // Nested, and marked so (NLA_F_NESTED).
        octets.extend(attribute(IFLA_LINKINFO | 0x8000, &attribute(IFLA_INFO_KIND, b"wireguard\0")));
        assert_eq!(link(&octets).unwrap().kind.as_deref(), Some("wireguard"));
    }

    #[test]
    fn a_route_over_two_links_has_two_next_hops() {
        let hop = |index: u8, gateway: [u8; 4]| {
            let mut octets = vec![16, 0, 0, 0, index, 0, 0, 0];
            octets.extend(attribute(RTA_GATEWAY, &gateway));
            octets
        };
        let hops = [hop(2, [10, 0, 0, 1]), hop(3, [10, 0, 1, 1])].concat();
        let found =
            routes(&default_route(&[attribute(RTA_PRIORITY, &[100, 0, 0, 0]), attribute(RTA_MULTIPATH, &hops)]));
        let expected = [(2, "10.0.0.1"), (3, "10.0.1.1")].map(|(index, gateway)| DefaultRoute {
            family: Family::Ipv4,
            index,
            gateway: Some(gateway.parse().unwrap()),
            metric: 100,
            from: None,
        });
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn an_ipv4_route_may_have_an_ipv6_router() {
        let via = [&[10, 0][..], &Ipv6Addr::LOCALHOST.octets()].concat();
        let found = routes(&default_route(&[attribute(RTA_OIF, &[2, 0, 0, 0]), attribute(RTA_VIA, &via)])).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].gateway, Some("::1".parse().unwrap()));
    }

    fn v6_route(kind: RouteType, lengths: (u8, u8), attributes: &[Vec<u8>]) -> Vec<u8> {
        let header = RouteHeader {
            address_family: AddressFamily::Inet6,
            table: RouteHeader::RT_TABLE_MAIN,
            kind,
            source_prefix_length: lengths.0,
            destination_prefix_length: lengths.1,
            ..RouteHeader::default()
        };
        let mut octets = vec![0; ROUTE_HEADER];
        header.emit(&mut octets);
        octets.extend(attributes.concat());
        octets
    }

    fn octets(ip: &str) -> [u8; 16] {
        ip.parse::<Ipv6Addr>().unwrap().octets()
    }

    #[test]
    fn a_default_route_may_be_for_one_prefix_alone() {
        let attributes = [attribute(RTA_OIF, &[2, 0, 0, 0]), attribute(RTA_SRC, &octets("2001:db8:1::"))];
        let found = routes(&v6_route(RouteType::Unicast, (56, 0), &attributes)).unwrap();
        assert_eq!(found[0].from, Some("2001:db8:1::/56".parse().unwrap()));
        let found = routes(&v6_route(RouteType::Unicast, (0, 0), &attributes[..1])).unwrap();
        assert_eq!(found[0].from, None);
    }

    #[test]
    fn a_route_that_leads_nowhere_is_told_by_its_prefix_unless_it_is_the_default() {
        let to = [attribute(RTA_DST, &octets("2001:db8:1::"))];
        for kind in [RouteType::Unreachable, RouteType::BlackHole, RouteType::Prohibit] {
            let found = dead_end(&v6_route(kind, (0, 56), &to)).unwrap();
            assert_eq!(found, Some("2001:db8:1::/56".parse().unwrap()));
        }
        assert_eq!(dead_end(&v6_route(RouteType::Unicast, (0, 56), &to)).unwrap(), None);
        assert_eq!(dead_end(&v6_route(RouteType::Unreachable, (0, 0), &[])).unwrap(), None);
    }

    fn neighbour_message(family: AddressFamily, state: NeighbourState, attributes: &[Vec<u8>]) -> Vec<u8> {
        let header = NeighbourHeader { family, state, ..NeighbourHeader::default() };
        let mut octets = vec![0; NEIGHBOUR_HEADER];
        header.emit(&mut octets);
        octets.extend(attributes.concat());
        octets
    }

    #[test]
    fn a_neighbour_is_known_to_be_there_in_two_states_alone() {
        let mac = [0, 0x11, 0x22, 0x33, 0x44, 0x55];
        let whole = [attribute(NDA_DST, &octets("2001:db8::5")), attribute(NDA_LLADDR, &mac)];
        for (state, reachable) in [
            (NeighbourState::Reachable, true),
            (NeighbourState::Permanent, true),
            (NeighbourState::Stale, false),
            (NeighbourState::Delay, false),
            (NeighbourState::Probe, false),
            (NeighbourState::Noarp, false),
            (NeighbourState::Failed, false),
        ] {
            let found = neighbour(&neighbour_message(AddressFamily::Inet6, state, &whole)).unwrap().unwrap();
            assert_eq!((found.ip.to_string().as_str(), found.reachable), ("2001:db8::5", reachable), "{state:?}");
            assert_eq!(Some(found.mac), Mac::new(mac));
        }
        let useless = [
            neighbour_message(AddressFamily::Inet, NeighbourState::Reachable, &whole),
            neighbour_message(AddressFamily::Inet6, NeighbourState::Incomplete, &whole[..1]),
            neighbour_message(
                AddressFamily::Inet6,
                NeighbourState::Reachable,
                &[whole[0].clone(), attribute(NDA_LLADDR, &[0; 20])],
            ),
        ];
        for message in useless {
            assert_eq!(neighbour(&message).unwrap(), None);
        }
    }

    proptest! {
        #[test]
        fn octets_that_are_no_message_never_panic(kind in 14_u16..31, payload: Vec<u8>) {
            let mut octets = (u32::try_from(payload.len()).unwrap() + 16).to_ne_bytes().to_vec();
            octets.extend(kind.to_ne_bytes());
            octets.extend([0; 10]);
            octets.extend(payload);
            let _ = NetlinkMessage::<Message>::deserialize(&octets);
        }

        #[test]
        fn a_route_with_odd_attributes_never_panics(attributes in proptest::collection::vec(
            (0_u16..32, proptest::collection::vec(any::<u8>(), 0..40)), 0..6)) {
            let attributes: Vec<_> = attributes.iter().map(|(kind, value)| attribute(*kind, value)).collect();
            let _ = routes(&default_route(&attributes));
        }
    }
}
