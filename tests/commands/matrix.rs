//! Everything that can be wrong, for each command at each service: it is said in words, with the right exit code, and nothing is
//! half-done.

use super::desk::Desk;
use super::http::{Answer, Fault};
use super::services::Start;

/// What is wrong wherever it is typed: the words, the exit code, and what is said.
const WRONG: &[(&str, i32, &str)] = &[
    // Names.
    ("zones add a..b", 64, "two dots in a row"),
    ("zones remove -- -a.org", 64, "starts or ends with a hyphen"),
    ("records list --name a..b", 64, "two dots in a row"),
    ("records show a/b", 64, "a name cannot contain '/'"),
    ("records add a..b A 192.0.2.9", 64, "two dots in a row"),
    ("records update a/b --ttl 300", 64, "a name cannot contain '/'"),
    ("records remove a/b --yes", 64, "a name cannot contain '/'"),
    ("records show gone.example.org", 78, "has no record with name gone.example.org"),
    ("records update gone.example.org --ttl 300", 78, "has no record with name gone.example.org"),
    ("records remove gone.example.org --yes", 78, "has no record with name gone.example.org"),
    // Zones.
    ("zones remove exampl.org --yes", 78, "did you mean example.org?"),
    ("zones remove example.org --id nosuchid --yes", 78, "has not the id nosuchid"),
    ("records list --zone exampl.org", 78, "did you mean example.org?"),
    ("records list --name www.example.net", 78, "no zone that www.example.net lies in"),
    ("records show www.example.net", 78, "no zone that www.example.net lies in"),
    ("records show www.example.org --zone sub.example.org", 64, "does not lie in the zone"),
    ("records add www.example.net A 192.0.2.9", 78, "no zone that www.example.net lies in"),
    ("records add new.example.org A 192.0.2.9 --zone example.net", 64, "does not lie in the zone"),
    ("records add new.example.org A 192.0.2.9 --zone org", 78, "has no zone org"),
    ("records update www.example.net --ttl 300", 78, "no zone that www.example.net lies in"),
    ("records update www.example.org --zone org --ttl 300", 78, "has no zone org"),
    ("records remove www.example.net --yes", 78, "no zone that www.example.net lies in"),
    // Types.
    ("records list --type AX", 64, "not a record type known here"),
    ("records show www.example.org AX", 64, "not a record type known here"),
    ("records add new.example.org AX 1", 64, "not a record type known here"),
    ("records update www.example.org AX 1", 64, "not a record type known here"),
    ("records remove www.example.org AX --yes", 64, "not a record type known here"),
    ("records remove www.example.org TXT --yes", 78, "has no record with name www.example.org, type TXT"),
    // TTLs.
    ("records add new.example.org A 192.0.2.9 --ttl 1h", 64, "a TTL is a number of seconds"),
    ("records add new.example.org A 192.0.2.9 --ttl=-1", 64, "a TTL is a number of seconds"),
    ("records update www.example.org --ttl 4294967295", 64, "a TTL is at most"),
    ("zones add example.net --ttl 1h", 64, "a TTL is a number of seconds"),
    // What stands there.
    ("records add www.example.org CNAME www.example.net", 78, "a name with a CNAME can have no other record"),
    // Values.
    ("records add new.example.org A 192.0.2.999", 64, "is no IPv4 address"),
    ("records add new.example.org AAAA 192.0.2.9", 64, "is no IPv6 address"),
    ("records add new.example.org A 192.0.2.9 192.0.2.9", 64, "given twice"),
    ("records add new.example.org TXT ~", 64, "a value is empty"),
    ("records add new.example.org TXT \"open", 64, "does not end with one"),
    ("records add new.example.org TXT \"a\"~b~\"c\"", 64, "only spaces"),
    ("records update www.example.org TXT \"open", 64, "does not end with one"),
    ("records add new.example.org A", 64, "VALUE"),
    ("records update www.example.org A 2001:db8::1", 64, "is no IPv4 address"),
    ("records update www.example.org A", 64, "nothing to change was named"),
    ("records update www.example.org 192.0.2.9", 64, "the order is NAME TYPE VALUE"),
    ("records update --id 1 192.0.2.9", 64, "give NAME TYPE VALUE"),
    ("records remove www.example.org A mail --yes", 64, "is no IPv4 address"),
    ("records remove www.example.org A 192.0.2.9 --yes", 78, "192.0.2.9 is not there"),
    // Attributes.
    ("records add new.example.org A 192.0.2.9 --set x", 64, "key=value"),
    ("records add new.example.org A 192.0.2.9 --set colour=red", 78, "no attribute \"colour\""),
    ("records add new.example.org MX mail.example.org --priority 70000", 64, "70000"),
    ("records update www.example.org --set colour=red", 78, "no attribute \"colour\""),
    // Ids.
    ("records show --id nosuchid", 78, "nosuchid"),
    ("records show --zone example.org --id nosuchid", 78, "id"),
    ("records update --id nosuchid --ttl 300", 78, "nosuchid"),
    ("records update --zone example.org --id nosuchid --ttl 300", 78, "id"),
    ("records remove --id nosuchid --yes", 78, "nosuchid"),
    ("records remove --zone example.org --id nosuchid --yes", 78, "id"),
    ("records remove --id ../../zones --yes", 78, "id"),
    ("records remove --id %2e%2e --yes", 78, "id"),
    ("records remove --id= --yes", 78, "id"),
    // What is missing.
    ("records remove www.example.org", 64, "say --yes"),
    ("records show", 64, "which record is meant? Give its NAME"),
    ("records update --ttl 300", 64, "which record is meant? Give its NAME"),
    ("records remove --yes", 64, "which record is meant? Give its NAME"),
    ("zones list --account that", 78, "there is no account \"that\""),
];

