//! The emulators, to be used by hand: `cargo run --example emulator -- lunanode --port 18080`.

mod http;

fn main() {}
