//! The commands through the real program: domains and records by hand, wrong input, wrong answers, and `once`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::emulator::faults::{Failure, wrong};
use super::emulator::jobs::Pace;
use super::emulator::{Rackspace, Switches};
use super::said::Said;
use super::torture::Home;
use super::{KEY, USER, assert_correct, count, start};

/// An account with one domain, and one name that the daemon keeps.
struct Desk {
    home: Arc<Home>,
    emulator: Rackspace,
    domain: String,
}

impl Desk {
    async fn new() -> Self {
        let (emulator, domain) = start(Switches::default()).await;
        let desk = Self { home: Arc::new(Home::new()), emulator, domain };
        desk.home.write("key", KEY);
        let text = format!(
            "state_dir = {:?}\n[account.rack]\nprovider = \"rackspace\"\nauth_url = \"{}\"\nusername = \"{USER}\"\n\
             api_key = {{ file = {:?} }}\nverify = false\n[[record]]\nname = \"home.example.com\"\naccount = \"rack\"\n\
             ipv4 = \"192.0.2.1\"\nipv6 = \"off\"\nprivate = true\nttl = 300\n",
            desk.home.text("state"),
            desk.emulator.identity(),
            desk.home.text("key"),
        );
        desk.home.write("driftless.toml", &text);
        desk
    }

    /// Runs a command without a terminal. What stands in single quotes is one word.
    async fn run(&self, words: &str) -> Said {
        let apart = words.split('\'').enumerate().flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        });
        Said::by(&self.home, words.to_owned(), apart.collect()).await
    }

    async fn json(&self, words: &str) -> Value {
        self.run(&format!("{words} --json")).await.json()
    }

    /// The records, as `name type data`.
    fn held(&self) -> Vec<String> {
        let state = self.emulator.state();
        let line = |record: &super::emulator::Record| format!("{} {} {}", record.name, record.rtype, record.data);
        state.records(&self.domain).iter().map(line).collect()
    }
}

#[tokio::test]
async fn records_are_added_shown_changed_and_removed() {
    let desk = Desk::new().await;
    let dry = desk.run("records add www.example.com A 192.0.2.1 --dry-run").await.ends(0, &["192.0.2.1"]);
    assert!(desk.held().is_empty(), "{dry:?}");
    let added =
        desk.json("records add www.example.com A 192.0.2.1 192.0.2.2 --ttl 600 --set 'comment=two of them'").await;
    assert_eq!(desk.held(), ["www.example.com A 192.0.2.1", "www.example.com A 192.0.2.2"]);
    assert_eq!(added["records"][1]["ttl"], 600, "{added}");
    assert_eq!(added["records"][1]["attributes"]["comment"], "two of them", "{added}");
    assert_eq!(count(&desk.emulator, "POST", "/records"), 1);
    desk.run("records add example.com MX mail.example.com --priority 10").await.ends(0, &["mail.example.com"]);
    let list = desk.json("records list --type A").await;
    assert_eq!(list["records"].as_array().unwrap().len(), 2, "{list}");
    let list = desk.json("records list --value 192.0.2.*").await;
    assert_eq!(list["records"].as_array().unwrap().len(), 2, "{list}");
    let id = added["records"][0]["id"].as_str().unwrap();
    let shown = desk.json(&format!("records show --zone example.com --id {id}")).await;
    assert_eq!(shown["records"][0]["values"], json!(["192.0.2.1"]), "{shown}");
    desk.run("records update www.example.com A 192.0.2.9 --value 192.0.2.1").await.ends(0, &["192.0.2.9"]);
    let held = desk.emulator.state().records(&desk.domain)[0].clone();
    assert_eq!((held.data.as_str(), held.ttl, held.comment.as_deref()), ("192.0.2.9", 600, Some("two of them")));
    desk.run("records update www.example.com A --ttl 900").await.ends(0, &[]);
    assert!(desk.emulator.state().records(&desk.domain)[..2].iter().all(|record| record.ttl == 900));
    desk.run("records remove www.example.com A --yes").await.ends(0, &["removed"]);
    assert_eq!(desk.held(), ["example.com MX mail.example.com"]);
    assert_eq!(count(&desk.emulator, "DELETE", "/records"), 1);
    let attributes = desk.run("records attributes").await.ends(0, &["comment", "priority"]);
    assert!(!attributes.out.contains("weight"), "{attributes:?}");
    assert_correct(&desk.emulator);
}

