//! What was typed as a tree: TOML files and variables in one shape, each part with its place.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::document::Spot;

/// A table: keys with the place of the key and the value.
pub(super) type Table = BTreeMap<String, (Spot, Node)>;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Spot,
    pub value: Value,
}

/// A value as it was typed.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// `None` for a number that no bound here reaches.
    Number(Option<i64>),
    Float,
    Flag(bool),
    Date,
    List(Vec<Node>),
    Table(Table),
    /// The content of a variable: whatever the key that it stands for holds.
    Variable(String),
}

impl Value {
    /// What a person calls it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "a number",
            Self::Float => "a decimal number",
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Variable(_) => "other text",
        }
    }
}

/// The tree of a parsed document, which is taken apart on the way: a thousand records in two shapes are megabytes. Its depth is
/// bounded by the parser.
pub(super) fn from_toml(document: usize, table: DeTable<'_>) -> Table {
    let own = |(key, value): (Spanned<DeString<'_>>, _)| {
        let at = spot(document, &key);
        (key.into_inner().into_owned(), (at, node(document, value)))
    };
    table.into_iter().map(own).collect()
}

fn spot<T>(document: usize, spanned: &Spanned<T>) -> Spot {
    let span = spanned.span();
    Spot { document, start: span.start, end: span.end }
}

fn node(document: usize, spanned: Spanned<DeValue<'_>>) -> Node {
    let at = spot(document, &spanned);
    let value = match spanned.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => Value::Number(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(_) => Value::Float,
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(list) => Value::List(list.into_iter().map(|item| node(document, item)).collect()),
        DeValue::Table(table) => Value::Table(from_toml(document, table)),
    };
    Node { at, value }
}

/// How deep tables are merged key by key: `account`, `home` and what is in it. Deeper ones are one value each
/// (`{ file = … }`), which is replaced.
const DEPTH: usize = 3;

/// Lays `over` over `base`: tables key by key, lists of tables (`[[record]]`) one after the other, the rest replaced.
/// With `folded`, as variables need it, a key also finds the one that differs in case or has hyphens for underscores.
pub(super) fn merge(base: &mut Table, over: Table, folded: bool) {
    merge_at(base, over, folded, DEPTH);
}

fn merge_at(base: &mut Table, over: Table, folded: bool, depth: usize) {
    for (key, (at, node)) in over {
        let key = if folded && !base.contains_key(&key) { same_but_for_case(base, key) } else { key };
        match base.entry(key) {
            Slot::Vacant(slot) => {
                slot.insert((at, node));
            }
            Slot::Occupied(mut slot) => match (&mut slot.get_mut().1.value, node) {
                (Value::Table(below), Node { value: Value::Table(above), .. }) if depth > 1 => {
                    merge_at(below, above, folded, depth - 1);
                }
                (Value::List(below), Node { value: Value::List(above), .. }) if depth == DEPTH => below.extend(above),
                (_, node) => {
                    slot.insert((at, node));
                }
            },
        }
    }
}

fn same_but_for_case(table: &Table, key: String) -> String {
    let fold = |key: &str| key.to_lowercase().replace('-', "_");
    let wanted = fold(&key);
    table.keys().find(|known| fold(known) == wanted).cloned().unwrap_or(key)
}
