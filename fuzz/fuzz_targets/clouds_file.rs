//! A `clouds.yaml` of any content: a login or what is wrong, in words.

#![no_main]

use driftless::provider::designate::fuzz_clouds;
use driftless_fuzz::target;

target!(|text: &str| fuzz_clouds(text));
