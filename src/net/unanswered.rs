//! Why a call got no answer, in words that name host and port and nothing else of the URL.

use std::error::Error;
use std::io;
use std::io::ErrorKind;

use reqwest::Url;

use super::http::TIMEOUT;

/// The host and port that a URL leads to.
pub(super) fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Why there is no answer: the name was not found, nobody listens, time ran out, TLS failed, or the connection broke.
pub(super) fn unanswered(server: &str, error: &reqwest::Error) -> String {
    let causes = causes(error);
    if let Some(unknown) = causes.iter().find_map(|cause| cause.downcast_ref::<Unresolved>()) {
        return unknown.to_string();
    }
    if error.is_timeout() {
        let what = if error.is_connect() { "no connection to" } else { "no answer from" };
        return format!("{what} {server} within {} s", TIMEOUT.as_secs());
    }
    if let Some(rustls::Error::InvalidMessage(_)) = causes.iter().find_map(|cause| cause.downcast_ref()) {
        return format!("TLS with {server} failed: what listens there does not speak it");
    }
    if let Some(tls) = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return format!("TLS with {server} failed: {tls}");
    }
    let io = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>());
    match io {
        Some(io) if error.is_connect() && io.kind() == ErrorKind::ConnectionRefused => {
            format!("nobody listens at {server}: {io}")
        }
        Some(io) if error.is_connect() => format!("no connection to {server}: {io}"),
        // What stands around the last cause are the steps of a library.
        None if error.is_connect() => {
            let last = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
            format!("no connection to {server}: {last}")
        }
        Some(io) => format!("the connection to {server} broke: {io}"),
        None => format!("{server}: {}", describe(error)),
    }
}

/// What an error comes from, each from the one behind it.
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        causes.push(inner);
        // What an error of input or output wraps is no source of it.
        let wrapped = inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| inner.source());
    }
    causes
}

/// A host without an address that could be used.
#[derive(Debug)]
pub(super) struct Unresolved(pub(super) String);

impl std::fmt::Display for Unresolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unresolved {}

/// The error and its causes in one line.
pub(super) fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, Request};

    use super::*;
    use crate::net::http::{Http, SINGLE};

    async fn failure(url: &str) -> String {
        let request = Request::new(Method::GET, Url::parse(url).unwrap());
        Http::new(None).send(request, SINGLE, "asking").await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn what_gets_no_answer_says_where_and_why_and_nothing_of_the_path() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = server.local_addr().unwrap().port();
        let serve = async move {
            loop {
                let (mut stream, _) = server.accept().await.unwrap();
                let mut seen = [0; 1024];
                let read = stream.read(&mut seen).await.unwrap();
                // Half an answer, or none where TLS was asked for.
                let half: &[u8] = if seen[..read].starts_with(b"GET") {
                    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"
                } else {
                    b"what?"
                };
                stream.write_all(half).await.unwrap();
            }
        };
        // A label that is too long for a name is asked of nobody.
        let unknown = format!("{}.invalid", "x".repeat(64));
        let asks = async {
            for (url, says) in [
                (
                    format!("http://me:hunter2@127.0.0.1:{closed}/hunter2?hunter2"),
                    format!("asking: nobody listens at 127.0.0.1:{closed}: "),
                ),
                // A broadcast address, which no connection leads to (ENETUNREACH).
                (
                    "http://127.255.255.255:1/hunter2".to_owned(),
                    "asking: no connection to 127.255.255.255:1: Network is unreachable".to_owned(),
                ),
                (
                    format!("http://127.0.0.1:{open}/hunter2"),
                    format!("asking: the connection to 127.0.0.1:{open} broke: "),
                ),
                (format!("https://127.0.0.1:{open}/hunter2"), format!("asking: TLS with 127.0.0.1:{open} failed: ")),
                (format!("http://{unknown}/hunter2"), format!("asking: the name {unknown} was not found: ")),
            ] {
                let said = failure(&url).await;
                assert!(said.starts_with(&says) && !said.contains("hunter2"), "{url}: {said}");
            }
        };
        tokio::select! { () = asks => {}, () = serve => {} }
    }
}
