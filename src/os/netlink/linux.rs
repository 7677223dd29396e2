//! Netlink itself: lists asked for and read, and groups listened to.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io;
use std::net::Ipv6Addr;
use std::os::fd::AsFd;
use std::task::{Context, Poll};
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
    NetlinkSerializable,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{AsyncSocket, Socket, SocketAddr, TokioSocket};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use super::look_up::ways;
use super::wire::{Message, Question};
use super::{Heard, Neighbour, Snapshot, said};
use crate::model::mac::Mac;
use crate::model::prefix::Prefix;
use crate::model::record::Family;

/// How long the kernel may take to answer. It answers in microseconds; only a bug makes it silent.
const PATIENCE: Duration = Duration::from_secs(1);
/// The largest piece of a list that the kernel sends at once, in octets (`NLMSG_GOODSIZE`, and 32 KiB where offered).
pub(super) const PIECE: usize = 32 << 10;
/// What is being done, for errors.
const READING: &str = "reading the kernel's lists";
/// How often a list that changed while it was read is read again.
const ATTEMPTS: u32 = 10;

/// Groups of changes, from linux/rtnetlink.h: links, and addresses, routes and rules of both families.
const GROUPS: [u32; 7] = [1, 5, 9, 7, 11, 8, 19];
/// Changes of neighbours, of either family (`RTNLGRP_NEIGH`).
const NEIGHBOURS: u32 = 3;
/// So many addresses of neighbours are remembered; a machine that takes one after another does not fill the memory.
const HEARD: usize = 1024;

/// The addresses, links and default routes as they are now.
///
/// # Errors
/// Those of the system calls, and `Interrupted` where things changed each time they were read.
pub fn snapshot() -> io::Result<Snapshot> {
    let routes = Family::ALL.map(Question::Routes);
    let questions: Vec<_> = [Question::Links, Question::Addresses].into_iter().chain(routes).collect();
    let found = ask(&questions, |message, found: &mut Snapshot| match message {
        Message::Link(link) => found.links.push(link),
        Message::Address(address) => found.addresses.extend(address),
        Message::Routes(routes) => found.routes.extend(routes),
        Message::Ask(_) | Message::DeadEnd(_) | Message::Neighbour(_) | Message::Other => {}
    })?;
    Ok(Snapshot { ways: ways()?, ..found })
}

/// The IPv6 neighbours that have MAC addresses, in the kernel's order.
///
/// # Errors
/// As [`snapshot`].
pub fn neighbours() -> io::Result<Vec<Neighbour>> {
    ask(&[Question::Neighbours], |message, found: &mut Vec<Neighbour>| {
        if let Message::Neighbour(neighbour) = message {
            found.extend(neighbour);
        }
    })
}

/// The IPv6 prefixes for which the main table has a route that leads nowhere: a router has one for each prefix that was delegated
/// to it, so that what is not in use of it goes round in no circle (RFC 7084, section 4.2); systemd-networkd, OpenWrt's
/// netifd and dhcpcd make them.
///
/// # Errors
/// As [`snapshot`].
pub fn delegated() -> io::Result<Vec<Prefix>> {
    ask(&[Question::Routes(Family::Ipv6)], |message, found: &mut Vec<Prefix>| {
        if let Message::DeadEnd(prefix) = message {
            found.push(prefix);
        }
    })
}

/// The answers to some questions, asked again where things changed meanwhile.
fn ask<T: Default>(questions: &[Question], add: fn(Message, &mut T)) -> io::Result<T> {
    for _ in 0..ATTEMPTS {
        let answer = ask_once(questions, add)?;
        if !answer.torn {
            return Ok(answer.found);
        }
    }
    Err(io::Error::new(io::ErrorKind::Interrupted, "the kernel's lists changed each time they were read"))
}

/// A socket for questions.
pub(super) fn open() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    set_socket_timeout(socket.as_fd(), Timeout::Recv, Some(PATIENCE))?;
    // Only the table that is asked for; kernels before 4.20 list them all, which the parser bears.
    let _ = socket.set_netlink_get_strict_chk(true);
    Ok(socket)
}

