//! PocketDNS over real HTTP: against the documented exchanges, and against an emulator written from the documentation.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "emulator/pocketdns.rs"]
mod emulator;
#[path = "exchanges/form.rs"]
mod forms;
#[path = "emulator/http.rs"]
mod http;

#[path = "pocketdns/bad_input.rs"]
mod bad_input;
#[path = "pocketdns/by_hand.rs"]
mod by_hand;
#[path = "pocketdns/exchanges.rs"]
mod exchanges;
#[path = "pocketdns/limits.rs"]
mod limits;
#[path = "pocketdns/many.rs"]
mod many;
#[path = "pocketdns/operations.rs"]
mod operations;
#[path = "support/planned.rs"]
mod planning;
#[path = "pocketdns/refusals.rs"]
mod refusals;

use driftless::model::error::{Kind, Scope};
use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Ttl, Value};
use driftless::net::http::Http;
use driftless::os::secret::Secret;
use driftless::provider::Tools;
use driftless::provider::pocketdns::api::Api;
use driftless::provider::pocketdns::{PocketDns, service};
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::shape::records::Draft;
use driftless::provider::shape::zones::Zone;
use emulator::{Errors, Switches};

const KEY: &str = "sk_test_0123456789";
const DOMAIN: &str = "dom_abc123";
const USER: &str = "user_123";
const REFUSED: Kind = Kind::Auth { scope: Scope::Account };

/// An emulator with the domain of the documentation.
async fn start(switches: Switches) -> emulator::PocketDns {
    let emulator = emulator::PocketDns::start(0, KEY, switches).await.unwrap();
    emulator.state().add_domain(DOMAIN, "example.com", USER);
    emulator
}

/// An account of the domain.
fn settings(endpoint: &str) -> Settings {
    reaching("domain_id", DOMAIN, endpoint)
}

/// An account of what a setting names.
fn reaching(setting: &'static str, id: &str, endpoint: &str) -> Settings {
    Settings::new("home")
        .with("api_key", Set::Secret(Secret::inline(KEY)))
        .with(setting, Set::Text(id.into()))
        .with("endpoint", Set::Url(endpoint.parse().unwrap()))
}

fn account(emulator: &emulator::PocketDns) -> PocketDns {
    service(&settings(&emulator.endpoint()), &tools()).unwrap()
}

fn tools() -> Tools {
    Tools { http: Http::new(None) }
}

fn api(endpoint: &str) -> Api {
    Api::new(endpoint.parse().unwrap(), Secret::inline(KEY), Http::new(None))
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn zone() -> Zone {
    Zone { id: DOMAIN.into(), name: name("example.com") }
}

fn key(label: &str, rtype: RecordType) -> RrsetKey {
    RrsetKey::new(name(label), rtype)
}

/// A record to be created, with five minutes to live.
fn draft(label: &str, rtype: RecordType, value: &str) -> Draft {
    let value = Value::parse(rtype, value).unwrap_or_else(|_| Value::Text(value.into()));
    Draft { name: name(label), rtype, value, ttl: Ttl::new(300), attributes: Default::default() }
}

/// Nothing was asked that the documentation does not allow.
fn assert_correct(emulator: &emulator::PocketDns) {
    assert_eq!(emulator.state().violations, Vec::<String>::new());
}

/// The defaults, each switch that changes no outcome thrown alone, and all of them at once.
fn every_switch() -> Vec<Switches> {
    let throws: [fn(&mut Switches); 9] = [
        |s| s.created = 200,
        |s| s.bulk = 201,
        |s| s.bulk = 207,
        |s| s.errors = Errors::NoRequest,
        |s| s.errors = Errors::Bare,
        |s| s.full_names = true,
        |s| s.long_ipv6 = true,
        |s| s.fixed_minutes = true,
        |s| s.unprocessable = true,
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
