//! What the kernel says of the network, and where this machine stands in it.

use super::Engine;
use crate::detect::situation::{Heard, situations};
use crate::model::machine::{Event, Network, Notice};
use crate::model::record::Family;
use crate::model::situation::{Situation, Told};
use crate::model::time::{Moment, Now};
use crate::os::netlink::{Snapshot, snapshot};

/// What is known of the network around.
#[derive(Default)]
pub(super) struct Around {
    /// The kernel's last word, where it is listened to.
    seen: Option<Snapshot>,
    /// Since when the network is the same. What was said before may be of another one.
    changed: Moment,
    /// Where this machine stands in the families that are published.
    pub(super) found: Vec<(Family, Situation)>,
    /// What was told of that.
    pub(super) told: Told,
}

impl Around {
    /// Begins with the kernel's word, where it is listened to.
    pub(super) fn begin(&mut self, seen: Option<Snapshot>, now: Now) {
        (self.seen, self.changed) = (seen, now.moment);
    }
}

impl Engine {
    /// Compares with the last snapshot: router advertisements repeat for ever, and no difference ends here. What changes beside
    /// the way out, a container's interface that comes and goes, is looked at, and is no reason to ask the world sooner.
    pub(super) fn kernel_spoke(&mut self) {
        let network = match (snapshot(), &self.around.seen) {
            (Ok(now), Some(before)) if now.same_as(before) => {
                self.around.seen = Some(now);
                return;
            }
            (Ok(now), before) => {
                let vanished = before.as_ref().is_some_and(|before| {
                    Family::ALL.iter().any(|family| {
                        !before.default_links(*family).is_empty() && now.default_links(*family).is_empty()
                    })
                });
                let beside = before.as_ref().is_some_and(|before| now.same_way_out(before));
                self.around.seen = Some(now);
                match (vanished, beside) {
                    (true, _) => Network::RouteVanished,
                    (false, true) => Network::Same,
                    (false, false) => Network::Changed,
                }
            }
            (Err(_), _) => Network::Changed,
        };
        if network > Network::Same {
            self.around.changed = self.clock.now().moment;
        }
        self.feed(Event::Look(network));
    }

    /// Finds out where this machine stands, once the sources have said what they say now. They may take their time to fail: until then
    /// what they said before counts where the kernel says nothing else, as it does at once of a way out that is gone.
    pub(super) fn look_around(&mut self) {
        let Some(seen) = &self.around.seen else { return };
        let (is_asking, changed) = (self.state.is_asking(), self.around.changed);
        let heard: Vec<Heard<'_>> = self
            .state
            .observations()
            .filter_map(|(source, family, reading, at)| {
                let asked = self.parts.detectors.get(source)?.asked()?;
                Some(Heard { family, asked, reading: Some(reading).filter(|_| !is_asking && at.moment >= changed) })
            })
            .collect();
        let now = situations(seen, &self.state.desired().families(), &heard);
        let found = &mut self.around.found;
        if !is_asking {
            *found = now;
            return;
        }
        for (family, by_kernel) in now {
            match found.iter_mut().find(|(known, _)| *known == family) {
                Some((_, known)) if known.may_last(&by_kernel) => {}
                Some((_, known)) => *known = by_kernel,
                None if by_kernel.leads_nowhere() => found.push((family, by_kernel)),
                None => {}
            }
        }
    }

    /// Tells where this machine stands, where that is news.
    pub(super) fn tell_where(&mut self) {
        let Around { found, told, .. } = &mut self.around;
        for (level, what) in told.news(found, self.clock.now()) {
            super::effects::tell(&Notice { level, id: None, account: None, what, change: None });
        }
    }
}
