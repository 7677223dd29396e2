//! Bad input: settings, keys, zones, names, types, TTLs, values and ids; what can be known to be wrong is not sent.

use driftless::model::error::{Kind, Scope};
use driftless::model::record::{RecordType, Ttl, Value};
use driftless::os::secret::Secret;
use driftless::provider::pocketdns::service;
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::shape::records::{Draft, Records};
use driftless::provider::shape::zones::Zone;

use super::emulator::Switches;
use super::{DOMAIN, REFUSED, account, api, assert_correct, draft, key, name, settings, start, tools, zone};

fn refused_setting(settings: &Settings) -> Option<&'static str> {
    service(settings, &tools()).err().and_then(|error| error.setting)
}

#[test]
fn settings_that_do_not_fit_are_pointed_at() {
    let key = || Settings::new("home").with("api_key", Set::Secret(Secret::inline("k")));
    let text = |text: &str| Set::Text(text.into());
    assert_eq!(refused_setting(&Settings::new("home").with("domain_id", text("dom_1"))), Some("api_key"));
    assert_eq!(refused_setting(&key()), Some("domain_id"));
    let both = key().with("domain_id", text("dom_1")).with("user_identifier", text("me"));
    assert_eq!(refused_setting(&both), Some("user_identifier"));
    for bad in ["", "a/b", "..", "a b", "é", &"x".repeat(256)] {
        assert_eq!(refused_setting(&key().with("domain_id", text(bad))), Some("domain_id"), "{bad}");
        assert_eq!(refused_setting(&key().with("user_identifier", text(bad))), Some("user_identifier"), "{bad}");
    }
    let elsewhere = key().with("domain_id", text("dom_1")).with("environment", text("staging"));
    assert_eq!(refused_setting(&elsewhere), Some("environment"));
    assert_eq!(refused_setting(&key().with("domain_id", text("dom_1"))), None);
}

#[tokio::test]
async fn a_wrong_key_holds_the_account_and_one_that_cannot_be_sent_is_not() {
    let emulator = start(Switches::default()).await;
    for (given, sent) in [("sk_live_other", 1), ("a\nb", 0), ("a\u{7f}b", 0)] {
        emulator.server.clear();
        let settings = settings(&emulator.endpoint()).with("api_key", Set::Secret(Secret::inline(given)));
        let account = service(&settings, &tools()).unwrap();
        let error = Records::zones(&account).await.unwrap_err();
        assert_eq!((error.kind, error.unsent), (REFUSED, sent == 0), "{error}");
        assert_eq!(emulator.server.log().len(), sent);
        assert!(error.hint.is_some());
        assert!(!format!("{error:?}").contains(given));
    }
    let missing = settings(&emulator.endpoint())
        .with("api_key", Set::Secret(Secret::File("/nonexistent/driftless/pocketdns".into())));
    let error = Records::zones(&service(&missing, &tools()).unwrap()).await.unwrap_err();
    assert_eq!((error.kind, error.unsent), (REFUSED, true));
    assert_correct(&emulator);
}

#[tokio::test]
async fn what_breaks_a_documented_rule_is_never_sent() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let good = draft("www.example.com", RecordType::A, "192.0.2.1");
    let text = |rtype, text: &str| Draft { rtype, value: Value::Text(text.into()), ..good.clone() };
    for (bad, says) in [
        (draft("www.example.org", RecordType::A, "192.0.2.1"), "does not lie in the zone example.com"),
        (draft("*.example.com", RecordType::A, "192.0.2.1"), "asterisk"),
        (Draft { ttl: Ttl::new(59), ..good.clone() }, "60 to 86400"),
        (Draft { ttl: Ttl::new(86_401), ..good.clone() }, "60 to 86400"),
        (text(RecordType::A, "2001:db8::1"), "IPv4"),
        (text(RecordType::Aaaa, "192.0.2.1"), "IPv6"),
        (text(RecordType::Caa, "0 issue \"ca.example\""), "no CAA records"),
        (text(RecordType::Cname, "a b"), "no name"),
        (draft("example.com", RecordType::Cname, "www.example.com"), "cannot be a CNAME"),
        (text(RecordType::Mx, "mail.example.com"), "needs a priority"),
        (text(RecordType::Srv, "5060 sip.example.com"), "priority weight port target"),
        (text(RecordType::Txt, &format!("\"{}\"", "x".repeat(256))), "255"),
        (
            Draft { attributes: [("priority".to_owned(), "1".to_owned())].into(), ..good.clone() },
            "only MX and SRV records have a priority",
        ),
    ] {
        let error = account.create(&zone(), &bad).await.unwrap_err();
        assert_eq!((error.kind, error.unsent), (Kind::Config, true), "{error}");
        assert!(error.why.contains(says), "{error}");
        let many = account.create_many(&zone(), std::slice::from_ref(&bad)).await.remove(0).unwrap_err();
        assert_eq!((many.kind, many.unsent, many.why), (Kind::Config, true, error.why));
    }
    assert_eq!(emulator.server.log().len(), 0);
}

