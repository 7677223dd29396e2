//! The provider against recorded exchanges: what it asks, and what it makes of the answers.

use std::net::IpAddr;

use reqwest::Url;

use super::answers::{deleted, failure, recordsets_page, stored, written as as_written, zones_page};
use super::*;
use crate::model::error::{Kind, Scope};
use crate::model::plan::{Batch, Change, Health, Seen, Sibling};
use crate::model::record::{RecordType, Value};
use crate::net::http::Http;
use crate::os::secret::Secret;
use crate::provider::setting::Value as Set;

use super::replay::{Asked, Exchange, Server, recorded, written};

const TOKEN: &str = "004-ks-password-project-scope";
const ZONE: &str = "039-zones-list-by-name";
const NO_ZONE: &str = "040-zones-list-by-name-none";
const HOME_A: &str = "056-rs-list-name-type";
const ACCOUNT: Kind = Kind::Auth { scope: Scope::Account };

fn key(name: &str, rtype: RecordType) -> RrsetKey {
    RrsetKey::new(Name::parse(name).unwrap(), rtype)
}

fn home(rtype: RecordType) -> RrsetKey {
    key("home.ddns.example.test", rtype)
}

fn values(texts: &[&str]) -> Values {
    texts.iter().map(|text| text.parse::<IpAddr>().unwrap().into()).collect()
}

/// The settings of an account at a server.
pub(super) fn settings(server: &str) -> Settings {
    let url = |text: &str| Set::Url(Url::parse(text).unwrap());
    let text = |text: &str| Set::Text(text.into());
    Settings::new("cloud")
        .with("auth_url", url(&format!("{server}/v3")))
        .with("endpoint", url(server))
        .with("username", text("demo"))
        .with("user_domain_id", text("default"))
        .with("password", Set::Secret(Secret::inline("demopass")))
        .with("project_name", text("demo"))
        .with("project_domain_id", text("default"))
}

/// A server for these exchanges, and an account there.
fn account(exchanges: Vec<Exchange>) -> (Server, Arc<dyn Provider>) {
    let server = Server::start(exchanges);
    let provider = build(&settings(&server.url), &Tools { http: Http::new(None) }).unwrap();
    (server, provider)
}

/// An account whose exchanges were recorded under these names.
fn replayed(names: &[&str]) -> (Server, Arc<dyn Provider>) {
    account(names.iter().map(|name| recorded(name)).collect())
}

async fn read(provider: &Arc<dyn Provider>, key: &RrsetKey) -> Result<Seen> {
    provider.read(std::slice::from_ref(key)).await.remove(0)
}

/// Makes what was `seen` under `key` hold `after`.
async fn change(
    provider: &Arc<dyn Provider>,
    key: &RrsetKey,
    seen: &Seen,
    after: &[&str],
    ttl: Option<u32>,
) -> Result<Applied> {
    let (before, snapshot) = match seen {
        Seen::Holds { values, snapshot, .. } => (values.clone(), snapshot.clone()),
        Seen::Absent(snapshot) => (Values::new(), snapshot.clone()),
        Seen::Unreadable => panic!("Designate can be read"),
    };
    let (key, after, ttl) = (key.clone(), values(after), ttl.and_then(Ttl::new));
    let change = Change { key, before, after, retire: Values::new(), ttl, sibling: Sibling::Unknown, snapshot };
    provider.apply(&Batch { changes: vec![change] }).await.remove(0)
}

fn body(asked: &Asked) -> Json {
    serde_json::from_str(&asked.body).unwrap()
}

/// A list without a record set.
const NONE: &str = "057-rs-list-name-type-none";

