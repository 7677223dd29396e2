//! What sources are worth: how often one has said the same, which of them disagree with what is believed, and what that rests on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::detection::{AFTER_FLAP, Question, Round, Use};
use super::{Level, Out, Planted, State};
use crate::model::agree::{Expression, Reading, SourceName, Witness};
use crate::model::backoff::spread;
use crate::model::desired::{Id, Uplink, Want, want};
use crate::model::evidence::{Evidence, OVER, Protocol, TIMES, Weight};
use crate::model::record::Family;
use crate::model::tally::unproven;
use crate::model::time::{Moment, Now};
use crate::model::uplinks::gave;
use crate::model::weigh::{Weighed, weigh};

/// A single source that has begun to say something is asked again after so long, and a little more: three times in two minutes.
const AGAIN: Duration = Duration::from_secs(60);
/// Up to so much more, so that no two machines march in step.
const JITTER: u64 = 10_000;
/// So often one that never says the same twice is asked sooner than its interval allows.
const HURRIES: u32 = 4;
/// So often a source may disagree before it is asked last and no longer counted, and so often it must agree before it is again.
const DISAGREES: u8 = 3;
/// After so long without a word against what is believed, it gets another chance.
const FORGIVEN: Duration = Duration::from_secs(24 * 3600);
/// A one-shot run waits for a question that is asked again within this time.
const PATIENCE: Duration = Duration::from_secs(90);

/// A public source that failed is not asked again sooner, unless the network changed; twice as late each time that it fails again,
/// but no later than one that answered.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// What counts as said by a source that is needed and not asked, for its own sake.
pub(super) fn spared() -> Reading {
    Reading::Unknown("it was asked moments before the network changed, and is asked again soon".into())
}

/// How often in a row a source said the same, of which it could not always tell.
#[derive(Clone, Debug)]
struct Streak {
    said: Reading,
    times: u32,
    since: Moment,
    last: Moment,
}

impl Streak {
    /// What a reading makes of what was said before. Silence is no answer.
    /// It was asked at `asked`, and the answer is there now: between what was said first and what was said last lies at least the
    /// time from the first answer to the last question.
    fn after(before: Option<Self>, reading: &Reading, asked: Moment, now: Now) -> Option<Self> {
        if matches!(reading, Reading::Unknown(_) | Reading::Behind(_)) {
            return before;
        }
        let new = Self { said: reading.clone(), times: 0, since: now.moment, last: asked };
        let same = before.filter(|before| before.said.addresses() == reading.addresses()).unwrap_or(new);
        Some(Self { times: same.times.saturating_add(1), last: asked, ..same })
    }

    /// Whether that is often enough for it to be believed alone.
    fn is_proof(&self) -> bool {
        self.times >= TIMES && self.last.since(self.since) >= OVER
    }
}

/// The times at which a source is asked sooner than its interval allows, to prove what it says.
#[derive(Clone, Copy, Debug, Default)]
struct Hurry {
    /// When it may be asked again.
    again: Moment,
    /// How often it was, of late.
    times: u32,
}

impl Hurry {
    /// After an answer at `now`, which came before its time if `early`, and does or does not prove anything.
    fn after(before: Self, early: bool, streak: Option<&Streak>, now: Now, rng: &mut fastrand::Rng) -> Self {
        let times = match streak {
            Some(streak) if streak.is_proof() => 0,
            _ if early => before.times.saturating_add(1),
            _ => before.times.saturating_sub(1),
        };
        let jitter = Duration::from_millis(rng.u64(..JITTER));
        Self { again: now.moment.plus(AGAIN + jitter), times }
    }
}

/// What a source last said.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) reading: Reading,
    pub(super) at: Now,
    /// When the round began in which it was asked.
    pub(super) asked: Moment,
    /// Not asked again before, while the network stays the same.
    pub(super) again: Moment,
    /// Not asked again before, however often the network changes.
    pub(super) spared: Moment,
    /// How often in a row it could not tell.
    pub(super) failures: u32,
    /// How often in a row it said what it last said.
    streak: Option<Streak>,
    /// When it may be asked sooner than `again`.
    hurry: Hurry,
    /// It was compared with what is believed.
    weighed: bool,
}

