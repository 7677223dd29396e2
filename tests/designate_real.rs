//! The Designate provider against a real Designate with a real Keystone and a real name server (see `tests/rig/README.md`).
//!
//! `DRIFTLESS_RIG_ENV` names the file of variables that `tests/rig/designate.sh start` writes (`designate/env.sh` in its
//! folder); the rig's other variables (ports, `DESIGNATE_VENV`) must be set as they were for `start`:
//!
//!     DRIFTLESS_RIG_ENV=/tmp/ddns-rig/designate/env.sh cargo test --test designate_real -- --ignored
//!
//! `tokens_that_expire_are_renewed` tells more when the rig was started with `KEYSTONE_TOKEN_SECONDS=5`.

#![expect(clippy::disallowed_methods, reason = "a test waits, and is told by a variable where its rig is")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use driftless::model::error::{Error, Kind, Scope};
use driftless::model::name::Name;
use driftless::model::plan::{Applied, Batch, Change, Health, Seen, Sibling};
use driftless::model::record::{RecordType, RrsetKey, Ttl, Values};
use driftless::net::http::{Http, LIST};
use driftless::os::secret::Secret;
use driftless::provider::setting::{Kind as SettingKind, Settings, Value as Set};
use driftless::provider::{self, Provider, Tools};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Request, Url};
use serde_json::{Value as Json, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

const ACCOUNT: Kind = Kind::Auth { scope: Scope::Account };
const RECORD_SET: Kind = Kind::Auth { scope: Scope::RecordSet };
const A: RecordType = RecordType::A;

#[path = "designate_real/by_hand.rs"]
mod by_hand;
#[path = "designate_real/commands.rs"]
mod commands;
#[path = "designate_real/many.rs"]
mod many;
#[path = "support/torture.rs"]
mod torture;

/// One test at a time: they share a name server that one of them takes away, and a quota of zones.
static RIG: Mutex<()> = Mutex::const_new(());

/// The rig, and an administrator's view of it that does not go through the provider.
struct Rig {
    variables: BTreeMap<String, String>,
    http: Http,
    _alone: MutexGuard<'static, ()>,
}

/// The rig, or `None` and a word where there is none.
async fn rig() -> Option<Rig> {
    let Ok(path) = std::env::var("DRIFTLESS_RIG_ENV") else {
        eprintln!("skipped: DRIFTLESS_RIG_ENV does not name the rig's env.sh");
        return None;
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let words = text.lines().filter_map(|line| line.strip_prefix("export ")).flat_map(str::split_whitespace);
    let pairs = words.filter_map(|word| word.split_once('='));
    let mut variables: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let home = Path::new(&path).parent().and_then(Path::parent).unwrap();
    variables.insert("RIG_DIR".into(), home.display().to_string());
    Some(Rig { variables, http: Http::new(None), _alone: RIG.lock().await })
}

/// An account of the rig: what differs from demo with its password.
type Differs<'a> = &'a [(&'static str, &'a str)];

impl Rig {
    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).unwrap_or_else(|| panic!("{name} is not in the rig's env.sh"))
    }

    /// An account with the rig's variables, as the configuration would read them; an empty text takes a setting away.
    fn account(&self, differs: Differs<'_>) -> Arc<dyn Provider> {
        let tools = Tools { http: self.http.clone() };
        (provider::find("designate").unwrap().build)(&self.settings(differs), &tools).unwrap()
    }

    fn settings(&self, differs: Differs<'_>) -> Settings {
        let entry = provider::find("designate").unwrap();
        let mut settings = Settings::new("rig");
        for setting in entry.settings {
            let told = differs.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| *value);
            let Some(value) = told.or_else(|| self.variables.get(setting.variable).map(String::as_str)) else {
                continue;
            };
            if value.is_empty() {
                continue;
            }
            settings.set(
                setting.name,
                match setting.kind {
                    SettingKind::Url => Set::Url(Url::parse(value).unwrap()),
                    SettingKind::Secret => Set::Secret(Secret::inline(value)),
                    SettingKind::Path => Set::Path(value.into()),
                    SettingKind::Flag => Set::Flag(value == "true"),
                    _ => Set::Text(value.into()),
                },
            );
        }
        settings
    }

    fn application_credential(&self) -> Arc<dyn Provider> {
        self.account(&[
            ("password", ""),
            ("application_credential_id", self.variable("RIG_APP_CRED_ID")),
            ("application_credential_secret", self.variable("RIG_APP_CRED_SECRET")),
        ])
    }

    async fn raw(&self, method: Method, url: &str, token: Option<&str>, body: Option<Json>) -> (u16, Json, String) {
        let mut request = Request::new(method, Url::parse(url).unwrap());
        if let Some(token) = token {
            request.headers_mut().insert("x-auth-token", token.parse().unwrap());
        }
        request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        *request.body_mut() = body.map(|body| body.to_string().into());
        let reply = self.http.send(request, LIST, "raw").await.unwrap();
        let token = reply.headers.get("x-subject-token").map(|token| token.to_str().unwrap().to_owned());
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default(), token.unwrap_or_default())
    }

    /// A token of a user, and what Keystone says about it.
    async fn token(&self, user: &str, password: &str, project: &str) -> (String, Json) {
        let domain = json!({"id": "default"});
        let body = json!({"auth": {
            "identity": {"methods": ["password"],
                "password": {"user": {"name": user, "domain": domain, "password": password}}},
            "scope": {"project": {"name": project, "domain": domain}},
        }});
        let url = format!("{}/auth/tokens", self.variable("OS_AUTH_URL"));
        let (status, answer, token) = self.raw(Method::POST, &url, None, Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        (token, answer)
    }

    async fn as_demo(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        let token = self.token("demo", "demopass", "demo").await.0;
        let url = format!("{}/v2/{path}", self.variable("DESIGNATE_URL"));
        let (status, answer, _) = self.raw(method, &url, Some(&token), body).await;
        (status, answer)
    }

    /// Makes a zone and waits until it is live; its id.
    async fn zone(&self, name: &str) -> String {
        let body = json!({"name": format!("{name}."), "email": "hostmaster@example.test", "ttl": 60});
        let (status, zone) = self.as_demo(Method::POST, "zones", Some(body)).await;
        assert_eq!(status, 202, "{zone}");
        let id = zone["id"].as_str().unwrap().to_owned();
        for _ in 0..100 {
            let zone = self.as_demo(Method::GET, &format!("zones/{id}"), None).await.1;
            if zone["status"] == "ACTIVE" {
                return id;
            }
            sleep(Duration::from_millis(300)).await;
        }
        panic!("the zone {name} does not become active");
    }

    /// Removes a zone and waits until it is gone.
    async fn remove_zone(&self, id: &str) {
        let (status, answer) = self.as_demo(Method::DELETE, &format!("zones/{id}"), None).await;
        assert_eq!(status, 202, "{answer}");
        for _ in 0..100 {
            if self.as_demo(Method::GET, &format!("zones/{id}"), None).await.0 == 404 {
                return;
            }
            sleep(Duration::from_millis(300)).await;
        }
        panic!("the zone {id} does not go away");
    }

    /// Takes the name server away or brings it back.
    fn name_server(&self, what: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rig/designate.sh");
        let mut command = Command::new(script);
        command.arg(what).env("RIG_DIR", self.variable("RIG_DIR"));
        command.env("DESIGNATE_DNS_PORT", self.variable("DESIGNATE_DNS_PORT"));
        assert!(command.status().unwrap().success(), "{what}");
    }
}

