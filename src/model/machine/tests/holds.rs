//! What is held: what it costs, what lets go of it, and what a probe may do.

use super::*;

#[test]
fn a_refused_password_costs_one_call_and_a_new_one_is_tried_at_the_next_look() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Err(failed(Kind::Auth { scope: Scope::Account })));
    assert_eq!(held(&rig), Some(Reason::Refused));
    rig.pass(3 * 24 * 60 * MINUTE);
    rig.changes_to(2);
    rig.feed(Event::Update(Target::All));
    rig.pass(24 * 60 * MINUTE);
    rig.idle();
    rig.print = "another".into();
    rig.pass(10 * MINUTE);
    rig.applies(&[2], Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_readable_service_is_asked_once_a_day_whether_it_still_refuses() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Err(failed(Kind::Auth { scope: Scope::Account })));
    rig.pass(23 * 60 * MINUTE);
    rig.idle();
    rig.pass(2 * 60 * MINUTE);
    rig.reads(Ok(seen(&[1])));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn abuse_ends_only_by_command() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Err(failed(Kind::Abuse)));
    rig.print = "another".into();
    rig.changes_to(2);
    rig.pass(48 * 60 * MINUTE);
    rig.idle();
    rig.feed(Event::Release(Target::Account(account())));
    rig.applies(&[2], Ok(Applied::Done));
}

#[test]
fn a_wrong_request_is_held_until_the_address_is_another_one() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Err(failed(Kind::Config)));
    rig.pass(48 * 60 * MINUTE);
    rig.idle();
    rig.changes_to(2);
    rig.pass(MINUTE);
    rig.applies(&[2], Ok(Applied::Done));
}

#[test]
fn a_wrong_request_that_a_probe_finds_right_is_let_go() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Err(failed(Kind::Config)));
    assert_eq!(held(&rig), Some(Reason::Wrong));
    rig.pass(25 * 60 * MINUTE);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn what_had_no_effect_twice_is_not_written_again_by_a_probe() {
    let mut rig = Rig::started(readable(), 1);
    for _ in 0..2 {
        rig.reads(Ok(seen(&[9])));
        rig.applies(&[1], Ok(Applied::Done));
        rig.pass(MINUTE);
    }
    rig.reads(Ok(seen(&[9])));
    assert_eq!(held(&rig), Some(Reason::Normalised));
    rig.pass(25 * 60 * MINUTE);
    rig.reads(Ok(seen(&[9])));
    rig.idle();
    rig.pass(25 * 60 * MINUTE);
    rig.reads(Ok(seen(&[1])));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_probe_asks_and_does_not_send_again_what_was_refused() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[7])));
    rig.applies(&[1], Err(failed(Kind::Config)));
    assert_eq!(held(&rig), Some(Reason::Wrong));
    for _ in 0..3 {
        rig.pass(25 * 60 * MINUTE);
        rig.reads(Ok(seen(&[7])));
        assert_eq!(held(&rig), Some(Reason::Wrong));
    }
    rig.pass(25 * 60 * MINUTE);
    rig.reads(Ok(seen(&[1])));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn what_could_not_be_read_is_written_as_soon_as_it_can_be_read() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Err(failed(Kind::Config)));
    assert_eq!(held(&rig), Some(Reason::Wrong), "no such zone, for one");
    rig.pass(25 * 60 * MINUTE);
    rig.reads(Ok(seen(&[7])));
    rig.applies(&[1], Ok(Applied::Done));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_look_reads_what_was_not_there_and_does_not_send_a_refused_password_again() {
    for (kind, asked) in [
        (Kind::Config, true),
        (Kind::Auth { scope: Scope::RecordSet }, false),
        (Kind::Auth { scope: Scope::Account }, false),
    ] {
        let mut rig = Rig::started(readable(), 1);
        rig.reads(Err(failed(kind)));
        rig.pass(MINUTE);
        rig.feed(Event::Update(Target::All));
        assert_eq!(matches!(rig.open[..], [Effect::Read(..)]), asked, "{kind:?}: {:?}", rig.open);
    }
}

#[test]
fn a_probe_of_what_is_held_asks_and_does_not_write() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    let effects = rig.read("a", Ok(seen(&[7])));
    rig.applied(&effects, Err(Error::config("updating", "no")));
    assert!(matches!(rig.standing_of("a"), Standing::Held { .. }));
    let effects = rig.lapse(25 * HOUR, Some(1));
    assert!(reads(&effects), "once a day it is asked whether it still stands");
    assert_eq!(writes(&rig.read("a", Ok(seen(&[7])))), []);
    rig.lapse(25 * HOUR, Some(1));
    rig.read("a", Ok(seen(&[1])));
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn what_is_let_go_is_looked_at_although_it_was_confirmed() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    assert!(reads(&rig.change(2)));
    rig.read("a", Err(Error::auth(Scope::RecordSet, "reading", "forbidden")));
    rig.change(1);
    assert!(matches!(rig.standing_of("a"), Standing::Held { .. }));
    assert!(reads(&rig.follow(Event::Release(Target::All))));
    rig.read("a", Ok(seen(&[1])));
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn a_probe_that_is_answered_with_another_refusal_is_not_repeated_at_once() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Err(Error::auth(Scope::Account, "reading", "badauth")));
    assert!(reads(&rig.lapse(25 * HOUR, Some(1))));
    let effects = rig.read("a", Err(Error::auth(Scope::RecordSet, "reading", "forbidden")));
    assert!(!reads(&effects));
    assert!(matches!(rig.standing_of("a"), Standing::Held { account: false, .. }));
}

