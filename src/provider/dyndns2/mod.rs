//! dyndns2: the protocol of Dyn's Remote Access API, which dozens of services speak.
//!
//! One GET with HTTP Basic carries names and addresses; the answer has a word for each name. Dyn's contract is at
//! <https://help.dyn.com/remote-access-api/>, No-IP's at <https://www.noip.com/integrate>.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Request, Url};
use secrecy::ExposeSecret;

use super::edit::rules::{ANY_TTL, any_name, only_addresses};
use super::setting::{Kind, Setting, Settings, SettingsError};
use super::shape::push::{Push, PushProvider, Update};
use super::{Budget, Entry, Provider, Terms, Tools};
use crate::model::error::{Error, Result};
use crate::model::plan::Applied;
use crate::model::record::{Value, Values};
use crate::net::http::{self, Http};
use crate::os::secret::Secret;

pub mod reply;

/// The registry's entry.
pub const ENTRY: Entry = Entry {
    name: "dyndns2",
    title: "Dyn, No-IP and every other service that speaks dyndns2",
    shape: "push",
    documentation: "https://help.dyn.com/remote-access-api/",
    notice: None,
    ttl: ANY_TTL,
    objects: any_name,
    settings: SETTINGS,
    keeps: only_addresses,
    build,
    edit: None,
};

/// The path of Dyn's API, and of nearly everyone who copied it.
const PATH: &str = "/nic/update";

/// The most names Dyn takes in one request before it answers `numhost`.
const NAMES: u32 = 20;

/// How long until the service's own name servers answer with a change. Dyn and No-IP speak of minutes.
const SETTLES_WITHIN: Duration = Duration::from_secs(600);

const SETTINGS: &[Setting] = &[
    Setting::required(
        "server",
        Kind::Url,
        "The service's address, https://members.dyndns.org for one; the path is /nic/update where none is given \
         (end the address in ? if the service wants no path); a query is sent along.",
    ),
    Setting::required("username", Kind::Text, "The user name, or what the service wants in its place."),
    Setting::required("password", Kind::Secret, "The password, or better an update key of the service."),
    Setting::optional(
        "names_per_request",
        Kind::Number(1, 50),
        "How many names share a request; 20 unless set, which is what Dyn allows. 1 for services that take a single name.",
    )
    .detail(),
    Setting::optional(
        "families",
        Kind::Choice(&["together", "apart"]),
        "Whether IPv4 and IPv6 of a name go in one request (together, unless set: the service forgets the family that is \
         not named), or each in its own (apart: the service keeps the other one).",
    ),
    Setting::optional(
        "refresh",
        Kind::Duration,
        "After how long an unchanged address is sent again, for services that expire names; never unless set.",
    )
    .detail(),
    Setting::optional(
        "ipv6_parameter",
        Kind::Text,
        "The parameter for IPv6 addresses (myipv6 for one), where the service does not take them in myip.",
    ),
];

/// One account at a service that speaks dyndns2.
struct Dyndns2 {
    http: Http,
    /// With path and the query that is always sent along.
    server: Url,
    username: String,
    password: Secret,
    names_per_request: usize,
    together: bool,
    refresh: Option<Duration>,
    ipv6_parameter: Option<String>,
}

fn build(settings: &Settings, tools: &Tools) -> Result<Arc<dyn Provider>, SettingsError> {
    Ok(Arc::new(PushProvider::new(Dyndns2::new(settings, tools)?)))
}

impl Dyndns2 {
    fn new(settings: &Settings, tools: &Tools) -> Result<Self, SettingsError> {
        let missing = |setting| SettingsError::of(setting, "is missing");
        let username = settings.text("username").ok_or_else(|| missing("username"))?;
        // RFC 7617, section 2.
        if username.contains(|c: char| c == ':' || c.is_control()) {
            return Err(SettingsError::of("username", "HTTP Basic allows no colon and no control character in it"));
        }
        Ok(Self {
            http: tools.http.clone(),
            server: server(settings.url("server").ok_or_else(|| missing("server"))?)?,
            username: username.to_owned(),
            password: settings.secret("password").ok_or_else(|| missing("password"))?.clone(),
            names_per_request: settings.number("names_per_request").unwrap_or(NAMES) as usize,
            together: settings.text("families") != Some("apart"),
            refresh: settings.duration("refresh"),
            ipv6_parameter: settings.text("ipv6_parameter").map(parameter).transpose()?,
        })
    }

