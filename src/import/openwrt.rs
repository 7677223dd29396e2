//! /etc/config/ddns of OpenWrt's ddns-scripts, in UCI's form: one section a name and family.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Malformed;
use super::draft::{Draft, Entry, Password, Sources, Waiting};
use super::services::{OTHER, Service, User, find};
use super::source::Source;
use super::template::{self, Words};
use super::text::is_yes;

const WORDS: Words = Words { name: "[DOMAIN]", address: "[IP]", user: "[USERNAME]", password: "[PASSWORD]" };

/// Keys that are understood, and spoken of elsewhere.
const UNDERSTOOD: &[&str] = &[
    "check_interval",
    "check_unit",
    "domain",
    "enabled",
    "force_interval",
    "force_unit",
    "interface",
    "ip_interface",
    "ip_network",
    "ip_script",
    "ip_source",
    "ip_url",
    "lookup_host",
    "password",
    "service_name",
    "update_script",
    "update_url",
    "use_https",
    "use_ipv6",
    "username",
];

/// Keys that are not carried over: what they did, and what to do.
const LEFT: &[(&str, &str, &str)] = &[
    (
        "bind_network",
        "it sent requests by one network",
        "a source takes bind_interface; requests to the service go where routes lead",
    ),
    (
        "cacert",
        "it named trust roots, or left out the check of certificates",
        "certificates are always checked; SSL_CERT_FILE names other roots",
    ),
    ("dns_server", "it asked one name server", "nameservers in the account"),
    (
        "force_dnstcp",
        "it asked DNS by TCP",
        "nothing: the zone's own name servers are asked, by TCP where that is needed",
    ),
    ("force_ipversion", "it sent requests by one family", "nothing: both are tried"),
    ("is_glue", "it asked for a glue record", "nothing: the zone's own name servers are asked"),
    ("param_enc", "it put a parameter into the URL", "write the server with its query by hand, if it holds no secret"),
    ("param_opt", "it put a parameter into the URL", "write the server with its query by hand, if it holds no secret"),
    ("proxy", "it sent requests by a proxy", "requests are sent directly; a proxy cannot be set"),
    ("retry_count", "it limited attempts", "nothing: it is tried again for ever, with growing pauses"),
    (
        "retry_interval",
        "it waited before another attempt",
        "nothing: each kind of error has its pause, and Retry-After is obeyed",
    ),
    ("retry_max_count", "it limited attempts", "nothing: it is tried again for ever, with growing pauses"),
    (
        "retry_unit",
        "it waited before another attempt",
        "nothing: each kind of error has its pause, and Retry-After is obeyed",
    ),
    ("use_logfile", "it wrote a log file", "nothing: messages go to standard error"),
    ("use_syslog", "it wrote to the system log", "nothing: messages go to standard error, which procd files"),
];

/// A section: its kind, its name, its line, and its options with their lines.
struct Section {
    kind: String,
    name: String,
    line: usize,
    options: BTreeMap<String, (String, usize)>,
}

/// Reads an /etc/config/ddns.
pub(super) fn read(text: &str) -> Result<Draft, Malformed> {
    let mut draft = Draft::default();
    let mut least: Option<(usize, u64)> = None;
    for section in sections(text)? {
        match section.kind.as_str() {
            "service" => {
                least = least.into_iter().chain(interval(&section)).min_by_key(|(_, seconds)| *seconds);
                service(&mut draft, &section);
            }
            "ddns" => {
                for (key, (value, line)) in &section.options {
                    let (meant, instead) = match (key.as_str(), value.as_str()) {
                        // As it is here where nothing is said.
                        ("upd_privateip", "0") => continue,
                        ("upd_privateip", _) => ("private addresses were published", "private = true in the record"),
                        _ => (
                            "it said where and how the scripts write",
                            "nothing: messages go to standard error, the state to state_dir",
                        ),
                    };
                    draft.lose(*line, key, meant, instead);
                }
            }
            kind => draft.lose_unknown(section.line, &format!("config {kind}")),
        }
    }
    if let Some((line, seconds)) = least {
        draft.check_every(line, "check_interval", seconds);
    }
    Ok(draft)
}

