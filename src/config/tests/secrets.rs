//! Secrets: where they come from, what is warned of, and that none is ever shown.

use secrecy::ExposeSecret;

use super::*;

/// An account with this line for its token, and a record.
fn account(token: &str) -> String {
    format!("[account.a]\nprovider = \"sample\"\n{token}\n[[record]]\nname = \"a.example.org\"\naccount = \"a\"\n")
}

fn token(config: &Config) -> String {
    config.accounts["a"].settings.secret("token").unwrap().read().unwrap().expose_secret().to_owned()
}

fn with(text: &str, variables: &[(&str, &str)]) -> Input {
    Input { variables: super::variables(variables).variables, ..file(text) }
}

#[test]
fn a_secret_comes_from_a_file_a_credential_or_a_variable() {
    let path = |config: &Config| config.accounts["a"].settings.secret("token").unwrap().path().unwrap().to_owned();
    for line in ["token = { file = \"/run/t\" }", "token_file = \"/run/t\"", "token.file = \"/run/t\""] {
        assert_eq!(path(&loaded(&file(&account(line)))).to_str(), Some("/run/t"), "{line}");
    }
    let given = with(&account("token = { credential = \"t\" }"), &[("CREDENTIALS_DIRECTORY", "/run/credentials/d")]);
    assert_eq!(path(&loaded(&given)).to_str(), Some("/run/credentials/d/t"));
    let config = loaded(&with(&account("token = { env = \"MY_TOKEN\" }"), &[("MY_TOKEN", "hunter2")]));
    assert_eq!(token(&config), "hunter2");
    assert_eq!(config.warnings, []);
}

#[test]
fn a_secret_in_place_is_a_warning_with_its_line() {
    let config = loaded(&file(&account("token = \"hunter2\"")));
    assert_eq!(token(&config), "hunter2");
    assert_eq!(warnings(&config), ["3:9: `token` is a secret in the configuration itself"]);
    assert_eq!(
        config.warnings[0].help.as_deref(),
        Some("put it into a file of its own and write token = { file = \"/path\" }")
    );
}

#[test]
fn what_everyone_can_read_is_a_warning_with_the_command_that_mends_it() {
    let open = |text: &str| Input { mode: |_| Ok(0o100_644), ..file(text) };
    let config = loaded(&open(&account("token_file = \"/run/t\"")));
    assert_eq!(warnings(&config), ["3:14: everyone on this machine can read /run/t"]);
    assert_eq!(config.warnings[0].help.as_deref(), Some("chmod o-rwx /run/t"));
    let config = loaded(&open(&account("token = \"hunter2\"")));
    assert_eq!(
        warnings(&config),
        [
            "3:9: `token` is a secret in the configuration itself",
            "3:9: everyone on this machine can read d.toml, which holds this secret"
        ]
    );
    assert_eq!(config.warnings[1].help.as_deref(), Some("chmod o-rwx d.toml"));
    let closed = Input { mode: |_| Ok(0o100_640), ..file(&account("token_file = \"/run/t\"")) };
    assert_eq!(loaded(&closed).warnings, []);
}

#[test]
fn a_file_that_is_not_there_yet_is_a_warning() {
    let input =
        Input { mode: |_| Err(std::io::ErrorKind::NotFound.into()), ..file(&account("token_file = \"/run/t\"")) };
    let config = loaded(&input);
    assert_eq!(warnings(&config), ["3:14: /run/t cannot be read at present: entity not found"]);
    let unread = Unread { path: "/run/t".into(), is_credential: false };
    assert_eq!(config.warnings[0].unread, Some(unread), "whoever tries it later knows which it was");
}

