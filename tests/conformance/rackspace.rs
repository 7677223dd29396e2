//! Rackspace in the USA, where jobs run for a while, and in the United Kingdom, where they are done at once; the service is the
//! emulator.

use std::collections::BTreeMap;
use std::time::Duration;

use driftless::model::name::Name;
use driftless::model::record::{RrsetKey, Value, Values};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use tempfile::TempDir;

use super::http::{Answer, Fault};
use super::rackspace_service::faults::fault;
use super::rackspace_service::jobs::{JobFailure, Pace};
use super::rackspace_service::{Ids, Rackspace, Record, Region, Switches};
use super::subject::{Column, Held, Subject, Trouble};

const NO_CLOCK: &str = "how long a token is good is told by the server's own clock";
const REFUSED_TTL: &str = "a TTL that is too short is refused before it is sent";

const EXCLUDED: &[(&str, &str)] = &[("clock_wrong_is_not_auth", NO_CLOCK), ("ttl_clamped", REFUSED_TTL)];

/// An account in the USA.
pub const USA: Column = Column {
    name: "rackspace, us",
    provider: "rackspace",
    start: || Box::pin(start(Region::Us, Pace::Calls(1), Switches::default())),
    excluded: EXCLUDED,
};

/// An account in the United Kingdom, whose ids are older, and where jobs find out what is wrong.
pub const UK: Column = Column {
    name: "rackspace, uk",
    start: || {
        let switches = Switches { ids: Ids::Migrated, validation_in_job: true, ..Switches::default() };
        Box::pin(start(Region::Uk, Pace::Calls(0), switches))
    },
    ..USA
};

struct Service {
    emulator: Rackspace,
    /// When jobs are done unless something goes wrong.
    pace: Pace,
    domain: String,
    folder: TempDir,
}

async fn start(region: Region, pace: Pace, switches: Switches) -> Box<dyn Subject> {
    let emulator = Rackspace::start(0, "me", "right", switches).await.expect("a port is free");
    let domain = {
        let mut state = emulator.state();
        (state.region, state.pace) = (region, pace);
        // Days pass within a second here; how limits are kept has tests of its own.
        state.limits.iter_mut().for_each(|limit| limit.value = 1_000_000);
        state.add_domain("example.org")
    };
    let subject = Service { emulator, pace, domain, folder: tempfile::tempdir().expect("a folder") };
    subject.secret(true);
    Box::new(subject)
}

impl Service {
    fn always(&self, answer: Answer) {
        self.emulator.server.faults(10_000, &Fault::answer(answer));
    }

    fn records(&self, key: &RrsetKey) -> Vec<Record> {
        let of_key = |record: &&Record| record.name == key.name.as_str() && record.rtype == key.rtype.as_str();
        self.emulator.state().records(&self.domain).iter().filter(of_key).cloned().collect()
    }
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        Settings::new("home")
            .with("username", Set::Text("me".into()))
            .with("api_key", Set::Secret(Secret::File(self.folder.path().join("secret"))))
            .with("auth_url", Set::Url(self.emulator.identity().parse().expect("a URL")))
    }

    fn name(&self, label: &str) -> Name {
        Name::parse(&format!("{label}.example.org")).expect("a name")
    }

    fn forbidden(&self) -> Name {
        let mut state = self.emulator.state();
        let theirs = state.add_domain("theirs.example");
        let theirs = state.domains.iter_mut().find(|domain| domain.id == theirs).expect("it was added");
        theirs.forbidden = true;
        Name::parse("home.theirs.example").expect("a name")
    }

    fn poison(&self) -> Name {
        self.emulator.state().refused.push("poison.example.org".into());
        self.name("poison")
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        let mut state = self.emulator.state();
        let of_key = |record: &Record| record.name == key.name.as_str() && record.rtype == key.rtype.as_str();
        if let Some(domain) = state.domains.iter_mut().find(|domain| domain.id == self.domain) {
            domain.records.retain(|record| !of_key(record));
        }
        for value in values {
            // The service has no TTL of less than 300 seconds.
            state.add_record(&self.domain, key.rtype.as_str(), key.name.as_str(), &value.to_string(), 420);
        }
        let domain = state.domains.iter_mut().find(|domain| domain.id == self.domain).expect("the zone");
        domain.records.iter_mut().for_each(|record| record.comment = Some("somebody wrote this".into()));
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        let records = self.records(key);
        let ttl = records.first()?.ttl;
        let attributes = |record: &Record| format!("{} {:?} {}", record.id, record.comment, record.created);
        Some(Held {
            values: records.iter().map(|record| Value::parse(key.rtype, &record.data).expect("a value")).collect(),
            ttl: ttl.try_into().ok(),
            // The record itself stays: it is changed, not made anew.
            attributes: records.iter().map(attributes).collect(),
        })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let state = self.emulator.state();
        let records = state.domains.iter().flat_map(|domain| &domain.records);
        let line = |record: &Record| (format!("{} {} {}", record.name, record.rtype, record.id), format!("{record:?}"));
        records.map(line).collect()
    }

    fn crowd(&self) {
        let mut state = self.emulator.state();
        for n in 0..250 {
            state.add_record(&self.domain, "A", &format!("n{n}.example.org"), "192.0.2.200", 420);
        }
    }

    fn ttl(&self) -> u32 {
        360
    }

    fn bulk(&self) -> usize {
        100
    }

    fn secret(&self, right: bool) {
        std::fs::write(self.folder.path().join("secret"), if right { "right" } else { "wrong" }).expect("a disk");
    }

    fn calls(&self) -> usize {
        self.emulator.server.log().len()
    }

    fn writes(&self) -> usize {
        let changes = |request: &super::http::Received| request.method != "GET" && !request.path.ends_with("/tokens");
        self.emulator.server.log().iter().filter(|exchange| changes(&exchange.request)).count()
    }

    fn trouble(&self, trouble: Trouble) {
        let server = &self.emulator.server;
        let page = || Answer::new(200, "<html>{\"records\":[],\"totalEntries\":0}</html>");
        let (_, failed) = fault("internalServerError", "");
        // What changes a record that is there.
        let on = "PUT ";
        match trouble {
            Trouble::AnswerLost => {
                // No other request comes at which the job could go on.
                self.emulator.state().pace = Pace::Calls(0);
                server.fault(Fault::lost().on(on));
            }
            Trouble::ErrorAfterAccept => self.emulator.state().job_failures.push_back(JobFailure::Done(failed)),
            Trouble::Swallowed => self.emulator.state().swallows = true,
            Trouble::Down => self.always(Answer::new(500, failed.to_string())),
            Trouble::Garbled => self.always(page()),
            Trouble::GarbledWrite => server.fault(Fault::answer(page()).after_acting().on(on)),
            Trouble::Limited(seconds) => {
                let limited = Answer::new(413, r#"{"overLimit":{"code":413,"message":"OverLimit Retry..."}}"#);
                self.always(limited.with("Retry-After", &seconds.to_string()));
            }
            Trouble::Pending => self.emulator.state().pace = Pace::Never,
            Trouble::ClockOff => panic!("{trouble:?} is excluded"),
        }
    }

    fn calm(&self) {
        self.emulator.server.calm();
        let mut state = self.emulator.state();
        state.swallows = false;
        if std::mem::replace(&mut state.pace, self.pace) == Pace::Never {
            // What was said of a job counts for a second of this machine's time.
            #[expect(clippy::disallowed_methods, reason = "the provider reads this clock")]
            std::thread::sleep(Duration::from_millis(1100));
        }
    }

    fn violations(&self) -> Vec<String> {
        self.emulator.state().violations.clone()
    }
}