#[tokio::test]
async fn creates_a_record_set_in_the_zone_with_the_longest_suffix() {
    let (server, provider) = replayed(&[TOKEN, NO_ZONE, ZONE, NONE, NONE, "050-rs-create-a"]);
    let seen = read(&provider, &home(RecordType::A)).await.unwrap();
    assert!(matches!(seen, Seen::Absent(_)));
    let applied = change(&provider, &home(RecordType::A), &seen, &["192.0.2.1"], Some(60)).await.unwrap();
    assert_eq!(applied, Applied::Accepted(None));
    let asked = server.asked();
    assert_eq!(body(&asked[0]), serde_json::from_str::<Json>(&recorded(TOKEN).asked).unwrap());
    assert_eq!(asked[1].line, "GET /v2/zones?name=home.ddns.example.test.");
    assert_eq!(asked[2].line, "GET /v2/zones?name=ddns.example.test.");
    assert!(asked[3].line.ends_with("/recordsets?name=home.ddns.example.test.&type=A&limit=200"));
    assert!(asked[4].line.contains("&type=CNAME"), "what would keep it from being made is looked for");
    assert_eq!(body(&asked[5]), serde_json::from_str::<Json>(&recorded("050-rs-create-a").asked).unwrap());
    assert!(asked[1..].iter().all(|asked| asked.fields.contains(&("x-auth-token".into(), "<TOKEN>".into()))));
}

#[tokio::test]
async fn replaces_a_stale_address_and_keeps_what_it_does_not_manage() {
    let (server, provider) = replayed(&[TOKEN, NO_ZONE, ZONE, HOME_A, "124-rs-update"]);
    let seen = read(&provider, &home(RecordType::A)).await.unwrap();
    let Seen::Holds { values: held, ttl, health: Health::Live, mixed: false, .. } = &seen else { panic!("{seen:?}") };
    assert_eq!((held, ttl.unwrap().seconds()), (&values(&["192.0.2.9"]), 60));
    let applied = change(&provider, &home(RecordType::A), &seen, &["203.0.113.7"], None).await.unwrap();
    assert_eq!(applied, Applied::Accepted(None));
    assert_eq!(body(&server.asked()[4]), json!({"records": ["203.0.113.7"]}));
}

#[tokio::test]
async fn removes_a_record_set_and_sends_a_value_that_stays_as_it_was_written() {
    // The list holds every record set of the zone, as a server would answer that ignores the filter.
    let (server, provider) = replayed(&[TOKEN, NO_ZONE, ZONE, "055-rs-list", "142-rs-delete"]);
    let aaaa = home(RecordType::Aaaa);
    let seen = read(&provider, &aaaa).await.unwrap();
    assert!(matches!(&seen, Seen::Holds { values: held, .. } if *held == values(&["2001:db8::1"])));
    assert_eq!(change(&provider, &aaaa, &seen, &[], None).await.unwrap(), Applied::Accepted(None));
    assert!(server.asked()[4].line.starts_with("DELETE /v2/zones/8d19cd24"));
    let listed = recordsets_page(&recorded("055-rs-list").reply(), "").unwrap();
    let rrset = listed.items.iter().filter_map(answers::RecordSet::rrset).find(|rrset| rrset.key == aaaa).unwrap();
    let wanted = values(&["2001:db8::1", "2001:db8::2"]);
    let sent = settings_of(&aaaa, rrset.snapshot.get(), &wanted, None);
    assert_eq!(Json::from(sent), json!({"records": ["2001:DB8:0:0::1", "2001:db8::2"]}));
}

#[tokio::test]
async fn many_keys_are_read_with_one_list() {
    let (server, provider) = replayed(&[TOKEN, NO_ZONE, ZONE, NO_ZONE, "055-rs-list"]);
    let other = |rtype| key("other.ddns.example.test", rtype);
    let (a, aaaa) = (RecordType::A, RecordType::Aaaa);
    let answers = provider.read(&[home(a), other(a), home(aaaa), other(aaaa)]).await;
    let held: Vec<_> = answers.iter().map(|answer| matches!(answer, Ok(Seen::Holds { .. }))).collect();
    assert_eq!(held, [true, false, true, false]);
    assert!(server.asked()[4].line.ends_with("/recordsets?limit=200"));
}

