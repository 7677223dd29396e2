//! The schema for editors knows the keys that the program knows, and what it refuses the program refuses, too.
#![cfg(all(feature = "clouds", feature = "router", feature = "web"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use driftless::config::keys::{self, Holds, Key};
use driftless::config::{Config, Input, Problem, Severity};
use driftless::model::news;
use driftless::notify;
use driftless::provider::REGISTRY;
use driftless::provider::setting::Kind;
use serde_json::{Value, json};

#[path = "support/markdown.rs"]
mod markdown;
#[path = "../packaging/assets/schema.rs"]
mod schema;

const EXAMPLE: &str = include_str!("../config/driftless.toml");

/// A key that there never will be.
const NO_KEY: &str = "zzzzzzzzzzzz";

/// Everything that the program says of a configuration.
fn problems(text: &str) -> Vec<Problem> {
    let variables = [("CREDENTIALS_DIRECTORY".to_owned(), "/run/credentials/d".to_owned())].into();
    let files = vec![(PathBuf::from("f"), text.to_owned())];
    match Config::load(&Input { files, variables, ..Input::default() }) {
        Ok(config) => config.warnings,
        Err(errors) => errors.problems().to_vec(),
    }
}

fn is_refused(text: &str) -> bool {
    problems(text).iter().any(|problem| problem.severity == Severity::Error)
}

/// The keys that the program knows of the table in which `NO_KEY` stands; `typed` are those that stand there.
fn known(text: &str, typed: &[&str]) -> BTreeSet<String> {
    let problems = problems(text);
    let said = problems.iter().find(|problem| problem.message.starts_with(&format!("`{NO_KEY}` is not a key of")));
    let said = said.unwrap_or_else(|| panic!("{text}\n{problems:?}"));
    let help = said.help.as_deref().unwrap_or_default();
    let free = help.split('`').skip(1).step_by(2).map(str::to_owned);
    free.chain(typed.iter().map(|key| (*key).to_owned())).collect()
}

fn names(properties: &Value) -> BTreeSet<String> {
    properties.as_object().unwrap().keys().cloned().collect()
}

/// The tables with plain keys: how one starts in a file, what of it is typed, and its properties in the schema.
fn tables(schema: &Value) -> Vec<(String, Vec<&'static str>, Value)> {
    let properties = &schema["properties"];
    let mut tables = vec![
        (String::new(), Vec::new(), properties.clone()),
        ("[[record]]\n".into(), Vec::new(), properties["record"]["items"]["properties"].clone()),
        ("[address.x]\n".into(), Vec::new(), properties["address"]["additionalProperties"]["properties"].clone()),
        ("[defaults]\n".into(), Vec::new(), properties["defaults"]["properties"].clone()),
        ("[log]\n".into(), Vec::new(), properties["log"]["properties"].clone()),
        ("[web]\n".into(), Vec::new(), properties["web"]["properties"].clone()),
    ];
    for account in properties["account"]["additionalProperties"]["anyOf"].as_array().unwrap() {
        let provider = account["title"].as_str().unwrap();
        let start = format!("[account.x]\nprovider = \"{provider}\"\n");
        tables.push((start, vec!["provider"], account["properties"].clone()));
    }
    for channel in properties["notify"]["additionalProperties"]["anyOf"].as_array().unwrap() {
        let start = format!("[notify.x]\ntype = \"{}\"\n", channel["title"].as_str().unwrap());
        tables.push((start, vec!["type"], channel["properties"].clone()));
    }
    tables
}

/// Every table below here that is told by this key.
fn told_by<'a>(schema: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    if schema["required"].as_array().is_some_and(|required| required.first().is_some_and(|first| first == key)) {
        found.push(schema);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        told_by(choice, key, found);
    }
}

