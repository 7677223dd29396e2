//! Whether files and programs are within reach of the user that the daemon runs as, who is mostly not the one who asks.

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::secret::Secret;
use super::unit::Unit;

/// The numbers of the users that systemd makes up (systemd.exec(5), DynamicUser=).
const MADE_UP: std::ops::RangeInclusive<u32> = 61_184..=65_519;

/// Where a drop-in of the unit stands.
const DROP_INS: &str = "/etc/systemd/system/driftless.service.d";

/// What to do when a drop-in was written.
const THEN: &str = "then: systemctl daemon-reload, and systemctl restart driftless if it runs";

/// The bits of a permission.
const READ: u32 = 4;
const WRITE: u32 = 2;
const PASS: u32 = 1;

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

/// The daemon, as far as files are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Whom it runs as.
    user: User,
    /// The unit that runs it, where one does.
    unit: Option<Unit>,
    /// The folder that it may write into in any case.
    state_dir: PathBuf,
}

/// What is wrong, in a sentence, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl Trouble {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// The drop-in of the unit that hands the service the credentials of an account, each with its file: where it stands, and its text.
#[must_use]
pub fn drop_in(account: &str, credentials: &[(String, PathBuf)]) -> (PathBuf, String) {
    (Path::new(DROP_INS).join(format!("credentials-{account}.conf")), loading(credentials))
}

/// The lines of a drop-in that load credentials from files (systemd.exec(5)).
fn loading(credentials: &[(String, PathBuf)]) -> String {
    // "%" begins a specifier.
    let line = |(name, path): &(String, PathBuf)| {
        format!("LoadCredential={name}:{}\n", path.display().to_string().replace('%', "%%"))
    };
    credentials.iter().map(line).fold("[Service]\n".to_owned(), |text, line| text + &line)
}

impl User {
    /// The user of this process.
    fn this() -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let mut groups = vec![gid];
        groups.extend(rustix::process::getgroups().unwrap_or_default().into_iter().map(|group| group.as_raw()));
        Self::Known { uid, groups, name: None }
    }

    /// The user that a unit names; `None` where this machine's tables do not know it.
    fn of_unit(unit: &Unit, root: &Path) -> Option<Self> {
        match unit.user.as_str() {
            _ if unit.made_up => Some(Self::MadeUp),
            "" => Some(Self::numbered(root, 0, 0)),
            name => {
                let is_it = |fields: &Vec<String>| [0, 2].iter().any(|at| fields.get(*at).is_some_and(|n| n == name));
                let entry = table(root, "etc/passwd").into_iter().find(is_it)?;
                Some(Self::numbered(root, entry.get(2)?.parse().ok()?, entry.get(3)?.parse().ok()?))
            }
        }
    }

    fn numbered(root: &Path, uid: u32, gid: u32) -> Self {
        if MADE_UP.contains(&uid) {
            return Self::MadeUp;
        }
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

    fn is_root(&self) -> bool {
        matches!(self, Self::Known { uid: 0, .. })
    }

    fn is_this(&self) -> bool {
        matches!(self, Self::Known { uid, .. } if *uid == rustix::process::geteuid().as_raw())
    }

    /// Whether the permissions give this user a bit of a file.
    fn has(&self, path: &Path, metadata: &Metadata, bit: u32) -> bool {
        if self.is_this() {
            let wanted = [(READ, Access::READ_OK), (WRITE, Access::WRITE_OK), (PASS, Access::EXEC_OK)];
            let wanted = wanted.into_iter().filter(|(of, _)| bit & of != 0).map(|(_, wanted)| wanted);
            return access(path, wanted.collect()).is_ok();
        }
        let mode = metadata.mode();
        let given = match self {
            Self::Known { uid: 0, .. } => return true,
            Self::Known { uid, .. } if *uid == metadata.uid() => mode >> 6,
            Self::Known { groups, .. } if groups.contains(&metadata.gid()) => mode >> 3,
            _ => mode,
        };
        given & bit == bit
    }

    /// The first thing on the way to a file that keeps this user from what it wants of it.
    fn barrier(&self, path: &Path, wanted: u32) -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        let folders = path.ancestors().skip(1).map(|folder| (folder, PASS));
        let mut way = std::iter::once((path.as_path(), wanted)).chain(folders).collect::<Vec<_>>();
        way.reverse();
        let shut = way.into_iter().find(|(part, bit)| fs::metadata(part).is_ok_and(|at| !self.has(part, &at, *bit)));
        shut.map(|(part, _)| part.to_owned())
    }

    /// Who this is, for messages.
    fn who(&self) -> String {
        match self {
            Self::MadeUp => "the service runs as a user that systemd makes up, which".into(),
            Self::Known { uid, name, .. } => {
                let who = name.clone().unwrap_or_else(|| uid.to_string());
                format!("the user that driftless runs as, {who},")
            }
        }
    }
}

