//! For tests: recorded exchanges, and a tiny server on loopback that answers with them in a given order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use reqwest::header::{HeaderMap, HeaderName};

use crate::net::http::Reply;

/// A request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// `GET /v2/zones`, without the query.
    pub asks: String,
    /// The request's body.
    pub asked: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's header fields.
    pub fields: Vec<(String, String)>,
    /// The answer's body.
    pub body: String,
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The first line without the version: `GET /v2/zones?name=example.org.`.
    pub line: String,
    /// The header fields, names in lower case.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// The exchange in `tests/exchanges/designate` whose file is called so. `Date` is left out: a recorded one is in the past.
pub fn recorded(name: &str) -> Exchange {
    let path = format!("{}/tests/exchanges/designate/{name}.http", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (request, answer) = text.split_once("\n--------------------\n").unwrap();
    let (first, _, asked) = message(request);
    let (status, fields, body) = message(answer);
    let asks = first.split(['?', ' ']).take(2).collect::<Vec<_>>().join(" ");
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    Exchange { asks, asked, status, fields, body }
}

/// An exchange written from the documentation.
pub fn written(asks: &str, status: u16, fields: &[(&str, &str)], body: &str) -> Exchange {
    let fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Exchange { asks: asks.into(), asked: String::new(), status, fields, body: body.into() }
}

fn message(text: &str) -> (String, Vec<(String, String)>, String) {
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let first = lines.next().unwrap().into();
    let fields = lines.filter_map(|line| line.split_once(": "));
    let fields = fields.filter(|(name, _)| !matches!(*name, "Date" | "Content-Length" | "Connection"));
    (first, fields.map(|(name, value)| (name.into(), value.into())).collect(), body.trim().into())
}

impl Exchange {
    /// The answer as the client hands it on.
    pub fn reply(&self) -> Reply {
        let field = |(name, value): &(String, String)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        let headers: HeaderMap = self.fields.iter().map(field).collect();
        Reply::new(self.status, headers, self.body.clone().into_bytes())
    }

    /// The same exchange with one more field in the answer.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }
}

/// A server that answers one exchange after the other.
pub struct Server {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub url: String,
    thread: JoinHandle<Vec<Asked>>,
}

impl Server {
    /// Starts a server for these exchanges.
    pub fn start(exchanges: Vec<Exchange>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            exchanges.iter().map(|exchange| answer(listener.accept().unwrap().0, exchange)).collect()
        });
        Self { url, thread }
    }

    /// What was asked, when every exchange has been used.
    pub fn asked(self) -> Vec<Asked> {
        // A request that did not come leaves the thread waiting: it is let go with a panic instead of a hanging test.
        for _ in 0..100 {
            if self.thread.is_finished() {
                return self.thread.join().unwrap();
            }
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        panic!("not every exchange was asked for");
    }
}

/// Answers one request on a connection and closes it.
fn answer(mut stream: TcpStream, exchange: &Exchange) -> Asked {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let line = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let mut fields = Vec::new();
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).unwrap();
        let Some((name, value)) = field.trim().split_once(": ") else { break };
        fields.push((name.to_lowercase(), value.to_owned()));
    }
    let length =
        fields.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let Exchange { asks, status, body: answer, .. } = exchange;
    let right = line.split('?').next() == Some(asks);
    let status = if right { *status } else { 599 };
    let mut head = format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n", answer.len());
    for (name, value) in &exchange.fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(stream, "{head}\r\n{answer}").unwrap();
    assert!(right, "asked {line} instead of {asks}");
    Asked { line, fields, body: String::from_utf8(body).unwrap() }
}
