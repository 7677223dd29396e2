//! Whoever watches: the channels by which people are told and the status page, by the word of the running daemon. Nobody is sent anything.

use super::Patient;
use crate::model::diagnosis::{Finding, Step};
use crate::report::status::{ChannelStatus, PageStatus, Status};

impl Patient {
    /// Looks at how the channels and the status page fare, once the daemon was asked.
    pub fn look_at_watching(&mut self) {
        let channels: Vec<&str> =
            self.config().into_iter().flat_map(|config| config.channels.keys().map(String::as_str)).collect();
        let listen = self.config().and_then(|config| Some(config.web.as_ref()?.listen.to_string()));
        let found = match &self.daemon {
            Some(status) => of_daemon(status, &channels, listen.as_deref()),
            None => without(&channels, listen.as_deref()),
        };
        self.findings.extend(found);
    }
}

/// What a running daemon says of its channels and its page, whereas those are declared.
fn of_daemon(status: &Status, channels: &[&str], listen: Option<&str>) -> Vec<Finding> {
    let mut found: Vec<Finding> = status.channels.iter().map(channel).collect();
    let is_known = |name: &&&str| status.channels.iter().any(|channel| channel.name == **name);
    for name in channels.iter().filter(|name| !is_known(name)) {
        let finding = Finding::warning(Step::Channel, "the running daemon does not know it yet").about(*name);
        found.push(finding.advice("driftless check, and then: systemctl reload driftless"));
    }
    found.extend(match (&status.page, listen) {
        (Some(stands), _) => Some(page(stands)),
        (None, Some(listen)) => {
            let says = format!("the running daemon was started without one; it is to be at {listen}");
            Some(Finding::warning(Step::Page, says).advice("systemctl restart driftless"))
        }
        (None, None) => None,
    });
    found
}

/// What nobody can say while no daemon answers.
fn without(channels: &[&str], listen: Option<&str>) -> Vec<Finding> {
    let told = (!channels.is_empty()).then(|| {
        let says = "how they fare a running daemon knows; driftless notify test sends a test";
        Finding::skipped(Step::Channel, says).about(channels.join(", "))
    });
    let page =
        listen.map(|listen| Finding::skipped(Step::Page, format!("a running daemon would serve it at {listen}")));
    told.into_iter().chain(page).collect()
}

fn channel(channel: &ChannelStatus) -> Finding {
    let name = &channel.name;
    let finding = match (&channel.error, &channel.told) {
        (Some(error), _) => {
            let code = if channel.refused { 77 } else { 75 };
            let finding = Finding::failed(Step::Channel, code, format!("{error}; {}", channel.tried_again()));
            let advice = "mend what it says; driftless notify test";
            finding.advice(format!("{advice} {name} sends a test and shows what comes of it"))
        }
        (None, Some(told)) => Finding::ok(Step::Channel, format!("last told {told}{}", channel.withheld_until())),
        (None, None) => Finding::skipped(
            Step::Channel,
            format!(
                "{}{}: driftless notify test {name} sends a test",
                ChannelStatus::NOTHING_TOLD,
                channel.withheld_until()
            ),
        ),
    };
    finding.about(name.clone())
}

fn page(stands: &PageStatus) -> Finding {
    match stands.trouble() {
        Some(trouble) => Finding::failed(Step::Page, 75, trouble)
            .advice("see who listens there (ss -lntp), or choose another `listen` in [web] and restart the daemon"),
        None => Finding::ok(Step::Page, format!("served at {}", stands.listen)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnosis::Outcome;

    fn failing() -> ChannelStatus {
        ChannelStatus {
            name: "phone".into(),
            kind: "ntfy".into(),
            told: None,
            failed: Some("2026-11-22T12:00:00Z".into()),
            error: Some("nobody listens".into()),
            again: Some("2026-11-22T12:01:00Z".into()),
            refused: false,
            withheld: None,
            failures: 3,
        }
    }

    #[test]
    fn a_channel_that_fails_has_failed_and_one_that_was_never_used_is_left_alone() {
        let found = channel(&failing());
        assert_eq!((found.outcome, found.code, found.subject()), (Outcome::Failed, 75, "channel phone".into()));
        assert_eq!(found.says, "nobody listens; tried again at 2026-11-22T12:01:00Z");
        assert!(found.advice.is_some_and(|advice| advice.contains("driftless notify test phone")));
        let refused = channel(&ChannelStatus { refused: true, ..failing() });
        assert_eq!(refused.code, 77);
        let way_out =
            "before 2026-11-22T12:01:00Z unless its settings or its secret change, or driftless notify test phone";
        assert!(refused.says.contains(way_out), "{}", refused.says);
        let left = ChannelStatus { failed: None, error: None, again: None, ..failing() };
        assert_eq!(channel(&left).outcome, Outcome::Skipped);
        let told = ChannelStatus { told: failing().failed, ..left };
        assert_eq!(channel(&told).outcome, Outcome::Ok);
        let more = ChannelStatus { withheld: Some("2026-11-22T12:30:00Z".into()), ..told };
        assert!(channel(&more).says.ends_with("; more news is withheld until 2026-11-22T12:30:00Z"));
    }

    #[test]
    fn what_is_declared_and_not_known_to_any_daemon_is_said_to_be_so() {
        let outcomes = |found: Vec<Finding>| found.iter().map(|one| (one.step, one.outcome)).collect::<Vec<_>>();
        let skipped = [(Step::Channel, Outcome::Skipped), (Step::Page, Outcome::Skipped)];
        assert_eq!(outcomes(without(&["phone", "chat"], Some("127.0.0.1:8053"))), skipped);
        assert_eq!(outcomes(without(&[], None)), []);
    }
}
