//! An emulator of a service inside a namespace, and what it was asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::http::{Answer, Fault, Received, Server};
use super::namespace::{Namespace, enter};

/// A request, when it came, and what was answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it came.
    pub at: Instant,
    /// The method, in upper case.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, undecoded.
    pub query: String,
    /// The body as text.
    pub body: String,
    /// The answer's body as text.
    pub answer: String,
}

/// A running emulator on 127.0.0.1 inside a namespace.
pub struct Served {
    server: Server,
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Starts `service` inside `namespace`, on a free port.
    pub fn start(namespace: &Namespace, service: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let noted = Arc::clone(&calls);
        let answer = move |request: &Received| {
            let at = Instant::now();
            let answer = service(request);
            lock(&noted).push(Call {
                at,
                method: request.method.clone(),
                path: request.path.clone(),
                query: request.query.clone().unwrap_or_default(),
                body: String::from_utf8_lossy(&request.body).into_owned(),
                answer: String::from_utf8_lossy(&answer.body).into_owned(),
            });
            answer
        };
        let (stop, stopped) = oneshot::channel();
        let (started, server) = mpsc::channel();
        let name = namespace.name().to_owned();
        let thread = std::thread::spawn(move || {
            enter(&name);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                started.send(Server::start(0, answer).await.unwrap()).unwrap();
                let _ = stopped.await;
            });
        });
        Self { server: server.recv().unwrap(), calls, stop: Some(stop), thread: Some(thread) }
    }

    /// The URL of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// Everything it was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// What it was asked at paths that contain one of these parts.
    pub fn calls_to(&self, parts: &[&str]) -> Vec<Call> {
        self.calls().into_iter().filter(|call| parts.iter().any(|part| call.path.contains(part))).collect()
    }

    /// The next request that it fits meets this fault.
    pub fn fault(&self, fault: Fault) {
        self.server.fault(fault);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(calls: &Mutex<Vec<Call>>) -> MutexGuard<'_, Vec<Call>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