/// The lines of a table of users or groups; what stands elsewhere (LDAP) is not known here.
fn table(root: &Path, file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root.join(file)).unwrap_or_default();
    text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
}

impl Daemon {
    /// The daemon with its state in `state_dir`. `usual`: that of the shipped unit, which then says whom it runs as, if systemd is at
    /// work here. Else that is whom the state's folder belongs to; where that is nobody or root, the unit's user again, or whoever
    /// asks.
    #[must_use]
    pub fn of(state_dir: &Path, usual: bool) -> Self {
        Self::below(Path::new("/"), state_dir, usual)
    }

    fn below(root: &Path, state_dir: &Path, usual: bool) -> Self {
        let unit = if usual { Unit::installed(root) } else { None };
        let owner = || {
            let folder = fs::metadata(state_dir).ok()?;
            Some(User::numbered(root, folder.uid(), folder.gid()))
        };
        let of_unit = || unit.as_ref().and_then(|unit| User::of_unit(unit, root));
        let runs = root.join("run/systemd/system").is_dir();
        let (user, unit) = match (if runs { of_unit() } else { None }, owner()) {
            (Some(user), _) => (user, unit),
            // Root has tried it by hand, as one does before a first start.
            (None, owner) if owner.as_ref().is_none_or(User::is_root) => match of_unit() {
                Some(user) => (user, unit),
                None => (owner.unwrap_or_else(User::this), None),
            },
            (None, owner) => (owner.unwrap_or_else(User::this), None),
        };
        Self { user, unit, state_dir: state_dir.to_owned() }
    }

    /// What is wrong with the file of a secret that is there: `key` is what it is given as, `credential` what it could be called as
    /// a credential. What is not there at all is for others to say.
    #[must_use]
    pub fn secret(&self, path: &Path, key: &str, credential: &str) -> Option<Trouble> {
        let metadata = fs::metadata(path).ok()?;
        let shown = path.display();
        no_secret(path, &metadata).or_else(|| {
            let unread = |what: String| {
                let trouble = Trouble::new(what);
                let lines = loading(&[(credential.to_owned(), path.to_owned())]);
                trouble.help(format!(
                    "write {key} = {{ credential = \"{credential}\" }}, and into {DROP_INS}/credentials.conf\n\n\
                     {lines}\n{THEN}"
                ))
            };
            if let Some(folder) = self.unit.as_ref().and_then(|unit| unit.hides(path)) {
                return Some(unread(format!("the service does not see what is in {folder}: it cannot read {shown}")));
            }
            match (&self.user, self.user.barrier(path, READ)) {
                (user, Some(_)) if self.unit.is_some() || *user == User::MadeUp => {
                    Some(unread(format!("{} cannot read {shown}", user.who())))
                }
                (user, Some(_)) if user.is_this() => Some(Trouble::new(format!("this user cannot read {shown}"))),
                (user, Some(barrier)) => Some(kept_out(format!("{} cannot read {shown}", user.who()), &barrier)),
                (User::Known { uid, .. }, None) if ![0, *uid].contains(&metadata.uid()) => {
                    let what = format!("{shown} belongs to the user {}, who can read and change it", metadata.uid());
                    Some(Trouble::new(what).help("it should belong to root or to the user that driftless runs as"))
                }
                _ => None,
            }
        })
    }

    /// Whether the service reads secrets as credentials alone, as far as files of root's are concerned: its unit gives it another user.
    #[must_use]
    pub fn needs_credentials(&self) -> bool {
        self.unit.is_some() && !self.user.is_root()
    }

    /// What is wrong with a credential, which the service manager looks after: only what is in it.
    #[must_use]
    pub fn credential(&self, path: &Path) -> Option<Trouble> {
        no_secret(path, &fs::metadata(path).ok()?)
    }

    /// Whether the unit is known not to hand the service this credential.
    #[must_use]
    pub fn lacks(&self, credential: &str) -> bool {
        let names = self.unit.as_ref().and_then(|unit| unit.credentials.as_ref());
        names.is_some_and(|names| !names.contains(credential))
    }

