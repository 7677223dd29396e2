//! What was once wrong, each as small as it can be told: an account, a record set or two, and one source.

use super::*;
use crate::model::agree::Expression;
use crate::model::agree::SourceName;
use crate::model::desired::{AccountSpec, RecordSpec, SourceSpec, TtlPolicy};
use crate::model::error::Result;
use crate::model::plan::{Applied, Seen};
use crate::model::plan::{Health, Sibling};
use crate::model::plan::{Snapshot, Ticket};
use crate::model::record::{Family, RrsetKey};
use crate::model::record::{RecordType, Value};
use crate::model::terms::{Budget, Terms};
use crate::model::time::Wall;
use standing::Standing;
use std::net::IpAddr;

/// A machine and the little that is around it.
struct Bench {
    state: State,
    now: Now,
    rng: fastrand::Rng,
    documents: Documents,
    /// Whether the ledger can be written.
    writable: bool,
    boot: &'static str,
    /// What the other source says.
    others: Reading,
    /// How many changes go into one call.
    in_a_call: usize,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

fn terms(readable: bool) -> Terms {
    Terms {
        readable,
        width: 1,
        budget: if readable { Budget::RECORDS } else { Budget::PUSH },
        settles_within: Duration::from_secs(60),
        read_back_after: Duration::from_secs(2),
        forgets_siblings: false,
        refresh: None,
        in_dns: false,
    }
}

fn account() -> AccountName {
    AccountName("home".into())
}

fn source() -> SourceName {
    SourceName("interface".into())
}

fn key(name: &str, rtype: RecordType) -> RrsetKey {
    RrsetKey::new(format!("{name}.example.org").parse().unwrap(), rtype)
}

fn id(name: &str) -> Id {
    Id { account: account(), key: key(name, RecordType::A) }
}

fn value(last: u8) -> Value {
    Value::V4([93, 184, 216, last].into())
}

fn values(last: &[u8]) -> Values {
    last.iter().copied().map(value).collect()
}

fn desired(terms: Terms, names: &[&str]) -> Desired {
    let spec = RecordSpec {
        source: Expression::Source(source()),
        ttl: TtlPolicy::Keep,
        whole: false,
        private: false,
        absent_after: None,
    };
    Desired {
        accounts: [(account(), AccountSpec { service: "s".into(), identity: "i".into(), terms })].into(),
        sources: [(source(), SourceSpec { min_interval: Duration::ZERO })].into(),
        records: names.iter().map(|name| (id(name), spec.clone())).collect(),
        check: Duration::from_secs(5 * MINUTE),
        verify: Duration::from_secs(6 * HOUR),
    }
}

fn holds(last: &[u8]) -> Result<Seen> {
    let (snapshot, ttl) = (Snapshot::none(), Ttl::new(60));
    Ok(match values(last) {
        none if none.is_empty() => Seen::Absent(snapshot),
        values => Seen::Holds { values, ttl, health: Health::Live, mixed: false, snapshot },
    })
}

impl Bench {
    fn new(desired: Desired) -> Self {
        let now = Now { moment: Moment(1_000_000), wall: Wall(1_780_000_000) };
        let state = State::new(desired, &Documents::new(), "boot", true, Mode::Run, now);
        let rng = fastrand::Rng::with_seed(7);
        Self {
            state,
            now,
            rng,
            documents: Documents::new(),
            writable: true,
            boot: "boot",
            others: Reading::None,
            in_a_call: 1,
        }
    }

    /// The process dies and another one takes its place.
    fn restart(&mut self) -> Vec<Effect> {
        let desired = self.state.desired().clone();
        self.state = State::new(desired, &self.documents, self.boot, self.writable, Mode::Run, self.now);
        self.feed(Event::Start)
    }

    /// What follows of an event, saves, cuts and looks at settings being carried out at once.
    fn feed(&mut self, event: Event) -> Vec<Effect> {
        let (mut events, mut rest) = (std::collections::VecDeque::from([event]), Vec::new());
        while let Some(event) = events.pop_front() {
            for effect in step(&mut self.state, event, self.now, &mut self.rng) {
                match effect {
                    Effect::Tell(_) | Effect::DropConnections => {}
                    Effect::Save(documents) => {
                        if self.writable {
                            self.documents.extend(documents);
                        }
                        events.push_back(Event::Saved(self.writable));
                    }
                    Effect::Cut(account, plan) => events.push_back(Event::Cut(account, plan.chunks(self.in_a_call))),
                    Effect::LookAt(account) => events.push_back(Event::Looked(account, "print".into())),
                    other => rest.push(other),
                }
            }
            assert!(rest.len() < 100, "it spins: {rest:?}");
        }
        rest
    }

    /// Time goes on, and whatever the machine wants to be woken for is done, readings being given at once.
    fn pass(&mut self, seconds: u64, last: Option<u8>) -> Vec<Effect> {
        let end = self.now.moment.plus(Duration::from_secs(seconds));
        let mut rest = Vec::new();
        while let Some(at) = self.state.wake_at(self.now).filter(|at| *at <= end) {
            self.now.moment = self.now.moment.max(at);
            let effects = self.feed(Event::Time);
            rest.extend(self.told(effects, last));
        }
        self.now.moment = end;
        rest
    }

