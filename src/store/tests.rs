//! The store against a disk that stops at every point, and against files with any bytes in them.

use std::fs::{self, File};

use super::*;
use crate::os::small_disk::SmallDisk;
use proptest::prelude::*;

mod fake;

use fake::Shared;

/// A document.
macro_rules! json {
    ($($json:tt)+) => { Json::of(&serde_json::json!($($json)+)).unwrap() };
}

/// A change as `save` takes it.
type Changes = Vec<(String, Option<Json>)>;

fn set(key: &str, value: Json) -> (String, Option<Json>) {
    (key.into(), Some(value))
}

fn unset(key: &str) -> (String, Option<Json>) {
    (key.into(), None)
}

/// A history that makes the store fold often.
fn folding(store: &mut Store) {
    store.fold_above = store.fold_above.min(150);
}

fn change() -> impl Strategy<Value = (String, Option<Json>)> {
    ("[a-d]", prop::option::weighted(0.8, 0..5_u8))
        .prop_map(|(key, value)| (key, value.map(|value| json!({"v": value}))))
}

fn history() -> impl Strategy<Value = Vec<Changes>> {
    prop::collection::vec(prop::collection::vec(change(), 0..3), 1..9)
}

/// What a life of these saves leaves: the documents, and the files.
fn lived(history: &[Changes]) -> (Documents, fake::Image) {
    let disk = Shared::default();
    let (mut store, _) = disk.open();
    for changes in history {
        folding(&mut store);
        store.save(changes).unwrap();
    }
    (store.documents().clone(), disk.with(|fake| fake.now.clone()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// The files after a crash at any point hold what the last acknowledged save made, or the one under way.
    #[test]
    fn after_a_crash_at_any_point_no_acknowledged_save_is_lost(history in history()) {
        let disk = Shared::default().watched();
        let (mut store, _) = disk.open();
        for changes in &history {
            folding(&mut store);
            let before = store.documents().clone();
            disk.with(|fake| { fake.images.clear(); fake.crash_points(); });
            store.save(changes).unwrap();
            let after = store.documents().clone();
            for image in disk.with(|fake| std::mem::take(&mut fake.images)) {
                let again = Shared::holding(image.clone());
                let (mut store, loaded) = again.open();
                prop_assert!(loaded.documents == before || loaded.documents == after, "{image:?} gives {loaded:?}");
                prop_assert!(store.writable());
                // Life goes on, and what is saved then is found again.
                store.save(&[set("e", json!("next"))]).unwrap();
                prop_assert_eq!(&again.open().1.documents, store.documents());
            }
            disk.with(|fake| fake.crash_points());
            let acknowledged = disk.with(|fake| std::mem::take(&mut fake.images));
            for image in acknowledged {
                prop_assert_eq!(&Shared::holding(image).open().1.documents, &after);
            }
        }
    }

    /// Crashes in the middle of a start that mends what an earlier crash left.
    #[test]
    fn a_crash_while_a_start_mends_the_files_loses_nothing(history in history(), cut in 1..40_usize) {
        let (documents, mut image) = lived(&history);
        image.entry(JOURNAL.into()).or_default().extend(vec![b'x'; cut]);
        let mending = Shared::holding(image).watched();
        let (_, loaded) = mending.open();
        prop_assert_eq!(&loaded.documents, &documents);
        prop_assert!(!loaded.notes.is_empty());
        for image in mending.with(|fake| std::mem::take(&mut fake.images)) {
            prop_assert_eq!(&Shared::holding(image).open().1.documents, &documents);
        }
        prop_assert_eq!(mending.open().1.notes, Vec::<String>::new());
    }

    /// Every operation fails once, or it and all that follow for a while; the disk comes back.
    #[test]
    fn a_disk_that_fails_and_comes_back_is_used_again(history in history(), first in 0..30_usize, many in 1..6_usize) {
        let disk = Shared::default();
        disk.with(|fake| fake.failing = first..first + many);
        let (mut store, _) = disk.open();
        let mut tried = vec![Documents::new()];
        for changes in &history {
            folding(&mut store);
            let result = store.save(changes);
            tried.push(store.documents().clone());
            if result.is_ok() {
                tried = vec![store.documents().clone()];
                prop_assert!(store.writable());
            } else {
                prop_assert!(!store.writable());
            }
            let found = Shared::holding(disk.with(|fake| fake.now.clone())).open().1.documents;
            prop_assert!(tried.contains(&found), "{found:?} is none of {tried:?}");
        }
        disk.with(|fake| fake.failing = 0..0);
        store.save(&[]).unwrap();
        prop_assert_eq!(&disk.open().1.documents, store.documents());
    }

    /// Bytes change, come and go in any file: the store opens, says what it lost, and works.
    #[test]
    fn any_damage_is_survived_and_told(
        history in history(),
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..5),
        gone in 0..5_usize,
    ) {
        let (documents, mut image) = lived(&history);
        let Some(file) = (!image.is_empty()).then(|| image.keys().nth(which.index(image.len())).unwrap().clone()) else {
            return Ok(());
        };
        let content = image.get_mut(&file).unwrap();
        let good = content.clone();
        let start = at.index(content.len() + 1);
        let end = (start + gone).min(content.len());
        content.splice(start..end, bytes);
        // A cut at the end of a record looks like an older journal: nobody can tell.
        let cut = file == JOURNAL && good.starts_with(content) && content.last().is_none_or(|byte| *byte == b'\n');
        let damaged = Shared::holding(image);
        let (mut store, loaded) = damaged.open();
        prop_assert!(cut || loaded.documents == documents || !loaded.notes.is_empty(), "{file}: {loaded:?}");
        store.save(&[set("e", json!("next"))]).unwrap();
        let again = damaged.open().1;
        prop_assert_eq!(&again.documents, store.documents());
        prop_assert_eq!(again.notes, Vec::<String>::new());
    }
}

#[test]
fn what_is_saved_is_found_at_the_next_start_and_nothing_is_written_then() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("state");
    let (mut store, loaded) = Store::open(&home);
    assert_eq!((loaded, store.writable()), (Loaded::default(), true));
    store.save(&[set("a", json!(1)), set("b", json!({"x": "ü\n"}))]).unwrap();
    store.save(&[unset("a"), set("c", json!(null)), set("c", json!([2]))]).unwrap();
    let files = || {
        let read =
            |entry: fs::DirEntry| (entry.file_name(), fs::read(entry.path()).unwrap(), entry.metadata().unwrap());
        let mut all: Vec<_> = fs::read_dir(&home).unwrap().map(|entry| read(entry.unwrap())).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all.into_iter().map(|(name, bytes, metadata)| (name, bytes, metadata.modified().unwrap())).collect::<Vec<_>>()
    };
    let before = files();
    store.save(&[unset("a"), set("c", json!([2]))]).unwrap();
    drop(store);
    let (store, loaded) = Store::open(&home);
    assert_eq!(loaded.documents, [("b".into(), json!({"x": "ü\n"})), ("c".into(), json!([2]))].into());
    assert_eq!(loaded.notes, Vec::<String>::new());
    assert_eq!(store.documents(), &Store::look(&home).documents);
    assert_eq!(files(), before);
}

