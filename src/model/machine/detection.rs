//! Rounds of questions, each source asked as rarely as it allows, until it is known what the sources come to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::witness::{Observed, Worth, spared};
use super::{Effect, Network, Out, Planted, SETTLE, SETTLE_MOST, State};
use crate::model::agree::{Expression, Reading, SourceName, Verdict, agree};
use crate::model::desired::{Id, Uplink, Want};
use crate::model::record::Family;
use crate::model::time::{Moment, Now};

/// However often the network changes, a public source is asked no sooner again.
pub(super) const AFTER_FLAP: Duration = Duration::from_secs(30);
/// So long, after the network changed, nothing is done for an address that was learnt before, unless it was found again.
const JUDGED: Duration = Duration::from_secs(30);
/// Waits are cut short by a changed network at most this often.
pub(super) const RELIEF: Duration = Duration::from_secs(60);

/// So many expressions are remembered with what they came to, while record sets are judged one after another.
const SHARED: usize = 8;

/// A source and a family: the unit of questions.
pub(super) type Question = (SourceName, Family);

/// What is known from detectors, and the round of questions under way.
#[derive(Debug, Default)]
pub(super) struct Detection {
    pub(super) observed: BTreeMap<Question, Observed>,
    pub(super) worth: Worth,
    round: Option<Round>,
    /// What was asked before this moment, by family, may be of another network: it is not used again.
    pub(super) outdated: BTreeMap<Family, Moment>,
    /// Another look was asked for while a round was under way.
    again: Option<Network>,
    /// The first round is not over: until this moment it may hold everything back.
    pub(super) starting: Option<Moment>,
    /// Everything is left to settle until the first moment, since the second.
    quiet: Option<(Moment, Moment)>,
}

#[derive(Debug)]
pub(super) struct Round {
    pub(super) began: Moment,
    pub(super) salt: u64,
    network: Network,
    /// What counted as outdated before the change that began it.
    outdated: BTreeMap<Family, Moment>,
    /// What was answered in this round, or need not be asked in it.
    pub(super) fresh: BTreeMap<Question, Use>,
    asked: BTreeSet<Question>,
    /// When what was spared may be asked again.
    later: Option<Moment>,
    /// When single sources are asked again that have not yet proved what they say.
    pub(super) proving: BTreeMap<Question, Moment>,
    /// Everything that must be known is: what is still open decides nothing.
    decided: bool,
}

/// Of a source that is not asked again yet, although somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Not asked before.
    pub until: Moment,
    /// What it said counts until then: it is of this network.
    pub counts: bool,
}

/// What an answer is good for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    Answer,
    Nothing,
}

impl Detection {
    /// Until when everything is held back.
    pub(super) fn gate(&self, now: Now) -> Option<Moment> {
        let quiet = self.quiet.map(|(until, _)| until);
        self.starting.max(quiet).filter(|until| *until > now.moment)
    }

    /// Whether sources are being asked.
    pub(super) fn is_asking(&self) -> bool {
        self.round.is_some()
    }

    /// What was observed and is not asked again yet while the network stays the same, and until when.
    fn resting(&self, question: &Question, now: Now) -> Option<(&Observed, Moment)> {
        let observed = self.observed.get(question)?;
        let until = self.worth.hurries(question).map_or(observed.again, |at| at.min(observed.again));
        (until > now.moment).then_some((observed, until))
    }

    /// What was asked of a family before this moment may be of another network.
    fn outdated(&self, family: Family) -> Moment {
        self.outdated.get(&family).copied().unwrap_or_default()
    }

    /// Whether a question is open, or soon asked again, whose answer decides something.
    pub(super) fn is_under_way(&self, now: Now) -> bool {
        self.round.as_ref().is_some_and(|round| !round.decided) || self.worth.is_worth_waiting(now)
    }
}

/// Begins or prolongs a time of settling: 2 s from now, 5 s from its beginning at most.
pub(super) fn prolong(settle: &mut Option<(Moment, Moment)>, now: Now) {
    let since = settle.filter(|(until, _)| *until > now.moment).map_or(now.moment, |(_, since)| since);
    *settle = Some((now.moment.plus(SETTLE).min(since.plus(SETTLE_MOST)), since));
}