    /// What is wrong with a file that is only read. One that is missing is trouble if it `must_be` there.
    #[must_use]
    pub fn file(&self, path: &Path, must_be: bool) -> Option<Trouble> {
        self.within_reach(path, "read", READ, must_be)
    }

    /// What is wrong with the folder of the state, which is made where it is missing. `given`: the service manager, or root, gives it to
    /// the daemon, whoever may write there now.
    #[must_use]
    pub fn state(&self, folder: &Path, given: bool) -> Option<Trouble> {
        let shown = folder.display();
        if fs::metadata(folder).is_ok_and(|found| !found.is_dir()) {
            return Some(Trouble::new(format!(
                "{shown} is a file, and a folder is needed for the state: move it away"
            )));
        }
        let there = folder.ancestors().find(|folder| folder.exists())?;
        if !there.is_dir() {
            return Some(Trouble::new(format!("{shown} cannot be made: {} is no folder", there.display())));
        }
        if is_read_only(there) {
            let what = format!("{shown} lies on a read-only file system: the state cannot be written");
            return Some(Trouble::new(what).help("mount it writable, or name another `state_dir`"));
        }
        if given || self.unit.is_some() {
            return None;
        }
        let barrier = self.user.barrier(there, WRITE | PASS)?;
        Some(kept_out(format!("{} cannot write the state into {shown}", self.user.who()), &barrier))
    }

    /// What is wrong with a program.
    #[must_use]
    pub fn program(&self, path: &Path) -> Option<Trouble> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Some(Trouble::new(format!("{} is no program", path.display())));
        }
        self.within_reach(path, "run", PASS, true)
    }

    fn within_reach(&self, path: &Path, doing: &str, wanted: u32, must_be: bool) -> Option<Trouble> {
        let shown = path.display();
        if let Err(error) = fs::metadata(path) {
            // Whoever may not look does not know better than another user.
            let is_known = error.kind() != ErrorKind::PermissionDenied || self.user.is_this();
            return (is_known && must_be).then(|| Trouble::new(format!("{shown} cannot be {doing}: {error}")));
        }
        if let Some(folder) = self.unit.as_ref().and_then(|unit| unit.hides(path)) {
            let what = format!("the service does not see what is in {folder}: it cannot {doing} {shown}");
            return Some(Trouble::new(what).help("keep it elsewhere, in /etc/driftless for example"));
        }
        let barrier = self.user.barrier(path, wanted)?;
        Some(kept_out(format!("{} cannot {doing} {shown}", self.user.who()), &barrier))
    }

    /// What is wrong with a file that is replaced as a whole, so that its folder must be writable. `made`: where it is missing it is made.
    #[must_use]
    pub fn replaced(&self, path: &Path, made: bool) -> Option<Trouble> {
        let target = super::file::follow(path).unwrap_or_else(|_| path.to_owned());
        let folder = target.parent().filter(|folder| folder.is_absolute()).unwrap_or(Path::new("/"));
        let (shown, around) = (path.display(), folder.display());
        match fs::metadata(folder) {
            Ok(found) if !found.is_dir() => return Some(Trouble::new(format!("{around} is no folder"))),
            Err(error) if error.kind() != ErrorKind::PermissionDenied => {
                return Some(Trouble::new(format!("the folder of {shown} cannot be used: {error}")));
            }
            _ => {}
        }
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => return Some(Trouble::new(format!("{shown} is no plain file"))),
            Err(error) if error.kind() == ErrorKind::NotFound && !made => {
                let what = format!("{shown} is not there, and would not be made");
                return Some(
                    Trouble::new(what).help("make it, or say which zone it is for, with `zone`, to have it made"),
                );
            }
            _ => {}
        }
        if is_read_only(folder) {
            let what = format!("{around} lies on a read-only file system: {shown} cannot be replaced");
            return Some(Trouble::new(what).help("mount it writable, or keep the file on another file system"));
        }
        // What the service is given for its state is its own, whoever owns it now.
        if self.unit.is_some() && folder.starts_with(&self.state_dir) {
            return None;
        }
        let closed = self.unit.as_ref().is_some_and(|unit| unit.forbids_writing(folder) || unit.hides(path).is_some());
        let barrier = self.user.barrier(folder, WRITE | PASS);
        let what = format!("{} cannot write into {around}, where {shown} is replaced as a whole", self.user.who());
        if closed || (self.user == User::MadeUp && barrier.is_some()) {
            let owner = fs::metadata(folder).ok().map(|folder| User::numbered(Path::new("/"), folder.uid(), 0));
            let owner = owner.and_then(|owner| if let User::Known { name, .. } = owner { name } else { None });
            let owner = owner.unwrap_or_else(|| "USER".into());
            let what = if barrier.is_some() { what } else { format!("the service may not write into {around}") };
            return Some(Trouble::new(what).help(format!(
                "have it run as the user that the folder belongs to: write into {DROP_INS}/zone.conf\n\n\
                 [Service]\nDynamicUser=no\nUser={owner}\nReadWritePaths={around}\n\n{THEN}"
            )));
        }
        barrier.map(|barrier| kept_out(what, &barrier))
    }
}

