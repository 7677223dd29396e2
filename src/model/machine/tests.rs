//! The rules, each played through by hand: events in, effects answered, time moved from wake-up to wake-up.

use std::collections::BTreeMap;
use std::time::Duration;

use super::standing::Standing;
use super::*;
use crate::model::agree::{Expression, Reading, SourceName};
use crate::model::desired::{AccountSpec, RecordSpec, SourceSpec, TtlPolicy};
use crate::model::error::{Kind, Result, Scope};
use crate::model::ledger::{Fingerprint, Reason};
use crate::model::name::Name;
use crate::model::plan::{Applied, Health, Seen, Settled, Snapshot, Ticket};
use crate::model::record::{Family, RecordType, RrsetKey, Value};
use crate::model::terms::{Budget, Terms};
use crate::model::time::Wall;

mod doubt;
mod orderings;
mod reports;
mod siblings;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn readable() -> Terms {
    Terms {
        readable: true,
        width: 1,
        budget: Budget::RECORDS,
        settles_within: MINUTE,
        read_back_after: SECOND,
        forgets_siblings: false,
        refresh: None,
        in_dns: false,
    }
}

fn push() -> Terms {
    Terms { readable: false, budget: Budget::PUSH, forgets_siblings: true, ..readable() }
}

fn account() -> AccountName {
    AccountName("account".into())
}

fn key(rtype: RecordType) -> RrsetKey {
    RrsetKey::new("home.example.org".parse().unwrap(), rtype)
}

fn id() -> Id {
    Id { account: account(), key: key(RecordType::A) }
}

fn source() -> SourceName {
    SourceName("source".into())
}

fn values(last: &[u8]) -> Values {
    last.iter().map(|last| Value::V4([198, 51, 100, *last].into())).collect()
}

fn seen(last: &[u8]) -> Seen {
    Seen::Holds { values: values(last), ttl: None, health: Health::Live, mixed: false, snapshot: Snapshot::none() }
}

fn spec() -> RecordSpec {
    let source = Expression::Source(source());
    RecordSpec { source, ttl: TtlPolicy::Keep, whole: false, private: true, absent_after: None }
}

fn desired(terms: Terms) -> Desired {
    let declared = AccountSpec { service: "service".into(), identity: "one".into(), terms };
    Desired {
        accounts: BTreeMap::from([(account(), declared)]),
        sources: BTreeMap::from([(source(), SourceSpec { min_interval: Duration::ZERO })]),
        records: BTreeMap::from([(id(), spec())]),
        check: 5 * MINUTE,
        verify: 6 * 60 * MINUTE,
    }
}

/// A machine with its surroundings: detectors, disk and settings answer by themselves, services by the test.
struct Rig {
    state: State,
    now: Now,
    rng: fastrand::Rng,
    readings: BTreeMap<Family, Reading>,
    disk: Documents,
    writable: bool,
    print: Fingerprint,
    saves: usize,
    /// How many changes share a batch.
    chunk: usize,
    /// Effects that the test answers.
    open: Vec<Effect>,
    /// What people were told.
    told: Vec<Notice>,
}

impl Rig {
    fn new(desired: Desired, documents: &Documents) -> Self {
        let now = Now { moment: Moment(1_000_000_000), wall: Wall(1_800_000_000) };
        Self {
            state: State::new(desired, documents, "boot", true, Mode::Run, now),
            now,
            rng: fastrand::Rng::with_seed(1),
            readings: BTreeMap::new(),
            disk: documents.clone(),
            writable: true,
            print: "print".into(),
            saves: 0,
            chunk: 20,
            open: Vec::new(),
            told: Vec::new(),
        }
    }

    fn started(terms: Terms, last: u8) -> Self {
        let mut rig = Self::new(desired(terms), &Documents::new());
        rig.says(last);
        rig.feed(Event::Start);
        rig
    }

    /// The source says this from now on; the machine is not told.
    fn says(&mut self, last: u8) {
        self.readings.insert(Family::Ipv4, Reading::Addresses(vec![[198, 51, 100, last].into()]));
    }

    /// The address changes, and the kernel says so.
    fn changes_to(&mut self, last: u8) {
        self.says(last);
        self.feed(Event::Look(Network::Changed));
    }

    fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in step(&mut self.state, event, self.now, &mut self.rng) {
                match effect {
                    Effect::Detect(questions) => {
                        let unknown = Reading::Unknown("silent".into());
                        let answer =
                            |(source, family)| (source, family, self.readings.get(&family).unwrap_or(&unknown).clone());
                        events.push(Event::Readings(questions.into_iter().map(answer).collect()));
                    }
                    Effect::Save(documents) => {
                        self.saves += 1;
                        if self.writable {
                            self.disk.extend(documents);
                        }
                        events.push(Event::Saved(self.writable));
                    }
                    Effect::LookAt(account) => events.push(Event::Looked(account, self.print.clone())),
                    Effect::Cut(account, plan) => events.push(Event::Cut(account, plan.chunks(self.chunk))),
                    Effect::Tell(notice) => self.told.push(notice),
                    Effect::DropConnections => {}
                    other => self.open.push(other),
                }
            }
        }
    }

    /// Lets time pass, from wake-up to wake-up.
    fn pass(&mut self, time: Duration) {
        let end = self.now.moment.plus(time);
        for _ in 0..10_000 {
            let Some(wake) = self.state.wake_at(self.now).filter(|wake| *wake <= end) else { break };
            self.move_to(wake.max(self.now.moment));
            self.feed(Event::Time);
        }
        self.move_to(end);
        self.feed(Event::Time);
    }

    fn move_to(&mut self, moment: Moment) {
        let passed = moment.since(self.now.moment).as_secs();
        self.now = Now { moment, wall: Wall(self.now.wall.0 + i64::try_from(passed).unwrap()) };
    }

    fn take(&mut self) -> Effect {
        assert_eq!(self.open.len(), 1, "one call is open: {:?}", self.open);
        self.open.remove(0)
    }

    /// The one open call is a read; it is answered.
    fn reads(&mut self, answer: Result<Seen>) {
        let Effect::Read(account, keys) = self.take() else { panic!("a read was due") };
        let answers = keys.into_iter().map(|key| (key, answer.clone())).collect();
        self.feed(Event::Read(account, self.print.clone(), answers));
    }

    /// The one open call is a change to these values; it is answered.
    fn applies(&mut self, last: &[u8], answer: Result<Applied>) {
        let Effect::Apply(account, number, batch) = self.take() else { panic!("a change was due") };
        assert_eq!(batch.changes[0].after, values(last));
        let outcomes = vec![answer; batch.changes.len()];
        self.feed(Event::Applied(account, number, self.print.clone(), outcomes));
    }

    fn standing(&self) -> Standing {
        self.state.standing(&id())
    }

    fn idle(&self) {
        assert!(self.open.is_empty(), "nothing was to be done: {:?}", self.open);
    }
}

fn failed(kind: Kind) -> Error {
    Error::new(kind, "updating", "so it said")
}

fn held(rig: &Rig) -> Option<Reason> {
    match rig.standing() {
        Standing::Held { hold, .. } => Some(hold.reason),
        _ => None,
    }
}

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
fn a_push_is_on_disk_before_the_call_and_after_a_crash_it_counts_as_failed() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(30 * MINUTE);
    rig.changes_to(2);
    assert!(matches!(rig.take(), Effect::Apply(..)), "and here it crashed");
    let mut again = Rig::new(desired(push()), &rig.disk);
    again.now = rig.now;
    again.says(1);
    again.feed(Event::Start);
    again.pass(30 * MINUTE);
    again.applies(&[1], Ok(Applied::Unchanged));
    assert_eq!(again.standing(), Standing::UpToDate);
}

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
fn the_forgotten_family_is_waited_for_and_sent_along() {
    let mut desired = desired(push());
    let other = Id { account: account(), key: key(RecordType::Aaaa) };
    desired.records.insert(other, spec());
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig.pass(10 * MINUTE);
    rig.idle();
    rig.readings.insert(Family::Ipv6, Reading::Addresses(vec!["2001:db8::1".parse().unwrap()]));
    rig.feed(Event::Look(Network::Changed));
    rig.pass(5 * SECOND);
    let Effect::Apply(_, _, batch) = rig.take() else { panic!("both are sent") };
    assert_eq!(batch.changes.len(), 2);
}

