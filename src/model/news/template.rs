//! Texts that are filled in with a message: `{"content": "{title}"}`, each value escaped for the place that it comes to stand in.
//! Pure.

use std::fmt::Write as _;

use super::{Message, News};
use crate::model::record::{Values, list};

/// What can be filled in. Where a message has several news, what is said of one of them is said of the gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The account.
    Account,
    /// When the message was made (RFC 3339).
    At,
    /// How many news there are.
    Count,
    /// The kind of news.
    Event,
    /// What the record set holds.
    New,
    /// All news as a list in JSON.
    News,
    /// What it held before.
    Old,
    /// Why.
    Reason,
    /// The name.
    Record,
    /// Everything in words.
    Text,
    /// Everything in one line.
    Title,
    /// The type of the record set.
    Type,
}

impl Variable {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Account,
        Self::At,
        Self::Count,
        Self::Event,
        Self::New,
        Self::News,
        Self::Old,
        Self::Reason,
        Self::Record,
        Self::Text,
        Self::Title,
        Self::Type,
    ];

    /// The word between braces.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::At => "at",
            Self::Count => "count",
            Self::Event => "event",
            Self::New => "new",
            Self::News => "news",
            Self::Old => "old",
            Self::Reason => "reason",
            Self::Record => "record",
            Self::Text => "text",
            Self::Title => "title",
            Self::Type => "type",
        }
    }

    /// What it is in a message.
    #[must_use]
    pub fn of(self, message: &Message) -> String {
        let first = message.news.first();
        let id = first.and_then(|news| news.subject.id());
        let values =
            |of: fn(&News) -> &Values| first.map(of).filter(|values| !values.is_empty()).map(list).unwrap_or_default();
        match self {
            Self::Account => id.map(|id| id.account.to_string()).unwrap_or_default(),
            Self::At => message.at.to_string(),
            Self::Count => message.news.len().to_string(),
            Self::Event => first.map_or("test", |news| news.kind.word()).to_owned(),
            Self::New => values(|news| &news.new),
            Self::News => serde_json::to_string(&message.news).unwrap_or_default(),
            Self::Old => values(|news| &news.old),
            Self::Reason => first.map(|news| news.reason.clone()).unwrap_or_default(),
            Self::Record => first.map(|news| news.subject.name()).unwrap_or_default(),
            Self::Text => message.text.clone(),
            Self::Title => message.title.clone(),
            Self::Type => id.map(|id| id.key.rtype.to_string()).unwrap_or_default(),
        }
    }
}

/// Where values come to stand, and so how they are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Within a string of JSON; numbers and the list of news stand by themselves.
    Json,
    /// In a URL or a form: everything but letters, digits and `-._~` is percent-encoded.
    Url,
    /// In a text, as it is.
    Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(Variable),
}

/// A text with places to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Reads a template. A word of small letters between braces is filled in; braces otherwise stand for themselves, as JSON is full
    /// of them.
    ///
    /// # Errors
    /// The first word between braces that is not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, from)) = rest.split_once('{') {
            plain.push_str(before);
            let end = from.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            let Some(after) = after.strip_prefix('}').filter(|_| !word.is_empty()) else {
                plain.push('{');
                rest = from;
                continue;
            };
            let known = Variable::ALL.into_iter().find(|variable| variable.word() == word);
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Hole(known.ok_or_else(|| word.to_owned())?));
            rest = after;
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Self(parts))
    }

    /// The text for a message.
    #[must_use]
    pub fn render(&self, message: &Message, form: Form) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Hole(variable @ (Variable::News | Variable::Count)) if form == Form::Json => variable.of(message),
            Part::Hole(variable) => escaped(&variable.of(message), form),
        };
        self.0.iter().map(part).collect()
    }
}

/// A text as it may stand in a place.
#[must_use]
pub fn escaped(text: &str, form: Form) -> String {
    match form {
        Form::Text => text.to_owned(),
        Form::Json => {
            let quoted = serde_json::Value::from(text).to_string();
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
        }
        Form::Url => {
            let mut out = String::new();
            for octet in text.bytes() {
                if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                    out.push(char::from(octet));
                } else {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "%{octet:02X}");
                }
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{record, values};
    use super::super::{Kind, Message, News};
    use super::*;
    use crate::model::time::Wall;
    use proptest::prelude::*;

    fn message(reason: &str) -> Message {
        let changed = News {
            kind: Kind::Changed,
            subject: record("home.example.org"),
            old: values(&["192.0.2.1"]),
            new: values(&["192.0.2.2", "192.0.2.3"]),
            reason: reason.into(),
            since: None,
            times: 1,
        };
        Message::of(vec![changed], true, Wall(0))
    }

    #[test]
    fn each_word_stands_for_what_it_says() {
        let template = "{event} {record} {type} {account} {old} {new} {count} {at} {title} {text}";
        assert_eq!(
            Template::parse(template).unwrap().render(&message(""), Form::Text),
            "changed home.example.org A home 192.0.2.1 192.0.2.2, 192.0.2.3 1 1970-01-01T00:00:00Z \
             home.example.org: changed home.example.org A: 192.0.2.1 -> 192.0.2.2, 192.0.2.3"
        );
    }

    #[test]
    fn braces_of_json_stand_for_themselves_and_a_misspelt_word_does_not() {
        let json = r#"{"a":{"b":{}},"n":{count},"news":{news},"t":"{title}"}"#;
        let filled = Template::parse(json).unwrap().render(&message("\"\\\n}"), Form::Json);
        let value: serde_json::Value = serde_json::from_str(&filled).unwrap();
        assert_eq!((&value["n"], &value["t"]), (&1.into(), &"home.example.org: changed".into()));
        assert_eq!(value["news"][0]["reason"], "\"\\\n}");
        assert_eq!(Template::parse("{ttle}"), Err("ttle".into()));
        assert_eq!(
            Template::parse("{ title } {} {Title} {"),
            Ok(Template(vec![Part::Text("{ title } {} {Title} {".into())]))
        );
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_place(reason in ".{0,40}") {
            let message = message(&reason);
            let template = |text| Template::parse(text).unwrap();
            let json = template(r#"{"reason":"{reason}"}"#).render(&message, Form::Json);
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(value["reason"].as_str(), Some(reason.as_str()));
            let url = template("a={reason}").render(&message, Form::Url);
            prop_assert!(url.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._~%=".contains(&octet)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[{}a-z\" ]{0,30}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.render(&message(""), Form::Text);
            }
        }
    }
}
