//! A zone file as the engine sees it: read, change, and everything that may come between.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::setting::Value as Held;
use super::*;
use crate::model::error::Kind as Fault;
use crate::model::plan::{Change, Plan, Seen, Sibling};
use crate::model::record::{RecordType, Value};
use crate::os::small_disk::{SmallDisk, skipped};

const FILE: &str = "$ORIGIN example.org.\n$TTL 300\n@ SOA localhost. hostmaster 7 3600 600 604800 300\n\
    @ NS localhost.\nhome A 192.0.2.1\nhome AAAA 2001:db8::1\n";

fn key(name: &str) -> RrsetKey {
    RrsetKey::new(Name::parse(name).unwrap(), RecordType::A)
}

fn settings(path: &Path) -> Settings {
    Settings::new("local").with("path", Held::Path(path.to_owned()))
}

fn provider(settings: &Settings) -> RrsetsProvider<ZoneFile> {
    RrsetsProvider::new(ZoneFile::new(settings).unwrap())
}

async fn look(provider: &RrsetsProvider<ZoneFile>, name: &str) -> Result<Seen> {
    provider.read(&[key(name)]).await.remove(0)
}

fn change(seen: &Seen, name: &str, after: &[&str]) -> Change {
    let (before, snapshot) = match seen {
        Seen::Holds { values, snapshot, .. } => (values.clone(), snapshot.clone()),
        Seen::Absent(snapshot) => (Values::new(), snapshot.clone()),
        Seen::Unreadable => panic!("a file can be read"),
    };
    let after: Values = after.iter().map(|text| Value::parse(RecordType::A, text).unwrap()).collect();
    let (retire, sibling) = (before.clone(), Sibling::Unknown);
    Change { key: key(name), before, after, retire, ttl: None, sibling, snapshot }
}

async fn apply(provider: &RrsetsProvider<ZoneFile>, changes: Vec<Change>) -> Vec<Result<Applied>> {
    let mut answers = Vec::new();
    for batch in provider.batches(&Plan { changes }) {
        answers.extend(provider.apply(&batch).await);
    }
    answers
}

/// Reads and sets one record set.
async fn set(provider: &RrsetsProvider<ZoneFile>, name: &str, after: &[&str]) -> Result<Applied> {
    let seen = look(provider, name).await?;
    apply(provider, vec![change(&seen, name, after)]).await.remove(0)
}

fn existing() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone");
    fs::write(&path, FILE).unwrap();
    (dir, path)
}

#[tokio::test]
async fn a_change_is_read_back_and_nothing_else_differs() {
    let (_dir, path) = existing();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let provider = provider(&settings(&path));
    assert_eq!(set(&provider, "home.example.org", &["198.51.100.7"]).await, Ok(Applied::Done));
    let expected = FILE.replace("192.0.2.1", "198.51.100.7").replace(" 7 ", " 8 ");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o664);
    let seen = look(&provider, "home.example.org").await.unwrap();
    let Seen::Holds { values, ttl, health: Health::Live, mixed: false, .. } = seen else { panic!("{seen:?}") };
    assert_eq!((crate::model::record::list(&values), ttl), ("198.51.100.7".into(), Ttl::new(300)));
    // What is so already is not written again.
    set(&provider, "home.example.org", &["198.51.100.7"]).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[tokio::test]
async fn changes_read_together_follow_one_another() {
    let (_dir, path) = existing();
    let provider = provider(&settings(&path));
    let names = ["home.example.org", "new.example.org", "other.example.org", "third.example.org"];
    for count in [4, 2] {
        let keys: Vec<_> = names[..count].iter().map(|name| key(name)).collect();
        let seen = provider.read(&keys).await;
        let address = format!("198.51.100.{count}");
        let changes = keys.iter().zip(seen).map(|(key, seen)| change(&seen.unwrap(), key.name.as_str(), &[&address]));
        let answers = apply(&provider, changes.collect()).await;
        assert!(answers.iter().all(|answer| *answer == Ok(Applied::Done)), "{answers:?}");
        assert_eq!(fs::read_to_string(&path).unwrap().matches(&address).count(), count);
    }
}

