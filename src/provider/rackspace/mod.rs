//! Rackspace Cloud DNS: domains of an account in the USA or the United Kingdom, by user name and API key.
//!
//! Every change is a job. It is followed for some seconds; what then still runs is settled later, by its ticket. Records are added
//! and updated up to a hundred a call, all or none of them; they are removed up to a hundred a call, each by itself.
//!
//! What the documentation leaves open: ids are opaque, whatever their form; whether an update that names no TTL keeps it, so it is
//! always sent; how long a job takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

use super::edit::Editor;
use super::edit::rules::any_name;
use super::setting::{Kind as Holds, Setting, Settings, SettingsError};
use super::shape::records::{Begun, Bulk, Draft, Edits, Record, Records, RecordsProvider, alone, at_account};
use super::shape::zones::Zone;
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::plan::{Settled, Ticket};
use crate::model::record::{RecordType, RrsetKey, Ttl, Value};
use crate::model::time::Moment;
use crate::os::clock;

pub mod api;
mod editor;
mod limits;
mod making;
mod reply;
mod rules;
mod session;

use api::Api;
use reply::{Job, Listed};
pub use rules::LEAST_TTL;
use session::Session;

/// The identity services, by region.
const REGIONS: [(&str, &str); 2] = [
    ("us", "https://identity.api.rackspacecloud.com/v2.0/"),
    ("uk", "https://lon.identity.api.rackspacecloud.com/v2.0/"),
];

/// How long a job is followed before a ticket is handed out for it.
const FOLLOWED: Duration = Duration::from_secs(8);

/// For so many record sets of one domain the service is asked by name and type; for more, the whole domain is listed.
const ASKED_APART: usize = 2;

/// So long calls stay smaller after a job for several records failed when nobody waited for it any more.
const CAREFUL: Duration = Duration::from_secs(3600);

