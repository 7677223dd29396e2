//! Short lives in the simulator: nothing goes wrong in them, old bugs are found, and a seed replays exactly. Many device-years
//! are lived by `cargo run --profile fast --example simulate`.

mod simulator;

use driftless::model::machine::Planted;
use simulator::several::{FIGHTS, fight, share};
use simulator::{Bug, Life, live};

/// Lives enough to meet each old bug.
const LIVES: u64 = 30;
/// So many lives that one bug spoiled are looked at: it may show in more than one way.
const MET: usize = 5;

/// An old bug spoils a life, of which the oracle says one of these.
#[track_caller]
fn is_found(bug: impl Into<Bug>, says: &[&str]) {
    let bug = bug.into();
    let mut met = Vec::new();
    let mut spoiled = (1..=LIVES).filter_map(|seed| live(seed, Some(bug), false).wrong).take(MET);
    let is_found = spoiled.any(|wrong| {
        let is_it = says.iter().any(|says| wrong.contains(says));
        met.push(wrong);
        is_it
    });
    assert!(is_found, "{bug:?} is not found: {met:?}");
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
    for kind in [
        "detector lies",
        "operator",
        "detector that is asked alone",
        "renumbering storm",
        "VPN comes up",
        "VPN goes down",
    ] {
        let met = faults.each().any(|(words, count)| words.contains(kind) && count > 0);
        assert!(met, "{kind} was not met");
    }
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
    is_found(Planted::BlindIsNone, &["there is an address"]);
}

#[test]
fn success_that_is_remembered_before_the_call_is_found() {
    is_found(Planted::SuccessBeforeCall, &["is said to be up to date with"]);
}

#[test]
fn a_refused_password_that_is_tried_again_and_again_is_found() {
    is_found(Planted::AuthIsTransient, &["although it was refused"]);
}

#[test]
fn a_pause_that_is_not_kept_is_found() {
    is_found(Planted::IgnoresRetryAfter, &["before the pause is over"]);
}

#[test]
fn services_of_one_operator_that_pass_for_several_opinions_are_found() {
    is_found(Planted::OperatorsNotToldApart, &["which is not the device's"]);
}

#[test]
fn values_of_others_that_are_thrown_away_are_found() {
    is_found(Planted::OverwritesForeign, &["somebody else's value is gone"]);
}

#[test]
fn the_exit_of_a_vpn_that_passes_for_the_devices_address_is_found() {
    is_found(Bug::VpnExit, &["146.70.0.9, which is not the device's", "2a0d:5600::9, which is not the device's"]);
}

#[test]
fn a_single_liar_that_is_believed_at_once_is_found() {
    is_found(Planted::OneVoiceIsEnough, &["which is not the device's"]);
}

#[test]
fn a_storm_of_addresses_that_is_published_as_it_comes_is_found() {
    is_found(Planted::WritesNotCounted, &["before its budget allows it"]);
}

/// What the oracle says of the first machines that share a name and have an old bug.
fn found_sharing(bug: Planted) -> String {
    (1..=LIVES / 3).find_map(|seed| share(seed, Some(bug)).err()).unwrap_or_default()
}

#[test]
fn machines_that_share_a_name_take_nothing_of_each_other_through_flapping_uplinks_and_renumbering_storms() {
    for seed in 1..=LIVES / 3 {
        assert_eq!(share(seed, None), Ok(()), "seed {seed}");
    }
}

#[test]
fn machines_that_take_what_is_another_ones_are_found() {
    let wrong = found_sharing(Planted::OverwritesForeign);
    assert!(wrong.contains("which is not its own"), "{wrong}");
}

#[test]
fn an_uplink_that_is_down_and_loses_its_address_is_found() {
    let wrong = found_sharing(Planted::BlindIsNone);
    assert!(wrong.contains("which an uplink was last known to have"), "{wrong}");
}

#[test]
fn machines_that_fight_over_a_name_are_damped_and_say_so() {
    for shape in FIGHTS {
        for seed in 1..=5 {
            assert_eq!(fight(seed, shape, None), Ok(()), "seed {seed}");
        }
    }
}

#[test]
fn a_fight_that_is_not_damped_is_found() {
    let wrong = FIGHTS.map(|shape| fight(1, shape, Some(Planted::FightsOn)).err().unwrap_or_default());
    // What is pending is given time by its service. A push service is told by its name servers alone, which cause one write a day.
    assert!(wrong[..3].iter().all(|wrong| wrong.contains("is not damped")), "{wrong:?}");
}

#[test]
fn lives_of_several_machines_are_among_the_others() {
    let Life { millis, writes, faults, wrong, .. } = live(50, None, false);
    assert_eq!(wrong, None);
    let met = |words: &str| faults.each().any(|(known, count)| known.starts_with(words) && count > 0);
    assert!(met("machines share a name") != met("machines fight over a name"));
    assert!(millis > 20 * 86_400_000 && writes > 0);
}
