//! Every service that keeps zones and records, emulated, with an account at it. A new service is one function here and a line in
//! the tests that go through all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::designate_service::{self, Designate};
use super::http::{Answer, Received, Server};
use super::{lunanode, pocketdns, rackspace, yandex, yandex360};

/// A service with its account, and what is particular to it.
pub struct Service {
    /// The word for `provider`.
    pub provider: &'static str,
    /// The lines of the account's table, but for `provider` and the secret.
    pub account: String,
    /// The key of the secret's line.
    pub secret_key: &'static str,
    /// What the secret is.
    pub secret: String,
    /// What runs. It has the zones `example.org` and `sub.example.org` and nothing in them.
    pub emulator: Box<dyn Emulator>,
    /// Whether it keeps sets of values.
    pub sets: bool,
    /// What adds the zone `example.net`, and what a refusal says where that cannot be.
    pub add_zone: Result<&'static str, &'static str>,
    /// A record of each type that it has: name, type and value, and options behind them.
    pub types: &'static [&'static str],
    /// What only this service can do, all of it to end well.
    pub own: &'static [&'static str],
    /// What is done first so that these can go wrong, and the commands that only this service has and that ask it something.
    pub asks: (&'static [&'static str], &'static [&'static str]),
    /// What is wrong here alone: what is typed, the exit code, and what is said.
    pub wrong: &'static [(&'static str, i32, &'static str)],
    /// What it answers when it refuses: the answer, the exit codes of a list and of an addition, and what is said.
    pub refusals: Vec<(Answer, i32, i32, &'static str)>,
    /// Its operations, as [`shape`] writes them, all of which the commands use; from the emulator's own table where it has one.
    pub operations: Vec<String>,
}

/// A running emulator.
pub trait Emulator: Send + Sync {
    /// The server below it.
    fn server(&self) -> &Server;
    /// Everything that it holds, to see whether it changed.
    fn held(&self) -> String;
    /// What was asked that its documentation does not allow.
    fn violations(&self) -> Vec<String>;
    /// Whether a request is one that writes; a login is none.
    fn writes(&self, request: &Received) -> bool {
        request.method != "GET" && !request.path.ends_with("/tokens")
    }
    /// Whether a command goes on without the answer to a request: what the limits are, or how a job stands, which is asked again.
    fn is_aside(&self, request: &Received) -> bool {
        request.path.ends_with("/limits") || request.path.contains("/status/")
    }
}

/// An emulator of the usual form: its server, its state, and which fields of that hold everything.
macro_rules! emulated {
    ($emulator:ty, $($field:ident),+) => {
        impl Emulator for $emulator {
            fn server(&self) -> &Server {
                &self.server
            }

            fn held(&self) -> String {
                let state = self.state();
                format!("{:?}", ($(&state.$field,)+))
            }

            fn violations(&self) -> Vec<String> {
                self.state().violations.clone()
            }
        }
    };
}

emulated!(pocketdns::PocketDns, domains);
emulated!(rackspace::Rackspace, domains);
emulated!(yandex::Yandex, domains);
emulated!(yandex360::Yandex360, organizations);

/// A service by its function.
pub type Start = fn() -> futures_util::future::BoxFuture<'static, Service>;

const ZONES: [&str; 2] = ["example.org", "sub.example.org"];

impl Emulator for lunanode::LunaNode {
    fn server(&self) -> &Server {
        &self.server
    }

    fn held(&self) -> String {
        let state = self.state();
        format!("{:?} {:?}", state.zones, state.dyns)
    }

    fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    fn writes(&self, request: &Received) -> bool {
        ["-add/", "-remove/", "-update/"].iter().any(|part| request.path.ends_with(part))
    }
}

/// A limit with a pause that no command waits for.
fn too_long(answer: Answer) -> Answer {
    if matches!(answer.status, 413 | 429) { answer.with("Retry-After", "300") } else { answer }
}

