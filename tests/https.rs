//! The echo detector against a TLS server that lies, stalls and sends too much.
#![expect(clippy::disallowed_methods, reason = "the server is a task, and a slow one sleeps")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

#[path = "support/authority.rs"]
mod authority;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use authority::Authority;
use driftless::detect::Detector;
use driftless::detect::https::{Clients, Format, Https};
use driftless::model::agree::Reading;
use driftless::model::record::Family;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What the server sends after a request, piece by piece with a pause after each; then it ends the connection or waits for
/// the next request.
#[derive(Clone)]
struct Script {
    pieces: Vec<Vec<u8>>,
    pause: Duration,
    stays: bool,
}

/// What a server has seen.
#[derive(Clone, Default)]
struct Seen {
    connections: Arc<AtomicU32>,
    requests: Arc<AtomicU32>,
}

impl Script {
    fn raw(octets: impl Into<Vec<u8>>) -> Self {
        Self { pieces: vec![octets.into()], pause: Duration::ZERO, stays: false }
    }

    fn answer(status: &str, fields: &str, body: &str) -> Self {
        Self::raw(format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()))
    }

    fn body(body: &str) -> Self {
        Self::answer("200 OK", "", body)
    }
}

/// Serves every connection with the script, at a port of 127.0.0.1.
async fn serve(acceptor: TlsAcceptor, script: Script) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let counted = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(converse(acceptor.clone(), stream, script.clone(), counted.clone()));
        }
    });
    (port, seen)
}

async fn converse(acceptor: TlsAcceptor, stream: TcpStream, script: Script, seen: Seen) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut octets = vec![0; 4096];
    while stream.read(&mut octets).await? > 0 {
        seen.requests.fetch_add(1, Ordering::SeqCst);
        for piece in &script.pieces {
            stream.write_all(piece).await?;
            stream.flush().await?;
            tokio::time::sleep(script.pause).await;
        }
        if !script.stays {
            return stream.shutdown().await;
        }
    }
    Ok(())
}

fn detector(port: u16, ca: &Path, format: Format, private: bool) -> Https {
    let url = format!("https://localhost:{port}/").parse().unwrap();
    Https::new(Clients::new().trusting(ca), Some(url), None, format, private).unwrap()
}

/// What the detector reads from a server with a good certificate.
async fn read(script: Script) -> Reading {
    let authority = Authority::new();
    let (port, _) = serve(authority.server("localhost", 2099), script).await;
    detector(port, &authority.file(), Format::Plain, false).detect(Family::Ipv4).await
}

