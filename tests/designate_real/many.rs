//! A thousand names of one zone at a real Designate: how many calls they cost. How long they take is told, never asserted.

use std::time::Instant;

use driftless::model::plan::Plan;
use driftless::provider::edit::Filter;
use futures_util::{StreamExt, stream};

use super::by_hand::{add_zone, remove_zone, usual_quotas, wanted};
use super::*;

const MANY: usize = 1000;

impl Rig {
    /// How many calls of this method Designate has answered so far.
    fn calls(&self, method: &str) -> usize {
        let path = format!("{}/designate/designate.access", self.variable("RIG_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter(|line| line.split(' ').nth(1) == Some(method)).count()
    }
}

/// Tells what a step took, and answers how many calls of a method it was.
#[expect(clippy::disallowed_methods, reason = "a test tells how long a step took")]
async fn counted<T>(rig: &Rig, what: &str, method: &str, step: impl Future<Output = T>) -> (T, usize) {
    let (before, since) = (rig.calls(method), Instant::now());
    let answer = step.await;
    let calls = rig.calls(method) - before;
    eprintln!("{what}: {calls} {method} in {:.1} s", since.elapsed().as_secs_f64());
    (answer, calls)
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_thousand_names_cost_one_paged_list_and_a_call_each() {
    let Some(rig) = rig().await else { return };
    rig.quotas(json!({"zones": 10, "zone_recordsets": 5000, "zone_records": 5000})).await;
    let (editor, account) = (rig.editor(&[]), rig.account(&[]));
    let zone = add_zone(&editor, "many.example.test").await;
    let name = |at: usize| format!("h{at}.many.example.test");
    let edits: Vec<_> = (0..MANY).map(|at| wanted(&name(at), A, &["192.0.2.1"], None)).collect();
    let (answers, calls) = counted(&rig, "adding 1000 by hand", "POST", editor.add(&zone, &edits)).await;
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
    assert_eq!(calls, MANY);

    // 1002 with SOA and NS: six pages of 200.
    let everything = Filter::default();
    let (rows, calls) = counted(&rig, "listing 1002 by hand", "GET", editor.rows(&zone, &everything)).await;
    let rows = rows.unwrap();
    assert_eq!((rows.len(), calls), (MANY + 2, 6));
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
    assert_eq!(ids.len(), rows.len());

    // As the daemon does it: all keys are read, then each is a batch of its own, as many together as the terms allow.
    let keys: Vec<_> = (0..MANY).map(|at| key(&name(at), A)).collect();
    let (seen, calls) = counted(&rig, "reading 1000 as the daemon", "GET", account.read(&keys)).await;
    // One list of zones, six pages of record sets.
    assert_eq!(calls, 7);
    let change = |(key, seen): (&RrsetKey, Result<Seen, Error>)| {
        let Ok(Seen::Holds { values: before, snapshot, .. }) = seen else { panic!("{key}: {seen:?}") };
        let (retire, after) = (before.clone(), values(&["203.0.113.7"]));
        Change { key: key.clone(), before, after, retire, ttl: None, sibling: Sibling::Unknown, snapshot }
    };
    let batches = account.batches(&Plan { changes: keys.iter().zip(seen).map(change).collect() });
    let width = account.terms().width;
    let apply = async |batch: Batch| account.apply(&batch).await;
    let run = stream::iter(batches).map(apply).buffer_unordered(width).collect::<Vec<_>>();
    let (answers, calls) = counted(&rig, "updating 1000 as the daemon", "PUT", run).await;
    assert_eq!(calls, MANY);
    assert!(answers.iter().flatten().all(|answer| *answer == Ok(Applied::Accepted(None))));

    // Nothing is left to do: the second run reads and writes nothing.
    let (seen, calls) = counted(&rig, "reading them again", "GET", account.read(&keys)).await;
    assert_eq!(calls, 6);
    let wanted_values = values(&["203.0.113.7"]);
    assert!(seen.iter().all(|seen| matches!(seen, Ok(Seen::Holds { values: held, .. }) if *held == wanted_values)));

    let changes: Vec<_> = editor
        .rows(&zone, &Filter { rtype: Some(A), ..Filter::default() })
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.clone(), wanted(row.name.as_str(), A, &["203.0.113.8"], Some(120))))
        .collect();
    let (answers, calls) = counted(&rig, "updating 1000 by hand", "PUT", editor.update(&zone, &changes)).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(calls, MANY);
    remove_zone(&editor, &zone).await;
    rig.quotas(usual_quotas()).await;
}
