//! Services that take several records in one call: the fewest calls, their order, refusals whole and in part, and jobs.

use std::collections::BTreeMap;

use super::*;

/// A service that takes several records in one call, and counts its calls.
#[derive(Default)]
struct Bulky {
    bulk: Bulk,
    state: Mutex<Desk>,
}

#[derive(Default)]
struct Desk {
    records: Vec<(String, Record)>,
    next: u32,
    reads: Vec<String>,
    /// What was called, and with how many records.
    calls: Vec<(&'static str, usize)>,
    /// A call that has one of these names is refused as a whole.
    poison: BTreeSet<String>,
    /// What becomes of these names in a call that is taken otherwise.
    refused: BTreeMap<String, Error>,
    /// Calls of these kinds are refused.
    limited: BTreeMap<&'static str, Error>,
    /// Handed out with the calls of these kinds.
    tickets: BTreeMap<&'static str, Ticket>,
    /// Of each call the last so many are not answered.
    silent: usize,
    settled: Option<Result<Settled>>,
}

impl Bulky {
    fn new(creations: usize, updates: usize, deletions: usize) -> RecordsProvider<Self> {
        RecordsProvider::new(Self { bulk: Bulk { creations, updates, deletions }, state: Mutex::default() })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.state.lock().unwrap()
    }
}

impl Desk {
    fn act(&mut self, zone: &Zone, edits: &Edits) -> Vec<Result<()>> {
        let (word, names): (_, Vec<Name>) = match edits {
            Edits::Create(drafts) => ("create", drafts.iter().map(|draft| draft.name.clone()).collect()),
            Edits::Update(changes) => ("update", changes.iter().map(|(_, draft)| draft.name.clone()).collect()),
            Edits::Delete(records) => ("delete", records.iter().map(|record| record.name.clone()).collect()),
        };
        self.calls.push((word, names.len()));
        if let Some(error) = self.limited.get(word) {
            return names.iter().map(|_| Err(error.clone())).collect();
        }
        if names.iter().any(|name| self.poison.contains(name.as_str())) {
            return names.iter().map(|_| Err(Error::config("editing", "one of these is wrong"))).collect();
        }
        let outcomes = names.iter().map(|name| self.refused.get(name.as_str()).cloned().map_or(Ok(()), Err));
        let outcomes: Vec<_> = outcomes.take(names.len().saturating_sub(self.silent)).collect();
        for (at, _) in outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_ok()) {
            self.act_on(zone, edits, at);
        }
        outcomes
    }

    fn act_on(&mut self, zone: &Zone, edits: &Edits, at: usize) {
        let of = |id: String, draft: &Draft| {
            let Draft { name, rtype, value, ttl, attributes } = draft.clone();
            Record { id, name, rtype, value, ttl, attributes }
        };
        match edits {
            Edits::Create(drafts) => {
                self.next += 1;
                self.records.push((zone.id.clone(), of(self.next.to_string(), &drafts[at])));
            }
            Edits::Update(changes) => {
                let (record, draft) = &changes[at];
                let (_, held) = self.records.iter_mut().find(|(_, held)| held.id == record.id).unwrap();
                *held = of(record.id.clone(), draft);
            }
            Edits::Delete(records) => self.records.retain(|(_, held)| held.id != records[at].id),
        }
    }
}

#[async_trait]
impl Records for Bulky {
    fn terms(&self) -> Terms {
        Memory::default().terms()
    }
    async fn zones(&self) -> Result<Vec<Zone>> {
        self.desk().reads.push("zones".into());
        Ok(vec![zone("example.org"), zone("example.net")])
    }
    async fn list(&self, zone: &Zone, _keys: &[RrsetKey]) -> Result<Vec<Record>> {
        let mut desk = self.desk();
        desk.reads.push(format!("list {}", zone.name));
        Ok(desk.records.iter().filter(|(id, _)| *id == zone.id).map(|(_, record)| record.clone()).collect())
    }
    async fn create(&self, _zone: &Zone, _draft: &Draft) -> Result<Option<String>> {
        unreachable!()
    }
    async fn update(&self, _zone: &Zone, _record: &Record, _draft: &Draft) -> Result<()> {
        unreachable!()
    }
    async fn delete(&self, _zone: &Zone, _record: &Record) -> Result<()> {
        unreachable!()
    }
    fn bulk(&self) -> Bulk {
        self.bulk
    }
    async fn begin(&self, zone: &Zone, edits: &Edits) -> Begun {
        let mut desk = self.desk();
        let outcomes = desk.act(zone, edits);
        let word = desk.calls.last().unwrap().0;
        Begun { outcomes, ticket: desk.tickets.get(word).cloned() }
    }
    async fn settle(&self, _ticket: &Ticket) -> Result<Settled> {
        self.desk().settled.clone().unwrap()
    }
}

