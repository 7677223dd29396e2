//! Addresses of other machines of the LAN: the bits of a prefix and those of a host become one. Pure.

use std::net::{IpAddr, Ipv6Addr};

use super::agree::{Expression, Reading, SourceName};
use super::mac::Mac;
use super::prefix::Prefix;

/// How the IPv6 address of another machine is composed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Composed {
    /// Where the prefix comes from: the leading bits of an address that this comes to.
    pub prefix: Box<Expression>,
    /// How many bits of it are taken, 1 to 127.
    pub length: u8,
    /// Where the bits behind them come from.
    pub host: Host,
}

/// Where the bits behind a prefix come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// These: what a person wrote, or what follows from a MAC address.
    Suffix(u128),
    /// The addresses that a lease gave it. Its host bits are the server's choice and stay in another prefix (odhcpd keeps
    /// them apart from the prefix; dnsmasq works them out of the client's identifier).
    Lease(SourceName),
    /// The addresses under which the neighbour with this MAC address was met. The machine itself chose their host bits, and
    /// chooses others in another prefix (RFC 7217), unless they follow from its MAC address.
    Neighbour(SourceName, Mac),
}

impl Host {
    /// The source that must be read for it.
    #[must_use]
    pub fn source(&self) -> Option<&SourceName> {
        match self {
            Self::Suffix(_) => None,
            Self::Lease(source) | Self::Neighbour(source, _) => Some(source),
        }
    }

    /// The host bits within `prefix`, given the addresses that its source knows.
    fn bits(&self, prefix: Prefix, known: &[Ipv6Addr]) -> Result<u128, String> {
        let within = || known.iter().copied().filter(|address| prefix.holds(*address));
        match self {
            Self::Suffix(bits) => Ok(*bits),
            Self::Lease(source) => {
                let leased = within().next().or_else(|| known.first().copied());
                leased.map(Ipv6Addr::to_bits).ok_or_else(|| format!("{source}: no address"))
            }
            Self::Neighbour(_, mac) => {
                let own = |address: &Ipv6Addr| is_made_of(*address, *mac);
                let made = within().find(own).or_else(|| known.iter().copied().find(own));
                if let Some(address) = made.filter(|_| prefix.length() <= 64) {
                    return Ok(address.to_bits());
                }
                let found: Vec<Ipv6Addr> = within().collect();
                match found.as_slice() {
                    [only] => Ok(only.to_bits()),
                    [] => Err(format!("{mac} has no address in {prefix} at present")),
                    several => Err(format!(
                        "{mac} has {} addresses in {prefix}, and which of them lasts cannot be told: {}",
                        several.len(),
                        several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                    )),
                }
            }
        }
    }
}

/// Whether the interface identifier of an address follows from a MAC address (RFC 4291, appendix A).
fn is_made_of(address: Ipv6Addr, mac: Mac) -> bool {
    address.to_bits() << 64 == u128::from(mac.interface_id()) << 64
}

impl Composed {
    /// Every source in it.
    pub fn sources<'a>(&'a self, into: &mut Vec<&'a SourceName>) {
        self.prefix.sources(into);
        into.extend(self.host.source());
    }

    /// The address of the host in each prefix of a reading, given what the host's source says. *None* only where there is
    /// certainly no prefix; a host that is not known is unknown, never none.
    ///
    /// With the prefix of `2001:db8:0:1::1`, 64 bits and the suffix `::42`: `2001:db8:0:1::42`.
    #[must_use]
    pub fn within(&self, prefix: &Reading, host: Option<&Reading>) -> Reading {
        match prefix {
            Reading::Addresses(prefixes) => self.combine(prefixes, host).unwrap_or_else(Reading::Unknown),
            other => other.clone(),
        }
    }

    /// The addresses of the host in each prefix, or what is missing.
    fn combine(&self, prefixes: &[IpAddr], host: Option<&Reading>) -> Result<Reading, String> {
        let known: Vec<Ipv6Addr> = match host {
            None => Vec::new(),
            Some(Reading::Addresses(list)) => list.iter().filter_map(v6).collect(),
            Some(Reading::Unknown(why)) => return Err(why.clone()),
            Some(other) => return Err(format!("the host's address is not known: {other}")),
        };
        let mut found: Vec<IpAddr> = Vec::new();
        for address in prefixes {
            let prefix = v6(address).ok_or_else(|| format!("{address} has no IPv6 prefix"))?;
            let prefix = Prefix::of(prefix, self.length);
            let composed = IpAddr::from(prefix.with(self.host.bits(prefix, &known)?));
            if !found.contains(&composed) {
                found.push(composed);
            }
        }
        Ok(Reading::Addresses(found))
    }
}

