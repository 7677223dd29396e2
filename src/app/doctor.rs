//! What is looked at when a person asks what is wrong: this machine and, read-only, whom it talks to. Decides nothing: see
//! `model::diagnosis`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Failure, Loaded, load_accounts, load_beside, on_disk, rights};
use crate::config::{self, Config, Problem, Severity, Unread};
use crate::engine::{Access, Parts};
use crate::model::desired::{AccountName, Id};
use crate::model::diagnosis::{Diagnosis, Finding, Outcome, Step};
use crate::model::record::{Family, Values};
use crate::net::http::Http;
use crate::os::clock::now;
use crate::provider::Tools;
use crate::report::control::{Request, Unanswered, ask};
use crate::report::status::{HoldStatus, Status};

mod clock;
mod heard;
mod machine;
mod names;
mod served;
mod watching;

/// One who is examined: what could be read of the configuration, and what was found so far.
pub struct Patient {
    loaded: Option<Loaded>,
    /// What was built of that; its accounts are those of `accounts`.
    parts: Parts,
    /// The accounts that can be built, each with the client that it alone uses.
    accounts: BTreeMap<AccountName, (Access, Http)>,
    /// Where a daemon would listen.
    socket: Option<PathBuf>,
    /// What starts one with this configuration.
    start: String,
    /// What the running daemon says.
    daemon: Option<Status>,
    /// What the last one left behind, where none runs.
    left: Option<Status>,
    /// What services hold, as far as they were read.
    held: BTreeMap<Id, Values>,
    findings: Vec<Finding>,
    /// What the configuration says of secrets that could not be read with it: whoever tries them finds out more.
    unread: Vec<(Unread, Finding)>,
}

impl Patient {
    /// Reads the configuration at `path`, or where it stands by default. Where something is wrong with it, what is right is gone on
    /// with; where there is none, with this machine alone.
    #[must_use]
    pub fn admit(path: Option<&Path>) -> Self {
        let (mut findings, mut unread) = (Vec::new(), Vec::new());
        let mut note = |findings: &mut Vec<Finding>, problems: &[Problem], code| {
            for problem in problems {
                match problem.unread.clone() {
                    Some(secret) => unread.push((secret, of_problem(problem, code))),
                    None => findings.push(of_problem(problem, code)),
                }
            }
        };
        let mut loaded = match load_beside(path) {
            Ok(loaded) => {
                note(&mut findings, &loaded.config.warnings, 78);
                findings.push(Finding::ok(Step::Configuration, summary(&loaded)));
                Some(loaded)
            }
            Err(errors) if errors.is_nothing() => {
                let why = "there is none, so that only this machine is looked at: driftless init writes one";
                findings.push(Finding::skipped(Step::Configuration, why));
                None
            }
            Err(errors) => {
                let code = if path.is_some_and(config::is_shut) { 77 } else { 78 };
                note(&mut findings, errors.problems(), code);
                load_accounts(path).ok()
            }
        };
        let socket = loaded.as_ref().map(|loaded| loaded.config.socket.clone());
        let accounts = loaded.as_mut().map(|loaded| buildable(loaded, &mut findings)).unwrap_or_default();
        let parts = match loaded.as_ref().map(|loaded| loaded.build(None)) {
            Some(Ok(parts)) => parts,
            Some(Err(Failure::Other(code, why))) => {
                // Where something was found wrong before, this is what comes of it.
                if !findings.iter().any(|found| found.outcome == Outcome::Failed) {
                    findings.push(Finding::failed(Step::Configuration, code, why));
                }
                Parts::default()
            }
            Some(Err(Failure::Config(errors))) => {
                note(&mut findings, errors.problems(), 78);
                Parts::default()
            }
            None => Parts::default(),
        };
        let socket = socket.or_else(|| config::likely_socket(path));
        // The unit reads the usual file alone.
        let start = match path.filter(|path| *path != Path::new(config::DEFAULT_FILE)) {
            Some(path) => format!("driftless --config {} run", path.display()),
            None => "systemctl enable --now driftless".to_owned(),
        };
        let (daemon, left, held) = (None, None, BTreeMap::new());
        Self { loaded, parts, accounts, socket, start, daemon, left, held, findings, unread }
    }

    /// Asks the daemon how everything stands, where one runs. It does nothing else for that.
    pub async fn ask_daemon(&mut self) {
        let Some(socket) = self.socket.clone() else { return };
        let at = socket.display();
        let finding = match ask(&socket, &Request::Status).await {
            Ok(answer) => match serde_json::from_value::<Status>(answer) {
                Ok(status) => {
                    self.findings.extend(of_daemon(&status));
                    self.daemon = Some(status);
                    return;
                }
                Err(error) => {
                    Finding::failed(Step::Daemon, 75, format!("what answers at {at} is not understood: {error}"))
                        .advice("after an upgrade: systemctl restart driftless")
                }
            },
            Err(Unanswered::NotRunning) => {
                self.left = self.left_behind();
                self.findings.extend(self.left.iter().flat_map(of_left));
                Finding::skipped(Step::Daemon, format!("none listens at {at}: {} starts it", self.start))
            }
            Err(Unanswered::Forbidden) => {
                Finding::skipped(Step::Daemon, format!("this user may not ask at {at}: sudo driftless doctor"))
            }
            Err(Unanswered::Refused(why)) => Finding::skipped(Step::Daemon, why),
            Err(Unanswered::Silent(why)) => Finding::failed(Step::Daemon, 75, format!("the daemon hangs: {why}"))
                .advice("its log says more (journalctl -u driftless); systemctl restart driftless starts it anew"),
        };
        self.findings.push(finding);
    }

