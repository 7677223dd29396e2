//! Mail to a real server over real TLS: aiosmtpd, which `.ci/run mail` installs.
#![cfg(feature = "mail")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::disallowed_methods, reason = "the environment says which Python has aiosmtpd")]

#[path = "support/torture.rs"]
mod torture;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use torture::Home;

/// A mail server and what it says.
struct Smtp {
    process: Child,
    says: Receiver<Value>,
    port: u64,
}

impl Smtp {
    /// Starts one with the certificate of this folder.
    fn start(home: &Home, mode: &str) -> Self {
        let script = format!("{}/tests/rig/smtp.py", env!("CARGO_MANIFEST_DIR"));
        let python = std::env::var("SMTP_PYTHON").unwrap_or_else(|_| "python3".into());
        let mut command = Command::new(python);
        command.args([&script, mode]).args([home.path("certificate"), home.path("key")]).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (said, says) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = said.send(serde_json::from_str(&line).unwrap());
            }
        });
        let first: Value = says.recv_timeout(Duration::from_secs(20)).unwrap();
        Self { process, says, port: first["port"].as_u64().unwrap() }
    }

    /// What it has said since it was last asked.
    fn said(&self) -> Vec<Value> {
        let first = self.says.recv_timeout(Duration::from_millis(500));
        first.into_iter().chain(self.says.try_iter()).collect()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A folder with a certificate for localhost, signed by itself.
fn home() -> Home {
    let home = Home::new();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    home.write("certificate", &certified.cert.pem());
    home.write("key", &certified.signing_key.serialize_pem());
    home.write("password", "secret\n");
    home
}

/// Writes the configuration of one channel, with `more` at its end.
fn configure(home: &Home, port: u64, security: &str, more: &str) {
    let server = if security == "none" { "127.0.0.1" } else { "localhost" };
    let text = format!(
        "state_dir = {:?}\n[notify.mail]\ntype = \"mail\"\nserver = \"{server}\"\nport = {port}\nsecurity = \"{security}\"\n\
         username = \"me\"\npassword = {{ file = {:?} }}\nfrom = \"Driftless <driftless@example.org>\"\n\
         to = [\"me@example.org\", \"you@example.org\"]\n{more}\n",
        home.text("state"),
        home.text("password"),
    );
    home.write("driftless.toml", &text);
}

/// Sends a test message: the exit code and what was said.
fn test(home: &Home, port: u64, security: &str, more: &str) -> (i32, String) {
    configure(home, port, security, more);
    said(home, &["notify", "test"])
}

/// Runs a command: the exit code and what was said.
fn said(home: &Home, words: &[&str]) -> (i32, String) {
    let output = home.output(words);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn trusting(home: &Home) -> String {
    format!("cacert = {:?}", home.text("certificate"))
}

#[test]
#[ignore = "needs aiosmtpd"]
fn a_mail_arrives_over_tls_either_way() {
    for mode in ["tls", "starttls"] {
        let home = home();
        let server = Smtp::start(&home, mode);
        let (code, said) = test(&home, server.port, mode, &trusting(&home));
        assert_eq!(code, 0, "{mode}: {said}");
        let heard = server.said();
        let [login, mail] = heard.as_slice() else { panic!("{mode}: {heard:?}") };
        assert_eq!(login["login"], true);
        assert_eq!(mail["to"], serde_json::json!(["me@example.org", "you@example.org"]));
        let text = mail["mail"].as_str().unwrap();
        assert!(
            text.contains("Subject: driftless: a test\r\n") && text.contains("This is a test by driftless"),
            "{text}"
        );
    }
}

#[test]
#[ignore = "needs aiosmtpd"]
fn nothing_is_sent_to_whom_nobody_vouches_for_nor_in_clear() {
    let home = home();
    for mode in ["tls", "starttls"] {
        let server = Smtp::start(&home, mode);
        let (code, said) = test(&home, server.port, mode, "");
        assert!(code == 75 && said.contains("TLS with localhost:") && said.contains("certificate"), "{code} {said}");
        assert_eq!(server.said(), Vec::<Value>::new());
    }
    let server = Smtp::start(&home, "plain");
    let (code, said) = test(&home, server.port, "starttls", &trusting(&home));
    assert!(code == 78 && said.contains("it offers no STARTTLS"), "{code} {said}");
    assert_eq!(server.said(), Vec::<Value>::new());
    let (code, said) = test(&home, server.port, "none", "");
    assert_eq!((code, server.said().len()), (0, 2), "in clear to this machine: {said}");
}

#[test]
#[ignore = "needs aiosmtpd"]
fn a_refused_login_is_said_without_the_password() {
    let home = home();
    home.write("password", "hunter2\n");
    let server = Smtp::start(&home, "tls");
    let (code, said) = test(&home, server.port, "tls", &trusting(&home));
    assert!(
        code == 77 && said.contains("refuses the login (status 535)") && !said.contains("hunter2"),
        "{code} {said}"
    );
    let gone = server.port;
    drop(server);
    let (code, said) = test(&home, gone, "tls", &trusting(&home));
    assert!(code == 75 && said.contains(&format!("no mail by localhost:{gone}")), "{code} {said}");
}

#[test]
#[ignore = "needs aiosmtpd"]
fn a_refused_login_is_not_tried_again_by_the_next_process_until_the_password_is_another() {
    let home = home();
    home.write("password", "hunter2\n");
    let server = Smtp::start(&home, "tls");
    let zone = format!(
        "[account.files]\nprovider = \"zonefile\"\npath = {:?}\nzone = \"example.org\"\n[[record]]\nname = \"home.example.org\"\n\
         account = \"files\"\nprivate = true\nipv4 = {{ fixed = \"192.0.2.1\" }}\nipv6 = \"off\"\n",
        home.text("zone")
    );
    home.write("zone", "$ORIGIN example.org.\n@ 300 IN SOA ns hostmaster 1 3600 600 86400 300\n@ 300 IN NS ns\n");
    configure(&home, server.port, "tls", &format!("{}\n{zone}", trusting(&home)));
    let (_, first) = said(&home, &["once"]);
    assert!(first.contains("refuses the login (status 535); it is not tried again for a day"), "{first}");
    // By each mechanism that the server knows, within one conversation.
    let refused = server.said();
    assert!(!refused.is_empty() && refused.iter().all(|login| login["login"] == false), "{refused:?}");
    for _ in 0..3 {
        let (_, next) = said(&home, &["once"]);
        assert!(next.contains("it is not tried again for a day") && !next.contains("hunter2"), "{next}");
    }
    assert_eq!(server.said(), Vec::<Value>::new());
    home.write("password", "secret\n");
    let (_, next) = said(&home, &["once"]);
    let told = server.said();
    assert!(told.len() == 2 && told[0]["login"] == true, "{next} {told:?}");
    assert!(told[1]["mail"].as_str().unwrap().contains("home.example.org A: holds 192.0.2.1"), "{told:?}");
}
