//! Name servers that say who asks, and those that lie.

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_proto::rr::{Name as WireName, Record};

use super::super::tests::{By, fake};
use super::*;

fn question(form: Form) -> Question {
    Question { name: Name::parse("whoami.example.net").unwrap(), form, authority: true }
}

fn record(query: &Query, data: RData) -> Record {
    let mut record = Record::from_rdata(query.name.clone(), 0, data);
    record.dns_class = query.query_class;
    record
}

/// An answer with authority and these records.
fn answer(request: &Message, records: impl IntoIterator<Item = RData>) -> Message {
    let mut reply = request.clone().into_response();
    reply.metadata.authoritative = true;
    let query = request.queries[0].clone();
    reply.add_answers(records.into_iter().map(|data| record(&query, data)));
    reply
}

fn v4(last: u8) -> RData {
    RData::A(A::new(8, 8, 8, last))
}

fn v6() -> RData {
    RData::AAAA(AAAA::new(0x2a00, 0, 0, 0, 0, 0, 0, 1))
}

fn text(parts: &[&str]) -> RData {
    RData::TXT(TXT::new(parts.iter().map(|part| (*part).to_owned()).collect()))
}

fn eight() -> Result<Said, String> {
    Ok(Said::Address("8.8.8.8".parse().unwrap()))
}

/// What is learnt of a server that behaves like that.
async fn ask(question: Question, behave: impl Fn(By, &Message) -> Vec<Message>) -> Result<Said, String> {
    let (server, way) = (fake(behave).await, Via::default());
    tokio::select! {
        said = whoami(server.address, &question, &way) => said,
        never = server.serve() => match never {},
    }
}

async fn why(form: Form, behave: impl Fn(&Message) -> Message) -> String {
    ask(question(form), |_, request| vec![behave(request)]).await.unwrap_err()
}

#[tokio::test]
async fn an_address_a_text_and_a_text_of_the_class_ch_are_read() {
    assert_eq!(ask(question(Form::Address), |_, request| vec![answer(request, [v4(8)])]).await, eight());
    for (form, class) in [(Form::Text, DNSClass::IN), (Form::Chaos, DNSClass::CH)] {
        let said = ask(question(form), |_, request| {
            assert_eq!(request.queries[0].query_class, class);
            assert!(!request.recursion_desired);
            vec![answer(request, [text(&["8.8.8.8"])])]
        });
        assert_eq!(said.await, Ok(Said::Text("8.8.8.8".into())));
    }
}

#[tokio::test]
async fn exactly_one_record_of_the_question_counts() {
    assert!(why(Form::Address, |request| answer(request, [])).await.contains("empty"));
    assert!(why(Form::Address, |request| answer(request, [v4(8), v4(4)])).await.contains("2 records"));
    assert!(why(Form::Address, |request| answer(request, [v4(8), v4(8)])).await.contains("2 records"));
    assert!(why(Form::Address, |request| answer(request, [v6()])).await.contains("another name, class or type"));
    assert!(why(Form::Address, |request| answer(request, [text(&["8.8.8.8"])])).await.contains("another"));
    assert!(why(Form::Text, |request| answer(request, [v4(8)])).await.contains("another"));
    let subnet = |request: &Message| answer(request, [text(&["8.8.8.8"]), text(&["edns0-client-subnet 9.9.9.0/24"])]);
    assert!(why(Form::Text, subnet).await.contains("2 records"), "as through a resolver");
    assert!(why(Form::Text, |request| answer(request, [text(&["8.8.", "8.8"])])).await.contains("2 texts"));
    let elsewhere = |request: &Message| {
        let mut reply = answer(request, [v4(66)]);
        reply.answers[0].name = WireName::from_ascii("evil.example.net.").unwrap();
        reply
    };
    assert!(why(Form::Address, elsewhere).await.contains("another name"));
    let other_class = |request: &Message| {
        let mut reply = answer(request, [text(&["9.9.9.9"])]);
        reply.answers[0].dns_class = DNSClass::IN;
        reply
    };
    assert!(why(Form::Chaos, other_class).await.contains("class"));
    let alias = |request: &Message| {
        let target = WireName::from_ascii("other.example.net.").unwrap();
        let mut reply = answer(request, [RData::CNAME(CNAME(target.clone()))]);
        reply.add_answer(Record::from_rdata(target, 0, v4(66)));
        reply
    };
    assert!(why(Form::Address, alias).await.contains("2 records"));
    // What is beside the answer is no answer.
    let beside = |request: &Message| {
        let mut reply = answer(request, []);
        let extra = record(&request.queries[0], v4(66));
        reply.add_authority(extra.clone());
        reply.add_additional(extra);
        reply
    };
    assert!(why(Form::Address, beside).await.contains("empty"));
}

