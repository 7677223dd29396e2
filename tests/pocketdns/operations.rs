//! What each operation does at the service, whatever the documentation leaves open.

use std::collections::BTreeMap;

use driftless::model::error::{Error, Kind, Scope};
use driftless::model::record::{RecordType, Ttl};
use driftless::provider::pocketdns::{provider, service};
use driftless::provider::setting::Value as Set;
use driftless::provider::shape::records::{Draft, Records};
use driftless::provider::shape::zones::Zone;
use driftless::provider::{Provider, find};

use super::emulator::Switches;
use super::http::Fault;
use super::{
    DOMAIN, USER, account, assert_correct, draft, every_switch, key, name, reaching, settings, start, tools, zone,
};

#[tokio::test]
async fn a_record_is_listed_created_updated_and_removed_whatever_the_switches() {
    for switches in every_switch() {
        let emulator = start(switches.clone()).await;
        let account = account(&emulator);
        for (label, rtype, first, second) in [
            ("example.com", RecordType::A, "192.0.2.1", "192.0.2.2"),
            ("www.example.com", RecordType::Aaaa, "2001:db8::1", "2001:db8::2"),
            ("a.b.example.com", RecordType::A, "192.0.2.1", "192.0.2.2"),
        ] {
            let keys = [key(label, rtype)];
            assert_eq!(account.list(&zone(), &keys).await.unwrap(), []);
            let id = account.create(&zone(), &draft(label, rtype, first)).await.unwrap().unwrap();
            let [made] = <[_; 1]>::try_from(account.list(&zone(), &keys).await.unwrap()).unwrap();
            let expected = draft(label, rtype, first);
            assert_eq!(
                (&made.id, &made.name, &made.value, made.ttl),
                (&id, &expected.name, &expected.value, expected.ttl)
            );
            let other = draft(label, rtype, second);
            account.update(&zone(), &made, &other).await.unwrap();
            let [changed] = <[_; 1]>::try_from(account.list(&zone(), &keys).await.unwrap()).unwrap();
            assert_eq!((&changed.id, &changed.value, changed.ttl), (&id, &other.value, made.ttl), "{switches:?}");
            account.delete(&zone(), &changed).await.unwrap();
            assert_eq!(account.list(&zone(), &keys).await.unwrap(), []);
        }
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn an_update_names_what_differs_and_nothing_else() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    // A TTL that could not be set stays with the record that has it.
    emulator.state().add_record(DOMAIN, "A", "www", "192.0.2.1", 30);
    let record = account.list(&zone(), &[key("www.example.com", RecordType::A)]).await.unwrap().remove(0);
    emulator.server.clear();
    let with = |value: &str, ttl| Draft { ttl: Ttl::new(ttl), ..draft("www.example.com", RecordType::A, value) };
    for (draft, asked) in [
        (with("192.0.2.2", 30), r#"{"content":"192.0.2.2"}"#),
        (with("192.0.2.1", 600), r#"{"ttl":600}"#),
        (with("192.0.2.3", 600), r#"{"content":"192.0.2.3","ttl":600}"#),
    ] {
        account.update(&zone(), &record, &draft).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&emulator.server.log().pop().unwrap().request.body), asked);
    }
    // What differs in nothing is not sent.
    emulator.server.clear();
    account.update(&zone(), &record, &with("192.0.2.1", 30)).await.unwrap();
    assert_eq!(emulator.server.log().len(), 0);
    assert_correct(&emulator);
}

#[tokio::test]
async fn one_call_creates_many_and_each_has_its_own_outcome() {
    for switches in every_switch() {
        let emulator = start(switches).await;
        let account = account(&emulator);
        emulator.state().refused.push("poison".into());
        emulator.state().add_record(DOMAIN, "A", "twice", "192.0.2.1", 300);
        let drafts = [
            draft("a.example.com", RecordType::A, "192.0.2.1"),
            draft("poison.example.com", RecordType::A, "192.0.2.1"),
            draft("*.example.com", RecordType::A, "192.0.2.1"),
            draft("twice.example.com", RecordType::A, "192.0.2.1"),
            draft("six.example.com", RecordType::Aaaa, "2001:db8::1"),
            Draft { ttl: Ttl::new(30), ..draft("short.example.com", RecordType::A, "192.0.2.1") },
        ];
        let outcomes = account.create_many(&zone(), &drafts).await;
        let kind = |error: &Error| (error.kind, error.unsent);
        let kinds: Vec<_> =
            outcomes.iter().map(|outcome| outcome.as_ref().map(|id| id.is_some()).map_err(kind)).collect();
        let (sent, unsent) = (Err((Kind::Config, false)), Err((Kind::Config, true)));
        assert_eq!(kinds, [Ok(true), sent, unsent, Err((Kind::Stale, false)), Ok(true), unsent]);
        assert!(outcomes[1].as_ref().unwrap_err().doing.contains("poison.example.com A"));
        assert_eq!((emulator.server.log().len(), emulator.server.count("/bulk")), (1, 1));
        assert_eq!(emulator.state().records(DOMAIN).len(), 3);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn one_record_alone_takes_the_plain_call_and_none_takes_no_call() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let (good, bad) =
        (draft("a.example.com", RecordType::A, "192.0.2.1"), draft("a.example.org", RecordType::A, "192.0.2.1"));
    let outcomes = account.create_many(&zone(), &[bad.clone(), good]).await;
    assert!(outcomes[0].is_err() && outcomes[1].is_ok());
    assert!(account.create_many(&zone(), &[bad]).await[0].is_err());
    assert_eq!(account.create_many(&zone(), &[]).await.len(), 0);
    assert_eq!((emulator.server.log().len(), emulator.server.count("/bulk")), (1, 0));
    assert!(account.bulk().creations > 1);
}

#[tokio::test]
async fn a_bulk_answer_that_forgets_a_record_is_no_success_for_it() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    emulator.state().swallows = true;
    let answer = r#"{"created":[{"id":"rec_1","type":"A","name":"b","content":"192.0.2.1"}],"errors":[]}"#;
    emulator.server.fault(Fault::answer(super::http::Answer::new(200, answer)));
    let drafts = ["a", "b"].map(|label| draft(&format!("{label}.example.com"), RecordType::A, "192.0.2.1"));
    let outcomes = account.create_many(&zone(), &drafts).await;
    assert_eq!(outcomes[0].as_ref().unwrap_err().kind, Kind::Transient);
    assert_eq!(outcomes[1], Ok(Some("rec_1".into())));
}

#[tokio::test]
async fn a_template_makes_its_records_and_says_which() {
    for template_skips in [false, true] {
        let emulator = start(Switches { template_skips, ..Switches::default() }).await;
        let account = account(&emulator);
        let variables = BTreeMap::from([("ip_address".to_owned(), "192.0.2.1".to_owned())]);
        let rows = account.apply_template(&zone(), "tpl_website_basic", &variables).await.unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["example.com", "www.example.com"]);
        // Again: whether that is a conflict is not documented.
        let again = account.apply_template(&zone(), "tpl_website_basic", &variables).await;
        assert_eq!(
            again.map(|rows| rows.len()).map_err(|error| error.kind),
            if template_skips { Ok(0) } else { Err(Kind::Stale) }
        );
        let nothing = account.apply_template(&zone(), "tpl_website_basic", &BTreeMap::new()).await.unwrap_err();
        assert_eq!(nothing.kind, Kind::Config);
        let unknown = account.apply_template(&zone(), "tpl_nope", &variables).await.unwrap_err();
        assert_eq!(unknown.kind, Kind::Stale);
        assert!(unknown.doing.contains("tpl_nope to example.com"), "{unknown}");
        let calls = emulator.server.log().len();
        assert!(account.apply_template(&zone(), " ", &variables).await.unwrap_err().unsent);
        assert_eq!(emulator.server.log().len(), calls);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn zones_are_one_domain_or_those_of_a_user() {
    let emulator = start(Switches::default()).await;
    emulator.state().add_domain("dom_second", "example.net", USER);
    emulator.state().add_domain("dom_other", "example.org", "somebody_else");
    let one = Records::zones(&account(&emulator)).await.unwrap();
    assert_eq!(one, [zone()]);
    let of_user = reaching("user_identifier", USER, &emulator.endpoint());
    let all = Records::zones(&service(&of_user, &tools()).unwrap()).await.unwrap();
    assert_eq!(all, [zone(), Zone { id: "dom_second".into(), name: name("example.net") }]);
    assert_correct(&emulator);
}

#[tokio::test]
async fn lists_that_were_cut_short_are_refused() {
    let emulator = start(Switches { longest_list: 2, ..Switches::default() }).await;
    let account = account(&emulator);
    for last in 1..=3 {
        emulator.state().add_record(DOMAIN, "A", "www", &format!("192.0.2.{last}"), 300);
    }
    let error = account.list(&zone(), &[key("www.example.com", RecordType::A)]).await.unwrap_err();
    assert_eq!(error.kind, Kind::Transient);
    assert!(error.why.contains("2 of 3"), "{error}");
    // So nothing is planned, and nothing is created a second time.
    let provider = provider(&settings(&emulator.endpoint()), &tools()).unwrap();
    let seen = provider.read(&[key("new.example.com", RecordType::A)]).await.remove(0);
    assert_eq!(seen.unwrap_err().kind, Kind::Transient);
    emulator.state().switches.longest_list = 0;
    let user = service(&reaching("user_identifier", USER, &emulator.endpoint()), &tools());
    assert_eq!(Records::zones(&user.unwrap()).await.unwrap_err().kind, Kind::Transient);
}

#[tokio::test]
async fn an_answer_with_another_address_is_no_success() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let other = r#"{"id":"rec_1","type":"A","name":"www","content":"192.0.2.9","ttl":300,"priority":null}"#;
    emulator.server.fault(Fault::answer(super::http::Answer::new(201, other)));
    let error = account.create(&zone(), &draft("www.example.com", RecordType::A, "192.0.2.1")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Transient);
    emulator.state().add_record(DOMAIN, "A", "www", "192.0.2.1", 300);
    let record = account.list(&zone(), &[key("www.example.com", RecordType::A)]).await.unwrap().remove(0);
    for answer in [other, &other.replace("192.0.2.9", "192.0.2.2")] {
        // The second is about another record.
        emulator.server.fault(Fault::answer(super::http::Answer::new(200, answer)));
        let updated = account.update(&zone(), &record, &draft("www.example.com", RecordType::A, "192.0.2.2")).await;
        assert_eq!(updated.unwrap_err().kind, Kind::Transient);
    }
}

#[tokio::test]
async fn a_domain_that_is_forbidden_or_gone_is_told_apart() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let keys = [key("www.example.com", RecordType::A)];
    emulator.state().domains.get_mut(DOMAIN).unwrap().forbidden = true;
    let error = account.list(&zone(), &keys).await.unwrap_err();
    assert_eq!(error.kind, Kind::Auth { scope: Scope::RecordSet });
    emulator.state().domains.clear();
    assert_eq!(account.list(&zone(), &keys).await.unwrap_err().kind, Kind::Stale);
    let error = Records::zones(&account).await.unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.hint.is_some_and(|hint| hint.contains("domain_id")));
}

#[tokio::test]
async fn the_registry_builds_it_for_both_environments() {
    let entry = find("pocketdns").unwrap();
    let good = reaching("user_identifier", USER, "https://127.0.0.1");
    let production = (entry.build)(&good, &tools()).unwrap_or_else(|why| panic!("{why}"));
    assert!(production.terms().readable && production.terms().in_dns);
    let sandbox = good.clone().with("environment", Set::Text("sandbox".into()));
    assert!((entry.build)(&sandbox, &tools()).is_ok_and(|provider| !provider.terms().in_dns));
    assert!((entry.edit.unwrap())(&good, &tools()).is_ok());
}
