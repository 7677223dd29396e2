//! Yandex Mail for Domain over real HTTP, against an emulator written from its documents: every case of one provider.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

#[path = "emulator/yandex.rs"]
mod emulator;
#[path = "exchanges/read.rs"]
mod exchanges;
#[path = "emulator/http.rs"]
mod http;

use std::collections::BTreeMap;
use std::sync::Arc;

use driftless::config::{Config, Input};
use driftless::model::error::{Error, Kind, Scope};
use driftless::model::name::Name;
use driftless::model::plan::{Change, Plan, Seen, Sibling};
use driftless::model::record::{RecordType, RrsetKey, Ttl, Value, Values};
use driftless::net::http::Http;
use driftless::os::secret::Secret;
use driftless::provider::edit::{Edit, Editor, Filter, Row};
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::shape::zones::Zone;
use driftless::provider::yandex::RETIRED;
use driftless::provider::{Provider, Tools, find};
use emulator::{Switches, Yandex};
use http::{Answer, Fault, Server};

const TOKEN: &str = "123456789ABCDEF0000000000000000000000000000000000000";
const REFUSED: Kind = Kind::Auth { scope: Scope::Account };

fn settings(endpoint: &str) -> Settings {
    Settings::new("home")
        .with("token", Set::Secret(Secret::inline(TOKEN)))
        .with("endpoint", Set::Url(endpoint.parse().unwrap()))
}

fn editor(settings: &Settings) -> Arc<dyn Editor> {
    let build = find("yandex").and_then(|entry| entry.edit).unwrap();
    build(settings, &Tools { http: Http::new(None) }).unwrap()
}

fn daemon(settings: &Settings) -> Arc<dyn Provider> {
    (find("yandex").unwrap().build)(settings, &Tools { http: Http::new(None) }).unwrap()
}

async fn start(switches: Switches) -> (Yandex, Arc<dyn Editor>) {
    let emulator = Yandex::start(0, TOKEN, switches).await.unwrap();
    emulator.state().add_domain("example.org");
    let editor = editor(&settings(&emulator.endpoint()));
    (emulator, editor)
}

