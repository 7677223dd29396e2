//! What a strict reader found: each test fails today, and its first comment says what should happen.

use super::*;
use crate::model::desired::Want;
use crate::model::ledger::{AsOf, Entry};
use crate::model::record::Ttl;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn named(label: &str) -> Id {
    let name: Name = format!("{label}.example.org").parse().unwrap();
    Id { account: account(), key: RrsetKey::new(name, RecordType::A) }
}

/// Record sets a, b, … of one account.
fn several(terms: Terms, labels: &[&str]) -> Desired {
    Desired { records: labels.iter().map(|label| (named(label), spec())).collect(), ..desired(terms) }
}

/// A started machine for several record sets, each in a batch of its own.
fn apart(terms: Terms, labels: &[&str]) -> Rig {
    let mut rig = Rig::new(several(terms, labels), &Documents::new());
    rig.chunk = 1;
    rig.says(1);
    rig.feed(Event::Start);
    rig
}

fn absent() -> Result<Seen> {
    Ok(Seen::Absent(Snapshot::none()))
}

fn limited(seconds: u64) -> Error {
    failed(Kind::RateLimited { after: Some(Duration::from_secs(seconds)) })
}

impl Rig {
    /// Answers the open read, record set by record set.
    fn reads_each(&mut self, mut answer: impl FnMut(&Id) -> Result<Seen>) {
        let Effect::Read(account, keys) = self.take() else { panic!("a read was due") };
        let answers =
            keys.into_iter().map(|key| (key.clone(), answer(&Id { account: account.clone(), key }))).collect();
        self.feed(Event::Read(account, self.print.clone(), answers));
    }

    /// Answers this batch.
    fn answers(&mut self, effect: Effect, answer: Result<Applied>) {
        let Effect::Apply(account, number, batch) = effect else { panic!("a change: {effect:?}") };
        self.feed(Event::Applied(account, number, self.print.clone(), vec![answer; batch.changes.len()]));
    }

    /// Lets time pass and answers every read and write in the same way; counts them.
    fn calls(
        &mut self,
        time: Duration,
        read: impl Fn(&Id) -> Result<Seen>,
        applied: &Result<Applied>,
    ) -> (usize, usize) {
        let (mut reads, mut writes) = (0, 0);
        let end = self.now.moment.plus(time);
        loop {
            while !self.open.is_empty() {
                match self.open.remove(0) {
                    Effect::Read(account, keys) => {
                        reads += 1;
                        let id = |key: &RrsetKey| Id { account: account.clone(), key: key.clone() };
                        let answers = keys.iter().map(|key| (key.clone(), read(&id(key)))).collect();
                        self.feed(Event::Read(account.clone(), self.print.clone(), answers));
                    }
                    effect @ Effect::Apply(..) => {
                        writes += 1;
                        self.answers(effect, applied.clone());
                    }
                    other => panic!("{other:?}"),
                }
                assert!(reads + writes < 1_500, "it spins");
            }
            let Some(wake) = self.state.wake_at(self.now).filter(|wake| *wake <= end) else { break };
            self.move_to(wake.max(self.now.moment));
            self.feed(Event::Time);
        }
        self.move_to(end);
        (reads, writes)
    }
}

// --- (a) wrong or foreign records -----------------------------------------------------------------------------------

#[test]
fn a01_a_record_set_taken_out_of_the_configuration_is_not_written_from_the_queue() {
    // b was removed by a reload while a's batch was under way: b is not ours to touch any more, nothing may be sent for it.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads(absent());
    let first = rig.take();
    rig.feed(Event::Reload(several(readable(), &["a"])));
    rig.answers(first, Ok(Applied::Done));
    let sent = rig
        .open
        .iter()
        .filter(|effect| matches!(effect, Effect::Apply(_, _, batch) if batch.changes[0].key == named("b").key));
    assert_eq!(sent.count(), 0);
}

#[test]
fn a02_what_the_old_login_answered_is_no_plan_for_the_new_one() {
    // The answer was read at another login, with ids and zones of there: it must be thrown away, and the new login read.
    let mut rig = Rig::started(readable(), 1);
    let read = rig.take();
    let mut other = desired(readable());
    other.accounts.get_mut(&account()).unwrap().identity = "two".into();
    rig.feed(Event::Reload(other));
    rig.open.push(read);
    rig.reads(Ok(seen(&[9])));
    assert!(!rig.open.iter().any(|effect| matches!(effect, Effect::Apply(..))), "written with ids of another login");
}

