//! Netlink itself: lists asked for and read, and groups listened to.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll};
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{AsyncSocket, Socket, SocketAddr, TokioSocket};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};

use super::wire::{Message, Question};
use super::{Snapshot, said};
use crate::model::record::Family;

/// How long the kernel may take to answer. It answers in microseconds; only a bug makes it silent.
const PATIENCE: Duration = Duration::from_secs(1);
/// The largest piece of a list that the kernel sends at once, in octets (`NLMSG_GOODSIZE`, and 32 KiB where offered).
const PIECE: usize = 32 << 10;
/// How often a list that changed while it was read is read again.
const ATTEMPTS: u32 = 10;

/// Groups of changes, from linux/rtnetlink.h: links, and addresses and routes of both families.
const GROUPS: [u32; 5] = [1, 5, 9, 7, 11];

/// The addresses, links and default routes as they are now.
///
/// # Errors
/// Those of the system calls, and `Interrupted` where things changed each time they were read.
pub fn snapshot() -> io::Result<Snapshot> {
    for _ in 0..ATTEMPTS {
        if let Some(whole) = Lists::open()?.read()? {
            return Ok(whole);
        }
    }
    Err(io::Error::new(io::ErrorKind::Interrupted, "the addresses changed each time they were read"))
}

/// A socket to ask for lists.
struct Lists {
    socket: Socket,
    sequence: u32,
}

/// How far a list is.
#[derive(PartialEq)]
enum Progress {
    More,
    Complete,
    /// Something changed meanwhile: what was read may miss an entry or hold it twice.
    Torn,
}

impl Lists {
    fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        set_socket_timeout(socket.as_fd(), Timeout::Recv, Some(PATIENCE))?;
        // Only the table that is asked for; kernels before 4.20 list them all, which the parser bears.
        let _ = socket.set_netlink_get_strict_chk(true);
        Ok(Self { socket, sequence: 0 })
    }

    /// All lists; `None` where something changed meanwhile.
    fn read(mut self) -> io::Result<Option<Snapshot>> {
        let mut found = Snapshot::default();
        let routes = Family::ALL.map(Question::Routes);
        for question in [Question::Links, Question::Addresses].into_iter().chain(routes) {
            if !self.list(question, &mut found)? {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// One list; `false` where it changed meanwhile.
    fn list(&mut self, question: Question, found: &mut Snapshot) -> io::Result<bool> {
        self.ask(question)?;
        let mut torn = false;
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            piece.clear();
            let (_, from) = self.socket.recv_from(&mut piece, 0)?;
            if from.port_number() != 0 {
                // Not from the kernel.
                continue;
            }
            match self.take(&piece, found)? {
                Progress::More => {}
                Progress::Torn => torn = true,
                Progress::Complete => return Ok(!torn),
            }
        }
    }

    fn ask(&mut self, question: Question) -> io::Result<()> {
        self.sequence += 1;
        let payload = NetlinkPayload::InnerMessage(Message::Ask(question));
        let mut message = NetlinkMessage::new(NetlinkHeader::default(), payload);
        message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut octets = vec![0; message.buffer_len()];
        message.serialize(&mut octets);
        self.socket.send(&octets, 0)?;
        Ok(())
    }

    /// Adds the messages of one piece.
    fn take(&self, mut piece: &[u8], found: &mut Snapshot) -> io::Result<Progress> {
        let doing = "reading the kernel's list of addresses";
        let mut progress = Progress::More;
        while !piece.is_empty() {
            let framed = NetlinkBuffer::new_checked(piece).map_err(|error| said(doing, &error))?;
            let length = usize::try_from(framed.length()).unwrap_or(usize::MAX);
            let message = NetlinkMessage::<Message>::deserialize(piece).map_err(|error| said(doing, &error))?;
            if message.header.sequence_number == self.sequence {
                if message.header.flags & NLM_F_DUMP_INTR != 0 {
                    progress = Progress::Torn;
                }
                match message.payload {
                    NetlinkPayload::Done(_) if progress == Progress::Torn => return Ok(Progress::Torn),
                    NetlinkPayload::Done(_) => return Ok(Progress::Complete),
                    // Code 0 would acknowledge, which was not asked for and ends nothing.
                    NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                    NetlinkPayload::Overrun(_) => progress = Progress::Torn,
                    NetlinkPayload::InnerMessage(message) => add(message, found),
                    _ => {}
                }
            }
            piece = piece.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(progress)
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

    #[test]
    fn a_snapshot_knows_the_loopback_interface() {
        let found = snapshot().unwrap();
        let lo = found.links.iter().find(|link| link.loopback).unwrap();
        assert!(found.link(&lo.name).is_some());
        assert!(found.same_as(&found.clone()));
    }
}
