//! How everything stands in words, a line each, what is said of several record sets once.

use std::collections::BTreeMap;

use super::status::{ChannelStatus, PageStatus, RecordStatus, SourceStatus, Status};

impl Status {
    /// Everything in words, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.state_is_writable {
            lines.push(
                "THE STATE CANNOT BE WRITTEN: services that can be read go on, others are sent to once at most".into(),
            );
        }
        lines.extend(self.page.as_ref().and_then(PageStatus::trouble));
        let shared = self.shared_errors();
        for record in &self.records {
            // The account's own line says why.
            let with_account = self.holds_account(&record.account);
            let same = record.shared(&shared).filter(|_| !with_account);
            let says = match same {
                _ if with_account => "held with its account, see below".into(),
                Some(error) => record.says.replace(error, "see its account below"),
                None => record.says.clone(),
            };
            lines.push(format!("{}: {says}", record.id()));
            lines.push(format!("    {}", record.proofs().join("; ")));
            if let (Some(held), false, None) = (&record.held, with_account, same) {
                lines.push(format!("    held since {}; {}", held.since, held.way_out()));
            }
        }
        for account in &self.accounts {
            if let Some(held) = &account.held {
                lines.push(format!("account {}: held: {}", account.name, held.error));
                lines.push(format!("    held since {}; {}", held.since, held.way_out()));
            }
            lines.extend(account.waits_until.as_ref().map(|until| {
                let why = account.error.as_deref().unwrap_or("it failed");
                format!("account {}: rests until {until}: {why}", account.name)
            }));
            let of_it = shared.iter().filter(|((name, _), _)| *name == account.name && account.held.is_none());
            for ((_, error), (records, held)) in of_it {
                if account.waits_until.is_none() || account.error.as_deref() != Some(*error) {
                    lines.push(format!("account {}: {records} record sets: {error}", account.name));
                }
                if *held > 0 {
                    lines.push(format!("    {held} held; to let go: driftless release {}", account.name));
                }
            }
        }
        let mut network: Vec<String> = self.network.iter().map(|network| network.says.clone()).collect();
        // Without any network both families say the same.
        network.dedup();
        lines.extend(network);
        for source in &self.sources {
            let demoted = if source.demoted { "; not counted, as it disagrees too often" } else { "" };
            let SourceStatus { source, family, says, at, .. } = source;
            lines.push(format!("source {source} ({family}): {says} ({at}){demoted}"));
        }
        lines.extend(self.channels.iter().map(ChannelStatus::line));
        lines
    }
}

/// What is said of several record sets of an account in the same words: of how many, and how many of them are held for it.
type Shared<'a> = BTreeMap<(&'a str, &'a str), (usize, usize)>;

impl Status {
    fn shared_errors(&self) -> Shared<'_> {
        let mut shared = Shared::new();
        for record in &self.records {
            if let Some(error) = record.error.as_deref().filter(|error| record.says.contains(error)) {
                let (records, held) = shared.entry((&record.account, error)).or_default();
                *records += 1;
                *held += usize::from(record.held.is_some());
            }
        }
        shared.retain(|_, (records, _)| *records > 1);
        shared
    }
}

impl RecordStatus {
    /// The error that it shares with others of its account, where it says it.
    fn shared<'a>(&self, shared: &Shared<'a>) -> Option<&'a str> {
        let known = shared.keys().find(|(account, error)| {
            *account == self.account && self.error.as_deref() == Some(*error) && self.says.contains(*error)
        });
        known.map(|(_, error)| *error)
    }

    /// How far it has come, and when it is looked at next.
    fn proofs(&self) -> Vec<String> {
        let stamp = |what: &str, stamp: &Option<String>, none: &str| match stamp {
            Some(stamp) => format!("{what} {stamp}"),
            None => none.to_owned(),
        };
        let unread = if self.readable { "not read back yet" } else { "cannot be read back" };
        let unseen = if self.in_dns { "not seen in DNS yet" } else { "DNS is not asked" };
        let mut proofs = vec![
            self.taken().map_or("never accepted".to_owned(), |(word, at)| format!("{word} {at}")),
            stamp("read back", &self.read_back, unread),
            stamp("seen in DNS", &self.seen_in_dns, unseen),
        ];
        proofs.extend(self.next.as_ref().map(|next| format!("next look {next}")));
        proofs
    }
}
