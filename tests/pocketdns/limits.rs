//! The documented limits a minute: kept by us before the service says anything, and told apart by what they are for.

use std::time::Duration;

use driftless::model::error::Kind;
use driftless::model::record::RecordType;
use driftless::provider::pocketdns::api::{New, Patch};
use driftless::provider::shape::records::Records;

use super::emulator::{Class, LIMITS, Switches};
use super::{DOMAIN, account, api, draft, key, start, zone};

fn record(content: &str) -> New {
    New { rtype: "A".into(), name: "www".into(), content: content.into(), ttl: None, priority: None }
}

/// Makes calls until one is refused; how many were made, and the refusal.
macro_rules! until_refused {
    ($call:expr) => {{
        let mut made = 0_usize;
        loop {
            match $call.await {
                Ok(_) => made += 1,
                Err(error) => break (made, error),
            }
        }
    }};
}

#[tokio::test]
async fn each_limit_is_kept_before_the_service_has_to_say_so() {
    let emulator = start(Switches::default()).await;
    let id = emulator.state().add_record(DOMAIN, "A", "www", "192.0.2.1", 300);
    let api = api(&emulator.endpoint());
    let patch = Patch { ttl: Some(600), ..Patch::default() };
    let variables = [("ip_address".to_owned(), "192.0.2.1".to_owned())].into();
    let mut outcomes = Vec::new();
    outcomes.push((Class::Retrieval, until_refused!(api.records(DOMAIN))));
    outcomes.push((Class::Update, until_refused!(api.update(DOMAIN, &id, &patch))));
    let mut next = 0_u32;
    outcomes.push((
        Class::Creation,
        until_refused!({
            next += 1;
            let content = std::net::Ipv4Addr::from(0xc000_0200 + 1000 + next).to_string();
            let api = &api;
            async move { api.create(DOMAIN, &record(&content)).await }
        }),
    ));
    emulator.state().switches.template_skips = true;
    outcomes.push((Class::Bulk, until_refused!(api.apply_template(DOMAIN, "tpl_website_basic", &variables))));
    let ids: Vec<String> =
        (0..301).map(|n| emulator.state().add_record(DOMAIN, "A", &format!("n{n}"), "192.0.2.1", 300)).collect();
    let mut ids = ids.iter();
    outcomes.push((Class::Deletion, until_refused!(api.delete(DOMAIN, ids.next().unwrap()))));
    assert_eq!(outcomes.len(), LIMITS.len());
    for (class, (made, error)) in outcomes {
        let (_, limit) = LIMITS.iter().find(|(limited, _)| *limited == class).unwrap();
        assert_eq!(made, *limit, "{class:?}");
        let Kind::RateLimited { after: Some(after) } = error.kind else { panic!("{class:?}: {error}") };
        assert!(after <= Duration::from_secs(61) && error.unsent, "{class:?}: {error}");
    }
    // Bulk calls and templates are counted together, and templates were used up.
    assert!(api.create_many(DOMAIN, &[record("192.0.2.1")]).await.unwrap_err().unsent);
    // The service was never asked too often.
    assert!(
        emulator
            .server
            .log()
            .iter()
            .all(|exchange| exchange.answer.as_ref().is_some_and(|answer| answer.status != 429))
    );
}

#[tokio::test]
async fn a_limit_of_the_services_own_is_a_pause_as_long_as_it_says() {
    for (retry_after, fixed_minutes) in [(true, false), (false, false), (true, true)] {
        let emulator = start(Switches { retry_after, fixed_minutes, ..Switches::default() }).await;
        let account = account(&emulator);
        emulator.state().limits.insert(Class::Creation, 2);
        let create = |last: u8| draft("www.example.com", RecordType::A, &format!("192.0.2.{last}"));
        account.create(&zone(), &create(1)).await.unwrap();
        emulator.state().skip(Duration::from_secs(20));
        account.create(&zone(), &create(2)).await.unwrap();
        let error = account.create(&zone(), &create(3)).await.unwrap_err();
        let Kind::RateLimited { after: Some(after) } = error.kind else { panic!("{error}") };
        let expected = if retry_after { 39..=41 } else { 60..=60 };
        assert!(expected.contains(&after.as_secs()), "{error:?}");
        // Other kinds of calls go on.
        account.list(&zone(), &[key("www.example.com", RecordType::A)]).await.unwrap();
        emulator.state().skip(after);
        account.create(&zone(), &create(3)).await.unwrap();
    }
}
