//! A line on the control socket: a request, which is the same when it is written again, or an error.

#![no_main]

use driftless::report::control::Request;
use driftless_fuzz::target;

target!(|line: &str| {
    if let Ok(request) = serde_json::from_str::<Request>(line) {
        let written = serde_json::to_string(&request).expect("a request can be written");
        assert_eq!(serde_json::from_str::<Request>(&written).expect("what we write is a request"), request);
    }
});
