//! What the commands say and how they end, without a network: the words and exit codes that operators and scripts rely on.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::process::Output;

use serde_json::Value;

#[path = "support/torture.rs"]
mod torture;

use torture::{Home, within};

/// A home with two names in a zone file, and an account whose secret is the file `secret`.
fn home() -> Home {
    let home = Home::new();
    home.write("secret", "hunter2");
    home.write(
        "driftless.toml",
        &format!(
            "state_dir = \"{0}/state\"\n[account.zone]\nprovider = \"zonefile\"\npath = \"{0}/zone\"\nzone = \"example.org\"\n\
             [account.luna]\nprovider = \"lunanode\"\nendpoint = \"http://127.0.0.1:1/api/\"\n\
             api_id = \"abcdefghijklmnop\"\napi_key = {{ file = \"{0}/secret\" }}\nverify = false\n\
             [[record]]\nname = \"home.example.org\"\naccount = \"zone\"\nipv4 = \"192.0.2.1\"\nipv6 = {{ file = \"{0}/none\" }}\n\
             private = true\n[[record]]\nname = \"luna.example.org\"\naccount = \"luna\"\nipv4 = \"192.0.2.1\"\n\
             ipv6 = \"off\"\nprivate = true\n",
            home.text("").trim_end_matches('/')
        ),
    );
    home
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The exit code and what `--json` printed, which is one object.
fn json(home: &Home, words: &[&str]) -> (i32, Value) {
    let output = home.output(&[words, &["--json"]].concat());
    let value: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{words:?}: {why}: {output:?}"));
    assert!(value.is_object(), "{words:?}: {value}");
    (code(&output), value)
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

const README: &str = include_str!("../README.md");

/// The keys in the second column of a row of README, in order.
fn keys_of(row: &'static str) -> Vec<&'static str> {
    // What stands in brackets are keys of a key.
    let parts = row.split('|').nth(2).unwrap().split('(').map(|part| part.rsplit(')').next().unwrap());
    let mut keys: Vec<&str> = parts.flat_map(|part| part.split('`').skip(1).step_by(2)).collect();
    keys.sort_unstable();
    keys
}

/// The keys that README gives a command.
fn in_readme(words: &[&str]) -> Vec<&'static str> {
    let full = format!("`{}`", words.join(" "));
    let first = format!("`{}`", words[0]);
    let rows = || README.lines().skip_while(|line| *line != "| command | keys |").filter(|line| line.starts_with("| "));
    let named = |name: &str| rows().find(|row| row.split('|').nth(1).unwrap().contains(name));
    keys_of(named(&full).or_else(|| named(&first)).unwrap_or_else(|| panic!("{words:?} is not in README")))
}

#[test]
fn what_json_prints_is_one_object_with_the_same_keys_whatever_it_says() {
    let home = home();
    let words: [&[&str]; 8] = [
        &["check"],
        &["detect"],
        &["explain", "home.example.org"],
        &["once"],
        &["plan"],
        &["providers"],
        &["records", "attributes"],
        &["status"],
    ];
    let shapes = words.map(|words| (words, in_readme(words)));
    let failed = keys_of(README.lines().find(|line| line.starts_with("| any but `check`")).unwrap());
    for (words, shape) in &shapes {
        assert_eq!(keys(&json(&home, words).1), *shape, "{words:?}");
    }
    assert_eq!(json(&home, &["providers", "zonefile"]).1["providers"][0]["name"], "zonefile");

    home.write("driftless.toml", "[account.x]\nprovider = \"nothing\"\n");
    for (words, shape) in shapes.iter().filter(|(words, _)| words[0] != "providers") {
        let (code, said) = json(&home, words);
        let expected = if words[0] == "check" { shape } else { &failed };
        assert_eq!((code, &keys(&said)), (78, expected), "{words:?}");
        assert_eq!(said["problems"][0]["at"]["line"], 2, "{words:?}: {said}");
    }
    assert_eq!(json(&home, &["check"]).1["ok"], false);
    let (code, said) = json(&home, &["providers", "nope"]);
    assert_eq!((code, said["problems"].as_array().map(Vec::len)), (78, Some(0)));
    assert!(said["error"].as_str().unwrap().contains("there is no provider"), "{said}");
}

#[test]
fn a_check_sees_secrets_that_cannot_be_used() {
    let home = home();
    home.write("none", "");
    let checked = |more: &[&str]| {
        let output = home.output(&[&["check"], more].concat());
        (code(&output), stdout(&output), stderr(&output))
    };
    let (code, said, warned) = checked(&["--strict"]);
    assert!(code == 0 && said.starts_with("the configuration is right: ") && warned.is_empty(), "{said}{warned}");
    home.write("secret", "");
    let (code, said, warned) = checked(&[]);
    assert!(code == 0 && said.contains("see the warnings above: 2 accounts, 2 names, 1 warning"), "{code} {said}");
    assert!(warned.contains("cannot be used: it is empty") && warned.contains("driftless.toml:10:"), "{warned}");
    assert!(warned.contains("it holds the secret on one line and nothing else"), "{warned}");
    home.write("secret", "one\ntwo\n");
    assert!(checked(&[]).2.contains("cannot be used: it has more than one line"));
    assert_eq!(checked(&["--strict"]).0, 78);
    fs::remove_file(home.path("secret")).unwrap();
    fs::create_dir(home.path("secret")).unwrap();
    assert!(checked(&[]).2.contains("secret is a folder, not a file"));
}

#[test]
fn a_check_tells_of_accounts_channels_and_form_all_at_once() {
    let home = home();
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    let misfits = "[account.wrong]\nprovider = \"dyndns2\"\nserver = \"https://a.example\"\nusername = \"a:b\"\n\
                   password_file = \"/nowhere/p\"\n[notify.phone]\ntype = \"ntfy\"\nurl = \"ntfy.sh/foo\"\n";
    let of_form =
        "[notify.desk]\ntype = \"gotify\"\nurl = \"x\"\ntoken_file = \"/nowhere/t\"\n[log]\nlevle = \"warn\"\n";
    for (rest, count) in [(misfits.to_owned(), 2), (format!("{misfits}{of_form}"), 4)] {
        home.write("driftless.toml", &format!("{text}{rest}"));
        let (code, said) = json(&home, &["check"]);
        let said = said["problems"].as_array().unwrap();
        let said: Vec<&str> =
            said.iter().filter(|one| one["severity"] == "error").filter_map(|one| one["message"].as_str()).collect();
        assert_eq!((code, said.len()), (78, count), "{said:#?}");
        for part in ["username: HTTP Basic", "url: this is no URL: it starts with https://"] {
            assert!(said.iter().any(|said| said.contains(part)), "{part}: {said:#?}");
        }
    }
}

#[test]
fn a_check_of_one_file_says_that_the_drop_ins_beside_it_are_not_read() {
    let home = home();
    fs::create_dir(home.path("conf.d")).unwrap();
    let note = format!("{} was not read: ", home.text("conf.d"));
    for (file, text, said, expected) in
        [("conf.d/README", "", false, 0), ("conf.d/more.toml", "[", true, 0), ("driftless.toml", "[", true, 78)]
    {
        home.write(file, text);
        let check = home.output(&["check"]);
        assert_eq!((code(&check), stderr(&check).contains(&note)), (expected, said), "{check:?}");
        json(&home, &["check"]);
    }
}

#[test]
fn a_check_sees_files_folders_and_programs_that_are_not_there_or_cannot_be_used() {
    let home = home();
    let checked = || stderr(&home.output(&["check"]));
    let warned = checked();
    assert!(warned.contains(&format!("{} cannot be read: No such file", home.text("none"))), "{warned}");
    assert!(warned.contains("until it can be read, the address is unknown"), "{warned}");
    home.write("none", "");
    assert_eq!(checked(), "");

    let configure = |from: &str, to: &str| {
        let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
        assert!(text.contains(from), "{from}: {text}");
        home.write("driftless.toml", &text.replace(from, to));
    };
    configure("zone = \"example.org\"\n", "");
    let output = home.output(&["check"]);
    let said = stderr(&output);
    assert!(said.contains("zone is not there, and would not be made") && said.starts_with("error"), "{said}");
    let wrong = "something is wrong, see above: 2 accounts, 2 names, 1 error, 0 warnings";
    assert!(code(&output) == 78 && stdout(&output).contains(wrong), "{output:?}");
    assert_eq!(json(&home, &["check"]).1["problems"][0]["severity"], "error");
    let zone = home.text("zone");
    configure(&format!("path = \"{zone}\""), &format!("path = \"{}\"", home.text("missing/zone")));
    let warned = checked();
    assert!(
        warned.contains("`path` of the account \"zone\": the folder of") && warned.contains("No such file"),
        "{warned}"
    );
    configure("/missing/zone\"", "/zone\"\nzone = \"example.org\"");
    let reload = home.text("reload");
    configure("[account.luna]", &format!("reload = [\"{reload}\"]\n[account.luna]"));
    assert!(checked().contains(&format!("{reload} cannot be run: No such file")));
    home.write("reload", "#!/bin/sh\n");
    assert!(checked().contains(&format!("cannot run {reload}")));
    fs::set_permissions(&reload, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(checked(), "");
    configure(&format!("{{ file = \"{}\" }}", home.text("none")), "{ command = [\"/nonexistent/program\"] }");
    let output = home.output(&["check", "--strict"]);
    assert!(code(&output) == 78 && stderr(&output).contains("/nonexistent/program cannot be run"), "{output:?}");
}

#[test]
fn a_check_sees_a_state_that_cannot_be_kept() {
    let home = home();
    home.write("none", "");
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    let checked = |line: &str| {
        let (first, rest) = text.split_once('\n').unwrap();
        home.write("driftless.toml", &format!("{}\n{rest}", if line.is_empty() { first } else { line }));
        let output = as_a_user(&home, &["check"]);
        assert_eq!(code(&output), 0, "{output:?}");
        (stderr(&output), stdout(&output).ends_with(", 1 warning\n"))
    };
    assert_eq!(checked("").0, "");
    home.write("state", "");
    let (said, counted) = checked("");
    assert!(counted && said.contains("is a file, and a folder is needed for the state: move it away"), "{said}");
    let (said, counted) = checked(&format!("state_dir = \"{}\"", home.text("state/below")));
    assert!(counted && said.contains("cannot be made"), "{said}");
    fs::create_dir(home.path("shut")).unwrap();
    fs::set_permissions(home.path("shut"), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
    let (said, counted) = checked(&format!("state_dir = \"{}\"", home.text("shut")));
    assert!(counted && said.contains("cannot write the state into"), "{said}");
    let (said, counted) = checked(&format!("state_dir = \"{}\"", home.text(&"x".repeat(100))));
    assert!(counted && said.contains("is too long for a socket") && said.contains("of 107 at most"), "{said}");
}

#[test]
fn a_word_that_is_not_known_gets_a_suggestion_only_where_one_is_near() {
    let home = home();
    let providers: Vec<&str> = driftless::provider::REGISTRY.iter().map(|entry| entry.name).collect();
    let providers = format!("\"nope\"; there are: {}", providers.join(", "));
    for (words, said) in [
        (&["providers", "nope"][..], providers.as_str()),
        (&["providers", "zone-file"], "\"zone-file\"; did you mean zonefile?"),
        (&["explain", "hom.example.org"], "did you mean home.example.org?"),
        (&["explain", "other.example"], "; there are: luna.example.org, home.example.org"),
        (&["update", "other.example"], "; there are: home.example.org, luna.example.org"),
        (&["release", "lun"], "; did you mean luna?"),
        (&["release", "nobody"], "; there are: luna, zone, home.example.org, luna.example.org"),
    ] {
        let output = home.output(words);
        assert_eq!(code(&output), 78, "{words:?}");
        assert!(stderr(&output).trim_end().ends_with(said), "{words:?}: {}", stderr(&output));
    }
}

#[test]
fn without_a_daemon_what_it_left_behind_is_shown_and_the_exit_code_says_so() {
    let home = home();
    fs::remove_file(home.path("secret")).unwrap();
    let once = home.output(&["once"]);
    assert_eq!(code(&once), 78);
    let way_out = "    mend the secret: it is noticed by itself; to let go: driftless release luna\n";
    assert!(stdout(&once).contains(way_out), "{once:?}");
    assert!(stderr(&once).contains("unusable here: ") && !stderr(&once).contains("not authorised"), "{once:?}");
    let status = home.output(&["status"]);
    assert_eq!(code(&status), 69);
    for said in [
        "driftless.sock; this is what the last one left behind",
        "no daemon listens at ",
        "home.example.org A at zone: had 192.0.2.1 when last looked at",
        "luna.example.org A at luna: held with its account, see below",
        "; mend the secret: it is noticed by itself; to let go: driftless release luna",
    ] {
        assert!(stdout(&status).contains(said), "{said}\n{}", stdout(&status));
    }
    let explained = home.output(&["explain", "home.example.org"]);
    assert_eq!(code(&explained), 69);
    for said in ["left behind", "  next look:    when a daemon runs", "  seen in DNS:  not asked"] {
        assert!(stdout(&explained).contains(said), "{said}\n{}", stdout(&explained));
    }
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)), "{}", home.log());
    // Each family's own source, and none of another name's.
    let sources = || stdout(&home.output(&["explain", "home.example.org"])).matches("  source:  ").count();
    assert!(within(std::time::Duration::from_secs(20), || sources() == 2), "{}", sources());
    daemon.stop();
}

#[test]
fn a_named_file_that_cannot_be_read_is_no_way_to_another_daemon() {
    let home = home();
    fs::create_dir(home.path("folder")).unwrap();
    home.write("shut", "");
    fs::set_permissions(home.path("shut"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)), "{}", home.log());
    let socket = home.text("state/driftless.sock");
    let asked = |words: &[&str]| {
        let shut_out: &[&str] = if rustix::process::geteuid().is_root() { &["--bounding-set", "-all"] } else { &[] };
        let mut command = std::process::Command::new("setpriv");
        command.args(shut_out).arg(env!("CARGO_BIN_EXE_driftless")).args(words);
        // The daemon that is asked where nothing is named.
        torture::output(command.env("STATE_DIRECTORY", home.path("state")))
    };
    for words in [&["status"][..], &["explain", "home.example.org"], &["update"], &["release", "--all"]] {
        for (file, expected) in [("missing.toml", 78), ("folder", 78), ("shut", 77)] {
            let path = home.text(file);
            let named = [words, &["-c", &path]].concat();
            let output = asked(&named);
            let said = stderr(&output);
            assert_eq!((code(&output), stdout(&output)), (expected, String::new()), "{named:?}: {said}");
            assert!(said.contains(file) && said.contains("the file cannot be used"), "{said}");
        }
        let missing = home.text("missing.toml");
        let output = asked(&[words, &["-c", &missing, "--socket", &socket]].concat());
        assert_eq!(code(&output), 0, "{output:?}");
    }
    daemon.stop();
}

