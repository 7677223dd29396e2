//! Where this machine stands, printed.

use super::print;
use crate::app::situation::Stands;
use crate::model::machine::Level;
use crate::model::record::Family;
use crate::model::situation::Situation;

/// A line for each family, and one where both say the same, apart from what is above; nothing where there is none.
pub(super) fn sentences(found: &[Stands]) {
    if !found.is_empty() {
        print::line("");
    }
    let mut says: Vec<&str> = found.iter().map(|stands| stands.says.as_str()).collect();
    says.dedup();
    for says in says {
        print::hanging(says, 4);
    }
}

/// What of it keeps others from connecting, or what is seen from being published, on standard error.
pub(super) fn warnings(found: &[(Family, Situation)]) {
    for (family, situation) in found.iter().filter(|(_, situation)| situation.level() == Level::Warn) {
        print::warning(&situation.says(*family));
    }
}
