//! How many calls Rackspace takes in a time, kept on this side: pure, the time is an argument.
//!
//! Source: "Limits" in the documentation of Cloud DNS, and `GET /limits`, which tells those of an account.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::model::time::Moment;
use crate::net::limit::{Limiter, Rule};

/// Calls that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// `GET /domains*`.
    Get,
    /// `POST /domains*`.
    Post,
    /// `PUT /domains*`.
    Put,
    /// `DELETE /domains*`.
    Delete,
    /// `GET /status/*`.
    Status,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// What was published for every account.
const PUBLISHED: [(Counted, Rule); 5] = [
    (Counted::Get, Rule::a_minute(60)),
    (Counted::Post, Rule::a_minute(20)),
    (Counted::Put, Rule::a_minute(20)),
    (Counted::Delete, Rule::a_minute(10)),
    (Counted::Status, Rule::counted_there(5, SECOND)),
];

/// The limits of one account, and the calls of late.
#[derive(Debug)]
pub struct Limits(BTreeMap<Counted, Limiter>);

impl Default for Limits {
    fn default() -> Self {
        Self(PUBLISHED.into_iter().map(|(counted, rule)| (counted, Limiter::new([rule]))).collect())
    }
}

impl Limits {
    /// From now on these rules hold in the place of those known of the same calls.
    pub fn learn(&mut self, told: &[(Counted, Rule)]) {
        for (counted, limiter) in &mut self.0 {
            let rules: Vec<Rule> = told.iter().filter(|(of, _)| of == counted).map(|(_, rule)| *rule).collect();
            if !rules.is_empty() {
                limiter.follow(rules);
            }
        }
    }

    /// Counts a call that is made `now`.
    ///
    /// # Errors
    /// The call would be one too many: how long it must wait.
    pub fn take(&mut self, counted: Counted, now: Moment) -> Result<(), Duration> {
        self.0.get_mut(&counted).map_or(Ok(()), |limiter| limiter.take(now))
    }
}

/// The rates in an answer to `GET /limits`; what is not understood is left out.
#[must_use]
pub fn read(content: &Value) -> Vec<(Counted, Rule)> {
    // Documented with and without one object around the rates, as `rate` and as `rates`.
    let outer = content.get("limits").unwrap_or(content);
    let rates = outer.get("rates").unwrap_or(outer).get("rate").and_then(Value::as_array);
    rates.into_iter().flatten().flat_map(rates_of).collect()
}

fn rates_of(entry: &Value) -> Vec<(Counted, Rule)> {
    let about =
        |word: &str| ["uri", "regex"].iter().any(|key| entry[*key].as_str().is_some_and(|text| text.contains(word)));
    let limits = entry["limit"].as_array().into_iter().flatten();
    let rate = |limit: &Value| {
        let counted = match limit["verb"].as_str()? {
            // The search has a limit of its own and is not used.
            _ if about("search") => return None,
            "GET" if about("status") => Counted::Status,
            _ if !about("domains") => return None,
            "GET" => Counted::Get,
            "POST" => Counted::Post,
            "PUT" => Counted::Put,
            "DELETE" => Counted::Delete,
            _ => return None,
        };
        let within = match limit["unit"].as_str()? {
            "SECOND" => SECOND,
            "MINUTE" => MINUTE,
            "HOUR" => 60 * MINUTE,
            "DAY" => 24 * 60 * MINUTE,
            _ => return None,
        };
        let calls = limit["value"].as_u64().and_then(|calls| usize::try_from(calls).ok()).filter(|calls| *calls > 0)?;
        Some((counted, Rule::counted_there(calls, within)))
    };
    limits.filter_map(rate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_minute_sees_more_calls_than_were_published() {
        for (counted, calls, per) in [
            (Counted::Get, 60, MINUTE),
            (Counted::Post, 20, MINUTE),
            (Counted::Put, 20, MINUTE),
            (Counted::Delete, 10, MINUTE),
            (Counted::Status, 5, SECOND),
        ] {
            let mut limits = Limits::default();
            let now = Moment(1_000_000);
            assert!((0..calls).all(|_| limits.take(counted, now).is_ok()));
            assert!(limits.take(counted, now).is_err_and(|wait| wait > per));
            assert!(limits.take(counted, now.plus(per)).is_err(), "the first may have arrived late");
            assert_eq!(limits.take(counted, now.plus(per + SECOND)), Ok(()));
        }
    }

    #[test]
    fn each_kind_of_call_is_counted_by_itself() {
        let mut limits = Limits::default();
        (0..10).for_each(|_| limits.take(Counted::Delete, Moment(0)).unwrap());
        assert!(limits.take(Counted::Delete, Moment(0)).is_err());
        assert!(limits.take(Counted::Put, Moment(0)).is_ok());
    }

    /// The answer of the documentation ("List limits").
    fn documented() -> Value {
        let limit = |verb: &str, value: u32, unit: &str| json!({"value": value, "verb": verb, "unit": unit});
        let minute = |verb, value| limit(verb, value, "MINUTE");
        json!({
            "rates": {"rate": [
                {"uri": "*/status/*", "limit": [limit("GET", 5, "SECOND")], "regex": ".*/v\\d+\\.\\d+/(\\d+/status).*"},
                {"uri": "*/domains*", "regex": ".*/v\\d+\\.\\d+/(\\d+/domains).*", "limit": [
                    minute("GET", 100), minute("POST", 25), minute("PUT", 50), minute("DELETE", 50),
                ]},
            ]},
            "absolute": {"limit": [{"name": "domains", "value": 500}, {"name": "records per domain", "value": 500}]},
        })
    }

    #[test]
    fn the_accounts_own_limits_take_the_place_of_the_published_ones() {
        let told = read(&documented());
        let expected = [
            (Counted::Status, Rule::counted_there(5, SECOND)),
            (Counted::Get, Rule::a_minute(100)),
            (Counted::Post, Rule::a_minute(25)),
            (Counted::Put, Rule::a_minute(50)),
            (Counted::Delete, Rule::a_minute(50)),
        ];
        assert_eq!(told, expected);
        let mut limits = Limits::default();
        (0..20).for_each(|_| limits.take(Counted::Put, Moment(0)).unwrap());
        assert!(limits.take(Counted::Put, Moment(0)).is_err());
        limits.learn(&told);
        assert!((0..30).all(|_| limits.take(Counted::Put, Moment(0)).is_ok()));
        assert!(limits.take(Counted::Put, Moment(0)).is_err());
        // What is not told stays as it was published.
        limits.learn(&[(Counted::Get, Rule::a_minute(1))]);
        assert!((0..25).all(|_| limits.take(Counted::Post, Moment(0)).is_ok()));
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let rate = json!([
            {"uri": "/domains/search*", "regex": "", "limit": [{"verb": "GET", "value": 1, "unit": "MINUTE"}]},
            {"uri": "/domains*", "limit": [{"verb": "PUT", "value": 7, "unit": "HOUR"}, {"verb": "DELETE"}, 7]},
            {"uri": "/domains*", "limit": [{"verb": "POST", "value": 0, "unit": "MINUTE"}]},
            {"uri": "/domains*", "limit": [{"verb": "GET", "value": 5, "unit": "FORTNIGHT"}]},
        ]);
        let expected = [(Counted::Put, Rule::counted_there(7, 60 * MINUTE))];
        for content in [json!({"rates": {"rate": rate}, "absolute": {}}), json!({"limits": {"rate": rate}})] {
            assert_eq!(read(&content), expected);
        }
        assert_eq!(read(&json!(["nothing"])), []);
    }
}
