//! Where this machine stands, for the commands that show it.

use serde::Serialize;

use super::sources::Said;
use crate::detect::situation::{Heard, situations};
use crate::engine::Parts;
use crate::model::machine::Level;
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

/// Where this machine stands in the families that are published, by the kernel's word and what the sources said.
#[must_use]
pub fn situation(parts: &Parts, said: &[Said]) -> Vec<Stands> {
    let families = parts.desired.families();
    let heard = said.iter().filter_map(|said| {
        let asked = parts.detectors.get(&said.source)?.asked()?;
        Some(Heard { family: said.family, asked, reading: Some(&said.reading) })
    });
    let heard: Vec<Heard<'_>> = heard.collect();
    let found = match netlink::snapshot() {
        Ok(snapshot) => situations(&snapshot, &families, &heard),
        Err(error) => {
            let why = format!("reading this machine's addresses: {error}");
            families.iter().map(|family| (*family, Situation::Unknown { why: why.clone() })).collect()
        }
    };
    let stands = |(family, situation): (Family, Situation)| {
        let says = situation.says(family);
        Stands { family, situation, says }
    };
    found.into_iter().map(stands).collect()
}

/// What of it stands in the way of others who would connect, as far as the kernel knows it without asking anybody.
#[must_use]
pub fn obstacles(parts: &Parts) -> Vec<Stands> {
    let found = situation(parts, &[]);
    found.into_iter().filter(|stands| stands.situation.level() == Level::Warn).collect()
}
