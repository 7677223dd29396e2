//! The commands that work: the daemon, one round of it, and what is asked of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::patience::tell_what_is_proved;
use super::{Cli, around, look, print, start_log};
use crate::app::situation::Stands;
use crate::app::{self, Ended, Failure, Loaded, Work, demo, rights};
use crate::config::{self, Config};
use crate::model::desired::AccountName;
use crate::model::machine::standing::Standing;
use crate::model::machine::{State, Target};
use crate::model::name::Name;
use crate::model::time::Now;
use crate::os::{clock, file};
use crate::report::control::{Released, Request, Unanswered, ask};
use crate::report::status::{SourceStatus, Status};

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
    let interfaces = demo::Interfaces::here();
    let demo = demo::demo(&folder, &host, &interfaces);
    let loaded = Loaded { config: Config::load(&demo.input)?, input: demo.input };
    start_log(cli, Some(&loaded))?;
    let banner = banner(&demo.name, &demo.zone_file, &loaded.config.socket, &interfaces.names);
    let work = Work {
        greeting: Some(Box::new(move || print::line(&banner))),
        onlooker: Some(demo::tell_what_is_missing()),
        ..Work::daemon(loaded, None)
    };
    app::complete(app::work(work)).map_err(|error| failed(&error))??;
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
    let ended = app::work(round(loaded, Target::All)).await?;
    let now = clock::now();
    if json {
        let situations = ended.situations();
        look::status_as_json(&Status::of(&ended.state, now).within(&situations), false)?;
        around::warnings(&situations);
    } else {
        outcome(&ended, now);
    }
    Ok(exit_code(&ended.state))
}

/// The exit code of a round: a machine without any address has published nothing, and that is not what was asked for.
fn exit_code(state: &State) -> u8 {
    if has_no_address(state) { 75 } else { look::exit_code(state) }
}

/// Whether there is certainly no address for any record set.
fn has_no_address(state: &State) -> bool {
    let meant = state.views(clock::now()).filter(|view| view.meant);
    let mut standings = meant.map(|view| view.standing).peekable();
    standings.peek().is_some() && standings.all(|standing| matches!(standing, Standing::Unmanaged))
}

/// One round, of which a person is told what it waits for.
fn round(loaded: Loaded, target: Target) -> Work {
    Work { onlooker: Some(tell_what_is_proved()), ..Work::round(loaded, target) }
}

/// Of a record set whose service only takes updates, while the state cannot be written.
const NOTHING_SENT: &str = "the state cannot be written, so that nothing is sent by a process that ends at once: make its folder \
                            writable, or let a daemon run";

/// What one round came to: a line for each record set that is not right, and the sum. Where there is no address, or none is known, also
/// where this machine stands: that is mostly why. Else what of that keeps others from connecting.
fn outcome(ended: &Ended, now: Now) {
    let state = &ended.state;
    let nothing = has_no_address(state);
    let well = |says: &str| says == "up to date" || says == "unmanaged" && !nothing;
    let status = Status::of(state, now);
    for record in status.records.iter().filter(|record| !well(&record.state)) {
        // This process ends before the time at which it would be sent all the same.
        let unsent = record.waits.as_ref().is_some_and(|waits| waits.what == "disk");
        let says = if unsent { NOTHING_SENT } else { record.says.as_str() };
        print::hanging(&format!("{}: {says}", record.id()), 4);
        if let Some(held) = &record.held {
            print::hanging(&format!("    {}", held.way_out()), 4);
        }
    }
    print::line(&Status::summary(state, now));
    if nothing {
        print::line("this machine has no address that any of the records could hold: nothing was published");
    }
    let situations = ended.situations();
    if nothing || status.records.iter().any(|record| record.state == "unknown") {
        around::sentences(&situations.into_iter().map(Stands::from).collect::<Vec<_>>());
    } else {
        around::warnings(&situations);
    }
}

