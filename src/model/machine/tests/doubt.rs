//! What was confirmed and may no longer be so: nothing is said to stand before it was looked at again.

use super::*;

fn whole() -> Desired {
    let mut whole = desired(readable());
    whole.records.values_mut().for_each(|spec| spec.whole = true);
    whole
}

/// Another process, of this configuration, that finds what the one before wrote.
fn next(before: &Rig, desired: Desired) -> Rig {
    let mut rig = Rig::new(desired, &before.disk);
    rig.now = before.now;
    rig.readings.clone_from(&before.readings);
    rig.feed(Event::Start);
    rig
}

/// The address was the first one and is the second one, and these are the effects of that.
fn changing() -> (Rig, Vec<Effect>) {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    assert!(reads(&rig.change(2)));
    let effects = rig.read("a", Ok(seen(&[1])));
    (rig, effects)
}

#[test]
fn what_was_read_while_nothing_was_wanted_is_held_against_what_is_asked_for_by_now() {
    let mut first = Rig::started(readable(), 1);
    first.reads(Ok(seen(&[1, 9])));
    assert_eq!(first.standing(), Standing::UpToDate);
    first.pass(2 * MINUTE);
    // The whole set is ours now; the address is gone for a while when the set is read.
    let mut rig = next(&first, whole());
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.reads(Ok(seen(&[1, 9])));
    assert_eq!(rig.standing(), Standing::Unmanaged);
    rig.changes_to(1);
    assert_eq!(rig.standing(), Standing::Working, "it holds more than it should");
    rig.pass(30 * SECOND);
    rig.reads(Ok(seen(&[1, 9])));
    rig.applies(&[1], Ok(Applied::Done));
}

#[test]
fn a_job_that_an_earlier_process_began_is_read_before_it_counts() {
    let mut first = Rig::started(readable(), 1);
    first.reads(Ok(seen(&[])));
    first.applies(&[1], Ok(Applied::Accepted(Some(Ticket("7".into())))));
    let mut rig = next(&first, whole());
    let Effect::Settle(account, key, ticket) = rig.take() else { panic!("it is asked about") };
    rig.feed(Event::Settled(account, key, ticket, rig.print.clone(), Ok(Settled::Done)));
    assert_eq!(rig.standing(), Standing::Working, "nobody knows what was asked for when it was begun");
    rig.reads(Ok(seen(&[1])));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_late_word_on_an_older_job_does_not_settle_a_newer_one() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[])));
    rig.applies(&[1], Ok(Applied::Accepted(Some(Ticket("7".into())))));
    rig.pass(5 * SECOND);
    let Effect::Settle(account, key, _) = rig.take() else { panic!("it is asked about") };
    rig.feed(Event::Settled(account, key, Ticket("6".into()), rig.print.clone(), Ok(Settled::Done)));
    assert_eq!(rig.standing(), Standing::Working);
    let Effect::Settle(account, key, ticket) = rig.take() else { panic!("it is asked about again") };
    assert_eq!(ticket, Ticket("7".into()));
    rig.feed(Event::Settled(account, key, ticket, rig.print.clone(), Ok(Settled::Done)));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_refusal_is_not_forgotten_over_values_that_stand_there_for_a_while() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[7])));
    rig.applies(&[1], Err(failed(Kind::Config)));
    for holds in [&[8, 9][..], &[]] {
        rig.pass(25 * HOUR);
        rig.reads(Ok(seen(holds)));
        assert_eq!(held(&rig), Some(Reason::Wrong));
        rig.idle();
    }
}

#[test]
fn what_is_found_undone_only_days_later_may_have_been_there_in_between() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(MINUTE);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    // The address is gone before that could be read back, and comes back days later.
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(2 * DAY);
    rig.changes_to(1);
    rig.pass(10 * SECOND);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    assert_eq!(held(&rig), None);
}

