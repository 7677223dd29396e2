//! What is never shown: the parts of a text that may be a secret, right, misspelt or misplaced.

use std::collections::BTreeSet;

use super::document::{Documents, Spot};
use super::secret;
use super::tree::{Node, Table, Value};
use crate::notify;
use crate::provider::Entry;
use crate::provider::setting::{Kind, Setting};

/// Keeps what may be a secret out of every excerpt: in the tables of accounts and channels, each value whose key is not known to be
/// harmless. A misspelt `tokn = "…"` is shown in an error, its secret is not.
pub(super) fn tree(documents: &mut Documents, registry: &[Entry], root: &Table) {
    for (section, (_, node)) in root {
        let open = open_keys(registry, section);
        match (&node.value, &open) {
            (Value::Table(named), Some(open)) => {
                for (key, (_, node)) in named {
                    one(documents, open, key, node);
                }
            }
            _ => value(documents, node, open.is_none() && !is_secretive(section)),
        }
    }
}

/// An account, or a channel.
fn one(documents: &mut Documents, open: &BTreeSet<&str>, key: &str, node: &Node) {
    match &node.value {
        Value::Table(table) => {
            for (key, (_, node)) in table {
                value(documents, node, open.contains(key.as_str()));
            }
        }
        // `[account]` without a name: its keys are those of an account.
        _ => value(documents, node, open.contains(key)),
    }
}

fn value(documents: &mut Documents, node: &Node, open: bool) {
    match &node.value {
        Value::Table(table) => {
            for (key, (_, node)) in table {
                let is_name = matches!(&node.value, Value::Text(text) if secret::is_name(key, text));
                value(documents, node, key == "file" || is_name || open && !is_secretive(key));
            }
        }
        Value::List(items) => items.iter().for_each(|item| value(documents, item, open)),
        Value::Text(text) if open && !may_hold_secret(text) => {}
        Value::Text(_) => documents.mask(node.at),
        _ if open => {}
        _ => documents.mask(node.at),
    }
}

/// A URL, right or wrong, may hold a password or a token.
fn may_hold_secret(text: &str) -> bool {
    text.contains(['@', '?'])
}

/// Whether a key promises a secret, wherever it stands: one under the wrong heading is as secret as elsewhere.
fn is_secretive(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let words = ["api_key", "apikey", "passw", "secret", "token"];
    words.iter().any(|word| key.contains(word)) && !key.ends_with("_file")
}

/// The same for a text that is no TOML: in the accounts' and the channels' part all that follows a key not known to be harmless, elsewhere all
/// that follows a key which promises a secret.
pub(super) fn lines(documents: &mut Documents, registry: &[Entry], document: usize) {
    let sections = ["account", "notify"].map(|section| (section, open_keys(registry, section).unwrap_or_default()));
    let mut within = None;
    let mut masks = Vec::new();
    for (start, line) in documents.lines(document) {
        let bare = line.trim_start();
        if bare.starts_with('[') {
            let name = bare.trim_start_matches(['[', ' ', '\t', '"', '\'']);
            within = sections.iter().find(|(section, _)| name.starts_with(section));
        }
        let key = line.split('=').next().unwrap_or("");
        let rest = line.get(key.len()..).unwrap_or("");
        // Before the first table there may be dotted keys: `account.home.token = …`.
        let inside = within.or_else(|| sections.iter().find(|(section, _)| bare.starts_with(section)));
        let is_open = |open: &BTreeSet<&str>| open.contains(key.trim().trim_matches(['"', '\'']));
        let harmless = inside.is_some_and(|(_, open)| is_open(open)) && !may_hold_secret(rest);
        let header = bare.starts_with('[') && !line.contains('=');
        let suspect = inside.is_some() && !harmless || is_secretive(line);
        if suspect && !header && !bare.starts_with('#') {
            let from = if line.contains('=') { key.len() + 1 } else { 0 };
            masks.push(Spot { document, start: start + from, end: start + line.len() });
        }
    }
    masks.into_iter().filter(|mask| mask.start < mask.end).for_each(|mask| documents.mask(mask));
}

/// The keys that are known to be harmless in the tables of a section whose tables hold secrets.
fn open_keys(registry: &[Entry], section: &str) -> Option<BTreeSet<&'static str>> {
    let declared: Vec<&[Setting]> = match section {
        "account" => registry.iter().map(|entry| entry.settings).collect(),
        "notify" => notify::REGISTRY.iter().map(|entry| entry.settings).collect(),
        _ => return None,
    };
    let settings = || declared.iter().copied().flatten();
    let mut open: BTreeSet<&str> = settings().filter(|one| one.kind != Kind::Secret).map(|one| one.name).collect();
    for secret in settings().filter(|one| one.kind == Kind::Secret) {
        open.remove(secret.name);
    }
    match section {
        "account" => open.extend(["provider", "nameservers", "verify"]),
        _ => open.extend(super::notify::COMMON),
    }
    Some(open)
}