/// What is typed wrong is said, and nothing is written.
pub async fn wrong_input(start: Start) {
    let desk = Desk::before(start).await;
    let before = desk.held();
    for (words, code, says) in WRONG.iter().chain(desk.service.wrong) {
        let mark = desk.mark();
        desk.run(words).await.fails(*code, says, &desk.service.secret);
        assert_eq!(desk.held(), before, "{words}");
        // What a template wants only the service knows: it is asked, and refuses.
        assert!(desk.writes(&desk.since(mark)) <= usize::from(words.starts_with("pocketdns")), "{words}");
        // What the command line itself does not refuse, the service's rules do, at a look as well.
        let changes = ["records add", "records update", "zones add"].iter().any(|command| words.starts_with(command));
        if changes && *code == 78 {
            let mark = desk.mark();
            desk.run(&format!("{words} --dry-run")).await.fails(*code, says, &desk.service.secret);
            assert_eq!(desk.writes(&desk.since(mark)), 0, "{words}");
        }
    }
    desk.is_correct();
}

/// The commands that ask the service; `ID` stands for the id of the record that is there.
fn commands(desk: &Desk) -> Vec<&'static str> {
    let mut commands = vec![
        "zones list",
        "records list",
        "records list --zone example.org",
        "records show www.example.org A",
        "records show --id ID",
        "records add new.example.org A 192.0.2.9",
        "records update www.example.org A 192.0.2.9",
        "records update --id ID --ttl 300",
        "records remove www.example.org A --yes",
    ];
    commands.extend(desk.service.asks.1);
    if let Ok(words) = desk.service.add_zone {
        commands.extend([words, "zones remove sub.example.org --yes"]);
    }
    commands
}

/// A wrong secret, and one that cannot be read, is refused for every command.
pub async fn wrong_credentials(start: Start) {
    let desk = Desk::before(start).await;
    let (before, id) = (desk.held(), desk.id().await);
    let wrong: String = desk.service.secret.chars().rev().collect();
    for secret in [&*wrong, "", "two\nlines"] {
        desk.secret(secret);
        // The first is refused by the service, whoever asks; the others never leave this machine.
        let commands = commands(&desk);
        let some = if secret == wrong { &commands[..] } else { &commands[..1] };
        for words in some {
            let said = desk.run(&words.replace("ID", &id)).await.fails(77, "it", &desk.service.secret);
            assert!(!said.err.contains(&wrong), "{said:?}");
        }
    }
    assert_eq!(desk.held(), before);
}

