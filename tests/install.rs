//! `packaging/install`, into folders of these tests' own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_driftless");

fn attempt(arguments: &[&str]) -> Output {
    Command::new("sh").arg("packaging/install").args(arguments).output().unwrap()
}

fn install(destdir: &Path, more: &[&str]) -> String {
    let output = attempt(&[&["--destdir", destdir.to_str().unwrap()], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The program in a folder of its own, for what lies beside it elsewhere is installed, too.
fn alone(folder: &Path) -> String {
    fs::create_dir_all(folder).unwrap();
    let binary = folder.join("driftless");
    fs::copy(BINARY, &binary).unwrap();
    binary.display().to_string()
}

/// Every file below a folder, with its permissions, in order.
fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, top: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, top, found);
            } else {
                let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
                found.push(format!("{mode:o} /{}", path.strip_prefix(top).unwrap().display()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

#[test]
fn everything_goes_where_the_machine_looks_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    let said = install(&root, &["--binary", &alone(&dir.path().join("built"))]);
    let manifest = root.join("usr/local/share/doc/driftless/installed");
    assert_eq!(said, format!("installed; what was made is listed in {}\n", manifest.display()), "nothing to start");
    let expected = [
        "644 /etc/driftless/driftless.toml.example",
        "644 /usr/local/lib/systemd/system/driftless-once.service",
        "644 /usr/local/lib/systemd/system/driftless-once.timer",
        "644 /usr/local/lib/systemd/system/driftless.service",
        "644 /usr/local/lib/systemd/system/driftless@.service",
        "644 /usr/local/share/bash-completion/completions/driftless",
        "644 /usr/local/share/doc/driftless/LICENSE-APACHE",
        "644 /usr/local/share/doc/driftless/LICENSE-MIT",
        "644 /usr/local/share/doc/driftless/driftless.schema.json",
        "644 /usr/local/share/doc/driftless/driftless.service.d-credentials.conf.example",
        "644 /usr/local/share/doc/driftless/installed",
        "644 /usr/local/share/fish/vendor_completions.d/driftless.fish",
        "644 /usr/local/share/man/man5/driftless.toml.5",
        "644 /usr/local/share/man/man8/driftless.8",
        "644 /usr/local/share/zsh/site-functions/_driftless",
        "755 /usr/local/bin/driftless",
    ];
    assert_eq!(files(&root), expected);
    for (unit, starts) in [("", " run"), ("@", " --config /etc/driftless/%i.toml run"), ("-once", " once")] {
        let unit = root.join(format!("usr/local/lib/systemd/system/driftless{unit}.service"));
        let unit = fs::read_to_string(unit).unwrap();
        assert!(
            unit.contains("\nDocumentation=man:driftless(8) man:driftless.toml(5)\n"),
            "the pages that are installed"
        );
        assert!(unit.contains(&format!("\nExecStart=/usr/local/bin/driftless{starts}\n")), "{unit}");
        assert!(!unit.contains("/usr/bin/driftless"), "{unit}");
    }
    let runs = Command::new(root.join("usr/local/bin/driftless")).arg("--version").output().unwrap();
    assert!(runs.status.success());
}

#[test]
fn a_package_has_a_configuration_that_can_be_edited_and_no_list_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    assert_eq!(install(&root, &["--binary", &alone(&dir.path().join("built")), "--package"]), "");
    let expected = [
        "644 /etc/driftless/driftless.toml",
        "644 /usr/lib/systemd/system/driftless-once.service",
        "644 /usr/lib/systemd/system/driftless-once.timer",
        "644 /usr/lib/systemd/system/driftless.service",
        "644 /usr/lib/systemd/system/driftless@.service",
        "644 /usr/share/bash-completion/completions/driftless",
        "644 /usr/share/doc/driftless/driftless.schema.json",
        "644 /usr/share/doc/driftless/examples/credentials.conf",
        "644 /usr/share/doc/driftless/examples/driftless.toml",
        "644 /usr/share/fish/vendor_completions.d/driftless.fish",
        "644 /usr/share/man/man5/driftless.toml.5",
        "644 /usr/share/man/man8/driftless.8",
        "644 /usr/share/zsh/site-functions/_driftless",
        "755 /usr/bin/driftless",
    ];
    assert_eq!(files(&root), expected);
}

#[test]
fn an_importer_beside_the_program_is_installed_with_its_manual_and_goes_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (built, root) = (dir.path().join("built"), dir.path().join("root"));
    fs::create_dir(&built).unwrap();
    fs::write(built.join("driftless"), "program").unwrap();
    let install =
        |more: &[&str]| install(&root, &[&["--binary", built.join("driftless").to_str().unwrap()], more].concat());
    for (more, prefix) in [(&[][..], "usr/local"), (&["--package"], "usr")] {
        install(more);
        let before = files(&root);
        fs::write(built.join("driftless-import"), "importer").unwrap();
        install(more);
        let new: Vec<String> = files(&root).into_iter().filter(|file| !before.contains(file)).collect();
        let expected = [
            format!("644 /{prefix}/share/bash-completion/completions/driftless-import"),
            format!("644 /{prefix}/share/fish/vendor_completions.d/driftless-import.fish"),
            format!("644 /{prefix}/share/man/man8/driftless-import.8"),
            format!("644 /{prefix}/share/zsh/site-functions/_driftless-import"),
            format!("755 /{prefix}/bin/driftless-import"),
        ];
        assert_eq!(new, expected);
        assert_eq!(fs::read_to_string(root.join(prefix).join("bin/driftless-import")).unwrap(), "importer");
        fs::remove_file(built.join("driftless-import")).unwrap();
    }
    install(&["--uninstall"]);
    assert!(!root.join("usr/local").exists());
}

#[test]
fn below_another_prefix_the_unit_still_lies_where_systemd_looks() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), &["--binary", BINARY, "--prefix", "/opt/driftless/"]);
    let unit = fs::read_to_string(dir.path().join("etc/systemd/system/driftless.service")).unwrap();
    assert!(unit.contains("\nExecStart=/opt/driftless/bin/driftless run\n"), "{unit}");
    install(dir.path(), &["--prefix", "/opt/driftless", "--uninstall"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_the_operator_wrote_survives_install_upgrade_and_uninstall() {
    let dir = tempfile::tempdir().unwrap();
    let (etc, state) = (dir.path().join("etc/driftless"), dir.path().join("var/lib/driftless"));
    fs::create_dir_all(&etc).unwrap();
    fs::create_dir_all(&state).unwrap();
    fs::create_dir_all(dir.path().join("usr/local/bin")).unwrap();
    let own = [etc.join("driftless.toml"), etc.join("driftless.toml.example"), state.join("ledger")];
    for path in own.iter().chain([&dir.path().join("usr/local/bin/other")]) {
        fs::write(path, "mine").unwrap();
    }
    let before = files(dir.path());
    let said = install(dir.path(), &["--binary", BINARY]);
    assert!(said.contains("driftless.toml.example is there already"), "{said}");
    install(dir.path(), &["--binary", BINARY]);
    install(dir.path(), &["--uninstall"]);
    assert_eq!(files(dir.path()), before);
    for path in &own {
        assert_eq!(fs::read_to_string(path).unwrap(), "mine");
    }
    // Only folders that the installation made are gone again.
    assert!(dir.path().join("usr/local/bin").is_dir() && !dir.path().join("usr/local/share").exists());
}

#[test]
fn an_upgrade_replaces_the_program_without_writing_into_the_running_one() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    fs::write(&old, "old").unwrap();
    fs::write(&new, "new").unwrap();
    let root = dir.path().join("root");
    install(&root, &["--binary", old.to_str().unwrap()]);
    let installed = root.join("usr/local/bin/driftless");
    let running = fs::File::open(&installed).unwrap();
    install(&root, &["--binary", new.to_str().unwrap()]);
    assert_eq!(std::io::read_to_string(running).unwrap(), "old");
    assert_eq!(fs::read_to_string(installed).unwrap(), "new");
}

#[test]
fn an_upgrade_brings_its_own_example_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), &["--binary", BINARY]);
    let example = dir.path().join("etc/driftless/driftless.toml.example");
    let new = fs::read_to_string(&example).unwrap();
    fs::write(&example, "of the version before").unwrap();
    install(dir.path(), &["--binary", BINARY]);
    assert_eq!(fs::read_to_string(&example).unwrap(), new);
    install(dir.path(), &["--uninstall"]);
    assert!(!example.exists());
}

#[test]
fn what_cannot_work_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--binary", "/nonexistent"], 1, "there is no /nonexistent: cargo build --release, or --binary FILE"),
        (&["--binary", BINARY, "--prefix", "usr"], 1, "--prefix is an absolute path"),
        (&["--binary", BINARY, "--prefix", "/opt/a b"], 1, "does not belong into a unit"),
        (&["--binary", BINARY, "--prefix", "/home/me"], 1, "ProtectHome= hides /home/me"),
        (&["--uninstall"], 1, "was it another --prefix?"),
        (&["--package", "--uninstall"], 1, "its package manager removes a package"),
        (&["--prefix"], 64, "packaging/install ["),
        (&["--destdir", "", "--package", "--binary", BINARY], 1, "--package needs --destdir"),
        (&["--frob"], 64, "packaging/install ["),
    ];
    for (arguments, code, word) in cases {
        let output = attempt(&[&["--destdir", root], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
        assert_eq!(files(dir.path()), Vec::<String>::new(), "{arguments:?}");
    }
}
