//! What a service has against changes that are each right alone and are planned together.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::model::desired::Id;
use crate::model::error::Error;
use crate::model::machine::State;
use crate::model::record::RecordType;
use crate::os::clock;

/// Adds the objections to what a name may have alone and not beside the other family, which is planned with it and sent first.
pub(super) fn object(config: &Config, state: &State, objections: &mut BTreeMap<Id, Error>) {
    let mut planned: BTreeMap<_, Vec<Id>> = BTreeMap::new();
    for view in state.views(clock::now()) {
        let fresh = view.planned.is_some_and(|change| change.before.is_empty() && !change.after.is_empty());
        if fresh && !objections.contains_key(view.id) {
            planned.entry((view.id.account.clone(), view.id.key.name.clone())).or_default().push(view.id.clone());
        }
    }
    for ((account, name), ids) in planned {
        let (Some(account), [first, second]) = (config.accounts.get(&account.0), ids.as_slice()) else { continue };
        let against = |types: &[RecordType]| (account.entry.objects)(&account.settings, &name, types);
        if against(&[first.key.rtype]).is_some() {
            continue;
        }
        if let Some(together) = against(&[first.key.rtype, second.key.rtype]) {
            let error = Error::config(format!("checking {}", second.key), together.why).hint(together.help).unsent();
            objections.insert(second.clone(), error);
        }
    }
}
