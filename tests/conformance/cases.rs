//! The cases, the same for every provider, in the order of the design: first what one change does, then what time brings.

use std::time::Duration;

use driftless::model::error::{Kind, Scope};
use driftless::model::ledger::Reason;
use driftless::model::machine::standing::Standing;
use driftless::model::record::{RecordType, RrsetKey, Value, Values};

use super::house::{DAY, HOUR, House, MINUTE, a, aaaa, assert_transient, declare};
use super::subject::{Column, Subject, Trouble, provider, values};

const OLD: &str = "192.0.2.1";
const NEW: &str = "192.0.2.2";
const V6: &str = "2001:db8::1";

fn readable(column: &Column, subject: &dyn Subject) -> bool {
    provider(column, subject).terms().readable
}

/// Home's A record holds the old address, and the machine knows.
async fn settled<'a>(column: &Column, subject: &'a dyn Subject) -> (RrsetKey, House<'a>) {
    let home = a(subject, "home");
    subject.put(&home, &values(&[OLD]));
    let house = House::start(column, subject, &[declare(&home)], &[OLD]).await;
    house.assert_holds(&home, &[OLD]);
    (home, house)
}

/// What is there is not written again; a service that cannot be read is told once, and never again.
pub async fn unchanged(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    let once = usize::from(!readable(column, subject));
    assert_eq!(subject.writes(), once);
    house.pass(3 * DAY).await;
    house.assert_holds(&home, &[OLD]);
    assert_eq!(subject.writes(), once);
}

/// What is not there is made, with the TTL that was asked for.
pub async fn creates(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    let mut house = House::start(column, subject, &[declare(&home).ttl(subject.ttl())], &[NEW]).await;
    house.assert_holds(&home, &[NEW]);
    let ttl = subject.held(&home).and_then(|held| held.ttl);
    assert!(ttl.is_none_or(|ttl| ttl == subject.ttl()), "{ttl:?}");
    house.pass(DAY).await;
    house.assert_holds(&home, &[NEW]);
    assert_eq!(subject.writes(), 1);
}

/// One address that nobody is known to have put there is replaced, by one write.
pub async fn replaces_a_stale_address(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    subject.put(&home, &values(&[OLD]));
    let mut house = House::start(column, subject, &[declare(&home)], &[NEW]).await;
    house.assert_holds(&home, &[NEW]);
    house.moves(&["192.0.2.3"]).await;
    house.assert_holds(&home, &["192.0.2.3"]);
    house.pass(DAY).await;
    assert_eq!(subject.writes(), 2);
}

/// Whatever happens to one record set, everything else at the service stays as it was.
pub async fn leaves_others_alone(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    for (key, values) in subject.scenery() {
        subject.put(&key, &values);
    }
    let others = |home: &RrsetKey| {
        let mut all = subject.everything();
        all.retain(|key, _| !format!("{key} ").starts_with(&format!("{home} ")));
        all
    };
    let before = others(&home);
    assert!(!before.is_empty());
    let declared = declare(&home).ttl(subject.ttl()).absent_after(HOUR);
    let mut house = House::start(column, subject, &[declared], &[OLD]).await;
    for address in [NEW, "192.0.2.3", OLD] {
        house.moves(&[address]).await;
        house.pass(HOUR).await;
        house.assert_holds(&home, &[address]);
    }
    house.sees_none();
    house.pass(3 * HOUR).await;
    assert_eq!(others(&home), before);
}

