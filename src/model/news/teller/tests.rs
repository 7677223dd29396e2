use super::super::tests::{record, values};
use super::*;
use crate::model::record::Family;
use crate::model::time::Wall;
use proptest::prelude::*;

const A: &str = "a.example.org";
const B: &str = "b.example.org";

fn at(seconds: u64) -> Now {
    Now { moment: Moment(1_000_000 + seconds * 1000), wall: Wall(1_000_000 + seconds as i64) }
}

fn news(limit: u32) -> Wish {
    Wish::News { events: Kind::ALL.into(), after: HOUR, limit }
}

fn wishes(wish: Wish) -> BTreeMap<String, Wish> {
    BTreeMap::from([("phone".to_owned(), wish)])
}

fn teller(wish: Wish) -> Teller {
    let mut teller = Teller::new(None, true, at(0));
    teller.declare(wishes(wish), at(0));
    teller
}

fn trouble(kind: Kind, why: &str) -> Plight {
    Plight::Trouble(Trouble {
        kind,
        word: if kind == Kind::Held { why.into() } else { String::new() },
        why: why.into(),
    })
}

fn fact(name: &str, address: &str, plight: Plight) -> Fact {
    Fact { subject: record(name), values: Some(values(&[address])), wrote: true, plight }
}

fn print() -> Fingerprint {
    "these".into()
}

/// One look, and what is sent in it, all of which arrives.
fn look(teller: &mut Teller, facts: &[Fact], seconds: u64) -> Option<String> {
    let sent = teller.look(facts.to_vec(), false, false, at(seconds));
    assert!(sent.len() <= 1);
    let (name, message) = sent.into_iter().next()?;
    teller.done(&name, &Ok(()), &print(), at(seconds), &mut fastrand::Rng::with_seed(0));
    Some(message.text)
}

fn fails(teller: &mut Teller, error: Error, seconds: u64) {
    teller.done("phone", &Err(error), &print(), at(seconds), &mut fastrand::Rng::with_seed(0));
}

#[test]
fn several_changes_are_one_message_and_none_is_told_twice() {
    let mut teller = teller(news(10));
    let well = |last: u8| [A, B].map(|name| fact(name, &format!("192.0.2.{last}"), Plight::Well));
    assert_eq!(look(&mut teller, &well(1), 0), None, "what was there at the start is no news");
    let mut half = well(1);
    half[0] = well(2)[0].clone();
    assert_eq!(look(&mut teller, &half, 10), None);
    assert_eq!(teller.wake_at(), Some(at(12).moment));
    assert_eq!(look(&mut teller, &well(2), 11), None);
    let told = look(&mut teller, &well(2), 12).unwrap();
    assert_eq!(told, "a.example.org A, b.example.org A: 192.0.2.1 -> 192.0.2.2");
    assert_eq!((look(&mut teller, &well(2), 100_000), teller.wake_at()), (None, None));
}

#[test]
fn what_is_still_under_way_is_waited_for_but_not_for_ever() {
    let mut teller = teller(news(10));
    let facts = |last: u8, plight| [fact(A, &format!("192.0.2.{last}"), Plight::Well), fact(B, "192.0.2.1", plight)];
    look(&mut teller, &facts(1, Plight::Well), 0);
    assert_eq!(look(&mut teller, &facts(2, Plight::Busy), 1), None);
    assert_eq!(look(&mut teller, &facts(2, Plight::Busy), 10), None);
    assert!(look(&mut teller, &facts(2, Plight::Busy), 16).is_some());
}

