//! The page says what a person needs, and what strangers say stays text.

use super::*;
use crate::model::record::Family;
use crate::report::status::NetworkStatus;

fn record(name: &str, state: &str) -> RecordStatus {
    RecordStatus {
        name: name.into(),
        rtype: "A".into(),
        account: "home".into(),
        state: state.into(),
        says: format!("says {state}"),
        sources: Vec::new(),
        verdicts: Vec::new(),
        uplinks: Vec::new(),
        wanted: Some(vec!["192.0.2.7".into()]),
        confirmed: Some(vec!["192.0.2.7".into()]),
        others: Vec::new(),
        begun: None,
        accepted: Some("2026-11-22T11:00:00Z".into()),
        already_right: None,
        readable: true,
        read_back: None,
        in_dns: false,
        seen_in_dns: None,
        confirmed_at: Some("2026-11-22T11:00:00Z".into()),
        next: Some("2026-11-22T12:05:00Z".into()),
        waits: None,
        held: None,
        error: None,
        history: vec![Line { at: "2026-11-22T11:00:00Z".into(), what: format!("{name} changed") }],
    }
}

fn held(mut record: RecordStatus, error: &str) -> RecordStatus {
    record.state = "held".into();
    record.held = Some(HoldStatus {
        reason: "refused".into(),
        error: error.into(),
        since: "2026-11-21T11:00:00Z".into(),
        release: format!("driftless release {}", record.name),
        new_secret_helps: false,
    });
    record
}

fn status(records: Vec<RecordStatus>) -> Status {
    Status {
        version: "0.1.0".into(),
        at: "2026-11-22T12:00:00Z".into(),
        state_is_writable: true,
        next_check: Some("2026-11-22T12:04:00Z".into()),
        accounts: vec![AccountStatus {
            name: "home".into(),
            provider: "dyndns2".into(),
            held: None,
            waits_until: None,
            error: None,
        }],
        records,
        sources: vec![SourceStatus {
            source: "https echo".into(),
            family: Family::Ipv4,
            says: "192.0.2.7".into(),
            at: "2026-11-22T11:59:30Z".into(),
            operator: "echo".into(),
            protocol: None,
            demoted: false,
            disagreed: 0,
            trusted: false,
            rests: None,
        }],
        network: Vec::new(),
        verdicts: Vec::new(),
        channels: Vec::new(),
        page: None,
    }
}

fn channel(name: &str, error: Option<&str>) -> ChannelStatus {
    ChannelStatus {
        name: name.into(),
        kind: "ntfy".into(),
        told: Some("2026-11-22T11:58:00Z".into()),
        failed: error.map(|_| "2026-11-22T11:59:00Z".into()),
        error: error.map(str::to_owned),
        again: error.map(|_| "2026-11-22T12:00:40Z".into()),
        refused: false,
        withheld: None,
        failures: error.map_or(0, |_| 3),
    }
}

#[test]
fn what_strangers_say_stays_text_wherever_it_stands() {
    let hostile = "</style></script><script>alert(1)</script><img src=x onerror=\"x\" '&amp;--><!-- \u{202e}";
    let mut record = held(record(hostile, "held"), hostile);
    for field in [&mut record.rtype, &mut record.says, &mut record.account] {
        *field = hostile.into();
    }
    record.wanted = Some(vec![hostile.into()]);
    record.confirmed = Some(vec![format!("{hostile}2")]);
    record.confirmed_at = Some(hostile.into());
    record.next = Some(hostile.into());
    record.history = vec![Line { at: hostile.into(), what: hostile.into() }];
    let mut status = status(vec![record]);
    status.at = hostile.into();
    status.version = hostile.into();
    status.next_check = Some(hostile.into());
    status.network = vec![NetworkStatus { family: Family::Ipv4, situation: hostile.into(), says: hostile.into() }];
    for account in &mut status.accounts {
        account.name = hostile.into();
        account.provider = hostile.into();
        account.error = Some(hostile.into());
        account.waits_until = Some(hostile.into());
    }
    for source in &mut status.sources {
        source.source = hostile.into();
        source.says = hostile.into();
        source.at = hostile.into();
    }
    status.channels = vec![ChannelStatus {
        told: Some(hostile.into()),
        failed: Some(hostile.into()),
        again: Some(hostile.into()),
        withheld: Some(hostile.into()),
        kind: hostile.into(),
        ..channel(hostile, Some(hostile))
    }];
    let page = render(&status, true);
    // Apart from our own style and script there is not one mark-up of theirs, in text or in an attribute.
    let rest = page.replacen(STYLE, "", 1).replacen(SCRIPT, "", 1);
    assert!(!rest.contains("<img") && !rest.contains("<!--") && !rest.contains("alert(1)</"), "{rest}");
    assert_eq!((rest.matches("<script").count(), rest.matches("</script").count()), (1, 1), "{rest}");
    assert_eq!((rest.matches("<style").count(), rest.matches("</style").count()), (1, 1), "{rest}");
    assert!(!rest.contains("onerror=\""), "a quotation mark ended an attribute: {rest}");
    assert!(rest.contains("&lt;img src=x onerror=&quot;x&quot; '&amp;amp;"), "{rest}");
}

