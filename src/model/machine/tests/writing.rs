//! What a change is from the first reading to the last, and what is not written at all.

use super::*;
use crate::model::ledger::ALREADY_RIGHT;
use crate::report::status::record_status;

#[test]
fn a_new_address_is_read_written_and_read_back() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(Seen::Absent(Snapshot::none())));
    rig.applies(&[1], Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::UpToDate);
    rig.pass(SECOND);
    rig.reads(Ok(seen(&[1])));
    rig.pass(60 * MINUTE);
    rig.idle();
    rig.changes_to(2);
    rig.reads(Ok(seen(&[1])));
    rig.applies(&[2], Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_change_costs_two_small_writes_and_nothing_when_nothing_changes() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    assert_eq!(rig.saves, 2);
    rig.pass(SECOND);
    rig.reads(Ok(seen(&[1])));
    rig.pass(5 * 60 * MINUTE);
    assert_eq!(rig.saves, 2);
}

#[test]
fn what_holds_already_is_not_written() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1])));
    rig.pass(60 * MINUTE);
    rig.idle();
    assert_eq!(rig.standing(), Standing::UpToDate);
    let status = |rig: &Rig| record_status(&rig.state.views(rig.now).next().unwrap(), rig.now);
    let said = rig.notices.iter().filter(|notice| notice.what.starts_with(ALREADY_RIGHT)).count();
    assert_eq!((said, status(&rig).history[0].what.starts_with(ALREADY_RIGHT)), (1, true), "{:?}", rig.notices);
    assert_eq!((status(&rig).taken().map(|(word, _)| word), status(&rig).accepted), (Some(ALREADY_RIGHT), None));
    rig.changes_to(2);
    rig.pass(MINUTE);
    rig.reads(Ok(seen(&[1])));
    rig.applies(&[2], Ok(Applied::Done));
    let sent = status(&rig);
    assert_eq!((sent.taken().map(|(word, _)| word), sent.already_right), (Some("accepted"), None));
}

#[test]
fn a_time_out_that_succeeded_is_found_by_reading() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(Seen::Absent(Snapshot::none())));
    rig.applies(&[1], Err(failed(Kind::Transient)));
    assert!(matches!(rig.standing(), Standing::Failing { .. }));
    rig.pass(MINUTE);
    rig.reads(Ok(seen(&[1])));
    rig.pass(MINUTE);
    rig.idle();
}

#[test]
fn back_to_the_old_address_after_a_time_out_is_sent_again() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(30 * MINUTE);
    rig.changes_to(2);
    rig.applies(&[2], Err(failed(Kind::Transient)));
    rig.changes_to(1);
    rig.pass(30 * MINUTE);
    rig.applies(&[1], Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn nochg_twice_in_a_row_is_held() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Unchanged));
    assert_eq!(rig.standing(), Standing::UpToDate, "once is what a lost state costs");
    rig.changes_to(2);
    rig.pass(30 * MINUTE);
    rig.applies(&[2], Ok(Applied::Unchanged));
    assert_eq!(held(&rig), Some(Reason::Unchanged));
}

#[test]
fn nochg_after_a_lost_answer_is_no_surprise() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Unchanged));
    rig.changes_to(2);
    rig.pass(30 * MINUTE);
    rig.applies(&[2], Err(failed(Kind::Transient)));
    rig.pass(30 * MINUTE);
    rig.applies(&[2], Ok(Applied::Unchanged));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_call_refused_whole_is_split_until_the_culprit_stands_alone() {
    let mut desired = desired(readable());
    let names = ["a", "b", "c", "d"].map(|label| format!("{label}.example.org").parse::<Name>().unwrap());
    desired.records = names
        .iter()
        .map(|name| (Id { account: account(), key: RrsetKey::new(name.clone(), RecordType::A) }, spec()))
        .collect();
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig.reads(Ok(Seen::Absent(Snapshot::none())));
    let mut calls = 0;
    while let Some(Effect::Apply(account, number, batch)) = rig.open.pop() {
        calls += 1;
        let poisoned = batch.changes.iter().any(|change| change.key.name == names[2]);
        let outcome = if poisoned { Err(failed(Kind::Config)) } else { Ok(Applied::Done) };
        rig.feed(Event::Applied(account, number, rig.print.clone(), vec![outcome; batch.changes.len()]));
    }
    assert_eq!(calls, 5, "all; a b; c d; c; d");
    let held = rig.state.views(rig.now).filter(|view| matches!(view.standing, Standing::Held { .. }));
    assert_eq!(held.map(|view| view.id.key.name.clone()).collect::<Vec<_>>(), [names[2].clone()]);
}