#[test]
fn what_is_held_by_itself_is_not_asked_for_its_account() {
    let mut rig = Rig::one_by_one(several(readable(), &["a", "b"]));
    rig.start(1);
    let forbidden = Error::auth(Scope::RecordSet, "reading", "forbidden");
    let answers = vec![(named("a").key, Err(forbidden)), (named("b").key, Ok(seen(&[1])))];
    rig.follow(Event::Read(account(), "print".into(), answers));
    rig.follow(Event::Update(Target::Name(named("b").key.name)));
    rig.read("b", Err(Error::auth(Scope::Account, "reading", "badauth")));
    rig.state.accounts.get_mut(&account()).unwrap().entry.hold.as_mut().unwrap().probe = rig.now.moment;
    let effects = rig.follow(Event::Time);
    assert_eq!(rig.asked(&effects), [named("b").key]);
}

#[test]
fn what_was_refused_and_is_no_longer_wanted_does_not_hold_what_is() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    assert!(reads(&rig.change(5)));
    let effects = rig.read("a", Ok(seen(&[1])));
    assert!(!reads(&rig.change(1)));
    rig.applied(&effects, Err(Error::config("updating", "refused")));
    assert!(!matches!(rig.standing_of("a"), Standing::Held { .. }));
    assert_eq!(rig.answer(2 * MINUTE, 1, || Ok(seen(&[1])), &Ok(Applied::Done)), 0);
    assert_eq!(rig.standing_of("a"), Standing::UpToDate);
}

#[test]
fn a_look_by_command_sees_a_mended_secret() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    rig.read("a", Err(Error::auth(Scope::Account, "reading", "badauth")));
    let effects = step(&mut rig.state, Event::Update(Target::All), rig.now, &mut rig.rng);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LookAt(name) if *name == account())));
}

#[test]
fn a_probe_of_a_refused_record_set_reads_and_does_not_write() {
    // "Probes a held scope with one read a day": a wrong request is not repeated each day for ever.
    let mut rig = Rig::started(readable(), 1);
    rig.reads(absent());
    rig.applies(&[1], Err(failed(Kind::Config)));
    let (reads, writes) = rig.calls(10 * DAY, |_| absent(), &Err(failed(Kind::Config)));
    assert_eq!(writes, 0, "after {reads} probes");
}

#[test]
fn a_probe_does_not_fight_on_over_a_contended_record_set() {
    // Contended: left alone until the configuration, the want or a person says otherwise.
    let mut rig = contended();
    let (_, writes) = rig.calls(10 * DAY, |_| Ok(seen(&[7])), &Ok(Applied::Done));
    assert_eq!(writes, 0);
}

#[test]
fn a_probe_that_is_answered_for_one_record_set_only_does_not_spin() {
    // The account is held (401). A day later the login works again, and the first record set lies in no zone: that is its
    // own hold; the account's is over, or at least the next probe is a day away.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads(Err(failed(Kind::Auth { scope: Scope::Account })));
    let (reads, _) = rig.calls(2 * DAY, |_| Err(failed(Kind::Config)), &Ok(Applied::Done));
    assert!(reads <= 6, "{reads} reads in two days");
}

#[test]
fn a_refusal_of_the_account_is_not_lifted_by_an_answer_of_the_same_read() {
    // a was read before the login was revoked, b after: the account is held, nothing more is asked.
    let mut rig = apart(readable(), &["a", "b"]);
    let revoked = failed(Kind::Auth { scope: Scope::Account });
    rig.reads_each(|id| if *id == named("a") { Ok(seen(&[1])) } else { Err(revoked.clone()) });
    rig.idle();
    assert!(matches!(rig.state.standing(&named("b")), Standing::Held { account: true, .. }));
}

#[test]
fn a_mended_password_does_not_wait_for_what_refused_ones_used_of_the_budget() {
    let refused = || Err(failed(Kind::Auth { scope: Scope::Account }));
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(10 * SECOND);
    rig.changes_to(2);
    rig.pass(10 * SECOND);
    for wrong in ["wrong", "wrong too", "wrong again"] {
        rig.applies(&[2], refused());
        rig.print = wrong.into();
        rig.feed(Event::Update(Target::All));
    }
    rig.applies(&[2], Ok(Applied::Done));
    // What was written counts as ever: one at first, one now.
    rig.changes_to(3);
    rig.pass(9 * MINUTE);
    rig.idle();
    rig.pass(2 * MINUTE);
    rig.applies(&[3], Ok(Applied::Done));
}

