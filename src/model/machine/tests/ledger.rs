//! What is on disk before a call and after it, what the next process makes of it, and a disk that cannot be written.

use super::*;

#[test]
fn a_push_is_on_disk_before_the_call_and_after_a_crash_it_counts_as_failed() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(30 * MINUTE);
    rig.changes_to(2);
    assert!(matches!(rig.take(), Effect::Apply(..)), "and here it crashed");
    let mut again = Rig::new(desired(push()), &rig.disk);
    again.now = rig.now;
    again.says(1);
    again.feed(Event::Start);
    again.pass(30 * MINUTE);
    again.applies(&[1], Ok(Applied::Unchanged));
    assert_eq!(again.standing(), Standing::UpToDate);
}

#[test]
fn without_a_disk_a_push_is_sent_once_and_not_in_the_first_ten_minutes() {
    let mut rig = Rig::new(desired(push()), &Documents::new());
    rig.state = State::new(desired(push()), &Documents::new(), "boot", false, Mode::Run, rig.now);
    rig.writable = false;
    rig.says(1);
    rig.feed(Event::Start);
    rig.pass(10 * MINUTE - SECOND);
    rig.idle();
    rig.pass(6 * MINUTE);
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.pass(24 * 60 * MINUTE);
    rig.idle();
    rig.writable = true;
    rig.pass(10 * MINUTE);
    rig.applies(&[2], Ok(Applied::Done));
}

#[test]
fn a_stop_begins_nothing_and_takes_the_last_outcome() {
    let mut rig = Rig::started(push(), 1);
    let Effect::Apply(account, number, _) = rig.take() else { panic!("it is sent") };
    rig.feed(Event::Stop);
    assert!(!rig.state.is_idle());
    rig.feed(Event::Applied(account, number, rig.print.clone(), vec![Ok(Applied::Done)]));
    assert!(rig.state.is_idle());
    let (_, records) = read_ledger(&rig.disk, "boot", rig.now);
    assert_eq!(records[&id()].confirmed.as_ref().unwrap().values, values(&[1]));
    assert_eq!(rig.state.wake_at(rig.now), None);
}

#[test]
fn a_push_waits_for_its_own_intent_to_be_on_disk() {
    let mut rig = Rig::one_by_one(several(Terms { width: 2, ..alone() }, &["a", "b", "c"]));
    let effects = rig.start(1);
    assert_eq!(writes(&effects).len(), 2);
    let effects = rig.applied(&effects, Ok(Applied::Done));
    assert_eq!(writes(&effects), [], "what was saved is the outcome of the first, not what the third will attempt");
    rig.follow(Event::Applied(account(), 2, "print".into(), vec![Ok(Applied::Done)]));
    assert!(rig.state.records[&named("c")].entry.attempt.is_some());
}

/// An address that changed and was sent while the ledger could not be written.
fn sent_without_disk() -> Rig {
    let mut rig = Rig::one_by_one(several(alone(), &["a"]));
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    rig.lapse(20 * MINUTE, Some(1));
    rig.writable = false;
    let effects = rig.change(2);
    assert_eq!(writes(&effects).len(), 1, "the ledger cannot be written, which is found out just now");
    rig.applied(&effects, Ok(Applied::Done));
    rig
}

#[test]
fn a_disk_that_comes_and_goes_lets_a_process_push_without_it_once() {
    let mut rig = sent_without_disk();
    rig.writable = true;
    rig.lapse(20 * MINUTE, Some(2));
    rig.writable = false;
    assert_eq!(writes(&rig.change(3)), []);
    rig.writable = true;
    assert_eq!(writes(&rig.lapse(20 * MINUTE, Some(3))).len(), 1);
}

#[test]
fn a_refresh_that_cannot_be_written_down_does_not_spin() {
    let mut rig = Rig::one_by_one(several(Terms { refresh: Some(PROBE), ..alone() }, &["a"]));
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    rig.lapse(25 * HOUR, Some(1));
    rig.writable = false;
    rig.restart();
    let effects = rig.restart();
    let effects = [rig.told(effects, Some(1)), rig.lapse(9 * MINUTE, Some(1))].concat();
    assert_eq!(writes(&effects), []);
}

#[test]
fn what_is_found_held_again_is_not_written_to_disk_again() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[7, 8])));
    assert!(matches!(rig.standing_of("a"), Standing::Held { .. }));
    rig.disk.clear();
    assert!(reads(&rig.lapse(25 * HOUR, Some(1))));
    rig.read("a", Ok(seen(&[7, 8])));
    assert!(rig.disk.is_empty());
}

#[test]
fn what_is_declared_anew_is_not_pushed_again_while_the_disk_cannot_be_written() {
    let mut rig = sent_without_disk();
    for declared in [&[] as &[&str], &["a"]] {
        let effects = rig.follow(Event::Reload(several(alone(), declared)));
        let effects = [rig.told(effects, Some(2)), rig.lapse(60 * MINUTE, Some(2))].concat();
        assert_eq!(writes(&effects), [], "it was sent once by a process that cannot remember it");
    }
    rig.writable = true;
    assert_eq!(writes(&rig.lapse(60 * MINUTE, Some(2))).len(), 1);
}

#[test]
fn a_disk_that_has_room_again_is_tried_when_a_person_asks_for_a_look() {
    let mut rig = Rig::one_by_one(several(alone(), &["a"]));
    rig.writable = false;
    let effects = rig.start(1);
    assert_eq!(writes(&effects), [], "a process that cannot remember waits before it sends");
    rig.writable = true;
    let effects = rig.follow(Event::Update(Target::All));
    let effects = [rig.told(effects, Some(1)), rig.lapse(SECOND, Some(1))].concat();
    assert_eq!(writes(&effects).len(), 1);
}
