//! What is shipped beside the program: units, lists of files, configurations and manifests that fit together.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a test finds programs where its environment says")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use driftless::config::keys::{self, Holds};
use driftless::notify;
use driftless::provider::REGISTRY;
use driftless::provider::setting::Kind;
use serde_json::Value as Json;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `driftless check` of a text: whether it is right, how many accounts and records it has, and what it says of it.
fn check(text: &str, variables: &[(&str, &str)]) -> Json {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("driftless.toml");
    fs::write(&path, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftless"));
    command.args(["check", "--json", "--config"]).arg(&path).env_clear().envs(variables.iter().copied());
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
}

/// The keys of `[Service]` that close a unit, each with its values.
fn closed(unit: &str) -> String {
    let text = read(&format!("systemd/{unit}"));
    let (_, rest) = text.split_once("\nAmbientCapabilities=").unwrap_or_else(|| panic!("{unit}"));
    rest.lines().take_while(|line| !line.starts_with("[Install]")).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[test]
fn every_unit_is_closed_in_the_same_way() {
    let daemon = closed("driftless.service");
    assert!(daemon.lines().count() > 35, "{daemon}");
    for unit in ["driftless@.service", "driftless-once.service"] {
        assert_eq!(closed(unit), daemon, "{unit}");
    }
}

#[test]
fn the_debian_package_has_what_every_package_has() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let packed: BTreeSet<[String; 3]> = deb["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| {
            let [from, to, mode] = [0, 1, 2].map(|at| text(&asset[at]));
            let from = match from.as_str() {
                "target/release/driftless" => "BINARY".to_owned(),
                "target/release/driftless-import" => "IMPORTER".to_owned(),
                _ => from,
            };
            [mode, from, format!("/{to}")]
        })
        .collect();
    let mut listed: BTreeSet<[String; 3]> = BTreeSet::new();
    for line in read("packaging/files").lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [which, mode, from, to] = words.as_slice() else { panic!("{line}") };
        assert!(["BINARY", "IMPORTER"].contains(from) || Path::new(from).is_file(), "{from}");
        let to = to.replace("PREFIX/", "/usr/").replace("UNITS/", "/usr/lib/systemd/system/");
        // Debian's zsh looks there for what packages bring.
        let to = to.replace("/zsh/site-functions/", "/zsh/vendor-completions/");
        if *which != "own" {
            listed.insert([(*mode).to_owned(), (*from).to_owned(), to]);
        }
    }
    listed.insert(["644", "packaging/debian/copyright", "/usr/share/doc/driftless/copyright"].map(str::to_owned));
    assert_eq!(packed, listed);
    assert_eq!(deb["conf-files"][0].as_str(), Some("/etc/driftless/driftless.toml"));
    let version = manifest["package"]["version"].as_str().unwrap();
    let newest = read("packaging/debian/changelog").lines().next().unwrap().to_owned();
    assert!(newest.starts_with(&format!("driftless ({version}-")), "{newest}");
}

#[test]
fn the_configuration_of_a_package_publishes_nothing_until_it_is_edited() {
    let text = read("packaging/driftless.toml");
    let as_it_comes = check(&text, &[]);
    assert_eq!(
        (&as_it_comes["ok"], &as_it_comes["accounts"], &as_it_comes["records"]),
        (&true.into(), &0.into(), &0.into())
    );
    let said = as_it_comes["problems"].to_string();
    assert!(said.contains("there is no [[record]]: nothing is published"), "{said}");
    // "#" without a space is to be taken away.
    let edited: Vec<&str> =
        text.lines().map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)).collect();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dyndns"), "secret").unwrap();
    let edited = check(&edited.join("\n"), &[("CREDENTIALS_DIRECTORY", dir.path().to_str().unwrap())]);
    assert_eq!(
        (&edited["ok"], &edited["accounts"], &edited["records"]),
        (&true.into(), &1.into(), &1.into()),
        "{edited}"
    );
}

