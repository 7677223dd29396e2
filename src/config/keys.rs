//! Every key of the configuration, what it holds and what it means: what the manual and the schema for editors are made of.
//! Longer than 400 lines because it is one table: every key with its sentences.
//!
//! The keys of an account's provider, and of a channel's type, stand in its `ENTRY`. What reads the keys is beside this; a test compares the two.

use crate::model::news::Kind as Event;
use crate::provider::setting::Kind;

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key, in snake_case.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// For people: meaning, unit, default. Sentences; what is typed stands in backquotes.
    pub help: &'static str,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// What settings of accounts hold, too.
    Kind(Kind),
    /// The word for a provider.
    Provider,
    /// Addresses of name servers, with or without ports.
    Nameservers,
    /// The name of an account of this configuration.
    Account,
    /// The name of an address of this configuration.
    Address,
    /// One full name, or several.
    Names,
    /// Seconds, or `"keep"`.
    Ttl,
    /// Where the IPv4 address comes from.
    Source4,
    /// Where the IPv6 address comes from.
    Source6,
    /// Several sources of the family that the key is for.
    Sources,
    /// A type of records other than A and AAAA.
    RecordType,
    /// A table whose keys these are.
    Interface,
    /// An address of this machine, of the family that the key is for.
    Bound,
    /// One address or several, of the family that the key is for.
    Fixed,
    /// A built-in service or a server of one's own.
    Echo(&'static str),
    /// One server, or several.
    Servers,
    /// The ways to ask a router.
    Ways,
    /// The router's address, or the word `default`.
    Router,
    /// Where a prefix comes from.
    Prefix,
    /// The bits behind a prefix.
    Host,
    /// A MAC address.
    Mac,
    /// How many sources must agree.
    Quorum,
    /// The word for a type of channel.
    Channel,
    /// What a channel tells of.
    Events,
    /// Where to listen.
    Listen,
}

/// A table that is a source: the key that says which, and those that go with it.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The key that says which source this is.
    pub main: Key,
    /// The keys that go with it.
    pub with: &'static [Key],
    /// Those that must.
    pub needs: &'static [&'static str],
    /// Whether there is such a source of IPv4 addresses.
    pub ipv4: bool,
    /// Whether there is such a source of IPv6 addresses.
    pub ipv6: bool,
}

const fn key(name: &'static str, holds: Holds, help: &'static str) -> Key {
    Key { name, holds, help }
}

const fn of(name: &'static str, kind: Kind, help: &'static str) -> Key {
    key(name, Holds::Kind(kind), help)
}

const fn form(main: Key, with: &'static [Key]) -> Form {
    Form { main, with, needs: &[], ipv4: true, ipv6: true }
}

/// The keys outside of all tables.
pub const TOP: &[Key] = &[
    of(
        "socket",
        Kind::Path,
        "Where the daemon takes commands. Default: `driftless.sock` in systemd's `RuntimeDirectory=`, or in the state's folder where there is \
         none or `state_dir` is given.",
    ),
    of(
        "state_dir",
        Kind::Path,
        "The folder of the state: what was attempted and confirmed, and when each thing may next be tried. Default: systemd's \
         `StateDirectory=`, else `/var/lib/driftless`.",
    ),
];

/// The keys of `[account.NAME]`, beside those of its provider.
pub const ACCOUNT: &[Key] = &[
    key("provider", Holds::Provider, "Which service the account is at; `driftless providers` lists them. Required."),
    key(
        "nameservers",
        Holds::Nameservers,
        "Addresses, with a port where it is not 53, that are asked instead of the zone's own name servers.",
    ),
    of("verify", Kind::Flag, "Whether DNS is asked if the records have arrived. Default: true."),
];

