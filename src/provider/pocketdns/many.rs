//! Records created in one call, each with its own outcome: the answer is matched with what was sent.

use super::api::{Bulk, Listed, New};
use super::rules::{self, Wanted};
use super::{BULK, PocketDns, against_the_rules, name_in, reply};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey, Value};
use crate::provider::shape::zones::Zone;

/// What was being done, for errors.
const DOING: &str = "creating records at PocketDNS";

impl PocketDns {
    /// Creates any number of records in calls of [`BULK`]; one answer each, in their order. A call that is refused as a whole for
    /// what it says is split until the culprit stands alone: the documentation does not say how many records are too many.
    pub(super) async fn make_all(&self, zone: &Zone, wanted: &[Wanted<'_>]) -> Vec<Result<Listed>> {
        let mut made = Vec::with_capacity(wanted.len());
        let mut waiting: Vec<&[Wanted<'_>]> = wanted.chunks(BULK).rev().collect();
        while let Some(chunk) = waiting.pop() {
            let (outcomes, whole) = self.attempt(zone, chunk).await;
            if whole {
                let (first, second) = chunk.split_at(chunk.len() / 2);
                waiting.extend([second, first]);
            } else {
                made.extend(outcomes);
            }
        }
        made
    }

    /// Creates records, at most as many as one call takes; one answer each, in their order. What breaks a rule is not sent, and
    /// keeps the others from nothing; a single one takes the plain call, whose answer leaves nothing open.
    pub(super) async fn make_many(&self, zone: &Zone, wanted: &[Wanted<'_>]) -> Vec<Result<Listed>> {
        self.attempt(zone, wanted).await.0
    }

    /// As [`Self::make_many`], and whether several were refused as a whole, for what was asked.
    async fn attempt(&self, zone: &Zone, wanted: &[Wanted<'_>]) -> (Vec<Result<Listed>>, bool) {
        let checked: Vec<Result<New>> =
            wanted.iter().map(|wanted| rules::new(zone, wanted).map_err(against_the_rules)).collect();
        let sent: Vec<New> = checked.iter().flatten().cloned().collect();
        let mut whole = false;
        let answers = match sent.as_slice() {
            [] => Vec::new(),
            [one] => vec![self.api.create(&zone.id, one).await],
            many => match self.api.create_many(&zone.id, many).await {
                Ok(bulk) => matched(zone, many, bulk),
                Err(refusal) => {
                    whole = refusal.kind == Kind::Config;
                    many.iter().map(|_| Err(refusal.clone())).collect()
                }
            },
        };
        let mut answers = answers.into_iter();
        let answer = |(wanted, checked): (&Wanted<'_>, Result<New>)| {
            let doing = self.doing("creating", RrsetKey::new(wanted.name.clone(), wanted.rtype));
            checked.and_then(|_| answers.next().unwrap_or_else(|| Err(unanswered()))).map_err(doing)
        };
        (wanted.iter().zip(checked).map(answer).collect(), whole)
    }
}

/// The outcome of each record that was sent. An answer that says nothing of one of them was not understood, for that one.
fn matched(zone: &Zone, sent: &[New], mut answer: Bulk) -> Vec<Result<Listed>> {
    let outcome = |new: &New| {
        let of = Key::new(zone, &new.rtype, &new.name, &new.content);
        let created =
            |made: &Listed| !made.id.is_empty() && Key::new(zone, &made.rtype, &made.name, &made.content) == of;
        if let Some(at) = answer.created.iter().position(created) {
            return Ok(answer.created.swap_remove(at));
        }
        let echo = |echo: &super::api::Echo| Key::new(zone, &echo.rtype, &echo.name, &echo.content) == of;
        match answer.errors.iter().position(|refused| echo(&refused.record)) {
            Some(at) => Err(reply::of_one(&answer.errors.swap_remove(at).error, DOING)),
            None => Err(unanswered()),
        }
    };
    sent.iter().map(outcome).collect()
}

fn unanswered() -> Error {
    Error::transient(DOING, "the answer was not understood: it does not say what became of this record")
}

/// What tells records of one call apart. Where a name or a type is none, it is compared as it is written.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    rtype: String,
    name: Result<Name, String>,
    value: Value,
}

impl Key {
    fn new(zone: &Zone, rtype: &str, name: &str, content: &str) -> Self {
        let rtype = rtype.to_ascii_uppercase();
        let known: Option<RecordType> = rtype.parse().ok();
        let value = known.and_then(|known| Value::parse(known, content).ok());
        let value = match value.unwrap_or_else(|| Value::Text(content.to_owned())) {
            // A host's name is the same in any case, with and without its last dot.
            Value::Text(text) if matches!(known, Some(RecordType::Cname | RecordType::Mx | RecordType::Ns)) => {
                Value::Text(text.trim_end_matches('.').to_ascii_lowercase())
            }
            value => value,
        };
        Self { rtype, name: name_in(&zone.name, name).ok_or_else(|| name.to_owned()), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Zone {
        Zone { id: "dom_abc123".into(), name: Name::parse("example.com").unwrap() }
    }

    fn new(rtype: &str, name: &str, content: &str) -> New {
        New { rtype: rtype.into(), name: name.into(), content: content.into(), ttl: None, priority: None }
    }

    fn outcomes(sent: &[New], answer: &str) -> Vec<Result<String>> {
        let bulk: Bulk = serde_json::from_str(answer).unwrap();
        matched(&zone(), sent, bulk).into_iter().map(|made| made.map(|listed| listed.id)).collect()
    }

    #[test]
    fn the_order_of_the_answer_and_the_way_it_is_written_do_not_matter() {
        let sent = [new("AAAA", "@", "2001:db8::1"), new("A", "www", "192.0.2.1"), new("CNAME", "b", "example.com")];
        let answer = r#"{"created":[
            {"id":"3","type":"CNAME","name":"B","content":"Example.com."},
            {"id":"2","type":"A","name":"www.example.com","content":"192.0.2.1"},
            {"id":"1","type":"AAAA","name":"@","content":"2001:DB8:0::1"}]}"#;
        assert_eq!(outcomes(&sent, answer), [Ok("1".into()), Ok("2".into()), Ok("3".into())]);
    }

    #[test]
    fn each_record_has_its_own_refusal_and_silence_is_no_success() {
        let sent = [new("A", "a", "192.0.2.1"), new("A", "b", "192.0.2.1"), new("A", "c", "192.0.2.1")];
        let answer = r#"{"created":[{"id":"1","type":"A","name":"c","content":"192.0.2.1"}],
            "errors":[{"record":{"type":"A","name":"a","content":"192.0.2.1"},"error":"Record already exists"}]}"#;
        let outcomes = outcomes(&sent, answer);
        assert_eq!(outcomes[0].as_ref().unwrap_err().kind, Kind::Stale);
        assert_eq!(outcomes[1].as_ref().unwrap_err().kind, Kind::Transient);
        assert_eq!(outcomes[2], Ok("1".into()));
    }

    #[test]
    fn two_of_the_same_are_answered_one_by_one() {
        let sent = [new("A", "a", "192.0.2.1"), new("A", "a", "192.0.2.1")];
        let answer = r#"{"created":[{"id":"1","type":"A","name":"a","content":"192.0.2.1"}],
            "errors":[{"record":{"type":"A","name":"a","content":"192.0.2.1"},"error":"Record already exists"}]}"#;
        let outcomes = outcomes(&sent, answer);
        assert_eq!(outcomes[0], Ok("1".into()));
        assert_eq!(outcomes[1].as_ref().unwrap_err().kind, Kind::Stale);
    }

    #[test]
    fn a_record_without_an_id_was_not_created() {
        let sent = [new("A", "a", "192.0.2.1")];
        let answer = r#"{"created":[{"id":"","type":"A","name":"a","content":"192.0.2.1"}],"errors":[]}"#;
        assert_eq!(outcomes(&sent, answer)[0].as_ref().unwrap_err().kind, Kind::Transient);
    }
}
