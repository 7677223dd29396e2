//! What the name servers of each record's zone answer: is the zone delegated, do they answer, do they agree.

use futures_util::{StreamExt, stream};

use super::Patient;
use crate::engine::Access;
use crate::model::desired::Id;
use crate::model::diagnosis::{Finding, Step};
use crate::model::name::Name;
use crate::model::record::{Values, list};
use crate::net::dns::{self, Answer, Verdict};

/// How many record sets are looked for.
const MOST: usize = 24;
/// How many at once: each asks several servers, over a socket of its own.
const AT_ONCE: usize = 8;

impl Patient {
    /// Asks the name servers of each record's zone, each record within 20 seconds, eight at once.
    pub async fn ask_name_servers(&mut self) {
        let terms = &self.parts.desired.accounts;
        let in_dns =
            |id: &&Id| terms.get(&id.account).is_some_and(|spec| spec.terms.in_dns) && id.key.rtype.is_compared();
        let all: Vec<&Id> = self.parts.desired.records.keys().filter(in_dns).collect();
        if all.is_empty() {
            self.findings.push(Finding::skipped(Step::NameServers, "no record is one that they are asked for"));
            return;
        }
        let (resolves, held) = (!self.has_failed(Step::Resolver), &self.held);
        let known = all.iter().take(MOST).filter_map(|id| Some((*id, &self.accounts.get(&id.account)?.0)));
        let (asked, unresolved): (Vec<(&Id, &Access)>, Vec<_>) =
            known.partition(|(_, access)| resolves || !access.nameservers.is_empty());
        let unresolved = unresolved.len();
        let found: Vec<Finding> = stream::iter(asked)
            .map(|(id, access)| async move { ask(id, access, held.get(id)).await.about(id.key.to_string()) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        self.findings.extend(found);
        if unresolved > 0 {
            let why = format!("no resolver says which they are, for {unresolved} record set(s)");
            self.findings.push(Finding::skipped(Step::NameServers, why));
        }
        if all.len() > MOST {
            let why = format!("{} further record sets were not looked for", all.len() - MOST);
            self.findings.push(Finding::skipped(Step::NameServers, why));
        }
    }
}

async fn ask(id: &Id, access: &Access, held: Option<&Values>) -> Finding {
    let (zone, servers) = if access.nameservers.is_empty() {
        match dns::delegation(&id.key.name).await {
            Ok(delegation) => (Some(delegation.zone), delegation.servers),
            Err(why) => {
                let finding = Finding::failed(Step::NameServers, 75, format!("they were not found: {why}"));
                return finding
                    .advice("is the zone delegated? `nameservers` of the account names servers to ask instead");
            }
        }
    } else {
        (None, access.nameservers.iter().map(|server| (server.to_string(), *server)).collect())
    };
    let answers = dns::authoritative(&id.key, &servers).await;
    judge(&id.key.name, zone.as_ref(), &answers, held)
}

/// What the answers say: `held` is what the service itself says that it holds.
fn judge(name: &Name, zone: Option<&Name>, answers: &[Answer], held: Option<&Values>) -> Finding {
    if let Verdict::Unknown(why) = dns::agreement(answers, &Values::new()) {
        let finding = Finding::failed(Step::NameServers, 75, format!("none of them answers: {why}"));
        return finding.advice("may port 53 leave this network, by UDP? Is the zone delegated to the right servers?");
    }
    let of = zone.map(|zone| format!(" of {zone}")).unwrap_or_default();
    let said: Vec<(&Answer, &Values)> =
        answers.iter().filter_map(|answer| Some((answer, answer.outcome.as_ref().ok()?))).collect();
    let Some((first, values)) = said.first().copied() else {
        return Finding::skipped(Step::NameServers, "no name server was asked");
    };
    let top = zone.filter(|zone| !zone.as_str().contains('.') && name.suffixes().count() > 1);
    if let Some(top) = top.filter(|_| values.is_empty()) {
        let says =
            format!("the closest zone that DNS knows is {top}: nothing below it on the way to {name} is delegated");
        let advice = "have the registrar delegate your domain to the name servers of the service that keeps the zone";
        return Finding::failed(Step::NameServers, 78, says).advice(advice);
    }
    if let Some((other, differs)) = said.iter().find(|(_, others)| *others != values) {
        let says = format!(
            "they disagree: {} answers {}, {} answers {}",
            shown(first),
            or_nothing(values),
            shown(other),
            or_nothing(differs)
        );
        return Finding::warning(Step::NameServers, says)
            .advice("one of them is behind: if it lasts, see why the zone is not transferred to it");
    }
    if let Some(held) = held.filter(|held| *held != values) {
        let says = format!("they answer {}, and the service holds {}", or_nothing(values), or_nothing(held));
        return Finding::warning(Step::NameServers, says).advice(
            "a change takes its time to arrive; if it lasts, the zone is delegated to other servers than the service's",
        );
    }
    let silent = answers.len() - said.len();
    let count = said.len();
    let says = format!("{count}{of} answer {}", or_nothing(values));
    match answers.iter().find_map(|answer| Some((answer, answer.outcome.as_ref().err()?))) {
        Some((answer, why)) => Finding::warning(
            Step::NameServers,
            format!("{says}, {silent} do not: {}: {why}", shown(answer)),
        )
        .advice(
            "a name server that is silent delays whoever asks it; over a family that this machine lacks it is no fault",
        ),
        None => Finding::ok(Step::NameServers, says),
    }
}

fn or_nothing(values: &Values) -> String {
    if values.is_empty() { "nothing".to_owned() } else { list(values) }
}

fn shown(answer: &Answer) -> String {
    let at = answer.server.to_string();
    if answer.name == at { at } else { format!("{} ({})", answer.name, answer.server.ip()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnosis::Outcome;
    use crate::model::record::{RecordType, Value};

    fn values(text: &str) -> Values {
        text.split_whitespace().map(|text| Value::parse(RecordType::A, text).unwrap()).collect()
    }

    fn answers(outcomes: &[Result<&str, &str>]) -> Vec<Answer> {
        let of = |(at, outcome): (usize, &Result<&str, &str>)| Answer {
            server: ([192, 0, 2, u8::try_from(at).unwrap()], 53).into(),
            name: format!("ns{at}.example.net"),
            outcome: outcome.map(values).map_err(str::to_owned),
            ttl: None,
        };
        outcomes.iter().enumerate().map(of).collect()
    }

    fn judged(zone: &str, outcomes: &[Result<&str, &str>], held: Option<&str>) -> Finding {
        let (name, zone) = (Name::parse("home.example.org").unwrap(), Name::parse(zone).unwrap());
        judge(&name, Some(&zone), &answers(outcomes), held.map(values).as_ref())
    }

    #[test]
    fn servers_that_agree_with_each_other_and_the_service_are_right() {
        let found = judged("example.org", &[Ok("192.0.2.7"), Ok("192.0.2.7")], Some("192.0.2.7"));
        assert_eq!((found.outcome, found.says.as_str()), (Outcome::Ok, "2 of example.org answer 192.0.2.7"));
        assert_eq!(judged("example.org", &[Ok("")], None).outcome, Outcome::Ok);
    }

    #[test]
    fn silence_of_all_is_a_failure_and_of_some_a_warning() {
        let found = judged("example.org", &[Err("no answer within 3 s")], None);
        assert_eq!((found.outcome, found.code), (Outcome::Failed, 75));
        let found = judged("example.org", &[Ok("192.0.2.7"), Err("no answer within 3 s")], None);
        assert_eq!(found.outcome, Outcome::Warning);
        assert!(found.says.contains("ns1.example.net (192.0.2.1): no answer"), "{found:?}");
    }

    #[test]
    fn servers_that_disagree_or_lag_behind_the_service_are_named() {
        let found = judged("example.org", &[Ok("192.0.2.7"), Ok("192.0.2.8")], Some("192.0.2.8"));
        assert!(found.outcome == Outcome::Warning && found.says.contains("ns1.example.net"), "{found:?}");
        let found = judged("example.org", &[Ok("192.0.2.7")], Some("192.0.2.8"));
        assert_eq!(found.says, "they answer 192.0.2.7, and the service holds 192.0.2.8");
    }

    #[test]
    fn a_zone_that_nobody_delegated_is_told_from_one_without_the_name() {
        let found = judged("org", &[Ok("")], None);
        assert_eq!((found.outcome, found.code), (Outcome::Failed, 78));
        assert!(found.says.contains("DNS knows is org:"), "{found:?}");
    }
}
