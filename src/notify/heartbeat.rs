//! Signs of life for whoever watches over this program: a call with each check that ended well, and what is wrong in the others.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde::Deserialize;

use super::{Channel, Entry, Hears, Tools, web};
use crate::model::error::{Error, Result};
use crate::model::news::Message;
use crate::net::http::{Http, Reply, SINGLE};
use crate::os::secret::Secret;
use crate::provider::setting::{Settings, SettingsError};

/// So much of what is wrong Uptime Kuma is told, in characters: it stands in a URL.
const SAID: usize = 250;

/// A part of the URL's path of at least so many octets is not repeated.
const REPEATED: usize = 4;

/// The registry's entry of healthchecks.io.
pub const HEALTHCHECKS: Entry = Entry {
    name: "healthchecks",
    title: "signs of life for healthchecks.io, or a server of one's own that speaks as it does",
    documentation: "https://healthchecks.io/docs/http_api/",
    hears: Hears::Beats,
    settings: &[
        web::url_setting("The ping URL (https://hc-ping.com/UUID), a secret; /fail is added to say what is wrong."),
        web::CACERT,
    ],
    build: |settings, tools| build(settings, tools, Dialect::Healthchecks),
};

/// The registry's entry of what knows nothing but silence.
pub const PLAIN: Entry = Entry {
    name: "heartbeat",
    title: "signs of life by any URL, and silence when something is wrong",
    documentation: "",
    hears: Hears::GoodBeats,
    settings: &[web::url_setting("The URL to GET when all is well, a secret."), web::CACERT],
    build: |settings, tools| build(settings, tools, Dialect::Plain),
};

/// The registry's entry of Uptime Kuma.
pub const UPTIME_KUMA: Entry = Entry {
    name: "uptime_kuma",
    title: "signs of life for a monitor of the type Push in Uptime Kuma",
    documentation: "https://github.com/louislam/uptime-kuma/wiki/Internal-API#push",
    hears: Hears::Beats,
    settings: &[
        web::url_setting("The monitor's Push URL (https://kuma/api/push/TOKEN), a secret; its query is replaced."),
        web::CACERT,
    ],
    build: |settings, tools| build(settings, tools, Dialect::UptimeKuma),
};

/// How somebody wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Healthchecks,
    Plain,
    UptimeKuma,
}

struct Heartbeat {
    http: Http,
    name: String,
    url: Secret,
    dialect: Dialect,
}

/// What Uptime Kuma answers.
#[derive(Deserialize)]
struct Kuma {
    ok: bool,
}

fn build(settings: &Settings, tools: &Tools, dialect: Dialect) -> Result<Arc<dyn Channel>, SettingsError> {
    let (http, url) = (web::client(settings, &tools.http), web::secret_url(settings)?);
    Ok(Arc::new(Heartbeat { http, name: settings.account.clone(), url, dialect }))
}

impl Heartbeat {
    /// What is called: how, where, and with what to say. `None` where silence says it.
    fn call(&self, mut url: Url, message: &Message) -> Option<(Method, Url, String)> {
        match (self.dialect, message.well) {
            (Dialect::Healthchecks, true) | (Dialect::Plain, true) => Some((Method::GET, url, String::new())),
            (Dialect::Plain, false) => None,
            (Dialect::Healthchecks, false) => {
                let path = format!("{}/fail", url.path().trim_end_matches('/'));
                url.set_path(&path);
                Some((Method::POST, url, format!("{}\n{}\n", message.title, message.text)))
            }
            (Dialect::UptimeKuma, well) => {
                let says: String = if well { "OK".into() } else { message.text.chars().take(SAID).collect() };
                let status = if well { "up" } else { "down" };
                url.query_pairs_mut().clear().append_pair("status", status).append_pair("msg", &says);
                url.query_pairs_mut().append_pair("ping", "");
                Some((Method::GET, url, String::new()))
            }
        }
    }
}

#[async_trait]
impl Channel for Heartbeat {
    async fn tell(&self, message: &Message) -> Result<()> {
        let doing = format!("the sign of life to \"{}\"", self.name);
        let url = web::url(&self.url, &doing)?;
        let path = url.path().to_lowercase();
        let Some((method, url, body)) = self.call(url, message) else { return Ok(()) };
        let request = self.http.client()?.request(method, url).body(body).build();
        let request = request.map_err(|error| Error::config(doing.as_str(), error.without_url().to_string()))?;
        let server = request.url().host_str().unwrap_or_default().to_owned();
        if self.dialect == Dialect::UptimeKuma {
            // It says with 404 that it knows no such monitor, and why.
            let reply = self.http.send(request, SINGLE, &doing).await?;
            return match (reply.status, reply.json::<Kuma>(&doing)) {
                (200, Ok(Kuma { ok: true })) => Ok(()),
                (404, _) => Err(Error::config(doing, format!("{server} has no such monitor, or it is paused"))),
                (200, Err(error)) => Err(error),
                (status, _) => Err(Error::transient(doing, format!("{server} answered with status {status}"))),
            };
        }
        let reply = web::send(&self.http, request, &doing).await?;
        // Pings by UUID are answered with 200 whatever becomes of them; the body tells.
        match (self.dialect, reply.text().trim()) {
            (Dialect::Healthchecks, "OK (not found)") => {
                Err(Error::config(doing, format!("{server} has no check with this UUID")))
            }
            (Dialect::Healthchecks, "OK (rate limited)") => {
                Err(Error::rate_limited(None, doing, format!("{server} was told too often")))
            }
            // The check was made by this very call (create=1 in the URL).
            (Dialect::Healthchecks, _) if reply.status == 201 => Ok(()),
            (Dialect::Healthchecks, said) if !said.starts_with("OK") => {
                let (status, octets, begins) = (reply.status, said.len(), begins(&reply, &path));
                let why =
                    format!("{server} is to answer \"OK\", and did not: status {status}, {octets} octets{begins}");
                Err(Error::transient(doing, why))
            }
            _ => Ok(()),
        }
    }
}

/// How an answer begins, unless that repeats a part of the URL's path, which is a secret.
fn begins(reply: &Reply, path: &str) -> String {
    let begins = reply.quoted();
    let seen = begins.to_lowercase();
    let repeated = path.split('/').any(|part| part.len() >= REPEATED && seen.contains(part));
    if repeated { String::new() } else { begins }
}
