//! The public services that say from which address they were asked, as data.

use std::fmt;

use super::https::Format;
use crate::model::evidence;
use crate::model::record::Family;
use crate::net::dns::whoami::Form;

/// How public services are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A question to a name server.
    Dns,
    /// A request to a web server.
    Https,
    /// A binding request to a STUN server.
    Stun,
}

impl Protocol {
    /// The built-in services that are asked so, in alphabetical order.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::Dns => DNS_ECHOES.iter().map(|echo| echo.name).collect(),
            Self::Https => ECHOES.iter().map(|echo| echo.name).collect(),
            Self::Stun => STUN_ECHOES.iter().map(|echo| echo.name).collect(),
        }
    }

    /// Whether the built-in service of this name can be asked over a family.
    #[must_use]
    pub fn is_of(self, name: &str, family: Family) -> bool {
        match self {
            Self::Dns => DNS_ECHOES.iter().any(|echo| echo.name == name && echo.is_of(family)),
            Self::Https => ECHOES.iter().any(|echo| echo.name == name && echo.url(family).is_some()),
            Self::Stun => STUN_ECHOES.iter().any(|echo| echo.name == name),
        }
    }
}

impl Protocol {
    /// The operator of each built-in service that is asked so over a family, or of the one of this name.
    #[must_use]
    pub fn operators(self, name: Option<&str>, family: Family) -> Vec<&'static str> {
        let all: Vec<(&'static str, &'static str)> = match self {
            Self::Dns => DNS_ECHOES.iter().map(|echo| (echo.name, echo.operator)).collect(),
            Self::Https => ECHOES.iter().map(|echo| (echo.name, echo.operator)).collect(),
            Self::Stun => STUN_ECHOES.iter().map(|echo| (echo.name, echo.operator)).collect(),
        };
        let asked = all.into_iter().filter(|(known, _)| name.is_none_or(|name| name == *known));
        asked.filter(|(known, _)| self.is_of(known, family)).map(|(_, operator)| operator).collect()
    }
}

/// How it learns the address, as the model knows it.
impl From<Protocol> for evidence::Protocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Dns => Self::Dns,
            Protocol::Https => Self::Https,
            Protocol::Stun => Self::Stun,
        }
    }
}

/// The word in the configuration.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "dns",
            Self::Https => "https",
            Self::Stun => "stun",
        })
    }
}

/// A public service on the web. Services of one operator are one opinion, not two, by whatever protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// What it is called here and in the configuration.
    pub name: &'static str,
    /// Who runs it.
    pub operator: &'static str,
    /// Where it is asked over IPv4.
    pub ipv4_url: Option<&'static str>,
    /// Where it is asked over IPv6.
    pub ipv6_url: Option<&'static str>,
    /// How it answers.
    pub format: Format,
}

impl Echo {
    /// Where it is asked over a family.
    #[must_use]
    pub fn url(&self, family: Family) -> Option<&'static str> {
        match family {
            Family::Ipv4 => self.ipv4_url,
            Family::Ipv6 => self.ipv6_url,
        }
    }
}

/// A public service in DNS. Its servers are one voice: the next is asked where one does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsEcho {
    /// What it is called here and in the configuration.
    pub name: &'static str,
    /// Who runs it.
    pub operator: &'static str,
    /// The name that is asked for.
    pub asked: &'static str,
    /// How it answers.
    pub form: Form,
    /// Whether its answers have authority, so that one that has none is somebody else's.
    pub authority: bool,
    /// Its servers of both families, by address where the operator has fixed ones.
    pub servers: &'static [&'static str],
}

impl DnsEcho {
    /// Whether it can be asked over a family.
    #[must_use]
    pub fn is_of(&self, family: Family) -> bool {
        let of = |server: &&str| server.parse().map_or(family == Family::Ipv4, |ip| Family::of(ip) == family);
        self.servers.iter().any(of)
    }
}

/// A public STUN server, asked over UDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StunEcho {
    /// What it is called here and in the configuration.
    pub name: &'static str,
    /// Who runs it.
    pub operator: &'static str,
    /// The server.
    pub server: &'static str,
}

