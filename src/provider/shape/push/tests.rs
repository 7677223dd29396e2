//! What the push adapter promises, against a service that writes down what it is sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::error::Kind;
use crate::model::plan::Snapshot;
use crate::model::record::RecordType;
use crate::provider::Budget;

/// Answers `Unchanged` for names that start with `same`, refuses `bad`, says nothing of `mute`.
struct Fake {
    forgets: bool,
    both: bool,
    most: usize,
    sent: Arc<Mutex<Vec<Update>>>,
}

#[async_trait]
impl Push for Fake {
    fn terms(&self) -> Terms {
        Terms {
            readable: false,
            width: 1,
            budget: Budget::PUSH,
            settles_within: Duration::from_secs(600),
            read_back_after: Duration::ZERO,
            forgets_siblings: self.forgets,
            refresh: None,
            in_dns: true,
        }
    }
    fn names_in_a_request(&self) -> usize {
        self.most
    }
    fn both_families(&self) -> bool {
        self.both
    }
    async fn send(&self, update: &Update) -> Vec<Result<Applied>> {
        self.sent.lock().unwrap().push(update.clone());
        let told = update.names.iter().filter(|name| !name.as_str().starts_with("mute"));
        told.map(|name| match name.as_str() {
            bad if bad.starts_with("bad") => Err(Error::config("updating", "refused")),
            same if same.starts_with("same") => Ok(Applied::Unchanged),
            _ => Ok(Applied::Done),
        })
        .collect()
    }
}

fn provider(forgets: bool, both: bool, most: usize) -> (PushProvider<Fake>, Arc<Mutex<Vec<Update>>>) {
    let sent = Arc::default();
    (PushProvider::new(Fake { forgets, both, most, sent: Arc::clone(&sent) }), sent)
}

fn values(addresses: &[&str]) -> Values {
    addresses.iter().map(|address| address.parse::<std::net::IpAddr>().unwrap().into()).collect()
}

fn change(name: &str, rtype: RecordType, after: &[&str], sibling: Sibling) -> Change {
    Change {
        key: RrsetKey::new(Name::parse(name).unwrap(), rtype),
        before: Values::new(),
        after: values(after),
        retire: Values::new(),
        ttl: None,
        sibling,
        snapshot: Snapshot::none(),
    }
}

fn a(name: &str, address: &str, sibling: Sibling) -> Change {
    change(name, RecordType::A, &[address], sibling)
}

fn aaaa(name: &str, address: &str, sibling: Sibling) -> Change {
    change(name, RecordType::Aaaa, &[address], sibling)
}

fn keys(batches: &[Batch]) -> Vec<Vec<String>> {
    batches.iter().map(|batch| batch.changes.iter().map(|change| change.key.to_string()).collect()).collect()
}

/// Applies the whole plan and answers what was sent.
async fn sent(provider: (PushProvider<Fake>, Arc<Mutex<Vec<Update>>>), changes: Vec<Change>) -> Vec<Update> {
    let (provider, sent) = provider;
    for batch in provider.batches(&Plan { changes }) {
        provider.apply(&batch).await;
    }
    let sent = sent.lock().unwrap();
    sent.clone()
}

#[tokio::test]
async fn nothing_can_be_read() {
    let (provider, _) = provider(true, true, 20);
    let keys = [RrsetKey::new(Name::parse("a.org").unwrap(), RecordType::A)];
    let seen = provider.read(&keys).await;
    assert!(matches!(seen.as_slice(), [Ok(Seen::Unreadable)]));
    assert_eq!(provider.settle(&Ticket("x".into())).await, Ok(Settled::Done));
}

#[tokio::test]
async fn both_families_of_a_name_and_names_with_the_same_addresses_share_a_request() {
    let plan = vec![
        a("a.org", "192.0.2.1", Sibling::Set(values(&["2001:db8::1"]))),
        aaaa("a.org", "2001:db8::1", Sibling::Set(values(&["192.0.2.1"]))),
        a("b.org", "192.0.2.9", Sibling::Unknown),
        aaaa("c.org", "2001:db8::1", Sibling::Keep(values(&["192.0.2.1"]))),
    ];
    let (provider, log) = provider(true, true, 20);
    let batches = provider.batches(&Plan { changes: plan.clone() });
    assert_eq!(keys(&batches), [vec!["a.org A", "a.org AAAA", "c.org AAAA"], vec!["b.org A"]]);
    for batch in &batches {
        assert!(provider.apply(batch).await.iter().all(|answer| *answer == Ok(Applied::Done)));
    }
    let log = log.lock().unwrap();
    let shown: Vec<_> = log.iter().map(|update| (update.names.len(), &update.ipv4, &update.ipv6)).collect();
    let (v4, v6) = (Some(values(&["192.0.2.1"])), Some(values(&["2001:db8::1"])));
    assert_eq!(shown, [(2, &v4, &v6), (1, &Some(values(&["192.0.2.9"])), &None)]);
}

