//! Short lives in the simulator: nothing goes wrong in them, old bugs are found, and a seed replays exactly. Many device-years
//! are lived by `cargo run --profile fast --example simulate`.

mod simulator;

use driftless::model::machine::Planted;
use simulator::several::{fight, share};
use simulator::{Life, Shape, live};

/// Lives enough to meet each old bug.
const LIVES: u64 = 30;

/// What the oracle says of the first life that an old bug spoils; nothing if it is not found.
fn found(bug: Planted) -> String {
    (1..=LIVES).find_map(|seed| live(seed, Some(bug), false).wrong).unwrap_or_default()
}

#[test]
fn nothing_goes_wrong_in_short_lives() {
    let (mut faults, mut writes, mut steps, mut days) = (simulator::Counts::default(), 0, 0, 0);
    for seed in 1..=LIVES {
        let Life { millis, steps: taken, writes: made, faults: met, wrong, .. } = live(seed, None, false);
        assert_eq!(wrong, None, "cargo run --profile fast --example simulate -- --replay {seed} --trace");
        faults.add(&met);
        (writes, steps, days) = (writes + made, steps + taken, days + millis / 86_400_000);
    }
    let kinds = faults.each().filter(|(_, count)| *count > 0).count();
    assert!(kinds >= 20, "{kinds} kinds of fault were met");
    assert!(writes > 1000 && steps > 10 * writes && days > 30 * LIVES, "{writes} calls, {steps} steps, {days} days");
}

#[test]
fn a_seed_replays_exactly() {
    let (first, second) = (live(11, None, true), live(11, None, true));
    assert!(first.trace.len() > 1000);
    assert_eq!(first.trace, second.trace);
    assert_ne!(first.trace, live(12, None, true).trace);
}

#[test]
fn a_blind_detector_that_counts_as_no_address_is_found() {
    let wrong = found(Planted::BlindIsNone);
    assert!(wrong.contains("there is an address"), "{wrong}");
}

#[test]
fn success_that_is_remembered_before_the_call_is_found() {
    let wrong = found(Planted::SuccessBeforeCall);
    assert!(wrong.contains("is said to be up to date with"), "{wrong}");
}

#[test]
fn a_refused_password_that_is_tried_again_and_again_is_found() {
    let wrong = found(Planted::AuthIsTransient);
    assert!(wrong.contains("although it was refused"), "{wrong}");
}

#[test]
fn a_pause_that_is_not_kept_is_found() {
    let wrong = found(Planted::IgnoresRetryAfter);
    assert!(wrong.contains("before the pause is over"), "{wrong}");
}

#[test]
fn services_of_one_operator_that_pass_for_several_opinions_are_found() {
    let wrong = found(Planted::OperatorsNotToldApart);
    assert!(wrong.contains("which is not the device's"), "{wrong}");
}

#[test]
fn values_of_others_that_are_thrown_away_are_found() {
    let wrong = found(Planted::OverwritesForeign);
    assert!(wrong.contains("somebody else's value is gone"), "{wrong}");
}

#[test]
fn machines_that_share_a_name_take_nothing_of_each_other_through_flapping_uplinks_and_renumbering_storms() {
    for seed in 1..=LIVES / 3 {
        assert_eq!(share(seed), Ok(()), "seed {seed}");
    }
}

#[test]
fn machines_that_fight_over_a_name_are_damped_and_say_so() {
    for shape in [Shape::Rrsets, Shape::Records, Shape::Jobs, Shape::Pending, Shape::Push] {
        for seed in 1..=5 {
            let (writes, said) = fight(seed, shape).unwrap();
            assert!(said > 15 * 24 / 2, "{shape:?}, seed {seed}: it is said in {said} of 360 hours only");
            // A push service tells by its name servers, which cause one write a day and machine at most.
            let most = if shape == Shape::Push { 30 } else { 0 };
            assert!(writes <= most, "{shape:?}, seed {seed}: {writes} writes in half a month");
        }
    }
}