/// A journal with one record for each number, which sets `a` to that number.
fn journal(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let line = |number| {
        let mut record = Record::new(number);
        record.set.insert("a".into(), json!(number));
        format::record(&record).unwrap()
    };
    numbers.flat_map(line).collect()
}

#[test]
fn a_journal_that_was_folded_already_is_known_by_its_numbers() {
    let snapshot = format::snapshot(5, &[("a".into(), json!("newer"))].into()).unwrap();
    let disk = Shared::holding([(SNAPSHOT.into(), snapshot), (JOURNAL.into(), journal(1..6))].into());
    assert_eq!(disk.open().1, Loaded { documents: [("a".into(), json!("newer"))].into(), notes: vec![] });
}

#[test]
fn a_gap_is_told_and_the_newest_that_is_known_is_taken() {
    let disk = Shared::holding([(JOURNAL.into(), [journal(1..3), journal(5..6)].concat())].into());
    let (_, loaded) = disk.open();
    assert_eq!(loaded.documents["a"], json!(5));
    assert_eq!(loaded.notes, ["ledger.journal: saves 3 to 4 are lost"]);
    assert_eq!(disk.open().1.notes, Vec::<String>::new());
}

#[test]
fn a_save_is_one_write() {
    let disk = Shared::default();
    let (mut store, _) = disk.open();
    for number in 0..20 {
        store.save(&[set("a", json!(number)), set("b", json!(number))]).unwrap();
    }
    assert_eq!(disk.with(|fake| fake.writes), 20);
}