#[test]
fn what_may_pass_is_told_when_it_has_lasted_and_so_is_its_end() {
    let mut teller = teller(news(10));
    let failing = [fact(A, "192.0.2.1", trouble(Kind::Failing, "nobody listens"))];
    let well = [fact(A, "192.0.2.1", Plight::Well)];
    look(&mut teller, &well, 0);
    assert_eq!(look(&mut teller, &failing, 10), None);
    assert_eq!(look(&mut teller, &well, 20), None, "nobody was told, so its end is no news");
    assert_eq!(look(&mut teller, &failing, 30), None);
    assert_eq!(teller.wake_at(), Some(at(30 + 3600).moment));
    assert_eq!(look(&mut teller, &failing, 3629), None);
    assert_eq!(look(&mut teller, &failing, 3630), None, "it is gathered with others");
    assert!(look(&mut teller, &failing, 3632).unwrap().contains("failing at home since"));
    assert_eq!(look(&mut teller, &failing, 9000), None, "once");
    assert_eq!(look(&mut teller, &[fact(A, "192.0.2.1", Plight::Busy)], 9001), None, "being tried is not being well");
    assert_eq!(look(&mut teller, &well, 9002), None);
    assert_eq!(look(&mut teller, &well, 9004).unwrap(), "a.example.org A: well again, holds 192.0.2.1");
}

#[test]
fn a_hold_is_told_at_once_and_another_reason_too() {
    let mut teller = teller(news(10));
    let held = |why| [fact(A, "192.0.2.1", trouble(Kind::Held, why))];
    look(&mut teller, &held("refused"), 0);
    assert!(look(&mut teller, &held("refused"), 2).unwrap().contains("held at home: refused"));
    look(&mut teller, &held("foreign"), 5);
    assert!(look(&mut teller, &held("foreign"), 7).is_some());
    look(&mut teller, &held("refused"), 10);
    assert_eq!(look(&mut teller, &held("refused"), 20), None, "that was said");
}

#[test]
fn only_what_is_wished_for_is_told() {
    let wish = Wish::News { events: [Kind::Held].into(), after: HOUR, limit: 10 };
    let mut teller = teller(wish);
    let well = |last: u8| [fact(A, &format!("192.0.2.{last}"), Plight::Well)];
    let held = [fact(A, "192.0.2.2", trouble(Kind::Held, "refused"))];
    for (facts, seconds) in [(&well(1), 0), (&well(2), 10), (&well(2), 20), (&held, 30)] {
        assert_eq!(look(&mut teller, facts, seconds), None);
    }
    assert!(look(&mut teller, &held, 40).is_some());
    look(&mut teller, &well(2), 50);
    assert_eq!(look(&mut teller, &well(2), 60), None);
    look(&mut teller, &held, 70);
    assert!(look(&mut teller, &held, 80).is_some(), "after its end it is news again");
}

#[test]
fn beyond_the_limit_everything_is_one_message_that_says_how_much_it_was() {
    let mut teller = teller(news(10));
    let mut sent = Vec::new();
    for second in 0..7200 {
        let last = second / 60 % 250;
        sent.extend(look(&mut teller, &[fact(A, &format!("192.0.2.{last}"), Plight::Well)], second));
    }
    assert_eq!(sent.len(), 16, "{sent:#?}");
    assert!(sent[7].ends_with("(10 changes)"), "{}", sent[7]);
}

#[test]
fn what_goes_back_before_it_is_told_is_not_told() {
    let mut teller = teller(news(10));
    let facts = |last: u8| [fact(A, &format!("192.0.2.{last}"), Plight::Well)];
    look(&mut teller, &facts(1), 0);
    look(&mut teller, &facts(2), 1);
    assert_eq!((look(&mut teller, &facts(1), 2), look(&mut teller, &facts(1), 9)), (None, None));
}

#[test]
fn what_did_not_arrive_is_told_again_as_it_is_then() {
    let mut teller = teller(news(10));
    let facts = |last: u8| vec![fact(A, &format!("192.0.2.{last}"), Plight::Well)];
    look(&mut teller, &facts(1), 0);
    teller.look(facts(2), false, false, at(1));
    assert_eq!(teller.look(facts(2), false, false, at(3)).len(), 1);
    assert_eq!(teller.look(facts(3), false, false, at(60)).len(), 0, "one at a time");
    fails(&mut teller, Error::transient("telling", "nobody listens").unsent(), 61);
    assert!(teller.look(facts(3), false, false, at(62)).is_empty(), "a pause");
    assert_eq!(look(&mut teller, &facts(3), 100).unwrap(), "a.example.org A: 192.0.2.1 -> 192.0.2.3 (2 changes)");
}

