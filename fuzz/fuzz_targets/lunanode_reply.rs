//! What LunaNode answers: no success without status 200 and the word for it.

#![no_main]

use driftless::provider::lunanode::fuzz;
use driftless_fuzz::target;

const STATUS: [u16; 5] = [200, 404, 429, 500, 503];

// The first octet chooses the status: a letter from `a` on in the seeds.
target!(|data: &[u8]| {
    let [status, body @ ..] = data else { return };
    let status = STATUS[usize::from(status.wrapping_sub(b'a')) % STATUS.len()];
    if fuzz(status, body) {
        assert_eq!(status, 200);
        let content: serde_json::Value = serde_json::from_slice(body).expect("a success is JSON");
        assert_eq!(content["success"], "yes");
    }
});
