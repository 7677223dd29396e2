//! The schema of driftless.toml for editors, from the keys of the configuration and the settings of providers and channels.
//!
//! JSON Schema of draft 7, which the editors' TOML extensions read. A file may be one of several that are laid over each other, so that
//! what an account still lacks is left to `driftless check`; records are whole wherever they stand.

use driftless::config::keys::{self, Form, Holds, Key};
use driftless::detect::echoes::Protocol;
use driftless::detect::protocol;
use driftless::model::record::{Family, RecordType, Ttl};
use driftless::notify;
use driftless::provider::setting::{Kind, Setting};
use driftless::provider::{Entry, REGISTRY};
use serde_json::{Map, Value, json};

const ABOUT: &str = "The configuration of driftless: which names at which accounts hold which addresses. `driftless check` knows more than this \
                     schema: what belongs together, and what of it this machine has.";

/// An absolute path.
const PATH: &str = "^/";
/// A name of an account or of an address.
const LABEL: &str = "^[A-Za-z0-9_-]{1,64}$";
/// An IPv4 address.
const IPV4: &str = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$";
/// An IPv6 address.
const IPV6: &str = "^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$";
/// What Linux can call an interface.
const INTERFACE: &str = r"^[^/:\s]{1,15}$";
/// An address with a port.
const LISTEN: &str = r"^([0-9.]+|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]{0,4}$";

/// The whole schema.
#[must_use]
pub fn schema() -> Value {
    let mut top = properties(keys::TOP, None);
    top.insert("account".into(), accounts());
    top.insert("address".into(), labelled("Where addresses come from: [address.NAME]", table(keys::ADDRESS)));
    top.insert("record".into(), records());
    top.insert("defaults".into(), described(table(keys::DEFAULTS), "What holds where nothing else is said."));
    top.insert("log".into(), described(table(keys::LOG), "The log."));
    top.insert("notify".into(), channels());
    top.insert("web".into(), described(table(keys::WEB), "The status page, the metrics and the probes."));
    let mut definitions = Map::new();
    definitions.insert("secret".into(), secret());
    for family in [Family::Ipv4, Family::Ipv6] {
        definitions.insert(definition("source", family), source(family));
        definitions.insert(definition("part", family), part(family, &["all"]));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "driftless.toml",
        "description": ABOUT,
        "type": "object",
        "properties": top,
        "additionalProperties": false,
        "definitions": definitions,
    })
}

/// A definition's name: `source4`, `source6`.
fn definition(what: &str, family: Family) -> String {
    format!("{what}{}", if family == Family::Ipv4 { 4 } else { 6 })
}

fn reference(what: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{what}") })
}

/// The same with what it means. Beside a `$ref` nothing else counts in this draft.
fn described(schema: Value, help: &str) -> Value {
    let mut schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".into(), help.into());
    }
    schema
}

fn table(keys: &[Key]) -> Value {
    json!({ "type": "object", "properties": properties(keys, None), "additionalProperties": false })
}

/// A table of tables with names of one's own.
fn labelled(help: &str, each: Value) -> Value {
    let names = json!({ "pattern": LABEL });
    json!({ "type": "object", "description": help, "propertyNames": names, "additionalProperties": each })
}

/// The properties of these keys; `family` is that of the source which they belong to.
fn properties(keys: &[Key], family: Option<Family>) -> Map<String, Value> {
    let all = keys.iter().map(|key| (key.name.to_owned(), described(held(key.holds, family), key.help)));
    let secrets = keys.iter().filter(|key| key.holds == Holds::Kind(Kind::Secret)).map(|key| file_of(key.name));
    all.chain(secrets).collect()
}

/// The same of what a provider or a channel declares.
fn declared(settings: &[Setting]) -> Map<String, Value> {
    let all = settings.iter().map(|one| (one.name.to_owned(), described(of_kind(one.kind), &help(one))));
    let secrets = settings.iter().filter(|one| one.kind == Kind::Secret).map(|one| file_of(one.name));
    all.chain(secrets).collect()
}

