//! PocketDNS: the domains that a partner's users bought there.
//!
//! There is no list of all domains of a key: an account is one domain by its id, or the domains of one user. A record's type
//! cannot be changed and its other fields are changed one by one, so that what is not named stays. What a record is called is
//! documented as its name in front of the domain; a name that ends in the domain's own is taken for one in full.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::edit::Editor;
use super::setting::{Kind, Setting, Settings, SettingsError};
use super::shape::records::{Bulk, Draft, Record, Records, RecordsProvider, alone, at_account};
use super::shape::zones::Zone;
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{self, Error, Result, Scope};
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey, Ttl, Value};

pub mod api;
mod editor;
mod many;
mod reply;
mod rules;

use api::{Api, Listed, Patch};
use rules::Wanted;

/// Where the API is, by environment.
const ENVIRONMENTS: [(&str, &str); 2] =
    [("production", "https://api.pocketdns.com"), ("sandbox", "https://api.sandbox.pocketdns.com")];

/// The longest user identifier, in characters.
const LONGEST_ID: usize = 255;

/// How many records one call creates. The documentation names no bound; a call of this size is answered well within the time
/// that calls have.
const BULK: usize = 100;

/// The attribute that MX and SRV records have.
const PRIORITY: &str = "priority";

/// What is known of PocketDNS without an account.
pub const ENTRY: Entry = Entry {
    name: "pocketdns",
    title: "PocketDNS: domains of its Partner API",
    shape: "records",
    documentation: "https://docs.pocketdns.com/api-reference/dns-records.html",
    notice: None,
    ttl: rules::TTL,
    objects: rules::objection,
    settings: &[
        Setting::required("api_key", Kind::Secret, "The API key of the environment (sk_live_…)."),
        Setting::optional("domain_id", Kind::Text, "The id of the domain (dom_…); this or user_identifier is needed."),
        Setting::optional("user_identifier", Kind::Text, "The user whose domains are meant, in place of domain_id."),
        Setting::optional(
            "environment",
            Kind::Choice(&["production", "sandbox"]),
            "production, which is the default, or sandbox; each has keys of its own.",
        ),
        Setting::optional(
            "endpoint",
            Kind::Url,
            "Where the API is, in front of /api/v1, in place of the environment's own.",
        ),
    ],
    keeps: super::edit::rules::only_texts,
    build: |settings, tools| Ok(Arc::new(provider(settings, tools)?) as Arc<dyn Provider>),
    edit: Some(|settings, tools| Ok(Arc::new(service(settings, tools)?) as Arc<dyn Editor>)),
};

/// The provider of one account.
///
/// # Errors
/// As [`service`].
pub fn provider(settings: &Settings, tools: &Tools) -> Result<RecordsProvider<PocketDns>, SettingsError> {
    service(settings, tools).map(RecordsProvider::new)
}

/// The service of one account: what the commands that edit by hand and apply templates work on.
///
/// # Errors
/// When there is neither a domain nor a user, or both, or an id that is none.
pub fn service(settings: &Settings, tools: &Tools) -> Result<PocketDns, SettingsError> {
    let key = settings.secret("api_key").ok_or_else(|| SettingsError::of("api_key", "is needed"))?;
    let environment = settings.text("environment").unwrap_or("production").to_owned();
    let reach = match (settings.text("domain_id"), settings.text("user_identifier")) {
        (Some(domain), None) => Reach::Domain(id("domain_id", domain)?),
        (None, Some(user)) => Reach::User(id("user_identifier", user)?),
        (None, None) => {
            let why = "is needed, or user_identifier: PocketDNS has no list of all domains";
            return Err(SettingsError::of("domain_id", why));
        }
        (Some(_), Some(_)) => {
            let why = "stands beside domain_id: one domain, or all of a user's";
            return Err(SettingsError::of("user_identifier", why));
        }
    };
    let base = match settings.url("endpoint") {
        Some(endpoint) => endpoint.clone(),
        None => base(&environment)?,
    };
    let api = Api::new(base, key.clone(), tools.http.clone());
    Ok(PocketDns { account: settings.account.clone(), environment, reach, api })
}

fn base(environment: &str) -> Result<Url, SettingsError> {
    let known = ENVIRONMENTS.iter().find(|(name, _)| *name == environment);
    let (_, base) = known.ok_or_else(|| SettingsError::of("environment", "is production or sandbox"))?;
    Url::parse(base).map_err(|error| SettingsError::of("environment", error.to_string()))
}