/// Several values of which none is known to be ours are left alone; beside ours, others' stay.
pub async fn foreign_values_in_the_set(column: &Column, subject: &dyn Subject) {
    let (home, shared) = (a(subject, "home"), a(subject, "shared"));
    subject.put(&home, &values(&["192.0.2.8", "192.0.2.9"]));
    subject.put(&shared, &values(&[OLD]));
    let records = [declare(&home), declare(&shared)];
    let mut house = House::start(column, subject, &records, &[OLD]).await;
    let (hold, account) = house.held(&home);
    assert_eq!((hold.reason, account), (Reason::Foreign, false));
    house.assert_holds(&shared, &[OLD]);
    assert_eq!(subject.writes(), 0);
    subject.put(&shared, &values(&[OLD, "192.0.2.9"]));
    house.moves(&[NEW]).await;
    let held = subject.held(&shared).map(|held| held.values);
    assert_eq!(held, Some(values(&[NEW, "192.0.2.9"])));
    let held = subject.held(&home).map(|held| held.values);
    assert_eq!(held, Some(values(&["192.0.2.8", "192.0.2.9"])));
}

/// What we do not manage stays: the TTL where it is kept, and everything that stands beside the values.
pub async fn keeps_attributes(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    let before = subject.held(&home).expect("it is there");
    house.moves(&[NEW]).await;
    house.assert_holds(&home, &[NEW]);
    let after = subject.held(&home).expect("it is there");
    assert_eq!((after.ttl, after.attributes), (before.ttl, before.attributes));
}

/// A text that is made of an address follows it; other texts under its name stay, and it goes where that is asked for.
pub async fn a_text_made_of_addresses(column: &Column, subject: &dyn Subject) {
    let key = RrsetKey::new(subject.name("home"), RecordType::Txt);
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| Value::Text((*text).into())).collect::<Values>());
    let held = || subject.held(&key).map(|held| held.values);
    subject.put(&key, &texts(&["a-token-of-somebody"]).unwrap_or_default());
    let declared = declare(&key).value("v=spf1 ip4:{ipv4} -all").absent_after(HOUR);
    let mut house = House::start(column, subject, std::slice::from_ref(&declared), &[OLD]).await;
    house.pass(HOUR).await;
    assert_eq!(held(), texts(&["a-token-of-somebody", "v=spf1 ip4:192.0.2.1 -all"]));
    assert_eq!(house.standing(&key), Standing::UpToDate);
    house.moves(&[NEW]).await;
    house.pass(HOUR).await;
    assert_eq!(held(), texts(&["a-token-of-somebody", "v=spf1 ip4:192.0.2.2 -all"]));
    let writes = subject.writes();
    house.pass(2 * DAY).await;
    assert_eq!(subject.writes(), writes, "what stands there is what was written");
    let mut house = house.restart(column, &[declared]).await;
    house.sees_none();
    house.pass(3 * HOUR).await;
    assert_eq!(held(), texts(&["a-token-of-somebody"]));
    house.sees(&[OLD]);
    house.pass(HOUR).await;
    assert_eq!(held(), texts(&["a-token-of-somebody", "v=spf1 ip4:192.0.2.1 -all"]));
}

/// The family that is not known is not touched, and not forgotten either.
pub async fn sibling_unknown(column: &Column, subject: &dyn Subject) {
    let (home, six) = (a(subject, "home"), aaaa(subject, "home"));
    subject.put(&six, &values(&[V6]));
    let forgets = provider(column, subject).terms().forgets_siblings;
    let mut house = House::start(column, subject, &[declare(&home), declare(&six)], &[OLD]).await;
    house.pass(HOUR).await;
    let held = subject.held(&six).map(|held| held.values);
    assert_eq!(held, Some(values(&[V6])), "nobody knows what it should be");
    if forgets {
        assert_eq!(subject.writes(), 0, "a request that names one family would delete the other");
    } else {
        house.assert_holds(&home, &[OLD]);
    }
    house.moves(&[OLD, V6]).await;
    house.assert_holds(&home, &[OLD]);
    house.assert_holds(&six, &[V6]);
    house.moves(&[NEW]).await;
    let held = subject.held(&six).map(|held| held.values);
    assert_eq!(held, Some(values(&[V6])), "it was confirmed, and is not known any more");
    let held = subject.held(&home).map(|held| held.values);
    assert_eq!(held, Some(values(&[NEW])));
}

