//! Every fault of the guide, and every other wrong answer, for every operation: what it means, and that nothing is half-done.

use driftless::model::error::{Error, Kind};
use driftless::model::record::{RecordType, RrsetKey};
use driftless::provider::shape::records::{Edits, Records};

use super::emulator::faults::{FAULTS, Failure, WRONG, wrong};
use super::emulator::{Rackspace, Switches};
use super::{REFUSED, account, assert_correct, draft, record, start, start_brisk, zone};

/// What is asked of the service.
const OPERATIONS: [&str; 8] = ["domains", "search", "list", "add", "add several", "update", "update several", "remove"];

async fn carry_out(emulator: &Rackspace, domain: &str, operation: &str) -> Result<(), Error> {
    let (account, zone) = (account(emulator), zone(domain));
    let held = |n: usize| {
        let held = emulator.state().records(domain)[n].clone();
        record(&held.id, &draft(&held.name, RecordType::A, &held.data))
    };
    let key = |n: usize| RrsetKey::new(super::name(&format!("n{n}.example.com")), RecordType::A);
    let new = |n: usize| draft(&format!("new{n}.example.com"), RecordType::A, "192.0.2.9");
    let changed = |n: usize| (held(n), draft(held(n).name.as_str(), RecordType::A, "192.0.2.8"));
    let all = async |edits: Edits| {
        let outcomes = account.begin(&zone, &edits).await.outcomes;
        outcomes.into_iter().find(Result::is_err).unwrap_or(Ok(()))
    };
    match operation {
        "domains" => account.zones().await.map(drop),
        "search" => account.list(&zone, &[key(0)]).await.map(drop),
        "list" => account.list(&zone, &[key(0), key(1), key(2)]).await.map(drop),
        "add" => account.create(&zone, &new(0)).await.map(drop),
        "add several" => all(Edits::Create(vec![new(1), new(2)])).await,
        "update" => account.update(&zone, &held(0), &changed(0).1).await,
        "update several" => all(Edits::Update(vec![changed(1), changed(2)])).await,
        _ => account.delete(&zone, &held(3)).await,
    }
}

fn expected(fault: &str, operation: &str) -> Kind {
    let minute = Kind::RateLimited { after: None };
    match fault {
        "badRequest" | "validationErrors" | "overLimit-quota" => Kind::Config,
        "unauthorized" | "unauthorized-wrapped" => REFUSED,
        // Something is there, and it is none of what was to be added: it stands in the way.
        "itemAlreadyExists" if operation.starts_with("add") => Kind::Config,
        "itemNotFound" | "itemAlreadyExists" => Kind::Stale,
        limit if limit.starts_with("overLimit") => minute,
        _ => Kind::Transient,
    }
}

