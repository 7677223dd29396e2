//! At which account a command works: found by its name or by being the only one, with what edits it.

use std::sync::Arc;

use crate::app::{Failure, Loaded};
use crate::config::{self, Account};
use crate::model::error::{Error, Kind};
use crate::model::name::Name;
use crate::model::record::RecordType;
use crate::net::http::Http;
use crate::provider::edit::same::{Known, Standing, is_so, is_twin, standing, standing_of_set};
use crate::provider::edit::whole::Beside;
use crate::provider::edit::{Edit, Editor, Row};
use crate::provider::shape::zones::Zone;
use crate::provider::{Entry, Tools};

use super::super::patience::{INTERRUPTED, Interrupt};
use super::super::print;

/// The account at which a command works.
pub(super) struct Opened<'a> {
    /// What edits it.
    pub(super) editor: Arc<dyn Editor>,
    /// What is known of it.
    pub(super) account: &'a Account,
    /// The configuration, which says what the daemon keeps.
    pub(super) loaded: &'a Loaded,
    /// The command that works here, for messages: `records`.
    pub(super) command: &'static str,
}

/// Which accounts a command is for.
#[derive(Clone, Copy)]
pub(super) struct For {
    /// Whether a provider has what the command needs.
    pub(super) fits: fn(&Entry) -> bool,
    /// What such accounts have, for messages: `zones and records that can be edited by hand`.
    pub(super) what: &'static str,
    /// The command, for messages: `driftless records list`.
    pub(super) command: &'static str,
}

/// Zones and records.
pub(super) const RECORDS: For = For {
    fits: |entry| entry.edit.is_some(),
    what: "zones and records that can be edited by hand",
    command: "records",
};

/// What went wrong at a service, with its exit code.
pub(super) fn failed(error: Error) -> Failure {
    Failure::Other(error.kind.exit_code(), advised(error).to_string())
}

/// The same of a change that a person may have interrupted.
pub(super) fn ended(interrupt: &Interrupt, error: Error) -> Failure {
    match failed(perhaps_done(error)) {
        Failure::Other(_, why) if interrupt.heard => Failure::Other(INTERRUPTED, why),
        failure => failure,
    }
}

/// An error with when to try again, where the service said so and nothing else was advised.
pub(super) fn advised(error: Error) -> Error {
    match error.kind {
        Kind::RateLimited { after: Some(after) } if error.hint.is_none() => {
            error.hint(format!("again in {} s", after.as_secs().max(1)))
        }
        _ => error,
    }
}

/// An error of a change, with what may have become of it where the service got it and nothing certain came back.
pub(super) fn perhaps_done(error: Error) -> Error {
    if error.kind == Kind::Transient && error.hint.is_none() && !error.unsent {
        return error.hint("it may have been done all the same: look before trying again");
    }
    error
}

/// What stands in the way of an addition although it was not seen before stays there, whoever tries again.
pub(super) fn in_the_way(error: Error, hint: &str) -> Error {
    if error.kind == Kind::Stale { Error { kind: Kind::Config, ..error }.hint(hint) } else { error }
}

/// What was typed does not make sense.
pub(super) fn mistyped(why: impl Into<String>) -> Failure {
    Failure::Other(64, why.into())
}

/// What was asked cannot be done.
pub(super) fn refused(why: impl Into<String>) -> Failure {
    Failure::Other(78, why.into())
}

