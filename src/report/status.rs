//! How everything stands, as data and in words.
//!
//! Longer than 400 lines because it is one document, and the sentences are those of its fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::agree::{Expression, Reading};
use crate::model::desired::{RecordSpec, Want};
use crate::model::error::{Kind, Scope};
use crate::model::evidence::{Evidence, Protocol};
use crate::model::ledger::{ALREADY_RIGHT, Entry, Hold, Reason, Stamp, Wait};
use crate::model::machine::standing::{Pause, Standing, View};
use crate::model::machine::{Rest, State};
use crate::model::record::{Family, list};
use crate::model::situation::Situation;
use crate::model::time::{Moment, Now, Wall};
use crate::model::uplinks::Given;
use crate::report::voice::{VerdictStatus, Voice};

/// The states of record sets that a daemon looks after, as [`word`] says them.
pub const STATES: [&str; 7] = ["up to date", "working", "waiting", "failing", "held", "unknown", "unmanaged"];

/// How everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the daemon.
    pub version: String,
    /// When this was said (RFC 3339).
    pub at: String,
    /// Whether the state can be written to disk.
    pub state_is_writable: bool,
    /// When the daemon next looks without a reason (RFC 3339); `None` where none runs.
    pub next_check: Option<String>,
    /// The accounts.
    pub accounts: Vec<AccountStatus>,
    /// The record sets.
    pub records: Vec<RecordStatus>,
    /// What every source last said.
    pub sources: Vec<SourceStatus>,
    /// Where the machine stands in the network, as the daemon sees it.
    #[serde(default)]
    pub network: Vec<NetworkStatus>,
    /// What was last made of that.
    #[serde(default)]
    pub verdicts: Vec<VerdictStatus>,
    /// How the channels fare by which people are told.
    #[serde(default)]
    pub channels: Vec<ChannelStatus>,
    /// How the daemon's status page stands; `None` where it has none.
    #[serde(default)]
    pub page: Option<PageStatus>,
}

/// How a status page stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageStatus {
    /// Where it listens, as it is typed.
    pub listen: String,
    /// Whether it is served there.
    pub served: bool,
    /// Why it is not.
    pub error: Option<String>,
    /// When it is tried again (RFC 3339); `None`: not before a restart.
    pub again: Option<String>,
}

impl PageStatus {
    /// What is wrong with it, in a line for people; `None` where it is served.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let error = self.error.as_ref().filter(|_| !self.served)?;
        let again = tried_again(self.again.as_deref(), "a restart tries it again");
        Some(format!("the status page is not served at {}: {error}; {again}", self.listen))
    }
}

/// How a channel fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it last took a message (RFC 3339), since the daemon started.
    pub told: Option<String>,
    /// When it last failed (RFC 3339), since the daemon started; before that, where it is left alone since.
    pub failed: Option<String>,
    /// Why it failed, as long as it has not worked again.
    pub error: Option<String>,
    /// When it is then tried again, at the earliest (RFC 3339); `None` where it is being tried, or there is nothing left to tell.
    #[serde(default)]
    pub again: Option<String>,
    /// Its service refused the login: it is not tried before unless its settings or its secret change.
    #[serde(default)]
    pub refused: bool,
    /// Until when news is kept back from one that does not fail (RFC 3339), by its limit.
    #[serde(default)]
    pub withheld: Option<String>,
    /// How often it failed since the daemon started.
    #[serde(default)]
    pub failures: u64,
}

impl ChannelStatus {
    /// What is said of one that was not needed yet.
    pub const NOTHING_TOLD: &'static str = "nothing told since the daemon started";
    /// What is said of one that failed and is not tried again by itself.
    pub const NOT_BY_ITSELF: &'static str = "tried again with what there is to tell next";