/// Who runs the built-in service at this host, a name or an address, where it is one: what is asked there under another name is still
/// their opinion.
#[must_use]
pub fn operator_of(host: &str) -> Option<&'static str> {
    let host = host.trim_end_matches('.');
    let at = |known: &str| known.eq_ignore_ascii_case(host);
    let name = |server: &'static str| {
        server.rsplit_once(':').filter(|(name, _)| !name.contains(':')).map_or(server, |(name, _)| name)
    };
    let of_url = |url: Option<&'static str>| {
        url.and_then(|url| url.strip_prefix("https://")).and_then(|rest| rest.split('/').next()).is_some_and(at)
    };
    let web = ECHOES.iter().find(|echo| of_url(echo.ipv4_url) || of_url(echo.ipv6_url)).map(|echo| echo.operator);
    let dns = || DNS_ECHOES.iter().find(|echo| echo.servers.iter().any(|server| at(server))).map(|echo| echo.operator);
    let stun = || STUN_ECHOES.iter().find(|echo| at(name(echo.server))).map(|echo| echo.operator);
    web.or_else(dns).or_else(stun)
}

/// One built-in service of each operator that can be asked over a family: no two of them are one opinion. Datagrams are cheaper for
/// both sides than connections, so that an operator of several services is asked by DNS or STUN.
#[must_use]
pub fn one_of_each(family: Family) -> Vec<(Protocol, &'static str)> {
    let mut operators = std::collections::BTreeSet::new();
    let dns = DNS_ECHOES.iter().filter(|echo| echo.is_of(family)).map(|echo| (Protocol::Dns, echo.name, echo.operator));
    let stun = STUN_ECHOES.iter().map(|echo| (Protocol::Stun, echo.name, echo.operator));
    let web = ECHOES.iter().filter(|echo| echo.url(family).is_some());
    let web = web.map(|echo| (Protocol::Https, echo.name, echo.operator));
    let all = dns.chain(stun).chain(web);
    all.filter(|(.., operator)| operators.insert(*operator)).map(|(protocol, name, _)| (protocol, name)).collect()
}

/// The services in DNS, in alphabetical order; the names and servers are those that the operators have had for years.
pub const DNS_ECHOES: &[DnsEcho] = &[
    // Over IPv4 alone: its name has no AAAA record. It is asked at one of its zone's own servers.
    DnsEcho {
        name: "akamai",
        operator: "Akamai",
        asked: "whoami.akamai.net",
        form: Form::Address,
        authority: true,
        servers: &["ns1-1.akamaitech.net"],
    },
    DnsEcho {
        name: "cloudflare",
        operator: "Cloudflare",
        asked: "whoami.cloudflare",
        form: Form::Chaos,
        authority: false,
        servers: &["1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"],
    },
    // ns1 and ns2.google.com. Through a resolver a second record tells of the subnet, and the first of the resolver.
    DnsEcho {
        name: "google",
        operator: "Google",
        asked: "o-o.myaddr.l.google.com",
        form: Form::Text,
        authority: true,
        servers: &["216.239.32.10", "216.239.34.10", "2001:4860:4802:32::a", "2001:4860:4802:34::a"],
    },
    // resolver1 and resolver2.opendns.com.
    DnsEcho {
        name: "opendns",
        operator: "Cisco",
        asked: "myip.opendns.com",
        form: Form::Address,
        authority: false,
        servers: &["208.67.222.222", "208.67.220.220", "2620:119:35::35", "2620:119:53::53"],
    },
];

/// The STUN servers, in alphabetical order: those that their operators keep for everybody's calls.
pub const STUN_ECHOES: &[StunEcho] = &[
    StunEcho { name: "cloudflare", operator: "Cloudflare", server: "stun.cloudflare.com" },
    StunEcho { name: "google", operator: "Google", server: "stun.l.google.com:19302" },
    StunEcho { name: "nextcloud", operator: "Nextcloud", server: "stun.nextcloud.com" },
    StunEcho { name: "sipgate", operator: "sipgate", server: "stun.sipgate.net" },
];