#[tokio::test]
async fn ids_that_are_none_never_reach_another_address() {
    let emulator = start(Switches::default()).await;
    let api = api(&emulator.endpoint());
    for id in ["", ".", ".."] {
        let error = api.delete(DOMAIN, id).await.unwrap_err();
        assert_eq!((error.kind, error.unsent), (Kind::Config, true), "{id}: {error}");
        assert!(api.records(id).await.unwrap_err().unsent);
    }
    assert_eq!(emulator.server.log().len(), 0);
    // Whatever an id holds, it is one segment of the path.
    for id in ["a/../b", "a?b", "a#b", "%2e%2e", "a b", "é"] {
        assert_eq!(api.delete(DOMAIN, id).await.unwrap_err().kind, Kind::Stale, "{id}");
        let path = emulator.server.log().pop().unwrap().request.path;
        assert!(path.starts_with("/api/v1/domains/dom_abc123/dns/") && path.matches('/').count() == 6, "{path}");
    }
}

#[tokio::test]
async fn unknown_zones_and_records_are_stale() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let keys = [key("www.example.com", RecordType::A)];
    let nowhere = Zone { id: "dom_nope".into(), name: name("example.com") };
    assert_eq!(account.list(&nowhere, &keys).await.unwrap_err().kind, Kind::Stale);
    emulator.state().add_record(DOMAIN, "A", "www", "192.0.2.1", 300);
    let record = account.list(&zone(), &keys).await.unwrap().remove(0);
    emulator.state().domains.get_mut(DOMAIN).unwrap().records.clear();
    let other = draft("www.example.com", RecordType::A, "192.0.2.2");
    assert_eq!(account.update(&zone(), &record, &other).await.unwrap_err().kind, Kind::Stale);
    assert_eq!(account.delete(&zone(), &record).await.unwrap_err().kind, Kind::Stale);
    assert_correct(&emulator);
}

#[tokio::test]
async fn records_that_nobody_here_understands_are_passed_over_and_strange_values_shown() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    for (rtype, label, content) in [
        ("A", "www", "not an address"),
        ("NAPTR", "www", "x"),
        ("A", "bad name", "192.0.2.1"),
        ("A", "www", "192.0.2.1"),
    ] {
        emulator.state().add_record(DOMAIN, rtype, label, content, 300);
    }
    let records = account.list(&zone(), &[key("www.example.com", RecordType::A)]).await.unwrap();
    let values: Vec<String> = records.iter().map(|record| record.value.to_string()).collect();
    assert_eq!(values, ["not an address", "192.0.2.1"]);
}

#[tokio::test]
async fn a_name_that_the_service_refuses_holds_its_record_set_alone() {
    for unprocessable in [false, true] {
        let emulator = start(Switches { underscores: false, unprocessable, ..Switches::default() }).await;
        let account = account(&emulator);
        // The list of characters has no underscore; an example has.
        let error = account.create(&zone(), &draft("_x.example.com", RecordType::Txt, "y")).await.unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{error}");
        assert!(error.why.contains("field name"), "{error}");
        assert_ne!(error.kind, Kind::Auth { scope: Scope::Account });
    }
}
