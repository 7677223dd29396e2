//! Zones and records by hand: one vocabulary for every service that keeps them. The commands `zones` and `records` speak it.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::shape::zones::Zone;
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl};

pub mod rules;
pub mod same;
pub mod whole;

/// What a service keeps beside name, type, values and TTL, by the names of our own vocabulary (`priority`, `weight`, `comment` …),
/// as text.
pub type Attributes = BTreeMap<String, String>;

/// An attribute that may be given by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, in snake_case: `--set name=value`; the commands have options of their own for the common ones.
    pub name: &'static str,
    /// What it means, its bounds, and for which record types it is.
    pub help: &'static str,
}

/// A zone as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRow {
    /// Its id and its apex.
    pub zone: Zone,
    /// What else the service tells of it (kind, e-mail, serial, status …).
    pub attributes: Attributes,
}

/// A line of the table: one record where the service keeps records, one record set where it keeps sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The service's id, opaque.
    pub id: String,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its values in presentation form; exactly one where the service keeps records.
    pub values: Vec<String>,
    /// Its TTL where the service tells it.
    pub ttl: Option<Ttl>,
    /// What else it has.
    pub attributes: Attributes,
}

/// What a record or a record set shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its values in presentation form, at least one; a service that keeps records makes one record of each.
    pub values: Vec<String>,
    /// Its TTL; `None` keeps what is there, or takes the service's default.
    pub ttl: Option<Ttl>,
    /// The attributes that were given; those that were not stay as they are.
    pub attributes: Attributes,
}

/// Which records of a zone are meant. What the service cannot filter, the editor filters itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The name, `*` standing for any characters.
    pub name: Option<String>,
    /// The type.
    pub rtype: Option<RecordType>,
    /// The value, `*` standing for any characters.
    pub value: Option<String>,
    /// The id.
    pub id: Option<String>,
}

