//! A zone file in a folder of its own, with a reload command that fails when told to.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Value, Values};
use driftless::provider::setting::{Settings, Value as Set};
use tempfile::TempDir;

use super::subject::{Column, Held, Subject, Trouble};

const NO_CREDENTIALS: &str = "a file takes no credentials";
const NO_LIMITS: &str = "a file limits nobody";

/// A zone file.
pub const COLUMN: Column = Column {
    name: "zonefile",
    provider: "zonefile",
    start: || Box::pin(async { start() }),
    excluded: &[
        ("accepted_but_still_old", "the file itself is what holds"),
        ("bad_credentials", NO_CREDENTIALS),
        ("clock_wrong_is_not_auth", NO_CREDENTIALS),
        ("one_zone_forbidden", "an account is one file"),
        ("paging", "a file is read whole"),
        ("rate_limited", NO_LIMITS),
        ("ttl_clamped", "a file takes any TTL"),
    ],
};

const SERIAL: u32 = 7;

struct Service {
    folder: TempDir,
}

/// A record of the file.
struct Line {
    owner: String,
    ttl: u32,
    rtype: String,
    data: String,
    comment: String,
}

fn start() -> Box<dyn Subject> {
    let subject = Service { folder: tempfile::tempdir().expect("a folder") };
    let soa = format!("@ SOA localhost. hostmaster {SERIAL} 3600 600 604800 300 ; the serial is ours\n");
    subject.write(&format!("$ORIGIN example.org.\n$TTL 300\n{soa}@ NS localhost.\n"));
    Box::new(subject)
}

impl Service {
    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("zone")).expect("the zone file")
    }

    fn write(&self, text: &str) {
        fs::write(self.path("zone"), text).expect("a disk");
    }

    fn make(&self, file: &str) {
        fs::write(self.path(file), "").expect("a disk");
    }

    /// The file is put aside, and something else stands in its place.
    fn aside(&self) {
        fs::rename(self.path("zone"), self.path("aside")).expect("a disk");
    }

    /// The records, read by the few rules that the lines of this suite and of the provider need.
    fn lines(&self) -> Vec<Line> {
        let mut owner = String::new();
        let mut lines = Vec::new();
        for line in self.text().lines().filter(|line| !line.starts_with('$')) {
            let (record, comment) = line.split_once(';').unwrap_or((line, ""));
            let mut words = record.split_whitespace().peekable();
            if !line.starts_with(char::is_whitespace) {
                owner = match words.next() {
                    Some("@") => "example.org.".into(),
                    Some(name) if name.ends_with('.') => name.into(),
                    Some(name) => format!("{name}.example.org."),
                    None => continue,
                };
            }
            let ttl = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            words.next_if_eq(&"IN");
            let rtype = words.next().expect("a type").to_owned();
            let ttl = ttl.map_or(300, |ttl| ttl.parse().expect("a TTL"));
            let data = words.collect::<Vec<_>>().join(" ");
            lines.push(Line { owner: owner.clone(), ttl, rtype, data, comment: comment.into() });
        }
        lines
    }

    fn of(&self, key: &RrsetKey) -> Vec<Line> {
        let is_of_key = |line: &Line| line.owner == key.name.fqdn() && line.rtype == key.rtype.as_str();
        self.lines().into_iter().filter(is_of_key).collect()
    }
}

impl Subject for Service {
    fn settings(&self) -> Settings {
        let at = |file: &str| self.path(file).display().to_string();
        let (once, fail) = (at("once"), at("fail"));
        let reload = format!("if [ -e {once} ]; then rm {once}; exit 1; fi; test ! -e {fail}");
        let reload = ["sh", "-c", &reload].map(String::from).to_vec();
        Settings::new("local").with("path", Set::Path(self.path("zone"))).with("reload", Set::Texts(reload))
    }

    fn name(&self, label: &str) -> Name {
        Name::parse(&format!("{label}.example.org")).expect("a name")
    }

    /// A name with a CNAME can have no other record.
    fn poison(&self) -> Name {
        self.write(&format!("{}poison CNAME elsewhere.example.\n", self.text()));
        self.name("poison")
    }

    fn put(&self, key: &RrsetKey, values: &Values) {
        let is_of_key = |line: &&str| line.starts_with(&format!("{}\t120 IN {} ", key.name.fqdn(), key.rtype));
        let mut text: String =
            self.text().lines().filter(|line| !is_of_key(line)).map(|line| format!("{line}\n")).collect();
        for value in values {
            text.push_str(&format!("{}\t120 IN {} {value} ; the porch\n", key.name.fqdn(), key.rtype));
        }
        self.write(&text);
    }

    fn held(&self, key: &RrsetKey) -> Option<Held> {
        let lines = self.of(key);
        let value = |line: &Line| Value::parse(key.rtype, &line.data).expect("a value");
        Some(Held {
            ttl: Some(lines.first()?.ttl),
            values: lines.iter().map(value).collect(),
            attributes: lines.iter().map(|line| line.comment.clone()).collect(),
        })
    }

    fn everything(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::<String, String>::new();
        for line in self.lines().iter().filter(|line| line.rtype != "SOA") {
            let words = format!("{} {} ;{}\n", line.ttl, line.data, line.comment);
            all.entry(format!("{} {}", line.owner.trim_end_matches('.'), line.rtype)).or_default().push_str(&words);
        }
        all
    }

    fn secret(&self, _: bool) {
        panic!("{NO_CREDENTIALS}");
    }

    fn calls(&self) -> usize {
        panic!("nobody counts who reads a file")
    }

    /// Each edit raises the serial number by one.
    fn writes(&self) -> usize {
        let soa = RrsetKey::new(Name::parse("example.org").expect("a name"), RecordType::Soa);
        let serial = self.of(&soa).first().and_then(|soa| soa.data.split(' ').nth(2)?.parse::<u32>().ok());
        (serial.expect("a serial number") - SERIAL) as usize
    }

    fn trouble(&self, trouble: Trouble) {
        match trouble {
            // The file is written, the name server's reload fails, and so does the call.
            Trouble::AnswerLost | Trouble::ErrorAfterAccept | Trouble::GarbledWrite => self.make("once"),
            Trouble::Pending => self.make("fail"),
            Trouble::Down => {
                self.aside();
                fs::create_dir(self.path("zone")).expect("a disk");
            }
            Trouble::Garbled => {
                self.aside();
                self.write("<html>(this is no zone file</html>\n");
            }
            Trouble::Swallowed | Trouble::Limited(_) | Trouble::ClockOff => panic!("{trouble:?} is excluded"),
        }
    }

    fn calm(&self) {
        if self.path("fail").exists() {
            fs::remove_file(self.path("fail")).expect("a disk");
        }
        if self.path("aside").exists() {
            if self.path("zone").is_dir() {
                fs::remove_dir(self.path("zone")).expect("a disk");
            } else {
                assert!(self.text().starts_with("<html>"), "what is no zone file is left as it is");
            }
            fs::rename(self.path("aside"), self.path("zone")).expect("a disk");
        }
    }
}
