//! What LunaNode answers: no success without status 200 and the word for it.

#![no_main]

use driftless::provider::lunanode::fuzz;
use driftless_fuzz::{answer, target};

const STATUS: [u16; 5] = [200, 404, 429, 500, 503];

target!(|data: &[u8]| {
    let Some((status, body)) = answer(data, &STATUS) else { return };
    if fuzz(status, body) {
        assert_eq!(status, 200);
        let content: serde_json::Value = serde_json::from_slice(body).expect("a success is JSON");
        assert_eq!(content["success"], "yes");
    }
});
