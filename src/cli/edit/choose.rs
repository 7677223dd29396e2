//! What is meant by what was typed: the zone, the attributes, the values, the records.

use super::account::{Opened, failed, mistyped, refused};
use super::{Filters, Given};
use crate::app::Failure;
use crate::cli::patience::asked;
use crate::config;
use crate::model::error;
use crate::model::name::Name;
use crate::model::record::{self, RecordType, Value};
use crate::provider::edit::same::fits_value;
use crate::provider::edit::{Attribute, Attributes, Filter, Row, ZoneRow};
use crate::provider::shape::zones::{Zone, longest};

/// All zones of the account.
pub(super) async fn all_zones(at: &Opened<'_>) -> Result<Vec<ZoneRow>, Failure> {
    asked(&format!("listing the zones of the account {}", at.account.name), || at.editor.zones()).await.map_err(failed)
}

/// The zone of this name.
pub(super) fn zone_called(at: &Opened<'_>, zones: &[ZoneRow], name: &Name) -> Result<ZoneRow, Failure> {
    zones.iter().find(|row| row.zone.name == *name).cloned().ok_or_else(|| {
        let hint = config::suggest(name.as_str(), "it has", zones.iter().map(|row| row.zone.name.as_str()));
        refused(format!("the account {} has no zone {name}{hint}", at.account.name))
    })
}

/// The zone that is named, or the longest that `name` lies in.
pub(super) async fn zone_of(at: &Opened<'_>, named: Option<&Name>, name: &Name) -> Result<Zone, Failure> {
    if let Some(zone) = named.filter(|zone| !name.is_within(zone)) {
        return Err(mistyped(format!("{name} does not lie in the zone {zone}")));
    }
    let zones = all_zones(at).await?;
    if let Some(named) = named {
        return zone_called(at, &zones, named).map(|row| row.zone);
    }
    let names: Vec<Zone> = zones.into_iter().map(|row| row.zone).collect();
    longest(&names, name).cloned().ok_or_else(|| {
        let hint = config::suggest(name.as_str(), "it has", names.iter().map(|zone| zone.name.as_str()));
        refused(format!("the account {} has no zone that {name} lies in{hint}", at.account.name))
    })
}

/// The zone that a filter looks in: the one that is named, or that of a whole name; `None`: all of them.
pub(super) async fn zone_of_filter(at: &Opened<'_>, filters: &Filters) -> Result<Option<Zone>, Failure> {
    if let Some(named) = &filters.zone {
        return Ok(Some(zone_called(at, &all_zones(at).await?, named)?.zone));
    }
    let Some(name) = filters.name.as_deref().filter(|pattern| !pattern.contains('*')) else { return Ok(None) };
    let name = Name::parse(name).map_err(|why| mistyped(format!("--name {name}: {why}")))?;
    zone_of(at, None, &name).await.map(Some)
}

/// The records that fit, of one zone or of all: where the service lists across its zones it is asked once. By zones.
pub(super) async fn rows_in(
    at: &Opened<'_>,
    zone: Option<Zone>,
    filter: &Filter,
) -> error::Result<Vec<(Zone, Vec<Row>)>> {
    if let Some(zone) = zone {
        let rows = asked(&format!("listing the records of {}", zone.name), || at.editor.rows(&zone, filter)).await?;
        return Ok(vec![(zone, rows)]);
    }
    let mut found = asked("listing the records of every zone", || at.editor.rows_everywhere(filter)).await?;
    // Those of a zone stay in the service's order.
    found.sort_by(|(one, _), (other, _)| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let mut zones: Vec<(Zone, Vec<Row>)> = Vec::new();
    for (zone, row) in found {
        match zones.last_mut() {
            Some((last, rows)) if *last == zone => rows.push(row),
            _ => zones.push((zone, vec![row])),
        }
    }
    Ok(zones)
}

/// The records of a zone that fit.
pub(super) async fn rows(at: &Opened<'_>, zone: &Zone, filter: &Filter) -> Result<Vec<Row>, Failure> {
    asked(&format!("listing the records of {}", zone.name), || at.editor.rows(zone, filter)).await.map_err(failed)
}

/// Which records are meant by a whole name, a type, and filters beside them.
pub(super) struct Meant<'a> {
    name: Option<&'a Name>,
    filter: Filter,
    filters: &'a Filters,
}

impl<'a> Meant<'a> {
    /// What was typed.
    pub(super) fn new(
        name: Option<&'a Name>,
        rtype: Option<RecordType>,
        filters: &'a Filters,
    ) -> Result<Self, Failure> {
        if name.is_some() && filters.name.is_some() {
            return Err(mistyped("a name and --name were both given: say one of them"));
        }
        if rtype.is_some() && filters.rtype.is_some_and(|other| Some(other) != rtype) {
            return Err(mistyped("a type and another --type were given: say one of them"));
        }
        let filter = Filter {
            name: name.map(|name| name.to_string()).or_else(|| filters.name.clone()),
            rtype: rtype.or(filters.rtype),
            value: filters.value.clone(),
            id: filters.id.clone(),
        };
        Ok(Self { name, filter, filters })
    }

