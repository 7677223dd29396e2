//! Rackspace's domains and records by hand.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::api::{self, Followed};
use super::making::is_as_drafted;
use super::reply::{self, Listed};
use super::rules::{self, COMMENT, PRIORITY};
use super::{Rackspace, is_searchable, record};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey, Ttl, Value};
use crate::provider::edit::{Attribute, Attributes, Edit, Editor, Filter, Row, ZoneRow};
use crate::provider::shape::records::{Draft, Edits, Record};
use crate::provider::shape::zones::Zone;

/// How long a person waits for a job.
const PATIENT: Duration = Duration::from_secs(60);

const ATTRIBUTES: &[Attribute] = &[
    Attribute { name: COMMENT, help: "A comment of at most 160 characters; an empty one removes it." },
    Attribute { name: PRIORITY, help: "The priority of MX and SRV, 0 to 65535." },
];

const ZONE_ATTRIBUTES: &[Attribute] = &[
    Attribute { name: COMMENT, help: "A comment of at most 160 characters." },
    Attribute { name: "email", help: "The address of whoever is responsible for the domain; needed." },
    Attribute {
        name: "ttl",
        help: "The time to live of records that name none, 300 seconds or more; 3600 unless given.",
    },
];

#[async_trait]
impl Editor for Rackspace {
    fn attributes(&self) -> &'static [Attribute] {
        ATTRIBUTES
    }

    fn zone_attributes(&self) -> &'static [Attribute] {
        ZONE_ATTRIBUTES
    }

    fn check(&self, zone: &Zone, edit: &Edit) -> Result<()> {
        let checked = drafts(edit).and_then(|drafts| {
            drafts.iter().try_for_each(|draft| rules::check(zone, draft, None)).map_err(rules::broken)
        });
        checked.map_err(self.doing("checking", RrsetKey::new(edit.name.clone(), edit.rtype)))
    }

    fn check_change(&self, zone: &Zone, held: &Row, edit: &Edit) -> Result<()> {
        let checked = changed(held, edit).and_then(|change| match change {
            Some((record, draft)) => rules::check(zone, &draft, Some(&record)).map_err(rules::broken),
            None => Ok(()),
        });
        checked.map_err(self.doing("checking", RrsetKey::new(edit.name.clone(), edit.rtype)))
    }

    fn check_zone(&self, name: &Name, attributes: &Attributes) -> Result<()> {
        domain(name, attributes).map(drop).map_err(rules::broken).map_err(self.doing("adding the zone", name))
    }

    async fn zones(&self) -> Result<Vec<ZoneRow>> {
        let domains = self.api.domains(None).await.map_err(self.doing("listing", "the zones"))?;
        let mut rows: Vec<ZoneRow> = domains.into_iter().filter_map(zone_row).collect();
        rows.sort_by(|a, b| a.zone.name.cmp(&b.zone.name));
        Ok(rows)
    }

    async fn add_zone(&self, name: &Name, attributes: &Attributes) -> Result<ZoneRow> {
        let doing = self.doing("adding the zone", name);
        let body = domain(name, attributes).map_err(|why| doing(rules::broken(why)))?;
        let begun = self.api.add_domain(body).await.map_err(final_where_there).map_err(&doing)?;
        let response = self.ended(begun, "adding a domain").await.map_err(final_where_there).map_err(&doing)?;
        let entries = response.get("domains").and_then(Json::as_array).into_iter().flatten();
        let mut told: Vec<Listed> = entries.filter_map(|entry| api::domain_in(entry).ok()).collect();
        if told.is_empty() {
            told = self.api.domains(Some(name)).await.map_err(&doing)?;
        }
        let mut rows = told.into_iter().filter_map(zone_row);
        let added = rows.find(|row| row.zone.name == *name);
        added.ok_or_else(|| doing(Error::transient("listing the domains", "it was accepted and is not listed yet")))
    }

    async fn remove_zone(&self, zone: &Zone) -> Result<()> {
        let doing = self.doing("removing the zone", &zone.name);
        let begun = self.api.delete_domain(&zone.id).await.map_err(&doing)?;
        self.ended(begun, "removing a domain").await.map(drop).map_err(&doing)
    }

    async fn rows(&self, zone: &Zone, filter: &Filter) -> Result<Vec<Row>> {
        // Without a type there is no search; a pattern is looked for here.
        let name = filter.name.as_deref().map(|name| name.trim_end_matches('.')).filter(|name| is_searchable(name));
        let search = filter.rtype.as_ref().map(|rtype| (rtype.as_str(), name));
        let listed = self.api.records(&zone.id, search).await.map_err(self.doing("reading the zone", &zone.name))?;
        Ok(listed.into_iter().filter_map(row).filter(|row| filter.fits(row)).collect())
    }

    async fn row(&self, zone: &Zone, id: &str) -> Result<Row> {
        let doing = self.doing("reading the record", id);
        let listed = self.api.record(&zone.id, id).await.map_err(|error| match error.kind {
            // The zone was found just now.
            Kind::Stale => Error { kind: Kind::Config, ..error },
            _ => error,
        });
        let unclear =
            || Error::transient("reading a record", "the answer was not understood: its name or type is none");
        listed.and_then(|listed| row(listed).ok_or_else(unclear)).map_err(doing)
    }

    async fn add(&self, zone: &Zone, edits: &[Edit]) -> Vec<Result<Vec<Row>>> {
        let wanted: Vec<Result<Vec<Draft>>> = edits.iter().map(drafts).collect();
        let all: Vec<Draft> = wanted.iter().flatten().flatten().cloned().collect();
        let made = self.make_all(zone, Edits::Create(all.clone()), PATIENT).await;
        let mut made = self.looked_up(zone, &all, made).await.into_iter();
        let outcome = |(edit, wanted): (&Edit, Result<Vec<Draft>>)| {
            let doing = self.doing("adding", RrsetKey::new(edit.name.clone(), edit.rtype));
            joined(made.by_ref().take(wanted.map_err(doing)?.len()).collect())
        };
        edits.iter().zip(wanted).map(outcome).collect()
    }

    async fn update(&self, zone: &Zone, changes: &[(Row, Edit)]) -> Vec<Result<Row>> {
        let wanted: Vec<Result<Option<(Record, Draft)>>> =
            changes.iter().map(|(row, edit)| changed(row, edit)).collect();
        let sent: Vec<(Record, Draft)> = wanted.iter().flatten().flatten().cloned().collect();
        let mut made = self.make_all(zone, Edits::Update(sent), PATIENT).await.into_iter();
        let outcome = |((row, edit), wanted): (&(Row, Edit), Result<Option<(Record, Draft)>>)| {
            let doing = self.doing("updating", RrsetKey::new(edit.name.clone(), edit.rtype));
            let Some((_, draft)) = wanted.map_err(doing)? else { return Ok(row.clone()) };
            made.next().unwrap_or_else(|| Err(unanswered()))?;
            Ok(after(row, draft))
        };
        changes.iter().zip(wanted).map(outcome).collect()
    }

    async fn remove(&self, zone: &Zone, rows: &[Row]) -> Vec<Result<()>> {
        let records = rows.iter().map(held).collect();
        let made = self.make_all(zone, Edits::Delete(records), PATIENT).await;
        made.into_iter().map(|outcome| outcome.map(drop)).collect()
    }
}

