//! Jobs that a service works on: asked about, waited for, and doubted where a reading said otherwise.

use super::*;

#[test]
fn a_job_is_a_ticket_and_nothing_is_applied_while_it_runs() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(Seen::Absent(Snapshot::none())));
    rig.applies(&[1], Ok(Applied::Accepted(Some(Ticket("7".into())))));
    rig.pass(5 * SECOND);
    let Effect::Settle(account, key, ticket) = rig.take() else { panic!("it is asked about") };
    assert_eq!(ticket, Ticket("7".into()));
    rig.feed(Event::Settled(account, key, ticket, rig.print.clone(), Ok(Settled::Done)));
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_job_is_asked_about_before_anything_is_written_beside_it() {
    let mut rig = Rig::one_by_one(several(readable(), &["a", "b"]));
    rig.start(1);
    let both = ["a", "b"].map(|name| (named(name).key, Ok(seen(&[7]))));
    let effects = rig.follow(Event::Read(account(), "print".into(), both.into()));
    let effects = rig.applied(&effects, Ok(Applied::Accepted(Some(Ticket("job".into())))));
    rig.applied(&effects, Err(Error::auth(Scope::Account, "updating", "badauth")));
    assert!(reads(&rig.lapse(25 * HOUR, Some(1))), "whether the account is still refused");
    assert_eq!(writes(&rig.read("a", Ok(seen(&[7])))), []);
}

#[test]
fn a_job_that_is_done_is_doubted_where_a_reading_said_otherwise() {
    let mut rig = Rig::one_by_one(several(readable(), &["a"]));
    rig.start(1);
    let effects = rig.read("a", Ok(seen(&[9])));
    rig.applied(&effects, Ok(Applied::Accepted(Some(Ticket("job".into())))));
    rig.read("a", Ok(seen(&[7])));
    let effects =
        rig.follow(Event::Settled(account(), named("a").key, Ticket("job".into()), "print".into(), Ok(Settled::Done)));
    assert!(reads(&effects));
    assert_eq!(rig.standing_of("a"), Standing::Working);
}
