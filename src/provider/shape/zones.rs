//! Which zone a name belongs to: the longest suffix that the account may edit, remembered.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::name::Name;
use crate::model::time::Moment;
use crate::os::clock;

/// After this time a zone is searched again: it may have been given away, or one been made below it.
pub const REMEMBERED: Duration = Duration::from_secs(20 * 3600);

/// A part of the name space that an account may edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The service's id, opaque.
    pub id: String,
    /// Its apex.
    pub name: Name,
}

/// The zones found so far, and since when. Dropped as a whole when an id turns out to be gone, and after [`REMEMBERED`].
#[derive(Debug, Default)]
pub struct ZoneCache(Mutex<Option<(Vec<Zone>, Moment)>>);

impl ZoneCache {
    /// The zone of `name` among the zones remembered. The outer `None`: nothing is remembered, ask the service.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<Option<Zone>> {
        self.find_at(name, clock::now().moment)
    }

    fn find_at(&self, name: &Name, now: Moment) -> Option<Option<Zone>> {
        let cache = self.lock();
        let (zones, _) = cache.as_ref().filter(|(_, since)| now.since(*since) < REMEMBERED)?;
        Some(longest(zones, name).cloned())
    }

    /// Remembers all zones of the account.
    pub fn remember(&self, zones: Vec<Zone>) {
        *self.lock() = Some((zones, clock::now().moment));
    }

    /// Remembers one zone more.
    pub fn add(&self, zone: Zone) {
        let mut cache = self.lock();
        let (zones, _) = cache.get_or_insert_with(|| (Vec::new(), clock::now().moment));
        zones.retain(|known| known.name != zone.name);
        zones.push(zone);
    }

    /// Forgets everything.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Vec<Zone>, Moment)>> {
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

    #[test]
    fn a_zone_is_asked_for_again_within_a_day() {
        let zone = Zone { id: "1".into(), name: Name::parse("example.org").unwrap() };
        let (cache, name) = (ZoneCache::default(), Name::parse("a.example.org").unwrap());
        cache.remember(vec![zone.clone()]);
        let now = clock::now().moment;
        assert_eq!(cache.find_at(&name, now), Some(Some(zone.clone())));
        assert_eq!(cache.find_at(&name, now.plus(Duration::from_secs(86400))), None);
        cache.forget();
        cache.add(zone);
        assert_eq!(cache.find_at(&name, now.plus(Duration::from_secs(86400))), None);
    }
}