    /// Answers questions to the source, and gives what else was asked for.
    fn told(&mut self, effects: Vec<Effect>, last: Option<u8>) -> Vec<Effect> {
        let mut rest = Vec::new();
        for effect in effects {
            match effect {
                Effect::Detect(questions) => {
                    let said = |name: &SourceName| match last {
                        _ if *name == other_source() => self.others.clone(),
                        Some(last) => Reading::Addresses(vec![value(last).address().unwrap()]),
                        None => Reading::None,
                    };
                    let answer = |(source, family)| (SourceName::clone(&source), family, said(&source));
                    let readings = questions.into_iter().map(answer).collect();
                    let effects = self.feed(Event::Readings(readings));
                    rest.extend(self.told(effects, last));
                }
                other => rest.push(other),
            }
        }
        rest
    }

    /// The process starts and learns of its address.
    fn start(&mut self, last: u8) -> Vec<Effect> {
        let effects = self.feed(Event::Start);
        let mut rest = self.told(effects, Some(last));
        rest.extend(self.pass(10, Some(last)));
        rest
    }

    /// The address is another one.
    fn change(&mut self, last: u8) -> Vec<Effect> {
        let effects = self.feed(Event::Look(Network::Changed));
        let mut rest = self.told(effects, Some(last));
        rest.extend(self.pass(10, Some(last)));
        rest
    }

    fn read(&mut self, name: &str, answer: Result<Seen>) -> Vec<Effect> {
        self.feed(Event::Read(account(), "print".into(), vec![(id(name).key, answer)]))
    }

    fn applied(&mut self, effects: &[Effect], outcome: Result<Applied>) -> Vec<Effect> {
        let (number, count) = flying(effects);
        self.feed(Event::Applied(account(), number, "print".into(), vec![outcome; count]))
    }

    /// Time goes on, and all calls are answered at once: reads with `seen`, writes with `outcome`. Counts the writes.
    fn answer(&mut self, seconds: u64, last: u8, seen: impl Fn() -> Result<Seen>, outcome: &Result<Applied>) -> usize {
        let end = self.now.moment.plus(Duration::from_secs(seconds));
        let (mut open, mut count) = (Vec::new(), 0);
        loop {
            match open.pop() {
                Some(Effect::Read(_, keys)) => {
                    let answers = keys.into_iter().map(|key| (key, seen())).collect();
                    open.extend(self.feed(Event::Read(account(), "print".into(), answers)));
                }
                Some(Effect::Apply(_, number, batch)) => {
                    count += 1;
                    let outcomes = vec![outcome.clone(); batch.changes.len()];
                    open.extend(self.feed(Event::Applied(account(), number, "print".into(), outcomes)));
                }
                Some(_) => {}
                None => match self.state.wake_at(self.now).filter(|at| *at <= end) {
                    Some(at) => {
                        self.now.moment = self.now.moment.max(at);
                        let effects = self.feed(Event::Time);
                        open.extend(self.told(effects, Some(last)));
                    }
                    None => return count,
                },
            }
        }
    }

    /// The keys that are asked for.
    fn asked(&self, effects: &[Effect]) -> Vec<RrsetKey> {
        let keys = |effect: &Effect| match effect {
            Effect::Read(_, keys) => keys.clone(),
            _ => Vec::new(),
        };
        effects.iter().flat_map(keys).collect()
    }

    fn standing(&self, name: &str) -> Standing {
        self.state.standing(&id(name))
    }
}

/// The number of the call that writes, and of how many changes it consists.
fn flying(effects: &[Effect]) -> (u64, usize) {
    let of = |effect: &Effect| match effect {
        Effect::Apply(_, number, batch) => Some((*number, batch.changes.len())),
        _ => None,
    };
    effects.iter().find_map(of).unwrap_or_else(|| panic!("nothing is written: {effects:?}"))
}

fn reads(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Read(..)))
}

fn writes(effects: &[Effect]) -> Vec<Values> {
    let after = |effect: &Effect| match effect {
        Effect::Apply(_, _, batch) => batch.changes.iter().map(|change| change.after.clone()).collect(),
        _ => Vec::new(),
    };
    effects.iter().flat_map(after).collect()
}

#[test]
fn what_becomes_due_between_a_step_and_the_question_when_to_wake_is_woken_for() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    assert!(reads(&bench.start(1)));
    bench.read("a", Err(Error::transient("reading", "down")));
    let wake = bench.state.wake_at(bench.now).unwrap();
    let late = Now { moment: wake.plus(Duration::from_millis(3)), ..bench.now };
    assert_eq!(bench.state.wake_at(late), Some(late.moment));
}

