//! What each source said and what that counted for, as data.

use serde::{Deserialize, Serialize};

use crate::model::agree::Reading;
use crate::model::evidence::{Evidence, Protocol};
use crate::model::record::Family;

/// What some sources came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictStatus {
    /// The family.
    pub family: Family,
    /// What is believed.
    pub believed: Reading,
    /// What that rests on.
    pub evidence: Vec<Voice>,
}

/// One source's part in a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// The source.
    pub source: String,
    /// Who runs it.
    pub operator: String,
    /// How it learns the address.
    pub protocol: Protocol,
    /// The family it was asked for.
    pub family: Family,
    /// What it said; `None`: it was not asked.
    pub answer: Option<Reading>,
    /// When it said so (RFC 3339).
    pub at: Option<String>,
    /// Whether what is believed rests on it.
    pub counted: bool,
    /// Why, or why not.
    pub why: String,
}

impl From<&Evidence> for Voice {
    fn from(evidence: &Evidence) -> Self {
        Self {
            source: evidence.source.to_string(),
            operator: evidence.operator.clone(),
            protocol: evidence.protocol,
            family: evidence.family,
            answer: evidence.answer.clone(),
            at: evidence.at.map(|at| at.to_string()),
            counted: evidence.is_counted(),
            why: evidence.weight.to_string(),
        }
    }
}