#[tokio::test]
async fn a_record_set_without_a_ttl_has_its_zones() {
    // The zone has 300 s; the record set has none of its own, and is updated by its own id.
    let mut held = recorded(HOME_A);
    held.body = held.body.replace("\"ttl\": 60", "\"ttl\": null");
    let a = home(RecordType::A);
    let (server, provider) =
        account(vec![recorded(TOKEN), recorded(NO_ZONE), recorded(ZONE), held, recorded("124-rs-update")]);
    let seen = read(&provider, &a).await.unwrap();
    assert!(matches!(&seen, Seen::Holds { ttl: Some(ttl), .. } if ttl.seconds() == 300), "{seen:?}");
    assert_eq!(change(&provider, &a, &seen, &["192.0.2.9"], Some(300)).await.unwrap(), Applied::Done);
    assert_eq!(change(&provider, &a, &seen, &["192.0.2.9"], Some(60)).await.unwrap(), Applied::Accepted(None));
    assert_eq!(body(&server.asked()[4]), json!({"records": ["192.0.2.9"], "ttl": 60}));
}

#[tokio::test]
async fn many_names_are_found_in_one_list_of_the_zones() {
    let (server, provider) = replayed(&[TOKEN, ZONE, "055-rs-list"]);
    let name = |at: usize| key(&format!("h{at}.ddns.example.test"), RecordType::A);
    let keys: Vec<_> = (0..1000).map(name).chain([home(RecordType::A), key("a.example.net", RecordType::A)]).collect();
    let mut answers = provider.read(&keys[..1001]).await;
    assert!(matches!(answers.pop(), Some(Ok(Seen::Holds { .. }))));
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Seen::Absent(_)))));
    assert_eq!(server.asked()[1].line, "GET /v2/zones?limit=200");
}

#[tokio::test]
async fn a_wildcard_is_no_pattern() {
    let (server, provider) = replayed(&[TOKEN, ZONE, "055-rs-list"]);
    let seen = read(&provider, &key("*.ddns.example.test", RecordType::A)).await.unwrap();
    assert!(matches!(seen, Seen::Absent(_)));
    assert_eq!(server.asked()[1].line, "GET /v2/zones?name=ddns.example.test.");
}

#[tokio::test]
async fn no_such_zone_is_said_with_the_zones_there_are() {
    let (server, provider) = replayed(&[TOKEN, NO_ZONE, NO_ZONE, "151-zones-list-paged-1", "036-zones-empty"]);
    let error = read(&provider, &key("www.example.net", RecordType::A)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.hint.unwrap().contains("ddns.example.test, "));
    let asked = server.asked();
    assert_eq!(asked[3].line, "GET /v2/zones?limit=200");
    // The page was full, so another one was announced, under an address that is not followed.
    assert_eq!(asked[4].line, "GET /v2/zones?limit=200&marker=1e1a3e15-b7ab-4ab7-bd7b-5c48ea799b11");
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let refused = "166-zones-expired-token";
    let (server, provider) = replayed(&[TOKEN, refused, TOKEN, ZONE, HOME_A]);
    let service = key("ddns.example.test", RecordType::A);
    assert!(matches!(read(&provider, &service).await.unwrap(), Seen::Absent(_)));
    assert_eq!(server.asked().iter().filter(|asked| asked.line == "POST /v3/auth/tokens").count(), 2);
    let (server, provider) = replayed(&[TOKEN, refused, TOKEN, refused]);
    assert_eq!(read(&provider, &service).await.unwrap_err().kind, ACCOUNT);
    server.asked();
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_for_all_names_and_never_shown() {
    let (server, provider) = replayed(&["008-ks-wrong-password"]);
    let answers = provider.read(&[home(RecordType::A), key("a.example.net", RecordType::A)]).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(error.kind, ACCOUNT);
        assert!(!format!("{error:?}").contains("demopass"));
    }
    server.asked();
}

