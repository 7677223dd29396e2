//! What was meant: the configuration, validated, in plain types.
//!
//! Longer than 400 lines because it is one list of what can be configured.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderName;

use super::operator::Whose;
use super::problem::{Place, Warning};
use crate::detect::echoes::Protocol;
use crate::detect::protocol;
use crate::model::desired;
use crate::model::mac::Mac;
use crate::model::name::Name;
use crate::model::news::teller::Wish;
use crate::model::record::{RecordType, Ttl};
use crate::net::dns::whoami::Question;
use crate::net::http::shown;
use crate::net::server::Server;
use crate::net::stun::Transport;
use crate::net::via::Via;
use crate::notify;
use crate::os::listen::Listen;
use crate::os::secret::Secret;
use crate::provider::Entry;
use crate::provider::setting::Settings;

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The accounts by name.
    pub accounts: BTreeMap<String, Account>,
    /// The accounts that were typed and are none of `accounts`, as something is wrong with them.
    pub unusable: BTreeSet<String>,
    /// Where addresses come from, by name; `default` is always there.
    pub addresses: BTreeMap<String, Address>,
    /// What is published: one for each name, in the order they were typed.
    pub records: Vec<Record>,
    /// Who is told what, by name.
    pub channels: BTreeMap<String, Channel>,
    /// What holds where nothing else is said.
    pub defaults: Defaults,
    /// The log.
    pub log: Log,
    /// The status page, where there is one.
    pub web: Option<Web>,
    /// Where the ledger is kept.
    pub state_dir: PathBuf,
    /// The socket on which the daemon takes commands.
    pub socket: PathBuf,
    /// What a person should look at.
    pub warnings: Vec<Warning>,
}

/// The name of the address that is used where a record names none.
pub const DEFAULT_ADDRESS: &str = "default";

/// One login at one provider.
#[derive(Clone)]
pub struct Account {
    /// Its name in the configuration.
    pub name: String,
    /// The provider.
    pub entry: &'static Entry,
    /// The provider's settings, each of its kind; whether they fit together, [`Config::check_accounts`] finds out.
    pub settings: Settings,
    /// Ask these name servers instead of the zone's own; empty: the zone's own.
    pub nameservers: Vec<SocketAddr>,
    /// Whether DNS is asked if the records have arrived.
    pub verify: bool,
    /// Something of it is wrong, and was left out.
    pub flawed: bool,
    /// Where the account stands.
    pub place: Option<Place>,
    /// Where each of its settings stands.
    pub(super) places: BTreeMap<&'static str, Place>,
}

/// Shows no settings: they hold secrets, and URLs with secrets.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("provider", &self.entry.name)
            .field("nameservers", &self.nameservers)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

/// A way to tell somebody something, and what.
#[derive(Clone)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: String,
    /// What kind it is.
    pub entry: &'static notify::Entry,
    /// The settings of its kind; whether they fit together, [`Config::check_channels`] finds out.
    pub settings: Settings,
    /// What is told.
    pub wish: Wish,
    /// Where the channel stands.
    pub place: Option<Place>,
    /// Where each of its settings stands.
    pub(super) places: BTreeMap<&'static str, Place>,
}

/// Shows no settings: they hold secrets, and URLs with secrets.
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Channel");
        shown
            .field("name", &self.name)
            .field("type", &self.entry.name)
            .field("wish", &self.wish)
            .finish_non_exhaustive()
    }
}

/// Where the addresses of both families come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its name in the configuration.
    pub name: String,
    /// The source of IPv4 addresses.
    pub ipv4: Source,
    /// The source of IPv6 addresses.
    pub ipv6: Source,
}