#[test]
fn a_release_says_what_it_let_go_with_and_without_the_daemon() {
    for running in [false, true] {
        let home = home();
        fs::remove_file(home.path("secret")).unwrap();
        assert_eq!(code(&home.output(&["once"])), 78);
        let daemon = running.then(|| home.start(&["run"]));
        assert!(
            !running || within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)),
            "{}",
            home.log()
        );
        let release = |target: &str| {
            let output = home.output(&["release", target]);
            assert_eq!(code(&output), 0, "{output:?}");
            stdout(&output)
        };
        assert_eq!(release("zone"), "nothing was held\n");
        let its_account = "nothing was held\nits account luna is held; to let go of that: driftless release luna\n";
        assert_eq!(release("luna.example.org"), its_account);
        assert_eq!(release("luna"), "let go of 1 hold\n");
        if let Some(daemon) = daemon {
            daemon.stop();
        } else {
            assert_eq!(release("luna"), "nothing was held\n");
        }
    }
}

#[test]
fn an_explanation_without_an_address_names_the_next_look() {
    let home = home();
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)), "{}", home.log());
    let of = |value: &Value| {
        let records = value["records"].as_array().unwrap().clone();
        records.into_iter().find(|record| record["type"] == "AAAA").unwrap()
    };
    assert!(within(std::time::Duration::from_secs(20), || {
        of(&json(&home, &["explain", "home.example.org"]).1)["state"] == "unknown"
    }));
    let (status, _) = home.status();
    assert_eq!(of(&status["status"])["next"], status["status"]["next_check"]);
    let said = stdout(&home.output(&["explain", "home.example.org"]));
    assert!(said.contains("  next look:    2"), "{said}");
    daemon.stop();
}

