//! The adapter over a service in memory.

use super::*;
use crate::model::error::Scope;
use crate::model::plan::Sibling;
use crate::model::record::{RecordType, Value};
use crate::provider::Budget;
use crate::provider::shape::patience::PATIENCE;
use std::time::Duration;

/// A service in memory: the zones `a.example` (id 1) and `b.example` (id 2), whose record sets are given.
#[derive(Default)]
struct Memory {
    rrsets: Vec<Rrset>,
    lists: bool,
    failing: Mutex<BTreeMap<String, Error>>,
    calls: Mutex<Vec<String>>,
}

impl Memory {
    fn call(&self, zone: &str, call: String) -> Result<()> {
        self.calls.lock().unwrap().push(call);
        self.failing.lock().unwrap().get(zone).cloned().map_or(Ok(()), Err)
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

#[async_trait]
impl Rrsets for Memory {
    fn terms(&self) -> Terms {
        let wait = Duration::from_secs(1);
        let budget = Budget::RECORDS;
        let (settles_within, read_back_after) = (wait, wait);
        Terms {
            readable: true,
            width: 1,
            budget,
            settles_within,
            read_back_after,
            forgets_siblings: false,
            refresh: None,
            in_dns: true,
        }
    }

    async fn zone_of(&self, name: &Name) -> Result<Option<Zone>> {
        self.call("search", format!("zone {name}"))?;
        Ok(self.zones().await?.and_then(|zones| zones.into_iter().find(|zone| name.is_within(&zone.name))))
    }

    async fn zones(&self) -> Result<Option<Vec<Zone>>> {
        let zone = |id: &str, name: &str| Zone { id: id.into(), name: Name::parse(name).unwrap() };
        Ok(Some(vec![zone("1", "a.example"), zone("2", "b.example")]))
    }

    async fn get(&self, zone: &Zone, key: &RrsetKey) -> Result<Option<Rrset>> {
        self.call(&zone.id, format!("get {key}"))?;
        Ok(self.rrsets.iter().find(|rrset| rrset.key == *key).cloned())
    }

    async fn list(&self, zone: &Zone) -> Result<Option<Vec<Rrset>>> {
        if !self.lists {
            return Ok(None);
        }
        self.call(&zone.id, format!("list {}", zone.name))?;
        Ok(Some(self.rrsets.clone()))
    }

    async fn replace(
        &self,
        zone: &Zone,
        key: &RrsetKey,
        before: Option<&Rrset>,
        values: &Values,
        ttl: Option<Ttl>,
    ) -> Result<Applied> {
        let list = crate::model::record::list;
        let before = before.map(|rrset| list(&rrset.values));
        self.call(&zone.id, format!("replace {key} {before:?} {} {ttl:?}", list(values)))?;
        Ok(Applied::Done)
    }
}

fn key(name: &str, rtype: RecordType) -> RrsetKey {
    RrsetKey::new(Name::parse(name).unwrap(), rtype)
}

fn values(texts: &[&str]) -> Values {
    texts.iter().map(|text| Value::from(text.parse::<std::net::IpAddr>().unwrap())).collect()
}

fn rrset(name: &str, texts: &[&str], health: Health) -> Rrset {
    let (key, values) = (key(name, RecordType::A), values(texts));
    Rrset { key, values, ttl: Ttl::new(60), health, snapshot: Snapshot::none() }
}

fn provider(service: Memory) -> RrsetsProvider<Memory> {
    RrsetsProvider::new(service)
}

fn change(seen: &Seen, name: &str, after: &[&str], ttl: Option<u32>) -> Change {
    let (before, snapshot) = match seen {
        Seen::Holds { values, snapshot, .. } => (values.clone(), snapshot.clone()),
        Seen::Absent(snapshot) => (Values::new(), snapshot.clone()),
        Seen::Unreadable => panic!("rrsets can be read"),
    };
    let (after, ttl) = (values(after), ttl.and_then(Ttl::new));
    let (key, retire) = (key(name, RecordType::A), Values::new());
    Change { key, before, after, retire, ttl, sibling: Sibling::Unknown, snapshot }
}

async fn apply(provider: &RrsetsProvider<Memory>, change: Change) -> Result<Applied> {
    let plan = Plan { changes: vec![change] };
    let batches = provider.batches(&plan);
    assert_eq!(batches.len(), 1);
    provider.apply(&batches[0]).await.remove(0)
}

#[tokio::test]
async fn a_forbidden_zone_does_not_blind_the_others() {
    let service = Memory { rrsets: vec![rrset("h.b.example", &["192.0.2.1"], Health::Live)], ..Memory::default() };
    let forbidden = Error::auth(Scope::RecordSet, "reading", "forbidden");
    service.failing.lock().unwrap().insert("1".into(), forbidden.clone());
    let provider = provider(service);
    let keys = [key("h.a.example", RecordType::A), key("h.b.example", RecordType::A), key("h.c", RecordType::A)];
    let answers = provider.read(&keys).await;
    assert_eq!(answers[0].clone().unwrap_err(), forbidden);
    assert!(matches!(&answers[1], Ok(Seen::Holds { mixed: false, .. })));
    let error = answers[2].clone().unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(error.hint.unwrap(), "this account's zones: a.example, b.example");
}

#[tokio::test]
async fn a_zone_is_searched_once_and_remembered() {
    let provider = provider(Memory::default());
    let keys = [key("h.a.example", RecordType::Aaaa), key("h.a.example", RecordType::A)];
    assert!(matches!(provider.read(&keys).await[..], [Ok(Seen::Absent(_)), Ok(Seen::Absent(_))]));
    assert_eq!(provider.service.calls(), ["zone h.a.example", "get h.a.example A", "get h.a.example AAAA"]);
    provider.read(&keys[..1]).await;
    assert_eq!(provider.service.calls(), ["get h.a.example AAAA"]);
}

#[tokio::test]
async fn many_keys_of_a_zone_are_listed() {
    for (lists, first) in [(true, "list a.example"), (false, "get h0.a.example A")] {
        let rrsets = vec![rrset("h1.a.example", &["192.0.2.1"], Health::Pending)];
        let provider = provider(Memory { rrsets, lists, ..Memory::default() });
        let keys: Vec<_> = (0..4).map(|i| key(&format!("h{i}.a.example"), RecordType::A)).collect();
        let answers = provider.read(&keys).await;
        assert_eq!(provider.service.calls()[4], first);
        assert!(matches!(&answers[1], Ok(Seen::Holds { health: Health::Pending, .. })));
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Seen::Absent(_)))).count(), 3);
    }
}