#[test]
fn name_servers_that_answered_otherwise_are_asked_within_the_hour_by_the_next_process_too() {
    let terms = Terms { in_dns: true, ..push() };
    let rare = || Desired { verify: 3 * DAY, ..desired(terms.clone()) };
    let mut first = Rig::new(rare(), &Documents::new());
    first.says(1);
    first.feed(Event::Start);
    first.applies(&[1], Ok(Applied::Done));
    let entry = &mut first.state.records.get_mut(&id()).unwrap().entry;
    entry.dns_write = Some(first.now.moment);
    first.pass(2 * MINUTE);
    let Effect::Resolve(asked, _) = first.take() else { panic!("it is looked up") };
    first.feed(Event::Resolved(asked, Proof::NotYet("the old one".into())));
    assert!(matches!(first.standing(), Standing::Failing { .. }));
    first.feed(Event::Stop);
    let mut rig = next(&first, rare());
    rig.pass(HOUR + MINUTE);
    let Effect::Resolve(asked, _) = rig.take() else { panic!("it is looked up again") };
    rig.feed(Event::Resolved(asked, Proof::Seen));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_service_that_shows_the_old_values_for_a_while_is_not_written_to_again() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    let effects = rig.read("a", Ok(seen(&[7])));
    rig.applied(&effects, Ok(Applied::Done));
    assert_eq!(rig.answer(50 * SECOND, 1, || Ok(seen(&[7])), &Ok(Applied::Done)), 0);
    assert_eq!(rig.standing_of("a"), Standing::Working);
    assert_eq!(rig.answer(HOUR, 1, || Ok(seen(&[1])), &Ok(Applied::Done)), 0);
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn the_old_values_are_not_believed_within_the_delay_although_they_are_wanted_again() {
    let (mut rig, effects) = changing();
    rig.applied(&effects, Ok(Applied::Done));
    assert!(reads(&rig.change(1)));
    rig.read("a", Ok(seen(&[1])));
    assert_ne!(rig.standing_of("a"), Standing::UpToDate, "it may well hold the second address by now");
    assert_eq!(rig.answer(MINUTE, 1, || Ok(seen(&[2])), &Ok(Applied::Done)), 1);
}

#[test]
fn the_values_of_before_are_not_taken_for_a_refused_call_that_landed() {
    let (mut rig, effects) = changing();
    rig.applied(&effects, Ok(Applied::Done));
    assert!(reads(&rig.change(1)));
    let effects = rig.read("a", Ok(seen(&[2])));
    assert_eq!(writes(&effects), [values(&[1])]);
    rig.applied(&effects, Err(Error::stale("updating", "it is another one")));
    // A server of the service that is not as far yet as the one before.
    rig.read("a", Ok(seen(&[1])));
    assert_ne!(rig.standing_of("a"), Standing::UpToDate, "it holds the second address");
    assert_eq!(rig.answer(MINUTE, 1, || Ok(seen(&[2])), &Ok(Applied::Done)), 1);
}

#[test]
fn what_was_read_while_something_else_was_wanted_is_remembered() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    assert!(reads(&rig.change(2)));
    let effects = rig.read("a", Ok(seen(&[9])));
    assert_eq!(writes(&effects), [values(&[2])]);
    rig.applied(&effects, Err(Error::stale("updating", "it is another one")));
    // Nothing was done, as if the call had not been made.
    rig.state.records.get_mut(&named("a")).unwrap().entry.attempt = None;
    rig.change(1);
    assert_eq!(rig.standing_of("a"), Standing::Working, "it does not hold the first address any more");
}

#[test]
fn accepted_but_still_old_is_no_fault_within_the_delay_that_the_service_is_known_for() {
    // settles_within is a minute: two reads with the old value after five seconds are no `normalised`.
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    let (_, writes) = rig.calls(30 * SECOND, |_| Ok(seen(&[9])), &Ok(Applied::Done));
    assert_eq!(held(&rig), None);
    assert_eq!(writes, 0);
}

#[test]
fn a_reading_is_as_old_as_its_question() {
    // A server that is not as far yet answers after the minute within which it should be.
    let (mut rig, effects) = changing();
    rig.applied(&effects, Ok(Applied::Done));
    assert!(reads(&rig.change(1)), "asked ten seconds after the change");
    rig.move_to(rig.now.moment.plus(MINUTE));
    rig.read("a", Ok(seen(&[1])));
    assert_ne!(rig.standing_of("a"), Standing::UpToDate, "it holds the second address");
    assert_eq!(rig.answer(MINUTE, 1, || Ok(seen(&[2])), &Ok(Applied::Done)), 1);
}

#[test]
fn a_call_that_nobody_answered_may_land_a_while_after_it_was_given_up() {
    let (mut rig, effects) = changing();
    assert_eq!(writes(&effects), [values(&[2])]);
    // It is under way for two minutes, and the address is the first one again meanwhile.
    rig.change(1);
    rig.move_to(rig.now.moment.plus(2 * MINUTE));
    rig.applied(&effects, Err(Error::transient("updating", "no answer")));
    assert_eq!(rig.answer(MINUTE / 2, 1, || Ok(seen(&[1])), &Ok(Applied::Done)), 0);
    assert_ne!(rig.standing_of("a"), Standing::UpToDate, "it may hold the second address in a moment");
    assert!(rig.answer(2 * MINUTE, 1, || Ok(seen(&[2])), &Ok(Applied::Done)) > 0, "and so it did");
}
