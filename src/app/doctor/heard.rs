//! What each source of addresses says, what is believed of that, and what the world sees.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;

use super::Patient;
use crate::app::situation::{self, Stands};
use crate::app::sources::{self, Believed, Said};
use crate::model::agree::{Expression, Reading, SourceName};
use crate::model::diagnosis::{Finding, Step};
use crate::model::machine::Level;
use crate::model::situation::Situation;

/// How long all sources together may take; each has a shorter bound of its own.
const ALL: Duration = Duration::from_secs(30);

impl Patient {
    /// Asks every source once; `offline`, those alone that this machine answers by itself.
    pub async fn ask_sources(&mut self, offline: bool) {
        if self.parts.detectors.is_empty() {
            self.findings.push(Finding::skipped(Step::Source, "no record has one"));
            self.look_around(&[]);
            return;
        }
        let parts = &self.parts;
        let is_here = |name: &_| parts.detectors.get(name).is_some_and(|detector| detector.asked().is_none());
        let asking = sources::detect_from(parts, |name| !offline || is_here(name));
        let Ok((said, believed)) = timeout(ALL, asking).await else {
            let why = format!("not all sources have answered within {} s", ALL.as_secs());
            self.findings.push(Finding::failed(Step::Source, 75, why));
            self.look_around(&[]);
            return;
        };
        let uplinks = || parts.desired.records.values().flat_map(|spec| &spec.uplinks);
        let leads = |one: &Said| {
            uplinks().any(|uplink| uplink.family == one.family && comes_first(&uplink.source, &one.source))
        };
        let found = of_sources(&said, &believed, offline, leads);
        self.findings.extend(found);
        if offline {
            self.findings
                .push(Finding::skipped(Step::Source, "those outside of this machine were not asked (--offline)"));
        }
        self.look_around(&said);
    }

    /// Where this machine stands, by the kernel's word and what the sources said.
    fn look_around(&mut self, said: &[Said]) {
        let mut stands: Vec<Stands> = match self.parts.desired.records.is_empty() {
            true => situation::found(&self.families(), &[]).into_iter().map(Stands::from).collect(),
            false => situation::situation(&self.parts, said),
        };
        // Without any network both families say the same.
        stands.dedup_by(|one, other| one.says == other.says);
        self.findings.extend(stands.into_iter().map(of_world));
    }
}

fn of_world(stands: Stands) -> Finding {
    let Stands { situation, says, .. } = stands;
    match situation {
        _ if situation.level() == Level::Warn => Finding::warning(Step::World, says),
        Situation::NoAddress { duplicate: Some(_), .. } => Finding::warning(Step::World, says).advice(
            "give one of the two hosts another address: the kernel does not use one that is not this machine's alone",
        ),
        Situation::NoCarrier { .. } | Situation::NoRoute { .. } | Situation::Unknown { .. } => {
            Finding::warning(Step::World, says)
        }
        Situation::NoNetwork { .. } | Situation::NoAddress { .. } => Finding::skipped(Step::World, says),
        _ => Finding::ok(Step::World, says),
    }
}

/// A finding for each source and family, and one for each record whose address none of them settles. What is not asked, as `offline`,
/// cannot be missed. `leads`: whether a source comes before others, which do not excuse it.
fn of_sources(said: &[Said], believed: &[Believed], offline: bool, leads: impl Fn(&Said) -> bool) -> Vec<Finding> {
    let is_unknown = |belief: &&Believed| matches!(belief.reading, Reading::Unknown(_)) && !belief.unproven;
    let unknown: Vec<&Believed> = believed.iter().filter(is_unknown).filter(|_| !offline).collect();
    let is_known = |one: &Said| !believed.iter().filter(is_unknown).any(|belief| rests_on(belief, one));
    let mut found = Vec::new();
    let mut blamed = BTreeSet::new();
    for one in said {
        let name = one.source.to_string();
        let says = format!("{}: {}", one.family, one.reading);
        found.push(match &one.reading {
            Reading::Addresses(_) => Finding::ok(Step::Source, format!("{says} ({} ms)", one.millis)).about(name),
            Reading::None | Reading::Behind(_) => Finding::ok(Step::Source, says).about(name),
            Reading::Unknown(why) => {
                let is_needed = unknown.iter().any(|belief| rests_on(belief, one));
                let says = format!("{}: {why}", one.family);
                if is_needed {
                    blamed.insert((name.clone(), one.family));
                    Finding::failed(Step::Source, 75, says).about(name).advice(
                        "name another source, or several of which some must agree (`quorum` in driftless.toml(5))",
                    )
                } else if is_known(one) && !leads(one) {
                    // Others tell the address: that a spare one cannot is no reason to do anything.
                    Finding::ok(Step::Source, format!("{says}; it is not needed while others know the address"))
                        .about(name)
                } else {
                    Finding::warning(Step::Source, says).about(name)
                }
            }
        });
    }
    for belief in unknown {
        let is_blamed = belief.evidence.iter().any(|voice| blamed.contains(&(voice.source.clone(), voice.family)));
        if let (Reading::Unknown(why), false) = (&belief.reading, is_blamed) {
            let says = format!("the {} address is not known: {why}", belief.family);
            let finding = Finding::failed(Step::Source, 75, says).about(format!("of {}", belief.record));
            found.push(finding.advice("driftless detect shows who said what, and what that counted for"));
        }
    }
    found
}