#[test]
fn the_first_sentence_says_what_a_person_wants_to_know() {
    let says = |states: &[&str]| {
        let records = states.iter().map(|state| record("a.example.org", state)).collect();
        verdict(&status(records))
    };
    let (title, verdict) = says(&["up to date", "held", "failing", "held", "working"]);
    assert_eq!(title, "2 held, 1 failing, 1 working, 1 up to date");
    assert_eq!(
        verdict,
        "2 record sets are held, until a person acts or something changes. 1 record set is failing, and tried again. \
         1 record set is on the way."
    );
    assert_eq!(says(&["up to date"]).1, "The record set holds what it should.");
    assert_eq!(says(&["up to date", "up to date"]).1, "All 2 record sets hold what they should.");
    assert_eq!(says(&["up to date", "unmanaged"]).1, "1 record set is right; 1 have no address here.");
    assert_eq!(says(&[]), ("no records".into(), "Nothing is published.".into()));
}

#[test]
fn what_needs_a_person_comes_first_with_its_reason_and_way_out() {
    let page = render(
        &status(vec![record("good.example.org", "up to date"), held(record("bad.example.org", "held"), "badauth")]),
        true,
    );
    assert!(page.find("bad.example.org").unwrap() < page.find("good.example.org").unwrap(), "{page}");
    for part in [
        "Held: badauth",
        "driftless release bad.example.org",
        "data-action=\"release\" data-name=\"bad.example.org\"",
        "192.0.2.7",
        "home at dyndns2",
        "60 min ago",
        "in 5 min",
        "30 s ago",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn a_channel_that_fails_is_said_first_with_its_reason_and_when_it_is_tried_again() {
    let mut status = status(vec![record("a.example.org", "up to date")]);
    assert!(!render(&status, false).contains("Who is told"), "nobody is");
    status.channels = vec![channel("desk", None), channel("phone", Some("nobody listens at ntfy.example.org"))];
    let page = render(&status, false);
    let alarm = "<p class=\"alarm\">Nobody is told by phone just now";
    assert!(page.find(alarm).unwrap() < page.find("a.example.org").unwrap(), "{page}");
    let (_, channels) = page.split_once("id=\"channels\"").unwrap();
    for part in ["phone<small>ntfy", "nobody listens at ntfy.example.org", "It failed 60 s ago", "tried again in 40 s"]
    {
        assert!(channels.contains(part), "{part}: {channels}");
    }
    let unused = ChannelStatus { told: None, ..channel("desk", None) };
    let never = Status { channels: vec![unused], ..status.clone() };
    assert!(render(&never, false).contains("Nothing told since the daemon started."), "as status says it");
    assert_eq!((channels.matches("state failing").count(), channels.matches("Last told 2 min ago").count()), (1, 2));
    status.channels = vec![channel("desk", None)];
    assert!(!render(&status, false).contains("class=\"alarm\""), "all is well");
    let left = ChannelStatus { again: None, ..channel("phone", Some("no")) };
    status.channels = vec![left];
    assert!(render(&status, false).contains("tried again with what there is to tell next."));
}

#[test]
fn what_was_right_before_anything_was_sent_is_not_said_to_be_accepted() {
    let shown = |record| render(&status(vec![record]), false);
    let accepted = record("a.example.org", "up to date");
    assert!(shown(accepted.clone()).contains(", accepted"));
    let found = RecordStatus {
        already_right: accepted.accepted.clone(),
        read_back: accepted.accepted.clone(),
        accepted: None,
        ..accepted
    };
    let page = shown(found);
    assert!(page.contains(", already right") && !page.contains(", accepted"), "{page}");
}

#[test]
fn without_a_token_there_are_no_buttons() {
    let status = status(vec![held(record("a.example.org", "held"), "no")]);
    let (with, without) = (render(&status, true), render(&status, false));
    assert!(with.contains("<button") && with.contains("type=\"password\""));
    assert!(!without.contains("<button") && !without.contains("<input"), "{without}");
}

#[test]
fn a_record_of_a_held_account_releases_the_account() {
    let mut status = status(vec![held(record("a.example.org", "held"), "badauth")]);
    status.accounts[0].held = status.records[0].held.clone();
    let page = render(&status, true);
    assert!(
        page.contains("id=\"release-home-a.example.org-A\" data-action=\"release\" data-account=\"home\""),
        "{page}"
    );
}

#[test]
fn the_last_changes_of_all_records_are_in_one_list_newest_first() {
    let mut records: Vec<RecordStatus> = (0..4).map(|n| record(&format!("r{n}.example.org"), "up to date")).collect();
    for (n, record) in records.iter_mut().enumerate() {
        record.history =
            (0..20).map(|m| Line { at: format!("2026-11-22T11:{m:02}:0{n}Z"), what: format!("{n} {m}") }).collect();
    }
    let status = status(records);
    let changes = changes(&status);
    let whats: Vec<&str> = changes.iter().map(|(line, _)| line.what.as_str()).collect();
    assert_eq!((whats.len(), &whats[..5]), (CHANGES, &["3 19", "2 19", "1 19", "0 19", "3 18"][..]));
}

#[test]
fn the_page_loads_nothing_and_its_policy_allows_no_more() {
    let page = render(&status(vec![record("a.example.org", "up to date")]), true);
    for loads in ["http://", "https://", "src=", "url(", "@import", "style=\"", "onclick"] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(!policy().contains("unsafe") && !policy().contains('*'), "{}", policy());
    // Their digests are of what stands between the tags, which therefore must not end there.
    assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
}

#[test]
fn how_far_a_moment_is_away_is_said_in_one_unit() {
    let now = Timestamp::from_second(1_000_000).unwrap();
    let at = |seconds: i64| distance(Timestamp::from_second(1_000_000 + seconds).unwrap(), now);
    let said = [0, -5, 90, 150, -7200, 86_400 * 3].map(at);
    assert_eq!(said, ["now", "5 s ago", "in 90 s", "in 2 min", "2 h ago", "in 3 days"]);
}