/// The keys of a `[[record]]`.
pub const RECORD: &[Key] = &[
    of("name", Kind::Name, "The full name. This or `names` is required."),
    key("names", Holds::Names, "Several full names, each with the same settings."),
    key("account", Holds::Account, "The account that holds the record. Required."),
    key("address", Holds::Address, "Which `[address.NAME]` the addresses come from. Default: `default`."),
    key(
        "ipv4",
        Holds::Source4,
        "Where the IPv4 address of this record alone comes from; `\"off\"` leaves the family alone.",
    ),
    key(
        "ipv6",
        Holds::Source6,
        "Where the IPv6 address of this record alone comes from; `\"off\"` leaves the family alone.",
    ),
    key(
        "ttl",
        Holds::Ttl,
        "Seconds, or `\"keep\"`: what the record set has, 300 for a new one. Less than 30 is a warning: hardly anyone keeps such an \
         answer, and many services refuse it. Default: `ttl` of `[defaults]`.",
    ),
    of(
        "values",
        Kind::Choice(&["ours", "shared", "all"]),
        "What becomes of values that are not ours. `ours`, the default: they stay, but for a single address at first contact, which is \
         taken for our old one. `shared`: that one stays, too; for several machines that keep their addresses under one name. `all`: the \
         record set holds exactly ours.",
    ),
    key(
        "type",
        Holds::RecordType,
        "A record set of another type than A and AAAA, whose `value` is made of the addresses.",
    ),
    of(
        "value",
        Kind::Text,
        "The value for `type`, with `{ipv4}`, `{ipv6}`, `{ipv4/24}`, `{ipv6/64}` or `{prefix6}` where the address, its network of so many \
         bits, or the first 64 bits of the IPv6 address stand. A brace that is meant as such is written twice.",
    ),
    of("match", Kind::Text, "How a value of `type` begins that is ours and may be replaced, whoever put it there."),
    of("private", Kind::Flag, "Publish private addresses, on purpose. Default: false."),
    of("vpn", Kind::Flag, "Publish what is seen at the exit of a VPN, on purpose. Default: false."),
    of(
        "absent",
        Kind::Choice(&["keep", "remove"]),
        "What happens when there is certainly no address: the last one stays, which is the default, or is removed.",
    ),
    of(
        "absent_after",
        Kind::Duration,
        "How long the absence must have lasted before something is removed, 1 minute to 7 days. Default: 10 minutes. It goes with \
         `absent = \"remove\"`.",
    ),
];

/// The keys of `[address.NAME]`.
pub const ADDRESS: &[Key] = &[
    key("ipv4", Holds::Source4, "Where the IPv4 address comes from. Default: `\"auto\"`."),
    key("ipv6", Holds::Source6, "Where the IPv6 address comes from. Default: `\"auto\"`."),
];

/// The keys of `[defaults]`.
pub const DEFAULTS: &[Key] = &[
    key(
        "ttl",
        Holds::Ttl,
        "The time to live of records that say nothing else: seconds, or `\"keep\"`, which is the default.",
    ),
    of(
        "check",
        Kind::Duration,
        "How often everything is looked at again without an event, 30 seconds to a day. Default: 5 minutes.",
    ),
    of(
        "verify_interval",
        Kind::Duration,
        "How often services and name servers are asked again whether the records are still there, an hour to 30 days. Default: 6 hours.",
    ),
    of(
        "echo_interval",
        Kind::Duration,
        "How often a service that says who asks is asked at most, by https, DNS or STUN, 10 minutes to a day. Up to a tenth is added at \
         random. Default: 10 minutes.",
    ),
];

/// The keys of `[log]`.
pub const LOG: &[Key] = &[
    of(
        "level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        "How much is logged. Default: `info`. `trace` adds what other people's code says, in builds for development only.",
    ),
    of("format", Kind::Choice(&["text", "json"]), "How it is logged. Default: `text`."),
];

/// The keys that every `[notify.NAME]` has, beside those of its type.
pub const NOTIFY: &[Key] = &[
    key("type", Holds::Channel, "What kind of channel it is. Required."),
    of(
        "after",
        Kind::Duration,
        "How long what may pass by itself must have lasted before it is told, 1 minute to 30 days. Default: 1 hour.",
    ),
];

/// The keys of channels that take news.
pub const NEWS: &[Key] = &[
    key("events", Holds::Events, "What is told. Default: everything."),
    of(
        "limit",
        Kind::Number(1, 60),
        "How many messages arrive in any hour at most, 1 to 60: half of them at once, the others spread over the hour. Attempts that fail do not count. What happens meanwhile is in the next one. Default: 10.",
    ),
];

