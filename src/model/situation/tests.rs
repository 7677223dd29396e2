//! Each situation by the facts that make it, and what holds of all facts.

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ours(interface: &str, address: &str) -> Ours {
    Ours { interface: interface.into(), address: ip(address) }
}

fn device(name: &str, kind: Option<&str>) -> Device {
    let tunnel = is_tunnel(kind, kind.is_none(), name, true);
    Device { name: name.into(), kind: kind.map(str::to_owned), tunnel, works: true }
}

/// A machine at home whose packets leave by eth0, with these addresses on it.
fn by_eth0(addresses: &[&str]) -> Facts {
    let addresses = addresses.iter().map(|address| ours("eth0", address)).collect();
    Facts { linked: true, way: Some(device("eth0", None)), addresses, ..Facts::default() }
}

fn ipv4(facts: &Facts) -> Situation {
    situation(Family::Ipv4, facts)
}

fn ipv6(facts: &Facts) -> Situation {
    situation(Family::Ipv6, facts)
}

#[test]
fn what_feeds_or_encrypts_packets_here_is_a_vpn_and_a_line_is_none() {
    for kind in ["wireguard", "tun", "xfrm", "vti", "ovpn"] {
        assert!(is_tunnel(Some(kind), false, "x", false), "{kind}");
    }
    for kind in ["ppp", "sit", "ip6tnl", "gre", "veth", "bridge", "vlan", "bond"] {
        assert!(!is_tunnel(Some(kind), false, "tun0", true), "the kernel's word counts, not the name: {kind}");
    }
    assert!(is_tunnel(Some("tun"), true, "tap0", true), "over another link");
    assert!(!is_tunnel(Some("tun"), true, "tap0", false), "a container's only wire");
    for (name, expected) in
        [("wg0", true), ("utun3", true), ("tun12", true), ("wlan0", false), ("tun", false), ("tunnel", false)]
    {
        assert_eq!(is_tunnel(None, false, name, true), expected, "{name}");
    }
}

#[test]
fn an_address_of_our_own_that_the_world_sees_is_public() {
    let mut facts = by_eth0(&["192.168.1.2", "8.8.8.8"]);
    let public = Situation::Public { interface: "eth0".into(), address: ip("8.8.8.8") };
    assert_eq!(ipv4(&facts), public);
    facts.outside = vec![ip("8.8.8.8")];
    assert_eq!(ipv4(&facts), public);
    facts = Facts { outside: vec![ip("9.9.9.9")], ..by_eth0(&["192.168.1.2"]) };
    facts.addresses.push(ours("lo", "9.9.9.9"));
    assert_eq!(ipv4(&facts), Situation::Public { interface: "lo".into(), address: ip("9.9.9.9") });
    // The question came from a temporary address of the same network.
    let facts = Facts { outside: vec![ip("2a00::dead")], ..by_eth0(&["fd00::2", "2a00::2"]) };
    assert_eq!(ipv6(&facts), Situation::Public { interface: "eth0".into(), address: ip("2a00::2") });
    assert_eq!(ipv6(&facts).says(Family::Ipv6), "IPv6 is public on eth0: 2a00::2 is this machine's own address.");
}

