//! Which way a packet would take: the kernel looks it up as it does for a packet, rules included, and nothing is sent.

use std::io;
use std::net::IpAddr;

use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, NetlinkBuffer, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable, NlasIterator, parse_u32,
};
use netlink_packet_route::route::{RouteHeader, RouteType};
use netlink_sys::Socket;

use super::linux::{PIECE, open, request};
use super::wire::{ROUTE_HEADER, RTA_DST, RTA_OIF, RTA_SRC, RTM_GETROUTE, RTM_NEWROUTE, after, number};
use super::{Way, said, somewhere};
use crate::model::record::Family;

/// What is being done, for errors.
const READING: &str = "asking the kernel for the way out";

/// The number of the interface by which packets to `to` leave, those from the address `from` where one is given; `None` where
/// there is no way.
///
/// # Errors
/// Those of the system calls.
pub fn way(to: IpAddr, from: Option<IpAddr>) -> io::Result<Option<u32>> {
    ask(&open()?, 1, LookUp { to, from })
}

/// The ways out of both families, as far as there are any.
pub(super) fn ways() -> io::Result<Vec<Way>> {
    let socket = open()?;
    let mut ways = Vec::new();
    for (sequence, family) in (1..).zip(Family::ALL) {
        let index = ask(&socket, sequence, LookUp { to: somewhere(family), from: None })?;
        ways.extend(index.map(|index| Way { family, index }));
    }
    Ok(ways)
}

fn ask(socket: &Socket, sequence: u32, look_up: LookUp) -> io::Result<Option<u32>> {
    socket.send(&request(Message::Ask(look_up), 0, sequence), 0)?;
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        let (length, from) = socket.recv_from(&mut piece, 0)?;
        if length == 0 {
            return Err(said(READING, &"an empty answer"));
        }
        // Port 0 is the kernel.
        if from.port_number() == 0
            && let Some(index) = answer(&piece, sequence)?
        {
            return Ok(index);
        }
    }
}

/// What a piece answers to the request of that number; `None` where nothing. One route answers it. A refusal, whatever its number (no
/// route, a dead end, a family that is switched off), says that there is no way.
fn answer(mut piece: &[u8], sequence: u32) -> io::Result<Option<Option<u32>>> {
    while !piece.is_empty() {
        let framed = NetlinkBuffer::new_checked(piece).map_err(|error| said(READING, &error))?;
        let length = usize::try_from(framed.length()).unwrap_or(usize::MAX);
        let message = NetlinkMessage::<Message>::deserialize(piece).map_err(|error| said(READING, &error))?;
        piece = after(piece, length.next_multiple_of(4));
        match message.payload {
            _ if message.header.sequence_number != sequence => {}
            NetlinkPayload::InnerMessage(Message::Way(index)) => return Ok(Some(index)),
            NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Ok(Some(None)),
            _ => {}
        }
    }
    Ok(None)
}

/// A message, to the kernel or from it.
#[derive(Debug)]
enum Message {
    /// Asks for the way.
    Ask(LookUp),
    /// The interface by which a route leaves; `None` for a dead end.
    Way(Option<u32>),
    /// Anything else.
    Other,
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        match self {
            Self::Ask(_) => RTM_GETROUTE,
            Self::Way(_) => RTM_NEWROUTE,
            Self::Other => 0,
        }
    }

    fn buffer_len(&self) -> usize {
        if let Self::Ask(look_up) = self { look_up.buffer_len() } else { 0 }
    }

    fn serialize(&self, buffer: &mut [u8]) {
        if let Self::Ask(look_up) = self {
            look_up.emit(buffer);
        }
    }
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        match header.message_type {
            RTM_NEWROUTE => leaving(payload).map(Self::Way),
            _ => Ok(Self::Other),
        }
    }
}

/// The number of the interface by which a route leaves. What is local is a way too: that of a packet for this machine itself.
fn leaving(payload: &[u8]) -> Result<Option<u32>, DecodeError> {
    let header = RouteHeader::parse(payload)?;
    if !matches!(header.kind, RouteType::Unicast | RouteType::Local) {
        return Ok(None);
    }
    for attribute in NlasIterator::new(after(payload, ROUTE_HEADER)) {
        let attribute = attribute?;
        if attribute.kind() == RTA_OIF {
            return parse_u32(attribute.value()).map(Some);
        }
    }
    Ok(None)
}

/// A request for one route: the fixed part and the addresses, each whole, as kernels that check strictly want it.
#[derive(Debug)]
struct LookUp {
    /// Where the packet goes.
    to: IpAddr,
    /// Our address that it comes from, if that is settled; of the same family.
    from: Option<IpAddr>,
}

