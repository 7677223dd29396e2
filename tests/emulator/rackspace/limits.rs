//! Rackspace's limits: counted by the service's clock, told by three calls, refused with 413.

use std::time::Duration;

use serde_json::{Value, json};

use super::faults::{Refusal, http_date};
use super::{Outcome, OverLimit, State};

/// So many calls of a kind in a second or a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub verb: &'static str,
    pub uri: &'static str,
    pub value: usize,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Second,
    Minute,
}

const STATUS: &str = "*/status/*";
const SEARCH: &str = "*/domains/search*";
const DOMAINS: &str = "*/domains*";

/// The table of the guide; the first that fits counts.
pub const DOCUMENTED: [Limit; 6] = [
    Limit { verb: "GET", uri: STATUS, value: 5, unit: Unit::Second },
    Limit { verb: "GET", uri: SEARCH, value: 20, unit: Unit::Minute },
    Limit { verb: "GET", uri: DOMAINS, value: 60, unit: Unit::Minute },
    Limit { verb: "POST", uri: DOMAINS, value: 20, unit: Unit::Minute },
    Limit { verb: "PUT", uri: DOMAINS, value: 20, unit: Unit::Minute },
    Limit { verb: "DELETE", uri: DOMAINS, value: 10, unit: Unit::Minute },
];

impl Limit {
    fn fits(&self, verb: &str, path: &[&str]) -> bool {
        let of_uri = match self.uri {
            STATUS => path.first() == Some(&"status") && path.len() > 1,
            SEARCH => path.starts_with(&["domains", "search"]),
            _ => path.first() == Some(&"domains"),
        };
        of_uri && self.verb == verb
    }

    fn regex(&self) -> &'static str {
        match self.uri {
            STATUS => r".*/v\d+\.\d+/(\d+/status).*",
            SEARCH => r".*/v\d+\.\d+/(\d+/domains/search).*",
            _ => r".*/v\d+\.\d+/(\d+/domains).*",
        }
    }
}

impl Unit {
    fn length(self) -> Duration {
        Duration::from_secs(if self == Self::Second { 1 } else { 60 })
    }
}

impl State {
    /// Counts a request against its limit.
    pub(super) fn count(&mut self, verb: &str, path: &[&str]) -> Result<(), Refusal> {
        let Some(at) = self.limits.iter().position(|limit| limit.fits(verb, path)) else { return Ok(()) };
        let Limit { value, unit, .. } = self.limits[at];
        self.count_one(at, value, unit.length())
    }

    /// Counts a login.
    pub(super) fn count_login(&mut self) -> Result<(), Refusal> {
        match self.most_logins {
            Some(most) => self.count_one(usize::MAX, most, Unit::Minute.length()),
            None => Ok(()),
        }
    }

    fn count_one(&mut self, which: usize, most: usize, length: Duration) -> Result<(), Refusal> {
        let (now, fixed) = (self.now(), self.switches.fixed_windows);
        let taken = self.taken.entry(which).or_default();
        if fixed && taken.front().is_some_and(|first| now - *first >= length) {
            taken.clear();
        }
        while !fixed && taken.front().is_some_and(|first| now - *first >= length) {
            taken.pop_front();
        }
        if taken.len() >= most {
            let wait = taken.front().map_or(length, |first| length.saturating_sub(now - *first));
            return Err(self.over_limit(wait));
        }
        taken.push_back(now);
        Ok(())
    }

    /// The gateway's refusal: it is wrapped, the DNS's own (quotas) is not.
    fn over_limit(&self, wait: Duration) -> Refusal {
        let (seconds, at) = self.callers_time(wait);
        let iso = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut inner = json!({ "code": 413, "message": "OverLimit Retry...", "details": "Error Details..." });
        let mut headers = Vec::new();
        match self.switches.over_limit {
            OverLimit::Gateway => {
                headers.push(("Retry-After", http_date(at)));
                inner["retryAfter"] = iso.into();
            }
            OverLimit::Seconds => headers.push(("Retry-After", seconds.to_string())),
            OverLimit::Date => headers.push(("Retry-After", http_date(at))),
            OverLimit::Body => inner["retryAfter"] = iso.into(),
            OverLimit::RetryAt => inner["retryAt"] = iso.into(),
            OverLimit::ReplyAfter => headers.push(("Reply-After", iso)),
            OverLimit::Silent => {}
        }
        Refusal { headers, ..Refusal::with_body(413, json!({ "overLimit": inner })) }
    }

    pub(super) fn all_limits(&self) -> Value {
        json!({ "rates": self.rates(), "absolute": { "limit": [self.most("domains"), self.most("records per domain")] } })
    }

    pub(super) fn limits_of(&self, which: &str) -> Outcome {
        let body = match which.to_ascii_uppercase().as_str() {
            "TYPES" => json!({ "limitTypes": ["RATE_LIMIT", "DOMAIN_LIMIT", "DOMAIN_RECORD_LIMIT"] }),
            "RATE_LIMIT" => json!({ "rates": self.rates() }),
            "DOMAIN_LIMIT" => json!({ "absolute": { "limit": [self.most("domains")] } }),
            "DOMAIN_RECORD_LIMIT" => json!({ "absolute": { "limit": [self.most("records per domain")] } }),
            _ => return Err(Refusal::violation("there is no such type of limits")),
        };
        Ok((200, body))
    }

    fn most(&self, name: &str) -> Value {
        let value = if name == "domains" { self.most_domains } else { self.most_records };
        json!({ "name": name, "value": value })
    }

    fn rates(&self) -> Value {
        let mut rates: Vec<Value> = Vec::new();
        for limit in &self.limits {
            let unit = if limit.unit == Unit::Second { "SECOND" } else { "MINUTE" };
            let one = json!({ "verb": limit.verb, "value": limit.value, "unit": unit });
            match rates.iter_mut().find(|rate| rate["uri"] == limit.uri) {
                Some(rate) => rate["limit"].as_array_mut().into_iter().for_each(|limits| limits.push(one.clone())),
                None => rates.push(json!({ "uri": limit.uri, "regex": limit.regex(), "limit": [one] })),
            }
        }
        json!({ "rate": rates })
    }
}
