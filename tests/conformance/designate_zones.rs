//! What a person asks of Designate beside what the daemon does: zones, one record set, and lists across zones.

use serde_json::{Map, Value as Json};

use super::{Answer, Designate, Query, Zone, answer, fits, replay, shown_zone};

impl Designate {
    /// Connects a zone, and says its id.
    pub fn put_zone(&mut self, name: &str) -> String {
        let id = self.id();
        self.zones.push(Zone { id: id.clone(), name: name.into() });
        id
    }

    /// A zone as a person makes one, with the record sets that the server writes itself.
    pub(super) fn add_zone(&mut self, body: &Json) -> Answer {
        let empty = Map::new();
        let given = body.as_object().unwrap_or(&empty);
        let known = ["description", "email", "masters", "name", "ttl", "type"];
        let Some(name) = body["name"].as_str().filter(|_| given.keys().all(|key| known.contains(&key.as_str()))) else {
            return self.violation(format!("a zone of {body}"), "045-zone-create-no-email");
        };
        if body["type"] != "SECONDARY" && body["email"].as_str().is_none_or(str::is_empty) {
            return replay("045-zone-create-no-email");
        }
        if self.zones.iter().any(|zone| zone.name == name) {
            return replay("043-zone-create-duplicate");
        }
        self.put_zone(name);
        self.put(name, "SOA", vec!["ns1.example.net. hostmaster.example.net. 1 3600 600 86400 300".into()], None);
        self.put(name, "NS", vec!["ns1.example.net.".into()], None);
        let mut shown = self.zones.last().map(shown_zone).unwrap_or_default();
        (shown["status"], shown["action"]) = ("PENDING".into(), "CREATE".into());
        for (key, value) in given {
            shown[key] = value.clone();
        }
        answer(202, &shown)
    }

    pub(super) fn show_zone(&mut self, id: &str) -> Answer {
        match self.zones.iter().find(|zone| zone.id == id) {
            Some(zone) => answer(200, &shown_zone(zone)),
            None => replay("046-zone-get-unknown"),
        }
    }

    pub(super) fn remove_zone(&mut self, id: &str) -> Answer {
        let Some(at) = self.zones.iter().position(|zone| zone.id == id) else { return replay("046-zone-get-unknown") };
        let gone = self.zones.remove(at);
        self.sets.retain(|set| set.zone != gone.name);
        let mut shown = shown_zone(&gone);
        (shown["status"], shown["action"]) = ("PENDING".into(), "DELETE".into());
        answer(202, &shown)
    }

    /// The record sets of all zones.
    pub(super) fn list_everywhere(&mut self, query: &Query) -> Answer {
        let sets = self.sets.iter().filter(|set| fits(set, query)).map(|set| self.shown(set)).collect();
        self.page("recordsets", sets, query, &["data", "name", "type"])
    }

    /// Where a record set is.
    pub(super) fn point(&mut self, id: &str) -> Answer {
        let Some(set) = self.sets.iter().find(|set| set.id == id) else { return self.no_set(id) };
        let zone = self.shown(set)["zone_id"].as_str().unwrap_or_default().to_owned();
        Answer::new(301, "").with("Location", &format!("http://elsewhere.invalid/v2/zones/{zone}/recordsets/{id}"))
    }

    /// One record set.
    pub(super) fn show(&mut self, zone: &str, id: &str) -> Answer {
        let zone = self.zone_of(zone);
        match self.sets.iter().find(|set| set.id == id && Some(&set.zone) == zone.as_ref()) {
            Some(set) => answer(200, &self.shown(set)),
            None => self.no_set(id),
        }
    }

    /// An id is a UUID, or refused as none.
    fn no_set(&self, id: &str) -> Answer {
        let uuid = id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        replay(if uuid { "121-rs-get-unknown" } else { "122-rs-get-bad-uuid" })
    }
}
