//! Another configuration, another login: what is kept, and what is not sent any more.

use super::*;

#[test]
fn another_login_is_met_for_the_first_time() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(60 * MINUTE);
    let mut other = desired(push());
    other.accounts.get_mut(&account()).unwrap().identity = "two".into();
    rig.feed(Event::Reload(other));
    rig.pass(5 * SECOND);
    rig.applies(&[1], Ok(Applied::Done));
}

#[test]
fn a_reload_that_changes_nothing_sends_nothing() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.feed(Event::Reload(desired(push())));
    rig.pass(60 * MINUTE);
    rig.idle();
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_reload_gives_up_what_is_planned_and_not_begun() {
    let mut rig = Rig::one_by_one(several(readable(), &["a", "b"]));
    rig.start(1);
    let keys = ["a", "b"].map(|name| (named(name).key, Ok(seen(&[7]))));
    let effects = rig.follow(Event::Read(account(), "print".into(), keys.into()));
    rig.follow(Event::Reload(several(readable(), &["a"])));
    assert_eq!(writes(&rig.applied(&effects, Ok(Applied::Done))), [], "b is no longer declared");
}

#[test]
fn what_is_asked_of_a_record_set_anew_is_not_up_to_date_until_it_is_read() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    let mut whole = several(readable(), &["a"]);
    whole.records.values_mut().for_each(|spec| spec.whole = true);
    let effects = rig.follow(Event::Reload(whole));
    let effects = rig.told(effects, Some(1));
    assert!(reads(&effects));
    assert_eq!(rig.standing_of("a"), Standing::Working);
    rig.read("a", Ok(seen(&[1])));
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn a_record_set_taken_out_of_the_configuration_is_not_written_from_the_queue() {
    // b was removed by a reload while a's batch was under way: b is not ours to touch any more, nothing may be sent for it.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads(absent());
    let first = rig.take();
    rig.feed(Event::Reload(several(readable(), &["a"])));
    rig.answers(first, Ok(Applied::Done));
    let sent = rig
        .open
        .iter()
        .filter(|effect| matches!(effect, Effect::Apply(_, _, batch) if batch.changes[0].key == named("b").key));
    assert_eq!(sent.count(), 0);
}

#[test]
fn what_the_old_login_answered_is_no_plan_for_the_new_one() {
    // The answer was read at another login, with ids and zones of there: it must be thrown away, and the new login read.
    let mut rig = Rig::started(readable(), 1);
    let read = rig.take();
    let mut other = desired(readable());
    other.accounts.get_mut(&account()).unwrap().identity = "two".into();
    rig.feed(Event::Reload(other));
    rig.open.push(read);
    rig.reads(Ok(seen(&[9])));
    assert!(!rig.open.iter().any(|effect| matches!(effect, Effect::Apply(..))), "written with ids of another login");
}

#[test]
fn batches_planned_for_the_old_login_are_not_sent_to_the_new_one() {
    // The queue of the old login (snapshots with its ids) must go when the login changes.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads(absent());
    let first = rig.take();
    let mut other = several(readable(), &["a", "b"]);
    other.accounts.get_mut(&account()).unwrap().identity = "two".into();
    rig.feed(Event::Reload(other));
    rig.answers(first, Ok(Applied::Done));
    assert!(!rig.open.iter().any(|effect| matches!(effect, Effect::Apply(..))), "written with ids of another login");
}

#[test]
fn what_is_asked_of_a_record_set_while_a_call_is_under_way_is_not_met_by_that_call() {
    // The call was planned beside another's value; by the time it lands the whole set is to be ours.
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1, 9])));
    rig.pass(HOUR);
    rig.changes_to(2);
    rig.reads(Ok(seen(&[1, 9])));
    let call = rig.take();
    let mut whole = desired(readable());
    whole.records.values_mut().for_each(|spec| spec.whole = true);
    rig.feed(Event::Reload(whole));
    rig.answers(call, Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::Working, "another's value stands there still");
    rig.pass(30 * SECOND);
    rig.reads(Ok(seen(&[2, 9])));
    rig.pass(5 * MINUTE);
    rig.reads(Ok(seen(&[2, 9])));
    rig.applies(&[2], Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::UpToDate);
}
