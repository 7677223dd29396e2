//! Domain names, normalised once at the door.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A fully qualified domain name: lower-case ASCII (internationalised labels as A-labels), no trailing dot, at most 253
/// octets, labels of 1 to 63 octets. A leading `*` label is allowed (RFC 4592), so are underscores (RFC 8552). Its text is
/// shared: a name stands in the configuration, the ledger and every plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is no domain name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError(String);

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// Reads a name as people and services write it: any case, with or without the trailing dot, Unicode or A-labels.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        if bare.is_empty() {
            return Err(NameError("the name is empty".into()));
        }
        if let Some(c) = bare.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(NameError(format!("a name cannot contain {c:?}")));
        }
        // IDNA would drop these silently, and the name would not be the one that was seen on the screen.
        if bare.contains(['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}']) {
            return Err(NameError("the name contains an invisible character".into()));
        }
        let ascii = if bare.is_ascii() {
            bare.to_ascii_lowercase()
        } else {
            let (star, rest) = bare.strip_prefix("*.").map_or(("", bare), |rest| ("*.", rest));
            let ascii = idna::domain_to_ascii(rest)
                .map_err(|_| NameError("this is not a valid internationalised name".into()))?;
            format!("{star}{ascii}")
        };
        if ascii.len() > 253 {
            return Err(NameError(format!("the name has {} octets, at most 253 are allowed", ascii.len())));
        }
        for (at, label) in ascii.split('.').enumerate() {
            check_label(label, at == 0)?;
        }
        Ok(Self(ascii.into()))
    }

    /// The name without a trailing dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with its trailing dot, as zone files and Designate write it.
    #[must_use]
    pub fn fqdn(&self) -> String {
        format!("{}.", self.0)
    }

    /// Whether this name is `zone` or lies below it.
    #[must_use]
    pub fn is_within(&self, zone: &Self) -> bool {
        self.relative_to(zone).is_some()
    }

    /// The part of this name in front of `zone`: `""` at the apex, `None` outside the zone.
    /// `www.example.org` relative to `example.org` is `www`.
    #[must_use]
    pub fn relative_to(&self, zone: &Self) -> Option<&str> {
        let front = self.0.strip_suffix(&*zone.0)?;
        if front.is_empty() { Some("") } else { front.strip_suffix('.') }
    }

    /// This name and its parents, longest first, down to two labels (or the name itself where it has only one).
    pub fn suffixes(&self) -> impl Iterator<Item = Self> + '_ {
        let mut rest = Some(&*self.0);
        std::iter::from_fn(move || {
            let here = rest?;
            rest = here.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
            Some(Self(here.into()))
        })
    }
}

/// Checks one label: RFC 1035 letters, digits and hyphens, and the underscore of RFC 8552; `*` only as the first label.
fn check_label(label: &str, first: bool) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError("two dots in a row, or a leading dot: a label is empty".into()));
    }
    if label.len() > 63 {
        return Err(NameError(format!("the label \"{label}\" has {} octets, at most 63 are allowed", label.len())));
    }
    if label == "*" {
        return if first { Ok(()) } else { Err(NameError("\"*\" can only be the first label".into())) };
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(NameError(format!("the label \"{label}\" starts or ends with a hyphen")));
    }
    match label.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
        Some(c) => Err(NameError(format!("a name cannot contain {c:?}"))),
        None => Ok(()),
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn case_trailing_dot_and_unicode_are_normalised() {
        assert_eq!(name("Home.EXAMPLE.org.").as_str(), "home.example.org");
        assert_eq!(name("bücher.example").as_str(), "xn--bcher-kva.example");
        assert_eq!(name("*.BÜCHER.example").as_str(), "*.xn--bcher-kva.example");
        assert_eq!(name("_dmarc.example.org").fqdn(), "_dmarc.example.org.");
    }

    #[test]
    fn what_is_no_name_says_why() {
        for bad in
            ["", ".", "a..b", ".a", "a b", "a/b", "-a.org", "a-.org", "a.*.org", "ex\u{200b}ample.org", "a\n.org"]
        {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Name::parse(&"a".repeat(64)).is_err());
        assert!(Name::parse(&["a".repeat(60).as_str(); 5].join(".")).is_err());
    }

    #[test]
    fn a_name_knows_its_place_in_a_zone() {
        let zone = name("example.org");
        assert_eq!(name("a.b.example.org").relative_to(&zone), Some("a.b"));
        assert_eq!(zone.relative_to(&zone), Some(""));
        assert_eq!(name("notexample.org").relative_to(&zone), None);
        let all: Vec<_> = name("a.b.example.org").suffixes().map(String::from).collect();
        assert_eq!(all, ["a.b.example.org", "b.example.org", "example.org"]);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_idempotent(text in "\\PC{0,80}") {
            if let Ok(once) = Name::parse(&text) {
                prop_assert_eq!(Name::parse(once.as_str()).unwrap(), once.clone());
                prop_assert_eq!(Name::parse(&once.fqdn()).unwrap(), once);
            }
        }
    }
}