/// Whether nobody may write there, whatever the permissions say.
fn is_read_only(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// What is wrong with what a file holds, or with what it is.
fn no_secret(path: &Path, metadata: &Metadata) -> Option<Trouble> {
    let shown = path.display();
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "is a folder, not a file" } else { "is no plain file" };
        return Some(Trouble::new(format!("{shown} {what}")));
    }
    // Who asks need not be able to read it.
    File::open(path).ok()?;
    let error = Secret::File(path.to_owned()).read().err()?;
    Some(Trouble { what: error.why, help: error.hint })
}

fn kept_out(what: String, barrier: &Path) -> Trouble {
    Trouble::new(what).help(format!("{} keeps it out: see its owner and permissions", barrier.display()))
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

    fn daemon(user: &User) -> Daemon {
        Daemon { user: user.clone(), unit: None, state_dir: "/nonexistent".into() }
    }

    fn unit(text: &str) -> Daemon {
        let root = tempfile::tempdir().unwrap();
        create_dir_all(root.path().join("etc/systemd/system")).unwrap();
        write(root.path().join("etc/systemd/system/driftless.service"), text).unwrap();
        Daemon::below(root.path(), &root.path().join("state"), true)
    }

    fn of_secret(path: &Path, user: &User) -> Option<Trouble> {
        daemon(user).secret(path, "token", "home-token")
    }

    fn says(path: &Path, user: &User) -> String {
        let what = of_secret(path, user).map(|trouble| trouble.what);
        what.unwrap_or_default().replace(&*path.to_string_lossy(), "PATH")
    }

    #[test]
    fn what_is_no_secret_is_said_whoever_reads_it() {
        let (dir, path) = secret("\n", 0o600);
        assert_eq!(says(&path, &User::this()), "PATH cannot be used: it is empty");
        assert!(says(dir.path(), &User::this()).ends_with("is a folder, not a file"));
        assert_eq!(of_secret(&dir.path().join("missing"), &User::this()), None);
        assert_eq!(
            daemon(&User::MadeUp).credential(&path).unwrap().what,
            format!("{} cannot be used: it is empty", path.display())
        );
        write(&path, "token").unwrap();
        assert_eq!(of_secret(&path, &User::this()), None);
        assert_eq!(daemon(&User::MadeUp).credential(&path), None);
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
        assert!(!says(&path, &known(metadata.uid() + 1000, &[metadata.gid()])).contains("cannot read"));
        assert_eq!(says(&path, &known(metadata.uid(), &[])), "");
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(!says(&path, &stranger).contains("cannot read"));
        set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        let help = of_secret(&path, &stranger).unwrap().help;
        assert!(help.unwrap().starts_with(&*dir.path().to_string_lossy()), "the folder is named");
    }

    #[test]
    fn a_user_that_is_made_up_gets_a_credential_with_the_lines_to_write() {
        let (_dir, path) = secret("token", 0o600);
        let trouble = of_secret(&path, &User::MadeUp).unwrap();
        let path = path.display();
        assert_eq!(trouble.what, format!("the service runs as a user that systemd makes up, which cannot read {path}"));
        assert_eq!(
            trouble.help.unwrap(),
            format!(
                "write token = {{ credential = \"home-token\" }}, and into \
                 /etc/systemd/system/driftless.service.d/credentials.conf\n\n[Service]\n\
                 LoadCredential=home-token:{path}\n\nthen: systemctl daemon-reload, and systemctl restart driftless if it runs"
            )
        );
    }

    #[test]
    fn the_unit_counts_before_the_first_start_and_where_systemd_is_at_work() {
        let shipped = include_str!("../../systemd/driftless.service");
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, text).unwrap();
        };
        let state = root.path().join("state");
        let user = |usual| Daemon::below(root.path(), &state, usual).user;
        assert_eq!(user(true), User::this(), "there is no unit");
        put("usr/local/lib/systemd/system/driftless.service", shipped);
        assert_eq!(user(true), User::MadeUp, "it is what will run it");
        assert_eq!(user(false), User::this());
        create_dir_all(&state).unwrap();
        let this = User::this();
        let expected = if this.is_root() { User::MadeUp } else { this };
        assert_eq!(user(true).who(), expected.who(), "without systemd somebody else may have run it, but not root");
        create_dir_all(root.path().join("run/systemd/system")).unwrap();
        assert_eq!(user(true), User::MadeUp);
        put("etc/passwd", "root:x:0:0::/root:/bin/sh\ndns:x:123:45::/:/bin/false\n");
        put("etc/group", "dns:x:45:\nsecrets:x:46:other,dns\n");
        put("etc/systemd/system/driftless.service.d/user.conf", "[Service]\nDynamicUser=no\nUser=dns\n");
        assert_eq!(user(true), User::Known { uid: 123, groups: vec![45, 46], name: Some("dns".into()) });
        put("etc/systemd/system/driftless.service.d/z.conf", "[Service]\nUser=\n");
        assert!(matches!(user(true), User::Known { uid: 0, .. }));
        assert_eq!(User::numbered(root.path(), 61_184, 61_184), User::MadeUp);
    }

    #[test]
    fn what_the_unit_hides_is_out_of_reach_whatever_its_permissions() {
        let (_dir, path) = secret("token", 0o644);
        let hides = unit("[Service]\nPrivateTmp=yes\n");
        if path.starts_with("/tmp") {
            assert!(hides.secret(&path, "token", "t").unwrap().what.contains("does not see what is in /tmp"));
            assert!(hides.file(&path, true).unwrap().what.contains("does not see what is in /tmp"));
        }
        assert!(hides.lacks("t"));
        assert!(!unit("[Service]\nLoadCredential=t:/etc/t\n").lacks("t"));
    }

    #[test]
    fn files_and_programs_must_be_there_and_within_reach() {
        let (dir, path) = secret("192.0.2.1", 0o600);
        let this = daemon(&User::this());
        assert_eq!((this.file(&path, true), this.replaced(&path, false)), (None, None));
        let missing = dir.path().join("missing");
        assert_eq!(this.file(&missing, false), None);
        assert!(
            this.file(&missing, true).unwrap().what.ends_with("cannot be read: No such file or directory (os error 2)")
        );
        assert!(
            this.program(&missing).unwrap().what.ends_with("cannot be run: No such file or directory (os error 2)")
        );
        assert!(this.program(dir.path()).unwrap().what.ends_with("is no program"));
        let said = this.program(&path).unwrap();
        assert!(said.what.contains("cannot run") && said.help.unwrap().starts_with(&*path.to_string_lossy()));
        set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        assert_eq!(this.program(&path), None);
        assert!(daemon(&User::MadeUp).program(&path).is_some());
        assert!(daemon(&User::MadeUp).file(&path, true).is_some());
    }

    #[test]
    fn a_file_that_is_replaced_needs_its_folder() {
        let (dir, path) = secret("zone", 0o644);
        let this = daemon(&User::this());
        let says = |trouble: Option<Trouble>| trouble.map(|trouble| trouble.what).unwrap_or_default();
        let missing = dir.path().join("missing");
        assert_eq!(this.replaced(&missing, true), None);
        assert!(says(this.replaced(&missing, false)).ends_with("is not there, and would not be made"));
        assert!(says(this.replaced(&missing.join("zone"), true)).contains("No such file or directory"));
        assert!(says(this.replaced(&path.join("zone"), true)).ends_with("is no folder"));
        assert!(says(this.replaced(dir.path(), true)).ends_with("is no plain file"));
        let uid = fs::metadata(&path).unwrap().uid();
        let stranger = daemon(&known(uid + 1000, &[uid + 1000]));
        assert!(says(stranger.replaced(&path, true)).contains("cannot write into"));
        let help =
            unit("[Service]\nDynamicUser=yes\nProtectSystem=strict\n").replaced(&path, true).unwrap().help.unwrap();
        assert!(help.contains(&format!("ReadWritePaths={}\n", dir.path().display())), "{help}");
        let folder = dir.path().display();
        let open = format!("[Service]\nProtectSystem=strict\nReadWritePaths={folder}\n");
        if matches!(User::this(), User::Known { uid: 0, .. }) {
            assert_eq!(unit(&open).replaced(&path, true), None);
        }
    }
}