impl LookUp {
    fn attributes(&self) -> Vec<DefaultNla> {
        let attribute = |kind, ip: IpAddr| match ip {
            IpAddr::V4(ip) => DefaultNla::new(kind, ip.octets().to_vec()),
            IpAddr::V6(ip) => DefaultNla::new(kind, ip.octets().to_vec()),
        };
        let from = self.from.map(|from| attribute(RTA_SRC, from));
        std::iter::once(attribute(RTA_DST, self.to)).chain(from).collect()
    }
}

impl Emitable for LookUp {
    fn buffer_len(&self) -> usize {
        ROUTE_HEADER + self.attributes().as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let bits = if self.to.is_ipv4() { 32 } else { 128 };
        let header = RouteHeader {
            address_family: number(Family::of(self.to)),
            destination_prefix_length: bits,
            source_prefix_length: self.from.map_or(0, |_| bits),
            ..RouteHeader::default()
        };
        if let Some((fixed, rest)) = buffer.split_at_mut_checked(ROUTE_HEADER) {
            header.emit(fixed);
            self.attributes().as_slice().emit(rest);
        }
    }
}

/// The fuzzer's door: a piece of any content, as the answer to the request whose number it has.
#[cfg(fuzzing)]
pub fn fuzz(octets: &[u8]) {
    let number = octets.get(8..12).and_then(|four| four.try_into().ok());
    let _ = answer(octets, number.map_or(0, u32::from_ne_bytes));
}

#[cfg(test)]
mod tests {
    use super::super::snapshot;
    use super::*;
    use netlink_packet_core::NLMSG_ERROR;
    use proptest::prelude::*;

    /// A message of a type with the number of its request.
    fn message(kind: u16, sequence: u32, content: &[u8]) -> Vec<u8> {
        let mut octets = (u32::try_from(content.len()).unwrap() + 16).to_ne_bytes().to_vec();
        octets.extend([kind.to_ne_bytes(), [0; 2]].concat());
        octets.extend([sequence.to_ne_bytes(), [0; 4]].concat());
        octets.extend(content);
        octets
    }

    /// A route to one address by interface 7, of a type.
    fn route(kind: u8) -> Vec<u8> {
        [&[2, 32, 0, 0, 254, 0, 0, kind, 0, 0, 0, 0][..], &[8, 0, 4, 0, 7, 0, 0, 0]].concat()
    }

    #[test]
    fn the_answer_to_a_look_up_is_the_interface() {
        assert_eq!(answer(&message(RTM_NEWROUTE, 2, &route(1)), 2).unwrap(), Some(Some(7)));
        assert_eq!(answer(&message(RTM_NEWROUTE, 1, &route(1)), 2).unwrap(), None, "another request's");
        // A dead end (linux/rtnetlink.h, RTN_UNREACHABLE), and "Network is unreachable".
        assert_eq!(answer(&message(RTM_NEWROUTE, 2, &route(7)), 2).unwrap(), Some(None));
        let refused = [&(-101_i32).to_ne_bytes()[..], &[0; 16]].concat();
        assert_eq!(answer(&message(NLMSG_ERROR, 2, &refused), 2).unwrap(), Some(None));
        assert!(answer(&message(RTM_NEWROUTE, 2, &route(1))[..20], 2).is_err(), "cut short");
    }

    #[test]
    fn a_look_up_names_both_addresses_whole() {
        let look_up = LookUp { to: "192.0.2.1".parse().unwrap(), from: Some("10.0.0.2".parse().unwrap()) };
        let mut octets = vec![0; look_up.buffer_len()];
        look_up.emit(&mut octets);
        assert_eq!(octets[..ROUTE_HEADER], [2, 32, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(octets[ROUTE_HEADER..], [8, 0, 1, 0, 192, 0, 2, 1, 8, 0, 2, 0, 10, 0, 0, 2]);
    }

    #[test]
    fn the_way_to_this_machine_itself_is_its_loopback_interface() {
        let lo = snapshot().unwrap().links.into_iter().find(|link| link.loopback).unwrap().index;
        assert_eq!(way("127.0.0.2".parse().unwrap(), None).unwrap(), Some(lo));
    }

    proptest! {
        #[test]
        fn any_octets_are_an_answer_or_refused(octets: Vec<u8>) {
            let _ = answer(&octets, 0);
        }

        #[test]
        fn a_route_with_odd_attributes_never_panics(content in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = answer(&message(RTM_NEWROUTE, 0, &[route(1), content].concat()), 0);
        }
    }
}
