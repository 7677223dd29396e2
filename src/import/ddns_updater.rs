//! config.json of ddns-updater: a list of settings, each with a provider, a domain and its login.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Malformed;
use super::draft::{Draft, Entry, Password, Sources, Waiting};
use super::services::{Service, User, find};
use super::source::Source;
use super::template::{self, Words};
use super::text::{is_yes, line_of};

/// In a URL of this tool name and login stand in place; only the address is put behind it.
const WORDS: Words = Words { name: "\u{1}name", address: "\u{1}address", user: "\u{1}user", password: "\u{1}password" };

/// The providers that are dyndns2, and their keys for user and password. Where there is none for the user, it is the domain.
const PROVIDERS: &[(&str, &str, &str)] = &[
    ("allinkl", "username", "password"),
    ("desec", "", "token"),
    ("dnsomatic", "username", "password"),
    ("dyn", "username", "client_key"),
    ("dynu", "username", "password"),
    ("dynv6", "", "token"),
    ("he", "", "password"),
    ("infomaniak", "user", "password"),
    ("inwx", "username", "password"),
    ("loopia", "username", "password"),
    ("luadns", "email", "token"),
    ("noip", "username", "password"),
    ("nowdns", "username", "password"),
    ("opendns", "username", "password"),
    ("ovh", "username", "password"),
    ("spdyn", "user", "password"),
    ("strato", "", "password"),
    ("variomedia", "email", "password"),
];

/// Keys that are understood, and spoken of elsewhere.
const UNDERSTOOD: &[&str] = &[
    "api_endpoint",
    "app_key",
    "app_secret",
    "consumer_key",
    "domain",
    "host",
    "ip_version",
    "mode",
    "owner",
    "provider",
    "ttl",
];

/// Keys that are not carried over: what they did, and what to do.
const LEFT: &[(&str, &str, &str)] = &[
    ("delay", "it waited between updates", "nothing: every account has a budget"),
    ("group", "it updated every name of a group", "list the names in a [[record]]"),
    ("ip_method", "it chose how addresses are found", "ipv4 and ipv6 of [address.default]"),
    (
        "ipv6_suffix",
        "it put an end of its own behind the prefix",
        "ipv6 = { prefix = { interface = \"…\" }, host = \"::…\" } in the record",
    ),
    ("no_dns_lookup", "it did not ask DNS", "verify = false in the account"),
    ("provider_ip", "it left the address to the service", "nothing: the address that is known here is sent"),
    ("proxied", "it put the service's proxy in front", "set it at the service: driftless leaves it as it is"),
];

/// One object of the file.
type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Reads a config.json.
pub(super) fn read(text: &str) -> Result<Draft, Malformed> {
    let mut draft = Draft::default();
    let top: Object<'_> = object(text, text)?;
    for (key, value) in top.iter().filter(|(key, _)| *key != "settings") {
        draft.lose_unknown(line_of(text, value.get()), key);
    }
    let Some(settings) = top.get("settings") else { return Err(Malformed::at(1, "there is no \"settings\"")) };
    let settings: Vec<&RawValue> = serde_json::from_str(settings.get())
        .map_err(|_| Malformed::at(line_of(text, settings.get()), "\"settings\" is a list of objects"))?;
    for setting in settings {
        let line = line_of(text, setting.get());
        one(&mut draft, text, &object(text, setting.get())?, line);
    }
    Ok(draft)
}

/// An object within the file.
fn object<'a>(whole: &str, part: &'a str) -> Result<Object<'a>, Malformed> {
    serde_json::from_str(part).map_err(|error| {
        if error.is_eof() {
            // What is missing is missing behind the last thing that is there, not in an empty line below it.
            let last = part.trim_end().matches('\n').count();
            return Malformed::at(line_of(whole, part) + last, "this is no JSON: its end is missing");
        }
        let line = line_of(whole, part) + error.line().saturating_sub(1);
        let what = if error.is_data() { "an object is expected here" } else { "this is no JSON" };
        Malformed::at(line, format!("{what} (column {})", error.column()))
    })
}