/// An answer that is none, to each of the calls that a command makes, one after the other.
pub async fn wrong_answers(start: Start) {
    let page = |body: Vec<u8>| Fault::answer(Answer::new(200, body).with("Content-Type", "text/html"));
    let answers = [
        (page(b"{\"success\": \"yes\", \"records\": [{\"id\": \"1\", \"na".to_vec()), "not understood"),
        (page(Vec::new()), "answer "),
        (page(b"<html><body>busy</body></html>".to_vec()), "not understood"),
        (page(vec![b' '; 10 << 20]), "longer than"),
    ];
    let commands = commands(&Desk::before(start).await);
    for command in commands {
        let (mut desk, mut words) = prepared(start, command).await;
        let mut before = desk.held();
        'calls: for spared in 0.. {
            for (answer, says) in &answers {
                let mark = desk.mark();
                desk.fault_after(spared, answer.clone());
                let said = desk.run(&words).await;
                let all_met = desk.service.emulator.server().is_spent();
                desk.service.emulator.server().calm();
                if !all_met {
                    // It makes no more calls than those that were spared.
                    said.ends(0, &[]);
                    break 'calls;
                }
                let asked = desk.since(mark);
                if asked.get(spared).is_some_and(|exchange| desk.service.emulator.is_aside(&exchange.request)) {
                    said.ends(0, &[]);
                    (desk, words) = prepared(start, command).await;
                    before = desk.held();
                    continue 'calls;
                }
                said.fails(75, says, &desk.service.secret);
                let written = desk.writes(asked.split_last().map_or(&[][..], |(_, before)| before));
                if written > 0 {
                    // The change was made, and what shows it was not understood.
                    break 'calls;
                }
                assert_eq!(desk.held(), before, "{words}, call {spared}");
            }
        }
    }
}

/// A desk before a service with what a command needs there, and the command.
async fn prepared(start: Start, command: &str) -> (Desk, String) {
    let desk = Desk::before(start).await;
    for words in desk.service.asks.0 {
        desk.run(words).await.ends(0, &[]);
    }
    let words = command.replace("ID", &desk.id().await);
    (desk, words)
}

/// Each refusal that the service documents, to a list and to an addition.
pub async fn refusals(start: Start) {
    let desk = Desk::before(start).await;
    let before = desk.held();
    let (list, add) = ("records list --zone example.org", "records add new.example.org A 192.0.2.9");
    let mark = desk.mark();
    desk.run(list).await.ends(0, &[]);
    // The list is the last call of the one, and an addition asks the same before it adds.
    let calls = desk.since(mark).len();
    for (answer, to_list, to_add, says) in &desk.service.refusals {
        for (words, spared, code) in [(list, calls - 1, to_list), (add, calls, to_add)] {
            desk.fault_after(spared, Fault::answer(answer.clone()));
            desk.run(words).await.fails(*code, says, &desk.service.secret);
            assert!(desk.service.emulator.server().is_spent(), "{words}");
            assert_eq!(desk.held(), before, "{words}: {says}");
        }
    }
    desk.is_correct();
}

/// One zone may not be read: the others are listed, and the exit code says that something is missing. A removal does not guess.
pub async fn one_zone_forbidden(start: Start) {
    let desk = Desk::before(start).await;
    let before = desk.held();
    let forbidden = || Fault::answer(Answer::new(403, "{\"error\":\"forbidden\"}")).on("/dom_abc124/dns");
    desk.service.emulator.server().faults(2, &forbidden());
    let said = desk.run("records list").await.ends(77, &["www.example.org", "sub.example.org: ", "forbidden"]);
    assert!(!said.out.contains("no records"), "{said:?}");
    desk.service.emulator.server().calm();
    desk.service.emulator.server().fault(forbidden());
    desk.run("records remove --name *.example.org --yes").await.fails(77, "forbidden", &desk.service.secret);
    assert_eq!(desk.held(), before);
    desk.is_correct();
}

