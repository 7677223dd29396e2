//! Every cell of word, status and writing; and that nothing else is ever a success.

use proptest::prelude::*;

use super::*;

const ADDRESS: &str = "192.0.2.1";

fn names(count: usize) -> Vec<Name> {
    (0..count).map(|at| Name::parse(&format!("n{at}.example.org")).unwrap()).collect()
}

fn sent() -> [IpAddr; 2] {
    [ADDRESS.parse().unwrap(), "2001:db8::1".parse().unwrap()]
}

/// The answers as kinds.
fn kinds(status: u16, body: impl AsRef<[u8]>, count: usize) -> Vec<Result<Applied, Kind>> {
    let answers = parse(status, None, body.as_ref(), &names(count), &sent(), "");
    answers.into_iter().map(|answer| answer.map_err(|error| error.kind)).collect()
}

fn one(body: impl AsRef<[u8]>) -> Result<Applied, Kind> {
    kinds(200, body, 1).remove(0)
}

/// What a status says where no word does.
const STATUSES: [(u16, Kind); 10] = [
    (200, Kind::Transient),
    (204, Kind::Transient),
    (302, Kind::Transient),
    (400, Kind::Transient),
    (401, Kind::Auth { scope: Scope::Account }),
    (403, Kind::Auth { scope: Scope::RecordSet }),
    (404, Kind::Transient),
    (429, Kind::RateLimited { after: None }),
    (500, Kind::Transient),
    (503, Kind::Transient),
];

fn spoken(status: u16) -> Kind {
    STATUSES.iter().find(|(code, _)| *code == status).unwrap().1
}

fn limited(minutes: u64) -> Kind {
    Kind::RateLimited { after: Some(Duration::from_secs(60 * minutes)) }
}

/// The table of the protocol, written out a second time.
fn table() -> Vec<(&'static str, Result<Applied, Kind>)> {
    let account = Kind::Auth { scope: Scope::Account };
    let service = Kind::Auth { scope: Scope::Service };
    let config = ["!active", "!donator", "!yours", "badparam", "badsys", "nohost", "notfqdn", "numhost"];
    let mut table: Vec<_> = config.map(|word| (word, Err(Kind::Config))).into();
    table.extend([
        ("911", Err(limited(30))),
        ("abuse", Err(Kind::Abuse)),
        ("badagent", Err(service)),
        ("badauth", Err(account)),
        ("dnserr", Err(limited(30))),
        ("good", Ok(Applied::Done)),
        ("good 192.0.2.1", Ok(Applied::Done)),
        ("good 192.0.2.1,2001:db8::1", Ok(Applied::Done)),
        ("good 192.0.2.1, 2001:DB8:0::1", Ok(Applied::Done)),
        ("good 2001:db8::1", Ok(Applied::Done)),
        ("good 127.0.0.1", Err(service)),
        ("good 192.0.2.2", Err(Kind::Transient)),
        ("good 192.0.2.1,2001:db8::2", Err(Kind::Transient)),
        ("good (192.0.2.2)", Err(Kind::Transient)),
        ("nochg", Ok(Applied::Unchanged)),
        ("nochg 192.0.2.1", Ok(Applied::Unchanged)),
        ("nochg 2001:db8::1,192.0.2.1", Ok(Applied::Unchanged)),
        ("nochg 192.0.2.2", Err(Kind::Transient)),
        ("nochg 127.0.0.1", Err(Kind::Transient)),
    ]);
    table
}

#[test]
fn a_word_means_the_same_whatever_the_status_and_however_it_is_written() {
    for (word, expected) in table() {
        for status in [200, 401, 403, 429, 500, 503] {
            let upper = word.to_uppercase();
            for written in [word, upper.as_str()] {
                let bodies = [
                    written.to_owned(),
                    format!("{written}\n"),
                    format!("{written}\r\n"),
                    format!("\u{feff}{written}"),
                    format!("\u{feff}{written}\r\n"),
                    format!("\r\n  {written}\t\r\n\r\n"),
                    format!("{written} - see the help"),
                    format!("{written}\tand more, of 198.51.100.7"),
                    format!("{written}\r\nThank you for using the service.\r\n"),
                ];
                for body in bodies {
                    // A success without an address is the word alone: "Good morning" is not one. What follows an address, or
                    // a refusal, is for people.
                    let more = body.contains(" - see") || body.contains("\tand");
                    let bare = ["good", "nochg"].contains(&word) && more;
                    let expected = if bare { Err(spoken(status)) } else { expected.clone() };
                    assert_eq!(kinds(status, &body, 1), [expected], "{status} {body:?}");
                }
            }
        }
    }
}

