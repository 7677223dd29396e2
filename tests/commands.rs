//! The commands that edit by hand, through the real program against LunaNode's emulator: every command, looked at before, refused
//! and carried out; wrong input and wrong answers. Long, as there are twelve commands.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "emulator/pocketdns.rs"]
mod pocketdns;
#[path = "support/said.rs"]
mod said;
#[path = "support/torture.rs"]
mod torture;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::{Answer, Fault};
use lunanode::{LunaNode, Record, Switches};
use said::Said;
use serde_json::{Value, json};
use torture::Home;

const API_ID: &str = "abcdefghijklmnop";

fn key() -> String {
    ('a'..='z').cycle().take(128).collect()
}

/// A desk to work at: an account with two zones, and one name that the daemon keeps.
struct Desk {
    home: Arc<Home>,
    luna: LunaNode,
    /// The id of `example.org`.
    zone: u32,
}

impl Desk {
    async fn new() -> Self {
        Self::with(Switches::default()).await
    }

    async fn with(switches: Switches) -> Self {
        let luna = LunaNode::start(0, API_ID, &key(), switches).await.unwrap();
        let zone = luna.state().add_zone("example.org");
        luna.state().add_zone("sub.example.org");
        let home = Arc::new(Home::new());
        home.write("key", &key());
        let desk = Self { home, luna, zone };
        desk.configure("");
        desk
    }

    /// The configuration, with more accounts.
    fn configure(&self, more: &str) {
        let text = format!(
            "state_dir = {:?}\n[account.luna]\nprovider = \"lunanode\"\nendpoint = \"{}\"\napi_id = \"{API_ID}\"\n\
             api_key = {{ file = {:?} }}\nverify = false\n[[record]]\nname = \"home.example.org\"\naccount = \"luna\"\n\
             ipv4 = \"192.0.2.1\"\nipv6 = \"off\"\nprivate = true\n{more}",
            self.home.text("state"),
            self.luna.endpoint(),
            self.home.text("key"),
        );
        self.home.write("driftless.toml", &text);
    }

    /// Runs a command without a terminal.
    async fn run(&self, words: &str) -> Said {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        self.run_words(words).await
    }

    async fn run_words(&self, words: Vec<String>) -> Said {
        Said::by(&self.home, words.join(" "), words).await
    }

    /// Runs a command that must end well, with `--json`, and says what it printed.
    async fn json(&self, words: &str) -> Value {
        self.run(&format!("{words} --json")).await.json()
    }

    /// Runs a command in a terminal of 80 columns, where `answer` is typed.
    async fn typed(&self, words: &str, answer: &str) -> Said {
        let line = format!(
            "stty cols 80; exec {} --config {} {words}",
            env!("CARGO_BIN_EXE_driftless"),
            self.home.text("driftless.toml")
        );
        let mut command = Command::new("sh");
        let typing = format!("(sleep 1; printf '{answer}\\n'; sleep 2) | script -qec '{line}' /dev/null");
        command.args(["-c", &typing]).env("SSL_CERT_FILE", "/dev/null").current_dir(self.home.path(""));
        let output = tokio::task::spawn_blocking(move || torture::output(&mut command)).await.unwrap();
        Said::of(words.to_owned(), output)
    }

    /// The records of `example.org`: id, and everything that they have.
    fn records(&self) -> Vec<(u32, Record)> {
        self.luna.state().zones[&self.zone].records.clone().into_iter().collect()
    }

    /// What each record of `example.org` has in a field.
    fn each(&self, field: &str) -> Vec<String> {
        self.records().iter().map(|(_, record)| record[field].clone()).collect()
    }

    fn add(&self, name: &str, rtype: &str, data: &str) -> u32 {
        let fields = [("name", name), ("type", rtype), ("data", data), ("ttl", "300")];
        self.luna.state().add_record(self.zone, &fields)
    }

    /// How often something that writes was called.
    fn writes(&self) -> usize {
        ["-add/", "-remove/", "-update/"].iter().map(|part| self.luna.server.count(part)).sum()
    }

    /// Nothing was sent that the documentation does not allow.
    #[track_caller]
    fn is_correct(&self) {
        assert_eq!(self.luna.state().violations, Vec::<String>::new());
    }
}

