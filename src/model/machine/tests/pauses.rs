//! Waits, budgets and back-off: nothing is hammered, and no pause is cut short that a service asked for.

use super::*;

#[test]
fn a_pause_is_kept_whatever_happens() {
    let mut rig = Rig::started(readable(), 1);
    let after = Some(Duration::from_secs(3000));
    rig.reads(Err(failed(Kind::RateLimited { after })));
    rig.changes_to(2);
    rig.feed(Event::Update(Target::All));
    rig.pass(Duration::from_secs(2999));
    rig.idle();
    rig.pass(Duration::from_secs(40));
    rig.reads(Ok(seen(&[2])));
}

#[test]
fn a_push_service_out_of_order_is_tried_ever_more_rarely() {
    let mut rig = Rig::started(push(), 1);
    let mut tries = 0;
    for _ in 0..24 * 60 {
        if !rig.open.is_empty() {
            rig.applies(&[1], Err(failed(Kind::Transient)));
            tries += 1;
        }
        rig.pass(MINUTE);
    }
    // Every ten minutes by the write budget alone; an hour at most, half an hour at least by the back-off.
    assert!((24..=60).contains(&tries), "{tries} tries in a day");
}

#[test]
fn a_flapping_address_stays_within_the_write_budget() {
    let mut rig = Rig::started(push(), 1);
    let mut writes = 0;
    for flap in 0..20_u8 {
        rig.changes_to(flap % 2 + 1);
        rig.pass(Duration::from_secs(3));
        while let Some(Effect::Apply(account, number, batch)) = rig.open.pop() {
            writes += 1;
            let outcomes = vec![Ok(Applied::Done); batch.changes.len()];
            rig.feed(Event::Applied(account, number, rig.print.clone(), outcomes));
        }
    }
    assert_eq!(writes, 2);
}

#[test]
fn the_budget_of_reads_holds_back_no_write_that_the_budget_of_writes_allows() {
    let mut rig = Rig::started(readable(), 0);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[0], Ok(Applied::Done));
    for last in 1..9 {
        // Five at once, then one each twelve seconds; each is read before it is written, and read back.
        rig.pass(if last < 5 { 2 * SECOND } else { 12 * SECOND });
        rig.reads(Ok(seen(&[last - 1])));
        rig.changes_to(last);
        rig.reads(Ok(seen(&[last - 1])));
        rig.applies(&[last], Ok(Applied::Done));
    }
}

#[test]
fn a_process_that_dies_over_its_calls_keeps_to_the_budget() {
    let mut rig = Rig::one_by_one(several(alone(), &["a"]));
    let mut calls = writes(&rig.start(1)).len();
    for _ in 0..20 {
        let effects = rig.restart();
        calls += writes(&rig.told(effects, Some(1))).len() + writes(&rig.lapse(10 * SECOND, Some(1))).len();
    }
    assert_eq!(calls, 2, "the burst of a push service, in 200 s");
}

#[test]
fn a_service_that_reads_and_does_not_write_is_written_to_less_and_less() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Err(Error::transient("reading", "down")));
    let down = Err(Error::transient("updating", "down"));
    let writes = rig.answer(48 * HOUR, 1, || Ok(seen(&[7])), &down);
    assert!((40..110).contains(&writes), "{writes} writes in two days");
}

#[test]
fn what_never_comes_into_force_is_written_less_and_less() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    let broken = || match Ok(seen(&[1])) {
        Ok(Seen::Holds { values, ttl, snapshot, .. }) => {
            Ok(Seen::Holds { values, ttl, health: Health::Broken, mixed: false, snapshot })
        }
        other => other,
    };
    let writes = rig.answer(48 * HOUR, 1, broken, &Ok(Applied::Done));
    assert!((30..110).contains(&writes), "{writes} writes in two days");
}

#[test]
fn the_longest_of_two_pauses_is_kept_and_no_other_call_ends_it() {
    let mut rig = Rig::one_by_one(several(Terms { width: 3, ..readable() }, &["a", "b", "c"]));
    rig.start(1);
    let keys = ["a", "b", "c"].map(|name| (named(name).key, Ok(seen(&[7]))));
    let effects = rig.follow(Event::Read(account(), "print".into(), keys.into()));
    assert_eq!(writes(&effects).len(), 3);
    let limited = |seconds| Err(Error::rate_limited(Some(Duration::from_secs(seconds)), "updating", "slow down"));
    for (number, outcome) in [(1, limited(60)), (2, limited(7200)), (3, Ok(Applied::Done))] {
        rig.follow(Event::Applied(account(), number, "print".into(), vec![outcome]));
    }
    let effects = rig.lapse(7190 * SECOND, Some(1));
    assert!(!reads(&effects) && writes(&effects).is_empty(), "{effects:?}");
    assert!(reads(&rig.lapse(100 * SECOND, Some(1))));
}

