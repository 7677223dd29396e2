//! Channels: what is told to whom, and what is wrong with it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::model::news::Kind;
use crate::model::news::teller::Wish;
use crate::notify;

const HOUR: Duration = Duration::from_secs(3600);

/// A complete file with this channel.
fn channel(lines: &str) -> String {
    format!("[notify.phone]\n{lines}\n{BASE}")
}

#[test]
fn a_channel_is_told_everything_unless_something_else_is_said() {
    let config = loaded(&file(&channel("type = \"ntfy\"\nurl = { file = \"/run/topic\" }")));
    let phone = &config.channels["phone"];
    assert_eq!(phone.entry.name, "ntfy");
    assert_eq!(phone.wish, Wish::News { events: Kind::ALL.into(), after: HOUR, limit: 10 });
    let some = "type = \"gotify\"\nurl = \"https://push.example.org\"\ntoken = { file = \"/run/t\" }\npriority = 8\n\
                events = [\"recovered\", \"held\"]\nafter = \"10m\"\nlimit = 3";
    let config = loaded(&file(&channel(some)));
    let events = BTreeSet::from([Kind::Held, Kind::Recovered]);
    assert_eq!(config.channels["phone"].wish, Wish::News { events, after: HOUR / 6, limit: 3 });
    assert_eq!(config.channels["phone"].settings.number("priority"), Some(8));
    let config = loaded(&file(&channel("type = \"healthchecks\"\nurl_file = \"/run/ping\"\nevery = \"10m\"")));
    assert_eq!(config.channels["phone"].wish, Wish::Beat { after: HOUR, every: HOUR / 6, silent: false });
    let config = loaded(&file(&channel("type = \"heartbeat\"\nurl_file = \"/run/ping\"")));
    assert!(matches!(config.channels["phone"].wish, Wish::Beat { silent: true, .. }));
    assert_eq!(loaded(&file(BASE)).channels.len(), 0);
}

#[test]
fn a_channel_can_be_spelt_by_variables() {
    let input = variables(&[
        ("DRIFTLESS__NOTIFY__PHONE__TYPE", "ntfy"),
        ("DRIFTLESS__NOTIFY__PHONE__URL_FILE", "/run/secrets/topic"),
        ("DRIFTLESS__NOTIFY__PHONE__EVENTS", "held, recovered"),
    ]);
    let config = loaded(&Input { variables: input.variables, ..file(BASE) });
    assert!(matches!(&config.channels["phone"].wish, Wish::News { events, .. } if events.len() == 2));
}

#[test]
fn what_is_wrong_with_a_channel_is_said_with_its_place() {
    for (lines, says) in [
        ("url = { file = \"/run/t\" }", "1:9: the channel \"phone\" has no `type`"),
        ("type = \"ntfi\"", "2:8: there is no type of channel \"ntfi\""),
        ("type = \"ntfy\"", "1:9: the channel \"phone\" of the type ntfy needs `url`"),
        (
            "type = \"ntfy\"\nurl_file = \"/run/t\"\nprio = 3",
            "4:1: `prio` is not a key of the channel \"phone\" of the type ntfy",
        ),
        ("type = \"ntfy\"\nurl_file = \"/run/t\"\npriority = 6", "4:12: `priority`: the number must be from 1 to 5"),
        (
            "type = \"ntfy\"\nurl_file = \"/run/t\"\nevents = [\"hold\"]",
            "4:11: `events` is one of \"held\", \"failing\", \"unknown\", \"behind_carrier_nat\", \"recovered\" and \
             \"changed\", not \"hold\"",
        ),
        ("type = \"ntfy\"\nurl_file = \"/run/t\"\nafter = \"1s\"", "4:9: `after`: the duration must be from 1m to 30d"),
        (
            "type = \"healthchecks\"\nurl_file = \"/run/t\"\nevents = [\"held\"]",
            "4:1: `events` is not a key of the channel \"phone\" of the type healthchecks",
        ),
        (
            "type = \"exec\"\ncommand = [\"script\"]",
            "3:11: `command`: the program must be an absolute path: it starts with \"/\"",
        ),
    ] {
        let errors = Config::load_with(&file(&channel(lines)), &PROVIDERS).unwrap_err();
        let said: Vec<String> = errors.problems().iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|said| said.ends_with(says)), "{lines}: {said:#?}");
    }
}

#[test]
fn settings_that_do_not_fit_together_are_said_before_anything_is_sent() {
    let tools = notify::Tools { http: Http::new(None), environment: Vec::new() };
    for (lines, says) in [
        (
            "type = \"ntfy\"\nurl = \"https://ntfy.sh/a b\"",
            "3:7: the channel \"phone\" of the type ntfy: url: the URL ends in",
        ),
        (
            "type = \"webhook\"\nurl = \"hunter2\"",
            "3:7: the channel \"phone\" of the type webhook: url: this is no URL",
        ),
        (
            "type = \"webhook\"\nurl_file = \"/run/t\"\nbody = '''\n{\"a\": {text}}'''",
            "the channel \"phone\" of the type webhook: body: filled in, it is no JSON",
        ),
        (
            "type = \"exec\"\ncommand = [\"/bin/true\"]\ntimeout = \"2m\"",
            "4:11: the channel \"phone\" of the type exec: timeout: a program has at most 60 seconds",
        ),
    ] {
        let config = loaded(&file(&channel(lines)));
        let errors = config.check_channels(&tools).map(|_| ()).unwrap_err();
        let said = errors.problems()[0].to_string();
        assert!(said.contains(says) && !errors.render(false).contains("hunter2"), "{lines}: {said}");
    }
}

#[test]
fn no_excerpt_shows_what_may_be_a_secret_of_a_channel() {
    for text in [
        "[notify.phone]\ntype = \"ntfy\"\nurl = \"hunter2\"\nurll = \"hunter2\"\n",
        "[notify.phone]\ntype = \"webhook\"\nsecret_heder = \"hunter2\"\n",
        "[notify.phone]\nurl = \"hunter2\n",
        "notify.phone.url = \"hunter2\n",
        "[notify]\nurl = \"hunter2\"\n",
    ] {
        let errors = Config::load_with(&file(text), &PROVIDERS).unwrap_err();
        assert!(!errors.render(false).contains("hunter2"), "{}", errors.render(false));
    }
}

#[test]
fn who_names_no_type_is_told_which_there_are() {
    let errors = Config::load(&file(&channel("url = { file = \"/run/t\" }"))).unwrap_err();
    let help = errors.problems().iter().find_map(|problem| problem.help.clone()).unwrap_or_default();
    assert!(help.starts_with("known types of channel: "), "{help}");
}
