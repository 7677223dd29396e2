//! The dyndns2 provider against a strict service, over real HTTP.

#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use driftless::model::error::{Kind, Result, Scope};
use driftless::model::name::Name;
use driftless::model::plan::{Applied, Change, Plan, Seen, Sibling, Snapshot};
use driftless::model::record::{Family, RrsetKey, Value, Values};
use driftless::net::http::{Http, USER_AGENT};
use driftless::os::clock::now;
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::{Provider, Tools, find};
use dyndns2::{Dyndns2, Host, Rules};
use http::{Answer, Fault, Server};

const V4: &str = "192.0.2.1";
const V6: &str = "2001:db8::1";

/// A service, its emulator and an account at it.
struct Rig {
    server: Server,
    service: Dyndns2,
    provider: Arc<dyn Provider>,
}

async fn rig(rules: Rules, names: &[&str], adjust: impl FnOnce(Settings) -> Settings) -> Rig {
    let service = Dyndns2::new(rules, names.iter().copied());
    let answers = service.clone();
    let server = Server::start(0, move |request| answers.answer(request)).await.expect("a port is free");
    let provider = provider(adjust(settings(&server)));
    Rig { server, service, provider }
}

async fn plain(names: &[&str]) -> Rig {
    rig(Rules::default(), names, |settings| settings).await
}

fn settings(server: &Server) -> Settings {
    let url = server.url("").parse().expect("a URL");
    Settings::new("home")
        .with("server", Set::Url(url))
        .with("username", Set::Text("user".into()))
        .with("password", Set::Secret(Secret::inline("secret")))
}

fn provider(settings: Settings) -> Arc<dyn Provider> {
    let entry = find("dyndns2").expect("it is in the registry");
    (entry.build)(&settings, &Tools { http: Http::new(None) }).expect("the settings fit")
}

fn values(addresses: &[&str]) -> Values {
    let parse = |address: &&str| Value::from(address.parse::<IpAddr>().expect("an address"));
    addresses.iter().map(parse).collect()
}

fn change(name: &str, address: &str, sibling: Sibling) -> Change {
    let family = Family::of(address.parse().expect("an address"));
    Change {
        key: RrsetKey::new(Name::parse(name).expect("a name"), family.record_type()),
        before: Values::new(),
        after: values(&[address]),
        retire: Values::new(),
        ttl: None,
        sibling,
        snapshot: Snapshot::none(),
    }
}

/// Both families of a name, in one plan.
fn both(name: &str) -> [Change; 2] {
    [change(name, V4, Sibling::Set(values(&[V6]))), change(name, V6, Sibling::Set(values(&[V4])))]
}

async fn apply(provider: &Arc<dyn Provider>, changes: Vec<Change>) -> Vec<Result<Applied>> {
    let mut answers = Vec::new();
    for batch in provider.batches(&Plan { changes }) {
        answers.extend(provider.apply(&batch).await);
    }
    answers
}

/// One change of IPv4, as a kind.
async fn push(rig: &Rig, name: &str) -> Result<Applied, Kind> {
    let answers = apply(&rig.provider, vec![change(name, V4, Sibling::Unknown)]).await;
    assert_eq!(answers.len(), 1);
    answers.into_iter().next().expect("one answer").map_err(|error| error.kind)
}

fn query(rig: &Rig, at: usize) -> String {
    rig.server.log()[at].request.query.clone().unwrap_or_default()
}

#[tokio::test]
async fn several_names_with_both_families_are_one_request() {
    let rig = plain(&["a.example.org", "b.example.org"]).await;
    let changes = [both("a.example.org"), both("b.example.org")].concat();
    assert_eq!(apply(&rig.provider, changes).await, vec![Ok(Applied::Done); 4]);
    let log = rig.server.log();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].request.method.as_str(), log[0].request.path.as_str()), ("GET", "/nic/update"));
    assert_eq!(query(&rig, 0), "hostname=a.example.org,b.example.org&myip=192.0.2.1,2001:db8::1");
    assert_eq!(log[0].request.header("user-agent"), Some(USER_AGENT));
    for name in ["a.example.org", "b.example.org"] {
        let held = Host { ipv4: V4.parse().ok(), ipv6: V6.parse().ok(), ..Host::default() };
        assert_eq!(rig.service.host(name), Some(held));
    }
}