#[test]
fn a_probe_of_what_is_held_asks_and_does_not_write() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    let effects = bench.read("a", holds(&[7]));
    bench.applied(&effects, Err(Error::config("updating", "no")));
    assert!(matches!(bench.standing("a"), Standing::Held { .. }));
    let effects = bench.pass(25 * HOUR, Some(1));
    assert!(reads(&effects), "once a day it is asked whether it still stands");
    assert_eq!(writes(&bench.read("a", holds(&[7]))), []);
    bench.pass(25 * HOUR, Some(1));
    bench.read("a", holds(&[1]));
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn where_nothing_can_be_removed_nothing_is_under_way() {
    for readable in [true, false] {
        let mut desired = desired(terms(readable), &["a"]);
        desired.records.values_mut().for_each(|spec| spec.absent_after = Some(Duration::from_secs(HOUR)));
        let mut bench = Bench::new(desired);
        let effects = bench.feed(Event::Start);
        bench.told(effects, None);
        assert_eq!(bench.pass(2 * HOUR, None).len(), 0);
        assert_eq!(bench.standing("a"), Standing::Unmanaged);
    }
}

/// One name with both families at a push service that forgets the one that a request does not name.
fn both_families() -> Bench {
    let mut desired = desired(Terms { forgets_siblings: true, ..terms(false) }, &["a"]);
    let spec = RecordSpec { source: Expression::Source(other_source()), ..desired.records[&id("a")].clone() };
    desired.sources.insert(other_source(), SourceSpec { min_interval: Duration::ZERO });
    desired.records.insert(Id { account: account(), key: key("a", RecordType::Aaaa) }, spec);
    Bench::new(desired)
}

fn other_source() -> SourceName {
    SourceName("other".into())
}

fn ipv6(last: u16) -> IpAddr {
    IpAddr::from([0x2a00, 0x1450, 0, 0, 0, 0, 0, last])
}

#[test]
fn what_waits_for_the_other_family_says_so() {
    let mut bench = both_families();
    bench.others = Reading::Unknown("blind".into());
    assert_eq!(writes(&bench.start(1)), []);
    assert!(matches!(bench.standing("a"), Standing::Unknown { .. }));
}

#[test]
fn a_process_that_dies_over_its_calls_keeps_to_the_budget() {
    let mut bench = Bench::new(desired(terms(false), &["a"]));
    let mut calls = writes(&bench.start(1)).len();
    for _ in 0..20 {
        let effects = bench.restart();
        calls += writes(&bench.told(effects, Some(1))).len() + writes(&bench.pass(10, Some(1))).len();
    }
    assert_eq!(calls, 2, "the burst of a push service, in 200 s");
}

#[test]
fn a_service_that_reads_and_does_not_write_is_written_to_less_and_less() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", Err(Error::transient("reading", "down")));
    let down = Err(Error::transient("updating", "down"));
    let writes = bench.answer(48 * HOUR, 1, || holds(&[7]), &down);
    assert!((40..110).contains(&writes), "{writes} writes in two days");
}

#[test]
fn what_never_comes_into_force_is_written_less_and_less() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    let broken = || match holds(&[1]) {
        Ok(Seen::Holds { values, ttl, snapshot, .. }) => {
            Ok(Seen::Holds { values, ttl, health: Health::Broken, mixed: false, snapshot })
        }
        other => other,
    };
    let writes = bench.answer(48 * HOUR, 1, broken, &Ok(Applied::Done));
    assert!((30..110).contains(&writes), "{writes} writes in two days");
}

#[test]
fn a_service_that_shows_the_old_values_for_a_while_is_not_written_to_again() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    let effects = bench.read("a", holds(&[7]));
    bench.applied(&effects, Ok(Applied::Done));
    assert_eq!(bench.answer(50, 1, || holds(&[7]), &Ok(Applied::Done)), 0);
    assert_eq!(bench.standing("a"), Standing::Working);
    assert_eq!(bench.answer(HOUR, 1, || holds(&[1]), &Ok(Applied::Done)), 0);
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn the_old_values_are_not_believed_within_the_delay_although_they_are_wanted_again() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    assert!(reads(&bench.change(2)));
    let effects = bench.read("a", holds(&[1]));
    bench.applied(&effects, Ok(Applied::Done));
    assert!(reads(&bench.change(1)));
    bench.read("a", holds(&[1]));
    assert_ne!(bench.standing("a"), Standing::UpToDate, "it may well hold the second address by now");
    assert_eq!(bench.answer(MINUTE, 1, || holds(&[2]), &Ok(Applied::Done)), 1);
}

#[test]
fn the_longest_of_two_pauses_is_kept_and_no_other_call_ends_it() {
    let mut bench = Bench::new(desired(Terms { width: 3, ..terms(true) }, &["a", "b", "c"]));
    bench.start(1);
    let keys = ["a", "b", "c"].map(|name| (id(name).key, holds(&[7])));
    let effects = bench.feed(Event::Read(account(), "print".into(), keys.into()));
    assert_eq!(writes(&effects).len(), 3);
    let limited = |seconds| Err(Error::rate_limited(Some(Duration::from_secs(seconds)), "updating", "slow down"));
    for (number, outcome) in [(1, limited(60)), (2, limited(7200)), (3, Ok(Applied::Done))] {
        bench.feed(Event::Applied(account(), number, "print".into(), vec![outcome]));
    }
    let effects = bench.pass(7190, Some(1));
    assert!(!reads(&effects) && writes(&effects).is_empty(), "{effects:?}");
    assert!(reads(&bench.pass(100, Some(1))));
}

