//! Rackspace's calls on the records of a domain.

use serde_json::{Map, Value, json};

use super::checks::{self, Change, New, Page, Query};
use super::faults::{Refusal, delete_fault, fault};
use super::jobs::Deed;
use super::{Call, Duplicates, Outcome, Record, State, Switches};

/// The order of types in a list, as recorded: A, NS, ..., CNAME.
const ORDER: [&str; 7] = ["A", "AAAA", "NS", "MX", "TXT", "SRV", "CNAME"];

/// A list's page with its links: what is on it, and what else the answer has.
pub(super) fn paged(
    call: &Call<'_>,
    switches: &Switches,
    query: &Query,
    page: &Page,
    all: &[(String, Value)],
) -> (Vec<Value>, Option<Value>) {
    let start = match &page.marker {
        None => page.offset,
        Some(marker) => all.iter().position(|(id, _)| id == marker).unwrap_or(all.len()),
    };
    let shown: Vec<Value> = all.iter().skip(start).take(page.limit).map(|(_, value)| value.clone()).collect();
    let link = |rel: &str, (name, from): (&str, String)| {
        let mut url = reqwest::Url::parse(&call.url).ok()?;
        url.query_pairs_mut().extend_pairs(query.filters());
        url.query_pairs_mut().append_pair("limit", &page.limit.to_string()).append_pair(name, &from);
        let mut link = json!({ "href": url.as_str(), "rel": rel });
        if !switches.links_without_content {
            link["content"] = "".into();
        }
        Some(link)
    };
    let at = |from: usize| match &page.marker {
        None => ("offset", from.to_string()),
        Some(_) => ("marker", all.get(from).map(|(id, _)| id.clone()).unwrap_or_default()),
    };
    let mut links = Vec::new();
    if start > 0 && start - start.min(page.limit) < all.len() {
        links.extend(link("previous", at(start - start.min(page.limit))));
    }
    if start + page.limit < all.len() {
        links.extend(link("next", at(start + page.limit)));
    }
    (shown, (!links.is_empty()).then(|| links.into()))
}

/// The error of a job, or the body of an answer: something like this is there already.
fn already(switches: &Switches, details: &str) -> Value {
    match switches.duplicates {
        Duplicates::Job400 => json!({ "message": "Bad Request", "code": 400, "details": details }),
        _ => fault("itemAlreadyExists", details).1,
    }
}

/// The same record twice, and a CNAME beside anything.
fn conflict(held: &[Record], new: &Record) -> Option<String> {
    let mut beside = held.iter().filter(|record| record.name.eq_ignore_ascii_case(&new.name) && record.id != new.id);
    beside.find_map(|record| {
        let number = record.id.strip_prefix(&format!("{}-", record.rtype)).unwrap_or(&record.id);
        let which = format!("(id={number}, fqdn={}, data={})", record.name, record.data);
        // Of service records the priority counts too (the page on record types).
        let alike = new.rtype != "SRV" || record.priority == new.priority;
        let same = record.rtype == new.rtype && record.data == new.data && alike;
        if same {
            Some(format!("Record is a duplicate of another record: {which}"))
        } else if [&*record.rtype, &*new.rtype].contains(&"CNAME") {
            Some(format!("A CNAME record cannot stand beside another record: {which}"))
        } else {
            None
        }
    })
}

impl State {
    pub(super) fn made_record(&mut self, rtype: &str, name: &str, data: &str, ttl: u64) -> Record {
        let (id, at) = (self.fresh_id(Some(rtype), self.switches.ids), self.stamp());
        let (rtype, name, data) = (rtype.into(), name.into(), data.into());
        Record { id, rtype, name, data, ttl, priority: None, comment: None, created: at.clone(), updated: at }
    }

