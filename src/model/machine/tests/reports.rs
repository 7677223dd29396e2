//! What people are told of how a record set stands: what it waits for, until when, and no error that is over.

use super::*;
use crate::model::machine::standing::{Pause, View};
use crate::report::control::{Released, Waits};
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
fn what_was_let_go_and_waits_for_the_budget_is_no_refusal_any_more() {
    let mut rig = Rig::started(push(), 1);
    for _ in 0..2 {
        rig.applies(&[1], Err(failed(Kind::Auth { scope: Scope::Account })));
        assert_eq!(held(&rig), Some(Reason::Refused));
        rig.feed(Event::Release(Target::All));
    }
    rig.idle();
    assert_eq!(rig.pause(), Some(Pause::Writes));
    let status = record_status(&rig.view(), rig.now);
    assert_eq!(status.state, "waiting");
    assert!(status.says.ends_with("(before that: updating: so it said)"), "{}", status.says);
}

#[test]
fn a_new_secret_is_advised_only_where_a_secret_was_refused() {
    for (scope, helps) in [(Scope::Account, true), (Scope::Service, false), (Scope::RecordSet, false)] {
        let mut rig = Rig::started(push(), 1);
        rig.applies(&[1], Err(failed(Kind::Auth { scope }).hint("report it")));
        let status = Status::of(&rig.state, rig.now);
        let held = status.records[0].held.as_ref().unwrap();
        assert_eq!(held.way_out().contains("mend the secret"), helps, "{scope:?}: {held:?}");
        let lines = status.lines().join("\n");
        assert_eq!(lines.contains("mend the secret"), helps, "{lines}");
        assert!(lines.contains("to let go: driftless release "), "{lines}");
    }
}

#[test]
fn a_refusal_of_several_record_sets_names_the_first_in_the_log_and_in_the_status() {
    for scope in [Scope::Account, Scope::Service] {
        let mut rig = Rig::new(several(alone(), &["home", "nas"]), &Documents::new());
        rig.says(1);
        rig.feed(Event::Start);
        let Effect::Apply(name, number, batch) = rig.take() else { panic!("a change was due") };
        let refused = |change: &Change| Err(Error::auth(scope, format!("updating {}", change.key.name), "badauth"));
        let outcomes: Vec<_> = batch.changes.iter().map(refused).collect();
        assert_eq!(outcomes.len(), 2);
        rig.feed(Event::Applied(name, number, rig.print.clone(), outcomes));
        let status = Status::of(&rig.state, rig.now);
        let account = status.accounts[0].held.as_ref().unwrap();
        assert_eq!(account.error, "updating home.example.org: badauth");
        for record in &status.records {
            assert_eq!(record.held.as_ref().map(|held| &held.error), Some(&account.error));
        }
        let said = rig.notices.iter().map(|notice| notice.what.as_str());
        let said: Vec<&str> = said.filter(|what| what.starts_with("the account is held")).collect();
        assert_eq!(said, ["the account is held: updating home.example.org: badauth"]);
    }
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
    rig.applies(&[2], Ok(Applied::Done));
    rig.changes_to(3);
    rig.idle();
    assert_eq!(rig.pause(), Some(Pause::Writes));
}

#[test]
fn a_wait_for_the_write_budget_is_told_once_when_it_begins() {
    let mut rig = Rig::started(push(), 1);
    let told = |rig: &Rig| {
        let waits = rig.notices.iter().filter(|notice| notice.what.starts_with("waits for its write budget, "));
        waits.cloned().collect::<Vec<_>>()
    };
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.applies(&[2], Ok(Applied::Done));
    assert_eq!(told(&rig), []);
    for last in [3, 4, 5] {
        rig.changes_to(last);
        rig.pass(MINUTE);
    }
    let Ok([notice]) = <[Notice; 1]>::try_from(told(&rig)) else { panic!("{:?}", told(&rig)) };
    assert_eq!((notice.level, notice.id), (Level::Info, Some(id())));
    assert!(notice.what.starts_with("waits for its write budget, 600 s until 20"), "{}", notice.what);
    rig.pass(10 * MINUTE);
    rig.applies(&[5], Ok(Applied::Done));
    rig.changes_to(6);
    assert_eq!(told(&rig).len(), 2, "the next wait is another one");
}

