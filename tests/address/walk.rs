//! Walks all 2^32 IPv4 addresses: the guard against a second opinion. `cargo run --profile fast --example walk_addresses`

#![expect(clippy::print_stdout, reason = "a command for people")]

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use driftless::model::address::PublicAddr;

mod independent;

fn main() -> ExitCode {
    let ranges = independent::ranges_v4(independent::IPV4);
    let (mut publishable, mut differences) = (0_u64, 0_u64);
    for network in 0..=255_u32 {
        for rest in 0..1_u32 << 24 {
            let address = network << 24 | rest;
            let passes = PublicAddr::new(IpAddr::V4(Ipv4Addr::from(address))).is_ok();
            if passes != independent::is_publishable_v4(&ranges, address) {
                differences += 1;
                println!("{}: the guard says {passes}", Ipv4Addr::from(address));
            }
            publishable += u64::from(passes);
        }
        println!("{network}/8 done, {publishable} publishable so far, {differences} differences");
    }
    let agreed = differences == 0 && publishable == independent::PUBLISHABLE_IPV4;
    println!(
        "{publishable} of {} expected: {}",
        independent::PUBLISHABLE_IPV4,
        if agreed { "agreed" } else { "WRONG" }
    );
    if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