async fn why(script: Script) -> String {
    match read(script).await {
        Reading::Unknown(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plain_answer_is_read() {
    assert_eq!(read(Script::body("8.8.8.8\n")).await, Reading::Addresses(vec!["8.8.8.8".parse().unwrap()]));
}

#[tokio::test]
async fn json_and_lines_are_read() {
    let authority = Authority::new();
    for (format, body) in
        [(Format::Json("/ip".into()), r#"{"ip":"8.8.8.8"}"#), (Format::Line("ip".into()), "a=b\nip=8.8.8.8\n")]
    {
        let (port, _) = serve(authority.server("localhost", 2099), Script::body(body)).await;
        let reading = detector(port, &authority.file(), format, false).detect(Family::Ipv4).await;
        assert_eq!(reading, Reading::Addresses(vec!["8.8.8.8".parse().unwrap()]));
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_gives_nothing_and_is_sent_nothing() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let servers = [
        (theirs.server("localhost", 2099), "invalid peer certificate"),
        (ours.server("localhost", 2001), "expired"),
        (ours.server("other.example", 2099), "not valid for name"),
    ];
    for (acceptor, word) in servers {
        let (port, seen) = serve(acceptor, Script::body("8.8.8.8")).await;
        let reading = detector(port, &ours.file(), Format::Plain, false).detect(Family::Ipv4).await;
        assert!(matches!(&reading, Reading::Unknown(why) if why.contains(word)), "{word}: {reading:?}");
        assert_eq!(seen.requests.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn only_status_200_counts() {
    for status in ["201 Created", "203 Non-Authoritative", "206 Partial", "404 Not Found", "429 Slow Down", "500 Oops"]
    {
        let why = why(Script::answer(status, "", "8.8.8.8")).await;
        assert!(why.ends_with(&format!("status {}", &status[..3])), "{why}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let authority = Authority::new();
    let (target, seen) = serve(authority.server("localhost", 2099), Script::body("8.8.8.8")).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let script = Script::answer(status, &format!("Location: https://localhost:{target}/\r\n"), "8.8.8.8");
        let (port, _) = serve(authority.server("localhost", 2099), script).await;
        let reading = detector(port, &authority.file(), Format::Plain, false).detect(Family::Ipv4).await;
        assert!(matches!(&reading, Reading::Unknown(why) if why.contains("redirect")), "{reading:?}");
    }
    assert_eq!(seen.requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_that_is_not_one_address_is_not_believed() {
    for body in ["8.8.8.8 8.8.4.4", "8.8.8.8\n8.8.4.4\n", "<html>8.8.8.8</html>", "", "2a00::1", "\u{feff}8.8.8.8"] {
        why(Script::body(body)).await;
    }
    let why = why(Script::body("10.0.0.1\n")).await;
    assert!(why.ends_with("the answer 10.0.0.1 is private (RFC 1918): not believed"), "{why}");
}

#[tokio::test]
async fn a_private_answer_is_believed_where_it_is_asked_for() {
    let authority = Authority::new();
    let (port, _) = serve(authority.server("localhost", 2099), Script::body("10.0.0.1")).await;
    let reading = detector(port, &authority.file(), Format::Plain, true).detect(Family::Ipv4).await;
    assert_eq!(reading, Reading::Addresses(vec!["10.0.0.1".parse().unwrap()]));
}

#[tokio::test]
async fn an_address_in_a_header_field_is_no_answer() {
    let fields = "X-Client-IP: 8.8.8.8\r\nX-Forwarded-For: 8.8.8.8\r\nSet-Cookie: ip=8.8.8.8\r\n";
    assert!(why(Script::answer("200 OK", fields, "")).await.contains("empty"));
    assert!(why(Script::answer("200 OK", fields, "hello")).await.contains("not one address"));
}

#[tokio::test]
async fn an_answer_that_is_too_long_or_cut_short_is_refused() {
    let spaces = " ".repeat(5000);
    assert!(why(Script::body(&format!("8.8.8.8{spaces}"))).await.contains("longer than 4096 octets"));
    let chunks =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", "400\r\n".to_owned() + &" ".repeat(1024));
    why(Script::raw(chunks)).await;
    why(Script::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n8.8.8.8")).await;
    why(Script::raw("8.8.8.8\r\n\r\n")).await;
    why(Script::raw("")).await;
}

#[tokio::test]
async fn an_endless_answer_ends_at_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let pieces = std::iter::once(head).chain(std::iter::repeat_n(vec![b' '; 1024], 1000)).collect();
    let started = tokio::time::Instant::now();
    assert!(why(Script { pieces, pause: Duration::ZERO, stays: false }).await.contains("longer than 4096 octets"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_drop_by_drop_ends_in_ten_seconds() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n8.8.8.8".to_vec();
    let pieces = std::iter::once(head).chain(std::iter::repeat_n(vec![b' '], 100)).collect();
    let started = tokio::time::Instant::now();
    why(Script { pieces, pause: Duration::from_millis(300), stays: false }).await;
    let took = started.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(12)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_family_without_a_url_or_without_an_address_of_the_host_is_unknown() {
    let authority = Authority::new();
    let (port, seen) = serve(authority.server("localhost", 2099), Script::body("8.8.8.8")).await;
    let reading = detector(port, &authority.file(), Format::Plain, false).detect(Family::Ipv6).await;
    assert!(matches!(reading, Reading::Unknown(_)));
    // The server listens on IPv4 alone: a client that is held to IPv6 must not reach it.
    let url = format!("https://localhost:{port}/").parse().unwrap();
    let six = Https::new(Clients::new().trusting(&authority.file()), None, Some(url), Format::Plain, false).unwrap();
    assert!(matches!(six.detect(Family::Ipv6).await, Reading::Unknown(_)));
    assert_eq!(seen.requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_a_server_sends_behind_its_answer_is_not_taken_for_the_next_one() {
    let authority = Authority::new();
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let pieces = vec![format!("{}ok", head(2)).into(), format!("{}9.9.9.9", head(7)).into()];
    let script = Script { pieces, pause: Duration::from_millis(50), stays: true };
    let (port, seen) = serve(authority.server("localhost", 2099), script).await;
    let detector = detector(port, &authority.file(), Format::Plain, false);
    for connections in 1..=3 {
        let reading = detector.detect(Family::Ipv4).await;
        assert!(matches!(&reading, Reading::Unknown(why) if why.contains("\"ok\"")), "{reading:?}");
        assert_eq!(seen.connections.load(Ordering::SeqCst), connections);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
