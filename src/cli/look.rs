//! The commands that look and change nothing.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::evidence::{VOICES, belief_row, remember, voice_row};
use super::patience::{patiently, tell_what_is_proved};
use super::{around, print};
use crate::app::{self, Failure, Loaded, rights, services, situation, sources, wiring};
use crate::config::{self, Config, ConfigErrors, Input, Problem, Severity};
use crate::engine::Parts;
use crate::model::agree::Reading;
use crate::model::desired::AccountName;
use crate::model::machine::State;
use crate::model::machine::standing::{Standing, View};
use crate::model::plan::Change;
use crate::model::record::list;
use crate::net::http::Http;
use crate::os::clock;
use crate::provider::Tools;
use crate::report::control::{Request, Unanswered, ask};
use crate::report::status::{Document, Status, record_status};

/// What would change, and why.
pub(super) async fn plan(loaded: &Loaded, json: bool) -> Result<u8, Failure> {
    rights::may_look(&loaded.config.state_dir, "plan")?;
    let work = app::plan(loaded, tell_what_is_proved());
    let app::Planned { state, objections, situations } = patiently("asking the sources and the services", work).await?;
    let now = clock::now();
    let mut rows = Vec::new();
    let mut out = Vec::new();
    let mut changes = 0;
    for view in state.views(now) {
        // What is held is not sent, whatever would be.
        let refused = objections.get(view.id);
        let planned = view.planned.filter(|_| refused.is_none() && !matches!(view.standing, Standing::Held { .. }));
        // What cannot be read holds what it was last told, if it was.
        let before = planned.and_then(|change| match &view.entry.confirmed {
            confirmed if !view.readable => confirmed.as_ref().map(|confirmed| &confirmed.values),
            _ => Some(&change.before),
        });
        let mut says = match planned {
            Some(Change { before, after, ttl: Some(ttl), .. }) if before == after => {
                format!("would set the TTL to {ttl}; holds {} as it should", list(after))
            }
            Some(change) => match before {
                Some(before) => format!("would change: {} -> {}", list(before), list(&change.after)),
                None => format!("would be set to {}; what it holds cannot be read", list(&change.after)),
            },
            None => match refused {
                Some(error) => format!("would be refused, and is not sent: {error}"),
                None => record_status(&view, now).says,
            },
        };
        let free = view.free_at.filter(|_| planned.is_some());
        if let Some(wait) = free.map(|free| free.since(now.moment).as_secs()) {
            says += &format!(", in {wait} s: it was sent often of late, and its write budget allows no more before");
        }
        changes += usize::from(planned.is_some());
        out.push(json!({
            "name": view.id.key.name, "type": view.id.key.rtype, "account": view.id.account,
            "change": planned.is_some(),
            "before": before,
            "after": planned.map(|change| change.after.clone()),
            "ttl": planned.and_then(|change| change.ttl),
            "waits_until": free.map(|free| now.wall_of(free).to_string()),
            "refused": refused.map(ToString::to_string),
            "says": says,
        }));
        let id = view.id;
        rows.push(vec![id.key.name.to_string(), id.key.rtype.to_string(), id.account.to_string(), says]);
    }
    if json {
        print::json(&json!({ "changes": changes, "records": out }))?;
    } else {
        print::table(&["NAME", "TYPE", "ACCOUNT", "PLAN"], &rows);
        print::line(&format!("\n{changes} of {} record sets would change", rows.len()));
    }
    around::warnings(&situations);
    let refused = objections.values().map(|error| error.exit_code()).max().unwrap_or(0);
    Ok(exit_code(&state).max(refused))
}

/// The exit code that says how the worst of it stands.
pub(super) fn exit_code(state: &State) -> u8 {
    let code = |view: &View<'_>| match &view.standing {
        Standing::UpToDate | Standing::Unmanaged => 0,
        // What failed before has been mended or will be found out; what it waits for is time.
        _ if view.waits_for_budget() => 75,
        Standing::Working => 75,
        Standing::Unknown { .. } => 75,
        Standing::Failing { error } => error.as_ref().map_or(75, |error| error.exit_code()),
        Standing::Held { hold, .. } => hold.error.exit_code(),
    };
    let views = state.views(clock::now()).filter(|view| view.meant);
    // What is planned is what a plan is asked for, unless it is held.
    let counts = views.filter(|view| view.planned.is_none() || matches!(view.standing, Standing::Held { .. }));
    counts.map(|view| code(&view)).max().unwrap_or(0)
}

/// What a check found.
#[derive(Default, Serialize)]
pub(super) struct Checked {
    /// Whether all of it is right.
    ok: bool,
    /// How many accounts there are; `None` where the configuration cannot be read.
    accounts: Option<usize>,
    /// How many names.
    records: Option<usize>,
    /// Errors and warnings, in the order they were typed.
    problems: Vec<Problem>,
    /// What the services said.
    online: Vec<Answered>,
    /// What stands in the way of others who would connect, as far as the kernel knows it.
    network: Vec<situation::Stands>,
}

