//! Why an answer of a source would not be about our own line. Pure.

use std::fmt;

use super::words::vpn;

/// Why an answer would not be about our own line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stray {
    /// The question leaves through a VPN.
    Vpn {
        /// The VPN's interface.
        interface: String,
        /// What the kernel calls it, if anything.
        kind: Option<String>,
    },
    /// It leaves by another interface than the configured one.
    Other {
        /// The one that was configured.
        configured: String,
        /// The one by which it leaves.
        interface: String,
    },
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vpn { interface, kind } => {
                let vpn = vpn(interface, kind.as_deref());
                write!(f, "the way out is through {vpn}; `vpn = true` would publish its exit, ")?;
            }
            Self::Other { configured, interface } => {
                write!(
                    f,
                    "the way out is by {interface}, not by {configured}; `vpn = true` would publish what is seen there, "
                )?;
            }
        }
        f.write_str("`bind_interface` asks by another interface")
    }
}