#[tokio::test]
async fn the_sibling_that_stays_is_sent_along_and_survives() {
    let rig = plain(&["a.example.org"]).await;
    let held = Host { ipv4: V4.parse().ok(), ipv6: V6.parse().ok(), ..Host::default() };
    rig.service.set("a.example.org", held);
    let moved = vec![change("a.example.org", "192.0.2.9", Sibling::Keep(values(&[V6])))];
    assert_eq!(apply(&rig.provider, moved).await, [Ok(Applied::Done)]);
    let expected = Host { ipv4: "192.0.2.9".parse().ok(), ..held };
    assert_eq!(rig.service.host("a.example.org"), Some(expected));
    // The emulator means it: without the sibling the AAAA record goes.
    assert_eq!(push(&rig, "a.example.org").await, Ok(Applied::Done));
    assert_eq!(rig.service.host("a.example.org").unwrap().ipv6, None);
}

#[tokio::test]
async fn families_apart_go_one_by_one_and_keep_each_other() {
    let rules = Rules { forgets: false, ..Rules::default() };
    let apart = |settings: Settings| settings.with("families", Set::Text("apart".into()));
    let rig = rig(rules, &["a.example.org"], apart).await;
    assert!(!rig.provider.terms().forgets_siblings);
    assert_eq!(apply(&rig.provider, both("a.example.org").into()).await, vec![Ok(Applied::Done); 2]);
    assert_eq!(query(&rig, 0), "hostname=a.example.org&myip=2001:db8::1");
    assert_eq!(query(&rig, 1), "hostname=a.example.org&myip=192.0.2.1");
    let host = rig.service.host("a.example.org").unwrap();
    assert!(host.ipv4.is_some() && host.ipv6.is_some());
}

#[tokio::test]
async fn ipv6_goes_in_its_own_parameter_where_the_service_has_one() {
    let rules = Rules { ipv6_parameter: Some("myipv6".into()), ..Rules::default() };
    let own = |settings: Settings| settings.with("ipv6_parameter", Set::Text("myipv6".into()));
    let rig = rig(rules, &["a.example.org"], own).await;
    assert_eq!(apply(&rig.provider, both("a.example.org").into()).await, vec![Ok(Applied::Done); 2]);
    assert_eq!(query(&rig, 0), "hostname=a.example.org&myip=192.0.2.1&myipv6=2001:db8::1");
}

#[tokio::test]
async fn a_path_and_a_query_in_the_server_are_kept() {
    for (given, path, front) in [
        ("/", "/nic/update", ""),
        ("/v3/update", "/v3/update", ""),
        ("/?", "/", ""),
        ("/nic/update?system=dyndns", "/nic/update", "system=dyndns&"),
    ] {
        let server = Server::start(0, |_| Answer::new(200, "good")).await.unwrap();
        let url = server.url(given).parse().unwrap();
        let provider = provider(settings(&server).with("server", Set::Url(url)));
        let answers = apply(&provider, vec![change("a.example.org", V4, Sibling::Unknown)]).await;
        assert_eq!(answers, [Ok(Applied::Done)]);
        let request = server.log()[0].request.clone();
        assert_eq!(request.path, path);
        assert_eq!(request.query, Some(format!("{front}hostname=a.example.org&myip=192.0.2.1")));
    }
}

