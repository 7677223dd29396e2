//! Values that are made of addresses: when they are known, whose the others are that stand beside them, when they go.

use super::*;
use crate::model::desired::{Derived, FirstContact, Uplink};
use crate::model::template::Template;

const POLICY: &str = "v=spf1 ip4:{ipv4} ip6:{ipv6/64} -all";

fn id_of(rtype: RecordType) -> Id {
    Id { account: account(), key: key(rtype) }
}

fn derived(rtype: RecordType, value: &str) -> RecordSpec {
    let template = Template::parse(value, rtype).unwrap();
    let uplink = |family| Uplink { family, source: Expression::Source(source()) };
    let text = rtype == RecordType::Txt;
    RecordSpec {
        uplinks: template.families().map(uplink).collect(),
        first_contact: if text { FirstContact::Joins } else { FirstContact::Waits },
        derived: Some(Box::new(Derived {
            tag: crate::model::desired::tag_of(value).filter(|_| text).map(str::to_owned),
            owns: None,
            single: rtype == RecordType::Cname,
            template,
        })),
        ..spec()
    }
}

fn only(rtype: RecordType, spec: RecordSpec) -> Rig {
    Rig::new(Desired { records: [(id_of(rtype), spec)].into(), ..desired(readable()) }, &Documents::new())
}

fn policy() -> Rig {
    only(RecordType::Txt, derived(RecordType::Txt, POLICY))
}

fn texts(list: &[&str]) -> Values {
    list.iter().map(|text| Value::Text((*text).into())).collect()
}

fn holds(list: &[&str]) -> Result<Seen> {
    let snapshot = Snapshot::none();
    Ok(match texts(list) {
        none if none.is_empty() => Seen::Absent(snapshot),
        values => Seen::Holds { values, ttl: None, health: Health::Live, mixed: false, snapshot },
    })
}

impl Rig {
    fn says_of(&mut self, family: Family, reading: Reading) {
        self.readings.insert(family, reading);
    }

    fn says_both(&mut self, v4: u8, v6: u16) {
        self.says(v4);
        self.says_of(Family::Ipv6, Reading::Addresses(vec![ipv6(v6)]));
    }

    /// The one open call is a change to these texts; it is carried out.
    fn sets(&mut self, list: &[&str], retires: &[&str]) {
        let effect = self.take();
        let Effect::Apply(_, _, batch) = &effect else { panic!("a change: {effect:?}") };
        assert_eq!((&batch.changes[0].after, &batch.changes[0].retire), (&texts(list), &texts(retires)));
        assert_eq!(batch.changes[0].sibling, Sibling::Unknown);
        self.answers(effect, Ok(Applied::Done));
    }

    fn stands(&self, rtype: RecordType) -> Standing {
        self.state.standing(&id_of(rtype))
    }
}

fn hold_of(rig: &Rig, rtype: RecordType) -> Option<(Reason, String)> {
    match rig.stands(rtype) {
        Standing::Held { hold, .. } => Some((hold.reason, hold.error.to_string())),
        _ => None,
    }
}

const ONE: &str = "v=spf1 ip4:198.51.100.1 ip6:2a00:1450::/64 -all";
const TWO: &str = "v=spf1 ip4:198.51.100.2 ip6:2a00:1450::/64 -all";

#[test]
fn a_value_follows_both_families_and_other_texts_stay() {
    let mut rig = policy();
    rig.says_both(1, 1);
    rig.feed(Event::Start);
    rig.reads(holds(&["a token of somebody"]));
    rig.sets(&[ONE, "a token of somebody"], &[]);
    rig.pass(SECOND);
    rig.reads(holds(&[ONE, "a token of somebody"]));
    assert_eq!(rig.stands(RecordType::Txt), Standing::UpToDate);
    // Another address of the same network changes nothing of it.
    rig.says_both(1, 7);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(MINUTE);
    rig.idle();
    rig.changes_to(2);
    rig.pass(MINUTE);
    rig.reads(holds(&[ONE, "a token of somebody"]));
    rig.sets(&[TWO, "a token of somebody"], &[ONE]);
}

