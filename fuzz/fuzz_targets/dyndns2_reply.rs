//! What a dyndns2 service answers: one outcome a name, and no success where the answer does not say so.

#![no_main]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use driftless::model::name::Name;
use driftless::provider::dyndns2::reply::parse;
use driftless_fuzz::target;

const STATUS: [u16; 6] = [200, 401, 403, 429, 500, 503];

// The first octet, a digit in the seeds, chooses how many names were sent; the second the status.
target!(|data: &[u8]| {
    let [count, status, body @ ..] = data else { return };
    let names: Vec<Name> = (0..1 + count % 8).filter_map(|at| Name::parse(&format!("n{at}.example.org")).ok()).collect();
    let status = STATUS[usize::from(*status) % STATUS.len()];
    let retry_after = (status == 503).then_some(Duration::from_secs(60));
    let sent = [Ipv4Addr::new(192, 0, 2, 1).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()];
    let answers = parse(status, retry_after, body, &names, &sent, "");
    assert_eq!(answers.len(), names.len());
    let words = String::from_utf8_lossy(body).to_ascii_lowercase();
    let said = words.matches("good").count() + words.matches("nochg").count();
    assert!(answers.iter().filter(|answer| answer.is_ok()).count() <= said, "a success that nobody spoke of");
});
