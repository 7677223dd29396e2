//! The operations of Rackspace Cloud DNS, one function each, and jobs followed to their end.
//!
//! Source: "Records operations" and "Domains operations" of the documentation. Every function fails with what
//! [`super::reply::open`] makes of the answer, and unsent with `RateLimited` where the account's limits leave no room.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::reply::{self, Page};
pub use super::reply::{Job, Listed, Problem};
use super::session::{Call, Session};
use crate::model::error::{Error, Kind, Result};
use crate::model::name::Name;
use crate::model::time::Moment;
use crate::os::clock::{self, Clock, SystemClock};

/// How many entries a page has at most, and how many records one call may carry.
pub const PAGE: usize = 100;

/// How many pages are read at most: 100 000 entries.
const PAGES: usize = 1000;

/// The first wait for a job, doubled each time.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// The longest wait between two looks at a job.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// An answer about a job counts for so long: the changes of one call ask about the same.
const FRESH: Duration = Duration::from_secs(1);
/// How many answers about jobs are remembered.
const REMEMBERED: usize = 32;

/// What a domain has beside id, name and TTL: their word and ours.
const DOMAIN: &[(&str, &str)] =
    &[("emailAddress", "email"), ("comment", "comment"), ("created", "created"), ("updated", "updated")];
/// What a record has beside id, name, type, data and TTL.
const RECORD: &[(&str, &str)] =
    &[("comment", "comment"), ("priority", "priority"), ("created", "created"), ("updated", "updated")];

/// A record in an answer.
///
/// # Errors
/// `Transient` where it has no id or no name.
pub(super) fn record_in(entry: &Value) -> Result<Listed> {
    reply::listed(entry, RECORD, "reading a record")
}

/// A domain in an answer.
///
/// # Errors
/// `Transient` where it has no id or no name.
pub(super) fn domain_in(entry: &Value) -> Result<Listed> {
    reply::listed(entry, DOMAIN, "reading a domain")
}

/// One account's operations.
pub struct Api {
    session: Session,
    jobs: Mutex<HashMap<String, (Moment, Job)>>,
}

/// How a change ended that was followed for a while.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    /// Done, with what came of it where that is told.
    Done(Value),
    /// It failed.
    Failed(Option<Problem>),
    /// The job of this id still ran when the time was up.
    Running(String),
}

