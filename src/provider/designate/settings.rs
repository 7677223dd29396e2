//! What a Designate account can be told, and the login that comes of it.

use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::os::secret::Secret;
use crate::provider::setting::{Kind, Setting, Settings, SettingsError};

/// The ways of `auth_type`, as OpenStack's clients call them.
pub(super) const WAYS: &[&str] = &["password", "v3password", "v3applicationcredential", "token", "v3token"];

/// The keys of the account's table; each has the variable that `openrc` files set.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::optional("cloud", Kind::Text, "The cloud's name in clouds.yaml; what is written here goes before it.")
        .or_variable("OS_CLOUD"),
    Setting::optional("auth_url", Kind::Url, "Where Keystone is, with or without the /v3; needed without a cloud.")
        .or_variable("OS_AUTH_URL"),
    Setting::optional("auth_type", Kind::Choice(WAYS), "How to log in; found from the other settings when left out.")
        .detail()
        .or_variable("OS_AUTH_TYPE"),
    Setting::optional("username", Kind::Text, "The user's name; it needs the user's domain.")
        .or_variable("OS_USERNAME"),
    Setting::optional("user_id", Kind::Text, "The user's id; it goes before the name.").or_variable("OS_USER_ID"),
    Setting::optional("password", Kind::Secret, "The user's password.").or_variable("OS_PASSWORD"),
    Setting::optional("user_domain_name", Kind::Text, "The name of the user's domain, often \"Default\".")
        .or_variable("OS_USER_DOMAIN_NAME"),
    Setting::optional("user_domain_id", Kind::Text, "The id of the user's domain, often \"default\".")
        .or_variable("OS_USER_DOMAIN_ID"),
    Setting::optional("project_name", Kind::Text, "The name of the project that has the zones; it needs its domain.")
        .or_variable("OS_PROJECT_NAME"),
    Setting::optional("project_id", Kind::Text, "The project's id; it goes before the name.")
        .or_variable("OS_PROJECT_ID"),
    Setting::optional("project_domain_name", Kind::Text, "The name of the project's domain.")
        .or_variable("OS_PROJECT_DOMAIN_NAME"),
    Setting::optional("project_domain_id", Kind::Text, "The id of the project's domain.")
        .or_variable("OS_PROJECT_DOMAIN_ID"),
    Setting::optional("application_credential_id", Kind::Text, "The application credential's id.")
        .or_variable("OS_APPLICATION_CREDENTIAL_ID"),
    Setting::optional(
        "application_credential_name",
        Kind::Text,
        "The application credential's name, where its id is not given; it needs the user.",
    )
    .or_variable("OS_APPLICATION_CREDENTIAL_NAME"),
    Setting::optional("application_credential_secret", Kind::Secret, "The application credential's secret.")
        .or_variable("OS_APPLICATION_CREDENTIAL_SECRET"),
    Setting::optional("token", Kind::Secret, "A token to log in with; it ends some day, better use a credential.")
        .or_variable("OS_TOKEN"),
    Setting::optional("region", Kind::Text, "The region of the DNS service; needed where there are several.")
        .or_variable("OS_REGION_NAME"),
    Setting::optional(
        "interface",
        Kind::Choice(&["public", "internal", "admin"]),
        "Which of the service's endpoints to use; public when left out.",
    )
    .detail()
    .or_variable("OS_INTERFACE"),
    Setting::optional("cacert", Kind::Path, "A PEM file of certificates to trust beside the host's.")
        .detail()
        .or_variable("OS_CACERT"),
    Setting::optional("endpoint", Kind::Url, "Where Designate is, instead of what Keystone's catalog says."),
    Setting::optional("sudo_project_id", Kind::Text, "For administrators: the id of the project to act for."),
    Setting::optional("all_projects", Kind::Flag, "For administrators: whether the zones of every project are seen."),
    Setting::optional("clouds_file", Kind::Path, "The clouds.yaml to read, before the usual places.")
        .detail()
        .or_variable("OS_CLIENT_CONFIG_FILE"),
    Setting::optional("secure_file", Kind::Path, "The secure.yaml to read, before the usual places.")
        .detail()
        .or_variable("OS_CLIENT_SECURE_FILE"),
    Setting::optional(
        "config_home",
        Kind::Path,
        "The folder that holds openstack/clouds.yaml; ~/.config when left out.",
    )
    .detail()
    .or_variable("XDG_CONFIG_HOME"),
    Setting::optional("home", Kind::Path, "The home folder in which .config is looked for.")
        .detail()
        .or_variable("HOME"),
];

