//! How each record set stands, in terms that status, exit codes and the oracle of the simulator share.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::due::{Next, READS, has_nothing_to_remove, stands};
use super::{SETTLE_MOST, State, Target};
use crate::model::agree::{Reading, SourceName};
use crate::model::desired::{AccountName, Id, RecordSpec, Want};
use crate::model::error::Error;
use crate::model::ledger::{AccountEntry, Attempt, Entry, Hold};
use crate::model::name::Name;
use crate::model::plan::Change;
use crate::model::record::{Family, Value};
use crate::model::time::{Moment, Now};
use crate::model::uplinks::Given;

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

/// Why a record set rests that is not known to hold what it should, or has not been read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// It failed in passing and is tried again.
    Failed,
    /// The service asked for a pause.
    Asked,
    /// It was written as often as is allowed for now.
    Writes,
    /// It was read as often as is allowed for now.
    Reads,
    /// The state cannot be written, and this service cannot be read: it is sent to once, late.
    Disk,
    /// The network or the address has just changed; more may come.
    Settling,
    /// What was accepted is given the time that the service is known to take.
    Landing,
}

/// One record set, for reports.
#[derive(Debug)]
pub struct View<'a> {
    /// Which.
    pub id: &'a Id,
    /// Whether it is looked at: a round may be about others alone.
    pub meant: bool,
    /// What is declared of it.
    pub spec: Option<&'a RecordSpec>,
    /// What each of several uplinks gives; empty where there are not several.
    pub uplinks: &'a [Given],
    /// What it should hold.
    pub want: &'a Want,
    /// What is remembered.
    pub entry: &'a Entry,
    /// How it stands.
    pub standing: Standing,
    /// When it is looked at again by itself.
    pub next: Option<Moment>,
    /// What it waits for and until when, where it is due and rests all the same.
    pub pause: Option<(Pause, Moment)>,
    /// Whether the service can be read.
    pub readable: bool,
    /// How long the service may take to show a change.
    pub settles_within: Duration,
    /// Whether the zone's name servers are asked.
    pub in_dns: bool,
    /// What a plan would change.
    pub planned: Option<&'a Change>,
    /// When its write budget allows the next write, where that is not now.
    pub free_at: Option<Moment>,
    /// What the service held beside ours when it was last read: values of others, or of ours that were forgotten.
    pub others: Vec<&'a Value>,
    /// The call that was begun and whose outcome is not known: the process that made it ended over it.
    pub begun: Option<&'a Attempt>,
}

impl View<'_> {
    /// Whether nothing but a budget of ours, or a disk that cannot be written, keeps it from being tried.
    #[must_use]
    pub fn waits_for_budget(&self) -> bool {
        matches!(self.pause, Some((Pause::Writes | Pause::Reads | Pause::Disk, _)))
    }
}

