//! Yandex 360 for Business: the DNS records of an organisation's domains. The successor of Mail for Domain.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;

use super::edit::rules::{ANY_TTL, any_name, only_texts};
use super::edit::{Attribute, Attributes, Editor, ZoneRow};
use super::setting::{Kind as SettingKind, Setting, Settings, SettingsError};
use super::shape::records::{Draft, Record, Records, RecordsProvider};
use super::shape::zones::Zone;
use super::yandex::by_hand::{ByHand, Hand};
use super::yandex::kinds::{Holds, Kind, Part};
use super::yandex::terms;
use super::{Entry, Provider, Terms, Tools};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey};

pub mod api;
mod reply;

use api::Api;
#[cfg(fuzzing)]
pub use api::fuzz;

/// Where the operations are unless the account says otherwise.
const ENDPOINT: &str = "https://api360.yandex.net/directory/v1";

/// What is known of Yandex 360 without an account.
pub const ENTRY: Entry = Entry {
    name: "yandex360",
    title: "Yandex 360 for Business: domains of an organisation",
    shape: "records",
    documentation: "https://yandex.ru/dev/api360/doc/ru/ref/DomainDNSService/",
    notice: None,
    ttl: ANY_TTL,
    objects: any_name,
    settings: &[
        Setting::required(
            "token",
            SettingKind::Secret,
            "An administrator's OAuth token with directory:manage_dns, directory:read_domains and \
             directory:read_organization; it lasts a year.",
        ),
        Setting::optional("organization", SettingKind::Text, "The organisation's number; all of them when left out."),
        Setting::optional(
            "endpoint",
            SettingKind::Url,
            "Where the operations are; https://api360.yandex.net/directory/v1 by default.",
        ),
    ],
    keeps: only_texts,
    build: |settings, tools| Ok(Arc::new(RecordsProvider::new(account(settings, tools)?)) as Arc<dyn Provider>),
    edit: Some(|settings, tools| Ok(Arc::new(Hand(account(settings, tools)?)) as Arc<dyn Editor>)),
};

/// The types of the document.
const KINDS: &[Kind] = &[
    Kind { rtype: RecordType::A, parts: &[] },
    Kind { rtype: RecordType::Aaaa, parts: &[] },
    Kind {
        rtype: RecordType::Caa,
        parts: &[Part::number("flag", 0, 255, Some("0")), Part { name: "tag", holds: Holds::Word, default: None }],
    },
    Kind { rtype: RecordType::Cname, parts: &[] },
    Kind { rtype: RecordType::Mx, parts: &[Part::number("priority", 0, 65_535, Some("10"))] },
    Kind { rtype: RecordType::Ns, parts: &[] },
    Kind {
        rtype: RecordType::Srv,
        parts: &[
            Part::number("priority", 0, 65_535, Some("10")),
            Part::number("weight", 0, 65_535, None),
            Part::number("port", 0, 65_535, None),
        ],
    },
    Kind { rtype: RecordType::Txt, parts: &[] },
];

/// One account.
pub struct Yandex360 {
    account: String,
    api: Api,
    organization: Option<String>,
}

/// The service of one account.
///
/// # Errors
/// When `organization` is no number.
pub fn account(settings: &Settings, tools: &Tools) -> Result<Yandex360, SettingsError> {
    let token = settings.secret("token").ok_or_else(|| SettingsError::of("token", "is needed"))?;
    let endpoint = match settings.url("endpoint") {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(ENDPOINT).map_err(|error| SettingsError::of("endpoint", error.to_string()))?,
    };
    let organization = settings.text("organization").map(str::to_owned);
    if organization.as_ref().is_some_and(|id| !id.bytes().all(|b| b.is_ascii_digit())) {
        return Err(SettingsError::of("organization", "an organisation's id has digits only"));
    }
    let api = Api::new(endpoint, token.clone(), tools.http.clone());
    Ok(Yandex360 { account: settings.account.clone(), api, organization })
}

impl Yandex360 {
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

    /// The domains of the organisation that is set, or of all that the token's owner belongs to.
    async fn domains(&self) -> Result<Vec<api::Domain>> {
        let organizations = match &self.organization {
            Some(id) => vec![id.clone()],
            None => self.api.organizations().await?,
        };
        let mut domains = Vec::new();
        for organization in organizations {
            domains.extend(self.api.domains(&organization).await?);
        }
        Ok(domains)
    }
}

#[async_trait]
impl Records for Yandex360 {
    fn terms(&self) -> Terms {
        terms()
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
        self.api.delete(zone, &record.id).await.map_err(self.doing("removing", key))
    }

    fn network_changed(&self) {
        self.api.drop_connections();
    }
}

#[async_trait]
impl ByHand for Yandex360 {
    const ATTRIBUTES: &'static [Attribute] = &[
        Attribute { name: "flag", help: "0 to 255, 0 by default; CAA." },
        Attribute { name: "port", help: "The port, 0 to 65535; SRV." },
        Attribute { name: "priority", help: "0 to 65535, the lowest goes first, 10 by default; MX and SRV." },
        Attribute { name: "tag", help: "What is restricted: issue, issuewild or iodef; CAA." },
        Attribute { name: "weight", help: "0 to 65535; SRV." },
    ];
    const KINDS: &'static [Kind] = KINDS;
    const NO_ZONES: &'static str = "a domain of Yandex 360 has mailboxes and proofs of ownership that go with it: connect \
                                    it or give it up at https://admin.yandex.ru";
    const FIXED: &'static [(RecordType, &'static str)] = &[(
        RecordType::Caa,
        "Yandex 360 is known to garble CAA records that are changed: add one and remove the other",
    )];

    async fn zone_rows(&self) -> Result<Vec<ZoneRow>> {
        let domains = self.domains().await.map_err(self.doing("listing", "the zones"))?;
        let row = |domain: api::Domain| {
            // A name in Cyrillic letters becomes what the paths want.
            let name = Name::parse(domain.name.trim()).ok()?;
            let flags = [("delegated", domain.delegated), ("verified", domain.verified)];
            let told = flags.into_iter().filter_map(|(name, flag)| Some((name.to_owned(), flag?.to_string())));
            let organization = ("organization".to_owned(), domain.organization.clone());
            let attributes: Attributes = told.chain([organization]).collect();
            Some(ZoneRow { zone: Zone { id: format!("{}/{name}", domain.organization), name }, attributes })
        };
        Ok(domains.into_iter().filter_map(row).collect())
    }

    async fn everything(&self, zone: &Zone) -> Result<Vec<Record>> {
        self.api.list(zone).await.map_err(self.doing("reading the zone", &zone.name))
    }

    async fn add(&self, zone: &Zone, draft: &Draft) -> Result<Record> {
        let key = RrsetKey::new(draft.name.clone(), draft.rtype);
        self.api.create(zone, draft).await.map_err(self.doing("creating", key))
    }

    async fn change(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<Record> {
        let key = RrsetKey::new(draft.name.clone(), draft.rtype);
        self.api.edit(zone, record, draft).await.map_err(self.doing("updating", key))
    }
}
