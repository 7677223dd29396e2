//! What an account can be told: the settings that a provider declares, and their checked values.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;

use crate::model::name::Name;
use crate::net::http::shown;
use crate::os::secret::Secret;

/// One key of an account's table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key, in snake_case.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether the account cannot do without it (checked by the configuration; a variable counts).
    pub required: bool,
    /// An environment variable that stands in where the key is missing (`OS_AUTH_URL`), or `""`.
    pub variable: &'static str,
    /// One sentence for people: meaning, unit, default.
    pub help: &'static str,
    /// Whether it says which login at which service this is, or what is sent there: with another value nothing that was learnt
    /// before counts. So it is unless [`Setting::detail`] says otherwise.
    pub tells_apart: bool,
}

impl Setting {
    /// An optional setting without a variable.
    #[must_use]
    pub const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, kind, required: false, variable: "", help, tells_apart: true }
    }

    /// A required setting without a variable.
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, kind, required: true, variable: "", help, tells_apart: true }
    }

    /// The same setting as a detail: with another value it is the same login at the same service, and what was learnt there
    /// still holds.
    #[must_use]
    pub const fn detail(mut self) -> Self {
        self.tells_apart = false;
        self
    }

    /// The same setting with a variable that stands in for it.
    #[must_use]
    pub const fn or_variable(mut self, variable: &'static str) -> Self {
        self.variable = variable;
        self
    }
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of several lines.
    Lines,
    /// Any text that is not empty.
    Text,
    /// A list of texts.
    Texts,
    /// A secret: `{ file = … }`, `{ credential = … }`, `{ env = … }` or a string.
    Secret,
    /// An absolute `https` or `http` URL.
    Url,
    /// A domain name.
    Name,
    /// A file or folder.
    Path,
    /// A file that is replaced as a whole: its folder must be writable.
    Replaced,
    /// A duration: `"30s"`, `"5m"`, `"1h 30m"`.
    Duration,
    /// A whole number within bounds, both included.
    Number(u32, u32),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A command as an argument vector: `["/usr/sbin/rndc", "reload"]`. Never a shell line.
    Command,
}

/// What it holds, in words.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lines | Self::Text => "text",
            Self::Texts => "list of texts",
            Self::Secret => "secret",
            Self::Url => "URL",
            Self::Name => "domain name",
            Self::Path | Self::Replaced => "path",
            Self::Duration => "duration",
            Self::Number(least, most) => return write!(f, "{least} to {most}"),
            Self::Flag => "true or false",
            Self::Choice(words) => return f.write_str(&words.join(", ")),
            Self::Command => "command as a list",
        })
    }
}

/// A checked value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Of `Lines`, `Text` and `Choice`.
    Text(String),
    /// Of `Texts` and `Command`.
    Texts(Vec<String>),
    /// Of `Secret`.
    Secret(Secret),
    /// Of `Url`.
    Url(Url),
    /// Of `Name`.
    Name(Name),
    /// Of `Path` and `Replaced`.
    Path(PathBuf),
    /// Of `Duration`.
    Duration(Duration),
    /// Of `Number`.
    Number(u32),
    /// Of `Flag`.
    Flag(bool),
}

/// The checked settings of one account: each value is of its setting's kind, the required ones are there.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The account's name, for messages.
    pub account: String,
    values: BTreeMap<&'static str, Value>,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $variant:ident -> $out:ty = $conv:expr;)+) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(&self, name: &str) -> Option<$out> {
            match self.values.get(name) {
                Some(Value::$variant(value)) => Some($conv(value)),
                _ => None,
            }
        }
    )+};
}

impl Settings {
    /// The settings of the account called `account`, empty.
    #[must_use]
    pub fn new(account: impl Into<String>) -> Self {
        Self { account: account.into(), values: BTreeMap::new() }
    }

