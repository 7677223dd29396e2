//! The public services that say from which address they were asked, as data.

use super::https::Format;

/// A public service. Services of one operator are one opinion, not two.
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

/// The services that are asked when none is configured, in alphabetical order. All answer in plain text, without an account,
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
