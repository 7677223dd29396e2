//! Each command once at each service, from an empty zone to an empty zone: looked at before, carried out, repeated, refused.

use serde_json::Value;

use super::desk::Desk;
use super::services::Start;

/// Every command, and with them every operation of the service.
pub async fn every_command(start: Start) {
    let desk = Desk::before(start).await;
    zones(&desk).await;
    let records = added(&desk).await;
    listed(&desk, records).await;
    changed(&desk).await;
    removed(&desk).await;
    for words in desk.service.own {
        desk.run(words).await.ends(0, &[]);
    }
    assert_eq!(desk.operations(), desk.service.operations, "every operation of the service is used by a command");
    desk.is_correct();
}

async fn zones(desk: &Desk) {
    desk.run("zones list").await.ends(0, &["example.org", "sub.example.org"]);
    let named = desk.json("zones list --name sub.*").await;
    assert_eq!((names(&named, "zones"), &named["account"]), (vec!["sub.example.org".to_owned()], &Value::from("it")));
    let before = (desk.held(), desk.mark());
    let words = match desk.service.add_zone {
        Ok(words) => words,
        Err(why) => {
            for words in [
                "zones add example.net",
                "zones add example.net --dry-run",
                "zones remove example.org",
                "zones remove example.org --yes",
                "zones remove example.org --dry-run",
            ] {
                desk.run(words).await.fails(78, why, &desk.service.secret);
            }
            assert_eq!((desk.held(), desk.writes(&desk.since(before.1))), (before.0, 0));
            return;
        }
    };
    desk.run(&format!("{words} --dry-run")).await.ends(0, &["would be added: 1 zone", "600"]);
    assert_eq!(desk.held(), before.0);
    assert_eq!(names(&desk.json(words).await, "zones"), ["example.net"]);
    desk.run(words).await.fails(78, "example.net", &desk.service.secret);
    desk.run(&format!("{words} --dry-run")).await.fails(78, "has the zone example.net already", &desk.service.secret);
    desk.run("zones remove example.net").await.ends(64, &["remove the zone example.net with", "say --yes"]);
    desk.run("zones remove example.net --dry-run").await.ends(0, &["would be removed: 1 zone"]);
    assert_ne!(desk.held(), before.0);
    desk.run("zones remove example.net --yes").await.ends(0, &["removed: 1 zone"]);
    assert!(!names(&desk.json("zones list").await, "zones").contains(&"example.net".to_owned()));
}

/// A record of each type comes into the zone, once. Says how many there are then.
async fn added(desk: &Desk) -> usize {
    let mut records = 1;
    for of_type in desk.service.types {
        let words = format!("records add {of_type}");
        let before = desk.held();
        desk.run(&format!("{words} --dry-run")).await.ends(0, &["would be added: "]);
        assert_eq!(desk.held(), before, "{words} --dry-run");
        let made = desk.json(&words).await;
        let rows = made["records"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["id"].is_string()), "{made}");
        records += rows.len();
        // Whoever says it twice has it once.
        let (after, mark) = (desk.held(), desk.mark());
        let again = desk.json(&words).await;
        assert_eq!(
            (&again["records"], again["unchanged"].as_array().unwrap().len()),
            (&Value::from([""; 0].to_vec()), rows.len())
        );
        desk.run(&words).await.ends(0, &["is there already", "added: 0 record"]);
        assert_eq!((desk.held(), desk.writes(&desk.since(mark))), (after, 0), "{words}");
    }
    let mark = desk.mark();
    for words in [
        "records add www.example.org A 192.0.2.1 --ttl 300",
        "records add www.example.org A 192.0.2.1 --ttl 300 --dry-run",
    ] {
        desk.run(words).await.fails(78, "is there already, but its TTL is 3600", &desk.service.secret);
    }
    assert_eq!(desk.writes(&desk.since(mark)), 0);
    records
}

async fn listed(desk: &Desk, records: usize) {
    let mark = desk.mark();
    let all = desk.json("records list").await;
    assert_eq!(
        all["records"].as_array().unwrap().len(),
        if desk.service.sets { desk.service.types.len() + 1 } else { records }
    );
    if desk.can("GET /v2/recordsets") {
        assert_eq!(desk.since(mark).len(), 2, "a token, and one list across all zones");
    }
    let of_www = desk.json("records list --zone example.org --type a --name www.* --value 192.0.2.*").await;
    assert_eq!(names(&of_www, "records"), ["www.example.org"]);
    let row = &of_www["records"][0];
    for key in ["zone", "id", "name", "type", "values", "ttl", "attributes", "managed"] {
        assert!(!row[key].is_null(), "{key}: {row}");
    }
    desk.run("records list --zone sub.example.org").await.ends(0, &["no records"]);
    let id = row["id"].as_str().unwrap();
    for words in [format!("records show --id {id}"), format!("records show --zone example.org --id {id}")] {
        let shown = desk.json(&words).await;
        assert_eq!(
            (&shown["records"][0]["id"], &shown["records"][0]["values"]),
            (&row["id"], &row["values"]),
            "{words}"
        );
        // The same one, but not of this type.
        desk.run(&format!("{words} --type mx")).await.fails(78, "has no record with type MX, id", &desk.service.secret);
    }
    desk.run("records show www.example.org").await.ends(0, &["www.example.org A", "192.0.2.1", "3600"]);
    desk.run("records attributes").await.ends(0, &["priority"]);
}