#[test]
fn a_long_journal_is_folded_and_the_generation_before_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(dir.path());
    let long = "x".repeat(9000);
    for number in 0..20 {
        store.save(&[set(&format!("{}", number % 3), json!([number, long]))]).unwrap();
    }
    let documents = store.documents().clone();
    for name in [SNAPSHOT, EARLIER_SNAPSHOT, JOURNAL, EARLIER_JOURNAL] {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(dir.path().join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
        assert!(metadata.len() < 2 * FOLD_ABOVE, "{name} has {} bytes", metadata.len());
    }
    fs::write(dir.path().join(SNAPSHOT), b"\xff\xfe").unwrap();
    let (_, loaded) = Store::open(dir.path());
    assert_eq!(loaded.documents, documents);
    assert!(loaded.notes[0].contains("ledger.json is damaged: it is not UTF-8"), "{:?}", loaded.notes);
    let kept = "what is damaged is kept as ledger.json.corrupt-1 (of all that ever was, the last 3)";
    assert_eq!(loaded.notes.last().map(String::as_str), Some(kept));
    assert_eq!(fs::read(dir.path().join("ledger.json.corrupt-1")).unwrap(), b"\xff\xfe");
    assert_eq!(Store::open(dir.path()).1, Loaded { documents, notes: vec![] });
}

#[test]
fn at_most_three_damaged_files_are_kept_the_latest_first() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..5 {
        fs::write(dir.path().join(SNAPSHOT), format!("garbage {number}")).unwrap();
        let (_, loaded) = Store::open(dir.path());
        assert!(!loaded.notes.is_empty());
    }
    let kept = |number| fs::read_to_string(dir.path().join(format!("ledger.json.corrupt-{number}")));
    assert_eq!((kept(1).unwrap(), kept(3).unwrap()), ("garbage 4".into(), "garbage 2".into()));
    assert!(kept(4).is_err());
}

#[test]
fn a_journal_of_garbage_is_set_aside_under_its_own_name_and_the_loss_is_told() {
    for garbage in ["nonsense", "nonsense\nand more\n", "\0\0\0\0"] {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(dir.path()).0.save(&[set("a", json!(1))]));
        fs::write(dir.path().join(JOURNAL), garbage).unwrap();
        let (_, loaded) = Store::open(dir.path());
        let notes = loaded.notes.join("\n");
        assert!(
            notes.contains("ledger.journal is damaged") && notes.contains("what was saved last is lost"),
            "{notes}"
        );
        assert!(notes.contains("kept as ledger.journal.corrupt-1 (of all"), "{notes}");
        assert!(!notes.contains("not complete"), "{notes}");
        assert_eq!(fs::read_to_string(dir.path().join("ledger.journal.corrupt-1")).unwrap(), garbage);
        assert_eq!(Store::open(dir.path()).1.notes, Vec::<String>::new());
    }
}

#[test]
fn what_is_no_file_or_too_large_or_of_another_version_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(SNAPSHOT)).unwrap();
    File::create(dir.path().join(EARLIER_SNAPSHOT)).unwrap().set_len(MAX + 1).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, dir.path().join(JOURNAL), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    let (mut store, loaded) = Store::open(dir.path());
    let notes = loaded.notes.join("\n");
    for part in
        ["ledger.json cannot be read: it is no plain file", "larger than 64 MiB", "ledger.journal cannot be read"]
    {
        assert!(notes.contains(part), "{notes}");
    }
    store.save(&[set("a", json!(1))]).unwrap();
    fs::write(dir.path().join(SNAPSHOT), r#"{"format":2,"sequence":9,"documents":{}}"#).unwrap();
    let (_, loaded) = Store::open(dir.path());
    assert!(loaded.notes[0].contains("format 2"), "{:?}", loaded.notes);
    assert_eq!(loaded.documents, [("a".into(), json!(1))].into());
}

