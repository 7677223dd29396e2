//! What the suite asks of a provider: its service on this machine, hands to arrange it, eyes to look at it, and ways to err.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use driftless::model::name::Name;
use driftless::model::record::{RecordType, RrsetKey, Values};
use driftless::net::http::Http;
use driftless::provider::setting::Settings;
use driftless::provider::{Provider, Tools, find};
use futures_util::future::LocalBoxFuture;

/// A column of the matrix: one way to use one provider.
pub struct Column {
    /// What it is called here: the provider's name, and what is special.
    pub name: &'static str,
    /// The provider in the registry.
    pub provider: &'static str,
    /// Starts a service with nothing in it but a zone.
    pub start: fn() -> LocalBoxFuture<'static, Box<dyn Subject>>,
    /// The cases that this service cannot reach, each with the reason.
    pub excluded: &'static [(&'static str, &'static str)],
}

/// What a service holds under one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The values.
    pub values: Values,
    /// The TTL, where the service keeps one.
    pub ttl: Option<u32>,
    /// Everything else that stands there, in any words: it must not change.
    pub attributes: String,
}

/// How a service errs.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// The next write is acted on, and its answer is lost.
    AnswerLost,
    /// The next write is acted on; then the service says that it failed.
    ErrorAfterAccept,
    /// Every write is answered with a success and not acted on.
    Swallowed,
    /// Every call fails through a fault of the service's.
    Down,
    /// Every call is answered with something that is no answer, and not acted on.
    Garbled,
    /// The next write is acted on, and answered with something that is no answer.
    GarbledWrite,
    /// Every call is answered with a plea for a pause of so many seconds.
    Limited(u64),
    /// What is accepted does not come into force.
    Pending,
    /// The clocks differ by an hour, and the service refuses what depends on them.
    ClockOff,
}

/// A service under test.
pub trait Subject {
    /// The account's settings. The secret is in a file, as [`Subject::secret`] last left it.
    fn settings(&self) -> Settings;

    /// A name in the zone that the account may edit; the service is told of it where names must be known there.
    fn name(&self, label: &str) -> Name;

    /// A name that lies in no zone of the account.
    fn stray(&self) -> Name {
        Name::parse("home.elsewhere.example").expect("a name")
    }

    /// Makes a name that the account may look at, perhaps, and not change. Others stay as they are.
    fn forbidden(&self) -> Name {
        unimplemented("one_zone_forbidden")
    }

    /// Makes a name that the service refuses whatever it is to hold, in the zone where others are well.
    fn poison(&self) -> Name;

    /// Makes a record set hold these values, with a TTL of the service's own (120 seconds where it takes that) and with attributes that no client of ours manages.
    fn put(&self, key: &RrsetKey, values: &Values);

    /// What a record set holds.
    fn held(&self, key: &RrsetKey) -> Option<Held>;

    /// Everything that the service holds, by record set, but for what must change with any edit (serial numbers).
    fn everything(&self) -> BTreeMap<String, String>;

    /// Record sets beside home's A that are to be left alone.
    fn scenery(&self) -> Vec<(RrsetKey, Values)> {
        let key = |label: &str, rtype| RrsetKey::new(self.name(label), rtype);
        vec![
            (key("home", RecordType::Aaaa), values(&["2001:db8::99"])),
            (key("nas", RecordType::A), values(&["192.0.2.99"])),
        ]
    }

    /// Fills the zone until a listing takes several pages; names that begin with `z` are on the last.
    fn crowd(&self) {
        unimplemented("paging");
    }

    /// A TTL that the service takes, in seconds.
    fn ttl(&self) -> u32 {
        240
    }

    /// How many records one call can change.
    fn bulk(&self) -> usize {
        1
    }

    /// From now on no TTL is lower than this.
    fn lowest_ttl(&self, _seconds: u32) {
        unimplemented("ttl_clamped");
    }

    /// Whether the credentials in the account's settings are right.
    fn secret(&self, right: bool);

    /// How often the service was asked or told anything.
    fn calls(&self) -> usize;

    /// How often the service was told to change something.
    fn writes(&self) -> usize;

    /// From now on the service errs.
    fn trouble(&self, trouble: Trouble);

    /// From now on nothing goes wrong.
    fn calm(&self);

    /// What a client did that the service's documentation does not allow.
    fn violations(&self) -> Vec<String> {
        Vec::new()
    }
}

fn unimplemented(case: &str) -> ! {
    panic!("a subject that does not exclude {case} implements what it needs")
}

/// A new provider for the subject's account, built as the daemon does: by the registry.
pub fn provider(column: &Column, subject: &dyn Subject) -> Arc<dyn Provider> {
    let entry = find(column.provider).expect("it is in the registry");
    (entry.build)(&subject.settings(), &Tools { http: Http::new(None) }).expect("the settings fit")
}

/// Values from texts.
pub fn values(addresses: &[&str]) -> Values {
    addresses.iter().map(|address| address.parse::<IpAddr>().expect("an address").into()).collect()
}
