//! The status page: a small HTTP/1.1 server that shows how everything stands, to people and to machines.
//!
//! It asks the engine what a command asks at the socket, and is served beside it: the engine comes first, and answers one
//! question at a time, when it has nothing else to do. A client can hold one of few connections for a bounded time, and
//! nothing else.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable};
use futures_util::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::os::listen::{Duplex, Listener};
use crate::os::secret::Secret;
use crate::report::control::Asked;

mod answer;
mod gate;
mod page;
mod route;

/// How many requests are answered together; further ones wait for their turn, but for those of probes.
const CONNECTIONS: usize = 8;
/// How many connections are open together. Where there is none to spare, the oldest that has not said what it wants goes.
const OPEN: usize = 32;
/// How many questions wait for the engine.
pub const QUESTIONS: usize = CONNECTIONS;
/// How long a client may take over the head of its request.
const HEAD: Duration = Duration::from_secs(5);
/// How long it may take over the body, which is a line at most.
const BODY: Duration = Duration::from_secs(3);
/// How long a connection lasts at most: one request, its answer, and a slow line between.
const WHOLE: Duration = Duration::from_secs(20);
/// How long the listener rests when a connection cannot be taken.
const REST: Duration = Duration::from_millis(200);
/// The largest head of a request, in octets.
const LARGEST_HEAD: usize = 16 * 1024;
/// How many header fields a request may have.
const FIELDS: usize = 64;

/// Who may ask what.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The names, beside addresses and `localhost`, under which the page may be asked for.
    pub hosts: Vec<String>,
    /// What whoever presses a button must know; without it there are none.
    pub token: Option<Secret>,
}

/// Serves for ever, asking `engine`.
pub async fn serve(listener: Listener, rules: Rules, engine: mpsc::Sender<Asked>) -> Infallible {
    let (rules, turns) = (Arc::new(rules), Arc::new(Semaphore::new(CONNECTIONS)));
    let mut open: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>> = FuturesUnordered::new();
    let mut idle: VecDeque<Idle> = VecDeque::new();
    loop {
        idle.retain(|one| !one.is_over.load(Ordering::Relaxed));
        tokio::select! {
            // What is open goes on before there is more of it: a request that came at once is read before its place is taken.
            biased;
            Some(()) = open.next() => {}
            accepted = listener.accept(), if open.len() < OPEN || !idle.is_empty() => match accepted {
                Ok(stream) => {
                    if open.len() >= OPEN && let Some(oldest) = idle.pop_front() {
                        oldest.end.abort();
                    }
                    let is_over = Arc::new(AtomicBool::new(false));
                    let desk = Desk { rules: Arc::clone(&rules), engine: engine.clone(), turns: Arc::clone(&turns) };
                    let (served, end) = abortable(connection(stream, desk, Arc::clone(&is_over)));
                    idle.push_back(Idle { is_over, end });
                    open.push(Box::pin(async {
                        let _ = served.await;
                    }));
                }
                // Without a descriptor to spare it fails again at once, as long as the client waits.
                Err(_) => open.push(Box::pin(async {
                    let _ = timeout(REST, std::future::pending::<()>()).await;
                })),
            },
        }
    }
}

/// A connection whose client has not said what it wants.
struct Idle {
    /// Whether it has, or is gone.
    is_over: Arc<AtomicBool>,
    end: AbortHandle,
}

/// What a request is answered with.
struct Desk {
    rules: Arc<Rules>,
    engine: mpsc::Sender<Asked>,
    turns: Arc<Semaphore>,
}

/// One connection: one request and its answer. It is no longer idle once the request is there, with its body; then it waits for its turn,
/// unless it only asks whether the daemon lives: those who ask that end what does not answer, and their answer is a line.
async fn connection(stream: Box<dyn Duplex>, desk: Desk, asked: Arc<AtomicBool>) {
    // The turn ends with the connection: the answer takes memory until it is sent.
    let turn = Arc::new(OnceLock::new());
    let service = service_fn(|request| {
        let (turn, asked) = (Arc::clone(&turn), Arc::clone(&asked));
        let desk = &desk;
        async move {
            let wanted = route::wanted(request, &desk.rules).await;
            asked.store(true, Ordering::Relaxed);
            let wanted = match wanted {
                Ok(wanted) => wanted,
                Err(refused) => return Ok::<_, Infallible>(refused),
            };
            if !wanted.is_probe() {
                // The semaphore is never closed.
                let _ = turn.set(Arc::clone(&desk.turns).acquire_owned().await);
            }
            Ok(route::answer(wanted, &desk.rules, &desk.engine).await)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    http.max_buf_size(LARGEST_HEAD).max_headers(FIELDS);
    // Nothing is left to do for a client that errs, or has gone.
    let _ = timeout(WHOLE, http.serve_connection(TokioIo::new(stream), service)).await;
    asked.store(true, Ordering::Relaxed);
}
