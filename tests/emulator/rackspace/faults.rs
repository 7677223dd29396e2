//! Rackspace's faults: the table of the guide, the bodies it shows, and the other ways in which an answer can be wrong.

use serde_json::{Value, json};

use super::super::http::Answer;

/// The fault types: name, code, message. The messages are those of the guide's examples where it has one.
pub const FAULTS: [(&str, u16, &str); 9] = [
    ("badRequest", 400, "The request could not be processed."),
    ("unauthorized", 401, "The user is not authorized to access the API functionality in question."),
    ("itemNotFound", 404, "Object not Found."),
    ("itemAlreadyExists", 409, "The object already exists."),
    ("overLimit", 413, "Your account is currently over the limit so your request could not be processed."),
    ("dnsFault", 500, "Main fault"),
    ("deleteFault", 500, "One or more items could not be deleted."),
    ("internalServerError", 500, "The back-end services encountered an unexpected condition."),
    ("serviceUnavailable", 503, "The DNS API is currently not available."),
];

/// The other ways in which an answer can be wrong.
pub const WRONG: [&str; 13] = [
    "validationErrors",
    "unauthorized-wrapped",
    "overLimit-seconds",
    "overLimit-date",
    "overLimit-body",
    "overLimit-reply-after",
    "overLimit-quota",
    "bad-gateway",
    "gateway-timeout",
    "empty",
    "html",
    "truncated",
    "huge",
];

/// What a request is answered with instead.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Only requests whose first line contains this text; `""` is any.
    pub on: String,
    /// Whether the service acts first.
    pub done: bool,
    pub answer: Answer,
}

/// The answer that is wrong in this way: a fault's name, or one of [`WRONG`].
pub fn wrong(name: &str) -> Option<Answer> {
    const TEN_MEBIBYTES: usize = 10 << 20;
    let json = |status, body: Value| Answer::new(status, body.to_string()).with("Content-Type", "application/json");
    let page = |status, text: &str| {
        let page = format!("<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>");
        Answer::new(status, page).with("Content-Type", "text/html")
    };
    let limited = |more: Value| {
        let mut body = json!({ "code": 413, "message": "OverLimit Retry...", "details": "Error Details..." });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        json(413, json!({ "overLimit": body }))
    };
    let in_a_minute = jiff::Timestamp::from_second(super::super::http::unix_now() + 60).unwrap_or_default();
    let iso = in_a_minute.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Some(match name {
        "validationErrors" => Refusal::validation(&["Record name is not valid.".into()]).answer(),
        "unauthorized-wrapped" => {
            json(401, json!({ "unauthorized": { "code": 401, "message": "No valid token provided." } }))
        }
        "overLimit-seconds" => limited(json!({})).with("Retry-After", "60"),
        "overLimit-date" => limited(json!({})).with("Retry-After", &http_date(in_a_minute)),
        "overLimit-body" => limited(json!({ "retryAfter": iso })),
        "overLimit-reply-after" => limited(json!({})).with("Reply-After", &iso),
        "overLimit-quota" => Refusal::fault("overLimit", "Limit of 500 records per domain has been reached.").answer(),
        "deleteFault" => {
            let faults = [json!({ "message": FAULTS[8].2, "code": 503, "details": "Domain ID: 123" })];
            json(500, delete_fault(&faults))
        }
        "bad-gateway" => page(502, "502 Bad Gateway"),
        "gateway-timeout" => page(504, "504 Gateway Time-out"),
        "empty" => Answer::new(200, ""),
        "html" => page(200, "Scheduled maintenance"),
        "truncated" => Answer::new(200, r#"{"records":[{"name":"www.exam"#).with("Content-Type", "application/json"),
        "huge" => {
            let mut body = br#"{"records":[],"domains":[],"status":"COMPLETED","filler":""#.to_vec();
            body.resize(TEN_MEBIBYTES, b'x');
            body.extend(br#""}"#);
            Answer::new(200, body).with("Content-Type", "application/json")
        }
        fault if FAULTS.iter().any(|(known, ..)| *known == fault) => Refusal::fault(fault, "Error Details").answer(),
        _ => return None,
    })
}

/// Why a request fails.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    /// The body; `null` is none.
    pub body: Value,
    pub headers: Vec<(&'static str, String)>,
    /// No client that follows the documentation does this.
    pub violation: Option<String>,
}

impl Refusal {
    /// A body of another shape than the DNS's own.
    pub fn with_body(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new(), violation: None }
    }

    /// A fault whose body has its code.
    pub fn of_body(body: Value) -> Self {
        let code = body.get("code").and_then(Value::as_u64).and_then(|code| code.try_into().ok());
        Self::with_body(code.unwrap_or(500), body)
    }

    /// One of [`FAULTS`] by its name.
    pub fn fault(name: &str, details: &str) -> Self {
        let (status, body) = fault(name, details);
        Self::with_body(status, body)
    }

    /// The values of a body are wrong.
    pub fn validation(messages: &[String]) -> Self {
        Self::with_body(400, validation_errors(messages))
    }

    /// The role does not allow it. Which status that has is not documented.
    pub fn forbidden(as_401: bool) -> Self {
        match as_401 {
            true => Self::fault("unauthorized", "The user's role does not allow this."),
            false => Self::with_body(
                403,
                json!({ "forbidden": { "code": 403, "message": "The user's role does not allow this." } }),
            ),
        }
    }

    /// A request that no client makes that follows the documentation.
    pub fn violation(why: &str) -> Self {
        Self { violation: Some(why.into()), ..Self::fault("badRequest", why) }
    }

    pub fn no_such_call() -> Self {
        let why = "there is no such call";
        Self { violation: Some(why.into()), ..Self::fault("itemNotFound", why) }
    }

    pub fn answer(&self) -> Answer {
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        let mut answer = Answer::new(self.status, body).with("Content-Type", "application/json");
        for (name, value) in &self.headers {
            answer = answer.with(name, value);
        }
        answer
    }
}

/// A fault's code and body.
pub fn fault(name: &str, details: &str) -> (u16, Value) {
    let found = FAULTS.iter().find(|(known, ..)| *known == name);
    let (_, code, message) = found.unwrap_or(&FAULTS[5]);
    (*code, json!({ "message": message, "code": code, "details": details }))
}

pub fn validation_errors(messages: &[String]) -> Value {
    json!({ "validationErrors": { "messages": messages }, "code": 400 })
}

pub fn delete_fault(faults: &[Value]) -> Value {
    let mut body = fault("deleteFault", "See errors list for details.").1;
    if let Some(body) = body.as_object_mut() {
        body.insert("failedItems".into(), json!({ "faults": faults }));
    }
    body
}

/// A date as HTTP has it.
pub fn http_date(at: jiff::Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}