#[test]
fn another_address_in_the_world_than_ours_is_nat() {
    let mut facts = by_eth0(&["192.168.1.2"]);
    let nat = |inside: &str, outside: Option<&str>| Situation::BehindNat {
        interface: "eth0".into(),
        inside: Some(ip(inside)),
        outside: outside.map(ip),
    };
    assert_eq!(ipv4(&facts), nat("192.168.1.2", None));
    assert_eq!(ipv4(&facts).level(), Level::Debug);
    facts.outside = vec![ip("8.8.8.8"), ip("9.9.9.9"), ip("8.8.8.8")];
    assert_eq!(ipv4(&facts), nat("192.168.1.2", Some("8.8.8.8")));
    facts.outside.push(ip("9.9.9.9"));
    assert_eq!(ipv4(&facts), nat("192.168.1.2", None), "nobody is believed more than others");
    facts.outside.clear();
    facts.router = Some(ip("8.8.8.8"));
    assert_eq!(ipv4(&facts), nat("192.168.1.2", Some("8.8.8.8")), "the router's word alone");
    facts.outside = vec![ip("8.8.8.8")];
    assert_eq!(ipv4(&facts), nat("192.168.1.2", Some("8.8.8.8")), "and the world's");
    let says = "IPv4 is behind NAT at 8.8.8.8: eth0 has 192.168.1.2. What comes from outside arrives where the router forwards \
                it to this machine.";
    assert_eq!(ipv4(&facts).says(Family::Ipv4), says);
    let laboratory = Facts { outside: vec![ip("192.168.1.2")], ..by_eth0(&["192.168.1.2"]) };
    assert_eq!(ipv4(&laboratory), nat("192.168.1.2", None), "seen from within");
    let facts = Facts { outside: vec![ip("8.8.8.8")], ..by_eth0(&["9.9.9.9"]) };
    assert_eq!(ipv4(&facts), nat("9.9.9.9", Some("8.8.8.8")), "a public address that is not the one seen");
    let says = ipv4(&facts).says(Family::Ipv4);
    assert!(
        says.starts_with("IPv4 leaves as 8.8.8.8, which is no address of this machine, although eth0 has 9.9.9.9"),
        "{says}"
    );
}

#[test]
fn a_private_or_shared_address_where_a_public_one_should_be_is_a_carriers_nat() {
    let carrier = |facts: &Facts| match ipv4(facts) {
        Situation::BehindCarrierNat { router, outside, .. } => Some((router, outside)),
        _ => None,
    };
    let at_home = by_eth0(&["192.168.1.2"]);
    for (router, outside) in [
        ("100.64.3.2", None),
        ("100.64.3.2", Some("8.8.8.8")),
        ("192.0.0.2", None),
        ("10.7.0.2", Some("8.8.8.8")),
        ("192.168.0.2", None),
        // A public address that is another one's: the world sees something else.
        ("9.9.9.9", Some("8.8.8.8")),
    ] {
        let outside = outside.map(ip);
        let facts = Facts { router: Some(ip(router)), outside: outside.into_iter().collect(), ..at_home.clone() };
        assert_eq!(carrier(&facts), Some((Some(ip(router)), outside)), "{router}");
        assert_eq!(ipv4(&facts).level(), Level::Warn);
        assert!(ipv4(&facts).says(Family::Ipv4).contains("so that inbound connections cannot work"));
    }
    let direct = Facts { outside: vec![ip("8.8.8.8")], ..by_eth0(&["100.100.1.1"]) };
    assert_eq!(carrier(&direct), Some((None, Some(ip("8.8.8.8")))));
    let says = "IPv4 is behind carrier-grade NAT (eth0 has 100.100.1.1, the internet sees 8.8.8.8), so that inbound connections \
                cannot work. Ask the provider for a public address, use IPv6, or a tunnel to a server that has one.";
    assert_eq!(ipv4(&direct).says(Family::Ipv4), says);
    let second = Facts { router: Some(ip("192.168.0.2")), ..at_home };
    assert!(
        ipv4(&second).says(Family::Ipv4).contains("carrier-grade NAT or a second router (the router has 192.168.0.2)")
    );
    // A VPN's address in the shared block, on another interface, is none of the line's.
    let mut other = by_eth0(&["192.168.1.2"]);
    other.addresses.push(ours("lan0", "100.64.0.7"));
    assert_eq!(carrier(&other), None);
}

#[test]
fn a_vpn_on_the_way_says_more_than_any_address() {
    let mut facts = by_eth0(&["8.8.8.8"]);
    facts.way = Some(device("wg0", Some("wireguard")));
    facts.router = Some(ip("100.64.3.2"));
    let expected = Situation::ThroughVpn { interface: "wg0".into(), kind: Some("wireguard".into()), outside: None };
    assert_eq!(ipv4(&facts), expected);
    assert_eq!(ipv4(&facts).level(), Level::Warn);
    assert!(ipv4(&facts).says(Family::Ipv4).starts_with("IPv4 goes through the VPN wg0 (wireguard): "));
    // What a source that is bound to the line sees is the line's own address.
    let bound = Facts {
        outside: vec![ip("9.9.9.9"), ip("9.9.9.9"), ip("8.8.8.8")],
        addresses: vec![ours("eth0", "9.9.9.9")],
        ..facts
    };
    assert!(matches!(ipv4(&bound), Situation::ThroughVpn { outside, .. } if outside == Some(ip("8.8.8.8"))));
}