/// What is certainly absent for as long as was said is removed; before that, and where nothing can be removed, nothing is.
pub async fn removes(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    let declared = declare(&home).absent_after(HOUR);
    let mut house = House::start(column, subject, &[declared], &[OLD]).await;
    house.assert_holds(&home, &[OLD]);
    house.sees(&[]);
    house.pass(5 * HOUR).await;
    house.sees_none();
    house.pass(HOUR - 5 * MINUTE).await;
    let held = subject.held(&home).map(|held| held.values);
    assert_eq!(held, Some(values(&[OLD])), "a blind source and a short absence remove nothing");
    house.pass(HOUR).await;
    if readable(column, subject) {
        assert_eq!(subject.held(&home).map(|held| held.values), None);
        assert_eq!(subject.writes(), 2);
    } else {
        assert_eq!(subject.held(&home).map(|held| held.values), Some(values(&[OLD])));
        assert_eq!(subject.writes(), 1, "a push service is not asked to remove");
    }
    house.moves(&[NEW]).await;
    house.assert_holds(&home, &[NEW]);
}

/// Refused credentials hold the account: it is left in peace until they are other ones.
pub async fn bad_credentials(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    subject.secret(false);
    let mut house = House::start(column, subject, &[declare(&home)], &[NEW]).await;
    let (hold, account) = house.held(&home);
    assert!(account, "{hold:?}");
    assert_eq!(hold.error.kind, Kind::Auth { scope: Scope::Account });
    let calls = subject.calls();
    assert!(calls <= 2, "{calls} calls");
    house.pass(20 * HOUR).await;
    assert_eq!(subject.calls(), calls);
    subject.secret(true);
    house.secret_changed();
    house.pass(10 * MINUTE).await;
    house.assert_holds(&home, &[NEW]);
}

/// What the account may not do in one place holds that record set alone.
pub async fn one_zone_forbidden(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    let theirs = RrsetKey::new(subject.forbidden(), RecordType::A);
    let mut house = House::start(column, subject, &[declare(&home), declare(&theirs)], &[NEW]).await;
    house.assert_holds(&home, &[NEW]);
    let (hold, account) = house.held(&theirs);
    assert!(!account, "{hold:?}");
    let writes = subject.writes();
    house.pass(20 * HOUR).await;
    assert_eq!(subject.writes(), writes);
    assert_eq!(subject.held(&theirs).map(|held| held.values), None);
    house.moves(&[OLD]).await;
    house.assert_holds(&home, &[OLD]);
}

/// A pause that the service asks for is kept to the second, whatever happens meanwhile.
pub async fn rate_limited(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    subject.trouble(Trouble::Limited(7200));
    let mut house = House::start(column, subject, &[declare(&home)], &[OLD]).await;
    let error = house.failing(&home);
    assert_eq!(error.kind, Kind::RateLimited { after: Some(Duration::from_secs(7200)) }, "{error}");
    subject.calm();
    let calls = subject.calls();
    assert!(calls <= 2, "{calls} calls");
    house.moves(&[NEW]).await;
    house.update().await;
    house.pass(2 * HOUR - 4 * MINUTE).await;
    assert_eq!(subject.calls(), calls);
    house.pass(10 * MINUTE).await;
    house.assert_holds(&home, &[NEW]);
}

/// A name in no zone of the account is held by itself, with a hint.
pub async fn no_such_zone(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    let stray = RrsetKey::new(subject.stray(), RecordType::A);
    let mut house = House::start(column, subject, &[declare(&home), declare(&stray)], &[NEW]).await;
    house.assert_holds(&home, &[NEW]);
    let (hold, account) = house.held(&stray);
    assert_eq!((hold.error.kind, account), (Kind::Config, false));
    assert!(hold.error.hint.is_some(), "{}", hold.error);
    let writes = subject.writes();
    house.pass(20 * HOUR).await;
    assert_eq!(subject.writes(), writes);
}