/// The key beside a secret's own that names the file which holds it.
fn file_of(name: &str) -> (String, Value) {
    let help = format!("The file that holds `{name}`, which is the same as `{{ file = … }}`.");
    (format!("{name}_file"), described(of_kind(Kind::Path), &help))
}

fn held(holds: Holds, family: Option<Family>) -> Value {
    let family = family.unwrap_or(Family::Ipv4);
    let address = json!({ "type": "string", "pattern": if family == Family::Ipv4 { IPV4 } else { IPV6 } });
    let server = json!({ "type": "string", "minLength": 1 });
    match holds {
        Holds::Kind(kind) => of_kind(kind),
        Holds::Provider => json!({ "enum": REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>() }),
        Holds::Nameservers => list(json!({ "type": "string", "pattern": "[.:]" })),
        Holds::Account | Holds::Address => json!({ "type": "string", "pattern": LABEL }),
        Holds::Names => list(of_kind(Kind::Name)),
        Holds::Ttl => {
            json!({ "anyOf": [{ "const": "keep" }, { "type": "integer", "minimum": 0, "maximum": Ttl::MAX }] })
        }
        Holds::Source4 => reference("source4"),
        Holds::Source6 => reference("source6"),
        Holds::Sources => list(reference(&definition("part", family))),
        Holds::RecordType => record_type(),
        Holds::Interface => json!({ "type": "string", "pattern": INTERFACE }),
        Holds::Bound => address,
        Holds::Fixed => json!({ "anyOf": [address, list(address.clone())] }),
        // The forms of an echo say more; see `forms`.
        Holds::Echo(_) => server,
        Holds::Servers => json!({ "anyOf": [server, list(server.clone())] }),
        Holds::Ways => {
            let words = protocol::Protocol::ALL.map(protocol::Protocol::word);
            json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": words } })
        }
        Holds::Router => {
            json!({ "anyOf": [{ "const": "default" }, { "type": "string", "pattern": IPV4 }] })
        }
        Holds::Prefix => prefix(),
        Holds::Host => host(),
        Holds::Mac => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{1,2}([:-][0-9A-Fa-f]{1,2}){5}$" }),
        Holds::Quorum => json!({ "type": "integer", "minimum": 1 }),
        Holds::Channel => json!({ "enum": notify::REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>() }),
        Holds::Events => {
            let words: Vec<&str> = keys::EVENTS.iter().map(|(event, _)| event.word()).collect();
            let helps: Vec<&str> = keys::EVENTS.iter().map(|(_, help)| *help).collect();
            list(json!({ "enum": words, "x-taplo": { "docs": { "enumValues": helps } } }))
        }
        Holds::Listen => json!({ "anyOf": [
            { "const": "systemd" },
            { "type": "string", "pattern": "^unix:/" },
            { "type": "string", "pattern": LISTEN },
        ] }),
    }
}

fn of_kind(kind: Kind) -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    match kind {
        Kind::Lines | Kind::Text | Kind::Name => text,
        Kind::Texts => list(text),
        Kind::Secret => reference("secret"),
        Kind::Url => json!({ "type": "string", "pattern": "^https?://" }),
        Kind::Path | Kind::Replaced => json!({ "type": "string", "pattern": PATH }),
        Kind::Duration => json!({ "type": "string", "pattern": "[0-9]", "examples": ["30s", "5m", "1h 30m", "2d"] }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Command => {
            let program = json!({ "type": "string", "pattern": PATH });
            json!({ "type": "array", "minItems": 1, "items": [program], "additionalItems": text })
        }
    }
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "minItems": 1, "items": items })
}