#[tokio::test]
async fn zones_are_listed_added_and_removed() {
    let desk = Desk::new().await;
    desk.add("www.example.org", "A", "192.0.2.1");
    desk.run("zones list").await.ends(0, &["example.org", "sub.example.org", "lndyn.com"]);
    let listed = desk.json("zones list --name *.example.org").await;
    assert_eq!(listed["zones"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["zones"][0]["name"], "sub.example.org");

    desk.run("zones add example.net --ttl 600 --dry-run").await.ends(0, &["would be added: 1 zone", "ttl=600"]);
    assert_eq!(desk.writes(), 0);
    let added = desk.json("zones add Example.NET. --ttl 600").await;
    let shape = json!({"ttl": "600"});
    assert_eq!((&added["zones"][0]["name"], &added["zones"][0]["attributes"]), (&json!("example.net"), &shape));
    assert_eq!(
        (&added["action"], &added["account"], &added["dry_run"]),
        (&json!("add"), &json!("luna"), &json!(false))
    );
    desk.run("zones add example.net --dry-run").await.ends(78, &["has the zone example.net already"]);
    let there = ["adding the zone example.net at account luna", "the account luna has the zone example.net already"];
    desk.run("zones add example.net").await.ends(78, &there);

    desk.run("zones remove example.org").await.ends(64, &["with 1 record in it?", "say --yes"]);
    desk.run("zones remove example.org --dry-run")
        .await
        .ends(0, &["would be removed: 1 zone", "home.example.org A is declared"]);
    assert_eq!(desk.luna.state().zones.len(), 3);
    desk.run("zones remove example.net --yes --id 1").await.ends(78, &["has not the id 1"]);
    desk.run("zones remove example.net --yes").await.ends(0, &["removed: 1 zone"]);
    desk.run("zones remove example.net --yes").await.ends(78, &["has no zone example.net"]);
    desk.run("zones remove lndyn.com --yes").await.ends(78, &["the domain is LunaNode's"]);
    desk.run("zones add home.lndyn.com").await.ends(78, &["driftless dyn add"]);
    assert_eq!(desk.luna.state().zones.len(), 2);
    desk.is_correct();
}

#[tokio::test]
async fn records_are_added_with_every_parameter_that_there_is() {
    let desk = Desk::new().await;
    let words = "records add www.example.org A 192.0.2.1 192.0.2.2 --ttl 1800 --weight 40 --set policy=region \
                 --set region=on --set regiongroup=east --set country=CA --set continent=NA --set global=no \
                 --set latitude=43.7 --set longitude=-79.4 --set monitor_id=12";
    desk.run(&format!("{words} --dry-run")).await.ends(0, &["would be added: 2 records", "192.0.2.2", "country=CA"]);
    assert_eq!(desk.writes(), 0);
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    desk.run_words(words).await.ends(0, &["added: 2 records"]);
    let records = desk.records();
    assert_eq!(desk.each("data"), ["192.0.2.1", "192.0.2.2"]);
    for (field, value) in [
        ("ttl", "1800"),
        ("weight", "40"),
        ("policy", "region"),
        ("region", "on"),
        ("regiongroup", "east"),
        ("country", "CA"),
        ("continent", "NA"),
        ("global", ""),
        ("latitude", "43.7"),
        ("longitude", "-79.4"),
        ("monitor_id", "12"),
    ] {
        assert!(records.iter().all(|(_, record)| record[field] == value), "{field}: {records:?}");
    }
    for (rtype, value, data, aux) in [
        ("MX", "mail.example.org --priority 10", "mail.example.org", "10"),
        ("AAAA", "2001:DB8::1", "2001:db8::1", "0"),
        ("CNAME", "example.org", "example.org", "0"),
        ("ALIAS", "example.net", "example.net", "0"),
        ("NS", "ns.example.net", "ns.example.net", "0"),
        ("TXT", "\"v=spf1\"", "v=spf1", "0"),
        ("SPF", "v=spf1", "v=spf1", "0"),
        ("SRV", "2_5060_sip.example.org --priority 1", "2 5060 sip.example.org", "1"),
    ] {
        let words = format!("records add {}.example.org {rtype} {value}", rtype.to_lowercase());
        desk.run_words(words.split(' ').map(|word| word.replace('_', " ")).collect())
            .await
            .ends(0, &["added: 1 record"]);
        let record = desk.records().pop().unwrap().1;
        assert_eq!((record["type"].as_str(), record["data"].as_str(), record["aux"].as_str()), (rtype, data, aux));
    }
    // The longest zone that the name ends in, unless another is named.
    desk.run("records add a.sub.example.org A 192.0.2.9 --zone example.org").await.ends(0, &[]);
    assert_eq!(desk.each("name").last().unwrap(), "a.sub.example.org");
    let before = desk.records().len();
    desk.run("records add b.sub.example.org A 192.0.2.9").await.ends(0, &[]);
    assert_eq!(desk.records().len(), before);
    desk.is_correct();
}

#[tokio::test]
async fn records_are_listed_and_shown_by_filters() {
    let desk = Desk::new().await;
    let first = desk.add("www.example.org", "A", "192.0.2.1");
    desk.add("www.example.org", "A", "192.0.2.2");
    desk.add("home.example.org", "A", "192.0.2.1");
    desk.add("*.example.org", "TXT", "red \u{1b}[31m");
    desk.luna.state().add_dyn("box", "198.51.100.1".parse().unwrap());
    let count = |listed: &Value| listed["records"].as_array().unwrap().len();
    for (words, expected) in [
        ("records list", 5),
        ("records list --zone example.org", 4),
        ("records list --zone sub.example.org", 0),
        ("records list --name www.example.org", 2),
        ("records list --name *.org --type a", 3),
        ("records list --value 192.0.2.*", 3),
        ("records list --zone example.org --name w* --value *.2", 1),
        ("records list --zone lndyn.com", 1),
        ("records show *.example.org", 1),
        ("records show www.example.org A", 2),
        ("records show www.example.org --value *.1", 1),
    ] {
        let listed = desk.json(words).await;
        assert_eq!(count(&listed), expected, "{words}: {listed}");
    }
    let listed = desk.json(&format!("records list --id {first}")).await;
    assert_eq!(
        listed["records"][0],
        json!({"zone": "example.org", "id": first.to_string(), "name": "www.example.org", "type": "A",
               "values": ["192.0.2.1"], "ttl": 300, "attributes": {"status": "Enabled"}, "managed": false})
    );
    assert_eq!(desk.json("records list --name home.example.org").await["records"][0]["managed"], true);
    let shown = desk.json(&format!("records show --zone example.org --id {first}")).await;
    assert_eq!((count(&shown), &shown["action"]), (1, &json!("show")));
    desk.run("records show home.example.org").await.ends(0, &["managed       yes", "  id            "]);
    desk.run("records list --zone sub.example.org").await.ends(0, &["no records"]);
    // What a stranger wrote into a value does not colour the terminal.
    let said = desk.run("records list --type txt").await.ends(0, &["\\u{1b}[31m"]);
    assert!(!said.out.contains('\u{1b}'));
    desk.run("records attributes").await.ends(0, &["monitor_id", "policy", "zone"]);
    assert_eq!(desk.json("records attributes").await["records"].as_array().unwrap().len(), 11);
    desk.is_correct();
}

#[tokio::test]
async fn an_update_sends_again_whatever_the_record_had() {
    for switches in [Switches::default(), Switches { ids_stay: false, global_in_words: true, ..Switches::default() }] {
        let desk = Desk::with(switches).await;
        let all = [
            ("name", "www.example.org"),
            ("type", "MX"),
            ("data", "one.example.org"),
            ("ttl", "1800"),
            ("aux", "3"),
            ("policy", "region"),
            ("weight", "40"),
            ("region", "on"),
            ("regiongroup", "east"),
            ("country", "CA"),
            ("continent", "NA"),
            ("global", ""),
            ("latitude", "43.7"),
            ("longitude", "-79.4"),
            ("monitor_id", "12"),
        ];
        desk.luna.state().add_record(desk.zone, &all);
        let mut expected = desk.records().remove(0).1;
        desk.run("records update www.example.org MX two.example.org --dry-run").await.ends(0, &["would be updated"]);
        assert_eq!(desk.writes(), 0);
        for (words, field, value) in [
            ("MX two.example.org", "data", "two.example.org"),
            ("MX --ttl 60", "ttl", "60"),
            ("MX --priority 7", "aux", "7"),
            ("--weight 2", "weight", "2"),
            ("--set country=DE", "country", "DE"),
            ("--set region=", "region", ""),
            ("--set global=yes", "global", "1"),
            ("--set monitor_id=0", "monitor_id", "0"),
        ] {
            desk.run(&format!("records update www.example.org {words}")).await.ends(0, &["updated: 1 record"]);
            expected.insert(field.into(), value.into());
            let records = desk.records();
            assert_eq!((records.len(), &records[0].1), (1, &expected), "{words}");
        }
        desk.is_correct();
    }
}

#[tokio::test]
async fn the_words_for_a_default_tell_no_records_apart() {
    let desk = Desk::new().await;
    let words =
        "records add www.example.org A 192.0.2.1 --weight 0 --set global=yes --set monitor_id=0 --set policy=none";
    desk.run(words).await.ends(0, &["added: 1 record"]);
    let writes = desk.writes();
    for words in [words, "records add www.example.org A 192.0.2.1", &format!("{words} --set latitude=0.0")] {
        desk.run(words).await.ends(0, &["is there already", "added: 0 records"]);
    }
    for words in ["--weight 0", "--set global=yes", "--set monitor_id=0", "--set region="] {
        desk.run(&format!("records update www.example.org {words}")).await.ends(0, &["is there already"]);
    }
    assert_eq!(desk.writes(), writes);
    desk.run("records update www.example.org --weight 1").await.ends(0, &["updated: 1 record"]);
    desk.run("records add www.example.org A 192.0.2.1").await.ends(0, &["added: 1 record"]);
    desk.is_correct();
}

#[tokio::test]
async fn values_go_to_one_record_and_the_rest_to_all_that_fit() {
    let desk = Desk::new().await;
    let first = desk.add("www.example.org", "A", "192.0.2.1");
    desk.add("www.example.org", "A", "192.0.2.2");
    desk.add("www.example.org", "TXT", "other");
    desk.run("records update www.example.org A 192.0.2.9")
        .await
        .ends(64, &["choose one with --value or --id", "192.0.2.2"]);
    desk.run("records update www.example.org TXT a b").await.ends(64, &["holds one value; 2 were given"]);
    desk.run("records update www.example.org A").await.ends(64, &["nothing to change was named"]);
    assert_eq!(desk.writes(), 0);
    desk.run("records update www.example.org A 192.0.2.9 --value *.2").await.ends(0, &[]);
    desk.run(&format!("records update www.example.org A 192.0.2.8 --id {first}")).await.ends(0, &[]);
    assert_eq!(desk.each("data"), ["192.0.2.8", "192.0.2.9", "other"]);
    desk.run("records update www.example.org A --ttl 60").await.ends(0, &["updated: 2 records"]);
    assert_eq!(desk.each("ttl"), ["60", "60", "300"]);
    desk.run("records update --name *.example.org --ttl 90").await.ends(0, &["updated: 3 records"]);
    assert_eq!(desk.each("ttl"), ["90", "90", "90"]);
    desk.is_correct();
}

#[tokio::test]
async fn records_are_removed_after_a_question_and_only_those_that_are_meant() {
    let desk = Desk::new().await;
    for value in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        desk.add("www.example.org", "A", value);
    }
    desk.add("home.example.org", "A", "192.0.2.1");
    desk.run("records remove www.example.org A").await.ends(64, &["remove 3 records?", "--yes", "192.0.2.3"]);
    desk.run("records remove www.example.org A --dry-run").await.ends(0, &["would be removed: 3 records"]);
    desk.run("records remove www.example.org A 192.0.2.9 --yes").await.ends(78, &["192.0.2.9 is not there"]);
    assert_eq!(desk.writes(), 0);
    desk.run("records remove www.example.org A 192.0.2.1 --yes").await.ends(0, &["removed: 1 record"]);
    assert_eq!(desk.records().len(), 3);
    let no = desk.typed("records remove www.example.org", "n").await;
    assert!(no.out.contains("remove 2 records? [y/N]") && no.out.contains("nothing was removed"), "{no:?}");
    assert_eq!(desk.records().len(), 3);
    let yes = desk.typed("records remove www.example.org", "yes").await;
    assert!(yes.out.contains("removed: 2 records"), "{yes:?}");
    let said = desk.run("records remove home.example.org --yes").await.ends(0, &["removed: 1 record"]);
    assert!(said.err.contains("home.example.org A is declared in the configuration"), "{said:?}");
    assert_eq!(desk.records().len(), 0);
    desk.is_correct();
}

