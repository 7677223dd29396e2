//! What is shipped beside the program: units, lists of files, configurations and manifests that fit together.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

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
            [mode, from.replace("target/release/driftless", "BINARY"), format!("/{to}")]
        })
        .collect();
    let mut listed: BTreeSet<[String; 3]> = BTreeSet::new();
    for line in read("packaging/files").lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [which, mode, from, to] = words.as_slice() else { panic!("{line}") };
        assert!(*from == "BINARY" || Path::new(from).is_file(), "{from}");
        let to = to.replace("PREFIX/", "/usr/").replace("UNITS/", "/usr/lib/systemd/system/");
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
    assert_eq!(of("Deployment")["spec"]["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]);
    let found = check(of("ConfigMap")["data"]["driftless.toml"].as_str().unwrap(), &[]);
    assert_eq!((&found["ok"], &found["records"]), (&true.into(), &1.into()), "{found}");
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
