//! `explain`: why a record was or was not updated, and on whose word.

use std::collections::BTreeSet;

use serde_json::json;

use super::look::Current;
use super::print;
use crate::app::Failure;
use crate::config;
use crate::model::name::Name;
use crate::model::record::RecordType;
use crate::model::tally::Tally;
use crate::report::status::{RecordStatus, SourceStatus, Status};
use crate::report::voice::VerdictStatus;

/// Why a record was or was not updated.
pub(super) fn explain(current: &Current, name: &Name, json: bool) -> Result<u8, Failure> {
    let status = &current.status;
    let records: Vec<&RecordStatus> = status.records.iter().filter(|record| record.name == name.as_str()).collect();
    if records.is_empty() {
        let names = status.records.iter().map(|record| record.name.as_str());
        let hint = config::suggest(name.as_str(), "there are", names);
        return Err(Failure::Other(78, format!("{name} is not in the configuration{hint}")));
    }
    if json {
        let (running, sources, verdicts) = (current.is_running(), &status.sources, &status.verdicts);
        print::json(&json!({ "running": running, "records": records, "sources": sources, "verdicts": verdicts }))?;
        return Ok(current.shown());
    }
    current.say_whose();
    for record in records {
        explain_one(status, record);
    }
    Ok(current.shown())
}

fn explain_one(status: &Status, record: &RecordStatus) {
    let list = |values: &Option<Vec<String>>| match values {
        Some(values) if values.is_empty() => "nothing".to_owned(),
        Some(values) => values.join(", "),
        None if record.state == "unmanaged" => "nothing: there is no such address".to_owned(),
        None => "unknown".to_owned(),
    };
    let or = |stamp: &Option<String>, none: &str| stamp.clone().unwrap_or_else(|| none.into());
    let next = match (&record.held, &status.next_check) {
        (_, None) => "when a daemon runs",
        (Some(_), _) => "not by itself",
        (None, Some(_)) => "when something changes",
    };
    let unread = if record.readable { "not yet" } else { "cannot be: the service only takes updates" };
    let unseen = if record.in_dns { "not yet" } else { "not asked" };
    print::hanging(&format!("{}: {}", record.id(), record.state), 4);
    print::hanging(&format!("  {}", record.says), 4);
    print::hanging(&format!("  wanted:       {}", list(&record.wanted)), 14);
    print::hanging(&format!("  confirmed:    {}", list(&record.confirmed)), 14);
    let (word, at) = record.taken().unwrap_or(("accepted", "never"));
    print::hanging(&format!("  {:<13} {at}", format!("{word}:")), 14);
    print::hanging(&format!("  read back:    {}", or(&record.read_back, unread)), 14);
    print::hanging(&format!("  seen in DNS:  {}", or(&record.seen_in_dns, unseen)), 14);
    print::hanging(&format!("  next look:    {}", or(&record.next, next)), 14);
    if let Some(error) = record.error.as_ref().filter(|error| !record.says.contains(error.as_str())) {
        print::hanging(&format!("  last error:   {error}"), 14);
    }
    if let Some(held) = &record.held {
        print::hanging(&format!("  held since:   {} ({})", held.since, held.reason), 14);
        if held.new_secret_helps {
            print::hanging("  to mend it:   mend the secret: it is noticed by itself", 14);
        }
        print::hanging(&format!("  to let go:    {}", held.release), 14);
    }
    record.uplinks.iter().for_each(|uplink| print::hanging(&format!("  uplink:       {}", uplink.line()), 14));
    explain_sources(status, record);
    for line in &record.history {
        print::hanging(&format!("  {}  {}", line.at, line.what), 4);
    }
    print::line("");
}

/// What its addresses rest on, each source once; before there is a verdict, what its sources last said.
fn explain_sources(status: &Status, record: &RecordStatus) {
    let verdicts: Vec<_> = record.verdicts.iter().filter_map(|at| status.verdicts.get(*at)).collect();
    for text in quorums(&verdicts) {
        print::hanging(&format!("  quorum:       {text}"), 14);
    }
    let mut told = BTreeSet::new();
    for voice in verdicts.iter().flat_map(|verdict| &verdict.evidence) {
        if told.insert((&voice.source, voice.family)) {
            print::hanging(&format!("  source:       {}", voice.line()), 14);
        }
    }
    if !verdicts.is_empty() {
        return;
    }
    // A and AAAA follow their own family, everything else whatever its value is made of.
    let family = record.rtype.parse().ok().and_then(RecordType::family);
    let of_family = |source: &SourceStatus| family.is_none_or(|family| family == source.family);
    let its_own = |source: &&SourceStatus| record.sources.contains(&source.source) && of_family(source);
    for source in status.sources.iter().filter(its_own) {
        print::hanging(&format!("  source:       {} ({}): {}", source.source, source.family, source.says), 14);
    }
}

/// What each quorum needs and how far it has come. Where there are several, also which of them it is.
fn quorums(verdicts: &[&VerdictStatus]) -> Vec<String> {
    let some: Vec<_> = verdicts.iter().filter_map(|verdict| Some((verdict, verdict.quorum?))).collect();
    let several = some.len() > 1;
    let text = |(verdict, tally): &(&&VerdictStatus, Tally)| {
        let of: Vec<&str> = verdict.evidence.iter().map(|voice| voice.source.as_str()).collect();
        if several { format!("for {}, of {}: {tally}", verdict.family, of.join("; ")) } else { tally.to_string() }
    };
    some.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agree::Reading;
    use crate::model::evidence::{Evidence, Protocol, Weight};
    use crate::model::record::Family;
    use crate::report::voice::Voice;

    fn verdict(family: Family, source: &str, quorum: Option<Tally>) -> VerdictStatus {
        let evidence = Evidence {
            source: crate::model::agree::SourceName(source.into()),
            operator: "somebody".into(),
            protocol: Protocol::Https,
            family,
            answer: None,
            at: None,
            weight: Weight::Spare,
        };
        let believed = Reading::Unknown("not yet".into());
        VerdictStatus { family, believed, evidence: vec![Voice::of(&evidence, false)], quorum }
    }

    #[test]
    fn of_two_quorums_each_says_which_it_is() {
        let tally = |of| Tally { need: 2, of, agree: 0, operators: 0, protocols: 0 };
        let (one, two) =
            (verdict(Family::Ipv4, "https a", Some(tally(3))), verdict(Family::Ipv6, "https b", Some(tally(2))));
        let rule = "must agree, of two operators or by two protocols; none of them knows anything";
        assert_eq!(quorums(&[&one]), [format!("2 of 3 sources {rule}")]);
        assert_eq!(
            quorums(&[&one, &verdict(Family::Ipv6, "interface", None), &two]),
            [
                format!("for IPv4, of https a: 2 of 3 sources {rule}"),
                format!("for IPv6, of https b: 2 of 2 sources {rule}")
            ]
        );
    }
}
