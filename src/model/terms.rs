//! What a service is like and what it bears, as the machine needs to know it.

use std::time::Duration;

/// How often one record set may be written: so many at once, and one more each `refill`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Writes in a burst.
    pub burst: u32,
    /// The time after which one write more is allowed.
    pub refill: Duration,
}

impl Budget {
    /// Push services: two, then one in ten minutes.
    pub const PUSH: Self = Self { burst: 2, refill: Duration::from_secs(600) };
    /// Record APIs: five a minute.
    pub const RECORDS: Self = Self { burst: 5, refill: Duration::from_secs(12) };
}

/// What a service is like and what it bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether it can be read. Where not, attempts are written to disk before the call.
    pub readable: bool,
    /// How many batches of one account may be in flight together; at least 1.
    pub width: usize,
    /// How often one record set may be written.
    pub budget: Budget,
    /// How long an accepted change may take until the service reads back as live, or its name servers answer with it.
    pub settles_within: Duration,
    /// How long after an accepted change it is first read back; meaningless where it cannot be read.
    pub read_back_after: Duration,
    /// Whether a request that names one family makes the service forget the other.
    pub forgets_siblings: bool,
    /// After how long an unchanged record must be sent again so that the service does not expire it; meaningless where it can be
    /// read, and is read again and again.
    pub refresh: Option<Duration>,
    /// Whether the zone's name servers can be asked what they answer.
    pub in_dns: bool,
}
