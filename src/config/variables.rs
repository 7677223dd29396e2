//! `DRIFTLESS__ACCOUNT__HOME__PROVIDER`: the same keys as in a file, from environment variables.

use std::collections::BTreeMap;

use super::document::Spot;
use super::reader::{Reader, error, warning};
use super::tree::{Node, Table, Value};

/// What the variables of single keys start with.
const PREFIX: &str = "DRIFTLESS__";

/// The variable that holds a whole file.
pub(super) const WHOLE: &str = "DRIFTLESS_CONFIG_TOML";

/// The deepest key: `account`, `home`, `token`, `file` and two more. Nothing that is known is deeper.
const DEPTH: usize = 6;

/// The tree that the variables spell. Levels are lower-cased; records are numbered in the order they come.
pub(super) fn read(reader: &mut Reader, variables: &BTreeMap<String, String>) -> Table {
    let mut root = Table::new();
    for (name, content) in variables {
        if let Some(path) = name.strip_prefix(PREFIX) {
            let at = reader.documents.add_variable(name);
            let levels: Vec<String> = path.split("__").map(str::to_lowercase).collect();
            if levels.iter().any(String::is_empty) {
                reader.note(error(at, "a level of the key is empty").help(SHAPE.to_owned()));
            } else if levels.len() > DEPTH {
                reader.note(error(at, format!("the key has {} levels, at most {DEPTH} are known", levels.len())));
            } else if let Err(problem) = insert(&mut root, &levels, at, content) {
                reader.note(error(at, problem));
            }
        } else if name.starts_with("DRIFTLESS_") && name.contains("__") {
            // Without the double underscore others set such variables too (DRIFTLESS_PORT for a service of that name).
            let at = reader.documents.add_variable(name);
            reader.note(warning(at, "this variable is not used").help(SHAPE.to_owned()));
        }
    }
    if let Some((at, mut node)) = root.remove("record") {
        if let Value::Table(records) = node.value {
            node.value = Value::List(in_order(reader, records));
        }
        root.insert("record".into(), (at, node));
    }
    root
}

const SHAPE: &str =
    "two underscores between the levels: DRIFTLESS__ACCOUNT__HOME__PROVIDER, DRIFTLESS__RECORD__1__NAME";

fn insert(table: &mut Table, levels: &[String], at: Spot, content: &str) -> Result<(), String> {
    let clash = "another variable gives a value where this one goes on with further levels, or the other way round";
    let Some((key, below)) = levels.split_first() else { return Err(clash.into()) };
    if below.is_empty() {
        if table.contains_key(key) {
            return Err(clash.into());
        }
        table.insert(key.clone(), (at, Node { at, value: Value::Variable(content.to_owned()) }));
        return Ok(());
    }
    let (_, node) = table.entry(key.clone()).or_insert_with(|| (at, Node { at, value: Value::Table(Table::new()) }));
    match &mut node.value {
        Value::Table(table) => insert(table, below, at, content),
        _ => Err(clash.into()),
    }
}

/// The records in the order of their numbers, which may have gaps.
fn in_order(reader: &mut Reader, records: Table) -> Vec<Node> {
    let mut numbered = BTreeMap::new();
    for (key, (at, node)) in records {
        match key.parse::<u32>() {
            Ok(number) => {
                if numbered.insert(number, node).is_some() {
                    reader.note(error(at, format!("record {number} is numbered twice, with and without zeros")));
                }
            }
            Err(_) => {
                let problem = error(at, format!("records are numbered, \"{}\" is no number", key.escape_debug()));
                reader.note(problem.help(Some("DRIFTLESS__RECORD__1__NAME".to_owned())));
            }
        }
    }
    numbered.into_values().collect()
}