/// The keys of the tables that are told by this one.
fn keys_of(schemas: &[&Value], key: &str) -> BTreeSet<String> {
    let mut found = Vec::new();
    schemas.iter().for_each(|schema| told_by(schema, key, &mut found));
    assert!(!found.is_empty(), "the schema has no {key}");
    found.iter().flat_map(|table| names(&table["properties"])).collect()
}

#[test]
fn every_key_that_the_program_knows_is_in_the_schema_and_no_other() {
    let schema = schema::schema();
    let tables = tables(&schema);
    assert_eq!(tables.len(), 6 + REGISTRY.len() + notify::REGISTRY.len());
    for (start, typed, properties) in tables {
        let text = format!("{start}{NO_KEY} = 1\n");
        assert_eq!(names(&properties), known(&text, &typed), "{start}");
    }
}

#[test]
fn every_event_that_a_channel_can_tell_of_is_in_the_schema() {
    assert_eq!(keys::EVENTS.iter().map(|(event, _)| *event).collect::<Vec<_>>(), news::Kind::ALL);
}

#[test]
fn every_key_of_a_source_that_the_program_knows_is_in_the_schema_and_no_other() {
    let schema = schema::schema();
    let definitions = &schema["definitions"];
    for form in keys::FORMS {
        let main = form.main.name;
        let family = if form.ipv4 { 4 } else { 6 };
        let text = format!("[address.x]\nipv{family} = {{ {main} = 1.5, {NO_KEY} = 1 }}\n");
        let both = [&definitions[format!("source{family}")], &definitions[format!("part{family}")]];
        assert_eq!(keys_of(&both, main), known(&text, &[main]), "{main}");
    }
    let prefix = keys_of_prefix(definitions);
    for form in keys::HOSTS {
        let main = form.main.name;
        let text =
            format!("[address.x]\nipv6 = {{ prefix = \"interface\", host = {{ {main} = 1.5, {NO_KEY} = 1 }} }}\n");
        assert_eq!(keys_of(&[prefix], main), known(&text, &[main]), "{main}");
    }
    let text = format!("[account.x]\nprovider = \"dyndns2\"\npassword = {{ file = \"/f\", {NO_KEY} = 1 }}\n");
    let secret = &definitions["secret"];
    let forms: BTreeSet<String> =
        ["file", "credential", "env"].iter().flat_map(|key| keys_of(&[secret], key)).collect();
    assert_eq!(forms, known(&text, &["file"]));
}

/// What `host` behind a prefix can be.
fn keys_of_prefix(definitions: &Value) -> &Value {
    let mut found = Vec::new();
    told_by(&definitions["part6"], "prefix", &mut found);
    &found[0]["properties"]["host"]
}

/// The sources that there are, by what the program says where it knows none.
#[test]
fn every_source_that_the_program_knows_is_in_the_schema_and_no_other() {
    let said = problems(&format!("[address.x]\nipv4 = {{ {NO_KEY} = 1 }}\n"));
    let help = said.iter().find_map(|problem| problem.help.clone()).unwrap();
    let forms: BTreeSet<&str> = help.split('`').skip(1).step_by(2).collect();
    assert_eq!(keys::FORMS.iter().map(|form| form.main.name).collect::<BTreeSet<_>>(), forms, "{help}");

    let said = problems("[address.x]\nipv4 = \"zzzzzzzzzzzz\"\n");
    let message = said.iter().find(|problem| problem.message.contains("is no source")).unwrap().message.clone();
    let (_, words) = message.split_once("the words are ").unwrap();
    let words: BTreeSet<&str> = words.split('"').skip(1).step_by(2).collect();
    assert_eq!(keys::WORDS.iter().map(|(word, _)| *word).collect::<BTreeSet<_>>(), words, "{message}");
}

