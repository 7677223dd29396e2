//! How problems are shown: all at once, in order, with their lines, with help, and as data.

use super::*;

#[test]
fn a_name_and_type_declared_twice_points_at_both() {
    let text = "[[record]]\nnames = [\"a.example.org\", \"A.example.org.\"]\naccount = \"base\"\nipv6 = false\n\
                [[record]]\nname = \"base.example.org\"\naccount = \"base\"";
    let errors = load(&above_base(text)).unwrap_err();
    let [first, second] = errors.problems() else { panic!("{errors}") };
    assert_eq!(first.to_string(), "d.toml:2:27: A of a.example.org is declared twice at the account \"base\"");
    assert_eq!(first.also.as_ref().unwrap().place.to_string(), "d.toml:2:10");
    let expected = "conf.d/base.toml:6:8: A and AAAA of base.example.org are declared twice at the account \"base\"";
    assert_eq!(second.to_string(), expected);
    let also = second.also.as_ref().unwrap();
    assert_eq!((also.place.to_string().as_str(), also.message.as_str()), ("d.toml:6:8", "first declared here"));
}

#[test]
fn what_is_given_twice_points_at_both() {
    for (text, again, first) in [
        ("[account.z]\nprovider = \"cloud\"\n# [account.z]\n[ account . z ] # again\n", "4:13", "d.toml:1:1"),
        ("[web]\nlisten = \"a\"\n[defaults]\n  ttl = 300\ncheck = \"5m\"\nttl = 60\n", "6:1", "d.toml:4:3"),
        ("ttl = 3\n[defaults]\nttl = 300\nttl = 60\n", "4:1", "d.toml:3:1"),
    ] {
        let errors = load(&file(text)).unwrap_err();
        let said = format!("d.toml:{again}: this key is given twice in one table");
        let problem = errors.problems().iter().find(|problem| problem.to_string() == said).unwrap();
        assert_eq!(problem.also.as_ref().unwrap().place.to_string(), first, "{text}");
    }
    let errors = load(&file("x = { a = 1, a = 2 }\n")).unwrap_err();
    assert_eq!(errors.problems()[0].also, None, "a table of one line");
}

#[test]
fn help_names_the_nearest_word() {
    let helps = |text: &str| -> Vec<Option<String>> {
        load(&above_base(text)).unwrap_err().problems().iter().map(|problem| problem.help.clone()).collect()
    };
    let cases = [
        ("sate_dir = \"/x\"", "did you mean `state_dir`?"),
        ("[defaults]\ntll = 300", "did you mean `ttl`?"),
        (
            "[defaults]\ncolour = 300",
            "known keys that are not used here: `ttl`, `check`, `verify_interval`, `echo_interval`",
        ),
        ("[defaults]\ncheck = 300", "write the unit: \"300s\" for seconds"),
        ("[defaults]\ncheck = 5", "write the unit: \"5m\" for minutes"),
        ("[defaults]\necho_interval = 5", "write the unit: \"5h\" for hours"),
        ("[account.a]\nprovider = \"smaple\"", "did you mean `sample`?"),
        ("[account.a]\nprovider = \"route99\"", "known providers: `sample`, `cloud`"),
        ("[account.a]\nprovider = \"sample\"\ntoken_file = \"/t\"\nchoice = \"rde\"", "did you mean \"red\"?"),
        ("[[record]]\nname = \"a.example.org\"\naccount = \"bsae\"", "did you mean `base`?"),
        ("[[record]]\nname = \"a.example.org\"\naccount = \"base\"\naddress = \"defualt\"", "did you mean `default`?"),
        ("[address.wan]\nipv4 = \"interfaces\"", "did you mean \"interface\"?"),
        ("[address.wan]\nipv4 = { intreface = \"eth0\" }", "did you mean `interface`?"),
        ("[address.wan]\nipv4 = \"https://a.example\"", "for one echo service write { https = \"https://…\" }"),
    ];
    for (text, expected) in cases {
        assert!(helps(text).contains(&Some(expected.to_owned())), "{text}: {:?}", helps(text));
    }
}

#[test]
fn all_errors_come_at_once_and_in_order() {
    let text =
        "[defaults]\nttl = \"x\"\n[[record]]\naccount = \"bsae\"\n[account.a]\nprovider = \"sample\"\nnumber = 0";
    let expected = [
        "2:7: `ttl` expects a whole number from 0 to 2147483647 or \"keep\", found text",
        "3:1: the record has no `name`",
        "4:11: there is no account \"bsae\"",
        "5:10: the account \"a\" at sample needs `token`",
        "7:10: `number`: the number must be from 1 to 20",
    ];
    assert_eq!(errors(&above_base(text)), expected);
    let both = files(&[("d.toml", "a = "), ("e.toml", "b = ")]);
    let places: Vec<String> =
        load(&both).unwrap_err().problems().iter().map(|problem| problem.place.as_ref().unwrap().to_string()).collect();
    assert_eq!(places, ["d.toml:1:5", "e.toml:1:5"]);
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let text = "[account.a]\nprovider = \"sample\"\n[[record]]\nname = \"base.example.org\"\naccount = \"bsae\"";
    let shown = load(&above_base(text)).unwrap_err().render(false);
    let expected = "\
error: the account \"a\" at sample needs `token`
 --> d.toml:1:10
  |
1 | [account.a]
  |          ^
  |
help: `token`: the token of the control panel

error: there is no account \"bsae\"
 --> d.toml:5:11
  |
5 | account = \"bsae\"
  |           ^^^^^^
  |
help: did you mean `base`?";
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    assert!(shown.join("\n").contains(expected), "{}", shown.join("\n"));
    assert!(load(&above_base(text)).unwrap_err().render(true).contains("\u{1b}["));
}

#[test]
fn a_secret_in_the_line_is_left_out_and_the_place_stays_right() {
    let text = "account.a = { provider = \"sample\", token = \"a much longer secret\", flag = 1 }";
    let problem = load(&above_base(text)).unwrap_err().problems().last().unwrap().render(false);
    let column = text.find("1 }").unwrap() + 1;
    assert!(problem.contains(&format!("d.toml:1:{column}\n")), "{problem}");
    let (line, mark) = problem.split_once("flag = 1").unwrap();
    let line = line.lines().last().unwrap();
    assert_eq!(line, "1 | account.a = { provider = \"sample\", token = ***, ");
    assert_eq!(mark.lines().nth(1).unwrap().find('^'), Some(line.len() + "flag = ".len()));
}

#[test]
fn wide_and_many_octet_characters_count_as_one() {
    let shown = load(&above_base("\"ü\" = 1\n[log]\nlevel = { \"日本\" = 2, x = 1 }")).unwrap_err().render(false);
    assert!(shown.contains("d.toml:1:1\n") && shown.contains("d.toml:3:9\n"), "{shown}");
    let shown =
        load(&above_base("[address.wan]\nipv4 = { \"日本\" = 2, file = \"/x\", x = 1 }")).unwrap_err().render(false);
    assert!(shown.contains("d.toml:2:10\n") && shown.contains("d.toml:2:33\n"), "{shown}");
}

#[test]
fn problems_are_data_too() {
    let errors = load(&file("[defaults]\ntll = 1")).unwrap_err();
    let data = serde_json::to_value(&errors).unwrap();
    assert_eq!(
        data,
        serde_json::json!([{
            "severity": "error",
            "at": { "origin": { "file": "d.toml" }, "line": 2, "column": 1 },
            "message": "`tll` is not a key of [defaults]",
            "help": "did you mean `ttl`?",
            "also": null,
        }])
    );
}