#[tokio::test]
async fn a_refused_account_is_not_asked_again_in_the_same_read() {
    let provider = provider(Memory::default());
    let failing = [Error::auth(Scope::Account, "", ""), Error::rate_limited(None, "", "")];
    let keys = [key("h.a.example", RecordType::A), key("h.b.example", RecordType::A)];
    provider.read(&keys).await;
    for error in failing {
        provider.service.calls();
        provider.service.failing.lock().unwrap().insert("1".into(), error.clone());
        let answers = provider.read(&keys).await;
        assert_eq!(provider.service.calls().len(), 1);
        assert!(answers.into_iter().all(|answer| answer.unwrap_err().kind == error.kind));
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_not_asked_for_every_key() {
    let provider = provider(Memory::default());
    let keys: Vec<_> = (0..9).map(|i| key(&format!("h{i}.a.example"), RecordType::A)).collect();
    provider.read(&keys).await;
    provider.service.calls();
    provider.service.failing.lock().unwrap().insert("1".into(), Error::transient("", "no answer"));
    assert!(provider.read(&keys).await.into_iter().all(|answer| answer.is_err()));
    assert_eq!(provider.service.calls().len(), usize::from(PATIENCE));
}

#[tokio::test]
async fn a_stale_answer_makes_the_zones_be_searched_again() {
    let provider = provider(Memory::default());
    let keys = [key("h.a.example", RecordType::A)];
    let absent = provider.read(&keys).await.remove(0).unwrap();
    provider.service.failing.lock().unwrap().insert("1".into(), Error::stale("", "gone"));
    let answer = apply(&provider, change(&absent, "h.a.example", &["192.0.2.1"], None)).await;
    assert_eq!(answer.unwrap_err().kind, Kind::Stale);
    provider.service.calls();
    provider.read(&keys).await;
    provider.read(&keys).await;
    let searched = ["zone h.a.example", "get h.a.example A"];
    assert_eq!(provider.service.calls(), [searched, searched].concat());
}

#[tokio::test]
async fn a_change_takes_along_what_was_read() {
    let held = ["192.0.2.1", "198.51.100.1"];
    let provider = provider(Memory { rrsets: vec![rrset("h.a.example", &held, Health::Live)], ..Memory::default() });
    let seen = provider.read(&[key("h.a.example", RecordType::A)]).await.remove(0).unwrap();
    provider.service.calls();
    apply(&provider, change(&seen, "h.a.example", &["192.0.2.2", "198.51.100.1"], None)).await.unwrap();
    let expected = "replace h.a.example A Some(\"192.0.2.1, 198.51.100.1\") 192.0.2.2, 198.51.100.1 None";
    assert_eq!(provider.service.calls(), [expected]);
    let never_read = Change { snapshot: Snapshot::none(), ..change(&seen, "h.a.example", &[], None) };
    assert_eq!(apply(&provider, never_read).await.unwrap_err().kind, Kind::Stale);
}

#[tokio::test]
async fn what_is_already_so_is_not_written_unless_it_is_broken() {
    use Health::{Broken, Live, Pending};
    for (health, ttl, calls) in
        [(Live, None, 0), (Live, Some(60), 0), (Live, Some(61), 1), (Pending, None, 0), (Broken, None, 1)]
    {
        let rrsets = vec![rrset("h.a.example", &["192.0.2.1"], health)];
        let provider = provider(Memory { rrsets, ..Memory::default() });
        let seen = provider.read(&[key("h.a.example", RecordType::A)]).await.remove(0).unwrap();
        provider.service.calls();
        let applied = apply(&provider, change(&seen, "h.a.example", &["192.0.2.1"], ttl)).await.unwrap();
        assert_eq!(applied, if health == Pending { Applied::Accepted(None) } else { Applied::Done });
        assert_eq!(provider.service.calls().len(), calls, "{health:?} {ttl:?}");
    }
}

#[tokio::test]
async fn an_emptied_set_is_absent_and_updated_rather_than_created() {
    let rrsets = vec![rrset("h.a.example", &[], Health::Live)];
    let provider = provider(Memory { rrsets, ..Memory::default() });
    let seen = provider.read(&[key("h.a.example", RecordType::A)]).await.remove(0).unwrap();
    assert!(matches!(seen, Seen::Absent(_)));
    provider.service.calls();
    apply(&provider, change(&seen, "h.a.example", &["192.0.2.1"], None)).await.unwrap();
    assert_eq!(provider.service.calls(), ["replace h.a.example A Some(\"nothing\") 192.0.2.1 None"]);
}

#[tokio::test]
async fn a_zone_that_was_found_is_searched_again_within_a_day() {
    let provider = RrsetsProvider::new(Memory::default());
    let home = key("home.a.example", RecordType::A);
    let _ = provider.read(std::slice::from_ref(&home)).await;
    let now = clock::now().moment;
    assert_eq!(provider.remembered(&home.name, now).map(|zone| zone.id).as_deref(), Some("1"));
    assert_eq!(provider.remembered(&home.name, now.plus(Duration::from_secs(86400))), None);
}
