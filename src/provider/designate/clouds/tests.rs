//! The files of OpenStack's clients: search, overlay, what goes before what, and that nothing of them is shown.

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::super::settings::{Identity, Named as Who};
use super::*;
use crate::model::error::Kind;

const CLOUDS: &str = r#"
clouds:
  home:
    auth: &auth
      auth_url: https://cloud.example:5000/v3
      username: demo
      user_domain_name: Default
      project_id: 0123
      project_name: demo
    region_name: RegionOne
    interface: internalURL
    cacert: /etc/ssl/cloud.pem
    identity_api_version: 3
  robot:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://cloud.example:5000
      application_credential_id: abc
      application_credential_secret: from-clouds
    dns_endpoint_override: https://dns.example/
"#;

const SECURE: &str = "clouds:\n  home:\n    auth:\n      password: 0815\n";

/// A home folder with these files in its `.config/openstack`, and settings that look there.
fn home(files: &[(&str, &str)]) -> (TempDir, Settings) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join(".config/openstack");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let settings = Settings::new("cloud").with("home", Value::Path(dir.path().into()));
    (dir, settings)
}

fn named(settings: &Settings, cloud: &str) -> Settings {
    settings.clone().with("cloud", Value::Text(cloud.into()))
}

fn login(settings: &Settings) -> Result<Login> {
    Source::of(settings).unwrap().login().map(Cow::into_owned)
}

#[test]
fn the_two_files_are_laid_over_each_other() {
    let (_dir, settings) = home(&[("clouds.yaml", CLOUDS), ("secure.yaml", SECURE)]);
    let login = login(&named(&settings, "home")).unwrap();
    assert_eq!(login.tokens.as_str(), "https://cloud.example:5000/v3/auth/tokens");
    assert_eq!((login.region.as_deref(), &*login.interface), (Some("RegionOne"), "internal"));
    assert_eq!(login.cacert.as_deref(), Some(Path::new("/etc/ssl/cloud.pem")));
    // What looks like a number is the text that stands there.
    assert_eq!(login.project, Some(Who::Id("0123".into())));
    assert_eq!(login.identity.secret().read().unwrap().expose_secret(), "0815");
}

#[test]
fn an_application_credential_and_an_override_are_taken_from_the_file() {
    let (_dir, settings) = home(&[("clouds.yml", CLOUDS)]);
    let login = login(&named(&settings, "robot")).unwrap();
    assert!(matches!(&login.identity, Identity::ApplicationCredential { id: Some(id), .. } if id == "abc"));
    assert_eq!(login.endpoint.unwrap().as_str(), "https://dns.example/v2");
}

#[test]
fn the_accounts_own_settings_go_before_the_files() {
    let (_dir, settings) = home(&[("clouds.yaml", CLOUDS), ("secure.yaml", SECURE)]);
    let mine = named(&settings, "home")
        .with("project_name", Value::Text("mine".into()))
        .with("project_domain_id", Value::Text("default".into()))
        .with("password", Value::Secret(Secret::inline("own")))
        .with("region", Value::Text("RegionTwo".into()));
    let login = login(&mine).unwrap();
    // The file's project id must not go before the account's project name.
    assert!(matches!(&login.project, Some(Who::Name { name, .. }) if name == "mine"));
    assert_eq!(login.identity.secret().read().unwrap().expose_secret(), "own");
    assert_eq!(login.region.as_deref(), Some("RegionTwo"));
}

#[test]
fn a_file_that_was_named_goes_first_and_then_the_users() {
    let (dir, settings) = home(&[("clouds.yaml", CLOUDS)]);
    let other = dir.path().join("other.json");
    std::fs::write(&other, r#"{"clouds": {"robot": {"auth": {"auth_url": "https://other.example", "token": "t"}}}}"#)
        .unwrap();
    let robot = named(&settings, "robot");
    let named = robot.clone().with("clouds_file", Value::Path(other.clone()));
    assert_eq!(login(&robot).unwrap().tokens.host_str(), Some("cloud.example"));
    // A token needs a project, which this cloud does not name.
    assert!(login(&named).unwrap_err().why.starts_with("project_id: "));
    let places = places(&named, "clouds", "clouds_file");
    let shown: Vec<_> = places.iter().map(|path| path.display().to_string()).collect();
    let user = dir.path().join(".config/openstack");
    assert_eq!(shown[0], other.display().to_string());
    assert_eq!(&shown[1..4], ["clouds.yaml", "clouds.yml", "clouds.json"]);
    assert_eq!(shown[4], user.join("clouds.yaml").display().to_string());
    assert_eq!(shown[7], "/etc/openstack/clouds.yaml");
    let elsewhere = robot.with("config_home", Value::Path("/xdg".into()));
    assert_eq!(super::places(&elsewhere, "secure", "secure_file")[3], Path::new("/xdg/openstack/secure.yaml"));
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_never_its_content() {
    let secret = "hunter2";
    for (text, cloud, says) in [
        (CLOUDS, "nowhere", "has no such cloud"),
        ("clouds: {home: {auth: {password: hunter2", "home", "is not understood"),
        ("clouds:\n  home:\n    auth: [hunter2]\n", "home", "line 3 is not understood"),
        ("clouds: {home: {auth: {auth_url: 'ftp://hunter2'}}}", "home", "auth_url: of the cloud is no URL"),
        ("clouds: {home: {auth: {auth_url: 'http://h', password: hunter2}}}", "home", "username: "),
        ("clouds: {home: {auth_type: hunter2}}", "home", "auth_type: of the cloud is not known here"),
        ("clouds: {home: {profile: vexxhost}}", "home", "profiles are not followed"),
        ("clouds: {home: {interface: hunter2}}", "home", "interface: "),
        ("clouds: {home: {verify: false}}", "home", "verify: false is not followed"),
        ("", "home", "has no such cloud"),
        ("&a hunter2", "home", "is not understood"),
        ("<html>hunter2</html>", "home", "is not understood"),
    ] {
        let (_dir, settings) = home(&[("clouds.yaml", text)]);
        let error = login(&named(&settings, cloud)).unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{text}: {error}");
        assert!(error.unsent && error.why.contains(says), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
    let (_dir, settings) = home(&[]);
    let error = login(&named(&settings, "home").with("config_home", Value::Path("/nowhere".into()))).unwrap_err();
    assert!(error.hint.unwrap().contains("/nowhere/openstack/clouds.yaml"));
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (one, other) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        bomb.push_str(&format!("{other}: &{other} [{}]\n", vec![format!("*{one}"); 10].join(", ")));
    }
    bomb.push_str("clouds: *i\n");
    let (_dir, settings) = home(&[("clouds.yaml", &bomb)]);
    assert_eq!(login(&named(&settings, "home")).unwrap_err().kind, Kind::Config);
}

#[test]
fn a_file_that_is_too_large_is_not_read_and_a_corrected_one_is_another_login() {
    let (dir, settings) = home(&[("clouds.yaml", &"#".repeat(MAX as usize + 1))]);
    let source = Source::of(&named(&settings, "home")).unwrap();
    assert_eq!(source.login().err().unwrap().kind, Kind::Auth { scope: Scope::Account });
    let before = source.contents();
    std::fs::write(dir.path().join(".config/openstack/clouds.yaml"), CLOUDS).unwrap();
    assert_ne!(source.contents(), before);
    let before = source.contents();
    std::fs::write(dir.path().join(".config/openstack/secure.yaml"), SECURE).unwrap();
    assert_ne!(source.contents(), before);
    assert!(source.login().is_ok());
}