/// Each key with a configuration in which a value can be put in its place.
fn places() -> Vec<(Key, String)> {
    let in_table = |start: &'static str| move |key: &Key| (*key, format!("{start}{} = VALUE\n", key.name));
    let mut places: Vec<(Key, String)> = Vec::new();
    places.extend(keys::TOP.iter().map(in_table("")));
    places.extend(keys::ADDRESS.iter().map(in_table("[address.x]\n")));
    places.extend(keys::DEFAULTS.iter().map(in_table("[defaults]\n")));
    places.extend(keys::LOG.iter().map(in_table("[log]\n")));
    places.extend(keys::WEB.iter().map(in_table("[web]\n")));
    for entry in notify::REGISTRY {
        let start = format!("[notify.x]\ntype = \"{}\"\n", entry.name);
        let own = entry.settings.iter();
        let own = own.map(|one| Key { name: one.name, holds: Holds::Kind(one.kind), help: one.help });
        let shared = keys::NOTIFY.iter().filter(|key| key.name != "type");
        let shared = shared.chain(if entry.hears != driftless::notify::Hears::News { keys::BEATS } else { keys::NEWS }).copied();
        places.extend(shared.chain(own).map(|key| (key, format!("{start}{} = VALUE\n", key.name))));
    }
    places.extend(
        keys::ACCOUNT
            .iter()
            .filter(|key| key.name != "provider")
            .map(in_table("[account.x]\nprovider = \"dyndns2\"\n")),
    );
    for key in keys::RECORD {
        let type_too = if matches!(key.name, "match" | "value") { "type = \"TXT\"\n" } else { "" };
        let value_too = if matches!(key.name, "match" | "type") { "value = \"{ipv4}\"\n" } else { "" };
        places.push((*key, format!("[[record]]\n{type_too}{value_too}{} = VALUE\n", key.name)));
    }
    for form in keys::FORMS {
        let family = if form.ipv4 { "ipv4" } else { "ipv6" };
        let (main, own) = match form.main.name {
            "dns" => ("\"whoami.example.net\"", ", server = \"192.0.2.53\""),
            "https" => ("\"https://echo.example.net/\"", ""),
            "stun" => ("\"stun.example.net\"", ""),
            "router" => ("\"default\"", ""),
            "prefix" => ("\"interface\"", ""),
            "quorum" => ("1", ""),
            "command" => ("[\"/bin/true\"]", ""),
            _ => ("\"eth0\"", ""),
        };
        let needs = if form.main.name == "quorum" { ", of = [\"interface\", \"https\"]" } else { "" };
        places.push((form.main, format!("[address.x]\n{family} = {{ {} = VALUE{needs} }}\n", form.main.name)));
        for with in form.with {
            let own = if with.name == "server" { "" } else { own };
            let name = with.name;
            places.push((
                *with,
                format!("[address.x]\n{family} = {{ {} = {main}{own}, {name} = VALUE }}\n", form.main.name),
            ));
        }
    }
    places
}