impl Observed {
    /// What a reading makes of what was observed before. It is asked again no sooner than `least` allows, in the same network as
    /// before or not, by the round that `began`.
    pub(super) fn after(
        before: Option<Self>,
        reading: Reading,
        (least, same, began): (Duration, bool, Option<Moment>),
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Self {
        // What failed in another network says nothing of this one.
        let failed = before.as_ref().filter(|_| same).map_or(0, |before| before.failures);
        let failures = if matches!(reading, Reading::Unknown(_)) { failed.saturating_add(1) } else { 0 };
        let least = match failures {
            0 => least,
            failures => AFTER_FAILURE.saturating_mul(1 << (failures - 1).min(16)).min(least),
        };
        let early = same && before.as_ref().is_some_and(|before| before.again > now.moment);
        let hurry = before.as_ref().map(|before| before.hurry).unwrap_or_default();
        let asked = began.unwrap_or(now.moment);
        let streak = Streak::after(before.and_then(|before| before.streak), &reading, asked, now);
        Self {
            at: now,
            asked,
            again: now.moment.plus(spread(least, rng).max(least)),
            spared: now.moment.plus(AFTER_FLAP),
            failures,
            hurry: Hurry::after(hurry, early, streak.as_ref(), now, rng),
            streak,
            weighed: false,
            reading,
        }
    }
}

/// How often a source disagreed with what was believed.
#[derive(Clone, Copy, Debug, Default)]
struct Doubt {
    times: u8,
    demoted: bool,
    last: Moment,
}

/// What is known of sources beside what they said.
#[derive(Debug, Default)]
pub(super) struct Worth {
    doubts: BTreeMap<SourceName, Doubt>,
    /// What the verdicts of the last round rest on.
    verdicts: BTreeMap<(Family, Expression), Weighed>,
    /// When single sources are asked again that have begun to say something.
    proving: BTreeMap<Question, Moment>,
}

impl Worth {
    fn is_demoted(&self, source: &SourceName, now: Now) -> bool {
        let lately = |doubt: &Doubt| now.moment.since(doubt.last) < FORGIVEN;
        self.doubts.get(source).is_some_and(|doubt| doubt.demoted && lately(doubt))
    }

    fn disagreed(&self, source: &SourceName, now: Now) -> u8 {
        let lately = |doubt: &&Doubt| now.moment.since(doubt.last) < FORGIVEN;
        self.doubts.get(source).filter(lately).map_or(0, |doubt| doubt.times)
    }

    /// When a question may be asked again that a single source has to answer more often than its interval allows.
    pub(super) fn hurries(&self, question: &Question) -> Option<Moment> {
        self.proving.get(question).copied()
    }

    /// When the first of them is.
    pub(super) fn next(&self) -> Option<Moment> {
        self.proving.values().min().copied()
    }

    /// Whether one is asked again so soon that a person would wait for it.
    pub(super) fn is_worth_waiting(&self, now: Now) -> bool {
        self.next().is_some_and(|at| at <= now.moment.plus(PATIENCE))
    }

    /// These have yet to prove something, and no others.
    pub(super) fn prove(&mut self, proving: BTreeMap<Question, Moment>) {
        self.proving = proving;
    }

