//! Each rule of Designate's documentation, met and broken.

use super::*;
use crate::model::error::Kind;

fn in_zone(name: &str, rtype: RecordType, values: &[&str], attributes: &[(&str, &str)]) -> Result<Map<String, Json>> {
    let zone = Zone { id: "1".into(), name: Name::parse("example.org").unwrap() };
    let values = values.iter().map(|value| (*value).into()).collect();
    let attributes = attributes.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    settings(&zone, &Edit { name: Name::parse(name).unwrap(), rtype, values, ttl: None, attributes }, "adding")
}

#[test]
fn values_are_written_as_designate_takes_them() {
    let print = "1 2 aa2df857dc65c5359f02ca75ec5c4308c0100594d931e8d243a42f586257b5e8";
    for (rtype, value, written) in [
        (RecordType::A, " 192.0.2.1 ", "192.0.2.1"),
        (RecordType::Aaaa, "2001:DB8:0::1", "2001:db8::1"),
        (RecordType::Cname, "www.example.net", "www.example.net."),
        (RecordType::Ns, "ns1.example.net.", "ns1.example.net."),
        (RecordType::Txt, "hello world", "\"hello world\""),
        (RecordType::Txt, "\"hello \" \"world\"", "\"hello world\""),
        (RecordType::Mx, "10 mail.example.org", "10 mail.example.org."),
        (RecordType::Mx, "0 .", "0 ."),
        (RecordType::Sshfp, print, print),
        (RecordType::Spf, "v=spf1 +all", "\"v=spf1 +all\""),
        (RecordType::Srv, "10 0 5060 server1.example.org.", "10 0 5060 server1.example.org."),
        (RecordType::Caa, "0 issue \"ca.example\"", "0 issue \"ca.example\""),
    ] {
        let body = in_zone("sub.example.org", rtype, &[value, value], &[]).unwrap();
        assert_eq!(body["records"], serde_json::json!([written]), "{rtype}");
    }
    let body = in_zone("example.org", RecordType::Mx, &["a.example.org", "20 b.example.org"], &[("priority", "10")]);
    assert_eq!(body.unwrap()["records"], serde_json::json!(["10 a.example.org.", "20 b.example.org."]));
    let body = in_zone("a.example.org", RecordType::A, &["192.0.2.1"], &[("comment", "")]).unwrap();
    assert_eq!(body["description"], Json::Null);
}

#[test]
fn what_designate_would_refuse_is_not_sent() {
    let name = "a.example.org";
    for (name, rtype, values, attributes, says) in [
        ("a.example.net", RecordType::A, &["192.0.2.1"][..], &[][..], "does not lie in the zone"),
        (name, RecordType::A, &["2001:db8::1"], &[], "no IPv4 address"),
        (name, RecordType::Aaaa, &["192.0.2.1"], &[], "no IPv6 address"),
        (name, RecordType::A, &[], &[], "at least one value"),
        (name, RecordType::A, &[""], &[], "empty"),
        (name, RecordType::A, &["192.0.2.1"], &[("priority", "1")], "no priority"),
        (name, RecordType::A, &["192.0.2.1"], &[("weight", "1")], "no weight"),
        (name, RecordType::Alias, &["b.example.org"], &[], "keeps no ALIAS"),
        (name, RecordType::Cname, &["b.example.org", "c.example.org"], &[], "one value"),
        (name, RecordType::Cname, &["b"], &[], "whole name"),
        (name, RecordType::Cname, &["b..example"], &[], "no name"),
        ("example.org", RecordType::Cname, &["b.example.org"], &[], "cannot be a CNAME"),
        ("example.org", RecordType::Ns, &["ns.example.net"], &[], "itself"),
        ("example.org", RecordType::Soa, &["x"], &[], "itself"),
        (name, RecordType::Mx, &["mail.example.org"], &[], "PRIORITY TARGET"),
        (name, RecordType::Mx, &["65536 mail.example.org"], &[], "PRIORITY TARGET"),
        (name, RecordType::Srv, &["10 0 server.example.org"], &[], "PRIORITY WEIGHT"),
        (name, RecordType::Sshfp, &["1 2 xyz"], &[], "hexadecimal"),
        (name, RecordType::Sshfp, &["1 2"], &[], "ALGORITHM"),
    ] {
        let error = in_zone(name, rtype, values, attributes).unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        assert!(error.why.contains(says), "{rtype} {values:?}: {error}");
    }
    let long = "x".repeat(161);
    assert!(in_zone(name, RecordType::A, &["192.0.2.1"], &[("comment", &long)]).is_err());
    for wrong in ["", "..", "a/b", "a?b", "ä", &"a".repeat(65)] {
        assert!(id(wrong, "").is_err(), "{wrong}");
    }
}

#[test]
fn a_zone_needs_whom_answers_for_it() {
    let made = |attributes: &[(&str, &str)]| {
        let attributes = attributes.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        zone(&Name::parse("example.org").unwrap(), &attributes, "adding")
    };
    let email = ("email", "hostmaster@example.org");
    let body = made(&[email, ("ttl", "300"), ("comment", "mine")]).unwrap();
    let wanted = serde_json::json!({"name": "example.org.", "type": "PRIMARY", "email": "hostmaster@example.org", "ttl": 300,
        "description": "mine"});
    assert_eq!(Json::from(body), wanted);
    let body = made(&[("type", "secondary"), ("masters", "192.0.2.1, 192.0.2.2")]).unwrap();
    assert_eq!(body["masters"], serde_json::json!(["192.0.2.1", "192.0.2.2"]));
    for wrong in [
        &[][..],
        &[("email", "nobody")],
        &[email, ("ttl", "-1")],
        &[email, ("ttl", "2147483648")],
        &[email, ("type", "FORWARD")],
        &[email, ("masters", "192.0.2.1")],
        &[("type", "SECONDARY")],
        &[email, ("colour", "red")],
    ] {
        assert_eq!(made(wrong).unwrap_err().kind, Kind::Config, "{wrong:?}");
    }
}
