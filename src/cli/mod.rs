//! The command line: what can be typed, and what it answers. The only room that prints.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::app::{self, Failure, Loaded, demo};
use crate::config::{self, LogFormat, LogLevel};
use crate::model::name::Name;
use crate::os::log::{self, Format, LogOptions};

mod around;
mod edit;
mod evidence;
mod explain;
pub mod grammar;
mod look;
mod patience;
mod print;
mod providers;
mod work;

use look::Current;

/// Exit codes, as `driftless help` ends with.
const EXIT_CODES: &str = "\
Exit codes:
  0   all is well (status, explain: a daemon answered; plan: nothing is held or refused)
  1   told twice to stop, or told not to remove
  64  the command line is wrong
  69  no daemon listens where the configuration says (status, explain), or at the named socket
  74  the answer could not be written to standard output
  75  it failed in passing, or waits, or there is no address: trying again later may work
  77  credentials or rights were refused by the service, or this user may not ask
  78  the configuration, a secret's file, or what was asked is wrong, or a service's rules refuse it
  130 a change by hand was interrupted

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
    /// waited for is said. The exit code is 75 where it did not say the same.
    Once(JsonArgs),
    /// Show what would change, and why; change nothing
    Plan(JsonArgs),
    /// Check the configuration
    Check(CheckArgs),
    /// Ask every source for the address, and show what each says and what is believed
    Detect(JsonArgs),
    /// Show how every record stands, what it waits for, and why it is held
    Status(StatusArgs),
    /// Tell why a record was or was not updated
    Explain(ExplainArgs),
    /// Look at everything, or at one name, now: in the running daemon, or else in a round of its own
    Update(UpdateArgs),
    /// Let go of what is held: an account, a name, or everything
    #[command(override_usage = "driftless release [OPTIONS] <TARGET|--all>")]
    Release(ReleaseArgs),
    /// Show the providers, or the settings of one
    Providers(ProvidersArgs),
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
                return ExitCode::from(mistyped_as_json(&error));
            }
            let printed = error.print();
            if asked {
                print::note_loss(printed);
            }
            return ExitCode::from(print::delivered(if asked { 0 } else { 64 }, false));
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

/// Prints as data why a command line was refused, and returns the exit code. The usage that a person gets is left out.
fn mistyped_as_json(error: &clap::Error) -> u8 {
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

/// Whether a command does something beside answering.
fn does(command: &Command) -> bool {
    match command {
        Command::Run(_) | Command::Once(_) | Command::Update(_) | Command::Release(_) => true,
        other => other.editing().is_some_and(edit::Editing::writes),
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Once(args) | Command::Plan(args) | Command::Detect(args) => args.json,
        Command::Status(args) => args.json,
        Command::Check(args) => args.json,
        Command::Explain(args) => args.json,
        Command::Providers(args) => args.json,
        Command::Zones(_) | Command::Records(_) | Command::Dyn(_) | Command::Pocketdns(_) => {
            command.editing().is_some_and(edit::Editing::json)
        }
        Command::Run(_) | Command::Update(_) | Command::Release(_) => false,
    }
}

fn dispatch(cli: &Cli) -> Result<u8, Failure> {
    match &cli.command {
        Command::Providers(args) => return providers::providers(args.provider.as_deref(), args.json),
        Command::Run(RunArgs { demo: true, folder }) => return work::demo(cli, folder),
        _ => {}
    }
    let load = match &cli.command {
        Command::Run(_) | Command::Once(_) => app::load,
        command if command.editing().is_some() => app::load_accounts,
        _ => app::load_beside,
    };
    let loaded = match load(cli.config.as_deref()) {
        Ok(loaded) => loaded,
        Err(errors) => return despite(cli, errors),
    };
    start_log(cli, Some(&loaded))?;
    if let Err(error) = crate::os::process::harden() {
        tracing::warn!("core files could not be switched off: {error}");
    }
    if let Some(editing) = cli.command.editing() {
        print::not_needed(&loaded.config.warnings);
        return runtime()?.block_on(editing.run(&loaded));
    }
    runtime()?.block_on(async {
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
            Command::Release(args) => work::release(&loaded, args.socket.as_deref(), args.target.as_deref()).await,
            // Carried out above, without or beside the daemon.
            Command::Providers(_)
            | Command::Zones(_)
            | Command::Records(_)
            | Command::Dyn(_)
            | Command::Pocketdns(_) => Ok(0),
        }
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    app::runtime().map_err(|error| Failure::Other(75, format!("starting: {error}")))
}

/// What can be done although the configuration is wrong: a daemon that started before it was goes on with what it read,
/// and can be asked.
fn despite(cli: &Cli, errors: config::ConfigErrors) -> Result<u8, Failure> {
    let (socket, command) = match &cli.command {
        Command::Check(args) if args.json => {
            print::json(&look::Checked::wrong(&errors))?;
            return Ok(78);
        }
        Command::Status(args) => (args.socket.clone(), "status"),
        Command::Explain(args) => (args.socket.clone(), "explain"),
        Command::Update(args) => (args.socket.clone(), "update"),
        Command::Release(args) => (args.socket.clone(), "release"),
        _ => return Err(errors.into()),
    };
    let likely = || {
        let socket = config::likely_socket(cli.config.as_deref())?;
        // Who has nothing but a demonstration may mean that.
        let demo = demo::socket(Path::new(DEMO));
        Some(if cli.config.is_none() && !socket.exists() && demo.exists() { demo } else { socket })
    };
    let is_named = socket.is_some();
    let Some(socket) = socket.or_else(likely) else { return Err(unreadable(cli.config.as_deref(), errors)) };
    let runtime = runtime()?;
    let Some(status) = runtime.block_on(look::of_daemon(&socket, command))? else { return Err(errors.into()) };
    let is_demo = cli.config.is_none() && socket == demo::socket(Path::new(DEMO));
    let at = socket.display();
    if is_demo {
        print::note(&format!("there is no configuration; what follows is said by the demonstration at {at}"));
    } else if cli.config.is_some() || !is_named {
        let why = errors.one_line();
        let by = format!("the daemon at {at} goes by what it read before");
        print::note(&format!("{by}; the configuration cannot be used now: {why}"));
    }
    match &cli.command {
        Command::Explain(args) => explain::explain(&Current::of_daemon(status), &args.name, args.json),
        Command::Update(args) => runtime.block_on(work::have_looked(&status, &socket, args.name.clone())),
        Command::Release(args) => runtime.block_on(work::let_go(&status, &socket, args.target.as_deref())),
        _ => look::status(&Current::of_daemon(status), wants_json(&cli.command)),
    }
}

/// A file that was named and cannot be read: who may not read it is refused, and another daemon is not asked in its place.
fn unreadable(path: Option<&Path>, errors: config::ConfigErrors) -> Failure {
    if path.is_some_and(config::is_shut) { Failure::Other(77, errors.one_line()) } else { errors.into() }
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
    if let Some(loaded) = loaded {
        warn(&loaded.config.warnings, works);
    }
    Ok(())
}

/// Tells what a person should look at: in the log of what works, on standard error of what looks.
fn warn(warnings: &[config::Warning], works: bool) {
    for warning in warnings.iter().filter(|_| works) {
        tracing::warn!("{}", warning.one_line());
    }
}
