//! The ten operations of LunaNode's DNS, one function each.
//!
//! Source: LunaNode's API overview and its page on DNS. Lists have no pages; neither limits nor bounds of a TTL are
//! documented. Every function fails with what [`reply::open`] makes of the answer, `Transient` where there is none, and
//! `Auth` of the account where the key cannot be read or has not a key's length.

use std::collections::BTreeMap;
use std::net::IpAddr;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Request, Url};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{reply, sign};
use crate::model::error::{Error, Result, Scope};
use crate::model::record::Ttl;
use crate::net::http::{Http, LIST};
use crate::os::clock;
use crate::os::secret::Secret;

/// The parameters of `dns2/record-add` that need not be given; what an edit does not name falls back to its default.
const OPTIONAL: [&str; 11] = [
    "aux",
    "continent",
    "country",
    "global",
    "latitude",
    "longitude",
    "monitor_id",
    "policy",
    "region",
    "regiongroup",
    "weight",
];

/// The TTL of a record where none is given, in seconds.
pub(super) const DEFAULT_TTL: u32 = 300;

/// One login. Its calls are made one after the other: the nonces count seconds.
pub struct Api {
    id: String,
    key: Secret,
    endpoint: Url,
    http: Http,
    last_nonce: Mutex<i64>,
}

/// A name under lndyn.com.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dyn {
    /// Its id.
    pub id: String,
    /// Its label, as the service writes it.
    pub name: String,
    /// Its address, as the service writes it.
    pub ip: String,
}

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedZone {
    /// Its id.
    pub id: String,
    /// Its apex, as the service writes it.
    pub name: String,
    /// The TTL that it was added with, as the service writes it.
    pub ttl: Option<String>,
}

/// A record of a hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedRecord {
    /// Its id.
    pub id: String,
    /// What it says.
    pub fields: Fields,
    /// How its monitor check sees it, in words, where the service tells it.
    pub status: Option<String>,
}

/// What a record of a hosted zone says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Its name: relative to the zone or in full.
    pub name: String,
    /// Its type.
    pub rtype: String,
    /// Its content.
    pub data: String,
    /// Its TTL; `None` where a list does not tell it, and for a default of 300 seconds, as the service has none.
    pub ttl: Option<Ttl>,
    /// The other parameters of `dns2/record-add`, as they are to be sent.
    pub attributes: BTreeMap<String, String>,
}

impl Api {
    /// A login with its id, key, and the URL below which the operations are.
    #[must_use]
    pub fn new(id: String, key: Secret, endpoint: Url, http: Http) -> Self {
        Self { id, key, endpoint, http, last_nonce: Mutex::new(0) }
    }

    /// Drops the pooled connections.
    pub fn drop_connections(&self) {
        self.http.drop_connections();
    }

