//! The settings that a provider declares: each value checked for its kind.

use std::time::Duration;

use reqwest::Url;

use super::input::Input;
use super::reader::{Field, Reader, error, warning};
use super::{secret, suggest};
use crate::model::name::Name;
use crate::net::http::literal;
use crate::provider::setting::{Kind, Value, parse_url};

/// The longest duration of a setting that declares no bounds.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Reads a value of a kind. `whose` it is completes "… of", for messages.
pub(super) fn read(reader: &mut Reader, input: &Input, whose: &str, field: Field<'_>, kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Lines => Value::Text(reader.lines(field, "text")?.to_owned()),
        Kind::Text => Value::Text(reader.text(field, "text")?.to_owned()),
        Kind::Texts => Value::Texts(reader.texts(field, "a list of texts")?),
        Kind::Secret => Value::Secret(secret::read(reader, input, whose, field)?),
        Kind::Url => Value::Url(service_url(reader, field)?),
        Kind::Name => Value::Name(name(reader, field)?),
        Kind::Path | Kind::Replaced => Value::Path(secret::path(reader, field)?),
        Kind::Duration => Value::Duration(reader.duration(field, Duration::from_secs(1), YEAR)?),
        Kind::Number(least, most) => Value::Number(reader.number(field, least, most, "")?),
        Kind::Flag => Value::Flag(reader.flag(field)?),
        Kind::Choice(words) => Value::Text(choice(reader, field, words)?.to_owned()),
        Kind::Command => Value::Texts(command(reader, field)?),
    })
}

/// One of these words.
pub(super) fn choice<'a>(reader: &mut Reader, field: Field<'_>, words: &[&'a str]) -> Option<&'a str> {
    let text = reader.text(field, &format!("one of {}", quoted(words)))?;
    let found = words.iter().find(|word| **word == text).copied();
    if found.is_none() {
        let message = format!("`{}` is one of {}, not \"{text}\"", field.key, quoted(words));
        let help = suggest::nearest(text, words.iter().copied()).map(|near| format!("did you mean \"{near}\"?"));
        reader.note(error(field.node.at, message).help(help));
    }
    found
}

/// Words as they are typed: `"a", "b" and "c"`.
pub(super) fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A domain name.
pub(super) fn name(reader: &mut Reader, field: Field<'_>) -> Option<Name> {
    let Some(text) = field.as_text() else {
        reader.text(field, "a domain name");
        return None;
    };
    Name::parse(text).map_err(|why| reader.refuse(field, why)).ok()
}

/// An absolute URL with a host, `https` or `http`. Messages do not repeat it: it may hold a password.
pub(super) fn url(reader: &mut Reader, field: Field<'_>) -> Option<Url> {
    let text = reader.text(field, "a URL such as \"https://example.org/\"")?;
    parse_url(text).map_err(|why| reader.refuse(field, why)).ok()
}

fn service_url(reader: &mut Reader, field: Field<'_>) -> Option<Url> {
    let url = url(reader, field)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        let message = format!("`{}`: over http:// everyone on the way can read the credentials", field.key);
        reader.note(warning(field.node.at, message).help("write https:// if the service has it".to_owned()));
    }
    Some(url)
}

/// Whether a URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || literal(url).is_some_and(|address| address.is_loopback())
}

/// An argument vector whose program is an absolute path. A shell line would be one more thing to quote.
pub(super) fn command(reader: &mut Reader, field: Field<'_>) -> Option<Vec<String>> {
    let argv = reader.texts(field, "a list such as [\"/usr/bin/program\", \"argument\"]; no shell reads it")?;
    if argv.first().is_some_and(|program| program.starts_with('/')) {
        return Some(argv);
    }
    reader.refuse(field, "the program must be an absolute path: it starts with \"/\"");
    None
}
