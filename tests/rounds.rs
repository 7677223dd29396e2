//! Commands that do a round of their own, without a daemon: what they wait for, and what they say meanwhile.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a test waits for what a command prints")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends when it is dropped, too.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn driftless(words: &[&str], config: &Path) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftless"));
    command.args(words).arg("--config").arg(config).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(command.spawn().unwrap())
}

/// A configuration for a zone file, with these records.
fn configured(dir: &Path, records: &[(&str, &str)]) -> std::path::PathBuf {
    let mut text = format!(
        "state_dir = \"{0}/state\"\n[account.local]\nprovider = \"zonefile\"\npath = \"{0}/zone\"\nzone = \"example.org\"\n\
         verify = false\n",
        dir.display()
    );
    for (name, ipv4) in records {
        text += &format!(
            "[[record]]\nname = \"{name}.example.org\"\naccount = \"local\"\nprivate = true\nipv4 = {ipv4}\nipv6 = \"off\"\n"
        );
    }
    let config = dir.join("driftless.toml");
    std::fs::write(&config, text).unwrap();
    config
}

/// A web server that says this address to whoever asks, until the test's process ends.
fn echo(address: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let length = address.len();
            let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{address}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn who_waits_for_a_single_source_to_repeat_itself_is_told_so() {
    for words in [&["once"][..], &["plan"], &["plan", "--json"], &["update", "home.example.org"]] {
        let dir = tempfile::tempdir().unwrap();
        let source = format!("{{ https = \"http://127.0.0.1:{}/\" }}", echo("192.168.7.7"));
        let config = configured(dir.path(), &[("home", &source)]);
        let mut running = driftless(words, &config);
        let lines = BufReader::new(running.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        let told = lines.take(20).find(|line| line.contains("alone says 192.168.7.7"));
        let told = told.unwrap_or_else(|| panic!("{words:?} says nothing of it"));
        assert!(told.contains("1 of 3 times so far") && told.contains("it is asked again in "), "{told}");
    }
}

#[test]
fn an_update_of_one_name_waits_for_no_source_of_another() {
    let dir = tempfile::tempdir().unwrap();
    // It takes connections, and never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("{{ https = \"http://{}/\" }}", silent.local_addr().unwrap());
    let config = configured(dir.path(), &[("home", "\"192.168.7.7\""), ("other", &source)]);
    let start = Instant::now();
    let mut running = driftless(&["update", "home.example.org"], &config);
    let mut said = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    let code = running.0.wait().unwrap().code();
    assert_eq!((code, said.trim()), (Some(0), "1 up to date"));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let zone = std::fs::read_to_string(dir.path().join("zone")).unwrap();
    assert!(zone.contains("192.168.7.7"), "{zone}");
}