#[test]
fn without_a_known_word_the_status_speaks() {
    let bodies = [
        "",
        " \r\n",
        "\u{feff}",
        "ok",
        "not good",
        "goods",
        "good,192.0.2.1",
        "good:",
        "nochg1",
        "xgood 192.0.2.1",
        "w123",
        "wildcard",
        "911x",
        "Updated 1 host(s)",
        "[200 OK] good",
        "unknown\nbut\nlong",
        "<html>\ngood 192.0.2.1\n</html>",
        "\u{feff}<!DOCTYPE html>\r\nbadauth\r\n",
        " <br />\nabuse",
        "\0good",
        "g\u{200b}ood",
    ];
    for body in bodies {
        for (status, kind) in STATUSES {
            assert_eq!(kinds(status, body, 1), [Err(kind)], "{status} {body:?}");
            assert_eq!(kinds(status, body, 3), vec![Err(kind); 3], "{status} {body:?}");
        }
    }
}

#[test]
fn a_pause_is_as_long_as_the_service_asks_and_half_an_hour_at_least_for_911_and_dnserr() {
    let pause = |status, after: u64, body: &str| {
        let answers = parse(status, Some(Duration::from_secs(after)), body.as_bytes(), &names(1), &sent(), "");
        answers[0].as_ref().unwrap_err().kind
    };
    for word in ["911", "dnserr"] {
        for status in [200, 500, 503] {
            assert_eq!(pause(status, 60, word), limited(30));
            assert_eq!(pause(status, 7200, word), limited(120));
        }
    }
    assert_eq!(pause(429, 60, "slow down"), limited(1));
    assert_eq!(pause(503, 60, "<html>"), limited(1));
    assert_eq!(pause(500, 60, "<html>"), Kind::Transient);
    assert_eq!(pause(503, 60, "badauth"), Kind::Auth { scope: Scope::Account });
}

#[test]
fn each_name_gets_its_own_line() {
    let body = "good 192.0.2.1,2001:db8::1\r\nnochg 192.0.2.1\r\nnohost\r\nabuse\r\nwhat\r\ngood 192.0.2.9";
    let expected = [
        Ok(Applied::Done),
        Ok(Applied::Unchanged),
        Err(Kind::Config),
        Err(Kind::Abuse),
        Err(Kind::Transient),
        Err(Kind::Transient),
    ];
    assert_eq!(kinds(200, body, 6), expected);
}

#[test]
fn a_word_about_account_or_service_said_once_is_for_all_names() {
    for (word, expected) in table() {
        let of_all =
            ["!active", "!donator", "911", "abuse", "badagent", "badauth", "badparam", "badsys", "dnserr", "numhost"];
        if of_all.contains(&word) || word == "good 127.0.0.1" {
            assert_eq!(kinds(200, word, 3), vec![expected; 3], "{word}");
        }
    }
    assert_eq!(kinds(200, "good\n911", 3), [Ok(Applied::Done), Err(limited(30)), Err(limited(30))]);
    let auth = Err(Kind::Auth { scope: Scope::Account });
    assert_eq!(kinds(200, "badauth\nThe password is wrong.\nGood bye", 3), [auth.clone(), auth.clone(), auth.clone()]);
    assert_eq!(kinds(200, "Welcome\nbadauth", 2), [auth.clone(), auth]);
}

#[test]
fn names_beyond_the_last_line_are_failures() {
    assert_eq!(kinds(200, "good", 3), [Ok(Applied::Done), Err(Kind::Transient), Err(Kind::Transient)]);
    assert_eq!(kinds(200, "nohost", 2), [Err(Kind::Config), Err(Kind::Transient)]);
    assert_eq!(kinds(200, "good\nabuse", 3), [Ok(Applied::Done), Err(Kind::Abuse), Err(Kind::Transient)]);
}

