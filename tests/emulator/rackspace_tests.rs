//! The checks of Rackspace's emulator: that it does what is documented, and refuses the rest.
//!
//! Longer than 400 lines because the service has as many calls as the others together.

#![expect(clippy::expect_used, reason = "helpers of tests")]

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Answer;
use crate::rackspace::faults::{FAULTS, Failure, WRONG, wrong};
use crate::rackspace::jobs::{JobFailure, Pace, Status};
use crate::rackspace::limits::{Limit, Unit};
use crate::rackspace::switches::NAMED;
use crate::rackspace::{Duplicates, Ids, Mfa, OverLimit, Rackspace, Region, Role, State, Switches, Unauthorized};
use crate::{rackspace_by_hand, request};

const LOGIN: &str = r#"{"auth":{"RAX-KSKEY:apiKeyCredentials":{"username":"me","apiKey":"k"}}}"#;

/// What every request has, and what those with a body have.
const ACCEPT: (&str, &str) = ("accept", "application/json");
const TYPE: (&str, &str) = ("content-type", "application/json");

/// A service that someone is logged in to, with one domain.
struct Client {
    state: State,
    token: String,
    domain: String,
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

impl Client {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(set: impl Fn(&mut Switches)) -> Self {
        let mut switches = Switches::default();
        set(&mut switches);
        let mut state = State::new("me", "k", switches);
        // What is not about limits is not to meet them.
        state.limits.clear();
        let domain = state.add_domain("example.com");
        let mut client = Self { state, token: String::new(), domain };
        client.log_in();
        client
    }

    fn log_in(&mut self) {
        let prefix = if self.state.region == Region::Uk { "/lon" } else { "" };
        let json = [TYPE, ACCEPT, ("host", "127.0.0.1:1")];
        let answer = self.state.answer(&request("POST", &format!("{prefix}/v2.0/tokens"), &json, LOGIN));
        self.token = parsed(&answer)["access"]["token"]["id"].as_str().unwrap_or_default().into();
    }

    fn answer(&mut self, method: &str, target: &str, body: &str) -> Answer {
        let token = self.token.clone();
        let mut fields = vec![("x-auth-token", &*token), ACCEPT, ("host", "127.0.0.1:1")];
        if !body.is_empty() {
            fields.push(TYPE);
        }
        self.state.answer(&request(method, &format!("/v1.0/1234/{target}"), &fields, body))
    }

    fn ask(&mut self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.answer(method, target, &body);
        (answer.status, parsed(&answer))
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        self.ask("GET", target, &Value::Null)
    }

    /// The path of the domain's records, and what follows.
    fn records(&self, rest: &str) -> String {
        format!("domains/{}/records{rest}", self.domain)
    }

    /// Writes, and asks for the job's status until it is done.
    fn write(&mut self, method: &str, target: &str, body: &Value) -> Value {
        let (status, job) = self.ask(method, target, body);
        assert_eq!(status, 202, "{job}");
        let id = job["jobId"].as_str().expect("an id").to_owned();
        self.get(&format!("status/{id}?showDetails=true")).1
    }