#[test]
fn a_source_that_is_blind_at_times_does_not_cut_waits_short() {
    let mut rig = Rig::one_by_one(several(alone(), &["a"]));
    let effects = rig.start(1);
    rig.applied(&effects, Err(Error::transient("updating", "down")));
    let wait = rig.state.records[&named("a")].entry.wait.clone();
    assert!(wait.is_some());
    for reading in [Reading::Unknown("blind".into()), Reading::Addresses(vec![address(1)])] {
        rig.follow(Event::Look(Network::Same));
        rig.follow(Event::Readings(vec![(source(), Family::Ipv4, reading)]));
    }
    assert_eq!(rig.state.records[&named("a")].entry.wait, wait);
}

#[test]
fn an_address_that_is_back_does_not_stand_as_failing() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    assert!(reads(&rig.change(2)));
    rig.read("a", Err(Error::transient("reading", "down")));
    let effects = rig.change(1);
    assert!(reads(&effects) || reads(&rig.lapse(MINUTE, Some(1))));
    rig.read("a", Ok(seen(&[1])));
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn a_look_that_failed_is_made_again_though_what_is_wanted_was_confirmed() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    assert!(reads(&rig.change(2)));
    assert!(!reads(&rig.change(1)));
    rig.read("a", Err(Error::transient("reading", "no answer")));
    assert!(reads(&rig.lapse(2 * MINUTE, Some(1))));
    rig.read("a", Ok(seen(&[1])));
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn a_pause_that_was_asked_for_is_not_traded_for_a_wait_of_our_own() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Err(Error::rate_limited(Some(HOUR), "reading", "slow down")));
    let known = rig.state.accounts[&account()].entry.wait.clone();
    rig.state.accounts.get_mut(&account()).unwrap().entry.failures = 20;
    rig.follow(Event::Settled(account(), named("a").key, Ticket("job".into()), "print".into(), Ok(Settled::Running)));
    let late = vec![(named("a").key, Err(Error::transient("reading", "no answer")))];
    rig.now.moment = rig.now.moment.plus(HOUR - MINUTE);
    rig.follow(Event::Read(account(), "print".into(), late));
    assert_eq!(rig.state.accounts[&account()].entry.wait, known);
    assert!(!reads(&rig.follow(Event::Update(Target::All))));
}

#[test]
fn a_write_that_always_fails_backs_off_although_reading_works() {
    // 500 at every write for two days: the waits double up to an hour; the reads between are no success of the account.
    let mut rig = Rig::started(readable(), 1);
    let (reads, writes) = rig.calls(2 * DAY, |_| absent(), &Err(failed(Kind::Transient)));
    assert!(writes <= 120 && reads <= 130, "{reads} reads and {writes} writes in two days");
}

#[test]
fn a_push_that_always_fails_backs_off() {
    // The made-up "read" before a push is no success: the waits double up to an hour.
    let mut rig = Rig::started(push(), 1);
    let (_, writes) = rig.calls(2 * DAY, |_| absent(), &Err(failed(Kind::Transient)));
    assert!(writes <= 120, "{writes} writes in two days");
}

#[test]
fn a_crash_loop_stays_within_the_write_budget() {
    // The call kills the process each time. The budget is on disk before the call: two, then one in ten minutes.
    let mut rig = Rig::started(push(), 1);
    let mut sent = usize::from(matches!(rig.take(), Effect::Apply(..)));
    for _ in 0..100 {
        let now = Now { moment: rig.now.moment.plus(SECOND), wall: rig.now.wall };
        let disk = rig.disk.clone();
        rig = Rig::new(desired(push()), &disk);
        rig.now = now;
        rig.state = State::new(desired(push()), &disk, "boot", true, Mode::Run, now);
        rig.says(1);
        rig.feed(Event::Start);
        sent += rig.open.iter().filter(|effect| matches!(effect, Effect::Apply(..))).count();
    }
    assert!(sent <= 3, "{sent} calls in 100 s");
}

#[test]
fn a_pause_of_zero_is_no_licence_to_spin() {
    // `Retry-After: 0` (or a date that is past): back off as for a limit without a time.
    let mut rig = Rig::started(readable(), 1);
    let (reads, _) = rig.calls(HOUR, |_| Err(limited(0)), &Ok(Applied::Done));
    assert!(reads <= 60, "{reads} reads in an hour");
}

