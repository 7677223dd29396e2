//! `clouds.yaml` and `secure.yaml`, the files that OpenStack's own clients are told their clouds by.
//!
//! Format and search order: <https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html>.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::Deserialize;

use super::settings::{Login, WAYS};
use crate::model::error::{Error, Result, Scope};
use crate::os::secret::Secret;
use crate::provider::setting::{Settings, SettingsError, Value};

/// The largest file that is read, in octets.
const MAX: u64 = 1 << 20;

/// The endings under which a file is looked for, in order. JSON is YAML too.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Where the login of an account comes from.
pub(super) enum Source {
    /// The settings say it all.
    Settings(Box<Login>),
    /// What the settings leave open is in files that are read whenever a token is asked for.
    Cloud(Cloud),
}

/// A cloud of the files.
pub(super) struct Cloud {
    name: String,
    settings: Settings,
    clouds: Vec<PathBuf>,
    secure: Vec<PathBuf>,
}

impl Source {
    /// The source that the settings speak of. Reads no file.
    ///
    /// # Errors
    /// There is no cloud, and the settings do not say it all.
    pub fn of(settings: &Settings) -> Result<Self, SettingsError> {
        let Some(name) = settings.text("cloud") else {
            return Ok(Self::Settings(Box::new(Login::of(settings)?)));
        };
        if !cfg!(feature = "clouds") {
            let message = "needs a driftless that was built with the feature `clouds`; this one was not";
            return Err(SettingsError::of("cloud", message));
        }
        let [clouds, secure] =
            [("clouds", "clouds_file"), ("secure", "secure_file")].map(|(stem, named)| places(settings, stem, named));
        Ok(Self::Cloud(Cloud { name: name.into(), settings: settings.clone(), clouds, secure }))
    }

    /// The login as the settings and files say it now.
    ///
    /// # Errors
    /// A file cannot be used, the cloud is not in it, or what is there does not fit together. None was sent.
    pub fn login(&self) -> Result<Cow<'_, Login>> {
        match self {
            Self::Settings(login) => Ok(Cow::Borrowed(login)),
            Self::Cloud(cloud) => cloud.login().map(Cow::Owned).map_err(Error::unsent),
        }
    }

    /// The contents of the files as they are now, so that a hold ends when they are corrected.
    pub fn contents(&self) -> Vec<u8> {
        let Self::Cloud(cloud) = self else { return Vec::new() };
        let found = [&cloud.clouds, &cloud.secure].map(|places| {
            let text = first(places, "").ok().flatten();
            text.map_or_else(String::new, |(path, text)| format!("{}\0{text}\0", path.display()))
        });
        found.concat().into_bytes()
    }
}

/// Where a file is looked for: the one that was named, this folder, the user's, the host's.
fn places(settings: &Settings, stem: &str, named: &str) -> Vec<PathBuf> {
    let user = settings.path("config_home").map(Path::to_owned);
    let user = user.or_else(|| settings.path("home").map(|home| home.join(".config")));
    let folders = [Some(PathBuf::new()), user.map(|user| user.join("openstack")), Some("/etc/openstack".into())];
    let in_folder = |folder: PathBuf| ENDINGS.map(|ending| folder.join(format!("{stem}.{ending}")));
    let usual = folders.into_iter().flatten().flat_map(in_folder);
    settings.path(named).map(Path::to_owned).into_iter().chain(usual).collect()
}

/// The first file that is there.
fn first<'a>(places: &'a [PathBuf], doing: &str) -> Result<Option<(&'a Path, String)>> {
    for path in places {
        let mut text = String::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(MAX + 1).read_to_string(&mut text));
        let why = match read {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => error.to_string(),
            Ok(_) if text.len() as u64 > MAX => format!("it is larger than {MAX} octets"),
            Ok(_) => return Ok(Some((path, text))),
        };
        let why = format!("{} cannot be used: {why}", path.display());
        return Err(Error::auth(Scope::Account, doing, why)
            .hint("the user that driftless runs as must be able to read this file"));
    }
    Ok(None)
}

/// A file, as far as we read it. Holds secrets: it is never shown.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    clouds: BTreeMap<String, Entry>,
}

