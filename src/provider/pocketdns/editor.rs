//! PocketDNS's records by hand, and its templates.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::api::{Listed, Refused};
use super::rules::{self, Wanted};
use super::{PRIORITY, PocketDns, against_the_rules, api, name_in};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey, Ttl, Value};
use crate::provider::edit::rules::together;
use crate::provider::edit::{Attribute, Attributes, Edit, Editor, Filter, Row, ZoneRow, cannot};
use crate::provider::shape::zones::Zone;

const ATTRIBUTES: &[Attribute] = &[Attribute {
    name: PRIORITY,
    help: "The priority of an MX record, which needs one, or of an SRV record, which has it in its value too; 0 to 65535.",
}];

impl PocketDns {
    /// An edit that breaks a rule.
    fn breaks(&self, edit: &Edit, why: String) -> Error {
        Error::config(format!("checking {} {} at account {}", edit.name, edit.rtype, self.account), why).unsent()
    }

    /// Applies one of the service's templates (`tpl_website_basic`) with its variables (`ip_address`, `mail_server` …) to a
    /// zone, and answers the records that it made. What becomes of the records that are there is not documented.
    ///
    /// # Errors
    /// `Config` where the id or a variable's name is empty, without a call; otherwise as [`api`] says, where 404 may mean the
    /// zone or the template.
    pub async fn apply_template(
        &self,
        zone: &Zone,
        template: &str,
        variables: &BTreeMap<String, String>,
    ) -> Result<Vec<Row>> {
        let doing = self.doing("applying the template", format!("{template} to {}", zone.name));
        if template.trim().is_empty() || variables.keys().any(|name| name.trim().is_empty()) {
            return Err(doing(against_the_rules("a template and its variables have names".into())));
        }
        let applied = self.api.apply_template(&zone.id, template, variables).await.map_err(&doing)?;
        if !applied.errors.is_empty() {
            let refused = applied.errors.iter().map(|Refused { record, error }| {
                format!("{} {}: {}", record.name.escape_debug(), record.rtype.escape_debug(), error.escape_debug())
            });
            let (made, refused) = (applied.records_created.len(), refused.collect::<Vec<_>>().join("; "));
            let why = format!("a part of it was refused, {refused}; {made} of its records were created");
            return Err(doing(Error::config("", why).hint("driftless records list shows what is there")));
        }
        Ok(applied.records_created.into_iter().filter_map(|listed| row(zone, listed)).collect())
    }

    async fn update_one(&self, zone: &Zone, held: &Row, edit: &Edit) -> Result<Row> {
        let doing = self.doing("updating", RrsetKey::new(edit.name.clone(), edit.rtype));
        let patch = patch(zone, held, edit).map_err(|why| doing(against_the_rules(why)))?;
        match self.change(zone, &held.id, &patch).await.map_err(&doing)? {
            None => Ok(held.clone()),
            Some(listed) => row(zone, listed).ok_or_else(|| doing(not_understood())),
        }
    }
}

#[async_trait]
impl Editor for PocketDns {
    fn attributes(&self) -> &'static [Attribute] {
        ATTRIBUTES
    }

    fn check(&self, zone: &Zone, edit: &Edit) -> Result<()> {
        let each = |value: &String| rules::new(zone, &wanted(edit, value)).map(drop);
        let checked = check_edit(edit).and_then(|()| edit.values.iter().try_for_each(each));
        checked.map_err(|why| self.breaks(edit, why))
    }

    fn check_change(&self, zone: &Zone, held: &Row, edit: &Edit) -> Result<()> {
        patch(zone, held, edit).map(drop).map_err(|why| self.breaks(edit, why))
    }

    fn check_zone(&self, name: &Name, _attributes: &Attributes) -> Result<()> {
        Err(cannot(format!("adding the zone {name}"), "PocketDNS's domains are bought, not added: its API has no call"))
    }

    fn check_zone_removal(&self, zone: &Zone) -> Result<()> {
        Err(cannot(format!("removing the zone {}", zone.name), "PocketDNS's API has no call to give up a domain"))
    }

    fn check_template(&self, template: &str, unapplied: bool) -> Result<()> {
        rules::template(template, unapplied)
            .map_err(|why| cannot(format!("applying the template {}", template.escape_debug()), why).unsent())
    }

    async fn zones(&self) -> Result<Vec<ZoneRow>> {
        let row = |(zone, domain): (Zone, api::Domain)| ZoneRow { zone, attributes: attributes(domain) };
        let mut rows: Vec<ZoneRow> = self.reached().await?.into_iter().map(row).collect();
        rows.sort_by(|a, b| a.zone.name.cmp(&b.zone.name));
        Ok(rows)
    }

    async fn rows(&self, zone: &Zone, filter: &Filter) -> Result<Vec<Row>> {
        let listed = self.api.records(&zone.id).await.map_err(self.doing("reading the zone", &zone.name))?;
        Ok(listed.into_iter().filter_map(|listed| row(zone, listed)).filter(|row| filter.fits(row)).collect())
    }

    async fn row(&self, zone: &Zone, id: &str) -> Result<Row> {
        // The page on DNS records has no operation that shows one; the OpenAPI page lists one, but not where it is. So the
        // domain's records are listed, which is one call all the same.
        let of_id = Filter { id: Some(id.to_owned()), ..Filter::default() };
        let found = self.rows(zone, &of_id).await?.pop();
        found.ok_or_else(|| Error::config(format!("looking for the record {id}"), format!("{} has none", zone.name)))
    }

    async fn add(&self, zone: &Zone, edits: &[Edit]) -> Vec<Result<Vec<Row>>> {
        let good = edits.iter().filter(|edit| check_edit(edit).is_ok());
        let each: Vec<Wanted<'_>> =
            good.flat_map(|edit| edit.values.iter().map(move |value| wanted(edit, value))).collect();
        let mut made = self.make_all(zone, &each).await.into_iter();
        let outcome = |edit: &Edit| {
            if let Err(why) = check_edit(edit) {
                let doing = self.doing("creating", RrsetKey::new(edit.name.clone(), edit.rtype));
                return Err(doing(against_the_rules(why)));
            }
            let of_edit: Vec<Result<Listed>> = made.by_ref().take(edit.values.len()).collect();
            joined(zone, of_edit)
        };
        edits.iter().map(outcome).collect()
    }

    async fn update(&self, zone: &Zone, changes: &[(Row, Edit)]) -> Vec<Result<Row>> {
        let mut outcomes = Vec::with_capacity(changes.len());
        for (held, edit) in changes {
            outcomes.push(self.update_one(zone, held, edit).await);
        }
        outcomes
    }

    async fn remove(&self, zone: &Zone, rows: &[Row]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            let doing = self.doing("removing", RrsetKey::new(row.name.clone(), row.rtype));
            outcomes.push(self.api.delete(&zone.id, &row.id).await.map_err(doing));
        }
        outcomes
    }

    async fn apply_template(&self, zone: &Zone, template: &str, variables: &Attributes) -> Result<Vec<Row>> {
        // The function of the same name above. Its zone was found just now, so what is not there is the template.
        Self::apply_template(self, zone, template, variables).await.map_err(|error| match error.kind {
            Kind::Stale => Error { kind: Kind::Config, ..error },
            _ => error,
        })
    }
}

