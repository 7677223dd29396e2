//! inadyn.conf of inadyn 2: settings, and sections `provider NAME { … }` and `custom NAME { … }`, in libconfuse's form.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Malformed;
use super::draft::{Draft, Entry, Password, Sources, Waiting};
use super::services::{SERVICES, Service, User, find};
use super::source::Source;
use super::template::{self, Words};
use super::text::{is_yes, seconds};

const WORDS: Words = Words { name: "%h", address: "%i", user: "%u", password: "%p" };

/// Keys that are understood, and spoken of elsewhere.
const UNDERSTOOD: &[&str] = &[
    "allow-ipv6",
    "checkip-command",
    "checkip-path",
    "checkip-server",
    "checkip-ssl",
    "ddns-path",
    "ddns-response",
    "ddns-server",
    "forced-update",
    "hostname",
    "iface",
    "include",
    "password",
    "period",
    "proxied",
    "ssl",
    "ttl",
    "username",
];

/// Keys that are not carried over: what they did, and what to do.
const LEFT: &[(&str, &str, &str)] = &[
    ("append-myip", "it put the address behind the path", "dyndns2 sends it as myip"),
    (
        "broken-rtc",
        "it accepted certificates that are not valid yet",
        "nothing: it is tried again, and the clock of a router is soon right",
    ),
    ("ca-trust-file", "it named trust roots", "the host's trust roots hold; SSL_CERT_FILE names others"),
    ("cache-dir", "it named the folder of what was done", "nothing: the state is in state_dir"),
    (
        "fake-address",
        "it sent a wrong address first, to be noticed",
        "refresh of the account sends the right one again",
    ),
    ("iterations", "it limited how often it looks", "driftless once looks once"),
    ("loglevel", "it chose how much is said", "[log] level"),
    ("secure-ssl", "it could leave out the check of certificates", "nothing: they are always checked"),
    ("startup-delay", "it waited at the start", "nothing: what is not there yet is waited for"),
    ("user-agent", "it called itself something else", "nothing: driftless says its own name"),
    ("verify-address", "it could publish any address", "private = true in the record"),
    ("wildcard", "it set every name below the host", "give a record the name *.host, if the service has it"),
];

/// The values of a setting, and its line.
type Values = BTreeMap<String, (Vec<String>, usize)>;

/// Whether a line, trimmed and no comment, begins a section of this file.
pub(super) fn is_section(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let kind = words.next().is_some_and(|word| matches!(word, "custom" | "provider"));
    kind && line.ends_with('{') && words.count() >= 1
}

/// Reads an inadyn.conf.
pub(super) fn read(text: &str) -> Result<Draft, Malformed> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let (mut draft, mut globals, mut sections) = (Draft::default(), Values::new(), Vec::new());
    while let Some((line, token)) = parser.next() {
        match token {
            Token::Word(kind) if matches!(kind.as_str(), "custom" | "provider") => {
                let name = parser.word(line)?;
                parser.sign(line, '{')?;
                let values = parser.section(line)?;
                sections.push((kind == "custom", name, values, line));
            }
            Token::Word(key) => {
                let values = parser.setting(line)?;
                globals.insert(key, (values, line));
            }
            Token::Sign(sign) => {
                return Err(Malformed::at(line, format!("a setting begins with its name, not with {sign:?}")));
            }
        }
    }
    lose(&mut draft, &globals);
    if let Some((values, line)) = globals.get("period") {
        match values.first().and_then(|value| seconds(value)) {
            Some(seconds) => draft.check_every(*line, "period", seconds),
            None => return Err(Malformed::at(*line, "`period` is a number of seconds")),
        }
    }
    for (is_custom, name, values, line) in sections {
        lose(&mut draft, &values);
        section(&mut draft, is_custom, &name, &values, &globals, line)?;
    }
    Ok(draft)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(char),
}

