//! LunaNode: names under lndyn.com, and hosted zones.
//!
//! Names under lndyn.com have one address each (`dns/dyn-*`); whether that may be an IPv6 address is not documented. Here
//! it is simply tried: an entry with an IPv6 address counts as the name's AAAA record, and a service that takes none
//! refuses it, which holds that record set alone. What is refused here is a second family beside an existing entry: a
//! service with one address a name might overwrite the first. Hosted zones (`dns2/*`) have records of any kind.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::edit::Editor;
use super::edit::rules::{ANY_TTL, Objection, only_texts};
use super::setting::{Kind, Setting, Settings, SettingsError};
use super::shape::records::{Draft, Record, Records, RecordsProvider, alone, at_account};
use super::shape::zones::Zone;
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{self, Error, Result};
use crate::model::name::{Name, NameError};
use crate::model::record::{Family, RecordType, RrsetKey, Value};

pub mod api;
mod edit;
mod reply;
mod sign;

use api::{Api, Fields};

/// Where the operations are unless the account says otherwise.
const ENDPOINT: &str = "https://dynamic.lunanode.com/api/";

/// The domain under which every customer may have names.
const LNDYN: &str = "lndyn.com";

/// What can be kept beside addresses.
fn keeps(name: &Name, rtype: RecordType) -> std::result::Result<(), String> {
    match Name::parse(LNDYN) {
        Ok(lndyn) if name.is_within(&lndyn) => Err(format!("names under {LNDYN} have addresses only")),
        _ => only_texts(name, rtype),
    }
}

/// What is known of LunaNode without an account.
pub const ENTRY: Entry = Entry {
    name: "lunanode",
    title: "LunaNode: names under lndyn.com and hosted zones",
    shape: "records",
    documentation: "https://www.lunanode.com/api/dns",
    notice: None,
    ttl: ANY_TTL,
    objects: objection,
    settings: &[
        Setting::required("api_id", Kind::Text, "The id of an API key made in LunaNode's panel, 16 characters."),
        Setting::required(
            "api_key",
            Kind::Secret,
            "The API key, 128 characters. Do not restrict it to a source address: it would end when the address changes.",
        ),
        Setting::optional(
            "endpoint",
            Kind::Url,
            "Where the operations are; https://dynamic.lunanode.com/api/ by default.",
        ),
    ],
    keeps,
    build: |settings, tools| Ok(Arc::new(provider(settings, tools)?) as Arc<dyn Provider>),
    edit: Some(|settings, tools| Ok(Arc::new(service(settings, tools)?) as Arc<dyn Editor>)),
};

/// What is known of a name without asking: those under lndyn.com have one label in front, and one address.
fn objection(_: &Settings, name: &Name, types: &[RecordType]) -> Option<Objection> {
    let lndyn = Name::parse(LNDYN).ok()?;
    let label = name.relative_to(&lndyn)?;
    if label.is_empty() || label.contains('.') {
        let why = format!("names under {LNDYN} have exactly one label in front, unlike {name}");
        return Some(Objection {
            certain: true,
            why,
            help: format!("write home.{LNDYN}, or the name of a hosted zone"),
        });
    }
    let (why, help) = if types.len() > 1 {
        let why =
            format!("{name} holds one address at LunaNode, and both families are declared: the second is refused");
        (why, "switch one of them off: ipv6 = \"off\"")
    } else if types.contains(&RecordType::Aaaa) {
        let why = format!("LunaNode does not document IPv6 addresses for names under {LNDYN}: it may refuse {name}");
        (why, "publish the IPv4 address here, or a name of a hosted zone")
    } else {
        return None;
    };
    Some(Objection { certain: false, why, help: help.to_owned() })
}

/// The domain under which every customer may have names, as a zone.
///
/// # Errors
/// Never, as long as the domain is a name.
pub fn lndyn() -> Result<Zone, NameError> {
    Ok(Zone { id: LNDYN.to_owned(), name: Name::parse(LNDYN)? })
}

/// Whether a name is one of those that the service lends, which have an address and nothing else.
#[must_use]
pub fn is_lent(name: &Name) -> bool {
    lndyn().is_ok_and(|zone| name.is_within(&zone.name))
}

/// The provider of one account.
///
/// # Errors
/// When `api_id` has not 16 ASCII characters. The key is looked at when it is used, as it may come from a file.
pub fn provider(settings: &Settings, tools: &Tools) -> Result<RecordsProvider<LunaNode>, SettingsError> {
    service(settings, tools).map(RecordsProvider::new)
}

