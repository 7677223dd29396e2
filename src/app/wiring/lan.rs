//! Addresses of other machines of the LAN: a prefix, and a host in it.

use super::Sources;
use crate::config::{ComposedSource, HostSource};
use crate::model::agree::Expression;
use crate::model::compose::{Composed, Host};
use crate::model::evidence::Protocol;
use crate::model::record::Family;

impl Sources<'_> {
    /// The prefix and the host of another machine's address, their detectors noted.
    pub(super) fn composed(
        &mut self,
        composed: &ComposedSource,
        family: Family,
        private: bool,
    ) -> Result<Expression, String> {
        let outer = self.prefix.replace(composed.length);
        let prefix = self.expression(&composed.prefix, family, private);
        self.prefix = outer;
        let prefix = Box::new(prefix?.ok_or("a composed address needs a prefix")?);
        let host = match &composed.host {
            HostSource::Suffix(bits) => Host::Suffix(*bits),
            HostSource::Neighbour(mac) => {
                let detector = self.lan.neighbour(*mac);
                Host::Neighbour(self.of_lan(Protocol::Interface, format!("neighbour {mac}"), detector), *mac)
            }
            HostSource::Lease { path, host } => {
                let detector = self.lan.lease(path, host);
                let name = format!("lease of {host} in {}", path.display());
                Host::Lease(self.of_lan(Protocol::File, name, detector))
            }
        };
        Ok(Expression::Composed(Composed { prefix, length: composed.length, host }))
    }
}

#[cfg(test)]
mod tests {
    use crate::app::wiring::tests::{account, built};
    use crate::engine::Parts;
    use crate::model::agree::Expression;
    use crate::model::compose::Host;
    use crate::model::desired::Uplink;
    use std::sync::Arc;

    fn with(ipv6: &[&str]) -> String {
        let records = ipv6.iter().enumerate().map(|(at, ipv6)| {
            format!("[[record]]\nname = \"n{at}.example.org\"\naccount = \"home\"\nipv4 = false\nipv6 = {ipv6}\n")
        });
        account("password_file = \"/p\"") + &records.collect::<String>()
    }

    fn names(parts: &Parts) -> Vec<&str> {
        let near = parts.desired.sources.iter().filter(|(_, spec)| spec.min_interval.is_zero());
        near.map(|(name, _)| &*name.0).collect()
    }

    const LAN: &str = "prefix = { interface = \"br-lan\" }";

    #[test]
    fn names_share_the_prefix_and_each_host_is_a_source_of_its_own() {
        let parts = built(
            &with(&[
                &format!("{{ {LAN}, host = \"::42\" }}"),
                &format!("{{ {LAN}, host = {{ mac = \"00:11:22:33:44:55\" }} }}"),
                &format!("{{ {LAN}, host = {{ neighbour = \"00:11:22:33:44:55\" }} }}"),
                &format!("{{ {LAN}, host = {{ lease = \"/tmp/leases\", host = \"nas\" }} }}"),
                &format!("{{ {LAN}, host = {{ lease = \"/tmp/leases\", host = \"tv\" }} }}"),
            ]),
            None,
        );
        let expected = [
            "interface br-lan",
            "interface of the default route",
            "lease of nas in /tmp/leases",
            "lease of tv in /tmp/leases",
            "neighbour 00:11:22:33:44:55",
        ];
        assert_eq!(names(&parts), expected);
        assert_eq!(parts.lan.followed().len(), 1);
        assert!(parts.desired.sources.values().filter(|spec| spec.min_interval.is_zero()).count() >= expected.len());
        let suffixes = parts.desired.records.values().filter(|spec| {
            let of = |uplink: &Uplink| {
                matches!(&uplink.source, Expression::Composed(composed) if matches!(composed.host, Host::Suffix(_)))
            };
            spec.uplinks.iter().any(of)
        });
        assert_eq!(suffixes.count(), 2);
    }

    #[test]
    fn a_file_that_may_hold_a_prefix_is_another_source_than_one_that_may_not() {
        let text = with(&[
            "{ prefix = { file = \"/run/p\" }, host = \"::42\" }",
            "{ prefix = { file = \"/run/p\" }, length = 56, host = \"::42\" }",
            "{ prefix = \"delegated\", length = 56, host = \"::42\" }",
            "{ file = \"/run/p\" }",
        ]);
        let expected = [
            "delegated prefix of up to 56 bits",
            "file /run/p",
            "file /run/p, prefixes of up to 56 bits",
            "file /run/p, prefixes of up to 64 bits",
            "interface of the default route",
        ];
        assert_eq!(names(&built(&text, None)), expected);
    }

    #[test]
    fn a_reload_follows_whom_it_names_and_reads_the_same_files() {
        let neighbour = format!("{{ {LAN}, host = {{ neighbour = \"00:11:22:33:44:55\" }} }}");
        let before = built(&with(&[&neighbour]), None);
        assert_eq!(before.lan.followed().len(), 1);
        let after = built(&with(&[&format!("{{ {LAN}, host = \"::42\" }}")]), Some(&before));
        assert!(after.lan.followed().is_empty());
        let detector = |parts: &Parts| {
            let found = parts.detectors.iter().find(|(name, _)| name.0 == "interface br-lan");
            Arc::clone(found.unwrap().1)
        };
        assert!(Arc::ptr_eq(&detector(&before), &detector(&after)));
    }
}
