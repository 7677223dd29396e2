//! Yandex 360 over real HTTP, against an emulator written from its pages: every case of one provider.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

#[path = "emulator/yandex360.rs"]
mod emulator;
#[path = "exchanges/read.rs"]
mod exchanges;
#[path = "emulator/http.rs"]
mod http;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use driftless::model::error::{Error, Kind, Scope};
use driftless::model::name::Name;
use driftless::model::record::{RecordType, Ttl};
use driftless::net::http::Http;
use driftless::os::secret::Secret;
use driftless::provider::edit::{Edit, Editor, Filter, Row};
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::shape::zones::Zone;
use driftless::provider::{Tools, find};
use emulator::{Duplicates, Switches, Yandex360};
use http::{Answer, Fault, Server};

const TOKEN: &str = "y0_example";
const OURS: u64 = 123_456;

fn settings(endpoint: &str) -> Settings {
    Settings::new("home")
        .with("token", Set::Secret(Secret::inline(TOKEN)))
        .with("organization", Set::Text(OURS.to_string()))
        .with("endpoint", Set::Url(endpoint.parse().unwrap()))
}

fn editor(settings: &Settings) -> Arc<dyn Editor> {
    let build = find("yandex360").and_then(|entry| entry.edit).unwrap();
    build(settings, &Tools { http: Http::new(None) }).unwrap()
}

async fn start(switches: Switches) -> (Yandex360, Arc<dyn Editor>) {
    let emulator = Yandex360::start(0, TOKEN, switches).await.unwrap();
    emulator.state().add_domain(OURS, "example.org");
    let editor = editor(&settings(&emulator.endpoint()));
    (emulator, editor)
}

fn zone_of(name: &str) -> Zone {
    Zone { id: format!("{OURS}/{name}"), name: Name::parse(name).unwrap() }
}

fn zone() -> Zone {
    zone_of("example.org")
}

fn edit(name: &str, rtype: &str, value: &str, ttl: Option<u32>, attributes: &[(&str, &str)]) -> Edit {
    Edit {
        name: Name::parse(name).unwrap(),
        rtype: rtype.parse().unwrap(),
        values: vec![value.into()],
        ttl: ttl.and_then(Ttl::new),
        attributes: attributes.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect(),
    }
}

/// One record of each type of the page.
fn eight() -> Vec<Edit> {
    let srv = [("priority", "20"), ("weight", "5"), ("port", "5222")];
    vec![
        edit("www.example.org", "A", "192.0.2.1", Some(300), &[]),
        edit("www.example.org", "AAAA", "2001:db8::1", Some(300), &[]),
        edit("example.org", "CAA", "letsencrypt.org", None, &[("tag", "issue")]),
        edit("docs.example.org", "CNAME", "www.example.org", None, &[]),
        edit("example.org", "MX", "5 mail.example.org", Some(900), &[]),
        edit("sub.example.org", "NS", "ns1.example.net", None, &[]),
        edit("_xmpp._tcp.example.org", "SRV", "xmpp.example.net", None, &srv),
        edit("example.org", "TXT", "v=spf1 redirect=_spf.example.net; a=\"b&c=d+e\"", None, &[]),
    ]
}

async fn rows(editor: &Arc<dyn Editor>) -> Vec<Row> {
    editor.rows(&zone(), &Filter::default()).await.unwrap()
}

/// Nothing was asked that the pages do not allow.
fn assert_correct(emulator: &Yandex360) {
    assert_eq!(emulator.state().violations, Vec::<String>::new());
}

/// The defaults, each switch thrown alone, and everything thrown at once.
fn every_switch() -> Vec<Switches> {
    let throws: [fn(&mut Switches); 7] = [
        |s| s.full_names = true,
        |s| s.dotted = true,
        |s| s.string_ids = true,
        |s| s.soa_listed = true,
        |s| s.doubled_backslashes = true,
        |s| s.duplicates = Duplicates::Words,
        |s| s.most_records = 3,
    ];
    let alone = throws.iter().map(|throw| {
        let mut switches = Switches::default();
        throw(&mut switches);
        switches
    });
    let mut all = Switches::default();
    throws.iter().for_each(|throw| throw(&mut all));
    alone.chain([Switches::default(), all]).collect()
}

