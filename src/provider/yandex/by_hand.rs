//! Editing by hand at a service of Yandex: every rule is checked for all records before the first of them is sent.

use async_trait::async_trait;

use super::super::edit::rules::together;
use super::super::edit::{Attribute, Attributes, Edit, Editor, Filter, Row, ZoneRow, cannot};
use super::super::shape::records::{Draft, Record, Records};
use super::super::shape::zones::Zone;
use super::kinds::{self, Kind};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, Value};

/// What editing by hand needs of a service beside what the daemon needs.
#[async_trait]
pub trait ByHand: Records {
    /// The attributes that records may be given.
    const ATTRIBUTES: &'static [Attribute];
    /// The types that there are.
    const KINDS: &'static [Kind];
    /// Why zones are neither added nor removed here.
    const NO_ZONES: &'static str;
    /// The types whose records the service does not change rightly, and what to do instead.
    const FIXED: &'static [(RecordType, &'static str)] = &[];

    /// The zones, with what the service tells of them.
    async fn zone_rows(&self) -> Result<Vec<ZoneRow>>;
    /// All records of a zone whose type is known here.
    async fn everything(&self, zone: &Zone) -> Result<Vec<Record>>;
    /// Adds a record; as the service made it.
    async fn add(&self, zone: &Zone, draft: &Draft) -> Result<Record>;
    /// Changes a record; as the service made it.
    async fn change(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<Record>;
}

/// The editor of an account.
pub struct Hand<S>(pub S);

impl<S: ByHand> Hand<S> {
    /// The drafts of an edit, one a value; what it does not say is what is `held`.
    fn drafts(zone: &Zone, edit: &Edit, held: &Attributes) -> Result<Vec<Draft>> {
        let refuse = |why| Error::config(format!("checking {} {}", edit.name, edit.rtype), why).unsent();
        together(edit.rtype, &edit.values).map_err(refuse)?;
        let draft = |value: &String| {
            let value = Value::Text(value.clone());
            let (name, attributes) = (edit.name.clone(), edit.attributes.clone());
            kinds::checked(S::KINDS, zone, Draft { name, rtype: edit.rtype, value, ttl: edit.ttl, attributes }, held)
        };
        edit.values.iter().map(draft).collect()
    }

    /// What a row becomes: everything that is not named stays as it is.
    fn changed(zone: &Zone, row: &Row, edit: &Edit) -> Result<(Record, Draft)> {
        let doing = || format!("changing {} {}", row.name, row.rtype);
        if edit.rtype != row.rtype {
            let why = "the type of a record cannot be changed: add one and remove the other";
            return Err(cannot(doing(), why).unsent());
        }
        if let Some((_, why)) = S::FIXED.iter().find(|(rtype, _)| *rtype == row.rtype) {
            return Err(cannot(doing(), *why).unsent());
        }
        let edit = Edit { ttl: edit.ttl.or(row.ttl), ..edit.clone() };
        let mut drafts = Self::drafts(zone, &edit, &row.attributes)?;
        let (Some(draft), true) = (drafts.pop(), drafts.is_empty()) else {
            return Err(Error::config(doing(), "a record has one value").unsent());
        };
        Ok((record(row), draft))
    }
}

/// A record as a person sees it.
fn row(record: Record) -> Row {
    let Record { id, name, rtype, value, ttl, attributes } = record;
    Row { id, name, rtype, values: vec![value.to_string()], ttl, attributes }
}

/// A row as the service keeps it.
fn record(row: &Row) -> Record {
    let text = row.values.first().cloned().unwrap_or_default();
    let value = Value::parse(row.rtype, &text).unwrap_or(Value::Text(text));
    let Row { id, name, rtype, ttl, attributes, .. } = row.clone();
    Record { id, name, rtype, value, ttl, attributes }
}

