//! Rackspace's calls on domains.

use serde_json::{Map, Value, json};

use super::checks::{self, NewDomain, Page, Query};
use super::faults::{Refusal, delete_fault, fault};
use super::jobs::Deed;
use super::records::paged;
use super::{Call, Domain, Duplicates, Ids, Outcome, State};

/// The two name servers of every domain.
const SERVERS: [&str; 2] = ["dns1.stabletransit.com", "dns2.stabletransit.com"];

/// Domains and accounts had numbers for ids once; now they are texts.
fn shown_id(id: &str, ids: Ids) -> Value {
    match id.parse::<u64>() {
        Ok(number) if ids == Ids::Old => number.into(),
        _ => id.into(),
    }
}

impl State {
    pub(super) fn made_domain(&mut self, name: &str, email: &str, ttl: u64, comment: Option<String>) -> Domain {
        let (id, at) = (self.fresh_id(None, self.switches.ids), self.stamp());
        let (name, email) = (name.into(), email.into());
        let (created, updated) = (at.clone(), at);
        Domain { id, name, email, ttl, comment, created, updated, forbidden: false, records: Vec::new() }
    }

    /// A domain as lists have it.
    fn listed(&self, domain: &Domain, with_account: bool) -> Map<String, Value> {
        let mut shown = Map::from_iter(
            [
                ("name", Value::from(domain.name.clone())),
                ("id", shown_id(&domain.id, self.switches.ids)),
                ("updated", domain.updated.clone().into()),
                ("created", domain.created.clone().into()),
                ("emailAddress", domain.email.clone().into()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        shown.extend(domain.comment.clone().map(|comment| ("comment".to_owned(), comment.into())));
        if with_account {
            shown.insert("accountId".into(), shown_id(&self.account, self.switches.ids));
        }
        shown
    }

    /// A domain by itself.
    fn whole(&self, domain: &Domain) -> Map<String, Value> {
        let mut shown = self.listed(domain, true);
        shown.insert("ttl".into(), domain.ttl.into());
        shown.insert("nameservers".into(), SERVERS.map(|server| json!({ "name": server })).to_vec().into());
        shown
    }

    pub(super) fn list_domains(&self, call: &Call<'_>, query: &Query) -> Outcome {
        let name = query.one("name");
        let fits = |domain: &&Domain| name.is_none_or(|name| domain.name.eq_ignore_ascii_case(name));
        let found: Vec<&Domain> = self.domains.iter().filter(fits).collect();
        self.list_of_domains(call, query, &found)
    }

    /// Names that contain the text, which has three characters at least.
    pub(super) fn search_domains(&self, call: &Call<'_>, query: &Query) -> Outcome {
        let Some(part) = query.one("name") else { return Err(Refusal::violation("name is missing")) };
        let part = part.to_ascii_lowercase();
        let fits = |domain: &&Domain| part.len() >= 3 && domain.name.contains(&part);
        let found: Vec<&Domain> = self.domains.iter().filter(fits).collect();
        self.list_of_domains(call, query, &found)
    }

    fn list_of_domains(&self, call: &Call<'_>, query: &Query, found: &[&Domain]) -> Outcome {
        let page = Page::parse(query)?;
        let by_name = query.one("name").is_some();
        let shown = found.iter().map(|domain| (domain.id.clone(), self.listed(domain, !by_name).into()));
        let shown: Vec<(String, Value)> = shown.collect();
        let (domains, links) = paged(call, &self.switches, query, &page, &shown);
        let total = if self.switches.total_of_all { self.domains.len() } else { found.len() };
        let mut body = json!({ "domains": domains, "totalEntries": total });
        if let Some(links) = links {
            body["links"] = links;
        }
        Ok((200, body))
    }

    pub(super) fn show_domain(&self, id: &str, query: &Query) -> Outcome {
        let page = Page::parse(query)?;
        let domain = self.domain(id)?;
        let mut shown = self.whole(domain);
        if query.flag("showRecords", true)? {
            let records = Self::in_order(&domain.records).into_iter().skip(page.offset).take(page.limit);
            let records: Vec<Value> = records.map(|record| self.shown_record(record)).collect();
            let list = json!({ "totalEntries": domain.records.len(), "records": records });
            shown.insert("recordsList".into(), list);
        }
        if query.flag("showSubdomains", true)? {
            let subdomains: Vec<&Domain> = self.subdomains(&domain.name).collect();
            let on_page = subdomains.iter().skip(page.offset).take(page.limit);
            let on_page: Vec<Value> = on_page.map(|domain| self.listed(domain, false).into()).collect();
            shown.insert("subdomains".into(), json!({ "totalEntries": subdomains.len(), "domains": on_page }));
        }
        Ok((200, shown.into()))
    }

    fn subdomains<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Domain> + use<'a> {
        let end = format!(".{name}");
        self.domains.iter().filter(move |domain| domain.name.ends_with(&end))
    }

    pub(super) fn create_domains(&mut self, call: &Call<'_>) -> Outcome {
        let mut wrong = Vec::new();
        let mut news: Vec<NewDomain> = Vec::new();
        for fields in checks::items(&checks::body(call.request)?, "domains")? {
            news.extend(checks::new_domains(&fields, &self.switches, &mut wrong)?);
        }
        checks::check_entities(news.iter().map(|new| 1 + new.records.len()).sum())?;
        if !wrong.is_empty() {
            return self.invalid(call, &wrong);
        }
        if self.domains.len() + news.len() > self.most_domains {
            let details = format!("Limit of {} domains has been reached.", self.most_domains);
            return Err(Refusal::fault("overLimit", &details));
        }
        if self.switches.duplicates == Duplicates::AtOnce && news.iter().any(|new| self.has_domain(&new.name)) {
            return Err(Refusal::fault("itemAlreadyExists", "Domain already exists"));
        }
        self.start(call, Deed::CreateDomains(news))
    }

    fn has_domain(&self, name: &str) -> bool {
        self.domains.iter().any(|domain| domain.name.eq_ignore_ascii_case(name))
    }

    /// Makes all of them; on an error the caller takes back what was made.
    pub(super) fn do_create(&mut self, news: &[NewDomain]) -> Result<Vec<Value>, Value> {
        let mut shown = Vec::new();
        for new in news {
            if self.has_domain(&new.name) {
                return Err(fault("itemAlreadyExists", "Domain already exists").1);
            }
            let domain = self.made_domain(&new.name, &new.email, new.ttl.unwrap_or(3600), new.comment.clone());
            let id = domain.id.clone();
            let mut whole = self.whole(&domain);
            self.domains.push(domain);
            let own_servers = new.records.iter().any(|record| record.rtype == "NS" && record.name == new.name);
            if self.switches.ns_records && !own_servers {
                for server in SERVERS {
                    self.add_record(&id, "NS", &new.name, server, 3600);
                }
            }
            let records = self.do_add(&id, &new.records)?;
            if !records.is_empty() {
                whole.insert("recordsList".into(), json!({ "totalEntries": records.len(), "records": records }));
            }
            shown.push(whole.into());
        }
        Ok(shown)
    }

    pub(super) fn delete_domain(&mut self, call: &Call<'_>, id: &str, query: &Query) -> Outcome {
        let subdomains = query.flag("deleteSubdomains", false)?;
        if !self.switches.missing_in_job {
            self.own_domain(id)?;
        }
        self.start(call, Deed::DeleteDomains(vec![id.into()], subdomains, false))
    }

    pub(super) fn delete_domains(&mut self, call: &Call<'_>, query: &Query) -> Outcome {
        let (ids, subdomains) = (query.ids()?, query.flag("deleteSubdomains", false)?);
        self.start(call, Deed::DeleteDomains(ids, subdomains, true))
    }

    /// Deletes what can be deleted: each is tried even if others fail.
    pub(super) fn do_delete_domains(&mut self, ids: &[String], subdomains: bool, several: bool) -> Result<(), Value> {
        let mut faults = Vec::new();
        for id in ids {
            let Ok(domain) = self.own_domain(id) else {
                let details = format!("The domain with ID {id} was not found.");
                faults.push(json!({ "message": "Not Found", "code": 404, "details": details }));
                continue;
            };
            if self.undeletable.contains(id) {
                faults.push(fault("serviceUnavailable", &format!("Domain ID: {id}")).1);
                continue;
            }
            let below = format!(".{}", domain.name);
            self.domains.retain(|held| held.id != *id && !(subdomains && held.name.ends_with(&below)));
        }
        match faults.first() {
            None => Ok(()),
            Some(only) if !several => Err(only.clone()),
            Some(_) => Err(delete_fault(&faults)),
        }
    }
}