#[tokio::test]
async fn all_types_are_added_listed_changed_and_removed_whatever_the_switches() {
    for switches in every_switch() {
        let soa = usize::from(switches.soa_listed);
        let (emulator, editor) = start(switches).await;
        assert_eq!(editor.zones().await.unwrap()[0].zone, zone());
        let added = editor.add(&zone(), &eight()).await;
        let added: Vec<Row> = added.into_iter().flat_map(Result::unwrap).collect();
        let listed: Vec<Row> = rows(&editor).await.into_iter().skip(soa).collect();
        assert_eq!(listed, added);
        for (row, wanted) in listed.into_iter().zip(eight()) {
            assert_eq!((&row.name, row.rtype, row.ttl), (&wanted.name, wanted.rtype, wanted.ttl.or(Ttl::new(21_600))));
            let change = edit(row.name.as_str(), row.rtype.as_str(), &row.values[0], Some(1200), &[]);
            let changed = editor.update(&zone(), &[(row.clone(), change)]).await.remove(0);
            if row.rtype == RecordType::Caa {
                assert!(changed.is_err_and(|error| error.unsent && error.to_string().contains("add one")));
                continue;
            }
            let expected = Row { ttl: Ttl::new(1200), ..row };
            assert_eq!(changed, Ok(expected.clone()));
            assert_eq!(editor.row(&zone(), &expected.id).await, Ok(expected));
        }
        let listed: Vec<Row> = rows(&editor).await.into_iter().skip(soa).collect();
        let mail = listed.iter().find(|row| row.rtype == RecordType::Mx).unwrap();
        assert_eq!(mail.attributes["priority"], "5");
        let removed = editor.remove(&zone(), &listed).await;
        assert!(removed.len() == 8 && removed.iter().all(Result::is_ok), "{removed:?}");
        assert_eq!(rows(&editor).await.len(), soa);
        assert_correct(&emulator);
    }
}

/// The errors of every operation, all of which must fail: organisations, domains, list, create, edit, delete.
async fn every_operation(emulator: &Yandex360) -> Vec<Error> {
    let editor = editor(&settings(&emulator.endpoint()));
    let mut all = Settings::new("home").with("token", Set::Secret(Secret::inline(TOKEN)));
    all.set("endpoint", Set::Url(emulator.endpoint().parse().unwrap()));
    let row = Row {
        id: "1".into(),
        name: Name::parse("www.example.org").unwrap(),
        rtype: RecordType::A,
        values: vec!["192.0.2.1".into()],
        ttl: Ttl::new(300),
        attributes: BTreeMap::new(),
    };
    let wanted = edit("www.example.org", "A", "192.0.2.2", None, &[]);
    vec![
        self::editor(&all).zones().await.unwrap_err(),
        editor.zones().await.unwrap_err(),
        editor.rows(&zone(), &Filter::default()).await.unwrap_err(),
        editor.add(&zone(), std::slice::from_ref(&wanted)).await.remove(0).unwrap_err(),
        editor.update(&zone(), &[(row.clone(), wanted)]).await.remove(0).unwrap_err(),
        editor.remove(&zone(), &[row]).await.remove(0).unwrap_err(),
    ]
}

