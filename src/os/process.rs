//! The process keeps its secrets to itself: no core files, no attaching debugger of the same user.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core files and, on Linux, makes the process not dumpable: others of the same user cannot attach to it or
/// read its memory and environment (prctl(2), PR_SET_DUMPABLE). To be called once, first thing in `main`.
///
/// # Errors
/// When the kernel refuses; the process can go on, less well protected.
pub fn harden() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    not_dumpable()
}

#[cfg(target_os = "linux")]
fn not_dumpable() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?)
}

#[cfg(not(target_os = "linux"))]
fn not_dumpable() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    use super::*;
    use crate::os::child;

    #[test]
    fn a_hardened_process_leaves_no_core_and_is_not_dumpable() {
        if child::is() {
            assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::Dumpable);
            harden().unwrap();
            assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
            let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
            let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
            harden().unwrap();
            return;
        }
        let mut again = child::again("os::process::tests::a_hardened_process_leaves_no_core_and_is_not_dumpable");
        child::succeeded(&again.output().unwrap());
    }
}
