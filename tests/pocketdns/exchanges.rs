//! Every example of the documentation: played to the client, which must ask it so and understand the answer, and its request to
//! the emulator, which must answer in the same form.

use std::collections::{BTreeMap, BTreeSet};

use driftless::model::error::Kind;
use driftless::net::http::{Http, LIST};
use driftless::provider::pocketdns::api::{Api, Bulk, Listed, New, Patch};
use reqwest::{Method, Request};
use serde_json::Value;

use super::forms::form;
use super::http::{Answer, Server};
use super::{DOMAIN, KEY, REFUSED, USER, api, start};
use crate::emulator::Switches;

struct Exchange {
    name: String,
    method: String,
    path: String,
    asked: Option<Value>,
    status: u16,
    answer: String,
}

fn read(name: &str) -> Exchange {
    let path = format!("{}/tests/exchanges/pocketdns/{name}.http", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (notes, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("# "));
    assert!(notes[0].starts_with("# source: PocketDNS, ") && notes[1].starts_with("# answer: "), "{name}");
    let text = rest.join("\n");
    let (request, answer) = text.split_once("\n--------------------\n").unwrap();
    let (head, asked) = request.split_once("\n\n").unwrap();
    let (status, answer) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let mut line = head.lines().next().unwrap().split(' ');
    let asked = asked.trim();
    Exchange {
        name: name.to_owned(),
        method: line.next().unwrap().to_owned(),
        path: line.next().unwrap().to_owned(),
        asked: (!asked.is_empty()).then(|| serde_json::from_str(asked).unwrap()),
        status: status.split(' ').nth(1).unwrap().parse().unwrap(),
        answer: answer.trim().to_owned(),
    }
}

fn all() -> Vec<Exchange> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exchanges/pocketdns");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|file| Some(file.strip_suffix(".http")?.to_owned())).collect();
    names.sort();
    assert_eq!(names.len(), 32);
    names.iter().map(|name| read(name)).collect()
}

/// A server that answers with the exchange, and a client for it.
async fn play(name: &str) -> (Exchange, Server, Api) {
    let exchange = read(name);
    let (status, body) = (exchange.status, exchange.answer.clone());
    let server = Server::start(0, move |_| Answer::new(status, body.clone())).await.unwrap();
    let api = api(&server.url(""));
    (exchange, server, api)
}

/// What was asked is what the example asks.
fn assert_asked(exchange: &Exchange, server: &Server) {
    let log = server.log();
    let [exchanged] = log.as_slice() else { panic!("{}: {} requests", exchange.name, log.len()) };
    let request = &exchanged.request;
    assert_eq!((&request.method, &request.path), (&exchange.method, &exchange.path), "{}", exchange.name);
    assert_eq!(request.query, None);
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let asked: Option<Value> = (!request.body.is_empty()).then(|| serde_json::from_slice(&request.body).unwrap());
    assert_eq!(asked, exchange.asked, "{}", exchange.name);
    let json = exchange.asked.is_some().then_some("application/json");
    assert_eq!(request.header("content-type"), json);
}

fn new(rtype: &str, name: &str, content: &str, ttl: u32, priority: Option<u16>) -> New {
    New { rtype: rtype.into(), name: name.into(), content: content.into(), ttl: Some(ttl), priority }
}

fn short(listed: &Listed) -> (&str, &str, &str, &str, Option<u32>, Option<u32>) {
    (&listed.id, &listed.rtype, &listed.name, &listed.content, listed.ttl, listed.priority)
}

#[tokio::test]
async fn records_are_listed_as_documented() {
    let (exchange, server, api) = play("01-list").await;
    let records = api.records(DOMAIN).await.unwrap();
    let expected = [
        ("rec_xyz789", "A", "@", "192.0.2.1", Some(300), None),
        ("rec_abc456", "MX", "@", "mail.example.com", Some(3600), Some(10)),
    ];
    assert_eq!(records.iter().map(short).collect::<Vec<_>>(), expected);
    assert_eq!(records[0].created_at.as_deref(), Some("2025-01-01T01:00:00Z"));
    assert_asked(&exchange, &server);
}

