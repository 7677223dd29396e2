//! The operating system: clock, files, process, secrets, signals, network events, the service manager, the log.

#[cfg(test)]
pub(crate) mod child;
pub mod clock;
pub mod file;
pub mod listen;
pub mod log;
pub mod netlink;
pub mod process;
pub mod reach;
pub mod run;
pub mod secret;
pub mod signals;
#[cfg(test)]
pub mod small_disk;
pub mod systemd;
pub mod terminal;
pub mod unit;
