//! Yandex Mail for Domain: DNS records by PddToken, as domain administrators and registrars had it. Retired in 2023.
//!
//! Yandex announced that the API "will stop working on April 1, 2023", and since then its host no longer answers. What its
//! documents say is kept for services that speak the same; whoever configures it is told at the start to move to
//! [`yandex360`](super::yandex360), and an account that meets the retired service is held instead of tried again and again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::edit::rules::{ANY_TTL, Objection, only_texts, outside};
use super::edit::{Attribute, Editor, ZoneRow};
use super::setting::{Kind as SettingKind, Setting, Settings, SettingsError};
use super::shape::records::{Draft, Record, Records, RecordsProvider};
use super::shape::zones::{Zone, longest};
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey};

pub mod api;
pub(super) mod by_hand;
pub(super) mod kinds;
mod reply;

use api::Api;
#[cfg(fuzzing)]
pub use api::fuzz;
use by_hand::{ByHand, Hand};
use kinds::{Holds, Kind, Part};

pub use reply::RETIRED;

/// Where the operations were.
const ENDPOINT: &str = "https://pddimp.yandex.ru/api2/";

/// What is known of Mail for Domain without an account.
pub const ENTRY: Entry = Entry {
    name: "yandex",
    title: "Yandex Mail for Domain, retired in 2023; see yandex360",
    shape: "records",
    documentation: "https://yandex.com/dev/domain/doc/reference/dns-add.html",
    notice: Some(RETIRED),
    ttl: ANY_TTL,
    objects: objection,
    settings: &[
        Setting::required("token", SettingKind::Secret, "The PDD token."),
        Setting::optional(
            "registrar_token",
            SettingKind::Secret,
            "A registrar's OAuth token; with it the operations for registrars are used.",
        ),
        Setting::optional("domains", SettingKind::Texts, "The domains, instead of asking for them."),
        Setting::optional(
            "endpoint",
            SettingKind::Url,
            "Where the operations are; https://pddimp.yandex.ru/api2/ by default.",
        ),
    ],
    keeps: only_texts,
    build: |settings, tools| Ok(Arc::new(RecordsProvider::new(account(settings, tools)?)) as Arc<dyn Provider>),
    edit: Some(|settings, tools| Ok(Arc::new(Hand(account(settings, tools)?)) as Arc<dyn Editor>)),
};

const PRIORITY: Part = Part::number("priority", 0, 65_535, Some("10"));

/// The eight types of the document. The bounds of `refresh` and of an SOA record's TTL are documented; the others are those
/// of the DNS (RFC 1035, RFC 2782).
const KINDS: &[Kind] = &[
    Kind { rtype: RecordType::A, parts: &[] },
    Kind { rtype: RecordType::Aaaa, parts: &[] },
    Kind { rtype: RecordType::Cname, parts: &[] },
    Kind { rtype: RecordType::Mx, parts: &[PRIORITY] },
    Kind { rtype: RecordType::Ns, parts: &[] },
    Kind {
        rtype: RecordType::Soa,
        parts: &[
            Part { name: "admin_mail", holds: Holds::Mail, default: None },
            Part::number("refresh", 900, 86_400, Some("10800")),
            Part::number("retry", 0, 0x7fff_ffff, Some("900")),
            Part::number("expire", 0, 0x7fff_ffff, Some("1209600")),
            Part::number("neg_cache", 0, 0x7fff_ffff, Some("10800")),
        ],
    },
    Kind {
        rtype: RecordType::Srv,
        parts: &[PRIORITY, Part::number("weight", 0, 65_535, None), Part::number("port", 0, 65_535, None)],
    },
    Kind { rtype: RecordType::Txt, parts: &[] },
];

/// What is known of a name without asking: whether it lies in the domains that the settings name.
fn objection(settings: &Settings, name: &Name, _: &[RecordType]) -> Option<Objection> {
    let domains = settings.texts("domains").unwrap_or_default();
    let domains: Vec<Name> = domains.iter().filter_map(|domain| Name::parse(domain).ok()).collect();
    outside(name, domains.iter(), "domains")
}

/// One account.
pub struct Yandex {
    account: String,
    api: Api,
    /// The domains that the settings name; empty: the service is asked.
    domains: Vec<Zone>,
}

/// The service of one account.
///
/// # Errors
/// When `domains` has one that is no name.
pub fn account(settings: &Settings, tools: &Tools) -> Result<Yandex, SettingsError> {
    let token = settings.secret("token").ok_or_else(|| SettingsError::of("token", "is needed"))?;
    let endpoint = match settings.url("endpoint") {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(ENDPOINT).map_err(|error| SettingsError::of("endpoint", error.to_string()))?,
    };
    let zone = |text: &String| {
        let name = Name::parse(text).map_err(|why| SettingsError::of("domains", format!("\"{text}\": {why}")))?;
        Ok(Zone { id: name.to_string(), name })
    };
    let domains = settings.texts("domains").unwrap_or_default().iter().map(zone).collect::<Result<_, _>>()?;
    let registrar = settings.secret("registrar_token").cloned();
    let api = Api::new(endpoint, token.clone(), registrar, tools.http.clone());
    Ok(Yandex { account: settings.account.clone(), api, domains })
}

