//! Values that are made of addresses, and several uplinks: what is meant by them, and what is wrong with them.

use super::*;
use crate::model::name::Name;
use crate::model::record::RecordType;

fn record(keys: &str) -> String {
    format!("[[record]]\nname = \"a.example.org\"\naccount = \"base\"\n{keys}")
}

fn read(keys: &str) -> Record {
    loaded(&above_base(&record(keys))).records.remove(0)
}

/// The one mistake of a record, without the place of its line.
fn wrong(keys: &str) -> (String, Option<String>) {
    match load(&above_base(&record(keys))).map_err(|errors| errors.problems().to_vec()) {
        Err(problems) => {
            let [problem] = problems.as_slice() else { panic!("{keys}: {problems:#?}") };
            (problem.to_string().trim_start_matches("d.toml:").to_owned(), problem.help.clone())
        }
        Ok(_) => panic!("{keys}: nothing is said"),
    }
}

const POLICY: &str = "type = \"TXT\"\nvalue = \"v=spf1 ip4:{ipv4} ip6:{ipv6/64} -all\"";

#[test]
fn a_value_is_read_with_its_type_and_stands_for_itself() {
    let record = read(POLICY);
    assert_eq!(record.types().collect::<Vec<_>>(), [RecordType::Txt]);
    let Derived { rtype, value } = record.derived.unwrap();
    assert_eq!((rtype, value.single, value.owns, value.tag.as_deref()), (RecordType::Txt, false, None, Some("v=spf1")));
    let addresses = ["192.0.2.1", "2001:db8::7"].map(|address| address.parse().unwrap());
    assert_eq!(value.template.render(&addresses), "v=spf1 ip4:192.0.2.1 ip6:2001:db8::/64 -all");
}

#[test]
fn values_are_normal_before_they_are_compared() {
    let value = |keys: &str| {
        let addresses = ["192.0.2.1".parse().unwrap()];
        read(keys).derived.unwrap().value.template.render(&addresses)
    };
    assert_eq!(value("type = \"txt\"\nvalue = '\"at {ipv4} \" \"now\"'"), "at 192.0.2.1 now");
    assert_eq!(
        value("type = \"HTTPS\"\nvalue = \"1  Web.example.org ipv4hint={ipv4}\""),
        "1 web.example.org. ipv4hint=192.0.2.1"
    );
    assert_eq!(value("type = \"SVCB\"\nvalue = \"1 . ipv4hint={ipv4}\""), "1 . ipv4hint=192.0.2.1");
}

#[test]
fn a_type_that_can_name_one_address_only_is_known_as_that() {
    let of = |keys: &str| read(keys).derived.unwrap().value;
    assert!(of("type = \"CNAME\"\nvalue = \"ip-{ipv4}.example.net\"").single);
    assert!(!of("type = \"HTTPS\"\nvalue = \"1 . ipv4hint={ipv4} ipv6hint={ipv6}\"").single);
    assert_eq!(of("type = \"TXT\"\nvalue = \"{ipv4}\"").tag, None);
    let owner = of("type = \"TXT\"\nvalue = \"v=spf1 ip4:{ipv4} -all\"\nmatch = \"v=spf1 \"");
    assert_eq!(owner.owns.as_deref(), Some("v=spf1 "));
}

