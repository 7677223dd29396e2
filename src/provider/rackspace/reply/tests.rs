//! Every documented and recorded form of a refusal, a job, a page and a record, and what it means.

use proptest::prelude::*;
use reqwest::header::HeaderMap;
use serde_json::json;

use super::*;
use crate::model::error::Kind;

const ACCOUNT: Kind = Kind::Auth { scope: Scope::Account };
const HERE: Kind = Kind::Auth { scope: Scope::RecordSet };

fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Reply::new(status, headers, body.into())
}

fn refused(status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    open(&reply(status, headers, body), "asking").unwrap_err()
}

fn wait(seconds: u64) -> Kind {
    Kind::RateLimited { after: Some(Duration::from_secs(seconds)) }
}

#[test]
fn every_status_of_the_table_has_its_meaning() {
    for (status, kind) in [
        (400, Kind::Config),
        (401, ACCOUNT),
        (403, HERE),
        (404, Kind::Stale),
        (409, Kind::Stale),
        (500, Kind::Transient),
        (503, Kind::Transient),
    ] {
        for body in [
            format!(r#"{{"message":"so","code":{status},"details":"why"}}"#),
            format!(r#"{{"fault":{{"message":"so","code":{status},"details":"why"}}}}"#),
        ] {
            let error = refused(status, &[], &body);
            assert_eq!((error.kind, error.why), (kind, format!("so: why (status {status})")), "{body}");
        }
    }
    let validation = r#"{"validationErrors":{"messages":["Domain name is not valid","ttl is low"]},"code":400}"#;
    let error = refused(400, &[], validation);
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(error.why, "Domain name is not valid: ttl is low (status 400)");
    let fault = r#"{"dnsFault":{"message":"The DNS service has experienced a fault.","code":400,"details":""}}"#;
    assert_eq!(refused(400, &[], fault).kind, Kind::Transient);
}

#[test]
fn something_between_that_says_nothing_is_judged_by_its_status() {
    for (status, kind) in [(301, Kind::Transient), (404, Kind::Stale), (502, Kind::Transient), (429, wait(60))] {
        assert_eq!(refused(status, &[], "<html>").kind, kind);
    }
    assert_eq!(open(&reply(200, &[], ""), "asking").unwrap_err().kind, Kind::Transient);
    assert_eq!(open(&reply(200, &[], "<html>"), "asking").unwrap_err().kind, Kind::Transient);
    assert_eq!(open(&reply(202, &[], "{}"), "asking"), Ok(json!({})));
}

#[test]
fn a_413_is_a_limit_or_a_quota() {
    let gateway = |again: &str| format!(r#"{{"overLimit":{{"code":413,"message":"OverLimit Retry..."{again}}}}}"#);
    for (headers, body, seconds) in [
        (vec![("retry-after", "30")], gateway(""), 30),
        (
            vec![("date", "Sat, 13 Jun 2015 22:29:00 GMT"), ("retry-after", "Sat, 13 Jun 2015 22:30:10 GMT")],
            gateway(""),
            70,
        ),
        // ISO 8601 has fractions, so a second more is waited.
        (vec![("date", "Sat, 13 Jun 2015 22:29:00 GMT"), ("reply-after", "2015-06-13T22:30:10Z")], gateway(""), 71),
        (vec![("date", "Sat, 13 Jun 2015 22:29:00 GMT")], gateway(r#","retryAfter":"2015-06-13T22:30:10.400Z""#), 71),
        (vec![("date", "Sat, 13 Jun 2015 22:29:00 GMT")], gateway(r#","retryAt":"2015-06-13T17:30:10-05:00""#), 71),
        (vec![], gateway(r#","retryAfter":"25""#), 25),
        (vec![], gateway(""), 60),
        (vec![], "<html>".to_owned(), 60),
        // The guide's own fault, which names no quota.
        (
            vec![],
            r#"{"code":413,"message":"Your account is currently over the limit so it could not be processed."}"#
                .to_owned(),
            60,
        ),
        (vec![("retry-after", "soon")], gateway(""), 60),
    ] {
        assert_eq!(refused(413, &headers, &body).kind, wait(seconds), "{headers:?} {body}");
    }
    let quota = r#"{"code":413,"message":"Limit of 500 records per domain has been reached.","details":""}"#;
    let error = refused(413, &[], quota);
    assert_eq!(error.kind, Kind::Config);
    assert!(error.why.contains("500 records") && error.hint.is_some_and(|hint| hint.contains("quota")));
    assert_eq!(refused(503, &[("retry-after", "9")], "").kind, wait(9));
}

#[test]
fn a_job_runs_is_done_or_has_failed() {
    let of = |content: Value| job(&content, "asking");
    for status in ["INITIALIZED", "RUNNING"] {
        assert_eq!(of(json!({"jobId": "4a1b", "status": status})), Ok(Job::Running("4a1b".into())));
        assert!(of(json!({"status": status})).is_err(), "without an id it cannot be followed");
    }
    assert_eq!(of(json!({"jobId": "4a1b", "status": "COMPLETED"})), Ok(Job::Done(Some("4a1b".into()), Value::Null)));
    let records = json!({"records": []});
    let done = json!({"jobId": "4a1b", "status": "COMPLETED", "response": records});
    assert_eq!(of(done), Ok(Job::Done(Some("4a1b".into()), records.clone())));
    // The documented examples show the end of the job in its place.
    assert_eq!(of(records.clone()), Ok(Job::Done(None, records)));
    let error = json!({"message": "no", "code": 404, "details": ""});
    for content in [json!({"jobId": "4a1b", "status": "ERROR", "error": error}), json!({"error": error})] {
        let Ok(Job::Failed(_, Some(problem))) = of(content) else { panic!("it failed") };
        assert_eq!(failure(Some(&problem), "following").kind, Kind::Stale);
    }
    assert_eq!(of(json!({"jobId": "4a1b", "status": "ERROR"})), Ok(Job::Failed(Some("4a1b".into()), None)));
    assert_eq!(failure(None, "following").kind, Kind::Transient);
    for unclear in [json!({}), json!([]), json!({"jobId": "4a1b"}), json!({"jobId": "4a1b", "status": "DONE"})] {
        assert_eq!(of(unclear).unwrap_err().kind, Kind::Transient);
    }
}

#[test]
fn a_duplicate_is_known_by_its_words() {
    let recorded = json!({
        "code": 400,
        "details": "Record is a duplicate of another record: (id=1685020, fqdn=www.example.org, data=192.0.2.1)",
        "message": "Bad Request",
    });
    let duplicate = problem(&recorded).unwrap();
    assert!(is_duplicate(&duplicate));
    assert_eq!(failure(Some(&duplicate), "adding").kind, Kind::Stale);
    let other = problem(&json!({"code": 400, "message": "Duplicate slash in the name"})).unwrap();
    assert!(!is_duplicate(&other));
    assert_eq!(failure(Some(&other), "adding").kind, Kind::Config);
}

/// The failure of the documentation ("Delete records").
fn documented() -> Problem {
    let fault = |id: &str| json!({"message": "Not Found", "code": 404, "details": format!("The record with ID {id} was not found.")});
    let error = json!({
        "details": "See errors list for details.",
        "code": 500,
        "failedItems": {"faults": [fault("111111111"), fault("222222222")]},
        "message": "One or more items could not be deleted.",
    });
    problem(&error).unwrap()
}

#[test]
fn each_removal_of_a_call_is_judged_by_its_own_fault() {
    let ids = ["A-6817754", "111111111", "222222222", "NS-6251982"];
    let outcomes = failed_deletions(&documented(), &ids, "removing").unwrap();
    let kinds: Vec<_> = outcomes.into_iter().map(|outcome| outcome.err().map(|error| error.kind)).collect();
    assert_eq!(kinds, [None, Some(Kind::Stale), Some(Kind::Stale), None]);
    // Where a fault is of none of them, or of two, nothing is known of any.
    assert_eq!(failed_deletions(&documented(), &["A-6817754", "111111111"], "removing"), None);
    assert_eq!(failed_deletions(&documented(), &["111111111", "111111111", "222222222"], "removing"), None);
    assert_eq!(failed_deletions(&Problem::default(), &ids, "removing"), None);
    // An id within another is not that one.
    let outcomes = failed_deletions(&documented(), &["11111111", "111111111", "222222222"], "removing").unwrap();
    assert_eq!(outcomes[0], Ok(()));
}

#[test]
fn ids_are_opaque_in_every_form_that_was_seen() {
    for (id, expected) in [
        (json!(6_156_121), "6156121"),
        (json!("6156121"), "6156121"),
        (json!("A-6817754"), "A-6817754"),
        (json!("0f1e2d3c4b"), "0f1e2d3c4b"),
        (json!("0f1e2d3c4b5a69788796a5b4c3d2e1f0"), "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
    ] {
        let entry =
            json!({"id": id, "name": "www.example.com", "type": "A", "data": "192.0.2.1", "ttl": "300", "comment": ""});
        let listed = listed(&entry, &[("comment", "comment")], "reading").unwrap();
        assert_eq!((listed.id.as_str(), listed.ttl), (expected, Ttl::new(300)));
        assert!(listed.attributes.is_empty());
    }
    for entry in [json!({"name": "a.example"}), json!({"id": "", "name": "a.example"}), json!({"id": "1"}), json!(7)] {
        assert_eq!(listed(&entry, &[], "reading").unwrap_err().kind, Kind::Transient);
    }
}

#[test]
fn a_page_tells_its_length_or_whether_another_follows_or_neither() {
    let link = |rel: &str| json!({"links": [{"content": "", "href": "https://x/?limit=1&offset=1", "rel": rel}]});
    let with = |mut more: Value| {
        more["records"] = json!([1, 2]);
        let page = page(&more, "records", "listing").unwrap();
        (page.entries.len(), page.total, page.more)
    };
    assert_eq!(with(json!({"totalEntries": 6})), (2, Some(6), None));
    assert_eq!(with(link("next")), (2, None, Some(true)));
    assert_eq!(with(link("previous")), (2, None, Some(false)));
    assert_eq!(with(json!({})), (2, None, None));
    assert_eq!(page(&json!({"domains": []}), "records", "listing").unwrap_err().kind, Kind::Transient);
}

proptest! {
    #[test]
    fn no_answer_panics(status in 100_u16..600, body in "\\PC{0,80}", after in "[ -~]{0,30}") {
        let answer = reply(status, &[("retry-after", &after), ("reply-after", &after)], &body);
        if let Ok(content) = open(&answer, "asking") {
            let _ = (job(&content, "asking"), page(&content, "records", "asking"), problem(&content));
        }
    }
}
