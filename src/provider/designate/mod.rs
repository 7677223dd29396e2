//! OpenStack Designate v2: record sets by HTTP, with tokens of Keystone v3.
//!
//! Documentation: <https://docs.openstack.org/api-ref/dns/> and <https://docs.openstack.org/api-ref/identity/v3/>. What these
//! leave open was seen at Designate 23 with Keystone 30; the exchanges are in `tests/exchanges/designate`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::edit::Editor;
use super::edit::rules::{ANY_TTL, any_name};
use super::setting::{Settings, SettingsError};
use super::shape::patience::Patience;
use super::shape::rrsets::{Rrset, Rrsets, RrsetsProvider};
use super::shape::zones::Zone;
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::plan::Applied;
use crate::model::record::{RecordType, RrsetKey, Ttl, Values};
use crate::net::http::{LIST, Reply, SINGLE};

mod answers;
mod clouds;
mod editor;
mod keystone;
#[cfg(test)]
mod replay;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

#[cfg(fuzzing)]
pub use {answers::fuzz, clouds::fuzz as fuzz_clouds, keystone::fuzz as fuzz_keystone};

use answers::{Kept, Page, ZoneEntry};
use clouds::Source;
use keystone::{Call, Session};

/// Designate in the registry.
pub const ENTRY: Entry = Entry {
    name: "designate",
    title: "OpenStack Designate (v2, with Keystone v3)",
    shape: "rrsets",
    documentation: "https://docs.openstack.org/api-ref/dns/",
    notice: None,
    ttl: ANY_TTL,
    objects: any_name,
    settings: settings::SETTINGS,
    keeps: rules::keeps,
    build,
    edit: Some(edit),
};

/// How many entries a page is asked for. The server's default is 20, its limit usually 1000.
const PAGE: &str = "200";

/// How many pages are read at most: 100 000 record sets.
const PAGES: usize = 500;

/// How many calls may be in flight together: Designate answers them side by side, its database writes one after the other.
const WIDTH: usize = 4;

/// From how many names on the zones are listed instead of searched for name by name.
const MANY: usize = 8;

/// One account at a Designate.
struct Designate {
    session: Session,
    /// The TTLs of the zones that were seen, by their ids: a record set without one of its own has its zone's.
    ttls: Mutex<BTreeMap<String, Ttl>>,
}

fn build(settings: &Settings, tools: &Tools) -> Result<Arc<dyn Provider>, SettingsError> {
    Ok(Arc::new(RrsetsProvider::new(Designate::of(settings, tools)?)))
}

fn edit(settings: &Settings, tools: &Tools) -> Result<Arc<dyn Editor>, SettingsError> {
    Ok(Arc::new(Designate::of(settings, tools)?))
}

/// What was found out about the apexes during one search.
type Looked = BTreeMap<Name, Result<Option<Zone>>>;

impl Designate {
    fn of(settings: &Settings, tools: &Tools) -> Result<Self, SettingsError> {
        let session = Session::new(tools.http.clone(), Source::of(settings)?);
        Ok(Self { session, ttls: Mutex::default() })
    }

    /// Takes note of the zones' TTLs.
    fn note_ttls(&self, zones: &[ZoneEntry]) {
        let mut ttls = self.ttls.lock().unwrap_or_else(PoisonError::into_inner);
        ttls.extend(zones.iter().filter_map(|zone| Some((zone.id.clone(), zone.ttl.and_then(Ttl::new)?))));
    }

    /// The record sets with the TTLs that are in force: one that has none of its own has its zone's.
    async fn in_force(&self, zone: &Zone, mut sets: Vec<Rrset>, doing: &str) -> Result<Vec<Rrset>> {
        if sets.iter().all(|set| set.ttl.is_some()) {
            return Ok(sets);
        }
        let known = self.ttls.lock().unwrap_or_else(PoisonError::into_inner).get(&zone.id).copied();
        let ttl = match known {
            Some(ttl) => Some(ttl),
            None => {
                let entry = answers::zone(&self.read_one(&["zones", &zone.id], doing).await?, doing)?;
                self.note_ttls(std::slice::from_ref(&entry));
                entry.ttl.and_then(Ttl::new)
            }
        };
        sets.iter_mut().for_each(|set| set.ttl = set.ttl.or(ttl));
        Ok(sets)
    }

    async fn read_one(&self, path: &[&str], doing: &str) -> Result<Reply> {
        self.session.call(&Call { method: Method::GET, path, query: &[], body: None, limit: SINGLE, doing }).await
    }

    /// Every zone that is seen here.
    async fn all_zones(&self, doing: &str) -> Result<Vec<ZoneEntry>> {
        let found = self.pages(&["zones"], &[], answers::zones_page, |_| false, doing).await?;
        self.note_ttls(&found);
        Ok(found)
    }

