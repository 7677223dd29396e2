//! The exit codes: one table in README, the manual and the help, and each code shown by the program.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;

#[path = "support/torture.rs"]
mod torture;

use torture::{Home, output};

const README: &str = include_str!("../README.md");
const MANUAL: &str = include_str!("../packaging/man/driftless.8");

/// A home whose one account is a service at `port`, with a password.
fn home(port: u16) -> Home {
    let home = Home::new();
    home.write("password", "hunter2");
    home.write(
        "driftless.toml",
        &format!(
            "state_dir = \"{0}/state\"\n[account.push]\nprovider = \"dyndns2\"\nserver = \"http://127.0.0.1:{port}\"\n\
             username = \"me\"\npassword = {{ file = \"{0}/password\" }}\nverify = false\n\
             [[record]]\nname = \"home.example.org\"\naccount = \"push\"\nipv4 = \"192.0.2.1\"\nipv6 = \"off\"\nprivate = true\n",
            home.text("").trim_end_matches('/')
        ),
    );
    home
}

/// A port that nobody listens at.
fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A daemon that is told to stop while a call is under way, and told again.
fn told_twice() -> i32 {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = home(server.local_addr().unwrap().port());
    let daemon = home.start(&["run"]);
    let called = server.accept().unwrap();
    daemon.signal(Signal::TERM);
    // Two signals of one kind that come together are one.
    torture::pause(Duration::from_millis(300));
    daemon.signal(Signal::TERM);
    let code = daemon.wait(Duration::from_secs(5)).unwrap().code().unwrap();
    drop(called);
    code
}

/// A zone is added at a service that does not answer, and a person does not want to wait.
fn interrupted() -> i32 {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::new();
    let (port, key) = (server.local_addr().unwrap().port(), "k".repeat(128));
    let account = format!("provider = \"lunanode\"\napi_id = \"abcdefghijklmnop\"\napi_key = \"{key}\"\n");
    let endpoint = format!("endpoint = \"http://127.0.0.1:{port}/api/\"\n");
    home.write("driftless.toml", &format!("[account.luna]\n{account}{endpoint}"));
    let command = home.start(&["zones", "add", "example.net"]);
    let called = server.accept().unwrap();
    command.signal(Signal::INT);
    let code = command.wait(Duration::from_secs(5)).unwrap().code().unwrap();
    drop(called);
    code
}

#[test]
fn every_exit_code_of_the_tables_is_one_that_the_program_ends_with() {
    let home = home(closed());
    let code = |words: &[&str]| home.output(words).status.code().unwrap();
    let mut shown = BTreeSet::new();
    let mut ends = |expected: i32, found: i32| {
        assert_eq!(found, expected);
        shown.insert(expected);
    };
    ends(0, code(&["check"]));
    ends(1, told_twice());
    ends(64, code(&["status", "--nonsense"]));
    ends(69, code(&["status"]));
    ends(69, code(&["explain", "home.example.org"]));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    ends(74, home.driftless(&["check"]).stdout(full).status().unwrap().code().unwrap());
    ends(75, code(&["once"]));
    let close = |mode| fs::set_permissions(home.path("state"), PermissionsExt::from_mode(mode)).unwrap();
    close(0o000);
    let shut_out: &[&str] =
        if rustix::process::geteuid().is_root() { &["setpriv", "--bounding-set", "-all"] } else { &[] };
    ends(77, output(&mut home.wrapped(shut_out, &["once"])).status.code().unwrap());
    close(0o700);
    fs::remove_file(home.path("password")).unwrap();
    ends(78, code(&["once"]));
    ends(78, code(&["explain", "other.example.org"]));
    ends(130, interrupted());
    home.write("driftless.toml", "nonsense");
    ends(78, code(&["check"]));
    ends(78, code(&["run"]));

    let in_readme = README.lines().skip_while(|line| *line != "| exit code | meaning |").skip(2);
    let in_readme = in_readme.map_while(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok());
    assert_eq!(in_readme.collect::<BTreeSet<i32>>(), shown, "README");
    let (_, status) = MANUAL.split_once("\n.Sh EXIT STATUS\n").unwrap();
    let status = status.split("\n.Sh ").next().unwrap().lines();
    let in_manual = status.filter_map(|line| line.strip_prefix(".It ")?.parse().ok());
    assert_eq!(in_manual.collect::<BTreeSet<i32>>(), shown, "the manual");
    let help = output(&mut home.driftless(&["--help"])).stdout;
    let help = String::from_utf8(help).unwrap();
    let codes = help.lines().skip_while(|line| *line != "Exit codes:").skip(1).take_while(|line| !line.is_empty());
    let in_help = codes.filter_map(|line| line.split_whitespace().next()?.parse().ok());
    assert_eq!(in_help.collect::<BTreeSet<i32>>(), shown, "the help");
}