#[test]
fn one_round_ends_although_the_write_budget_is_used_up() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.applies(&[2], Ok(Applied::Done));
    rig.changes_to(3);
    rig.idle();
    assert_eq!(rig.standing(), Standing::Working);
    assert!(rig.state.is_settled(rig.now));
}

#[test]
fn what_becomes_due_between_a_step_and_the_question_when_to_wake_is_woken_for() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Err(failed(Kind::Transient)));
    let wake = rig.state.wake_at(rig.now).unwrap();
    let late = Now { moment: wake.plus(Duration::from_millis(3)), ..rig.now };
    assert_eq!(rig.state.wake_at(late), Some(late.moment));
}

#[test]
fn a_late_wake_up_is_not_lost() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    assert!(reads(&rig.start(1)));
    rig.read("a", Err(Error::transient("reading", "down")));
    let wake = rig.state.wake_at(rig.now).unwrap();
    let late = Now { moment: wake.plus(Duration::from_millis(3)), ..rig.now };
    assert_eq!(rig.state.wake_at(late), Some(late.moment));
}

#[test]
fn a_call_that_waited_while_the_address_changed_is_not_made() {
    let mut rig = Rig::one_by_one(several(alone(), &["a", "b"]));
    let effects = rig.start(1);
    assert_eq!(writes(&effects), [values(&[1])], "one call at a time");
    rig.change(2);
    let effects = rig.applied(&effects, Ok(Applied::Done));
    assert_eq!(writes(&effects), [values(&[2])], "the call that waited would have sent the old address");
}

#[test]
fn what_can_be_read_is_not_sent_again_unread() {
    let mut rig = Rig::one_by_one(several(Terms { refresh: Some(PROBE), ..readable() }, &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1, 9])));
    assert_eq!(rig.answer(50 * HOUR, 1, || Ok(seen(&[1, 9])), &Ok(Applied::Done)), 0);
}

