//! Designate with Keystone; the service is made of recorded exchanges.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Value, Values};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use tempfile::TempDir;

use super::designate_service::{Designate, PASSWORD, READ_ONLY, RecordSet, ZONE};
use super::http::{Answer, Fault, Server};
use super::subject::{Column, Held, Subject, Trouble, values};

/// Designate.
pub const COLUMN: Column = Column {
    name: "designate",
    provider: "designate",
    start: || Box::pin(start()),
    excluded: &[("ttl_clamped", "a TTL that is too low is refused (invalid_ttl), not raised")],
};

struct Service {
    server: Server,
    state: Arc<Mutex<Designate>>,
    folder: TempDir,
}

async fn start() -> Box<dyn Subject> {
    let state = Arc::new(Mutex::new(Designate::default()));
    let answering = Arc::clone(&state);
    let server = Server::start(0, move |request| lock(&answering).answer(request)).await.expect("a port is free");
    let subject = Service { server, state, folder: tempfile::tempdir().expect("a folder") };
    subject.secret(true);
    Box::new(subject)
}

fn lock(state: &Mutex<Designate>) -> MutexGuard<'_, Designate> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service {
    fn state(&self) -> MutexGuard<'_, Designate> {
        lock(&self.state)
    }

    fn always(&self, answer: Answer) {
        self.server.faults(10_000, &Fault::answer(answer));
    }
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        let text = |text: &str| Set::Text(text.into());
        Settings::new("cloud")
            .with("auth_url", Set::Url(self.server.url("/v3").parse().expect("a URL")))
            .with("username", text("demo"))
            .with("user_domain_id", text("default"))
            .with("password", Set::Secret(Secret::File(self.folder.path().join("secret"))))
            .with("project_name", text("demo"))
            .with("project_domain_id", text("default"))
    }

    fn name(&self, label: &str) -> Name {
        Name::parse(&format!("{label}.{ZONE}")).expect("a name")
    }

    fn forbidden(&self) -> Name {
        Name::parse(&format!("home.{READ_ONLY}")).expect("a name")
    }

    /// A name with a CNAME can have no other record.
    fn poison(&self) -> Name {
        let name = self.name("poison");
        self.state().put(&name.fqdn(), "CNAME", vec!["elsewhere.example.".into()], None);
        name
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        let text = |value: &Value| match value {
            Value::Text(text) => format!("\"{text}\""),
            // Designate keeps what was written.
            Value::V6(address) => address.to_string().to_ascii_uppercase(),
            Value::V4(address) => address.to_string(),
        };
        let records = values.iter().map(text).collect();
        self.state().put(&key.name.fqdn(), key.rtype.as_str(), records, Some(120));
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        let state = self.state();
        let is_of_key = |set: &&RecordSet| set.name == key.name.fqdn() && set.rtype == key.rtype.as_str();
        let set = state.sets.iter().find(is_of_key)?;
        let value = |text: &String| Value::parse(key.rtype, text).expect("a value");
        let ttl = set.ttl.and_then(|ttl| ttl.try_into().ok());
        let attributes = set.description.clone().unwrap_or_default();
        Some(Held { values: set.records.iter().map(value).collect(), ttl, attributes })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let key = |set: &RecordSet| format!("{} {} {}", set.name.trim_end_matches('.'), set.rtype, set.id);
        self.state().sets.iter().map(|set| (key(set), format!("{set:?}"))).collect()
    }

    fn scenery(&self) -> Vec<(RrsetKey, Values)> {
        let key = |label: &str, rtype| RrsetKey::new(self.name(label), rtype);
        vec![
            (key("home", RecordType::Aaaa), values(&["2001:db8::99"])),
            (key("home", RecordType::Txt), Values::from([Value::Text("theirs".into())])),
            (key("nas", RecordType::A), values(&["192.0.2.99"])),
        ]
    }

    fn crowd(&self) {
        for at in 0..450 {
            self.state().put(&format!("crowd{at}.{ZONE}"), "A", vec!["192.0.2.77".into()], None);
        }
    }

    fn secret(&self, right: bool) {
        let secret = if right { PASSWORD } else { "wrong" };
        std::fs::write(self.folder.path().join("secret"), secret).expect("a disk");
    }

    fn calls(&self) -> usize {
        self.server.log().len()
    }

    fn writes(&self) -> usize {
        let log = self.server.log();
        let writes = log.iter().filter(|exchange| exchange.request.method != "GET");
        writes.filter(|exchange| exchange.request.path.contains("/recordsets")).count()
    }

    fn trouble(&self, trouble: Trouble) {
        let page = || Answer::new(200, "<html>ACTIVE</html>").with("Content-Type", "text/html");
        match trouble {
            Trouble::AnswerLost => self.server.fault(Fault::lost().on("PUT ")),
            Trouble::ErrorAfterAccept => self.state().breaks = true,
            Trouble::Swallowed => self.state().swallows = true,
            Trouble::Down => self.always(Answer::new(500, "")),
            Trouble::Garbled => self.always(page()),
            Trouble::GarbledWrite => self.server.fault(Fault::answer(page()).after_acting().on("PUT ")),
            Trouble::Limited(seconds) => {
                self.always(Answer::new(429, "").with("Retry-After", &seconds.to_string()));
            }
            Trouble::Pending => self.state().stalled = true,
            Trouble::ClockOff => {
                self.server.skew(3600);
                self.state().refuses = true;
            }
        }
    }

    fn calm(&self) {
        self.server.calm();
        let mut state = self.state();
        (state.stalled, state.breaks, state.swallows, state.refuses) = (false, false, false, false);
    }

    fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }
}
