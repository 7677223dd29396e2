//! Both families of a name at a service that forgets the one that a request does not name: what goes along is booked.

use super::*;
use crate::model::machine::standing::Pause;
use crate::model::record::list;

fn other() -> Id {
    id().sibling()
}

/// Both families, declared and known.
fn both(terms: Terms) -> Rig {
    let mut desired = desired(terms);
    desired.records.insert(other(), spec_of_ipv6());
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    six(&mut rig, 1);
    rig.feed(Event::Start);
    rig.pass(5 * SECOND);
    rig
}

/// The other family's source says this from now on.
fn six(rig: &mut Rig, last: u16) {
    let address = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
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

/// Both families were confirmed an hour ago, and then the first one's address changed as often as its budget allows at once.
fn used_up() -> Rig {
    let mut rig = both(push());
    answers(&mut rig, 2, Ok(Applied::Done));
    rig.pass(HOUR);
    for last in [2, 3] {
        rig.changes_to(last);
        rig.pass(5 * SECOND);
        answers(&mut rig, 1, Ok(Applied::Done));
    }
    rig
}

#[test]
fn a_family_that_is_sent_along_is_accepted_with_it() {
    let mut rig = both(push());
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
    let mut rig = both(push());
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
    let mut rig = both(push());
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
fn what_was_only_repeated_with_the_other_family_costs_it_nothing() {
    let mut rig = used_up();
    six(&mut rig, 2);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(5 * SECOND);
    answers(&mut rig, 1, Ok(Applied::Done));
    // Its own budget is kept all the same.
    rig.changes_to(4);
    rig.pass(MINUTE);
    rig.idle();
    rig.pass(10 * MINUTE);
    answers(&mut rig, 1, Ok(Applied::Done));
}

/// [`used_up`], and the first family's address changed once more, which waits for its budget.
fn over_budget() -> Rig {
    let mut rig = used_up();
    rig.changes_to(4);
    rig.pass(5 * SECOND);
    rig.idle();
    rig
}

/// The other family's address changes, so that a call is due.
fn six_changes_to(rig: &mut Rig, last: u16) {
    six(rig, last);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(5 * SECOND);
}

#[test]
fn what_waits_for_its_budget_goes_along_with_the_other_familys_call() {
    let mut rig = over_budget();
    six_changes_to(&mut rig, 2);
    let siblings = answers(&mut rig, 2, Ok(Applied::Done));
    assert!(siblings.contains(&Sibling::Set(values(&[4]))), "the old address must not be repeated: {siblings:?}");
    assert_eq!(rig.standing(), Standing::UpToDate);
    // What it went along with was not free: a call of its own waits for what a whole burst owes, and no longer.
    rig.changes_to(5);
    rig.pass(9 * MINUTE);
    rig.idle();
    rig.pass(2 * MINUTE);
    answers(&mut rig, 1, Ok(Applied::Done));
}

#[test]
fn of_two_that_wait_for_their_budgets_both_are_told_to_go_with_the_one_that_may_first() {
    let mut rig = used_up();
    // The second family's, too, a minute later, and then both once more.
    rig.pass(MINUTE);
    for last in [2, 3] {
        six_changes_to(&mut rig, last);
        answers(&mut rig, 1, Ok(Applied::Done));
    }
    rig.changes_to(4);
    six_changes_to(&mut rig, 4);
    rig.idle();
    let told: Vec<_> = rig.state.views(rig.now).map(|view| (view.next, view.pause)).collect();
    let (next, pause) = told[0];
    assert!(next.is_some() && matches!(pause, Some((Pause::Writes, at)) if Some(at) == next), "{told:?}");
    assert_eq!(told[0], told[1], "one request has both");
    let waits = rig.notices.iter().filter(|notice| notice.what.starts_with("waits for its write budget"));
    let until: BTreeSet<_> = waits.map(|notice| notice.what.split(" until ").nth(1)).collect();
    assert_eq!(until.len(), 1, "{until:?}");
    rig.pass(next.unwrap().since(rig.now.moment).saturating_sub(SECOND));
    rig.idle();
    rig.pass(2 * SECOND);
    answers(&mut rig, 2, Ok(Applied::Done));
}

#[test]
fn what_went_along_with_a_call_whose_answer_is_lost_is_sent_again() {
    let mut rig = over_budget();
    six_changes_to(&mut rig, 2);
    answers(&mut rig, 2, Err(failed(Kind::Transient)));
    let (_, ledger) = read_ledger(&rig.disk, "boot", rig.now);
    assert_eq!(ledger[&id()].attempt.as_ref().map(|attempt| &attempt.values), Some(&values(&[4])));
    // It goes back to what was confirmed: nobody knows whether the service still holds that.
    rig.changes_to(3);
    rig.pass(HOUR);
    let siblings = answers(&mut rig, 2, Ok(Applied::Done));
    assert!(siblings.contains(&Sibling::Set(values(&[3]))), "{siblings:?}");
}

#[test]
fn a_family_that_goes_along_unchanged_is_refreshed_with_it() {
    let refresh = Some(24 * HOUR);
    let mut rig = both(Terms { refresh, ..push() });
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

#[test]
fn the_forgotten_family_is_waited_for_and_sent_along() {
    let mut desired = desired(push());
    let other = Id { account: account(), key: key(RecordType::Aaaa) };
    desired.records.insert(other, spec_of_ipv6());
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig.pass(10 * MINUTE);
    rig.idle();
    rig.readings.insert(Family::Ipv6, Reading::Addresses(vec!["2001:db8::1".parse().unwrap()]));
    rig.feed(Event::Look(Network::Changed));
    rig.pass(5 * SECOND);
    let Effect::Apply(_, _, batch) = rig.take() else { panic!("both are sent") };
    assert_eq!(batch.changes.len(), 2);
}

/// One name with both families at a push service that forgets the one that a request does not name.
fn both_families() -> Rig {
    let mut desired = several(Terms { forgets_siblings: true, ..alone() }, &["a"]);
    let spec = RecordSpec { private: true, ..RecordSpec::of(Family::Ipv6, Expression::Source(other_source())) };
    desired.sources.insert(other_source(), SourceSpec::local(Protocol::File, "other"));
    desired.records.insert(named("a").sibling(), spec);
    Rig::one_by_one(desired)
}

#[test]
fn what_waits_for_the_other_family_says_so() {
    let mut rig = both_families();
    rig.readings.insert(Family::Ipv6, Reading::Unknown("blind".into()));
    assert_eq!(writes(&rig.start(1)), []);
    assert!(matches!(rig.standing_of("a"), Standing::Unknown { .. }));
}

#[test]
fn a_sibling_that_is_not_sent_by_itself_stays_as_it_was() {
    let mut rig = both_families();
    rig.chunk = 2;
    rig.readings.insert(Family::Ipv6, Reading::Addresses(vec![ipv6(1)]));
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    rig.lapse(HOUR, Some(1));
    // The AAAA record set must wait, and the A record set need not.
    let other = named("a").sibling();
    let wait = Wait { until: rig.now.moment.plus(PROBE), obeyed: true };
    rig.state.records.get_mut(&other).unwrap().entry.wait = Some(wait);
    rig.readings.insert(Family::Ipv6, Reading::Addresses(vec![ipv6(2)]));
    let sibling = rig.change(2).into_iter().find_map(|effect| match effect {
        Effect::Apply(_, _, batch) => Some(batch.changes[0].sibling.clone()),
        _ => None,
    });
    assert_eq!(sibling, Some(Sibling::Keep([ipv6(1).into()].into())));
}

#[test]
fn families_that_change_one_after_the_other_are_sent_together() {
    let mut rig = both_families();
    rig.chunk = 2;
    rig.follow(Event::Start);
    let ipv4 = Reading::Addresses(vec![address(1)]);
    rig.follow(Event::Readings(vec![(source(), Family::Ipv4, ipv4)]));
    rig.now.moment = rig.now.moment.plus(Duration::from_secs(1));
    rig.follow(Event::Readings(vec![(other_source(), Family::Ipv6, Reading::Addresses(vec![ipv6(1)]))]));
    let (_, count) = flying(&rig.lapse(10 * SECOND, Some(1)));
    assert_eq!(count, 2);
}

#[test]
fn what_a_push_makes_the_service_forget_is_sent_again_when_it_is_back() {
    let mut rig = both_families();
    rig.chunk = 2;
    rig.state.desired.records.values_mut().for_each(|spec| spec.absent_after = Some(HOUR));
    rig.readings.insert(Family::Ipv6, Reading::Addresses(vec![ipv6(1)]));
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    rig.readings.insert(Family::Ipv6, Reading::None);
    rig.lapse(2 * HOUR, Some(1));
    let effects = rig.change(2);
    rig.applied(&effects, Ok(Applied::Done));
    rig.readings.insert(Family::Ipv6, Reading::Addresses(vec![ipv6(1)]));
    rig.lapse(HOUR, Some(2));
    let other = named("a").sibling();
    assert_ne!(rig.state.standing(&other), Standing::UpToDate);
}

#[test]
fn a_family_that_was_refused_and_is_taken_along_is_held_no_more_but_for_abuse() {
    for (reason, stays) in [(Kind::Config, false), (Kind::Auth { scope: Scope::RecordSet }, false), (Kind::Abuse, true)]
    {
        let mut rig = both(push());
        let Effect::Apply(account, number, batch) = rig.take() else { panic!("both are sent") };
        let answer = |change: &Change| if change.key == other().key { Err(failed(reason)) } else { Ok(Applied::Done) };
        let outcomes = batch.changes.iter().map(answer).collect();
        rig.feed(Event::Applied(account, number, rig.print.clone(), outcomes));
        assert!(matches!(rig.state.standing(&other()), Standing::Held { .. }));
        rig.pass(HOUR);
        rig.changes_to(2);
        rig.pass(5 * SECOND);
        answers(&mut rig, 1, Ok(Applied::Done));
        assert_eq!(matches!(rig.state.standing(&other()), Standing::Held { .. }), stays, "{reason:?}");
    }
}

/// The first family's address changed, and the second nochg in a row holds it.
fn held_for_nochg() -> Rig {
    let mut rig = both(push());
    answers(&mut rig, 2, Ok(Applied::Unchanged));
    rig.pass(HOUR);
    rig.changes_to(2);
    rig.pass(HOUR);
    // Somebody else was faster; the service says all the same that it holds the new address.
    answers(&mut rig, 1, Ok(Applied::Unchanged));
    assert_eq!(held(&rig), Some(Reason::Unchanged));
    rig
}

#[test]
fn a_family_held_for_nochg_goes_along_with_what_the_service_said_it_holds() {
    let mut rig = held_for_nochg();
    six(&mut rig, 2);
    rig.pass(HOUR);
    rig.feed(Event::Update(Target::All));
    rig.pass(HOUR);
    let siblings = answers(&mut rig, 1, Ok(Applied::Done));
    assert_eq!(siblings, [Sibling::Keep(values(&[2]))], "the old address must not come back with it");
}

#[test]
fn what_was_held_for_nochg_is_up_to_date_when_it_is_let_go() {
    let mut rig = held_for_nochg();
    rig.feed(Event::Release(Target::All));
    rig.pass(HOUR);
    assert_eq!(rig.standing(), Standing::UpToDate, "the service said that it holds the address");
    rig.idle();
}
