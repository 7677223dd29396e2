//! The command line: what can be typed, and what it answers. The only room that prints.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::{self, Failure, Loaded};
use crate::config::{self, LogFormat, LogLevel};
use crate::model::name::Name;
use crate::os::log::{self, Format, LogOptions};

mod around;
mod despite;
mod doctor;
mod edit;
mod evidence;
mod explain;
pub mod grammar;
mod handover;
#[cfg(feature = "import")]
pub mod import;
mod init;
mod look;
mod mistyped;
mod notify;
mod patience;
mod print;
mod providers;
mod work;

use despite::despite;
#[cfg(feature = "import")]
pub(crate) use print::tame;

/// Exit codes, as `driftless help` ends with.
const EXIT_CODES: &str = "\
Exit codes:
  0   all is well (status, explain: a daemon answered; plan: nothing held; doctor: nothing failed)
  1   told twice to stop, or told not to remove
  64  the command line is wrong, or an answer is missing (init)
  69  no daemon listens where the configuration or --socket says; driftless-import is missing
  74  the answer could not be written to standard output
  75  it failed in passing, or waits, or there is no address: trying again later may work
  77  credentials or rights were refused by the service, or this user may not ask
  78  the configuration, a secret's file, or what was asked is wrong, or a service's rules refuse it
  130 a change by hand was interrupted, or the typing of a secret (init)