/// A look now: by the running daemon, or else by a round of our own.
pub(super) async fn update(loaded: Loaded, socket: Option<&Path>, name: Option<Name>) -> Result<u8, Failure> {
    let at = socket.unwrap_or(&loaded.config.socket);
    if let Some(status) = look::of_daemon(at, "update").await? {
        return have_looked(&status, at, name).await;
    }
    fall_back(socket, at)?;
    if let Some(name) = &name {
        let names = loaded.config.records.iter().map(|record| &record.name);
        known(name, names.map(Name::as_str), "the configuration")?;
    }
    rights::may_write(&loaded.config.state_dir, "update")?;
    let ended = app::work(round(loaded, name.map_or(Target::All, Target::Name))).await?;
    outcome(&ended, clock::now());
    Ok(exit_code(&ended.state))
}

/// A look now by the daemon that listens at `socket` and has said how everything stands.
pub(super) async fn have_looked(status: &Status, socket: &Path, name: Option<Name>) -> Result<u8, Failure> {
    if let Some(name) = &name {
        known(name, status.records.iter().map(|record| record.name.as_str()), BY_DAEMON)?;
    }
    asked(socket, &Request::Update { name: name.clone() }, "update").await?;
    print::line("the daemon looks now; driftless status shows what came of it");
    hindrances(status, name.as_ref()).iter().for_each(|text| print::hanging(text, 4));
    Ok(0)
}

/// Why a look now may send nothing all the same, a line each.
fn hindrances(status: &Status, name: Option<&Name>) -> Vec<String> {
    // What is asked for here tries the disk again, before any time that was told of it.
    let disk = "the state could not be written: that is tried again now; until it can be, services that only take updates are sent to once \
                at most";
    let mut found: Vec<String> = Some(disk.to_owned()).filter(|_| !status.state_is_writable).into_iter().collect();
    for record in status.records.iter().filter(|record| name.is_none_or(|name| name.as_str() == record.name)) {
        let why = record.waits.as_ref().and_then(|waits| Some((&waits.until, kept_back(&waits.what)?)));
        if let Some((until, why)) = why {
            let record = record.id();
            found.push(format!("{record}: nothing can be sent before {until}: {why}"));
        }
    }
    found.extend(unasked(status, name));
    found
}

/// The sources on which addresses rest and which are not asked again yet, a line each.
fn unasked(status: &Status, name: Option<&Name>) -> Vec<String> {
    let meant = status.records.iter().filter(|record| name.is_none_or(|name| name.as_str() == record.name));
    let verdicts = meant.flat_map(|record| &record.verdicts).filter_map(|at| status.verdicts.get(*at));
    let needed = verdicts.flat_map(|verdict| &verdict.evidence).filter(|voice| voice.needed);
    let needed: BTreeSet<_> = needed.map(|voice| (voice.source.as_str(), voice.family)).collect();
    let sources = status.sources.iter().filter(|source| needed.contains(&(source.source.as_str(), source.family)));
    sources.filter_map(SourceStatus::unasked).collect()
}

/// Why a look now sends nothing all the same.
fn kept_back(what: &str) -> Option<&'static str> {
    match what {
        "asked" => Some("the service asked for a pause"),
        "writes" => Some("it was sent often of late, and its write budget allows no more"),
        _ => None,
    }
}

/// What a running daemon goes by, whatever the files say meanwhile.
const BY_DAEMON: &str = "the configuration that the daemon read";

/// Whether a name is one of those that there are.
fn known<'a>(name: &Name, names: impl Iterator<Item = &'a str> + Clone, of: &str) -> Result<(), Failure> {
    if names.clone().any(|known| known == name.as_str()) {
        return Ok(());
    }
    let hint = config::suggest(name.as_str(), "there are", names);
    Err(Failure::Other(78, format!("{name} is not in {of}{hint}")))
}

/// What is done without the daemon, as none listens `at` the socket: a person is told which one that is. Who names a `socket` means the
/// daemon there, and nothing else.
fn fall_back(socket: Option<&Path>, at: &Path) -> Result<(), Failure> {
    if socket.is_some() {
        return Err(look::not_running(at));
    }
    print::progress(&format!("{}; this is done without one", look::nobody_listens(at)));
    Ok(())
}

