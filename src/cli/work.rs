//! The commands that work: the daemon, one round of it, and what is asked of it.

use std::path::{Path, PathBuf};

use super::{Cli, look, print, start_log};
use crate::app::{self, Failure, Loaded, Work, demo};
use crate::config::Config;
use crate::engine::Until;
use crate::model::desired::AccountName;
use crate::model::machine::{State, Target};
use crate::model::name::Name;
use crate::model::time::Now;
use crate::os::clock;
use crate::report::control::{Request, Unanswered, ask};
use crate::report::status::Status;

/// The daemon.
pub(super) async fn run(loaded: Loaded, path: Option<PathBuf>) -> Result<u8, Failure> {
    let accounts = print::counted(loaded.config.accounts.len(), "account");
    let records = print::counted(loaded.config.records.len(), "name");
    tracing::info!("driftless {} starts: {records}, {accounts}", env!("CARGO_PKG_VERSION"));
    app::work(Work { loaded, again: Some(path), until: Until::Stopped, target: None }).await?;
    tracing::info!("driftless has stopped");
    Ok(0)
}

/// The daemon without any account, into a zone file of its own.
pub(super) fn demo(cli: &Cli, folder: &Path) -> Result<u8, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::Other(75, format!("{}: {why}", folder.display()));
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let folder = folder.canonicalize().map_err(|error| failed(&error))?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let demo = demo::demo(&folder, &host);
    let loaded = Loaded { config: Config::load(&demo.input)?, input: demo.input };
    start_log(cli, Some(&loaded))?;
    print::line(&format!("{} follows the addresses of this machine's interface into", demo.name));
    print::line(&format!("    {}", demo.zone_file.display()));
    print::line("a standard zone file. Watch it, and change an address in another terminal, for example");
    print::line("    ip address add 192.168.99.7/24 dev eth0        (as root, on the interface of the default route)");
    print::line("Ctrl-C ends it.\n");
    let runtime = app::runtime().map_err(|error| failed(&error))?;
    let work = Work { loaded, again: None, until: Until::Stopped, target: None };
    runtime.block_on(app::work(work))?;
    Ok(0)
}

/// One round.
pub(super) async fn once(loaded: Loaded, json: bool) -> Result<u8, Failure> {
    let state = app::work(Work { loaded, again: None, until: Until::Settled, target: Some(Target::All) }).await?;
    let now = clock::now();
    if json {
        look::status((Status::of(&state, now), false), true)?;
    } else {
        outcome(&state, now);
    }
    Ok(look::exit_code(&state))
}

/// What one round came to: a line for each record set that is not right, and the sum.
fn outcome(state: &State, now: Now) {
    let well = ["up to date", "unmanaged"];
    for record in Status::of(state, now).records.iter().filter(|record| !well.contains(&record.state.as_str())) {
        print::line(&format!("{} {} at {}: {}", record.name, record.rtype, record.account, record.says));
    }
    print::line(&Status::summary(state, now));
}

/// A look now: by the running daemon, or else by a round of our own.
pub(super) async fn update(loaded: Loaded, name: Option<Name>) -> Result<u8, Failure> {
    if let Some(name) = &name
        && !loaded.config.records.iter().any(|record| record.name == *name)
    {
        return Err(Failure::Other(78, format!("{name} is not in the configuration")));
    }
    match ask(&loaded.config.socket, &Request::Update { name: name.clone() }).await {
        Ok(_) => {
            print::line("the daemon looks now; driftless status shows what came of it");
            Ok(0)
        }
        Err(Unanswered::Refused(why)) => Err(Failure::Other(77, why)),
        Err(Unanswered::NotRunning) => {
            let target = name.map_or(Target::All, Target::Name);
            let work = Work { loaded, again: None, until: Until::Settled, target: Some(target) };
            let state = app::work(work).await?;
            outcome(&state, clock::now());
            Ok(look::exit_code(&state))
        }
    }
}

/// Lets go of holds: in the running daemon, or else on the disk.
pub(super) async fn release(loaded: &Loaded, target: Option<&str>) -> Result<u8, Failure> {
    let config = &loaded.config;
    let account = target.filter(|target| config.accounts.contains_key(*target)).map(|name| AccountName(name.into()));
    let name = match target {
        Some(target) if account.is_none() => {
            let name = Name::parse(target).ok().filter(|name| config.records.iter().any(|record| record.name == *name));
            let unknown =
                || Failure::Other(78, format!("\"{target}\" is neither an account nor a name of the configuration"));
            Some(name.ok_or_else(unknown)?)
        }
        _ => None,
    };
    match ask(&config.socket, &Request::Release { account: account.clone(), name: name.clone() }).await {
        Ok(_) => {}
        Err(Unanswered::Refused(why)) => return Err(Failure::Other(77, why)),
        Err(Unanswered::NotRunning) => {
            let target = account.map(Target::Account).or(name.map(Target::Name)).unwrap_or(Target::All);
            app::release(loaded, target)?;
        }
    }
    print::line("let go");
    Ok(0)
}