fn sections(text: &str) -> Result<Vec<Section>, Malformed> {
    let mut sections: Vec<Section> = Vec::new();
    for (at, typed) in text.lines().enumerate() {
        let line = at + 1;
        let words = words(typed).ok_or_else(|| Malformed::at(line, "a quotation mark is not closed"))?;
        let mut words = words.into_iter();
        match (words.next().as_deref(), words.next(), words.next(), words.next()) {
            (None, ..) | (Some("package"), Some(_), None, None) => {}
            (Some("config"), Some(kind), name, None) => {
                sections.push(Section { kind, name: name.unwrap_or_default(), line, options: BTreeMap::new() });
            }
            (Some("option" | "list"), Some(key), Some(value), None) => {
                let section = sections
                    .last_mut()
                    .ok_or_else(|| Malformed::at(line, "an option stands before the first section"))?;
                section.options.insert(key, (value, line));
            }
            (Some("option" | "list"), Some(_), None, None) => {
                return Err(Malformed::at(line, "the option has no value"));
            }
            _ => return Err(Malformed::at(line, "a line is `config TYPE 'NAME'`, `option KEY 'VALUE'` or a comment")),
        }
    }
    Ok(sections)
}

/// The words of a line, as UCI quotes them; `None` where a quotation mark is not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none_or(|c| *c == '#') {
            return Some(words);
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_whitespace()) {
            match quote {
                Some(open) if c == open => quote = None,
                None if matches!(c, '\'' | '"') => quote = Some(c),
                _ if c == '\\' && quote != Some('\'') => word.extend(chars.next()),
                _ => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

impl Section {
    fn get(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(|(value, _)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn line_of(&self, key: &str) -> usize {
        self.options.get(key).map_or(self.line, |(_, line)| *line)
    }

    /// A number with the unit that stands beside it, in seconds.
    fn seconds(&self, key: &str, unit: &str, default: u64) -> Option<u64> {
        let number: u64 = self.get(key)?.parse().ok()?;
        let unit = match self.get(unit) {
            Some("seconds") => 1,
            Some("minutes") => 60,
            Some("hours") => 3_600,
            Some("days") => 86_400,
            _ => default,
        };
        number.checked_mul(unit)
    }
}

fn interval(section: &Section) -> Option<(usize, u64)> {
    let is_on = section.get("enabled").is_some_and(is_yes);
    let seconds = section.seconds("check_interval", "check_unit", 60).filter(|_| is_on)?;
    Some((section.line_of("check_interval"), seconds))
}

fn service(draft: &mut Draft, section: &Section) {
    for (key, (_, line)) in &section.options {
        if !draft.lose_known(*line, key, LEFT) && !UNDERSTOOD.contains(&key.as_str()) {
            draft.lose_unknown(*line, key);
        }
    }
    let sources = sources(draft, section);
    let name = section.get("lookup_host").or_else(|| section.get("domain")).unwrap_or_default().replace('@', ".");
    let called = section.get("service_name").unwrap_or("a service of its own").to_owned();
    let wait = |why: &str| Waiting {
        service: called.clone(),
        why: format!("{why} (section {})", section.name),
        names: vec![name.clone()],
        sources: sources.clone(),
        ttl: None,
        line: section.line,
    };
    if !section.get("enabled").is_some_and(is_yes) {
        return draft.wait(wait("it was switched off there"));
    }
    let (service, server, template) = match found(section) {
        Ok(found) => found,
        Err(why) => return draft.wait(wait(why)),
    };
    // The services that are known here all have it.
    if service.name == OTHER.name && !is_encrypted(section) {
        let instead = "server begins with https://; see whether the service has it";
        draft.lose(section.line_of("use_https"), "use_https", "it sent the login in the clear", instead);
    }
    let in_place = template.unwrap_or_default();
    let username = in_place.0.or_else(|| section.get("username").map(str::to_owned));
    let password = in_place.1.or_else(|| section.get("password").map(str::to_owned));
    // The scripts send the domain, which is not always the name that is looked up.
    let sent = section.get("domain").unwrap_or(&name).to_owned();
    let names = vec![if sent.contains('.') { sent } else { name.clone() }];
    let username = if in_place.2 && service.user != User::Record { Some(names.concat()) } else { username };
    let refresh = refresh(draft, section);
    draft.take(Entry {
        service,
        server,
        username,
        password: password.as_deref().map(Password::known),
        names,
        sources: sources.clone(),
        refresh,
        alone: true,
        line: section.line,
    });
}

/// Whether the login was sent by TLS: the scripts do so for such a URL, and for each one where they are told.
fn is_encrypted(section: &Section) -> bool {
    let scheme = section.get("update_url").and_then(|url| url.split_once("://")).map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) || section.get("use_https").is_some_and(is_yes)
}

/// User and password in place, and whether the name is the user.
type InPlace = (Option<String>, Option<String>, bool);

fn found(section: &Section) -> Result<(&'static Service, Option<String>, Option<InPlace>), &'static str> {
    if let Some(url) = section.get("update_url") {
        let template = template::read(url, &WORDS, false)?;
        return Ok((
            template.service,
            Some(template.server),
            Some((template.username, template.password, template.user_is_name)),
        ));
    }
    if section.get("update_script").is_some() {
        return Err("it ran a script of its own");
    }
    let name = section.get("service_name").ok_or("it names no service")?;
    let service = find(name).ok_or("there is no provider for it yet")?;
    Ok((service, None, None))
}

/// After how long an unchanged address was sent again, where that was said and is not too often.
fn refresh(draft: &mut Draft, section: &Section) -> Option<Duration> {
    let seconds = section.seconds("force_interval", "force_unit", 3_600)?;
    if seconds < 86_400 {
        let did = if seconds == 0 {
            "it ran once and ended".to_owned()
        } else {
            format!("it sent the address again every {seconds} s")
        };
        draft.lose(
            section.line_of("force_interval"),
            "force_interval",
            did,
            "refresh of the account, of a day or more: services count what is sent for nothing",
        );
        return None;
    }
    Some(Duration::from_secs(seconds))
}

fn sources(draft: &mut Draft, section: &Section) -> Sources {
    let source = source(draft, section);
    if section.get("use_ipv6").is_some_and(is_yes) {
        Sources { ipv4: Source::off(), ipv6: source }
    } else {
        Sources { ipv4: source, ipv6: Source::off() }
    }
}

fn source(draft: &mut Draft, section: &Section) -> Source {
    match section.get("ip_source").unwrap_or("network") {
        "interface" => section.get("ip_interface").map_or_else(Source::auto, Source::interface),
        "script" => draft.command(section.get("ip_script"), section.line_of("ip_script"), "ip_script"),
        "web" => {
            section.get("ip_url").map_or_else(Source::https, |url| draft.page(url, section.line_of("ip_url"), "ip_url"))
        }
        _ => {
            let network = section.get("ip_network").or_else(|| section.get("interface")).unwrap_or("wan");
            let is_usual = ["wan", "wan6"].contains(&network);
            if is_usual && let Some(key) = ["ip_network", "ip_source"].iter().find(|key| section.get(key).is_some()) {
                let instead = "auto: this machine's public addresses, or else what its router and the world say; { interface = \"…\" } takes those of one device";
                draft.lose(section.line_of(key), key, format!("it took the address of the network {network}"), instead);
            } else if !is_usual {
                let instead = "{ interface = \"…\" } with the network's device, which `ubus call network.interface dump` names; here it is auto";
                draft.lose(
                    section.line_of("ip_network"),
                    "ip_network",
                    "it took the address of a network of this router",
                    instead,
                );
            }
            Source::auto()
        }
    }
}