/// Where the addresses of one family come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The family is not managed: its record sets are left alone.
    Off,
    /// The machine first, then the world.
    Auto,
    /// The addresses of an interface.
    Interface(InterfaceSource),
    /// One echo service.
    Https(HttpsSource),
    /// Built-in services.
    BuiltIn(BuiltIn),
    /// A name in DNS that says who asks.
    Dns(DnsSource),
    /// One STUN server.
    Stun(StunSource),
    /// The router's word on its address outside.
    Router(RouterSource),
    /// A file that holds addresses.
    File {
        /// The file, absolute.
        path: PathBuf,
    },
    /// A command that prints addresses.
    Command {
        /// The program, absolute, and its arguments; never a shell line.
        argv: Vec<String>,
        /// How long it may take, 1 to 10 seconds.
        timeout: Duration,
    },
    /// These addresses, all of the family, at least one, each once.
    Fixed(Vec<IpAddr>),
    /// All of these, each an uplink: what any of them has; at least two, no two the same, and never within another source.
    All(Vec<Self>),
    /// The first of these that knows; at least one.
    FirstOf(Vec<Self>),
    /// What so many of these agree on.
    Quorum {
        /// How many must agree, 1 to the number of sources.
        need: usize,
        /// The sources, at least two, no two the same.
        of: Vec<Self>,
    },
    /// The prefix that was delegated to this router; only as the prefix of a composed address.
    Delegated,
    /// The address of another machine: a prefix and the bits behind it.
    Composed(ComposedSource),
}

/// The IPv6 address of another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposedSource {
    /// Where the prefix comes from; neither off nor itself composed.
    pub prefix: Box<Source>,
    /// How many bits of it are taken, 1 to 127.
    pub length: u8,
    /// Where the bits behind it come from.
    pub host: HostSource,
}

/// Where the bits behind a prefix come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostSource {
    /// These, not zero, none within the prefix.
    Suffix(u128),
    /// The neighbour with this MAC address.
    Neighbour(Mac),
    /// The lease of a name in a file of dnsmasq or odhcpd.
    Lease {
        /// The file, absolute.
        path: PathBuf,
        /// The name.
        host: String,
    },
}

/// The addresses of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceSource {
    /// The interface; `None` for the one of the default route.
    pub name: Option<String>,
    /// Temporary addresses (RFC 8981) too.
    pub temporary: bool,
    /// Private addresses (RFC 1918, RFC 4193) too.
    pub private: bool,
    /// Deprecated addresses (RFC 4862) too, after all others.
    pub deprecated: bool,
    /// Every address instead of the best one.
    pub all: bool,
}

/// Built-in services that say who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// How they are asked.
    pub protocol: Protocol,
    /// The one that is asked; `None` for all of them, of which some must agree.
    pub name: Option<&'static str>,
    /// Which way they are asked.
    pub via: Via,
}

impl BuiltIn {
    /// All that are asked by a protocol, as the routing table leads there.
    #[must_use]
    pub fn all(protocol: Protocol) -> Self {
        Self { protocol, name: None, via: Via::default() }
    }
}

/// A name in DNS that says who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsSource {
    /// What is asked.
    pub question: Question,
    /// The servers: the next where one does not answer; at least one.
    pub servers: Vec<Server>,
    /// Which way they are asked.
    pub via: Via,
    /// Who runs it.
    pub whose: Whose,
}

/// One STUN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StunSource {
    /// The server.
    pub server: Server,
    /// How it is asked.
    pub transport: Transport,
    /// Which way it is asked.
    pub via: Via,
    /// Who runs it.
    pub whose: Whose,
}

/// The router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterSource {
    /// Its address on our side; `None` for that of the default route.
    pub router: Option<Ipv4Addr>,
    /// Which way it is asked.
    pub via: Via,
    /// How it is asked: at least one, each once, in their order.
    pub protocols: Vec<protocol::Protocol>,
}

impl RouterSource {
    /// What it is called as an operator of its own.
    #[must_use]
    pub fn operator(&self) -> String {
        self.router.map_or_else(|| "the router".to_owned(), |router| format!("the router {router}"))
    }
}

impl Default for RouterSource {
    fn default() -> Self {
        Self { router: None, via: Via::default(), protocols: protocol::Protocol::ALL.to_vec() }
    }
}

