//! No address: what is certain, for how long, and what is removed then.

use super::*;

#[test]
fn a_blind_detector_is_no_reason_to_act() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1])));
    rig.readings.clear();
    rig.feed(Event::Look(Network::RouteVanished));
    assert!(matches!(rig.standing(), Standing::Unknown { .. }));
    rig.pass(24 * 60 * MINUTE);
    rig.idle();
}

#[test]
fn a_certain_absence_removes_only_where_that_was_asked_for_and_only_after_its_time() {
    for asked in [false, true] {
        let mut desired = desired(readable());
        desired.records.get_mut(&id()).unwrap().absent_after = asked.then_some(10 * MINUTE);
        let mut rig = Rig::new(desired, &Documents::new());
        rig.says(1);
        rig.feed(Event::Start);
        rig.reads(Ok(seen(&[1])));
        rig.readings.insert(Family::Ipv4, Reading::None);
        rig.feed(Event::Look(Network::Changed));
        rig.pass(9 * MINUTE);
        rig.idle();
        rig.pass(2 * MINUTE);
        if asked {
            rig.reads(Ok(seen(&[1, 9])));
            rig.applies(&[9], Ok(Applied::Done));
        }
        rig.idle();
    }
}

#[test]
fn where_nothing_can_be_removed_nothing_is_under_way() {
    for readable in [true, false] {
        let mut desired = several(if readable { self::readable() } else { alone() }, &["a"]);
        desired.records.values_mut().for_each(|spec| spec.absent_after = Some(HOUR));
        let mut rig = Rig::one_by_one(desired);
        let effects = rig.follow(Event::Start);
        rig.told(effects, None);
        assert_eq!(rig.lapse(2 * HOUR, None).len(), 0);
        assert_eq!(rig.standing_of("a"), Standing::Unmanaged);
    }
}

/// A record set whose address is gone: removed after two hours.
fn vanished() -> Rig {
    let mut desired = several(readable(), &["a"]);
    desired.records.values_mut().for_each(|spec| spec.absent_after = Some(2 * HOUR));
    let mut rig = Rig::one_by_one(desired);
    rig.start(1);
    let effects = rig.read("a", Ok(seen(&[7])));
    rig.applied(&effects, Ok(Applied::Done));
    rig.answer(MINUTE, 1, || Ok(seen(&[1])), &Ok(Applied::Done));
    rig.lapse(HOUR, None);
    rig
}

#[test]
fn an_absence_is_certain_only_as_long_as_somebody_looks() {
    let mut rig = vanished();
    rig.now.moment = rig.now.moment.plus(PROBE);
    assert!(!reads(&rig.lapse(HOUR, None)), "suspended for a day: it begins anew");
    assert!(reads(&rig.lapse(2 * HOUR, None)));
}

#[test]
fn an_absence_that_ended_is_not_counted_by_the_next_process() {
    let mut rig = vanished();
    rig.follow(Event::Stop);
    let effects = rig.restart();
    rig.told(effects, Some(1));
    rig.read("a", Ok(seen(&[1])));
    let effects = rig.restart();
    rig.told(effects, None);
    assert!(!reads(&rig.lapse(HOUR + 30 * MINUTE, None)));
}

#[test]
fn a_removal_that_the_configuration_no_longer_asks_for_is_not_made() {
    let mut rig = vanished();
    let mut kept = rig.state.desired().clone();
    kept.records.values_mut().for_each(|spec| (spec.absent_after, spec.whole) = (Some(HOUR), true));
    let effects = rig.follow(Event::Reload(kept.clone()));
    rig.told(effects, None);
    rig.lapse(2 * HOUR, None);
    assert_eq!(rig.state.records[&named("a")].want, Want::Gone);
    kept.records.values_mut().for_each(|spec| spec.absent_after = None);
    let effects = rig.follow(Event::Reload(kept));
    assert!(!reads(&effects), "the absence counts for nothing before it is judged anew: {effects:?}");
}

#[test]
fn an_absence_that_ended_long_ago_removes_nothing_after_a_restart() {
    // absent_since went to disk with another write, its end never did. After the restart the absence begins anew.
    let mut desired = desired(readable());
    desired.records.get_mut(&id()).unwrap().absent_after = Some(10 * MINUTE);
    let mut rig = Rig::new(desired.clone(), &Documents::new());
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Start);
    rig.pass(MINUTE);
    rig.says(1);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(10 * SECOND);
    rig.reads(Ok(seen(&[1])));
    // Another short absence: noted in memory, and to disk together with what a stop writes.
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.feed(Event::Update(Target::All));
    let disk = {
        // Any write while the absence lasts takes it along.
        rig.state.urgent = true;
        rig.state.records.get_mut(&id()).unwrap().dirty = true;
        rig.feed(Event::Time);
        rig.open.clear();
        rig.changes_to(1);
        rig.pass(30 * DAY);
        rig.disk.clone()
    };
    let mut again = Rig::new(desired, &disk);
    again.now = rig.now;
    again.readings.insert(Family::Ipv4, Reading::None);
    again.feed(Event::Start);
    again.pass(MINUTE);
    assert_ne!(again.state.views(again.now).next().unwrap().want, &Want::Gone, "absent for a minute, not for a month");
}
