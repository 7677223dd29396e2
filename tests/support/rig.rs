//! The real Designate of `tests/rig`, as its administrator sees it: by `curl`, `dig`, its log and its script.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

use super::daemon::Place;
use super::namespace::{Namespace, run};
use super::until;

/// Where the homes have their addresses; the tests' own calls come from elsewhere.
const HOMES: &str = "198.51.100.0/24";

/// One test at a time: they share a name server and a Designate that some of them take away.
static RIG: Mutex<()> = Mutex::new(());

/// The running rig.
pub struct Rig {
    variables: BTreeMap<String, String>,
    /// The namespace it runs in.
    namespace: String,
    dir: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Rig {
    /// The rig that `DRIFTLESS_RIG_ENV` names, which must run in a namespace of its own.
    pub fn find() -> Self {
        let alone = RIG.lock().unwrap_or_else(PoisonError::into_inner);
        let path = std::env::var("DRIFTLESS_RIG_ENV").unwrap_or_else(|_| {
            panic!("DRIFTLESS_RIG_ENV does not name the rig's env.sh: .ci/run main_job starts the rig and sets it")
        });
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let words = text.lines().filter_map(|line| line.strip_prefix("export ")).flat_map(str::split_whitespace);
        let pairs = words.filter_map(|word| word.split_once('='));
        let variables: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let namespace = variables.get("RIG_NETNS").cloned().unwrap_or_default();
        assert!(!namespace.is_empty(), "the rig must run in a namespace: RIG_NETNS and RIG_HOST at its start");
        let dir = Path::new(&path).parent().unwrap().to_owned();
        Self { variables, namespace, dir, _alone: alone }
    }

    /// A variable of the rig.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("{name} is not in the rig's env.sh"))
    }

    /// A namespace on the rig's "internet": `wan0`, without an address yet.
    pub fn home(&self) -> Namespace {
        let namespace = Namespace::bare();
        self.wire(&namespace);
        namespace
    }

    /// Wires a namespace without a network to the rig's "internet": `wan0`, up, without an address yet.
    pub fn wire(&self, namespace: &Namespace) {
        namespace.join(&self.namespace, HOMES);
    }

    /// Takes the wire's end at the "internet" up or down.
    pub fn set_far_end(&self, namespace: &Namespace, up: bool) {
        namespace.set_far_end(&self.namespace, HOMES, up);
    }

    /// The default route by which the rig is reached.
    pub fn route(&self) -> String {
        format!("route replace default via {} dev wan0 onlink", self.variable("RIG_HOST"))
    }

    /// The name server behind Designate, as the configuration names it.
    pub fn name_server(&self) -> String {
        format!("{}:{}", self.variable("DESIGNATE_DNS_SERVER"), self.variable("DESIGNATE_DNS_PORT"))
    }

    /// The variables of an `openrc` file, but for those that `without` names.
    pub fn openrc(&self, place: Place, without: &[&str]) -> Place {
        let ours =
            self.variables.iter().filter(|(name, _)| name.starts_with("OS_") && !without.contains(&name.as_str()));
        ours.fold(place, |place, (name, content)| place.with(name, content))
    }

    /// Runs a command of the rig's script, with further variables.
    pub fn script(&self, word: &str, variables: &[(&str, &str)]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/designate.sh");
        let mut command = Command::new(script);
        command.arg(word).env("RIG_DIR", self.dir.parent().unwrap());
        command.env("RIG_NETNS", &self.namespace).env("RIG_HOST", self.variable("RIG_HOST"));
        run(command.envs(variables.iter().copied()));
    }

    /// How many logins Keystone has refused so far.
    pub fn refused(&self) -> usize {
        std::fs::read_to_string(self.dir.join("keystone.log")).unwrap().matches("Authorization failed").count()
    }

    /// What the daemons at home have asked of Keystone and Designate since the rig's start.
    pub fn calls(&self) -> Calls {
        let mut calls = Calls::default();
        for service in ["keystone", "designate"] {
            let text = std::fs::read_to_string(self.dir.join(format!("{service}.access"))).unwrap();
            for line in text.lines().filter_map(|line| line.strip_prefix("198.51.100.")) {
                let words: Vec<_> = line.split(' ').collect();
                let &[_, method, path, _] = words.as_slice() else { panic!("{line}") };
                match (method, path) {
                    ("POST", path) if path.ends_with("/auth/tokens") => calls.logins += 1,
                    ("GET", _) => calls.reads += 1,
                    _ => calls.writes += 1,
                }
            }
        }
        calls
    }

    /// Has the name server stand still until what this gives is dropped.
    pub fn freeze_name_server(&self) -> Frozen {
        let text = std::fs::read_to_string(self.dir.join("named.pid")).unwrap();
        let pid = text.lines().next().and_then(|line| line.parse().ok()).and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        Frozen(pid)
    }