    pub(super) fn shown_record(&self, record: &Record) -> Value {
        let address: Option<std::net::Ipv6Addr> = record.data.parse().ok();
        let data = match address.filter(|_| self.switches.long_ipv6) {
            Some(address) => address.segments().map(|part| format!("{part:04x}")).join(":"),
            None => record.data.clone(),
        };
        let mut shown = Map::from_iter(
            [
                ("name", Value::from(record.name.clone())),
                ("id", record.id.clone().into()),
                ("type", record.rtype.clone().into()),
                ("data", data.into()),
                ("ttl", record.ttl.into()),
                ("updated", record.updated.clone().into()),
                ("created", record.created.clone().into()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        shown.extend(record.priority.map(|priority| ("priority".to_owned(), priority.into())));
        shown.extend(record.comment.clone().map(|comment| ("comment".to_owned(), comment.into())));
        Value::Object(shown)
    }

    /// The records of a domain as lists have them: by type, then by age.
    pub(super) fn in_order<'a>(records: &'a [Record]) -> Vec<&'a Record> {
        let mut sorted: Vec<&'a Record> = records.iter().collect();
        sorted.sort_by_key(|record| ORDER.iter().position(|rtype| *rtype == record.rtype));
        sorted
    }

    pub(super) fn list_records(&self, call: &Call<'_>, id: &str, query: &Query) -> Outcome {
        let page = Page::parse(query)?;
        let domain = self.domain(id)?;
        let (rtype, name, data) = (query.one("type"), query.one("name"), query.one("data"));
        if rtype.is_none() && (name.is_some() || data.is_some()) {
            return Err(Refusal::violation("when searching, the type is required"));
        }
        if rtype.is_some_and(|rtype| !ORDER.contains(&rtype)) {
            return Err(Refusal::violation("there is no such type"));
        }
        if data.is_some() && !self.switches.data_found {
            return Err(Refusal::fault("serviceUnavailable", "Searching by data is not possible now."));
        }
        let unfound = self.switches.underscores_unfound && name.is_some_and(|name| name.contains(['_', ' ']));
        let fits = |record: &&Record| {
            rtype.is_none_or(|rtype| record.rtype == rtype)
                && name.is_none_or(|name| record.name.eq_ignore_ascii_case(name) && !unfound)
                && data.is_none_or(|data| record.data == data)
        };
        let found: Vec<(String, Value)> = Self::in_order(&domain.records)
            .into_iter()
            .filter(fits)
            .map(|record| (record.id.clone(), self.shown_record(record)))
            .collect();
        let (records, links) = paged(call, &self.switches, query, &page, &found);
        let mut body = json!({ "records": records });
        if rtype.is_none() || self.switches.filtered_total {
            body["totalEntries"] = found.len().into();
        }
        if let Some(links) = links {
            body["links"] = links;
        }
        Ok((200, body))
    }

    pub(super) fn show_record(&self, id: &str, record: &str) -> Outcome {
        Ok((200, self.shown_record(self.record(id, record)?)))
    }

    fn record(&self, id: &str, record: &str) -> Result<&Record, Refusal> {
        let found = self.domain(id)?.records.iter().find(|held| held.id == record);
        found.ok_or_else(|| Refusal::fault("itemNotFound", &format!("The record with ID {record} was not found.")))
    }

    /// Whether all these records are there, unless the job is to find out.
    fn check_there(&self, id: &str, records: &[&str]) -> Result<(), Refusal> {
        if self.switches.missing_in_job {
            return Ok(());
        }
        records.iter().try_for_each(|record| self.record(id, record).map(drop))
    }

    pub(super) fn add_records(&mut self, call: &Call<'_>, id: &str) -> Outcome {
        let domain = self.own_domain(id)?;
        let given = checks::items(&checks::body(call.request)?, "records")?;
        checks::check_entities(given.len())?;
        let mut wrong = Vec::new();
        let news = given.iter().map(|fields| checks::new_record(fields, &domain.name, &self.switches, &mut wrong));
        let news: Vec<New> = news.collect::<Result<_, _>>()?;
        let refused = news.iter().filter(|new| self.refused.contains(&new.name));
        wrong.extend(refused.map(|new| format!("{} is not a valid record name.", new.name)));
        if !wrong.is_empty() {
            return self.invalid(call, &wrong);
        }
        self.check_room(domain.records.len() + news.len())?;
        if self.switches.duplicates == Duplicates::AtOnce {
            let (domains, last_id) = (self.domains.clone(), self.last_id);
            let outcome = self.do_add(id, &news);
            (self.domains, self.last_id) = (domains, last_id);
            outcome.map_err(Refusal::of_body)?;
        }
        self.start(call, Deed::AddRecords(id.into(), news))
    }

    fn check_room(&self, records: usize) -> Result<(), Refusal> {
        match records > self.most_records {
            true => Err(Refusal::fault(
                "overLimit",
                &format!("Limit of {} records per domain has been reached.", self.most_records),
            )),
            false => Ok(()),
        }
    }

    /// Adds all of them; on an error the caller takes back what was added.
    pub(super) fn do_add(&mut self, id: &str, news: &[New]) -> Result<Vec<Value>, Value> {
        let mut shown = Vec::new();
        for new in news {
            let domain = self.domain(id).map_err(|refusal| refusal.body)?;
            self.check_room(domain.records.len() + 1).map_err(|refusal| refusal.body)?;
            let ttl = new.ttl.unwrap_or(domain.ttl);
            let mut record = self.made_record(&new.rtype, &new.name, &self.kept(&new.rtype, &new.data), ttl);
            record.priority = new.priority;
            record.comment = new.comment.clone().filter(|comment| !comment.is_empty());
            if let Some(why) = conflict(self.records(id), &record) {
                return Err(already(&self.switches, &why));
            }
            shown.push(self.shown_record(&record));
            if let Some(domain) = self.domains.iter_mut().find(|domain| domain.id == id) {
                domain.records.push(record);
            }
        }
        Ok(shown)
    }

    /// Data as the service keeps it.
    fn kept(&self, rtype: &str, data: &str) -> String {
        if rtype == "TXT" && self.switches.txt_stripped { data.replace(['"', '\\'], "") } else { data.to_owned() }
    }

    pub(super) fn update_record(&mut self, call: &Call<'_>, id: &str, record: &str) -> Outcome {
        self.own_domain(id)?;
        let change = checks::change(&checks::body(call.request)?, Some(record))?;
        self.update(call, id, vec![change])
    }

    pub(super) fn update_records(&mut self, call: &Call<'_>, id: &str) -> Outcome {
        self.own_domain(id)?;
        let given = checks::items(&checks::body(call.request)?, "records")?;
        checks::check_entities(given.len())?;
        let changes: Vec<Change> = given.iter().map(|fields| checks::change(fields, None)).collect::<Result<_, _>>()?;
        let ids: std::collections::BTreeSet<&String> = changes.iter().map(|change| &change.id).collect();
        if ids.len() < changes.len() {
            return Err(Refusal::violation("a record is to be changed twice"));
        }
        self.update(call, id, changes)
    }

    fn update(&mut self, call: &Call<'_>, id: &str, changes: Vec<Change>) -> Outcome {
        self.check_there(id, &changes.iter().map(|change| change.id.as_str()).collect::<Vec<_>>())?;
        let mut wrong = Vec::new();
        let mut renamed = None;
        let domain = self.domain(id)?.name.clone();
        for change in &changes {
            let Ok(held) = self.record(id, &change.id) else { continue };
            if change.name.as_ref().is_some_and(|name| !name.eq_ignore_ascii_case(&held.name)) {
                renamed = change.name.clone();
            }
            let name = change.name.as_ref().unwrap_or(&domain);
            if self.switches.renaming_refused && !name.eq_ignore_ascii_case(&held.name) {
                wrong.push("The name of a record cannot be modified.".to_owned());
            }
            if held.rtype == "TXT" && change.data.is_none() {
                wrong.push("Data is required for TXT records.".to_owned());
            }
            // The TTL that is there is not checked again.
            let changed = New { ttl: change.ttl, ..merged(held, change) };
            checks::check_values(&changed, &self.switches, &mut wrong);
            if self.refused.contains(&held.name) {
                wrong.push(format!("{} is not a valid record name.", held.name));
            }
        }
        if let Some(name) = renamed {
            // The name cannot be modified, says the reference; the service was seen to say COMPLETED all the same.
            self.violations.push(format!("{} {}: {name} is another name", call.request.method, call.request.path));
        }
        if !wrong.is_empty() {
            return self.invalid(call, &wrong);
        }
        if self.switches.duplicates == Duplicates::AtOnce {
            let domains = self.domains.clone();
            let outcome = self.do_update(id, &changes);
            self.domains = domains;
            outcome.map_err(Refusal::of_body)?;
        }
        self.start(call, Deed::UpdateRecords(id.into(), changes))
    }

    /// Changes all of them; on an error the caller takes back what was changed.
    pub(super) fn do_update(&mut self, id: &str, changes: &[Change]) -> Result<(), Value> {
        let at = self.stamp();
        for change in changes {
            let held = self.record(id, &change.id).map_err(|refusal| refusal.body)?.clone();
            let domain = self.domain(id).map_err(|refusal| refusal.body)?;
            let unsaid = if self.switches.change_resets_ttl { domain.ttl } else { held.ttl };
            let to = merged(&held, change);
            let record = Record {
                data: self.kept(&held.rtype, &to.data),
                ttl: change.ttl.unwrap_or(unsaid),
                priority: to.priority,
                comment: to.comment.filter(|comment| !comment.is_empty()),
                updated: at.clone(),
                ..held
            };
            if let Some(why) = conflict(&domain.records, &record) {
                return Err(already(&self.switches, &why));
            }
            let domain = self.domains.iter_mut().find(|domain| domain.id == id);
            let held = domain.and_then(|domain| domain.records.iter_mut().find(|held| held.id == record.id));
            if let Some(held) = held {
                *held = record;
            }
        }
        Ok(())
    }

    pub(super) fn delete_record(&mut self, call: &Call<'_>, id: &str, record: &str) -> Outcome {
        self.own_domain(id)?;
        self.check_there(id, &[record])?;
        self.start(call, Deed::DeleteRecords(id.into(), vec![record.into()], false))
    }

    pub(super) fn delete_records(&mut self, call: &Call<'_>, id: &str, query: &Query) -> Outcome {
        self.own_domain(id)?;
        let ids = query.ids()?;
        self.start(call, Deed::DeleteRecords(id.into(), ids, true))
    }

    /// Deletes what can be deleted: each is tried even if others fail.
    pub(super) fn do_delete(&mut self, id: &str, ids: &[String], several: bool) -> Result<(), Value> {
        let mut faults = Vec::new();
        for record in ids {
            if self.record(id, record).is_err() {
                let details = format!("The record with ID {record} was not found.");
                faults.push(json!({ "message": "Not Found", "code": 404, "details": details }));
            } else if self.undeletable.contains(record) {
                faults.push(fault("serviceUnavailable", &format!("Record ID: {record}")).1);
            } else if let Some(domain) = self.domains.iter_mut().find(|domain| domain.id == id) {
                domain.records.retain(|held| held.id != *record);
            }
        }
        match faults.first() {
            None => Ok(()),
            Some(only) if !several => Err(only.clone()),
            Some(_) => Err(delete_fault(&faults)),
        }
    }
}

/// What a record will be, all of it.
fn merged(held: &Record, change: &Change) -> New {
    New {
        rtype: held.rtype.clone(),
        name: held.name.clone(),
        data: change.data.clone().unwrap_or_else(|| held.data.clone()),
        ttl: Some(change.ttl.unwrap_or(held.ttl)),
        priority: change.priority.or(held.priority),
        comment: change.comment.clone().or_else(|| held.comment.clone()),
    }
}
