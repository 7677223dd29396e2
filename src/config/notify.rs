//! Channels: who is told what, and how.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::account::check_label;
use super::declared::{self, Declarer};
use super::document::Spot;
use super::input::Input;
use super::meant::Channel;
use super::reader::{Fields, Reader};
use super::setting;
use super::tree::{Table, Value};
use crate::model::news::Kind;
use crate::model::news::teller::Wish;
use crate::notify::{Hears, REGISTRY, find};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The keys that every channel has, beside those of its type.
pub(super) const COMMON: [&str; 5] = ["after", "events", "every", "limit", "type"];

/// Reads every channel. One that is wrong is left out.
pub(super) fn read(reader: &mut Reader, input: &Input, channels: &Table) -> BTreeMap<String, Channel> {
    let read = channels.iter().filter_map(|(name, (at, node))| {
        let Value::Table(table) = &node.value else { return None };
        let before = reader.errors();
        check_label(reader, *at, name, "a channel");
        let channel = one(reader, input, name, *at, table)?;
        (reader.errors() == before).then(|| (name.clone(), channel))
    });
    read.collect()
}

fn one(reader: &mut Reader, input: &Input, name: &str, at: Spot, table: &Table) -> Option<Channel> {
    let mut fields = Fields::new(table);
    let whose = format!("the channel \"{name}\"");
    let names: Vec<_> = REGISTRY.iter().map(|entry| entry.name).collect();
    // Without a type it is not known which keys there are.
    let entry = find(declared::chosen(
        reader,
        &mut fields,
        ("type", "type of channel", "types of channel"),
        (&whose, at),
        &names,
    )?)?;
    let after = fields.take("after").and_then(|field| reader.duration(field, MINUTE, 30 * DAY)).unwrap_or(HOUR);
    let wish = if entry.hears != Hears::News {
        let every = fields.take("every").and_then(|field| reader.duration(field, MINUTE, DAY));
        Wish::Beat { after, every: every.unwrap_or_default(), silent: entry.hears == Hears::GoodBeats }
    } else {
        let limit = fields.take("limit").and_then(|field| reader.number(field, 1, 60, ""));
        Wish::News { events: events(reader, &mut fields), after, limit: limit.unwrap_or(10) }
    };
    let described = format!("{whose} of the type {}", entry.name);
    let declarer = Declarer { name, whose, described, place: at };
    let (settings, places, complete) = declared::read(reader, input, &declarer, &mut fields, entry.settings);
    fields.finish(reader, &declarer.described);
    let place = reader.documents.place(at);
    complete.then(|| Channel { name: name.to_owned(), entry, settings, wish, place, places })
}

/// Reads `["held", "recovered"]`; all of them unless some are named.
fn events(reader: &mut Reader, fields: &mut Fields<'_>) -> BTreeSet<Kind> {
    let Some(field) = fields.take("events") else { return Kind::ALL.into() };
    let words = Kind::ALL.map(Kind::word);
    let expected = format!("a list of {}", setting::quoted(&words));
    let Some(list) = reader.list(field, &expected) else { return BTreeSet::new() };
    let chosen: Vec<_> = list.iter().filter_map(|item| setting::choice(reader, field.item(item), &words)).collect();
    Kind::ALL.into_iter().filter(|kind| chosen.contains(&kind.word())).collect()
}
