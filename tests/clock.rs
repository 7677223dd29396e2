//! A wrong clock, seen from outside: LunaNode's one refusal for a bad nonce and for a bad key is no reason to hold the account
//! as long as the clocks differ.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "support/torture.rs"]
mod torture;

use std::process::Output;

use lunanode::{LunaNode, Switches};
use torture::Home;

const API_ID: &str = "abcdefghijklmnop";

struct World {
    home: Home,
    records: LunaNode,
}

impl World {
    async fn new() -> Self {
        let key: String = ('a'..='z').cycle().take(128).collect();
        let records = LunaNode::start(0, API_ID, &key, Switches::default()).await.unwrap();
        records.state().add_zone("example.org");
        let home = Home::new();
        home.write("key", &key);
        home.write(
            "driftless.toml",
            &format!(
                "state_dir = {state:?}\n\
                 [account.luna]\nprovider = \"lunanode\"\nendpoint = \"{endpoint}\"\napi_id = \"{API_ID}\"\n\
                 api_key = {{ file = {key:?} }}\nverify = false\n\
                 [[record]]\nname = \"home.example.org\"\naccount = \"luna\"\nprivate = true\nipv6 = \"off\"\n\
                 ipv4 = \"192.0.2.1\"\n",
                state = home.text("state"),
                endpoint = records.endpoint(),
                key = home.text("key"),
            ),
        );
        Self { home, records }
    }

    /// One round with the service's clock so many seconds ahead.
    fn once(&self, skew: i64) -> Output {
        self.records.skew(skew);
        tokio::task::block_in_place(|| self.home.output(&["once", "--json"]))
    }

    fn account(&self) -> serde_json::Value {
        tokio::task::block_in_place(|| self.home.status()).0["status"]["accounts"][0].clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_holds_nothing_and_mends_itself() {
    let world = World::new().await;
    for skew in [3600, -3600, 30 * 86_400, -50 * 365 * 86_400] {
        let round = world.once(skew);
        assert_eq!(round.status.code(), Some(75), "{skew}: {round:?}");
        let account = world.account();
        assert!(account["held"].is_null(), "{skew}: {account}");
        let error = account["error"].as_str().unwrap();
        assert!(error.contains("clock is off") && error.contains("set the clock"), "{error}");
    }
    let round = world.once(0);
    assert_eq!(round.status.code(), Some(0), "{round:?}");
    assert_eq!(world.records.state().zones.values().map(|zone| zone.records.len()).sum::<usize>(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_with_a_right_clock_holds_the_account() {
    let world = World::new().await;
    world.home.write("key", &"z".repeat(128));
    let round = world.once(0);
    assert_eq!(round.status.code(), Some(77), "{round:?}");
    assert_eq!(world.account()["held"]["reason"], "refused");
}
