//! On what a verdict rests: what each source of an expression counted for. Pure.

use std::collections::BTreeSet;

use super::agree::{
    Expression, Heard, Origin, Reading, SourceName, Verdict, Witness, agree, bars_demoted, hear, is_demoted,
};
use super::evidence::{Evidence, Weight};
use super::record::Family;
use super::tally::{Tally, unproven};

/// What an expression came to, and on what that rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// What it came to.
    pub verdict: Verdict,
    /// What each of its sources said and what that counted for, in the order in which they are configured.
    pub evidence: Vec<Evidence>,
    /// What the quorum that decides it needs, and how far it has come; `None` where there is none.
    pub tally: Option<Tally>,
}

impl Weighed {
    /// What is believed of it by whoever knows nothing else.
    #[must_use]
    pub fn believed(&self) -> Reading {
        match &self.verdict {
            Verdict::Known(reading) => reading.clone(),
            Verdict::Unproven { said, by } => {
                let times = self.evidence.iter().filter_map(|one| match one.weight {
                    Weight::Unproven { times } => Some(times),
                    _ => None,
                });
                Reading::Unknown(unproven(said, by, times.max().unwrap_or(0)))
            }
            Verdict::Ask(_) => Reading::Unknown("a source was not asked".into()),
        }
    }
}

/// What an expression comes to, and what each of its sources counted for in that.
pub fn weigh<'a>(
    expression: &'a Expression,
    family: Family,
    salt: u64,
    witness: &impl Fn(&'a SourceName) -> Witness<'a>,
) -> Weighed {
    let verdict = agree(expression, salt, witness);
    let mut weighing = Weighing { family, salt, verdict, counted: BTreeSet::new(), evidence: Vec::new(), tally: None };
    weighing.part(expression, Role::Decides, witness);
    Weighed { verdict: weighing.verdict, evidence: weighing.evidence, tally: weighing.tally }
}

/// What a part of an expression had to do with what was decided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Decides,
    /// It disagreed too often.
    Barred,
    /// It knew nothing, so that the next was asked.
    Passed,
    /// An earlier one had decided.
    Spare,
}

struct Weighing<'a> {
    family: Family,
    salt: u64,
    verdict: Verdict,
    counted: BTreeSet<Origin<'a>>,
    evidence: Vec<Evidence>,
    tally: Option<Tally>,
}

impl<'a> Weighing<'a> {
    fn part(&mut self, part: &'a Expression, role: Role, witness: &impl Fn(&'a SourceName) -> Witness<'a>) {
        match part {
            Expression::Source(name) => self.source(name, role, &witness(name)),
            Expression::Quorum { need, of } => {
                let bars = bars_demoted(*need, of, witness);
                for part in of {
                    let barred = role == Role::Decides && bars && is_demoted(part, witness);
                    self.part(part, if barred { Role::Barred } else { role }, witness);
                }
                // After its parts: one of them that is a quorum itself does not decide.
                if role != Role::Spare {
                    self.tally = Some(Tally::of(*need, of, self.salt, witness));
                }
            }
            Expression::Composed(composed) => {
                // Its sources are held against the prefix that was believed, not against the address made of it.
                let prefix = weigh(&composed.prefix, self.family, self.salt, witness);
                self.evidence.extend(prefix.evidence);
                self.tally = self.tally.or(prefix.tally);
                if let Some(host) = composed.host.source() {
                    let known = witness(host);
                    let weight = match known.said {
                        None => Weight::Spare,
                        Some(Reading::Addresses(_)) => Weight::Counts,
                        Some(_) => Weight::Blind,
                    };
                    self.note(host, &known, weight);
                }
            }
            Expression::FirstOf(of) => {
                let mut next = role;
                for part in of {
                    let passes = match hear(part, self.salt, witness) {
                        Heard::Known { reading, .. } => matches!(reading, Reading::None | Reading::Unknown(_)),
                        Heard::Ask(_) => false,
                    };
                    let passed = passes && next == Role::Decides;
                    self.part(part, if passed { Role::Passed } else { next }, witness);
                    if !passes && next == Role::Decides {
                        next = Role::Spare;
                    }
                }
            }
        }
    }

    fn source(&mut self, name: &SourceName, role: Role, known: &Witness<'a>) {
        let weight = self.weight(role, known);
        self.note(name, known, weight);
    }

    fn note(&mut self, name: &SourceName, known: &Witness<'a>, weight: Weight) {
        self.evidence.push(Evidence {
            source: name.clone(),
            operator: known.origin.0.to_owned(),
            protocol: known.origin.1,
            family: self.family,
            answer: known.said.cloned(),
            at: known.at,
            weight,
        });
    }

    fn weight(&mut self, role: Role, known: &Witness<'a>) -> Weight {
        let Some(said) = known.said.filter(|_| role != Role::Spare) else { return Weight::Spare };
        if matches!(said, Reading::Unknown(_) | Reading::Behind(_)) {
            return Weight::Blind;
        }
        let believed = match &self.verdict {
            Verdict::Known(Reading::Unknown(_)) | Verdict::Ask(_) => return Weight::Undecided,
            Verdict::Known(believed) | Verdict::Unproven { said: believed, .. } => believed,
        };
        let agrees = said.addresses() == believed.addresses();
        match (role, &self.verdict) {
            (Role::Barred, _) => Weight::Demoted { agrees },
            (Role::Passed, _) if !agrees && *said == Reading::None => Weight::Passed,
            (Role::Passed, _) if *believed != Reading::None => Weight::Undecided,
            _ if !agrees => Weight::Dissents,
            (_, Verdict::Unproven { .. }) => Weight::Unproven { times: known.times },
            _ if self.counted.insert(known.origin) => Weight::Counts,
            _ => Weight::Repeats,
        }
    }
}
