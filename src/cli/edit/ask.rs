//! What passes between a command and the person who typed it: the question before a removal, and a sign of life.

use std::future::Future;
use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use tokio::time::timeout;

use super::account::mistyped;
use crate::app::Failure;
use crate::cli::print;

/// How long a call may take before a person is told that it goes on.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is said again.
const AGAIN: Duration = Duration::from_secs(10);

/// Waits for something that may be slow, and says on standard error what is waited for.
pub(super) async fn patiently<T>(doing: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut pause = PATIENCE;
    let mut waited = Duration::ZERO;
    loop {
        if let Ok(done) = timeout(pause, &mut work).await {
            return done;
        }
        waited += pause;
        pause = AGAIN;
        print::progress(&format!("{doing} ({} s so far) ...", waited.as_secs()));
    }
}

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
