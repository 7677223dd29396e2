//! dyndns2 as Dyn speaks it, and as services that take each family by itself do; the service is the emulator.

use std::collections::BTreeMap;

use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Value, Values};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use tempfile::TempDir;

use super::dyndns2_service::{Dyndns2, Host, PATH, Rules};
use super::http::{Answer, Fault, Server};
use super::subject::{Column, Held, Subject, Trouble, values};

const ONE_ADDRESS: &str = "a name has one address of a family, nothing else, and it cannot be read";
const NO_JOBS: &str = "an update is done when it is answered";
const NO_CLOCK: &str = "HTTP Basic does not depend on a clock";
const NO_LISTS: &str = "there is nothing to list";
const NO_TTL: &str = "an update takes no TTL";

/// Both families in one request, the one that is not named forgotten.
pub const TOGETHER: Column = Column {
    name: "dyndns2",
    provider: "dyndns2",
    start: || Box::pin(start(true)),
    excluded: &[
        ("a_text_made_of_addresses", ONE_ADDRESS),
        ("clock_wrong_is_not_auth", NO_CLOCK),
        ("foreign_values_in_the_set", ONE_ADDRESS),
        ("keeps_attributes", ONE_ADDRESS),
        ("paging", NO_LISTS),
        ("stopped_during_a_job", NO_JOBS),
        ("ttl_clamped", NO_TTL),
    ],
};

/// Each family in a request of its own.
pub const APART: Column = Column { name: "dyndns2, families apart", start: || Box::pin(start(false)), ..TOGETHER };

struct Service {
    server: Server,
    service: Dyndns2,
    together: bool,
    folder: TempDir,
}

async fn start(together: bool) -> Box<dyn Subject> {
    // Fewer names a request than the account is told of: larger requests are refused whole, and must be split.
    let rules = Rules { forgets: together, names: 3, ..Rules::default() };
    let service = Dyndns2::new(rules, Vec::<String>::new());
    let answers = service.clone();
    let server = Server::start(0, move |request| answers.answer(request)).await.expect("a port is free");
    let subject = Service { server, service, together, folder: tempfile::tempdir().expect("a folder") };
    subject.secret(true);
    Box::new(subject)
}

impl Service {
    fn always(&self, answer: Answer) {
        self.server.faults(10_000, &Fault::answer(answer));
    }
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        let families = if self.together { "together" } else { "apart" };
        Settings::new("home")
            .with("server", Set::Url(self.server.url("").parse().expect("a URL")))
            .with("username", Set::Text("user".into()))
            .with("password", Set::Secret(Secret::File(self.folder.path().join("secret"))))
            .with("families", Set::Text(families.into()))
    }

    fn name(&self, label: &str) -> Name {
        let name = format!("{label}.example.org");
        if self.service.host(&name).is_none() {
            self.service.set(&name, Host::default());
        }
        Name::parse(&name).expect("a name")
    }

    fn forbidden(&self) -> Name {
        let name = self.name("theirs");
        self.service.set(name.as_str(), Host { foreign: true, ..Host::default() });
        name
    }

    fn poison(&self) -> Name {
        self.forbidden()
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        let mut host = self.service.host(key.name.as_str()).unwrap_or_default();
        match values.first() {
            Some(Value::V4(address)) => host.ipv4 = Some(*address),
            Some(Value::V6(address)) => host.ipv6 = Some(*address),
            _ => panic!("addresses only"),
        }
        self.service.set(key.name.as_str(), host);
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        let host = self.service.host(key.name.as_str())?;
        let value = if key.rtype == RecordType::A { host.ipv4.map(Value::V4) } else { host.ipv6.map(Value::V6) };
        Some(Held { values: Values::from([value?]), ttl: None, attributes: String::new() })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let sets = ["home", "nas"]
            .into_iter()
            .flat_map(|label| [RecordType::A, RecordType::Aaaa].map(|rtype| RrsetKey::new(self.name(label), rtype)));
        sets.map(|key| (key.to_string(), format!("{:?}", self.held(&key)))).collect()
    }

    fn scenery(&self) -> Vec<(RrsetKey, Values)> {
        let key = |label: &str, rtype| RrsetKey::new(self.name(label), rtype);
        let mut scenery = vec![(key("nas", RecordType::A), values(&["192.0.2.99"]))];
        // Where the families go together the service itself deletes the one that is not named.
        scenery.extend((!self.together).then(|| (key("home", RecordType::Aaaa), values(&["2001:db8::99"]))));
        scenery
    }

    fn secret(&self, right: bool) {
        let secret = if right { "secret" } else { "wrong" };
        std::fs::write(self.folder.path().join("secret"), secret).expect("a disk");
    }

    fn calls(&self) -> usize {
        self.server.log().len()
    }

    fn writes(&self) -> usize {
        self.server.count(PATH)
    }

    fn trouble(&self, trouble: Trouble) {
        let page = || Answer::new(200, "<html>good morning</html>").with("Content-Type", "text/html");
        match trouble {
            Trouble::AnswerLost => self.server.fault(Fault::lost()),
            Trouble::ErrorAfterAccept => self.server.fault(Fault::answer(Answer::new(500, "")).after_acting()),
            Trouble::Swallowed => self.always(Answer::new(200, "good")),
            Trouble::Down => self.always(Answer::new(500, "oh")),
            Trouble::Garbled => self.always(page()),
            Trouble::GarbledWrite => self.server.fault(Fault::answer(page()).after_acting()),
            Trouble::Limited(seconds) => {
                self.always(Answer::new(429, "").with("Retry-After", &seconds.to_string()));
            }
            Trouble::Pending | Trouble::ClockOff => panic!("{trouble:?} is excluded"),
        }
    }

    fn calm(&self) {
        self.server.calm();
    }
}
