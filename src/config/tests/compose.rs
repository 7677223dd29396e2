//! Composed addresses: what can be typed, and what is refused before anything is published of it.

use super::*;

const LAN: &str = "prefix = { interface = \"br-lan\" }";

/// A configuration with one record whose IPv6 address comes from this.
fn with(ipv6: &str) -> Input {
    file(&format!("{BASE}ipv6 = {ipv6}\n"))
}

fn composed(ipv6: &str) -> ComposedSource {
    match &loaded(&with(ipv6)).records[0].ipv6 {
        Source::Composed(composed) => composed.clone(),
        other => panic!("{other:?}"),
    }
}

fn lan() -> Box<Source> {
    Box::new(Source::Interface(InterfaceSource { name: Some("br-lan".into()), ..InterfaceSource::default() }))
}

#[test]
fn a_composed_address_has_a_prefix_of_64_bits_and_a_host() {
    let hosts = [
        ("\"::42\"", HostSource::Suffix(0x42)),
        ("{ mac = \"00:11:22:33:44:55\" }", HostSource::Suffix(0x0211_22ff_fe33_4455)),
        ("{ neighbour = \"00-11-22-33-44-55\" }", HostSource::Neighbour("00:11:22:33:44:55".parse().unwrap())),
        (
            "{ lease = \"/tmp/hosts/odhcpd\", host = \"NAS\" }",
            HostSource::Lease { path: "/tmp/hosts/odhcpd".into(), host: "nas".into() },
        ),
    ];
    for (typed, host) in hosts {
        let expected = ComposedSource { prefix: lan(), length: 64, host };
        assert_eq!(composed(&format!("{{ {LAN}, host = {typed} }}")), expected, "{typed}");
    }
}

#[test]
fn a_host_may_reach_into_the_bits_that_a_shorter_prefix_leaves() {
    let long = composed("{ prefix = \"delegated\", length = 56, host = \"0:0:0:3::42\" }");
    let expected = HostSource::Suffix(0x0003_0000_0000_0000_0042);
    assert_eq!(long, ComposedSource { prefix: Box::new(Source::Delegated), length: 56, host: expected });
    assert_eq!(composed(&format!("{{ {LAN}, length = 127, host = \"::1\" }}")).length, 127);
}

#[test]
fn any_source_can_know_the_prefix() {
    for (typed, expected) in [
        ("\"auto\"", Source::Auto),
        ("{ file = \"/run/wan6\" }", Source::File { path: "/run/wan6".into() }),
        ("\"2620:fe::\"", Source::Fixed(vec!["2620:fe::".parse().unwrap()])),
        ("{ first_of = [\"interface\", \"auto\"] }", {
            Source::FirstOf(vec![Source::Interface(InterfaceSource::default()), Source::Auto])
        }),
    ] {
        assert_eq!(*composed(&format!("{{ prefix = {typed}, host = \"::42\" }}")).prefix, expected, "{typed}");
    }
}

#[test]
fn what_can_never_be_an_address_is_refused() {
    let host = |host: &str| format!("{{ {LAN}, host = {host} }}");
    let cases = [
        (format!("{{ {LAN} }}"), "`prefix` needs the bits behind it: host = \"::42\""),
        (host("\"1::42\""), "`host`: 1::42 reaches into the prefix, which has 64 bits"),
        (host("\"::1:0:0:0:42\""), "`host`: ::1:0:0:0:42 reaches into the prefix, which has 64 bits"),
        (
            host("\"::\""),
            "`host`: zeros are the address of the prefix's routers, and of no host (RFC 4291, section 2.6.1)",
        ),
        (host("\"nas\""), "`host`: \"nas\" is no end of an IPv6 address"),
        (host("\"00:11:22:33:44:55\""), "`host`: \"00:11:22:33:44:55\" is no end of an IPv6 address"),
        (
            host("{ mac = \"00:11:22:33:44\" }"),
            "`mac`: \"00:11:22:33:44\" is no MAC address of an interface such as 00:11:22:aa:bb:cc",
        ),
        (
            host("{ neighbour = \"33:33:00:00:00:01\" }"),
            "`neighbour`: \"33:33:00:00:00:01\" is no MAC address of an interface such as 00:11:22:aa:bb:cc",
        ),
        (host("{ lease = \"/x\" }"), "`lease` needs the name that the host has there: host = \"nas\""),
        (host("{ lease = \"x\", host = \"nas\" }"), "`lease`: the path must be absolute: it starts with \"/\""),
        (host("{ lease = \"/x\", host = \"a b\" }"), "`host`: a name cannot contain ' '"),
        (host("{ mac = \"00:11:22:33:44:55\", host = \"nas\" }"), "`host` is not a key of the bits behind a prefix"),
        (
            host("{ mac = \"00:11:22:33:44:55\", neighbour = \"00:11:22:33:44:55\" }"),
            "`host` expects the bits behind the prefix, such as \"::42\", { mac = … }, { neighbour = … } or \
             { lease = …, host = … }",
        ),
        (
            format!("{{ {LAN}, length = 80, host = {{ mac = \"00:11:22:33:44:55\" }} }}"),
            "`mac`: what is made of a MAC address has 64 bits; 80 leave less behind them",
        ),
        (format!("{{ {LAN}, length = 0, host = \"::1\" }}"), "`length`: the number must be from 1 to 127"),
        (format!("{{ {LAN}, length = 128, host = \"::1\" }}"), "`length`: the number must be from 1 to 127"),
        ("{ prefix = false, host = \"::1\" }".into(), "`prefix`: \"off\" has no prefix"),
        ("{ prefix = \"192.0.2.1\", host = \"::1\" }".into(), "`prefix`: 192.0.2.1 is no IPv6 address"),
        (
            format!("{{ prefix = {{ {LAN}, host = \"::1\" }}, host = \"::1\" }}"),
            "`prefix`: a composed address is no prefix of another one",
        ),
        (format!("{{ {LAN}, suffix = \"::1\", host = \"::1\" }}"), "`suffix` is not a key of the source `prefix`"),
        ("{ prefix = \"fd00::\", host = \"::1\" }".into(), "`ipv6` of the record: fd00:: is unique local (RFC 4193)"),
    ];
    for (typed, expected) in cases {
        let said = errors(&with(&typed));
        assert!(said.len() == 1 && said[0].ends_with(expected), "{typed}: {said:?}");
    }
    let four = errors(&file(&format!("{BASE}ipv4 = {{ {LAN}, host = \"::1\" }}\n")));
    assert!(four.len() == 1 && four[0].ends_with("`prefix`: only IPv6 addresses are composed"), "{four:?}");
    let word = errors(&with("\"delegated\""));
    assert!(word.len() == 1 && word[0].contains("\"delegated\" is no source"), "{word:?}");
}