#[test]
fn an_answer_by_another_interface_than_the_configured_one_is_said() {
    let facts = Facts { stray: Some(("wan1".into(), "wan0".into())), ..by_eth0(&["192.168.1.2"]) };
    let expected = Situation::ByOtherInterface { configured: "wan1".into(), interface: "wan0".into() };
    assert_eq!(ipv4(&facts), expected);
    assert!(expected.says(Family::Ipv4).starts_with("IPv4 leaves by wan0 where wan1 is configured"));
}

#[test]
fn no_ipv6_no_route_and_no_network_are_three_things() {
    let nothing = Facts { linked: true, other_way: true, ..Facts::default() };
    assert_eq!(ipv6(&nothing), Situation::NoAddress { interface: None, duplicate: None });
    let local = Facts { addresses: vec![ours("eth0", "fd00::2")], ..nothing.clone() };
    assert_eq!(ipv6(&local), Situation::NoAddress { interface: None, duplicate: None }, "only a local address");
    assert_eq!(ipv6(&by_eth0(&["fd00::2"])), Situation::NoAddress { interface: Some("eth0".into()), duplicate: None });
    let global = Facts { addresses: vec![ours("eth0", "2a00::2")], ..nothing.clone() };
    assert_eq!(ipv6(&global), Situation::NoRoute { addresses: global.addresses.clone() });
    assert_eq!(
        ipv6(&global).says(Family::Ipv6),
        "There are IPv6 addresses (2a00::2 on eth0), but no IPv6 default route."
    );
    let nowhere = Facts { other_way: false, ..global };
    assert_eq!(ipv6(&nowhere), Situation::NoNetwork { linked: true });
    assert_eq!(ipv4(&Facts::default()), Situation::NoNetwork { linked: false });
    let translated = Facts { outside: vec![ip("2a00::1")], ..by_eth0(&["fd00::2"]) };
    assert!(matches!(ipv6(&translated), Situation::BehindNat { .. }), "NAT66");
}

#[test]
fn the_word_is_that_of_json() {
    let one = ours("eth0", "2a00::2");
    let (interface, address) = ("eth0".to_owned(), one.address);
    let all = [
        Situation::Public { interface: interface.clone(), address },
        Situation::BehindNat { interface: interface.clone(), inside: None, outside: None },
        Situation::BehindCarrierNat { interface: interface.clone(), inside: None, router: None, outside: None },
        Situation::ThroughVpn { interface: interface.clone(), kind: None, outside: None },
        Situation::ByOtherInterface { configured: "eth1".into(), interface },
        Situation::NoCarrier { interface: "ppp1".into() },
        Situation::NoRoute { addresses: vec![one] },
        Situation::NoAddress { interface: None, duplicate: None },
        Situation::NoNetwork { linked: true },
        Situation::Unknown { why: "nobody says".into() },
    ];
    for situation in all {
        let json = serde_json::to_value(&situation).unwrap();
        assert_eq!(json["situation"], situation.word());
        assert_eq!(serde_json::from_value::<Situation>(json).unwrap(), situation);
    }
}

/// Addresses of each kind that matters.
const SOME: [&str; 12] = [
    "8.8.8.8",
    "9.9.9.9",
    "10.0.0.2",
    "192.168.1.2",
    "100.64.0.1",
    "192.0.0.2",
    "203.0.113.7",
    "2a00::1",
    "2a00:1::1",
    "fd00::1",
    "2001:db8::1",
    "2a00::2",
];

fn an_address(family: Family) -> impl Strategy<Value = IpAddr> {
    let fitting: Vec<IpAddr> = SOME.iter().map(|text| ip(text)).filter(|found| Family::of(*found) == family).collect();
    prop::sample::select(fitting)
}

fn a_device() -> impl Strategy<Value = Device> {
    prop::sample::select(vec![
        device("eth0", None),
        device("ppp0", Some("ppp")),
        device("wg0", Some("wireguard")),
        device("tun0", Some("tun")),
        Device { works: false, ..device("eth0", None) },
        Device { works: false, ..device("wg0", Some("wireguard")) },
    ])
}

