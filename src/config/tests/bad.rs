//! Wrong files: each with the exact place and message.

use super::*;

/// Checks files that are wrong: `(file, what is said of it)`.
fn check(cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let found = errors(&above_base(text));
        if found != *expected {
            wrong.push(format!("{text}\n  expected {expected:#?}\n  found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn mistakes_of_syntax_are_placed() {
    check(&[
        (
            "ttl = = 3",
            &[
                "1:7: this is no TOML: extra `=`, expected nothing",
                "1:9: this is no TOML: unexpected key or value, expected newline, `#`",
            ],
        ),
        ("a = \"x", &["1:7: this is no TOML: invalid basic string, expected `\"`"]),
        (
            "[defaults]\nttl = 300s\ncheck = 5m",
            &[
                "2:7: this is no TOML: string values must be quoted, expected literal string",
                "3:9: this is no TOML: string values must be quoted, expected literal string",
            ],
        ),
        ("account = 5\n[account.b]", &["2:2: this is no TOML: cannot extend value of type integer with a dotted key"]),
        ("[defaults]\nttl = 1\nttl = 2", &["3:1: this key is given twice in one table"]),
        // All else that is wrong is told with it.
        (
            "[defaults]\nttl = true\n[log]\nlevl = \"info\"\n[defaults]\nchek = 5\n[web]\nlisen = \"x\"",
            &[
                "2:7: `ttl` expects a whole number from 0 to 2147483647 or \"keep\", found true",
                "4:1: `levl` is not a key of [log]",
                "5:2: this key is given twice in one table",
                "6:1: `chek` is not a key of [defaults]",
                "7:2: [web] does not say where to `listen`",
                "8:1: `lisen` is not a key of [web]",
            ],
        ),
        ("[record]\nname = \"x.example.org\"", &["1:2: `record` is a list of tables: each starts with [[record]]"]),
    ]);
}

#[test]
fn what_is_not_known_is_suggested() {
    check(&[
        ("sate_dir = \"/x\"", &["1:1: `sate_dir` is not a key of the configuration"]),
        ("[acount.home]\nprovider = \"sample\"", &["1:2: `acount` is not a key of the configuration"]),
        ("[defaults]\ntll = 300", &["2:1: `tll` is not a key of [defaults]"]),
        (
            "[log]\nlevel = \"inof\"",
            &["2:9: `level` is one of \"error\", \"warn\", \"info\", \"debug\" and \"trace\", not \"inof\""],
        ),
        ("[account.a]\nprovider = \"smaple\"", &["2:12: there is no provider \"smaple\""]),
        (
            "[account.a]\nprovider = \"sample\"\ntokn = \"x\"",
            &[
                "1:10: the account \"a\" at sample needs `token`",
                "3:1: `tokn` is not a key of the account \"a\" at sample",
            ],
        ),
        (
            "[[record]]\nname = \"a.example.org\"\naccount = \"bsae\"\nadress = \"wan\"",
            &["3:11: there is no account \"bsae\"", "4:1: `adress` is not a key of a record"],
        ),
        (
            "[[record]]\nname = \"a.example.org\"\naccount = \"base\"\naddress = \"wan\"",
            &["4:11: there is no address \"wan\""],
        ),
        (
            "[[record]]\nname = \"a.example.org\"\naccount = \"base\"\ntyp = \"TXT\"",
            &["4:1: `typ` is not a key of a record"],
        ),
    ]);
}

#[test]
fn an_address_that_may_not_be_published_is_refused_where_it_was_typed() {
    let record = |keys: &str| format!("[[record]]\nname = \"a.example.org\"\naccount = \"base\"\n{keys}");
    let private = record("ipv4 = { first_of = [\"interface\", \"192.168.1.5\"] }");
    let never = record("ipv4 = \"169.254.1.1\"\nprivate = true");
    let meant = record("ipv4 = \"192.168.1.5\"\nprivate = true");
    check(&[
        (&private, &["4:8: `ipv4` of the record: 192.168.1.5 is private (RFC 1918)"]),
        (&never, &["4:8: `ipv4` of the record: 169.254.1.1 is link-local (RFC 3927)"]),
    ]);
    let problems = load(&above_base(&private)).unwrap_err();
    assert_eq!(
        problems.problems()[0].help.as_deref(),
        Some("to publish it on purpose add private = true to the record")
    );
    assert!(load(&above_base(&meant)).is_ok());
}

#[test]
fn private_addresses_that_are_asked_for_and_not_published_are_refused_where_they_were_typed() {
    let record = |keys: &str| format!("[[record]]\nname = \"a.example.org\"\naccount = \"base\"\n{keys}");
    let source = "{ interface = \"eth0\", private = true }";
    let why = "it asks for private addresses (`private = true`), and the record does not publish them";
    let alone = record(&format!("ipv4 = {source}"));
    let all = record(&format!("ipv4 = {{ all = [\"auto\", {source}] }}"));
    let none_else = record(&format!("ipv4 = {{ first_of = [{source}, {{ interface = \"eth1\", private = true }}] }}"));
    let prefix = record(&format!("ipv6 = {{ prefix = {source}, host = \"::42\" }}"));
    let of_many = format!("[address.default]\nipv6 = {source}\n{}", record(""));
    check(&[
        (&alone, &[&format!("4:8: `ipv4` of the record: {why}")]),
        (&all, &[&format!("4:8: `ipv4` of the record: {why}")]),
        (&none_else, &[&format!("4:8: `ipv4` of the record: {why}")]),
        (&prefix, &[&format!("4:8: `ipv6` of the record: {why}")]),
        (&of_many, &[&format!("2:8: `ipv6` of the address \"default\": {why}")]),
    ]);
    let help = load(&above_base(&alone)).unwrap_err().problems()[0].help.clone().unwrap();
    assert!(help.starts_with("to publish them on purpose add private = true to the record itself"), "{help}");
    // Another source may give an address that is published.
    let beside = record(&format!("ipv4 = {{ first_of = [{source}, \"https\"] }}"));
    assert_eq!(warnings(&loaded(&above_base(&beside))), [format!("4:8: `ipv4` of the record: {why}")]);
    let derived = "type = \"TXT\"\nvalue = \"{ipv6}\"";
    for right in [format!("{alone}\nprivate = true"), format!("{alone}\n{derived}")] {
        assert_eq!(warnings(&loaded(&above_base(&right))), [""; 0], "{right}");
    }
}

#[test]
fn an_address_of_many_records_is_refused_once_and_where_it_stands() {
    let text = "[address.default]\nipv6 = \"off\"\nipv4 = \"192.0.2.1\"\n[[record]]\nname = \"a.example.org\"\naccount = \"base\"\n\
                [[record]]\nname = \"b.example.org\"\naccount = \"base\"";
    check(&[(text, &["3:8: `ipv4` of the address \"default\": 192.0.2.1 is for documentation (RFC 5737)"])]);
    let errors = load(&above_base(text)).unwrap_err();
    let also = errors.problems()[0].also.as_ref().unwrap();
    assert_eq!((also.place.to_string().as_str(), also.message.as_str()), ("d.toml:4:1", "this record publishes it"));
}

#[test]
fn wrong_types_say_what_was_expected_and_found() {
    check(&[
        ("record = 5", &["1:1: `record` is a list of tables: each starts with [[record]]"]),
        ("account = 5", &["1:1: `account` is a table: it starts with [account]"]),
        ("log = true", &["1:1: `log` is a table: it starts with [log]"]),
        ("state_dir = 5", &["1:13: `state_dir` expects an absolute path, found a number"]),
        (
            "[defaults]\nttl = \"5m\"",
            &["2:7: `ttl` expects a whole number from 0 to 2147483647 or \"keep\", found text"],
        ),
        (
            "[defaults]\nttl = 1.5",
            &["2:7: `ttl` expects a whole number from 0 to 2147483647 or \"keep\", found a decimal number"],
        ),
        ("[defaults]\ncheck = 300", &["2:9: `check` expects a duration such as \"5m\" or \"1h 30m\", found a number"]),
        (
            "[defaults]\ncheck = 2026-01-01",
            &["2:9: `check` expects a duration such as \"5m\" or \"1h 30m\", found a date"],
        ),
        (
            "[address.wan]\nipv4 = true",
            &["2:8: `ipv4` expects a source: \"auto\", false, an address, \
                 or a table such as { interface = \"eth0\" }, found true"],
        ),
        (
            "[address.wan]\nipv4 = [\"auto\"]",
            &["2:8: `ipv4` expects a source: \"auto\", false, an address, \
                 or a table such as { interface = \"eth0\" }, found a list"],
        ),
        ("[address]\nwan = \"auto\"", &["2:1: `wan` is no table: [address] holds one for each name"]),
    ]);
}

#[test]
fn bounds_and_rules_are_named() {
    check(&[
        ("[defaults]\nttl = -1", &["2:7: `ttl`: the number must be from 0 to 2147483647"]),
        ("[defaults]\nttl = 99999999999999999999", &["2:7: `ttl`: the number must be from 0 to 2147483647"]),
        (
            "[defaults]\ncheck = \"5 minuten\"",
            &["2:9: `check` expects a duration such as \"5m\" or \"1h 30m\", found \"5 minuten\""],
        ),
        (
            "[defaults]\necho_interval = \"often\"",
            &["2:17: `echo_interval` expects a duration such as \"1h 30m\", found \"often\""],
        ),
        ("[defaults]\ncheck = \"10s\"", &["2:9: `check`: the duration must be from 30s to 1d"]),
        ("[defaults]\nverify_interval = \"31d\"", &["2:19: `verify_interval`: the duration must be from 1h to 30d"]),
        ("[defaults]\necho_interval = \"5m\"", &["2:17: `echo_interval`: the duration must be from 10m to 1d"]),
        ("state_dir = \"state\"", &["1:13: `state_dir`: the path must be absolute: it starts with \"/\""]),
        (
            "[account.\"ho me\"]\nprovider = \"cloud\"\nauth_url = \"https://x.example\"\npassword_file = \"/p\"",
            &["1:10: the name of an account has 1 to 64 letters, digits, hyphens and underscores, unlike \"ho me\""],
        ),
        ("[account.a]\ntoken = \"x\"", &["1:10: the account \"a\" has no `provider`"]),
    ]);
}

#[test]
fn the_kinds_of_settings_are_checked() {
    let account = |key: &str| format!("[account.a]\nprovider = \"sample\"\ntoken_file = \"/t\"\n{key}");
    let cases = [
        ("choice = \"rde\"", "4:10: `choice` is one of \"red\", \"green\" and \"blue\", not \"rde\""),
        (
            "command = \"/bin/x y\"",
            "4:11: `command` expects a list such as [\"/usr/bin/program\", \"argument\"]; \
             no shell reads it, found text",
        ),
        ("command = [\"reload\"]", "4:11: `command`: the program must be an absolute path: it starts with \"/\""),
        ("command = []", "4:11: `command`: the list is empty"),
        ("duration = \"0s\"", "4:12: `duration`: the duration must be from 1s to 365d"),
        ("flag = \"yes\"", "4:8: `flag` expects true or false, found text"),
        ("number = 21", "4:10: `number`: the number must be from 1 to 20"),
        ("number = \"3\"", "4:10: `number` expects a whole number from 1 to 20, found text"),
        ("path = \"x\"", "4:8: `path`: the path must be absolute: it starts with \"/\""),
        ("text = \"\"", "4:8: `text`: the text is empty"),
        ("text = \"a\\nb\"", "4:8: `text`: the text contains a control character"),
        ("texts = [\"a\", 5]", "4:15: `texts` expects a list of texts, found a number"),
        ("url = \"ftp://example.org\"", "4:7: `url`: the URL must start with https:// or http://"),
        ("url = \"example\"", "4:7: `url`: this is no URL: it starts with https:// or http://"),
        ("zone = \"a..b\"", "4:8: `zone`: two dots in a row, or a leading dot: a label is empty"),
        ("zone = 5", "4:8: `zone` expects a domain name, found a number"),
        ("verify = 1", "4:10: `verify` expects true or false, found a number"),
        (
            "nameservers = \"192.0.2.1\"",
            "4:15: `nameservers` expects a list of addresses such as \
             [\"192.0.2.53\", \"[2001:db8::1]:53\"], found text",
        ),
        (
            "nameservers = [\"ns.example.org\"]",
            "4:16: `nameservers`: \"ns.example.org\" is no address of a name server",
        ),
        ("nameservers = [\"192.0.2.1:0\"]", "4:16: `nameservers`: there is no port 0"),
    ];
    for (key, expected) in cases {
        assert_eq!(errors(&above_base(&account(key))), [expected], "{key}");
    }
}

#[test]
fn sources_are_checked() {
    let cases = [
        (
            "ipv4",
            "\"ntp\"",
            "`ipv4`: \"ntp\" is no source; the words are \"auto\", \"off\", \"interface\", \"dns\", \"https\", \
             \"router\" and \"stun\", or an address",
            0,
        ),
        (
            "ipv4",
            "\"https://a.example/?key=x\"",
            "`ipv4`: a URL is no source; the words are \"auto\", \"off\", \"interface\", \"dns\", \"https\", \
             \"router\" and \"stun\", or an address",
            0,
        ),
        ("ipv4", "\"2001:db8::1\"", "`ipv4`: 2001:db8::1 is no IPv4 address", 0),
        ("ipv6", "\"192.0.2.1\"", "`ipv6`: 192.0.2.1 is no IPv6 address", 0),
        ("ipv6", "\"router\"", "`ipv6`: a router translates no IPv6 and so knows no address of ours", 0),
        (
            "ipv6",
            "{ router = \"default\" }",
            "`router`: a router translates no IPv6 and so knows no address of ours",
            11,
        ),
        ("ipv4", "{ router = \"fritz.box\" }", "`router`: \"fritz.box\" is no IPv4 address, and not \"default\"", 11),
        ("ipv4", "{ router = \"fe80::1\" }", "`router`: \"fe80::1\" is no IPv4 address, and not \"default\"", 11),
        ("ipv4", "{ router = \"224.0.0.1\" }", "`router`: no router can have the address 224.0.0.1", 11),
        (
            "ipv4",
            "{ router = \"8.8.8.1\" }",
            "`router`: 8.8.8.1 is public: what has it on our side is no NAT router",
            11,
        ),
        (
            "ipv4",
            "{ router = true }",
            "`router` expects the router's address, or \"default\" for the default route's, found true",
            11,
        ),
        ("ipv4", "{ router = \"default\", via = [] }", "`via`: the list is empty", 28),
        (
            "ipv4",
            "{ router = \"default\", via = [\"upnp\", \"nat-pmp\"] }",
            "`via` is one of \"natpmp\", \"upnp\" and \"pcp\", not \"nat-pmp\"",
            37,
        ),
        ("ipv4", "{ router = \"default\", via = [\"upnp\", \"upnp\"] }", "`via`: \"upnp\" is given twice", 37),
        (
            "ipv4",
            "{ router = \"default\", bind_interface = \"a/b\" }",
            "`bind_interface`: \"a/b\" cannot be the name of an interface",
            39,
        ),
        ("ipv4", "{ router = \"default\", gateway = \"x\" }", "`gateway` is not a key of the source `router`", 22),
        ("ipv4", "{ fixed = \"0.0.0.0\" }", "`fixed`: no host can have the address 0.0.0.0", 10),
        ("ipv6", "{ fixed = [\"2001:db8::1\", \"2001:db8:0::1\"] }", "`fixed`: 2001:db8::1 is given twice", 26),
        ("ipv4", "{ interface = \"eth0\", temporary = true }", "`temporary`: only IPv6 has temporary addresses", 22),
        (
            "ipv4",
            "{ interface = \"a-very-long-interface\" }",
            "`interface`: \"a-very-long-interface\" cannot be the name of an interface",
            14,
        ),
        (
            "ipv4",
            "{ interface = \"eth0\", file = \"/x\" }",
            "`file` and `interface` are two sources, only one can be used",
            2,
        ),
        ("ipv4", "{ json = \"/ip\" }", "`ipv4`: this table names no source", 0),
        (
            "ipv4",
            "{ https = \"http://a.example\" }",
            "`https`: over http:// anyone on the way could give a wrong address; write https://",
            10,
        ),
        (
            "ipv4",
            "{ https = \"http://localhost:8080/ip\" }",
            "`https`: over http:// anyone on the way could give a wrong address; write https://",
            10,
        ),
        (
            "ipv4",
            "{ https = \"https://a.example\", json = \"ip\" }",
            "`json`: a JSON pointer starts with \"/\" (RFC 6901)",
            38,
        ),
        (
            "ipv4",
            "{ https = \"https://a.example\", json = \"/ip\", key = \"ip\" }",
            "`json` and `key` are two formats, only one can be used",
            45,
        ),
        ("ipv4", "{ https = \"https://a.example\", jsn = \"/ip\" }", "`jsn` is not a key of the source `https`", 31),
        ("ipv4", "{ file = \"ip\" }", "`file`: the path must be absolute: it starts with \"/\"", 9),
        ("ipv4", "{ command = [\"/bin/ip\"], timeout = \"1m\" }", "`timeout`: the duration must be from 1s to 10s", 35),
        ("ipv4", "{ first_of = [] }", "`first_of`: the list is empty", 13),
        ("ipv4", "{ first_of = [\"https\", false] }", "`first_of`: \"off\" cannot be one of several sources", 23),
        ("ipv4", "{ quorum = 2 }", "`quorum` needs the sources that are to agree: of = [ … ]", 2),
        ("ipv4", "{ quorum = 1, of = [\"https\"] }", "`of`: a quorum needs at least two sources", 19),
        ("ipv4", "{ quorum = 3, of = [\"https\", \"interface\"] }", "`quorum`: 3 of 2 sources can never agree", 11),
        (
            "ipv4",
            "{ quorum = 0, of = [\"https\", \"interface\"] }",
            "`quorum`: the number must be from 1 to 4294967295",
            11,
        ),
        ("ipv4", "{ quorum = 2, of = [\"https\", \"https\"] }", "`of`: this source is given twice", 29),
    ];
    for (key, source, expected, column) in cases {
        let text = format!("[address.wan]\n{key} = {source}");
        assert_eq!(errors(&above_base(&text)), [format!("2:{}: {expected}", column + 8)], "{source}");
    }
}

#[test]
fn a_quorum_that_can_never_be_believed_is_an_error() {
    let of_one = "{ https = \"https://a.example/1\" }, { https = \"https://a.example/2\" }";
    let cases = [
        (2, of_one.to_owned()),
        (2, format!("{of_one}, {{ https = \"https://a.example/3\" }}")),
        (3, format!("{of_one}, {{ https = \"https://b.example/\" }}")),
        (2, "{ https = \"ipify\" }, { https = \"https://api.ipify.org/\" }".to_owned()),
        (2, "{ stun = \"a.example\", operator = \"x\" }, { stun = \"b.example\", operator = \"x\" }".to_owned()),
    ];
    for (need, of) in cases {
        let text = format!("[address.wan]\nipv4 = {{ quorum = {need}, of = [{of}] }}");
        let found = errors(&above_base(&text));
        assert_eq!(found.len(), 1, "{of}: {found:?}");
        assert!(found[0].starts_with(&format!("2:19: `quorum`: {need} of these sources can never agree")), "{found:?}");
    }
    let one = errors(&above_base(&format!("[address.wan]\nipv4 = {{ quorum = 1, of = [{of_one}] }}")));
    assert_eq!(one, [""; 0], "one voice was asked for");
}

#[test]
fn sources_out_in_the_world_are_checked() {
    let cases = [
        ("ipv4", "{ dns = \"google\", trusted = true }", "`trusted`: it goes with a server of your own", 28),
        ("ipv4", "{ https = \"ipify\", operator = \"x\" }", "`operator`: it goes with a server of your own", 30),
        ("ipv4", "{ stun = \"a.example\", trusted = 1 }", "`trusted` expects true or false, found a number", 32),
        ("ipv4", "{ dns = \"opndns\" }", "`dns`: there is no built-in service \"opndns\"", 8),
        ("ipv4", "{ stun = \"stunserver\" }", "`stun`: there is no built-in service \"stunserver\"", 9),
        ("ipv6", "{ dns = \"akamai\" }", "`dns`: the built-in service \"akamai\" cannot be asked over IPv6", 8),
        ("ipv6", "{ https = \"aws\" }", "`https`: the built-in service \"aws\" cannot be asked over IPv6", 10),
        (
            "ipv4",
            "{ dns = \"google\", type = \"TXT\" }",
            "`dns`: `type` goes with a name and a `server` of your own",
            8,
        ),
        (
            "ipv4",
            "{ dns = \"a.example\", server = \"192.0.2.1\", class = \"CH\" }",
            "`class`: in the class CH addresses are texts: type = \"TXT\"",
            51,
        ),
        (
            "ipv4",
            "{ dns = \"a.example\", server = \"192.0.2.1\", type = \"PTR\" }",
            "`type` is one of \"address\" and \"TXT\", not \"PTR\"",
            50,
        ),
        (
            "ipv6",
            "{ dns = \"a.example\", server = \"192.0.2.1\" }",
            "`server`: 192.0.2.1:53 cannot be asked over IPv6",
            30,
        ),
        ("ipv4", "{ dns = \"a.example\", server = \"192.0.2.1:0\" }", "`server`: there is no port 0", 30),
        ("ipv4", "{ dns = \"a.example\", server = [] }", "`server`: the list is empty", 30),
        (
            "ipv4",
            "{ dns = \"a.example\", server = [\"ns.example\", \"ns.example:53\"] }",
            "`server`: this server is given twice",
            45,
        ),
        (
            "ipv4",
            "{ dns = \"a..example\", server = \"192.0.2.1\" }",
            "`dns`: two dots in a row, or a leading dot: a label is empty",
            8,
        ),
        ("ipv4", "{ stun = \"stun.example:x\" }", "`stun`: it has no port from 1 to 65535 after the \":\"", 9),
        (
            "ipv4",
            "{ stun = \"stun.example\", transport = \"tls\" }",
            "`transport` is one of \"udp\" and \"tcp\", not \"tls\"",
            37,
        ),
        ("ipv4", "{ stun = \"pool\", transport = \"tcp\" }", "`stun`: `transport` goes with one server", 9),
        ("ipv4", "{ https = \"ipify\", json = \"/ip\" }", "`https`: `json` goes with a URL of your own", 10),
        (
            "ipv4",
            "{ https = \"https://a.example\", header = \"a b\" }",
            "`header`: no header field can be called so",
            40,
        ),
        (
            "ipv4",
            "{ https = \"https://a.example\", pattern = \"{ip}</b>\" }",
            "`pattern`: some text must stand before {ip}",
            41,
        ),
        (
            "ipv4",
            "{ https = \"https://a.example\", pattern = \"IP: (.*)\" }",
            "`pattern`: {ip} must stand in it once, where the address stands",
            41,
        ),
        (
            "ipv4",
            "{ https = \"https://a.example\", pattern = \"a{ip}b{ip}\" }",
            "`pattern`: {ip} must stand in it once, where the address stands",
            41,
        ),
        (
            "ipv4",
            "{ dns = \"google\", bind_address = \"2001:db8::1\" }",
            "`bind_address`: 2001:db8::1 is no IPv4 address",
            33,
        ),
        (
            "ipv4",
            "{ stun = \"google\", bind_interface = \"eth0:1\" }",
            "`bind_interface`: \"eth0:1\" cannot be the name of an interface",
            36,
        ),
        (
            "ipv4",
            "{ dns = \"google\", stun = \"google\" }",
            "`dns` and `stun` are two sources, only one can be used",
            18,
        ),
        ("ipv4", "{ stun = \"google\", server = \"192.0.2.1\" }", "`server` is not a key of the source `stun`", 19),
    ];
    for (key, source, expected, column) in cases {
        let text = format!("[address.wan]\n{key} = {source}");
        assert_eq!(errors(&above_base(&text)), [format!("2:{}: {expected}", column + 8)], "{source}");
    }
}

#[test]
fn records_are_checked() {
    let record = |keys: &str| format!("[[record]]\naccount = \"base\"\n{keys}");
    let named = |keys: &str| record(&format!("name = \"a.example.org\"\n{keys}"));
    let cases = [
        (record(""), "1:1: the record has no `name`"),
        ("[[record]]\nname = \"a.example.org\"".to_owned(), "1:1: the record has no `account`"),
        (record("name = \"home\""), "3:8: `name`: \"home\" is one label, not a full name such as home.example.org"),
        (
            record("name = \"192.0.2.1\""),
            "3:8: `name`: \"192.0.2.1\" ends in a number, as addresses do and names do not",
        ),
        (record("name = \"a_b!.example.org\""), "3:8: `name`: a name cannot contain '!'"),
        (record("names = []"), "3:9: `names`: the list is empty"),
        (named("names = [\"b.example.org\"]"), "4:1: a record has either `name` or `names`, not both"),
        (named("ipv4 = false\nipv6 = \"off\""), "1:1: nothing would be published: `ipv4` and `ipv6` are both off"),
        (named("ttl = \"kep\""), "4:7: `ttl` expects a whole number from 0 to 2147483647 or \"keep\", found text"),
        (named("values = \"whole\""), "4:10: `values` is one of \"ours\", \"shared\" and \"all\", not \"whole\""),
        (
            named("absent = \"remove\"\nabsent_after = \"10s\""),
            "5:16: `absent_after`: the duration must be from 1m to 7d",
        ),
        (named("absent_after = \"10m\""), "4:1: `absent_after` has no effect without absent = \"remove\""),
        (named("private = \"true\""), "4:11: `private` expects true or false, found text"),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(&above_base(&text)), [expected], "{text}");
    }
}

#[test]
fn a_ttl_that_the_service_is_known_to_refuse_is_told_where_it_stands() {
    let rack = "[account.a]\nprovider = \"rackspace\"\nusername = \"me\"\napi_key = { file = \"/k\" }\n";
    let pocket = "[account.a]\nprovider = \"pocketdns\"\ndomain_id = \"dom_1\"\napi_key = { file = \"/k\" }\n";
    let told = |text: String| match Config::load(&file(&text)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(|problem| problem.to_string()).collect(),
    };
    for (account, record, default, expected) in [
        (rack, "ttl = 299\n", "", Some("8:7: a TTL of 299 seconds is refused by rackspace, which takes 300 or more")),
        (rack, "", "ttl = 60\n", Some("refused by rackspace")),
        (rack, "ttl = 300\n", "ttl = 60\n", None),
        (rack, "ttl = \"keep\"\n", "ttl = 60\n", None),
        (rack, "", "", None),
        (pocket, "ttl = 59\n", "", Some("refused by pocketdns, which takes 60 to 86400")),
        (pocket, "ttl = 86401\n", "", Some("refused by pocketdns")),
        (pocket, "ttl = 60\n", "", None),
    ] {
        let told = told(format!("{account}{}{record}[defaults]\n{default}", RECORD));
        match expected {
            None => assert_eq!(told, Vec::<String>::new()),
            Some(expected) => assert!(told.len() == 1 && told[0].contains(expected), "{told:?}"),
        }
    }
}

#[test]
fn a_name_that_the_service_cannot_hold_is_told_where_it_stands() {
    let account = |provider: &str| format!("[account.a]\nprovider = \"{provider}\"\n");
    let luna = account("lunanode") + "api_id = \"abcdefghijklmnop\"\napi_key = { file = \"/k\" }\n";
    let pocket = account("pocketdns") + "domain_id = \"dom_1\"\napi_key = { file = \"/k\" }\n";
    let yandex = account("yandex") + "token = { file = \"/k\" }\ndomains = [\"example.org\"]\n";
    let zonefile = account("zonefile") + "path = \"/z\"\nzone = \"example.org\"\n\n";
    let record = |name: &str, more: &str| format!("[[record]]\nname = \"{name}\"\naccount = \"a\"\n{more}");
    let both = record("home.lndyn.com", "ipv6 = \"off\"\n") + &record("home.lndyn.com", "ipv4 = \"off\"\n");
    for (text, severity, expected) in [
        (
            luna.clone() + &record("a.b.lndyn.com", ""),
            Severity::Error,
            "6:8: names under lndyn.com have exactly one label",
        ),
        (luna.clone() + &record("lndyn.com", ""), Severity::Error, "6:8: names under lndyn.com have exactly one label"),
        (luna.clone() + &record("home.lndyn.com", ""), Severity::Warning, "6:8: home.lndyn.com holds one address"),
        (luna.clone() + &both, Severity::Warning, "6:8: home.lndyn.com holds one address"),
        (
            luna.clone() + &record("home.lndyn.com", "ipv4 = \"off\"\n"),
            Severity::Warning,
            "6:8: LunaNode does not document IPv6 addresses",
        ),
        (
            pocket + &record("*.example.org", ""),
            Severity::Error,
            "6:8: *.example.org: PocketDNS documents no names with",
        ),
        (yandex + &record("a.example.net", ""), Severity::Error, "6:8: a.example.net does not lie in example.org"),
        (zonefile + &record("example.net", ""), Severity::Error, "7:8: example.net does not lie in example.org"),
    ] {
        let problems = match Config::load(&file(&text)) {
            Ok(config) => config.warnings,
            Err(errors) => errors.0,
        };
        let mut problems: Vec<Problem> = problems;
        problems.retain(|problem| !problem.message.contains("no more"));
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].contains(expected), "{text}: {said:?}");
        assert_eq!(problems[0].severity, severity, "{said:?}");
    }
    let plain = record("home.lndyn.com", "ipv6 = \"off\"\n") + &record("a.b.example.org", "");
    let config = Config::load(&file(&(luna + &plain))).unwrap();
    assert_eq!(config.warnings, Vec::new());
}

/// A record of the account `a`, to be continued.
const RECORD: &str = "[[record]]\nname = \"a.example.org\"\naccount = \"a\"\n";
