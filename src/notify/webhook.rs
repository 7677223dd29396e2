//! A webhook: a request of one's own making to any URL, with the news filled into its body and its query.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderName};
use secrecy::ExposeSecret;

use super::{Channel, Entry, Hears, Tools, web};
use crate::model::error::{Error, Result};
use crate::model::news::Message;
use crate::model::news::template::{Form, Template, Variable};
use crate::model::time::Wall;
use crate::net::http::Http;
use crate::os::secret::Secret;
use crate::provider::setting::{Kind, Setting, Settings, SettingsError};

/// What is sent where nothing else is said.
const BODY: &str = r#"{"event":"{event}","title":"{title}","text":"{text}","at":"{at}","news":{news}}"#;

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    name: "webhook",
    title: "a request to any URL, filled in with the news",
    documentation: "",
    hears: Hears::News,
    settings: &[
        web::url_setting("The URL, a secret. What stands in braces in its path or query is filled in."),
        Setting::optional("method", Kind::Choice(&["GET", "PATCH", "POST", "PUT"]), "The method; POST unless set."),
        Setting::optional("headers", Kind::Texts, "Header fields, \"Name: value\" each."),
        Setting::optional("secret_header", Kind::Secret, "A header field, \"Name: value\", that holds a secret."),
        Setting::optional(
            "body",
            Kind::Lines,
            "The body, in which words in braces are filled in; all there is to tell, as JSON, unless set.",
        ),
        Setting::optional(
            "format",
            Kind::Choice(&["form", "json", "text"]),
            "What the body is, and so how values in it are escaped; json where it begins with a brace or bracket, else text.",
        ),
        web::CACERT,
    ],
    build,
};

struct Webhook {
    http: Http,
    name: String,
    url: Secret,
    method: Method,
    headers: Vec<(HeaderName, String)>,
    secret_header: Option<Secret>,
    body: Template,
    format: Format,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Form,
    Json,
    Text,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    fn form(self) -> Form {
        match self {
            Self::Form => Form::Url,
            Self::Json => Form::Json,
            Self::Text => Form::Text,
        }
    }
}

fn build(settings: &Settings, tools: &Tools) -> Result<Arc<dyn Channel>, SettingsError> {
    let url = web::required("url", settings.secret("url"))?.clone();
    if url.path().is_none() {
        filled(&url, &sample(), "").map_err(|error| SettingsError::of("url", error.why))?;
    }
    if let Some(secret) = settings.secret("secret_header").filter(|secret| secret.path().is_none()) {
        let text = secret.read().map_err(|error| SettingsError::of("secret_header", error.why))?;
        header(text.expose_secret()).map_err(|why| SettingsError::of("secret_header", why))?;
    }
    let wrong = |why| SettingsError::of("headers", why);
    let headers = settings.texts("headers").unwrap_or_default().iter().map(|text| header(text).map_err(wrong));
    let text = settings.text("body").unwrap_or(BODY);
    let body = Template::parse(text).map_err(|word| SettingsError::of("body", unknown(&word)))?;
    let format = match settings.text("format") {
        Some("form") => Format::Form,
        Some("text") => Format::Text,
        Some("json") => Format::Json,
        _ if text.trim_start().starts_with(['{', '[']) => Format::Json,
        _ => Format::Text,
    };
    if format == Format::Json {
        let checked: Result<serde_json::Value, _> = serde_json::from_str(&body.render(&sample(), Form::Json));
        checked.map_err(|why| {
            let rule = "words in braces stand between quotation marks, but for {count} and {news}";
            SettingsError::of("body", format!("filled in, it is no JSON ({rule}): {why}"))
        })?;
    }
    let method = settings.text("method").unwrap_or("POST");
    Ok(Arc::new(Webhook {
        http: web::client(settings, &tools.http),
        name: settings.account.clone(),
        url,
        method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST),
        headers: headers.collect::<Result<_, _>>()?,
        secret_header: settings.secret("secret_header").cloned(),
        body,
        format,
    }))
}