#[test]
fn a_state_folder_that_is_a_file_is_named_with_what_to_do() {
    let home = home();
    home.write("state", "");
    let output = home.output(&["once"]);
    let said = format!("{} cannot be locked: it is a file, and a folder is needed: move it away", home.text("state"));
    assert!(stderr(&output).contains(&said), "{}", stderr(&output));
    let output = home.output(&["run", "--demo", "--folder", &home.text("state")]);
    assert!(code(&output) == 78 && stderr(&output).contains("it is a file, and a folder is needed"), "{output:?}");
}

#[test]
fn a_second_daemon_ends_with_one_clear_line() {
    let home = home();
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)), "{}", home.log());
    let output = home.output(&["run"]);
    assert_eq!(code(&output), 75);
    let pid = daemon.pid().as_raw_nonzero();
    let said = format!("driftless: another driftless (pid {pid}) is at work in {}", home.text("state"));
    assert_eq!(stderr(&output).lines().last(), Some(said.as_str()));
    daemon.stop();
}

#[test]
fn a_second_demonstration_says_nothing_but_that_there_is_one() {
    let home = Home::new();
    let demo = |home: &Home| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_driftless"));
        command.args(["run", "--demo", "--folder"]).arg(home.path("demo"));
        command
    };
    let daemon = home.spawn(&mut demo(&home));
    assert!(within(std::time::Duration::from_secs(20), || home.log().contains("Ctrl-C ends it")), "{}", home.log());
    let output = torture::output(&mut demo(&home));
    assert_eq!((code(&output), stdout(&output)), (75, String::new()));
    assert!(stderr(&output).contains("is at work in "), "{output:?}");
    daemon.stop();
}

