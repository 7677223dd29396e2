//! What can be done although the configuration is wrong: a running daemon goes by what it read before.

use std::path::Path;

use super::look::Current;
use super::{Cli, Command, DEMO, complete, explain, look, print, wants_json, work};
use crate::app::{Failure, demo};
use crate::config;

/// What can be done although the configuration is wrong: a daemon that started before it was goes on with what it read,
/// and can be asked.
pub(super) fn despite(cli: &Cli, errors: config::ConfigErrors) -> Result<u8, Failure> {
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
    let Some(status) = complete(look::of_daemon(&socket, command))? else {
        return Err(if is_named { look::not_running(&socket) } else { errors.into() });
    };
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
        Command::Update(args) => complete(work::have_looked(&status, &socket, args.name.clone())),
        Command::Release(args) => complete(work::let_go(&status, &socket, args.target.as_deref())),
        _ => look::status(&Current::of_daemon(status), wants_json(&cli.command)),
    }
}

/// A file that was named and cannot be read: who may not read it is refused, and another daemon is not asked in its place.
fn unreadable(path: Option<&Path>, errors: config::ConfigErrors) -> Failure {
    if path.is_some_and(config::is_shut) { Failure::Other(77, errors.one_line()) } else { errors.into() }
}
