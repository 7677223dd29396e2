//! Keystone: requests, tokens, the catalog and refusals, against recorded exchanges.

use super::*;
use crate::model::error::Kind;
use crate::os::secret::Secret;
use crate::provider::designate::replay::{recorded, written};
use crate::provider::designate::settings::Rights;

fn login(identity: Identity, project: Option<Named>) -> Login {
    let tokens = Url::parse("http://127.0.0.1/v3/auth/tokens").unwrap();
    let (interface, rights) = ("public".into(), Rights::default());
    Login { tokens, identity, project, region: None, interface, endpoint: None, cacert: None, rights }
}

fn in_default(name: &str) -> Named {
    Named::Name { name: name.into(), domain: Domain::Id("default".into()) }
}

fn demo(password: Secret) -> Login {
    login(Identity::Password { user: in_default("demo"), password }, Some(in_default("demo")))
}

fn credential(id: Option<&str>, name: Option<&str>) -> Login {
    let (id, name) = (id.map(Into::into), name.map(Into::into));
    let (user, secret) = (Some(in_default("demo")), Secret::inline("ddns-secret"));
    login(Identity::ApplicationCredential { id, name, user, secret }, None)
}

fn answered(name: &str, login: &Login) -> Result<Token> {
    token(&recorded(name).reply(), login, &Http::new(None), Moment(5000), "logging in")
}

#[test]
fn a_request_says_what_keystone_was_seen_to_take() {
    let by_id = login(
        Identity::Password {
            user: Named::Name { name: "demo".into(), domain: Domain::Name("Default".into()) },
            password: Secret::inline("demopass"),
        },
        Some(Named::Id("915143448778481a933fc4edb0674c77".into())),
    );
    for (name, login) in [
        ("004-ks-password-project-scope", demo(Secret::inline("demopass"))),
        ("006-ks-password-scope-by-project-id", by_id),
        ("014-ks-appcred-by-id", credential(Some("940a81a75dd14faba53cc0114e8272ce"), None)),
        ("015-ks-appcred-by-name", credential(None, Some("ddns"))),
    ] {
        let expected: Value = serde_json::from_str(&recorded(name).asked).unwrap();
        assert_eq!(request_body(&login).unwrap(), expected, "{name}");
    }
    let token = request_body(&login(Identity::Token(Secret::inline("t")), None)).unwrap();
    assert_eq!(token["auth"]["identity"], json!({"methods": ["token"], "token": {"id": "t"}}));
}

#[test]
fn a_rotated_secret_is_in_the_next_request() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    let login = demo(Secret::File(path.clone()));
    assert_eq!(request_body(&login).unwrap_err().kind, Kind::Auth { scope: Scope::Account });
    for password in ["one", "two"] {
        std::fs::write(&path, password).unwrap();
        let body = request_body(&login).unwrap();
        assert_eq!(body["auth"]["identity"]["password"]["user"]["password"], password);
    }
}

#[test]
fn a_token_is_renewed_before_it_expires_whatever_our_clock_says() {
    let token = answered("004-ks-password-project-scope", &demo(Secret::inline("p"))).unwrap();
    assert_eq!(token.endpoint.as_str(), "http://127.0.0.1:29001/v2");
    assert_eq!(token.renew_at, Moment(5000).plus(Duration::from_secs(3240)));
    assert!(format!("{:?}", token.value).contains("Sensitive"));
    let times = |from: &str, until: &str| Issued {
        issued_at: from.parse().ok(),
        expires_at: until.parse().ok(),
        catalog: Vec::new(),
    };
    assert_eq!(lifetime(&times("", "2026-11-21T23:28:35.000000Z")), SHORT);
    assert_eq!(lifetime(&times("2026-11-21T23:28:35Z", "2026-11-21T23:28:35Z")), SHORT);
    assert_eq!(lifetime(&times("2026-11-21T23:28:35Z", "2026-11-21T23:28:30Z")), SHORT);
}

#[test]
fn a_token_without_a_project_is_of_no_use_unless_the_endpoint_is_given() {
    let mut login = demo(Secret::inline("p"));
    for name in ["005-ks-password-unscoped", "007-ks-nocatalog"] {
        assert_eq!(answered(name, &login).err().unwrap().kind, Kind::Config);
    }
    login.endpoint = Some(Url::parse("https://dns.example/v2").unwrap());
    assert_eq!(answered("007-ks-nocatalog", &login).unwrap().endpoint.host_str(), Some("dns.example"));
}

#[test]
fn the_catalog_is_searched_by_region_and_interface() {
    let catalog: Vec<Service> = serde_json::from_value(json!([
        {"type": "identity", "endpoints": [{"interface": "public", "region": "C", "url": "https://id.example/"}]},
        {"type": "dns", "endpoints": [
            {"interface": "internal", "region": "A", "region_id": "A", "url": "https://in.a.example/"},
            {"interface": "public", "region": "A", "region_id": "A", "url": "https://a.example/"},
            {"interface": "public", "region": "B", "url": "https://b.example/dns/v2/"},
            {"interface": "public", "region_id": "D", "url": "nonsense"},
        ]},
    ]))
    .unwrap();
    let find = |region, interface| endpoint(&catalog, region, interface, "");
    assert_eq!(find(Some("A"), "public").unwrap().as_str(), "https://a.example/v2");
    assert_eq!(find(Some("A"), "internal").unwrap().as_str(), "https://in.a.example/v2");
    assert_eq!(find(Some("B"), "public").unwrap().as_str(), "https://b.example/dns/v2");
    assert!(find(None, "public").unwrap_err().why.contains("several regions: A, B, D"));
    assert!(find(Some("C"), "public").unwrap_err().hint.unwrap().contains("A, B, D"));
    assert!(find(Some("B"), "internal").unwrap_err().hint.unwrap().contains("internal, public"));
    assert_eq!(find(Some("D"), "public").unwrap_err().kind, Kind::Config);
    assert_eq!(endpoint(&catalog[..1], None, "public", "").unwrap_err().kind, Kind::Config);
}

#[test]
fn every_refusal_of_keystones_has_its_kind() {
    let account = Kind::Auth { scope: Scope::Account };
    for (name, kind) in [
        ("008-ks-wrong-password", account),
        ("009-ks-unknown-user", account),
        ("010-ks-project-without-role", account),
        ("011-ks-unknown-project", account),
        ("012-ks-bad-json", Kind::Config),
        ("016-ks-appcred-wrong-secret", account),
        ("017-ks-appcred-unknown-id", account),
        ("018-ks-appcred-with-scope", account),
        ("023-ks-appcred-expired", account),
        ("025-ks-v2-gone", Kind::Transient),
    ] {
        let error = refusal(&recorded(name).reply(), "logging in");
        assert_eq!(error.kind, kind, "{name}: {error}");
    }
    let busy = written("", 503, &[("Retry-After", "7")], "").reply();
    let after = Some(Duration::from_secs(7));
    assert_eq!(refusal(&busy, "").kind, Kind::RateLimited { after });
}

#[test]
fn an_answer_without_a_token_is_not_understood() {
    let login = demo(Secret::inline("p"));
    let mut garbled = recorded("004-ks-password-project-scope");
    garbled.fields.clear();
    for reply in [garbled.reply(), written("", 200, &[], "<html>").reply()] {
        assert_eq!(token(&reply, &login, &Http::new(None), Moment(0), "").err().unwrap().kind, Kind::Transient);
    }
}
