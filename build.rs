//! Leaves the tables for unwinding out of binaries that are built for size and abort at a panic: a seventh of such a binary.
#![expect(clippy::disallowed_methods, reason = "a build script is told by variables")]

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=no-unwind.ld");
    let is = |variable: &str, value: &str| var(variable).is_ok_and(|found| found == value);
    // The one profile with this level is the release, which aborts (cargo does not tell a build script so). Others keep the
    // tables, for those who profile and debug.
    if is("OPT_LEVEL", "z") && is("CARGO_CFG_TARGET_OS", "linux") {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/no-unwind.ld");
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{script}");
        if is("CARGO_CFG_TARGET_ENV", "musl") {
            // Relocations as a bitmap: 0.2 MB less. musl reads that; of the other C library only newer ones do.
            println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        }
    }
}