/// One echo service.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpsSource {
    /// The URL: `https`, or `http` to a loopback host.
    pub url: Url,
    /// How the answer holds the address.
    pub format: EchoFormat,
    /// Which way it is asked.
    pub via: Via,
    /// Who runs it.
    pub whose: Whose,
}

impl fmt::Debug for HttpsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsSource({}, {:?}{}, {:?})", shown(&self.url), self.format, self.via, self.whose)
    }
}

/// How the answer of an echo service holds the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EchoFormat {
    /// The answer is the address.
    Plain,
    /// JSON, with the address at this pointer (RFC 6901).
    Json(String),
    /// Lines `key=value`, with the address at this key.
    KeyValue(String),
    /// The header field of this name is the address.
    Header(HeaderName),
    /// The address stands between these texts; the first is not empty.
    Between(String, String),
}

/// One name at one account.
#[derive(Clone, Debug)]
pub struct Record {
    /// The name.
    pub name: Name,
    /// The name of the account.
    pub account: String,
    /// The name of the address.
    pub address: String,
    /// The source of the A record's values: the record's own, or the address's.
    pub ipv4: Source,
    /// The source of the AAAA record's values: the record's own, or the address's.
    pub ipv6: Source,
    /// The time to live.
    pub ttl: TtlPolicy,
    /// What becomes of values that are not ours.
    pub values: Values,
    /// What is published instead of the addresses themselves.
    pub derived: Option<Derived>,
    /// Whether private addresses are published on purpose.
    pub private: bool,
    /// Whether the address of a VPN's exit is published on purpose.
    pub vpn: bool,
    /// What happens when there is certainly no address.
    pub absent: Absent,
    /// Where it stands, for messages.
    pub place: Option<Place>,
}

impl Record {
    /// The types that are managed: the one whose value is made of addresses, or those whose source is not [`Source::Off`]; at least
    /// one.
    pub fn types(&self) -> impl Iterator<Item = RecordType> + '_ {
        let derived = self.derived.as_ref().map(|derived| derived.rtype);
        let sources = [(RecordType::A, &self.ipv4), (RecordType::Aaaa, &self.ipv6)];
        let addresses = sources.into_iter().filter(|(_, source)| **source != Source::Off).map(|(rtype, _)| rtype);
        derived.into_iter().chain(addresses.filter(move |_| derived.is_none()))
    }
}

/// A value that is made of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The type of the record set, not A or AAAA.
    pub rtype: RecordType,
    /// How it is made.
    pub value: desired::Derived,
}

/// What becomes of the time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlPolicy {
    /// What the record set has.
    Keep,
    /// This.
    Set(Ttl),
}

/// What becomes of values that are not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// They stay (`values = "ours"`), but for a single address at first contact, which is taken for our old one.
    Ours,
    /// They stay in any case (`values = "shared"`).
    Shared,
    /// They go: the record set holds exactly ours (`values = "all"`).
    Whole,
}

/// What happens when there is certainly no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The record set stays as it is.
    Keep,
    /// Our values are removed once the absence has lasted.
    Remove {
        /// How long the absence must have lasted, 1 minute to 7 days.
        after: Duration,
    },
}

/// What holds where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The time to live of records that name none.
    pub ttl: TtlPolicy,
    /// How often everything is looked at again without an event, 30 seconds to 1 day.
    pub check: Duration,
    /// How often DNS is asked whether the records are still there, 1 hour to 30 days.
    pub verify: Duration,
    /// How often a service that says who asks is asked at most, by https, DNS or STUN: 10 minutes to 1 day.
    pub echo_interval: Duration,
}

/// The status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where it listens.
    pub listen: Listen,
    /// The names, beside addresses and `localhost`, under which it may be asked for.
    pub hosts: Vec<String>,
    /// What whoever presses a button must know; without it there are none.
    pub token: Option<Secret>,
}

/// The log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The least level that is written.
    pub level: LogLevel,
    /// How a line is written.
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the usual levels")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