/// A command that may do no more than its user's permissions say, as root too.
fn as_a_user(home: &Home, words: &[&str]) -> Output {
    let wrapper: &[&str] =
        if rustix::process::geteuid().is_root() { &["setpriv", "--bounding-set", "-all"] } else { &[] };
    torture::output(&mut home.wrapped(wrapper, words))
}

#[test]
fn who_may_not_ask_is_told_who_may() {
    let home = home();
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)), "{}", home.log());
    let close =
        |mode| fs::set_permissions(home.path("state"), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    let refused = |words: &[&str], says: &str| {
        let output = as_a_user(&home, words);
        let said = stderr(&output) + &stdout(&output);
        assert_eq!(code(&output), 77, "{words:?}: {said}");
        let sudo = format!("only root and the user that the daemon runs as may (sudo driftless {})", words[0]);
        assert!(said.contains(says) && said.contains(&sudo) && !said.contains("damaged"), "{words:?}: {said}");
    };
    close(0o000);
    for words in
        [&["status"][..], &["status", "--json"], &["explain", "home.example.org"], &["update"], &["release", "--all"]]
    {
        refused(words, "this user may not ask at ");
    }
    close(0o700);
    daemon.stop();
    // And while none runs, in a folder that is shut and in one that can only be looked into.
    close(0o000);
    for words in [&["status"][..], &["explain", "home.example.org"], &["plan"], &["once"], &["update"]] {
        let output = as_a_user(&home, words);
        assert_eq!(code(&output), 77, "{words:?}: {output:?}");
    }
    refused(&["once"], &format!("this user may not look into {}", home.text("state")));
    // Whose folder it is may have a daemon at work there.
    refused(&["run"], &format!("this user may not look into {}", home.text("state")));
    refused(&["run"], "a second daemon needs a configuration of its own (--config FILE)");
    let said = stderr(&as_a_user(&home, &["run"]));
    assert!(!said.contains("WARN") && !said.contains("going on"), "{said}");
    close(0o500);
    refused(&["once"], &format!("this user may not write into {}", home.text("state")));
    refused(&["once"], "; or name a `state_dir` of your own");
    assert_eq!(code(&as_a_user(&home, &["status"])), 69);
    close(0o700);
    fs::set_permissions(home.path("state/ledger.journal"), std::os::unix::fs::PermissionsExt::from_mode(0o000))
        .unwrap();
    refused(&["once"], &format!("this user may not look into {}", home.text("state/ledger.journal")));
}

