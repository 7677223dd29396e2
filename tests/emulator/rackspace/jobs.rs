//! Rackspace's asynchronous side: every change is a job that is RUNNING at first, and COMPLETED or an ERROR in the end.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::checks::{Change, New, NewDomain, Page, Query};
use super::faults::Refusal;
use super::{Call, Outcome, State};

/// When a job is done. What it changes is seen only then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At the so-manieth request after it, whether for its status or anything else; 0: in its first answer.
    Calls(usize),
    /// After so much of the service's time.
    Time(Duration),
    /// Never.
    Never,
}

/// How a job ends that does not end well.
#[derive(Clone, Debug)]
pub enum JobFailure {
    /// With this error, and nothing done.
    Undone(Value),
    /// With this error, and all of it done.
    Done(Value),
    /// The first of what is to be deleted is not.
    Partial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Initialized,
    Running,
    Completed,
    Error,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Initialized => "INITIALIZED",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Error => "ERROR",
        }
    }
}

/// What a job does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    AddRecords(String, Vec<New>),
    UpdateRecords(String, Vec<Change>),
    /// The domain, the ids, and whether several were asked for.
    DeleteRecords(String, Vec<String>, bool),
    CreateDomains(Vec<NewDomain>),
    /// The ids, whether their subdomains too, and whether several were asked for.
    DeleteDomains(Vec<String>, bool, bool),
    /// Nothing: it was found wrong.
    Fail(Value),
}

/// A job.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub status: Status,
    verb: String,
    request: String,
    request_url: String,
    callback_url: String,
    deed: Deed,
    born: Duration,
    calls_left: usize,
    response: Option<Value>,
    error: Option<Value>,
}

/// The parameters of the list of jobs.
pub const LIST: [&str; 6] = ["showErrors", "showRunning", "showCompleted", "showDetails", "limit", "offset"];

impl Job {
    fn is_open(&self) -> bool {
        matches!(self.status, Status::Initialized | Status::Running)
    }

