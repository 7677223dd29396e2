//! Right files: what was meant by them.

use std::time::Duration;

use super::*;
use crate::detect::echoes::Protocol;
use crate::detect::protocol;
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl};
use crate::net::dns::whoami::{Form, Question};
use crate::net::server::Server;
use crate::net::stun::Transport;
use crate::net::via::Via;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn set(seconds: u32) -> TtlPolicy {
    TtlPolicy::Set(Ttl::new(seconds).unwrap())
}

/// The sources of an address table `[address.wan]` with these keys.
fn address(keys: &str) -> Address {
    // With `private`, so that sources of private addresses can be read, too.
    let text = format!("{BASE}private = true\naddress = \"wan\"\n[address.wan]\n{keys}");
    loaded(&file(&text)).addresses["wan"].clone()
}

#[test]
fn a_ttl_that_is_legal_and_too_short_is_a_warning() {
    let ttl = |ttl: u32| {
        let config = loaded(&above_base(&format!("[defaults]\nttl = {ttl}")));
        (format!("{:?}", config.defaults.ttl), warnings(&config))
    };
    let says = |ttl| {
        format!("2:7: `ttl`: {ttl} s is so short that hardly anyone keeps the answer, and many services refuse it")
    };
    assert_eq!(ttl(0), ("Set(Ttl(0))".into(), vec![says(0)]));
    assert_eq!(ttl(29).1, [says(29)]);
    assert_eq!(ttl(30), ("Set(Ttl(30))".into(), vec![]));
}

#[test]
fn the_smallest_file_needs_no_more() {
    let config = loaded(&file(BASE));
    assert_eq!(config.warnings, []);
    assert_eq!(config.accounts.len(), 1);
    let account = &config.accounts["base"];
    assert_eq!((account.entry.name, account.verify, account.nameservers.len()), ("sample", true, 0));
    assert_eq!(account.settings.secret("token").unwrap().path().unwrap().to_str(), Some("/run/token"));
    let [record] = config.records.as_slice() else { panic!("{:?}", config.records) };
    assert_eq!(
        (record.name.as_str(), record.account.as_str(), record.address.as_str()),
        ("base.example.org", "base", "default")
    );
    assert_eq!((&record.ipv4, &record.ipv6), (&Source::Auto, &Source::Auto));
    assert_eq!(
        (record.ttl, record.values, record.private || record.vpn, record.absent),
        (TtlPolicy::Keep, Values::Ours, false, Absent::Keep)
    );
    assert_eq!(record.types().collect::<Vec<_>>(), [RecordType::A, RecordType::Aaaa]);
    assert_eq!(record.place.as_ref().unwrap().to_string(), "d.toml:6:8");
    assert_eq!(config.defaults, Defaults::default());
    assert_eq!(
        (config.defaults.check, config.defaults.verify, config.defaults.echo_interval),
        (minutes(5), minutes(360), minutes(10))
    );
    assert_eq!(config.log, Log { level: LogLevel::Info, format: LogFormat::Text });
    assert_eq!(config.state_dir.to_str(), Some("/var/lib/driftless"));
    assert_eq!(config.socket.to_str(), Some("/var/lib/driftless/driftless.sock"));
}

#[test]
fn without_a_configuration_the_smallest_file_is_shown() {
    for input in [Input::default(), file("# nothing yet\n"), variables(&[("HOME", "/root")])] {
        let errors = load(&input).unwrap_err();
        let shown = errors.render(false);
        assert!(errors.is_nothing() && shown.starts_with("error: there is no configuration"), "{shown}");
        let file = input.files.first().map_or(DEFAULT_FILE, |_| "d.toml");
        assert!(shown.contains(&format!("write {file}, or ")), "{shown}");
        assert_eq!(shown.contains("--> d.toml"), file == "d.toml", "{shown}");
        for line in SMALLEST.lines() {
            assert!(shown.contains(line), "{line:?} in {shown}");
        }
    }
}

