//! What the configuration names on this machine: files, folders and programs, looked at for the user that the daemon runs as.

use std::collections::BTreeSet;
use std::path::Path;

use super::defaults;
use super::meant::{Config, HostSource, Source, Web};
use super::problem::{Place, Problem, Severity, Warning};
use crate::os::listen::Listen;
use crate::os::reach::{Daemon, Trouble};
use crate::os::secret::{LEAST_TRIED, Secret};
use crate::provider::setting::{Kind, Setting, Settings};

impl Config {
    /// What is wrong with the files, folders and programs that are named, seen by this user and for the one that the daemon runs
    /// as. `credentials` is the folder of the service manager's, which looks after them itself.
    #[must_use]
    pub fn look_at_machine(&self, credentials: Option<&Path>) -> Vec<Warning> {
        let usual = self.state_dir == Path::new(defaults::STATE_DIR);
        let daemon = Daemon::of(&self.state_dir, usual);
        let troubles = [daemon.state(&self.state_dir, usual), socket(&self.socket)];
        let mut found: Vec<Warning> = troubles.into_iter().flatten().map(|trouble| warning(None, trouble)).collect();
        for account in self.accounts.values() {
            for setting in account.entry.settings {
                let place = account.places.get(setting.name).or(account.place.as_ref());
                let whose = format!("the account \"{}\"", account.name);
                let trouble = of_setting(&daemon, &account.settings, &whose, setting, credentials);
                let without = setting.kind == Kind::Replaced && has_nothing_to_replace(&account.settings, setting.name);
                let severity = if without { Severity::Error } else { Severity::Warning };
                found.extend(trouble.map(|trouble| Problem { severity, ..warning(place, trouble) }));
            }
        }
        for channel in self.channels.values() {
            for setting in channel.entry.settings {
                let place = channel.places.get(setting.name).or(channel.place.as_ref());
                let whose = format!("the channel \"{}\"", channel.name);
                let trouble = of_setting(&daemon, &channel.settings, &whose, setting, credentials);
                found.extend(trouble.map(|trouble| warning(place, trouble)));
            }
        }
        found.extend(self.web.iter().flat_map(|web| of_page(&daemon, web, credentials)).map(|one| warning(None, one)));
        // Records share sources: each is spoken of once, at the first record that has it.
        let mut seen = BTreeSet::new();
        for record in &self.records {
            for source in [&record.ipv4, &record.ipv6] {
                of_source(&daemon, source, &mut |what, trouble| {
                    if seen.insert(what.to_owned()) {
                        found.push(warning(record.place.as_ref(), trouble));
                    }
                });
            }
        }
        found
    }
}

fn warning(place: Option<&Place>, Trouble { what, help }: Trouble) -> Warning {
    Problem { severity: Severity::Warning, place: place.cloned(), message: what, help, also: None, unread: None }
}

/// The longest path of a socket in octets: unix(7)'s `sun_path` without the zero at its end.
const LONGEST_SOCKET: usize = 107;

fn socket(path: &Path) -> Option<Trouble> {
    let octets = path.as_os_str().len();
    let what = format!("{} is too long for a socket: {octets} octets, of {LONGEST_SOCKET} at most", path.display());
    let help = "nothing can be asked of the daemon there: name another `socket` or `listen`, or a shorter `state_dir`"
        .to_owned();
    (octets > LONGEST_SOCKET).then_some(Trouble { what, help: Some(help) })
}

/// What is wrong with the status page's token and socket.
fn of_page(daemon: &Daemon, web: &Web, credentials: Option<&Path>) -> Vec<Trouble> {
    let token = web.token.as_ref().and_then(Secret::path).and_then(|path| {
        let handed = credentials.is_some_and(|folder| path.starts_with(folder));
        if handed { daemon.credential(path) } else { daemon.secret(path, "token", "web-token") }
    });
    let path = if let Listen::Path(path) = &web.listen { socket(path) } else { None };
    let short = web.token.as_ref().is_some_and(Secret::is_guessed).then(|| Trouble {
        what: format!(
            "the `token` of [web] is shorter than {LEAST_TRIED} characters: nothing can be done from the page"
        ),
        help: Some("make a longer one: openssl rand -hex 16".into()),
    });
    token.into_iter().chain(path).chain(short).collect()
}