pub async fn lunanode() -> Service {
    let key: String = ('A'..='Z').cycle().take(128).collect();
    let emulator = lunanode::LunaNode::start(0, "abcdefghijklmnop", &key, lunanode::Switches::default()).await.unwrap();
    for zone in ZONES {
        emulator.state().add_zone(zone);
    }
    let said = |text: &str| Answer::new(200, format!("{{\"success\":\"no\",\"error\":\"{text}\"}}"));
    Service {
        provider: "lunanode",
        account: format!("endpoint = \"{}\"\napi_id = \"abcdefghijklmnop\"\n", emulator.endpoint()),
        secret_key: "api_key",
        secret: key,
        emulator: Box::new(emulator),
        sets: false,
        add_zone: Ok("zones add example.net --ttl 600"),
        types: &[
            "example.org A 192.0.2.7",
            "example.org AAAA 2001:db8::7",
            "example.org ALIAS www.example.net",
            "alias.example.org CNAME www.example.org",
            "example.org MX mail.example.org --priority 10",
            "sub2.example.org NS ns.example.net",
            "example.org SPF v=spf1",
            "_sip._tcp.example.org SRV 1~2~5060~sip.example.org",
            "example.org TXT two~words",
        ],
        own: &[
            "dyn add home 192.0.2.1 --dry-run",
            "dyn add home 192.0.2.1",
            "dyn list --json",
            "dyn update home.lndyn.com 192.0.2.2",
            "dyn remove home --dry-run",
            "dyn remove home --yes",
        ],
        asks: (
            &["dyn add box 192.0.2.1"],
            &["dyn list", "dyn add home 192.0.2.1", "dyn update box 192.0.2.2", "dyn remove box --yes"],
        ),
        wrong: &[
            ("records add new.example.org CAA 0~issue~\"ca.example\"", 78, "LunaNode keeps no CAA records"),
            ("records add example.org CNAME www.example.net", 78, "an ALIAS record can stand there"),
            ("records add new.example.org A 192.0.2.9 --priority 3", 78, "A records have no priority"),
            ("records add new.example.org A 192.0.2.9 --set policy=near", 78, "none, latlong or region"),
            ("records update www.example.org --type A --set weight=heavy", 78, "weight is a whole number"),
            ("zones add example.net --email me@example.org", 78, "no attribute \"email\""),
            ("zones add home.lndyn.com", 78, "driftless dyn add"),
            ("zones remove lndyn.com", 78, "the domain is LunaNode's"),
            ("dyn add a..b 192.0.2.1", 64, "two dots in a row"),
            ("dyn add a.b 192.0.2.1", 64, "does not lie in lndyn.com"),
            ("dyn add a.b.lndyn.com 192.0.2.1", 78, "exactly one label"),
            ("dyn add home 192.0.2.999", 64, "invalid IP address"),
            ("dyn update gone 192.0.2.1", 78, "has no name gone.lndyn.com"),
            ("dyn remove gone --yes", 78, "has no name gone.lndyn.com"),
        ],
        refusals: vec![
            (said("authentication failure; common reasons: bad nonce"), 77, 77, "authentication failure"),
            (said("zone not found"), 75, 78, "zone not found"),
            (said("something else"), 78, 78, "something else"),
            (Answer::new(429, "").with("Retry-After", "300"), 75, 75, "again in 300 s"),
            (Answer::new(500, "oops"), 75, 75, "500"),
        ],
        operations: lunanode::OPERATIONS.iter().map(|(name, ..)| format!("POST /api/{name}")).collect(),
    }
}

