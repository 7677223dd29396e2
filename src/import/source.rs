//! Where addresses come from, as the configuration says it.

use std::net::IpAddr;
use std::path::Path;

use reqwest::Url;

use super::text::quoted;
use crate::detect::echoes::ECHOES;
use crate::model::address::allowed;
use crate::model::record::Family;

/// The value of `ipv4` or `ipv6`, in TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    toml: String,
    /// Whether the record must say that private addresses are published.
    private: bool,
}

impl Source {
    /// The machine first, then the world.
    pub fn auto() -> Self {
        Self::word("auto")
    }

    /// The family is left alone.
    pub fn off() -> Self {
        Self::word("off")
    }

    /// The built-in services on the web.
    pub fn https() -> Self {
        Self::word("https")
    }

    /// The built-in service in DNS or by https.
    pub fn built_in(protocol: &str, name: &str) -> Self {
        Self::of(format!("{{ {protocol} = {} }}", quoted(name)))
    }

    /// The addresses of an interface.
    pub fn interface(name: &str) -> Self {
        Self::of(format!("{{ interface = {} }}", quoted(name)))
    }

    /// A file that holds the address.
    pub fn file(path: &Path) -> Self {
        Self::of(format!("{{ file = {} }}", quoted(&path.to_string_lossy())))
    }

    /// An address that does not change.
    pub fn fixed(address: IpAddr) -> Self {
        let private = allowed(address, false).is_err_and(|why| why.is_private());
        Self { private, ..Self::word(&address.to_string()) }
    }

    fn word(word: &str) -> Self {
        Self::of(quoted(word))
    }

    fn of(toml: String) -> Self {
        Self { toml, private: false }
    }

    /// Whether the family is left alone.
    pub fn is_off(&self) -> bool {
        *self == Self::off()
    }

    /// Whether this is what holds where nothing is said.
    pub fn is_auto(&self) -> bool {
        *self == Self::auto()
    }

    /// Whether the record must say that private addresses are published.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// The value in TOML.
    pub fn toml(&self) -> &str {
        &self.toml
    }
}

/// A page that says from where it was asked.
pub(super) enum Echo {
    /// One that everybody asks: our built-in ones take its place.
    Known,
    /// Another one.
    Own(Source),
    /// One that cannot be asked as it was; why.
    Refused(&'static str),
}

/// Hosts that updaters have had built in for years, besides those that are built in here.
const KNOWN: &[&str] = &[
    "4.ipw.cn",
    "6.ipw.cn",
    "api.ip.sb",
    "api.myip.la",
    "api4.ipify.org",
    "api64.ipify.org",
    "checkip.dedyn.io",
    "checkip.dns.he.net",
    "checkip.dyndns.com",
    "checkip.dyndns.org",
    "checkip4.spdyn.de",
    "checkip6.spdyn.de",
    "checkip.spdyn.de",
    "checkip.zoneedit.com",
    "checkipv4.dedyn.io",
    "checkipv6.dedyn.io",
    "checkipv6.dyndns.com",
    "curlmyip.net",
    "ddns.oray.com",
    "ddnss.de",
    "diagnostic.opendns.com",
    "dns.loopia.se",
    "domains.google.com",
    "dynamic.zoneedit.com",
    "dynamicdns.park-your-domain.com",
    "dynupdate.no-ip.com",
    "icanhazip.com",
    "ident.me",
    "ifconfig.io",
    "ifconfig.me",
    "infomaniak.com",
    "ip.3322.net",
    "ip1.dynupdate.no-ip.com",
    "ip1.dynupdate6.no-ip.com",
    "ip4.ddnss.de",
    "ip4only.me",
    "ip6only.me",
    "ipinfo.io",
    "ipv4.ident.me",
    "ipv6.ident.me",
    "myexternalip.com",
    "myip.dnsomatic.com",
    "myip4.ipip.net",
    "myonlineportal.net",
    "ns.eurodns.com",
    "speed.neu6.edu.cn",
    "text.wtfismyip.com",
    "tnx.nl",
    "v4.ip.zxinc.org",
    "v4.yinghualuo.cn",
    "v6.yinghualuo.cn",
    "v6.ident.me",
    "v6.ip.zxinc.org",
    "v6.myip.la",
    "wtfismyip.com",
];

/// What takes the place of a page; without `https://` it was asked in the clear.
pub(super) fn echo(text: &str) -> Echo {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let Ok(url) = Url::parse(&whole) else { return Echo::Refused("it is no URL") };
    let host = url.host_str().unwrap_or_default().trim_start_matches("www.").to_ascii_lowercase();
    let of = |known: Option<&str>| {
        known.and_then(|known| Url::parse(known).ok()).is_some_and(|known| known.host_str() == Some(&host))
    };
    if KNOWN.contains(&host.as_str()) || ECHOES.iter().any(|echo| of(echo.ipv4_url) || of(echo.ipv6_url)) {
        return Echo::Known;
    }
    if url.scheme() != "https" {
        return Echo::Refused("over http:// anyone on the way could give a wrong address");
    }
    if url.query().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Echo::Refused("its URL has a query or a login, which may be a secret");
    }
    Echo::Own(Source::of(format!("{{ https = {} }}", quoted(url.as_str()))))
}

/// What an argument may be called that is a secret or brings one.
const SECRET: &[&str] = &["key", "pass", "secret", "token", "user"];

/// A command line as an argument vector; `None` where a shell would have read more into it, its program is no absolute path, or
/// an argument could be a secret, which does not belong into a configuration.
pub(super) fn command(line: &str) -> Option<Source> {
    let plain = |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || "/._:%+,-".contains(c));
    let is_secret = |word: &&str| {
        let lower = word.to_ascii_lowercase();
        word.contains("://") || word.len() > 64 || SECRET.iter().any(|secret| lower.contains(secret))
    };
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    if !words.first()?.starts_with('/') || !words.iter().all(plain) || words.iter().skip(1).any(is_secret) {
        return None;
    }
    let argv: Vec<String> = words.into_iter().map(quoted).collect();
    Some(Source::of(format!("{{ command = [{}] }}", argv.join(", "))))
}

/// The family of an address that is written down.
pub(super) fn address(text: &str) -> Option<(Family, IpAddr)> {
    let address: IpAddr = text.trim().parse().ok()?;
    Some((Family::of(address), address))
}
