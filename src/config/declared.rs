//! The keys of tables whose kinds declare them: accounts have those of their providers, channels those of their types.

use std::collections::BTreeMap;

use super::document::Spot;
use super::input::Input;
use super::problem::Place;
use super::reader::{Field, Fields, Reader, error};
use super::tree::{Node, Value};
use super::{secret, setting, suggest};
use crate::provider::setting::{Kind, Setting, Settings, Value as Checked};

/// Whose keys are read.
pub(super) struct Declarer<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is called in messages: `the account "home"`.
    pub whose: String,
    /// The same with what declares its keys: `the account "home" at dyndns2`.
    pub described: String,
    /// Where it stands.
    pub place: Spot,
}

/// What declares the keys of a table: one of these words, at `key`. `what` it is called, `whose` it is.
pub(super) fn chosen(
    reader: &mut Reader,
    fields: &mut Fields<'_>,
    (key, what, several): (&str, &str, &str),
    (whose, at): (&str, Spot),
    words: &[&'static str],
) -> Option<&'static str> {
    let known = format!("known {several}");
    let Some(field) = fields.take(key) else {
        let problem = error(at, format!("{whose} has no `{key}`"));
        reader.note(problem.help(suggest::help("", &known, words.iter().copied())));
        return None;
    };
    let typed = reader.text(field, &format!("the name of a {what}"))?;
    let found = words.iter().find(|word| **word == typed).copied();
    if found.is_none() {
        let problem = error(field.node.at, format!("there is no {what} \"{typed}\""));
        reader.note(problem.help(suggest::help(typed, &known, words.iter().copied())));
    }
    found
}

/// Reads the declared keys: the values, where each stands, and whether none is missing that is required.
pub(super) fn read(
    reader: &mut Reader,
    input: &Input,
    declarer: &Declarer<'_>,
    fields: &mut Fields<'_>,
    declared: &[Setting],
) -> (Settings, BTreeMap<&'static str, Place>, bool) {
    let mut settings = Settings::new(declarer.name);
    let mut places = BTreeMap::new();
    let mut complete = true;
    for wanted in declared {
        let (field, is_file) = pick(reader, fields, wanted);
        let value = match field {
            Some(field) if is_file => secret::file(reader, input, field).map(Checked::Secret),
            Some(field) => setting::read(reader, input, &declarer.whose, field, wanted.kind),
            None => from_variable(reader, input, &declarer.whose, wanted),
        };
        if let Some(place) = field.and_then(|field| reader.documents.place(field.node.at)) {
            places.insert(wanted.name, place);
        }
        match value {
            Some(value) => settings.set(wanted.name, value),
            None if wanted.required && field.is_none() && !has_variable(input, wanted) => {
                complete = false;
                missing(reader, declarer, wanted);
            }
            None => {}
        }
    }
    (settings, places, complete)
}

/// The field of a setting, and whether it is the one that names the secret's file (`token_file`). Where both were
/// typed, the later document overrides; within one document it is a mistake.
pub(super) fn pick<'a>(reader: &mut Reader, fields: &mut Fields<'a>, wanted: &Setting) -> (Option<Field<'a>>, bool) {
    let plain = fields.take(wanted.name);
    if wanted.kind != Kind::Secret {
        return (plain, false);
    }
    match (plain, fields.take(&format!("{}_file", wanted.name))) {
        (Some(plain), Some(file)) => {
            if plain.at.document == file.at.document || both_are_variables(reader, plain.at, file.at) {
                let (first, second) = if plain.at < file.at { (plain, file) } else { (file, plain) };
                let message = format!("the secret is given twice, by `{}` and `{}`", first.key, second.key);
                reader.note(error(second.at, message).also(first.at, "first given here"));
            }
            if file.at > plain.at { (Some(file), true) } else { (Some(plain), false) }
        }
        (None, Some(file)) => (Some(file), true),
        (plain, None) => (plain, false),
    }
}

fn both_are_variables(reader: &Reader, one: Spot, other: Spot) -> bool {
    [one, other].iter().all(|at| reader.documents.is_variable(at.document))
}

/// Whether the variable that stands in for a setting is set.
fn has_variable(input: &Input, wanted: &Setting) -> bool {
    !wanted.variable.is_empty() && input.variables.get(wanted.variable).is_some_and(|content| !content.is_empty())
}

fn from_variable(reader: &mut Reader, input: &Input, whose: &str, wanted: &Setting) -> Option<Checked> {
    if !has_variable(input, wanted) {
        return None;
    }
    let at = reader.documents.add_variable(wanted.variable);
    let node = Node { at, value: Value::Variable(input.variables.get(wanted.variable)?.clone()) };
    setting::read(reader, input, whose, Field { key: wanted.name, at, node: &node }, wanted.kind)
}

fn missing(reader: &mut Reader, declarer: &Declarer<'_>, wanted: &Setting) {
    let or = if wanted.variable.is_empty() { String::new() } else { format!(" (or ${})", wanted.variable) };
    let message = format!("{} needs `{}`{or}", declarer.described, wanted.name);
    reader.note(error(declarer.place, message).help(format!("`{}`: {}", wanted.name, wanted.help)));
}
