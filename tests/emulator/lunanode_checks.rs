//! What LunaNode's emulator asks of a request: the form, the strings, the parameters, the record.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use ring::hmac;
use serde_json::{Map, Value};

use super::super::http::Received;
use super::{DEFAULTS, Record};

/// What a record may be.
const TYPES: [&str; 9] = ["A", "AAAA", "CNAME", "ALIAS", "MX", "NS", "TXT", "SPF", "SRV"];

/// The form's fields: POST, the right content type, no query, nothing missing, nothing more.
pub fn check_transport(request: &Received, handler: &str) -> Result<BTreeMap<String, String>, String> {
    let form = request.header("content-type") == Some("application/x-www-form-urlencoded");
    if request.method != "POST" || request.query.is_some() || !form {
        return Err(format!("{handler}: not a plain POST of a form"));
    }
    let body = std::str::from_utf8(&request.body).map_err(|_| format!("{handler}: the body is no text"))?;
    let mut fields = BTreeMap::new();
    for pair in body.split('&') {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("{handler}: a field without a value"))?;
        if fields.insert(decode(name)?, decode(value)?).is_some() {
            return Err(format!("{handler}: the field {name} is there twice"));
        }
    }
    if fields.remove("handler").is_some_and(|sent| sent != handler) {
        return Err(format!("{handler}: the field handler says something else"));
    }
    if fields.keys().ne(["nonce", "req", "signature"]) {
        return Err(format!("{handler}: the fields are {:?}", fields.keys()));
    }
    Ok(fields)
}

/// Percent-encoding, with `+` for the space.
pub fn decode(text: &str) -> Result<String, String> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let octet = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                out.push(octet.ok_or("a broken percent sign in the form")?);
                rest = tail.get(2..).unwrap_or_default();
            }
            other => out.push(*other),
        }
    }
    String::from_utf8(out).map_err(|_| "the form is not UTF-8".into())
}

/// The request's object, all of whose values must be strings.
pub fn check_strings(req: &str) -> Result<BTreeMap<String, String>, String> {
    let object: Map<String, Value> = serde_json::from_str(req).map_err(|_| "req is no JSON object")?;
    let string = |(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        _ => Err(format!("the parameter {name} is no string")),
    };
    object.into_iter().map(string).collect()
}

pub fn check_parameters(sent: &BTreeMap<String, String>, required: &[&str], optional: &[&str]) -> Result<(), String> {
    if let Some(missing) = required.iter().find(|name| !sent.contains_key(**name)) {
        return Err(format!("missing parameter {missing}"));
    }
    match sent.keys().find(|name| !required.contains(&name.as_str()) && !optional.contains(&name.as_str())) {
        Some(unknown) => Err(format!("unknown parameter {unknown}")),
        None => Ok(()),
    }
}

/// The record that the parameters describe. Nothing of an older one is kept.
pub fn check_record(parameters: &BTreeMap<String, String>, zone: &str) -> Result<Record, String> {
    let (rtype, data) = (text(parameters, "type")?, text(parameters, "data")?);
    if !TYPES.contains(&rtype) {
        return Err("invalid record type".into());
    }
    let fits = match rtype {
        "A" => data.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => data.parse::<Ipv6Addr>().is_ok(),
        _ => !data.is_empty(),
    };
    if !fits {
        return Err("invalid record data".into());
    }
    let ttl = number(parameters, "ttl")?.to_string();
    for numeric in ["aux", "weight", "monitor_id"] {
        if parameters.contains_key(numeric) {
            number(parameters, numeric)?;
        }
    }
    if parameters.get("policy").is_some_and(|policy| !["none", "latlong", "region"].contains(&policy.as_str())) {
        return Err("invalid policy".into());
    }
    if parameters.get("monitor_id").is_some_and(|id| id == "0") {
        return Err("invalid monitor check".into());
    }
    let mut record: Record = DEFAULTS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let given = parameters.iter().filter(|(name, _)| record.contains_key(*name)).map(|(a, b)| (a.clone(), b.clone()));
    let given: Vec<_> = given.collect();
    record.extend(given);
    if let Some(global) = record.get_mut("global") {
        *global = if global == "no" { String::new() } else { "1".into() };
    }
    let name = text(parameters, "name")?.trim_end_matches('.');
    let name = match name {
        "" => zone.to_owned(),
        full if full == zone || full.ends_with(&format!(".{zone}")) => full.to_owned(),
        relative => format!("{relative}.{zone}"),
    };
    let required = [("name", name), ("type", rtype.to_owned()), ("data", data.to_owned()), ("ttl", ttl)];
    record.extend(required.map(|(name, value)| (name.to_owned(), value)));
    Ok(record)
}

pub fn text<'a>(parameters: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, String> {
    parameters.get(name).map(String::as_str).ok_or_else(|| format!("missing parameter {name}"))
}

/// A parameter in plain digits.
pub fn number(parameters: &BTreeMap<String, String>, name: &str) -> Result<u32, String> {
    let text = text(parameters, name)?;
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain).ok_or_else(|| format!("invalid {name}"))
}

/// HMAC-SHA512 in lower-case hex.
pub fn signature(key: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes());
    hmac::sign(&key, message.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, octet| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}
