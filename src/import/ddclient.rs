//! ddclient.conf: `key=value` pairs that hold for every later host, or for those at the end of their line.
//!
//! The format is that of `_read_config` in ddclient 3.9 to 4: a backslash at the end goes on with the next line, `#` starts a comment except in a
//! password, values may be quoted, and a line without a host sets what holds from there on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Malformed;
use super::draft::{Draft, Entry, Password, Sources, Waiting};
use super::services::{OTHER, Service, find};
use super::source::{Source, address};
use super::text::{is_no, seconds};
use crate::model::record::Family;
use lines::Line;

mod lines;

/// The protocols that are dyndns2 at a service of their own, and the service's word.
const PROTOCOLS: &[(&str, &str)] = &[("infomaniak", "infomaniak"), ("inwx", "inwx"), ("noip", "noip"), ("ovh", "ovh")];

/// Keys that are understood, and spoken of elsewhere.
const UNDERSTOOD: &[&str] = &[
    "cmd",
    "cmdv4",
    "cmdv6",
    "daemon",
    "host",
    "if",
    "ifv4",
    "ifv6",
    "ip",
    "ipv4",
    "ipv6",
    "login",
    "max-interval",
    "password",
    "protocol",
    "script",
    "server",
    "ttl",
    "use",
    "usev4",
    "usev6",
    "web",
    "webv4",
    "webv6",
    "zone",
];

/// Keys that are not carried over: what they did, and what to do.
const LEFT: &[(&str, &str, &str)] = &[
    ("backupmx", "it made the host its own backup mail server", "set MX records at the service"),
    ("cache", "it named the file of what was done", "nothing: the state is in state_dir"),
    ("cmd-skip", "it skipped the beginning of what the command says", "let the command print the address alone"),
    ("curl", "it chose how requests are sent", "nothing: there is one way here"),
    ("custom", "it was for static and custom hosts of Dyn", "nothing: Dyn takes them all the same way"),
    ("debug", "it said more", "driftless --log debug"),
    ("exec", "it could be told to change nothing", "driftless plan shows what would change"),
    (
        "facility",
        "it chose where the system log puts messages",
        "nothing: messages go to standard error and the journal",
    ),
    ("force", "it sent everything at the start", "nothing: what is not confirmed is sent"),
    ("foreground", "it stayed in the foreground", "nothing: driftless run always does"),
    ("fw", "it named a router's status page", "{ router = \"…\" } asks the router by NAT-PMP, UPnP or PCP"),
    ("fw-login", "it logged in at a router's status page", "{ router = \"…\" } needs no login"),
    ("fw-password", "it logged in at a router's status page", "{ router = \"…\" } needs no login"),
    ("fw-skip", "it read a router's status page", "{ router = \"…\" } asks the router by NAT-PMP, UPnP or PCP"),
    ("fw-ssl-validate", "it read a router's status page", "{ router = \"…\" } asks the router by NAT-PMP, UPnP or PCP"),
    ("fwv4", "it named a router's status page", "{ router = \"…\" } asks the router by NAT-PMP, UPnP or PCP"),
    ("fwv4-skip", "it read a router's status page", "{ router = \"…\" } asks the router by NAT-PMP, UPnP or PCP"),
    ("fwv6", "it named a router's status page", "IPv6 addresses are those of an interface"),
    ("fwv6-skip", "it read a router's status page", "IPv6 addresses are those of an interface"),
    ("geturl", "it chose how requests are sent", "nothing: there is one way here"),
    (
        "if-skip",
        "it skipped the beginning of what ifconfig says",
        "nothing: the kernel is asked for stable, global addresses",
    ),
    ("ipv6", "it allowed IPv6", "ipv6 = \"off\" or a source, in a record or [address.default]"),
    ("mail", "it mailed every message", "a channel of type \"mail\": [notify.NAME] in driftless.toml(5)"),
    ("mail-failure", "it mailed failures", "a channel of type \"mail\": [notify.NAME] in driftless.toml(5)"),
    ("mail-from", "it mailed messages", "a channel of type \"mail\": [notify.NAME] in driftless.toml(5)"),
    ("max-warn", "it limited repeated warnings", "nothing: what stays as it is is said once"),
    (
        "min-error-interval",
        "it waited after an error",
        "nothing: each kind of error has its pause, and Retry-After is obeyed",
    ),
    ("min-interval", "it limited how often an update is sent", "nothing: every account has a budget"),
    ("mx", "it set a mail server", "set MX records at the service"),
    ("pid", "it named the file of the process id", "nothing: the service manager knows it"),
    ("postscript", "it ran a script after an update", "a channel of type \"exec\": [notify.NAME] in driftless.toml(5)"),
    ("priority", "it chose how messages are filed", "nothing: messages go to the journal with their priority"),
    ("proxy", "it sent requests by a proxy", "requests are sent directly; a proxy cannot be set"),
    ("quiet", "it said less", "[log] level = \"warn\""),
    (
        "redirect",
        "it followed redirections",
        "none is followed: if the service redirects, name the place it redirects to as server",
    ),
    ("retry", "it tried failed updates again", "nothing: that is done with growing pauses"),
    ("ssl_ca_dir", "it named trust roots", "the host's trust roots hold; SSL_CERT_DIR names others"),
    ("ssl_ca_file", "it named trust roots", "the host's trust roots hold; SSL_CERT_FILE names others"),
    ("static", "it was for static and custom hosts of Dyn", "nothing: Dyn takes them all the same way"),
    ("syslog", "it wrote to the system log", "nothing: under systemd messages go to the journal"),
    ("test", "it could be told to change nothing", "driftless plan shows what would change"),
    ("timeout", "it limited how long a request may take", "nothing: every request has its limit"),
    ("verbose", "it said more", "driftless --log debug"),
    (
        "web-skip",
        "it skipped the beginning of a page",
        "{ https = \"…\", pattern = \"… {ip}\" } finds an address within a page",
    ),
    ("web-ssl-validate", "it could leave out the check of certificates", "nothing: they are always checked"),
    (
        "webv4-skip",
        "it skipped the beginning of a page",
        "{ https = \"…\", pattern = \"… {ip}\" } finds an address within a page",
    ),
    (
        "webv6-skip",
        "it skipped the beginning of a page",
        "{ https = \"…\", pattern = \"… {ip}\" } finds an address within a page",
    ),
    ("wildcard", "it set every name below the host", "give a record the name *.host, if the service has it"),
];

