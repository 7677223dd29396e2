//! Rackspace Cloud DNS v1.0 and its identity service as their documentation describes them, and stricter.
//!
//! Sources: the developer guide (limits, faults, pages, synchronous and asynchronous responses, record types) and the reference of
//! the operations on domains and records; the identity guide; recordings of 2018. What is not documented is refused and noted as a
//! violation; what the documents leave open, or where recordings contradict them, is a switch. JSON only. Not here: PTR records,
//! changing, importing, exporting and cloning domains.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{self, Answer, Received, Server};

#[path = "rackspace/checks.rs"]
pub mod checks;
#[path = "rackspace/domains.rs"]
mod domains;
#[path = "rackspace/faults.rs"]
pub mod faults;
#[path = "rackspace/identity.rs"]
mod identity;
#[path = "rackspace/jobs.rs"]
pub mod jobs;
#[path = "rackspace/limits.rs"]
pub mod limits;
#[path = "rackspace/records.rs"]
mod records;
#[path = "rackspace/switches.rs"]
pub mod switches;

use checks::{Query, check_transport};
use faults::{Failure, Refusal};
use jobs::{Job, JobFailure, Pace};
use limits::Limit;
pub use switches::{Duplicates, Ids, Mfa, OverLimit, Role, Switches, Unauthorized};

/// Accounts of the United Kingdom have an identity service and a DNS of their own; here they are below `/lon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    Us,
    Uk,
}

impl Region {
    fn prefix(self) -> &'static str {
        match self {
            Self::Us => "",
            Self::Uk => "/lon",
        }
    }
}

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    pub rtype: String,
    /// The whole name, without a dot at its end.
    pub name: String,
    pub data: String,
    pub ttl: u64,
    pub priority: Option<u64>,
    pub comment: Option<String>,
    pub created: String,
    pub updated: String,
}

/// A domain.
#[derive(Clone, Debug)]
pub struct Domain {
    pub id: String,
    pub name: String,
    pub email: String,
    pub ttl: u64,
    pub comment: Option<String>,
    pub created: String,
    pub updated: String,
    /// The account may read it and not change it.
    pub forbidden: bool,
    /// In the order of their creation.
    pub records: Vec<Record>,
}

/// What the service holds, and how it behaves.
pub struct State {
    pub username: String,
    pub api_key: String,
    /// The account's number, which is its tenant's id too.
    pub account: String,
    pub region: Region,
    pub switches: Switches,
    /// Where the account is, in the order in which limits are looked at.
    pub limits: Vec<Limit>,
    /// The most logins in a minute, where there is a limit.
    pub most_logins: Option<usize>,
    pub most_domains: usize,
    pub most_records: usize,
    /// How long a token is good.
    pub token_life: Duration,
    /// When jobs are done.
    pub pace: Pace,
    pub domains: Vec<Domain>,
    /// Names of records that are refused whatever they hold.
    pub refused: Vec<String>,
    /// The ids of what cannot be deleted for now.
    pub undeletable: Vec<String>,
    /// Jobs are COMPLETED and nothing is done.
    pub swallows: bool,
    /// What the next requests are answered with.
    pub failures: VecDeque<Failure>,
    /// How the next jobs end.
    pub job_failures: VecDeque<JobFailure>,
    /// What callers did that the documentation does not allow.
    pub violations: Vec<String>,
    /// How many seconds of the service's pass in one of ours.
    pub speed: u32,
    jobs: Vec<Job>,
    tokens: BTreeMap<String, Duration>,
    taken: BTreeMap<usize, VecDeque<Duration>>,
    skipped: Duration,
    started: Instant,
    began: i64,
    last_id: u32,
}

/// A running emulator.
pub struct Rackspace {
    /// The server below it: faults and the log.
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl Rackspace {
    /// Starts on 127.0.0.1 with one user, whose account (1234, in the US) has no domains.
    pub async fn start(port: u16, username: &str, api_key: &str, switches: Switches) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::new(username, api_key, switches)));
        let answering = Arc::clone(&state);
        let server = Server::start(port, move |request| lock(&answering).answer(request)).await?;
        Ok(Self { server, state })
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The URL that stands in for `https://identity.api.rackspacecloud.com/v2.0/`, or the one with `lon.` for an account in the UK.
    pub fn identity(&self) -> String {
        let prefix = self.state().region.prefix();
        self.server.url(&format!("{prefix}/v2.0/"))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A status and a body, or why not.
type Outcome = Result<(u16, Value), Refusal>;

/// A request to the DNS, taken apart.
struct Call<'a> {
    request: &'a Received,
    /// `http://HOST/v1.0/ACCOUNT`.
    base: String,
    /// The URL that was asked for, without its query.
    url: String,
}

