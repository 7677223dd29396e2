//! Sources of addresses: when they are asked, and what is made of answers from before a change.

use super::*;

#[test]
fn slow_answers_from_the_world_do_not_keep_the_machines_own_word_waiting() {
    let mut desired = desired(readable());
    let echo = SourceName("echo".into());
    let of = vec![Expression::Source(source()), Expression::Source(echo.clone())];
    desired.records.get_mut(&id()).unwrap().uplinks[0].source = Expression::FirstOf(of);
    desired.sources.insert(echo.clone(), public(&echo, 10 * MINUTE));
    let mut state = State::new(desired, &Documents::new(), "boot", true, Mode::Run, Now::default());
    let mut rng = fastrand::Rng::with_seed(1);
    let mut asks = |event: Event, second: u64| {
        let now = Now { moment: Moment(second * 1000), wall: Wall(0) };
        let effects = step(&mut state, event, now, &mut rng);
        let asked = effects.into_iter().filter_map(|effect| match effect {
            Effect::Detect(questions) => Some(questions.into_iter().map(|(name, _)| name.0)),
            _ => None,
        });
        asked.flatten().collect::<Vec<_>>()
    };
    assert_eq!(asks(Event::Start, 1), ["source"]);
    assert_eq!(asks(Event::Readings(vec![(source(), Family::Ipv4, Reading::None)]), 2), ["echo"]);
    assert_eq!(asks(Event::Look(Network::Changed), 3), ["source"], "although the echo has not answered");
}

#[test]
fn who_looks_at_one_name_waits_for_no_source_of_another() {
    let mut desired = several(alone(), &["a", "b"]);
    desired.sources.insert(other_source(), SourceSpec::local(Protocol::File, "other"));
    desired.records.get_mut(&named("b")).unwrap().uplinks[0].source = Expression::Source(other_source());
    let state = State::new(desired, &Documents::new(), "boot", true, Mode::Run, Now::default());
    let mut state = state.looking_at(Target::Name(named("a").key.name));
    let mut rng = fastrand::Rng::with_seed(1);
    let now = Now { moment: Moment(1000), wall: Wall(0) };
    let asked = |effects: &[Effect]| {
        let questions = effects.iter().filter_map(|effect| match effect {
            Effect::Detect(questions) => Some(questions.iter().map(|(name, _)| name.0.clone())),
            _ => None,
        });
        questions.flatten().collect::<Vec<_>>()
    };
    assert_eq!(asked(&step(&mut state, Event::Start, now, &mut rng)), ["source"]);
    let said = Reading::Addresses(vec![address(1)]);
    let effects = step(&mut state, Event::Readings(vec![(source(), Family::Ipv4, said)]), now, &mut rng);
    assert_eq!(asked(&effects), [""; 0]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Cut { .. })), "it is held back: {effects:?}");
    let meant: Vec<_> = state.views(now).filter(|view| view.meant).map(|view| view.id.clone()).collect();
    assert_eq!(meant, [named("a")]);
    assert!(matches!(state.standing(&named("b")), Standing::Unknown { .. }));
}

#[test]
fn a_source_that_is_gone_after_a_reload_does_not_keep_a_round_open() {
    let mut rig = Rig::one_by_one(several(alone(), &["a"]));
    rig.follow(Event::Start);
    let mut other = several(alone(), &["a"]);
    other.sources = [(other_source(), SourceSpec::local(Protocol::File, "other"))].into();
    other.records.values_mut().for_each(|spec| spec.uplinks[0].source = Expression::Source(other_source()));
    let effects = rig.follow(Event::Reload(other));
    rig.told(effects, None);
    let effects = rig.follow(Event::Readings(vec![(source(), Family::Ipv4, Reading::None)]));
    rig.told(effects, None);
    rig.now.moment = rig.now.moment.plus(6 * MINUTE);
    let effects = rig.follow(Event::Time);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Detect(_))), "{effects:?}");
}

