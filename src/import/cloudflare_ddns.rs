//! The environment of favonia/cloudflare-ddns: an env file, or the `environment` of a Compose file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};

use super::Malformed;
use super::draft::{Draft, Sources, Waiting};
use super::source::{Source, address};
use super::text::{is_no, seconds};
use super::yaml::{self, Scalar, line};

/// What it calls itself.
const IMAGE: &str = "cloudflare-ddns";

/// Variables that are understood, and spoken of elsewhere.
const UNDERSTOOD: &[&str] = &[
    "CF_API_TOKEN",
    "CF_API_TOKEN_FILE",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_API_TOKEN_FILE",
    "DOMAINS",
    "IP4_DOMAINS",
    "IP4_PROVIDER",
    "IP6_DOMAINS",
    "IP6_PROVIDER",
    "TTL",
    "UPDATE_CRON",
];

/// Variables that are not carried over: what they did, and what to do.
const LEFT: &[(&str, &str, &str)] = &[
    ("CACHE_EXPIRATION", "it said how long an answer of the service counts", "nothing: what is written is read first"),
    ("CF_ACCOUNT_ID", "it named the account", "nothing: the zone is found by its name"),
    ("DETECTION_TIMEOUT", "it limited how long the address is looked for", "nothing: every source has its limit"),
    ("EMOJI", "it put pictures into messages", "nothing: there are none"),
    ("HEALTHCHECKS", "it pinged a monitor", "a channel of type \"healthchecks\": [notify.NAME] in driftless.toml(5)"),
    (
        "IP4_DEFAULT_PREFIX_LEN",
        "it made ranges of addresses",
        "a value such as {ipv4/24} does, in a record of another type",
    ),
    ("IP4_DETECTION_FILTER", "it left out addresses", "nothing does that: name the interface"),
    (
        "IP6_DEFAULT_PREFIX_LEN",
        "it made ranges of addresses",
        "a value such as {ipv6/64} does, in a record of another type",
    ),
    ("IP6_DETECTION_FILTER", "it left out addresses", "nothing does that: name the interface"),
    (
        "MANAGED_RECORDS_COMMENT_REGEX",
        "it told its records by their comments",
        "nothing: what others wrote into a record set stays",
    ),
    ("MANAGED_WAF_LIST_ITEMS_COMMENT_REGEX", "it kept lists of Cloudflare's firewall", "nothing here keeps them"),
    ("PGID", "it chose the group it runs as", "the service manager does"),
    ("PROXIED", "it put Cloudflare's proxy in front of new records", "set it at the service: what a record has stays"),
    ("PUID", "it chose the user it runs as", "the service manager does"),
    ("QUIET", "it said less", "[log] level = \"warn\""),
    ("RECORD_COMMENT", "it put a comment at new records", "set it at the service: what a record has stays"),
    (
        "SHOUTRRR",
        "it sent notifications",
        "a channel of type \"ntfy\", \"gotify\", \"mail\" or \"webhook\": [notify.NAME] in driftless.toml(5)",
    ),
    ("TZ", "it was the time zone of messages and of the schedule", "nothing: times are UTC"),
    ("UPDATE_ON_START", "it could wait after the start", "nothing: what is not right is updated at once"),
    ("UPDATE_TIMEOUT", "it limited how long an update may take", "nothing: every request has its limit"),
    ("UPTIMEKUMA", "it pinged a monitor", "a channel of type \"uptime_kuma\": [notify.NAME] in driftless.toml(5)"),
    ("WAF_LISTS", "it kept lists of Cloudflare's firewall", "nothing here keeps them"),
    ("WAF_LIST_DESCRIPTION", "it kept lists of Cloudflare's firewall", "nothing here keeps them"),
    ("WAF_LIST_ITEM_COMMENT", "it kept lists of Cloudflare's firewall", "nothing here keeps them"),
];

/// The variables, each with its line.
type Variables = BTreeMap<String, (String, usize)>;

