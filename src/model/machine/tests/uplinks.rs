//! Several uplinks under one name, and several machines under one name.

use super::*;
use crate::model::desired::{FirstContact, Uplink};
use crate::report::status::record_status;

/// What each uplink says, by the number at the end of its name.
type Says = [Option<Reading>; 2];

fn wan(at: usize) -> SourceName {
    SourceName(format!("wan{at}"))
}

fn two_uplinks() -> Desired {
    let uplink = |at| Uplink { family: Family::Ipv4, source: Expression::Source(wan(at)) };
    let spec = RecordSpec { uplinks: vec![uplink(0), uplink(1)], ..spec() };
    let sources = [0, 1].map(|at| (wan(at), SourceSpec::local(Protocol::Interface, "us")));
    Desired { records: [(id(), spec)].into(), sources: sources.into(), ..desired(readable()) }
}

fn has(last: u8) -> Option<Reading> {
    Some(Reading::Addresses(vec![address(last)]))
}

const DOWN: Option<Reading> = None;

impl Rig {
    /// Something happens, and the uplinks say this when they are asked.
    fn with(&mut self, event: Event, says: &Says) {
        let mut effects = VecDeque::from(self.follow(event));
        while let Some(effect) = effects.pop_front() {
            let Effect::Detect(questions) = effect else {
                self.open.push(effect);
                continue;
            };
            let answer = |(source, family): (SourceName, Family)| {
                let said = says[usize::from(source == wan(1))].clone();
                (source, family, said.unwrap_or_else(|| Reading::Unknown("the link is down".into())))
            };
            let readings = questions.into_iter().map(answer).collect();
            effects.extend(self.follow(Event::Readings(readings)));
        }
    }

    fn wakes(&mut self, time: Duration, says: &Says) {
        let end = self.now.moment.plus(time);
        while let Some(at) = self.state.wake_at(self.now).filter(|at| *at <= end) {
            self.move_to(at.max(self.now.moment));
            self.with(Event::Time, says);
            if !self.open.is_empty() {
                return;
            }
        }
        self.move_to(end);
    }

    fn given(&self) -> Vec<(String, Vec<IpAddr>)> {
        let view = self.state.views(self.now).next().unwrap();
        view.uplinks.iter().map(|given| (given.name.clone(), given.addresses.clone())).collect()
    }
}

#[test]
fn the_next_process_does_not_take_for_an_uplinks_what_that_had_for_a_moment() {
    let mut rig = Rig::new(two_uplinks(), &Documents::new());
    let says = [has(1), has(2)];
    rig.with(Event::Start, &says);
    rig.reads(absent());
    // The second one has another address just while the call is under way, and the save after it knows of that.
    rig.with(Event::Look(Network::Changed), &[has(1), has(3)]);
    rig.applies(&[1, 2], Ok(Applied::Done));
    rig.with(Event::Look(Network::Changed), &says);
    rig.state = State::new(two_uplinks(), &rig.disk, "boot", true, Mode::Run, rig.now);
    rig.open.clear();
    rig.with(Event::Start, &[DOWN, DOWN]);
    assert_eq!(rig.given(), [("wan0".to_owned(), vec![address(1)]), ("wan1".to_owned(), vec![address(2)])]);
}

#[test]
fn a_name_holds_the_address_of_every_uplink_and_keeps_that_of_one_that_is_silent() {
    let mut rig = Rig::new(two_uplinks(), &Documents::new());
    let says = [has(1), has(2)];
    rig.with(Event::Start, &says);
    rig.reads(absent());
    rig.applies(&[1, 2], Ok(Applied::Done));
    rig.wakes(10 * SECOND, &says);
    rig.reads(Ok(seen(&[1, 2])));
    // One is down: its address stays, and the other one's is followed.
    rig.with(Event::Look(Network::Changed), &[has(1), DOWN]);
    rig.wakes(MINUTE, &[has(1), DOWN]);
    rig.idle();
    let says = |rig: &Rig| record_status(&rig.state.views(rig.now).next().unwrap(), rig.now).says;
    let both = "holds 198.51.100.1, 198.51.100.2";
    assert_eq!(says(&rig), format!("{both}, as it should"));
    rig.with(Event::Look(Network::Changed), &[DOWN, DOWN]);
    rig.idle();
    assert_eq!(says(&rig), format!("{both}, and is left as it is: what its uplinks have is unknown"));
    rig.with(Event::Look(Network::Changed), &[has(3), DOWN]);
    rig.reads(Ok(seen(&[1, 2])));
    rig.applies(&[2, 3], Ok(Applied::Done));
    assert_eq!(rig.given(), [("wan0".to_owned(), vec![address(3)]), ("wan1".to_owned(), vec![address(2)])]);
    // The next process knows of it.
    rig.state = State::new(two_uplinks(), &rig.disk, "boot", true, Mode::Run, rig.now);
    rig.with(Event::Start, &[has(4), DOWN]);
    rig.wakes(MINUTE, &[has(4), DOWN]);
    rig.reads(Ok(seen(&[2, 3])));
    rig.applies(&[2, 4], Ok(Applied::Done));
    // It is up again, and has certainly no address: that is another thing.
    rig.wakes(MINUTE, &[has(4), DOWN]);
    rig.reads(Ok(seen(&[2, 4])));
    rig.with(Event::Look(Network::Changed), &[has(4), Some(Reading::None)]);
    rig.reads(Ok(seen(&[2, 4])));
    rig.applies(&[4], Ok(Applied::Done));
}

