//! Under which names damaged files are kept.

use std::collections::BTreeSet;

use super::{EARLIER_JOURNAL, JOURNAL, SNAPSHOT};

/// How many damaged snapshots are kept, as `ledger.json.corrupt-1` (the latest) and so on; as many journals, as
/// `ledger.journal.corrupt-1` and so on.
pub const KEPT_ASIDE: usize = 3;

/// The name under which a damaged file is kept; 1 is the latest of its kind.
pub fn aside(file: &str, number: usize) -> String {
    format!("{}.corrupt-{number}", kind(file))
}

/// What a file is, of whichever generation: a snapshot or a journal.
fn kind(file: &str) -> &'static str {
    if [JOURNAL, EARLIER_JOURNAL].contains(&file) { JOURNAL } else { SNAPSHOT }
}

/// The names that these files get when they are set aside.
pub fn names_aside(damaged: &BTreeSet<&'static str>) -> Vec<String> {
    let of = |wanted| (1..=damaged.iter().filter(|file| kind(file) == wanted).count()).map(move |n| aside(wanted, n));
    of(SNAPSHOT).chain(of(JOURNAL)).collect()
}
