//! The man pages name what there is: every command, option and exit code of the help, every key that the configuration knows.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::process::Command;

use driftless::detect::echoes::Protocol;
use driftless::model::news::Kind;
use driftless::model::news::template::Variable;
use driftless::provider::REGISTRY;

const COMMANDS: &str = include_str!("../packaging/man/driftless.8");
const KEYS: &str = include_str!("../packaging/man/driftless.toml.5");
const EXAMPLE: &str = include_str!("../config/driftless.toml");

fn help(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_driftless")).args(words).arg("--help").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(feature = "import")]
#[test]
fn every_option_updater_and_exit_code_of_the_importer_is_in_its_manual() {
    const IMPORT: &str = include_str!("../packaging/man/driftless-import.8");
    let output = Command::new(env!("CARGO_BIN_EXE_driftless-import")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let options = options_of(&help);
    assert!(options.len() >= 7, "{options:?}");
    for option in options {
        assert!(IMPORT.contains(&format!("Fl Fl {option}")), "--{option}");
    }
    for tool in driftless::import::Tool::ALL {
        assert!(IMPORT.contains(&format!("\n.It Cm {tool}\n")), "{tool}");
    }
    for code in section(&help, "Exit codes:") {
        assert!(IMPORT.contains(&format!("\n.It {code}\n")), "{code}");
    }
}

/// The words that stand at the beginning of the lines of a section.
fn section<'a>(help: &'a str, title: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != title).skip(1).take_while(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with("    ")).filter_map(|line| line.split_whitespace().next()).collect()
}

/// The long options of a help.
fn options_of(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Options:");
    // Where a line begins with an option; elsewhere options are spoken of.
    let starts = lines.map(str::trim_start).filter(|line| line.starts_with('-'));
    let rest = starts.filter_map(|line| Some(line.split_once("--")?.1));
    rest.filter_map(|rest| Some(rest.split([' ', ',']).next()?.to_owned())).collect()
}

/// The words of a page, its macros too.
fn words(page: &str) -> BTreeSet<&str> {
    let part = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    page.split(part).collect()
}

#[test]
fn every_command_option_and_exit_code_is_in_the_manual() {
    let main = help(&[]);
    let commands = section(&main, "Commands:");
    assert!(commands.len() >= 11, "{commands:?}");
    let mut options = BTreeSet::new();
    let mut within = 0;
    for command in &commands {
        assert!(COMMANDS.contains(&format!("\n.It Cm {command}")), "{command}");
        let help_of = if *command == "help" { main.clone() } else { help(&[command]) };
        options.extend(options_of(&help_of));
        // Commands within a command, but for its `help`.
        let inner = if *command == "help" { Vec::new() } else { section(&help_of, "Commands:") };
        for inner in inner.into_iter().filter(|inner| *inner != "help") {
            assert!(COMMANDS.contains(&format!("\n.It Cm {command} {inner} ")), "{command} {inner}");
            options.extend(options_of(&help(&[command, inner])));
            within += 1;
        }
    }
    assert!(within >= 12, "{within}");
    assert!(options.len() >= 8, "{options:?}");
    for option in options {
        assert!(COMMANDS.contains(&format!("Fl Fl {option}")), "--{option}");
    }
    for code in section(&main, "Exit codes:") {
        assert!(COMMANDS.contains(&format!("\n.It {code}\n")), "{code}");
    }
}

#[test]
fn every_key_of_the_configuration_is_in_the_manual() {
    let page = words(KEYS);
    let settings = REGISTRY.iter().flat_map(|entry| entry.settings).map(|setting| setting.name);
    let examples = EXAMPLE.lines().map(|line| line.trim_start_matches('#')).filter_map(|line| line.split_once(" = "));
    let typed = examples
        .map(|(key, _)| key)
        .filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    let sources = [
        ["interface", "https", "file", "command", "fixed", "first_of", "quorum", "of", "json", "key", "timeout"]
            .as_slice(),
        &["dns", "stun", "server", "type", "class", "authoritative", "transport", "header", "pattern", "pool"],
        &["bind_interface", "bind_address", "operator", "router", "trusted", "via"],
    ];
    let sources = sources.concat();
    for protocol in [Protocol::Dns, Protocol::Https, Protocol::Stun] {
        let missing: Vec<&str> = protocol.names().into_iter().filter(|name| !KEYS.contains(name)).collect();
        assert_eq!(missing, Vec::<&str>::new(), "{protocol}");
    }
    let channels = driftless::notify::REGISTRY.iter().flat_map(|entry| entry.settings).map(|setting| setting.name);
    let settings = settings.chain(channels).chain(driftless::notify::REGISTRY.iter().map(|entry| entry.name));
    let given: Vec<String> = driftless::notify::variables().map(|(name, _)| name).collect();
    let words = Variable::ALL.map(|variable| format!("{{{}}}", variable.word()));
    assert!(given.iter().chain(&words).all(|word| KEYS.contains(word)), "{given:?} {words:?}");
    let settings = settings.chain(Kind::ALL.map(Kind::word));
    let keys: BTreeSet<&str> = settings.chain(typed).chain(sources).collect();
    assert!(keys.len() > 50, "{keys:?}");
    let missing: Vec<&str> = keys.into_iter().filter(|key| !page.contains(key)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    for entry in REGISTRY {
        assert!(KEYS.contains(&format!("\n.Ss {}\n", entry.name)), "{}", entry.name);
    }
}
