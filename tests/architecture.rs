//! The rules of the house that a compiler does not know: imports only go down, and waiting, tasks and printing have their rooms.

use std::path::{Path, PathBuf};
use std::{fs, io};

#[path = "architecture/source.rs"]
mod source;

use source::Source;

/// The floors from the top, and the rooms on each. A room may use its own floor and those below.
const FLOORS: [(&str, &[&str]); 4] = [
    ("entrance", &["app", "bin", "cli", "config", "import", "lib", "main"]),
    ("loop", &["engine"]),
    ("hands", &["detect", "net", "notify", "os", "provider", "report", "store"]),
    ("model", &["model"]),
];

/// What the model must not mention: it is pure.
const IMPURE: &[&str] = &[
    "hickory_net",
    "hyper",
    "if_addrs",
    "reqwest",
    "rustix",
    "std::env",
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tempfile",
    "tokio",
];

/// What is a clock by the end of its path.
const CLOCKS: &[&str] = &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];

/// What waits, by the end of its path.
const WAITS: &[&str] = &["thread::sleep", "time::interval", "time::sleep", "time::sleep_until"];

/// Where the clock that the engine waits by does its waiting.
const CLOCK: &str = "os/clock.rs";

/// What starts something that nobody awaits.
const SPAWNS: &[&str] = &["spawn", "spawn_local"];

/// Where `.spawn()` starts a process and is awaited there.
const PROCESSES: &[&str] = &["os/run.rs", "provider/zonefile/reload.rs"];

const PRINTS: &[&str] = &["dbg", "eprint", "eprintln", "print", "println"];

/// The most lines a file may have, without its tests and without a reason.
const LINES: usize = 400;
const REASON: &str = "//! Longer than 400 lines because";

/// What is wrong with the file at `path` (from `src/`, with slashes) that holds `text`; test code is not judged.
fn faults(path: &str, text: &str) -> Vec<String> {
    let source = Source::read(text);
    let mut found = form(path, text, &source);
    let Some(floor) = floor(room(path)) else {
        found.push(format!(
            "{path}: `{}` is on no floor; FLOORS in tests/architecture.rs says where it belongs",
            room(path)
        ));
        return found;
    };
    for (line, parts) in source.paths() {
        let name = parts.join("::");
        found.extend(upward(path, floor, &parts).map(|why| format!("{path}:{line}: `{name}` {why}")));
        found.extend(misplaced(path, &name).map(|why| format!("{path}:{line}: `{name}` {why}")));
    }
    for three in source.code.windows(3) {
        let [first, second, third] = three else { continue };
        let at = format!("{path}:{}", second.line);
        if first.text == "." && third.text == "(" {
            found.extend(misplaced_call(path, &second.text).map(|why| format!("{at}: `.{}()` {why}", second.text)));
        }
        if PRINTS.contains(&first.text.as_str()) && second.text == "!" && !["cli", "main"].contains(&room(path)) {
            found.push(format!("{at}: `{}!` belongs in cli", first.text));
        }
    }
    found
}

/// The form of any file of ours.
fn form(path: &str, text: &str, source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//! ") {
        found.push(format!("{path}:1: a file opens with a `//!` sentence that says what it is for"));
    }
    if source.lines > LINES && !text.lines().any(|line| line.starts_with(REASON)) {
        found.push(format!("{path}: {} lines without tests; split it, or give the reason: `{REASON} …`", source.lines));
    }
    let unsafe_words = source.all.iter().filter(|token| token.text == "unsafe");
    found.extend(unsafe_words.map(|token| format!("{path}:{}: `unsafe` is not used here", token.line)));
    found
}

/// Why a path is not for this floor, if it is not.
fn upward(path: &str, floor: usize, parts: &[String]) -> Option<String> {
    let target = target(path, parts)?;
    let Some(above) = self::floor(target) else {
        // A macro or an item of the crate root: only rooms have floors.
        return None;
    };
    (above < floor).then(|| format!("goes up from {} to {}", FLOORS[floor].0, FLOORS[above].0))
}

/// The room at the top of the crate that a path leads to.
fn target<'a>(path: &'a str, parts: &'a [String]) -> Option<&'a str> {
    match parts.first()?.as_str() {
        "crate" | "driftless" => parts.get(1).map(String::as_str),
        "super" => {
            let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
            let up = parts.iter().take_while(|part| *part == "super").count();
            let depth = module.split('/').count();
            if up < depth { Some(room(path)) } else { parts.get(up).map(String::as_str) }
        }
        _ => None,
    }
}