#[tokio::test]
async fn a_file_that_someone_else_changed_is_read_again_first() {
    let (_dir, path) = existing();
    let provider = provider(&settings(&path));
    set(&provider, "home.example.org", &["198.51.100.7"]).await.unwrap();
    for name in ["home.example.org", "new.example.org"] {
        let seen = look(&provider, name).await.unwrap();
        let edited = fs::read_to_string(&path).unwrap() + "mail A 192.0.2.25\n";
        fs::write(&path, &edited).unwrap();
        let answer = apply(&provider, vec![change(&seen, name, &["198.51.100.8"])]).await.remove(0);
        assert_eq!(answer.unwrap_err().kind, Fault::Stale);
        assert_eq!(fs::read_to_string(&path).unwrap(), edited);
        set(&provider, name, &["198.51.100.8"]).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_read_before_someone_elses_change_stays_out_of_date_after_ours() {
    let (_dir, path) = existing();
    let provider = provider(&settings(&path));
    let old = look(&provider, "home.example.org").await.unwrap();
    set(&provider, "new.example.org", &["192.0.2.2"]).await.unwrap();
    fs::write(&path, fs::read_to_string(&path).unwrap() + "; by hand\n").unwrap();
    set(&provider, "new.example.org", &["192.0.2.3"]).await.unwrap();
    let answer = apply(&provider, vec![change(&old, "home.example.org", &["192.0.2.4"])]).await.remove(0);
    assert_eq!(answer.unwrap_err().kind, Fault::Stale);
}

#[tokio::test]
async fn what_was_read_together_is_not_written_to_a_file_that_someone_else_changed() {
    let (_dir, path) = existing();
    let provider = provider(&settings(&path));
    let names = ["home.example.org", "a.example.org", "b.example.org", "c.example.org"];
    let seen = provider.read(&names.map(key)).await;
    fs::write(&path, format!("{FILE}a A 192.0.2.2\n")).unwrap();
    let changes = (1..3).map(|index| change(seen[index].as_ref().unwrap(), names[index], &["192.0.2.3"]));
    let answers = apply(&provider, changes.collect()).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().kind == Fault::Stale), "{answers:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{FILE}a A 192.0.2.2\n"));
}

#[test]
fn a_file_that_changes_while_it_is_written_is_left_alone() {
    let (dir, path) = existing();
    let zone = ZoneFile::new(&settings(&path)).unwrap();
    let other = Saw::of(b"what was read");
    assert!(matches!(zone.0.write(&other, b"new"), Err(None)));
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_missing_file_is_made_and_bind_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone");
    let name = |text: &str| Held::Name(Name::parse(text).unwrap());
    let settings = settings(&path)
        .with("zone", name("example.org"))
        .with("nameserver", name("ns.example.net"))
        .with("hostmaster", Held::Text("first.last@example.org".into()));
    let provider = provider(&settings);
    assert!(matches!(look(&provider, "home.example.org").await, Ok(Seen::Absent(_))));
    assert!(!path.exists());
    set(&provider, "home.example.org", &["192.0.2.1"]).await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("SOA\tns.example.net. first\\.last.example.org. (\n\t\t1\t; serial"), "{text}");
    assert!(text.ends_with("home.example.org.\tIN\tA\t192.0.2.1\n"), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    match std::process::Command::new("named-checkzone").arg("example.org").arg(&path).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => skipped("named-checkzone is not installed"),
    }
}

