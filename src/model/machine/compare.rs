//! What a record set holds against what it should hold: the difference, or why it is not ours to make. Pure.

use crate::model::desired::{FirstContact, RecordSpec, TtlPolicy};
use crate::model::ledger::{Entry, Reason};
use crate::model::plan::{Change, Health, Seen, Sibling, Snapshot};
use crate::model::record::{RrsetKey, Ttl, Values, list};

/// The TTL of a record set that we create where the configuration says to keep what is there. Long enough to be cached,
/// short enough that a change is seen soon.
const TTL_OF_NEW: Option<Ttl> = Ttl::new(300);

/// What the comparison came to.
#[derive(Debug)]
pub(super) enum Finding {
    /// It holds what it should.
    Fits {
        /// How the values fare.
        health: Health,
        /// The TTL that the service made of the one asked for, where it differs.
        clamped: Option<(Ttl, Ttl)>,
    },
    /// It must change.
    Differs(Box<Change>),
    /// It must not be touched, and why.
    Leave(Reason, String),
}

impl Finding {
    /// Whether there is nothing to change.
    pub(super) fn fits(&self) -> bool {
        matches!(self, Self::Fits { .. })
    }
}

/// Compares. `want`: our values, none when they are to be removed.
pub(super) fn compare(
    key: &RrsetKey,
    spec: &RecordSpec,
    entry: &Entry,
    want: &Values,
    seen: Seen,
    overwrite_foreign: bool,
) -> Finding {
    let (holds, ttl, health, mixed, snapshot) = match seen {
        Seen::Unreadable => {
            return change(key, Values::new(), want.clone(), Values::new(), spec.ttl.wanted(), Snapshot::none());
        }
        Seen::Absent(snapshot) => (Values::new(), None, Health::Live, false, snapshot),
        Seen::Holds { values, ttl, health, mixed, snapshot } => (values, ttl, health, mixed, snapshot),
    };
    let known = spec.ours(&entry.ours, &holds);
    let mut foreign: Values = &(&holds - &known) - want;
    if spec.whole || overwrite_foreign {
        foreign.clear();
    } else if known.is_empty() && !want.is_empty() && !want.is_subset(&holds) {
        match first_contact(spec, entry, want, &holds, &foreign, mixed) {
            Met::Strangers => {}
            Met::Ours => foreign.clear(),
            Met::Doubt(why) => return Finding::Leave(Reason::Foreign, why),
        }
    }
    let after = &foreign | want;
    // The TTL belongs to the whole set: where others' values stay, it is not ours to change.
    let policy = if foreign.is_empty() { spec.ttl } else { TtlPolicy::Keep };
    let clamped = entry.clamped.filter(|(asked, got)| policy == TtlPolicy::Set(*asked) && ttl == Some(*got));
    let ttl_fits = match policy {
        TtlPolicy::Keep => true,
        TtlPolicy::Set(asked) => after.is_empty() || ttl.is_none_or(|ttl| ttl == asked) || clamped.is_some(),
    };
    if after == holds && ttl_fits && health != Health::Broken {
        return Finding::Fits { health, clamped };
    }
    if after == holds && !ttl_fits && asked_before(entry, spec, want) {
        // We asked for this TTL, the service said yes and made another one of it: that is its word, not drift.
        if let (TtlPolicy::Set(asked), Some(got)) = (policy, ttl) {
            return Finding::Fits { health, clamped: Some((asked, got)) };
        }
    }
    let write_ttl = policy.wanted().or(if holds.is_empty() { TTL_OF_NEW } else { None });
    let retire = &holds - &after;
    change(key, holds, after, retire, write_ttl, snapshot)
}

/// What the values mean that stand there when none of them is known to be ours: at first contact, or when someone else replaced
/// what was.
enum Met {
    /// They are somebody else's and stay.
    Strangers,
    /// They are what we left there some time.
    Ours,
    /// Nobody can know, and why.
    Doubt(String),
}

fn first_contact(
    spec: &RecordSpec,
    entry: &Entry,
    want: &Values,
    holds: &Values,
    foreign: &Values,
    mixed: bool,
) -> Met {
    if let Some(rival) = spec.rival(foreign) {
        return Met::Doubt(format!(
            "it holds \"{rival}\", which is not known to be ours, and of its kind there can be only one"
        ));
    }
    // Ours were taken away because there was no address: what stands there was known to be somebody else's.
    let removed = entry.confirmed.as_ref().is_some_and(|confirmed| confirmed.values.is_empty());
    match (spec.first_contact, foreign.len()) {
        (FirstContact::Joins, _) => Met::Strangers,
        (_, 1..) if removed => Met::Strangers,
        _ if mixed => Met::Doubt(not_ours(holds, "whose attributes differ")),
        (_, 0) => Met::Strangers,
        // One of ours stands there already: what is beside it is somebody else's.
        (FirstContact::Adopts, _) if !want.is_disjoint(holds) => Met::Strangers,
        (FirstContact::Adopts, 1) => Met::Ours,
        (FirstContact::Adopts | FirstContact::Waits, _) => {
            Met::Doubt(not_ours(holds, "of which none is known to be ours"))
        }
    }
}

/// Whether the service accepted exactly this, so that what it shows is what it made of it.
fn asked_before(entry: &Entry, spec: &RecordSpec, want: &Values) -> bool {
    entry.accepted.is_some() && entry.read_back.is_none() && entry.is_confirmed(want, spec.ttl.wanted())
}

