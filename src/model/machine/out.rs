//! What a step comes to: its effects in order, and what people are told, each thing once.

use std::collections::BTreeMap;

use super::event::{Effect, Level, Notice};
use crate::model::desired::{AccountName, Id};
use crate::model::news::some_of;

/// The effects of one step, in order.
#[derive(Debug, Default)]
pub(super) struct Out(pub(super) Vec<Effect>);

impl Out {
    pub(super) fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    pub(super) fn tell(&mut self, level: Level, id: Option<&Id>, what: impl Into<String>) {
        let account = id.map(|id| id.account.clone());
        self.push(Effect::Tell(Notice { level, id: id.cloned(), account, what: what.into(), change: None }));
    }

    /// Tells of what a service took, and of the change that it was.
    pub(super) fn tell_change(&mut self, id: &Id, what: String, change: Option<String>) {
        let account = Some(id.account.clone());
        self.push(Effect::Tell(Notice { level: Level::Info, id: Some(id.clone()), account, what, change }));
    }

    /// The effects. What goes wrong for several record sets of an account in the same words is said once, with their names.
    pub(super) fn told_once(self) -> Vec<Effect> {
        let mut effects: Vec<Effect> = Vec::with_capacity(self.0.len());
        // Where each of them is first said, and what it is said of.
        let mut said: BTreeMap<_, (usize, Vec<String>)> = BTreeMap::new();
        for effect in self.0 {
            if let Effect::Tell(Notice {
                level: level @ (Level::Warn | Level::Error),
                id: Some(id),
                account,
                what,
                ..
            }) = &effect
            {
                let first = || (effects.len(), Vec::new());
                // The words are the same where nothing but their own name stands between them.
                let words = what.replace(id.key.name.as_str(), "");
                let (_, keys) = said.entry((*level, account.clone(), words)).or_insert_with(first);
                keys.push(id.key.to_string());
                if keys.len() > 1 {
                    continue;
                }
            }
            effects.push(effect);
        }
        for (at, keys) in said.into_values().filter(|(_, keys)| keys.len() > 1) {
            if let Some(Effect::Tell(notice)) = effects.get_mut(at) {
                notice.id = None;
                notice.what = format!("{} (said of {})", notice.what, some_of(&keys));
            }
        }
        effects
    }

    pub(super) fn tell_account(&mut self, level: Level, account: &AccountName, what: impl Into<String>) {
        let account = Some(account.clone());
        self.push(Effect::Tell(Notice { level, id: None, account, what: what.into(), change: None }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Name;
    use crate::model::record::{RecordType, RrsetKey};

    #[test]
    fn what_differs_in_the_record_s_own_name_alone_is_said_once_and_what_differs_more_is_not() {
        let id = |name: &str| {
            let key = RrsetKey::new(Name::parse(name).unwrap(), RecordType::A);
            Id { account: AccountName("home".into()), key }
        };
        let mut out = Out::default();
        for name in ["a.example.org", "b.example.org"] {
            out.tell(Level::Warn, Some(&id(name)), format!("not authorised: updating {name}: badauth"));
            out.tell(Level::Info, Some(&id(name)), "looked at");
        }
        out.tell(Level::Warn, Some(&id("c.example.org")), "not authorised: updating c.example.org: !yours");
        let effects = out.told_once();
        let said: Vec<(Level, &str)> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Tell(notice) => Some((notice.level, notice.what.as_str())),
                _ => None,
            })
            .collect();
        let both = "not authorised: updating a.example.org: badauth (said of a.example.org A, b.example.org A)";
        let other = "not authorised: updating c.example.org: !yours";
        let looked = (Level::Info, "looked at");
        assert_eq!(said, [(Level::Warn, both), looked, looked, (Level::Warn, other)]);
    }
}
