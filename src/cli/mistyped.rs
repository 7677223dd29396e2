//! Command lines that cannot be carried out, and help that was asked for.

use std::process::ExitCode;

use clap::CommandFactory;

use super::{Cli, look, print};
use crate::app::Failure;

/// Prints why a command line was refused, or the help that was asked for, and returns the exit code.
pub(super) fn told(error: &clap::Error) -> ExitCode {
    let asked = !error.use_stderr();
    let printed = error.print();
    if asked {
        print::note_loss(printed);
    }
    ExitCode::from(print::delivered(if asked { 0 } else { 64 }, false))
}

/// Prints as data why a command line was refused, and returns the exit code. The usage that a person gets is left out.
pub(super) fn as_json(error: &clap::Error) -> u8 {
    let text = error.to_string();
    let why = text.split("\n\nUsage:").next().unwrap_or_default();
    let why = why.trim().trim_start_matches("error: ").to_owned();
    let typed = Cli::command().ignore_errors(true).try_get_matches();
    if typed.is_ok_and(|typed| typed.subcommand_name() == Some("check")) {
        // Where even this cannot be printed, the exit code still tells.
        let _ = print::json(&look::Checked::failed(&why));
        return print::delivered(64, false);
    }
    print::delivered(print::failure_as_json(&Failure::Other(64, why)), false)
}
