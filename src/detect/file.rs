//! Addresses that something else writes into a file: a DHCP hook, a router's script.

use std::fs::File as OpenFile;
use std::io::Read;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::list::Form;
use super::{Detector, list};
use crate::model::agree::Reading;
use crate::model::record::Family;

/// The largest file that is read, in octets.
const MAX: u64 = 64 << 10;

/// The detector: an address a line, lines that start with `#` are comments.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    form: Form,
}

impl File {
    /// Reads `path` at each check; addresses of a network of one's own only with `private`.
    #[must_use]
    pub fn new(path: PathBuf, private: bool) -> Self {
        Self { path, form: Form { comments: true, private, prefix: None } }
    }

    /// The same file where it may hold prefixes of at most so many bits as well.
    #[must_use]
    pub fn with_prefixes(mut self, length: u8) -> Self {
        self.form.prefix = Some(length);
        self
    }
}

/// A whole file of at most `most` octets.
///
/// # Errors
/// It cannot be read, is no regular file, or is larger.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let fail = |error: std::io::Error| error.to_string();
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(fail)?.is_file() {
        return Err("it is not a regular file".into());
    }
    let mut octets = Vec::new();
    OpenFile::open(path).map_err(fail)?.take(most + 1).read_to_end(&mut octets).map_err(fail)?;
    if octets.len() as u64 > most {
        return Err(format!("it is larger than {most} octets"));
    }
    Ok(octets)
}

#[async_trait]
impl Detector for File {
    async fn detect(&self, family: Family) -> Reading {
        let path = self.path.display();
        match read(&self.path, MAX).and_then(|octets| list::parse(&octets, self.form)) {
            Ok(found) => list::of_family(found, family, &path.to_string()),
            Err(why) => Reading::Unknown(format!("{path}: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_check_reads_the_file_as_it_is_then() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("address");
        let file = File::new(path.clone(), false);
        let unknown = |reading| matches!(reading, Reading::Unknown(_));
        assert!(unknown(file.detect(Family::Ipv4).await), "missing");
        std::fs::write(&path, "# by the DHCP client\n8.8.8.8\n").unwrap();
        assert_eq!(file.detect(Family::Ipv4).await, Reading::Addresses(vec!["8.8.8.8".parse().unwrap()]));
        assert!(unknown(file.detect(Family::Ipv6).await), "never with certainty none");
        for bad in ["", "8.8.8.8 \u{200b}", "10.0.0.1\n", "<html>8.8.8.8</html>"] {
            std::fs::write(&path, bad).unwrap();
            assert!(unknown(file.detect(Family::Ipv4).await), "{bad}");
        }
        std::fs::write(&path, "#".repeat(70_000)).unwrap();
        assert!(unknown(file.detect(Family::Ipv4).await), "too large");
        assert!(unknown(File::new(dir.path().into(), false).detect(Family::Ipv4).await), "a directory");
    }

    #[tokio::test]
    async fn a_file_may_hold_the_prefix_that_a_hook_was_given() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prefix");
        std::fs::write(&path, "2a00:1:2::/56\n").unwrap();
        let file = File::new(path.clone(), false).with_prefixes(64);
        assert_eq!(file.detect(Family::Ipv6).await, Reading::Addresses(vec!["2a00:1:2::".parse().unwrap()]));
        let without = File::new(path, false).detect(Family::Ipv6).await;
        assert!(matches!(without, Reading::Unknown(_)), "a prefix is no address: {without}");
    }

    #[tokio::test]
    async fn a_pipe_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        let reading = File::new(path, false).detect(Family::Ipv4).await;
        assert!(matches!(reading, Reading::Unknown(why) if why.contains("regular")));
    }
}