    /// The request's URL. Commas and colons stand as they are: that is how the services document them.
    fn url(&self, update: &Update, ipv4: Option<IpAddr>, ipv6: Option<IpAddr>) -> Url {
        let names: Vec<_> = update.names.iter().map(|name| name.as_str()).collect();
        let mut parts: Vec<String> =
            self.server.query().filter(|query| !query.is_empty()).map(Into::into).into_iter().collect();
        parts.push(format!("hostname={}", names.join(",")));
        let own = ipv6.and_then(|address| Some(format!("{}={address}", self.ipv6_parameter.as_ref()?)));
        let shared = ipv4.into_iter().chain(ipv6.filter(|_| own.is_none()));
        let shared: Vec<_> = shared.map(|address| address.to_string()).collect();
        if !shared.is_empty() {
            parts.push(format!("myip={}", shared.join(",")));
        }
        parts.extend(own);
        let mut url = self.server.clone();
        url.set_query(Some(&parts.join("&")));
        url
    }

    fn request(&self, url: Url, doing: &str) -> Result<Request> {
        let password = self.password.read()?;
        let request = self.http.client()?.get(url).basic_auth(&self.username, Some(password.expose_secret()));
        request.build().map_err(|_| Error::config(doing, "the request could not be built from the account's settings"))
    }

    async fn call(&self, update: &Update) -> Result<Vec<Result<Applied>>> {
        let doing = doing(update);
        let (ipv4, ipv6) = (only(update.ipv4.as_ref(), &doing)?, only(update.ipv6.as_ref(), &doing)?);
        let sent: Vec<_> = ipv4.into_iter().chain(ipv6).collect();
        if sent.is_empty() {
            // Without an address the service would take the one that the request comes from.
            return Err(Error::config(doing, "there is no address to send"));
        }
        let request = self.request(self.url(update, ipv4, ipv6), &doing)?;
        let reply = self.http.send(request, http::SINGLE, &doing).await?;
        let (after, quoted) = (reply.retry_after(), reply.quoted());
        Ok(reply::parse(reply.status, after, &reply.body, &update.names, &sent, &quoted))
    }
}

/// Where requests go: the path completed, nothing in the URL that belongs elsewhere.
fn server(given: &Url) -> Result<Url, SettingsError> {
    if !given.username().is_empty() || given.password().is_some() {
        return Err(SettingsError::of("server", "user and password have settings of their own: username, password"));
    }
    let mut server = given.clone();
    server.set_fragment(None);
    if server.path() == "/" && server.query().is_none() {
        server.set_path(PATH);
    }
    Ok(server)
}

fn parameter(name: &str) -> Result<String, SettingsError> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if plain && !["hostname", "myip"].contains(&name) {
        return Ok(name.to_owned());
    }
    Err(SettingsError::of("ipv6_parameter", "is the bare name of a parameter of its own, such as myipv6"))
}

/// The only address of a family: the protocol keeps one a name.
fn only(values: Option<&Values>, doing: &str) -> Result<Option<IpAddr>> {
    let mut addresses = values.into_iter().flatten().filter_map(Value::address);
    let first = addresses.next();
    if addresses.next().is_some() {
        return Err(Error::config(doing, "dyndns2 keeps one address of a family for a name, and there are more")
            .hint("choose one address, or an account whose service keeps record sets"));
    }
    Ok(first)
}

fn doing(update: &Update) -> String {
    let names: Vec<_> = update.names.iter().map(|name| name.as_str()).collect();
    format!("updating {}", names.join(", "))
}

/// An error of the whole request as it is told for one name; what else was being done (a secret read) stays visible.
fn told(error: &Error, request: &str, doing: String) -> Error {
    let error = error.clone();
    let why = if error.doing == request { error.why } else { format!("{}: {}", error.doing, error.why) };
    Error { doing, why, ..error }
}

#[async_trait]
impl Push for Dyndns2 {
    fn terms(&self) -> Terms {
        Terms {
            readable: false,
            width: 1,
            budget: Budget::PUSH,
            settles_within: SETTLES_WITHIN,
            read_back_after: Duration::ZERO,
            forgets_siblings: self.together,
            refresh: self.refresh,
            in_dns: true,
        }
    }

    fn names_in_a_request(&self) -> usize {
        self.names_per_request
    }

    fn both_families(&self) -> bool {
        self.together
    }

    async fn send(&self, update: &Update) -> Vec<Result<Applied>> {
        match self.call(update).await {
            Ok(answers) => answers,
            Err(error) => {
                update.names.iter().map(|name| Err(told(&error, &doing(update), reply::doing(name)))).collect()
            }
        }
    }

    fn network_changed(&self) {
        self.http.drop_connections();
    }
}