#[test]
fn an_update_whose_process_ended_over_it_is_told_with_the_next_try() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    let Effect::Apply(..) = rig.take() else { panic!("a change was due") };
    assert_eq!(record_status(&rig.view(), rig.now).begun, None, "it is under way");
    let begun = rig.now.wall;
    rig.pass(MINUTE);
    let state = State::new(desired(push()), &rig.disk, "boot", true, Mode::Run, rig.now);
    let left = Status::of(&state, rig.now).left_behind().records.remove(0);
    let known =
        format!("an update to 198.51.100.2 was begun at {begun} and its outcome is not known; it is tried again");
    assert_eq!(left.says, format!("{known} when a daemon runs"));
    assert_eq!(left.begun.map(|begun| begun.values), Some(vec!["198.51.100.2".to_owned()]));
    rig.state = state;
    rig.feed(Event::Start);
    let says = record_status(&rig.view(), rig.now).says;
    assert!(says.ends_with(&format!("{known} in 540 s")), "{says}");
    rig.pass(10 * MINUTE);
    rig.applies(&[2], Ok(Applied::Done));
    let status = record_status(&rig.view(), rig.now);
    assert_eq!((status.begun, status.says.as_str()), (None, "holds 198.51.100.2, as it should"));
}

#[test]
fn a_release_says_what_the_write_budget_keeps_back() {
    let mut rig = Rig::started(push(), 1);
    let released = |rig: &mut Rig| {
        let before = rig.state.holds(&Target::All);
        rig.feed(Event::Release(Target::All));
        Released::since(before, &rig.state, &Target::All, rig.now)
    };
    let refused = || Err(failed(Kind::Auth { scope: Scope::Account }));
    rig.applies(&[1], refused());
    assert_eq!(released(&mut rig).waits, []);
    rig.applies(&[1], refused());
    let Released { let_go, waits, .. } = released(&mut rig);
    let until = rig.now.wall_of(rig.now.moment.plus(10 * MINUTE)).to_string();
    assert_eq!((let_go, waits), (1, vec![Waits { record: id().to_string(), until, asked: false }]));
    assert_eq!(released(&mut rig).waits, [], "nothing was let go");
}

#[test]
fn a_release_says_how_long_the_service_asked_to_be_left_alone() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Err(failed(Kind::RateLimited { after: Some(60 * MINUTE) })));
    rig.feed(Event::Release(Target::All));
    let Released { let_go, waits, .. } = Released::since(0, &rig.state, &Target::All, rig.now);
    assert_eq!((let_go, waits.len()), (0, 1));
    let until = record_status(&rig.view(), rig.now).waits.map(|waits| waits.until);
    assert!(waits.iter().all(|waits| waits.asked && Some(&waits.until) == until.as_ref()), "{waits:?}");
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
        let until = rig.now.wall_of(rig.view().pause.unwrap().1);
        let asked = format!("; the service asked to be left alone until {until}");
        assert_eq!(record_status(&rig.view(), rig.now).says.ends_with(&asked), pause == Pause::Asked);
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

/// What a log of the usual level shows.
fn shown(rig: &mut Rig) -> Vec<String> {
    let told = std::mem::take(&mut rig.notices);
    told.into_iter().filter(|notice| notice.level > Level::Debug).map(|notice| notice.what).collect()
}

#[test]
fn a_change_of_the_ttl_alone_says_so_with_the_old_one_and_the_new_one() {
    let mut desired = desired(readable());
    desired.records.get_mut(&id()).unwrap().ttl = TtlPolicy::Set(Ttl::new(60).unwrap());
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    let (values, snapshot) = (values(&[1]), Snapshot::none());
    rig.reads(Ok(Seen::Holds { values, ttl: Ttl::new(3600), health: Health::Live, mixed: false, snapshot }));
    rig.applies(&[1], Ok(Applied::Done));
    assert_eq!(shown(&mut rig), ["now has the TTL 60 (was 3600); holds 198.51.100.1 as before"]);
}

