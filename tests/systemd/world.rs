//! What the rig's network holds: a way out with addresses, DNS, and a dyndns2 service behind TLS.

#[path = "../support/authority.rs"]
mod authority;

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::{A, AAAA, NS};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::dyndns2::{Dyndns2, Rules};
use crate::http::Server;
use crate::rig::Rig;
use authority::Authority;

/// The service's host name.
pub const SERVICE: &str = "update.rig.test";
/// Its name server, and that of the zone.
const SERVER: &str = "ns.rig.test.";
/// The zone of the records.
const ZONE: &str = "example.org.";

/// The services inside. They end when this is dropped.
pub struct World {
    /// The service, as it counts its requests.
    pub server: Server,
    /// What the service holds.
    pub service: Dyndns2,
    // Dropped, it lets the thread end.
    _stop: oneshot::Sender<()>,
}

impl World {
    /// A veth pair with a default route over `wan0`, which has no global address yet; the services; the rig's resolver and trust
    /// roots pointing at them.
    pub fn within(rig: &Rig) -> Self {
        for words in [
            "link add wan0 type veth peer name far0",
            "link set far0 up",
            "link set wan0 up",
            "route add default dev wan0",
            "-6 route add default via fe80::1 dev wan0",
        ] {
            rig.run(&format!("ip {words}"));
        }
        let authority = Authority::new();
        let roots = std::fs::read_to_string(authority.file()).unwrap();
        rig.write("/etc/ssl/certs/ca-certificates.crt", &roots);
        // The machine's own file may be a link to what is not there in the rig.
        let _ = std::fs::remove_file(rig.path("/etc/resolv.conf"));
        rig.write("/etc/resolv.conf", "nameserver 127.0.0.1\n");

        let rules = Rules { user: "me".into(), password: "s3cret-of-the-rig".into(), ..Rules::default() };
        let service = Dyndns2::new(rules, ["home.example.org"]);
        let (answers, acceptor) = (service.clone(), authority.server(SERVICE, 2099));
        let network = File::open(rig.systemd().join("ns/net")).unwrap();
        let (started, server) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            // This thread alone moves into the rig's network.
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let service = answers.clone();
                let server = Server::start(0, move |request| answers.answer(request)).await.unwrap();
                let plain = server.address;
                let tls = TcpListener::bind((Ipv4Addr::LOCALHOST, 443)).await.unwrap();
                let dns = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).await.unwrap();
                started.send(server).unwrap();
                tokio::select! {
                    _ = stopped => {}
                    () = forward(tls, acceptor, plain) => {}
                    () = name_server(dns, &service) => {}
                }
            });
        });
        World { server: server.recv().unwrap(), service, _stop: stop }
    }

    /// The address of `wan0` becomes this one, and the record follows it.
    pub fn follows(&self, rig: &Rig, from: Option<&str>, to: &str) {
        if let Some(from) = from {
            rig.run(&format!("ip addr del {from}/24 dev wan0"));
        }
        rig.run(&format!("ip addr add {to}/24 dev wan0"));
        // The last address may have taken it along.
        rig.run("ip route replace default dev wan0");
        let took = rig.until("the record follows the address", 30, || self.holds() == [Some(to.to_owned()), None]);
        eprintln!("the record followed to {to} after {took:?}");
    }

    /// How many updates were sent.
    pub fn updates(&self) -> usize {
        self.server.count("/nic/update")
    }

    /// What the service holds of the record, as text.
    pub fn holds(&self) -> [Option<String>; 2] {
        let host = self.service.host("home.example.org").unwrap();
        [host.ipv4.map(|ip| ip.to_string()), host.ipv6.map(|ip| ip.to_string())]
    }
}

/// Takes TLS off every connection and passes on what is inside.
async fn forward(listener: TcpListener, acceptor: TlsAcceptor, to: std::net::SocketAddr) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let mut inner = acceptor.accept(stream).await?;
            let mut outer = TcpStream::connect(to).await?;
            tokio::io::copy_bidirectional(&mut inner, &mut outer).await
        });
    }
}

/// Resolver and authoritative server in one: the host names, the zone's server, and what the service holds.
async fn name_server(socket: UdpSocket, service: &Dyndns2) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let Ok(request) = Message::from_vec(&buffer[..length]) else { continue };
        let Some(query) = request.queries.first().cloned() else { continue };
        let name = query.name.to_ascii().to_ascii_lowercase();
        let held = service.host(name.trim_end_matches('.')).unwrap_or_default();
        let here = [format!("{SERVICE}."), SERVER.to_owned()].contains(&name);
        let data = match query.query_type {
            RecordType::A if here => Some(RData::A(A(Ipv4Addr::LOCALHOST))),
            RecordType::A => held.ipv4.map(|ip| RData::A(A(ip))),
            RecordType::AAAA => held.ipv6.map(|ip| RData::AAAA(AAAA(ip))),
            RecordType::NS if name == ZONE => Some(RData::NS(NS(Name::from_ascii(SERVER).unwrap()))),
            _ => None,
        };
        let mut reply = request.into_response();
        reply.metadata.authoritative = true;
        reply.metadata.recursion_available = true;
        reply.add_answers(data.map(|data| Record::from_rdata(query.name.clone(), 60, data)));
        let sent = socket.send_to(&reply.to_vec().unwrap(), from).await;
        assert!(sent.is_ok(), "{sent:?}");
    }
}

/// The process that a file of `/proc` speaks of, by its lines `Name: value`.
pub fn field(file: &Path, name: &str) -> io::Result<String> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned()).ok_or_else(|| io::Error::other(format!("no {name}")))
}
