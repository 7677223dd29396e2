//! No input brings the reader down, and what it says is always placed in the text.

use proptest::prelude::*;

use super::*;

/// Pieces of configurations, right and wrong, to be put together at random.
const PIECES: &[&str] = &[
    "[account.a]",
    "[account]",
    "[[account]]",
    "[address.wan]",
    "[[record]]",
    "[record]",
    "[defaults]",
    "[log]",
    "\n",
    "\n",
    "\n",
    "\r\n",
    " = ",
    " = ",
    "=",
    ",",
    ".",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "\"\"\"",
    "#",
    "\u{feff}",
    "\"\\u001b[31m\"",
    "ü",
    "\u{1f600}",
    "\0",
    "\u{1b}[31m",
    "account",
    "address",
    "auto",
    "check",
    "command",
    "credential",
    "env",
    "file",
    "first_of",
    "fixed",
    "https",
    "interface",
    "ipv4",
    "ipv6",
    "name",
    "names",
    "nameservers",
    "of",
    "provider",
    "quorum",
    "record",
    "token",
    "token_file",
    "transport",
    "ttl",
    "type",
    "url",
    "\"a\"",
    "\"sample\"",
    "\"keep\"",
    "\"a.example.org\"",
    "\"https://example.org/?a@b\"",
    "\"5m\"",
    "\"/t\"",
    "\"192.0.2.1\"",
    "1",
    "-1",
    "0x7fffffffffffffff",
    "99999999999999999999",
    "1e400",
    "true",
    "false",
    "2026-01-01",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

/// What a value can be, of every type; most are right somewhere.
const VALUES: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"base\"",
    "\"sample\"",
    "\"cloud\"",
    "\"keep\"",
    "\"remove\"",
    "\"all\"",
    "\"auto\"",
    "\"off\"",
    "\"https\"",
    "\"google\"",
    "\"pool\"",
    "\"a{ip}b\"",
    "\"interface\"",
    "\"a.example.org\"",
    "\"*.example.org\"",
    "\"https://example.org/?a@b\"",
    "\"5m\"",
    "\"/t\"",
    "\"192.0.2.1\"",
    "\"2001:db8::1\"",
    "\"\\u001b[31m\"",
    "\"\\u0000\"",
    "1",
    "2",
    "-1",
    "9223372036854775807",
    "1.5",
    "true",
    "false",
    "2026-01-01",
    "[]",
    "{}",
];

/// The keys that are known, and some that are not.
const KEYS: &[&str] = &[
    "a",
    "base",
    "\"\"",
    "\"\\u001b[31m\"",
    "absent",
    "absent_after",
    "account",
    "address",
    "all",
    "auth_url",
    "authoritative",
    "bind_address",
    "bind_interface",
    "check",
    "choice",
    "class",
    "command",
    "credential",
    "default",
    "dns",
    "duration",
    "echo_interval",
    "env",
    "file",
    "first_of",
    "fixed",
    "flag",
    "format",
    "header",
    "https",
    "interface",
    "ipv4",
    "ipv6",
    "json",
    "key",
    "level",
    "name",
    "names",
    "nameservers",
    "number",
    "of",
    "password",
    "path",
    "pattern",
    "private",
    "vpn",
    "provider",
    "quorum",
    "server",
    "stun",
    "temporary",
    "text",
    "texts",
    "timeout",
    "token",
    "token_file",
    "transport",
    "ttl",
    "type",
    "url",
    "values",
    "verify",
    "zone",
];

/// Any value: a simple one, a list or a table.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(VALUES).prop_map(str::to_owned);
    leaf.prop_recursive(5, 60, 8, |inner| {
        let table = prop::collection::btree_map(prop::sample::select(KEYS), inner.clone(), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            table.prop_map(|fields| {
                let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", fields.join(", "))
            }),
        ]
    })
}

/// A file that is TOML, with the sections that are known and anything in them.
fn shaped() -> impl Strategy<Value = String> {
    let section = prop::sample::select(&["account", "address", "defaults", "log", "record", "state_dir", "other"][..]);
    let lines = prop::collection::btree_map(section, value(), 0..6);
    lines.prop_map(|lines| lines.into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect())
}

/// A right file with one part replaced.
fn mutated() -> impl Strategy<Value = String> {
    let whole = include_str!("../../../config/driftless.toml").replace("\n#", "\n");
    (0..whole.len(), 0..40_usize, pieces()).prop_map(move |(at, length, piece)| {
        let at = (0..=at).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
        let end = (at + length..=whole.len()).find(|at| whole.is_char_boundary(*at)).unwrap_or(whole.len());
        format!("{}{piece}{}", &whole[..at], &whole[end..])
    })
}

/// Loads, shows everything in every form, and checks the places.
fn check(input: &Input) -> std::result::Result<(), TestCaseError> {
    let problems = match load(input) {
        Ok(config) => config.warnings,
        Err(errors) => {
            prop_assert!(errors.problems().iter().any(|problem| problem.severity == Severity::Error));
            prop_assert!(errors.problems().len() <= 101);
            let _ = (errors.render(true), serde_json::to_string(&errors).unwrap());
            errors.problems().to_vec()
        }
    };
    for problem in problems {
        prop_assert!(!format!("{problem}{}", problem.render(false)).contains('\u{1b}'), "{problem:?}");
        let Some(Place { origin: Origin::File(path), line: Some(line), column: Some(column), .. }) = problem.place
        else {
            continue;
        };
        let (_, text) = input.files.iter().find(|(name, _)| *name == path).unwrap();
        let typed = text.split('\n').nth(line - 1);
        prop_assert!(typed.is_some_and(|typed| column <= typed.chars().count() + 1), "{line}:{column}");
    }
    Ok(())
}

/// Names of variables, right and nearly right.
const NAMES: &str = "DRIFTLESS_(_(ACCOUNT|RECORD|ADDRESS|A|1|IPV4|TOKEN|NAME|_)){0,8}";

proptest! {
    #[test]
    fn no_text_brings_the_reader_down(
        text in any::<String>(), other in pieces(), right in mutated(), shaped in shaped()
    ) {
        for text in [text, other, right, shaped] {
            check(&file(&text))?;
        }
    }

    #[test]
    fn no_variables_bring_the_reader_down(
        given in prop::collection::btree_map(NAMES, pieces(), 0..6)
    ) {
        let input = Input { variables: given, ..file(BASE) };
        check(&input)?;
    }
}

#[test]
fn what_was_typed_cannot_colour_the_terminal() {
    let text =
        "[account.\"\\u001b[31m\"]\nprovider = \"sample\"\n\"\\u001b\" = 1\n[address.\"\\u0007\"]\nipv4 = \"\\u001b\"";
    let errors = load(&file(text)).unwrap_err();
    assert_eq!(errors.problems().len(), 5);
    for shown in errors.problems().iter().map(ToString::to_string).chain([errors.render(false)]) {
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }
}

#[test]
fn very_deep_and_very_many_are_no_trouble() {
    let levels = format!("DRIFTLESS__{}", vec!["A"; 30_000].join("__"));
    let deep = "[".repeat(100_000);
    let many: String = (0..20_000).map(|n| format!("key{n} = 1\n")).collect();
    let nested = format!("[address.wan]\nipv4 = {}\"auto\"{}", "{first_of=[".repeat(38), "]}".repeat(38));
    for input in [variables(&[(&levels, "x")]), file(&format!("a = {deep}")), file(&many), file(&nested)] {
        let _ = load(&input).map_err(|errors| errors.render(false));
    }
    assert_eq!(load(&file(&many)).unwrap_err().problems().len(), 101);
}
