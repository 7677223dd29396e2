//! Which zone a name belongs to: the longest suffix that the account may edit, remembered.

use std::sync::{Mutex, PoisonError};

use crate::model::name::Name;

/// A part of the name space that an account may edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The service's id, opaque.
    pub id: String,
    /// Its apex.
    pub name: Name,
}

/// The zones found so far. Dropped as a whole when an id turns out to be gone.
#[derive(Debug, Default)]
pub struct ZoneCache(Mutex<Option<Vec<Zone>>>);

impl ZoneCache {
    /// The zone of `name` among the zones remembered. The outer `None`: nothing is remembered, ask the service.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<Option<Zone>> {
        self.lock().as_ref().map(|zones| longest(zones, name).cloned())
    }

    /// Remembers all zones of the account.
    pub fn remember(&self, zones: Vec<Zone>) {
        *self.lock() = Some(zones);
    }

    /// Remembers one zone more.
    pub fn add(&self, zone: Zone) {
        let mut zones = self.lock();
        let zones = zones.get_or_insert_default();
        zones.retain(|known| known.name != zone.name);
        zones.push(zone);
    }

    /// Forgets everything.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Zone>>> {
        // Each holder only replaces the value as a whole, so a panic elsewhere cannot leave it half-made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest zone that `name` lies in.
#[must_use]
pub fn longest<'a>(zones: &'a [Zone], name: &Name) -> Option<&'a Zone> {
    zones.iter().filter(|zone| name.is_within(&zone.name)).max_by_key(|zone| zone.name.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_suffix_wins() {
        let zone = |name: &str| Zone { id: name.into(), name: Name::parse(name).unwrap() };
        let cache = ZoneCache::default();
        let name = Name::parse("a.sub.example.org").unwrap();
        assert_eq!(cache.find(&name), None);
        cache.remember(vec![zone("example.org"), zone("sub.example.org"), zone("ub.example.org")]);
        assert_eq!(cache.find(&name).unwrap().unwrap().id, "sub.example.org");
        assert_eq!(cache.find(&Name::parse("example.net").unwrap()), Some(None));
        cache.forget();
        assert_eq!(cache.find(&name), None);
    }
}