pub async fn pocketdns() -> Service {
    let emulator = pocketdns::PocketDns::start(0, "sk_live_0123456789", pocketdns::Switches::default()).await.unwrap();
    for (id, zone) in ["dom_abc123", "dom_abc124"].iter().zip(ZONES) {
        emulator.state().add_domain(id, zone, "user_123");
    }
    // The table of the documentation, whole: a line of it without codes here is a test that fails.
    let codes = |status| match status {
        401 | 403 => (77, 77),
        400 | 422 => (78, 78),
        // What is gone, or in the way, is so for good to who adds it.
        404 | 409 => (75, 78),
        _ => (75, 75),
    };
    let refusals = pocketdns::checks::TABLE.map(|(status, code, message)| {
        let body = format!("{{\"error\":\"{code}\",\"message\":\"{message}\"}}");
        let (list, add) = codes(status);
        (too_long(Answer::new(status, body)), list, add, message)
    });
    Service {
        provider: "pocketdns",
        account: format!("endpoint = \"{}\"\nuser_identifier = \"user_123\"\n", emulator.endpoint()),
        secret_key: "api_key",
        secret: "sk_live_0123456789".into(),
        emulator: Box::new(emulator),
        sets: false,
        add_zone: Err("PocketDNS's"),
        types: &[
            "example.org A 192.0.2.7 192.0.2.8",
            "example.org AAAA 2001:db8::7",
            "blog.example.org CNAME www.example.org",
            "example.org MX mail.example.org --priority 10",
            "subdomain.example.org NS ns1.example.net --ttl 3600",
            "_sip._tcp.example.org SRV 10~60~5060~sip.example.org",
            "example.org TXT v=spf1~-all",
        ],
        own: &[
            "pocketdns template sub.example.org tpl_website_basic --set ip_address=192.0.2.1 --dry-run",
            "pocketdns template sub.example.org tpl_website_basic --set ip_address=192.0.2.1 --yes",
            "records remove --zone sub.example.org --name *sub.example.org --yes",
        ],
        asks: (&[], &["pocketdns template sub.example.org tpl_website_basic --set ip_address=192.0.2.1 --yes"]),
        wrong: &[
            ("records add new.example.org CAA 0~issue~\"ca.example\"", 78, "PocketDNS keeps no CAA records"),
            ("records add *.example.org A 192.0.2.9", 78, "asterisk"),
            ("records add example.org CNAME www.example.net", 78, "cannot be a CNAME"),
            ("records add new.example.org A 192.0.2.9 --ttl 59", 78, "60 to 86400 seconds at PocketDNS, not 59"),
            ("records update www.example.org --type A --ttl 86401", 78, "60 to 86400 seconds at PocketDNS"),
            ("records add example.org MX mail.example.org", 78, "needs a priority"),
            ("records add example.org MX mail.example.org --priority=-1", 64, "invalid"),
            ("records add new.example.org A 192.0.2.9 --priority 3", 78, "only MX and SRV records have a priority"),
            ("records add new.example.org SRV 5060~sip.example.org", 78, "priority weight port target"),
            ("pocketdns template example.org tpl_none --yes", 78, "applying the template tpl_none"),
            ("pocketdns template exampl.org tpl_website_basic --yes", 78, "did you mean example.org?"),
            ("pocketdns template example.org tpl_website_basic --yes", 78, "a variable of the template is missing"),
            ("pocketdns template example.org tpl_website_basic --set ip_address --yes", 64, "variable=value"),
            ("pocketdns template example.org tpl_website_basic --set ip_address=192.0.2.1", 64, "say --yes"),
            ("pocketdns template example.org ~ --yes", 78, "a template's id looks like"),
        ],
        refusals: refusals.into(),
        operations: [
            "DELETE /api/v1/domains/*/dns/*",
            "GET /api/v1/domains/*/dns",
            "GET /api/v1/users/*/domains",
            "POST /api/v1/domains/*/dns",
            "POST /api/v1/domains/*/dns/bulk",
            "POST /api/v1/domains/*/dns/template",
            "PUT /api/v1/domains/*/dns/*",
        ]
        .map(str::to_owned)
        .into(),
    }
}

pub async fn rackspace() -> Service {
    let key = "a4bbc55a951242c48b03e88e32123456";
    let emulator = rackspace::Rackspace::start(0, "driftless", key, rackspace::Switches::default()).await.unwrap();
    // Its limits are for a minute, and everything here takes less.
    emulator.state().speed = 600;
    for zone in ZONES {
        emulator.state().add_domain(zone);
    }
    let codes = |name| match name {
        "badRequest" => (78, 78),
        // A new login is tried once.
        "itemNotFound" | "itemAlreadyExists" => (75, 78),
        _ => (75, 75),
    };
    // The table of the guide, whole but for what a new login is tried after.
    let faults = rackspace::faults::FAULTS.iter().filter(|(name, ..)| *name != "unauthorized");
    let refusals = faults.map(|(name, _, message)| {
        let (list, add) = codes(name);
        (too_long(rackspace::faults::wrong(name).unwrap()), list, add, *message)
    });
    Service {
        provider: "rackspace",
        account: format!("auth_url = \"{}\"\nusername = \"driftless\"\n", emulator.identity()),
        secret_key: "api_key",
        secret: key.into(),
        refusals: refusals.collect(),
        emulator: Box::new(emulator),
        sets: false,
        add_zone: Ok("zones add example.net --email hostmaster@example.net --ttl 600"),
        types: &[
            "example.org A 192.0.2.7 192.0.2.8",
            "example.org AAAA 2001:db8::7",
            "docs.example.org CNAME www.example.org",
            "example.org MX mail.example.org --priority 10",
            "sub2.example.org NS ns1.example.net",
            "_sip._tcp.example.org SRV 1~2~5060~sip.example.org",
            "example.org TXT two~words",
        ],
        own: &[
            "records add a.example.org A 192.0.2.1",
            "records add b.example.org A 192.0.2.1",
            "records update --name *.example.org --ttl 600",
            "records remove --name *.example.org --yes",
        ],
        asks: (&[], &[]),
        wrong: &[
            ("zones add example.net --email nobody", 78, "\"nobody\" is no e-mail address"),
            ("records add new.example.org CAA 0~issue~\"ca.example\"", 78, "no CAA records"),
            ("records add new.example.org PTR www.example.org", 78, "PTR records belong to a server"),
            ("records add new.example.org A 192.0.2.9 --ttl 299", 78, "300 seconds or more"),
            ("records update www.example.org --type A --ttl 299", 78, "300 seconds or more"),
            ("records add new.example.org SRV sip.example.org --priority 1", 78, "weight port target"),
            ("records add new.example.org A 192.0.2.9 --priority 3", 78, "A records have no priority"),
        ],
        operations: [
            "DELETE /v1.0/*/domains/*",
            "DELETE /v1.0/*/domains/*/records",
            "DELETE /v1.0/*/domains/*/records/*",
            "GET /v1.0/*/domains",
            "GET /v1.0/*/domains/*/records",
            "GET /v1.0/*/domains/*/records/*",
            "GET /v1.0/*/limits",
            "GET /v1.0/*/status/*",
            "POST /v1.0/*/domains",
            "POST /v1.0/*/domains/*/records",
            "POST /v2.0/tokens",
            "PUT /v1.0/*/domains/*/records",
            "PUT /v1.0/*/domains/*/records/*",
        ]
        .map(str::to_owned)
        .into(),
    }
}