fn zone_of(name: &str) -> Zone {
    Zone { id: name.into(), name: Name::parse(name).unwrap() }
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

/// One record of each of the eight types.
fn eight() -> Vec<Edit> {
    let soa = [
        ("admin_mail", "admin.example.org"),
        ("refresh", "10800"),
        ("retry", "900"),
        ("expire", "1209600"),
        ("neg_cache", "10800"),
    ];
    let srv = [("priority", "20"), ("weight", "5"), ("port", "5222")];
    vec![
        edit("www.example.org", "A", "192.0.2.1", Some(300), &[]),
        edit("www.example.org", "AAAA", "2001:db8::1", Some(300), &[]),
        edit("docs.example.org", "CNAME", "www.example.org", None, &[]),
        edit("example.org", "MX", "mail.example.org.", Some(900), &[("priority", "5")]),
        edit("sub.example.org", "NS", "ns1.example.net", None, &[]),
        edit("example.org", "SOA", "dns1.example.net", Some(21_600), &soa[..1]),
        edit("_xmpp._tcp.example.org", "SRV", "xmpp.example.net", None, &srv),
        edit("example.org", "TXT", "v=spf1 redirect=_spf.example.net; a=\"b&c=d+e\"", None, &[]),
    ]
}

async fn rows(editor: &Arc<dyn Editor>) -> Vec<Row> {
    editor.rows(&zone(), &Filter::default()).await.unwrap()
}

/// Nothing was asked that the documents do not allow.
fn assert_correct(emulator: &Yandex) {
    assert_eq!(emulator.state().violations, Vec::<String>::new());
}

/// The defaults, each switch thrown alone, and everything thrown at once.
fn every_switch() -> Vec<Switches> {
    let throws: [fn(&mut Switches); 8] = [
        |s| s.strings = true,
        |s| s.dotted = true,
        |s| s.empty_apex = true,
        |s| s.no_fqdn = true,
        |s| s.contents_as_sent = true,
        |s| s.errors_are_400 = true,
        |s| s.edit_forgets = false,
        |s| s.gone = "no_such_record",
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
async fn all_eight_types_are_added_listed_changed_and_removed_whatever_the_switches() {
    for switches in every_switch() {
        let (emulator, editor) = start(switches).await;
        assert_eq!(editor.zones().await.unwrap()[0].zone, zone());
        let added = editor.add(&zone(), &eight()).await;
        let added: Vec<Row> = added.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(added.len(), 8);
        let listed = rows(&editor).await;
        assert_eq!(
            listed.iter().map(|row| &row.id).collect::<Vec<_>>(),
            added.iter().map(|row| &row.id).collect::<Vec<_>>()
        );
        for (row, wanted) in listed.iter().zip(eight()) {
            assert_eq!((&row.name, row.rtype), (&wanted.name, wanted.rtype));
            assert_eq!(row.values[0].trim_end_matches('.'), wanted.values[0].trim_end_matches('.'));
            assert_eq!(row.ttl, wanted.ttl.or(Ttl::new(21_600)));
        }
        // Another TTL alone: everything else stays.
        for row in listed {
            let attributes = if row.rtype == RecordType::Soa {
                [("refresh", "10800"), ("retry", "900"), ("expire", "1209600"), ("neg_cache", "3600")].as_slice()
            } else {
                &[]
            };
            let wanted = edit(row.name.as_str(), row.rtype.as_str(), &row.values[0], Some(1200), attributes);
            let changed = editor.update(&zone(), &[(row.clone(), wanted)]).await.remove(0).unwrap();
            let again = editor.row(&zone(), &row.id).await.unwrap();
            assert_eq!(changed, again);
            let mut expected = Row { ttl: Ttl::new(1200), ..row };
            expected.attributes.extend(attributes.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())));
            assert_eq!(again, expected);
        }
        let removed = editor.remove(&zone(), &rows(&editor).await).await;
        assert!(removed.len() == 8 && removed.iter().all(Result::is_ok), "{removed:?}");
        assert_eq!(rows(&editor).await, []);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn an_edit_by_the_daemon_sends_subdomain_content_and_ttl_again() {
    let (emulator, _) = start(Switches::default()).await;
    emulator
        .state()
        .add_record("example.org", &[("type", "A"), ("subdomain", "home"), ("content", "192.0.2.1"), ("ttl", "3600")]);
    let provider = daemon(&settings(&emulator.endpoint()));
    let key = RrsetKey::new(Name::parse("home.example.org").unwrap(), RecordType::A);
    let Seen::Holds { values, snapshot, .. } = provider.read(std::slice::from_ref(&key)).await.remove(0).unwrap()
    else {
        unreachable!("it is there")
    };
    let after: Values = [Value::from("192.0.2.2".parse::<std::net::IpAddr>().unwrap())].into();
    let change =
        Change { key, before: values.clone(), after, retire: values, ttl: None, sibling: Sibling::Unknown, snapshot };
    let batch = provider.batches(&Plan { changes: vec![change] }).remove(0);
    provider.apply(&batch).await.remove(0).unwrap();
    let sent = emulator.server.log().pop().unwrap().request;
    let body = String::from_utf8(sent.body).unwrap();
    for parameter in ["subdomain=home", "content=192.0.2.2", "ttl=3600"] {
        assert!(body.split('&').any(|part| part == parameter), "{body}");
    }
    assert_correct(&emulator);
}

#[tokio::test]
async fn every_code_of_the_document_and_of_recordings_has_its_kind() {
    let record_set = Kind::Auth { scope: Scope::RecordSet };
    let (emulator, editor) = start(Switches::default()).await;
    for (code, kind, exit) in [
        ("unknown", Kind::Transient, 75),
        ("no_token", REFUSED, 77),
        ("no_domain", Kind::Config, 78),
        ("no_ip", Kind::Config, 78),
        ("bad_domain", Kind::Config, 78),
        ("prohibited", Kind::Config, 78),
        ("bad_token", REFUSED, 77),
        ("bad_login", REFUSED, 77),
        ("bad_passwd", REFUSED, 77),
        ("no_auth", REFUSED, 77),
        ("not_allowed", record_set, 77),
        ("blocked", Kind::Abuse, 78),
        ("occupied", Kind::Config, 78),
        ("domain_limit_reached", Kind::Config, 78),
        ("no_reply", Kind::Transient, 75),
        ("no_such_domain", Kind::Config, 78),
        ("record_exists", Kind::Stale, 75),
        ("bad_record_id", Kind::Stale, 75),
    ] {
        for errors_are_400 in [false, true] {
            emulator.state().switches.errors_are_400 = errors_are_400;
            emulator.state().failing = Some(code.into());
            for error in every_operation(&editor).await {
                assert_eq!((error.kind, error.kind.exit_code()), (kind, exit), "{code}: {error}");
                assert!(error.to_string().contains(code) && error.to_string().contains("account home"), "{error}");
            }
        }
    }
    assert_correct(&emulator);
}

/// The errors of list, add, edit, del and the list of domains, all of which must fail.
async fn every_operation(editor: &Arc<dyn Editor>) -> Vec<Error> {
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
        editor.rows(&zone(), &Filter::default()).await.unwrap_err(),
        editor.add(&zone(), std::slice::from_ref(&wanted)).await.remove(0).unwrap_err(),
        editor.update(&zone(), &[(row.clone(), wanted)]).await.remove(0).unwrap_err(),
        editor.remove(&zone(), &[row]).await.remove(0).unwrap_err(),
        editor.zones().await.unwrap_err(),
    ]
}

#[tokio::test]
async fn a_service_that_answers_as_retired_is_held_with_the_sentence_that_names_its_successor() {
    let (emulator, editor) = start(Switches::default()).await;
    emulator.state().retired = true;
    let gone = Kind::Auth { scope: Scope::Service };
    for error in every_operation(&editor).await {
        assert_eq!(error.kind, gone, "{error}");
        assert!(error.to_string().contains("retired") && error.to_string().contains("yandex360"), "{error}");
    }
    for status in [301, 302, 404, 410] {
        emulator.server.fault(Fault::answer(Answer::new(status, "").with("Location", "https://360.example.net/")));
        assert_eq!(editor.zones().await.unwrap_err().kind, gone, "{status}");
    }
    let key = RrsetKey::new(Name::parse("home.example.org").unwrap(), RecordType::A);
    let calls = emulator.server.log().len();
    let answers = daemon(&settings(&emulator.endpoint())).read(&[key.clone(), key]).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(|error| error.kind == gone)));
    assert_eq!(emulator.server.log().len(), calls + 1, "nothing more is asked after that");
}