/// A value and its line.
type Values = BTreeMap<String, (String, usize)>;

/// Whether a line, trimmed and no comment, looks like one of this file.
pub(super) fn is_line(line: &str) -> bool {
    let (key, _) = line.split_once('=').unwrap_or(("", ""));
    ["daemon", "login", "password", "protocol", "server", "use", "usev4", "usev6"].contains(&key.trim_end())
}

/// Reads a ddclient.conf.
pub(super) fn read(text: &str) -> Result<Draft, Malformed> {
    let mut draft = Draft::default();
    let mut globals = Values::new();
    let mut pending = Line { number: 1, parts: Vec::new() };
    let mut goes_on = None;
    for (at, typed) in text.lines().enumerate() {
        let number = at + 1;
        if pending.parts.is_empty() {
            pending.number = number;
        }
        goes_on = pending.add(number, typed)?.then_some(number);
        if goes_on.is_none() {
            let line = std::mem::replace(&mut pending, Line { number, parts: Vec::new() });
            take(&mut draft, &mut globals, line)?;
        }
    }
    match goes_on {
        Some(number) => Err(Malformed::at(number, "the file ends where a line was to go on: it ends in a backslash")),
        None => Ok(draft),
    }
}

fn take(draft: &mut Draft, globals: &mut Values, line: Line) -> Result<(), Malformed> {
    let (mut locals, mut hosts, mut rest) = (Values::new(), Vec::new(), Vec::new());
    let mut list_goes_on = true;
    for part in line.parts {
        match part.key {
            Some(key) if key == "host" => hosts.extend(part.value.split(',').map(str::to_owned)),
            Some(key) => {
                locals.insert(key, (part.value, part.line));
            }
            None if list_goes_on => {
                hosts.push(part.value);
                list_goes_on = part.comma;
            }
            None => rest.push((part.value, part.line)),
        }
    }
    // The old way: host, login and password without their keys.
    for (key, value) in ["login", "password"].into_iter().zip(rest.drain(..rest.len().min(2))) {
        locals.insert(key.to_owned(), value);
    }
    if !rest.is_empty() {
        return Err(Malformed::at(line.number, "there are words behind host, login and password"));
    }
    lose(draft, &locals);
    if hosts.is_empty() {
        overlay(globals, locals);
        return Ok(());
    }
    let mut all = globals.clone();
    overlay(&mut all, locals);
    entry(draft, &all, hosts, line.number);
    Ok(())
}

