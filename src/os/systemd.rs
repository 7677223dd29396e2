//! The service manager: readiness, status, reload and watchdog (sd_notify(3)); outside systemd nothing happens.

use std::time::Duration;

/// The longest status, in characters: it is one line in `systemctl status`.
const STATUS: usize = 300;

/// The service manager as the environment names it: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`. What it is told
/// is never worth a failure: what cannot be sent is logged at `debug`.
#[derive(Debug)]
pub struct Manager {
    watchdog: Option<Duration>,
}

impl Manager {
    /// Reads what the service manager left in the environment.
    #[must_use]
    pub fn open() -> Self {
        // The manager acts after the whole time (WatchdogSec=); half of it is what sd_watchdog_enabled(3) recommends.
        Self { watchdog: sd::watchdog().map(|whole| whole / 2).filter(|half| !half.is_zero()) }
    }

    /// The service runs; also the end of a reload.
    pub fn ready(&self) {
        sd::ready();
    }

    /// What the service is doing, for people; one line of at most 300 characters, the rest is cut off.
    pub fn status(&self, text: &str) {
        sd::status(&line(text));
    }

    /// A reload has begun; [`Manager::ready`] ends it.
    pub fn reloading(&self) {
        sd::reloading();
    }

    /// The service ends in order.
    pub fn stopping(&self) {
        sd::stopping();
    }

    /// How often the watchdog must be fed, if there is one.
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Feeds the watchdog: to be called by the loop that must not hang, not by a timer of its own.
    pub fn feed(&self) {
        if self.watchdog.is_some() {
            sd::feed();
        }
    }
}

/// One line: a line break would start another assignment of the protocol.
fn line(text: &str) -> String {
    text.chars().take(STATUS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(target_os = "linux")]
mod sd {
    use std::time::Duration;

    use sd_notify::NotifyState;

    use crate::os::clock;

    pub fn watchdog() -> Option<Duration> {
        sd_notify::watchdog_enabled()
    }

    pub fn ready() {
        tell(&[NotifyState::Ready]);
    }

    pub fn status(text: &str) {
        tell(&[NotifyState::Status(text)]);
    }

    pub fn reloading() {
        // Both in one datagram, or systemd 253 and later do not take it (sd_notify(3)).
        tell(&[NotifyState::Reloading, NotifyState::MonotonicUsec(clock::monotonic_usec().into())]);
    }

    pub fn stopping() {
        tell(&[NotifyState::Stopping]);
    }

    pub fn feed() {
        tell(&[NotifyState::Watchdog]);
    }

    fn tell(words: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(words) {
            tracing::debug!(%error, "the service manager could not be told");
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod sd {
    use std::time::Duration;

    pub fn watchdog() -> Option<Duration> {
        None
    }

    pub fn ready() {}

    pub fn status(_: &str) {}

    pub fn reloading() {}

    pub fn stopping() {}

    pub fn feed() {}
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::os::{child, clock};

    /// Everything the daemon may say, in the order of a life.
    fn talk() {
        let manager = Manager::open();
        manager.ready();
        manager.status("two records\nWATCHDOG=trigger\u{7}");
        manager.reloading();
        manager.ready();
        manager.feed();
        manager.stopping();
        assert_eq!(manager.watchdog(), Some(Duration::from_secs(45)));
    }

    fn said(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn systemd_hears_every_word_and_no_other() {
        if child::is() {
            return talk();
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let before = clock::monotonic_usec();
        let mut again = child::again("os::systemd::tests::systemd_hears_every_word_and_no_other");
        let child = again.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "90000000").env_remove("WATCHDOG_PID");
        child::succeeded(&child.output().unwrap());

        assert_eq!(said(&socket), "READY=1\n");
        assert_eq!(said(&socket), "STATUS=two records WATCHDOG=trigger \n");
        let reload = said(&socket);
        let at = reload.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim().parse::<u64>().unwrap();
        assert!((before..=clock::monotonic_usec()).contains(&at), "{at}");
        assert_eq!(said(&socket), "READY=1\n");
        assert_eq!(said(&socket), "WATCHDOG=1\n");
        assert_eq!(said(&socket), "STOPPING=1\n");
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut [0; 1]).is_err(), "nothing else was said");
    }

    #[test]
    fn outside_systemd_and_for_another_process_there_is_no_watchdog() {
        if child::is() {
            let manager = Manager::open();
            assert_eq!(manager.watchdog(), None);
            manager.feed();
            manager.ready();
            return;
        }
        for environment in [&[][..], &[("WATCHDOG_USEC", "0")], &[("WATCHDOG_USEC", "9000000"), ("WATCHDOG_PID", "1")]]
        {
            let test = "os::systemd::tests::outside_systemd_and_for_another_process_there_is_no_watchdog";
            let mut again = child::again(test);
            for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
                again.env_remove(name);
            }
            child::succeeded(&again.envs(environment.iter().copied()).output().unwrap());
        }
    }

    #[test]
    fn a_manager_that_is_gone_does_no_harm() {
        if child::is() {
            return Manager::open().ready();
        }
        let mut again = child::again("os::systemd::tests::a_manager_that_is_gone_does_no_harm");
        child::succeeded(&again.env("NOTIFY_SOCKET", "/nonexistent/notify").output().unwrap());
    }

    #[test]
    fn a_status_is_one_short_line() {
        assert_eq!(line("a\nb\u{9b}c"), "a b c");
        assert_eq!(line(&"ü".repeat(1000)).chars().count(), STATUS);
    }
}
