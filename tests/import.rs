//! Moving in from other updaters: what becomes of files such as their documentation shows, as the program writes it.
//!
//! `tests/import/UPDATER/NAME.*` is a file, NAME.toml what is expected of it, NAME.report what is told. Both are written anew with
//! `DRIFTLESS_EXPECT=write cargo test --features import --test import`; what changed is to be read.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use driftless::import::{Tool, import};
use serde_json::Value;

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;

/// The folder of secrets in expected configurations.
const SECRETS: &str = "/etc/driftless/secrets";

/// What every secret of the examples has in it, or is.
const MARKS: &[&str] = &[
    "-secret-",
    "swordfish",
    "correct-horse",
    "batt",
    "staple",
    "cf-token",
    "hunter2",
    "he-key-1",
    "admin-secret",
    "desec-token",
    "dynv6-token",
    "duck-token",
    "strato-password",
    "blanket",
    "piano",
    "peppermint",
    "update/key",
    "mypass",
    "otherpass",
    "thirdpass",
    "hostsecret",
    "kaffe",
    "Case-Sensitive",
    "secret1",
    "dyn\"dns",
    "gone-secret",
    "e5322165",
    "00000000-0000",
    "appsecret1",
    "appkey1",
    "consumer1",
    "noip secret",
    "pass\"word",
    "your_password",
    "hashedpassword",
    "00112233",
];

/// The examples of an updater, in order: their names, and their files.
fn examples(tool: Tool) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(tool.word());
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inputs = files.filter(|path| path.extension().is_some_and(|end| end != "toml" && end != "report"));
    let mut found: Vec<(String, PathBuf)> =
        inputs.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect();
    found.sort();
    found
}

fn all() -> impl Iterator<Item = (Tool, PathBuf)> {
    Tool::ALL.into_iter().flat_map(|tool| examples(tool).into_iter().map(move |(_, path)| (tool, path)))
}

