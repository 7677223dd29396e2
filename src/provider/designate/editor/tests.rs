//! Editing by hand: the documentation's examples one by one, and answers that cannot be used.

use std::sync::Arc;

use serde_json::json;

use super::super::replay::{Exchange, Server, recorded, written as answer};
use super::super::{edit, tests::settings};
use super::*;
use crate::model::error::{Kind, Scope};
use crate::model::record::Ttl;
use crate::net::http::Http;
use crate::provider::Tools;
use crate::provider::setting::Value as Set;

const TOKEN: &str = "004-ks-password-project-scope";
const ZONE: &str = "2150b1bf-dee2-4221-9d85-11f7886fb15f";
const SET: &str = "f7b10e9b-0cae-4a91-b162-562bc6096648";

/// A server for a token and these exchanges, and the editor of an account there.
fn editor(exchanges: Vec<Exchange>) -> (Server, Arc<dyn Editor>) {
    let server = Server::start([vec![recorded(TOKEN)], exchanges].concat());
    let editor = edit(&settings(&server.url), &Tools { http: Http::new(None) }).unwrap();
    (server, editor)
}

fn example_org() -> Zone {
    Zone { id: ZONE.into(), name: Name::parse("example.org").unwrap() }
}

fn zone_answer() -> Exchange {
    let zone = json!({"id": ZONE, "name": "example.org.", "type": "PRIMARY", "ttl": 300});
    answer(&format!("GET /v2/zones/{ZONE}"), 200, &[], &zone.to_string())
}

/// What the body of a documented request asks for.
fn wanted(body: &Json) -> Edit {
    let texts = body["records"].as_array().unwrap().iter().map(|value| value.as_str().unwrap().into());
    Edit {
        name: Name::parse(body["name"].as_str().unwrap_or("example.org")).unwrap(),
        rtype: body["type"].as_str().unwrap_or("A").parse().unwrap(),
        values: texts.collect(),
        ttl: body["ttl"].as_u64().and_then(|ttl| Ttl::new(ttl as u32)),
        attributes: Attributes::from([("comment".into(), body["description"].as_str().unwrap().into())]),
    }
}

#[tokio::test]
async fn every_documented_creation_is_asked_as_documented() {
    for name in ["doc-01-create-a", "doc-09-create-mx", "doc-10-create-sshfp", "doc-11-create-spf", "doc-12-create-srv"]
    {
        let exchange = recorded(name);
        let mut body: Json = serde_json::from_str(&exchange.asked).unwrap();
        let edit = wanted(&body);
        let (server, editor) = editor(vec![exchange]);
        let rows = editor.add(&example_org(), std::slice::from_ref(&edit)).await.remove(0).unwrap();
        assert_eq!((&rows[0].name, rows[0].rtype, &rows[0].values), (&edit.name, edit.rtype, &edit.values), "{name}");
        assert_eq!((rows[0].ttl, &rows[0].attributes), (edit.ttl, &edit.attributes), "{name}");
        if edit.rtype == RecordType::Spf {
            // Servers of today want the quotes that the documentation leaves out.
            body["records"] = json!(["\"v=spf1 +all\""]);
        }
        assert_eq!(serde_json::from_str::<Json>(&server.asked()[1].body).unwrap(), body, "{name}");
    }
}

#[tokio::test]
async fn the_documented_record_set_is_read_by_both_paths() {
    let (server, one) = editor(vec![recorded("doc-02-get"), recorded("doc-03-get-anywhere"), zone_answer()]);
    let row = one.row(&example_org(), SET).await.unwrap();
    assert_eq!((&*row.id, &row.values[..], row.ttl), (SET, &["10.1.0.2".to_owned()][..], Ttl::new(3600)));
    assert_eq!(one.row_anywhere(SET).await.unwrap(), (example_org(), row));
    server.asked();
    // Where nobody follows the way for us, we do.
    let way = format!("http://elsewhere:9001/v2/zones/{ZONE}/recordsets/{SET}");
    let moved = answer(&format!("GET /v2/recordsets/{SET}"), 301, &[("Location", &way)], "");
    let (server, editor) = editor(vec![moved, recorded("doc-02-get"), zone_answer()]);
    assert_eq!(editor.row_anywhere(SET).await.unwrap().0, example_org());
    server.asked();
}

