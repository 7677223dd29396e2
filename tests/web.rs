//! The status page of the real program: what it shows, whom it answers, and that no client can do it harm.
#![cfg(all(target_os = "linux", feature = "web"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::disallowed_methods, reason = "a test waits for another process")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "support/torture.rs"]
mod torture;

use dyndns2::{Dyndns2, Rules};
use torture::{Daemon, Home, within};

const TOKEN: &str = "a-token-of-thirty-two-characters";
const SCHEMA: &str = include_str!("../packaging/status.schema.json");
const DASHBOARD: &str = include_str!("../packaging/grafana/driftless.json");
const ALERTS: &str = include_str!("../packaging/prometheus/driftless.rules.yml");

/// A page at an address or a path, and the daemon behind it.
struct Site {
    home: Home,
    daemon: Daemon,
    at: At,
    service: Dyndns2,
    /// Where the service of what fails would be.
    missing: u16,
}

#[derive(Clone)]
enum At {
    Port(u16),
    Path(std::path::PathBuf),
}

/// An answer of the page.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// A header field.
    fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A connection, with or without a network.
trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

impl At {
    fn connect(&self) -> Box<dyn Wire> {
        let patience = Some(Duration::from_secs(30));
        match self {
            Self::Port(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port)).unwrap();
                stream.set_read_timeout(patience).unwrap();
                Box::new(stream)
            }
            Self::Path(path) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_read_timeout(patience).unwrap();
                Box::new(stream)
            }
        }
    }

    /// Sends these octets and reads what comes until the end.
    fn raw(&self, octets: &[u8]) -> String {
        let mut stream = self.connect();
        // Who is refused before the end of a long request may hear of it while writing.
        let _ = stream.write_all(octets);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request with these header fields beside `Host`, which one of them may replace.
    fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        if !fields.iter().any(|(name, _)| *name == "Host") {
            request.push_str("Host: localhost\r\n");
        }
        for (name, value) in fields {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        if method == "POST" {
            let _ = write!(request, "Content-Length: {}\r\n", body.len());
        }
        let text = self.raw(format!("{request}\r\n{body}").as_bytes());
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// An action as the page's script sends it, with these fields over its own.
    fn act(&self, path: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let usual = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
        let usual = usual.into_iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
        let fields: Vec<_> = usual.chain(fields.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
        self.ask("POST", path, &fields, body)
    }
}

/// A port that nobody listens at.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A strict dyndns2 service at a port, 0 for any free one, for as long as the test runs.
fn service(at: u16, names: &[&str]) -> (Dyndns2, u16) {
    let service = Dyndns2::new(Rules::default(), names.iter().copied());
    let answering = service.clone();
    let (started, port) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = http::Server::start(at, move |request| answering.answer(request)).await.unwrap();
            let port: u16 = server.url("").rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
            started.send(port).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let port = port.recv().unwrap();
    (service, port)
}

/// A daemon with records that are right, failing, held and without a known address, with a channel that fails, and its page; further
/// keys of `[web]`.
fn site(at: &str, web: &str) -> Site {
    let (service, port) = service(0, &["good.example.org", "held.example.org", "unknown.example.org"]);
    let missing = free();
    let home = Home::new();
    let here = free();
    let at = match at {
        "port" => At::Port(here),
        path => At::Path(home.path(path)),
    };
    let listen = match &at {
        At::Port(port) => format!("127.0.0.1:{port}"),
        At::Path(path) => format!("unix:{}", path.display()),
    };
    home.write("token", &format!("{TOKEN}\n"));
    home.write("password", "secret");
    home.write("wrong", "wrong");
    let dir = home.text("");
    let dir = dir.trim_end_matches('/');
    let account = |name: &str, port: u16, password: &str| {
        format!(
            "[account.{name}]\nprovider = \"dyndns2\"\nserver = \"http://127.0.0.1:{port}\"\nusername = \"user\"\n\
             password = {{ file = \"{dir}/{password}\" }}\nverify = false\n"
        )
    };
    let record = |name: &str, account: &str, ipv4: &str| {
        format!(
            "[[record]]\nname = \"{name}\"\naccount = \"{account}\"\nipv4 = {ipv4}\nipv6 = \"off\"\nprivate = true\n"
        )
    };
    let mut text = format!("state_dir = \"{dir}/state\"\n[web]\nlisten = \"{listen}\"\n{web}\n");
    for part in [
        account("good", port, "password"),
        account("held", port, "wrong"),
        account("failing", missing, "password"),
        record("good.example.org", "good", "\"192.0.2.1\""),
        record("held.example.org", "held", "\"192.0.2.1\""),
        record("failing.example.org", "failing", "\"192.0.2.1\""),
        record("unknown.example.org", "good", &format!("{{ file = \"{dir}/address\" }}")),
        format!("[notify.alive]\ntype = \"healthchecks\"\nurl = \"http://127.0.0.1:{}/a-ping-url\"\n", free()),
    ] {
        text.push_str(&part);
    }
    home.write("driftless.toml", &text.replace("{dir}", dir));
    let daemon = home.start(&["run"]);
    let opened = within(Duration::from_secs(20), || home.log().contains("the status page is at"));
    assert!(opened, "{}", home.log());
    Site { home, daemon, at, service, missing }
}

/// The usual one.
fn usual() -> Site {
    site("port", "token = { file = \"{dir}/token\" }\nhosts = [\"ddns.example.org\"]")
}

impl Site {
    fn state(&self, name: &str) -> String {
        let status = self.at.get("/api/v1/status").json();
        let records = status["status"]["records"].as_array().unwrap().clone();
        let record = records.into_iter().find(|record| record["name"] == name);
        record.unwrap_or_else(|| panic!("{status}"))["state"].as_str().unwrap().to_owned()
    }

    fn waits_for(&self, name: &str, state: &str) {
        let stands = within(Duration::from_secs(20), || self.state(name) == state);
        assert!(stands, "{name} is {}, not {state}: {}", self.state(name), self.home.log());
    }

    fn settled(&self) {
        for (name, state) in [("good", "up to date"), ("held", "held"), ("failing", "failing"), ("unknown", "unknown")]
        {
            self.waits_for(&format!("{name}.example.org"), state);
        }
        let fails = || self.at.get("/api/v1/status").json()["status"]["channels"][0]["error"].is_string();
        assert!(within(Duration::from_secs(20), fails), "{}", self.home.log());
    }
}

#[test]
fn the_page_the_api_and_the_probes_say_the_same_as_the_command() {
    let site = usual();
    site.settled();
    let page = site.at.get("/");
    assert_eq!(page.status, 200);
    for part in ["good.example.org", "192.0.2.1", "at dyndns2", "Held with its account", "driftless release held"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(page.body.contains("1 record set is held"), "{}", page.body);
    for part in [
        "Nobody is told by alive just now",
        "alive<small>healthchecks",
        "nobody listens at 127.0.0.1",
        "tried again in ",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("a-ping-url"), "it is a secret: {}", page.body);

    let api = site.at.get("/api/v1/status").json();
    let (command, _) = site.home.status();
    assert_eq!(api["running"], true);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&api["status"]), keys(&command["status"]));
    let states = |value: &Value| -> Vec<(Value, Value)> {
        let records = value["status"]["records"].as_array().unwrap();
        records.iter().map(|record| (record["name"].clone(), record["state"].clone())).collect()
    };
    assert_eq!(states(&api), states(&command));
    valid(&api);
    valid(&command);
    assert_eq!((&api["status"]["page"]["served"], &api["status"]["page"]["error"]), (&true.into(), &Value::Null));
    let alive = &command["status"]["channels"][0];
    assert!(alive["failures"].as_u64() >= Some(1) && alive["again"].is_string(), "{alive}");
    let status = site.home.output(&["status"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    let line = status.lines().find(|line| {
        line.starts_with("channel alive (healthchecks): nothing told since the daemon started; failed at ")
    });
    assert!(line.is_some_and(|line| line.contains("; tried again at ")), "{status}");
    assert!(!status.contains("is not served"), "{status}");
    let failed = found(&site.home, "channel");
    assert_eq!((&failed["about"], &failed["outcome"]), (&"alive".into(), &"failed".into()), "{failed}");
    assert_eq!(found(&site.home, "page")["outcome"], "ok");

    assert_eq!(site.at.get("/healthz").body, "ok\n");
    let ready = site.at.get("/readyz");
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready: 1 up to date, 1 failing, 1 held, 1 unknown\n"));
    assert!(site.daemon.stop().success());
}

/// What `doctor` found in a step.
fn found(home: &Home, step: &str) -> Value {
    let output = home.output(&["doctor", "--offline", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let found = said["findings"].as_array().unwrap().iter().find(|finding| finding["step"] == step);
    found.unwrap_or_else(|| panic!("{said}")).clone()
}

/// Checks a document against the schema that is shipped.
fn valid(document: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut wrong = Vec::new();
    check(&schema, &schema, document, "", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What of JSON Schema the shipped one uses, strictly: what the schema says nothing of is wrong.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let known = ["$ref", "type", "properties", "required", "items", "enum", "anyOf", "additionalProperties"];
    let words = ["$schema", "$id", "$defs", "title", "description", "format"];
    for key in schema.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()) || words.contains(&key.as_str()), "{key} in the schema at {at}");
    }
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(target.trim_start_matches('#')).unwrap_or_else(|| panic!("{target}"));
        return check(root, target, value, at, wrong);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = |choice: &&Value| {
            let mut wrong = Vec::new();
            check(root, choice, value, at, &mut wrong);
            wrong.is_empty()
        };
        if !choices.iter().any(|choice| fits(&choice)) {
            wrong.push(format!("{at}: {value} is none of {choices:?}"));
        }
        return;
    }
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        kind => panic!("{kind}"),
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    if !kinds.iter().any(is) {
        wrong.push(format!("{at}: {value} is no {kinds:?}"));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        wrong.push(format!("{at}: {value} is none of {choices:?}"));
    }
    for (item, value) in value.as_array().into_iter().flatten().enumerate() {
        check(root, &schema["items"], value, &format!("{at}/{item}"), wrong);
    }
    let Some(fields) = value.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(required.as_str().unwrap()) {
            wrong.push(format!("{at}: {required} is missing"));
        }
    }
    for (key, value) in fields {
        match schema["properties"].get(key) {
            Some(schema) => check(root, schema, value, &format!("{at}/{key}"), wrong),
            None => wrong.push(format!("{at}/{key} is not in the schema")),
        }
    }
}

#[test]
fn every_answer_keeps_browsers_from_being_used_against_us() {
    let site = usual();
    for path in ["/", "/api/v1/status", "/metrics", "/healthz", "/nowhere"] {
        let answer = site.at.get(path);
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.field("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.field("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.field("cross-origin-resource-policy"), Some("same-origin"), "{path}");
        let policy = answer.field("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.field("access-control-allow-origin"), None, "{path}");
        assert_eq!(answer.field("set-cookie"), None, "{path}");
    }
    let head = site.at.ask("HEAD", "/", &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.field("content-length").unwrap().parse::<usize>().unwrap() > 1000, "{head:?}");
    assert_eq!(site.at.get("/nowhere").status, 404);
    for (method, path, allow) in [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/api/v1/status", "GET, HEAD"),
        ("GET", "/api/v1/update", "POST"),
        ("OPTIONS", "/api/v1/release", "POST"),
    ] {
        let answer = site.at.ask(method, path, &[], "");
        assert_eq!((answer.status, answer.field("allow")), (405, Some(allow)), "{method} {path}");
    }
}

#[test]
fn a_foreign_host_reads_nothing_and_a_foreign_page_does_nothing() {
    let site = usual();
    site.settled();
    for path in ["/", "/api/v1/status", "/metrics", "/healthz", "/readyz", "/nowhere"] {
        for host in ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.nip.example"] {
            let answer = site.at.ask("GET", path, &[("Host", host)], "");
            assert_eq!(answer.status, 421, "{host} {path}");
            assert!(!answer.body.contains("example.org"), "{answer:?}");
        }
    }
    assert_eq!(site.at.ask("GET", "/healthz", &[("Host", "ddns.example.org:8443")], "").status, 200);
    assert!(site.at.raw(b"GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400"), "no Host");
    assert!(
        site.at.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n").starts_with("HTTP/1.1 400")
    );

    let writes = site.service.host("good.example.org").unwrap();
    for path in ["/api/v1/update", "/api/v1/release"] {
        for (fields, status) in [
            (&[("Origin", "http://evil.example")][..], 403),
            (&[("Origin", "null")], 403),
            (&[("Sec-Fetch-Site", "cross-site")], 403),
            (&[("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost")], 403),
            (&[("Content-Type", "text/plain")], 415),
            (&[("Content-Type", "")], 415),
            (&[("Authorization", "")], 401),
            (&[("Authorization", "Bearer wrong")], 401),
            (&[("Authorization", "Basic YTpi")], 401),
            (&[("Host", "evil.example")], 421),
        ] {
            let answer = site.at.act(path, fields, "{}");
            assert_eq!(answer.status, status, "{path} {fields:?}: {answer:?}");
            assert_eq!(answer.field("www-authenticate").is_some(), status == 401);
            assert!(answer.json()["error"].is_string(), "{answer:?}");
        }
    }
    assert_eq!(site.service.host("good.example.org").unwrap(), writes);
    assert_eq!(site.state("held.example.org"), "held", "nobody let go of it");
    let ours = [("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(site.at.act("/api/v1/update", &ours, "{}").status, 200);
}

#[test]
fn the_buttons_update_and_release() {
    let site = usual();
    site.settled();
    // The address becomes known, and is looked at when it is asked for and not before.
    site.home.write("address", "192.0.2.9\n");
    let nothing = site.at.act("/api/v1/update", &[], "{\"name\":\"nobody.example.org\"}");
    assert_eq!(
        (nothing.status, nothing.json()),
        (404, json!({ "error": "nobody.example.org is not in the configuration" }))
    );
    let done = site.at.act("/api/v1/update", &[], "{\"name\":\"unknown.example.org\"}");
    assert_eq!((done.status, done.json()), (200, json!({ "done": true })));
    site.waits_for("unknown.example.org", "up to date");
    assert_eq!(site.service.host("unknown.example.org").unwrap().ipv4, Some([192, 0, 2, 9].into()));

    // The login is mended, and let go of by hand.
    site.home.write("wrong", "secret");
    for body in ["{\"account\":\"held\",\"name\":\"held.example.org\"}", "{\"acount\":\"held\"}", "[]", "{", "\"held\""]
    {
        assert_eq!(site.at.act("/api/v1/release", &[], body).status, 400, "{body}");
    }
    assert_eq!(site.at.act("/api/v1/release", &[], &"x".repeat(5000)).status, 413);
    for body in ["{\"account\":\"hold\"}", "{\"name\":\"other.example.org\"}"] {
        assert_eq!(site.at.act("/api/v1/release", &[], body).status, 404, "{body}");
    }
    let released = site.at.act("/api/v1/release", &[], "{\"account\":\"held\"}");
    assert_eq!((released.status, released.json()["let_go"].clone()), (200, json!(1)));
    site.waits_for("held.example.org", "up to date");
    assert_eq!(site.service.host("held.example.org").unwrap().ipv4, Some([192, 0, 2, 1].into()));
}

#[test]
fn without_a_token_the_page_only_shows() {
    let site = site("port", "");
    assert!(!site.at.get("/").body.contains("<button"));
    assert_eq!(site.at.act("/api/v1/update", &[], "{}").status, 403);
}

#[test]
fn a_socket_at_a_path_serves_the_same_and_goes_with_the_daemon() {
    let site = site("web.sock", "token = { file = \"{dir}/token\" }");
    assert_eq!(site.at.get("/healthz").body, "ok\n");
    assert_eq!(site.at.act("/api/v1/update", &[], "").status, 200);
    let At::Path(path) = site.at.clone() else { unreachable!() };
    assert!(site.daemon.stop().success());
    assert!(!path.exists());
}

#[test]
fn no_client_can_do_harm() {
    let site = usual();
    site.settled();
    // Too large a head, too many fields, nonsense.
    let large = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: {}\r\n\r\n", "x".repeat(40_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-Many: 1\r\n".repeat(100));
    for request in [large.as_str(), &many] {
        let answer = site.at.raw(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    for nonsense in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"GET\r\n\r\n", b"\r\n\r\n\r\n\0\0\0\0"] {
        let answer = site.at.raw(nonsense);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    // More slow clients than there are places: their time is short, and the daemon goes on with its work meanwhile.
    let began = Instant::now();
    let mut slow: Vec<_> = (0..40).map(|_| site.at.connect()).collect();
    for stream in &mut slow {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: loc");
    }
    site.home.write("address", "192.0.2.9\n");
    let output = site.home.output(&["update", "unknown.example.org"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // Whoever says at once what it wants does not wait for those who do not, however many there are.
    slow.extend((0..100).map(|_| site.at.connect()));
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(site.at.get("/healthz").status, 200);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        slow.push(site.at.connect());
    }
    // The younger ones still have their time to say it.
    let last = slow.last_mut().unwrap();
    last.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    last.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    drop(slow);
    // Many one after the other, and what they leave behind.
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", site.daemon.pid().as_raw_pid())).unwrap().count();
    site.at.get("/");
    let before = descriptors();
    for _ in 0..200 {
        assert_eq!(site.at.get("/healthz").status, 200);
    }
    assert!(within(Duration::from_secs(5), || descriptors() <= before), "{} of {before}", descriptors());
    assert!(site.daemon.stop().success());
}

#[test]
fn requests_whose_bodies_never_come_delay_no_probe_and_end_soon() {
    let site = usual();
    site.settled();
    let head = format!(
        "POST /api/v1/update HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 20\r\n\r\n{{"
    );
    let began = Instant::now();
    let mut stuck = Vec::new();
    // Fewer, and then more, than there are places.
    for count in [15, 40] {
        for _ in 0..count {
            let mut stream = site.at.connect();
            stream.write_all(head.as_bytes()).unwrap();
            stuck.push(stream);
        }
        for path in ["/healthz", "/readyz", "/"] {
            let asked = Instant::now();
            assert_eq!(site.at.get(path).status, 200, "{path}");
            assert!(asked.elapsed() < Duration::from_secs(1), "{path}: {:?}", asked.elapsed());
        }
    }
    let mut answer = String::new();
    stuck.last_mut().unwrap().read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("within 3 s"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(site.daemon.stop().success());
}

#[test]
fn a_flood_of_questions_holds_up_nothing_that_is_due() {
    let site = usual();
    site.settled();
    let over = std::sync::atomic::AtomicBool::new(false);
    let asked = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for path in ["/", "/metrics", "/api/v1/status", "/readyz"].repeat(4) {
            let (at, over, asked) = (site.at.clone(), &over, &asked);
            scope.spawn(move || {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(at.get(path).status, 200, "{path}");
                    asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
        // What failed is tried again by the timer alone; then something is done because a signal asks for it.
        let (mended, _) = service(site.missing, &["failing.example.org"]);
        let holds = |service: &Dyndns2, name: &str| service.host(name).is_some_and(|host| host.ipv4.is_some());
        let tried = within(Duration::from_secs(60), || holds(&mended, "failing.example.org"));
        site.home.write("address", "192.0.2.9\n");
        site.daemon.signal(rustix::process::Signal::USR1);
        let done = tried && within(Duration::from_secs(20), || holds(&site.service, "unknown.example.org"));
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(done, "{}", site.home.log());
    });
    assert!(asked.into_inner() > 50, "that was no flood");
}

#[test]
fn an_address_that_is_taken_costs_the_page_and_nothing_else_and_is_tried_again() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let first = usual();
    let text = std::fs::read_to_string(first.home.path("driftless.toml")).unwrap();
    let At::Port(port) = first.at else { unreachable!() };
    let taken_port = taken.local_addr().unwrap().port();
    let home = Home::new();
    let dir = home.text("");
    let theirs = first.home.text("");
    let text = text.replace(theirs.trim_end_matches('/'), dir.trim_end_matches('/'));
    home.write("driftless.toml", &text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{taken_port}")));
    for (name, content) in [("password", "secret"), ("wrong", "secret"), ("token", TOKEN)] {
        home.write(name, content);
    }
    let daemon = home.start(&["run"]);
    assert!(within(Duration::from_secs(20), || home.log().contains("there is no status page")), "{}", home.log());
    let right = || home.status().0["status"]["records"].to_string().contains("up to date");
    assert!(within(Duration::from_secs(20), right), "{}", home.log());
    let (status, _) = home.status();
    valid(&status);
    let page = status["status"]["page"].clone();
    assert_eq!((&page["served"], &page["listen"]), (&false.into(), &format!("127.0.0.1:{taken_port}").into()));
    assert!(page["error"].as_str().unwrap().contains("in use") && page["again"].is_string(), "{page}");
    let says = format!("the status page is not served at 127.0.0.1:{taken_port}: Address already in use");
    let lines = String::from_utf8_lossy(&home.output(&["status"]).stdout).into_owned();
    assert!(lines.lines().any(|line| line.starts_with(&says) && line.contains("; tried again at ")), "{lines}");
    let failed = found(&home, "page");
    assert_eq!((&failed["outcome"], &failed["code"]), (&"failed".into(), &75.into()), "{failed}");
    assert!(failed["says"].as_str().unwrap().starts_with(&says) && failed["advice"].is_string(), "{failed}");
    // As soon as the other one is gone it is served, without anybody doing anything.
    drop(taken);
    assert!(within(Duration::from_secs(60), || home.log().contains("the status page is at")), "{}", home.log());
    let at = At::Port(taken_port);
    assert!(at.get("/").body.contains("good.example.org"));
    assert_eq!(at.get("/api/v1/status").json()["status"]["page"]["served"], true);
    assert_eq!(home.log().matches("there is no status page").count(), 1, "said once: {}", home.log());
    assert!(daemon.stop().success());
}

#[test]
fn the_service_manager_can_open_the_socket() {
    let script = "import os, socket, sys\n\
                  s = socket.socket(); s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); os.dup2(s.fileno(), 3)\n\
                  os.set_inheritable(3, True); os.environ['LISTEN_FDS'] = '1'; os.environ['LISTEN_PID'] = str(os.getpid())\n\
                  os.execv(sys.argv[2], sys.argv[2:])";
    let home = Home::new();
    let dir = home.text("");
    home.write(
        "driftless.toml",
        &format!("state_dir = \"{}/state\"\n[web]\nlisten = \"systemd\"\n", dir.trim_end_matches('/')),
    );
    let port = free();
    let daemon = home.spawn(&mut home.wrapped(&["python3", "-c", script, &port.to_string()], &["run"]));
    assert!(within(Duration::from_secs(20), || home.log().contains("the status page is at systemd")), "{}", home.log());
    assert_eq!(At::Port(port).get("/healthz").body, "ok\n");
    assert!(daemon.stop().success());
    // Without such a socket it says so, and does its work.
    home.forget_log();
    let daemon = home.start(&["run"]);
    assert!(within(Duration::from_secs(20), || home.log().contains("handed over no socket")), "{}", home.log());
    let page = home.status().0["status"]["page"].clone();
    assert_eq!((&page["served"], &page["again"]), (&false.into(), &Value::Null), "only a restart can help: {page}");
    assert!(daemon.stop().success());
}

#[test]
fn the_metrics_count_what_happened_in_both_forms() {
    let site = usual();
    site.settled();
    let open = site.at.ask("GET", "/metrics", &[("Accept", "application/openmetrics-text; version=1.0.0")], "");
    assert_eq!(open.field("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.body.ends_with("\n# EOF\n"), "{}", open.body);
    let plain = site.at.get("/metrics");
    assert_eq!(plain.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let value = |series: &str| {
        let line = plain.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series}: {}", plain.body)).to_owned()
    };
    let of = |name: &str| {
        format!(
            "record=\"{name}.example.org\",type=\"A\",account=\"{}\"",
            if name == "unknown" { "good" } else { name }
        )
    };
    for (name, right, state) in
        [("good", "1", "up to date"), ("held", "0", "held"), ("failing", "0", "failing"), ("unknown", "0", "unknown")]
    {
        assert_eq!(value(&format!("driftless_record_up_to_date{{{}}}", of(name))), right);
        assert_eq!(value(&format!("driftless_record_state{{{},state=\"{state}\"}}", of(name))), "1");
    }
    let account = |name: &str| format!("account=\"{name}\",provider=\"dyndns2\"");
    for (series, count) in [
        (format!("driftless_changes_total{{{}}}", account("good")), "1"),
        (format!("driftless_changes_total{{{}}}", account("held")), "0"),
        (format!("driftless_calls_total{{{},call=\"apply\"}}", account("good")), "1"),
        (format!("driftless_errors_total{{{},kind=\"auth\"}}", account("held")), "1"),
        (format!("driftless_errors_total{{{},kind=\"auth\"}}", account("good")), "0"),
        (format!("driftless_account_held{{{}}}", account("held")), "1"),
        (format!("driftless_confirmed_after_seconds_count{{{}}}", account("good")), "1"),
        (format!("driftless_confirmed_after_seconds_bucket{{{},le=\"+Inf\"}}", account("good")), "1"),
        ("driftless_records{state=\"held\"}".into(), "1"),
        ("driftless_state_writable".into(), "1"),
        ("driftless_channel_up{channel=\"alive\",type=\"healthchecks\"}".into(), "0"),
        ("driftless_channel_failures_total{channel=\"alive\",type=\"healthchecks\"}".into(), "1"),
    ] {
        assert_eq!(value(&series), count, "{series}");
    }
    assert_ne!(value(&format!("driftless_errors_total{{{},kind=\"transient\"}}", account("failing"))), "0");
    let names: BTreeSet<&str> = plain.body.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    // What the dashboard and the alerts ask for is there.
    for (file, text) in [("the dashboard", DASHBOARD), ("the alerts", ALERTS)] {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let asked: BTreeSet<&str> =
            words.filter(|word| word.starts_with("driftless_") || word.starts_with("process_")).collect();
        assert!(asked.len() > 5, "{file}: {asked:?}");
        let missing: Vec<_> = asked.into_iter().filter(|word| !names.contains(word)).collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
    serde_json::from_str::<Value>(DASHBOARD).unwrap();
}