#[test]
fn someone_else_is_fought_twice_within_an_hour_and_then_left_alone() {
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1])));
    for round in 0..2 {
        rig.pass(MINUTE);
        rig.feed(Event::Update(Target::All));
        rig.reads(Ok(seen(&[7])));
        if round == 0 {
            rig.applies(&[1], Ok(Applied::Done));
            rig.pass(SECOND);
            rig.reads(Ok(seen(&[1])));
        }
    }
    assert_eq!(held(&rig), Some(Reason::Contended));
    rig.feed(Event::Release(Target::Name("home.example.org".parse().unwrap())));
    rig.pass(MINUTE);
    rig.reads(Ok(seen(&[1])));
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
fn without_a_disk_a_push_is_sent_once_and_not_in_the_first_ten_minutes() {
    let mut rig = Rig::new(desired(push()), &Documents::new());
    rig.state = State::new(desired(push()), &Documents::new(), "boot", false, Mode::Run, rig.now);
    rig.writable = false;
    rig.says(1);
    rig.feed(Event::Start);
    rig.pass(10 * MINUTE - SECOND);
    rig.idle();
    rig.pass(6 * MINUTE);
    rig.applies(&[1], Ok(Applied::Done));
    rig.changes_to(2);
    rig.pass(24 * 60 * MINUTE);
    rig.idle();
    rig.writable = true;
    rig.pass(10 * MINUTE);
    rig.applies(&[2], Ok(Applied::Done));
}

#[test]
fn another_login_is_met_for_the_first_time() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.pass(60 * MINUTE);
    let mut other = desired(push());
    other.accounts.get_mut(&account()).unwrap().identity = "two".into();
    rig.feed(Event::Reload(other));
    rig.pass(5 * SECOND);
    rig.applies(&[1], Ok(Applied::Done));
}

#[test]
fn a_reload_that_changes_nothing_sends_nothing() {
    let mut rig = Rig::started(push(), 1);
    rig.applies(&[1], Ok(Applied::Done));
    rig.feed(Event::Reload(desired(push())));
    rig.pass(60 * MINUTE);
    rig.idle();
    assert_eq!(rig.standing(), Standing::UpToDate);
}

#[test]
fn a_stop_begins_nothing_and_takes_the_last_outcome() {
    let mut rig = Rig::started(push(), 1);
    let Effect::Apply(account, number, _) = rig.take() else { panic!("it is sent") };
    rig.feed(Event::Stop);
    assert!(!rig.state.is_idle());
    rig.feed(Event::Applied(account, number, rig.print.clone(), vec![Ok(Applied::Done)]));
    assert!(rig.state.is_idle());
    let (_, records) = read_ledger(&rig.disk, "boot", rig.now);
    assert_eq!(records[&id()].confirmed.as_ref().unwrap().values, values(&[1]));
    assert_eq!(rig.state.wake_at(rig.now), None);
}

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
fn slow_answers_from_the_world_do_not_keep_the_machines_own_word_waiting() {
    let mut desired = desired(readable());
    let echo = SourceName("echo".into());
    let of = vec![Expression::Source(source()), Expression::Source(echo.clone())];
    desired.records.get_mut(&id()).unwrap().source = Expression::FirstOf(of);
    desired.sources.insert(echo, SourceSpec { min_interval: 10 * MINUTE });
    let mut state = State::new(desired, &Documents::new(), "boot", true, Mode::Run, Now::default());
    let mut rng = fastrand::Rng::with_seed(1);
    let mut asks = |event: Event, second: u64| {
        let now = Now { moment: Moment(second * 1000), wall: Wall(0) };
        let effects = step(&mut state, event, now, &mut rng);
        let asked = effects.into_iter().filter_map(|effect| match effect {
            Effect::Detect(questions) => Some(questions.into_iter().map(|(name, _)| name.0)),
            _ => None,
        });
        asked.flatten().collect::<Vec<_>>()
    };
    assert_eq!(asks(Event::Start, 1), ["source"]);
    assert_eq!(asks(Event::Readings(vec![(source(), Family::Ipv4, Reading::None)]), 2), ["echo"]);
    assert_eq!(asks(Event::Look(Network::Changed), 3), ["source"], "although the echo has not answered");
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
