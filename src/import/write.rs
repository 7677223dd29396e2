//! A draft as a configuration that explains itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::draft::{Account, Draft, Password, Record, Sources, Waiting};
use super::text::quoted;
use crate::cli::tame;
use crate::config::spoken;

/// What is to be written.
#[derive(Debug)]
pub(super) struct Written {
    pub text: String,
    /// The files of the secrets, and what is in each.
    pub secrets: Vec<(PathBuf, SecretString)>,
    /// The files that a person has to write.
    pub missing: Vec<PathBuf>,
}

/// The configuration. `tool` and `from`: where it is from. `secrets`: an absolute folder.
pub(super) fn configuration(draft: &Draft, tool: &str, from: &str, secrets: &Path) -> Written {
    let mut out = Out { text: String::new(), from: tame(from) };
    out.line(&format!(
        "# From {}, the configuration of {tool}, by driftless-import. `driftless check` says whether it is right,",
        out.from
    ));
    out.line("# driftless.toml(5) what else there is. Lines that start with \"#\" and no space wait for a provider.");
    if draft.used_accounts().next().is_some() {
        out.line("# The shipped unit's user reads no file of root's: there, take { credential = … } in the place of { file = … }.");
    }
    out.line("");
    out.line("[defaults]");
    let check = draft.check.map_or_else(|| "5m".to_owned(), spoken);
    out.told(&format!("check = {}", quoted(&check)), "the net below: changes of addresses are noticed at once");
    let shared = shared(draft);
    if let Some(sources) = shared {
        out.line("");
        out.told("[address.default]", "where addresses come from, unless a record says otherwise");
        out.line(&format!("ipv4 = {}", sources.ipv4.toml()));
        out.line(&format!("ipv6 = {}", sources.ipv6.toml()));
    }
    let mut written = Written { text: String::new(), secrets: Vec::new(), missing: Vec::new() };
    for (at, account) in draft.used_accounts() {
        let records: Vec<&Record> = draft.records.iter().filter(|record| record.account == at).collect();
        out.account(account, &records, secrets, &mut written);
    }
    for record in &draft.records {
        let account = draft.accounts.get(record.account).map_or("", |account| account.name.as_str());
        out.record(record, account, shared);
    }
    for waiting in &draft.waiting {
        out.waiting(waiting, shared);
    }
    written.text = out.text;
    written
}

/// The sources that all records have, if they have the same and say something.
fn shared(draft: &Draft) -> Option<&Sources> {
    let mut all =
        draft.records.iter().map(|record| &record.sources).chain(draft.waiting.iter().map(|waiting| &waiting.sources));
    let first = all.next()?;
    let says = !(first.ipv4.is_auto() && first.ipv6.is_auto());
    (says && all.all(|other| other == first)).then_some(first)
}

struct Out {
    text: String,
    from: String,
}

impl Out {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A line with a comment behind it.
    fn told(&mut self, code: &str, comment: &str) {
        self.line(&format!("{code:<40} # {comment}"));
    }

    fn account(&mut self, account: &Account, records: &[&Record], secrets: &Path, written: &mut Written) {
        let path = secrets.join(format!("{}.password", account.name));
        let file = format!("file = {}", quoted(&path.to_string_lossy()));
        let password = match &account.password {
            Password::Known(secret) => {
                written.secrets.push((path, secret.clone()));
                file
            }
            Password::Elsewhere => {
                written.missing.push(path);
                file
            }
            Password::Variable(name) => format!("env = {}", quoted(name)),
        };
        self.line("");
        self.told(&format!("[account.{}]", account.name), &format!("{}:{}", self.from, account.line));
        self.line("provider = \"dyndns2\"");
        self.line(&format!("server = {}", quoted(&account.server)));
        self.line(&format!("username = {}", quoted(&account.username)));
        self.line(&format!("password = {{ {password} }}"));
        if let Some(parameter) = account.ipv6_parameter {
            self.line(&format!("ipv6_parameter = {}", quoted(parameter)));
        }
        if let Some(refresh) = account.refresh {
            let refresh = format!("refresh = {}", quoted(&spoken(refresh)));
            self.told(&refresh, "sent again after this time although nothing changed");
        }
        let names: usize = records.iter().map(|record| record.names.len()).sum();
        if account.apart && records.iter().any(|record| !record.sources.ipv4.is_off() && !record.sources.ipv6.is_off())
        {
            self.told("families = \"apart\"", "each in a request of its own, as it was sent before");
        }
        if account.alone && names > 1 {
            self.told("names_per_request = 1", "as it was sent before");
        }
    }

    fn record(&mut self, record: &Record, account: &str, shared: Option<&Sources>) {
        let names: Vec<&str> = record.names.iter().map(|name| name.as_str()).collect();
        self.line("");
        self.told("[[record]]", &format!("{}:{}", self.from, record.line));
        self.names(&names, "");
        self.line(&format!("account = {}", quoted(account)));
        self.sources(&record.sources, shared, "");
    }

    fn waiting(&mut self, waiting: &Waiting, shared: Option<&Sources>) {
        let names: Vec<&str> = waiting.names.iter().map(String::as_str).collect();
        let service = tame(&waiting.service);
        self.line("");
        self.line(&format!(
            "# {}:{}, at {service}: {}. These names are not updated yet:",
            self.from,
            waiting.line,
            tame(&waiting.why)
        ));
        self.line("#[[record]]");
        self.names(&names, "#");
        self.line(&format!("#account = {}", quoted(&service)));
        self.sources(&waiting.sources, shared, "#");
        if let Some(ttl) = waiting.ttl {
            self.line(&format!("#ttl = {ttl}"));
        }
    }

    fn names(&mut self, names: &[&str], mark: &str) {
        match names {
            [name] => self.line(&format!("{mark}name = {}", quoted(name))),
            names => {
                let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                self.line(&format!("{mark}names = [{}]", names.join(", ")));
            }
        }
    }

    fn sources(&mut self, sources: &Sources, shared: Option<&Sources>, mark: &str) {
        for (key, source) in [("ipv4", &sources.ipv4), ("ipv6", &sources.ipv6)] {
            if shared.is_none() && !source.is_auto() {
                // Writing to a string cannot fail.
                let _ = writeln!(self.text, "{mark}{key} = {}", source.toml());
            }
        }
        if sources.ipv4.is_private() || sources.ipv6.is_private() {
            self.told(&format!("{mark}private = true"), "a private address is published, on purpose");
        }
    }
}
