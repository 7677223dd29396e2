//! The emulators' own checks: what the other tests rely on.

#![expect(clippy::expect_used, reason = "helpers of tests")]

mod dyndns2;
mod http;
mod lunanode;
mod lunanode_by_hand;
mod pocketdns;
mod pocketdns_by_hand;
mod rackspace;
mod rackspace_by_hand;
mod rackspace_tests;
mod yandex;
mod yandex360;
mod yandex_by_hand;

use std::time::Duration;

use driftless::model::error::Kind;
use driftless::net::http::{Http, Reply, SINGLE};
use http::{Answer, Fault, Received, Server};

#[test]
fn an_emulator_takes_the_options_that_its_usage_names_and_no_other() {
    let named = |usage: &'static str| {
        let words = usage.split([' ', '[', ']', ';', ':', '\n']);
        let options: std::collections::BTreeSet<&str> = words.filter(|word| word.starts_with("--")).collect();
        options
    };
    let dyndns2 = named(dyndns2::USAGE);
    assert_eq!(dyndns2.len(), 6, "{dyndns2:?}");
    for option in dyndns2 {
        let arguments = if option == "--keeps-siblings" { vec![option] } else { vec![option, "7"] };
        let taken = dyndns2::Dyndns2::by_hand(&arguments.into_iter().map(String::from).collect::<Vec<_>>());
        assert!(taken.is_ok(), "{option}: {:?}", taken.err());
    }
    let lunanode = named(lunanode_by_hand::USAGE);
    assert_eq!(lunanode.len(), 5, "{lunanode:?}");
    for option in lunanode {
        let value = match option {
            "--dyn" => "home=192.0.2.1",
            "--switch" => "new-ids",
            _ => "example.org",
        };
        let taken = lunanode_by_hand::emulator(&[option.into(), value.into()]);
        assert!(taken.is_ok(), "{option}: {:?}", taken.err());
    }
    let pocketdns = named(pocketdns_by_hand::USAGE);
    assert_eq!(pocketdns.len(), 6, "{pocketdns:?}");
    for option in pocketdns {
        let value = match option {
            "--domain" => "dom_1=example.org",
            "--fail" => "503:2",
            "--speed" => "60",
            "--switch" => "full-names",
            _ => "text",
        };
        let taken = pocketdns_by_hand::emulator(&[option.into(), value.into()]);
        assert!(taken.is_ok(), "{option}: {:?}", taken.err());
    }
    let (yandex, yandex360) = (named(yandex_by_hand::USAGE), named(yandex_by_hand::USAGE_360));
    assert_eq!((yandex.len(), yandex360.len()), (5, 4), "{yandex:?} {yandex360:?}");
    for option in yandex {
        let value = if option == "--switch" { "strings" } else { "example.org" };
        let taken = yandex_by_hand::emulator(&[option.into(), value.into()]);
        assert!(taken.is_ok(), "{option}: {:?}", taken.err());
    }
    for option in yandex360 {
        let value = match option {
            "--switch" => "full-names",
            "--fail" => "500",
            _ => "example.org",
        };
        let taken = yandex_by_hand::emulator_360(&[option.into(), value.into()]);
        assert!(taken.is_ok(), "{option}: {:?}", taken.err());
    }
    let unknown = ["--nope".to_owned(), "1".to_owned()];
    assert!(yandex_by_hand::emulator(&unknown).is_err_and(|why| why.contains("--registrar")));
    assert!(yandex_by_hand::emulator_360(&unknown).is_err_and(|why| why.contains("STATUS")));
    assert!(dyndns2::Dyndns2::by_hand(&unknown).is_err_and(|why| why.contains("--user")));
    assert!(lunanode_by_hand::emulator(&unknown).is_err_and(|why| why.contains("--api-id")));
    assert!(pocketdns_by_hand::emulator(&unknown).is_err_and(|why| why.contains("--api-key")));
    let switches = pocketdns_by_hand::USAGE.split_once("switches: ").expect("switches").1;
    for switch in switches.split(',').map(str::trim) {
        let taken = pocketdns_by_hand::emulator(&["--switch".into(), switch.into()]);
        assert!(taken.is_ok(), "{switch}: {:?}", taken.err());
    }
}