    /// The same in a line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let told = self.told.as_ref().map_or(Self::NOTHING_TOLD.to_owned(), |told| format!("last told {told}"));
        let failed = match (&self.failed, &self.error) {
            (Some(failed), Some(error)) => format!("; failed at {failed}: {error}; {}", self.tried_again()),
            (Some(failed), None) => format!("; failed at {failed}, and has worked since"),
            (None, _) => String::new(),
        };
        format!("channel {} ({}): {told}{failed}{}", self.name, self.kind, self.withheld_until())
    }

    /// Until when news is withheld, to be put behind something; empty where none is.
    #[must_use]
    pub fn withheld_until(&self) -> String {
        self.withheld.as_ref().map(|until| format!("; more news is withheld until {until}")).unwrap_or_default()
    }

    /// When a channel that fails is tried again, for people.
    #[must_use]
    pub fn tried_again(&self) -> String {
        if self.refused {
            let before = self.again.as_ref().map(|again| format!(" before {again}")).unwrap_or_default();
            let test = format!("driftless notify test {} arrives", self.name);
            return format!("not tried again{before} unless its settings or its secret change, or {test}");
        }
        tried_again(self.again.as_deref(), Self::NOT_BY_ITSELF)
    }
}

/// When what failed is tried again, for people; `else_when`, where it is not by itself.
fn tried_again(again: Option<&str>, else_when: &str) -> String {
    again.map_or_else(|| else_when.to_owned(), |at| format!("tried again at {at}"))
}

/// The document that commands and the status page give: how everything stands, and whether a daemon said so.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    /// A daemon runs and said this; else it is what one left behind.
    pub running: bool,
    /// How everything stands.
    pub status: &'a Status,
}

/// Where the machine stands in one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkStatus {
    /// The family.
    pub family: Family,
    /// The situation in one word.
    pub situation: String,
    /// The situation in a sentence or two.
    pub says: String,
}

impl NetworkStatus {
    /// Of a situation.
    #[must_use]
    pub fn of(family: Family, situation: &Situation) -> Self {
        Self { family, situation: situation.word().into(), says: situation.says(family) }
    }
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
    /// The last error of the account as a whole, as long as it has not recovered from it.
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
    /// `up to date`, `working`, `waiting`, `failing`, `held`, `unknown`, `unmanaged` or, of what a daemon left behind,
    /// `not running`.
    pub state: String,
    /// The state in a sentence.
    pub says: String,
    /// The sources of its addresses.
    pub sources: Vec<String>,
    /// Which of the status' `verdicts` its addresses rest on, counted from 0; empty before there are any.
    #[serde(default)]
    pub verdicts: Vec<usize>,
    /// What each of several uplinks gives; empty where there are not several.
    pub uplinks: Vec<UplinkStatus>,
    /// What it should hold; `None` where that is unknown.
    pub wanted: Option<Vec<String>>,
    /// What the service was last known to hold of ours.
    pub confirmed: Option<Vec<String>>,
    /// What the service held beside that when it was last read by this process; it stays.
    #[serde(default)]
    pub others: Vec<String>,
    /// The update that was begun and whose outcome is not known.
    #[serde(default)]
    pub begun: Option<BegunStatus>,
    /// When the service last said yes (RFC 3339).
    pub accepted: Option<String>,
    /// When it was found to hold what it should although nothing was sent (RFC 3339); there is then no `accepted`.
    #[serde(default)]
    pub already_right: Option<String>,
    /// Whether the service can be read, so that there can be a `read_back`.
    pub readable: bool,
    /// When it last said that it holds the values, live (RFC 3339).
    pub read_back: Option<String>,
    /// Whether the zone's name servers are asked, so that there can be a `seen_in_dns`.
    pub in_dns: bool,
    /// When the zone's name servers last answered them (RFC 3339).
    pub seen_in_dns: Option<String>,
    /// The last of these three (RFC 3339); `None`: never.
    #[serde(default)]
    pub confirmed_at: Option<String>,
    /// When it is next looked at by itself (RFC 3339).
    pub next: Option<String>,
    /// What it waits for before that, where it is due and rests all the same.
    pub waits: Option<WaitStatus>,
    /// Why it is held and how to let go.
    pub held: Option<HoldStatus>,
    /// The last error.
    pub error: Option<String>,
    /// What happened lately, oldest first.
    pub history: Vec<Line>,
}