#[test]
fn whoever_configures_it_is_told_at_the_start_that_it_was_retired() {
    let text = "[account.home]\nprovider = \"yandex\"\ntoken_file = \"/run/t\"\n\n[[record]]\nname = \"home.example.org\"\naccount = \"home\"\n";
    let input = Input { files: vec![("d.toml".into(), text.into())], ..Input::default() };
    let config = Config::load(&input).unwrap();
    assert!(config.warnings.iter().any(|warning| warning.one_line().contains(RETIRED)), "{:?}", config.warnings);
    let input = Input { files: vec![("d.toml".into(), text.replace("yandex", "yandex360"))], ..Input::default() };
    assert!(!Config::load(&input).unwrap().warnings.iter().any(|warning| warning.one_line().contains("no more")));
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_of_every_operation_and_changes_nothing() {
    let (emulator, editor) = start(Switches::default()).await;
    let big = format!("{{\"success\":\"ok\",\"x\":\"{}\"}}", "y".repeat(10 << 20));
    for body in ["", "<html><body>Yandex</body></html>", "{\"success\":\"ok\",\"rec", "{\"success\":\"ok\"", "[]", &big]
    {
        emulator.server.faults(5, &Fault::answer(Answer::new(200, body)));
        for error in every_operation(&editor).await {
            assert_eq!((error.kind, error.kind.exit_code()), (Kind::Transient, 75), "{error}");
            assert!(error.to_string().len() < 400, "{error}");
        }
    }
    // A success that shows no record is none, but for a removal.
    for body in [r#"{"success":"ok"}"#, r#"{"success":"ok","record":{"record_id":1}}"#] {
        emulator.server.fault(Fault::answer(Answer::new(200, body)));
        let outcome = editor.add(&zone(), &[edit("www.example.org", "A", "192.0.2.2", None, &[])]).await.remove(0);
        assert_eq!(outcome.unwrap_err().kind, Kind::Transient);
    }
    for fault in [Fault::cut(), Fault::half()] {
        emulator.server.fault(fault);
        assert_eq!(editor.zones().await.unwrap_err().kind, Kind::Transient);
    }
    assert!(emulator.server.is_spent() && emulator.state().domains["example.org"].records.is_empty());
}

#[tokio::test]
async fn wrong_input_is_refused_with_a_sentence_before_anything_is_sent() {
    let (emulator, editor) = start(Switches::default()).await;
    let soa = [("admin_mail", "admin.example.org")];
    for (wrong, why) in [
        (edit("www.example.net", "A", "192.0.2.1", None, &[]), "does not lie in the zone"),
        (edit("www.example.org", "PTR", "a.example.org", None, &[]), "keeps no PTR records"),
        (edit("www.example.org", "A", "192.0.2.256", None, &[]), "no IPv4 address"),
        (edit("www.example.org", "AAAA", "192.0.2.1", None, &[]), "no IPv6 address"),
        (edit("www.example.org", "CNAME", "a b", None, &[]), "no domain name"),
        (edit("www.example.org", "TXT", "", None, &[]), "empty"),
        (edit("example.org", "MX", "mail.example.org", None, &[("priority", "high")]), "priority is a number"),
        (edit("example.org", "SRV", "sip.example.org", None, &[("weight", "1")]), "need \"port\""),
        (edit("example.org", "SOA", "ns.example.org", Some(60), &soa), "900 to 1209600"),
        (edit("example.org", "SOA", "ns.example.org", None, &[]), "need \"admin_mail\""),
        (edit("www.example.org", "A", "192.0.2.1", None, &[("comment", "x")]), "have no \"comment\""),
    ] {
        let good = edit("good.example.org", "A", "192.0.2.1", None, &[]);
        let outcomes = editor.add(&zone(), &[good, wrong]).await;
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.unsent)), "nothing half-done");
        let error = outcomes[1].as_ref().unwrap_err();
        assert_eq!(error.kind.exit_code(), 78);
        assert!(error.to_string().contains(why), "{error}");
    }
    let added = editor.add(&zone(), &[edit("www.example.org", "A", "192.0.2.1", None, &[])]).await.remove(0).unwrap();
    let calls = emulator.server.log().len();
    for (wanted, why) in [
        (edit("www.example.org", "AAAA", "2001:db8::1", None, &[]), "type of a record cannot be changed"),
        (edit("www.example.org", "A", "192.0.2", None, &[]), "no IPv4 address"),
    ] {
        let error = editor.update(&zone(), &[(added[0].clone(), wanted)]).await.remove(0).unwrap_err();
        assert!(error.unsent && error.to_string().contains(why), "{error}");
    }
    let name = Name::parse("example.com").unwrap();
    for error in
        [editor.add_zone(&name, &BTreeMap::new()).await.unwrap_err(), editor.remove_zone(&zone()).await.unwrap_err()]
    {
        assert!(error.unsent && error.to_string().contains("yandex360"), "{error}");
    }
    assert_eq!(emulator.server.log().len(), calls, "none of it was sent");
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_wrong_zone_id_or_credential_is_told_by_the_service() {
    let (emulator, editor) = start(Switches::default()).await;
    let error = editor.rows(&zone_of("example.com"), &Filter::default()).await.unwrap_err();
    assert_eq!((error.kind, error.to_string().contains("no_such_domain")), (Kind::Config, true), "{error}");
    assert_eq!(editor.row(&zone(), "77").await.unwrap_err().kind, Kind::Config);
    for id in ["77", "x", "1&domain=example.com"] {
        let row = Row {
            id: id.into(),
            name: zone().name,
            rtype: RecordType::Txt,
            values: vec!["x".into()],
            ttl: None,
            attributes: BTreeMap::new(),
        };
        let wanted = edit("example.org", "TXT", "y", None, &[]);
        assert_eq!(editor.update(&zone(), &[(row.clone(), wanted)]).await.remove(0).unwrap_err().kind, Kind::Stale);
        assert_eq!(editor.remove(&zone(), &[row]).await.remove(0).unwrap_err().kind, Kind::Stale);
    }
    let endpoint = emulator.endpoint();
    for (token, unsent) in [("hunter2", false), ("two\nlines", true)] {
        let wrong = settings(&endpoint).with("token", Set::Secret(Secret::inline(token)));
        let error = self::editor(&wrong).zones().await.unwrap_err();
        assert_eq!((error.kind, error.unsent), (REFUSED, unsent), "{error}");
        assert!(!error.to_string().contains(token), "{error}");
    }
    assert_correct(&emulator);
}

