//! Where this machine stands, printed.

use super::print;
use crate::app::situation::Stands;
use crate::model::machine::Level;
use crate::model::record::Family;
use crate::model::situation::Situation;

/// A line for each family, apart from what is above; nothing where there is none.
pub(super) fn sentences(found: &[Stands]) {
    if !found.is_empty() {
        print::line("");
    }
    for stands in found {
        print::hanging(&stands.says, 4);
    }
}

/// What of it keeps others from connecting, or what is seen from being published, on standard error.
pub(super) fn warnings(found: &[(Family, Situation)]) {
    for (family, situation) in found.iter().filter(|(_, situation)| situation.level() == Level::Warn) {
        print::warning(&situation.says(*family));
    }
}
