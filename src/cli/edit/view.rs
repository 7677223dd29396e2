//! What was found or done, as a table for people and as one JSON object for programs.

use serde_json::{Value, json};

use super::account::{Opened, advised, perhaps_done};
use crate::app::Failure;
use crate::cli::patience::INTERRUPTED;
use crate::cli::print;
use crate::model::error::Error;
use crate::model::name::Name;
use crate::model::record;
use crate::provider::edit::same;
use crate::provider::edit::{Attribute, Attributes, Edit, Row, ZoneRow};

/// Ids that are no longer stand in every table.
const SHORT_ID: usize = 12;

/// A record, with the name of its zone.
pub(super) type Placed = (Name, Row);

/// What became of one thing that was asked for.
pub(super) struct Failed {
    /// What it was: `www.example.org A 192.0.2.1`.
    pub(super) what: String,
    /// Why it was not done.
    pub(super) error: Error,
}

/// What a command comes to.
pub(super) struct Outcome {
    /// What was done, in the past: `added`; `None` for what only shows.
    pub(super) done: Option<&'static str>,
    /// The same as a word for programs: `add`.
    pub(super) action: &'static str,
    /// Nothing was written.
    pub(super) dry_run: bool,
    /// What was there already as it was asked for.
    pub(super) unchanged: Vec<Placed>,
    /// What did not work.
    pub(super) failures: Vec<Failed>,
    /// A person ended it before its end.
    pub(super) interrupted: bool,
}

impl Outcome {
    /// Of a command that shows.
    pub(super) fn shown(action: &'static str) -> Self {
        Self { done: None, action, dry_run: false, unchanged: Vec::new(), failures: Vec::new(), interrupted: false }
    }

    /// Of a command that writes.
    pub(super) fn written(action: &'static str, done: &'static str, dry_run: bool) -> Self {
        Self { done: Some(done), ..Self { dry_run, ..Self::shown(action) } }
    }

    /// The exit code of the worst that failed.
    fn code(&self) -> u8 {
        if self.interrupted {
            return INTERRUPTED;
        }
        self.failures.iter().map(|failed| failed.error.kind.exit_code()).max().unwrap_or(0)
    }

    /// What failed, with advice where the service gave none.
    fn said(&self, failed: &Failed) -> String {
        let error = failed.error.clone();
        let wrote = self.done.is_some() && !self.dry_run;
        advised(if wrote { perhaps_done(error) } else { error }).to_string()
    }

    fn object(&self, at: &Opened<'_>, what: &str, items: Vec<Value>) -> Value {
        let failures = self
            .failures
            .iter()
            .map(|failed| json!({ "what": failed.what, "kind": failed.error.kind.word(), "error": self.said(failed) }));
        json!({
            "account": at.account.name, "action": self.action, "dry_run": self.dry_run, what: items,
            "failures": failures.collect::<Vec<_>>(),
        })
    }

    /// Says what was done and what was not.
    fn sum(&self, count: usize, what: &str) {
        for failed in &self.failures {
            print::error(&format!("{}: {}", failed.what, print::tame(&self.said(failed))));
        }
        for (_, row) in &self.unchanged {
            print::line(&format!("{} is there already", named(row)));
        }
        if let Some(done) = self.done {
            let would = if self.dry_run { "would be " } else { "" };
            let of = match self.failures.len() {
                0 => String::new(),
                failed => format!(", {failed} not"),
            };
            print::line(&format!("{would}{done}: {}{of}", print::counted(count, what)));
        }
    }

    /// Prints zones.
    pub(super) fn zones(self, at: &Opened<'_>, zones: &[ZoneRow], json: bool) -> Result<u8, Failure> {
        if json {
            print::json(&self.object(at, "zones", zones.iter().map(zone_view).collect()))?;
            return Ok(self.code());
        }
        let row = |row: &ZoneRow| vec![row.zone.name.to_string(), print::tame(&row.zone.id), listed(&row.attributes)];
        match zones {
            [] if self.done.is_none() => print::line("no zones"),
            [] => {}
            some => print::cut_table(&["ZONE", "ID", "ATTRIBUTES"], &some.iter().map(row).collect::<Vec<_>>()),
        }
        self.sum(zones.len(), "zone");
        Ok(self.code())
    }