#[tokio::test]
async fn every_status_of_the_pages_has_its_kind_for_every_operation() {
    let (emulator, _) = start(Switches::default()).await;
    let (account, set) = (Kind::Auth { scope: Scope::Account }, Kind::Auth { scope: Scope::RecordSet });
    for (status, kinds) in [
        (400, [Kind::Config; 6]),
        (401, [account; 6]),
        (403, [account, account, set, set, set, set]),
        (404, [Kind::Config, Kind::Config, Kind::Config, Kind::Stale, Kind::Stale, Kind::Stale]),
        (409, [Kind::Stale; 6]),
        (422, [Kind::Config; 6]),
        (429, [Kind::RateLimited { after: None }; 6]),
        (500, [Kind::Transient; 6]),
        (503, [Kind::Transient; 6]),
    ] {
        emulator.state().failing = Some(status);
        for (at, error) in every_operation(&emulator).await.into_iter().enumerate() {
            assert_eq!(error.kind, kinds[at], "{status}, operation {at}: {error}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
            assert!(error.to_string().contains("account home") && !error.to_string().contains(TOKEN), "{error}");
        }
    }
    emulator.state().failing = None;
    let editor = editor(&settings(&emulator.endpoint()));
    for (answer, kind) in [
        (Answer::new(429, "").with("Retry-After", "120"), Kind::RateLimited { after: Some(Duration::from_secs(120)) }),
        (Answer::new(503, "").with("Retry-After", "60"), Kind::RateLimited { after: Some(Duration::from_secs(60)) }),
        (Answer::new(404, "<html>"), Kind::Transient),
        (Answer::new(301, "").with("Location", "http://127.0.0.1:1/"), Kind::Transient),
        (Answer::new(502, "<html>"), Kind::Transient),
    ] {
        emulator.server.fault(Fault::answer(answer));
        assert_eq!(editor.zones().await.unwrap_err().kind, kind);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_of_every_operation_and_changes_nothing() {
    let (emulator, editor) = start(Switches::default()).await;
    let big = format!("{{\"x\":\"{}\"}}", "y".repeat(10 << 20));
    for body in ["", "<html><body>Yandex</body></html>", "{\"records\":[{", "[]", &big] {
        emulator.server.faults(6, &Fault::answer(Answer::new(200, body)));
        for error in every_operation(&emulator).await {
            assert_eq!((error.kind, error.kind.exit_code()), (Kind::Transient, 75), "{error}");
            assert!(error.to_string().len() < 400, "{error}");
        }
    }
    for body in [
        "{}",
        r#"{"records":{},"pages":1}"#,
        r#"{"records":[7],"pages":1}"#,
        r#"{"records":[{"type":"A"}],"pages":1}"#,
        r#"{"records":[]}"#,
        r#"{"records":[],"page":1,"pages":1,"perPage":50,"total":2}"#,
    ] {
        emulator.server.fault(Fault::answer(Answer::new(200, body)));
        let error = editor.rows(&zone(), &Filter::default()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Transient, "{body}: {error}");
    }
    for fault in [Fault::cut(), Fault::half()] {
        emulator.server.fault(fault);
        assert_eq!(editor.zones().await.unwrap_err().kind, Kind::Transient);
    }
    assert!(emulator.server.is_spent() && rows(&editor).await.is_empty());
}

#[tokio::test]
async fn wrong_input_is_refused_with_a_sentence_before_anything_is_sent() {
    let (emulator, editor) = start(Switches::default()).await;
    for (wrong, why) in [
        (edit("www.example.net", "A", "192.0.2.1", None, &[]), "does not lie in the zone"),
        (edit("example.org", "SOA", "ns.example.org", None, &[]), "keeps no SOA records"),
        (edit("www.example.org", "A", "192.0.2.256", None, &[]), "no IPv4 address"),
        (edit("www.example.org", "CNAME", "a b", None, &[]), "no domain name"),
        (edit("example.org", "CAA", "letsencrypt.org", None, &[("tag", "issue"), ("flag", "256")]), "from 0 to 255"),
        (edit("example.org", "CAA", "letsencrypt.org", None, &[]), "need \"tag\""),
        (edit("example.org", "MX", "mail.example.org", None, &[("preference", "5")]), "have no \"preference\""),
    ] {
        let good = edit("good.example.org", "A", "192.0.2.1", None, &[]);
        let outcomes = editor.add(&zone(), &[good, wrong]).await;
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.unsent)), "nothing half-done");
        let error = outcomes[1].as_ref().unwrap_err();
        assert!(error.kind.exit_code() == 78 && error.to_string().contains(why), "{error}");
    }
    for error in [
        editor.add_zone(&zone().name, &BTreeMap::new()).await.unwrap_err(),
        editor.remove_zone(&zone()).await.unwrap_err(),
    ] {
        assert!(error.unsent && error.to_string().contains("admin.yandex.ru"), "{error}");
    }
    assert_eq!(emulator.server.log().len(), 0);
    let wrong = settings(&emulator.endpoint()).with("organization", Set::Text("ours".into()));
    let entry = find("yandex360").unwrap();
    let refused = (entry.build)(&wrong, &Tools { http: Http::new(None) }).err();
    assert_eq!(refused.and_then(|error| error.setting), Some("organization"));
}

#[tokio::test]
async fn a_wrong_zone_id_or_credential_is_told_by_the_service() {
    let (emulator, editor) = start(Switches::default()).await;
    assert_eq!(editor.rows(&zone_of("example.com"), &Filter::default()).await.unwrap_err().kind, Kind::Config);
    assert_eq!(editor.row(&zone(), "77").await.unwrap_err().kind, Kind::Config);
    for (id, kind) in [("77", Kind::Stale), ("x", Kind::Config), ("..", Kind::Config), ("", Kind::Config)] {
        let row = Row {
            id: id.into(),
            name: zone().name,
            rtype: RecordType::Txt,
            values: vec!["x".into()],
            ttl: None,
            attributes: BTreeMap::new(),
        };
        let wanted = edit("example.org", "TXT", "y", None, &[]);
        let changed = editor.update(&zone(), &[(row.clone(), wanted)]).await.remove(0);
        assert_eq!(changed.unwrap_err().kind, kind, "{id}");
        assert_eq!(editor.remove(&zone(), &[row]).await.remove(0).unwrap_err().kind, kind, "{id}");
    }
    assert_eq!(rows(&editor).await, []);
    for (token, unsent) in [("hunter2", false), ("two\nlines", true)] {
        let wrong = settings(&emulator.endpoint()).with("token", Set::Secret(Secret::inline(token)));
        let error = self::editor(&wrong).zones().await.unwrap_err();
        assert_eq!((error.kind, error.unsent), (Kind::Auth { scope: Scope::Account }, unsent), "{error}");
        assert!(!error.to_string().contains(token), "{error}");
    }
    assert_correct(&emulator);
}

