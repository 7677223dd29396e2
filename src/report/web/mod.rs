//! The status page: a small HTTP/1.1 server that shows how everything stands, to people and to machines.
//!
//! It asks the engine what a command asks at the socket, and is served beside it: the engine comes first, and answers one
//! question at a time, when it has nothing else to do. A client can hold one of few connections for a bounded time, and
//! nothing else.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::os::listen::{Duplex, Listener};
use crate::os::secret::Secret;
use crate::report::control::Asked;

mod answer;
mod gate;
mod page;
mod route;

/// How many connections are served together; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 8;
/// How many questions wait for the engine.
pub const QUESTIONS: usize = CONNECTIONS;
/// How long a client may take over the head of its request.
const HEAD: Duration = Duration::from_secs(5);
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
    let rules = Arc::new(rules);
    let mut open: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>> = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < CONNECTIONS => match accepted {
                Ok(stream) => open.push(Box::pin(connection(stream, Arc::clone(&rules), engine.clone()))),
                // Without a descriptor to spare it fails again at once, as long as the client waits.
                Err(_) => open.push(Box::pin(async {
                    let _ = timeout(REST, std::future::pending::<()>()).await;
                })),
            },
            Some(()) = open.next() => {}
        }
    }
}

/// One connection: one request and its answer.
async fn connection(stream: Box<dyn Duplex>, rules: Arc<Rules>, engine: mpsc::Sender<Asked>) {
    let service = service_fn(move |request| {
        let (rules, engine) = (Arc::clone(&rules), engine.clone());
        async move { Ok::<_, Infallible>(route::answer(request, &rules, &engine).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    http.max_buf_size(LARGEST_HEAD).max_headers(FIELDS);
    // Nothing is left to do for a client that errs, or has gone.
    let _ = timeout(WHOLE, http.serve_connection(TokioIo::new(stream), service)).await;
}
