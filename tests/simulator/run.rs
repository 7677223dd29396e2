//! The simulator by hand: `cargo run --profile fast --example simulate -- --device-years 200`.
//!
//! `--seed N` begins with another life, `--planted NAME` plants an old bug, `--replay SEED --trace` shows one life. Every tenth life
//! is that of several machines that share a name or fight over it; `--several N` lets them share one so many times and nothing else.

#![expect(clippy::print_stdout, reason = "a command for people")]
#![expect(clippy::disallowed_methods, reason = "it measures its own speed; nothing simulated reads the clock")]

#[path = "mod.rs"]
mod simulator;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use driftless::model::machine::Planted;
use simulator::several::{FIGHTS, fight, share};
use simulator::{Bug, Counts, Life, live};

/// A year of 365.25 days, in milliseconds.
const YEAR: f64 = 365.25 * 86_400_000.0;

/// Old bugs by name.
const PLANTED: &[(&str, Bug)] = &[
    ("auth-is-transient", Bug::Machine(Planted::AuthIsTransient)),
    ("blind-is-none", Bug::Machine(Planted::BlindIsNone)),
    ("fights-on", Bug::Machine(Planted::FightsOn)),
    ("ignores-retry-after", Bug::Machine(Planted::IgnoresRetryAfter)),
    ("one-voice-is-enough", Bug::Machine(Planted::OneVoiceIsEnough)),
    ("operators-not-told-apart", Bug::Machine(Planted::OperatorsNotToldApart)),
    ("overwrites-foreign", Bug::Machine(Planted::OverwritesForeign)),
    ("success-before-call", Bug::Machine(Planted::SuccessBeforeCall)),
    ("vpn-exit", Bug::VpnExit),
    ("writes-not-counted", Bug::Machine(Planted::WritesNotCounted)),
];

/// What is asked for on the command line.
struct Asked {
    years: f64,
    seed: u64,
    planted: Option<(&'static str, Bug)>,
    replay: Option<u64>,
    several: Option<u64>,
    trace: bool,
    threads: usize,
    keep_going: bool,
}

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)) {
        Ok(Asked { replay: Some(seed), planted, trace, .. }) => replay(seed, planted, trace),
        Ok(Asked { several: Some(times), seed, planted, .. }) => several(seed, times, planted),
        Ok(asked) => simulate(&asked),
        Err(why) => {
            println!("{why}");
            ExitCode::from(2)
        }
    }
}

fn asked(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut asked = Asked {
        years: 200.0,
        seed: 1,
        planted: None,
        replay: None,
        several: None,
        trace: false,
        threads,
        keep_going: false,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--trace" => asked.trace = true,
            "--keep-going" => asked.keep_going = true,
            _ => {}
        }
        if matches!(argument.as_str(), "--trace" | "--keep-going") {
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} wants a value, or is unknown"))?;
        let wrong = || format!("{argument} {value}: not a number");
        match argument.as_str() {
            "--device-years" => asked.years = value.parse().map_err(|_| wrong())?,
            "--seed" => asked.seed = value.parse().map_err(|_| wrong())?,
            "--replay" => asked.replay = Some(value.parse().map_err(|_| wrong())?),
            "--threads" => asked.threads = value.parse().map_err(|_| wrong())?,
            "--several" => asked.several = Some(value.parse().map_err(|_| wrong())?),
            "--planted" => {
                let known = PLANTED.iter().find(|(name, _)| *name == value);
                let names: Vec<_> = PLANTED.iter().map(|(name, _)| *name).collect();
                asked.planted = Some(*known.ok_or_else(|| format!("--planted {}", names.join("|")))?);
            }
            _ => return Err(format!("unknown: {argument}")),
        }
    }
    Ok(asked)
}

fn replay(seed: u64, planted: Option<(&str, Bug)>, trace: bool) -> ExitCode {
    let life = live(seed, planted.map(|(_, bug)| bug), trace);
    life.trace.iter().for_each(|line| println!("{line}"));
    match life.wrong {
        Some(wrong) => {
            println!("seed {seed}: {wrong}");
            ExitCode::FAILURE
        }
        None => {
            println!("seed {seed}: {:.1} days, nothing wrong", life.millis as f64 / 86_400_000.0);
            ExitCode::SUCCESS
        }
    }
}

/// Machines that share a name, with so many seeds, and some that fight over one.
fn several(first: u64, times: u64, planted: Option<(&str, Bug)>) -> ExitCode {
    let planted = planted.and_then(|(_, bug)| bug.planted());
    let shares = (first..first + times).map(|seed| (seed, share(seed, planted)));
    let fights = FIGHTS.into_iter().map(|shape| (first, fight(first, shape, planted)));
    let wrong = shares.chain(fights).filter_map(|(seed, verdict)| Some((seed, verdict.err()?)));
    let wrong = wrong.inspect(|(seed, why)| println!("seed {seed}: {why}")).count();
    println!("{} times, {wrong} of them wrong", times + FIGHTS.len() as u64);
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn simulate(asked: &Asked) -> ExitCode {
    let (next, begun) = (AtomicU64::new(asked.seed), Instant::now());
    let (tell, lives) = mpsc::channel::<(u64, Life)>();
    std::thread::scope(|scope| {
        for _ in 0..asked.threads.max(1) {
            let (next, tell) = (&next, tell.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if tell.send((seed, live(seed, asked.planted.map(|(_, bug)| bug), false))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        collect(asked, lives, begun)
    })
}

/// Counts lives until there are enough of them, or one went wrong.
fn collect(asked: &Asked, lives: mpsc::Receiver<(u64, Life)>, begun: Instant) -> ExitCode {
    let (mut millis, mut steps, mut writes, mut faults) = (0u64, 0u64, 0u64, Counts::default());
    let (mut shown, mut failed) = (Instant::now(), 0u64);
    for (seed, life) in lives {
        millis += life.millis;
        steps += life.steps;
        writes += life.writes;
        faults.add(&life.faults);
        let (years, took) = (millis as f64 / YEAR, begun.elapsed().as_secs_f64());
        if let Some(wrong) = life.wrong {
            println!("after {years:.1} device-years: seed {seed}: {wrong}");
            let planted = asked.planted.map(|(name, _)| format!(" --planted {name}")).unwrap_or_default();
            println!("cargo run --profile fast --example simulate -- --replay {seed} --trace{planted}");
            if !asked.keep_going {
                return ExitCode::FAILURE;
            }
            failed += 1;
        }
        let over = years >= asked.years;
        if over || shown.elapsed().as_secs() >= 10 {
            shown = Instant::now();
            println!(
                "{years:.1} device-years in {took:.1} s, {:.1} a second; {steps} steps, {:.0} a second; {writes} calls that write",
                years / took,
                steps as f64 / took
            );
        }
        if over {
            faults.each().for_each(|(words, count)| println!("{count:>10}  {words}"));
            return if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    }
    ExitCode::FAILURE
}