#[tokio::test]
async fn a_second_address_of_a_name_under_lndyn_is_said_by_check_and_by_plan_and_not_sent() {
    let desk = Desk::new().await;
    desk.luna.state().add_dyn("home", "192.0.2.1".parse().unwrap());
    let both = "ipv4 = \"192.0.2.1\"\nipv6 = \"2001:db8::1\"\nprivate = true\n";
    desk.configure(&format!("[[record]]\nname = \"home.lndyn.com\"\naccount = \"luna\"\n{both}"));
    desk.run("check").await.ends(0, &["driftless.toml:15:8", "home.lndyn.com holds one address at LunaNode"]);
    desk.run("plan")
        .await
        .ends(78, &["would be refused", "this one holds 192.0.2.1", "1 of 3 record sets would change"]);
    let said = desk.run("check --online").await.ends(78, &["an address would be refused", "this one holds 192.0.2.1"]);
    assert!(!said.out.contains("at account luna, checking"), "{said:?}");
    desk.run("once").await.ends(78, &["this one holds 192.0.2.1"]);
    assert_eq!(desk.luna.state().dyns.values().next().unwrap().1.to_string(), "192.0.2.1");
    assert_eq!(desk.luna.server.count("dyn-add/") + desk.luna.server.count("dyn-update/"), 0);
    desk.configure("[[record]]\nname = \"a.b.lndyn.com\"\naccount = \"luna\"\n");
    desk.run("check").await.ends(78, &["driftless.toml:15:8", "have exactly one label in front, unlike a.b.lndyn.com"]);
    desk.is_correct();
}