impl RecordStatus {
    /// Which record set it is, as people read it: `home.example.org A at home`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{} {} at {}", self.name, self.rtype, self.account)
    }

    /// How it came to be right as far as the service's word goes, and when: it took what was sent, or there was nothing to send.
    #[must_use]
    pub fn taken(&self) -> Option<(&'static str, &str)> {
        let found = self.already_right.as_deref().map(|at| (ALREADY_RIGHT, at));
        found.or_else(|| self.accepted.as_deref().map(|at| ("accepted", at)))
    }
}

/// What one of several uplinks gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UplinkStatus {
    /// Its sources.
    pub uplink: String,
    /// The family.
    pub family: Family,
    /// `up` with an address, `none` without, or `unknown`: its last address stays.
    pub state: String,
    /// What its sources come to.
    pub says: String,
    /// What of it is published.
    pub addresses: Vec<String>,
}

/// What a record set that is due waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitStatus {
    /// `failed`, `asked`, `writes`, `reads`, `disk`, `settling` or `landing`.
    #[serde(rename = "for")]
    pub what: String,
    /// Until when (RFC 3339).
    pub until: String,
}

/// An update that was begun, and whose outcome is not known: the process that made it ended over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunStatus {
    /// What it should achieve.
    pub values: Vec<String>,
    /// When it was begun (RFC 3339).
    pub at: String,
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
    /// Whether another secret lets go of it: one was refused, and not the client or a right.
    #[serde(default)]
    pub new_secret_helps: bool,
}

impl HoldStatus {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> String {
        let mend = if self.new_secret_helps { "mend the secret: it is noticed by itself; " } else { "" };
        format!("{mend}to let go: {}", self.release)
    }
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
    pub family: Family,
    /// Its answer.
    pub says: String,
    /// When (RFC 3339).
    pub at: String,
    /// Who runs it.
    #[serde(default)]
    pub operator: String,
    /// How it learns the address.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// Whether it disagreed so often that it is asked last and not counted.
    #[serde(default)]
    pub demoted: bool,
    /// How much more often it disagreed with what was believed than it agreed, of late.
    #[serde(default)]
    pub disagreed: u8,
    /// Whether it is believed alone and at once although it is out in the world.
    #[serde(default)]
    pub trusted: bool,
    /// How it rests that a look now would not ask.
    #[serde(default)]
    pub rests: Option<RestStatus>,
}

/// How a source rests that is not asked again yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestStatus {
    /// Not asked before (RFC 3339).
    pub until: String,
    /// What it said counts until then; else it was asked moments before the network changed, and counts as unknown.
    pub counts: bool,
}

impl SourceStatus {
    /// That a look now does not ask it, and what is made of what it said; `None` where it is asked.
    #[must_use]
    pub fn unasked(&self) -> Option<String> {
        let Self { source, family, says, at, rests, .. } = self;
        let RestStatus { until, counts } = rests.as_ref()?;
        let then = match counts {
            true => format!("what it said at {at} counts until then: {says}"),
            false => "it was asked moments before the network changed".into(),
        };
        Some(format!("{source} ({family}) is not asked again before {until}: {then}"))
    }
}

/// Which of the verdicts tells of a family that is learnt this way.
type Ways<'a> = BTreeMap<(Family, &'a Expression), usize>;

