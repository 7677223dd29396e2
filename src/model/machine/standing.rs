//! How each record set stands, in terms that status, exit codes and the oracle of the simulator share.

use serde::Serialize;

use super::due::{Next, has_nothing_to_remove, stands};
use super::{SETTLE_MOST, State};
use crate::model::agree::{Reading, SourceName};
use crate::model::desired::{AccountName, Id, Want};
use crate::model::error::Error;
use crate::model::ledger::{AccountEntry, Entry, Hold};
use crate::model::plan::Change;
use crate::model::record::Family;
use crate::model::time::{Moment, Now};

/// How a record set stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// The service holds what it should.
    UpToDate,
    /// Something is under way or about to be.
    Working,
    /// It failed in passing and is tried again.
    Failing {
        /// The last error.
        error: Option<Error>,
    },
    /// It is not tried again until something changes or a person acts.
    Held {
        /// Why, since when.
        hold: Hold,
        /// Whether the whole account is.
        account: bool,
    },
    /// No address is known: it stays as it is.
    Unknown {
        /// Why.
        why: String,
    },
    /// There is certainly no address, and it stays as it is.
    Unmanaged,
}

/// One record set, for reports.
#[derive(Debug)]
pub struct View<'a> {
    /// Which.
    pub id: &'a Id,
    /// What it should hold.
    pub want: &'a Want,
    /// What is remembered.
    pub entry: &'a Entry,
    /// How it stands.
    pub standing: Standing,
    /// When it is looked at again by itself.
    pub next: Option<Moment>,
    /// What a plan would change.
    pub planned: Option<&'a Change>,
}

impl State {
    /// Every record set, in order.
    pub fn views(&self, now: Now) -> impl Iterator<Item = View<'_>> {
        self.records.iter().map(move |(id, record)| View {
            id,
            want: &record.want,
            entry: &record.entry,
            standing: self.standing(id),
            next: self.next(id, now).at(),
            planned: record.planned.as_ref(),
        })
    }

    /// Every account with what is remembered of it.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountName, &AccountEntry)> {
        self.accounts.iter().map(|(name, account)| (name, &account.entry))
    }

    /// What every source last said, and when.
    pub fn observations(&self) -> impl Iterator<Item = (&SourceName, Family, &Reading, Now)> {
        self.detection.observed.iter().map(|((name, family), seen)| (name, *family, &seen.reading, seen.at))
    }

    /// Whether the ledger can be written.
    #[must_use]
    pub fn disk_is_writable(&self) -> bool {
        self.disk.writable
    }

    /// When the next look without a reason is.
    #[must_use]
    pub fn next_check(&self) -> Moment {
        self.next_check
    }

    /// How one record set stands.
    #[must_use]
    pub fn standing(&self, id: &Id) -> Standing {
        let (Some(record), Some(account), Some(spec), Some(declared)) = (
            self.records.get(id),
            self.accounts.get(&id.account),
            self.desired.records.get(id),
            self.desired.accounts.get(&id.account),
        ) else {
            return Standing::Unmanaged;
        };
        if let Some(hold) = &account.entry.hold {
            return Standing::Held { hold: hold.clone(), account: true };
        }
        if let Some(hold) = &record.entry.hold {
            return Standing::Held { hold: hold.clone(), account: false };
        }
        let Some(values) = record.want.values() else {
            return match &record.want {
                Want::Unknown(why) => Standing::Unknown { why: why.clone() },
                _ => Standing::Unmanaged,
            };
        };
        if stands(spec, record, &values, &declared.terms) && record.entry.error.is_none() && !record.doubted {
            return Standing::UpToDate;
        }
        if has_nothing_to_remove(spec, record, &declared.terms) {
            return Standing::Unmanaged;
        }
        if self.sibling_is_missing(id, &declared.terms) {
            let why = "nothing is known of the other family, which this service would forget";
            return Standing::Unknown { why: why.into() };
        }
        let error = record.entry.error.as_ref().or(account.entry.error.as_ref()).map(|(_, error)| error.clone());
        let waits = record.entry.wait.is_some() || account.entry.wait.is_some();
        if waits || error.is_some() && !record.busy { Standing::Failing { error } } else { Standing::Working }
    }

    /// Whether every record set has come to rest as far as it can by itself for now: the end of a one-shot run.
    #[must_use]
    pub fn is_settled(&self, now: Now) -> bool {
        // What waits for its budget, for its other family or for the end of a back-off, is at rest for longer than a person does.
        let waits = |id: &Id| match self.next(id, now) {
            Next::Rest(Some(at)) => at > now.moment.plus(SETTLE_MOST),
            Next::Rest(None) => true,
            _ => false,
        };
        let resting = |id: &Id| {
            let record = self.records.get(id);
            if self.mode == super::Mode::Plan {
                return waits(id) || record.is_some_and(|record| record.checked || record.want.values().is_none());
            }
            match self.standing(id) {
                Standing::Working | Standing::Failing { .. } => waits(id),
                Standing::UpToDate => record.is_some_and(|record| record.checked || !self.is_readable(id)),
                _ => true,
            }
        };
        // What settles holds back only what has something to do, and is then not at rest: nothing else would wake up at its end.
        self.started.is_some() && !self.detection.is_under_way() && self.is_idle() && self.records.keys().all(resting)
    }

    fn is_readable(&self, id: &Id) -> bool {
        self.desired.accounts.get(&id.account).is_some_and(|declared| declared.terms.readable)
    }
}