/// Sets what was typed later. A password and the variable that holds one take each other's place.
fn overlay(values: &mut Values, later: Values) {
    for (one, other) in [("password", "password_env"), ("password_env", "password")] {
        if later.contains_key(one) {
            values.remove(other);
        }
    }
    values.extend(later);
}

/// Whether this can be the name of a variable.
fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Notes what is not carried over of what was typed in one line.
fn lose(draft: &mut Draft, values: &Values) {
    for (key, (value, line)) in values {
        match key.as_str() {
            "daemon" => match seconds(value) {
                Some(0) => {
                    draft.lose(*line, key, "it ran once and ended", "driftless once does that; the daemon goes on")
                }
                Some(seconds) => draft.check_every(*line, key, seconds),
                None => draft.lose(*line, key, "it is no duration", "check in [defaults]"),
            },
            "ssl" if is_no(value) => {
                draft.lose(
                    *line,
                    key,
                    "it sent the login in the clear",
                    "server begins with https://; see whether the service has it",
                );
            }
            "ssl" => {}
            // An address, and not the old word that allows IPv6.
            "ipv6" if address(value).is_some() => {}
            key if draft.lose_known(*line, key, LEFT) || UNDERSTOOD.contains(&key) => {}
            "password_env" if is_variable(value) => {
                let instead = "the same as { env = \"…\" }, if the daemon's environment has it; else a { file = \"…\" } or a { credential = \"…\" }";
                draft.lose(*line, key, "it read the password from a variable", instead);
            }
            key if key.ends_with("_env") => draft.lose(*line, key, "it read a variable", "write its value"),
            key => draft.lose_unknown(*line, key),
        }
    }
}

fn entry(draft: &mut Draft, values: &Values, names: Vec<String>, line: usize) {
    let get = |key: &str| values.get(key).map(|(value, _)| value.as_str()).filter(|value| !value.is_empty());
    let sources = sources(draft, values);
    let protocol = get("protocol").unwrap_or("dyndns2").to_ascii_lowercase();
    let own = PROTOCOLS.iter().find(|(known, _)| *known == protocol).and_then(|(_, word)| find(word));
    let service = match (protocol.as_str(), own, get("server")) {
        (_, Some(own), _) => own,
        ("dyndns2", None, server) => of_server(server.unwrap_or("members.dyndns.org")),
        _ => {
            let why = "there is no provider for it yet".to_owned();
            let ttl = get("ttl").and_then(|ttl| ttl.parse().ok()).filter(|ttl| *ttl > 1);
            draft.wait(Waiting { service: protocol, why, names, sources, ttl, line });
            return;
        }
    };
    if let Some((_, line)) = values.get("ttl") {
        draft.lose(*line, "ttl", "it set a TTL", "dyndns2 has none; other providers take ttl in the record");
    }
    let variable = get("password_env").filter(|name| is_variable(name));
    let password =
        variable.map_or_else(|| get("password").map(Password::known), |name| Some(Password::Variable(name.to_owned())));
    let refresh = get("max-interval").and_then(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs);
    // Of a service with a password for each name ddclient has the name as the login, which may be another service's default.
    draft.take(Entry {
        service,
        server: server(service, get("server"), get("script")),
        username: get("login").map(str::to_owned),
        password,
        names,
        sources,
        refresh,
        // The protocols of a service's own.
        alone: protocol != "dyndns2",
        line,
    });
}

