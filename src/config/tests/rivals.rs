//! Two accounts that would write the same record set at one place.

use super::*;

/// Two accounts, and the same name at each of them with these keys.
fn two(provider: &str, [one, two]: [&str; 2], [first, second]: [&str; 2]) -> Input {
    let account = |name: &str, keys: &str| format!("[account.{name}]\nprovider = \"{provider}\"\n{keys}\n");
    let record = |name: &str, keys: &str| {
        format!("[[record]]\nname = \"a.example.org\"\naccount = \"{name}\"\nipv6 = \"off\"\n{keys}\n")
    };
    let accounts = account("one", one) + &account("two", two);
    files(&[("d.toml", &(accounts + &record("one", first))), ("conf.d/two.toml", &record("two", second))])
}

fn problems(input: &Input) -> Vec<Problem> {
    match Config::load(input) {
        Ok(config) => config.warnings,
        Err(errors) => errors.problems().to_vec(),
    }
}

/// What is said of accounts that write at one place, with what it is.
fn said(input: &Input) -> Vec<(Severity, String)> {
    let of = |problem: Problem| {
        let (_, rest) = problem.message.split_once(" by two accounts, ")?;
        Some((problem.severity, rest.to_owned()))
    };
    problems(input).into_iter().filter_map(of).collect()
}

#[test]
fn one_zone_file_of_two_accounts_is_refused_with_both_places() {
    let path =
        ["path = \"/srv/zones/example.org\"", "zone = \"example.org\"\npath = \"/srv/./zones/x/../example.org\""];
    let input = two("zonefile", path, ["ipv4 = \"8.8.8.8\"", ""]);
    let [problem] = problems(&input).try_into().unwrap();
    assert_eq!(problem.severity, Severity::Error);
    assert_eq!(
        problem.to_string(),
        "conf.d/two.toml:2:8: A of a.example.org is written by two accounts, \"one\" and \"two\", which are the same file by \
         `path`, /srv/zones/example.org: each would undo what the other one wrote"
    );
    let also = problem.also.unwrap();
    assert_eq!((also.place.to_string().as_str(), also.message.as_str()), ("d.toml:9:8", "first declared here"));
    let other = ["path = \"/srv/zones/example.org\"", "path = \"/srv/zones/example.net\""];
    assert_eq!(said(&two("zonefile", other, ["", ""])), []);
}

#[test]
fn one_file_by_two_links_is_one() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("zone", dir.path().join("link")).unwrap();
    let path = |name: &str| format!("path = \"{}\"", dir.path().join(name).display());
    assert_eq!(said(&two("zonefile", [&path("zone"), &path("link")], ["", ""])).len(), 1);
}

#[test]
fn other_names_and_other_types_may_share_a_place() {
    let paths = ["path = \"/zone\"", "path = \"/zone\""];
    let txt = "type = \"TXT\"\nvalue = \"v=spf1 ip4:{ipv4} -all\"";
    assert_eq!(said(&two("zonefile", paths, ["", txt])), []);
    assert_eq!(said(&two("zonefile", paths, [txt, txt])).len(), 1, "two policies under one name are an error");
}

#[test]
fn one_login_by_two_accounts_is_refused_and_what_may_be_one_is_doubted() {
    let login = |user: &str, secret: &str| {
        format!("server = \"https://members.example.org\"\nusername = \"{user}\"\npassword_file = \"/run/{secret}\"")
    };
    let of = |provider: &str, one: &str, two_: &str| said(&two(provider, [one, two_], ["", ""]));
    let same = of("dyndns2", &login("me", "a"), &login("me", "b"));
    let [(Severity::Error, says)] = same.as_slice() else { panic!("{same:?}") };
    assert!(says.contains("the same login at dyndns2"), "{says}");
    assert_eq!(of("dyndns2", &login("me", "a"), &login("you", "b")), []);
    let apart = format!("{}\nfamilies = \"apart\"", login("me", "a"));
    assert!(matches!(of("dyndns2", &login("me", "a"), &apart).as_slice(), [(Severity::Warning, _)]), "one password");
    let token = |name: &str| format!("token = {{ file = \"/run/{name}\" }}");
    assert!(matches!(of("yandex360", &token("a"), &token("a")).as_slice(), [(Severity::Error, _)]));
    assert!(matches!(of("yandex360", &token("a"), &token("b")).as_slice(), [(Severity::Warning, _)]));
}

#[test]
fn records_that_leave_each_other_alone_may_stand_side_by_side() {
    let paths = ["path = \"/zone\"", "path = \"/zone\""];
    let count = |records: [&str; 2]| said(&two("zonefile", paths, records)).len();
    let shared = "values = \"shared\"";
    assert_eq!(count([shared, shared]), 0);
    assert_eq!(count([shared, ""]), 1);
    assert_eq!(count(["values = \"all\"", shared]), 1);
    let text = |value: &str| format!("type = \"TXT\"\nvalue = \"{value}\"");
    assert_eq!(count([&text("v=spf1 ip4:{ipv4} -all"), &text("here {ipv4}")]), 0);
    let claims = format!("{}\nmatch = \"here\"", text("here {ipv4}"));
    assert_eq!(count([&text("here is {ipv4}"), &claims]), 1);
}
