//! Limits: kept by us before the service says anything, by its own numbers; pleas for a pause in every form; quotas; a thousand names.

#![expect(clippy::disallowed_methods, reason = "a test measures how long its work took")]

use std::time::{Duration, Instant};

use driftless::model::error::{Error, Kind};
use driftless::model::plan::Applied;
use driftless::model::record::{RecordType, RrsetKey};
use driftless::provider::Provider;
use driftless::provider::shape::records::{Edits, Records};

use super::emulator::jobs::Pace;
use super::emulator::limits::DOCUMENTED;
use super::emulator::{OverLimit, Rackspace, Switches};
use super::{account, assert_correct, count, daemon, draft, planned, record, start, zone};

/// An emulator with the documented limits, whose jobs are done at once.
async fn limited() -> (Rackspace, String) {
    let (emulator, domain) = start(Switches::default()).await;
    emulator.state().limits = DOCUMENTED.into();
    emulator.state().pace = Pace::Calls(0);
    (emulator, domain)
}

/// The service never had to say that it was too much.
fn assert_never_too_much(emulator: &Rackspace) {
    let log = emulator.server.log();
    assert!(log.iter().all(|exchange| exchange.answer.as_ref().is_some_and(|answer| answer.status != 413)));
    assert_correct(emulator);
}

fn assert_kept(error: &Error) {
    let Kind::RateLimited { after: Some(after) } = error.kind else { panic!("{error}") };
    assert!(error.unsent && after > Duration::from_secs(30) && after <= Duration::from_secs(61), "{error:?}");
}

/// Makes calls until one is refused: how many were made, and the refusal.
macro_rules! until_refused {
    ($call:expr) => {{
        let mut made = 0_usize;
        loop {
            match $call.await {
                Ok(_) => made += 1,
                Err(error) => break (made, error),
            }
        }
    }};
}

#[tokio::test]
async fn each_limit_is_kept_before_the_service_has_to_say_so_and_each_by_itself() {
    let (emulator, domain) = limited().await;
    let (account, zone) = (account(&emulator), zone(&domain));
    let held = draft("www.example.com", RecordType::A, "192.0.2.1");
    let id = emulator.state().add_record(&domain, "A", "www.example.com", "192.0.2.1", 600);
    let held = record(&id, &held);
    let mut next = 0;
    let (posts, error) = until_refused!({
        next += 1;
        let wanted = draft(&format!("n{next}.example.com"), RecordType::A, "192.0.2.1");
        let (account, zone) = (&account, &zone);
        async move { account.create(zone, &wanted).await }
    });
    assert_kept(&error);
    let other = draft("www.example.com", RecordType::A, "192.0.2.1");
    let (puts, error) = until_refused!(account.update(&zone, &held, &other));
    assert_kept(&error);
    let ids: Vec<String> = emulator.state().records(&domain).iter().map(|record| record.id.clone()).collect();
    let mut ids = ids.iter();
    let (deletes, error) = until_refused!({
        let gone = record(ids.next().unwrap(), &other);
        let (account, zone) = (&account, &zone);
        async move { account.delete(zone, &gone).await }
    });
    assert_kept(&error);
    let (gets, error) = until_refused!(account.zones());
    assert_kept(&error);
    assert_eq!((posts, puts, deletes, gets), (20, 20, 10, 60));
    assert_never_too_much(&emulator);
}

#[tokio::test]
async fn the_accounts_own_limits_are_asked_for_once_a_login_and_kept() {
    let (emulator, domain) = limited().await;
    emulator.state().limits.iter_mut().filter(|limit| limit.verb == "PUT").for_each(|limit| limit.value = 3);
    emulator.state().limits.iter_mut().filter(|limit| limit.verb == "GET").for_each(|limit| limit.value = 90);
    let account = account(&emulator);
    let wanted = draft("www.example.com", RecordType::A, "192.0.2.1");
    let id = emulator.state().add_record(&domain, "A", "www.example.com", "192.0.2.1", 600);
    let (puts, error) = until_refused!(account.update(&zone(&domain), &record(&id, &wanted), &wanted));
    assert_kept(&error);
    let (gets, _) = until_refused!(account.zones());
    assert_eq!((puts, gets, count(&emulator, "GET", "/limits")), (3, 90, 1));
    assert_never_too_much(&emulator);
}

