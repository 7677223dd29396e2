//! What holds where nothing else is said, the log, and where things are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

use super::input::{self, Input};
use super::meant::{Defaults, Log, LogFormat, LogLevel, TtlPolicy};
use super::reader::{Fields, Reader};
use super::tree::{self, Node, Table, Value};
use super::{record, secret, setting};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Defaults {
    fn default() -> Self {
        Self {
            // Every attribute that nobody asked us to manage stays as it was.
            ttl: TtlPolicy::Keep,
            check: 5 * MINUTE,
            verify: 6 * HOUR,
            echo_interval: 10 * MINUTE,
        }
    }
}

/// A section of the file; what is no table is already noted.
pub(super) fn section<'a>(root: &'a Table, key: &str) -> Option<&'a Table> {
    match root.get(key) {
        Some((_, Node { value: Value::Table(table), .. })) => Some(table),
        _ => None,
    }
}

/// Reads `[defaults]`.
pub(super) fn read(reader: &mut Reader, root: &Table) -> Defaults {
    let defaults = Defaults::default();
    let Some(table) = section(root, "defaults") else { return defaults };
    let mut fields = Fields::new(table);
    let ttl = fields.take("ttl").and_then(|field| record::ttl(reader, field));
    let mut interval = |key, least, most| reader.duration(fields.take(key)?, least, most);
    let check = interval("check", MINUTE / 2, DAY);
    let verify = interval("verify_interval", HOUR, 30 * DAY);
    // Public echo services ask for no more than this.
    let echo_interval = interval("echo_interval", 10 * MINUTE, DAY);
    fields.finish(reader, "[defaults]");
    Defaults {
        ttl: ttl.unwrap_or(defaults.ttl),
        check: check.unwrap_or(defaults.check),
        verify: verify.unwrap_or(defaults.verify),
        echo_interval: echo_interval.unwrap_or(defaults.echo_interval),
    }
}

/// Reads `[log]`.
pub(super) fn log(reader: &mut Reader, root: &Table) -> Log {
    let Some(table) = section(root, "log") else { return Log::default() };
    let mut fields = Fields::new(table);
    let mut word = |key, words: &[&'static str]| setting::choice(reader, fields.take(key)?, words);
    let level = match word("level", &["error", "warn", "info", "debug", "trace"]) {
        Some("error") => LogLevel::Error,
        Some("warn") => LogLevel::Warn,
        Some("debug") => LogLevel::Debug,
        Some("trace") => LogLevel::Trace,
        _ => LogLevel::Info,
    };
    let format = match word("format", &["text", "json"]) {
        Some("json") => LogFormat::Json,
        _ => LogFormat::Text,
    };
    fields.finish(reader, "[log]");
    Log { level, format }
}

/// The state's folder where nobody names one.
pub const STATE_DIR: &str = "/var/lib/driftless";
/// The socket's name in it.
const SOCKET: &str = "driftless.sock";

/// Where the daemon takes commands that runs with a configuration, wrong as it may be now: what is left to be read of it at
/// `path`, or where it stands by default. `None` where `path` cannot be read: which daemon was meant is then not known.
#[must_use]
pub fn likely_socket(path: Option<&Path>) -> Option<PathBuf> {
    let (texts, variables) = input::what_can_be_read(path)?;
    let mut root = Table::new();
    for text in &texts {
        tree::merge(&mut root, tree::from_toml(0, DeTable::parse_recoverable(text).0.into_inner()), false);
    }
    let typed = |key: &str| match root.get(key) {
        Some((_, Node { value: Value::Text(text), .. })) if text.starts_with('/') => Some(PathBuf::from(text)),
        _ => None,
    };
    let spelt = |name: &str| variables.get(name).filter(|path| path.starts_with('/')).map(PathBuf::from);
    let state_dir = spelt("DRIFTLESS__STATE_DIR").or_else(|| typed("state_dir"));
    let socket = spelt("DRIFTLESS__SOCKET").or_else(|| typed("socket"));
    Some(socket.unwrap_or_else(|| usual_socket(&input::beside(variables), state_dir.as_deref())))
}

/// Where the daemon takes commands where nobody says it: in the service manager's folder for what lasts as long as the service. A
/// state's folder that was `given` speaks of a daemon of one's own, which has its socket there.
fn usual_socket(variables: &BTreeMap<String, String>, given: Option<&Path>) -> PathBuf {
    let runtime = || folder(variables, "RUNTIME_DIRECTORY").map(Path::new);
    given.or_else(runtime).unwrap_or_else(|| Path::new(usual_state_dir(variables))).join(SOCKET)
}

/// The service manager's folder for the state, or the usual one.
fn usual_state_dir(variables: &BTreeMap<String, String>) -> &str {
    folder(variables, "STATE_DIRECTORY").unwrap_or(STATE_DIR)
}

/// A folder of the service manager's.
fn folder<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    // systemd separates several folders with colons; the first is ours.
    let given = variables.get(name).and_then(|folders| folders.split(':').next());
    given.filter(|folder| folder.starts_with('/'))
}

/// Reads `state_dir` and `socket`. Where nothing is said they are in the service manager's folders.
pub(super) fn paths(reader: &mut Reader, input: &Input, fields: &mut Fields<'_>) -> (PathBuf, PathBuf) {
    let mut path = |key| secret::path(reader, fields.take(key)?);
    let (state_dir, socket) = (path("state_dir"), path("socket"));
    let socket = socket.unwrap_or_else(|| usual_socket(&input.variables, state_dir.as_deref()));
    (state_dir.unwrap_or_else(|| usual_state_dir(&input.variables).into()), socket)
}
