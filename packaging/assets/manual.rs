//! The lists of the manual: commands and options from the command line, keys from the configuration and the providers.
//!
//! Each stands between two marks in its page, `.\" made: NAME` and `.\" end`. What is outside is written by hand and stays.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, Command};
use driftless::config::keys::{self, Form, Holds, Key};
use driftless::detect::echoes::Protocol as Echoes;
use driftless::detect::protocol::Protocol;
use driftless::model::record::Family;
use driftless::notify;
use driftless::provider::REGISTRY;
use driftless::provider::setting::{Kind, Setting};

const BEGIN: &str = ".\\\" made: ";
const END: &str = ".\\\" end";

/// How many options that others have as well stand where a command is typed.
const FEW: usize = 3;

/// Blocks by their names, each as its lines.
type Blocks = BTreeMap<String, Vec<String>>;

/// driftless(8) with its lists made anew.
///
/// # Errors
/// The page has not the blocks that it should have.
pub fn commands(page: &str) -> Result<String, String> {
    let mut root = driftless::cli::grammar::command();
    root.build();
    let leaves = leaves(&root);
    let common = common(&leaves);
    let mut blocks = Blocks::new();
    let options = root.get_arguments().filter(|arg| !arg.is_hide_set()).flat_map(option);
    blocks.insert("options".into(), listed(options.collect(), ""));
    for (path, leaf) in &leaves {
        blocks.insert(format!("command {path}"), command(path, leaf, &common));
    }
    let shared: BTreeMap<String, Vec<String>> = leaves
        .iter()
        .flat_map(|(_, leaf)| own_options(leaf))
        .filter(|arg| common.contains(&told(arg)))
        .map(|arg| (told(arg), option(arg)))
        .collect();
    blocks.insert("common options".into(), listed(shared.into_values().flatten().collect(), ""));
    fill(page, blocks)
}

/// driftless.toml(5) with its lists made anew.
///
/// # Errors
/// The page has not the blocks that it should have.
pub fn keys(page: &str) -> Result<String, String> {
    let mut blocks = Blocks::new();
    let channels = [keys::NOTIFY, keys::NEWS].concat();
    let tables = [
        ("top level", keys::TOP),
        ("account", keys::ACCOUNT),
        ("record", keys::RECORD),
        ("address", keys::ADDRESS),
        ("defaults", keys::DEFAULTS),
        ("log", keys::LOG),
        ("notify", &channels),
        ("heartbeats", keys::BEATS),
        ("web", keys::WEB),
    ];
    for (name, keys) in tables {
        blocks.insert(name.into(), listed(keys.iter().flat_map(key).collect(), ""));
    }
    for entry in notify::REGISTRY {
        blocks.insert(format!("channel {}", entry.name), settings(entry.settings));
    }
    let words = keys::WORDS.iter().flat_map(|(word, help)| item(&format!("Li \\(dq{word}\\(dq"), help));
    blocks.insert("services".into(), services());
    blocks.insert("words".into(), listed(words.collect(), ""));
    blocks.insert("sources".into(), listed(keys::FORMS.iter().flat_map(form).collect(), ""));
    blocks.insert("hosts".into(), listed(keys::HOSTS.iter().flat_map(form).collect(), ""));
    for entry in REGISTRY {
        blocks.insert(format!("provider {}", entry.name), settings(entry.settings));
    }
    fill(page, blocks)
}

/// Puts the blocks between their marks.
fn fill(page: &str, mut blocks: Blocks) -> Result<String, String> {
    let mut filled = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        filled += &format!("{line}\n");
        let Some(name) = line.strip_prefix(BEGIN) else { continue };
        let made = blocks
            .remove(name)
            .ok_or_else(|| format!("nothing is made for the block \"{name}\", or it is there twice"))?;
        if !lines.by_ref().any(|line| line == END) {
            return Err(format!("the block \"{name}\" has no end"));
        }
        made.iter().for_each(|line| filled += &format!("{line}\n"));
        filled += &format!("{END}\n");
    }
    match blocks.keys().next() {
        Some(name) => Err(format!("the page has no block \"{name}\": `{BEGIN}{name}` and `{END}`")),
        None => Ok(filled),
    }
}

/// Every command that does something, with its words.
fn leaves(root: &Command) -> Vec<(String, &Command)> {
    let mut found = Vec::new();
    for command in root.get_subcommands() {
        let name = command.get_name().to_owned();
        if name == "help" || !command.has_subcommands() {
            found.push((name, command));
            continue;
        }
        let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
        found.extend(inner.map(|inner| (format!("{name} {}", inner.get_name()), inner)));
    }
    found
}

