//! The adapter against a service in memory, with every way of being interrupted: long by the service and its cases.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use proptest::prelude::*;

use super::*;
use crate::model::plan::Sibling;
use crate::provider::Budget;

mod bulk;

/// A service in memory. The write with the number `fail_at` fails, before or after it acted.
#[derive(Default)]
struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    zones: Vec<Zone>,
    records: Vec<(String, Record)>,
    next: u32,
    reads: Vec<String>,
    writes: usize,
    fail_at: Option<usize>,
    acts_before_failing: bool,
    refuses: Option<(String, Kind)>,
    was_empty: bool,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn write(&self, act: impl FnOnce(&mut State) -> Result<()>) -> Result<()> {
        let mut state = self.lock();
        let fails = state.fail_at == Some(state.writes);
        state.writes += 1;
        if !fails || state.acts_before_failing {
            act(&mut state)?;
            state.was_empty |= state.records.iter().all(|(_, record)| record.name != home().name);
        }
        if fails { Err(Error::transient("writing", "no answer")) } else { Ok(()) }
    }
}

impl State {
    fn find(&mut self, id: &str) -> Result<&mut Record> {
        let found = self.records.iter_mut().find(|(_, record)| record.id == id);
        found.map(|(_, record)| record).ok_or_else(|| Error::stale("writing", "no such record"))
    }
}

#[async_trait]
impl Records for Memory {
    fn terms(&self) -> Terms {
        Terms {
            readable: true,
            width: 1,
            budget: Budget::RECORDS,
            settles_within: std::time::Duration::ZERO,
            read_back_after: std::time::Duration::ZERO,
            forgets_siblings: false,
            refresh: None,
            in_dns: false,
        }
    }
    async fn zones(&self) -> Result<Vec<Zone>> {
        let mut state = self.lock();
        state.reads.push("zones".into());
        Ok(state.zones.clone())
    }
    async fn list(&self, zone: &Zone, _keys: &[RrsetKey]) -> Result<Vec<Record>> {
        let mut state = self.lock();
        state.reads.push(format!("list {}", zone.id));
        match &state.refuses {
            Some((id, kind)) if *id == zone.id => Err(Error::new(*kind, "listing", "refused")),
            _ => Ok(state.records.iter().filter(|(id, _)| *id == zone.id).map(|(_, record)| record.clone()).collect()),
        }
    }
    async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Option<String>> {
        self.write(|state| {
            state.next += 1;
            let id = format!("new{}", state.next);
            let Draft { name, rtype, value, ttl, attributes } = draft.clone();
            state.records.push((zone.id.clone(), Record { id, name, rtype, value, ttl, attributes }));
            Ok(())
        })?;
        Ok(None)
    }
    async fn update(&self, _zone: &Zone, record: &Record, draft: &Draft) -> Result<()> {
        self.write(|state| {
            let Draft { name, rtype, value, ttl, attributes } = draft.clone();
            *state.find(&record.id)? = Record { id: record.id.clone(), name, rtype, value, ttl, attributes };
            Ok(())
        })
    }
    async fn delete(&self, _zone: &Zone, record: &Record) -> Result<()> {
        self.write(|state| {
            state.find(&record.id)?;
            state.records.retain(|(_, kept)| kept.id != record.id);
            Ok(())
        })
    }
}

fn key(name: &str) -> RrsetKey {
    RrsetKey::new(Name::parse(name).unwrap(), RecordType::A)
}

fn home() -> RrsetKey {
    key("home.example.org")
}

fn zone(name: &str) -> Zone {
    Zone { id: format!("id of {name}"), name: Name::parse(name).unwrap() }
}

fn address(last: u8) -> Value {
    Value::V4([192, 0, 2, last].into())
}

fn record(id: &str, of: &RrsetKey, last: u8, ttl: u32, weight: u8) -> Record {
    Record {
        id: id.into(),
        name: of.name.clone(),
        rtype: of.rtype,
        value: address(last),
        ttl: Ttl::new(ttl),
        attributes: [("weight".to_owned(), weight.to_string())].into(),
    }
}

fn provider(records: impl IntoIterator<Item = Record>) -> RecordsProvider<Memory> {
    let org = zone("example.org");
    let records = records.into_iter().map(|record| (org.id.clone(), record)).collect();
    RecordsProvider::new(Memory(Mutex::new(State { zones: vec![org], records, ..State::default() })))
}

fn values(last: impl IntoIterator<Item = u8>) -> Values {
    last.into_iter().map(address).collect()
}