    /// The zones of many names, for one list instead of a search for each.
    async fn zones_of_many(&self, names: &[Name]) -> Vec<Result<Option<Zone>>> {
        let listed = self.all_zones("listing the zones").await;
        let zone_of = |name: &Name| {
            let doing = format!("finding the zone of {name}");
            let entries = listed.as_ref().map_err(|error| error.clone().doing(doing.clone()))?;
            let of_name = entries.iter().filter_map(|entry| {
                let apex = Name::parse(&entry.name).ok()?;
                name.is_within(&apex).then_some((apex, entry))
            });
            match of_name.max_by_key(|(apex, _)| apex.as_str().len()) {
                Some((apex, entry)) => zone_among(std::slice::from_ref(entry), &apex, &doing),
                None => Ok(None),
            }
        };
        names.iter().map(zone_of).collect()
    }

    /// The zone with the longest suffix of `name`. What was `looked` up before is not asked again.
    async fn search(&self, name: &Name, looked: &mut Looked, patience: &mut Patience) -> Result<Option<Zone>> {
        let doing = format!("finding the zone of {name}");
        // A `*` in a filter matches anything, and no zone is called so.
        for apex in name.suffixes().filter(|apex| !apex.as_str().starts_with('*')) {
            let known = looked.get(&apex).cloned();
            let found = match (known, patience.given_up(|| doing.clone())) {
                (Some(known), _) => known.map_err(|error| error.doing(doing.clone())),
                (None, Some(error)) => Err(error),
                (None, None) => {
                    let found = self.zone(&apex, &doing).await;
                    patience.note(&found);
                    looked.insert(apex, found.clone());
                    found
                }
            };
            if let Some(zone) = found? {
                return Ok(Some(zone));
            }
        }
        Ok(None)
    }

    /// The zone with exactly this apex.
    async fn zone(&self, apex: &Name, doing: &str) -> Result<Option<Zone>> {
        let query = [("name", &*apex.fqdn())];
        let call = Call { method: Method::GET, path: &["zones"], query: &query, body: None, limit: SINGLE, doing };
        let page = answers::zones_page(&self.session.call(&call).await?, doing)?;
        self.note_ttls(&page.items);
        zone_among(&page.items, apex, doing)
    }

    /// Every page of a list, up to the one on which `enough` is found.
    async fn pages<T>(
        &self,
        path: &[&str],
        filter: &[(&str, &str)],
        read: fn(&Reply, &str) -> Result<Page<T>>,
        enough: impl Fn(&T) -> bool,
        doing: &str,
    ) -> Result<Vec<T>> {
        let (mut items, mut marker) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut query = filter.to_vec();
            query.push(("limit", PAGE));
            query.extend(marker.as_deref().map(|marker| ("marker", marker)));
            let call = Call { method: Method::GET, path, query: &query, body: None, limit: LIST, doing };
            let page = read(&self.session.call(&call).await?, doing)?;
            let over = page.items.is_empty() || page.items.iter().any(&enough);
            items.extend(page.items);
            // The last page announces another one where it is full: that one is then empty.
            match page.next {
                Some(next) if !over && Some(&next) != marker.as_ref() => marker = Some(next),
                _ => return Ok(items),
            }
        }
        Err(Error::transient(doing, format!("the list does not end after {PAGES} pages")))
    }

    async fn write(&self, method: Method, path: &[&str], body: Option<Json>, doing: &str) -> Result<Reply> {
        self.session.call(&Call { method, path, query: &[], body, limit: SINGLE, doing }).await
    }
}

#[async_trait]
impl Rrsets for Designate {
    fn terms(&self) -> Terms {
        Terms {
            readable: true,
            width: WIDTH,
            budget: Budget::RECORDS,
            // The worker looks after 5 s and then every 15 s, ten times by default.
            settles_within: Duration::from_secs(180),
            read_back_after: Duration::from_secs(5),
            forgets_siblings: false,
            refresh: None,
            in_dns: true,
        }
    }

    async fn zone_of(&self, name: &Name) -> Result<Option<Zone>> {
        self.search(name, &mut Looked::new(), &mut Patience::default()).await
    }

    async fn zones_of(&self, names: &[Name]) -> Vec<Result<Option<Zone>>> {
        if names.len() >= MANY {
            return self.zones_of_many(names).await;
        }
        let (mut looked, mut patience) = (Looked::new(), Patience::default());
        let mut zones = Vec::with_capacity(names.len());
        for name in names {
            zones.push(self.search(name, &mut looked, &mut patience).await);
        }
        zones
    }

    async fn zones(&self) -> Result<Option<Vec<Zone>>> {
        let found = self.all_zones("listing the zones").await?;
        let editable = found.iter().filter(|zone| !is_secondary(zone));
        Ok(Some(
            editable
                .filter_map(|zone| Some(Zone { id: zone.id.clone(), name: Name::parse(&zone.name).ok()? }))
                .collect(),
        ))
    }

