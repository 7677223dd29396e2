//! A server that sends what the entries of the corpus say, octet by octet: most of it is no HTTP that a library would send.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, self_signed, valid};
use crate::corpus::{Asked, Piece, Reply, Tls, octets};
use crate::make::V4;

/// Where an honest answer is to be had that nobody asks for.
const HONEST: &str = "/honest";

/// The running server.
pub struct Server {
    /// The certificate that a client has to trust.
    pub authority: Authority,
    /// By entry: where it is to be had.
    pub urls: Vec<String>,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

/// What all connections share.
#[derive(Clone)]
struct Shared {
    replies: Arc<[Reply]>,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Server {
    /// Serves each of these at a place of its own.
    pub async fn start(replies: &[Reply]) -> Self {
        let asked = Arc::<Mutex<BTreeMap<String, usize>>>::default();
        let shared = Shared { replies: replies.into(), asked: Arc::clone(&asked) };
        let authority = Authority::new();
        let four = serve("127.0.0.1:0", shared.clone(), None).await;
        let six = serve("[::1]:0", shared.clone(), None).await;
        let mut tls = BTreeMap::new();
        for kind in Tls::ALL {
            if let Some(acceptor) = acceptor(&authority, kind) {
                tls.insert(kind, serve("127.0.0.1:0", shared.clone(), Some(acceptor)).await);
            }
        }
        let mut urls = Vec::new();
        for (at, reply) in replies.iter().enumerate() {
            urls.push(match (reply.tls, reply.family) {
                (Tls::None, Asked::Ipv4) => format!("http://{four}/{at}"),
                (Tls::None, Asked::Ipv6) => format!("http://{six}/{at}"),
                // Without TLS nobody hears which entry it is about.
                (Tls::Absent, _) => format!("https://localhost:{}/", blurt(reply.send.clone()).await.port()),
                (kind, _) => format!("https://localhost:{}/{at}", tls[&kind].port()),
            });
        }
        Self { authority, urls, asked }
    }

    /// How often the honest place was asked for.
    pub fn honest(&self) -> usize {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(HONEST).copied().unwrap_or_default()
    }
}

/// What a server of this kind needs; nothing where it speaks no TLS.
fn acceptor(ours: &Authority, kind: Tls) -> Option<TlsAcceptor> {
    let good = valid("localhost", 2000, 2099);
    let for_clients = || {
        let mut params = good.clone();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params
    };
    Some(match kind {
        Tls::None | Tls::Absent => return None,
        Tls::Good => ours.sign(&good),
        Tls::SelfSigned => self_signed(&good),
        Tls::Stranger => Authority::new().sign(&good),
        Tls::WrongName => ours.server("other.example", 2099),
        Tls::WrongAddress => ours.server("127.0.0.2", 2099),
        Tls::Expired => ours.server("localhost", 2001),
        Tls::NotYetValid => ours.sign(&valid("localhost", 2090, 2099)),
        Tls::ForClients => ours.sign(&for_clients()),
    })
}

/// Listens and answers what is asked.
async fn serve(at: &str, shared: Shared, acceptor: Option<TlsAcceptor>) -> SocketAddr {
    let listener = TcpListener::bind(at).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (shared, acceptor) = (shared.clone(), acceptor.clone());
            tokio::spawn(async move {
                match acceptor {
                    None => converse(stream, &shared).await,
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => converse(stream, &shared).await,
                        Err(_) => None,
                    },
                }
            });
        }
    });
    address
}

/// Listens and says the same to everybody, as soon as they have said something.
async fn blurt(send: Vec<Piece>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let send = send.clone();
            tokio::spawn(async move {
                let _octets = stream.read(&mut [0; 4096]).await.ok()?;
                act(&mut stream, &send).await
            });
        }
    });
    address
}

/// One connection. What fails is that the client has gone.
async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) -> Option<()> {
    let mut heard = Vec::new();
    loop {
        let path = request(&mut stream, &mut heard).await?;
        *shared.asked.lock().unwrap_or_else(PoisonError::into_inner).entry(path.clone()).or_default() += 1;
        let entry = path.trim_start_matches('/').parse().ok().and_then(|at: usize| shared.replies.get(at));
        let honest = [Piece::of(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{V4}", V4.len()))];
        let pieces = match entry {
            Some(entry) => entry.send.as_slice(),
            None => &honest,
        };
        act(&mut stream, pieces).await?;
    }
}

/// The path of the next request.
async fn request(stream: &mut (impl AsyncRead + Unpin), heard: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(heard.drain(..end + 4).collect()).ok()?;
            return head.split(' ').nth(1).map(str::to_owned);
        }
        let mut octets = [0; 4096];
        match stream.read(&mut octets).await.ok()? {
            0 => return None,
            length => heard.extend_from_slice(octets.get(..length)?),
        }
    }
}

/// Does what the pieces say. Something comes back where the connection stays.
async fn act(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), pieces: &[Piece]) -> Option<()> {
    for piece in pieces {
        match piece {
            Piece::Octets(text) => send(stream, &octets(text)).await?,
            Piece::Times(count, text) => {
                // A few at a time: a client that refuses to read on ends it.
                let (text, mut left) = (octets(text), *count);
                while left > 0 {
                    let now = left.min(1 + 16_384 / text.len().max(1));
                    send(stream, &text.repeat(now)).await?;
                    left -= now;
                }
            }
            Piece::Pause(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Piece::Hold => {
                while stream.read(&mut [0; 64]).await.ok()? > 0 {}
                return None;
            }
            Piece::Stay => return Some(()),
            Piece::Cut => return None,
        }
    }
    stream.shutdown().await.ok()?;
    None
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> Option<()> {
    stream.write_all(octets).await.ok()?;
    stream.flush().await.ok()
}
