//! ntfy: push messages to phones and desktops, by ntfy.sh or a server of one's own (<https://docs.ntfy.sh/publish/#publish-as-json>).

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::{Channel, Entry, Hears, Tools, web};
use crate::model::error::{Error, Result};
use crate::model::news::Message;
use crate::net::http::Http;
use crate::os::secret::Secret;
use crate::provider::setting::{Kind, Setting, Settings, SettingsError};

/// A longer message becomes an attachment (documentation, "Limitations"), in octets.
const LONGEST: usize = 4096;

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    name: "ntfy",
    title: "push messages by ntfy.sh or a server of one's own",
    documentation: "https://docs.ntfy.sh/publish/",
    hears: Hears::News,
    settings: &[
        web::url_setting("The topic's URL (https://ntfy.sh/TOPIC), a secret: whoever knows the topic can read it."),
        Setting::optional("token", Kind::Secret, "An access token, for topics that are not open to all."),
        Setting::optional("priority", Kind::Number(1, 5), "How loud it is, 1 to 5; 3 unless set."),
        web::CACERT,
    ],
    build,
};

struct Ntfy {
    http: Http,
    name: String,
    url: Secret,
    token: Option<Secret>,
    priority: Option<u32>,
}

/// What the server says when it has taken a message.
#[derive(Deserialize)]
struct Taken {
    #[serde(rename = "id")]
    _id: String,
}

fn build(settings: &Settings, tools: &Tools) -> Result<Arc<dyn Channel>, SettingsError> {
    let url = web::secret_url(settings)?;
    if url.path().is_none() {
        let parts = web::url(&url, "").map_err(|error| error.why).and_then(|url| topic(&url));
        parts.map_err(|why| SettingsError::of("url", why))?;
    }
    Ok(Arc::new(Ntfy {
        http: web::client(settings, &tools.http),
        name: settings.account.clone(),
        url,
        token: settings.secret("token").cloned(),
        priority: settings.number("priority"),
    }))
}

/// The server, and the topic at it. What is wrong with it does not repeat it.
fn topic(url: &Url) -> Result<(Url, String), String> {
    let topic = url.path().trim_start_matches('/').to_owned();
    if topic.contains('/') {
        // Its server refuses to be set up under a path.
        return Err("behind the server the URL has more than a topic: ntfy takes https://SERVER/TOPIC alone".into());
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if topic.is_empty() || topic.len() > 64 || !topic.chars().all(fits) {
        return Err("the URL ends in a topic: 1 to 64 letters, digits, hyphens and underscores".into());
    }
    let mut server = url.clone();
    server.set_path("/");
    server.set_query(None);
    Ok((server, topic))
}

#[async_trait]
impl Channel for Ntfy {
    async fn tell(&self, message: &Message) -> Result<()> {
        let doing = format!("telling \"{}\"", self.name);
        let (server, topic) =
            topic(&web::url(&self.url, &doing)?).map_err(|why| Error::config(doing.as_str(), why).unsent())?;
        let mut body = json!({ "topic": topic, "title": message.title, "message": shortened(&message.text) });
        if let (Some(priority), Some(body)) = (self.priority, body.as_object_mut()) {
            body.insert("priority".into(), priority.into());
        }
        let token = self.token.as_ref().map(Secret::read).transpose().map_err(|error| error.doing(doing.as_str()))?;
        let bearer = token.map(|token| format!("Bearer {}", token.expose_secret()));
        let bearer = bearer.as_deref().map(|bearer| ("Authorization", bearer));
        let request = web::json(&self.http, server, &body, bearer).map_err(|error| error.doing(doing.as_str()))?;
        web::send(&self.http, request, &doing).await?.json::<Taken>(&doing).map(drop)
    }
}

/// A text that is not too long.
fn shortened(text: &str) -> &str {
    let most = (0..=LONGEST.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    most.and_then(|at| text.get(..at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_what_the_server_takes_for_one() {
        let of = |text: &str| topic(&Url::parse(text).unwrap());
        let (server, name) = of("https://ntfy.example.org:8443/my-Topic_1?auth=x").unwrap();
        assert_eq!((server.as_str(), name.as_str()), ("https://ntfy.example.org:8443/", "my-Topic_1"));
        for text in ["https://ntfy.sh", "https://ntfy.sh/a/b", "https://ntfy.sh/a%20b", "https://ntfy.sh/ü"] {
            assert!(of(text).is_err(), "{text}");
        }
        for text in ["https://ntfy.sh/ok/topic", "https://ntfy.sh/topic/"] {
            let why = of(text).unwrap_err();
            assert!(why.contains("more than a topic") && !why.contains("ok"), "{text}: {why}");
        }
        assert!(of(&format!("https://ntfy.sh/{}", "x".repeat(65))).is_err());
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"ü".repeat(3000)).len();
        assert!(cut <= LONGEST && cut > LONGEST - 4);
    }
}