#[test]
fn readings_from_before_a_change_are_not_used_again_after_it() {
    let mut desired = several(alone(), &["a"]);
    let echo = |at: u64| SourceName(format!("echo {at}"));
    let quorum = Expression::Quorum { need: 2, of: (0..5).map(|at| Expression::Source(echo(at))).collect() };
    desired.records.values_mut().for_each(|spec| spec.uplinks[0].source = quorum.clone());
    let rarely = |at| public(&echo(at), if at < 2 { MINUTE } else { 9 * HOUR });
    desired.sources = (0..5).map(|at| (echo(at), rarely(at))).collect();
    for network in [Network::Changed, Network::Same] {
        let mut rig = Rig::one_by_one(desired.clone());
        rig.follow(Event::Start);
        let said = |last| Reading::Addresses(vec![address(last)]);
        rig.follow(Event::Readings((0..5).map(|at| (echo(at), Family::Ipv4, said(1))).collect()));
        rig.now.moment = rig.now.moment.plus(10 * MINUTE);
        let mut effects = rig.follow(Event::Look(network));
        let mut wants = Vec::new();
        for _ in 0..50 {
            while let Some(effect) = effects.pop() {
                if let Effect::Detect(questions) = effect {
                    let answers = questions.into_iter().map(|(source, family)| (source, family, said(2))).collect();
                    effects.extend(rig.follow(Event::Readings(answers)));
                }
            }
            wants.push(rig.state.records[&named("a")].want.clone());
            rig.now.moment = rig.now.moment.plus(6 * MINUTE);
            effects = rig.follow(Event::Time);
        }
        wants.dedup();
        assert_eq!(wants.last(), Some(&Want::Values(values(&[2]))), "it was learnt");
        assert!(wants.len() <= 2, "and not forgotten: {wants:?}");
    }
}

#[test]
fn an_address_from_before_the_network_changed_is_not_sent_before_it_is_found_again() {
    let mut rig = Rig::one_by_one(several(alone(), &["a"]));
    let effects = rig.start(1);
    rig.applied(&effects, Err(Error::transient("updating", "down")));
    rig.now.moment = rig.now.moment.plus(14 * HOUR);
    let effects = rig.follow(Event::Look(Network::Changed));
    assert_eq!(writes(&effects), [], "it slept for half a day");
    assert_eq!(writes(&rig.told(effects, Some(2))), [values(&[2])]);
}

#[test]
fn an_answer_from_moments_before_the_network_changed_is_asked_for_again() {
    let mut desired = several(alone(), &["a"]);
    desired.sources.values_mut().for_each(|spec| spec.min_interval = 10 * MINUTE);
    let mut rig = Rig::one_by_one(desired);
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    rig.lapse(11 * MINUTE, Some(1));
    // Asked by a check, and the address changes a moment later: the event is spared, the next half minute is not.
    let effects = rig.follow(Event::Look(Network::Changed));
    assert_eq!(writes(&rig.told(effects, Some(1))), []);
    rig.lapse(1 * SECOND, Some(1));
    assert_eq!(writes(&rig.change(2)), []);
    assert_eq!(writes(&rig.lapse(MINUTE, Some(2))), [values(&[2])]);
}

#[test]
fn a_flapping_link_does_not_hammer_a_public_echo() {
    // dyndns2: not more than once in ten minutes. A change of address may ask sooner, a flapping link not 1200 times an hour.
    let mut desired = desired(readable());
    desired.sources.get_mut(&source()).unwrap().min_interval = 10 * MINUTE;
    let mut rig = Rig::new(desired, &Documents::new());
    rig.says(1);
    let mut asked = 0;
    for flap in 0..1200_u32 {
        rig.move_to(rig.now.moment.plus(3 * SECOND));
        let event = if flap == 0 { Event::Start } else { Event::Look(Network::Changed) };
        for effect in step(&mut rig.state, event, rig.now, &mut rig.rng) {
            if let Effect::Detect(questions) = effect {
                asked += questions.len();
                let reading = Reading::Addresses(vec![[198, 51, 100, 1].into()]);
                let told = questions.into_iter().map(|(source, family)| (source, family, reading.clone())).collect();
                drop(step(&mut rig.state, Event::Readings(told), rig.now, &mut rig.rng));
            }
        }
    }
    assert!(asked <= 120, "asked {asked} times in an hour");
}

