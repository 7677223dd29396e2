//! A corpus of answers that must not be published (tests/hostile/README.md), served to the real detectors and to the real program.
#![cfg(all(target_os = "linux", feature = "router"))]
#![expect(clippy::disallowed_methods, reason = "the servers are tasks, and slow ones sleep")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

#[path = "support/authority.rs"]
mod authority;
#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/datagrams.rs"]
mod datagrams;
#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "hostile/make.rs"]
mod make;
#[path = "hostile/server.rs"]
mod server;
#[path = "support/torture.rs"]
mod torture;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use corpus::{Asked, Entry, Read, Reply, Said, octets};
use driftless::detect::Detector;
use driftless::detect::dns::Dns;
use driftless::detect::https::{Clients, Format, Https};
use driftless::detect::router::datagram::Heard;
use driftless::detect::router::{natpmp, pcp, upnp};
use driftless::detect::stun::Stun;
use driftless::model::agree::Reading;
use driftless::model::name::Name;
use driftless::model::record::Family;
use driftless::net::dns::whoami::{Form, Question};
use driftless::net::server::Server as Place;
use driftless::net::stun::Transport;
use driftless::net::via::Via;
use futures_util::StreamExt;
use server::Server;
use tokio::net::UdpSocket;
use torture::{Home, output};

/// How many are asked at the same time.
const TOGETHER: usize = 64;

#[test]
fn the_data_is_what_the_generators_make() {
    let (replies, datagrams) = (make::all(), datagrams::all());
    let mut made = corpus::files(&replies);
    made.extend(corpus::files(&datagrams));
    let ids: Vec<_> = replies.iter().map(Entry::id).chain(datagrams.iter().map(Entry::id)).collect();
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = ids.iter().filter(|id| !seen.insert(**id)).collect();
    assert!(twice.is_empty(), "two entries have one name: {twice:?}");
    assert!(replies.len() >= 500, "{}", replies.len());

    let names = std::fs::read_dir(corpus::folder()).unwrap().map(|entry| entry.unwrap());
    let on_disk: BTreeMap<String, String> = names
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect();
    if made != on_disk {
        let fresh = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
        let _ = std::fs::remove_dir_all(&fresh);
        std::fs::create_dir_all(&fresh).unwrap();
        for (name, text) in &made {
            std::fs::write(fresh.join(name), text).unwrap();
        }
        panic!(
            "the data and its generators differ; what these make is in {}: put it into tests/hostile/data",
            fresh.display()
        );
    }
}

/// A detector for an entry, as the configuration would make it.
fn detector(clients: &Clients, reply: &Reply, url: &str) -> Https {
    let format = match &reply.read {
        Read::Plain => Format::Plain,
        Read::Json(pointer) => Format::Json(pointer.clone().into()),
        Read::Key(key) => Format::Line(key.clone().into()),
        Read::Header(name) => Format::Header(name.parse().unwrap()),
        Read::Pattern(pattern) => {
            let (before, after) = pattern.split_once("{ip}").unwrap();
            Format::Between(before.to_owned().into(), after.to_owned().into())
        }
    };
    let url = Some(url.parse().unwrap());
    let (four, six) = if reply.family == Asked::Ipv4 { (url, None) } else { (None, url) };
    Https::new(clients.clone(), four, six, format, false).unwrap()
}

fn family(reply: &Reply) -> Family {
    match reply.family {
        Asked::Ipv4 => Family::Ipv4,
        Asked::Ipv6 => Family::Ipv6,
    }
}

/// What the detectors say of each; those whose connection stays are asked again at once.
async fn detected(server: &Server, replies: &[Reply]) -> Vec<Reading> {
    // One client for all, as in the program: what is left in a connection would be the next one's answer.
    let clients = Clients::new().trusting(&server.authority.file());
    let ask = |(reply, url): (&Reply, &String)| {
        let (detector, family) = (detector(&clients, reply, url), family(reply));
        let times = if reply.send.contains(&corpus::Piece::Stay) { 3 } else { 1 };
        async move {
            let mut reading = detector.detect(family).await;
            for _ in 1..times {
                if matches!(reading, Reading::Unknown(_)) {
                    reading = detector.detect(family).await;
                }
            }
            reading
        }
    };
    let asked: Vec<_> = replies.iter().zip(&server.urls).map(ask).collect();
    futures_util::stream::iter(asked).buffered(TOGETHER).collect().await
}

#[tokio::test]
async fn no_reply_is_taken_for_an_address() {
    let replies = corpus::read(&make::all());
    let server = Server::start(&replies).await;
    let readings = detected(&server, &replies).await;
    assert_eq!(readings.len(), replies.len());
    let taken: Vec<_> = replies
        .iter()
        .zip(&readings)
        .filter(|(_, reading)| !matches!(reading, Reading::Unknown(why) if !why.is_empty()))
        .map(|(reply, reading)| format!("{}: {reading:?} ({})", reply.id, reply.why))
        .collect();
    assert!(taken.is_empty(), "{} of {}:\n{}", taken.len(), replies.len(), taken.join("\n"));
    assert_eq!(server.honest(), 0, "a redirect was followed");
}