#[tokio::test]
async fn names_under_lndyn_come_change_and_go() {
    for tells in [false, true] {
        let desk = Desk::with(Switches { dyn_add_tells_id: tells, dyn_ipv6: tells, ..Switches::default() }).await;
        desk.run("dyn add home 192.0.2.1 --dry-run").await.ends(0, &["would be added: 1 record"]);
        assert_eq!(desk.writes(), 0);
        let added = desk.json("dyn add home 192.0.2.1").await;
        let (id, entry) = desk.luna.state().dyns.clone().pop_first().unwrap();
        assert_eq!(entry, ("home".to_owned(), "192.0.2.1".parse().unwrap()));
        assert_eq!((&added["records"][0]["id"], &added["records"][0]["ttl"]), (&json!(id.to_string()), &Value::Null));
        desk.run("dyn add home.lndyn.com 192.0.2.2")
            .await
            .ends(78, &["the name is there and holds 192.0.2.1", "driftless dyn update"]);
        for words in
            ["dyn add home 192.0.2.2 --dry-run", "dyn add home 2001:db8::1", "dyn add home 2001:db8::1 --dry-run"]
        {
            let said = desk.run(words).await.ends(78, &["the name is there", "driftless dyn update"]);
            assert!(!said.err.contains("switch one"), "{said:?}");
        }
        desk.run("dyn add home 192.0.2.1 --dry-run").await.ends(0, &["is there already"]);
        desk.run("dyn add bad_name 192.0.2.1 --dry-run").await.ends(78, &["letters, digits and hyphens only"]);
        desk.run("dyn list").await.ends(0, &["home.lndyn.com", "192.0.2.1"]);
        desk.run("dyn list --name h* --value 198.*").await.ends(0, &["no names"]);
        desk.run("dyn update home 192.0.2.3 --id 9999").await.ends(78, &["has not the id 9999"]);
        desk.run("dyn update hme 192.0.2.3").await.ends(78, &["did you mean home.lndyn.com?"]);
        desk.run("dyn update home 192.0.2.3 --dry-run").await.ends(0, &["would be updated"]);
        desk.run("dyn update home 192.0.2.3").await.ends(0, &["192.0.2.3", "updated: 1 record"]);
        assert_eq!(desk.luna.state().dyns[&id].1.to_string(), "192.0.2.3");
        let six = desk.run("dyn update home 2001:db8::1").await;
        assert_eq!(six.code, if tells { 0 } else { 78 }, "{six:?}");
        desk.run("dyn remove home").await.ends(64, &["--yes"]);
        desk.run("dyn remove home --dry-run").await.ends(0, &["would be removed"]);
        assert_eq!(desk.luna.state().dyns.len(), 1);
        desk.run("dyn remove home --yes").await.ends(0, &["removed: 1 record"]);
        assert_eq!(desk.luna.state().dyns.len(), 0);
        // The same through the common words.
        desk.run("records add box.lndyn.com A 192.0.2.1").await.ends(0, &[]);
        desk.run("records add box.lndyn.com A 192.0.2.1 --ttl 60").await.ends(78, &["neither a TTL nor attributes"]);
        desk.run("records remove box.lndyn.com --yes").await.ends(0, &[]);
        desk.is_correct();
    }
}