fn record_type() -> Value {
    let ours = |rtype: &&RecordType| !matches!(rtype, RecordType::A | RecordType::Aaaa | RecordType::Soa);
    let types: Vec<&str> = RecordType::ALL.iter().filter(ours).map(|rtype| rtype.as_str()).collect();
    // In any case; the usual one is what editors offer.
    let any_case = |letter: char| format!("[{}{}]", letter, letter.to_ascii_lowercase());
    let spelt: Vec<String> = types.iter().map(|name| name.chars().map(any_case).collect()).collect();
    json!({ "anyOf": [{ "enum": types }, { "type": "string", "pattern": format!("^({})$", spelt.join("|")) }] })
}

fn secret() -> Value {
    let one = |key: &str, help: &str, value: Value| {
        json!({
            "type": "object", "required": [key], "additionalProperties": false,
            "properties": { key: described(value, help) },
        })
    };
    let text = json!({ "type": "string", "minLength": 1 });
    json!({ "anyOf": [
        one("file", "A file that holds one line; read anew at each use.", json!({ "type": "string", "pattern": PATH })),
        one("credential", "A credential of systemd (`LoadCredential=`).", json!({ "type": "string", "pattern": "^[^/]+$" })),
        one("env", "A variable of the environment.", text.clone()),
        described(text, "The secret itself, which is discouraged and brings a warning."),
    ] })
}

fn accounts() -> Value {
    let each: Vec<Value> = REGISTRY.iter().map(account).collect();
    labelled("One login at one provider: [account.NAME]", json!({ "anyOf": each }))
}

fn account(entry: &Entry) -> Value {
    let mut keys = properties(keys::ACCOUNT, None);
    keys.insert("provider".into(), described(json!({ "const": entry.name }), entry.title));
    keys.extend(declared(entry.settings));
    let notice = entry.notice.map(|notice| format!(" {notice}")).unwrap_or_default();
    json!({
        "title": entry.name, "description": format!("{}. {}{notice}", entry.title, entry.documentation),
        "type": "object", "properties": keys, "additionalProperties": false,
    })
}

fn channels() -> Value {
    let each: Vec<Value> = notify::REGISTRY.iter().map(channel).collect();
    labelled("A channel by which somebody is told what happens: [notify.NAME]", json!({ "anyOf": each }))
}

fn channel(entry: &notify::Entry) -> Value {
    let mut keys = properties(keys::NOTIFY, None);
    keys.extend(properties(if entry.hears != notify::Hears::News { keys::BEATS } else { keys::NEWS }, None));
    keys.insert("type".into(), described(json!({ "const": entry.name }), entry.title));
    keys.extend(declared(entry.settings));
    json!({
        "title": entry.name, "description": format!("{}. {}", entry.title, entry.documentation).trim_end(),
        "type": "object", "properties": keys, "additionalProperties": false,
    })
}

/// A setting's help with what else there is to know of it.
fn help(setting: &Setting) -> String {
    let required = if setting.required { " Required." } else { "" };
    let variable = if setting.variable.is_empty() {
        String::new()
    } else {
        format!(" Or by the variable `{}`.", setting.variable)
    };
    format!("{}{required}{variable}", setting.help)
}

fn records() -> Value {
    let mut each = table(keys::RECORD);
    let more = json!({
        "required": ["account"],
        "oneOf": [{ "required": ["name"] }, { "required": ["names"] }],
        "dependencies": { "absent_after": ["absent"], "match": ["type", "value"], "type": ["value"], "value": ["type"] },
    });
    if let (Value::Object(each), Value::Object(more)) = (&mut each, more) {
        each.extend(more);
    }
    json!({ "type": "array", "description": "What is published: each [[record]] is one name or several.", "items": each })
}

/// Where the addresses of a family come from.
fn source(family: Family) -> Value {
    let off = json!({ "enum": ["off", false], "description": "The family is left alone." });
    let mut any = vec![off];
    any.extend(forms(family, |name| name == "all"));
    any.push(reference(&definition("part", family)));
    json!({ "anyOf": any })
}

