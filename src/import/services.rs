//! The services that speak dyndns2 with HTTP Basic, under all the names that other updaters have for them.
//!
//! Hosts, paths and who is the user are from the services' own pages and the lists of those updaters. A service that has a protocol of its own, wants
//! the login in the URL, or answers by the HTTP status alone is none of them.

/// A service as an account of ours would have it.
#[derive(Debug)]
pub(super) struct Service {
    /// The name of the account.
    pub name: &'static str,
    /// `server`; a path that is /nic/update is not said.
    pub server: &'static str,
    /// What other updaters call it, in lower case.
    pub words: &'static [&'static str],
    pub user: User,
    pub ipv6: Ipv6,
}

/// Who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// The user.
    Given,
    /// Nobody: the password is all, whatever the user is called.
    Nobody,
    /// Each record has a password of its own, and its name is the user.
    Record,
}

/// How IPv6 addresses are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ipv6 {
    /// In `myip`, in a request of their own.
    Apart,
    /// By this protocol not at all.
    None,
    /// In a parameter of their own.
    Own(&'static str),
    /// In `myip`, behind the IPv4 address.
    Together,
}

impl Service {
    /// `server` for records of these families. Some services take the address that a request comes from for a family that it does not
    /// name, unless they are told to leave it.
    pub fn server_for(&self, ipv4: bool, ipv6: bool) -> String {
        let leave = match (self.name, ipv4, ipv6) {
            ("desec", true, false) => "myipv6=preserve",
            ("desec", false, true) => "myipv4=preserve",
            ("dynu", false, true) => "/nic/update?myip=no",
            _ => "",
        };
        format!("{}{leave}", self.server)
    }
}

const fn service(name: &'static str, server: &'static str, words: &'static [&'static str]) -> Service {
    Service { name, server, words, user: User::Given, ipv6: Ipv6::Apart }
}

const fn with(service: Service, user: User, ipv6: Ipv6) -> Service {
    Service { user, ipv6, ..service }
}

/// Any other service, whose server the file names.
pub(super) const OTHER: Service = service("dyndns2", "", &[]);