/// A CNAME stands where the configuration wants an address: `plan` says so, and the daemon sends nothing. Once it is gone the
/// address comes.
pub async fn planned(start: Start) {
    let desk = Desk::before(start).await;
    desk.run("records add home.example.org CNAME www.example.org").await.ends(0, &[]);
    desk.declare("name = \"home.example.org\"\nipv4 = \"192.0.2.9\"\nipv6 = \"off\"\nprivate = true\nttl = 300\n");
    let (before, mark) = (desk.held(), desk.mark());
    let rule = "a name with a CNAME can have no other record";
    desk.run("plan").await.ends(78, &["would be refused", rule, "0 of 1 record sets would change"]);
    desk.run("once").await.ends(78, &[rule]);
    assert_eq!((desk.held(), desk.writes(&desk.since(mark))), (before, 0));
    desk.run("records remove home.example.org CNAME --yes").await.ends(0, &[]);
    desk.run("release --all").await.ends(0, &[]);
    desk.run("plan").await.ends(0, &["1 of 1 record sets would change"]);
    desk.run("once").await.ends(0, &[]);
    desk.run("records show home.example.org A").await.ends(0, &["192.0.2.9"]);
    desk.is_correct();
}

/// The service wants a pause of a second, to a question and to a change: it is waited for, and the change is made once.
pub async fn pauses(start: Start) {
    let desk = Desk::before(start).await;
    let pause = || Fault::answer(Answer::new(429, "").with("Retry-After", "1"));
    let (list, add) = ("records list --zone example.org", "records add new.example.org A 192.0.2.9");
    let mark = desk.mark();
    desk.run(list).await.ends(0, &[]);
    let calls = desk.since(mark).len();
    for (words, spared) in [(list, calls - 1), (add, calls)] {
        desk.fault_after(spared, pause());
        desk.run(words).await.ends(0, &["the service wants a pause, going on in 1 s"]);
        assert!(desk.service.emulator.server().is_spent(), "{words}");
    }
    let added = desk.json("records list --name new.example.org").await;
    assert_eq!(added["records"].as_array().unwrap().len(), 1);
    desk.is_correct();
}

/// A person ends a change that takes long: what the service goes on with is said, and how to look.
pub async fn interrupted(start: Start) {
    let desk = Desk::before(start).await;
    let mark = desk.mark();
    desk.run("records list --zone example.org").await.ends(0, &[]);
    let calls = desk.since(mark).len();
    desk.fault_after(calls, Fault::late(std::time::Duration::from_secs(6)));
    let words = "records add new.example.org A 192.0.2.9";
    let said = desk.interrupted(words, "so far)").await;
    said.ends(
        130,
        &["interrupted, and nothing of it is taken back", "driftless records list shows", "added: 0 record", ", 1 not"],
    );
}

/// TXT is one text at every service, typed with or without quotation marks, however the service writes it.
pub async fn texts(start: Start) {
    let desk = Desk::before(start).await;
    let long = "x".repeat(300);
    for (name, typed, text) in [
        ("one", "v=spf1~-all", "v=spf1 -all"),
        ("two", "\"v=spf1~\"~\"-all\"", "v=spf1 -all"),
        ("coded", "\"v\\061spf1\"", "v=spf1"),
        ("long", &long, &long),
    ] {
        let name = format!("{name}.example.org");
        let added = desk.json(&format!("records add {name} TXT {typed}")).await;
        let listed = desk.json(&format!("records list --name {name}")).await;
        for shown in [added, listed] {
            assert_eq!(shown["records"][0]["values"], serde_json::json!([text]), "{typed}: {shown}");
        }
        let mark = desk.mark();
        desk.run(&format!("records add {name} TXT {typed}")).await.ends(0, &["is there already"]);
        desk.run(&format!("records update {name} TXT {typed}")).await.ends(0, &["is there already"]);
        assert_eq!(desk.writes(&desk.since(mark)), 0, "{typed}");
    }
    // Spaces around a text belong to it, with quotation marks and without, and are seen.
    for (name, typed) in [("quoted", "\"~a~text~\""), ("bare", "~a~text~")] {
        let name = format!("{name}.example.org");
        desk.run(&format!("records add {name} TXT {typed}")).await.ends(0, &["added: 1 record", "\" a text \""]);
        assert_eq!(desk.json(&format!("records list --name {name}")).await["records"][0]["values"][0], " a text ");
        desk.run(&format!("records list --name {name}")).await.ends(0, &["\" a text \""]);
        desk.run(&format!("records list --name {name} --value a~text")).await.ends(0, &["no records"]);
        let mark = desk.mark();
        for words in [format!("add {name} TXT \"~a~text~\""), format!("update {name} TXT ~a~text~")] {
            desk.run(&format!("records {words}")).await.ends(0, &["is there already"]);
        }
        assert_eq!(desk.writes(&desk.since(mark)), 0);
        desk.run(&format!("records update {name} TXT --ttl 1800")).await.ends(0, &["\" a text \"", "1800"]);
        desk.run(&format!("records remove {name} TXT a~text --yes")).await.fails(78, "not there", &desk.service.secret);
        desk.run(&format!("records remove {name} TXT \"~a~text~\" --yes")).await.ends(0, &["removed: 1 record"]);
    }
    // A change of the TTL leaves the text alone.
    desk.run("records update two.example.org TXT --ttl 1800").await.ends(0, &["v=spf1 -all", "1800"]);
    desk.run("records remove two.example.org TXT \"v=spf1~-all\" --yes").await.ends(0, &["removed: 1 record"]);
    let quoted = desk.run("records add said.example.org TXT say~\"a\"").await;
    match desk.service.provider {
        "rackspace" => drop(quoted.fails(78, "quotation marks and backslashes are taken out", &desk.service.secret)),
        _ => drop(quoted.ends(0, &["say \"a\""])),
    }
    desk.is_correct();
}

