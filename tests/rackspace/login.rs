//! Tokens: asked for once, renewed early, once more after a 401, and what a refusal may mean.

#![expect(clippy::disallowed_methods, reason = "a test waits for the clock that the provider reads")]

use std::time::Duration;

use driftless::model::error::{Error, Kind};
use driftless::model::record::RecordType;
use driftless::provider::rackspace::service;
use driftless::provider::shape::records::Records;

use super::emulator::{Mfa, Rackspace, Role, Switches, Unauthorized};
use super::http::{Answer, Fault, Server};
use super::{KEY, REFUSED, account, assert_correct, draft, settings, start, tools, zone};

fn logins(emulator: &Rackspace) -> usize {
    emulator.server.count("/v2.0/tokens")
}

async fn refused(switches: Switches) -> Error {
    let (emulator, _) = start(switches).await;
    let error = account(&emulator).zones().await.unwrap_err();
    assert_eq!(logins(&emulator), 1, "a refused login is not tried again by itself");
    error
}

#[tokio::test]
async fn one_token_serves_until_shortly_before_it_expires() {
    let switches = Switches { expires_with_offset: true, login_203: true, ..Switches::default() };
    let (emulator, _) = start(switches).await;
    emulator.state().token_life = Duration::from_secs(20);
    let account = account(&emulator);
    for _ in 0..3 {
        account.zones().await.unwrap();
    }
    assert_eq!(logins(&emulator), 1);
    // The machine's clock is what a token is measured by, so this waits: nine tenths of it, which is told in whole seconds.
    tokio::time::sleep(Duration::from_millis(19_200)).await;
    account.zones().await.unwrap();
    assert_eq!(logins(&emulator), 2);
    let log = emulator.server.log();
    assert!(log.iter().all(|exchange| exchange.answer.as_ref().is_some_and(|answer| answer.status != 401)));
    assert_correct(&emulator);
}

#[tokio::test]
async fn after_a_401_there_is_one_new_token_and_never_a_second() {
    for unauthorized in [Unauthorized::Fault, Unauthorized::Wrapped, Unauthorized::Empty] {
        let (emulator, domain) = start(Switches { unauthorized, ..Switches::default() }).await;
        let account = account(&emulator);
        account.zones().await.unwrap();
        emulator.state().forget_tokens();
        account.create(&zone(&domain), &draft("www.example.com", RecordType::A, "192.0.2.1")).await.unwrap();
        assert_eq!((logins(&emulator), emulator.state().records(&domain).len()), (2, 1));
        // The service refuses whatever token it gave.
        emulator.server.faults(10, &Fault::answer(Answer::new(401, "")).on("/domains"));
        emulator.server.clear();
        let error = account.zones().await.unwrap_err();
        assert_eq!(error.kind, REFUSED, "{error}");
        assert_eq!((logins(&emulator), emulator.server.count("/domains")), (1, 2));
    }
}

#[tokio::test]
async fn calls_side_by_side_share_one_login() {
    let (emulator, _) = start(Switches::default()).await;
    let account = account(&emulator);
    let zones = futures_util::future::join_all((0..8).map(|_| account.zones())).await;
    assert!(zones.iter().all(Result::is_ok));
    assert_eq!(logins(&emulator), 1);
    emulator.state().forget_tokens();
    let zones = futures_util::future::join_all((0..8).map(|_| account.zones())).await;
    assert!(zones.iter().all(Result::is_ok), "{zones:?}");
    assert_eq!(logins(&emulator), 2);
}

#[tokio::test]
async fn a_refused_login_says_what_it_may_mean() {
    let wrong_key = {
        let (emulator, _) = start(Switches::default()).await;
        let account = service(&settings(&emulator.identity(), "wrong"), &tools()).unwrap();
        account.zones().await.unwrap_err()
    };
    for error in [
        wrong_key,
        refused(Switches { mfa: Mfa::On, ..Switches::default() }).await,
        refused(Switches { mfa: Mfa::NotSetUp, ..Switches::default() }).await,
        refused(Switches { user_disabled: true, ..Switches::default() }).await,
    ] {
        assert_eq!(error.kind, REFUSED, "{error}");
        let hint = error.hint.as_deref().unwrap_or_default();
        assert!(hint.contains("multi-factor") && hint.contains("api_key") && hint.contains("disabled"), "{error}");
        assert!(!error.to_string().contains(KEY));
    }
    let no_dns = refused(Switches { no_dns_in_catalog: true, ..Switches::default() }).await;
    assert_eq!(no_dns.kind, REFUSED);
    assert!(no_dns.to_string().contains("no Cloud DNS"), "{no_dns}");
}

#[tokio::test]
async fn what_a_role_does_not_allow_holds_what_was_asked() {
    for (role, forbidden_401) in [(Role::Observer, false), (Role::Observer, true), (Role::Creator, false)] {
        let (emulator, domain) = start(Switches { role, forbidden_401, ..Switches::default() }).await;
        let account = account(&emulator);
        account.zones().await.unwrap();
        let wanted = draft("www.example.com", RecordType::A, "192.0.2.1");
        let outcome = account.create(&zone(&domain), &wanted).await;
        let error = match role {
            Role::Creator => {
                outcome.unwrap();
                let id = emulator.state().records(&domain)[0].id.clone();
                account.delete(&zone(&domain), &super::record(&id, &wanted)).await.unwrap_err()
            }
            _ => outcome.unwrap_err(),
        };
        assert!(matches!(error.kind, Kind::Auth { .. }), "{error}");
        assert_eq!(error.kind == REFUSED, forbidden_401, "{error}");
        assert!(error.hint.is_some_and(|hint| hint.contains("role")));
    }
}

#[tokio::test]
async fn logins_are_limited_too() {
    let (emulator, _) = start(Switches::default()).await;
    emulator.state().most_logins = Some(1);
    let account = account(&emulator);
    account.zones().await.unwrap();
    emulator.state().forget_tokens();
    let error = account.zones().await.unwrap_err();
    assert!(matches!(error.kind, Kind::RateLimited { after: Some(after) } if after.as_secs() <= 62), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_is_no_login_is_not_understood_and_says_nothing_of_the_key() {
    let catalog = r#""serviceCatalog":[{"name":"cloudDNS","type":"rax:dns","endpoints":[{"publicURL":"ftp://x/"}]}]"#;
    for (status, body) in [
        (200, String::new()),
        (200, "<html>".to_owned()),
        (200, "{}".to_owned()),
        (200, r#"{"access":{"token":{"id":""}}}"#.to_owned()),
        (200, r#"{"access":{"token":{"id":"a\nb"}}}"#.to_owned()),
        (200, format!(r#"{{"access":{{"token":{{"id":"t"}},{catalog}}}}}"#)),
        (200, format!("\"{}\"", "x".repeat(10 << 20))),
        (302, String::new()),
        (502, "<html>".to_owned()),
    ] {
        let server = Server::start(0, move |_| Answer::new(status, body.clone())).await.unwrap();
        let account = service(&settings(&server.url("/v2.0"), KEY), &tools()).unwrap();
        let error = account.zones().await.unwrap_err();
        assert_eq!(error.kind, Kind::Transient, "{status}: {error}");
        assert_eq!(server.log().len(), 1);
    }
    // What repeats the request shows no key.
    let server = Server::start(0, |request| Answer::new(401, request.body.clone())).await.unwrap();
    let account = service(&settings(&server.url("/v2.0"), KEY), &tools()).unwrap();
    assert!(!format!("{:?}", account.zones().await.unwrap_err()).contains(KEY));
}