fn numbered(count: usize) -> Vec<RrsetKey> {
    (0..count).map(|n| key(&format!("n{n:04}.example.org"))).collect()
}

/// The changes that make each set hold `wanted`, where `mine` is ours; what is right already is left out.
async fn planned(provider: &RecordsProvider<Bulky>, keys: &[RrsetKey], wanted: &Values, mine: &Values) -> Plan {
    let seen = provider.read(keys).await;
    let changes = keys.iter().zip(seen).map(|(key, seen)| {
        let (before, snapshot) = match seen.unwrap() {
            Seen::Holds { values, snapshot, .. } => (values, snapshot),
            Seen::Absent(snapshot) => (Values::new(), snapshot),
            Seen::Unreadable => unreachable!(),
        };
        let retire: Values = before.intersection(mine).filter(|value| !wanted.contains(value)).cloned().collect();
        let after: Values = before.difference(&retire).chain(wanted).cloned().collect();
        Change { key: key.clone(), before, after, retire, ttl: None, sibling: Sibling::Unknown, snapshot }
    });
    Plan { changes: changes.filter(|change| change.before != change.after).collect() }
}

/// Plans from a new read, and applies batch by batch.
async fn make(
    provider: &RecordsProvider<Bulky>,
    keys: &[RrsetKey],
    wanted: &Values,
    mine: &Values,
) -> Vec<(RrsetKey, Result<Applied>)> {
    let mut outcomes = Vec::new();
    for batch in provider.batches(&planned(provider, keys, wanted, mine).await) {
        let of_batch = provider.apply(&batch).await;
        assert_eq!(of_batch.len(), batch.changes.len());
        outcomes.extend(batch.changes.into_iter().map(|change| change.key).zip(of_batch));
    }
    outcomes
}

fn taken(provider: &RecordsProvider<Bulky>) -> Vec<(&'static str, usize)> {
    std::mem::take(&mut provider.service().desk().calls)
}

#[test]
fn a_thousand_record_sets_cost_one_listing_and_the_fewest_calls() {
    run(async {
        let provider = Bulky::new(100, 40, 300);
        let keys = numbered(1000);
        for (wanted, mine, word, calls) in [
            (values([1]), Values::new(), "create", vec![100; 10]),
            (values([2]), values([1]), "update", vec![40; 25]),
            (Values::new(), values([2]), "delete", vec![300, 300, 300, 100]),
        ] {
            provider.service().desk().reads.clear();
            let outcomes = make(&provider, &keys, &wanted, &mine).await;
            assert!(outcomes.len() == 1000 && outcomes.iter().all(|(_, outcome)| *outcome == Ok(Applied::Done)));
            assert_eq!(taken(&provider), calls.iter().map(|count| (word, *count)).collect::<Vec<_>>());
            let lists = provider.service().desk().reads.iter().filter(|read| read.starts_with("list")).count();
            assert_eq!(lists, 1);
            assert_eq!(planned(&provider, &keys, &wanted, &mine).await.changes.len(), 0);
        }
        assert!(provider.service().desk().reads.iter().all(|read| read != "zones"), "they are remembered");
    });
}

#[test]
fn a_batch_is_for_one_zone_one_type_and_calls_of_one_pattern() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        let aaaa = |name: &str| RrsetKey::new(Name::parse(name).unwrap(), RecordType::Aaaa);
        let keys = [
            key("a.example.org"),
            key("b.example.org"),
            key("c.example.net"),
            key("d.example.org"),
            aaaa("a.example.org"),
            key("e.example.net"),
        ];
        provider.service().desk().records.push((zone("example.org").id, record("x", &keys[1], 9, 300, 0)));
        let plan = planned(&provider, &keys, &values([1]), &values([9])).await;
        let batches = provider.batches(&plan);
        let names: Vec<Vec<String>> =
            batches.iter().map(|batch| batch.changes.iter().map(|change| change.key.to_string()).collect()).collect();
        let expected = [
            vec!["a.example.org A", "d.example.org A"],
            vec!["b.example.org A"],
            vec!["c.example.net A", "e.example.net A"],
            vec!["a.example.org AAAA"],
        ];
        assert_eq!(names, expected);
    });
}

/// What the machine does with a call that was refused whole as wrong: its halves are sent.
async fn halved(provider: &RecordsProvider<Bulky>, batch: Batch) -> Vec<(RrsetKey, Result<Applied>)> {
    let mut waiting = vec![batch];
    let mut ended = Vec::new();
    while let Some(batch) = waiting.pop() {
        let outcomes = provider.apply(&batch).await;
        let wrong = outcomes.iter().all(|outcome| matches!(outcome, Err(Error { kind: Kind::Config, .. })));
        if wrong && batch.changes.len() > 1 {
            let (front, back) = batch.changes.split_at(batch.changes.len() / 2);
            waiting.extend([Batch { changes: back.to_vec() }, Batch { changes: front.to_vec() }]);
        } else {
            ended.extend(batch.changes.into_iter().map(|change| change.key).zip(outcomes));
        }
    }
    ended
}

