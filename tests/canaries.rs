//! Secrets with a mark in them, in every account, against services that repeat them in whatever they answer: the mark turns up
//! in no log, error, status, plan, state file, command line, core file or answer of the control socket, in no encoding; and no
//! redirect is followed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::disallowed_methods, reason = "a TLS server is a task")]

#[path = "emulator/http.rs"]
mod http;
#[path = "support/torture.rs"]
mod torture;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use http::{Answer, Received, Server};
use rustix::process::Signal;
use serde_json::json;
use torture::{Home, output, pause, within};

/// In the secrets, between characters that the encodings change.
const MARKS: [&str; 10] = [
    "pwKanari1",
    "kyKanari2",
    "kzKanari3",
    "osKanari4",
    "acKanari5",
    "tkKanari6",
    "quKanari7",
    "whKanari8",
    "ntKanari9",
    "goKanari0",
];
/// The filter that shows the most.
const EVERYTHING: &str = "trace,hyper=trace,hyper_util=trace,reqwest=trace,rustls=trace,tokio=trace,hickory_net=trace,\
                          hickory_resolver=trace,h2=trace,mio=trace,want=trace";

fn secret(mark: &str) -> String {
    format!("a/{mark}+\"\\&=%41 z")
}

/// An API key of LunaNode: 128 characters, the first half is sent as it is.
fn key() -> String {
    let half = |mark: &str| format!("{mark}{}", "x".repeat(64 - mark.len()));
    format!("{}{}", half(MARKS[1]), half(MARKS[2]))
}

/// A mark as it looks within a longer text in base64, hexadecimal or nothing at all; the characters around it do not matter.
fn forms(mark: &str) -> Vec<String> {
    let mut forms = vec![mark.to_owned(), HEXLOWER.encode(mark.as_bytes())];
    for skipped in 0..3 {
        for base64 in [BASE64_NOPAD, BASE64URL_NOPAD] {
            let padded = ["-", "--", ""][skipped].to_owned() + mark;
            let whole = padded.len() / 3 * 3;
            let text = base64.encode(&padded.as_bytes()[..whole]);
            forms.push(text[if padded.len() == mark.len() { 0 } else { 4 }..].to_owned());
        }
    }
    forms
}

/// Where a mark turns up, with what is around it.
fn leaks(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lower = text.to_lowercase();
    let mut found = Vec::new();
    for form in MARKS.iter().flat_map(|mark| forms(mark)) {
        let at = text.find(&form).or_else(|| lower.find(&form.to_lowercase()));
        if let Some(at) = at {
            let around = |back: usize, to: usize| text.get(at.saturating_sub(back)..(at + to).min(text.len()));
            found.push(format!("{form} in: {}", around(200, 100).or(around(0, form.len())).unwrap_or_default()));
        }
    }
    found
}

/// Looks through an output and complains.
fn look(what: &str, found: &mut Vec<String>, output: &Output) {
    for part in [&output.stdout, &output.stderr] {
        found.extend(leaks(part).into_iter().map(|leak| format!("{what}: {leak}")));
    }
}

/// Looks through every file below a folder.
fn look_below(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            look_below(&path, found);
        } else if path.is_file() {
            let leaks = leaks(&std::fs::read(&path).unwrap());
            found.extend(leaks.into_iter().map(|leak| format!("{}: {leak}", path.display())));
        }
    }
}

/// How the services answer, whatever they are asked.
const MANNERS: [&str; 15] = [
    "text 200",
    "text 401",
    "text 500",
    "string 200",
    "string 401",
    "error 200",
    "error 400",
    "error 401",
    "error 403",
    "error 429",
    "list 200",
    "redirect",
    "schema 400",
    "page 200",
    "page 502",
];

