//! What people are told of how a record set stands: what it waits for, until when, and no error that is over.

use super::*;
use crate::model::machine::standing::{Pause, View};
use crate::report::status::{Status, record_status};

impl Rig {
    fn view(&self) -> View<'_> {
        self.state.views(self.now).next().unwrap()
    }

    fn pause(&self) -> Option<Pause> {
        self.view().pause.map(|(pause, _)| pause)
    }
}

#[test]
fn a_wait_for_the_write_budget_says_so_and_until_when() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.applies(&[2], Ok(Applied::Done));
    rig.changes_to(3);
    assert_eq!(rig.view().pause, Some((Pause::Writes, rig.now.moment.plus(10 * MINUTE))));
    let status = record_status(&rig.view(), rig.now);
    assert_eq!(status.state, "waiting");
    let until = status.waits.clone().unwrap().until;
    assert_eq!(status.next.as_ref(), Some(&until));
    let says =
        format!("should hold 198.51.100.3; it was sent often of late, and its write budget allows the next at {until}");
    assert_eq!(status.says, says);
    assert_eq!(Status::summary(&rig.state, rig.now), "1 waiting");
}

#[test]
fn a_mended_password_that_waits_for_the_budget_is_no_refusal_any_more() {
    let mut rig = Rig::started(push(), 1);
    for print in ["second", "third"] {
        rig.applies(&[1], Err(failed(Kind::Auth { scope: Scope::Account })));
        assert_eq!(held(&rig), Some(Reason::Refused));
        rig.print = print.into();
        rig.feed(Event::Reload(rig.state.desired().clone()));
    }
    rig.idle();
    assert_eq!(rig.pause(), Some(Pause::Writes));
    let status = record_status(&rig.view(), rig.now);
    assert_eq!(status.state, "waiting");
    assert!(status.says.ends_with("(before that: updating: so it said)"), "{}", status.says);
}

#[test]
fn a_secret_that_could_not_be_read_costs_nothing_of_the_budget() {
    let mut rig = Rig::started(push(), 1);
    for print in ["second", "third", "fourth"] {
        rig.applies(&[1], Err(failed(Kind::Auth { scope: Scope::Account }).unsent()));
        rig.print = print.into();
        rig.feed(Event::Reload(rig.state.desired().clone()));
    }
    rig.applies(&[1], Err(failed(Kind::Auth { scope: Scope::Account })));
    rig.print = "mended".into();
    rig.feed(Event::Reload(rig.state.desired().clone()));
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.idle();
    assert_eq!(rig.pause(), Some(Pause::Writes));
}

#[test]
fn a_read_back_that_waits_for_its_turn_says_when_it_comes() {
    let mut rig = Rig::started(readable(), 1);
    let mut holds = seen(&[]);
    for last in 1..=5 {
        rig.changes_to(last);
        rig.reads(Ok(holds));
        rig.applies(&[last], Ok(Applied::Done));
        holds = seen(&[last]);
    }
    rig.pass(2 * SECOND);
    rig.idle();
    let status = record_status(&rig.view(), rig.now);
    assert_eq!((status.state.as_str(), rig.pause()), ("up to date", Some(Pause::Reads)), "{status:?}");
    assert!(status.read_back.is_none() && status.says.contains("is read back at "), "{status:?}");
    rig.pass(MINUTE);
    rig.reads(Ok(seen(&[5])));
    assert!(record_status(&rig.view(), rig.now).read_back.is_some());
    assert_eq!(rig.pause(), None);
}

#[test]
fn a_pause_that_the_service_asked_for_is_told_from_one_of_our_own() {
    for (kind, pause) in [(Kind::RateLimited { after: Some(MINUTE) }, Pause::Asked), (Kind::Transient, Pause::Failed)] {
        let mut rig = Rig::started(readable(), 1);
        rig.reads(Err(failed(kind)));
        assert_eq!(rig.pause(), Some(pause));
    }
}

#[test]
fn without_a_disk_a_push_says_what_it_waits_for() {
    let mut rig = Rig::new(desired(push()), &Documents::new());
    rig.state = State::new(desired(push()), &Documents::new(), "boot", false, Mode::Run, rig.now);
    rig.writable = false;
    rig.says(1);
    rig.feed(Event::Start);
    assert_eq!(rig.pause(), Some(Pause::Disk));
}

#[test]
fn an_error_of_the_account_is_over_when_the_account_has_recovered() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Err(failed(Kind::Transient)));
    assert!(matches!(rig.standing(), Standing::Failing { error: Some(_) }));
    assert!(Status::of(&rig.state, rig.now).accounts[0].error.is_some());
    rig.pass(MINUTE);
    rig.reads(Ok(seen(&[])));
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    assert_eq!(rig.standing(), Standing::Working);
    assert_eq!(Status::of(&rig.state, rig.now).accounts[0].error, None);
}

#[test]
fn without_an_address_the_next_look_is_the_next_check() {
    let mut rig = Rig::new(desired(readable()), &Documents::new());
    rig.feed(Event::Start);
    rig.pass(10 * SECOND);
    assert!(matches!(rig.standing(), Standing::Unknown { .. }));
    let next = rig.state.next_check();
    assert!(next > rig.now.moment);
    assert_eq!(rig.view().next, Some(next));
}
