//! What is believed: readings of several sources become one verdict. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a detector says of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// These addresses, best first; never empty.
    Addresses(Vec<IpAddr>),
    /// With certainty none.
    None,
    /// The source could not tell, and why. Unknown is not none.
    Unknown(String),
}

impl Reading {
    /// The addresses, or an empty set.
    #[must_use]
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        match self {
            Self::Addresses(list) => list.iter().copied().collect(),
            Self::None | Self::Unknown(_) => BTreeSet::new(),
        }
    }
}
