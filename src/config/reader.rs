//! Typed access to the tree: every mistake is noted with its place, and reading goes on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::document::{Documents, Spot};
use super::duration;
use super::meant::Source;
use super::problem::{Also, Problem, Severity, Unread};
use super::suggest;
use super::tree::{Node, Table, Value};

/// How many problems are shown: more would not be read.
const MOST: usize = 100;

/// Collects what is wrong while the tree is read.
pub(super) struct Reader {
    pub documents: Documents,
    /// The addresses whose prefix another one can have, each with its IPv6 source; `None` where that is composed itself.
    pub prefixes: BTreeMap<String, Option<Source>>,
    /// Those whose prefix is asked for.
    pub referred: BTreeSet<String>,
    drafts: Vec<Draft>,
}

/// A problem whose place is not worked out yet.
pub(super) struct Draft {
    at: Spot,
    severity: Severity,
    message: String,
    help: Option<String>,
    also: Option<(Spot, String)>,
    unread: Option<Unread>,
}

impl Draft {
    /// That it is about a secret that cannot be read at present.
    pub fn unread(mut self, path: PathBuf, is_credential: bool) -> Self {
        self.unread = Some(Unread { path, is_credential });
        self
    }

    /// What to do about it.
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// Another place that has to do with it.
    pub fn also(mut self, at: Spot, message: impl Into<String>) -> Self {
        self.also = Some((at, message.into()));
        self
    }
}

/// An error at a place.
pub(super) fn error(at: Spot, message: impl Into<String>) -> Draft {
    Draft { at, severity: Severity::Error, message: message.into(), help: None, also: None, unread: None }
}

/// A warning at a place.
pub(super) fn warning(at: Spot, message: impl Into<String>) -> Draft {
    Draft { severity: Severity::Warning, ..error(at, message) }
}

/// A key and its value.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub key: &'a str,
    /// Where the key stands.
    pub at: Spot,
    pub node: &'a Node,
}

/// A table that is being read: what is not asked for is not known.
pub(super) struct Fields<'a> {
    table: &'a Table,
    known: Vec<String>,
}

impl<'a> Fields<'a> {
    pub fn new(table: &'a Table) -> Self {
        Self { table, known: Vec::new() }
    }

    /// The field called `key`, if it was typed. The key is known from now on.
    pub fn take(&mut self, key: &str) -> Option<Field<'a>> {
        self.known.push(key.to_owned());
        let (key, (at, node)) = self.table.get_key_value(key)?;
        Some(Field { key, at: *at, node })
    }

    /// Notes every key that was not asked for. `whose` completes "… is not a key of".
    pub fn finish(self, reader: &mut Reader, whose: &str) {
        for (key, (at, _)) in self.table {
            if !self.known.contains(key) {
                let free = self.known.iter().map(String::as_str).filter(|known| !self.table.contains_key(*known));
                let help = suggest::help(key, "known keys that are not used here", free);
                reader.note(error(*at, format!("`{}` is not a key of {whose}", key.escape_debug())).help(help));
            }
        }
    }
}

impl<'a> Field<'a> {
    /// The same key with one item of its list.
    pub fn item(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    /// The text, where it is one.
    pub fn as_text(self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) | Value::Variable(text) => Some(text),
            _ => None,
        }
    }
}

impl Reader {
    pub fn new(documents: Documents) -> Self {
        Self { documents, prefixes: BTreeMap::new(), referred: BTreeSet::new(), drafts: Vec::new() }
    }

    /// Notes a problem.
    pub fn note(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Whether an error was noted.
    pub fn failed(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors were noted.
    pub fn errors(&self) -> usize {
        self.drafts.iter().filter(|draft| draft.severity == Severity::Error).count()
    }

    /// The problems with their places, in the order they were typed.
    pub fn finish(mut self) -> Vec<Problem> {
        // Errors first where there are more than are shown, then all in the order of the text.
        self.drafts.sort_by_key(|draft| draft.severity == Severity::Warning);
        let more = self.drafts.len().saturating_sub(MOST);
        self.drafts.truncate(MOST);
        self.drafts.sort_by_key(|draft| draft.at);
        let documents = &self.documents;
        let mut problems: Vec<Problem> = self.drafts.into_iter().map(|draft| place(documents, draft)).collect();
        if more > 0 {
            problems.push(Problem::without_place(format!("{more} problems more are not shown"), None));
        }
        problems
    }

    fn wrong(&mut self, field: Field<'_>, expected: &str) {
        let found = field.node.value.kind();
        self.note(error(field.node.at, format!("`{}` expects {expected}, found {found}", field.key)));
    }

    /// Notes that a field's value does not do, and why.
    pub fn refuse(&mut self, field: Field<'_>, why: impl std::fmt::Display) {
        self.note(error(field.node.at, format!("`{}`: {why}", field.key)));
    }

    /// A table.
    pub fn table<'a>(&mut self, field: Field<'a>, expected: &str) -> Option<&'a Table> {
        match &field.node.value {
            Value::Table(table) => Some(table),
            _ => {
                self.wrong(field, expected);
                None
            }
        }
    }