    /// The configuration is another one: what rests on expressions that nobody has any more goes.
    pub(super) fn keep(&mut self, has: impl Fn(&SourceName) -> bool) {
        self.doubts.retain(|source, _| has(source));
        self.proving.retain(|(source, _), _| has(source));
        self.verdicts.clear();
    }
}

impl State {
    /// How a source stands, with what it said of a family as far as that counts now.
    pub(super) fn witness<'a>(
        &'a self,
        source: &'a SourceName,
        family: Family,
        said: Option<&'a Reading>,
        now: Now,
    ) -> Witness<'a> {
        let observed = self.detection.observed.get(&(source.clone(), family));
        let streak = observed.and_then(|observed| observed.streak.as_ref());
        // A source without a declaration says nothing: a reload took it away.
        let (protocol, operator, trusted) =
            self.desired.sources.get(source).map_or((Protocol::Fixed, source.0.as_str(), false), |spec| {
                (spec.protocol, spec.operator.as_str(), spec.trusted)
            });
        let operator = if self.has(Planted::OperatorsNotToldApart) { source.0.as_str() } else { operator };
        Witness {
            origin: (operator, protocol),
            said,
            at: said.and(observed).map(|observed| observed.at.wall),
            suffices: trusted
                || protocol.is_local()
                || streak.is_some_and(Streak::is_proof)
                || self.has(Planted::OneVoiceIsEnough),
            times: streak.map_or(0, |streak| streak.times),
            demoted: self.detection.worth.is_demoted(source, now),
            mute: observed.is_some_and(|observed| observed.failures > 0),
        }
    }

    /// What is believed of what a single source says that has not proved it: that which is so already, and nothing else before it has
    /// said so often enough.
    pub(super) fn unproven(
        &self,
        id: &Id,
        uplink: &Uplink,
        said: &Reading,
        by: &BTreeSet<SourceName>,
        round: &mut Round,
    ) -> Reading {
        let (Some(spec), Some(record)) = (self.desired.records.get(id), self.records.get(id)) else {
            return said.clone();
        };
        let family = uplink.family;
        let several = spec.uplinks.iter().filter(|other| other.family == family).count() > 1;
        let changes_nothing = if several {
            gave(uplink, &record.entry.uplinks) == said.addresses()
        } else {
            let confirmed = match want(spec, &id.key, &[(family, said.clone())], Duration::ZERO) {
                Want::Values(values) => record.entry.is_confirmed(&values, None),
                _ => false,
            };
            confirmed || record.believed.get(&family) == Some(said)
        };
        if changes_nothing {
            return said.clone();
        }
        let mut times = 0;
        for source in by {
            let question = (source.clone(), family);
            let Some(observed) = self.detection.observed.get(&question) else { continue };
            times = times.max(observed.streak.as_ref().map_or(0, |streak| streak.times));
            let again = if observed.hurry.times < HURRIES { observed.hurry.again } else { observed.again };
            round.proving.insert(question, again.min(observed.again));
        }
        Reading::Unknown(unproven(said, by, times))
    }

    /// Notes what the verdicts of a round rest on, and who disagreed with them.
    pub(super) fn take_stock(&mut self, round: &Round, now: Now, out: &mut Out) {
        let meant = self.desired.records.iter().filter(|(id, _)| self.looks_at(id));
        let uplinks = meant.flat_map(|(_, spec)| &spec.uplinks);
        let expressions: BTreeSet<(Family, &Expression)> =
            uplinks.map(|uplink| (uplink.family, &uplink.source)).collect();
        let weighed = expressions.into_iter().map(|(family, expression)| {
            let spared = spared();
            let witness = |source| {
                let said = self.said(source, family, round, &spared);
                self.witness(source, family, said, now)
            };
            let mut weighed = weigh(expression, family, round.salt, &witness);
            weighed.evidence.iter_mut().for_each(|evidence| self.spares(evidence, round, now));
            ((family, expression.clone()), weighed)
        });
        let verdicts: BTreeMap<_, _> = weighed.collect();
        for evidence in verdicts.values().flat_map(|weighed| &weighed.evidence) {
            self.learn(evidence, round, now, out);
        }
        self.detection.worth.verdicts = verdicts;
    }

    /// What a source said as far as it counts in this round, `spared` where it was needed and not asked; `None` where it was not needed
    /// yet.
    pub(super) fn said<'a>(
        &'a self,
        source: &SourceName,
        family: Family,
        round: &Round,
        spared: &'a Reading,
    ) -> Option<&'a Reading> {
        let question = (source.clone(), family);
        match (round.fresh.get(&question)?, self.detection.observed.get(&question)) {
            (Use::Answer, observed) => observed.map(|observed| &observed.reading),
            (Use::Nothing, _) => Some(spared),
        }
    }

    /// What was needed and not asked is told as that, with the time until which it is spared.
    fn spares(&self, evidence: &mut Evidence, round: &Round, now: Now) {
        let question = (evidence.source.clone(), evidence.family);
        if evidence.weight == Weight::Blind && matches!(round.fresh.get(&question), Some(Use::Nothing)) {
            let until = self.detection.observed.get(&question).map_or(now.moment, |observed| observed.spared);
            (evidence.answer, evidence.at) = (None, None);
            evidence.weight = Weight::Rests { until: now.wall_of(until) };
        }
    }

    /// A source that was asked in this round agreed with what is believed, or did not.
    fn learn(&mut self, evidence: &Evidence, round: &Round, now: Now, out: &mut Out) {
        let agrees = match evidence.weight {
            Weight::Counts | Weight::Repeats | Weight::Demoted { agrees: true } => true,
            Weight::Dissents | Weight::Demoted { agrees: false } => false,
            _ => return,
        };
        let question = (evidence.source.clone(), evidence.family);
        let Some(observed) = self.detection.observed.get_mut(&question) else { return };
        // Each answer once, and only one that is as new as what it is compared with.
        if observed.asked != round.began || std::mem::replace(&mut observed.weighed, true) {
            return;
        }
        let doubts = &mut self.detection.worth.doubts;
        if agrees && !doubts.contains_key(&evidence.source) {
            return;
        }
        let doubt = doubts.entry(evidence.source.clone()).or_default();
        if now.moment.since(doubt.last) >= FORGIVEN {
            *doubt = Doubt::default();
        }
        let source = &evidence.source;
        if agrees {
            doubt.times = doubt.times.saturating_sub(1);
            if doubt.times == 0 {
                if doubt.demoted {
                    out.tell(Level::Info, None, format!("{source} agrees with the other sources again, and counts"));
                }
                doubts.remove(source);
            }
            return;
        }
        doubt.last = now.moment;
        doubt.times = doubt.times.saturating_add(1).min(DISAGREES);
        if doubt.times == DISAGREES && !std::mem::replace(&mut doubt.demoted, true) {
            let what = format!(
                "{source} said something else than what was believed {DISAGREES} times more often than the same: it is asked last, and not \
                 counted before it has agreed as often"
            );
            out.tell(Level::Warn, None, what);
        }
    }

    /// What sources last came to, each way of learning an address once, with what it rests on.
    pub fn verdicts(&self) -> impl Iterator<Item = (Family, &Expression, &Weighed)> {
        self.detection.worth.verdicts.iter().map(|((family, way), weighed)| (*family, way, weighed))
    }

    /// When a single source is next asked that has begun to say something and must say it again to be believed.
    #[must_use]
    pub fn proves_at(&self) -> Option<Moment> {
        self.detection.worth.next()
    }

    /// How much more often a source disagreed with what was believed than it agreed, of late.
    #[must_use]
    pub fn disagreed(&self, source: &SourceName, now: Now) -> u8 {
        self.detection.worth.disagreed(source, now)
    }

    /// Whether a source disagreed so often that it is asked last and not counted.
    #[must_use]
    pub fn is_demoted(&self, source: &SourceName, now: Now) -> bool {
        self.detection.worth.is_demoted(source, now)
    }
}
