//! What a thousand records sent together may take of the machine.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a test waits; its server starts tasks")]

use std::collections::BTreeSet;
use std::io::Read;
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;

use dyndns2::{Dyndns2, Rules};
use http::Server;

/// How many record sets the engine looks for in DNS at once.
const AT_ONCE: usize = 8;

/// A daemon that is ended with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn name_servers_are_asked_for_a_few_records_at_a_time() {
    let names: Vec<String> = (0..200).map(|n| format!("h{n}.example.org")).collect();
    let service = Dyndns2::new(Rules::default(), names.clone());
    let server = Server::start(0, move |request| service.answer(request)).await.unwrap();
    // A name server that never answers.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control");
    let text = format!(
        "state_dir = \"{}\"\nsocket = \"{}\"\n[account.home]\nprovider = \"dyndns2\"\nserver = \"{}\"\nusername = \"user\"\n\
         password = \"secret\"\nnameservers = [\"{}\"]\n[[record]]\nnames = {names:?}\naccount = \"home\"\n\
         ipv4 = \"192.0.2.1\"\nipv6 = \"off\"\nprivate = true\n",
        dir.path().display(),
        socket.display(),
        server.url(""),
        silent.local_addr().unwrap(),
    );
    let config = dir.path().join("driftless.toml");
    std::fs::write(&config, text).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_driftless"))
        .args(["run", "--log", "error", "--config"])
        .arg(&config)
        .stderr(Stdio::inherit())
        .spawn();
    let _daemon = Daemon(run.unwrap());

    // Each question has a socket, and so a port, of its own. A second later it would be asked again from another one.
    let (mut ports, mut first, mut buffer) = (BTreeSet::new(), None, [0; 512]);
    let start = Instant::now();
    while first.is_none_or(|first: Instant| first.elapsed() < Duration::from_millis(800)) {
        assert!(start.elapsed() < Duration::from_secs(30), "no name server was asked");
        if let Ok((_, from)) = silent.recv_from(&mut buffer) {
            first.get_or_insert_with(Instant::now);
            ports.insert(from.port());
        }
    }
    assert_eq!(ports.len(), AT_ONCE);
    // Meanwhile the daemon answers.
    let mut control = UnixStream::connect(&socket).unwrap();
    std::io::Write::write_all(&mut control, b"{\"request\":\"status\"}\n").unwrap();
    let mut answer = String::new();
    control.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("{\"ok\":"), "{answer}");
}
