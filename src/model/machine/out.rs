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
                let (_, keys) = said.entry((*level, account.clone(), what.clone())).or_insert_with(first);
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
