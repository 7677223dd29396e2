//! LunaNode over real HTTP, against an emulator written from its documentation: every case of one provider, so it is long.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "emulator/lunanode.rs"]
mod emulator;
#[path = "emulator/http.rs"]
mod http;

use std::collections::BTreeMap;
use std::time::Duration;

use driftless::model::error::{Error, Kind, Result, Scope};
use driftless::model::name::Name;
use driftless::model::plan::{Applied, Change, Plan, Seen, Sibling, Snapshot};
use driftless::model::record::{RecordType, RrsetKey, Ttl, Value, Values};
use driftless::net::http::Http;
use driftless::os::secret::Secret;
use driftless::provider::lunanode::{LunaNode, api, provider};
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::shape::records::RecordsProvider;
use driftless::provider::{Provider, Tools};
use emulator::{Empty, Switches};
use http::{Answer, Fault};

const ID: &str = "abcdefghijklmnop";
const REFUSED: Kind = Kind::Auth { scope: Scope::Account };

fn key_text() -> String {
    ('a'..='z').cycle().take(128).collect()
}

async fn start(switches: Switches) -> emulator::LunaNode {
    emulator::LunaNode::start(0, ID, &key_text(), switches).await.unwrap()
}

fn account(emulator: &emulator::LunaNode) -> RecordsProvider<LunaNode> {
    account_with(emulator, ID, &key_text())
}

fn account_with(emulator: &emulator::LunaNode, id: &str, key: &str) -> RecordsProvider<LunaNode> {
    let settings = Settings::new("home")
        .with("api_id", Set::Text(id.into()))
        .with("api_key", Set::Secret(Secret::inline(key)))
        .with("endpoint", Set::Url(emulator.endpoint().parse().unwrap()));
    provider(&settings, &Tools { http: Http::new(None) }).unwrap()
}

fn key(name: &str, rtype: RecordType) -> RrsetKey {
    RrsetKey::new(Name::parse(name).unwrap(), rtype)
}

fn a(name: &str) -> RrsetKey {
    key(name, RecordType::A)
}

fn aaaa(name: &str) -> RrsetKey {
    key(name, RecordType::Aaaa)
}

fn values(addresses: &[&str]) -> Values {
    addresses.iter().map(|address| Value::from(address.parse::<std::net::IpAddr>().unwrap())).collect()
}

/// What a read says: the values, whether they are mixed, and what it carries.
async fn look(account: &RecordsProvider<LunaNode>, key: &RrsetKey) -> Result<(Values, bool, Option<Ttl>, Snapshot)> {
    match account.read(std::slice::from_ref(key)).await.remove(0)? {
        Seen::Holds { values, mixed, ttl, snapshot, .. } => Ok((values, mixed, ttl, snapshot)),
        Seen::Absent(snapshot) => Ok((Values::new(), false, None, snapshot)),
        Seen::Unreadable => panic!("LunaNode can be read"),
    }
}

/// The change from what is there to `wanted`, where all that is there is ours.
async fn plan(account: &RecordsProvider<LunaNode>, key: &RrsetKey, wanted: &[&str], ttl: Option<u32>) -> Change {
    let (before, _, _, snapshot) = look(account, key).await.unwrap();
    let after = values(wanted);
    let retire = before.difference(&after).cloned().collect();
    Change { key: key.clone(), before, after, retire, ttl: ttl.and_then(Ttl::new), sibling: Sibling::Unknown, snapshot }
}

async fn apply(account: &RecordsProvider<LunaNode>, change: &Change) -> Result<Applied> {
    let batches = account.batches(&Plan { changes: vec![change.clone()] });
    assert_eq!(batches.len(), 1);
    account.apply(&batches[0]).await.remove(0)
}

async fn set(account: &RecordsProvider<LunaNode>, key: &RrsetKey, wanted: &[&str]) -> Result<Applied> {
    let change = plan(account, key, wanted, Some(300)).await;
    apply(account, &change).await
}

