//! `init`: a few questions, and a configuration that works.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::edit::typed::pair;
use super::print;
use crate::app::Failure;
use crate::config::{self, Addresses, Config, ConfigErrors, DEFAULT_FILE, Draft, Flaw, Severity, account_name, may_be};
use crate::detect::interface;
use crate::model::name::Name;
use crate::model::record::Family;
use crate::os::netlink;
use crate::os::reach::{self, Daemon};
use crate::provider::setting::{Kind, Setting};
use crate::provider::{self, Entry, REGISTRY};

mod asker;
mod files;
mod secret;

use asker::Asker;
use files::New;

/// The answers that can be given with the command.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The provider; what has a usual answer is then not asked
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// What the account is called in the configuration
    #[arg(long, value_name = "ACCOUNT", default_value = "home")]
    account: String,
    /// A name to publish; may be repeated
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<Name>,
    /// A setting of the account, never a secret; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// A file that holds a secret already, instead of asking for it: KEY= where the account has several; may be repeated
    #[arg(long = "secret-file", value_name = "[KEY=]FILE")]
    secret_files: Vec<String>,
    /// What to publish: both, ipv4 or ipv6
    #[arg(long, value_name = "FAMILY", value_parser = families)]
    family: Option<Families>,
    /// Where the addresses come from: auto, interface (that of the default route), or an interface by its name
    #[arg(long, value_name = "auto|interface|NAME")]
    address: Option<String>,
    /// The file to write [default: that of --config, or /etc/driftless/driftless.toml]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// The families that are published.
#[derive(Clone, Debug)]
struct Families(Vec<Family>);

fn families(text: &str) -> Result<Families, String> {
    Ok(Families(match text {
        "both" => Family::ALL.to_vec(),
        "ipv4" => vec![Family::Ipv4],
        "ipv6" => vec![Family::Ipv6],
        _ => return Err("it is both, ipv4 or ipv6".into()),
    }))
}

/// Asks what is not said yet, and writes the file and its secrets: all of them, or none. Ends with the exit code that `check` has for
/// what is written.
pub(super) fn init(path: Option<&Path>, args: &InitArgs) -> Result<u8, Failure> {
    account_name(&args.account).map_err(|why| Failure::Other(64, format!("--account: {why}")))?;
    let path = args.output.as_deref().or(path).unwrap_or(Path::new(DEFAULT_FILE));
    let path = std::path::absolute(path).map_err(|error| Failure::Other(78, format!("{}: {error}", path.display())))?;
    let mut asker = Asker::new(args.provider.is_some());
    let mut answers = Answers { asker: &mut asker, args, path: &path, secrets: Vec::new() };
    files::is_free(&path, args.force)?;
    let (draft, config) = answers.draft()?;
    let mut new = vec![New { path: path.clone(), mode: 0o644, content: draft.text().into() }];
    new.extend(answers.secrets);
    let credentials = draft.credentials();
    if !credentials.is_empty() {
        let (path, text) = reach::drop_in(&draft.account, &credentials);
        files::is_free(&path, args.force)?;
        new.push(New { path, mode: 0o644, content: text.into() });
    }
    let made = path.parent().filter(|folder| !folder.exists());
    files::write(&new, args.force)?;
    if let Some(folder) = made {
        print::line(&format!("made the folder {}", folder.display()));
    }
    Ok(done(&new, &draft, &config))
}

/// What is answered, by the command or by a person.
struct Answers<'a> {
    asker: &'a mut Asker,
    args: &'a InitArgs,
    path: &'a Path,
    /// The files of the secrets that were typed.
    secrets: Vec<New>,
}