/// Record sets of one account that share a call.
fn together(labels: &[&str]) -> Rig {
    let mut rig = Rig::new(several(readable(), labels), &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig
}

#[test]
fn an_error_of_another_record_set_is_shown_as_the_accounts() {
    let mut rig = together(&["a", "b"]);
    rig.reads(Ok(seen(&[1])));
    rig.pass(MINUTE);
    rig.feed(Event::Update(Target::Name("a.example.org".parse().unwrap())));
    rig.reads(Err(Error::transient("reading a.example.org A", "no answer")));
    rig.says(2);
    rig.feed(Event::Look(Network::Same));
    let says = |rig: &Rig| rig.state.views(rig.now).map(|view| record_status(&view, rig.now).says).collect::<Vec<_>>();
    let failing = "should hold 198.51.100.2; failing: ";
    let expected = [
        format!("{failing}reading a.example.org A: no answer"),
        format!("{failing}its account rests, which failed at reading a.example.org A: no answer"),
    ];
    assert_eq!(says(&rig), expected);
}

#[test]
fn what_holds_several_record_sets_in_the_same_words_is_said_once() {
    let mut rig = together(&["a", "b", "c"]);
    rig.reads(Err(Error::config("reading /etc/zone", "there is no such file")));
    let said = shown(&mut rig);
    let named = "a.example.org A, b.example.org A, c.example.org A";
    assert_eq!(said, [format!("held (wrong): reading /etc/zone: there is no such file (said of {named})")]);
    for view in rig.state.views(rig.now) {
        assert_eq!(view.entry.history.len(), 1, "{:?}", view.entry.history);
    }
    let lines = Status::of(&rig.state, rig.now).lines();
    let times = lines.iter().filter(|line| line.contains("there is no such file")).count();
    assert_eq!(times, 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with("to let go: driftless release account")), "{lines:#?}");
}

#[test]
fn what_fails_again_and_again_is_said_when_it_begins_and_when_it_is_over() {
    let mut rig = together(&["a", "b", "c"]);
    let down = || Err(Error::transient("reading /etc/zone", "it is no plain file"));
    rig.reads(down());
    let said = shown(&mut rig);
    let times = said.iter().filter(|what| what.contains("it is no plain file")).count();
    assert_eq!((times, said.len()), (1, 2), "{said:?}");
    let lines = Status::of(&rig.state, rig.now).lines();
    let times = lines.iter().filter(|line| line.contains("it is no plain file")).count();
    assert_eq!(times, 1, "{lines:#?}");
    for _ in 0..5 {
        rig.pass(2 * 60 * MINUTE);
        rig.reads(down());
        assert_eq!(shown(&mut rig), Vec::<String>::new());
    }
    rig.pass(2 * 60 * MINUTE);
    rig.reads(Ok(seen(&[1])));
    assert_eq!(shown(&mut rig).first().unwrap(), "the account works again");
}

#[test]
fn what_an_earlier_process_left_held_is_said_at_the_start() {
    let mut rig = together(&["a"]);
    rig.reads(Err(Error::config("reading /etc/zone", "there is no such file")));
    shown(&mut rig);
    let documents = rig.disk.clone();
    let desired = rig.state.desired.clone();
    let mut next = State::new(desired, &documents, "boot", true, Mode::Run, rig.now);
    let effects = step(&mut next, Event::Start, rig.now, &mut fastrand::Rng::with_seed(1));
    let says = |effect: &Effect| match effect {
        Effect::Tell(notice) => notice.level == Level::Warn && notice.what.starts_with("still held (wrong): "),
        _ => false,
    };
    assert_eq!(effects.iter().filter(|effect| says(effect)).count(), 1, "{effects:#?}");
}

#[test]
fn what_stands_beside_ours_is_told_and_goes_when_it_is_gone() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1, 8])));
    let told = |rig: &Rig| record_status(&rig.view(), rig.now);
    let status = told(&rig);
    let says = "holds 198.51.100.1, as it should, beside 198.51.100.8, not known to be ours";
    assert_eq!((status.says.as_str(), status.others.as_slice()), (says, &["198.51.100.8".to_owned()][..]));
    // What was ours until the change is not called another's.
    rig.changes_to(2);
    rig.reads(Ok(seen(&[1, 8])));
    assert_eq!(told(&rig).others, ["198.51.100.8"]);
    rig.applies(&[2, 8], Ok(Applied::Done));
    rig.pass(5 * SECOND);
    rig.reads(Ok(seen(&[2])));
    assert_eq!(told(&rig).says, "holds 198.51.100.2, as it should");
}