#[test]
fn a_value_is_unknown_as_long_as_one_address_of_it_is() {
    let mut rig = policy();
    rig.says_both(1, 1);
    rig.feed(Event::Start);
    rig.reads(holds(&[ONE]));
    rig.says_of(Family::Ipv6, Reading::Unknown("blind".into()));
    rig.changes_to(2);
    rig.pass(2 * HOUR);
    rig.idle();
    let said = "it waits for IPv6, for {ipv6/64} in its value: blind";
    assert!(matches!(rig.stands(RecordType::Txt), Standing::Unknown { why } if why == said));
    rig.says_of(Family::Ipv6, Reading::None);
    rig.changes_to(2);
    rig.pass(HOUR);
    let view = rig.state.views(rig.now).next().unwrap();
    let says = crate::report::status::record_status(&view, rig.now).says;
    assert_eq!(says, "left as it is: there is no such address here; it waits for IPv6, for {ipv6/64} in its value");
}

#[test]
fn a_value_stays_when_one_family_is_gone_unless_it_is_to_be_removed() {
    for asked in [false, true] {
        let spec = RecordSpec { absent_after: asked.then_some(HOUR), ..derived(RecordType::Txt, POLICY) };
        let mut rig = only(RecordType::Txt, spec);
        rig.says_both(1, 1);
        rig.feed(Event::Start);
        rig.reads(holds(&["x", ONE]));
        rig.says_of(Family::Ipv6, Reading::None);
        rig.feed(Event::Look(Network::Changed));
        rig.pass(50 * MINUTE);
        rig.idle();
        // Beside an unknown family nothing is certain.
        rig.says_of(Family::Ipv4, Reading::Unknown("blind".into()));
        rig.pass(30 * MINUTE);
        rig.idle();
        rig.says(1);
        rig.pass(50 * MINUTE);
        rig.idle();
        rig.pass(20 * MINUTE);
        if asked {
            rig.reads(holds(&["x", ONE]));
            rig.sets(&["x"], &[ONE]);
        }
        rig.idle();
    }
}

