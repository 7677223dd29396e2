//! What of an answer is shown to people: the beginning of one that nobody understands, and never a word of the request's.

use data_encoding::BASE64;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use reqwest::{Request, Url};
use serde_json::Value;

/// What stands in the place of a secret.
pub(super) const HIDDEN: &str = "(hidden)";
/// So much of it is shown, in characters.
const SHOWN: usize = 60;
/// So much of it is looked at, in octets.
const READ: usize = 4096;
/// A word of at least so many characters is recognised within longer ones, and by a part of it.
const LONG: usize = 4;

/// Header fields that say nothing of whom or what the request is about.
const PLAIN: [reqwest::header::HeaderName; 5] = [ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT];

/// What a request carried, word by word in small letters: a service may repeat it, and there are secrets in it.
pub(super) struct Carried(Vec<String>);

impl Carried {
    /// What this request carries in header fields, query and body, and what looks like a key in its path.
    pub fn by(request: &Request) -> Self {
        let mut texts = vec![request.url().username().to_owned()];
        texts.extend(request.url().password().map(str::to_owned));
        texts.extend(request.url().query().map(str::to_owned));
        texts.extend(request.url().query_pairs().map(|(_, value)| value.into_owned()));
        for (_, value) in request.headers().iter().filter(|(name, _)| !PLAIN.contains(name)) {
            texts.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        let basic = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let basic = basic.and_then(|text| BASE64.decode(text.as_bytes()).ok());
        texts.extend(basic.map(|basic| String::from_utf8_lossy(&basic).into_owned()));
        if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
            match serde_json::from_slice(body) {
                Ok(json) => strings(&json, &mut texts),
                Err(_) => of_form(&String::from_utf8_lossy(body), &mut texts),
            }
        }
        let mut found: Vec<String> = texts.iter().flat_map(|text| words(text)).map(str::to_lowercase).collect();
        let is_key = |word: &&str| word.len() >= 2 * LONG && word.contains(|c: char| c.is_ascii_digit());
        found.extend(words(request.url().path()).filter(is_key).map(str::to_lowercase));
        found.sort();
        found.dedup();
        Self(found)
    }

    /// Whether a word of an answer may be one of the request's, or a part of one, or have one in it.
    fn has(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let long = |text: &str| text.chars().count() >= LONG;
        self.0.iter().any(|known| {
            *known == word || long(&word) && known.contains(&word) || long(known) && word.contains(known.as_str())
        })
    }
}

/// The values of a form, in which there may be JSON.
fn of_form(body: &str, texts: &mut Vec<String>) {
    let Ok(form) = Url::parse(&format!("http://localhost/?{body}")) else { return texts.push(body.to_owned()) };
    texts.extend(form.query_pairs().map(|(name, value)| if value.is_empty() { name } else { value }.into_owned()));
}

/// The texts of a JSON value, without its keys.
fn strings(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| strings(value, texts)),
        Value::Object(map) => map.values().for_each(|value| strings(value, texts)),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}

