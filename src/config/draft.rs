//! A configuration that was asked for and not typed: from answers to a text that says what it means.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::input::{beside, mode};
use super::meant::Config;
use super::problem::{ConfigErrors, Warning};
use super::{Input, suggest};
use crate::model::name::Name;
use crate::model::record::Family;
use crate::net::http::Http;
use crate::os::secret;
use crate::provider::setting::{Kind, Setting, SettingsError};
use crate::provider::{Entry, Tools};

/// Where the addresses come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// From the machine first, and then the world.
    Auto,
    /// From the interface of the default route.
    Interface,
    /// From the interface of this name.
    InterfaceNamed(String),
}

impl Addresses {
    /// What a person typed: the words are those of the configuration, and anything else is the name of an interface.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        match text {
            "auto" => Self::Auto,
            "interface" => Self::Interface,
            name => Self::InterfaceNamed(name.to_owned()),
        }
    }
}

/// What was answered: one account, and the names that it publishes.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What the account is called.
    pub account: String,
    /// Its provider.
    pub entry: &'static Entry,
    /// Its settings as they were typed; of a secret, the file that holds it.
    pub settings: Vec<(&'static Setting, String)>,
    /// The names, at least one.
    pub names: Vec<Name>,
    /// The families that are published, at least one.
    pub families: Vec<Family>,
    /// Where the addresses come from.
    pub addresses: Addresses,
    /// Whether the service manager hands over the secrets, as the credentials of [`Draft::credentials`].
    pub credentials: bool,
}

/// Why a draft is no configuration.
#[derive(Debug)]
pub enum Flaw {
    /// Of the text, as `driftless check` would say it.
    Text(ConfigErrors),
    /// The settings of the account do not fit together.
    Account(SettingsError),
}

impl Draft {
    /// The text of the file. It holds no secret.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { account, entry, settings, names, families, addresses, .. } = self;
        let mut text = format!(
            "# The configuration of driftless, as `driftless init` wrote it. Every key there is: driftless.toml(5).\n\
             # After a change: driftless check, then systemctl reload driftless.\n\n\
             # {}. Further keys: driftless providers {}\n[account.{account}]\nprovider = {}\n",
            entry.title,
            entry.name,
            quoted(entry.name)
        );
        // Writing to a string cannot fail.
        for (setting, typed) in settings {
            let value = match setting.kind {
                Kind::Secret if self.credentials => {
                    format!("{{ credential = {} }}", quoted(&self.credential(setting)))
                }
                kind => value(kind, typed),
            };
            let _ = writeln!(text, "# {}\n{} = {value}", setting.help, setting.name);
        }
        let source = match addresses {
            Addresses::Auto => None,
            Addresses::Interface => Some(quoted("interface")),
            Addresses::InterfaceNamed(name) => Some(format!("{{ interface = {} }}", quoted(name))),
        };
        if let Some(source) = source {
            text += "\n# Where the addresses come from; left out, the machine is asked before the world.\n[address.default]\n";
            for family in families {
                let _ = writeln!(text, "{} = {source}", key(*family));
            }
        }
        text += "\n# What is published.\n[[record]]\n";
        let list: Vec<String> = names.iter().map(|name| quoted(name.as_str())).collect();
        match list.as_slice() {
            [only] => text += &format!("name = {only}\n"),
            several => text += &format!("names = [{}]\n", several.join(", ")),
        }
        let _ = writeln!(text, "account = {}", quoted(account));
        for family in Family::ALL.into_iter().filter(|family| !families.contains(family)) {
            let _ = writeln!(text, "{} = \"off\"", key(family));
        }
        text
    }

    /// What the text means when it stands at `path`, read as every configuration is. Asks nobody.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn meant(&self, path: &Path) -> Result<Config, Flaw> {
        let files = vec![(path.to_owned(), self.text())];
        let input = Input { files, variables: beside(BTreeMap::new()), ..Input::default() };
        let config = Config::load(&input).map_err(Flaw::Text)?;
        for account in config.accounts.values() {
            let tools = Tools { http: Http::new(None) };
            (account.entry.build)(&account.settings, &tools).map_err(Flaw::Account)?;
        }
        Ok(config)
    }

    /// What a person should look at of what was answered, as `driftless check` would say it once the files are there.
    #[must_use]
    pub fn warnings(&self, path: &Path) -> Vec<Warning> {
        // Before the first start there are no credentials: their files are looked at.
        let files = Self { credentials: false, ..self.clone() };
        let input = Input { files: vec![(path.to_owned(), files.text())], mode, ..Input::default() };
        Config::load(&input).map(|config| config.warnings).unwrap_or_default()
    }

    /// The credentials with the files that hold them, where the service manager hands over the secrets.
    #[must_use]
    pub fn credentials(&self) -> Vec<(String, PathBuf)> {
        let secrets = self.settings.iter().filter(|(setting, _)| self.credentials && setting.kind == Kind::Secret);
        secrets.map(|(setting, path)| (self.credential(setting), path.into())).collect()
    }

    /// What the credential for a setting is called.
    fn credential(&self, setting: &Setting) -> String {
        format!("{}-{}", self.account, setting.name)
    }
}