impl State {
    pub(super) fn look(&mut self, network: Network, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let outdated = self.detection.outdated.clone();
        if network > Network::Same {
            out.push(Effect::DropConnections);
            self.relieve(now);
            self.detection.outdated = Family::ALL.map(|family| (family, now.moment)).into();
            for record in self.records.values_mut() {
                let begun = record.unjudged.filter(|until| *until > now.moment);
                record.unjudged = begun.or(Some(now.moment.plus(JUDGED)));
            }
        }
        if network == Network::RouteVanished {
            prolong(&mut self.detection.quiet, now);
        }
        if let Some(round) = &mut self.detection.round {
            self.detection.again = self.detection.again.max(Some(network));
            // Slow answers from the world must not keep the machine's own word waiting.
            let local =
                |source: &SourceName| self.desired.sources.get(source).is_some_and(|spec| spec.min_interval.is_zero());
            round.fresh.retain(|(source, _), _| !local(source));
            self.advance(now, rng, out);
            return;
        }
        let first = self.detection.observed.is_empty() && self.started.is_some_and(|started| started == now);
        if first {
            self.detection.starting = Some(now.moment.plus(SETTLE_MOST));
        }
        self.detection.round = Some(Round {
            began: now.moment,
            salt: rng.u64(..),
            network,
            outdated,
            fresh: BTreeMap::new(),
            asked: BTreeSet::new(),
            later: None,
            proving: BTreeMap::new(),
            decided: false,
        });
        self.advance(now, rng, out);
    }

    /// A changed network is a reason to try again what failed in passing, but not more than once a minute.
    fn relieve(&mut self, now: Now) {
        if self.relieved.is_some_and(|last| now.moment.since(last) < RELIEF) {
            return;
        }
        self.relieved = Some(now.moment);
        let waits = self.accounts.values_mut().map(|account| &mut account.entry.wait);
        for wait in waits.chain(self.records.values_mut().map(|record| &mut record.entry.wait)) {
            if wait.as_ref().is_some_and(|wait| !wait.obeyed) {
                *wait = None;
            }
        }
    }

    pub(super) fn readings(
        &mut self,
        readings: Vec<(SourceName, Family, Reading)>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        for (source, family, reading) in readings {
            self.observe((source, family), reading, now, rng);
        }
        self.advance(now, rng, out);
    }

    /// Sources that were not asked do not know, and were last asked when they were.
    pub(super) fn kept_back(
        &mut self,
        kept: Vec<(SourceName, Family, String)>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        for (source, family, why) in kept {
            let question = (source, family);
            let spared = self.detection.observed.get(&question).map_or(Moment::default(), |before| before.spared);
            self.observe(question.clone(), Reading::Unknown(why), now, rng);
            if let Some(observed) = self.detection.observed.get_mut(&question) {
                observed.spared = spared;
            }
        }
        self.advance(now, rng, out);
    }

    fn observe(&mut self, question: Question, reading: Reading, now: Now, rng: &mut fastrand::Rng) {
        if let Some(round) = &mut self.detection.round {
            round.asked.remove(&question);
            round.fresh.insert(question.clone(), Use::Answer);
        }
        // A reload may have taken the source away while it was asked.
        let Some(spec) = self.desired.sources.get(&question.0) else { return };
        let reading = match reading {
            Reading::Unknown(_) if self.has(Planted::BlindIsNone) => Reading::None,
            other => other,
        };
        // What failed in another network says nothing of this one.
        let same = self.detection.round.as_ref().is_none_or(|round| round.network == Network::Same);
        let before = self.detection.observed.remove(&question);
        let began = self.detection.round.as_ref().map(|round| round.began);
        let observed = Observed::after(before, reading, (spec.min_interval, same, began), now, rng);
        self.detection.observed.insert(question, observed);
    }

