//! Domains and records by hand, through the registry's editor.

use std::sync::Arc;

use driftless::model::error::Kind;
use driftless::model::record::{RecordType, Ttl};
use driftless::provider::edit::{Attributes, Edit, Editor, Filter, Row};
use driftless::provider::find;

use super::emulator::jobs::Pace;
use super::emulator::{Duplicates, Rackspace, Switches};
use super::{KEY, assert_correct, count, every_switch, name, settings, start, start_brisk, tools, zone};

fn editor(emulator: &Rackspace) -> Arc<dyn Editor> {
    let edit = find("rackspace").unwrap().edit.unwrap();
    edit(&settings(&emulator.identity(), KEY), &tools()).unwrap_or_else(|why| panic!("{why}"))
}

fn edit(label: &str, rtype: RecordType, values: &[&str]) -> Edit {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Edit { name: name(label), rtype, values, ttl: None, attributes: Attributes::new() }
}

fn with(mut edit: Edit, attribute: &str, value: &str) -> Edit {
    edit.attributes.insert(attribute.into(), value.into());
    edit
}

fn named(attributes: &[(&str, &str)]) -> Attributes {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn all(editor: &dyn Editor, domain: &str) -> Vec<Row> {
    editor.rows(&zone(domain), &Filter::default()).await.unwrap()
}

#[tokio::test]
async fn every_type_is_added_listed_changed_and_removed_whatever_the_switches() {
    for switches in every_switch() {
        let said = format!("{switches:?}");
        let (emulator, domain) = start_brisk(switches).await;
        let (editor, zone) = (editor(&emulator), zone(&domain));
        let edits = [
            edit("example.com", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
            edit("example.com", RecordType::Aaaa, &["2001:db8::1"]),
            with(edit("blog.example.com", RecordType::Cname, &["example.com."]), "comment", "an alias"),
            edit("example.com", RecordType::Mx, &["10 mail.example.com"]),
            with(edit("example.com", RecordType::Mx, &["backup.example.com"]), "priority", "20"),
            edit("sub.example.com", RecordType::Ns, &["ns1.example.com"]),
            edit("_sip._tcp.example.com", RecordType::Srv, &["10 60 5060 sip.example.com"]),
            edit("example.com", RecordType::Txt, &["v=spf1 -all"]),
        ];
        let added = editor.add(&zone, &edits).await;
        let counts: Vec<usize> =
            added.iter().map(|rows| rows.as_ref().unwrap_or_else(|why| panic!("{said}: {why}")).len()).collect();
        assert_eq!(counts, [2, 1, 1, 1, 1, 1, 1, 1], "{said}");
        assert_eq!(count(&emulator, "POST", "/records"), 1);
        let rows = all(&*editor, &domain).await;
        assert_eq!(rows.len(), 9);
        for (of_edit, edit) in added.iter().zip(&edits) {
            // What adding tells is what a listing tells.
            let of_edit = of_edit.as_ref().unwrap();
            assert!(of_edit.iter().all(|row| rows.contains(row)), "{said}: {of_edit:?}");
            assert!(of_edit.iter().all(|row| row.name == edit.name && row.rtype == edit.rtype));
        }
        let priorities: Vec<&str> = rows
            .iter()
            .filter(|row| row.rtype == RecordType::Mx)
            .map(|row| row.attributes["priority"].as_str())
            .collect();
        assert_eq!(priorities, ["10", "20"]);
        let srv = rows.iter().find(|row| row.rtype == RecordType::Srv).unwrap();
        assert_eq!((srv.values[0].as_str(), srv.attributes["priority"].as_str()), ("60 5060 sip.example.com", "10"));
        let cname = rows.iter().find(|row| row.rtype == RecordType::Cname).unwrap();
        assert_eq!((cname.values[0].as_str(), cname.attributes["comment"].as_str()), ("example.com", "an alias"));
        let mx = rows.iter().find(|row| row.rtype == RecordType::Mx).unwrap();
        let changes = [
            (rows[0].clone(), edit("example.com", RecordType::A, &["192.0.2.7"])),
            (mx.clone(), with(edit("example.com", RecordType::Mx, &["mail.example.com"]), "priority", "5")),
            (cname.clone(), with(edit("blog.example.com", RecordType::Cname, &["example.com"]), "comment", "")),
        ];
        let changed: Vec<Row> = editor
            .update(&zone, &changes)
            .await
            .into_iter()
            .map(|row| row.unwrap_or_else(|why| panic!("{said}: {why}")))
            .collect();
        assert_eq!(count(&emulator, "PUT", "/records"), 1);
        for row in &changed {
            let mut shown = editor.row(&zone, &row.id).await.unwrap();
            shown.attributes.remove("updated");
            assert_eq!(*row, shown, "{said}");
        }
        assert_eq!(changed[0].ttl, Ttl::new(3600), "what is not named stays");
        assert!(!changed[2].attributes.contains_key("comment"));
        let rows = all(&*editor, &domain).await;
        assert!(editor.remove(&zone, &rows).await.iter().all(Result::is_ok));
        assert_eq!(count(&emulator, "DELETE", "/records"), 1);
        assert_eq!(all(&*editor, &domain).await, []);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn rows_are_found_by_name_type_value_and_id() {
    for underscores_unfound in [false, true] {
        let (emulator, domain) = start(Switches { underscores_unfound, ..Switches::default() }).await;
        let editor = editor(&emulator);
        let id = emulator.state().add_record(&domain, "A", "www.example.com", "192.0.2.1", 300);
        emulator.state().add_record(&domain, "AAAA", "www.example.com", "2001:db8::1", 300);
        emulator.state().add_record(&domain, "A", "example.com", "192.0.2.2", 300);
        emulator.state().add_record(&domain, "A", "_x.example.com", "198.51.100.1", 300);
        let none = Filter::default;
        let a = || Filter { rtype: Some(RecordType::A), ..none() };
        for (filter, found) in [
            (none(), 4),
            (Filter { name: Some("www.*".into()), ..none() }, 2),
            (Filter { name: Some("example.com.".into()), ..none() }, 1),
            (a(), 3),
            (Filter { name: Some("www.example.com".into()), ..a() }, 1),
            (Filter { name: Some("_x.example.com".into()), ..a() }, 1),
            (Filter { name: Some("*.example.com".into()), ..a() }, 2),
            (Filter { value: Some("192.0.2.*".into()), ..a() }, 2),
            (Filter { value: Some("192.0.2.1".into()), ..none() }, 1),
            (Filter { id: Some(id.clone()), ..none() }, 1),
            (Filter { rtype: Some(RecordType::Txt), ..none() }, 0),
        ] {
            assert_eq!(editor.rows(&zone(&domain), &filter).await.unwrap().len(), found, "{filter:?}");
        }
        assert_eq!(editor.row(&zone(&domain), &id).await.unwrap().values, ["192.0.2.1"]);
        let error = editor.row(&zone(&domain), "A-nope").await.unwrap_err();
        assert!(error.kind == Kind::Config && error.why.contains("A-nope"), "{error}");
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn domains_are_added_listed_and_removed() {
    for pace in [Pace::Calls(0), Pace::Calls(2)] {
        for brief_202 in [false, true] {
            let (emulator, _) = start(Switches { brief_202, ..Switches::default() }).await;
            emulator.state().pace = pace;
            let editor = editor(&emulator);
            let given = named(&[("email", "me@example.org"), ("ttl", "900"), ("comment", "mine")]);
            let added = editor.add_zone(&name("example.org"), &given).await.unwrap();
            assert_eq!(added.attributes["email"], "me@example.org");
            assert_eq!(added.attributes["comment"], "mine");
            let zones = editor.zones().await.unwrap();
            assert_eq!(
                zones.iter().map(|row| row.zone.name.as_str()).collect::<Vec<_>>(),
                ["example.com", "example.org"]
            );
            assert_eq!(zones[1].zone, added.zone);
            assert_eq!(emulator.state().domains[1].ttl, 900);
            let error = editor.add_zone(&name("example.org"), &given).await.unwrap_err();
            assert!(error.kind == Kind::Config && error.why.contains("already exists"), "{error}");
            editor.remove_zone(&added.zone).await.unwrap();
            assert_eq!(emulator.state().domains.len(), 1);
            assert_eq!(editor.remove_zone(&added.zone).await.unwrap_err().kind, Kind::Stale);
            assert_correct(&emulator);
        }
    }
}

#[tokio::test]
async fn a_domain_that_cannot_be_is_refused_with_a_sentence_and_not_sent() {
    let (emulator, _) = start(Switches::default()).await;
    let editor = editor(&emulator);
    for (given, says) in [
        (named(&[]), "--email"),
        (named(&[("email", "nobody")]), "--email"),
        (named(&[("email", "me@example.org"), ("ttl", "299")]), "300 seconds or more"),
        (named(&[("email", "me@example.org"), ("ttl", "an hour")]), "number of seconds"),
        (named(&[("email", "me@example.org"), ("comment", &"x".repeat(161))]), "160"),
    ] {
        let error = editor.add_zone(&name("example.org"), &given).await.unwrap_err();
        assert!(error.kind == Kind::Config && error.unsent && error.why.contains(says), "{error}");
    }
    assert_eq!(emulator.server.log().len(), 0);
    emulator.state().most_domains = 1;
    let error = editor.add_zone(&name("example.org"), &named(&[("email", "me@example.org")])).await.unwrap_err();
    assert!(error.kind == Kind::Config && error.to_string().contains("quota"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_is_refused_for_itself_and_the_rest_is_done() {
    let (emulator, domain) = start(Switches::default()).await;
    let (editor, zone) = (editor(&emulator), zone(&domain));
    emulator.state().refused.push("bad.example.com".into());
    emulator.state().add_record(&domain, "CNAME", "taken.example.com", "example.org", 600);
    let edits = [
        with(edit("a.example.com", RecordType::A, &["192.0.2.1"]), "colour", "red"),
        edit("b.example.com", RecordType::A, &[]),
        edit("example.org", RecordType::A, &["192.0.2.1"]),
        edit("bad.example.com", RecordType::A, &["192.0.2.1"]),
        edit("good.example.com", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
        edit("taken.example.com", RecordType::A, &["192.0.2.1"]),
        edit("fine.example.com", RecordType::A, &["192.0.2.1"]),
    ];
    let outcomes = editor.add(&zone, &edits).await;
    for (at, says) in [
        (0, "\"colour\"; there are comment and priority"),
        (1, "has a value"),
        (2, "does not lie in the zone example.com"),
        (3, "bad.example.com is not a valid record name"),
        (5, "A CNAME record cannot stand beside another record"),
    ] {
        let error = outcomes[at].as_ref().unwrap_err();
        assert!(error.kind == Kind::Config && error.to_string().contains(says), "{at}: {error}");
    }
    assert_eq!((outcomes[4].as_ref().unwrap().len(), outcomes[6].as_ref().unwrap().len()), (2, 1));
    assert_eq!(emulator.state().records(&domain).len(), 4);
    for (edit, outcome) in edits.iter().zip([false, false, false, true, true, true, true]) {
        assert_eq!(editor.check(&zone, edit).is_ok(), outcome, "what only the service knows is not checked: {edit:?}");
    }
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_record_that_is_there_is_the_one_that_was_wanted() {
    for duplicates in [Duplicates::Job400, Duplicates::Job409, Duplicates::AtOnce] {
        let (emulator, domain) = start(Switches { duplicates, ..Switches::default() }).await;
        let editor = editor(&emulator);
        let id = emulator.state().add_record(&domain, "A", "www.example.com", "192.0.2.1", 600);
        let wanted = edit("www.example.com", RecordType::A, &["192.0.2.1"]);
        let rows = editor.add(&zone(&domain), &[wanted]).await.remove(0).unwrap();
        assert_eq!((rows.len(), &rows[0].id), (1, &id), "{duplicates:?}");
        assert_eq!(emulator.state().records(&domain).len(), 1);
        // Twice in one call it is one, and keeps the others from nothing.
        let twice = edit("ftp.example.com", RecordType::A, &["192.0.2.7", "192.0.2.7"]);
        let outcomes = editor.add(&zone(&domain), &[edit("a.example.com", RecordType::A, &["192.0.2.1"]), twice]).await;
        assert!(outcomes.iter().all(Result::is_ok), "{duplicates:?}: {outcomes:?}");
        assert_eq!(emulator.state().records(&domain).len(), 3);
    }
}

#[tokio::test]
async fn a_name_and_a_type_are_not_changed_and_nothing_is_sent_for_nothing() {
    let (emulator, domain) = start(Switches::default()).await;
    let (editor, zone) = (editor(&emulator), zone(&domain));
    emulator.state().add_record(&domain, "A", "www.example.com", "192.0.2.1", 600);
    let row = all(&*editor, &domain).await.remove(0);
    emulator.server.clear();
    let changes = [
        edit("ftp.example.com", RecordType::A, &["192.0.2.1"]),
        edit("www.example.com", RecordType::Aaaa, &["2001:db8::1"]),
        edit("www.example.com", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
        edit("www.example.com", RecordType::A, &["192.0.2.1"]),
    ]
    .map(|edit| (row.clone(), edit));
    let outcomes = editor.update(&zone, &changes).await;
    for outcome in &outcomes[..3] {
        assert!(outcome.as_ref().is_err_and(|error| error.kind == Kind::Config && error.unsent), "{outcome:?}");
    }
    assert_eq!(outcomes[3].as_ref(), Ok(&row));
    assert_eq!(emulator.server.log().len(), 0);
}

#[tokio::test]
async fn hundreds_of_records_take_a_few_calls_and_a_culprit_is_found_among_them() {
    let (emulator, domain) = start(Switches::default()).await;
    let (editor, zone) = (editor(&emulator), zone(&domain));
    emulator.state().refused.push("n123.example.com".into());
    let labels: Vec<String> = (0..250).map(|n| format!("n{n}.example.com")).collect();
    let edits: Vec<Edit> = labels.iter().map(|label| edit(label, RecordType::A, &["192.0.2.1"])).collect();
    let outcomes = editor.add(&zone, &edits).await;
    for (edit, outcome) in edits.iter().zip(&outcomes) {
        assert_eq!(outcome.is_err(), edit.name.as_str() == "n123.example.com", "{outcome:?}");
    }
    assert!(count(&emulator, "POST", "/records") <= 3 + 14);
    let rows = all(&*editor, &domain).await;
    assert_eq!(rows.len(), 249);
    let changes: Vec<(Row, Edit)> =
        rows.iter().map(|row| (row.clone(), edit(row.name.as_str(), RecordType::A, &["192.0.2.2"]))).collect();
    assert!(editor.update(&zone, &changes).await.iter().all(Result::is_ok));
    assert_eq!(count(&emulator, "PUT", "/records"), 3);
    emulator.state().undeletable.push(rows[7].id.clone());
    let outcomes = editor.remove(&zone, &rows).await;
    assert_eq!(count(&emulator, "DELETE", "/records"), 3);
    for (at, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_err(), at == 7, "{outcome:?}");
    }
    assert_eq!(emulator.state().records(&domain).len(), 1);
    assert_correct(&emulator);
}