impl Status {
    /// How a machine stands.
    #[must_use]
    pub fn of(state: &State, now: Now) -> Self {
        let accounts = state.accounts().map(|(name, entry)| AccountStatus {
            name: name.0.clone(),
            provider: state.desired().accounts.get(name).map(|spec| spec.service.clone()).unwrap_or_default(),
            held: entry.hold.as_ref().map(|hold| hold_status(hold, &name.0)),
            waits_until: entry.wait.as_ref().and_then(|wait| waits(wait, now)),
            error: entry.trouble().map(|(_, error)| error.to_string()),
        });
        let sources = state.observations().map(|(source, family, reading, at)| {
            let spec = state.desired().sources.get(source);
            SourceStatus {
                source: source.to_string(),
                family,
                says: reading.to_string(),
                at: at.wall.to_string(),
                operator: spec.map(|spec| spec.operator.clone()).unwrap_or_default(),
                protocol: spec.map(|spec| spec.protocol),
                demoted: state.is_demoted(source, now),
                disagreed: state.disagreed(source, now),
                trusted: spec.is_some_and(|spec| spec.trusted),
                rests: state
                    .rest(source, family, now)
                    .map(|Rest { until, counts }| RestStatus { until: now.wall_of(until).to_string(), counts }),
            }
        });
        let voice = |evidence: &Evidence| Voice {
            demoted: state.is_demoted(&evidence.source, now),
            disagreed: state.disagreed(&evidence.source, now),
            ..Voice::of(evidence, state.desired().sources.get(&evidence.source).is_some_and(|spec| spec.trusted))
        };
        let verdicts = state.verdicts().map(|(family, _, weighed)| VerdictStatus {
            family,
            believed: weighed.believed(),
            evidence: weighed.evidence.iter().map(voice).collect(),
            quorum: weighed.tally,
        });
        let ways: Ways<'_> = state.verdicts().enumerate().map(|(at, (family, way, _))| ((family, way), at)).collect();
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            at: now.wall.to_string(),
            state_is_writable: state.disk_is_writable(),
            next_check: Some(now.wall_of(state.next_check()).to_string()),
            accounts: accounts.collect(),
            records: state.views(now).filter(|view| view.meant).map(|view| resting_on(&ways, &view, now)).collect(),
            sources: sources.collect(),
            network: Vec::new(),
            verdicts: verdicts.collect(),
            channels: Vec::new(),
            page: None,
        }
    }

    /// The same, with how the channels fare.
    #[must_use]
    pub fn telling(mut self, channels: Vec<ChannelStatus>) -> Self {
        self.channels = channels;
        self
    }

    /// The same, with how the status page stands.
    #[must_use]
    pub fn shown(mut self, page: Option<PageStatus>) -> Self {
        self.page = page;
        self
    }

    /// The same, with where the machine stands.
    #[must_use]
    pub fn within(mut self, found: &[(Family, Situation)]) -> Self {
        self.network = found.iter().map(|(family, situation)| NetworkStatus::of(*family, situation)).collect();
        self
    }

    /// The same, said of what a daemon left behind that no longer runs: nobody has looked at the addresses since.
    #[must_use]
    pub fn left_behind(mut self) -> Self {
        self.next_check = None;
        for record in &mut self.records {
            record.next = None;
            if record.state == "unknown" {
                record.state = "not running".into();
                record.says = match (&record.begun, &record.error, &record.confirmed) {
                    (Some(begun), ..) => format!("{}; it is tried again when a daemon runs", begun.sentence()),
                    (None, Some(error), _) => format!("failed when last tried: {error}"),
                    (None, None, Some(confirmed)) => format!("had {} when last looked at", none_or(confirmed)),
                    (None, None, None) => "never confirmed".into(),
                };
            }
        }
        self
    }

    /// Whether the account of this name is held as a whole.
    #[must_use]
    pub fn holds_account(&self, name: &str) -> bool {
        self.accounts.iter().any(|account| account.name == name && account.held.is_some())
    }

    /// Everything in one line.
    #[must_use]
    pub fn summary(state: &State, now: Now) -> String {
        let mut counts = STATES.map(|state| (state, 0));
        for view in state.views(now).filter(|view| view.meant) {
            let word = word(&view);
            if let Some((_, count)) = counts.iter_mut().find(|(state, _)| *state == word) {
                *count += 1;
            }
        }
        let parts: Vec<String> = counts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
        let disk = if state.disk_is_writable() { "" } else { "; the state cannot be written" };
        if parts.is_empty() { format!("no records{disk}") } else { format!("{}{disk}", parts.join(", ")) }
    }
}