#[test]
fn a_credential_that_is_not_loaded_is_a_warning_that_says_how() {
    let text = account("token = { credential = \"t\" }");
    let given = with(&text, &[("CREDENTIALS_DIRECTORY", "/run/credentials/d")]);
    let config = loaded(&Input { mode: |_| Err(std::io::ErrorKind::NotFound.into()), ..given });
    assert_eq!(
        warnings(&config),
        ["3:24: `token` of the account \"a\": the credential cannot be read at present: entity not found"]
    );
    assert!(config.warnings[0].unread.as_ref().is_some_and(|unread| unread.is_credential));
    assert_eq!(
        config.warnings[0].help.as_deref(),
        Some(
            "systemd puts it into /run/credentials/d when it starts a service with LoadCredential=t:/path; before, it cannot be looked at"
        )
    );
}

#[test]
fn a_secret_is_not_shown_with_what_is_given_twice_around_it() {
    for text in [
        "token = \"hunter2\"\ntoken = \"hunter3\"",
        "token = \"hunter2\"\n[log]\n[account.a]\nprovider = \"sample\"\ntoken = \"hunter3\" # hunter4",
        "token = \"\"\"hunter2\nprovider = hunter3\nhunter4\"\"\" # hunter5\n[log]\n[log]\nlevl = \"hunter\"",
        "token = 5 # hunter2\n[account.a]\ntokn = \"hunter3\"",
    ] {
        let errors = load(&file(&account(text))).unwrap_err();
        let shown = errors.render(false).replace("levl = \"hunter\"", "");
        assert!(shown.contains("given twice") && !shown.contains("hunter"), "{shown}");
    }
}

#[test]
fn a_secret_that_cannot_be_had_says_why() {
    let cases = [
        (
            "token = { credential = \"t\" }",
            "3:24: `token` of the account \"a\": $CREDENTIALS_DIRECTORY is not set, so there are no credentials",
        ),
        ("token = { credential = \"../t\" }", "3:24: `credential`: the name of a credential has no \"/\""),
        ("token = { env = \"MISSING\" }", "3:17: `env`: there is no environment variable MISSING"),
        ("token = { env = \"EMPTY\" }", "3:17: `env`: the environment variable EMPTY holds no secret: it is empty"),
        (
            "token = { env = \"LINES\" }",
            "3:17: `env`: the environment variable LINES holds no secret: it has more than one line",
        ),
        ("token = \"\"", "3:9: `token`: this is no secret: it is empty"),
        ("token = \"hunter2\\nhunter3\"", "3:9: `token`: this is no secret: it has more than one line"),
        ("token = \"hunter2\\u0000\"", "3:9: `token`: this is no secret: it has a control character in it"),
        (
            "token = 12345",
            "3:9: `token` expects a secret such as \
             { file = \"/path\" }, { credential = \"name\" } or { env = \"NAME\" }, found a number",
        ),
        ("token = {}", "3:9: `token`: a secret is one of `file`, `credential` and `env`"),
        ("token = { file = \"/t\", env = \"T\" }", "3:9: `token`: a secret is one of `file`, `credential` and `env`"),
        ("token = { file = \"t\" }", "3:18: `file`: the path must be absolute: it starts with \"/\""),
        ("token = { file = \"/t\", fiel = \"/t\" }", "3:24: `fiel` is not a key of a secret"),
        (
            "token = { file = \"/t\" }\ntoken_file = \"/t\"",
            "4:1: the secret is given twice, by `token` and `token_file`",
        ),
        ("", "1:10: the account \"a\" at sample needs `token`"),
    ];
    for (line, expected) in cases {
        let found: Vec<String> = errors(&with(&account(line), &[("EMPTY", ""), ("LINES", "hunter2\n3")]));
        let found: Vec<&str> =
            found.iter().map(String::as_str).filter(|found| !found.starts_with("3:9: `token` is a")).collect();
        assert_eq!(found, [expected], "{line}");
    }
}

#[test]
fn a_missing_setting_is_explained() {
    let errors = load(&file(&account(""))).unwrap_err();
    assert_eq!(errors.problems()[0].help.as_deref(), Some("`token`: the token of the control panel"));
    let cloud = load(&file("[account.c]\nprovider = \"cloud\"\npassword_file = \"/p\"")).unwrap_err();
    assert_eq!(cloud.problems()[0].message, "the account \"c\" at cloud needs `auth_url` (or $OS_AUTH_URL)");
}