#[test]
fn a_private_prefix_is_right_where_private_addresses_are_published_on_purpose() {
    let text = format!("{BASE}private = true\nipv6 = {{ prefix = \"fd00::\", host = \"::1\" }}\n");
    assert!(matches!(loaded(&file(&text)).records[0].ipv6, Source::Composed(_)));
}

/// A configuration with addresses and one record whose IPv6 address comes from this.
fn beside(addresses: &str, ipv6: &str) -> Input {
    file(&format!("{BASE}ipv6 = {ipv6}\n{addresses}"))
}

#[test]
fn the_prefix_can_be_that_of_another_address_wherever_it_stands() {
    let wan = "[address.wan]\nipv6 = { quorum = 2, of = [\"https\", \"stun\"] }\n";
    let nas = "[address.a-nas]\nipv6 = { prefix = { address = \"wan\" }, length = 56, host = \"::42\" }\n";
    let of_wan = "{ prefix = { address = \"wan\" }, host = \"::1\" }";
    let config = loaded(&beside(&format!("{nas}{wan}"), of_wan));
    let wan = config.addresses["wan"].ipv6.clone();
    assert!(matches!(wan, Source::Quorum { need: 2, .. }));
    for (source, length) in [(&config.addresses["a-nas"].ipv6, 56), (&config.records[0].ipv6, 64)] {
        let Source::Composed(composed) = source else { panic!("{source:?}") };
        assert_eq!((&*composed.prefix, composed.length), (&wan, length));
    }
    // That it is only referred to is use enough.
    assert!(!warnings(&config).iter().any(|warning| warning.contains("\"wan\"")), "{:?}", config.warnings);
    let usual = "{ prefix = { address = \"default\" }, host = \"::1\" }";
    assert_eq!(*composed(usual).prefix, Source::Auto);
}

#[test]
fn an_address_that_has_no_prefix_to_give_is_refused() {
    let of = |name: &str| format!("{{ prefix = {{ address = \"{name}\" }}, host = \"::1\" }}");
    let addresses = format!(
        "[address.off]\nipv6 = false\n[address.lines]\nipv6 = {{ all = [\"interface\", \"auto\"] }}\n\
         [address.lan]\nipv6 = {{ {LAN}, host = \"::42\" }}\n[address.a-ring]\nipv6 = {}\n",
        of("lan").replace("lan", "a-ring")
    );
    for (typed, expected) in [
        (of("off"), "`address`: \"off\" has no prefix"),
        (of("lines"), "`address`: uplinks have a prefix each: name the source of one of them"),
        (of("lan"), "`address`: a composed address is no prefix of another one"),
        (of("wann"), "there is no address \"wann\""),
        ("{ prefix = { address = \"off\", length = 48 }, host = \"::1\" }".into(), "`length` is not a key of a prefix"),
        (
            "{ prefix = { all = [\"interface\", \"auto\"] }, host = \"::1\" }".into(),
            "`prefix`: uplinks have a prefix each",
        ),
    ] {
        let said = errors(&beside(&addresses, &typed));
        // The address that names itself is wrong each time.
        assert!(said.iter().any(|said| said.contains(expected)), "{typed}: {said:?}");
        let rings = said.iter().filter(|said| said.contains("a composed address is no prefix of another one")).count();
        assert!(rings == 1 + usize::from(typed == of("lan")), "{said:?}");
    }
}
