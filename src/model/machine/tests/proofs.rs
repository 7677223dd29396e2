//! Sources that are not believed at once: one that is alone in the world, and one that disagrees.

use super::*;

/// One source out in the world, asked alone.
fn single(terms: Terms) -> Desired {
    let mut desired = several(terms, &["a"]);
    desired.sources = [(source(), public(&source(), 10 * MINUTE))].into();
    desired
}

fn want(rig: &Rig) -> &Want {
    &rig.state.records[&named("a")].want
}

/// Lets time pass second by second, the source being asked as the machine likes; the seconds at which it was asked.
fn asked(rig: &mut Rig, effects: Vec<Effect>, seconds: u64, mut says: impl FnMut(u64) -> Reading) -> Vec<u64> {
    let (mut open, mut asked) = (effects, Vec::new());
    for second in 0..seconds {
        while let Some(effect) = open.pop() {
            if let Effect::Detect(questions) = effect {
                asked.push(second);
                let answers = questions.into_iter().map(|(source, family)| (source, family, says(second))).collect();
                open.extend(rig.follow(Event::Readings(answers)));
            }
        }
        rig.now.moment = rig.now.moment.plus(SECOND);
        open = rig.follow(Event::Time);
    }
    asked
}

fn said(last: u8) -> Reading {
    Reading::Addresses(vec![address(last)])
}

#[test]
fn a_single_source_is_believed_when_it_has_said_the_same_three_times_over_two_minutes() {
    let mut rig = Rig::one_by_one(single(alone()));
    let effects = rig.follow(Event::Start);
    let first = asked(&mut rig, effects, 119, |_| said(1));
    assert_eq!(first.len(), 2, "{first:?}");
    assert!((60..=71).contains(&first[1]), "{first:?}");
    assert!(
        matches!(want(&rig), Want::Unknown(why) if why.contains("source alone says 198.51.100.1, 2 of 3 times so far"))
    );
    assert!(!rig.state.is_settled(rig.now), "a one-shot run waits for it");
    assert_eq!(asked(&mut rig, Vec::new(), 30, |_| said(1)).len(), 1);
    assert_eq!(want(&rig), &Want::Values(values(&[1])));
    assert_eq!(
        asked(&mut rig, Vec::new(), 500, |_| said(1)),
        [0_u64; 0],
        "from then on as rarely as its interval says"
    );
}

#[test]
fn an_answer_on_its_way_does_not_make_the_two_minutes_full() {
    let mut rig = Rig::one_by_one(single(alone()));
    rig.follow(Event::Start);
    let answer = |rig: &mut Rig| rig.follow(Event::Readings(vec![(source(), Family::Ipv4, said(1))]));
    answer(&mut rig);
    let start = rig.now.moment;
    for (asked, answered) in [(50, 51), (115, 122)] {
        rig.now.moment = start.plus(SECOND * asked);
        let effects = rig.follow(Event::Look(Network::Changed));
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Detect(_))), "{effects:?}");
        rig.now.moment = start.plus(SECOND * answered);
        answer(&mut rig);
    }
    assert!(matches!(want(&rig), Want::Unknown(_)), "between the first answer and the last question: {:?}", want(&rig));
    asked(&mut rig, Vec::new(), 75, |_| said(1));
    assert_eq!(want(&rig), &Want::Values(values(&[1])));
}

#[test]
fn another_answer_in_between_begins_anew_and_silence_does_not() {
    let mut rig = Rig::one_by_one(single(alone()));
    let effects = rig.follow(Event::Start);
    let mut turn = 0;
    let told = asked(&mut rig, effects, 300, |_| {
        turn += 1;
        said(if turn == 2 { 2 } else { 1 })
    });
    assert!(told.len() >= 5, "{told:?}");
    assert_eq!(want(&rig), &Want::Values(values(&[1])));
    let mut rig = Rig::one_by_one(single(alone()));
    let effects = rig.follow(Event::Start);
    let mut turn = 0;
    let told = asked(&mut rig, effects, 700, |_| {
        turn += 1;
        if turn == 2 { Reading::Unknown("no answer".into()) } else { said(1) }
    });
    assert_eq!(want(&rig), &Want::Values(values(&[1])), "{told:?}");
}

#[test]
fn a_single_source_that_never_says_the_same_twice_moves_nothing_and_is_not_hammered() {
    let mut rig = Rig::one_by_one(single(alone()));
    let effects = rig.follow(Event::Start);
    let mut last = 0;
    let told = asked(&mut rig, effects, 7200, |_| {
        last += 1;
        said(last)
    });
    assert!(matches!(want(&rig), Want::Unknown(_)), "{:?}", want(&rig));
    assert!(told.len() <= 30, "asked {} times in two hours", told.len());
}