#[test]
fn every_kind_of_setting_is_read() {
    let keys = r#"
        [account.a]
        provider = "sample"
        token_file = "/t"
        verify = false
        nameservers = ["192.0.2.53", "127.0.0.1:5301", "::1", "[::1]:5353"]
        choice = "green"
        command = ["/usr/sbin/rndc", "reload"]
        duration = "1h 30m"
        flag = true
        number = 0x14
        path = "/var/lib/zone"
        text = "a b"
        texts = ["a", "b"]
        url = "https://example.org/api"
        zone = "Example.ORG."
    "#;
    let config = loaded(&file(keys));
    let account = &config.accounts["a"];
    let settings = &account.settings;
    assert_eq!(settings.account, "a");
    assert_eq!(settings.text("choice"), Some("green"));
    assert_eq!(settings.texts("command").unwrap(), ["/usr/sbin/rndc", "reload"]);
    assert_eq!(settings.duration("duration"), Some(minutes(90)));
    assert_eq!(settings.flag("flag"), Some(true));
    assert_eq!(settings.number("number"), Some(20));
    assert_eq!(settings.path("path").unwrap().to_str(), Some("/var/lib/zone"));
    assert_eq!(settings.text("text"), Some("a b"));
    assert_eq!(settings.texts("texts").unwrap(), ["a", "b"]);
    assert_eq!(settings.url("url").unwrap().as_str(), "https://example.org/api");
    assert_eq!(settings.domain("zone").unwrap().as_str(), "example.org");
    assert!(!account.verify);
    let servers: Vec<String> = account.nameservers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["192.0.2.53:53", "127.0.0.1:5301", "[::1]:53", "[::1]:5353"]);
    assert_eq!(warnings(&config), ["there is no [[record]]: nothing is published"]);
}

#[test]
fn every_source_is_read() {
    let words = address("ipv4 = \"off\"\nipv6 = \"interface\"");
    assert_eq!((words.ipv4, words.ipv6), (Source::Off, Source::Interface(InterfaceSource::default())));
    let words = address("ipv4 = \"https\"\nipv6 = \"auto\"");
    assert_eq!((words.ipv4, words.ipv6), (Source::BuiltIn(BuiltIn::all(Protocol::Https)), Source::Auto));
    let words = address("ipv4 = \"dns\"\nipv6 = \"stun\"");
    assert_eq!(words.ipv4, Source::BuiltIn(BuiltIn::all(Protocol::Dns)));
    assert_eq!(words.ipv6, Source::BuiltIn(BuiltIn::all(Protocol::Stun)));
    let fixed = address("ipv4 = \"9.9.9.9\"\nipv6 = { fixed = [\"2620:fe::9\", \"2620:fe::fe\"] }");
    assert_eq!(fixed.ipv4, Source::Fixed(vec!["9.9.9.9".parse().unwrap()]));
    assert_eq!(fixed.ipv6, Source::Fixed(vec!["2620:fe::9".parse().unwrap(), "2620:fe::fe".parse().unwrap()]));
    let named = address(
        "ipv4 = { interface = \"default\", private = true }\n\
         ipv6 = { interface = \"eth0\", temporary = true, all = true }",
    );
    let of_route = InterfaceSource { private: true, ..InterfaceSource::default() };
    let of_eth0 =
        InterfaceSource { name: Some("eth0".into()), temporary: true, all: true, ..InterfaceSource::default() };
    assert_eq!((named.ipv4, named.ipv6), (Source::Interface(of_route), Source::Interface(of_eth0)));
    let asked = address("ipv4 = { command = [\"/bin/ip4\", \"-x\"], timeout = \"5s\" }\nipv6 = { file = \"/run/ip\" }");
    let argv = vec!["/bin/ip4".to_owned(), "-x".to_owned()];
    assert_eq!(asked.ipv4, Source::Command { argv, timeout: Duration::from_secs(5) });
    assert_eq!(asked.ipv6, Source::File { path: "/run/ip".into() });
}

#[test]
fn a_router_is_asked_in_every_way_that_is_not_left_out() {
    assert_eq!(address("ipv4 = \"router\"").ipv4, Source::Router(RouterSource::default()));
    let same = "ipv4 = { router = \"default\", via = [\"pcp\", \"natpmp\", \"upnp\"] }";
    assert_eq!(address(same).ipv4, Source::Router(RouterSource::default()), "their order means nothing");
    let named = address("ipv4 = { router = \"192.168.1.1\", via = [\"upnp\"], bind_interface = \"eth0\" }");
    let via = Via { interface: Some("eth0".into()), address: None };
    let protocols = vec![protocol::Protocol::Upnp];
    let at = Some([192, 168, 1, 1].into());
    assert_eq!(named.ipv4, Source::Router(RouterSource { router: at, via, protocols }));
}