#[test]
fn what_is_wrong_with_a_value_is_said_where_it_stands() {
    for (keys, message, help) in [
        ("type = \"TXT\"", "4:1: `type` needs a `value` that is made of addresses", "add value ="),
        ("value = \"{ipv4}\"", "4:1: `value` needs the `type` of record that holds it", "add type ="),
        ("match = \"v=spf1\"", "4:1: `match` has no effect without `type` and `value`", ""),
        (
            "type = \"TXT\"\nvalue = \"v=spf1 ip4:{ip4} -all\"",
            "5:9: `value`: there is no placeholder {ip4}",
            "did you mean {ipv4}?",
        ),
        (
            "type = \"TXT\"\nvalue = \"{mac}\"",
            "5:9: `value`: there is no placeholder {mac}",
            "placeholders: {ipv4}, {ipv6},",
        ),
        (
            "type = \"TXT\"\nvalue = \"{ipv6/129}\"",
            "5:9: `value`: {ipv6/129}: a prefix has 1 to 32 bits of an IPv4 address, 1 to 128 of an IPv6 one",
            "",
        ),
        (
            "type = \"TXT\"\nvalue = \"{ipv4\"",
            "5:9: `value`: a brace stands alone; one that is meant as such is written twice: {{ or }}",
            "",
        ),
        (
            "type = \"TXT\"\nvalue = \"v=spf1 -all\"",
            "5:9: `value`: there is no placeholder in it, so that it would follow no address",
            "driftless records add",
        ),
        (
            "type = \"TXT\"\nvalue = \"v=spf1 ip4:{ipv6} -all\"",
            "5:9: `value`: it would be \"v=spf1 ip4:2001:db8:1111:2222:3333:4444:5555:6666 -all\"; \
             \"ip4:2001:db8:1111:2222:3333:4444:5555:6666\" is no term of an SPF policy: \
             ip4: is followed by an IPv4 address or network",
            "",
        ),
        (
            "type = \"A\"\nvalue = \"{ipv4}\"",
            "4:8: `type`: A records hold the addresses themselves",
            "leave `type` and `value` out",
        ),
        ("type = \"SOA\"\nvalue = \"{ipv4}\"", "4:8: `type`: the SOA record is the zone's own", ""),
        (
            "type = \"TEXT\"\nvalue = \"{ipv4}\"",
            "4:8: `type`: \"TEXT\" is not a record type known here",
            "did you mean `TXT`?",
        ),
        (
            "type = \"TXT\"\nvalue = \"v=spf1 ip4:{ipv4} -all\"\nmatch = \"v=spf2\"",
            "6:9: `match`: the value itself begins otherwise: \"v=spf1 ip4:203.0.113.199 -all\"",
            "",
        ),
        (
            "type = \"TXT\"\nvalue = \"v=spf1 ip6:{ipv6} -all\"\nipv6 = \"off\"",
            "5:9: the value is made of an IPv6 address, and `ipv6` is off",
            "",
        ),
    ] {
        let (said, helps) = wrong(keys);
        assert_eq!(said, message, "{keys}");
        assert!(helps.unwrap_or_default().contains(help), "{keys}");
    }
    let (hints, _) = wrong("type = \"HTTPS\"\nvalue = \"1 . ipv4hint={ipv6}\"");
    assert!(hints.contains("that is no HTTPS record"), "{hints}");
}

#[test]
fn one_name_may_have_its_addresses_and_a_value_that_is_made_of_them() {
    let both = format!("{}\n{}", record(""), record(POLICY));
    assert_eq!(loaded(&above_base(&both)).records.len(), 3);
    let twice = format!("{}\n{}", record(POLICY), record(POLICY));
    let said = errors(&above_base(&twice));
    assert_eq!(said, ["7:8: TXT of a.example.org is declared twice at the account \"base\""]);
    // A family that is off is no matter to a value that does not name it.
    assert!(load(&above_base(&record("ipv6 = \"off\"\ntype = \"TXT\"\nvalue = \"{ipv4}\""))).is_ok());
}