/// An id as the page on users documents it, which those of domains in the examples are, too.
fn id(setting: &'static str, text: &str) -> Result<String, SettingsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if text.is_empty() || text.len() > LONGEST_ID || !text.chars().all(allowed) {
        let why = format!("has 1 to {LONGEST_ID} letters, digits, underscores and hyphens");
        return Err(SettingsError::of(setting, why));
    }
    Ok(text.to_owned())
}

/// What an account reaches.
#[derive(Clone, Debug)]
enum Reach {
    /// One domain.
    Domain(String),
    /// The domains of a user.
    User(String),
}

/// One account at PocketDNS.
pub struct PocketDns {
    account: String,
    environment: String,
    reach: Reach,
    api: Api,
}

impl PocketDns {
    /// The operations themselves.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The domains that the account reaches, as the service tells of them.
    ///
    /// # Errors
    /// `Config` where there is no such domain or user; otherwise as [`api`] says.
    pub async fn domains(&self) -> Result<Vec<api::Domain>> {
        let (told, setting) = match &self.reach {
            Reach::Domain(id) => (self.api.domain(id).await.map(|domain| vec![domain]), "domain_id"),
            Reach::User(user) => (self.api.domains(user).await, "user_identifier"),
        };
        let told = told.map_err(|error| match error.kind {
            error::Kind::Stale => Error { kind: error::Kind::Config, ..error }
                .hint(format!("correct {setting}; ids belong to one environment, here {}", self.environment)),
            // Nothing of the account is within reach.
            error::Kind::Auth { .. } => Error { kind: error::Kind::Auth { scope: Scope::Account }, ..error },
            _ => error,
        });
        told.map_err(self.doing("looking for", "the zones"))
    }

    /// The zones that the account reaches. One whose name is none holds no name of ours.
    async fn reached(&self) -> Result<Vec<(Zone, api::Domain)>> {
        let zone = |domain: api::Domain| {
            let name = Name::parse(domain.name.trim()).ok()?;
            Some((Zone { id: domain.id.clone(), name }, domain))
        };
        Ok(self.domains().await?.into_iter().filter_map(zone).collect())
    }

    /// What was being done, with the name and the account; and what to do about a key that was refused.
    fn doing<'a>(&'a self, verb: &'a str, what: impl std::fmt::Display) -> impl Fn(Error) -> Error + 'a {
        let what = what.to_string();
        move |error| {
            let refused = matches!(error.kind, error::Kind::Auth { scope: Scope::Account }) && error.hint.is_none();
            let error = at_account(verb, &what, &self.account, error);
            if !refused {
                return error;
            }
            error
                .hint(format!("is it a key for {}? Each environment has its own; others are refused", self.environment))
        }
    }

    async fn change(&self, zone: &Zone, id: &str, patch: &Patch) -> Result<Option<Listed>> {
        // A change of nothing is none.
        if *patch == Patch::default() {
            return Ok(None);
        }
        self.api.update(&zone.id, id, patch).await.map(Some)
    }
}

#[async_trait]
impl Records for PocketDns {
    fn terms(&self) -> Terms {
        Terms {
            readable: true,
            width: 1,
            budget: Budget::RECORDS,
            settles_within: Duration::from_secs(300),
            read_back_after: Duration::from_secs(2),
            forgets_siblings: false,
            refresh: None,
            // What stands in the sandbox is for no name server.
            in_dns: self.environment != "sandbox",
        }
    }

    async fn zones(&self) -> Result<Vec<Zone>> {
        Ok(self.reached().await?.into_iter().map(|(zone, _)| zone).collect())
    }

    fn check(&self, zone: &Zone, draft: &Draft, held: Option<&Record>, beside: &[Record]) -> Result<()> {
        let doing = self.doing("checking", RrsetKey::new(draft.name.clone(), draft.rtype));
        let content = draft.value.to_string();
        let checked = match held {
            Some(held) => patch_of(zone, held, draft).map(drop),
            None => rules::new(zone, &wanted(draft, &content)).map(drop),
        };
        checked.map_err(against_the_rules).and_then(|()| alone(draft, held, beside)).map_err(doing)
    }

