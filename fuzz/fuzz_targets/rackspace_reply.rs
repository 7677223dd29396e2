//! What Rackspace answers: whatever it holds, no panic, and no success that is not status 2xx and JSON.

#![no_main]

use driftless::provider::rackspace::fuzz;
use driftless_fuzz::target;

const STATUS: [u16; 8] = [200, 202, 400, 401, 404, 409, 413, 500];

// The first octet chooses the status: a letter from `a` on in the seeds.
target!(|data: &[u8]| {
    let [status, body @ ..] = data else { return };
    let status = STATUS[usize::from(status.wrapping_sub(b'a')) % STATUS.len()];
    if fuzz(status, body) {
        assert!(status < 300);
        assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok());
    }
});