impl Api {
    /// The operations of a login.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self { session, jobs: Mutex::default() }
    }

    /// Drops the pooled connections.
    pub fn drop_connections(&self) {
        self.session.drop_connections();
    }

    /// The domains of the account, all pages; only the one with exactly this name where one is given.
    pub async fn domains(&self, name: Option<&Name>) -> Result<Vec<Listed>> {
        let doing =
            name.map_or_else(|| "listing the domains".to_owned(), |name| format!("looking for the domain {name}"));
        let filter: Vec<_> = name.iter().map(|name| ("name", name.as_str())).collect();
        let entries = self.pages(&["domains"], &filter, "domains", &doing).await?;
        let entries: Result<Vec<_>> = entries.iter().map(|entry| reply::listed(entry, DOMAIN, &doing)).collect();
        let fits = |domain: &Listed| name.is_none_or(|name| Name::parse(&domain.name).as_ref() == Ok(name));
        Ok(entries?.into_iter().filter(fits).collect())
    }

    /// The records of a domain, all pages; only those of one type, and of one name, where they are given. Data is not
    /// filtered by the service without failing, and names with other characters than letters, digits, hyphens and dots are
    /// not found by it.
    pub async fn records(&self, domain: &str, search: Option<(&str, Option<&str>)>) -> Result<Vec<Listed>> {
        let doing = "listing the records";
        let mut filter = Vec::new();
        if let Some((rtype, name)) = search {
            filter.push(("type", rtype));
            filter.extend(name.map(|name| ("name", name)));
        }
        let entries = self.pages(&["domains", domain, "records"], &filter, "records", doing).await?;
        entries.iter().map(|entry| reply::listed(entry, RECORD, doing)).collect()
    }

    /// One record.
    pub async fn record(&self, domain: &str, id: &str) -> Result<Listed> {
        let doing = "reading a record";
        let call =
            Call { method: Method::GET, path: &["domains", domain, "records", id], query: &[], body: None, doing };
        reply::listed(&self.session.call(&call).await?, RECORD, doing)
    }

    /// Adds records, at most [`PAGE`]: all or none of them.
    pub async fn add(&self, domain: &str, records: Vec<Value>) -> Result<Job> {
        let body = json!({"records": records});
        self.change(Method::POST, &["domains", domain, "records"], &[], Some(body), "adding records").await
    }

    /// Updates one record: data, TTL, priority and comment.
    pub async fn update(&self, domain: &str, id: &str, record: Value) -> Result<Job> {
        self.change(Method::PUT, &["domains", domain, "records", id], &[], Some(record), "updating a record").await
    }

    /// Updates records, at most [`PAGE`], each with its id: all or none of them.
    pub async fn update_all(&self, domain: &str, records: Vec<Value>) -> Result<Job> {
        let body = json!({"records": records});
        self.change(Method::PUT, &["domains", domain, "records"], &[], Some(body), "updating records").await
    }

    /// Removes one record.
    pub async fn delete(&self, domain: &str, id: &str) -> Result<Job> {
        self.change(Method::DELETE, &["domains", domain, "records", id], &[], None, "removing a record").await
    }

    /// Removes records, at most [`PAGE`]: each by itself, so that some may fail.
    pub async fn delete_all(&self, domain: &str, ids: &[&str]) -> Result<Job> {
        let query: Vec<_> = ids.iter().map(|id| ("id", *id)).collect();
        self.change(Method::DELETE, &["domains", domain, "records"], &query, None, "removing records").await
    }

    /// Adds a domain.
    pub async fn add_domain(&self, domain: Value) -> Result<Job> {
        self.change(Method::POST, &["domains"], &[], Some(json!({"domains": [domain]})), "adding a domain").await
    }

    /// Removes a domain with its records; domains below it stay.
    pub async fn delete_domain(&self, domain: &str) -> Result<Job> {
        self.change(Method::DELETE, &["domains", domain], &[], None, "removing a domain").await
    }

    /// How a job stands. Its result is kept for a day.
    ///
    /// # Errors
    /// `Stale` where the service does not know the job any more: what it did must be read.
    pub async fn status(&self, id: &str) -> Result<Job> {
        let remembered = self.jobs().get(id).cloned();
        if let Some((at, job)) = remembered
            && (!matches!(job, Job::Running(_)) || clock::now().moment.since(at) < FRESH)
        {
            return Ok(job);
        }
        self.ask(id).await
    }

    async fn ask(&self, id: &str) -> Result<Job> {
        let doing = "asking how a job stands";
        let query = [("showDetails", "true")];
        let call = Call { method: Method::GET, path: &["status", id], query: &query, body: None, doing };
        let job = reply::job(&self.session.call(&call).await?, doing)?;
        let now = clock::now().moment;
        let mut jobs = self.jobs();
        if jobs.len() >= REMEMBERED
            && let Some(oldest) = jobs.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| id.clone())
        {
            jobs.remove(&oldest);
        }
        jobs.insert(id.to_owned(), (now, job.clone()));
        Ok(job)
    }

    /// Follows a job to its end, for so long at most. The service may have ended it before it answered.
    ///
    /// # Errors
    /// `Stale` where the job is not known any more. Other failures to ask say nothing of the job: it then still runs.
    pub async fn follow(&self, job: Job, within: Duration) -> Result<Followed> {
        let until = clock::now().moment.plus(within);
        let (mut job, mut pause) = (job, FIRST_LOOK);
        // An end without a word of what came of it: only the details have that.
        if let Job::Failed(Some(id), None) = &job {
            job = self.ask(id).await.unwrap_or(job);
        }
        loop {
            let id = match job {
                Job::Done(_, response) => return Ok(Followed::Done(response)),
                Job::Failed(_, problem) => return Ok(Followed::Failed(problem)),
                Job::Running(id) => id,
            };
            let now = clock::now().moment;
            if now >= until {
                return Ok(Followed::Running(id));
            }
            SystemClock.until(now.plus(pause).min(until)).await;
            pause = (2 * pause).min(LAST_LOOK);
            job = match self.ask(&id).await {
                Ok(job) => job,
                Err(error) if error.kind == Kind::Stale => return Err(error),
                Err(Error { kind: Kind::RateLimited { after: Some(after) }, .. }) if after > LAST_LOOK => {
                    return Ok(Followed::Running(id));
                }
                Err(_) => Job::Running(id),
            };
        }
    }

    async fn change(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
        doing: &str,
    ) -> Result<Job> {
        let reply = self.session.reply(&Call { method, path, query, body, doing }).await?;
        match reply::conflict(&reply) {
            Some(problem) => Ok(Job::Failed(None, Some(problem))),
            None => reply::job(&reply::open(&reply, doing)?, doing),
        }
    }

    /// Every page of a list.
    async fn pages(&self, path: &[&str], filter: &[(&str, &str)], list: &str, doing: &str) -> Result<Vec<Value>> {
        let mut entries: Vec<Value> = Vec::new();
        let mut first_total = None;
        for at in 0..PAGES {
            let (limit, offset) = (PAGE.to_string(), (at * PAGE).to_string());
            let query: Vec<_> = filter.iter().copied().chain([("limit", &*limit), ("offset", &*offset)]).collect();
            let call = Call { method: Method::GET, path, query: &query, body: None, doing };
            let Page { entries: more_entries, total, more } =
                reply::page(&self.session.call(&call).await?, list, doing)?;
            // What the number counts where the list is filtered is not clear: the reference has one that counts all.
            let total = total.filter(|_| filter.is_empty());
            let full = more_entries.len() >= PAGE;
            entries.extend(more_entries);
            if *first_total.get_or_insert(total) != total {
                // What moved from one page to another would be missed.
                return Err(Error::transient(doing, "the list changed while it was read"));
            }
            match total {
                Some(total) if entries.len() >= total => return Ok(entries),
                Some(_) if full => {}
                Some(total) => {
                    let why = format!("the list is cut off: {} of {total} entries came", entries.len());
                    return Err(Error::transient(doing, why));
                }
                // Filtered lists do not tell their length, and may not announce pages.
                None if full && more != Some(false) => {}
                None => return Ok(entries),
            }
        }
        Err(Error::transient(doing, format!("the list does not end after {PAGES} pages")))
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Moment, Job)>> {
        // Each holder only adds or takes away whole answers.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
