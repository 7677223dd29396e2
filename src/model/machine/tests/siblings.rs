//! Both families of a name at a service that forgets the one that a request does not name: what goes along is booked.

use super::*;
use crate::model::ledger::Wait;
use crate::model::machine::standing::Pause;
use crate::model::plan::Sibling;
use crate::model::record::list;

const HOUR: Duration = Duration::from_secs(3600);

fn other() -> Id {
    id().sibling()
}

/// Both families, declared and known.
fn both() -> Rig {
    let mut desired = desired(push());
    desired.records.insert(other(), spec());
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    six(&mut rig, 1);
    rig.feed(Event::Start);
    rig.pass(5 * SECOND);
    rig
}

/// The other family's source says this from now on.
fn six(rig: &mut Rig, last: u16) {
    let address = std::net::IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
    rig.readings.insert(Family::Ipv6, Reading::Addresses(vec![address]));
}

/// The one open call, of so many changes, is answered.
fn answers(rig: &mut Rig, count: usize, answer: Result<Applied>) -> Vec<Sibling> {
    let Effect::Apply(account, number, batch) = rig.take() else { panic!("a change was due") };
    assert_eq!(batch.changes.len(), count);
    let siblings = batch.changes.iter().map(|change| change.sibling.clone()).collect();
    rig.feed(Event::Applied(account, number, rig.print.clone(), vec![answer; count]));
    siblings
}

/// Nothing is sent for the other family by itself for a day.
fn must_wait(rig: &mut Rig) {
    let wait = Wait { until: rig.now.moment.plus(24 * HOUR), obeyed: true };
    rig.state.records.get_mut(&other()).unwrap().entry.wait = Some(wait);
}

#[test]
fn a_family_that_is_sent_along_is_accepted_with_it() {
    let mut rig = both();
    answers(&mut rig, 2, Err(failed(Kind::Transient)));
    must_wait(&mut rig);
    rig.pass(HOUR);
    let siblings = answers(&mut rig, 1, Ok(Applied::Done));
    let Sibling::Keep(values) = &siblings[0] else { panic!("it goes along: {siblings:?}") };
    assert_eq!(rig.state.standing(&other()), Standing::UpToDate);
    let (_, ledger) = read_ledger(&rig.disk, "boot", rig.now);
    let entry = &ledger[&other()];
    assert_eq!(entry.confirmed.as_ref().map(|confirmed| &confirmed.values), Some(values));
    assert!(entry.accepted.is_some() && entry.attempt.is_none() && entry.error.is_none(), "{entry:?}");
    assert!(entry.history.back().unwrap().1.contains(&format!("now holds {}, sent along", list(values))));
    rig.pass(48 * HOUR);
    rig.idle();
}

#[test]
fn a_call_that_failed_accepts_nothing_that_went_along() {
    let mut rig = both();
    answers(&mut rig, 2, Err(failed(Kind::Transient)));
    must_wait(&mut rig);
    rig.pass(HOUR);
    answers(&mut rig, 1, Err(failed(Kind::Config)));
    assert_ne!(rig.state.standing(&other()), Standing::UpToDate);
    let (_, ledger) = read_ledger(&rig.disk, "boot", rig.now);
    assert!(ledger[&other()].accepted.is_none());
}

#[test]
fn what_goes_along_and_is_no_longer_wanted_stays_to_be_changed() {
    let mut rig = both();
    answers(&mut rig, 2, Ok(Applied::Done));
    rig.pass(HOUR);
    must_wait(&mut rig);
    six(&mut rig, 2);
    rig.changes_to(2);
    rig.pass(5 * SECOND);
    answers(&mut rig, 1, Ok(Applied::Done));
    assert_ne!(rig.state.standing(&other()), Standing::UpToDate, "the first address went along");
    rig.pass(25 * HOUR);
    answers(&mut rig, 1, Ok(Applied::Done));
    assert_eq!(rig.state.standing(&other()), Standing::UpToDate);
}

#[test]
fn what_went_along_counts_against_the_budget_of_both() {
    let mut rig = both();
    answers(&mut rig, 2, Ok(Applied::Done));
    rig.pass(HOUR);
    for last in [2, 3] {
        rig.changes_to(last);
        rig.pass(5 * SECOND);
        answers(&mut rig, 1, Ok(Applied::Done));
    }
    six(&mut rig, 2);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(MINUTE);
    rig.idle();
    let view = rig.state.views(rig.now).find(|view| *view.id == other()).unwrap();
    assert_eq!(view.pause.map(|(pause, _)| pause), Some(Pause::Writes));
    rig.pass(10 * MINUTE);
    answers(&mut rig, 1, Ok(Applied::Done));
}

#[test]
fn a_family_that_goes_along_unchanged_is_refreshed_with_it() {
    let refresh = Some(24 * HOUR);
    let mut desired = desired(Terms { refresh, ..push() });
    desired.records.insert(other(), spec());
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    six(&mut rig, 1);
    rig.feed(Event::Start);
    rig.pass(5 * SECOND);
    answers(&mut rig, 2, Ok(Applied::Done));
    rig.pass(20 * HOUR);
    rig.changes_to(2);
    rig.pass(5 * SECOND);
    answers(&mut rig, 1, Ok(Applied::Done));
    rig.pass(20 * HOUR);
    rig.idle();
    rig.pass(5 * HOUR);
    answers(&mut rig, 2, Ok(Applied::Unchanged));
}
