//! Sources out in the world: services that say who asks, by DNS, https or STUN.

use reqwest::header::HeaderName;

use super::address::{address, interface_name};
use super::meant::{BuiltIn, DnsSource, EchoFormat, HttpsSource, Source, StunSource};
use super::reader::{Field, Fields, Reader, error};
use super::tree::Value;
use super::{operator, setting, suggest};
use crate::detect::echoes::{Protocol, STUN_ECHOES};
use crate::detect::https::is_trustworthy;
use crate::model::name::Name;
use crate::model::record::Family;
use crate::net::dns::whoami::{Form, Question};
use crate::net::server::Server;
use crate::net::stun::Transport;
use crate::net::via::Via;
use crate::net::{dns, stun};

/// The word for all built-in services of a protocol.
const POOL: &str = "pool";

/// The keys that say how an echo holds the address; it has one of them at most.
const FORMATS: [&str; 4] = ["header", "json", "key", "pattern"];

/// Where the address stands in a pattern.
const PLACE: &str = "{ip}";

/// Reads `{ dns = "google" }` or `{ dns = "whoami.example.net", server = "192.0.2.53" }`.
pub(super) fn dns(reader: &mut Reader, main: Field<'_>, family: Family, fields: &mut Fields<'_>) -> Option<Source> {
    let (via, whose) = (via(reader, family, fields), operator::read(reader, fields));
    let (server, form) = (fields.take("server"), form(reader, fields));
    let authority = fields.take("authoritative").map(|field| (field, reader.flag(field)));
    let text = reader.text(main, "a built-in service, or a name that says who asks")?;
    let Some(server) = server else {
        let built_in =
            built_in(reader, main, (Protocol::Dns, family), text, via?, Some("a name of your own needs `server`"));
        for (key, is_given) in [("type", form.is_given), ("authoritative", authority.is_some())] {
            if is_given {
                reader.refuse(main, format!("`{key}` goes with a name and a `server` of your own"));
            }
        }
        whose.refuse(reader);
        return built_in;
    };
    let name = Name::parse(text).map_err(|why| reader.refuse(main, why)).ok();
    let servers = servers(reader, server, family);
    let authority = authority.map_or(Some(true), |(_, flag)| flag);
    let question = Question { name: name?, form: form.form?, authority: authority? };
    let servers = servers?;
    let whose = whose.at(&servers.first()?.host())?;
    Some(Source::Dns(DnsSource { question, servers, via: via?, whose }))
}

/// How a name server is to say the address, and whether any key of it was typed.
struct Typed {
    form: Option<Form>,
    is_given: bool,
}

/// Reads `type` and `class`.
fn form(reader: &mut Reader, fields: &mut Fields<'_>) -> Typed {
    let (rtype, class) = (fields.take("type"), fields.take("class"));
    let is_given = rtype.is_some() || class.is_some();
    let is_text =
        rtype.map_or(Some(false), |field| Some(setting::choice(reader, field, &["address", "TXT"])? == "TXT"));
    let is_chaos = class.map_or(Some(false), |field| Some(setting::choice(reader, field, &["IN", "CH"])? == "CH"));
    let form = match (is_text, is_chaos, class) {
        (Some(false), Some(true), Some(class)) => {
            reader.refuse(class, "in the class CH addresses are texts: type = \"TXT\"");
            None
        }
        (Some(false), Some(false), _) => Some(Form::Address),
        (Some(true), Some(false), _) => Some(Form::Text),
        (Some(true), Some(true), _) => Some(Form::Chaos),
        _ => None,
    };
    Typed { form, is_given }
}

/// One server or a list of them, each of which can be of the family.
fn servers(reader: &mut Reader, field: Field<'_>, family: Family) -> Option<Vec<Server>> {
    if let Value::Text(_) = field.node.value {
        return Some(vec![server(reader, field, family, dns::PORT)?]);
    }
    let list = reader.list(field, "a server such as \"192.0.2.53\" or \"ns.example.net:5353\", or a list of them")?;
    let mut servers = Vec::new();
    let mut complete = true;
    for item in list.iter() {
        match server(reader, field.item(item), family, dns::PORT) {
            Some(server) if servers.contains(&server) => reader.refuse(field.item(item), "this server is given twice"),
            Some(server) => servers.push(server),
            None => complete = false,
        }
    }
    complete.then_some(servers)
}

fn server(reader: &mut Reader, field: Field<'_>, family: Family, port: u16) -> Option<Server> {
    let text = reader.text(field, "a server such as \"192.0.2.53\" or \"ns.example.net:5353\"")?;
    match Server::parse(text, port) {
        Ok(server) if server.may_be_of(family) => return Some(server),
        Ok(server) => reader.refuse(field, format!("{server} cannot be asked over {family}")),
        Err(why) => reader.refuse(field, why),
    }
    None
}

/// Reads `{ stun = "cloudflare" }` or `{ stun = "stun.example.net", transport = "tcp" }`.
pub(super) fn stun(reader: &mut Reader, main: Field<'_>, family: Family, fields: &mut Fields<'_>) -> Option<Source> {
    let (via, whose) = (via(reader, family, fields), operator::read(reader, fields));
    let transport = fields.take("transport");
    let typed = transport.map(|field| setting::choice(reader, field, &["udp", "tcp"]));
    let text = reader.text(main, "a built-in service, or a STUN server such as \"stun.example.net:3478\"")?;
    let is_server = text.contains(['.', ':']) || text == "localhost";
    let known = STUN_ECHOES.iter().find(|echo| echo.name == text);
    if !is_server && (transport.is_none() || known.is_none()) {
        let needs = "a server of your own is a full name or an address";
        whose.refuse(reader);
        let built_in = built_in(reader, main, (Protocol::Stun, family), text, via?, Some(needs))?;
        if transport.is_some() {
            reader.refuse(main, "`transport` goes with one server");
            return None;
        }
        return Some(built_in);
    }
    let transport = if typed.map_or(Some("udp"), |typed| typed)? == "tcp" { Transport::Tcp } else { Transport::Udp };
    let server = match known {
        Some(echo) => Server::parse(echo.server, stun::PORT).ok(),
        None => server(reader, main, family, stun::PORT),
    };
    let server = server?;
    let whose = whose.at(&server.host())?;
    Some(Source::Stun(StunSource { server, transport, via: via?, whose }))
}