/// A service that can be edited by hand. What one cannot do is refused with a sentence by [`cannot`], before anything is sent.
///
/// Nothing here retries by itself, but for one new token after a 401; a job that the service works on is followed until it ends,
/// within a deadline. Values and attributes are checked by the service's documented rules before they are sent.
#[async_trait]
pub trait Editor: Send + Sync {
    /// The attributes that records may be given here.
    fn attributes(&self) -> &'static [Attribute] {
        &[]
    }

    /// Whether a value of an attribute of records says no more than not giving it: the documented default, or nothing.
    fn is_unsaid(&self, _name: &str, value: &str) -> bool {
        value.is_empty()
    }

    /// The priority that the service documents for MX and SRV records that name none.
    fn default_priority(&self) -> Option<&'static str> {
        None
    }

    /// The attributes that zones may be given here.
    fn zone_attributes(&self) -> &'static [Attribute] {
        &[]
    }

    /// Whether a record may be what the edit says, by the service's documented rules; asks nobody. `add` checks the same
    /// before it sends, and `--dry-run` checks nothing else.
    ///
    /// # Errors
    /// `Config`, with the rule that is broken.
    fn check(&self, _zone: &Zone, _edit: &Edit) -> Result<()> {
        Ok(())
    }

    /// Whether a name may have what the edit says beside what it `held` when it was read; asks nobody. Only looked at before an
    /// addition.
    ///
    /// # Errors
    /// `Config`, with what stands in the way.
    fn check_beside(&self, _zone: &Zone, _edit: &Edit, _held: &[Row]) -> Result<()> {
        Ok(())
    }

    /// The same of a row that is there: what the edit does not name is what the row has. `update` checks the same.
    ///
    /// # Errors
    /// `Config`, with the rule that is broken.
    fn check_change(&self, zone: &Zone, _held: &Row, edit: &Edit) -> Result<()> {
        self.check(zone, edit)
    }

    /// Whether this row may be removed. `remove` checks the same.
    ///
    /// # Errors
    /// `Config`, with the reason why it stays.
    fn check_removal(&self, _zone: &Zone, _row: &Row) -> Result<()> {
        Ok(())
    }

    /// Whether a zone of this name may be added. `add_zone` checks the same.
    ///
    /// # Errors
    /// `Config`, with the rule that is broken, or what is done instead where zones come by another way.
    fn check_zone(&self, _name: &Name, _attributes: &Attributes) -> Result<()> {
        Ok(())
    }

    /// Whether this zone may be removed. `remove_zone` checks the same.
    ///
    /// # Errors
    /// `Config`, with the reason why it stays.
    fn check_zone_removal(&self, _zone: &Zone) -> Result<()> {
        Ok(())
    }

    /// The zones of the account, all pages, by name.
    async fn zones(&self) -> Result<Vec<ZoneRow>>;

    /// Adds a zone. A service that has no such call says in [`Self::check_zone`] how zones come there.
    async fn add_zone(&self, name: &Name, attributes: &Attributes) -> Result<ZoneRow> {
        self.check_zone(name, attributes)?;
        Err(cannot(format!("adding the zone {name}"), "the service has no call that adds a zone"))
    }

    /// Removes a zone with everything in it. A service that has no such call says in [`Self::check_zone_removal`] how zones go there.
    async fn remove_zone(&self, zone: &Zone) -> Result<()> {
        self.check_zone_removal(zone)?;
        Err(cannot(format!("removing the zone {}", zone.name), "the service has no call that removes a zone"))
    }

    /// The records of a zone that fit the filter, all pages, in the service's order.
    async fn rows(&self, zone: &Zone, filter: &Filter) -> Result<Vec<Row>>;

    /// The records of every zone that fit the filter, each with its zone; in one list where the service has one.
    async fn rows_everywhere(&self, filter: &Filter) -> Result<Vec<(Zone, Row)>> {
        let mut rows = Vec::new();
        for ZoneRow { zone, .. } in self.zones().await? {
            let found = self.rows(&zone, filter).await?;
            rows.extend(found.into_iter().map(|row| (zone.clone(), row)));
        }
        Ok(rows)
    }

    /// One record by its id alone, with its zone. Where the service finds an id only within its zone, every zone is looked through.
    ///
    /// # Errors
    /// `Config` where there is none, or where several zones have one.
    async fn row_anywhere(&self, id: &str) -> Result<(Zone, Row)> {
        let doing = || format!("looking for the record {}", id.escape_debug());
        let of_id = Filter { id: Some(id.to_owned()), ..Filter::default() };
        let mut found = self.rows_everywhere(&of_id).await?;
        match (found.pop(), found.pop()) {
            (Some(only), None) => Ok(only),
            (Some((one, _)), Some((other, _))) => {
                let why = format!("there are several with this id: in {} and in {}", other.name, one.name);
                Err(cannot(doing(), why).hint("say which with --zone"))
            }
            (None, _) => Err(cannot(doing(), "the account has no record with this id")),
        }
    }

    /// One record by its id, as fresh as the service has it.
    async fn row(&self, zone: &Zone, id: &str) -> Result<Row>;

    /// Adds records, in the fewest calls that the service allows; the rows that came of each edit.
    async fn add(&self, zone: &Zone, edits: &[Edit]) -> Vec<Result<Vec<Row>>>;

    /// Makes each row what its edit says, everything that is not named staying as it is; one answer each.
    async fn update(&self, zone: &Zone, changes: &[(Row, Edit)]) -> Vec<Result<Row>>;

    /// Removes rows, in the fewest calls that the service allows; one answer each.
    async fn remove(&self, zone: &Zone, rows: &[Row]) -> Vec<Result<()>>;

    /// Whether the service may have this template. No service lists its templates, so before one is only looked at (`unapplied`)
    /// it must be one that the documentation names.
    ///
    /// # Errors
    /// `Config`, with the reason why it is not sent, or why nothing can be foreseen.
    fn check_template(&self, _template: &str, _unapplied: bool) -> Result<()> {
        Ok(())
    }

    /// Applies one of the service's own templates to a zone, with the template's variables; the rows that it made.
    ///
    /// # Errors
    /// `Config` where the service has no templates, which is so unless it says otherwise.
    async fn apply_template(&self, zone: &Zone, template: &str, _variables: &Attributes) -> Result<Vec<Row>> {
        Err(cannot(format!("applying the template {template} to {}", zone.name), "the service has no templates"))
    }
}

