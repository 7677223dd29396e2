//! Services that say who asks, against real servers: BIND as a name server, coturn as a STUN server, on loopback and over two
//! uplinks; and a web server made for the purpose.
#![expect(clippy::disallowed_methods, reason = "the web server is a task")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![cfg(target_os = "linux")]

#[path = "support/namespace.rs"]
#[expect(dead_code, reason = "not all that can be done with a namespace is done here")]
mod namespace;
#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use driftless::detect::Detector;
use driftless::detect::dns::Dns;
use driftless::detect::https::{Clients, Format, Https};
use driftless::detect::stun::Stun;
use driftless::model::agree::Reading;
use driftless::model::name::Name;
use driftless::model::record::Family;
use driftless::net::dns::whoami::{Form, Question};
use driftless::net::server::Server;
use driftless::net::stun::Transport;
use driftless::net::via::Via;
use namespace::Namespace;
use server::Rig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn from(address: &str) -> Via {
    Via { interface: None, address: Some(address.parse().unwrap()) }
}

fn by(interface: &str) -> Via {
    Via { interface: Some(interface.into()), address: None }
}

fn these(address: &str) -> Reading {
    Reading::Addresses(vec![address.parse().unwrap()])
}

#[track_caller]
fn why(reading: Reading) -> String {
    match reading {
        Reading::Unknown(why) => why,
        other => panic!("{other:?}"),
    }
}

/// A detector that asks a name server for a name in the zone of the rig.
fn dns(port: u16, host: &str, form: Form, server: &str, via: Via) -> Dns {
    let question = Question { name: Name::parse(&format!("{host}.whoami.test")).unwrap(), form, authority: true };
    Dns::new(question, vec![Server::parse(server, port).unwrap()], via, true)
}

#[tokio::test]
#[ignore = "needs BIND 9 (tests/rig/whoami.sh)"]
async fn bind_says_who_asks() {
    const PORT: u16 = 25392;
    let _rig = Rig::start("whoami.sh", &[("WHOAMI_PORT", &PORT.to_string())]);
    let ask = async |host: &str, form, server: &str, via: Via| {
        let family = if server.contains(':') { Family::Ipv6 } else { Family::Ipv4 };
        dns(PORT, host, form, server, via).detect(family).await
    };
    for form in [Form::Address, Form::Text, Form::Chaos] {
        assert_eq!(ask("me", form, "127.0.0.1", Via::default()).await, these("127.0.0.1"), "{form:?}");
        assert_eq!(ask("me", form, "127.0.0.1", from("127.0.0.2")).await, these("127.0.0.2"), "{form:?}");
        assert_eq!(ask("me", form, "::1", Via::default()).await, these("::1"), "{form:?}");
        assert_eq!(ask("me", form, "127.0.0.1", by("lo")).await, these("127.0.0.1"), "{form:?}");
        assert!(why(ask("two", form, "127.0.0.1", Via::default()).await).contains("2 records"), "{form:?}");
        assert!(why(ask("nobody", form, "127.0.0.1", Via::default()).await).contains("error"), "{form:?}");
    }
    // Too much for a datagram, over TCP from the same address.
    assert_eq!(ask("me.big", Form::Address, "127.0.0.1", from("127.0.0.3")).await, these("127.0.0.3"));
    assert_eq!(ask("me.big", Form::Text, "::1", Via::default()).await, these("::1"));
    assert!(why(ask("alias", Form::Address, "127.0.0.1", Via::default()).await).contains("2 records"));
    assert!(why(ask("page", Form::Text, "127.0.0.1", Via::default()).await).contains("not one address"));
    assert!(why(ask("long", Form::Text, "127.0.0.1", Via::default()).await).contains("2 texts"));
    assert!(why(ask("me", Form::Address, "127.0.0.1", from("127.0.0.9")).await).contains("error"), "it is refused");
    assert!(why(ask("me", Form::Address, "127.0.0.1", by("nosuch0")).await).contains("the interface nosuch0"));

    // A server that is not there costs one try, one of the other family none.
    let question = Question { name: Name::parse("me.whoami.test").unwrap(), form: Form::Address, authority: true };
    let servers = ["[::1]:1", "127.0.0.1:1", "127.0.0.1"].map(|server| Server::parse(server, PORT).unwrap());
    let several = Dns::new(question.clone(), servers.to_vec(), Via::default(), true);
    assert_eq!(several.detect(Family::Ipv4).await, these("127.0.0.1"));
    let public = Dns::new(question, servers.to_vec(), Via::default(), false);
    assert!(why(public.detect(Family::Ipv4).await).contains("not believed"));
    let four = dns(PORT, "me", Form::Address, "127.0.0.1", Via::default());
    assert!(why(four.detect(Family::Ipv6).await).contains("not asked for IPv6"));
}

