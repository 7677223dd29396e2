//! Every operation meets every status of the table, in every documented shape, and answers that are none.

use std::collections::BTreeMap;
use std::time::Duration;

use driftless::model::error::{Kind, Result, Scope};
use driftless::model::record::RecordType;
use driftless::provider::pocketdns::PocketDns;
use driftless::provider::shape::records::{Record, Records};
use driftless::provider::shape::zones::Zone;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::emulator::{Errors, Switches};
use super::http::{Answer, Fault};
use super::{DOMAIN, account, assert_correct, draft, key, start, zone};

/// An operation, as far as its outcome goes.
type Operation = for<'a> fn(&'a PocketDns, &'a Zone, &'a Record) -> LocalBoxFuture<'a, Result<()>>;

/// All of them but those that look for the zones.
const OPERATIONS: [(&str, Operation); 6] = [
    ("list", |account, zone, _| {
        async move { account.list(zone, &[key("www.example.com", RecordType::A)]).await.map(drop) }.boxed_local()
    }),
    ("create", |account, zone, _| {
        async move { account.create(zone, &draft("new.example.com", RecordType::A, "192.0.2.7")).await.map(drop) }
            .boxed_local()
    }),
    ("update", |account, zone, record| {
        async move { account.update(zone, record, &draft("www.example.com", RecordType::A, "192.0.2.2")).await }
            .boxed_local()
    }),
    ("delete", |account, zone, record| async move { account.delete(zone, record).await }.boxed_local()),
    ("bulk", |account, zone, _| {
        async move {
            let drafts = ["a", "b"].map(|label| draft(&format!("{label}.example.com"), RecordType::A, "192.0.2.7"));
            let outcomes = account.create_many(zone, &drafts).await;
            assert_eq!(outcomes.len(), 2);
            let [first, second] = <[_; 2]>::try_from(outcomes).unwrap();
            assert_eq!(first.is_err(), second.is_err(), "refused as a whole, each carries the refusal");
            first.map(drop)
        }
        .boxed_local()
    }),
    ("template", |account, zone, _| {
        async move {
            let variables = BTreeMap::from([("ip_address".to_owned(), "192.0.2.1".to_owned())]);
            account.apply_template(zone, "tpl_website_basic", &variables).await.map(drop)
        }
        .boxed_local()
    }),
];

async fn one_record(emulator: &super::emulator::PocketDns, account: &PocketDns) -> Record {
    emulator.state().domains.get_mut(DOMAIN).unwrap().records.clear();
    emulator.state().add_record(DOMAIN, "A", "www", "192.0.2.1", 300);
    account.list(&zone(), &[key("www.example.com", RecordType::A)]).await.unwrap().remove(0)
}

#[tokio::test]
async fn every_operation_maps_every_status_of_the_table() {
    let minute = Kind::RateLimited { after: Some(Duration::from_secs(60)) };
    for errors in [Errors::Full, Errors::NoRequest, Errors::Bare] {
        let emulator = start(Switches { errors, template_skips: true, ..Switches::default() }).await;
        let account = account(&emulator);
        for (name, operation) in OPERATIONS {
            for (status, kind) in [
                (400, Kind::Config),
                (401, Kind::Auth { scope: Scope::Account }),
                (403, Kind::Auth { scope: Scope::RecordSet }),
                (404, Kind::Stale),
                (409, Kind::Stale),
                (422, Kind::Config),
                (429, minute),
                (500, Kind::Transient),
            ] {
                let record = one_record(&emulator, &account).await;
                emulator.state().failures.push_back(status);
                let error = operation(&account, &zone(), &record).await.unwrap_err();
                assert_eq!(error.kind, kind, "{name} {status}: {error}");
                assert!(error.to_string().contains("account home"), "{error}");
                assert!(!error.unsent, "{error}");
            }
            let record = one_record(&emulator, &account).await;
            assert_eq!(operation(&account, &zone(), &record).await, Ok(()), "{name} works");
        }
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn the_zones_map_every_status_to_the_account_or_its_settings() {
    let minute = Kind::RateLimited { after: Some(Duration::from_secs(60)) };
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    for (status, kind) in [
        (400, Kind::Config),
        (401, Kind::Auth { scope: Scope::Account }),
        (403, Kind::Auth { scope: Scope::Account }),
        (404, Kind::Config),
        (422, Kind::Config),
        (429, minute),
        (500, Kind::Transient),
    ] {
        emulator.state().failures.push_back(status);
        let error = Records::zones(&account).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}: {error}");
    }
}

#[tokio::test]
async fn what_is_no_documented_answer_is_a_failure_for_every_operation() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let long = || Answer::new(200, vec![b' '; 10 << 20]);
    let garbled = [
        Answer::new(200, ""),
        Answer::new(200, "<html>maintenance</html>"),
        Answer::new(200, "{}"),
        Answer::new(200, "[]"),
        Answer::new(200, "null"),
        Answer::new(200, r#"{"error":"internal_error"}"#),
        Answer::new(200, r#"{"records":[{"id":"rec_1"}],"total":1}"#),
        Answer::new(200, r#"{"records":"none","total":0}"#),
        Answer::new(200, r#"{"id":7,"type":"A","name":"www","content":"192.0.2.2"}"#),
        Answer::new(200, r#"{"created":{},"errors":[]}"#),
        Answer::new(202, r#"{"records":[],"total":0}"#),
        Answer::new(301, "").with("Location", "http://127.0.0.1:1/"),
        Answer::new(403, "<html>blocked</html>"),
        Answer::new(404, "<html>not here</html>"),
        Answer::new(502, "<html>"),
        Answer::new(503, ""),
        long(),
    ];
    for (name, operation) in OPERATIONS {
        let answers = garbled.iter().cloned().map(Fault::answer);
        for fault in answers.chain([Fault::cut(), Fault::answer(long()).after_acting()]) {
            let record = one_record(&emulator, &account).await;
            let shown = format!("{fault:.80?}");
            emulator.server.fault(fault);
            let error = operation(&account, &zone(), &record).await.unwrap_err();
            assert_eq!(error.kind, Kind::Transient, "{name}: {error}: {shown}");
        }
        // Half an answer; a removal has none of which half could be missing.
        if name != "delete" {
            let record = one_record(&emulator, &account).await;
            emulator.server.fault(Fault::half());
            assert_eq!(operation(&account, &zone(), &record).await.unwrap_err().kind, Kind::Transient, "{name}");
        }
    }
}

#[tokio::test]
async fn a_pause_is_kept_as_it_is_asked_for() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    for (answer, seconds) in [
        (Answer::new(429, r#"{"error":"rate_limit_exceeded"}"#).with("Retry-After", "7"), 7),
        (Answer::new(429, "<html>"), 60),
        (Answer::new(503, "").with("Retry-After", "90"), 90),
    ] {
        emulator.server.fault(Fault::answer(answer));
        let error = Records::zones(&account).await.unwrap_err();
        assert_eq!(error.kind, Kind::RateLimited { after: Some(Duration::from_secs(seconds)) }, "{error}");
    }
}

#[tokio::test]
async fn a_refusal_that_repeats_the_key_does_not_pass_it_on() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let body = format!(r#"{{"error":"unauthorized","message":"no such key: {}"}}"#, super::KEY);
    emulator.server.fault(Fault::answer(Answer::new(401, body)));
    let error = Records::zones(&account).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(super::KEY), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("production")));
}