#[tokio::test]
async fn records_of_every_type_are_created_as_documented() {
    for (file, record) in [
        ("02-create", new("A", "www", "192.0.2.1", 300, None)),
        ("03-create-a", new("A", "www", "192.0.2.1", 300, None)),
        ("04-create-mx", new("MX", "@", "mail.example.com", 3600, Some(10))),
        ("05-create-cname", new("CNAME", "blog", "example.com", 300, None)),
        ("13-type-a", new("A", "@", "192.0.2.1", 300, None)),
        ("14-type-aaaa", new("AAAA", "@", "2001:db8::1", 300, None)),
        ("15-type-cname", new("CNAME", "www", "example.com", 300, None)),
        ("16-type-mx", new("MX", "@", "mail.example.com", 3600, Some(10))),
        ("17-type-txt", new("TXT", "@", "v=spf1 include:_spf.google.com ~all", 300, None)),
        ("18-type-srv", new("SRV", "_sip._tcp", "10 60 5060 sip.example.com", 300, None)),
        ("19-type-ns", new("NS", "subdomain", "ns1.example.com", 3600, None)),
    ] {
        let (exchange, server, api) = play(file).await;
        let made = api.create(DOMAIN, &record).await.unwrap();
        assert_eq!((&made.rtype, &made.name, &made.content), (&record.rtype, &record.name, &record.content), "{file}");
        assert!(made.id.starts_with("rec_"), "{file}");
        assert_asked(&exchange, &server);
    }
}

#[tokio::test]
async fn records_are_updated_as_documented() {
    let both = Patch { content: Some("192.0.2.2".into()), ttl: Some(600), ..Patch::default() };
    let address = Patch { content: Some("192.0.2.100".into()), ..Patch::default() };
    for (file, patch, ttl) in [("06-update", both, 600), ("07-update-address", address, 300)] {
        let (exchange, server, api) = play(file).await;
        let changed = api.update(DOMAIN, "rec_xyz789", &patch).await.unwrap();
        assert_eq!((Some(changed.content), changed.ttl), (patch.content, Some(ttl)), "{file}");
        assert_asked(&exchange, &server);
    }
}

#[tokio::test]
async fn a_record_is_removed_as_documented() {
    let (exchange, server, api) = play("08-delete").await;
    api.delete(DOMAIN, "rec_xyz789").await.unwrap();
    assert_asked(&exchange, &server);
}

#[tokio::test]
async fn records_are_created_in_bulk_as_documented() {
    let records = [
        new("A", "@", "192.0.2.1", 300, None),
        new("A", "www", "192.0.2.1", 300, None),
        new("MX", "@", "mail.example.com", 3600, Some(10)),
    ];
    for (file, created, errors) in [("09-bulk", 2, 1), ("10-bulk-website", 3, 0)] {
        let (exchange, server, api) = play(file).await;
        let Bulk { created: made, errors: refused } = api.create_many(DOMAIN, &records).await.unwrap();
        assert_eq!((made.len(), refused.len()), (created, errors), "{file}");
        for refused in refused {
            assert_eq!(
                (refused.record.rtype.as_str(), refused.error.as_str()),
                ("MX", "Priority is required for MX records")
            );
        }
        assert_asked(&exchange, &server);
    }
}

#[tokio::test]
async fn templates_are_applied_as_documented() {
    let address = ("ip_address".to_owned(), "192.0.2.1".to_owned());
    let mail = ("mail_server".to_owned(), "mail.example.com".to_owned());
    for (file, variables) in
        [("11-template", BTreeMap::from([address.clone(), mail])), ("12-template-website", BTreeMap::from([address]))]
    {
        let (exchange, server, api) = play(file).await;
        let applied = api.apply_template(DOMAIN, "tpl_website_basic", &variables).await.unwrap();
        let ids: Vec<&str> = applied.records_created.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["rec_tpl1", "rec_tpl2"]);
        assert_asked(&exchange, &server);
    }
}

