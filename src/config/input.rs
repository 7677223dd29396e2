//! What is read: files and variables, gathered at one door.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::problem::{ConfigErrors, Origin, Place, Problem, Severity};

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "/etc/driftless/driftless.toml";

/// The largest file, in octets.
const MAX: u64 = 1 << 20;

/// The smallest useful file.
pub const SMALLEST: &str = "\
[account.home]
provider = \"dyndns2\"
server = \"https://dyndns.example.net\"
username = \"me\"
password = { file = \"/etc/driftless/password\" }

[[record]]
name = \"home.example.org\"
account = \"home\"";

/// Everything that a configuration is made of.
#[derive(Clone, Debug)]
pub struct Input {
    /// The files, in order: a later one overrides the keys of an earlier one and adds its records.
    pub files: Vec<(PathBuf, String)>,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// The permission bits of a file.
    pub mode: fn(&Path) -> io::Result<u32>,
}

/// No files, no variables, and every file readable for its owner alone.
impl Default for Input {
    fn default() -> Self {
        Self { files: Vec::new(), variables: BTreeMap::new(), mode: |_| Ok(0o600) }
    }
}

/// Gathers the configuration: the file at `path` alone, or else [`DEFAULT_FILE`] where it exists and `conf.d/*.toml`
/// beside it in the order of their names; and the environment.
///
/// # Errors
/// A file that was named is missing; any is unreadable, not UTF-8 or larger than 1 MiB; a variable of ours is not
/// UTF-8.
pub fn read_input(path: Option<&Path>) -> Result<Input, ConfigErrors> {
    gather(path, Path::new(DEFAULT_FILE), environment())
}

/// The files that can be read, and the environment, whatever is wrong with the others; `None` where one file is named and cannot be read.
pub(super) fn what_can_be_read(path: Option<&Path>) -> Option<(Vec<String>, BTreeMap<String, String>)> {
    let files = match path {
        Some(path) => vec![path.to_owned()],
        None => default_files(Path::new(DEFAULT_FILE), &mut Vec::new()),
    };
    let variables = environment()
        .into_iter()
        .filter_map(|(name, content)| Some((name.into_string().ok()?, content.into_string().ok()?)));
    let texts: Vec<String> = files.iter().filter_map(|path| read(path).ok()).collect();
    (path.is_none() || !texts.is_empty()).then(|| (texts, variables.collect()))
}

#[expect(clippy::disallowed_methods, reason = "this is where the environment is read, once")]
fn environment() -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    std::env::vars_os().collect()
}

/// Where systemd keeps the credentials of the shipped unit while it runs (systemd.exec(5), LoadCredential=).
const CREDENTIALS: &str = "/run/credentials/driftless.service";
/// Where the shipped unit has its socket while it runs (RuntimeDirectory=).
const RUNTIME: &str = "/run/driftless";

/// The environment of a command beside the daemon: a person started it, so it takes the folders of the shipped unit for its own, those
/// that it has none of.
pub(crate) fn beside(mut variables: BTreeMap<String, String>) -> BTreeMap<String, String> {
    variables.entry("CREDENTIALS_DIRECTORY".into()).or_insert_with(|| CREDENTIALS.into());
    if !variables.contains_key("STATE_DIRECTORY") && Path::new(RUNTIME).exists() {
        variables.entry("RUNTIME_DIRECTORY".into()).or_insert_with(|| RUNTIME.into());
    }
    variables
}

/// `JOURNAL_STREAM`, by itself: what is wrong must find its way into the journal before there is a configuration.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn journal_stream() -> Option<String> {
    std::env::var("JOURNAL_STREAM").ok()
}

/// Whether people want no colours: `NO_COLOR` is set and not empty (no-color.org), or the terminal has none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn no_color() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    is_dumb || std::env::var_os("NO_COLOR").is_some_and(|content| !content.is_empty())
}

/// How wide people want what is printed: `COLUMNS`, a number above 0.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.trim().parse().ok().filter(|columns| *columns > 0)
}

fn gather(
    path: Option<&Path>,
    default: &Path,
    environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
) -> Result<Input, ConfigErrors> {
    let mut problems = Vec::new();
    let mut files = Vec::new();
    let wanted = match path {
        Some(path) => vec![path.to_owned()],
        None => default_files(default, &mut problems),
    };
    for path in wanted {
        match read(&path) {
            Ok(text) => files.push((path, text)),
            Err(why) => {
                let problem = of_file(&path, format!("the file cannot be used: {why}"));
                problems.push(Problem { help: way_in(&path), ..problem });
            }
        }
    }
    let mut variables = BTreeMap::new();
    for (name, content) in environment {
        match (name.into_string(), content.into_string()) {
            (Ok(name), Ok(content)) => {
                variables.insert(name, content);
            }
            (Ok(name), Err(_)) if name.starts_with("DRIFTLESS_") => {
                let place = Place { origin: Origin::Variable(name), line: None, column: None, excerpt: None };
                problems.push(problem(place, "the variable is not UTF-8".to_owned()));
            }
            // Not ours.
            _ => {}
        }
    }
    if problems.is_empty() { Ok(Input { files, variables, mode }) } else { Err(ConfigErrors(problems)) }
}

/// The default file where it exists, and the drop-ins beside it.
fn default_files(default: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut found = drop_ins(&default.with_file_name("conf.d"), problems);
    // Anything but "not there" is for the reading to say.
    if !std::fs::metadata(default).is_err_and(|why| is_absent(&why)) {
        found.insert(0, default.to_owned());
    }
    found
}

/// The folder of drop-ins beside a file that was named, where it holds any: they are read with [`DEFAULT_FILE`] alone.
#[must_use]
pub fn unread_drop_ins(path: &Path) -> Option<PathBuf> {
    let folder = path.with_file_name("conf.d");
    (!drop_ins(&folder, &mut Vec::new()).is_empty()).then_some(folder)
}