/// Cuts a file into words and signs, each with its line.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Malformed> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() || c == ';' => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.peek() == Some(&'*') => {
                let (from, mut last) = (line, ' ');
                loop {
                    match chars.next() {
                        Some('/') if last == '*' => break,
                        Some(c) => {
                            line += usize::from(c == '\n');
                            last = c;
                        }
                        None => return Err(Malformed::at(from, "a comment is not closed")),
                    }
                }
            }
            '"' | '\'' => {
                let (from, mut word) = (line, String::new());
                loop {
                    match chars.next() {
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => word.extend(chars.next()),
                        Some(inner) => {
                            line += usize::from(inner == '\n');
                            word.push(inner);
                        }
                        None => return Err(Malformed::at(from, "a quotation mark is not closed")),
                    }
                }
                found.push((from, Token::Word(word)));
            }
            '=' | '{' | '}' | '(' | ')' | ',' => found.push((line, Token::Sign(c))),
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !"={}(),\"'#;".contains(*c)) {
                    if c == '\\' {
                        word.extend(chars.next());
                    } else {
                        word.push(c);
                    }
                }
                found.push((line, Token::Word(word)));
            }
        }
    }
    Ok(found)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<(usize, Token)> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, line: usize) -> Result<String, Malformed> {
        match self.next() {
            Some((_, Token::Word(word))) => Ok(word),
            Some((line, Token::Sign(sign))) => {
                Err(Malformed::at(line, format!("a name or value is expected, not {sign:?}")))
            }
            None => Err(Malformed::at(line, "the file ends in the middle of this")),
        }
    }

    fn sign(&mut self, line: usize, wanted: char) -> Result<(), Malformed> {
        match self.next() {
            Some((_, Token::Sign(sign))) if sign == wanted => Ok(()),
            Some((line, _)) => Err(Malformed::at(line, format!("{wanted:?} is expected here"))),
            None => Err(Malformed::at(line, format!("the file ends where {wanted:?} is expected"))),
        }
    }

    /// Reads what stands behind a key: `= value`, `= { value, … }` or `("value")`.
    fn setting(&mut self, line: usize) -> Result<Vec<String>, Malformed> {
        match self.next() {
            Some((_, Token::Sign('='))) => {}
            Some((line, Token::Sign('('))) => {
                let word = self.word(line)?;
                self.sign(line, ')')?;
                return Ok(vec![word]);
            }
            Some((line, _)) => return Err(Malformed::at(line, "'=' is expected behind the name of a setting")),
            None => return Err(Malformed::at(line, "the file ends where '=' is expected")),
        }
        if self.tokens.get(self.at).map(|(_, token)| token) != Some(&Token::Sign('{')) {
            return Ok(vec![self.word(line)?]);
        }
        self.at += 1;
        let mut values = Vec::new();
        loop {
            match self.next() {
                Some((_, Token::Sign('}'))) => return Ok(values),
                Some((_, Token::Sign(','))) => {}
                Some((_, Token::Word(word))) => values.push(word),
                Some((line, Token::Sign(sign))) => {
                    return Err(Malformed::at(line, format!("{sign:?} does not belong into a list")));
                }
                None => return Err(Malformed::at(line, "the list is not closed")),
            }
        }
    }

    /// Reads a section up to its end.
    fn section(&mut self, from: usize) -> Result<Values, Malformed> {
        let mut values = Values::new();
        loop {
            match self.next() {
                Some((_, Token::Sign('}'))) => return Ok(values),
                Some((line, Token::Word(key))) => {
                    let setting = self.setting(line)?;
                    values.insert(key, (setting, line));
                }
                Some((line, Token::Sign(sign))) => {
                    return Err(Malformed::at(line, format!("a setting begins with its name, not with {sign:?}")));
                }
                None => return Err(Malformed::at(from, "the section is not closed")),
            }
        }
    }
}

/// Notes what is not carried over.
fn lose(draft: &mut Draft, values: &Values) {
    for (key, (value, line)) in values {
        let is_no = value.first().is_some_and(|value| !is_yes(value));
        match key.as_str() {
            "ssl" if is_no => {
                draft.lose(
                    *line,
                    key,
                    "it sent the login in the clear",
                    "server begins with https://; see whether the service has it",
                );
            }
            "include" => draft.lose(
                *line,
                key,
                "it read settings from another file",
                "import that file too, or write its settings by hand",
            ),
            "proxied" => draft.lose(
                *line,
                key,
                "it put the service's proxy in front",
                "set it at the service: driftless leaves it as it is",
            ),
            "ddns-response" => {
                draft.lose(*line, key, "it took other answers for success", "dyndns2's own words alone are success")
            }
            key if draft.lose_known(*line, key, LEFT) || UNDERSTOOD.contains(&key) => {}
            key => draft.lose_unknown(*line, key),
        }
    }
}

/// The service of a section's name, which may be a piece of its full name.
fn service_of(name: &str) -> Option<&'static Service> {
    let name = name.split_once(':').map_or(name, |(name, _)| name).to_ascii_lowercase();
    let (who, host) = name.split_once('@').unwrap_or(("default", &name));
    let exact = find(&name).or_else(|| find(host).filter(|_| matches!(who, "default" | "dyndns" | "ipv4" | "ipv6")));
    let mut near =
        SERVICES.iter().filter(|service| !name.contains('@') && service.words.iter().any(|word| word.contains(&name)));
    exact.or_else(|| near.next().filter(|_| near.next().is_none()))
}

