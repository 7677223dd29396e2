//! What Rackspace answers: whatever it holds, no panic, and no success that is not status 2xx and JSON.

#![no_main]

use driftless::provider::rackspace::fuzz;
use driftless_fuzz::{answer, target};

const STATUS: [u16; 8] = [200, 202, 400, 401, 404, 409, 413, 500];

target!(|data: &[u8]| {
    let Some((status, body)) = answer(data, &STATUS) else { return };
    if fuzz(status, body) {
        assert!(status < 300);
        assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok());
    }
});