/// Reads `{ https = "ipify" }` or `{ https = "https://echo.example.net/", json = "/ip" }`.
pub(super) fn https(reader: &mut Reader, main: Field<'_>, family: Family, fields: &mut Fields<'_>) -> Option<Source> {
    let (via, whose) = (via(reader, family, fields), operator::read(reader, fields));
    let given: Vec<Field<'_>> = FORMATS.into_iter().filter_map(|key| fields.take(key)).collect();
    let format = match given.as_slice() {
        [] => Some(EchoFormat::Plain),
        [one] => format(reader, *one),
        [first, second, ..] => {
            let message = format!("`{}` and `{}` are two formats, only one can be used", first.key, second.key);
            reader.note(error(second.at, message).also(first.at, "the other one"));
            None
        }
    };
    if let Some(text) = main.as_text().filter(|text| *text == POOL || Protocol::Https.names().contains(text)) {
        if let Some(format) = given.first() {
            reader.refuse(main, format!("`{}` goes with a URL of your own", format.key));
            return None;
        }
        whose.refuse(reader);
        return built_in(reader, main, (Protocol::Https, family), text, via?, None);
    }
    let url = setting::url(reader, main)?;
    if !is_trustworthy(&url) {
        let message =
            format!("`{}`: over http:// anyone on the way could give a wrong address; write https://", main.key);
        let here = "on this machine write http://127.0.0.1 or http://[::1]: a name could be looked up elsewhere";
        let help = setting::is_loopback(&url).then(|| here.to_owned());
        reader.note(error(main.node.at, message).help(help));
        return None;
    }
    let whose = whose.at(url.host_str().unwrap_or_default().trim_matches(['[', ']']))?;
    Some(Source::Https(HttpsSource { url, format: format?, via: via?, whose }))
}

/// How an echo holds the address.
fn format(reader: &mut Reader, field: Field<'_>) -> Option<EchoFormat> {
    match field.key {
        "header" => {
            let text = reader.text(field, "the name of a header field")?;
            let name = HeaderName::from_bytes(text.as_bytes());
            name.map(EchoFormat::Header).map_err(|_| reader.refuse(field, "no header field can be called so")).ok()
        }
        "json" => {
            let pointer = reader.text(field, "a JSON pointer such as \"/ip\"")?;
            if !pointer.starts_with('/') {
                reader.refuse(field, "a JSON pointer starts with \"/\" (RFC 6901)");
                return None;
            }
            Some(EchoFormat::Json(pointer.to_owned()))
        }
        "key" => Some(EchoFormat::KeyValue(reader.text(field, "the key before \"=\"")?.to_owned())),
        _ => {
            let text = reader.text(field, "a text with {ip} where the address stands")?;
            match text.split_once(PLACE) {
                Some((before, after)) if !before.is_empty() && !after.contains(PLACE) => {
                    return Some(EchoFormat::Between(before.to_owned(), after.to_owned()));
                }
                Some(("", _)) => reader.refuse(field, "some text must stand before {ip}"),
                _ => reader.refuse(field, "{ip} must stand in it once, where the address stands"),
            }
            None
        }
    }
}

/// One of the built-in services, or all of them. `or` says what a person who meant something else has to write.
fn built_in(
    reader: &mut Reader,
    main: Field<'_>,
    (protocol, family): (Protocol, Family),
    text: &str,
    via: Via,
    or: Option<&str>,
) -> Option<Source> {
    let names = protocol.names();
    let name = names.iter().find(|name| **name == text).copied();
    if text != POOL && name.is_none() {
        let message = format!("`{protocol}`: there is no built-in service \"{}\"", text.escape_debug());
        let near = suggest::nearest(text, names.iter().copied().chain([POOL]));
        let help = near.map(|near| format!("did you mean \"{near}\"?")).unwrap_or_else(|| {
            let or = or.map(|or| format!("; {or}")).unwrap_or_default();
            format!("there are {}; \"{POOL}\" is all of them{or}", setting::quoted(&names))
        });
        reader.note(error(main.node.at, message).help(help));
        return None;
    }
    if name.is_some_and(|name| !protocol.is_of(name, family)) {
        reader.refuse(main, format!("the built-in service \"{text}\" cannot be asked over {family}"));
        return None;
    }
    Some(Source::BuiltIn(BuiltIn { protocol, name, via }))
}

/// Reads `bind_interface` and `bind_address`.
pub(super) fn via(reader: &mut Reader, family: Family, fields: &mut Fields<'_>) -> Option<Via> {
    let (interface, bound) = (fields.take("bind_interface"), fields.take("bind_address"));
    let interface = interface.map(|field| interface_name(reader, field, "the name of an interface").map(str::to_owned));
    let bound = bound.map(|field| address(reader, field, family));
    Some(Via {
        interface: match interface {
            Some(interface) => Some(interface?),
            None => None,
        },
        address: match bound {
            Some(address) => Some(address?),
            None => None,
        },
    })
}
