//! A desk before a service: the real program with an account there, and what it says.

use std::sync::Arc;

use serde_json::Value;

use super::http::{Exchange, Fault};
use super::said::Said;
use super::services::{Service, Start, shape};
use super::torture::Home;

/// A desk before one service.
pub struct Desk {
    home: Arc<Home>,
    /// The service.
    pub service: Service,
}

impl Desk {
    /// Before a service with `www.example.org A 192.0.2.1` in it.
    pub async fn before(start: Start) -> Self {
        let service = start().await;
        let home = Arc::new(Home::new());
        home.write("secret", &service.secret);
        let text = format!(
            "state_dir = {:?}\n[account.it]\nprovider = \"{}\"\n{}{} = {{ file = {:?} }}\nverify = false\n",
            home.text("state"),
            service.provider,
            service.account,
            service.secret_key,
            home.text("secret"),
        );
        home.write("driftless.toml", &text);
        let desk = Self { home, service };
        desk.run("records add www.example.org A 192.0.2.1 --ttl 3600").await.ends(0, &["added: 1 record"]);
        desk
    }

    /// Runs a command without a terminal; `~` stands for a space within a word.
    pub async fn run(&self, words: &str) -> Said {
        let what = format!("{}: {words}", self.service.provider);
        let words = words.split(' ').map(|word| word.replace('~', " ")).collect();
        Said::by(&self.home, what, words).await
    }

    /// Runs a command and interrupts it (SIGINT) once it has said something; standard error is with the output.
    pub async fn interrupted(&self, words: &str, once: &str) -> Said {
        let what = format!("{}: {words}", self.service.provider);
        let (home, once) = (Arc::clone(&self.home), once.to_owned());
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let work = move || {
            let mut command = home.driftless(&words.iter().map(String::as_str).collect::<Vec<_>>());
            let running = home.spawn(&mut command);
            let begun = std::time::Instant::now();
            while !home.log().contains(&once) {
                assert!(begun.elapsed().as_secs() < 20, "{}", home.log());
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            running.signal(rustix::process::Signal::INT);
            (running.wait(std::time::Duration::from_secs(4)), home.log())
        };
        let (status, out) = tokio::task::spawn_blocking(work).await.unwrap();
        let code = status.and_then(|status| status.code()).unwrap_or(-1);
        Said { what, code, out, err: String::new() }
    }

    /// Runs a command that must end well, with `--json`, and says what it printed.
    pub async fn json(&self, words: &str) -> Value {
        self.run(&format!("{words} --json")).await.json()
    }

    /// The configuration has a record more, with these lines.
    pub fn declare(&self, lines: &str) {
        let text = std::fs::read_to_string(self.home.path("driftless.toml")).unwrap();
        self.home.write("driftless.toml", &format!("{text}[[record]]\naccount = \"it\"\n{lines}"));
    }

    /// The secret's file holds something else.
    pub fn secret(&self, text: &str) {
        self.home.write("secret", text);
    }

    /// Everything that the service holds.
    pub fn held(&self) -> String {
        self.service.emulator.held()
    }

    /// How much was asked so far, for [`Self::since`].
    pub fn mark(&self) -> usize {
        self.service.emulator.server().log().len()
    }

    /// What was asked since then.
    pub fn since(&self, mark: usize) -> Vec<Exchange> {
        self.service.emulator.server().log().split_off(mark)
    }

    /// The operations that were used, each once.
    pub fn operations(&self) -> Vec<String> {
        let mut shapes: Vec<String> = self.since(0).iter().map(|exchange| shape(&exchange.request)).collect();
        shapes.sort();
        shapes.dedup();
        shapes
    }

    /// Whether the service has an operation.
    pub fn can(&self, operation: &str) -> bool {
        self.service.operations.iter().any(|known| known == operation)
    }

    /// How many of the requests wrote something.
    pub fn writes(&self, asked: &[Exchange]) -> usize {
        asked.iter().filter(|exchange| self.service.emulator.writes(&exchange.request)).count()
    }

    /// From now on the request after the next `spared` ones meets this fault, once.
    pub fn fault_after(&self, spared: usize, fault: Fault) {
        let server = self.service.emulator.server();
        server.faults(spared, &Fault::late(std::time::Duration::ZERO));
        server.fault(fault);
    }

    /// The id of `www.example.org A`.
    pub async fn id(&self) -> String {
        let shown = self.json("records show www.example.org A").await;
        shown["records"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Nothing was sent that the documentation does not allow.
    #[track_caller]
    pub fn is_correct(&self) {
        assert_eq!(self.service.emulator.violations(), Vec::<String>::new(), "{}", self.service.provider);
    }
}
