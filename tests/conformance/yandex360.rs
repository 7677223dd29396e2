//! Yandex 360 with an organisation's number and without; the service is the emulator.

use std::collections::BTreeMap;

use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Value, Values};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use serde_json::{Map, json};
use tempfile::TempDir;

use super::http::{Answer, Fault};
use super::subject::{Column, Held, Subject, Trouble, values};
use super::yandex::{NO_CLOCK, NO_JOBS};
use super::yandex360_service::{Switches, Yandex360};

const OURS: u64 = 123_456;

/// An organisation's domains.
pub const COLUMN: Column = Column {
    name: "yandex360",
    provider: "yandex360",
    start: || Box::pin(start()),
    excluded: &[("clock_wrong_is_not_auth", NO_CLOCK), ("stopped_during_a_job", NO_JOBS)],
};

struct Service {
    emulator: Yandex360,
    folder: TempDir,
}

type Record = Map<String, serde_json::Value>;

async fn start() -> Box<dyn Subject> {
    let emulator = Yandex360::start(0, "y0_right", Switches::default()).await.expect("a port is free");
    emulator.state().add_domain(OURS, "example.org");
    let subject = Service { emulator, folder: tempfile::tempdir().expect("a folder") };
    subject.secret(true);
    Box::new(subject)
}

impl Service {
    fn always(&self, on: &str, answer: Answer) {
        self.emulator.server.faults(10_000, &Fault::answer(answer).on(on));
    }

    /// The domain of a name and the name within it.
    fn place(key: &RrsetKey) -> (String, String) {
        let (front, domain) = key.name.as_str().split_once('.').expect("a name in a zone");
        (domain.to_owned(), front.to_owned())
    }

    fn records(&self, key: &RrsetKey) -> Vec<(u64, Record)> {
        let (domain, name) = Self::place(key);
        let of_key = |record: &Record| record["name"] == *name && record["type"] == key.rtype.as_str();
        let state = self.emulator.state();
        let Some(domain) = state.organizations[&OURS].get(&domain) else { return Vec::new() };
        let records = domain.records.iter().filter(|(_, record)| of_key(record));
        records.map(|(id, record)| (*id, record.clone())).collect()
    }

    fn add(&self, domain: &str, name: &str, rtype: RecordType, value: &str) {
        let field = if rtype == RecordType::Txt { "text" } else { "address" };
        let record = json!({ "type": rtype.as_str(), "name": name, "ttl": 120, field: value });
        self.emulator.state().add_record(OURS, domain, &record);
    }
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        Settings::new("home")
            .with("token", Set::Secret(Secret::File(self.folder.path().join("secret"))))
            .with("endpoint", Set::Url(self.emulator.endpoint().parse().expect("a URL")))
    }

    fn name(&self, label: &str) -> Name {
        Name::parse(&format!("{label}.example.org")).expect("a name")
    }

    fn forbidden(&self) -> Name {
        let mut state = self.emulator.state();
        state.add_domain(OURS, "theirs.example");
        let domain = state.organizations.get_mut(&OURS).and_then(|domains| domains.get_mut("theirs.example"));
        domain.expect("the domain").forbidden = true;
        Name::parse("home.theirs.example").expect("a name")
    }

    fn poison(&self) -> Name {
        let name = self.name("poison");
        self.emulator.state().refused.push(name.to_string());
        name
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        let (domain, name) = Self::place(key);
        for (id, _) in self.records(key) {
            let mut state = self.emulator.state();
            let domain = state.organizations.get_mut(&OURS).and_then(|domains| domains.get_mut(&domain));
            domain.expect("the domain").records.remove(&id);
        }
        for value in values {
            self.add(&domain, &name, key.rtype, &value.to_string());
        }
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        let records = self.records(key);
        let (_, first) = records.first()?;
        let field = if key.rtype == RecordType::Txt { "text" } else { "address" };
        let text = |record: &Record| record.get(field).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
        let value = |(_, record): &(u64, Record)| Value::parse(key.rtype, &text(record)).expect("a value");
        let managed = ["address", "name", "text", "ttl", "type"];
        let others = records.iter().flat_map(|(_, record)| record.iter());
        Some(Held {
            values: records.iter().map(value).collect(),
            ttl: first["ttl"].as_u64().and_then(|ttl| ttl.try_into().ok()),
            attributes: format!(
                "{:?}",
                others.filter(|(field, _)| !managed.contains(&field.as_str())).collect::<Vec<_>>()
            ),
        })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let state = self.emulator.state();
        let domains = state.organizations.values().flatten();
        let records = domains.flat_map(|(name, domain)| domain.records.iter().map(move |one| (name, one)));
        let text = |record: &Record, field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let shown = |(name, (id, record)): (&String, (&u64, &Record))| {
            (format!("{}.{name} {} {id}", text(record, "name"), text(record, "type")), format!("{record:?}"))
        };
        records.map(shown).collect()
    }

    fn scenery(&self) -> Vec<(RrsetKey, Values)> {
        let key = |label: &str, rtype| RrsetKey::new(self.name(label), rtype);
        vec![
            (key("nas", RecordType::A), values(&["192.0.2.99"])),
            (key("home", RecordType::Aaaa), values(&["2001:db8::99"])),
            (key("home", RecordType::Txt), Values::from([Value::Text("theirs".into())])),
        ]
    }

    fn crowd(&self) {
        for number in 0..120 {
            self.add("example.org", &format!("a{number}"), RecordType::A, "192.0.2.77");
        }
    }

    fn lowest_ttl(&self, seconds: u32) {
        self.emulator.state().switches.lowest_ttl = seconds;
    }

    fn secret(&self, right: bool) {
        let secret = if right { "y0_right" } else { "y0_wrong" };
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
        let page = || Answer::new(200, "<html>{\"recordId\":1}</html>");
        let failed = || Answer::new(500, r#"{"code":13,"message":"internal error","details":[]}"#);
        match trouble {
            Trouble::AnswerLost => server.fault(Fault::lost().on("POST")),
            Trouble::ErrorAfterAccept => server.fault(Fault::answer(failed()).after_acting().on("POST")),
            Trouble::Swallowed => {
                let record = json!({ "recordId": 1, "type": "A", "name": "home", "ttl": 120, "address": "192.0.2.2" });
                self.always("POST", Answer::new(200, record.to_string()));
            }
            Trouble::Down => self.always("", Answer::new(500, "")),
            Trouble::Garbled => self.always("", page()),
            Trouble::GarbledWrite => server.fault(Fault::answer(page()).after_acting().on("POST")),
            Trouble::Limited(seconds) => {
                self.always("", Answer::new(429, "").with("Retry-After", &seconds.to_string()));
            }
            Trouble::Pending | Trouble::ClockOff => panic!("{trouble:?} is excluded"),
        }
    }

    fn calm(&self) {
        self.emulator.server.calm();
    }

    fn violations(&self) -> Vec<String> {
        self.emulator.state().violations.clone()
    }
}