#[tokio::test]
async fn an_honest_reply_is_taken_by_the_same_way() {
    let (addresses, replies): (Vec<_>, Vec<_>) = make::honest().into_iter().unzip();
    let server = Server::start(&replies).await;
    for ((address, reply), reading) in addresses.iter().zip(&replies).zip(detected(&server, &replies).await) {
        assert_eq!(reading, Reading::Addresses(vec![address.parse().unwrap()]), "{}", reply.id);
    }
}

/// A configuration of one record for each of these, whose address is what the entry says.
fn configured<'a>(home: &Home, service: &str, entries: impl IntoIterator<Item = (usize, &'a Reply, &'a String)>) {
    home.write("password", "secret");
    let mut text = format!(
        "state_dir = {:?}\n[account.a]\nprovider = \"dyndns2\"\nserver = \"{service}\"\nusername = \"user\"\n\
         password = {{ file = {:?} }}\nverify = false\n",
        home.text("state"),
        home.text("password")
    );
    for (at, reply, url) in entries {
        let place = match &reply.read {
            Read::Plain => String::new(),
            Read::Json(pointer) => format!(", json = \"{pointer}\""),
            Read::Key(key) => format!(", key = \"{key}\""),
            Read::Header(name) => format!(", header = \"{name}\""),
            Read::Pattern(pattern) => format!(", pattern = \"{pattern}\""),
        };
        let (this, other) = if reply.family == Asked::Ipv4 { ("ipv4", "ipv6") } else { ("ipv6", "ipv4") };
        let source = format!("{{ https = \"{url}\"{place}, trusted = true }}");
        write!(text, "[[record]]\nname = \"r{at}.example.org\"\naccount = \"a\"\n{this} = {source}\n{other} = false\n")
            .unwrap();
    }
    home.write("driftless.toml", &text);
}

/// What `driftless detect` believes of each of these, by the number in its name.
async fn believed(server: &Server, entries: Vec<(usize, Reply, String)>) -> BTreeMap<usize, serde_json::Value> {
    let home = Home::new();
    configured(&home, "http://127.0.0.1:1/", entries.iter().map(|(at, reply, url)| (*at, reply, url)));
    let mut command = home.driftless(&["detect", "--json"]);
    command.env("SSL_CERT_FILE", server.authority.file());
    let said = tokio::task::spawn_blocking(move || output(&mut command)).await.unwrap();
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    let number = |name: &str| name.strip_prefix('r')?.split('.').next()?.parse().ok();
    let of = |belief: &serde_json::Value| {
        (number(belief["record"]["name"].as_str().unwrap()).unwrap(), belief["reading"].clone())
    };
    said["believed"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn the_program_believes_none_of_them() {
    let (addresses, honest): (Vec<_>, Vec<_>) = make::honest().into_iter().unzip();
    let hostile = corpus::read(&make::all());
    let mut replies = [honest.clone(), hostile].concat();
    // Those that take their time go first, together.
    let (first, rest) = replies.split_at_mut(honest.len());
    rest.sort_by_key(|reply| reply.class() != "slow");
    assert_eq!(first.len(), honest.len());
    let server = Server::start(&replies).await;
    let entry = |at: usize| (at, replies[at].clone(), server.urls[at].clone());
    let rounds: Vec<Vec<usize>> =
        (honest.len()..replies.len()).collect::<Vec<_>>().chunks(160).map(<[usize]>::to_vec).collect();
    let asked = rounds.into_iter().map(|round| {
        let all: Vec<_> = (0..honest.len()).chain(round).map(entry).collect();
        believed(&server, all)
    });
    let answers: Vec<_> = futures_util::stream::iter(asked).buffered(2).collect().await;
    let mut counted = 0;
    for answer in answers {
        for (at, reading) in answer {
            match addresses.get(at) {
                Some(address) => assert_eq!(reading["addresses"], serde_json::json!([address]), "{}", replies[at].id),
                None => {
                    assert!(reading["unknown"].is_string(), "{}: {reading}", replies[at].id);
                    counted += 1;
                }
            }
        }
    }
    assert_eq!(counted, replies.len() - honest.len());
}

#[tokio::test]
async fn nothing_of_them_is_written() {
    // One of every twenty, and one of every class; the slow ones are known to say nothing.
    let mut classes = BTreeSet::new();
    let hostile = corpus::read(&make::all()).into_iter().enumerate();
    let hostile = hostile
        .filter(|(at, reply)| reply.class() != "slow" && (classes.insert(reply.class().to_owned()) || at % 20 == 0));
    let honest = make::honest().into_iter().map(|(_, reply)| reply).filter(|reply| reply.family == Asked::Ipv4);
    let honest: Vec<Reply> = honest.take(3).collect();
    let replies: Vec<Reply> = honest.iter().cloned().chain(hostile.map(|(_, reply)| reply)).collect();
    let server = Server::start(&replies).await;

    let names = (0..replies.len()).map(|at| format!("r{at}.example.org"));
    let service = dyndns2::Dyndns2::new(dyndns2::Rules::default(), names);
    let answering = service.clone();
    let emulator = http::Server::start(0, move |request| answering.answer(request)).await.unwrap();
    let home = Home::new();
    let entries = replies.iter().zip(&server.urls).enumerate().map(|(at, (reply, url))| (at, reply, url));
    configured(&home, &emulator.url(""), entries);
    let mut command = home.driftless(&["once"]);
    command.env("SSL_CERT_FILE", server.authority.file());
    let ended = tokio::task::spawn_blocking(move || output(&mut command)).await.unwrap();

    let sent: Vec<String> =
        emulator.log().iter().map(|exchange| exchange.request.query.clone().unwrap_or_default()).collect();
    for (at, reply) in replies.iter().enumerate() {
        let held = service.host(&format!("r{at}.example.org")).unwrap();
        let told = sent.iter().any(|query| query.contains(&format!("r{at}.example.org")));
        let (ipv4, ipv6) = if at < honest.len() { (make::V4.parse().ok(), None) } else { (None, None) };
        assert_eq!((held.ipv4, held.ipv6, told), (ipv4, ipv6, at < honest.len()), "{}: {ended:?}", reply.id);
    }
    // Unknown is a failure that says so.
    assert_eq!(ended.status.code(), Some(75), "{ended:?}");
}

/// A name server, or a STUN server, that answers whatever is asked with these octets.
async fn answering(said: &Said) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let (mut answer, ours) = (octets(&said.octets), said.ours);
    let transaction = if said.class() == "dns" { 0..2 } else { 8..20 };
    tokio::spawn(async move {
        let mut request = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut request).await {
            let theirs = request.get(..length).and_then(|request| request.get(transaction.clone()));
            if let (Some(theirs), Some(place), true) = (theirs, answer.get_mut(transaction.clone()), ours) {
                place.copy_from_slice(theirs);
            }
            let _ = socket.send_to(&answer, from).await;
        }
    });
    port
}

