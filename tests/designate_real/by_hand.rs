//! Zones and record sets by hand, at a real Designate: every type, both paths, filters, case, rights, `clouds.yaml`.

use driftless::provider::edit::{Attributes, Edit, Editor, Filter, Row, ZoneRow};
use driftless::provider::shape::zones::Zone;

use super::*;

impl Rig {
    pub(super) fn editor(&self, differs: Differs<'_>) -> Arc<dyn Editor> {
        let edit = provider::find("designate").unwrap().edit.unwrap();
        edit(&self.settings(differs), &Tools { http: self.http.clone() }).unwrap()
    }

    /// Sets limits of the demo project, as its administrator may.
    pub(super) async fn quotas(&self, limits: Json) {
        let token = self.token("admin", "adminpass", "admin").await.0;
        let url = format!("{}/v2/quotas/{}", self.variable("DESIGNATE_URL"), self.variable("RIG_DEMO_PROJECT_ID"));
        let mut request = Request::new(Method::PATCH, Url::parse(&url).unwrap());
        request.headers_mut().insert("x-auth-token", token.parse().unwrap());
        request.headers_mut().insert("x-auth-all-projects", "true".parse().unwrap());
        request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        *request.body_mut() = Some(limits.to_string().into());
        let reply = self.http.send(request, LIST, "raw").await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// The limits that the rig starts with.
pub(super) fn usual_quotas() -> Json {
    json!({"zones": 10, "zone_recordsets": 500, "zone_records": 500, "recordset_records": 20})
}

pub(super) fn wanted(name: &str, rtype: RecordType, values: &[&str], ttl: Option<u32>) -> Edit {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let ttl = ttl.and_then(Ttl::new);
    Edit { name: Name::parse(name).unwrap(), rtype, values, ttl, attributes: Attributes::new() }
}

fn comment(text: &str) -> Attributes {
    Attributes::from([("comment".into(), text.into())])
}

pub(super) async fn add_zone(editor: &Arc<dyn Editor>, name: &str) -> Zone {
    let attributes =
        Attributes::from([("email".into(), "hostmaster@example.test".into()), ("ttl".into(), "60".into())]);
    let added = editor.add_zone(&Name::parse(name).unwrap(), &attributes).await.unwrap();
    for _ in 0..100 {
        let zones = editor.zones().await.unwrap();
        let row = zones.iter().find(|row| row.zone == added.zone).unwrap();
        if row.attributes["status"] == "ACTIVE" {
            return added.zone;
        }
        sleep(Duration::from_millis(300)).await;
    }
    panic!("the zone {name} does not become active");
}

pub(super) async fn remove_zone(editor: &Arc<dyn Editor>, zone: &Zone) {
    editor.remove_zone(zone).await.unwrap();
    for _ in 0..100 {
        if editor.zones().await.unwrap().iter().all(|row| row.zone != *zone) {
            return;
        }
        sleep(Duration::from_millis(300)).await;
    }
    panic!("{} does not go away", zone.name);
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn each_type_is_added_shown_changed_and_removed_by_hand() {
    let Some(rig) = rig().await else { return };
    let editor = rig.editor(&[]);
    let zone = add_zone(&editor, "hand.example.test").await;
    let print = "1 2 aa2df857dc65c5359f02ca75ec5c4308c0100594d931e8d243a42f586257b5e8";
    let other_print = "1 1 aa2df857dc65c5359f02ca75ec5c4308c0100594";
    let cases = [
        (RecordType::A, "a", &["192.0.2.1", "192.0.2.2"][..], "192.0.2.3"),
        (RecordType::Aaaa, "aaaa", &["2001:db8::1"], "2001:db8::2"),
        (RecordType::Cname, "cname", &["www.example.net."], "www2.example.net."),
        (RecordType::Ns, "ns", &["ns1.example.net."], "ns2.example.net."),
        (RecordType::Txt, "txt", &["hello \"world\"", "v=1; a=b"], "plain"),
        (RecordType::Mx, "mx", &["10 mail1.example.net.", "20 mail2.example.net."], "5 mail.example.net."),
        (RecordType::Sshfp, "sshfp", &[print], other_print),
        (RecordType::Spf, "spf", &["v=spf1 +all"], "v=spf1 -all"),
        (RecordType::Srv, "_sip._tcp", &["10 0 5060 server1.example.net."], "20 1 5061 server2.example.net."),
    ];
    let edits: Vec<_> = cases
        .iter()
        .map(|(rtype, label, values, _)| Edit {
            attributes: comment("by hand"),
            ..wanted(&format!("{label}.hand.example.test"), *rtype, values, Some(300))
        })
        .collect();
    let mut rows: Vec<Row> = Vec::new();
    for (answer, edit) in editor.add(&zone, &edits).await.into_iter().zip(&edits) {
        let row = answer.unwrap_or_else(|error| panic!("{error}")).remove(0);
        let (mut held, mut given) = (row.values.clone(), edit.values.clone());
        held.sort();
        given.sort();
        assert_eq!((held, row.ttl, &*row.attributes["comment"]), (given, Ttl::new(300), "by hand"), "{}", edit.rtype);
        rows.push(row);
    }
    // Both paths, and the list, tell the same.
    let listed = editor.rows(&zone, &Filter::default()).await.unwrap();
    for row in &rows {
        let shown = editor.row(&zone, &row.id).await.unwrap();
        assert_eq!((&shown.values, shown.rtype), (&row.values, row.rtype));
        let (of, anywhere) = editor.row_anywhere(&row.id).await.unwrap();
        assert_eq!((of, &anywhere.values), (zone.clone(), &row.values));
        assert!(listed.iter().any(|listed| listed.id == row.id));
        let filter = Filter { rtype: Some(row.rtype), value: Some(row.values[0].clone()), ..Filter::default() };
        let found = editor.rows(&zone, &filter).await.unwrap();
        assert_eq!(found.iter().map(|row| &row.id).collect::<Vec<_>>(), [&row.id], "{}", row.rtype);
    }
    // A second one of the same name and type is a mistake, not another set.
    let error = editor.add(&zone, &edits[..1]).await.remove(0).unwrap_err();
    assert_eq!(error.kind, Kind::Config, "{error}");
    let changes: Vec<_> = rows
        .iter()
        .zip(&cases)
        .map(|(row, (rtype, _, _, value))| (row.clone(), wanted(row.name.as_str(), *rtype, &[value], None)))
        .collect();
    for (answer, (_, edit)) in editor.update(&zone, &changes).await.into_iter().zip(&changes) {
        let row = answer.unwrap_or_else(|error| panic!("{error}"));
        // What was not named stays.
        assert_eq!((&row.values, row.ttl, &*row.attributes["comment"]), (&edit.values, Ttl::new(300), "by hand"));
    }
    assert!(editor.remove(&zone, &rows).await.iter().all(Result::is_ok));
    assert_eq!(editor.remove(&zone, &rows[..1]).await.remove(0).unwrap_err().kind, Kind::Stale);
    assert_eq!(editor.row(&zone, &rows[0].id).await.unwrap_err().kind, Kind::Config);
    assert_eq!(editor.row_anywhere(&rows[0].id).await.unwrap_err().kind, Kind::Config);
    assert_eq!(editor.rows(&zone, &Filter::default()).await.unwrap().len(), 2);
    remove_zone(&editor, &zone).await;
    assert_eq!(editor.rows(&zone, &Filter::default()).await.unwrap_err().kind, Kind::Stale);
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn filters_take_wildcards_across_zones_and_case_counts_for_nothing_in_them() {
    let Some(rig) = rig().await else { return };
    let editor = rig.editor(&[]);
    let zones = [add_zone(&editor, "one.example.test").await, add_zone(&editor, "two.example.test").await];
    for (zone, last) in zones.iter().zip(1..) {
        let name = |label: &str| format!("{label}.{}", zone.name);
        let value = format!("198.51.100.{last}");
        let edits = [
            wanted(&name("home"), A, &[&value], None),
            wanted(&name("*"), A, &["192.0.2.1"], None),
            wanted(&name("txt"), RecordType::Txt, &[&value], None),
        ];
        assert!(editor.add(zone, &edits).await.iter().all(Result::is_ok));
    }
    let names = async |name: Option<&str>, rtype: Option<RecordType>, value: Option<&str>| {
        let filter = Filter { name: name.map(Into::into), rtype, value: value.map(Into::into), id: None };
        let rows = editor.rows_everywhere(&filter).await.unwrap();
        let mut names: Vec<_> = rows.iter().map(|(zone, row)| (zone.name.clone(), row.name.to_string())).collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    let both = ["home.one.example.test", "home.two.example.test"];
    assert_eq!(names(Some("home.*"), None, None).await, both);
    assert_eq!(names(Some("HOME.*"), None, None).await, both);
    assert_eq!(names(None, Some(A), Some("198.51.100.*")).await, both);
    assert_eq!(names(None, None, Some("198.51.100.1")).await, [both[0], "txt.one.example.test"]);
    assert_eq!(names(Some("h*two*"), Some(A), None).await, both[1..]);
    let everything = names(Some("*.one.example.test"), Some(A), None).await;
    assert_eq!(everything, ["*.one.example.test", "home.one.example.test"]);
    // The daemon takes a wildcard for the name that it is.
    let account = rig.account(&[]);
    let star = key("*.one.example.test", A);
    let Seen::Holds { values: held, .. } = read(&account, &star).await.unwrap() else { panic!("{star}") };
    assert_eq!(held, values(&["192.0.2.1"]));

    // Somebody has made a name in capitals, which this server keeps beside the other one.
    let body = json!({"name": "HOME.one.example.test.", "type": "A", "records": ["203.0.113.9"]});
    let path = format!("zones/{}/recordsets", zones[0].id);
    assert_eq!(rig.as_demo(Method::POST, &path, Some(body)).await.0, 202);
    assert_eq!(names(Some("home.one.*"), Some(A), None).await, [both[0]; 2]);
    let keys = ["home", "a", "b", "c"].map(|label| key(&format!("{label}.one.example.test"), A));
    for keys in [&keys[..1], &keys[..]] {
        let seen = account.read(keys).await.remove(0).unwrap();
        assert!(matches!(&seen, Seen::Holds { values: held, .. } if *held == values(&["198.51.100.1"])), "{seen:?}");
    }
    for zone in &zones {
        remove_zone(&editor, zone).await;
    }
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_quota_that_is_used_up_is_said_for_each_that_did_not_fit() {
    let Some(rig) = rig().await else { return };
    let editor = rig.editor(&[]);
    let zone = add_zone(&editor, "quota.example.test").await;
    // SOA and NS count.
    rig.quotas(json!({"zones": 1, "zone_recordsets": 5, "recordset_records": 2})).await;
    let edits: Vec<_> =
        (0..8).map(|at| wanted(&format!("h{at}.quota.example.test"), A, &["192.0.2.1"], None)).collect();
    let answers = editor.add(&zone, &edits).await;
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    let held = editor.rows(&zone, &Filter { rtype: Some(A), ..Filter::default() }).await.unwrap();
    assert_eq!(held.len(), answers.len() - refused.len());
    // Four calls are under way together, and the service counts before it writes: it may let some more in.
    assert!((3..=6).contains(&held.len()), "{}", held.len());
    for error in &refused {
        assert_eq!(error.kind, Kind::Config, "{error}");
        assert!(error.why.contains("over_quota") && error.hint.as_ref().unwrap().contains("quota"), "{error}");
    }
    let many = wanted(held[0].name.as_str(), A, &["192.0.2.1", "192.0.2.2", "192.0.2.3"], None);
    let error = editor.update(&zone, &[(held[0].clone(), many)]).await.remove(0).unwrap_err();
    assert!(error.kind == Kind::Config && error.why.contains("over_quota"), "{error}");
    let email = Attributes::from([("email".into(), "hostmaster@example.test".into())]);
    let error = editor.add_zone(&Name::parse("more.example.test").unwrap(), &email).await.unwrap_err();
    assert!(error.kind == Kind::Config && error.why.contains("over_quota"), "{error}");
    rig.quotas(usual_quotas()).await;
    remove_zone(&editor, &zone).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn an_administrator_acts_for_a_project_and_sees_all_of_them() {
    let Some(rig) = rig().await else { return };
    let demo = rig.editor(&[]);
    let zone = add_zone(&demo, "rights2.example.test").await;
    let holds = |rows: Vec<ZoneRow>| rows.iter().any(|row| row.zone == zone);
    let admin = [("username", "admin"), ("password", "adminpass"), ("project_name", "admin")];
    let with = |more: (&'static str, &'static str)| rig.editor(&[&admin[..], &[more]].concat());
    assert!(!holds(rig.editor(&admin).zones().await.unwrap()));
    assert!(holds(with(("all_projects", "true")).zones().await.unwrap()));
    let project = rig.variable("RIG_DEMO_PROJECT_ID").to_owned();
    let sudo = rig.editor(&[&admin[..], &[("sudo_project_id", &project)]].concat());
    assert!(holds(sudo.zones().await.unwrap()));
    let edit = wanted("home.rights2.example.test", A, &["192.0.2.1"], None);
    let row = sudo.add(&zone, &[edit]).await.remove(0).unwrap().remove(0);
    assert_eq!(demo.row(&zone, &row.id).await.unwrap().values, ["192.0.2.1"]);
    // Anybody else is refused these.
    for more in [("all_projects", "true"), ("sudo_project_id", "1234")] {
        let error = rig.editor(&[more]).zones().await.unwrap_err();
        assert_eq!(error.kind, ACCOUNT, "{more:?}: {error}");
    }
    remove_zone(&demo, &zone).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_cloud_of_the_files_logs_in_and_a_corrected_file_is_taken_at_the_next_token() {
    let Some(rig) = rig().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (clouds, secure) = (folder.path().join("clouds.yaml"), folder.path().join("secure.yaml"));
    let url = rig.variable("OS_AUTH_URL");
    let text = format!(
        "clouds:\n  rig:\n    auth:\n      auth_url: {url}\n      username: demo\n      user_domain_id: default\n      \
         project_name: demo\n      project_domain_id: default\n    region_name: RegionOne\n"
    );
    std::fs::write(&clouds, text).unwrap();
    std::fs::write(&secure, "clouds: {rig: {auth: {password: wrong}}}\n").unwrap();
    let settings = Settings::new("rig")
        .with("cloud", Set::Text("rig".into()))
        .with("clouds_file", Set::Path(clouds))
        .with("secure_file", Set::Path(secure.clone()));
    let edit = provider::find("designate").unwrap().edit.unwrap();
    let editor = edit(&settings, &Tools { http: rig.http.clone() }).unwrap();
    assert_eq!(editor.zones().await.unwrap_err().kind, ACCOUNT);
    std::fs::write(&secure, "clouds: {rig: {auth: {password: demopass}}}\n").unwrap();
    editor.zones().await.unwrap();
}