fn program(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftless-import"));
    command.args(words).current_dir(folder).env_clear().output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test")]
fn writes() -> bool {
    std::env::var_os("DRIFTLESS_EXPECT").is_some_and(|word| word == "write")
}

#[test]
fn every_example_becomes_what_is_expected_of_it() {
    let mut wrong = Vec::new();
    for tool in Tool::ALL {
        let examples = examples(tool);
        assert!(examples.len() >= 5, "{tool} has {} examples", examples.len());
        for (name, path) in examples {
            let typed = fs::read_to_string(&path).unwrap();
            assert_eq!(Tool::of(&path, &typed), Some(tool), "{}", path.display());
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let done = import(tool, &typed, &file, Path::new(SECRETS)).unwrap();
            let told: Vec<String> = done
                .left
                .iter()
                .map(|left| format!("{}: {}: {}\n    {}\n", left.line, left.key, left.did, left.instead))
                .collect();
            for (end, found) in [("toml", &done.text), ("report", &told.concat())] {
                let expected = path.with_file_name(format!("{name}.{end}"));
                if writes() {
                    fs::write(&expected, found).unwrap();
                } else if fs::read_to_string(&expected).ok().as_ref() != Some(found) {
                    wrong.push(format!("{}:\n{found}", expected.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_written_passes_check_and_its_secrets_are_their_owners_alone() {
    for (tool, path) in all() {
        let dir = tempfile::tempdir().unwrap();
        let output = program(dir.path(), &[path.to_str().unwrap()]);
        assert!(output.status.success(), "{tool} {}: {output:?}", path.display());
        let written = fs::read_to_string(dir.path().join("driftless.toml")).unwrap();
        for entry in fs::read_dir(dir.path().join("secrets")).into_iter().flatten() {
            let secret = entry.unwrap().path();
            assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o7777, 0o600, "{}", secret.display());
            assert!(written.contains(&format!("{{ file = \"{}\" }}", secret.display())), "{}", secret.display());
        }
        let mut check = Command::new(env!("CARGO_BIN_EXE_driftless"));
        check.args(["check", "--json", "--config", "driftless.toml"]).current_dir(dir.path()).env_clear();
        // What ddclient/commands.conf reads its password from.
        check.env("DDNS_PASSWORD", "from-a-variable");
        let check = check.env("STATE_DIRECTORY", dir.path()).output().unwrap();
        let said: Value = serde_json::from_slice(&check.stdout).unwrap();
        assert_eq!(said["ok"], true, "{tool} {}: {said:#}\n{written}", path.display());
    }
}

#[test]
fn no_secret_stands_in_the_configuration_or_the_report() {
    for (tool, path) in all() {
        let typed = fs::read_to_string(&path).unwrap();
        let marks: Vec<&&str> = MARKS.iter().filter(|mark| typed.contains(**mark)).collect();
        for extra in [&["--json"][..], &[]] {
            let dir = tempfile::tempdir().unwrap();
            let output = program(dir.path(), &[&[path.to_str().unwrap()], extra].concat());
            let written = fs::read_to_string(dir.path().join("driftless.toml")).unwrap();
            for shown in [written, text(&output.stdout), text(&output.stderr)] {
                let found: Vec<_> = marks.iter().filter(|mark| shown.contains(***mark)).collect();
                assert!(found.is_empty(), "{tool} {}: {found:?} in {shown}", path.display());
            }
        }
        let is_public = ["commands", "compose_map"].contains(&path.file_stem().unwrap().to_str().unwrap());
        assert!(!marks.is_empty() || is_public, "{}: the secrets of this example are in MARKS", path.display());
    }
}

#[test]
fn the_password_is_what_stood_in_the_file_to_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    for (file, account, password) in [
        ("ddclient/distribution.conf", "dyn", "swordfish, with a comma #1"),
        ("ddclient/several_services.conf", "ovh", "batt\"ery"),
        ("ddclient/several_services.conf", "noip", "correct-horse"),
        ("inadyn/several.conf", "noip", "piano #88"),
        ("inadyn/commands.conf", "strato", "dyn\"dns"),
        ("inadyn/ipv6.conf", "dynv6", "dynv6-token"),
        ("openwrt/timers.config", "noip", "noip secret #1"),
        ("openwrt/urls.config", "dyndns2", "pass\"word"),
        ("ddns-updater/custom.json", "dyndns2", "url-secret-1"),
        ("ddns-go/callback.yaml", "dyndns2", "callback-secret-1"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(file);
        let output = program(dir.path(), &["--force", path.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        let found = fs::read_to_string(dir.path().join(format!("secrets/{account}.password"))).unwrap();
        assert_eq!(found, format!("{password}\n"), "{file}");
    }
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_line_and_nothing_is_written() {
    for (tool, typed, why) in [
        (
            Tool::Ddclient,
            "use=web\npassword='never closed\nhost.example.org\n",
            ":2: as a file of ddclient: a quotation mark is not closed",
        ),
        (Tool::Ddclient, "login=me, \\\n", ":1: as a file of ddclient: the file ends where a line was to go on"),
        (Tool::Ddclient, "\nlogin=me host.example.org a b c d\n", ":2: as a file of ddclient: there are words behind"),
        (
            Tool::Inadyn,
            "period = 300\nprovider noip.com {\n  username = me\n",
            ":2: as a file of inadyn: the section is not closed",
        ),
        (Tool::Inadyn, "period = soon\n", ":1: as a file of inadyn: `period` is a number of seconds"),
        (Tool::Inadyn, "provider noip.com {\n  username me\n}\n", ":2: as a file of inadyn: '=' is expected"),
        (Tool::Inadyn, "provider noip.com {\n}\n", ":1: as a file of inadyn: the section has no `hostname`"),
        (
            Tool::DdnsUpdater,
            "{\n  \"settings\": [\n    {\"provider\": \"noip\",}\n  ]\n}",
            ":3: as a file of ddns-updater: this is no JSON",
        ),
        (
            Tool::DdnsUpdater,
            "{\"settings\": [{\"provider\": \"noip\",\n",
            ":1: as a file of ddns-updater: this is no JSON: its end is missing",
        ),
        (Tool::DdnsUpdater, "{\n  \"settings\": {}\n}", ":2: as a file of ddns-updater: \"settings\" is a list"),
        (
            Tool::DdnsUpdater,
            "{\n  \"settings\": [\n 7 ]\n}",
            ":3: as a file of ddns-updater: an object is expected here",
        ),
        (Tool::DdnsGo, "dnsconf:\n  - name: a\n   ipv4: b\n", "as a file of ddns-go: this is not the YAML"),
        (Tool::DdnsGo, "dnsconf:\n  - ipv4:\n      domains: one\n", ":3: as a file of ddns-go: this is not the YAML"),
        (Tool::Openwrt, "option enabled '1'\n", ":1: as a file of openwrt: an option stands before the first section"),
        (
            Tool::Openwrt,
            "config service 'a'\n\toption domain 'x\n",
            ":2: as a file of openwrt: a quotation mark is not closed",
        ),
        (Tool::Openwrt, "config service 'a'\n\n\tdomain x\n", ":3: as a file of openwrt: a line is"),
        (
            Tool::CloudflareDdns,
            "CLOUDFLARE_API_TOKEN=x\nDOMAINS\n",
            ":2: as a file of cloudflare-ddns: a line is NAME=value",
        ),
        (Tool::CloudflareDdns, "CLOUDFLARE_API_TOKEN=x\n", ":1: as a file of cloudflare-ddns: it names no domain"),
        (
            Tool::CloudflareDdns,
            "services:\n  ddns:\n    image: x\n",
            ":1: as a file of cloudflare-ddns: no service here has",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), typed).unwrap();
        let output = program(dir.path(), &["--from", tool.word(), "file"]);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(78) && said.contains(why) && said.contains(": file"), "{typed}\n{said}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{typed}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let home = |name: &str| dir.path().join(name);
    fs::write(home("ddclient.conf"), "protocol=noip, login=me, password=hunter2, use=web a.example.org\n").unwrap();
    fs::write(home("notes"), "hello\n").unwrap();
    let refused = |words: &[&str], code: i32, why: &str| {
        let output = program(dir.path(), words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
        let said = text(&output.stderr) + &text(&output.stdout);
        assert!(said.contains(why) && !said.contains("hunter2"), "{words:?}: {output:?}");
    };
    refused(&["missing"], 78, "missing cannot be used: No such file");
    refused(&["notes"], 78, "it is not seen whose file this is");
    refused(&["--from", "windows", "notes"], 64, "cloudflare-ddns");
    refused(&["--output", "-", "--json", "ddclient.conf"], 64, "standard output");
    refused(&["--output", "-", "ddclient.conf"], 64, "--secrets FOLDER");
    assert!(!home("driftless.toml").exists() && !home("secrets").exists());
    assert!(program(dir.path(), &["ddclient.conf"]).status.success());
    fs::write(home("driftless.toml"), "mine").unwrap();
    refused(&["ddclient.conf"], 74, "it is there already (--force replaces it)");
    fs::remove_file(home("secrets/noip.password")).unwrap();
    refused(&["ddclient.conf"], 74, "driftless.toml is not written: it is there already");
    assert!(!home("secrets/noip.password").exists());
    assert_eq!(fs::read_to_string(home("driftless.toml")).unwrap(), "mine");
    assert!(program(dir.path(), &["--force", "ddclient.conf"]).status.success());
    let printed = program(dir.path(), &["--output", "-", "--secrets", "elsewhere", "ddclient.conf"]);
    let said = text(&printed.stderr);
    let one = "stands on standard output: 1 account, 1 name\n1 secret went into a file of its own in ";
    assert!(said.starts_with(&format!("what ddclient.conf of ddclient said {one}")), "{said}");
    let moved = text(&printed.stdout).replace("/elsewhere/", "/secrets/");
    assert_eq!(moved, fs::read_to_string(home("driftless.toml")).unwrap());
    assert_eq!(fs::read_to_string(home("elsewhere/noip.password")).unwrap(), "hunter2\n");
}

#[test]
fn the_report_as_json_names_everything() {
    let dir = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/ddclient/several_services.conf");
    let output = program(dir.path(), &["--json", path.to_str().unwrap()]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&said["updater"], &said["accounts"], &said["names"], &said["waiting"]),
        (&"ddclient".into(), &2.into(), &3.into(), &3.into())
    );
    assert_eq!((said["secrets"].as_array().unwrap().len(), &said["variables"]), (2, &serde_json::json!([])));
    let path = path.with_file_name("commands.conf");
    let output = program(dir.path(), &["--json", "--output", "other.toml", path.to_str().unwrap()]);
    let variables: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(variables["variables"], serde_json::json!(["DDNS_PASSWORD"]));
    let mail = said["left"].as_array().unwrap().iter().find(|left| left["key"] == "mail").unwrap();
    assert_eq!(mail["line"], 4);
    assert!(mail["did"].is_string() && mail["instead"].is_string());
}

#[test]
fn the_main_program_hands_over_to_it() {
    let [main, other] = [env!("CARGO_BIN_EXE_driftless"), env!("CARGO_BIN_EXE_driftless-import")].map(Path::new);
    // Links, as a file that was just written may still be open in another test's child, and cannot be run then.
    let dir = tempfile::tempdir_in(main.parent().unwrap()).unwrap();
    let bin = dir.path();
    fs::hard_link(main, bin.join("driftless")).unwrap();
    let run = || Command::new(bin.join("driftless")).args(["import", "--from", "ddclient", "none"]).output().unwrap();
    let alone = run();
    assert_eq!(alone.status.code(), Some(69));
    assert!(
        text(&alone.stderr).contains("there is no") && text(&alone.stderr).contains("driftless-import"),
        "{alone:?}"
    );
    fs::hard_link(other, bin.join("driftless-import")).unwrap();
    let beside = run();
    assert_eq!(beside.status.code(), Some(78));
    assert!(text(&beside.stderr).starts_with("driftless-import: none cannot be used"), "{beside:?}");
}

#[tokio::test]
async fn an_imported_configuration_updates_the_service() {
    let service = dyndns2::Dyndns2::new(dyndns2::Rules::default(), ["home.example.org", "nas.example.org"]);
    let answers = service.clone();
    let server = http::Server::start(0, move |request| answers.answer(request)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = server.url("");
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let typed = format!(
        "usev4=ipv4, ipv4=192.0.2.7\nprotocol=dyndns2\nserver={host}\nlogin=user\npassword=secret\nhome.example.org,nas.example.org\n"
    );
    fs::write(dir.path().join("ddclient.conf"), typed).unwrap();
    assert!(program(dir.path(), &["ddclient.conf"]).status.success());
    let configuration = dir.path().join("driftless.toml");
    // The emulator speaks no TLS; a service does. Nobody asks DNS for names that there are not.
    let written = fs::read_to_string(&configuration).unwrap();
    let changed = written.replace(&format!("\"https://{host}\""), &format!("\"http://{host}\"\nverify = false"));
    assert_ne!(written, changed);
    fs::write(&configuration, changed).unwrap();
    let mut once = tokio::process::Command::new(env!("CARGO_BIN_EXE_driftless"));
    once.args(["once", "--config"]).arg(&configuration).env_clear().env("STATE_DIRECTORY", dir.path().join("state"));
    let output = once.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    for name in ["home.example.org", "nas.example.org"] {
        assert_eq!(service.host(name).unwrap().ipv4, Some("192.0.2.7".parse().unwrap()), "{name}");
    }
    assert_eq!(server.log().len(), 1, "one request for both");
}