/// Whether a line, trimmed and no comment, sets a variable of this tool.
pub(super) fn is_line(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start_matches(['-', ' ', '"', '\'']);
    let end = line.find(['=', ':']).unwrap_or(line.len());
    let (key, _) = line.split_at(end);
    UNDERSTOOD.contains(&key.trim()) && !["DOMAINS", "TTL"].contains(&key.trim())
}

/// Reads an env file or a Compose file.
pub(super) fn read(text: &str) -> Result<Draft, Malformed> {
    let is_compose = text.lines().any(|line| ["services:", "environment:"].contains(&line.trim_end().trim_start()));
    let variables = if is_compose { compose(text)? } else { env_file(text)? };
    let mut draft = Draft::default();
    for (key, (value, line)) in &variables {
        match key.as_str() {
            "DELETE_ON_STOP" if is_no(value) || value.is_empty() => {}
            "DELETE_ON_STOP" => draft.lose(
                *line,
                key,
                "it deleted the records at its end",
                "nothing does that; absent = \"remove\" is for an address that is gone",
            ),
            key if draft.lose_known(*line, key, LEFT) || UNDERSTOOD.contains(&key) => {}
            key => draft.lose_unknown(*line, key),
        }
    }
    schedule(&mut draft, &variables);
    names(&mut draft, &variables)?;
    Ok(draft)
}

/// Reads `KEY=value` lines, as Docker's `--env-file` and shells have them.
fn env_file(text: &str) -> Result<Variables, Malformed> {
    let mut variables = Variables::new();
    for (at, typed) in text.lines().enumerate() {
        let typed = typed.trim();
        if typed.is_empty() || typed.starts_with('#') {
            continue;
        }
        let typed = typed.strip_prefix("export ").unwrap_or(typed).trim_start();
        let (key, value) =
            typed.split_once('=').ok_or_else(|| Malformed::at(at + 1, "a line is NAME=value or a comment"))?;
        let is_name = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(Malformed::at(at + 1, "no variable can be called so"));
        }
        variables.insert(key.to_owned(), (bare(value).to_owned(), at + 1));
    }
    Ok(variables)
}