/// The runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The beginning of an answer, at most 60 characters; `None` where it is empty, or JSON: what a service says of itself there may
/// be a token, and where it goes wrong is told by its place.
pub(super) fn beginning(body: &[u8], carried: &Carried) -> Option<String> {
    let start = body.get(..READ).unwrap_or(body);
    let text = String::from_utf8_lossy(start);
    let mut text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(['{', '[', '"']) {
        return None;
    }
    if body.len() > READ {
        // The last word may be cut, and not be known again.
        text = text.trim_end_matches(char::is_alphanumeric);
    }
    let text = without_tags(text);
    let shown: String =
        text.chars().map(|c| if c.is_ascii_graphic() || c.is_alphanumeric() { c } else { ' ' }).collect();
    let mut line = String::new();
    for word in shown.split_whitespace().map(|word| hidden(word, carried)) {
        // What was hidden word by word is hidden once.
        if word == HIDDEN && line.ends_with(HIDDEN) {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if line.chars().count() > SHOWN {
        line = line.chars().take(SHOWN - 1).chain(['…']).collect();
    }
    (!line.is_empty()).then_some(line)
}

/// A page's title, or else its text.
fn without_tags(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").map(|at| at + "<title>".len());
    let title = title.and_then(|from| text.get(from..from + lower.get(from..)?.find("</title>")?));
    if let Some(title) = title.filter(|title| !title.trim().is_empty()) {
        return title.to_owned();
    }
    let mut out = String::new();
    let mut within = false;
    for c in text.chars() {
        match c {
            '<' => within = true,
            '>' if within => {
                within = false;
                out.push(' ');
            }
            _ if !within => out.push(c),
            _ => {}
        }
    }
    out
}

/// What stands between two spaces, hidden as a whole where a word of it is one of the request's.
fn hidden(text: &str, carried: &Carried) -> String {
    if words(text).any(|word| carried.has(word)) { HIDDEN.to_owned() } else { text.to_owned() }
}

/// A text as it stands within JSON, with and without characters beyond ASCII.
pub(super) fn escapes(text: &str) -> [String; 2] {
    let json = Value::from(text).to_string();
    let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let mut ascii = String::new();
    for c in inner.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            ascii.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    [inner, ascii]
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;

    fn request() -> Request {
        let url =
            Url::parse("https://example.org/nic/update/k3y0fm1ne?hostname=home.example.org&myip=192.0.2.1").unwrap();
        let mut request = Request::new(Method::POST, url);
        let basic = format!("Basic {}", BASE64.encode(b"user:hunt/er2+secret"));
        request.headers_mut().insert(AUTHORIZATION, basic.parse().unwrap());
        request.headers_mut().insert("x-auth-token", "t0ken-of-mine".parse().unwrap());
        *request.body_mut() = Some("api_key=in%26side&req={\"deep\":\"buried\"}".into());
        request
    }

    fn quoted(body: &str) -> Option<String> {
        beginning(body.as_bytes(), &Carried::by(&request()))
    }

    #[test]
    fn a_page_of_something_in_between_is_quoted_in_one_short_line() {
        for (body, said) in [
            ("<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>", "502 Bad Gateway"),
            (
                "<!DOCTYPE html><body>\n <h1>Access denied</h1><p>by a\u{1b}[31m proxy\u{202e}</p>",
                "Access denied by a [31m proxy",
            ),
            ("upstream connect error", "upstream connect error"),
            ("\u{feff} fine", "fine"),
        ] {
            assert_eq!(quoted(body).as_deref(), Some(said), "{body}");
        }
        let long = quoted(&"word ".repeat(1000)).unwrap();
        assert!(long.chars().count() == SHOWN && long.ends_with('…'), "{long}");
        for nothing in ["", " \n", "{\"token\":\"x\"", "[1", "\"text\"", "<html></html>"] {
            assert_eq!(quoted(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn nothing_of_the_request_is_repeated_in_whatever_form() {
        let basic = BASE64.encode(b"user:hunt/er2+secret");
        for repeated in [
            "hunt/er2+secret",
            "hunt%2Fer2%2Bsecret",
            "HUNT/ER2",
            "xxsecretxx",
            "secr",
            &basic,
            "t0ken-of-mine",
            "t0ken<b>-of-</b>mine",
            "in&side",
            "in&amp;side",
            "buried",
            "home.example.org",
            "192.0.2.1",
            "k3y0fm1ne",
        ] {
            let said = quoted(&format!("no {repeated} here")).unwrap();
            assert_eq!(said, "no (hidden) here", "{repeated}");
        }
        let cut = format!("{}secret", " ".repeat(READ - 3));
        assert_eq!(quoted(&format!("no{cut}")).unwrap(), "no");
        assert_eq!(quoted("no update at all").unwrap(), "no update at all");
    }
}
