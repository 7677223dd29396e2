//! `driftless import`: a program of its own, so that a router does not carry what reads other updaters' files.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;

use crate::app::Failure;

/// What is typed behind `import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// What driftless-import is told: the file, and its options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "ARGUMENT")]
    pub words: Vec<OsString>,
}

/// The program that does it.
const IMPORT: &str = "driftless-import";

/// Becomes the program that lies beside this one. Only a failure comes back.
pub(super) fn import(words: &[OsString]) -> Failure {
    let beside = std::env::current_exe().map(|own| own.with_file_name(IMPORT));
    let why = match beside {
        Ok(path) if path.exists() => Command::new(path).args(words).exec().to_string(),
        Ok(path) => format!("there is no {}", path.display()),
        Err(error) => error.to_string(),
    };
    let get = "cargo build --release --features import makes it; it needs nothing but the other updater's file, and runs on any machine";
    Failure::Other(69, format!("import is done by {IMPORT}: {why} ({get})"))
}
