//! This machine: its routes and resolvers, whom it trusts, the folder of the state, secrets and files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Patient, of_problem};
use crate::app::{Failure, rights};
use crate::config::{Problem, Severity};
use crate::model::diagnosis::{Finding, Outcome, Step};
use crate::model::record::Family;
use crate::net::{dns, roots};
use crate::os::file;
use crate::os::netlink::{self, Link, Snapshot};
use crate::provider::setting::Kind;
use crate::store::Store;

impl Patient {
    /// Looks at what needs nobody else: routes, certificates, the state and the secrets.
    pub fn look_at_machine(&mut self) {
        let families = self.families();
        let found = match netlink::snapshot() {
            Ok(snapshot) => network(&snapshot, &families),
            Err(error) => {
                vec![Finding::warning(Step::Network, format!("the system does not tell its routes: {error}"))]
            }
        };
        self.findings.extend(found);
        self.findings.push(certificates(roots::trust()));
        let Some(loaded) = &self.loaded else { return };
        let credentials = loaded.input.variables.get("CREDENTIALS_DIRECTORY").map(Path::new);
        // What has no place was not typed: the folder of the state, and the socket in it.
        let problems = loaded.config.look_at_machine(credentials);
        let (placed, of_state): (Vec<Problem>, _) = problems.into_iter().partition(|problem| problem.place.is_some());
        let state = state(&loaded.config.state_dir, self.daemon.is_some(), &of_state);
        let (secrets, failed) = self.credentials(&placed, credentials);
        // What the configuration was warned of has come true, and is told with what was tried.
        let wait = secrets.iter().any(|finding| finding.outcome == Outcome::Skipped);
        self.unread.retain(|(unread, _)| !(wait && unread.is_credential || failed.contains(&unread.path)));
        self.findings.extend(state.into_iter().chain(secrets));
    }

    /// Whether every secret can be read now by this user, and what stands in the daemon's way; and the files of those that cannot.
    fn credentials(&self, problems: &[Problem], credentials: Option<&Path>) -> (Vec<Finding>, BTreeSet<PathBuf>) {
        let (mut found, mut failed) = (Vec::new(), BTreeSet::new());
        let waits = |path: &Path| credentials.is_some_and(|folder| path.starts_with(folder) && !folder.exists());
        let mut right = 0;
        for account in self.config().into_iter().flat_map(|config| config.accounts.values()) {
            let declared = account.entry.settings.iter().filter(|setting| setting.kind == Kind::Secret);
            let given = declared.filter_map(|setting| Some((setting.name, account.settings.secret(setting.name)?)));
            for (key, secret) in given {
                match secret.read() {
                    Ok(_) => right += 1,
                    // The folder comes and goes with the service.
                    Err(_) if secret.path().is_some_and(waits) => found.push(
                        Finding::skipped(Step::Credentials, "systemd hands it over when it starts the service")
                            .about(format!("`{key}` of {}", account.name)),
                    ),
                    Err(error) => {
                        failed.extend(secret.path().map(Path::to_owned));
                        found.push(
                            Finding::failed(Step::Credentials, error.exit_code(), error.why)
                                .about(format!("`{key}` of {}", account.name))
                                .advised(error.hint),
                        );
                    }
                }
            }
        }
        for problem in problems {
            let is_said = found.iter().any(|finding: &Finding| finding.says.contains(&problem.message));
            if !is_said {
                found.push(Finding { step: Step::Credentials, ..of_problem(problem, 78) });
            }
        }
        let sum = match right {
            0 if found.is_empty() => Some("there are none to be read".to_owned()),
            0 => None,
            1 => Some("1 secret can be read by this user".to_owned()),
            some => Some(format!("{some} secrets can be read by this user")),
        };
        found.extend(sum.map(|sum| Finding::ok(Step::Credentials, sum)));
        (found, failed)
    }

    /// Asks each of the system's resolvers something, within six seconds.
    pub async fn ask_resolvers(&mut self) {
        let answers: Vec<(String, Result<(), String>)> = dns::resolvers_answer()
            .await
            .into_iter()
            .map(|(resolver, answer)| (resolver.ip().to_string(), answer))
            .collect();
        self.findings.extend(resolvers(&answers, dns::names_a_resolver()));
    }
}

const NO_CABLE: &str = "see `ip link`: is the cable in, is the network configured?";

fn network(snapshot: &Snapshot, families: &[Family]) -> Vec<Finding> {
    if Family::ALL.iter().all(|family| snapshot.way(*family).is_none()) {
        let up = snapshot.links.iter().any(|link| link.works() && !link.loopback);
        let (says, advice) = if up {
            ("there is no default route: nothing outside can be reached", "see `ip route`, and whether DHCP gave one")
        } else {
            ("no interface is up and has a carrier", NO_CABLE)
        };
        return vec![Finding::failed(Step::Network, 75, says).advice(advice)];
    }
    let of = |family: &Family| match snapshot.way(*family) {
        Some(link) if !link.works() => {
            let says = format!("{family} would leave by {}, which has no carrier", link.name);
            let other = snapshot.way(family.other()).is_some_and(Link::works);
            let found =
                if other { Finding::warning(Step::Network, says) } else { Finding::failed(Step::Network, 75, says) };
            found.advice(NO_CABLE)
        }
        Some(link) => Finding::ok(Step::Network, format!("{family} leaves by {}", link.name)),
        None => {
            Finding::skipped(Step::Network, format!("there is no {family} route: its records are left as they are"))
        }
    };
    families.iter().map(of).collect()
}