fn of_server(server: &str) -> &'static Service {
    let host = server.split_once("://").map_or(server, |(_, rest)| rest);
    find(host.split(['/', ':']).next().unwrap_or_default()).unwrap_or(&OTHER)
}

/// The URL where the file says more than the service.
fn server(service: &Service, server: Option<&str>, script: Option<&str>) -> Option<String> {
    if server.is_none() && script.is_none() {
        return (service.server.is_empty()).then(|| "https://members.dyndns.org".to_owned());
    }
    let host = server.map_or("members.dyndns.org", |server| server.split_once("://").map_or(server, |(_, rest)| rest));
    if script.is_none() && of_server(host).name == service.name && !service.server.is_empty() && !host.contains(':') {
        return None;
    }
    let path = match script.unwrap_or("/nic/update") {
        "/nic/update" => "",
        "/" => "/?",
        path => path,
    };
    Some(format!("https://{}{path}", host.trim_end_matches('/')))
}

fn sources(draft: &mut Draft, values: &Values) -> Sources {
    let word = |key: &str| values.get(key).filter(|(value, _)| !is_no(value));
    let mut sources = Sources { ipv4: Source::off(), ipv6: Source::off() };
    let asked = [("usev4", Family::Ipv4), ("usev6", Family::Ipv6)];
    for (key, family) in asked {
        let Some((how, line)) = word(key) else { continue };
        let source = source(draft, values, (key, how), *line, family).map_or_else(Source::auto, |(_, source)| source);
        *of(&mut sources, family) = source;
    }
    if let Some((key, _)) = asked.iter().find(|(key, _)| word(key).is_some()) {
        if let Some((_, line)) = word("use") {
            let instead = "nothing; or a source as ipv4 or ipv6 of the record, where it is \"off\" and wanted";
            draft.lose(*line, "use", format!("it did nothing beside {key}"), instead);
        }
        return sources;
    }
    match values.get("use") {
        Some((how, line)) if !is_no(how) => {
            let (family, source) =
                source(draft, values, ("use", how), *line, Family::Ipv4).unwrap_or((Family::Ipv4, Source::auto()));
            *of(&mut sources, family) = source;
        }
        Some(_) => {}
        None => sources.ipv4 = Source::auto(),
    }
    sources
}

fn of(sources: &mut Sources, family: Family) -> &mut Source {
    match family {
        Family::Ipv4 => &mut sources.ipv4,
        Family::Ipv6 => &mut sources.ipv6,
    }
}

/// The source that a strategy stands for, and its family; `None` where it is noted that it cannot be carried over.
fn source(
    draft: &mut Draft,
    values: &Values,
    (key, how): (&str, &str),
    line: usize,
    family: Family,
) -> Option<(Family, Source)> {
    let version = if family == Family::Ipv4 { "v4" } else { "v6" };
    let bare = how.strip_suffix(version).unwrap_or(how);
    let get = |key: &str| {
        values.get(&format!("{key}{version}")).or_else(|| values.get(key)).map(|(value, line)| (value.as_str(), *line))
    };
    let instead = "auto, which asks the machine, the router by NAT-PMP, UPnP and PCP, and the world";
    match bare {
        "web" => {
            let (page, line) = get("web").unwrap_or(("dyndns", line));
            let source = if page.contains(['.', '/']) { draft.page(page, line, "web") } else { Source::https() };
            Some((family, source))
        }
        "if" => Some((
            family,
            Source::interface(get("if").map_or(if how == "if" { "ppp0" } else { "default" }, |(name, _)| name)),
        )),
        "cmd" => Some((family, draft.command(get("cmd").map(|(typed, _)| typed), line, key))),
        "ip" => match get("ip").and_then(|(text, _)| address(text)) {
            Some((family, address)) => Some((family, Source::fixed(address))),
            None => {
                draft.lose(
                    line,
                    key,
                    "it took a fixed address, and none is given",
                    "write the address as the source; here it is auto",
                );
                None
            }
        },
        _ => {
            draft.lose(line, key, "it read a router's status page", instead);
            None
        }
    }
}