/// What a service said of one record set.
#[derive(Serialize)]
struct Answered {
    account: AccountName,
    record: String,
    says: String,
}

impl Checked {
    /// Of a configuration that cannot be used.
    pub(super) fn wrong(errors: &ConfigErrors) -> Self {
        Self { problems: errors.problems().to_vec(), ..Self::default() }
    }

    /// Of what kept the check itself from its end.
    pub(super) fn failed(why: &str) -> Self {
        let problem = Problem {
            severity: Severity::Error,
            place: None,
            message: why.to_owned(),
            help: None,
            also: None,
            unread: None,
        };
        Self { problems: vec![problem], ..Self::default() }
    }
}

/// Whether the settings of every account and of every channel fit together.
fn fits(config: &Config, input: &Input) -> Result<(), ConfigErrors> {
    let accounts = config.check_accounts(&Tools { http: Http::new(None) }).map(drop);
    let channels = config.check_channels_with_files(&wiring::channel_tools(&wiring::harmless(&input.variables)));
    match accounts {
        Ok(()) => channels,
        Err(errors) => Err(errors.and(channels)),
    }
}

/// The `errors` in the form of the configuration at `path`, and behind them those in the settings of what has the right form.
pub(super) fn everything_wrong(path: Option<&Path>, errors: ConfigErrors) -> ConfigErrors {
    let Ok(mut input) = config::read_input(path) else { return errors };
    input.variables = config::beside(input.variables);
    let rest = Config::what_is_right(&input);
    errors.and(rest.map_or(Ok(()), |rest| fits(&rest, &input)))
}

/// Says which files beside the one that is checked were not read, though they are beside the default one.
pub(super) fn note_unread(path: &Path) {
    if let Some(folder) = config::unread_drop_ins(path) {
        let (folder, path) = (folder.display(), path.display());
        print::note(&format!("{folder} was not read: what --config names ({path}) is read alone"));
    }
}

/// Whether the configuration is right; `online`, whether the accounts are.
pub(super) async fn check(loaded: &Loaded, online: bool, strict: bool, json: bool) -> Result<u8, Failure> {
    let config = &loaded.config;
    fits(config, &loaded.input)?;
    let parts = loaded.build(None)?;
    let credentials = loaded.input.variables.get("CREDENTIALS_DIRECTORY").map(Path::new);
    let problems: Vec<Problem> = config.warnings.iter().cloned().chain(config.look_at_machine(credentials)).collect();
    let (answers, worst) = if online {
        // What cannot be asked of the daemon is asked of the services.
        let daemon = of_daemon(&config.socket, "check").await.ok().flatten();
        patiently("asking the services", ask_services(&parts, daemon.as_ref())).await
    } else {
        (Vec::new(), 0)
    };
    let is_wrong = |problem: &Problem| strict || problem.severity == Severity::Error;
    let code = if problems.iter().any(is_wrong) { 78 } else { worst };
    let (accounts, records) = (config.accounts.len(), config.records.len());
    let checked = Checked {
        ok: code == 0,
        accounts: Some(accounts),
        records: Some(records),
        problems,
        online: answers,
        network: if online { situation::obstacles(&parts) } else { Vec::new() },
    };
    if json {
        print::json(&checked)?;
        return Ok(code);
    }
    print::warnings(&checked.problems);
    if !checked.online.is_empty() {
        let row = |answer: &Answered| vec![answer.account.0.clone(), answer.record.clone(), answer.says.clone()];
        print::table(&["ACCOUNT", "RECORD", "SAYS"], &checked.online.iter().map(row).collect::<Vec<_>>());
    }
    around::sentences(&checked.network);
    let errors = checked.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let counted_errors = if errors > 0 { format!(", {}", print::counted(errors, "error")) } else { String::new() };
    let verdict = match (code, checked.problems.len()) {
        (0, 0) => "the configuration is right",
        (0, _) => "the configuration can be used, but see the warnings above",
        _ => "something is wrong, see above",
    };
    print::line(&format!(
        "{verdict}: {}, {}{counted_errors}, {}",
        print::counted(accounts, "account"),
        print::counted(records, "name"),
        print::counted(checked.problems.len() - errors, "warning")
    ));
    Ok(code)
}

