//! What all targets share: no run may have more than a MiB in use at any moment, beside what was in use when it began.
//!
//! libFuzzer's own `-malloc_limit_mb` needs a sanitizer's hooks, which the stable compiler does not have.

use std::alloc::System;

use cap::Cap;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The most that one run may have in use, in octets.
const MOST: usize = 1 << 20;

/// Does this with so much memory at most. A request for more is refused, which ends the process, and libFuzzer keeps the input.
pub fn bounded(run: impl FnOnce()) {
    ALLOCATOR.set_limit(ALLOCATOR.allocated() + MOST).expect("it is more than is in use");
    run();
    ALLOCATOR.set_limit(usize::MAX).expect("there is no limit");
}

/// An answer of one of these statuses, with its body: the first octet chooses the status, a letter from `a` on in the seeds.
#[must_use]
pub fn answer<'a>(input: &'a [u8], statuses: &[u16]) -> Option<(u16, &'a [u8])> {
    let (chosen, body) = input.split_first()?;
    let status = statuses[usize::from(chosen.wrapping_sub(b'a')) % statuses.len()];
    Some((status, body))
}

/// A target: what is done with each input, within the bound.
#[macro_export]
macro_rules! target {
    (|$input:ident: $kind:ty| $body:expr) => {
        ::libfuzzer_sys::fuzz_target!(|$input: $kind| $crate::bounded(|| $body));
    };
}