/// A cloud in a file; values are texts however they are written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: BTreeMap<String, Option<String>>,
    auth_type: Option<String>,
    cacert: Option<String>,
    dns_endpoint_override: Option<String>,
    endpoint_type: Option<String>,
    interface: Option<String>,
    profile: Option<String>,
    region_name: Option<String>,
    verify: Option<String>,
}

impl Entry {
    /// This entry with what `over` says beside it, which goes before.
    fn under(mut self, over: Self) -> Self {
        self.auth.extend(over.auth.into_iter().filter(|(_, value)| value.is_some()));
        Self {
            auth: self.auth,
            auth_type: over.auth_type.or(self.auth_type),
            cacert: over.cacert.or(self.cacert),
            dns_endpoint_override: over.dns_endpoint_override.or(self.dns_endpoint_override),
            endpoint_type: over.endpoint_type.or(self.endpoint_type),
            interface: over.interface.or(self.interface),
            profile: over.profile.or(self.profile),
            region_name: over.region_name.or(self.region_name),
            verify: over.verify.or(self.verify),
        }
    }
}

impl Cloud {
    fn login(&self) -> Result<Login> {
        let doing = format!("reading the cloud \"{}\"", self.name);
        let wrong = |error: SettingsError| {
            let hint = "the settings of the account and the cloud's files together do not fit";
            Error::config(doing.clone(), error.to_string()).hint(hint)
        };
        let entry = self.entry(&doing)?;
        Login::of(&self.filled(&entry).map_err(wrong)?).map_err(wrong)
    }

    /// What the two files say of the cloud.
    fn entry(&self, doing: &str) -> Result<Entry> {
        let Some((path, text)) = first(&self.clouds, doing)? else {
            let places = self.clouds.iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
            let places: Vec<_> = places.map(|path| path.display().to_string()).collect();
            return Err(Error::config(doing, "there is no clouds.yaml")
                .hint(format!("looked for {}; name another one as clouds_file", places.join(", "))));
        };
        let mut clouds = parsed(path, &text, doing)?.clouds;
        let names: Vec<_> = clouds.keys().cloned().collect();
        let Some(mut entry) = clouds.remove(&self.name) else {
            let why = format!("{} has no such cloud", path.display());
            return Err(Error::config(doing, why).hint(format!("it has: {}", names.join(", "))));
        };
        if let Some((path, text)) = first(&self.secure, doing)?
            && let Some(over) = parsed(path, &text, doing)?.clouds.remove(&self.name)
        {
            entry = entry.under(over);
        }
        Ok(entry)
    }

    /// The account's settings, with the cloud's in the places that they leave open. Of a user, a project or a credential it is all
    /// from the one or all from the other: an id of the file must not go before a name of the account.
    fn filled(&self, entry: &Entry) -> Result<Settings, SettingsError> {
        let mut settings = self.settings.clone();
        let auth = |names: &[&str]| names.iter().find_map(|name| entry.auth.get(*name).cloned().flatten());
        for group in GROUPS {
            if group.iter().any(|(setting, _)| settings.text(setting).is_some()) {
                continue;
            }
            for (setting, names) in *group {
                if let Some(value) = auth(names) {
                    settings.set(setting, Value::Text(value));
                }
            }
        }
        if SECRETS.iter().all(|(setting, _)| settings.secret(setting).is_none()) {
            for (setting, name) in SECRETS {
                if let Some(value) = auth(&[name]) {
                    settings.set(setting, Value::Secret(Secret::inline(value)));
                }
            }
            if let (None, Some(way)) = (settings.text("auth_type"), &entry.auth_type) {
                settings.set("auth_type", Value::Text(word("auth_type", way, WAYS)?));
            }
        }
        self.place(entry, auth(&["auth_url"]), &mut settings)?;
        Ok(settings)
    }