/// A command's options, without those that all have.
fn own_options(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_own = |arg: &&Arg| !arg.is_positional() && !arg.is_global_set() && !arg.is_hide_set();
    command.get_arguments().filter(is_own).filter(|arg| arg.get_id() != "help" && arg.get_id() != "version")
}

/// What tells options apart: those with the same words are described once.
fn told(arg: &Arg) -> String {
    format!("{}\n{}\n{}", arg.get_long().unwrap_or_default(), value(arg), help_of(arg))
}

/// The options that several commands have.
fn common(leaves: &[(String, &Command)]) -> BTreeSet<String> {
    let mut times = BTreeMap::<String, u32>::new();
    for arg in leaves.iter().flat_map(|(_, leaf)| own_options(leaf)) {
        *times.entry(told(arg)).or_default() += 1;
    }
    times.into_iter().filter(|(_, times)| *times > 1).map(|(told, _)| told).collect()
}

/// A command: how it is typed, what it does, its own options, and the names of those that others have as well.
fn command(path: &str, leaf: &Command, common: &BTreeSet<String>) -> Vec<String> {
    let (mut shared, own): (Vec<&Arg>, Vec<&Arg>) = own_options(leaf).partition(|arg| common.contains(&told(arg)));
    let mut synopsis = format!(".It Cm {path}");
    for arg in leaf.get_positionals() {
        let name = value(arg).to_lowercase();
        let many = if arg.get_num_args().is_some_and(|range| range.max_values() > 1) { " ..." } else { "" };
        synopsis +=
            &if arg.is_required_set() { format!(" Ar {name}{many}") } else { format!(" Oo Ar {name}{many} Oc") };
    }
    own.iter().for_each(|arg| synopsis += &format!(" Oo {} Oc", flags(arg)));
    // A few stand in the line itself.
    if shared.len() <= FEW {
        shared.drain(..).for_each(|arg| synopsis += &format!(" Oo {} Oc", flags(arg)));
    } else {
        synopsis += " Op Ar option ...";
    }
    let mut lines = vec![synopsis];
    let about = leaf.get_long_about().or_else(|| leaf.get_about()).map(ToString::to_string).unwrap_or_default();
    lines.extend(about.split("\n\n").flat_map(text));
    let positionals = leaf.get_positionals().filter(|arg| !help_of(arg).is_empty());
    let mut items: Vec<String> =
        positionals.flat_map(|arg| item(&format!("Ar {}", value(arg).to_lowercase()), &help_of(arg))).collect();
    items.extend(own.iter().flat_map(|arg| option(arg)));
    if !items.is_empty() {
        lines.extend(listed(items, " -compact"));
    }
    if !shared.is_empty() {
        let names: Vec<String> =
            shared.iter().map(|arg| format!("Fl Fl {}", arg.get_long().unwrap_or_default())).collect();
        lines.push("Options:".into());
        lines.push(format!(".{} .", names.join(" , ")));
    }
    lines
}

/// An option as an item of a list.
fn option(arg: &Arg) -> Vec<String> {
    let short = arg.get_short().map(|short| format!("Fl {short} , ")).unwrap_or_default();
    item(&format!("{short}{}", flags(arg)), &help_of(arg))
}

/// An option as it is typed, by its long name.
fn flags(arg: &Arg) -> String {
    let long = arg.get_long().unwrap_or_default();
    if !arg.get_action().takes_values() {
        return format!("Fl Fl {long}");
    }
    format!("Fl Fl {long} Ar {}", value(arg).to_lowercase().replace('=', " Ns = Ns Ar "))
}

/// What an argument's value is called.
fn value(arg: &Arg) -> String {
    if !arg.is_positional() && !arg.get_action().takes_values() {
        return String::new();
    }
    let names = arg.get_value_names().unwrap_or_default();
    names.first().map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string)
}

