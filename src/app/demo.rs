//! A demonstration without any account: this machine's interface addresses, kept in a zone file of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::Input;
use crate::detect::interface;
use crate::engine::Onlooker;
use crate::os::netlink::snapshot;
use crate::report::status::{RecordStatus, record_status};

/// The zone of the demonstration: for names at home (RFC 8375), so that it collides with nobody's.
const ZONE: &str = "home.arpa";

/// What the demonstration does.
#[derive(Debug)]
pub struct Demo {
    /// Its configuration, as if it had been typed.
    pub input: Input,
    /// The zone file.
    pub zone_file: PathBuf,
    /// The name that follows this machine.
    pub name: String,
}

/// Where the demonstration in `folder` takes commands.
#[must_use]
pub fn socket(folder: &Path) -> PathBuf {
    folder.join("state/driftless.sock")
}

/// The demonstration in `folder`, for a machine called `host`, which follows one of `interfaces`.
#[must_use]
pub fn demo(folder: &Path, host: &str, interfaces: &Interfaces) -> Demo {
    let label: String =
        host.split('.').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    let label = if label.is_empty() { "this-machine".to_owned() } else { label.to_ascii_lowercase() };
    let name = format!("{label}.{ZONE}");
    let zone_file = folder.join("demo.zone");
    let interface = &interfaces.word;
    let text = format!(
        r#"# driftless run --demo wrote no file with this text; it is what the demonstration runs with.
state_dir = {state}
[account.demo]
provider = "zonefile"
path = {zone}
zone = "{ZONE}"
[address.default]
ipv4 = {{ interface = "{interface}", all = true }}
ipv6 = {{ interface = "{interface}", all = true }}
[[record]]
name = "{name}"
account = "demo"
private = true
absent = "remove"
absent_after = "1m"
"#,
        state = quoted(&folder.join("state")),
        zone = quoted(&zone_file),
    );
    let input = Input { files: vec![(PathBuf::from("the demonstration"), text)], ..Input::default() };
    Demo { input, zone_file, name }
}

/// The interfaces that the demonstration follows.
#[derive(Debug)]
pub struct Interfaces {
    /// What they are called in the configuration: `default`, or the first one that works where there is no default route.
    word: String,
    /// Which they are now.
    pub names: Vec<String>,
}

impl Interfaces {
    /// Those of this machine.
    #[must_use]
    pub fn here() -> Self {
        let snapshot = snapshot().unwrap_or_default();
        let mut names = interface::usual(&snapshot);
        if !snapshot.routes.is_empty() {
            return Self { word: "default".into(), names };
        }
        names.truncate(1);
        Self { word: names.first().map_or_else(|| "default".into(), Clone::clone), names }
    }
}

/// Logs which addresses there are not, and that they are there again: a daemon leaves that to `status`, but who watches the
/// demonstration takes silence for a fault.
#[must_use]
pub fn tell_what_is_missing() -> Onlooker {
    let mut missing = BTreeMap::new();
    let mut nothing = false;
    Box::new(move |state, now| {
        if !state.is_settled(now) {
            return;
        }
        let all = state.views(now).all(|view| is_missing(&record_status(&view, now)));
        if all && !nothing {
            tracing::warn!(
                target: "driftless",
                "this machine has no address that could be followed: no interface with a public or private one is up; it is \
                 waited for one"
            );
        }
        nothing = all;
        for view in state.views(now) {
            let status = record_status(&view, now);
            let is_missing = is_missing(&status);
            let said =
                if is_missing { missing.insert(view.id.clone(), status.says.clone()) } else { missing.remove(view.id) };
            if is_missing && said.as_ref() != Some(&status.says) || !is_missing && said.is_some() {
                tracing::info!(target: "driftless", record = %view.id.key, "{}", status.says);
            }
        }
    })
}

/// Whether there is no address for a record set.
fn is_missing(status: &RecordStatus) -> bool {
    ["unknown", "unmanaged"].contains(&status.state.as_str())
}

/// A path as a TOML string.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}
