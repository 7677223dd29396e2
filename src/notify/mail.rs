//! E-mail by SMTP, over TLS: from the first octet, or by STARTTLS, without which nothing is sent. In clear to this machine alone.

use std::sync::Arc;

use super::{Channel, Entry, Hears, Tools};
use crate::model::error::Result;
use crate::provider::setting::{Kind, Setting, Settings, SettingsError};

#[cfg(feature = "mail")]
mod smtp;

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    name: "mail",
    title: "e-mail by SMTP, over TLS",
    documentation: "https://www.rfc-editor.org/rfc/rfc8314",
    hears: Hears::News,
    settings: &[
        Setting::required("server", Kind::Text, "The host of the mail server that takes messages from you."),
        Setting::optional("port", Kind::Number(1, 65_535), "Its port; 465 for tls, 587 for starttls, 25 for none."),
        Setting::optional(
            "security",
            Kind::Choice(&["none", "starttls", "tls"]),
            "tls from the first octet, unless set; starttls must succeed; none to a server on this machine alone.",
        ),
        Setting::optional("username", Kind::Text, "The user to log in as; nobody logs in unless set."),
        Setting::optional("password", Kind::Secret, "The user's password."),
        Setting::required("from", Kind::Text, "The sender's address."),
        Setting::required("to", Kind::Texts, "The recipients' addresses."),
        super::web::CACERT,
    ],
    build,
};

#[cfg(feature = "mail")]
fn build(settings: &Settings, _: &Tools) -> Result<Arc<dyn Channel>, SettingsError> {
    Ok(Arc::new(smtp::Smtp::new(settings)?))
}

#[cfg(not(feature = "mail"))]
fn build(_: &Settings, _: &Tools) -> Result<Arc<dyn Channel>, SettingsError> {
    Err(SettingsError::whole("this driftless was built without the feature `mail`: cargo build --features mail"))
}
