//! Addresses that something else writes into a file: a DHCP hook, a router's script.

use std::fs::File as OpenFile;
use std::io::Read;
use std::path::PathBuf;

use async_trait::async_trait;

use super::{Detector, list};
use crate::model::agree::Reading;
use crate::model::record::Family;

/// The largest file that is read, in octets.
const MAX: u64 = 64 << 10;

/// The detector: an address a line, lines that start with `#` are comments.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    private: bool,
}

impl File {
    /// Reads `path` at each check; addresses of a network of one's own only with `private`.
    #[must_use]
    pub fn new(path: PathBuf, private: bool) -> Self {
        Self { path, private }
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        let fail = |error: std::io::Error| error.to_string();
        // Opening a pipe would wait for its writer.
        if !std::fs::metadata(&self.path).map_err(fail)?.is_file() {
            return Err("it is not a regular file".into());
        }
        let mut octets = Vec::new();
        OpenFile::open(&self.path).map_err(fail)?.take(MAX + 1).read_to_end(&mut octets).map_err(fail)?;
        if octets.len() as u64 > MAX {
            return Err(format!("it is larger than {MAX} octets"));
        }
        Ok(octets)
    }
}

#[async_trait]
impl Detector for File {
    async fn detect(&self, family: Family) -> Reading {
        let path = self.path.display();
        match self.read().and_then(|octets| list::parse(&octets, true, self.private)) {
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
    async fn a_pipe_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
        let reading = File::new(path, false).detect(Family::Ipv4).await;
        assert!(matches!(reading, Reading::Unknown(why) if why.contains("regular")));
    }
}
