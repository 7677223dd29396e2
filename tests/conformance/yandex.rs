//! Yandex Mail for Domain, as administrators and as registrars have it; the service is the emulator.

use std::collections::BTreeMap;

use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Value, Values};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use tempfile::TempDir;

use super::http::{Answer, Fault};
use super::subject::{Column, Held, Subject, Trouble, values};
use super::yandex_service::{Record, Switches, Yandex};

pub const NO_CLOCK: &str = "a token does not depend on a clock";
pub const NO_JOBS: &str = "a call is done when it is answered";
const NO_PAGES: &str = "the records of a domain have no pages";

/// A domain's administrator.
pub const ADMIN: Column = Column {
    name: "yandex",
    provider: "yandex",
    start: || Box::pin(start(false)),
    excluded: &[("clock_wrong_is_not_auth", NO_CLOCK), ("paging", NO_PAGES), ("stopped_during_a_job", NO_JOBS)],
};

/// A registrar.
pub const REGISTRAR: Column = Column { name: "yandex, registrar", start: || Box::pin(start(true)), ..ADMIN };

struct Service {
    emulator: Yandex,
    folder: TempDir,
}

fn token(right: bool) -> String {
    format!("{:0<53}", if right { "123456789ABCDEF" } else { "1" })
}

async fn start(registrar: bool) -> Box<dyn Subject> {
    let emulator = Yandex::start(0, &token(true), Switches::default()).await.expect("a port is free");
    emulator.state().add_domain("example.org");
    emulator.state().registrar = registrar.then(|| "an OAuth token".to_owned());
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

    fn records(&self, key: &RrsetKey) -> Vec<(u32, Record)> {
        let (domain, subdomain) = Self::place(key);
        let of_key = |record: &Record| record["subdomain"] == subdomain && record["type"] == key.rtype.as_str();
        let state = self.emulator.state();
        let Some(domain) = state.domains.get(&domain) else { return Vec::new() };
        let records = domain.records.iter().filter(|(_, record)| of_key(record));
        records.map(|(id, record)| (*id, record.clone())).collect()
    }
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        let settings = Settings::new("home")
            .with("token", Set::Secret(Secret::File(self.folder.path().join("secret"))))
            .with("endpoint", Set::Url(self.emulator.endpoint().parse().expect("a URL")));
        let registrar = self.emulator.state().registrar.clone();
        match registrar {
            Some(token) => settings.with("registrar_token", Set::Secret(Secret::inline(token))),
            None => settings,
        }
    }

    fn name(&self, label: &str) -> Name {
        Name::parse(&format!("{label}.example.org")).expect("a name")
    }

    fn forbidden(&self) -> Name {
        self.emulator.state().add_domain("theirs.example");
        if let Some(domain) = self.emulator.state().domains.get_mut("theirs.example") {
            domain.foreign = true;
        }
        Name::parse("home.theirs.example").expect("a name")
    }

    fn poison(&self) -> Name {
        let name = self.name("poison");
        self.emulator.state().prohibited.push(name.to_string());
        name
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        let (domain, subdomain) = Self::place(key);
        let old = self.records(key);
        let mut state = self.emulator.state();
        for (id, _) in old {
            state.domains.get_mut(&domain).expect("the domain").records.remove(&id);
        }
        for value in values {
            let (rtype, content) = (key.rtype.as_str(), value.to_string());
            let fields = [("type", rtype), ("subdomain", &subdomain), ("content", &content), ("ttl", "120")];
            state.add_record(&domain, &fields);
        }
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        let records = self.records(key);
        let (_, first) = records.first()?;
        let value = |(_, record): &(u32, Record)| Value::parse(key.rtype, &record["content"]).expect("a value");
        let managed = ["content", "subdomain", "ttl", "type"];
        let others = records.iter().flat_map(|(_, record)| record.iter());
        Some(Held {
            values: records.iter().map(value).collect(),
            ttl: first["ttl"].parse().ok(),
            attributes: format!(
                "{:?}",
                others.filter(|(field, _)| !managed.contains(&field.as_str())).collect::<Vec<_>>()
            ),
        })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let state = self.emulator.state();
        let records = state.domains.iter().flat_map(|(name, domain)| domain.records.iter().map(move |one| (name, one)));
        let shown = |(name, (id, record)): (&String, (&u32, &Record))| {
            (format!("{}.{name} {} {id}", record["subdomain"], record["type"]), format!("{record:?}"))
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

    fn lowest_ttl(&self, seconds: u32) {
        self.emulator.state().switches.lowest_ttl = seconds;
    }

    fn secret(&self, right: bool) {
        std::fs::write(self.folder.path().join("secret"), token(right)).expect("a disk");
    }

    fn calls(&self) -> usize {
        self.emulator.server.log().len()
    }

    fn writes(&self) -> usize {
        self.emulator.server.log().iter().filter(|exchange| exchange.request.method == "POST").count()
    }

    fn trouble(&self, trouble: Trouble) {
        let server = &self.emulator.server;
        let page = || Answer::new(200, "<html>\"success\":\"ok\"</html>");
        let failed = || Answer::new(200, r#"{"success":"error","error":"unknown","domain":"example.org"}"#);
        let record = r#"{"record_id":1,"type":"A","domain":"example.org","subdomain":"home","fqdn":"home.example.org",
            "content":"192.0.2.2","ttl":120,"priority":""}"#;
        match trouble {
            Trouble::AnswerLost => server.fault(Fault::lost().on("POST")),
            Trouble::ErrorAfterAccept => server.fault(Fault::answer(failed()).after_acting().on("POST")),
            Trouble::Swallowed => {
                let body = format!(r#"{{"domain":"example.org","record_id":1,"record":{record},"success":"ok"}}"#);
                self.always("POST", Answer::new(200, body));
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
