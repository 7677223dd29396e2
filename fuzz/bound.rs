//! No target, but what tries the bound that holds all of them: a run asks for as many octets as its input says.

#![no_main]

use std::hint::black_box;

use driftless_fuzz::target;

target!(|data: &[u8]| {
    let Some(octets) = std::str::from_utf8(data).ok().and_then(|text| text.trim().parse().ok()) else { return };
    drop(black_box(Vec::<u8>::with_capacity(octets)));
});