#[tokio::test]
async fn a_missing_file_that_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let missing = settings(&dir.path().join("zone"));
    let error = look(&provider(&missing), "home.example.org").await.unwrap_err();
    assert_eq!((error.kind, error.hint.as_deref()), (Fault::Config, Some("set `zone`")));
    let zone = Held::Name(Name::parse("example.org").unwrap());
    let fixed = missing.with("zone", zone.clone()).with("create", Held::Flag(false));
    assert_eq!(look(&provider(&fixed), "home.example.org").await.unwrap_err().kind, Fault::Config);
    let nowhere = settings(&dir.path().join("none/zone")).with("zone", zone);
    let error = set(&provider(&nowhere), "home.example.org", &["192.0.2.1"]).await.unwrap_err();
    assert_eq!(error.kind, Fault::Transient);
    assert!(error.hint.unwrap().contains("none must be there"));
}

#[tokio::test]
async fn a_malformed_file_is_told_with_its_line() {
    let (_dir, path) = existing();
    fs::write(&path, format!("{FILE}home A 1.2.3\n")).unwrap();
    let error = look(&provider(&settings(&path)), "home.example.org").await.unwrap_err();
    assert_eq!(error.kind, Fault::Config);
    assert!(error.to_string().contains("line 7: \"1.2.3\" is no IPv4 address"), "{error}");
    fs::write(&path, format!("{FILE}home (\n")).unwrap();
    let error = look(&provider(&settings(&path)), "home.example.org").await.unwrap_err();
    assert_eq!(error.kind, Fault::Config);
    assert!(error.to_string().contains("line 7: a parenthesis is not closed"), "{error}");
}

#[tokio::test]
async fn a_name_outside_the_zone_is_told_which_zone_there_is() {
    let (_dir, path) = existing();
    let error = look(&provider(&settings(&path)), "home.example.net").await.unwrap_err();
    assert!(error.kind == Fault::Config && error.hint.unwrap().contains("example.org"));
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_a_passing_trouble() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("zone");
    fs::write(&path, FILE).unwrap();
    let provider = provider(&settings(&path));
    disk.fill();
    let error = set(&provider, "home.example.org", &["192.0.2.9"]).await.unwrap_err();
    assert!(error.kind == Fault::Transient && error.why.contains("No space left"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
    disk.empty();
    assert!(disk.read_only(true));
    let error = set(&provider, "home.example.org", &["192.0.2.9"]).await.unwrap_err();
    assert!(error.kind == Fault::Transient && error.to_string().contains("ReadWritePaths"), "{error}");
    assert!(disk.read_only(false));
    set(&provider, "home.example.org", &["192.0.2.9"]).await.unwrap();
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_reload_that_failed_is_pending_until_it_worked_even_after_a_restart() {
    let (dir, path) = existing();
    let (ready, log) = (dir.path().join("ready"), dir.path().join("log"));
    let script = "test -e \"$0\" && echo reloaded >> \"$1\"";
    let words = ["sh", "-c", script, ready.to_str().unwrap(), log.to_str().unwrap()].map(str::to_owned).to_vec();
    let settings = settings(&path).with("reload", Held::Texts(words));
    let first = provider(&settings);
    let error = set(&first, "home.example.org", &["192.0.2.9"]).await.unwrap_err();
    assert_eq!(error.kind, Fault::Transient);
    assert!(fs::read_to_string(&path).unwrap().contains("192.0.2.9"));
    let health = |seen: Result<Seen>| match seen.unwrap() {
        Seen::Holds { health, .. } => health,
        other => panic!("{other:?}"),
    };
    assert_eq!(health(look(&first, "home.example.org").await), Health::Pending);
    let second = provider(&settings);
    assert_eq!(health(look(&second, "home.example.org").await), Health::Pending);
    fs::write(&ready, "").unwrap();
    assert_eq!(health(look(&second, "home.example.org").await), Health::Live);
    assert_eq!(health(look(&second, "home.example.org").await), Health::Live);
    assert_eq!(fs::read_to_string(&log).unwrap(), "reloaded\n");
    set(&second, "home.example.org", &["192.0.2.10"]).await.unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "reloaded\nreloaded\n");
}

#[test]
fn settings_that_make_no_sense_are_pointed_at() {
    let wrong = |settings: &Settings| ZoneFile::new(settings).unwrap_err().setting;
    let zone = settings(Path::new("/zones/example.org"));
    assert_eq!(wrong(&Settings::new("local")), Some("path"));
    assert_eq!(wrong(&settings(Path::new("/"))), Some("path"));
    assert_eq!(wrong(&zone.clone().with("reload", Held::Texts(vec![]))), Some("reload"));
    for mail in ["a b@example.org", "@example.org", "a\n@example.org", "no name"] {
        assert_eq!(wrong(&zone.clone().with("hostmaster", Held::Text(mail.into()))), Some("hostmaster"), "{mail}");
    }
}

#[tokio::test]
async fn changes_that_are_due_together_are_one_write_one_number_and_one_reload() {
    let (dir, path) = existing();
    let log = dir.path().join("reloads");
    let reload = ["sh", "-c", "echo x >> \"$0\"", log.to_str().unwrap()].map(str::to_owned);
    let provider = provider(&settings(&path).with("reload", Held::Texts(reload.into())));
    let names = ["home.example.org", "new.example.org", "other.example.org", "third.example.org"];
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let seen = provider.read(&keys).await.into_iter().zip(names);
    let changes = seen.map(|(seen, name)| change(&seen.unwrap(), name, &["198.51.100.7"])).collect();
    let plan = Plan { changes };
    assert_eq!(provider.batches(&plan).len(), 1);
    let answers = apply(&provider, plan.changes).await;
    assert_eq!(answers, vec![Ok(Applied::Done); 4]);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("198.51.100.7").count(), 4, "{text}");
    assert!(text.contains(" 8 3600 "), "{text}");
    assert_eq!(fs::read_to_string(&log).unwrap(), "x\n");
}

#[tokio::test]
async fn a_change_that_cannot_be_made_keeps_none_of_the_others() {
    let (_dir, path) = existing();
    fs::write(&path, format!("{FILE}alias CNAME home\n")).unwrap();
    let provider = provider(&settings(&path));
    let names = ["alias.example.org", "home.example.org", "new.example.org"];
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let seen = provider.read(&keys).await.into_iter().zip(names);
    let changes = seen.map(|(seen, name)| change(&seen.unwrap(), name, &["198.51.100.7"])).collect();
    let answers = apply(&provider, changes).await;
    assert_eq!(answers[0].as_ref().unwrap_err().kind, Fault::Config);
    assert_eq!(answers[1..], [Ok(Applied::Done), Ok(Applied::Done)]);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.matches("198.51.100.7").count() == 2 && text.contains(" 8 3600 "), "{text}");
}