#[test]
fn a_folder_that_cannot_be_used_leaves_everything_in_memory_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("state");
    fs::write(&home, "a file where the folder should be").unwrap();
    let (mut store, loaded) = Store::open(&home);
    assert!(loaded.notes[0].contains("state"), "{:?}", loaded.notes);
    assert!(!store.writable());
    let error = store.save(&[set("a", json!(1))]).unwrap_err();
    assert!(error.to_string().contains("state"), "{error}");
    assert_eq!(store.documents()["a"], json!(1));
    fs::remove_file(&home).unwrap();
    store.save(&[set("b", json!(2))]).unwrap();
    assert!(store.writable());
    assert_eq!(&Store::open(&home).1.documents, store.documents());
    assert_eq!(store.documents().len(), 2);
}

#[test]
fn a_folder_that_comes_back_with_older_files_does_not_win_over_what_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let (home, away) = (dir.path().join("state"), dir.path().join("away"));
    let (mut old, _) = Store::open(&away);
    for number in 0..9 {
        old.save(&[set("a", json!(number))]).unwrap();
    }
    fs::write(&home, "").unwrap();
    let (mut store, _) = Store::open(&home);
    store.save(&[set("a", json!("new"))]).unwrap_err();
    fs::remove_file(&home).unwrap();
    fs::rename(&away, &home).unwrap();
    store.save(&[]).unwrap();
    assert_eq!(Store::open(&home).1, Loaded { documents: [("a".into(), json!("new"))].into(), notes: vec![] });
}

#[test]
fn a_store_without_a_disk_keeps_and_refuses() {
    let mut store = Store::in_memory(Documents::new());
    assert_eq!(store.save(&[set("a", json!(1))]).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!((store.documents()["a"].clone(), store.writable()), (json!(1), false));
}

#[test]
fn a_document_nested_too_deep_to_be_understood_costs_no_other() {
    let deep: Json = serde_json::from_str(&format!("{}1{}", "[".repeat(500), "]".repeat(500))).unwrap();
    let disk = Shared::default();
    let mut store = disk.open().0;
    folding(&mut store);
    store.save(&[set("a", json!(1)), set("deep", deep)]).unwrap();
    store.save(&[set("b", json!(2))]).unwrap();
    let loaded = disk.open().1;
    assert_eq!((&loaded.documents, loaded.notes.len()), (store.documents(), 0));
    assert_eq!(loaded.documents.len(), 3);
}

#[test]
fn a_full_disk_costs_no_document() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (mut store, _) = Store::open(disk.path());
    store.save(&[set("a", json!(1))]).unwrap();
    disk.fill();
    let error = store.save(&[set("b", json!("x".repeat(5000)))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert!(!store.writable());
    assert_eq!(Store::look(disk.path()).documents, [("a".into(), json!(1))].into());
    store.save(&[]).unwrap_err();
    disk.empty();
    store.save(&[]).unwrap();
    assert_eq!(&Store::open(disk.path()).1.documents, store.documents());
}

#[test]
fn a_read_only_disk_is_known_at_the_start_and_used_when_it_can_be_written() {
    let Some(disk) = SmallDisk::mount() else { return };
    Store::open(disk.path()).0.save(&[set("a", json!(1))]).unwrap();
    assert!(disk.read_only(true));
    let (mut store, loaded) = Store::open(disk.path());
    assert_eq!(loaded.documents, [("a".into(), json!(1))].into());
    assert!(!store.writable() && loaded.notes[0].contains("cannot be written"), "{:?}", loaded.notes);
    assert_eq!(store.save(&[set("b", json!(2))]).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    assert!(disk.read_only(false));
    store.save(&[]).unwrap();
    assert_eq!(Store::look(disk.path()).documents.len(), 2);
}

#[test]
fn whether_a_folder_may_be_written_is_known_before_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Store::may_write(dir.path()));
    assert!(Store::may_write(&dir.path().join("not/made/yet")));
    assert!(!Store::may_write(Path::new("/dev/null/state")));
    let Some(disk) = SmallDisk::mount() else { return };
    assert!(disk.read_only(true));
    assert!(!Store::may_write(&disk.path().join("state")));
}
