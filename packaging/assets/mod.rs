//! The files that are made of declarations, and how they should read.

use std::fs;
use std::path::Path;

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
    Ok(vec![
        ("packaging/completions/_driftless", completion(Shell::Zsh)),
        ("packaging/completions/driftless.bash", completion(Shell::Bash)),
        ("packaging/completions/driftless.fish", completion(Shell::Fish)),
        ("packaging/driftless.schema.json", schema + "\n"),
        ("packaging/man/driftless.8", manual::commands(&page("packaging/man/driftless.8")?)?),
        ("packaging/man/driftless.toml.5", manual::keys(&page("packaging/man/driftless.toml.5")?)?),
    ])
}

/// The completions for a shell.
fn completion(shell: Shell) -> String {
    let mut made = Vec::new();
    clap_complete::generate(shell, &mut driftless::cli::grammar::command(), "driftless", &mut made);
    String::from_utf8_lossy(&made).into_owned()
}
