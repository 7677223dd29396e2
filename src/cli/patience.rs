//! A sign of life from what may be slow.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use super::print;

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