/// What no service is to be sent, on its own or beside what is there: refused beforehand, at a look as well.
pub async fn never_sent(start: Start) {
    let desk = Desk::before(start).await;
    desk.run("records add alias.example.org CNAME one.example.net").await.ends(0, &["added: 1 record"]);
    let (before, mark) = (desk.held(), desk.mark());
    let defaults = desk.service.provider.starts_with("yandex");
    for (words, says) in [
        ("www.example.org CNAME one.example.net", "a name with a CNAME can have no other record"),
        ("alias.example.org A 192.0.2.9", "a name with a CNAME can have no other record"),
        ("alias.example.org TXT text", "a name with a CNAME can have no other record"),
        ("alias.example.org CNAME two.example.net", "is there already"),
        ("new.example.org CNAME one.example.net two.example.net", "a CNAME has one value"),
        ("new.example.org CNAME bad~host", "no host's name"),
        ("new.example.org CNAME new.example.org.", "would point to itself"),
        ("new.example.org CNAME 192.0.2.1", "is an address"),
        ("new.example.org NS 2001:db8::1", "is an address"),
        ("new.example.org MX 10~192.0.2.1", "is an address"),
        ("new.example.org MX 10~mail.example.org --priority 20", "given twice"),
        ("new.example.org SRV 5060~sip.example.org --priority 1", "priority weight port target"),
        ("new.example.org SRV 5~7~5060~sip.example.org --priority 3", "given twice"),
        ("new.example.org TXT \"\"", "is empty"),
        ("new.example.org MX mail.example.org", "needs a priority"),
    ] {
        if !(defaults && says == "needs a priority") {
            for more in ["", " --dry-run"] {
                desk.run(&format!("records add {words}{more}")).await.fails(78, says, &desk.service.secret);
            }
        }
    }
    for (words, says) in [
        ("alias.example.org CNAME alias.example.org", "would point to itself"),
        ("alias.example.org CNAME 192.0.2.1 --dry-run", "is an address"),
    ] {
        desk.run(&format!("records update {words}")).await.fails(78, says, &desk.service.secret);
    }
    assert_eq!((desk.held(), desk.writes(&desk.since(mark))), (before, 0));
    desk.run("records update alias.example.org CNAME two.example.net").await.ends(0, &["updated: 1 record"]);
    desk.is_correct();
}

