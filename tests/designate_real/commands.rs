//! The commands of the real program at a real Designate: zones and record sets come, are looked at, change and go.

use super::torture::Home;
use super::*;

/// The program with an account at the rig.
struct Desk {
    home: Home,
}

impl Desk {
    fn new(rig: &Rig) -> Self {
        let home = Home::new();
        home.write("password", "demopass");
        let text = format!(
            "state_dir = {:?}\n[account.cloud]\nprovider = \"designate\"\nauth_url = \"{}\"\nusername = \"demo\"\n\
             user_domain_id = \"default\"\nproject_name = \"demo\"\nproject_domain_id = \"default\"\n\
             password = {{ file = {:?} }}\nverify = false\n",
            home.text("state"),
            rig.variable("OS_AUTH_URL"),
            home.text("password"),
        );
        home.write("driftless.toml", &text);
        Self { home }
    }

    /// Runs a command, which must end with this code and say this; what it printed.
    #[track_caller]
    fn run(&self, words: &str, code: i32, says: &str) -> String {
        let output = self.home.output(&words.split(' ').collect::<Vec<_>>());
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!(output.status.code(), Some(code), "{words}: {out}{err}");
        assert!(out.contains(says) || err.contains(says), "{words}: {says}: {out}{err}");
        assert!(!err.contains("demopass"), "{err}");
        out
    }

    #[track_caller]
    fn json(&self, words: &str) -> Json {
        serde_json::from_str(&self.run(&format!("{words} --json"), 0, "")).unwrap()
    }

    #[track_caller]
    fn count(&self, words: &str) -> usize {
        self.json(words)["records"].as_array().unwrap().len()
    }
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn every_command_works_at_a_real_designate() {
    let Some(rig) = rig().await else { return };
    let desk = Desk::new(&rig);
    let add_zone = "zones add commands.example.test --email hostmaster@example.test --ttl 600";
    desk.run(&format!("{add_zone} --dry-run"), 0, "would be added: 1 zone");
    desk.run("zones add commands.example.test", 78, "needs the email");
    desk.run(add_zone, 0, "added: 1 zone");
    desk.run(add_zone, 78, "the account cloud has the zone commands.example.test already");
    desk.run("zones list", 0, "commands.example.test");
    let apex = desk.count("records list --zone commands.example.test");
    assert_eq!(apex, 2, "the server's own SOA and NS");

    let add = "records add www.commands.example.test A 192.0.2.1 192.0.2.2 --ttl 300 --set comment=ours";
    desk.run(&format!("{add} --dry-run"), 0, "would be added: 1 record set");
    assert_eq!(desk.count("records list --zone commands.example.test"), apex);
    let added = desk.json(add)["records"][0].clone();
    let id = added["id"].as_str().unwrap().to_owned();
    assert_eq!((&added["ttl"], &added["attributes"]["comment"]), (&json!(300), &json!("ours")));
    desk.run(add, 0, "is there already");
    desk.run("records add www.commands.example.test A 192.0.2.2", 0, "added: 0 record sets");
    desk.run("records add www.commands.example.test A 192.0.2.9", 78, "it holds 192.0.2.1, 192.0.2.2");
    for (words, says) in [
        ("records add www.commands.example.test ALIAS a.example.test", "keeps no ALIAS records"),
        ("records add commands.example.test CNAME a.example.test", "cannot be a CNAME"),
        ("records add commands.example.test NS a.example.test", "NS records of its apex itself"),
        ("records add www.commands.example.test CNAME a.example.test", "a name with a CNAME can have no other record"),
        ("records remove --id 00000000-0000-0000-0000-000000000000 --yes", "no record set that this account sees"),
        ("records show --id nope", "nope"),
    ] {
        desk.run(words, 78, says);
    }
    // Across zones and within one, by the id alone and with its zone.
    for words in [
        "records list --name www.* --type a".to_owned(),
        "records list --zone commands.example.test --value 192.0.2.* --type a".to_owned(),
        format!("records show --id {id}"),
        format!("records show --zone commands.example.test --id {id}"),
        "records show www.commands.example.test".to_owned(),
    ] {
        assert_eq!(desk.json(&words)["records"][0]["id"], *id, "{words}");
    }
    desk.run(&format!("records update --id {id} --ttl 120 --dry-run"), 0, "would be updated: 1 record set");
    let updated = desk.json(&format!("records update --id {id} --ttl 120"))["records"][0].clone();
    assert_eq!((&updated["ttl"], &updated["attributes"]["comment"]), (&json!(120), &json!("ours")));
    let cut = desk.json("records remove www.commands.example.test A 192.0.2.1 --yes");
    assert_eq!(cut["records"][0]["values"], json!(["192.0.2.1"]));
    assert_eq!(desk.json(&format!("records show --id {id}"))["records"][0]["values"], json!(["192.0.2.2"]));
    desk.run("records remove www.commands.example.test", 64, "say --yes");
    // What the server keeps itself stays, and the rest goes.
    for words in ["--dry-run", "--yes"] {
        desk.run(&format!("records remove --name *commands.example.test {words}"), 0, "1 record set");
    }
    assert_eq!(desk.count("records list --zone commands.example.test"), apex);
    desk.run("zones remove commands.example.test", 64, "say --yes");
    desk.run("zones remove commands.example.test --yes", 0, "removed: 1 zone");
    desk.home.write("password", "wrong");
    desk.run("zones list", 77, "");
}