async fn changed(desk: &Desk) {
    let before = desk.held();
    let id = desk.id().await;
    let words = format!("records update --id {id} --ttl 1800");
    desk.run(&format!("{words} --dry-run")).await.ends(0, &["would be updated: 1 record", "1800"]);
    assert_eq!(desk.held(), before);
    let mark = desk.mark();
    let updated = desk.json(&words).await;
    assert_eq!(
        (&updated["records"][0]["ttl"], &updated["records"][0]["values"][0]),
        (&1800.into(), &"192.0.2.1".into())
    );
    if desk.can("GET /v2/recordsets/*") {
        assert_eq!(desk.since(mark).len(), 5, "a token, the way to it, it, its zone, the change");
    }
    let updated = desk.json("records update www.example.org A 192.0.2.5").await;
    assert_eq!(
        (&updated["records"][0]["ttl"], &updated["records"][0]["values"][0]),
        (&1800.into(), &"192.0.2.5".into())
    );
    // Whoever says it twice has it once.
    let (after, mark) = (desk.held(), desk.mark());
    let again = desk.json("records update www.example.org A 192.0.2.5 --ttl 1800").await;
    assert_eq!(
        (&again["records"], &again["unchanged"][0]["values"][0]),
        (&Value::from([""; 0].to_vec()), &"192.0.2.5".into())
    );
    desk.run("records update www.example.org --ttl 1800").await.ends(0, &["is there already", "updated: 0 record"]);
    assert_eq!((desk.held(), desk.writes(&desk.since(mark))), (after, 0));
    if !desk.service.sets {
        // Nor does a change make a second one of what is there.
        desk.run("records add www.example.org A 192.0.2.6").await.ends(0, &[]);
        let (after, mark) = (desk.held(), desk.mark());
        for more in ["", " --dry-run"] {
            let words = format!("records update www.example.org A 192.0.2.5 --value 192.0.2.6{more}");
            desk.run(&words).await.fails(78, "would be there twice", &desk.service.secret);
        }
        assert_eq!((desk.held(), desk.writes(&desk.since(mark))), (after, 0));
        desk.run("records remove www.example.org A 192.0.2.6 --yes").await.ends(0, &[]);
    }
    // What an edit does not name stays as it was.
    let mx = desk.json("records list --type mx").await["records"][0].clone();
    let updated = desk.json("records update example.org MX --ttl 900").await["records"][0].clone();
    assert_eq!(updated["ttl"], 900);
    assert_eq!(
        (&updated["values"], &updated["attributes"]["priority"]),
        (&mx["values"], &mx["attributes"]["priority"])
    );
    desk.is_correct();
}

async fn removed(desk: &Desk) {
    let before = desk.held();
    desk.run("records remove www.example.org A").await.ends(64, &["remove www.example.org A 192.0.2.5?", "say --yes"]);
    desk.run("records remove www.example.org A --dry-run").await.ends(0, &["would be removed: 1 record"]);
    desk.run("records remove www.example.org A 192.0.2.1 --yes").await.fails(78, "is not there", &desk.service.secret);
    assert_eq!(desk.held(), before);
    desk.run("records remove www.example.org A 192.0.2.5 --yes").await.ends(0, &["removed: 1 record"]);
    let id = desk.json("records list --type txt").await["records"][0]["id"].as_str().unwrap().to_owned();
    desk.run(&format!("records remove --id {id} --yes")).await.ends(0, &["removed: 1 record"]);
    desk.run("records remove --name *example.org --dry-run").await.ends(0, &["would be removed: "]);
    let rest = desk.json("records remove --name *example.org --yes").await;
    assert!(rest["records"].as_array().unwrap().len() + 2 >= desk.service.types.len(), "{rest}");
    // What the zone stands on goes only by its type.
    let left = desk.json("records list").await;
    assert!(left["records"].as_array().unwrap().iter().all(|row| row["type"] == "SOA"), "{left}");
}

fn names(listed: &Value, what: &str) -> Vec<String> {
    let rows = listed[what].as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}
