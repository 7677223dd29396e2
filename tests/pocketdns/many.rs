//! A thousand record sets through the provider that the daemon uses: counted calls, and refusals one by one.

use driftless::model::error::Kind;
use driftless::model::plan::Applied;
use driftless::model::record::{RecordType, RrsetKey};
use driftless::provider::Provider;
use driftless::provider::pocketdns::provider;

use super::emulator::{PocketDns, Switches};
use super::planning::planned;
use super::{DOMAIN, assert_correct, key, settings, start, tools};

fn account(emulator: &PocketDns) -> impl Provider {
    provider(&settings(&emulator.endpoint()), &tools()).unwrap()
}

fn keys(count: usize) -> Vec<RrsetKey> {
    (0..count).map(|n| key(&format!("n{n}.example.com"), RecordType::A)).collect()
}

#[tokio::test]
async fn a_thousand_record_sets_cost_one_listing_and_ten_calls() {
    let emulator = start(Switches::default()).await;
    let provider = account(&emulator);
    let keys = keys(1000);
    let batches = planned(&provider, &keys, Some("192.0.2.1")).await;
    let (domains, lists) = (emulator.server.count(&format!("/domains/{DOMAIN}")), emulator.server.count("/dns"));
    assert_eq!((domains, lists), (2, 1));
    emulator.server.clear();
    for batch in &batches {
        assert!(provider.apply(batch).await.iter().all(|outcome| *outcome == Ok(Applied::Done)));
    }
    assert_eq!((emulator.server.count("/dns/bulk"), emulator.server.log().len()), (10, 10));
    assert_eq!(emulator.state().records(DOMAIN).len(), 1000);
    assert_eq!(planned(&provider, &keys, Some("192.0.2.1")).await.len(), 0);
    // Updates have no call for several: one each, as many as a minute takes, and the next is not sent.
    emulator.server.clear();
    let batches = planned(&provider, &keys, Some("192.0.2.2")).await;
    assert_eq!(batches.len(), 1000);
    for batch in batches.iter().take(300) {
        assert_eq!(provider.apply(batch).await, [Ok(Applied::Done)]);
    }
    let error = provider.apply(&batches[300]).await.remove(0).unwrap_err();
    assert!(matches!(error.kind, Kind::RateLimited { after: Some(_) }) && error.unsent, "{error:?}");
    assert_eq!(emulator.server.log().iter().filter(|exchange| exchange.request.method == "PUT").count(), 300);
    assert_correct(&emulator);
}

#[tokio::test]
async fn each_refused_record_of_a_bulk_call_stands_for_itself() {
    let emulator = start(Switches::default()).await;
    let provider = account(&emulator);
    let keys = keys(100);
    let batches = planned(&provider, &keys, Some("192.0.2.1")).await;
    assert_eq!(batches.len(), 1);
    // One was made meanwhile, and one is refused for itself.
    emulator.state().add_record(DOMAIN, "A", "n7", "192.0.2.1", 300);
    emulator.state().refused.push("n9".into());
    let outcomes = provider.apply(&batches[0]).await;
    for (key, outcome) in keys.iter().zip(&outcomes) {
        match key.name.as_str() {
            "n7.example.com" => assert_eq!(outcome.as_ref().unwrap_err().kind, Kind::Stale),
            "n9.example.com" => assert_eq!(outcome.as_ref().unwrap_err().kind, Kind::Config),
            _ => assert_eq!(*outcome, Ok(Applied::Done), "{key}"),
        }
    }
    assert_eq!((emulator.server.count("/dns/bulk"), emulator.state().records(DOMAIN).len()), (1, 99));
    // What was made meanwhile is found, and what was refused is all that is left.
    let left = planned(&provider, &keys, Some("192.0.2.1")).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].changes.iter().map(|change| change.key.name.as_str()).collect::<Vec<_>>(), ["n9.example.com"]);
}

#[tokio::test]
async fn a_bulk_call_that_is_refused_whole_makes_nothing_and_says_so_for_each() {
    let emulator = start(Switches { longest_bulk: 50, ..Switches::default() }).await;
    let provider = account(&emulator);
    let batches = planned(&provider, &keys(100), Some("192.0.2.1")).await;
    let outcomes = provider.apply(&batches[0]).await;
    // The machine halves such a batch.
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.kind == Kind::Config)));
    assert_eq!(emulator.state().records(DOMAIN).len(), 0);
}
