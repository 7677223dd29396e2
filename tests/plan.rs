//! `driftless plan` before a service that cannot be read.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a test waits; its server starts tasks")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;

use dyndns2::{Dyndns2, Rules};
use http::Server;

/// Runs a command to its end, which must come: its exit code and standard output.
fn driftless(command: &str, config: &Path) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_driftless"))
        .args(command.split(' '))
        .arg("--config")
        .arg(config)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("{command} does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_plan_does_not_wait_for_the_end_of_a_back_off() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("driftless.toml");
    let text = format!(
        "state_dir = \"{}\"\n[account.luna]\nprovider = \"lunanode\"\nendpoint = \"http://127.0.0.1:1/api/\"\n\
         api_id = \"abcdefghijklmnop\"\napi_key = \"{}\"\nverify = false\n[[record]]\nname = \"home.example.org\"\n\
         account = \"luna\"\nipv4 = \"192.0.2.1\"\nipv6 = \"off\"\nprivate = true\n",
        dir.path().display(),
        "a".repeat(128),
    );
    std::fs::write(&config, text).unwrap();
    // Each failure doubles the wait.
    for _ in 0..5 {
        assert_eq!(driftless("once", &config).0, Some(75));
    }
    let (code, said) = driftless("plan", &config);
    assert!(code == Some(75) && said.contains("failing: listing the zones"), "{code:?} {said}");
}

#[test]
fn a_plan_ends_although_the_account_is_held_and_an_address_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("driftless.toml");
    let text = format!(
        "state_dir = \"{0}\"\n[account.luna]\nprovider = \"lunanode\"\nendpoint = \"http://127.0.0.1:1/api/\"\n\
         api_id = \"abcdefghijklmnop\"\napi_key = {{ file = \"{0}/missing\" }}\nverify = false\n[[record]]\n\
         name = \"home.example.org\"\naccount = \"luna\"\nipv4 = {{ file = \"{0}/missing\" }}\nipv6 = \"2001:db8::1\"\n\
         private = true\n",
        dir.path().display(),
    );
    std::fs::write(&config, text).unwrap();
    // The first finds out that the secret cannot be read; the others know it from the disk.
    for command in ["once", "plan", "once"] {
        let (code, said) = driftless(command, &config);
        assert!(code == Some(78) && said.contains("held with its account: "), "{command}: {code:?} {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_ends_where_all_is_well_and_promises_nothing_that_is_held() {
    let service = Dyndns2::new(Rules::default(), ["home.example.org"]);
    let server = Server::start(0, move |request| service.answer(request)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("driftless.toml");
    let configure = |name: &str, address: &str| {
        let state = dir.path().display();
        let text = format!(
            "state_dir = \"{state}\"\n[account.home]\nprovider = \"dyndns2\"\nserver = \"{}\"\nusername = \"user\"\n\
             password = \"secret\"\nverify = false\n[[record]]\nname = \"{name}\"\naccount = \"home\"\nipv4 = \"{address}\"\n\
             ipv6 = \"off\"\nprivate = true\n",
            server.url(""),
        );
        std::fs::write(&config, text).unwrap();
    };
    configure("home.example.org", "192.0.2.1");
    assert_eq!(driftless("once", &config), (Some(0), "1 up to date\n".into()));
    let (code, said) = driftless("plan", &config);
    assert!(code == Some(0) && said.contains("0 of 1 record sets would change"), "{code:?} {said}");

    configure("home.example.org", "192.0.2.2");
    let (code, said) = driftless("plan", &config);
    assert!(code == Some(0) && said.contains("would change: ") && said.contains("1 of 1"), "{code:?} {said}");

    // The service does not know the name.
    configure("other.example.org", "192.0.2.2");
    let (code, said) = driftless("once", &config);
    assert!(code == Some(78) && said.starts_with("other.example.org A at home: held: "), "{code:?} {said}");
    let (code, said) = driftless("plan", &config);
    assert!(code == Some(78) && said.contains("0 of 1 record sets would change"), "{code:?} {said}");
    assert_eq!(server.count("/nic/update"), 2, "plans send nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_round_works_as_soon_as_the_secret_is_mended_and_says_what_it_waits_for_where_it_cannot() {
    let rules = Rules { password: "right".into(), ..Rules::default() };
    let service = Dyndns2::new(rules, ["home.example.org"]);
    let server = Server::start(0, move |request| service.answer(request)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (config, secret) = (dir.path().join("driftless.toml"), dir.path().join("password"));
    let text = format!(
        "state_dir = \"{0}/state\"\n[account.home]\nprovider = \"dyndns2\"\nserver = \"{1}\"\nusername = \"user\"\n\
         password = {{ file = \"{0}/password\" }}\nverify = false\n[[record]]\nname = \"home.example.org\"\n\
         account = \"home\"\nipv4 = \"192.0.2.1\"\nipv6 = \"off\"\nprivate = true\n",
        dir.path().display(),
        server.url(""),
    );
    std::fs::write(&config, &text).unwrap();
    let (code, said) = driftless("once", &config);
    assert!(code == Some(78) && said.contains("password cannot be used: No such file"), "{code:?} {said}");
    std::fs::write(&secret, "wrong").unwrap();
    assert_eq!(driftless("once", &config).0, Some(77));
    std::fs::write(&secret, "right").unwrap();
    assert_eq!(driftless("once", &config), (Some(0), "1 up to date\n".into()), "nothing was sent without a secret");
    assert_eq!(server.count("/nic/update"), 2);

    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let (code, said) = driftless("plan", &config);
    assert!(code == Some(0) && said.contains("would be set to 192.0.2.1; what it holds cannot be read"), "{said}");
    for wrong in ["wrong", "wrong again", "wrong once more"] {
        std::fs::write(&secret, wrong).unwrap();
        assert_eq!(driftless("once", &config).0, Some(77));
    }
    std::fs::write(&secret, "right").unwrap();
    assert_eq!(driftless("once", &config), (Some(0), "1 up to date\n".into()), "what was refused wrote nothing");

    std::fs::write(&config, text.replace("192.0.2.1", "192.0.2.2")).unwrap();
    assert_eq!(driftless("once", &config).0, Some(0));
    std::fs::write(&config, text.replace("192.0.2.1", "192.0.2.3")).unwrap();
    let (code, said) = driftless("once", &config);
    assert!(
        code == Some(75) && said.contains("its write budget allows the next at 2") && said.ends_with("\n1 waiting\n")
    );
    let (_, said) = driftless("plan", &config);
    assert!(
        said.contains("would change: 192.0.2.2 -> 192.0.2.3, in 5") && said.contains(" s: it was sent often"),
        "{said}"
    );
    let (_, said) = driftless("plan --json", &config);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(said["records"][0]["waits_until"].as_str().unwrap().starts_with("20"), "{said}");
}