/// What every service holds of what is declared, and the exit code that says how the worst answer stands. Whom the running `daemon`
/// leaves alone is not asked.
async fn ask_services(parts: &Parts, daemon: Option<&Status>) -> (Vec<Answered>, u8) {
    let (mut answers, mut worst) = (Vec::new(), 0);
    for (account, keys) in services::declared(parts) {
        let Some(access) = parts.accounts.get(&account) else { continue };
        if let Some((says, code)) = daemon.and_then(|status| services::left_alone(status, &account)) {
            worst = worst.max(code);
            answers.push(Answered { account, record: "-".into(), says });
            continue;
        }
        let Some(heard) = services::read(access, &keys).await else {
            let says = "cannot be read: only an update would show whether the login is right".to_owned();
            answers.push(Answered { account, record: "-".into(), says });
            continue;
        };
        for (key, heard) in keys.iter().zip(heard) {
            worst = worst.max(heard.exit_code());
            answers.push(Answered { account: account.clone(), record: key.to_string(), says: heard.says() });
        }
    }
    (answers, worst)
}

/// What every source says, and what is believed.
pub(super) async fn detect(loaded: &Loaded, json: bool) -> Result<u8, Failure> {
    let parts = loaded.build(None)?;
    let (said, mut believed) = patiently("asking the sources", sources::detect(&parts)).await;
    remember(of_daemon(&loaded.config.socket, "detect").await.ok().flatten().as_ref(), &mut believed);
    let known = believed.iter().all(|belief| !matches!(belief.reading, Reading::Unknown(_)));
    let code = if known { 0 } else { 75 };
    let stands = situation::situation(&parts, &said);
    if json {
        print::json(&json!({ "sources": said, "believed": believed, "situations": stands }))?;
        return Ok(code);
    }
    let rows: Vec<Vec<String>> = said.iter().map(|said| voice_row(said, &believed)).collect();
    print::table(&VOICES, &rows);
    print::line("");
    let rows: Vec<Vec<String>> = believed.iter().map(belief_row).collect();
    print::table(&["RECORD", "BELIEVED"], &rows);
    around::sentences(&stands);
    Ok(code)
}

/// How everything stands, and who says so.
pub(super) struct Current {
    pub(super) status: Status,
    /// Where no daemon listens, so that this was read from the disk; `None` where one answered.
    nobody_at: Option<PathBuf>,
}

impl Current {
    /// What a daemon said.
    pub(super) fn of_daemon(status: Status) -> Self {
        Self { status, nobody_at: None }
    }

    pub(super) fn is_running(&self) -> bool {
        self.nobody_at.is_none()
    }

    /// What comes before what was read from the disk: one may well listen elsewhere.
    pub(super) fn say_whose(&self) {
        if let Some(socket) = &self.nobody_at {
            let nobody = nobody_listens(socket);
            print::line(&format!("{nobody}; this is what the last one left behind\n"));
        }
    }

    /// The exit code of what only shows: whether a daemon is there to be shown.
    pub(super) fn shown(&self) -> u8 {
        if self.is_running() { 0 } else { 69 }
    }
}

/// How everything stands: from the daemon that listens at `socket`, or where the configuration says, there else from the disk.
pub(super) async fn current(loaded: &Loaded, socket: Option<&Path>, command: &str) -> Result<Current, Failure> {
    let at = socket.unwrap_or(&loaded.config.socket);
    if let Some(status) = of_daemon(at, command).await? {
        return Ok(Current::of_daemon(status));
    }
    if socket.is_some() {
        return Err(not_running(at));
    }
    rights::may_look(&loaded.config.state_dir, command)?;
    let status = Status::of(&app::on_disk(loaded)?, clock::now()).left_behind();
    Ok(Current { status, nobody_at: Some(at.to_owned()) })
}

/// That nobody listens at `socket`, which is all that is known: a daemon with another configuration may run.
pub(super) fn nobody_listens(socket: &Path) -> String {
    format!("no daemon listens at {}", socket.display())
}

/// The failure of who named a socket and so means the daemon there, and nothing else.
pub(super) fn not_running(socket: &Path) -> Failure {
    Failure::Other(69, nobody_listens(socket))
}

/// What the daemon that listens at `socket` says; `None` where none does.
pub(super) async fn of_daemon(socket: &Path, command: &str) -> Result<Option<Status>, Failure> {
    match ask(socket, &Request::Status).await {
        Ok(value) => {
            let status = serde_json::from_value(value);
            status.map(Some).map_err(|error| Failure::Other(75, format!("the daemon's answer: {error}")))
        }
        Err(Unanswered::NotRunning) => Ok(None),
        Err(Unanswered::Forbidden) => Err(rights::forbidden(socket, "ask at", command)),
        Err(Unanswered::Refused(why)) => Err(Failure::Other(77, why)),
        Err(Unanswered::Silent(why)) => Err(Failure::Other(75, why)),
    }
}

/// How every record stands.
pub(super) fn status(current: &Current, json: bool) -> Result<u8, Failure> {
    if json {
        status_as_json(&current.status, current.is_running())?;
    } else {
        current.say_whose();
        current.status.lines().iter().for_each(|text| print::hanging(text, 4));
    }
    Ok(current.shown())
}

/// How every record stands, as data.
pub(super) fn status_as_json(status: &Status, running: bool) -> Result<(), Failure> {
    print::json(&Document { running, status })
}