#[test]
fn a_demonstration_where_this_user_may_not_write_says_what_to_do() {
    let home = home();
    fs::create_dir_all(home.path("shut/demo/state")).unwrap();
    let close = |name: &str| {
        fs::set_permissions(home.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
    };
    for name in ["shut/demo/state", "shut"] {
        close(name);
        let folder = if name == "shut" { "shut/new" } else { "shut/demo" };
        let output = as_a_user(&home, &["run", "--demo", "--folder", folder]);
        let said = format!("driftless: this user may not write into {folder}: name another folder with --folder\n");
        assert_eq!((code(&output), stderr(&output)), (77, said));
    }
}

#[test]
fn a_status_without_a_daemon_says_what_is_wrong_with_the_state() {
    let home = home();
    home.output(&["once"]);
    for (file, says) in [("ledger.json", "ledger.json is damaged"), ("ledger.journal", "ledger.journal")] {
        home.write(&format!("state/{file}"), "nonsense");
        let output = home.output(&["status"]);
        assert!(stderr(&output).contains(&format!("{}: {says}", home.text("state"))), "{output:?}");
        assert_eq!(code(&output), 69);
    }
    // Whoever sets them aside says where.
    let said = stderr(&home.output(&["once"]));
    assert!(
        said.contains(&format!("{}: what is damaged is kept as ledger.json.corrupt-1", home.text("state"))),
        "{said}"
    );
    fs::remove_dir_all(home.path("state")).unwrap();
    home.write("state", "");
    let output = home.output(&["status"]);
    let said = format!("{} is a file, and a folder is needed for the state: move it away", home.text("state"));
    assert!(code(&output) == 69 && stderr(&output).contains(&said), "{output:?}");
}

#[test]
fn a_broken_configuration_hides_no_running_daemon() {
    let home = home();
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)), "{}", home.log());
    let right = fs::read_to_string(home.path("driftless.toml")).unwrap();
    let wrong = [
        ("a key is misspelt", right.replace("api_id", "api_idd"), "did you mean `api_id`?"),
        ("it is no TOML any more", format!("{right}[[record\n"), "this is no TOML"),
        ("a record has no account", format!("{right}[[record]]\nname = \"x.example.org\"\n"), "has no `account`"),
    ];
    for (what, text, why) in wrong {
        home.write("driftless.toml", &text);
        for words in [&["status"][..], &["explain", "home.example.org"]] {
            let output = home.output(words);
            assert!(code(&output) == 0 && stdout(&output).contains("home.example.org A"), "{what}: {output:?}");
            assert!(stderr(&output).contains("the configuration cannot be used now"), "{what}: {output:?}");
            assert!(stderr(&output).contains("driftless.toml:") && stderr(&output).contains(why), "{what}: {output:?}");
        }
        assert_eq!(json(&home, &["status"]).1["running"], true, "{what}");
        for (words, said) in [
            (&["update"][..], "the daemon looks now"),
            (&["update", "home.example.org"], "the daemon looks now"),
            (&["release", "luna"], "nothing was held"),
            (&["release", "--all"], "nothing was held"),
        ] {
            let output = home.output(words);
            assert!(code(&output) == 0 && stdout(&output).starts_with(said), "{what}: {words:?}: {output:?}");
            assert!(stderr(&output).contains("goes by what it read before"), "{what}: {output:?}");
        }
        for words in [["update", "hme.example.org"], ["release", "hme.example.org"]] {
            let output = home.output(&words);
            let said = "the configuration that the daemon read; did you mean home.example.org?";
            assert!(code(&output) == 78 && stderr(&output).contains(said), "{what}: {output:?}");
        }
    }
    // Where the file is gone, a socket can be named.
    fs::remove_file(home.path("driftless.toml")).unwrap();
    let output = home.output(&["status", "--socket", &home.text("state/driftless.sock")]);
    assert!(code(&output) == 0 && stderr(&output).contains("No such file"), "{output:?}");
    let socket = home.text("state/driftless.sock");
    for words in [["update", "--socket"], ["release", "--all"]] {
        let output =
            home.output(&[&words[..], if words[1] == "--all" { &["--socket"] } else { &[] }, &[&socket]].concat());
        assert_eq!(code(&output), 0, "{output:?}");
    }
    daemon.stop();
    for words in ["status", "update"] {
        assert_eq!(code(&home.output(&[words])), 78);
    }
    // Who names a socket means the daemon there.
    for text in ["", &right] {
        home.write("driftless.toml", text);
        for words in [&["update"][..], &["release", "--all"], &["status"], &["explain", "home.example.org"]] {
            let output = home.output(&[words, &["--socket", &socket]].concat());
            assert!(code(&output) == 69 && stderr(&output).contains("no daemon listens at "), "{output:?}");
            assert_eq!(stdout(&output), "", "what the state folder holds is another daemon's word: {words:?}");
        }
    }
}