/// All of them, in alphabetical order. core-networks: what keeps the other family there differs by family.
pub(super) const SERVICES: &[Service] = &[
    service(
        "3322",
        "https://members.3322.org/dyndns/update?system=dyndns",
        &["3322.org", "members.3322.net", "members.3322.org", "pubyun.com"],
    ),
    with(service("afraid", "https://freedns.afraid.org", &["afraid.org-basicauth"]), User::Given, Ipv6::None),
    with(
        service("all-inkl", "https://dyndns.kasserver.com/?", &["all-inkl.com", "allinkl", "dyndns.kasserver.com"]),
        User::Given,
        Ipv6::Own("myip6"),
    ),
    with(
        service(
            "core-networks",
            "https://dyndns.core-networks.de/?keepipv6=1",
            &["core-networks.de", "dyndns.core-networks.de"],
        ),
        User::Given,
        Ipv6::None,
    ),
    with(
        service("ddns-com-br", "https://members.ddns.com.br", &["ddns.com.br", "members.ddns.com.br"]),
        User::Record,
        Ipv6::None,
    ),
    with(
        service("desec", "https://update.dedyn.io/?", &["dedyn.io", "desec", "desec.io", "update.dedyn.io"]),
        User::Given,
        Ipv6::Own("myipv6"),
    ),
    with(
        service("dnsomatic", "https://updates.dnsomatic.com", &["dnsomatic", "dnsomatic.com", "updates.dnsomatic.com"]),
        User::Given,
        Ipv6::None,
    ),
    service("domopoli", "https://dyndns.domopoli.de", &["domopoli.de", "dyndns.domopoli.de"]),
    with(
        service(
            "dyn",
            "https://members.dyndns.org",
            &["dyn", "dyn.com", "dyndns", "dyndns.org", "members.dyndns.org", "members.dyndns.com"],
        ),
        User::Given,
        Ipv6::Together,
    ),
    service("dyndns-it", "https://update.dyndns.it/nic/update?system=dyndns", &["dyndns.it", "update.dyndns.it"]),
    service("dynsip", "https://dynsip.org", &["dynsip.org"]),
    with(
        service("dynu", "https://api.dynu.com", &["api.dynu.com", "dynu", "dynu.com"]),
        User::Given,
        Ipv6::Own("myipv6"),
    ),
    // "It can only be used to update the IPv4 address of a zone."
    with(service("dynv6", "https://dynv6.com", &["dynv6", "dynv6.com", "ipv4.dynv6.com"]), User::Nobody, Ipv6::None),
    with(
        service("he", "https://dyn.dns.he.net", &["dns.he.net", "dyn.dns.he.net", "he", "he.net"]),
        User::Record,
        Ipv6::Apart,
    ),
    service("infomaniak", "https://infomaniak.com", &["infomaniak", "infomaniak.com"]),
    with(
        service("inwx", "https://dyndns.inwx.com", &["dyndns.inwx.com", "inwx", "inwx.com", "inwx.de"]),
        User::Given,
        Ipv6::Own("myipv6"),
    ),
    service("loopia", "https://dyndns.loopia.se/?", &["dyndns.loopia.se", "loopia", "loopia.com", "loopia.se"]),
    service("luadns", "https://app.luadns.com", &["app.luadns.com", "luadns", "luadns.com"]),
    with(
        service(
            "noip",
            "https://dynupdate.no-ip.com",
            &["dynupdate.no-ip.com", "no-ip", "no-ip.com", "noip", "noip.com"],
        ),
        User::Given,
        Ipv6::Together,
    ),
    service("now-dns", "https://now-dns.com/update", &["now-dns.com", "nowdns"]),
    service(
        "nsupdate-info",
        "https://ipv4.nsupdate.info",
        &["ipv4.nsupdate.info", "ipv4@nsupdate.info", "nsupdate.info"],
    ),
    service("nsupdate-info-v6", "https://ipv6.nsupdate.info", &["ipv6.nsupdate.info", "ipv6@nsupdate.info"]),
    service("nubem", "https://nubem.com", &["nubem.com"]),
    with(
        service("opendns", "https://updates.opendns.com", &["opendns", "opendns.com", "updates.opendns.com"]),
        User::Given,
        Ipv6::None,
    ),
    service("oray", "https://ddns.oray.com/ph/update", &["ddns.oray.com", "oray.com"]),
    service(
        "ovh",
        "https://www.ovh.com/nic/update?system=dyndns",
        &["dyndns.ovh.com", "ovh", "ovh.com", "www.ovh.com"],
    ),
    service("simply", "https://api.simply.com/2/ddns/", &["api.simply.com", "simply.com"]),
    with(
        service("spdyn", "https://update.spdyn.de", &["spdyn", "spdyn.de", "update.spdyn.de"]),
        User::Given,
        Ipv6::Together,
    ),
    with(
        service("strato", "https://dyndns.strato.com", &["dyndns.strato.com", "strato", "strato.com"]),
        User::Given,
        Ipv6::Together,
    ),
    service("variomedia", "https://dyndns.variomedia.de", &["dyndns.variomedia.de", "variomedia", "variomedia.de"]),
    service("xlhost", "https://nsupdate.xlhost.de", &["nsupdate.xlhost.de", "xlhost.de"]),
];

/// The service that another updater calls so, or whose host this is.
pub(super) fn find(word: &str) -> Option<&'static Service> {
    let word = word.trim().to_ascii_lowercase();
    SERVICES.iter().find(|service| service.words.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use reqwest::Url;

    use super::*;

    #[test]
    fn services_are_in_order_and_no_word_is_two_of_them() {
        assert!(SERVICES.is_sorted_by_key(|service| service.name));
        let words: Vec<&str> = SERVICES.iter().flat_map(|service| service.words).copied().collect();
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
        assert!(words.iter().all(|word| find(word).is_some() && *word == word.to_ascii_lowercase()));
        for service in SERVICES {
            assert_eq!(Url::parse(service.server).map(|url| url.scheme() == "https"), Ok(true), "{}", service.name);
        }
    }
}
