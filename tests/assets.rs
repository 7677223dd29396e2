//! Completions, manual and schema are what the program's own declarations make, and the shells take them.
//!
//! Where this fails: `cargo run --features import --example assets`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]
#![expect(clippy::print_stderr, reason = "what is not here is said")]

use std::path::Path;
use std::process::{Command, Output};

#[path = "../packaging/assets/mod.rs"]
mod assets;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BASH: &str = "packaging/completions/driftless.bash";
const IMPORTERS: &str = "packaging/completions/driftless-import.bash";

/// What a program says, or `None` with a word where it is not on this machine.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(ROOT).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("{program} is not here: not tried");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn every_file_is_what_the_declarations_make() {
    let made = assets::files(Path::new(ROOT)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(made.len(), if cfg!(feature = "import") { 9 } else { 6 });
    let differs = |(path, made): &&(&str, String)| {
        std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_default() != *made
    };
    let old: Vec<&str> = made.iter().filter(differs).map(|(path, _)| *path).collect();
    assert_eq!(old, Vec::<&str>::new(), "cargo run --features import --example assets");
}

#[test]
fn each_shell_takes_its_completions() {
    let mut tried = 0;
    for (shell, file) in [
        ("bash", BASH),
        ("bash", IMPORTERS),
        ("zsh", "packaging/completions/_driftless"),
        ("zsh", "packaging/completions/_driftless-import"),
        ("fish", "packaging/completions/driftless.fish"),
        ("fish", "packaging/completions/driftless-import.fish"),
    ] {
        let Some(output) = run(shell, &["-n", file]) else { continue };
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
        tried += 1;
    }
    assert!(tried > 0, "no shell is here");
}

/// What bash offers where the last of these words is being typed.
fn offered(words: &[&str]) -> Option<Vec<String>> {
    let typed = words.join(" ");
    let (program, last) = (words.first()?, words.last()?);
    let before = words.iter().rev().nth(1)?;
    let (file, function) =
        if *program == "driftless" { (BASH, "_driftless") } else { (IMPORTERS, "_driftless__import") };
    let script = format!(
        "source {file}; COMP_WORDS=({typed}{}); COMP_CWORD={}; COMPREPLY=(); {function} {program} '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        if last.is_empty() { " ''" } else { "" },
        words.len() - 1,
    );
    let output = run("bash", &["--norc", "-c", &script])?;
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_commands_and_options() {
    let Some(all) = offered(&["driftless", ""]) else { return };
    for command in driftless::cli::grammar::command().get_subcommands() {
        assert!(all.iter().any(|word| word == command.get_name()), "{}: {all:?}", command.get_name());
    }
    assert_eq!(offered(&["driftless", "stat"]).unwrap(), ["status"]);
    assert_eq!(offered(&["driftless", "check", "--on"]).unwrap(), ["--online"]);
    assert_eq!(offered(&["driftless", "records", "upd"]).unwrap(), ["update"]);
    assert_eq!(offered(&["driftless", "records", "update", "--prio"]).unwrap(), ["--priority"]);
    assert!(offered(&["driftless", "run", "--dem"]).unwrap().contains(&"--demo".to_owned()));
    assert_eq!(offered(&["driftless-import", "--fo"]).unwrap(), ["--force"]);
    assert_eq!(offered(&["driftless-import", "--from", "ddcl"]).unwrap(), ["ddclient"]);
}

#[test]
fn fish_completes_commands_and_options() {
    const FISH: &str = "source packaging/completions/driftless.fish; complete -C";
    for (typed, word) in [("stat", "status"), ("check --on", "--online"), ("records upd", "update")] {
        let Some(output) = run("fish", &["--no-config", "-c", &format!("{FISH} 'driftless {typed}'")]) else { return };
        let offered = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = offered.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(words, [word], "{typed}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn zsh_offers_the_commands_that_there_are() {
    // Its completion needs a terminal; the words are in its file.
    let zsh = std::fs::read_to_string(Path::new(ROOT).join("packaging/completions/_driftless")).unwrap();
    assert!(zsh.starts_with("#compdef driftless\n"));
    for command in driftless::cli::grammar::command().get_subcommands() {
        assert!(zsh.contains(&format!("'{}:", command.get_name())), "{}", command.get_name());
    }
}

#[test]
fn the_manual_is_set_without_a_warning() {
    for page in ["packaging/man/driftless.8", "packaging/man/driftless.toml.5"] {
        let Some(output) = run("groff", &["-mdoc", "-ww", "-Tutf8", "-Kutf8", page]) else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        let set = String::from_utf8_lossy(&output.stdout);
        assert!(set.contains("DRIFTLESS") && set.lines().count() > 100, "{set}");
    }
}