/// What is read of a folder of drop-ins, in order.
fn drop_ins(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => found.push(entry.path()),
                    Err(why) => problems.push(of_file(folder, format!("the folder cannot be read: {why}"))),
                }
            }
        }
        Err(why) if is_absent(&why) => {}
        Err(why) => problems.push(of_file(folder, format!("the folder cannot be read: {why}"))),
    }
    let hidden = |path: &Path| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    found.retain(|path| path.extension().is_some_and(|extension| extension == "toml") && !hidden(path));
    found.sort();
    found
}

fn is_absent(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The text of a file.
///
/// # Errors
/// Why it cannot be had: it is unreadable, not UTF-8 or larger than 1 MiB.
pub fn read(path: &Path) -> Result<String, String> {
    let mut content = Vec::new();
    let file = std::fs::File::open(path).map_err(|why| why.to_string())?;
    file.take(MAX + 1).read_to_end(&mut content).map_err(|why| why.to_string())?;
    if content.len() as u64 > MAX {
        return Err("it is larger than 1 MiB".into());
    }
    String::from_utf8(content)
        .map_err(|why| format!("it is not UTF-8 from octet {} on", why.utf8_error().valid_up_to()))
}

/// Whether the permissions keep this user from reading a file.
#[must_use]
pub fn is_shut(path: &Path) -> bool {
    std::fs::File::open(path).is_err_and(|why| why.kind() == io::ErrorKind::PermissionDenied)
}

/// What to do about a file that this user may not read.
fn way_in(path: &Path) -> Option<String> {
    let help = "the user that driftless runs as must be able to read it (the shipped unit makes one up: chmod 644); \
                secrets belong into credentials or files of their own";
    is_shut(path).then(|| help.to_owned())
}

pub(super) fn mode(path: &Path) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode())
}

fn of_file(path: &Path, message: String) -> Problem {
    let origin = Origin::File(path.to_owned());
    problem(Place { origin, line: None, column: None, excerpt: None }, message)
}

fn problem(place: Place, message: String) -> Problem {
    Problem { severity: Severity::Error, place: Some(place), message, help: None, also: None, unread: None }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn messages(result: Result<Input, ConfigErrors>) -> Vec<String> {
        result.unwrap_err().problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_default_file_comes_first_and_drop_ins_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let default = dir.path().join("driftless.toml");
        assert!(gather(None, &default, vec![]).unwrap().files.is_empty());
        std::fs::create_dir(dir.path().join("conf.d")).unwrap();
        for name in ["20-b.toml", "10-a.toml", "30-c.toml~", ".hidden.toml", "README"] {
            std::fs::write(dir.path().join("conf.d").join(name), name).unwrap();
        }
        std::fs::write(&default, "main").unwrap();
        let read = gather(None, &default, vec![]).unwrap();
        let texts: Vec<&str> = read.files.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["main", "10-a.toml", "20-b.toml"]);
        let named = gather(Some(&default), &default, vec![]).unwrap();
        assert_eq!(named.files, [(default.clone(), "main".to_owned())]);
        assert_eq!(unread_drop_ins(&default), Some(dir.path().join("conf.d")));
        for name in ["20-b.toml", "10-a.toml"] {
            std::fs::remove_file(dir.path().join("conf.d").join(name)).unwrap();
        }
        assert_eq!(unread_drop_ins(&default), None, "there is none that would be read");
        assert_eq!(unread_drop_ins(Path::new("/nonexistent/driftless.toml")), None);
    }

    #[test]
    fn files_that_cannot_be_used_say_why_all_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let default = dir.path().join("driftless.toml");
        let drop_ins = dir.path().join("conf.d");
        std::fs::create_dir(&drop_ins).unwrap();
        std::fs::write(&default, [b'a', 0xff]).unwrap();
        std::fs::write(drop_ins.join("a.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
        std::fs::create_dir(drop_ins.join("b.toml")).unwrap();
        let shown = |path: &Path| path.display().to_string();
        assert_eq!(
            messages(gather(None, &default, vec![])),
            [
                format!("{}: the file cannot be used: it is not UTF-8 from octet 1 on", shown(&default)),
                format!("{}: the file cannot be used: it is larger than 1 MiB", shown(&drop_ins.join("a.toml"))),
                format!("{}: the file cannot be used: Is a directory (os error 21)", shown(&drop_ins.join("b.toml"))),
            ]
        );
        let missing = dir.path().join("missing.toml");
        assert_eq!(
            messages(gather(Some(&missing), &default, vec![])),
            [format!("{}: the file cannot be used: No such file or directory (os error 2)", shown(&missing))]
        );
    }

    #[test]
    fn a_file_of_exactly_one_mebibyte_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("driftless.toml");
        std::fs::write(&path, vec![b'#'; 1 << 20]).unwrap();
        assert!(gather(Some(&path), &path, vec![]).is_ok());
    }

    #[test]
    fn only_our_variables_must_be_utf_8() {
        let bad = || OsString::from_vec(vec![0xff]);
        let default = Path::new("/nonexistent/driftless.toml");
        let read = gather(None, default, vec![("OTHER".into(), bad()), (bad(), "x".into())]).unwrap();
        assert!(read.variables.is_empty());
        assert_eq!(
            messages(gather(None, default, vec![("DRIFTLESS__LOG__LEVEL".into(), bad())])),
            ["$DRIFTLESS__LOG__LEVEL: the variable is not UTF-8"]
        );
    }

    #[test]
    fn permissions_are_those_of_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        assert!(mode(&path).is_err());
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
        assert_eq!(mode(&path).unwrap() & 0o777, 0o604);
    }
}