#[test]
fn echo_services_have_five_formats() {
    let via = Via::default();
    let echo = |url: &str, format| {
        let url: reqwest::Url = url.parse().unwrap();
        let whose = Whose::host(url.host_str().unwrap().trim_matches(['[', ']']));
        Source::Https(HttpsSource { url, format, via: via.clone(), whose })
    };
    let both =
        address("ipv4 = { https = \"https://a.example/\" }\nipv6 = { https = \"http://[::1]:8080/\", key = \"ip\" }");
    assert_eq!(both.ipv4, echo("https://a.example/", EchoFormat::Plain));
    assert_eq!(both.ipv6, echo("http://[::1]:8080/", EchoFormat::KeyValue("ip".into())));
    let json = address("ipv4 = { https = \"http://127.0.0.1/x\", json = \"/a/ip\" }");
    assert_eq!(json.ipv4, echo("http://127.0.0.1/x", EchoFormat::Json("/a/ip".into())));
    assert_eq!(json.ipv6, Source::Auto);
    let other = address(
        "ipv4 = { https = \"https://a.example/\", header = \"X-Client-IP\" }\n\
         ipv6 = { https = \"https://a.example/\", pattern = \"<b>Address: {ip}</b>\" }",
    );
    assert_eq!(other.ipv4, echo("https://a.example/", EchoFormat::Header("x-client-ip".parse().unwrap())));
    let between = EchoFormat::Between("<b>Address: ".into(), "</b>".into());
    assert_eq!(other.ipv6, echo("https://a.example/", between));
}

#[test]
fn built_in_services_have_names_and_a_way_out() {
    let read = address(
        "ipv4 = { first_of = [{ dns = \"opendns\" }, { https = \"ident.me\", bind_interface = \"ppp0\" }, \
         { stun = \"google\", bind_address = \"192.0.2.7\" }] }\nipv6 = { https = \"pool\", bind_interface = \"eth1\" }",
    );
    let by = |interface: &str| Via { interface: Some(interface.into()), address: None };
    let from = Via { interface: None, address: Some("192.0.2.7".parse().unwrap()) };
    let of = |protocol, name, via| Source::BuiltIn(BuiltIn { protocol, name, via });
    let expected = vec![
        of(Protocol::Dns, Some("opendns"), Via::default()),
        of(Protocol::Https, Some("ident.me"), by("ppp0")),
        of(Protocol::Stun, Some("google"), from),
    ];
    assert_eq!(read.ipv4, Source::FirstOf(expected));
    assert_eq!(read.ipv6, of(Protocol::Https, None, by("eth1")));
}

#[test]
fn a_name_in_dns_has_its_servers_and_its_form() {
    let dns = |name: &str, form, authority, servers: &[&str]| {
        let question = Question { name: Name::parse(name).unwrap(), form, authority };
        let servers: Vec<Server> = servers.iter().map(|server| Server::parse(server, 53).unwrap()).collect();
        let whose = Whose::host(&servers[0].host());
        Source::Dns(DnsSource { question, servers, via: Via::default(), whose })
    };
    let read = address(
        "ipv4 = { dns = \"whoami.example.net\", server = \"192.0.2.53\" }\n\
         ipv6 = { dns = \"me.example.net\", server = [\"ns.example.net:5353\", \"2001:db8::53\"], type = \"TXT\", \
         class = \"CH\", authoritative = false }",
    );
    assert_eq!(read.ipv4, dns("whoami.example.net", Form::Address, true, &["192.0.2.53"]));
    let servers = ["ns.example.net:5353", "2001:db8::53"];
    assert_eq!(read.ipv6, dns("me.example.net", Form::Chaos, false, &servers));
    let text = address("ipv4 = { dns = \"me.example.net\", server = \"192.0.2.53\", type = \"TXT\" }");
    assert_eq!(text.ipv4, dns("me.example.net", Form::Text, true, &["192.0.2.53"]));
}