    /// What the name server answers.
    pub fn dig(&self, name: &str, rtype: &str) -> Vec<String> {
        let (host, port) = (self.variable("DESIGNATE_DNS_SERVER"), self.variable("DESIGNATE_DNS_PORT"));
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "dig", "+short", "+time=1", "+tries=1"]);
        command.args([&format!("@{host}"), "-p", port, name, rtype]);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with(';')).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Waits until the name server answers exactly this.
    pub fn answers(&self, name: &str, rtype: &str, wanted: &[&str], seconds: u64, log: impl Fn() -> String) {
        until(&format!("the name server answers {wanted:?} for {name} {rtype}"), seconds, || {
            let found = self.dig(name, rtype);
            if found == wanted { Ok(()) } else { Err(format!("{found:?}\n{}", log())) }
        });
    }

    /// Status, head and body of the answer; `None` where there is none.
    fn curl(&self, method: &str, url: &str, token: Option<&str>, body: Option<&Json>) -> Option<(u16, String, String)> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "curl", "-s", "-i", "--max-time", "60", "-X", method, url]);
        command.args(["-H", "Content-Type: application/json"]);
        if let Some(token) = token {
            command.args(["-H", &format!("X-Auth-Token: {token}")]);
        }
        if let Some(body) = body {
            command.args(["-d", &body.to_string()]);
        }
        let text = String::from_utf8(command.output().ok()?.stdout).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, head.to_owned(), body.to_owned()))
    }

    /// Calls Designate as `user`, whose project has the same name; `None` where it does not answer or there is no token.
    fn try_call(
        &self,
        [user, password]: [&str; 2],
        method: &str,
        path: &str,
        body: Option<&Json>,
    ) -> Option<(u16, Json)> {
        let domain = json!({"id": "default"});
        let login = json!({"auth": {
            "identity": {"methods": ["password"],
                "password": {"user": {"name": user, "domain": domain, "password": password}}},
            "scope": {"project": {"name": user, "domain": domain}},
        }});
        let url = format!("{}/auth/tokens", self.variable("OS_AUTH_URL"));
        let (_, head, _) = self.curl("POST", &url, None, Some(&login))?;
        let is_token = |line: &&str| line.to_ascii_lowercase().starts_with("x-subject-token:");
        let token = head.lines().find(is_token)?.split_once(": ")?.1;
        let url = format!("{}/v2/{path}", self.variable("DESIGNATE_URL"));
        let (status, _, answer) = self.curl(method, &url, Some(token), body)?;
        Some((status, serde_json::from_str(&answer).unwrap_or_default()))
    }

    fn call(&self, user: [&str; 2], method: &str, path: &str, body: Option<&Json>) -> (u16, Json) {
        self.try_call(user, method, path, body).unwrap_or_else(|| panic!("{method} {path}: Designate does not answer"))
    }

    /// Makes a zone of demo's, or of another user's, and waits until it is live.
    pub fn zone(&self, user: [&'static str; 2], name: &str) -> Zone<'_> {
        let body = json!({"name": format!("{name}."), "email": "hostmaster@example.test", "ttl": 60});
        let (status, zone) = self.call(user, "POST", "zones", Some(&body));
        assert_eq!(status, 202, "{zone}");
        let id = zone["id"].as_str().unwrap().to_owned();
        until("the zone is live", 60, || {
            let zone = self.call(user, "GET", &format!("zones/{id}"), None).1;
            if zone["status"] == "ACTIVE" { Ok(()) } else { Err(zone.to_string()) }
        });
        Zone { rig: self, user, id }
    }
}

/// How often a service was asked for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// For a token.
    pub logins: usize,
    /// For what there is.
    pub reads: usize,
    /// To change something.
    pub writes: usize,
}

impl std::ops::Sub for Calls {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            logins: self.logins - before.logins,
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
        }
    }
}

/// A process that stands still. It goes on when this is dropped.
pub struct Frozen(Pid);

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

/// A zone of the rig, removed with this.
pub struct Zone<'a> {
    rig: &'a Rig,
    user: [&'static str; 2],
    id: String,
}

/// A record set as Designate tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// What it holds.
    pub records: Vec<String>,
    /// How often it was written: 1 after its creation.
    pub version: u64,
    /// `ACTIVE`, `PENDING` or `ERROR`.
    pub status: String,
}

impl Zone<'_> {
    /// The record sets of this name and type; more than one is wrong.
    pub fn sets(&self, name: &str, rtype: &str) -> Vec<Set> {
        let path = format!("zones/{}/recordsets?name={name}.&type={rtype}", self.id);
        let (status, list) = self.rig.call(self.user, "GET", &path, None);
        assert_eq!(status, 200, "{list}");
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let set = |set: &Json| Set {
            records: set["records"].as_array().unwrap().iter().map(text).collect(),
            version: set["version"].as_u64().unwrap(),
            status: text(&set["status"]),
        };
        list["recordsets"].as_array().unwrap().iter().map(set).collect()
    }

    /// What the only record set of this name and type holds, and how often it was written.
    pub fn set(&self, name: &str, rtype: &str) -> (Vec<String>, u64) {
        let sets = self.sets(name, rtype);
        assert_eq!(sets.len(), 1, "{sets:?}");
        (sets[0].records.clone(), sets[0].version)
    }
}

impl Drop for Zone<'_> {
    fn drop(&mut self) {
        // Whatever is wrong now was said by the test, or is said by the next one that needs a zone.
        let _ = self.rig.try_call(self.user, "DELETE", &format!("zones/{}", self.id), None);
    }
}