pub async fn yandex() -> Service {
    mail_for_domain(None).await
}

/// The form of the same service that registrars have: paths of its own, and a second token.
pub async fn yandex_of_registrars() -> Service {
    mail_for_domain(Some("y0_registrar")).await
}

async fn mail_for_domain(registrar: Option<&str>) -> Service {
    let token = "123456789ABCDEF0000000000000000000000000000000000000";
    let form = if registrar.is_some() { "registrar" } else { "admin" };
    let emulator = yandex::Yandex::start(0, token, yandex::Switches::default()).await.unwrap();
    emulator.state().registrar = registrar.map(str::to_owned);
    let second = registrar.map(|token| format!("registrar_token = \"{token}\"\n")).unwrap_or_default();
    ZONES.iter().for_each(|zone| emulator.state().add_domain(zone));
    let refused = |code: &'static str, list: i32, add: i32| {
        (Answer::new(200, format!("{{\"success\":\"error\",\"error\":\"{code}\"}}")), list, add, code)
    };
    Service {
        provider: "yandex",
        account: format!("endpoint = \"{}\"\n{second}", emulator.endpoint()),
        secret_key: "token",
        secret: token.into(),
        emulator: Box::new(emulator),
        sets: false,
        add_zone: Err("see yandex360"),
        types: &[
            "example.org A 192.0.2.7",
            "example.org AAAA 2001:db8::7",
            "docs.example.org CNAME www.example.org",
            "example.org MX 5~mail.example.org",
            "sub2.example.org NS ns1.example.net",
            "example.org SOA ns1.example.net --ttl 21600 --set admin_mail=admin.example.org",
            "_xmpp._tcp.example.org SRV 20~5~5222~xmpp.example.net",
            "example.org TXT a=b&c=d+e",
        ],
        own: &[],
        asks: (&[], &[]),
        wrong: &[
            ("records add new.example.org CAA 0~issue~\"ca.example\"", 78, "Yandex keeps no CAA records"),
            ("records add example.org CNAME www.example.net", 78, "cannot be a CNAME"),
            ("records add example.org SOA ns.example.org --set admin_mail=a.b --ttl 60", 78, "900 to 1209600 seconds"),
            ("records add example.org MX mail..example.org", 78, "is no host's name"),
            ("records add example.org MX mail.example.org --set priority=high", 78, "a number from 0 to 65535"),
            ("records add new.example.org SRV sip.example.org --set weight=1", 78, "priority weight port target"),
            ("records update www.example.org --type A --set priority=1", 78, "A records have no \"priority\""),
        ],
        refusals: vec![
            refused("unknown", 75, 75),
            refused("no_token", 77, 77),
            refused("no_domain", 78, 78),
            refused("no_ip", 78, 78),
            refused("bad_domain", 78, 78),
            refused("prohibited", 78, 78),
            refused("bad_token", 77, 77),
            refused("bad_login", 77, 77),
            refused("bad_passwd", 77, 77),
            refused("no_auth", 77, 77),
            refused("not_allowed", 77, 77),
            refused("blocked", 78, 78),
            refused("occupied", 78, 78),
            refused("domain_limit_reached", 78, 78),
            refused("no_reply", 75, 75),
            refused("no_such_domain", 78, 78),
            refused("record_exists", 75, 78),
            (Answer::new(404, "<html>gone</html>"), 77, 77, "yandex360"),
        ],
        operations: sorted(yandex::OPERATIONS.iter().map(|(name, method, ..)| format!("{method} /api2/{form}/{name}"))),
    }
}