impl Answers<'_> {
    /// Everything that is needed, and what it means.
    fn draft(&mut self) -> Result<(Draft, Config), Failure> {
        let entry = self.provider()?;
        let given = self.given(entry)?;
        let mut draft = Draft {
            account: self.args.account.clone(),
            entry,
            settings: given,
            names: Vec::new(),
            families: Family::ALL.to_vec(),
            addresses: Addresses::Auto,
            // What the shipped unit runs reads the usual file, and none of root's own.
            credentials: self.path == Path::new(DEFAULT_FILE)
                && Daemon::of(Path::new(config::STATE_DIR), true).needs_credentials(),
        };
        for setting in entry.settings.iter().filter(|setting| setting.required) {
            self.answer(&mut draft, setting)?;
        }
        draft.names = self.names(&draft)?;
        draft.families = self.families()?;
        draft.addresses = self.addresses(&draft)?;
        loop {
            let flaw = match draft.meant(self.path) {
                Ok(config) => return Ok((draft, config)),
                // Where it stands in a text that nobody has seen is of no use.
                Err(Flaw::Text(errors)) => {
                    return Err(asker::unusable(&in_words(&errors)));
                }
                Err(Flaw::Account(flaw)) => flaw,
            };
            // Some need one of several settings, and say so when it is missing.
            let missing = flaw.setting.and_then(|name| entry.settings.iter().find(|setting| setting.name == name));
            let is_new = |setting: &&Setting| draft.settings.iter().all(|(given, _)| given.name != setting.name);
            match missing.filter(is_new) {
                Some(setting) => {
                    asker::say(&flaw.to_string());
                    self.answer(&mut draft, setting)?;
                }
                None => {
                    asker::say(&flaw.to_string());
                    let given: Vec<&str> = draft.settings.iter().map(|(given, _)| given.name).collect();
                    let question = format!(
                        "Which setting is to be corrected: the name of one, not its value ({}; driftless providers {} lists all)",
                        given.join(", "),
                        entry.name
                    );
                    let setting = self.asker.ask(&question, flaw.setting, |key| {
                        let hint = || config::suggest(key, "there are", entry.settings.iter().map(|one| one.name));
                        let found = entry.settings.iter().find(|setting| setting.name == key);
                        found.ok_or_else(|| format!("{} has no setting of this name{}", entry.name, hint()))
                    })?;
                    draft.settings.retain(|(given, _)| given.name != setting.name);
                    self.answer(&mut draft, setting)?;
                }
            }
        }
    }

    fn provider(&mut self) -> Result<&'static Entry, Failure> {
        let known = |name: &str| {
            let hint = || config::suggest(name, "there are", REGISTRY.iter().map(|entry| entry.name));
            provider::find(name).ok_or_else(|| format!("there is no provider \"{name}\"{}", hint()))
        };
        if let Some(name) = &self.args.provider {
            return known(name).map_err(|why| Failure::Other(78, why));
        }
        asker::say("Where is your name kept?");
        for entry in REGISTRY.iter().filter(|entry| entry.notice.is_none()) {
            asker::say(&format!("  {:<10} {}", entry.name, entry.title));
        }
        self.asker.ask("Provider", None, known)
    }

    /// What the command says of the account's settings.
    fn given(&self, entry: &'static Entry) -> Result<Vec<(&'static Setting, String)>, Failure> {
        let wrong = |why: String| Failure::Other(64, why);
        let find = |key: &str| {
            let hint = || config::suggest(key, "there are", entry.settings.iter().map(|setting| setting.name));
            let found = entry.settings.iter().find(|setting| setting.name == key);
            found.ok_or_else(|| wrong(format!("{} has no setting \"{key}\"{}", entry.name, hint())))
        };
        let mut given: Vec<(&'static Setting, String)> = Vec::new();
        for (key, typed) in &self.args.settings {
            let setting = find(key)?;
            if setting.kind == Kind::Secret {
                let why = format!(
                    "`{key}` is a secret, which the command line would show to others: leave it out and type it \
                                   when asked, or give the file that holds it with --secret-file {key}=FILE"
                );
                return Err(wrong(why));
            }
            may_be(setting, typed).map_err(wrong)?;
            given.push((setting, typed.clone()));
        }
        for text in &self.args.secret_files {
            let (setting, file) = secret::meant(entry, text).map_err(wrong)?;
            let file = std::path::absolute(file).map_err(|error| wrong(format!("{file}: {error}")))?;
            let file = file.to_str().ok_or_else(|| wrong("the path of the secret is not UTF-8".into()))?;
            given.push((setting, file.to_owned()));
        }
        let is_twice = |key: &&str| given.iter().filter(|(setting, _)| setting.name == *key).count() > 1;
        match given.iter().map(|(setting, _)| setting.name).find(is_twice) {
            Some(twice) => Err(wrong(format!("`{twice}` is given twice"))),
            None => Ok(given),
        }
    }

    /// Asks for a setting that is not given yet. A secret gets a file beside the configuration.
    fn answer(&mut self, draft: &mut Draft, setting: &'static Setting) -> Result<(), Failure> {
        if draft.settings.iter().any(|(given, _)| given.name == setting.name) {
            return Ok(());
        }
        asker::say(&format!("\n{}", setting.help));
        let typed = if setting.kind == Kind::Secret {
            let secret = self.asker.ask_hidden(setting.name, |secret| may_be(setting, secret))?;
            self.keep(&draft.account, setting, secret)?
        } else {
            self.asker.ask(setting.name, None, |typed| may_be(setting, typed).map(|()| typed.to_owned()))?
        };
        draft.settings.push((setting, typed));
        Ok(())
    }

    fn keep(&mut self, account: &str, setting: &Setting, secret: SecretString) -> Result<String, Failure> {
        let path = self.path.with_file_name(format!("{account}-{}", setting.name));
        files::is_free(&path, self.args.force)?;
        let shown =
            path.to_str().ok_or_else(|| Failure::Other(78, "the folder's path is not UTF-8".into()))?.to_owned();
        self.secrets.retain(|kept| kept.path != path);
        self.secrets.push(New { path, mode: 0o600, content: files::Content::Secret(secret) });
        Ok(shown)
    }

    fn names(&mut self, draft: &Draft) -> Result<Vec<Name>, Failure> {
        let path = self.path;
        let fit = |names: Vec<Name>| {
            let draft = Draft { names: names.clone(), ..draft.clone() };
            fits(&draft, path).map(|()| names)
        };
        if !self.args.names.is_empty() {
            return fit(self.args.names.clone()).map_err(|why| asker::unusable(&why));
        }
        asker::say("\nThe full names that shall hold this machine's addresses, spaces between them.");
        self.asker.ask("Names", None, |typed| {
            let words = typed.split([',', ' ']).filter(|word| !word.is_empty());
            let names = words.map(Name::parse).collect::<Result<Vec<Name>, _>>().map_err(|error| error.to_string())?;
            if names.is_empty() { Err("at least one is needed".into()) } else { fit(names) }
        })
    }

    fn families(&mut self) -> Result<Vec<Family>, Failure> {
        match &self.args.family {
            Some(Families(given)) => Ok(given.clone()),
            None => Ok(self.asker.ask("\nAddresses of both families, ipv4 or ipv6", Some("both"), families)?.0),
        }
    }

    fn addresses(&mut self, draft: &Draft) -> Result<Addresses, Failure> {
        let path = self.path;
        let fit = |typed: &str| {
            let addresses = Addresses::typed(typed);
            let draft = Draft { addresses: addresses.clone(), ..draft.clone() };
            fits(&draft, path).map(|()| addresses)
        };
        if let Some(typed) = &self.args.address {
            return fit(typed).map_err(|why| asker::unusable(&why));
        }
        let here = netlink::snapshot().map(|found| interface::usual(&found)).unwrap_or_default().join(", ");
        let here = if here.is_empty() { "none is up now".to_owned() } else { format!("here: {here}") };
        let question = format!(
            "\nFrom the machine first and then the world (auto), or from an interface: that of the default route (interface), or \
             one by its name ({here})"
        );
        self.asker.ask(&question, Some("auto"), fit)
    }
}