#[tokio::test]
async fn the_documented_lists_are_read_whole() {
    let in_zone = Zone { id: "c991f02b-ae05-4570-bf75-73def68fe700".into(), name: Name::parse("example.org").unwrap() };
    let (server, editor) = editor(["doc-04-list", "doc-05-list-everywhere", "doc-06-filter"].map(recorded).to_vec());
    let rows = editor.rows(&in_zone, &Filter::default()).await.unwrap();
    let types: Vec<_> = rows.iter().map(|row| row.rtype.as_str()).collect();
    assert_eq!(types, ["SOA", "NS", "A"]);
    let rows = editor.rows_everywhere(&Filter::default()).await.unwrap();
    let zones: Vec<_> = rows.iter().map(|(zone, row)| (zone.name.as_str(), row.rtype.as_str())).collect();
    let (org, com) = ("example.org", "example.com");
    assert_eq!(zones, [(org, "NS"), (org, "SOA"), (com, "SOA"), (com, "NS")]);
    let filter = Filter { rtype: Some(RecordType::A), value: Some("192.168*".into()), ..Filter::default() };
    assert_eq!(editor.rows_everywhere(&filter).await.unwrap().len(), 2);
    let asked = server.asked();
    assert_eq!(asked[3].line, "GET /v2/recordsets?type=A&data=192.168*&limit=200");
}

#[tokio::test]
async fn what_the_service_does_not_filter_is_filtered_here() {
    // The answer is that of a server that ignores the filters.
    let (server, editor) = editor(vec![recorded("doc-06-filter"), recorded("doc-06-filter")]);
    let filter = Filter { name: Some("MAIL.*".into()), value: Some("192.168.0.?".into()), ..Filter::default() };
    assert_eq!(editor.rows_everywhere(&filter).await.unwrap(), []);
    let filter = Filter { name: Some("mail.example.net".into()), ..Filter::default() };
    assert_eq!(editor.rows_everywhere(&filter).await.unwrap().len(), 1);
    let asked = server.asked();
    assert_eq!(asked[1].line, "GET /v2/recordsets?name=mail.*&limit=200");
    assert_eq!(asked[2].line, "GET /v2/recordsets?name=mail.example.net.&limit=200");
}

#[tokio::test]
async fn the_documented_update_and_removal_are_asked_as_documented() {
    let (server, editor) = editor(["doc-02-get", "doc-07-update", "doc-08-delete"].map(recorded).to_vec());
    let row = editor.row(&example_org(), SET).await.unwrap();
    let body: Json = serde_json::from_str(&recorded("doc-07-update").asked).unwrap();
    let updated = editor.update(&example_org(), &[(row, wanted(&body))]).await.remove(0).unwrap();
    assert_eq!((updated.ttl, &*updated.attributes["comment"]), (Ttl::new(60), "I updated this example."));
    assert_eq!(editor.remove(&example_org(), &[updated]).await, [Ok(())]);
    // What stays is not sent: an update is partial.
    let asked: Json = serde_json::from_str(&server.asked()[2].body).unwrap();
    assert_eq!(asked, json!({"description": "I updated this example.", "ttl": 60}));
}

#[tokio::test]
async fn what_changes_nothing_or_cannot_be_is_not_sent() {
    let (server, editor) = editor(vec![recorded("doc-02-get")]);
    let row = editor.row(&example_org(), SET).await.unwrap();
    let same = Edit { values: row.values.clone(), ..wanted(&json!({"records": [], "description": "x"})) };
    let same = Edit { attributes: Attributes::new(), ..same };
    let other = Edit { name: Name::parse("other.example.org").unwrap(), ..same.clone() };
    let answers = editor.update(&example_org(), &[(row.clone(), same.clone()), (row.clone(), other)]).await;
    assert_eq!(answers[0].as_ref(), Ok(&row));
    assert!(answers[1].as_ref().unwrap_err().why.contains("keeps the name"));
    let soa = Row { rtype: RecordType::Soa, ..row.clone() };
    let ns = Row { rtype: RecordType::Ns, ..row.clone() };
    let odd = Row { id: "../../zones".into(), ..row };
    for answer in editor.remove(&example_org(), &[soa, ns, odd]).await {
        assert_eq!(answer.unwrap_err().kind, Kind::Config);
    }
    assert_eq!(editor.row(&example_org(), "..").await.unwrap_err().kind, Kind::Config);
    server.asked();
}

