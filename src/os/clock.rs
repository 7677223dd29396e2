//! The one place that reads the clock.

#![expect(clippy::disallowed_methods, reason = "this is the place")]

use std::sync::OnceLock;

use async_trait::async_trait;
use rustix::time::{ClockId, clock_gettime};

use crate::model::time::{Moment, Now, Wall};

/// Now, on the clock that counts suspended time and on the wall clock.
#[must_use]
pub fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    let wall = clock_gettime(ClockId::Realtime);
    let millis = u64::try_from(boot.tv_sec).unwrap_or(0) * 1000 + u64::try_from(boot.tv_nsec).unwrap_or(0) / 1_000_000;
    Now { moment: Moment(millis), wall: Wall(wall.tv_sec) }
}

/// `CLOCK_MONOTONIC` in microseconds, the clock systemd measures a reload with (sd_notify(3), `MONOTONIC_USEC`). It
/// stands still while the machine sleeps: nothing of ours is decided by it.
#[must_use]
pub fn monotonic_usec() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1000
}

/// The id of this boot, or an empty text where the kernel does not tell it: moments on disk then count as another
/// boot's.
pub fn boot_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
    })
}

/// The clock as the engine needs it: to be read, and to be waited for.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Now;

    /// Resolves when `moment` has come, counting the time that the machine sleeps.
    async fn until(&self, moment: Moment);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Now {
        now()
    }

    async fn until(&self, moment: Moment) {
        // The runtime's timers stop while the machine sleeps; the kernel's boot-time alarm does not.
        if alarm(moment).await.is_err() {
            tokio::time::sleep(moment.since(now().moment)).await;
        }
    }
}

/// Waits for a moment by an alarm of the kernel (timerfd_create(2)).
#[cfg(target_os = "linux")]
async fn alarm(moment: Moment) -> std::io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
    // A moment of zero would disarm it. A millisecond is the model's grain: rounding up avoids waking just before.
    let millis = moment.0.max(1);
    let at = Timespec {
        tv_sec: i64::try_from(millis / 1000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(millis % 1000).unwrap_or(0) * 1_000_000,
    };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: at };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &once)?;
    #[expect(
        deprecated,
        reason = "an OwnedFd stays open for as long as the AsyncFd holds it, which is what the successor wants promised"
    )]
    let timer = tokio::io::unix::AsyncFd::with_interest(timer, tokio::io::Interest::READABLE)?;
    timer.readable().await.map(|_| ())
}

#[cfg(not(target_os = "linux"))]
async fn alarm(_: Moment) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_wait_ends_at_its_moment_and_not_before() {
        let until = now().moment.plus(Duration::from_millis(30));
        SystemClock.until(until).await;
        assert!(now().moment >= until);
        SystemClock.until(Moment(1)).await;
    }
}