#[test]
fn a_stun_server_is_asked_by_udp_or_tcp() {
    let stun = |server: &str, transport| {
        let server = Server::parse(server, 3478).unwrap();
        let whose = Whose::host(&server.host());
        Source::Stun(StunSource { server, transport, via: Via::default(), whose })
    };
    let read = address(
        "ipv4 = { stun = \"stun.example.net\" }\nipv6 = { stun = \"[2001:db8::1]:5000\", transport = \"tcp\" }",
    );
    assert_eq!(read.ipv4, stun("stun.example.net:3478", Transport::Udp));
    assert_eq!(read.ipv6, stun("[2001:db8::1]:5000", Transport::Tcp));
    let known = address("ipv4 = { stun = \"cloudflare\", transport = \"tcp\" }");
    assert_eq!(known.ipv4, stun("stun.cloudflare.com", Transport::Tcp));
}

#[test]
fn several_sources_are_asked_in_order_or_must_agree() {
    let keys = "ipv4 = { quorum = 2, of = [\"https\", { file = \"/run/ip\" }, \
                { first_of = [\"interface\", \"9.9.9.9\"] }] }";
    let first = Source::FirstOf(vec![
        Source::Interface(InterfaceSource::default()),
        Source::Fixed(vec!["9.9.9.9".parse().unwrap()]),
    ]);
    let of = vec![Source::BuiltIn(BuiltIn::all(Protocol::Https)), Source::File { path: "/run/ip".into() }, first];
    assert_eq!(address(keys).ipv4, Source::Quorum { need: 2, of });
}

#[test]
fn a_server_of_ones_own_has_an_operator_and_may_be_trusted() {
    let whose = |source: &str| match address(&format!("ipv4 = {source}")).ipv4 {
        Source::Https(HttpsSource { whose, .. }) | Source::Dns(DnsSource { whose, .. }) => whose,
        Source::Stun(StunSource { whose, .. }) => whose,
        other => panic!("{other:?}"),
    };
    let host = whose("{ https = \"https://Echo.Example.net:444/ip\" }");
    assert_eq!((host.operator.as_str(), host.is_typed, host.trusted), ("example.net", false, false));
    assert_eq!(whose("{ https = \"https://[2001:db8::1]/\" }").operator, "2001:db8::1");
    assert_eq!(whose("{ https = \"https://api.ipify.org/\" }").operator, "ipify", "though typed as one's own");
    assert_eq!(whose("{ stun = \"cloudflare\", transport = \"tcp\" }").operator, "Cloudflare");
    let dns = whose("{ dns = \"me.example.net\", server = [\"ns.example.net:5353\", \"192.0.2.53\"], trusted = true }");
    assert_eq!((dns.operator.as_str(), dns.trusted), ("example.net", true));
    let typed = whose("{ stun = \"stun.example.net\", operator = \"Me\", trusted = false }");
    assert_eq!((typed.operator.as_str(), typed.is_typed, typed.trusted), ("Me", true, false));
}

#[test]
fn sources_of_two_operators_or_two_protocols_can_agree() {
    for of in [
        "{ https = \"https://a.example/\" }, { https = \"https://b.example/\" }",
        "{ dns = \"me.example.net\", server = \"192.0.2.1\" }, { stun = \"192.0.2.1\" }",
        "{ https = \"https://a.example/1\" }, { https = \"https://a.example/2\", operator = \"somebody else\" }",
        "\"router\", { https = \"ipify\" }",
        "{ file = \"/a\" }, { file = \"/b\" }",
    ] {
        assert!(matches!(
            address(&format!("ipv4 = {{ quorum = 2, of = [{of}] }}")).ipv4,
            Source::Quorum { need: 2, .. }
        ));
    }
}

