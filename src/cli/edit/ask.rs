//! The question before a removal.

use std::io::{BufRead, IsTerminal};

use super::account::mistyped;
use crate::app::Failure;
use crate::cli::print;

/// Asks before something is removed; `true` when it may be.
///
/// # Errors
/// Nobody can be asked.
pub(super) fn may_remove(what: &str, yes: bool) -> Result<bool, Failure> {
    may(&format!("remove {what}?"), yes)
}

/// Asks a question whose answer is no unless it is yes.
///
/// # Errors
/// Nobody can be asked.
pub(super) fn may(question: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let why = format!("{question} Nobody can be asked here: say --yes, or --dry-run to look");
        return Err(mistyped(why));
    }
    print::question(&format!("{question} [y/N] "));
    let mut answer = String::new();
    // What cannot be read is no yes.
    let _ = stdin.lock().read_line(&mut answer);
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