impl State {
    /// A service with one user and the documented limits.
    #[expect(clippy::disallowed_methods, reason = "a service of the tests, with a clock of its own")]
    pub fn new(username: &str, api_key: &str, switches: Switches) -> Self {
        Self {
            username: username.into(),
            api_key: api_key.into(),
            account: "1234".into(),
            region: Region::Us,
            switches,
            limits: limits::DOCUMENTED.into(),
            most_logins: None,
            most_domains: 500,
            most_records: 500,
            token_life: Duration::from_secs(24 * 3600),
            pace: Pace::Calls(1),
            domains: Vec::new(),
            refused: Vec::new(),
            undeletable: Vec::new(),
            swallows: false,
            failures: VecDeque::new(),
            job_failures: VecDeque::new(),
            violations: Vec::new(),
            speed: 1,
            jobs: Vec::new(),
            tokens: BTreeMap::new(),
            taken: BTreeMap::new(),
            skipped: Duration::ZERO,
            started: Instant::now(),
            began: http::unix_now(),
            last_id: 6_817_753,
        }
    }

    /// Adds a domain with nothing in it, unchecked, and answers its id.
    pub fn add_domain(&mut self, name: &str) -> String {
        let domain = self.made_domain(name, "hostmaster@example.com", 3600, None);
        let id = domain.id.clone();
        self.domains.push(domain);
        id
    }

    /// Adds a record, unchecked, and answers its id.
    pub fn add_record(&mut self, domain: &str, rtype: &str, name: &str, data: &str, ttl: u64) -> String {
        let record = self.made_record(rtype, name, data, ttl);
        let id = record.id.clone();
        if let Some(domain) = self.domains.iter_mut().find(|held| held.id == domain) {
            domain.records.push(record);
        }
        id
    }

    /// The records of a domain.
    pub fn records(&self, domain: &str) -> &[Record] {
        let found = self.domains.iter().find(|held| held.id == domain);
        found.map(|domain| domain.records.as_slice()).unwrap_or_default()
    }

    /// The service's clock goes on by this much.
    pub fn skip(&mut self, time: Duration) {
        self.skipped += time;
    }

    /// No token is good any more: the next request is answered with 401.
    pub fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    /// The jobs so far, oldest first.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    #[expect(clippy::disallowed_methods, reason = "a service of the tests, with a clock of its own")]
    fn now(&self) -> Duration {
        Instant::now().duration_since(self.started) * self.speed + self.skipped
    }

    /// The service's time of day as records have it.
    fn stamp(&self) -> String {
        let now = self.began + i64::try_from(self.now().as_secs()).unwrap_or(0);
        let now = jiff::Timestamp::from_second(now).unwrap_or_default();
        now.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
    }

    /// When, by the caller's clock, this much of the service's time will have passed. Rounded up to a second.
    fn callers_time(&self, wait: Duration) -> (i64, jiff::Timestamp) {
        let seconds = i64::try_from((wait / self.speed.max(1)).as_secs()).unwrap_or(0) + 1;
        (seconds, jiff::Timestamp::from_second(http::unix_now() + seconds).unwrap_or_default())
    }

    /// A new id: of a record, of a domain (no type) or of a job.
    fn fresh_id(&mut self, rtype: Option<&str>, ids: Ids) -> String {
        self.last_id += 1;
        let number = self.last_id;
        match (ids, rtype) {
            (Ids::Uuid, _) => format!("94a01109-94d3-44df-ae95-{number:012x}"),
            (_, Some(rtype)) => format!("{rtype}-{number}"),
            (_, None) => number.to_string(),
        }
    }

    /// What the service says to a request.
    pub fn answer(&mut self, request: &Received) -> Answer {
        let line = format!("{} {}", request.method, request.path);
        let at = self.failures.iter().position(|failure| line.contains(&failure.on));
        match at.and_then(|at| self.failures.remove(at)) {
            Some(failure) if failure.done => {
                self.own(request);
                failure.answer
            }
            Some(failure) => failure.answer,
            None => self.own(request),
        }
    }