fn change(
    key: &RrsetKey,
    before: Values,
    after: Values,
    retire: Values,
    ttl: Option<Ttl>,
    snapshot: Snapshot,
) -> Finding {
    let sibling = Sibling::Unknown;
    Finding::Differs(Box::new(Change { key: key.clone(), before, after, retire, ttl, sibling, snapshot }))
}

fn not_ours(holds: &Values, how: &str) -> String {
    format!("it holds {} values ({}) {how}", holds.len(), list(holds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agree::{Expression, SourceName};
    use crate::model::record::{Family, RecordType, Value};
    use proptest::prelude::*;

    fn values(last: &[u8]) -> Values {
        last.iter().map(|last| Value::V4([192, 0, 2, *last].into())).collect()
    }

    fn spec(whole: bool) -> RecordSpec {
        RecordSpec { whole, ..RecordSpec::of(Family::Ipv4, Expression::Source(SourceName("s".into()))) }
    }

    fn holds(last: &[u8]) -> Seen {
        let snapshot = Snapshot::none();
        Seen::Holds { values: values(last), ttl: Ttl::new(60), health: Health::Live, mixed: false, snapshot }
    }

    fn ours(last: &[u8]) -> Entry {
        Entry { ours: values(last), ..Entry::default() }
    }

    fn judge(spec: &RecordSpec, entry: &Entry, want: &[u8], seen: Seen) -> Finding {
        let key = RrsetKey::new("home.example.org".parse().unwrap(), RecordType::A);
        compare(&key, spec, entry, &values(want), seen, false)
    }

    fn after(finding: Finding) -> Values {
        match finding {
            Finding::Differs(change) => change.after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_address_at_first_contact_is_adopted_and_replaced() {
        assert_eq!(after(judge(&spec(false), &Entry::default(), &[2], holds(&[1]))), values(&[2]));
    }

    #[test]
    fn what_stands_beside_an_address_of_ours_is_not_adopted() {
        assert_eq!(after(judge(&spec(false), &Entry::default(), &[2, 3], holds(&[1, 2]))), values(&[1, 2, 3]));
    }

    #[test]
    fn several_foreign_values_at_first_contact_are_left_alone() {
        assert!(matches!(
            judge(&spec(false), &Entry::default(), &[3], holds(&[1, 2])),
            Finding::Leave(Reason::Foreign, _)
        ));
        assert_eq!(after(judge(&spec(true), &Entry::default(), &[3], holds(&[1, 2]))), values(&[3]));
    }

    #[test]
    fn foreign_values_beside_ours_stay() {
        assert_eq!(after(judge(&spec(false), &ours(&[1]), &[2], holds(&[1, 9]))), values(&[2, 9]));
    }

    #[test]
    fn the_ttl_of_a_set_with_foreign_values_stays() {
        let spec = RecordSpec { ttl: TtlPolicy::Set(Ttl::new(30).unwrap()), ..spec(false) };
        assert!(matches!(judge(&spec, &ours(&[1]), &[1], holds(&[1, 9])), Finding::Fits { .. }));
        let Finding::Differs(change) = judge(&spec, &ours(&[1]), &[2], holds(&[1, 9])) else { panic!("it changes") };
        assert_eq!(change.ttl, None);
    }

    #[test]
    fn a_removal_takes_only_what_is_ours() {
        assert_eq!(after(judge(&spec(false), &ours(&[1]), &[], holds(&[1, 9]))), values(&[9]));
        assert!(matches!(judge(&spec(false), &Entry::default(), &[], holds(&[9])), Finding::Fits { .. }));
    }

    #[test]
    fn a_clamped_ttl_is_no_drift() {
        let asked = Ttl::new(30).unwrap();
        let spec = RecordSpec { ttl: TtlPolicy::Set(asked), ..spec(false) };
        let Finding::Differs(change) = judge(&spec, &ours(&[1]), &[1], holds(&[1])) else { panic!("asks once") };
        assert_eq!(change.ttl, Some(asked));
        let stamp = crate::model::ledger::Stamp::from(crate::model::time::Now::default());
        let confirmed = crate::model::ledger::Confirmed { values: values(&[1]), ttl: Some(asked), since: stamp };
        let entry = Entry { confirmed: Some(confirmed), accepted: Some(stamp), ..ours(&[1]) };
        assert!(matches!(
            judge(&spec, &entry, &[1], holds(&[1])),
            Finding::Fits { clamped: Some((a, b)), .. } if a == asked && b.seconds() == 60
        ));
    }

    proptest! {
        #[test]
        fn nothing_foreign_is_ever_taken_away(
            ours_ in proptest::collection::btree_set(0u8..6, 0..3),
            want in proptest::collection::btree_set(0u8..6, 0..3),
            seen in proptest::collection::btree_set(0u8..6, 0..5),
        ) {
            let list = |set: &std::collections::BTreeSet<u8>| set.iter().copied().collect::<Vec<_>>();
            let entry = ours(&list(&ours_));
            let seen_values = values(&list(&seen));
            if let Finding::Differs(change) = judge(&spec(false), &entry, &list(&want), holds(&list(&seen))) {
                let want = values(&list(&want));
                let foreign = &(&seen_values - &entry.ours) - &want;
                let kept = &foreign & &change.after;
                let adopted = (&entry.ours & &seen_values).is_empty() && foreign.len() == 1;
                prop_assert!(kept == foreign || adopted);
                prop_assert!(want.is_subset(&change.after));
                prop_assert!(change.after != seen_values, "a change without a difference");
                prop_assert_eq!(&change.retire, &(&seen_values - &change.after));
            }
        }
    }
}