#[test]
fn two_absences_of_different_families_that_overlap_are_not_one_long_absence() {
    let spec = RecordSpec { absent_after: Some(HOUR), ..derived(RecordType::Txt, POLICY) };
    let mut rig = only(RecordType::Txt, spec);
    rig.says_both(1, 1);
    rig.feed(Event::Start);
    rig.reads(holds(&["x", ONE]));
    rig.says_of(Family::Ipv6, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(40 * MINUTE);
    rig.says_of(Family::Ipv4, Reading::None);
    rig.feed(Event::Look(Network::Changed));
    rig.pass(5 * MINUTE);
    rig.says_of(Family::Ipv6, Reading::Addresses(vec![ipv6(1)]));
    rig.feed(Event::Look(Network::Changed));
    rig.pass(50 * MINUTE);
    rig.idle();
    rig.pass(15 * MINUTE);
    rig.reads(holds(&["x", ONE]));
    rig.sets(&["x"], &[ONE]);
}

#[test]
fn a_policy_of_somebody_else_is_neither_replaced_nor_joined() {
    let mut rig = policy();
    rig.says_both(1, 1);
    rig.feed(Event::Start);
    rig.reads(holds(&["V=SPF1 include:other.example -all", "x"]));
    let (reason, why) = hold_of(&rig, RecordType::Txt).unwrap();
    assert_eq!(reason, Reason::Foreign);
    assert!(why.contains("include:other.example") && why.contains("match = \"v=spf1\""), "{why}");
    // Once it is gone, the next look finds nothing in the way.
    rig.feed(Event::Update(Target::All));
    rig.reads(holds(&["x"]));
    rig.sets(&[ONE, "x"], &[]);
}

#[test]
fn what_the_configuration_calls_ours_is_replaced() {
    let mut spec = derived(RecordType::Txt, POLICY);
    spec.derived.as_mut().unwrap().owns = Some("v=spf1 ".into());
    let mut rig = only(RecordType::Txt, spec);
    rig.says_both(1, 1);
    rig.feed(Event::Start);
    rig.reads(holds(&["v=spf1 ip4:192.0.2.1 -all", "v=spf10", "x"]));
    rig.sets(&[ONE, "v=spf10", "x"], &["v=spf1 ip4:192.0.2.1 -all"]);
}

#[test]
fn a_record_of_another_type_is_never_adopted() {
    let hints = "1 . ipv4hint={ipv4}";
    let mut rig = only(RecordType::Https, derived(RecordType::Https, hints));
    rig.says(1);
    rig.feed(Event::Start);
    rig.reads(holds(&["1 . alpn=h2"]));
    assert_eq!(hold_of(&rig, RecordType::Https).unwrap().0, Reason::Foreign);
    let mut rig = only(RecordType::Https, derived(RecordType::Https, hints));
    rig.readings.insert(Family::Ipv4, Reading::Addresses(vec![address(2), address(1)]));
    rig.feed(Event::Start);
    rig.reads(holds(&[]));
    rig.sets(&["1 . ipv4hint=198.51.100.1,198.51.100.2"], &[]);
}

#[test]
fn what_can_name_one_address_only_is_unknown_where_there_are_several() {
    let mut rig = only(RecordType::Cname, derived(RecordType::Cname, "ip-{ipv4}.example.net."));
    rig.readings.insert(Family::Ipv4, Reading::Addresses(vec![address(2), address(1)]));
    rig.feed(Event::Start);
    rig.pass(HOUR);
    rig.idle();
    assert!(matches!(rig.stands(RecordType::Cname), Standing::Unknown { why } if why.contains("can name only one")));
}

#[test]
fn a_private_address_is_in_no_value_unless_that_is_meant() {
    let mut rig = only(RecordType::Txt, RecordSpec { private: false, ..derived(RecordType::Txt, "at={ipv4}") });
    rig.readings.insert(Family::Ipv4, Reading::Addresses(vec!["192.168.1.7".parse().unwrap()]));
    rig.feed(Event::Start);
    rig.pass(HOUR);
    rig.idle();
    assert!(matches!(rig.stands(RecordType::Txt), Standing::Unknown { why } if why.contains("private")));
}

#[test]
fn a_value_of_ours_is_known_again_after_a_restart() {
    let mut rig = policy();
    rig.says_both(1, 1);
    rig.feed(Event::Start);
    rig.reads(holds(&["x"]));
    rig.sets(&[ONE, "x"], &[]);
    rig.says_both(2, 1);
    let effects = rig.restart();
    for effect in effects {
        let Effect::Detect(questions) = effect else { panic!("{effect:?}") };
        let more = rig.answered(questions);
        rig.open.extend(more);
    }
    rig.pass(10 * SECOND);
    rig.reads(holds(&[ONE, "x"]));
    rig.sets(&[TWO, "x"], &[ONE]);
}

#[test]
fn name_servers_are_asked_for_types_that_are_compared_with_them_only() {
    for (rtype, value, asked) in
        [(RecordType::Txt, "at={ipv4}", true), (RecordType::Https, "1 . ipv4hint={ipv4}", false)]
    {
        let terms = Terms { in_dns: true, ..readable() };
        let records = [(id_of(rtype), derived(rtype, value))].into();
        let mut rig = Rig::new(Desired { records, ..desired(terms) }, &Documents::new());
        rig.says(1);
        rig.feed(Event::Start);
        rig.reads(holds(&[]));
        let effect = rig.take();
        rig.answers(effect, Ok(Applied::Done));
        let held = value.replace("{ipv4}", "198.51.100.1");
        rig.pass(SECOND);
        rig.reads(holds(&[&held]));
        rig.pass(HOUR);
        let resolves = rig.open.iter().filter(|effect| matches!(effect, Effect::Resolve(..))).count();
        assert_eq!((resolves > 0, rig.open.len() == resolves), (asked, true), "{rtype}: {:?}", rig.open);
        assert_eq!(rig.state.views(rig.now).next().unwrap().in_dns, asked);
    }
}