    /// How everything stands by the state that the last process left behind.
    fn left_behind(&self) -> Option<Status> {
        let loaded = self.loaded.as_ref()?;
        rights::may_look(&loaded.config.state_dir, "doctor").ok()?;
        Some(Status::of(&on_disk(loaded).ok()?, now()).left_behind())
    }

    /// Says of all that would leave this machine that it was left out.
    pub fn stay_at_home(&mut self) {
        for step in [Step::Resolver, Step::Account, Step::NameServers] {
            self.findings.push(Finding::skipped(step, "it would be asked over the network (--offline)"));
        }
    }

    /// What all of it comes to.
    #[must_use]
    pub fn diagnosis(self) -> Diagnosis {
        let unread = self.unread.into_iter().map(|(_, finding)| finding);
        Diagnosis::of(self.findings.into_iter().chain(unread).collect())
    }

    fn config(&self) -> Option<&Config> {
        self.loaded.as_ref().map(|loaded| &loaded.config)
    }

    /// The families that are published; both where nobody has said.
    fn families(&self) -> Vec<Family> {
        let families = self.parts.desired.families();
        if families.is_empty() { Family::ALL.to_vec() } else { families }
    }

    fn has_failed(&self, step: Step) -> bool {
        self.findings.iter().any(|finding| finding.step == step && finding.outcome == Outcome::Failed)
    }
}

/// What a configuration that can be used is made of.
fn summary(loaded: &Loaded) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let config = &loaded.config;
    let files: Vec<String> = loaded.input.files.iter().map(|(path, _)| path.display().to_string()).collect();
    let from = if files.is_empty() { "variables".to_owned() } else { files.join(", ") };
    format!("{}, {}, from {from}", counted(config.accounts.len(), "account"), counted(config.records.len(), "name"))
}

fn of_problem(problem: &Problem, code: u8) -> Finding {
    let says = problem.to_string();
    let finding = match problem.severity {
        Severity::Error => Finding::failed(Step::Configuration, code, says),
        Severity::Warning => Finding::warning(Step::Configuration, says),
    };
    finding.advised(problem.help.clone())
}

/// Builds each account by itself, and leaves out of the configuration those that cannot be, with their records.
fn buildable(loaded: &mut Loaded, findings: &mut Vec<Finding>) -> BTreeMap<AccountName, (Access, Http)> {
    let mut built = BTreeMap::new();
    for (name, account) in &loaded.config.accounts {
        let http = Http::new(None);
        match (account.entry.build)(&account.settings, &Tools { http: http.clone() }) {
            Ok(provider) => {
                let (settings, nameservers) = (account.settings.clone(), account.nameservers.clone());
                built.insert(AccountName(name.clone()), (Access { provider, settings, nameservers }, http));
            }
            Err(wrong) => findings.push(
                Finding::failed(Step::Configuration, 78, wrong.to_string())
                    .about(format!("account {name}"))
                    .advice(format!("driftless providers {} shows its settings", account.entry.name)),
            ),
        }
    }
    let is_built = |name: &str| built.contains_key(&AccountName(name.to_owned()));
    loaded.config.accounts.retain(|name, _| is_built(name));
    loaded.config.records.retain(|record| is_built(&record.account));
    built
}

/// What the last process held. A secret may have been mended since, or the configuration.
fn of_left(status: &Status) -> Vec<Finding> {
    let of = |about: String, held: &HoldStatus, what: &str| {
        let says = format!("the last one held {what} since {}: {}", held.since, held.error);
        Finding::warning(Step::Daemon, says).about(about).advice(held.way_out())
    };
    let accounts = status.accounts.iter();
    let accounts = accounts.filter_map(|account| Some(of(account.name.clone(), account.held.as_ref()?, "the account")));
    let records = status.records.iter().filter(|record| !status.holds_account(&record.account));
    let records = records.filter_map(|record| Some(of(record.id(), record.held.as_ref()?, "it")));
    accounts.chain(records).collect()
}

/// What a running daemon says of itself.
fn of_daemon(status: &Status) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !status.state_is_writable {
        findings.push(
            Finding::failed(
                Step::State,
                75,
                "the daemon cannot write it, so that push services are not sent to freely",
            )
            .advice("make the state's folder writable, or room on its disk; then: driftless update"),
        );
    }
    for account in &status.accounts {
        if let Some(held) = &account.held {
            let finding = Finding::failed(Step::Daemon, 77, format!("it holds the account: {}", held.error));
            findings.push(finding.about(account.name.clone()).advice(held.way_out()));
        }
    }
    for record in status.records.iter().filter(|record| !status.holds_account(&record.account)) {
        let about = record.id();
        match record.state.as_str() {
            "held" => {
                let advice = record.held.as_ref().map(|held| held.way_out());
                findings.push(Finding::failed(Step::Daemon, 78, record.says.clone()).about(about).advised(advice));
            }
            "failing" | "unknown" => {
                let advice = format!("driftless explain {}", record.name);
                findings.push(Finding::warning(Step::Daemon, record.says.clone()).about(about).advice(advice));
            }
            _ => {}
        }
    }
    let right = status.records.iter().filter(|record| record.state == "up to date").count();
    let sum =
        format!("driftless {} runs: {right} of {} record sets are up to date", status.version, status.records.len());
    findings.push(Finding::ok(Step::Daemon, sum));
    findings
}