#[tokio::test]
async fn the_registrars_form_has_its_own_paths_and_a_second_token() {
    let (emulator, admin) = start(Switches::default()).await;
    emulator.state().registrar = Some("registrar".into());
    let with = |token: &str| settings(&emulator.endpoint()).with("registrar_token", Set::Secret(Secret::inline(token)));
    let registrar = editor(&with("registrar"));
    registrar.add(&zone(), &eight()).await.into_iter().for_each(|outcome| assert!(outcome.is_ok(), "{outcome:?}"));
    assert_eq!(rows(&registrar).await.len(), 8);
    assert_eq!(editor(&with("other")).zones().await.unwrap_err().kind, REFUSED);
    assert_correct(&emulator);
    assert_eq!(admin.zones().await.unwrap_err().kind, Kind::Auth { scope: Scope::Service });
}

#[tokio::test]
async fn all_pages_of_domains_are_read_and_a_list_that_is_too_short_is_refused() {
    let (emulator, editor) = start(Switches::default()).await;
    for number in 0..49 {
        emulator.state().add_domain(&format!("d{number}.example"));
    }
    assert_eq!(editor.zones().await.unwrap().len(), 50);
    assert_eq!(emulator.server.count("domain/domains"), 3);
    let short = r#"{"success":"ok","page":1,"on_page":20,"total":3,"found":1,"domains":[{"name":"a.example"}]}"#;
    emulator.server.fault(Fault::answer(Answer::new(200, short)));
    assert_eq!(editor.zones().await.unwrap_err().kind, Kind::Transient);
    let named = settings(&emulator.endpoint()).with("domains", Set::Texts(vec!["example.org".into()]));
    emulator.server.clear();
    assert_eq!(self::editor(&named).zones().await.unwrap()[0].zone, zone());
    assert_eq!(emulator.server.log().len(), 0, "domains that are named are not asked for");
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_ttl_that_the_service_ignores_is_told_as_it_is() {
    let (_emulator, editor) = start(Switches { ttl_ignored: true, ..Switches::default() }).await;
    let added =
        editor.add(&zone(), &[edit("www.example.org", "A", "192.0.2.1", Some(300), &[])]).await.remove(0).unwrap();
    assert_eq!(added[0].ttl, Ttl::new(21_600));
}

#[tokio::test]
async fn the_documented_exchanges_are_what_is_sent_and_understood() {
    let domain = zone_of("domain.com");
    let row = |value: &str| Row {
        id: "1".into(),
        name: Name::parse("www.domain.com").unwrap(),
        rtype: RecordType::A,
        values: vec![value.into()],
        ttl: Ttl::new(14_400),
        attributes: BTreeMap::new(),
    };
    let wanted = |value: &str| edit("www.domain.com", "A", value, Some(14_400), &[]);
    for name in ["add", "add-as-recorded", "list", "edit", "del", "record-exists", "no-such-domain"] {
        let exchange = exchanges::written(&format!("yandex/{name}"));
        let answer = exchange.answer.clone();
        let server = Server::start(0, move |_| answer.clone()).await.unwrap();
        let editor = editor(&settings(&server.url("/api2/")));
        match name {
            "add" | "add-as-recorded" => {
                assert_eq!(editor.add(&domain, &[wanted("127.0.0.1")]).await, [Ok(vec![row("127.0.0.1")])]);
            }
            "list" => assert_eq!(editor.rows(&domain, &Filter::default()).await, Ok(vec![row("127.0.0.1")])),
            "edit" => {
                let changed = editor.update(&domain, &[(row("127.0.0.1"), wanted("127.0.0.2"))]).await;
                assert_eq!(changed, [Ok(row("127.0.0.2"))]);
            }
            "del" => assert_eq!(editor.remove(&domain, &[row("127.0.0.1")]).await, [Ok(())]),
            "record-exists" => {
                let error = editor.add(&domain, &[wanted("127.0.0.1")]).await.remove(0).unwrap_err();
                assert_eq!(error.kind, Kind::Stale);
            }
            _ => assert_eq!(editor.rows(&domain, &Filter::default()).await.unwrap_err().kind, Kind::Config),
        }
        let sent = server.log().remove(0).request;
        assert_eq!(exchanges::essence(&sent), exchanges::essence(&exchange.request), "{name}");
        // The emulator takes the documented request too, and answers with the documented fields.
        let mut state =
            emulator::State::new(TOKEN, Switches { strings: name != "add-as-recorded", ..Switches::default() });
        if name != "no-such-domain" {
            state.add_domain("domain.com");
        }
        let held = [("type", "A"), ("subdomain", "www"), ("content", "127.0.0.1"), ("ttl", "14400")];
        let mut request = exchange.request.clone();
        if !name.starts_with("add") {
            let id = state.add_record("domain.com", &held).to_string();
            let body = String::from_utf8(request.body).unwrap().replace("record_id=1", &format!("record_id={id}"));
            request.body = body.into_bytes();
        }
        let keys = |body: &[u8]| -> Vec<String> {
            let mut object: BTreeMap<String, serde_json::Value> = serde_json::from_slice(body).unwrap();
            object.retain(|_, value| !value.is_null());
            object.into_keys().collect()
        };
        let told = state.answer(&request);
        assert_eq!(state.violations, Vec::<String>::new(), "{name}");
        assert_eq!(keys(&told.body), keys(&exchange.answer.body), "{name}");
    }
}