/// A request to hand to an emulator without a server.
fn request(method: &str, target: &str, fields: &[(&'static str, &str)], body: &str) -> Received {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.into())));
    let mut headers = hyper::HeaderMap::new();
    for (name, value) in fields {
        headers.insert(*name, value.parse().expect("a field"));
    }
    Received { method: method.into(), path: path.into(), query, headers, body: body.into() }
}

async fn echo() -> Server {
    Server::start(0, |request| Answer::new(200, request.path.clone())).await.expect("a port is free")
}

async fn call(server: &Server, path: &str) -> driftless::model::error::Result<Reply> {
    let http = Http::new(None);
    let url = server.url(path).parse().expect("a URL");
    http.send(reqwest::Request::new(reqwest::Method::GET, url), SINGLE, "asking the emulator").await
}

#[tokio::test]
async fn requests_are_answered_and_logged() {
    let server = echo().await;
    assert_eq!(call(&server, "/a/?b=c").await.unwrap().text(), "/a/");
    assert_eq!(server.log()[0].request.query.as_deref(), Some("b=c"));
    assert_eq!((server.count("/a/"), server.count("/b/")), (1, 0));
}

#[tokio::test]
async fn faults_are_met_once_each_by_the_requests_they_fit() {
    let server = echo().await;
    server.fault(Fault::answer(Answer::new(503, "no").with("Retry-After", "7")).on("/b"));
    server.fault(Fault::cut());
    assert_eq!(call(&server, "/a").await.unwrap_err().kind, Kind::Transient);
    let reply = call(&server, "/b").await.unwrap();
    assert_eq!((reply.status, reply.retry_after()), (503, Some(Duration::from_secs(7))));
    assert!(server.is_spent());
    assert_eq!(call(&server, "/b").await.unwrap().text(), "/b");
}

#[tokio::test]
async fn a_lost_and_a_broken_answer_come_after_the_deed() {
    for fault in [Fault::lost(), Fault::half()] {
        let deeds = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&deeds);
        let server = Server::start(0, move |_| {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Answer::new(200, "done")
        });
        let server = server.await.unwrap();
        server.fault(fault);
        assert_eq!(call(&server, "/").await.unwrap_err().kind, Kind::Transient);
        assert_eq!(deeds.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn the_date_can_be_off() {
    let server = echo().await;
    assert_eq!(call(&server, "/").await.unwrap().clock_is_off(), None);
    server.skew(-3600);
    assert!(call(&server, "/").await.unwrap().clock_is_off().is_some());
}

mod luna {
    use super::*;
    use crate::http::unix_now;
    use crate::lunanode::{LunaNode, Switches, checks};

    const ID: &str = "abcdefghijklmnop";

    fn key() -> String {
        ('a'..='z').cycle().take(128).collect()
    }

    fn form(pairs: &[(&str, &str)]) -> String {
        let mut url = reqwest::Url::parse("http://127.0.0.1").expect("a URL");
        url.query_pairs_mut().extend_pairs(pairs);
        url.query().unwrap_or_default().to_owned()
    }

    /// What LunaNode says to a request that is signed, for `dns/dyn-add/`, at `nonce`.
    async fn ask(luna: &LunaNode, req: &str, nonce: i64) -> String {
        let nonce = nonce.to_string();
        let signature = checks::signature(&key(), &format!("dns/dyn-add/|{req}|{nonce}"));
        let body = form(&[("req", req), ("signature", &signature), ("nonce", &nonce)]);
        send(luna, reqwest::Method::POST, "dns/dyn-add/", "application/x-www-form-urlencoded", body).await
    }

    async fn send(luna: &LunaNode, method: reqwest::Method, path: &str, content_type: &str, body: String) -> String {
        let url = format!("{}{path}", luna.endpoint()).parse().expect("a URL");
        let mut request = reqwest::Request::new(method, url);
        request.headers_mut().insert("content-type", content_type.parse().expect("a header"));
        *request.body_mut() = Some(body.into());
        let reply = Http::new(None).send(request, SINGLE, "asking").await.expect("an answer");
        reply.text().into_owned()
    }

    fn req(parameters: &str) -> String {
        format!("{{\"api_id\":\"{ID}\",\"api_partialkey\":\"{}\"{parameters}}}", &key()[..64])
    }

    #[tokio::test]
    async fn lunanode_takes_what_is_documented_and_nothing_else() {
        let luna = LunaNode::start(0, ID, &key(), Switches::default()).await.unwrap();
        let good = req(r#","name":"home","ip":"192.0.2.1""#);
        assert_eq!(ask(&luna, &good, unix_now()).await, r#"{"success":"yes"}"#);
        assert!(luna.state().violations.is_empty());
        for (bad, why) in [
            (req(r#","name":"home""#), "missing parameter ip"),
            (req(r#","name":"home","ip":"192.0.2.1","ttl":"60""#), "unknown parameter ttl"),
            (req(r#","name":7,"ip":"192.0.2.1""#), "no string"),
            (req(r#","name":"home.lndyn.com","ip":"192.0.2.1""#), "invalid name"),
            (req(r#","name":"home","ip":"192.0.2.1""#), "already in use"),
            (req(r#","name":"other","ip":"192.0.2.1""#).replace(ID, "short"), "authentication failure"),
            ("[]".to_owned(), "no JSON object"),
        ] {
            assert!(ask(&luna, &bad, unix_now()).await.contains(why), "{bad}: {why}");
        }
        for nonce in [unix_now() - 301, unix_now() + 310] {
            assert!(ask(&luna, &good, nonce).await.contains("authentication failure"));
        }
    }

    #[tokio::test]
    async fn lunanode_wants_a_form_by_post_with_the_last_slash() {
        let luna = LunaNode::start(0, ID, &key(), Switches::default()).await.unwrap();
        let (post, get, urlencoded) =
            (reqwest::Method::POST, reqwest::Method::GET, "application/x-www-form-urlencoded");
        let body = || form(&[("req", "{}"), ("signature", ""), ("nonce", "1")]);
        assert!(send(&luna, get, "dns/dyn-add/", urlencoded, body()).await.contains("not a plain POST"));
        assert!(send(&luna, post.clone(), "dns/dyn-add/", "text/plain", body()).await.contains("not a plain POST"));
        assert!(send(&luna, post.clone(), "dns/dyn-add", urlencoded, body()).await.contains("Not Found"));
        let more = format!("{}&api_key=x", body());
        assert!(send(&luna, post, "dns/dyn-add/", urlencoded, more).await.contains("the fields are"));
        assert_eq!(luna.state().violations.len(), 4);
    }
}

mod pocket {
    use super::*;
    use crate::pocketdns::{Class, PocketDns, Switches};
    use reqwest::Method;

    const KEY: &str = "sk_test_emulated";

    struct Asked<'a> {
        method: Method,
        path: &'a str,
        authorization: &'a str,
        content_type: &'a str,
        body: &'a str,
    }

    fn post<'a>(path: &'a str, body: &'a str) -> Asked<'a> {
        Asked {
            method: Method::POST,
            path,
            authorization: "Bearer sk_test_emulated",
            content_type: "application/json",
            body,
        }
    }

    fn get(path: &str) -> Asked<'_> {
        Asked { method: Method::GET, content_type: "", ..post(path, "") }
    }

    async fn ask(pocket: &PocketDns, asked: Asked<'_>) -> Reply {
        let url = format!("{}/api/v1/{}", pocket.endpoint(), asked.path).parse().expect("a URL");
        let mut request = reqwest::Request::new(asked.method, url);
        for (name, value) in [("authorization", asked.authorization), ("content-type", asked.content_type)] {
            if !value.is_empty() {
                request.headers_mut().insert(name, value.parse().expect("a header"));
            }
        }
        if !asked.body.is_empty() {
            *request.body_mut() = Some(asked.body.to_owned().into());
        }
        Http::new(None).send(request, SINGLE, "asking").await.expect("an answer")
    }

    async fn start() -> PocketDns {
        let pocket = PocketDns::start(0, KEY, Switches::default()).await.expect("a port is free");
        pocket.state().add_domain("dom_1", "example.org", "me");
        pocket
    }

    #[tokio::test]
    async fn pocketdns_takes_what_is_documented_and_nothing_else() {
        let pocket = start().await;
        let good = r#"{"type":"A","name":"www","content":"192.0.2.1"}"#;
        assert_eq!(ask(&pocket, post("domains/dom_1/dns", good)).await.status, 201);
        assert_eq!(pocket.state().records("dom_1")[0].ttl, 300);
        assert_eq!(ask(&pocket, post("domains/dom_1/dns", good)).await.status, 409);
        assert!(pocket.state().violations.is_empty());
        for (body, status) in [
            (r#"{"type":"A","name":"www"}"#, 400),
            (r#"{"type":"A","name":"www","content":7}"#, 400),
            (r#"{"type":"A","name":"www","content":"192.0.2.2","proxied":true}"#, 400),
            (r#"{"type":"A","name":"www","content":"192.0.2.2","ttl":"300"}"#, 400),
            (r#"{"type":"A","name":"www","content":"192.0.2.2","priority":null}"#, 400),
            ("[]", 400),
            ("", 400),
        ] {
            assert_eq!(ask(&pocket, post("domains/dom_1/dns", body)).await.status, status, "{body}");
        }
        assert_eq!(pocket.state().violations.len(), 7);
        // What a careful client may still send, and is refused.
        for body in [
            r#"{"type":"CAA","name":"www","content":"x"}"#,
            r#"{"type":"A","name":"*","content":"192.0.2.2"}"#,
            r#"{"type":"A","name":"-a","content":"192.0.2.2"}"#,
            r#"{"type":"A","name":"a","content":"2001:db8::1"}"#,
            r#"{"type":"A","name":"a","content":"192.0.2.2","ttl":59}"#,
            r#"{"type":"A","name":"a","content":"192.0.2.2","ttl":86401}"#,
            r#"{"type":"A","name":"a","content":"192.0.2.2","priority":1}"#,
            r#"{"type":"CNAME","name":"@","content":"a.example.org"}"#,
            r#"{"type":"MX","name":"@","content":"a.example.org"}"#,
            r#"{"type":"SRV","name":"_a._tcp","content":"1 2 a.example.org"}"#,
        ] {
            assert_eq!(ask(&pocket, post("domains/dom_1/dns", body)).await.status, 400, "{body}");
        }
        let alias = r#"{"type":"CNAME","name":"www","content":"a.example.org"}"#;
        assert_eq!(ask(&pocket, post("domains/dom_1/dns", alias)).await.status, 409);
        assert_eq!(pocket.state().violations.len(), 7);
        assert_eq!(pocket.state().records("dom_1").len(), 1);
    }

    #[tokio::test]
    async fn pocketdns_wants_its_key_json_and_paths_that_there_are() {
        let pocket = start().await;
        let list = "domains/dom_1/dns";
        let whole = r#"{"type":"A","name":"www","content":"192.0.2.1"}"#;
        for (asked, status) in [
            (Asked { authorization: "", ..get(list) }, 401),
            (Asked { authorization: KEY, ..get(list) }, 401),
            (Asked { authorization: "Bearer other", ..get(list) }, 401),
            (Asked { content_type: "text/plain", ..post(list, whole) }, 400),
            (Asked { body: "{}", ..get(list) }, 400),
            (get("domains/dom_1/dns?page=1"), 400),
            (get("domains"), 404),
            (get("domains/dom_1/dns/rec_1"), 404),
            (get("domains/dom_2/dns"), 404),
            (get("users/nobody/domains"), 404),
            (Asked { method: Method::PATCH, ..post("domains/dom_1/dns/rec_1", "{}") }, 404),
            (Asked { method: Method::PUT, ..post("domains/dom_1/dns/rec_1", r#"{"ttl":60}"#) }, 404),
            (get(list), 200),
        ] {
            let shown = format!("{} {}", asked.method, asked.path);
            assert_eq!(ask(&pocket, asked).await.status, status, "{shown}");
        }
        // A wrong key and an id that is gone are nobody's offence.
        assert_eq!(pocket.state().violations.len(), 8, "{:?}", pocket.state().violations);
    }

    #[tokio::test]
    async fn pocketdns_counts_by_a_clock_that_can_be_hurried() {
        for fixed_minutes in [false, true] {
            let pocket = start().await;
            pocket.state().switches.fixed_minutes = fixed_minutes;
            pocket.state().limits.insert(Class::Retrieval, 2);
            let list = || get("domains/dom_1/dns");
            assert_eq!(ask(&pocket, list()).await.status, 200);
            pocket.state().skip(Duration::from_secs(40));
            assert_eq!(ask(&pocket, list()).await.status, 200);
            let refused = ask(&pocket, list()).await;
            assert_eq!(refused.status, 429);
            let wait = refused.retry_after().expect("it says how long");
            assert!((19..=21).contains(&wait.as_secs()), "{wait:?}");
            pocket.state().skip(wait);
            // A minute that slides has room for one, a new one for two.
            let later = [ask(&pocket, list()).await.status, ask(&pocket, list()).await.status];
            assert_eq!(later, if fixed_minutes { [200, 200] } else { [200, 429] });
            // Ten hours in a second: sooner or later a minute is over by itself.
            pocket.state().speed = 36_000;
            while ask(&pocket, list()).await.status == 429 {}
        }
    }

    #[tokio::test]
    async fn pocketdns_fails_on_demand_as_its_table_says() {
        let pocket = start().await;
        pocket.state().failures.extend([403, 500]);
        let list = || get("domains/dom_1/dns");
        let first = ask(&pocket, list()).await;
        assert!(first.status == 403 && first.text().contains("\"forbidden\""), "{}", first.text());
        assert_eq!(ask(&pocket, list()).await.status, 500);
        assert_eq!(ask(&pocket, list()).await.status, 200);
    }
}

mod yandexes {
    use crate::{request, yandex, yandex360};

    #[test]
    fn mail_for_domain_takes_what_is_documented_and_nothing_else() {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let token = ("pddtoken", "t");
        let add = "/api2/admin/dns/add";
        let good = "domain=example.org&type=A&subdomain=www&content=192.0.2.1";
        for (method, target, fields, body, said) in [
            ("POST", add, vec![token, form], good, "\"ok\""),
            ("POST", add, vec![token, form], good, "record_exists"),
            ("POST", add, vec![form], good, "no_auth"),
            ("POST", add, vec![("pddtoken", "x"), form], good, "bad_token"),
            ("POST", add, vec![token, form], "type=A&content=192.0.2.1", "no_domain"),
            ("POST", add, vec![token, form], "domain=example&type=A&content=192.0.2.1", "bad_domain"),
            ("POST", add, vec![token, form], "domain=example.com&type=A&content=192.0.2.1", "no_such_domain"),
            ("POST", add, vec![token, form], "domain=example.org&type=A&subdomain=a", "no_ip"),
            ("POST", add, vec![token, form], "domain=example.org&type=PTR&content=a.b", "bad_content"),
            ("POST", "/api2/admin/dns/del", vec![token, form], "domain=example.org&record_id=1", "bad_record_id"),
            ("GET", "/api2/admin/dns/list?domain=example.org", vec![token], "", "\"www\""),
        ] {
            let mut state = yandex::State::new("t", yandex::Switches::default());
            state.add_domain("example.org");
            if ["record_exists", "\"www\""].contains(&said) {
                state.answer(&request("POST", add, &[token, form], good));
            }
            let answer = state.answer(&request(method, target, &fields, body));
            assert!(String::from_utf8_lossy(&answer.body).contains(said), "{body}: {said}");
            assert!(state.violations.is_empty(), "{:?}", state.violations);
        }
        let edit = "domain=example.org&record_id=7";
        for (method, target, fields, body) in [
            ("GET", add, vec![token], ""),
            ("POST", "/api2/admin/dns/add?domain=example.org", vec![token, form], good),
            ("POST", add, vec![token], good),
            ("POST", add, vec![token, form], "domain=example.org&type=A&content=192.0.2.1&priority=1"),
            ("POST", add, vec![token, form], "domain=example.org&type=A&content=192.0.2.1&comment=1"),
            ("POST", add, vec![token, form], "domain=example.org&type=SRV&content=a.b&target=c.d&weight=1&port=1"),
            ("POST", add, vec![token, form], "domain=example.org&type=A&type=A&content=192.0.2.1"),
            ("POST", "/api2/admin/dns/edit", vec![token, form], edit),
            ("POST", "/api2/registrar/dns/add", vec![token, form], good),
        ] {
            let mut state = yandex::State::new("t", yandex::Switches::default());
            state.add_domain("example.org");
            let held = [("type", "A"), ("subdomain", "www"), ("content", "192.0.2.1"), ("ttl", "300")];
            let id = state.add_record("example.org", &held);
            let body = body.replace("record_id=7", &format!("record_id={id}"));
            state.answer(&request(method, target, &fields, &body));
            assert_eq!(state.violations.len(), 1, "{target} {body}");
        }
    }

    #[test]
    fn yandex_360_takes_what_is_documented_and_nothing_else() {
        let (json, token) = (("content-type", "application/json"), ("authorization", "OAuth t"));
        let records = "/directory/v1/org/7/domains/example.org/dns";
        let good = r#"{"type":"A","name":"www","ttl":300,"address":"192.0.2.1"}"#;
        for (method, target, fields, body, status, violations) in [
            ("POST", records, vec![token, json], good, 200, 0),
            ("POST", records, vec![json], good, 401, 0),
            ("POST", records, vec![("authorization", "Bearer t"), json], good, 401, 0),
            ("POST", records, vec![token], good, 400, 1),
            ("POST", records, vec![token, json], r#"{"type":"A","name":"www","address":"192.0.2.1"}"#, 400, 1),
            (
                "POST",
                records,
                vec![token, json],
                r#"{"type":"A","name":"www","ttl":"300","address":"192.0.2.1"}"#,
                400,
                1,
            ),
            (
                "POST",
                records,
                vec![token, json],
                r#"{"type":"A","name":"example.org","ttl":3,"address":"192.0.2.1"}"#,
                400,
                1,
            ),
            ("POST", records, vec![token, json], r#"{"type":"A","name":"www","ttl":300,"address":"::1"}"#, 400, 0),
            ("DELETE", "/directory/v1/org/7/domains/example.org/dns/9", vec![token], "", 404, 0),
            ("GET", "/directory/v1/org/7/domains?page=1&perPage=11", vec![token], "", 400, 1),
            ("GET", "/directory/v1/org/8/domains?page=1&perPage=10", vec![token], "", 404, 0),
            ("PUT", records, vec![token, json], good, 404, 1),
        ] {
            let mut state = yandex360::State::new("t", yandex360::Switches::default());
            state.add_domain(7, "example.org");
            let answer = state.answer(&request(method, target, &fields, body));
            assert_eq!((answer.status, state.violations.len()), (status, violations), "{method} {target} {body}");
        }
    }
}
