//! What a server says our address is, in its body or in a header field: one address of the family that was asked for, or an error.

#![no_main]

use driftless::detect::https::{Format, fuzz_header, read_body};
use driftless::model::record::Family;
use driftless_fuzz::target;

target!(|body: &[u8]| {
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
    for family in Family::ALL {
        match fuzz_header(&[body], family) {
            Ok(address) => {
                assert_eq!(Family::of(address), family);
                assert!(fuzz_header(&[body, body], family).is_err(), "a field that stands twice");
            }
            Err(why) => assert!(!why.is_empty()),
        }
    }
});