#[test]
fn a03_batches_planned_for_the_old_login_are_not_sent_to_the_new_one() {
    // The queue of the old login (snapshots with its ids) must go when the login changes.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads(absent());
    let first = rig.take();
    let mut other = several(readable(), &["a", "b"]);
    other.accounts.get_mut(&account()).unwrap().identity = "two".into();
    rig.feed(Event::Reload(other));
    rig.answers(first, Ok(Applied::Done));
    assert!(!rig.open.iter().any(|effect| matches!(effect, Effect::Apply(..))), "written with ids of another login");
}

#[test]
fn a04_a_value_known_to_be_foreign_is_not_adopted_when_ours_comes_back() {
    // {1 ours, 9 foreign}; our address goes for good and ours is removed; the address comes back: 9 must stay.
    let mut desired = desired(readable());
    desired.records.get_mut(&id()).unwrap().absent_after = Some(10 * MINUTE);
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    rig.feed(Event::Start);
    rig.reads(Ok(seen(&[1, 9])));
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(11 * MINUTE);
    rig.reads(Ok(seen(&[1, 9])));
    rig.applies(&[9], Ok(Applied::Done));
    rig.pass(SECOND);
    rig.reads(Ok(seen(&[9])));
    rig.changes_to(2);
    rig.pass(5 * SECOND);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[2, 9], Ok(Applied::Done));
}

#[test]
fn a05_an_absence_that_ended_long_ago_removes_nothing_after_a_restart() {
    // absent_since went to disk with another write, its end never did. After the restart the absence begins anew.
    let mut desired = desired(readable());
    desired.records.get_mut(&id()).unwrap().absent_after = Some(10 * MINUTE);
    let mut rig = Rig::new(desired.clone(), &Documents::new());
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Start);
    rig.pass(MINUTE);
    rig.says(1);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(10 * SECOND);
    rig.reads(Ok(seen(&[1])));
    // Another short absence: noted in memory, and to disk together with what a stop writes.
    rig.readings.insert(Family::Ipv4, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.feed(Event::Update(Target::All));
    let disk = {
        // Any write while the absence lasts takes it along.
        rig.state.urgent = true;
        rig.state.records.get_mut(&id()).unwrap().dirty = true;
        rig.feed(Event::Time);
        rig.open.clear();
        rig.changes_to(1);
        rig.pass(30 * DAY);
        rig.disk.clone()
    };
    let mut again = Rig::new(desired, &disk);
    again.now = rig.now;
    again.readings.insert(Family::Ipv4, Reading::None);
    again.feed(Event::Start);
    again.pass(MINUTE);
    assert_ne!(again.state.views(again.now).next().unwrap().want, &Want::Gone, "absent for a minute, not for a month");
}

