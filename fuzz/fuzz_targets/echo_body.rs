//! What a server says our address is: one address of the family that was asked for, or an error.

#![no_main]

use driftless::detect::https::{Format, read_body};
use driftless::model::record::Family;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for format in [
        Format::Plain,
        Format::Json("/ip".into()),
        Format::Line("ip".into()),
        Format::Between(": ".into(), "</body>".into()),
        Format::Between("is ".into(), ".".into()),
    ] {
        for family in Family::ALL {
            match read_body(&format, family, body) {
                Ok(address) => assert_eq!(Family::of(address), family),
                Err(why) => assert!(!why.is_empty()),
            }
        }
    }
});