#[test]
fn a_reload_that_fails_logs_what_check_would_say() {
    let home = home();
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || home.status().1 == Some(0)), "{}", home.log());
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    home.write("driftless.toml", &text.replace("api_id", "api_idd"));
    daemon.signal(rustix::process::Signal::HUP);
    let kept =
        || home.log().lines().find(|line| line.contains("the configuration in force is kept")).map(str::to_owned);
    assert!(within(std::time::Duration::from_secs(20), || kept().is_some()), "{}", home.log());
    let line = kept().unwrap();
    assert!(line.contains("driftless.toml:9:1: ") && line.contains("did you mean `api_id`?"), "{line}");
    daemon.stop();
}

#[test]
fn a_status_finds_the_demonstration_that_runs_here() {
    let home = Home::new();
    let driftless = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_driftless"));
        command.args(words).env_clear().env("STATE_DIRECTORY", home.path("none")).current_dir(home.path(""));
        command
    };
    let daemon = home.spawn(&mut driftless(&["run", "--demo"]));
    assert!(within(std::time::Duration::from_secs(20), || home.log().contains("Ctrl-C ends it")), "{}", home.log());
    let socket = home.text("driftless-demo/state/driftless.sock");
    assert!(home.log().contains(&format!("driftless status --socket {socket}")), "{}", home.log());
    assert!(within(std::time::Duration::from_secs(20), || home.path("driftless-demo/state/driftless.sock").exists()));
    if std::path::Path::new("/etc/driftless/driftless.toml").exists() {
        return torture::say("this machine has a configuration");
    }
    // Whoever names the socket means that daemon.
    for (words, noted) in [(&["status"][..], true), (&["status", "--socket", &socket], false)] {
        let output = torture::output(&mut driftless(words));
        assert!(code(&output) == 0 && stdout(&output).contains("home.arpa A at demo"), "{output:?}");
        assert_eq!(stderr(&output).contains("no configuration"), noted, "{output:?}");
        assert!(noted || stderr(&output).is_empty(), "{output:?}");
    }
    daemon.stop();
}