#[test]
fn a_sibling_that_is_not_sent_by_itself_stays_as_it_was() {
    let mut bench = both_families();
    bench.in_a_call = 2;
    bench.others = Reading::Addresses(vec![ipv6(1)]);
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    bench.pass(HOUR, Some(1));
    // The AAAA record set must wait, and the A record set need not.
    let other = Id { account: account(), key: key("a", RecordType::Aaaa) };
    let wait = crate::model::ledger::Wait { until: bench.now.moment.plus(PROBE), obeyed: true };
    bench.state.records.get_mut(&other).unwrap().entry.wait = Some(wait);
    bench.others = Reading::Addresses(vec![ipv6(2)]);
    let sibling = bench.change(2).into_iter().find_map(|effect| match effect {
        Effect::Apply(_, _, batch) => Some(batch.changes[0].sibling.clone()),
        _ => None,
    });
    assert_eq!(sibling, Some(Sibling::Keep([ipv6(1).into()].into())));
}

#[test]
fn a_call_that_waited_while_the_address_changed_is_not_made() {
    let mut bench = Bench::new(desired(terms(false), &["a", "b"]));
    let effects = bench.start(1);
    assert_eq!(writes(&effects), [values(&[1])], "one call at a time");
    bench.change(2);
    let effects = bench.applied(&effects, Ok(Applied::Done));
    assert_eq!(writes(&effects), [values(&[2])], "the call that waited would have sent the old address");
}

#[test]
fn a_reload_gives_up_what_is_planned_and_not_begun() {
    let mut bench = Bench::new(desired(terms(true), &["a", "b"]));
    bench.start(1);
    let keys = ["a", "b"].map(|name| (id(name).key, holds(&[7])));
    let effects = bench.feed(Event::Read(account(), "print".into(), keys.into()));
    bench.feed(Event::Reload(desired(terms(true), &["a"])));
    assert_eq!(writes(&bench.applied(&effects, Ok(Applied::Done))), [], "b is no longer declared");
}

#[test]
fn a_push_waits_for_its_own_intent_to_be_on_disk() {
    let mut bench = Bench::new(desired(Terms { width: 2, ..terms(false) }, &["a", "b", "c"]));
    let effects = bench.start(1);
    assert_eq!(writes(&effects).len(), 2);
    let effects = bench.applied(&effects, Ok(Applied::Done));
    assert_eq!(writes(&effects), [], "what was saved is the outcome of the first, not what the third will attempt");
    bench.feed(Event::Applied(account(), 2, "print".into(), vec![Ok(Applied::Done)]));
    assert!(bench.state.records[&id("c")].entry.attempt.is_some());
}

#[test]
fn a_disk_that_comes_and_goes_lets_a_process_push_without_it_once() {
    let mut bench = Bench::new(desired(terms(false), &["a"]));
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    bench.pass(20 * MINUTE, Some(1));
    bench.writable = false;
    let effects = bench.change(2);
    assert_eq!(writes(&effects).len(), 1, "the ledger cannot be written, which is found out just now");
    bench.applied(&effects, Ok(Applied::Done));
    bench.writable = true;
    bench.pass(20 * MINUTE, Some(2));
    bench.writable = false;
    assert_eq!(writes(&bench.change(3)), []);
    bench.writable = true;
    assert_eq!(writes(&bench.pass(20 * MINUTE, Some(3))).len(), 1);
}

#[test]
fn a_refresh_that_cannot_be_written_down_does_not_spin() {
    let mut bench = Bench::new(desired(Terms { refresh: Some(PROBE), ..terms(false) }, &["a"]));
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    bench.pass(25 * HOUR, Some(1));
    bench.writable = false;
    bench.restart();
    let effects = bench.restart();
    let effects = [bench.told(effects, Some(1)), bench.pass(9 * MINUTE, Some(1))].concat();
    assert_eq!(writes(&effects), []);
}

#[test]
fn what_can_be_read_is_not_sent_again_unread() {
    let mut bench = Bench::new(desired(Terms { refresh: Some(PROBE), ..terms(true) }, &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1, 9]));
    assert_eq!(bench.answer(50 * HOUR, 1, || holds(&[1, 9]), &Ok(Applied::Done)), 0);
}

#[test]
fn name_servers_that_answer_it_at_last_end_the_failure() {
    let mut bench = Bench::new(desired(Terms { in_dns: true, ..terms(false) }, &["a"]));
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    for (proof, fails) in [(Proof::NotYet("old".into()), true), (Proof::Seen, false)] {
        // Sent again once a day at most, and this time was today.
        bench.state.records.get_mut(&id("a")).unwrap().entry.dns_write = Some(bench.now.moment);
        bench.pass(HOUR, Some(1));
        bench.feed(Event::Resolved(id("a"), proof));
        assert_eq!(matches!(bench.standing("a"), Standing::Failing { .. }), fails);
    }
}

