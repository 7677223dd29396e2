//! What end-to-end tests share: the real binary in network namespaces of their own, before emulators and real servers.
//!
//! A program that includes this expects `clippy::{unwrap_used, panic, disallowed_methods}` for itself.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

use std::time::{Duration, Instant};

pub mod daemon;
#[path = "../emulator/dyndns2.rs"]
pub mod dyndns2;
#[path = "../emulator/http.rs"]
pub mod http;
pub mod lab;
#[path = "../emulator/lunanode.rs"]
pub mod lunanode;
pub mod namespace;
pub mod rig;
pub mod served;
pub mod server;

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until `holds` gives something, for `seconds` at most, and gives it; else fails with what it said last.
pub fn until<T>(what: &str, seconds: u64, mut holds: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        match holds() {
            Ok(found) => return found,
            Err(last) => assert!(Instant::now() < end, "not within {seconds} s: {what}; last: {last}"),
        }
        std::thread::sleep(LOOK);
    }
}

/// Leaves things alone for a while: for what must not happen.
pub fn wait(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}
