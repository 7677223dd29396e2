//! Numbers for those who watch many machines: what was counted since the process started, and how everything stands.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::agree::{Reading, SourceName};
use crate::model::desired::{AccountName, Id};
use crate::model::error::{Error, Kind as ErrorKind};
use crate::model::evidence::Weight;
use crate::model::machine::standing::View;
use crate::model::machine::{Effect, Event, State};
use crate::model::plan::Applied;
use crate::model::record::Family;
use crate::model::time::{Moment, Now, Wall};
use crate::report::status::{STATES, last_confirmed, word};

mod text;

pub use text::Form;

use text::{Exposition, Kind};

/// The calls that are counted, as `call` names them.
const CALLS: [&str; 3] = ["read", "apply", "settle"];

/// The kinds of errors, as `kind` names them.
const KINDS: [&str; 6] = ["transient", "rate_limited", "stale", "auth", "config", "abuse"];

/// Up to how many seconds a bucket of the histogram counts, and how that is written in both forms.
const BUCKETS: [(f64, &str); 11] = [
    (0.1, "0.1"),
    (0.5, "0.5"),
    (1.0, "1.0"),
    (2.5, "2.5"),
    (5.0, "5.0"),
    (10.0, "10.0"),
    (30.0, "30.0"),
    (60.0, "60.0"),
    (300.0, "300.0"),
    (900.0, "900.0"),
    (3600.0, "3600.0"),
];

/// What is counted while the process lives.
#[derive(Debug)]
pub struct Tally {
    started: Wall,
    accounts: BTreeMap<AccountName, Counts>,
    /// Since when each record set is known not to hold what it should, seen from the event that brought it up.
    behind: BTreeMap<Id, Moment>,
    /// When the round of questions began that is under way.
    round: Option<Moment>,
}

/// What is counted of an account.
#[derive(Debug, Default)]
struct Counts {
    calls: [u64; CALLS.len()],
    errors: [u64; KINDS.len()],
    changes: u64,
    took: Histogram,
}

/// How a channel fares by which people are told.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// Whether the last attempt did not fail.
    pub works: bool,
    /// When it last took a message.
    pub last: Option<Wall>,
    /// How often it failed.
    pub failures: u64,
}

impl<'a> Told<'a> {
    fn labels(&self) -> [(&'static str, &'a str); 2] {
        [("channel", self.name), ("type", self.kind)]
    }
}

/// How often something took how long.
#[derive(Debug, Default)]
struct Histogram {
    /// How many fell into each bucket and none before it; the rest is beyond the last one.
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

impl Histogram {
    fn add(&mut self, seconds: f64) {
        let at = BUCKETS.iter().position(|(most, _)| seconds <= *most);
        if let Some(bucket) = at.and_then(|at| self.buckets.get_mut(at)) {
            *bucket += 1;
        }
        self.count += 1;
        self.seconds += seconds;
    }
}

/// Where a kind of error is counted in [`KINDS`].
fn kind(error: &Error) -> usize {
    match error.kind {
        ErrorKind::Transient => 0,
        ErrorKind::RateLimited { .. } => 1,
        ErrorKind::Stale => 2,
        ErrorKind::Auth { .. } => 3,
        ErrorKind::Config => 4,
        ErrorKind::Abuse => 5,
    }
}

impl Tally {
    /// Nothing counted yet, by a process that started now.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self { started: now.wall, accounts: BTreeMap::new(), behind: BTreeMap::new(), round: None }
    }

    /// Counts what an event says of calls, before the machine takes it in.
    pub fn heard(&mut self, event: &Event) {
        match event {
            Event::Read(account, _, answers) => {
                self.count(account, 0, answers.iter().filter_map(|(_, answer)| answer.as_ref().err()));
            }
            Event::Applied(account, _, _, outcomes) => {
                self.count(account, 1, outcomes.iter().filter_map(|outcome| outcome.as_ref().err()));
                let changes =
                    outcomes.iter().filter(|outcome| matches!(outcome, Ok(Applied::Done | Applied::Accepted(_))));
                self.of(account).changes += changes.count() as u64;
            }
            Event::Settled(account, _, _, _, result) => self.count(account, 2, result.as_ref().err().into_iter()),
            _ => {}
        }
    }