#[tokio::test]
async fn what_the_service_refuses_is_told_for_each_name() {
    let rig = plain(&["a.example.org", "z.example.org"]).await;
    rig.service.set("foreign.example.org", Host { foreign: true, ..Host::default() });
    rig.service.set("wild.example.org", Host { blocked: true, ..Host::default() });
    let names =
        ["a.example.org", "foreign.example.org", "local", "none.example.org", "wild.example.org", "z.example.org"];
    let changes = names.iter().map(|name| change(name, V4, Sibling::Unknown)).collect();
    let kinds: Vec<_> =
        apply(&rig.provider, changes).await.into_iter().map(|it| it.map_err(|error| error.kind)).collect();
    let (done, config) = (Ok(Applied::Done), Err(Kind::Config));
    let expected = [done.clone(), config.clone(), config.clone(), config, Err(Kind::Abuse), done];
    assert_eq!((kinds.as_slice(), rig.server.log().len()), (expected.as_slice(), 1));
}

#[tokio::test]
async fn what_the_service_holds_already_is_unchanged_and_repeated_it_is_abuse() {
    let rig = plain(&["a.example.org"]).await;
    assert_eq!(push(&rig, "a.example.org").await, Ok(Applied::Done));
    for _ in 0..3 {
        assert_eq!(push(&rig, "a.example.org").await, Ok(Applied::Unchanged));
    }
    assert_eq!(push(&rig, "a.example.org").await, Err(Kind::Abuse));
}

#[tokio::test]
async fn every_word_comes_through_whatever_the_status() {
    let rig = plain(&["a.example.org"]).await;
    let pause = Err(Kind::RateLimited { after: Some(Duration::from_secs(1800)) });
    let auth = |scope| Err(Kind::Auth { scope });
    let words = [
        ("!active", Err(Kind::Config)),
        ("!donator", Err(Kind::Config)),
        ("!yours", Err(Kind::Config)),
        ("911", pause.clone()),
        ("abuse", Err(Kind::Abuse)),
        ("badagent", auth(Scope::Service)),
        ("badauth", auth(Scope::Account)),
        ("badparam", Err(Kind::Config)),
        ("badsys", Err(Kind::Config)),
        ("dnserr", pause),
        ("good", Ok(Applied::Done)),
        ("good 127.0.0.1", auth(Scope::Service)),
        ("good 198.51.100.1", Err(Kind::Transient)),
        ("nochg", Ok(Applied::Unchanged)),
        ("nohost", Err(Kind::Config)),
        ("notfqdn", Err(Kind::Config)),
        ("numhost", Err(Kind::Config)),
        ("w42", Err(Kind::Transient)),
        ("<html>good</html>", Err(Kind::Transient)),
        ("", Err(Kind::Transient)),
    ];
    for (word, expected) in words {
        for status in [200, 500] {
            rig.server.fault(Fault::answer(Answer::new(status, word)));
            assert_eq!(push(&rig, "a.example.org").await, expected, "{status} {word}");
        }
    }
}

#[tokio::test]
async fn a_pause_that_the_service_asks_for_is_told() {
    let rig = plain(&["a.example.org"]).await;
    for (status, word, seconds) in [(429, "", 120), (503, "<html>", 120), (500, "911", 7200)] {
        rig.server.fault(Fault::answer(Answer::new(status, word).with("Retry-After", &seconds.to_string())));
        let after = Some(Duration::from_secs(seconds));
        assert_eq!(push(&rig, "a.example.org").await, Err(Kind::RateLimited { after }));
    }
}

