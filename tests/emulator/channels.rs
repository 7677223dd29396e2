//! Strict receivers of notifications on one port: ntfy, Gotify, a webhook, healthchecks.io and Uptime Kuma, each at its own path.
//!
//! Written from their documentation: <https://docs.ntfy.sh/publish/#publish-as-json>, <https://gotify.net/api-docs>,
//! <https://healthchecks.io/docs/http_api/>, <https://github.com/louislam/uptime-kuma/wiki/Internal-API#push>. Strict: what they
//! take with good will (a type that is not JSON, fields they do not know) is refused.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use serde_json::{Value, json};

use super::http::{Answer, Received};

/// What can be typed.
pub const USAGE: &str = "\
channels
    ntfy: POST / (topic my-topic, token tk_emulated); Gotify: POST /message (token AnEmulated.Tok); healthchecks.io:
    /0d338dcc-a054-4f11-b909-0242ac120002 and its /fail; Uptime Kuma: /api/push/EmulatedTok1; a webhook: POST /hook/...
    which wants JSON and the header field X-Hook-Key: emulated";

/// The one topic of ntfy that may be written to.
pub const TOPIC: &str = "my-topic";
/// Its token.
pub const NTFY_TOKEN: &str = "tk_emulated";
/// The token of Gotify's application.
pub const GOTIFY_TOKEN: &str = "AnEmulated.Tok";
/// The one check of healthchecks.io.
pub const UUID: &str = "0d338dcc-a054-4f11-b909-0242ac120002";
/// The token of Uptime Kuma's monitor.
pub const KUMA_TOKEN: &str = "EmulatedTok1";
/// What the webhook wants to see.
pub const HOOK_KEY: &str = "emulated";

/// The answer to a request.
pub fn answer(request: &Received) -> Answer {
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST" | "PUT", [""]) => ntfy(request),
        ("POST", ["message"]) => gotify(request),
        (_, ["api", "push", token]) => kuma(request, token),
        ("POST", ["hook", _]) => hook(request),
        ("GET" | "HEAD" | "POST", [uuid] | [uuid, "fail" | "start" | "log"]) if uuid.contains('-') => ping(uuid),
        _ => Answer::new(404, "404 page not found"),
    }
}

/// The body, where it is a JSON object and said to be one.
fn object(request: &Received) -> Option<Value> {
    let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    serde_json::from_slice(&request.body).ok().filter(|value: &Value| is_json && value.is_object())
}

fn ntfy(request: &Received) -> Answer {
    let refuse = |status: u16, code: u16, error: &str| {
        Answer::new(status, json!({ "code": code, "http": status, "error": error }).to_string())
    };
    let Some(body) = object(request) else {
        return refuse(400, 40017, "invalid request: request body must be message JSON");
    };
    let known = ["topic", "message", "title", "tags", "priority", "actions", "click", "attach", "markdown", "icon"];
    if body.as_object().is_some_and(|body| body.keys().any(|key| !known.contains(&key.as_str()))) {
        return refuse(400, 40017, "invalid request: request body must be message JSON");
    }
    let topic = body["topic"].as_str().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if topic.is_empty() || topic.len() > 64 || !topic.chars().all(fits) {
        return refuse(400, 40009, "invalid request: topic invalid");
    }
    let priority = &body["priority"];
    if !(priority.is_null() || priority.as_u64().is_some_and(|priority| (1..=5).contains(&priority))) {
        return refuse(400, 40007, "invalid request: priority invalid");
    }
    if request.header("authorization") != Some(&format!("Bearer {NTFY_TOKEN}")) {
        return refuse(401, 40101, "unauthorized");
    }
    if topic != TOPIC {
        return refuse(403, 40301, "forbidden");
    }
    let (message, title) = (&body["message"], &body["title"]);
    if !message.is_string() || !title.is_string() || message.as_str().is_some_and(|text| text.len() > 4096) {
        return refuse(413, 41303, "JSON body too large");
    }
    let taken = json!({ "id": "sPs71M8A2T", "time": 1_645_660_800, "event": "message", "topic": topic,
        "message": message, "title": title });
    Answer::new(200, taken.to_string())
}

fn gotify(request: &Received) -> Answer {
    let refuse = |status: u16, error: &str, why: &str| {
        Answer::new(status, json!({ "error": error, "errorCode": status, "errorDescription": why }).to_string())
    };
    if request.header("x-gotify-key") != Some(GOTIFY_TOKEN) {
        let why = "you need to provide a valid access token or user credentials to access this api";
        return refuse(401, "Unauthorized", why);
    }
    let Some(body) = object(request) else { return refuse(400, "Bad Request", "invalid character") };
    if body["message"].as_str().is_none_or(str::is_empty) {
        return refuse(400, "Bad Request", "Field 'message' is required");
    }
    if !(body["priority"].is_null() || body["priority"].is_i64()) || !body["title"].is_string() {
        return refuse(400, "Bad Request", "json: cannot unmarshal");
    }
    let taken = json!({ "id": 25, "appid": 5, "message": body["message"], "title": body["title"], "priority": 5,
        "date": "2018-02-27T19:36:10.5045044+01:00" });
    Answer::new(200, taken.to_string())
}

fn ping(uuid: &str) -> Answer {
    let sizes: Vec<usize> = uuid.split('-').map(str::len).collect();
    if sizes != [8, 4, 4, 4, 12] || !uuid.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Answer::new(400, "invalid url format");
    }
    // A UUID that is not known is answered with 200, too.
    Answer::new(200, if uuid == UUID { "OK" } else { "OK (not found)" })
}

fn kuma(request: &Received, token: &str) -> Answer {
    let url = reqwest::Url::parse(&format!("http://localhost/?{}", request.query.as_deref().unwrap_or_default()));
    let query: Vec<(String, String)> = url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default();
    let status = query.iter().find(|(name, _)| name == "status").map(|(_, value)| value.as_str());
    match (token == KUMA_TOKEN, status) {
        (true, None | Some("up" | "down")) => Answer::new(200, json!({ "ok": true }).to_string()),
        (true, _) => Answer::new(404, json!({ "ok": false, "msg": "unknown status" }).to_string()),
        (false, _) => Answer::new(404, json!({ "ok": false, "msg": "Monitor not found or not active." }).to_string()),
    }
}

fn hook(request: &Received) -> Answer {
    match (request.header("x-hook-key") == Some(HOOK_KEY), object(request)) {
        (false, _) => Answer::new(401, "who are you?"),
        (true, None) => Answer::new(400, "that is no JSON"),
        (true, Some(_)) => Answer::new(204, ""),
    }
}
