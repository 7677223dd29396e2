//! What an answer is built of: the names of its fields, whatever they hold.

use std::collections::BTreeSet;

use serde_json::Value;

/// The names of all fields, by where they stand; entries of lists count as one.
pub fn form(value: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    gather(value, "", &mut names);
    names
}

fn gather(value: &Value, at: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| gather(value, &format!("{at}/{name}"), names));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| gather(entry, &format!("{at}/-"), names)),
        _ => drop(names.insert(at.to_owned())),
    }
}