#[test]
fn a_setting_can_come_from_its_variable() {
    let text = "[account.a]\nprovider = \"cloud\"";
    let given = [("OS_AUTH_URL", "https://identity.example"), ("OS_PASSWORD", "hunter2")];
    let settings = loaded(&with(text, &given)).accounts["a"].settings.clone();
    assert_eq!(settings.url("auth_url").unwrap().host_str(), Some("identity.example"));
    assert_eq!(settings.secret("password").unwrap().read().unwrap().expose_secret(), "hunter2");
    let typed = format!("{text}\nauth_url = \"https://typed.example\"");
    let settings = loaded(&with(&typed, &given)).accounts["a"].settings.clone();
    assert_eq!(settings.url("auth_url").unwrap().host_str(), Some("typed.example"));
    let wrong = [("OS_AUTH_URL", "identity"), ("OS_PASSWORD", "hunter2")];
    assert_eq!(
        errors(&with(text, &wrong)),
        ["$OS_AUTH_URL: `auth_url`: this is no URL: it starts with https:// or http://"]
    );
}

#[test]
fn the_name_of_a_variable_or_a_credential_is_shown_and_what_may_be_a_secret_is_not() {
    let shown = |line: &str| load(&file(&account(line))).unwrap_err().render(false);
    let missing = shown("token = { env = \"MY_TOKEN\" } # hunter3");
    assert!(missing.contains("token = { env = \"MY_TOKEN\" }"), "{missing}");
    let missing = shown("token = { credential = \"home-token\" }");
    let help = "LoadCredential=home-token:/path";
    assert!(missing.contains("token = { credential = \"home-token\" }") && missing.contains(help), "{missing}");
    let typed = shown("token = { env = \"hunter2\" }");
    assert!(typed.contains("env = ***") && typed.contains("may be the secret itself"), "{typed}");
}

/// Whatever is wrong beside a secret, the secret is in no message, excerpt or dump.
#[test]
fn no_secret_is_ever_shown() {
    let lines = [
        "token = \"hunter2\"\nnumber = 99",
        "tokn = \"hunter2\"",
        "token = [\"hunter2\"]",
        "token = { value = \"hunter2\" }",
        "token = \"hunter2",
        "token = 'hunter2' x",
        "token = \"\"\"\nhunter2\n",
        "token hunter2",
        "token = hunter2",
        "token_file = \"hunter2",
        "url = \"https://me:hunter2@example.org/\"\nurl = 1",
        "url = \"ftp://me:hunter2@example.org/\"",
        "url = \"ftp://example.org/?key=hunter2\"",
        "token = { file = \"/t\" }, \"hunter2\"",
        "token = { env = \"hunter2\" }",
        "token = { credential = \"hunter2\" }",
        "token = 7 # not hunter2",
        "url = \"https//example.org/?key=hunter2\"",
        "url = \"https://example.org/?key=hunter2",
        "[defaults]\ntoken = \"hunter2\"",
        "[[record]]\npassword = \"hunter2\"",
        "[log]\napi_key = \"hunter2",
    ];
    for line in lines {
        for text in
            [account(line), format!("account = {{ a = {{ provider = \"x\", {line} }} }}"), format!("[account]\n{line}")]
        {
            let Err(errors) = load(&file(&text)) else { continue };
            for shown in [
                errors.render(false),
                errors.render(true),
                serde_json::to_string(&errors).unwrap(),
                format!("{errors:?}"),
            ] {
                assert!(!shown.contains("hunter2"), "{text}\n\n{shown}");
            }
        }
    }
    let config = loaded(&file(&account("token = \"hunter2\"\nurl = \"https://me:hunter2@example.org/?x=hunter2\"")));
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    let rendered: String = config.warnings.iter().map(|warning| warning.render(false)).collect();
    assert!(rendered.contains("token = ***") && !rendered.contains("hunter2"), "{rendered}");
}