/// A record set on the last page of a listing is found: it is changed, not made a second time.
pub async fn paging(column: &Column, subject: &dyn Subject) {
    subject.crowd();
    let keys: Vec<_> = ["z1", "z2", "z3", "z4", "z5"].iter().map(|label| a(subject, label)).collect();
    for key in &keys {
        subject.put(key, &values(&[OLD]));
    }
    let before = subject.everything().len();
    let records: Vec<_> = keys.iter().map(declare).collect();
    let house = House::start(column, subject, &records, &[NEW]).await;
    for key in &keys {
        house.assert_holds(key, &[NEW]);
    }
    let writes = keys.len().div_ceil(subject.bulk());
    assert_eq!((subject.writes(), subject.everything().len()), (writes, before));
}

/// The TTL that a service makes of the one asked for is its word, not drift.
pub async fn ttl_clamped(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    subject.lowest_ttl(300);
    let mut house = House::start(column, subject, &[declare(&home).ttl(60)], &[NEW]).await;
    house.pass(3 * DAY).await;
    house.assert_holds(&home, &[NEW]);
    assert_eq!(subject.held(&home).and_then(|held| held.ttl), Some(300));
    assert_eq!(subject.writes(), 1);
    house.moves(&[OLD]).await;
    house.pass(DAY).await;
    house.assert_holds(&home, &[OLD]);
    assert_eq!(subject.writes(), 2);
}

/// A name that the service refuses does not keep its neighbours from being updated, and stands alone in the end.
pub async fn poison_in_a_batch(column: &Column, subject: &dyn Subject) {
    let poison = RrsetKey::new(subject.poison(), RecordType::A);
    let mut keys: Vec<_> = ["a", "b", "y", "z"].iter().map(|label| a(subject, label)).collect();
    keys.insert(2, poison.clone());
    let records: Vec<_> = keys.iter().map(declare).collect();
    let mut house = House::start(column, subject, &records, &[NEW]).await;
    house.pass(HOUR).await;
    keys.retain(|key| *key != poison);
    for key in &keys {
        house.assert_holds(key, &[NEW]);
    }
    let (hold, account) = house.held(&poison);
    assert_eq!((hold.error.kind, account), (Kind::Config, false), "{}", hold.error);
    let writes = subject.writes();
    assert!(writes <= 2 * keys.len(), "{writes} writes");
    house.pass(20 * HOUR).await;
    assert_eq!(subject.writes(), writes);
}

/// A service that says yes and does nothing is found out, and not told the same for ever.
pub async fn accepted_but_still_old(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    let before = subject.writes();
    subject.trouble(Trouble::Swallowed);
    house.moves(&[NEW]).await;
    house.pass(20 * HOUR).await;
    assert_eq!(subject.held(&home).map(|held| held.values), Some(values(&[OLD])));
    assert_eq!(subject.writes(), before + 2);
    if readable(column, subject) {
        let (hold, account) = house.held(&home);
        assert_eq!((hold.reason, account), (Reason::Normalised, false));
    } else {
        // Name servers alone cause one write a day.
        assert!(house.entry(&home).error.is_some());
    }
    subject.calm();
    house.moves(&["192.0.2.3"]).await;
    house.assert_holds(&home, &["192.0.2.3"]);
}

/// A change that broke after it was accepted, or was said to have failed, is made good without hammering.
pub async fn error_after_accept(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    let before = subject.writes();
    subject.trouble(Trouble::ErrorAfterAccept);
    house.moves(&[NEW]).await;
    house.pass(HOUR).await;
    house.assert_holds(&home, &[NEW]);
    let writes = subject.writes() - before;
    assert!((1..=2).contains(&writes), "{writes} writes");
    house.pass(DAY).await;
    assert_eq!(subject.writes() - before, writes);
}