/// What `events` can be.
pub const EVENTS: &[(Event, &str)] = &[
    (Event::Held, "A record set is not tried again until something changes or a person acts."),
    (Event::Failing, "A record set cannot be brought up to date, and that has lasted."),
    (Event::Unknown, "An address is unknown, and that has lasted."),
    (Event::BehindCarrierNat, "Nobody can connect from outside, and that has lasted."),
    (Event::Recovered, "What was told to be in trouble is well."),
    (Event::Changed, "A record set holds other values."),
];

/// The key of channels that take signs of life.
pub const BEATS: &[Key] = &[of(
    "every",
    Kind::Duration,
    "The time that lies between two calls at least, 1 minute to 1 day. Default: that between two checks.",
)];

/// The keys of `[web]`.
pub const WEB: &[Key] = &[
    key(
        "listen",
        Holds::Listen,
        "Where: an address with its port, `\"127.0.0.1:8053\"` or `\"[::1]:8053\"`; `\"unix:/path\"`, a socket for this user and group; or \
         `\"systemd\"`, the first socket that the service manager hands over. Required.",
    ),
    of(
        "token",
        Kind::Secret,
        "What whoever presses a button, or sends an update or a release, must know: 16 characters at least. Without it the page only shows.",
    ),
    of(
        "hosts",
        Kind::Texts,
        "Names under which the page may be asked for, beside addresses and `localhost`: those of a web server before it. Others are refused, \
         so that no site can point its own name here.",
    ),
    of("allow_remote", Kind::Flag, "Whether an address may be listened at that others can reach. Default: false."),
];

/// The words that a source can be.
pub const WORDS: &[(&str, &str)] = &[
    (
        "auto",
        "The machine itself where the interface of the default route has an address that can be published; otherwise, for IPv4, what two \
         of the router and the built-in services, one of each operator, agree on.",
    ),
    ("off", "The family is left alone."),
    (
        "interface",
        "The best address of the interface of the default route. Without a default route it is the one that had it last; before there was one it is unknown.",
    ),
    ("dns", "The built-in services that say by DNS who asks; two of them must agree."),
    ("https", "The built-in services that say by https who asks; two of them must agree."),
    ("router", "What the router of the IPv4 default route says of its address outside; IPv4 only."),
    ("stun", "The built-in services that say by STUN who asks; two of them must agree."),
];

const BIND_INTERFACE: Key =
    key("bind_interface", Holds::Interface, "The interface that the question leaves by, as with several uplinks.");
const BIND_ADDRESS: Key =
    key("bind_address", Holds::Bound, "The address of this machine that the question is asked from.");
const OPERATOR: Key = of(
    "operator",
    Kind::Text,
    "Who runs the server, where its domain does not say so: servers of one operator are one voice. For a server of your own.",
);
const TRUSTED: Key = of(
    "trusted",
    Kind::Flag,
    "Whether the server is believed alone and at once. Default: false: a single source must say a change three times over two minutes. For \
     a server of your own.",
);

