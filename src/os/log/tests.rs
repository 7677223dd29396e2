//! What reaches the log, and what must not.

use std::io::Read;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::subscriber::with_default;

use super::*;
use crate::net::http::{ECHO, Http};
use crate::os::child;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(filter: &str, format: Format, timestamps: bool) -> LogOptions {
    LogOptions { filter: filter.into(), format, timestamps }
}

fn text(buffer: &Buffer) -> String {
    String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
}

fn logged(options: &LogOptions, terminal: bool, events: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    with_default(subscriber(options, terminal, move || writer.clone()).unwrap(), events);
    text(&buffer)
}

/// What a server could answer to draw on the terminal, forge a line, or hide something.
const NASTY: &str = "a\nb\r<3>c\u{1b}[31md\u{9b}2Je\u{7}f\u{202e}g\u{2028}h\u{7f}i";

fn nasty() {
    tracing::info_span!("span", inside = %NASTY).in_scope(|| {
        tracing::info!(shown = %NASTY, debugged = ?NASTY, plain = NASTY, "message {NASTY}");
    });
}

#[test]
fn text_of_a_server_cannot_act_on_the_terminal_or_forge_a_line() {
    for format in [Format::Text, Format::Json, Format::Journal] {
        for timestamps in [true, false] {
            let all = logged(&options("info", format, timestamps), false, nasty);
            let line = all.strip_suffix('\n').unwrap();
            assert!(!line.contains(acts), "{format:?}: {line:?}");
            assert!(line.contains("span"), "{line}");
        }
    }
    let text = logged(&options("info", Format::Text, false), true, nasty);
    assert!(text.contains("\u{1b}["), "a terminal has colours");
    assert_eq!(text.matches('\n').count(), 1);
    assert!(!text.contains("\u{1b}[31md") && !text.contains('\u{9b}'), "{text:?}");
}

#[test]
fn json_stays_json_and_loses_nothing() {
    let line = logged(&options("info", Format::Json, true), true, nasty);
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["shown"], NASTY);
    assert_eq!(event["message"], format!("message {NASTY}"));
    assert!(event["timestamp"].as_str().unwrap().ends_with('Z'));
    let line = logged(&options("info", Format::Json, false), true, nasty);
    assert!(serde_json::from_str::<serde_json::Value>(&line).unwrap().get("timestamp").is_none());
}

#[test]
fn each_format_has_its_head() {
    let say = || tracing::warn!(target: "driftless::x", answer = 42, "slow");
    assert_eq!(logged(&options("info", Format::Text, false), false, say), " WARN driftless::x: slow answer=42\n");
    assert_eq!(logged(&options("info", Format::Journal, true), true, say), "<4>driftless::x: slow answer=42\n");
    let timed = logged(&options("info", Format::Text, true), false, say);
    let (time, rest) = timed.split_once(' ').unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    assert_eq!(rest, " WARN driftless::x: slow answer=42\n");
}

#[test]
fn the_journal_gets_each_event_with_its_fields() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let journald = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    journald.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let said = || {
        let mut datagram = [0; 4096];
        let length = journald.recv(&mut datagram).unwrap();
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    };
    let none: Option<&str> = None;
    with_default(in_journal("info", Journal::at(&path).unwrap()).unwrap(), || {
        tracing::warn!(target: "driftless", record = "home.example.org A", account = none, change = %"a -> b", "now\nholds");
        tracing::error!(target: "other", password = "word", "theirs");
        tracing::debug!(target: "driftless", "not asked for");
        nasty();
    });
    assert_eq!(
        said(),
        "MESSAGE=driftless: now\\nholds record=\"home.example.org A\" change=a -> b\nPRIORITY=4\n\
         SYSLOG_IDENTIFIER=driftless\nDRIFTLESS_RECORD=home.example.org A\nDRIFTLESS_CHANGE=a -> b\n"
    );
    assert_eq!(said(), "MESSAGE=other: theirs password=\"word\"\nPRIORITY=3\nSYSLOG_IDENTIFIER=driftless\n");
    let forged = said();
    let names: Vec<&str> = forged.lines().map(|line| line.split('=').next().unwrap()).collect();
    let expected = "MESSAGE PRIORITY SYSLOG_IDENTIFIER DRIFTLESS_SHOWN DRIFTLESS_DEBUGGED DRIFTLESS_PLAIN";
    assert_eq!(names.join(" "), expected, "{forged:?}");
    assert!(!forged.contains(|c| acts(c) && c != '\n'), "{forged:?}");
}