#[test]
fn a_pause_that_the_channel_asks_for_is_kept() {
    let mut teller = teller(news(10));
    let facts = |last: u8| vec![fact(A, &format!("192.0.2.{last}"), Plight::Well)];
    look(&mut teller, &facts(1), 0);
    teller.look(facts(2), false, true, at(3));
    fails(&mut teller, Error::rate_limited(Some(Duration::from_secs(900)), "telling", "too many"), 4);
    assert_eq!(look(&mut teller, &facts(2), 903), None);
    assert!(look(&mut teller, &facts(2), 1000).is_some());
}

#[test]
fn who_may_have_heard_of_trouble_hears_of_its_end() {
    let held = vec![fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))];
    let well = [fact(A, "192.0.2.1", Plight::Well)];
    for (error, told) in
        [(Error::transient("telling", "no answer"), true), (Error::transient("telling", "nobody").unsent(), false)]
    {
        let mut teller = teller(news(10));
        assert_eq!(teller.look(held.clone(), false, true, at(0)).len(), 1);
        fails(&mut teller, error, 1);
        look(&mut teller, &well, 2);
        assert_eq!(look(&mut teller, &well, 100).is_some(), told);
    }
}

#[test]
fn a_restart_tells_nothing_again_and_forgets_no_end() {
    let held = [fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))];
    let well = [fact(A, "192.0.2.1", Plight::Well)];
    let mut first = teller(news(10));
    look(&mut first, &held, 0);
    assert!(look(&mut first, &held, 2).is_some() && first.take_dirty() && !first.take_dirty());
    let text = serde_json::to_string(&first.memory(at(3))).unwrap();
    let mut second = Teller::new(serde_json::from_str(&text).ok(), true, at(10));
    second.declare(wishes(news(10)), at(10));
    assert_eq!(look(&mut second, &held, 10), None);
    assert_eq!(look(&mut second, &[fact(A, "192.0.2.1", Plight::Busy)], 20), None, "it is not over yet");
    look(&mut second, &well, 30);
    assert!(look(&mut second, &well, 40).unwrap().contains("well again"));
}

#[test]
fn how_long_it_has_lasted_is_known_across_restarts() {
    let failing = [fact(A, "192.0.2.1", trouble(Kind::Failing, "nobody listens"))];
    let mut first = teller(news(10));
    look(&mut first, &failing, 0);
    let mut second = Teller::new(Some(first.memory(at(600))), true, at(1200));
    second.declare(wishes(news(10)), at(1200));
    look(&mut second, &failing, 1300);
    look(&mut second, &failing, 3600);
    assert!(look(&mut second, &failing, 3602).is_some());
}

#[test]
fn who_cannot_remember_what_was_told_says_nothing_for_ten_minutes() {
    let held = [fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))];
    let mut teller = Teller::new(None, false, at(0));
    teller.declare(wishes(news(10)), at(0));
    assert_eq!((look(&mut teller, &held, 0), look(&mut teller, &held, 599)), (None, None));
    assert!(look(&mut teller, &held, 600).is_some());
}

#[test]
fn a_channel_that_comes_later_is_told_of_trouble_and_not_of_old_changes() {
    let mut teller = teller(news(10));
    let facts = |last: u8| {
        [fact(A, &format!("192.0.2.{last}"), Plight::Well), fact(B, "192.0.2.1", trouble(Kind::Held, "refused"))]
    };
    look(&mut teller, &facts(1), 0);
    assert_eq!(look(&mut teller, &facts(2), 5).unwrap().lines().count(), 2);
    teller.declare(BTreeMap::from([("mail".to_owned(), news(10))]), at(20));
    look(&mut teller, &facts(2), 20);
    let told = look(&mut teller, &facts(2), 30);
    assert_eq!(told.unwrap(), "b.example.org A: held at home: refused");
}