#[test]
fn what_is_confirmed_already_is_believed_at_once_and_a_change_is_not() {
    let mut rig = Rig::one_by_one(single(alone()));
    let effects = rig.follow(Event::Start);
    asked(&mut rig, effects, 150, |_| said(1));
    let effects = rig.lapse(SECOND, Some(1));
    let effects = if effects.is_empty() { rig.follow(Event::Update(Target::All)) } else { effects };
    drop(effects);
    let record = rig.state.records.get_mut(&named("a")).unwrap();
    let confirmed = crate::model::ledger::Confirmed { values: values(&[1]), ttl: None, since: rig.now.into() };
    (record.entry.confirmed, record.entry.attempt, record.dirty) = (Some(confirmed), None, true);
    rig.follow(Event::Stop);
    for (last, known) in [(1, true), (2, false)] {
        let effects = rig.restart();
        rig.told(effects, Some(last));
        assert_eq!(matches!(want(&rig), Want::Values(_)), known, "{last}: {:?}", want(&rig));
    }
}

#[test]
fn a_server_of_ones_own_is_believed_at_once() {
    let mut desired = single(alone());
    desired.sources.values_mut().for_each(|spec| spec.trusted = true);
    let mut rig = Rig::one_by_one(desired);
    assert_eq!(writes(&rig.start(1)), [values(&[1])]);
}

/// Four sources of three operators, of which two must agree; the first two are of one.
fn four() -> Desired {
    let echo = |at: u64| SourceName(format!("echo {at}"));
    let mut desired = several(alone(), &["a"]);
    let quorum = Expression::Quorum { need: 2, of: (0..4).map(|at| Expression::Source(echo(at))).collect() };
    desired.records.values_mut().for_each(|spec| spec.uplinks[0].source = quorum.clone());
    desired.sources = (0..4).map(|at| (echo(at), public(&echo(at.max(1)), 10 * MINUTE))).collect();
    desired
}

/// One after another round, each answered by what `says` makes of a source's number; what people were told of it.
fn rounds(rig: &mut Rig, count: usize, says: impl Fn(u64) -> Reading) -> Vec<String> {
    let before = rig.notices.len();
    for _ in 0..count {
        rig.now.moment = rig.now.moment.plus(30 * MINUTE);
        let mut effects = rig.follow(if rig.state.started.is_none() { Event::Start } else { Event::Time });
        while let Some(effect) = effects.pop() {
            if let Effect::Detect(questions) = effect {
                let number = |name: &SourceName| name.0[5..].parse::<u64>().unwrap();
                let answers = questions.into_iter().map(|(name, family)| (name.clone(), family, says(number(&name))));
                effects.extend(rig.follow(Event::Readings(answers.collect())));
            }
        }
    }
    let told =
        rig.notices[before..].iter().filter(|notice| notice.level >= Level::Info && notice.what.contains("echo"));
    told.map(|notice| notice.what.clone()).collect()
}

#[test]
fn a_source_that_disagrees_often_is_asked_last_and_told_of_once_until_it_agrees_again() {
    let mut rig = Rig::one_by_one(four());
    let told = rounds(&mut rig, 40, |at| said(if at == 3 { 9 } else { 1 }));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("echo 3 said something else than what was believed 3 times"), "{told:?}");
    let liar = SourceName("echo 3".into());
    assert!(rig.state.is_demoted(&liar, rig.now) && !rig.state.is_demoted(&SourceName("echo 2".into()), rig.now));
    let evidence: Vec<_> = rig.state.verdicts().flat_map(|(.., weighed)| &weighed.evidence).collect();
    assert_eq!(evidence.len(), 4);
    assert_eq!(evidence.iter().filter(|one| one.is_counted()).count(), 2, "{evidence:?}");
    let status = crate::report::status::Status::of(&rig.state, rig.now);
    assert!(status.lines().iter().any(|line| line.contains("echo 3") && line.ends_with("it disagrees too often")));
    assert_eq!((status.verdicts.len(), &status.verdicts[0].believed), (1, &said(1)));
    assert_eq!(status.verdicts[0].evidence.iter().filter(|voice| voice.counted).count(), 2);
    // The others cannot tell, or are of one operator: it is asked after all, and what it says is not counted.
    let told = rounds(&mut rig, 6, |at| if at == 2 { Reading::Unknown("down".into()) } else { said(1) });
    assert_eq!(told, [""; 0]);
    assert!(matches!(want(&rig), Want::Unknown(why) if why.contains("198.51.100.1 (not counted")), "{:?}", want(&rig));
    // A day without a word against what is believed is another chance.
    rounds(&mut rig, 60, |_| said(1));
    assert!(!rig.state.is_demoted(&liar, rig.now));
    assert_eq!(want(&rig), &Want::Values(values(&[1])));
}

#[test]
fn one_operator_moves_no_address_whatever_its_services_say() {
    let mut rig = Rig::one_by_one(four());
    rounds(&mut rig, 10, |_| said(1));
    rounds(&mut rig, 200, |at| said(if at < 2 { 9 } else { 1 }));
    assert_eq!(want(&rig), &Want::Values(values(&[1])));
    rounds(&mut rig, 50, |at| if at < 2 { said(9) } else { Reading::Unknown("down".into()) });
    assert!(matches!(want(&rig), Want::Unknown(_)));
    assert_eq!(rig.state.records[&named("a")].believed.get(&Family::Ipv4), Some(&said(1)));
}