/// Everything that a request carries, in a row.
fn repeated(request: &Received) -> String {
    let mut all = vec![request.path.clone(), request.query.clone().unwrap_or_default()];
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let basic = value.strip_prefix("Basic ").and_then(|text| data_encoding::BASE64.decode(text.as_bytes()).ok());
        all.extend(basic.map(|basic| String::from_utf8_lossy(&basic).into_owned()));
        if name.as_str() != "host" && name.as_str() != "user-agent" {
            all.push(value);
        }
    }
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let form = reqwest::Url::parse(&format!("http://localhost/?{body}")).unwrap();
    all.extend(form.query_pairs().map(|(_, value)| value.into_owned()));
    let strings = serde_json::from_str(&body).map(|body: serde_json::Value| strings(&body));
    all.extend(strings.into_iter().flatten());
    all.push(body);
    // What matters comes first: messages are cut.
    all.sort_by_key(|part| (leaks(part.as_bytes()).is_empty(), part.len()));
    all.join(" ")
}

fn strings(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(list) => list.iter().flat_map(strings).collect(),
        serde_json::Value::Object(map) => map.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// The services: one for dyndns2, LunaNode and Designate alike, which repeats what it is told.
struct Services {
    server: Server,
    trap: Server,
    manner: Arc<AtomicUsize>,
    tokens: Arc<AtomicUsize>,
}

impl Services {
    async fn start() -> Self {
        let trap = Server::start(0, |_| Answer::new(200, "good")).await.unwrap();
        let manner = Arc::new(AtomicUsize::new(0));
        let tokens = Arc::new(AtomicUsize::new(0));
        let (chosen, target, granted) = (Arc::clone(&manner), trap.url("/caught"), Arc::clone(&tokens));
        let server = Server::start(0, move |request| {
            let all = repeated(request);
            // Every other round Keystone grants a token, so that Designate is spoken to.
            if request.path.ends_with("/auth/tokens") && granted.load(Ordering::SeqCst) == 1 {
                let url = format!("http://{}/", request.header("host").unwrap());
                let endpoint = json!({"interface": "public", "region": "R", "url": url});
                let catalog = json!({"token": {"catalog": [{"type": "dns", "endpoints": [endpoint]}]}});
                return Answer::new(201, catalog.to_string()).with("X-Subject-Token", &secret(MARKS[5]));
            }
            answer(MANNERS[chosen.load(Ordering::SeqCst)], &all, &target)
        });
        Self { server: server.await.unwrap(), trap, manner, tokens }
    }
}

/// What is answered where all of the request is `all`.
fn answer(manner: &str, all: &str, target: &str) -> Answer {
    let (shape, status) = manner.split_once(' ').unwrap_or((manner, "302"));
    let status = status.parse().unwrap();
    let error = json!({
        "success": "no", "error": {"code": status, "title": all, "message": all, "type": "x"}, "code": status,
        "message": all, "type": all, "request_id": all,
    });
    let header: String = all.chars().filter(|c| (' '..='~').contains(c)).take(2000).collect();
    match shape {
        "text" => Answer::new(status, format!("{all}\n{all}\n")),
        "string" => Answer::new(status, json!(all).to_string()),
        "page" => Answer::new(status, format!("<html><head><title>Denied: {all}</title></head></html>")),
        "error" if status == 200 => Answer::new(200, json!({"success": "no", "error": all}).to_string()),
        "error" => Answer::new(status, error.to_string()),
        "list" => Answer::new(
            200,
            json!({"success": all, "zones": all, "recordsets": all, "token": all, "dyns": [all]}).to_string(),
        ),
        "schema" => Answer::new(
            400,
            json!({"code": 400, "errors": {"errors": [{"path": [all], "message": all}]}, "success": "no"}).to_string(),
        ),
        _ => Answer::new(302, all).with("Location", target),
    }
    .with("Retry-After", &header)
    .with("WWW-Authenticate", &header)
    .with("X-Openstack-Request-Id", &header)
}

/// The configuration of all accounts. What is said in `$OS_PASSWORD` is the password of one of them.
fn configuration(home: &Home, server: &str) -> String {
    home.write("password", &secret(MARKS[0]));
    home.write("application", &secret(MARKS[4]));
    home.write("token", &secret(MARKS[5]));
    home.write("ntfy", &secret(MARKS[8]));
    home.write("hook", &format!("{server}/hook/{mark}/x?key={mark}&t={{title}}", mark = MARKS[7]));
    let keystone = format!("provider = \"designate\"\nauth_url = \"{server}/v3\"\nverify = false");
    format!(
        "state_dir = {state:?}\n\
         [account.push]\nprovider = \"dyndns2\"\nserver = \"{server}/nic/update?token={query}\"\nusername = \"user\"\n\
         password = {{ file = {password:?} }}\nverify = false\n\
         [account.luna]\nprovider = \"lunanode\"\nendpoint = \"{server}/api/\"\napi_id = \"abcdefghijklmnop\"\n\
         api_key = {key:?}\nverify = false\n\
         [account.cloud]\n{keystone}\nusername = \"u\"\nuser_domain_id = \"default\"\nproject_id = \"p\"\n\
         auth_type = \"password\"\n\
         [account.credential]\n{keystone}\nauth_type = \"v3applicationcredential\"\napplication_credential_id = \"i\"\n\
         application_credential_secret = {{ file = {application:?} }}\n\
         [account.token]\n{keystone}\nauth_type = \"token\"\nproject_id = \"p\"\ntoken = {{ file = {token:?} }}\n\
         [account.zone]\nprovider = \"zonefile\"\npath = {zone:?}\nzone = \"zone.example\"\nverify = false\n\
         reload = [\"/bin/sh\", \"-c\", \"env > {spy}.reload\"]\n\
         [address.default]\nipv4 = {{ command = [\"/bin/sh\", \"-c\", \"env > {spy}.command; echo 192.0.2.1\"] }}\n\
         ipv6 = \"off\"\n\
         [notify.chat]\ntype = \"webhook\"\nurl = {{ file = {hook:?} }}\nsecret_header = {header:?}\n\
         [notify.phone]\ntype = \"ntfy\"\nurl = \"{server}/{topic}\"\ntoken = {{ file = {ntfy:?} }}\n\
         [notify.desk]\ntype = \"gotify\"\nurl = \"{server}/gotify\"\ntoken = {gotify:?}\n\
         [notify.watch]\ntype = \"healthchecks\"\nurl = \"{server}/ping/{path}\"\n\
         [notify.kuma]\ntype = \"uptime_kuma\"\nurl = \"{server}/api/push/{path}\"\n\
         [notify.script]\ntype = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"env > {spy}.hook; cat >> {spy}.hook\"]\n\
         {records}",
        hook = home.text("hook"),
        header = format!("X-Key: {}", secret(MARKS[7])),
        topic = MARKS[8],
        ntfy = home.text("ntfy"),
        gotify = secret(MARKS[9]),
        path = MARKS[7],
        state = home.text("state"),
        query = MARKS[6],
        password = home.text("password"),
        application = home.text("application"),
        token = home.text("token"),
        zone = home.text("zone"),
        spy = home.text("spy"),
        key = key(),
        records = ["push", "luna", "cloud", "credential", "token", "zone"]
            .map(|account| format!(
                "[[record]]\nname = \"{account}.zone.example\"\naccount = \"{account}\"\nprivate = true\n"
            ))
            .join(""),
    )
}

fn with_secrets(command: &mut Command) -> &mut Command {
    command.env("OS_PASSWORD", secret(MARKS[3]))
}

/// Every command that says something about accounts.
const COMMANDS: [&[&str]; 13] = [
    &["plan"],
    &["once"],
    &["once", "--json"],
    &["check", "--online"],
    &["check", "--online", "--json"],
    &["plan", "--json"],
    &["status"],
    &["status", "--json"],
    &["explain", "cloud.zone.example"],
    &["explain", "luna.zone.example", "--json"],
    &["detect", "--json"],
    &["notify", "test"],
    &["notify", "test", "--json"],
];

fn run(home: &Home, arguments: &[&str]) -> Output {
    output(with_secrets(home.driftless(&["--log", EVERYTHING]).args(arguments)))
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for mark in MARKS {
        for text in [
            secret(mark),
            format!("{:?}", secret(mark)),
            json!(secret(mark)).to_string(),
            HEXLOWER.encode(secret(mark).as_bytes()),
            HEXLOWER.encode(secret(mark).as_bytes()).to_uppercase(),
            data_encoding::BASE64.encode(secret(mark).as_bytes()),
            data_encoding::BASE64.encode(format!("user:{}", secret(mark)).as_bytes()),
            data_encoding::BASE64URL.encode(format!("u:{}", secret(mark)).as_bytes()),
            reqwest::Url::parse_with_params("http://x/", [("a", secret(mark))]).unwrap().to_string(),
        ] {
            assert!(!leaks(text.as_bytes()).is_empty(), "{text}");
        }
    }
    assert!(leaks(b"a canary of another kind: pwkanari").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_repeats_a_secret_that_a_service_repeats() {
    let services = Services::start().await;
    let home = Home::new();
    home.write("driftless.toml", &configuration(&home, &services.server.url("")));
    let found = tokio::task::block_in_place(|| {
        let mut found = Vec::new();
        for round in 0..MANNERS.len() * 2 {
            services.manner.store(round / 2, Ordering::SeqCst);
            services.tokens.store(round % 2, Ordering::SeqCst);
            let _ = std::fs::remove_dir_all(home.path("state"));
            for arguments in COMMANDS {
                let what = format!("{} (tokens {}) {arguments:?}", MANNERS[round / 2], round % 2);
                look(&what, &mut found, &run(&home, arguments));
            }
            look_below(&home.path("state"), &mut found);
        }
        found
    });
    assert!(services.server.log().len() > 100, "the services were spoken to");
    // What nobody understands is quoted all the same.
    let _ = std::fs::remove_dir_all(home.path("state"));
    let said = tokio::task::block_in_place(|| run(&home, &["once"]));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains(": it begins \"Denied: (hidden)"), "{said}");
    let sent = services.server.log().iter().map(|exchange| repeated(&exchange.request)).collect::<String>();
    let seen: Vec<_> = MARKS.iter().filter(|mark| !sent.contains(**mark)).collect();
    // The second half of LunaNode's key only signs.
    assert_eq!(seen, [&MARKS[2]], "the secrets were sent");
    assert_eq!(services.trap.connections(), 0, "a redirect was followed");
    for spy in ["spy.command", "spy.hook", "spy.reload"] {
        found_none(leaks(&std::fs::read(home.path(spy)).unwrap()));
    }
    found_none(found);
}

/// The places, one for each that differs.
fn found_none(mut found: Vec<String>) {
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{} leaks:\n{}", found.len(), found.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_tells_nobody() {
    let services = Services::start().await;
    let home = Home::new();
    home.write("driftless.toml", &configuration(&home, &services.server.url("")));
    let mut found = Vec::new();
    tokio::task::block_in_place(|| {
        for (at, manner) in MANNERS.iter().enumerate() {
            services.manner.store(at, Ordering::SeqCst);
            services.tokens.store(at % 2, Ordering::SeqCst);
            let _ = std::fs::remove_dir_all(home.path("state"));
            services.server.clear();
            let wrapper = ["sh", "-c", "ulimit -c unlimited; exec \"$@\"", "sh"];
            let arguments = ["--log", EVERYTHING, "run"];
            let daemon = home.spawn(with_secrets(&mut home.wrapped(&wrapper, &arguments)));
            assert!(within(Duration::from_secs(10), || services.server.log().len() >= 4), "{}", home.log());
            pause(Duration::from_millis(100));
            let socket = "state/driftless.sock";
            for request in
                ["{\"request\":\"status\"}", "{\"request\":\"reload\"}", "nonsense", "{\"request\":\"secrets\"}"]
            {
                let answer = home.ask(socket, request).unwrap();
                found.extend(leaks(answer.as_bytes()).into_iter().map(|leak| format!("control {request}: {leak}")));
            }
            daemon.signal(Signal::USR2);
            for arguments in &COMMANDS[6..10] {
                look(&format!("{manner} {arguments:?}"), &mut found, &run(&home, arguments));
            }
            let pid = daemon.pid().as_raw_nonzero();
            found.extend(leaks(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap()));
            let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
            let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
            daemon.signal(Signal::ABORT);
            let end = daemon.wait(Duration::from_secs(10)).unwrap();
            assert_eq!((end.signal(), end.core_dumped()), (Some(Signal::ABORT.as_raw()), false), "{end}");
            look_below(&home.path("state"), &mut found);
        }
    });
    found.extend(leaks(home.log().as_bytes()).into_iter().map(|leak| format!("log: {leak}")));
    let cores = std::fs::read_dir(home.path("")).unwrap().flatten();
    let cores: Vec<_> = cores.filter(|entry| entry.file_name().to_string_lossy().starts_with("core")).collect();
    assert!(cores.is_empty(), "{cores:?}");
    assert_eq!(services.trap.connections(), 0);
    found_none(found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_tls_tells_nothing_and_gets_nothing() {
    // One server that does not speak TLS, and one whose certificate nobody signed.
    let plain = Server::start(0, |_| Answer::new(200, "good")).await.unwrap();
    let (unsigned, decrypted) = unsigned().await;
    for url in [format!("https://{}", plain.address), format!("https://localhost:{unsigned}")] {
        let home = Home::new();
        home.write("driftless.toml", &configuration(&home, &url));
        let found = tokio::task::block_in_place(|| {
            let mut found = Vec::new();
            for arguments in COMMANDS {
                let output = run(&home, arguments);
                look(&format!("{arguments:?}"), &mut found, &output);
                let said =
                    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
                let fails = ["error sending request", "is working", "192.0.2.1", "no daemon", "TLS", "certificate"];
                assert!(fails.iter().any(|word| said.contains(word)), "{arguments:?}: {said}");
            }
            look_below(&home.path("state"), &mut found);
            found
        });
        found_none(found);
    }
    assert_eq!(plain.log().len(), 0);
    assert_eq!(decrypted.load(Ordering::SeqCst), 0, "something was sent to whom nobody vouches for");
}

/// A TLS server on 127.0.0.1 with a certificate of its own for `localhost`: its port, and how many requests it could read.
async fn unsigned() -> (u16, Arc<AtomicUsize>) {
    use tokio::io::AsyncReadExt;
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let decrypted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&decrypted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await
                && stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0)
            {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (port, decrypted)
}

/// Slips around a secret, and other mistakes in its neighbourhood.
fn slips() -> Vec<String> {
    let mark = MARKS[0];
    let account = |lines: &str| {
        format!(
            "[account.home]\nprovider = \"dyndns2\"\nserver = \"https://dyndns.example.net\"\nusername = \"me\"\n{lines}\n\
             [[record]]\nname = \"home.example.org\"\naccount = \"home\"\n"
        )
    };
    let within: Vec<String> = [
        "password = \"MARK",
        "password = MARK",
        "password = 'MARK' MARK",
        "password = \"MARK\\q\"",
        "password = \"MARK\u{1}\"",
        "password = \"\"\"\nMARK\nMARK\"",
        "password = '''\nMARK\n'",
        "password = [\"MARK\"]",
        "password = [\"MARK\"",
        "password = { \"MARK\" }",
        "password = { value = \"MARK\" }",
        "password = { env = \"MARK\" }",
        "password = { file = \"/x\", env = \"MARK\" }",
        "password = { file = \"/x\", text = \"MARK\" }",
        "password.text = \"MARK\"",
        "password: MARK",
        "password \"MARK\"",
        "password == \"MARK\"",
        "password = \"MARK\"\npassword = \"MARK\"",
        "password = \"MARK\"\npassword_file = \"/x\"",
        "password = \"MARK\" provider = \"x\"",
        "passwort = \"MARK\"",
        "pasword = 'MARK'",
        "token = \"MARK\"",
        "\"password = \"MARK\"",
        "password = 7 # MARK",
        "password = true\napi_key = \"MARK\"",
        "refresh = \"x\"\npassword = \"x\"\nsecret = \"MARK\"",
        "[account.home.password]\nsecret = \"MARK\"",
        "[account.home.password\nsecret = \"MARK\"",
        "[account.other]\npassword = \"MARK\"",
        "[account.other]\nprovider = \"nosuch\"\ntoken = \"MARK\"",
        "[acount.other]\npassword = \"MARK\"",
    ]
    .iter()
    .map(|lines| account(lines))
    .collect();
    let elsewhere = [
        "password = \"MARK\"\n",
        "account = { home = { provider = \"dyndns2\", password = \"MARK\" }\n",
        "account.home = { provider = \"dyndns2\", password = MARK }\n",
        "[account]\npassword = \"MARK\"\n",
        "[[account]]\npassword = \"MARK\"\n",
        "[home]\nprovider = \"dyndns2\"\npassword = \"MARK\"\n",
        "[[record]]\nname = \"home.example.org\"\npassword = \"MARK\"\n",
        "[[record]]\nname = \"home.example.org\"\ntoken = \"MARK\n",
        "[defaults]\npassword = \"MARK\"\n",
        "[account.home]\nprovider = \"dyndns2\"\nserver = \"https://me:MARK@dyndns.example.net\"\nusername = \"me\"\npassword = \"x\"\n",
        "[account.home]\nprovider = \"dyndns2\"\nserver = \"ftp://me:MARK@dyndns.example.net\"\n",
        "[account.home]\nprovider = \"dyndns2\"\nserver = \"https://dyndns.example.net/?token=MARK\n",
        "[account.home]\nprovider = \"designate\"\nauth_url = \"http//x?MARK\"\npassword = \"MARK\"\ntoken = \"MARK\"\n",
        "[account.home]\nprovider = \"lunanode\"\napi_id = \"short\"\napi_key = \"MARK\"\n",
        "[account.home]\nprovider = \"lunanode\"\napi_id = \"abcdefghijklmnop\"\napi_key = MARK\n",
    ];
    within.into_iter().chain(elsewhere.map(Into::into)).map(|text| text.replace("MARK", mark)).collect()
}

#[test]
fn no_mistake_in_the_configuration_shows_a_secret() {
    let home = Home::new();
    let mut found = Vec::new();
    for slip in slips() {
        for form in 0..3 {
            for arguments in [&["check"][..], &["check", "--json"], &["run"], &["status"], &["once", "--json"]] {
                let mut command = home.driftless(arguments);
                match form {
                    0 => home.write("driftless.toml", &slip),
                    1 => {
                        home.write("driftless.toml", "");
                        command.env("DRIFTLESS_CONFIG_TOML", &slip);
                    }
                    // Single variables, of which something else is wrong.
                    _ => {
                        home.write("driftless.toml", "");
                        command.env("DRIFTLESS__ACCOUNT__HOME__PASSWORD", secret(MARKS[0]));
                        command.env("DRIFTLESS__ACCOUNT__HOME__TOKN", secret(MARKS[1]));
                        command.env("DRIFTLESS__ACCOUNT__HOME__PASSWORD__FILE__X", secret(MARKS[2]));
                        command.env("DRIFTLESS__PASSWORD", secret(MARKS[3]));
                        command.env("DRIFTLESS__RECORD__1__PASSWORD", secret(MARKS[4]));
                        command.env("DRIFTLESS_PASSWORD", secret(MARKS[5]));
                        command.env("OS_PASSWORD", secret(MARKS[6]));
                    }
                }
                if form == 2 && slip != slips()[0] {
                    continue;
                }
                let said = output(&mut command);
                // Beside the daemon a credential that is not there is no mistake: systemd loads it at the start.
                let beside = form != 2 && slip.contains("credential =") && arguments[0] == "check";
                assert!(beside || said.status.code() != Some(0), "it is wrong: {slip}\n{said:?}");
                look(&format!("{arguments:?} of\n{slip}\nsays"), &mut found, &said);
            }
        }
    }
    found_none(found);
}

#[test]
fn secret_files_that_cannot_be_used_are_not_shown() {
    let home = Home::new();
    home.write("driftless.toml", &configuration(&home, "http://127.0.0.1:9"));
    for content in [[secret(MARKS[0]).as_bytes(), &[0xff]].concat(), secret(MARKS[0]).repeat(10_000).into_bytes()] {
        std::fs::write(home.path("password"), content).unwrap();
        std::fs::set_permissions(home.path("password"), PermissionsExt::from_mode(0o644)).unwrap();
        let _ = std::fs::remove_dir_all(home.path("state"));
        let mut found = Vec::new();
        for arguments in COMMANDS {
            look(&format!("{arguments:?}"), &mut found, &run(&home, arguments));
        }
        look_below(&home.path("state"), &mut found);
        found_none(found);
    }
}
