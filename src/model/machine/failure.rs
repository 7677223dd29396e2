//! From errors to waits and holds: each kind has its one reaction, and every hold has a way out.

use super::{Account, Level, Out, PROBE, Planted, Record, State};
use crate::model::backoff::{rate_limited, transient};
use crate::model::desired::{AccountName, Id};
use crate::model::error::{Error, Kind, Scope};
use crate::model::ledger::{Fingerprint, Hold, Reason, Wait};
use crate::model::plan::Change;
use crate::model::record::RrsetKey;
use crate::model::time::Now;

/// The error that a hold of our own making carries.
pub(super) fn own_error(id: &Id, why: impl Into<String>, hint: &str) -> Error {
    Error::config(format!("updating {id}"), why).hint(hint)
}

impl State {
    /// Sorts the outcomes of one call, which `wrote` or only asked. What fails for all of it in passing is the account's; the
    /// rest is each record set's own.
    #[expect(clippy::too_many_arguments, reason = "a call's outcome, and the three arguments of every decision")]
    pub(super) fn take_failures(
        &mut self,
        name: &AccountName,
        print: &Fingerprint,
        outcomes: Vec<(RrsetKey, Option<Error>)>,
        wrote: bool,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        let passing = |error: &Option<Error>| matches!(error, Some(Error { kind: Kind::Transient, .. }));
        let whole = !outcomes.is_empty() && outcomes.iter().all(|(_, error)| passing(error));
        if outcomes.iter().any(|(_, error)| error.is_none())
            && let Some(account) = self.accounts.get_mut(name)
            && (account.entry.failures > 0 || account.entry.wait.is_some())
        {
            if std::mem::take(&mut account.entry.failures) > 0 {
                out.tell_account(Level::Info, name, "the account works again");
            }
            // What another call was asked to wait for is waited for.
            account.entry.wait.take_if(|wait| !wait.obeyed || wait.until <= now.moment);
            account.dirty = true;
        }
        let (mut heard, mut refused) = (None, None);
        for (at, (key, error)) in outcomes.into_iter().enumerate() {
            let id = Id { account: name.clone(), key };
            let Some(mut error) = error else { continue };
            if matches!(error.kind, Kind::Auth { .. }) && self.has(Planted::AuthIsTransient) {
                error.kind = Kind::Transient;
            }
            self.remember(&id, &error, now, out);
            if wrote
                && error.kind == Kind::Transient
                && let Some(attempt) = self.records.get_mut(&id).and_then(|record| record.entry.attempt.as_mut())
            {
                // Nobody said what became of it: it may land even now.
                attempt.at = now.into();
            }
            match error.kind {
                Kind::Transient if whole => {
                    if at == 0 {
                        self.account_waits(name, error, None, now, rng, out);
                    }
                    // A service that reads well and does not write: each reading ends the account's failures, and the
                    // record set's own must make the waits grow.
                    if self.records.get(&id).is_some_and(|record| record.entry.attempt.is_some()) {
                        self.record_waits(&id, now, rng, out);
                    }
                }
                Kind::Transient => self.record_waits(&id, now, rng, out),
                Kind::RateLimited { after } => {
                    // One word for the whole call: it is not heard anew for each record set, unless it asks for more.
                    if heard < Some(after) {
                        heard = Some(after);
                        self.account_waits(name, error, Some(after), now, rng, out);
                    }
                }
                Kind::Stale => self.stale(&id, now, rng, out),
                Kind::Auth { scope: Scope::RecordSet } => {
                    self.hold_record(&id, Reason::Refused, error, print, wrote, now, out)
                }
                // One refusal for the whole call, in the words of its first record set, as in the log.
                Kind::Auth { scope } if refused >= Some(scope) => {}
                Kind::Auth { scope: Scope::Account } => {
                    refused = Some(Scope::Account);
                    self.hold_account(name, &error, print, wrote, now, out);
                }
                Kind::Auth { scope: Scope::Service } => {
                    refused = Some(Scope::Service);
                    self.hold_service(name, &error, print, wrote, now, out);
                }
                // What was refused is no longer wanted: what is wanted now was not refused.
                Kind::Config if wrote && self.is_outdated(&id) => self.record_waits(&id, now, rng, out),
                Kind::Config => self.hold_record(&id, Reason::Wrong, error, print, wrote, now, out),
                Kind::Abuse => self.hold_record(&id, Reason::Abuse, error, print, wrote, now, out),
            }
        }
    }

