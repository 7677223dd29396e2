//! What channels over HTTP share: URLs that are secrets themselves, and what an answer means.

use reqwest::{Method, Request, Url};
use secrecy::ExposeSecret;

use crate::model::error::{Error, Result, Scope};
use crate::net::http::{Http, Reply, SINGLE};
use crate::os::secret::Secret;
use crate::provider::setting::{Kind, Setting, Settings, SettingsError, parse_url};

/// The setting that holds a URL of which whoever knows it can speak in our name.
pub(super) const fn url_setting(help: &'static str) -> Setting {
    Setting::required("url", Kind::Secret, help)
}

/// The certificates to trust beside the host's.
pub(super) const CACERT: Setting =
    Setting::optional("cacert", Kind::Path, "A PEM file of certificates to trust beside the host's.");

/// The client of a channel.
pub(super) fn client(settings: &Settings, http: &Http) -> Http {
    settings.path("cacert").map_or_else(|| http.clone(), |path| http.trusting(path.to_owned()))
}

/// A setting that the configuration requires.
pub(super) fn required<T>(setting: &'static str, value: Option<T>) -> Result<T, SettingsError> {
    value.ok_or_else(|| SettingsError::of(setting, "is missing"))
}

/// The secret URL of a channel; one that stands in the configuration is looked at now.
pub(super) fn secret_url(settings: &Settings) -> Result<Secret, SettingsError> {
    let secret = required("url", settings.secret("url"))?;
    if secret.path().is_none() {
        url(secret, "").map_err(|error| SettingsError::of("url", error.why))?;
    }
    Ok(secret.clone())
}

/// The URL as it is now. What is wrong with it never repeats it.
pub(super) fn url(secret: &Secret, doing: &str) -> Result<Url> {
    let text = secret.read().map_err(|error| error.doing(doing))?;
    parsed(text.expose_secret()).map_err(|why| Error::config(doing, why).unsent())
}

/// The URL that a text is: `https`, or `http`.
pub(super) fn parsed(text: &str) -> Result<Url, String> {
    parse_url(text).and_then(without_login)
}

/// The same URL, where it holds no login: that would go to wherever the URL is shown or sent on, and not every service takes it.
pub(super) fn without_login(url: Url) -> Result<Url, String> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    Err("the URL must hold no user name and no password; a token is a setting of its own".into())
}

/// A request with JSON in its body.
pub(super) fn json(http: &Http, url: Url, body: &serde_json::Value, token: Option<(&str, &str)>) -> Result<Request> {
    let request = http.client()?.request(Method::POST, url).header("Content-Type", "application/json");
    let request = token.into_iter().fold(request, |request, (name, value)| request.header(name, sensitive(value)));
    request.body(body.to_string()).build().map_err(|error| Error::config("", error.without_url().to_string()))
}

/// A value of a header field that no log shows; an empty one where it cannot be one, which is then refused.
pub(super) fn sensitive(value: &str) -> reqwest::header::HeaderValue {
    let value = reqwest::header::HeaderValue::from_str(value);
    let mut value = value.unwrap_or_else(|_| reqwest::header::HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Sends a request, of which anything but 2xx is an error. Of the answer nothing is repeated but its status: the URL is a secret, and
/// the answer may hold it.
pub(super) async fn send(http: &Http, request: Request, doing: &str) -> Result<Reply> {
    let server = request.url().host_str().unwrap_or_default().to_owned();
    let reply = http.send(request, SINGLE, doing).await;
    // Messages are rare, and often about an address that changed: no connection outlives one.
    http.drop_connections();
    let reply = reply?;
    if reply.is_success() { Ok(reply) } else { Err(refused(&reply, &server, doing)) }
}

/// What an answer means that is no success.
fn refused(reply: &Reply, server: &str, doing: &str) -> Error {
    let status = reply.status;
    match status {
        401 | 403 => {
            Error::auth(Scope::Account, doing, format!("{server} refuses the token or the URL (status {status})"))
        }
        404 | 410 => Error::config(doing, format!("{server} knows no such URL (status {status})")),
        429 | 503 if status == 429 || reply.retry_after().is_some() => {
            Error::rate_limited(reply.retry_after(), doing, format!("{server} asks for a pause (status {status})"))
        }
        408 | 500.. => Error::transient(doing, format!("{server} answered with status {status}")),
        300..=399 => {
            let why = format!("{server} sends us elsewhere (status {status}), which is not followed with secrets");
            Error::config(doing, why).hint("write the URL that it leads to")
        }
        _ => Error::config(doing, format!("{server} refuses the message (status {status})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind as Sort;
    use reqwest::header::{HeaderMap, RETRY_AFTER};

    #[test]
    fn what_an_answer_means_decides_what_comes_next() {
        let sort = |status, after: Option<&str>| {
            let fields = after.into_iter().map(|after| (RETRY_AFTER, after.parse().unwrap()));
            refused(&Reply::new(status, fields.collect::<HeaderMap>(), Vec::new()), "hook.example.org", "telling").kind
        };
        assert_eq!(sort(401, None), Sort::Auth { scope: Scope::Account });
        assert_eq!(sort(429, None), Sort::RateLimited { after: None });
        assert_eq!(sort(503, Some("7")), Sort::RateLimited { after: Some(std::time::Duration::from_secs(7)) });
        for (status, kind) in [(503, Sort::Transient), (500, Sort::Transient), (404, Sort::Config), (302, Sort::Config)]
        {
            assert_eq!(sort(status, None), kind, "{status}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_does_not_repeat_it() {
        let login = "https://me:hunter2@hooks.example.org/";
        assert_eq!(parsed("ntfy.sh/x"), Err("this is no URL: it starts with https:// or http://".into()));
        for text in ["hooks.example.org/hunter2", "ftp://hunter2", "https://", "https://hunter2:port/", login] {
            let why = parsed(text).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