fn some_facts() -> impl Strategy<Value = (Family, Facts)> {
    prop::sample::select(Family::ALL.to_vec()).prop_flat_map(|family| {
        let flags = (any::<bool>(), any::<bool>(), any::<bool>());
        let addresses = prop::collection::vec(("(eth0|ppp0|lo)", an_address(family)), 0..4);
        let router = prop::option::of(an_address(Family::Ipv4));
        let said = (prop::collection::vec(an_address(family), 0..4), router);
        (flags, prop::option::of(a_device()), addresses, said).prop_map(move |(flags, way, addresses, said)| {
            let ((linked, other_way, astray), (outside, router)) = (flags, said);
            let addresses: Vec<Ours> =
                addresses.into_iter().map(|(interface, address)| Ours { interface, address }).collect();
            let router = router.filter(|_| family == Family::Ipv4);
            let stray = astray.then(|| ("wan1".to_owned(), "wan0".to_owned()));
            let duplicates = addresses.iter().skip(2).cloned().collect();
            (family, Facts { linked, way, other_way, addresses, duplicates, outside, router, stray })
        })
    })
}

#[test]
fn what_sources_said_lasts_while_the_kernel_says_the_same() {
    let by_eth0 = |addresses: &[&str], outside: &[&str]| {
        let facts = by_eth0(addresses);
        situation(Family::Ipv4, &Facts { outside: outside.iter().map(|text| ip(text)).collect(), ..facts })
    };
    let heard = by_eth0(&["192.168.1.2"], &["8.8.8.8"]);
    assert!(heard.may_last(&by_eth0(&["192.168.1.2"], &[])));
    for other in [by_eth0(&["192.168.1.3"], &[]), by_eth0(&[], &[]), Situation::NoNetwork { linked: true }] {
        assert!(!heard.may_last(&other) && !other.may_last(&heard), "{other:?}");
    }
    let silent = Situation::NoCarrier { interface: "eth0".into() };
    assert!(!by_eth0(&[], &[]).may_last(&silent), "the same interface, and it carries nothing now");
}

proptest! {
    #[test]
    fn public_is_only_what_is_ours_public_and_not_contradicted((family, facts) in some_facts()) {
        let found = situation(family, &facts);
        // Who sees us by an address of our own network stands inside it, and contradicts nothing.
        let within = |seen: &IpAddr| !is_public(*seen) && facts.addresses.iter().any(|ours| ours.address == *seen);
        let seen = majority(&facts.outside).filter(|seen| !within(seen));
        if let Situation::Public { interface, address } = &found {
            prop_assert!(is_public(*address));
            prop_assert!(facts.addresses.iter().any(|ours| ours.interface == *interface && ours.address == *address));
            prop_assert!(seen.is_none_or(|seen| is_same_network(*address, seen)));
            prop_assert!(facts.router.is_none_or(is_public));
        }
        let silent = facts.linked && facts.way.as_ref().is_some_and(|way| !way.works);
        prop_assert_eq!(matches!(found, Situation::NoCarrier { .. }), silent);
        let leads = facts.linked && facts.way.is_some() && !silent;
        let through = leads && facts.way.as_ref().is_some_and(|way| way.tunnel);
        prop_assert_eq!(matches!(found, Situation::ThroughVpn { .. }), through);
        let nowhere = matches!(found, Situation::NoNetwork { .. } | Situation::NoRoute { .. });
        prop_assert!(!(leads && nowhere));
        if let (Some(router), false, None) = (facts.router, through, &facts.stray) {
            let carrier = matches!(found, Situation::BehindCarrierNat { .. });
            prop_assert!(!leads || is_public(router) || carrier);
        }
        let by_kernel = situation(family, &Facts { outside: Vec::new(), router: None, ..facts });
        if found.leads_nowhere() {
            prop_assert_eq!(&by_kernel, &found, "whatever a source says");
        }
        prop_assert!(by_kernel.may_last(&by_kernel));
        prop_assert!(found.says(family).ends_with('.'));
    }
}
