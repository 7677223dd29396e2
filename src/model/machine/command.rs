//! What people ask for: another configuration, a look now, letting go.

use std::collections::{BTreeMap, BTreeSet};

use super::{Account, Level, Network, Out, Record, State, Target};
use crate::model::desired::{AccountName, Desired, Id, Want};
use crate::model::ledger::{AccountEntry, Entry, Reason};
use crate::model::time::Now;

/// Why what was held at another login or service is let go.
const MOVED: &str = "the account is another login now";

impl State {
    /// Takes another configuration: what did not change is kept as it is.
    pub(super) fn reload(&mut self, desired: Desired, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        // What is not begun was planned under the old configuration.
        let planned: Vec<Id> = self.accounts.iter_mut().flat_map(|(name, account)| account.abandon(name)).collect();
        self.never_made(&planned);
        self.adopt(desired, &mut BTreeMap::new(), &mut BTreeMap::new(), now, out);
        self.schedule_proofs(now, rng);
        let names: Vec<AccountName> = self.accounts.keys().cloned().collect();
        for name in names {
            out.push(super::Effect::LookAt(name));
        }
        self.next_check = now.moment;
        out.tell(Level::Info, None, "the configuration was read again");
    }

    /// Puts a configuration in force. `records` and `accounts` hold what is remembered of those not known yet.
    pub(super) fn adopt(
        &mut self,
        desired: Desired,
        records: &mut BTreeMap<Id, Entry>,
        accounts: &mut BTreeMap<AccountName, AccountEntry>,
        now: Now,
        out: &mut Out,
    ) {
        let mut old = std::mem::take(&mut self.records);
        // All at once: a map that grows in order has nodes that are half empty.
        let kept = desired.records.keys().map(|id| {
            let same = self.desired.records.get(id) == desired.records.get(id);
            let mut record = match old.remove(id) {
                Some(mut record) => {
                    if !same {
                        // A new source or policy is judged anew; what the ledger knows stays true.
                        if record.entry.hold.as_ref().is_some_and(|hold| hold.reason.ends_with_new_settings()) {
                            record.let_go(id, "the configuration changed", now, out);
                        }
                        record.want = Want::Unknown("the configuration changed; not looked yet".into());
                        record.read_at = Some(now.moment);
                        record.doubted =
                            desired.accounts.get(&id.account).is_some_and(|declared| declared.terms.readable);
                        record.dirty = true;
                    }
                    record
                }
                None => {
                    let mut record = Record::new(records.remove(id).unwrap_or_default());
                    // What stood in the way may be gone, or be ours to replace now: it is read once.
                    let foreign = record.entry.hold.as_mut().filter(|hold| hold.reason == Reason::Foreign);
                    foreign.into_iter().for_each(|hold| hold.probe = now.moment);
                    // Nobody knows what the configuration asked for when the job was begun.
                    record.doubted = record.entry.ticket.is_some();
                    Box::new(record)
                }
            };
            record.paired = desired.records.contains_key(&id.sibling());
            (id.clone(), record)
        });
        self.records = kept.collect();
        // A call may still be under way for a record set that is no longer declared: its outcome finds nobody, its document goes.
        self.forgotten.extend(old.into_keys());
        let mut before = std::mem::take(&mut self.accounts);
        for (name, declared) in &desired.accounts {
            let mut account = before
                .remove(name)
                .unwrap_or_else(|| Account { entry: accounts.remove(name).unwrap_or_default(), ..Account::default() });
            account.lane.unsure = true;
            account.ids = desired.records.keys().filter(|id| id.account == *name).cloned().collect();
            if account.entry.identity != declared.identity {
                if !account.entry.identity.is_empty() {
                    account.lane.disown();
                    self.moved(&account.ids, now, out);
                    account.let_go(name, MOVED, out);
                    account.entry = AccountEntry::default();
                }
                account.entry.identity.clone_from(&declared.identity);
                account.dirty = true;
            }
            self.accounts.insert(name.clone(), account);
        }
        self.forgotten_accounts.extend(before.into_keys());
        self.detection.worth.keep(|source| desired.sources.contains_key(source));
        self.desired = desired;
    }

    /// The account is another login or another service now: what is remembered of its record sets was said of other ones, and
    /// what stands there is met for the first time.
    fn moved(&mut self, ids: &[Id], now: Now, out: &mut Out) {
        for id in ids {
            if let Some(record) = self.records.get_mut(id) {
                if record.entry.hold.as_ref().is_some_and(|hold| hold.reason.ends_with_new_settings()) {
                    record.let_go(id, MOVED, now, out);
                }
                let (history, hold) = (std::mem::take(&mut record.entry.history), record.entry.hold.take());
                // The budget stays: a configuration that goes to and fro must not send more than one that stays.
                record.entry = Entry { history, hold, spent: record.entry.spent, ..Entry::default() };
                record.busy = false;
                record.aim = None;
                record.prior = None;
                record.dirty = true;
            }
        }
    }

    /// The same machine, which looks at these record sets alone: for others no source is asked, and nothing is sent.
    #[must_use]
    pub fn looking_at(mut self, target: Target) -> Self {
        self.focus = Some(target).filter(|target| *target != Target::All);
        self
    }

    /// Whether it looks at some record sets alone.
    #[must_use]
    pub fn looks_at_some(&self) -> bool {
        self.focus.is_some()
    }

    /// Whether it looks at this record set.
    pub(super) fn looks_at(&self, id: &Id) -> bool {
        self.focus.as_ref().is_none_or(|target| target.means(id))
    }

    /// Looks at record sets now: their waits end, but for those that a service asked for.
    pub(super) fn update(&mut self, target: &Target, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let mut looked_at = BTreeSet::new();
        for (id, record) in &mut self.records {
            if !target.means(id) {
                continue;
            }
            record.entry.wait = record.entry.wait.take().filter(|wait| wait.obeyed);
            record.forced = true;
            // What could not be read because it was wrong, a zone that was not there, is read again now. What was refused is
            // let go by `release` alone: a look, which scripts ask for too, must not send a refused password again.
            let asks = |hold: &&mut Box<crate::model::ledger::Hold>| {
                !hold.wrote && matches!(hold.reason, Reason::Wrong | Reason::Foreign)
            };
            if let Some(hold) = record.entry.hold.as_mut().filter(asks) {
                hold.probe = now.moment;
            }
            looked_at.insert(id.account.clone());
            if let Some(account) = self.accounts.get_mut(&id.account) {
                account.entry.wait = account.entry.wait.take().filter(|wait| wait.obeyed);
            }
        }
        // A secret that was mended lets go of its hold.
        let held = looked_at.into_iter().filter(|name| self.holds_anything(name));
        out.0.extend(held.map(super::Effect::LookAt));
        // A disk that has room again is found by trying, and a person who asks has often just made it.
        self.urgent |= !self.disk.writable;
        self.look(Network::Same, now, rng, out);
    }

    /// Lets go of holds.
    pub(super) fn release(&mut self, target: &Target, now: Now, out: &mut Out) {
        let accounts = self.accounts.keys().filter(|name| match target {
            Target::All => true,
            Target::Account(meant) => meant == *name,
            Target::Name(_) => false,
        });
        for name in accounts.cloned().collect::<Vec<_>>() {
            self.let_account_go(&name, "by command", now, out);
        }
        for (id, record) in &mut self.records {
            if target.means(id) && record.let_go(id, "by command", now, out) {
                record.entry.unchanged = 0;
                record.entry.no_effect = 0;
                record.entry.failures = 0;
                record.entry.undone.clear();
                self.urgent = true;
            }
        }
    }
}
