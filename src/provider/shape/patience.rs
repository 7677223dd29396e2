//! When a call for many keys stops asking: the account is refused or told to wait, or the service is out of order.

use crate::model::error::{Error, Kind, Result, Scope};

/// After so many transient failures in a row the rest is not asked for: each may cost ten seconds.
pub const PATIENCE: u8 = 3;

/// Notes the answers of one call and says when it is over.
#[derive(Debug, Default)]
pub struct Patience {
    in_a_row: u8,
    over: Option<Error>,
}

impl Patience {
    /// Takes note of an answer.
    pub fn note<T>(&mut self, answer: &Result<T>) {
        let Err(error) = answer else {
            self.in_a_row = 0;
            return;
        };
        self.in_a_row = if error.kind == Kind::Transient { self.in_a_row + 1 } else { 0 };
        let for_all = match error.kind {
            Kind::Auth { scope } => scope != Scope::RecordSet,
            Kind::RateLimited { .. } => true,
            _ => self.in_a_row >= PATIENCE,
        };
        if for_all && self.over.is_none() {
            self.over = Some(error.clone());
        }
    }

    /// The error that answers for everything that was not asked yet, met while `doing`; `None` as long as asking goes on.
    #[must_use]
    pub fn given_up(&self, doing: impl FnOnce() -> String) -> Option<Error> {
        self.over.clone().map(|error| error.doing(doing()))
    }
}
