//! What Yandex 360 answers: no success without its status and a record.

#![no_main]

use driftless::provider::yandex360::fuzz;
use driftless_fuzz::target;

const STATUS: [u16; 7] = [200, 400, 401, 403, 404, 429, 503];

// The first octet chooses the status: a letter from `a` on in the seeds.
target!(|data: &[u8]| {
    let [status, body @ ..] = data else { return };
    let status = STATUS[usize::from(status.wrapping_sub(b'a')) % STATUS.len()];
    if fuzz(status, body) {
        assert_eq!(status, 200);
        let content: serde_json::Value = serde_json::from_slice(body).expect("a success is JSON");
        assert!(content.is_object());
    }
});
