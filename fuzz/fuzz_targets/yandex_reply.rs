//! What Yandex's Mail for Domain answers: no success without its status and a record.

#![no_main]

use driftless::provider::yandex::fuzz;
use driftless_fuzz::{answer, target};

const STATUS: [u16; 7] = [200, 400, 401, 403, 404, 429, 503];

target!(|data: &[u8]| {
    let Some((status, body)) = answer(data, &STATUS) else { return };
    if fuzz(status, body) {
        assert_eq!(status, 200);
        let content: serde_json::Value = serde_json::from_slice(body).expect("a success is JSON");
        assert!(content.is_object());
    }
});
