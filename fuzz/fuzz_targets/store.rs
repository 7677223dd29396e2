//! The ledger's files: any octets; and any documents with a checksum that fits, from which a machine then starts.

#![no_main]

use std::time::Duration;

use driftless::model::agree::{Expression, Reading, SourceName};
use driftless::model::desired::{AccountName, AccountSpec, Desired, Id, RecordSpec, SourceSpec};
use driftless::model::evidence::Protocol;
use driftless::model::machine::{Documents, Effect, Event, Mode, State, read_ledger, step};
use driftless::model::record::{Family, RecordType, RrsetKey};
use driftless::model::terms::{Budget, Terms};
use driftless::model::time::{Moment, Now, Wall};
use driftless_fuzz::target;

fn terms(readable: bool) -> Terms {
    Terms {
        readable,
        width: 1,
        budget: if readable { Budget::RECORDS } else { Budget::PUSH },
        settles_within: Duration::from_secs(60),
        read_back_after: Duration::from_secs(2),
        forgets_siblings: !readable,
        refresh: None,
        in_dns: true,
    }
}

/// The record sets that the seeds' documents are about: `home.example.org` at `api` and at `push`.
fn desired() -> Desired {
    let source = SourceName("here".into());
    let accounts = [("api", true), ("push", false)].map(|(name, readable)| {
        let identity = "one login".into();
        (AccountName(name.into()), AccountSpec { service: name.into(), identity, terms: terms(readable) })
    });
    let spec = RecordSpec { private: true, ..RecordSpec::of(Family::Ipv4, Expression::Source(source.clone())) };
    let key = RrsetKey::new("home.example.org".parse().expect("a name"), RecordType::A);
    let id = |account: &AccountName| Id { account: account.clone(), key: key.clone() };
    Desired {
        records: accounts.iter().map(|(name, _)| (id(name), spec.clone())).collect(),
        accounts: accounts.into(),
        sources: [(source, SourceSpec::local(Protocol::Fixed, "a test"))].into(),
        check: Duration::from_secs(300),
        verify: Duration::from_secs(3600),
    }
}

/// A machine takes the documents over, and lives for a while without an answer from any service.
fn live(documents: &Documents) {
    let mut now = Now { moment: Moment(5_000_000), wall: Wall(1_800_000_000) };
    let _ = read_ledger(documents, "this boot", now);
    let mut rng = fastrand::Rng::with_seed(1);
    let mut state = State::new(desired(), documents, "this boot", true, Mode::Run, now);
    let mut events = vec![Event::Start];
    for _ in 0..40 {
        while let Some(event) = events.pop() {
            for effect in step(&mut state, event, now, &mut rng) {
                match effect {
                    Effect::Save(_) => events.push(Event::Saved(true)),
                    Effect::LookAt(account) => events.push(Event::Looked(account, "a print".into())),
                    Effect::Detect(questions) => {
                        let reading = Reading::Addresses(vec![[192, 0, 2, 1].into()]);
                        let answer = |(source, family)| match family {
                            Family::Ipv4 => (source, family, reading.clone()),
                            Family::Ipv6 => (source, family, Reading::None),
                        };
                        events.push(Event::Readings(questions.into_iter().map(answer).collect()));
                    }
                    _ => {}
                }
            }
        }
        let ahead = Duration::from_secs(400);
        now.moment = state.wake_at(now).unwrap_or(now.moment).max(now.moment).min(now.moment.plus(ahead));
        events.push(Event::Time);
    }
    let views: Vec<_> = state.views(now).map(|view| format!("{:?}", view.standing)).collect();
    assert_eq!(views.len(), 2);
}

target!(|data: &[u8]| {
    if let Some(documents) = driftless::store::fuzz(data) {
        live(&documents.into_iter().map(|(key, value)| (key, Some(value))).collect());
    }
});
