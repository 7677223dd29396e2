//! PocketDNS by a user's domains, and by one domain; the service is the emulator.

use std::collections::BTreeMap;

use driftless::model::name::Name;
use driftless::model::record::{RrsetKey, Value, Values};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use tempfile::TempDir;

use super::http::{Answer, Fault};
use super::pocketdns_service::{PocketDns, Record, Switches};
use super::subject::{Column, Held, Subject, Trouble};

const NO_CLOCK: &str = "a bearer key does not depend on a clock";
const NO_JOBS: &str = "a call is done when it is answered";
const NO_PAGES: &str = "lists have no pages";
const ONE_DOMAIN: &str = "an account is one domain";

const USER: &str = "user_123";
const DOMAIN: &str = "dom_abc123";

/// The domains of a user.
pub const USERS: Column = Column {
    name: "pocketdns, by user",
    provider: "pocketdns",
    start: || Box::pin(start(true)),
    excluded: &[("clock_wrong_is_not_auth", NO_CLOCK), ("paging", NO_PAGES), ("stopped_during_a_job", NO_JOBS)],
};

/// One domain.
pub const DOMAINS: Column = Column {
    name: "pocketdns, by domain",
    start: || Box::pin(start(false)),
    excluded: &[
        ("clock_wrong_is_not_auth", NO_CLOCK),
        ("one_zone_forbidden", ONE_DOMAIN),
        ("paging", NO_PAGES),
        ("stopped_during_a_job", NO_JOBS),
    ],
    ..USERS
};

struct Service {
    emulator: PocketDns,
    by_user: bool,
    folder: TempDir,
}

async fn start(by_user: bool) -> Box<dyn Subject> {
    let emulator = PocketDns::start(0, "sk_test_right", Switches::default()).await.expect("a port is free");
    emulator.state().add_domain(DOMAIN, "example.org", USER);
    let subject = Service { emulator, by_user, folder: tempfile::tempdir().expect("a folder") };
    subject.secret(true);
    Box::new(subject)
}

impl Service {
    fn always(&self, answer: Answer) {
        self.emulator.server.faults(10_000, &Fault::answer(answer));
    }

    fn records(&self, key: &RrsetKey) -> Vec<Record> {
        let label = label(key);
        let of_key = |record: &&Record| record.name == label && record.rtype == key.rtype.as_str();
        self.emulator.state().records(DOMAIN).iter().filter(of_key).cloned().collect()
    }
}

/// The name in front of the domain.
fn label(key: &RrsetKey) -> String {
    key.name.as_str().trim_end_matches(".example.org").to_owned()
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        let (reach, id) = if self.by_user { ("user_identifier", USER) } else { ("domain_id", DOMAIN) };
        Settings::new("home")
            .with("api_key", Set::Secret(Secret::File(self.folder.path().join("secret"))))
            .with(reach, Set::Text(id.into()))
            .with("endpoint", Set::Url(self.emulator.endpoint().parse().expect("a URL")))
    }

    fn name(&self, label: &str) -> Name {
        Name::parse(&format!("{label}.example.org")).expect("a name")
    }

    fn forbidden(&self) -> Name {
        let mut state = self.emulator.state();
        state.add_domain("dom_theirs", "theirs.example", USER);
        state.domains.get_mut("dom_theirs").expect("it was added").forbidden = true;
        Name::parse("home.theirs.example").expect("a name")
    }

    fn poison(&self) -> Name {
        self.emulator.state().refused.push("poison".into());
        self.name("poison")
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        let label = label(key);
        let mut state = self.emulator.state();
        if let Some(domain) = state.domains.get_mut(DOMAIN) {
            domain.records.retain(|record| record.name != label || record.rtype != key.rtype.as_str());
        }
        for value in values {
            state.add_record(DOMAIN, key.rtype.as_str(), &label, &value.to_string(), 120);
        }
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        let records = self.records(key);
        let ttl = records.first()?.ttl;
        Some(Held {
            values: records.iter().map(|record| Value::parse(key.rtype, &record.content).expect("a value")).collect(),
            ttl: ttl.try_into().ok(),
            // The record itself stays: it is changed, not made anew.
            attributes: records.iter().map(|record| format!("{} {}", record.id, record.created_at)).collect(),
        })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let state = self.emulator.state();
        let records = state.domains.values().flat_map(|domain| domain.records.iter());
        let line = |record: &Record| {
            (format!("{}.example.org {} {}", record.name, record.rtype, record.id), format!("{record:?}"))
        };
        records.map(line).collect()
    }

    fn lowest_ttl(&self, seconds: u32) {
        self.emulator.state().switches.lowest_ttl = seconds.into();
    }

    fn secret(&self, right: bool) {
        let secret = if right { "sk_test_right" } else { "sk_test_wrong" };
        std::fs::write(self.folder.path().join("secret"), secret).expect("a disk");
    }

    fn calls(&self) -> usize {
        self.emulator.server.log().len()
    }

    fn writes(&self) -> usize {
        self.emulator.server.log().iter().filter(|exchange| exchange.request.method != "GET").count()
    }

    fn trouble(&self, trouble: Trouble) {
        let server = &self.emulator.server;
        let page = || Answer::new(200, "<html>{\"records\":[],\"total\":0}</html>");
        let failed = || Answer::new(500, r#"{"error":"internal_error","message":"Server error"}"#);
        // What changes a record that is there.
        let on = "PUT ";
        match trouble {
            Trouble::AnswerLost => server.fault(Fault::lost().on(on)),
            Trouble::ErrorAfterAccept => server.fault(Fault::answer(failed()).after_acting().on(on)),
            Trouble::Swallowed => self.emulator.state().swallows = true,
            Trouble::Down => self.always(Answer::new(500, "")),
            Trouble::Garbled => self.always(page()),
            Trouble::GarbledWrite => server.fault(Fault::answer(page()).after_acting().on(on)),
            Trouble::Limited(seconds) => {
                let limited = Answer::new(429, r#"{"error":"rate_limit_exceeded"}"#);
                self.always(limited.with("Retry-After", &seconds.to_string()));
            }
            Trouble::Pending | Trouble::ClockOff => panic!("{trouble:?} is excluded"),
        }
    }

    fn calm(&self) {
        self.emulator.server.calm();
        self.emulator.state().swallows = false;
    }

    fn violations(&self) -> Vec<String> {
        self.emulator.state().violations.clone()
    }
}