pub async fn yandex360() -> Service {
    let emulator = yandex360::Yandex360::start(0, "y0_example", yandex360::Switches::default()).await.unwrap();
    ZONES.iter().for_each(|zone| emulator.state().add_domain(123_456, zone));
    let refused = |status: u16, code: u16, list: i32, add: i32, message: &'static str| {
        let body = format!("{{\"code\":{code},\"message\":\"{message}\",\"details\":[]}}");
        (Answer::new(status, body), list, add, message)
    };
    Service {
        provider: "yandex360",
        account: format!("endpoint = \"{}\"\n", emulator.endpoint()),
        secret_key: "token",
        secret: "y0_example".into(),
        emulator: Box::new(emulator),
        sets: false,
        add_zone: Err("https://admin.yandex.ru"),
        types: &[
            "example.org A 192.0.2.7",
            "example.org AAAA 2001:db8::7",
            "example.org CAA 0~issue~letsencrypt.org",
            "docs.example.org CNAME www.example.org",
            "example.org MX 5~mail.example.org",
            "sub2.example.org NS ns1.example.net",
            "_xmpp._tcp.example.org SRV 20~5~5222~xmpp.example.net",
            "example.org TXT a=b&c=d+e",
        ],
        own: &[],
        asks: (&[], &[]),
        wrong: &[
            ("records add example.org SOA ns.example.org", 78, "keeps no SOA records"),
            ("records add example.org CNAME www.example.net", 78, "cannot be a CNAME"),
            ("records add example.org CAA letsencrypt.org", 78, "need \"tag\""),
            ("records add example.org CAA 256~issue~letsencrypt.org", 78, "a number from 0 to 255"),
            ("records add example.org MX mail..example.org", 78, "is no host's name"),
            ("records update www.example.org --type A --set priority=1", 78, "A records have no \"priority\""),
        ],
        refusals: vec![
            refused(400, 3, 78, 78, "invalid argument"),
            refused(401, 16, 77, 77, "Unauthorized"),
            refused(403, 7, 77, 77, "Forbidden"),
            refused(404, 5, 78, 78, "not found"),
            refused(409, 6, 75, 78, "the record exists"),
            refused(500, 13, 75, 75, "Internal"),
        ],
        operations: [
            "DELETE /directory/v1/org/*/domains/*/dns/*",
            "GET /directory/v1/org",
            "GET /directory/v1/org/*/domains",
            "GET /directory/v1/org/*/domains/*/dns",
            "POST /directory/v1/org/*/domains/*/dns",
            "POST /directory/v1/org/*/domains/*/dns/*",
        ]
        .map(str::to_owned)
        .into(),
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

/// Designate with its Keystone, made of recorded exchanges.
struct Cloud {
    server: Server,
    state: Arc<Mutex<Designate>>,
}

fn lock(state: &Mutex<Designate>) -> MutexGuard<'_, Designate> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Emulator for Cloud {
    fn server(&self) -> &Server {
        &self.server
    }

    fn held(&self) -> String {
        let state = lock(&self.state);
        // What is pending comes into force by being looked at.
        let sets =
            state.sets.iter().map(|set| (&set.id, &set.name, &set.rtype, &set.records, set.ttl, &set.description));
        format!("{:?} {:?}", state.zones, sets.collect::<Vec<_>>())
    }

    fn violations(&self) -> Vec<String> {
        lock(&self.state).violations.clone()
    }
}