#[tokio::test]
async fn a_record_set_that_cannot_be_read_blinds_no_other() {
    let (_dir, path) = existing();
    fs::write(&path, format!("{FILE}odd A not-an-address\n")).unwrap();
    let provider = provider(&settings(&path));
    let names = ["home.example.org", "new.example.org", "odd.example.org", "third.example.org"];
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let seen = provider.read(&keys).await;
    let wrong: Vec<_> = seen.iter().map(Result::is_err).collect();
    assert_eq!(wrong, [false, false, true, false]);
    assert!(seen[2].as_ref().unwrap_err().to_string().contains("odd.example.org"));
}

#[tokio::test]
async fn a_reload_that_is_no_longer_asked_for_leaves_no_mark() {
    let (dir, path) = existing();
    let mark = dir.path().join(format!(".{}.reload-due", path.file_name().unwrap().to_str().unwrap()));
    let write = async |settings: &Settings, value: &str| {
        let provider = provider(settings);
        let seen = provider.read(&[key("home.example.org")]).await.remove(0).unwrap();
        apply(&provider, vec![change(&seen, "home.example.org", &[value])]).await.remove(0)
    };
    let failing = settings(&path).with("reload", Held::Texts(vec!["false".into()]));
    assert!(write(&failing, "198.51.100.7").await.is_err() && mark.exists());
    assert_eq!(write(&settings(&path), "198.51.100.8").await, Ok(Applied::Done));
    assert!(!mark.exists());
}