fn help_of(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

/// The settings of a provider or a channel.
fn settings(declared: &[Setting]) -> Vec<String> {
    let settings = declared.iter().flat_map(|setting| {
        let mut lines = item(&format!("Cm {}", setting.name), setting.help);
        // Where the help has not said it.
        if setting.kind != Kind::Secret || !setting.help.contains("a secret") {
            lines.extend(kind(setting.kind));
        }
        if setting.required {
            lines.push("Required.".into());
        }
        if !setting.variable.is_empty() {
            lines.push("Or by the variable".into());
            lines.push(format!(".Ev {} .", setting.variable));
        }
        lines
    });
    listed(settings.collect(), "")
}

fn key(key: &Key) -> Vec<String> {
    let mut lines = item(&format!("Cm {}", key.name), key.help);
    lines.extend(match key.holds {
        Holds::Kind(kind) => self::kind(kind),
        Holds::Provider => one_of(&REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>()),
        Holds::Channel => one_of(&notify::REGISTRY.iter().map(|entry| entry.name).collect::<Vec<_>>()),
        Holds::Nameservers | Holds::Names => vec!["A list.".into()],
        Holds::Events => {
            let events = keys::EVENTS.iter().flat_map(|(event, help)| item(&format!("Cm {}", event.word()), help));
            [vec!["A list of".into()], listed(events.collect(), " -compact")].concat()
        }
        Holds::Source4 | Holds::Source6 => vec!["A source, see".into(), ".Sx ADDRESSES .".into()],
        Holds::Sources => vec!["A list of sources.".into()],
        Holds::Ways => {
            let words = Protocol::ALL.map(Protocol::word);
            vec!["A list of".into(), format!(".Cm {} .", words.join(" , "))]
        }
        _ => Vec::new(),
    });
    lines
}

/// The built-in services that say who asks.
fn services() -> Vec<String> {
    let of = |protocol: Echoes| {
        let mut lines = vec![format!(".It Cm {protocol}")];
        let (both, ipv4): (Vec<&str>, Vec<&str>) =
            protocol.names().into_iter().partition(|name| protocol.is_of(name, Family::Ipv6));
        lines.push(format!(".Cm {} .", both.join(" , ")));
        if !ipv4.is_empty() {
            lines.push("For IPv4 only:".into());
            lines.push(format!(".Cm {} .", ipv4.join(" , ")));
        }
        lines
    };
    listed([Echoes::Dns, Echoes::Https, Echoes::Stun].into_iter().flat_map(of).collect(), "")
}

/// A table that is a source, with its keys in a list of their own.
fn form(form: &Form) -> Vec<String> {
    let mut lines = key(&form.main);
    match (form.ipv4, form.ipv6) {
        (true, false) => lines.push("For IPv4 only.".into()),
        (false, true) => lines.push("For IPv6 only.".into()),
        _ => {}
    }
    if !form.with.is_empty() {
        let with = form.with.iter().flat_map(|with| {
            let mut lines = key(with);
            if form.needs.contains(&with.name) {
                lines.push("Required.".into());
            }
            lines
        });
        lines.extend(listed(with.collect(), " -compact"));
    }
    lines
}

/// What a value can be, where its help does not say so.
fn kind(kind: Kind) -> Vec<String> {
    match kind {
        Kind::Secret => vec!["A secret.".into()],
        Kind::Choice(words) => one_of(words),
        Kind::Duration => vec!["A duration.".into()],
        Kind::Texts | Kind::Command => vec!["A list.".into()],
        _ => Vec::new(),
    }
}

fn one_of(words: &[&str]) -> Vec<String> {
    vec!["One of".into(), format!(".Cm {} .", words.join(" , "))]
}

fn listed(items: Vec<String>, compact: &str) -> Vec<String> {
    [vec![format!(".Bl -tag -width Ds{compact}")], items, vec![".El".into()]].concat()
}

fn item(head: &str, help: &str) -> Vec<String> {
    [vec![format!(".It {head}")], text(help)].concat()
}

/// Sentences as lines of a page, ended with a full stop; what stands in backquotes becomes bold.
fn text(help: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let words: Vec<&str> = help.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        line += if line.is_empty() { "" } else { " " };
        line += word;
        let next = words.get(at + 1).map(|next| next.trim_start_matches(['`', '"', '(']));
        let begins =
            next.is_none_or(|next| next.starts_with(|first: char| first.is_uppercase() || !first.is_alphabetic()));
        if word.ends_with('.') && begins || next.is_none() || line.len() > 110 {
            lines.push(std::mem::take(&mut line));
        }
    }
    if let Some(last) = lines.last_mut()
        && !last.ends_with(['.', ':'])
    {
        last.push('.');
    }
    escaped(&lines)
}

/// What roff would read otherwise: backslashes, a full stop or an apostrophe at the beginning, and two hyphens, which it joins.
fn escaped(lines: &[String]) -> Vec<String> {
    let mut is_bold = false;
    let mut out = Vec::new();
    for line in lines {
        let mut escaped = String::new();
        for c in line.chars() {
            match c {
                '`' => {
                    is_bold = !is_bold;
                    escaped += if is_bold { "\\fB" } else { "\\fP" };
                }
                '\\' => escaped += "\\e",
                '-' => escaped += "\\-",
                '…' => escaped += "...",
                c => escaped.push(c),
            }
        }
        out.push(if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped });
    }
    out
}
