//! .ddns_go_config.yaml of ddns-go: a list of services, each with the names and address sources of both families.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use super::Malformed;
use super::draft::{Draft, Entry, Password, Sources, Waiting};
use super::services::{OTHER, Service, find};
use super::source::{Echo, Source, echo};
use super::template::{self, Words};
use super::text::is_yes;
use super::yaml::{self, Scalar, line};

/// What to do instead of its web hook.
const WEBHOOK: &str = "a channel of type \"webhook\": [notify.NAME] in driftless.toml(5)";

/// User and password stand in a callback's URL in place.
const WORDS: Words = Words { name: "#{domain}", address: "#{ip}", user: "\u{1}user", password: "\u{1}password" };

/// Keys at the top, or in `user` and `webhook`, that are not carried over: what they did, and what to do.
const LEFT: &[(&str, &str, &str)] = &[
    ("lang", "it chose the language of its pages", "nothing: there is one"),
    ("notallowwanaccess", "it kept its pages from the world", "nothing: no page is served unless it is asked for"),
    (
        "password",
        "it was the login of its pages",
        "nothing: commands go over a socket that only root and the daemon's user may use",
    ),
    (
        "username",
        "it was the login of its pages",
        "nothing: commands go over a socket that only root and the daemon's user may use",
    ),
    ("webhookheaders", "it called a web hook after updates", WEBHOOK),
    ("webhookrequestbody", "it called a web hook after updates", WEBHOOK),
    ("webhookurl", "it called a web hook after updates", WEBHOOK),
];

/// The file; one of before version 5 is a single service.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    dnsconf: Option<Vec<Spanned<Conf>>>,
    /// The login of its pages.
    #[serde(default)]
    user: Option<Settings>,
    #[serde(default)]
    webhook: Option<Settings>,
}

/// Keys and what they are set to.
type Settings = BTreeMap<String, Option<Scalar>>;

/// A service.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Conf {
    ipv4: Family,
    ipv6: Family,
    dns: Dns,
    ttl: Option<Scalar>,
    httpinterface: Option<Scalar>,
}

/// The names of a family, and where its address comes from.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Family {
    enable: Option<Scalar>,
    gettype: Option<Scalar>,
    url: Option<Scalar>,
    netinterface: Option<Scalar>,
    cmd: Option<Scalar>,
    ipv6reg: Option<Scalar>,
    domains: Option<Vec<Scalar>>,
}

/// The service and its login. Holds secrets.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Dns {
    name: Option<Scalar>,
    id: Option<Scalar>,
    secret: Option<Scalar>,
}

/// Reads a .ddns_go_config.yaml.
pub(super) fn read(text: &str) -> Result<Draft, Malformed> {
    let mut draft = Draft::default();
    let keys: BTreeMap<String, IgnoredAny> = yaml::read(text)?;
    let file: File = yaml::read(text)?;
    for (key, _) in keys {
        let at = 1 + text.lines().position(|line| line.starts_with(&format!("{key}:"))).unwrap_or(0);
        let is_empty = text.lines().nth(at - 1).is_some_and(|line| {
            ["", "\"\"", "''", "false"].contains(&line.split_once(':').map_or("", |(_, value)| value.trim()))
        });
        if !is_empty
            && !draft.lose_known(at, &key, LEFT)
            && !["dnsconf", "dns", "ipv4", "ipv6", "ttl", "user", "webhook"].contains(&key.as_str())
        {
            draft.lose_unknown(at, &key);
        }
    }
    for (key, scalar) in file.user.into_iter().chain(file.webhook).flatten() {
        let Some(scalar) = scalar.filter(|scalar| !scalar.value.trim().is_empty()) else { continue };
        if !draft.lose_known(line(&scalar), &key, LEFT) {
            draft.lose_unknown(line(&scalar), &key);
        }
    }
    match file.dnsconf {
        Some(services) => services.iter().for_each(|conf| one(&mut draft, &conf.value, line(conf))),
        None => one(&mut draft, &yaml::read(text)?, 1),
    }
    Ok(draft)
}

fn value(scalar: Option<&Scalar>) -> Option<&str> {
    scalar.map(|scalar| scalar.value.trim()).filter(|value| !value.is_empty())
}

fn one(draft: &mut Draft, conf: &Conf, from: usize) {
    let from = conf.dns.name.as_ref().map_or(from, line);
    if let Some(scalar) = conf.httpinterface.as_ref().filter(|scalar| !scalar.value.is_empty()) {
        draft.lose(
            line(scalar),
            "httpinterface",
            "it sent requests by one interface",
            "a source takes bind_interface; requests to the service go where routes lead",
        );
    }
    let (ipv4, names4) = family(draft, &conf.ipv4, "ipv4");
    let (ipv6, names6) = family(draft, &conf.ipv6, "ipv6");
    // Names of both families first, then those of one.
    let both: Vec<String> = names4.iter().filter(|name| names6.contains(name)).cloned().collect();
    let only = |names: Vec<String>| names.into_iter().filter(|name| !both.contains(name)).collect::<Vec<_>>();
    let (only4, only6) = (only(names4), only(names6));
    let groups = [
        (both, Sources { ipv4: ipv4.clone(), ipv6: ipv6.clone() }),
        (only4, Sources { ipv4, ipv6: Source::off() }),
        (only6, Sources { ipv4: Source::off(), ipv6 }),
    ];
    for (names, sources) in groups.into_iter().filter(|(names, _)| !names.is_empty()) {
        add(draft, conf, names, sources, from);
    }
}