impl BegunStatus {
    fn of(view: &View<'_>) -> Option<Self> {
        let attempt = view.begun?;
        let values = attempt.values.iter().map(ToString::to_string).collect();
        Some(Self { values, at: attempt.at.wall.to_string() })
    }

    fn sentence(&self) -> String {
        format!("an update to {} was begun at {} and its outcome is not known", none_or(&self.values), self.at)
    }
}

fn none_or(values: &[String]) -> String {
    if values.is_empty() { "nothing".into() } else { values.join(", ") }
}

/// How one record set stands, and on which verdicts its addresses rest.
fn resting_on(ways: &Ways<'_>, view: &View<'_>, now: Now) -> RecordStatus {
    let uplinks = view.spec.into_iter().flat_map(|spec| &spec.uplinks);
    let mut verdicts: Vec<usize> =
        uplinks.filter_map(|uplink| ways.get(&(uplink.family, &uplink.source)).copied()).collect();
    verdicts.dedup();
    RecordStatus { verdicts, ..record_status(view, now) }
}

/// How one record set stands.
#[must_use]
pub fn record_status(view: &View<'_>, now: Now) -> RecordStatus {
    let entry = view.entry;
    let values = |values: &crate::model::record::Values| values.iter().map(ToString::to_string).collect();
    let stamp = |stamp: &Option<Stamp>| stamp.map(|stamp| stamp.wall.to_string());
    let held = match &view.standing {
        Standing::Held { hold, account: true } => Some(hold_status(hold, &view.id.account.0)),
        Standing::Held { hold, account: false } => Some(hold_status(hold, view.id.key.name.as_str())),
        _ => None,
    };
    let mut sources: Vec<String> = Vec::new();
    for (name, _) in view.spec.into_iter().flat_map(RecordSpec::sources) {
        // Of both families it may be the same.
        if !sources.contains(&name.0) {
            sources.push(name.0.clone());
        }
    }
    RecordStatus {
        name: view.id.key.name.to_string(),
        rtype: view.id.key.rtype.to_string(),
        account: view.id.account.0.clone(),
        state: word(view).into(),
        says: sentence(view, now),
        sources,
        verdicts: Vec::new(),
        uplinks: view.uplinks.iter().map(uplink_status).collect(),
        wanted: view.want.values().map(|wanted| values(&wanted)),
        confirmed: entry.confirmed.as_ref().filter(|_| entry.attempt.is_none()).map(|c| values(&c.values)),
        others: view.others.iter().map(ToString::to_string).collect(),
        begun: BegunStatus::of(view),
        accepted: stamp(&entry.accepted.filter(|_| entry.already_right().is_none())),
        already_right: stamp(&entry.already_right()),
        readable: view.readable,
        read_back: stamp(&entry.read_back),
        in_dns: view.in_dns,
        seen_in_dns: stamp(&entry.in_dns),
        confirmed_at: stamp(&last_confirmed(entry)),
        next: view.next.map(|next| now.wall_of(next).to_string()),
        waits: view.pause.map(|(pause, until)| wait_status(pause, until, now)),
        held,
        error: entry.error.as_deref().map(|(_, error)| error.to_string()),
        history: history(entry),
    }
}

/// When the service or DNS last showed that it holds the values, or the service last said yes; `None`: never.
#[must_use]
pub fn last_confirmed(entry: &Entry) -> Option<Stamp> {
    [entry.accepted, entry.read_back, entry.in_dns].into_iter().flatten().max_by_key(|stamp| stamp.moment)
}

/// What happened to a record set lately.
#[must_use]
pub fn history(entry: &Entry) -> Vec<Line> {
    entry.history.iter().map(|(at, what)| Line { at: at.to_string(), what: what.clone() }).collect()
}