/// The tables that are sources, by the key that says which.
pub const FORMS: &[Form] = &[
    Form {
        needs: &[],
        ..form(
            key(
                "all",
                Holds::Sources,
                "Several uplinks under one name: every address that one of these has. One that is unknown keeps the address that it had. \
                 Not within another source.",
            ),
            &[],
        )
    },
    form(
        of(
            "command",
            Kind::Command,
            "What a command prints, an address a line. The program with its whole path, then its arguments; no shell reads it.",
        ),
        &[of("timeout", Kind::Duration, "How long the command may take, 1 to 10 seconds. Default: 10 seconds.")],
    ),
    form(
        key(
            "dns",
            Holds::Echo("dns"),
            "A built-in service that is asked by DNS, `\"pool\"` for all of them, or, with `server`, a name that a name server answers \
             with the address of whoever asks.",
        ),
        &[
            key(
                "server",
                Holds::Servers,
                "A name server, with a port where it is not 53, or a list of which the next is asked where one does not answer.",
            ),
            of(
                "type",
                Kind::Choice(&["address", "TXT"]),
                "What the server answers. Default: `address`, an A or AAAA record.",
            ),
            of("class", Kind::Choice(&["IN", "CH"]), "The class of the question. Default: `IN`."),
            of(
                "authoritative",
                Kind::Flag,
                "Whether only an answer with authority counts, as a resolver on the way would tell its own address. Default: true.",
            ),
            OPERATOR,
            TRUSTED,
            BIND_INTERFACE,
            BIND_ADDRESS,
        ],
    ),
    form(of("file", Kind::Path, "A file that holds an address a line."), &[]),
    form(key("first_of", Holds::Sources, "The first of these sources that knows."), &[]),
    form(key("fixed", Holds::Fixed, "These addresses, always."), &[]),
    form(
        key(
            "https",
            Holds::Echo("https"),
            "A built-in echo service, `\"pool\"` for all of them, or the URL of one of your own, whose answer is the address unless one of \
             `json`, `key`, `header` and `pattern` says where it stands. Redirects are not followed.",
        ),
        &[
            of("json", Kind::Text, "The JSON pointer to the address in the answer, such as `/ip`."),
            of("key", Kind::Text, "What stands before the `=` in the line with the address."),
            of("header", Kind::Text, "The header field of the answer that holds the address."),
            of(
                "pattern",
                Kind::Text,
                "The text around the address, which stands where `{ip}` is: `Address: {ip}</body>`.",
            ),
            OPERATOR,
            TRUSTED,
            BIND_INTERFACE,
            BIND_ADDRESS,
        ],
    ),
    form(
        key(
            "interface",
            Holds::Interface,
            "The best address of this interface, or of that of the default route (`\"default\"`): stable before temporary ones, then those \
             with the longest preferred lifetime.",
        ),
        &[
            of("temporary", Kind::Flag, "Temporary IPv6 addresses come first. Default: false."),
            of(
                "private",
                Kind::Flag,
                "A private address counts where there is no public one; the record must be `private`, too. Default: false.",
            ),
            of("deprecated", Kind::Flag, "Deprecated IPv6 addresses count, and come last. Default: false."),
            of("all", Kind::Flag, "All of its addresses, not the best one alone. Default: false."),
        ],
    ),
    Form {
        ipv4: false,
        needs: &["host"],
        ..form(
            key(
                "prefix",
                Holds::Prefix,
                "The IPv6 address of another machine of the LAN: the first bits are those of this source of IPv6 addresses, of \
                 `{ address = \"NAME\" }`, or of the prefix that was `\"delegated\"` to this router; behind them stands `host`.",
            ),
            &[
                of("length", Kind::Number(1, 127), "How many bits the prefix has. Default: 64."),
                key(
                    "host",
                    Holds::Host,
                    "The bits behind the prefix: a suffix such as `\"::42\"`, or `{ mac = … }`, `{ neighbour = … }`, \
                     `{ lease = …, host = … }`.",
                ),
            ],
        )
    },
    Form {
        needs: &["of"],
        ..form(
            key(
                "quorum",
                Holds::Quorum,
                "How many of the sources in `of` must agree, of two operators or by two protocols at least.",
            ),
            &[key("of", Holds::Sources, "The sources that are asked.")],
        )
    },
    Form {
        ipv6: false,
        ..form(
            key(
                "router",
                Holds::Router,
                "What the router with this address, or that of the default route (`\"default\"`), says of its address outside.",
            ),
            &[
                key("via", Holds::Ways, "The ways in which it is asked. Default: all of them."),
                BIND_INTERFACE,
                BIND_ADDRESS,
            ],
        )
    },
    form(
        key(
            "stun",
            Holds::Echo("stun"),
            "A built-in STUN server, `\"pool\"` for all of them, or one of your own, with a port where it is not 3478.",
        ),
        &[
            of("transport", Kind::Choice(&["udp", "tcp"]), "How one server is asked. Default: `udp`."),
            OPERATOR,
            TRUSTED,
            BIND_INTERFACE,
            BIND_ADDRESS,
        ],
    ),
];

/// The tables that `host` behind a prefix can be.
pub const HOSTS: &[Form] = &[
    Form {
        needs: &["host"],
        ..form(
            of(
                "lease",
                Kind::Path,
                "The file in which dnsmasq (`/var/lib/misc/dnsmasq.leases`) or odhcpd (`/tmp/hosts/odhcpd`) keeps its DHCPv6 leases.",
            ),
            &[of("host", Kind::Name, "The name that the machine has in that file.")],
        )
    },
    form(key("mac", Holds::Mac, "The interface identifier that follows from this MAC address."), &[]),
    form(
        key(
            "neighbour",
            Holds::Mac,
            "The address in the prefix under which the kernel has just heard of the machine with this MAC address.",
        ),
        &[],
    ),
];