#[tokio::test]
async fn a_wrong_password_is_one_call() {
    let wrong = |settings: Settings| settings.with("password", Set::Secret(Secret::inline("wrong")));
    let rig = rig(Rules::default(), &["a.example.org", "b.example.org"], wrong).await;
    let changes = [both("a.example.org"), both("b.example.org")].concat();
    let answers = apply(&rig.provider, changes).await;
    assert_eq!(answers.len(), 4);
    for error in answers.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.kind, Kind::Auth { scope: Scope::Account });
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
    assert_eq!(rig.server.log().len(), 1);
    assert_eq!(rig.server.log()[0].answer.as_ref().unwrap().status, 401);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_no_call() {
    let gone =
        |settings: Settings| settings.with("password", Set::Secret(Secret::File("/nonexistent/password".into())));
    let rig = rig(Rules::default(), &["a.example.org"], gone).await;
    let answers = apply(&rig.provider, vec![change("a.example.org", V4, Sibling::Unknown)]).await;
    let error = answers[0].as_ref().unwrap_err();
    assert_eq!(error.kind, Kind::Auth { scope: Scope::Account });
    let told = error.to_string();
    assert!(
        told.starts_with("updating a.example.org: reading a secret: /nonexistent/password cannot be used: "),
        "{told}"
    );
    assert_eq!(rig.server.connections(), 0);
}

