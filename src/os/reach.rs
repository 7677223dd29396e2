//! Whether a secret's file is within reach of the user that the daemon runs as, who is mostly not the one who asks.

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::secret::Secret;

/// Where units are, the strongest first (systemd.unit(5)); below these a drop-in stands in `driftless.service.d`.
const UNITS: [&str; 4] =
    ["etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"];

/// A user, as far as files are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// One that systemd makes up when the service starts (`DynamicUser=`): no file can be kept for it.
    MadeUp,
    /// One of this machine.
    Known {
        /// Its number.
        uid: u32,
        /// The numbers of its groups.
        groups: Vec<u32>,
        /// Its name, where it has one.
        name: Option<String>,
    },
}

impl User {
    /// The user that the daemon runs as. `usual`: with the state's folder of the shipped unit, so that the unit says who. Else it is
    /// whom the state's folder belongs to, or, where there is none yet, whoever asks.
    #[must_use]
    pub fn of_daemon(state_dir: &Path, usual: bool) -> Self {
        let root = Path::new("/");
        let unit = if usual { Self::of_unit(root) } else { None };
        let owner = || fs::metadata(state_dir).ok().map(|folder| Self::numbered(root, folder.uid(), folder.gid()));
        unit.or_else(owner).unwrap_or_else(Self::this)
    }

    /// The user of this process.
    fn this() -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let mut groups = vec![gid];
        groups.extend(rustix::process::getgroups().unwrap_or_default().into_iter().map(|group| group.as_raw()));
        Self::Known { uid, groups, name: None }
    }

    /// The user that the installed unit and its drop-ins name; `None` where there is no unit or no systemd.
    fn of_unit(root: &Path) -> Option<Self> {
        if !root.join("run/systemd/system").is_dir() {
            return None;
        }
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
        let (mut made_up, mut name) = (false, String::new());
        for text in files.iter().filter_map(|file| fs::read_to_string(file).ok()) {
            for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
                match key.trim() {
                    "DynamicUser" => made_up = matches!(value.trim(), "yes" | "true" | "on" | "1"),
                    "User" => value.trim().clone_into(&mut name),
                    _ => {}
                }
            }
        }
        match name.as_str() {
            _ if made_up => Some(Self::MadeUp),
            "" => Some(Self::numbered(root, 0, 0)),
            name => {
                let entry =
                    table(root, "etc/passwd").into_iter().find(|fields| fields.first().is_some_and(|n| n == name))?;
                Some(Self::numbered(root, entry.get(2)?.parse().ok()?, entry.get(3)?.parse().ok()?))
            }
        }
    }

    fn numbered(root: &Path, uid: u32, gid: u32) -> Self {
        let number = uid.to_string();
        let entry = table(root, "etc/passwd").into_iter().find(|fields| fields.get(2) == Some(&number));
        let name = entry.and_then(|fields| fields.into_iter().next());
        let mut groups = vec![gid];
        for fields in table(root, "etc/group") {
            let member = |members: &String| members.split(',').any(|member| Some(member) == name.as_deref());
            if fields.get(3).is_some_and(member) {
                groups.extend(fields.get(2).and_then(|gid| gid.parse::<u32>().ok()));
            }
        }
        Self::Known { uid, groups, name }
    }

    /// Whether the permissions give this user a bit of a file: 4 to read it, 1 to pass a folder.
    fn has(&self, metadata: &Metadata, bit: u32) -> bool {
        let mode = metadata.mode();
        let given = match self {
            Self::Known { uid: 0, .. } => return true,
            Self::Known { uid, .. } if *uid == metadata.uid() => mode >> 6,
            Self::Known { groups, .. } if groups.contains(&metadata.gid()) => mode >> 3,
            _ => mode,
        };
        given & bit != 0
    }

    /// The first thing on the way to a file that keeps this user out.
    fn barrier(&self, path: &Path) -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        let folders = path.ancestors().skip(1).map(|folder| (folder, 1));
        let mut way = std::iter::once((path.as_path(), 4)).chain(folders).collect::<Vec<_>>();
        way.reverse();
        let shut = way.into_iter().find(|(part, bit)| fs::metadata(part).is_ok_and(|found| !self.has(&found, *bit)));
        shut.map(|(part, _)| part.to_owned())
    }
}

/// The lines of a table of users or groups; what stands elsewhere (LDAP) is not known here.
fn table(root: &Path, file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root.join(file)).unwrap_or_default();
    text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

