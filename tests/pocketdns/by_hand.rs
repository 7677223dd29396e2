//! Zones and records by hand, through the registry's editor.

use std::sync::Arc;

use driftless::model::error::Kind;
use driftless::model::record::{RecordType, Ttl};
use driftless::provider::edit::{Edit, Editor, Filter, Row};
use driftless::provider::find;

use super::emulator::Switches;
use super::{DOMAIN, assert_correct, every_switch, name, settings, start, tools, zone};

fn editor(emulator: &super::emulator::PocketDns) -> Arc<dyn Editor> {
    let edit = find("pocketdns").unwrap().edit.unwrap();
    edit(&settings(&emulator.endpoint()), &tools()).unwrap_or_else(|why| panic!("{why}"))
}

fn edit(label: &str, rtype: RecordType, values: &[&str]) -> Edit {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Edit { name: name(label), rtype, values, ttl: None, attributes: Default::default() }
}

fn priority(mut edit: Edit, priority: &str) -> Edit {
    edit.attributes.insert("priority".into(), priority.into());
    edit
}

async fn all(editor: &dyn Editor) -> Vec<Row> {
    editor.rows(&zone(), &Filter::default()).await.unwrap()
}

#[tokio::test]
async fn every_type_is_added_listed_changed_and_removed_whatever_the_switches() {
    for switches in every_switch() {
        let emulator = start(switches).await;
        let editor = editor(&emulator);
        let edits = [
            edit("example.com", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
            edit("example.com", RecordType::Aaaa, &["2001:db8::1"]),
            edit("blog.example.com", RecordType::Cname, &["example.com."]),
            edit("example.com", RecordType::Mx, &["10 mail.example.com"]),
            priority(edit("example.com", RecordType::Mx, &["backup.example.com"]), "20"),
            edit("subdomain.example.com", RecordType::Ns, &["ns1.example.com"]),
            edit("_sip._tcp.example.com", RecordType::Srv, &["10 60 5060 sip.example.com"]),
            edit("example.com", RecordType::Txt, &["v=spf1 -all"]),
        ];
        let added = editor.add(&zone(), &edits).await;
        let counts: Vec<usize> = added.iter().map(|rows| rows.as_ref().unwrap().len()).collect();
        assert_eq!(counts, [2, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(emulator.server.log().len(), 1);
        let rows = all(&*editor).await;
        assert_eq!(rows.len(), 9);
        let mx: Vec<_> = rows.iter().filter(|row| row.rtype == RecordType::Mx).collect();
        assert_eq!((mx[0].values[0].as_str(), mx[0].attributes["priority"].as_str()), ("mail.example.com", "10"));
        assert_eq!(mx[1].attributes["priority"], "20");
        let changes = [
            (rows[0].clone(), edit("www.example.com", RecordType::A, &["192.0.2.7"])),
            (mx[0].clone(), priority(edit("example.com", RecordType::Mx, &["mail.example.com"]), "5")),
        ];
        let changed: Vec<Row> = editor.update(&zone(), &changes).await.into_iter().map(Result::unwrap).collect();
        assert_eq!((changed[0].name.as_str(), changed[0].values[0].as_str()), ("www.example.com", "192.0.2.7"));
        assert_eq!((&changed[0].id, changed[0].ttl), (&rows[0].id, Ttl::new(300)));
        assert_eq!(editor.row(&zone(), &mx[0].id).await.unwrap().attributes["priority"], "5");
        let rows = all(&*editor).await;
        assert!(editor.remove(&zone(), &rows).await.iter().all(Result::is_ok));
        assert_eq!(all(&*editor).await, []);
        assert_correct(&emulator);
    }
}

#[tokio::test]
async fn rows_are_found_by_name_type_value_and_id() {
    let emulator = start(Switches::default()).await;
    let editor = editor(&emulator);
    let id = emulator.state().add_record(DOMAIN, "A", "www", "192.0.2.1", 300);
    emulator.state().add_record(DOMAIN, "AAAA", "www", "2001:db8::1", 300);
    emulator.state().add_record(DOMAIN, "A", "@", "192.0.2.2", 300);
    let none = Filter::default;
    for (filter, found) in [
        (none(), 3),
        (Filter { name: Some("www.*".into()), ..none() }, 2),
        (Filter { name: Some("example.com".into()), ..none() }, 1),
        (Filter { rtype: Some(RecordType::A), ..none() }, 2),
        (Filter { value: Some("192.0.2.*".into()), rtype: Some(RecordType::A), ..none() }, 2),
        (Filter { id: Some(id.clone()), ..none() }, 1),
    ] {
        assert_eq!(editor.rows(&zone(), &filter).await.unwrap().len(), found, "{filter:?}");
    }
    assert_eq!(editor.row(&zone(), &id).await.unwrap().values, ["192.0.2.1"]);
    assert_eq!(editor.row(&zone(), "rec_nope").await.unwrap_err().kind, Kind::Config);
}

#[tokio::test]
async fn zones_are_shown_with_what_is_told_of_them_and_neither_added_nor_removed() {
    let emulator = start(Switches::default()).await;
    let editor = editor(&emulator);
    let zones = editor.zones().await.unwrap();
    assert_eq!(zones[0].zone, zone());
    assert_eq!(zones[0].attributes["nameservers"], "ns1.pocketdns.com ns2.pocketdns.com");
    assert_eq!(zones[0].attributes["status"], "active");
    emulator.server.clear();
    let added = editor.add_zone(&name("example.org"), &Default::default()).await.unwrap_err();
    let removed = editor.remove_zone(&zone()).await.unwrap_err();
    assert_eq!((added.kind, removed.kind), (Kind::Config, Kind::Config));
    assert_eq!(emulator.server.log().len(), 0);
}

#[tokio::test]
async fn what_cannot_be_is_refused_for_itself_and_the_rest_is_done() {
    let emulator = start(Switches::default()).await;
    let editor = editor(&emulator);
    emulator.state().add_record(DOMAIN, "A", "half", "192.0.2.2", 300);
    let mut colour = edit("a.example.com", RecordType::A, &["192.0.2.1"]);
    colour.attributes.insert("colour".into(), "red".into());
    let edits = [
        colour,
        edit("b.example.com", RecordType::A, &[]),
        edit("example.com", RecordType::Mx, &["mail.example.com"]),
        edit("half.example.com", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
        edit("good.example.com", RecordType::A, &["192.0.2.1"]),
    ];
    let outcomes = editor.add(&zone(), &edits).await;
    let says = |at: usize| outcomes[at].as_ref().unwrap_err().to_string();
    assert!(says(0).contains("colour") && says(0).contains("priority"), "{}", says(0));
    assert!(says(1).contains("there is no value"));
    assert!(says(2).contains("needs a priority"));
    assert!(says(3).contains("1 of the 2 records were created"), "{}", says(3));
    assert_eq!(outcomes[4].as_ref().unwrap().len(), 1);
    assert_correct(&emulator);
}

#[tokio::test]
async fn a_type_is_not_changed_two_values_are_none_and_nothing_is_sent_for_nothing() {
    let emulator = start(Switches::default()).await;
    let editor = editor(&emulator);
    emulator.state().add_record(DOMAIN, "A", "www", "192.0.2.1", 300);
    let row = all(&*editor).await.remove(0);
    emulator.server.clear();
    let same = edit("www.example.com", RecordType::A, &["192.0.2.1"]);
    let changes = [
        edit("www.example.com", RecordType::Aaaa, &["2001:db8::1"]),
        edit("www.example.com", RecordType::A, &["192.0.2.1", "192.0.2.2"]),
        Edit { ttl: Ttl::new(7), ..same.clone() },
        priority(same.clone(), "7"),
        same,
    ]
    .map(|edit| (row.clone(), edit));
    let outcomes = editor.update(&zone(), &changes).await;
    for outcome in &outcomes[..4] {
        assert!(outcome.as_ref().is_err_and(|error| error.kind == Kind::Config && error.unsent), "{outcome:?}");
    }
    assert_eq!(outcomes[4].as_ref().unwrap(), &row);
    assert_eq!(emulator.server.log().len(), 0);
    let gone = Row { id: "rec_nope".into(), ..row };
    assert_eq!(editor.remove(&zone(), &[gone]).await.remove(0).unwrap_err().kind, Kind::Stale);
}

#[tokio::test]
async fn a_call_of_too_many_records_is_split_until_it_is_taken() {
    let emulator = start(Switches { longest_bulk: 2, ..Switches::default() }).await;
    let editor = editor(&emulator);
    let labels = ["a", "b", "c", "d", "e"].map(|label| format!("{label}.example.com"));
    let mut edits: Vec<Edit> = labels.iter().map(|label| edit(label, RecordType::A, &["192.0.2.1"])).collect();
    edits.insert(2, edit("*.example.com", RecordType::A, &["192.0.2.1"]));
    let outcomes = editor.add(&zone(), &edits).await;
    for (edit, outcome) in edits.iter().zip(&outcomes) {
        match outcome {
            Ok(rows) => assert_eq!(rows[0].name, edit.name),
            Err(error) => assert!(edit.name.as_str().starts_with('*') && error.unsent, "{error}"),
        }
    }
    assert_eq!(outcomes.iter().flatten().count(), 5);
    assert_eq!(emulator.state().records(DOMAIN).len(), 5);
    assert_correct(&emulator);
}

#[tokio::test]
async fn hundreds_of_records_are_created_in_a_few_calls() {
    let emulator = start(Switches::default()).await;
    let editor = editor(&emulator);
    let labels: Vec<String> = (0..250).map(|n| format!("n{n}.example.com")).collect();
    let edits: Vec<Edit> = labels.iter().map(|label| edit(label, RecordType::A, &["192.0.2.1"])).collect();
    let outcomes = editor.add(&zone(), &edits).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(emulator.server.count("/bulk"), 3);
    assert_eq!(all(&*editor).await.len(), 250);
}
