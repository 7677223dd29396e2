//! Name servers made for the purpose.

use std::net::Ipv4Addr;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, TXT};
use hickory_proto::rr::{Name as WireName, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Udp,
    Tcp,
}

/// A name server that answers each question with the messages that `behave` makes of it.
pub(super) struct Fake<F> {
    udp: UdpSocket,
    tcp: TcpListener,
    pub(super) address: SocketAddr,
    behave: F,
}

pub(super) async fn fake<F: Fn(By, &Message) -> Vec<Message>>(behave: F) -> Fake<F> {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        // The same number may be taken for UDP.
        let Ok(udp) = UdpSocket::bind(address).await else { continue };
        return Fake { udp, tcp, address, behave };
    }
}

impl<F: Fn(By, &Message) -> Vec<Message>> Fake<F> {
    pub(super) async fn serve(&self) -> std::convert::Infallible {
        let mut buffer = [0; 4096];
        loop {
            tokio::select! {
                datagram = self.udp.recv_from(&mut buffer) => {
                    let (length, from) = datagram.unwrap();
                    for reply in (self.behave)(By::Udp, &Message::from_vec(&buffer[..length]).unwrap()) {
                        self.udp.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
                    }
                }
                connection = self.tcp.accept() => {
                    let mut stream = connection.unwrap().0;
                    let length = stream.read_u16().await.unwrap();
                    let mut request = vec![0; length.into()];
                    stream.read_exact(&mut request).await.unwrap();
                    for reply in (self.behave)(By::Tcp, &Message::from_vec(&request).unwrap()) {
                        let reply = reply.to_vec().unwrap();
                        stream.write_u16(reply.len().try_into().unwrap()).await.unwrap();
                        stream.write_all(&reply).await.unwrap();
                    }
                }
            }
        }
    }

    /// What is learnt of `key` while this server serves.
    async fn asked(&self, key: &RrsetKey) -> Answer {
        let servers = [("ns.example.org".to_owned(), self.address)];
        tokio::select! {
            answers = authoritative(key, &servers) => answers.into_iter().next().unwrap(),
            never = self.serve() => match never {},
        }
    }
}

/// What a server that behaves like that tells us of `home.example.org A`.
async fn outcome(behave: impl Fn(By, &Message) -> Vec<Message>) -> Result<Values, String> {
    fake(behave).await.asked(&key(RecordType::A)).await.outcome
}

fn key(rtype: RecordType) -> RrsetKey {
    RrsetKey::new(Name::parse("home.example.org").unwrap(), rtype)
}

/// An answer with authority and these records.
fn answer(request: &Message, records: impl IntoIterator<Item = RData>) -> Message {
    let mut reply = request.clone().into_response();
    reply.metadata.authoritative = true;
    let name = request.queries[0].name.clone();
    reply.add_answers(records.into_iter().map(|data| Record::from_rdata(name.clone(), 60, data)));
    reply
}

/// An error instead of an answer.
fn failure(request: &Message, code: ResponseCode) -> Message {
    let mut reply = request.clone().into_response();
    reply.metadata.response_code = code;
    reply
}

fn v4(last: u8) -> RData {
    RData::A(A::new(192, 0, 2, last))
}

pub(super) fn values(last: &[u8]) -> Values {
    last.iter().map(|last| Value::V4(Ipv4Addr::new(192, 0, 2, *last))).collect()
}

#[tokio::test]
async fn the_question_goes_without_recursion_and_the_values_come_with_their_lowest_ttl() {
    let server = fake(|_, request| {
        assert!(!request.recursion_desired);
        let mut reply = answer(request, [v4(1), v4(2)]);
        reply.answers[1].ttl = 30;
        vec![reply]
    })
    .await;
    let answer = server.asked(&key(RecordType::A)).await;
    assert_eq!((answer.outcome, answer.ttl), (Ok(values(&[1, 2])), Ttl::new(30)));
    assert_eq!((answer.server, answer.name.as_str()), (server.address, "ns.example.org"));
}

#[tokio::test]
async fn each_type_is_read_and_others_are_not_compared() {
    let server = fake(|_, request| {
        let texts = TXT::new(vec!["v=spf1 ".into(), "-all".into()]);
        vec![answer(request, [v4(1), RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), RData::TXT(texts)])]
    })
    .await;
    for (rtype, text) in
        [(RecordType::A, "192.0.2.1"), (RecordType::Aaaa, "2001:db8::1"), (RecordType::Txt, "v=spf1 -all")]
    {
        let wanted = Values::from([Value::parse(rtype, text).unwrap()]);
        assert_eq!(agreement(&[server.asked(&key(rtype)).await], &wanted), Verdict::Seen, "{rtype}");
    }
    assert!(server.asked(&key(RecordType::Mx)).await.outcome.unwrap_err().contains("MX"));
}

