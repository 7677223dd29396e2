//! The protocols that a router can be asked by, as the configuration knows them.

/// How a router is asked. In the order in which it is: what changes nothing there comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// NAT-PMP (RFC 6886).
    NatPmp,
    /// UPnP's Internet Gateway Device, version 1 or 2.
    Upnp,
    /// PCP (RFC 6887).
    Pcp,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NatPmp, Self::Upnp, Self::Pcp];

    /// The word for it in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NatPmp => "natpmp",
            Self::Upnp => "upnp",
            Self::Pcp => "pcp",
        }
    }

    /// Its name for people.
    #[cfg(feature = "router")]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NatPmp => "NAT-PMP",
            Self::Upnp => "UPnP",
            Self::Pcp => "PCP",
        }
    }
}
