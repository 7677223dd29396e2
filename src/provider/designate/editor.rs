//! Zones and record sets of Designate by hand.
//!
//! What Designate accepts, it keeps: its name servers follow within minutes, and `status` tells how far they are. So nothing is
//! waited for here. <https://docs.openstack.org/api-ref/dns/#recordsets>

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use reqwest::{Method, Url};
use serde_json::{Map, Value as Json};

use super::answers::{self, RecordSet, ZoneEntry};
use super::{Designate, WIDTH, rules};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::RecordType;
use crate::net::http::Reply;
use crate::provider::edit::{Attribute, Attributes, Edit, Editor, Filter, Row, ZoneRow};
use crate::provider::shape::patience::Patience;
use crate::provider::shape::zones::Zone;

#[async_trait]
impl Editor for Designate {
    fn attributes(&self) -> &'static [Attribute] {
        rules::ATTRIBUTES
    }

    fn zone_attributes(&self) -> &'static [Attribute] {
        rules::ZONE_ATTRIBUTES
    }

    fn check(&self, zone: &Zone, edit: &Edit) -> Result<()> {
        rules::settings(zone, edit, &format!("checking {} {}", edit.name, edit.rtype)).map(drop)
    }

    fn check_change(&self, zone: &Zone, held: &Row, edit: &Edit) -> Result<()> {
        rules::changes(zone, held, edit, &format!("checking {} {}", held.name, held.rtype)).map(drop)
    }

    fn check_removal(&self, zone: &Zone, row: &Row) -> Result<()> {
        rules::removal(zone, row, &format!("removing {} {}", row.name, row.rtype))
    }

    fn check_zone(&self, name: &Name, attributes: &Attributes) -> Result<()> {
        rules::zone(name, attributes, &format!("adding the zone {name}")).map(drop)
    }

    async fn zones(&self) -> Result<Vec<ZoneRow>> {
        let mut rows: Vec<_> = self.all_zones("listing the zones").await?.iter().filter_map(zone_row).collect();
        rows.sort_by(|one, other| one.zone.name.cmp(&other.zone.name));
        Ok(rows)
    }

    async fn add_zone(&self, name: &Name, attributes: &Attributes) -> Result<ZoneRow> {
        let doing = format!("adding the zone {name}");
        let body = rules::zone(name, attributes, &doing)?;
        let reply = self.write(Method::POST, &["zones"], Some(body.into()), &doing).await?;
        let entry = answers::zone(&reply, &doing)?;
        zone_row(&entry).ok_or_else(|| Error::transient(doing, "the answer names no zone"))
    }

    async fn remove_zone(&self, zone: &Zone) -> Result<()> {
        let doing = format!("removing the zone {}", zone.name);
        let path = ["zones", rules::id(&zone.id, &doing)?];
        let reply = self.write(Method::DELETE, &path, None, &doing).await?;
        // Servers of before 2016 answer with an empty body.
        if !(reply.body.is_empty() && matches!(reply.status, 202 | 204)) {
            answers::zone(&reply, &doing)?;
        }
        Ok(())
    }

    async fn rows(&self, zone: &Zone, filter: &Filter) -> Result<Vec<Row>> {
        let doing = format!("listing the record sets of {}", zone.name);
        let path = ["zones", rules::id(&zone.id, &doing)?, "recordsets"];
        let sets = self.filtered(&path, filter, &doing).await?;
        Ok(sets.iter().filter_map(RecordSet::row).filter(|row| filter.fits(row)).collect())
    }

    async fn rows_everywhere(&self, filter: &Filter) -> Result<Vec<(Zone, Row)>> {
        let sets = self.filtered(&["recordsets"], filter, "listing the record sets of all zones").await?;
        let with_zone = |set: &RecordSet| Some((zone_of(set)?, set.row()?));
        Ok(sets.iter().filter_map(with_zone).filter(|(_, row)| filter.fits(row)).collect())
    }

    async fn row(&self, zone: &Zone, id: &str) -> Result<Row> {
        let doing = format!("reading record set {id} of {}", zone.name);
        let path = ["zones", rules::id(&zone.id, &doing)?, "recordsets", rules::id(id, &doing)?];
        shown(&self.read_one(&path, &doing).await?, &doing)
    }

    async fn row_anywhere(&self, id: &str) -> Result<(Zone, Row)> {
        let doing = format!("reading record set {id}");
        let lost = || Error::transient(&doing, "the answer does not say in which zone it is");
        let reply = self.read_one(&["recordsets", rules::id(id, &doing)?], &doing).await?;
        // The answer is the record set where something in between followed the way to it, and the way otherwise. Of that only the
        // ids are used: behind a proxy the address names the wrong host.
        let (zone, row) = if matches!(reply.status, 301 | 302 | 307 | 308) {
            let (zone, _) = way(&reply).filter(|(_, set)| set == id).ok_or_else(lost)?;
            let path = ["zones", rules::id(&zone, &doing)?, "recordsets", id];
            let row = shown(&self.read_one(&path, &doing).await?, &doing)?;
            (zone, row)
        } else {
            let row = shown(&reply, &doing)?;
            (answers::recordset(&reply, &doing)?.zone_id.ok_or_else(lost)?, row)
        };
        let reply = self.read_one(&["zones", rules::id(&zone, &doing)?], &doing).await?;
        let entry = answers::zone(&reply, &doing)?;
        Ok((zone_row(&entry).ok_or_else(lost)?.zone, row))
    }

    async fn add(&self, zone: &Zone, edits: &[Edit]) -> Vec<Result<Vec<Row>>> {
        let calls = edits.iter().map(|edit| {
            let doing = format!("adding {} {}", edit.name, edit.rtype);
            (doing.clone(), self.add_one(zone, edit, doing).boxed())
        });
        side_by_side(calls.collect()).await
    }

    async fn update(&self, zone: &Zone, changes: &[(Row, Edit)]) -> Vec<Result<Row>> {
        let calls = changes.iter().map(|(row, edit)| {
            let doing = format!("updating {} {}", row.name, row.rtype);
            (doing.clone(), self.update_one(zone, row, edit, doing).boxed())
        });
        side_by_side(calls.collect()).await
    }

    async fn remove(&self, zone: &Zone, rows: &[Row]) -> Vec<Result<()>> {
        let calls = rows.iter().map(|row| {
            let doing = format!("removing {} {}", row.name, row.rtype);
            (doing.clone(), self.remove_one(zone, row, doing).boxed())
        });
        side_by_side(calls.collect()).await
    }
}