fn v6(address: &IpAddr) -> Option<Ipv6Addr> {
    match address {
        IpAddr::V6(address) => Some(*address),
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agree::{Verdict, Witness, agree};
    use crate::model::evidence::Protocol;
    use proptest::prelude::*;

    const LAN: &str = "2001:db8:0:1::1";
    const MAC: &str = "00:11:22:33:44:55";

    fn name(text: &str) -> SourceName {
        SourceName(text.into())
    }

    fn these(list: &[&str]) -> Reading {
        Reading::Addresses(list.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn composed(length: u8, host: Host) -> Composed {
        Composed { prefix: Box::new(Expression::Source(name("lan"))), length, host }
    }

    fn suffix(text: &str) -> Host {
        Host::Suffix(text.parse::<Ipv6Addr>().unwrap().to_bits())
    }

    fn lease() -> Host {
        Host::Lease(name("host"))
    }

    fn neighbour() -> Host {
        Host::Neighbour(name("host"), MAC.parse().unwrap())
    }

    /// What it comes to where the prefix source says the first and the host's source the second.
    fn judge(composed: &Composed, lan: Option<&Reading>, host: Option<&Reading>) -> Verdict {
        let witness = |source: &SourceName| Witness {
            origin: ("us", Protocol::Interface),
            said: if source.0 == "lan" { lan } else { host },
            at: None,
            suffices: true,
            times: 1,
            demoted: false,
            mute: false,
        };
        agree(&Expression::Composed(composed.clone()), 7, &witness)
    }

    fn comes_to(length: u8, host: Host, lan: &[&str], known: &[&str]) -> Reading {
        match judge(&composed(length, host), Some(&these(lan)), Some(&these(known))) {
            Verdict::Known(reading) => reading,
            other => panic!("{other:?}"),
        }
    }

    fn doubt(reading: Reading) -> String {
        let Reading::Unknown(why) = reading else { panic!("{reading}") };
        why
    }

    #[test]
    fn a_suffix_stands_behind_the_prefix() {
        assert_eq!(comes_to(64, suffix("::42"), &[LAN], &[]), these(&["2001:db8:0:1::42"]));
        assert_eq!(comes_to(56, suffix("0:0:0:3::42"), &["2001:db8:1:ff00::"], &[]), these(&["2001:db8:1:ff03::42"]));
        let two = ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:1::2"];
        assert_eq!(comes_to(64, suffix("::42"), &two, &[]), these(&["2001:db8:0:1::42", "2001:db8:0:2::42"]));
    }

    #[test]
    fn the_prefix_and_the_host_are_asked_for_together() {
        let of = |of: &[&str]| Verdict::Ask(of.iter().map(|source| name(source)).collect());
        let (lan, host) = (these(&[LAN]), these(&["fd00::9"]));
        assert_eq!(judge(&composed(64, lease()), None, None), of(&["lan", "host"]));
        assert_eq!(judge(&composed(64, lease()), None, Some(&host)), of(&["lan"]));
        assert_eq!(judge(&composed(64, lease()), Some(&lan), None), of(&["host"]));
        assert_eq!(judge(&composed(64, suffix("::1")), None, None), of(&["lan"]));
        let both = composed(64, lease());
        let mut sources = Vec::new();
        both.sources(&mut sources);
        assert_eq!(sources, [&name("lan"), &name("host")]);
    }

    #[test]
    fn without_a_prefix_nobody_need_know_the_host() {
        for lan in [Reading::None, Reading::Unknown("down".into())] {
            assert_eq!(judge(&composed(64, lease()), Some(&lan), None), Verdict::Known(lan));
        }
    }

    #[test]
    fn a_host_that_is_not_known_is_unknown_and_never_none() {
        let lan = these(&[LAN]);
        for (said, word) in [
            (Reading::None, "none"),
            (Reading::Unknown("no lease of nas".into()), "no lease of nas"),
            (Reading::Behind([100, 64, 0, 1].into()), "NAT"),
            (these(&["192.0.2.1"]), "no address"),
        ] {
            let Verdict::Known(reading) = judge(&composed(64, lease()), Some(&lan), Some(&said)) else { panic!() };
            assert!(doubt(reading).contains(word));
        }
    }

    #[test]
    fn a_prefix_of_the_wrong_family_makes_the_whole_unknown() {
        assert!(doubt(comes_to(64, suffix("::42"), &[LAN, "192.0.2.1"], &[])).contains("192.0.2.1"));
    }

    #[test]
    fn a_lease_in_the_prefix_counts_before_another_whose_host_bits_are_taken() {
        let old = "2001:db8:0:9::77";
        assert_eq!(comes_to(64, lease(), &[LAN], &[old]), these(&["2001:db8:0:1::77"]));
        let both = [old, "2001:db8:0:1::88"];
        assert_eq!(comes_to(64, lease(), &[LAN], &both), these(&["2001:db8:0:1::88"]));
    }

    #[test]
    fn a_neighbour_is_believed_where_its_address_can_only_be_one() {
        // A machine whose host bits follow from its MAC address has them in any prefix.
        let made = "2001:db8:0:1:211:22ff:fe33:4455";
        for known in
            [&[made][..], &["2001:db8:0:9:211:22ff:fe33:4455"], &["2001:db8:0:1::5", "fd00::211:22ff:fe33:4455"]]
        {
            assert_eq!(comes_to(64, neighbour(), &[LAN], known), these(&[made]), "{known:?}");
        }
        let chosen = "2001:db8:0:1:a8c1:22:33:44";
        assert_eq!(comes_to(64, neighbour(), &[LAN], &[chosen, "2001:db8:0:9::1"]), these(&[chosen]));
        // Chosen at random in another prefix, they say nothing of this one.
        assert!(doubt(comes_to(64, neighbour(), &[LAN], &["2001:db8:0:9:a8c1:22:33:44"])).contains("no address in"));
        let said = doubt(comes_to(64, neighbour(), &[LAN], &[chosen, "2001:db8:0:1::5"]));
        assert!(said.contains("2 addresses") && said.contains(chosen), "{said}");
    }

    #[test]
    fn a_long_prefix_leaves_no_room_for_a_whole_interface_identifier() {
        let made = "2001:db8:0:1:211:22ff:fe33:4455";
        assert_eq!(comes_to(80, neighbour(), &[made], &[made]), these(&[made]));
        assert!(doubt(comes_to(80, neighbour(), &[LAN], &[made])).contains("no address in"));
    }

    proptest! {
        #[test]
        fn whatever_is_composed_lies_in_the_prefix_it_was_composed_of(
            lan: u128, hosts: Vec<u128>, length in 1_u8..=127, kind in 0..3_u8,
        ) {
            let host = match kind { 0 => Host::Suffix(hosts.first().copied().unwrap_or(1)), 1 => lease(), _ => neighbour() };
            let lan = Ipv6Addr::from_bits(lan);
            let hosts = Reading::Addresses(hosts.into_iter().map(|bits| Ipv6Addr::from_bits(bits).into()).collect());
            let verdict = judge(&composed(length, host), Some(&Reading::Addresses(vec![lan.into()])), Some(&hosts));
            if let Verdict::Known(Reading::Addresses(found)) = verdict {
                prop_assert_eq!(found.len(), 1);
                prop_assert!(found.iter().filter_map(v6).all(|found| Prefix::of(lan, length).holds(found)));
            }
        }
    }
}
