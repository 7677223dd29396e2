//! The generators of the corpus for the other protocols: what name servers, STUN servers and routers answer that must not be
//! published.

mod dns;
mod router;
mod stun;

use super::corpus::Said;

pub use router::{NONCE, PORT};

/// Everything, protocol by protocol.
pub fn all() -> Vec<Said> {
    [dns::all(), stun::all(), router::all()].concat()
}

/// A good answer of each protocol.
pub fn honest() -> Vec<Said> {
    [dns::honest(), stun::honest(), router::honest()].concat()
}

/// An entry.
fn said(protocol: &str, what: &str, why: &str, asked: &str, octets: impl AsRef<[u8]>) -> Said {
    Said {
        id: format!("{protocol}/{what}"),
        why: why.into(),
        asked: asked.into(),
        ours: true,
        octets: octets.as_ref().iter().map(|octet| char::from(*octet)).collect(),
    }
}

/// An entry that has not the transaction of the request.
fn of_another(said: Said) -> Said {
    Said { ours: false, ..said }
}