Files:
  /etc/driftless/driftless.toml   the configuration, and conf.d/*.toml beside it
  /var/lib/driftless              the state

Manual: driftless(8), driftless.toml(5)";

/// The folder of the demonstration where nobody names one.
const DEMO: &str = "driftless-demo";

/// Keeps DNS records from drifting away from the addresses they stand for.
#[derive(Debug, Parser)]
#[command(name = "driftless", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    /// The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)
    #[arg(short, long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run in the foreground: follow the addresses and keep the records right, until stopped
    Run(RunArgs),
    /// Bring every record up to date once, and end
    ///
    /// Where a single source out in the world says something new, it is asked three times over two minutes before that is believed; what is
    /// waited for is said. The exit code is 75 where it did not say the same. What keeps others from connecting to this machine, a
    /// carrier's NAT for one, is a warning.
    Once(JsonArgs),
    /// Show what would change, and why; change nothing
    ///
    /// It waits for a single source as once does, and says so, and it warns of the same.
    Plan(JsonArgs),
    /// Check the configuration
    Check(CheckArgs),
    /// Ask every source for the address, and show what each says and what is believed
    Detect(JsonArgs),
    /// Check this machine and what it talks to, step by step, and say what to do; change nothing
    Doctor(DoctorArgs),
    /// Ask a few questions and write a configuration that works
    Init(init::InitArgs),
    /// Show how every record stands, what it waits for, and why it is held
    Status(StatusArgs),
    /// Tell why a record was or was not updated
    Explain(ExplainArgs),
    /// Look at everything, or at one name, now: in the running daemon, or else in a round of its own
    ///
    /// A round of its own about one name asks the sources of that name alone, and sends nothing for others.
    Update(UpdateArgs),
    /// Let go of what is held: an account, a name, or everything
    #[command(override_usage = "driftless release [OPTIONS] <TARGET|--all>")]
    Release(ReleaseArgs),
    /// Show the providers, or the settings of one
    Providers(ProvidersArgs),
    /// Read another updater's file, and write a configuration in its place (driftless-import(8))
    Import(handover::ImportArgs),
    /// List, add and remove zones by hand
    #[command(subcommand)]
    Zones(edit::ZonesCommand),
    /// List, show, add, update and remove records by hand
    #[command(subcommand)]
    Records(edit::RecordsCommand),
    /// List, add, update and remove names under lndyn.com (LunaNode)
    #[command(subcommand)]
    Dyn(edit::DynCommand),
    /// What only PocketDNS can do: its templates
    #[command(subcommand)]
    Pocketdns(edit::PocketdnsCommand),
    /// Try the channels by which people are told
    #[command(subcommand)]
    Notify(notify::NotifyCommand),
}

impl Command {
    /// The command, if it edits by hand.
    fn editing(&self) -> Option<edit::Editing<'_>> {
        match self {
            Self::Zones(command) => Some(edit::Editing::Zones(command)),
            Self::Records(command) => Some(edit::Editing::Records(command)),
            Self::Dyn(command) => Some(edit::Editing::Dyn(command)),
            Self::Pocketdns(command) => Some(edit::Editing::Pocketdns(command)),
            _ => None,
        }
    }
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Without configuration or account: follow this machine's addresses, private ones too, into a zone file
    #[arg(long)]
    demo: bool,
    /// Where the demonstration keeps its files
    #[arg(long, value_name = "FOLDER", default_value = DEMO, requires = "demo")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// Where the daemon takes commands [default: what the configuration says]
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DoctorArgs {
    /// Leave out all that leaves this machine
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Log in at every account and read its records too
    #[arg(long)]
    online: bool,
    /// Take warnings, such as a secret file that the world can read or the daemon cannot, for errors
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The record's name
    name: Name,
    /// Where the daemon takes commands [default: what the configuration says]
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct UpdateArgs {
    /// The record's name; all records if none is given
    name: Option<Name>,
    /// Where the daemon takes commands [default: what the configuration says]
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ReleaseArgs {
    /// The account, or the record's name
    #[arg(required_unless_present = "all")]
    target: Option<String>,
    /// Everything that is held
    #[arg(long, conflicts_with = "target")]
    all: bool,
    /// Where the daemon takes commands [default: what the configuration says]
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ProvidersArgs {
    /// The provider whose settings are shown
    provider: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command line and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = !error.use_stderr();
            if !asked && std::env::args_os().any(|word| word == "--json") {
                return ExitCode::from(mistyped::as_json(&error));
            }
            return mistyped::told(&error);
        }
    };
    let code = match dispatch(&cli) {
        Ok(code) => code,
        Err(Failure::Other(code, why)) if matches!(&cli.command, Command::Check(args) if args.json) => {
            // Where even this cannot be printed, the exit code still tells.
            let _ = print::json(&look::Checked::failed(&why));
            code
        }
        Err(failure) if wants_json(&cli.command) => print::failure_as_json(&failure),
        Err(failure) => {
            let journal = log::under_journal(config::journal_stream().as_deref());
            print::failure(&failure, journal)
        }
    };
    ExitCode::from(print::delivered(code, does(&cli.command)))
}

/// Whether a command does something beside answering.
fn does(command: &Command) -> bool {
    match command {
        Command::Init(_)
        | Command::Run(_)
        | Command::Once(_)
        | Command::Update(_)
        | Command::Release(_)
        | Command::Notify(_) => true,
        other => other.editing().is_some_and(edit::Editing::writes),
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Once(args) | Command::Plan(args) | Command::Detect(args) => args.json,
        Command::Status(args) => args.json,
        Command::Check(args) => args.json,
        Command::Doctor(args) => args.json,
        Command::Explain(args) => args.json,
        Command::Providers(args) => args.json,
        Command::Notify(notify::NotifyCommand::Test { json, .. }) => *json,
        Command::Zones(_) | Command::Records(_) | Command::Dyn(_) | Command::Pocketdns(_) => {
            command.editing().is_some_and(edit::Editing::json)
        }
        Command::Init(_) | Command::Run(_) | Command::Update(_) | Command::Release(_) | Command::Import(_) => false,
    }
}

fn dispatch(cli: &Cli) -> Result<u8, Failure> {
    match &cli.command {
        Command::Import(args) => return Err(handover::import(&args.words)),
        Command::Providers(args) => return providers::providers(args.provider.as_deref(), args.json),
        Command::Run(RunArgs { demo: true, folder }) => return work::demo(cli, folder),
        Command::Init(args) => return init::init(cli.config.as_deref(), args),
        Command::Doctor(args) => {
            start_log(cli, None)?;
            return doctor::doctor(cli.config.as_deref(), args.offline, args.json);
        }
        Command::Check(CheckArgs { json: false, .. }) => cli.config.iter().for_each(|path| look::note_unread(path)),
        _ => {}
    }
    let load = match &cli.command {
        Command::Run(_) | Command::Once(_) => app::load,
        command if command.editing().is_some() => app::load_accounts,
        _ => app::load_beside,
    };
    let loaded = match load(cli.config.as_deref()) {
        Ok(loaded) => loaded,
        Err(errors) if matches!(cli.command, Command::Check(_)) => {
            return despite(cli, look::everything_wrong(cli.config.as_deref(), errors));
        }
        Err(errors) => return despite(cli, errors),
    };
    start_log(cli, Some(&loaded))?;
    if let Err(error) = crate::os::process::harden() {
        tracing::warn!("core files could not be switched off: {error}");
    }
    if let Some(editing) = cli.command.editing() {
        print::not_needed(&loaded.config.warnings);
        return complete(editing.run(&loaded));
    }
    complete(async {
        match &cli.command {
            Command::Run(_) => work::run(loaded, cli.config.clone()).await,
            Command::Once(args) => work::once(loaded, args.json).await,
            Command::Plan(args) => look::plan(&loaded, args.json).await,
            Command::Check(args) => match look::check(&loaded, args.online, args.strict, args.json).await {
                Err(Failure::Config(errors)) => despite(cli, errors),
                other => other,
            },
            Command::Detect(args) => look::detect(&loaded, args.json).await,
            Command::Status(args) => {
                look::status(&look::current(&loaded, args.socket.as_deref(), "status").await?, args.json)
            }
            Command::Explain(args) => {
                let status = look::current(&loaded, args.socket.as_deref(), "explain").await?;
                explain::explain(&status, &args.name, args.json)
            }
            Command::Update(args) => work::update(loaded, args.socket.as_deref(), args.name.clone()).await,
            Command::Notify(command) => notify::run(&loaded, command).await,
            Command::Release(args) => work::release(&loaded, args.socket.as_deref(), args.target.as_deref()).await,
            // Carried out above, without or beside the daemon.
            Command::Doctor(_)
            | Command::Import(_)
            | Command::Init(_)
            | Command::Providers(_)
            | Command::Zones(_)
            | Command::Records(_)
            | Command::Dyn(_)
            | Command::Pocketdns(_) => Ok(0),
        }
    })
}

fn complete<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    app::complete(work).map_err(|error| Failure::Other(75, format!("starting: {error}")))?
}

/// Starts the log: as the configuration says for what works, warnings only for what looks.
fn start_log(cli: &Cli, loaded: Option<&Loaded>) -> Result<(), Failure> {
    let works = matches!(cli.command, Command::Run(_) | Command::Once(_) | Command::Update(_));
    let level = match loaded.map(|loaded| loaded.config.log.level) {
        _ if !works => "warn",
        Some(LogLevel::Error) => "error",
        Some(LogLevel::Warn) => "warn",
        Some(LogLevel::Debug) => "debug",
        Some(LogLevel::Trace) => "trace",
        Some(LogLevel::Info) | None => "info",
    };
    let variables = loaded.map(|loaded| &loaded.input.variables);
    let journal = variables.and_then(|variables| variables.get("JOURNAL_STREAM")).map(String::as_str);
    let format = match loaded.map(|loaded| loaded.config.log.format) {
        Some(LogFormat::Json) => Format::Json,
        _ if log::under_journal(journal) => Format::Journal,
        _ => Format::Text,
    };
    let filter = cli.log.clone().unwrap_or_else(|| level.to_owned());
    log::init(&LogOptions { filter, format, timestamps: works }).map_err(|why| Failure::Other(64, why))?;
    // Those of what looks are printed where they matter.
    if let Some(loaded) = loaded.filter(|_| works) {
        loaded.config.warnings.iter().for_each(|warning| tracing::warn!("{}", warning.one_line()));
    }
    Ok(())
}