/// The answer of the daemon that listens at `socket`.
async fn asked(socket: &Path, request: &Request, command: &str) -> Result<serde_json::Value, Failure> {
    ask(socket, request).await.map_err(|error| match error {
        Unanswered::Refused(why) => Failure::Other(77, why),
        Unanswered::Silent(why) => Failure::Other(75, why),
        Unanswered::Forbidden => rights::forbidden(socket, "ask at", command),
        Unanswered::NotRunning => Failure::Other(75, format!("the daemon at {} has just ended", socket.display())),
    })
}

/// Lets go of holds: in the running daemon, or else on the disk.
pub(super) async fn release(loaded: &Loaded, socket: Option<&Path>, target: Option<&str>) -> Result<u8, Failure> {
    let config = &loaded.config;
    let at = socket.unwrap_or(&config.socket);
    if let Some(status) = look::of_daemon(at, "release").await? {
        return let_go(&status, at, target).await;
    }
    fall_back(socket, at)?;
    let accounts = config.accounts.keys().map(String::as_str);
    let target =
        meant(target, accounts, config.records.iter().map(|record| record.name.as_str()), "the configuration")?;
    rights::may_write(&config.state_dir, "release")?;
    say_released(&app::release(loaded, target)?);
    Ok(0)
}

/// Lets go of holds in the daemon that listens at `socket` and has said how everything stands.
pub(super) async fn let_go(status: &Status, socket: &Path, target: Option<&str>) -> Result<u8, Failure> {
    let accounts = status.accounts.iter().map(|account| account.name.as_str());
    let names = status.records.iter().map(|record| record.name.as_str());
    let (account, name) = match meant(target, accounts, names, BY_DAEMON)? {
        Target::All => (None, None),
        Target::Account(account) => (Some(account), None),
        Target::Name(name) => (None, Some(name)),
    };
    let answer = asked(socket, &Request::Release { account, name }, "release").await?;
    let released = serde_json::from_value(answer);
    say_released(&released.map_err(|error| Failure::Other(75, format!("the daemon's answer: {error}")))?);
    Ok(0)
}

/// What is to be let go: an account or a name of those that there are, or everything.
fn meant<'a>(
    target: Option<&str>,
    accounts: impl Iterator<Item = &'a str> + Clone,
    names: impl Iterator<Item = &'a str> + Clone,
    of: &str,
) -> Result<Target, Failure> {
    let Some(target) = target else { return Ok(Target::All) };
    if accounts.clone().any(|account| account == target) {
        return Ok(Target::Account(AccountName(target.into())));
    }
    let name = Name::parse(target).ok().filter(|name| names.clone().any(|known| known == name.as_str()));
    name.map(Target::Name).ok_or_else(|| {
        let hint = config::suggest(target, "there are", accounts.chain(names));
        Failure::Other(78, format!("\"{target}\" is neither an account nor a name of {of}{hint}"))
    })
}

