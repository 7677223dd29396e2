//! What Keystone answers to a login: no token without a status of success and an address of Designate in its catalogue.

#![no_main]

use driftless::provider::designate::fuzz_keystone;
use driftless_fuzz::target;

const STATUS: [u16; 8] = [200, 201, 300, 400, 401, 403, 404, 503];

// The first octet chooses the status: a letter from `a` on in the seeds.
target!(|data: &[u8]| {
    let [status, body @ ..] = data else { return };
    let status = STATUS[usize::from(status.wrapping_sub(b'a')) % STATUS.len()];
    if fuzz_keystone(status, body) {
        assert!(status < 300, "a token with status {status}");
        // What is not UTF-8 in a field that is not read does no harm.
        assert!(
            body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"["),
            "a token that is no JSON"
        );
    }
});
