//! Changes from what is wanted to what became of each: checked, sent in one call, followed, and told apart where a call failed.

use std::time::Duration;

use serde_json::Value as Json;

use super::api::Followed;
use super::reply::{self, Listed, Problem};
use super::{FOLLOWED, Rackspace, api, record, rules};
use crate::model::error::{Error, Kind, Result};
use crate::model::record::{RrsetKey, Value};
use crate::provider::shape::records::{Draft, Edits, Record};
use crate::provider::shape::zones::Zone;

/// What became of a call.
pub(super) struct Made {
    /// One answer an edit; the record where the service told it.
    pub(super) outcomes: Vec<Result<Option<Listed>>>,
    /// The id of the job that still works on those that are not refused.
    pub(super) job: Option<String>,
}

impl Rackspace {
    /// Makes edits of one kind, at most [`api::PAGE`], in one call, and follows its job for so long. What breaks a documented rule is
    /// not sent, and keeps the others from nothing.
    pub(super) async fn make(&self, zone: &Zone, edits: &Edits, within: Duration) -> Made {
        let checked = checked(zone, edits);
        let at: Vec<usize> = checked.iter().enumerate().filter(|(_, fits)| fits.is_ok()).map(|(at, _)| at).collect();
        let sent = only(edits, &at);
        let (answers, job) = match at.is_empty() {
            true => (Vec::new(), None),
            false => self.send(zone, &sent, within).await,
        };
        let mut answers = answers.into_iter();
        let silent = || Err(Error::transient(word(edits), "there was no answer for it"));
        let outcomes = checked.into_iter().zip(keys(edits)).map(|(fits, key)| {
            let outcome = fits.and_then(|()| answers.next().unwrap_or_else(silent));
            outcome.map_err(self.doing("changing", key))
        });
        Made { outcomes: outcomes.collect(), job }
    }

    /// Makes one edit and waits for its end.
    ///
    /// # Errors
    /// `Transient` where it has not ended in time.
    pub(super) async fn finished(&self, zone: &Zone, edit: Edits) -> Result<Option<Listed>> {
        let mut made = self.make(zone, &edit, FOLLOWED).await;
        match made.job {
            None => made.outcomes.pop().unwrap_or(Ok(None)),
            Some(_) => Err(Error::transient(word(&edit), "the service still works on it")),
        }
    }

    /// Makes any number of edits of one kind, in the fewest calls, and follows each job for so long. A call that is refused whole as
    /// wrong is halved until the culprit stands alone. One answer each, in their order.
    pub(super) async fn make_all(&self, zone: &Zone, edits: Edits, within: Duration) -> Vec<Result<Option<Listed>>> {
        let all: Vec<usize> = (0..count(&edits)).collect();
        let mut waiting: Vec<Edits> = all.chunks(api::PAGE).rev().map(|at| only(&edits, at)).collect();
        let mut outcomes = Vec::with_capacity(all.len());
        while let Some(edits) = waiting.pop() {
            let Made { outcomes: of_call, job } = self.make(zone, &edits, within).await;
            let wrong = |outcome: &&Result<_>| matches!(outcome, Err(Error { kind: Kind::Config, unsent: false, .. }));
            let sent = |outcome: &&Result<_>| !matches!(outcome, Err(Error { kind: Kind::Config, unsent: true, .. }));
            let (wrong, sent) = (of_call.iter().filter(wrong).count(), of_call.iter().filter(sent).count());
            if sent > 1 && wrong == sent {
                let at: Vec<usize> = (0..count(&edits)).collect();
                let (front, back) = at.split_at(at.len() / 2);
                waiting.extend([only(&edits, back), only(&edits, front)]);
                continue;
            }
            let running = |outcome: Result<Option<Listed>>| match (&job, outcome) {
                (Some(id), Ok(_)) => {
                    let why =
                        format!("it was taken, and its end was not seen within {} s (job {id})", within.as_secs());
                    Err(Error::transient(word(&edits), why).hint("look at the records again in some minutes"))
                }
                (_, outcome) => outcome,
            };
            outcomes.extend(of_call.into_iter().map(running));
        }
        outcomes
    }

    /// One call, and what came of it; with the job where that did not end in time.
    async fn send(
        &self,
        zone: &Zone,
        edits: &Edits,
        within: Duration,
    ) -> (Vec<Result<Option<Listed>>>, Option<String>) {
        let all = |outcome: Result<Option<Listed>>| vec![outcome; count(edits)];
        let begun = match edits {
            Edits::Create(drafts) => self.api.add(&zone.id, drafts.iter().map(rules::added).collect()).await,
            Edits::Update(changes) => match changes.as_slice() {
                [(record, draft)] => self.api.update(&zone.id, &record.id, rules::updated(draft)).await,
                changes => {
                    let bodies = changes.iter().map(|(record, draft)| rules::updated_of(record, draft));
                    self.api.update_all(&zone.id, bodies.collect()).await
                }
            },
            Edits::Delete(records) => match records.as_slice() {
                [record] => self.api.delete(&zone.id, &record.id).await,
                records => self.api.delete_all(&zone.id, &ids(records)).await,
            },
        };
        let followed = match begun {
            Ok(job) => self.api.follow(job, within).await,
            Err(error) => Err(error),
        };
        match followed {
            Ok(Followed::Done(response)) => (told(edits, &response), None),
            Ok(Followed::Running(id)) => (all(Ok(None)), Some(id)),
            Ok(Followed::Failed(problem)) => (self.failed(zone, edits, problem).await, None),
            Err(error) => (all(Err(error)), None),
        }
    }