#[tokio::test]
async fn an_id_that_is_not_there_and_a_name_that_is_are_the_askers_mistakes() {
    let gone = |asks: &str| Exchange { asks: asks.into(), ..recorded("121-rs-get-unknown") };
    let in_zone = format!("/v2/zones/{ZONE}/recordsets");
    let twice = Exchange { asks: format!("POST {in_zone}"), ..recorded("071-rs-create-duplicate") };
    let exchanges = vec![gone(&format!("GET {in_zone}/{SET}")), gone(&format!("GET /v2/recordsets/{SET}")), twice];
    let (server, editor) = editor(exchanges);
    assert_eq!(editor.row(&example_org(), SET).await.unwrap_err().kind, Kind::Config);
    assert_eq!(editor.row_anywhere(SET).await.unwrap_err().kind, Kind::Config);
    let edit = wanted(&json!({"records": ["10.1.0.2"], "description": "x"}));
    let error = editor.add(&example_org(), &[edit]).await.remove(0).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.hint.unwrap().contains("update it"));
    server.asked();
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_no_success() {
    let set = recorded("doc-02-get").body;
    let truncated = &set[..set.len() / 2];
    let path = format!("/v2/zones/{ZONE}/recordsets");
    let edit = wanted(&json!({"records": ["10.1.0.9"], "description": "x"}));
    for body in [truncated, "", "<html>log in</html>", "{}", "[]", "null"] {
        let with = |method: &str, path: &str, status| answer(&format!("{method} {path}"), status, &[], body);
        let one = format!("{path}/{SET}");
        let exchanges = vec![
            with("GET", "/v2/zones", 200),
            with("GET", &path, 200),
            with("GET", &one, 200),
            with("POST", &path, 202),
            with("PUT", &one, 202),
            with("POST", "/v2/zones", 202),
        ];
        let (server, editor) = editor(exchanges);
        let zone = example_org();
        let mut errors = vec![editor.zones().await.unwrap_err()];
        errors.push(editor.rows(&zone, &Filter::default()).await.unwrap_err());
        errors.push(editor.row(&zone, SET).await.unwrap_err());
        errors.push(editor.add(&zone, std::slice::from_ref(&edit)).await.remove(0).unwrap_err());
        let row = answers::recordset(&recorded("doc-02-get").reply(), "").unwrap().row().unwrap();
        errors.push(editor.update(&zone, &[(row, edit.clone())]).await.remove(0).unwrap_err());
        let email = Attributes::from([("email".into(), "a@example.org".into())]);
        errors.push(editor.add_zone(&zone.name, &email).await.unwrap_err());
        for error in errors {
            assert_eq!(error.kind, Kind::Transient, "{body}: {error}");
        }
        server.asked();
    }
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_refused_unread() {
    let long = format!("{{\"recordsets\": [{}", " ".repeat(10 << 20));
    let (_server, editor) = editor(vec![answer(&format!("GET /v2/zones/{ZONE}/recordsets"), 200, &[], &long)]);
    let error = editor.rows(&example_org(), &Filter::default()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Transient);
    assert!(error.why.contains("longer than"), "{error}");
}

#[tokio::test]
async fn an_account_that_is_refused_is_not_asked_for_the_rest() {
    let edits: Vec<_> = (0..20).map(|_| wanted(&json!({"records": ["10.1.0.9"], "description": "x"}))).collect();
    // The first four are under way together, and wait for the same token one after the other.
    let server = Server::start(vec![recorded("008-ks-wrong-password"); 4]);
    let editor = edit(&settings(&server.url), &Tools { http: Http::new(None) }).unwrap();
    for answer in editor.add(&example_org(), &edits).await {
        let error = answer.unwrap_err();
        assert_eq!(error.kind, Kind::Auth { scope: Scope::Account }, "{error}");
        assert!(!format!("{error:?}").contains("demopass"));
    }
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn an_administrators_rights_are_asked_for_with_each_call() {
    let server = Server::start(vec![recorded(TOKEN), answer("GET /v2/zones", 200, &[], r#"{"zones": []}"#)]);
    let settings = settings(&server.url).with("sudo_project_id", Set::Text("1234".into()));
    let settings = settings.with("all_projects", Set::Flag(true));
    let editor = edit(&settings, &Tools { http: Http::new(None) }).unwrap();
    assert_eq!(editor.zones().await.unwrap(), []);
    let asked = server.asked();
    let field = |at: usize, name: &str| {
        asked[at].fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
    };
    assert_eq!(field(1, "x-auth-sudo-project-id").as_deref(), Some("1234"));
    assert_eq!(field(1, "x-auth-all-projects").as_deref(), Some("true"));
    assert_eq!(field(0, "x-auth-sudo-project-id"), None);
}
