//! The `driftless-import` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    driftless::cli::import::main()
}