/// All lists, one after the other.
fn ask_once<T: Default>(questions: &[Question], add: fn(Message, &mut T)) -> io::Result<Answer<T>> {
    let socket = open()?;
    let mut answer = Answer { sequence: 0, found: T::default(), add, torn: false };
    for question in questions {
        answer.sequence += 1;
        socket.send(&request(Message::Ask(*question), NLM_F_DUMP, answer.sequence), 0)?;
        match receive(&socket, &mut answer) {
            // A namespace has no main table until it has a route.
            Err(error) if matches!(question, Question::Routes(_)) && error.kind() == io::ErrorKind::NotFound => {}
            received => received?,
        }
    }
    Ok(answer)
}

/// The octets of a request, with these flags beside that of a request.
pub(super) fn request<M: NetlinkSerializable>(content: M, flags: u16, sequence: u32) -> Vec<u8> {
    let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::InnerMessage(content));
    message.header.flags = NLM_F_REQUEST | flags;
    message.header.sequence_number = sequence;
    message.finalize();
    let mut octets = vec![0; message.buffer_len()];
    message.serialize(&mut octets);
    octets
}

/// One list, to its end.
fn receive<T>(socket: &Socket, answer: &mut Answer<T>) -> io::Result<()> {
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        let (length, from) = socket.recv_from(&mut piece, 0)?;
        if length == 0 {
            return Err(said(READING, &"an empty answer"));
        }
        // Port 0 is the kernel.
        if from.port_number() == 0 && answer.take(&piece)? {
            return Ok(());
        }
    }
}

/// What was answered so far.
struct Answer<T> {
    /// The number of the request whose answer is awaited.
    sequence: u32,
    found: T,
    /// Takes what is of use in a message.
    add: fn(Message, &mut T),
    /// Something changed meanwhile: an entry may be missing or there twice.
    torn: bool,
}

/// The first message of a piece that is not empty, and what follows it.
fn first(piece: &[u8]) -> io::Result<(NetlinkMessage<Message>, &[u8])> {
    let framed = NetlinkBuffer::new_checked(piece).map_err(|error| said(READING, &error))?;
    let length = usize::try_from(framed.length()).unwrap_or(usize::MAX);
    let message = NetlinkMessage::<Message>::deserialize(piece).map_err(|error| said(READING, &error))?;
    // A length of nearly all that a number holds is no length; there is nothing behind it.
    let rest = length.checked_next_multiple_of(4).and_then(|length| piece.get(length..)).unwrap_or_default();
    Ok((message, rest))
}

impl<T> Answer<T> {
    /// Adds the messages of one piece; `true` where it is the list's last.
    fn take(&mut self, mut piece: &[u8]) -> io::Result<bool> {
        while !piece.is_empty() {
            let (message, rest) = first(piece)?;
            piece = rest;
            if message.header.sequence_number != self.sequence {
                continue;
            }
            self.torn |= message.header.flags & NLM_F_DUMP_INTR != 0;
            match message.payload {
                NetlinkPayload::Done(done) if done.code < 0 => {
                    return Err(io::Error::from_raw_os_error(done.code.saturating_neg()));
                }
                NetlinkPayload::Done(_) => return Ok(true),
                // Code 0 would acknowledge, which was not asked for and ends nothing.
                NetlinkPayload::Error(error) => {
                    if let Some(code) = error.code {
                        return Err(io::Error::from_raw_os_error(code.get().saturating_neg()));
                    }
                }
                NetlinkPayload::Overrun(_) => self.torn = true,
                NetlinkPayload::InnerMessage(message) => (self.add)(message, &mut self.found),
                _ => {}
            }
        }
        Ok(false)
    }
}

/// Says that links, addresses or routes may have changed; what changed is for a snapshot to say.
pub struct Watch {
    socket: TokioSocket,
    followed: BTreeSet<Mac>,
    neighbours: Option<Neighbours>,
}

impl Watch {
    /// Listens from now on: what happens before the first [`Watch::changed`] is not missed. To be called within a runtime.
    ///
    /// # Errors
    /// Those of the system calls.
    pub fn open() -> io::Result<Self> {
        Ok(Self { socket: listen(&GROUPS)?, followed: BTreeSet::new(), neighbours: None })
    }

