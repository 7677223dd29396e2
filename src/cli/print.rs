//! How data becomes text: tables that fit, JSON, and the configuration's errors.
#![expect(clippy::print_stderr, reason = "this is the place")]

use std::fmt::Write;
use std::io::IsTerminal;

use serde::Serialize;

use crate::app::Failure;
use crate::config::{ConfigErrors, Warning};

/// Prints a text and a line break. Who has closed the pipe has seen enough.
pub(super) fn line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
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

/// Prints what is wrong with the configuration.
pub(super) fn errors(errors: &ConfigErrors, as_json: bool) {
    if as_json && json(errors).is_ok() {
        return;
    }
    eprintln!("{}", errors.render(std::io::stderr().is_terminal()));
    let count = errors.problems().len();
    eprintln!("\n{count} {} in the configuration", if count == 1 { "problem" } else { "problems" });
}

/// Prints what a person should look at.
pub(super) fn warnings(warnings: &[Warning]) {
    for warning in warnings {
        eprintln!("{}\n", warning.render(std::io::stderr().is_terminal()));
    }
}

/// A warning in one line, with its advice.
pub(super) fn one_line(warning: &Warning) -> String {
    match &warning.help {
        Some(help) => format!("{warning} ({})", help.replace('\n', " ")),
        None => warning.to_string(),
    }
}
