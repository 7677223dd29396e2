//! Everything that can be typed, for what is made of it: the completions and the manual.

use clap::CommandFactory;

use super::Cli;

/// The command line with all of its commands.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// The command line of `driftless-import`.
#[cfg(feature = "import")]
#[must_use]
pub fn importer() -> clap::Command {
    super::import::command()
}