#[test]
fn nothing_is_concluded_before_each_uplink_has_spoken() {
    let mut rig = Rig::new(two_uplinks(), &Documents::new());
    let effects = rig.follow(Event::Start);
    let [Effect::Detect(questions)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(questions.len(), 2);
    let first = vec![(wan(0), Family::Ipv4, Reading::Addresses(vec![address(1)]))];
    assert!(rig.follow(Event::Readings(first)).is_empty());
    rig.move_to(rig.now.moment.plus(30 * SECOND));
    assert!(rig.follow(Event::Time).is_empty(), "an address that is missing would be removed");
}

#[test]
fn uplinks_that_are_all_silent_leave_the_record_and_those_that_are_all_empty_are_an_absence() {
    let mut desired = two_uplinks();
    desired.records.get_mut(&id()).unwrap().absent_after = Some(HOUR);
    let mut rig = Rig::new(desired, &Documents::new());
    rig.with(Event::Start, &[has(1), has(2)]);
    rig.reads(Ok(seen(&[1, 2])));
    rig.with(Event::Look(Network::RouteVanished), &[DOWN, DOWN]);
    rig.wakes(5 * HOUR, &[DOWN, DOWN]);
    rig.idle();
    assert_eq!(rig.standing(), Standing::UpToDate);
    let empty = [Some(Reading::None), Some(Reading::None)];
    rig.with(Event::Look(Network::Changed), &empty);
    rig.wakes(50 * MINUTE, &empty);
    rig.idle();
    rig.wakes(20 * MINUTE, &empty);
    rig.reads(Ok(seen(&[1, 2])));
    rig.applies(&[], Ok(Applied::Done));
}

/// A machine that shares its name with others, has started, and has its first address.
fn sharing() -> Rig {
    let mut desired = desired(readable());
    desired.records.values_mut().for_each(|spec| spec.first_contact = FirstContact::Joins);
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig
}

#[test]
fn machines_that_share_a_name_take_nothing_of_each_other() {
    let mut rig = sharing();
    rig.reads(Ok(seen(&[8])));
    rig.applies(&[1, 8], Ok(Applied::Done));
    rig.pass(SECOND);
    rig.reads(Ok(seen(&[1, 8])));
    rig.changes_to(2);
    rig.reads(Ok(seen(&[1, 8, 9])));
    rig.applies(&[2, 8, 9], Ok(Applied::Done));
    rig.pass(SECOND);
    // Somebody took ours away: it comes back, and the others' stay.
    rig.reads(Ok(seen(&[2, 8, 9])));
    rig.pass(2 * MINUTE);
    rig.feed(Event::Update(Target::All));
    rig.reads(Ok(seen(&[8])));
    rig.applies(&[2, 8], Ok(Applied::Done));
}

#[test]
fn a_name_that_others_share_is_looked_at_within_the_hour() {
    // One of them had the same address, moved on, and took it along.
    let mut rig = sharing();
    rig.reads(Ok(seen(&[1])));
    rig.pass(80 * MINUTE);
    rig.reads(Ok(seen(&[8])));
    rig.applies(&[1, 8], Ok(Applied::Done));
}

#[test]
fn a_name_that_others_share_is_not_held_at_first_contact() {
    let mut rig = sharing();
    rig.reads(Ok(seen(&[7, 8, 9])));
    rig.applies(&[1, 7, 8, 9], Ok(Applied::Done));
}
