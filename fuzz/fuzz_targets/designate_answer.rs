//! What Designate or anything in front of it answers: no success without a status of success and a record set.

#![no_main]

use driftless::provider::designate::fuzz;
use driftless_fuzz::target;

const STATUS: [u16; 12] = [200, 201, 202, 204, 400, 401, 403, 404, 409, 413, 500, 503];

// The first octet chooses the status: a letter from `a` on in the seeds.
target!(|data: &[u8]| {
    let [status, body @ ..] = data else { return };
    let status = STATUS[usize::from(status.wrapping_sub(b'a')) % STATUS.len()];
    let took = fuzz(status, body);
    assert!(!took || status < 300, "a success with status {status}");
    assert!(!took || !body.starts_with(b"<"), "a page was taken for a success");
});