#[test]
fn a_call_that_is_refused_whole_is_split_until_the_culprit_stands_alone() {
    run(async {
        for (word, culprit) in [("create", 0), ("create", 37), ("create", 99), ("update", 50), ("delete", 63)] {
            let provider = Bulky::new(100, 100, 100);
            let keys = numbered(100);
            let (wanted, mine) = match word {
                "create" => (values([1]), Values::new()),
                "update" => (values([1]), values([9])),
                _ => (Values::new(), values([9])),
            };
            if word != "create" {
                let records = keys.iter().enumerate().map(|(at, of)| record(&at.to_string(), of, 9, 300, 0));
                provider.service().desk().records = records.map(|of| (zone("example.org").id, of)).collect();
            }
            provider.service().desk().poison.insert(keys[culprit].name.to_string());
            let mut batches = provider.batches(&planned(&provider, &keys, &wanted, &mine).await);
            assert_eq!(batches.len(), 1);
            let ended = halved(&provider, batches.remove(0)).await;
            assert_eq!(ended.len(), 100);
            for (key, outcome) in ended {
                let is_culprit = key == keys[culprit];
                assert_eq!(outcome.is_err_and(|error| error.kind == Kind::Config), is_culprit, "{key}");
            }
            let calls = taken(&provider);
            assert!(calls.len() <= 15 && calls.iter().all(|(made, _)| *made == word), "{calls:?}");
            let left = planned(&provider, &keys, &wanted, &mine).await;
            assert_eq!(left.changes.iter().map(|change| &change.key).collect::<Vec<_>>(), [&keys[culprit]]);
        }
    });
}

#[test]
fn what_is_refused_by_itself_keeps_the_others_from_nothing() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        let keys = numbered(100);
        for (at, kind) in [(3, Kind::Config), (50, Kind::Stale), (99, Kind::Transient)] {
            let name = keys[at].name.to_string();
            provider.service().desk().refused.insert(name, Error::new(kind, "creating", "not this one"));
        }
        let outcomes = make(&provider, &keys, &values([1]), &Values::new()).await;
        assert_eq!(taken(&provider), [("create", 100)]);
        let kinds: Vec<(usize, Kind)> = outcomes
            .iter()
            .enumerate()
            .filter_map(|(at, (key, outcome))| {
                assert_eq!(*key, keys[at]);
                Some((at, outcome.as_ref().err()?.kind))
            })
            .collect();
        assert_eq!(kinds, [(3, Kind::Config), (50, Kind::Stale), (99, Kind::Transient)]);
        provider.service().desk().refused.clear();
        make(&provider, &keys, &values([1]), &Values::new()).await;
        assert_eq!(taken(&provider), [("create", 3)]);
    });
}

/// Two names that hold 8 and 9, which are ours and become 1, 2 and 3: one update more than creations, and no name empty.
async fn growing(provider: &RecordsProvider<Bulky>) -> Vec<(RrsetKey, Result<Applied>)> {
    let keys = numbered(2);
    if provider.service().desk().records.is_empty() {
        for (id, of, last) in [("1", 0, 8), ("2", 0, 9), ("3", 1, 8), ("4", 1, 9)] {
            let held = record(id, &keys[of], last, 300, 0);
            provider.service().desk().records.push((zone("example.org").id, held));
        }
        provider.service().desk().next = 100;
    }
    make(provider, &keys, &values([1, 2, 3]), &values([8, 9])).await
}

#[test]
fn a_name_is_updated_before_it_grows_and_before_it_shrinks() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        assert!(growing(&provider).await.iter().all(|(_, outcome)| outcome.is_ok()));
        assert_eq!(taken(&provider), [("update", 4), ("create", 2)]);
        let shrunk = make(&provider, &numbered(2), &values([7]), &values([1, 2, 3])).await;
        assert!(shrunk.iter().all(|(_, outcome)| outcome.is_ok()));
        assert_eq!(taken(&provider), [("update", 2), ("delete", 4)]);
    });
}

#[test]
fn a_change_whose_first_call_failed_makes_no_second() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        let refusal = Error::stale("updating", "it is gone");
        provider.service().desk().refused.insert("n0000.example.org".into(), refusal);
        let outcomes = growing(&provider).await;
        assert_eq!(taken(&provider), [("update", 4), ("create", 1)]);
        assert_eq!(outcomes[0].1.as_ref().unwrap_err().kind, Kind::Stale);
        assert_eq!(outcomes[1].1, Ok(Applied::Done));
    });
}