/// How to log in, and which of the cloud's endpoints to use then.
#[derive(Clone, Debug)]
pub(super) struct Login {
    /// Where tokens are made: `…/v3/auth/tokens`.
    pub tokens: Url,
    /// As whom.
    pub identity: Identity,
    /// For which project; an application credential knows its own.
    pub project: Option<Named>,
    /// The region, where it was said.
    pub region: Option<String>,
    /// The interface.
    pub interface: String,
    /// Designate's address, where it was said.
    pub endpoint: Option<Url>,
    /// Certificates to trust beside the host's.
    pub cacert: Option<PathBuf>,
    /// What an administrator adds to each request to Designate.
    pub rights: Rights,
}

/// What an administrator may do for others: <https://docs.openstack.org/api-ref/dns/#zones>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    /// The project to act for (`X-Auth-Sudo-Project-ID`).
    pub sudo: Option<HeaderValue>,
    /// Whether the zones of every project are seen (`X-Auth-All-Projects`).
    pub all_projects: bool,
}

/// As whom to log in.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    /// A user with a password.
    Password { user: Named, password: Secret },
    /// An application credential; by name it needs its user.
    ApplicationCredential { id: Option<String>, name: Option<String>, user: Option<Named>, secret: Secret },
    /// A token made elsewhere.
    Token(Secret),
}

impl Identity {
    /// What proves it.
    pub fn secret(&self) -> &Secret {
        match self {
            Self::Password { password: secret, .. }
            | Self::ApplicationCredential { secret, .. }
            | Self::Token(secret) => secret,
        }
    }
}

/// A user or a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// By its id.
    Id(String),
    /// By its name within a domain.
    Name { name: String, domain: Domain },
}

/// A domain of Keystone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// By its id.
    Id(String),
    /// By its name.
    Name(String),
}

impl Login {
    /// The login of an account.
    ///
    /// # Errors
    /// Says which setting is missing or does not fit.
    pub fn of(settings: &Settings) -> Result<Self, SettingsError> {
        let auth_url = settings
            .url("auth_url")
            .ok_or_else(|| missing("auth_url", "write where Keystone is, or name a cloud of clouds.yaml"))?;
        let tokens = tokens_url(auth_url)?;
        let identity = identity(settings)?;
        let project = match identity {
            Identity::ApplicationCredential { .. } => None,
            Identity::Password { .. } | Identity::Token(_) => Some(project(settings)?),
        };
        let region = settings.text("region").map(Into::into);
        let interface = settings.text("interface").unwrap_or("public").into();
        let endpoint = settings.url("endpoint").map(designate_url);
        let cacert = settings.path("cacert").map(Into::into);
        let sudo = settings.text("sudo_project_id").map(HeaderValue::from_str).transpose();
        let sudo = sudo.map_err(|_| SettingsError::of("sudo_project_id", "is no id of a project"))?;
        let rights = Rights { sudo, all_projects: settings.flag("all_projects").unwrap_or_default() };
        Ok(Self { tokens, identity, project, region, interface, endpoint, cacert, rights })
    }
}

