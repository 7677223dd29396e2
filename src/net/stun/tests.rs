//! STUN servers made for the purpose.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::*;
use Transport::{Tcp, Udp};

/// An answer to a request that says 8.8.8.`last`, by the RFC's own numbers.
fn answer(request: &[u8], last: u8) -> Vec<u8> {
    let address = u32::from(Ipv4Addr::new(8, 8, 8, last)) ^ 0x2112_A442;
    [&[1, 1, 0, 12][..], &request[4..20], &[0, 0x20, 0, 8, 0, 1, 0, 0], &address.to_be_bytes()].concat()
}

fn said(last: u8) -> Result<IpAddr, String> {
    Ok(Ipv4Addr::new(8, 8, 8, last).into())
}

/// What is learnt of a server that answers the first `unheard` requests with nothing and each later one with these datagrams.
async fn by_udp_of(unheard: usize, behave: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> (Result<IpAddr, String>, Vec<Vec<u8>>) {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let mut requests = Vec::new();
    let serve = async {
        let mut buffer = [0; 64];
        loop {
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            requests.push(buffer[..length].to_vec());
            if requests.len() > unheard {
                for datagram in behave(&buffer[..length]) {
                    server.send_to(&datagram, from).await.unwrap();
                }
            }
        }
    };
    let way = Via::default();
    let outcome: Result<IpAddr, String> = tokio::select! {
        outcome = mapped(at, Udp, &way) => outcome,
        () = serve => unreachable!(),
    };
    (outcome, requests)
}

#[tokio::test]
async fn the_address_that_the_server_sees_is_learnt() {
    let (outcome, requests) = by_udp_of(0, |request| vec![answer(request, 8)]).await;
    assert_eq!((outcome, requests.len()), (said(8), 1));
    let (_, others) = by_udp_of(0, |request| vec![answer(request, 8)]).await;
    assert_ne!(requests, others, "each transaction has its own number");
}

#[tokio::test]
async fn an_unheard_request_is_sent_again_as_it_was() {
    let (outcome, requests) = by_udp_of(2, |request| vec![answer(request, 8)]).await;
    assert_eq!(outcome, said(8));
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[tokio::test]
async fn what_is_no_answer_is_passed_over_and_the_right_one_still_heard() {
    let (outcome, _) = by_udp_of(0, |request| {
        let mut other = request.to_vec();
        other[19] ^= 1;
        let huge = [answer(request, 66), vec![0; 5000]].concat();
        vec![Vec::new(), b"hello".to_vec(), request.to_vec(), answer(&other, 66), huge, answer(request, 8)]
    })
    .await;
    assert_eq!(outcome, said(8));
}

#[tokio::test]
async fn an_error_ends_it_at_once() {
    let (outcome, requests) = by_udp_of(0, |request| {
        vec![[&[1, 0x11, 0, 8][..], &request[4..20], &[0, 9, 0, 4, 0, 0, 5, 0]].concat(), answer(request, 8)]
    })
    .await;
    assert!(outcome.unwrap_err().contains("the error 500"));
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn an_answer_of_another_source_is_not_heard() {
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let serve = async {
        let mut buffer = [0; 64];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        // The same answer, but for its source and what it says.
        stranger.send_to(&answer(&buffer[..length], 66), from).await.unwrap();
        server.recv_from(&mut buffer).await.unwrap();
        server.send_to(&answer(&buffer[..length], 8), from).await.unwrap();
        std::future::pending::<()>().await;
    };
    let way = Via::default();
    tokio::select! {
        outcome = mapped(at, Udp, &way) => assert_eq!(outcome, said(8)),
        () = serve => {}
    }
}

#[tokio::test]
async fn where_nobody_listens_it_ends_at_once() {
    let at = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(mapped(at, Udp, &Via::default()).await.is_err());
    assert!(mapped(at, Tcp, &Via::default()).await.is_err());
}

#[tokio::test]
async fn silence_has_an_end_after_five_requests() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    assert_eq!((USUAL.all.as_secs(), USUAL.rto.as_millis()), (10, 500));
    // The same at a fifth of the time.
    let patience = Patience { all: USUAL.all / 5, rto: USUAL.rto / 5 };
    let began = tokio::time::Instant::now();
    let outcome = mapped_within(patience, at, Udp, &Via::default()).await;
    assert_eq!(outcome.unwrap_err(), "no answer within 2 s");
    assert!(began.elapsed() < Duration::from_secs(4));
    let mut requests = 0;
    while server.try_recv_from(&mut [0; 64]).is_ok() {
        requests += 1;
    }
    assert_eq!(requests, 5);
}

#[tokio::test]
async fn what_came_instead_of_an_answer_is_told() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let patience = Patience { all: Duration::from_secs(1), rto: Duration::from_millis(500) };
    let way = Via::default();
    let serve = async {
        let from = server.recv_from(&mut [0; 64]).await.unwrap().1;
        server.send_to(b"HTTP/1.1 400 Bad Request\r\n\r\n", from).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(mapped_within(patience, at, Udp, &way), serve);
    assert_eq!(outcome.unwrap_err(), "no answer within 1 s; something else came: it is no STUN message");
}

#[tokio::test]
async fn a_flood_of_nonsense_keeps_nobody_longer() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let patience = Patience { all: Duration::from_secs(1), rto: Duration::from_millis(500) };
    let way = Via::default();
    let serve = async {
        let from = server.recv_from(&mut [0; 64]).await.unwrap().1;
        loop {
            // Where its buffer is full the next one will do.
            let _ = server.send_to(&[1; 100], from).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = timeout(Duration::from_secs(5), mapped_within(patience, at, Udp, &way)) => {
            assert!(outcome.unwrap().unwrap_err().contains("something else came"));
        }
        () = serve => {}
    }
}

/// What is learnt of a server that answers a connection's first request with these octets and ends it.
async fn by_tcp_of(behave: impl Fn(&[u8]) -> Vec<u8>) -> Result<IpAddr, String> {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let serve = async {
        let mut stream = server.accept().await.unwrap().0;
        let mut request = [0; 20];
        stream.read_exact(&mut request).await.unwrap();
        // In two pieces: a stream has no messages.
        let octets = behave(&request);
        let (first, second) = octets.split_at(octets.len() / 3);
        stream.write_all(first).await.unwrap();
        let _ = stream.write_all(second).await;
    };
    let way = Via::default();
    let (outcome, ()) = tokio::join!(mapped(at, Tcp, &way), serve);
    outcome
}

#[tokio::test]
async fn an_answer_by_tcp_is_read_to_its_end_and_no_further() {
    assert_eq!(by_tcp_of(|request| answer(request, 8)).await, said(8));
    assert_eq!(by_tcp_of(|request| [answer(request, 8), answer(request, 66)].concat()).await, said(8));
}

#[tokio::test]
async fn a_wrong_answer_by_tcp_ends_it_at_once() {
    let why = async |behave: fn(&[u8]) -> Vec<u8>| by_tcp_of(behave).await.unwrap_err();
    assert!(why(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()).await.contains("no STUN"));
    assert!(
        why(|request| answer(&[request[..19].to_vec(), vec![!request[19]]].concat(), 66)).await.contains("another")
    );
    assert!(why(|request| answer(request, 8)[..30].to_vec()).await.contains("eof"));
    assert!(why(|_| Vec::new()).await.contains("eof"));
    let huge = |request: &[u8]| [&[1, 1, 0xff, 0xfc][..], &request[4..20], &vec![0; 65532]].concat();
    assert!(why(huge).await.contains("too long"));
}

#[tokio::test]
async fn it_is_asked_from_the_address_that_was_said() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let via = Via { address: Some("127.0.0.5".parse().unwrap()), interface: None };
    let serve = async {
        let mut buffer = [0; 64];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        server.send_to(&answer(&buffer[..length], 8), from).await.unwrap();
        from
    };
    let (outcome, from) = tokio::join!(mapped(at, Udp, &via), serve);
    assert_eq!((outcome, from.ip()), (said(8), via.address.unwrap()));
}
