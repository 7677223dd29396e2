//! The commands that work: the daemon, one round of it, and what is asked of it.

use std::path::{Path, PathBuf};

use super::{Cli, look, print, start_log};
use crate::app::{self, Failure, Loaded, Work, demo, rights};
use crate::config::{self, Config};
use crate::engine::Onlooker;
use crate::model::agree::{Reading, Verdict};
use crate::model::desired::AccountName;
use crate::model::machine::{State, Target};
use crate::model::name::Name;
use crate::model::time::Now;
use crate::os::{clock, file};
use crate::report::control::{Released, Request, Unanswered, ask};
use crate::report::status::Status;

/// The daemon.
pub(super) async fn run(loaded: Loaded, path: Option<PathBuf>) -> Result<u8, Failure> {
    let accounts = print::counted(loaded.config.accounts.len(), "account");
    let records = print::counted(loaded.config.records.len(), "name");
    tracing::info!("driftless {} starts: {records}, {accounts}", env!("CARGO_PKG_VERSION"));
    app::work(Work::daemon(loaded, Some(path))).await?;
    tracing::info!("driftless has stopped");
    Ok(0)
}

/// The daemon without any account, into a zone file of its own.
pub(super) fn demo(cli: &Cli, folder: &Path) -> Result<u8, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::Other(78, format!("{}: {why}", folder.display()));
    let refused = || {
        let why = format!("this user may not write into {}: name another folder with --folder", folder.display());
        Failure::Other(77, why)
    };
    file::folder(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => refused(),
        _ => failed(&error),
    })?;
    let folder = folder.canonicalize().map_err(|error| failed(&error))?;
    // What somebody else's demonstration left there would pass for damaged.
    for folder in [folder.as_path(), &folder.join("state")] {
        rights::may_write(folder, "").map_err(|_| refused())?;
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let demo = demo::demo(&folder, &host);
    let loaded = Loaded { config: Config::load(&demo.input)?, input: demo.input };
    start_log(cli, Some(&loaded))?;
    let banner = banner(&demo.name, &demo.zone_file, &loaded.config.socket, &demo::interfaces());
    let work = Work {
        greeting: Some(Box::new(move || print::line(&banner))),
        onlooker: Some(demo::tell_what_is_missing()),
        ..Work::daemon(loaded, None)
    };
    let runtime = app::runtime().map_err(|error| failed(&error))?;
    runtime.block_on(app::work(work))?;
    Ok(0)
}

/// What the demonstration says first.
fn banner(name: &str, zone_file: &Path, socket: &Path, interfaces: &[String]) -> String {
    let (whose, example) = match interfaces {
        [] => ("this machine, of which no interface is up now,".to_owned(), "INTERFACE"),
        [only] => (format!("the interface {only}"), only.as_str()),
        [first, ..] => (format!("the interfaces {}", interfaces.join(", ")), first.as_str()),
    };
    format!(
        "{name} follows the addresses of {whose} into\n    {}\na standard zone file. Watch it, and change an address in \
         another terminal, as root, for example\n    ip address add 192.168.99.7/24 dev {example}\nor ask how it stands with\n    \
         driftless status --socket {}\nCtrl-C ends it.\n",
        zone_file.display(),
        socket.display()
    )
}

/// One round.
pub(super) async fn once(loaded: Loaded, json: bool) -> Result<u8, Failure> {
    rights::may_write(&loaded.config.state_dir, "once")?;
    let state = app::work(round(loaded, Target::All)).await?;
    let now = clock::now();
    if json {
        look::status((Status::of(&state, now), false), true)?;
    } else {
        outcome(&state, now);
    }
    Ok(look::exit_code(&state))
}

/// One round, of which a person is told what it waits for.
fn round(loaded: Loaded, target: Target) -> Work {
    Work { onlooker: Some(tell_what_is_proved()), ..Work::round(loaded, target) }
}

/// Says on standard error, whenever it is another thing, which single source has yet to say often enough what it says.
fn tell_what_is_proved() -> Onlooker {
    let mut last = String::new();
    Box::new(move |state, now| {
        let Some(at) = state.proves_at() else { return };
        let unproven = state.verdicts().filter_map(|(_, weighed)| match (&weighed.verdict, weighed.believed()) {
            (Verdict::Unproven { .. }, Reading::Unknown(why)) => Some(why),
            _ => None,
        });
        let says = unproven.collect::<Vec<_>>().join("; ");
        if says != last {
            print::progress(&format!("{says}; it is asked again in {} s ...", at.since(now.moment).as_secs()));
            last = says;
        }
    })
}

/// What one round came to: a line for each record set that is not right, and the sum.
fn outcome(state: &State, now: Now) {
    let well = ["up to date", "unmanaged"];
    for record in Status::of(state, now).records.iter().filter(|record| !well.contains(&record.state.as_str())) {
        print::hanging(&format!("{} {} at {}: {}", record.name, record.rtype, record.account, record.says), 4);
    }
    print::line(&Status::summary(state, now));
}

/// A look now: by the running daemon, or else by a round of our own.
pub(super) async fn update(loaded: Loaded, name: Option<Name>) -> Result<u8, Failure> {
    if let Some(name) = &name
        && !loaded.config.records.iter().any(|record| record.name == *name)
    {
        let names = loaded.config.records.iter().map(|record| record.name.as_str());
        let hint = config::suggest(name.as_str(), "there are", names);
        return Err(Failure::Other(78, format!("{name} is not in the configuration{hint}")));
    }
    match ask(&loaded.config.socket, &Request::Update { name: name.clone() }).await {
        Ok(_) => {
            print::line("the daemon looks now; driftless status shows what came of it");
            Ok(0)
        }
        Err(Unanswered::Refused(why)) => Err(Failure::Other(77, why)),
        Err(Unanswered::Silent(why)) => Err(Failure::Other(75, why)),
        Err(Unanswered::Forbidden) => Err(rights::forbidden(&loaded.config.socket, "ask at", "update")),
        Err(Unanswered::NotRunning) => {
            rights::may_write(&loaded.config.state_dir, "update")?;
            let state = app::work(round(loaded, name.map_or(Target::All, Target::Name))).await?;
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
            let names = config.records.iter().map(|record| record.name.as_str());
            let hint = || config::suggest(target, "there are", config.accounts.keys().map(String::as_str).chain(names));
            let unknown = || format!("\"{target}\" is neither an account nor a name of the configuration{}", hint());
            Some(name.ok_or_else(|| Failure::Other(78, unknown()))?)
        }
        _ => None,
    };
    let released = match ask(&config.socket, &Request::Release { account: account.clone(), name: name.clone() }).await {
        Ok(answer) => serde_json::from_value(answer)
            .map_err(|error| Failure::Other(75, format!("the daemon's answer: {error}")))?,
        Err(Unanswered::Refused(why)) => return Err(Failure::Other(77, why)),
        Err(Unanswered::Silent(why)) => return Err(Failure::Other(75, why)),
        Err(Unanswered::Forbidden) => return Err(rights::forbidden(&config.socket, "ask at", "release")),
        Err(Unanswered::NotRunning) => {
            rights::may_write(&config.state_dir, "release")?;
            let target = account.map(Target::Account).or(name.map(Target::Name)).unwrap_or(Target::All);
            app::release(loaded, target)?
        }
    };
    say_released(&released);
    Ok(0)
}

fn say_released(released: &Released) {
    match released.let_go {
        0 => print::line("nothing was held"),
        some => print::line(&format!("let go of {}", print::counted(some, "hold"))),
    }
    for account in &released.accounts {
        print::line(&format!("its account {account} is held; to let go of that: driftless release {account}"));
    }
}
