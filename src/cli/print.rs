//! How data becomes text: tables that fit, JSON, and the configuration's errors.
#![expect(clippy::print_stderr, reason = "this is the place")]

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::OnceLock;

use serde::Serialize;
use tracing::Level;

use crate::app::Failure;
use crate::config::{self, ConfigErrors, Problem, Severity, Warning};
use crate::os::log;

/// Why standard output took something no longer, the first time.
static LOST: OnceLock<String> = OnceLock::new();

/// The exit code of a command whose answer could not be written (`EX_IOERR` of sysexits.h).
const UNWRITABLE: u8 = 74;

/// Prints a text and a line break. Who has closed the pipe has seen enough; any other failure is told by [`delivered`].
pub(super) fn line(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout();
    note_loss(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// Remembers that an answer did not reach standard output.
pub(super) fn note_loss(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        // What is lost after it is lost for the same reason.
        let _ = LOST.set(error.to_string());
    }
}

/// The exit code of a command that ended with `code`: another one, and a message, where its answer could not be written.
/// `did`: it had something to do beside answering.
pub(super) fn delivered(code: u8, did: bool) -> u8 {
    let Some(why) = LOST.get() else { return code };
    let rest = if did && code == 0 { "; what was asked was done all the same" } else { "" };
    error(&format!("writing to standard output: {why}{rest}"));
    if code == 0 { UNWRITABLE } else { code }
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

/// The narrowest column of text that is broken by itself.
const NARROW: usize = 30;

/// The columns that a person asks for (`COLUMNS`), or those of the terminal that standard output goes to; `None` where there are
/// neither, and lines stay whole.
fn width() -> Option<usize> {
    if let Some(columns) = config::columns() {
        return Some(columns);
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Prints a text as wide as the terminal, further lines indented by so many columns more than the first.
pub(super) fn hanging(text: &str, more: usize) {
    let own = text.chars().take_while(|c| *c == ' ').count();
    broken(text, own + more, width()).iter().for_each(|text| line(text));
}

/// A text broken between words into lines of `width` columns at most, all but the first indented. A word that is longer stays whole.
fn broken(text: &str, indent: usize, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.filter(|width| *width >= indent + NARROW) else { return vec![text.to_owned()] };
    let mut lines = Vec::new();
    let mut rest = text.to_owned();
    let mut least = 0;
    while rest.chars().count() > width {
        let spaces = rest.char_indices().enumerate().filter(|(column, (_, c))| *c == ' ' && *column >= least);
        let spaces: Vec<(usize, usize)> = spaces.map(|(column, (at, _))| (column, at)).collect();
        let fits = spaces.iter().rfind(|(column, _)| *column <= width).or(spaces.first());
        let Some((_, at)) = fits else { break };
        let (first, second) = rest.split_at(*at);
        lines.push(first.trim_end().to_owned());
        rest = format!("{:indent$}{}", "", second.trim_start());
        least = indent + 1;
    }
    lines.push(rest);
    lines
}

/// A text from a stranger on one line: what would move the cursor or change the colour is shown as it is written in Rust.
pub(crate) fn tame(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// The least that a column is cut to.
const LEAST: usize = 12;

/// Prints a table whose cells are cut where the terminal is narrower than they are, a mark in place of the rest: first what keeps
/// the last column from being read, then the last column.
pub(super) fn cut_table(head: &[&str], rows: &[Vec<String>]) {
    let Some(columns) = width() else { return table(head, rows) };
    table(head, &fitted(head, rows, columns));
}

/// The rows with cells that fit into so many columns.
fn fitted(head: &[&str], rows: &[Vec<String>], columns: usize) -> Vec<Vec<String>> {
    let Some(last) = head.len().checked_sub(1) else { return rows.to_vec() };
    let mut widths: Vec<usize> = (0..last).map(|at| column(head, rows, at)).collect();
    let least = column(head, rows, last).min(NARROW);
    // One very long name must not take the room of all the others: the widest column gives way first.
    while widths.iter().map(|width| width + 2).sum::<usize>() + least > columns
        && let Some(widest) = widths.iter_mut().filter(|width| **width > LEAST).max()
    {
        *widest -= 1;
    }
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let rooms: Vec<Option<usize>> = widths.into_iter().map(Some).chain([room(Some(columns), used)]).collect();
    let cut_row = |row: &Vec<String>| row.iter().zip(&rooms).map(|(cell, room)| cut(cell, *room)).collect();
    rows.iter().map(cut_row).collect()
}

/// The columns that are left for the last cell of a line; `None` where lines stay whole. In a narrow terminal it has the next
/// line for itself.
fn room(width: Option<usize>, used: usize) -> Option<usize> {
    let width = width?;
    Some(if width < used + NARROW { width.saturating_sub(4).max(1) } else { width - used })
}

/// A cell cut to `room` characters.
fn cut(cell: &str, room: Option<usize>) -> String {
    match room {
        Some(room) if cell.chars().count() > room => cell.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
        _ => cell.to_owned(),
    }
}

/// How wide a column is.
fn column(head: &[&str], rows: &[Vec<String>], at: usize) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
    cells.chain(head.get(at).map(|cell| cell.len())).max().unwrap_or(0)
}

/// Prints a table: columns as wide as their widest cell, the last one broken where the terminal ends.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = (0..head.len()).map(|at| column(head, rows, at)).collect();
    let last: usize = widths.iter().rev().skip(1).map(|width| width + 2).sum();
    let columns = width();
    // In a narrow terminal the last column goes on below the first.
    let indent = if columns.is_some_and(|columns| columns < last + NARROW) { 4 } else { last };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut text = String::new();
        for (at, cell) in row.iter().enumerate() {
            let pad = widths.get(at).filter(|_| at + 1 < row.len()).copied().unwrap_or(0);
            // Writing to a string cannot fail.
            let _ = write!(text, "{cell:pad$}  ");
        }
        broken(text.trim_end(), indent, columns).iter().for_each(|text| line(text));
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
    eprintln!("{}", errors.render(colours()));
    eprintln!("\n{} in the configuration", counted(errors.problems().len(), "problem"));
}

/// Whether what goes to standard error is coloured.
fn colours() -> bool {
    std::io::stderr().is_terminal() && !config::no_color()
}

/// Prints a remark that is not part of the data.
pub(super) fn note(text: &str) {
    eprintln!("driftless: {text}\n");
}

/// Prints what a person should know of what is done now.
pub(super) fn warning(text: &str) {
    eprintln!("driftless: warning: {text}");
}

/// Prints what did not work although other things did.
pub(super) fn error(text: &str) {
    eprintln!("driftless: {text}");
}

/// Prints that something slow goes on.
pub(super) fn progress(text: &str) {
    eprintln!("driftless: {text}");
}

/// Prints a question and leaves the cursor behind it.
pub(super) fn question(text: &str) {
    use std::io::Write;
    eprint!("{text}");
    let _ = std::io::stderr().flush();
}

/// Prints the errors of a configuration that a command can do without, as warnings.
pub(super) fn not_needed(problems: &[Problem]) {
    for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
        warning(&format!("the configuration is wrong, which does not matter here: {}", problem.one_line()));
    }
}

/// Prints what a person should look at.
pub(super) fn warnings(warnings: &[Warning]) {
    for warning in warnings {
        eprintln!("{}\n", warning.render(colours()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_to_the_terminal_and_tamed() {
        let value = "x".repeat(400);
        assert_eq!(cut(&value, room(None, 18)), value);
        let shown = cut(&value, room(Some(80), 18));
        assert_eq!((shown.chars().count(), shown.ends_with("x…")), (62, true));
        assert_eq!(cut(&value, room(Some(40), 18)).chars().count(), 36, "on a line of its own");
        assert_eq!(tame("a\u{1b}[31mred\n"), "a\\u{1b}[31mred\\n");
    }

    #[test]
    fn one_long_name_takes_no_room_from_the_others_and_nothing_is_cut_that_fits() {
        let head = ["NAME", "TYPE", "TTL", "VALUE"];
        let row = |name: &str, value: &str| vec![name.to_owned(), "TXT".into(), "300".into(), value.to_owned()];
        let long = format!("{}.example.org", "label.".repeat(30));
        let rows =
            [row(&long, "192.0.2.1"), row("home.example.org", "v=spf1 -all"), row("a.example.org", &"x".repeat(90))];
        let shown = fitted(&head, &rows, 80);
        let width = |row: &Vec<String>| row.iter().map(|cell| cell.chars().count()).collect::<Vec<_>>();
        assert_eq!(width(&shown[0]), [37, 3, 3, 9], "{shown:?}");
        assert!(shown[0][0].starts_with("label.label") && shown[0][0].ends_with('…'), "{shown:?}");
        assert_eq!(shown[1], rows[1]);
        assert_eq!(width(&shown[2]), [13, 3, 3, 30]);
        assert_eq!(fitted(&head, &rows, 400), rows);
        let small = [row("home.example.org", "192.0.2.1")];
        assert_eq!(fitted(&head, &small, 40), small, "a short value needs no more than it has");
        assert_eq!(width(&fitted(&head, &rows, 30)[1]), [12, 3, 3, 11], "the value has a line of its own");
    }

    #[test]
    fn lines_are_broken_between_words_and_only_for_a_terminal() {
        let text = "home.example.org  A  one two three four five six";
        assert_eq!(broken(text, 4, None), [text]);
        assert_eq!(broken(text, 4, Some(48)), [text]);
        assert_eq!(broken(text, 4, Some(40)), ["home.example.org  A  one two three four", "    five six"]);
        let lines = broken(&"word ".repeat(40), 8, Some(40));
        assert!(lines.iter().all(|line| line.len() <= 40), "{lines:?}");
        assert_eq!(lines.join(" ").split_whitespace().count(), 40);
        let long = format!("{} end", "x".repeat(60));
        assert_eq!(broken(&long, 4, Some(40)), ["x".repeat(60), "    end".to_owned()]);
        assert_eq!(broken(&"x".repeat(60), 4, Some(40)), ["x".repeat(60)]);
        assert_eq!(broken(text, 4, Some(20)), [text], "too narrow to be read either way");
    }
}