#[test]
fn the_words_of_a_choice_are_those_that_the_program_takes() {
    let mut tried = 0;
    for (key, text) in places() {
        let Holds::Kind(Kind::Choice(words)) = key.holds else { continue };
        let problems = problems(&text.replace("VALUE", "\"zzzzzzzzzzzz\""));
        let start = format!("`{}` is one of ", key.name);
        let said = problems.iter().find_map(|problem| problem.message.strip_prefix(&start));
        let said = said.unwrap_or_else(|| panic!("{text}: {problems:?}"));
        let taken: Vec<&str> = said.split(", not ").next().unwrap().split('"').skip(1).step_by(2).collect();
        assert_eq!(words, taken, "{text}");
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
}

/// The JSON of a configuration; a number of any other kind is as wrong as this one.
fn as_json(text: &str) -> Value {
    toml::from_str(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// What a validator says of each document, which is how many things are wrong with it.
fn wrong(documents: &[Value]) -> Vec<usize> {
    const PROGRAM: &str = "\
import json, sys
import jsonschema
given = json.load(sys.stdin)
jsonschema.Draft7Validator.check_schema(given['schema'])
validator = jsonschema.Draft7Validator(given['schema'])
print(json.dumps([sum(1 for _ in validator.iter_errors(one)) for one in given['documents']]))
";
    // Debian's package is for its own.
    let has = |python: &&str| {
        let tried = Command::new(python).args(["-c", "import jsonschema"]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has);
    let Some(python) = found else { panic!("python3-jsonschema is needed") };
    let mut child = Command::new(python)
        .args(["-W", "ignore", "-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let shipped = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/driftless.schema.json")).unwrap();
    let shipped: Value = serde_json::from_slice(&shipped).unwrap();
    let given = json!({ "schema": shipped, "documents": documents });
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let counts: Vec<usize> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(counts.len(), documents.len());
    counts
}

/// The example with every option taken in.
fn every_option() -> String {
    let is_option = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    EXAMPLE.lines().map(|line| format!("{}\n", if is_option(&line) { &line[1..] } else { line })).collect()
}

#[test]
#[ignore = "needs python3-jsonschema"]
fn the_example_and_every_configuration_that_is_shown_to_people_are_valid() {
    let mut texts = vec![EXAMPLE.to_owned(), every_option()];
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages = std::fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().path());
    for page in pages.chain([Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")]) {
        texts.extend(markdown::of_language(&std::fs::read_to_string(page).unwrap(), "toml"));
    }
    assert!(texts.len() > 15, "{}", texts.len());
    let documents: Vec<Value> = texts.iter().map(|text| as_json(text)).collect();
    let bad: Vec<&String> =
        wrong(&documents).iter().zip(&texts).filter(|(wrong, _)| **wrong > 0).map(|(_, text)| text).collect();
    assert_eq!(bad, Vec::<&String>::new());
}

#[test]
#[ignore = "needs python3-jsonschema"]
fn what_the_program_refuses_by_its_kind_the_schema_refuses_too() {
    const HOME: &str =
        "[account.home]\nprovider = \"dyndns2\"\nserver = \"https://dyndns.example.net\"\nusername = \"me\"\n";
    const RECORD: &str = "[[record]]\nname = \"a.example.org\"\naccount = \"home\"\n";
    let mut texts = vec![
        "sokcet = \"/run/s\"\n".to_owned(),
        "socket = \"s\"\n".into(),
        "account = 1\n".into(),
        "record = { name = \"a.example.org\" }\n".into(),
        "[accounts.home]\nprovider = \"dyndns2\"\n".into(),
        "[account.home]\nprovider = \"dyndns3\"\n".into(),
        "[account.\"ho me\"]\nprovider = \"dyndns2\"\n".into(),
        "[account.home]\nprovider = \"rackspace\"\nserver = \"https://a.example/\"\n".into(),
        format!("{HOME}pasword = \"p\"\n"),
        format!("{HOME}password = {{ files = \"/f\" }}\n"),
        format!("{HOME}password = {{ file = \"/f\", env = \"E\" }}\n"),
        format!("{HOME}password_file = \"f\"\n"),
        format!("{HOME}names_per_request = 51\n"),
        format!("{HOME}verify = \"yes\"\n"),
        format!("{HOME}nameservers = []\n"),
        "[[record]]\nname = \"a.example.org\"\n".into(),
        "[[record]]\naccount = \"home\"\n".into(),
        format!("{RECORD}names = [\"b.example.org\"]\n"),
        format!("{RECORD}tll = 60\n"),
        format!("{RECORD}ttl = \"60\"\n"),
        format!("{RECORD}ttl = -1\n"),
        format!("{RECORD}values = \"mine\"\n"),
        format!("{RECORD}type = \"TXT\"\n"),
        format!("{RECORD}type = \"A\"\nvalue = \"{{ipv4}}\"\n"),
        format!("{RECORD}match = \"v=spf1\"\n"),
        format!("{RECORD}absent_after = \"10m\"\n"),
        format!("{RECORD}ipv4 = \"2001:db8::1\"\n"),
        format!("{RECORD}ipv6 = \"192.0.2.1\"\n"),
        format!("{RECORD}ipv4 = \"htps\"\n"),
        format!("{RECORD}ipv4 = true\n"),
        format!("{RECORD}ipv6 = \"router\"\n"),
        "[address.x]\nipv4 = { interfaces = \"eth0\" }\n".into(),
        "[address.x]\nipv4 = { interface = \"eth0\", temporary = true }\n".into(),
        "[address.x]\nipv4 = { interface = \"eth0\", file = \"/f\" }\n".into(),
        "[address.x]\nipv4 = { dns = \"gogle\" }\n".into(),
        "[address.x]\nipv6 = { dns = \"akamai\" }\n".into(),
        "[address.x]\nipv4 = { https = \"http://echo.example.net/\" }\n".into(),
        "[address.x]\nipv4 = { https = \"ipify\", json = \"/ip\" }\n".into(),
        "[address.x]\nipv4 = { stun = \"cloudflare\", operator = \"me\" }\n".into(),
        "[address.x]\nipv4 = { quorum = 2 }\n".into(),
        "[address.x]\nipv4 = { first_of = [] }\n".into(),
        "[address.x]\nipv4 = { first_of = [\"off\", \"https\"] }\n".into(),
        "[address.x]\nipv4 = { first_of = [\"https\", { all = [\"interface\", \"dns\"] }] }\n".into(),
        "[address.x]\nipv4 = { router = \"default\", via = [\"ssdp\"] }\n".into(),
        "[address.x]\nipv4 = { command = [\"address\"] }\n".into(),
        "[address.x]\nipv4 = { prefix = \"interface\", host = \"::1\" }\n".into(),
        "[address.x]\nipv6 = { prefix = \"interface\" }\n".into(),
        "[address.x]\nipv6 = { prefix = \"interface\", host = { mac = \"nas\" } }\n".into(),
        "[address.x]\nipv6 = { prefix = { address = \"y\", host = \"::1\" }, host = \"::2\" }\n".into(),
        "[log]\nlevel = \"loud\"\n".into(),
        "[defaults]\ncheck = 300\n".into(),
        "[web]\nlisten = \"8053\"\n".into(),
        "[web]\nlisten = \"unix:web.sock\"\n".into(),
        "[web]\nlisten = \"systemd\"\nport = 8053\n".into(),
        "[notify.me]\ntype = \"ntfys\"\n".into(),
        "[notify.me]\ntype = \"ntfy\"\nurl = \"https://ntfy.example.net/x\"\nevents = [\"fallen\"]\n".into(),
        "[notify.me]\ntype = \"ntfy\"\nurl = \"https://ntfy.example.net/x\"\nevery = \"5m\"\n".into(),
        "[notify.me]\ntype = \"heartbeat\"\nurl = \"https://beat.example.net/x\"\nlimit = 5\n".into(),
    ];
    // No key holds such a number.
    texts.extend(places().into_iter().map(|(_, text)| text.replace("VALUE", "1.5")));
    for text in &texts {
        assert!(is_refused(text), "the program takes\n{text}");
    }
    let documents: Vec<Value> = texts.iter().map(|text| as_json(text)).collect();
    let taken: Vec<&String> =
        wrong(&documents).iter().zip(&texts).filter(|(wrong, _)| **wrong == 0).map(|(_, text)| text).collect();
    assert_eq!(taken, Vec::<&String>::new());
}

#[test]
#[ignore = "needs python3-jsonschema"]
fn a_file_that_is_laid_over_another_need_not_be_whole() {
    let texts = ["[account.home]\npassword = { env = \"P\" }\n", "[defaults]\nttl = 60\n", ""];
    let documents: Vec<Value> = texts.iter().map(|text| as_json(text)).collect();
    assert_eq!(wrong(&documents), [0, 0, 0]);
}