fn certificates(trust: roots::Trust) -> Finding {
    let roots::Trust { authorities, of_host } = trust;
    let whose = if of_host { "of this host" } else { "built in, as this host has none" };
    Finding::ok(Step::Certificates, format!("{authorities} authorities are trusted, {whose}"))
}

fn state(folder: &Path, runs: bool, problems: &[Problem]) -> Vec<Finding> {
    let shown = folder.display();
    match rights::may_write(folder, "doctor") {
        // Then it is the daemon's, and that has said how it fares.
        Err(Failure::Other(_, why)) if runs => return vec![Finding::skipped(Step::State, why)],
        Err(Failure::Other(code, why)) => return vec![Finding::failed(Step::State, code, why)],
        Err(Failure::Config(_)) | Ok(()) => {}
    }
    let of = |problem: &Problem| {
        let severity = Severity::Error;
        Finding { step: Step::State, ..of_problem(&Problem { severity, ..problem.clone() }, 78) }
    };
    let mut found: Vec<Finding> = problems.iter().map(of).collect();
    if folder.is_dir() {
        let notes = Store::look(folder).notes;
        found.extend(notes.into_iter().map(|note| Finding::warning(Step::State, format!("{shown}: {note}"))));
    }
    if found.is_empty() && file::is_full(folder) {
        let advice = "make room: a daemon that runs goes on by itself, and until then sends to each service that cannot be read once at most";
        found.push(Finding::failed(Step::State, 75, format!("{shown}: its file system is full")).advice(advice));
    }
    if found.is_empty() {
        let says = if folder.is_dir() { "can be read and written" } else { "is made at the first start" };
        found.push(Finding::ok(Step::State, format!("{shown} {says}")));
    }
    found
}

fn resolvers(answers: &[(String, Result<(), String>)], named: bool) -> Vec<Finding> {
    const SEE: &str = "see `nameserver` in /etc/resolv.conf, and whether the router or resolver there is up";
    const WRITE: &str = "/etc/resolv.conf names none, so that this machine itself was asked: write `nameserver ADDRESS` there, or see \
                         what should have written it";
    let see = if named { SEE } else { WRITE };
    let works = answers.iter().any(|(_, answer)| answer.is_ok());
    let of = |(resolver, answer): &(String, Result<(), String>)| match answer {
        Ok(()) => Finding::ok(Step::Resolver, "answers").about(resolver.clone()),
        Err(why) if works => Finding::warning(Step::Resolver, why.clone()).about(resolver.clone()).advice(see),
        Err(why) => Finding::failed(Step::Resolver, 75, why.clone()).about(resolver.clone()).advice(see),
    };
    answers.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::netlink::Way;

    fn link(name: &str, index: u32, loopback: bool) -> Link {
        Link { index, name: name.into(), up: true, running: true, loopback, kind: None, ethernet: !loopback }
    }

    #[test]
    fn without_a_way_nothing_works_and_one_family_is_enough() {
        let mut snapshot = Snapshot { links: vec![link("lo", 1, true)], ..Snapshot::default() };
        let found = network(&snapshot, &Family::ALL);
        assert!(found.len() == 1 && found[0].says == "no interface is up and has a carrier", "{found:?}");
        snapshot.links.push(link("eth0", 2, false));
        let found = network(&snapshot, &Family::ALL);
        assert!(found[0].code == 75 && found[0].says.contains("no default route"), "{found:?}");
        snapshot.ways.push(Way { family: Family::Ipv4, index: 2 });
        let found = network(&snapshot, &Family::ALL);
        let outcomes: Vec<Outcome> = found.iter().map(|finding| finding.outcome).collect();
        assert_eq!(outcomes, [Outcome::Ok, Outcome::Skipped]);
        assert_eq!(found[0].says, "IPv4 leaves by eth0");
        snapshot.links[1].running = false;
        let found = network(&snapshot, &Family::ALL);
        assert_eq!(found[0].says, "IPv4 would leave by eth0, which has no carrier");
        assert_eq!((found[0].outcome, found[0].code), (Outcome::Failed, 75));
        snapshot.links.push(link("eth1", 3, false));
        snapshot.ways.push(Way { family: Family::Ipv6, index: 3 });
        let outcomes = network(&snapshot, &Family::ALL).into_iter().map(|finding| finding.outcome);
        assert_eq!(outcomes.collect::<Vec<_>>(), [Outcome::Warning, Outcome::Ok]);
    }

    #[test]
    fn one_resolver_that_answers_makes_silence_of_others_a_warning() {
        let silent = ("192.0.2.1".to_owned(), Err("no answer within 3 s".to_owned()));
        let found = resolvers(std::slice::from_ref(&silent), true);
        assert_eq!((found[0].outcome, found[0].code), (Outcome::Failed, 75));
        let found = resolvers(&[silent.clone(), ("192.0.2.2".into(), Ok(()))], true);
        assert_eq!((found[0].outcome, found[1].outcome), (Outcome::Warning, Outcome::Ok));
        let advice = resolvers(&[silent], false).remove(0).advice.unwrap_or_default();
        assert!(advice.contains("names none"), "{advice}");
    }

    #[test]
    fn certificates_say_whose_they_are() {
        assert!(certificates(roots::Trust { authorities: 140, of_host: true }).says.starts_with("140 authorities"));
        assert!(certificates(roots::Trust { authorities: 3, of_host: false }).says.contains("built in"));
    }
}
