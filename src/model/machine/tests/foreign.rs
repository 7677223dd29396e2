//! What somebody else put there: adopted, left alone, fought over for a while.

use super::*;

#[test]
fn someone_else_is_fought_twice_within_an_hour_and_then_left_alone() {
    let mut rig = contended();
    rig.feed(Event::Release(Target::Name("home.example.org".parse().unwrap())));
    rig.pass(MINUTE);
    rig.reads(Ok(seen(&[1])));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_value_that_cannot_be_taken_away_is_not_written_against_without_end() {
    let mut desired = several(readable(), &["a"]);
    desired.records.values_mut().for_each(|spec| spec.whole = true);
    let mut rig = Rig::one_by_one(desired);
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    assert_eq!(rig.answer(48 * HOUR, 1, || Ok(seen(&[1, 9])), &Ok(Applied::Done)), 2);
    assert!(matches!(rig.standing_of("a"), Standing::Held { .. }));
}

#[test]
fn what_was_undone_once_is_not_counted_twice() {
    let mut rig = Rig::one_by_one(several(readable(), &["a", "b"]));
    rig.start(1);
    let both = |last| ["a", "b"].map(|name| (named(name).key, Ok(seen(&[last])))).to_vec();
    rig.follow(Event::Read(account(), "print".into(), both(1)));
    rig.lapse(HOUR, Some(1));
    rig.follow(Event::Update(Target::All));
    let effects = rig.follow(Event::Read(account(), "print".into(), both(7)));
    // The change of the second is given up with the first's call.
    rig.applied(&effects, Err(Error::transient("updating", "down")));
    assert!(reads(&rig.lapse(MINUTE, Some(1))));
    rig.follow(Event::Read(account(), "print".into(), both(7)));
    assert_eq!(rig.standing_of("b"), Standing::Working);
}

#[test]
fn what_stood_in_the_way_and_is_gone_lets_go_of_its_hold() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[8, 9])));
    assert!(matches!(rig.standing_of("a"), Standing::Held { .. }));
    assert!(reads(&rig.lapse(25 * HOUR, Some(1))));
    assert_eq!(writes(&rig.read("a", Ok(seen(&[9])))), [values(&[1])]);
    assert_eq!(rig.standing_of("a"), Standing::Working);
}

#[test]
fn values_that_are_declared_ours_or_are_gone_let_go_of_a_foreign_hold_at_the_next_start_or_look() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[8, 9])));
    let effects = rig.follow(Event::Update(Target::All));
    assert!(reads(&effects), "they may have been taken away");
    rig.read("a", Ok(seen(&[8, 9])));
    assert!(matches!(rig.standing_of("a"), Standing::Held { .. }));
    let mut whole = several(readable(), &["a"]);
    whole.records.values_mut().for_each(|spec| spec.whole = true);
    rig.state = State::new(whole, &rig.disk, "boot", true, Mode::Run, rig.now);
    assert!(reads(&rig.start(1)));
    assert_eq!(writes(&rig.read("a", Ok(seen(&[8, 9])))), [values(&[1])]);
}

#[test]
fn a_value_known_to_be_foreign_is_not_adopted_when_ours_comes_back() {
    // {1 ours, 9 foreign}; our address goes for good and ours is removed; the address comes back: 9 must stay.
    let mut desired = desired(readable());
    desired.records.get_mut(&id()).unwrap().absent_after = Some(10 * MINUTE);
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig.reads(Ok(seen(&[1, 9])));
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(11 * MINUTE);
    rig.reads(Ok(seen(&[1, 9])));
    rig.applies(&[9], Ok(Applied::Done));
    rig.pass(SECOND);
    rig.reads(Ok(seen(&[9])));
    rig.changes_to(2);
    rig.pass(5 * SECOND);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[2, 9], Ok(Applied::Done));
}

#[test]
fn the_values_that_count_as_ours_do_not_grow_for_ever() {
    // Every write fails for years and the address changes every day. Values never seen at the service need no remembering.
    let mut rig = Rig::started(readable(), 1);
    for day in 0..200_u32 {
        rig.changes_to(u8::try_from(day % 250).unwrap() + 1);
        let _ = rig.calls(DAY, |_| Ok(seen(&[1])), &Err(failed(Kind::Transient)));
    }
    let ours = rig.state.records[&id()].entry.ours.len();
    assert!(ours <= 20, "{ours} values count as ours");
}

#[test]
fn what_a_late_reading_made_us_leave_there_is_nobody_elses_change() {
    // The service shows what it held some time ago: a change planned upon that takes away what is gone already, and leaves what we
    // wrote in between beside the new address.
    let mut whole = desired(readable());
    whole.records.values_mut().for_each(|spec| spec.whole = true);
    let mut rig = Rig::new(whole, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig.pass(5 * SECOND);
    rig.reads(Ok(seen(&[1])));
    for address in [2, 3] {
        rig.changes_to(address);
        rig.pass(MINUTE);
        rig.reads(Ok(seen(&[address - 1])));
        rig.applies(&[address], Ok(Applied::Done));
        let left = [address - 1, address];
        rig.pass(2 * MINUTE);
        rig.reads(Ok(seen(&left)));
        assert_eq!(held(&rig), None, "{left:?} are ours alone");
        rig.applies(&[address], Ok(Applied::Done));
        rig.pass(SECOND);
        rig.reads(Ok(seen(&[address])));
        assert_eq!(rig.standing(), Standing::UpToDate);
    }
}

#[test]
fn someone_who_undoes_it_at_each_verification_is_left_alone_in_the_end_and_one_who_does_so_daily_is_not() {
    for (hours, is_held) in [(7, true), (25, false)] {
        let mut rig = Rig::started(readable(), 1);
        rig.reads(Ok(seen(&[1])));
        for round in 0..5 {
            rig.pass(HOUR * hours);
            rig.reads(Ok(seen(&[7])));
            if held(&rig).is_some() {
                assert_eq!((is_held, round, held(&rig)), (true, 2, Some(Reason::Contended)), "every {hours} hours");
                break;
            }
            rig.applies(&[1], Ok(Applied::Done));
            rig.pass(SECOND);
            rig.reads(Ok(seen(&[1])));
        }
        assert_eq!(held(&rig).is_some(), is_held, "every {hours} hours");
    }
}
