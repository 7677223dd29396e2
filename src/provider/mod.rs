//! Providers: what the engine needs of a DNS service, and the list of those we know.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::plan::{Applied, Batch, Change, Plan, Seen, Settled, Ticket};
use crate::model::record::{RecordType, RrsetKey};
use crate::net::http::Http;

pub use crate::model::terms::{Budget, Terms};

pub mod designate;
pub mod dyndns2;
pub mod edit;
pub mod lunanode;
pub mod pocketdns;
pub mod rackspace;
pub mod setting;
pub mod shape;
pub mod yandex;
pub mod yandex360;
pub mod zonefile;

use setting::{Setting, Settings, SettingsError};

/// Every provider, in alphabetical order. The registry feeds `driftless providers`, the README's table and the checks of
/// the configuration.
pub const REGISTRY: &[Entry] = &[
    designate::ENTRY,
    dyndns2::ENTRY,
    lunanode::ENTRY,
    pocketdns::ENTRY,
    rackspace::ENTRY,
    yandex::ENTRY,
    yandex360::ENTRY,
    zonefile::ENTRY,
];

/// The provider called `name`, if there is one.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// What is known of a provider without an account.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The word in `provider = "..."`.
    pub name: &'static str,
    /// One line for people: which service.
    pub title: &'static str,
    /// How it is written here: `records`, `rrsets` or `push`.
    pub shape: &'static str,
    /// Where the API is documented.
    pub documentation: &'static str,
    /// What whoever has an account here must be told before anything else: the service is no more.
    pub notice: Option<&'static str>,
    /// The shortest and the longest TTL that the service documents, in seconds: others are refused before anything is sent, and so
    /// by the configuration. [`ANY_TTL`](edit::rules::ANY_TTL) where it documents none, or makes the best of any TTL.
    pub ttl: (u32, u32),
    /// What it has against a name and its types, as far as the configuration alone tells: said by `driftless check`. Another question
    /// than [`Entry::keeps`]: about a name, with the settings of the account and all types of the name together, and what it says may
    /// be no more than a doubt.
    pub objects: edit::rules::Objects,
    /// The keys of the account's table, in the order of the documentation, without `provider`.
    pub settings: &'static [Setting],
    /// Which record sets other than addresses the daemon can keep here; see [`edit::rules`] for the usual answers. Another question than
    /// [`Entry::objects`]: about one type, whatever the account and the name's other types, and certain. Nor is it what can be
    /// kept by hand, which is more: a value that is made of addresses has one text, and parts that a service keeps beside it (a
    /// priority) have no place in that.
    pub keeps: Keeps,
    /// Builds the provider of one account. Does no input or output.
    pub build: Build,
    /// Builds what edits its zones and records by hand; `None` where it keeps none that could be listed.
    pub edit: Option<BuildEditor>,
}

/// Whether a record set of a type other than A and AAAA, made of addresses, can be kept under a name; else the reason.
pub type Keeps = fn(&Name, RecordType) -> std::result::Result<(), String>;

/// Builds the provider of one account.
pub type Build = fn(&Settings, &Tools) -> Result<Arc<dyn Provider>, SettingsError>;

/// Builds the editor of one account. Does no input or output.
pub type BuildEditor = fn(&Settings, &Tools) -> Result<Arc<dyn edit::Editor>, SettingsError>;

/// What providers are built with.
#[derive(Clone)]
pub struct Tools {
    /// The HTTP client for calls with credentials.
    pub http: Http,
}

/// A DNS service as the engine sees it: one account of it.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What the service is like.
    fn terms(&self) -> Terms;

    /// What the service holds now, one answer a key, in the keys' order: a forbidden zone must not blind the others.
    ///
    /// `read(&[home A, home AAAA])` of a name that has only an A record answers
    /// `[Ok(Holds { values: {192.0.2.1}, .. }), Ok(Absent(..))]`.
    async fn read(&self, keys: &[RrsetKey]) -> Vec<Result<Seen>>;

    /// Pure: the plan cut into counted calls (or restartable units of calls), each bounded in time. Every change of the
    /// plan is in exactly one batch.
    fn batches(&self, plan: &Plan) -> Vec<Batch>;

    /// Makes each change of the batch true and touches nothing else; one answer a change, in the batch's order. Never
    /// sleeps out a limit and never retries by itself (but for one new token after a 401).
    async fn apply(&self, batch: &Batch) -> Vec<Result<Applied>>;

    /// What the service's documented rules, and what was read, have against a change: what `apply` would answer without sending
    /// anything. Asks nobody.
    fn objection(&self, _change: &Change) -> Option<Error> {
        None
    }

    /// How a job stands that `apply` left running.
    ///
    /// # Errors
    /// The job failed, or cannot be asked about.
    async fn settle(&self, ticket: &Ticket) -> Result<Settled>;

    /// What the login rests on beside the settings and their secrets: the contents of files that they only point to. When it
    /// changes, what was held because the account was refused is tried again. Never shown, only digested.
    fn beside_settings(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The machine's addresses changed: connections and anything bound to the old network are dropped.
    fn network_changed(&self) {}
}