#[test]
fn a_job_is_waited_for_with_its_ticket_and_what_comes_after_it_is_planned_anew() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        let ticket = Ticket("job 7".into());
        provider.service().desk().tickets.insert("update", ticket.clone());
        let outcomes = growing(&provider).await;
        assert_eq!(taken(&provider), [("update", 4)], "nothing more is sent while the job runs");
        let Ok(Applied::Accepted(Some(more))) = &outcomes[0].1 else { panic!("{outcomes:?}") };
        assert_ne!(*more, ticket);
        provider.service().desk().settled = Some(Ok(Settled::Running));
        assert_eq!(provider.settle(more).await, Ok(Settled::Running));
        provider.service().desk().settled = Some(Ok(Settled::Done));
        assert_eq!(provider.settle(more).await.unwrap_err().kind, Kind::Stale, "it is not done yet");
        let rest = growing(&provider).await;
        assert_eq!(taken(&provider), [("create", 2)]);
        assert!(rest.iter().all(|(_, outcome)| *outcome == Ok(Applied::Done)), "{rest:?}");
    });
}

#[test]
fn the_last_job_of_a_change_is_the_changes_own() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        let ticket = Ticket("job 8".into());
        provider.service().desk().tickets.insert("create", ticket.clone());
        let outcomes = growing(&provider).await;
        assert_eq!(taken(&provider), [("update", 4), ("create", 2)]);
        assert!(outcomes.iter().all(|(_, outcome)| *outcome == Ok(Applied::Accepted(Some(ticket.clone())))));
        provider.service().desk().settled = Some(Ok(Settled::Done));
        assert_eq!(provider.settle(&ticket).await, Ok(Settled::Done));
        let failure = Error::stale("following", "the job failed");
        provider.service().desk().settled = Some(Err(failure.clone()));
        assert_eq!(provider.settle(&ticket).await, Err(failure));
    });
}

#[test]
fn more_edits_of_a_set_than_a_call_takes_go_into_several_calls_one_job_after_the_other() {
    run(async {
        let provider = Bulky::new(2, 1, 1);
        let keys = numbered(1);
        make(&provider, &keys, &values(1..6), &Values::new()).await;
        assert_eq!(taken(&provider), [("create", 2), ("create", 2), ("create", 1)]);
        provider.service().desk().records.clear();
        provider.service().desk().tickets.insert("create", Ticket("job 9".into()));
        let outcomes = make(&provider, &keys, &values(1..6), &Values::new()).await;
        assert_eq!(taken(&provider), [("create", 2)]);
        assert!(matches!(&outcomes[0].1, Ok(Applied::Accepted(Some(ticket))) if ticket.0 != "job 9"));
    });
}

#[test]
fn silence_about_a_record_is_no_success() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        provider.service().desk().silent = 2;
        let outcomes = make(&provider, &numbered(5), &values([1]), &Values::new()).await;
        let kinds: Vec<_> =
            outcomes.iter().map(|(_, outcome)| outcome.as_ref().err().map(|error| error.kind)).collect();
        assert_eq!(kinds, [None, None, None, Some(Kind::Transient), Some(Kind::Transient)]);
    });
}

#[test]
fn a_limit_ends_the_calls_and_only_what_was_never_sent_says_so() {
    run(async {
        let provider = Bulky::new(1, 1, 1);
        let keys = numbered(3);
        let pause = Error::rate_limited(None, "creating", "later").unsent();
        provider.service().desk().refused.insert("n0001.example.org".into(), pause);
        let plan = planned(&provider, &keys, &values([1]), &Values::new()).await;
        // By itself the adapter would make three batches of them.
        let outcomes = provider.apply(&Batch { changes: plan.changes }).await;
        assert_eq!(taken(&provider), [("create", 1), ("create", 1)]);
        assert_eq!(outcomes[0], Ok(Applied::Done));
        for outcome in &outcomes[1..] {
            let error = outcome.as_ref().unwrap_err();
            assert!(error.unsent && error.kind == Kind::RateLimited { after: None }, "{error:?}");
        }
    });
}

#[test]
fn a_set_of_which_a_part_was_sent_was_sent() {
    run(async {
        let provider = Bulky::new(100, 100, 100);
        let pause = Error::rate_limited(None, "creating", "later").unsent();
        provider.service().desk().limited.insert("create", pause);
        let outcomes = growing(&provider).await;
        assert_eq!(taken(&provider), [("update", 4), ("create", 2)]);
        assert!(outcomes.iter().all(|(_, outcome)| outcome.as_ref().is_err_and(|error| !error.unsent)), "{outcomes:?}");
        let fresh = make(&provider, &[home()], &values([1]), &Values::new()).await;
        assert!(fresh[0].1.as_ref().is_err_and(|error| error.unsent), "{fresh:?}");
    });
}
