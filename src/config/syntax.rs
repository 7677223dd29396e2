//! From a text to a tree: what is no TOML, and what is given twice.

use std::ops::Range;

use toml::de::DeTable;

use super::document::Spot;
use super::mask;
use super::problem::Origin;
use super::reader::{Reader, error};
use super::tree::{self, Table};
use crate::provider::Entry;

/// How many mistakes in the syntax of one document are shown: the later ones mostly follow from the first.
const MOST_SYNTAX: usize = 10;
/// What the parser says of a key or table that is given twice.
const TWICE: &str = "duplicate key";

/// The tree of a text; `None` where it is no TOML. What is wrong is noted.
pub(super) fn parse(reader: &mut Reader, registry: &[Entry], origin: Origin, text: &str) -> Option<Table> {
    let document = reader.documents.add_text(origin, text.to_owned());
    let (table, problems) = DeTable::parse_recoverable(text);
    if problems.is_empty() {
        let table = tree::from_toml(document, table.into_inner());
        mask::tree(&mut reader.documents, registry, &table);
        return Some(table);
    }
    mask::lines(&mut reader.documents, registry, document);
    let mut said = Vec::new();
    for problem in problems.iter().take(MOST_SYNTAX) {
        let span = problem.span().unwrap_or(0..0);
        let at = Spot { document, start: span.start, end: span.end };
        // One slip can break several rules of the grammar at one place.
        if said.contains(&(at, problem.message())) {
            continue;
        }
        said.push((at, problem.message()));
        reader.note(match problem.message() {
            TWICE => {
                let twice = error(at, "this key is given twice in one table")
                    .help("further records start with [[record]], further accounts with [account.NAME]".to_owned());
                match given_first(text, span.start) {
                    Some(first) => {
                        twice.also(Spot { document, start: first.start, end: first.end }, "first given here")
                    }
                    None => twice,
                }
            }
            message => error(at, format!("this is no TOML: {message}")),
        });
    }
    if problems.len() > MOST_SYNTAX {
        return None;
    }
    // What else is wrong need not wait for what is only given twice.
    let again: Option<Vec<usize>> =
        problems.iter().map(|problem| Some(problem.span()?.start).filter(|_| problem.message() == TWICE)).collect();
    let mut whole = Table::new();
    for text in apart(text, &again?) {
        // Of a key that is given twice the parser keeps one.
        let (table, problems) = DeTable::parse_recoverable(&text);
        if problems.iter().any(|problem| problem.message() != TWICE) {
            return None;
        }
        tree::merge(&mut whole, tree::from_toml(document, table.into_inner()), false);
    }
    mask::tree(&mut reader.documents, registry, &whole);
    Some(whole)
}

/// A text without the tables whose heads are at `again`, and each of those by itself: all octets at the places where they were.
fn apart(text: &str, again: &[usize]) -> Vec<String> {
    let blank = |of: &str| of.chars().map(|c| if c == '\n' { "\n".into() } else { " ".repeat(c.len_utf8()) }).collect();
    let mut whole = text.to_owned();
    let mut parts = Vec::new();
    for at in again {
        let (before, _) = text.split_at_checked(*at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let (before, rest) = text.split_at(start);
        if !rest.trim_start().starts_with('[') {
            continue;
        }
        let is_head = |line: &&str| line.trim_start().starts_with('[');
        let mut lines = rest.split_inclusive('\n');
        let head = lines.next().map_or(0, str::len);
        let (table, behind) =
            rest.split_at(head + lines.take_while(|line| !is_head(line)).map(str::len).sum::<usize>());
        let (blank_before, blank_behind): (String, String) = (blank(before), blank(behind));
        parts.push([&blank_before, table, &blank_behind].concat());
        let blank_table: String = blank(table);
        whole.replace_range(start..start + table.len(), &blank_table);
    }
    parts.insert(0, whole);
    parts
}

/// Where a key or the head of a table that is given again at `again` was given first; `None` where that is not seen from lines alone.
fn given_first(text: &str, again: usize) -> Option<Range<usize>> {
    let (before, _) = text.split_at_checked(again)?;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let mut earlier = Vec::new();
    let mut at = 0;
    for line in text.get(..start)?.split_inclusive('\n') {
        earlier.push((at, line));
        at += line.len();
    }
    let line = text.get(start..)?.lines().next()?;
    let says = |line: &str| {
        let line = line.trim_start();
        let (said, _) = if line.starts_with('[') { line.rsplit_once(']')? } else { line.split_once('=')? };
        Some(said.split_whitespace().collect::<String>()).filter(|said| !said.starts_with('#'))
    };
    let said = says(line)?;
    let is_head = |line: &str| line.trim_start().starts_with('[');
    let found = if is_head(line) {
        earlier.iter().find(|(_, line)| is_head(line) && says(line).as_ref() == Some(&said))
    } else if text.get(start..again)?.contains('=') {
        // Within a table of one line.
        None
    } else {
        let of_table = earlier.iter().rev().take_while(|(_, line)| !is_head(line));
        of_table.into_iter().filter(|(_, line)| says(line).as_ref() == Some(&said)).last()
    };
    found.map(|(at, line)| {
        let indent = line.len() - line.trim_start().len();
        let end = if is_head(line) { line.trim_end().len() } else { line.find('=').unwrap_or(line.len()) };
        at + indent..at + line.get(..end).unwrap_or(line).trim_end().len()
    })
}
