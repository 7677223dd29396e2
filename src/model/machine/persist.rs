//! What goes to disk, and how it is understood again.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Effect, Mode, Out, State};
use crate::model::desired::{AccountName, Desired, Id};
use crate::model::json::Json;
use crate::model::ledger::{AccountEntry, AsOf, Entry};
use crate::model::time::Now;

/// A document: `None` when it shall go.
pub type Document = Option<Json>;
/// Documents by key: `account NAME` and `record ACCOUNT NAME TYPE`.
pub type Documents = BTreeMap<String, Document>;

/// A record set's document, with the time it was written.
#[derive(Deserialize)]
struct RecordDocument {
    as_of: AsOf,
    id: Id,
    entry: Entry,
}

/// An account's document, with the time it was written.
#[derive(Deserialize)]
struct AccountDocument {
    as_of: AsOf,
    account: AccountName,
    entry: AccountEntry,
}

/// A record set's document on its way to the disk.
#[derive(Serialize)]
struct RecordWritten<'a> {
    as_of: &'a AsOf,
    id: &'a Id,
    entry: &'a Entry,
}

/// An account's document on its way to the disk.
#[derive(Serialize)]
struct AccountWritten<'a> {
    as_of: &'a AsOf,
    account: &'a AccountName,
    entry: &'a AccountEntry,
}

fn record_key(id: &Id) -> String {
    format!("record {} {}", id.account, id.key)
}

fn account_key(name: &AccountName) -> String {
    format!("account {name}")
}

/// A document that is understood; one that is not is as good as none: the service is read instead.
fn understood<T: DeserializeOwned>(document: &Document) -> Option<T> {
    document.as_ref().and_then(Json::read)
}

/// The record sets and accounts of a ledger, for commands that read it without a machine.
#[must_use]
pub fn read_ledger(
    documents: &Documents,
    boot: &str,
    now: Now,
) -> (BTreeMap<AccountName, AccountEntry>, BTreeMap<Id, Entry>) {
    let mut accounts = BTreeMap::new();
    let mut records = BTreeMap::new();
    for (key, document) in documents {
        if key.starts_with("record ") {
            if let Some(RecordDocument { as_of, id, mut entry }) = understood(document) {
                entry.rebase(&as_of, boot, now);
                records.insert(id, entry);
            }
        } else if let Some(AccountDocument { as_of, account, mut entry }) = understood(document) {
            entry.rebase(&as_of, boot, now);
            accounts.insert(account, entry);
        }
    }
    (accounts, records)
}

impl State {
    /// Takes what is remembered and the configuration.
    pub(super) fn load(&mut self, desired: Desired, documents: &Documents, now: Now) {
        let (mut accounts, mut records) = read_ledger(documents, &self.boot, now);
        // What is let go of before the start is said at the start.
        let mut early = std::mem::take(&mut self.early);
        self.adopt(desired, &mut records, &mut accounts, now, &mut early);
        self.early = early;
        // What is remembered of record sets that are no longer declared goes with the next write.
        self.forgotten.extend(records.into_keys());
        self.forgotten_accounts.extend(accounts.into_keys());
    }

    /// Emits what must be on disk now: intents before their calls, outcomes after them.
    pub(super) fn flush(&mut self, now: Now, out: &mut Out) {
        if self.mode == Mode::Plan {
            return;
        }
        let intends = !self.stopping && self.intend(now);
        if !(intends || std::mem::take(&mut self.urgent)) {
            return;
        }
        let documents = self.dirty_documents(now);
        if intends || !documents.is_empty() || !self.disk.writable {
            out.push(Effect::Save(documents));
        }
    }

    fn dirty_documents(&mut self, now: Now) -> Documents {
        let as_of = AsOf { boot: self.boot.clone(), moment: now.moment, wall: now.wall };
        let mut documents = Documents::new();
        for id in std::mem::take(&mut self.forgotten) {
            if !self.records.contains_key(&id) {
                documents.insert(record_key(&id), None);
            }
        }
        for name in std::mem::take(&mut self.forgotten_accounts) {
            if !self.accounts.contains_key(&name) {
                documents.insert(account_key(&name), None);
            }
        }
        for (id, record) in self.records.iter_mut().filter(|(_, record)| record.dirty) {
            record.dirty = false;
            record.absence_saved = record.entry.absence.is_some();
            record.uplinks_saved.clone_from(&record.entry.uplinks);
            // Only text keys and finite numbers: this cannot fail, and a document that is left out is read from the service
            // instead.
            let written = RecordWritten { as_of: &as_of, id, entry: &record.entry };
            documents.insert(record_key(id), Json::of(&written));
        }
        for (name, account) in self.accounts.iter_mut().filter(|(_, account)| account.dirty) {
            account.dirty = false;
            let written = AccountWritten { as_of: &as_of, account: name, entry: &account.entry };
            documents.insert(account_key(name), Json::of(&written));
        }
        documents
    }
}