impl Designate {
    async fn add_one(&self, zone: &Zone, edit: &Edit, doing: String) -> Result<Vec<Row>> {
        let mut body = rules::settings(zone, edit, &doing)?;
        body.insert("name".into(), edit.name.fqdn().into());
        body.insert("type".into(), edit.rtype.as_str().into());
        let path = ["zones", rules::id(&zone.id, &doing)?, "recordsets"];
        let reply = self.write(Method::POST, &path, Some(body.into()), &doing).await?;
        match written(&reply, &doing) {
            Err(error) if reply.status == 409 => Err(Error::config(error.doing, error.why)
                .hint("there is such a record set already: update it, with all its values")),
            answer => Ok(vec![answer?]),
        }
    }

    async fn update_one(&self, zone: &Zone, row: &Row, edit: &Edit, doing: String) -> Result<Row> {
        let body = differs(row, rules::changes(zone, row, edit, &doing)?);
        if body.is_empty() {
            return Ok(row.clone());
        }
        let path = ["zones", rules::id(&zone.id, &doing)?, "recordsets", rules::id(&row.id, &doing)?];
        let reply = self.write(Method::PUT, &path, Some(body.into()), &doing).await?;
        written(&reply, &doing)
    }

    async fn remove_one(&self, zone: &Zone, row: &Row, doing: String) -> Result<()> {
        rules::removal(zone, row, &doing)?;
        let path = ["zones", rules::id(&zone.id, &doing)?, "recordsets", rules::id(&row.id, &doing)?];
        let reply = self.write(Method::DELETE, &path, None, &doing).await?;
        answers::deleted(&reply, &doing).map(drop)
    }

    /// Every record set at `path` that the service finds by the filter: at least those that fit it.
    async fn filtered(&self, path: &[&str], filter: &Filter, doing: &str) -> Result<Vec<RecordSet>> {
        let query = query(filter);
        let query: Vec<_> = query.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let wanted = |set: &RecordSet| filter.id.as_ref().is_some_and(|id| *id == set.id);
        self.pages(path, &query, answers::recordsets_page, wanted, doing).await
    }
}

/// A record set that was asked for by its id. That it is not there is the asker's mistake.
fn shown(reply: &Reply, doing: &str) -> Result<Row> {
    match written(reply, doing) {
        Err(error) if reply.status == 404 => Err(Error::config(error.doing, error.why)
            .hint("no record set that this account sees has the id; list them to find the right one")),
        answer => answer,
    }
}