#[tokio::test]
async fn absence_is_known_only_with_authority() {
    let with = |code, authoritative| {
        outcome(move |_, request| {
            let mut reply = answer(request, []);
            reply.metadata.response_code = code;
            reply.metadata.authoritative = authoritative;
            vec![reply]
        })
    };
    assert_eq!(with(ResponseCode::NoError, true).await, Ok(Values::new()));
    assert_eq!(with(ResponseCode::NXDomain, true).await, Ok(Values::new()));
    assert!(with(ResponseCode::NoError, false).await.unwrap_err().contains("authority"));
    assert!(with(ResponseCode::NXDomain, false).await.unwrap_err().contains("authority"));
    assert!(with(ResponseCode::Refused, true).await.unwrap_err().contains("error"));
    assert!(with(ResponseCode::ServFail, true).await.unwrap_err().contains("error"));
}

#[tokio::test]
async fn an_answer_without_authority_is_none_and_an_alias_is_no_address() {
    let recursive = outcome(|_, request| {
        let mut reply = answer(request, [v4(1)]);
        reply.metadata.authoritative = false;
        vec![reply]
    });
    assert!(recursive.await.unwrap_err().contains("authority"));
    let alias = outcome(|_, request| {
        let target = WireName::from_ascii("other.example.org.").unwrap();
        let mut reply = answer(request, [RData::CNAME(CNAME(target.clone()))]);
        reply.add_answer(Record::from_rdata(target, 60, v4(1)));
        vec![reply]
    });
    assert_eq!(alias.await, Ok(Values::new()));
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again_by_tcp() {
    let by_tcp = |behave: fn(&Message) -> Vec<Message>| {
        outcome(move |by, request| match by {
            By::Udp => vec![answer(request, [v4(1)]).truncate()],
            By::Tcp => behave(request),
        })
    };
    assert_eq!(by_tcp(|request| vec![answer(request, [v4(1), v4(2)])]).await, Ok(values(&[1, 2])));
    assert!(by_tcp(|request| vec![answer(request, []).truncate()]).await.unwrap_err().contains("cut off"));
    let forged = by_tcp(|request| {
        let mut reply = answer(request, [v4(66)]);
        reply.metadata.id ^= 1;
        vec![reply]
    });
    assert!(forged.await.unwrap_err().contains("another question"));
    assert!(by_tcp(|_| Vec::new()).await.unwrap_err().contains("closed"));
}

#[tokio::test]
async fn forged_answers_are_passed_over() {
    let other_id = |request: &Message| {
        let mut reply = answer(request, [v4(66)]);
        reply.metadata.id ^= 1;
        reply
    };
    let other_question = |request: &Message| {
        let mut reply = answer(request, [v4(67)]);
        reply.queries[0].name = WireName::from_ascii("evil.example.org.").unwrap();
        reply
    };
    let then_honest =
        outcome(|_, request| vec![other_id(request), other_question(request), answer(request, [v4(1)])]).await;
    assert_eq!(then_honest, Ok(values(&[1])));

    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let from_elsewhere = async {
        let mut buffer = [0; 512];
        let (length, from) = stranger.recv_from(&mut buffer).await.unwrap();
        let request = Message::from_vec(&buffer[..length]).unwrap();
        elsewhere.send_to(&answer(&request, [v4(68)]).to_vec().unwrap(), from).await.unwrap();
        stranger.send_to(&answer(&request, [v4(1)]).to_vec().unwrap(), from).await.unwrap();
    };
    let servers = [("ns".to_owned(), stranger.local_addr().unwrap())];
    let key = key(RecordType::A);
    let ((), answers) = tokio::join!(from_elsewhere, authoritative(&key, &servers));
    assert_eq!(answers[0].outcome, Ok(values(&[1])));

    // Nothing but forgeries is as good as silence, and both end.
    let (forged, silent) = tokio::join!(
        outcome(|_, request| vec![other_id(request), other_question(request)]),
        outcome(|_, _| Vec::new())
    );
    assert_eq!(forged, Err("no answer within 3 s".into()));
    assert_eq!(silent, Err("no answer within 3 s".into()));
}

#[test]
fn one_server_that_lags_is_enough_for_not_yet_and_one_that_is_down_does_not_count() {
    let answer = |last: u8, outcome: Result<Values, String>| Answer {
        server: SocketAddr::from(([192, 0, 2, last], 53)),
        name: format!("ns{last}.example.org"),
        outcome,
        ttl: None,
    };
    let wanted = values(&[1]);
    let down = || answer(9, Err("no answer within 3 s".into()));
    let has = || answer(8, Ok(values(&[1])));
    let lags = || answer(7, Ok(values(&[2])));
    let more = || answer(6, Ok(values(&[1, 2])));

    assert_eq!(agreement(&[has(), down()], &wanted), Verdict::Seen);
    let not_yet = Verdict::NotYet { server: "ns7.example.org (192.0.2.7)".into(), holds: values(&[2]) };
    assert_eq!(agreement(&[down(), has(), lags()], &wanted), not_yet);
    assert_eq!(not_yet.to_string(), "ns7.example.org (192.0.2.7) still answers 192.0.2.2");
    assert_eq!(agreement(&[more()], &wanted), Verdict::Seen, "values of others may stand beside ours");
    assert!(matches!(agreement(&[has()], &values(&[1, 2])), Verdict::NotYet { .. }));
    assert_eq!(
        agreement(&[down()], &wanted),
        Verdict::Unknown("ns9.example.org (192.0.2.9): no answer within 3 s".into())
    );
    assert!(matches!(agreement(&[], &wanted), Verdict::Unknown(_)));
    assert_eq!(agreement(&[answer(5, Ok(Values::new()))], &Values::new()), Verdict::Seen);
    assert!(matches!(agreement(&[down()], &Values::new()), Verdict::Unknown(_)), "silence is not absence");
}

#[test]
fn resolv_conf_is_read_as_the_c_library_reads_it() {
    let text = "# nameserver 192.0.2.9\nsearch lan\nnameserver 192.0.2.1\n  nameserver\t2001:db8::1 # home\n\
                nameserver x\nnameserver fe80::1%7\nnameserver 192.0.2.4\nnameservers 192.0.2.5\n";
    let expected = ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%7]:53"].map(|text| text.parse().unwrap());
    assert_eq!(resolvers(text), expected);
    assert_eq!(resolvers(""), ["127.0.0.1:53".parse().unwrap()]);
    let loopback = if_addrs::get_if_addrs().unwrap().into_iter().find(|here| here.is_loopback()).unwrap();
    let scoped = resolver(&format!("fe80::1%{}", loopback.name)).unwrap();
    assert!(matches!(scoped, SocketAddr::V6(at) if Some(at.scope_id()) == loopback.index), "{scoped}");
    assert_eq!(resolver("fe80::1%no-such-interface"), None);
}

