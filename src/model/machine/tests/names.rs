//! The zone's own name servers: when they are asked, and what follows from their answers.

use super::*;

#[test]
fn name_servers_alone_cause_one_push_a_day() {
    let mut rig = Rig::started(Terms { in_dns: true, ..push() }, 1);
    rig.applies(&[1], Ok(Applied::Done));
    let mut pushes = 0;
    for _ in 0..48 * 60 {
        rig.pass(MINUTE);
        while let Some(effect) = rig.open.pop() {
            match effect {
                Effect::Resolve(id, _) => rig.feed(Event::Resolved(id, Proof::NotYet("something else".into()))),
                Effect::Apply(account, number, _) => {
                    pushes += 1;
                    rig.feed(Event::Applied(account, number, rig.print.clone(), vec![Ok(Applied::Done)]));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!((1..=2).contains(&pushes), "{pushes} in two days");
}

/// The open question to the name servers, if there is one.
fn asked_of_name_servers(rig: &mut Rig) -> Option<Id> {
    let at = rig.open.iter().position(|effect| matches!(effect, Effect::Resolve(..)))?;
    let Effect::Resolve(id, _) = rig.open.remove(at) else { return None };
    Some(id)
}

#[test]
fn what_comes_into_force_after_a_crash_is_looked_up_then() {
    let mut rig = Rig::started(Terms { in_dns: true, ..readable() }, 1);
    rig.reads(Ok(seen(&[9])));
    let Effect::Apply(..) = rig.take() else { panic!("a change was due") };
    // The power goes while the call is under way; it lands, and the service takes its time.
    let mut again = Rig::new(desired(Terms { in_dns: true, ..readable() }), &rig.disk);
    again.now = rig.now;
    again.says(1);
    again.feed(Event::Start);
    let Seen::Holds { values, ttl, mixed, snapshot, .. } = seen(&[1]) else { panic!("it holds 1") };
    again.reads(Ok(Seen::Holds { values, ttl, mixed, snapshot, health: Health::Pending }));
    again.pass(10 * SECOND);
    while let Some(id) = asked_of_name_servers(&mut again) {
        again.feed(Event::Resolved(id, Proof::NotYet("the old one".into())));
    }
    again.reads(Ok(seen(&[1])));
    again.pass(3 * SECOND);
    assert_eq!(asked_of_name_servers(&mut again), Some(id()));
}

#[test]
fn name_servers_that_do_not_answer_are_asked_again_more_and_more_rarely() {
    let mut rig = Rig::started(Terms { in_dns: true, ..readable() }, 1);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    let mut asked = 0;
    for minute in 0..24 * 60 {
        for _ in 0..60 {
            rig.pass(SECOND);
            while let Some(id) = asked_of_name_servers(&mut rig) {
                asked += 1;
                rig.feed(Event::Resolved(id, Proof::Unknown("no answer".into())));
            }
            if let [Effect::Read(..)] = rig.open[..] {
                rig.reads(Ok(seen(&[1])));
            }
        }
        if minute == 4 {
            assert!((6..=10).contains(&asked), "{asked} times in five minutes");
        }
    }
    assert!((12..=20).contains(&asked), "{asked} times in a day");
}

#[test]
fn name_servers_that_answer_it_at_last_end_the_failure() {
    let mut rig = Rig::one_by_one(several(Terms { in_dns: true, ..alone() }, &["a"]));
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    for (proof, fails) in [(Proof::NotYet("old".into()), true), (Proof::Seen, false)] {
        // Sent again once a day at most, and this time was today.
        rig.state.records.get_mut(&named("a")).unwrap().entry.dns_write = Some(rig.now.moment);
        rig.lapse(HOUR, Some(1));
        rig.follow(Event::Resolved(named("a"), proof));
        assert_eq!(matches!(rig.standing_of("a"), Standing::Failing { .. }), fails);
    }
}

#[test]
fn name_servers_get_their_time_for_what_was_found_to_be_there() {
    let mut rig = Rig::one_by_one(several(Terms { in_dns: true, ..readable() }, &["a"]));
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    rig.lapse(5 * HOUR, Some(1));
    assert!(reads(&rig.change(2)));
    rig.read("a", Ok(seen(&[2])));
    rig.follow(Event::Resolved(named("a"), Proof::NotYet("old".into())));
    assert_eq!(rig.standing_of("a"), Standing::UpToDate, "a time-out that succeeded, seconds ago");
}

#[test]
fn name_servers_that_answer_otherwise_are_asked_again_within_the_hour() {
    let mut rig = Rig::one_by_one(several(Terms { in_dns: true, ..readable() }, &["a"]));
    rig.state.desired.verify = 72 * HOUR;
    rig.start(1);
    rig.read("a", Ok(seen(&[1])));
    rig.lapse(HOUR, Some(1));
    rig.follow(Event::Resolved(named("a"), Proof::NotYet("old".into())));
    rig.read("a", Ok(seen(&[1])));
    let effects = rig.lapse(2 * HOUR, Some(1));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Resolve(..))));
}

#[test]
fn name_servers_that_answer_the_old_values_prove_nothing_of_the_new_ones() {
    // Asked for 1; 2 was accepted before they answered. "Seen" is of 1.
    let mut rig = Rig::started(Terms { in_dns: true, forgets_siblings: false, ..push() }, 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(2 * SECOND);
    let Effect::Resolve(asked, _) = rig.take() else { panic!("it is looked up") };
    rig.changes_to(2);
    rig.applies(&[2], Ok(Applied::Done));
    rig.feed(Event::Resolved(asked, Proof::Seen));
    assert_eq!(rig.state.records[&id()].entry.in_dns, None);
}