    async fn get(&self, zone: &Zone, key: &RrsetKey) -> Result<Option<Rrset>> {
        let doing = format!("reading {key}");
        let fqdn = key.name.fqdn();
        let filter = [("name", &*fqdn), ("type", key.rtype.as_str())];
        let path = ["zones", &zone.id, "recordsets"];
        // The filter takes `*.example.org.` for a pattern, so the answer is looked through again. Names are kept in the case
        // in which they were made, and one in lower case may stand beside another.
        let is_it = |rrset: &Rrset| rrset.key == *key;
        let exactly = |set: &answers::RecordSet| set.name == fqdn && set.rrset().as_ref().is_some_and(is_it);
        let sets = self.pages(&path, &filter, answers::recordsets_page, exactly, &doing).await?;
        let found = sets.iter().find(|set| exactly(set)).and_then(answers::RecordSet::rrset);
        let found = found.or_else(|| sets.iter().filter_map(answers::RecordSet::rrset).find(is_it));
        Ok(self.in_force(zone, found.into_iter().collect(), &doing).await?.pop())
    }

    async fn is_alias(&self, zone: &Zone, name: &Name) -> Result<bool> {
        let key = RrsetKey::new(name.clone(), RecordType::Cname);
        Ok(self.get(zone, &key).await?.is_some())
    }

    async fn list(&self, zone: &Zone) -> Result<Option<Vec<Rrset>>> {
        let doing = format!("listing the record sets of {}", zone.name);
        let path = ["zones", &zone.id, "recordsets"];
        let mut sets = self.pages(&path, &[], answers::recordsets_page, |_| false, &doing).await?;
        sets.sort_by_key(|set| set.name.contains(|c: char| c.is_ascii_uppercase()));
        let sets = sets.iter().filter_map(answers::RecordSet::rrset).collect();
        Ok(Some(self.in_force(zone, sets, &doing).await?))
    }

    async fn replace(
        &self,
        zone: &Zone,
        key: &RrsetKey,
        before: Option<&Rrset>,
        values: &Values,
        ttl: Option<Ttl>,
    ) -> Result<Applied> {
        let kept = before.and_then(|rrset| rrset.snapshot.get::<Kept>());
        let Some(kept) = kept else {
            if values.is_empty() {
                return Ok(Applied::Done);
            }
            let doing = format!("creating {key}");
            let mut body = settings_of(key, None, values, ttl);
            body.insert("name".into(), key.name.fqdn().into());
            body.insert("type".into(), key.rtype.as_str().into());
            let path = ["zones", &zone.id, "recordsets"];
            let reply = self.write(Method::POST, &path, Some(body.into()), &doing).await?;
            return answers::stored(&reply, &doing);
        };
        let path = ["zones", &zone.id, "recordsets", &kept.id];
        if values.is_empty() {
            let doing = format!("removing {key}");
            return answers::deleted(&self.write(Method::DELETE, &path, None, &doing).await?, &doing);
        }
        let doing = format!("updating {key}");
        let body = settings_of(key, Some(kept), values, ttl);
        answers::stored(&self.write(Method::PUT, &path, Some(body.into()), &doing).await?, &doing)
    }

    fn beside_settings(&self) -> Vec<u8> {
        self.session.beside_settings()
    }

    fn network_changed(&self) {
        self.session.drop_connections();
    }
}

/// The part of a record set that we set. What is not in it stays as it was: an update is partial.
fn settings_of(key: &RrsetKey, kept: Option<&Kept>, values: &Values, ttl: Option<Ttl>) -> Map<String, Json> {
    let as_before = |value| kept.and_then(|kept| kept.written.get(value)).cloned();
    let records: Vec<_> =
        values.iter().map(|value| as_before(value).unwrap_or_else(|| answers::written(key.rtype, value))).collect();
    let mut body = Map::new();
    body.insert("records".into(), json!(records));
    body.extend(ttl.map(|ttl| ("ttl".into(), ttl.seconds().into())));
    body
}

/// The zone with exactly this apex among those that a search found.
fn zone_among(found: &[ZoneEntry], apex: &Name, doing: &str) -> Result<Option<Zone>> {
    let Some(entry) = found.iter().find(|zone| Name::parse(&zone.name).is_ok_and(|name| name == *apex)) else {
        return Ok(None);
    };
    if is_secondary(entry) {
        return Err(Error::config(doing, format!("the zone {apex} is a secondary copy here"))
            .hint("its records can only be changed where its primary zone is"));
    }
    Ok(Some(Zone { id: entry.id.clone(), name: apex.clone() }))
}

fn is_secondary(zone: &ZoneEntry) -> bool {
    zone.kind.eq_ignore_ascii_case("SECONDARY")
}
