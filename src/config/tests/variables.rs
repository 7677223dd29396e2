//! Configuration from the environment: the same keys, and errors that name the variable.

use super::*;

const SAME: &str = r#"
[account.home]
provider = "sample"
token_file = "/run/token"
number = 7
flag = true
texts = ["a", "b"]
command = ["/bin/x", "y"]
duration = "5m"
nameservers = ["192.0.2.53", "[::1]:53"]
verify = false
[address.wan]
ipv4 = { quorum = 1, of = ["https", "interface"] }
ipv6 = { interface = "eth0", temporary = true }
[defaults]
ttl = 60
check = "1m"
[log]
level = "warn"
[[record]]
names = ["a.example.org", "b.example.org"]
account = "home"
address = "wan"
ttl = "keep"
[[record]]
name = "c.example.org"
account = "home"
ipv6 = false
private = true
"#;

const SAME_IN_VARIABLES: &[(&str, &str)] = &[
    ("DRIFTLESS__ACCOUNT__HOME__PROVIDER", "sample"),
    ("DRIFTLESS__ACCOUNT__HOME__TOKEN_FILE", "/run/token"),
    ("DRIFTLESS__ACCOUNT__HOME__NUMBER", "7"),
    ("DRIFTLESS__ACCOUNT__HOME__FLAG", "true"),
    ("DRIFTLESS__ACCOUNT__HOME__TEXTS", "a, b"),
    ("DRIFTLESS__ACCOUNT__HOME__COMMAND", "/bin/x,y"),
    ("DRIFTLESS__ACCOUNT__HOME__DURATION", "5m"),
    ("DRIFTLESS__ACCOUNT__HOME__NAMESERVERS", "192.0.2.53,[::1]:53"),
    ("DRIFTLESS__ACCOUNT__HOME__VERIFY", "false"),
    ("DRIFTLESS__ADDRESS__WAN__IPV4__QUORUM", "1"),
    ("DRIFTLESS__ADDRESS__WAN__IPV4__OF", "https,interface"),
    ("DRIFTLESS__ADDRESS__WAN__IPV6__INTERFACE", "eth0"),
    ("DRIFTLESS__ADDRESS__WAN__IPV6__TEMPORARY", "true"),
    ("DRIFTLESS__DEFAULTS__TTL", "60"),
    ("DRIFTLESS__DEFAULTS__CHECK", "1m"),
    ("DRIFTLESS__LOG__LEVEL", "warn"),
    ("DRIFTLESS__RECORD__10__ACCOUNT", "home"),
    ("DRIFTLESS__RECORD__10__IPV6", "false"),
    ("DRIFTLESS__RECORD__10__NAME", "c.example.org"),
    ("DRIFTLESS__RECORD__10__PRIVATE", "true"),
    ("DRIFTLESS__RECORD__2__ACCOUNT", "home"),
    ("DRIFTLESS__RECORD__2__ADDRESS", "wan"),
    ("DRIFTLESS__RECORD__2__NAMES", "a.example.org,b.example.org"),
    ("DRIFTLESS__RECORD__2__TTL", "keep"),
];

/// All that was meant, without the places it was typed at.
fn meaning(mut config: Config) -> String {
    config.records.iter_mut().for_each(|record| record.place = None);
    let settings: Vec<_> = config.accounts.values().map(|account| account.settings.clone()).collect();
    format!("{config:#?}\n{settings:#?}")
}

#[test]
fn variables_mean_the_same_as_a_file() {
    let from_file = meaning(loaded(&file(SAME)));
    assert_eq!(meaning(loaded(&variables(SAME_IN_VARIABLES))), from_file);
    assert_eq!(meaning(loaded(&variables(&[("DRIFTLESS_CONFIG_TOML", SAME)]))), from_file);
}

#[test]
fn variables_override_the_file_and_add_records() {
    let text = BASE.replace("base", "My-Base");
    let mut input = variables(&[
        ("DRIFTLESS_CONFIG_TOML", "[defaults]\ncheck = \"2m\"\nttl = 50"),
        ("DRIFTLESS__ACCOUNT__MY_BASE__TOKEN__ENV", "T"),
        ("DRIFTLESS__DEFAULTS__TTL", "70"),
        ("DRIFTLESS__RECORD__1__NAME", "more.example.org"),
        ("DRIFTLESS__RECORD__1__ACCOUNT", "My-Base"),
        ("T", "hunter2"),
    ]);
    input.files = file(&format!("{text}[defaults]\ncheck = \"1m\"\nttl = 30")).files;
    let config = loaded(&input);
    assert_eq!(config.warnings, []);
    assert_eq!(config.accounts.keys().collect::<Vec<_>>(), ["My-Base"]);
    assert!(config.accounts["My-Base"].settings.secret("token").unwrap().path().is_none());
    assert_eq!(config.defaults.check.as_secs(), 120);
    assert_eq!(format!("{:?}", config.defaults.ttl), "Set(Ttl(70))");
    assert_eq!(config.records.len(), 2);
}

#[test]
fn a_secret_s_file_from_a_variable_overrides_the_file_s_secret() {
    let mut input = variables(&[("DRIFTLESS__ACCOUNT__BASE__TOKEN_FILE", "/run/secrets/token")]);
    input.files = file(BASE).files;
    let settings = loaded(&input).accounts["base"].settings.clone();
    assert_eq!(settings.secret("token").unwrap().path().unwrap().to_str(), Some("/run/secrets/token"));
}