/// What is wrong with a secret's file that is there, and what to do; `None` where `user` can use it, of whom `None` is known to.
/// What is not there at all is for others to say.
#[must_use]
pub fn trouble(path: &Path, user: Option<&User>) -> Option<(String, Option<String>)> {
    let metadata = fs::metadata(path).ok()?;
    let shown = path.display();
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "is a folder, not a file" } else { "is no plain file" };
        return Some((format!("{shown} {what}"), None));
    }
    match File::open(path) {
        Ok(_) => {
            if let Err(error) = Secret::File(path.to_owned()).read() {
                return Some((error.why, None));
            }
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied && user == Some(&User::this()) => {
            return Some((format!("this user cannot read {shown}"), None));
        }
        // Who asks need not be able to read it.
        Err(_) => {}
    }
    let user = user?;
    match (user, user.barrier(path)) {
        (User::MadeUp, Some(_)) => {
            let what = format!("the service runs as a user that systemd makes up, which cannot read {shown}");
            let help = "write { credential = \"NAME\" } and put LoadCredential=NAME:PATH into a drop-in of the unit";
            Some((what, Some(help.into())))
        }
        (User::Known { uid, name, .. }, Some(barrier)) => {
            let who = name.clone().unwrap_or_else(|| uid.to_string());
            let what = format!("the user that driftless runs as, {who}, cannot read {shown}");
            Some((what, Some(format!("{} keeps it out: see its owner and permissions", barrier.display()))))
        }
        (User::Known { uid, .. }, None) if ![0, *uid].contains(&metadata.uid()) => {
            let what = format!("{shown} belongs to the user {}, who can read and change it", metadata.uid());
            Some((what, Some("it should belong to root or to the user that driftless runs as".into())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir_all, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn known(uid: u32, groups: &[u32]) -> User {
        User::Known { uid, groups: groups.to_vec(), name: None }
    }

    /// A secret below a folder that anybody may pass.
    fn secret(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let path = dir.path().join("token");
        write(&path, content).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    fn says(path: &Path, user: &User) -> String {
        trouble(path, Some(user)).map(|(what, _)| what.replace(&*path.to_string_lossy(), "PATH")).unwrap_or_default()
    }

    #[test]
    fn what_is_no_secret_is_said_whoever_reads_it() {
        let (dir, path) = secret("\n", 0o600);
        assert_eq!(says(&path, &User::this()), "PATH cannot be used: it is empty");
        assert!(says(dir.path(), &User::this()).ends_with("is a folder, not a file"));
        assert_eq!(trouble(&dir.path().join("missing"), Some(&User::this())), None);
        write(&path, "token").unwrap();
        assert_eq!(trouble(&path, Some(&User::this())), None);
    }

    #[test]
    fn owner_group_and_the_folders_above_decide_who_reads_it() {
        let (dir, path) = secret("token", 0o640);
        let metadata = fs::metadata(&path).unwrap();
        let stranger = known(metadata.uid() + 1000, &[metadata.gid() + 1000]);
        assert_eq!(
            says(&path, &stranger),
            format!("the user that driftless runs as, {}, cannot read PATH", metadata.uid() + 1000)
        );
        assert_eq!(
            says(&path, &User::MadeUp),
            "the service runs as a user that systemd makes up, which cannot read PATH"
        );
        assert!(!says(&path, &known(metadata.uid() + 1000, &[metadata.gid()])).contains("cannot read"));
        assert_eq!(says(&path, &known(metadata.uid(), &[])), "");
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(!says(&path, &stranger).contains("cannot read"));
        set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        let (_, help) = trouble(&path, Some(&stranger)).unwrap();
        assert!(help.unwrap().starts_with(&*dir.path().to_string_lossy()), "the folder is named");
    }

    #[test]
    fn the_unit_and_its_drop_ins_say_who_the_daemon_is() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, text).unwrap();
        };
        assert_eq!(User::of_unit(dir.path()), None);
        put("usr/local/lib/systemd/system/driftless.service", include_str!("../../systemd/driftless.service"));
        assert_eq!(User::of_unit(dir.path()), None, "no systemd runs");
        create_dir_all(dir.path().join("run/systemd/system")).unwrap();
        assert_eq!(User::of_unit(dir.path()), Some(User::MadeUp));
        put("etc/passwd", "root:x:0:0::/root:/bin/sh\ndns:x:123:45::/:/bin/false\n");
        put("etc/group", "dns:x:45:\nsecrets:x:46:other,dns\n");
        put("etc/systemd/system/driftless.service.d/user.conf", "[Service]\nDynamicUser=no\nUser=dns\n");
        let dns = User::Known { uid: 123, groups: vec![45, 46], name: Some("dns".into()) };
        assert_eq!(User::of_unit(dir.path()), Some(dns));
        put("etc/systemd/system/driftless.service.d/z.conf", "[Service]\nUser=\n");
        assert!(matches!(User::of_unit(dir.path()), Some(User::Known { uid: 0, .. })));
    }
}