#[tokio::test]
async fn domains_are_added_listed_and_removed() {
    let desk = Desk::new().await;
    desk.run("zones list").await.ends(0, &["example.com", &desk.domain]);
    desk.run("zones add example.net").await.ends(78, &["--email"]);
    desk.run("zones add example.net --email me@example.org --ttl 60").await.ends(78, &["300 seconds or more"]);
    let added = desk.json("zones add example.net --email me@example.org --ttl 600").await;
    assert_eq!(added["zones"][0]["name"], "example.net", "{added}");
    desk.run("zones add example.net --email me@example.org").await.ends(78, &["already exists"]);
    desk.run("records add www.example.net A 192.0.2.1").await.ends(0, &[]);
    desk.run("zones remove example.net").await.ends(64, &["--yes"]);
    desk.run("zones remove example.net --yes").await.ends(0, &["removed"]);
    assert_eq!(desk.emulator.state().domains.len(), 1);
    assert_correct(&desk.emulator);
}

#[tokio::test]
async fn wrong_input_is_refused_with_its_reason_and_changes_nothing() {
    let desk = Desk::new().await;
    desk.emulator.state().add_record(&desk.domain, "A", "www.example.com", "192.0.2.1", 600);
    let before = desk.held();
    let long = format!("records add a.example.com A 192.0.2.1 --set comment={}", "x".repeat(161));
    for (words, code, says) in [
        ("records add www.example.net A 192.0.2.1", 78, "example.net"),
        ("records list --zone example.net", 78, "did you mean example.com?"),
        ("records add a.example.com A 192.0.2.1 --zone example.net", 64, "does not lie in the zone example.net"),
        ("records add a..example.com A 192.0.2.1", 64, "a..example.com"),
        ("records add a.example.com AX 192.0.2.1", 64, "AX"),
        ("records add a.example.com CAA '0 issue x'", 78, "there are no CAA records"),
        ("records add a.example.com PTR host.example.com", 78, "belong to a server"),
        ("records add a.example.com A 192.0.2.1 --ttl 299", 78, "300 seconds or more"),
        ("records add a.example.com A 192.0.2.1 --ttl never", 64, "never"),
        ("records add a.example.com A 192.0.2.256", 64, "192.0.2.256"),
        ("records add a.example.com AAAA 192.0.2.1", 64, "192.0.2.1"),
        ("records add a.example.com A 192.0.2.1 --priority 5", 78, "only MX and SRV"),
        ("records add a.example.com MX mail.example.com --priority 65536", 64, "65536"),
        ("records add a.example.com SRV sip.example.com", 78, "weight port target"),
        ("records add a.example.com A 192.0.2.1 --weight 5", 78, "weight"),
        ("records add a.example.com A 192.0.2.1 --set colour=red", 78, "colour"),
        (&long, 78, "160"),
        ("records show --zone example.com --id A-nope", 78, "A-nope"),
        ("records update nope.example.com A 192.0.2.1", 78, "nope.example.com"),
        ("records update www.example.com A 192.0.2.3 192.0.2.4", 64, "one value"),
        ("records remove nope.example.com --yes", 78, "nope.example.com"),
        ("records remove www.example.com A 192.0.2.7 --yes", 78, "192.0.2.7"),
        ("zones remove example.net --yes", 78, "example.net"),
        ("zones add example.com --email me@example.org", 78, "already exists"),
        ("dyn list", 78, "no account of the configuration"),
    ] {
        let said = desk.run(words).await;
        assert!(said.code == code && said.err.contains(says), "{words}: {said:?}");
    }
    assert_eq!(desk.held(), before);
    assert_eq!(count(&desk.emulator, "POST", "/records") + count(&desk.emulator, "PUT", ""), 0);
    assert_correct(&desk.emulator);
}