#[tokio::test]
#[ignore = "needs coturn (tests/rig/coturn.sh)"]
async fn coturn_says_who_asks() {
    const PORT: u16 = 25393;
    let _rig = Rig::start("coturn.sh", &[("COTURN_PORT", &PORT.to_string()), ("COTURN_IP6", "::1")]);
    let ask = async |server: &str, transport, via: Via| {
        let family = if server.contains(':') { Family::Ipv6 } else { Family::Ipv4 };
        Stun::new(Server::parse(server, PORT).unwrap(), transport, via, true).detect(family).await
    };
    for transport in [Transport::Udp, Transport::Tcp] {
        assert_eq!(ask("127.0.0.1", transport, Via::default()).await, these("127.0.0.1"), "{transport:?}");
        assert_eq!(ask("127.0.0.1", transport, from("127.0.0.7")).await, these("127.0.0.7"), "{transport:?}");
        assert_eq!(ask("127.0.0.1", transport, by("lo")).await, these("127.0.0.1"), "{transport:?}");
        assert_eq!(ask("::1", transport, Via::default()).await, these("::1"), "{transport:?}");
        let server = Server::parse("127.0.0.1", PORT).unwrap();
        let public = Stun::new(server.clone(), transport, Via::default(), false);
        assert!(why(public.detect(Family::Ipv4).await).contains("not believed"));
        assert!(why(public.detect(Family::Ipv6).await).contains("has no IPv6 address"));
        assert!(why(ask("127.0.0.1", transport, by("nosuch0")).await).contains("the interface nosuch0"));
    }
}

/// A configuration whose records take their address from each of these sources, by a name for each.
fn configured(dir: &Path, sources: &[(&str, String)]) {
    let mut text = format!(
        "state_dir = \"{0}\"\n[account.a]\nprovider = \"dyndns2\"\nserver = \"http://127.0.0.1:1/\"\nusername = \"me\"\n\
         password_file = \"{0}/password\"\n",
        dir.display()
    );
    std::fs::write(dir.join("password"), "secret").unwrap();
    for (name, source) in sources {
        text += &format!(
            "[[record]]\nname = \"{name}.example.org\"\naccount = \"a\"\nipv4 = {source}\nipv6 = false\nprivate = true\n"
        );
    }
    std::fs::write(dir.join("d.toml"), text).unwrap();
}

/// What `detect` believes of each name.
fn believed(mut command: Command, dir: &Path) -> BTreeMap<String, String> {
    let output = command.args(["--config"]).arg(dir.join("d.toml")).args(["detect", "--json"]).output().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let entry = |belief: &serde_json::Value| {
        let record = belief["record"]["name"].as_str().unwrap().split('.').next().unwrap().to_owned();
        let reading = &belief["reading"]["addresses"];
        let address = reading.as_array().and_then(|list| list.first()?.as_str()).map(str::to_owned);
        (record, address.unwrap_or_else(|| belief["reading"].to_string()))
    };
    said["believed"].as_array().unwrap().iter().map(entry).collect()
}

