//! Gotify: push messages by a server of one's own (<https://gotify.net/docs/pushmsg>).

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::{Channel, Entry, Hears, Tools, web};
use crate::model::error::Result;
use crate::model::news::Message;
use crate::net::http::Http;
use crate::os::secret::Secret;
use crate::provider::setting::{Kind, Setting, Settings, SettingsError};

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    name: "gotify",
    title: "push messages by a Gotify server",
    documentation: "https://gotify.net/docs/pushmsg",
    hears: Hears::News,
    settings: &[
        Setting::required("url", Kind::Url, "Where the server is, with its path if it has one."),
        Setting::required("token", Kind::Secret, "The token of the application that the messages come from."),
        Setting::optional(
            "priority",
            Kind::Number(0, 10),
            "How loud it is, 0 to 10; the application's own unless set.",
        ),
        web::CACERT,
    ],
    build,
};

struct Gotify {
    http: Http,
    name: String,
    url: Url,
    token: Secret,
    priority: Option<u32>,
}

/// What the server says when it has taken a message.
#[derive(Deserialize)]
struct Taken {
    #[serde(rename = "id")]
    _id: u64,
}

fn build(settings: &Settings, tools: &Tools) -> Result<Arc<dyn Channel>, SettingsError> {
    let url = web::required("url", settings.url("url"))?.clone();
    let mut url = web::without_login(url).map_err(|why| SettingsError::of("url", why))?;
    let path = format!("{}/message", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(Arc::new(Gotify {
        http: web::client(settings, &tools.http),
        name: settings.account.clone(),
        url,
        token: web::required("token", settings.secret("token"))?.clone(),
        priority: settings.number("priority"),
    }))
}

#[async_trait]
impl Channel for Gotify {
    async fn tell(&self, message: &Message) -> Result<()> {
        let doing = format!("telling \"{}\"", self.name);
        let mut body = json!({ "title": message.title, "message": message.text });
        if let (Some(priority), Some(body)) = (self.priority, body.as_object_mut()) {
            body.insert("priority".into(), priority.into());
        }
        let token = self.token.read().map_err(|error| error.doing(doing.as_str()))?;
        let key = Some(("X-Gotify-Key", token.expose_secret()));
        let request =
            web::json(&self.http, self.url.clone(), &body, key).map_err(|error| error.doing(doing.as_str()))?;
        web::send(&self.http, request, &doing).await?.json::<Taken>(&doing).map(drop)
    }
}
