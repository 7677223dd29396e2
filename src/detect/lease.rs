//! Other machines of the LAN by their names in a DHCPv6 server's file of leases: dnsmasq's, or odhcpd's.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use super::Detector;
use super::file::read;
use super::shared::Shared;
use crate::model::agree::Reading;
use crate::model::record::Family;
use crate::model::time::Wall;
use crate::os::clock;

/// The largest file that is read, in octets: some 8,000 leases.
const MAX: u64 = 1 << 20;

/// A file of leases, which all detectors of its names read together.
pub struct LeaseFile {
    path: PathBuf,
    read: Shared<Leases>,
}

impl LeaseFile {
    /// The file at `path`. It is read at each check.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: Shared::default() }
    }
}

/// The detector: the addresses that were leased to one name.
pub struct Lease {
    file: Arc<LeaseFile>,
    host: String,
}

impl Lease {
    /// Looks for `host` in a file.
    #[must_use]
    pub fn new(file: Arc<LeaseFile>, host: &str) -> Self {
        Self { file, host: folded(host) }
    }
}

#[async_trait]
impl Detector for Lease {
    async fn detect(&self, family: Family) -> Reading {
        let path = self.file.path.display();
        if family != Family::Ipv6 {
            return Reading::Unknown(format!("{path}: leases are known by IPv6 alone"));
        }
        let leases = self.file.read.get(|| read(&self.file.path, MAX).map(|octets| parse(&octets)));
        match leases {
            Ok(leases) => match leases.of(&self.host, clock::now().wall) {
                Ok(found) => Reading::Addresses(found),
                Err(why) => Reading::Unknown(format!("{path}: {why}")),
            },
            Err(why) => Reading::Unknown(format!("{path}: {why}")),
        }
    }

    fn anew(&self) {
        self.file.read.forget();
    }
}

/// The IPv6 leases of a file, by name.
#[derive(Debug, Default)]
pub struct Leases(HashMap<String, Vec<Leased>>);

/// One address that was leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leased {
    ip: Ipv6Addr,
    /// When it ends; `None`: never.
    until: Option<Wall>,
}

impl Leases {
    /// The addresses that are leased to a name at a time: the one that is leased the longest first.
    ///
    /// # Errors
    /// There is no such lease, or none any more.
    pub fn of(&self, host: &str, now: Wall) -> Result<Vec<IpAddr>, String> {
        let leased = self.0.get(&folded(host)).ok_or_else(|| format!("there is no IPv6 lease of {host}"))?;
        let mut live: Vec<Leased> =
            leased.iter().copied().filter(|lease| lease.until.is_none_or(|until| until > now)).collect();
        if live.is_empty() {
            return Err(format!("the lease of {host} has expired"));
        }
        live.sort_by_key(|lease| (lease.until.is_some(), std::cmp::Reverse(lease.until), lease.ip));
        let mut found: Vec<IpAddr> = Vec::new();
        for lease in live {
            if !found.contains(&lease.ip.into()) {
                found.push(lease.ip.into());
            }
        }
        Ok(found)
    }
}

/// A host's name as it is compared: the first label, in lower case. dnsmasq writes some names with their domain.
fn folded(host: &str) -> String {
    host.split('.').next().unwrap_or_default().to_ascii_lowercase()
}

/// Reads a file of leases. Each line tells by itself whose form it has; what is no lease of an IPv6 address, or is not whole
/// because the file is being written, is passed over.
///
/// dnsmasq (lease_update_file): `EXPIRY IAID ADDRESS NAME DUID`, the time in seconds since 1970 and 0 for ever, `T` in front of
/// the number of a temporary association, `*` where there is no name. odhcpd (statefiles.c): `# INTERFACE DUID IAID NAME
/// EXPIRY HOST LENGTH ADDRESS/LENGTH…`, the time -1 for ever and 0 where it is over, `-` where there is no name; a length
/// under 128 is a prefix that was delegated further.
#[must_use]
pub fn parse(octets: &[u8]) -> Leases {
    let mut leases = Leases::default();
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        // Without its end a line may lack the last digits of an address.
        let Some(line) = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok()) else { continue };
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["#", _, _, iaid, name, expiry, _, _, addresses @ ..] if *iaid != "ipv4" => {
                let until = match expiry.parse() {
                    Ok(-1) => None,
                    Ok(seconds) => Some(Wall(seconds)),
                    Err(_) => continue,
                };
                let whole = |word: &&str| word.strip_suffix("/128").and_then(|word| word.parse().ok());
                addresses.iter().filter_map(whole).for_each(|ip| leases.add(name, Leased { ip, until }));
            }
            [expiry, iaid, ip, name, _] if !iaid.starts_with('T') => {
                let (Ok(expiry), Ok(ip)) = (expiry.parse(), ip.parse()) else { continue };
                leases.add(name, Leased { ip, until: (expiry != 0).then_some(Wall(expiry)) });
            }
            _ => {}
        }
    }
    leases
}

