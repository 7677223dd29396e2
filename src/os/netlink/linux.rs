//! Netlink itself: lists asked for and read, and groups listened to.

use std::future::poll_fn;
use std::io;
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
use super::{Snapshot, said};
use crate::model::record::Family;

/// How long the kernel may take to answer. It answers in microseconds; only a bug makes it silent.
const PATIENCE: Duration = Duration::from_secs(1);
/// The largest piece of a list that the kernel sends at once, in octets (`NLMSG_GOODSIZE`, and 32 KiB where offered).
pub(super) const PIECE: usize = 32 << 10;
/// What is being done, for errors.
const READING: &str = "reading the kernel's list of addresses";
/// How often a list that changed while it was read is read again.
const ATTEMPTS: u32 = 10;

/// Groups of changes, from linux/rtnetlink.h: links, and addresses, routes and rules of both families.
const GROUPS: [u32; 7] = [1, 5, 9, 7, 11, 8, 19];

/// The addresses, links and default routes as they are now.
///
/// # Errors
/// Those of the system calls, and `Interrupted` where things changed each time they were read.
pub fn snapshot() -> io::Result<Snapshot> {
    for _ in 0..ATTEMPTS {
        let answer = ask_all()?;
        if !answer.torn {
            return Ok(Snapshot { ways: ways()?, ..answer.found });
        }
    }
    Err(io::Error::new(io::ErrorKind::Interrupted, "the addresses changed each time they were read"))
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
fn ask_all() -> io::Result<Answer> {
    let socket = open()?;
    let mut answer = Answer::default();
    let routes = Family::ALL.map(Question::Routes);
    for question in [Question::Links, Question::Addresses].into_iter().chain(routes) {
        answer.sequence += 1;
        socket.send(&request(Message::Ask(question), NLM_F_DUMP, answer.sequence), 0)?;
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
fn receive(socket: &Socket, answer: &mut Answer) -> io::Result<()> {
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
#[derive(Default)]
struct Answer {
    /// The number of the request whose answer is awaited.
    sequence: u32,
    found: Snapshot,
    /// Something changed meanwhile: an entry may be missing or there twice.
    torn: bool,
}

impl Answer {
    /// Adds the messages of one piece; `true` where it is the list's last.
    fn take(&mut self, mut piece: &[u8]) -> io::Result<bool> {
        while !piece.is_empty() {
            let framed = NetlinkBuffer::new_checked(piece).map_err(|error| said(READING, &error))?;
            let length = usize::try_from(framed.length()).unwrap_or(usize::MAX);
            let message = NetlinkMessage::<Message>::deserialize(piece).map_err(|error| said(READING, &error))?;
            piece = piece.get(length.next_multiple_of(4)..).unwrap_or_default();
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
                NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                NetlinkPayload::Overrun(_) => self.torn = true,
                NetlinkPayload::InnerMessage(message) => add(message, &mut self.found),
                _ => {}
            }
        }
        Ok(false)
    }
}

fn add(message: Message, found: &mut Snapshot) {
    match message {
        Message::Link(link) => found.links.push(link),
        Message::Address(address) => found.addresses.extend(address),
        Message::Routes(routes) => found.routes.extend(routes),
        Message::Ask(_) | Message::Other => {}
    }
}

/// Says that links, addresses or routes may have changed; what changed is for a snapshot to say.
pub struct Watch(TokioSocket);

impl Watch {
    /// Listens from now on: what happens before the first [`Watch::changed`] is not missed. To be called within a runtime.
    ///
    /// # Errors
    /// Those of the system calls.
    pub fn open() -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        socket.socket_mut().bind_auto()?;
        for group in GROUPS {
            socket.socket_ref().add_membership(group)?;
        }
        Ok(Self(socket))
    }

    /// Resolves when something was announced since the last call; a burst resolves it once. Announcements that were lost
    /// count as one. Nothing is missed where the future is dropped before it resolves.
    ///
    /// # Errors
    /// Those of the system call; the watch is then of no more use.
    pub async fn changed(&mut self) -> io::Result<()> {
        poll_fn(|waker| self.drain(waker)).await
    }

    /// Reads and forgets everything that is there.
    fn drain(&self, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The content is of no interest, so what does not fit may be lost.
        let mut octets = [0_u8; 16];
        let mut anything = false;
        loop {
            match self.0.poll_recv(waker, &mut octets.as_mut_slice()) {
                Poll::Ready(Ok(())) => anything = true,
                // The kernel had more to say than the socket holds.
                Poll::Ready(Err(error)) if Errno::from_io_error(&error) == Some(Errno::NOBUFS) => anything = true,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if anything => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
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

    fn second() -> Answer {
        Answer { sequence: 2, ..Answer::default() }
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
        }
    }
}
