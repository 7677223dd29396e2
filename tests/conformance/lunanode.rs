//! LunaNode's hosted zones, and its names under lndyn.com; the service is the emulator.

use std::collections::BTreeMap;

use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Value, Values};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Settings, Value as Set};
use tempfile::TempDir;

use super::http::{Answer, Fault};
use super::lunanode_service::{LunaNode, Record, Switches};
use super::subject::{Column, Held, Subject, Trouble, values};

const NO_JOBS: &str = "a call is done when it is answered";
const NO_PAGES: &str = "lists have no pages";
const NO_RIGHTS: &str = "a key opens the whole account; no rights for single zones are documented";
const ONE_ADDRESS: &str = "a name under lndyn.com has one address and nothing else";

/// Hosted zones.
pub const HOSTED: Column = Column {
    name: "lunanode, hosted zones",
    provider: "lunanode",
    start: || Box::pin(start(true)),
    excluded: &[("one_zone_forbidden", NO_RIGHTS), ("paging", NO_PAGES), ("stopped_during_a_job", NO_JOBS)],
};

/// Names under lndyn.com.
pub const LNDYN: Column = Column {
    name: "lunanode, lndyn.com",
    start: || Box::pin(start(false)),
    excluded: &[
        ("a_text_made_of_addresses", ONE_ADDRESS),
        ("foreign_values_in_the_set", ONE_ADDRESS),
        ("keeps_attributes", ONE_ADDRESS),
        ("one_zone_forbidden", NO_RIGHTS),
        ("paging", NO_PAGES),
        ("sibling_unknown", ONE_ADDRESS),
        ("stopped_during_a_job", NO_JOBS),
        ("ttl_clamped", ONE_ADDRESS),
    ],
    ..HOSTED
};

struct Service {
    emulator: LunaNode,
    /// The hosted zone's id.
    zone: u32,
    hosted: bool,
    folder: TempDir,
}

fn api_key(first: char) -> String {
    (first..='z').cycle().take(128).collect()
}

async fn start(hosted: bool) -> Box<dyn Subject> {
    let emulator = LunaNode::start(0, "abcdefghijklmnop", &api_key('a'), Switches::default()).await;
    let emulator = emulator.expect("a port is free");
    let zone = emulator.state().add_zone("example.org");
    let subject = Service { emulator, zone, hosted, folder: tempfile::tempdir().expect("a folder") };
    subject.secret(true);
    Box::new(subject)
}

impl Service {
    /// The operation that changes a record which is there.
    fn operation(&self) -> &'static str {
        if self.hosted { "record-add" } else { "dyn-update" }
    }

    fn always(&self, on: &str, answer: Answer) {
        self.emulator.server.faults(10_000, &Fault::answer(answer).on(on));
    }

    fn records(&self, key: &RrsetKey) -> Vec<(u32, Record)> {
        let of_key = |record: &Record| record["name"] == key.name.as_str() && record["type"] == key.rtype.as_str();
        let state = self.emulator.state();
        let records = &state.zones[&self.zone].records;
        records.iter().filter(|(_, record)| of_key(record)).map(|(id, record)| (*id, record.clone())).collect()
    }

    fn label(key: &RrsetKey) -> String {
        key.name.as_str().split('.').next().unwrap_or_default().to_owned()
    }
}