#[tokio::test]
async fn what_was_typed_wrong_is_said_before_anything_is_sent() {
    let desk = Desk::new().await;
    for (words, code, said) in [
        // Names.
        ("zones add a..b", 64, "two dots in a row"),
        ("zones remove -- -a.org", 64, "starts or ends with a hyphen"),
        ("records add a..b A 192.0.2.1", 64, "two dots in a row"),
        ("records update a/b A 192.0.2.1", 64, "a name cannot contain '/'"),
        ("records remove a/b --yes", 64, "a name cannot contain '/'"),
        ("records show a/b", 64, "a name cannot contain '/'"),
        ("dyn add a..b 192.0.2.1", 64, "two dots in a row"),
        ("dyn add a.b 192.0.2.1", 64, "does not lie in lndyn.com"),
        ("dyn add a.b.lndyn.com 192.0.2.1", 78, "exactly one label"),
        // Types.
        ("records add www.example.org AX 1", 64, "not a record type known here"),
        ("records update www.example.org AX 1", 64, "not a record type known here"),
        ("records remove www.example.org AX", 64, "not a record type known here"),
        ("records list --type AX", 64, "not a record type known here"),
        ("records list --type AY", 64, "there are A, AAAA, "),
        ("records add www.example.org AX 1", 64, "there are A, AAAA, "),
        ("records add www.example.org CAA x", 78, "LunaNode keeps no CAA records"),
        // TTLs.
        ("zones add example.net --ttl -1", 64, "unexpected argument"),
        ("zones add example.net --ttl=-1", 64, "a TTL is a number of seconds"),
        ("records add www.example.org A 192.0.2.1 --ttl 1h", 64, "a TTL is a number of seconds"),
        ("records update www.example.org A --ttl 4294967295", 64, "a TTL is at most"),
        // Values.
        ("records add www.example.org A 2001:db8::1", 64, "is no IPv4 address"),
        ("records add www.example.org A 192.0.2.1 192.0.2.1", 64, "given twice"),
        ("records add www.example.org AAAA 192.0.2.1", 64, "is no IPv6 address"),
        ("records update www.example.org A 192.0.2.999", 64, "is no IPv4 address"),
        ("records remove www.example.org A mail --yes", 64, "is no IPv4 address"),
        ("dyn update home mail", 64, "invalid IP address syntax"),
        ("records add www.example.org A", 64, "VALUE"),
        // Attributes.
        ("records add www.example.org A 192.0.2.1 --set wieght=3", 78, "did you mean weight?"),
        ("records add www.example.org A 192.0.2.1 --set x", 64, "key=value"),
        ("records add www.example.org A 192.0.2.1 --set weight=3 --weight 3", 64, "was given twice"),
        ("records add www.example.org A 192.0.2.1 --priority 3", 78, "A records have no priority"),
        ("records add www.example.org A 192.0.2.1 --set policy=near", 78, "none, latlong or region"),
        ("records update www.example.org A --set colour=red", 78, "no attribute \"colour\""),
        ("zones add example.net --email me@example.org", 78, "no attribute \"email\""),
        // Zones.
        ("records list --zone exampl.org", 78, "did you mean example.org?"),
        ("records add www.example.net A 192.0.2.1", 78, "no zone that www.example.net lies in"),
        ("records add www.example.org A 192.0.2.1 --zone example.net", 64, "does not lie in the zone"),
        ("records add www.example.org A 192.0.2.1 --zone org", 78, "has no zone org"),
        ("records update www.example.net A 192.0.2.1", 78, "no zone that www.example.net lies in"),
        ("records remove www.example.net --yes", 78, "no zone that www.example.net lies in"),
        // Ids, and what is not there.
        ("records show --id 9999", 78, "the account has no record with this id"),
        ("records show --zone example.org --id 9999", 78, "no record with the id 9999"),
        ("records update --id 9999 --ttl 60", 78, "the account has no record with this id"),
        ("records remove --id 9999 --yes", 78, "the account has no record with this id"),
        ("records remove www.example.org --yes", 78, "has no record with name www.example.org"),
        ("records show", 64, "NAME"),
        ("records remove", 64, "NAME"),
        // Accounts.
        ("zones list --account lune", 78, "did you mean luna?"),
        ("pocketdns template example.org tpl --yes", 78, "no account of the configuration has templates"),
        ("pocketdns template example.org tpl --account luna --yes", 78, "which has no templates"),
    ] {
        let end = desk.run(words).await;
        assert!(end.code == code && end.err.contains(said), "{words}: {end:?}");
    }
    assert_eq!((desk.writes(), desk.records().len()), (0, 0));
    desk.is_correct();
}

#[tokio::test]
async fn an_account_is_named_where_several_can_be_meant() {
    let desk = Desk::new().await;
    let more = |name: &str, provider: &str| {
        format!(
            "[account.{name}]\nprovider = \"{provider}\"\nendpoint = \"{}\"\napi_id = \"{API_ID}\"\napi_key = {{ file = {:?} }}\n",
            desk.luna.endpoint(),
            desk.home.text("key")
        )
    };
    let push = "[account.push]\nprovider = \"dyndns2\"\nserver = \"http://127.0.0.1:1/\"\nusername = \"me\"\npassword = \"x\"\n";
    desk.configure(push);
    desk.run("zones list").await.ends(0, &["example.org"]);
    desk.run("zones list --account push").await.ends(78, &["dyndns2, which has no zones and records"]);
    desk.run("dyn list --account push").await.ends(78, &["dyndns2, which has no names under lndyn.com"]);
    desk.configure(&more("other", "lunanode"));
    desk.run("zones list").await.ends(64, &["say --account luna or other"]);
    desk.run("zones list --account other").await.ends(0, &["example.org"]);
    desk.run("records add www.example.org A 192.0.2.1 -a other").await.ends(0, &["added"]);
    desk.home.write("driftless.toml", push);
    desk.run("records list").await.ends(78, &["no account of the configuration has zones and records"]);
}