fn add(draft: &mut Draft, conf: &Conf, names: Vec<String>, sources: Sources, line: usize) {
    let name = value(conf.dns.name.as_ref()).unwrap_or("nowhere").to_owned();
    let ttl = value(conf.ttl.as_ref()).and_then(|ttl| ttl.parse().ok()).filter(|ttl| *ttl > 1);
    match service(conf, &name) {
        Ok((service, server, username, password)) => {
            if let Some(ttl) = conf.ttl.as_ref().filter(|_| ttl.is_some()) {
                draft.lose(
                    yaml::line(ttl),
                    "ttl",
                    "it set a TTL",
                    "dyndns2 has none; other providers take ttl in the record",
                );
            }
            let password = password.map(|password| Password::known(&password));
            draft.take(Entry { service, server, username, password, names, sources, refresh: None, alone: true, line });
        }
        Err(why) => draft.wait(Waiting { service: name, why: why.to_owned(), names, sources, ttl, line }),
    }
}

/// The service, its server where it is not the usual one, user and password.
type Login = (&'static Service, Option<String>, Option<String>, Option<String>);

fn service(conf: &Conf, name: &str) -> Result<Login, &'static str> {
    let secret = value(conf.dns.secret.as_ref());
    match name {
        "dynv6" => Ok((find(name).unwrap_or(&OTHER), None, None, secret.map(str::to_owned))),
        "callback" if secret.is_some() => Err("dyndns2 has no request with a body"),
        "callback" => {
            let url = value(conf.dns.id.as_ref()).ok_or("its URL is not said")?;
            let template = template::read(url, &WORDS, false)?;
            Ok((template.service, Some(template.server), template.username, template.password))
        }
        _ => Err("there is no provider for it yet"),
    }
}

/// The source of a family and its names; none where it is switched off.
fn family(draft: &mut Draft, family: &Family, key: &str) -> (Source, Vec<String>) {
    if !value(family.enable.as_ref()).is_some_and(is_yes) {
        return (Source::off(), Vec::new());
    }
    let mut names = Vec::new();
    for typed in family.domains.iter().flatten().filter(|typed| !typed.value.trim().is_empty()) {
        let (name, parameters) = typed.value.split_once('?').map_or((&*typed.value, false), |(name, _)| (name, true));
        if parameters {
            draft.lose(
                line(typed),
                "domains",
                "it sent parameters of its own with a name",
                "set them at the service: driftless leaves them as they are",
            );
        }
        let (host, domain) = name.trim().split_once(':').unwrap_or(("", name.trim()));
        names.push(if matches!(host, "" | "@") { domain.to_owned() } else { format!("{host}.{domain}") });
    }
    (source(draft, family, key), names)
}

fn source(draft: &mut Draft, family: &Family, key: &str) -> Source {
    let at = family.gettype.as_ref().or(family.enable.as_ref()).map_or(1, line);
    if let Some(scalar) = family.ipv6reg.as_ref().filter(|scalar| !scalar.value.trim().is_empty()) {
        let instead = "the stable, preferred, global address is taken; { prefix = …, host = … } builds another";
        draft.lose(line(scalar), "ipv6reg", "it chose one of the interface's addresses", instead);
    }
    match value(family.gettype.as_ref()) {
        Some("netInterface") => value(family.netinterface.as_ref()).map_or_else(Source::auto, Source::interface),
        Some("cmd") => draft.command(value(family.cmd.as_ref()), at, "cmd"),
        Some("url") => pages(draft, family, at),
        _ => {
            draft.lose(
                at,
                &format!("{key}.gettype"),
                "it said in no known way where the address comes from",
                "here it is auto",
            );
            Source::auto()
        }
    }
}

/// What takes the place of a list of pages that were asked one after the other.
fn pages(draft: &mut Draft, family: &Family, at: usize) -> Source {
    let pages: Vec<&str> = value(family.url.as_ref()).into_iter().flat_map(|url| url.split(',')).collect();
    if pages.iter().any(|page| matches!(echo(page), Echo::Known)) {
        return Source::https();
    }
    // The first that can still be asked.
    let first = pages.iter().find(|page| matches!(echo(page), Echo::Own(_))).or(pages.first());
    let at = family.url.as_ref().map_or(at, line);
    first.map_or_else(Source::https, |page| draft.page(page, at, "url"))
}