impl Leases {
    fn add(&mut self, name: &str, lease: Leased) {
        // The last is what odhcpd writes in front of a name that is none.
        if !matches!(name, "*" | "-") && !name.contains('\\') {
            self.0.entry(folded(name)).or_default().push(lease);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Wall = Wall(1_800_000_000);

    const DNSMASQ: &str = "\
1800003600 00:11:22:33:44:55 192.168.1.20 nas 01:00:11:22:33:44:55
duid 00:01:00:01:2c:aa:bb:cc:00:11:22:33:44:55
1800003600 285417301 2001:db8:0:1::1a2b nas 00:01:00:01:2c:00:00:01:00:11:22:33:44:55
1800007200 285417302 2001:db8:0:2::1a2b NAS.lan 00:01:00:01:2c:00:00:01:00:11:22:33:44:55
1799990000 285417303 2001:db8:0:1::5 printer 00:03:00:01:00:11:22:33:44:56
0 1 2001:db8:0:1::7 server 00:03:00:01:00:11:22:33:44:57
1800003600 T5 2001:db8:0:1::8 laptop 00:03:00:01:00:11:22:33:44:58
1800003600 6 2001:db8:0:1::9 * 00:03:00:01:00:11:22:33:44:59
";

    const ODHCPD: &str = "\
# br-lan 00010001215aafe6a01290f0d213 90f0d213 nas 1800003600 1a2b 128 2001:db8:0:1::1a2b/128 fd00:0:0:1::1a2b/128
2001:db8:0:1::1a2b\tnas.lan\tnas
# br-lan 0003000100112233445b 1 router 1800003600 10 60 2001:db8:0:10::/60
# br-lan 0003000100112233445c 1 server -1 7 128 2001:db8:0:1::7/128
# br-lan 0003000100112233445d 1 printer 0 5 128
# br-lan 0003000100112233445e 1 tablet 1799990000 6 128 2001:db8:0:1::6/128
# br-lan 001122334455 ipv4 phone 1800003600 c0a80114 32 192.168.1.20/32
# br-lan 0003000100112233445f 1 - 1800003600 9 128 2001:db8:0:1::9/128
# br-lan 00030001001122334460 1 broken\\x20name 1800003600 a 128 2001:db8:0:1::a/128
";

    fn of(text: &str, host: &str) -> Result<Vec<String>, String> {
        parse(text.as_bytes()).of(host, NOW).map(|found| found.iter().map(ToString::to_string).collect())
    }

    fn refused(text: &str, host: &str, word: &str) {
        let outcome = of(text, host);
        assert!(matches!(&outcome, Err(why) if why.contains(word)), "{host}: {outcome:?}");
    }

    #[test]
    fn dnsmasqs_leases_are_read_by_name_and_the_longest_comes_first() {
        let nas = ["2001:db8:0:2::1a2b", "2001:db8:0:1::1a2b"];
        for host in ["nas", "NAS", "nas.lan"] {
            assert_eq!(of(DNSMASQ, host).unwrap(), nas);
        }
        assert_eq!(of(DNSMASQ, "server").unwrap(), ["2001:db8:0:1::7"]);
        refused(DNSMASQ, "printer", "expired");
        for host in ["laptop", "*", "unknown", ""] {
            refused(DNSMASQ, host, "no IPv6 lease");
        }
    }

    #[test]
    fn odhcpds_leases_are_read_by_name_without_what_is_delegated_further() {
        assert_eq!(of(ODHCPD, "nas").unwrap(), ["2001:db8:0:1::1a2b", "fd00:0:0:1::1a2b"]);
        assert_eq!(of(ODHCPD, "server").unwrap(), ["2001:db8:0:1::7"]);
        refused(ODHCPD, "tablet", "expired");
        for host in ["router", "printer", "phone", "-", "name", "broken"] {
            refused(ODHCPD, host, "no IPv6 lease");
        }
    }

    #[test]
    fn a_lease_ends_with_its_second() {
        let leases = parse(b"100 1 2001:db8::1 nas 00\n");
        assert!(leases.of("nas", Wall(99)).is_ok());
        assert!(leases.of("nas", Wall(100)).is_err());
    }

    #[test]
    fn a_file_that_is_being_written_tells_no_half_an_address() {
        for text in [DNSMASQ, ODHCPD] {
            let whole = parse(text.as_bytes());
            for end in 0..text.len() {
                let cut = parse(text.get(..end).unwrap().as_bytes());
                for (name, leased) in &cut.0 {
                    assert!(leased.iter().all(|lease| whole.0[name].contains(lease)), "{name} at {end}");
                }
            }
        }
    }

    #[tokio::test]
    async fn all_names_of_a_file_cost_one_reading_until_it_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("leases");
        let file = Arc::new(LeaseFile::new(path.clone()));
        let [nas, server] = ["nas", "server"].map(|host| Lease::new(Arc::clone(&file), host));
        assert!(matches!(nas.detect(Family::Ipv6).await, Reading::Unknown(why) if why.contains("leases")));
        std::fs::write(&path, "0 1 2001:db8::1 nas 00\n").unwrap();
        nas.anew();
        let one = Reading::Addresses(vec!["2001:db8::1".parse().unwrap()]);
        assert_eq!(nas.detect(Family::Ipv6).await, one);
        std::fs::write(&path, "0 1 2001:db8::2 server 00\n").unwrap();
        assert!(matches!(server.detect(Family::Ipv6).await, Reading::Unknown(_)), "it was read for both");
        assert_eq!(nas.detect(Family::Ipv6).await, one);
        server.anew();
        assert!(matches!(server.detect(Family::Ipv6).await, Reading::Addresses(_)));
        assert!(matches!(server.detect(Family::Ipv4).await, Reading::Unknown(_)));
    }

    proptest! {
        #[test]
        fn any_octets_are_leases_or_none(octets: Vec<u8>, text in "[#0-9a-f:/ \\nT*-]{0,200}") {
            for input in [&octets[..], text.as_bytes()] {
                let leases = parse(input);
                prop_assert!(leases.0.keys().all(|name| !name.is_empty() || input.contains(&b'.')));
            }
        }
    }
}
