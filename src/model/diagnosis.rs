//! What a set of findings about a machine means: how bad it is, what follows from what, and what to do first. Pure.

use std::fmt;

use serde::Serialize;

/// What is looked at, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// What was typed.
    Configuration,
    /// The process that runs.
    Daemon,
    /// The wall clock.
    Clock,
    /// Addresses and routes.
    Network,
    /// The servers that look names up.
    Resolver,
    /// The certificate authorities that are trusted.
    Certificates,
    /// The folder of the state.
    State,
    /// Secrets, and whatever else the configuration names on this machine.
    Credentials,
    /// A source of addresses.
    Source,
    /// A login at a provider.
    Account,
    /// The name servers of a record's zone.
    NameServers,
    /// What the internet sees.
    World,
    /// A channel by which people are told.
    Channel,
    /// The status page.
    Page,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 14] = [
        Self::Configuration,
        Self::Daemon,
        Self::Clock,
        Self::Network,
        Self::Resolver,
        Self::Certificates,
        Self::State,
        Self::Credentials,
        Self::Source,
        Self::Account,
        Self::NameServers,
        Self::World,
        Self::Channel,
        Self::Page,
    ];

    /// What of others can make this one fail in passing: what nobody answers, over a network that is not there.
    fn rests_on(self) -> &'static [Self] {
        match self {
            Self::Resolver | Self::World => &[Self::Network],
            Self::Source | Self::NameServers => &[Self::Network, Self::Resolver],
            Self::Account | Self::Channel => &[Self::Network, Self::Resolver, Self::Certificates],
            Self::Daemon => &[Self::Network, Self::Resolver, Self::State, Self::Source, Self::Account],
            Self::Configuration
            | Self::Clock
            | Self::Network
            | Self::Certificates
            | Self::State
            | Self::Credentials
            | Self::Page => &[],
        }
    }

    /// The place among what is to be done: causes before what they cause. What a running daemon complains of is mostly one of
    /// the other things; a disk that cannot be written is none of the network's, and mends itself least.
    fn rank(self) -> usize {
        match self {
            Self::Daemon => Self::ALL.len(),
            Self::State => 0,
            step => Self::ALL.iter().position(|of| *of == step).unwrap_or(0),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration => "configuration",
            Self::Daemon => "daemon",
            Self::Clock => "clock",
            Self::Network => "network",
            Self::Resolver => "resolver",
            Self::Certificates => "certificates",
            Self::State => "state",
            Self::Credentials => "credentials",
            Self::Source => "source",
            Self::Account => "account",
            Self::NameServers => "name servers",
            Self::World => "world",
            Self::Channel => "channel",
            Self::Page => "status page",
        })
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is as it should be.
    Ok,
    /// It was not looked at.
    Skipped,
    /// It works, and a person should look.
    Warning,
    /// It does not work.
    Failed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
        })
    }
}

/// What was found in one look at one thing. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// What of it: an account, a source, a record; `None` for the machine as a whole.
    pub about: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What is the case, in one line.
    pub says: String,
    /// What to do, where it is not well; may have several lines.
    pub advice: Option<String>,
    /// The exit code of what failed: 75, 77 or 78 (sysexits.h); else 0.
    pub code: u8,
}

impl Finding {
    fn new(step: Step, outcome: Outcome, says: impl Into<String>) -> Self {
        Self { step, about: None, outcome, says: one_line(&says.into()), advice: None, code: 0 }
    }

    /// All is well.
    #[must_use]
    pub fn ok(step: Step, says: impl Into<String>) -> Self {
        Self::new(step, Outcome::Ok, says)
    }

    /// Not looked at, and why.
    #[must_use]
    pub fn skipped(step: Step, why: impl Into<String>) -> Self {
        Self::new(step, Outcome::Skipped, why)
    }

    /// Something to look at.
    #[must_use]
    pub fn warning(step: Step, says: impl Into<String>) -> Self {
        Self::new(step, Outcome::Warning, says)
    }

    /// It does not work: `code` says what kind of failure that is.
    #[must_use]
    pub fn failed(step: Step, code: u8, says: impl Into<String>) -> Self {
        Self { code, ..Self::new(step, Outcome::Failed, says) }
    }