#[tokio::test]
async fn a_resolver_that_answers_in_the_servers_place_is_not_believed() {
    let resolver = |request: &Message| {
        let mut reply = answer(request, [v4(66)]);
        reply.metadata.authoritative = false;
        reply.metadata.recursion_available = true;
        reply
    };
    assert!(why(Form::Address, resolver).await.contains("in its place"));
    let open = Question { authority: false, ..question(Form::Address) };
    let said = ask(open, |_, request| {
        assert!(request.recursion_desired, "a resolver that is meant is asked as resolvers are");
        vec![resolver(request)]
    });
    assert_eq!(said.await, Ok(Said::Address("8.8.8.66".parse().unwrap())));
}

#[tokio::test]
async fn an_error_is_no_address() {
    for code in [ResponseCode::NXDomain, ResponseCode::Refused, ResponseCode::ServFail, ResponseCode::NotImp] {
        let said = why(Form::Address, |request| {
            let mut reply = answer(request, [v4(66)]);
            reply.metadata.response_code = code;
            reply
        });
        assert!(said.await.contains("error"));
    }
}

#[tokio::test]
async fn forged_answers_are_passed_over() {
    let said = ask(question(Form::Chaos), |_, request| {
        let reply = || answer(request, [text(&["9.9.9.9"])]);
        let mut other_id = reply();
        other_id.metadata.id ^= 1;
        let mut other_name = reply();
        other_name.queries[0].name = WireName::from_ascii("evil.example.net.").unwrap();
        let mut other_type = reply();
        other_type.queries[0].query_type = WireType::A;
        let mut other_class = reply();
        other_class.queries[0].query_class = DNSClass::IN;
        let mut twice = reply();
        twice.queries.push(request.queries[0].clone());
        let mut none = reply();
        none.queries.clear();
        vec![other_id, other_name, other_type, other_class, twice, none, answer(request, [text(&["8.8.8.8"])])]
    });
    assert_eq!(said.await, Ok(Said::Text("8.8.8.8".into())));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_by_tcp_within_four_kibibytes() {
    let by_tcp = |padding: usize| {
        ask(question(Form::Address), move |by, request| match by {
            By::Udp => vec![answer(request, [v4(66)]).truncate()],
            By::Tcp => {
                let mut reply = answer(request, [v4(8)]);
                let long = ["x".repeat(250)];
                for _ in 0..padding {
                    let query = Query::query(request.queries[0].name.clone(), WireType::TXT);
                    reply.add_additional(record(&query, text(&[&long[0]])));
                }
                vec![reply]
            }
        })
    };
    assert_eq!(by_tcp(2).await, eight());
    assert!(by_tcp(40).await.unwrap_err().contains("longer than 4096"));
}

#[tokio::test]
async fn ids_and_ports_are_drawn_anew_for_each_question() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let serve = async {
            let mut octets = [0; 512];
            let (length, from) = socket.recv_from(&mut octets).await.unwrap();
            let request = Message::from_vec(&octets[..length]).unwrap();
            socket.send_to(&answer(&request, [v4(8)]).to_vec().unwrap(), from).await.unwrap();
            (request.id, from.port())
        };
        let question = question(Form::Address);
        let way = Via::default();
        let (said, drawn) = tokio::join!(whoami(at, &question, &way), serve);
        assert_eq!(said, eight());
        seen.insert(drawn);
    }
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().any(|(id, _)| *id != seen.first().unwrap().0));
    assert!(seen.iter().any(|(_, port)| *port != seen.first().unwrap().1));
}

/// Answers that no library would write: a header and a question, and then what is given.
async fn raw(after: &[u8]) -> String {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let serve = async {
        let mut octets = [0; 512];
        let (length, from) = socket.recv_from(&mut octets).await.unwrap();
        octets[2..4].copy_from_slice(&[0x84, 0]);
        octets[6..8].copy_from_slice(&[0, 1]);
        octets[10..12].copy_from_slice(&[0, 0]);
        // An OPT record at the end of the request is left out.
        let question = 12 + octets[12..length].iter().position(|octet| *octet == 0).unwrap() + 5;
        socket.send_to(&[&octets[..question], after].concat(), from).await.unwrap();
    };
    let question = question(Form::Address);
    let way = Via::default();
    tokio::join!(whoami(at, &question, &way), serve).0.unwrap_err()
}

#[tokio::test]
async fn names_that_loop_and_lengths_that_lie_are_refused() {
    let fixed = [0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 8, 8, 8, 8];
    let here = 12 + 20 + 4;
    let looping = [&[0xc0, here][..], &fixed].concat();
    let ahead = [&[0xc0, here + 2][..], &fixed].concat();
    let beyond = [&[0xff, 0xff][..], &fixed].concat();
    let long = [&[0xc0, 12][..], &[0, 1, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 8, 8, 8, 8]].concat();
    let short = [&[0xc0, 12][..], &[0, 1, 0, 1, 0, 0, 0, 0, 0, 3, 8, 8, 8]].concat();
    for octets in [&looping, &ahead, &beyond, &long, &short, &Vec::new()] {
        let said = raw(octets).await;
        assert!(said.contains("not understood"), "{octets:x?}: {said}");
    }
}