/// A job outlives the process: the next one waits for it and does not begin it again.
pub async fn stopped_during_a_job(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    let before = subject.writes();
    subject.trouble(Trouble::Pending);
    house.sees(&[NEW]);
    house.update().await;
    // What was read back before was the old address.
    let in_force = |house: &House<'_>| {
        let entry = house.entry(&home);
        entry.read_back.is_some() && entry.is_confirmed(&values(&[NEW]), None)
    };
    assert!(!in_force(&house), "it is not in force");
    let mut house = house.restart(column, &[declare(&home)]).await;
    house.pass(MINUTE).await;
    assert!(!in_force(&house), "it is not in force yet");
    subject.calm();
    house.pass(30 * MINUTE).await;
    house.assert_holds(&home, &[NEW]);
    assert!(in_force(&house));
    assert_eq!(subject.writes(), before + 1);
}

/// A call whose answer was lost did its work: where that can be read, nothing is written again.
pub async fn time_out_that_succeeded(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    let before = subject.writes();
    subject.trouble(Trouble::AnswerLost);
    house.moves(&[NEW]).await;
    house.pass(HOUR).await;
    house.assert_holds(&home, &[NEW]);
    let again = usize::from(!readable(column, subject));
    assert_eq!(subject.writes(), before + 1 + again);
}

/// A, then B whose answer was lost, then A again: A is sent, whatever was last confirmed.
pub async fn back_to_the_old_value_after_a_time_out(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    subject.trouble(Trouble::AnswerLost);
    house.sees(&[NEW]);
    // The address goes back before the call is tried again.
    house.glance().await;
    assert_eq!(subject.held(&home).map(|held| held.values), Some(values(&[NEW])));
    house.moves(&[OLD]).await;
    house.pass(HOUR).await;
    house.assert_holds(&home, &[OLD]);
}

/// Credentials that depend on time are not to blame when the clock is wrong: nothing is held.
pub async fn clock_wrong_is_not_auth(column: &Column, subject: &dyn Subject) {
    let home = a(subject, "home");
    subject.trouble(Trouble::ClockOff);
    let mut house = House::start(column, subject, &[declare(&home)], &[NEW]).await;
    let error = house.failing(&home);
    assert_transient(&error);
    assert!(error.to_string().contains("clock"), "{error}");
    house.pass(DAY).await;
    assert_transient(&house.failing(&home));
    subject.calm();
    house.pass(HOUR + MINUTE).await;
    house.assert_holds(&home, &[NEW]);
}

/// What is no answer is a failure, never a success; what it hid is found out.
pub async fn garbled_answer(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    subject.trouble(Trouble::GarbledWrite);
    house.moves(&[NEW]).await;
    house.pass(HOUR).await;
    house.assert_holds(&home, &[NEW]);
    subject.trouble(Trouble::Garbled);
    house.moves(&["192.0.2.3"]).await;
    match house.standing(&home) {
        Standing::Failing { error: Some(error) } => assert_transient(&error),
        // A file on this machine that is no zone file: a person must look at it.
        Standing::Held { hold, account: false } => assert_eq!(hold.error.kind, Kind::Config),
        other => panic!("{other:?}"),
    }
    house.pass(HOUR).await;
    subject.calm();
    house.assert_is_not_confirmed(&home, &["192.0.2.3"]);
    house.pass(DAY + HOUR).await;
    house.assert_holds(&home, &["192.0.2.3"]);
}

/// A service that is out of order is tried again, ever more rarely, and told everything when it is back.
pub async fn server_error(column: &Column, subject: &dyn Subject) {
    let (home, mut house) = settled(column, subject).await;
    subject.trouble(Trouble::Down);
    house.moves(&[NEW]).await;
    assert_transient(&house.failing(&home));
    let counted = column.provider != "zonefile";
    let calls = if counted { subject.calls() } else { 0 };
    house.pass(DAY).await;
    assert_transient(&house.failing(&home));
    // An hour at most between two tries, half an hour at least in the end.
    let calls = if counted { subject.calls() - calls } else { 20 };
    assert!((20..=2 * 60).contains(&calls), "{calls} calls in a day");
    subject.calm();
    house.pass(HOUR + MINUTE).await;
    house.assert_holds(&home, &[NEW]);
}