/// A message with everything in it that needs escaping.
fn sample() -> Message {
    Message::saying("a \"title\"", "a \\ text\nof two lines", true, Wall(0))
}

/// What there is instead of a word that is not known.
fn unknown(word: &str) -> String {
    let known: Vec<&str> = Variable::ALL.into_iter().map(Variable::word).collect();
    format!("there is no {{{word}}}; there are {{{}}}", known.join("}, {"))
}

/// The URL with values filled in, each percent-encoded. The host is not filled in.
fn filled(url: &Secret, message: &Message, doing: &str) -> Result<reqwest::Url> {
    let wrong = |why: String| Error::config(doing, why).unsent();
    let text = url.read().map_err(|error| error.doing(doing))?;
    let text = text.expose_secret();
    let host = text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    if host.contains(['{', '}']) {
        return Err(wrong("the host is not filled in: braces stand in the path or the query".into()));
    }
    let template = Template::parse(text).map_err(|word| wrong(unknown(&word)))?;
    web::parsed(&template.render(message, Form::Url)).map_err(wrong)
}

/// A header field. What is wrong with it does not repeat it.
fn header(text: &str) -> Result<(HeaderName, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header field is \"Name: value\"")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| "this is no name of a header field")?;
    let value = value.trim();
    reqwest::header::HeaderValue::from_str(value).map_err(|_| "a header field cannot hold that value")?;
    Ok((name, value.to_owned()))
}

#[async_trait]
impl Channel for Webhook {
    async fn tell(&self, message: &Message) -> Result<()> {
        let doing = format!("telling \"{}\"", self.name);
        let url = filled(&self.url, message, &doing)?;
        let mut request = self.http.client()?.request(self.method.clone(), url);
        if self.method != Method::GET {
            let given = self.headers.iter().any(|(name, _)| name == CONTENT_TYPE);
            request = if given { request } else { request.header(CONTENT_TYPE, self.format.content_type()) };
            request = request.body(self.body.render(message, self.format.form()));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(secret) = &self.secret_header {
            let text = secret.read().map_err(|error| error.doing(doing.as_str()))?;
            let (name, value) =
                header(text.expose_secret()).map_err(|why| Error::config(doing.as_str(), why).unsent())?;
            request = request.header(name, web::sensitive(&value));
        }
        let request = request.build();
        let request = request.map_err(|error| Error::config(doing.as_str(), error.without_url().to_string()))?;
        web::send(&self.http, request, &doing).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::setting::Value;

    fn built(settings: &[(&'static str, Value)]) -> Result<(), String> {
        let url = Value::Secret(Secret::inline("https://hooks.example.org/x?t={title}"));
        let mut all = Settings::new("hook").with("url", url);
        settings.iter().for_each(|(name, value)| all.set(name, value.clone()));
        let tools = Tools { http: Http::new(None), environment: Vec::new() };
        build(&all, &tools).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_work_is_said_before_anything_is_sent() {
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(built(&[]), Ok(()));
        assert_eq!(built(&[("body", text(r#"{"content":"{text}","n":{count}}"#))]), Ok(()));
        assert_eq!(built(&[("body", text("{text}"))]).map_err(|why| why.contains("no JSON")), Err(true));
        assert_eq!(built(&[("body", text("{text}")), ("format", text("text"))]), Ok(()));
        assert_eq!(built(&[("body", text("{ttle}"))]).map_err(|why| why.contains("there is no {ttle}")), Err(true));
        assert_eq!(built(&[("body", text(r#"{"content":{text}}"#))]).map_err(|why| why.contains("no JSON")), Err(true));
        for headers in ["X Y: z", "nothing", ": z"] {
            assert!(built(&[("headers", Value::Texts(vec![headers.into()]))]).is_err(), "{headers}");
        }
        for url in ["https://{title}.example.org/", "https://x/{ttle}", "mailto:x"] {
            assert!(built(&[("url", Value::Secret(Secret::inline(url)))]).is_err(), "{url}");
        }
    }
}
