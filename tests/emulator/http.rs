//! The part that every emulator shares: an HTTP/1.1 server on 127.0.0.1 that logs requests and errs on demand.
//!
//! An emulator is a function from a request to an answer. The tests script faults beside it: the next answers replaced,
//! late, cut off, or lost after the emulator acted; a `Date` that is off.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]
#![expect(clippy::disallowed_methods, reason = "a server of the tests: it starts tasks, waits and reads the clock")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A request as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method, in upper case.
    pub method: String,
    /// The path with its slashes, without the query.
    pub path: String,
    /// What stands after `?`, as sent.
    pub query: Option<String>,
    /// The header fields, in lower case.
    pub headers: hyper::HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// A header field as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header fields beside `Content-Length` and `Date`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer with a status and a body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// The same answer with a header field more (`Retry-After`, `Content-Type`).
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Only requests whose first line (`PUT /v2/zones`) contains this text meet the fault; `""` is any.
    pub on: String,
    /// Whether the emulator sees the request and acts before things go wrong.
    pub acted: bool,
    /// How long the answer takes.
    pub delay: Duration,
    /// What comes back.
    pub outcome: Outcome,
}

/// What comes back for a request that meets a fault.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The emulator's own answer.
    Own,
    /// This answer instead.
    Instead(Answer),
    /// Nothing: the connection is closed.
    Cut,
    /// The head and half of the body, then the connection is closed.
    Half,
}

impl Fault {
    /// This answer instead of the emulator's, which does not see the request.
    pub fn answer(answer: Answer) -> Self {
        Self { on: String::new(), acted: false, delay: Duration::ZERO, outcome: Outcome::Instead(answer) }
    }

    /// The connection is closed before the emulator sees the request.
    pub fn cut() -> Self {
        Self { on: String::new(), acted: false, delay: Duration::ZERO, outcome: Outcome::Cut }
    }

    /// The emulator acts, and its answer is lost.
    pub fn lost() -> Self {
        Self { on: String::new(), acted: true, delay: Duration::ZERO, outcome: Outcome::Cut }
    }

    /// The emulator acts, and its answer breaks off in the middle.
    pub fn half() -> Self {
        Self { on: String::new(), acted: true, delay: Duration::ZERO, outcome: Outcome::Half }
    }

    /// The emulator acts, and its answer comes late.
    pub fn late(delay: Duration) -> Self {
        Self { on: String::new(), acted: true, delay, outcome: Outcome::Own }
    }

    /// The same fault for requests whose method and path contain `part` only.
    pub fn on(mut self, part: &str) -> Self {
        self.on = part.into();
        self
    }

    /// The same fault after the emulator acted.
    pub fn after_acting(mut self) -> Self {
        self.acted = true;
        self
    }
}

/// A request and what was answered; `None` where the answer was cut.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was asked.
    pub request: Received,
    /// What was answered.
    pub answer: Option<Answer>,
}

/// A running server. It ends when this is dropped, with its connections.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

struct Shared {
    emulator: Box<dyn Fn(&Received) -> Answer + Send + Sync>,
    control: Mutex<Control>,
}

#[derive(Default)]
struct Control {
    connections: usize,
    log: Vec<Exchange>,
    faults: VecDeque<Fault>,
    skew: i64,
}

impl Server {
    /// Listens on 127.0.0.1 (port 0: any free one) and answers with what `emulator` says.
    pub async fn start(port: u16, emulator: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { emulator: Box::new(emulator), control: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, accepting })
    }

    /// The URL of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request that it fits meets this fault; faults queue up.
    pub fn fault(&self, fault: Fault) {
        self.control().faults.push_back(fault);
    }

    /// The next `times` requests that it fits meet this fault.
    pub fn faults(&self, times: usize, fault: &Fault) {
        self.control().faults.extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// From now on nothing goes wrong.
    pub fn calm(&self) {
        let mut control = self.control();
        control.faults.clear();
        control.skew = 0;
    }

    /// Whether every fault was met.
    pub fn is_spent(&self) -> bool {
        self.control().faults.is_empty()
    }

    /// From now on `Date` is this many seconds ahead of the time (behind, if negative).
    pub fn skew(&self, seconds: i64) {
        self.control().skew = seconds;
    }

    /// Everything that was asked since the start or the last `clear`.
    pub fn log(&self) -> Vec<Exchange> {
        self.control().log.clone()
    }

    /// Forgets the log.
    pub fn clear(&self) {
        self.control().log.clear();
    }

    /// How many requests went to paths that contain `part`.
    pub fn count(&self, part: &str) -> usize {
        self.control().log.iter().filter(|exchange| exchange.request.path.contains(part)).count()
    }

    /// How many connections were accepted since the start.
    pub fn connections(&self) -> usize {
        self.control().connections
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.shared.control()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first fault that fits the request.
    fn take_fault(&self, request: &Received) -> Option<Fault> {
        let line = format!("{} {}", request.method, request.path);
        let mut control = self.control();
        let at = control.faults.iter().position(|fault| line.contains(&fault.on))?;
        control.faults.remove(at)
    }

    /// The answer, if any, and whether all of its body is sent.
    async fn answer(&self, request: &Received) -> (Option<Answer>, bool) {
        let Some(fault) = self.take_fault(request) else {
            return (Some((self.emulator)(request)), true);
        };
        let own = (fault.acted || matches!(fault.outcome, Outcome::Own)).then(|| (self.emulator)(request));
        tokio::time::sleep(fault.delay).await;
        match fault.outcome {
            Outcome::Own => (own, true),
            Outcome::Instead(answer) => (Some(answer), true),
            Outcome::Cut => (None, false),
            Outcome::Half => (own, false),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let shared = Arc::clone(&shared);
                shared.control().connections += 1;
                connections.spawn(serve(stream, shared));
            }
            Some(_) = connections.join_next() => {}
            else => return,
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
    // A client that goes away, or an answer that is cut, ends the connection with an error: nobody wants to know.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(shared: Arc<Shared>, request: hyper::Request<Incoming>) -> io::Result<hyper::Response<Payload>> {
    let (head, body) = request.into_parts();
    let received = Received {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body: body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec(),
    };
    let (answer, whole) = shared.answer(&received).await;
    let skew = {
        let mut control = shared.control();
        control.log.push(Exchange { request: received, answer: answer.clone() });
        control.skew
    };
    let answer = answer.ok_or_else(|| io::Error::other("cut"))?;
    let mut response = hyper::Response::builder().status(answer.status);
    if !answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("date")) {
        response = response.header("Date", date(unix_now().saturating_add(skew)));
    }
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let length = answer.body.len();
    let sent = if whole { length } else { length / 2 };
    let data = Some(Bytes::from(answer.body).slice(..sent));
    response.body(Payload { data, length: length as u64 }).map_err(io::Error::other)
}

/// The time in seconds since 1970, by this machine's clock.
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// An HTTP date (RFC 9110, section 5.6.7).
fn date(seconds: i64) -> String {
    let stamp = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&stamp).unwrap_or_default()
}

/// A body that may promise more than it sends; hyper then closes the connection.
struct Payload {
    data: Option<Bytes>,
    length: u64,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.data.take().filter(|data| !data.is_empty()).map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