#[test]
fn a_source_that_is_gone_after_a_reload_does_not_keep_a_round_open() {
    let mut bench = Bench::new(desired(terms(false), &["a"]));
    bench.feed(Event::Start);
    let mut other = desired(terms(false), &["a"]);
    other.sources = [(other_source(), SourceSpec { min_interval: Duration::ZERO })].into();
    other.records.values_mut().for_each(|spec| spec.source = Expression::Source(other_source()));
    let effects = bench.feed(Event::Reload(other));
    bench.told(effects, None);
    let effects = bench.feed(Event::Readings(vec![(source(), Family::Ipv4, Reading::None)]));
    bench.told(effects, None);
    bench.now.moment = bench.now.moment.plus(Duration::from_secs(6 * MINUTE));
    let effects = bench.feed(Event::Time);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Detect(_))), "{effects:?}");
}

/// A record set whose address is gone: removed after two hours.
fn vanished() -> Bench {
    let mut desired = desired(terms(true), &["a"]);
    desired.records.values_mut().for_each(|spec| spec.absent_after = Some(Duration::from_secs(2 * HOUR)));
    let mut bench = Bench::new(desired);
    bench.start(1);
    let effects = bench.read("a", holds(&[7]));
    bench.applied(&effects, Ok(Applied::Done));
    bench.answer(MINUTE, 1, || holds(&[1]), &Ok(Applied::Done));
    bench.pass(HOUR, None);
    bench
}

#[test]
fn an_absence_is_certain_only_as_long_as_somebody_looks() {
    let mut bench = vanished();
    bench.now.moment = bench.now.moment.plus(PROBE);
    assert!(!reads(&bench.pass(HOUR, None)), "suspended for a day: it begins anew");
    assert!(reads(&bench.pass(2 * HOUR, None)));
}

#[test]
fn an_absence_that_ended_is_not_counted_by_the_next_process() {
    let mut bench = vanished();
    bench.feed(Event::Stop);
    let effects = bench.restart();
    bench.told(effects, Some(1));
    bench.read("a", holds(&[1]));
    let effects = bench.restart();
    bench.told(effects, None);
    assert!(!reads(&bench.pass(HOUR + 30 * MINUTE, None)));
}

#[test]
fn a_source_that_is_blind_at_times_does_not_cut_waits_short() {
    let mut bench = Bench::new(desired(terms(false), &["a"]));
    let effects = bench.start(1);
    bench.applied(&effects, Err(Error::transient("updating", "down")));
    let wait = bench.state.records[&id("a")].entry.wait.clone();
    assert!(wait.is_some());
    for reading in [Reading::Unknown("blind".into()), Reading::Addresses(vec![value(1).address().unwrap()])] {
        bench.feed(Event::Look(Network::Same));
        bench.feed(Event::Readings(vec![(source(), Family::Ipv4, reading)]));
    }
    assert_eq!(bench.state.records[&id("a")].entry.wait, wait);
}

#[test]
fn what_is_found_held_again_is_not_written_to_disk_again() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[7, 8]));
    assert!(matches!(bench.standing("a"), Standing::Held { .. }));
    bench.documents.clear();
    assert!(reads(&bench.pass(25 * HOUR, Some(1))));
    bench.read("a", holds(&[7, 8]));
    assert!(bench.documents.is_empty());
}

#[test]
fn readings_from_before_a_change_are_not_used_again_after_it() {
    let mut desired = desired(terms(false), &["a"]);
    let echo = |at: u64| SourceName(format!("echo {at}"));
    let quorum = Expression::Quorum { need: 2, of: (0..5).map(|at| Expression::Source(echo(at))).collect() };
    desired.records.values_mut().for_each(|spec| spec.source = quorum.clone());
    let rarely = |at| SourceSpec { min_interval: Duration::from_secs(if at < 2 { MINUTE } else { 9 * HOUR }) };
    desired.sources = (0..5).map(|at| (echo(at), rarely(at))).collect();
    for network in [Network::Changed, Network::Same] {
        let mut bench = Bench::new(desired.clone());
        bench.feed(Event::Start);
        let said = |last| Reading::Addresses(vec![value(last).address().unwrap()]);
        bench.feed(Event::Readings((0..5).map(|at| (echo(at), Family::Ipv4, said(1))).collect()));
        bench.now.moment = bench.now.moment.plus(Duration::from_secs(10 * MINUTE));
        let mut effects = bench.feed(Event::Look(network));
        let mut wants = Vec::new();
        for _ in 0..50 {
            while let Some(effect) = effects.pop() {
                if let Effect::Detect(questions) = effect {
                    let answers = questions.into_iter().map(|(source, family)| (source, family, said(2))).collect();
                    effects.extend(bench.feed(Event::Readings(answers)));
                }
            }
            wants.push(bench.state.records[&id("a")].want.clone());
            bench.now.moment = bench.now.moment.plus(Duration::from_secs(6 * MINUTE));
            effects = bench.feed(Event::Time);
        }
        wants.dedup();
        assert_eq!(wants.last(), Some(&Want::Values(values(&[2]))), "it was learnt");
        assert!(wants.len() <= 2, "and not forgotten: {wants:?}");
    }
}

