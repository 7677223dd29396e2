//! Every operation, whatever the documentation leaves open; pages, searches and ids.

use driftless::model::error::Kind;
use driftless::model::plan::{Applied, Seen};
use driftless::model::record::{RecordType, RrsetKey, Ttl};
use driftless::provider::Provider;
use driftless::provider::rackspace::LEAST_TTL;
use driftless::provider::shape::records::{Begun, Edits, Records};
use serde_json::Value as Json;

use super::emulator::{Region, Switches};
use super::{
    account, assert_correct, count, daemon, draft, every_switch, key, name, planned, record, settings, start,
    start_brisk, tools, zone,
};

#[tokio::test]
async fn records_are_made_changed_and_removed_whatever_the_switches() {
    for switches in every_switch() {
        let said = format!("{switches:?}");
        let (emulator, domain) = start_brisk(switches).await;
        let (account, zone) = (account(&emulator), zone(&domain));
        let zones = account.zones().await.unwrap();
        assert_eq!(zones, std::slice::from_ref(&zone), "{said}");
        let both = [key("_dmarc.example.com", RecordType::Txt), key("www.example.com", RecordType::A)];
        assert_eq!(account.list(&zone, &both).await.unwrap(), [], "{said}");
        let drafts = [
            draft("www.example.com", RecordType::A, "192.0.2.1"),
            draft("www.example.com", RecordType::Aaaa, "2001:db8::1"),
            draft("_dmarc.example.com", RecordType::Txt, "v=DMARC1; p=none"),
        ];
        let Begun { outcomes, ticket } = account.begin(&zone, &Edits::Create(drafts.to_vec())).await;
        assert!(outcomes.iter().all(Result::is_ok) && ticket.is_none(), "{said}: {outcomes:?}");
        let keys: Vec<RrsetKey> = drafts.iter().map(|draft| RrsetKey::new(draft.name.clone(), draft.rtype)).collect();
        for (key, wanted) in keys.iter().zip(&drafts) {
            let found = account.list(&zone, std::slice::from_ref(key)).await.unwrap();
            let found = found.into_iter().find(|found| found.rtype == key.rtype).unwrap();
            assert_eq!(found, record(&found.id, wanted), "{said}");
            let mut changed = wanted.clone();
            changed.ttl = Ttl::new(900);
            changed.attributes.insert("comment".into(), "so".into());
            account.update(&zone, &found, &changed).await.unwrap();
        }
        let changed = account.list(&zone, &keys).await.unwrap();
        assert_eq!(changed.len(), 3, "{said}");
        assert!(changed.iter().all(|record| record.ttl == Ttl::new(900) && record.attributes["comment"] == "so"));
        account.delete(&zone, &changed[0]).await.unwrap();
        let Begun { outcomes, .. } = account.begin(&zone, &Edits::Delete(changed[1..].to_vec())).await;
        assert!(outcomes.iter().all(Result::is_ok), "{said}: {outcomes:?}");
        assert_eq!(account.list(&zone, &keys).await.unwrap(), [], "{said}");
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn what_is_sent_is_what_the_reference_has() {
    let (emulator, domain) = start(Switches::default()).await;
    let (account, zone) = (account(&emulator), zone(&domain));
    let mut mx = draft("example.com", RecordType::Mx, "mail.example.com");
    mx.attributes = [("priority".into(), "5".into()), ("comment".into(), "kept".into())].into();
    account.create(&zone, &mx).await.unwrap();
    let held = emulator.state().records(&domain)[0].clone();
    let held = record(&held.id, &mx);
    mx.value = driftless::model::record::Value::Text("mx.example.com".into());
    account.update(&zone, &held, &mx).await.unwrap();
    let other = draft("www.example.com", RecordType::A, "192.0.2.1");
    account.create(&zone, &other).await.unwrap();
    let id = emulator.state().records(&domain)[1].id.clone();
    let both = vec![(held.clone(), mx.clone()), (record(&id, &other), other.clone())];
    assert!(account.begin(&zone, &Edits::Update(both)).await.outcomes.iter().all(Result::is_ok));
    account.delete(&zone, &held).await.unwrap();
    let asked: Vec<(String, Json)> = emulator
        .server
        .log()
        .iter()
        .filter(|exchange| exchange.request.method != "GET" && !exchange.request.path.ends_with("tokens"))
        .map(|exchange| {
            let line = format!("{} {}", exchange.request.method, exchange.request.path);
            (line.replace(&domain, "D"), serde_json::from_slice(&exchange.request.body).unwrap_or_default())
        })
        .collect();
    let (mx_id, a_id) = (&held.id, &id);
    let mx_body = serde_json::json!({"name": "example.com", "data": "mx.example.com", "ttl": 600, "priority": 5, "comment": "kept"});
    let mut mx_of = mx_body.clone();
    mx_of["id"] = mx_id.as_str().into();
    let mut mx_new = mx_body.clone();
    mx_new["type"] = "MX".into();
    mx_new["data"] = "mail.example.com".into();
    let a = |extra: (&str, &str)| {
        let mut body = serde_json::json!({"name": "www.example.com", "data": "192.0.2.1", "ttl": 600});
        body[extra.0] = extra.1.into();
        body
    };
    let records = "/v1.0/1234/domains/D/records";
    let expected = [
        (format!("POST {records}"), serde_json::json!({"records": [mx_new]})),
        (format!("PUT {records}/{mx_id}"), mx_body),
        (format!("POST {records}"), serde_json::json!({"records": [a(("type", "A"))]})),
        (format!("PUT {records}"), serde_json::json!({"records": [mx_of, a(("id", a_id))]})),
        (format!("DELETE {records}/{mx_id}"), Json::Null),
    ];
    assert_eq!(asked, expected);
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_name_lies_in_the_longest_domain_of_several_pages_of_them() {
    let (emulator, _) = start(Switches::default()).await;
    for n in 0..230 {
        emulator.state().add_domain(&format!("n{n}.example"));
    }
    let sub = emulator.state().add_domain("sub.example.com");
    let id = emulator.state().add_record(&sub, "A", "a.sub.example.com", "192.0.2.7", 300);
    assert!(!id.is_empty());
    let provider = daemon(&emulator);
    let keys = [key("a.sub.example.com", RecordType::A), key("a.example.org", RecordType::A)];
    let seen = provider.read(&keys).await;
    assert!(matches!(&seen[0], Ok(Seen::Holds { values, .. }) if values.len() == 1), "{:?}", seen[0]);
    assert_eq!(seen[1].as_ref().unwrap_err().kind, Kind::Config);
    assert_eq!(count(&emulator, "GET", "/domains"), 3 + 1, "three pages of domains, one search");
    // By exactly its name one is found in one call.
    let found = account(&emulator).api().domains(Some(&name("sub.example.com"))).await.unwrap();
    assert_eq!(found.iter().map(|domain| domain.id.as_str()).collect::<Vec<_>>(), [sub.as_str()]);
    assert_correct(&emulator);
}

#[tokio::test]
async fn few_sets_are_searched_for_and_many_are_listed() {
    let (emulator, domain) = start(Switches::default()).await;
    for n in 0..320 {
        emulator.state().add_record(&domain, "A", &format!("n{n}.example.com"), "192.0.2.1", 300);
    }
    let provider = daemon(&emulator);
    let read = async |labels: &[&str]| {
        let keys: Vec<_> = labels.iter().map(|label| key(&format!("{label}.example.com"), RecordType::A)).collect();
        emulator.server.clear();
        let seen = provider.read(&keys).await;
        assert!(seen.iter().all(|seen| matches!(seen, Ok(Seen::Holds { .. }))), "{seen:?}");
        count(&emulator, "GET", "/records")
    };
    read(&["n1"]).await;
    assert_eq!(read(&["n7"]).await, 1);
    assert_eq!(read(&["n7", "n319"]).await, 2);
    assert_eq!(read(&["n0", "n150", "n319"]).await, 4);
    // An underscore is said to find nothing.
    emulator.state().add_record(&domain, "A", "_x.example.com", "192.0.2.1", 300);
    assert_eq!(read(&["_x"]).await, 4);
    assert_correct(&emulator);
}

#[tokio::test]
async fn pages_that_are_exactly_full_end_where_they_end() {
    for count_of in [0_usize, 1, 99, 100, 101, 200, 300] {
        for filtered_total in [false, true] {
            let (emulator, domain) = start(Switches { filtered_total, ..Switches::default() }).await;
            for n in 0..count_of {
                emulator.state().add_record(
                    &domain,
                    "A",
                    "www.example.com",
                    &format!("192.0.{}.{}", n / 250, n % 250),
                    300,
                );
            }
            let account = account(&emulator);
            let whole = count_of.div_ceil(100).max(1);
            // A filtered list does not tell its length, and a single page has no links: whether it is the last must be asked.
            let filtered = if count_of == 100 { 2 } else { whole };
            for (search, pages) in [(None, whole), (Some(("A", Some("www.example.com"))), filtered)] {
                emulator.server.clear();
                assert_eq!(account.api().records(&domain, search).await.unwrap().len(), count_of, "{search:?}");
                assert_eq!(count(&emulator, "GET", "/records"), pages, "{count_of}, {search:?}");
            }
            assert_correct(&emulator);
        }
    }
}

#[tokio::test]
async fn both_regions_are_logged_in_to_and_edited() {
    for region in [Region::Us, Region::Uk] {
        let (emulator, domain) = start(Switches::default()).await;
        emulator.state().region = region;
        let provider = daemon(&emulator);
        let batches = planned(&provider, &[key("www.example.com", RecordType::A)], Some("192.0.2.1")).await;
        assert_eq!(provider.apply(&batches[0]).await, [Ok(Applied::Done)]);
        assert_eq!(emulator.state().records(&domain)[0].data, "192.0.2.1");
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn what_breaks_a_documented_rule_is_not_sent_and_keeps_the_others_from_nothing() {
    let (emulator, domain) = start(Switches::default()).await;
    let (account, zone) = (account(&emulator), zone(&domain));
    let mut short = draft("short.example.com", RecordType::A, "192.0.2.1");
    short.ttl = Ttl::new(LEAST_TTL - 1);
    let drafts = vec![
        draft("a.example.com", RecordType::A, "192.0.2.1"),
        short,
        draft("caa.example.com", RecordType::Caa, "0 issue x"),
        draft("b.example.com", RecordType::A, "192.0.2.1"),
    ];
    let outcomes = account.begin(&zone, &Edits::Create(drafts)).await.outcomes;
    for (at, says) in [(1, "300 seconds or more"), (2, "no CAA records")] {
        let error = outcomes[at].as_ref().unwrap_err();
        assert!(error.kind == Kind::Config && error.unsent && error.why.contains(says), "{error}");
        assert!(error.doing.contains("at account home"), "{error}");
    }
    assert!(outcomes[0].is_ok() && outcomes[3].is_ok());
    assert_eq!((emulator.state().records(&domain).len(), count(&emulator, "POST", "/records")), (2, 1));
    assert_correct(&emulator);
}

#[tokio::test]
async fn an_account_without_a_name_or_a_key_is_not_built() {
    let whole = settings("http://127.0.0.1:1/", "key");
    assert!(super::service(&whole, &tools()).is_ok());
    let none = driftless::provider::setting::Settings::new("home");
    assert_eq!(super::service(&none, &tools()).err().unwrap().setting, Some("username"));
}