fn key(name: &str, rtype: RecordType) -> RrsetKey {
    RrsetKey::new(Name::parse(name).unwrap(), rtype)
}

fn values(texts: &[&str]) -> Values {
    texts.iter().map(|text| text.parse::<IpAddr>().unwrap().into()).collect()
}

async fn read(provider: &Arc<dyn Provider>, key: &RrsetKey) -> Result<Seen, Error> {
    provider.read(std::slice::from_ref(key)).await.remove(0)
}

async fn change(
    provider: &Arc<dyn Provider>,
    key: &RrsetKey,
    seen: &Seen,
    after: &[&str],
    ttl: Option<u32>,
) -> Result<Applied, Error> {
    let (before, snapshot) = match seen {
        Seen::Holds { values, snapshot, .. } => (values.clone(), snapshot.clone()),
        Seen::Absent(snapshot) => (Values::new(), snapshot.clone()),
        Seen::Unreadable => panic!("Designate can be read"),
    };
    let (key, after, ttl) = (key.clone(), values(after), ttl.and_then(Ttl::new));
    let change = Change { key, before, after, retire: Values::new(), ttl, sibling: Sibling::Unknown, snapshot };
    provider.apply(&Batch { changes: vec![change] }).await.remove(0)
}

/// Reads and changes in one go, as the engine does.
async fn make(
    provider: &Arc<dyn Provider>,
    key: &RrsetKey,
    after: &[&str],
    ttl: Option<u32>,
) -> Result<Applied, Error> {
    let seen = read(provider, key).await?;
    change(provider, key, &seen, after, ttl).await
}

