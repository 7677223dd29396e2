//! What the installed systemd unit says of the daemon's user and of the files that it can reach (systemd.exec(5)).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where units are, the strongest first (systemd.unit(5)); below these a drop-in stands in `driftless.service.d`.
const UNITS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    // Where /lib is no link to /usr/lib yet.
    "lib/systemd/system",
];

/// The unit and its drop-ins, as far as they say who the daemon is and what it reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// systemd makes the user up (`DynamicUser=`).
    pub made_up: bool,
    /// The user, by name or number (`User=`); empty: root.
    pub user: String,
    /// The credentials that the service gets; `None` where they cannot be told (`ImportCredential=`).
    pub credentials: Option<BTreeSet<String>>,
    /// Nothing but its own folders can be written (`ProtectSystem=strict`) and these.
    writes_only: Option<Vec<PathBuf>>,
    /// Folders that are empty, or not there, for the service.
    hidden: Vec<&'static str>,
}

impl Unit {
    /// The installed one, below `root`.
    #[must_use]
    pub fn installed(root: &Path) -> Option<Self> {
        let mut files =
            vec![UNITS.iter().map(|folder| root.join(folder).join("driftless.service")).find(|file| file.is_file())?];
        // The strongest folder comes last; within one, names decide.
        for folder in UNITS.iter().rev() {
            let entries = fs::read_dir(root.join(folder).join("driftless.service.d")).into_iter().flatten().flatten();
            let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            found.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
            found.sort();
            files.extend(found);
        }
        let texts: Vec<String> = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
        Some(Self::read(texts.iter().map(String::as_str)))
    }

    /// The last word on each key counts; of a list, all words since it was last emptied.
    fn read<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut unit = Self { credentials: Some(BTreeSet::new()), ..Self::default() };
        let (mut strict, mut paths) = (false, Vec::new());
        let (mut home, mut tmp) = (false, false);
        for (key, value) in texts.flat_map(str::lines).filter_map(|line| line.split_once('=')) {
            let (key, value) = (key.trim(), value.trim());
            match key {
                "DynamicUser" => unit.made_up = is_yes(value),
                "User" => value.clone_into(&mut unit.user),
                "ProtectSystem" => strict = value == "strict",
                "ProtectHome" => home = is_yes(value) || value == "tmpfs",
                "PrivateTmp" => tmp = is_yes(value) || value == "disconnected",
                "ReadWritePaths" | "BindPaths" if value.is_empty() => paths.clear(),
                "ReadWritePaths" | "BindPaths" => paths.extend(value.split_whitespace().map(written)),
                "ImportCredential" => unit.credentials = None,
                "LoadCredential" | "LoadCredentialEncrypted" | "SetCredential" | "SetCredentialEncrypted" => {
                    let name = value.split(':').next().unwrap_or_default().to_owned();
                    unit.credentials.iter_mut().for_each(|names| names.extend([name.clone()]));
                }
                _ => {}
            }
        }
        unit.writes_only = strict.then_some(paths);
        unit.hidden = [(home, &["/home", "/root", "/run/user"][..]), (tmp, &["/tmp", "/var/tmp"])]
            .into_iter()
            .filter(|(is_hidden, _)| *is_hidden)
            .flat_map(|(_, folders)| folders.iter().copied())
            .collect();
        unit
    }

    /// The folder that hides this path from the service, if one does.
    #[must_use]
    pub fn hides(&self, path: &Path) -> Option<&'static str> {
        self.hidden.iter().find(|folder| path.starts_with(folder)).copied()
    }

    /// Whether the unit, not the permissions, keeps the service from writing into a folder outside of its state.
    #[must_use]
    pub fn forbids_writing(&self, folder: &Path) -> bool {
        self.writes_only.as_ref().is_some_and(|paths| !paths.iter().any(|path| folder.starts_with(path)))
    }
}

fn is_yes(value: &str) -> bool {
    matches!(value, "yes" | "true" | "on" | "1")
}

/// A path of `ReadWritePaths=`, or where one of `BindPaths=` is seen.
fn written(word: &str) -> PathBuf {
    let path = word.trim_start_matches(['-', '+']);
    path.split(':').nth(1).unwrap_or(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../systemd/driftless.service");

    fn unit(drop_in: &str) -> Unit {
        Unit::read([SHIPPED, drop_in].into_iter())
    }

    #[test]
    fn the_shipped_unit_writes_nowhere_and_sees_no_home() {
        let unit = unit("");
        assert!(unit.made_up && unit.user.is_empty() && unit.credentials == Some(BTreeSet::new()), "{unit:?}");
        assert!(unit.forbids_writing(Path::new("/var/lib/nsd")));
        assert_eq!(unit.hides(Path::new("/home/me/token")), Some("/home"));
        assert_eq!(unit.hides(Path::new("/tmp/token")), Some("/tmp"));
        assert_eq!(unit.hides(Path::new("/etc/driftless/token")), None);
    }

    #[test]
    fn drop_ins_open_it() {
        let unit = unit(
            "[Service]\nDynamicUser=no\nUser=bind\nReadWritePaths=/srv\nReadWritePaths=\nReadWritePaths=-/var/lib/nsd /a\n\
             LoadCredential=one:/etc/one\nLoadCredentialEncrypted=two:/etc/two\nProtectHome=read-only\n",
        );
        assert!(!unit.made_up && unit.user == "bind", "{unit:?}");
        assert!(!unit.forbids_writing(Path::new("/var/lib/nsd/zones")) && !unit.forbids_writing(Path::new("/a")));
        assert!(unit.forbids_writing(Path::new("/srv")), "the list was emptied");
        assert_eq!(unit.hides(Path::new("/home/me/token")), None);
        assert_eq!(unit.credentials, Some(["one".to_owned(), "two".to_owned()].into()));
        assert_eq!(Unit::read(["ImportCredential=driftless.*"].into_iter()).credentials, None);
    }

    #[test]
    fn it_is_found_where_systemd_looks_for_it() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Unit::installed(root.path()), None);
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("usr/local/lib/systemd/system/driftless.service", SHIPPED);
        assert!(Unit::installed(root.path()).unwrap().made_up);
        put("etc/systemd/system/driftless.service.d/user.conf", "[Service]\nDynamicUser=no\nUser=dns\n");
        put("etc/systemd/system/driftless.service.d/user.conf~", "[Service]\nUser=other\n");
        assert_eq!(Unit::installed(root.path()).unwrap().user, "dns");
        put("etc/systemd/system/driftless.service.d/z.conf", "[Service]\nUser=\n");
        assert_eq!(Unit::installed(root.path()).unwrap().user, "");
    }
}