/// A value without the quotation marks around it.
fn bare(value: &str) -> &str {
    let value = value.trim();
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// A Compose file, as far as it is read, or its part below a service.
#[derive(Deserialize)]
struct Compose {
    #[serde(default)]
    services: BTreeMap<String, Container>,
    environment: Option<Environment>,
}

#[derive(Deserialize)]
struct Container {
    image: Option<Scalar>,
    environment: Option<Environment>,
}

/// The variables of a container, written as a list or as a map.
#[derive(Default)]
struct Environment(Vec<(Option<String>, Scalar)>);

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both;
        impl<'de> Visitor<'de> for Both {
            type Value = Environment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or a map of variables")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Environment, A::Error> {
                let mut found = Environment::default();
                while let Some(item) = list.next_element::<Scalar>()? {
                    found.0.push((None, item));
                }
                Ok(found)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Environment, A::Error> {
                let mut found = Environment::default();
                while let Some((key, value)) = map.next_entry::<String, Scalar>()? {
                    found.0.push((Some(key), value));
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(Both)
    }
}

fn compose(text: &str) -> Result<Variables, Malformed> {
    let file: Compose = yaml::read(text)?;
    let ours = |container: &&Container| container.image.as_ref().is_some_and(|image| image.value.contains(IMAGE));
    let container = file.services.values().find(ours).or_else(|| file.services.values().next());
    let environment = container.and_then(|container| container.environment.as_ref()).or(file.environment.as_ref());
    let Some(Environment(items)) = environment else {
        return Err(Malformed::at(1, "no service here has an `environment`"));
    };
    let mut variables = Variables::new();
    for (key, value) in items {
        let (key, text) = match key {
            Some(key) => (key.as_str(), value.value.as_str()),
            None => value.value.split_once('=').unwrap_or((&value.value, "")),
        };
        variables.insert(key.trim().to_owned(), (text.to_owned(), line(value)));
    }
    Ok(variables)
}

fn schedule(draft: &mut Draft, variables: &Variables) {
    let Some((typed, line)) = variables.get("UPDATE_CRON") else { return };
    match typed.trim().strip_prefix("@every ").and_then(seconds) {
        Some(seconds) => draft.check_every(*line, "UPDATE_CRON", seconds),
        None if typed.trim() == "@once" => {
            draft.lose(*line, "UPDATE_CRON", "it ran once and ended", "driftless once does that; the daemon goes on")
        }
        None => draft.lose(
            *line,
            "UPDATE_CRON",
            "it looked by a schedule",
            "check in [defaults]; changes of addresses are noticed at once anyway",
        ),
    }
}

fn names(draft: &mut Draft, variables: &Variables) -> Result<(), Malformed> {
    let ttl = variables.get("TTL").and_then(|(ttl, _)| ttl.trim().parse().ok()).filter(|ttl| *ttl > 1);
    let ipv4 = source(draft, variables, "IP4_PROVIDER");
    let ipv6 = source(draft, variables, "IP6_PROVIDER");
    let lists = [
        ("DOMAINS", Sources { ipv4: ipv4.clone(), ipv6: ipv6.clone() }),
        ("IP4_DOMAINS", Sources { ipv4, ipv6: Source::off() }),
        ("IP6_DOMAINS", Sources { ipv4: Source::off(), ipv6 }),
    ];
    let mut any = false;
    for (key, sources) in lists {
        let Some((typed, line)) = variables.get(key) else { continue };
        let names = list(draft, typed, key, *line);
        if names.is_empty() {
            continue;
        }
        any = true;
        let why = "there is no provider for it yet".to_owned();
        draft.wait(Waiting { service: "cloudflare".to_owned(), why, names, sources, ttl, line: *line });
    }
    if any {
        Ok(())
    } else {
        Err(Malformed::at(1, "it names no domain: DOMAINS, IP4_DOMAINS and IP6_DOMAINS are missing or empty"))
    }
}

/// The names of a list, without what stands in braces behind one.
fn list(draft: &mut Draft, typed: &str, key: &str, line: usize) -> Vec<String> {
    let (mut names, mut depth) = (vec![String::new()], 0_usize);
    for c in typed.chars() {
        match c {
            '{' | '[' => {
                depth += 1;
                let instead = "ipv6 = { prefix = { interface = \"…\" }, host = \"::…\" } in the record";
                draft.lose(line, key, "it put an end of its own behind the prefix", instead);
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            ',' => names.push(String::new()),
            c if c.is_whitespace() => {}
            c => names.last_mut().into_iter().for_each(|name| name.push(c)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn source(draft: &mut Draft, variables: &Variables, key: &str) -> Source {
    // Where nothing is said, one page of Cloudflare's is asked.
    let Some((typed, line)) = variables.get(key).filter(|(typed, _)| !typed.trim().is_empty()) else {
        return Source::auto();
    };
    let typed = typed.trim();
    let (kind, rest) = typed.split_once(':').map_or((typed, ""), |(kind, rest)| (kind, rest.trim()));
    match kind {
        "none" => Source::off(),
        "cloudflare.trace" => Source::https(),
        "cloudflare.doh" => Source::built_in("dns", "cloudflare"),
        "local" => Source::interface("default"),
        "local.iface" => Source::interface(rest),
        "file" => Source::file(Path::new(rest)),
        "static" => {
            let mut addresses = rest.split(',').filter_map(|text| address(text.split('/').next().unwrap_or_default()));
            match (addresses.next(), addresses.next()) {
                (Some((_, address)), None) => Source::fixed(address),
                _ => {
                    draft.lose(
                        *line,
                        key,
                        "it took several fixed addresses, or ranges",
                        "{ fixed = [\"…\", \"…\"] }; here it is auto",
                    );
                    Source::auto()
                }
            }
        }
        "url" | "url.via4" | "url.via6" => draft.page(rest, *line, key),
        "static.empty" => {
            draft.lose(
                *line,
                key,
                "it removed the records of this family",
                "driftless records remove, or absent = \"remove\"; here it is off",
            );
            Source::off()
        }
        _ => {
            draft.lose(
                *line,
                key,
                "it is not known here where the address came from",
                "a source of driftless.toml(5); here it is auto",
            );
            Source::auto()
        }
    }
}