    /// What a job that failed means for each of its edits.
    async fn failed(&self, zone: &Zone, edits: &Edits, problem: Option<Problem>) -> Vec<Result<Option<Listed>>> {
        let error = reply::failure(problem.as_ref(), word(edits));
        match (edits, &problem) {
            (Edits::Create(drafts), Some(problem)) if problem.code == Some(409) || reply::is_duplicate(problem) => {
                self.adopted(zone, drafts, problem, &error).await
            }
            (Edits::Delete(records), _) if records.len() > 1 => {
                let of_each =
                    problem.as_ref().and_then(|problem| reply::failed_deletions(problem, &ids(records), word(edits)));
                let unclear = || {
                    let why = format!("some of {} records may be gone: {}", records.len(), error.why);
                    vec![Err(Error { kind: Kind::Stale, why, ..error.clone() }); records.len()]
                };
                of_each.unwrap_or_else(unclear).into_iter().map(|outcome| outcome.map(|()| None)).collect()
            }
            _ => vec![Err(error); count(edits)],
        }
    }

    /// After a call was refused because something is there already: records that are as wanted are the wanted ones, and the others were
    /// not made. Where none is, something else is in the way, or two of the call are the same: which, must be found out.
    async fn adopted(
        &self,
        zone: &Zone,
        drafts: &[Draft],
        problem: &Problem,
        error: &Error,
    ) -> Vec<Result<Option<Listed>>> {
        let first = drafts.first().map(|draft| draft.rtype);
        let of_one_type = first.filter(|rtype| drafts.iter().all(|draft| draft.rtype == *rtype));
        let search = of_one_type.as_ref().map(|rtype| (rtype.as_str(), None));
        let Ok(held) = self.api.records(&zone.id, search).await else { return vec![Err(error.clone()); drafts.len()] };
        let none = !drafts.iter().any(|draft| held.iter().any(|listed| is_as_drafted(listed, draft)));
        if none && (drafts.len() > 1 || !reply::is_duplicate(problem)) {
            return vec![Err(Error { kind: Kind::Config, ..error.clone() }); drafts.len()];
        }
        let adopt = |draft: &Draft| match held.iter().find(|listed| is_as_drafted(listed, draft)) {
            Some(listed) => Ok(Some(listed.clone())),
            None => Err(error.clone()),
        };
        drafts.iter().map(adopt).collect()
    }
}

/// Whether a record has the name, type and data of a draft.
pub(super) fn is_as_drafted(listed: &Listed, draft: &Draft) -> bool {
    let data = |value: &Value| match value {
        // A host's name is the same in any case, with and without its last dot.
        Value::Text(text) if draft.rtype != crate::model::record::RecordType::Txt => {
            Value::Text(text.trim_end_matches('.').to_ascii_lowercase())
        }
        // Whether spaces around a text are kept is not documented.
        Value::Text(text) => Value::Text(text.trim().to_owned()),
        value => value.clone(),
    };
    record(listed.clone()).is_some_and(|record| {
        record.name == draft.name
            && record.rtype == draft.rtype
            && data(&record.value) == data(&draft.value)
            && record.attributes.get(rules::PRIORITY) == draft.attributes.get(rules::PRIORITY)
    })
}

/// The records that a job's end tells of, one for each edit; removals and updates have none.
fn told(edits: &Edits, response: &Json) -> Vec<Result<Option<Listed>>> {
    let Edits::Create(drafts) = edits else { return vec![Ok(None); count(edits)] };
    let entries = response.get("records").and_then(Json::as_array);
    let mut made: Vec<Listed> = entries.into_iter().flatten().filter_map(|entry| api::record_in(entry).ok()).collect();
    let of = |draft: &Draft| {
        let at = made.iter().position(|listed| is_as_drafted(listed, draft));
        Ok(at.map(|at| made.swap_remove(at)))
    };
    drafts.iter().map(of).collect()
}

/// What is being done, for errors.
pub(super) fn word(edits: &Edits) -> &'static str {
    match edits {
        Edits::Create(_) => "adding records",
        Edits::Update(_) => "updating records",
        Edits::Delete(_) => "removing records",
    }
}

fn count(edits: &Edits) -> usize {
    match edits {
        Edits::Create(drafts) => drafts.len(),
        Edits::Update(changes) => changes.len(),
        Edits::Delete(records) => records.len(),
    }
}

fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

fn keys(edits: &Edits) -> Vec<RrsetKey> {
    let of_draft = |draft: &Draft| RrsetKey::new(draft.name.clone(), draft.rtype);
    match edits {
        Edits::Create(drafts) => drafts.iter().map(of_draft).collect(),
        Edits::Update(changes) => changes.iter().map(|(_, draft)| of_draft(draft)).collect(),
        Edits::Delete(records) => {
            records.iter().map(|record| RrsetKey::new(record.name.clone(), record.rtype)).collect()
        }
    }
}

/// Whether each edit keeps the documented rules.
fn checked(zone: &Zone, edits: &Edits) -> Vec<Result<()>> {
    let check = |draft: &Draft, held: Option<&Record>| rules::check(zone, draft, held).map_err(rules::broken);
    match edits {
        Edits::Create(drafts) => drafts.iter().map(|draft| check(draft, None)).collect(),
        Edits::Update(changes) => changes.iter().map(|(held, draft)| check(draft, Some(held))).collect(),
        Edits::Delete(records) => records.iter().map(|_| Ok(())).collect(),
    }
}

/// Some of the edits, by their places.
fn only(edits: &Edits, at: &[usize]) -> Edits {
    fn some<T: Clone>(all: &[T], at: &[usize]) -> Vec<T> {
        at.iter().filter_map(|at| all.get(*at)).cloned().collect()
    }
    match edits {
        Edits::Create(drafts) => Edits::Create(some(drafts, at)),
        Edits::Update(changes) => Edits::Update(some(changes, at)),
        Edits::Delete(records) => Edits::Delete(some(records, at)),
    }
}
