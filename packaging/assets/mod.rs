//! The files that are made of declarations, and how they should read.

use std::fs;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;

pub mod manual;
pub mod schema;

/// Every file that is made, by its path in the repository, with what it should hold.
///
/// # Errors
/// A page of the manual cannot be read, or has not the blocks that are filled.
pub fn files(root: &Path) -> Result<Vec<(&'static str, String)>, String> {
    let page = |path| fs::read_to_string(root.join(path)).map_err(|error| format!("reading {path}: {error}"));
    let schema = serde_json::to_string_pretty(&schema::schema()).map_err(|error| error.to_string())?;
    let command = driftless::cli::grammar::command();
    let mut files = vec![
        ("packaging/completions/_driftless", completion(Shell::Zsh, &command)),
        ("packaging/completions/driftless.bash", completion(Shell::Bash, &command)),
        ("packaging/completions/driftless.fish", completion(Shell::Fish, &command)),
        ("packaging/driftless.schema.json", schema + "\n"),
        ("packaging/man/driftless.8", manual::commands(&page("packaging/man/driftless.8")?)?),
        ("packaging/man/driftless.toml.5", manual::keys(&page("packaging/man/driftless.toml.5")?)?),
    ];
    files.extend(importers());
    Ok(files)
}

/// Those of the importer, where it is built.
#[cfg(feature = "import")]
fn importers() -> Vec<(&'static str, String)> {
    let command = driftless::cli::grammar::importer();
    vec![
        ("packaging/completions/_driftless-import", completion(Shell::Zsh, &command)),
        ("packaging/completions/driftless-import.bash", completion(Shell::Bash, &command)),
        ("packaging/completions/driftless-import.fish", completion(Shell::Fish, &command)),
    ]
}

#[cfg(not(feature = "import"))]
fn importers() -> Vec<(&'static str, String)> {
    Vec::new()
}

/// The completions of a program for a shell.
fn completion(shell: Shell, command: &Command) -> String {
    let mut made = Vec::new();
    clap_complete::generate(shell, &mut command.clone(), command.get_name().to_owned(), &mut made);
    String::from_utf8_lossy(&made).into_owned()
}