pub async fn designate() -> Service {
    let state = Arc::new(Mutex::new(Designate::default()));
    lock(&state).zones.clear();
    for zone in ZONES {
        lock(&state).put_zone(&format!("{zone}."));
    }
    let answering = Arc::clone(&state);
    let server = Server::start(0, move |request| lock(&answering).answer(request)).await.unwrap();
    let account = format!(
        "auth_url = \"{}\"\nusername = \"demo\"\nuser_domain_id = \"default\"\nproject_name = \"demo\"\n\
         project_domain_id = \"default\"\n",
        server.url("/v3")
    );
    let refused = |status: u16, kind: &'static str, list: i32, add: i32| {
        let body = format!("{{\"code\":{status},\"type\":\"{kind}\",\"message\":\"so\",\"request_id\":\"req-1\"}}");
        (Answer::new(status, body), list, add, kind)
    };
    Service {
        provider: "designate",
        account,
        secret_key: "password",
        secret: designate_service::PASSWORD.into(),
        emulator: Box::new(Cloud { server, state }),
        sets: true,
        add_zone: Ok("zones add example.net --email hostmaster@example.net --ttl 600"),
        types: &[
            "example.org A 192.0.2.7",
            "example.org AAAA 2001:db8::7",
            "docs.example.org CNAME www.example.org",
            "example.org MX mail.example.org --priority 10",
            "sub2.example.org NS ns1.example.net",
            "example.org SPF v=spf1",
            "_sip._tcp.example.org SRV 10~0~5060~server1.example.org.",
            "example.org SSHFP 1~1~aa2df857dc65c5359f02ca75ec5c4308c0100594",
            "example.org TXT two~words",
        ],
        own: &[],
        asks: (&[], &[]),
        wrong: &[
            ("records add new.example.org ALIAS www.example.org", 78, "Designate keeps no ALIAS records"),
            ("records add example.org CNAME www.example.net", 78, "cannot be a CNAME"),
            ("records add new.example.org CNAME a.example.org b.example.org", 78, "a CNAME has one value"),
            ("records add example.org SOA x", 78, "Designate writes a zone's SOA"),
            ("records add example.org NS ns.example.net", 78, "NS records of its apex itself"),
            ("records add example.org MX mail.example.org", 78, "needs a priority"),
            ("records add new.example.org SSHFP 1~2~xyz", 78, "hexadecimal"),
            ("records add new.example.org A 192.0.2.9 --priority 3", 78, "A records have no priority"),
            ("records update www.example.org --type A --set priority=1", 78, "A records have no priority"),
            ("zones add example.net", 78, "needs the email"),
            ("zones add example.net --email nobody", 78, "needs the email"),
            ("zones add example.net --email a@example.net --set type=FORWARD", 78, "PRIMARY or SECONDARY"),
        ],
        refusals: vec![
            refused(400, "invalid_object", 78, 78),
            refused(403, "forbidden", 77, 77),
            refused(404, "zone_not_found", 75, 78),
            refused(409, "duplicate_recordset", 75, 78),
            refused(413, "over_quota", 78, 78),
            refused(429, "too_many", 75, 75),
            refused(500, "unknown", 75, 75),
            refused(503, "maintenance", 75, 75),
            refused(504, "timeout", 75, 75),
        ],
        operations: [
            "DELETE /v2/zones/*",
            "DELETE /v2/zones/*/recordsets/*",
            "GET /v2/recordsets",
            "GET /v2/recordsets/*",
            "GET /v2/zones",
            "GET /v2/zones/*",
            "GET /v2/zones/*/recordsets",
            "GET /v2/zones/*/recordsets/*",
            "POST /v2/zones",
            "POST /v2/zones/*/recordsets",
            "POST /v3/auth/tokens",
            "PUT /v2/zones/*/recordsets/*",
        ]
        .map(str::to_owned)
        .into(),
    }
}

/// Which operation a request is: its method and path, `*` for what names one thing.
pub fn shape(request: &Received) -> String {
    let mut named = false;
    let known = ["bulk", "template"];
    let segment = |segment: &str| {
        let id = std::mem::replace(
            &mut named,
            ["dns", "domains", "org", "records", "recordsets", "status", "users", "v1.0", "zones"].contains(&segment),
        );
        if id && !segment.is_empty() && !known.contains(&segment) { "*".to_owned() } else { segment.to_owned() }
    };
    let path: Vec<String> =
        if request.path.starts_with("/api/") && request.method == "POST" && request.path.ends_with('/')
            || request.path.starts_with("/api2/")
        {
            vec![request.path.clone()]
        } else {
            request.path.split('/').map(segment).collect()
        };
    format!("{} {}", request.method, path.join("/"))
}