/// Whether what is answered so far can be written at `path`; what is not asked yet may be missing.
fn fits(draft: &Draft, path: &Path) -> Result<(), String> {
    match draft.meant(path) {
        Err(Flaw::Text(errors)) => Err(in_words(&errors)),
        Ok(_) | Err(Flaw::Account(_)) => Ok(()),
    }
}

/// What is wrong, without the places in a text that nobody has seen.
fn in_words(errors: &ConfigErrors) -> String {
    let words = errors.problems().iter().filter(|problem| problem.severity == Severity::Error);
    words.map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ")
}

/// Says what was written, what stands in the daemon's way, and what comes next; the exit code says whether it can run like that.
fn done(new: &[New], draft: &Draft, config: &Config) -> u8 {
    for New { path, mode, .. } in new {
        let whom = if *mode == 0o600 { ", for this user alone" } else { "" };
        print::line(&format!("wrote {}{whom}", path.display()));
    }
    let path = new.first().map(|new| new.path.as_path()).unwrap_or(Path::new(DEFAULT_FILE));
    let is_usual = path == Path::new(DEFAULT_FILE);
    let problems = [draft.warnings(path), config.look_at_machine(None)].concat();
    print::warnings(&problems);
    if let Addresses::InterfaceNamed(interface) = &draft.addresses
        && is_missing(interface)
    {
        print::warning(&format!(
            "there is no interface {interface} now: its names are left as they are until there is"
        ));
    }
    let of = if is_usual { String::new() } else { format!(" --config {}", path.display()) };
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        print::line(&format!(
            "\nWhat is wrong above must be mended before it runs; whether it is: driftless{of} check"
        ));
        return 78;
    }
    print::line("\nNext:");
    if draft.credentials().is_empty() {
        let start = if is_usual { "systemctl enable --now driftless".into() } else { format!("driftless{of} run") };
        print::line(&format!("  driftless{of} check --online\n  driftless{of} plan\n  {start}"));
    } else {
        // Only what runs is handed a credential, and a start hands over what there is then.
        print::line("  systemctl daemon-reload\n  systemctl enable driftless\n  systemctl restart driftless");
        print::line("  driftless doctor");
    }
    0
}

/// Whether this machine is known to have no such interface.
fn is_missing(interface: &str) -> bool {
    netlink::snapshot().is_ok_and(|found| found.links.iter().all(|link| link.name != interface))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: InitArgs,
    }

    fn ended(account: &str, dir: &Path) -> Result<u8, String> {
        let (set, output) = (format!("path={}", dir.join("zone").display()), dir.join("d.toml").display().to_string());
        let words = ["init", "--provider", "zonefile", "--set", &set, "--name", "a.example.org"];
        let args = Typed::parse_from(words.into_iter().chain(["--account", account, "--output", &output, "--force"]));
        init(None, &args.args).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn what_cannot_run_as_it_is_ends_as_its_check_does() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ended("home", dir.path()), Ok(78), "there is no zone file");
        assert!(dir.path().join("d.toml").exists());
        std::fs::write(dir.path().join("zone"), "a 300 A 192.0.2.1\n").unwrap();
        assert_eq!(ended("home", dir.path()), Ok(0));
    }

    #[test]
    fn a_name_that_no_account_can_have_is_refused_by_the_option_that_gives_it() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["we ird", "home]\n[state", ""] {
            let refused = ended(name, dir.path()).unwrap_err();
            assert!(refused.contains("--account") && refused.contains("1 to 64 letters"), "{refused}");
        }
        assert!(!dir.path().join("d.toml").exists());
    }
}