/// The change that makes `wanted` ours, where `mine` is what the ledger calls ours; planned from a new read. The TTL of a
/// set in which foreign values stay is not ours to change.
async fn plan(provider: &RecordsProvider<Memory>, wanted: &Values, mine: &Values, ttl: Option<Ttl>) -> Change {
    let seen = provider.read(&[home()]).await.remove(0).unwrap();
    let (before, snapshot) = match seen {
        Seen::Holds { values, snapshot, .. } => (values, snapshot),
        Seen::Absent(snapshot) => (Values::new(), snapshot),
        Seen::Unreadable => unreachable!(),
    };
    let retire: Values = before.intersection(mine).filter(|value| !wanted.contains(value)).cloned().collect();
    let after: Values = before.difference(&retire).chain(wanted).cloned().collect();
    let ttl = ttl.filter(|_| after.is_subset(wanted));
    Change { key: home(), before, after, retire, ttl, sibling: Sibling::Unknown, snapshot }
}

async fn apply(provider: &RecordsProvider<Memory>, change: &Change) -> Result<Applied> {
    let batches = provider.batches(&Plan { changes: vec![change.clone()] });
    provider.apply(&batches[0]).await.remove(0)
}

/// Plans from a new read and applies.
async fn update(provider: &RecordsProvider<Memory>, wanted: &Values, mine: &Values, ttl: Option<Ttl>) -> Change {
    let change = plan(provider, wanted, mine, ttl).await;
    apply(provider, &change).await.unwrap();
    change
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn zones_are_asked_once_and_each_zone_is_listed_once() {
    run(async {
        let provider = provider([record("1", &home(), 1, 300, 0)]);
        provider.service().lock().zones.push(zone("sub.example.org"));
        let keys = [home(), key("a.sub.example.org"), key("b.sub.example.org"), key("other.example.org")];
        let seen = provider.read(&keys).await;
        assert!(matches!(&seen[0], Ok(Seen::Holds { values, mixed: false, .. }) if *values == self::values([1])));
        assert!(seen[1..].iter().all(|seen| matches!(seen, Ok(Seen::Absent(_)))));
        provider.read(&keys).await;
        let lists = ["list id of example.org", "list id of sub.example.org"];
        assert_eq!(provider.service().lock().reads, [&["zones"][..], &lists, &lists].concat());
    });
}

#[test]
fn a_forbidden_zone_does_not_blind_the_others() {
    run(async {
        let provider = provider([record("1", &home(), 1, 300, 0)]);
        provider.service().lock().zones.push(zone("example.net"));
        let kind = Kind::Auth { scope: crate::model::error::Scope::RecordSet };
        provider.service().lock().refuses = Some(("id of example.net".into(), kind));
        let seen = provider.read(&[key("a.example.net"), home(), key("nowhere.example")]).await;
        assert_eq!(seen[0].as_ref().unwrap_err().kind, kind);
        assert!(matches!(&seen[1], Ok(Seen::Holds { .. })));
        assert_eq!(seen[2].as_ref().unwrap_err().kind, Kind::Config);
    });
}

#[test]
fn a_refused_account_is_not_asked_for_the_other_zones() {
    run(async {
        let provider = provider([]);
        provider.service().lock().zones.push(zone("example.net"));
        let kind = Kind::Auth { scope: crate::model::error::Scope::Account };
        provider.service().lock().refuses = Some(("id of example.net".into(), kind));
        let seen = provider.read(&[key("a.example.net"), home()]).await;
        assert!(seen.iter().all(|seen| seen.as_ref().is_err_and(|error| error.kind == kind)));
        assert_eq!(provider.service().lock().reads, ["zones", "list id of example.net"]);
    });
}

#[test]
fn a_zone_that_is_new_is_found() {
    run(async {
        let provider = provider([]);
        let keys = [key("a.example.net"), key("b.example.net")];
        assert_eq!(provider.read(&keys).await[0].as_ref().unwrap_err().kind, Kind::Config);
        provider.service().lock().zones.push(zone("example.net"));
        assert!(provider.read(&keys).await.iter().all(|seen| matches!(seen, Ok(Seen::Absent(_)))));
        assert_eq!(provider.service().lock().reads, ["zones", "zones", "list id of example.net"]);
    });
}

#[test]
fn a_zone_id_that_is_gone_is_looked_up_again() {
    run(async {
        let provider = provider([]);
        provider.read(&[home()]).await;
        provider.service().lock().refuses = Some(("id of example.org".into(), Kind::Stale));
        provider.service().lock().zones[0].id = "another".into();
        assert_eq!(provider.read(&[home()]).await[0].as_ref().unwrap_err().kind, Kind::Stale);
        assert!(matches!(provider.read(&[home()]).await[0], Ok(Seen::Absent(_))));
    });
}

#[test]
fn a_record_that_is_gone_is_stale_and_drops_the_zones() {
    run(async {
        let provider = provider([record("1", &home(), 1, 300, 0)]);
        let change = plan(&provider, &values([2]), &values([1]), None).await;
        provider.service().lock().records.clear();
        assert_eq!(apply(&provider, &change).await.unwrap_err().kind, Kind::Stale);
        update(&provider, &values([2]), &values([1]), None).await;
        assert_eq!(provider.service().lock().reads.iter().filter(|read| *read == "zones").count(), 2);
    });
}

#[test]
fn a_change_that_was_not_read_is_not_guessed() {
    run(async {
        let provider = provider([record("1", &home(), 1, 300, 0)]);
        let mut change = plan(&provider, &values([2]), &values([1]), None).await;
        change.snapshot = Snapshot::none();
        assert_eq!(apply(&provider, &change).await.unwrap_err().kind, Kind::Stale);
        assert_eq!(provider.service().lock().writes, 0);
    });
}

#[test]
fn records_whose_attributes_differ_are_mixed_and_the_lowest_ttl_counts() {
    run(async {
        for (weights, mixed_expected) in [([1, 1, 1], false), ([1, 1, 2], true), ([2, 1, 1], true)] {
            let records =
                (1..).zip(weights).map(|(n, weight)| record(&n.to_string(), &home(), n, 100 * u32::from(n), weight));
            let seen = provider(records).read(&[home()]).await.remove(0).unwrap();
            let Seen::Holds { mixed, ttl, .. } = seen else { panic!("{seen:?}") };
            assert_eq!((mixed, ttl), (mixed_expected, Ttl::new(100)));
        }
    });
}

#[test]
fn our_old_record_becomes_the_new_one_with_its_attributes_and_its_ttl() {
    run(async {
        let provider = provider([record("1", &home(), 1, 300, 7)]);
        update(&provider, &values([2]), &values([1]), None).await;
        assert_eq!(provider.service().lock().records[0].1, record("1", &home(), 2, 300, 7));
        update(&provider, &values([3]), &values([2]), Ttl::new(60)).await;
        assert_eq!(provider.service().lock().records[0].1, record("1", &home(), 3, 60, 7));
        assert_eq!(provider.service().lock().writes, 2);
    });
}

#[test]
fn a_new_value_takes_the_ttl_of_the_set_it_joins() {
    run(async {
        let provider = provider([record("1", &home(), 1, 1200, 7)]);
        update(&provider, &values([1, 2]), &values([1]), None).await;
        let state = provider.service().lock();
        assert_eq!((state.records[1].1.ttl, state.records[1].1.attributes.len()), (Ttl::new(1200), 0));
    });
}

#[test]
fn an_unchanged_value_gets_its_new_ttl_and_nothing_else() {
    run(async {
        let provider = provider([record("1", &home(), 1, 300, 7)]);
        update(&provider, &values([1]), &values([1]), Ttl::new(60)).await;
        assert_eq!(provider.service().lock().records[0].1, record("1", &home(), 1, 60, 7));
        update(&provider, &values([1]), &values([1]), Ttl::new(60)).await;
        assert_eq!(provider.service().lock().writes, 1);
    });
}

#[test]
fn a_change_of_values_leaves_the_ttl_of_the_records_that_stay_alone() {
    run(async {
        let provider = provider([record("1", &home(), 1, 300, 7), record("2", &home(), 2, 300, 7)]);
        update(&provider, &values([1, 3]), &values([1, 2]), Ttl::new(60)).await;
        let expected = [record("1", &home(), 1, 300, 7), record("2", &home(), 3, 60, 7)];
        assert_eq!(held(&provider), expected);
    });
}

#[test]
fn removal_takes_only_what_is_ours() {
    run(async {
        let ours = [record("1", &home(), 1, 300, 0), record("2", &home(), 1, 300, 0)];
        let provider = provider(ours.into_iter().chain([record("3", &home(), 9, 300, 0)]));
        update(&provider, &Values::new(), &values([1]), None).await;
        let state = provider.service().lock();
        assert_eq!(state.records.iter().map(|(_, record)| record.id.as_str()).collect::<Vec<_>>(), ["3"]);
    });
}

#[derive(Clone, Debug)]
struct Case {
    held: Vec<(u8, u32, u8)>,
    wanted: BTreeSet<u8>,
    mine: BTreeSet<u8>,
    ttl: Option<u32>,
}

fn cases() -> impl Strategy<Value = Case> {
    let held = prop::collection::vec((0..6_u8, prop::sample::select(vec![60_u32, 300]), 0..2_u8), 0..6);
    let some = || prop::collection::btree_set(0..6_u8, 0..4);
    let ttl = prop::option::of(prop::sample::select(vec![60_u32, 300]));
    (held, some(), some(), ttl).prop_map(|(held, wanted, mine, ttl)| Case { held, wanted, mine, ttl })
}

impl Case {
    fn provider(&self) -> RecordsProvider<Memory> {
        let numbered = self.held.iter().enumerate();
        let ours = numbered.map(|(at, (last, ttl, weight))| record(&at.to_string(), &home(), *last, *ttl, *weight));
        let others = [record("other name", &key("other.example.org"), 1, 300, 1)];
        let aaaa = RrsetKey::new(home().name, RecordType::Aaaa);
        provider(ours.chain(others).chain([record("other type", &aaaa, 1, 300, 1)]))
    }

    fn sets(&self) -> (Values, Values, Option<Ttl>) {
        (values(self.wanted.clone()), values(self.mine.clone()), self.ttl.and_then(Ttl::new))
    }

    /// Foreign records are what they were; those of ours that stay may have another TTL.
    fn assert_nothing_foreign_was_touched(&self, provider: &RecordsProvider<Memory>, change: &Change) {
        let (old, new) = (self.provider(), provider.service().lock());
        for (_, was) in &old.service().lock().records {
            let is = new.records.iter().find(|(_, record)| record.id == was.id).map(|(_, record)| record);
            if is_of(was, &home()) && change.retire.contains(&was.value) {
                continue;
            }
            let mut expected = was.clone();
            if is_of(was, &home()) && self.sets().0.contains(&was.value) && change.ttl.is_some() {
                expected.ttl = is.and_then(|is| is.ttl);
            }
            assert_eq!(is, Some(&expected));
        }
    }
}

fn held(provider: &RecordsProvider<Memory>) -> Vec<Record> {
    let state = provider.service().lock();
    state.records.iter().map(|(_, record)| record.clone()).filter(|record| is_of(record, &home())).collect()
}

proptest! {
    #[test]
    fn a_change_is_made_with_the_fewest_calls_and_touches_nothing_foreign(case in cases()) {
        run(async {
            let provider = case.provider();
            let (wanted, mine, ttl) = case.sets();
            let before = held(&provider);
            let change = update(&provider, &wanted, &mine, ttl).await;
            let after = held(&provider);
            assert_eq!(after.iter().map(|record| record.value.clone()).collect::<Values>(), change.after);
            let too_much = before.iter().filter(|record| change.retire.contains(&record.value)).count();
            let missing = change.added().count();
            let wrong_ttl = before.iter().filter(|record| change.ttl.is_some() && record.ttl != change.ttl).count();
            let fewest = if too_much == 0 && missing == 0 { wrong_ttl } else { too_much.max(missing) };
            assert_eq!(provider.service().lock().writes, fewest);
            for record in after.iter().filter(|record| change.added().any(|value| *value == record.value)) {
                assert!(change.ttl.is_none() || record.ttl == change.ttl);
            }
            case.assert_nothing_foreign_was_touched(&provider, &change);
        });
    }

    #[test]
    fn a_change_interrupted_at_any_call_is_finished_by_the_next(case in cases()) {
        run(async {
            let (wanted, mine, ttl) = case.sets();
            let whole = case.provider();
            let change = update(&whole, &wanted, &mine, ttl).await;
            let (calls, emptied) = (whole.service().lock().writes, change.after.is_empty());
            for (at, acts) in (0..calls).flat_map(|at| [(at, false), (at, true)]) {
                let provider = case.provider();
                provider.service().lock().fail_at = Some(at);
                provider.service().lock().acts_before_failing = acts;
                let first = plan(&provider, &wanted, &mine, ttl).await;
                assert!(apply(&provider, &first).await.is_err());
                let again = update(&provider, &wanted, &mine, ttl).await;
                case.assert_nothing_foreign_was_touched(&provider, &change);
                let now: Values = held(&provider).into_iter().map(|record| record.value).collect();
                assert_eq!((&now, &now), (&again.after, &change.after));
                assert!(emptied || change.before.is_empty() || !provider.service().lock().was_empty);
                // What was done is not done again. Where it was the last call, the TTL of what stayed may come up now.
                let stayed = held(&provider).iter().filter(|record| change.before.contains(&record.value)).count();
                assert!(provider.service().lock().writes <= calls + 1 + if acts { stayed } else { 0 });
            }
        });
    }
}