#[test]
fn each_service_says_what_it_can_keep() {
    let keeps = |provider: &str, name: &str, rtype| {
        let entry = crate::provider::find(provider).unwrap();
        (entry.keeps)(&Name::parse(name).unwrap(), rtype)
    };
    for (provider, name, rtype, kept) in [
        ("designate", "a.example.org", RecordType::Https, true),
        ("dyndns2", "a.example.org", RecordType::Txt, false),
        ("lunanode", "a.example.org", RecordType::Txt, true),
        ("lunanode", "a.lndyn.com", RecordType::Txt, false),
        ("lunanode", "a.example.org", RecordType::Mx, false),
        ("pocketdns", "a.example.org", RecordType::Txt, true),
        ("rackspace", "a.example.org", RecordType::Srv, false),
        ("yandex", "a.example.org", RecordType::Txt, true),
        ("yandex360", "a.example.org", RecordType::Caa, false),
        ("zonefile", "a.example.org", RecordType::Svcb, true),
    ] {
        assert_eq!(keeps(provider, name, rtype).is_ok(), kept, "{provider} {name} {rtype}");
    }
    let text = "[account.push]\nprovider = \"dyndns2\"\nserver = \"https://dyndns.example.net\"\nusername = \"me\"\n\
                password_file = \"/p\"\n[[record]]\nname = \"a.example.org\"\naccount = \"push\"\n\
                type = \"TXT\"\nvalue = \"{ipv4}\"\n";
    let problems = Config::load(&file(text)).unwrap_err();
    assert_eq!(
        problems.problems()[0].to_string(),
        "d.toml:9:8: a.example.org TXT cannot be kept at the account \"push\": the service takes addresses only"
    );
}

#[test]
fn what_a_service_that_takes_one_address_cannot_hold_is_refused() {
    let text = |keys: &str| {
        format!(
            "[account.push]\nprovider = \"dyndns2\"\nserver = \"https://dyndns.example.net\"\nusername = \"me\"\n\
             password_file = \"/p\"\n[[record]]\nname = \"a.example.org\"\naccount = \"push\"\n{keys}"
        )
    };
    for (keys, said) in [
        (
            "values = \"shared\"",
            "9:10: `values`: dyndns2 holds one address of a family for a name, so that none can be shared",
        ),
        (
            "ipv4 = { all = [\"https\", \"dns\"] }",
            "6:1: `ipv4`: dyndns2 holds one address of a family for a name, not one of each uplink",
        ),
        (
            "ipv4 = { interface = \"wan0\", all = true }",
            "6:1: `ipv4`: dyndns2 holds one address of a family for a name, not all of an interface's",
        ),
    ] {
        let problems = Config::load(&file(&text(keys))).unwrap_err();
        assert_eq!(problems.problems()[0].to_string(), format!("d.toml:{said}"));
    }
}

#[test]
fn uplinks_stand_together_and_by_themselves() {
    let named =
        |name: &str| Source::Interface(InterfaceSource { name: Some(name.into()), ..InterfaceSource::default() });
    let uplinks = read("ipv4 = { all = [{ interface = \"wan0\" }, { interface = \"wan1\" }] }\nvalues = \"shared\"");
    assert_eq!((uplinks.ipv4, uplinks.values), (Source::All(vec![named("wan0"), named("wan1")]), Values::Shared));
    // An interface's own flag means all of its addresses.
    let all = read("ipv4 = { interface = \"wan0\", all = true }").ipv4;
    assert!(matches!(all, Source::Interface(InterfaceSource { all: true, .. })));
    for (source, said) in [
        ("{ all = [\"https\"] }", "4:18: `all`: of a single uplink the source itself is enough"),
        ("{ all = [\"https\", \"https\"] }", "4:27: `all`: this source is given twice"),
        (
            "{ first_of = [{ all = [\"https\", \"dns\"] }, \"stun\"] }",
            "4:23: `first_of`: `all` stands by itself, never within another source",
        ),
        ("{ all = [\"https\", false] }", "4:27: `all`: \"off\" cannot be one of several sources"),
    ] {
        let (found, _) = wrong(&format!("ipv4 = {source}"));
        let place = |text: &str| text.split_once(": ").map(|(_, rest)| rest.to_owned());
        assert_eq!(place(&found), place(said), "{source}: {found}");
    }
}