    fn add(&mut self, record: Value) -> Value {
        let target = self.records("");
        self.write("POST", &target, &json!({ "records": [record] }))
    }
}

fn address(name: &str, data: &str) -> Value {
    json!({ "name": name, "type": "A", "data": data })
}

#[test]
fn rackspace_takes_the_options_that_its_usage_names_and_no_other() {
    let words = rackspace_by_hand::USAGE.split([' ', '[', ']', '\n']);
    let options: std::collections::BTreeSet<&str> = words.filter(|word| word.starts_with("--")).collect();
    assert_eq!(options.len(), 16, "{options:?}");
    let taken = |option: &str, value: &str| {
        let arguments = ["--domain", "example.net", option, value].map(str::to_owned);
        rackspace_by_hand::emulator(&arguments).map(drop)
    };
    for option in options {
        let value = match option {
            "--region" => "uk",
            "--record" => "@ A 192.0.2.1 600",
            "--jobs" => "5s",
            "--limit" => "GET=5",
            "--fail" => "done-html:2:PUT /v1.0",
            "--switch" => "mfa",
            _ => "7",
        };
        assert_eq!(taken(option, value), Ok(()), "{option}");
        assert!(["--username", "--api-key", "--domain"].contains(&option) || taken(option, "").is_err(), "{option}");
    }
    assert!(taken("--nope", "1").is_err_and(|why| why.contains("--api-key")));
    let named = rackspace_by_hand::USAGE.split_once("switches: ").expect("switches").1;
    let named: Vec<&str> = named.split(',').map(str::trim).collect();
    assert_eq!(named, NAMED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for failure in
        FAULTS.iter().map(|(name, ..)| *name).chain(WRONG).chain(["job-error", "job-error-done", "job-partial"])
    {
        assert_eq!(taken("--fail", failure), Ok(()));
        assert!(rackspace_by_hand::USAGE.contains(failure), "{failure}");
    }
}

#[test]
fn every_switch_switches_something() {
    let default = format!("{:?}", Switches::default());
    for (name, turn) in NAMED {
        let mut switches = Switches::default();
        turn(&mut switches);
        assert_ne!(format!("{switches:?}"), default, "{name}");
    }
}

#[test]
fn it_can_be_told_to_fail_while_it_runs() {
    let emulator = rackspace_by_hand::emulator(&["--domain".into(), "example.net".into()]).expect("options");
    let control = |query: &str| emulator(&request("GET", &format!("/control?{query}"), &[], ""));
    assert_eq!(control("fail=serviceUnavailable:1:tokens&switch=mfa").status, 200);
    assert_eq!(control("fail=nonsense").status, 400);
    let json = [TYPE, ACCEPT];
    let login = LOGIN.replace("\"me\"", "\"driftless\"").replace("\"k\"", "\"a4bbc55a951242c48b03e88e32123456\"");
    let log_in = || emulator(&request("POST", "/v2.0/tokens", &json, &login));
    assert_eq!((log_in().status, log_in().status), (503, 401));
    emulator(&request("GET", "/v2.0/tokens", &[], ""));
    assert_eq!(parsed(&control(""))["violations"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_login_is_taken_as_documented_and_in_no_other_form() {
    let with = |more: &str| LOGIN.replace(r#""k"}"#, &format!(r#""k"}}{more}"#));
    for (target, fields, body, status, said, violations) in [
        ("/v2.0/tokens", vec![TYPE, ACCEPT], LOGIN.to_owned(), 200, "rax:dns", 0),
        ("/v2.0/tokens", vec![TYPE, ACCEPT], with(r#","tenantId":"1234""#), 200, "rax:dns", 0),
        ("/v2.0/tokens", vec![TYPE, ACCEPT], with(r#","tenantId":"1234","tenantName":"1234""#), 400, "badRequest", 1),
        ("/v2.0/tokens", vec![TYPE, ACCEPT], LOGIN.replace("\"k\"", "\"x\""), 401, "Username or api key is invalid", 0),
        ("/v2.0/tokens", vec![TYPE, ACCEPT], LOGIN.replace("\"me\"", "\"you\""), 401, "{\"unauthorized\":{", 0),
        ("/lon/v2.0/tokens", vec![TYPE, ACCEPT], LOGIN.to_owned(), 401, "unauthorized", 0),
        ("/v2.0/tokens", vec![TYPE, ACCEPT], LOGIN.replace("apiKey\"", "key\""), 400, "badRequest", 1),
        ("/v2.0/tokens", vec![TYPE, ACCEPT], LOGIN.replace("RAX-KSKEY:", ""), 400, "badRequest", 1),
        ("/v2.0/tokens", vec![TYPE, ACCEPT], "[]".to_owned(), 400, "badRequest", 1),
        ("/v2.0/tokens", vec![ACCEPT], LOGIN.to_owned(), 400, "Content-Type", 1),
        ("/v2.0/tokens", vec![TYPE, ("accept", "application/xml")], LOGIN.to_owned(), 400, "Accept", 1),
        ("/v2.0/tokens?x=1", vec![TYPE, ACCEPT], LOGIN.to_owned(), 405, "by POST", 1),
        ("/v2.0/token", vec![TYPE, ACCEPT], LOGIN.to_owned(), 404, "no such call", 1),
    ] {
        let mut state = State::new("me", "k", Switches::default());
        let answer = state.answer(&request("POST", target, &fields, &body));
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status == status && text.contains(said), "{target} {body}: {text}");
        assert_eq!(state.violations.len(), violations, "{target} {body}");
    }
}

#[test]
fn the_catalog_leads_to_the_dns_of_the_region() {
    for (region, prefix) in [(Region::Us, ""), (Region::Uk, "/lon")] {
        let mut state = State::new("me", "k", Switches::default());
        state.region = region;
        let fields = [TYPE, ACCEPT, ("host", "127.0.0.1:8085")];
        let answer = state.answer(&request("POST", &format!("{prefix}/v2.0/tokens"), &fields, LOGIN));
        let access = &parsed(&answer)["access"];
        let of_dns = |entry: &&Value| entry["type"] == "rax:dns";
        let dns = access["serviceCatalog"].as_array().and_then(|catalog| catalog.iter().find(of_dns)).expect("DNS");
        assert_eq!(dns["endpoints"][0]["publicURL"], format!("http://127.0.0.1:8085{prefix}/v1.0/1234"));
        assert_eq!(access["token"]["RAX-AUTH:authenticatedBy"], json!(["APIKEY"]));
        let expires = access["token"]["expires"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
        let left = expires.as_second() - crate::http::unix_now();
        assert!((86_395..=86_405).contains(&left), "{left}");
        let token = access["token"]["id"].as_str().expect("a token");
        let ask = |state: &mut State, path: &str| {
            state.answer(&request("GET", path, &[("x-auth-token", token), ACCEPT], "")).status
        };
        assert_eq!(ask(&mut state, &format!("{prefix}/v1.0/1234/domains")), 200);
        assert_eq!(ask(&mut state, &format!("{prefix}/v1.0/12345/domains")), 401);
        let other = if prefix.is_empty() { "/lon" } else { "" };
        assert_eq!(ask(&mut state, &format!("{other}/v1.0/1234/domains")), 401);
        assert_eq!(state.violations.len(), 2);
    }
}

#[test]
fn logins_fail_in_every_documented_way() {
    let log_in = |set: fn(&mut State)| {
        let mut state = State::new("me", "k", Switches::default());
        set(&mut state);
        let json = [TYPE, ACCEPT];
        (0..2).map(|_| state.answer(&request("POST", "/v2.0/tokens", &json, LOGIN))).last().expect("an answer")
    };
    let mfa = log_in(|state| state.switches.mfa = Mfa::On);
    assert!(
        mfa.status == 401
            && parsed(&mfa)["unauthorized"]["message"] == "Additional authentication credentials required"
    );
    let asks = |(name, value): &(String, String)| name == "WWW-Authenticate" && value.starts_with("OS-MF sessionId=");
    assert!(mfa.headers.iter().any(asks));
    let unset = log_in(|state| state.switches.mfa = Mfa::NotSetUp);
    assert!(unset.status == 403 && parsed(&unset)["forbidden"]["code"] == 403);
    let disabled = log_in(|state| state.switches.user_disabled = true);
    assert!(disabled.status == 403 && parsed(&disabled)["userDisabled"]["code"] == 403);
    let often = log_in(|state| state.most_logins = Some(1));
    assert!(often.status == 413 && parsed(&often)["overLimit"]["code"] == 413);
    assert_eq!(log_in(|state| state.switches.login_203 = true).status, 203);
    let bare = log_in(|state| state.switches.no_dns_in_catalog = true);
    assert!(bare.status == 200 && !String::from_utf8_lossy(&bare.body).contains("rax:dns"));
    let offset = log_in(|state| state.switches.expires_with_offset = true);
    let expires = parsed(&offset)["access"]["token"]["expires"].as_str().map(str::to_owned).expect("a time");
    assert!(expires.ends_with("-06:00") && expires.parse::<jiff::Timestamp>().is_ok(), "{expires}");
}

#[test]
fn a_token_is_good_for_a_day_and_a_401_has_one_of_three_bodies() {
    let mut client = Client::new();
    assert_eq!(client.get("domains").0, 200);
    client.state.skip(Duration::from_secs(24 * 3600));
    let (status, body) = client.get("domains");
    assert_eq!((status, &body["code"]), (401, &json!(401)));
    client.log_in();
    assert_eq!(client.get("domains").0, 200);
    client.state.forget_tokens();
    client.state.switches.unauthorized = Unauthorized::Wrapped;
    assert_eq!(client.get("domains").1["unauthorized"]["code"], 401);
    client.state.switches.unauthorized = Unauthorized::Empty;
    let empty = client.answer("GET", "domains", "");
    assert!(empty.status == 401 && empty.body.is_empty());
    assert!(client.state.violations.is_empty());
    client.state.answer(&request("GET", "/v1.0/1234/domains", &[ACCEPT], ""));
    assert_eq!(client.state.violations.len(), 1);
}

#[test]
fn a_role_allows_what_it_is_for() {
    for (role, write, delete) in [(Role::Admin, 202, 202), (Role::Creator, 202, 403), (Role::Observer, 403, 403)] {
        let mut client = Client::with(|switches| switches.role = role);
        let id = client.state.add_record(&client.domain.clone(), "A", "a.example.com", "192.0.2.1", 300);
        let (all, one) = (client.records(""), client.records(&format!("/{id}")));
        assert_eq!(client.get(&all).0, 200);
        assert_eq!(client.ask("PUT", &one, &json!({ "ttl": 600 })).0, write);
        assert_eq!(client.ask("DELETE", &one, &Value::Null).0, delete);
    }
    let mut client = Client::new();
    client.state.domains[0].forbidden = true;
    let all = client.records("");
    let body = json!({ "records": [address("a.example.com", "192.0.2.1")] });
    assert_eq!((client.get(&all).0, client.ask("POST", &all, &body).0), (200, 403));
    client.state.switches.forbidden_401 = true;
    assert_eq!(client.ask("POST", &all, &body).0, 401);
}

#[test]
fn domains_are_found_by_their_exact_name() {
    let mut client = Client::with(|switches| switches.ids = Ids::Old);
    client.state.add_domain("sub.example.com");
    let (_, found) = client.get("domains?name=example.com");
    assert_eq!((&found["totalEntries"], found["domains"].as_array().map(Vec::len)), (&json!(1), Some(1)));
    assert_eq!(found["domains"][0]["name"], "example.com");
    assert_eq!(client.get("domains?name=ample.com"), (200, json!({ "domains": [], "totalEntries": 0 })));
    assert_eq!(client.get("domains/search?name=ample.com").1["totalEntries"], 2);
    assert_eq!(client.get("domains/search?name=am").1["totalEntries"], 0);
    let (_, all) = client.get("domains");
    assert!(all["domains"][0]["accountId"] == 1234 && all["domains"][1]["id"].is_u64());
    for (ids, rtype) in [(Ids::Migrated, "TXT-"), (Ids::Uuid, "94a01109-")] {
        let mut client = Client::with(|switches| switches.ids = ids);
        assert!(client.get("domains").1["domains"][0]["id"].is_string());
        let job = client.add(json!({ "name": "a.example.com", "type": "TXT", "data": "x" }));
        assert!(job["response"]["records"][0]["id"].as_str().expect("an id").starts_with(rtype), "{job}");
    }
}

#[test]
fn a_domain_shows_its_records_and_subdomains_when_it_is_asked_to() {
    let mut client = Client::new();
    client.state.add_domain("sub.example.com");
    let id = client.domain.clone();
    client.state.add_record(&id, "A", "a.example.com", "192.0.2.1", 300);
    let (_, shown) = client.get(&format!("domains/{id}?showRecords=true&showSubdomains=true"));
    assert_eq!((&shown["recordsList"]["totalEntries"], &shown["subdomains"]["totalEntries"]), (&json!(1), &json!(1)));
    let (_, shown) = client.get(&format!("domains/{id}?showRecords=false&showSubdomains=false"));
    assert!(shown.get("recordsList").is_none() && shown.get("subdomains").is_none() && shown["ttl"] == 3600);
    assert_eq!(client.get("domains/999").0, 404);
}

#[test]
fn lists_have_pages_with_links_as_documented() {
    let mut client = Client::new();
    let id = client.domain.clone();
    for number in 0..205 {
        client.state.add_record(&id, "A", &format!("a{number}.example.com"), "192.0.2.1", 300);
    }
    let all = client.records("");
    let (_, first) = client.get(&all);
    let links = |page: &Value| -> Vec<(String, String)> {
        let links = page["links"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        links.iter().map(|link| (text(&link["rel"]), text(&link["href"]))).collect()
    };
    let url = format!("http://127.0.0.1:1/v1.0/1234/{all}");
    assert_eq!((first["records"].as_array().map(Vec::len), &first["totalEntries"]), (Some(100), &json!(205)));
    assert_eq!(links(&first), [("next".to_owned(), format!("{url}?limit=100&offset=100"))]);
    assert_eq!(first["links"][0]["content"], "");
    // A limit that is too large is the default.
    let (_, second) = client.get(&format!("{all}?limit=200&offset=100"));
    let both = [
        ("previous".to_owned(), format!("{url}?limit=100&offset=0")),
        ("next".to_owned(), format!("{url}?limit=100&offset=200")),
    ];
    assert_eq!(links(&second), both);
    let (_, last) = client.get(&format!("{all}?limit=100&offset=200"));
    assert_eq!((last["records"].as_array().map(Vec::len), links(&last).len()), (Some(5), 1));
    let (_, beyond) = client.get(&format!("{all}?limit=100&offset=300"));
    assert_eq!(beyond["records"], json!([]));
    let (_, searched) = client.get(&format!("{all}?type=A&limit=100&offset=100"));
    assert!(searched.get("totalEntries").is_none() && links(&searched)[1].1.ends_with("?type=A&limit=100&offset=200"));
    let marker = first["records"][50]["id"].as_str().expect("an id");
    let (_, marked) = client.get(&format!("{all}?limit=10&marker={marker}"));
    assert_eq!(marked["records"][0], first["records"][50]);
    assert_eq!(client.get(&format!("{all}?marker=nobody")).1["records"], json!([]));
    client.state.switches.links_without_content = true;
    client.state.switches.filtered_total = true;
    let (_, searched) = client.get(&format!("{all}?type=A"));
    assert!(searched["totalEntries"] == 205 && searched["links"][0].get("content").is_none());
    assert!(client.state.violations.is_empty());
    for bad in ["?limit=25&offset=5", "?offset=5", "?limit=0", "?limit=x", "?per_page=100", "?limit=5&limit=5"] {
        assert_eq!(client.get(&format!("{all}{bad}")).0, 400, "{bad}");
    }
    assert_eq!(client.state.violations.len(), 6);
}

#[test]
fn records_are_listed_by_type_and_found_by_type_and_name() {
    let mut client = Client::new();
    let id = client.domain.clone();
    for (rtype, name, data) in [
        ("CNAME", "www", "example.com"),
        ("NS", "sub", "dns1.example.net"),
        ("A", "ftp", "192.0.2.8"),
        ("A", "_a", "192.0.2.9"),
    ] {
        client.state.add_record(&id, rtype, &format!("{name}.example.com"), data, 300);
    }
    let names = |list: &Value| -> Vec<String> {
        let records = list["records"].as_array().cloned().unwrap_or_default();
        records.iter().map(|record| record["name"].as_str().unwrap_or_default().replace(".example.com", "")).collect()
    };
    let all = client.records("");
    assert_eq!(names(&client.get(&all).1), ["ftp", "_a", "sub", "www"]);
    assert_eq!(names(&client.get(&format!("{all}?type=A")).1), ["ftp", "_a"]);
    assert_eq!(names(&client.get(&format!("{all}?type=A&name=ftp.example.com")).1), ["ftp"]);
    assert_eq!(names(&client.get(&format!("{all}?type=A&name=_a.example.com")).1), ["_a"]);
    assert_eq!(client.get(&format!("{all}?type=A&data=192.0.2.8")).0, 503);
    client.state.switches.data_found = true;
    client.state.switches.underscores_unfound = true;
    assert_eq!(names(&client.get(&format!("{all}?type=A&data=192.0.2.8")).1), ["ftp"]);
    assert!(names(&client.get(&format!("{all}?type=A&name=_a.example.com")).1).is_empty());
    assert_eq!(client.get("domains/999/records").0, 404);
    assert_eq!(client.get(&format!("{all}/A-1")).0, 404);
    assert!(client.state.violations.is_empty());
    assert_eq!(client.get(&format!("{all}?name=ftp.example.com")).0, 400);
    assert_eq!(client.get(&format!("{all}?type=SOA")).0, 400);
    assert_eq!(client.state.violations.len(), 2);
}

/// The six records of the documented request.
fn documented() -> Value {
    json!({ "records": [
        { "name": "ftp.example.com", "type": "A", "data": "192.0.2.8", "ttl": 5771 },
        { "name": "example.com", "type": "A", "data": "192.0.2.17", "ttl": 86400 },
        { "name": "example.com", "type": "NS", "data": "ns.rackspace.com", "ttl": 3600 },
        { "name": "example.com", "type": "NS", "data": "ns2.rackspace.com", "ttl": 3600 },
        { "name": "example.com", "priority": 5, "type": "MX", "data": "mail.example.com", "ttl": 3600 },
        {
            "name": "www.example.com", "type": "CNAME", "comment": "This is a comment on the CNAME record",
            "data": "example.com", "ttl": 5400,
        },
    ] })
}

#[test]
fn the_documented_records_are_added_by_a_job() {
    let mut client = Client::new();
    client.state.pace = Pace::Calls(2);
    let all = client.records("");
    let (status, job) = client.ask("POST", &all, &documented());
    assert_eq!((status, &job["status"], &job["verb"]), (202, &json!("RUNNING"), &json!("POST")));
    assert_eq!(job["requestUrl"], format!("http://127.0.0.1:1/v1.0/1234/{all}"));
    assert_eq!(job["request"].as_str().and_then(|text| serde_json::from_str(text).ok()), Some(documented()));
    let id = job["jobId"].as_str().expect("an id");
    assert_eq!(job["callbackUrl"], format!("http://127.0.0.1:1/v1.0/1234/status/{id}"));
    // What a job does is seen when it is done.
    let (status, basic) = client.get(&format!("status/{id}"));
    assert_eq!((status, &basic["status"], basic.get("verb")), (200, &json!("RUNNING"), None));
    let (_, job) = client.get(&format!("status/{id}?showDetails=true"));
    assert_eq!(job["status"], "COMPLETED");
    let mut shown = job["response"]["records"].clone();
    for record in shown.as_array_mut().expect("records") {
        let record = record.as_object_mut().expect("a record");
        assert!(
            ["id", "created", "updated"].iter().all(|name| record.remove(*name).is_some_and(|value| value.is_string()))
        );
    }
    assert_eq!(shown, documented()["records"]);
    let (_, list) = client.get(&all);
    assert_eq!((&list["totalEntries"], &list["records"][0]), (&json!(6), &job["response"]["records"][0]));
    let one = list["records"][5]["id"].as_str().expect("an id");
    assert_eq!(client.get(&format!("{all}/{one}")).1, list["records"][5]);
    assert!(client.state.violations.is_empty());
}

#[test]
fn the_documented_changes_searches_and_domains_are_taken() {
    let mut client = Client::with(|switches| switches.ids = Ids::Old);
    let all = client.records("");
    client.write("POST", &all, &documented());
    let id = |client: &mut Client, rtype: &str| {
        let (_, found) = client.get(&format!("{}?type={rtype}", client.records("")));
        found["records"][0]["id"].as_str().expect("an id").to_owned()
    };
    let (mail, alias) = (id(&mut client, "MX"), id(&mut client, "CNAME"));
    assert!(mail.starts_with("MX-") && alias.starts_with("CNAME-"));
    let both = json!({ "records": [
        { "name": "example.com", "id": mail, "data": "mail.example.com", "ttl": 3600 },
        { "name": "www.example.com", "id": alias, "comment": "This is a comment on the CNAME record" },
    ] });
    assert_eq!(client.write("PUT", &all, &both)["status"], "COMPLETED");
    let one = json!({ "name": "example.com", "data": "mail.example.com", "ttl": 3600 });
    assert_eq!(client.write("PUT", &client.records(&format!("/{mail}")), &one)["status"], "COMPLETED");
    let (_, found) = client.get(&format!("{all}?type=NS"));
    assert_eq!(found.as_object().map(serde_json::Map::len), Some(1), "no totalEntries: {found}");
    let data = |at: usize| found["records"][at]["data"].clone();
    assert_eq!((data(0), data(1)), (json!("ns.rackspace.com"), json!("ns2.rackspace.com")));
    let sub =
        |name: &str| json!({ "name": name, "comment": "1st sample subdomain", "emailAddress": "sample@rackspace.com" });
    let records = documented().to_string().replace("example.com", "example.net");
    let domain = json!({ "domains": [{
        "name": "example.net", "comment": "Optional domain comment...", "ttl": 3600,
        "emailAddress": "sample@rackspace.com",
        "recordsList": serde_json::from_str::<Value>(&records).expect("JSON"),
        "subdomains": { "domains": [sub("sub1.example.net"), sub("sub2.example.net")] },
    }] });
    let made = client.write("POST", "domains", &domain)["response"]["domains"].clone();
    assert_eq!((&made[0]["accountId"], &made[0]["recordsList"]["totalEntries"]), (&json!(1234), &json!(6)));
    assert_eq!(made[2]["name"], "sub2.example.net");
    assert!(client.state.violations.is_empty(), "{:?}", client.state.violations);
}

#[test]
fn a_job_is_done_after_calls_after_time_never_or_at_once() {
    let ask = |pace: Pace, set: fn(&mut Switches)| {
        let mut client = Client::with(set);
        client.state.pace = pace;
        let all = client.records("");
        let (_, first) = client.ask("POST", &all, &json!({ "records": [address("a.example.com", "192.0.2.1")] }));
        (client, first)
    };
    let (_, first) = ask(Pace::Calls(0), |_| {});
    assert!(first["status"] == "COMPLETED" && first["response"]["records"][0]["ttl"] == 3600, "{first}");
    let (mut client, first) = ask(Pace::Time(Duration::from_secs(60)), |switches| switches.initialized = true);
    assert_eq!(first["status"], "INITIALIZED");
    let status = format!("status/{}", first["jobId"].as_str().expect("an id"));
    assert_eq!(client.get(&status).1["status"], "RUNNING");
    assert!(client.state.domains[0].records.is_empty());
    client.state.switches.running_202 = true;
    assert_eq!(client.get(&status).0, 202);
    client.state.skip(Duration::from_secs(60));
    assert_eq!(client.get(&status).1["status"], "COMPLETED");
    // Results are kept for a day.
    client.state.token_life = Duration::from_secs(48 * 3600);
    client.log_in();
    client.state.skip(Duration::from_secs(24 * 3600));
    assert_eq!(client.get(&status).0, 404);
    let (mut client, _) = ask(Pace::Never, |_| {});
    client.state.skip(Duration::from_secs(3600));
    assert_eq!((client.get("domains").0, client.state.jobs()[0].status), (200, Status::Running));
    let (mut client, first) = ask(Pace::Calls(1), |switches| switches.brief_202 = true);
    assert_eq!(first.as_object().map(serde_json::Map::len), Some(3));
    // Any call makes it go on: nobody has to ask for its status.
    let all = client.records("");
    assert_eq!(client.get(&all).1["totalEntries"], 1);
    let (_, jobs) = client.get("status?showErrors=false&showRunning=false&showDetails=true");
    assert_eq!((&jobs["totalEntries"], &jobs["asyncResponses"][0]["verb"]), (&json!(1), &json!("POST")));
    assert_eq!(client.get("status?showCompleted=false").1["totalEntries"], 0);
    let (_, first) = ask(Pace::Calls(1), |switches| switches.foreign_callbacks = true);
    assert!(first["callbackUrl"].as_str().expect("a URL").ends_with("?showDetails=true"));
}

#[test]
fn values_that_the_service_refuses_are_refused() {
    let long = "x".repeat(161);
    for (record, said) in [
        (json!({ "type": "A", "data": "192.0.2.1", "ttl": 299 }), "greater than or equal to 300"),
        (json!({ "type": "A", "data": "2001:db8::1" }), "not valid data"),
        (json!({ "type": "A", "data": "192.0.2.256" }), "not valid data"),
        (json!({ "type": "AAAA", "data": "192.0.2.1" }), "not valid data"),
        (json!({ "type": "A", "data": "192.0.2.1", "priority": 1 }), "not allowed"),
        (json!({ "type": "MX", "data": "mail.example.com" }), "Priority is required"),
        (json!({ "type": "MX", "data": "mail.example.com", "priority": 65536 }), "from 0 to 65535"),
        (json!({ "type": "SRV", "name": "_a._tcp.example.com", "data": "1 2 a.b" }), "Priority is required"),
        (json!({ "type": "SRV", "data": "1 2 a.b", "priority": 1 }), "a name for each SRV"),
        (json!({ "type": "SRV", "name": "_a._tcp.example.com", "data": "x 2 a.b", "priority": 1 }), "not valid data"),
        (json!({ "type": "CNAME", "name": "a.example.com", "data": "b..c" }), "not valid data"),
        (json!({ "type": "TXT", "data": "" }), "not valid data"),
        (json!({ "type": "PTR", "data": "192.0.2.1" }), "not a valid record type"),
        (json!({ "type": "SOA", "data": "x" }), "not a valid record type"),
        (json!({ "type": "A", "data": "192.0.2.1", "name": "a.example.org" }), "not a valid name"),
        (json!({ "type": "A", "data": "192.0.2.1", "name": "a.example.com." }), "not a valid name"),
        (json!({ "type": "A", "data": "192.0.2.1", "name": "badexample.com" }), "not a valid name"),
        (json!({ "type": "A", "data": "192.0.2.1", "name": "-a.example.com" }), "not a valid name"),
        (json!({ "type": "A", "data": "192.0.2.1", "comment": long }), "160 characters"),
        (json!({ "type": "A", "data": "192.0.2.1", "name": "poison.example.com" }), "not a valid record name"),
    ] {
        let mut client = Client::new();
        client.state.refused.push("poison.example.com".into());
        let all = client.records("");
        let body = json!({ "records": [address("good.example.com", "192.0.2.1"), record] });
        let (status, refused) = client.ask("POST", &all, &body);
        let messages = &refused["validationErrors"]["messages"];
        assert!(status == 400 && messages[0].as_str().expect("a message").contains(said), "{body}: {refused}");
        client.state.switches.validation_in_job = true;
        let job = client.write("POST", &all, &body);
        assert_eq!((&job["status"], &job["error"]), (&json!("ERROR"), &refused));
        assert!(client.state.domains[0].records.is_empty() && client.state.violations.is_empty());
    }
    let mut client = Client::new();
    for record in [
        json!({ "type": "A", "data": "192.0.2.1", "ttl": 300, "comment": "x".repeat(160) }),
        json!({ "type": "A", "name": "*.example.com", "data": "192.0.2.1" }),
        json!({ "type": "A", "name": "A.Example.com", "data": "192.0.2.1" }),
        json!({ "type": "SRV", "name": "_a._tcp.example.com", "data": "1 2 a.b", "priority": 0 }),
        json!({ "type": "SRV", "name": "_a._tcp.example.com", "data": "a.b", "priority": 65535 }),
        json!({ "type": "TXT", "data": "v=spf1 -all" }),
    ] {
        assert_eq!(client.add(record.clone())["status"], "COMPLETED", "{record}");
    }
}

#[test]
fn what_is_not_documented_is_a_violation() {
    let client = Client::new();
    let (all, one) = (client.records(""), client.records("/A-1"));
    for (method, target, body) in [
        ("POST", &*all, r#"{"records":[{"type":"A","data":"192.0.2.1","id":"A-1"}]}"#),
        ("POST", &*all, r#"{"records":[{"type":"A","data":"192.0.2.1","ttl":"300"}]}"#),
        ("POST", &*all, r#"{"records":[{"type":"A","data":"192.0.2.1","ttl":-1}]}"#),
        ("POST", &*all, r#"{"records":[{"type":"A","data":"192.0.2.1","proxied":true}]}"#),
        ("POST", &*all, r#"{"records":[{"type":"A","data":"192.0.2.1","comment":null}]}"#),
        ("POST", &*all, r#"{"records":[{"data":"192.0.2.1"}]}"#),
        ("POST", &*all, r#"{"records":[{"type":"A"}]}"#),
        ("POST", &*all, r#"{"records":[]}"#),
        ("POST", &*all, r#"{"records":{}}"#),
        ("POST", &*all, r#"{"records":["A"]}"#),
        ("POST", &*all, r#"{"type":"A","data":"192.0.2.1"}"#),
        ("POST", &*all, "[]"),
        ("POST", &*all, "{"),
        ("POST", &*one, r#"{"ttl":300}"#),
        ("PUT", &*one, r#"{"id":"A-1","ttl":300}"#),
        ("PUT", &*one, r#"{"records":[{"id":"A-1","ttl":300}]}"#),
        ("PUT", &*one, r#"{"type":"A","data":"192.0.2.1"}"#),
        ("PUT", &*one, r#"{"name":"a.example.com"}"#),
        ("PUT", &*all, r#"{"records":[{"ttl":300}]}"#),
        ("PUT", &*all, r#"{"records":[{"id":"A-1","ttl":300},{"id":"A-1","ttl":600}]}"#),
        ("GET", &*all, "{}"),
        ("DELETE", &*all, ""),
        ("DELETE", &format!("{all}?id=A-1&id=A-1"), ""),
        ("DELETE", &*one, "{}"),
        ("PATCH", &*one, ""),
        ("GET", "domains/search", ""),
        ("GET", "zones", ""),
        ("GET", "status/x?showDetails=yes", ""),
        ("GET", "limits/other", ""),
        ("POST", "domains", r#"{"name":"example.org","emailAddress":"a@b.c"}"#),
        ("POST", "domains", r#"{"domains":[{"name":"example.org","emailAddress":"a@b.c","email":"x"}]}"#),
    ] {
        let mut client = Client::new();
        client.domain = target.split('/').nth(1).unwrap_or_default().into();
        client.state.domains[0].id.clone_from(&client.domain);
        let status = client.answer(method, target, body).status;
        assert!([400, 404].contains(&status), "{method} {target} {body}: {status}");
        assert_eq!(client.state.violations.len(), 1, "{method} {target} {body}");
    }
    let mut client = client;
    let token = client.token.clone();
    let token = ("x-auth-token", &*token);
    let path = format!("/v1.0/1234/{all}");
    let body = r#"{"records":[{"type":"A","data":"192.0.2.1"}]}"#;
    for (method, fields, body) in [
        ("POST", vec![token, ACCEPT], body),
        ("POST", vec![token, ACCEPT, ("content-type", "text/plain")], body),
        ("GET", vec![token, ("accept", "application/xml")], ""),
    ] {
        assert_eq!(client.state.answer(&request(method, &path, &fields, body)).status, 400);
    }
    assert_eq!(client.state.violations.len(), 3);
}

#[test]
fn duplicates_and_company_for_a_cname_are_refused() {
    let alias = json!({ "name": "a.example.com", "type": "CNAME", "data": "example.com" });
    let first = address("a.example.com", "192.0.2.1");
    for (old, new) in [(&first, &first), (&first, &alias), (&alias, &first), (&alias, &alias)] {
        for (duplicates, code) in [(Duplicates::Job400, 400), (Duplicates::Job409, 409), (Duplicates::AtOnce, 409)] {
            let mut client = Client::with(|switches| switches.duplicates = duplicates);
            client.add(old.clone());
            let all = client.records("");
            let body = json!({ "records": [address("b.example.com", "192.0.2.1"), new] });
            let error = match duplicates {
                Duplicates::AtOnce => {
                    let (status, body) = client.ask("POST", &all, &body);
                    assert_eq!(status, 409);
                    body
                }
                _ => client.write("POST", &all, &body)["error"].clone(),
            };
            assert_eq!(error["code"], code, "{error}");
            let details = error["details"].as_str().expect("details");
            assert_eq!(details.starts_with("Record is a duplicate of another record: (id="), old == new, "{details}");
            // All or nothing.
            assert_eq!(client.state.domains[0].records.len(), 1);
        }
    }
    // Round robin is none, and a change can make one.
    let mut client = Client::new();
    client.add(first);
    let second = client.add(address("a.example.com", "192.0.2.2"));
    for (rtype, name, data, twice) in
        [("MX", "example.com", "mail.example.com", "ERROR"), ("SRV", "_a._tcp.example.com", "1 2 a.b", "COMPLETED")]
    {
        let record = |priority: u8| json!({ "type": rtype, "name": name, "data": data, "priority": priority });
        assert_eq!(client.add(record(1))["status"], "COMPLETED");
        assert_eq!(client.add(record(2))["status"], twice, "{rtype}");
        assert_eq!(client.add(record(1))["status"], "ERROR");
    }
    let one = client.records(&format!("/{}", second["response"]["records"][0]["id"].as_str().expect("an id")));
    let job = client.write("PUT", &one, &json!({ "data": "192.0.2.1" }));
    assert_eq!((&job["status"], &job["error"]["code"]), (&json!("ERROR"), &json!(400)));
}

#[test]
fn a_change_touches_what_it_names() {
    let mut client = Client::new();
    let mail = client.add(json!({
        "name": "example.com", "type": "MX", "data": "a.example.com", "ttl": 600, "priority": 5, "comment": "first",
    }));
    let id = mail["response"]["records"][0]["id"].as_str().expect("an id").to_owned();
    let (all, one) = (client.records(""), client.records(&format!("/{id}")));
    let done = client.write("PUT", &one, &json!({ "name": "example.com", "data": "b.example.com", "ttl": 700 }));
    assert!(done["status"] == "COMPLETED" && done.get("response").is_none(), "{done}");
    let (_, held) = client.get(&one);
    assert_eq!((&held["data"], &held["ttl"], &held["priority"]), (&json!("b.example.com"), &json!(700), &json!(5)));
    assert_eq!(held["comment"], "first");
    // As documented, a TTL that is not named is the domain's; perhaps it is kept.
    client.write("PUT", &all, &json!({ "records": [{ "id": id, "comment": "", "priority": 6 }] }));
    let (_, held) = client.get(&one);
    assert_eq!((held.get("comment"), &held["priority"], &held["ttl"]), (None, &json!(6), &json!(3600)));
    client.state.switches.change_resets_ttl = false;
    client.write("PUT", &one, &json!({ "ttl": 900 }));
    client.write("PUT", &one, &json!({ "data": "c.example.com" }));
    assert_eq!(client.get(&one).1["ttl"], 900);
    // All or nothing, and what is not there is refused at once or by the job.
    let body = json!({ "records": [{ "id": id, "ttl": 1000 }, { "id": "MX-1", "ttl": 1000 }] });
    assert_eq!(client.ask("PUT", &all, &body).0, 404);
    client.state.switches.missing_in_job = true;
    assert_eq!(client.write("PUT", &all, &body)["error"]["code"], 404);
    assert_eq!(client.get(&one).1["ttl"], 900);
    assert_eq!(client.ask("PUT", &one, &json!({ "ttl": 299 })).0, 400);
    assert_eq!(client.ask("PUT", &one, &json!({ "data": "x..y" })).0, 400);
    assert!(client.state.violations.is_empty());
    // Another name is no error of the service's, and not taken.
    let renamed = json!({ "name": "b.example.com", "ttl": 600 });
    assert_eq!(client.write("PUT", &one, &renamed)["status"], "COMPLETED");
    assert_eq!((&client.get(&one).1["name"], client.state.violations.len()), (&json!("example.com"), 1));
    client.state.switches.renaming_refused = true;
    assert_eq!(client.ask("PUT", &one, &renamed).0, 400);
    let text = client.add(json!({ "name": "t.example.com", "type": "TXT", "data": "\"a\\b\"" }));
    let text = &text["response"]["records"][0];
    assert_eq!(text["data"], "ab");
    let text = client.records(&format!("/{}", text["id"].as_str().expect("an id")));
    assert_eq!(client.ask("PUT", &text, &json!({ "name": "t.example.com", "ttl": 600 })).0, 400);
    let nameless = json!({ "data": "c" });
    assert_eq!(client.ask("PUT", &text, &nameless).0, 400);
    client.state.switches.renaming_refused = false;
    assert_eq!(client.ask("PUT", &text, &nameless).0, 202);
}

#[test]
fn a_removal_does_what_it_can_and_names_the_rest() {
    let mut client = Client::new();
    let domain = client.domain.clone();
    let ids: Vec<String> =
        (0..4).map(|n| client.state.add_record(&domain, "A", "a.example.com", &format!("192.0.2.{n}"), 300)).collect();
    client.state.undeletable.push(ids[2].clone());
    // With a slash, as the reference has it.
    let several = client.records(&format!("/?id={}&id=111111111&id={}&id={}", ids[0], ids[1], ids[2]));
    let job = client.write("DELETE", &several, &Value::Null);
    let faults = json!([
        { "message": "Not Found", "details": "The record with ID 111111111 was not found.", "code": 404 },
        {
            "message": "The DNS API is currently not available.", "details": format!("Record ID: {}", ids[2]),
            "code": 503,
        },
    ]);
    let error = json!({
        "details": "See errors list for details.", "code": 500, "failedItems": { "faults": faults },
        "message": "One or more items could not be deleted.",
    });
    assert_eq!((&job["status"], &job["error"]), (&json!("ERROR"), &error));
    assert_eq!(client.state.records(&domain).len(), 2);
    let one = client.records(&format!("/{}", ids[3]));
    let job = client.write("DELETE", &one, &Value::Null);
    assert!(job["status"] == "COMPLETED" && job.get("response").is_none() && job.get("request").is_none(), "{job}");
    assert_eq!(client.get(&one).0, 404);
    assert_eq!(client.ask("DELETE", &one, &Value::Null).0, 404);
    client.state.switches.missing_in_job = true;
    assert_eq!(client.write("DELETE", &one, &Value::Null)["error"]["code"], 404);
}

#[test]
fn domains_are_made_and_removed_with_what_is_below_them() {
    let mut client = Client::new();
    let body = json!({ "domains": [{
        "name": "example.org", "emailAddress": "a@example.org", "ttl": 600, "comment": "x",
        "recordsList": { "records": [{ "name": "example.org", "type": "A", "data": "192.0.2.17" }] },
        "subdomains": { "domains": [{ "name": "sub.example.org", "emailAddress": "a@example.org" }] },
    }] });
    let job = client.write("POST", "domains", &body);
    let made = &job["response"]["domains"];
    assert_eq!(
        (&made[0]["name"], &made[0]["ttl"], &made[1]["ttl"]),
        (&json!("example.org"), &json!(600), &json!(3600))
    );
    assert_eq!(made[0]["recordsList"]["records"][0]["ttl"], 600);
    let id = made[0]["id"].as_str().expect("an id").to_owned();
    // The two name servers are there by themselves.
    assert_eq!(client.state.records(&id).len(), 3);
    let job = client.write("POST", "domains", &body);
    let exists = json!({ "message": "The object already exists.", "code": 409, "details": "Domain already exists" });
    assert_eq!((&job["status"], &job["error"]), (&json!("ERROR"), &exists));
    client.state.switches.duplicates = Duplicates::AtOnce;
    assert_eq!(client.ask("POST", "domains", &body), (409, exists));
    for (wrong, said) in [
        (json!({ "emailAddress": "a@b.c" }), "Must provide a name for each domain."),
        (json!({ "name": "a..b", "emailAddress": "a@b.c" }), "a..b is not a valid domain name."),
        (json!({ "name": "example.net" }), "Must provide an email address for each domain."),
        (json!({ "name": "example.net", "emailAddress": "a@b.c", "ttl": 299 }), "TTL must be"),
        (
            json!({
                "name": "example.net", "emailAddress": "a@b.c",
                "subdomains": { "domains": [{ "name": "sub.example.org", "emailAddress": "a@b.c" }] },
            }),
            "A subdomain does not end in .example.net.",
        ),
    ] {
        let (status, refused) = client.ask("POST", "domains", &json!({ "domains": [wrong] }));
        let message = refused["validationErrors"]["messages"][0].as_str().expect("a message");
        assert!(status == 400 && message.starts_with(said), "{refused}");
    }
    // A subdomain stays unless it is to go too.
    let path = format!("domains/{id}");
    assert_eq!(client.write("DELETE", &path, &Value::Null)["status"], "COMPLETED");
    assert_eq!((client.get(&path).0, client.state.domains.len()), (404, 2));
    let (own, other) = (client.domain.clone(), client.state.add_domain("x.example.com"));
    client.state.undeletable.push(own.clone());
    assert_eq!(client.write("DELETE", &format!("domains/{own}"), &Value::Null)["error"]["code"], 503);
    client.state.undeletable.clear();
    let job = client.write("DELETE", &format!("domains?id={own}&id=999&deleteSubdomains=true"), &Value::Null);
    assert_eq!(job["error"]["failedItems"]["faults"][0]["code"], 404);
    assert!(client.state.domains.iter().all(|domain| domain.id != own && domain.id != other));
    assert!(client.state.violations.is_empty());
}

#[test]
fn quotas_are_refused_whole_and_say_so() {
    let mut client = Client::new();
    client.state.most_records = 3;
    let all = client.records("");
    let body = |range: std::ops::Range<u32>| {
        let records = range.map(|n| address(&format!("a{n}.example.com"), "192.0.2.1"));
        json!({ "records": records.collect::<Vec<_>>() })
    };
    let (status, refused) = client.ask("POST", &all, &body(0..4));
    let documented = json!({
        "message": "Your account is currently over the limit so your request could not be processed.",
        "code": 413, "details": "Limit of 3 records per domain has been reached.",
    });
    assert_eq!((status, &refused), (413, &documented));
    assert_eq!(client.write("POST", &all, &body(0..3))["status"], "COMPLETED");
    client.state.most_records = 500;
    assert_eq!(client.ask("POST", &all, &body(3..104)).0, 413);
    assert_eq!(client.write("POST", &all, &body(3..103))["status"], "COMPLETED");
    let changes = (0..101).map(|n| json!({ "id": format!("A-{n}"), "ttl": 300 }));
    let changes = json!({ "records": changes.collect::<Vec<_>>() });
    assert_eq!(client.ask("PUT", &all, &changes).0, 413);
    client.state.most_domains = 1;
    let more = json!({ "domains": [{ "name": "example.net", "emailAddress": "a@b.c" }] });
    assert_eq!(client.ask("POST", "domains", &more).1["details"], "Limit of 1 domains has been reached.");
}

#[test]
fn limits_are_told_in_the_documented_form() {
    let mut client = Client::new();
    let limit = |verb, uri, value, unit| Limit { verb, uri, value, unit };
    client.state.limits = vec![
        limit("GET", "*/status/*", 5, Unit::Second),
        limit("GET", "*/domains*", 100, Unit::Minute),
        limit("POST", "*/domains*", 25, Unit::Minute),
        limit("PUT", "*/domains*", 50, Unit::Minute),
        limit("DELETE", "*/domains*", 50, Unit::Minute),
    ];
    let rates = json!({ "rate": [
        {
            "uri": "*/status/*", "limit": [{ "value": 5, "verb": "GET", "unit": "SECOND" }],
            "regex": ".*/v\\d+\\.\\d+/(\\d+/status).*",
        },
        {
            "uri": "*/domains*",
            "limit": [
                { "value": 100, "verb": "GET", "unit": "MINUTE" },
                { "value": 25, "verb": "POST", "unit": "MINUTE" },
                { "value": 50, "verb": "PUT", "unit": "MINUTE" },
                { "value": 50, "verb": "DELETE", "unit": "MINUTE" },
            ],
            "regex": ".*/v\\d+\\.\\d+/(\\d+/domains).*",
        },
    ] });
    let absolute = json!({ "limit": [
        { "name": "domains", "value": 500 }, { "name": "records per domain", "value": 500 },
    ] });
    assert_eq!(client.get("limits"), (200, json!({ "rates": rates, "absolute": absolute })));
    assert_eq!(client.get("limits/rate_limit"), (200, json!({ "rates": rates })));
    let types = json!({ "limitTypes": ["RATE_LIMIT", "DOMAIN_LIMIT", "DOMAIN_RECORD_LIMIT"] });
    assert_eq!(client.get("limits/types"), (200, types));
}

#[test]
fn the_documented_limits_hold_by_a_clock_that_can_be_moved() {
    let mut fresh = State::new("me", "k", Switches::default());
    let documented = std::mem::take(&mut fresh.limits);
    let record = r#"{"records":[{"type":"A","data":"192.0.2.1"}]}"#;
    for fixed in [false, true] {
        for (method, target, body, most, wait) in [
            ("GET", "domains", "", 60, 60),
            ("GET", "domains/search?name=example", "", 20, 60),
            ("GET", "domains/9/records", "", 60, 60),
            ("POST", "domains/9/records", record, 20, 60),
            ("PUT", "domains/9/records/A-1", r#"{"ttl":300}"#, 20, 60),
            ("DELETE", "domains/9/records/A-1", "", 10, 60),
            ("GET", "status/x", "", 5, 1),
        ] {
            let mut client = Client::with(|switches| switches.fixed_windows = fixed);
            client.state.limits.clone_from(&documented);
            for _ in 0..most {
                assert_ne!(client.answer(method, target, body).status, 413, "{method} {target}");
            }
            let refused = client.answer(method, target, body);
            assert!(refused.status == 413 && parsed(&refused)["overLimit"]["code"] == 413, "{method} {target}");
            client.state.skip(Duration::from_secs(wait));
            assert_ne!(client.answer(method, target, body).status, 413, "{method} {target}");
        }
    }
    // A minute that slides has room for one when the first is a minute old, a new one for all.
    for (fixed, then) in [(false, 413), (true, 200)] {
        let mut client = Client::with(|switches| switches.fixed_windows = fixed);
        client.state.limits = vec![Limit { value: 2, ..documented[2] }];
        assert_eq!(client.get("domains").0, 200);
        client.state.skip(Duration::from_secs(40));
        assert_eq!((client.get("domains").0, client.get("domains").0), (200, 413));
        client.state.skip(Duration::from_secs(20));
        assert_eq!((client.get("domains").0, client.get("domains").0), (200, then));
        // Ten hours in a second: sooner or later a minute is over by itself.
        client.state.limits[0].value = 1;
        client.state.speed = 36_000;
        while client.get("domains").0 == 413 {}
    }
}

#[test]
fn a_limit_says_when_to_come_back_in_one_of_the_forms() {
    for (over_limit, header, in_body) in [
        (OverLimit::Gateway, "Retry-After", "retryAfter"),
        (OverLimit::Seconds, "Retry-After", ""),
        (OverLimit::Date, "Retry-After", ""),
        (OverLimit::Body, "", "retryAfter"),
        (OverLimit::RetryAt, "", "retryAt"),
        (OverLimit::ReplyAfter, "Reply-After", ""),
        (OverLimit::Silent, "", ""),
    ] {
        let mut client = Client::with(|switches| switches.over_limit = over_limit);
        client.state.limits = vec![Limit { verb: "GET", uri: "*/domains*", value: 0, unit: Unit::Minute }];
        let refused = client.answer("GET", "domains", "");
        let after = refused.headers.iter().find(|(name, _)| name.ends_with("-After"));
        assert_eq!(after.map_or("", |(name, _)| name), header);
        let seconds = |at: jiff::Timestamp| at.as_second() - crate::http::unix_now();
        if let Some((_, value)) = after {
            let iso = value.parse().ok();
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok();
            let wait = value.parse().ok().or(iso.or(date).map(seconds)).expect("a wait");
            assert!((59..=61).contains(&wait), "{value}");
        }
        let body = parsed(&refused)["overLimit"].clone();
        assert_eq!(body.get("retryAfter").or(body.get("retryAt")).is_some(), !in_body.is_empty());
        if !in_body.is_empty() {
            let at: jiff::Timestamp = body[in_body].as_str().expect("a time").parse().expect("a time");
            assert!((59..=61).contains(&seconds(at)), "{body}");
        }
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "this limit is met in real time")]
async fn five_a_second_are_five_in_a_real_second() {
    use reqwest::{Method, Request};
    let rackspace = Rackspace::start(0, "me", "k", Switches::default()).await.expect("a port is free");
    let http = driftless::net::http::Http::new(None);
    let send = async |method: Method, url: String, token: &str, body: &'static str| {
        let mut request = Request::new(method, url.parse().expect("a URL"));
        for (name, value) in [("x-auth-token", token), TYPE, ACCEPT] {
            request.headers_mut().insert(name, value.parse().expect("a field"));
        }
        *request.body_mut() = Some(body.into());
        http.send(request, 1 << 20, "asking").await.expect("an answer")
    };
    let login = send(Method::POST, format!("{}tokens", rackspace.identity()), "", LOGIN).await;
    let access: Value = serde_json::from_slice(&login.body).expect("JSON");
    let token = access["access"]["token"]["id"].as_str().expect("a token");
    let dns = access["access"]["serviceCatalog"][2]["endpoints"][0]["publicURL"].as_str().expect("a URL");
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(send(Method::GET, format!("{dns}/status/x"), token, "").await.status);
    }
    assert_eq!(statuses, [404, 404, 404, 404, 404, 413]);
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert_eq!(send(Method::GET, format!("{dns}/status/x"), token, "").await.status, 404);
    assert!(rackspace.state().violations.is_empty());
}

#[test]
fn it_fails_on_demand_in_every_way_that_it_names() {
    for (name, code, _) in FAULTS {
        let mut client = Client::new();
        let answer = wrong(name).expect("a failure");
        client.state.failures.push_back(Failure { on: "GET /v1.0".into(), done: false, answer });
        client.log_in();
        let (status, body) = client.get("domains");
        assert!(status == code && body["code"] == code && body["message"].is_string(), "{name}: {body}");
        assert_eq!(body.get("failedItems").is_some(), name == "deleteFault");
        assert_eq!(client.get("domains").0, 200);
    }
    for name in WRONG {
        let answer = wrong(name).expect("a failure");
        let is_json = serde_json::from_slice::<Value>(&answer.body).is_ok();
        let expected = ["bad-gateway", "gateway-timeout", "empty", "html", "truncated"].contains(&name);
        assert_eq!(is_json, !expected, "{name}");
        assert_eq!(answer.body.len() > 10 << 20, name == "huge", "{name}");
    }
    assert!(wrong("nothing").is_none());
    // An answer can be wrong after the deed.
    let mut client = Client::new();
    let answer = wrong("gateway-timeout").expect("a failure");
    client.state.failures.push_back(Failure { on: "POST".into(), done: true, answer });
    let all = client.records("");
    assert_eq!(client.ask("POST", &all, &json!({ "records": [address("a.example.com", "192.0.2.1")] })).0, 504);
    assert_eq!(client.get(&all).1["totalEntries"], 1);
}

#[test]
fn jobs_fail_on_demand() {
    let error = json!({ "message": "x", "code": 500, "details": "y" });
    for (failure, held) in [(JobFailure::Undone(error.clone()), 0), (JobFailure::Done(error.clone()), 1)] {
        let mut client = Client::new();
        client.state.job_failures.push_back(failure);
        let job = client.add(address("a.example.com", "192.0.2.1"));
        assert_eq!((&job["status"], &job["error"]), (&json!("ERROR"), &error));
        assert_eq!(client.state.domains[0].records.len(), held);
    }
    let mut client = Client::new();
    let domain = client.domain.clone();
    let ids: Vec<String> =
        (0..2).map(|n| client.state.add_record(&domain, "A", "a.example.com", &format!("192.0.2.{n}"), 300)).collect();
    client.state.job_failures.push_back(JobFailure::Partial);
    let several = client.records(&format!("?id={}&id={}", ids[0], ids[1]));
    let job = client.write("DELETE", &several, &Value::Null);
    assert_eq!(job["error"]["failedItems"]["faults"].as_array().map(Vec::len), Some(1));
    assert_eq!(client.state.records(&domain)[0].id, ids[0]);
    client.state.swallows = true;
    assert_eq!(client.write("DELETE", &several, &Value::Null)["status"], "ERROR");
    assert_eq!(client.state.records(&domain).len(), 1);
    assert_eq!(client.add(address("b.example.com", "192.0.2.1"))["status"], "COMPLETED");
    assert_eq!(client.state.records(&domain).len(), 1);
}