#[tokio::test]
async fn what_is_wrong_elsewhere_in_the_configuration_stops_no_work_by_hand() {
    let desk = Desk::new().await;
    let wrong = "nonsense = 1\n[[record]]\nname = \"x\"\naccount = \"nobody\"\nttl = \"soon\"\n";
    desk.configure(wrong);
    desk.run("check").await.ends(78, &["there is no account \"nobody\""]);
    let said = desk.run("records add www.example.org A 192.0.2.1 --json").await.ends(0, &[]);
    assert!(serde_json::from_str::<Value>(&said.out).is_ok(), "{said:?}");
    for says in ["driftless: warning: the configuration is wrong", "driftless.toml:", "\"nobody\"", "one label"] {
        assert!(said.err.contains(says), "{says}: {said:?}");
    }
    // An account that is wrong itself is not worked at, nor is another one taken for it.
    desk.configure("[account.other]\nprovider = \"lunanode\"\napi_id = 5\n");
    desk.run("zones list").await.ends(64, &["the account other", "say --account luna"]);
    desk.run("zones list --account luna").await.ends(0, &["example.org"]);
    desk.run("zones list --account other").await.ends(78, &["the account \"other\" cannot be used"]);
    desk.home.write("driftless.toml", "[account.other]\nprovider = \"lunanode\"\napi_id = 5\n");
    desk.run("zones list").await.ends(78, &["`api_key`"]);
    desk.home.write("driftless.toml", "[account.other\n");
    desk.run("zones list").await.ends(78, &["this is no TOML"]);
}

#[tokio::test]
async fn answers_that_are_none_leave_nothing_half_done() {
    let desk = Desk::new().await;
    desk.add("www.example.org", "A", "192.0.2.1");
    let before = desk.records();
    let page = |body: Vec<u8>| Fault::answer(Answer::new(200, body).with("Content-Type", "text/html"));
    let faults = [
        (Fault::answer(Answer::new(200, "")), "not understood"),
        (page(b"<html>busy</html>".to_vec()), "not understood"),
        (page(vec![b' '; 10 * 1024 * 1024]), "longer than"),
        (Fault::half(), "zone-list"),
        (Fault::cut(), "zone-list"),
        (Fault::answer(Answer::new(500, "oops")), "500"),
    ];
    for (fault, said) in &faults {
        for words in [
            "zones list",
            "zones remove example.org --yes",
            "records list",
            "records show www.example.org",
            "records add new.example.org A 192.0.2.9",
            "records update www.example.org A 192.0.2.9",
            "records remove www.example.org --yes",
        ] {
            // A call that found its connection closed may be made once more.
            desk.luna.server.faults(2, fault);
            let end = desk.run(words).await;
            desk.luna.server.calm();
            assert!(end.code == 75 && end.err.contains(said), "{words} ({said}): {end:?}");
        }
    }
    for (fault, _) in &faults {
        desk.luna.server.faults(2, fault);
        let end = desk.run("dyn add home 192.0.2.1").await;
        desk.luna.server.calm();
        assert_eq!(end.code, 75, "{end:?}");
    }
    assert_eq!(desk.records(), before);
    assert_eq!(desk.luna.state().zones.len(), 2);
    assert_eq!(desk.luna.state().dyns.len(), 0);
    desk.luna.server.faults(2, &Fault::answer(Answer::new(429, "").with("Retry-After", "300")));
    desk.run("zones list").await.ends(75, &["asked for a pause", "again in 300 s"]);
}

#[tokio::test]
async fn wrong_credentials_and_a_wrong_clock_are_told_apart() {
    let desk = Desk::new().await;
    let commands = [
        "zones list",
        "zones add example.net",
        "zones remove example.org --yes",
        "records list",
        "records add www.example.org A 192.0.2.1",
        "records update www.example.org A 192.0.2.1",
        "records remove www.example.org --yes",
        "dyn list",
        "dyn add home 192.0.2.1",
        "dyn update home 192.0.2.1",
        "dyn remove home --yes",
    ];
    desk.luna.skew(3600);
    for words in commands {
        let end = desk.run(words).await;
        assert!(end.code == 75 && end.err.contains("clock is off by"), "{words}: {end:?}");
    }
    desk.luna.skew(0);
    desk.home.write("key", &"x".repeat(128));
    for words in commands {
        let end = desk.run(words).await;
        assert!(end.code == 77 && end.err.contains("authentication failure"), "{words}: {end:?}");
        assert!(!end.err.contains("xxxxxxxx"), "{end:?}");
    }
    desk.home.write("key", "short");
    desk.run("zones list").await.ends(77, &["the API key must have 128"]);
    let said = desk.run("zones list --json").await;
    let value: Value = serde_json::from_str(&said.out).unwrap();
    assert!(said.code == 77 && value["error"].as_str().unwrap().contains("128"), "{value}");
}