fn service(settings: &Settings, tools: &Tools) -> Result<LunaNode, SettingsError> {
    let id = settings.text("api_id").ok_or_else(|| SettingsError::of("api_id", "is needed"))?;
    if id.len() != sign::ID_LENGTH || !id.is_ascii() {
        return Err(SettingsError::of("api_id", format!("an API id has {} characters", sign::ID_LENGTH)));
    }
    let key = settings.secret("api_key").ok_or_else(|| SettingsError::of("api_key", "is needed"))?;
    let endpoint = match settings.url("endpoint") {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(ENDPOINT).map_err(|error| SettingsError::of("endpoint", error.to_string()))?,
    };
    let lndyn = lndyn().map_err(|error| SettingsError::whole(error.to_string()))?;
    let api = Api::new(id.to_owned(), key.clone(), endpoint, tools.http.clone());
    Ok(LunaNode { account: settings.account.clone(), api, lndyn })
}

/// One account at LunaNode.
pub struct LunaNode {
    account: String,
    api: Api,
    lndyn: Zone,
}

impl LunaNode {
    /// The operations themselves.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// What was being done, with the name and the account.
    fn doing<'a>(&'a self, verb: &'a str, what: impl std::fmt::Display) -> impl FnOnce(Error) -> Error + 'a {
        let what = what.to_string();
        move |error| at_account(verb, &what, &self.account, error)
    }

    fn is_lndyn(&self, zone: &Zone) -> bool {
        *zone == self.lndyn
    }

    /// The label of a name under lndyn.com, and the address that it gets.
    fn lndyn_entry<'a>(&self, draft: &'a Draft) -> Result<(&'a str, IpAddr)> {
        let refuse = |why: &str| Error::config("preparing the request", why);
        let label = draft.name.relative_to(&self.lndyn.name).filter(|label| !label.is_empty() && !label.contains('.'));
        let label = label.ok_or_else(|| refuse("names under lndyn.com have exactly one label in front"))?;
        if !label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            return Err(refuse("names under lndyn.com have letters, digits and hyphens only"));
        }
        let address = draft.value.address().filter(|address| Family::of(*address).record_type() == draft.rtype);
        let address = address.ok_or_else(|| refuse("names under lndyn.com hold addresses only"))?;
        Ok((label, address))
    }

    async fn lndyn_records(&self) -> Result<Vec<Record>> {
        let entries = self.api.dyn_list().await?;
        Ok(entries.into_iter().filter_map(|entry| self.lndyn_record(entry)).collect())
    }

    /// An entry of lndyn.com as a record; `None` where its name is none, so that it cannot be one of ours.
    fn lndyn_record(&self, entry: api::Dyn) -> Option<Record> {
        let name = name_in(&self.lndyn.name, &entry.name)?;
        let (rtype, value) = match entry.ip.trim().parse::<IpAddr>() {
            Ok(address) => (Family::of(address).record_type(), address.into()),
            // Somebody put it there; it is shown as it is and not taken for an address.
            Err(_) => (RecordType::A, Value::Text(entry.ip)),
        };
        Some(Record { id: entry.id, name, rtype, value, ttl: None, attributes: Default::default() })
    }

    /// Adds a name under lndyn.com, unless it is there: the service might overwrite the address that it has.
    async fn lndyn_create(&self, draft: &Draft) -> Result<Option<String>> {
        let (label, address) = self.lndyn_entry(draft)?;
        let doing = format!("adding {}", draft.name);
        let held = self.lndyn_records().await?;
        match held.iter().find(|record| record.name == draft.name) {
            Some(record) if record.rtype == draft.rtype => Err(Error::stale(doing, "the name is there already")),
            Some(record) => Err(one_address(draft, record)),
            None => self.api.dyn_add(label, address).await.map_err(|error| match error.kind {
                // It is not among ours, so it is a stranger's.
                error::Kind::Stale => Error { kind: error::Kind::Config, ..error }.hint("choose another name"),
                _ => error,
            }),
        }
    }

    async fn lndyn_update(&self, record: &Record, draft: &Draft) -> Result<()> {
        let (label, address) = self.lndyn_entry(draft)?;
        self.api.dyn_update(&record.id, label, address).await
    }

    async fn hosted_records(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Record>> {
        let listed = self.api.record_list(&zone.id).await?;
        let records = listed.into_iter().filter_map(|listed| hosted_record(zone, listed));
        Ok(records.filter(|record| keys.iter().any(|key| key.name == record.name)).collect())
    }
}

#[async_trait]
impl Records for LunaNode {
    fn terms(&self) -> Terms {
        Terms {
            readable: true,
            width: 1,
            budget: Budget::RECORDS,
            settles_within: Duration::from_secs(300),
            read_back_after: Duration::from_secs(2),
            forgets_siblings: false,
            refresh: None,
            in_dns: true,
        }
    }