/// Designate's address with `/v2` at its end: catalogs have it with and without, under a path or not.
pub(super) fn designate_url(url: &Url) -> Url {
    let mut url = url.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&if path.ends_with("/v2") { path } else { format!("{path}/v2") });
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Where tokens are made, from Keystone's root or its `/v3`.
fn tokens_url(auth_url: &Url) -> Result<Url, SettingsError> {
    let mut url = auth_url.clone();
    let path = url.path().trim_end_matches('/').trim_end_matches("/auth/tokens").to_owned();
    if path.ends_with("/v2.0") {
        let message = "version 2 of Keystone no longer exists; write the URL with /v3 instead of /v2.0";
        return Err(SettingsError::of("auth_url", message));
    }
    let version = if path.ends_with("/v3") { "" } else { "/v3" };
    url.set_path(&format!("{path}{version}/auth/tokens"));
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn identity(settings: &Settings) -> Result<Identity, SettingsError> {
    match way(settings)? {
        "password" => {
            let user = user(settings, "to log in with a password, write username or user_id")?;
            Ok(Identity::Password { user, password: secret(settings, "password")? })
        }
        "application_credential" => {
            let secret = secret(settings, "application_credential_secret")?;
            let id = settings.text("application_credential_id").map(String::from);
            let name = settings.text("application_credential_name").map(String::from);
            let user = match (&id, &name) {
                (Some(_), _) => None,
                (None, Some(_)) => Some(user(settings, "an application credential by name needs username or user_id")?),
                (None, None) => {
                    let message = "write this, or application_credential_name and the user";
                    return Err(missing("application_credential_id", message));
                }
            };
            Ok(Identity::ApplicationCredential { id, name, user, secret })
        }
        _ => Ok(Identity::Token(secret(settings, "token")?)),
    }
}

/// The way to log in: as said, or the only one whose secret is there.
fn way(settings: &Settings) -> Result<&'static str, SettingsError> {
    match settings.text("auth_type") {
        Some("password" | "v3password") => return Ok("password"),
        Some("v3applicationcredential") => return Ok("application_credential"),
        Some("token" | "v3token") => return Ok("token"),
        Some(_) | None => {}
    }
    let ways = [
        ("password", "password", "password"),
        ("application_credential", "application_credential_secret", "v3applicationcredential"),
        ("token", "token", "token"),
    ];
    let given: Vec<_> = ways.iter().filter(|(_, secret, _)| settings.secret(secret).is_some()).collect();
    match given[..] {
        [(way, ..)] => Ok(way),
        [] => Err(SettingsError::whole(
            "nothing to log in with: write password, application_credential_secret or token, and whom it belongs to",
        )),
        [(_, one, first), (_, other, second), ..] => Err(SettingsError::of(
            "auth_type",
            format!("there are both {one} and {other}: write auth_type = \"{first}\" or \"{second}\""),
        )),
    }
}

fn user(settings: &Settings, otherwise: &str) -> Result<Named, SettingsError> {
    let domain = ["user_domain_id", "user_domain_name"];
    named(settings, "user_id", "username", domain)?.ok_or_else(|| missing("username", otherwise))
}

fn project(settings: &Settings) -> Result<Named, SettingsError> {
    let domain = ["project_domain_id", "project_domain_name"];
    named(settings, "project_id", "project_name", domain)?
        .ok_or_else(|| missing("project_id", "write this, or project_name and its domain: zones belong to a project"))
}

