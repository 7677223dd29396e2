//! How everything stands, as data and in words.

use serde::{Deserialize, Serialize};

use crate::model::desired::Want;
use crate::model::ledger::{Entry, Hold, Wait};
use crate::model::machine::State;
use crate::model::machine::standing::{Standing, View};
use crate::model::record::list;
use crate::model::time::{Moment, Now, Wall};

/// How everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the daemon.
    pub version: String,
    /// When this was said (RFC 3339).
    pub at: String,
    /// Whether the state can be written to disk.
    pub state_is_writable: bool,
    /// When the daemon next looks without a reason (RFC 3339).
    pub next_check: String,
    /// The accounts.
    pub accounts: Vec<AccountStatus>,
    /// The record sets.
    pub records: Vec<RecordStatus>,
    /// What every source last said.
    pub sources: Vec<SourceStatus>,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Why it is held and how to let go.
    pub held: Option<HoldStatus>,
    /// Until when it is left alone (RFC 3339).
    pub waits_until: Option<String>,
    /// The last error of the account as a whole.
    pub error: Option<String>,
}

/// How a record set stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordStatus {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Its account.
    pub account: String,
    /// `up to date`, `working`, `failing`, `held`, `unknown` or `unmanaged`.
    pub state: String,
    /// The state in a sentence.
    pub says: String,
    /// What it should hold; `None` where that is unknown.
    pub wanted: Option<Vec<String>>,
    /// What the service was last known to hold of ours.
    pub confirmed: Option<Vec<String>>,
    /// When the service last said yes (RFC 3339).
    pub accepted: Option<String>,
    /// When it last said that it holds the values, live (RFC 3339).
    pub read_back: Option<String>,
    /// When the zone's name servers last answered them (RFC 3339).
    pub seen_in_dns: Option<String>,
    /// When it is next looked at by itself (RFC 3339).
    pub next: Option<String>,
    /// Why it is held and how to let go.
    pub held: Option<HoldStatus>,
    /// The last error.
    pub error: Option<String>,
    /// What happened lately, oldest first.
    pub history: Vec<Line>,
}

/// Why something is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldStatus {
    /// One word.
    pub reason: String,
    /// What was said.
    pub error: String,
    /// Since when (RFC 3339).
    pub since: String,
    /// The command that lets go.
    pub release: String,
}

/// A line of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When (RFC 3339).
    pub at: String,
    /// What.
    pub what: String,
}

/// What a source last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// The source.
    pub source: String,
    /// The family it was asked for.
    pub family: String,
    /// Its answer.
    pub says: String,
    /// When (RFC 3339).
    pub at: String,
}

impl Status {
    /// How a machine stands.
    #[must_use]
    pub fn of(state: &State, now: Now) -> Self {
        let accounts = state.accounts().map(|(name, entry)| AccountStatus {
            name: name.0.clone(),
            provider: state.desired().accounts.get(name).map(|spec| spec.service.clone()).unwrap_or_default(),
            held: entry.hold.as_ref().map(|hold| hold_status(hold, &name.0)),
            waits_until: entry.wait.as_ref().and_then(|wait| waits(wait, now)),
            error: entry.error.as_ref().map(|(_, error)| error.to_string()),
        });
        let sources = state.observations().map(|(source, family, reading, at)| SourceStatus {
            source: source.to_string(),
            family: family.to_string(),
            says: reading.to_string(),
            at: at.wall.to_string(),
        });
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            at: now.wall.to_string(),
            state_is_writable: state.disk_is_writable(),
            next_check: wall_of(state.next_check(), now).to_string(),
            accounts: accounts.collect(),
            records: state.views(now).map(|view| record_status(&view, now)).collect(),
            sources: sources.collect(),
        }
    }

    /// The same, said of what a daemon left behind that no longer runs: nobody has looked at the addresses since.
    #[must_use]
    pub fn left_behind(mut self) -> Self {
        for record in self.records.iter_mut().filter(|record| record.state == "unknown") {
            record.state = "not running".into();
            record.says = match (&record.error, &record.confirmed) {
                (Some(error), _) => format!("failed when last tried: {error}"),
                (None, Some(confirmed)) => format!("held {} when last looked at", none_or(confirmed)),
                (None, None) => "never confirmed".into(),
            };
        }
        self
    }

    /// Everything in one line.
    #[must_use]
    pub fn summary(state: &State, now: Now) -> String {
        let mut counts =
            [("up to date", 0), ("working", 0), ("failing", 0), ("held", 0), ("unknown", 0), ("unmanaged", 0)];
        for view in state.views(now) {
            let word = word(&view.standing);
            if let Some((_, count)) = counts.iter_mut().find(|(state, _)| *state == word) {
                *count += 1;
            }
        }
        let parts: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
        let disk = if state.disk_is_writable() { "" } else { "; the state cannot be written" };
        if parts.is_empty() { format!("no records{disk}") } else { format!("{}{disk}", parts.join(", ")) }
    }

    /// Everything in words, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.state_is_writable {
            lines.push(
                "THE STATE CANNOT BE WRITTEN: services that can be read go on, others are sent to once at most".into(),
            );
        }
        for record in &self.records {
            let at = |stamp: &Option<String>| stamp.clone().unwrap_or_else(|| "-".into());
            lines.push(format!("{} {} at {}: {}", record.name, record.rtype, record.account, record.says));
            lines.push(format!(
                "    wanted {}; accepted {}; read back {}; seen in DNS {}; next look {}",
                record.wanted.as_ref().map_or("unknown".into(), |wanted| none_or(wanted)),
                at(&record.accepted),
                at(&record.read_back),
                at(&record.seen_in_dns),
                at(&record.next),
            ));
            lines.extend(record.held.as_ref().map(|held| format!("    to let go: {}", held.release)));
        }
        for account in &self.accounts {
            lines.extend(account.waits_until.as_ref().map(|until| {
                let why = account.error.as_deref().unwrap_or("it failed");
                format!("account {} rests until {until}: {why}", account.name)
            }));
        }
        for source in &self.sources {
            lines.push(format!("source {} ({}): {} ({})", source.source, source.family, source.says, source.at));
        }
        lines
    }
}