    /// Listens to what the kernel says of the neighbours with these MAC addresses, and no longer to others. It speaks of each
    /// neighbour that comes, goes or falls silent, which on a large LAN is several times a second: without any to follow
    /// there is no socket, and nothing wakes this process. Those that are followed already are no news.
    ///
    /// # Errors
    /// Those of the system calls; it is not tried again with the same ones.
    pub fn follow(&mut self, macs: &BTreeSet<Mac>) -> io::Result<()> {
        if self.followed == *macs {
            return Ok(());
        }
        self.followed.clone_from(macs);
        self.neighbours = match self.neighbours.take() {
            _ if macs.is_empty() => None,
            Some(before) => Some(Neighbours { heard: BTreeSet::new(), ..before }),
            None => Some(Neighbours { socket: listen(&[NEIGHBOURS])?, heard: BTreeSet::new() }),
        };
        Ok(())
    }

    /// Resolves when something was announced since the last call; a burst resolves it once. Announcements that were lost
    /// count as one. Nothing is missed where the future is dropped before it resolves.
    ///
    /// # Errors
    /// Those of the system call; the watch is then of no more use.
    pub async fn changed(&mut self) -> io::Result<Heard> {
        poll_fn(|waker| {
            if let Poll::Ready(outcome) = drain(&self.socket, waker, |_| true) {
                // In another prefix an address that was heard of before may count again.
                self.neighbours.iter_mut().for_each(|neighbours| neighbours.heard.clear());
                return Poll::Ready(outcome.map(|()| Heard::Addresses));
            }
            let Some(Neighbours { socket, heard }) = &mut self.neighbours else { return Poll::Pending };
            let news = drain(socket, waker, |piece| is_news(piece, &self.followed, heard));
            news.map_ok(|()| Heard::Neighbour)
        })
        .await
    }
}

/// What is heard of the neighbours that are followed.
struct Neighbours {
    socket: TokioSocket,
    /// What they were heard of with since addresses last changed, so that a machine that falls silent and comes back is no
    /// news each time.
    heard: BTreeSet<(Mac, Ipv6Addr)>,
}

/// Whether a piece of what the kernel said speaks of a neighbour that is followed, with an address that is new.
fn is_news(mut piece: &[u8], macs: &BTreeSet<Mac>, heard: &mut BTreeSet<(Mac, Ipv6Addr)>) -> bool {
    let mut news = false;
    while !piece.is_empty() {
        // Cut short or strange: something was said, and a look does no harm.
        let Ok((message, rest)) = first(piece) else { return true };
        piece = rest;
        let NetlinkPayload::InnerMessage(Message::Neighbour(Some(neighbour))) = message.payload else { continue };
        if neighbour.reachable && macs.contains(&neighbour.mac) {
            if heard.len() >= HEARD {
                heard.clear();
            }
            news |= heard.insert((neighbour.mac, neighbour.ip));
        }
    }
    news
}

/// A socket that hears what is announced to these groups.
fn listen(groups: &[u32]) -> io::Result<TokioSocket> {
    let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
    socket.socket_mut().bind_auto()?;
    for group in groups {
        socket.socket_ref().add_membership(*group)?;
    }
    Ok(socket)
}

