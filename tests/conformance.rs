//! The same named cases for every provider, over time through the machine; `tests/conformance/README.md` has the matrix.
//!
//! A new provider brings one file with its [`Subject`], and a line in [`COLUMNS`].

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

#[path = "conformance/cases.rs"]
mod cases;
#[path = "conformance/designate.rs"]
mod designate;
#[path = "conformance/designate_service.rs"]
mod designate_service;
#[path = "conformance/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/dyndns2.rs"]
mod dyndns2_service;
#[path = "conformance/house.rs"]
mod house;
#[path = "emulator/http.rs"]
mod http;
#[path = "conformance/lunanode.rs"]
mod lunanode;
#[path = "emulator/lunanode.rs"]
mod lunanode_service;
#[path = "conformance/pocketdns.rs"]
mod pocketdns;
#[path = "emulator/pocketdns.rs"]
mod pocketdns_service;
#[path = "conformance/rackspace.rs"]
mod rackspace;
#[path = "emulator/rackspace.rs"]
mod rackspace_service;
#[path = "conformance/subject.rs"]
mod subject;
#[path = "conformance/yandex.rs"]
mod yandex;
#[path = "conformance/yandex360.rs"]
mod yandex360;
#[path = "emulator/yandex360.rs"]
mod yandex360_service;
#[path = "emulator/yandex.rs"]
mod yandex_service;
#[path = "conformance/zonefile.rs"]
mod zonefile;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use driftless::provider::REGISTRY;
use futures_util::future::LocalBoxFuture;
use subject::{Column, Subject};

/// Every way to use every provider.
const COLUMNS: &[Column] = &[
    designate::COLUMN,
    dyndns2::TOGETHER,
    dyndns2::APART,
    lunanode::HOSTED,
    lunanode::LNDYN,
    pocketdns::USERS,
    pocketdns::DOMAINS,
    rackspace::USA,
    rackspace::UK,
    yandex::ADMIN,
    yandex::REGISTRAR,
    yandex360::COLUMN,
    zonefile::COLUMN,
];

type Case = for<'a> fn(&'a Column, &'a dyn Subject) -> LocalBoxFuture<'a, ()>;

/// Runs a case against every service that can reach it, each started anew, and fails with all that failed.
fn run(name: &str, case: Case) {
    let mut failed = Vec::new();
    let mut reached = 0;
    for column in COLUMNS.iter().filter(|column| !is_excluded(column, name)) {
        reached += 1;
        let one = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let subject = (column.start)().await;
                case(column, &*subject).await;
                assert_eq!(subject.violations(), Vec::<String>::new());
            });
        };
        if catch_unwind(AssertUnwindSafe(one)).is_err() {
            failed.push(column.name);
        }
    }
    assert!(reached > 0, "no provider reaches {name}");
    assert!(failed.is_empty(), "{name} fails for: {}", failed.join("; "));
}

fn is_excluded(column: &Column, case: &str) -> bool {
    column.excluded.iter().any(|(excluded, _)| *excluded == case)
}

macro_rules! cases {
    ($($name:ident,)+) => {
        /// The names of the cases, in the order of the matrix.
        const CASES: &[&str] = &[$(stringify!($name)),+];

        $(#[test]
        fn $name() {
            run(stringify!($name), |column, subject| Box::pin(cases::$name(column, subject)));
        })+
    };
}

cases! {
    unchanged,
    creates,
    replaces_a_stale_address,
    leaves_others_alone,
    foreign_values_in_the_set,
    keeps_attributes,
    a_text_made_of_addresses,
    sibling_unknown,
    removes,
    bad_credentials,
    one_zone_forbidden,
    rate_limited,
    no_such_zone,
    paging,
    ttl_clamped,
    poison_in_a_batch,
    accepted_but_still_old,
    error_after_accept,
    stopped_during_a_job,
    time_out_that_succeeded,
    back_to_the_old_value_after_a_time_out,
    clock_wrong_is_not_auth,
    garbled_answer,
    server_error,
}

/// The matrix as README.md shows it: who reaches what, and why not.
fn matrix() -> String {
    let mut notes: Vec<&str> = Vec::new();
    let mut out = String::from("| case |");
    for column in COLUMNS {
        let _ = write!(out, " {} |", column.name);
    }
    let _ = write!(out, "\n| --- |{}\n", " --- |".repeat(COLUMNS.len()));
    for case in CASES {
        let _ = write!(out, "| {case} |");
        for column in COLUMNS {
            let cell = match column.excluded.iter().find(|(excluded, _)| excluded == case) {
                None => "yes".to_owned(),
                Some((_, why)) => {
                    if !notes.contains(why) {
                        notes.push(why);
                    }
                    format!("({})", notes.iter().position(|note| note == why).unwrap_or_default() + 1)
                }
            };
            let _ = write!(out, " {cell} |");
        }
        out.push('\n');
    }
    out.push('\n');
    for (at, note) in notes.iter().enumerate() {
        let _ = writeln!(out, "({}) {note}  ", at + 1);
    }
    out
}

#[test]
fn the_readme_shows_the_matrix_as_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/README.md");
    let readme = std::fs::read_to_string(path).expect("the README");
    let matrix = matrix();
    assert!(readme.contains(&matrix), "tests/conformance/README.md is to show this:\n{matrix}");
}

#[test]
fn every_provider_of_the_registry_is_here() {
    for entry in REGISTRY {
        assert!(COLUMNS.iter().any(|column| column.provider == entry.name), "{} has no column", entry.name);
    }
}

#[test]
fn what_is_excluded_is_a_case_and_has_a_reason() {
    for column in COLUMNS {
        for (case, why) in column.excluded {
            assert!(CASES.contains(case), "{}: there is no case {case}", column.name);
            assert!(why.split(' ').count() > 2, "{}: {case}: {why}", column.name);
        }
    }
}
