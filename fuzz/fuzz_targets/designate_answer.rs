//! What Designate or anything in front of it answers: no success without a status of success and a record set.

#![no_main]

use driftless::provider::designate::fuzz;
use driftless_fuzz::{answer, target};

const STATUS: [u16; 12] = [200, 201, 202, 204, 400, 401, 403, 404, 409, 413, 500, 503];

target!(|data: &[u8]| {
    let Some((status, body)) = answer(data, &STATUS) else { return };
    let took = fuzz(status, body);
    assert!(!took || status < 300, "a success with status {status}");
    assert!(!took || !body.starts_with(b"<"), "a page was taken for a success");
});