    /// Text that is not empty and has no control characters.
    pub fn text<'a>(&mut self, field: Field<'a>, expected: &str) -> Option<&'a str> {
        self.text_without(field, expected, char::is_control)
    }

    /// Text that is not empty, may have several lines, and has no other control characters.
    pub fn lines<'a>(&mut self, field: Field<'a>, expected: &str) -> Option<&'a str> {
        self.text_without(field, expected, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    }

    fn text_without<'a>(&mut self, field: Field<'a>, expected: &str, refused: fn(char) -> bool) -> Option<&'a str> {
        let Some(text) = field.as_text() else {
            self.wrong(field, expected);
            return None;
        };
        if text.is_empty() {
            self.refuse(field, "the text is empty");
        } else if text.chars().any(refused) {
            self.refuse(field, "the text contains a control character");
        } else {
            return Some(text);
        }
        None
    }

    /// `true` or `false`.
    pub fn flag(&mut self, field: Field<'_>) -> Option<bool> {
        match &field.node.value {
            Value::Flag(flag) => return Some(*flag),
            Value::Variable(text) if text == "true" => return Some(true),
            Value::Variable(text) if text == "false" => return Some(false),
            _ => self.wrong(field, "true or false"),
        }
        None
    }

    /// A whole number within bounds, both included.
    pub fn number(&mut self, field: Field<'_>, least: u32, most: u32, or: &str) -> Option<u32> {
        let number = match &field.node.value {
            Value::Number(number) => *number,
            Value::Variable(text) if text.parse::<i64>().is_ok() => text.parse().ok(),
            _ => {
                self.wrong(field, &format!("a whole number from {least} to {most}{or}"));
                return None;
            }
        };
        let within = number.and_then(|number| u32::try_from(number).ok()).filter(|n| (least..=most).contains(n));
        if within.is_none() {
            self.refuse(field, format!("the number must be from {least} to {most}"));
        }
        within
    }

    /// A duration within bounds, both included.
    pub fn duration(&mut self, field: Field<'_>, least: Duration, most: Duration) -> Option<Duration> {
        let bounds = least..=most;
        let expected = format!("a duration such as {}", examples(&bounds));
        let Some(text) = field.as_text() else {
            let draft =
                error(field.node.at, format!("`{}` expects {expected}, found {}", field.key, field.node.value.kind()));
            let help = match field.node.value {
                Value::Number(Some(number)) => with_unit(number, &bounds),
                _ => None,
            };
            self.note(draft.help(help));
            return None;
        };
        let Some(found) = duration::parse(text) else {
            let found = text.escape_debug();
            self.note(error(field.node.at, format!("`{}` expects {expected}, found \"{found}\"", field.key)));
            return None;
        };
        if !bounds.contains(&found) {
            self.refuse(
                field,
                format!("the duration must be from {} to {}", duration::spoken(least), duration::spoken(most)),
            );
            return None;
        }
        Some(found)
    }

    /// A list with at least one item; a variable holds them with commas between.
    pub fn list<'a>(&mut self, field: Field<'a>, expected: &str) -> Option<Cow<'a, [Node]>> {
        let items: Cow<'a, [Node]> = match &field.node.value {
            Value::List(items) => items.into(),
            Value::Variable(text) if text.trim().is_empty() => Vec::new().into(),
            Value::Variable(text) => {
                let item = |item: &str| Node { at: field.node.at, value: Value::Variable(item.trim().to_owned()) };
                text.split(',').map(item).collect::<Vec<_>>().into()
            }
            _ => {
                self.wrong(field, expected);
                return None;
            }
        };
        if items.is_empty() {
            self.refuse(field, "the list is empty");
            return None;
        }
        Some(items)
    }

    /// A list of texts. `None` when any of them is wrong.
    pub fn texts(&mut self, field: Field<'_>, expected: &str) -> Option<Vec<String>> {
        let items = self.list(field, expected)?;
        let texts: Vec<Option<String>> =
            items.iter().map(|item| self.text(field.item(item), "a list of texts").map(str::to_owned)).collect();
        texts.into_iter().collect()
    }
}

/// Durations as they are typed, within these bounds.
fn examples(bounds: &RangeInclusive<Duration>) -> String {
    let usual =
        ["5m", "1h 30m"].into_iter().filter(|text| duration::parse(text).is_some_and(|it| bounds.contains(&it)));
    let mut texts: Vec<String> = usual.map(str::to_owned).collect();
    if texts.is_empty() {
        texts = [bounds.start(), bounds.end()].map(|bound| duration::spoken(*bound)).into();
    }
    texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(" or ")
}

/// What to write for a number without a unit: the first unit with which it is within the bounds.
fn with_unit(number: i64, bounds: &RangeInclusive<Duration>) -> Option<String> {
    let units = [("s", "seconds"), ("m", "minutes"), ("h", "hours"), ("d", "days")];
    let fits = |text: &str| duration::parse(text).is_some_and(|found| bounds.contains(&found));
    units
        .into_iter()
        .find(|(unit, _)| fits(&format!("{number}{unit}")))
        .map(|(unit, word)| format!("write the unit: \"{number}{unit}\" for {word}"))
}

fn place(documents: &Documents, draft: Draft) -> Problem {
    let also = draft.also.and_then(|(at, message)| Some(Also { place: documents.place(at)?, message }));
    let place = documents.place(draft.at);
    let (message, help) = (clean(draft.message), draft.help.map(clean));
    Problem { severity: draft.severity, place, message, help, also, unread: draft.unread }
}

/// Text for a terminal: what was typed may be part of it, and must not move the cursor or change colours.
fn clean(text: String) -> String {
    if text.chars().any(char::is_control) {
        return text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    }
    text
}