fn say_released(released: &Released) {
    match released.let_go {
        0 => print::line("nothing was held"),
        some => print::line(&format!("let go of {}", print::counted(some, "hold"))),
    }
    for account in &released.accounts {
        print::line(&format!("its account {account} is held; to let go of that: driftless release {account}"));
    }
    for wait in &released.waits {
        let why = match wait.asked {
            true => "the service asked for a pause, and a release does not cut it short",
            false => "it was sent often of late, and a release adds nothing to its write budget",
        };
        print::line(&format!("{} is sent at {} at the earliest: {why}", wait.record, wait.until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agree::{Expression, SourceName};
    use std::time::Duration;

    use crate::model::agree::Reading;
    use crate::model::desired::{Desired, Id, RecordSpec, SourceSpec};
    use crate::model::evidence::Protocol;
    use crate::model::machine::{Documents, Event, Mode, Network, step};
    use crate::model::record::{Family, RecordType, RrsetKey};
    use crate::report::status::WaitStatus;

    /// How one record set stands that waits for something.
    fn waiting(what: &str, writable: bool) -> Status {
        let key = RrsetKey::new("home.example.org".parse().unwrap(), RecordType::A);
        let spec = RecordSpec::of(Family::Ipv4, Expression::Source(SourceName("file".into())));
        let records = [(Id { account: AccountName("local".into()), key }, spec)].into();
        let desired = Desired { records, ..Desired::default() };
        let state = State::new(desired, &Documents::new(), "boot", writable, Mode::Run, Now::default());
        let mut status = Status::of(&state, Now::default());
        status.records[0].waits = Some(WaitStatus { what: what.into(), until: "tomorrow".into() });
        status
    }

    #[test]
    fn who_looks_hears_which_sources_are_not_asked_again_yet_and_what_becomes_of_their_answers() {
        let [file, echo] = ["file", "https echo"].map(|name| SourceName(name.into()));
        let first_of = Expression::FirstOf([&file, &echo].map(|name| Expression::Source(name.clone())).into());
        let key = RrsetKey::new("home.example.org".parse().unwrap(), RecordType::A);
        let id = Id { account: AccountName("local".into()), key };
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let asked =
            SourceSpec { min_interval: minutes(10), trusted: true, ..SourceSpec::local(Protocol::Https, "echo") };
        let desired = Desired {
            records: [(id, RecordSpec::of(Family::Ipv4, first_of))].into(),
            sources: [(file.clone(), SourceSpec::local(Protocol::File, "file")), (echo.clone(), asked)].into(),
            check: minutes(5),
            ..Desired::default()
        };
        let (mut rng, mut now) = (fastrand::Rng::with_seed(1), Now::default());
        let mut state = State::new(desired, &Documents::new(), "boot", true, Mode::Run, now);
        let mut feed = |state: &mut State, event, now| drop(step(state, event, now, &mut rng));
        let known = Reading::Addresses(vec!["9.9.9.9".parse().unwrap()]);
        let told = |source: &SourceName, reading| Event::Readings(vec![(source.clone(), Family::Ipv4, reading)]);
        feed(&mut state, Event::Start, now);
        feed(&mut state, told(&file, Reading::None), now);
        feed(&mut state, told(&echo, known.clone()), now);
        let later = |now: Now, seconds: u64| Now { moment: now.moment.plus(Duration::from_secs(seconds)), ..now };
        now = later(now, 5);
        let said = hindrances(&Status::of(&state, now), None);
        let [only] = said.as_slice() else { panic!("{said:?}") };
        assert!(only.starts_with("https echo (IPv4) is not asked again before 1970-01-01T00:1"), "{only}");
        assert!(only.ends_with(": what it said at 1970-01-01T00:00:00Z counts until then: 9.9.9.9"), "{only}");
        let other = "other.example.org".parse().unwrap();
        assert_eq!(hindrances(&Status::of(&state, now), Some(&other)), [""; 0]);
        assert_eq!(hindrances(&Status::of(&state, later(now, 900)), None), [""; 0], "it is asked");
        feed(&mut state, Event::Look(Network::Changed), now);
        let said = hindrances(&Status::of(&state, now), None);
        let expected = "https echo (IPv4) is not asked again before 1970-01-01T00:00:25Z: it was asked moments before the network changed";
        assert_eq!(said, [expected]);
        // Nobody needs it any more.
        feed(&mut state, told(&file, known), now);
        assert_eq!(hindrances(&Status::of(&state, now), None), [""; 0]);
    }

    #[test]
    fn who_asks_after_making_room_hears_that_the_disk_is_tried_again_and_of_no_wait_for_it() {
        let said = hindrances(&waiting("disk", false), None);
        assert!(matches!(said.as_slice(), [only] if only.contains("that is tried again now")), "{said:?}");
        assert_eq!(hindrances(&waiting("disk", true), None), [""; 0]);
    }

    #[test]
    fn a_wait_that_a_look_does_not_end_is_told_of_the_name_that_was_asked_for() {
        let said = hindrances(&waiting("writes", true), "home.example.org".parse().ok().as_ref());
        let expected = "home.example.org A at local: nothing can be sent before tomorrow: it was sent often of late, and its write \
                        budget allows no more";
        assert_eq!(said, [expected]);
        assert_eq!(hindrances(&waiting("writes", true), "other.example.org".parse().ok().as_ref()), [""; 0]);
    }
}