#[test]
fn what_was_there_before_us_and_what_is_no_longer_declared_are_no_news() {
    let mut teller = teller(news(10));
    let seen = |values| Fact { values, wrote: false, ..fact(A, "192.0.2.1", Plight::Well) };
    look(&mut teller, &[seen(None)], 0);
    look(&mut teller, &[seen(Some(values(&["192.0.2.1"])))], 5);
    assert_eq!(look(&mut teller, &[seen(Some(values(&["192.0.2.1"])))], 10), None);
    look(&mut teller, &[fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))], 20);
    assert!(look(&mut teller, &[fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))], 30).is_some());
    assert_eq!((look(&mut teller, &[], 40), look(&mut teller, &[], 50)), (None, None));
}

#[test]
fn a_sign_of_life_comes_with_each_check_and_says_what_is_wrong() {
    let beat = Wish::Beat { after: HOUR, every: Duration::from_secs(300), silent: false };
    let mut teller = teller(beat);
    let mut at_check = |plight: Plight, checked, seconds| {
        let sent = teller.look(vec![fact(A, "192.0.2.1", plight)], checked, false, at(seconds));
        sent.into_iter().next().map(|(name, message)| {
            teller.done(
                &name,
                &Err(Error::transient("telling", "no answer")),
                &print(),
                at(seconds),
                &mut fastrand::Rng::new(),
            );
            (message.well, message.text)
        })
    };
    assert_eq!(at_check(Plight::Well, false, 0), None);
    assert_eq!(at_check(Plight::Busy, true, 1), None, "the check has not ended for all");
    assert_eq!(at_check(Plight::Well, false, 2).unwrap(), (true, "1 record sets, none in trouble".into()));
    assert_eq!(at_check(Plight::Well, true, 60), None, "that is too often");
    let failing = || trouble(Kind::Failing, "nobody listens");
    assert!(at_check(failing(), true, 290).unwrap().0, "that may pass");
    let (well, text) = at_check(failing(), true, 4000).unwrap();
    assert!(!well && text.contains("nobody listens"), "{text}");
    assert!(!at_check(trouble(Kind::Held, "refused"), true, 4300).unwrap().0);
    // Failing, it is tried again; what was held is let go before it is.
    assert!(!at_check(failing(), true, 8600).unwrap().0);
    assert!(at_check(Plight::Busy, true, 8900).is_none() && !at_check(Plight::Busy, true, 9200).unwrap().0);
    assert!(!at_check(trouble(Kind::Held, "refused"), true, 9500).unwrap().0);
    assert!(at_check(Plight::Busy, true, 9800).is_none() && at_check(Plight::Busy, true, 10_100).unwrap().0);
    assert!(at_check(Plight::Well, true, 10_400).unwrap().0);
}

#[test]
fn silence_about_trouble_is_nothing_that_was_told_and_delays_no_sign_of_life() {
    let mut teller = teller(Wish::Beat { after: HOUR, every: Duration::from_secs(60), silent: true });
    let mut at_check = |plight: Plight, seconds| {
        let sent = teller.look(vec![fact(A, "192.0.2.1", plight)], true, false, at(seconds));
        sent.into_iter().next().map(|(name, message)| {
            teller.done(&name, &Ok(()), &print(), at(seconds), &mut fastrand::Rng::new());
            message.well
        })
    };
    assert_eq!(at_check(trouble(Kind::Held, "refused"), 0), None);
    assert_eq!(at_check(trouble(Kind::Held, "refused"), 90), None);
    assert_eq!(at_check(Plight::Well, 120), Some(true), "at once, though it was silent half a minute ago");
    assert_eq!(at_check(Plight::Well, 150), None, "that is too often");
}

