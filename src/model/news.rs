//! What people are told: the kinds of news there are, and the message that some of them make. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::desired::Id;
use super::record::{Family, Values, list};
use super::time::Wall;

mod fact;
pub mod teller;
pub mod template;

/// So many record sets are named where the same is said of several.
const NAMED: usize = 5;
/// So many lines a message has.
const LINES: usize = 20;

/// What can be news. The gravest come first, in a message too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A record set is not tried again until something changes or a person acts.
    Held,
    /// A record set has been failing for so long.
    Failing,
    /// The address of a record set has been unknown for so long.
    Unknown,
    /// The internet provider translates: nobody can connect from outside.
    BehindCarrierNat,
    /// What was told to be in trouble is well.
    Recovered,
    /// A record set holds other values.
    Changed,
}

impl Kind {
    /// All of them, the gravest first.
    pub const ALL: [Self; 6] =
        [Self::Held, Self::Failing, Self::Unknown, Self::BehindCarrierNat, Self::Recovered, Self::Changed];

    /// The word in the configuration and in what programs are given.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
            Self::BehindCarrierNat => "behind_carrier_nat",
            Self::Recovered => "recovered",
            Self::Changed => "changed",
        }
    }

    /// Whether it may pass by itself, so that it is news only when it has lasted.
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(self, Self::BehindCarrierNat | Self::Failing | Self::Unknown)
    }

    /// What it is called in a title.
    fn title(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failing => "failing",
            Self::Unknown => "address unknown",
            Self::BehindCarrierNat => "behind a carrier's NAT",
            Self::Recovered => "recovered",
            Self::Changed => "changed",
        }
    }
}

/// What news are about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A record set.
    Record(Id),
    /// A family of this machine's addresses.
    Family(Family),
}

impl Subject {
    /// The record set, if it is one.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::Record(id) => Some(id),
            Self::Family(_) => None,
        }
    }

    /// What it is called in a title: both families of a name are one thing.
    fn name(&self) -> String {
        match self {
            Self::Record(id) => id.key.name.to_string(),
            Self::Family(family) => family.to_string(),
        }
    }

    /// What it is called in a line.
    fn key(&self) -> String {
        match self {
            Self::Record(id) => id.key.to_string(),
            Self::Family(family) => family.to_string(),
        }
    }
}

/// One thing that people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What happened.
    pub kind: Kind,
    /// To what.
    pub subject: Subject,
    /// What it held before, where that changed.
    pub old: Values,
    /// What it is known to hold.
    pub new: Values,
    /// Why, in words; empty where there is nothing to say.
    pub reason: String,
    /// Since when, of what lasts.
    pub since: Option<Wall>,
    /// How often it changed since it was last told; 1 unless more was passed over.
    pub times: u32,
}

/// News as programs are given them.
#[derive(Serialize)]
struct Shown<'a> {
    event: Kind,
    record: Option<&'a str>,
    #[serde(rename = "type")]
    rtype: Option<String>,
    account: Option<&'a str>,
    family: Option<Family>,
    old: Vec<String>,
    new: Vec<String>,
    reason: &'a str,
    since: Option<String>,
    times: u32,
}

impl Serialize for News {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = self.subject.id();
        let texts = |values: &Values| values.iter().map(ToString::to_string).collect();
        Shown {
            event: self.kind,
            record: id.map(|id| id.key.name.as_str()),
            rtype: id.map(|id| id.key.rtype.to_string()),
            account: id.map(|id| id.account.0.as_str()),
            family: match &self.subject {
                Subject::Family(family) => Some(*family),
                Subject::Record(id) => id.key.rtype.family(),
            },
            old: texts(&self.old),
            new: texts(&self.new),
            reason: &self.reason,
            since: self.since.map(|since| since.to_string()),
            times: self.times,
        }
        .serialize(serializer)
    }
}

impl News {
    /// What is said of it in words, but for its name.
    fn says(&self) -> String {
        let at = self.subject.id().map(|id| format!(" at {}", id.account)).unwrap_or_default();
        let since = self.since.map(|since| format!(" since {since}")).unwrap_or_default();
        let why = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        let often = if self.times > 1 { format!(" ({} changes)", self.times) } else { String::new() };
        match self.kind {
            Kind::Held => format!("held{at}{why}"),
            Kind::Failing => format!("failing{at}{since}{why}"),
            Kind::Unknown => format!("left as it is, the address is unknown{since}{why}"),
            Kind::BehindCarrierNat => format!("behind a carrier's NAT{why}"),
            Kind::Recovered if self.new.is_empty() => format!("well again{why}"),
            Kind::Recovered => format!("well again, holds {}{why}", list(&self.new)),
            Kind::Changed if self.old.is_empty() => format!("holds {}{often}", list(&self.new)),
            Kind::Changed if self.new.is_empty() => format!("removed, held {}{often}", list(&self.old)),
            Kind::Changed => format!("{} -> {}{often}", list(&self.old), list(&self.new)),
        }
    }
}

/// What is sent to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When it was made.
    pub at: Wall,
    /// Whether nothing is in trouble that has lasted.
    pub well: bool,
    /// Everything in one line.
    pub title: String,
    /// Everything in words, a line each, at most some twenty.
    pub text: String,
    /// What there is to tell, the gravest first; none in a sign of life, or in a test.
    pub news: Vec<News>,
}