/// What a service cannot do, said before anything is sent: exit code 78.
#[must_use]
pub fn cannot(doing: impl Into<String>, why: impl Into<String>) -> Error {
    Error::config(doing, why)
}

impl Filter {
    /// Whether a row is meant.
    #[must_use]
    pub fn fits(&self, row: &Row) -> bool {
        self.id.as_ref().is_none_or(|id| *id == row.id)
            && self.rtype.is_none_or(|rtype| rtype == row.rtype)
            && self.name.as_ref().is_none_or(|pattern| fits(pattern.trim_end_matches('.'), row.name.as_str()))
            && self
                .value
                .as_ref()
                .is_none_or(|pattern| row.values.iter().any(|value| same::fits_value(row, value, pattern)))
    }
}

/// Whether `text` fits a pattern in which `*` stands for any characters; case counts for nothing.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;

    /// Three zones, of which two have a record with the id 7.
    struct Fake;

    fn zone(name: &str) -> Zone {
        Zone { id: name.into(), name: Name::parse(name).unwrap() }
    }

    #[async_trait]
    impl Editor for Fake {
        async fn zones(&self) -> Result<Vec<ZoneRow>> {
            let zones = ["example.com", "example.net", "example.org"].map(zone);
            Ok(zones.map(|zone| ZoneRow { zone, attributes: Attributes::new() }).into())
        }

        async fn rows(&self, zone: &Zone, filter: &Filter) -> Result<Vec<Row>> {
            let id = if zone.id == "example.org" { "8" } else { "7" };
            let (name, values) = (zone.name.clone(), vec!["192.0.2.1".into()]);
            let attributes = Attributes::new();
            let row = Row { id: id.into(), name, rtype: RecordType::A, values, ttl: None, attributes };
            Ok(Some(row).into_iter().filter(|row| filter.fits(row)).collect())
        }

        async fn row(&self, zone: &Zone, id: &str) -> Result<Row> {
            Err(cannot(format!("reading {id} of {}", zone.name), "not here"))
        }

        async fn add(&self, _zone: &Zone, _edits: &[Edit]) -> Vec<Result<Vec<Row>>> {
            Vec::new()
        }

        async fn update(&self, _zone: &Zone, _changes: &[(Row, Edit)]) -> Vec<Result<Row>> {
            Vec::new()
        }

        async fn remove(&self, _zone: &Zone, _rows: &[Row]) -> Vec<Result<()>> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn an_id_is_looked_for_in_every_zone_and_must_mean_one_record() {
        let (of, row) = Fake.row_anywhere("8").await.unwrap();
        assert_eq!((of, row.name), (zone("example.org"), zone("example.org").name));
        let several = Fake.row_anywhere("7").await.unwrap_err();
        assert_eq!(several.kind, Kind::Config);
        let said = several.to_string();
        assert!(said.contains("in example.com and in example.net") && said.contains("--zone"), "{said}");
        let none = Fake.row_anywhere("9").await.unwrap_err();
        assert!(none.kind == Kind::Config && none.to_string().contains("no record with this id"), "{none}");
    }

    #[tokio::test]
    async fn a_service_without_calls_for_zones_says_so() {
        let name = zone("example.net").name;
        let added = Fake.add_zone(&name, &Attributes::new()).await.unwrap_err();
        let removed = Fake.remove_zone(&zone("example.com")).await.unwrap_err();
        assert!(added.why.contains("no call that adds") && removed.why.contains("no call that removes"));
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, expected) in [
            ("home.example.org", "home.example.org", true),
            ("home.example.org", "a.home.example.org", false),
            ("*.example.org", "Home.example.org", true),
            ("h*e.*.org", "home.example.org", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("192.0.2.*", "192.0.2.10", true),
            ("192.0.2.*", "198.51.100.1", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
