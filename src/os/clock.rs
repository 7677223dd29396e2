//! The one place that reads the clock.

#![expect(clippy::disallowed_methods, reason = "this is the place")]

use std::sync::OnceLock;

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