#[async_trait]
impl<S: ByHand> Editor for Hand<S> {
    fn attributes(&self) -> &'static [Attribute] {
        S::ATTRIBUTES
    }

    fn default_priority(&self) -> Option<&'static str> {
        let parts = S::KINDS.iter().find(|kind| kind.rtype == RecordType::Mx)?.parts;
        parts.iter().find(|part| part.name == "priority")?.default
    }

    fn check(&self, zone: &Zone, edit: &Edit) -> Result<()> {
        Self::drafts(zone, edit, &Attributes::new()).map(drop)
    }

    fn check_change(&self, zone: &Zone, held: &Row, edit: &Edit) -> Result<()> {
        Self::changed(zone, held, edit).map(drop)
    }

    fn check_zone(&self, name: &Name, _attributes: &Attributes) -> Result<()> {
        Err(cannot(format!("adding the zone {name}"), S::NO_ZONES).unsent())
    }

    fn check_zone_removal(&self, zone: &Zone) -> Result<()> {
        Err(cannot(format!("removing the zone {}", zone.name), S::NO_ZONES).unsent())
    }

    async fn zones(&self) -> Result<Vec<ZoneRow>> {
        let mut rows = self.0.zone_rows().await?;
        rows.sort_by(|a, b| a.zone.name.cmp(&b.zone.name));
        Ok(rows)
    }

    async fn rows(&self, zone: &Zone, filter: &Filter) -> Result<Vec<Row>> {
        let rows = self.0.everything(zone).await?.into_iter().map(row);
        Ok(rows.filter(|row| filter.fits(row)).collect())
    }

    async fn row(&self, zone: &Zone, id: &str) -> Result<Row> {
        let found = self.0.everything(zone).await?.into_iter().find(|record| record.id == id);
        let doing = || format!("looking for the record {} in {}", id.escape_debug(), zone.name);
        found.map(row).ok_or_else(|| Error::config(doing(), "there is no record with this id"))
    }

    async fn add(&self, zone: &Zone, edits: &[Edit]) -> Vec<Result<Vec<Row>>> {
        let drafts: Vec<Result<Vec<Draft>>> =
            edits.iter().map(|edit| Self::drafts(zone, edit, &Attributes::new())).collect();
        if drafts.iter().any(Result::is_err) {
            let spared = |edit: &Edit| {
                let why = "it was not sent, as another record of this command is wrong";
                Error::config(format!("adding {} {}", edit.name, edit.rtype), why).unsent()
            };
            return drafts.into_iter().zip(edits).map(|(draft, edit)| draft.and_then(|_| Err(spared(edit)))).collect();
        }
        let mut outcomes = Vec::with_capacity(edits.len());
        for drafts in drafts.into_iter().flatten() {
            let mut rows = Vec::with_capacity(drafts.len());
            let mut failed = None;
            for draft in &drafts {
                match self.0.add(zone, draft).await {
                    Ok(record) => rows.push(row(record)),
                    Err(error) => {
                        failed = Some(if rows.is_empty() { error } else { partly(error, rows.len(), drafts.len()) });
                        break;
                    }
                }
            }
            outcomes.push(failed.map_or(Ok(rows), Err));
        }
        outcomes
    }

    async fn update(&self, zone: &Zone, changes: &[(Row, Edit)]) -> Vec<Result<Row>> {
        let mut outcomes = Vec::with_capacity(changes.len());
        for (old, edit) in changes {
            outcomes.push(match Self::changed(zone, old, edit) {
                Ok((record, draft)) => self.0.change(zone, &record, &draft).await.map(row),
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    async fn remove(&self, zone: &Zone, rows: &[Row]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            outcomes.push(self.0.delete(zone, &record(row)).await);
        }
        outcomes
    }
}

/// What failed after some of its values were added.
fn partly(error: Error, done: usize, of: usize) -> Error {
    let why = format!("{} ({done} of its {of} values had been added by then)", error.why);
    Error { why, ..error }
}