#[tokio::test]
async fn where_the_limits_are_not_told_the_published_ones_hold() {
    let (emulator, _) = limited().await;
    emulator.server.fault(super::http::Fault::answer(super::http::Answer::new(500, "")).on("/limits"));
    let account = account(&emulator);
    let (gets, error) = until_refused!(account.zones());
    assert_kept(&error);
    assert_eq!(gets, 60);
    assert_never_too_much(&emulator);
}

#[tokio::test]
async fn a_plea_for_a_pause_is_kept_in_every_form() {
    for over_limit in [
        OverLimit::Gateway,
        OverLimit::Seconds,
        OverLimit::Date,
        OverLimit::Body,
        OverLimit::RetryAt,
        OverLimit::ReplyAfter,
        OverLimit::Silent,
    ] {
        let (emulator, _) = start(Switches { over_limit, ..Switches::default() }).await;
        let account = account(&emulator);
        account.zones().await.unwrap();
        // Somebody else uses the account, too.
        emulator.state().limits.iter_mut().for_each(|limit| limit.value = 1);
        emulator.state().skip(Duration::from_secs(20));
        let error = account.zones().await.unwrap_err();
        let Kind::RateLimited { after: Some(after) } = error.kind else { panic!("{over_limit:?}: {error}") };
        let expected = if over_limit == OverLimit::Silent { 60..=60 } else { 39..=43 };
        assert!(expected.contains(&after.as_secs()) && !error.unsent, "{over_limit:?}: {error:?}");
        emulator.state().skip(after);
        account.zones().await.unwrap();
    }
}

#[tokio::test]
async fn a_quota_is_no_limit_and_is_not_waited_for() {
    let (emulator, domain) = start(Switches::default()).await;
    emulator.state().most_records = 2;
    let account = account(&emulator);
    let drafts: Vec<_> = (0..3).map(|n| draft(&format!("n{n}.example.com"), RecordType::A, "192.0.2.1")).collect();
    let outcomes = account.begin(&zone(&domain), &Edits::Create(drafts)).await.outcomes;
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{error}");
        assert!(
            error.to_string().contains("Limit of 2 records per domain") && error.to_string().contains("quota"),
            "{error}"
        );
    }
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_thousand_names_in_two_domains_never_earn_a_413() {
    let (emulator, first) = limited().await;
    let second = emulator.state().add_domain("example.net");
    emulator.state().pace = Pace::Calls(1);
    let provider = daemon(&emulator);
    let keys: Vec<RrsetKey> = (0..1000)
        .map(|n| super::key(&format!("n{n:03}.example.{}", if n < 500 { "com" } else { "net" }), RecordType::A))
        .collect();
    let began = Instant::now();
    for (address, verb, lists) in [(Some("192.0.2.1"), "POST", 2), (Some("192.0.2.2"), "PUT", 10), (None, "DELETE", 10)]
    {
        emulator.server.clear();
        let batches = planned(&provider, &keys, address).await;
        assert_eq!(batches.iter().map(|batch| batch.changes.len()).collect::<Vec<_>>(), [100; 10]);
        for batch in &batches {
            let outcomes = provider.apply(batch).await;
            assert!(outcomes.iter().all(|outcome| *outcome == Ok(Applied::Done)), "{:?}", outcomes[0]);
        }
        assert_eq!((count(&emulator, verb, "/records"), count(&emulator, "GET", "/records")), (10, lists), "{verb}");
        let zones = count(&emulator, "GET", "/domains") - count(&emulator, "GET", "/records");
        assert_eq!(zones, usize::from(verb == "POST"), "the domains are listed once");
        assert_never_too_much(&emulator);
        let held = |domain: &str| {
            let state = emulator.state();
            let of = state.records(domain);
            (of.len(), of.iter().all(|record| Some(record.data.as_str()) == address))
        };
        let expected = if address.is_some() { 500 } else { 0 };
        assert_eq!((held(&first), held(&second)), ((expected, true), (expected, true)));
    }
    // Within one minute: the limits were not simply waited for.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_job_is_asked_about_five_times_a_second_at_most() {
    let (emulator, domain) = limited().await;
    emulator.state().pace = Pace::Never;
    let account = account(&emulator);
    let wanted = |n: u8| Edits::Create(vec![draft(&format!("n{n}.example.com"), RecordType::A, "192.0.2.1")]);
    let zone = zone(&domain);
    let (one, other) = (wanted(1), wanted(2));
    let began = futures_util::future::join(account.begin(&zone, &one), account.begin(&zone, &other)).await;
    assert!(began.0.ticket.is_some() && began.1.ticket.is_some());
    assert!(count(&emulator, "GET", "/status/") >= 8);
    assert_never_too_much(&emulator);
}
