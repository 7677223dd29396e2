//! What the daemon does between reading and applying, for tests of providers: a plan that makes sets hold one address.

use driftless::model::plan::{Batch, Change, Plan, Seen, Sibling};
use driftless::model::record::{RecordType, RrsetKey, Value, Values};
use driftless::provider::Provider;

/// What makes each set hold this address in the place of what it holds (nothing: it goes), cut into calls; none where it does.
pub async fn planned(provider: &impl Provider, keys: &[RrsetKey], address: Option<&str>) -> Vec<Batch> {
    let seen = provider.read(keys).await;
    let after: Values = address.iter().map(|address| Value::parse(RecordType::A, address).unwrap()).collect();
    let change = |(key, seen): (&RrsetKey, _)| {
        let (before, snapshot) = match seen {
            Ok(Seen::Holds { values, snapshot, .. }) => (values, snapshot),
            Ok(Seen::Absent(snapshot)) => (Values::new(), snapshot),
            other => panic!("{key}: {other:?}"),
        };
        let (retire, after) = (before.clone(), after.clone());
        Change { key: key.clone(), before, after, retire, ttl: None, sibling: Sibling::Unknown, snapshot }
    };
    let changes = keys.iter().zip(seen).map(change).filter(|change| change.before != change.after);
    provider.batches(&Plan { changes: changes.collect() })
}