/// A user or a project by id, or by name and domain; ids go before names, since `openrc` files have both.
fn named(
    settings: &Settings,
    id: &'static str,
    name: &'static str,
    [domain_id, domain_name]: [&'static str; 2],
) -> Result<Option<Named>, SettingsError> {
    if let Some(id) = settings.text(id) {
        return Ok(Some(Named::Id(id.into())));
    }
    let Some(found) = settings.text(name) else { return Ok(None) };
    let domain = match (settings.text(domain_id), settings.text(domain_name)) {
        (Some(id), _) => Domain::Id(id.into()),
        (None, Some(name)) => Domain::Name(name.into()),
        (None, None) => {
            let message = format!("{name} needs this or {domain_name}; often it is \"default\"");
            return Err(missing(domain_id, &message));
        }
    };
    Ok(Some(Named::Name { name: found.into(), domain }))
}

fn secret(settings: &Settings, name: &'static str) -> Result<Secret, SettingsError> {
    settings.secret(name).cloned().ok_or_else(|| missing(name, "this way to log in needs it"))
}

fn missing(setting: &'static str, why: &str) -> SettingsError {
    SettingsError::of(setting, format!("is missing: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::setting::Value;

    /// Settings from texts; what is a secret or a URL is known by its name.
    fn settings(given: &[(&'static str, &str)]) -> Settings {
        given.iter().fold(Settings::new("home"), |settings, &(name, value)| {
            let kind = SETTINGS.iter().find(|setting| setting.name == name).unwrap().kind;
            settings.with(
                name,
                match kind {
                    Kind::Secret => Value::Secret(Secret::inline(value)),
                    Kind::Url => Value::Url(Url::parse(value).unwrap()),
                    _ => Value::Text(value.into()),
                },
            )
        })
    }

    const URL: (&str, &str) = ("auth_url", "https://cloud.example:5000/v3");
    const USER: [(&str, &str); 3] = [("username", "u"), ("user_domain_name", "Default"), ("password", "p")];

    fn wrong(given: &[(&'static str, &str)]) -> String {
        Login::of(&settings(given)).unwrap_err().to_string()
    }

    #[test]
    fn keystone_is_found_from_its_root_and_from_its_v3() {
        for (url, tokens) in [
            ("https://h:5000", "https://h:5000/v3/auth/tokens"),
            ("https://h:5000/v3/", "https://h:5000/v3/auth/tokens"),
            ("https://h/identity", "https://h/identity/v3/auth/tokens"),
            ("https://h/identity/v3?x", "https://h/identity/v3/auth/tokens"),
        ] {
            assert_eq!(tokens_url(&Url::parse(url).unwrap()).unwrap().as_str(), tokens);
        }
        assert!(tokens_url(&Url::parse("https://h:5000/v2.0/").unwrap()).unwrap_err().message.contains("/v3"));
    }

    #[test]
    fn designate_is_found_however_the_catalog_writes_it() {
        for url in ["https://h:9001", "https://h:9001/", "https://h:9001/v2", "https://h:9001/v2/"] {
            assert_eq!(designate_url(&Url::parse(url).unwrap()).as_str(), "https://h:9001/v2");
        }
        assert_eq!(designate_url(&Url::parse("https://h/dns/").unwrap()).as_str(), "https://h/dns/v2");
    }

    #[test]
    fn an_openrc_file_has_ids_and_names_and_the_ids_are_used() {
        let mut given = vec![URL, ("project_id", "1234"), ("project_name", "demo")];
        given.extend(USER);
        let login = Login::of(&settings(&given)).unwrap();
        assert_eq!(login.project, Some(Named::Id("1234".into())));
        assert!(matches!(login.identity, Identity::Password { user: Named::Name { .. }, .. }));
        assert_eq!(login.interface, "public");
    }

    #[test]
    fn an_application_credential_asks_for_no_project() {
        let secret = ("application_credential_secret", "s");
        let given = [URL, secret, ("application_credential_id", "1"), ("project_name", "demo"), ("username", "u")];
        assert_eq!(Login::of(&settings(&given)).unwrap().project, None);
        let by_name = [URL, secret, ("application_credential_name", "ddns"), ("user_id", "2")];
        assert!(Login::of(&settings(&by_name)).is_ok());
    }

    #[test]
    fn what_does_not_fit_together_says_what_to_write() {
        assert!(wrong(&[URL]).contains("nothing to log in with"));
        assert!(wrong(&[URL, ("password", "p")]).starts_with("username: "));
        assert!(wrong(&[URL, ("password", "p"), ("username", "u")]).starts_with("user_domain_id: "));
        assert!(wrong(&[&[URL][..], &USER].concat()).starts_with("project_id: "));
        let project = ("project_name", "demo");
        assert!(wrong(&[&[URL, project][..], &USER].concat()).starts_with("project_domain_id: "));
        let secret = ("application_credential_secret", "s");
        assert!(wrong(&[URL, secret]).starts_with("application_credential_id: "));
        assert!(wrong(&[URL, secret, ("application_credential_name", "n")]).starts_with("username: "));
        assert!(wrong(&[&[URL, secret][..], &USER].concat()).starts_with("auth_type: "));
        assert!(wrong(&[URL, ("auth_type", "v3token")]).starts_with("token: "));
        assert!(wrong(&[("token", "t")]).starts_with("auth_url: "));
    }

    #[test]
    fn every_variable_is_openstacks() {
        let others = ["endpoint", "sudo_project_id", "all_projects", "config_home", "home"];
        for setting in SETTINGS.iter().filter(|setting| !others.contains(&setting.name)) {
            assert!(setting.variable.starts_with("OS_"), "{}", setting.name);
        }
    }
}