impl Yandex {
    /// The operations themselves.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// What was being done, with the name and the account.
    fn doing<'a>(&'a self, verb: &'a str, what: impl std::fmt::Display) -> impl FnOnce(Error) -> Error + 'a {
        let what = what.to_string();
        move |error| {
            let doing = format!("{verb} {what} at account {}, {}", self.account, error.doing);
            error.doing(doing)
        }
    }
}

/// The terms of both services: what they take is live when it is answered, and their name servers follow within minutes.
pub(super) fn terms() -> Terms {
    Terms {
        readable: true,
        width: 1,
        budget: Budget::RECORDS,
        // Users tell of up to a quarter of an hour.
        settles_within: Duration::from_secs(900),
        read_back_after: Duration::from_secs(2),
        forgets_siblings: false,
        refresh: None,
        in_dns: true,
    }
}

#[async_trait]
impl Records for Yandex {
    fn terms(&self) -> Terms {
        terms()
    }

    fn known_zone(&self, name: &Name) -> Option<Zone> {
        longest(&self.domains, name).cloned()
    }

    async fn zones(&self) -> Result<Vec<Zone>> {
        Ok(self.zone_rows().await?.into_iter().map(|row| row.zone).collect())
    }

    async fn list(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Record>> {
        let mut records = self.everything(zone).await?;
        records.retain(|record| keys.iter().any(|key| key.name == record.name));
        Ok(records)
    }

    async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Option<String>> {
        self.add(zone, draft).await.map(|record| Some(record.id))
    }

    async fn update(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<()> {
        self.change(zone, record, draft).await.map(drop)
    }

    async fn delete(&self, zone: &Zone, record: &Record) -> Result<()> {
        let key = RrsetKey::new(record.name.clone(), record.rtype);
        self.api.del(zone, &record.id).await.map_err(self.doing("removing", key))
    }

    fn network_changed(&self) {
        self.api.drop_connections();
    }
}

#[async_trait]
impl ByHand for Yandex {
    const ATTRIBUTES: &'static [Attribute] = &[
        Attribute { name: "admin_mail", help: "The administrator's mail address; SOA." },
        Attribute { name: "expire", help: "Seconds after which secondaries give up; SOA." },
        Attribute { name: "neg_cache", help: "Seconds for which an absence is cached; SOA." },
        Attribute { name: "port", help: "The port, 0 to 65535; SRV." },
        Attribute { name: "priority", help: "0 to 65535, the lowest goes first, 10 by default; MX and SRV." },
        Attribute { name: "refresh", help: "Seconds between looks of secondaries, 900 to 86400; SOA." },
        Attribute { name: "retry", help: "Seconds between their tries; SOA." },
        Attribute { name: "weight", help: "0 to 65535; SRV." },
    ];
    const KINDS: &'static [Kind] = KINDS;
    const NO_ZONES: &'static str = "domains were connected and given up on Yandex's web pages, with proof of ownership, \
                                    and the service was retired in 2023; see yandex360";

    async fn zone_rows(&self) -> Result<Vec<ZoneRow>> {
        if !self.domains.is_empty() {
            let row = |zone: &Zone| ZoneRow { zone: zone.clone(), attributes: Default::default() };
            return Ok(self.domains.iter().map(row).collect());
        }
        let domains = self.api.domains().await.map_err(self.doing("listing", "the zones"))?;
        let row = |domain: api::Domain| {
            let name = Name::parse(domain.name.trim()).ok()?;
            let attributes = domain.status.map(|status| ("status".to_owned(), status)).into_iter().collect();
            Some(ZoneRow { zone: Zone { id: name.to_string(), name }, attributes })
        };
        Ok(domains.into_iter().filter_map(row).collect())
    }

    async fn everything(&self, zone: &Zone) -> Result<Vec<Record>> {
        self.api.list(zone).await.map_err(self.doing("reading the zone", &zone.name))
    }

    async fn add(&self, zone: &Zone, draft: &Draft) -> Result<Record> {
        let key = RrsetKey::new(draft.name.clone(), draft.rtype);
        let made = self.api.add(zone, draft).await.map_err(self.doing("creating", key.clone()))?;
        if draft.rtype != RecordType::Soa {
            return Ok(made);
        }
        // Its times can only be set by an edit.
        self.api.edit(zone, &made, draft).await.map_err(self.doing("setting the times of", key))
    }

    async fn change(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<Record> {
        let key = RrsetKey::new(draft.name.clone(), draft.rtype);
        self.api.edit(zone, record, draft).await.map_err(self.doing("updating", key))
    }
}