fn none_or(values: &[String]) -> String {
    if values.is_empty() { "nothing".into() } else { values.join(", ") }
}

/// How one record set stands.
#[must_use]
pub fn record_status(view: &View<'_>, now: Now) -> RecordStatus {
    let entry = view.entry;
    let values = |values: &crate::model::record::Values| values.iter().map(ToString::to_string).collect();
    let stamp = |stamp: &Option<crate::model::ledger::Stamp>| stamp.map(|stamp| stamp.wall.to_string());
    let held = match &view.standing {
        Standing::Held { hold, account: true } => Some(hold_status(hold, &view.id.account.0)),
        Standing::Held { hold, account: false } => Some(hold_status(hold, view.id.key.name.as_str())),
        _ => None,
    };
    RecordStatus {
        name: view.id.key.name.to_string(),
        rtype: view.id.key.rtype.to_string(),
        account: view.id.account.0.clone(),
        state: word(&view.standing).into(),
        says: sentence(view),
        wanted: view.want.values().map(|wanted| values(&wanted)),
        confirmed: entry.confirmed.as_ref().filter(|_| entry.attempt.is_none()).map(|c| values(&c.values)),
        accepted: stamp(&entry.accepted),
        read_back: stamp(&entry.read_back),
        seen_in_dns: stamp(&entry.in_dns),
        next: view.next.map(|next| wall_of(next, now).to_string()),
        held,
        error: entry.error.as_ref().map(|(_, error)| error.to_string()),
        history: history(entry),
    }
}

/// What happened to a record set lately.
#[must_use]
pub fn history(entry: &Entry) -> Vec<Line> {
    entry.history.iter().map(|(at, what)| Line { at: at.to_string(), what: what.clone() }).collect()
}

fn hold_status(hold: &Hold, target: &str) -> HoldStatus {
    HoldStatus {
        reason: hold.reason.word().into(),
        error: hold.error.to_string(),
        since: hold.since.wall.to_string(),
        release: format!("driftless release {target}"),
    }
}

fn waits(wait: &Wait, now: Now) -> Option<String> {
    (wait.until > now.moment).then(|| wall_of(wait.until, now).to_string())
}

/// The wall time of a moment, as far as the wall clock is right.
fn wall_of(moment: Moment, now: Now) -> Wall {
    let ahead = moment.since(now.moment).as_secs();
    let behind = now.moment.since(moment).as_secs();
    let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    Wall(now.wall.0.saturating_add(seconds(ahead)).saturating_sub(seconds(behind)))
}

/// The state in one word (or three).
#[must_use]
pub fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::UpToDate => "up to date",
        Standing::Working => "working",
        Standing::Failing { .. } => "failing",
        Standing::Held { .. } => "held",
        Standing::Unknown { .. } => "unknown",
        Standing::Unmanaged => "unmanaged",
    }
}

/// The state in a sentence.
fn sentence(view: &View<'_>) -> String {
    let wanted = match view.want {
        Want::Values(values) => list(values),
        Want::Gone => "nothing".into(),
        Want::Unknown(_) | Want::Unmanaged => String::new(),
    };
    match &view.standing {
        Standing::UpToDate => format!("holds {wanted}, as it should"),
        Standing::Working => format!("should hold {wanted}; not confirmed yet"),
        Standing::Failing { error: Some(error) } => format!("should hold {wanted}; failing: {error}"),
        Standing::Failing { error: None } => format!("should hold {wanted}; waiting to be tried again"),
        Standing::Held { hold, account: true } => format!("held with its account: {}", hold.error),
        Standing::Held { hold, account: false } => format!("held: {}", hold.error),
        Standing::Unknown { why } => format!("left as it is, the address is unknown: {why}"),
        Standing::Unmanaged => "left as it is: there is no such address here".into(),
    }
}