#[tokio::test]
async fn a_refusal_under_a_wrong_clock_is_not_held_against_the_account() {
    let refused = recorded("008-ks-wrong-password").with("Date", "Thu, 01 Jan 1970 00:00:00 GMT");
    let (server, provider) = account(vec![refused]);
    assert_eq!(read(&provider, &home(RecordType::A)).await.unwrap_err().kind, Kind::Transient);
    server.asked();
    let refused = recorded("166-zones-expired-token").with("Date", "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(failure(&refused.reply(), "").kind, Kind::Transient);
}

#[tokio::test]
async fn a_zone_that_is_gone_is_searched_again_before_it_is_missed() {
    let zones = "/v2/zones/8d19cd24-d3cc-4b10-9ce3-2be7f3d04266/recordsets";
    let gone = Exchange { asks: format!("GET {zones}"), ..recorded("123-rs-list-unknown-zone") };
    let none = [recorded(NO_ZONE), recorded(NO_ZONE), recorded("036-zones-empty")];
    let (server, provider) = account([&[recorded(TOKEN), recorded(ZONE), gone][..], &none].concat());
    let apex = key("ddns.example.test", RecordType::A);
    assert_eq!(read(&provider, &apex).await.unwrap_err().kind, Kind::Stale);
    assert_eq!(read(&provider, &apex).await.unwrap_err().kind, Kind::Config);
    server.asked();
}

#[test]
fn every_recorded_refusal_has_its_kind() {
    let record_set = Kind::Auth { scope: Scope::RecordSet };
    for (name, kind) in [
        ("034-zones-unscoped-token", record_set),
        ("066-rs-list-bad-marker", Kind::Stale),
        ("071-rs-create-duplicate", Kind::Stale),
        ("072-rs-create-bad-ip", Kind::Config),
        ("081-rs-create-ttl--1", Kind::Config),
        ("098-rs-create-cname-beside-a", Kind::Config),
        ("106-rs-create-21-records-over-quota", Kind::Config),
        ("112-rs-create-text-plain", Kind::Config),
        ("116-rs-create-body-too-large", Kind::Config),
        ("118-rs-create-as-reader", record_set),
        ("120-rs-create-other-project", Kind::Stale),
        ("121-rs-get-unknown", Kind::Stale),
        ("136-rs-update-unknown", Kind::Stale),
        ("137-rs-update-as-reader", record_set),
        ("139-rs-post-to-id", Kind::Config),
        ("145-rs-delete-again", Kind::Stale),
        ("148-no-such-path", Kind::Config),
        ("149-v1-path", Kind::Transient),
        ("160-rs-create-in-deleting-zone", Kind::Transient),
        ("166-zones-expired-token", ACCOUNT),
    ] {
        let error = failure(&recorded(name).reply(), "updating");
        assert_eq!(error.kind, kind, "{name}: {error}");
    }
}

#[test]
fn what_was_never_recorded_follows_the_documentation() {
    use std::time::Duration;
    let kind = |status, fields: &[(&str, &str)], body| failure(&written("", status, fields, body).reply(), "").kind;
    let wait = [("Retry-After", "60")];
    let limited = |after| Kind::RateLimited { after };
    assert_eq!(kind(503, &wait, ""), limited(Some(Duration::from_secs(60))));
    assert_eq!(kind(429, &wait, ""), limited(Some(Duration::from_secs(60))));
    assert_eq!(kind(429, &[], ""), limited(None));
    assert_eq!(kind(503, &[], ""), Kind::Transient);
    assert_eq!(kind(504, &[], r#"{"code": 504, "type": "timeout"}"#), Kind::Transient);
    assert_eq!(kind(500, &[], r#"{"code": 500, "type": "unknown"}"#), Kind::Transient);
    let child =
        r#"{"code": 400, "type": "invalid_recordset_location", "message": "RecordSet belongs in a child zone: x"}"#;
    assert_eq!(kind(400, &[], child), Kind::Stale);
    assert_eq!(kind(302, &[("Location", "http://portal/")], ""), Kind::Transient);
    assert_eq!(kind(403, &[], "<h1>blocked</h1>"), Kind::Transient);
    assert_eq!(kind(403, &[], ""), Kind::Transient);
    assert_eq!(kind(403, &[("X-Openstack-Request-Id", "req-530de49c")], ""), ACCOUNT);
}

#[test]
fn a_refusal_repeats_designates_words_and_the_requests_id() {
    let why = failure(&recorded("072-rs-create-bad-ip").reply(), "").why;
    assert!(why.starts_with("records.0: '999.1.1.1' is not a 'A' Record (status 400, invalid_object, req-1c1c70a7"));
    let why = failure(&recorded("106-rs-create-21-records-over-quota").reply(), "").why;
    assert!(why.starts_with("Quota exceeded for recordset_records. (status 413, over_quota, req-"), "{why}");
    assert!(failure(&recorded("116-rs-create-body-too-large").reply(), "").why.contains("Request is too large"));
    let why = failure(&recorded("118-rs-create-as-reader").reply(), "").why;
    assert!(why.contains("status 403, forbidden, req-340da4b9"), "{why}");
}

#[test]
fn accepted_and_done_are_told_apart_and_a_garbled_answer_is_neither() {
    let accepted = Ok(Applied::Accepted(None));
    let done = Ok(Applied::Done);
    assert_eq!(stored(&recorded("050-rs-create-a").reply(), ""), accepted);
    assert_eq!(stored(&recorded("101-rs-create-empty-records").reply(), ""), done);
    assert_eq!(stored(&recorded("134-rs-update-empty-records").reply(), ""), done);
    assert_eq!(deleted(&recorded("142-rs-delete").reply(), ""), accepted);
    let reply = |status, body| written("", status, &[], body).reply();
    assert_eq!(deleted(&reply(204, ""), ""), done);
    assert_eq!(deleted(&reply(202, ""), ""), accepted);
    for garbled in [reply(200, "<html>log in</html>"), reply(202, "{}"), reply(200, "")] {
        assert_eq!(stored(&garbled, "").unwrap_err().kind, Kind::Transient);
        assert!(garbled.status == 202 || deleted(&garbled, "").unwrap_err().kind == Kind::Transient);
        assert_eq!(zones_page(&garbled, "").err().unwrap().kind, Kind::Transient);
    }
}

#[test]
fn the_status_is_the_health() {
    for (name, health) in [
        ("051-rs-get-pending", Some(Health::Pending)),
        ("053-rs-get-active", Some(Health::Live)),
        ("156-rs-get-backend-down", Some(Health::Pending)),
        ("168-rs-get-named-gone", Some(Health::Broken)),
        ("142-rs-delete", None),
    ] {
        let set: answers::RecordSet = recorded(name).reply().json("").unwrap();
        assert_eq!(set.rrset().map(|rrset| rrset.health), health, "{name}");
    }
    // The shape of 2014: no status, no action.
    let old = r#"{"id": "1", "name": "Home.Example.org.", "type": "A", "ttl": null, "records": ["10.1.0.2"]}"#;
    let rrset = serde_json::from_str::<answers::RecordSet>(old).unwrap().rrset().unwrap();
    assert_eq!((rrset.health, rrset.key, rrset.ttl), (Health::Live, key("home.example.org", RecordType::A), None));
}

#[test]
fn a_secondary_zone_is_refused() {
    let secondary = r#"{"zones": [{"id": "1", "name": "Example.org.", "type": "SECONDARY"}]}"#;
    let page = zones_page(&written("", 200, &[], secondary).reply(), "").unwrap();
    let apex = Name::parse("example.org").unwrap();
    assert_eq!(zone_among(&page.items, &apex, "").unwrap_err().kind, Kind::Config);
    let other = Name::parse("example.net").unwrap();
    assert_eq!(zone_among(&page.items, &other, "").unwrap(), None);
}

#[test]
fn txt_is_written_so_that_it_reads_back_the_same() {
    for text in ["hello world", r#"a "b" \c"#, "", &"ä\"".repeat(400)] {
        let text = as_written(RecordType::Txt, &Value::Text(text.into()));
        assert!(text.split("\" \"").all(|string| string.len() <= 255), "{text}");
        let back = Value::parse(RecordType::Txt, &text).unwrap();
        assert_eq!(as_written(RecordType::Txt, &back), text);
    }
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(status in 100u16..600, body in "\\PC{0,200}") {
        let reply = written("", status, &[], &body).reply();
        let _ = failure(&reply, "");
        proptest::prop_assert!(stored(&reply, "").is_err());
        proptest::prop_assert!(zones_page(&reply, "").is_err());
    }
}
