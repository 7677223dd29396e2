//! Jobs: followed to their end, whenever that comes; left with a ticket; failed, whole and in part; and records that are there.

#![expect(clippy::disallowed_methods, reason = "a test waits for the clock that the provider reads")]

use std::time::Duration;

use driftless::model::error::Kind;
use driftless::model::plan::{Applied, Settled, Ticket};
use driftless::model::record::{RecordType, RrsetKey};
use driftless::provider::Provider;
use driftless::provider::shape::records::{Begun, Edits, Records};
use serde_json::json;

use super::emulator::jobs::{JobFailure, Pace, Status};
use super::emulator::{Duplicates, Switches};
use super::http::{Answer, Fault};
use super::{account, assert_correct, count, daemon, draft, key, planned, record, start, zone};

fn keys(count: usize) -> Vec<RrsetKey> {
    (0..count).map(|n| key(&format!("n{n}.example.com"), RecordType::A)).collect()
}

fn drafts(labels: &[&str]) -> Vec<super::Draft> {
    labels.iter().map(|label| draft(&format!("{label}.example.com"), RecordType::A, "192.0.2.1")).collect()
}

#[tokio::test]
async fn a_job_is_followed_to_its_end_whenever_that_comes() {
    for (pace, asked) in [
        (Pace::Calls(0), 0..=0),
        (Pace::Calls(1), 1..=1),
        (Pace::Calls(4), 4..=4),
        (Pace::Time(Duration::from_millis(1500)), 4..=5),
    ] {
        let (emulator, domain) = start(Switches::default()).await;
        emulator.state().pace = pace;
        let provider = daemon(&emulator);
        let batches = planned(&provider, &keys(2), Some("192.0.2.1")).await;
        assert_eq!(provider.apply(&batches[0]).await, [Ok(Applied::Done), Ok(Applied::Done)], "{pace:?}");
        assert_eq!(emulator.state().records(&domain).len(), 2);
        let looked = count(&emulator, "GET", "/status/");
        assert!(asked.contains(&looked), "{pace:?}: {looked}");
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn a_job_that_takes_longer_leaves_a_ticket_that_survives_the_process() {
    let (emulator, domain) = start(Switches::default()).await;
    emulator.state().pace = Pace::Never;
    let provider = daemon(&emulator);
    let batches = planned(&provider, &keys(3), Some("192.0.2.1")).await;
    let outcomes = provider.apply(&batches[0]).await;
    let Ok(Applied::Accepted(Some(ticket))) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(outcomes.iter().all(|outcome| *outcome == Ok(Applied::Accepted(Some(ticket.clone())))), "{outcomes:?}");
    // Another process; each record set asks for itself, and the service is asked once.
    let provider = daemon(&emulator);
    emulator.server.clear();
    for _ in 0..3 {
        assert_eq!(provider.settle(ticket).await, Ok(Settled::Running));
    }
    assert_eq!(count(&emulator, "GET", "/status/"), 1);
    emulator.state().pace = Pace::Calls(1);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for _ in 0..3 {
        assert_eq!(provider.settle(ticket).await, Ok(Settled::Done));
    }
    assert_eq!((count(&emulator, "GET", "/status/"), emulator.state().records(&domain).len()), (2, 3));
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_job_that_nobody_knows_any_more_makes_its_records_be_read() {
    let (emulator, _) = start(Switches::default()).await;
    let provider = daemon(&emulator);
    let error = provider.settle(&Ticket("1 2b2a5d4e-0000-4000-8000-000000000000".into())).await.unwrap_err();
    assert_eq!(error.kind, Kind::Stale, "{error}");
    // So does one that is lost while it is followed.
    emulator
        .server
        .fault(Fault::answer(Answer::new(404, r#"{"message":"Object not Found.","code":404}"#)).on("/status"));
    let batches = planned(&provider, &keys(1), Some("192.0.2.1")).await;
    assert_eq!(provider.apply(&batches[0]).await[0].as_ref().unwrap_err().kind, Kind::Stale);
    assert!(planned(&provider, &keys(1), Some("192.0.2.1")).await.is_empty(), "it did its work");
}

#[tokio::test]
async fn a_question_about_a_job_that_fails_says_nothing_of_the_job() {
    let (emulator, domain) = start(Switches::default()).await;
    let provider = daemon(&emulator);
    let broken = [Answer::new(500, "{}"), Answer::new(200, ""), Answer::new(200, "<html>"), Answer::new(503, "")];
    broken.into_iter().for_each(|answer| emulator.server.fault(Fault::answer(answer).on("/status")));
    let batches = planned(&provider, &keys(1), Some("192.0.2.1")).await;
    assert_eq!(provider.apply(&batches[0]).await, [Ok(Applied::Done)]);
    assert!(emulator.server.is_spent());
    assert_eq!(emulator.state().records(&domain).len(), 1);
}

#[tokio::test]
async fn a_job_for_several_that_fails_unseen_is_made_smaller_until_the_culprit_stands_alone() {
    let (emulator, domain) = start(Switches { validation_in_job: true, ..Switches::default() }).await;
    emulator.state().refused.push("n0.example.com".into());
    let provider = daemon(&emulator);
    let all = keys(2);
    let mut sizes = Vec::new();
    let mut culprit = None;
    for _ in 0..3 {
        // What is left is read and planned anew after each failure.
        let batches = planned(&provider, &all, Some("192.0.2.1")).await;
        if batches.is_empty() || culprit.is_some() {
            break;
        }
        for batch in &batches {
            sizes.push(batch.changes.len());
            // It takes longer than anybody waits.
            emulator.server.faults(20, &Fault::answer(Answer::new(500, "{}")).on("/status"));
            let outcomes = provider.apply(batch).await;
            emulator.server.calm();
            let Ok(Applied::Accepted(Some(ticket))) = &outcomes[0] else { panic!("{outcomes:?}") };
            let Err(error) = provider.settle(ticket).await else { continue };
            match batch.changes.as_slice() {
                [alone] => {
                    assert_eq!(error.kind, Kind::Config, "{error}");
                    culprit = Some(alone.key.clone());
                    break;
                }
                _ => assert_eq!(error.kind, Kind::Stale, "{error}"),
            }
        }
    }
    assert_eq!((culprit.as_ref(), sizes), (Some(&all[0]), vec![2, 1]));
    assert!(emulator.state().records(&domain).iter().all(|record| record.name != "n0.example.com"));
}

#[tokio::test]
async fn a_job_that_fails_means_what_its_error_says() {
    for (code, kind) in [(400, Kind::Config), (404, Kind::Stale), (413, Kind::Config), (500, Kind::Transient)] {
        let (emulator, domain) = start(Switches::default()).await;
        let error = json!({"message": "so", "code": code, "details": "why"});
        emulator.state().job_failures.push_back(JobFailure::Undone(error));
        let id = emulator.state().add_record(&domain, "A", "www.example.com", "192.0.2.1", 600);
        let held = record(&id, &draft("www.example.com", RecordType::A, "192.0.2.1"));
        let wanted = draft("www.example.com", RecordType::A, "192.0.2.2");
        let error = account(&emulator).update(&zone(&domain), &held, &wanted).await.unwrap_err();
        assert_eq!((error.kind, error.why.as_str()), (kind, "so: why"));
        assert_eq!(emulator.state().records(&domain)[0].data, "192.0.2.1");
    }
}

#[tokio::test]
async fn each_removal_that_failed_is_told_by_itself() {
    for migrated in [false, true] {
        let ids = if migrated { super::emulator::Ids::Migrated } else { super::emulator::Ids::Uuid };
        let (emulator, domain) = start(Switches { ids, ..Switches::default() }).await;
        for n in 0..5 {
            emulator.state().add_record(&domain, "A", &format!("n{n}.example.com"), "192.0.2.1", 600);
        }
        let provider = daemon(&emulator);
        let batches = planned(&provider, &keys(5), None).await;
        let held: Vec<String> = emulator.state().records(&domain).iter().map(|record| record.id.clone()).collect();
        // One is gone already, and one cannot be removed for now.
        emulator.state().domains[0].records.remove(1);
        emulator.state().undeletable.push(held[3].clone());
        let outcomes = provider.apply(&batches[0]).await;
        let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().map(|error| error.kind)).collect();
        let unclear = kinds[3];
        assert!(matches!(unclear, Some(Kind::Transient)), "{outcomes:?}");
        assert_eq!(kinds, [None, Some(Kind::Stale), None, unclear, None], "{outcomes:?}");
        assert_eq!(emulator.state().records(&domain).len(), 1);
        assert_eq!(count(&emulator, "DELETE", "/records"), 1);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn a_removal_of_several_that_failed_as_a_whole_makes_all_be_read() {
    let (emulator, domain) = start(Switches::default()).await;
    for n in 0..3 {
        emulator.state().add_record(&domain, "A", &format!("n{n}.example.com"), "192.0.2.1", 600);
    }
    let provider = daemon(&emulator);
    let batches = planned(&provider, &keys(3), None).await;
    let error = json!({"message": "One or more items could not be deleted.", "code": 500});
    emulator.state().job_failures.push_back(JobFailure::Done(error));
    let outcomes = provider.apply(&batches[0]).await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.kind == Kind::Stale)));
    assert!(planned(&provider, &keys(3), None).await.is_empty(), "they were gone after all");
}

#[tokio::test]
async fn a_record_that_is_there_already_is_adopted_and_the_others_are_made_by_the_next_plan() {
    for duplicates in [Duplicates::Job400, Duplicates::Job409, Duplicates::AtOnce] {
        let (emulator, domain) = start(Switches { duplicates, ..Switches::default() }).await;
        let provider = daemon(&emulator);
        let batches = planned(&provider, &keys(4), Some("192.0.2.1")).await;
        emulator.state().add_record(&domain, "A", "n2.example.com", "192.0.2.1", 600);
        emulator.server.clear();
        let outcomes = provider.apply(&batches[0]).await;
        for (at, outcome) in outcomes.iter().enumerate() {
            match at {
                2 => assert_eq!(*outcome, Ok(Applied::Done), "{duplicates:?}"),
                _ => assert_eq!(outcome.as_ref().unwrap_err().kind, Kind::Stale, "{duplicates:?}: {outcome:?}"),
            }
        }
        assert_eq!((count(&emulator, "POST", ""), count(&emulator, "GET", "/records")), (1, 1), "listed once");
        let batches = planned(&provider, &keys(4), Some("192.0.2.1")).await;
        assert_eq!(batches[0].changes.len(), 3);
        assert!(provider.apply(&batches[0]).await.iter().all(|outcome| *outcome == Ok(Applied::Done)));
        assert_eq!(emulator.state().records(&domain).len(), 4);
        // Alone it is adopted as well.
        let alone =
            account(&emulator).create(&zone(&domain), &draft("n2.example.com", RecordType::A, "192.0.2.1")).await;
        let held = emulator.state().records(&domain).iter().find(|held| held.name == "n2.example.com").cloned();
        assert_eq!(alone, Ok(held.map(|held| held.id)));
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn what_stands_in_the_way_of_one_is_no_duplicate_of_the_others() {
    for duplicates in [Duplicates::Job400, Duplicates::Job409, Duplicates::AtOnce] {
        let (emulator, domain) = start(Switches { duplicates, ..Switches::default() }).await;
        emulator.state().add_record(&domain, "CNAME", "b.example.com", "www.example.org", 600);
        let Begun { outcomes, .. } =
            account(&emulator).begin(&zone(&domain), &Edits::Create(drafts(&["a", "b", "c"]))).await;
        // Refused whole as wrong: the machine halves it until the culprit stands alone.
        for outcome in &outcomes {
            assert_eq!(outcome.as_ref().unwrap_err().kind, Kind::Config, "{duplicates:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_bulk_update_of_a_record_that_is_gone_is_planned_anew() {
    for missing_in_job in [false, true] {
        let (emulator, domain) = start(Switches { missing_in_job, ..Switches::default() }).await;
        for n in 0..3 {
            emulator.state().add_record(&domain, "A", &format!("n{n}.example.com"), "192.0.2.1", 600);
        }
        let provider = daemon(&emulator);
        let batches = planned(&provider, &keys(3), Some("192.0.2.2")).await;
        emulator.state().domains[0].records.remove(1);
        let outcomes = provider.apply(&batches[0]).await;
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.kind == Kind::Stale)));
        for batch in planned(&provider, &keys(3), Some("192.0.2.2")).await {
            assert!(provider.apply(&batch).await.iter().all(|outcome| *outcome == Ok(Applied::Done)));
        }
        assert!(emulator.state().records(&domain).iter().all(|record| record.data == "192.0.2.2"));
        assert_eq!(emulator.state().records(&domain).len(), 3);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn an_end_that_says_nothing_is_asked_about_once() {
    let (emulator, domain) = start(Switches { brief_202: true, ..Switches::default() }).await;
    emulator.state().pace = Pace::Calls(0);
    let error = json!({"message": "no", "code": 400, "details": ""});
    emulator.state().job_failures.push_back(JobFailure::Undone(error));
    let wanted = draft("www.example.com", RecordType::A, "192.0.2.1");
    let error = account(&emulator).create(&zone(&domain), &wanted).await.unwrap_err();
    assert_eq!((error.kind, error.why.as_str()), (Kind::Config, "no"));
    assert_eq!(count(&emulator, "GET", "/status/"), 1);
    assert_eq!(emulator.state().jobs()[0].status, Status::Error);
}