#[tokio::test]
async fn every_wrong_answer_to_every_operation_has_its_meaning_and_does_nothing_by_halves() {
    let names: Vec<&str> = FAULTS.iter().map(|(name, ..)| *name).chain(WRONG).collect();
    assert_eq!(names.len(), 22);
    for fault in names {
        let (emulator, domain) = start_brisk(Switches::default()).await;
        for n in 0..5 {
            emulator.state().add_record(&domain, "A", &format!("n{n}.example.com"), "192.0.2.1", 600);
        }
        for operation in OPERATIONS {
            let before = emulator.state().records(&domain).to_vec();
            let on = match operation {
                "domains" | "search" | "list" => "GET /v1.0/1234/domains",
                "add" | "add several" => "POST /v1.0",
                "update" | "update several" => "PUT /v1.0",
                _ => "DELETE /v1.0",
            };
            // Twice, as a token is asked for once more.
            let times = if fault.starts_with("unauthorized") { 2 } else { 1 };
            let failure = || Failure { on: on.into(), done: false, answer: wrong(fault).unwrap() };
            (0..times).for_each(|_| emulator.state().failures.push_back(failure()));
            let error = carry_out(&emulator, &domain, operation).await.expect_err(operation);
            let kind = match error.kind {
                Kind::RateLimited { after: Some(after) } => {
                    assert!((58..=62).contains(&after.as_secs()), "{fault}: {error:?}");
                    Kind::RateLimited { after: None }
                }
                kind => kind,
            };
            assert_eq!(kind, expected(fault, operation), "{fault}, {operation}: {error}");
            assert!(error.doing.contains("at account home") && !error.unsent, "{fault}, {operation}: {error:?}");
            assert!(emulator.state().failures.is_empty());
            assert_eq!(emulator.state().records(&domain), before, "{fault}, {operation}");
        }
        // And all of it works when nothing is wrong.
        for operation in OPERATIONS {
            carry_out(&emulator, &domain, operation).await.unwrap_or_else(|error| panic!("{operation}: {error}"));
        }
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_a_failure_even_where_the_service_acted() {
    for fault in ["bad-gateway", "empty", "html", "truncated", "huge", "internalServerError"] {
        let (emulator, domain) = start(Switches::default()).await;
        let answer = wrong(fault).unwrap();
        emulator.state().failures.push_back(Failure { on: "POST /v1.0".into(), done: true, answer });
        let wanted = draft("www.example.com", RecordType::A, "192.0.2.1");
        let error = account(&emulator).create(&zone(&domain), &wanted).await.unwrap_err();
        assert_eq!(error.kind, Kind::Transient, "{fault}: {error}");
        // It is read before anything is sent again.
        let found =
            account(&emulator).list(&zone(&domain), &[super::key("www.example.com", RecordType::A)]).await.unwrap();
        assert_eq!(found.len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_list_that_changes_while_it_is_read_or_is_cut_off_is_not_believed() {
    use super::http::{Answer, Server};
    let page = |count: usize, total: usize| {
        let record = |n: usize| serde_json::json!({"id": format!("A-{n}"), "name": "www.example.com", "type": "A", "data": "192.0.2.1"});
        serde_json::json!({"records": (0..count).map(record).collect::<Vec<_>>(), "totalEntries": total}).to_string()
    };
    for (pages, says) in [
        (vec![page(100, 150), page(51, 151)], "changed while it was read"),
        (vec![page(100, 150), page(49, 150)], "cut off"),
        (vec![page(0, 3)], "cut off"),
        (vec![r#"{"totalEntries":0}"#.to_owned()], "no list of records"),
        (vec![r#"{"records":[{"name":"www.example.com"}],"totalEntries":1}"#.to_owned()], "no id"),
    ] {
        let (emulator, domain) = start(Switches::default()).await;
        for page in &pages {
            emulator.server.fault(super::http::Fault::answer(Answer::new(200, page.clone())).on("/records"));
        }
        let keys: Vec<_> =
            ["a", "b", "c"].map(|label| super::key(&format!("{label}.example.com"), RecordType::A)).into();
        let error = account(&emulator).list(&zone(&domain), &keys).await.unwrap_err();
        assert!(error.kind == Kind::Transient && error.why.contains(says), "{says}: {error}");
    }
    // A service that sends full pages for ever is not followed for ever.
    let endless =
        page(100, 1_000_000).replace(",\"totalEntries\":1000000", "").replace("\"totalEntries\":1000000,", "");
    assert!(!endless.contains("totalEntries"));
    let server = Server::start(0, move |request| {
        let host = request.header("host").unwrap_or_default();
        let catalog = format!(r#"[{{"type":"rax:dns","endpoints":[{{"publicURL":"http://{host}/v1.0/1"}}]}}]"#);
        match request.path.as_str() {
            "/v2.0/tokens" => {
                Answer::new(200, format!(r#"{{"access":{{"token":{{"id":"t"}},"serviceCatalog":{catalog}}}}}"#))
            }
            "/v1.0/1/limits" => Answer::new(200, r#"{"rates":{"rate":[]}}"#),
            _ => Answer::new(200, endless.clone()),
        }
    })
    .await
    .unwrap();
    let account = super::service(&super::settings(&server.url("/v2.0/"), super::KEY), &super::tools()).unwrap();
    let error = account.list(&zone("1"), &[super::key("a.example.com", RecordType::A)]).await.unwrap_err();
    assert!(matches!(error.kind, Kind::RateLimited { .. }), "{error}");
}