#[tokio::test]
async fn all_pages_of_organisations_domains_and_records_are_read() {
    let (emulator, _) = start(Switches::default()).await;
    for organization in 1..=120 {
        emulator.state().add_domain(organization, &format!("o{organization}.example"));
    }
    for number in 0..25 {
        emulator.state().add_domain(OURS, &format!("d{number}.example"));
    }
    let all = Settings::new("home")
        .with("token", Set::Secret(Secret::inline(TOKEN)))
        .with("endpoint", Set::Url(emulator.endpoint().parse().unwrap()));
    let all = editor(&all);
    let zones = all.zones().await.unwrap();
    assert_eq!(zones.len(), 120 + 26);
    assert!(zones.iter().any(|row| row.zone.id == "7/o7.example" && row.attributes["organization"] == "7"));
    // Two pages of organisations, three of our domains, one of each other's.
    assert_eq!(emulator.server.log().len(), 2 + 3 + 120);
    for number in 0..1000 {
        let record = serde_json::json!({ "type": "TXT", "name": format!("t{number}"), "ttl": 300, "text": "x" });
        emulator.state().add_record(OURS, "example.org", &record);
    }
    emulator.server.clear();
    assert_eq!(rows(&all).await.len(), 1000);
    assert_eq!(emulator.server.log().len(), 20);
    assert_correct(&emulator);
}

#[tokio::test]
async fn the_same_record_twice_is_stale_where_the_service_refuses_it() {
    for duplicates in [Duplicates::Conflict, Duplicates::Words, Duplicates::Taken] {
        let (emulator, editor) = start(Switches { duplicates, ..Switches::default() }).await;
        let wanted = edit("www.example.org", "A", "192.0.2.1", Some(300), &[]);
        editor.add(&zone(), std::slice::from_ref(&wanted)).await.remove(0).unwrap();
        let again = editor.add(&zone(), &[wanted]).await.remove(0);
        match duplicates {
            Duplicates::Taken => assert_eq!(rows(&editor).await.len(), 2),
            _ => assert_eq!(again.unwrap_err().kind, Kind::Stale),
        }
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn the_documented_exchanges_are_what_is_sent_and_understood() {
    let domain = zone_of("example.com");
    let row = |value: &str| Row {
        id: "7".into(),
        name: Name::parse("www.example.com").unwrap(),
        rtype: RecordType::A,
        values: vec![value.into()],
        ttl: Ttl::new(21_600),
        attributes: BTreeMap::new(),
    };
    let wanted = |value: &str| edit("www.example.com", "A", value, None, &[]);
    for name in ["organizations", "domains", "list", "create", "edit", "delete", "unauthorized"] {
        let exchange = exchanges::written(&format!("yandex360/{name}"));
        let answer = exchange.answer.clone();
        let server = Server::start(0, move |_| answer.clone()).await.unwrap();
        let mut settings = settings(&server.url("/directory/v1"));
        if name == "organizations" {
            settings = Settings::new("home").with("token", Set::Secret(Secret::inline(TOKEN)));
            settings.set("endpoint", Set::Url(server.url("/directory/v1").parse().unwrap()));
        }
        let editor = editor(&settings);
        match name {
            // The second call gets the same answer, which has no domains.
            "organizations" => assert_eq!(editor.zones().await.unwrap_err().kind, Kind::Transient),
            "domains" => assert_eq!(editor.zones().await.unwrap()[0].zone, domain),
            "list" => assert_eq!(editor.rows(&domain, &Filter::default()).await, Ok(vec![row("192.0.2.1")])),
            "create" => assert_eq!(editor.add(&domain, &[wanted("192.0.2.1")]).await, [Ok(vec![row("192.0.2.1")])]),
            "edit" => {
                let changed = editor.update(&domain, &[(row("192.0.2.1"), wanted("192.0.2.2"))]).await;
                assert_eq!(changed, [Ok(row("192.0.2.2"))]);
            }
            "delete" => assert_eq!(editor.remove(&domain, &[row("192.0.2.1")]).await, [Ok(())]),
            _ => {
                let error = editor.rows(&domain, &Filter::default()).await.unwrap_err();
                assert_eq!(error.kind, Kind::Auth { scope: Scope::Account });
            }
        }
        let sent = server.log().remove(0).request;
        assert_eq!(exchanges::essence(&sent), exchanges::essence(&exchange.request), "{name}");
        // The emulator takes the documented request too.
        let mut state = emulator::State::new(TOKEN, Switches::default());
        state.add_domain(OURS, "example.com");
        let held = serde_json::json!({ "type": "A", "name": "other", "ttl": 300, "address": "192.0.2.9" });
        for _ in 0..7 {
            state.add_record(OURS, "example.com", &held);
        }
        let told = state.answer(&exchange.request);
        assert_eq!((told.status, state.violations), (200, Vec::new()), "{name}");
    }
}