fn rests_on(belief: &Believed, said: &Said) -> bool {
    let name = said.source.to_string();
    belief.evidence.iter().any(|voice| voice.source == name && voice.family == said.family)
}

/// Whether a source is the first that is asked for what an expression comes to: those behind it stand in for it, those of a quorum
/// for each other.
fn comes_first(expression: &Expression, source: &SourceName) -> bool {
    match expression {
        Expression::Source(name) => name == source,
        Expression::FirstOf(of) => of.first().is_some_and(|first| comes_first(first, source)),
        Expression::Quorum { .. } => false,
        Expression::Composed(composed) => {
            composed.host.source() == Some(source) || comes_first(&composed.prefix, source)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::{AccountName, Id};
    use crate::model::diagnosis::Outcome;
    use crate::model::evidence::{Evidence, Protocol, Weight};
    use crate::model::name::Name;
    use crate::model::record::{Family, RecordType, RrsetKey};
    use crate::model::time::Wall;
    use crate::report::voice::Voice;

    fn unknown(unproven: bool) -> Believed {
        let key = RrsetKey::new(Name::parse("home.example.org").unwrap(), RecordType::A);
        Believed {
            record: Id { account: AccountName("home".into()), key },
            family: Family::Ipv4,
            reading: Reading::Unknown("2 sources must agree and do not".into()),
            evidence: Vec::new(),
            quorum: None,
            unproven,
        }
    }

    #[test]
    fn sources_that_disagree_leave_an_address_unknown_and_one_that_has_yet_to_repeat_itself_does_not() {
        let found = of_sources(&[], &[unknown(false)], false, |_| false);
        assert_eq!((found.len(), found[0].outcome, found[0].code), (1, Outcome::Failed, 75));
        assert!(found[0].says.contains("must agree") && found[0].subject().contains("home.example.org"), "{found:?}");
        assert_eq!(of_sources(&[], &[unknown(true)], false, |_| false), []);
        assert_eq!(of_sources(&[], &[unknown(false)], true, |_| false), [], "what is not asked is not missed");
    }

    #[test]
    fn a_spare_source_that_cannot_tell_is_no_warning_while_the_address_is_known() {
        let silent = Said {
            source: SourceName("router".into()),
            family: Family::Ipv4,
            reading: Reading::Unknown("no answer".into()),
            millis: 1,
            at: Wall(0),
        };
        let voice = Voice::of(
            &Evidence {
                source: silent.source.clone(),
                operator: "the router".into(),
                protocol: Protocol::Router,
                family: Family::Ipv4,
                answer: None,
                at: None,
                weight: Weight::Spare,
            },
            false,
        );
        let known = Reading::Addresses(vec![[9, 9, 9, 9].into()]);
        let belief =
            |reading: &Reading| Believed { reading: reading.clone(), evidence: vec![voice.clone()], ..unknown(false) };
        let outcome = |belief: Believed, offline, leads: bool| {
            of_sources(std::slice::from_ref(&silent), &[belief], offline, |_| leads).remove(0).outcome
        };
        assert_eq!(outcome(belief(&known), false, false), Outcome::Ok);
        assert_eq!(outcome(belief(&known), false, true), Outcome::Warning, "others had to stand in for it");
        assert_eq!(outcome(belief(&unknown(false).reading), false, false), Outcome::Failed);
        assert_eq!(outcome(belief(&unknown(false).reading), true, false), Outcome::Warning, "nobody else was asked");
    }

    #[test]
    fn of_those_that_are_asked_in_turn_the_first_alone_leads() {
        let named = |name: &str| SourceName(name.into());
        let of = |name: &str| Expression::Source(named(name));
        let quorum = Expression::Quorum { need: 1, of: vec![of("b"), of("c")] };
        let all = Expression::FirstOf(vec![Expression::FirstOf(vec![of("a"), of("d")]), quorum]);
        let leading = ["a", "b", "c", "d"].into_iter().filter(|name| comes_first(&all, &named(name)));
        assert_eq!(leading.collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn where_this_machine_stands_is_a_warning_when_nobody_can_connect() {
        let of = |situation| of_world(Stands::from((Family::Ipv4, situation))).outcome;
        let interface = || "eth0".to_owned();
        let carrier = Situation::BehindCarrierNat { interface: interface(), inside: None, router: None, outside: None };
        assert_eq!(of(carrier), Outcome::Warning);
        assert_eq!(of(Situation::BehindNat { interface: interface(), inside: None, outside: None }), Outcome::Ok);
        assert_eq!(of(Situation::NoAddress { interface: None, duplicate: None }), Outcome::Skipped);
        let duplicate = Situation::NoAddress { interface: None, duplicate: "2a00::1".parse().ok() };
        assert_eq!(of(duplicate), Outcome::Warning);
    }
}
