//! What every source says now, and what is believed of that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::Parts;
use crate::model::agree::{Expression, Reading, SourceName, Verdict, Witness};
use crate::model::desired::Id;
use crate::model::evidence::{Evidence, Protocol};
use crate::model::record::Family;
use crate::model::tally::Tally;
use crate::model::time::Wall;
use crate::model::uplinks::{Memory, give, together};
use crate::model::weigh::{Weighed, weigh};
use crate::os::clock::{Clock, SystemClock};
use crate::report::voice::Voice;

/// What one source said.
#[derive(Debug, serde::Serialize)]
pub struct Said {
    /// The source.
    pub source: SourceName,
    /// The family it was asked for.
    pub family: Family,
    /// What it said.
    pub reading: Reading,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// When it was asked.
    #[serde(serialize_with = "stamped")]
    pub at: Wall,
}

fn stamped<S: serde::Serializer>(at: &Wall, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// What a record set's sources come to.
#[derive(Debug, serde::Serialize)]
pub struct Believed {
    /// The record set.
    pub record: Id,
    /// The family: a value that is made of addresses may follow both.
    pub family: Family,
    /// What is believed.
    pub reading: Reading,
    /// On what that rests.
    pub evidence: Vec<Voice>,
    /// What the quorum that decides it needs, and how far it has come; of several uplinks, that of the one that is furthest from it.
    pub quorum: Option<Tally>,
    /// It is unknown only because a single source has yet to repeat what it said.
    #[serde(skip)]
    pub unproven: bool,
}

/// Asks every source, and says what is believed of what they say.
pub async fn detect(parts: &Parts) -> (Vec<Said>, Vec<Believed>) {
    detect_from(parts, |_| true).await
}

/// The same of some of the sources alone: what the others would say is not known.
pub async fn detect_from(parts: &Parts, is_asked: impl Fn(&SourceName) -> bool) -> (Vec<Said>, Vec<Believed>) {
    let mut questions = Vec::new();
    for spec in parts.desired.records.values() {
        questions.extend(spec.sources().map(|(name, family)| (name.clone(), family)));
    }
    questions.retain(|(source, _)| is_asked(source));
    questions.sort();
    questions.dedup();
    for detector in questions.iter().filter_map(|(source, _)| parts.detectors.get(source)) {
        detector.anew();
    }
    let asked = questions.into_iter().filter_map(|(source, family)| {
        let detector = Arc::clone(parts.detectors.get(&source)?);
        Some(async move {
            let before = SystemClock.now();
            let reading = detector.detect(family).await;
            let took = SystemClock.now().moment.since(before.moment);
            let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            Said { source, family, reading, millis, at: before.wall }
        })
    });
    let said = futures_util::future::join_all(asked).await;
    let mut believed = Vec::new();
    for (id, spec) in &parts.desired.records {
        let mut evidence = BTreeMap::<Family, Vec<Voice>>::new();
        let mut quorums = BTreeMap::<Family, Tally>::new();
        let mut unproven = BTreeSet::<Family>::new();
        let voice = |evidence: &Evidence| {
            Voice::of(evidence, parts.desired.sources.get(&evidence.source).is_some_and(|spec| spec.trusted))
        };
        let readings: Vec<_> = spec
            .uplinks
            .iter()
            .map(|uplink| {
                let weighed = weighed(parts, &uplink.source, uplink.family, &said);
                evidence.entry(uplink.family).or_default().extend(weighed.evidence.iter().map(voice));
                if matches!(weighed.verdict, Verdict::Unproven { .. }) {
                    unproven.insert(uplink.family);
                }
                if let Some(tally) = weighed.tally {
                    let least = quorums.entry(uplink.family).or_insert(tally);
                    *least = if tally.agree < least.agree { tally } else { *least };
                }
                (uplink, weighed.believed())
            })
            .collect();
        let (given, _) = give(&readings, &mut Memory::new());
        believed.extend(spec.families().map(|family| Believed {
            record: id.clone(),
            family,
            reading: together(&given, family),
            evidence: evidence.remove(&family).unwrap_or_default(),
            quorum: quorums.get(&family).copied(),
            unproven: unproven.contains(&family),
        }));
    }
    (said, believed)
}

/// What an expression comes to when each of its sources has been asked once.
fn weighed(parts: &Parts, expression: &Expression, family: Family, said: &[Said]) -> Weighed {
    let witness = |source| {
        let said = said.iter().find(|said| SourceName::eq(&said.source, source) && said.family == family);
        let spec = parts.desired.sources.get(source);
        let protocol = spec.map_or(Protocol::Fixed, |spec| spec.protocol);
        Witness {
            origin: (spec.map_or("", |spec| spec.operator.as_str()), protocol),
            said: said.map(|said| &said.reading),
            at: said.map(|said| said.at),
            suffices: protocol.is_local() || spec.is_some_and(|spec| spec.trusted),
            times: 1,
            demoted: false,
            mute: false,
        }
    };
    weigh(expression, family, 0, &witness)
}