    /// The same, about one of several.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: Some(about.into()), ..self }
    }

    /// The same with what to do. Lines that are to be copied stay lines.
    #[must_use]
    pub fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into().trim().to_owned()), ..self }
    }

    /// The same with what to do, where somebody knows it.
    #[must_use]
    pub fn advised(self, advice: Option<String>) -> Self {
        match advice {
            Some(advice) => self.advice(advice),
            None => self,
        }
    }

    /// The step and what of it: `account home`.
    #[must_use]
    pub fn subject(&self) -> String {
        self.about.as_ref().map_or_else(|| self.step.to_string(), |about| format!("{} {about}", self.step))
    }
}

/// A text with single spaces for white space.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One thing to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// What it is about: `account home`, of several with the same advice all of them.
    pub about: String,
    /// What is wrong there; where it is another thing for each of several, that it is.
    pub why: String,
    /// What to do; `None` where nobody knows more than what is wrong.
    #[serde(rename = "do")]
    pub advice: Option<String>,
    /// Whether something works only when this is done; else it could be better.
    pub failed: bool,
    /// The failed step that it may merely follow from: then it is done with that.
    pub may_follow_from: Option<Step>,
}

/// Why, where it is another reason for each of several.
const EACH: &str = "each for a reason of its own, see above";

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// The findings, in the order of their steps.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Of findings in any order; those of one step stay in theirs.
    #[must_use]
    pub fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.step);
        Self { findings }
    }

    /// How many ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.findings.iter().filter(|finding| finding.outcome == outcome).count()
    }

    /// 0 where nothing failed, else the highest code of what did.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.findings.iter().map(|finding| finding.code).max().unwrap_or(0)
    }

    /// What to do, most urgent first: what failed before what could be better, what waits for a person before what may pass by itself,
    /// causes before what may follow from them.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        let wrong = self.findings.iter().filter(|finding| finding.outcome >= Outcome::Warning);
        let mut wrong: Vec<(&Finding, Option<Step>)> = wrong.map(|finding| (finding, self.cause(finding))).collect();
        let may_pass = |finding: &Finding| finding.code == 75 && finding.step != Step::State;
        wrong.sort_by_key(|(finding, cause)| {
            (finding.outcome != Outcome::Failed, cause.is_some(), may_pass(finding), finding.step.rank())
        });
        let mut tasks: Vec<Task> = Vec::new();
        for (finding, cause) in wrong {
            let failed = finding.outcome == Outcome::Failed;
            let (subject, advice) = (finding.subject(), finding.advice.clone());
            let same = |task: &&mut Task| {
                let is_same = task.failed == failed && task.advice == advice && task.may_follow_from == cause;
                is_same && task.advice.is_some() && task.about.split(' ').next() == subject.split(' ').next()
            };
            if let Some(same) = tasks.iter_mut().find(same) {
                if !same.about.split(", ").any(|about| about == subject) {
                    same.about = format!("{}, {subject}", same.about);
                }
                if same.why != finding.says {
                    same.why = EACH.to_owned();
                }
                continue;
            }
            let why = finding.says.clone();
            tasks.push(Task { about: subject, why, advice, failed, may_follow_from: cause });
        }
        tasks
    }

    /// The failed step that a finding may follow from. Only silence follows from silence: what was refused was heard. A service that
    /// judges signatures by the time refuses a right key when the clock is wrong.
    fn cause(&self, finding: &Finding) -> Option<Step> {
        let failed = |step: Step| {
            let of = self.findings.iter().filter(|other| other.step == step && other.outcome == Outcome::Failed);
            of.count() > 0
        };
        if finding.outcome == Outcome::Failed && finding.step == Step::Account && failed(Step::Clock) {
            return Some(Step::Clock);
        }
        if finding.outcome == Outcome::Failed && finding.code != 75 {
            return None;
        }
        finding.step.rests_on().iter().copied().find(|step| failed(*step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(step: Step, about: &str) -> Finding {
        Finding::failed(step, 75, "no answer").about(about)
    }

    #[test]
    fn what_failed_comes_before_what_could_be_better_and_causes_before_what_follows() {
        let found = Diagnosis::of(vec![
            Finding::warning(Step::Configuration, "no record uses the account \"old\""),
            silent(Step::Daemon, "home.example.org A"),
            silent(Step::Account, "home"),
            silent(Step::Source, "https aws"),
            Finding::failed(Step::Resolver, 75, "nobody answers").advice("see /etc/resolv.conf"),
            Finding::ok(Step::Network, "IPv4 leaves by eth0"),
        ]);
        let tasks = found.tasks();
        let order: Vec<(&str, Option<Step>)> =
            tasks.iter().map(|task| (task.about.as_str(), task.may_follow_from)).collect();
        assert_eq!(
            order,
            [
                ("resolver", None),
                ("source https aws", Some(Step::Resolver)),
                ("account home", Some(Step::Resolver)),
                ("daemon home.example.org A", Some(Step::Resolver)),
                ("configuration", None),
            ]
        );
        assert_eq!((found.exit_code(), found.findings[0].step), (75, Step::Configuration));
        assert_eq!((found.count(Outcome::Failed), found.count(Outcome::Warning), found.count(Outcome::Ok)), (4, 1, 1));
    }

    #[test]
    fn what_was_refused_was_heard_and_follows_from_no_silence() {
        let refused = Finding::failed(Step::Account, 77, "the password is wrong").about("home");
        let silent = Finding::failed(Step::Resolver, 75, "nobody answers");
        let tasks = Diagnosis::of(vec![silent, refused.clone()]).tasks();
        assert!(tasks.iter().all(|task| task.may_follow_from.is_none()), "{tasks:?}");
        let clock = Finding::failed(Step::Clock, 75, "an hour off");
        let tasks = Diagnosis::of(vec![clock, refused]).tasks();
        assert_eq!(tasks[1].may_follow_from, Some(Step::Clock), "a signature rests on the time");
    }

    #[test]
    fn what_waits_for_a_person_comes_before_what_may_pass() {
        let resolver = Finding::failed(Step::Resolver, 75, "nobody answers");
        let held = Finding::failed(Step::Daemon, 77, "it holds the account").about("home");
        let state = Finding::failed(Step::State, 75, "the daemon cannot write it");
        let tasks = Diagnosis::of(vec![resolver, held, state]).tasks();
        let order: Vec<(&str, Option<Step>)> =
            tasks.iter().map(|task| (task.about.as_str(), task.may_follow_from)).collect();
        assert_eq!(order, [("state", None), ("daemon home", None), ("resolver", None)]);
    }

    #[test]
    fn the_same_advice_is_given_once_for_all_of_a_step() {
        let of = |about: &str| silent(Step::Source, about).advice("ask another one");
        let tasks = Diagnosis::of(vec![of("a"), of("b"), of("b"), silent(Step::Source, "c")]).tasks();
        let about: Vec<&str> = tasks.iter().map(|task| task.about.as_str()).collect();
        assert_eq!(about, ["source a, source b", "source c"]);
        assert_eq!(tasks[0].why, "no answer");
        let other = Finding { says: "refused".into(), ..of("b") };
        assert_eq!(Diagnosis::of(vec![of("a"), other]).tasks()[0].why, EACH);
    }

    #[test]
    fn the_worst_failure_gives_the_exit_code_and_a_warning_none() {
        let code = |findings: Vec<Finding>| Diagnosis::of(findings).exit_code();
        assert_eq!(code(vec![Finding::ok(Step::Clock, ""), Finding::warning(Step::World, "")]), 0);
        assert_eq!(code(vec![silent(Step::Source, "a"), Finding::failed(Step::Credentials, 78, "")]), 78);
        assert_eq!(code(Vec::new()), 0);
    }

    #[test]
    fn a_finding_is_one_line_whatever_it_is_made_of_and_what_is_to_be_copied_keeps_its_lines() {
        let finding = Finding::warning(Step::State, "a\n  b").advice("write\n\n[Service]\nUser=x\n");
        assert_eq!((finding.says.as_str(), finding.advice.as_deref()), ("a b", Some("write\n\n[Service]\nUser=x")));
        assert_eq!(finding.about("x").subject(), "state x");
    }

    #[test]
    fn every_step_has_its_place() {
        for (at, step) in Step::ALL.into_iter().enumerate() {
            assert!(Step::ALL.iter().skip(at + 1).all(|later| step < *later), "{step}");
            assert!(step.rests_on().iter().all(|cause| cause.rank() < step.rank()), "{step}");
        }
    }
}