    /// A call and the kinds of errors in it, each once: a call for a thousand names that fails whole is one failure.
    fn count<'a>(&mut self, account: &AccountName, call: usize, errors: impl Iterator<Item = &'a Error>) {
        let kinds: BTreeSet<usize> = errors.map(kind).collect();
        let counts = self.of(account);
        let errors = counts.errors.iter_mut().enumerate().filter(|(at, _)| kinds.contains(at)).map(|(_, count)| count);
        counts.calls.get_mut(call).into_iter().chain(errors).for_each(|count| *count += 1);
    }

    fn of(&mut self, account: &AccountName) -> &mut Counts {
        self.accounts.entry(account.clone()).or_default()
    }

    /// Measures how long record sets take to be right again, after each step of the machine and what came of it.
    pub fn saw(&mut self, state: &State, effects: &[Effect], now: Now) {
        if effects.iter().any(|effect| matches!(effect, Effect::Detect(_))) {
            self.round.get_or_insert(now.moment);
        }
        let since = self.round.unwrap_or(now.moment);
        let mut behind = std::mem::take(&mut self.behind);
        for (id, stands) in state.confirmations() {
            match (behind.remove(id), stands) {
                (Some(since), true) => self.of(&id.account).took.add(now.moment.since(since).as_secs_f64()),
                (None, true) => {}
                (earlier, false) => {
                    self.behind.insert(id.clone(), earlier.unwrap_or(since));
                }
            }
        }
        if !state.is_asking() {
            self.round = None;
        }
        // Accounts that are gone are not counted for ever.
        self.accounts.retain(|account, _| state.desired().accounts.contains_key(account));
    }

    /// What was counted and how everything stands, in a form.
    #[must_use]
    pub fn text(&self, state: &State, told: &[Told<'_>], now: Now, form: Form) -> String {
        let mut text = Exposition::new(form);
        self.process(&mut text, state, now);
        records(&mut text, state, now);
        self.services(&mut text, state, now);
        sources(&mut text, state, now);
        channels(&mut text, told);
        text.end()
    }

    fn process(&self, text: &mut Exposition, state: &State, now: Now) {
        text.family("driftless_build", Kind::Info, "The version of the daemon.");
        text.sample("driftless_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.family("process_start_time_seconds", Kind::Gauge, "When the process started, in seconds since 1970.");
        text.sample("process_start_time_seconds", &[], self.started.0);
        text.family("driftless_state_writable", Kind::Gauge, "1: the state can be written to disk.");
        text.sample("driftless_state_writable", &[], u8::from(state.disk_is_writable()));
        let help = "When everything is next looked at without an event, in seconds since 1970.";
        text.family("driftless_next_check_timestamp_seconds", Kind::Gauge, help);
        text.sample("driftless_next_check_timestamp_seconds", &[], now.wall_of(state.next_check()).0);
    }

    /// What was counted of each account that is configured, and how it stands.
    fn services(&self, text: &mut Exposition, state: &State, now: Now) {
        let nothing = Counts::default();
        let counted = |name: &AccountName| self.accounts.get(name).unwrap_or(&nothing);
        let accounts: Vec<(&str, &str, &Counts)> = state
            .desired()
            .accounts
            .iter()
            .map(|(name, spec)| (name.0.as_str(), spec.service.as_str(), counted(name)))
            .collect();

        text.family("driftless_account_held", Kind::Gauge, "1: the account waits for a person.");
        for (name, entry) in state.accounts() {
            let provider = state.desired().accounts.get(name).map_or("", |spec| spec.service.as_str());
            let labels = [("account", name.0.as_str()), ("provider", provider)];
            text.sample("driftless_account_held", &labels, u8::from(entry.hold.is_some()));
        }
        let help = "When an account that rests is next asked, in seconds since 1970; missing where it does not rest.";
        text.family("driftless_account_rests_until_timestamp_seconds", Kind::Gauge, help);
        for (name, entry) in state.accounts() {
            if let Some(wait) = entry.wait.as_ref().filter(|wait| wait.until > now.moment) {
                let until = now.wall_of(wait.until).0;
                text.sample("driftless_account_rests_until_timestamp_seconds", &[("account", &name.0)], until);
            }
        }

        text.family("driftless_changes", Kind::Counter, "Changes that the service took.");
        for (account, provider, counts) in &accounts {
            let labels = [("account", *account), ("provider", *provider)];
            text.sample("driftless_changes_total", &labels, counts.changes);
        }
        text.family("driftless_calls", Kind::Counter, "Calls: record sets read, a batch applied, a job asked about.");
        for (account, provider, counts) in &accounts {
            for (call, count) in CALLS.iter().zip(counts.calls) {
                let labels = [("account", *account), ("provider", *provider), ("call", *call)];
                text.sample("driftless_calls_total", &labels, count);
            }
        }
        text.family("driftless_errors", Kind::Counter, "Calls with an error of a kind in their answer.");
        for (account, provider, counts) in &accounts {
            for (kind, count) in KINDS.iter().zip(counts.errors) {
                let labels = [("account", *account), ("provider", *provider), ("kind", *kind)];
                text.sample("driftless_errors_total", &labels, count);
            }
        }
        let help =
            "From the event that made the daemon look until the service confirmed what it found, each record set.";
        text.family("driftless_confirmed_after_seconds", Kind::Histogram, help);
        for (account, provider, counts) in &accounts {
            histogram(
                text,
                "driftless_confirmed_after_seconds",
                [("account", *account), ("provider", *provider)],
                &counts.took,
            );
        }
    }
}

fn histogram(text: &mut Exposition, name: &str, labels: [(&str, &str); 2], took: &Histogram) {
    let [first, second] = labels;
    let bucket = format!("{name}_bucket");
    let mut below = 0;
    for ((_, most), count) in BUCKETS.iter().zip(took.buckets) {
        below += count;
        text.sample(&bucket, &[first, second, ("le", most)], below);
    }
    text.sample(&bucket, &[first, second, ("le", "+Inf")], took.count);
    text.sample(&format!("{name}_count"), &labels, took.count);
    text.sample(&format!("{name}_sum"), &labels, took.seconds);
}

/// How each record set stands.
fn records(text: &mut Exposition, state: &State, now: Now) {
    let views: Vec<(View<'_>, String)> = state
        .views(now)
        .map(|view| {
            let rtype = view.id.key.rtype.to_string();
            (view, rtype)
        })
        .collect();
    let mut family = |name: &str, help: &str, value: &dyn Fn(&View<'_>) -> Option<i64>| {
        text.family(name, Kind::Gauge, help);
        for (view, rtype) in &views {
            if let Some(value) = value(view) {
                text.sample(name, &labels(view, rtype), value);
            }
        }
    };
    let right = "1: the service is known to hold what it should.";
    family("driftless_record_up_to_date", right, &|view| Some(i64::from(word(view) == "up to date")));
    let confirmed =
        "When the service or DNS last showed or accepted what it holds, in seconds since 1970; missing: never.";
    family("driftless_record_confirmed_timestamp_seconds", confirmed, &|view| Some(last_confirmed(view.entry)?.wall.0));
    let next = "When it is next looked at by itself, in seconds since 1970; missing: not before something changes.";
    family("driftless_record_next_attempt_timestamp_seconds", next, &|view| Some(now.wall_of(view.next?).0));

    let state = "Always 1, with the state that the record set is in.";
    text.family("driftless_record_state", Kind::Gauge, state);
    for (view, rtype) in &views {
        let [name, kind, account] = labels(view, rtype);
        text.sample("driftless_record_state", &[name, kind, account, ("state", word(view))], 1);
    }
    text.family("driftless_records", Kind::Gauge, "How many record sets are in a state.");
    for state in STATES {
        let count = views.iter().filter(|(view, _)| word(view) == state).count();
        text.sample("driftless_records", &[("state", state)], count);
    }
}

fn labels<'a>(view: &View<'a>, rtype: &'a str) -> [(&'static str, &'a str); 3] {
    [("record", view.id.key.name.as_str()), ("type", rtype), ("account", view.id.account.0.as_str())]
}

/// What each source last said, and whether the others said otherwise.
fn sources(text: &mut Exposition, state: &State, now: Now) {
    let mut disagrees: BTreeMap<(&SourceName, Family), bool> = BTreeMap::new();
    for evidence in state.verdicts().flat_map(|(.., weighed)| &weighed.evidence) {
        let dissents = matches!(evidence.weight, Weight::Dissents | Weight::Demoted { agrees: false });
        *disagrees.entry((&evidence.source, evidence.family)).or_default() |= dissents;
    }
    let help = "1: it says another address than what is believed.";
    text.family("driftless_source_disagrees", Kind::Gauge, help);
    for ((source, family), disagrees) in disagrees {
        let labels = [("source", source.0.as_str()), ("family", &family.to_string())];
        text.sample("driftless_source_disagrees", &labels, u8::from(disagrees));
    }
    let observed =
        || state.observations().map(|(source, family, reading, at)| (source, family.to_string(), reading, at));
    text.family("driftless_source_blind", Kind::Gauge, "1: it could not tell when it was last asked.");
    for (source, family, reading, _) in observed() {
        let blind = matches!(reading, Reading::Unknown(_));
        text.sample("driftless_source_blind", &[("source", &source.0), ("family", &family)], u8::from(blind));
    }
    text.family("driftless_source_demoted", Kind::Gauge, "1: it disagreed so often that it is not counted.");
    for (source, family, _, _) in observed() {
        let demoted = state.is_demoted(source, now);
        text.sample("driftless_source_demoted", &[("source", &source.0), ("family", &family)], u8::from(demoted));
    }
    let help = "When it last answered, in seconds since 1970.";
    text.family("driftless_source_asked_timestamp_seconds", Kind::Gauge, help);
    for (source, family, _, at) in observed() {
        let labels = [("source", source.0.as_str()), ("family", family.as_str())];
        text.sample("driftless_source_asked_timestamp_seconds", &labels, at.wall.0);
    }
}

/// How people are told.
fn channels(text: &mut Exposition, told: &[Told<'_>]) {
    text.family("driftless_channel_up", Kind::Gauge, "1: the last message arrived, or there was none yet.");
    for one in told {
        text.sample("driftless_channel_up", &one.labels(), u8::from(one.works));
    }
    let help = "When it last took a message, in seconds since 1970; missing: not since the process started.";
    text.family("driftless_channel_told_timestamp_seconds", Kind::Gauge, help);
    for (one, last) in told.iter().filter_map(|one| Some((one, one.last?))) {
        text.sample("driftless_channel_told_timestamp_seconds", &one.labels(), last.0);
    }
    text.family("driftless_channel_failures", Kind::Counter, "Messages that did not arrive.");
    for one in told {
        text.sample("driftless_channel_failures_total", &one.labels(), one.failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_once_and_so_does_each_kind_of_error_in_it() {
        let mut tally = Tally::new(Now::default());
        let account = AccountName("home".into());
        let transient = || Err(Error::transient("updating", "no answer"));
        let outcomes = vec![
            transient(),
            transient(),
            Err(Error::config("updating", "nohost")),
            Ok(Applied::Done),
            Ok(Applied::Accepted(None)),
            Ok(Applied::Unchanged),
        ];
        tally.heard(&Event::Applied(account.clone(), 1, String::new(), outcomes));
        tally.heard(&Event::Read(account.clone(), String::new(), Vec::new()));
        tally.heard(&Event::Time);
        let counts = &tally.accounts[&account];
        assert_eq!((counts.calls, counts.errors, counts.changes), ([1, 1, 0], [1, 0, 0, 0, 1, 0], 2));
    }

    #[test]
    fn a_bucket_counts_what_took_less_and_the_last_one_all() {
        let mut took = Histogram::default();
        [0.0, 0.1, 0.25, 60.0, 5000.0].into_iter().for_each(|seconds| took.add(seconds));
        let mut text = Exposition::new(Form::OpenMetrics);
        histogram(&mut text, "took", [("account", "a"), ("provider", "p")], &took);
        let written = text.end();
        let value = |part: &str| {
            let line = written.lines().find(|line| line.contains(part)).unwrap();
            line.rsplit(' ').next().unwrap().to_owned()
        };
        let parts = [
            "le=\"0.1\"",
            "le=\"0.5\"",
            "le=\"30.0\"",
            "le=\"60.0\"",
            "le=\"3600.0\"",
            "+Inf",
            "took_count",
            "took_sum",
        ];
        assert_eq!(parts.map(value), ["2", "3", "3", "4", "4", "5", "5", "5060.35"]);
    }
}