/// Whether a setting can be what was typed. What is secret is not repeated.
///
/// # Errors
/// Why it cannot.
pub fn may_be(setting: &Setting, typed: &str) -> Result<(), String> {
    if typed.trim().is_empty() {
        return Err(format!("{} must not be empty", setting.name));
    }
    match setting.kind {
        Kind::Secret => secret::flaw(typed).map_or(Ok(()), |flaw| Err(format!("this is no secret: {flaw}"))),
        Kind::Choice(words) if !words.contains(&typed) => {
            Err(format!("{} is one of these{}", setting.name, suggest(typed, "there are", words.iter().copied())))
        }
        Kind::Flag if !["true", "false"].contains(&typed) => Err(format!("{} is true or false", setting.name)),
        Kind::Number(least, most) if !typed.parse().is_ok_and(|number: u32| (least..=most).contains(&number)) => {
            Err(format!("{} is a number from {least} to {most}", setting.name))
        }
        Kind::Url if !(typed.starts_with("https://") || typed.starts_with("http://")) => {
            Err(format!("{} is a URL: it starts with https:// (or http://, where nobody listens in)", setting.name))
        }
        Kind::Path | Kind::Replaced if !typed.starts_with('/') => {
            Err(format!("{} is an absolute path: it starts with \"/\"", setting.name))
        }
        Kind::Name => Name::parse(typed).map(drop).map_err(|error| error.to_string()),
        _ if typed.contains(char::is_control) => Err(format!("{} has a control character in it", setting.name)),
        _ => Ok(()),
    }
}

fn key(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ipv4",
        Family::Ipv6 => "ipv6",
    }
}

fn value(kind: Kind, typed: &str) -> String {
    match kind {
        Kind::Secret => format!("{{ file = {} }}", quoted(typed)),
        Kind::Number(..) | Kind::Flag => typed.to_owned(),
        Kind::Texts => list(typed.split([',', ' ']).filter(|word| !word.is_empty())),
        Kind::Command => list(typed.split_whitespace()),
        Kind::Lines
        | Kind::Text
        | Kind::Url
        | Kind::Name
        | Kind::Path
        | Kind::Replaced
        | Kind::Duration
        | Kind::Choice(_) => quoted(typed),
    }
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", words.map(quoted).collect::<Vec<_>>().join(", "))
}