/// What a client does not manage.
fn attributes(record: &Record) -> String {
    let managed = ["name", "type", "data", "ttl"];
    let others: Vec<_> = record.iter().filter(|(field, _)| !managed.contains(&field.as_str())).collect();
    format!("{others:?}")
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        Settings::new("home")
            .with("api_id", Set::Text("abcdefghijklmnop".into()))
            .with("api_key", Set::Secret(Secret::File(self.folder.path().join("secret"))))
            .with("endpoint", Set::Url(self.emulator.endpoint().parse().expect("a URL")))
    }

    fn name(&self, label: &str) -> Name {
        let zone = if self.hosted { "example.org" } else { "lndyn.com" };
        Name::parse(&format!("{label}.{zone}")).expect("a name")
    }

    fn poison(&self) -> Name {
        let name = self.name("poison");
        if self.hosted {
            self.emulator.state().refused.push(name.to_string());
        } else {
            self.emulator.state().taken.push("poison".into());
        }
        name
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        if !self.hosted {
            let address = values.first().and_then(Value::address).expect("an address");
            let label = Self::label(key);
            self.emulator.state().dyns.retain(|_, (held, _)| *held != label);
            self.emulator.state().add_dyn(&label, address);
            return;
        }
        let old = self.records(key);
        let mut state = self.emulator.state();
        for (id, _) in old {
            state.zones.get_mut(&self.zone).expect("the zone").records.remove(&id);
        }
        for value in values {
            let (name, rtype, data) = (key.name.to_string(), key.rtype.to_string(), value.to_string());
            let fields = [("name", &*name), ("type", &*rtype), ("data", &*data), ("ttl", "120")];
            let others = [("weight", "7"), ("policy", "region"), ("region", "north"), ("global", "")];
            state.add_record(self.zone, &[&fields[..], &others].concat());
        }
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        if !self.hosted {
            let label = Self::label(key);
            let address = self.emulator.state().dyns.values().find(|(held, _)| *held == label)?.1;
            let is_of_key = address.is_ipv4() == (key.rtype == RecordType::A);
            let held = || Held { values: Values::from([address.into()]), ttl: None, attributes: String::new() };
            return is_of_key.then(held);
        }
        let records = self.records(key);
        let (_, first) = records.first()?;
        let value = |(_, record): &(u32, Record)| Value::parse(key.rtype, &record["data"]).expect("a value");
        Some(Held {
            values: records.iter().map(value).collect(),
            ttl: first["ttl"].parse().ok(),
            attributes: records.iter().map(|(_, record)| attributes(record)).collect(),
        })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let state = self.emulator.state();
        let hosted = state.zones.values().flat_map(|zone| zone.records.iter());
        let hosted = hosted.map(|(id, record)| (format!("{} {} {id}", record["name"], record["type"]), record));
        let hosted = hosted.map(|(key, record)| (key, format!("{record:?}")));
        let dyns = state.dyns.iter().map(|(id, (label, ip))| (format!("{label}.lndyn.com A {id}"), ip.to_string()));
        hosted.chain(dyns).collect()
    }

    fn scenery(&self) -> Vec<(RrsetKey, Values)> {
        let key = |label: &str, rtype| RrsetKey::new(self.name(label), rtype);
        let mut scenery = vec![(key("nas", RecordType::A), values(&["192.0.2.99"]))];
        if self.hosted {
            scenery.push((key("home", RecordType::Aaaa), values(&["2001:db8::99"])));
            scenery.push((key("home", RecordType::Txt), Values::from([Value::Text("theirs".into())])));
        }
        scenery
    }

    fn lowest_ttl(&self, seconds: u32) {
        self.emulator.state().switches.lowest_ttl = seconds;
    }

    fn secret(&self, right: bool) {
        let secret = api_key(if right { 'a' } else { 'b' });
        std::fs::write(self.folder.path().join("secret"), secret).expect("a disk");
    }

    fn calls(&self) -> usize {
        self.emulator.server.log().len()
    }

    fn writes(&self) -> usize {
        let is_write = |path: &str| ["-add/", "-update/", "-remove/"].iter().any(|end| path.ends_with(end));
        self.emulator.server.log().iter().filter(|exchange| is_write(&exchange.request.path)).count()
    }

    fn trouble(&self, trouble: Trouble) {
        let server = &self.emulator.server;
        let page = || Answer::new(200, "<html>\"success\":\"yes\"</html>");
        let failed = || Answer::new(500, r#"{"success":"no","error":"the database is away"}"#);
        let on = self.operation();
        match trouble {
            Trouble::AnswerLost => server.fault(Fault::lost().on(on)),
            Trouble::ErrorAfterAccept => server.fault(Fault::answer(failed()).after_acting().on(on)),
            Trouble::Swallowed => self.always(on, Answer::new(200, r#"{"success":"yes","record_id":"1"}"#)),
            Trouble::Down => self.always("", Answer::new(500, "")),
            Trouble::Garbled => self.always("", page()),
            Trouble::GarbledWrite => server.fault(Fault::answer(page()).after_acting().on(on)),
            Trouble::Limited(seconds) => {
                self.always("", Answer::new(429, "").with("Retry-After", &seconds.to_string()));
            }
            Trouble::ClockOff => self.emulator.skew(3600),
            Trouble::Pending => panic!("{trouble:?} is excluded"),
        }
    }

    fn calm(&self) {
        self.emulator.server.calm();
        self.emulator.skew(0);
    }

    fn violations(&self) -> Vec<String> {
        self.emulator.state().violations.clone()
    }
}