/// The services on the web that are asked when none is configured, in alphabetical order. All answer in plain text, without an account,
/// and are among those that updaters have built in for years.
pub const ECHOES: &[Echo] = &[
    Echo {
        name: "aws",
        operator: "Amazon Web Services",
        ipv4_url: Some("https://checkip.amazonaws.com/"),
        ipv6_url: None,
        format: Format::Plain,
    },
    Echo {
        name: "icanhazip",
        operator: "Cloudflare",
        ipv4_url: Some("https://ipv4.icanhazip.com/"),
        ipv6_url: Some("https://ipv6.icanhazip.com/"),
        format: Format::Plain,
    },
    Echo {
        name: "ident.me",
        operator: "Pierre Carrier",
        ipv4_url: Some("https://v4.ident.me/"),
        ipv6_url: Some("https://v6.ident.me/"),
        format: Format::Plain,
    },
    Echo {
        name: "ifconfig.co",
        operator: "Martin Polden",
        ipv4_url: Some("https://ifconfig.co/ip"),
        ipv6_url: Some("https://ifconfig.co/ip"),
        format: Format::Plain,
    },
    Echo {
        name: "ipify",
        operator: "ipify",
        ipv4_url: Some("https://api.ipify.org/"),
        ipv6_url: Some("https://api6.ipify.org/"),
        format: Format::Plain,
    },
    Echo {
        name: "nsupdate.info",
        operator: "nsupdate.info",
        ipv4_url: Some("https://ipv4.nsupdate.info/myip"),
        ipv6_url: Some("https://ipv6.nsupdate.info/myip"),
        format: Format::Plain,
    },
    Echo {
        name: "wtfismyip",
        operator: "WTF is my IP",
        ipv4_url: Some("https://ipv4.text.wtfismyip.com/"),
        ipv6_url: Some("https://ipv6.text.wtfismyip.com/"),
        format: Format::Plain,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::detect::dns::Dns;
    use crate::detect::https::{Clients, Https};
    use crate::detect::stun::Stun;
    use crate::net::via::Via;

    #[test]
    fn every_built_in_service_can_be_asked() {
        let clients = Clients::new();
        assert!(ECHOES.iter().all(|echo| Https::echo(clients.clone(), echo).is_ok()));
        assert!(DNS_ECHOES.iter().all(|echo| Dns::echo(echo, Via::default()).is_ok()));
        assert!(STUN_ECHOES.iter().all(|echo| Stun::echo(echo, Via::default()).is_ok()));
        for protocol in [Protocol::Dns, Protocol::Https, Protocol::Stun] {
            assert!(protocol.names().is_sorted(), "{protocol}");
        }
    }

    #[test]
    fn each_protocol_has_operators_enough_to_outvote_one() {
        let count = |operators: Vec<&str>| operators.into_iter().collect::<BTreeSet<_>>().len();
        for family in Family::ALL {
            let on_the_web = ECHOES.iter().filter(|echo| echo.url(family).is_some()).map(|echo| echo.operator);
            assert!(count(on_the_web.collect()) >= 3, "{family}");
            let in_dns = DNS_ECHOES.iter().filter(|echo| echo.is_of(family)).map(|echo| echo.operator);
            assert!(count(in_dns.collect()) >= 3, "{family}");
        }
        assert!(count(STUN_ECHOES.iter().map(|echo| echo.operator).collect()) >= 3);
    }

    #[test]
    fn whoever_runs_a_built_in_service_is_known_by_its_host() {
        assert_eq!(operator_of("api.ipify.org"), Some("ipify"));
        assert_eq!(operator_of("Stun.L.Google.com."), Some("Google"));
        assert_eq!(operator_of("208.67.222.222"), Some("Cisco"));
        assert_eq!(operator_of("2606:4700:4700::1111"), Some("Cloudflare"));
        assert_eq!(operator_of("ns1-1.akamaitech.net"), Some("Akamai"));
        assert_eq!(operator_of("echo.example.net"), None);
    }

    #[test]
    fn no_operator_has_two_voices_where_each_is_asked_once() {
        for family in Family::ALL {
            let chosen = one_of_each(family);
            let operators: Vec<_> =
                chosen.iter().flat_map(|(protocol, name)| protocol.operators(Some(name), family)).collect();
            assert_eq!(operators.len(), chosen.len());
            assert_eq!(operators.iter().collect::<BTreeSet<_>>().len(), chosen.len(), "{operators:?}");
            let protocols: BTreeSet<_> = chosen.iter().map(|(protocol, _)| protocol.to_string()).collect();
            assert_eq!(protocols.len(), 3);
            assert!(chosen.len() >= 10, "{chosen:?}");
        }
    }
}
