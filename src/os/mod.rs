//! The operating system: clock, files, secrets, signals, network events, the service manager, the log.

pub mod clock;
pub mod file;
pub mod log;
pub mod netlink;
pub mod secret;
pub mod signals;
#[cfg(test)]
pub mod small_disk;
pub mod systemd;
