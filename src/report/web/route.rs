//! What stands at which path.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request as HttpRequest, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::answer::{self, Answer};
use super::{Rules, gate, page};
use crate::model::desired::AccountName;
use crate::model::name::Name;
use crate::report::control::{Answered, Asked, Reply, Request};
use crate::report::metrics::Form;
use crate::report::status::Document;

/// How long the engine may take to answer: its steps are short, and what is under way does not stop it.
const PATIENCE: Duration = Duration::from_secs(3);
/// The largest body of a request, in octets.
const LARGEST: usize = 4096;

/// What is asked for at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Page,
    Status,
    Metrics,
    Health,
    Readiness,
    Update,
    Release,
}

impl Place {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/" => Self::Page,
            "/api/v1/status" => Self::Status,
            "/metrics" => Self::Metrics,
            "/healthz" => Self::Health,
            "/readyz" => Self::Readiness,
            "/api/v1/update" => Self::Update,
            "/api/v1/release" => Self::Release,
            _ => return None,
        })
    }

    fn acts(self) -> bool {
        matches!(self, Self::Update | Self::Release)
    }
}

/// The body of an update: a name, or none for all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    #[serde(default)]
    name: Option<Name>,
}

/// The body of a release: an account, or a name, or neither for all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    #[serde(default)]
    account: Option<AccountName>,
    #[serde(default)]
    name: Option<Name>,
}

/// What a request that may be answered wants, and in which form.
pub(super) struct Wanted {
    path: String,
    place: Place,
    question: Request,
    form: Form,
}

impl Wanted {
    /// Whether it only asks whether the daemon lives, or works.
    pub(super) fn is_probe(&self) -> bool {
        matches!(self.place, Place::Health | Place::Readiness)
    }
}

/// What a request wants, once all of it is there.
///
/// # Errors
/// The answer to one that is refused.
pub(super) async fn wanted(request: HttpRequest<Incoming>, rules: &Rules) -> Result<Wanted, Answer> {
    let path = request.uri().path().to_owned();
    let refused = |(status, why): gate::Refusal| answer::refusal(&path, status, &why);
    gate::host(request.headers(), rules).map_err(refused)?;
    let Some(place) = Place::at(&path) else {
        return Err(refused((StatusCode::NOT_FOUND, "there is nothing here".into())));
    };
    let (methods, allow) =
        if place.acts() { (&[Method::POST][..], "POST") } else { (&[Method::GET, Method::HEAD][..], "GET, HEAD") };
    if !methods.contains(request.method()) {
        let refused = refused((StatusCode::METHOD_NOT_ALLOWED, format!("this path takes {allow}")));
        return Err(answer::field(refused, header::ALLOW, allow));
    }
    if place.acts() {
        gate::action(request.headers(), rules).map_err(refused)?;
    }
    let form = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).map(Form::wanted);
    let form = form.unwrap_or_default();
    let question = match place {
        Place::Page | Place::Status => Request::Status,
        Place::Metrics => Request::Metrics(form),
        Place::Health => Request::Health,
        Place::Readiness => Request::Readiness,
        Place::Update => {
            let Update { name } = body(request).await.map_err(refused)?;
            Request::Update { name }
        }
        Place::Release => {
            let Release { account, name } = body(request).await.map_err(refused)?;
            if account.is_some() && name.is_some() {
                return Err(refused((StatusCode::BAD_REQUEST, "`account` or `name`, not both".into())));
            }
            Request::Release { account, name }
        }
    };
    Ok(Wanted { path, place, question, form })
}

/// The answer to what is wanted.
pub(super) async fn answer(wanted: Wanted, rules: &Rules, engine: &mpsc::Sender<Asked>) -> Answer {
    let Wanted { path, place, question, form } = wanted;
    match ask(engine, question).await {
        Ok(answered) => said(place, answered, rules, form),
        Err((status, why)) => answer::refusal(&path, status, &why),
    }
}

/// What the engine answered, as it is shown at a place.
fn said(place: Place, answered: Answered, rules: &Rules, form: Form) -> Answer {
    match (place, answered) {
        (Place::Page, Answered::Status(status)) => page::answer(&status, rules.token.is_some()),
        (_, Answered::Status(status)) => answer::json(StatusCode::OK, &Document { running: true, status: &status }),
        (_, Answered::Metrics(text)) => answer::with(StatusCode::OK, form.media_type(), text),
        // That it answered at all is what is asked.
        (Place::Health, Answered::Done) => answer::text(StatusCode::OK, "ok"),
        (_, Answered::Readiness { ready, summary }) => {
            let (status, word) = if ready {
                (StatusCode::OK, "ready")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "the first round is under way")
            };
            answer::text(status, &format!("{word}: {summary}"))
        }
        (_, Answered::Released(released)) => answer::json(StatusCode::OK, &released),
        (_, Answered::Done) => answer::json(StatusCode::OK, &json!({ "done": true })),
    }
}

/// Asks the engine.
async fn ask(engine: &mpsc::Sender<Asked>, question: Request) -> Result<Answered, gate::Refusal> {
    let (reply, answer) = Reply::within();
    let asked = async {
        engine.send((question, reply)).await.ok()?;
        answer.await.ok()
    };
    match timeout(PATIENCE, asked).await {
        Ok(Some(Ok(answered))) => Ok(answered),
        Ok(Some(Err(why))) => Err((StatusCode::NOT_FOUND, why)),
        Ok(None) => Err((StatusCode::SERVICE_UNAVAILABLE, "the daemon ends just now".into())),
        Err(_) => Err((StatusCode::SERVICE_UNAVAILABLE, "the daemon does not answer".into())),
    }
}

/// The body of a request, which is small and JSON; an empty one means all.
async fn body<T: DeserializeOwned>(request: HttpRequest<Incoming>) -> Result<T, gate::Refusal> {
    let Ok(read) = timeout(super::BODY, Limited::new(request.into_body(), LARGEST).collect()).await else {
        let why = format!("the body did not come within {} s", super::BODY.as_secs());
        return Err((StatusCode::REQUEST_TIMEOUT, why));
    };
    let octets = read.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            (StatusCode::PAYLOAD_TOO_LARGE, format!("the body has at most {LARGEST} octets"))
        } else {
            (StatusCode::BAD_REQUEST, "the body broke off".to_owned())
        }
    })?;
    let octets = octets.to_bytes();
    let text: &[u8] = if octets.is_empty() { b"{}" } else { &octets };
    // An object and nothing else: a list would pass for one whose fields are all missing.
    let object = serde_json::from_slice(text).map(Value::Object);
    let read = object.and_then(serde_json::from_value);
    read.map_err(|error| (StatusCode::BAD_REQUEST, format!("the body was not understood: {error}")))
}