#[test]
fn other_crates_are_capped_at_error_unless_named() {
    let say = || {
        tracing::trace!(target: "hyper::proto", "hyper traced");
        tracing::debug!(target: "hickory_net::udp", "hickory debugged");
        tracing::info!(target: "reqwest::connect", "reqwest informed");
        tracing::debug!(target: "rustls::client", "rustls debugged");
        tracing::warn!(target: "hickory_net::udp", "hickory warned");
        tracing::error!(target: "hickory_net::tcp", "hickory failed");
        tracing::trace!(target: "driftless::net", "ours");
    };
    let all = logged(&options("trace", Format::Text, false), false, say);
    let failed = "ERROR hickory_net::tcp: hickory failed\n";
    assert_eq!(all, format!("{failed}TRACE driftless::net: ours\n"));
    let all = logged(&options("warn,hickory_net=debug", Format::Text, false), false, say);
    let (debugged, warned) = ("DEBUG hickory_net::udp: hickory debugged\n", " WARN hickory_net::udp: hickory warned\n");
    assert_eq!(all, format!("{debugged}{warned}{failed}"));
    assert_eq!(logged(&options("off", Format::Text, false), false, say), "");
    let all = logged(&options("error, driftless::net=trace", Format::Text, false), false, say);
    assert_eq!(all, format!("{failed}TRACE driftless::net: ours\n"));
}

#[test]
fn a_misspelt_filter_is_refused() {
    for bad in ["inof", "info,driftless=loud", "driftless::net", "a b=info", "=info", "x[{y}]=info", "driftless="] {
        assert!(targets(bad).is_err(), "{bad}");
    }
    assert!(targets("").unwrap().would_enable("driftless::engine", &Level::INFO));
    assert!(!targets("").unwrap().would_enable("driftless::engine", &Level::DEBUG));
}

const HEADER: &str = "canary-in-a-header";
const QUERY: &str = "canary-in-a-query";

/// The log of a request that succeeds and one that fails, both with a secret in the header and in the query.
async fn log_of_requests(filter: &str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/update?token={QUERY}", listener.local_addr().unwrap().port());
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let log = subscriber(&options(filter, Format::Text, false), false, move || writer.clone()).unwrap();
    let log = tracing::subscriber::set_default(log);
    tracing::trace!("the log is on");

    let http = Http::new(None);
    let request = || http.client().unwrap().get(&url).header("Authorization", HEADER).build().unwrap();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood").await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    };
    let (sent, reply) = tokio::join!(serve, http.send(request(), ECHO, "updating"));
    assert!(sent.contains(HEADER) && sent.contains(QUERY), "the canaries were sent");
    assert_eq!(reply.unwrap().text(), "good");
    drop(listener);
    let error = http.send(request(), ECHO, "updating").await.unwrap_err();
    tracing::error!(%error, "failed");
    tracing::error!(?error, "failed");

    drop(log);
    text(&buffer)
}

#[tokio::test]
async fn a_request_shows_no_secret_at_any_level() {
    let ours = log_of_requests("trace").await;
    assert!(ours.contains("the log is on") && ours.contains("updating"), "{ours}");
    assert!(!ours.contains("hyper_util"), "the cap holds for crates that do trace: {ours}");
    let all = log_of_requests("trace,hyper_util=trace,hyper=trace,reqwest=trace,rustls=trace").await;
    assert!(all.contains("hyper_util"), "and would have something to hold back: {all}");
    for log in [ours, all] {
        assert!(!log.contains(HEADER) && !log.contains(QUERY), "{log}");
    }
}

#[test]
fn the_log_goes_to_standard_error_and_outlives_its_reader() {
    if child::is() {
        init(&options("info", Format::Text, false)).unwrap();
        assert!(init(&options("info", Format::Text, false)).is_err());
        assert!(!under_journal(None) && !under_journal(Some("1:1")) && !under_journal(Some("")));
        let stat = rustix::fs::fstat(io::stderr()).unwrap();
        assert!(under_journal(Some(&format!("{}:{}", stat.st_dev, stat.st_ino))));
        tracing::info!("one");
        // The other side reads that line and goes away.
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        tracing::error!("two");
        return;
    }
    let mut again = child::again("os::log::tests::the_log_goes_to_standard_error_and_outlives_its_reader");
    let mut child = again.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 100];
    let length = child.stderr.take().unwrap().read(&mut line).unwrap();
    assert_eq!(String::from_utf8_lossy(&line[..length]), " INFO driftless::os::log::tests: one\n");
    drop(child.stdin.take());
    child::succeeded(&child.wait_with_output().unwrap());
}