#[test]
fn another_ttl_is_nothing_to_push() {
    let mut rig = Rig::one_by_one(several(alone(), &["a"]));
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    let mut other = several(alone(), &["a"]);
    let ttl = Ttl::new(60).map(TtlPolicy::Set).unwrap();
    other.records.values_mut().for_each(|spec| spec.ttl = ttl);
    let effects = rig.follow(Event::Reload(other));
    assert_eq!(writes(&rig.told(effects, Some(1))), []);
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn a_clock_that_jumps_is_no_reason_to_refresh() {
    let mut rig = Rig::one_by_one(several(Terms { refresh: Some(25 * 24 * HOUR), ..alone() }, &["a"]));
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    rig.now.wall.0 += 1_500_000_000;
    assert_eq!(writes(&rig.lapse(24 * HOUR, Some(1))), []);
    assert_eq!(writes(&rig.lapse(25 * 24 * HOUR, Some(1))), [values(&[1])]);
}

#[test]
fn what_is_confirmed_is_what_was_sent() {
    // The address changed while b waited in the queue. b's old address must not be sent, or at least must not count as the new.
    let mut rig = apart(Terms { forgets_siblings: false, ..push() }, &["a", "b"]);
    let first = rig.take();
    rig.changes_to(2);
    rig.answers(first, Ok(Applied::Done));
    let (mut service, mut rounds) = (BTreeMap::new(), 0);
    while let Some(effect) = rig.open.pop() {
        if let Effect::Apply(_, _, batch) = &effect {
            batch.changes.iter().for_each(|change| drop(service.insert(change.key.clone(), change.after.clone())));
        }
        rig.answers(effect, Ok(Applied::Done));
        rounds += 1;
        assert!(rounds < 10);
    }
    let confirmed = rig.state.records[&named("b")].entry.confirmed.as_ref().map(|confirmed| confirmed.values.clone());
    assert_eq!(confirmed.as_ref(), service.get(&named("b").key), "the ledger against the service");
}

#[test]
fn a_push_whose_want_became_unknown_in_the_queue_voids_the_confirmation_or_is_not_sent() {
    // b holds 1, confirmed. 2 is queued, then the detector goes blind, then says 1 again: 1 must be sent again, or 2 never.
    let mut rig = apart(Terms { forgets_siblings: false, ..push() }, &["a", "b"]);
    for _ in 0..2 {
        let effect = rig.take();
        rig.answers(effect, Ok(Applied::Done));
    }
    rig.pass(HOUR);
    rig.changes_to(2);
    let first = rig.take();
    rig.readings.clear();
    rig.feed(Event::Look(Network::Changed));
    rig.answers(first, Ok(Applied::Done));
    let mut holds = values(&[1]);
    while let Some(effect) = rig.open.pop() {
        if let Effect::Apply(_, _, batch) = &effect {
            holds = batch.changes[0].after.clone();
        }
        rig.answers(effect, Ok(Applied::Done));
    }
    rig.changes_to(1);
    rig.pass(HOUR);
    while let Some(effect) = rig.open.pop() {
        if let Effect::Apply(_, _, batch) = &effect
            && batch.changes[0].key == named("b").key
        {
            holds = batch.changes[0].after.clone();
        }
        rig.answers(effect, Ok(Applied::Done));
    }
    assert_eq!(rig.state.standing(&named("b")), Standing::UpToDate);
    assert_eq!(holds, values(&[1]), "what the service holds of b");
}

#[test]
fn a_refresh_comes_due_although_the_machine_is_rebooted_every_night() {
    // Confirmed 24 days and 23 hours ago, most of that in other boots: due within the day. Moments cannot lie before the boot,
    // so each reboot begins the 25 days anew and the service expires the name.
    let terms = Terms { refresh: Some(25 * DAY), forgets_siblings: false, ..push() };
    let mut rig = Rig::new(desired(terms.clone()), &Documents::new());
    rig.now.moment = Moment(60_000);
    rig.state = State::new(desired(terms.clone()), &Documents::new(), "boot 0", true, Mode::Run, rig.now);
    rig.says(1);
    rig.feed(Event::Start);
    rig.applies(&[1], Ok(Applied::Done));
    let mut pushes = 0;
    for day in 1..=30 {
        let wall = Wall(1_800_000_000 + day * 86_400);
        let disk = rig.disk.clone();
        let now = Now { moment: Moment(60_000), wall };
        let mut next = Rig::new(desired(terms.clone()), &disk);
        next.now = now;
        next.state = State::new(desired(terms.clone()), &disk, &format!("boot {day}"), true, Mode::Run, now);
        next.says(1);
        next.feed(Event::Start);
        pushes += next.calls(23 * HOUR, |_| absent(), &Ok(Applied::Unchanged)).1;
        rig = next;
    }
    assert!((1..=2).contains(&pushes), "{pushes} refreshes in 30 days");
}

#[test]
fn a_ttl_that_someone_else_changed_is_drift_and_not_what_the_service_made_of_ours() {
    // Read back with the TTL that was asked for; later someone sets a day. Only what is read back after our own write is a clamp.
    let mut desired = desired(readable());
    let asked = Ttl::new(60);
    desired.records.get_mut(&id()).unwrap().ttl = TtlPolicy::Set(asked.unwrap());
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    let with =
        |ttl| Seen::Holds { values: values(&[1]), ttl, health: Health::Live, mixed: false, snapshot: Snapshot::none() };
    rig.reads(absent());
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(SECOND);
    rig.reads(Ok(with(asked)));
    rig.pass(7 * HOUR);
    rig.reads(Ok(with(Ttl::new(86_400))));
    rig.applies(&[1], Ok(Applied::Done));
}

#[test]
fn a_ttl_changed_by_a_reload_during_the_call_is_not_confirmed_by_it() {
    // 60 s was sent, 300 s is wanted by the time the service says yes: 300 s must be sent.
    let with_ttl = |seconds| {
        let mut desired = desired(readable());
        desired.records.get_mut(&id()).unwrap().ttl = TtlPolicy::Set(Ttl::new(seconds).unwrap());
        desired
    };
    let mut rig = Rig::new(with_ttl(60), &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig.reads(absent());
    let call = rig.take();
    rig.feed(Event::Reload(with_ttl(300)));
    rig.answers(call, Ok(Applied::Done));
    rig.pass(SECOND);
    let (values, ttl, snapshot) = (values(&[1]), Ttl::new(60), Snapshot::none());
    rig.reads(Ok(Seen::Holds { values, ttl, health: Health::Live, mixed: false, snapshot }));
    rig.applies(&[1], Ok(Applied::Done));
}

#[test]
fn one_round_tries_although_a_pause_that_is_over_is_still_remembered() {
    // `once` by cron: yesterday's run was told to wait a minute. Today both families settle for two seconds first; the round
    // must not be over before anything was tried.
    let mut both = desired(push());
    both.records.insert(Id { account: account(), key: key(RecordType::Aaaa) }, spec_of_ipv6());
    let mut rig = Rig::new(both.clone(), &Documents::new());
    let six = Reading::Addresses(vec!["2001:db8::1".parse().unwrap()]);
    rig.says(1);
    rig.readings.insert(Family::Ipv6, six.clone());
    rig.feed(Event::Start);
    rig.pass(5 * SECOND);
    let call = rig.take();
    rig.answers(call, Err(limited(60)));
    let mut again = Rig::new(both, &rig.disk);
    again.now = Now { moment: rig.now.moment.plus(DAY), wall: Wall(rig.now.wall.0 + 86_400) };
    again.says(1);
    again.readings.insert(Family::Ipv6, six);
    again.feed(Event::Start);
    again.feed(Event::Update(Target::All));
    assert!(!again.open.is_empty() || !again.state.is_settled(again.now), "it ends before it tried");
}

#[test]
fn nochg_to_a_repeated_call_whose_first_answer_was_lost_is_no_abuse() {
    // A nochg at installation counts one. Months later a change lands but its answer is lost; "nochg" to the retry confirms it.
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Unchanged));
    rig.pass(30 * DAY);
    rig.changes_to(2);
    rig.applies(&[2], Err(failed(Kind::Transient)));
    rig.pass(HOUR);
    rig.applies(&[2], Ok(Applied::Unchanged));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_plan_that_comes_to_no_batch_does_not_stop_the_account() {
    // A provider that leaves a change out of every batch must not keep the account and the record set busy for ever.
    let mut rig = Rig::started(readable(), 1);
    let Effect::Read(account, keys) = rig.take() else { panic!("a read was due") };
    let answers = keys.into_iter().map(|key| (key, absent())).collect();
    let effects = step(&mut rig.state, Event::Read(account.clone(), rig.print.clone(), answers), rig.now, &mut rig.rng);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cut(..))));
    rig.feed(Event::Cut(account, Vec::new()));
    rig.pass(2 * HOUR);
    assert!(!rig.open.is_empty(), "it is read again");
}

#[test]
fn a_call_refused_whole_costs_the_innocent_no_budget() {
    // Eight names in one call, one of them wrong: halves, quarters, single ones. Those that were taken at last were written once;
    // the next change of address must be sent within ten minutes (two at once, then one in ten minutes).
    let labels = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut rig = Rig::new(several(Terms { forgets_siblings: false, ..push() }, &labels), &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    while let Some(effect) = rig.open.pop() {
        let Effect::Apply(_, _, batch) = &effect else { panic!("{effect:?}") };
        let poisoned = batch.changes.iter().any(|change| change.key == named("h").key);
        rig.answers(effect, if poisoned { Err(failed(Kind::Config)) } else { Ok(Applied::Done) });
    }
    rig.changes_to(2);
    rig.pass(11 * MINUTE);
    let sent = rig.open.iter().any(|effect| {
        matches!(effect, Effect::Apply(_, _, batch) if batch.changes.iter().any(|change| change.key == named("g").key))
    });
    assert!(
        sent,
        "g waits until {:?}",
        rig.state.records[&named("g")].entry.spent.next(Budget::PUSH).since(rig.now.moment)
    );
}