#[test]
fn a_source_that_was_kept_back_is_asked_as_soon_as_it_may_be() {
    let mut desired = several(alone(), &["a"]);
    desired.sources.values_mut().for_each(|spec| spec.min_interval = 10 * MINUTE);
    let mut rig = Rig::one_by_one(desired);
    let effects = rig.start(1);
    rig.applied(&effects, Ok(Applied::Done));
    rig.lapse(11 * MINUTE, Some(1));
    let asks = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Detect(_)));
    let mut vpn = |after: u64, up: bool| {
        rig.now.moment = rig.now.moment.plus(Duration::from_secs(after));
        let effects = rig.follow(Event::Look(Network::Changed));
        let asked = asks(&effects);
        if asked && up {
            rig.follow(Event::KeptBack(vec![(source(), Family::Ipv4, "a VPN is up".into())]));
            assert!(matches!(rig.state.records[&named("a")].want, Want::Unknown(_)), "it is kept back");
        } else if asked {
            rig.told(effects, Some(1));
        }
        asked
    };
    // Nobody has asked it for minutes, and it was not asked while the VPN was up: it is asked at once when that is gone.
    assert!(vpn(300, true) && vpn(5, false));
    // Then it was asked: a VPN that flaps does not have it asked again and again.
    assert_eq!([vpn(3, true), vpn(3, false), vpn(3, true)], [false; 3]);
}

#[test]
fn a_reload_that_takes_a_source_away_during_a_round_does_not_blind_the_machine() {
    // The question to the old source is open when the configuration names another one. Its answer comes and counts for nothing,
    // and the round must end all the same.
    let mut rig = Rig::started(readable(), 1);
    rig.reads(Ok(seen(&[1])));
    rig.pass(HOUR);
    let effects = step(&mut rig.state, Event::Look(Network::Changed), rig.now, &mut rig.rng);
    let asked =
        effects.into_iter().find_map(|effect| if let Effect::Detect(asked) = effect { Some(asked) } else { None });
    let mut other = desired(readable());
    let another = SourceName("another".into());
    other.sources = BTreeMap::from([(another.clone(), SourceSpec::local(Protocol::File, "another"))]);
    other.records.get_mut(&id()).unwrap().uplinks[0].source = Expression::Source(another);
    rig.feed(Event::Reload(other));
    let late = Reading::Addresses(vec![[198, 51, 100, 1].into()]);
    let told = asked.unwrap().into_iter().map(|(source, family)| (source, family, late.clone())).collect();
    rig.feed(Event::Readings(told));
    rig.open.clear();
    rig.changes_to(2);
    rig.pass(HOUR);
    assert_eq!(rig.state.views(rig.now).next().unwrap().want, &Want::Values(values(&[2])), "blind for ever");
}

#[test]
fn a_public_source_that_goes_on_failing_is_asked_ever_more_rarely_and_anew_in_another_network() {
    let mut desired = several(alone(), &["a"]);
    desired.sources.values_mut().for_each(|spec| spec.min_interval = 10 * MINUTE);
    desired.check = Duration::from_secs(30);
    let mut rig = Rig::one_by_one(desired);
    let (mut effects, mut asked) = (rig.follow(Event::Start), Vec::new());
    for second in 0..8000 {
        let questions = effects.iter().any(|effect| matches!(effect, Effect::Detect(_)));
        rig.now.moment = rig.now.moment.plus(Duration::from_secs(1));
        effects = if questions {
            asked.push(second);
            let failed = Reading::Unknown("no answer".into());
            rig.follow(Event::Readings(vec![(source(), Family::Ipv4, failed)]))
        } else {
            rig.follow(if second == 7000 { Event::Look(Network::Changed) } else { Event::Time })
        };
    }
    let (before, after): (Vec<i32>, Vec<i32>) = asked.iter().partition(|second| **second < 7000);
    let gaps: Vec<i32> = before.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let least = [60, 120, 240, 480, 600, 600, 600];
    assert!(gaps.iter().zip(least).all(|(gap, least)| (least..=least + 130).contains(gap)), "{gaps:?}");
    assert!(gaps.len() > least.len() && gaps.iter().all(|gap| *gap < 760), "{gaps:?}");
    assert!(after.len() >= 3 && after[0] <= 7002, "in another network it is asked at once, and soon again: {after:?}");
}