/// Why what a path names is not for this room, if it is not.
fn misplaced(path: &str, name: &str) -> Option<&'static str> {
    let ends = |with: &&&str| name.strip_suffix(**with).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"));
    let starts = |with: &&&str| name.strip_prefix(**with).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    if room(path) == "model" && (IMPURE.iter().any(|word| starts(&word)) || CLOCKS.iter().any(|word| ends(&word))) {
        return Some("is not for the model: it is pure");
    }
    if room(path) != "engine" && path != CLOCK && WAITS.iter().any(|word| ends(&word)) {
        return Some("waits; only the engine does");
    }
    if room(path) != "app" && name.contains("::") && SPAWNS.iter().any(|word| ends(&word)) {
        return Some("starts a task; only app does");
    }
    None
}

/// Why a method is not for this room, if it is not.
fn misplaced_call(path: &str, method: &str) -> Option<&'static str> {
    if method == "sleep" && room(path) != "engine" {
        return Some("waits; only the engine does");
    }
    if SPAWNS.contains(&method) && room(path) != "app" && !PROCESSES.contains(&path) {
        return Some("starts a task; only app does (a process: say so in PROCESSES)");
    }
    None
}

/// The room a file belongs to: `provider` for `provider/shape/push.rs`, `store` for `store.rs`.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, rooms)| rooms.contains(&room))
}

/// Every Rust file below `folder`, in order; a folder that is not there has none.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The files below `folder` with their paths from there, without those that hold test code only.
fn read_all(folder: &str) -> io::Result<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut read = Vec::new();
    let mut tests = Vec::new();
    for path in files(&root)? {
        let text = fs::read_to_string(&path)?;
        let children = match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") | None => path.with_file_name(""),
            Some(stem) => path.with_file_name(stem),
        };
        for module in Source::read(&text).test_modules {
            tests.push(children.join(format!("{module}.rs")));
            tests.push(children.join(module));
        }
        read.push((path, text));
    }
    read.retain(|(path, _)| !tests.iter().any(|test| path.starts_with(test)));
    let from_root = |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
    Ok(read.into_iter().map(|(path, text)| (from_root(&path), text)).collect())
}