#[tokio::test]
async fn each_record_has_its_own_outcome_and_the_rest_is_done() {
    let desk = Desk::new().await;
    let fault = Fault::answer(Answer::new(200, r#"{"success":"no","error":"invalid record data"}"#));
    desk.luna.server.fault(fault.clone().on("record-add"));
    let said = desk.run("records add www.example.org A 192.0.2.1 192.0.2.2 --json").await.ends(78, &[]);
    let value: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(value["records"][0]["values"], json!(["192.0.2.2"]), "{value}");
    assert_eq!(value["failures"][0]["what"], "www.example.org A 192.0.2.1", "{value}");
    assert_eq!(value["failures"][0]["kind"], "refused");
    assert_eq!(desk.each("data"), ["192.0.2.2"]);
    desk.add("www.example.org", "A", "192.0.2.3");
    desk.luna.server.fault(fault.on("record-remove"));
    desk.run("records remove www.example.org --yes").await.ends(78, &["removed: 1 record, 1 not", "192.0.2.2: "]);
    assert_eq!(desk.each("data"), ["192.0.2.2"]);
}

#[tokio::test]
async fn a_person_is_told_that_something_slow_goes_on() {
    let desk = Desk::new().await;
    desk.luna.server.fault(Fault::late(Duration::from_secs(3)));
    let said = desk.run("zones list --json").await.ends(0, &["listing the zones of the account luna (2 s so far)"]);
    assert!(serde_json::from_str::<Value>(&said.out).is_ok(), "{said:?}");
    let said = desk.run("zones list").await.ends(0, &[]);
    assert_eq!(said.err, "");
}

#[tokio::test]
async fn a_table_fits_the_terminal() {
    let desk = Desk::new().await;
    desk.add("_dmarc.example.org", "TXT", &"x".repeat(300));
    desk.add(
        &format!("{}.example.org", "long".repeat(12)),
        "TXT",
        "v=spf1 include:_spf.example.net include:_other.example.net -all",
    );
    let said = desk.typed("records list", "").await;
    let lines: Vec<&str> =
        said.out.lines().map(|line| line.trim_end_matches('\r')).filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 3 && lines.iter().all(|line| line.chars().count() <= 80), "{said:?}");
    assert!(said.out.contains("…") && !said.out.contains('\u{1b}'), "{said:?}");
    let whole = desk.run("records list").await.ends(0, &["-all"]);
    assert!(whole.out.contains(&"x".repeat(300)) && !whole.out.contains('\u{1b}'), "{whole:?}");
}

#[tokio::test]
async fn a_template_is_applied_after_a_question() {
    let desk = Desk::new().await;
    let pocket = pocketdns::PocketDns::start(0, "sk_live_0123456789", pocketdns::Switches::default()).await.unwrap();
    pocket.state().add_domain("dom_abc123", "example.com", "user");
    desk.home.write("pocket", "sk_live_0123456789");
    desk.configure(&format!(
        "[account.pocket]\nprovider = \"pocketdns\"\ndomain_id = \"dom_abc123\"\nendpoint = \"{}\"\napi_key = {{ file = {:?} }}\n",
        pocket.endpoint(),
        desk.home.text("pocket")
    ));
    let template = "pocketdns template example.com tpl_website_basic --set ip_address=192.0.2.1 --set mail_server=mail.example.com";
    desk.run(template).await.ends(64, &["apply the template tpl_website_basic to example.com;", "say --yes"]);
    desk.run(&format!("{template} --dry-run")).await.ends(0, &["example.com has 0 records now"]);
    assert_eq!(pocket.state().records("dom_abc123").len(), 0);
    let made = desk.json(&format!("{template} --yes")).await;
    let held = pocket.state().records("dom_abc123").len();
    assert!(held > 0 && made["records"].as_array().unwrap().len() == held, "{made}");
    assert_eq!((&made["action"], &made["account"]), (&json!("template"), &json!("pocket")));
    desk.run("pocketdns template example.com tpl_none --dry-run").await.ends(78, &["nothing can be foreseen"]);
    desk.run("pocketdns template example.com website --yes").await.ends(78, &["looks like tpl_website_basic"]);
    desk.run("pocketdns template --help").await.ends(0, &["Apply it without asking"]);
    desk.run("pocketdns template example.com tpl_none --yes").await.ends(78, &["applying the template tpl_none"]);
    desk.run("pocketdns template example.net tpl --yes").await.ends(78, &["did you mean example.com?"]);
    pocket.state().switches.bulk = 207;
    let again = "{\"template_id\":\"tpl_website_basic\",\"records_created\":[],\"errors\":[{\"record\":{\"type\":\"A\",\
                 \"name\":\"@\",\"content\":\"192.0.2.1\"},\"error\":\"Record already exists\"}]}";
    pocket.server.fault(Fault::answer(Answer::new(207, again)).on("/template"));
    let partly = ["a part of it was refused", "@ A: Record already exists", "0 of its records were created"];
    desk.run(&format!("{template} --yes")).await.ends(78, &partly);
    pocket.state().domains.get_mut("dom_abc123").unwrap().records.clear();
    desk.run(&format!("{template} --yes")).await.ends(0, &["added: "]);
    desk.run("zones list --account pocket").await.ends(0, &["example.com", "dom_abc123"]);
    desk.run("zones add example.net --account pocket").await.ends(78, &[]);
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_is_a_failure_and_the_change_is_said_to_be_done() {
    let desk = Desk::new().await;
    let full = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let mut command = desk.home.driftless(&words);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let child = command.stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let words = words.join(" ");
        async move {
            let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
            Said::of(words, output)
        }
    };
    for words in ["records list", "zones list --json", "--help"] {
        let said = full(words).await.ends(74, &["writing to standard output"]);
        assert!(!said.err.contains("all the same"), "{said:?}");
    }
    full("records add www.example.org A 192.0.2.1").await.ends(74, &["what was asked was done all the same"]);
    assert_eq!(desk.each("data"), ["192.0.2.1"]);
    desk.run("records list").await.ends(0, &["192.0.2.1"]);
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = Desk::new().await;
    let mut command = desk.home.driftless(&["records", "list"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let said = Said::of("records list".into(), output).ends(0, &[]);
    assert_eq!(said.err, "");
}

#[tokio::test]
async fn a_refused_argument_is_told_as_json_where_json_was_wanted() {
    let desk = Desk::new().await;
    for (words, why) in [
        ("records add www.example.org FOO x -a luna --json", "FOO"),
        ("records add --json", "required arguments"),
        ("zones list --json --nonsense", "--nonsense"),
    ] {
        let said = desk.run(words).await.ends(64, &[]);
        let told: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        assert!(told["error"].as_str().unwrap().contains(why) && told["problems"] == json!([]), "{told}");
        assert!(!said.out.contains("Usage") && said.err.is_empty(), "{said:?}");
    }
    let said = desk.run("check --nonsense --json").await.ends(64, &[]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&told["ok"], &told["problems"][0]["severity"]), (&json!(false), &json!("error")), "{told}");
}

#[tokio::test]
async fn a_change_of_a_zone_whose_answer_was_lost_may_have_been_done() {
    let desk = Desk::new().await;
    for (call, words) in [("-add/", "zones add example.net"), ("-remove/", "zones remove example.org --yes")] {
        for fault in [Fault::lost(), Fault::half(), Fault::answer(Answer::new(200, "{"))] {
            desk.luna.server.fault(fault.on(call));
            desk.run(words).await.ends(75, &["it may have been done all the same"]);
            desk.luna.server.calm();
            desk.luna.state().zones.retain(|_, zone| zone.name != "example.net");
            desk.luna.state().add_zone("example.org");
        }
    }
    desk.luna.server.fault(Fault::answer(Answer::new(200, "{")));
    let said = desk.run("zones list").await.ends(75, &[]);
    assert!(!said.err.contains("all the same"), "{said:?}");
}

#[tokio::test]
async fn both_families_of_a_fresh_name_under_lndyn_are_not_both_planned() {
    let desk = Desk::new().await;
    let both = "ipv4 = \"192.0.2.1\"\nipv6 = \"2001:db8::1\"\nprivate = true\nttl = 60\n";
    desk.configure(&format!("[[record]]\nname = \"new.lndyn.com\"\naccount = \"luna\"\n{both}"));
    let said = desk.run("plan").await.ends(78, &["would be refused", "2 of 3 record sets would change"]);
    assert!(said.out.lines().any(|line| line.contains("AAAA") && line.contains("would be refused")), "{said:?}");
    desk.run("once").await.ends(78, &[]);
    let held: Vec<String> = desk.luna.state().dyns.values().map(|(_, address)| address.to_string()).collect();
    assert_eq!(held, ["192.0.2.1"], "as the plan said");
    // A TTL has no effect there, and is named with its place.
    desk.run("check").await.ends(0, &["driftless.toml:20:7", "new.lndyn.com has no TTL of its own at LunaNode"]);
}

#[tokio::test]
async fn a_check_at_the_services_sees_a_cname_in_the_way_as_a_plan_does() {
    let desk = Desk::new().await;
    desk.run("check --online").await.ends(0, &["holds nothing yet"]);
    desk.add("home.example.org", "CNAME", "www.example.org");
    let said = desk.run("check --online").await.ends(78, &["an address would be refused", "a name with a CNAME"]);
    assert!(!said.out.contains("at account luna, checking"), "{said:?}");
    desk.run("plan").await.ends(78, &["a name with a CNAME"]);
    assert_eq!(desk.writes(), 0);
}

#[tokio::test]
async fn what_goes_is_told_apart_and_the_zone_keeps_what_it_stands_on() {
    let desk = Desk::new().await;
    let one = desk.add("www.example.org", "A", "192.0.2.1");
    let other = desk.add("www.example.org", "A", "192.0.2.1");
    desk.add("example.org", "NS", "ns1.example.org");
    desk.add("sub.example.org", "NS", "ns1.example.net");
    let said = desk.run("records remove --name *example.org").await.ends(64, &["3 records?"]);
    for id in [one, other] {
        assert!(said.err.contains(&format!("www.example.org A 192.0.2.1 (TTL 300, id {id})")), "{said:?}");
    }
    assert!(said.err.contains("1 record of example.org itself (NS, SOA) stay"), "{said:?}");
    desk.run("records remove --name *example.org --yes").await.ends(0, &["removed: 3 records"]);
    assert_eq!(desk.each("data"), ["ns1.example.org"]);
    desk.run("records remove --name *example.org --type NS --yes").await.ends(0, &["removed: 1 record"]);
    assert_eq!(desk.records().len(), 0);
}

#[tokio::test]
async fn records_of_several_zones_have_a_column_for_it_and_columns_says_how_wide() {
    let desk = Desk::new().await;
    desk.add("www.example.org", "TXT", &"x".repeat(200));
    let one = desk.run("records list").await.ends(0, &["NAME"]);
    assert!(!one.out.contains("ZONE"), "{one:?}");
    let sub = *desk.luna.state().zones.iter().find(|(_, zone)| zone.name == "sub.example.org").unwrap().0;
    let fields = [("name", "a.sub.example.org"), ("type", "A"), ("data", "192.0.2.1"), ("ttl", "300")];
    desk.luna.state().add_record(sub, &fields);
    let said = desk.run("records list").await.ends(0, &["ZONE"]);
    assert!(said.out.lines().any(|line| line.starts_with("sub.example.org  a.sub.example.org")), "{said:?}");
    let mut command = desk.home.driftless(&["records", "list"]);
    command.env("COLUMNS", "60");
    let output = tokio::task::spawn_blocking(move || torture::output(&mut command)).await.unwrap();
    let narrow = Said::of("COLUMNS=60".into(), output).ends(0, &["x…"]);
    assert!(narrow.out.lines().all(|line| line.chars().count() <= 60), "{narrow:?}");
}
