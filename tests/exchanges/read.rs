//! Reads the exchanges beside it: notes, a request, a line of dashes, an answer.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::collections::BTreeSet;

use super::http::{Answer, Received};

/// A request and its answer.
pub struct Written {
    /// What is asked.
    pub request: Received,
    /// What is answered.
    pub answer: Answer,
}

/// The exchange in the file at `path` below this folder.
pub fn written(path: &str) -> Written {
    let path = format!("{}/tests/exchanges/{path}.http", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the exchange");
    let noted = text.lines().take_while(|line| line.starts_with("# ")).map(|line| line.len() + 1).sum();
    let (request, answer) = text.split_at(noted).1.split_once("\n--------------------\n").expect("a line of dashes");
    let (first, headers, body) = message(request);
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
    let field = |(name, value): &(String, String)| {
        let name: hyper::header::HeaderName = name.parse().expect("a field's name");
        (name, value.parse().expect("a field's value"))
    };
    let headers = headers.iter().map(field).collect();
    let request = Received { method: method.into(), path: path.into(), query, headers, body: body.into_bytes() };
    let (first, headers, body) = message(answer);
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Written { request, answer: Answer { status, headers, body: body.into_bytes() } }
}

fn message(text: &str) -> (String, Vec<(String, String)>, String) {
    let (head, body) = text.split_once("\n\n").expect("an empty line");
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let fields = lines.filter_map(|line| line.split_once(": "));
    (first, fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), body.trim().to_owned())
}

/// What counts of a request: method, path, parameters in any order, the fields that carry tokens and the kind of body.
pub fn essence(request: &Received) -> (String, BTreeSet<String>, Vec<String>) {
    let line = format!("{} {}", request.method, request.path);
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let parameters: BTreeSet<String> = match serde_json::from_str::<serde_json::Value>(&body) {
        Ok(value) => BTreeSet::from([value.to_string()]),
        Err(_) => {
            let query = request.query.iter().map(String::as_str);
            let parts = query.chain([body.as_str()]).flat_map(|text| text.split('&')).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        }
    };
    let fields = ["pddtoken", "authorization", "content-type"];
    let fields = fields.iter().filter_map(|name| Some(format!("{name}: {}", request.header(name)?)));
    (line, parameters, fields.collect())
}