#[test]
fn the_carriers_nat_is_told_of_a_family() {
    let mut teller = teller(news(10));
    let of = |plight| [Fact { subject: Subject::Family(Family::Ipv4), values: None, wrote: false, plight }];
    let unknown = of(Plight::Busy);
    look(&mut teller, &[unknown[0].clone(), fact(A, "192.0.2.1", Plight::Well)], 0);
    look(&mut teller, &[unknown[0].clone(), fact(A, "192.0.2.2", Plight::Well)], 1);
    assert!(look(&mut teller, &[unknown[0].clone(), fact(A, "192.0.2.2", Plight::Well)], 3).is_some());
    let nat = of(trouble(Kind::BehindCarrierNat, "the router has 100.64.0.7"));
    look(&mut teller, &nat, 5);
    assert_eq!(look(&mut teller, &nat, 3605), None, "a router that is silent for a while must not make news");
    assert_eq!(look(&mut teller, &nat, 3610).unwrap(), "IPv4: behind a carrier's NAT: the router has 100.64.0.7");
    look(&mut teller, &of(Plight::Well), 4000);
    assert_eq!(look(&mut teller, &of(Plight::Well), 4005).unwrap(), "IPv4: well again");
}

/// What somebody believes who reads every message that arrives.
#[derive(Default)]
struct Reader {
    holds: BTreeMap<Subject, Values>,
    troubled: BTreeSet<Subject>,
}