impl Message {
    /// A message of these news.
    #[must_use]
    pub fn of(mut news: Vec<News>, well: bool, at: Wall) -> Self {
        news.sort_by(|one, other| (one.kind, &one.subject).cmp(&(other.kind, &other.subject)));
        let mut said: Vec<(String, Vec<String>)> = Vec::new();
        let mut places = BTreeMap::new();
        for one in &news {
            let says = one.says();
            let place = *places.entry(says.clone()).or_insert_with(|| {
                said.push((says, Vec::new()));
                said.len() - 1
            });
            if let Some((_, keys)) = said.get_mut(place) {
                keys.push(one.subject.key());
            }
        }
        let more: usize = said.iter().skip(LINES).map(|(_, keys)| keys.len()).sum();
        let line = |(says, keys): &(String, Vec<String>)| format!("{}: {says}", some_of(keys));
        let mut lines: Vec<String> = said.iter().take(LINES).map(line).collect();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        Self { at, well, title: title(&news), text: lines.join("\n"), news }
    }

    /// A message that says this and nothing else: a test, or a sign of life.
    #[must_use]
    pub fn saying(title: impl Into<String>, text: impl Into<String>, well: bool, at: Wall) -> Self {
        Self { at, well, title: title.into(), text: text.into(), news: Vec::new() }
    }
}

/// What happened to whom, in one line.
fn title(news: &[News]) -> String {
    let mut names: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for one in news {
        names.entry(one.kind).or_default().insert(one.subject.name());
    }
    let part = |(kind, names): (&Kind, &BTreeSet<String>)| match (names.first(), names.len()) {
        (Some(only), 1) => format!("{only}: {}", kind.title()),
        (_, several) => format!("{several} names: {}", kind.title()),
    };
    names.iter().map(part).collect::<Vec<_>>().join("; ")
}

/// The first of these names, and how many more there are.
#[must_use]
pub fn some_of(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::desired::AccountName;
    use crate::model::name::Name;
    use crate::model::record::{RecordType, RrsetKey, Value};

    pub(crate) fn record(name: &str) -> Subject {
        let key = RrsetKey::new(Name::parse(name).unwrap(), RecordType::A);
        Subject::Record(Id { account: AccountName("home".into()), key })
    }

    pub(crate) fn values(addresses: &[&str]) -> Values {
        addresses.iter().map(|address| Value::parse(RecordType::A, address).unwrap()).collect()
    }

    fn news(kind: Kind, name: &str, old: &[&str], new: &[&str], reason: &str) -> News {
        let (old, new) = (values(old), values(new));
        News { kind, subject: record(name), old, new, reason: reason.into(), since: None, times: 1 }
    }

    #[test]
    fn a_message_says_everything_once_the_gravest_first() {
        let message = Message::of(
            vec![
                news(Kind::Changed, "a.example.org", &["192.0.2.1"], &["192.0.2.2"], ""),
                news(Kind::Recovered, "c.example.org", &[], &["192.0.2.2"], ""),
                news(Kind::Held, "b.example.org", &[], &[], "the password is refused"),
                News { times: 3, ..news(Kind::Changed, "d.example.org", &["192.0.2.1"], &[], "") },
            ],
            false,
            Wall(0),
        );
        assert_eq!(message.title, "b.example.org: held; c.example.org: recovered; 2 names: changed");
        assert_eq!(
            message.text.lines().collect::<Vec<_>>(),
            [
                "b.example.org A: held at home: the password is refused",
                "c.example.org A: well again, holds 192.0.2.2",
                "a.example.org A: 192.0.2.1 -> 192.0.2.2",
                "d.example.org A: removed, held 192.0.2.1 (3 changes)",
            ]
        );
    }

    #[test]
    fn a_thousand_names_are_one_short_message() {
        let name = |number| format!("n{number:04}.example.org");
        let alike = (0..1000).map(|n| news(Kind::Changed, &name(n), &["192.0.2.1"], &["192.0.2.2"], ""));
        let message = Message::of(alike.collect(), true, Wall(0));
        assert_eq!(message.title, "1000 names: changed");
        assert!(message.text.ends_with("n0004.example.org A and 995 more: 192.0.2.1 -> 192.0.2.2"), "{}", message.text);
        let unlike = (0..1000).map(|n| news(Kind::Held, &name(n), &[], &[], &format!("because of {n}")));
        let message = Message::of(unlike.collect(), true, Wall(0));
        assert_eq!(message.text.lines().count(), LINES + 1);
        assert!(message.text.ends_with("\nand 980 more"), "{}", message.text);
    }

    #[test]
    fn programs_are_given_every_part() {
        let one = news(Kind::Changed, "a.example.org", &["192.0.2.1"], &["192.0.2.2"], "");
        assert_eq!(
            serde_json::to_value(&one).unwrap(),
            serde_json::json!({
                "event": "changed", "record": "a.example.org", "type": "A", "account": "home", "family": "ipv4",
                "old": ["192.0.2.1"], "new": ["192.0.2.2"], "reason": "", "since": null, "times": 1,
            })
        );
    }
}
