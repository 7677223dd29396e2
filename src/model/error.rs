//! One error type, sorted by what happens next.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a refusal applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One record set.
    RecordSet,
    /// The account: one login at one provider.
    Account,
    /// Every account at the service (the client itself was refused).
    Service,
}

/// What happens next. A new kind is right only when it brings a new reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It may work later: back off, for ever.
    Transient,
    /// The service asked for a pause, from now; `None` where it did not say how long.
    RateLimited {
        /// How long to wait from now.
        after: Option<Duration>,
    },
    /// What we remembered is out of date: read and plan again once at once, then back off.
    Stale,
    /// Credentials or rights were refused: hold that scope until they change.
    Auth {
        /// What is refused.
        scope: Scope,
    },
    /// What we asked was wrong: hold the record set until the settings or the want change.
    Config,
    /// The service blocked the record set for abuse: hold until a person releases it.
    Abuse,
}

impl Kind {
    /// The exit code of a one-shot command that ended with this error (sysexits.h).
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Transient | Self::RateLimited { .. } | Self::Stale => 75,
            Self::Auth { .. } => 77,
            Self::Config | Self::Abuse => 78,
        }
    }

    /// One word for logs and status.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited { .. } => "asked for a pause",
            Self::Stale => "stale",
            Self::Auth { .. } => "not authorised",
            Self::Config => "refused",
            Self::Abuse => "blocked for abuse",
        }
    }
}

/// What went wrong: doing what, why, and what to do about it. Never holds a secret or a URL's query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What happens next.
    pub kind: Kind,
    /// What was being done, to which name: `updating home.example.org A`.
    pub doing: String,
    /// Why it failed, in the service's words where it gave some.
    pub why: String,
    /// What a person can do, where there is something.
    pub hint: Option<String>,
    /// Nothing was sent for it: the call failed on this side, and counts against no budget.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
}

/// The result of anything that talks to a service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code of a one-shot command that ended with it. Credentials that were never sent were refused by nobody: the
    /// configuration is wrong, or a file that it names.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.is_unusable() { Kind::Config.exit_code() } else { self.kind.exit_code() }
    }

    /// One word for logs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.is_unusable() { "unusable here" } else { self.kind.word() }
    }

    fn is_unusable(&self) -> bool {
        self.unsent && matches!(self.kind, Kind::Auth { .. })
    }

    /// An error of a kind.
    #[must_use]
    pub fn new(kind: Kind, doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), why: why.into(), hint: None, unsent: false }
    }

    /// It may work later.
    #[must_use]
    pub fn transient(doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Kind::Transient, doing, why)
    }

    /// The service wants a pause.
    #[must_use]
    pub fn rate_limited(after: Option<Duration>, doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Kind::RateLimited { after }, doing, why)
    }

    /// What we remembered is out of date.
    #[must_use]
    pub fn stale(doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Kind::Stale, doing, why)
    }

    /// Credentials or rights were refused.
    #[must_use]
    pub fn auth(scope: Scope, doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Kind::Auth { scope }, doing, why)
    }

    /// What we asked was wrong.
    #[must_use]
    pub fn config(doing: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Kind::Config, doing, why)
    }

    /// The same error with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, of a call that was never made.
    #[must_use]
    pub fn unsent(mut self) -> Self {
        self.unsent = true;
        self
    }

    /// The same error, met while doing something else.
    #[must_use]
    pub fn doing(mut self, doing: impl Into<String>) -> Self {
        self.doing = doing.into();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.why)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