    /// The zones with the records that are meant. Of an id alone the service is asked for this one record.
    pub(super) async fn find(&self, at: &Opened<'_>) -> Result<Vec<(Zone, Vec<Row>)>, Failure> {
        let zone = match self.name {
            Some(name) => Some(zone_of(at, self.filters.zone.as_ref(), name).await?),
            None => zone_of_filter(at, self.filters).await?,
        };
        let mut found = match (&self.filter.id, zone) {
            (Some(id), zone) if self.filter.name.is_none() => vec![self.of_id(at, zone, id).await?],
            (_, zone) => rows_in(at, zone, &self.filter).await.map_err(failed)?,
        };
        for (_, rows) in &mut found {
            // A name that was typed as a name is one, also where it starts with a star (RFC 4592).
            rows.retain(|row| self.name.is_none_or(|name| *name == row.name));
        }
        found.retain(|(_, rows)| !rows.is_empty());
        Ok(found)
    }

    /// The record with this id, in its zone or wherever it is, if it is what was meant otherwise.
    async fn of_id(&self, at: &Opened<'_>, zone: Option<Zone>, id: &str) -> Result<(Zone, Vec<Row>), Failure> {
        let zone = zone.as_ref();
        let asking = || async move {
            match zone {
                Some(zone) => at.editor.row(zone, id).await.map(|row| (zone.clone(), row)),
                None => at.editor.row_anywhere(id).await,
            }
        };
        let (zone, row) = asked(&format!("asking for the record {id}"), asking).await.map_err(failed)?;
        Ok((zone, Some(row).into_iter().filter(|row| self.filter.fits(row)).collect()))
    }

    /// What to say when nothing was found.
    pub(super) fn nothing(&self, at: &Opened<'_>) -> Failure {
        let Filter { name, rtype, value, id } = &self.filter;
        let rtype = rtype.map(|rtype| rtype.to_string());
        let parts = [("name", name), ("type", &rtype), ("value", value), ("id", id)];
        let said: Vec<String> =
            parts.iter().filter_map(|(what, part)| Some(format!("{what} {}", part.as_ref()?))).collect();
        refused(format!("the account {} has no record with {}", at.account.name, said.join(", ")))
    }

    /// Whether a value of a row is one of those that were named by a pattern.
    pub(super) fn value_fits(&self, row: &Row, value: &str) -> bool {
        self.filter.value.as_ref().is_none_or(|pattern| fits_value(row, value, pattern))
    }
}

/// The attributes that were given, checked against those that there are.
pub(super) fn attributes(at: &Opened<'_>, given: &Given) -> Result<Attributes, Failure> {
    let numbers = [("priority", given.priority.map(u32::from)), ("weight", given.weight)];
    let options = numbers.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_string())));
    checked(options.chain(given.set.iter().cloned()), at.editor.attributes(), at, "records")
}

/// The same of a zone.
pub(super) fn checked(
    given: impl Iterator<Item = (String, String)>,
    known: &[Attribute],
    at: &Opened<'_>,
    whose: &str,
) -> Result<Attributes, Failure> {
    let mut attributes = Attributes::new();
    for (key, value) in given {
        if !known.iter().any(|attribute| attribute.name == key) {
            let hint = config::suggest(&key, "they have", known.iter().map(|attribute| attribute.name));
            let hint = if known.is_empty() { "; they have none".to_owned() } else { hint };
            return Err(refused(format!("{whose} at {} have no attribute \"{key}\"{hint}", at.account.entry.name)));
        }
        if attributes.insert(key.clone(), value).is_some() {
            return Err(mistyped(format!("the attribute {key} was given twice")));
        }
    }
    Ok(attributes)
}

/// Checks values as far as their type alone says what they are.
pub(super) fn values(rtype: RecordType, typed: &[String]) -> Result<Vec<String>, Failure> {
    let mut values: Vec<String> = Vec::new();
    for text in typed {
        if text.trim().is_empty() {
            return Err(mistyped("a value is empty"));
        }
        let value = Value::parse(rtype, text).map_err(mistyped)?;
        if rtype.is_text() {
            record::text(text).map_err(|why| mistyped(format!("{why}: {}", text.trim())))?;
        }
        // Addresses in their usual form; anything else as it was typed, quotes included. Spaces around a text belong to it.
        let typed = if rtype.is_text() { text } else { text.trim() };
        let text = value.address().map_or_else(|| typed.to_owned(), |address| address.to_string());
        if values.contains(&text) {
            return Err(mistyped(format!("the value {text} was given twice")));
        }
        values.push(text);
    }
    Ok(values)
}
