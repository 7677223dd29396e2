//! Rackspace Cloud DNS over real HTTP: against the documented exchanges, and against an emulator written from the documentation.

#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "emulator/rackspace.rs"]
mod emulator;
#[path = "exchanges/read.rs"]
mod exchange;
#[path = "exchanges/form.rs"]
mod forms;
#[path = "emulator/http.rs"]
mod http;
#[path = "support/planned.rs"]
mod planning;
#[path = "support/said.rs"]
mod said;
#[path = "support/torture.rs"]
mod torture;

#[path = "rackspace/by_hand.rs"]
mod by_hand;
#[path = "rackspace/commands.rs"]
mod commands;
#[path = "rackspace/exchanges.rs"]
mod exchanges;
#[path = "rackspace/jobs.rs"]
mod jobs;
#[path = "rackspace/limits.rs"]
mod limits;
#[path = "rackspace/login.rs"]
mod login;
#[path = "rackspace/operations.rs"]
mod operations;
#[path = "rackspace/refusals.rs"]
mod refusals;

use driftless::model::error::{Kind, Scope};
use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Ttl, Value};
use driftless::net::http::Http;
use driftless::os::secret::Secret;
use driftless::provider::rackspace::{Rackspace, provider, service};
use driftless::provider::setting::{Settings, Value as Set};
use driftless::provider::shape::records::{Draft, Record};
use driftless::provider::shape::zones::Zone;
use driftless::provider::{Provider, Tools};
use emulator::Switches;
use emulator::switches::NAMED;
use planning::planned;

const USER: &str = "driftless";
const KEY: &str = "a4bbc55a951242c48b03e88e32123456";
const REFUSED: Kind = Kind::Auth { scope: Scope::Account };

/// An emulator with the domain of the documentation, and the domain's id. What is not about limits does not meet them.
async fn start(switches: Switches) -> (emulator::Rackspace, String) {
    let emulator = emulator::Rackspace::start(0, USER, KEY, switches).await.unwrap();
    let domain = emulator.state().add_domain("example.com");
    emulator.state().limits.iter_mut().for_each(|limit| limit.value = 1_000_000);
    (emulator, domain)
}

/// As [`start`], with jobs that are done at once unless the switches are about jobs: each takes a tenth of a second otherwise.
async fn start_brisk(switches: Switches) -> (emulator::Rackspace, String) {
    let of_jobs = switches.initialized || switches.running_202 || switches.brief_202 || switches.foreign_callbacks;
    let (emulator, domain) = start(switches).await;
    if !of_jobs {
        emulator.state().pace = emulator::jobs::Pace::Calls(0);
    }
    (emulator, domain)
}

fn settings(auth_url: &str, key: &str) -> Settings {
    Settings::new("home")
        .with("username", Set::Text(USER.into()))
        .with("api_key", Set::Secret(Secret::inline(key)))
        .with("auth_url", Set::Url(auth_url.parse().unwrap()))
}

fn account(emulator: &emulator::Rackspace) -> Rackspace {
    service(&settings(&emulator.identity(), KEY), &tools()).unwrap()
}

fn daemon(emulator: &emulator::Rackspace) -> impl Provider + use<> {
    provider(&settings(&emulator.identity(), KEY), &tools()).unwrap()
}

fn tools() -> Tools {
    Tools { http: Http::new(None) }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn zone(id: &str) -> Zone {
    Zone { id: id.into(), name: name("example.com") }
}

fn key(label: &str, rtype: RecordType) -> RrsetKey {
    RrsetKey::new(name(label), rtype)
}

/// A record to be made, with ten minutes to live.
fn draft(label: &str, rtype: RecordType, value: &str) -> Draft {
    let value = Value::parse(rtype, value).unwrap_or_else(|_| Value::Text(value.into()));
    Draft { name: name(label), rtype, value, ttl: Ttl::new(600), attributes: Default::default() }
}

fn record(id: &str, draft: &Draft) -> Record {
    let Draft { name, rtype, value, ttl, attributes } = draft.clone();
    Record { id: id.into(), name, rtype, value, ttl, attributes }
}

/// Nothing was asked that the documentation does not allow.
fn assert_correct(emulator: &emulator::Rackspace) {
    assert_eq!(emulator.state().violations, Vec::<String>::new());
}

/// How many calls with this method went to the DNS, and to paths that contain `part`.
fn count(emulator: &emulator::Rackspace, method: &str, part: &str) -> usize {
    let log = emulator.server.log();
    let fits = |request: &http::Received| {
        request.method == method && request.path.contains("/v1.0/") && request.path.contains(part)
    };
    log.iter().filter(|exchange| fits(&exchange.request)).count()
}

/// The defaults, each switch that changes no outcome thrown alone, and all of these at once.
fn every_switch() -> Vec<Switches> {
    const CHANGES_OUTCOMES: [&str; 9] = [
        "mfa",
        "mfa-not-set-up",
        "creator",
        "observer",
        "forbidden-401",
        "user-disabled",
        "no-dns-in-catalog",
        "ttl-600",
        "txt-as-sent",
    ];
    let harmless: Vec<_> = NAMED.iter().filter(|(name, _)| !CHANGES_OUTCOMES.contains(name)).collect();
    let mut all = Switches::default();
    harmless.iter().for_each(|(_, throw)| throw(&mut all));
    let alone = harmless.iter().map(|(_, throw)| {
        let mut switches = Switches::default();
        throw(&mut switches);
        switches
    });
    alone.chain([Switches::default(), all]).collect()
}
