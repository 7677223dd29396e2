//! What PocketDNS answers: no success without status 200 and a record.

#![no_main]

use driftless::provider::pocketdns::fuzz;
use driftless_fuzz::{answer, target};

const STATUS: [u16; 6] = [200, 400, 404, 409, 429, 500];

target!(|data: &[u8]| {
    let Some((status, body)) = answer(data, &STATUS) else { return };
    if fuzz(status, body) {
        assert_eq!(status, 200);
        // What is not UTF-8 in a field that is not read does no harm, and is more than this parser bears.
        if let Ok(content) = serde_json::from_slice::<serde_json::Value>(body) {
            assert!(content["id"].is_string());
        }
    }
});