#[tokio::test]
async fn a_service_that_forgets_is_told_the_sibling_that_stays() {
    let keep = vec![a("a.org", "192.0.2.1", Sibling::Keep(values(&["2001:db8::1"])))];
    let told = sent(provider(true, true, 20), keep.clone()).await;
    assert_eq!(told[0].ipv6, Some(values(&["2001:db8::1"])));
    let told = sent(provider(false, true, 20), keep).await;
    assert_eq!(told[0].ipv6, None, "a service that keeps siblings is not told of them");
}

#[tokio::test]
async fn a_sibling_that_is_unknown_or_confirmed_as_nothing_is_not_named() {
    for sibling in [Sibling::Unknown, Sibling::Keep(Values::new()), Sibling::Set(Values::new())] {
        let told = sent(provider(true, true, 20), vec![aaaa("a.org", "2001:db8::1", sibling)]).await;
        assert_eq!((told.len(), &told[0].ipv4), (1, &None));
    }
}

#[tokio::test]
async fn families_apart_are_never_in_one_request() {
    let plan = vec![
        a("a.org", "192.0.2.1", Sibling::Set(values(&["2001:db8::1"]))),
        aaaa("a.org", "2001:db8::1", Sibling::Keep(values(&["192.0.2.1"]))),
    ];
    let told = sent(provider(true, false, 20), plan).await;
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|update| update.ipv4.is_none() != update.ipv6.is_none()));
}

#[tokio::test]
async fn a_batch_split_between_the_families_still_names_both() {
    let plan = vec![
        a("a.org", "192.0.2.1", Sibling::Set(values(&["2001:db8::1"]))),
        aaaa("a.org", "2001:db8::1", Sibling::Set(values(&["192.0.2.1"]))),
    ];
    let (provider, log) = provider(true, true, 20);
    for change in plan {
        provider.apply(&Batch { changes: vec![change] }).await;
    }
    let log = log.lock().unwrap();
    assert_eq!(log[0], log[1]);
}

#[tokio::test]
async fn a_removal_is_refused_without_a_call_and_without_holding_up_the_rest() {
    let (provider, log) = provider(true, true, 20);
    let plan = Plan {
        changes: vec![
            change("a.org", RecordType::A, &[], Sibling::Set(values(&["2001:db8::1"]))),
            aaaa("a.org", "2001:db8::1", Sibling::Set(Values::new())),
            change("a.org", RecordType::Txt, &["192.0.2.1"], Sibling::Unknown),
        ],
    };
    let batches = provider.batches(&plan);
    assert_eq!(keys(&batches), [vec!["a.org AAAA"], vec!["a.org A", "a.org TXT"]]);
    assert_eq!(provider.apply(&batches[0]).await, [Ok(Applied::Done)]);
    let refused = provider.apply(&batches[1]).await;
    let told: Vec<_> = refused.iter().map(|answer| answer.as_ref().unwrap_err()).collect();
    assert!(told.iter().all(|error| error.kind == Kind::Config));
    assert_eq!(told[0].why, "this service cannot remove");
    assert_eq!(log.lock().unwrap().len(), 1);
    assert_eq!(log.lock().unwrap()[0].ipv4, None);
}

#[tokio::test]
async fn each_change_gets_the_answer_of_its_own_name() {
    let (provider, log) = provider(false, true, 20);
    let changes = vec![
        a("bad.org", "192.0.2.1", Sibling::Unknown),
        aaaa("bad.org", "2001:db8::1", Sibling::Unknown),
        a("good.org", "192.0.2.1", Sibling::Unknown),
        aaaa("good.org", "2001:db8::1", Sibling::Unknown),
        aaaa("same.org", "2001:db8::1", Sibling::Unknown),
        a("same.org", "192.0.2.1", Sibling::Unknown),
    ];
    let answers = provider.apply(&Batch { changes }).await;
    assert_eq!(log.lock().unwrap().len(), 1, "one request");
    assert!(answers[..2].iter().all(Result::is_err));
    let done = [Ok(Applied::Done), Ok(Applied::Done), Ok(Applied::Unchanged), Ok(Applied::Unchanged)];
    assert_eq!(answers[2..], done);
}