impl Reader {
    fn reads(&mut self, message: &Message) {
        for news in &message.news {
            match news.kind {
                Kind::Changed => drop(self.holds.insert(news.subject.clone(), news.new.clone())),
                Kind::Recovered => drop(self.troubled.remove(&news.subject)),
                _ => drop(self.troubled.insert(news.subject.clone())),
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Turn {
    wait: u64,
    which: bool,
    address: u8,
    plight: u8,
    arrives: u8,
    restart: bool,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = (0u64..2000, any::<bool>(), 0u8..3, 0u8..5, 0u8..4, proptest::bool::weighted(0.05));
    let turn = turn.prop_map(|(wait, which, address, plight, arrives, restart)| Turn {
        wait: if wait < 1500 { wait % 5 } else { wait },
        which,
        address,
        plight,
        arrives,
        restart,
    });
    proptest::collection::vec(turn, 1..150)
}

proptest! {
    #[test]
    fn whoever_reads_every_message_knows_how_all_stands_and_nobody_is_flooded(turns in turns(), limit in 1u32..12) {
        let mut teller = teller(news(limit));
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut reader, mut sent, mut now) = (Reader::default(), Vec::new(), 0);
        let mut facts = vec![fact(A, "192.0.2.0", Plight::Well), fact(B, "192.0.2.0", Plight::Well)];
        teller.look(facts.clone(), false, false, at(0));
        let last = [A, B].map(|_| Turn { wait: 5, which: false, address: 0, plight: 0, arrives: 0, restart: false });
        let quiet = std::iter::repeat_n(Turn { wait: 400, which: false, address: 0, plight: 0, arrives: 0, restart: false }, 60);
        for (n, turn) in turns.into_iter().chain(last).chain(quiet).enumerate() {
            now += turn.wait;
            let one = &mut facts[usize::from(turn.which ^ (turn.wait == 5 && n % 2 == 1))];
            one.values = Some(values(&[&format!("192.0.2.{}", turn.address)]));
            one.plight = match turn.plight {
                0 | 1 => Plight::Well,
                2 => Plight::Busy,
                3 => trouble(Kind::Failing, "nobody listens"),
                _ => trouble(Kind::Held, "refused"),
            };
            for (name, message) in teller.look(facts.clone(), false, false, at(now)) {
                let result = if turn.arrives < 3 { Ok(()) } else { Err(Error::transient("telling", "no answer")) };
                if result.is_ok() {
                    sent.push(now);
                    reader.reads(&message);
                }
                teller.done(&name, &result, &print(), at(now), &mut rng);
            }
            if turn.restart {
                teller = Teller::new(Some(teller.memory(at(now))), true, at(now));
                teller.declare(wishes(news(limit)), at(now));
                prop_assert!(teller.look(facts.clone(), false, false, at(now)).is_empty());
            }
        }
        for (n, first) in sent.iter().enumerate() {
            let within = sent[n..].iter().take_while(|at| **at < first + 3600).count();
            prop_assert!(within <= limit as usize, "{} messages in an hour: {:?}", within, sent);
        }
        // The first fact is as the end made it; both were left well for hours.
        for fact in &facts {
            if fact.plight == Plight::Well {
                prop_assert!(!reader.troubled.contains(&fact.subject), "its end was never told");
            }
            if let Some(holds) = reader.holds.get(&fact.subject) {
                prop_assert_eq!(Some(holds), fact.values.as_ref());
            }
        }
    }
}

#[test]
fn it_can_be_said_when_what_did_not_arrive_is_told_again() {
    let mut teller = teller(news(10));
    let held = [fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))];
    look(&mut teller, &held, 0);
    let send = |teller: &mut Teller, seconds| teller.look(held.to_vec(), false, false, at(seconds)).len();
    assert_eq!(send(&mut teller, 2), 1);
    assert_eq!(teller.again("phone", at(300).moment), None, "it is being told");
    fails(&mut teller, Error::transient("telling", "no answer"), 3);
    let again = teller.again("phone", at(300).moment).unwrap();
    assert!(again >= at(8).moment && again <= at(13).moment, "{again:?}");
    assert_eq!(send(&mut teller, 7), 0);
    assert_eq!(teller.wake_at(), Some(again), "that is when it is");
    assert!(look(&mut teller, &held, 13).is_some());
    assert_eq!((teller.again("phone", at(300).moment), teller.again("desk", at(300).moment)), (None, None));
}

#[test]
fn a_sign_of_life_that_did_not_arrive_comes_again_with_a_check() {
    let every = Duration::from_secs(1000);
    let mut teller = teller(Wish::Beat { after: HOUR, every, silent: false });
    let well = vec![fact(A, "192.0.2.1", Plight::Well)];
    assert_eq!(teller.look(well, true, false, at(0)).len(), 1);
    assert_eq!(teller.again("phone", at(300).moment), None, "it is being told");
    fails(&mut teller, Error::transient("telling", "no answer"), 1);
    assert_eq!(teller.again("phone", at(300).moment), Some(at(800).moment), "not with each check");
    assert_eq!(teller.again("phone", at(900).moment), Some(at(900).moment));
}

/// The same after a restart at this second, or a process that was killed.
fn restarted(memory: &Memory, wish: Wish, seconds: u64) -> Teller {
    let text = serde_json::to_string(memory).unwrap();
    let mut teller = Teller::new(serde_json::from_str(&text).ok(), true, at(seconds));
    teller.declare(wishes(wish), at(seconds));
    teller
}

#[test]
fn a_refused_login_is_tried_once_a_day_whatever_restarts_and_at_once_when_it_is_let_go() {
    let refused = || Error::auth(crate::model::error::Scope::Account, "telling", "the login is refused");
    let held = vec![fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))];
    let beat = Wish::Beat { after: HOUR, every: Duration::from_secs(60), silent: false };
    for wish in [news(10), beat] {
        let mut teller = teller(wish.clone());
        let mut attempts = Vec::new();
        for second in (0..150_000).step_by(50) {
            if teller.look(held.clone(), true, true, at(second)).len() == 1 {
                attempts.push(second);
                fails(&mut teller, refused(), second);
                assert!(teller.take_dirty(), "it is remembered");
            }
            // Declared anew it has the same settings; every other time the process is killed.
            if second % 100 == 0 {
                teller = restarted(&teller.memory(at(second)), wish.clone(), second);
            } else {
                teller.declare(wishes(wish.clone()), at(second));
            }
        }
        assert_eq!(attempts, [0, 86_400]);
        assert_eq!(teller.again("phone", at(150_000).moment), Some(at(2 * 86_400).moment));
        let (name, why) = teller.refused().map(|(name, refusal)| (name.clone(), refusal.clone())).next().unwrap();
        assert_eq!((name.as_str(), why.print, why.why.as_str()), ("phone", print(), "telling: the login is refused"));
        teller.let_go("phone");
        assert!(teller.take_dirty() && teller.refused().next().is_none());
        assert_eq!(teller.look(held.clone(), true, true, at(150_100)).len(), 1);
        fails(&mut teller, refused().unsent(), 150_100);
        assert!(teller.refused().next().is_none(), "what was never sent was refused by nobody");
    }
}