/// A file of YAML as data.
#[cfg(feature = "clouds")]
fn yaml(path: &str) -> Json {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
#[cfg(feature = "clouds")]
fn the_compose_file_runs_the_image_without_any_right_and_its_variables_are_a_configuration() {
    let compose = yaml("packaging/oci/compose.yaml");
    let service = &compose["services"]["driftless"];
    assert_eq!((&service["read_only"], &service["user"]), (&true.into(), &"65532:65532".into()));
    assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]));
    let variables: Vec<(&str, &str)> = service["environment"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    // The page, for who wants it.
    let text = read("packaging/oci/compose.yaml");
    let more = text.lines().filter_map(|line| line.trim().strip_prefix('#')?.split_once(": "));
    let all: Vec<(&str, &str)> =
        variables.iter().copied().chain(more.filter(|(name, _)| name.starts_with("DRIFTLESS__"))).collect();
    assert_eq!((all.len(), &check("", &all)["ok"]), (variables.len() + 1, &true.into()));
    // The secret is mounted as it lies there.
    assert!(text.contains(&format!("chown {} dyndns.password", service["user"].as_str().unwrap())), "{text}");
    let found = check("", &variables);
    assert_eq!((&found["ok"], &found["records"]), (&true.into(), &1.into()), "{found}");
    for secret in service["secrets"].as_array().unwrap() {
        let name = secret.as_str().unwrap();
        assert!(compose["secrets"][name]["file"].is_string());
        assert!(variables.iter().any(|(_, value)| *value == format!("/run/secrets/{name}")), "{name} is read");
    }
    assert!(compose["volumes"].as_object().unwrap().contains_key("state"));
}