#[test]
fn what_is_let_go_is_looked_at_although_it_was_confirmed() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    assert!(reads(&bench.change(2)));
    bench.read("a", Err(Error::auth(crate::model::error::Scope::RecordSet, "reading", "forbidden")));
    bench.change(1);
    assert!(matches!(bench.standing("a"), Standing::Held { .. }));
    assert!(reads(&bench.feed(Event::Release(Target::All))));
    bench.read("a", holds(&[1]));
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn families_that_change_one_after_the_other_are_sent_together() {
    let mut bench = both_families();
    bench.in_a_call = 2;
    bench.feed(Event::Start);
    let ipv4 = Reading::Addresses(vec![value(1).address().unwrap()]);
    bench.feed(Event::Readings(vec![(source(), Family::Ipv4, ipv4)]));
    bench.now.moment = bench.now.moment.plus(Duration::from_secs(1));
    bench.feed(Event::Readings(vec![(other_source(), Family::Ipv6, Reading::Addresses(vec![ipv6(1)]))]));
    let (_, count) = flying(&bench.pass(10, Some(1)));
    assert_eq!(count, 2);
}

#[test]
fn a_probe_that_is_answered_with_another_refusal_is_not_repeated_at_once() {
    use crate::model::error::Scope;
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", Err(Error::auth(Scope::Account, "reading", "badauth")));
    assert!(reads(&bench.pass(25 * HOUR, Some(1))));
    let effects = bench.read("a", Err(Error::auth(Scope::RecordSet, "reading", "forbidden")));
    assert!(!reads(&effects));
    assert!(matches!(bench.standing("a"), Standing::Held { account: false, .. }));
}

#[test]
fn a_value_that_cannot_be_taken_away_is_not_written_against_without_end() {
    let mut desired = desired(terms(true), &["a"]);
    desired.records.values_mut().for_each(|spec| spec.whole = true);
    let mut bench = Bench::new(desired);
    bench.start(1);
    bench.read("a", holds(&[1]));
    assert_eq!(bench.answer(48 * HOUR, 1, || holds(&[1, 9]), &Ok(Applied::Done)), 2);
    assert!(matches!(bench.standing("a"), Standing::Held { .. }));
}

#[test]
fn another_ttl_is_nothing_to_push() {
    let mut bench = Bench::new(desired(terms(false), &["a"]));
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    let mut other = desired(terms(false), &["a"]);
    let ttl = Ttl::new(60).map(TtlPolicy::Set).unwrap();
    other.records.values_mut().for_each(|spec| spec.ttl = ttl);
    let effects = bench.feed(Event::Reload(other));
    assert_eq!(writes(&bench.told(effects, Some(1))), []);
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn name_servers_get_their_time_for_what_was_found_to_be_there() {
    let mut bench = Bench::new(desired(Terms { in_dns: true, ..terms(true) }, &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    bench.pass(5 * HOUR, Some(1));
    assert!(reads(&bench.change(2)));
    bench.read("a", holds(&[2]));
    bench.feed(Event::Resolved(id("a"), Proof::NotYet("old".into())));
    assert_eq!(bench.standing("a"), Standing::UpToDate, "a time-out that succeeded, seconds ago");
}

#[test]
fn what_a_push_makes_the_service_forget_is_sent_again_when_it_is_back() {
    let mut bench = both_families();
    bench.in_a_call = 2;
    bench.state.desired.records.values_mut().for_each(|spec| spec.absent_after = Some(Duration::from_secs(HOUR)));
    bench.others = Reading::Addresses(vec![ipv6(1)]);
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    bench.others = Reading::None;
    bench.pass(2 * HOUR, Some(1));
    let effects = bench.change(2);
    bench.applied(&effects, Ok(Applied::Done));
    bench.others = Reading::Addresses(vec![ipv6(1)]);
    bench.pass(HOUR, Some(2));
    let other = Id { account: account(), key: key("a", RecordType::Aaaa) };
    assert_ne!(bench.state.standing(&other), Standing::UpToDate);
}

#[test]
fn what_was_undone_once_is_not_counted_twice() {
    let mut bench = Bench::new(desired(terms(true), &["a", "b"]));
    bench.start(1);
    let both = |last| ["a", "b"].map(|name| (id(name).key, holds(&[last]))).to_vec();
    bench.feed(Event::Read(account(), "print".into(), both(1)));
    bench.pass(HOUR, Some(1));
    bench.feed(Event::Update(Target::All));
    let effects = bench.feed(Event::Read(account(), "print".into(), both(7)));
    // The change of the second is given up with the first's call.
    bench.applied(&effects, Err(Error::transient("updating", "down")));
    assert!(reads(&bench.pass(MINUTE, Some(1))));
    bench.feed(Event::Read(account(), "print".into(), both(7)));
    assert_eq!(bench.standing("b"), Standing::Working);
}

#[test]
fn an_address_that_is_back_does_not_stand_as_failing() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    assert!(reads(&bench.change(2)));
    bench.read("a", Err(Error::transient("reading", "down")));
    let effects = bench.change(1);
    assert!(reads(&effects) || reads(&bench.pass(MINUTE, Some(1))));
    bench.read("a", holds(&[1]));
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn a_job_is_asked_about_before_anything_is_written_beside_it() {
    let mut bench = Bench::new(desired(terms(true), &["a", "b"]));
    bench.start(1);
    let both = ["a", "b"].map(|name| (id(name).key, holds(&[7])));
    let effects = bench.feed(Event::Read(account(), "print".into(), both.into()));
    let effects = bench.applied(&effects, Ok(Applied::Accepted(Some(Ticket("job".into())))));
    bench.applied(&effects, Err(Error::auth(crate::model::error::Scope::Account, "updating", "badauth")));
    assert!(reads(&bench.pass(25 * HOUR, Some(1))), "whether the account is still refused");
    assert_eq!(writes(&bench.read("a", holds(&[7]))), []);
}

#[test]
fn what_was_read_while_something_else_was_wanted_is_remembered() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    assert!(reads(&bench.change(2)));
    let effects = bench.read("a", holds(&[9]));
    assert_eq!(writes(&effects), [values(&[2])]);
    bench.applied(&effects, Err(Error::stale("updating", "it is another one")));
    // Nothing was done, as if the call had not been made.
    bench.state.records.get_mut(&id("a")).unwrap().entry.attempt = None;
    bench.change(1);
    assert_eq!(bench.standing("a"), Standing::Working, "it does not hold the first address any more");
}

#[test]
fn what_stood_in_the_way_and_is_gone_lets_go_of_its_hold() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[8, 9]));
    assert!(matches!(bench.standing("a"), Standing::Held { .. }));
    assert!(reads(&bench.pass(25 * HOUR, Some(1))));
    assert_eq!(writes(&bench.read("a", holds(&[9]))), [values(&[1])]);
    assert_eq!(bench.standing("a"), Standing::Working);
}