#[test]
fn the_house_keeps_its_rules() {
    let sources = read_all("src").unwrap();
    assert!(sources.len() > 20, "only {} files were found: is this the house?", sources.len());
    let found: Vec<String> = sources.iter().flat_map(|(path, text)| faults(path, text)).collect();
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

#[test]
fn tests_and_examples_keep_the_form() {
    let mut found = Vec::new();
    for folder in ["tests", "examples"] {
        for (path, text) in read_all(folder).unwrap() {
            // Length is for the house itself: a table of cases may be long.
            let source = Source { lines: 0, ..Source::read(&text) };
            found.extend(form(&format!("{folder}/{path}"), &text, &source));
        }
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

/// The faults of a file that holds a sentence and `code`.
fn judged(path: &str, code: &str) -> Vec<String> {
    faults(path, &format!("//! A room.\n{code}\n"))
}

#[test]
fn an_import_that_goes_up_is_a_fault() {
    for (path, code) in [
        ("model/plan.rs", "use crate::net::http::Http;"),
        ("model/plan.rs", "use crate::{model::name::Name, engine::Engine};"),
        ("model/plan.rs", "use super::super::store::Store;"),
        ("model/mod.rs", "use super::store::Store;"),
        ("store.rs", "use super::engine;"),
        ("provider/shape/push.rs", "fn f(c: &crate::config::Config) {}"),
        ("provider/shape/push.rs", "use crate::{\n    model::{name::Name},\n    cli as c,\n};"),
        ("net/http.rs", "pub(crate) use crate::app::build;"),
        ("engine.rs", "use crate::config::Config;"),
        ("engine.rs", "type App = Vec<crate::app::App>;"),
    ] {
        let found = judged(path, code);
        assert_eq!(found.len(), 1, "{path} with `{code}`: {found:?}");
        assert!(found[0].contains("goes up"), "{found:?}");
    }
}

#[test]
fn an_import_that_goes_down_or_stays_is_none() {
    for (path, code) in [
        ("main.rs", "use driftless::{app, cli};"),
        ("app.rs", "use crate::{cli, config, engine, model, store};"),
        ("engine.rs", "use crate::model::machine::step; use crate::provider::Provider;"),
        ("provider/dyndns2.rs", "use crate::net::http::Http; use super::shape::push; use super::super::os::clock;"),
        ("net/http.rs", "#[cfg(test)]\nmod tests { use crate::config::Config; }"),
        ("net/http.rs", "#[cfg(test)]\n#[expect(unused, reason = \"a\")]\nuse crate::{app, cli};"),
        (
            "net/http.rs",
            "// crate::app\n/* crate::app /* nested */ */ const A: &str = \"crate::app\"; const B: &str = r#\"\"crate::app\"#;",
        ),
        (
            "model/name.rs",
            "const QUOTE: char = '\"'; fn f<'a>(a: &'a str) { g('\\'', b'\"', '\\u{22}') } use super::record::Rr;",
        ),
    ] {
        assert_eq!(judged(path, code), Vec::<String>::new(), "{path} with `{code}`");
    }
}

#[test]
fn code_after_the_tests_is_judged() {
    let found = judged(
        "net/http.rs",
        "#[cfg(test)]\nmod tests { fn f() { if a { b } } }\n#[cfg(test)]\nfn g(a: [u8; 2]) {}\n\nuse crate::app;",
    );
    assert_eq!(found, ["net/http.rs:7: `crate::app` goes up from hands to entrance"]);
}

#[test]
fn the_model_is_pure() {
    for code in [
        "use tokio::sync::mpsc;",
        "use std::{collections::BTreeMap, fs};",
        "use std::net::{IpAddr, TcpStream};",
        "fn f() { std::env::var(\"A\"); }",
        "fn f(r: reqwest::Request) {}",
        "fn f() { Instant::now(); }",
        "fn f() { jiff::Timestamp::now(); }",
        "use std::time::{Duration, Instant};",
    ] {
        let found = judged("model/machine.rs", code);
        assert_eq!(found.len(), 1, "`{code}`: {found:?}");
        assert!(found[0].contains("pure"), "{found:?}");
    }
    assert!(
        judged("model/machine.rs", "use std::net::{IpAddr, Ipv4Addr}; use std::time::Duration; mod tokio_like {}")
            .is_empty()
    );
    assert!(judged("os/file.rs", "use std::fs; use tokio::net::UdpSocket;").is_empty());
}

#[test]
fn only_the_engine_waits() {
    for code in [
        "use tokio::time::{self, sleep};",
        "async fn f() { tokio::time::sleep(d).await }",
        "async fn f() { time::sleep_until(d).await }",
        "fn f() { std::thread::sleep(d) }",
        "async fn f() { self.clock.sleep(d).await }",
    ] {
        let found = judged("net/dns.rs", code);
        assert_eq!(found.len(), 1, "`{code}`: {found:?}");
        assert!(found[0].contains("waits"), "{found:?}");
        assert!(judged("engine/mod.rs", code).is_empty(), "`{code}` in the engine");
    }
    assert!(judged("os/clock.rs", "async fn f() { tokio::time::sleep(d).await }").is_empty());
    assert_eq!(judged("os/netlink.rs", "async fn f() { tokio::time::sleep(d).await }").len(), 1);
    assert!(judged("net/dns.rs", "async fn f() { tokio::time::timeout(d, asleep(d)).await }").is_empty());
}

#[test]
fn only_app_starts_tasks() {
    for code in [
        "fn f() { tokio::spawn(a) }",
        "fn f() { std::thread::spawn(a) }",
        "use tokio::task::spawn_local;",
        "fn f() { set.spawn(a) }",
    ] {
        let found = judged("engine.rs", code);
        assert_eq!(found.len(), 1, "`{code}`: {found:?}");
        assert!(found[0].contains("starts a task"), "{found:?}");
        assert!(judged("app.rs", code).is_empty(), "`{code}` in app");
    }
    assert!(judged("os/run.rs", "fn f() { Command::new(a).spawn() }").is_empty());
}

#[test]
fn only_the_command_line_prints() {
    for code in ["fn f() { println!(\"a\") }", "fn f() { std::eprintln!(\"a\") }", "fn f() { dbg!(a) }"] {
        let found = judged("report/mod.rs", code);
        assert_eq!(found.len(), 1, "`{code}`: {found:?}");
        assert!(
            judged("cli.rs", code).is_empty()
                && judged("main.rs", code).is_empty()
                && judged("cli/status.rs", code).is_empty()
        );
    }
    assert!(judged("report/mod.rs", "fn f() { writeln!(a, \"println!()\") }").is_empty());
}

#[test]
fn a_room_without_a_floor_is_a_fault() {
    assert_eq!(judged("util.rs", "").len(), 1);
    assert_eq!(judged("util/strings.rs", "").len(), 1);
}

#[test]
fn the_form_of_a_file_is_judged() {
    assert_eq!(faults("store.rs", "use std::fs;\n").len(), 1, "no sentence");
    assert_eq!(judged("store.rs", "fn f() { unsafe { g() } }").len(), 1, "unsafe");
    assert_eq!(judged("store.rs", "#[cfg(test)]\nmod tests { fn f() { unsafe { g() } } }").len(), 1, "unsafe in tests");
    assert!(judged("store.rs", "#![forbid(unsafe_code)] // unsafe").is_empty());
    let long = "const A: u8 = 0;\n".repeat(400);
    assert_eq!(judged("store.rs", &long).len(), 1, "long without a reason");
    assert!(judged("store.rs", &format!("{REASON} it is a table.\n{long}")).is_empty(), "long with a reason");
    assert!(judged("store.rs", &format!("#[cfg(test)]\nmod tests {{\n{long}}}")).is_empty(), "long by its tests");
}