#[test]
fn what_stays_broken_is_written_more_and_more_rarely() {
    // Designate: ERROR for ever (a zone whose servers are gone). Each write is accepted; it is no success.
    let mut rig = Rig::started(readable(), 1);
    let broken = || Seen::Holds {
        values: values(&[1]),
        ttl: None,
        health: Health::Broken,
        mixed: false,
        snapshot: Snapshot::none(),
    };
    let (reads, writes) = rig.calls(DAY, |_| Ok(broken()), &Ok(Applied::Done));
    assert!(writes <= 60, "{writes} writes and {reads} reads in a day");
}

#[test]
fn a_pause_asked_for_one_key_of_a_read_holds_back_the_writes_of_the_others() {
    // a was read, b was answered with 429: the account rests before a is written.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads_each(|id| if *id == named("a") { absent() } else { Err(limited(3600)) });
    rig.idle();
}

#[test]
fn a_pause_is_kept_although_another_batch_in_flight_went_well() {
    // Designate has four batches in flight: one is answered 429, the next one with success.
    let mut rig = apart(Terms { width: 2, ..readable() }, &["a", "b", "c"]);
    rig.reads(absent());
    let (first, second) = (rig.open.remove(0), rig.open.remove(0));
    rig.answers(first, Err(limited(3600)));
    rig.answers(second, Ok(Applied::Done));
    let (reads, writes) = rig.calls(Duration::from_secs(3500), |_| absent(), &Ok(Applied::Done));
    assert_eq!((reads, writes), (0, 0), "within the pause");
}

#[test]
fn of_two_pauses_the_longer_one_is_kept() {
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads_each(|id| Err(limited(if *id == named("a") { 10 } else { 3600 })));
    rig.pass(HOUR - SECOND);
    rig.idle();
}

#[test]
fn something_broken_does_not_end_a_pause() {
    // a: 429 for an hour; b: broken. The made-up success beside b's failure clears the account's wait.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads_each(|id| {
        if *id == named("a") {
            return Err(limited(3600));
        }
        let (values, snapshot) = (values(&[1]), Snapshot::none());
        Ok(Seen::Holds { values, ttl: None, health: Health::Broken, mixed: false, snapshot })
    });
    rig.pass(HOUR - SECOND);
    rig.idle();
}

#[test]
fn an_address_that_flaps_does_not_hammer_a_service_that_refuses_to_be_read() {
    // "No such zone" to every read; the address goes back and forth every three seconds. Each flap lets go of the hold.
    let mut rig = Rig::started(readable(), 1);
    let mut reads = 0;
    for flap in 0..1200_u32 {
        rig.changes_to(u8::try_from(flap % 2).unwrap() + 1);
        reads += rig.calls(3 * SECOND, |_| Err(failed(Kind::Config)), &Ok(Applied::Done)).0;
    }
    assert!(reads <= 70, "{reads} reads in an hour");
}

#[test]
fn an_address_that_flaps_does_not_hammer_a_service_that_fails() {
    // One of two record sets fails in passing at each read; each flap of the address cuts its wait short.
    let mut rig = apart(readable(), &["a", "b"]);
    let answer = |id: &Id| if *id == named("a") { Err(failed(Kind::Transient)) } else { Ok(seen(&[1, 2])) };
    let mut reads = 0;
    for flap in 0..1200_u32 {
        rig.changes_to(u8::try_from(flap % 2).unwrap() + 1);
        reads += rig.calls(3 * SECOND, answer, &Ok(Applied::Done)).0;
    }
    // 120 for the one that flaps between what stands there already, 60 for the one that fails.
    assert!(reads <= 190, "{reads} reads in an hour");
}

#[test]
fn waits_of_the_same_boot_are_clamped_too() {
    // A document that is whole and says nonsense: no wait is longer than its kind's ceiling, whatever the boot.
    let as_of = AsOf { boot: "boot".into(), moment: Moment(1_000), wall: Wall(0) };
    let wait = Some(Wait { until: Moment(u64::MAX), obeyed: false });
    let mut entry = Entry { wait, ..Entry::default() };
    let now = Now { moment: Moment(2_000), wall: Wall(1) };
    entry.rebase(&as_of, "boot", now);
    assert!(entry.wait.unwrap().until.since(now.moment) <= crate::model::backoff::CEILING);
}