#[test]
fn a_clock_that_jumps_is_no_reason_to_refresh() {
    let mut bench =
        Bench::new(desired(Terms { refresh: Some(Duration::from_secs(25 * 24 * HOUR)), ..terms(false) }, &["a"]));
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    bench.now.wall.0 += 1_500_000_000;
    assert_eq!(writes(&bench.pass(24 * HOUR, Some(1))), []);
    assert_eq!(writes(&bench.pass(25 * 24 * HOUR, Some(1))), [values(&[1])]);
}

#[test]
fn what_is_asked_of_a_record_set_anew_is_not_up_to_date_until_it_is_read() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    let mut whole = desired(terms(true), &["a"]);
    whole.records.values_mut().for_each(|spec| spec.whole = true);
    let effects = bench.feed(Event::Reload(whole));
    let effects = bench.told(effects, Some(1));
    assert!(reads(&effects));
    assert_eq!(bench.standing("a"), Standing::Working);
    bench.read("a", holds(&[1]));
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn a_removal_that_the_configuration_no_longer_asks_for_is_not_made() {
    let mut bench = vanished();
    let mut kept = bench.state.desired().clone();
    kept.records
        .values_mut()
        .for_each(|spec| (spec.absent_after, spec.whole) = (Some(Duration::from_secs(HOUR)), true));
    let effects = bench.feed(Event::Reload(kept.clone()));
    bench.told(effects, None);
    bench.pass(2 * HOUR, None);
    assert_eq!(bench.state.records[&id("a")].want, Want::Gone);
    kept.records.values_mut().for_each(|spec| spec.absent_after = None);
    let effects = bench.feed(Event::Reload(kept));
    assert!(!reads(&effects), "the absence counts for nothing before it is judged anew: {effects:?}");
}

#[test]
fn what_is_held_by_itself_is_not_asked_for_its_account() {
    let mut bench = Bench::new(desired(terms(true), &["a", "b"]));
    bench.start(1);
    let forbidden = Error::auth(crate::model::error::Scope::RecordSet, "reading", "forbidden");
    let answers = vec![(id("a").key, Err(forbidden)), (id("b").key, holds(&[1]))];
    bench.feed(Event::Read(account(), "print".into(), answers));
    bench.feed(Event::Update(Target::Name(id("b").key.name)));
    bench.read("b", Err(Error::auth(crate::model::error::Scope::Account, "reading", "badauth")));
    bench.state.accounts.get_mut(&account()).unwrap().entry.hold.as_mut().unwrap().probe = bench.now.moment;
    let effects = bench.feed(Event::Time);
    assert_eq!(bench.asked(&effects), [id("b").key]);
}

#[test]
fn name_servers_that_answer_otherwise_are_asked_again_within_the_hour() {
    let mut bench = Bench::new(desired(Terms { in_dns: true, ..terms(true) }, &["a"]));
    bench.state.desired.verify = Duration::from_secs(72 * HOUR);
    bench.start(1);
    bench.read("a", holds(&[1]));
    bench.pass(HOUR, Some(1));
    bench.feed(Event::Resolved(id("a"), Proof::NotYet("old".into())));
    bench.read("a", holds(&[1]));
    let effects = bench.pass(2 * HOUR, Some(1));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Resolve(..))));
}

