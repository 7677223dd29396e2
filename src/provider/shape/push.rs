//! Services that take an address for a name and answer with a word.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::plan::{Applied, Batch, Change, Plan, Seen, Settled, Sibling, Ticket};
use crate::model::record::{Family, RrsetKey, Values};
use crate::provider::{Provider, Terms};

/// The addresses that one request gives to a group of names. A family that is `None` is not named in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The names, all of which get the same addresses.
    pub names: Vec<Name>,
    /// The IPv4 addresses.
    pub ipv4: Option<Values>,
    /// The IPv6 addresses.
    pub ipv6: Option<Values>,
}

/// A service that takes pushes.
#[async_trait]
pub trait Push: Send + Sync {
    /// What the service is like.
    fn terms(&self) -> Terms;

    /// How many names one request may carry; at least 1.
    fn names_in_a_request(&self) -> usize;

    /// Whether one request may carry both families. Where not, each family has its own and no sibling is ever named.
    fn both_families(&self) -> bool {
        true
    }

    /// Sends one request; one answer a name, in the names' order.
    ///
    /// `send(a and b, ipv4 {192.0.2.1}, ipv6 none)` that the service answers with `good` and `nohost` answers
    /// `[Ok(Done), Err(Config)]`.
    async fn send(&self, update: &Update) -> Vec<Result<Applied>>;

    /// The machine's addresses changed: connections and anything bound to the old network are dropped.
    fn network_changed(&self) {}
}

/// What every push service has in common: it cannot be read, its requests are shared, siblings go along.
#[derive(Debug)]
pub struct PushProvider<P: Push>(P);

/// One request and the changes that it makes true.
struct Request {
    update: Update,
    /// The changes of each name, as indices, in the names' order.
    members: Vec<Vec<usize>>,
}

/// Changes sorted into requests, and those that no request can make true.
struct Cut {
    requests: Vec<Request>,
    impossible: Vec<usize>,
}

/// What one name is to get.
#[derive(Default)]
struct Wish {
    ipv4: Option<Values>,
    ipv6: Option<Values>,
    members: Vec<usize>,
}

impl Wish {
    fn family(&mut self, family: Family) -> &mut Option<Values> {
        match family {
            Family::Ipv4 => &mut self.ipv4,
            Family::Ipv6 => &mut self.ipv6,
        }
    }
}

impl<P: Push> PushProvider<P> {
    /// The provider that pushes through `push`.
    #[must_use]
    pub fn new(push: P) -> Self {
        Self(push)
    }

    /// Sorts changes into requests: by name, then by pair of address sets, at most so many names each. The order depends on
    /// addresses and names alone. The changes of one request, sorted again, are that one request: `apply` relies on it.
    fn cut(&self, changes: &[Change]) -> Cut {
        let together = self.0.both_families();
        let mut wishes: BTreeMap<(&Name, Option<Family>), Wish> = BTreeMap::new();
        let mut impossible = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            let Ok(family) = pushable(change) else {
                impossible.push(at);
                continue;
            };
            let wish = wishes.entry((&change.key.name, (!together).then_some(family))).or_default();
            *wish.family(family) = Some(change.after.clone());
            wish.members.push(at);
        }
        if together && self.0.terms().forgets_siblings {
            for wish in wishes.values_mut() {
                name_siblings(wish, changes);
            }
        }
        let by_key = |at: &usize| changes.get(*at).map(|change| &change.key);
        impossible.sort_by_key(by_key);
        let mut pairs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((name, _), mut wish) in wishes {
            wish.members.sort_by_key(by_key);
            pairs.entry((wish.ipv4, wish.ipv6)).or_default().push((name.clone(), wish.members));
        }
        let most = self.0.names_in_a_request().max(1);
        let mut requests = Vec::new();
        for ((ipv4, ipv6), names) in pairs {
            for names in names.chunks(most) {
                let (names, members) = names.iter().cloned().unzip();
                requests.push(Request { update: Update { names, ipv4: ipv4.clone(), ipv6: ipv6.clone() }, members });
            }
        }
        Cut { requests, impossible }
    }
}

/// Adds the family that is not itself in the plan, so that the service does not forget it. `Set` lands here when a batch was
/// split between the families: what is wanted of the sibling goes along all the same.
fn name_siblings(wish: &mut Wish, changes: &[Change]) {
    for change in wish.members.clone().into_iter().filter_map(|at| changes.get(at)) {
        let (Some(family), Sibling::Keep(values) | Sibling::Set(values)) = (change.key.rtype.family(), &change.sibling)
        else {
            continue;
        };
        let sibling = wish.family(family.other());
        if sibling.is_none() && !values.is_empty() {
            *sibling = Some(values.clone());
        }
    }
}

/// The family of a change that a push can make true, else why it cannot.
fn pushable(change: &Change) -> Result<Family> {
    let doing = || format!("updating {}", change.key);
    let family = change.key.rtype.family().ok_or_else(|| {
        Error::config(doing(), "this service takes addresses only")
            .hint("keep records of this type at an account whose service takes them")
    })?;
    if change.after.is_empty() {
        return Err(
            Error::config(doing(), "this service cannot remove").hint("remove the record at the service itself")
        );
    }
    Ok(family)
}

/// The error of a change that no request answered for.
fn unanswered(change: &Change) -> Error {
    let nothing = || Error::transient(format!("updating {}", change.key), "the service did not answer for this name");
    pushable(change).map_or_else(|error| error, |_| nothing())
}

#[async_trait]
impl<P: Push> Provider for PushProvider<P> {
    fn terms(&self) -> Terms {
        self.0.terms()
    }

    async fn read(&self, keys: &[RrsetKey]) -> Vec<Result<Seen>> {
        keys.iter().map(|_| Ok(Seen::Unreadable)).collect()
    }

    fn batches(&self, plan: &Plan) -> Vec<Batch> {
        let cut = self.cut(&plan.changes);
        let requests = cut.requests.into_iter().map(|request| request.members.concat());
        // What cannot be done stands apart, so that it does not look like part of a call.
        requests
            .chain((!cut.impossible.is_empty()).then_some(cut.impossible))
            .map(|members| Batch { changes: members.iter().filter_map(|at| plan.changes.get(*at)).cloned().collect() })
            .collect()
    }

    async fn apply(&self, batch: &Batch) -> Vec<Result<Applied>> {
        let mut answers: Vec<Option<Result<Applied>>> = batch.changes.iter().map(|_| None).collect();
        // One request, unless the batch is not one of ours.
        for request in self.cut(&batch.changes).requests {
            let mut told = self.0.send(&request.update).await.into_iter();
            for members in &request.members {
                let answer = told.next();
                for at in members {
                    if let Some(slot) = answers.get_mut(*at) {
                        slot.clone_from(&answer);
                    }
                }
            }
        }
        let answered = answers.into_iter().zip(&batch.changes);
        answered.map(|(answer, change)| answer.unwrap_or_else(|| Err(unanswered(change)))).collect()
    }

    async fn settle(&self, _ticket: &Ticket) -> Result<Settled> {
        Ok(Settled::Done)
    }

    fn network_changed(&self) {
        self.0.network_changed();
    }
}

#[cfg(test)]
mod tests;