impl<'a> Opened<'a> {
    /// The account called `name`, or the only one that fits.
    pub(super) fn find(loaded: &'a Loaded, name: Option<&str>, fit: For) -> Result<Self, Failure> {
        let accounts = &loaded.config.accounts;
        let fitting: Vec<&Account> = accounts.values().filter(|account| (fit.fits)(account.entry)).collect();
        let account = match (name, fitting.as_slice()) {
            (Some(name), _) => {
                if loaded.config.unusable.contains(name) {
                    let why =
                        format!("the account \"{name}\" cannot be used: see what is wrong with the configuration");
                    return Err(refused(why));
                }
                let account = accounts.get(name).ok_or_else(|| {
                    let hint = config::suggest(name, "there are", accounts.keys().map(String::as_str));
                    refused(format!("there is no account \"{name}\" in the configuration{hint}"))
                })?;
                if !(fit.fits)(account.entry) {
                    let why = format!("the account {name} is one at {}, which has no {}", account.entry.name, fit.what);
                    return Err(refused(why));
                }
                account
            }
            (None, [only]) if loaded.config.unusable.is_empty() => *only,
            (None, [only]) => {
                let others: Vec<&str> = loaded.config.unusable.iter().map(String::as_str).collect();
                let why = format!("something is wrong with the account {}, which may be meant", others.join(", "));
                return Err(mistyped(format!("{why}: say --account {}", only.name)));
            }
            (None, []) => return Err(refused(format!("no account of the configuration has {}", fit.what))),
            (None, several) => {
                let names: Vec<&str> = several.iter().map(|account| account.name.as_str()).collect();
                return Err(mistyped(format!("several accounts can be meant: say --account {}", names.join(" or "))));
            }
        };
        let build = account.entry.edit.ok_or_else(|| refused(format!("{} cannot be edited", account.name)))?;
        let editor = build(&account.settings, &Tools { http: Http::new(None) })
            .map_err(|wrong| refused(format!("the account \"{}\" at {}: {wrong}", account.name, account.entry.name)))?;
        Ok(Self { editor, account, loaded, command: fit.command })
    }

    /// The command that shows what is there.
    pub(super) fn look(&self) -> String {
        format!("driftless {} list", self.command)
    }

    /// What stands in one line of a list.
    pub(super) fn noun(&self) -> &'static str {
        if self.command == "dyn" { "name" } else { "record" }
    }

    /// How an edit stands to what is there, of one value where the service keeps records.
    pub(super) fn standing(&self, edit: &Edit, row: &Row) -> Standing {
        match edit.values.as_slice() {
            _ if self.keeps_sets() => standing_of_set(edit, row),
            [value] => self.knowing(|known| standing(edit, value, row, known)),
            _ => Standing::Other,
        }
    }

    /// What the service's records have beside their values.
    pub(super) fn beside(&self) -> Beside<'_> {
        Beside { attributes: self.editor.attributes(), priority: self.editor.default_priority() }
    }

    /// Whether a row is already what an edit would make of it.
    pub(super) fn is_so(&self, edit: &Edit, row: &Row) -> bool {
        self.knowing(|known| is_so(edit, row, known))
    }

    /// Whether two rows are one record twice.
    pub(super) fn is_twin(&self, row: &Row, other: &Row) -> bool {
        self.knowing(|known| is_twin(row, other, known))
    }

    fn knowing<T>(&self, work: impl FnOnce(Known<'_>) -> T) -> T {
        let unsaid = |name: &str, value: &str| self.editor.is_unsaid(name, value);
        work(Known { attributes: self.editor.attributes(), unsaid: &unsaid })
    }

    /// Whether the service keeps sets of values, not single records.
    pub(super) fn keeps_sets(&self) -> bool {
        self.account.entry.shape == "rrsets"
    }

    /// Whether the configuration leaves a record set of this account to the daemon.
    pub(super) fn is_managed(&self, name: &Name, rtype: RecordType) -> bool {
        let mut records = self.loaded.config.records.iter();
        records.any(|record| {
            record.account == self.account.name && record.name == *name && record.types().any(|of| of == rtype)
        })
    }

    /// Says which of these record sets the daemon will set again.
    pub(super) fn warn_of_managed<'b>(&self, sets: impl Iterator<Item = (&'b Name, RecordType)>) {
        let mut said = Vec::new();
        for (name, rtype) in sets.filter(|(name, rtype)| self.is_managed(name, *rtype)) {
            if !said.contains(&(name, rtype)) {
                said.push((name, rtype));
                print::warning(&format!(
                    "{name} {rtype} is declared in the configuration: the daemon keeps it right by itself, and what is \
                     changed by hand may be changed back or hold it (see driftless explain {name})"
                ));
            }
        }
    }

    /// Says which of the record sets of this zone the daemon will miss.
    pub(super) fn warn_of_managed_in(&self, zone: &Zone) {
        let records = self.loaded.config.records.iter();
        let inside = records.filter(|record| record.account == self.account.name && record.name.is_within(&zone.name));
        let sets: Vec<_> = inside.flat_map(|record| record.types().map(|rtype| (&record.name, rtype))).collect();
        self.warn_of_managed(sets.into_iter());
    }
}
