//! The wall clock: what speaks for it and against it, without asking anybody for that alone.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Patient;
use crate::model::diagnosis::{Finding, Step};
use crate::model::time::Wall;
use crate::net::http::CLOCK_TOLERANCE;
use crate::os::clock;

/// Where systemd-timesyncd notes that the clock was set (systemd-time-wait-sync.service(8)).
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// Before this the program was not written: the beginning of 2026, in seconds since 1970.
const WRITTEN: Wall = Wall(1_767_225_600);

/// What to do about a clock that is wrong.
const SET_IT: &str = "set the clock and let it be kept (timedatectl set-ntp true, or any NTP client): signatures, certificates \
                      and waits go by it";

/// What is known of the wall clock.
#[derive(Clone, Debug, Default)]
struct Known {
    now: Wall,
    /// The service manager has set it by the network.
    synchronised: bool,
    /// The newest of the files that this program goes with.
    newest: Option<(PathBuf, Wall)>,
    /// Who answered, and by how many seconds their clocks are ahead.
    ahead: Vec<(String, i64)>,
}

impl Patient {
    /// Looks at the clock, once the services have been asked: each answer has said what time it is.
    pub fn look_at_clock(&mut self) {
        let ahead = self.accounts.iter().filter_map(|(name, (_, http))| Some((name.0.clone(), http.ahead()?)));
        let known = Known {
            now: clock::now().wall,
            synchronised: Path::new(SYNCHRONISED).exists(),
            newest: newest(&self.files()),
            ahead: ahead.collect(),
        };
        self.findings.push(judge(&known));
    }

    /// The program itself, its configuration and its state.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::env::current_exe().ok().into_iter().collect();
        if let Some(loaded) = &self.loaded {
            files.extend(loaded.input.files.iter().map(|(path, _)| path.clone()));
            files.extend(["ledger.json", "ledger.journal"].map(|name| loaded.config.state_dir.join(name)));
        }
        files
    }
}

fn newest(files: &[PathBuf]) -> Option<(PathBuf, Wall)> {
    let written = |path: &PathBuf| Some((path.clone(), Wall(std::fs::metadata(path).ok()?.mtime())));
    files.iter().filter_map(written).max_by_key(|(_, at)| at.0)
}

fn judge(known: &Known) -> Finding {
    let tolerance = i64::try_from(CLOCK_TOLERANCE.as_secs()).unwrap_or(i64::MAX);
    let now = known.now;
    let off = known.ahead.iter().filter(|(_, ahead)| ahead.abs() > tolerance).max_by_key(|(_, ahead)| ahead.abs());
    if let Some((account, ahead)) = off {
        let way = if *ahead > 0 { "behind" } else { "ahead of" };
        let by = span(ahead.unsigned_abs());
        let says = format!("it says {now}, which is {by} {way} the service of the account \"{account}\"");
        return Finding::failed(Step::Clock, 75, says).advice(SET_IT);
    }
    if now.0 < WRITTEN.0 {
        let says = format!("it says {now}, when this program was not written yet");
        return Finding::failed(Step::Clock, 75, says).advice(SET_IT);
    }
    if let Some((path, at)) = known.newest.as_ref().filter(|(_, at)| at.0 > now.0.saturating_add(tolerance)) {
        let says = format!("it says {now}, and {} was written at {at}, which is still to come", path.display());
        return Finding::warning(Step::Clock, says).advice(SET_IT);
    }
    let witness = match (known.ahead.iter().min_by_key(|(_, ahead)| ahead.abs()), known.synchronised) {
        (Some((account, _)), _) => format!("as the service of the account \"{account}\" does, two minutes aside"),
        (None, true) => "and is kept by systemd-timesyncd".to_owned(),
        (None, false) => "which nothing here contradicts".to_owned(),
    };
    Finding::ok(Step::Clock, format!("it says {now}, {witness}"))
}

/// A time span in words, in the largest unit that it fills twice.
fn span(seconds: u64) -> String {
    let units = [(86_400, "days"), (3600, "hours"), (60, "minutes")];
    let fits = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    fits.map_or_else(|| format!("{seconds} seconds"), |(unit, name)| format!("{} {name}", seconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnosis::Outcome;

    const NOW: Wall = Wall(WRITTEN.0 + 86_400);

    fn known(ahead: &[i64]) -> Known {
        let ahead = ahead.iter().map(|ahead| ("home".to_owned(), *ahead)).collect();
        Known { now: NOW, ahead, ..Known::default() }
    }

    #[test]
    fn a_service_that_says_another_time_proves_the_clock_wrong() {
        for (ahead, said) in [(7200, "2 hours behind"), (-400 * 86_400, "400 days ahead of"), (121, "2 minutes behind")]
        {
            let found = judge(&known(&[3, ahead]));
            assert_eq!((found.outcome, found.code), (Outcome::Failed, 75));
            assert!(found.says.contains(said) && found.advice.is_some(), "{found:?}");
        }
        assert_eq!(judge(&known(&[120, -120])).outcome, Outcome::Ok);
    }

    #[test]
    fn a_file_from_the_future_is_a_doubt_and_a_time_before_the_program_a_proof() {
        let newest = |at| Known { newest: Some(("/etc/driftless/driftless.toml".into(), Wall(at))), ..known(&[]) };
        let found = judge(&newest(NOW.0 + 3600));
        assert_eq!(found.outcome, Outcome::Warning);
        assert!(found.says.contains("driftless.toml was written at"), "{found:?}");
        assert_eq!(judge(&newest(NOW.0)).outcome, Outcome::Ok);
        assert_eq!(judge(&Known::default()).outcome, Outcome::Failed, "1970");
    }

    #[test]
    fn who_speaks_for_the_clock_is_said() {
        assert!(judge(&known(&[1])).says.contains("\"home\""));
        assert!(judge(&Known { synchronised: true, ..known(&[]) }).says.contains("systemd-timesyncd"));
        assert!(judge(&known(&[])).says.contains("nothing here contradicts"));
    }
}