    /// Whether the call under way was for other values than are wanted now.
    fn is_outdated(&self, id: &Id) -> bool {
        let record = self.records.get(id);
        record.is_some_and(|record| {
            let sent = record.entry.attempt.as_ref().map(|attempt| &attempt.values);
            sent.zip(record.want.values().as_ref()).is_some_and(|(sent, wanted)| sent != wanted)
        })
    }

    fn remember(&mut self, id: &Id, error: &Error, now: Now, out: &mut Out) {
        let Some(record) = self.records.get_mut(id) else { return };
        let repeated = !record.entry.fails_with(error.clone(), now);
        // A hold says the same, and more.
        let held = matches!(error.kind, Kind::Auth { scope: Scope::RecordSet } | Kind::Config | Kind::Abuse);
        let quiet = repeated || held && record.entry.hold.is_none();
        record.busy = false;
        record.checked = true;
        record.dirty = true;
        // Though what is wanted now may be what was confirmed: only an answer ends the error.
        record.read_at = Some(now.moment);
        if !quiet {
            record.entry.note(now, error.to_string());
        }
        let level = if quiet { Level::Debug } else { Level::Warn };
        out.tell(level, Some(id), format!("{}: {error}", error.word()));
        self.urgent = true;
    }

    pub(super) fn record_waits(&mut self, id: &Id, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let Some(record) = self.records.get_mut(id) else { return };
        record.entry.failures = record.entry.failures.saturating_add(1);
        let wait = transient(record.entry.failures, rng);
        record.entry.wait = Some(Wait { until: now.moment.plus(wait), obeyed: false });
        out.tell(Level::Debug, Some(id), format!("rests for {} s", wait.as_secs()));
    }

    /// The account rests; `asked` holds what a service that limits us said.
    fn account_waits(
        &mut self,
        name: &AccountName,
        error: Error,
        asked: Option<Option<std::time::Duration>>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        let ignores = self.has(Planted::IgnoresRetryAfter);
        let Some(account) = self.accounts.get_mut(name) else { return };
        account.entry.failures = account.entry.failures.saturating_add(1);
        account.dirty = true;
        let wait = match asked {
            Some(after) if !ignores => {
                let (wait, absurd) = rate_limited(after, account.entry.failures, rng);
                if absurd {
                    out.tell_account(
                        Level::Warn,
                        name,
                        "the service asked for a pause of more than two days; two days are kept",
                    );
                }
                wait
            }
            _ => transient(account.entry.failures, rng),
        };
        let next = Wait { until: now.moment.plus(wait), obeyed: asked.is_some() && !ignores };
        match &mut account.entry.wait {
            // Another call, under way at the same time, was told to wait for longer; and what was asked for is not traded for
            // a wait of our own, which a person may cut short.
            Some(known) if known.obeyed && (known.until >= next.until || !next.obeyed && known.until > now.moment) => {}
            known => *known = Some(next),
        }
        account.entry.error = Some(Box::new((now.wall, error)));
        // What it waits for was said when it began to; each later wait is in the status.
        let level = if asked.is_some() || account.entry.failures == 1 { Level::Info } else { Level::Debug };
        out.tell_account(level, name, format!("the account rests for {} s", wait.as_secs()));
    }