    fn check(&self, zone: &Zone, draft: &Draft, held: Option<&Record>, beside: &[Record]) -> Result<()> {
        let checked = if self.is_lndyn(zone) {
            let taken = beside.first().filter(|_| held.is_none()).map(|record| Err(one_address(draft, record)));
            self.lndyn_entry(draft).map(drop).and(taken.unwrap_or(Ok(())))
        } else {
            alone(draft, held, beside)
        };
        checked.map_err(self.doing("checking", RrsetKey::new(draft.name.clone(), draft.rtype)))
    }

    fn known_zone(&self, name: &Name) -> Option<Zone> {
        name.is_within(&self.lndyn.name).then(|| self.lndyn.clone())
    }

    async fn zones(&self) -> Result<Vec<Zone>> {
        let zones = self.api.zone_list().await.map_err(self.doing("listing", "the zones"))?;
        // A zone whose name is none here (RFC 2317 has some with slashes) holds no name of ours.
        let zone = |zone: api::HostedZone| Some(Zone { id: zone.id, name: Name::parse(zone.name.trim()).ok()? });
        Ok(zones.into_iter().filter_map(zone).collect())
    }

    async fn list(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Record>> {
        let records =
            if self.is_lndyn(zone) { self.lndyn_records().await } else { self.hosted_records(zone, keys).await };
        records.map_err(self.doing("reading the zone", &zone.name))
    }

    async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Option<String>> {
        let created = if self.is_lndyn(zone) {
            self.lndyn_create(draft).await
        } else {
            self.api.record_add(&zone.id, &fields(draft), None).await
        };
        created.map_err(self.doing("creating", RrsetKey::new(draft.name.clone(), draft.rtype)))
    }

    async fn update(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<()> {
        let updated = if self.is_lndyn(zone) {
            self.lndyn_update(record, draft).await
        } else {
            self.api.record_add(&zone.id, &fields(draft), Some(&record.id)).await.map(drop)
        };
        updated.map_err(self.doing("updating", RrsetKey::new(draft.name.clone(), draft.rtype)))
    }

    async fn delete(&self, zone: &Zone, record: &Record) -> Result<()> {
        let deleted = if self.is_lndyn(zone) {
            self.api.dyn_remove(&record.id).await
        } else {
            self.api.record_remove(&zone.id, &record.id).await
        };
        deleted.map_err(self.doing("removing", RrsetKey::new(record.name.clone(), record.rtype)))
    }

    fn network_changed(&self) {
        self.api.drop_connections();
    }
}

/// A second address beside the one that a name under lndyn.com holds.
fn one_address(draft: &Draft, held: &Record) -> Error {
    let why = format!("names under {LNDYN} hold one address, and this one holds {}", held.value);
    Error::config(format!("adding {}", draft.name), why).hint("switch one of the two families off for this record")
}

/// A listed record; `None` where its name or type is none that we know, so that it cannot be one of ours.
fn hosted_record(zone: &Zone, listed: api::HostedRecord) -> Option<Record> {
    let Fields { name, rtype, data, ttl, attributes } = listed.fields;
    let rtype: RecordType = rtype.parse().ok()?;
    // What does not read as an address is foreign; it is shown as it is.
    let value = Value::parse(rtype, &data).unwrap_or(Value::Text(data));
    Some(Record { id: listed.id, name: name_in(&zone.name, &name)?, rtype, value, ttl, attributes })
}

/// A name as the service lists it: relative to the zone or in full, with or without the last dot.
fn name_in(zone: &Name, listed: &str) -> Option<Name> {
    let listed = listed.trim();
    if listed.is_empty() || listed == "@" {
        return Some(zone.clone());
    }
    let name = Name::parse(listed).ok()?;
    if listed.ends_with('.') || name.is_within(zone) {
        return Some(name);
    }
    Name::parse(&format!("{name}.{zone}")).ok()
}

/// What is sent for a draft: the name in full, which the service takes for the same as the relative one.
fn fields(draft: &Draft) -> Fields {
    Fields {
        name: draft.name.to_string(),
        rtype: draft.rtype.to_string(),
        data: draft.value.to_string(),
        ttl: draft.ttl,
        attributes: draft.attributes.clone(),
    }
}

/// The fuzzer's door: an answer of any content; whether it counts as a success.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(status: u16, body: &[u8]) -> bool {
    let reply = crate::net::http::Reply::new(status, Default::default(), body.to_vec());
    let Ok(content) = reply::open(&reply, &["a secret"], "asking") else { return false };
    for list in ["dyns", "zones", "records"] {
        for entry in reply::entries(&content, list, "asking").unwrap_or_default() {
            let _ = (entry.id(), entry.need("name", "asking"), entry.text("ttl"));
        }
    }
    true
}