/// The record set that an answer tells.
fn written(reply: &Reply, doing: &str) -> Result<Row> {
    let set = answers::recordset(reply, doing)?;
    set.row().ok_or_else(|| Error::config(doing, "it is being removed, or of a type that is not known here"))
}

/// The filter in Designate's words. What these cannot say is left to [`Filter::fits`]: TXT is in quotes there, an address is kept
/// in the spelling in which it was written, and a text that starts with an operator would be one.
fn query(filter: &Filter) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    let plain = |text: &String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
        text.chars().all(allowed) && !text.starts_with("BETWEEN")
    };
    if let Some(name) = filter.name.as_ref().filter(|name| plain(name)) {
        let open = name.ends_with(['*', '.']);
        query.push(("name", format!("{}{}", name.to_ascii_lowercase(), if open { "" } else { "." })));
    }
    query.extend(filter.rtype.map(|rtype| ("type", rtype.as_str().to_owned())));
    if let (Some(RecordType::A), Some(value)) = (filter.rtype, filter.value.as_ref().filter(|value| plain(value))) {
        query.push(("data", value.clone()));
    }
    query
}

/// The ids of zone and record set in the address that an answer points to.
fn way(reply: &Reply) -> Option<(String, String)> {
    let base = Url::parse("http://designate.invalid/").ok()?;
    let to = base.join(reply.headers.get("location")?.to_str().ok()?).ok()?;
    let segments: Vec<_> = to.path_segments()?.collect();
    match segments[..] {
        [.., "zones", zone, "recordsets", set] => Some((zone.into(), set.into())),
        _ => None,
    }
}

/// What of the wanted settings the row does not have yet.
fn differs(row: &Row, mut wanted: Map<String, Json>) -> Map<String, Json> {
    let same_values = {
        let mut values: Vec<_> = row.values.iter().map(|value| rules::comparable(row.rtype, value)).collect();
        let listed = wanted.get("records").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let mut records: Vec<_> =
            listed.iter().filter_map(Json::as_str).map(|text| rules::comparable(row.rtype, text)).collect();
        values.sort();
        records.sort();
        values == records
    };
    let comment = row.attributes.get("comment").map_or(Json::Null, |comment| comment.as_str().into());
    let ttl = row.ttl.map(|ttl| Json::from(ttl.seconds()));
    wanted.retain(|key, value| match key.as_str() {
        "records" => !same_values,
        "ttl" => ttl.as_ref() != Some(value),
        "description" => comment != *value,
        _ => true,
    });
    wanted
}

fn zone_of(set: &RecordSet) -> Option<Zone> {
    Some(Zone { id: set.zone_id.clone()?, name: Name::parse(set.zone_name.as_deref()?).ok()? })
}

fn zone_row(entry: &ZoneEntry) -> Option<ZoneRow> {
    let zone = Zone { id: entry.id.clone(), name: Name::parse(&entry.name).ok()? };
    let told = [
        ("comment", entry.description.clone()),
        ("email", entry.email.clone()),
        ("project", entry.project_id.clone()),
        ("serial", entry.serial.map(|serial| serial.to_string())),
        ("status", entry.status.clone()),
        ("ttl", entry.ttl.map(|ttl| ttl.to_string())),
        ("type", Some(entry.kind.clone()).filter(|kind| !kind.is_empty())),
    ];
    let attributes = told.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect();
    Some(ZoneRow { zone, attributes })
}

/// A call, and what it does in words.
type Waiting<'a, T> = (String, BoxFuture<'a, Result<T>>);

/// Makes calls, as many together as the server bears; one answer each, in their order. Once the account is refused or told to
/// wait, or the service is out of order, nothing more is sent.
async fn side_by_side<T: Send>(calls: Vec<Waiting<'_, T>>) -> Vec<Result<T>> {
    let patience = &Mutex::new(Patience::default());
    let mut queue = Vec::with_capacity(calls.len());
    for (doing, call) in calls {
        let call = async move {
            let over = patience.lock().unwrap_or_else(PoisonError::into_inner).given_up(|| doing);
            if let Some(over) = over {
                return Err(over.unsent());
            }
            let answer = call.await;
            patience.lock().unwrap_or_else(PoisonError::into_inner).note(&answer);
            answer
        };
        queue.push(call.boxed());
    }
    stream::iter(queue).buffered(WIDTH).collect().await
}

#[cfg(test)]
mod tests;