#[tokio::test]
async fn a_name_without_an_answer_is_a_failure() {
    let (provider, _) = provider(false, true, 20);
    let changes = vec![a("done.org", "192.0.2.1", Sibling::Unknown), a("mute.org", "192.0.2.1", Sibling::Unknown)];
    let answers = provider.apply(&Batch { changes }).await;
    assert_eq!(answers[0], Ok(Applied::Done));
    assert_eq!(answers[1].as_ref().unwrap_err().kind, Kind::Transient);
}

/// A plan with distinct keys, few names and few addresses, in any order. The siblings agree with the plan.
fn plans() -> impl Strategy<Value = Vec<Change>> {
    let name = (0..3u8, proptest::option::of(0..3u8), proptest::option::of(0..3u8), any::<bool>());
    let names = proptest::collection::vec(name, 0..12);
    names.prop_map(|names| names.into_iter().enumerate().flat_map(changes_of).collect::<Vec<_>>()).prop_shuffle()
}

/// 0 removes; `None` leaves the family out of the plan.
fn changes_of((at, (kept, v4, v6, knows)): (usize, (u8, Option<u8>, Option<u8>, bool))) -> Vec<Change> {
    let name = format!("n{at}.org");
    let address = |family: Family, n: u8| match (family, n) {
        (_, 0) => Values::new(),
        (Family::Ipv4, n) => values(&[&format!("192.0.2.{n}")]),
        (Family::Ipv6, n) => values(&[&format!("2001:db8::{n}")]),
    };
    let sibling = |family: Family, planned: Option<u8>| match planned {
        Some(n) => Sibling::Set(address(family, n)),
        None if knows => Sibling::Keep(address(family, kept)),
        None => Sibling::Unknown,
    };
    let one = |family: Family, own: Option<u8>, other: Option<u8>| {
        let mut change = change(&name, family.record_type(), &[], sibling(family.other(), other));
        change.after = address(family, own?);
        Some(change)
    };
    one(Family::Ipv4, v4, v6).into_iter().chain(one(Family::Ipv6, v6, v4)).collect()
}

proptest! {
    #[test]
    fn every_change_is_in_exactly_one_batch(plan in plans(), forgets: bool, both: bool, most in 0..5usize) {
        let (provider, _) = provider(forgets, both, most);
        let batches = provider.batches(&Plan { changes: plan.clone() });
        let mut cut: Vec<_> = keys(&batches).concat();
        let mut given: Vec<_> = plan.iter().map(|change| change.key.to_string()).collect();
        cut.sort();
        given.sort();
        prop_assert_eq!(cut, given);
    }

    #[test]
    fn the_order_of_the_plan_does_not_matter(plan in plans(), forgets: bool, both: bool, most in 1..5usize) {
        let (provider, _) = provider(forgets, both, most);
        let mut sorted = plan.clone();
        sorted.sort_by(|one, other| one.key.cmp(&other.key));
        let cut = |changes: Vec<Change>| keys(&provider.batches(&Plan { changes }));
        prop_assert_eq!(cut(plan), cut(sorted));
    }

    #[test]
    fn a_batch_is_one_request_that_says_what_its_changes_want(
        plan in plans(), forgets: bool, both: bool, most in 1..5usize,
    ) {
        let (provider, _) = provider(forgets, both, most);
        for batch in provider.batches(&Plan { changes: plan.clone() }) {
            let cut = provider.cut(&batch.changes);
            if batch.changes.iter().all(|change| change.after.is_empty()) {
                prop_assert!(cut.requests.is_empty());
                continue;
            }
            prop_assert_eq!((cut.requests.len(), cut.impossible.len()), (1, 0));
            let update = &cut.requests[0].update;
            prop_assert!(!update.names.is_empty() && update.names.len() <= most);
            for change in &batch.changes {
                let (own, other) = match change.key.rtype {
                    RecordType::A => (&update.ipv4, &update.ipv6),
                    _ => (&update.ipv6, &update.ipv4),
                };
                prop_assert!(update.names.contains(&change.key.name));
                prop_assert_eq!(own.as_ref(), Some(&change.after));
                let expected = match &change.sibling {
                    Sibling::Set(values) if both => Some(values),
                    Sibling::Keep(values) if both && forgets => Some(values),
                    _ => None,
                };
                prop_assert_eq!(other.as_ref(), expected.filter(|values| !values.is_empty()));
            }
        }
    }
}