    fn own(&mut self, request: &Received) -> Answer {
        match self.route(request) {
            Ok((status, body)) => Answer::new(status, body.to_string())
                .with("Content-Type", "application/json")
                .with("X-API-VERSION", "1.0.37"),
            Err(refusal) => {
                if let Some(why) = &refusal.violation {
                    self.violations.push(format!("{} {}: {why}", request.method, request.path));
                }
                refusal.answer()
            }
        }
    }

    fn route(&mut self, request: &Received) -> Outcome {
        let (region, path) = match request.path.strip_prefix("/lon/") {
            Some(rest) => (Region::Uk, rest),
            None => (Region::Us, request.path.strip_prefix('/').unwrap_or_default()),
        };
        // The reference has a slash at the end of `records/?id=`.
        let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        match parts.as_slice() {
            ["v2.0", "tokens"] => self.log_in(request, region),
            ["v1.0", account, rest @ ..] => {
                check_transport(request)?;
                self.authorize(request, region, account)?;
                self.count(&request.method, rest)?;
                self.go_on();
                let host = request.header("host").unwrap_or("127.0.0.1");
                let base = format!("http://{host}{}/v1.0/{account}", region.prefix());
                let url = format!("http://{host}{}", request.path);
                self.dns(&Call { request, base, url }, rest)
            }
            _ => Err(Refusal::no_such_call()),
        }
    }

    fn dns(&mut self, call: &Call<'_>, path: &[&str]) -> Outcome {
        let request = call.request;
        let query = |known: &[&str]| Query::parse(request, known);
        self.permit(&request.method)?;
        match (request.method.as_str(), path) {
            ("GET", ["limits"]) => query(&[]).map(|_| (200, self.all_limits())),
            ("GET", ["limits", which]) => query(&[]).and_then(|_| self.limits_of(which)),
            ("GET", ["status"]) => self.list_jobs(call, &query(&jobs::LIST)?),
            ("GET", ["status", id]) => self.show_job(id, &query(&["showDetails"])?),
            ("GET", ["domains"]) => self.list_domains(call, &query(&["name", "limit", "offset", "marker"])?),
            ("GET", ["domains", "search"]) => self.search_domains(call, &query(&["name", "limit", "offset"])?),
            ("POST", ["domains"]) => query(&[]).and_then(|_| self.create_domains(call)),
            ("DELETE", ["domains"]) => self.delete_domains(call, &query(&["id", "deleteSubdomains"])?),
            ("GET", ["domains", id]) => {
                self.show_domain(id, &query(&["showRecords", "showSubdomains", "limit", "offset"])?)
            }
            ("DELETE", ["domains", id]) => self.delete_domain(call, id, &query(&["deleteSubdomains"])?),
            ("GET", ["domains", id, "records"]) => {
                self.list_records(call, id, &query(&["type", "name", "data", "limit", "offset", "marker"])?)
            }
            ("POST", ["domains", id, "records"]) => query(&[]).and_then(|_| self.add_records(call, id)),
            ("PUT", ["domains", id, "records"]) => query(&[]).and_then(|_| self.update_records(call, id)),
            ("DELETE", ["domains", id, "records"]) => self.delete_records(call, id, &query(&["id"])?),
            ("GET", ["domains", id, "records", record]) => query(&[]).and_then(|_| self.show_record(id, record)),
            ("PUT", ["domains", id, "records", record]) => {
                query(&[]).and_then(|_| self.update_record(call, id, record))
            }
            ("DELETE", ["domains", id, "records", record]) => {
                query(&[]).and_then(|_| self.delete_record(call, id, record))
            }
            _ => Err(Refusal::no_such_call()),
        }
    }

    /// Whether the user's role allows this: observers read, creators do not delete.
    fn permit(&self, method: &str) -> Result<(), Refusal> {
        match (self.switches.role, method) {
            (Role::Admin, _) | (_, "GET") | (Role::Creator, "POST" | "PUT") => Ok(()),
            _ => Err(Refusal::forbidden(self.switches.forbidden_401)),
        }
    }

    /// A domain that is to be read.
    fn domain(&self, id: &str) -> Result<&Domain, Refusal> {
        let found = self.domains.iter().find(|domain| domain.id == id);
        found.ok_or_else(|| Refusal::fault("itemNotFound", &format!("Domain with id {id} not found.")))
    }

    /// A domain that is to be changed.
    fn own_domain(&self, id: &str) -> Result<&Domain, Refusal> {
        let domain = self.domain(id)?;
        if domain.forbidden { Err(Refusal::forbidden(self.switches.forbidden_401)) } else { Ok(domain) }
    }
}
