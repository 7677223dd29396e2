//! Where this machine stands, printed.

use super::print;
use crate::app::situation::Stands;

/// A line for each family, apart from what is above; nothing where there is none.
pub(super) fn sentences(found: &[Stands]) {
    if !found.is_empty() {
        print::line("");
    }
    for stands in found {
        print::hanging(&stands.says, 4);
    }
}