#[tokio::test]
async fn a_thousand_names_are_fifty_requests_on_one_connection() {
    let names: Vec<String> = (0..1000).map(|at| format!("n{at:04}.example.org")).collect();
    let rig = plain(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let changes = names.iter().map(|name| change(name, V4, Sibling::Unknown)).collect();
    let answers = apply(&rig.provider, changes).await;
    assert_eq!(answers, vec![Ok(Applied::Done); 1000]);
    assert_eq!((rig.server.log().len(), rig.server.connections()), (50, 1));
    assert!(names.iter().all(|name| rig.service.host(name).unwrap().ipv4.is_some()));
}

#[tokio::test]
async fn more_names_than_the_service_takes_are_refused_as_a_whole() {
    let names: Vec<String> = (0..21).map(|at| format!("n{at:02}.example.org")).collect();
    let many = |settings: Settings| settings.with("names_per_request", Set::Number(21));
    let rig = rig(Rules::default(), &names.iter().map(String::as_str).collect::<Vec<_>>(), many).await;
    let changes = names.iter().map(|name| change(name, V4, Sibling::Unknown)).collect();
    let answers = apply(&rig.provider, changes).await;
    assert_eq!((answers.len(), rig.server.log().len()), (21, 1));
    assert!(answers.into_iter().all(|answer| answer.unwrap_err().kind == Kind::Config));
}

#[tokio::test]
async fn a_server_that_hangs_costs_ten_seconds() {
    let rig = plain(&["a.example.org"]).await;
    rig.server.fault(Fault::late(Duration::from_secs(60)));
    let started = now().moment;
    assert_eq!(push(&rig, "a.example.org").await, Err(Kind::Transient));
    let took = now().moment.since(started);
    assert!(took >= Duration::from_secs(9) && took < Duration::from_secs(20), "{took:?}");
    assert_eq!(push(&rig, "a.example.org").await, Ok(Applied::Unchanged), "the emulator had acted");
}

#[tokio::test]
async fn a_lost_or_broken_answer_is_a_failure_and_the_next_try_finds_it_done() {
    for fault in [Fault::lost(), Fault::half()] {
        let rig = plain(&["a.example.org", "b.example.org"]).await;
        // The second request comes on a connection that was used before, where a client is tempted to repeat it.
        assert_eq!(push(&rig, "b.example.org").await, Ok(Applied::Done));
        rig.server.fault(fault);
        assert_eq!(push(&rig, "a.example.org").await, Err(Kind::Transient));
        assert_eq!((rig.server.log().len(), rig.server.connections()), (2, 1), "nothing is repeated by itself");
        assert_eq!(push(&rig, "a.example.org").await, Ok(Applied::Unchanged));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let rig = plain(&["a.example.org"]).await;
    let elsewhere = Answer::new(302, "good").with("Location", &rig.server.url("/elsewhere"));
    rig.server.fault(Fault::answer(Answer { body: Vec::new(), ..elsewhere }));
    assert_eq!(push(&rig, "a.example.org").await, Err(Kind::Transient));
    assert_eq!(rig.server.log().len(), 1);
}

#[tokio::test]
async fn two_addresses_of_a_family_are_refused_without_a_call() {
    let rig = plain(&["a.example.org"]).await;
    let mut two = change("a.example.org", V4, Sibling::Unknown);
    two.after = values(&[V4, "192.0.2.2"]);
    let answers = apply(&rig.provider, vec![two]).await;
    assert_eq!(answers[0].as_ref().unwrap_err().kind, Kind::Config);
    assert_eq!(rig.server.connections(), 0);
}

#[tokio::test]
async fn the_terms_are_those_of_a_service_that_cannot_be_read() {
    let daily = |settings: Settings| settings.with("refresh", Set::Duration(Duration::from_secs(86_400)));
    let rig = rig(Rules::default(), &["a.example.org"], daily).await;
    let terms = rig.provider.terms();
    assert!(!terms.readable && terms.forgets_siblings && terms.in_dns);
    assert_eq!((terms.width, terms.refresh), (1, Some(Duration::from_secs(86_400))));
    let key = change("a.example.org", V4, Sibling::Unknown).key;
    assert!(matches!(rig.provider.read(&[key]).await.as_slice(), [Ok(Seen::Unreadable)]));
    assert_eq!(rig.server.connections(), 0);
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused() {
    let server = Server::start(0, |_| Answer::new(200, "good")).await.unwrap();
    let entry = find("dyndns2").unwrap();
    let cases = [
        ("server", Set::Url("http://user:pass@127.0.0.1/".parse().unwrap())),
        ("username", Set::Text("user:name".into())),
        ("ipv6_parameter", Set::Text("my ip".into())),
        ("ipv6_parameter", Set::Text("myip".into())),
    ];
    for (setting, value) in cases {
        let built = (entry.build)(&settings(&server).with(setting, value), &Tools { http: Http::new(None) });
        assert_eq!(built.err().and_then(|error| error.setting), Some(setting));
    }
}

/// The emulator is as strict as it says: a client that is none of ours.
#[tokio::test]
async fn the_emulator_refuses_what_the_documentation_forbids() {
    let rig = plain(&["a.example.org"]).await;
    let client = Http::new(None).client().unwrap();
    let agent = "tester/1.0 tester@example.org";
    let cases = [
        ("GET", agent, "secret", "hostname=a.example.org&myip=192.0.2.1", "good 192.0.2.1"),
        ("POST", agent, "secret", "hostname=a.example.org&myip=192.0.2.1", "badagent"),
        ("GET", "", "secret", "hostname=a.example.org&myip=192.0.2.1", "badagent"),
        ("GET", "curl/8.0", "secret", "hostname=a.example.org&myip=192.0.2.1", "badagent"),
        ("GET", agent, "wrong", "hostname=a.example.org&myip=192.0.2.1", "badauth"),
        ("GET", agent, "secret", "myip=192.0.2.1", "notfqdn"),
        ("GET", agent, "secret", "hostname=a&myip=192.0.2.1", "notfqdn"),
        ("GET", agent, "secret", "hostname=a.example.org", "badparam"),
        ("GET", agent, "secret", "hostname=a.example.org&myip=192.0.2.1&fast=1", "badparam"),
        ("GET", agent, "secret", "hostname=a.example.org&myip=192.0.2.1&myip=192.0.2.1", "badparam"),
        ("GET", agent, "secret", "hostname=a.example.org&myip=192.0.2.1,192.0.2.2", "badparam"),
        ("GET", agent, "secret", "hostname=a.example.org%2Cb.example.org&myip=192.0.2.1", "nochg 192.0.2.1\nnohost"),
    ];
    for (method, agent, password, query, expected) in cases {
        let url = rig.server.url(&format!("/nic/update?{query}"));
        let request = client.request(method.parse().unwrap(), url).basic_auth("user", Some(password));
        let reply = request.header("user-agent", agent).send().await.unwrap();
        assert_eq!(reply.text().await.unwrap(), expected, "{method} {query}");
    }
}