impl Rackspace {
    /// What came of a job, once it has ended.
    async fn ended(&self, begun: reply::Job, doing: &str) -> Result<Json> {
        match self.api.follow(begun, PATIENT).await? {
            Followed::Done(response) => Ok(response),
            Followed::Failed(problem) => Err(reply::failure(problem.as_ref(), doing)),
            Followed::Running(id) => Err(Error::transient(
                doing,
                format!("it was taken, and its end was not seen within {} s (job {id})", PATIENT.as_secs()),
            )),
        }
    }

    /// The records that were made, where the service did not tell them: by one listing.
    async fn looked_up(&self, zone: &Zone, drafts: &[Draft], made: Vec<Result<Option<Listed>>>) -> Vec<Result<Listed>> {
        let mut listed = Ok(Vec::new());
        if made.iter().any(|made| matches!(made, Ok(None))) {
            listed = self.api.records(&zone.id, None).await.map_err(self.doing("reading the zone", &zone.name));
        }
        let find = |draft: &Draft| {
            let listed = listed.as_ref().map_err(Clone::clone)?;
            let found = listed.iter().find(|listed| is_as_drafted(listed, draft)).cloned();
            found.ok_or_else(|| Error::transient("adding records", "it was accepted and is not listed yet"))
        };
        let outcome = |(made, draft): (Result<Option<Listed>>, &Draft)| made?.map_or_else(|| find(draft), Ok);
        made.into_iter().zip(drafts).map(outcome).collect()
    }
}

/// The body of a new domain.
fn domain(name: &Name, attributes: &Attributes) -> Result<Json, String> {
    let mut body = Map::new();
    body.insert("name".into(), name.as_str().into());
    let email = attributes.get("email");
    let email = email.ok_or("a domain needs the e-mail address of whoever is responsible for it: --email")?;
    if !email.contains('@') {
        return Err(format!("\"{}\" is no e-mail address, and a domain needs one: --email", email.escape_debug()));
    }
    body.insert("emailAddress".into(), email.clone().into());
    if let Some(ttl) = attributes.get("ttl") {
        let seconds = ttl.parse().ok().and_then(Ttl::new);
        let seconds = seconds.ok_or_else(|| format!("a TTL is a number of seconds, unlike \"{ttl}\""))?;
        rules::check_ttl(Some(seconds))?;
        body.insert("ttl".into(), json!(seconds.seconds()));
    }
    if let Some(comment) = attributes.get(COMMENT).filter(|comment| !comment.is_empty()) {
        rules::check_comment(comment)?;
        body.insert(COMMENT.into(), comment.clone().into());
    }
    Ok(body.into())
}