    async fn list(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Record>> {
        let listed = self.api.records(&zone.id).await.map_err(self.doing("reading the zone", &zone.name))?;
        let records = listed.into_iter().filter_map(|listed| record(zone, listed));
        Ok(records.filter(|record| keys.iter().any(|key| key.name == record.name)).collect())
    }

    async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Option<String>> {
        let doing = self.doing("creating", RrsetKey::new(draft.name.clone(), draft.rtype));
        let content = draft.value.to_string();
        let new = rules::new(zone, &wanted(draft, &content)).map_err(|why| doing(against_the_rules(why)))?;
        self.api.create(&zone.id, &new).await.map(|made| Some(made.id)).map_err(doing)
    }

    async fn update(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<()> {
        let doing = self.doing("updating", RrsetKey::new(draft.name.clone(), draft.rtype));
        let patch = patch_of(zone, record, draft).map_err(|why| doing(against_the_rules(why)))?;
        self.change(zone, &record.id, &patch).await.map(drop).map_err(doing)
    }

    async fn delete(&self, zone: &Zone, record: &Record) -> Result<()> {
        let doing = self.doing("removing", RrsetKey::new(record.name.clone(), record.rtype));
        self.api.delete(&zone.id, &record.id).await.map_err(doing)
    }

    fn bulk(&self) -> Bulk {
        Bulk { creations: BULK, ..Bulk::default() }
    }

    async fn create_many(&self, zone: &Zone, drafts: &[Draft]) -> Vec<Result<Option<String>>> {
        let contents: Vec<String> = drafts.iter().map(|draft| draft.value.to_string()).collect();
        let wanted: Vec<Wanted<'_>> =
            drafts.iter().zip(&contents).map(|(draft, content)| wanted(draft, content)).collect();
        let made = self.make_many(zone, &wanted).await;
        made.into_iter().map(|made| made.map(|listed| Some(listed.id))).collect()
    }

    fn network_changed(&self) {
        self.api.drop_connections();
    }
}

/// What a draft says.
fn wanted<'a>(draft: &'a Draft, content: &'a str) -> Wanted<'a> {
    let priority = draft.attributes.get(PRIORITY).map(String::as_str);
    Wanted { name: &draft.name, rtype: draft.rtype, content, ttl: draft.ttl, priority }
}

/// What is sent so that a record becomes what a draft says.
fn patch_of(zone: &Zone, record: &Record, draft: &Draft) -> Result<Patch, String> {
    let (held, content) = (record.value.to_string(), draft.value.to_string());
    let held = Wanted {
        name: &record.name,
        rtype: record.rtype,
        content: &held,
        ttl: record.ttl,
        priority: record.attributes.get(PRIORITY).map(String::as_str),
    };
    rules::patch(zone, &held, &wanted(draft, &content))
}

/// Something that breaks a documented rule is not sent.
fn against_the_rules(why: String) -> Error {
    Error::config("checking it by PocketDNS's rules", why).unsent()
}

/// A listed record; `None` where its name or type is none that we know, so that it cannot be one of ours.
fn record(zone: &Zone, listed: Listed) -> Option<Record> {
    let rtype: RecordType = listed.rtype.parse().ok()?;
    let name = name_in(&zone.name, &listed.name)?;
    // What does not read as an address is foreign; it is shown as it is.
    let value = Value::parse(rtype, &listed.content).unwrap_or(Value::Text(listed.content));
    let attributes = listed.priority.map(|priority| (PRIORITY.to_owned(), priority.to_string()));
    let attributes: BTreeMap<String, String> = attributes.into_iter().collect();
    Some(Record { id: listed.id, name, rtype, value, ttl: listed.ttl.and_then(Ttl::new), attributes })
}

/// A name as the service lists it.
fn name_in(zone: &Name, listed: &str) -> Option<Name> {
    let listed = listed.trim();
    if listed.is_empty() || listed == rules::ROOT {
        return Some(zone.clone());
    }
    let name = Name::parse(listed).ok()?;
    if listed.ends_with('.') || name.is_within(zone) {
        return Some(name);
    }
    Name::parse(&format!("{name}.{zone}")).ok()
}

/// The fuzzer's door: an answer of any content; whether it counts as a success.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(status: u16, body: &[u8]) -> bool {
    let reply = crate::net::http::Reply::new(status, Default::default(), body.to_vec());
    let Ok(reply) = reply::open(reply, &[200], "asking") else { return false };
    let Ok(domain) = Name::parse("example.org") else { return false };
    let zone = Zone { id: "dom_abc123".into(), name: domain };
    if let Ok(bulk) = reply.json::<api::Bulk>("asking") {
        let _ = bulk.created.into_iter().map(|listed| record(&zone, listed)).count();
    }
    reply.json::<Listed>("asking").is_ok_and(|listed| record(&zone, listed).is_some())
}