#[test]
fn a_look_that_failed_is_made_again_though_what_is_wanted_was_confirmed() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    assert!(reads(&bench.change(2)));
    assert!(!reads(&bench.change(1)));
    bench.read("a", Err(Error::transient("reading", "no answer")));
    assert!(reads(&bench.pass(2 * MINUTE, Some(1))));
    bench.read("a", holds(&[1]));
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn a_pause_that_was_asked_for_is_not_traded_for_a_wait_of_our_own() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", Err(Error::rate_limited(Some(Duration::from_secs(HOUR)), "reading", "slow down")));
    let known = bench.state.accounts[&account()].entry.wait.clone();
    bench.state.accounts.get_mut(&account()).unwrap().entry.failures = 20;
    bench.feed(Event::Settled(
        account(),
        id("a").key,
        Ticket("job".into()),
        "print".into(),
        Ok(crate::model::plan::Settled::Running),
    ));
    let late = vec![(id("a").key, Err(Error::transient("reading", "no answer")))];
    bench.now.moment = bench.now.moment.plus(Duration::from_secs(HOUR - MINUTE));
    bench.feed(Event::Read(account(), "print".into(), late));
    assert_eq!(bench.state.accounts[&account()].entry.wait, known);
    assert!(!reads(&bench.feed(Event::Update(Target::All))));
}

#[test]
fn a_job_that_is_done_is_doubted_where_a_reading_said_otherwise() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    let effects = bench.read("a", holds(&[9]));
    bench.applied(&effects, Ok(Applied::Accepted(Some(Ticket("job".into())))));
    bench.read("a", holds(&[7]));
    let effects = bench.feed(Event::Settled(
        account(),
        id("a").key,
        Ticket("job".into()),
        "print".into(),
        Ok(crate::model::plan::Settled::Done),
    ));
    assert!(reads(&effects));
    assert_eq!(bench.standing("a"), Standing::Working);
}

#[test]
fn an_address_from_before_the_network_changed_is_not_sent_before_it_is_found_again() {
    let mut bench = Bench::new(desired(terms(false), &["a"]));
    let effects = bench.start(1);
    bench.applied(&effects, Err(Error::transient("updating", "down")));
    bench.now.moment = bench.now.moment.plus(Duration::from_secs(14 * HOUR));
    let effects = bench.feed(Event::Look(Network::Changed));
    assert_eq!(writes(&effects), [], "it slept for half a day");
    assert_eq!(writes(&bench.told(effects, Some(2))), [values(&[2])]);
}

#[test]
fn what_was_refused_and_is_no_longer_wanted_does_not_hold_what_is() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[1]));
    assert!(reads(&bench.change(5)));
    let effects = bench.read("a", holds(&[1]));
    assert!(!reads(&bench.change(1)));
    bench.applied(&effects, Err(Error::config("updating", "refused")));
    assert!(!matches!(bench.standing("a"), Standing::Held { .. }));
    assert!(reads(&bench.pass(MINUTE, Some(1))));
    bench.read("a", holds(&[1]));
    assert_eq!(bench.standing("a"), Standing::UpToDate);
}

#[test]
fn an_answer_from_moments_before_the_network_changed_is_asked_for_again() {
    let mut desired = desired(terms(false), &["a"]);
    desired.sources.values_mut().for_each(|spec| spec.min_interval = Duration::from_secs(10 * MINUTE));
    let mut bench = Bench::new(desired);
    let effects = bench.start(1);
    bench.applied(&effects, Ok(Applied::Done));
    bench.pass(11 * MINUTE, Some(1));
    // Asked by a check, and the address changes a moment later: the event is spared, the next half minute is not.
    let effects = bench.feed(Event::Look(Network::Changed));
    assert_eq!(writes(&bench.told(effects, Some(1))), []);
    bench.pass(1, Some(1));
    assert_eq!(writes(&bench.change(2)), []);
    assert_eq!(writes(&bench.pass(MINUTE, Some(2))), [values(&[2])]);
}

#[test]
fn values_that_are_declared_ours_or_are_gone_let_go_of_a_foreign_hold_at_the_next_start_or_look() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", holds(&[8, 9]));
    let effects = bench.feed(Event::Update(Target::All));
    assert!(reads(&effects), "they may have been taken away");
    bench.read("a", holds(&[8, 9]));
    assert!(matches!(bench.standing("a"), Standing::Held { .. }));
    let mut whole = desired(terms(true), &["a"]);
    whole.records.values_mut().for_each(|spec| spec.whole = true);
    bench.state = State::new(whole, &bench.documents, "boot", true, Mode::Run, bench.now);
    assert!(reads(&bench.start(1)));
    assert_eq!(writes(&bench.read("a", holds(&[8, 9]))), [values(&[1])]);
}

#[test]
fn a_look_by_command_sees_a_mended_secret() {
    let mut bench = Bench::new(desired(terms(true), &["a"]));
    bench.start(1);
    bench.read("a", Err(Error::auth(crate::model::error::Scope::Account, "reading", "badauth")));
    let effects = step(&mut bench.state, Event::Update(Target::All), bench.now, &mut bench.rng);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LookAt(name) if *name == account())));
}