#[test]
#[ignore = "needs root, BIND 9 and coturn (tests/rig)"]
fn each_uplink_has_its_own_address_by_every_protocol() {
    let (home, internet) = (Namespace::bare(), Namespace::bare());
    internet.ip("address add 192.0.2.1/32 dev lo");
    let networks = [("wan0", "198.51.100"), ("wan1", "203.0.113")];
    for (at, (uplink, network)) in networks.iter().enumerate() {
        home.ip(&format!("link add {uplink} type veth peer name far{at} netns {}", internet.name()));
        home.ip(&format!("address add {network}.7/24 dev {uplink}"));
        home.ip(&format!("link set {uplink} up"));
        internet.ip(&format!("address add {network}.1/24 dev far{at}"));
        internet.ip(&format!("link set far{at} up"));
        home.ip(&format!("route add default via {network}.1 dev {uplink} metric {}", 100 + at));
    }
    let inside = [("RIG_NETNS", internet.name()), ("RIG_HOST", "192.0.2.1")];
    let clients = ("WHOAMI_CLIENTS", "192.0.2.1 198.51.100.7 203.0.113.7");
    let _bind = Rig::start("whoami.sh", &[&inside[..], &[clients]].concat());
    let _coturn = Rig::start("coturn.sh", &inside);

    let kinds = [
        ("dns", "dns = \"me.whoami.test\", server = \"192.0.2.1:25353\"", ""),
        ("chaos", "dns = \"me.whoami.test\", server = \"192.0.2.1:25353\"", ", type = \"TXT\", class = \"CH\""),
        ("big", "dns = \"me.big.whoami.test\", server = \"192.0.2.1:25353\"", ""),
        ("udp", "stun = \"192.0.2.1:23478\"", ""),
        ("tcp", "stun = \"192.0.2.1:23478\"", ", transport = \"tcp\""),
    ];
    let ways = [
        ("usual", "", "198.51.100.7"),
        ("first", ", bind_interface = \"wan0\"", "198.51.100.7"),
        ("second", ", bind_interface = \"wan1\"", "203.0.113.7"),
        ("address", ", bind_address = \"198.51.100.7\"", "198.51.100.7"),
        ("both", ", bind_interface = \"wan1\", bind_address = \"203.0.113.7\"", "203.0.113.7"),
    ];
    let mut sources = Vec::new();
    let mut expected = BTreeMap::new();
    for (kind, start, more) in kinds {
        for (way, bound, address) in ways {
            let name = format!("{kind}-{way}");
            sources.push((name.clone(), format!("{{ {start}{more}{bound}, trusted = true }}")));
            expected.insert(name, address.to_owned());
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let named: Vec<_> = sources.iter().map(|(name, source)| (name.as_str(), source.clone())).collect();
    configured(dir.path(), &named);
    assert_eq!(believed(home.command(env!("CARGO_BIN_EXE_driftless")), dir.path()), expected);

    // An uplink that is down has no address, and none of the other's.
    home.ip("link set wan1 down");
    let found = believed(home.command(env!("CARGO_BIN_EXE_driftless")), dir.path());
    for (name, address) in expected {
        let still_there = address == "198.51.100.7";
        assert_eq!(found[&name] == address, still_there, "{name}: {}", found[&name]);
        assert!(still_there || found[&name].contains("unknown"), "{name}: {}", found[&name]);
    }
}

/// A web server that says who asks, in a header field, within a page, and in a document.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, peer)) = listener.accept().await {
            let mut octets = [0; 1024];
            let _ = stream.read(&mut octets).await;
            let body = format!("<html><body>Current IP Address: {}</body></html>", peer.ip());
            let fields = format!("X-Client-IP: {}\r\nConnection: close\r\nContent-Length: {}", peer.ip(), body.len());
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{body}").as_bytes()).await;
        }
    });
    port
}

#[tokio::test]
async fn an_echo_is_asked_from_the_address_and_by_the_interface_that_were_named() {
    let url: reqwest::Url = format!("http://127.0.0.1:{}/", echo().await).parse().unwrap();
    let header = Format::Header("x-client-ip".parse().unwrap());
    let page = Format::Between("Current IP Address: ".into(), "</body>".into());
    for format in [header, page] {
        let ask = async |via: &Via| {
            let clients = Clients::going(via);
            Https::new(clients, Some(url.clone()), None, format.clone(), true).unwrap().detect(Family::Ipv4).await
        };
        assert_eq!(ask(&Via::default()).await, these("127.0.0.1"));
        assert_eq!(ask(&from("127.0.0.7")).await, these("127.0.0.7"));
        assert_eq!(ask(&by("lo")).await, these("127.0.0.1"));
        why(ask(&by("nosuch0")).await);
        why(ask(&from("192.0.2.1")).await);
    }
}
