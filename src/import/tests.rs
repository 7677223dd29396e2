//! Tests of what all importers share.

use proptest::prelude::*;

use super::*;

fn imported(tool: Tool, text: &str) -> Imported {
    import(tool, text, "file", Path::new("/etc/driftless/secrets")).unwrap()
}

#[test]
fn a_file_is_known_by_what_is_in_it_whatever_it_is_called() {
    for (tool, text) in [
        (Tool::CloudflareDdns, "# mine\nexport CLOUDFLARE_API_TOKEN=x\nDOMAINS=example.org\n"),
        (Tool::CloudflareDdns, "services:\n  ddns:\n    image: favonia/cloudflare-ddns:1\n"),
        (Tool::Ddclient, "# a comment\nprotocol = dyndns2\n"),
        (Tool::Ddclient, "use=web\n"),
        (Tool::DdnsGo, "dnsconf:\n    - name: \"\"\n"),
        (Tool::DdnsGo, "ipv4:\n  enable: true\ndns:\n  name: alidns\n"),
        (Tool::DdnsUpdater, "{ \"settings\": [] }"),
        (Tool::Inadyn, "period = 300\nprovider default@noip.com {\n"),
        (Tool::Openwrt, "\nconfig service 'wan'\n"),
    ] {
        assert_eq!(Tool::of(Path::new("/tmp/some"), text), Some(tool), "{text}");
    }
    for (tool, name) in [(Tool::Ddclient, "ddclient.conf.dpkg-old"), (Tool::DdnsGo, ".ddns_go_config.yaml")] {
        assert_eq!(Tool::of(Path::new(name), "# nothing\n"), Some(tool));
    }
    assert_eq!(Tool::of(Path::new("notes.txt"), "hello\n"), None);
}

#[test]
fn what_our_own_reading_refuses_becomes_a_comment_and_the_rest_is_kept() {
    let text = "login=me\npassword=hunter2\nserver=ddns.example.net\nuse=web\n\
                home.example.org\nbare\nlogin=a:b other.example.org\nuse=if, if=an-interface-of-that-length wide.example.org\n";
    let done = imported(Tool::Ddclient, text);
    assert_eq!((done.accounts, done.names, done.waiting), (1, 1, 3), "{}", done.text);
    for name in ["bare", "other.example.org", "wide.example.org"] {
        assert!(done.text.contains(&format!("\n#name = \"{name}\"\n")), "{name}: {}", done.text);
        assert!(done.left.iter().any(|left| left.did.contains(name)), "{name}: {:?}", done.left);
    }
}

#[test]
fn nothing_that_is_typed_there_can_become_a_key_here() {
    let evil = "x\\u000a[account.evil]\\u000aprovider = 1\\u000a#";
    let text = format!(
        "{{\"settings\": [{{\"provider\": \"{evil}\", \"domain\": \"{evil}.org\"}}, {{\"provider\": \"noip\", \"domain\": \"a.example.org\", \"username\": \"{evil}\", \"password\": \"p\"}}]}}"
    );
    let done = import(Tool::DdnsUpdater, &text, "a\nfile", Path::new("/secrets\n[account.other]")).unwrap();
    assert!(
        !done.text.lines().any(|line| line.starts_with("[account.evil")
            || line.starts_with("[account.other")
            || line.starts_with("provider = 1")),
        "{}",
        done.text
    );
}

#[test]
fn accounts_with_one_login_are_one_and_others_get_a_number() {
    let entry =
        |name: &str, user: &str| format!("protocol=noip, login={user}, password=p, use=web {name}.example.org\n");
    let done = imported(Tool::Ddclient, &[entry("a", "me"), entry("b", "me"), entry("c", "you")].concat());
    assert_eq!((done.accounts, done.names, done.secrets.len()), (2, 3, 2), "{}", done.text);
    assert!(done.text.contains("names = [\"a.example.org\", \"b.example.org\"]"), "{}", done.text);
    assert!(done.text.contains("[account.noip-2]"), "{}", done.text);
}

/// Pieces of which such files are made, and some that do not belong.
const PIECES: &[&str] = &[
    "\n",
    "\n\t",
    " ",
    ", ",
    "=",
    "= {",
    " }",
    "{",
    "[",
    "]",
    ":",
    ": ",
    "\"",
    "'",
    "\\",
    " \\\n",
    "#",
    "# a\n",
    "@",
    "%h",
    "é",
    "\u{1}",
    "- ",
    "use=web",
    "usev4=if",
    "if",
    "password=p",
    "password_env=P",
    "login=me",
    "server=",
    "protocol=",
    "noip",
    "custom x",
    "provider he.net {",
    "hostname",
    "username",
    "password",
    "ddns-server",
    "ddns-path",
    "config service 'x'\n",
    "option ",
    "enabled '1'\n",
    "service_name",
    "update_url",
    "dnsconf:\n",
    "  - ",
    "ipv4:",
    "domains:",
    "enable: true",
    "\"settings\": [",
    "\"provider\": \"noip\"",
    "\"domain\": \"a.example.org\"",
    "DOMAINS=",
    "IP4_PROVIDER=",
    "home.example.org",
    "*.example.org",
    "a..b",
    "x",
    "http://u:p@h/?hostname=[DOMAIN]&myip=[IP]",
    "192.0.2.1",
    "300",
    "99999999999999999999",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_in_a_file_what_is_written_can_be_read(
        tool in prop::sample::select(Tool::ALL.to_vec()),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40),
    ) {
        if let Ok(done) = import(tool, &pieces.concat(), "file", Path::new("/etc/driftless/secrets")) {
            let files = vec![(PathBuf::from("driftless.toml"), done.text.clone())];
            let variables = done.variables.iter().map(|name| (name.clone(), "secret".to_owned())).collect();
            let input = Input { files, variables, ..Input::default() };
            let config = Config::load(&input);
            prop_assert!(config.is_ok(), "{:?}\n{}", config.err(), done.text);
        }
    }
}
