//! Channels: how people, and the programs that watch over this one, are told.

use std::ffi::OsString;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::error::Result;
use crate::model::news::Message;
use crate::net::http::Http;
use crate::provider::setting::{Setting, Settings, SettingsError};

mod exec;
mod gotify;
mod heartbeat;
mod mail;
mod ntfy;
mod web;
mod webhook;

pub use exec::variables;

/// Every kind of channel, in alphabetical order.
pub const REGISTRY: &[Entry] = &[
    exec::ENTRY,
    gotify::ENTRY,
    heartbeat::HEALTHCHECKS,
    heartbeat::PLAIN,
    mail::ENTRY,
    ntfy::ENTRY,
    heartbeat::UPTIME_KUMA,
    webhook::ENTRY,
];

/// The kind of channel called `name`, if there is one.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// What a kind of channel is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// What is new.
    News,
    /// After each check that all is well, or what is wrong.
    Beats,
    /// After each check that all is well; it has no word for trouble but silence.
    GoodBeats,
}

/// What is known of a kind of channel.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The word in `type = "..."`.
    pub name: &'static str,
    /// One line for people: what it is.
    pub title: &'static str,
    /// Where it is documented.
    pub documentation: &'static str,
    /// What it is told.
    pub hears: Hears,
    /// The keys of the channel's table beside those that all have.
    pub settings: &'static [Setting],
    /// Builds one channel. Does no input or output.
    pub build: Build,
}

/// Builds one channel.
pub type Build = fn(&Settings, &Tools) -> Result<Arc<dyn Channel>, SettingsError>;

/// What channels are built with.
#[derive(Clone)]
pub struct Tools {
    /// The HTTP client.
    pub http: Http,
    /// What programs may see of the environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// A way to tell somebody something.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Tells it, once, within half a minute. A channel that is there to be told that all is well says only that, or the opposite.
    ///
    /// # Errors
    /// It did not arrive, or nobody knows whether it did; never with a secret or a URL's path.
    async fn tell(&self, message: &Message) -> Result<()>;
}
