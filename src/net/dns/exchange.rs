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
        Ok(DnsResponse::from_buffer(reply.into_parts().0)?)
    };
    exchange.await.map_err(|error: NetError| format!("by TCP: {}", describe(&error)))
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
        let mut buffer = ReadBuf::new(octets);
        ready!(self.socket.poll_recv(cx, &mut buffer))?;
        Poll::Ready(Ok((buffer.filled().len(), self.server)))
    }

    fn poll_send_to(&self, cx: &mut Context<'_>, octets: &[u8], _: SocketAddr) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, octets)
    }
}
