//! Where this machine stands, for the commands that show it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sources::Said;
use crate::detect::situation::{Heard, situations};
use crate::detect::way::Asked;
use crate::engine::Parts;
use crate::model::agree::SourceName;
use crate::model::machine::{Level, State};
use crate::model::record::Family;
use crate::model::situation::Situation;
use crate::os::netlink;

/// Where this machine stands in one family.
#[derive(Debug, Serialize)]
pub struct Stands {
    /// The family.
    pub family: Family,
    /// The situation with its evidence.
    #[serde(flatten)]
    pub situation: Situation,
    /// The same in a sentence or two.
    pub says: String,
}

impl From<(Family, Situation)> for Stands {
    fn from((family, situation): (Family, Situation)) -> Self {
        let says = situation.says(family);
        Self { family, situation, says }
    }
}

/// Where this machine stands in the families that are published, by the kernel's word and what the sources said.
#[must_use]
pub fn situation(parts: &Parts, said: &[Said]) -> Vec<Stands> {
    let heard = said.iter().filter_map(|said| {
        let asked = parts.detectors.get(&said.source)?.asked()?;
        Some(Heard { family: said.family, asked, reading: Some(&said.reading) })
    });
    let found = found(&parts.desired.families(), &heard.collect::<Vec<_>>());
    found.into_iter().map(Stands::from).collect()
}

/// Those of the sources that ask somebody else than this machine, and whom.
pub(super) fn asked(parts: &Parts) -> BTreeMap<SourceName, Asked> {
    parts.detectors.iter().filter_map(|(name, detector)| Some((name.clone(), detector.asked()?))).collect()
}

/// Where this machine stands by what its sources last said, given whom they ask.
pub(super) fn of_state(state: &State, asked: &BTreeMap<SourceName, Asked>) -> Vec<(Family, Situation)> {
    let heard = state.observations().filter_map(|(source, family, reading, _)| {
        Some(Heard { family, asked: asked.get(source)?.clone(), reading: Some(reading) })
    });
    found(&state.desired().families(), &heard.collect::<Vec<_>>())
}

/// Where this machine stands in these families, by the kernel's word and what is heard.
pub(super) fn found(families: &[Family], heard: &[Heard<'_>]) -> Vec<(Family, Situation)> {
    match netlink::snapshot() {
        Ok(snapshot) => situations(&snapshot, families, heard),
        Err(error) => {
            let why = format!("reading this machine's addresses: {error}");
            families.iter().map(|family| (*family, Situation::Unknown { why: why.clone() })).collect()
        }
    }
}

/// What of it stands in the way of others who would connect, as far as the kernel knows it without asking anybody.
#[must_use]
pub fn obstacles(parts: &Parts) -> Vec<Stands> {
    let found = situation(parts, &[]);
    found.into_iter().filter(|stands| stands.situation.level() == Level::Warn).collect()
}
