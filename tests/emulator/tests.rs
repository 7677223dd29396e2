//! The emulators' own checks: what the other tests rely on.

#![expect(clippy::expect_used, reason = "helpers of tests")]

mod http;

use std::time::Duration;

use driftless::model::error::Kind;
use driftless::net::http::{Http, Reply, SINGLE};
use http::{Answer, Fault, Server};

async fn echo() -> Server {
    Server::start(0, |request| Answer::new(200, request.path.clone())).await.expect("a port is free")
}

async fn call(server: &Server, path: &str) -> driftless::model::error::Result<Reply> {
    let http = Http::new(None);
    let url = server.url(path).parse().expect("a URL");
    http.send(reqwest::Request::new(reqwest::Method::GET, url), SINGLE, "asking the emulator").await
}

#[tokio::test]
async fn requests_are_answered_and_logged() {
    let server = echo().await;
    assert_eq!(call(&server, "/a/?b=c").await.unwrap().text(), "/a/");
    assert_eq!(server.log()[0].request.query.as_deref(), Some("b=c"));
    assert_eq!((server.count("/a/"), server.count("/b/")), (1, 0));
}

#[tokio::test]
async fn faults_are_met_once_each_by_the_requests_they_fit() {
    let server = echo().await;
    server.fault(Fault::answer(Answer::new(503, "no").with("Retry-After", "7")).on("/b"));
    server.fault(Fault::cut());
    assert_eq!(call(&server, "/a").await.unwrap_err().kind, Kind::Transient);
    let reply = call(&server, "/b").await.unwrap();
    assert_eq!((reply.status, reply.retry_after()), (503, Some(Duration::from_secs(7))));
    assert!(server.is_spent());
    assert_eq!(call(&server, "/b").await.unwrap().text(), "/b");
}

#[tokio::test]
async fn a_lost_and_a_broken_answer_come_after_the_deed() {
    for fault in [Fault::lost(), Fault::half()] {
        let deeds = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&deeds);
        let server = Server::start(0, move |_| {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Answer::new(200, "done")
        });
        let server = server.await.unwrap();
        server.fault(fault);
        assert_eq!(call(&server, "/").await.unwrap_err().kind, Kind::Transient);
        assert_eq!(deeds.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn the_date_can_be_off() {
    let server = echo().await;
    assert_eq!(call(&server, "/").await.unwrap().clock_is_off(), None);
    server.skew(-3600);
    assert!(call(&server, "/").await.unwrap().clock_is_off().is_some());
}