async fn held(account: &RecordsProvider<LunaNode>, key: &RrsetKey) -> Values {
    look(account, key).await.unwrap().0
}

/// The fields of an A record.
fn address<'a>(name: &'a str, data: &'a str) -> [(&'a str, &'a str); 4] {
    [("name", name), ("type", "A"), ("data", data), ("ttl", "60")]
}

/// Nothing was asked that the documentation does not allow.
fn assert_correct(emulator: &emulator::LunaNode) {
    assert_eq!(emulator.state().violations, Vec::<String>::new());
}

/// The defaults, each switch thrown alone, and everything thrown at once.
fn every_switch() -> Vec<Switches> {
    let throws: [fn(&mut Switches); 11] = [
        |s| s.empty = Empty::Map,
        |s| s.empty = Empty::Missing,
        |s| s.trailing_dots = false,
        |s| s.relative_names = true,
        |s| s.full_dyn_names = true,
        |s| s.dyn_add_tells_id = true,
        |s| s.ids_stay = false,
        |s| s.numeric_ids = true,
        |s| s.nonces_once = true,
        |s| s.global_in_words = true,
        |s| s.escaped_errors = true,
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
async fn every_operation_on_names_under_lndyn_works_whatever_the_switches() {
    for switches in every_switch() {
        let emulator = start(switches.clone()).await;
        let account = account(&emulator);
        let api = account.service().api();
        assert_eq!(api.dyn_list().await.unwrap(), []);
        let id = api.dyn_add("home", [192, 0, 2, 1].into()).await.unwrap();
        assert_eq!(id.is_some(), switches.dyn_add_tells_id);
        let listed = api.dyn_list().await.unwrap().remove(0);
        assert_eq!((id.unwrap_or(listed.id.clone()), listed.ip.as_str()), (listed.id.clone(), "192.0.2.1"));
        api.dyn_update(&listed.id, "home", [192, 0, 2, 2].into()).await.unwrap();
        assert_eq!(api.dyn_list().await.unwrap()[0].ip, "192.0.2.2");
        api.dyn_remove(&listed.id).await.unwrap();
        assert_eq!(api.dyn_list().await.unwrap(), []);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn every_operation_on_hosted_zones_works_whatever_the_switches() {
    for switches in every_switch() {
        let emulator = start(switches.clone()).await;
        let account = account(&emulator);
        let api = account.service().api();
        assert_eq!(api.zone_list().await.unwrap(), []);
        api.zone_add("example.org", Ttl::new(3600).unwrap()).await.unwrap();
        let zone = api.zone_list().await.unwrap().remove(0);
        assert_eq!(zone.name.trim_end_matches('.'), "example.org");
        assert_eq!(api.record_list(&zone.id).await.unwrap(), []);
        let mut fields = api::Fields {
            name: "home.example.org".into(),
            rtype: "A".into(),
            data: "192.0.2.1".into(),
            ttl: Ttl::new(60),
            attributes: BTreeMap::from([("weight".into(), "7".into())]),
        };
        let id = api.record_add(&zone.id, &fields, None).await.unwrap().unwrap();
        fields.data = "192.0.2.2".into();
        let edited = api.record_add(&zone.id, &fields, Some(&id)).await.unwrap().unwrap();
        assert_eq!(edited == id, switches.ids_stay);
        let listed = api.record_list(&zone.id).await.unwrap();
        assert_eq!((listed.len(), listed[0].id == edited), (1, true));
        assert_eq!((listed[0].fields.data.as_str(), listed[0].fields.ttl), ("192.0.2.2", Ttl::new(60)));
        assert_eq!(listed[0].fields.attributes.get("weight").map(String::as_str), Some("7"));
        api.record_remove(&zone.id, &edited).await.unwrap();
        assert_eq!(api.record_list(&zone.id).await.unwrap(), []);
        api.zone_remove(&zone.id).await.unwrap();
        assert_eq!(api.zone_list().await.unwrap(), []);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn record_sets_come_change_and_go_whatever_the_switches() {
    for switches in every_switch() {
        for key in [a("home.example.org"), a("example.org"), aaaa("home.example.org"), a("home.lndyn.com")] {
            comes_changes_and_goes(switches.clone(), &key).await;
        }
    }
}

async fn comes_changes_and_goes(switches: Switches, key: &RrsetKey) {
    let emulator = start(switches).await;
    let zone = emulator.state().add_zone("example.org");
    emulator.state().add_zone("notexample.org");
    emulator.state().add_record(zone, &address("www.example.org", "198.51.100.1"));
    let account = account(&emulator);
    let sets: [&[&str]; 4] = match key.rtype {
        RecordType::Aaaa => [&["2001:db8::1"], &["2001:db8::1"], &["2001:db8::2"], &[]],
        _ => [&["192.0.2.1"], &["192.0.2.1"], &["192.0.2.2"], &[]],
    };
    for wanted in sets {
        assert_eq!(set(&account, key, wanted).await.unwrap(), Applied::Done);
        assert_eq!(held(&account, key).await, values(wanted), "{key}");
    }
    assert_eq!(held(&account, &a("www.example.org")).await, values(&["198.51.100.1"]));
    assert_eq!(emulator.server.count("zone-list"), 1);
    assert_correct(&emulator);
}

#[tokio::test]
async fn an_unchanged_record_set_costs_no_write() {
    let emulator = start(Switches::default()).await;
    emulator.state().add_zone("example.org");
    let account = account(&emulator);
    for _ in 0..3 {
        set(&account, &a("home.example.org"), &["192.0.2.1"]).await.unwrap();
        set(&account, &a("home.lndyn.com"), &["192.0.2.1"]).await.unwrap();
    }
    assert_eq!((emulator.server.count("record-add"), emulator.server.count("dyn-add")), (1, 1));
    assert_eq!(emulator.server.count("dyn-update"), 0);
}

#[tokio::test]
async fn a_changed_ttl_alone_is_written() {
    let emulator = start(Switches::default()).await;
    let zone = emulator.state().add_zone("example.org");
    let old = [("name", "home.example.org"), ("type", "A"), ("data", "192.0.2.1"), ("ttl", "1800"), ("weight", "5")];
    let id = emulator.state().add_record(zone, &old);
    let account = account(&emulator);
    let change = plan(&account, &a("home.example.org"), &["192.0.2.1"], Some(60)).await;
    apply(&account, &change).await.unwrap();
    let state = emulator.state();
    let record = &state.zones[&zone].records[&id];
    assert_eq!((record["ttl"].as_str(), record["weight"].as_str()), ("60", "5"));
}

#[tokio::test]
async fn every_attribute_stays_on_an_edit() {
    for global_in_words in [false, true] {
        let emulator = start(Switches { global_in_words, ..Switches::default() }).await;
        let zone = emulator.state().add_zone("example.org");
        let fields = [
            ("name", "home.example.org"),
            ("type", "A"),
            ("data", "192.0.2.1"),
            ("ttl", "1800"),
            ("aux", "3"),
            ("policy", "region"),
            ("weight", "40"),
            ("region", "on"),
            ("regiongroup", "east"),
            ("country", "CA"),
            ("continent", "NA"),
            ("global", ""),
            ("latitude", "43.7"),
            ("longitude", "-79.4"),
            ("monitor_id", "12"),
        ];
        let id = emulator.state().add_record(zone, &fields);
        let plain = emulator.state().add_record(zone, &address("plain.example.org", "192.0.2.1"));
        let mut expected = emulator.state().zones[&zone].records.clone();
        let account = account(&emulator);
        for name in ["home.example.org", "plain.example.org"] {
            let change = plan(&account, &a(name), &["192.0.2.2"], None).await;
            apply(&account, &change).await.unwrap();
        }
        for id in [id, plain] {
            expected.get_mut(&id).unwrap().insert("data".into(), "192.0.2.2".into());
        }
        assert_eq!(emulator.state().zones[&zone].records, expected);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn records_that_differ_in_weight_are_mixed() {
    let emulator = start(Switches::default()).await;
    let zone = emulator.state().add_zone("example.org");
    for (name, weights) in [("even.example.org", ["5", "5"]), ("odd.example.org", ["5", "6"])] {
        for (data, weight) in ["192.0.2.1", "192.0.2.2"].into_iter().zip(weights) {
            let fields = [("name", name), ("type", "A"), ("data", data), ("ttl", "60"), ("weight", weight)];
            emulator.state().add_record(zone, &fields);
        }
    }
    let account = account(&emulator);
    assert!(!look(&account, &a("even.example.org")).await.unwrap().1);
    assert!(look(&account, &a("odd.example.org")).await.unwrap().1);
}

#[tokio::test]
async fn a_wrong_key_a_wrong_id_and_a_bound_key_hold_the_account() {
    let emulator = start(Switches::default()).await;
    let wrong_key = key_text().replacen('z', "y", 1);
    for (id, key, bound) in [(ID, wrong_key, false), ("ponmlkjihgfedcba", key_text(), false), (ID, key_text(), true)] {
        emulator.state().source_mismatch = bound;
        let account = account_with(&emulator, id, &key);
        let error = look(&account, &a("home.lndyn.com")).await.unwrap_err();
        assert_eq!(error.kind, REFUSED);
        assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("source address")), "{error}");
        assert!(error.to_string().contains("account home"), "{error}");
        for secret in [&key, &key[..64]] {
            assert!(!format!("{error} {error:?}").contains(secret));
        }
    }
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_key_of_the_wrong_length_is_never_sent() {
    let emulator = start(Switches::default()).await;
    let account = account_with(&emulator, ID, &key_text()[1..]);
    assert_eq!(look(&account, &a("home.lndyn.com")).await.unwrap_err().kind, REFUSED);
    assert_eq!(emulator.server.log().len(), 0);
}

#[tokio::test]
async fn a_wrong_clock_is_no_reason_to_doubt_the_key() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    for skew in [3600, -3600] {
        emulator.skew(skew);
        let error = look(&account, &a("home.lndyn.com")).await.unwrap_err();
        assert_eq!(error.kind, Kind::Transient);
        assert!(error.why.contains("clock"), "{error}");
    }
    // As wrong a clock may be as the service bears: nothing happens.
    emulator.skew(200);
    assert!(look(&account, &a("home.lndyn.com")).await.is_ok());
}

#[tokio::test]
async fn what_is_gone_is_stale_and_looked_up_again() {
    for escaped_errors in [false, true] {
        let emulator = start(Switches { escaped_errors, ..Switches::default() }).await;
        let zone = emulator.state().add_zone("example.org");
        let account = account(&emulator);
        for key in [a("home.example.org"), a("home.lndyn.com")] {
            set(&account, &key, &["192.0.2.1"]).await.unwrap();
            let change = plan(&account, &key, &["192.0.2.2"], None).await;
            emulator.state().dyns.clear();
            emulator.state().zones.get_mut(&zone).unwrap().records.clear();
            assert_eq!(apply(&account, &change).await.unwrap_err().kind, Kind::Stale);
            set(&account, &key, &["192.0.2.2"]).await.unwrap();
            assert_eq!(held(&account, &key).await, values(&["192.0.2.2"]));
        }
        // The zone is removed and made anew: another id.
        held(&account, &a("home.example.org")).await;
        emulator.state().zones.clear();
        emulator.state().add_zone("example.org");
        assert_eq!(look(&account, &a("home.example.org")).await.unwrap_err().kind, Kind::Stale);
        assert_eq!(held(&account, &a("home.example.org")).await, Values::new());
    }
}

#[tokio::test]
async fn a_name_without_a_zone_does_not_blind_the_others() {
    let emulator = start(Switches::default()).await;
    emulator.state().add_zone("example.org");
    emulator.state().add_dyn("home", [192, 0, 2, 1].into());
    let account = account(&emulator);
    emulator.server.fault(Fault::answer(Answer::new(500, "")).on("record-list"));
    let keys = [a("home.example.net"), a("home.example.org"), a("home.lndyn.com"), aaaa("home.lndyn.com")];
    let seen = account.read(&keys).await;
    assert_eq!(seen[0].as_ref().unwrap_err().kind, Kind::Config);
    assert_eq!(seen[1].as_ref().unwrap_err().kind, Kind::Transient);
    assert!(matches!(&seen[2], Ok(Seen::Holds { values, .. }) if *values == self::values(&["192.0.2.1"])));
    assert!(matches!(&seen[3], Ok(Seen::Absent(_))));
    assert_eq!(emulator.server.count("dyn-list"), 1);
}

#[tokio::test]
async fn a_refusal_with_another_text_holds_the_record_set() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let change = plan(&account, &a("home.lndyn.com"), &["192.0.2.1"], None).await;
    let refusal = r#"{"success":"no","error":"you have too many dynamic names"}"#;
    emulator.server.fault(Fault::answer(Answer::new(200, refusal)).on("dyn-add"));
    let error = apply(&account, &change).await.unwrap_err();
    assert_eq!((error.kind, error.why.as_str()), (Kind::Config, "you have too many dynamic names"));
    assert!(error.doing.contains("home.lndyn.com A"), "{error}");
}

#[tokio::test]
async fn limits_failures_and_garbled_answers_are_told_apart() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let pause = |after| Kind::RateLimited { after };
    for (answer, kind) in [
        (Answer::new(429, "slow down").with("Retry-After", "120"), pause(Some(Duration::from_secs(120)))),
        (Answer::new(429, ""), pause(None)),
        (Answer::new(503, "").with("Retry-After", "60"), pause(Some(Duration::from_secs(60)))),
        (Answer::new(503, "<html>"), Kind::Transient),
        (Answer::new(500, r#"{"success":"no","error":"internal error"}"#), Kind::Transient),
        (Answer::new(301, "").with("Location", "http://127.0.0.1:1/"), Kind::Transient),
        (Answer::new(404, "<html>"), Kind::Transient),
        (Answer::new(200, "<html>maintenance</html>"), Kind::Transient),
        (Answer::new(200, ""), Kind::Transient),
        (Answer::new(200, r#"{"dyns":{}}"#), Kind::Transient),
        (Answer::new(200, r#"{"success":"yes","dyns":"none"}"#), Kind::Transient),
        (Answer::new(200, r#"{"success":"yes","dyns":{"1":{"id":"1"}}}"#), Kind::Transient),
        (Answer::new(200, r#"{"success":"no"}"#), Kind::Transient),
        (Answer::new(200, vec![b' '; 3 << 20]), Kind::Transient),
    ] {
        emulator.server.fault(Fault::answer(answer.clone()));
        let error = look(&account, &a("home.lndyn.com")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{} {}", answer.status, error);
    }
    for fault in [Fault::cut(), Fault::half()] {
        emulator.server.fault(fault);
        assert_eq!(look(&account, &a("home.lndyn.com")).await.unwrap_err().kind, Kind::Transient);
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_seen_by_the_next_read_and_not_repeated() {
    let emulator = start(Switches::default()).await;
    emulator.state().add_zone("example.org");
    let account = account(&emulator);
    for (key, before, writes) in [
        (a("home.example.org"), &[][..], "record-add"),
        (a("home.example.org"), &["192.0.2.1"], "record-add"),
        (a("home.lndyn.com"), &[], "dyn-add"),
        (a("home.lndyn.com"), &["192.0.2.1"], "dyn-update"),
    ] {
        for fault in [Fault::lost(), Fault::half(), Fault::answer(Answer::new(504, "")).after_acting()] {
            set(&account, &key, &[]).await.unwrap();
            set(&account, &key, before).await.unwrap();
            emulator.server.clear();
            emulator.server.fault(fault.on(writes));
            assert_eq!(set(&account, &key, &["192.0.2.2"]).await.unwrap_err().kind, Kind::Transient);
            assert!(emulator.server.is_spent());
            assert_eq!(held(&account, &key).await, values(&["192.0.2.2"]));
            set(&account, &key, &["192.0.2.2"]).await.unwrap();
            assert_eq!(emulator.server.count(writes), 1);
        }
    }
    assert_correct(&emulator);
}

#[tokio::test]
#[ignore = "takes the ten seconds of a real time-out"]
async fn a_write_that_timed_out_and_succeeded_is_not_repeated() {
    let emulator = start(Switches::default()).await;
    emulator.state().add_zone("example.org");
    let (account, key) = (account(&emulator), a("home.example.org"));
    emulator.server.fault(Fault::late(Duration::from_secs(60)).on("record-add"));
    assert_eq!(set(&account, &key, &["192.0.2.1"]).await.unwrap_err().kind, Kind::Transient);
    set(&account, &key, &["192.0.2.1"]).await.unwrap();
    assert_eq!(emulator.state().zones.values().map(|zone| zone.records.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn back_to_the_old_value_after_a_lost_answer_is_written() {
    let emulator = start(Switches::default()).await;
    let account = account(&emulator);
    let key = a("home.lndyn.com");
    set(&account, &key, &["192.0.2.1"]).await.unwrap();
    emulator.server.fault(Fault::lost().on("dyn-update"));
    set(&account, &key, &["192.0.2.2"]).await.unwrap_err();
    set(&account, &key, &["192.0.2.1"]).await.unwrap();
    assert_eq!(held(&account, &key).await, values(&["192.0.2.1"]));
}

#[tokio::test]
async fn a_lost_removal_is_not_repeated_and_others_stay() {
    let emulator = start(Switches::default()).await;
    let zone = emulator.state().add_zone("example.org");
    for data in ["192.0.2.1", "192.0.2.2"] {
        emulator.state().add_record(zone, &address("home.example.org", data));
    }
    let account = account(&emulator);
    emulator.server.fault(Fault::lost().on("record-remove"));
    set(&account, &a("home.example.org"), &["192.0.2.2"]).await.unwrap_err();
    let change = plan(&account, &a("home.example.org"), &["192.0.2.2"], None).await;
    apply(&account, &change).await.unwrap();
    assert_eq!(emulator.server.count("record-remove"), 1);
    assert_eq!(emulator.state().zones[&zone].records.len(), 1);
}

#[tokio::test]
async fn calls_of_one_account_are_made_one_after_the_other_with_a_nonce_each() {
    let emulator = start(Switches { nonces_once: true, ..Switches::default() }).await;
    let account = account(&emulator);
    emulator.server.faults(3, &Fault::late(Duration::from_millis(30)));
    let api = account.service().api();
    let ips = (1..=6).map(|last| async move { api.dyn_add(&format!("n{last}"), [192, 0, 2, last].into()).await });
    for outcome in futures_util::future::join_all(ips).await {
        outcome.unwrap();
    }
    let order: Vec<_> = emulator.state().dyns.values().map(|(label, _)| label.clone()).collect();
    assert_eq!(order, ["n1", "n2", "n3", "n4", "n5", "n6"]);
    assert_correct(&emulator);
}

#[tokio::test]
async fn an_ipv6_address_under_lndyn_is_tried_and_holds_only_its_record_set() {
    for dyn_ipv6 in [false, true] {
        let emulator = start(Switches { dyn_ipv6, ..Switches::default() }).await;
        let account = account(&emulator);
        let outcome = set(&account, &aaaa("six.lndyn.com"), &["2001:db8::1"]).await;
        set(&account, &a("four.lndyn.com"), &["192.0.2.1"]).await.unwrap();
        if dyn_ipv6 {
            outcome.unwrap();
            set(&account, &aaaa("six.lndyn.com"), &["2001:db8::2"]).await.unwrap();
            assert_eq!(held(&account, &aaaa("six.lndyn.com")).await, values(&["2001:db8::2"]));
            assert_eq!(held(&account, &a("six.lndyn.com")).await, Values::new());
        } else {
            assert_eq!(outcome.unwrap_err().kind, Kind::Config);
        }
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn a_second_family_never_overwrites_the_address_of_a_name_under_lndyn() {
    let emulator = start(Switches { dyn_ipv6: true, ..Switches::default() }).await;
    let account = account(&emulator);
    // Both were planned from the same read.
    let four = plan(&account, &a("home.lndyn.com"), &["192.0.2.1"], None).await;
    let six = plan(&account, &aaaa("home.lndyn.com"), &["2001:db8::1"], None).await;
    apply(&account, &four).await.unwrap();
    assert_eq!(apply(&account, &six).await.unwrap_err().kind, Kind::Config);
    assert_eq!(emulator.server.count("dyn-add"), 1);
    // Another hand made both: each is kept by its id.
    emulator.state().add_dyn("home", "2001:db8::1".parse().unwrap());
    set(&account, &aaaa("home.lndyn.com"), &["2001:db8::2"]).await.unwrap();
    assert_eq!(held(&account, &a("home.lndyn.com")).await, values(&["192.0.2.1"]));
    assert_eq!(held(&account, &aaaa("home.lndyn.com")).await, values(&["2001:db8::2"]));
}

#[tokio::test]
async fn names_under_lndyn_that_cannot_be_ours_are_refused_with_a_reason() {
    let emulator = start(Switches::default()).await;
    emulator.state().taken.push("taken".into());
    let account = account(&emulator);
    for name in ["taken.lndyn.com", "a.b.lndyn.com", "lndyn.com"] {
        let error = set(&account, &a(name), &["192.0.2.1"]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{error}");
    }
    let change = plan(&account, &a("twice.lndyn.com"), &["192.0.2.1"], None).await;
    emulator.state().add_dyn("twice", [192, 0, 2, 9].into());
    assert_eq!(apply(&account, &change).await.unwrap_err().kind, Kind::Stale);
    assert_correct(&emulator);
}

#[tokio::test]
async fn the_registry_builds_it_and_checks_the_id() {
    let entry = driftless::provider::find("lunanode").unwrap();
    let tools = Tools { http: Http::new(None) };
    let good = Settings::new("home")
        .with("api_id", Set::Text(ID.into()))
        .with("api_key", Set::Secret(Secret::inline(key_text())));
    assert!((entry.build)(&good, &tools).is_ok_and(|provider| provider.terms().width == 1));
    let short = good.with("api_id", Set::Text("short".into()));
    assert_eq!((entry.build)(&short, &tools).err().and_then(|error| error.setting), Some("api_id"));
}

#[tokio::test]
async fn an_endpoint_is_taken_with_and_without_its_last_slash() {
    let emulator = start(Switches::default()).await;
    for endpoint in [emulator.endpoint(), emulator.endpoint().trim_end_matches('/').to_owned()] {
        let http = Http::new(None);
        let key = Secret::inline(key_text());
        let api = api::Api::new(ID.into(), key, endpoint.parse().unwrap(), http);
        assert_eq!(api.dyn_list().await, Ok::<_, Error>(Vec::new()));
    }
}