#[test]
fn an_answer_from_before_the_last_change_is_not_used_again_at_the_next_one() {
    let echo = |at: u64| SourceName(format!("echo {at}"));
    let mut desired = several(alone(), &["a"]);
    let quorum = Expression::Quorum { need: 2, of: (0..4).map(|at| Expression::Source(echo(at))).collect() };
    desired.records.values_mut().for_each(|spec| spec.uplinks[0].source = quorum.clone());
    desired.sources = (0..4).map(|at| (echo(at), public(&echo(at), 10 * MINUTE))).collect();
    let mut rig = Rig::one_by_one(desired);
    let mut real = 1;
    let mut wants = Vec::new();
    let mut effects = rig.follow(Event::Start);
    // In whatever order they are asked: the address changes between the two events, within the seconds in which nobody is asked
    // twice.
    for turn in 0..40 {
        for second in 0..60 {
            while let Some(effect) = effects.pop() {
                if let Effect::Detect(questions) = effect {
                    let said = Reading::Addresses(vec![address(real)]);
                    let answers =
                        questions.into_iter().map(|(source, family)| (source, family, said.clone())).collect();
                    effects.extend(rig.follow(Event::Readings(answers)));
                }
            }
            wants.push(rig.state.records[&named("a")].want.clone());
            rig.now.moment = rig.now.moment.plus(Duration::from_secs(1));
            if second == 10 {
                real = if real == 1 { 2 } else { 1 };
            }
            effects = rig.follow(if [10, 25].contains(&second) { Event::Look(Network::Changed) } else { Event::Time });
        }
        rig.now.moment = rig.now.moment.plus(20 * MINUTE);
        effects = rig.follow(Event::Time);
        wants.dedup();
        let known = wants.iter().filter(|want| matches!(want, Want::Values(_))).collect::<Vec<_>>();
        let mut changes = known.clone();
        changes.dedup();
        assert!(changes.len() <= turn + 2, "an address came back that was gone: {changes:?}");
    }
}

/// Two echoes that must agree, behind a file that may know more: when they are asked, and what they are told to have counted for.
fn quorum_behind_a_file() -> Rig {
    let echoes = ["echo 1", "echo 2"].map(|name| SourceName(name.into()));
    let quorum = Expression::Quorum { need: 2, of: echoes.iter().cloned().map(Expression::Source).collect() };
    let mut desired = several(alone(), &["a"]);
    desired.sources.extend(echoes.map(|name| (name.clone(), public(&name, 10 * MINUTE))));
    desired.records.get_mut(&named("a")).unwrap().uplinks[0].source =
        Expression::FirstOf(vec![Expression::Source(source()), quorum]);
    let mut rig = Rig::one_by_one(desired);
    let effects = rig.follow(Event::Start);
    answer(&mut rig, effects);
    rig
}

/// The file has nothing, and the echoes say one address.
fn answer(rig: &mut Rig, mut effects: Vec<Effect>) {
    while let Some(effect) = effects.pop() {
        let Effect::Detect(questions) = effect else { continue };
        let said = |name: &SourceName| {
            if *name == source() { Reading::None } else { Reading::Addresses(vec![address(1)]) }
        };
        let answers = questions.into_iter().map(|(name, family)| (name.clone(), family, said(&name))).collect();
        effects.extend(rig.follow(Event::Readings(answers)));
    }
}

#[test]
fn a_source_that_was_needed_and_spared_is_not_told_as_one_that_was_not_needed() {
    use crate::model::evidence::Weight;
    let mut rig = quorum_behind_a_file();
    let weights = |rig: &Rig| {
        let (.., weighed) = rig.state.verdicts().next().unwrap();
        weighed.evidence.iter().map(|one| (one.answer.clone(), one.weight)).collect::<Vec<_>>()
    };
    let said = Some(Reading::Addresses(vec![address(1)]));
    let both = [(Some(Reading::None), Weight::Passed), (said.clone(), Weight::Counts), (said, Weight::Counts)];
    assert_eq!(weights(&rig), both);
    let until = rig.now.wall_of(rig.now.moment.plus(30 * SECOND));
    for event in [Event::Look(Network::Changed), Event::Look(Network::Changed)] {
        rig.now.moment = rig.now.moment.plus(5 * SECOND);
        rig.now.wall.0 += 5;
        let effects = rig.follow(event);
        answer(&mut rig, effects);
    }
    let rests = (None, Weight::Rests { until });
    assert_eq!(weights(&rig)[1..], [rests.clone(), rests]);
    let says = format!("needed, and not asked again before {until}: it was asked moments before the network changed");
    assert_eq!(weights(&rig)[1].1.to_string(), says);
}
