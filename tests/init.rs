//! `init`, through the real program: by answers, by options and at a terminal; what it writes does the main job at an emulator, and
//! what goes wrong leaves nothing behind.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "support/torture.rs"]
mod torture;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyndns2::{Dyndns2, Rules};
use http::Server;
use torture::{Home, may_mount, output, say, within};

const NAME: &str = "home.example.net";
/// The password that the emulator wants, and that nobody else may see.
const SECRET: &str = "hunter2 and more";

/// What `init` said and how it ended, after these lines were typed into a pipe.
fn asked(home: &Home, arguments: &[&str], answers: &str) -> Output {
    let typed = tempfile::NamedTempFile::new().unwrap();
    fs::write(typed.path(), answers).unwrap();
    let mut command = home.driftless(&[&["init"], arguments].concat());
    let output = output(command.stdin(File::open(typed.path()).unwrap()));
    assert!(!said(&output).contains("hunter2") && !said(&output).contains("panicked"), "{output:?}");
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// The files of a folder, in order.
fn files(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path("")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(home: &Home, name: &str) -> u32 {
    fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777
}

/// A service with one name.
async fn service() -> (Dyndns2, Server) {
    let rules = Rules { password: SECRET.into(), ..Rules::default() };
    let service = Dyndns2::new(rules, [NAME]);
    let answering = service.clone();
    let server = Server::start(0, move |request| answering.answer(request)).await.unwrap();
    (service, server)
}

/// `check` has nothing against what is there, and one round makes the name hold an address.
fn does_the_main_job(home: &Home, service: &Dyndns2) {
    let checked = home.output(&["check"]);
    assert!(code(&checked) == 0 && said(&checked).contains("the configuration is right"), "{checked:?}");
    // An address that may be published, whatever this machine has.
    let mut once = home.driftless(&["once"]);
    let once = output(once.env("DRIFTLESS__ADDRESS__DEFAULT__IPV4", "9.9.9.9"));
    assert_eq!(code(&once), 0, "{once:?}");
    assert_eq!(service.host(NAME).unwrap().ipv4.map(|address| address.to_string()).as_deref(), Some("9.9.9.9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_become_a_file_that_does_the_main_job() {
    let (service, server) = service().await;
    let home = Home::new();
    let answers = format!("dyndns2\n{}\nuser\n{SECRET}\n{NAME}\nipv4\n\n", server.url(""));
    tokio::task::block_in_place(|| {
        let written = asked(&home, &[], &answers);
        assert_eq!(code(&written), 0, "{written:?}");
        for next in ["check --online", "plan", "run"] {
            assert!(said(&written).contains(next), "{next}: {written:?}");
        }
        assert_eq!(files(&home), ["driftless.toml", "home-password"]);
        assert_eq!((mode(&home, "driftless.toml"), mode(&home, "home-password")), (0o644, 0o600));
        let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
        assert!(!text.contains("hunter2") && text.contains("# The user name"), "{text}");
        does_the_main_job(&home, &service);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_say_it_all_without_a_question() {
    let (service, server) = service().await;
    let home = Home::new();
    home.write("password", SECRET);
    let server = format!("server={}", server.url(""));
    let path = home.text("password");
    let options = ["--provider", "dyndns2", "--set", &server, "--set", "username=user", "--name", NAME];
    let options = [&options[..], &["--secret-file", &path, "--family", "ipv4", "--account", "push"]].concat();
    tokio::task::block_in_place(|| {
        let written = asked(&home, &options, "");
        assert_eq!(code(&written), 0, "{written:?}");
        assert_eq!(files(&home), ["driftless.toml", "password"]);
        assert!(fs::read_to_string(home.path("driftless.toml")).unwrap().contains("[account.push]"));
        does_the_main_job(&home, &service);

        home.write("driftless.toml", "# mine");
        let kept = asked(&home, &options, "");
        assert!(code(&kept) == 78 && said(&kept).contains("--force"), "{kept:?}");
        assert_eq!(fs::read_to_string(home.path("driftless.toml")).unwrap(), "# mine");
        let elsewhere = home.text("other/driftless.toml");
        let written = asked(&home, &[&options[..], &["--output", &elsewhere]].concat(), "");
        assert_eq!(code(&written), 0);
        assert!(said(&written).contains(&format!("made the folder {}", home.text("other"))), "{written:?}");
        assert_eq!(code(&asked(&home, &[&options[..], &["--force"]].concat(), "")), 0);
        let both = [home.path("driftless.toml"), home.path("other/driftless.toml")].map(|path| fs::read(path).unwrap());
        assert_eq!(both[0], both[1]);
    });
}

#[test]
fn what_one_account_needs_of_several_settings_is_asked_until_it_fits() {
    let home = Home::new();
    let options = ["--provider", "pocketdns", "--name", NAME, "--account", "pocket"];
    let written = asked(&home, &options, &format!("{SECRET}\ndom_abc123\n"));
    assert_eq!(code(&written), 0, "{written:?}");
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    assert!(text.contains("domain_id = \"dom_abc123\"") && text.contains("pocket-api_key"), "{text}");
    assert_eq!(fs::read_to_string(home.path("pocket-api_key")).unwrap(), format!("{SECRET}\n"));
}

#[test]
fn answers_that_end_or_are_wrong_leave_nothing_behind() {
    let home = Home::new();
    let all = ["dyndns2", "https://dyndns.example.net", "user", SECRET, NAME, "both", "auto"];
    for count in 0..all.len() {
        let answers: String = all[..count].iter().map(|line| format!("{line}\n")).collect();
        let ended = asked(&home, &[], &answers);
        assert_eq!(code(&ended), 64, "{count}: {ended:?}");
        assert!(said(&ended).contains("nothing was written"), "{ended:?}");
        assert_eq!(files(&home), Vec::<String>::new(), "{count}");
    }
    for (at, wrong, why) in [
        (0, "dyndns3", "did you mean dyndns2"),
        (1, "dyndns.example.net", "https://"),
        (3, "", "empty"),
        (4, "home..example.net", "label"),
        (4, "home", "one label"),
        (5, "ipv5", "both, ipv4 or ipv6"),
    ] {
        let mut answers = all;
        answers[at] = wrong;
        let refused = asked(&home, &[], &(answers.join("\n") + "\n"));
        assert!(code(&refused) == 78 && said(&refused).contains(why), "{wrong}: {refused:?}");
        assert_eq!(files(&home), Vec::<String>::new(), "{wrong}");
    }
}

#[test]
fn a_name_or_an_interface_that_cannot_be_is_refused_where_it_is_asked_for() {
    let home = Home::new();
    let given = ["--provider", "dyndns2", "--set", "server=https://a.example", "--set", "username=me"];
    let given = [&given[..], &["--secret-file", "/dev/null"]].concat();
    // Nothing is answered after it: else the lack of that would be told.
    let refused = asked(&home, &given, "secret\n");
    assert!(code(&refused) == 78 && said(&refused).contains("one label"), "{refused:?}");
    assert!(!said(&refused).contains("driftless.toml:"), "no place in a file that is not there: {refused:?}");
    let refused = asked(&home, &[&given[..], &["--name", NAME, "--address", "eth 0"]].concat(), "");
    assert!(code(&refused) == 78 && said(&refused).contains("eth 0"), "{refused:?}");
    assert_eq!(files(&home), Vec::<String>::new());
}

#[test]
fn what_a_check_would_warn_of_is_told_at_once() {
    let home = Home::new();
    let missing = home.text("missing");
    let options = ["--provider", "dyndns2", "--set", "server=http://192.0.2.3/", "--set", "username=me"];
    let more = ["--secret-file", &missing, "--name", NAME, "--address", "nosuch0"];
    let written = asked(&home, &[&options[..], &more].concat(), "");
    assert_eq!(code(&written), 0, "{written:?}");
    for told in ["no interface nosuch0", "missing", "http://"] {
        assert!(said(&written).contains(told), "{told}: {written:?}");
    }
    assert!(said(&written).contains("cannot be read at present"), "{written:?}");
    let more = ["--secret-file", &missing, "--name", NAME, "--address", "interface", "--force"];
    let written = asked(&home, &[&options[..], &more].concat(), "");
    assert!(code(&written) == 0 && !said(&written).contains("no interface"), "that of the default route: {written:?}");
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    assert!(text.contains("\nipv4 = \"interface\"\nipv6 = \"interface\"\n"), "{text}");
}

/// The program on a machine whose /etc is that of `home`.
fn on_a_machine(home: &Home, arguments: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", "mount --bind \"$0\" /etc && exec \"$@\"", &home.text("etc")]);
    command.arg(env!("CARGO_BIN_EXE_driftless")).args(arguments);
    let typed = tempfile::NamedTempFile::new().unwrap();
    fs::write(typed.path(), format!("{SECRET}\n")).unwrap();
    output(command.stdin(File::open(typed.path()).unwrap()))
}

#[test]
fn where_the_unit_makes_up_a_user_the_secret_is_handed_over_as_a_credential() {
    if !may_mount() {
        say("left out: this user may not give the program a machine of its own");
        return;
    }
    let home = Home::new();
    fs::create_dir_all(home.path("etc/systemd/system")).unwrap();
    home.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    home.write("etc/systemd/system/driftless.service", include_str!("../systemd/driftless.service"));
    let options = ["init", "--provider", "dyndns2", "--set", "server=https://a.example", "--set", "username=me"];
    let options = [&options[..], &["--name", NAME]].concat();
    let written = on_a_machine(&home, &options);
    assert_eq!(code(&written), 0, "{written:?}");
    let read = |name: &str| fs::read_to_string(home.path(name)).unwrap();
    let configured = || read("etc/driftless/driftless.toml");
    assert!(configured().contains("password = { credential = \"home-password\" }"), "{}", configured());
    assert_eq!(read("etc/driftless/home-password"), format!("{SECRET}\n"));
    let drop_in = "etc/systemd/system/driftless.service.d/credentials-home.conf";
    assert_eq!(read(drop_in), "[Service]\nLoadCredential=home-password:/etc/driftless/home-password\n");
    assert!(!said(&written).contains("cannot be read"), "nothing stands in the way: {written:?}");
    assert!(said(&written).contains("systemctl restart driftless"), "{written:?}");
    let again = on_a_machine(&home, &options);
    assert!(code(&again) == 78 && said(&again).contains("--force"), "{again:?}");
    assert_eq!(code(&on_a_machine(&home, &[&options[..], &["--force"]].concat())), 0);
    // The service that does not run yet is handed nothing yet, which is no fault.
    let examined = on_a_machine(&home, &["doctor", "--offline", "--json"]);
    let examined: serde_json::Value = serde_json::from_slice(&examined.stdout).unwrap();
    let of = |step: &str| {
        let findings = examined["findings"].as_array().unwrap().iter().filter(|finding| finding["step"] == step);
        findings.map(|finding| finding["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("credentials"), ["skipped"], "{examined}");
    assert!(!of("configuration").contains(&"warning".to_owned()), "{examined}");
    // What is to be copied into a file stands there line by line.
    let by_file =
        configured().replace("{ credential = \"home-password\" }", "{ file = \"/etc/driftless/home-password\" }");
    home.write("etc/driftless/driftless.toml", &by_file);
    let examined = said(&on_a_machine(&home, &["doctor", "--offline"]));
    let line = "\n       LoadCredential=home-password:/etc/driftless/home-password\n";
    assert!(examined.contains(line) && examined.contains("can be read by this user"), "{examined}");
    // A user that root's files are open to needs no credential.
    home.write("etc/systemd/system/driftless.service.d/user.conf", "[Service]\nDynamicUser=no\nUser=root\n");
    assert_eq!(code(&on_a_machine(&home, &[&options[..], &["--force"]].concat())), 0);
    assert!(configured().contains("password = { file = "), "{}", configured());
}

#[test]
fn a_secret_has_no_place_on_the_command_line() {
    let home = Home::new();
    let refused = asked(&home, &["--provider", "dyndns2", "--set", "password=hunter2"], "");
    assert!(code(&refused) == 64 && said(&refused).contains("--secret-file password=FILE"), "{refused:?}");
    for (options, why) in [
        (&["--set", "sever=https://a.example"][..], "did you mean server"),
        (&["--set", "username=a", "--set", "username=b"], "`username` is given twice"),
        (&["--secret-file", "username=/a"], "is no secret"),
    ] {
        let refused = asked(&home, &[&["--provider", "dyndns2"], options].concat(), "");
        assert!(code(&refused) == 64 && said(&refused).contains(why), "{refused:?}");
    }
    let several = asked(&home, &["--provider", "designate", "--secret-file", "/a"], "");
    assert!(code(&several) == 64 && said(&several).contains("KEY=FILE"), "{several:?}");
    assert_eq!(files(&home), Vec::<String>::new());
}

/// How it ended at a terminal and what that showed, when each of these lines was typed at a question.
fn at_a_terminal(home: &Home, typed: &[&str]) -> (i32, String) {
    let line = format!(
        "trap : INT; {} --config {} init; echo ended with $?; stty -a",
        env!("CARGO_BIN_EXE_driftless"),
        home.text("driftless.toml")
    );
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(home.path(""));
    let mut terminal = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut keys, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let reader = std::thread::spawn(move || {
        let mut some = [0; 512];
        while let Ok(count @ 1..) = screen.read(&mut some) {
            seen.lock().unwrap().extend_from_slice(&some[..count]);
        }
    });
    let mut read = 0;
    for line in typed {
        // A person types when there is a question.
        let asked = within(Duration::from_secs(60), || {
            let shown = shown.lock().unwrap();
            shown.len() > read && shown.ends_with(b": ")
        });
        read = shown.lock().unwrap().len();
        assert!(asked, "no question for {line:?}: {}", String::from_utf8_lossy(&shown.lock().unwrap()));
        keys.write_all(line.as_bytes()).unwrap();
    }
    terminal.wait().unwrap();
    reader.join().unwrap();
    let shown = String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    let ended = shown.split("ended with ").nth(1).and_then(|rest| rest.split_whitespace().next());
    (ended.and_then(|code| code.parse().ok()).unwrap_or(-1), shown)
}

#[test]
fn a_terminal_does_not_show_the_secret_and_asks_again() {
    let home = Home::new();
    let typed =
        ["dyndns3\n", "dyndns2\n", "https://a.example\n", "me\n", "hunterr\x7f2\n", "home.example.net\n", "\n", "\n"];
    let (code, shown) = at_a_terminal(&home, &typed);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("did you mean dyndns2") && !shown.contains("hunter"), "{shown}");
    assert_eq!(fs::read_to_string(home.path("home-password")).unwrap(), "hunter2\n");
    assert!(shown.contains(" echo "), "it shows again what is typed: {shown}");
}

#[test]
fn what_is_wrong_with_an_answer_is_corrected_by_enter_and_the_right_one() {
    let home = Home::new();
    let answers = ["dyndns2\n", "https://a.example\n", "me:x\n", "hunter2\n", "home.example.net\n", "\n", "\n"];
    let (code, shown) = at_a_terminal(&home, &[&answers[..], &["\n", "me\n"]].concat());
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("username: HTTP Basic allows no colon"), "{shown}");
    assert!(shown.contains("Which setting is to be corrected") && shown.contains(" [username]: "), "{shown}");
    let text = fs::read_to_string(home.path("driftless.toml")).unwrap();
    assert!(text.contains("username = \"me\"\n") && !text.contains("me:x"), "{text}");
}

#[test]
fn an_interrupt_leaves_nothing_behind_and_the_terminal_as_it_was() {
    for keys in [&["dyndns2\n", "https://a.example\n", "me\n", "hunt\x03"][..], &["dyndns2\n", "\x03"]] {
        let home = Home::new();
        let (code, shown) = at_a_terminal(&home, keys);
        assert_eq!(code, 130, "{shown}");
        assert!(!shown.contains("hunt") && shown.contains(" echo "), "{shown}");
        assert_eq!(files(&home), Vec::<String>::new());
    }
}
