//! Where connections are taken: at an address, at a path, or at a socket that the service manager opened.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

#[cfg(feature = "web")]
mod open;

#[cfg(feature = "web")]
pub use open::{Duplex, Listener};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// At an address.
    Address(SocketAddr),
    /// At a path, absolute.
    Path(PathBuf),
    /// At the first socket that the service manager hands over (sd_listen_fds(3)).
    Systemd,
}

/// As it is typed.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Path(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd"),
        }
    }
}