#[test]
fn errors_name_the_variable() {
    let cases = [
        (
            "DRIFTLESS__DEFAULTS__TTL",
            "soon",
            "`ttl` expects a whole number from 0 to 2147483647 or \"keep\", found other text",
        ),
        ("DRIFTLESS__DEFAULTS__TTL", "-1", "`ttl`: the number must be from 0 to 2147483647"),
        ("DRIFTLESS__DEFAULTS__CHEK", "5m", "`chek` is not a key of [defaults]"),
        ("DRIFTLESS__DEFAULTS", "5m", "`defaults` is a table: it starts with [defaults]"),
        ("DRIFTLESS__ACCOUNT__BASE__FLAG", "yes", "`flag` expects true or false, found other text"),
        ("DRIFTLESS__ACCOUNT__BASE__TEXTS", "a,,b", "`texts`: the text is empty"),
        ("DRIFTLESS__ACCOUNT__BASE__TEXTS", "", "`texts`: the list is empty"),
        ("DRIFTLESS__ACCOUNT__BASE__TOKEN", "", "`token`: this is no secret: it is empty"),
        ("DRIFTLESS__ACCOUNT____TOKEN", "x", "a level of the key is empty"),
        ("DRIFTLESS__", "x", "a level of the key is empty"),
        ("DRIFTLESS__A__B__C__D__E__F__G", "x", "the key has 7 levels, at most 6 are known"),
        ("DRIFTLESS__RECORD__ONE__NAME", "x.example.org", "records are numbered, \"one\" is no number"),
        ("DRIFTLESS__RECORD__1", "x", "`record` is a list of tables: each starts with [[record]]"),
        ("DRIFTLESS__RECORD", "x", "`record` is a list of tables: each starts with [[record]]"),
    ];
    for (name, content, expected) in cases {
        let mut input = variables(&[(name, content)]);
        input.files = file(BASE).files;
        assert_eq!(errors(&input), [format!("${name}: {expected}")]);
    }
}

#[test]
fn levels_that_clash_are_noted() {
    let name = "DRIFTLESS__ACCOUNT__BASE__TOKEN__FILE";
    let mut input = variables(&[("DRIFTLESS__ACCOUNT__BASE__TOKEN", "x"), (name, "/t")]);
    input.files = file(BASE).files;
    let clash = "another variable gives a value where this one goes on with further levels, or the other way round";
    assert_eq!(errors(&input), [format!("${name}: {clash}")]);
    let mut input =
        variables(&[("DRIFTLESS__ACCOUNT__BASE__TOKEN", "x"), ("DRIFTLESS__ACCOUNT__BASE__TOKEN_FILE", "/t")]);
    input.files = file(BASE).files;
    let twice = "$DRIFTLESS__ACCOUNT__BASE__TOKEN_FILE: the secret is given twice, by `token` and `token_file`";
    assert_eq!(errors(&input), [twice]);
}

#[test]
fn a_whole_file_in_a_variable_has_lines() {
    let input = variables(&[("DRIFTLESS_CONFIG_TOML", "[defaults]\nttl = true")]);
    let expected =
        "$DRIFTLESS_CONFIG_TOML:2:7: `ttl` expects a whole number from 0 to 2147483647 or \"keep\", found true";
    assert_eq!(errors(&input), [expected]);
}

#[test]
fn a_single_underscore_too_few_is_a_warning() {
    let mut input = variables(&[("DRIFTLESS_RECORD__1__NAME", "a.example.org"), ("DRIFTLESS_PORT", "tcp://192.0.2.1")]);
    input.files = file(BASE).files;
    assert_eq!(warnings(&loaded(&input)), ["$DRIFTLESS_RECORD__1__NAME: this variable is not used"]);
}

#[test]
fn the_service_manager_s_state_folder_is_the_default() {
    let mut input = variables(&[("STATE_DIRECTORY", "/var/lib/private/driftless:/var/lib/other")]);
    input.files = file(BASE).files;
    let config = loaded(&input);
    assert_eq!(config.state_dir.to_str(), Some("/var/lib/private/driftless"));
    assert_eq!(config.socket.to_str(), Some("/var/lib/private/driftless/driftless.sock"));
    input.files = file(&format!("state_dir = \"/srv/d\"\nsocket = \"/run/d.sock\"\n{BASE}")).files;
    let config = loaded(&input);
    assert_eq!((config.state_dir.to_str(), config.socket.to_str()), (Some("/srv/d"), Some("/run/d.sock")));
}

#[test]
fn the_socket_is_in_the_service_manager_s_folder_for_it_unless_the_state_is_elsewhere() {
    let socket = |text: &str, folder: &str| {
        let mut input = variables(&[("RUNTIME_DIRECTORY", folder), ("STATE_DIRECTORY", "/var/lib/driftless")]);
        input.files = file(&format!("{text}{BASE}")).files;
        loaded(&input).socket.to_str().unwrap().to_owned()
    };
    assert_eq!(socket("", "/run/driftless:/run/other"), "/run/driftless/driftless.sock");
    assert_eq!(socket("", "not/absolute"), "/var/lib/driftless/driftless.sock");
    // Two daemons on one machine are told apart by their state.
    assert_eq!(socket("state_dir = \"/srv/d\"\n", "/run/driftless"), "/srv/d/driftless.sock");
    assert_eq!(socket("socket = \"/srv/s\"\n", "/run/driftless"), "/srv/s");
}
