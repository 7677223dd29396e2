//! Jobs that a service works on after it accepted a change: followed by their tickets until they end.

use std::time::Duration;

use super::batches::now_holds;
use super::proof::pause;
use super::{Out, State};
use crate::model::desired::Id;
use crate::model::error::{Error, Kind, Result};
use crate::model::ledger::Fingerprint;
use crate::model::plan::{Settled, Ticket};
use crate::model::record::RrsetKey;
use crate::model::time::Now;

/// A job that runs for longer has failed.
const JOB: Duration = Duration::from_secs(600);

impl State {
    #[expect(clippy::too_many_arguments, reason = "an event's parts, and the three arguments of every decision")]
    pub(super) fn settled(
        &mut self,
        id: Id,
        asked: &Ticket,
        print: &Fingerprint,
        result: Result<Settled>,
        now: Now,
        rng: &mut fastrand::Rng,
        out: &mut Out,
    ) {
        if !self.lane_answered(&id.account) {
            return;
        }
        let Some(record) = self.records.get_mut(&id) else { return };
        record.busy = false;
        // A late word on an older job says nothing of the one that runs now.
        let Some((_, since)) = record.entry.ticket.clone().filter(|(ticket, _)| ticket == asked) else { return };
        let result = match result {
            Ok(Settled::Running) if now.moment.since(since.moment) >= JOB => {
                Err(Error::transient(format!("waiting for the job of {id}"), "it has not ended within ten minutes"))
            }
            other => other,
        };
        match result {
            Ok(Settled::Running) => {
                record.read_backs = record.read_backs.saturating_add(1);
                record.settle_at = Some(now.moment.plus(pause(record.read_backs)));
            }
            Ok(Settled::Done) => {
                record.entry.ticket = None;
                record.read_backs = 0;
                let (intent, doubted) = (record.entry.attempt.clone(), record.doubted);
                // It was found to hold what it should before the job ended, which may have made something else of it.
                let look = intent.is_none() || doubted;
                if let Some(intent) = intent {
                    // Others' values may have stood among those before.
                    let before = record.before.clone().filter(|before| *before == intent.values).unwrap_or_default();
                    let what = now_holds((&before, record.seen_ttl), &intent.values, intent.ttl);
                    self.accepted(&id, intent, what, now, out);
                }
                if let Some(record) = self.records.get_mut(&id).filter(|_| look) {
                    record.doubted |= doubted;
                    record.read_at = Some(now.moment);
                }
            }
            Err(error) => {
                let over = !matches!(error.kind, Kind::Transient | Kind::RateLimited { .. })
                    || now.moment.since(since.moment) >= JOB;
                if over {
                    // The job failed or is lost: whatever it did is read before anything is written again.
                    record.entry.ticket = None;
                }
                let outcomes: Vec<(RrsetKey, Option<Error>)> = vec![(id.key.clone(), Some(error))];
                self.take_failures(&id.account, print, outcomes, true, now, rng, out);
            }
        }
    }
}