#[test]
fn what_was_refused_again_after_a_release_does_not_count_with_another_password() {
    let refused = || Err(failed(Kind::Auth { scope: Scope::Account }));
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], refused());
    rig.feed(Event::Release(Target::All));
    rig.applies(&[1], refused());
    rig.print = "mended".into();
    rig.feed(Event::Update(Target::All));
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.pass(10 * SECOND);
    rig.applies(&[2], Ok(Applied::Done));
    // Both that were written count.
    rig.changes_to(3);
    rig.pass(9 * MINUTE);
    rig.idle();
}

#[test]
fn what_was_refused_before_a_write_that_was_accepted_stays_charged() {
    let refused = || Err(failed(Kind::Auth { scope: Scope::Account }));
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], refused());
    rig.feed(Event::Release(Target::All));
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.pass(11 * MINUTE);
    let spent = rig.state.records[&id()].entry.spent;
    rig.applies(&[2], refused());
    rig.print = "mended".into();
    rig.feed(Event::Update(Target::All));
    assert_eq!(rig.state.records[&id()].entry.spent, spent, "one is given back, and one is charged anew");
}

#[test]
fn who_only_lets_go_sends_no_refused_password_more_often_than_the_budget_allows() {
    let mut rig = Rig::started(push(), 1);
    let mut calls = 0;
    for _ in 0..60 {
        if !rig.open.is_empty() {
            calls += 1;
            rig.applies(&[1], Err(failed(Kind::Auth { scope: Scope::Account })));
        }
        rig.feed(Event::Release(Target::All));
        rig.pass(MINUTE);
    }
    assert!(calls <= 7, "two, and one in ten minutes: {calls} in an hour");
    // Nor does a new one give back what was let go of like that.
    let free = rig.state.records[&id()].entry.spent;
    rig.print = "another".into();
    rig.feed(Event::Update(Target::All));
    assert_eq!(rig.state.records[&id()].entry.spent, free);
}

/// How often the log and the history of the record set tell that a hold began, and that one ended, whatever for.
fn told_of_holds(rig: &Rig) -> [(usize, usize); 2] {
    let history = &rig.state.views(rig.now).next().unwrap().entry.history;
    let history: Vec<String> = history.iter().map(|noted| noted.1.clone()).collect();
    let log: Vec<String> = rig.notices.iter().map(|notice| notice.what.clone()).collect();
    [log, history].map(|told| {
        let of = |start: &str| told.iter().filter(|what| what.starts_with(start)).count();
        (of("held (") + of("the account is held"), of("let go: "))
    })
}

#[test]
fn the_end_of_every_hold_is_told_as_its_beginning_was_once_in_log_and_history() {
    let held = |terms| {
        let mut rig = Rig::started(terms, 1);
        rig.reads(Err(failed(Kind::Config)));
        assert_eq!((told_of_holds(&rig), held(&rig)), ([(1, 0); 2], Some(Reason::Wrong)));
        rig
    };
    let wrote = || {
        let mut rig = Rig::started(push(), 1);
        rig.applies(&[1], Err(failed(Kind::Config)));
        assert_eq!(told_of_holds(&rig), [(1, 0); 2]);
        rig
    };
    let mut answers = held(readable());
    answers.pass(25 * 60 * MINUTE);
    answers.reads(Ok(seen(&[9])));
    let mut fits = held(readable());
    fits.pass(25 * 60 * MINUTE);
    fits.reads(Ok(seen(&[1])));
    let mut moves = wrote();
    moves.changes_to(2);
    let mut mended = wrote();
    mended.print = "another".into();
    mended.pass(10 * MINUTE);
    let mut released = wrote();
    released.feed(Event::Release(Target::All));
    let mut changed = wrote();
    let mut other = desired(push());
    other.records.get_mut(&id()).unwrap().absent_after = Some(MINUTE);
    changed.feed(Event::Reload(other));
    let mut moved = wrote();
    let mut other = desired(push());
    other.accounts.get_mut(&account()).unwrap().identity = "another".into();
    moved.feed(Event::Reload(other));
    for rig in [answers, fits, moves, mended, released, changed, moved] {
        assert_eq!((super::held(&rig), told_of_holds(&rig)), (None, [(1, 1); 2]), "{:#?}", rig.notices);
    }
}

#[test]
fn what_another_login_lets_go_of_is_told_when_it_begins_at_the_start_of_a_process() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Err(failed(Kind::Auth { scope: Scope::Account })));
    let mut other = desired(push());
    other.accounts.get_mut(&account()).unwrap().identity = "another".into();
    let mut rig = Rig::new(other, &rig.disk);
    rig.feed(Event::Start);
    assert_eq!(held(&rig), None);
    let told = rig.notices.iter().filter(|notice| notice.what == "let go: the account is another login now");
    assert_eq!(told.count(), 1, "{:#?}", rig.notices);
}
