//! One question to one name server: by UDP, and by TCP where the answer does not fit.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::StreamExt;
use hickory_net::NetError;
use hickory_net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_net::runtime::{DnsUdpSocket, RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime};
use hickory_net::tcp::TcpClientStream;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsRequestSender, DnsStreamHandle};
use hickory_proto::op::{DnsRequest, DnsRequestOptions, DnsResponse, Query, SerialMessage};
use tokio::io::ReadBuf;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::silence;
use crate::net::via::Via;

/// How long one try may take, by UDP or by TCP.
const TRY: Duration = Duration::from_secs(3);
/// After how long the same question is sent again within a try by UDP.
const AGAIN: Duration = Duration::from_secs(1);
/// How many records a message may have.
const RECORDS: usize = 1000;

/// Asks, within twice [`TRY`]. The answer comes from the server that was asked, with the id and the question of the request;
/// the id and the port that the question is sent from are drawn at random, by UDP anew for each time that it is sent.
///
/// # Errors
/// Why there is no answer, in words.
pub(super) async fn ask(
    server: SocketAddr,
    question: Query,
    recursion: bool,
    via: &Via,
) -> Result<DnsResponse, String> {
    let mut options = DnsRequestOptions::default();
    options.recursion_desired = recursion;
    options.retry_interval = AGAIN;
    let request = DnsRequest::from_query(question.clone(), options);
    let id = request.id;
    let mut reply = by_udp(server, request.clone(), via).await?;
    if reply.truncation {
        reply = timeout(TRY, by_tcp(server, &request, via)).await.map_err(|_| format!("{} by TCP", silence(TRY)))??;
    }
    if reply.id != id || reply.op_code != request.op_code || reply.queries != [question] {
        return Err("it answered another question".into());
    }
    if reply.truncation { Err("its answer is cut off even by TCP".into()) } else { Ok(reply) }
}

async fn by_udp(server: SocketAddr, request: DnsRequest, via: &Via) -> Result<DnsResponse, String> {
    // hickory drops what has another id or question, and waits on.
    let mut client = UdpClientStream::builder(server, Out::by(via)).with_timeout(Some(TRY)).build();
    let reply = client.send_message(request).next().await;
    reply.unwrap_or(Err(NetError::Timeout)).map_err(|error| describe(&error))
}

async fn by_tcp(server: SocketAddr, request: &DnsRequest, via: &Via) -> Result<DnsResponse, String> {
    let (connecting, mut outbound) = TcpClientStream::new(server, None, Some(TRY), Out::by(via));
    let exchange = async {
        let mut stream = connecting.await?;
        outbound.send(SerialMessage::new(request.to_vec()?, server))?;
        let reply = stream.next().await.unwrap_or(Err(NetError::Message("the connection was closed")))?;
        read(reply.into_parts().0)
    };
    exchange.await.map_err(|error: NetError| format!("by TCP: {}", describe(&error)))
}

/// Reads a message, unless it says that there is more in it than any answer of ours has.
pub(super) fn read(octets: Vec<u8>) -> Result<DnsResponse, NetError> {
    if !is_modest(&octets) {
        return Err(NetError::Message("the answer says that it has more questions or records than an answer has"));
    }
    Ok(DnsResponse::from_buffer(octets)?)
}

/// Whether a message says to have no more questions than the one that an answer repeats, and no more records than are read. Before
/// hickory reads the questions it makes room for all that are announced: of 65,535 of them, which twelve octets can, nearly 6 MiB.
fn is_modest(octets: &[u8]) -> bool {
    let mut counts = octets.get(4..12).unwrap_or_default().chunks_exact(2).map(|two| match two {
        [high, low] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    });
    counts.next().unwrap_or_default() <= 1 && counts.sum::<usize>() <= RECORDS
}

fn describe(error: &NetError) -> String {
    match error {
        NetError::Timeout => silence(TRY),
        NetError::Io(error) => error.to_string(),
        NetError::Proto(error) => format!("its answer was not understood: {error}"),
        other => other.to_string(),
    }
}

/// How hickory's client gets its sockets: those of a way out.
#[derive(Clone)]
struct Out {
    via: Via,
    tokio: TokioRuntimeProvider,
}

impl Out {
    fn by(via: &Via) -> Self {
        Self { via: via.clone(), tokio: TokioRuntimeProvider::new() }
    }
}

type Opening<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;

impl RuntimeProvider for Out {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = Connected;
    type Tcp = AsyncIoTokioAsStd<TcpStream>;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    fn connect_tcp(&self, server: SocketAddr, _: Option<SocketAddr>, most: Option<Duration>) -> Opening<Self::Tcp> {
        let via = self.via.clone();
        Box::pin(async move {
            let connected = timeout(most.unwrap_or(TRY), via.tcp(server)).await;
            connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(AsyncIoTokioAsStd)
        })
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> Opening<Self::Udp> {
        let via = self.via.clone();
        // The port is hickory's random one, of far more than the kernel would draw from (RFC 6056, section 3.2).
        Box::pin(async move { Ok(Connected { socket: via.udp_at(local.port(), server).await?, server }) })
    }
}

/// A socket that hears its server alone.
struct Connected {
    socket: UdpSocket,
    server: SocketAddr,
}

impl DnsUdpSocket for Connected {
    type Time = TokioTime;

    fn poll_recv_from(&self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<(usize, SocketAddr)>> {
        loop {
            let mut buffer = ReadBuf::new(octets);
            ready!(self.socket.poll_recv(cx, &mut buffer))?;
            let length = buffer.filled().len();
            // hickory reads whatever comes, and then drops what is no answer to the question.
            if is_modest(buffer.filled()) {
                return Poll::Ready(Ok((length, self.server)));
            }
        }
    }

    fn poll_send_to(&self, cx: &mut Context<'_>, octets: &[u8], _: SocketAddr) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these counts of questions, answers, authorities and others.
    fn header(counts: [u16; 4]) -> Vec<u8> {
        [0, 0, 0x84, 0].into_iter().chain(counts.into_iter().flat_map(u16::to_be_bytes)).collect()
    }

    #[test]
    fn a_message_that_announces_too_much_is_not_read() {
        for counts in [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1000, 0, 0], [1, 400, 300, 300]] {
            assert!(is_modest(&header(counts)), "{counts:?}");
        }
        for counts in
            [[2, 0, 0, 0], [65_535, 0, 0, 0], [1, 1001, 0, 0], [1, 400, 300, 301], [0, 65_535, 65_535, 65_535]]
        {
            assert!(!is_modest(&header(counts)), "{counts:?}");
            let said = read(header(counts)).unwrap_err().to_string();
            assert!(said.contains("more questions or records"), "{said}");
        }
        for length in 0..12 {
            let octets = header([u16::MAX; 4]).into_iter().take(length).collect();
            assert!(read(octets).is_err(), "{length} octets");
        }
    }
}
