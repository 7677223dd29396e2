//! What each source said and what that counted for, as data.

use serde::{Deserialize, Serialize};

use crate::model::agree::Reading;
use crate::model::evidence::{Evidence, Protocol, Weight};
use crate::model::record::Family;
use crate::model::tally::Tally;

/// What some sources came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictStatus {
    /// The family.
    pub family: Family,
    /// What is believed.
    pub believed: Reading,
    /// What that rests on.
    pub evidence: Vec<Voice>,
    /// What the quorum that decides it needs, and how far it has come; `None` where there is none.
    #[serde(default)]
    pub quorum: Option<Tally>,
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
    /// Whether it had a part in what was decided, or was to have one: others were not enough, nor came first.
    #[serde(default)]
    pub needed: bool,
    /// Why, or why not.
    pub why: String,
    /// Whether it is believed alone and at once although it is out in the world.
    #[serde(default)]
    pub trusted: bool,
    /// Whether it disagreed so often that it is asked last and not counted.
    #[serde(default)]
    pub demoted: bool,
    /// How much more often it disagreed with what was believed than it agreed, of late.
    #[serde(default)]
    pub disagreed: u8,
}

impl Voice {
    /// Of a source that is `trusted` or not, and of which nobody knows how it did before.
    #[must_use]
    pub fn of(evidence: &Evidence, trusted: bool) -> Self {
        Self {
            source: evidence.source.to_string(),
            operator: evidence.operator.clone(),
            protocol: evidence.protocol,
            family: evidence.family,
            answer: evidence.answer.clone(),
            at: evidence.at.map(|at| at.to_string()),
            counted: evidence.is_counted(),
            needed: evidence.weight != Weight::Spare,
            why: evidence.weight.to_string(),
            trusted,
            demoted: false,
            disagreed: 0,
        }
    }

    /// How it is asked, and whom. What is an operator of its own needs no name beside that of the source.
    #[must_use]
    pub fn by(&self) -> String {
        let operator = self.operator.strip_prefix("the ").unwrap_or(&self.operator);
        let of = if self.source.starts_with(operator) { String::new() } else { format!(" of {}", self.operator) };
        format!("{}{of}{}", self.protocol, if self.trusted { ", trusted" } else { "" })
    }

    /// What it said, and what that counted for and why, in a line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let answer = self.answer.as_ref().map_or("not asked".to_owned(), ToString::to_string);
        let by = self.by();
        let demoted = if self.demoted { "demoted: " } else { "" };
        let times = match self.disagreed {
            0 if !self.demoted => String::new(),
            1 => format!("; {demoted}it disagreed once more than it agreed"),
            times => format!("; {demoted}it disagreed {times} times more than it agreed"),
        };
        format!("{} ({}): {answer}; by {by}; {}{times}", self.source, self.family, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agree::SourceName;

    fn voice(source: &str, operator: &str, protocol: Protocol) -> Voice {
        let evidence = Evidence {
            source: SourceName(source.into()),
            operator: operator.into(),
            protocol,
            family: Family::Ipv4,
            answer: None,
            at: None,
            weight: Weight::Spare,
        };
        Voice::of(&evidence, false)
    }

    #[test]
    fn whose_name_says_who_it_is_has_no_operator_beside_it() {
        let router = voice("router of the default route", "the router", Protocol::Router);
        assert_eq!(router.by(), "router");
        assert_eq!(voice("router 192.168.1.1", "the router 192.168.1.1", Protocol::Router).by(), "router");
        assert_eq!(voice("https ipify", "ipify.org", Protocol::Https).by(), "https of ipify.org");
    }

    #[test]
    fn how_often_a_source_disagreed_is_said_as_people_count() {
        let voice = |disagreed, demoted| {
            let voice = Voice { disagreed, demoted, ..voice("https ipify", "ipify.org", Protocol::Https) };
            voice.line().split_once("not needed").unwrap().1.to_owned()
        };
        assert_eq!(voice(0, false), "");
        assert_eq!(voice(1, false), "; it disagreed once more than it agreed");
        assert_eq!(voice(3, true), "; demoted: it disagreed 3 times more than it agreed");
    }
}