#[test]
fn a_check_prints_one_shape_whatever_is_wrong() {
    let home = home();
    let shape = ["accounts", "network", "ok", "online", "problems", "records"];
    let problem = ["also", "at", "help", "message", "severity"];
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    for (words, text, expected) in [
        (&["check"][..], text.clone(), 0),
        (&["check"], text.replace("api_id", "api_idd"), 78),
        (&["check"], format!("{text}["), 78),
        (&["check"], String::new(), 78),
        (&["check", "--log", "nonsense=nonsense=x"], text.clone(), 64),
    ] {
        home.write("driftless.toml", &text);
        let (code, said) = json(&home, words);
        assert_eq!((code, keys(&said).as_slice()), (expected, &shape[..]), "{words:?} {said}");
        let problems = said["problems"].as_array().unwrap();
        assert!(!problems.is_empty() && problems.iter().all(|found| keys(found) == problem), "{said}");
    }
}

#[test]
fn a_family_has_one_form_in_all_data() {
    let home = home();
    let daemon = home.start(&["run"]);
    assert!(within(std::time::Duration::from_secs(20), || {
        home.status().0["status"]["sources"].as_array().is_some_and(|sources| sources.len() == 2)
    }));
    let forms = |said: &Value| {
        let families = said.as_array().unwrap().iter().map(|source| source["family"].as_str().unwrap().to_owned());
        families.collect::<std::collections::BTreeSet<_>>()
    };
    let expected = ["ipv4".to_owned(), "ipv6".to_owned()].into();
    assert_eq!(forms(&home.status().0["status"]["sources"]), expected);
    assert_eq!(forms(&json(&home, &["explain", "home.example.org"]).1["sources"]), expected);
    assert_eq!(forms(&json(&home, &["detect"]).1["sources"]), expected);
    daemon.stop();
}

