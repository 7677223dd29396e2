//! `driftless-import`: a file of another updater, and what was written in its place.
#![expect(clippy::print_stderr, reason = "the report is for people, beside what is printed")]

use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, Parser};
use serde_json::json;

use super::print;
use crate::config::read_text;
use crate::import::{Imported, Tool, files, import};

/// Exit codes, as the help ends with.
const EXIT_CODES: &str = "\
Exit codes:
  0   the configuration was written; what could not be carried over is told
  64  the command line is wrong
  74  a file could not be written, or is there already
  78  the file cannot be read, or is not what its updater reads

Manual: driftless-import(8), driftless.toml(5)";

/// The folder of the secrets where nobody names one, beside the configuration.
const SECRETS: &str = "secrets";

/// Reads what another updater was told, and writes it as a configuration of driftless.
#[derive(Debug, Parser)]
#[command(name = "driftless-import", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    /// The other updater's file
    file: PathBuf,
    /// Whose file it is, where that is not seen
    #[arg(long, value_name = "UPDATER", value_parser = PossibleValuesParser::new(Tool::ALL.map(Tool::word)))]
    from: Option<String>,
    /// Where the configuration goes; "-" is standard output
    #[arg(short, long, value_name = "FILE", default_value = "driftless.toml")]
    output: PathBuf,
    /// The folder for the secrets, which each get a file for their owner alone [default: secrets, beside the output]
    #[arg(long, value_name = "FOLDER")]
    secrets: Option<PathBuf>,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Its command line, for what is made of it.
pub(super) fn command() -> clap::Command {
    Cli::command()
}

/// Why nothing was written, with the exit code.
type Refused = (u8, String);

/// Runs the command line and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return super::mistyped::told(&error),
    };
    if let Err(error) = crate::os::process::harden() {
        eprintln!("driftless-import: core files could not be switched off: {error}");
    }
    let code = match run(&cli) {
        Ok(()) => 0,
        Err((code, why)) if cli.json => print::failure_as_json(&crate::app::Failure::Other(code, why)),
        Err((code, why)) => {
            eprintln!("driftless-import: {why}");
            code
        }
    };
    ExitCode::from(print::delivered(code, true))
}

fn run(cli: &Cli) -> Result<(), Refused> {
    let is_printed = cli.output == Path::new("-");
    if is_printed && cli.json {
        return Err((64, "--json and --output - both want standard output: name a file".into()));
    }
    let shown = cli.file.display();
    let text = read_text(&cli.file).map_err(|why| (78, format!("{shown} cannot be used: {why}")))?;
    let named = cli.from.as_deref().and_then(|word| Tool::ALL.into_iter().find(|tool| tool.word() == word));
    let Some(tool) = named.or_else(|| Tool::of(&cli.file, &text)) else {
        let known = Tool::ALL.map(Tool::word).join(", ");
        return Err((78, format!("{shown}: it is not seen whose file this is; say --from with one of {known}")));
    };
    let folder = secrets_folder(cli, is_printed).map_err(|why| (64, format!("the folder of the secrets: {why}")))?;
    let name = cli.file.file_name().map_or_else(|| shown.to_string(), |name| name.to_string_lossy().into_owned());
    let imported = import(tool, &text, &name, &folder)
        .map_err(|malformed| (78, format!("{shown}:{}: as a file of {tool}: {}", malformed.line, malformed.why)))?;
    if is_printed && cli.secrets.is_none() && !(imported.secrets.is_empty() && imported.missing.is_empty()) {
        return Err((64, "the secrets need a folder: --secrets FOLDER".into()));
    }
    let output = (!is_printed).then_some(cli.output.as_path());
    files::write(&imported.files(output), cli.force).map_err(|(path, error)| {
        let force = if error.kind() == std::io::ErrorKind::AlreadyExists { " (--force replaces it)" } else { "" };
        (74, format!("{} is not written: {error}{force}", path.display()))
    })?;
    if cli.json {
        return print::json(&as_json(cli, tool, &imported)).map_err(|_| (74, "the report could not be printed".into()));
    }
    if is_printed {
        print::line(imported.text.trim_end());
    }
    report(cli, tool, &imported, &folder);
    Ok(())
}

fn secrets_folder(cli: &Cli, is_printed: bool) -> std::io::Result<PathBuf> {
    let beside = || cli.output.parent().filter(|_| !is_printed).unwrap_or_else(|| Path::new("")).join(SECRETS);
    absolute(cli.secrets.clone().unwrap_or_else(beside))
}

fn as_json(cli: &Cli, tool: Tool, imported: &Imported) -> serde_json::Value {
    let secrets: Vec<&PathBuf> = imported.secrets.iter().map(|(path, _)| path).collect();
    json!({
        "updater": tool.word(),
        "file": cli.file,
        "configuration": cli.output,
        "secrets": secrets,
        "missing": imported.missing,
        "variables": imported.variables,
        "accounts": imported.accounts,
        "names": imported.names,
        "waiting": imported.waiting,
        "left": imported.left,
    })
}

fn report(cli: &Cli, tool: Tool, imported: &Imported, folder: &Path) {
    let (accounts, names) = (print::counted(imported.accounts, "account"), print::counted(imported.names, "name"));
    let is = if cli.output == Path::new("-") { "on standard output" } else { &format!("in {}", cli.output.display()) };
    eprintln!("what {} of {tool} said stands {is}: {accounts}, {names}", cli.file.display());
    if !imported.secrets.is_empty() {
        let files = if imported.secrets.len() == 1 { "a file of its own" } else { "files of their own" };
        let secrets = print::counted(imported.secrets.len(), "secret");
        eprintln!("{secrets} went into {files} in {}", folder.display());
    }
    if imported.waiting > 0 {
        let stand = if imported.waiting == 1 { "stands" } else { "stand" };
        let names = print::counted(imported.waiting, "name");
        eprintln!("{names} cannot be updated yet, and {stand} there as comments");
    }
    if imported.left.is_empty() {
        eprintln!("everything was carried over");
        return;
    }
    eprintln!("\nnot carried over:");
    for left in &imported.left {
        eprintln!(
            "{}:{}: {}: {}\n    instead: {}",
            cli.file.display(),
            left.line,
            print::tame(&left.key),
            print::tame(&left.did),
            print::tame(&left.instead)
        );
    }
}