impl State {
    /// Every record set, in order.
    pub fn views(&self, now: Now) -> impl Iterator<Item = View<'_>> {
        self.records.iter().map(move |(id, record)| {
            let terms = self.desired.accounts.get(&id.account).map(|declared| &declared.terms);
            let standing = self.standing(id);
            let looked_for = matches!(standing, Standing::Unknown { .. } | Standing::Unmanaged);
            View {
                id,
                meant: self.looks_at(id),
                spec: self.desired.records.get(id),
                uplinks: &record.given,
                want: &record.want,
                entry: &record.entry,
                // The service is not asked before an address is found; that is looked for at each check.
                next: if looked_for {
                    Some(self.next_check)
                } else {
                    self.sent_at(id, now).or_else(|| self.next(id, now).at())
                },
                pause: self.pause(id, &standing, now),
                standing,
                readable: terms.is_some_and(|terms| terms.readable),
                settles_within: terms.map_or(Duration::ZERO, |terms| terms.settles_within),
                in_dns: terms.is_some_and(|terms| terms.in_dns) && id.key.rtype.is_compared(),
                planned: record.planned.as_deref(),
                free_at: terms.map(|terms| record.entry.spent.next(terms.budget)).filter(|free| *free > now.moment),
                others: record.others.difference(&record.entry.ours).collect(),
                begun: record.entry.begun().filter(|_| !record.busy),
            }
        })
    }

    /// What a record set that is due waits for, and until when. Follows the order of [`State::next`].
    fn pause(&self, id: &Id, standing: &Standing, now: Now) -> Option<(Pause, Moment)> {
        let (record, account) = (self.records.get(id)?, self.accounts.get(&id.account)?);
        let Next::Rest(Some(until)) = self.next(id, now) else { return None };
        let spec = self.desired.records.get(id)?;
        let terms = &self.desired.accounts.get(&id.account)?.terms;
        let unread = terms.readable && record.entry.read_back.is_none() && record.want.values().is_some();
        match standing {
            Standing::Working | Standing::Failing { .. } => {}
            Standing::UpToDate if unread && record.asked.next(READS) == until => return Some((Pause::Reads, until)),
            _ => return None,
        }
        let waits = [&account.entry.wait, &record.entry.wait].into_iter().flatten();
        if let Some(wait) = waits.filter(|wait| wait.until > now.moment).max_by_key(|wait| wait.until) {
            return Some((if wait.obeyed { Pause::Asked } else { Pause::Failed }, until));
        }
        let values = record.want.values()?;
        let settles = |id: &Id| self.records.get(id)?.settle.map(|(settled, _)| settled);
        let settles = [settles(id), settles(&id.sibling()), self.detection.gate(now)].contains(&Some(until));
        let why = if record.entry.ticket.is_some() || settles && record.doubted {
            Pause::Landing
        } else if settles {
            Pause::Settling
        } else if stands(spec, record, &values, terms) {
            return None;
        } else if record.entry.spent.next(terms.budget) == until {
            Pause::Writes
        } else if terms.readable {
            Pause::Reads
        } else {
            Pause::Disk
        };
        Some((why, self.sent_at(id, now).unwrap_or(until)))
    }

    /// Every record set whose values are known, and whether the service is known to hold them.
    pub fn confirmations(&self) -> impl Iterator<Item = (&Id, bool)> {
        self.records.iter().filter_map(|(id, record)| {
            let values = record.want.values()?;
            let (spec, declared) = (self.desired.records.get(id)?, self.desired.accounts.get(&id.account)?);
            Some((id, stands(spec, record, &values, &declared.terms)))
        })
    }

    /// Whether a record set of this name is declared.
    #[must_use]
    pub fn has_name(&self, name: &Name) -> bool {
        self.records.keys().any(|id| id.key.name == *name)
    }

    /// Every account with what is remembered of it.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountName, &AccountEntry)> {
        self.accounts.iter().map(|(name, account)| (name, &account.entry))
    }

    /// What every source last said, and when.
    pub fn observations(&self) -> impl Iterator<Item = (&SourceName, Family, &Reading, Now)> {
        self.detection.observed.iter().map(|((name, family), seen)| (name, *family, &seen.reading, seen.at))
    }

    /// Whether sources are being asked, so that what is known is half of one time and half of another.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        self.detection.is_asking()
    }

    /// How many accounts and record sets are held, of those that a target means.
    #[must_use]
    pub fn holds(&self, target: &Target) -> usize {
        let accounts = self.accounts.iter().filter(|(name, account)| {
            let meant = matches!(target, Target::All) || matches!(target, Target::Account(meant) if meant == *name);
            meant && account.entry.hold.is_some()
        });
        let records = self.records.iter().filter(|(id, record)| target.means(id) && record.entry.hold.is_some());
        accounts.count() + records.count()
    }

    /// The accounts of a name that are held themselves.
    #[must_use]
    pub fn held_accounts_of(&self, name: &Name) -> Vec<AccountName> {
        let held = |name: &&AccountName| self.accounts.get(*name).is_some_and(|account| account.entry.hold.is_some());
        let accounts: BTreeSet<&AccountName> =
            self.records.keys().filter(|id| id.key.name == *name).map(|id| &id.account).filter(held).collect();
        accounts.into_iter().cloned().collect()
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
            return Standing::Held { hold: Hold::clone(hold), account: true };
        }
        if let Some(hold) = &record.entry.hold {
            return Standing::Held { hold: Hold::clone(hold), account: false };
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
        let own = record.entry.error.as_deref().map(|(_, error)| error.clone());
        let error = own.or_else(|| account.entry.trouble().map(|(_, error)| error_of_account(error)));
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
        self.started.is_some()
            && !self.detection.is_under_way(now)
            && self.is_idle()
            && self.records.keys().all(resting)
    }

    fn is_readable(&self, id: &Id) -> bool {
        self.desired.accounts.get(&id.account).is_some_and(|declared| declared.terms.readable)
    }
}

/// An error of the account as a record set shows it that had no part in it: the call that failed was another's.
fn error_of_account(error: &Error) -> Error {
    let doing = format!("its account rests, which failed at {}", error.doing);
    Error { doing, ..error.clone() }
}