#[test]
fn a_crash_loop_does_not_hammer_a_channel_that_fails_and_a_restart_need_not_wait_for_an_hour() {
    let held = vec![fact(A, "192.0.2.1", trouble(Kind::Held, "refused"))];
    let (mut teller, mut memory) = (teller(news(10)), Memory::default());
    let mut attempts = 0;
    for second in (0..36_000).step_by(5) {
        if teller.look(held.clone(), false, true, at(second)).len() == 1 {
            attempts += 1;
            fails(&mut teller, Error::transient("telling", "no answer"), second);
        }
        if teller.take_dirty() {
            memory = teller.memory(at(second));
        }
        // Killed, so that what is remembered is what was written down.
        teller = restarted(&memory, news(10), second);
    }
    assert!((15..60).contains(&attempts), "{attempts}");
    let again = restarted(&teller.memory(at(36_000)), news(10), 36_000).wake_after(&held, 36_000);
    assert!(again <= at(36_600).moment, "{again:?}");
}

impl Teller {
    /// When it looks again after a look at this second.
    fn wake_after(mut self, facts: &[Fact], seconds: u64) -> Moment {
        self.look(facts.to_vec(), false, false, at(seconds));
        self.wake_at().unwrap()
    }
}

#[test]
fn attempts_that_fail_are_not_counted_as_messages() {
    let mut teller = teller(news(1));
    let facts = |last: u8| vec![fact(A, &format!("192.0.2.{last}"), Plight::Well)];
    look(&mut teller, &facts(1), 0);
    assert_eq!(teller.look(facts(2), false, true, at(1)).len(), 1);
    fails(&mut teller, Error::transient("telling", "status 503"), 1);
    assert!(look(&mut teller, &facts(2), 12).is_some(), "after the pause, not after an hour");
    look(&mut teller, &facts(3), 20);
    assert_eq!(teller.withheld("phone", at(20)), Some(at(12 + 3600).moment), "what arrived is counted");
    assert_eq!(look(&mut teller, &facts(3), 3611), None);
    assert!(look(&mut teller, &facts(3), 3612).is_some());
    assert_eq!(teller.withheld("phone", at(3612)), None);
}

#[test]
fn what_is_withheld_is_to_be_written_down_once_for_each_change_of_it() {
    let mut teller = teller(news(1));
    let mut saved = Memory::default();
    let facts = |last: u8| vec![fact(A, &format!("192.0.2.{last}"), Plight::Well)];
    let mut writes = Vec::new();
    for second in 0..3700 {
        // One change at once, one that is withheld and goes on changing, and nothing more once that was told.
        let last = if second < 10 { 1 } else { 2 + (second.clamp(20, 3500) / 20) as u8 };
        let told = look(&mut teller, &facts(last), second).is_some();
        teller.take_dirty();
        if teller.keeps_back_more_than(&saved, at(second)) {
            saved = teller.memory(at(second));
            writes.push((second, told));
        }
    }
    assert_eq!(writes.len(), 2, "when it was withheld, and when it was told: {writes:?}");
    assert!(!writes[0].1 && writes[1].1, "{writes:?}");
    let mut killed = Teller::new(None, true, at(0));
    killed.declare(wishes(news(1)), at(0));
    look(&mut killed, &facts(1), 0);
    look(&mut killed, &facts(2), 1);
    assert!(look(&mut killed, &facts(2), 3).is_some());
    look(&mut killed, &facts(3), 10);
    let mut next = restarted(&killed.memory(at(10)), news(1), 20);
    assert_eq!(look(&mut next, &facts(3), 30), None, "the limit is remembered, too");
    assert_eq!(look(&mut next, &facts(3), 3610).unwrap(), "a.example.org A: 192.0.2.2 -> 192.0.2.3");
    let mut gone_back = restarted(&killed.memory(at(10)), news(1), 20);
    assert_eq!((look(&mut gone_back, &facts(2), 3610), look(&mut gone_back, &facts(2), 3620)), (None, None));
}
