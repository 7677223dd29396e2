//! How data becomes text: tables that fit, JSON, and the configuration's errors.
#![expect(clippy::print_stderr, reason = "this is the place")]

use std::fmt::Write;
use std::io::IsTerminal;

use serde::Serialize;
use tracing::Level;

use crate::app::Failure;
use crate::config::{ConfigErrors, Problem, Severity, Warning};
use crate::os::log;

/// Prints a text and a line break. Who has closed the pipe has seen enough.
pub(super) fn line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// `1 name`, `2 names`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Prints a value as JSON, for programs.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Other(1, error.to_string()))?;
    line(&text);
    Ok(())
}

/// Prints a table: columns as wide as their widest cell, the last one as it is.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain(head.get(at).map(|cell| cell.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut text = String::new();
        for (at, cell) in row.iter().enumerate() {
            let pad = widths.get(at).filter(|_| at + 1 < row.len()).copied().unwrap_or(0);
            // Writing to a string cannot fail.
            let _ = write!(text, "{cell:pad$}  ");
        }
        line(text.trim_end());
    }
}

/// Prints why a command failed, and returns its exit code. Into the journal it goes line by line with the priority in
/// front (sd-daemon(3)), so that `journalctl -p err` finds it.
pub(super) fn failure(failure: &Failure, journal: bool) -> u8 {
    let (lines, code): (Vec<(Level, String)>, u8) = match failure {
        Failure::Config(errors) if journal => (errors.problems().iter().map(for_log).collect(), 78),
        Failure::Config(problems) => {
            errors(problems);
            return 78;
        }
        Failure::Other(code, why) => (vec![(Level::ERROR, format!("driftless: {why}"))], *code),
    };
    for (level, line) in lines {
        let priority = if journal { format!("<{}>", log::priority(level)) } else { String::new() };
        eprintln!("{priority}{line}");
    }
    code
}

/// Prints why a command failed as data, and returns its exit code.
pub(super) fn failure_as_json(failure: &Failure) -> u8 {
    let (why, problems, code) = match failure {
        Failure::Config(errors) => (errors.one_line(), errors.problems(), 78),
        Failure::Other(code, why) => (why.clone(), [].as_slice(), *code),
    };
    // Where even this cannot be printed, the exit code still tells.
    let _ = json(&serde_json::json!({ "error": why, "problems": problems }));
    code
}

fn for_log(problem: &Problem) -> (Level, String) {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARN,
    };
    (level, problem.one_line())
}

/// Prints what is wrong with the configuration.
fn errors(errors: &ConfigErrors) {
    eprintln!("{}", errors.render(std::io::stderr().is_terminal()));
    eprintln!("\n{} in the configuration", counted(errors.problems().len(), "problem"));
}

/// Prints a remark that is not part of the data.
pub(super) fn note(text: &str) {
    eprintln!("driftless: {text}\n");
}

/// Prints what a person should look at.
pub(super) fn warnings(warnings: &[Warning]) {
    for warning in warnings {
        eprintln!("{}\n", warning.render(std::io::stderr().is_terminal()));
    }
}