/// The priority is one thing, in the value and beside it: what is added and changed by either is the same for both.
pub async fn one_priority(start: Start) {
    let desk = Desk::before(start).await;
    let srv = "_sip._tcp.example.org SRV";
    desk.run(&format!("records add {srv} 7~5060~sip.example.org --priority 5")).await.ends(0, &["added: 1 record"]);
    for (change, value) in [
        ("--priority 9", "9 7 5060 sip.example.org"),
        ("--set priority=8", "8 7 5060 sip.example.org"),
        ("6~8~5061~sip.example.org", "6 8 5061 sip.example.org"),
        ("8~5062~sip2.example.org", "6 8 5062 sip2.example.org"),
    ] {
        desk.run(&format!("records update {srv} {change} --dry-run")).await.ends(0, &["would be updated: 1 record"]);
        desk.run(&format!("records update {srv} {change}")).await.ends(0, &["updated: 1 record"]);
        let held = desk.json("records list --type srv").await["records"].clone();
        let (held, row) = (held.as_array().unwrap().len(), held[0].clone());
        let attribute = |name: &str| row["attributes"][name].as_str().map(str::to_owned);
        let parts = value.split(' ').collect::<Vec<_>>();
        let listed = row["values"][0].as_str().unwrap().trim_end_matches('.');
        assert!(held == 1 && value.ends_with(listed), "{change}: {row}");
        let front = parts.len() - listed.split(' ').count();
        for (at, name) in ["priority", "weight", "port"].iter().enumerate() {
            // What is not in the value is beside it; and what is in both is one.
            assert!(at >= front || attribute(name).is_some(), "{change}: {row}");
            assert!(attribute(name).is_none_or(|beside| beside == parts[at]), "{change}: {row}");
        }
        desk.run(&format!("records update {srv} {change}")).await.ends(0, &["is there already"]);
        // People see it alike at every service.
        let said = desk.run("records list --type srv").await.ends(0, &[value]);
        assert!(!["priority=", "port="].iter().any(|beside| said.out.contains(beside)), "{said:?}");
    }
    let (before, mark) = (desk.held(), desk.mark());
    let twice = format!("records update {srv} 5~7~5060~sip.example.org --set priority=3");
    for more in ["", " --dry-run"] {
        desk.run(&format!("{twice}{more}")).await.fails(78, "given twice", &desk.service.secret);
    }
    assert_eq!((desk.held(), desk.writes(&desk.since(mark))), (before, 0));
    desk.is_correct();
}

/// MX and SRV are found as zone files have them, in filters and in what is removed; a host has its last dot or not.
pub async fn zone_file_form(start: Start) {
    let desk = Desk::before(start).await;
    for words in ["MX 10~mail.example.org 20~mail2.example.org", "SRV 5~7~5060~sip.example.org"] {
        desk.run(&format!("records add _it._tcp.example.org {words}")).await.ends(0, &["added: "]);
    }
    let found = |pattern: &'static str| {
        let desk = &desk;
        async move {
            let listed = desk.json(&format!("records list --value {pattern}")).await;
            listed["records"].as_array().unwrap().len()
        }
    };
    for pattern in
        ["10~mail.example.org", "10~MAIL.example.org.", "mail2.example.org", "Mail2.example.org.", "*~5060~sip.*"]
    {
        assert_eq!(found(pattern).await, 1, "{pattern}");
    }
    assert_eq!((found("11~mail.example.org").await, found("5~7~5061~sip.example.org").await), (0, 0));
    let of_one = |words: &str| format!("records {words}");
    if !desk.service.sets {
        let words = of_one("update _it._tcp.example.org MX --ttl 900 --value 20~mail2.example.org");
        desk.run(&words).await.ends(0, &["updated: 1 record"]);
        let words = of_one("update _it._tcp.example.org MX 30~mail3.example.org --value 10~mail.example.org");
        desk.run(&words).await.ends(0, &["updated: 1 record"]);
        let words = of_one("update _it._tcp.example.org MX 10~mail.example.org --value 30~mail3.example.org");
        desk.run(&words).await.ends(0, &["updated: 1 record"]);
    }
    let gone = of_one("remove _it._tcp.example.org MX 11~mail.example.org --yes");
    desk.run(&gone).await.fails(78, "is not there", &desk.service.secret);
    for (words, left) in [
        ("remove _it._tcp.example.org MX 10~Mail.example.org --yes", ["mail2", "sip"].as_slice()),
        ("remove _it._tcp.example.org MX --value 20~mail2.example.org --yes", &["sip"]),
        ("remove _it._tcp.example.org SRV 5~7~5060~sip.example.org. --yes", &[]),
    ] {
        desk.run(&of_one(words)).await.ends(0, &["removed: 1 record"]);
        let listed = desk.json("records list --name _it._tcp.example.org").await.to_string();
        for host in ["mail.", "mail2", "sip"] {
            assert_eq!(listed.contains(host), left.contains(&host), "{words}: {listed}");
        }
    }
    desk.is_correct();
}