    /// Concludes what can be concluded and asks what must be asked; ends the round when nothing is open.
    fn advance(&mut self, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let Some(mut round) = self.detection.round.take() else { return };
        let mut ask = BTreeSet::new();
        round.proving.clear();
        // Most record sets share a few expressions. What one of them comes to holds for the next, as long as nothing that it
        // rests on has changed in between.
        let mut judged: Vec<(Expression, Family, Verdict)> = Vec::new();
        let ids: Vec<Id> = self.desired.records.keys().filter(|id| self.looks_at(id)).cloned().collect();
        for id in ids {
            let Some(spec) = self.desired.records.get(&id) else { continue };
            let mut readings = Vec::with_capacity(spec.uplinks.len());
            for uplink @ Uplink { family, source } in &spec.uplinks {
                let known = judged.iter().find(|(other, of, _)| of == family && other == source);
                let verdict = match known {
                    Some((.., verdict)) => verdict.clone(),
                    None => {
                        let fresh = round.fresh.len();
                        let verdict = self.judge(source, *family, &mut round, now);
                        if round.fresh.len() > fresh || judged.len() >= SHARED {
                            judged.clear();
                        }
                        judged.push((source.clone(), *family, verdict.clone()));
                        verdict
                    }
                };
                match verdict {
                    Verdict::Known(reading) => readings.push(reading),
                    Verdict::Unproven { said, by } => {
                        readings.push(self.unproven(&id, uplink, &said, &by, &mut round));
                    }
                    Verdict::Ask(sources) => ask.extend(sources.into_iter().map(|source| (source, *family))),
                }
            }
            // Until each of them has spoken there is nothing to conclude.
            if readings.len() == spec.uplinks.len() && self.conclude(&id, &readings, round.began, now, out) {
                judged.clear();
            }
        }
        round.decided = ask.is_empty();
        ask.retain(|question| !round.asked.contains(question));
        round.asked.extend(ask.iter().cloned());
        let over = round.asked.is_empty();
        if !ask.is_empty() {
            out.push(Effect::Detect(ask.into_iter().collect()));
        }
        if round.decided {
            // One that is slow and not needed holds nothing up.
            self.take_stock(&round, now, out);
            self.detection.worth.prove(round.proving.clone());
            self.first_round_is_over(now);
        }
        if !over {
            self.detection.round = Some(round);
            return;
        }
        let soon = [round.later, self.detection.worth.next()].into_iter().flatten().min();
        self.next_check = soon.map_or(self.next_check, |soon| self.next_check.min(soon));
        if let Some(network) = self.detection.again.take() {
            self.look(network, now, rng, out);
        }
    }

    /// What an expression comes to, answers that are fresh enough being used again. A source that was asked moments before
    /// the network changed is spared, and asked again a little later.
    fn judge(&self, expression: &Expression, family: Family, round: &mut Round, now: Now) -> Verdict {
        let spared = spared();
        loop {
            let witness = |name| self.witness(name, family, self.said(name, family, round, &spared), now);
            let verdict = agree(expression, round.salt, &witness);
            let Verdict::Ask(sources) = &verdict else { return verdict };
            let mut reused = false;
            for source in sources {
                let question = (source.clone(), family);
                let Some((observed, _)) = self.detection.resting(&question, now) else { continue };
                let lately = observed.spared;
                if round.network == Network::Same && observed.asked >= self.detection.outdated(family) {
                    round.fresh.insert(question, Use::Answer);
                } else if lately > now.moment {
                    // A changed network is a reason to ask sooner, but not each time that a link flaps. What was said before
                    // is what was believed before, and does no harm at once, unless something else was learnt since; later it would
                    // speak against newer answers.
                    let before = round.outdated.get(&family).copied().unwrap_or_default();
                    let still = round.network > Network::Same && observed.asked >= before;
                    round.fresh.insert(question, if still { Use::Answer } else { Use::Nothing });
                    round.later = Some(round.later.map_or(lately, |later| later.min(lately)));
                } else {
                    continue;
                }
                reused = true;
            }
            if !reused {
                return verdict;
            }
        }
    }

    /// How a source rests that a look now, in the same network as before, would not ask.
    #[must_use]
    pub fn rest(&self, source: &SourceName, family: Family, now: Now) -> Option<Rest> {
        let (observed, until) = self.detection.resting(&(source.clone(), family), now)?;
        if observed.asked >= self.detection.outdated(family) {
            return Some(Rest { until, counts: true });
        }
        (observed.spared > now.moment).then_some(Rest { until: observed.spared, counts: false })
    }

    fn first_round_is_over(&mut self, now: Now) {
        if self.detection.starting.take().is_some_and(|until| until > now.moment) {
            // Where every source has spoken there is nothing to wait for; else the network may still be coming up.
            let meant = self.records.iter().filter(|(id, _)| self.looks_at(id));
            let open = meant.into_iter().any(|(_, record)| matches!(record.want, Want::Unknown(_)));
            if open {
                prolong(&mut self.detection.quiet, now);
            }
        }
    }
}