/// Waits until the record set has this health, and answers what it holds.
async fn wait_for(provider: &Arc<dyn Provider>, key: &RrsetKey, wanted: Health) -> (Values, Option<Ttl>) {
    let mut last = None;
    for _ in 0..150 {
        match read(provider, key).await.unwrap() {
            Seen::Holds { values, ttl, health, .. } if health == wanted => return (values, ttl),
            seen => last = Some(seen),
        }
        sleep(Duration::from_millis(400)).await;
    }
    panic!("{key} does not become {wanted:?}: {last:?}");
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_password_and_an_application_credential_both_write() {
    let Some(rig) = rig().await else { return };
    let zone = rig.zone("login.example.test").await;
    let by_name = rig.account(&[
        ("password", ""),
        ("application_credential_name", "ddns"),
        ("application_credential_secret", "ddns-secret"),
    ]);
    let root = rig.variable("OS_AUTH_URL").trim_end_matches("/v3").to_owned();
    let by_root = rig.account(&[("auth_url", &root)]);
    let accounts = [rig.account(&[]), rig.application_credential(), by_name, by_root];
    for (at, account) in accounts.iter().enumerate() {
        let key = key(&format!("h{at}.login.example.test"), A);
        assert_eq!(make(account, &key, &["192.0.2.1"], None).await.unwrap(), Applied::Accepted(None));
    }
    rig.remove_zone(&zone).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn what_is_not_allowed_is_held_against_the_right_scope() {
    let Some(rig) = rig().await else { return };
    let zone = rig.zone("rights.example.test").await;
    let key = key("home.rights.example.test", A);
    let id = rig.variable("RIG_APP_CRED_ID").to_owned();
    let unknown = [
        ("password", ""),
        ("application_credential_id", "00000000000000000000000000000000"),
        ("application_credential_secret", "x"),
    ];
    let secret = [("password", ""), ("application_credential_id", &*id), ("application_credential_secret", "x")];
    for wrong in
        [&[("password", "wrong")][..], &[("username", "nobody")], &[("project_name", "rival")], &unknown, &secret]
    {
        assert_eq!(read(&rig.account(wrong), &key).await.unwrap_err().kind, ACCOUNT, "{wrong:?}");
    }
    let elsewhere = rig.account(&[("region", "RegionTwo")]);
    assert_eq!(read(&elsewhere, &key).await.unwrap_err().kind, Kind::Config);

    let reader = rig.account(&[("username", "looker"), ("password", "lookerpass")]);
    let seen = read(&reader, &key).await.unwrap();
    let error = change(&reader, &key, &seen, &["192.0.2.1"], None).await.unwrap_err();
    assert_eq!(error.kind, RECORD_SET, "{error}");

    let rival = rig.account(&[("username", "rival"), ("password", "rivalpass"), ("project_name", "rival")]);
    let error = read(&rival, &key).await.unwrap_err();
    assert_eq!((error.kind, error.hint.as_deref()), (Kind::Config, Some("this account has no zone")));
    // The rival tries with what demo has read.
    let error = change(&rival, &key, &seen, &["192.0.2.1"], None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Stale, "{error}");
    rig.remove_zone(&zone).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_record_set_lives_from_its_creation_to_its_removal() {
    let Some(rig) = rig().await else { return };
    let zone = rig.zone("life.example.test").await;
    let account = rig.application_credential();
    let (a, aaaa) = (key("home.life.example.test", A), key("home.life.example.test", RecordType::Aaaa));

    assert_eq!(make(&account, &a, &["192.0.2.1"], Some(60)).await.unwrap(), Applied::Accepted(None));
    assert_eq!(make(&account, &aaaa, &["2001:db8::1"], None).await.unwrap(), Applied::Accepted(None));
    assert_eq!(wait_for(&account, &a, Health::Live).await, (values(&["192.0.2.1"]), Ttl::new(60)));
    assert_eq!(wait_for(&account, &aaaa, Health::Live).await, (values(&["2001:db8::1"]), Ttl::new(60)));

    // Somebody writes a description and adds a value in their own spelling.
    let path = format!("zones/{zone}/recordsets");
    let list = rig.as_demo(Method::GET, &format!("{path}?type=AAAA"), None).await.1;
    let id = list["recordsets"][0]["id"].as_str().unwrap().to_owned();
    let foreign = json!({"description": "mine", "records": ["2001:db8::1", "2001:DB8:0:0::F"]});
    assert_eq!(rig.as_demo(Method::PUT, &format!("{path}/{id}"), Some(foreign)).await.0, 202);
    let seen = read(&account, &aaaa).await.unwrap();
    assert!(matches!(&seen, Seen::Holds { values: held, .. } if *held == values(&["2001:db8::1", "2001:db8::f"])));
    change(&account, &aaaa, &seen, &["2001:db8::2", "2001:db8::f"], None).await.unwrap();
    let set = rig.as_demo(Method::GET, &format!("{path}/{id}"), None).await.1;
    let mut records: Vec<_> =
        set["records"].as_array().unwrap().iter().map(|record| record.as_str().unwrap()).collect();
    records.sort_unstable();
    assert_eq!((records, &set["description"]), (vec!["2001:DB8:0:0::F", "2001:db8::2"], &json!("mine")));

    // Nothing to do is not written: the version stays.
    let version = |set: &Json| set["version"].as_u64().unwrap();
    wait_for(&account, &aaaa, Health::Live).await;
    make(&account, &aaaa, &["2001:db8::2", "2001:db8::f"], None).await.unwrap();
    assert_eq!(version(&rig.as_demo(Method::GET, &format!("{path}/{id}"), None).await.1), version(&set));

    // What was read is out of date: created meanwhile, removed meanwhile.
    let other = key("other.life.example.test", A);
    let absent = read(&account, &other).await.unwrap();
    change(&account, &other, &absent, &["192.0.2.7"], None).await.unwrap();
    let again = change(&account, &other, &absent, &["192.0.2.8"], None).await;
    assert_eq!(again.unwrap_err().kind, Kind::Stale);
    let held = read(&account, &other).await.unwrap();
    assert_eq!(change(&account, &other, &held, &[], None).await.unwrap(), Applied::Accepted(None));
    for after in [&[][..], &["192.0.2.9"]] {
        assert_eq!(change(&account, &other, &held, after, None).await.unwrap_err().kind, Kind::Stale);
    }
    assert!(matches!(read(&account, &other).await.unwrap(), Seen::Absent(_)));

    // A set that somebody emptied is filled again, and what is wrong is said in the service's words.
    let list = rig.as_demo(Method::GET, &format!("{path}?type=A"), None).await.1;
    let id = list["recordsets"][0]["id"].as_str().unwrap().to_owned();
    let emptied = rig.as_demo(Method::PUT, &format!("{path}/{id}"), Some(json!({"records": []}))).await;
    assert_eq!(emptied.0, 200);
    assert!(matches!(read(&account, &a).await.unwrap(), Seen::Absent(_)));
    make(&account, &a, &["192.0.2.3", "192.0.2.4"], None).await.unwrap();
    assert_eq!(wait_for(&account, &a, Health::Live).await, (values(&["192.0.2.3", "192.0.2.4"]), Ttl::new(60)));
    let many: Vec<_> = (1..=21).map(|last| format!("192.0.2.{last}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let error = make(&account, &a, &many, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.why.contains("Quota exceeded"), "{error}");
    rig.remove_zone(&zone).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_wildcard_and_a_zone_below_another_are_told_apart() {
    let Some(rig) = rig().await else { return };
    let zones = [rig.zone("deep.example.test").await, rig.zone("sub.deep.example.test").await];
    let account = rig.account(&[]);
    let names = ["*.deep.example.test", "home.sub.deep.example.test", "sub.deep.example.test", "deep.example.test"];
    for (at, name) in names.iter().enumerate() {
        make(&account, &key(name, A), &[&format!("192.0.2.{at}")], None).await.unwrap();
    }
    let keys = names.map(|name| key(name, A));
    for keys in [&keys[..], &keys[..1], &keys[1..]] {
        for (answer, key) in account.read(keys).await.into_iter().zip(keys) {
            let last = names.iter().position(|name| *name == key.name.as_str()).unwrap();
            let Ok(Seen::Holds { values: held, .. }) = answer else { panic!("{key}: {answer:?}") };
            assert_eq!(held, values(&[&format!("192.0.2.{last}")]), "{key}");
        }
    }
    let lists = rig.as_demo(Method::GET, &format!("zones/{}/recordsets?type=A", zones[1]), None).await.1;
    assert_eq!(lists["recordsets"].as_array().unwrap().len(), 2);
    rig.remove_zone(&zones[1]).await;
    rig.remove_zone(&zones[0]).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_zone_that_was_made_anew_is_found_and_one_that_is_gone_is_said() {
    let Some(rig) = rig().await else { return };
    let account = rig.account(&[]);
    let key = key("home.anew.example.test", A);
    let zone = rig.zone("anew.example.test").await;
    make(&account, &key, &["192.0.2.1"], None).await.unwrap();
    let before = read(&account, &key).await.unwrap();
    rig.remove_zone(&zone).await;
    let zone = rig.zone("anew.example.test").await;
    assert_eq!(change(&account, &key, &before, &["192.0.2.2"], None).await.unwrap_err().kind, Kind::Stale);
    assert_eq!(make(&account, &key, &["192.0.2.2"], None).await.unwrap(), Applied::Accepted(None));
    rig.remove_zone(&zone).await;
    assert_eq!(read(&account, &key).await.unwrap_err().kind, Kind::Stale);
    assert_eq!(read(&account, &key).await.unwrap_err().kind, Kind::Config);
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn tokens_that_expire_are_renewed() {
    let Some(rig) = rig().await else { return };
    let zone = rig.zone("expiry.example.test").await;
    let account = rig.account(&[]);
    let key = key("home.expiry.example.test", A);
    make(&account, &key, &["192.0.2.1"], None).await.unwrap();
    let (admin, token) = rig.token("admin", "adminpass", "admin").await;
    let time = |name: &str| token["token"][name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let lifetime = time("expires_at").duration_since(time("issued_at")).as_secs();
    if lifetime <= 10 {
        for _ in 0..5 * lifetime {
            sleep(Duration::from_millis(400)).await;
            read(&account, &key).await.unwrap();
        }
    } else {
        eprintln!("tokens live {lifetime} s here: only revoked ones are tried");
    }

    // Setting a password, even the same one, revokes the user's tokens.
    let keystone = rig.variable("OS_AUTH_URL");
    read(&account, &key).await.unwrap();
    let (revoked, demo) = rig.token("demo", "demopass", "demo").await;
    let url = format!("{keystone}/users/{}", demo["token"]["user"]["id"].as_str().unwrap());
    let admin = if lifetime <= 10 { rig.token("admin", "adminpass", "admin").await.0 } else { admin };
    let same = json!({"user": {"password": "demopass"}});
    assert_eq!(rig.raw(Method::PATCH, &url, Some(&admin), Some(same)).await.0, 200);
    // Keystone counts in seconds, and would take a token of the same one for an older one.
    sleep(Duration::from_millis(1500)).await;
    let zones = format!("{}/v2/zones", rig.variable("DESIGNATE_URL"));
    assert_eq!(rig.raw(Method::GET, &zones, Some(&revoked), None).await.0, 401);
    read(&account, &key).await.unwrap();
    rig.remove_zone(&zone).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_name_server_that_is_away_is_seen_and_its_return_too() {
    let Some(rig) = rig().await else { return };
    let zone = rig.zone("away.example.test").await;
    let account = rig.account(&[]);
    let key = key("home.away.example.test", A);
    make(&account, &key, &["192.0.2.1"], None).await.unwrap();
    wait_for(&account, &key, Health::Live).await;
    rig.name_server("dns-down");
    assert_eq!(make(&account, &key, &["192.0.2.2"], None).await.unwrap(), Applied::Accepted(None));
    assert_eq!(wait_for(&account, &key, Health::Pending).await.0, values(&["192.0.2.2"]));
    wait_for(&account, &key, Health::Broken).await;
    // What is broken is written again although the values are right.
    assert_eq!(make(&account, &key, &["192.0.2.2"], None).await.unwrap(), Applied::Accepted(None));
    rig.name_server("dns-up");
    assert_eq!(wait_for(&account, &key, Health::Live).await.0, values(&["192.0.2.2"]));
    rig.remove_zone(&zone).await;
}

#[tokio::test]
#[ignore = "needs the rig: tests/rig/designate.sh start"]
async fn a_zone_of_more_than_a_page_is_read_whole() {
    let Some(rig) = rig().await else { return };
    let zone = rig.zone("pages.example.test").await;
    let mut token = String::new();
    let url = format!("{}/v2/zones/{zone}/recordsets", rig.variable("DESIGNATE_URL"));
    let account = rig.account(&[]);
    // With SOA and NS 200 in all, a full page, which announces an empty one; then a page and a bit.
    for (from, until) in [(0, 198), (198, 203)] {
        for at in from..until {
            if at == from || at % 20 == 0 {
                token = rig.token("demo", "demopass", "demo").await.0;
            }
            let body = json!({"name": format!("h{at}.pages.example.test."), "type": "A", "records": ["192.0.2.1"]});
            assert_eq!(rig.raw(Method::POST, &url, Some(&token), Some(body)).await.0, 202);
        }
        let keys: Vec<_> = (0..=until).map(|at| key(&format!("h{at}.pages.example.test"), A)).collect();
        let mut answers = account.read(&keys).await;
        assert!(matches!(answers.pop(), Some(Ok(Seen::Absent(_)))));
        assert!(answers.iter().all(|answer| matches!(answer, Ok(Seen::Holds { .. }))));
    }
    rig.remove_zone(&zone).await;
}