/// What is known of Rackspace without an account.
pub const ENTRY: Entry = Entry {
    name: "rackspace",
    title: "Rackspace Cloud DNS: domains of an account",
    shape: "records",
    documentation: "https://docs.rackspace.com/docs/cloud-dns",
    notice: None,
    ttl: (LEAST_TTL, Ttl::MAX),
    objects: any_name,
    settings: &[
        Setting::required("username", Holds::Text, "The user's name; not one with multi-factor authentication."),
        Setting::required("api_key", Holds::Secret, "The API key of the user's profile, not the password."),
        Setting::optional(
            "region",
            Holds::Choice(&["uk", "us"]),
            "Where the account is: us, which is the default, or uk.",
        ),
        Setting::optional(
            "auth_url",
            Holds::Url,
            "Where tokens are asked for, in place of the region's own; the token's catalog says where Cloud DNS is.",
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
pub fn provider(settings: &Settings, tools: &Tools) -> Result<RecordsProvider<Rackspace>, SettingsError> {
    service(settings, tools).map(RecordsProvider::new)
}

/// The service of one account.
///
/// # Errors
/// When there is no user name or no key. The key is looked at when it is used, as it may come from a file.
pub fn service(settings: &Settings, tools: &Tools) -> Result<Rackspace, SettingsError> {
    let username = settings.text("username").ok_or_else(|| SettingsError::of("username", "is needed"))?;
    let key = settings.secret("api_key").ok_or_else(|| SettingsError::of("api_key", "is needed"))?;
    let identity = match settings.url("auth_url") {
        Some(url) => url.clone(),
        None => identity(settings.text("region").unwrap_or("us"))?,
    };
    let session = Session::new(tools.http.clone(), username.to_owned(), key.clone(), identity);
    Ok(Rackspace { account: settings.account.clone(), api: Api::new(session), careful: Mutex::default() })
}

fn identity(region: &str) -> Result<Url, SettingsError> {
    let known = REGIONS.iter().find(|(name, _)| *name == region);
    let (_, url) = known.ok_or_else(|| SettingsError::of("region", "is us or uk"))?;
    Url::parse(url).map_err(|error| SettingsError::of("region", error.to_string()))
}

/// One account at Rackspace.
pub struct Rackspace {
    account: String,
    api: Api,
    /// The most records a call may have for the time being, and since when.
    careful: Mutex<Option<(usize, Moment)>>,
}

impl Rackspace {
    /// The operations themselves.
    #[must_use]
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// What was being done, with the name and the account.
    fn doing<'a>(&'a self, verb: &'a str, what: impl std::fmt::Display) -> impl Fn(Error) -> Error + 'a {
        let what = what.to_string();
        move |error| at_account(verb, &what, &self.account, error)
    }

    /// The records of a domain under at least these keys.
    async fn found(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Listed>> {
        if keys.len() > ASKED_APART || !keys.iter().all(|key| is_searchable(key.name.as_str())) {
            return self.api.records(&zone.id, None).await;
        }
        let mut found = Vec::new();
        for key in keys {
            let search = (key.rtype.as_str(), Some(key.name.as_str()));
            found.extend(self.api.records(&zone.id, Some(search)).await?);
        }
        // Where there is nothing yet, something may stand that keeps it so.
        let mut empty: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        empty.retain(|name| !found.iter().any(|listed| listed.name.eq_ignore_ascii_case(name)));
        empty.dedup();
        for name in empty {
            found.extend(self.api.records(&zone.id, Some((RecordType::Cname.as_str(), Some(name)))).await?);
        }
        Ok(found)
    }

    /// How many records a call may have now.
    fn most(&self) -> usize {
        let careful = *self.careful.lock().unwrap_or_else(PoisonError::into_inner);
        match careful {
            Some((most, since)) if clock::now().moment.since(since) < CAREFUL => most,
            _ => api::PAGE,
        }
    }

    /// A job for so many records failed, and which of them is to blame cannot be told: the next calls have half as many, until the
    /// culprit stands alone.
    fn take_care(&self, of: usize) {
        let most = (of / 2).clamp(1, self.most());
        *self.careful.lock().unwrap_or_else(PoisonError::into_inner) = Some((most, clock::now().moment));
    }
}

/// Whether the search finds a name: "special characters" find nothing.
fn is_searchable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}

#[async_trait]
impl Records for Rackspace {
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

    async fn zones(&self) -> Result<Vec<Zone>> {
        let domains = self.api.domains(None).await.map_err(self.doing("looking for", "the zones"))?;
        // One whose name is none holds no name of ours.
        let zone = |domain: Listed| Some(Zone { id: domain.id, name: Name::parse(&domain.name).ok()? });
        Ok(domains.into_iter().filter_map(zone).collect())
    }

    fn check(&self, zone: &Zone, draft: &Draft, held: Option<&Record>, beside: &[Record]) -> Result<()> {
        let checked = rules::check(zone, draft, held).map_err(rules::broken).and_then(|()| alone(draft, held, beside));
        checked.map_err(self.doing("checking", RrsetKey::new(draft.name.clone(), draft.rtype)))
    }

    async fn list(&self, zone: &Zone, keys: &[RrsetKey]) -> Result<Vec<Record>> {
        let listed = self.found(zone, keys).await.map_err(self.doing("reading the zone", &zone.name))?;
        let records = listed.into_iter().filter_map(record);
        Ok(records.filter(|record| keys.iter().any(|key| key.name == record.name)).collect())
    }

    async fn create(&self, zone: &Zone, draft: &Draft) -> Result<Option<String>> {
        self.finished(zone, Edits::Create(vec![draft.clone()])).await.map(|made| made.map(|listed| listed.id))
    }

    async fn update(&self, zone: &Zone, record: &Record, draft: &Draft) -> Result<()> {
        self.finished(zone, Edits::Update(vec![(record.clone(), draft.clone())])).await.map(drop)
    }

    async fn delete(&self, zone: &Zone, record: &Record) -> Result<()> {
        self.finished(zone, Edits::Delete(vec![record.clone()])).await.map(drop)
    }

    fn bulk(&self) -> Bulk {
        let most = self.most();
        Bulk { creations: most, updates: most, deletions: most }
    }

    async fn begin(&self, zone: &Zone, edits: &Edits) -> Begun {
        let made = self.make(zone, edits, FOLLOWED).await;
        let outcomes: Vec<Result<()>> = made.outcomes.into_iter().map(|outcome| outcome.map(drop)).collect();
        let taken = outcomes.iter().flatten().count();
        Begun { outcomes, ticket: made.job.map(|id| ticket(taken, &id)) }
    }

    async fn settle(&self, ticket: &Ticket) -> Result<Settled> {
        let (of, id) = parts(ticket);
        let doing = self.doing("following", "a change");
        match self.api.status(id).await.map_err(&doing)? {
            Job::Running(_) => Ok(Settled::Running),
            Job::Done(..) => Ok(Settled::Done),
            Job::Failed(_, problem) => {
                let error = reply::failure(problem.as_ref(), "following a job");
                if of > 1 {
                    self.take_care(of);
                    let why = format!("the job for {of} records failed: {}", error.why);
                    return Err(doing(Error { kind: Kind::Stale, why, ..error }));
                }
                Err(doing(error))
            }
        }
    }

    fn network_changed(&self) {
        self.api.drop_connections();
    }
}

/// The ticket of a job for so many records.
fn ticket(of: usize, id: &str) -> Ticket {
    Ticket(format!("{of} {id}"))
}

/// For how many records a ticket's job is, and its id.
fn parts(ticket: &Ticket) -> (usize, &str) {
    let parts = ticket.0.split_once(' ').and_then(|(of, id)| Some((of.parse().ok()?, id)));
    parts.unwrap_or((1, &ticket.0))
}

/// A listed record; `None` where its name or type is none that we know, so that it cannot be one of ours.
fn record(listed: Listed) -> Option<Record> {
    let rtype: RecordType = listed.rtype.parse().ok()?;
    // What does not read as an address is foreign; it is shown as it is.
    let value = Value::parse(rtype, &listed.data).unwrap_or(Value::Text(listed.data));
    let kept = |(name, _): &(String, String)| [rules::COMMENT, rules::PRIORITY].contains(&name.as_str());
    let attributes: BTreeMap<String, String> = listed.attributes.into_iter().filter(kept).collect();
    let name = Name::parse(&listed.name).ok()?;
    Some(Record { id: listed.id, name, rtype, value, ttl: listed.ttl, attributes })
}

/// The fuzzer's door: an answer of any content; whether it counts as a success.
#[cfg(fuzzing)]
#[must_use]
pub fn fuzz(status: u16, body: &[u8]) -> bool {
    let reply = crate::net::http::Reply::new(status, Default::default(), body.to_vec());
    let Ok(content) = reply::open(&reply, "asking") else { return false };
    if let Ok(page) = reply::page(&content, "records", "asking") {
        let listed = page.entries.iter().filter_map(|entry| reply::listed(entry, &[], "asking").ok());
        let _ = listed.filter_map(record).count();
    }
    let _ = limits::read(&content);
    session::fuzz(&content, &reply);
    match reply::job(&content, "asking") {
        Ok(Job::Failed(_, problem)) => {
            let _ = reply::failure(problem.as_ref(), "asking");
            let _ = problem.and_then(|problem| reply::failed_deletions(&problem, &["A-1", "A-2"], "asking"));
        }
        Ok(Job::Running(_) | Job::Done(..)) | Err(_) => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Rackspace {
        let settings = Settings::new("home")
            .with("username", super::super::setting::Value::Text("me".into()))
            .with("api_key", super::super::setting::Value::Secret(crate::os::secret::Secret::inline("key")));
        service(&settings, &Tools { http: crate::net::http::Http::new(None) }).unwrap()
    }

    #[test]
    fn calls_get_smaller_until_a_culprit_stands_alone() {
        let account = account();
        let whole = Bulk { creations: 100, updates: 100, deletions: 100 };
        assert_eq!(account.bulk(), whole);
        for (of, most) in [(100, 50), (100, 50), (50, 25), (25, 12), (50, 12), (12, 6), (2, 1), (1, 1)] {
            account.take_care(of);
            assert_eq!(account.most(), most, "after a job for {of}");
        }
        let earlier = Moment(clock::now().moment.0.saturating_sub(3_600_000));
        *account.careful.lock().unwrap() = Some((1, earlier));
        assert_eq!(account.bulk(), whole, "after an hour");
    }

    #[test]
    fn a_ticket_says_for_how_many_records_it_is() {
        assert_eq!(parts(&ticket(100, "0a 1b")), (100, "0a 1b"));
        assert_eq!(parts(&Ticket("0a1b".into())), (1, "0a1b"));
    }

    #[test]
    fn what_the_search_would_not_find_is_listed() {
        assert!(is_searchable("www.xn--bcher-kva.example"));
        assert!(!is_searchable("_acme-challenge.example.org") && !is_searchable("*.example.org"));
    }

    #[test]
    fn both_regions_are_known_and_no_other() {
        for (region, host) in [("us", "identity.api.rackspacecloud.com"), ("uk", "lon.identity.api.rackspacecloud.com")]
        {
            assert_eq!(identity(region).unwrap().host_str(), Some(host));
        }
        assert!(identity("mars").is_err());
    }
}