    /// Adds a value.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.values.insert(name, value);
    }

    /// The same settings with one value more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.set(name, value);
        self
    }

    /// The same settings with secrets as their files hold them now, so that they can be looked at without input or output. What cannot be
    /// read stays as it is.
    #[must_use]
    pub fn read(mut self) -> Self {
        for value in self.values.values_mut() {
            if let Value::Secret(secret) = value
                && let Ok(content) = secret.read()
            {
                *value = Value::Secret(Secret::Inline(content));
            }
        }
        self
    }

    getters! {
        /// A text or a choice.
        text: Text -> &str = String::as_str;
        /// A list of texts or a command.
        texts: Texts -> &[String] = Vec::as_slice;
        /// A secret.
        secret: Secret -> &Secret = std::convert::identity;
        /// A URL.
        url: Url -> &Url = std::convert::identity;
        /// A domain name.
        domain: Name -> &Name = std::convert::identity;
        /// A path.
        path: Path -> &Path = PathBuf::as_path;
        /// A duration.
        duration: Duration -> Duration = |value: &Duration| *value;
        /// A number.
        number: Number -> u32 = |value: &u32| *value;
        /// A flag.
        flag: Flag -> bool = |value: &bool| *value;
    }

    /// Every setting and every secret's content, told apart: the input of the fingerprint that a hold remembers.
    /// A secret that cannot be read counts as such.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        use secrecy::ExposeSecret;
        self.told_apart(|_, value| match value {
            Value::Secret(secret) => Some(match secret.read() {
                Ok(content) => content.expose_secret().to_owned(),
                // Mended in part, it is another trouble.
                Err(error) => format!("\u{0}{}", error.why),
            }),
            other => Some(format!("{other:?}")),
        })
    }

    /// Every setting that `declared` says to tell logins apart and that is no secret, URLs without their queries: which login at
    /// which service this is. With others, what was confirmed there says nothing of here; with another password alone, it does.
    #[must_use]
    pub fn identity(&self, declared: &[Setting]) -> Vec<u8> {
        let is_detail = |name: &str| declared.iter().any(|setting| setting.name == name && !setting.tells_apart);
        self.told_apart(|name, value| match value {
            _ if is_detail(name) => None,
            Value::Secret(_) => None,
            Value::Url(url) => Some(shown(url)),
            other => Some(format!("{other:?}")),
        })
    }

    fn told_apart(&self, tell: impl Fn(&str, &Value) -> Option<String>) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in &self.values {
            let text = tell(name, value);
            let Some(text) = text else { continue };
            for part in [name.as_bytes(), text.as_bytes()] {
                out.extend_from_slice(&(part.len() as u64).to_le_bytes());
                out.extend_from_slice(part);
            }
        }
        out
    }
}

/// Settings that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// The setting to point at; `None` for the account as a whole.
    pub setting: Option<&'static str>,
    /// What is wrong and what to write.
    pub message: String,
}

impl SettingsError {
    /// An error of one setting.
    #[must_use]
    pub fn of(setting: &'static str, message: impl Into<String>) -> Self {
        Self { setting: Some(setting), message: message.into() }
    }

    /// An error of the account as a whole.
    #[must_use]
    pub fn whole(message: impl Into<String>) -> Self {
        Self { setting: None, message: message.into() }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.setting {
            Some(setting) => write!(f, "{setting}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for SettingsError {}

/// The URL that a text is, `https` or `http`.
///
/// # Errors
/// Why it is none. It is not repeated: it may hold a secret.
pub fn parse_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(url),
        Ok(_) => Err("the URL must start with https:// or http://".into()),
        Err(why) if text.starts_with("https:") || text.starts_with("http:") => Err(format!("this is no URL: {why}")),
        Err(_) => Err("this is no URL: it starts with https:// or http://".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_unreadable_for_another_reason_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let settings = Settings::new("home").with("token", Value::Secret(Secret::File(path.clone())));
        let missing = settings.canonical();
        assert_eq!(settings.canonical(), missing);
        std::fs::write(&path, "").unwrap();
        let empty = settings.canonical();
        assert_ne!(empty, missing);
        std::fs::write(&path, "token").unwrap();
        assert_ne!(settings.canonical(), empty);
    }
}