    /// What was remembered was out of date: once more at once, then as any failure.
    fn stale(&mut self, id: &Id, now: Now, rng: &mut fastrand::Rng, out: &mut Out) {
        let Some(record) = self.records.get_mut(id) else { return };
        if std::mem::replace(&mut record.stale, true) {
            self.record_waits(id, now, rng, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a hold's parts, and the arguments of every decision")]
    pub(super) fn hold_record(
        &mut self,
        id: &Id,
        reason: Reason,
        error: Error,
        print: &Fingerprint,
        wrote: bool,
        now: Now,
        out: &mut Out,
    ) {
        let Some(record) = self.records.get_mut(id) else { return };
        let again = record.entry.hold.is_some();
        let sent = record.entry.attempt.as_ref().filter(|_| wrote).map(|attempt| attempt.values.clone());
        let want = match reason {
            Reason::Abuse | Reason::Refused => None,
            _ => sent.or_else(|| record.want.values()),
        };
        if !again {
            record.entry.note(now, format!("held ({}): {error}", reason.word()));
            out.tell(Level::Error, Some(id), format!("held ({}): {error}", reason.word()));
        }
        record.entry.fails_with(error.clone(), now);
        record.entry.hold = Some(hold(record.entry.hold.take(), reason, error, print, want, wrote, now));
        record.dirty = true;
        if !again {
            self.urgent = true;
            self.look_at(&id.account, out);
        }
    }

    fn hold_account(
        &mut self,
        name: &AccountName,
        error: &Error,
        print: &Fingerprint,
        wrote: bool,
        now: Now,
        out: &mut Out,
    ) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        let again = account.entry.hold.is_some();
        if !again {
            out.tell_account(Level::Error, name, format!("the account is held: {error}"));
        }
        account.entry.error = Some(Box::new((now.wall, error.clone())));
        account.entry.hold =
            Some(hold(account.entry.hold.take(), Reason::Refused, error.clone(), print, None, wrote, now));
        account.dirty = true;
        if !again {
            self.look_at(name, out);
        }
    }

    /// The service refuses the client itself: every account there is held.
    fn hold_service(
        &mut self,
        name: &AccountName,
        error: &Error,
        print: &Fingerprint,
        wrote: bool,
        now: Now,
        out: &mut Out,
    ) {
        let Some(service) = self.desired.accounts.get(name).map(|declared| declared.service.clone()) else { return };
        let same = self.desired.accounts.iter().filter(|(_, declared)| declared.service == service);
        let names: Vec<AccountName> = same.map(|(name, _)| name.clone()).collect();
        for other in names {
            // Other accounts' settings were not part of what was refused: theirs are learnt at the next look.
            let print = if other == *name { print.clone() } else { String::new() };
            self.hold_account(&other, error, &print, wrote, now, out);
        }
    }

    /// Secrets are looked at once more before a hold: they may have been replaced while the call was under way.
    fn look_at(&self, name: &AccountName, out: &mut Out) {
        out.push(super::Effect::LookAt(name.clone()));
    }

    /// The settings and secrets as they are now: whatever was refused with others is let go.
    pub(super) fn looked(&mut self, name: &AccountName, print: &Fingerprint, now: Now, out: &mut Out) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        match &mut account.entry.hold {
            Some(hold) if hold.fingerprint.is_empty() => {
                hold.fingerprint.clone_from(print);
                account.dirty = true;
            }
            Some(hold) if hold.fingerprint != *print => {
                self.let_account_go(name, "the settings or secrets changed", now, out);
                self.forgive(name);
            }
            _ => {}
        }
        let Some(account) = self.accounts.get(name) else { return };
        for id in account.ids.clone() {
            let Some(record) = self.records.get_mut(&id) else { continue };
            let changed = |hold: &Hold| hold.reason.ends_with_new_settings() && hold.fingerprint != *print;
            if record.entry.hold.as_deref().is_some_and(changed)
                && record.let_go(&id, "the settings or secrets changed", now, out)
            {
                self.urgent = true;
            }
        }
    }

    /// Lets go of an account that is held, and looks at its record sets again.
    pub(super) fn let_account_go(&mut self, name: &AccountName, why: &str, now: Now, out: &mut Out) {
        let Some(account) = self.accounts.get_mut(name) else { return };
        if !account.let_go(name, why, out) {
            return;
        }
        account.entry.failures = 0;
        self.urgent = true;
        for id in &account.ids {
            if let Some(record) = self.records.get_mut(id) {
                record.read_at = Some(now.moment);
            }
        }
    }

    /// What was charged for changes that were not written, nor sent, is free again.
    pub(super) fn give_back(&mut self, name: &AccountName, changes: &[Change]) {
        let Some(declared) = self.desired.accounts.get(name) else { return };
        for change in changes {
            let id = Id { account: name.clone(), key: change.key.clone() };
            if let Some(record) = self.records.get_mut(&id) {
                record.entry.spent = record.entry.spent.given_back(declared.terms.budget);
            }
        }
    }

    /// What was charged for calls that were refused with the account is free again: they wrote nothing, and what was refused then
    /// is not what is sent now. None of them lies before a write that was accepted, so that no more is given back than they
    /// were charged: each change of settings or secrets allows the burst of the budget at most.
    fn forgive(&mut self, name: &AccountName) {
        let Some(budget) = self.desired.accounts.get(name).map(|declared| declared.terms.budget) else { return };
        for record in self.records.iter_mut().filter(|(id, _)| id.account == *name).map(|(_, record)| record) {
            for _ in 0..std::mem::take(&mut record.entry.refusals) {
                record.entry.spent = record.entry.spent.given_back(budget);
                record.dirty = true;
            }
        }
    }

    /// The account answered: what held it because it could not be asked is over.
    pub(super) fn account_answers(&mut self, name: &AccountName, now: Now, out: &mut Out) {
        let held = self.accounts.get(name).and_then(|account| account.entry.hold.as_ref());
        if held.is_some_and(|hold| !hold.wrote) {
            self.let_account_go(name, "the service answers again", now, out);
        }
    }

    /// A record set was answered for: what held it because it could not be read is over.
    pub(super) fn record_answers(&mut self, id: &Id, now: Now, out: &mut Out) {
        let Some(record) = self.records.get_mut(id) else { return };
        record.stale = record.stale && record.entry.attempt.is_some();
        let asked = |hold: &Hold| !hold.wrote && matches!(hold.reason, Reason::Refused | Reason::Wrong);
        if record.entry.hold.as_deref().is_some_and(asked) {
            record.let_go(id, "the service answers again", now, out);
        }
    }
}

impl Record {
    /// Lets go of a hold, says so, and looks at the record set again: it may be what it should, and nothing else would say so.
    pub(super) fn let_go(&mut self, id: &Id, why: &str, now: Now, out: &mut Out) -> bool {
        let held = self.entry.hold.take().is_some();
        if held {
            let what = let_go(why);
            out.tell(Level::Info, Some(id), what.clone());
            self.entry.note(now, what);
            self.read_at = Some(now.moment);
            self.dirty = true;
        }
        held
    }
}

impl Account {
    /// Lets go of a hold of the account as a whole, and says so.
    pub(super) fn let_go(&mut self, name: &AccountName, why: &str, out: &mut Out) -> bool {
        let held = self.entry.hold.take().is_some();
        if held {
            out.tell_account(Level::Info, name, let_go(why));
            self.dirty = true;
        }
        held
    }
}

/// The end of a hold, in the words of the log and of the history.
fn let_go(why: &str) -> String {
    format!("let go: {why}")
}

/// A hold, its beginning kept where it is the same one again.
fn hold(
    before: Option<Box<Hold>>,
    reason: Reason,
    error: Error,
    print: &Fingerprint,
    want: Option<crate::model::record::Values>,
    wrote: bool,
    now: Now,
) -> Box<Hold> {
    let since = before.filter(|before| before.reason == reason).map_or(now.into(), |before| before.since);
    let probe = now.moment.plus(PROBE);
    Box::new(Hold { reason, error, fingerprint: print.clone(), want, wrote, since, probe })
}
