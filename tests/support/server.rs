//! A server of `tests/rig` that a test starts for itself and stops at its end.

use std::process::Command;

/// A server of the rig, stopped when the test ends in whatever way.
pub struct Rig {
    script: String,
    dir: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Rig {
    /// Starts it, with these variables beside a folder of its own.
    pub fn start(script: &str, variables: &[(&'static str, &str)]) -> Self {
        let script = format!("{}/tests/rig/{script}", env!("CARGO_MANIFEST_DIR"));
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let rig = Self { script, dir: tempfile::tempdir().unwrap(), variables };
        rig.run("start");
        rig
    }

    fn run(&self, what: &str) {
        let variables = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let mut command = Command::new(&self.script);
        command.arg(what).env("RIG_DIR", self.dir.path()).envs(variables);
        assert!(command.status().unwrap().success(), "{} {what}", self.script);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.run("stop");
    }
}