#[test]
fn a_zone_can_be_the_last_label_and_is_never_a_wildcard() {
    let all = |text: &str| zones(&Name::parse(text).unwrap()).map(String::from).collect::<Vec<_>>();
    assert_eq!(all("*.nas.example.org"), ["nas.example.org", "example.org", "org"]);
    assert_eq!(all("nas.lan"), ["nas.lan", "lan"]);
    assert_eq!(all("lan"), ["lan"]);
}

/// A resolver that knows one zone, `example.org`, with three servers.
fn resolver_of_one_zone(request: &Message) -> Message {
    assert!(request.recursion_desired);
    let question = &request.queries[0];
    let ns = |host: &str| RData::NS(NS(WireName::from_ascii(host).unwrap()));
    let mut reply = match (question.name.to_ascii().as_str(), question.query_type) {
        ("example.org.", WireType::NS) => {
            answer(request, [ns("ns2.example.net."), ns("ns1.example.net."), ns("gone.example.net.")])
        }
        // An alias that leads into another zone: not the zone of the alias.
        ("www.example.org.", WireType::NS) => {
            let mut reply = answer(request, []);
            let other = WireName::from_ascii("other.example.").unwrap();
            reply.add_answer(Record::from_rdata(question.name.clone(), 1, RData::CNAME(CNAME(other.clone()))));
            reply.add_answer(Record::from_rdata(other, 1, ns("ns.other.example.")));
            reply
        }
        ("ns1.example.net.", WireType::A) => answer(request, [v4(11), v4(12)]),
        ("ns1.example.net.", WireType::AAAA) => {
            answer(request, [RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11))])
        }
        ("ns2.example.net.", WireType::A) => answer(request, [v4(21)]),
        _ => answer(request, []),
    };
    if reply.answers.is_empty() {
        reply.metadata.response_code = ResponseCode::NXDomain;
    }
    reply.metadata.authoritative = false;
    reply
}

#[tokio::test]
async fn the_servers_of_the_closest_zone_are_found_and_each_comes_first_once() {
    let refusing = fake(|_, request| vec![failure(request, ResponseCode::Refused)]).await;
    let working = fake(|_, request| vec![resolver_of_one_zone(request)]).await;
    let look = async |text: &str| {
        let name = Name::parse(text).unwrap();
        tokio::select! {
            found = delegation_by(vec![refusing.address, working.address], &name) => found,
            never = refusing.serve() => match never {},
            never = working.serve() => match never {},
        }
    };
    let found = look("a.www.example.org").await.unwrap();
    assert_eq!(found.zone.as_str(), "example.org");
    let found: Vec<_> = found.servers.iter().map(|(name, at)| format!("{name} {at}")).collect();
    let expected = [
        "ns1.example.net 192.0.2.11:53",
        "ns1.example.net [2001:db8::11]:53",
        "ns2.example.net 192.0.2.21:53",
        "ns1.example.net 192.0.2.12:53",
    ];
    assert_eq!(found, expected);
    assert_eq!(look("home.example.com").await, Err("no zone was found for home.example.com".into()));
}

#[tokio::test]
async fn a_resolver_that_fails_is_no_reason_to_look_further_up() {
    let failing = fake(|_, request| vec![failure(request, ResponseCode::ServFail)]).await;
    let name = Name::parse("home.example.org").unwrap();
    let found = tokio::select! {
        found = delegation_by(vec![failing.address], &name) => found,
        never = failing.serve() => match never {},
    };
    assert!(found.unwrap_err().contains("home.example.org NS"));
}