#[tokio::test]
async fn every_documented_error_means_what_the_table_says() {
    let here = Kind::Auth { scope: driftless::model::error::Scope::RecordSet };
    let minute = Kind::RateLimited { after: Some(std::time::Duration::from_secs(60)) };
    for (file, kind, why) in [
        ("20-error-400", Kind::Config, "Invalid record data; request req_abc123 (status 400)"),
        ("21-error-401", REFUSED, "Invalid or missing API key; request req_abc123 (status 401)"),
        ("22-error-403", here, "Access denied to domain; request req_abc123 (status 403)"),
        ("23-error-404", Kind::Stale, "Domain or record not found; request req_abc123 (status 404)"),
        ("24-error-409", Kind::Stale, "Record already exists or conflicts; request req_abc123 (status 409)"),
        ("25-error-422", Kind::Config, "Invalid DNS record format; request req_abc123 (status 422)"),
        ("26-error-429", minute, "Too many requests; request req_abc123 (status 429)"),
        ("27-error-500", Kind::Transient, "Server error; request req_abc123 (status 500)"),
        ("28-error-key-alone", REFUSED, "Invalid API key (status 401)"),
        ("29-error-401", REFUSED, "Invalid API key; request req_abc123 (status 401)"),
        (
            "30-error-details",
            Kind::Config,
            "user_identifier is required; field user_identifier; code missing_required_field; request req_def456 (status 400)",
        ),
    ] {
        let (exchange, server, api) = play(file).await;
        let error = api.create(DOMAIN, &new("A", "www", "192.0.2.1", 300, None)).await.unwrap_err();
        assert_eq!((error.kind, error.why.as_str()), (kind, why), "{file}");
        assert_asked(&exchange, &server);
    }
}

#[tokio::test]
async fn domains_are_told_as_documented() {
    let (exchange, server, api) = play("31-domains").await;
    let domains = api.domains(USER).await.unwrap();
    let [domain] = domains.as_slice() else { panic!("{domains:?}") };
    assert_eq!((domain.id.as_str(), domain.name.as_str(), domain.dns_records_count), (DOMAIN, "example.com", Some(8)));
    assert_asked(&exchange, &server);
    let (exchange, server, api) = play("32-domain").await;
    let domain = api.domain(DOMAIN).await.unwrap();
    assert_eq!((domain.name.as_str(), domain.user_identifier.as_deref()), ("example.com", Some(USER)));
    assert_eq!(domain.nameservers, ["ns1.pocketdns.com", "ns2.pocketdns.com"]);
    assert_asked(&exchange, &server);
}

/// The emulator takes every documented request, and answers with the documented fields and no others.
#[tokio::test]
async fn the_emulator_answers_the_documented_requests_in_the_documented_form() {
    for exchange in all() {
        let created = if exchange.name.contains("03-") { 200 } else { 201 };
        let emulator = start(Switches { created, ..Switches::default() }).await;
        let error = (exchange.status >= 400).then_some(exchange.status);
        {
            let mut state = emulator.state();
            if ["01-", "06-", "07-", "08-", "32-"].iter().any(|part| exchange.name.starts_with(part)) {
                state.add_record(DOMAIN, "A", "@", "192.0.2.1", 300);
                let records = &mut state.domains.get_mut(DOMAIN).unwrap().records;
                records[0].id = "rec_xyz789".into();
            }
            if exchange.name.starts_with("09-") {
                // The refusal in the example contradicts its own request; any other one has the same form.
                state.add_record(DOMAIN, "MX", "@", "mail.example.com", 300);
            }
            state.failures.extend(error);
        }
        let url = format!("{}{}", emulator.endpoint(), exchange.path).parse().unwrap();
        let mut request = Request::new(exchange.method.parse::<Method>().unwrap(), url);
        request.headers_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
        if let Some(asked) = &exchange.asked {
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            *request.body_mut() = Some(asked.to_string().into());
        }
        let reply = Http::new(None).send(request, LIST, "asking").await.unwrap();
        assert_eq!(reply.status, exchange.status, "{}: {}", exchange.name, reply.text());
        assert_eq!(emulator.state().violations, Vec::<String>::new(), "{}", exchange.name);
        let forms = [exchange.answer.as_bytes(), &reply.body]
            .map(|body| if body.is_empty() { BTreeSet::new() } else { form(&serde_json::from_slice(body).unwrap()) });
        let [documented, emulated] = forms;
        // The shapes of errors differ among the pages themselves.
        if error.is_none() {
            assert_eq!(documented, emulated, "{}", exchange.name);
        }
    }
}