    fn shown(&self, details: bool) -> Value {
        let mut shown: Map<String, Value> = [
            ("status", Value::from(self.status.word())),
            ("jobId", self.id.clone().into()),
            ("callbackUrl", self.callback_url.clone().into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
        if details {
            shown.insert("verb".into(), self.verb.clone().into());
            shown.insert("requestUrl".into(), self.request_url.clone().into());
            if !self.request.is_empty() {
                shown.insert("request".into(), self.request.clone().into());
            }
            // Of changes and removals there is none, in all recordings.
            shown.extend(self.response.clone().map(|response| ("response".to_owned(), response)));
            shown.extend(self.error.clone().map(|error| ("error".to_owned(), error)));
        }
        Value::Object(shown)
    }
}

impl State {
    /// Accepts a job.
    pub(super) fn start(&mut self, call: &Call<'_>, deed: Deed) -> Outcome {
        let id = self.fresh_id(None, super::Ids::Uuid);
        let callback_url = match self.switches.foreign_callbacks {
            true => format!("http://dns.api.rackspacecloud.invalid/v1.0/{}/status/{id}?showDetails=true", self.account),
            false => format!("{}/status/{id}", call.base),
        };
        let query = call.request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let job = Job {
            status: if self.switches.initialized { Status::Initialized } else { Status::Running },
            verb: call.request.method.clone(),
            request: String::from_utf8_lossy(&call.request.body).into_owned(),
            request_url: format!("{}{query}", call.url),
            born: self.now(),
            calls_left: if let Pace::Calls(calls) = self.pace { calls } else { 0 },
            response: None,
            error: None,
            id,
            callback_url,
            deed,
        };
        self.jobs.push(job);
        if self.pace == Pace::Calls(0) {
            self.finish(self.jobs.len() - 1);
        }
        let job = self.jobs.last().map(|job| job.shown(!self.switches.brief_202));
        Ok((202, job.unwrap_or_default()))
    }

    /// Another request came: open jobs go on, oldest first, and old ones are forgotten.
    pub(super) fn go_on(&mut self) {
        const KEPT: Duration = Duration::from_secs(24 * 3600);
        let (now, pace) = (self.now(), self.pace);
        self.jobs.retain(|job| now - job.born < KEPT);
        for at in 0..self.jobs.len() {
            let job = &mut self.jobs[at];
            if !job.is_open() {
                continue;
            }
            job.status = Status::Running;
            job.calls_left = job.calls_left.saturating_sub(1);
            let is_due = match pace {
                Pace::Calls(_) => job.calls_left == 0,
                Pace::Time(time) => now - job.born >= time,
                Pace::Never => false,
            };
            if is_due {
                self.finish(at);
            }
        }
    }

    fn finish(&mut self, at: usize) {
        let Some(deed) = self.jobs.get(at).map(|job| job.deed.clone()) else { return };
        let before = self.domains.clone();
        let failure = self.job_failures.pop_front();
        let (outcome, keeps) = match failure {
            None => {
                let outcome = self.act(&deed);
                // Removals are not rolled back.
                let keeps = outcome.is_ok() || matches!(deed, Deed::DeleteRecords(..) | Deed::DeleteDomains(..));
                (outcome, keeps)
            }
            Some(JobFailure::Undone(error)) => (Err(error), false),
            Some(JobFailure::Done(error)) => (self.act(&deed).and(Err(error)), true),
            Some(JobFailure::Partial) => {
                let held = self.undeletable.clone();
                if let Deed::DeleteRecords(_, ids, _) | Deed::DeleteDomains(ids, ..) = &deed {
                    self.undeletable.extend(ids.first().cloned());
                }
                let outcome = self.act(&deed);
                self.undeletable = held;
                (outcome, true)
            }
        };
        if self.swallows || !keeps {
            self.domains = before;
        }
        if let Some(job) = self.jobs.get_mut(at) {
            match outcome {
                Ok(response) => (job.status, job.response) = (Status::Completed, response),
                Err(error) => (job.status, job.error) = (Status::Error, Some(error)),
            }
        }
    }

    fn act(&mut self, deed: &Deed) -> Result<Option<Value>, Value> {
        match deed {
            Deed::AddRecords(domain, news) => {
                self.do_add(domain, news).map(|records| Some(json!({ "records": records })))
            }
            Deed::UpdateRecords(domain, changes) => self.do_update(domain, changes).map(|()| None),
            Deed::DeleteRecords(domain, ids, several) => self.do_delete(domain, ids, *several).map(|()| None),
            Deed::CreateDomains(news) => self.do_create(news).map(|domains| Some(json!({ "domains": domains }))),
            Deed::DeleteDomains(ids, subdomains, several) => {
                self.do_delete_domains(ids, *subdomains, *several).map(|()| None)
            }
            Deed::Fail(error) => Err(error.clone()),
        }
    }

    /// The values of a body are wrong: at once, or found by the job.
    pub(super) fn invalid(&mut self, call: &Call<'_>, wrong: &[String]) -> Outcome {
        match self.switches.validation_in_job {
            true => self.start(call, Deed::Fail(super::faults::validation_errors(wrong))),
            false => Err(Refusal::validation(wrong)),
        }
    }

    pub(super) fn show_job(&self, id: &str, query: &Query) -> Outcome {
        let details = query.flag("showDetails", false)?;
        let job = self.jobs.iter().find(|job| job.id == id);
        let job = job.ok_or_else(|| Refusal::fault("itemNotFound", "Job not found."))?;
        let status = if job.is_open() && self.switches.running_202 { 202 } else { 200 };
        Ok((status, job.shown(details)))
    }

    /// Errors first, then what runs, then what is completed.
    pub(super) fn list_jobs(&self, _: &Call<'_>, query: &Query) -> Outcome {
        let page = Page::parse(query)?;
        let details = query.flag("showDetails", false)?;
        let of = |wanted: fn(&Job) -> bool| self.jobs.iter().filter(move |job| wanted(job));
        let mut listed: Vec<&Job> = Vec::new();
        if query.flag("showErrors", true)? {
            listed.extend(of(|job| job.status == Status::Error));
        }
        if query.flag("showRunning", true)? {
            listed.extend(of(Job::is_open));
        }
        if query.flag("showCompleted", true)? {
            listed.extend(of(|job| job.status == Status::Completed));
        }
        let shown = listed.iter().skip(page.offset).take(page.limit).map(|job| job.shown(details));
        Ok((200, json!({ "totalEntries": listed.len(), "asyncResponses": shown.collect::<Vec<_>>() })))
    }
}