    /// The account's names under lndyn.com.
    pub async fn dyn_list(&self) -> Result<Vec<Dyn>> {
        let (doing, content) = self.call("dns/dyn-list/", &[]).await?;
        let read = |entry: &reply::Entry<'_>| {
            let need = |field| entry.need(field, &doing);
            Ok(Dyn { id: need("id")?, name: need("name")?, ip: need("ip")? })
        };
        reply::entries(&content, "dyns", &doing)?.iter().map(read).collect()
    }

    /// Adds the name `label`.lndyn.com. Answers its id where the service tells it.
    pub async fn dyn_add(&self, label: &str, ip: IpAddr) -> Result<Option<String>> {
        let (_, content) = self.call("dns/dyn-add/", &[("name", label), ("ip", &ip.to_string())]).await?;
        Ok(["id", "dyn_id"].iter().find_map(|field| content.get(*field).and_then(reply::scalar)))
    }

    /// Gives a name under lndyn.com another address.
    pub async fn dyn_update(&self, id: &str, label: &str, ip: IpAddr) -> Result<()> {
        let parameters = [("dyn_id", id), ("name", label), ("ip", &ip.to_string())];
        self.call("dns/dyn-update/", &parameters).await.map(drop)
    }

    /// Removes a name under lndyn.com.
    pub async fn dyn_remove(&self, id: &str) -> Result<()> {
        self.call("dns/dyn-remove/", &[("dyn_id", id)]).await.map(drop)
    }

    /// The account's hosted zones.
    pub async fn zone_list(&self) -> Result<Vec<HostedZone>> {
        let (doing, content) = self.call("dns2/zone-list/", &[]).await?;
        let read = |entry: &reply::Entry<'_>| {
            let ttl = entry.text("ttl").filter(|ttl| !ttl.is_empty());
            Ok(HostedZone { id: entry.need("id", &doing)?, name: entry.need("name", &doing)?, ttl })
        };
        reply::entries(&content, "zones", &doing)?.iter().map(read).collect()
    }

    /// Adds a hosted zone.
    pub async fn zone_add(&self, name: &str, ttl: Ttl) -> Result<()> {
        self.call("dns2/zone-add/", &[("name", name), ("ttl", &ttl.to_string())]).await.map(drop)
    }

    /// Removes a hosted zone with all its records.
    pub async fn zone_remove(&self, zone: &str) -> Result<()> {
        self.call("dns2/zone-remove/", &[("zone_id", zone)]).await.map(drop)
    }

    /// The records of a hosted zone.
    pub async fn record_list(&self, zone: &str) -> Result<Vec<HostedRecord>> {
        let (doing, content) = self.call("dns2/record-list/", &[("zone_id", zone)]).await?;
        let read = |entry: &reply::Entry<'_>| {
            let need = |field| entry.need(field, &doing);
            let ttl = entry.text("ttl").and_then(|ttl| ttl.trim().parse().ok()).and_then(Ttl::new);
            let attributes = attributes(entry);
            let fields = Fields { name: need("name")?, rtype: need("type")?, data: need("data")?, ttl, attributes };
            let status = entry.text("status_nice").filter(|status| !status.is_empty());
            Ok(HostedRecord { id: need("id")?, fields, status })
        };
        reply::entries(&content, "records", &doing)?.iter().map(read).collect()
    }

    /// Adds a record, or makes `original` (`orig_record_id`) what the fields say: every required parameter is needed then
    /// too, and what is not named is lost. Answers the record's id, which may be another one after an edit.
    pub async fn record_add(&self, zone: &str, fields: &Fields, original: Option<&str>) -> Result<Option<String>> {
        let ttl = fields.ttl.map_or(DEFAULT_TTL, Ttl::seconds).to_string();
        let required =
            [("zone_id", zone), ("name", &fields.name), ("data", &fields.data), ("ttl", &ttl), ("type", &fields.rtype)];
        let optional = fields.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let original = original.map(|id| ("orig_record_id", id));
        let parameters: Vec<_> = required.into_iter().chain(optional).chain(original).collect();
        let (_, content) = self.call("dns2/record-add/", &parameters).await?;
        Ok(content.get("record_id").and_then(reply::scalar))
    }

    /// Removes a record.
    pub async fn record_remove(&self, zone: &str, record: &str) -> Result<()> {
        self.call("dns2/record-remove/", &[("zone_id", zone), ("record_id", record)]).await.map(drop)
    }

    /// One call; answers with what was being done, for messages, and the content of the answer.
    async fn call(&self, handler: &str, parameters: &[(&str, &str)]) -> Result<(String, Map<String, Value>)> {
        let doing = format!("calling {} at LunaNode", handler.trim_end_matches('/'));
        let key = self.key.read()?;
        let key = key.expose_secret();
        let partial = sign::partial(key).ok_or_else(|| {
            let why = format!("the API key must have {} ASCII characters", sign::KEY_LENGTH);
            Error::auth(Scope::Account, &doing, why).hint("copy api_key as a whole from LunaNode's panel")
        })?;
        // Held until the answer is there: one call at a time.
        let mut last_nonce = self.last_nonce.lock().await;
        *last_nonce = sign::nonce(*last_nonce, clock::now().wall.0);
        let request = sign::request(parameters, &self.id, partial);
        let signature = sign::signature(key, handler, &request, *last_nonce);
        let request = self.post(handler, sign::form(&request, &signature, *last_nonce, &self.endpoint));
        let answer = self.http.send(request, LIST, &doing).await?;
        let content = reply::open(&answer, &[key, partial, &self.id], &doing)?;
        Ok((doing, content))
    }

    fn post(&self, handler: &str, body: String) -> Request {
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}/{handler}", self.endpoint.path().trim_end_matches('/')));
        url.set_query(None);
        url.set_fragment(None);
        let mut request = Request::new(Method::POST, url);
        let form = reqwest::header::HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form);
        *request.body_mut() = Some(body.into());
        request
    }
}

/// What an edit must send again so that it stays: what is set, in the words of `dns2/record-add`.
fn attributes(entry: &reply::Entry<'_>) -> BTreeMap<String, String> {
    let sent = |name: &str| {
        let listed = entry.text(name)?;
        let value = match name {
            // Listed as a boolean, which may be `""`; set with the word "no", and on by default.
            "global" => matches!(listed.as_str(), "" | "0" | "no" | "false").then(|| "no".to_owned())?,
            // Not monitored.
            "monitor_id" if listed == "0" => return None,
            _ if listed.is_empty() => return None,
            _ => listed,
        };
        Some((name.to_owned(), value))
    };
    OPTIONAL.iter().filter_map(|name| sent(name)).collect()
}