#[tokio::test]
async fn a_wrong_answer_is_told_as_what_it_is() {
    let desk = Desk::new().await;
    desk.emulator.state().add_record(&desk.domain, "A", "www.example.com", "192.0.2.1", 600);
    let before = desk.held();
    for (fault, code, says) in [
        ("empty", 75, "the answer is empty"),
        ("html", 75, "it is no JSON"),
        ("truncated", 75, "it ends in the middle"),
        ("huge", 75, "is longer than"),
        ("bad-gateway", 75, "status 502"),
        ("serviceUnavailable", 75, "not available"),
        ("overLimit-quota", 78, "Limit of 500 records"),
        ("badRequest", 78, "could not be processed"),
        ("validationErrors", 78, "not valid"),
    ] {
        for (words, on) in [
            ("zones list", "GET /v1.0/1234/domains"),
            ("records list --zone example.com", "/records"),
            ("records add a.example.com A 192.0.2.9", "POST /v1.0"),
            ("records update www.example.com A 192.0.2.9", "PUT /v1.0"),
            ("records remove www.example.com A --yes", "DELETE /v1.0"),
        ] {
            let answer = wrong(fault).unwrap();
            desk.emulator.state().failures.push_back(Failure { on: on.into(), done: false, answer });
            let said = desk.run(words).await;
            assert!(said.code == code && said.err.contains(says), "{fault}, {words}: {said:?}");
            assert!(said.err.contains("rack") && !said.err.contains(KEY), "{fault}, {words}: {said:?}");
            assert!(desk.emulator.state().failures.is_empty(), "{fault}, {words}");
            assert_eq!(desk.held(), before, "{fault}, {words}");
        }
    }
}

#[tokio::test]
async fn refused_credentials_are_told_without_the_key() {
    let desk = Desk::new().await;
    let wrong = "f".repeat(32);
    desk.home.write("key", &wrong);
    for words in ["zones list", "records list", "records add a.example.com A 192.0.2.9"] {
        let said = desk.run(words).await.ends(77, &["api_key", "multi-factor"]);
        assert!(!said.err.contains(&wrong) && !said.out.contains(&wrong), "{said:?}");
    }
    let said = desk.run("zones list --json").await;
    let value: Value = serde_json::from_str(&said.out).unwrap();
    assert!(said.code == 77 && value["error"].as_str().unwrap().contains("invalid"), "{value}");
}

#[tokio::test]
async fn a_job_that_takes_its_time_is_waited_for() {
    let desk = Desk::new().await;
    desk.emulator.state().pace = Pace::Time(std::time::Duration::from_secs(4));
    let words = "records add a.example.com A 192.0.2.9";
    desk.run(words).await.ends(0, &["adding a.example.com A (", "so far)"]);
    assert_eq!(desk.held(), ["a.example.com A 192.0.2.9"]);
}

#[tokio::test]
async fn the_daemons_own_name_is_kept_and_a_ttl_that_is_too_short_is_told_by_check() {
    let desk = Desk::new().await;
    desk.run("once").await.ends(0, &[]);
    assert_eq!(desk.held(), ["home.example.com A 192.0.2.1"]);
    assert_eq!(desk.emulator.state().records(&desk.domain)[0].ttl, 300);
    desk.run("check --online").await.ends(0, &[]);
    let file = std::fs::read_to_string(desk.home.path("driftless.toml")).unwrap();
    desk.home.write("driftless.toml", &file.replace("ttl = 300", "ttl = 60"));
    desk.run("check").await.ends(78, &["a TTL of 60 seconds is refused by rackspace, which takes 300 or more"]);
    assert_correct(&desk.emulator);
}