/// The rows that came of one edit; where one of its records failed, its error, which says how many others were made.
fn joined(zone: &Zone, made: Vec<Result<Listed>>) -> Result<Vec<Row>> {
    let (all, done) = (made.len(), made.iter().flatten().count());
    let rows = made.into_iter().map(|made| made.and_then(|listed| row(zone, listed).ok_or_else(not_understood)));
    rows.collect::<Result<Vec<Row>>>().map_err(|mut error| {
        if done > 0 {
            error.why = format!("{}; {done} of the {all} records were created", error.why);
        }
        error
    })
}

fn not_understood() -> Error {
    Error::transient("creating records at PocketDNS", "the answer was not understood: it has a record without a name")
}

/// What of an edit needs neither its zone nor its values one by one.
fn check_edit(edit: &Edit) -> Result<(), String> {
    together(edit.rtype, &edit.values)?;
    match edit.attributes.keys().find(|name| *name != PRIORITY) {
        Some(unknown) => Err(format!("PocketDNS's records have no attribute \"{unknown}\"; there is {PRIORITY}")),
        None => Ok(()),
    }
}

/// What an edit says of one of its values.
fn wanted<'a>(edit: &'a Edit, value: &'a str) -> Wanted<'a> {
    let (priority, content) = priority_and_content(edit, value);
    Wanted { name: &edit.name, rtype: edit.rtype, content, ttl: edit.ttl, priority }
}

/// What is sent so that a row becomes what an edit says; what stays is not checked again.
fn patch(zone: &Zone, held: &Row, edit: &Edit) -> Result<api::Patch, String> {
    check_edit(edit)?;
    let ([before], [after]) = (held.values.as_slice(), edit.values.as_slice()) else {
        return Err("a record has one value".into());
    };
    let priority = held.attributes.get(PRIORITY).map(String::as_str);
    let held = Wanted { name: &held.name, rtype: held.rtype, content: before, ttl: held.ttl, priority };
    rules::patch(zone, &held, &wanted(edit, after))
}

/// The priority and the content of a value: that of an MX record may have both, as zone files do ("10 mail.example.com").
fn priority_and_content<'a>(edit: &'a Edit, value: &'a str) -> (Option<&'a str>, &'a str) {
    let given = edit.attributes.get(PRIORITY).map(String::as_str);
    let both = value.trim().split_once(char::is_whitespace).filter(|_| edit.rtype == RecordType::Mx && given.is_none());
    match both {
        Some((priority, host)) => (Some(priority), host.trim()),
        None => (given, value),
    }
}

/// A listed record; `None` where its name or type is none that we know.
fn row(zone: &Zone, listed: Listed) -> Option<Row> {
    let rtype: RecordType = listed.rtype.parse().ok()?;
    let name = name_in(&zone.name, &listed.name)?;
    let known = [
        (PRIORITY, listed.priority.map(|priority| priority.to_string())),
        ("created_at", listed.created_at),
        ("updated_at", listed.updated_at),
    ];
    let attributes = told(known);
    Some(Row {
        id: listed.id,
        name,
        rtype,
        // In the form that lists have at every service: TXT as one text, addresses in one spelling.
        values: vec![Value::parse(rtype, &listed.content).map_or(listed.content, |value| value.to_string())],
        ttl: listed.ttl.and_then(Ttl::new),
        attributes,
    })
}

/// What is told of a domain.
fn attributes(domain: api::Domain) -> Attributes {
    let nameservers = (!domain.nameservers.is_empty()).then(|| domain.nameservers.join(" "));
    told([
        ("expires_at", domain.expires_at),
        ("nameservers", nameservers),
        ("records", domain.dns_records_count.map(|count| count.to_string())),
        ("status", domain.status),
        ("user_identifier", domain.user_identifier),
    ])
}

fn told<const N: usize>(parts: [(&str, Option<String>); N]) -> Attributes {
    parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
