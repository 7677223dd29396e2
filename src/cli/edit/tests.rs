//! Editing at a service that keeps sets, which is a fake that only counts: what is sent for what was typed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clap::Parser;

use super::account::Opened;
use super::records;
use crate::app::{Failure, Loaded};
use crate::config::{Config, Input};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl};
use crate::provider::edit::{Attributes, Edit, Editor, Filter, Row, ZoneRow};
use crate::provider::shape::zones::Zone;

#[derive(Default)]
struct Fake(Mutex<Vec<String>>);

impl Fake {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

fn zone() -> Zone {
    Zone { id: "z".into(), name: Name::parse("example.org").unwrap() }
}

fn row(name: &str, values: &[&str]) -> Row {
    Row {
        id: format!("id-{name}"),
        name: Name::parse(name).unwrap(),
        rtype: RecordType::A,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ttl: Ttl::new(300),
        attributes: Attributes::new(),
    }
}

#[async_trait]
impl Editor for Fake {
    async fn zones(&self) -> Result<Vec<ZoneRow>> {
        Ok(vec![ZoneRow { zone: zone(), attributes: Attributes::new() }])
    }

    async fn add_zone(&self, _name: &Name, _attributes: &Attributes) -> Result<ZoneRow> {
        Err(Error::config("adding", "not here"))
    }

    async fn remove_zone(&self, _zone: &Zone) -> Result<()> {
        Err(Error::config("removing", "not here"))
    }

    async fn rows(&self, _zone: &Zone, filter: &Filter) -> Result<Vec<Row>> {
        let rows = [row("a.example.org", &["192.0.2.1", "192.0.2.2"]), row("b.example.org", &["192.0.2.1"])];
        Ok(rows.into_iter().filter(|row| filter.fits(row)).collect())
    }

    async fn row(&self, _zone: &Zone, id: &str) -> Result<Row> {
        Err(Error::config("asking", id))
    }

    async fn add(&self, _zone: &Zone, edits: &[Edit]) -> Vec<Result<Vec<Row>>> {
        edits.iter().for_each(|edit| self.note(format!("add {} {:?}", edit.name, edit.values)));
        edits.iter().map(|_| Ok(Vec::new())).collect()
    }

    async fn update(&self, _zone: &Zone, changes: &[(Row, Edit)]) -> Vec<Result<Row>> {
        changes.iter().for_each(|(row, edit)| self.note(format!("update {} {:?}", row.name, edit.values)));
        changes.iter().map(|(row, _)| Ok(row.clone())).collect()
    }

    async fn remove(&self, _zone: &Zone, rows: &[Row]) -> Vec<Result<()>> {
        rows.iter().for_each(|row| self.note(format!("remove {}", row.name)));
        rows.iter().map(|_| Ok(())).collect()
    }
}

fn loaded() -> Loaded {
    let text = "[account.sets]\nprovider = \"designate\"\nauth_url = \"http://127.0.0.1:1/v3\"\nusername = \"me\"\n\
                user_domain_name = \"d\"\npassword = \"x\"\nproject_name = \"p\"\nproject_domain_name = \"d\"\n";
    let input = Input { files: vec![(PathBuf::from("d.toml"), text.to_owned())], ..Input::default() };
    Loaded { config: Config::load(&input).unwrap(), input }
}

/// Carries out a command that was typed so, and says what was sent.
async fn sent(words: &str) -> (std::result::Result<u8, u8>, Vec<String>) {
    let loaded = loaded();
    let fake = Arc::new(Fake::default());
    let account = loaded.config.accounts.get("sets").unwrap();
    let at = Opened { editor: Arc::clone(&fake) as Arc<dyn Editor>, account, loaded: &loaded, command: "records" };
    let typed = ["driftless", "records"].into_iter().chain(words.split(' '));
    let crate::cli::Command::Records(command) = crate::cli::Cli::try_parse_from(typed).unwrap().command else {
        panic!("{words}");
    };
    let code = records::carry_out(&at, &command).await;
    let code = code.map_err(|failure| match failure {
        Failure::Other(code, _) => code,
        Failure::Config(_) => 78,
    });
    let sent = fake.0.lock().unwrap().clone();
    (code, sent)
}

#[tokio::test]
async fn a_value_goes_out_of_its_set_and_the_others_stay() {
    for (words, expected) in [
        ("remove a.example.org A 192.0.2.1 --yes", &["update a.example.org [\"192.0.2.2\"]"][..]),
        ("remove a.example.org A 192.0.2.1 192.0.2.2 --yes", &["remove a.example.org"]),
        ("remove a.example.org --yes", &["remove a.example.org"]),
        ("remove --value 192.0.2.1 --yes", &["remove b.example.org", "update a.example.org [\"192.0.2.2\"]"]),
        ("remove --value 192.0.2.1 --dry-run", &[]),
        ("add c.example.org A 192.0.2.1 192.0.2.2", &["add c.example.org [\"192.0.2.1\", \"192.0.2.2\"]"]),
        ("update a.example.org A 192.0.2.8 192.0.2.9", &["update a.example.org [\"192.0.2.8\", \"192.0.2.9\"]"]),
        ("update a.example.org A --ttl 60", &["update a.example.org [\"192.0.2.1\", \"192.0.2.2\"]"]),
    ] {
        assert_eq!(sent(words).await, (Ok(0), expected.iter().map(|word| (*word).to_owned()).collect()), "{words}");
    }
    assert_eq!(sent("remove a.example.org A 192.0.2.9 --yes").await, (Err(78), Vec::new()));
    assert_eq!(sent("update --name *.example.org --type A 192.0.2.9").await, (Err(64), Vec::new()));
}

#[tokio::test]
async fn templates_are_refused_where_there_are_none() {
    let error = Fake::default().apply_template(&zone(), "tpl", &Attributes::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "applying the template tpl to example.org: the service has no templates");
}
