//! The example that is shipped: right as it stands, and with every option.

use super::*;

/// The settings of the real providers that the example uses.
static EXAMPLE: [Entry; 7] = {
    const fn entry(name: &'static str, settings: &'static [Setting]) -> Entry {
        Entry {
            name,
            title: "",
            shape: "",
            documentation: "",
            notice: None,
            keeps: |_, _| Ok(()),
            ttl: ANY_TTL,
            objects: any_name,
            settings,
            build: |_, _| Ok(Arc::new(Idle)),
            edit: None,
        }
    }
    [
        entry(
            "designate",
            &[
                Setting::optional("cloud", Kind::Text, ""),
                Setting::required("auth_url", Kind::Url, ""),
                Setting::optional("username", Kind::Text, ""),
                Setting::optional("user_domain_name", Kind::Text, ""),
                Setting::optional("password", Kind::Secret, ""),
                Setting::optional("project_name", Kind::Text, ""),
                Setting::optional("project_domain_name", Kind::Text, ""),
                Setting::optional("region", Kind::Text, ""),
            ],
        ),
        entry(
            "dyndns2",
            &[
                Setting::required("server", Kind::Url, ""),
                Setting::required("username", Kind::Text, ""),
                Setting::required("password", Kind::Secret, ""),
                Setting::optional("names_per_request", Kind::Number(1, 50), ""),
                Setting::optional("families", Kind::Choice(&["together", "apart"]), ""),
                Setting::optional("refresh", Kind::Duration, ""),
            ],
        ),
        entry(
            "lunanode",
            &[Setting::required("api_id", Kind::Text, ""), Setting::required("api_key", Kind::Secret, "")],
        ),
        entry(
            "pocketdns",
            &[
                Setting::required("api_key", Kind::Secret, ""),
                Setting::optional("domain_id", Kind::Text, ""),
                Setting::optional("user_identifier", Kind::Text, ""),
                Setting::optional("environment", Kind::Choice(&["production", "sandbox"]), ""),
            ],
        ),
        entry(
            "rackspace",
            &[
                Setting::required("username", Kind::Text, ""),
                Setting::required("api_key", Kind::Secret, ""),
                Setting::optional("region", Kind::Choice(&["uk", "us"]), ""),
            ],
        ),
        entry(
            "yandex360",
            &[Setting::required("token", Kind::Secret, ""), Setting::optional("organization", Kind::Text, "")],
        ),
        entry("zonefile", &[Setting::required("path", Kind::Path, ""), Setting::optional("reload", Kind::Command, "")]),
    ]
};

const EXAMPLE_FILE: &str = include_str!("../../../config/driftless.toml");

#[test]
fn the_example_is_right_as_it_stands() {
    let config = Config::load_with(&file(EXAMPLE_FILE), &EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.warnings, []);
    assert_eq!((config.accounts.len(), config.records.len()), (1, 1));
    let smallest = Config::load_with(&file(SMALLEST), &EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(smallest.warnings, []);
}

#[test]
fn the_example_is_right_for_the_providers_that_are_shipped() {
    for text in [EXAMPLE_FILE, SMALLEST] {
        let config = Config::load(&file(text)).unwrap_or_else(|errors| panic!("{errors}"));
        let tools = Tools { http: Http::new(None) };
        assert!(config.check_accounts(&tools).is_ok_and(|providers| providers.contains_key("home")));
    }
}

#[test]
fn every_option_of_the_example_is_right_too() {
    let is_option = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let lines = EXAMPLE_FILE.lines().map(|line| if is_option(&line) { &line[1..] } else { line });
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let mut input = file(&text);
    input.variables.insert("CREDENTIALS_DIRECTORY".into(), "/run/credentials".into());
    let config = Config::load_with(&input, &EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((config.accounts.len(), config.addresses.len(), config.records.len()), (9, 7, 5));
}