#[test]
fn more_words_than_names_are_a_success_only_if_all_are() {
    assert_eq!(kinds(200, "good 192.0.2.1\ngood 2001:db8::1", 1), [Ok(Applied::Done)]);
    assert_eq!(kinds(200, "good 192.0.2.1\nnohost", 1), [Err(Kind::Config)]);
    assert_eq!(kinds(200, "good 192.0.2.1\ngood 192.0.2.9", 1), [Err(Kind::Transient)]);
    assert_eq!(kinds(200, "good\ngood\nnohost\nnohost", 2), [Err(Kind::Transient), Err(Kind::Transient)]);
    let auth = Err(Kind::Auth { scope: Scope::Account });
    assert_eq!(kinds(200, "good\ngood\nbadauth", 2), [auth.clone(), auth]);
    assert_eq!(kinds(200, "good\nnochg\nwhat a day", 2), [Ok(Applied::Done), Ok(Applied::Unchanged)]);
}

#[test]
fn an_address_further_on_in_the_line_is_for_people() {
    assert_eq!(one("good 192.0.2.1 (was 192.0.2.7)"), Ok(Applied::Done));
    assert_eq!(one("good [2001:db8::1]"), Ok(Applied::Done));
    assert_eq!(one("good 192.0.2.1<br>"), Ok(Applied::Done));
    assert_eq!(one("good 2001:db8::1/64"), Ok(Applied::Done));
    assert_eq!(one("good 192.0.2.2<br>"), Err(Kind::Transient));
}

#[test]
fn errors_say_what_to_do_and_never_show_the_answer() {
    let said = |body: &str| {
        parse(200, None, body.as_bytes(), &names(1), &sent(), ": it begins \"x\"")[0].as_ref().unwrap_err().to_string()
    };
    assert_eq!(
        said("nohost"),
        "updating n0.example.org: the account has no such name (nohost) (create the name at the service first)"
    );
    assert!(said("what?").contains("has no known word for this name: it begins \"x\" (see server"));
    for body in ["hunter2 is wrong", "<p>hunter2</p>", "nohost hunter2", "badauth hunter2", "good 192.0.2.9 hunter2"] {
        assert!(!said(body).contains("hunter2"), "{body}");
    }
}

#[test]
fn a_status_that_is_an_error_is_said_first_and_nothing_is_advised_that_cannot_help() {
    let said = |status, body: &str| {
        parse(status, None, body.as_bytes(), &names(1), &sent(), "")[0].as_ref().unwrap_err().to_string()
    };
    for status in [404, 500, 503] {
        for body in ["", "<p>oops</p>", "oops", "oops\nagain"] {
            let said = said(status, body);
            assert!(said.starts_with(&format!("updating n0.example.org: HTTP {status}, ")), "{said}");
            assert!(!said.contains("names_per_request") && !said.contains("1 lines"), "{said}");
        }
    }
    assert!(said(200, "oops").contains("(status 200, 4 octets, 1 line) has no known word"), "{}", said(200, "oops"));
}

#[test]
fn the_words_are_in_order_and_said_once() {
    assert!(REFUSALS.windows(2).all(|pair| pair[0].word < pair[1].word));
}

/// Whether a line of the body starts with `good` or `nochg`, found without the parser's own means.
fn success_lines(body: &[u8]) -> usize {
    let body = body.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(body);
    let lines = body.split(|octet| matches!(octet, b'\r' | b'\n')).map(<[u8]>::trim_ascii);
    let words = lines.map(|line| line.split(u8::is_ascii_whitespace).next().unwrap_or_default().to_ascii_lowercase());
    words.filter(|word| word == b"good" || word == b"nochg").count()
}

proptest! {
    #[test]
    fn no_bytes_are_a_success_unless_a_line_starts_with_good_or_nochg(
        body in proptest::collection::vec(any::<u8>(), 0..200), status in 100..600u16, count in 1..5usize,
    ) {
        let answers = kinds(status, &body, count);
        prop_assert_eq!(answers.len(), count);
        prop_assert!(answers.iter().filter(|answer| answer.is_ok()).count() <= success_lines(&body));
    }

    #[test]
    fn no_mixture_of_words_is_a_success_unless_a_line_starts_with_good_or_nochg(
        parts in proptest::collection::vec(
            "good|nochg|GOOD|not good|[a-z]?good[a-z]?|badauth|911|nohost|abuse| 192\\.0\\.2\\.[12]|,2001:db8::1|\r\n|\n|\r| |\t|<|\u{feff}|[!-~]{1,6}",
            0..16,
        ),
        status in prop_oneof![Just(200u16), Just(401), Just(500)],
        count in 1..5usize,
    ) {
        let body = parts.concat();
        let answers = kinds(status, &body, count);
        prop_assert_eq!(answers.len(), count);
        prop_assert!(answers.iter().filter(|answer| answer.is_ok()).count() <= success_lines(body.as_bytes()));
    }
}
