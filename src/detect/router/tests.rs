//! Routers that answer well, badly and not at all, on the loopback interface.
#![expect(clippy::disallowed_methods, reason = "a router that is slow waits, and a test takes the time")]

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use super::*;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What a server heard so far.
type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

/// A server of datagrams. `answer` gets the number of the request, the request, and who sent it, and gives what is sent back.
fn datagrams(answer: impl Fn(usize, &[u8], std::net::SocketAddr) -> Vec<Vec<u8>> + Send + 'static) -> (u16, Heard) {
    let socket = UdpSocket::bind((HERE, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let heard = Heard::default();
    let noted = Arc::clone(&heard);
    std::thread::spawn(move || {
        let mut octets = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut octets) {
            let request = octets[..length].to_vec();
            noted.lock().unwrap().push(request.clone());
            let number = noted.lock().unwrap().len();
            for reply in answer(number, &request, from) {
                socket.send_to(&reply, from).unwrap();
            }
        }
    });
    (port, heard)
}

/// A server of pages: `answer` gets the head of a request and gives all of the reply.
fn pages(at: Ipv4Addr, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (u16, Heard) {
    let listener = TcpListener::bind((at, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let noted = Arc::clone(&heard);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut octets = vec![0; 8192];
            let length = stream.read(&mut octets).unwrap_or(0);
            let request = String::from_utf8_lossy(&octets[..length]).into_owned();
            noted.lock().unwrap().push(request.clone().into_bytes());
            // The client may go before it has heard everything.
            let _ = stream.write_all(&answer(&request));
        }
    });
    (port, heard)
}

fn page(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn description(services: &[(&str, &str)]) -> String {
    let services = services
        .iter()
        .map(|(kind, to)| format!("<service><serviceType>{kind}</serviceType><controlURL>{to}</controlURL></service>"));
    format!(
        "<root><device><deviceType>{}1</deviceType><serviceList>{}</serviceList></device></root>",
        upnp::read::DEVICE,
        services.collect::<String>()
    )
}

fn soap(address: &str) -> String {
    format!(
        "<Envelope><Body><GetExternalIPAddressResponse><NewExternalIPAddress>{address}</NewExternalIPAddress>\
         </GetExternalIPAddressResponse></Body></Envelope>"
    )
}

/// A port on which nobody listens.
fn closed() -> u16 {
    UdpSocket::bind((HERE, 0)).unwrap().local_addr().unwrap().port()
}

fn router(protocols: &[Protocol], mapping: u16, search: u16) -> Router {
    let options =
        RouterOptions { router: Some(HERE), via: Via::default(), protocols: protocols.into(), private: false };
    Router { ports: Ports { mapping, search }, ..Router::new(options) }
}

/// A router's answer to a search.
fn found(place: &str) -> Vec<Vec<u8>> {
    vec![format!("HTTP/1.1 200 OK\r\nST: {}1\r\nLOCATION: {place}\r\n\r\n", upnp::read::DEVICE).into_bytes()]
}

/// A UPnP router whose description and whose SOAP calls are answered so, and what it heard.
fn upnp_router(described: Vec<u8>, called: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (Router, Heard, Heard) {
    let (http, pages) = pages(HERE, move |request| match request.starts_with("GET /d.xml ") {
        true => described.clone(),
        false => called(request),
    });
    let (search, searches) = datagrams(move |_, _, _| found(&format!("http://{HERE}:{http}/d.xml")));
    (router(&[Protocol::Upnp], closed(), search), searches, pages)
}

fn good_upnp(address: &str) -> (Router, Heard, Heard) {
    let reply = page("200 OK", &soap(address));
    upnp_router(page("200 OK", &description(&[(upnp::read::SERVICES[0], "/ip")])), move |_| reply.clone())
}

fn natpmp(code: u8, address: [u8; 4]) -> Vec<u8> {
    [&[0, 128, 0, code, 0, 0, 0, 9], &address[..]].concat()
}

fn these(text: &str) -> Reading {
    Reading::Addresses(vec![text.parse().unwrap()])
}

async fn why(router: &Router) -> String {
    match router.detect(Family::Ipv4).await {
        Reading::Unknown(why) => why,
        other => panic!("{other:?}"),
    }
}

fn count(heard: &Heard) -> usize {
    heard.lock().unwrap().len()
}

#[tokio::test]
async fn natpmp_answers_first_and_nothing_changes_at_the_router() {
    let (port, heard) = datagrams(|_, _, _| vec![natpmp(0, [8, 8, 8, 8])]);
    let router = router(&Protocol::ALL, port, closed());
    for _ in 0..2 {
        assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
    }
    assert_eq!(*heard.lock().unwrap(), [[0, 0], [0, 0]], "no mapping was asked for");
}

#[tokio::test]
async fn a_question_is_repeated_and_what_is_no_answer_is_passed_over() {
    let (port, heard) = datagrams(|number, _, _| match number {
        1 => vec![],
        2 => vec![vec![], vec![0, 0], natpmp(0, [6, 6, 6, 6])[..11].to_vec(), vec![9; 2048]],
        _ => vec![vec![0, 129, 0, 0, 0, 0, 0, 9, 6, 6, 6, 6], natpmp(0, [8, 8, 8, 8])],
    });
    let router = router(&[Protocol::NatPmp], port, closed());
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
    assert_eq!(count(&heard), 3);
}

#[tokio::test]
async fn an_answer_from_another_address_or_port_is_not_heard() {
    let strangers = [UdpSocket::bind((ELSEWHERE, 0)).unwrap(), UdpSocket::bind((HERE, 0)).unwrap()];
    let (port, _) = datagrams(move |number, _, from| {
        for stranger in &strangers {
            stranger.send_to(&natpmp(0, [6, 6, 6, 6]), from).unwrap();
        }
        if number < 2 { vec![] } else { vec![natpmp(0, [8, 8, 8, 8])] }
    });
    let router = router(&[Protocol::NatPmp], port, closed());
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
}

#[tokio::test]
async fn a_router_that_speaks_none_of_it_is_unknown_with_every_reason() {
    let (silent, asked) = datagrams(|_, _, _| vec![]);
    let begun = Instant::now();
    let said = why(&router(&Protocol::ALL, closed(), silent)).await;
    assert!(said.starts_with("the router 127.0.0.1 does not say it: NAT-PMP: nobody listens there; PCP: "), "{said}");
    assert!(said.ends_with("UPnP: no answer to the search"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 6, "three times for each version");
    let first = String::from_utf8(asked[0].clone()).unwrap();
    assert!(first.starts_with(&format!("M-SEARCH * HTTP/1.1\r\nHOST: 127.0.0.1:{silent}\r\n")), "{first}");
    assert!(first.ends_with("\r\n\r\n"), "{first}");
}

#[tokio::test]
async fn a_router_that_is_silent_takes_no_longer_than_a_detector_may() {
    let (silent, asked) = datagrams(|_, _, _| vec![]);
    let begun = Instant::now();
    let said = why(&router(&Protocol::ALL, silent, silent)).await;
    assert!(said.contains("NAT-PMP: no answer; PCP: no answer; UPnP: no answer"), "{said}");
    assert!(begun.elapsed() < WITHIN, "{:?}", begun.elapsed());
    let short = asked.lock().unwrap().iter().filter(|request| request.as_slice() == [0, 0]).count();
    assert_eq!(short, 4, "RFC 6886's schedule, cut short");
}

#[tokio::test]
async fn a_refusal_ends_the_waiting_at_once() {
    let begun = Instant::now();
    for (code, word) in [(2, "switched off"), (3, "itself behind a NAT"), (5, "(code 5)")] {
        let (port, heard) = datagrams(move |_, _, _| vec![natpmp(code, [0; 4])]);
        let said = why(&router(&[Protocol::NatPmp], port, closed())).await;
        assert!(said.contains(word), "{said}");
        assert_eq!(count(&heard), 1);
    }
    assert!(begun.elapsed() < Duration::from_millis(700), "{:?}", begun.elapsed());
}

/// A server that speaks PCP alone and gives this address.
fn pcp_only(address: Ipv4Addr) -> (u16, Heard) {
    datagrams(move |_, request, _| {
        let mut reply = request.to_vec();
        if request[0] != 2 {
            let mut refusal = vec![0; 24];
            refusal[..4].copy_from_slice(&[2, request[1] | 128, 0, 1]);
            return vec![refusal];
        }
        reply[1] |= 128;
        reply[8..24].fill(0);
        reply[44..60].copy_from_slice(&address.to_ipv6_mapped().octets());
        vec![reply]
    })
}

#[tokio::test]
async fn pcp_is_asked_where_the_rest_is_not_spoken_and_its_mapping_is_taken_back() {
    let (port, heard) = pcp_only([8, 8, 8, 8].into());
    let both = [Protocol::NatPmp, Protocol::Pcp];
    let router = router(&both, port, closed());
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
    let heard = heard.lock().unwrap();
    let [first, map, end, again, end_again] = heard.as_slice() else { panic!("{heard:?}") };
    assert_eq!(first, &[0, 0]);
    assert_eq!((map.len(), &map[..2], &map[4..8]), (60, &[2, 1][..], &120_u32.to_be_bytes()[..]));
    assert_eq!(map[8..24], HERE.to_ipv6_mapped().octets(), "our own address, as the router sees it");
    assert_ne!(map[24..36], [0; 12], "a nonce");
    for (map, end) in [(map, end), (again, end_again)] {
        assert_eq!(end[4..8], [0; 4], "the end of its lifetime");
        assert_eq!((&end[..4], &end[8..42]), (&map[..4], &map[8..42]), "the same nonce and port");
    }
    assert_ne!(map[24..36], again[24..36], "a nonce is used once");
}

#[tokio::test]
async fn the_answer_to_another_mapping_is_not_believed() {
    let (port, _) = datagrams(|_, request, _| {
        let mut reply = request.to_vec();
        reply[1] |= 128;
        reply[44..60].copy_from_slice(&Ipv4Addr::new(6, 6, 6, 6).to_ipv6_mapped().octets());
        reply[30] ^= 1;
        vec![reply]
    });
    let said = why(&router(&[Protocol::Pcp], port, closed())).await;
    assert!(said.contains("PCP: no answer but one that is none: it is about another mapping"), "{said}");
}

#[tokio::test]
async fn upnp_is_searched_once_and_then_called_where_it_was_found() {
    let (router, searches, pages) = good_upnp("8.8.8.8");
    for _ in 0..3 {
        assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
    }
    let searched = count(&searches);
    let requests: Vec<String> =
        pages.lock().unwrap().iter().map(|octets| String::from_utf8(octets.clone()).unwrap()).collect();
    assert_eq!(requests.len(), 4, "{requests:?}");
    let call = requests[1].to_lowercase();
    assert!(call.starts_with("post /ip http/1.1\r\n"), "{call}");
    let action = "soapaction: \"urn:schemas-upnp-org:service:wanipconnection:1#getexternalipaddress\"\r\n";
    assert!(call.contains(action), "{call}");
    router.network_changed();
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
    assert!(count(&searches) > searched, "a changed network is searched again");
}

#[tokio::test]
async fn a_router_that_changed_its_ways_is_found_again() {
    let (http, _) = pages(HERE, |request| match request.split(' ').nth(1) {
        Some("/d.xml") => page("200 OK", &description(&[(upnp::read::SERVICES[1], "/new")])),
        Some("/new") => page("200 OK", &soap("8.8.8.8")),
        _ => page("404 Not Found", ""),
    });
    let (search, _) = datagrams(move |_, _, _| found(&format!("http://{HERE}:{http}/d.xml")));
    let router = router(&[Protocol::NatPmp, Protocol::Upnp], closed(), search);
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"));
    let old =
        upnp::Control { url: format!("http://{HERE}:{http}/old").parse().unwrap(), service: upnp::read::SERVICES[0] };
    router.known.lock().unwrap().as_mut().unwrap().answer.controls = vec![old];
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"), "the old place is no more");
    router.known.lock().unwrap().as_mut().unwrap().answer.protocol = Protocol::NatPmp;
    assert_eq!(router.detect(Family::Ipv4).await, these("8.8.8.8"), "the old protocol is no longer spoken");
}

#[tokio::test]
async fn nobody_but_the_router_is_called_or_believed() {
    let (elsewhere, called) = pages(ELSEWHERE, |_| page("200 OK", &soap("6.6.6.6")));
    // Somebody else answers the search, and then the router with a place elsewhere.
    let stranger = UdpSocket::bind((ELSEWHERE, 0)).unwrap();
    let (search, _) = datagrams(move |_, _, from| {
        for reply in found(&format!("http://{ELSEWHERE}:{elsewhere}/d.xml")) {
            stranger.send_to(&reply, from).unwrap();
        }
        found(&format!("http://{ELSEWHERE}:{elsewhere}/d.xml"))
    });
    let said = why(&router(&[Protocol::Upnp], closed(), search)).await;
    assert!(said.contains("is at another host than the router's address: not called"), "{said}");

    let foreign = format!("http://{ELSEWHERE}:{elsewhere}/ip");
    let (router, ..) = upnp_router(page("200 OK", &description(&[(upnp::read::SERVICES[0], &foreign)])), |_| vec![]);
    let said = why(&router).await;
    assert!(said.contains("control URL of the router's connection is at another host"), "{said}");

    let there = format!("HTTP/1.1 302 Found\r\nLocation: {foreign}\r\nContent-Length: 0\r\n\r\n").into_bytes();
    let (router, ..) = upnp_router(there.clone(), |_| vec![]);
    assert!(why(&router).await.contains("redirect"));
    let good = page("200 OK", &description(&[(upnp::read::SERVICES[0], "/ip")]));
    let (router, ..) = upnp_router(good, move |_| there.clone());
    assert!(why(&router).await.contains("redirect"));
    assert_eq!(count(&called), 0);
}

#[tokio::test]
async fn huge_broken_and_slow_answers_are_given_up() {
    let huge = || page("200 OK", &" ".repeat(10 << 20));
    let endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".iter().copied().chain(vec![b'x'; 10 << 20]);
    let good = page("200 OK", &description(&[(upnp::read::SERVICES[0], "/ip")]));
    for described in [huge(), endless.collect()] {
        let (router, ..) = upnp_router(described, |_| vec![]);
        let said = why(&router).await;
        assert!(said.contains("longer than 65536 octets"), "{said}");
    }
    let cases = [
        (huge(), "longer than 4096 octets"),
        (page("200 OK", ""), "no well-formed XML"),
        (page("200 OK", "<html>log in</html>"), "no address in the place for it"),
        (page("200 OK", &soap("not yet")), "no IPv4 address: \"not yet\""),
        (page("200 OK", &soap("0.0.0.0")), "not connected"),
        (page("404 Not Found", ""), "status 404"),
        (page("500 Internal Server Error", "oops"), "status 500"),
        (
            page(
                "500 Internal Server Error",
                "<Envelope><Body><Fault><detail><UPnPError><errorCode>501</errorCode><errorDescription>Action Failed\
                 </errorDescription></UPnPError></detail></Fault></Body></Envelope>",
            ),
            "it refuses: Action Failed (code 501)",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<a>".to_vec(), "UPnP: "),
        (b"\x00\x01".to_vec(), "UPnP: "),
    ];
    for (reply, expected) in cases {
        let (router, ..) = upnp_router(good.clone(), move |_| reply.clone());
        let said = why(&router).await;
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let begun = Instant::now();
    let (router, ..) = upnp_router(good, |_| {
        std::thread::sleep(Duration::from_secs(20));
        vec![]
    });
    assert!(why(&router).await.contains("no answer within 5 s"));
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn of_several_connections_the_public_one_counts_and_two_are_too_many() {
    let services = [(upnp::read::SERVICES[2], "/0"), (upnp::read::SERVICES[0], "/1"), (upnp::read::SERVICES[1], "/2")];
    let cases = [
        (["", "8.8.8.8", "8.8.8.8"], Ok("8.8.8.8")),
        (["192.168.100.2", "8.8.8.8", ""], Ok("8.8.8.8")),
        (["9.9.9.9", "8.8.8.8", ""], Err("several addresses outside, 8.8.8.8 and 9.9.9.9")),
        (["10.0.0.2", "192.168.100.2", ""], Err("several addresses outside, 10.0.0.2 and 192.168.100.2")),
        (["", "0.0.0.0", ""], Err("not connected")),
    ];
    for (answers, expected) in cases {
        let called = move |request: &str| {
            let at = request.bytes().find(u8::is_ascii_digit).unwrap();
            page("200 OK", &soap(answers[usize::from(at - b'0')]))
        };
        let (router, ..) = upnp_router(page("200 OK", &description(&services)), called);
        match expected {
            Ok(address) => assert_eq!(router.detect(Family::Ipv4).await, these(address), "{answers:?}"),
            Err(word) => {
                let said = why(&router).await;
                assert!(said.contains(word), "{answers:?}: {said}");
            }
        }
    }
}

#[tokio::test]
async fn a_private_address_outside_says_that_another_nat_is_in_front() {
    for (text, expected) in [
        ("100.64.3.2", Reading::Behind("100.64.3.2".parse().unwrap())),
        ("192.0.0.2", Reading::Behind("192.0.0.2".parse().unwrap())),
        ("192.168.0.2", Reading::Behind("192.168.0.2".parse().unwrap())),
        ("8.8.8.8", these("8.8.8.8")),
    ] {
        let address: Ipv4Addr = text.parse().unwrap();
        let (port, _) = datagrams(move |_, _, _| vec![natpmp(0, address.octets())]);
        assert_eq!(router(&[Protocol::NatPmp], port, closed()).detect(Family::Ipv4).await, expected);
    }
    for nonsense in ["224.0.0.1", "127.0.0.1", "169.254.1.1", "255.255.255.255", "240.0.0.1", "0.1.2.3"] {
        let reading = read(nonsense.parse().unwrap(), false);
        assert!(matches!(&reading, Reading::Unknown(why) if why.ends_with("not believed")), "{nonsense}: {reading:?}");
    }
    assert_eq!(read([192, 168, 0, 2].into(), true), these("192.168.0.2"));
    assert_eq!(read([192, 0, 0, 2].into(), true), Reading::Behind("192.0.0.2".parse().unwrap()));
}

#[tokio::test]
async fn ipv6_is_not_asked_for() {
    let (port, heard) = datagrams(|_, _, _| vec![]);
    let router = router(&Protocol::ALL, port, port);
    assert!(matches!(router.detect(Family::Ipv6).await, Reading::Unknown(why) if why.contains("only asked for IPv4")));
    assert_eq!(count(&heard), 0);
}

#[test]
fn routers_that_are_asked_otherwise_are_other_sources() {
    let mut options =
        RouterOptions { router: None, via: Via::default(), protocols: Protocol::ALL.into(), private: false };
    assert_eq!(options.to_string(), "router of the default route");
    options.protocols = vec![Protocol::NatPmp, Protocol::Pcp];
    options.via.interface = Some("eth0".into());
    options.router = Some([192, 168, 1, 1].into());
    assert_eq!(options.to_string(), "router 192.168.1.1 via natpmp, pcp by eth0");
}