    /// Where the services are, and whom to trust there.
    fn place(&self, entry: &Entry, auth_url: Option<String>, to: &mut Settings) -> Result<(), SettingsError> {
        let urls = [("auth_url", auth_url), ("endpoint", entry.dns_endpoint_override.clone())];
        for (setting, url) in urls {
            if let (None, Some(url)) = (to.url(setting), url) {
                let url = Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
                to.set(setting, Value::Url(url.ok_or_else(|| SettingsError::of(setting, "of the cloud is no URL"))?));
            }
        }
        if to.url("auth_url").is_none() && entry.profile.is_some() {
            return Err(SettingsError::of("auth_url", "is missing: profiles are not followed here, write it"));
        }
        if let (None, Some(region)) = (to.text("region"), &entry.region_name) {
            to.set("region", Value::Text(region.clone()));
        }
        if let (None, Some(interface)) =
            (to.text("interface"), entry.interface.as_ref().or(entry.endpoint_type.as_ref()))
        {
            let interface = interface.trim_end_matches("URL");
            to.set("interface", Value::Text(word("interface", interface, &["public", "internal", "admin"])?));
        }
        if let (None, Some(cacert)) = (to.path("cacert"), &entry.cacert) {
            to.set("cacert", Value::Path(cacert.into()));
        }
        let unchecked = ["false", "no", "off", "0"];
        if entry.verify.as_ref().is_some_and(|verify| unchecked.contains(&&*verify.to_ascii_lowercase())) {
            let message = "verify: false is not followed, secrets would go to anybody; name the certificate as cacert";
            return Err(SettingsError::of("cacert", message));
        }
        Ok(())
    }
}

/// A setting, and the cloud's words for it in the order of their rank.
type Named = (&'static str, &'static [&'static str]);

/// Settings that belong together.
const GROUPS: &[&[Named]] = &[
    &[("username", &["username", "user_name"]), ("user_id", &["user_id"])],
    &[
        ("user_domain_name", &["user_domain_name", "default_domain_name", "default_domain"]),
        ("user_domain_id", &["user_domain_id", "default_domain_id"]),
    ],
    &[("project_name", &["project_name", "tenant_name"]), ("project_id", &["project_id", "tenant_id"])],
    &[
        ("project_domain_name", &["project_domain_name", "default_domain_name", "default_domain"]),
        ("project_domain_id", &["project_domain_id", "default_domain_id"]),
    ],
    &[
        ("application_credential_id", &["application_credential_id"]),
        ("application_credential_name", &["application_credential_name"]),
    ],
];

/// The settings that hold secrets, and the cloud's words for them.
const SECRETS: &[(&str, &str)] =
    &[("password", "password"), ("application_credential_secret", "application_credential_secret"), ("token", "token")];

fn word(setting: &'static str, word: &str, known: &[&str]) -> Result<String, SettingsError> {
    if known.contains(&word) {
        return Ok(word.into());
    }
    Err(SettingsError::of(setting, format!("of the cloud is not known here; known: {}", known.join(", "))))
}

/// A file's clouds. What is wrong is said by its line alone: the parser would quote it, and it may be a secret.
#[cfg(feature = "clouds")]
fn parsed(path: &Path, text: &str, doing: &str) -> Result<File> {
    serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or_else(String::new, |at| format!(", line {}", at.line()));
        Error::config(doing, format!("{}{line} is not understood", path.display()))
            .hint("it must be YAML with clouds, a name, and the cloud's keys below it")
    })
}

/// Nobody comes here: without the feature no account has a cloud.
#[cfg(not(feature = "clouds"))]
fn parsed(path: &Path, _: &str, doing: &str) -> Result<File> {
    Err(Error::config(doing, format!("{} cannot be read by this driftless", path.display())))
}

/// The fuzzer's door: a file of any content, each cloud of which is taken for an account's.
#[cfg(fuzzing)]
pub fn fuzz(text: &str) {
    match parsed(Path::new("clouds.yaml"), text, "reading") {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(file) => {
            for (name, entry) in file.clouds {
                let (settings, clouds, secure) = (Settings::new("home"), Vec::new(), Vec::new());
                let cloud = Cloud { name, settings, clouds, secure };
                let _ = cloud.filled(&entry).and_then(|settings| Login::of(&settings));
                let _ = Entry::default().under(entry);
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "clouds")]
mod tests;

#[cfg(test)]
#[cfg(not(feature = "clouds"))]
mod left_out {
    use super::*;

    #[test]
    fn a_cloud_that_cannot_be_read_by_this_build_is_an_error_that_names_the_feature() {
        let settings = Settings::new("cloud").with("cloud", Value::Text("home".into()));
        let wrong = Source::of(&settings).err().unwrap();
        assert!(wrong.setting == Some("cloud") && wrong.to_string().contains("the feature `clouds`"), "{wrong}");
    }
}