/// A scalar as text.
fn text_of(raw: &RawValue) -> Option<String> {
    match serde_json::from_str(raw.get()).ok()? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn one(draft: &mut Draft, text: &str, setting: &Object<'_>, line: usize) {
    let get = |key: &str| setting.get(key).and_then(|raw| text_of(raw)).filter(|value| !value.is_empty());
    let provider = get("provider").unwrap_or_default();
    let domain = get("domain").unwrap_or_default();
    let names = names(&domain, get("owner").or_else(|| get("host")).as_deref());
    let sources = sources(draft, text, setting, line);
    for (key, raw) in setting {
        let is_no = text_of(raw).is_some_and(|value| !is_yes(&value) && value == "false");
        let at = line_of(text, raw.get());
        if !is_no
            && text_of(raw).is_none_or(|value| !value.is_empty())
            && !draft.lose_known(at, key, LEFT)
            && is_odd(&provider, key)
        {
            draft.lose_unknown(at, key);
        }
    }
    let ttl = get("ttl").and_then(|ttl| ttl.parse().ok()).filter(|ttl| *ttl > 1);
    let mut wait = |why: &str| {
        let service = if provider.is_empty() { "nowhere".to_owned() } else { provider.clone() };
        draft.wait(Waiting { service, why: why.to_owned(), names: names.clone(), sources: sources.clone(), ttl, line });
    };
    if provider == "custom" {
        match custom(&get) {
            Ok((service, server, username, password)) => draft.take(Entry {
                service,
                server: Some(server),
                username,
                password: password.map(|password| Password::known(&password)),
                names,
                sources,
                refresh: None,
                alone: true,
                line,
            }),
            Err(why) => wait(why),
        }
        return;
    }
    let Some((_, user, password)) = PROVIDERS.iter().find(|(known, ..)| *known == provider) else {
        return wait("there is no provider for it yet");
    };
    let Some(service) = find(&provider) else { return wait("there is no provider for it yet") };
    if get("mode").is_some_and(|mode| mode == "api") {
        return wait("there is no provider for its API yet");
    }
    let (username, password) = match get("token").filter(|_| provider == "spdyn") {
        Some(token) => (Some(names.first().cloned().unwrap_or_default()), Some(token)),
        None if user.is_empty() => {
            if service.user == User::Given && get("owner").or_else(|| get("host")).is_none() && !is_whole(&domain) {
                let instead = "username of the account is the name: write the domain, if it is another";
                draft.lose(line, "domain", "it logged in as the domain that holds the name", instead);
            }
            (Some(domain.trim_start_matches("*.").to_owned()), get(password))
        }
        None => (get(user), get(password)),
    };
    let password = password.map(|password| Password::known(&password));
    draft.take(Entry { service, server: None, username, password, names, sources, refresh: None, alone: true, line });
}

/// Whether nobody here knows a key: those of logins that are not carried over are no news.
fn is_odd(provider: &str, key: &str) -> bool {
    let known = PROVIDERS.iter().find(|(known, ..)| *known == provider);
    known.is_some_and(|(_, user, password)| !UNDERSTOOD.contains(&key) && ![*user, *password, "token"].contains(&key))
}

/// Whether a name is surely a domain of its own: two labels, or one below dedyn.io.
fn is_whole(name: &str) -> bool {
    name.split('.').count() < 3 || (name.ends_with(".dedyn.io") && name.split('.').count() == 3)
}

/// The full names: the domain, or the hosts below it.
fn names(domain: &str, hosts: Option<&str>) -> Vec<String> {
    let below = |host: &str| if host == "@" { domain.to_owned() } else { format!("{host}.{domain}") };
    match hosts {
        Some(hosts) => hosts.split(',').map(|host| below(host.trim())).collect(),
        None => domain.split(',').map(|name| name.trim().to_owned()).collect(),
    }
}

/// A URL with everything but the address in it.
type Custom = (&'static Service, String, Option<String>, Option<String>);

fn custom(get: &impl Fn(&str) -> Option<String>) -> Result<Custom, &'static str> {
    let (Some(url), Some(key)) = (get("url"), get("ipv4key")) else { return Err("its URL is not said") };
    let separator = if url.contains('?') { '&' } else { '?' };
    let template = template::read(&format!("{url}{separator}{key}={}", WORDS.address), &WORDS, false)?;
    Ok((template.service, template.server, template.username, template.password))
}

fn sources(draft: &mut Draft, text: &str, setting: &Object<'_>, line: usize) -> Sources {
    let raw = setting.get("ip_version");
    let line = raw.map_or(line, |raw| line_of(text, raw.get()));
    match raw.and_then(|raw| text_of(raw)).as_deref() {
        Some("ipv4") => Sources { ipv4: Source::auto(), ipv6: Source::off() },
        Some("ipv6") => Sources { ipv4: Source::off(), ipv6: Source::auto() },
        Some("ipv4 and ipv6") => Sources { ipv4: Source::auto(), ipv6: Source::auto() },
        _ => {
            let instead = "both families are kept; write ipv6 = \"off\" where only IPv4 is wanted";
            draft.lose(line, "ip_version", "it updated the one address that it found, of either family", instead);
            Sources { ipv4: Source::auto(), ipv6: Source::auto() }
        }
    }
}
