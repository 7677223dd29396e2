//! What Keystone answers to a login: no token without a status of success and an address of Designate in its catalogue.

#![no_main]

use driftless::provider::designate::fuzz_keystone;
use driftless_fuzz::{answer, target};

const STATUS: [u16; 8] = [200, 201, 300, 400, 401, 403, 404, 503];

target!(|data: &[u8]| {
    let Some((status, body)) = answer(data, &STATUS) else { return };
    if fuzz_keystone(status, body) {
        assert!(status < 300, "a token with status {status}");
        // What is not UTF-8 in a field that is not read does no harm.
        assert!(
            body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"["),
            "a token that is no JSON"
        );
    }
});