fn of_setting(
    daemon: &Daemon,
    settings: &Settings,
    whose: &str,
    setting: &Setting,
    credentials: Option<&Path>,
) -> Option<Trouble> {
    let key = setting.name;
    match setting.kind {
        Kind::Secret => {
            let path = settings.secret(key).and_then(Secret::path)?;
            match credentials.filter(|folder| path.starts_with(folder)) {
                Some(_) => daemon.credential(path).or_else(|| unloaded(daemon, whose, key, path)),
                None => daemon.secret(path, key, &format!("{}-{key}", settings.account)),
            }
        }
        Kind::Replaced => {
            let trouble = daemon.replaced(settings.path(key)?, is_made(settings))?;
            Some(Trouble { what: format!("`{key}` of {whose}: {}", trouble.what), ..trouble })
        }
        // Whether it must be there, the account itself knows.
        Kind::Path => daemon.file(settings.path(key)?, false),
        Kind::Command => daemon.program(Path::new(settings.texts(key)?.first()?)),
        _ => None,
    }
}

/// Whether a missing file is made: said in the same words wherever one is replaced.
fn is_made(settings: &Settings) -> bool {
    settings.flag("create") != Some(false) && settings.domain("zone").is_some()
}

/// Whether the account can do nothing at all as it stands: its file is not there, and would not be made.
fn has_nothing_to_replace(settings: &Settings, key: &str) -> bool {
    let path = settings.path(key);
    !is_made(settings) && path.is_some_and(|path| matches!(path.try_exists(), Ok(false)))
}

/// A credential that the unit does not hand out. Its name is not repeated: a secret may have been typed in its place.
fn unloaded(daemon: &Daemon, whose: &str, key: &str, path: &Path) -> Option<Trouble> {
    let name = path.file_name()?.to_str()?;
    daemon.lacks(name).then(|| Trouble {
        what: format!("driftless.service is not given the credential for `{key}` of {whose}"),
        help: Some(
            "write into /etc/systemd/system/driftless.service.d/credentials.conf, with the name that stands here\n\n\
             [Service]\nLoadCredential=NAME:/path/to/the/secret\n\nthen: systemctl daemon-reload"
                .into(),
        ),
    })
}

/// Tells of each file and program of a source, by what it is, what is wrong with it.
fn of_source(daemon: &Daemon, source: &Source, tell: &mut impl FnMut(&Path, Trouble)) {
    match source {
        Source::File { path } => of_file(daemon, path, tell),
        Source::Composed(composed) => {
            of_source(daemon, &composed.prefix, tell);
            if let HostSource::Lease { path, .. } = &composed.host {
                of_file(daemon, path, tell);
            }
        }
        Source::Command { argv, .. } => {
            let program = argv.first().map(Path::new);
            let trouble = program.and_then(|program| Some((program, daemon.program(program)?)));
            trouble.into_iter().for_each(|(program, trouble)| tell(program, trouble));
        }
        Source::All(of) | Source::FirstOf(of) | Source::Quorum { of, .. } => {
            of.iter().for_each(|source| of_source(daemon, source, tell))
        }
        Source::Off
        | Source::Auto
        | Source::Interface(_)
        | Source::Https(_)
        | Source::BuiltIn(_)
        | Source::Dns(_)
        | Source::Stun(_)
        | Source::Router(_)
        | Source::Fixed(_)
        | Source::Delegated => {}
    }
}

/// Tells what is wrong with a file that is read at each check.
fn of_file(daemon: &Daemon, path: &Path, tell: &mut impl FnMut(&Path, Trouble)) {
    let trouble = if path.is_dir() {
        Some(Trouble { what: format!("{} is a folder, not a file", path.display()), help: None })
    } else {
        daemon.file(path, true).map(|trouble| {
            let wait = "until it can be read, the address is unknown and the record stays as it is".to_owned();
            Trouble { help: trouble.help.or(Some(wait)), ..trouble }
        })
    };
    trouble.into_iter().for_each(|trouble| tell(path, trouble));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_can_be_guessed_is_told_before_anybody_presses_a_button() {
        let daemon = Daemon::of(Path::new("/nonexistent"), false);
        let of = |token: &str| {
            let token = Some(Secret::inline(token));
            let web = Web { listen: Listen::Systemd, hosts: Vec::new(), token };
            of_page(&daemon, &web, None)
        };
        let short = of("0123456789abcde");
        assert!(short.len() == 1 && short[0].what.contains("shorter than 16"), "{short:?}");
        assert_eq!(of("0123456789abcdef"), []);
    }
}