/// What is there already will not be made by trying again.
fn final_where_there(error: Error) -> Error {
    match error.kind {
        Kind::Stale => Error { kind: Kind::Config, ..error },
        _ => error,
    }
}

fn unanswered() -> Error {
    Error::transient("changing records", "there was no answer for it")
}

/// The records that an edit makes, one of each value.
fn drafts(edit: &Edit) -> Result<Vec<Draft>> {
    if edit.values.is_empty() {
        return Err(rules::broken("a record has a value"));
    }
    Ok(edit.values.iter().map(|value| draft(edit, value, edit.ttl, Attributes::new())).collect())
}

/// One record that an edit makes; what it does not name is as `kept` has it.
fn draft(edit: &Edit, value: &str, ttl: Option<Ttl>, kept: Attributes) -> Draft {
    let mut attributes = kept;
    attributes.extend(edit.attributes.clone());
    // What has both stands with the priority in front in zone files: "10 mail.example.com".
    let parts = value.trim().split_once(char::is_whitespace);
    let words = value.split_whitespace().count();
    let both = match edit.rtype {
        RecordType::Mx => words == 2,
        RecordType::Srv => words == 4,
        _ => false,
    };
    let data = match parts.filter(|_| both && !edit.attributes.contains_key(PRIORITY)) {
        Some((priority, data)) => {
            attributes.insert(PRIORITY.into(), priority.to_owned());
            data.trim()
        }
        None => value,
    };
    let value = Value::parse(edit.rtype, data).unwrap_or_else(|_| Value::Text(data.to_owned()));
    Draft { name: edit.name.clone(), rtype: edit.rtype, value, ttl, attributes }
}

/// A record, and what it becomes; `None` where that is what it is.
fn changed(row: &Row, edit: &Edit) -> Result<Option<(Record, Draft)>> {
    let [value] = edit.values.as_slice() else { return Err(rules::broken("a record has one value")) };
    let held = held(row);
    let draft = draft(edit, value, edit.ttl.or(row.ttl), held.attributes.clone());
    let same = Draft {
        name: held.name.clone(),
        rtype: held.rtype,
        value: held.value.clone(),
        ttl: held.ttl,
        attributes: held.attributes.clone(),
    } == draft;
    Ok((!same).then_some((held, draft)))
}

/// The record of a row.
fn held(row: &Row) -> Record {
    let text = row.values.first().cloned().unwrap_or_default();
    let value = Value::parse(row.rtype, &text).unwrap_or(Value::Text(text));
    let kept = |(name, _): &(&String, &String)| [COMMENT, PRIORITY].contains(&name.as_str());
    let attributes = row.attributes.iter().filter(kept).map(|(name, value)| (name.clone(), value.clone())).collect();
    Record { id: row.id.clone(), name: row.name.clone(), rtype: row.rtype, value, ttl: row.ttl, attributes }
}

/// A row that has become what a draft says. When it was changed is the service's to say.
fn after(row: &Row, draft: Draft) -> Row {
    let mut attributes = row.attributes.clone();
    attributes.remove("updated");
    attributes.extend(draft.attributes);
    attributes.retain(|name, value| name != COMMENT || !value.is_empty());
    Row { values: vec![draft.value.to_string()], ttl: draft.ttl, attributes, ..row.clone() }
}

/// The rows that came of one edit; where one of its records failed, its error, which says how many others were made.
fn joined(made: Vec<Result<Listed>>) -> Result<Vec<Row>> {
    let (all, done) = (made.len(), made.iter().flatten().count());
    let rows = made.into_iter().map(|made| made.and_then(|listed| row(listed).ok_or_else(unanswered)));
    rows.collect::<Result<Vec<Row>>>().map_err(|mut error| {
        if done > 0 {
            error.why = format!("{}; {done} of the {all} records were added", error.why);
        }
        error
    })
}

/// A listed record; `None` where its name or type is none that we know.
fn row(listed: Listed) -> Option<Row> {
    let attributes = listed.attributes.clone();
    let Record { id, name, rtype, value, ttl, .. } = record(listed)?;
    Some(Row { id, name, rtype, values: vec![value.to_string()], ttl, attributes })
}

/// A listed domain; `None` where its name is none.
fn zone_row(domain: Listed) -> Option<ZoneRow> {
    let mut attributes = domain.attributes;
    attributes.extend(domain.ttl.map(|ttl| ("ttl".to_owned(), ttl.to_string())));
    Some(ZoneRow { zone: Zone { id: domain.id, name: Name::parse(&domain.name).ok()? }, attributes })
}