/// Reads everything that is there; ready where any of it is news.
fn drain(
    socket: &TokioSocket,
    waker: &mut Context<'_>,
    mut is_news: impl FnMut(&[u8]) -> bool,
) -> Poll<io::Result<()>> {
    // Room for one announcement about a neighbour; of a longer one about something else the content is of no interest.
    let mut octets = [0_u8; 512];
    let mut news = false;
    loop {
        let mut room = octets.as_mut_slice();
        let outcome = socket.poll_recv(waker, &mut room);
        let left = room.len();
        match outcome {
            Poll::Ready(Ok(())) => {
                news |= is_news(octets.get(..octets.len().saturating_sub(left)).unwrap_or_default());
            }
            // The kernel had more to say than the socket holds.
            Poll::Ready(Err(error)) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => news = true,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending if news => return Poll::Ready(Ok(())),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// The fuzzer's door: an answer of any content to a question for neighbours, and an announcement of it.
#[cfg(fuzzing)]
pub fn fuzz(octets: &[u8]) {
    let add = |message, found: &mut Vec<Neighbour>| {
        if let Message::Neighbour(neighbour) = message {
            found.extend(neighbour);
        }
    };
    let mut answer = Answer { sequence: 0, found: Vec::new(), add, torn: false };
    let _ = answer.take(octets);
    let macs: BTreeSet<Mac> = answer.found.iter().map(|neighbour| neighbour.mac).collect();
    let mut heard = BTreeSet::new();
    is_news(octets, &macs, &mut heard);
    assert!(heard.len() <= answer.found.len().max(HEARD), "no more is remembered than was said");
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR};
    use proptest::prelude::*;

    /// A message of a type, with flags, the number of its request and four octets of content.
    fn message(kind: u16, flags: u16, sequence: u32, content: i32) -> Vec<u8> {
        let mut octets = 20_u32.to_ne_bytes().to_vec();
        octets.extend([kind.to_ne_bytes(), flags.to_ne_bytes()].concat());
        octets.extend([sequence.to_ne_bytes(), [0; 4], content.to_ne_bytes()].concat());
        octets
    }

    fn second() -> Answer<Snapshot> {
        Answer { sequence: 2, found: Snapshot::default(), add: |_, _| {}, torn: false }
    }

    /// An announcement of a neighbour with the MAC address 00:11:22:33:44:NN and the address ::NN.
    fn announced(state: u8, mac: u8, ip: u8) -> Vec<u8> {
        let mut octets = 58_u32.to_ne_bytes().to_vec();
        octets.extend([28_u16.to_ne_bytes(), [0; 2]].concat());
        octets.extend([0; 8]);
        octets.extend([10, 0, 0, 0, 2, 0, 0, 0, state, 0, 0, 1]);
        octets.extend([20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ip]);
        octets.extend([10, 0, 2, 0, 0, 0x11, 0x22, 0x33, 0x44, mac]);
        octets
    }

    #[test]
    fn a_neighbour_is_news_when_it_is_followed_and_its_address_was_not_heard_of() {
        let macs = BTreeSet::from(["00:11:22:33:44:01".parse().unwrap()]);
        let mut heard = BTreeSet::new();
        let mut news = |octets: &[u8]| is_news(octets, &macs, &mut heard);
        assert!(!news(&announced(2, 9, 1)), "nobody follows it");
        assert!(!news(&announced(4, 1, 1)), "it is stale");
        assert!(news(&announced(2, 1, 1)));
        assert!(!news(&announced(2, 1, 1)), "it came back");
        assert!(news(&announced(2, 1, 2)), "it has another address");
        assert!(news(&[1, 2, 3]), "what is not understood is looked into");
    }

    #[test]
    fn a_list_that_changed_meanwhile_is_torn_and_still_ends() {
        let mut answer = second();
        let whole = [message(1, NLM_F_DUMP_INTR, 2, 0), message(NLMSG_DONE, NLM_F_DUMP_INTR, 2, 0)].concat();
        assert!(answer.take(&whole).unwrap());
        assert!(answer.torn);
        let mut answer = second();
        assert!(!answer.take(&message(1, NLM_F_DUMP_INTR, 2, 0)).unwrap());
        assert!(answer.take(&message(NLMSG_DONE, 0, 2, 0)).unwrap());
        assert!(answer.torn);
    }

    #[test]
    fn another_requests_messages_are_passed_over() {
        let mut answer = second();
        assert!(!answer.take(&message(NLMSG_DONE, NLM_F_DUMP_INTR, 1, 0)).unwrap());
        assert!(!answer.torn);
    }

    #[test]
    fn a_refusal_is_an_error_wherever_it_stands() {
        let not_found = |kind| second().take(&message(kind, 0, 2, -2)).unwrap_err().kind();
        assert_eq!(not_found(NLMSG_DONE), io::ErrorKind::NotFound);
        assert_eq!(not_found(NLMSG_ERROR), io::ErrorKind::NotFound);
        assert!(second().take(&message(NLMSG_DONE, 0, 2, 0)[..19]).is_err(), "cut short");
    }

    #[test]
    fn a_snapshot_knows_the_loopback_interface() {
        let found = snapshot().unwrap();
        let lo = found.links.iter().find(|link| link.loopback).unwrap();
        assert!(found.link(&lo.name).is_some());
        assert!(found.same_as(&found.clone()));
    }

    proptest! {
        #[test]
        fn any_octets_are_taken_or_refused(octets: Vec<u8>) {
            let _ = second().take(&octets);
            is_news(&octets, &BTreeSet::new(), &mut BTreeSet::new());
        }
    }
}