impl UplinkStatus {
    /// The same in a line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let gives = none_or(&self.addresses);
        let stays = if self.state == "unknown" { format!(", which stays; {}", self.says) } else { String::new() };
        format!("{} ({}): {}, gives {gives}{stays}", self.uplink, self.family, self.state)
    }
}

fn uplink_status(given: &Given) -> UplinkStatus {
    let state = match given.reading {
        Reading::Addresses(_) => "up",
        Reading::None => "none",
        Reading::Behind(_) | Reading::Unknown(_) => "unknown",
    };
    UplinkStatus {
        uplink: given.name.clone(),
        family: given.family,
        state: state.into(),
        says: given.reading.to_string(),
        addresses: given.addresses.iter().map(ToString::to_string).collect(),
    }
}

fn hold_status(hold: &Hold, target: &str) -> HoldStatus {
    HoldStatus {
        reason: hold.reason.word().into(),
        error: hold.error.to_string(),
        since: hold.since.wall.to_string(),
        release: format!("driftless release {target}"),
        new_secret_helps: hold.reason == Reason::Refused && hold.error.kind == Kind::Auth { scope: Scope::Account },
    }
}

fn waits(wait: &Wait, now: Now) -> Option<String> {
    (wait.until > now.moment).then(|| now.wall_of(wait.until).to_string())
}

fn wait_status(pause: Pause, until: Moment, now: Now) -> WaitStatus {
    let what = match pause {
        Pause::Failed => "failed",
        Pause::Asked => "asked",
        Pause::Writes => "writes",
        Pause::Reads => "reads",
        Pause::Disk => "disk",
        Pause::Settling => "settling",
        Pause::Landing => "landing",
    };
    WaitStatus { what: what.into(), until: now.wall_of(until).to_string() }
}