/// A source that can stand within another one: any of the words, addresses and tables but these.
fn part(family: Family, without: &[&str]) -> Value {
    let of_family = |word: &&(&str, &str)| word.0 != "off" && (family == Family::Ipv4 || word.0 != "router");
    let words: Vec<_> = keys::WORDS.iter().filter(of_family).collect();
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let helps: Vec<&str> = words.iter().map(|(_, help)| *help).collect();
    let mut any = vec![
        json!({ "enum": names, "x-taplo": { "docs": { "enumValues": helps } } }),
        described(held(Holds::Bound, Some(family)), "This address, always."),
    ];
    any.extend(forms(family, |name| !without.contains(&name)));
    json!({ "anyOf": any })
}

/// The tables that are sources of a family.
fn forms(family: Family, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    let of_family = |form: &&Form| if family == Family::Ipv4 { form.ipv4 } else { form.ipv6 };
    let chosen = keys::FORMS.iter().filter(of_family).filter(|form| wanted(form.main.name));
    chosen.flat_map(|form| form_of(form, family)).collect()
}

/// A form as tables: what is built in and what is one's own have not the same keys.
fn form_of(form: &Form, family: Family) -> Vec<Value> {
    let Holds::Echo(protocol) = form.main.holds else {
        let mut properties = properties(form.with, Some(family));
        if form.main.name == "interface" && family == Family::Ipv4 {
            for key in ["temporary", "deprecated"] {
                properties.insert(key.into(), described(json!({ "const": false }), "Only IPv6 has such addresses."));
            }
        }
        return vec![form_table(form, held(form.main.holds, Some(family)), properties, form.needs)];
    };
    let protocol = match protocol {
        "dns" => Protocol::Dns,
        "https" => Protocol::Https,
        _ => Protocol::Stun,
    };
    let mut names: Vec<&str> = protocol.names().into_iter().filter(|name| protocol.is_of(name, family)).collect();
    names.push("pool");
    let with_any = ["bind_address", "bind_interface", "transport"];
    let few: Vec<Key> = form.with.iter().filter(|key| with_any.contains(&key.name)).copied().collect();
    let (own, needs): (Value, &[&str]) = match protocol {
        Protocol::Dns => (of_kind(Kind::Name), &["server"]),
        // Without TLS anyone on the way could give a wrong address.
        Protocol::Https => {
            (json!({ "type": "string", "pattern": r"^(https://|http://(localhost|127\.|\[::1\]))" }), &[])
        }
        Protocol::Stun => (json!({ "type": "string", "pattern": "[.:]|^localhost$" }), &[]),
    };
    vec![
        form_table(form, json!({ "enum": names }), properties(&few, Some(family)), &[]),
        form_table(form, own, properties(form.with, Some(family)), needs),
    ]
}

fn form_table(form: &Form, main: Value, mut properties: Map<String, Value>, needs: &[&str]) -> Value {
    properties.insert(form.main.name.into(), described(main, form.main.help));
    let required: Vec<&str> = [form.main.name].into_iter().chain(needs.iter().copied()).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Where the prefix of another machine's address comes from.
fn prefix() -> Value {
    let of_address = json!({
        "type": "object", "required": ["address"], "additionalProperties": false,
        "properties": { "address": described(held(Holds::Address, None), "The [address.NAME] whose prefix it is.") },
    });
    let delegated = json!({ "const": "delegated", "description": "The prefix that was delegated to this router." });
    json!({ "anyOf": [delegated, of_address, part(Family::Ipv6, &["all", "prefix"])] })
}

/// The bits behind a prefix.
fn host() -> Value {
    let mut any = vec![json!({ "type": "string", "pattern": IPV6 })];
    any.extend(keys::HOSTS.iter().flat_map(|form| form_of(form, Family::Ipv6)));
    json!({ "anyOf": any })
}