#[test]
fn a_record_overrides_its_address_and_the_defaults() {
    let text = format!(
        "{BASE}
        [defaults]
        ttl = \"keep\"
        check = \"30s\"
        [address.default]
        ipv6 = false
        [address.wan]
        ipv4 = \"interface\"
        [[record]]
        names = [\"A.example.org.\", \"*.b.example.org\", \"bücher.example.org\"]
        account = \"base\"
        address = \"wan\"
        ipv6 = \"2001:db8::1\"
        ttl = 60
        values = \"all\"
        private = true
        vpn = true
        absent = \"remove\"
        absent_after = \"1h\""
    );
    let config = loaded(&file(&text));
    assert_eq!(config.warnings, []);
    assert_eq!(config.defaults.check, Duration::from_secs(30));
    let [base, rest @ ..] = config.records.as_slice() else { panic!() };
    assert_eq!((&base.ipv4, &base.ipv6, base.ttl), (&Source::Auto, &Source::Off, TtlPolicy::Keep));
    assert_eq!(base.types().collect::<Vec<_>>(), [RecordType::A]);
    let names: Vec<&str> = rest.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["a.example.org", "*.b.example.org", "xn--bcher-kva.example.org"]);
    for record in rest {
        assert_eq!(record.ipv4, Source::Interface(InterfaceSource::default()));
        assert_eq!(record.ipv6, Source::Fixed(vec!["2001:db8::1".parse().unwrap()]));
        assert_eq!((record.ttl, record.values), (set(60), Values::Whole));
        assert!(record.private && record.vpn);
        assert_eq!(record.absent, Absent::Remove { after: minutes(60) });
    }
}

#[test]
fn a_name_may_be_declared_again_for_another_account_or_family() {
    let text = format!(
        "{BASE}ipv6 = false
        [[record]]
        name = \"base.example.org\"
        account = \"base\"
        ipv4 = false
        [[record]]
        name = \"base.example.org\"
        account = \"other\"
        [account.other]
        provider = \"sample\"
        token_file = \"/t\""
    );
    assert_eq!(loaded(&file(&text)).records.len(), 3);
}

#[test]
fn later_files_override_keys_and_add_records() {
    let main = format!("{BASE}[defaults]\nttl = 60\ncheck = \"1m\"");
    let later = "[defaults]\nttl = 120\n[account.base]\ntoken_file = \"/other\"\n\
                 [[record]]\nname = \"b.example.org\"\naccount = \"base\"";
    let config = loaded(&files(&[("d.toml", &main), ("conf.d/b.toml", later)]));
    assert_eq!((config.defaults.ttl, config.defaults.check), (set(120), minutes(1)));
    assert_eq!(config.accounts["base"].settings.secret("token").unwrap().path().unwrap().to_str(), Some("/other"));
    assert_eq!(config.records.len(), 2);
    assert_eq!(config.records[1].place.as_ref().unwrap().to_string(), "conf.d/b.toml:6:8");
}

#[test]
fn what_nothing_uses_is_a_warning() {
    let text = format!(
        "{BASE}[account.idle]\nprovider = \"sample\"\ntoken_file = \"/t\"\n\
         [address.lan]\n[log]\nlevel = \"debug\"\nformat = \"json\""
    );
    let config = loaded(&file(&text));
    assert_eq!(config.log, Log { level: LogLevel::Debug, format: LogFormat::Json });
    assert_eq!(
        warnings(&config),
        ["8:10: no record uses the account \"idle\"", "11:10: no record uses the address \"lan\""]
    );
}

#[test]
fn settings_that_do_not_fit_together_are_placed() {
    let account = |name: &str, text: &str| {
        format!("[account.{name}]\nprovider = \"sample\"\ntoken_file = \"/t\"\ntext = \"{text}\"\n")
    };
    let tools = Tools { http: Http::new(None) };
    let right = loaded(&file(&account("a", "fine")));
    assert_eq!(right.check_accounts(&tools).unwrap_or_else(|errors| panic!("{errors}")).len(), 1);
    let wrong = [account("a", "misfit"), account("b", "fine"), account("c", "nothing")].concat();
    let Err(errors) = loaded(&file(&wrong)).check_accounts(&tools) else { panic!("it does not fit") };
    assert_eq!(
        lines(errors.problems(), Severity::Error),
        [
            "4:8: the account \"a\" at sample: text: it does not fit the number",
            "9:10: the account \"c\" at sample: nothing fits"
        ]
    );
}