/// What the detectors say of an answer of a name server or a STUN server.
async fn heard(said: &Said) -> Reading {
    let port = answering(said).await;
    let place = Place::parse("127.0.0.1", port).unwrap();
    let question = |form| Question { name: Name::parse("whoami.test").unwrap(), form, authority: true };
    let form = match said.asked.as_str() {
        "udp" => return Stun::new(place, Transport::Udp, Via::default(), false).detect(Family::Ipv4).await,
        "address" => Form::Address,
        "text" => Form::Text,
        "chaos" => Form::Chaos,
        other => panic!("{other}"),
    };
    Dns::new(question(form), vec![place], Via::default(), false).detect(Family::Ipv4).await
}

/// The address that an answer of a router is taken for; of UPnP's other messages, the place that they lead to.
fn routed(said: &Said) -> Option<String> {
    let octets = octets(&said.octets);
    let router = Ipv4Addr::new(192, 168, 1, 1);
    let place = "http://192.168.1.1/d.xml".parse().unwrap();
    let answer = |heard| match heard {
        Heard::Answer(answer) => Some(answer),
        Heard::Refused(_) | Heard::Noise(_) => None,
    };
    let asked =
        pcp::Question { nonce: datagrams::NONCE, port: datagrams::PORT, client: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    match (said.class(), said.asked.as_str()) {
        ("nat-pmp", _) => answer(natpmp::read(&octets)).map(|answer| answer.address.to_string()),
        ("pcp", _) => answer(pcp::read(&octets, &asked)).map(|answer| answer.address.to_string()),
        (_, "search") => upnp::read::read_found(&octets, router).ok().map(String::from),
        (_, "description") => {
            upnp::read::read_description(&octets, &place, router).ok().map(|found| format!("{found:?}"))
        }
        (_, "address") => upnp::read::read_address(&octets).ok().map(|address| address.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_answer_of_a_name_server_a_stun_server_or_a_router_is_taken_for_an_address() {
    let entries = Arc::new(corpus::read(&datagrams::all()));
    let is_router = |said: &&Said| !matches!(said.class(), "dns" | "stun");
    let mut taken: Vec<String> = entries
        .iter()
        .filter(is_router)
        .filter_map(|said| routed(said).map(|as_what| format!("{}: {as_what}", said.id)))
        .collect();
    // Most of what is no answer is waited out, so that all of them wait together.
    let asked = entries.iter().filter(|said| !is_router(said)).map(|said| async move { (said, heard(said).await) });
    let heard: Vec<_> = futures_util::future::join_all(asked).await;
    let wrong = heard.iter().filter(|(_, reading)| !matches!(reading, Reading::Unknown(_)));
    taken.extend(wrong.map(|(said, reading)| format!("{}: {reading:?}", said.id)));
    assert!(taken.is_empty(), "{} of {}:\n{}", taken.len(), entries.len(), taken.join("\n"));
}

#[tokio::test]
async fn a_good_answer_of_each_protocol_is_taken_by_the_same_way() {
    for said in datagrams::honest() {
        if matches!(said.class(), "dns" | "stun") {
            let reading = heard(&said).await;
            assert_eq!(reading, Reading::Addresses(vec![make::V4.parse().unwrap()]), "{}", said.id);
        } else {
            assert!(routed(&said).is_some(), "{}", said.id);
        }
    }
}