/// A text as TOML's basic string, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn draft(provider: &str, settings: &[(&str, &str)]) -> Draft {
        let entry = provider::find(provider).unwrap();
        let of = |(name, typed): &(&str, &str)| {
            (entry.settings.iter().find(|setting| setting.name == *name).unwrap(), (*typed).to_owned())
        };
        Draft {
            account: "home".into(),
            entry,
            settings: settings.iter().map(of).collect(),
            names: vec![Name::parse("home.example.org").unwrap()],
            families: Family::ALL.to_vec(),
            addresses: Addresses::Auto,
            credentials: false,
        }
    }

    fn dyndns2(username: &str) -> Draft {
        let server = ("server", "https://dyndns.example.net");
        draft("dyndns2", &[server, ("username", username), ("password", "/etc/driftless/home-password")])
    }

    #[test]
    fn what_was_answered_is_what_is_meant() {
        let mut draft = dyndns2("me \"\\ü");
        draft.families = vec![Family::Ipv6];
        draft.addresses = Addresses::typed("ppp0");
        draft.names.push(Name::parse("www.example.org").unwrap());
        let config = draft.meant(Path::new("/etc/driftless/driftless.toml")).unwrap_or_else(|flaw| panic!("{flaw:?}"));
        assert_eq!(config.accounts["home"].settings.text("username"), Some("me \"\\ü"));
        assert_eq!((config.records.len(), config.warnings.len()), (2, 0), "{:?}", config.warnings);
        let types: Vec<_> = config.records.iter().flat_map(|record| record.types()).collect();
        assert!(types.iter().all(|rtype| rtype.family() == Some(Family::Ipv6)), "{types:?}");
        assert!(format!("{:?}", config.records[0].ipv6).contains("ppp0"));
    }

    #[test]
    fn the_word_interface_is_that_of_the_default_route_as_in_the_configuration() {
        let draft = Draft { addresses: Addresses::typed("interface"), ..dyndns2("me") };
        assert!(draft.text().contains("\nipv4 = \"interface\"\n"), "{}", draft.text());
        let config = draft.meant(Path::new("/d.toml")).unwrap_or_else(|flaw| panic!("{flaw:?}"));
        let default = crate::config::meant::InterfaceSource::default();
        assert_eq!(config.records[0].ipv6, crate::config::meant::Source::Interface(default));
    }

    #[test]
    fn every_provider_with_its_required_settings_can_be_drafted() {
        for entry in provider::REGISTRY {
            let typed = |setting: &Setting| match setting.kind {
                Kind::Secret => "/etc/driftless/secret".to_owned(),
                Kind::Url => "https://api.example.net".to_owned(),
                Kind::Path | Kind::Replaced => "/var/lib/zones/zone".to_owned(),
                _ => "abcdefghijklmnop".to_owned(),
            };
            let needed = entry.settings.iter().filter(|setting| setting.required);
            let needed: Vec<(&str, String)> = needed.map(|setting| (setting.name, typed(setting))).collect();
            let needed: Vec<(&str, &str)> = needed.iter().map(|(name, typed)| (*name, typed.as_str())).collect();
            match draft(entry.name, &needed).meant(Path::new("/d.toml")) {
                Ok(_) | Err(Flaw::Account(_)) => {}
                Err(Flaw::Text(errors)) => panic!("{}: {errors}", entry.name),
            }
        }
    }

    #[test]
    fn what_is_handed_over_is_a_credential_with_its_file() {
        let draft = Draft { credentials: true, ..dyndns2("me") };
        assert!(draft.text().contains("password = { credential = \"home-password\" }"), "{}", draft.text());
        assert_eq!(draft.credentials(), [("home-password".to_owned(), "/etc/driftless/home-password".into())]);
        let config = draft.meant(Path::new("/etc/driftless/driftless.toml")).unwrap_or_else(|flaw| panic!("{flaw:?}"));
        assert_eq!(config.warnings.len(), 0, "{:?}", config.warnings);
        let missing = draft.warnings(Path::new("/etc/driftless/driftless.toml"));
        assert!(missing.iter().any(|warning| warning.message.contains("/etc/driftless/home-password")), "{missing:?}");
        assert_eq!(dyndns2("me").credentials(), []);
    }

    #[test]
    fn an_answer_that_cannot_be_is_refused_at_once_and_a_secret_not_repeated() {
        let refused = |kind, typed: &str| may_be(&Setting::required("key", kind, ""), typed).err().unwrap_or_default();
        assert!(refused(Kind::Choice(&["uk", "us"]), "usa").contains("did you mean us?"));
        assert!(refused(Kind::Number(1, 50), "51").contains("1 to 50"));
        assert!(refused(Kind::Url, "dyndns.example.net").contains("https://"));
        assert!(refused(Kind::Path, "zone").contains("absolute"));
        assert!(refused(Kind::Flag, "yes").contains("true or false"));
        assert!(refused(Kind::Name, "a..b").contains("label"));
        assert!(refused(Kind::Text, " ").contains("empty") && refused(Kind::Text, "a\u{1b}").contains("control"));
        let secret = refused(Kind::Secret, "hunter2\u{1b}");
        assert!(secret.contains("control") && !secret.contains("hunter2"), "{secret}");
        assert_eq!(refused(Kind::Secret, "hunter2"), "");
    }
}