#[test]
fn a_demonstration_without_any_address_says_so() {
    let home = Home::new();
    let probe = std::process::Command::new("unshare").args(["-rn", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return torture::say("this machine makes no network namespace for its users");
    }
    let mut command = std::process::Command::new("unshare");
    command.args(["-rn", env!("CARGO_BIN_EXE_driftless"), "run", "--demo", "--folder"]).arg(home.path("demo"));
    let daemon = home.spawn(&mut command);
    let says = "this machine has no address that could be followed";
    assert!(within(std::time::Duration::from_secs(20), || home.log().contains(says)), "{}", home.log());
    daemon.stop();
    assert_eq!(home.log().matches(says).count(), 1, "{}", home.log());
}

#[test]
fn a_round_without_any_address_is_no_success() {
    let home = home();
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    home.write("empty", "\n");
    let without = text.split("[[record]]").next().unwrap().to_owned();
    let record =
        "[[record]]\nname = \"home.example.org\"\naccount = \"zone\"\nipv4 = { interface = \"lo\" }\nipv6 = \"off\"\n";
    home.write("driftless.toml", &format!("{without}{record}"));
    for words in [["once"], ["update"]] {
        let output = home.output(&words);
        assert_eq!(code(&output), 75, "{output:?}");
        assert!(stdout(&output).contains("no address that any of the records could hold"), "{output:?}");
        assert!(stdout(&output).contains("home.example.org A at zone: left as it is"), "{output:?}");
    }
    assert_eq!(json(&home, &["once"]).0, 75);
    let said = stdout(&home.output(&["explain", "home.example.org"]));
    // One address is enough.
    let other = "[[record]]\nname = \"a.example.org\"\naccount = \"zone\"\nipv4 = \"192.0.2.1\"\nipv6 = \"off\"\nprivate = true\n";
    home.write("driftless.toml", &format!("{without}{record}{other}"));
    let output = home.output(&["once"]);
    assert!(code(&output) == 0 && !stdout(&output).contains("nothing was published"), "{output:?} {said}");
}

/// A home with one name, on whose address two files must agree and do not.
fn at_odds() -> Home {
    let home = home();
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    let without = text.split("[[record]]").next().unwrap().to_owned();
    let files = format!("{{ file = \"{}\" }}, {{ file = \"{}\" }}", home.text("one"), home.text("other"));
    let record = "[[record]]\nname = \"home.example.org\"\naccount = \"zone\"\nipv6 = \"off\"\nprivate = true\n";
    home.write("driftless.toml", &format!("{without}{record}ipv4 = {{ quorum = 2, of = [{files}] }}\n"));
    home.write("one", "192.0.2.1\n");
    home.write("other", "192.0.2.9\n");
    home
}

#[test]
fn who_disagrees_and_what_a_quorum_needs_is_told_in_words_and_as_data() {
    let home = at_odds();
    let needs = "2 of 2 sources must agree, of two operators or by two protocols; 1 does, of 1 operator by 1 protocol";
    let quorum = serde_json::json!({ "need": 2, "of": 2, "agree": 1, "operators": 1, "protocols": 1 });
    let detected = stdout(&home.output(&["detect"]));
    for said in ["SOURCE", "BY", needs, "not counted", "no single answer has enough voices"] {
        assert!(detected.contains(said), "{said}\n{detected}");
    }
    let (code, detected) = json(&home, &["detect"]);
    let believed = &detected["believed"][0];
    assert_eq!((code, &believed["quorum"]), (75, &quorum), "{detected}");
    let voice = &believed["evidence"][0];
    let keys_of_voice = [
        "answer",
        "at",
        "counted",
        "demoted",
        "disagreed",
        "family",
        "needed",
        "operator",
        "protocol",
        "source",
        "trusted",
        "why",
    ];
    assert_eq!(keys(voice), keys_of_voice);
    assert_eq!(
        (&voice["protocol"], &voice["counted"], &voice["trusted"]),
        (&"file".into(), &false.into(), &false.into())
    );
    let daemon = home.start(&["run"]);
    let explained = || stdout(&home.output(&["explain", "home.example.org"]));
    assert!(within(std::time::Duration::from_secs(20), || explained().contains("  quorum:  ")), "{}", explained());
    let said = explained();
    assert!(said.contains(&format!("  quorum:       {needs}\n")), "{said}");
    let line = format!(
        "  source:       file {} (private too) (IPv4): 192.0.2.9; by file; no single answer has enough voices\n",
        home.text("other")
    );
    assert!(said.contains(&line), "{line}{said}");
    let (_, explained) = json(&home, &["explain", "home.example.org"]);
    assert_eq!(explained["records"][0]["verdicts"], serde_json::json!([0]));
    assert_eq!(explained["verdicts"][0]["quorum"], quorum, "{explained}");
    daemon.stop();
}

#[test]
fn a_round_that_knows_no_address_says_where_the_machine_stands() {
    let home = at_odds();
    let (_, detected) = json(&home, &["detect"]);
    let stands = detected["situations"][0]["says"].as_str().unwrap().to_owned();
    for words in [["once"], ["update"]] {
        let output = home.output(&words);
        assert_eq!(code(&output), 75, "{output:?}");
        assert!(stdout(&output).contains(&format!("\n\n{stands}\n")), "{stands}\n{output:?}");
    }
    let (code_of_once, said) = json(&home, &["once"]);
    assert_eq!((code_of_once, said["status"]["network"][0]["says"].as_str()), (75, Some(&*stands)));
    home.write("other", "192.0.2.1\n");
    let output = home.output(&["once"]);
    assert!(code(&output) == 0 && !stdout(&output).contains(&stands), "{output:?}");
}

#[test]
fn a_check_tells_a_read_only_file_system_from_permissions() {
    if !torture::may_mount() {
        return torture::say("this user may not make mount namespaces");
    }
    let home = home();
    fs::create_dir(home.path("mounted")).unwrap();
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    home.write("driftless.toml", &text.replace(&home.text("zone"), &home.text("mounted/zone")));
    let mounted = home.text("mounted");
    for (option, is_told) in [("ro", true), ("rw", false)] {
        let script = format!("mount -t tmpfs -o {option} none \"$0\" && exec \"$@\"");
        let said =
            stderr(&torture::output(&mut home.wrapped(&["unshare", "-m", "sh", "-c", &script, &mounted], &["check"])));
        let told = format!("{mounted} lies on a read-only file system: {mounted}/zone cannot be replaced");
        assert_eq!(said.contains(&told), is_told, "{option}: {said}");
        assert!(!said.contains("permissions"), "{option}: {said}");
    }
}
