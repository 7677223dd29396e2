//! Tests that need a process of their own: the test binary runs one of its tests a second time, as a child.

use std::process::{Command, Output, Stdio};

/// A filter that matches no test and so marks the child.
const MARK: &str = "as-a-child";

/// A command that runs `test` (its full path) in a child. The child's standard output belongs to the test harness;
/// what the test has to say goes to standard error.
pub fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, MARK, "--nocapture", "--test-threads=1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Asserts that the child ran its test (a misspelt path would run none) and that it passed.
pub fn succeeded(child: &Output) {
    let said = String::from_utf8_lossy(&child.stdout);
    let why = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{}: {said}{why}", child.status);
}

/// Whether this process is such a child.
pub fn is() -> bool {
    std::env::args().any(|argument| argument == MARK)
}