#[test]
#[cfg(feature = "clouds")]
fn the_kubernetes_manifest_never_runs_two_daemons_and_its_configuration_is_one() {
    let manifest = yaml("packaging/oci/kubernetes.yaml");
    let items = manifest["items"].as_array().unwrap();
    let of = |kind: &str| items.iter().find(|item| item["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    let spec = &of("Deployment")["spec"];
    assert_eq!((&spec["replicas"], &spec["strategy"]["type"]), (&1.into(), &"Recreate".into()));
    let pod = &spec["template"]["spec"];
    assert_eq!(
        (&pod["securityContext"]["runAsUser"], &pod["securityContext"]["runAsNonRoot"]),
        (&65532.into(), &true.into())
    );
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], serde_json::json!(["ALL"]));
    for probe in ["startupProbe", "livenessProbe"] {
        assert_eq!(container[probe]["exec"]["command"], serde_json::json!(["/driftless", "status"]), "{probe}");
    }
    assert_eq!(container["imagePullPolicy"], "IfNotPresent", "an image without a tag would always be pulled");
    let patience = ["periodSeconds", "failureThreshold"].map(|key| container["startupProbe"][key].as_u64().unwrap());
    assert!(patience.iter().product::<u64>() >= 60, "{patience:?}");
    // Every mount has its volume, and each volume what it is made of.
    let volumes = pod["volumes"].as_array().unwrap();
    for mount in container["volumeMounts"].as_array().unwrap() {
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap_or_else(|| panic!("{mount}"));
        for (kind, named) in [
            ("ConfigMap", &volume["configMap"]["name"]),
            ("PersistentVolumeClaim", &volume["persistentVolumeClaim"]["claimName"]),
        ] {
            assert!(named.is_null() || *named == of(kind)["metadata"]["name"], "{volume}");
        }
    }
    let secret = volumes.iter().find_map(|volume| volume.get("secret")).unwrap();
    assert_eq!((&secret["defaultMode"], pod["securityContext"]["fsGroup"].as_u64()), (&0o440.into(), Some(65532)));
    assert_eq!(of("Deployment")["spec"]["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]);
    let text = of("ConfigMap")["data"]["driftless.toml"].as_str().unwrap();
    // "#" without a space is to be taken away, for the page.
    let with_page = text.replace("\n#", "\n").replace("\n ", "\n# ");
    assert!(with_page.contains("\n[web]\n"));
    assert_eq!(check(&with_page, &[])["ok"], true, "{with_page}");
    let found = check(text, &[]);
    assert_eq!((&found["ok"], &found["records"]), (&true.into(), &1.into()), "{found}");
}

/// What `uci -q show driftless` prints for a router's configuration, as its documentation says: quoted for a shell.
const UCI: &str = r#"driftless.main=driftless
driftless.main.enabled='1'
driftless.log=log
driftless.log.level='info'
driftless.defaults=defaults
driftless.defaults.check='10m'
driftless.defaults.ttl='300'
driftless.page=web
driftless.page.listen='192.168.1.1:8053'
driftless.page.allow_remote='1'
driftless.page.hosts='router.lan'
driftless.phone=notify
driftless.phone.type='ntfy'
driftless.phone.url='https://ntfy.example.net/my-topic'
driftless.phone.token_file='/run/secret'
driftless.phone.events='held' 'recovered'
driftless.phone.limit='4'
driftless.chat=notify
driftless.chat.type='webhook'
driftless.chat.url_file='/run/hook'
driftless.chat.events='held'
driftless.chat.body='{"content":"{title}"}'
driftless.script=notify
driftless.script.type='exec'
driftless.script.command='/usr/bin/logger' '-t' 'names'
driftless.beep=notify
driftless.beep.type='exec'
driftless.beep.command='["/usr/bin/beep"]'
driftless.home=account
driftless.home.provider='dyndns2'
driftless.home.server='https://dyndns.example.net'
driftless.home.username='it'\''s "me" \ $(touch /nonexistent)'
driftless.home.password_file='/run/secret'
driftless.home.names_per_request='20'
driftless.home.verify='0'
driftless.home.nameservers='192.0.2.53' '[2001:db8::53]:53'
driftless.lines=address
driftless.lines.ipv4='{ interface = "ppp0" }'
driftless.lines.ipv6='off'
driftless.@record[0]=record
driftless.@record[0].names='a.example.org' 'b.example.org'
driftless.@record[0].account='home'
driftless.@record[0].address='lines'
driftless.@record[0].ttl='60'
driftless.@record[1]=record
driftless.@record[1].name='c.example.org'
driftless.@record[1].account='home'
driftless.@record[1].interface='wan'
driftless.@record[1].private='1'
driftless.office=strange
driftless.office.key='value'
"#;

const TOML: &str = r#"state_dir = "/etc/driftless/state"
socket = "/var/run/driftless/driftless.sock"

[log]
level = "info"

[defaults]
check = "10m"
ttl = 300

[web]
listen = "192.168.1.1:8053"
allow_remote = true
hosts = ["router.lan", ]

[notify."phone"]
type = "ntfy"
url = "https://ntfy.example.net/my-topic"
token_file = "/run/secret"
events = ["held", "recovered", ]
limit = 4

[notify."chat"]
type = "webhook"
url_file = "/run/hook"
events = ["held", ]
body = "{\"content\":\"{title}\"}"

[notify."script"]
type = "exec"
command = ["/usr/bin/logger", "-t", "names", ]

[notify."beep"]
type = "exec"
command = ["/usr/bin/beep"]

[account."home"]
provider = "dyndns2"
server = "https://dyndns.example.net"
username = "it's \"me\" \\ $(touch /nonexistent)"
password_file = "/run/secret"
names_per_request = 20
verify = false
nameservers = ["192.0.2.53", "[2001:db8::53]:53", ]

[address."lines"]
ipv4 = { interface = "ppp0" }
ipv6 = "off"

[[record]]
names = ["a.example.org", "b.example.org", ]
account = "home"
address = "lines"
ttl = 60

[[record]]
name = "c.example.org"
account = "home"
ipv4 = { interface = "eth1" }
ipv6 = { interface = "eth1" }
private = true

[address.included]
ipv4 = { quorum = 2, of = ["https", "dns", "stun"] }
"#;

/// What `include` names.
const MORE: &str = "[address.included]\nipv4 = { quorum = 2, of = [\"https\", \"dns\", \"stun\"] }\n";

#[test]
fn a_router_s_configuration_becomes_toml_that_is_right() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        fs::write(dir.path().join(name), format!("#!/bin/sh\n{text}")).unwrap();
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let more = dir.path().join("more.toml");
    fs::write(&more, MORE).unwrap();
    let get = format!("get) [ \"$3\" = driftless.main.include ] && echo {}", more.display());
    put("uci", &format!("case $2 in show) cat <<'E'\n{UCI}E\n;; {get};; *) exit 1;; esac\n"));
    put("ubus", "[ \"$2\" = network.interface.wan ] && echo '{ \"l3_device\": \"eth1\" }'\n");
    put("jsonfilter", "sed -n 's/.*l3_device\": \"\\([^\"]*\\)\".*/\\1/p'\n");
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    // dash, and what a router has where this machine has it, too.
    for shell in [&["sh"][..], &["busybox", "ash"]] {
        let mut convert = Command::new(shell[0]);
        convert.args(&shell[1..]).arg("packaging/openwrt/files/uci-to-toml").env("PATH", &path);
        let output = match convert.output() {
            Err(error) if shell[0] == "busybox" && error.kind() == std::io::ErrorKind::NotFound => continue,
            output => output.unwrap(),
        };
        assert_eq!(String::from_utf8(output.stdout).unwrap(), TOML, "{shell:?}");
        assert!(output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "driftless: the section office is of the kind strange, which is not known\n", "{shell:?}");
    }
    let found = check(TOML, &[]);
    assert_eq!((&found["ok"], &found["accounts"], &found["records"]), (&true.into(), &1.into(), &3.into()), "{found}");
}

#[test]
fn numbers_flags_and_lists_of_a_router_s_configuration_are_those_of_the_keys() {
    let script = read("packaging/openwrt/files/uci-to-toml");
    let words = |name: &str| {
        let line = script.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches(['=', '\'']).split_whitespace().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let lists = [words("NUMBERS"), words("FLAGS"), words("LISTS"), words("LINES")];
    let of = |kind: &Kind| match kind {
        Kind::Number(..) => Some(0),
        Kind::Flag => Some(1),
        Kind::Texts | Kind::Command => Some(2),
        Kind::Lines => Some(3),
        _ => None,
    };
    let settings = REGISTRY.iter().flat_map(|entry| entry.settings);
    let settings = settings.chain(notify::REGISTRY.iter().flat_map(|entry| entry.settings));
    let settings = settings.map(|setting| (setting.name, of(&setting.kind)));
    let tables = [
        keys::ACCOUNT,
        keys::RECORD,
        keys::ADDRESS,
        keys::DEFAULTS,
        keys::LOG,
        keys::NOTIFY,
        keys::NEWS,
        keys::BEATS,
        keys::WEB,
    ];
    let keys = tables.into_iter().flatten().map(|key| {
        let expected = match &key.holds {
            Holds::Kind(kind) => of(kind),
            Holds::Ttl | Holds::Quorum => Some(0),
            Holds::Nameservers | Holds::Names | Holds::Events => Some(2),
            _ => None,
        };
        (key.name, expected)
    });
    let mut counted = BTreeSet::new();
    for (name, expected) in settings.chain(keys) {
        for (at, list) in lists.iter().enumerate() {
            assert_eq!(list.contains(name), expected == Some(at), "{name} in list {at}");
        }
        counted.extend(expected.map(|_| name));
    }
    assert!(counted.len() >= 15, "{counted:?}");
}

#[test]
fn the_image_does_what_its_tests_do() {
    let text = read("packaging/oci/Dockerfile");
    let (_, last) = text.split_once("\nFROM scratch\n").unwrap();
    let health = "HEALTHCHECK --interval=1m --timeout=10s --start-period=30s CMD [\"/driftless\", \"status\"]";
    for line in
        ["USER 65532:65532", "VOLUME [\"/var/lib/driftless\"]", health, "ENTRYPOINT [\"/driftless\"]", "CMD [\"run\"]"]
    {
        assert!(last.lines().any(|found| found == line), "{line}");
    }
    assert!(!last.contains("\nRUN ") && !last.contains("\nADD "), "nothing runs in an empty image");
}