    /// Prints records. Ids are shown where they are short, or asked for.
    pub(super) fn records(self, at: &Opened<'_>, rows: &[Placed], ids: bool, json: bool) -> Result<u8, Failure> {
        if json {
            let views = |rows: &[Placed]| rows.iter().map(|row| record_view(at, row)).collect::<Vec<_>>();
            let mut object = self.object(at, "records", views(rows));
            object["unchanged"] = views(&self.unchanged).into();
            print::json(&object)?;
            return Ok(self.code());
        }
        let ids = ids || rows.iter().all(|(_, row)| row.id.chars().count() <= SHORT_ID);
        // One zone needs no column: every name ends in it.
        let zones = rows.iter().zip(rows.iter().skip(1)).any(|((zone, _), (next, _))| zone != next);
        let cells = |(zone, row): &Placed| {
            let ttl = row.ttl.map_or_else(|| "-".to_owned(), |ttl| ttl.to_string());
            let values: Vec<String> = shown(row).iter().map(|value| print::tame(value)).collect();
            let attributes = listed(&given_by_hand(at, &same::listed(row).attributes));
            let last = [values.join(", "), attributes].join("  ").trim_end().to_owned();
            let id = ids.then(|| print::tame(&row.id));
            let zone = zones.then(|| zone.to_string());
            [zone, Some(row.name.to_string()), Some(row.rtype.to_string()), Some(ttl), id, Some(last)]
        };
        let head =
            [zones.then_some("ZONE"), Some("NAME"), Some("TYPE"), Some("TTL"), ids.then_some("ID"), Some("VALUE")];
        let head: Vec<&str> = head.into_iter().flatten().collect();
        let table: Vec<Vec<String>> = rows.iter().map(|row| cells(row).into_iter().flatten().collect()).collect();
        match rows {
            [] if self.done.is_none() && self.failures.is_empty() => print::line(&format!("no {}s", at.noun())),
            [] => {}
            _ => print::cut_table(&head, &table),
        }
        self.sum(rows.len(), if at.keeps_sets() { "record set" } else { "record" });
        Ok(self.code())
    }

    /// Prints everything that there is to know of records.
    pub(super) fn in_full(self, at: &Opened<'_>, rows: &[Placed], json: bool) -> Result<u8, Failure> {
        if json {
            return self.records(at, rows, true, true);
        }
        for (zone, row) in rows {
            print::line(&format!("{} {}", row.name, row.rtype));
            let say = |key: &str, value: &str| print::hanging(&format!("  {key:14}{}", print::tame(value)), 14);
            say("zone", zone.as_str());
            say("id", &row.id);
            say("ttl", &row.ttl.map_or_else(|| "-".to_owned(), |ttl| ttl.to_string()));
            shown(row).iter().for_each(|value| say("value", value));
            row.attributes.iter().for_each(|(key, value)| say(key, value));
            if at.is_managed(&row.name, row.rtype) {
                say("managed", "yes: it is declared in the configuration");
            }
        }
        Ok(0)
    }
}

/// Prints what records and zones may be given.
pub(super) fn attributes(at: &Opened<'_>, json: bool) -> Result<u8, Failure> {
    let (records, zones) = (at.editor.attributes(), at.editor.zone_attributes());
    if json {
        let views = |known: &[Attribute]| -> Vec<Value> {
            known.iter().map(|known| json!({ "name": known.name, "help": known.help })).collect()
        };
        print::json(&json!({ "account": at.account.name, "records": views(records), "zones": views(zones) }))?;
        return Ok(0);
    }
    let row = |whose: &'static str| {
        move |known: &Attribute| vec![whose.to_owned(), known.name.to_owned(), known.help.to_owned()]
    };
    let rows: Vec<Vec<String>> = records.iter().map(row("record")).chain(zones.iter().map(row("zone"))).collect();
    print::table(&["OF", "ATTRIBUTE", "MEANING"], &rows);
    Ok(0)
}

/// What can be given, and how it stands. Whatever else the service tells (dates, names of zones) is in `show` and in the JSON.
fn given_by_hand(at: &Opened<'_>, attributes: &Attributes) -> Attributes {
    let known = at.editor.attributes();
    let told =
        attributes.iter().filter(|(name, _)| *name == "status" || known.iter().any(|known| known.name == **name));
    told.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// `key=value  key=value`.
fn listed(attributes: &Attributes) -> String {
    attributes.iter().map(|(key, value)| print::tame(&format!("{key}={value}"))).collect::<Vec<_>>().join("  ")
}

fn zone_view(row: &ZoneRow) -> Value {
    json!({ "name": row.zone.name, "id": row.zone.id, "attributes": row.attributes })
}

fn record_view(at: &Opened<'_>, (zone, row): &Placed) -> Value {
    json!({
        "zone": zone, "id": Some(&row.id).filter(|id| !id.is_empty()), "name": row.name, "type": row.rtype,
        "values": row.values, "ttl": row.ttl, "attributes": row.attributes,
        "managed": at.is_managed(&row.name, row.rtype),
    })
}

/// What an edit would leave, for a look before it is made.
pub(super) fn row_of(edit: &Edit, before: Option<&Row>) -> Row {
    let mut attributes = before.map(|row| row.attributes.clone()).unwrap_or_default();
    attributes.extend(edit.attributes.clone());
    same::put_beside(edit.rtype, &edit.values, &mut attributes);
    Row {
        id: before.map(|row| row.id.clone()).unwrap_or_default(),
        name: edit.name.clone(),
        rtype: edit.rtype,
        values: edit.values.clone(),
        ttl: edit.ttl.or(before.and_then(|row| row.ttl)),
        attributes,
    }
}

/// The values of a record for people.
fn shown(row: &Row) -> Vec<String> {
    same::listed(row).values.iter().map(|value| record::shown(row.rtype, value)).collect()
}

/// `www.example.org A 192.0.2.1`.
pub(super) fn named(row: &Row) -> String {
    format!("{} {} {}", row.name, row.rtype, print::tame(&shown(row).join(", ")))
}