#[test]
fn a06_what_is_confirmed_is_what_was_sent() {
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
fn a07_a_push_whose_want_became_unknown_in_the_queue_voids_the_confirmation_or_is_not_sent() {
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

// --- (b) a service is hammered ---------------------------------------------------------------------------------------

#[test]
fn b01_a_write_that_always_fails_backs_off_although_reading_works() {
    // 500 at every write for two days: the waits double up to an hour; the reads between are no success of the account.
    let mut rig = Rig::started(readable(), 1);
    let (reads, writes) = rig.calls(2 * DAY, |_| absent(), &Err(failed(Kind::Transient)));
    assert!(writes <= 120 && reads <= 130, "{reads} reads and {writes} writes in two days");
}

#[test]
fn b02_a_push_that_always_fails_backs_off() {
    // The made-up "read" before a push is no success: the waits double up to an hour.
    let mut rig = Rig::started(push(), 1);
    let (_, writes) = rig.calls(2 * DAY, |_| absent(), &Err(failed(Kind::Transient)));
    assert!(writes <= 120, "{writes} writes in two days");
}

#[test]
fn b03_a_crash_loop_stays_within_the_write_budget() {
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
fn b04_a_probe_of_a_refused_record_set_reads_and_does_not_write() {
    // "Probes a held scope with one read a day": a wrong request is not repeated each day for ever.
    let mut rig = Rig::started(readable(), 1);
    rig.reads(absent());
    rig.applies(&[1], Err(failed(Kind::Config)));
    let (reads, writes) = rig.calls(10 * DAY, |_| absent(), &Err(failed(Kind::Config)));
    assert_eq!(writes, 0, "after {reads} probes");
}

#[test]
fn b05_a_probe_does_not_fight_on_over_a_contended_record_set() {
    // Contended: left alone until the configuration, the want or a person says otherwise.
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
    let (_, writes) = rig.calls(10 * DAY, |_| Ok(seen(&[7])), &Ok(Applied::Done));
    assert_eq!(writes, 0);
}

#[test]
fn b06_a_pause_of_zero_is_no_licence_to_spin() {
    // `Retry-After: 0` (or a date that is past): back off as for a limit without a time.
    let mut rig = Rig::started(readable(), 1);
    let (reads, _) = rig.calls(HOUR, |_| Err(limited(0)), &Ok(Applied::Done));
    assert!(reads <= 60, "{reads} reads in an hour");
}

#[test]
fn b07_a_probe_that_is_answered_for_one_record_set_only_does_not_spin() {
    // The account is held (401). A day later the login works again, and the first record set lies in no zone: that is its
    // own hold; the account's is over, or at least the next probe is a day away.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads(Err(failed(Kind::Auth { scope: Scope::Account })));
    let (reads, _) = rig.calls(2 * DAY, |_| Err(failed(Kind::Config)), &Ok(Applied::Done));
    assert!(reads <= 6, "{reads} reads in two days");
}

#[test]
fn b08_what_stays_broken_is_written_more_and_more_rarely() {
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
fn b09_a_pause_asked_for_one_key_of_a_read_holds_back_the_writes_of_the_others() {
    // a was read, b was answered with 429: the account rests before a is written.
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads_each(|id| if *id == named("a") { absent() } else { Err(limited(3600)) });
    rig.idle();
}

#[test]
fn b10_a_refusal_of_the_account_is_not_lifted_by_an_answer_of_the_same_read() {
    // a was read before the login was revoked, b after: the account is held, nothing more is asked.
    let mut rig = apart(readable(), &["a", "b"]);
    let revoked = failed(Kind::Auth { scope: Scope::Account });
    rig.reads_each(|id| if *id == named("a") { Ok(seen(&[1])) } else { Err(revoked.clone()) });
    rig.idle();
    assert!(matches!(rig.state.standing(&named("b")), Standing::Held { account: true, .. }));
}

#[test]
fn b11_a_pause_is_kept_although_another_batch_in_flight_went_well() {
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
fn b12_of_two_pauses_the_longer_one_is_kept() {
    let mut rig = apart(readable(), &["a", "b"]);
    rig.reads_each(|id| Err(limited(if *id == named("a") { 10 } else { 3600 })));
    rig.pass(HOUR - SECOND);
    rig.idle();
}

#[test]
fn b13_something_broken_does_not_end_a_pause() {
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
fn b14_an_address_that_flaps_does_not_hammer_a_service_that_refuses_to_be_read() {
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
fn b15_an_address_that_flaps_does_not_hammer_a_service_that_fails() {
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
fn b16_a_flapping_link_does_not_hammer_a_public_echo() {
    // dyndns2: not more than once in ten minutes. A change of address may ask sooner, a flapping link not 1200 times an hour.
    let mut desired = desired(readable());
    desired.sources.get_mut(&source()).unwrap().min_interval = 10 * MINUTE;
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    let mut asked = 0;
    for flap in 0..1200_u32 {
        rig.move_to(rig.now.moment.plus(3 * SECOND));
        let event = if flap == 0 { Event::Start } else { Event::Look(Network::Changed) };
        for effect in step(&mut rig.state, event, rig.now, &mut rig.rng) {
            if let Effect::Detect(questions) = effect {
                asked += questions.len();
                let reading = Reading::Addresses(vec![[198, 51, 100, 1].into()]);
                let told = questions.into_iter().map(|(source, family)| (source, family, reading.clone())).collect();
                drop(step(&mut rig.state, Event::Readings(told), rig.now, &mut rig.rng));
            }
        }
    }
    assert!(asked <= 120, "asked {asked} times in an hour");
}

// --- (c) lost updates, stuck states ----------------------------------------------------------------------------------

#[test]
fn c01_a_reload_that_takes_a_source_away_during_a_round_does_not_blind_the_machine() {
    // The question to the old source is open when the configuration names another one. Its answer comes and counts for nothing,
    // and the round must end all the same.
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1])));
    rig.pass(HOUR);
    let effects = step(&mut rig.state, Event::Look(Network::Changed), rig.now, &mut rig.rng);
    let asked =
        effects.into_iter().find_map(|effect| if let Effect::Detect(asked) = effect { Some(asked) } else { None });
    let mut other = desired(readable());
    let another = SourceName("another".into());
    other.sources = BTreeMap::from([(another.clone(), SourceSpec { min_interval: Duration::ZERO })]);
    other.records.get_mut(&id()).unwrap().source = Expression::Source(another);
    rig.feed(Event::Reload(other));
    let late = Reading::Addresses(vec![[198, 51, 100, 1].into()]);
    let told = asked.unwrap().into_iter().map(|(source, family)| (source, family, late.clone())).collect();
    rig.feed(Event::Readings(told));
    rig.open.clear();
    rig.changes_to(2);
    rig.pass(HOUR);
    assert_eq!(rig.state.views(rig.now).next().unwrap().want, &Want::Values(values(&[2])), "blind for ever");
}

#[test]
fn c02_a_refresh_comes_due_although_the_machine_is_rebooted_every_night() {
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
fn c03_a_ttl_that_someone_else_changed_is_drift_and_not_what_the_service_made_of_ours() {
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
fn c04_a_ttl_changed_by_a_reload_during_the_call_is_not_confirmed_by_it() {
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
fn c05_accepted_but_still_old_is_no_fault_within_the_delay_that_the_service_is_known_for() {
    // settles_within is a minute: two reads with the old value after five seconds are no `normalised`.
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[9])));
    rig.applies(&[1], Ok(Applied::Done));
    let (_, writes) = rig.calls(30 * SECOND, |_| Ok(seen(&[9])), &Ok(Applied::Done));
    assert_eq!(held(&rig), None);
    assert_eq!(writes, 0);
}

#[test]
fn c06_one_round_tries_although_a_pause_that_is_over_is_still_remembered() {
    // `once` by cron: yesterday's run was told to wait a minute. Today both families settle for two seconds first; the round
    // must not be over before anything was tried.
    let mut both = desired(push());
    both.records.insert(Id { account: account(), key: key(RecordType::Aaaa) }, spec());
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
fn c07_nochg_to_a_repeated_call_whose_first_answer_was_lost_is_no_abuse() {
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
fn c08_name_servers_that_answer_the_old_values_prove_nothing_of_the_new_ones() {
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

#[test]
fn c09_a_plan_that_comes_to_no_batch_does_not_stop_the_account() {
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
fn c10_a_call_refused_whole_costs_the_innocent_no_budget() {
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

#[test]
fn c11_waits_of_the_same_boot_are_clamped_too() {
    // A document that is whole and says nonsense: no wait is longer than its kind's ceiling, whatever the boot.
    let as_of = AsOf { boot: "boot".into(), moment: Moment(1_000), wall: Wall(0) };
    let wait = Some(crate::model::ledger::Wait { until: Moment(u64::MAX), obeyed: false });
    let mut entry = Entry { wait, ..Entry::default() };
    let now = Now { moment: Moment(2_000), wall: Wall(1) };
    entry.rebase(&as_of, "boot", now);
    assert!(entry.wait.unwrap().until.since(now.moment) <= crate::model::backoff::CEILING);
}

#[test]
fn c12_the_values_that_count_as_ours_do_not_grow_for_ever() {
    // Every write fails for years and the address changes every day. Values never seen at the service need no remembering.
    let mut rig = Rig::started(readable(), 1);
    for day in 0..200_u32 {
        rig.changes_to(u8::try_from(day % 250).unwrap() + 1);
        let _ = rig.calls(DAY, |_| Ok(seen(&[1])), &Err(failed(Kind::Transient)));
    }
    let ours = rig.state.records[&id()].entry.ours.len();
    assert!(ours <= 20, "{ours} values count as ours");
}