/// The state in one word (or three).
#[must_use]
pub fn word(view: &View<'_>) -> &'static str {
    match (&view.standing, view.waits_for_budget()) {
        (Standing::UpToDate, _) => "up to date",
        (Standing::Working | Standing::Failing { .. }, true) => "waiting",
        (Standing::Working, false) => "working",
        (Standing::Failing { .. }, false) => "failing",
        (Standing::Held { .. }, _) => "held",
        (Standing::Unknown { .. }, _) => "unknown",
        (Standing::Unmanaged, _) => "unmanaged",
    }
}

/// Why what was accepted is waited for.
fn landing(view: &View<'_>, now: Now) -> String {
    let entry = view.entry;
    let by = |sent: Stamp| now.wall_of(sent.moment.plus(view.settles_within));
    match (&entry.ticket, &entry.attempt, &entry.confirmed) {
        (None, None, Some(confirmed)) => {
            let values = list(&confirmed.values);
            format!(
                "shows something else than {values}, which it accepted and may take until {} to show",
                by(confirmed.since)
            )
        }
        (None, Some(attempt), _) => format!("what was sent before may come into force until {}", by(attempt.at)),
        _ => "accepted and not in force yet".into(),
    }
}

/// The state in a sentence, and what is not known of it.
fn sentence(view: &View<'_>, now: Now) -> String {
    let says = in_words(view, now);
    let Some(begun) = BegunStatus::of(view) else { return says };
    let again = match (&view.standing, view.next) {
        (Standing::Working | Standing::Failing { .. }, Some(next)) => {
            format!("; it is tried again in {} s", next.since(now.moment).as_secs())
        }
        (Standing::Working | Standing::Failing { .. }, None) => {
            "; it is tried again as soon as its account is free".into()
        }
        _ => String::new(),
    };
    format!("{says}; {}{again}", begun.sentence())
}

fn in_words(view: &View<'_>, now: Now) -> String {
    let wanted = match view.want {
        Want::Values(values) => list(values),
        Want::Gone => "nothing".into(),
        Want::Unknown(_) | Want::Unmanaged => String::new(),
    };
    let until = view.pause.map(|(_, until)| now.wall_of(until).to_string()).unwrap_or_default();
    match (&view.standing, view.pause.map(|(pause, _)| pause)) {
        (Standing::UpToDate, Some(Pause::Reads)) => {
            format!("{}; it was read often of late, and is read back at {until}", as_it_should(view, &wanted))
        }
        (Standing::UpToDate, _) => as_it_should(view, &wanted),
        (Standing::Working | Standing::Failing { .. }, Some(pause)) if view.waits_for_budget() => {
            let why = match pause {
                Pause::Writes => "it was sent often of late, and its write budget allows the next at",
                Pause::Reads => "it was read often of late, and is read again at",
                _ => "the state cannot be written, so that it is sent only once, at the earliest at",
            };
            let last = match &view.standing {
                Standing::Failing { error: Some(error) } => format!(" (before that: {error})"),
                _ => String::new(),
            };
            format!("should hold {wanted}; {why} {until}{last}")
        }
        (Standing::Working, Some(Pause::Landing)) => {
            format!("should hold {wanted}; {}, looked at again at {until}", landing(view, now))
        }
        (Standing::Working, Some(Pause::Settling)) => {
            format!("should hold {wanted}; left to settle until {until}, as more may change")
        }
        (Standing::Working, _) => format!("should hold {wanted}; not confirmed yet"),
        (Standing::Failing { error: Some(error) }, Some(Pause::Asked)) => {
            format!("should hold {wanted}; failing: {error}; the service asked to be left alone until {until}")
        }
        (Standing::Failing { error: Some(error) }, _) => format!("should hold {wanted}; failing: {error}"),
        (Standing::Failing { error: None }, _) => format!("should hold {wanted}; waiting to be tried again"),
        (Standing::Held { hold, account: true }, _) => format!("held with its account: {}", hold.error),
        (Standing::Held { hold, account: false }, _) => format!("held: {}", hold.error),
        (Standing::Unknown { why }, _) => format!("left as it is, the address is unknown: {why}"),
        (Standing::Unmanaged, _) => unmanaged(view, now),
    }
}

/// That it holds what it should, what stands beside it, and where that is only so because nobody knows better.
fn as_it_should(view: &View<'_>, wanted: &str) -> String {
    // There are texts of all kinds under a name, and none of them is an address.
    let addresses = view.id.key.rtype.family().is_some() && !view.others.is_empty();
    let others: Vec<String> = view.others.iter().map(ToString::to_string).collect();
    let beside =
        if addresses { format!(", beside {}, not known to be ours", others.join(", ")) } else { String::new() };
    let is_blind = |given: &Given| matches!(given.reading, Reading::Unknown(_) | Reading::Behind(_));
    if !view.uplinks.is_empty() && view.uplinks.iter().all(is_blind) {
        return format!("holds {wanted}{beside}, and is left as it is: what its uplinks have is unknown");
    }
    format!("holds {wanted}, as it should{beside}")
}

/// That there is certainly no address, which one that is, and what becomes of it.
fn unmanaged(view: &View<'_>, now: Now) -> String {
    let absent = view.entry.absence.and_then(|absence| absence.family);
    let lacks = absent.and_then(|family| view.spec?.lacks(family));
    let lacks = lacks.map(|lacks| format!("; {lacks}")).unwrap_or_default();
    match removal(view, now) {
        Some(at) => format!("there is no such address here{lacks}; what is ours is removed at {at} if that lasts"),
        None => format!("left as it is: there is no such address here{lacks}"),
    }
}

/// When an absence that is counted removes our values, where there are any and the configuration asked for it.
fn removal(view: &View<'_>, now: Now) -> Option<Wall> {
    let after = view.spec?.absent_after.filter(|_| view.readable && !view.entry.ours.is_empty())?;
    Some(now.wall_of(view.entry.absence?.since.plus(after)))
}
