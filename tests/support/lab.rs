//! A laboratory: a namespace with an interface, two emulated services in it, and the daemon that follows the interface.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use super::daemon::{Daemon, Place};
use super::dyndns2::{Dyndns2, Rules};
use super::http::Received;
use super::lunanode::{self, Switches};
use super::namespace::Namespace;
use super::served::{Call, Served};
use super::{until, wait};
use driftless::report::status::RecordStatus;

/// The name at the service that cannot be read and forgets what it is not told: dyndns2.
pub const PUSHED: &str = "home.example.org";
/// The name at the service that can be read: LunaNode's.
pub const KEPT: &str = "home.example.net";

const LOGIN: &str = "abcdefghijklmnop";
/// What changes something at LunaNode.
const EDITS: &[&str] = &["record-add", "record-remove"];

/// Longer than anything may be left to settle: what has not happened by then does not happen.
pub const SETTLED: f64 = 6.0;

/// The laboratory without its daemon.
pub struct Lab {
    /// Where everything is.
    pub namespace: Arc<Namespace>,
    /// The folder of the daemon.
    pub place: Place,
    /// dyndns2's state.
    pub hosts: Dyndns2,
    push: Served,
    luna: Served,
    state: Arc<Mutex<lunanode::State>>,
}

impl Lab {
    /// Builds it. `setup` are `ip` commands that come first; `record` are further keys of both records.
    pub fn new(setup: &[&str], record: &str) -> Self {
        Self::within(Namespace::new(), setup, record)
    }

    /// Builds it in a namespace that is there.
    pub fn within(namespace: Namespace, setup: &[&str], record: &str) -> Self {
        let namespace = Arc::new(namespace);
        for words in setup {
            namespace.ip(words);
        }
        let hosts = Dyndns2::new(Rules::default(), [PUSHED, "second.example.org"]);
        let answering = hosts.clone();
        let push = Served::start(&namespace, move |request: &Received| answering.answer(request));
        let mut state = lunanode::State::new(LOGIN, &key(), Switches::default());
        state.add_zone("example.net");
        let state = Arc::new(Mutex::new(state));
        let answering = Arc::clone(&state);
        let answer = move |request: &Received| answering.lock().unwrap_or_else(PoisonError::into_inner).answer(request);
        let luna = Served::start(&namespace, answer);
        let place = Place::new(&namespace, "");
        place.secret("password", "secret\n");
        place.secret("key", &key());
        let lab = Self { namespace, place, hosts, push, luna, state };
        lab.place.configure(&lab.configuration(record));
        lab
    }

    /// The configuration: a record at each service, both following the interface of the default route.
    pub fn configuration(&self, record: &str) -> String {
        format!(
            "[account.push]\nprovider = \"dyndns2\"\nserver = \"{}\"\nusername = \"user\"\n\
             password = {{ file = \"{{dir}}/password\" }}\nverify = false\n\n\
             [account.luna]\nprovider = \"lunanode\"\nendpoint = \"{}\"\napi_id = \"{LOGIN}\"\n\
             api_key = {{ file = \"{{dir}}/key\" }}\nverify = false\n\n\
             [[record]]\nname = \"{PUSHED}\"\naccount = \"push\"\nprivate = true\n{record}\n\n\
             [[record]]\nname = \"{KEPT}\"\naccount = \"luna\"\nprivate = true\n{record}\n\n\
             [log]\nlevel = \"debug\"\n",
            self.push.url("/"),
            self.luna.url("/api/"),
        )
    }

    /// The requests to dyndns2: each is an update.
    pub fn pushes(&self) -> Vec<Call> {
        self.push.calls()
    }

    /// The requests to LunaNode that change something.
    pub fn edits(&self) -> Vec<Call> {
        self.luna.calls_to(EDITS)
    }

    /// All requests to LunaNode.
    pub fn asked(&self) -> Vec<Call> {
        self.luna.calls()
    }

    /// How many updates dyndns2 got, and how many changes LunaNode.
    pub fn writes(&self) -> (usize, usize) {
        (self.pushes().len(), self.edits().len())
    }

    /// What dyndns2 holds.
    pub fn pushed(&self) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
        self.hosts.host(PUSHED).map(|host| (host.ipv4, host.ipv6)).unwrap()
    }

    /// What LunaNode holds, of a type, sorted.
    pub fn kept(&self, rtype: &str) -> Vec<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let records = state.zones.values().flat_map(|zone| zone.records.values());
        let fits = |record: &&lunanode::Record| record["type"] == rtype && record["name"].trim_end_matches('.') == KEPT;
        let mut found: Vec<_> = records.filter(fits).map(|record| record["data"].clone()).collect();
        found.sort();
        found
    }

    /// Waits until both services hold exactly these addresses.
    pub fn hold(&self, daemon: &Daemon, ipv4: Option<&str>, ipv6: Option<&str>, seconds: u64) {
        let list = |address: Option<&str>| address.map(str::to_owned).into_iter().collect::<Vec<_>>();
        let wanted = (ipv4.map(|text| text.parse().unwrap()), ipv6.map(|text| text.parse().unwrap()));
        until(&format!("both services hold {ipv4:?} and {ipv6:?}"), seconds, || {
            let found = (self.pushed(), self.kept("A"), self.kept("AAAA"));
            if found == (wanted, list(ipv4), list(ipv6)) { Ok(()) } else { Err(format!("{found:?}\n{}", daemon.log())) }
        });
    }

    /// Waits until LunaNode's last change was read back, so that nothing is under way.
    pub fn read_back(&self, daemon: &Daemon) {
        until("the last change is read back", 40, || {
            let asked = self.asked();
            let last = asked.iter().rposition(|call| EDITS.iter().any(|part| call.path.contains(part)));
            let after = last.and_then(|last| asked.get(last + 1..)).unwrap_or_default();
            let read = after.iter().any(|call| call.path.contains("record-list"));
            // One family's read may be over while the other's is still to come.
            let open = |record: &RecordStatus| {
                let is_due = record.readable && record.state == "up to date" && record.taken().is_some();
                is_due && record.read_back.is_none()
            };
            let all = !daemon.place().status().0.records.iter().any(open);
            if all && (read || last.is_none()) { Ok(()) } else { Err(daemon.log()) }
        });
    }

    /// Leaves everything alone until all has settled, and says that nothing was written and nothing asked meanwhile.
    pub fn quiet(&self, daemon: &Daemon, why: &str) {
        self.read_back(daemon);
        wait(0.3);
        let before = (self.pushes().len(), self.asked().len());
        wait(SETTLED);
        assert_eq!((self.pushes().len(), self.asked().len()), before, "{why}: nothing is called\n{}", daemon.log());
    }
}

/// LunaNode's key: 128 letters.
fn key() -> String {
    ('a'..='z').cycle().take(128).collect()
}