fn section(
    draft: &mut Draft,
    is_custom: bool,
    name: &str,
    values: &Values,
    globals: &Values,
    line: usize,
) -> Result<(), Malformed> {
    let get = |key: &str| {
        values.get(key).and_then(|(values, _)| values.first()).map(String::as_str).filter(|value| !value.is_empty())
    };
    let Some((names, _)) = values.get("hostname").filter(|(names, _)| !names.is_empty()) else {
        return Err(Malformed::at(line, "the section has no `hostname`"));
    };
    let names: Vec<String> = names.iter().map(|name| name.strip_prefix("@.").unwrap_or(name).to_owned()).collect();
    let sources = sources(draft, name, values, globals);
    let url = || format!("{}{}", get("ddns-server").unwrap_or_default(), path(get("ddns-path").unwrap_or("/")));
    let found = if is_custom {
        template::read(&url(), &WORDS, true).map(|template| (template.service, Some(template.server)))
    } else {
        service_of(name).map(|service| (service, None)).ok_or("there is no provider for it yet")
    };
    let (service, server) = match found {
        Ok(found) => found,
        Err(why) => {
            let ttl = get("ttl").and_then(|ttl| ttl.parse().ok()).filter(|ttl| *ttl > 1);
            draft.wait(Waiting { service: name.to_owned(), why: why.to_owned(), names, sources, ttl, line });
            return Ok(());
        }
    };
    if let Some((_, line)) = values.get("ttl") {
        draft.lose(*line, "ttl", "it set a TTL", "dyndns2 has none; other providers take ttl in the record");
    }
    // Where the password is all, it stands as the user.
    let password = if service.user == User::Nobody { get("username") } else { get("password") };
    let refresh = globals.get("forced-update").and_then(|(values, _)| values.first()).and_then(|value| seconds(value));
    draft.take(Entry {
        service,
        server,
        username: get("username").map(str::to_owned),
        password: password.filter(|password| !password.contains("${")).map(Password::known),
        names,
        sources,
        refresh: refresh.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        alone: true,
        line,
    });
    Ok(())
}

/// A path with the name put behind it where it has no place for it.
fn path(path: &str) -> String {
    if path.contains('%') { path.to_owned() } else { format!("{path}%h") }
}

fn sources(draft: &mut Draft, name: &str, values: &Values, globals: &Values) -> Sources {
    let get = |key: &str| {
        values.get(key).or_else(|| globals.get(key)).and_then(|(values, line)| Some((values.first()?.as_str(), *line)))
    };
    let source = source(draft, &get);
    if name.starts_with("ipv6@") {
        return Sources { ipv4: Source::off(), ipv6: source };
    }
    match get("allow-ipv6") {
        Some((allow, line)) if is_yes(allow) => {
            let instead = "both families are kept; write \"off\" for one that is not wanted";
            draft.lose(line, "allow-ipv6", "it updated the one address that it found, of either family", instead);
            Sources { ipv4: source.clone(), ipv6: source }
        }
        _ => Sources { ipv4: source, ipv6: Source::off() },
    }
}

fn source<'a>(draft: &mut Draft, get: &impl Fn(&str) -> Option<(&'a str, usize)>) -> Source {
    // Each comes before those behind it.
    let mut ways = ["checkip-command", "iface", "checkip-server", "checkip-path"].into_iter();
    if let Some(first) = ways.find(|key| get(key).is_some())
        && first != "checkip-server"
    {
        for (key, line) in ways.filter_map(|key| get(key).map(|(_, line)| (key, line))) {
            draft.lose(line, key, format!("{first} came before it"), format!("nothing: the source is that of {first}"));
        }
    }
    if let Some((typed, line)) = get("checkip-command") {
        return draft.command(Some(typed), line, "checkip-command");
    }
    if let Some((name, _)) = get("iface") {
        return Source::interface(name);
    }
    let Some((host, line)) = get("checkip-server").filter(|(host, _)| *host != "default") else {
        return Source::auto();
    };
    let scheme = if get("checkip-ssl").is_some_and(|(ssl, _)| !is_yes(ssl)) { "http" } else { "https" };
    let path = get("checkip-path").map_or("/", |(path, _)| path);
    draft.page(&format!("{scheme}://{host}{path}"), line, "checkip-server")
}
